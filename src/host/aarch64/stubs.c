/* SPDX-License-Identifier: GPL-2.0-or-later
 * stubs.c: the pieces that all blocks share: entry, exits, the lookup of indirect targets, the return stack's bottom, the way into C.
 *
 * Two stacks: C's (its pointer is in host_sp while translated code runs) and the return stack, of {landing, guest return address}. The
 * return stack holds nothing else, so it may be cut to empty at any time.
 */
#include "host/aarch64/emit.h"
#include "ir/helpers.h"

enum { SAVED_BYTES = 160, STP_PRE = 0xa9800000, LDP_POST = 0xa8c00000, STP = 0xa9000000, LDP = 0xa9400000, RET = 0xd65f03c0, BR = 0xd61f0000, BLR = 0xd63f0000 };

static void pair(struct asm_buf *a, uint32_t op, unsigned r, unsigned s, unsigned base, int offset)
{
    asm_put(a, op | ((uint32_t)(offset / 8) & 0x7f) << 15 | s << 10 | base << 5 | r);
}

/* d8..d15 beside x19..x28: {x29, x30} is at the frame's bottom */
static void callee_saved_pairs(struct asm_buf *a, bool load)
{
    for (unsigned k = 0; k < 5; k++)
        pair(a, load ? LDP : STP, 19 + 2 * k, 20 + 2 * k, SP, 16 + (int)k * 16);
    for (unsigned k = 0; k < 4; k++)
        pair(a, load ? 0x6d400000 : 0x6d000000, 8 + 2 * k, 9 + 2 * k, SP, 96 + (int)k * 16);
}

static void word(struct asm_buf *a, bool load, unsigned r, uint32_t offset) { asm_mem(a, load, false, 2, r, STATE, offset); }
static void quad(struct asm_buf *a, bool load, unsigned r, uint32_t offset) { asm_mem(a, load, false, 3, r, STATE, offset); }
static void mov_sp(struct asm_buf *a, unsigned d, unsigned n) { asm_add_imm(a, true, false, false, d, n, 0); }

static bool callee_saved(unsigned r) { return r >= 19 && r <= 28; }

enum which { ALL, VOLATILE /* what C may change */, VOLATILE_GPRS };
static void move_mapped(struct asm_buf *a, const struct a64_map *map, bool load, enum which which)
{
    for (unsigned r = 0; r < (which == VOLATILE_GPRS ? VEC : N_REGS); r++) {
        if (map->offset[r] < 0 || (which != ALL && callee_saved(r)))
            continue;
        if (r >= VEC)
            asm_mem(a, load, true, 4, r - VEC, STATE, map->offset[r]);
        else if (r + 1 < VEC && map->offset[r + 1] == map->offset[r] + 8 && map->offset[r] <= 504) {
            pair(a, load ? LDP : STP, r, r + 1, STATE, map->offset[r]);
            r++;
        } else
            quad(a, load, r, (uint32_t)map->offset[r]);
    }
}

/* --- flags and fp control; x15..x17 change --- */

static void pack(struct asm_buf *a, const struct host_offsets *o)
{
    asm_logic_imm(a, false, A_EOR, T1, FL_NZ, NZ_C);
    asm_ubfx(a, false, T0, T1, 28, 1);                          /* O */
    asm_ubfx(a, false, T2, T1, 29, 1);
    asm_rrs(a, false, A_ORR, T0, T0, T2, LSL, 8);               /* C */
    asm_lsr(a, false, T2, T1, 30);
    asm_rrs(a, false, A_ORR, T0, T0, T2, LSL, 14);              /* Z, S */
    asm_rrr(a, false, A_EOR, T2, FL_P, FL_A);
    asm_ubfx(a, false, T2, T2, 4, 1);
    asm_rrs(a, false, A_ORR, T0, T0, T2, LSL, 12);              /* A */
    asm_rrs(a, false, A_EOR, T2, FL_P, FL_P, LSR, 4);
    asm_rrs(a, false, A_EOR, T2, T2, T2, LSR, 2);
    asm_rrs(a, false, A_EOR, T2, T2, T2, LSR, 1);
    asm_rrr(a, false, A_ORN, T2, ZR, T2);
    asm_ubfx(a, false, T2, T2, 0, 1);
    asm_rrs(a, false, A_ORR, T0, T0, T2, LSL, 10);              /* P */
    asm_mem(a, false, false, 1, T0, STATE, o->flags);
}

static void unpack(struct asm_buf *a, const struct host_offsets *o)
{
    asm_mem(a, true, false, 1, T0, STATE, o->flags);
    asm_ubfx(a, false, FL_NZ, T0, 14, 2);
    asm_lsl(a, false, FL_NZ, FL_NZ, 30);
    asm_bfi(a, false, FL_NZ, T0, 28, 1);
    asm_ubfx(a, false, T1, T0, 8, 1);
    asm_logic_imm(a, false, A_EOR, T1, T1, 1);
    asm_bfi(a, false, FL_NZ, T1, 29, 1);
    asm_ubfx(a, false, FL_P, T0, 10, 1);
    asm_logic_imm(a, false, A_EOR, FL_P, FL_P, 1);
    asm_ubfx(a, false, T1, T0, 12, 1);
    asm_rrs(a, false, A_EOR, FL_A, FL_P, T1, LSL, 4);
}

static void mrs(struct asm_buf *a, uint32_t reg, unsigned d) { asm_put(a, 0xd5300000 | reg << 5 | d); }
static void msr(struct asm_buf *a, uint32_t reg, unsigned n) { asm_put(a, 0xd5100000 | reg << 5 | n); }
enum { FPCR = 0x5a20, FPSR = 0x5a21, NZCV = 0x5a10 };

/* sticky inexact joins the guest's */
static void get_fpcr(struct asm_buf *a, const struct host_offsets *o)
{
    mrs(a, FPSR, T0);
    word(a, true, T1, o->fpcr);
    asm_ubfx(a, false, T0, T0, 4, 1);
    asm_rrs(a, false, A_ORR, T1, T1, T0, LSL, 5);
    word(a, false, T1, o->fpcr);
}

/* FPCR: rounding and FZ; FPSR: empty, or IOC so that the interpreter does every operation: when the guest wants to see each inexact result, and
 * when it unmasks another exception and its own inexact flag is clear (an operation that raises the exception may not set it). */
static void put_fpcr(struct asm_buf *a, const struct host_offsets *o)
{
    word(a, true, T0, o->fpcr);
    asm_ubfx(a, false, T1, T0, 13, 2);
    asm_rr(a, false, A_RBIT, T1, T1);
    asm_lsr(a, false, T1, T1, 8);
    asm_logic_imm(a, false, A_ORR, T1, T1, FPCR_FZ);
    msr(a, FPCR, T1);
    asm_ubfx(a, false, T1, T0, 7, 5);
    asm_logic_imm(a, false, A_EOR, T1, T1, 31);
    asm_add_imm(a, false, false, false, T1, T1, 31);
    asm_lsr(a, false, T1, T1, 5);                               /* 1: one of the five is unmasked */
    asm_rrs(a, false, A_BIC, T1, T1, T0, LSR, 5);
    asm_rrs(a, false, A_ORN, T1, T1, T0, LSR, 12);
    asm_logic_imm(a, false, A_AND, T1, T1, 1);
    msr(a, FPSR, T1);
}

static void host_fpcr(struct asm_buf *a, const struct host_offsets *o)
{
    word(a, true, T0, o->host_fpcr);
    msr(a, FPCR, T0);
}

/* --- entry and exits --- */

/* uint64_t enter(x0 = state, x1 = host code) */
static void emit_enter(struct asm_buf *a, const struct a64_map *map, const struct host_offsets *o)
{
    pair(a, STP_PRE, 29, 30, SP, -SAVED_BYTES);
    callee_saved_pairs(a, false);
    asm_mov(a, true, STATE, 0);
    asm_mov(a, true, 0, 1);
    mov_sp(a, T0, SP);
    quad(a, false, T0, o->host_sp);
    mrs(a, FPCR, T0);
    word(a, false, T0, o->host_fpcr);
    asm_imm(a, POLL, o->poll_page);
    asm_rrr(a, true, A_ADD, POLL, POLL, STATE);
    put_fpcr(a, o);
    move_mapped(a, map, true, ALL);
    unpack(a, o);
    quad(a, true, T0, o->ret_sp);
    mov_sp(a, SP, T0);
    asm_put(a, BR | 0 << 5);
}

/* w0 = reason */
static void back_to_c(struct asm_buf *a, const struct host_offsets *o)
{
    host_fpcr(a, o);
    quad(a, true, T0, o->host_sp);
    mov_sp(a, SP, T0);
    callee_saved_pairs(a, true);
    pair(a, LDP_POST, 29, 30, SP, SAVED_BYTES);
    asm_put(a, RET);
}

static void save_all(struct asm_buf *a, const struct a64_map *map, const struct host_offsets *o)
{
    move_mapped(a, map, false, ALL);
    pack(a, o);
    get_fpcr(a, o);
    mov_sp(a, T0, SP);
    quad(a, false, T0, o->ret_sp);
}

static void emit_leave(struct asm_buf *a, const struct a64_map *map, const struct host_offsets *o)
{
    save_all(a, map, o);
    back_to_c(a, o);
}

static void reason(struct asm_buf *a, unsigned r, uint64_t leave)
{
    asm_imm(a, 0, r);
    asm_b(a, leave);
}

/* x16 = a direct exit's data: u32 distance back to the patch place, u64 target */
static void emit_exit_link(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    asm_mem(a, true, false, 3, T1, T0, 4);
    quad(a, false, T1, o->pc);
    asm_mem(a, true, false, 2, T1, T0, 0);
    asm_rrr(a, true, A_SUB, T0, T0, T1);
    quad(a, false, T0, o->exit_info);
    reason(a, HOST_R_LINK, leave);
}

/* x16 = { u64 guest pc, u64 pc of the block } */
static void emit_exit_run(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    pair(a, LDP, T1, T0, T0, 0);
    quad(a, false, T1, o->pc);
    quad(a, false, T0, o->exit_target);
    reason(a, HOST_R_RUN, leave);
}

/* x17 = guest target, x16 = exit_info; x30 is free. host_jump_index in code. */
static void emit_search(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    asm_rrs(a, true, A_EOR, LR, TARGET, TARGET, LSR, o->jump_cache_bits);
    asm_bfm(a, true, A_UBFM, LR, LR, 64 - 4, o->jump_cache_bits - 1);    /* 16 times the index */
    if (asm_add_fits(o->jump_cache))
        asm_add_imm(a, true, false, false, T2, STATE, o->jump_cache);
    else {
        asm_imm(a, T2, o->jump_cache);
        asm_rrr(a, true, A_ADD, T2, T2, STATE);
    }
    asm_rrr(a, true, A_ADD, LR, T2, LR);
    pair(a, LDP, T2, LR, LR, 0);
    asm_rrr(a, true, A_SUB, T2, T2, TARGET);
    uint8_t *miss = asm_jump(a, J_CBNZ | A_X | T2);
    asm_put(a, BR | LR << 5);
    asm_land(a, miss);
    quad(a, false, T0, o->exit_info);
    quad(a, false, TARGET, o->pc);
    quad(a, false, TARGET, o->exit_target);
    reason(a, HOST_R_INDIRECT, leave);
}

/* --- C --- */

static void to_c_stack(struct asm_buf *a, const struct host_offsets *o, int size)
{
    quad(a, true, T0, o->host_sp);
    asm_add_imm(a, true, true, false, SP, T0, size);
}

static void to_return_stack(struct asm_buf *a, const struct host_offsets *o)
{
    quad(a, true, T0, o->ret_sp);
    mov_sp(a, SP, T0);
}

/* x16 = C function; arguments in the spill area; the result is in x0. Nothing of the return stack's is lost when the helper does not come back. */
static void emit_call_stub(struct asm_buf *a, const struct a64_map *map, const struct host_offsets *o, bool pure)
{
    enum { FRAME = 48 };
    asm_mov(a, true, 18, T0);
    if (pure) {
        move_mapped(a, map, false, VOLATILE);
        mov_sp(a, T0, SP);
        quad(a, false, T0, o->ret_sp);
    } else
        save_all(a, map, o);
    to_c_stack(a, o, FRAME);
    pair(a, STP, LR, STATE, SP, 0);
    pair(a, STP, FL_NZ, FL_P, SP, 16);
    pair(a, STP, FL_A, ZR, SP, 32);
    if (!pure)
        host_fpcr(a, o);
    asm_mov(a, true, 0, STATE);
    for (unsigned k = 0; k < 4; k++)
        quad(a, true, 1 + k, o->spill + CELL_ARG + k * 8);
    asm_put(a, BLR | 18 << 5);
    pair(a, LDP, LR, STATE, SP, 0);
    pair(a, LDP, FL_NZ, FL_P, SP, 16);
    pair(a, LDP, FL_A, ZR, SP, 32);
    move_mapped(a, map, true, pure ? VOLATILE : ALL);
    if (!pure) {
        unpack(a, o);
        put_fpcr(a, o);
    }
    to_return_stack(a, o);
    asm_put(a, RET);
}

/* x16 = struct ir_helper with a quick form. `call`: the stub for the other one, which finds all as it was */
static void emit_quick_stub(struct asm_buf *a, const struct a64_map *map, const struct host_offsets *o, uint64_t call)
{
    enum { FRAME = 48 };
    move_mapped(a, map, false, VOLATILE_GPRS);
    mov_sp(a, T1, SP);
    quad(a, false, T1, o->ret_sp);
    asm_mov(a, true, 18, T0);
    to_c_stack(a, o, FRAME);
    pair(a, STP, LR, STATE, SP, 0);
    pair(a, STP, FL_NZ, FL_P, SP, 16);
    pair(a, STP, FL_A, 18, SP, 32);
    asm_mov(a, true, 0, STATE);
    for (unsigned k = 0; k < 4; k++)
        quad(a, true, 1 + k, o->spill + CELL_ARG + k * 8);
    asm_mem(a, true, false, 3, T0, 18, offsetof(struct ir_helper, quick));
    asm_put(a, BLR | T0 << 5);
    pair(a, LDP, LR, STATE, SP, 0);
    pair(a, LDP, FL_NZ, FL_P, SP, 16);
    pair(a, LDP, FL_A, 18, SP, 32);
    move_mapped(a, map, true, VOLATILE_GPRS);
    to_return_stack(a, o);
    asm_add_imm(a, true, false, false, T1, 0, 1);
    uint8_t *quick = asm_jump(a, J_CBNZ | A_X | T1);
    asm_mem(a, true, false, 3, T0, 18, offsetof(struct ir_helper, fn));
    asm_b(a, call);
    asm_land(a, quick);
    asm_put(a, RET);
}

/* x16 = struct a64_one. Only x15..x17 and x30 change. */
static void emit_one_stub(struct asm_buf *a, const struct a64_map *map, const struct host_offsets *o)
{
    enum { FRAME = 96 + 16 * 16 };
    asm_mem(a, false, false, 3, LR, STATE, o->spill + CELL_PORT + 8);
    asm_mem(a, false, false, 3, T0, STATE, o->spill + CELL_PORT + 16);
    save_all(a, map, o);
    to_c_stack(a, o, FRAME);
    for (unsigned k = 0; k < 8; k += 2)
        pair(a, STP, k, k + 1, SP, (int)k * 8);
    asm_mem(a, true, false, 3, T0, STATE, o->spill + CELL_PORT + 8);
    pair(a, STP, 18, T0, SP, 64);
    mrs(a, NZCV, T1);
    pair(a, STP, STATE, T1, SP, 80);
    for (unsigned k = 0; k < 16; k++)
        asm_mem(a, false, true, 4, k, SP, 96 + 16 * k);
    host_fpcr(a, o);
    asm_mov(a, true, 0, STATE);
    quad(a, true, 1, o->spill + CELL_PORT + 16);
    asm_imm(a, 2, (uint64_t)(uintptr_t)o);
    asm_imm(a, T0, (uint64_t)(uintptr_t)a64_run_one);
    asm_put(a, BLR | T0 << 5);
    for (unsigned k = 0; k < 16; k++)
        asm_mem(a, true, true, 4, k, SP, 96 + 16 * k);
    for (unsigned k = 0; k < 8; k += 2)
        pair(a, LDP, k, k + 1, SP, (int)k * 8);
    pair(a, LDP, 18, LR, SP, 64);
    pair(a, LDP, STATE, T0, SP, 80);
    msr(a, NZCV, T0);
    move_mapped(a, map, true, true);
    put_fpcr(a, o);
    to_return_stack(a, o);
    asm_put(a, RET);
}

static uint64_t start(struct asm_buf *a)
{
    while (asm_here(a) & 15)
        asm_put(a, 0xd503201f);
    return asm_here(a);
}

static void emit_small(struct asm_buf *a, struct host_stubs *s, const struct host_offsets *o)
{
    static const struct { uint8_t stub; void (*fn)(struct asm_buf *, const struct host_offsets *); } small[] = {
        { STUB_PACK, pack }, { STUB_UNPACK, unpack }, { STUB_GET_FPCR, get_fpcr }, { STUB_PUT_FPCR, put_fpcr },
    };
    for (unsigned k = 0; k < 4; k++) {
        s->others[small[k].stub] = start(a);
        small[k].fn(a, o);
        asm_put(a, RET);
    }
}

void a64_emit_stubs(struct host_env *env, struct host_code *code)
{
    const struct host_offsets *o = env->offsets;
    const struct a64_map *map = a64_map(env);
    struct asm_buf buf = { code->rw, code->rw, code->rw + code->capacity, code->rx }, *a = &buf;
    struct host_stubs *s = &env->stubs;
    s->enter = start(a);
    emit_enter(a, map, o);
    uint64_t leave = start(a);
    emit_leave(a, map, o);
    s->leave_fault = start(a);
    asm_imm(a, 0, HOST_R_TRAP + IR_N_TRAPS);
    back_to_c(a, o);
    s->others[STUB_EXIT_LINK] = start(a);
    emit_exit_link(a, o, leave);
    s->others[STUB_EXIT_RUN] = start(a);
    emit_exit_run(a, o, leave);
    s->others[STUB_EXIT_TRAP] = start(a);
    quad(a, false, T1, o->pc);
    asm_mov(a, true, 0, T0);
    asm_b(a, leave);
    uint64_t search = s->others[STUB_EXIT_INDIRECT] = start(a);
    emit_search(a, o, leave);
    s->ret_empty = s->others[STUB_RET_MISMATCH] = start(a);
    quad(a, true, T0, o->ret_base);
    mov_sp(a, SP, T0);
    s->lookup = asm_here(a);
    asm_mov(a, true, T0, ZR);
    asm_b(a, search);
    s->others[STUB_CALL] = s->others[STUB_CALL_FPCR] = start(a);
    emit_call_stub(a, map, o, false);
    s->others[STUB_CALL_PURE] = start(a);
    emit_call_stub(a, map, o, true);
    s->others[STUB_CALL_QUICK] = start(a);
    emit_quick_stub(a, map, o, s->others[STUB_CALL]);
    s->others[STUB_ONE] = start(a);
    emit_one_stub(a, map, o);
    emit_small(a, s, o);
    code->size = asm_offset(a);
    code->n_exits = code->n_map = 0;
}

static void far_jump(struct asm_buf *a, uint64_t to)
{
    int64_t d = (int64_t)(to - asm_here(a));
    if (d >= -(1 << 27) && d < 1 << 27) {
        asm_b(a, to);
        return;
    }
    asm_imm(a, T0, to);
    asm_put(a, BR | T0 << 5);
}

/* x17 = guest target */
void a64_emit_inline_cache(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code)
{
    struct asm_buf buf = { code->rw, code->rw, code->rw + code->capacity, code->rx }, *a = &buf;
    uint8_t *load = asm_jump(a, LDR_LITERAL | T0);
    asm_rrr(a, true, A_SUB, T0, T0, TARGET);
    int64_t d = (int64_t)(host_code - asm_here(a));
    bool near = d >= -(1 << 20) && d < 1 << 20;
    uint8_t *branch = asm_jump(a, (near ? J_CBZ : J_CBNZ) | A_X | T0);
    if (!near)
        far_jump(a, host_code);
    asm_land_at(a, branch, near ? branch + d : a->p);
    far_jump(a, otherwise);
    if (asm_here(a) & 7)
        asm_put(a, NOP);
    asm_land(a, load);
    memcpy(a->p, &guest_pc, 8);
    a->p += 8;
    code->size = asm_offset(a);
    code->n_exits = code->n_map = 0;
    (void)env;
}
