/* SPDX-License-Identifier: GPL-2.0-or-later
 * look.c: one look over the block from its end: how long values and ports are needed, which result can be computed into the register that its
 * PUT writes, which PUTF can be emitted with its operation, and what is best left to its user: addresses, and conditions that a branch or select tests.
 */
#include "host/aarch64/emit.h"

struct look {
    struct emitter *e;
    uint16_t pending[N_REGS];    /* the value that should be computed into a mapped register, where the bit is set in is_pending */
    uint64_t is_pending;
    uint16_t flags_point;        /* nearest place after here that reads or writes the state's flags, may fault, leaves, or shows the state */
    uint16_t flags_write;        /* nearest place that changes the state's flags */
    bool need_poll;
    unsigned open_ports;         /* ports read below whose instruction is above: a poll there would lose them */
};

static const struct value fresh = { .reg = NO_REG, .hint = NO_REG, .user = NO_INSN, .next = NO_INSN, .second = NO_INSN, .early = NO_INSN, .putf = NO_INSN,
                                    .sunk = NO_INSN, .upper = NO_INSN, .addr_only = true, .home = -1, .port_home = -1 };

static bool waits(const struct look *l, unsigned j, const struct ir_insn *in)
{
    const struct value *v = &l->e->v[j];
    switch (in->op) {
    case IR_LEA: return v->uses && (v->addr_only || v->push);
    case IR_CMP: case IR_COND:
        if (v->uses != 1 || !(traits(insn(l->e, v->user)) & TR_CONDITION))
            return false;
        return in->op == IR_CMP || in->arg[0] != IR_NONE || l->flags_write >= v->user;
    default: return folds(l->e, j, in);
    }
}

static void use_value(struct look *l, unsigned user, unsigned k, ir_ref r, unsigned until)
{
    struct value *v = &l->e->v[r];
    const struct ir_insn *in = insn(l->e, (ir_ref)user);
    if (v->last < until)
        v->last = (uint16_t)until;
    v->uses++;
    v->user = (uint16_t)user;
    if (k || !(traits(in) & TR_ADDRESS))
        v->addr_only = false;
    if (in->op == IR_SECOND)
        v->second = (uint16_t)user;
}

static void use_port(struct look *l, const struct ir_insn *in, unsigned user, unsigned until)
{
    ir_ref r = in->arg[0];
    if (r == IR_NONE)
        return;
    struct value *v = &l->e->v[r];
    if (!v->port_last)
        l->open_ports++;
    if (v->port_last < until)
        v->port_last = (uint16_t)until;
    if (in->op == IR_COND) {
        v->n_conds = v->n_conds ? 2 : 1;
        v->cond_groups |= (uint8_t)(1u << (in->aux % IR_N_CC / 2));
        v->cond_p |= (ir_cc_reads((enum ir_cc)(in->aux % IR_N_CC)) & IR_F_P) != 0;
        return;
    }
    v->many_putf |= v->putf != NO_INSN;
    v->putf = (uint16_t)user;
}

/* a PUT in a run that another one below makes superfluous */
static bool put_again(const struct emitter *e, unsigned j)
{
    for (unsigned k = j + 1; k <= e->v[j].run; k++)
        if (insn(e, (ir_ref)k)->op == IR_PUT && insn(e, (ir_ref)k)->imm == insn(e, (ir_ref)j)->imm)
            return true;
    return false;
}

static bool inside_run(const struct emitter *e, unsigned j) { return j && e->v[j].run && e->v[j - 1].run == e->v[j].run; }

static bool no_operands(const struct ir_insn *in)
{
    uint64_t all;
    memcpy(&all, in->arg, sizeof all);
    return all == ~0ull;
}

static void all_uses(struct look *l, unsigned j, const struct ir_insn *in)
{
    struct value *v = l->e->v;
    if (no_operands(in))
        return;
    unsigned until = !v[j].later ? j : v[j].push ? v[j].push : v[j].last;
    if (v[j].run && in->op == IR_PUT && !put_again(l->e, j))
        until = v[j].run + 1u;
    if (traits(in) & TR_PORT) {
        use_port(l, in, j, until);
        return;
    }
    for (unsigned k = 0; k < 4; k++)
        if (in->arg[k] != IR_NONE)
            use_value(l, j, k, in->arg[k], until);
    if (v[j].run && works_low(in)) {
        ir_ref upper = upper_of(l->e, j);
        if (upper != NO_INSN && v[upper].hold <= v[j].run)               /* not a run before another one that needs it */
            v[upper].hold = (uint16_t)(v[j].run + 1);
    }
}

static bool makes_clean_i32(unsigned op)
{
    switch (op) {
    case IR_CONST: case IR_GET: case IR_TRUNC: case IR_SECOND: case IR_CALL: return false;
    default: return true;
    }
}

/* a value whose register has the bits above its type clear, so that its extension to 64 bits is the same register */
static bool comes_clean(const struct ir_insn *in)
{
    return (in->op == IR_LOAD && in->type >= IR_I8 && in->type <= IR_I32) || (in->type == IR_I32 && makes_clean_i32(in->op));
}

static void want(struct look *l, ir_ref r, unsigned reg)
{
    l->e->v[r].hint = (uint8_t)reg;
    l->pending[reg] = r;
    l->is_pending |= 1ull << reg;
}

/* this value has a hint: does it still hold? */
static void check_hint(struct look *l, unsigned j, const struct ir_insn *in, struct value *v)
{
    unsigned reg = v->hint;
    if (!(l->is_pending >> reg & 1) || l->pending[reg] != j) {
        v->hint = NO_REG;
        return;
    }
    l->is_pending &= ~(1ull << reg);
    if (in->op == IR_ZEXT && in->type == IR_I64 && comes_clean(insn(l->e, in->arg[0])) && l->e->v[in->arg[0]].hint == NO_REG)
        want(l, in->arg[0], reg);
}

static void slot(struct look *l, const struct ir_insn *in)
{
    struct emitter *e = l->e;
    unsigned reg = slot_reg(e, in->imm);
    if (reg == NO_REG)
        return;
    l->is_pending &= ~(1ull << reg);
    if (in->op == IR_PUT && e->map->offset[reg] == in->imm && (in->type == IR_I64 || in->type == IR_V128) && insn(e, in->arg[0])->op != IR_CONST)
        want(l, in->arg[0], reg);
}

static bool is_flags_slot(const struct look *l, const struct ir_insn *in)
{
    int64_t past = in->imm - (int64_t)l->e->o->flags;
    return past < 2 && past > -64 && past + (int64_t)type_size(in->type) > 0;
}

/* P and A share registers: one without the other takes the long way */
static bool simple_putf(const struct ir_insn *putf)
{
    unsigned pa = putf->aux & (IR_F_P | IR_F_A);
    return putf->mod || !pa || pa == (IR_F_P | IR_F_A);
}

/* the EXITIF that follows this operation's PUTF with nothing between and does not need the PUTF's flags, or NO_INSN */
static uint16_t exit_past(const struct look *l, unsigned j)
{
    const struct emitter *e = l->e;
    const struct ir_insn *putf = insn(e, e->v[j].putf);
    for (unsigned k = e->v[j].putf + 1u; k < e->b->n; k++) {
        const struct ir_insn *in = insn(e, (ir_ref)k);
        bool passes = (in->op == IR_INSN && !e->v[k].poll) || (in->op == IR_CONST && in->type == IR_VOID) ||
                      (in->op == IR_COND && in->arg[0] == j && e->v[k].later);
        if (!passes)
            return in->op == IR_EXITIF && insn(e, in->arg[0])->op == IR_COND && insn(e, in->arg[0])->arg[0] == j && !(in->lane & putf->aux) ? (uint16_t)k : NO_INSN;
    }
    return NO_INSN;
}

static bool sinks(const struct look *l, unsigned j, const struct ir_insn *in)
{
    static const bool can[IR_N_OPS] = { [IR_ADDF] = true, [IR_SUBF] = true, [IR_INCF] = true, [IR_DECF] = true, [IR_ANDF] = true, [IR_ORF] = true, [IR_XORF] = true };
    const struct value *v = &l->e->v[j];
    return can[in->op] && v->putf != NO_INSN && !v->many_putf && l->flags_point == v->putf && simple_putf(insn(l->e, v->putf)) && exit_past(l, j) != NO_INSN;
}

/* what the PUTF is computed from must last until it is */
static void sink(struct look *l, unsigned j, const struct ir_insn *in)
{
    struct emitter *e = l->e;
    uint16_t exit = exit_past(l, j);
    e->v[j].sunk = exit;
    e->v[j].port_last = exit;
    e->v[e->v[j].putf].done = true;
    e->v[exit].sunk = (uint16_t)j;
    if (e->v[j].uses)
        e->v[j].last = e->v[j].last > exit ? e->v[j].last : exit;
    for (unsigned k = e->v[j].uses ? 1 : 0; k < 2; k++)
        if (in->arg[k] != IR_NONE && e->v[in->arg[k]].last < exit)
            e->v[in->arg[k]].last = exit;
}

static void flag_points(struct look *l, unsigned j, const struct ir_insn *in)
{
    struct value *v = &l->e->v[j];
    unsigned props = ir_op_info[in->op].props;
    if (sinks(l, j, in))
        sink(l, j, in);
    else if (props & IR_P_FL && v->putf != NO_INSN && !v->many_putf && l->flags_point == v->putf && simple_putf(insn(l->e, v->putf))) {
        v->early = v->putf;
        l->flags_write = (uint16_t)j;
    }
    bool reads = in->op == IR_GETF || (in->op == IR_COND && in->arg[0] == IR_NONE) || (props & IR_P_RDF && in->live);
    bool writes = in->op == IR_PUTF || in->op == IR_CALL;
    if (reads || writes)
        l->flags_point = (uint16_t)j;
    if (writes)
        l->flags_write = (uint16_t)j;
}

static void instruction(struct look *l, unsigned j, const struct ir_insn *in)
{
    if (l->need_poll && !l->open_ports && !(in->mod & IR_INSN_INEXACT) && !inside_run(l->e, j)) {
        l->e->v[j].poll = true;
        l->need_poll = false;
    }
}

static void exits(struct look *l, const struct ir_insn *in)
{
    if (in->op == IR_EXITIND || in->op == IR_EXITCALLI)
        l->need_poll = true;
    else if (in->op == IR_EXIT || in->op == IR_EXITIF)
        l->need_poll |= in->mod & IR_EXIT_POLL;
}

/* a store below a register, which then becomes its address */
static void push(struct look *l, unsigned j, const struct ir_insn *in)
{
    struct emitter *e = l->e;
    const struct ir_insn *lea = insn(e, in->arg[0]), *put = insn(e, (ir_ref)(j + 1));
    if (j + 1 >= e->b->n || put->op != IR_PUT || put->arg[0] != in->arg[0] || lea->op != IR_LEA || lea->type != IR_I64)
        return;
    if (lea->arg[0] == IR_NONE || lea->arg[1] != IR_NONE || lea->imm < -256 || lea->imm > 255 || e->v[in->arg[0]].push)
        return;
    unsigned reg = slot_reg(e, put->imm);
    if (reg < VEC && e->map->offset[reg] == put->imm)
        e->v[in->arg[0]].push = (uint16_t)j;
}

static void look_at(struct look *l, unsigned j, const struct ir_insn *in, unsigned tr)
{
    struct value *v = &l->e->v[j];
    if (v->hint != NO_REG)
        check_hint(l, j, in, v);
    if (tr & TR_SLOT) {
        slot(l, in);
        if (is_flags_slot(l, in))
            l->flags_point = l->flags_write = (uint16_t)j;
    }
    if (tr & TR_MAY_WAIT)
        v->later = waits(l, j, in);
    if (tr & TR_FLAGS)
        flag_points(l, j, in);
    if (v->port_last)
        l->open_ports--;
    if (tr & TR_EXIT)
        exits(l, in);
    if (in->op == IR_STORE)
        push(l, j, in);
    all_uses(l, j, in);
    if (tr & TR_BARRIER) {
        l->flags_point = (uint16_t)j;
        l->is_pending = 0;
    }
}

void look_back(struct emitter *e)
{
    struct look l = { .e = e, .flags_point = NO_INSN, .flags_write = NO_INSN };
    const struct ir_insn *first = e->b->insn;
    for (struct value *v = e->v, *end = v + e->b->n; v < end; v++)
        *v = fresh;
    find_runs(e);
    for (unsigned j = e->b->n; j-- > 0;) {
        const struct ir_insn *in = first + j;
        if (in->op == IR_CONST)
            e->v[j].done = in->type == IR_VOID;
        else if (in->op == IR_INSN) {
            instruction(&l, j, in);
            l.flags_point = (uint16_t)j;
            l.is_pending = 0;
        } else
            look_at(&l, j, in, traits(in));
    }
}
