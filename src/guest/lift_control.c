/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_control.c: jumps, calls, returns, loops. Manual: Intel SDM volume 1, 6.4 and volume 2.
 * A conditional branch forward does not end the block: the lifter goes on at the fall-through (superblock).
 */
#include "guest/lift_internal.h"

/* --- exits --- */

static unsigned poll_if_backward(const struct x86_lifter *L, uint64_t target)
{
    return target <= L->pc ? IR_EXIT_POLL : 0;
}

void x86_exit(struct x86_lifter *L, uint64_t target)
{
    ir_emit(&L->B, IR_EXIT, IR_VOID, x86_exit_flags(L, target), 0, poll_if_backward(L, target), IR_NONE, IR_NONE, IR_NONE, (int64_t)target);
    L->done = true;
}

void x86_exit_if(struct x86_lifter *L, ir_ref cond, uint64_t target)
{
    ir_emit(&L->B, IR_EXITIF, IR_VOID, x86_exit_flags(L, target), 0, poll_if_backward(L, target), cond, IR_NONE, IR_NONE, (int64_t)target);
}

void x86_exit_to(struct x86_lifter *L, enum ir_op op, ir_ref a, ir_ref b)
{
    ir_emit(&L->B, op, IR_VOID, IR_F_ALL, 0, 0, a, b, IR_NONE, 0);
    L->done = true;
}

bool x86_trap(struct x86_lifter *L, enum ir_trap trap, uint64_t pc)
{
    ir_emit(&L->B, IR_TRAP, IR_VOID, IR_F_ALL, trap, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
    L->done = true;
    return true;
}

static uint64_t relative_target(const struct x86_lifter *L)
{
    return L->next_pc + L->op[0].imm.value.u;
}

/* --- conditional --- */

/* A second branch on the same flags belongs to the block: alone it would have to find them in the state. */
static bool jcc_follows(const struct x86_lifter *L)
{
    if (L->code_end < L->next_pc || L->code_end - L->next_pc < 2)
        return false;
    uint64_t at = ir_mem_at(L->next_pc, 2, false);
    const uint8_t *bytes = (const uint8_t *)at;
    return at != IR_MEM_SPLIT && (bytes[0] >> 4 == 7 || (bytes[0] == 0x0f && bytes[1] >> 4 == 8));
}

static void branch(struct x86_lifter *L, ir_ref cond)
{
    uint64_t target = relative_target(L);
    x86_exit_if(L, cond, target);
    if (target <= L->pc || (++L->n_conditional > L->cfg->max_conditional && !jcc_follows(L)))
        x86_exit(L, L->next_pc);
}

bool x86_lift_jcc(struct x86_lifter *L, unsigned cc)
{
    branch(L, ir_cond(&L->B, cc));
    return true;
}

static enum ir_type counter_type(const struct x86_lifter *L)
{
    return L->insn.address_width == 32 ? IR_I32 : IR_I64;
}

/* JRCXZ, JECXZ */
bool x86_lift_jrcxz(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = counter_type(L);
    branch(L, x86_cmp(L, IR_CC_E, x86_get_gpr(L, t, X86_RCX), x86_imm(L, t, 0)));
    return true;
}

enum { LOOP_PLAIN, LOOP_WHILE_EQUAL, LOOP_WHILE_NOT_EQUAL };    /* as in table_integer.def */

/* A repeat prefix overrules the opcode's condition, although no manual says so. */
static unsigned loop_kind(const struct x86_lifter *L, unsigned kind)
{
    for (unsigned i = 0; kind != LOOP_PLAIN && i < L->insn.raw.prefix_count; i++) {
        if (L->insn.raw.prefixes[i].value == 0xf3)
            kind = LOOP_WHILE_EQUAL;
        else if (L->insn.raw.prefixes[i].value == 0xf2)
            kind = LOOP_WHILE_NOT_EQUAL;
    }
    return kind;
}

bool x86_lift_loop(struct x86_lifter *L, unsigned kind)
{
    kind = loop_kind(L, kind);
    struct ir_builder *B = &L->B;
    enum ir_type t = counter_type(L);
    ir_ref n = ir_lea(B, t, x86_get_gpr(L, t, X86_RCX), IR_NONE, 0, -1), go = n;
    if (kind != LOOP_PLAIN) {
        ir_ref flag = ir_cond(B, kind == LOOP_WHILE_EQUAL ? IR_CC_E : IR_CC_NE);
        go = ir_op3(B, IR_SELECT, t, flag, n, x86_imm(L, t, 0));
    }
    x86_put_gpr(L, t, X86_RCX, n);
    branch(L, x86_cmp(L, IR_CC_NE, go, x86_imm(L, t, 0)));
    return true;
}

/* --- far transfers: only the 64-bit code segment exists --- */

static ir_ref far_part(struct x86_lifter *L, ir_ref addr, enum ir_type t, int64_t offset, unsigned mem)
{
    return ir_load(&L->B, t, ir_lea(&L->B, IR_I64, addr, IR_NONE, 0, offset), mem);
}

static void check_code_segment(struct x86_lifter *L, ir_ref selector)
{
    ir_call(&L->B, X86_H_load_segment, IR_VOID, x86_imm(L, IR_I32, 1), ir_trunc(&L->B, IR_I16, selector), IR_NONE, IR_NONE);
}

/* JMP, CALL m16:16, m16:32, m16:64 */
static bool far_transfer(struct x86_lifter *L, bool call)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_int_type(L->insn.operand_width);
    int64_t size = ir_type_size[t];
    ir_ref addr = x86_ea(L, 0), sp = x86_get_gpr(L, IR_I64, X86_RSP);
    ir_ref target = far_part(L, addr, t, 0, x86_mem_aux(L, 0));
    check_code_segment(L, far_part(L, addr, IR_I16, size, x86_mem_aux(L, 0)));
    if (call) {
        ir_ref cs = ir_zext(B, t, ir_get(B, IR_I16, X86_OFF(seg) + 2));
        ir_store(B, t, ir_lea(B, IR_I64, sp, IR_NONE, 0, -size), cs, IR_MEM_STACK);
        ir_store(B, t, ir_lea(B, IR_I64, sp, IR_NONE, 0, -2 * size), x86_imm(L, t, (int64_t)L->next_pc), IR_MEM_STACK);
        x86_put_gpr(L, IR_I64, X86_RSP, ir_lea(B, IR_I64, sp, IR_NONE, 0, -2 * size));
    }
    x86_exit_to(L, IR_EXITIND, ir_zext(B, IR_I64, target), IR_NONE);
    return true;
}

static bool far_return(struct x86_lifter *L, uint64_t extra)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_int_type(L->insn.operand_width);
    int64_t size = ir_type_size[t];
    ir_ref sp = x86_get_gpr(L, IR_I64, X86_RSP);
    ir_ref target = far_part(L, sp, t, 0, IR_MEM_STACK);
    check_code_segment(L, far_part(L, sp, t, size, IR_MEM_STACK));
    x86_put_gpr(L, IR_I64, X86_RSP, ir_lea(B, IR_I64, sp, IR_NONE, 0, 2 * size + (int64_t)extra));
    x86_exit_to(L, IR_EXITIND, ir_zext(B, IR_I64, target), IR_NONE);
    return true;
}

/* IRET, IRETD, IRETQ to the same privilege: rip, cs, flags, rsp, ss */
bool x86_lift_iret(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_int_type(L->insn.operand_width);
    int64_t size = ir_type_size[t];
    ir_ref sp = x86_get_gpr(L, IR_I64, X86_RSP), part[5];
    for (int k = 0; k < 5; k++)
        part[k] = far_part(L, sp, t, k * size, IR_MEM_STACK);
    check_code_segment(L, part[1]);
    ir_call(B, X86_H_load_segment, IR_VOID, x86_imm(L, IR_I32, 2), ir_trunc(B, IR_I16, part[4]), IR_NONE, IR_NONE);
    ir_call(B, X86_H_write_rflags, IR_VOID, part[2], x86_imm(L, IR_I32, 8 * size), IR_NONE, IR_NONE);
    x86_put_gpr(L, IR_I64, X86_RSP, ir_zext(B, IR_I64, part[3]));
    x86_exit_to(L, IR_EXITIND, ir_zext(B, IR_I64, part[0]), IR_NONE);
    return true;
}

/* --- near --- */

bool x86_lift_jmp(struct x86_lifter *L, unsigned arg)
{
    if (L->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return far_transfer(L, false);
    if (L->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        x86_exit(L, relative_target(L));
    else
        x86_exit_to(L, IR_EXITIND, x86_read_as(L, 0, IR_I64), IR_NONE);
    return true;
}

/* The target is read before the push. */
bool x86_lift_call(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    if (L->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return far_transfer(L, true);
    bool direct = L->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    ir_ref target = direct ? IR_NONE : x86_read_as(L, 0, IR_I64), back = x86_imm(L, IR_I64, (int64_t)L->next_pc);
    ir_ref sp = ir_lea(B, IR_I64, x86_get_gpr(L, IR_I64, X86_RSP), IR_NONE, 0, -8);
    ir_store(B, IR_I64, sp, back, IR_MEM_STACK);
    x86_put_gpr(L, IR_I64, X86_RSP, sp);
    if (direct) {
        uint64_t to = relative_target(L);
        ir_emit(B, IR_EXITCALL, IR_VOID, x86_exit_flags(L, to), 0, 0, back, IR_NONE, IR_NONE, (int64_t)to);
        L->done = true;
    } else
        x86_exit_to(L, IR_EXITCALLI, target, back);
    return true;
}

bool x86_lift_ret(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    uint64_t extra = L->insn.operand_count_visible ? L->op[0].imm.value.u & 0xffff : 0;
    if (L->insn.opcode == 0xca || L->insn.opcode == 0xcb)
        return far_return(L, extra);
    ir_ref sp = x86_get_gpr(L, IR_I64, X86_RSP);
    ir_ref target = ir_load(B, IR_I64, sp, IR_MEM_STACK);
    x86_put_gpr(L, IR_I64, X86_RSP, ir_lea(B, IR_I64, sp, IR_NONE, 0, 8 + (int64_t)extra));
    x86_exit_to(L, IR_EXITRET, target, IR_NONE);
    return true;
}
