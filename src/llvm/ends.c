/* SPDX-License-Identifier: GPL-2.0-or-later
 * ends.c: does a loop whose look comes behind the last round (loops.c) come to its end while its numbers are wrong? Until the look the host's numbers
 * are x86's but for a NaN's sign, and integers made of what is none. A loop that waits for such a bit could go round for ever. What compares numbers
 * goes by none of them; a sign is left alone by a mask (fabs, negation), but may be made a number of its own by two (copysign).
 */
#include "llvm/lower.h"

enum odd { SAME, NUMBER /* a NaN's sign may differ */, MASKED, BITS /* any may */ };
struct ends { struct lower *L; uint8_t value[IR_MAX_INSNS], slot[MAX_SLOTS], flags; bool changed; };

static uint8_t most_of(const struct ends *e, const struct ir_insn *in)
{
    uint8_t most = SAME;
    for (unsigned k = 0; k < ir_op_info[in->op].n_args; k++)
        if (in->arg[k] != IR_NONE && e->value[in->arg[k]] > most)
            most = e->value[in->arg[k]];
    return most;
}

static void raise(struct ends *e, uint8_t *at, uint8_t odd)
{
    e->changed |= odd > *at;
    *at = odd > *at ? odd : *at;
}

static uint8_t *place_of(struct ends *e, const struct ir_insn *in)
{
    struct lower_slot *s = lower_slot_of(e->L, in->imm, ir_type_size[in->type]);
    return s ? &e->slot[s - e->L->slot] : NULL;
}

static bool moves(const struct ir_insn *in)
{
    switch (in->op) {
    case IR_PUT: return true;
    case IR_VMERGE: case IR_VZIPL: case IR_VZIPH: case IR_VSHUF: case IR_VSHUF2: return ir_type_size[in->lane] >= 4;
    default: return false;
    }
}

static uint8_t odd_of(struct ends *e, const struct ir_insn *in)
{
    uint8_t most = most_of(e, in), *place;
    switch (in->op) {
    case IR_GET:
        place = place_of(e, in);
        return !place || !*place ? SAME : in->type == IR_V128 ? *place : BITS;
    case IR_COND: return in->arg[0] == IR_NONE ? e->flags : e->value[in->arg[0]];
    case IR_PUTF: return e->value[in->arg[0]];
    case IR_GETF: return e->flags;
    case IR_VAND: case IR_VANDN: case IR_VOR: case IR_VXOR: return most == SAME ? SAME : most == NUMBER ? MASKED : BITS;
    case IR_FCMPF: case IR_VFCMP: return most == BITS ? BITS : SAME;
    case IR_VCVTFG: case IR_VCVTFI: return BITS;
    default: break;
    }
    if (moves(in) || most == BITS)
        return most;
    return ir_op_info[in->op].props & IR_P_FP ? NUMBER : most == SAME ? SAME : BITS;
}

static void go_round(struct ends *e)
{
    const struct ir_block *b = e->L->ir;
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        uint8_t odd = odd_of(e, in), *place = in->op == IR_PUT ? place_of(e, in) : in->op == IR_PUTF ? &e->flags : NULL;
        raise(e, &e->value[i], odd);
        if (place)
            raise(e, place, odd);
    }
}

bool loop_ends(struct lower *L)
{
    struct ends e = { .L = L, .changed = true };
    while (e.changed) {
        e.changed = false;
        go_round(&e);
    }
    for (unsigned i = 0; i < L->ir->n; i++)
        if (L->ir->insn[i].op == IR_EXITIF && e.value[i] == BITS)
            return false;
    return true;
}
