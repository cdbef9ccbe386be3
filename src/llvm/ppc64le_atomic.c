/* SPDX-License-Identifier: GPL-2.0-or-later
 * ppc64le_atomic.c: locked operations in regions on a POWER host: load and reserve, store conditional, in a loop. Where others look on, a full fence stands
 * on both sides. What is not aligned is the interpreter's. Manual: Power ISA 2.07 book II, 4.6.2.
 */
#include "llvm/ppc64le.h"

const bool asm_own_atomics = true;

/* a fault in the loop is at one of two instructions, and the way out of assembly has one */
bool asm_atomic_known(const struct ir_block *b, const struct ir_insn *in) { return false; }

static LLVMValueRef in_loop(struct lower *L, const char *between, const char *constraints, LLVMValueRef *arg, unsigned n, unsigned width)
{
    LLVMTypeRef i64 = int_type(L, 64), types[2] = { i64, i64 };
    char text[160], size = width == 8 ? 'b' : width == 16 ? 'h' : width == 32 ? 'w' : 'd';
    snprintf(text, sizeof text, "1:\tl%carx $0, 0, $2\n\t%s\n\tst%ccx. $1, 0, $2\n\tbne- 0, 1b", size, between, size);
    if (L->r->shared)
        asm_fence(L, 0);
    LLVMValueRef both = call_asm(L, text, constraints, LLVMStructTypeInContext(L->c, types, 2, 0), arg, n, ASM_EFFECTS);
    if (L->r->shared)
        asm_fence(L, 0);
    return LLVMBuildTrunc(L->b, LLVMBuildExtractValue(L->b, both, 0, ""), int_type(L, width), "");
}

/* x86 writes the old value where it differs, and faults if that is not allowed */
LLVMValueRef asm_atomic(struct lower *L, const struct ir_insn *in, LLVMValueRef pointer)
{
    static const char *const updates[] = { "add $1, $0, $3", "and $1, $0, $3", "or $1, $0, $3", "xor $1, $0, $3", "mr $1, $3" };
    unsigned width = bits_of(in->type), n = in->op == IR_CAS ? 3 : 2;
    LLVMValueRef arg[3] = { pointer };
    if (width > 8) {
        LLVMValueRef low = LLVMBuildAnd(L->b, L->v[in->arg[0]], int_const(L, 64, width / 8 - 1), "");
        lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntNE, low, int_const(L, 64, 0), ""));
    }
    for (unsigned k = 1; k < n; k++)
        arg[k] = width == 64 ? L->v[in->arg[k]] : LLVMBuildZExt(L->b, L->v[in->arg[k]], int_type(L, 64), "");
    if (in->op == IR_CAS)
        return in_loop(L, "cmpld 0, $0, $3\n\tisel $1, $4, $0, 2", "=&r,=&r,r,r,b,~{cr0},~{memory}", arg, n, width);
    return in_loop(L, updates[in->op - IR_AADD], "=&r,=&r,r,r,~{cr0},~{memory}", arg, n, width);
}
