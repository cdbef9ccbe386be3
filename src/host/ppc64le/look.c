/* SPDX-License-Identifier: GPL-2.0-or-later
 * look.c: the look back over a block before it is emitted. Going from the last instruction to the first, everything that follows an instruction
 * is known: how long its value is needed, which PUT will take it, which views of its flags are read, whether it can wait until it is used.
 */
#include "host/ppc64le/emit.h"

struct look {
    struct emitter *e;
    unsigned i;
    uint16_t barrier;            /* the nearest following instruction that may fault or leave */
    uint16_t flag_read;          /* ... that reads them */
    uint16_t putf;               /* the nearest following change of the state's flags */
    uint16_t put_at[N_LISTS], get_at[N_LISTS];
};

static uint16_t later_of(unsigned a, unsigned b) { return (uint16_t)(a > b ? a : b); }

/* its first operand is an address, which may be a register and something */
static bool is_access(const struct ir_insn *in) { return in->op == IR_LOAD || in->op == IR_STORE || in->op == IR_VLOADL || in->op == IR_VSTOREL || in->op == IR_PREFETCH; }

static void touch_args(struct look *l, const struct ir_insn *in, unsigned until)
{
    struct value *values = l->e->v;
    unsigned n = ir_op_info[in->op].n_args, i = l->i;
    bool needs_reg = !is_access(in) && in->op != IR_PUT, whole = l->e->facts && !takes_left(l->e, in, i);
    for (unsigned k = 0; k < n; k++, needs_reg = in->op != IR_PUT) {
        if (in->arg[k] == IR_NONE)
            continue;
        struct value *v = &values[in->arg[k]];
        if (whole)
            l->e->facts[in->arg[k]].whole = true;
        v->uses++;
        v->user = (uint16_t)i;
        v->last = later_of(v->last, until);
        v->needs_reg |= needs_reg;
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

static bool hint_holds(const struct look *l, const struct value *v)
{
    return v->hint != NO_REG && l->put_at[v->hint] == v->put && l->get_at[v->hint] > v->put && l->barrier > v->put;
}

static void visit_put(struct look *l, const struct ir_insn *in)
{
    unsigned reg = slot_reg(l->e, in->imm);
    struct value *v = &l->e->v[in->arg[0]];
    if (reg == NO_REG)
        return;
    l->put_at[reg] = (uint16_t)l->i;
    if (l->e->map->offset[reg] != in->imm || (reg >= VEC) != (in->type == IR_V128) || (reg < VEC && in->type != IR_I64))
        return;
    v->hint = (uint8_t)reg;
    v->put = (uint16_t)l->i;
}

/* a PUT of a vector register that another one below makes superfluous: nobody looks in between */
static bool is_put_again(const struct look *l, const struct ir_insn *in)
{
    unsigned reg = slot_reg(l->e, in->imm);
    if (in->type != IR_V128 || reg == NO_REG || l->put_at[reg] == NO_INSN)
        return false;
    const struct ir_insn *next = insn(l->e, l->put_at[reg]);
    return next->type == IR_V128 && next->imm == in->imm && l->barrier > l->put_at[reg] && l->get_at[reg] > l->put_at[reg];
}

/* A result of which only the low element is used: the rest stays with its first operand, until somebody wants the whole. */
static void visit_left(struct look *l, const struct ir_insn *in, const struct value *v)
{
    struct fact *f = &l->e->facts[l->i];
    f->left_only = !f->whole && makes_left(l->e, l->i);
    if (f->left_only)
        l->e->v[in->arg[0]].last = later_of(l->e->v[in->arg[0]].last, v->last);
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
    case IR_VZERO: return true;
    default: return false;
    }
}

static bool needed(const struct value *v, unsigned props)
{
    return v->uses || v->views || v->lazy_first || v->second != NO_INSN || (props & (IR_P_S | IR_P_X | IR_P_T | IR_P_FP));
}

/* Where a PUTF can wait: behind branches out of the block that don't need the flags. */
static unsigned behind_branches(const struct look *l)
{
    unsigned at = l->i;
    for (unsigned j = l->i + 1; j < l->e->n; j++) {
        const struct ir_insn *in = insn(l->e, (ir_ref)j);
        if (in->op == IR_EXITIF && !(in->lane & IR_F_ALL))
            at = j;
        else if (in->op != IR_INSN && in->op != IR_CONST && (in->op != IR_COND || in->arg[0] == IR_NONE))
            break;
    }
    return at;
}

static void visit_putf(struct look *l, const struct ir_insn *in)
{
    if (!can_be_lazy(l->e, in)) {
        touch_port(l, in->arg[0], VIEW_WORD, in->aux & IR_F_ALL, l->i);
        if (!in->mod)
            l->flag_read = (uint16_t)l->i;
        return;
    }
    struct value *port = &l->e->v[in->arg[0]];
    unsigned at = behind_branches(l);
    if (at != l->i) {
        l->e->v[at].sunk = (uint16_t)l->i;
        l->e->v[l->i].done = true;
    }
    port->lazy_last = later_of(port->lazy_last, at);
    port->lazy_first = (uint16_t)at;
}

/* A port that PUTFs put off (lazy.c): if nothing that may fault, leave or read flags stands before the first, the operation does it; for others
 * what they need lives on. */
static void visit_lazy(struct look *l, const struct ir_insn *in, struct value *v)
{
    struct emitter *e = l->e;
    ir_ref kept[2] = { lazy_operand(e, (ir_ref)l->i), in->op == IR_ADDF || in->op == IR_SUBF ? in->arg[1] : IR_NONE };
    if (l->barrier > v->lazy_first && l->flag_read > v->lazy_first && v->lazy_first == v->lazy_last) {
        v->views |= VIEW_LAZY;
        l->putf = (uint16_t)l->i;
        return;
    }
    for (unsigned k = 0; k < 2; k++)
        if (kept[k] != IR_NONE) {
            e->v[kept[k]].last = later_of(e->v[kept[k]].last, v->lazy_last);
            e->v[kept[k]].needs_reg = true;
        }
}

/* nothing is emitted for it, or not here */
static bool is_done(struct look *l, const struct ir_insn *in, const struct value *v, unsigned props)
{
    if (!needed(v, props))
        return true;
    if (in->op != IR_PUT)
        return false;
    if (is_put_again(l, in))
        return true;
    if (!waits_for_exit(l->e, l->i))
        return false;
    struct value *from = &l->e->v[in->arg[0]];
    from->uses++;
    from->user = (uint16_t)l->i;
    from->last = later_of(from->last, l->e->loop.back + 1);
    return true;
}

/* Ports, guest state and hints. True: its operands are values, to be visited too. */
static bool visit_state(struct look *l, const struct ir_insn *in, struct value *v, unsigned until)
{
    struct emitter *e = l->e;
    unsigned reg;
    switch (in->op) {
    case IR_COND:
        if (in->arg[0] == IR_NONE)
            l->flag_read = (uint16_t)l->i;
        touch_port(l, in->arg[0], views_for(e->b, in->arg[0], (enum ir_cc)in->aux), ir_cc_reads((enum ir_cc)in->aux), until);
        return false;
    case IR_PUTF:
        visit_putf(l, in);
        l->putf = v->done ? e->v[in->arg[0]].lazy_first : (uint16_t)l->i;
        return false;
    case IR_SECOND:                              /* written by its operation, which may stand far above */
        e->v[in->arg[0]].second = (uint16_t)l->i;
        v->hint = NO_REG;
        return false;
    case IR_PUT: visit_put(l, in); return true;
    case IR_GET:
        reg = slot_reg(e, in->imm);
        if (reg != NO_REG)
            l->get_at[reg] = (uint16_t)l->i;
        return true;
    case IR_ZEXT: pass_hint(l, in, v); return true;
    case IR_CALL: l->putf = l->flag_read = (uint16_t)l->i; return true;
    case IR_GETF: l->flag_read = (uint16_t)l->i; return true;
    default: return true;
    }
}

static void visit(struct look *l, const struct ir_insn *in, struct value *v)
{
    struct emitter *e = l->e;
    unsigned props = ir_op_info[in->op].props, until = l->i;
    if (is_done(l, in, v, props)) {
        v->done = true;
        return;
    }
    if (v->lazy_first)
        visit_lazy(l, in, v);
    if (props & IR_P_RDF)
        l->flag_read = (uint16_t)l->i;
    if (e->facts && in->type == IR_V128)
        visit_left(l, in, v);
    if (!hint_holds(l, v))
        v->hint = NO_REG;
    if (waits(l, in, v)) {
        v->later = true;
        until = v->last;
    }
    if (!visit_state(l, in, v, until))
        return;
    touch_args(l, in, until);
    if (in->op == IR_VZIPL && is_splat(e, in))
        pass_hint(l, in, v);
    if (props & (IR_P_X | IR_P_T | IR_P_FP) && !(e->facts && e->facts[l->i].on && !e->facts[l->i].tests))
        l->barrier = (uint16_t)l->i;
}

/* for two stores each instead of twenty */
typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(4), may_alias));

void look_back(struct emitter *e)
{
    const bytes16 zeros = { 0 };
    struct look l = { .e = e, .barrier = NO_INSN, .putf = NO_INSN, .flag_read = NO_INSN };
    memset(l.put_at, 0xff, sizeof l.put_at);
    memset(l.get_at, 0xff, sizeof l.get_at);
    const struct ir_insn *in = e->b->insn;
    struct value *v = e->v, *end = v + 3 * e->n;
    unsigned doubles = 0;
    for (; v < e->v + e->n; v++, in++) {
        *(bytes16 *)v = zeros;
        *(bytes16 *)&v->reg = ~zeros;
        v->lazy_first = v->lazy_last = 0;
        v->done = in->op == IR_CONST && in->type == IR_VOID;
        doubles |= in->lane == IR_F64;
    }
    if (!doubles)
        e->facts = NULL;
    if (e->facts)
        find_loop(e);
    if (e->facts && !e->loop.on)
        find_facts(e);
    for (; v < end; v++)
        v->where = NOWHERE;                                             /* the other fields are set with it */
    v = e->v + e->n;
    for (l.i = e->n; l.i-- > 0;) {
        --v, --in;
        if (!v->done)
            visit(&l, in, v);
    }
}
