/* SPDX-License-Identifier: GPL-2.0-or-later
 * again.c: what loops keep for their ways out alone, these compute again. Where a product is added up in a loop, and is what some register holds when the
 * loop is left, the loop has one instruction for both then, on hosts that have such a one. What follows from a counter's old value follows from its new one
 * as well, and the loop keeps no copy. On hosts where extending takes an instruction, 32 bits go round of what is read no more of. To be run behind all of
 * LLVM's own passes, which would put things together again.
 */
#include <stdlib.h>
#include "llvm/lower.h"

enum { MAX_USERS = 8 };
struct graph { LLVMBasicBlockRef *block; bool *seen; unsigned *stack, n; };

static int by_address(const void *a, const void *b)
{
    LLVMBasicBlockRef const *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static unsigned index_of(const struct graph *g, LLVMBasicBlockRef b)
{
    return (unsigned)((LLVMBasicBlockRef *)bsearch(&b, g->block, g->n, sizeof b, by_address) - g->block);
}

/* Is there a way from the end of `from` to `to` that does not go through `without`? */
static bool reaches(struct graph *g, LLVMBasicBlockRef from, LLVMBasicBlockRef to, LLVMBasicBlockRef without)
{
    unsigned n = 0;
    for (unsigned k = 0; k < g->n; k++)
        g->seen[k] = false;
    g->stack[n++] = index_of(g, from);
    while (n) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(g->block[g->stack[--n]]);
        for (unsigned s = 0, all = LLVMGetNumSuccessors(end); s < all; s++) {
            LLVMBasicBlockRef next = LLVMGetSuccessor(end, s);
            unsigned k = index_of(g, next);
            if (next == to)
                return true;
            if (next != without && !g->seen[k]) {
                g->seen[k] = true;
                g->stack[n++] = k;
            }
        }
    }
    return false;
}

static bool adds_up(LLVMValueRef user, LLVMValueRef product)
{
    LLVMOpcode op = LLVMGetInstructionOpcode(user);
    LLVMValueRef a = LLVMGetOperand(user, 0), b = op == LLVMAdd || op == LLVMSub ? LLVMGetOperand(user, 1) : NULL;
    return LLVMGetInstructionParent(user) == LLVMGetInstructionParent(product) && a != b && ((op == LLVMAdd && (a == product || b == product)) || (op == LLVMSub && b == product));
}

/* May `user` have a product of its own? Its block must be left out by rounds of the loop that the product is in, and be in no loop of its own. */
static bool is_outside(struct graph *g, LLVMValueRef user, LLVMValueRef product)
{
    LLVMBasicBlockRef here = LLVMGetInstructionParent(product), there = LLVMGetInstructionParent(user);
    return !LLVMIsAPHINode(user) && here != there && reaches(g, here, here, there) && !reaches(g, there, there, here);
}

static void compute_again(LLVMBuilderRef b, LLVMValueRef product, LLVMValueRef user)
{
    LLVMValueRef own = LLVMInstructionClone(product);
    LLVMPositionBuilderBefore(b, user);
    LLVMInsertIntoBuilder(b, own);
    for (unsigned k = 0, n = (unsigned)LLVMGetNumOperands(user); k < n; k++)
        if (LLVMGetOperand(user, k) == product)
            LLVMSetOperand(user, k, own);
}

static void look_at_product(struct lower *L, struct graph *g, LLVMValueRef product)
{
    LLVMValueRef user[MAX_USERS];
    unsigned n = 0, sums = 0;
    LLVMTypeRef t = LLVMTypeOf(product);
    if (LLVMGetInstructionOpcode(product) != LLVMMul || LLVMGetTypeKind(t) != LLVMIntegerTypeKind || (LLVMGetIntTypeWidth(t) != 32 && LLVMGetIntTypeWidth(t) != 64))
        return;
    for (LLVMUseRef u = LLVMGetFirstUse(product); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef v = LLVMGetUser(u);
        if (adds_up(v, product) && sums++ == 0)
            continue;
        if (n == MAX_USERS || !is_outside(g, v, product))
            return;
        user[n++] = v;
    }
    for (unsigned k = 0; k < n && sums == 1; k++)
        compute_again(L->b, product, user[k]);
}

/* --- counters --- */

/* p's next value, p + *step, if p is a counter of a loop that is at least its own block's */
static LLVMValueRef next_of(LLVMValueRef p, int64_t *step)
{
    if (!LLVMIsAPHINode(p) || LLVMGetTypeKind(LLVMTypeOf(p)) != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(LLVMTypeOf(p)) != 64)
        return NULL;
    for (unsigned k = 0, n = LLVMCountIncoming(p); k < n; k++) {
        LLVMValueRef v = LLVMGetIncomingValue(p, k);
        if (!LLVMIsAInstruction(v) || LLVMGetInstructionOpcode(v) != LLVMAdd || LLVMGetOperand(v, 0) != p || !LLVMIsAConstantInt(LLVMGetOperand(v, 1)))
            continue;
        *step = LLVMConstIntGetSExtValue(LLVMGetOperand(v, 1));
        return LLVMGetInstructionParent(v) == LLVMGetInstructionParent(p) ? v : NULL;
    }
    return NULL;
}

/* `user` is p + a constant, and then next + another one; or it has next - step in p's place */
static void use_next(struct lower *L, LLVMValueRef user, LLVMValueRef p, LLVMValueRef next, int64_t step)
{
    if (LLVMGetInstructionOpcode(user) == LLVMAdd && LLVMGetOperand(user, 0) == p && LLVMIsAConstantInt(LLVMGetOperand(user, 1))) {
        uint64_t sum = (uint64_t)LLVMConstIntGetSExtValue(LLVMGetOperand(user, 1)) - (uint64_t)step;
        LLVMSetOperand(user, 0, next);
        LLVMSetOperand(user, 1, int_const(L, 64, (int64_t)sum));
        LLVMSetNUW(user, false);                 /* LLVM may know that p + a constant does not wrap; of this it does not */
        LLVMSetNSW(user, false);
        return;
    }
    LLVMPositionBuilderBefore(L->b, user);
    LLVMValueRef old = LLVMBuildAdd(L->b, next, int_const(L, 64, -step), "");
    for (unsigned k = 0, n = (unsigned)LLVMGetNumOperands(user); k < n; k++)
        if (LLVMGetOperand(user, k) == p)
            LLVMSetOperand(user, k, old);
}

static void look_at_counter(struct lower *L, struct graph *g, LLVMValueRef p)
{
    LLVMValueRef user[MAX_USERS];
    LLVMBasicBlockRef here = LLVMGetInstructionParent(p), first = LLVMGetEntryBasicBlock(L->fn);
    unsigned n = 0;
    int64_t step;
    LLVMValueRef next = next_of(p, &step);
    for (LLVMUseRef u = next ? LLVMGetFirstUse(p) : NULL; u; u = LLVMGetNextUse(u)) {
        LLVMValueRef v = LLVMGetUser(u);
        if (LLVMGetInstructionParent(v) == here)
            continue;
        if (n == MAX_USERS || !is_outside(g, v, p) || reaches(g, first, LLVMGetInstructionParent(v), here))
            return;
        user[n++] = v;
    }
    for (unsigned k = 0; k < n; k++)
        use_next(L, user[k], p, next, step);
}

/* --- 32 bits of 64 --- */

/* v's low half at the end of `from`, from which a way leads to the phi */
static LLVMValueRef low_half(struct lower *L, LLVMValueRef v, LLVMBasicBlockRef from)
{
    LLVMTypeRef i32 = int_type(L, 32);
    if (LLVMIsAZExtInst(v) && LLVMTypeOf(LLVMGetOperand(v, 0)) == i32)
        return LLVMGetOperand(v, 0);
    LLVMPositionBuilderBefore(L->b, LLVMGetBasicBlockTerminator(from));
    return LLVMBuildTrunc(L->b, v, i32, "");
}

/* Do all its users want the low half alone, and has it been extended from that on some way? Not if two ways come from one block, or a
 * value is its block's last instruction. */
static bool is_half_used(struct lower *L, LLVMValueRef p)
{
    LLVMTypeRef i32 = int_type(L, 32);
    unsigned n = LLVMCountIncoming(p), extended = 0;
    if (LLVMTypeOf(p) != int_type(L, 64) || !LLVMGetFirstUse(p))
        return false;
    for (LLVMUseRef u = LLVMGetFirstUse(p); u; u = LLVMGetNextUse(u))
        if (!LLVMIsATruncInst(LLVMGetUser(u)) || LLVMTypeOf(LLVMGetUser(u)) != i32)
            return false;
    for (unsigned k = 0; k < n; k++) {
        LLVMValueRef v = LLVMGetIncomingValue(p, k);
        if (LLVMIsACallBrInst(v))
            return false;
        extended += LLVMIsAZExtInst(v) && LLVMTypeOf(LLVMGetOperand(v, 0)) == i32;
        for (unsigned j = 0; j < k; j++)
            if (LLVMGetIncomingBlock(p, j) == LLVMGetIncomingBlock(p, k))
                return false;
    }
    return extended;
}

static void narrow(struct lower *L, LLVMValueRef p)
{
    LLVMPositionBuilderBefore(L->b, p);
    LLVMValueRef q = LLVMBuildPhi(L->b, int_type(L, 32), "");
    for (unsigned k = 0, n = LLVMCountIncoming(p); k < n; k++) {
        LLVMBasicBlockRef from = LLVMGetIncomingBlock(p, k);
        LLVMValueRef v = low_half(L, LLVMGetIncomingValue(p, k), from);
        LLVMAddIncoming(q, &v, &from, 1);
    }
    for (LLVMUseRef u; (u = LLVMGetFirstUse(p));) {
        LLVMValueRef user = LLVMGetUser(u);
        LLVMReplaceAllUsesWith(user, q);
        LLVMInstructionEraseFromParent(user);
    }
    LLVMInstructionEraseFromParent(p);
}

/* What goes round as 64 bits, of which the loop reads 32, is not extended in each round. */
static void narrow_all(struct lower *L)
{
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(L->fn); b; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef v = LLVMGetFirstInstruction(b), next; v && LLVMIsAPHINode(v); v = next) {
            next = LLVMGetNextInstruction(v);
            next = next && LLVMIsAPHINode(next) ? next : NULL;      /* narrow takes others away */
            if (is_half_used(L, v))
                narrow(L, v);
        }
}

/* --- all --- */

static void look_at_all(struct lower *L, struct graph *g, void look(struct lower *, struct graph *, LLVMValueRef))
{
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(L->fn); b; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
            look(L, g, v);
}

void again_compute(struct lower *L)
{
    struct graph g = { .n = LLVMCountBasicBlocks(L->fn) };
    g.block = malloc(g.n * sizeof *g.block);
    g.stack = malloc(g.n * sizeof *g.stack);
    g.seen = malloc(g.n);
    if (g.block && g.stack && g.seen) {
        LLVMGetBasicBlocks(L->fn, g.block);
        qsort(g.block, g.n, sizeof *g.block, by_address);
        if (asm_adds_products)
            look_at_all(L, &g, look_at_product);
        if (asm_new_counters)
            look_at_all(L, &g, look_at_counter);
        if (asm_narrow_phis)
            narrow_all(L);
    }
    free(g.block);
    free(g.stack);
    free(g.seen);
}
