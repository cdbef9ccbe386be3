/* SPDX-License-Identifier: GPL-2.0-or-later
 * runs.c: floating point on hosts that note what x86 does otherwise (asm_look): one look for a row of operations, a run. If it finds something,
 * everything is as it was in front of the guest instruction with the run's first operation, and the interpreter does that one.
 *
 * What must stay true:
 *  N1 a run ends in front of whatever can't be taken back: stores, exits, state outside the slots; slots and flags are taken back (lower_set)
 *  N2 ... and in front of a load from an address that the run computed: a wrong one may fault
 *  N3 what the host had noted is put back too: of wrong numbers other results may be inexact than of the right ones
 */
#include "llvm/lower.h"

static struct lower_undo *undo_of(struct lower *L, LLVMValueRef var)
{
    for (unsigned k = 0; k < L->run.n_undo; k++)
        if (L->run.undo[k].var == var)
            return &L->run.undo[k];
    return NULL;
}

void run_keep(struct lower *L, LLVMValueRef var)
{
    if (!undo_of(L, var))
        L->run.undo[L->run.n_undo++] = (struct lower_undo){ var, LLVMBuildLoad2(L->b, LLVMGetAllocatedType(var), var, "") };
}

void lower_set(struct lower *L, LLVMValueRef var, LLVMValueRef v)
{
    if (L->run.on)
        run_keep(L, var);
    LLVMBuildStore(L->b, v, var);
}

bool run_has_floats(const struct ir_block *b)
{
    for (unsigned i = 0; i < b->n; i++)
        if (ir_op_info[b->insn[i].op].props & IR_P_FP)
            return true;
    return false;
}

void run_prepare(struct lower *L)
{
    bool floats = false;
    L->run.number = 1;
    for (unsigned k = 0; k < L->r->n_blocks && asm_look && !floats; k++)
        floats = run_has_floats(L->r->blocks[k].ir);
    if (floats)
        L->run.noted = LLVMBuildAlloca(L->b, int_type(L, 32), "");
}

void run_enter(struct lower *L)
{
    if (L->run.noted)
        LLVMBuildStore(L->b, asm_first_noted(L), L->run.noted);
}

void run_block(struct lower *L)
{
    if (L->run.noted)
        asm_block(L);
    L->run.on = L->run.loop = L->run.polled = L->run.flags_written = false;
    L->run.number++;
}

void run_undo(struct lower *L)
{
    asm_note(L, L->run.before);
    for (unsigned k = 0; k < L->run.n_undo; k++)
        LLVMBuildStore(L->b, L->run.undo[k].old, L->run.undo[k].var);
}

void run_start(struct lower *L)
{
    if (L->run.on)
        return;
    L->run.on = true;
    L->run.pc = L->insn_pc;
    L->run.n_undo = 0;
    L->run.number++;
    L->run.flags = L->run.flags_written ? IR_F_ALL : L->ir->flags_in;
    L->run.before = LLVMBuildLoad2(L->b, int_type(L, 32), L->run.noted, "");
}

void run_look(struct lower *L, LLVMValueRef noted)
{
    LLVMValueRef special = LLVMBuildAnd(L->b, noted, int_const(L, 32, (int32_t)asm_look), "");
    lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntNE, special, int_const(L, 32, 0), ""));
}

void run_end(struct lower *L)
{
    if (!L->run.on)
        return;
    LLVMValueRef noted = asm_noted(L);
    run_look(L, noted);
    LLVMBuildStore(L->b, noted, L->run.noted);
    L->run.on = L->run.loop = false;
    L->run.number++;
    L->way_to_fault = NULL;
}

/* --- which values come from operations of the run --- */

static bool is_wrong(const struct lower *L, ir_ref r) { return r != IR_NONE && L->wrong[r] == L->run.number; }

bool run_stops(struct lower *L, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_LOAD: case IR_VLOADL: return is_wrong(L, in->arg[0]);
    case IR_PUT: return !lower_slot_of(L, in->imm, ir_type_size[in->type]);
    default: return ir_op_info[in->op].props & (IR_P_T | IR_P_X) || (ir_op_info[in->op].props & IR_P_S && in->op != IR_PUTF && in->op != IR_INSN);
    }
}

/* nothing can be special about it: 32-bit integers are doubles */
static bool is_exact(const struct lower *L, const struct ir_insn *in)
{
    return in->lane == IR_F64 && (in->op == IR_VCVTIF || (in->op == IR_VCVTGF && L->ir->insn[in->arg[1]].type == IR_I32));
}

static bool needs_look(const struct lower *L, const struct ir_insn *in)
{
    return asm_look && ir_op_info[in->op].props & IR_P_FP && !is_exact(L, in);
}

void run_note(struct lower *L, unsigned i, const struct ir_insn *in)
{
    bool wrong = needs_look(L, in) || in->op == IR_COND || in->op == IR_GETF;
    L->wrong[i] = 0;
    for (unsigned k = 0; k < 3 && !wrong; k++)
        wrong = k < ir_op_info[in->op].n_args && is_wrong(L, in->arg[k]);
    struct lower_slot *s = in->op == IR_GET || in->op == IR_PUT ? lower_slot_of(L, in->imm, ir_type_size[in->type]) : NULL;
    if (s && in->op == IR_PUT && wrong)
        s->wrong = L->run.number;
    if (wrong || (s && s->wrong == L->run.number))
        L->wrong[i] = L->run.number;
}

void run_see(struct lower *L, unsigned i, const struct ir_insn *in)
{
    if (!asm_look)
        return;
    if (L->run.on && run_stops(L, in) && !(L->run.loop && (in->op == IR_EXITIF || loop_stays(L, in))))
        run_end(L);
    L->run.flags_written |= in->op == IR_PUTF;
    if (needs_look(L, in))
        run_start(L);
    run_note(L, i, in);
    if (L->run.noted)
        asm_operands(L, i, in);
}
