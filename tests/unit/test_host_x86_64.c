/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_x86_64.c: the x86-64 emitter against the interpreter. Random blocks, made of steps like those of guest instructions and of wilder ones
 * whose values live long, run both ways from random states: registers, flags, memory, vectors and the next address must agree.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/context.h"
#include "host/host.h"
#include "host/icache.h"
#include "ir/build.h"
#include "ir/helpers.h"
#include "random.h"

#if defined __x86_64__ && !defined TEST_HOST
#define TEST_HOST host_x86_64
#endif
#ifdef TEST_HOST                     /* test_host_aarch64.c includes this file for its own */
enum { JUMP_BITS = 4, N_XMM = 16, MEMORY_SIZE = 4096 };
struct guest {
    uint64_t gpr[16], pc;
    uint16_t flags, pad[3];
    uint64_t base, gbase;
    uint32_t fpcr, pad1;
    uint64_t pad2[2];
    union { uint8_t b[16]; uint64_t q[2]; } vec[N_XMM][4] __attribute__((aligned(64)));
};
struct machine {
    struct guest g;
    void *self;
    uint64_t host_sp, ret_sp, ret_base, exit_info, exit_target;
    uint32_t host_fpcr;
    uint8_t spill[1024] __attribute__((aligned(64)));
    struct { uint64_t pc, code; } cache[1 << JUMP_BITS];
    uint64_t ret_stack[64];
};
enum { POLL = 2 * 4096 };
_Static_assert(sizeof(struct machine) <= POLL, "the poll page has a page of its own");
#define OFF(f) ((uint32_t)offsetof(struct machine, f))
#define GPR(n) ((unsigned)(8 * (n)))
#define VEC(n) ((unsigned)(offsetof(struct guest, vec) + 64 * (n)))
static const struct host_offsets offsets = {
    .self = OFF(self), .host_sp = OFF(host_sp), .ret_sp = OFF(ret_sp), .ret_base = OFF(ret_base), .exit_info = OFF(exit_info),
    .exit_target = OFF(exit_target), .jump_cache = OFF(cache), .jump_cache_bits = JUMP_BITS, .poll_page = POLL, .spill = OFF(spill),
    .spill_size = 1024, .host_fpcr = OFF(host_fpcr), .pc = OFF(g.pc), .flags = OFF(g.flags), .fpcr = OFF(g.fpcr),
};
#define G(n, name) { 8 * n, IR_I64, name }
#define V(n) { offsetof(struct guest, vec) + 64 * n, IR_V128, "xmm" #n }
static const struct guest_slot slots[] = {
    G(0, "rax"), G(1, "rcx"), G(2, "rdx"), G(3, "rbx"), G(4, "rsp"), G(5, "rbp"), G(6, "rsi"), G(7, "rdi"), G(8, "r8"), G(12, "r12"), G(13, "r13"),
    G(14, "r14"), G(9, "r9"), G(15, "r15"), G(10, "r10"), G(11, "r11"), V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9), V(10), V(11), V(12), V(13), V(14), V(15),
};

static uint64_t plain(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { struct guest *g = s; return g->gpr[1] += (a ^ b) + (c ^ d); }
static uint64_t reads(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { struct guest *g = s; return g->gpr[2] ^= g->flags & IR_FLAGS_WORD; }
static uint64_t writes(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { struct guest *g = s; g->flags = (uint16_t)(a & IR_FLAGS_WORD); return b; }
static uint64_t pure(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return a * 3 + b + (c >> 1) - d; }
static uint64_t control(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { struct guest *g = s; g->vec[3][0].q[1] ^= a; return g->fpcr & 0xffc0; }
const struct ir_helper ir_helpers[] = {
    { "plain", plain, 4, 0 }, { "reads", reads, 0, IR_H_READS_FLAGS }, { "writes", writes, 2, IR_H_WRITES_FLAGS }, { "pure", pure, 4, IR_H_PURE },
    { "control", control, 1, IR_H_FPCR },
};
const unsigned ir_n_helpers = 5;
static sigjmp_buf interpreter_fault;
static volatile bool interpreting;
void ir_divide_error(void *state) { abort(); }
void ir_alignment_fault(void *state) { siglongjmp(interpreter_fault, 1); }
void ir_fp_fault(void *state, unsigned mxcsr_flags) { abort(); }

static struct machine *machine;
static uint8_t *memory, *code_rw;
static uint64_t code_rx;
static size_t stubs_size;
static struct host_env env = { .offsets = &offsets, .slots = slots, .n_slots = sizeof slots / sizeof *slots, .return_stack = true };
static const struct ir_interp_env interp_env = { .pc_offset = OFF(g.pc), .flags_offset = OFF(g.flags), .fpcr_offset = OFF(g.fpcr) };
static struct host_code code;
static struct ir_block block;
static struct ir_builder B;

/* --- random steps --- */

static enum ir_type int_type(void) { return IR_I8 + rnd(4); }
static ir_ref imm(enum ir_type t, int64_t v) { return ir_const(&B, t, v); }
static ir_ref pool[IR_MAX_INSNS];
static unsigned n_pool;
static ir_ref keep(ir_ref r)
{
    if (n_pool < IR_MAX_INSNS)
        pool[n_pool++] = r;
    return r;
}
static unsigned reg(void)
{
    unsigned r = rnd(16);
    return r == 4 ? 5 : r;
}
static ir_ref get(enum ir_type t, unsigned r) { return keep(ir_get(&B, t, GPR(r))); }
static void put(enum ir_type t, unsigned r, ir_ref v)
{
    if (t == IR_I32) {
        v = keep(ir_zext(&B, IR_I64, v));
        t = IR_I64;
    }
    ir_put(&B, t, GPR(r), v);
}

/* a value of this type: a register, a constant, sometimes one from long ago */
static ir_ref old_value(enum ir_type t)
{
    for (unsigned k = 0; k < 20 && n_pool; k++) {
        ir_ref r = pool[rnd(n_pool)];
        if (ir_typeof(&B, r) == t)
            return r;
    }
    return t == IR_V128 ? keep(ir_get(&B, t, VEC(rnd(N_XMM)))) : imm(t, corner());
}
static ir_ref value(enum ir_type t)
{
    switch (rnd(8)) {
    case 0: return old_value(t);
    case 1: case 2: return imm(t, corner());
    case 3: if (t == IR_I8) return keep(ir_get(&B, IR_I8, GPR(rnd(4)) + 1));
    /* fall through */
    default: return get(t, reg());
    }
}
static bool faulty;                  /* some addresses fault */
static ir_ref address(void)
{
    if (faulty && rnd(10) == 0)
        return ir_lea(&B, IR_I64, rnd(2) ? ir_get(&B, IR_I64, OFF(g.base)) : imm(IR_I64, (int64_t)(uintptr_t)memory), IR_NONE, 0, MEMORY_SIZE + 16 * (int)rnd(16));
    switch (rnd(4)) {
    case 0: return ir_lea(&B, IR_I64, ir_get(&B, IR_I64, GPR(4)), IR_NONE, 0, 8 * (int)rnd(32));
    case 1: return imm(IR_I64, (int64_t)(uintptr_t)memory + 8 * rnd(64));
    case 2: return ir_lea(&B, IR_I64, imm(IR_I64, (int64_t)(uintptr_t)memory), ir_op2(&B, IR_AND, IR_I64, get(IR_I64, reg()), imm(IR_I64, 0xff)), rnd(4), rnd(64));
    default: return ir_lea(&B, IR_I64, ir_get(&B, IR_I64, OFF(g.base)), ir_op2(&B, IR_AND, IR_I64, old_value(IR_I64), imm(IR_I64, 0x7f)), rnd(4), rnd(64));
    }
}
static ir_ref any_cond(void)
{
    if (rnd(4))
        return ir_cond(&B, rnd(16));
    enum ir_type t = int_type();
    return ir_emit(&B, IR_CMP, IR_I1, t, rnd(16), 0, value(t), value(t), IR_NONE, 0);
}
/* one instruction's destination: register or memory, read, changed, written */
struct place { bool mem; unsigned r; ir_ref addr; };
static ir_ref read_place(struct place *p, enum ir_type t)
{
    p->mem = rnd(4) == 0;
    p->r = reg();
    if (!p->mem)
        return get(t, p->r);
    p->addr = address();
    return keep(ir_load(&B, t, p->addr, 0));
}
static void write_place(const struct place *p, enum ir_type t, ir_ref v)
{
    if (p->mem)
        ir_store(&B, t, p->addr, v, 0);
    else
        put(t, p->r, v);
}
static ir_ref operand(enum ir_type t, const struct place *p) { return !p->mem && rnd(4) == 0 ? keep(ir_load(&B, t, address(), 0)) : value(t); }

static void step_alu(void)
{
    static const uint8_t op[] = { IR_ADDF, IR_SUBF, IR_ANDF, IR_ORF, IR_XORF, IR_ADCF, IR_SBBF };
    enum ir_type t = int_type();
    struct place p;
    unsigned o = op[rnd(7)];
    ir_ref a = read_place(&p, t), b = operand(t, &p);
    ir_ref c = o == IR_ADCF || o == IR_SBBF ? (rnd(8) ? ir_cond(&B, IR_CC_B) : any_cond()) : IR_NONE;
    ir_ref r = keep(ir_op3(&B, o, t, a, b, c));
    if (rnd(4) || p.mem)
        write_place(&p, t, r);
    ir_putf(&B, IR_F_ALL, r);
}
static void step_unary(void)
{
    static const uint8_t op[] = { IR_NEGF, IR_INCF, IR_DECF, IR_NOT };
    enum ir_type t = int_type();
    struct place p;
    unsigned o = op[rnd(4)];
    ir_ref a = read_place(&p, t), r = keep(ir_op1(&B, o, t, a));
    write_place(&p, t, r);
    if (o != IR_NOT)
        ir_putf(&B, o == IR_NEGF ? IR_F_ALL : IR_F_ALL & ~IR_F_C, r);
}
/* as x86's shifts: by a variable count they change nothing when it is 0. What is undefined is put right behind them */
static void put_shift_flags(ir_ref r, unsigned mask, unsigned undefined)
{
    undefined = (undefined | IR_F_A) & mask;
    ir_putf(&B, mask, r);
    if (undefined)
        ir_putf(&B, undefined, ir_op1(&B, IR_MKF, IR_I32, imm(IR_I32, rnd(2) ? IR_FLAGS_WORD : 0)));
}
static void step_shift(void)
{
    enum ir_type t = int_type();
    struct place p;
    unsigned o = IR_SHLF + rnd(7), bits = ir_type_size[t] * 8;
    ir_ref a = read_place(&p, t), c = IR_NONE;
    ir_ref n = rnd(2) ? imm(IR_I8, 1 + rnd(bits - 1)) : ir_op2(&B, IR_AND, IR_I8, value(IR_I8), imm(IR_I8, (int)bits - 1));
    if (o >= IR_RCLF)
        c = ir_cond(&B, IR_CC_B);
    ir_ref r = keep(ir_op3(&B, o, t, a, n, c));
    bool constant = block.insn[n].op == IR_CONST;
    write_place(&p, t, r);
    put_shift_flags(r, o >= IR_ROLF ? IR_F_C | IR_F_O : IR_F_ALL, constant && block.insn[n].imm == 1 ? 0 : IR_F_O);
}
static void step_shift_plain(void)
{
    enum ir_type t = int_type();
    unsigned d = reg();
    ir_ref r = keep(ir_op2(&B, IR_SHL + rnd(5), t, value(t), rnd(2) ? imm(IR_I8, rnd(64)) : value(IR_I8)));
    put(t, d, r);
}
static void step_shift_double(void)
{
    enum ir_type t = IR_I16 + rnd(3);
    struct place p;
    ir_ref a = read_place(&p, t), b = value(t), n = t == IR_I16 ? imm(IR_I8, 1 + rnd(15)) : rnd(2) ? imm(IR_I8, 1 + rnd(31)) : value(IR_I8);
    ir_ref r = keep(ir_op3(&B, IR_SHLDF + rnd(2), t, a, b, n));
    write_place(&p, t, r);
    if (block.insn[n].op != IR_CONST || (block.insn[n].imm & (t == IR_I64 ? 63 : 31)))
        put_shift_flags(r, IR_F_ALL, IR_F_O);
}
static void step_mul(void)
{
    enum ir_type t = int_type();
    unsigned o = IR_UMULF + rnd(2);
    ir_ref lo = keep(ir_op2(&B, o, t, rnd(2) ? get(t, 0) : value(t), value(t)));
    if (rnd(2)) {
        ir_ref hi = keep(ir_op1(&B, IR_SECOND, t, lo));
        put(t, rnd(2) ? 0 : reg(), lo);
        put(t, rnd(2) ? 2 : reg(), hi);
    } else
        put(t, reg(), lo);
    if (rnd(2))
        ir_putf(&B, IR_F_C | IR_F_O, lo);
}
static void step_div(void)
{
    enum ir_type t = int_type();
    bool is_signed = rnd(2);
    ir_ref d = ir_op2(&B, IR_OR, t, value(t), imm(t, 1)), lo = value(t), hi;
    if (is_signed) {
        d = ir_op2(&B, IR_AND, t, d, imm(t, 0x7f));
        lo = ir_op2(&B, IR_AND, t, rnd(2) ? get(t, 0) : lo, imm(t, t == IR_I8 ? 0x7f : 0x7fff));
    }
    if (rnd(2) && !is_signed) {
        hi = get(t, 2);
        d = keep(ir_op2(&B, IR_OR, t, hi, imm(t, (int64_t)1 << (8 * ir_type_size[t] - 1))));
        hi = ir_op2(&B, IR_SHR, t, hi, imm(IR_I8, 1));
    } else
        hi = imm(t, 0);
    ir_ref q = keep(ir_op3(&B, is_signed ? IR_DIVS : IR_DIVU, t, hi, lo, d));
    ir_ref r = rnd(4) ? keep(ir_op1(&B, IR_SECOND, t, q)) : IR_NONE;
    put(t, rnd(2) ? 0 : reg(), q);
    if (r != IR_NONE)
        put(t, rnd(2) ? 2 : reg(), r);
}
static void step_move(void)
{
    enum ir_type t = int_type();
    struct place p;
    switch (rnd(8)) {
    case 0: put(t, reg(), keep(ir_load(&B, t, address(), 0))); break;
    case 1: p.addr = address(); ir_store(&B, t, p.addr, value(t), 0); break;
    case 2: put(IR_I64, reg(), keep(ir_sext(&B, IR_I64, operand(int_type(), &(struct place){0})))); break;
    case 3: put(IR_I64, reg(), keep(ir_zext(&B, IR_I64, operand(int_type(), &(struct place){0})))); break;
    case 4: ir_put(&B, IR_I8, GPR(rnd(4)) + 1, value(IR_I8)); break;
    case 5: put(IR_I16, reg(), keep(rnd(2) ? ir_zext(&B, IR_I16, value(IR_I8)) : ir_sext(&B, IR_I16, value(IR_I8)))); break;
    case 6: put(IR_I8, reg(), keep(ir_trunc(&B, IR_I8, value(int_type())))); break;
    default: put(t, reg(), value(t));
    }
}
static void step_exchange(void)
{
    enum ir_type t = int_type();
    unsigned x = reg(), y = reg();
    ir_ref a = get(t, x), b = get(t, y);
    put(t, x, b);
    put(t, y, a);
}
static void step_lea(void)
{
    enum ir_type t = IR_I32 + rnd(2);
    put(t, reg(), keep(ir_lea(&B, t, value(t), rnd(2) ? value(t) : IR_NONE, rnd(4), corner())));
}
static void step_prefetch(void)          /* of any address, mapped or not */
{
    ir_ref a = rnd(2) ? address() : ir_lea(&B, IR_I64, value(IR_I64), rnd(2) ? value(IR_I64) : IR_NONE, rnd(4), corner());
    ir_emit(&B, IR_PREFETCH, IR_VOID, 0, rnd(IR_PREFETCH_WRITE + 1), 0, a, IR_NONE, IR_NONE, 0);
}
static void step_cond(void)
{
    enum ir_type t = IR_I16 + rnd(3);
    switch (rnd(3)) {
    case 0: put(IR_I8, reg(), keep(ir_zext(&B, IR_I8, any_cond()))); break;
    case 1: put(IR_I64, reg(), keep(ir_zext(&B, IR_I64, any_cond()))); break;
    default: put(t, reg(), keep(ir_op3(&B, IR_SELECT, t, any_cond(), value(t), value(t))));
    }
}
static void step_bits(void)
{
    enum ir_type t = IR_I16 + rnd(3);
    ir_ref r;
    switch (rnd(7)) {
    case 0: r = ir_op1(&B, IR_CLZ, t, value(t)); break;
    case 1: r = ir_op1(&B, IR_CTZ, t, value(t)); break;
    case 2: r = ir_op1(&B, IR_POPCNT, t, value(t)); break;
    case 3: r = ir_op1(&B, IR_BSWAP, t, value(t)); break;
    case 4:
        t = IR_I32 + rnd(2);
        r = ir_op2(&B, rnd(2) ? IR_PEXT : IR_PDEP, t, value(t), value(t));
        break;
    case 5: {
        enum ir_type from = int_type();
        t = IR_I32;
        r = ir_emit(&B, IR_CRC32C, t, from, 0, 0, value(t), value(from), IR_NONE, 0);
        break;
    }
    default:
        r = ir_op2(&B, IR_BTF, t, value(t), value(t));
        put(t, reg(), keep(r));
        ir_putf(&B, IR_F_C, r);
        return;
    }
    put(t, reg(), keep(r));
}
static void step_plain(void)
{
    static const uint8_t op[] = { IR_ADD, IR_SUB, IR_MUL, IR_AND, IR_OR, IR_XOR };
    enum ir_type t = int_type();
    struct place p;
    ir_ref a = read_place(&p, t), r = keep(ir_op2(&B, op[rnd(6)], t, a, operand(t, &p)));
    write_place(&p, t, r);
}
static void step_stack(void)
{
    ir_ref sp = ir_get(&B, IR_I64, GPR(4));
    if (rnd(2)) {
        ir_ref to = ir_lea(&B, IR_I64, sp, IR_NONE, 0, -8);
        ir_store(&B, IR_I64, to, get(IR_I64, rnd(16)), IR_MEM_STACK);
        ir_put(&B, IR_I64, GPR(4), to);
    } else {
        ir_ref v = ir_load(&B, IR_I64, sp, IR_MEM_STACK);
        ir_put(&B, IR_I64, GPR(4), ir_lea(&B, IR_I64, sp, IR_NONE, 0, 8));
        put(IR_I64, reg(), v);
    }
}
static void step_atomic(void)
{
    enum ir_type t = int_type();
    ir_ref a = address(), x = value(t), old, r;
    unsigned k = rnd(6);
    if (k == 5) {
        ir_ref expected = rnd(2) ? get(t, 0) : keep(ir_load(&B, t, a, 0));
        old = keep(ir_emit(&B, IR_CAS, t, 0, IR_MEM_ATOMIC, 0, a, expected, x, 0));
        r = ir_op2(&B, IR_SUBF, t, expected, old);
        ir_ref equal = ir_emit(&B, IR_CMP, IR_I1, t, IR_CC_E, 0, expected, old, IR_NONE, 0);
        put(IR_I64, 0, ir_op3(&B, IR_SELECT, IR_I64, equal, get(IR_I64, 0), ir_zext(&B, IR_I64, old)));
        ir_putf(&B, IR_F_ALL, r);
        return;
    }
    old = keep(ir_emit(&B, IR_AADD + k, t, 0, IR_MEM_ATOMIC, 0, a, x, IR_NONE, 0));
    if (k < 4 && rnd(2)) {
        static const uint8_t flags_form[] = { IR_ADDF, IR_ANDF, IR_ORF, IR_XORF };
        r = ir_op2(&B, flags_form[k], t, old, x);
        ir_putf(&B, IR_F_ALL, r);
    }
    if (rnd(2))
        put(t, reg(), old);
}
static void step_call(void)
{
    unsigned h = rnd(5);
    ir_ref arg[4];
    for (unsigned k = 0; k < 4; k++)
        arg[k] = k < ir_helpers[h].n_args ? value(int_type()) : IR_NONE;
    ir_ref r = keep(ir_call(&B, h, IR_I64, arg[0], arg[1], arg[2], arg[3]));
    if (rnd(2))
        put(IR_I64, reg(), r);
}
static void step_flags(void)
{
    switch (rnd(4)) {
    case 0: put(IR_I32, reg(), ir_op2(&B, IR_AND, IR_I32, ir_getf(&B), imm(IR_I32, IR_FLAGS_WORD))); break;
    case 1: ir_putf(&B, IR_F_ALL & ~IR_F_O, ir_op1(&B, IR_MKF, IR_I32, value(IR_I32))); break;
    case 2: ir_putf(&B, 1u << rnd(6), ir_op1(&B, IR_MKF, IR_I32, imm(IR_I32, rnd(2) ? IR_FLAGS_WORD : 0))); break;
    default: ir_putf(&B, rnd(64), ir_op1(&B, IR_MKF, IR_I32, value(IR_I32)));
    }
}
static void step_exit_if(void)
{
    ir_emit(&B, IR_EXITIF, IR_VOID, IR_F_ALL, 0, rnd(2), any_cond(), IR_NONE, IR_NONE, 0x1000 + rnd(1000));
}
static ir_ref aligned_address(void)
{
    if (faulty && rnd(10) == 0)
        return address();
    return rnd(2) ? imm(IR_I64, (int64_t)(uintptr_t)memory + 16 * rnd(64)) : ir_lea(&B, IR_I64, ir_get(&B, IR_I64, OFF(g.base)), IR_NONE, 0, 16 * rnd(64));
}
#include "test_host_vectors.h"

static void (*const steps[])(void) = {
    step_alu, step_alu, step_alu, step_unary, step_shift, step_shift_plain, step_shift_double, step_mul, step_div, step_move, step_move, step_exchange,
    step_lea, step_prefetch, step_cond, step_bits, step_plain, step_stack, step_atomic, step_call, step_flags, step_exit_if, step_vector, step_vector, step_vector_op, step_float, step_float,
};
static unsigned n_steps = sizeof steps / sizeof *steps;

static void make_block(unsigned n)
{
    uint64_t pc = 0x400000 + rnd(1000);
    ir_build_start(&B, &block, pc);
    n_pool = 0;
    for (unsigned k = 0; k < n; k++) {
        ir_insn_start(&B, pc, 3);
        pc += 3;
        steps[rnd(n_steps)]();
    }
    ir_insn_start(&B, pc, 3);
    switch (rnd(4)) {
    case 0: ir_emit(&B, IR_EXITIND, IR_VOID, IR_F_ALL, 0, 0, value(IR_I64), IR_NONE, IR_NONE, 0); break;
    case 1: ir_emit(&B, IR_EXITRET, IR_VOID, IR_F_ALL, 0, 0, value(IR_I64), IR_NONE, IR_NONE, 0); break;
    case 2: ir_emit(&B, IR_TRAP, IR_VOID, IR_F_ALL, IR_TRAP_SYSCALL, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc); break;
    default: ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, rnd(2), IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
    }
}

/* --- running --- */

static const struct host_map *fault_map;
static unsigned n_faults, n_polls;

#ifdef TEST_RUNS
static void (*fill_state)(struct guest *g);
#endif

static void random_state(struct guest *g)
{
    memset(g, 0, sizeof *g);
    for (unsigned k = 0; k < 16; k++)
        g->gpr[k] = (uint64_t)corner();
    g->gpr[4] = (uint64_t)(uintptr_t)memory + MEMORY_SIZE / 2;
    g->base = (uint64_t)(uintptr_t)memory;
    g->flags = (uint16_t)(corner() & IR_FLAGS_WORD);
    g->fpcr = 0x1f80;
    for (unsigned k = 0; k < N_XMM; k++)
        random_vector(g->vec[k][0].b);
    for (unsigned k = 0; k < MEMORY_SIZE / 8; k++)
        ((uint64_t *)memory)[k] = (uint64_t)corner();
#ifdef TEST_RUNS
    if (fill_state)
        fill_state(g);
#endif
}

static int run_native_at(uint64_t entry)
{
    machine->self = machine;
    machine->ret_base = machine->ret_sp = (uint64_t)(uintptr_t)&machine->ret_stack[48];
    machine->ret_stack[48] = env.stubs.ret_empty;
    uint64_t (*enter)(void *, uint64_t) = (uint64_t (*)(void *, uint64_t))(uintptr_t)env.stubs.enter;
    if (sigsetjmp(interpreter_fault, 1)) {               /* C code of the host's was left by a fault */
        static const struct host_map in_c;
        fault_map = &in_c;
        n_faults++;
        return IR_N_TRAPS;
    }
    uint64_t why = enter(machine, entry);
    return why >= HOST_R_TRAP ? (int)(why - HOST_R_TRAP) : -1;
}
static int run_native(void) { return run_native_at(code_rx + stubs_size); }

static int emit(const char **why)
{
    memset(&code, 0, offsetof(struct host_code, exits));
    code.rw = code_rw + stubs_size;
    code.rx = code_rx + stubs_size;
    code.capacity = 0x40000;
    int r = TEST_HOST.emit(&env, &block, &code, why);
    if (!r)
        host_icache_flush(code.rw, code.rx, code.size);
    return r;
}

static void dump(void)
{
    char text[256];
    ir_print(stderr, &block);
    for (uint32_t at = 0; at < code.size && TEST_HOST.disassemble;) {
        size_t n = TEST_HOST.disassemble(code.rw + at, code.rx + at, text, sizeof text);
        fprintf(stderr, "%5x  %s\n", at, text);
        at += (uint32_t)n;
    }
}

static bool same_state(const struct guest *a, const struct guest *b)
{
    bool same = true;
    for (unsigned k = 0; k < 16; k++)
        if (a->gpr[k] != b->gpr[k])
            same = false, fprintf(stderr, "r%u: native %#lx, interpreted %#lx\n", k, (long)a->gpr[k], (long)b->gpr[k]);
    if ((a->flags ^ b->flags) & IR_FLAGS_WORD)
        same = false, fprintf(stderr, "flags: native %#x, interpreted %#x\n", a->flags & IR_FLAGS_WORD, b->flags & IR_FLAGS_WORD);
    if (a->pc != b->pc || a->fpcr != b->fpcr || a->base != b->base || a->gbase != b->gbase)
        same = false, fprintf(stderr, "pc %#lx %#lx, fpcr %#x %#x\n", (long)a->pc, (long)b->pc, a->fpcr, b->fpcr);
    for (unsigned k = 0; k < N_XMM; k++)
        if (memcmp(&a->vec[k][0], &b->vec[k][0], 16))
            same = false, fprintf(stderr, "xmm%u: native %016lx%016lx, interpreted %016lx%016lx\n", k, (long)a->vec[k][0].q[1], (long)a->vec[k][0].q[0],
                                  (long)b->vec[k][0].q[1], (long)b->vec[k][0].q[0]);
    return same;
}

/* A poll stops before a guest instruction: interpret up to there. */
static void cut_block_at(uint64_t pc)
{
    unsigned i = 0;
    while (i < block.n && !(block.insn[i].op == IR_INSN && (uint64_t)block.insn[i].imm == pc))
        i++;
    if (i == block.n)                                   /* on the way out: all of it has run */
        return;
    block.insn[i] = (struct ir_insn){ .op = IR_TRAP, .aux = IR_TRAP_SINGLE, .lane = IR_F_ALL, .imm = (int64_t)pc, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } };
    block.n = i + 1;
}

/* of native code, against the machine's and the memory's, which are the interpreter's */
static bool same_outcome(const struct guest *after, const uint8_t *memory_after, int native, int interpreted)
{
    bool same = same_state(after, &machine->g) && native == interpreted;
    if (memcmp(memory, memory_after, MEMORY_SIZE))
        same = false, fprintf(stderr, "memory differs\n");
    if (native != interpreted)
        fprintf(stderr, "trap: native %d, interpreted %d\n", native, interpreted);
    return same;
}

static int interpret(uint64_t *next)
{
    int result;
    interpreting = true;
    if (sigsetjmp(interpreter_fault, 1)) {
        *next = machine->g.pc;
        result = IR_N_TRAPS;
    } else
        result = ir_interp(&block, machine, &interp_env, next);
    interpreting = false;
    return result;
}

static unsigned n_splits;

static bool compare_once(void)
{
    static struct guest start, after;
    static uint8_t memory_start[MEMORY_SIZE], memory_after[MEMORY_SIZE];
    uint64_t next = 0;
    random_state(&start);
    memcpy(memory_start, memory, MEMORY_SIZE);
    machine->g = start;
    int native = run_native();
    after = machine->g;
    memcpy(memory_after, memory, MEMORY_SIZE);
    machine->g = start;
    memcpy(memory, memory_start, MEMORY_SIZE);
    bool poll = native == IR_N_TRAPS && fault_map->flags & HOST_MAP_POLL, split = native == HOST_R_RUN - HOST_R_TRAP;
    n_splits += split;
    if (poll || split)
        cut_block_at(after.pc);
    int interpreted = interpret(&next);
    if (poll || split) {                                 /* flags that nobody reads may be old */
        interpreted = native;
        machine->g.flags = after.flags;
    }
    machine->g.pc = next;
    return same_outcome(&after, memory_after, native, interpreted);
}

static unsigned n_refused;
static uint64_t current_seed;

static void start_seed(uint64_t s)
{
    current_seed = s;
    set_seed(s);
}

/* of translated code: what the engine does */
static bool leave_fault(void *context, uint64_t pc)
{
    uint64_t offset = pc - (code_rx + stubs_size);
    const struct host_map *m = NULL;
    for (unsigned k = 0; k < code.n_map && code.map[k].offset <= offset; k++)
        m = &code.map[k];
    if (!faulty || offset >= code.size || !m)
        return false;
    if (m->flags & HOST_MAP_LEAVE) {
        host_context_set_pc(context, code_rx + stubs_size + (m->pc - block.guest_pc));
        return true;
    }
    bool loop = m->flags & HOST_MAP_LOOP, undone = loop && !TEST_HOST.sync_loop(&env, context, m, machine);
    if (!loop)
        TEST_HOST.sync(&env, context, m, machine);
    if (m->pc != HOST_MAP_PC_IN_STATE)
        machine->g.pc = undone ? block.guest_pc : m->pc;
    fault_map = m;
    m->flags & HOST_MAP_POLL ? n_polls++ : n_faults++;
    host_context_set_pc(context, env.stubs.leave_fault);
    return true;
}

static void crashed(int sig, siginfo_t *info, void *context)
{
    uint64_t pc = host_context_pc(context);
    if (faulty && sig == SIGSEGV && (interpreting || pc - code_rx >= stubs_size + code.size))
        siglongjmp(interpreter_fault, 1);
    if (leave_fault(context, pc))
        return;
    fprintf(stderr, "signal %d at %#lx (offset %#lx), address %p, seed %lu\n", sig, (long)pc, (long)(pc - code_rx - stubs_size), info->si_addr, (long)current_seed);
    dump();
    _exit(1);
}

static void catch_crashes(void)
{
    static uint8_t stack[65536];
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    struct sigaction sa = { .sa_sigaction = crashed, .sa_flags = SA_ONSTACK | SA_SIGINFO };
    static const int sigs[] = { SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP };
    for (unsigned k = 0; k < 5; k++)
        sigaction(sigs[k], &sa, NULL);
}

static bool try_block(uint64_t s, unsigned n)
{
    const char *why = "";
    start_seed(s);
    make_block(n);
    const char *bad = ir_verify(&block);
    if (bad) {
        fprintf(stderr, "seed %lu: %s\n", (long)s, bad);
        return false;
    }
    ir_opt(&block, faulty);
    env.exact_flags = faulty;
    if (emit(&why)) {
        bool an_operation = !strchr(why, ' ');           /* that this processor lacks; or registers have run out, so a shorter block is tried */
        if (getenv("SHOW") || (!an_operation && n == 1))
            fprintf(stderr, "seed %lu, %u steps, refused: %s\n", (long)s, n, why);
        if (!an_operation)
            return n > 1 && try_block(s, n / 2);
        n_refused++;
        return true;
    }
    for (unsigned k = 0; k < (faulty ? 1 : 4); k++)
        if (!compare_once()) {
            fprintf(stderr, "seed %lu, %u steps\n", (long)s, n);
            dump();
            return false;
        }
    return true;
}

enum { CODE_REGION = 288 << 20 };     /* of the code cache: sparse, for test_host_far.h */
static int setup(void **unused)
{
    int fd = memfd_create("code", 0);
    size_t size = CODE_REGION;
    if (fd < 0 || ftruncate(fd, (off_t)size))
        return -1;
    code_rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    code_rx = (uint64_t)(uintptr_t)mmap((void *)0x700000000000, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    memory = mmap((void *)0x10000000, 2 * MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory + MEMORY_SIZE, MEMORY_SIZE, PROT_NONE);
    machine = mmap(NULL, POLL + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned k = 0; k < 1 << JUMP_BITS; k++)
        machine->cache[k].pc = k ^ 1;                   /* not at home here: matches nothing */
    env.features = TEST_HOST.probe();
    struct host_code stubs = { .rw = code_rw, .rx = code_rx, .capacity = 1 << 20 };
    TEST_HOST.emit_stubs(&env, &stubs);
    stubs_size = (stubs.size + 63) & ~63ul;
    TEST_HOST.thread_init(machine);
    return 0;
}

static void run_blocks(unsigned seeds)
{
    catch_crashes();
    unsigned n = getenv("N") ? (unsigned)atoi(getenv("N")) : seeds, first = getenv("FIRST") ? (unsigned)atoi(getenv("FIRST")) : 1;
    for (unsigned s = first; s < first + n; s++)
        assert_true(try_block(s, getenv("STEPS") ? (unsigned)atoi(getenv("STEPS")) : 1 + s % 24));
    if (getenv("SHOW"))
        fprintf(stderr, "%u of %u refused\n", n_refused, n);
    assert_true(n_refused * 8 < n);
    n_refused = 0;
}

static void test_random_blocks(void **unused) { run_blocks(3000); }
static void test_old_processor(void **unused)           /* without BMI and LZCNT */
{
    env.features = 0;
    run_blocks(1000);
    env.features = TEST_HOST.probe();
}
/* cmpxchg16b, with operands and address in registers that the instruction wants for itself */
static void test_wide_exchange(void **unused)
{
    static const unsigned reg_of[][5] = { { 0, 2, 3, 1, 4 }, { 8, 9, 10, 11, 2 }, { 15, 3, 2, 0, 3 }, { 6, 7, 12, 13, 15 } };
    for (unsigned k = 0; k < 200; k++) {
        const unsigned *r = reg_of[k % 4];
        ir_ref v[4];
        seed = k * 2 + 1;
        ir_build_start(&B, &block, 0x1000);
        ir_insn_start(&B, 0x1000, 4);
        ir_ref low = ir_op2(&B, IR_AND, IR_I64, ir_get(&B, IR_I64, GPR(r[4])), imm(IR_I64, 0xf0));
        ir_ref a = ir_lea(&B, IR_I64, k & 4 ? ir_get(&B, IR_I64, OFF(g.base)) : IR_NONE, low, 0, k & 4 ? 0 : (int64_t)(uintptr_t)memory);
        for (unsigned j = 0; j < 4; j++)
            v[j] = ir_get(&B, IR_I64, GPR(r[j]));
        if (k & 8)
            for (unsigned j = 0; j < 2; j++)
                v[j] = ir_load(&B, IR_I64, ir_lea(&B, IR_I64, a, IR_NONE, 0, 8 * (int)j), 0);
        ir_ref expected = ir_op2(&B, IR_PAIR, IR_I128, v[0], v[1]), new = ir_op2(&B, IR_PAIR, IR_I128, v[2], v[3]);
        ir_ref old = ir_emit(&B, IR_CAS, IR_I128, 0, IR_MEM_ATOMIC, 0, a, expected, new, 0);
        ir_put(&B, IR_I64, GPR(5), ir_trunc(&B, IR_I64, old));
        ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0x1004);
        ir_opt(&block, false);
        const char *why = "";
        assert_null(ir_verify(&block));
        assert_int_equal(emit(&why), 0);
        assert_true(compare_once());
    }
}

static void test_faults(void **unused)
{
    faulty = true;
    run_blocks(3000);
    mprotect((uint8_t *)machine + POLL, 4096, PROT_NONE);
    run_blocks(1000);
    mprotect((uint8_t *)machine + POLL, 4096, PROT_READ | PROT_WRITE);
    assert_true(n_faults > 100 && n_polls > 100);
    faulty = false;
}

#include "test_host_far.h"

#ifdef TEST_RUNS
/* --- rows of operations on doubles, most of them ordinary, with env.runs (host.h, HOST_R_RUN): a block that is left must have exact state --- */

static uint64_t some_double(void)
{
    static const uint64_t special[] = { 0, 1ull << 63, 0x3ff0000000000000, 0x7ff0000000000000, 0xfff8000000000001, 0x7ff0000000000003, 5, 0x0010000000000000, 0x7fefffffffffffff, 0x0380000000000000 };
    if (rnd(60) == 0)
        return special[rnd(sizeof special / sizeof *special)];
    uint64_t exponent = rnd(12) ? 1023 - 40 + rnd(80) : rnd(4) ? 1023 - 220 + rnd(440) : 1 + rnd(2046);
    return (uint64_t)rnd(2) << 63 | exponent << 52 | (rnd(3) ? (uint64_t)rnd(1 << 20) << 32 : (uint64_t)rnd(1 << 20) << 32 | rnd(1 << 20));
}

static void random_doubles(struct guest *g)
{
    for (unsigned k = 0; k < 32; k++) {
        ((uint64_t *)memory)[k] = some_double();
        g->vec[k / 2][0].q[k & 1] = some_double();
    }
}

static ir_ref double_operand(unsigned n)
{
    int64_t at = (int64_t)(uintptr_t)memory + 16 * rnd(16);
    switch (rnd(4)) {
    case 0: return ir_emit(&B, IR_VLOADL, IR_V128, IR_F64, 0, 0, imm(IR_I64, at), IR_NONE, IR_NONE, 0);
    case 1: return ir_load(&B, IR_V128, imm(IR_I64, at), rnd(2) ? IR_MEM_ALIGNED : 0);
    default: return ir_get(&B, IR_V128, VEC(rnd(n)));
    }
}

static void step_double(void)
{
    static const uint8_t ops[] = { IR_VFADD, IR_VFADD, IR_VFSUB, IR_VFMUL, IR_VFMUL, IR_VFDIV, IR_VFMIN, IR_VFMAX, IR_VFSQRT, IR_VMERGE, IR_VZIPL, IR_VFCMP, IR_VFDP, IR_VFHADD };
    enum { N = 5 };
    unsigned op = ops[rnd(sizeof ops)], low = rnd(4) && op != IR_VFDP && op != IR_VFHADD ? IR_LOW : 0, d = rnd(N);
    ir_ref a = ir_get(&B, IR_V128, VEC(d)), b = double_operand(N), x;
    switch (rnd(12)) {
    case 0: x = ir_emit(&B, IR_VCVTGF, IR_V128, IR_F64, 0, 0, a, ir_get(&B, rnd(2) ? IR_I32 : IR_I64, GPR(rnd(4))), IR_NONE, 0); break;
    case 1: x = ir_emit(&B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0); break;
    case 2:
        ir_emit(&B, IR_VSTOREL, IR_V128, IR_F64, 0, 0, imm(IR_I64, (int64_t)(uintptr_t)memory + 8 * rnd(32)), a, IR_NONE, 0);
        return;
    case 3:
        x = ir_emit(&B, IR_FCMPF, IR_V128, IR_F64, 0, IR_LOW, a, b, IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, x);
        put(IR_I64, GPR(rnd(3)), ir_zext(&B, IR_I64, ir_cond(&B, rnd(IR_N_CC))));
        return;
    default: x = ir_emit(&B, op, IR_V128, op == IR_VZIPL ? IR_I64 : IR_F64, op == IR_VFCMP ? rnd(3) : op == IR_VFDP ? (rnd(3) ? 3 : 1 + rnd(3)) << 4 | (1 + rnd(3)) : 0, op >= IR_VFADD ? low : 0, a, b, IR_NONE, 0);
    }
    ir_put(&B, IR_V128, VEC(d), x);
}

/* flags that are put off, and read from the state at once */
static void step_condition(void)
{
    static const uint8_t ops[] = { IR_ADDF, IR_SUBF, IR_SUBF, IR_ANDF, IR_ORF, IR_XORF };
    enum ir_type t = int_type();
    ir_ref r = ir_emit(&B, ops[rnd(sizeof ops)], t, 0, 0, 0, value(t), rnd(3) ? value(t) : imm(t, corner()), IR_NONE, 0);
    ir_emit(&B, IR_PUTF, IR_VOID, 0, IR_F_ALL, 0, r, IR_NONE, IR_NONE, 0);
    ir_ref c = ir_emit(&B, IR_COND, IR_I1, 0, rnd(IR_N_CC), 0, IR_NONE, IR_NONE, IR_NONE, 0);
    put(IR_I64, GPR(rnd(3)), ir_zext(&B, IR_I64, c));
}

static void try_doubles(unsigned first, unsigned n_blocks)
{
    catch_crashes();
    for (unsigned s = first; s < first + n_blocks; s++) {
        const char *why = "";
        uint64_t pc = 0x400000;
        start_seed(s);
        ir_build_start(&B, &block, pc);
        n_pool = 0;
        for (unsigned k = 0, n = 1 + s % 24; k < n; k++, pc += 3) {
            ir_insn_start(&B, pc, 3);
            rnd(5) ? step_double() : step_condition();
        }
        ir_insn_start(&B, pc, 3);
        ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
        if (ir_verify(&block))
            fprintf(stderr, "seed %u: %s\n", s, ir_verify(&block));
        assert_null(ir_verify(&block));
        ir_opt(&block, false);
        assert_int_equal(emit(&why), 0);
        fill_state = random_doubles;
        bool same = compare_once();
        fill_state = NULL;
        if (!same) {
            fprintf(stderr, "seed %u\n", s);
            dump();
        }
        assert_true(same);
    }
}

static void test_doubles(void **unused)
{
    unsigned n = getenv("N") ? (unsigned)atoi(getenv("N")) : 4000, first = getenv("FIRST") ? (unsigned)atoi(getenv("FIRST")) : 1;
    try_doubles(first, n);
    n_splits = 0;
    env.runs = true;
    try_doubles(first, n);
    assert_true(n_splits * 40 > n && n_splits < n * 3 / 4);
    env.runs = false;
}

/* DPPS of a denormal, where sums without it would be inexact and those with it are not */
static void dot_state(struct guest *g)
{
    const float a[4] = { 0x1p-149f, -0x1p-22f, 0x1p10f, 0 }, b[4] = { 0x1p127f, 1, 1, 0 };
    memcpy(g->vec[0][0].b, a, 16);
    memcpy(g->vec[1][0].b, b, 16);
}

static void test_dot_product(void **unused)
{
    catch_crashes();
    fill_state = dot_state;
    for (unsigned k = 0; k < 2; k++) {
        const char *why = "";
        env.runs = k;
        ir_build_start(&B, &block, 0x400000);
        ir_insn_start(&B, 0x400000, 3);
        ir_ref a = ir_get(&B, IR_V128, VEC(0)), b = ir_get(&B, IR_V128, VEC(1));
        ir_put(&B, IR_V128, VEC(2), ir_emit(&B, IR_VFDP, IR_V128, IR_F32, 0xf1, 0, a, b, IR_NONE, 0));
        ir_insn_start(&B, 0x400003, 3);
        ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0x400003);
        assert_null(ir_verify(&block));
        ir_opt(&block, false);
        assert_int_equal(emit(&why), 0);
        assert_true(compare_once());
        assert_int_equal(machine->g.fpcr & 0x3d, 0);              /* nothing but a denormal operand, if the block was not left before it */
    }
    fill_state = NULL;
    env.runs = false;
}
#include "test_host_doubles.h"
#include "test_host_loops.h"
#endif

#ifndef TEST_REGIONS                 /* test_regions.c has its own */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_blocks), cmocka_unit_test(test_old_processor), cmocka_unit_test(test_wide_exchange), cmocka_unit_test(test_faults), cmocka_unit_test(test_far),
#ifdef TEST_RUNS
        cmocka_unit_test(test_doubles), cmocka_unit_test(test_dot_product), cmocka_unit_test(test_chains), cmocka_unit_test(test_loops), cmocka_unit_test(test_shrinking_loops),
#endif
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, setup, NULL);
}
#endif
#elif !defined TEST_REGIONS
int main(void) { return 0; }
#endif
