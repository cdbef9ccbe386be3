/* SPDX-License-Identifier: GPL-2.0-or-later
 * loops.c: a block that jumps back to its own beginning, computes in floating point and does nothing that can't be taken back is one run (runs.c) however
 * often it goes round: the look is on the ways out. What its slots held before the first round stays alive for that, mostly on the stack. If something is
 * found, the region is made again with a look in each round (llvm_block.one_look): else each special number would cost all rounds before it.
 */
#include "llvm/lower.h"

static bool is_back(const struct ir_block *b, const struct ir_insn *in)
{
    return (in->op == IR_EXIT || in->op == IR_EXITIF) && (uint64_t)in->imm == b->guest_pc;
}

bool loop_stays(const struct lower *L, const struct ir_insn *in) { return L->run.loop && is_back(L->ir, in); }

static bool is_one_run(struct lower *L)
{
    const struct ir_block *b = L->ir;
    bool back = false, floats = false;
    L->run.number++;
    for (unsigned k = 0; k < 2 * b->n; k++) {            /* twice: what one round computes is the next one's address */
        const struct ir_insn *in = &b->insn[k % b->n];
        back |= is_back(b, in);
        floats |= (ir_op_info[in->op].props & IR_P_FP) != 0;
        if (!(ir_op_info[in->op].props & IR_P_T) && run_stops(L, in))
            return false;
        run_note(L, k % b->n, in);
    }
    return back && floats;
}

/* --- addresses that are as much aligned in each round as in the first --- */

static bool is_step(const struct ir_block *b, const struct lower_slot *s, const struct ir_insn *put)
{
    const struct ir_insn *v = &b->insn[put->arg[0]];
    return put->type == IR_I64 && put->imm == s->offset && v->op == IR_LEA && v->arg[1] == IR_NONE && v->arg[0] != IR_NONE && v->imm % 16 == 0 &&
           b->insn[v->arg[0]].op == IR_GET && b->insn[v->arg[0]].imm == s->offset && b->insn[v->arg[0]].type == IR_I64;
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
    const struct ir_insn *in = &L->ir->insn[r];
    struct lower_slot *base = steady(L, r), *index = NULL;
    if (base)
        return slot_value(L, base);
    if (in->op != IR_LEA || in->type != IR_I64 || in->arg[0] == IR_NONE || !(base = steady(L, in->arg[0])) ||
        (in->arg[1] != IR_NONE && !(index = steady(L, in->arg[1]))))
        return NULL;
    LLVMValueRef v = LLVMBuildAdd(L->b, slot_value(L, base), int_const(L, 64, in->imm), "");
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

bool loop_begin(struct lower *L)
{
    const struct ir_block *b = L->ir;
    if (!asm_looks || !L->r->blocks[L->current].one_look || L->r->exact & LLVM_EXACT_MEMORY || !L->polls[L->current] || !is_one_run(L))
        return false;
    L->insn_pc = b->guest_pc;
    run_start(L);
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        if (in->op == IR_PUT)
            run_keep(L, lower_slot_of(L, in->imm, ir_type_size[in->type])->var);
        for (unsigned k = 0; in->op == IR_PUTF && k <= N_FLAGS; k++)
            run_keep(L, k < N_FLAGS ? L->flag[k] : L->word);
    }
    check_alignment_once(L);
    L->run.loop = true;
    L->run.body = LLVMAppendBasicBlockInContext(L->c, L->fn, "");
    LLVMBuildBr(L->b, L->run.body);
    LLVMPositionBuilderAtEnd(L->b, L->run.body);
    return true;
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
