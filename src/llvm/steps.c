/* SPDX-License-Identifier: GPL-2.0-or-later
 * steps.c: where a loop accesses memory at a pointer in several blocks and steps it in the first of them, LLVM makes the step part of that access, on hosts
 * that have such accesses, and the loop keeps a copy of the old pointer for the others. Here the step goes behind the last access on each way, and
 * becomes part of that one. Like again.c to be run behind all of LLVM's own passes.
 */
#include "llvm/lower.h"

enum { MAX_USERS = 16, MAX_PLACES = 32, REACH = 256 /* of a step that is part of an access */ };
struct step {
    LLVMValueRef v, p;                           /* v = p + a constant */
    LLVMBasicBlockRef here;                      /* where it is */
    struct place { LLVMBasicBlockRef block; LLVMValueRef v; } place[MAX_PLACES];
    unsigned n;
    bool behind;                                 /* an access behind `here` was found */
};

static LLVMValueRef last_access(LLVMBasicBlockRef b, LLVMValueRef p)
{
    LLVMValueRef last = NULL;
    for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v)) {
        LLVMValueRef at = LLVMIsALoadInst(v) ? LLVMGetOperand(v, 0) : LLVMIsAStoreInst(v) ? LLVMGetOperand(v, 1) : NULL;
        if (at && LLVMIsAIntToPtrInst(at) && LLVMGetOperand(at, 0) == p)
            last = v;
    }
    return last;
}

/* The block at the beginning of the k-th way into b; NULL: there are no more. */
static LLVMBasicBlockRef way_in(LLVMBasicBlockRef b, unsigned k)
{
    for (LLVMUseRef u = LLVMGetFirstUse(LLVMBasicBlockAsValue(b)); u; u = LLVMGetNextUse(u))
        if (LLVMIsATerminatorInst(LLVMGetUser(u)) && k-- == 0)
            return LLVMGetInstructionParent(LLVMGetUser(u));
    return NULL;
}

static bool only_from(LLVMBasicBlockRef b, LLVMBasicBlockRef from)
{
    bool only = true;
    for (unsigned k = 0; way_in(b, k); k++)
        only &= way_in(b, k) == from;
    return only;
}

static struct place *place_of(struct step *x, LLVMBasicBlockRef b)
{
    for (unsigned k = 0; k < x->n; k++)
        if (x->place[k].block == b)
            return &x->place[k];
    return NULL;
}

/* Is there a step for the end of the block behind the last access on each way to it, or on a way without one? */
static bool plan(struct step *x, LLVMBasicBlockRef b)
{
    if (place_of(x, b))
        return true;
    if (b == x->here || b == LLVMGetInstructionParent(x->p) || x->n == MAX_PLACES)
        return false;
    x->place[x->n++] = (struct place){ .block = b };
    bool access = last_access(b, x->p);
    x->behind |= access;
    if (access || only_from(b, x->here))
        return true;
    for (unsigned k = 0; way_in(b, k); k++)
        if (!plan(x, way_in(b, k)))
            return false;
    return true;
}

static LLVMValueRef first_behind_phis(LLVMBasicBlockRef b)
{
    LLVMValueRef v = LLVMGetFirstInstruction(b);
    while (LLVMIsAPHINode(v))
        v = LLVMGetNextInstruction(v);
    return v;
}

static LLVMValueRef make(struct lower *L, struct step *x, LLVMBasicBlockRef b)
{
    struct place *place = place_of(x, b);
    LLVMValueRef access = last_access(b, x->p);
    if (place->v)
        return place->v;
    if (access || only_from(b, x->here)) {
        place->v = LLVMInstructionClone(x->v);
        LLVMPositionBuilderBefore(L->b, access ? LLVMGetNextInstruction(access) : first_behind_phis(b));
        LLVMInsertIntoBuilder(L->b, place->v);
        return place->v;
    }
    LLVMPositionBuilderBefore(L->b, LLVMGetFirstInstruction(b));
    place->v = LLVMBuildPhi(L->b, LLVMTypeOf(x->v), "");
    for (unsigned k = 0; way_in(b, k); k++) {
        LLVMBasicBlockRef from = way_in(b, k);
        LLVMValueRef v = make(L, x, from);
        LLVMAddIncoming(place->v, &v, &from, 1);
    }
    return place->v;
}

static bool is_in_front(LLVMValueRef user, LLVMValueRef access)
{
    for (LLVMValueRef v = access; v; v = LLVMGetNextInstruction(v))
        if (v == user)
            return false;
    return access != NULL;
}

/* Every use is behind `here`, and has a step of its own in reach. */
static bool plan_all(struct step *x)
{
    unsigned n = 0;
    for (LLVMUseRef u = LLVMGetFirstUse(x->v); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        LLVMBasicBlockRef there = LLVMGetInstructionParent(user);
        if (++n > MAX_USERS || (!LLVMIsAPHINode(user) && (!plan(x, there) || is_in_front(user, last_access(there, x->p)))))
            return false;
        for (unsigned k = 0, all = LLVMIsAPHINode(user) ? LLVMCountIncoming(user) : 0; k < all; k++)
            if (LLVMGetIncomingValue(user, k) == x->v && !plan(x, LLVMGetIncomingBlock(user, k)))
                return false;
    }
    return x->behind;
}

static void move(struct lower *L, struct step *x)
{
    for (LLVMUseRef u; (u = LLVMGetFirstUse(x->v));) {
        LLVMValueRef user = LLVMGetUser(u);
        for (unsigned k = 0, all = (unsigned)LLVMGetNumOperands(user); k < all; k++)
            if (LLVMGetOperand(user, k) == x->v)
                LLVMSetOperand(user, k, make(L, x, LLVMIsAPHINode(user) ? LLVMGetIncomingBlock(user, k) : LLVMGetInstructionParent(user)));
    }
    LLVMInstructionEraseFromParent(x->v);
}

static bool is_step(LLVMValueRef v)
{
    LLVMValueRef p = LLVMGetInstructionOpcode(v) == LLVMAdd ? LLVMGetOperand(v, 0) : NULL, by = p ? LLVMGetOperand(v, 1) : NULL;
    if (!p || !LLVMIsAPHINode(p) || !LLVMIsAConstantInt(by) || LLVMGetIntTypeWidth(LLVMTypeOf(v)) != 64)
        return false;
    int64_t n = LLVMConstIntGetSExtValue(by);
    return n >= -REACH && n < REACH && last_access(LLVMGetInstructionParent(v), p);
}

void steps_last(struct lower *L)
{
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(L->fn); b; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef v = LLVMGetFirstInstruction(b), next; v; v = next) {
            next = LLVMGetNextInstruction(v);
            struct step x = { .v = v, .here = b };
            if (!is_step(v))
                continue;
            x.p = LLVMGetOperand(v, 0);
            if (plan_all(&x))
                move(L, &x);
        }
}
