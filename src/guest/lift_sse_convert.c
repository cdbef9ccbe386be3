/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse_convert.c: floating-point compares and conversions between formats and register files. What is one IR operation on its operands
 * is in lift_sse_int.c.
 */
#include "guest/lift_sse.h"

/* CMPPS and scalar forms: only three bits of the predicate exist here */
bool x86_sse_cmp(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1), a = x86_vec_reg(L, 0);
    x86_vec_write(L, 0, ir_emit(&L->B, IR_VFCMP, IR_V128, X86_VOP_LANE(arg), x86_vec_imm(L) & 7, X86_VOP_MOD(arg), a, b, IR_NONE, 0));
    return true;
}

/* COMISS, UCOMISS */
bool x86_sse_comi(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1), a = x86_vec_reg(L, 0);
    ir_putf(&L->B, IR_F_ALL, ir_emit(&L->B, IR_FCMPF, IR_V128, X86_VOP_LANE(arg), 0, X86_VOP_MOD(arg), a, b, IR_NONE, 0));
    return true;
}

/* CVTSI2SS, CVTSI2SD: arg = lane */
bool x86_sse_cvt_gpr_to_fp(struct x86_lifter *L, unsigned arg)
{
    ir_ref v = x86_read(L, 1);
    x86_vec_write(L, 0, ir_emit(&L->B, IR_VCVTGF, IR_V128, arg, 0, 0, x86_vec_reg(L, 0), v, IR_NONE, 0));
    return true;
}

/* CVTSS2SI, CVTTSS2SI and for doubles */
bool x86_sse_cvt_fp_to_gpr(struct x86_lifter *L, unsigned arg)
{
    enum ir_type lane = X86_VOP_LANE(arg);
    ir_ref v = x86_is_mem(L, 1) ? x86_vec_load(L, 1, lane) : x86_vec_reg(L, 1);
    x86_write(L, 0, ir_emit(&L->B, IR_VCVTFG, x86_op_type(L, 0), lane, 0, X86_VOP_MOD(arg), v, IR_NONE, IR_NONE, 0));
    return true;
}

/* CVTPI2PS, CVTPI2PD: two I32 of an MMX register or memory. Single precision leaves the upper half of the destination. */
bool x86_sse_cvt_mmx_to_fp(struct x86_lifter *L, unsigned arg)
{
    enum ir_type lane = X86_VOP_LANE(arg);
    bool mmx = x86_mmx_of(L, 1) >= 0;
    if (mmx)
        x86_mmx_wait(L);
    ir_ref v = mmx ? x86_vec_reg(L, 1) : x86_vec_load(L, 1, IR_I64);
    v = ir_emit(&L->B, IR_VCVTIF, IR_V128, lane, 0, 0, v, IR_NONE, IR_NONE, 0);
    if (lane == IR_F32)
        v = x86_vop(L, IR_VMERGE, IR_I64, x86_vec_reg(L, 0), v);
    if (mmx)                                    /* as AMD does: a memory operand touches no MMX register */
        x86_mmx_enter(L);
    x86_vec_write(L, 0, v);
    return true;
}

/* CVTPS2PI, CVTPD2PI and truncating forms. The upper floats of a register are no operands: they must not raise exceptions. */
bool x86_sse_cvt_fp_to_mmx(struct x86_lifter *L, unsigned arg)
{
    enum ir_type lane = X86_VOP_LANE(arg);
    x86_mmx_wait(L);
    ir_ref v = x86_vec_read(L, 1);
    if (lane == IR_F32 && !x86_is_mem(L, 1))
        v = x86_vop(L, IR_VMERGE, IR_I64, ir_emit(&L->B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0), v);
    x86_vec_write(L, 0, ir_emit(&L->B, IR_VCVTFI, IR_V128, lane, 0, X86_VOP_MOD(arg), v, IR_NONE, IR_NONE, 0));
    return true;
}
