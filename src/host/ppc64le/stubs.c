/* SPDX-License-Identifier: GPL-2.0-or-later
 * stubs.c: the pieces that all blocks share: entry, exits, the lookup of indirect targets, the return stack's bottom, the ways into C. C's
 * stack pointer stays in r1; the return stack (r31) holds addresses of landing places and nothing else.
 * Manual: 64-bit ELF V2 ABI for POWER, 2.2 (frames, r2 and r12 at a function's entry).
 */
#include "host/ppc64le/emit.h"
#include "ir/helpers.h"

/* Near to the code (which starts at rx), so that two instructions reach it, and what lies within 2 GiB of it: the guest's programs too. */
static uint64_t base_near(uint64_t rx) { return (rx & ~0xffffull) + 0x20000000; }

static void set_raw(struct asm_buf *a, unsigned r, uint64_t v)
{
    asm_d(a, P_ADDIS, r, 0, (int32_t)(v >> 48));
    asm_li(a, P_ORI, r, r, (uint32_t)(v >> 32));
    asm_sldi(a, r, r, 32);
    asm_li(a, P_ORIS, r, r, (uint32_t)(v >> 16));
    asm_li(a, P_ORI, r, r, (uint32_t)v);
}

enum { GPRS = 1, VECS = 2 };
static void move_mapped(struct asm_buf *a, const struct host_env *env, bool store, unsigned what)
{
    const struct p64_map *map = p64_map(env);
    for (unsigned r = 0; r < N_LISTS; r++) {
        if (map->offset[r] < 0)
            continue;
        if (r >= VEC && what & VECS)
            state_vec(a, env, store, r - VEC, REG_STATE, map->offset[r]);
        else if (r < VEC && what & GPRS)
            asm_d(a, (uint32_t)(store ? P_STD : P_LD), r, REG_STATE, map->offset[r]);
    }
}

static void near_state(struct asm_buf *a, uint32_t op, unsigned r, uint32_t offset)
{
    if (offset < 0x8000) {
        asm_d(a, op, r, REG_STATE, (int32_t)offset);
        return;
    }
    asm_d(a, P_ADDIS, R9, REG_STATE, (int32_t)((offset + 0x8000) >> 16));
    asm_d(a, op, r, R9, (int16_t)offset);
}

static void set_poll(struct asm_buf *a, const struct host_offsets *o)
{
    asm_d(a, P_ADDIS, REG_POLL, REG_STATE, (int32_t)((o->poll_page + 0x8000) >> 16));
    asm_d(a, P_ADDI, REG_POLL, REG_POLL, (int16_t)o->poll_page);
}

/* --- floating point (emit_float.c) --- */

/* What VS_* hold, from VS_FIRST on: 2^-822, with which loops.c multiplies; for leaves 2^-200 as facts.c has it; numbers below which (0 aside) an operand is left to the interpreter: 2^-61, 2^-102 (four times, for singles),
 * -; for singles in the format of doubles a divisor of 2^61 and more, 2^-60, 2^-102; for doubles 2^-510. See xvtdivdp for how they follow from
 * these constants: fe is set for a quotient's exponent of -1021 and less (-125 for singles), 1023 and more (127). */
static const uint64_t vs_constants[N_VS_CONSTANTS] = {
    [VS_SHRINK - VS_FIRST] = (1023ull - 822) << 52, [VS_LEAF - VS_FIRST] = (1023ull + 820) << 52, [VS_FLOATS_MUL - VS_FIRST] = 0x5e8000005e800000, [VS_FLOATS - VS_FIRST] = 0x3f8000003f800000,
    [VS_SINGLE_DIV - VS_FIRST] = (1023ull - 960) << 52, [VS_SINGLE_MUL - VS_FIRST] = (1023ull + 960) << 52, [VS_SINGLE - VS_FIRST] = (1023ull + 918) << 52,
    [VS_DOUBLE - VS_FIRST] = (1023ull + 510) << 52,
};

/* data: as above, and zeros for an unusual MXCSR */
static void put_constants(struct asm_buf *a)
{
    for (unsigned k = 0; k < 4 * N_VS_CONSTANTS; k++)
        asm_u64(a, k < 2 * N_VS_CONSTANTS ? vs_constants[k / 2] : 0);
}

/* Uses r0 and r12, sets cr7 and clears FPSCR. */
static void set_modes(struct asm_buf *a, const struct host_env *env)
{
    int64_t d = (int64_t)(env->stubs.others[STUB_CONSTANTS] - env->stubs.others[STUB_BASE]);
    asm_d(a, P_LWZ, R0, REG_STATE, (int32_t)env->offsets->fpcr);
    asm_rlwinm(a, R0, R0, 0, 16, 25);
    asm_cmpi(a, F_MODE, false, false, R0, 0x1f80);
    asm_d(a, P_ADDIS, R12, REG_BASE, (int32_t)((d + 0x8000) >> 16));
    asm_d(a, P_ADDI, R12, R12, (int16_t)d);
    uint8_t *usual = asm_bc_later(a, BO_TRUE, 4 * F_MODE + CR_EQ);
    asm_d(a, P_ADDI, R12, R12, 16 * N_VS_CONSTANTS);
    asm_patch(a, usual);
    for (unsigned k = 0; k < N_VS_CONSTANTS; k++)
        if (env->features & FEATURE_3_0) {
            asm_u32(a, OPC(61) | (VS_FIRST + k) << 21 | R12 << 16 | 16 * k | 1);                    /* lxv */
        } else {
            asm_x(a, P_LXVD2X, VS_FIRST + k, 0, R12);
            asm_d(a, P_ADDI, R12, R12, 16);
        }
    asm_u32(a, OPC(63) | 0xff << 17 | VS_ZERO << 11 | 711 << 1);                             /* mtfsf */
}

/* The sticky flags of FPSCR that may be set, inexact and overflow, join those of MXCSR. Uses r0, r12, vs0. */
static void gather(struct asm_buf *a, const struct host_offsets *o)
{
    asm_u32(a, 0xfc00048e);                                                                  /* mffs f0 */
    asm_u32(a, P_MFVSRD | 0 << 21 | R0 << 16);                                               /* mfvsrd r0, vs0 */
    asm_rlwinm(a, R12, R0, 12, 26, 26);                                                      /* XX to PE */
    asm_rlwimi(a, R12, R0, 7, 28, 28);                                                       /* OX to OE */
    asm_d(a, P_LWZ, R0, REG_STATE, (int32_t)o->fpcr);
    asm_l(a, P_OR, R0, R0, R12);
    asm_d(a, P_STW, R0, REG_STATE, (int32_t)o->fpcr);
}

static void frame_regs(struct asm_buf *a, const struct host_env *env, bool store)
{
    for (unsigned r = 14; r < 32; r++)
        asm_d(a, (uint32_t)(store ? P_STD : P_LD), r, R1, (int32_t)(FRAME_GPR + 8 * (r - 14)));
    for (unsigned v = 20; v < 24; v++)
        state_vec(a, env, store, v, R1, (int32_t)(FRAME_VEC + 16 * (v - 20)));
}

/* uint64_t enter(r3 = state, r4 = host code) */
static void emit_enter(struct asm_buf *a, const struct host_env *env)
{
    const struct host_offsets *o = env->offsets;
    asm_r(a, P_MFLR, R0);
    asm_d(a, (uint32_t)P_STD, R0, R1, 16);
    asm_d(a, (uint32_t)P_STDU, R1, R1, -FRAME_SIZE);
    asm_r(a, P_MFCR, R0);
    asm_d(a, (uint32_t)P_STD, R0, R1, FRAME_CR);
    asm_mr(a, R5, R4);
    frame_regs(a, env, true);
    asm_mr(a, REG_STATE, R3);
    near_state(a, (uint32_t)P_STD, R1, o->host_sp);
    set_raw(a, REG_BASE, env->stubs.others[STUB_BASE]);
    move_mapped(a, env, false, GPRS | VECS);
    near_state(a, (uint32_t)P_LD, REG_RETURN, o->ret_sp);
    set_poll(a, o);
    set_modes(a, env);
    clean_flags(a, o);
    asm_r(a, P_MTCTR, R5);
    asm_u32(a, P_BCTR);
}

/* r3 = what enter returns */
static void back_to_c(struct asm_buf *a, const struct host_env *env)
{
    frame_regs(a, env, false);
    asm_d(a, (uint32_t)P_LD, R0, R1, FRAME_CR);
    asm_r(a, P_MTCRF, R0);
    asm_d(a, P_ADDI, R1, R1, FRAME_SIZE);
    asm_d(a, (uint32_t)P_LD, R0, R1, 16);
    asm_r(a, P_MTLR, R0);
    asm_u32(a, P_BLR);
}

static void emit_leave(struct asm_buf *a, const struct host_env *env)
{
    gather(a, env->offsets);
    settle_flags(a, env);
    move_mapped(a, env, true, GPRS | VECS);
    near_state(a, (uint32_t)P_STD, REG_RETURN, env->offsets->ret_sp);
    back_to_c(a, env);
}

static void reason(struct asm_buf *a, unsigned r, uint64_t leave)
{
    asm_d(a, P_ADDI, R3, 0, (int32_t)r);
    asm_b(a, leave, false);
}

/* r12 = the exit's slot */
static void emit_exit_link(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    asm_d(a, (uint32_t)P_LD, R0, R12, SLOT_TARGET);
    near_state(a, (uint32_t)P_STD, R0, o->pc);
    asm_d(a, (uint32_t)P_LD, R0, R12, SLOT_PATCH);
    near_state(a, (uint32_t)P_STD, R0, o->exit_info);
    reason(a, HOST_R_LINK, leave);
}

/* r11 = guest target; exit_info is set. host_jump_index in code. */
static void emit_search(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    asm_srdi(a, R12, REG_TARGET, o->jump_cache_bits);
    asm_l(a, P_XOR, R12, R12, REG_TARGET);
    asm_md(a, 2, R12, R12, 4, 60 - o->jump_cache_bits);
    asm_d(a, P_ADDIS, R9, REG_STATE, (int32_t)((o->jump_cache + 0x8000) >> 16));
    asm_x(a, P_ADD, R9, R9, R12);
    asm_d(a, P_ADDI, R9, R9, (int16_t)o->jump_cache);
    asm_d(a, (uint32_t)P_LD, R0, R9, 0);
    asm_d(a, (uint32_t)P_LD, R12, R9, 8);
    asm_cmp(a, 0, true, false, R0, REG_TARGET);
    uint8_t *miss = asm_bc_later(a, BO_FALSE, CR_EQ);
    asm_r(a, P_MTCTR, R12);
    asm_u32(a, P_BCTR);
    asm_patch(a, miss);
    near_state(a, (uint32_t)P_STD, REG_TARGET, o->pc);
    near_state(a, (uint32_t)P_STD, REG_TARGET, o->exit_target);
    reason(a, HOST_R_INDIRECT, leave);
}

static void call_c(struct asm_buf *a, const struct host_env *env)        /* r12 = function */
{
    asm_r(a, P_MTCTR, R12);
    asm_u32(a, P_BCTRL);
    set_raw(a, REG_BASE, env->stubs.others[STUB_BASE]);
}

static void save_link(struct asm_buf *a, bool store)
{
    if (store) {
        asm_r(a, P_MFLR, R0);
        asm_d(a, (uint32_t)P_STD, R0, R1, FRAME_ONE_LR);
        asm_r(a, P_MFCR, R0);
        asm_d(a, (uint32_t)P_STD, R0, R1, FRAME_ONE_CR);
    } else {
        asm_d(a, (uint32_t)P_LD, R0, R1, FRAME_ONE_CR);
        asm_r(a, P_MTCRF, R0);
        asm_d(a, (uint32_t)P_LD, R0, R1, FRAME_ONE_LR);
    }
}

/* r11 = C function; arguments in the spill area; its result stays in r3 */
static void emit_call_stub(struct asm_buf *a, const struct host_env *env, bool is_pure)
{
    const struct host_offsets *o = env->offsets;
    save_link(a, true);
    move_mapped(a, env, true, is_pure ? VECS : GPRS | VECS);
    near_state(a, (uint32_t)P_STD, REG_RETURN, o->ret_sp);
    gather(a, o);
    if (!is_pure)
        settle_flags(a, env);
    asm_mr(a, R3, REG_STATE);
    for (unsigned k = 0; k < 4; k++)
        near_state(a, (uint32_t)P_LD, R4 + k, o->spill + SPILL_ARGS + 8 * k);
    asm_mr(a, R12, R11);
    call_c(a, env);
    move_mapped(a, env, false, is_pure ? VECS : GPRS | VECS);
    set_poll(a, o);
    save_link(a, false);
    asm_r(a, P_MTLR, R0);
    set_modes(a, env);
    if (!is_pure)
        clean_flags(a, o);
    asm_u32(a, P_BLR);
}

/* r11 = struct ir_helper with a quick form. `call`: the stub for the other one, which finds all as it was. All mapped registers are callee-saved. */
static void emit_quick_stub(struct asm_buf *a, const struct host_env *env, uint64_t call)
{
    const struct host_offsets *o = env->offsets;
    save_link(a, true);
    asm_d(a, (uint32_t)P_STD, R11, R1, FRAME_ONE_GPR);
    asm_mr(a, R3, REG_STATE);
    for (unsigned k = 0; k < 4; k++)
        near_state(a, (uint32_t)P_LD, R4 + k, o->spill + SPILL_ARGS + 8 * k);
    asm_d(a, (uint32_t)P_LD, R12, R11, offsetof(struct ir_helper, quick));
    call_c(a, env);
    set_poll(a, o);
    asm_d(a, (uint32_t)P_LD, R11, R1, FRAME_ONE_GPR);
    asm_cmpi(a, 0, true, true, R3, (int32_t)IR_NOT_QUICK);
    uint8_t *quick = asm_bc_later(a, BO_FALSE, CR_EQ);
    save_link(a, false);
    asm_r(a, P_MTLR, R0);
    asm_d(a, (uint32_t)P_LD, R11, R11, offsetof(struct ir_helper, fn));
    asm_b(a, call, false);
    asm_patch(a, quick);
    save_link(a, false);
    asm_r(a, P_MTLR, R0);
    asm_u32(a, P_BLR);
}

/* lr = struct p64_one, behind which it returns; keeps all registers but r0 and lr */
static void emit_one_stub(struct asm_buf *a, const struct host_env *env)
{
    const struct host_offsets *o = env->offsets;
    save_link(a, true);
    for (unsigned r = R3; r <= R12; r++)
        asm_d(a, (uint32_t)P_STD, r, R1, (int32_t)(FRAME_ONE_GPR + 8 * (r - R3)));
    for (unsigned v = 16; v < 24; v++)
        state_vec(a, env, true, v, R1, (int32_t)(FRAME_ONE_VEC + 16 * (v - 16)));
    move_mapped(a, env, true, GPRS | VECS);
    near_state(a, (uint32_t)P_STD, REG_RETURN, o->ret_sp);
    gather(a, o);
    asm_r(a, P_MFLR, R3);
    asm_d(a, P_ADDI, R4, REG_STATE, (int32_t)(o->spill + SPILL_CELLS));
    asm_mr(a, R5, REG_STATE);
    set_raw(a, R12, (uint64_t)(uintptr_t)p64_interp_one);
    call_c(a, env);
    move_mapped(a, env, false, VECS);
    for (unsigned v = 16; v < 24; v++)
        state_vec(a, env, false, v, R1, (int32_t)(FRAME_ONE_VEC + 16 * (v - 16)));
    set_modes(a, env);
    save_link(a, false);
    asm_mr(a, R12, R0);
    asm_d(a, P_ADDI, R12, R12, sizeof(struct p64_one));
    asm_r(a, P_MTCTR, R12);
    for (unsigned r = R3; r <= R12; r++)
        asm_d(a, (uint32_t)P_LD, r, R1, (int32_t)(FRAME_ONE_GPR + 8 * (r - R3)));
    asm_u32(a, P_BCTR);
}

static uint64_t start(struct asm_buf *a)
{
    while (asm_here(a) & 15)
        asm_u32(a, P_NOP);
    return asm_here(a);
}

void p64_emit_stubs(struct host_env *env, struct host_code *code)
{
    const struct host_offsets *o = env->offsets;
    struct asm_buf buf = { code->rw, code->rw, code->rw + code->capacity, code->rx }, *a = &buf;
    struct host_stubs *s = &env->stubs;
    s->others[STUB_BASE] = base_near(code->rx);
    s->others[STUB_CONSTANTS] = start(a);
    put_constants(a);
    s->others[STUB_FLAGS] = start(a);
    emit_flags_stub(a, o);
    s->others[STUB_COMPARE] = start(a);
    emit_compare_stub(a, env);
    s->enter = start(a);
    emit_enter(a, env);
    uint64_t leave = start(a);
    emit_leave(a, env);
    s->leave_fault = start(a);
    asm_d(a, P_ADDI, R3, 0, HOST_R_TRAP + IR_N_TRAPS);
    back_to_c(a, env);
    s->others[STUB_EXIT_LINK] = start(a);
    emit_exit_link(a, o, leave);
    s->others[STUB_EXIT_TRAP] = start(a);
    near_state(a, (uint32_t)P_STD, REG_TARGET, o->pc);
    asm_b(a, leave, false);
    s->others[STUB_EXIT_RUN] = start(a);
    near_state(a, (uint32_t)P_STD, R3, o->exit_target);
    near_state(a, (uint32_t)P_STD, REG_TARGET, o->pc);
    reason(a, HOST_R_RUN, leave);
    s->others[STUB_EXIT_INDIRECT] = start(a);
    asm_d(a, (uint32_t)P_LD, R0, R12, SLOT_PATCH);
    near_state(a, (uint32_t)P_STD, R0, o->exit_info);
    uint64_t search = asm_here(a);
    emit_search(a, o, leave);
    s->ret_empty = s->others[STUB_RET_MISMATCH] = start(a);
    near_state(a, (uint32_t)P_LD, REG_RETURN, o->ret_base);
    s->lookup = asm_here(a);
    asm_d(a, P_ADDI, R0, 0, 0);
    near_state(a, (uint32_t)P_STD, R0, o->exit_info);
    asm_b(a, search, false);
    s->others[STUB_CALL] = start(a);
    emit_call_stub(a, env, false);
    s->others[STUB_CALL_PURE] = start(a);
    emit_call_stub(a, env, true);
    s->others[STUB_CALL_QUICK] = start(a);
    emit_quick_stub(a, env, s->others[STUB_CALL]);
    s->others[STUB_ONE] = start(a);
    emit_one_stub(a, env);
    s->others[STUB_MODES] = start(a);
    set_modes(a, env);
    asm_u32(a, P_BLR);
    s->others[STUB_GATHER] = start(a);
    gather(a, o);
    asm_u32(a, P_BLR);
    code->size = asm_offset(a);
    code->n_exits = code->n_map = 0;
}

/* r11 = guest target */
void p64_emit_inline_cache(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code)
{
    struct asm_buf buf = { code->rw, code->rw, code->rw + code->capacity, code->rx }, *a = &buf;
    set_imm(a, env, R12, (int64_t)guest_pc);
    asm_cmp(a, 0, true, false, REG_TARGET, R12);
    uint8_t *other = asm_bc_later(a, BO_FALSE, CR_EQ);
    far_jump(a, env, host_code, false);
    asm_patch(a, other);
    far_jump(a, env, otherwise, false);
    code->size = asm_offset(a);
    code->n_exits = code->n_map = 0;
}

/* Each store leaves a state that works: the slot is read only while the branch goes to the stub. */
void p64_link(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to)
{
    uint64_t slot = exit_slot(patch_rx), stub = patch_rx + EXIT_STUB, way = to;
    uint8_t *slot_rw = patch_rw + (slot - patch_rx);
    int64_t d = (int64_t)(to - patch_rx);
    bool near = to != stub && d >= -0x2000000 && d < 0x2000000;
    if (to == stub)
        memcpy(&way, slot_rw + SLOT_UNLINKED, 8);
    if (!near)
        __atomic_store_n((uint64_t *)(void *)slot_rw, way, __ATOMIC_RELEASE);
    uint32_t branch = OPC(18) | ((uint32_t)(near ? d : EXIT_STUB) & 0x3fffffc);
    if (*(volatile uint32_t *)(void *)patch_rw != branch)
        __atomic_store_n((uint32_t *)(void *)patch_rw, branch, __ATOMIC_RELEASE);
}
