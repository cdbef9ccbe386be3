/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse_int.c: vector instructions that are one IR operation on their operands (packed integers, packed and scalar
 * floating point, shuffles with an immediate), for XMM and MMX registers alike.
 */
#include "guest/lift_sse.h"

static ir_ref emit_v(struct x86_lifter *L, unsigned arg, ir_ref a, ir_ref b, ir_ref c)
{
    return ir_emit(&L->B, X86_VOP_OP(arg), IR_V128, X86_VOP_LANE(arg), x86_vec_imm(L), X86_VOP_MOD(arg), a, b, c, 0);
}

/* Operations whose 64-bit form is not the low half of the 128-bit form. */
static ir_ref emit_mmx(struct x86_lifter *L, unsigned arg, ir_ref a, ir_ref b)
{
    enum ir_op op = X86_VOP_OP(arg);
    enum ir_type lane = X86_VOP_LANE(arg);
    ir_ref both, mask;
    switch (op) {
    case IR_VPACKS: case IR_VPACKU: case IR_VHADD: case IR_VHADDSS: case IR_VHSUB: case IR_VHSUBSS:
        both = x86_vop(L, IR_VZIPL, IR_I64, a, b);
        return x86_vop(L, op, lane, both, both);
    case IR_VZIPH:
        both = x86_vop(L, IR_VZIPL, lane, a, b);
        return ir_emit(&L->B, IR_VBSHR, IR_V128, 0, 8, 0, both, IR_NONE, IR_NONE, 0);
    case IR_VALIGN:
        both = x86_vop(L, IR_VZIPL, IR_I64, b, a);
        return ir_emit(&L->B, IR_VBSHR, IR_V128, 0, x86_vec_imm(L), 0, both, IR_NONE, IR_NONE, 0);
    case IR_VPERMB:
        mask = ir_op1(&L->B, IR_VMOVI, IR_V128, ir_const(&L->B, IR_I64, (int64_t)0x8787878787878787));
        return x86_vop(L, op, lane, a, x86_vop(L, IR_VAND, lane, b, mask));
    default:
        return emit_v(L, arg, a, b, IR_NONE);
    }
}

/* dst = op(dst, src [, imm8 as aux]) */
bool x86_vec_op2(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1), a = x86_vec_reg(L, 0);
    x86_vec_write(L, 0, x86_mmx_of(L, 0) >= 0 ? emit_mmx(L, arg, a, b) : emit_v(L, arg, a, b, IR_NONE));
    return true;
}

/* dst = op(src [, imm8]) */
bool x86_vec_op1(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1);
    x86_vec_write(L, 0, emit_v(L, arg, b, IR_NONE, IR_NONE));
    return true;
}

/* dst = op(src, src [, imm8]): packed forms of operations that take their operand second */
bool x86_vec_op1_second(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1);
    x86_vec_write(L, 0, emit_v(L, arg, b, b, IR_NONE));
    return true;
}

/* Shifts of elements: by a vector's low 64 bits (arg's op) or by an immediate (the op in arg's extra part). */
bool x86_vec_shift(struct x86_lifter *L, unsigned arg)
{
    if (L->op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return x86_vec_op2(L, arg);
    ir_ref a = x86_vec_reg(L, 0);
    x86_vec_write(L, 0, ir_emit(&L->B, (enum ir_op)X86_VOP_EXTRA(arg), IR_V128, X86_VOP_LANE(arg), x86_vec_imm(L), 0, a,
                                IR_NONE, IR_NONE, 0));
    return true;
}

/* PSLLDQ, PSRLDQ: dst = op(dst, imm8) */
bool x86_vec_byte_shift(struct x86_lifter *L, unsigned arg)
{
    x86_vec_write(L, 0, emit_v(L, arg, x86_vec_reg(L, 0), IR_NONE, IR_NONE));
    return true;
}

/* PXOR, XORPS and so on of a register with itself is how code makes zero; PCMPEQ likewise makes ones. */
bool x86_vec_idiom(struct x86_lifter *L, unsigned arg)
{
    if (!x86_is_reg(L, 1) || L->op[0].reg.value != L->op[1].reg.value)
        return x86_vec_op2(L, arg);
    ir_ref v = ir_emit(&L->B, (enum ir_op)X86_VOP_EXTRA(arg), IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0);
    x86_vec_write(L, 0, v);
    return true;
}

/* PBLENDVB, BLENDVPS, BLENDVPD: the mask is XMM0 */
bool x86_vec_blendv(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1), a = x86_vec_reg(L, 0);
    x86_vec_write(L, 0, emit_v(L, arg, a, b, x86_get_xmm(L, 0)));
    return true;
}

/* PTEST */
bool x86_vec_test(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1), a = x86_vec_reg(L, 0);
    ir_putf(&L->B, IR_F_ALL, x86_vop(L, IR_VTESTF, IR_I64, a, b));
    return true;
}

/* PMOVMSKB, MOVMSKPS, MOVMSKPD */
bool x86_vec_movmsk(struct x86_lifter *L, unsigned arg)
{
    ir_ref v = ir_emit(&L->B, IR_VMASK, IR_I32, X86_VOP_LANE(arg), 0, 0, x86_vec_reg(L, 1), IR_NONE, IR_NONE, 0);
    if (x86_mmx_of(L, 1) >= 0)
        x86_mmx_enter(L);
    x86_write(L, 0, ir_zext(&L->B, x86_op_type(L, 0), v));
    return true;
}
