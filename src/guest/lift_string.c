/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_string.c: MOVS, STOS, LODS, SCAS, CMPS. Manual: Intel SDM volume 1, 7.3.9.
 * A single step is lifted inline. A repeated one is a helper call that does a bounded piece of the work and says
 * whether some is left: then the block leaves to the same instruction, so that it can be interrupted.
 */
#include "guest/lift_internal.h"
#include "guest/string_control.h"

static enum ir_type address_type(const struct x86_lifter *L)
{
    return L->insn.address_width == 32 ? IR_I32 : IR_I64;
}

static ir_ref source_base(struct x86_lifter *L)
{
    ZydisRegister segment = x86_has(L, ZYDIS_ATTRIB_HAS_SEGMENT_FS) ? ZYDIS_REGISTER_FS :
                            x86_has(L, ZYDIS_ATTRIB_HAS_SEGMENT_GS) ? ZYDIS_REGISTER_GS : ZYDIS_REGISTER_NONE;
    return x86_segment_base(L, segment);
}

/* --- one step --- */

static ir_ref source_address(struct x86_lifter *L)
{
    ir_ref v = ir_zext(&L->B, IR_I64, x86_get_gpr(L, address_type(L), X86_RSI)), base = source_base(L);
    return base == IR_NONE ? v : ir_op2(&L->B, IR_ADD, IR_I64, v, base);
}
static ir_ref target_address(struct x86_lifter *L)
{
    return ir_zext(&L->B, IR_I64, x86_get_gpr(L, address_type(L), X86_RDI));
}

/* the element's size, or its negative when the direction flag is set */
static ir_ref step_of(struct x86_lifter *L, unsigned size)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = address_type(L);
    ir_ref up = x86_cmp(L, IR_CC_E, ir_get(B, IR_I8, X86_OFF(df)), x86_imm(L, IR_I8, 0));
    return ir_op3(B, IR_SELECT, t, up, x86_imm(L, t, size), x86_imm(L, t, -(int64_t)size));
}

static void advance(struct x86_lifter *L, unsigned reg, ir_ref step)
{
    enum ir_type t = address_type(L);
    x86_put_gpr(L, t, reg, ir_op2(&L->B, IR_ADD, t, x86_get_gpr(L, t, reg), step));
}

/* --- repeated --- */

static bool is_repeated(const struct x86_lifter *L)
{
    return x86_has(L, ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

static bool repeat(struct x86_lifter *L, unsigned helper, unsigned size)
{
    struct ir_builder *B = &L->B;
    unsigned control = size | (address_type(L) == IR_I32 ? X86_STRING_ADDR32 : 0) |
                       (x86_has(L, ZYDIS_ATTRIB_HAS_REPNE) ? X86_STRING_WHILE_NE : 0);
    ir_ref base = source_base(L);
    if (base == IR_NONE)
        base = x86_imm(L, IR_I64, 0);
    ir_ref left = ir_call(B, helper, IR_I32, x86_imm(L, IR_I32, control), base, IR_NONE, IR_NONE);
    ir_ref again = x86_cmp(L, IR_CC_NE, left, x86_imm(L, IR_I32, 0));
    /* the instruction reads no flag, and may leave all as they are when its count is 0 */
    ir_emit(B, IR_EXITIF, IR_VOID, x86_exit_flags(L, L->next_pc), 0, IR_EXIT_POLL, again, IR_NONE, IR_NONE, (int64_t)L->pc);
    return true;
}

/* --- the families: arg = bytes of an element --- */

bool x86_lift_movs(struct x86_lifter *L, unsigned size)
{
    if (is_repeated(L))
        return repeat(L, X86_H_rep_movs, size);
    enum ir_type t = x86_int_type(size * 8);
    ir_ref v = ir_load(&L->B, t, source_address(L), IR_MEM_PLAIN);
    ir_store(&L->B, t, target_address(L), v, IR_MEM_PLAIN);
    ir_ref step = step_of(L, size);
    advance(L, X86_RSI, step);
    advance(L, X86_RDI, step);
    return true;
}

bool x86_lift_stos(struct x86_lifter *L, unsigned size)
{
    if (is_repeated(L))
        return repeat(L, X86_H_rep_stos, size);
    enum ir_type t = x86_int_type(size * 8);
    ir_store(&L->B, t, target_address(L), x86_get_gpr(L, t, X86_RAX), IR_MEM_PLAIN);
    advance(L, X86_RDI, step_of(L, size));
    return true;
}

bool x86_lift_lods(struct x86_lifter *L, unsigned size)
{
    if (is_repeated(L))
        return repeat(L, X86_H_rep_lods, size);
    enum ir_type t = x86_int_type(size * 8);
    ir_ref v = ir_load(&L->B, t, source_address(L), IR_MEM_PLAIN);
    x86_put_gpr(L, t, X86_RAX, v);
    advance(L, X86_RSI, step_of(L, size));
    return true;
}

bool x86_lift_scas(struct x86_lifter *L, unsigned size)
{
    if (is_repeated(L))
        return repeat(L, X86_H_rep_scas, size);
    enum ir_type t = x86_int_type(size * 8);
    ir_ref b = ir_load(&L->B, t, target_address(L), IR_MEM_PLAIN);
    ir_ref port = ir_op2(&L->B, IR_SUBF, t, x86_get_gpr(L, t, X86_RAX), b);
    advance(L, X86_RDI, step_of(L, size));
    ir_putf(&L->B, IR_F_ALL, port);
    return true;
}

bool x86_lift_cmps(struct x86_lifter *L, unsigned size)
{
    if (is_repeated(L))
        return repeat(L, X86_H_rep_cmps, size);
    enum ir_type t = x86_int_type(size * 8);
    ir_ref b = ir_load(&L->B, t, target_address(L), IR_MEM_PLAIN);      /* first, as processors do it */
    ir_ref a = ir_load(&L->B, t, source_address(L), IR_MEM_PLAIN);
    ir_ref port = ir_op2(&L->B, IR_SUBF, t, a, b), step = step_of(L, size);
    advance(L, X86_RSI, step);
    advance(L, X86_RDI, step);
    ir_putf(&L->B, IR_F_ALL, port);
    return true;
}
