/* SPDX-License-Identifier: GPL-2.0-or-later
 * halves.c: a vector register of the guest that a region uses for scalar doubles is two variables on hosts where a double lies elsewhere than a vector's
 * low element (asm_halves): it would go to and fro in each round of a loop.
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

void halves_find(struct lower *L)
{
    unsigned n = L->n_slots;
    for (unsigned s = 0; asm_halves && s < L->n_slots && n < MAX_SLOTS; s++) {
        int64_t all = 0;
        for (unsigned k = 0; k < L->r->n_blocks && L->slot[s].type == IR_V128; k++)
            all += (int64_t)count(L, L->r->blocks[k].ir, &L->slot[s]) * (L->r->weight ? (int64_t)L->r->count[k] + 1 : 1);
        L->slot[s].halves = all > 0;
        n += all > 0;
    }
}

void halves_make(struct lower *L, struct lower_slot *s)
{
    LLVMTypeRef f64 = LLVMDoubleTypeInContext(L->c);
    s->var = LLVMBuildAlloca(L->b, s->halves ? f64 : type_of(L, s->type), "");
    s->upper = s->halves ? LLVMBuildAlloca(L->b, f64, "") : NULL;
}

static LLVMValueRef half(struct lower *L, LLVMValueRef v, unsigned k) { return float_element(L, v, IR_F64, k); }

void halves_enter(struct lower *L, struct lower_slot *s, LLVMValueRef v)
{
    LLVMBuildStore(L->b, s->upper ? half(L, v, 0) : v, s->var);
    if (s->upper)
        LLVMBuildStore(L->b, half(L, v, 1), s->upper);
}

LLVMValueRef lower_slot_value(struct lower *L, const struct lower_slot *s)
{
    LLVMTypeRef f64 = LLVMDoubleTypeInContext(L->c), t = floats_type(L, IR_F64);
    if (!s->upper)
        return LLVMBuildLoad2(L->b, type_of(L, s->type), s->var, "");
    LLVMValueRef v = LLVMBuildInsertElement(L->b, LLVMGetUndef(t), LLVMBuildLoad2(L->b, f64, s->var, ""), int_const(L, 32, 0), "");
    v = LLVMBuildInsertElement(L->b, v, LLVMBuildLoad2(L->b, f64, s->upper, ""), int_const(L, 32, 1), "");
    return as_vector(L, v);
}

void lower_set_slot(struct lower *L, const struct lower_slot *s, LLVMValueRef v)
{
    lower_set(L, s->var, s->upper ? half(L, v, 0) : v);
    if (s->upper)
        lower_set(L, s->upper, half(L, v, 1));
}
