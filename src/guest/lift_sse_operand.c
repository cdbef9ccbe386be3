/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse_operand.c: operands of SSE and MMX instructions. Manual: Intel SDM volume 1, 9 (MMX), 10 and 11 (SSE).
 */
#include "guest/lift_sse.h"

int x86_mmx_of(const struct x86_lifter *L, unsigned i)
{
    if (!x86_is_reg(L, i))
        return -1;
    int r = (int)L->op[i].reg.value - ZYDIS_REGISTER_MM0;
    return r >= 0 && r < 8 ? r : -1;
}

static unsigned mmx_offset(int r)
{
    return X86_OFF(st) + (unsigned)r * (unsigned)sizeof(struct x86_f80);
}

ir_ref x86_vop(struct x86_lifter *L, enum ir_op op, enum ir_type lane, ir_ref a, ir_ref b)
{
    return ir_emit(&L->B, op, IR_V128, lane, 0, 0, a, b, IR_NONE, 0);
}

ir_ref x86_vec_element(struct x86_lifter *L, enum ir_type t, enum ir_type lane, unsigned index, ir_ref v)
{
    return ir_emit(&L->B, IR_VEXTR, t, lane, index, 0, v, IR_NONE, IR_NONE, 0);
}

ir_ref x86_vec_reg(struct x86_lifter *L, unsigned i)
{
    int r = x86_mmx_of(L, i);
    if (r < 0)
        return x86_get_xmm(L, (unsigned)x86_xmm_of(L, i));
    return ir_op1(&L->B, IR_VMOVI, IR_V128, ir_get(&L->B, IR_I64, mmx_offset(r)));
}

ir_ref x86_vec_load(struct x86_lifter *L, unsigned i, enum ir_type lane)
{
    return ir_emit(&L->B, IR_VLOADL, IR_V128, lane, x86_mem_aux(L, i), 0, x86_ea(L, i), IR_NONE, IR_NONE, 0);
}

ir_ref x86_vec_read(struct x86_lifter *L, unsigned i)
{
    if (!x86_is_mem(L, i))
        return x86_vec_reg(L, i);
    if (L->op[i].size == 128)
        return x86_read_xmm(L, i, true);
    return x86_vec_load(L, i, x86_int_type(L->op[i].size));
}

void x86_mmx_enter(struct x86_lifter *L)
{
    if (L->mmx_entered)
        return;
    ir_call(&L->B, X86_H_mmx_enter, IR_VOID, IR_NONE, IR_NONE, IR_NONE, IR_NONE);
    L->mmx_entered = true;
}

void x86_mmx_wait(struct x86_lifter *L)
{
    if (!L->mmx_entered)
        ir_call(&L->B, X86_H_x87_wait, IR_VOID, IR_NONE, IR_NONE, IR_NONE, IR_NONE);
}

void x86_vec_write(struct x86_lifter *L, unsigned i, ir_ref v)
{
    int r = x86_mmx_of(L, i);
    if (r < 0) {
        x86_put_xmm(L, (unsigned)x86_xmm_of(L, i), v);
        return;
    }
    ir_ref low = x86_vec_element(L, IR_I64, IR_I64, 0, v);
    x86_mmx_enter(L);
    ir_put(&L->B, IR_I64, mmx_offset(r), low);
    ir_put(&L->B, IR_I16, mmx_offset(r) + 8, ir_const(&L->B, IR_I16, -1));
}

unsigned x86_vec_imm(const struct x86_lifter *L)
{
    for (unsigned i = 0; i < L->insn.operand_count; i++)
        if (L->op[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
            return (unsigned)L->op[i].imm.value.u & 0xff;
    return 0;
}
