/* SPDX-License-Identifier: GPL-2.0-or-later
 * ppc64le_vec.c: vector operations that POWER has an instruction or two for and LLVM no word, in regions on a POWER host. Instructions count elements from
 * the left, where x86 has the last one: a pack's first operand gives the upper half, and `odd` elements are x86's even ones.
 * Manual: Power ISA 3.0 book I, 6 (vperm, vbpermq, vmsumshm).
 */
#include "llvm/ppc64le.h"

struct name { uint8_t op, lane, swapped; const char *text; };
#define N(op, lane, text) { IR_##op, IR_##lane, 0, text " $0, $1, $2" }
#define SWAPPED(op, lane, text) { IR_##op, IR_##lane, 1, text " $0, $1, $2" }
static const struct name names[] = {
    N(VADDSS, I8, "vaddsbs"), N(VADDSS, I16, "vaddshs"), N(VADDUS, I8, "vaddubs"), N(VADDUS, I16, "vadduhs"),
    N(VSUBSS, I8, "vsubsbs"), N(VSUBSS, I16, "vsubshs"), N(VSUBUS, I8, "vsububs"), N(VSUBUS, I16, "vsubuhs"),
    N(VAVG, I8, "vavgub"), N(VAVG, I16, "vavguh"),
    N(VMINS, I8, "vminsb"), N(VMINS, I16, "vminsh"), N(VMINS, I32, "vminsw"), N(VMINU, I8, "vminub"), N(VMINU, I16, "vminuh"), N(VMINU, I32, "vminuw"),
    N(VMAXS, I8, "vmaxsb"), N(VMAXS, I16, "vmaxsh"), N(VMAXS, I32, "vmaxsw"), N(VMAXU, I8, "vmaxub"), N(VMAXU, I16, "vmaxuh"), N(VMAXU, I32, "vmaxuw"),
    N(VMUL, I32, "vmuluwm"), N(VMULUDQ, I64, "vmulouw"), N(VMULSDQ, I64, "vmulosw"),
    SWAPPED(VPACKS, I16, "vpkshss"), SWAPPED(VPACKS, I32, "vpkswss"), SWAPPED(VPACKU, I16, "vpkshus"), SWAPPED(VPACKU, I32, "vpkswus"),
};

static const struct name *find(const struct ir_insn *in)
{
    bool any = in->op == IR_VMULUDQ || in->op == IR_VMULSDQ;             /* one size only */
    for (unsigned k = 0; k < sizeof names / sizeof *names; k++)
        if (names[k].op == in->op && (any || names[k].lane == in->lane))
            return &names[k];
    return NULL;
}

bool p64_vector_known(const struct ir_insn *in)
{
    if (in->type != IR_V128)
        return false;
    return find(in) || in->op == IR_VMADD || in->op == IR_VPERMB || (in->op == IR_VMUL && in->lane == IR_I16);
}

static LLVMValueRef cast(struct lower *L, LLVMValueRef v, unsigned lane) { return LLVMBuildBitCast(L->b, v, vector_type(L, lane), ""); }
static LLVMValueRef back(struct lower *L, LLVMValueRef v) { return cast(L, v, IR_VOID); }

/* zeros where the control's top bit says so; vperm takes five bits of it, and both its operands are the same */
static LLVMValueRef shuffle(struct lower *L, LLVMValueRef data, LLVMValueRef control)
{
    LLVMValueRef c = cast(L, control, IR_I8), from_left[2] = { data, back(L, LLVMBuildNot(L->b, c, "")) };
    LLVMValueRef keep = LLVMBuildSExt(L->b, LLVMBuildICmp(L->b, LLVMIntSGE, c, LLVMConstNull(LLVMTypeOf(c)), ""), vector_type(L, IR_I8), "");
    LLVMValueRef v = call_asm(L, "vperm $0, $1, $1, $2", "=v,v,v", vector_type(L, IR_VOID), from_left, 2, ASM_PURE);
    return LLVMBuildAnd(L->b, v, back(L, keep), "");
}

LLVMValueRef p64_vector(struct lower *L, const struct ir_insn *in)
{
    const struct name *n = find(in);
    LLVMTypeRef t = vector_type(L, IR_VOID);
    LLVMValueRef a = L->v[in->arg[0]], b = L->v[in->arg[1]], x[3] = { n && n->swapped ? b : a, n && n->swapped ? a : b, LLVMConstNull(t) };
    switch (in->op) {
    case IR_VPERMB: return shuffle(L, a, b);
    case IR_VMADD: return call_asm(L, "vmsumshm $0, $1, $2, $3", "=v,v,v,v", t, x, 3, ASM_PURE);
    case IR_VMUL:
        if (in->lane == IR_I16)
            return back(L, LLVMBuildMul(L->b, cast(L, a, IR_I16), cast(L, b, IR_I16), ""));
        break;
    default: break;
    }
    return call_asm(L, n->text, "=v,v,v", t, x, 2, ASM_PURE);
}

/* vbpermq: 16 bits by their numbers from the left, those beyond 127 are 0; they come in the left doubleword */
LLVMValueRef asm_mask(struct lower *L, LLVMValueRef v, unsigned lane)
{
    unsigned size = ir_type_size[lane];
    LLVMValueRef number[16];
    for (unsigned k = 0; k < 16; k++)
        number[k] = int_const(L, 8, k < 16 / size ? 128 - 8 * size * (k + 1) : 128);
    LLVMValueRef x[2] = { back(L, v), back(L, LLVMConstVector(number, 16)) };
    LLVMValueRef bits = call_asm(L, "vbpermq $0, $1, $2", "=v,v,v", vector_type(L, IR_VOID), x, 2, ASM_PURE);
    return LLVMBuildTrunc(L->b, LLVMBuildExtractElement(L->b, bits, int_const(L, 32, 1), ""), int_type(L, 32), "");
}
