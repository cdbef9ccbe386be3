/* SPDX-License-Identifier: GPL-2.0-or-later
 * aarch64_mem.c: guest memory of regions on an aarch64 host: accesses that may fault, order, locked operations. These have acquire and release, by one
 * instruction where the processor has it (LSE); misaligned ones are the interpreter's.
 */
#include <stdio.h>
#include <sys/auxv.h>
#include "llvm/aarch64.h"

unsigned a64_features(void)
{
    enum { CAP_AES = 1 << 3, CAP_PMULL = 1 << 4, CAP_SHA1 = 1 << 5, CAP_SHA2 = 1 << 6, CAP_CRC32 = 1 << 7, CAP_ATOMICS = 1 << 8 };      /* AT_HWCAP, asm/hwcap.h */
    unsigned long cap = getauxval(AT_HWCAP);
    return (cap & CAP_AES ? A64_AES : 0) | (cap & CAP_PMULL ? A64_PMULL : 0) | (cap & CAP_SHA1 ? A64_SHA1 : 0) | (cap & CAP_SHA2 ? A64_SHA2 : 0) |
           (cap & CAP_CRC32 ? A64_CRC32 : 0) | (cap & CAP_ATOMICS ? A64_LSE : 0);
}

static void barrier(struct lower *L, const char *text)
{
    LLVMBasicBlockRef fault = L->fault;
    L->fault = NULL;
    call_asm(L, text, "~{memory}", LLVMVoidTypeInContext(L->c), NULL, 0, ASM_EFFECTS);
    L->fault = fault;
}

void asm_order_load(struct lower *L) { barrier(L, "dmb ishld"); }
void asm_order_store(struct lower *L) { barrier(L, "dmb ishst"); }
void asm_fence(struct lower *L, unsigned kind) { barrier(L, kind == 0 ? "dmb ish" : kind == 1 ? "dmb ishld" : "dmb ishst"); }

/* --- accesses that may fault --- */

LLVMValueRef asm_load(struct lower *L, LLVMTypeRef type, LLVMValueRef pointer, bool aligned)
{
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    unsigned width = vector ? 128 : LLVMGetIntTypeWidth(type);
    const char *text = vector ? "ldr ${0:q}, [$1]" : width == 8 ? "ldrb ${0:w}, [$1]" : width == 16 ? "ldrh ${0:w}, [$1]" : width == 32 ? "ldr ${0:w}, [$1]" : "ldr $0, [$1]";
    LLVMTypeRef t = width < 32 ? int_type(L, 32) : type;
    LLVMValueRef v = call_asm(L, text, vector ? "=w,r" : "=r,r", t, &pointer, 1, ASM_EFFECTS);
    return width < 32 ? LLVMBuildTrunc(L->b, v, type, "") : v;
}

void asm_store(struct lower *L, LLVMValueRef v, LLVMValueRef pointer, bool aligned)
{
    bool vector = LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
    unsigned width = vector ? 128 : LLVMGetIntTypeWidth(LLVMTypeOf(v));
    const char *text = vector ? "str ${1:q}, [$0]" : width == 8 ? "strb ${1:w}, [$0]" : width == 16 ? "strh ${1:w}, [$0]" : width == 32 ? "str ${1:w}, [$0]" : "str $1, [$0]";
    LLVMValueRef arg[2] = { pointer, width < 32 ? LLVMBuildZExt(L->b, v, int_type(L, 32), "") : v };
    call_asm(L, text, vector ? "r,w,~{memory}" : "r,r,~{memory}", LLVMVoidTypeInContext(L->c), arg, 2, ASM_EFFECTS);
}

/* --- locked operations --- */

const bool asm_own_atomics = true;

/* where a fault has to be found again: only what is one instruction */
bool asm_atomic_known(const struct ir_block *b, const struct ir_insn *in) { return a64_features() & A64_LSE; }

static const struct { const char *lse, *loop; } updates[IR_N_OPS] = {
    [IR_AADD] = { "ldadd", "add" }, [IR_AAND] = { "ldclr" /* clears the bits that are set */, "and" }, [IR_AOR] = { "ldset", "orr" }, [IR_AXOR] = { "ldeor", "eor" },
    [IR_AXCHG] = { "swp", "orr" },
};

static LLVMValueRef update_by_loop(struct lower *L, const struct ir_insn *in, LLVMTypeRef t, LLVMValueRef *arg, const char *suffix, char w)
{
    char text[256];
    bool shared = L->r->shared;
    const char *zero = in->op != IR_AXCHG ? NULL : w == 'w' ? "wzr" : "xzr", *old = w == 'w' ? "${0:w}" : "${0:x}";
    LLVMTypeRef types[3] = { t, t, int_type(L, 32) };
    snprintf(text, sizeof text, "2:\tld%sxr%s ${0:%c}, [$3]\n\t%s ${1:%c}, %s, ${4:%c}\n\tst%sxr%s ${2:w}, ${1:%c}, [$3]\n\tcbnz ${2:w}, 2b%s", shared ? "a" : "", suffix, w,
             updates[in->op].loop, w, zero ? zero : old, w, shared ? "l" : "", suffix, w, shared ? "\n\tdmb ish" : "");
    LLVMValueRef r = call_asm(L, text, "=&r,=&r,=&r,r,r,~{memory}", LLVMStructTypeInContext(L->c, types, 3, 0), arg, 2, ASM_EFFECTS);
    return LLVMBuildExtractValue(L->b, r, 0, "");
}

static LLVMValueRef update(struct lower *L, const struct ir_insn *in, LLVMTypeRef t, LLVMValueRef *arg, const char *suffix, char w)
{
    char text[96];
    if (!(a64_features() & A64_LSE))
        return update_by_loop(L, in, t, arg, suffix, w);
    if (in->op == IR_AAND)
        arg[1] = LLVMBuildNot(L->b, arg[1], "");
    snprintf(text, sizeof text, ".arch_extension lse\n\t%sal%s ${2:%c}, ${0:%c}, [$1]", updates[in->op].lse, suffix, w, w);
    return call_asm(L, text, "=r,r,r,~{memory}", t, arg, 2, ASM_EFFECTS);
}

static LLVMValueRef exchange_by_loop(struct lower *L, LLVMTypeRef t, LLVMValueRef *arg, const char *suffix, char w)
{
    char text[256];
    bool shared = L->r->shared;
    LLVMTypeRef types[2] = { t, t };
    snprintf(text, sizeof text, "2:\tld%sxr%s ${0:%c}, [$2]\n\teor ${1:%c}, ${0:%c}, ${3:%c}\n\tcbnz ${1:%c}, 3f\n\tst%sxr%s ${1:w}, ${4:%c}, [$2]\n\tcbnz ${1:w}, 2b\n3:%s",
             shared ? "a" : "", suffix, w, w, w, w, w, shared ? "l" : "", suffix, w, shared ? "\tdmb ish" : "");
    LLVMValueRef r = call_asm(L, text, "=&r,=&r,r,r,r,~{memory}", LLVMStructTypeInContext(L->c, types, 2, 0), arg, 3, ASM_EFFECTS);
    return LLVMBuildExtractValue(L->b, r, 0, "");
}

static LLVMValueRef exchange(struct lower *L, LLVMTypeRef t, LLVMValueRef *arg, const char *suffix, char w)
{
    char text[96];
    if (L->r->shared)                                    /* one that fails stores nothing, and its load alone does not wait for earlier stores */
        barrier(L, "dmb ish");
    if (!(a64_features() & A64_LSE))
        return exchange_by_loop(L, t, arg, suffix, w);
    LLVMValueRef x[3] = { arg[0], arg[2], arg[1] };
    snprintf(text, sizeof text, ".arch_extension lse\n\tcasal%s ${0:%c}, ${2:%c}, [$1]", suffix, w, w);
    return call_asm(L, text, "=r,r,r,0,~{memory}", t, x, 3, ASM_EFFECTS);
}

LLVMValueRef asm_atomic(struct lower *L, const struct ir_insn *in, LLVMValueRef pointer)
{
    unsigned width = bits_of(in->type);
    LLVMTypeRef t = int_type(L, width < 32 ? 32 : width), i64 = int_type(L, 64);
    const char *suffix = width == 8 ? "b" : width == 16 ? "h" : "";
    char w = width == 64 ? 'x' : 'w';
    LLVMValueRef arg[3] = { pointer }, v;
    if (width > 8) {
        LLVMValueRef low = LLVMBuildAnd(L->b, LLVMBuildPtrToInt(L->b, pointer, i64, ""), int_const(L, 64, width / 8 - 1), "");
        lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntNE, low, int_const(L, 64, 0), ""));
    }
    for (unsigned k = 1; k <= (in->op == IR_CAS ? 2 : 1); k++)
        arg[k] = width < 32 ? LLVMBuildZExt(L->b, L->v[in->arg[k]], t, "") : L->v[in->arg[k]];
    v = in->op == IR_CAS ? exchange(L, t, arg, suffix, w) : update(L, in, t, arg, suffix, w);
    return width < 32 ? LLVMBuildTrunc(L->b, v, type_of(L, in->type), "") : v;
}

/* --- checksums --- */

LLVMValueRef asm_call(struct lower *L, uint64_t function, LLVMValueRef arg[5])
{
    char text[160];
    snprintf(text, sizeof text, "movz x16, #0x%x\n\tmovk x16, #0x%x, lsl #16\n\tmovk x16, #0x%x, lsl #32\n\tmovk x16, #0x%x, lsl #48\n\tblr x16", (unsigned)(function & 0xffff),
             (unsigned)(function >> 16 & 0xffff), (unsigned)(function >> 32 & 0xffff), (unsigned)(function >> 48));
    return inline_call(L, text, "={x0},={x1},={x2},={x3},={x4},0,1,2,3,4,~{x5},~{x6},~{x7},~{x8},~{x9},~{x10},~{x11},~{x12},~{x13},~{x14},~{x15},~{x16},~{x17},~{x18},~{lr},~{nzcv},~{memory}",
                       arg, 5);
}

LLVMValueRef asm_crc32(struct lower *L, const struct ir_insn *in)
{
    static const char suffix[] = { [IR_I8] = 'b', [IR_I16] = 'h', [IR_I32] = 'w', [IR_I64] = 'x' };
    char text[64];
    LLVMValueRef arg[2] = { L->v[in->arg[0]], in->lane < IR_I32 ? LLVMBuildZExt(L->b, L->v[in->arg[1]], int_type(L, 32), "") : L->v[in->arg[1]] };
    snprintf(text, sizeof text, ".arch_extension crc\n\tcrc32c%c ${0:w}, ${1:w}, ${2:%c}", suffix[in->lane], in->lane == IR_I64 ? 'x' : 'w');
    return call_asm(L, text, "=r,r,r", int_type(L, 32), arg, 2, ASM_PURE);
}

bool asm_allows(const struct ir_insn *in) { return in->op != IR_CRC32C || a64_features() & A64_CRC32; }
