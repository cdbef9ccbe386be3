/* SPDX-License-Identifier: GPL-2.0-or-later
 * stubs.c: the pieces that all blocks share: entry, exits, the lookup of indirect targets, the return stack's bottom, the way into C helpers.
 *
 * Two stacks: C's (its pointer is in host_sp while translated code runs) and the return stack, where guest calls leave host return
 * addresses for the processor's return predictor. The return stack holds nothing else, so it may be cut to empty at any time.
 */
#include "host/x86_64/emit.h"
#include "ir/helpers.h"

static const uint8_t callee_saved[] = { RBX, RBP, R12, R13, R14, R15 };
enum { N_SAVED = sizeof callee_saved };
static const uint8_t argument[] = { RSI, RDX, RCX, R8 };

static bool is_callee_saved(unsigned reg) { return memchr(callee_saved, (int)reg, N_SAVED) != NULL; }

enum which { ALL, VOLATILE /* what C may change */, VOLATILE_GPRS };
static void move_mapped(struct asm_buf *a, const struct x64_map *map, bool store, enum which which)
{
    for (unsigned r = 0; r < (which == VOLATILE_GPRS ? XMM : 32); r++) {
        if (map->offset[r] < 0 || (which != ALL && is_callee_saved(r)))
            continue;
        struct asm_mem m = at_state(map->offset[r]);
        if (r >= XMM)
            asm_rm(a, OP_0F(store ? 0x29 : 0x28), 4, r - XMM, m, 0);
        else
            store ? asm_store(a, 8, m, r) : asm_load(a, 8, r, m);
    }
}

static void mxcsr(struct asm_buf *a, bool store, uint32_t offset) { asm_rm(a, OP_0F(0xae), 4, store ? 3 : 2, at_state((int32_t)offset), 0); }

static void push(struct asm_buf *a, unsigned r)
{
    if (r & 8)
        asm_u8(a, 0x41);
    asm_u8(a, 0x50 | (r & 7));
}
static void pop(struct asm_buf *a, unsigned r)
{
    if (r & 8)
        asm_u8(a, 0x41);
    asm_u8(a, 0x58 | (r & 7));
}

static void jmp_reg(struct asm_buf *a, unsigned r) { asm_rr(a, 0xff, 4, 4, r); }

/* uint64_t enter(rdi = state, rsi = host code) */
static void emit_enter(struct asm_buf *a, const struct x64_map *map, const struct host_offsets *o)
{
    for (unsigned k = 0; k < N_SAVED; k++)
        push(a, callee_saved[k]);
    asm_store(a, 8, at_state((int32_t)o->host_sp), RSP);
    mxcsr(a, true, o->host_fpcr);
    mxcsr(a, false, o->fpcr);
    asm_mov_rr(a, 8, RAX, RSI);
    move_mapped(a, map, false, ALL);
    asm_load(a, 8, RSP, at_state((int32_t)o->ret_sp));
    jmp_reg(a, RAX);
}

static void back_to_c(struct asm_buf *a, const struct host_offsets *o)
{
    mxcsr(a, false, o->host_fpcr);
    asm_load(a, 8, RSP, at_state((int32_t)o->host_sp));
    for (unsigned k = N_SAVED; k-- > 0;)
        pop(a, callee_saved[k]);
    asm_u8(a, 0xc3);
}

/* ecx = reason */
static void emit_leave(struct asm_buf *a, const struct x64_map *map, const struct host_offsets *o)
{
    move_mapped(a, map, true, ALL);
    mxcsr(a, true, o->fpcr);
    asm_store(a, 8, at_state((int32_t)o->ret_sp), RSP);
    asm_mov_rr(a, 4, RAX, RCX);
    back_to_c(a, o);
}

static void reason(struct asm_buf *a, unsigned r, uint64_t leave)
{
    asm_mov_imm(a, RCX, r);
    asm_jmp(a, leave);
}

/* rax = a direct exit's data: i32 distance back to the patch place, u64 target */
static void emit_exit_link(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    asm_load(a, 8, RCX, at_reg(RAX, 4));
    asm_store(a, 8, at_state((int32_t)o->pc), RCX);
    asm_rm(a, 0x63, 8, RCX, at_reg(RAX, 0), 0);            /* movsxd */
    asm_alu_rr(a, ALU_SUB, 8, RAX, RCX);
    asm_store(a, 8, at_state((int32_t)o->exit_info), RAX);
    reason(a, HOST_R_LINK, leave);
}

/* [gs: rax + offset], as the r/m operand of `op` */
static void at_cache(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, uint32_t offset)
{
    asm_u8(a, 0x65);
    asm_rm(a, op, size, reg, at_reg(RAX, (int32_t)offset), 0);
}

/* host_jump_index in code: 32 bits of the address are enough */
uint8_t *x64_emit_lookup(struct asm_buf *a, const struct host_offsets *o)
{
    asm_mov_rr(a, 4, RAX, RCX);
    asm_shift_ri(a, SH_SHR, 4, RAX, o->jump_cache_bits);
    asm_alu_rr(a, ALU_XOR, 4, RAX, RCX);
    asm_alu_ri(a, ALU_AND, 4, RAX, (int32_t)((1u << o->jump_cache_bits) - 1));
    asm_shift_ri(a, SH_SHL, 4, RAX, 4);
    at_cache(a, 0x3b, 8, RCX, o->jump_cache);
    uint8_t *miss = asm_jcc_short(a, CC_NE);
    at_cache(a, 0xff, 4, 4, o->jump_cache + 8);
    return miss;
}

/* rcx = guest target, exit_info is set: leave, the engine looks further */
static void emit_miss(struct asm_buf *a, const struct host_offsets *o, uint64_t leave)
{
    asm_store(a, 8, at_state((int32_t)o->pc), RCX);
    asm_store(a, 8, at_state((int32_t)o->exit_target), RCX);
    reason(a, HOST_R_INDIRECT, leave);
}

static void load_arguments(struct asm_buf *a, const struct host_offsets *o)
{
    asm_load(a, 8, RDI, at_state((int32_t)o->self));
    for (unsigned k = 0; k < 4; k++)
        asm_load(a, 8, argument[k], at_state((int32_t)(o->spill + SPILL_ARGS + k * 8)));
}

/* rax = C function; arguments in the spill area. Called with the return stack; the return address waits on C's stack, so that the return
 * stack is as the guest left it when the helper does not come back. It aligns C's stack as well. */
static void emit_call_stub(struct asm_buf *a, const struct x64_map *map, const struct host_offsets *o, bool pure, bool fpcr)
{
    pop(a, RCX);
    move_mapped(a, map, true, pure ? VOLATILE : ALL);
    asm_store(a, 8, at_state((int32_t)o->ret_sp), RSP);
    asm_load(a, 8, RSP, at_state((int32_t)o->host_sp));
    push(a, RCX);
    if (fpcr || !pure)                      /* a helper that faults is not come back from: its state has the sticky flags */
        mxcsr(a, true, o->fpcr);
    if (fpcr)
        mxcsr(a, false, o->host_fpcr);
    load_arguments(a, o);
    asm_rr(a, 0xff, 4, 2, RAX);
    if (fpcr)
        mxcsr(a, false, o->fpcr);
    pop(a, RCX);
    asm_load(a, 8, RSP, at_state((int32_t)o->ret_sp));
    move_mapped(a, map, false, pure ? VOLATILE : ALL);
    push(a, RCX);
    asm_u8(a, 0xc3);
}

static void end_quick(struct asm_buf *a, const struct x64_map *map, const struct host_offsets *o)
{
    pop(a, RCX);
    asm_load(a, 8, RSP, at_state((int32_t)o->ret_sp));
    move_mapped(a, map, false, VOLATILE_GPRS);
    push(a, RCX);
}

/* rax = struct ir_helper with a quick form. `call`: the stub for the other one, which finds all as it was */
static void emit_quick_stub(struct asm_buf *a, const struct x64_map *map, const struct host_offsets *o, uint64_t call)
{
    pop(a, RCX);
    move_mapped(a, map, true, VOLATILE_GPRS);
    asm_store(a, 8, at_state((int32_t)o->ret_sp), RSP);
    asm_load(a, 8, RSP, at_state((int32_t)o->host_sp));
    push(a, RCX);
    push(a, RAX);
    load_arguments(a, o);
    asm_rm(a, 0xff, 4, 2, at_reg(RAX, (int32_t)offsetof(struct ir_helper, quick)), 0);
    asm_alu_ri(a, ALU_CMP, 8, RAX, (int32_t)IR_NOT_QUICK);
    uint8_t *not_quick = asm_jcc_short(a, CC_E);
    pop(a, RCX);
    end_quick(a, map, o);
    asm_u8(a, 0xc3);
    asm_here_short(a, not_quick);
    pop(a, RAX);
    end_quick(a, map, o);
    asm_load(a, 8, RAX, at_reg(RAX, (int32_t)offsetof(struct ir_helper, fn)));
    asm_jmp(a, call);
}

static uint64_t start(struct asm_buf *a)
{
    asm_nops(a, (unsigned)(-(uintptr_t)asm_here(a) & 15));
    return asm_here(a);
}

void x64_emit_stubs(struct host_env *env, struct host_code *code)
{
    const struct host_offsets *o = env->offsets;
    const struct x64_map *map = x64_map(env);
    struct asm_buf buf = { code->rw, code->rw, code->rw + code->capacity, code->rx }, *a = &buf;
    struct host_stubs *s = &env->stubs;
    s->enter = start(a);
    emit_enter(a, map, o);
    uint64_t leave = start(a);
    emit_leave(a, map, o);
    s->leave_fault = start(a);
    asm_mov_imm(a, RAX, HOST_R_TRAP + IR_N_TRAPS);
    back_to_c(a, o);
    s->others[STUB_EXIT_LINK] = start(a);
    emit_exit_link(a, o, leave);
    s->others[STUB_EXIT_TRAP] = start(a);
    asm_store(a, 8, at_state((int32_t)o->pc), RAX);
    asm_jmp(a, leave);
    s->others[STUB_EXIT_INDIRECT] = start(a);
    asm_store(a, 8, at_state((int32_t)o->exit_info), RAX);
    uint64_t miss = asm_here(a);
    emit_miss(a, o, leave);
    s->ret_empty = s->others[STUB_RET_MISMATCH] = start(a);
    asm_load(a, 8, RSP, at_state((int32_t)o->ret_base));
    s->lookup = asm_here(a);
    uint8_t *to_miss = x64_emit_lookup(a, o);
    asm_here_short(a, to_miss);
    asm_store_imm(a, 8, at_state((int32_t)o->exit_info), 0);
    asm_jmp(a, miss);
    s->others[STUB_CALL] = start(a);
    emit_call_stub(a, map, o, false, false);
    s->others[STUB_CALL_FPCR] = start(a);
    emit_call_stub(a, map, o, false, true);
    s->others[STUB_CALL_PURE] = start(a);
    emit_call_stub(a, map, o, true, false);
    s->others[STUB_CALL_QUICK] = start(a);
    emit_quick_stub(a, map, o, s->others[STUB_CALL]);
    code->size = asm_offset(a);
    code->n_exits = code->n_map = 0;
}

/* rcx = guest target */
void x64_emit_inline_cache(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code)
{
    struct asm_buf buf = { code->rw, code->rw, code->rw + code->capacity, code->rx }, *a = &buf;
    if (fits_i32((int64_t)guest_pc)) {
        asm_alu_ri(a, ALU_CMP, 8, RCX, (int32_t)guest_pc);
    } else {
        asm_mov_imm(a, RAX, guest_pc);
        asm_alu_rr(a, ALU_CMP, 8, RCX, RAX);
    }
    asm_jcc(a, CC_NE, otherwise);
    asm_jmp(a, host_code);
    code->size = asm_offset(a);
    code->n_exits = code->n_map = 0;
    (void)env;
}
