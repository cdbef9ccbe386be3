/* SPDX-License-Identifier: GPL-2.0-or-later
 * look.c: the look back over a block before it is emitted. Going from the last instruction to the first, everything that follows an instruction
 * is known: how long its value is needed, which PUT will take it, which views of its flags are read, whether it can wait until it is used.
 */
#include "host/ppc64le/emit.h"

struct look {
    struct emitter *e;
    unsigned i;
    uint16_t barrier;            /* the nearest following instruction that may fault or leave */
    uint16_t putf;               /* the nearest following change of the state's flags */
    uint16_t put_at[N_LISTS], get_at[N_LISTS];
};

static uint16_t later_of(unsigned a, unsigned b) { return (uint16_t)(a > b ? a : b); }

static bool is_address(const struct ir_insn *user, unsigned k)
{
    return k == 0 && (user->op == IR_LOAD || user->op == IR_STORE || user->op == IR_VLOADL || user->op == IR_VSTOREL);
}

static void touch_args(struct look *l, const struct ir_insn *in, unsigned until)
{
    for (unsigned k = 0; k < ir_op_info[in->op].n_args; k++) {
        if (in->arg[k] == IR_NONE)
            continue;
        struct value *v = &l->e->v[in->arg[k]];
        v->uses++;
        v->user = (uint16_t)l->i;
        v->last = later_of(v->last, until);
        v->needs_reg |= !is_address(in, k) && in->op != IR_PUT;
    }
}

static void touch_port(struct look *l, ir_ref port, unsigned views, unsigned mask, unsigned until)
{
    if (port == IR_NONE)
        return;
    struct value *v = &l->e->v[port], *word = &l->e->v[l->e->n + port];
    v->views |= (uint8_t)views;
    if (views & VIEW_WORD)
        v->word_mask |= (uint8_t)mask;
    v->port_last = word->last = later_of(v->port_last, until);
}

/* --- hints --- */

static unsigned slot_reg(const struct look *l, int64_t offset)
{
    if (offset < 0 || offset >= MAP_BYTES || !l->e->map->reg_at[offset / 8])
        return NO_REG;
    return l->e->map->reg_at[offset / 8] - 1u;
}

static bool hint_holds(const struct look *l, const struct value *v)
{
    return v->hint != NO_REG && l->put_at[v->hint] == v->put && l->get_at[v->hint] > v->put && l->barrier > v->put;
}

static void visit_put(struct look *l, const struct ir_insn *in)
{
    unsigned reg = slot_reg(l, in->imm);
    struct value *v = &l->e->v[in->arg[0]];
    if (reg == NO_REG)
        return;
    l->put_at[reg] = (uint16_t)l->i;
    if (l->e->map->offset[reg] != in->imm || (reg >= VEC) != (in->type == IR_V128) || (reg < VEC && in->type != IR_I64))
        return;
    v->hint = (uint8_t)reg;
    v->put = (uint16_t)l->i;
}

/* put(zext(x)): x is computed there as well */
static void pass_hint(struct look *l, const struct ir_insn *in, const struct value *v)
{
    struct value *from = &l->e->v[in->arg[0]];
    if (v->hint == NO_REG || (from->hint != NO_REG && from->put < v->put))
        return;
    from->hint = v->hint;
    from->put = v->put;
}

/* --- what waits --- */

static bool waits(const struct look *l, const struct ir_insn *in, const struct value *v)
{
    switch (in->op) {
    case IR_LEA:  return !v->needs_reg && (v->uses == 1 || in->arg[1] == IR_NONE);
    case IR_CMP:  return v->uses == 1;
    case IR_COND: return v->uses == 1 && (in->arg[0] != IR_NONE || v->last <= l->putf);
    default: return false;
    }
}

static bool needed(const struct ir_insn *in, const struct value *v, unsigned props)
{
    return v->uses || v->views || v->second != NO_INSN || (props & (IR_P_S | IR_P_X | IR_P_T | IR_P_FP));
}

static void visit(struct look *l, const struct ir_insn *in)
{
    struct emitter *e = l->e;
    struct value *v = &e->v[l->i];
    unsigned props = ir_op_info[in->op].props, until = l->i, reg;
    if (!needed(in, v, props) || (in->op == IR_CONST && in->type == IR_VOID)) {
        v->done = true;
        return;
    }
    if (!hint_holds(l, v))
        v->hint = NO_REG;
    if (waits(l, in, v)) {
        v->later = true;
        until = v->last;
    }
    switch (in->op) {
    case IR_COND:
        touch_port(l, in->arg[0], views_for(e->b, in->arg[0], (enum ir_cc)in->aux), ir_cc_reads((enum ir_cc)in->aux), until);
        return;
    case IR_PUTF:
        touch_port(l, in->arg[0], VIEW_WORD, in->aux & IR_F_ALL, l->i);
        l->putf = (uint16_t)l->i;
        return;
    case IR_SECOND:                              /* written by its operation, which may stand far above */
        e->v[in->arg[0]].second = (uint16_t)l->i;
        v->hint = NO_REG;
        return;
    case IR_PUT: visit_put(l, in); break;
    case IR_GET:
        reg = slot_reg(l, in->imm);
        if (reg != NO_REG)
            l->get_at[reg] = (uint16_t)l->i;
        break;
    case IR_ZEXT: pass_hint(l, in, v); break;
    case IR_CALL: l->putf = (uint16_t)l->i; break;
    default: break;
    }
    touch_args(l, in, until);
    if (props & (IR_P_X | IR_P_T | IR_P_FP))
        l->barrier = (uint16_t)l->i;
}

void look_back(struct emitter *e)
{
    static const struct value fresh = { .reg = NO_REG, .hint = NO_REG, .cr = { NO_REG, NO_REG, NO_REG }, .next = NO_INSN, .second = NO_INSN, .put = NO_INSN };
    struct look l = { .e = e, .barrier = NO_INSN, .putf = NO_INSN };
    memset(l.put_at, 0xff, sizeof l.put_at);
    memset(l.get_at, 0xff, sizeof l.get_at);
    for (unsigned i = 0; i < e->n; i++) {
        e->v[i] = fresh;
        e->v[e->n + i].where = e->v[2 * e->n + i].where = NOWHERE;      /* their other fields are set with it */
    }
    for (l.i = e->n; l.i-- > 0;)
        visit(&l, &e->b->insn[l.i]);
}
