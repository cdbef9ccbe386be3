/* SPDX-License-Identifier: GPL-2.0-or-later
 * halves.c: a vector register of the guest that a region uses for scalar doubles is two variables on hosts where a double lies elsewhere than a vector's
 * low element, or takes the upper one's place (asm_halves): both would go to and fro in each round of a loop. A block that goes round by itself decides this
 * for itself; what it has otherwise than the rest is converted on the ways in and out. Only the variables of a block's own form are true in it.
 */
#include "llvm/lower.h"

/* it reads or makes the low double, as far as the slot at hand is concerned */
static bool is_scalar(const struct ir_insn *in)
{
    switch (in->op) {
    case IR_FCMPF: case IR_VCVTFG: case IR_VCVTGF: case IR_VLOADL: case IR_VSTOREL: return in->lane == IR_F64;
    case IR_VMERGE: return ir_type_size[in->lane] == 8;
    default: return in->lane == IR_F64 && ir_op_info[in->op].props & IR_P_FP && in->mod & IR_LOW;
    }
}

/* the uses of a slot in a block: for scalars, minus those as a whole */
static int count(struct lower *L, const struct ir_block *b, const struct lower_slot *s)
{
    int n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        if (in->op == IR_PUT && lower_slot_of(L, in->imm, ir_type_size[in->type]) == s)
            n += is_scalar(&b->insn[in->arg[0]]) ? 1 : in->type != IR_V128 || b->insn[in->arg[0]].op == IR_VZERO || b->insn[in->arg[0]].op == IR_GET ? 0 : -1;
        for (unsigned k = 0; k < ir_op_info[in->op].n_args && in->op != IR_PUT; k++) {
            const struct ir_insn *get = in->arg[k] == IR_NONE ? in : &b->insn[in->arg[k]];
            if (get->op == IR_GET && get->type == IR_V128 && lower_slot_of(L, get->imm, 16) == s)
                n += is_scalar(in) ? 1 : -1;
        }
    }
    return n;
}

static bool is_loop(const struct ir_block *b)
{
    for (unsigned i = 0; i < b->n; i++)
        if (loop_goes_back(b, &b->insn[i]))
            return true;
    return false;
}

/* Each block's form: true: halves. True: some block has them; else none, nor have the exits. */
static bool find_forms(struct lower *L, struct lower_slot *s)
{
    int64_t all = 0;
    bool some = false;
    for (unsigned k = 0; k < L->r->n_blocks; k++)
        all += (int64_t)count(L, L->r->blocks[k].ir, s) * (L->r->weight ? (int64_t)L->r->count[k] + 1 : 1);
    for (unsigned k = 0; k < L->r->n_blocks; k++) {
        int own = is_loop(L->r->blocks[k].ir) ? count(L, L->r->blocks[k].ir, s) : 0;
        s->form[k] = own ? own > 0 : all > 0;
        some |= s->form[k];
    }
    s->form[LLVM_MAX_BLOCKS] = all > 0;
    return some;
}

void halves_find(struct lower *L)
{
    unsigned n = L->n_slots;
    for (unsigned s = 0; asm_halves && s < L->n_slots && n + 1 < MAX_SLOTS; s++) {
        L->slot[s].halves = L->slot[s].type == IR_V128 && find_forms(L, &L->slot[s]);
        n += 2 * L->slot[s].halves;
    }
}

void halves_make(struct lower *L, struct lower_slot *s)
{
    LLVMTypeRef f64 = LLVMDoubleTypeInContext(L->c);
    s->var = LLVMBuildAlloca(L->b, type_of(L, s->type), "");
    for (unsigned k = 0; k < 2; k++)
        s->half[k] = s->halves ? LLVMBuildAlloca(L->b, f64, "") : NULL;
}

static LLVMValueRef half(struct lower *L, LLVMValueRef v, unsigned k) { return float_element(L, v, IR_F64, k); }

void halves_enter(struct lower *L, struct lower_slot *s, LLVMValueRef v)
{
    LLVMBuildStore(L->b, v, s->var);
    for (unsigned k = 0; k < 2 && s->halves; k++)
        LLVMBuildStore(L->b, half(L, v, k), s->half[k]);
}

LLVMValueRef lower_slot_value(struct lower *L, const struct lower_slot *s)
{
    LLVMTypeRef f64 = LLVMDoubleTypeInContext(L->c), t = floats_type(L, IR_F64);
    if (!s->now)
        return LLVMBuildLoad2(L->b, type_of(L, s->type), s->var, "");
    LLVMValueRef v = LLVMGetUndef(t);
    for (unsigned k = 0; k < 2; k++)
        v = LLVMBuildInsertElement(L->b, v, LLVMBuildLoad2(L->b, f64, s->half[k], ""), int_const(L, 32, k), "");
    return as_vector(L, v);
}

void lower_set_slot(struct lower *L, const struct lower_slot *s, LLVMValueRef v)
{
    if (!s->now)
        lower_set(L, s->var, v);
    for (unsigned k = 0; k < 2 && s->now; k++)
        lower_set(L, s->half[k], half(L, v, k));
}

/* --- blocks of different forms --- */

static void set_forms(struct lower *L, unsigned number)
{
    for (unsigned k = 0; k < L->n_slots; k++)
        L->slot[k].now = L->slot[k].form[number];
}

void halves_block(struct lower *L) { set_forms(L, L->current); }
void halves_exits(struct lower *L) { set_forms(L, LLVM_MAX_BLOCKS); }

static void convert_to(struct lower *L, unsigned number)
{
    for (unsigned k = 0; k < L->n_slots; k++) {
        struct lower_slot *s = &L->slot[k];
        if (s->now == s->form[number])
            continue;
        LLVMValueRef v = lower_slot_value(L, s);
        if (s->now)
            LLVMBuildStore(L->b, v, s->var);
        for (unsigned i = 0; i < 2 && !s->now; i++)
            LLVMBuildStore(L->b, half(L, v, i), s->half[i]);
    }
}

void halves_leave(struct lower *L) { convert_to(L, LLVM_MAX_BLOCKS); }

LLVMBasicBlockRef halves_edge(struct lower *L, unsigned number, LLVMBasicBlockRef to)
{
    bool same = true;
    for (unsigned k = 0; k < L->n_slots; k++)
        same &= L->slot[k].now == L->slot[k].form[number];
    if (same)
        return to;
    LLVMBasicBlockRef edge = LLVMAppendBasicBlockInContext(L->c, L->fn, ""), here = LLVMGetInsertBlock(L->b);
    LLVMPositionBuilderAtEnd(L->b, edge);
    convert_to(L, number);
    LLVMBuildBr(L->b, to);
    LLVMPositionBuilderAtEnd(L->b, here);
    return edge;
}
