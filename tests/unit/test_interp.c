/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_interp.c: the interpreter against the real processor: every operation of ops.def that has an instruction of its own, on random
 * and corner operands, with results, flags and MXCSR compared bit by bit. On other hosts only the tests with fixed values run.
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
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>
#include "ir/helpers.h"
#include "ir/interp.h"

/* --- what the engine and the guest provide --- */

enum { LEFT_DIVIDE = 1, LEFT_FP, LEFT_ALIGNMENT, LEFT_SIGNAL };
static sigjmp_buf leave_to;
static unsigned left_flags;
static void *left_address;

void ir_divide_error(void *state) { siglongjmp(leave_to, LEFT_DIVIDE); }
void ir_fp_fault(void *state, unsigned mxcsr_flags) { left_flags = mxcsr_flags; siglongjmp(leave_to, LEFT_FP); }
void ir_alignment_fault(void *state) { siglongjmp(leave_to, LEFT_ALIGNMENT); }

static uint64_t help(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return a + 2 * b + 4 * c + 8 * d; }
const struct ir_helper ir_helpers[] = { { "help", help, 3, 0 } };
const unsigned ir_n_helpers = 1;

/* --- a small guest --- */

struct guest {
    uint64_t pc;
    union ir_cell v[4];
    uint32_t mxcsr;
    uint16_t flags;
};
#define SLOT(k) ((int64_t)offsetof(struct guest, v) + 16 * (k))
static const struct ir_interp_env env = { offsetof(struct guest, pc), offsetof(struct guest, flags), offsetof(struct guest, mxcsr), NULL };

static struct ir_block block;
static void start(void) { block.n = 0; }
static ir_ref add(struct ir_insn in) {
    block.insn[block.n] = in;
    return (ir_ref)block.n++;
}
#define NO IR_NONE, IR_NONE, IR_NONE
#define INSN(...) add((struct ir_insn){ __VA_ARGS__ })
static ir_ref get(enum ir_type t, unsigned k) { return INSN(.op = IR_GET, .type = t, .arg = { IR_NONE, NO }, .imm = SLOT(k)); }
static void put(enum ir_type t, unsigned k, ir_ref v) { INSN(.op = IR_PUT, .type = t, .arg = { v, NO }, .imm = SLOT(k)); }
static void finish(void) { INSN(.op = IR_EXIT, .type = IR_VOID, .arg = { IR_NONE, NO }, .imm = 0x1234); }

static int run(struct guest *g) {
    uint64_t next = 0;
    int how = sigsetjmp(leave_to, 1);
    if (how) return how;
    assert_int_equal(ir_interp(&block, g, &env, &next), -1);
    assert_int_equal(next, 0x1234);
    return 0;
}

static uint64_t seed = 0x243f6a8885a308d3ull;
static uint64_t rnd(void) {
    seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dull;
}

static uint64_t corner(void) {
    switch (rnd() & 7) {
    case 0: return rnd() & 3;
    case 1: return -(rnd() & 3);
    case 2: return 1ull << (rnd() & 63);
    case 3: return ~0ull >> (rnd() & 63);
    case 4: { uint64_t b = rnd() & 0xff; return b * 0x0101010101010101ull; }
    case 5: return (rnd() & 1 ? 0x7f807fff7fffffffull : 0x8000800080008000ull) ^ (rnd() & 0x100000001ull);
    default: return rnd();
    }
}

/* --- fixed values: run everywhere --- */

static void test_exits(void **state) {
    struct guest g = { .flags = IR_FLAG_Z };
    uint64_t next;
    start();
    INSN(.op = IR_INSN, .type = IR_VOID, .arg = { IR_NONE, NO }, .aux = 3, .imm = 0x1000);
    ir_ref c = INSN(.op = IR_COND, .type = IR_I1, .aux = IR_CC_NE, .arg = { IR_NONE, NO });
    INSN(.op = IR_EXITIF, .type = IR_VOID, .arg = { c, NO }, .imm = 0x2000);
    INSN(.op = IR_TRAP, .type = IR_VOID, .aux = IR_TRAP_SYSCALL, .arg = { IR_NONE, NO }, .imm = 0x1003);
    assert_int_equal(ir_interp(&block, &g, &env, &next), IR_TRAP_SYSCALL);
    assert_int_equal(g.pc, 0x1003);
    g.flags = 0;
    assert_int_equal(ir_interp(&block, &g, &env, &next), -1);
    assert_int_equal(next, 0x2000);
    assert_int_equal(g.pc, 0x1000);
}

static void test_calls(void **state) {
    struct guest g = { .v = { { .u64 = { 1 } }, { .u64 = { 2 } }, { .u64 = { 0xffffffffull << 8 } } } };
    start();
    ir_ref r = INSN(.op = IR_CALL, .type = IR_I32, .arg = { get(IR_I64, 0), get(IR_I64, 1), get(IR_I64, 2), IR_NONE }, .imm = 0);
    put(IR_I64, 3, INSN(.op = IR_ZEXT, .type = IR_I64, .arg = { r, NO }));
    finish();
    assert_int_equal(run(&g), 0);
    assert_int_equal(g.v[3].u64[0], (1 + 4 + 4 * (0xffffffffull << 8)) & 0xffffffff);
}

static void test_wide_integers(void **state) {
    struct guest g = { .v = { { .u64 = { 5 } }, { .u64 = { ~0ull } } } };
    start();
    ir_ref product = INSN(.op = IR_UMULF, .type = IR_I64, .arg = { get(IR_I64, 0), get(IR_I64, 1), IR_NONE, IR_NONE });
    put(IR_V128, 2, INSN(.op = IR_VMOVI, .type = IR_V128, .arg = { product, NO }));       /* the second result must not show */
    ir_ref high = INSN(.op = IR_SECOND, .type = IR_I64, .arg = { product, NO });
    put(IR_I128, 3, INSN(.op = IR_PAIR, .type = IR_I128, .arg = { product, high, IR_NONE, IR_NONE }));
    finish();
    assert_int_equal(run(&g), 0);
    assert_int_equal(g.v[2].u64[0], -5ull);
    assert_int_equal(g.v[2].u64[1], 0);
    assert_int_equal(g.v[3].u64[1], 4);
}

static void test_flag_masks(void **state) {
    struct guest g = { .v = { { .u64 = { 0xff } }, { .u64 = { 1 } } }, .flags = IR_FLAG_S };
    start();
    ir_ref p = INSN(.op = IR_ADDF, .type = IR_I8, .arg = { get(IR_I8, 0), get(IR_I8, 1), IR_NONE, IR_NONE });
    INSN(.op = IR_PUTF, .type = IR_VOID, .aux = IR_F_Z | IR_F_O, .arg = { p, NO });
    finish();
    assert_int_equal(run(&g), 0);
    assert_int_equal(g.flags & IR_FLAGS_WORD, IR_FLAG_S | IR_FLAG_Z);
}

/* --- memory --- */

static void on_signal(int sig, siginfo_t *info, void *context) {
    left_address = info->si_addr;
#ifdef __x86_64__
    left_flags = ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr & SF_FLAGS;
#endif
    siglongjmp(leave_to, LEFT_SIGNAL);
}

static void catch(int sig) {
    struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(sig, &sa, NULL);
}

static int store_at(enum ir_type t, void *where, union ir_cell v, unsigned aux) {
    struct guest g = { .v = { { .u64 = { (uintptr_t)where } }, v } };
    start();
    INSN(.op = IR_STORE, .type = t, .aux = aux, .arg = { get(IR_I64, 0), get(t, 1), IR_NONE, IR_NONE });
    finish();
    return run(&g);
}

static void test_stores(void **state) {
    static const enum ir_type types[] = { IR_I16, IR_I32, IR_I64, IR_I128, IR_F80, IR_V128 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    union ir_cell v = { .u64 = { 0x1122334455667788, 0x99aabbccddeeff00 } };
    catch(SIGSEGV);
    for (unsigned k = 0; k < sizeof types / sizeof *types; k++)
        for (unsigned before = 1; before < ir_type_size[types[k]]; before++) {
            uint8_t *at = p + page - before;
            memset(p, 0, 2 * page);
            assert_int_equal(store_at(types[k], at, v, 0), 0);
            assert_memory_equal(at, &v, ir_type_size[types[k]]);
            assert_int_equal(at[ir_type_size[types[k]]], 0);
            memset(p, 0, 2 * page);
            mprotect(p + page, page, PROT_READ);
            assert_int_equal(store_at(types[k], at, v, 0), LEFT_SIGNAL);
            for (unsigned i = 0; i < before; i++) assert_int_equal(at[i], 0);
            mprotect(p + page, page, PROT_READ | PROT_WRITE);
        }
    assert_int_equal(store_at(IR_V128, p + 8, v, IR_MEM_ALIGNED), LEFT_ALIGNMENT);
    assert_int_equal(store_at(IR_V128, p + 16, v, IR_MEM_ALIGNED), 0);
    munmap(p, 2 * page);
    signal(SIGSEGV, SIG_DFL);
}

static uint64_t atomic_at(enum ir_op op, enum ir_type t, void *where, uint64_t b, uint64_t c) {
    struct guest g = { .v = { { .u64 = { (uintptr_t)where } }, { .u64 = { b } }, { .u64 = { c } } } };
    start();
    ir_ref x = get(IR_I64, 0), y = get(t, 1), z = op == IR_CAS ? get(t, 2) : IR_NONE;
    put(t, 3, INSN(.op = op, .type = t, .arg = { x, y, z, IR_NONE }));
    finish();
    assert_int_equal(run(&g), 0);
    return g.v[3].u64[0];
}

static void test_atomics(void **state) {
    static const struct { enum ir_type t; uint64_t mask; } types[] = { { IR_I8, 0xff }, { IR_I16, 0xffff }, { IR_I32, 0xffffffff }, { IR_I64, ~0ull } };
    uint8_t memory[32] __attribute__((aligned(16)));
    for (int i = 0; i < 2000; i++) {
        unsigned k = rnd() & 3, at = rnd() & 15;
        uint64_t m = types[k].mask, old = corner() & m, b = corner() & m, c = rnd() & 1 ? old : corner() & m, now = 0;
        enum ir_op op = (enum ir_op[]){ IR_AADD, IR_AAND, IR_AOR, IR_AXOR, IR_AXCHG, IR_CAS }[rnd() % 6];
        memcpy(memory + at, &old, 8);
        assert_int_equal(atomic_at(op, types[k].t, memory + at, op == IR_CAS ? c : b, b), old);
        memcpy(&now, memory + at, 8);
        uint64_t want = op == IR_AADD ? old + b : op == IR_AAND ? old & b : op == IR_AOR ? old | b : op == IR_AXOR ? old ^ b : op == IR_AXCHG || c == old ? b : old;
        assert_int_equal(now & m, want & m);
        assert_int_equal(now & ~m, old & ~m);
    }
}

static void test_cas16(void **state) {
    union ir_cell memory __attribute__((aligned(16))) = { .u64 = { 1, 2 } };
    for (unsigned round = 0; round < 3; round++) {
        union ir_cell before = memory, new = { .u64 = { 7 + round, 8 } }, expected = before;
        if (round == 1) expected.u64[1]++;
        struct guest g = { .v = { { .u64 = { (uintptr_t)&memory + (round == 2 ? 8 : 0) } }, expected, new } };
        start();
        put(IR_I128, 3, INSN(.op = IR_CAS, .type = IR_I128, .arg = { get(IR_I64, 0), get(IR_I128, 1), get(IR_I128, 2), IR_NONE }));
        finish();
        assert_int_equal(run(&g), round == 2 ? LEFT_ALIGNMENT : 0);
        if (round == 2) return;
        assert_memory_equal(&g.v[3], &before, 16);
        assert_memory_equal(&memory, round == 0 ? &new : &before, 16);
    }
}

static void test_element_accesses(void **state) {
    static const enum ir_type lanes[] = { IR_I8, IR_I16, IR_I32, IR_I64, IR_F32, IR_F64 };
    for (unsigned k = 0; k < sizeof lanes / sizeof *lanes; k++) {
        uint8_t from[16], to[16], zero[16] = { 0 };
        unsigned size = ir_type_size[lanes[k]];
        for (unsigned i = 0; i < 16; i++) { from[i] = (uint8_t)rnd(); to[i] = 0x55; }
        struct guest g = { .v = { { .u64 = { (uintptr_t)from } }, { .u64 = { (uintptr_t)to } } } };
        start();
        ir_ref v = INSN(.op = IR_VLOADL, .type = IR_V128, .lane = lanes[k], .arg = { get(IR_I64, 0), NO });
        INSN(.op = IR_VSTOREL, .type = IR_V128, .lane = lanes[k], .arg = { get(IR_I64, 1), v, IR_NONE, IR_NONE });
        put(IR_V128, 3, v);
        finish();
        assert_int_equal(run(&g), 0);
        assert_memory_equal(&g.v[3], from, size);
        assert_memory_equal((char *)&g.v[3] + size, zero, 16 - size);
        assert_memory_equal(to, from, size);
        assert_int_equal(to[size], 0x55);
    }
}

/* 1/3 in each format, the sticky flag, and 1/3 back from f80 */
static void test_scalar_floats(void **state) {
    struct guest g = { .v = { { .u64 = { 0x3f800000 } }, { .u64 = { 0x4008000000000000 } } }, .mxcsr = 0x1f80 };
    start();
    ir_ref one = INSN(.op = IR_FCVT, .type = IR_F80, .lane = IR_F32, .arg = { get(IR_F32, 0), NO });
    ir_ref three = INSN(.op = IR_FCVT, .type = IR_F80, .lane = IR_F64, .arg = { get(IR_F64, 1), NO });
    ir_ref third = INSN(.op = IR_FDIV, .type = IR_F80, .arg = { one, three, IR_NONE, IR_NONE });
    put(IR_F80, 2, third);
    put(IR_F64, 3, INSN(.op = IR_FCVT, .type = IR_F64, .lane = IR_F80, .arg = { third, NO }));
    finish();
    assert_int_equal(run(&g), 0);
    assert_int_equal(g.v[2].u64[0], 0xaaaaaaaaaaaaaaab);
    assert_int_equal(g.v[2].u64[1], 0x3ffd);
    assert_int_equal(g.v[3].u64[0], 0x3fd5555555555555);
    assert_int_equal(g.mxcsr, 0x1f80 | SF_PE);
    g.mxcsr = 0x1f80 & ~(SF_PE << 7);
    g.v[2] = g.v[3] = (union ir_cell){ .u64 = { 0 } };
    assert_int_equal(run(&g), LEFT_FP);
    assert_int_equal(left_flags, SF_PE);
    assert_int_equal(g.v[2].u64[0], 0);
}

static double as_float(uint32_t v) { float f; memcpy(&f, &v, 4); return f; }

/* the manual's bound for RCPSS and RSQRTSS: 1.5 * 2^-12 */
static void test_estimates(void **state) {
    struct guest g = { .mxcsr = 0x1f80 };
    start();
    ir_ref a = get(IR_V128, 0);
    put(IR_V128, 1, INSN(.op = IR_VFRCP, .type = IR_V128, .lane = IR_F32, .arg = { a, a, IR_NONE, IR_NONE }));
    put(IR_V128, 2, INSN(.op = IR_VFRSQRT, .type = IR_V128, .lane = IR_F32, .arg = { a, a, IR_NONE, IR_NONE }));
    finish();
    for (int i = 0; i < 5000; i++) {
        for (unsigned k = 0; k < 4; k++) g.v[0].u32[k] = (uint32_t)(rnd() % 0x7d000000u) + 0x01000000u;
        assert_int_equal(run(&g), 0);
        for (unsigned k = 0; k < 4; k++) {
            double x = as_float(g.v[0].u32[k]), y = as_float(g.v[1].u32[k]), z = as_float(g.v[2].u32[k]), e = 1.5 / 4096;
            assert_true(x * y > 1 - e && x * y < 1 + e);
            assert_true(x * z * z > (1 - e) * (1 - e) && x * z * z < (1 + e) * (1 + e));
        }
    }
}

#ifdef __x86_64__
#include "test_interp_x86.h"
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exits), cmocka_unit_test(test_calls), cmocka_unit_test(test_wide_integers), cmocka_unit_test(test_flag_masks),
        cmocka_unit_test(test_stores), cmocka_unit_test(test_atomics), cmocka_unit_test(test_cas16), cmocka_unit_test(test_estimates),
        cmocka_unit_test(test_element_accesses), cmocka_unit_test(test_scalar_floats),
#ifdef __x86_64__
        cmocka_unit_test(test_integers), cmocka_unit_test(test_integer_flags), cmocka_unit_test(test_divide),
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_crypto), cmocka_unit_test(test_vector_tests), cmocka_unit_test(test_floats), cmocka_unit_test(test_float_integers),
        cmocka_unit_test(test_unmasked), cmocka_unit_test(test_all_covered),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
