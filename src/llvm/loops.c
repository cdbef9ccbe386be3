/* SPDX-License-Identifier: GPL-2.0-or-later
 * loops.c: a block that jumps back to its own beginning, computes in floating point and does nothing that can't be taken back is one run (runs.c) however
 * often it goes round: the look is on the ways out. What its slots held before the first round stays alive for that, mostly on the stack. If something is
 * found, the region is made again with a look in each round (llvm_block.one_look): else each special number would cost all rounds before it.
 */
#include "llvm/lower.h"

bool loop_goes_back(const struct ir_block *b, const struct ir_insn *in)
{
    return (in->op == IR_EXIT || in->op == IR_EXITIF) && (uint64_t)in->imm == b->guest_pc;
}

bool loop_stays(const struct lower *L, const struct ir_insn *in) { return L->run.loop && loop_goes_back(L->ir, in); }

static unsigned n_wrong(const struct lower *L)
{
    unsigned n = 0;
    for (unsigned k = 0; k < L->n_slots; k++)
        n += L->slot[k].wrong == L->run.number;
    return n;
}

static bool is_one_run(struct lower *L)
{
    const struct ir_block *b = L->ir;
    bool back = false;
    unsigned before;
    L->run.number++;
    do {                                                 /* what one round computes may be the address of a later one's */
        before = n_wrong(L);
        for (unsigned k = 0; k < b->n; k++) {
            const struct ir_insn *in = &b->insn[k];
            back |= loop_goes_back(b, in);
            if (!(ir_op_info[in->op].props & IR_P_T) && run_stops(L, in))
                return false;
            run_note(L, k, in);
        }
    } while (n_wrong(L) != before);
    return back && run_has_floats(b) && ir_loop_ends(b);
}

/* --- addresses that are as much aligned in each round as in the first --- */

/* The one step of r = base + a constant: base, or IR_NONE */
static ir_ref step_from(const struct ir_block *b, ir_ref r, int64_t *constant)
{
    const struct ir_insn *in = &b->insn[r];
    *constant = in->imm;
    if (in->type != IR_I64)
        return IR_NONE;
    if (in->op == IR_LEA)
        return in->arg[1] == IR_NONE ? in->arg[0] : IR_NONE;
    bool sum = in->op == IR_ADD || in->op == IR_ADDF;
    if (!sum && in->op != IR_SUB && in->op != IR_SUBF)
        return IR_NONE;
    unsigned at = sum && b->insn[in->arg[0]].op == IR_CONST ? 0 : 1;
    if (b->insn[in->arg[at]].op != IR_CONST)
        return IR_NONE;
    *constant = (int64_t)((sum ? 1 : ~0ull) * (uint64_t)b->insn[in->arg[at]].imm);
    return in->arg[1 - at];
}

/* r = what is returned + *offset */
static ir_ref without_constants(const struct ir_block *b, ir_ref r, uint64_t *offset)
{
    int64_t constant;
    *offset = 0;
    for (ir_ref base; (base = step_from(b, r, &constant)) != IR_NONE; r = base)
        *offset += (uint64_t)constant;
    return r;
}

static bool is_step(const struct ir_block *b, const struct lower_slot *s, const struct ir_insn *put)
{
    uint64_t step;
    const struct ir_insn *base = &b->insn[without_constants(b, put->arg[0], &step)];
    return put->type == IR_I64 && put->imm == s->offset && step % 16 == 0 && base->op == IR_GET && base->imm == s->offset && base->type == IR_I64;
}

/* the slot whose value r is, if only multiples of 16 are added to it; NULL: not so */
static struct lower_slot *steady(struct lower *L, ir_ref r)
{
    const struct ir_block *b = L->ir;
    struct lower_slot *s = b->insn[r].op == IR_GET && b->insn[r].type == IR_I64 ? lower_slot_of(L, b->insn[r].imm, 8) : NULL;
    if (!s || s->type != IR_I64 || s->offset != b->insn[r].imm)
        return NULL;
    for (unsigned k = 0; k < b->n; k++)
        if (b->insn[k].op == IR_PUT && lower_slot_of(L, b->insn[k].imm, ir_type_size[b->insn[k].type]) == s && !is_step(b, s, &b->insn[k]))
            return NULL;
    return s;
}

static LLVMValueRef slot_value(struct lower *L, const struct lower_slot *s) { return LLVMBuildLoad2(L->b, int_type(L, 64), s->var, ""); }

/* an address that has the same low bits as the access's own in any round, or NULL */
static LLVMValueRef first_address(struct lower *L, ir_ref r)
{
    uint64_t offset, inner = 0;
    ir_ref base = without_constants(L->ir, r, &offset);
    const struct ir_insn *in = &L->ir->insn[base];
    struct lower_slot *slot, *index = NULL;
    if (in->op == IR_LEA && in->type == IR_I64 && in->arg[0] != IR_NONE) {
        if (!(index = steady(L, in->arg[1])))
            return NULL;
        base = without_constants(L->ir, in->arg[0], &inner);
        offset += (uint64_t)in->imm + inner;
    }
    if (!(slot = steady(L, base)))
        return NULL;
    LLVMValueRef v = LLVMBuildAdd(L->b, slot_value(L, slot), int_const(L, 64, (int64_t)offset), "");
    return index ? LLVMBuildAdd(L->b, v, LLVMBuildShl(L->b, slot_value(L, index), int_const(L, 64, in->aux), ""), "") : v;
}

static void check_alignment_once(struct lower *L)
{
    for (unsigned i = 0; i < L->ir->n; i++) {
        const struct ir_insn *in = &L->ir->insn[i];
        LLVMValueRef v;
        L->aligned[i] = false;
        if (in->op != IR_LOAD || !(in->aux & IR_MEM_ALIGNED) || ir_type_size[in->type] != 16 || !(v = first_address(L, in->arg[0])))
            continue;
        L->aligned[i] = true;
        lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntNE, LLVMBuildAnd(L->b, v, int_const(L, 64, 15), ""), int_const(L, 64, 0), ""));
    }
}

/* --- in and out --- */

bool loop_begin(struct lower *L, LLVMBasicBlockRef poked)
{
    const struct ir_block *b = L->ir;
    if (!asm_look || !L->r->blocks[L->current].one_look || L->r->exact & LLVM_EXACT_MEMORY || !L->polls[L->current] || !is_one_run(L))
        return false;
    L->insn_pc = b->guest_pc;
    run_start(L);
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        struct lower_slot *s = in->op == IR_PUT ? lower_slot_of(L, in->imm, ir_type_size[in->type]) : NULL;
        if (s)
            run_keep(L, s->now ? s->half[0] : s->var);
        if (s && s->now)
            run_keep(L, s->half[1]);
        for (unsigned k = 0; in->op == IR_PUTF && k <= N_FLAGS; k++)
            run_keep(L, k < N_FLAGS ? L->flag[k] : L->word);
    }
    check_alignment_once(L);
    asm_loop(L);
    L->run.loop = true;
    L->run.poked = loop_looked(L, poked);
    L->run.body = LLVMAppendBasicBlockInContext(L->c, L->fn, "");
    LLVMBuildBr(L->b, L->run.body);
    LLVMPositionBuilderAtEnd(L->b, L->run.body);
    return true;
}

static bool is_next(const struct lower *L, const struct ir_insn *in) { return in < &L->ir->insn[L->ir->n - 1] && loop_stays(L, in + 1); }

/* In front of the last exit: there what the round has left is known. In front of the round, all that it writes would go round for the poll's sake. */
void loop_poll(struct lower *L, const struct ir_insn *in)
{
    bool stays = loop_stays(L, in);
    if (!asm_polls_last || !L->run.loop || L->run.polled || (!stays && !(in->op == IR_EXITIF && is_next(L, in))))
        return;
    LLVMBasicBlockRef next = LLVMAppendBasicBlockInContext(L->c, L->fn, ""), way = L->run.poked;
    if (in->op == IR_EXITIF) {
        way = LLVMAppendBasicBlockInContext(L->c, L->fn, "");
        asm_poll(L, way, next);
        LLVMPositionBuilderAtEnd(L->b, way);
        LLVMBuildCondBr(L->b, L->v[in->arg[0]], stays ? L->run.poked : next, stays ? next : L->run.poked);
    } else {
        asm_poll(L, way, next);
    }
    LLVMPositionBuilderAtEnd(L->b, next);
    L->run.polled = in->op == IR_EXITIF && !stays;
}

LLVMBasicBlockRef loop_looked(struct lower *L, LLVMBasicBlockRef to)
{
    LLVMBasicBlockRef edge = LLVMAppendBasicBlockInContext(L->c, L->fn, ""), here = LLVMGetInsertBlock(L->b);
    struct lower_run run = L->run;
    LLVMPositionBuilderAtEnd(L->b, edge);
    run_end(L);
    LLVMBuildBr(L->b, to);
    LLVMPositionBuilderAtEnd(L->b, here);
    L->run = run;
    return edge;
}
