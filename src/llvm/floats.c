/* SPDX-License-Identifier: GPL-2.0-or-later
 * floats.c: floating point by inline assembly, so that LLVM neither folds nor moves it: what the hosts' files share.
 */
#include "llvm/lower.h"

LLVMTypeRef float_type(struct lower *L, unsigned lane) { return lane == IR_F64 ? LLVMDoubleTypeInContext(L->c) : LLVMFloatTypeInContext(L->c); }
LLVMTypeRef floats_type(struct lower *L, unsigned lane) { return LLVMVectorType(float_type(L, lane), lane == IR_F64 ? 2 : 4); }

LLVMValueRef float_element(struct lower *L, LLVMValueRef v, unsigned lane, unsigned k)
{
    return LLVMBuildExtractElement(L->b, LLVMBuildBitCast(L->b, v, floats_type(L, lane), ""), int_const(L, 32, k), "");
}

LLVMValueRef float_low(struct lower *L, ir_ref r, unsigned lane) { return float_element(L, L->v[r], lane, 0); }

LLVMValueRef float_with_low(struct lower *L, ir_ref r, unsigned lane, LLVMValueRef v)
{
    LLVMValueRef all = LLVMBuildInsertElement(L->b, LLVMBuildBitCast(L->b, L->v[r], floats_type(L, lane), ""), v, int_const(L, 32, 0), "");
    return as_vector(L, all);
}

LLVMValueRef float_asm(struct lower *L, const char *text, const char *constraints, LLVMTypeRef result, LLVMValueRef *arg, unsigned n, unsigned effects)
{
    LLVMBasicBlockRef fault = L->fault;
    L->fault = NULL;
    LLVMValueRef v = call_asm(L, text, constraints, result, arg, n, effects);
    L->fault = fault;
    return v;
}
