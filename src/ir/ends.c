/* SPDX-License-Identifier: GPL-2.0-or-later
 * ends.c: does a loop whose look for what is special comes behind the last round come to its end while its numbers are wrong? Until that look the host's
 * numbers are x86's but for a NaN's sign, and integers made of what is none. A loop that waits for such a bit could go round for ever. What compares
 * numbers goes by none of them; a sign is left alone by a mask (fabs, negation), but may be made a number of its own by two (copysign).
 */
#include "ir/ir.h"

enum odd { SAME, NUMBER /* a NaN's sign may differ */, MASKED, BITS /* any may */ };
enum { UNIT = 8, MOST_PLACES = 96 };               /* bytes of the state that are looked at as one */
struct place { int64_t unit; uint8_t odd; };
struct ends { const struct ir_block *b; struct place place[MOST_PLACES]; unsigned n_places; uint8_t value[IR_MAX_INSNS], flags; bool changed, full; };

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

static struct place *find(struct ends *e, int64_t unit)
{
    for (unsigned k = 0; k < e->n_places; k++)
        if (e->place[k].unit == unit)
            return &e->place[k];
    return NULL;
}

static int64_t first_unit(const struct ir_insn *in) { return in->imm / UNIT; }
static int64_t last_unit(const struct ir_insn *in) { return (in->imm + ir_type_size[in->type] - 1) / UNIT; }

static uint8_t read_places(struct ends *e, const struct ir_insn *in)
{
    uint8_t most = SAME;
    for (int64_t u = first_unit(in); u <= last_unit(in); u++) {
        const struct place *p = find(e, u);
        most = p && p->odd > most ? p->odd : most;
    }
    return most == SAME || in->type == IR_V128 ? most : BITS;
}

static void write_places(struct ends *e, const struct ir_insn *in, uint8_t odd)
{
    for (int64_t u = first_unit(in); u <= last_unit(in) && odd != SAME; u++) {
        struct place *p = find(e, u);
        if (!p && e->n_places == MOST_PLACES) {
            e->full = true;
            return;
        }
        if (!p)
            *(p = &e->place[e->n_places++]) = (struct place){ u, SAME };
        raise(e, &p->odd, odd);
    }
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
    uint8_t most = most_of(e, in);
    switch (in->op) {
    case IR_GET: return read_places(e, in);
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
    for (unsigned i = 0; i < e->b->n; i++) {
        const struct ir_insn *in = &e->b->insn[i];
        uint8_t odd = odd_of(e, in);
        raise(e, &e->value[i], odd);
        if (in->op == IR_PUT)
            write_places(e, in, odd);
        else if (in->op == IR_PUTF)
            raise(e, &e->flags, odd);
    }
}

bool ir_loop_ends(const struct ir_block *b)
{
    struct ends e = { .b = b, .changed = true };
    while (e.changed && !e.full) {
        e.changed = false;
        go_round(&e);
    }
    for (unsigned i = 0; i < b->n; i++)
        if (b->insn[i].op == IR_EXITIF && e.value[i] == BITS)
            return false;
    return !e.full;
}
