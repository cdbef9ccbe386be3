/* SPDX-License-Identifier: GPL-2.0-or-later
 * inline.c: inline assembly in a region, as a plain call or, where it may fault and somebody looks, with a second way out.
 */
#include <string.h>
#include "llvm/lower.h"

/* The same as a terminator with a second way out, L->fault, which is noted with the address of the instruction. `text` is one instruction. */
static LLVMValueRef call_asm_or_fault(struct lower *L, const char *text, const char *constraints, LLVMTypeRef t, LLVMValueRef *arg, unsigned n)
{
    char whole[256], with_label[96];
    const char *clobbers = strstr(constraints, "~{");
    size_t values = clobbers ? (size_t)(clobbers - constraints) : strlen(constraints);
    unsigned label = 0;
    bool comma = values && constraints[values - 1] != ',';
    for (size_t k = 0; k < values; k++)
        label += constraints[k] == ',';
    snprintf(with_label, sizeof with_label, "%.*s%s!i%s%s", (int)values, constraints, comma ? "," : "", clobbers ? "," : "", clobbers ? clobbers : "");
    snprintf(whole, sizeof whole, "1:\t%s\n\t.pushsection " POLL_SECTION ",\"\",@progbits\n\t.quad 1b, ${%u:l}\n\t.popsection", text, label + comma);
    LLVMValueRef a = LLVMGetInlineAsm(t, whole, strlen(whole), with_label, strlen(with_label), 1, 0, LLVMInlineAsmDialectATT, 0);
    LLVMBasicBlockRef next = LLVMAppendBasicBlockInContext(L->c, L->fn, "");
    LLVMValueRef call = LLVMBuildCallBr(L->b, t, a, next, &L->fault, 1, arg, n, NULL, 0, "");
    LLVMPositionBuilderAtEnd(L->b, next);
    return call;
}

LLVMValueRef call_asm(struct lower *L, const char *text, const char *constraints, LLVMTypeRef result, LLVMValueRef *arg, unsigned n, unsigned effects)
{
    static const char *const promises[] = { "nounwind", "willreturn", "memory" };
    enum { NO_MEMORY = 0, OTHER_MEMORY = 3 << 2 };       /* LLVM's encoding: none; read and written, but none that the function could see */
    LLVMTypeRef types[4];
    for (unsigned k = 0; k < n; k++)
        types[k] = LLVMTypeOf(arg[k]);
    LLVMTypeRef t = LLVMFunctionType(result, types, n, 0);
    if (L->fault)
        return call_asm_or_fault(L, text, constraints, t, arg, n);
    LLVMValueRef a = LLVMGetInlineAsm(t, text, strlen(text), constraints, strlen(constraints), effects != ASM_PURE, 0, LLVMInlineAsmDialectATT, 0);
    LLVMValueRef call = LLVMBuildCall2(L->b, t, a, arg, n, "");
    for (unsigned k = 0; k < sizeof promises / sizeof *promises && effects != ASM_EFFECTS; k++)      /* so that it, or others over it, may be moved */
        LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                 LLVMCreateEnumAttribute(L->c, LLVMGetEnumAttributeKindForName(promises[k], strlen(promises[k])), k < 2 ? 0 : effects == ASM_PURE ? NO_MEMORY : OTHER_MEMORY));
    return call;
}

LLVMValueRef inline_call(struct lower *L, const char *text, const char *constraints, LLVMValueRef *arg, unsigned n)
{
    LLVMTypeRef word = int_type(L, 64), words[8] = { word, word, word, word, word, word, word, word };
    LLVMTypeRef t = LLVMFunctionType(LLVMStructTypeInContext(L->c, words, n, 0), words, 5, 0);
    LLVMValueRef a = LLVMGetInlineAsm(t, text, strlen(text), constraints, strlen(constraints), 1, 0, LLVMInlineAsmDialectATT, 0);
    return LLVMBuildExtractValue(L->b, LLVMBuildCall2(L->b, t, a, arg, 5, ""), 0, "");
}
