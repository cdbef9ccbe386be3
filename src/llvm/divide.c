/* SPDX-License-Identifier: GPL-2.0-or-later
 * divide.c: division for hosts whose own knows neither x86's double-width dividend nor its errors: what they do not do alike is left to the
 * interpreter, in front of the guest instruction.
 */
#include "llvm/lower.h"

static LLVMValueRef or2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildOr(L->b, a, b, ""); }
static LLVMValueRef extend(struct lower *L, LLVMValueRef v) { return LLVMBuildZExt(L->b, v, int_type(L, 64), ""); }

/* 2 * width bits by width, when the quotient fits and the host's own division gives it */
static LLVMValueRef divide_unsigned(struct lower *L, LLVMValueRef high, LLVMValueRef low, LLVMValueRef by, LLVMValueRef *rest)
{
    LLVMTypeRef t = LLVMTypeOf(low);
    unsigned width = LLVMGetIntTypeWidth(t);
    if (width == 64) {
        lower_alone_if(L, or2(L, LLVMBuildIsNotNull(L->b, high, ""), LLVMBuildIsNull(L->b, by, "")));
        *rest = LLVMBuildURem(L->b, low, by, "");
        return LLVMBuildUDiv(L->b, low, by, "");
    }
    lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntUGE, high, by, ""));
    LLVMValueRef n = or2(L, LLVMBuildShl(L->b, extend(L, high), int_const(L, 64, width), ""), extend(L, low)), d = extend(L, by);
    *rest = LLVMBuildTrunc(L->b, LLVMBuildURem(L->b, n, d, ""), t, "");
    return LLVMBuildTrunc(L->b, LLVMBuildUDiv(L->b, n, d, ""), t, "");
}

/* what CDQ makes of the lower half, by neither 0 nor -1 */
static LLVMValueRef divide_signed(struct lower *L, LLVMValueRef high, LLVMValueRef low, LLVMValueRef by, LLVMValueRef *rest)
{
    LLVMTypeRef t = LLVMTypeOf(low);
    unsigned width = LLVMGetIntTypeWidth(t);
    LLVMValueRef sign = LLVMBuildAShr(L->b, low, LLVMConstInt(t, width - 1, 0), ""), next = LLVMBuildAdd(L->b, by, LLVMConstInt(t, 1, 0), "");
    LLVMValueRef special = LLVMBuildICmp(L->b, LLVMIntULT, next, LLVMConstInt(t, 2, 0), "");
    lower_alone_if(L, or2(L, LLVMBuildICmp(L->b, LLVMIntNE, high, sign, ""), special));
    *rest = LLVMBuildSRem(L->b, low, by, "");
    return LLVMBuildSDiv(L->b, low, by, "");
}

LLVMValueRef lower_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest)
{
    return (in->op == IR_DIVU ? divide_unsigned : divide_signed)(L, L->v[in->arg[0]], L->v[in->arg[1]], L->v[in->arg[2]], rest);
}
