/* SPDX-License-Identifier: GPL-2.0-or-later
 * look.c: the look back over a block before it is emitted. Going from the last instruction to the first, everything that follows an instruction
 * is known: how long its value is needed, which PUT will take it, whether it can wait until it is used. One visit each, no iteration.
 */
#include "host/x86_64/emit.h"
#include "ir/fill.h"

struct look {
    struct emitter *e;
    unsigned i;
    uint16_t barrier;            /* the nearest following instruction that may fault or leave, or where the state is looked at */
    uint16_t effect;             /* the nearest following one with any effect */
    uint16_t putf;               /* the nearest following change of the state's flags */
    uint16_t hinted;             /* the nearest following one that is computed into a mapped register */
    uint16_t put_at[32], get_at[32];             /* side by side: filled together */
    unsigned live;               /* IR_F_* of the state's flags that are read below */
    struct { uint16_t exit_if; uint8_t live; } sink[4];      /* EXITIFs just below that test `sink_port`, with what the state must have behind them */
    unsigned n_sinks; ir_ref sink_port;
    unsigned open_ports;         /* ports read below whose instruction is above */
    bool need_poll;
};

static unsigned later_of(unsigned a, unsigned b) { return a > b ? a : b; }

static void touch(struct look *l, ir_ref r, unsigned until)
{
    struct value *v = &l->e->v[r];
    v->uses++;
    v->user = (uint16_t)l->i;
    v->last = (uint16_t)later_of(v->last, until);
}

static void touch_port(struct look *l, ir_ref port, unsigned mask, unsigned until)
{
    struct value *v = &l->e->v[port];
    if (port == IR_NONE || !mask)
        return;
    if (!v->port_mask)
        l->open_ports++;
    v->port_mask |= (uint8_t)mask;
    v->port_last = (uint16_t)later_of(v->port_last, until);
}

static bool mentions(const struct ir_insn *in, ir_ref r)
{
    return in->arg[0] == r || in->arg[1] == r || in->arg[2] == r || in->arg[3] == r;
}

static bool takes_pairs(unsigned op) { return op == IR_CAS || op == IR_PAIR || op == IR_TRUNC; }

/* i128 exists between PAIR, CAS and TRUNC only. The value at l->i: do others want it? */
static bool pair_is_ours(const struct look *l, const struct ir_insn *in)
{
    const struct ir_insn *all = l->e->b->insn;
    if (!takes_pairs(in->op))
        return false;
    for (unsigned k = l->i + 1; k < l->e->b->n; k++)
        if (!takes_pairs(all[k].op) && !l->e->v[k].done && mentions(&all[k], (ir_ref)l->i))
            return false;
    return true;
}

/* Floats outside vectors and longer vectors do not exist. What an instruction makes is checked, so its operands need not be. */
static inline void check_type(struct look *l, const struct ir_insn *in, unsigned type)
{
    if (__builtin_expect(!((((2u << IR_I64) - 1) | 1u << IR_V128) >> type & 1), 0) && !(type == IR_I128 && pair_is_ours(l, in)))
        fail(l->e, ir_op_info[in->op].name);
}

static inline void touch_args(struct look *l, const struct ir_insn *in, unsigned n_args, unsigned until)
{
    for (unsigned k = 0; k < n_args; k++)
        if (in->arg[k] != IR_NONE)
            touch(l, in->arg[k], until);
}

/* --- hints --- */

static bool hint_holds(const struct look *l, const struct value *v)
{
    if (v->hint == NO_REG || v->put == NO_INSN)
        return true;
    return l->put_at[v->hint] == v->put && l->get_at[v->hint] > v->put && l->barrier > v->put;
}

static void hint_from_put(struct look *l, const struct ir_insn *in)
{
    unsigned reg = slot_reg(l->e, in->imm), size = type_size(in->type);
    struct value *v = &l->e->v[in->arg[0]];
    if (reg == NO_REG)
        return;
    l->put_at[reg] = (uint16_t)l->i;
    if (l->e->map->offset[reg] != in->imm || (reg >= XMM) != (in->type == IR_V128) || size == 4)
        return;
    v->hint = (uint8_t)reg;
    v->narrow = size <= 2;
    v->put = (uint16_t)l->i;
}

/* A two-address operation is computed in place when its first operand already is where the result goes. */
static void pass_hint(struct look *l, const struct ir_insn *in, const struct value *v)
{
    if (v->hint == NO_REG || v->put == NO_INSN || v->later || v->done)
        return;
    unsigned n = ir_op_info[in->op].props & IR_P_C ? 2 : 1;
    for (unsigned k = 0; k < n; k++) {
        struct value *a = &l->e->v[in->arg[k]];
        const struct ir_insn *op = &l->e->b->insn[in->arg[k]];
        if (op->type != in->type || op->op == IR_CONST || op->op == IR_GET || a->uses || a->put != NO_INSN || a->hint != NO_REG)
            continue;
        a->hint = v->hint;
        a->put = v->put;
        a->narrow = v->narrow;
        return;
    }
}

/* --- what waits --- */

static bool folds(const struct ir_insn *user, unsigned arg, const struct ir_insn *load)
{
    switch (user->op) {
    case IR_ADD: case IR_SUB: case IR_AND: case IR_OR: case IR_XOR: case IR_ADDF: case IR_SUBF: case IR_ADCF: case IR_SBBF:
    case IR_ANDF: case IR_ORF: case IR_XORF: case IR_MUL: case IR_SMULF: case IR_UMULF: case IR_CMP: case IR_ZEXT: case IR_SEXT:
        return arg < 2;
    case IR_SELECT: return arg > 0 && user->type >= IR_I16 && user->type <= IR_I64;
    case IR_DIVU: case IR_DIVS: return arg == 2;
    case IR_POPCNT: case IR_CLZ: case IR_CTZ: return load->type >= IR_I32;
    case IR_CRC32C: return arg == 1;
    default: return vec_folds(user, arg, load);
    }
}

static unsigned arg_index(const struct ir_insn *user, ir_ref r)
{
    unsigned k = 0;
    while (k < 3 && user->arg[k] != r)
        k++;
    return k;
}

static bool load_waits(const struct look *l, const struct ir_insn *in, const struct value *v)
{
    const struct ir_insn *user = &l->e->b->insn[v->user];
    return v->uses == 1 && l->effect >= v->last && l->hinted >= v->last && folds(user, arg_index(user, (ir_ref)l->i), in);
}

static bool waits(const struct look *l, const struct ir_insn *in, const struct value *v)
{
    switch (in->op) {
    case IR_CMP:  return v->uses == 1;
    case IR_COND: return in->arg[0] != IR_NONE || v->last <= l->putf;
    case IR_LOAD: case IR_VLOADL: return load_waits(l, in, v);
    case IR_PAIR: return true;
    default: return false;
    }
}

/* --- read-modify-write --- */

static bool rmw_op(const struct ir_insn *op, ir_ref load)
{
    switch (op->op) {
    case IR_ADD: case IR_ADDF: case IR_AND: case IR_ANDF: case IR_OR: case IR_ORF: case IR_XOR: case IR_XORF: case IR_ADCF:
        return (op->arg[0] == load) != (op->arg[1] == load);
    case IR_SUB: case IR_SUBF: case IR_SBBF: case IR_NOT: case IR_NEG: case IR_NEGF: case IR_INCF: case IR_DECF:
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR: case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF:
        return op->arg[0] == load && op->arg[1] != load;
    default:
        return false;
    }
}

static ir_ref rmw_load(const struct look *l, const struct ir_insn *op, const struct ir_insn *store)
{
    for (unsigned k = 0; k < 2 && k < ir_op_info[op->op].n_args; k++) {
        if (op->arg[k] == IR_NONE)
            continue;
        if (op->arg[k] == IR_NONE)
            break;
        const struct ir_insn *in = &l->e->b->insn[op->arg[k]];
        if (in->op == IR_LOAD && in->arg[0] == store->arg[0] && in->type == store->type && !l->e->v[op->arg[k]].uses && rmw_op(op, op->arg[k]))
            return op->arg[k];
    }
    return IR_NONE;
}

/* LOAD a; op; STORE a with nothing in between that has effects or looks at the parts */
static void find_rmw(struct look *l, const struct ir_insn *store)
{
    ir_ref op = store->arg[1];
    const struct ir_insn *insns = l->e->b->insn;
    struct value *v = &l->e->v[op];
    if (v->uses || insns[op].type != store->type || !is_gpr_type(store->type))
        return;
    ir_ref load = rmw_load(l, &insns[op], store);
    if (load == IR_NONE || l->i - load > 16)
        return;
    for (ir_ref k = load + 1; k < l->i; k++) {
        if (k == op)
            continue;
        if ((ir_op_info[insns[k].op].props & (IR_P_S | IR_P_X | IR_P_T | IR_P_FP)) || mentions(&insns[k], op) || mentions(&insns[k], load))
            return;
    }
    v->done = l->e->v[load].done = l->e->v[l->i].rmw = true;
}

/* --- locked operations whose old value only feeds a flags operation that the locked instruction does itself --- */

static bool same_operand(const struct look *l, const struct ir_insn *atomic, ir_ref other)
{
    const struct ir_insn *x = &l->e->b->insn[atomic->arg[1]], *y = &l->e->b->insn[other];
    return atomic->arg[1] == other || (x->op == IR_CONST && y->op == IR_CONST && x->imm == y->imm);
}

static bool negated_operand(const struct look *l, const struct ir_insn *atomic, ir_ref other)
{
    const struct ir_insn *x = &l->e->b->insn[atomic->arg[1]], *y = &l->e->b->insn[other];
    return (x->op == IR_NEG && x->arg[0] == other) || (x->op == IR_CONST && y->op == IR_CONST && x->imm == -y->imm);
}

static bool is_const_of(const struct look *l, ir_ref r, int64_t c)
{
    const struct ir_insn *x = &l->e->b->insn[r];
    return x->op == IR_CONST && x->imm == c;
}

static bool same_operation(const struct look *l, const struct ir_insn *atomic, const struct ir_insn *user)
{
    static const uint8_t flags_form[IR_N_OPS] = { [IR_AADD] = IR_ADDF, [IR_AAND] = IR_ANDF, [IR_AOR] = IR_ORF, [IR_AXOR] = IR_XORF };
    ir_ref old = (ir_ref)l->i;
    if (user->type != atomic->type)
        return false;
    if (user->op == flags_form[atomic->op])
        return same_operand(l, atomic, user->arg[0] == old ? user->arg[1] : user->arg[0]);
    if (atomic->op != IR_AADD || user->arg[0] != old)
        return false;
    return (user->op == IR_INCF && is_const_of(l, atomic->arg[1], 1)) || (user->op == IR_DECF && is_const_of(l, atomic->arg[1], -1)) ||
           (user->op == IR_SUBF && user->arg[1] != old && negated_operand(l, atomic, user->arg[1]));
}

static void fuse_atomic(struct look *l, const struct ir_insn *in, struct value *v)
{
    const struct ir_insn *user = &l->e->b->insn[v->user];
    struct value *u = &l->e->v[v->user];
    if (!v->uses || u->uses || u->done || u->restore || !u->port_mask)
        return;
    if (in->op == IR_CAS) {
        if (in->type == IR_I128 || user->op != IR_SUBF || user->arg[0] != in->arg[1] || user->arg[1] != l->i)
            return;
    } else if (v->uses != 1 || in->op < IR_AADD || in->op > IR_AXOR || !same_operation(l, in, user))
        return;
    v->fused = u->done = true;
}

/* --- flags that only the targets of the next EXITIFs read need not be stored when we go on --- */

static unsigned lane_of_exit(const struct ir_insn *in)
{
    return in->op == IR_EXIT || in->op == IR_EXITIF || in->op == IR_EXITCALL ? in->lane & IR_F_ALL : IR_F_ALL;
}

static void see_exit_if(struct look *l, const struct ir_insn *in)
{
    const struct ir_insn *cond = insn(l->e, in->arg[0]);
    ir_ref port = cond->op == IR_COND && !l->e->env->exact_flags ? cond->arg[0] : IR_NONE;
    if (port == IR_NONE || port != l->sink_port || l->n_sinks == 4)
        l->n_sinks = 0;
    l->sink_port = port;
    if (port == IR_NONE)
        return;
    l->sink[l->n_sinks].exit_if = (uint16_t)l->i;
    l->sink[l->n_sinks++].live = (uint8_t)l->live;
}

static bool sink_putf(struct look *l, const struct ir_insn *in, unsigned mask)
{
    if (!l->n_sinks || in->arg[0] != l->sink_port || l->sink[0].live & mask)
        return false;
    for (unsigned k = 0; k < l->n_sinks; k++) {
        struct value *x = &l->e->v[l->sink[k].exit_if];
        x->sunk = (uint8_t)(mask & insn(l->e, l->sink[k].exit_if)->lane);
        x->put = (uint16_t)l->i;
        if (x->sunk)
            touch_port(l, in->arg[0], mask, l->sink[k].exit_if);
    }
    l->e->v[l->i].done = true;
    return true;
}

/* --- what a visit has to look at, by operation: most have little --- */

enum { WAITS = 1, FLAGS = 2, SPECIAL = 4, PASSES_HINT = 8, MEMORY = 16, BARRIER = 32, EFFECT = 64, STAYS = 128, PORTS = 256, N_OPERANDS = 512 /* times their number */ };
static uint16_t class_of[IR_N_OPS];

static uint16_t make_class(unsigned op)
{
    unsigned props = ir_op_info[op].props, c = ir_op_info[op].n_args * N_OPERANDS;
    switch (op) {
    case IR_CMP: case IR_LOAD: case IR_VLOADL: case IR_PAIR: c |= WAITS; break;
    case IR_COND: c = WAITS | FLAGS | PORTS; break;
    case IR_PUTF: c = FLAGS | PORTS; break;
    case IR_SECOND: c = PORTS; break;
    case IR_CALL: case IR_GETF: c |= FLAGS; break;
    case IR_STORE: c |= MEMORY; break;
    case IR_FCMPF: c |= STAYS; break;
    case IR_ZEXT: case IR_EXITIND: case IR_EXITCALLI: case IR_EXITRET: case IR_EXIT: case IR_EXITIF:
    case IR_UMULF: case IR_SMULF: case IR_DIVU: case IR_DIVS:
        c |= SPECIAL; break;
    default: break;
    }
    if ((op >= IR_ADD && op <= IR_ROR) || (op >= IR_ADDF && op <= IR_SHRDF) || (op >= IR_VINS && op <= IR_VCVTGF))
        c |= PASSES_HINT;
    if (op >= IR_AADD && op <= IR_CAS)
        c |= MEMORY;
    c |= props & (IR_P_T | IR_P_RDF) ? FLAGS : 0;
    c |= props & (IR_P_X | IR_P_T | IR_P_FP) ? BARRIER : 0;
    c |= props & (IR_P_S | IR_P_X | IR_P_T | IR_P_FP) ? EFFECT | STAYS : 0;
    return (uint16_t)c;
}

__attribute__((constructor)) static void make_classes(void)
{
    for (unsigned op = 0; op < IR_N_OPS; op++)
        class_of[op] = make_class(op);
}

/* before the instruction's own operands are looked at */
static void see_flags(struct look *l, const struct ir_insn *in, const struct value *v, unsigned props)
{
    if (in->op == IR_EXITIF)
        see_exit_if(l, in);
    else if (in->op == IR_CALL || in->op == IR_GETF || in->op == IR_PUTF || (props & (IR_P_T | IR_P_RDF)) || v->restore ||
             (in->op == IR_COND && in->arg[0] == IR_NONE))
        l->n_sinks = in->op == IR_PUTF ? l->n_sinks : 0;
    if (props & IR_P_T)
        l->live = (in->op == IR_EXITIF ? l->live : 0) | lane_of_exit(in);
    else if (in->op == IR_CALL || in->op == IR_GETF || ((props & IR_P_RDF) && v->port_mask) || v->restore)
        l->live = IR_F_ALL;
    else if (in->op == IR_COND && in->arg[0] == IR_NONE)
        l->live |= ir_cc_reads((enum ir_cc)in->aux);
}

static void visit_putf(struct look *l, const struct ir_insn *in)
{
    unsigned mask = in->aux & IR_F_ALL;
    if (in->arg[0] == IR_NONE)
        return;
    bool sunk = sink_putf(l, in, mask);
    if (sunk)
        l->putf = l->sink[l->n_sinks - 1].exit_if;       /* the state changes there at the earliest */
    l->n_sinks = 0;
    l->live &= ~mask;
    if (sunk)
        return;
    touch_port(l, in->arg[0], mask, l->i);
    unsigned op = l->e->b->insn[in->arg[0]].op;
    bool keeps = op == IR_INCF || op == IR_DECF ? mask == (IR_F_ALL & ~IR_F_C)         /* the host's instruction leaves the rest alone */
                                                : op >= IR_ROLF && op <= IR_RCRF && (mask & (IR_F_C | IR_F_O)) == (IR_F_C | IR_F_O);
    if (keeps && !in->mod && mask != IR_F_ALL) {
        l->e->v[in->arg[0]].restore = true;
        l->e->v[in->arg[0]].restore_at = (uint16_t)l->i;
    }
    l->putf = (uint16_t)l->i;
}

static bool needed(unsigned class, const struct value *v)
{
    return (class & STAYS) || v->uses || v->port_mask || v->second != NO_INSN;
}

static void visit_special(struct look *l, const struct ir_insn *in, struct value *v)
{
    struct emitter *e = l->e;
    switch (in->op) {
    case IR_ZEXT:
        /* what is zero-extended already: 32-bit operations, and loads, which are of any width */
        if (v->hint != NO_REG && in->type == IR_I64 && e->v[in->arg[0]].put > v->put &&
            (insn(e, in->arg[0])->type == IR_I32 || insn(e, in->arg[0])->op == IR_LOAD)) {
            e->v[in->arg[0]].hint = v->hint;
            e->v[in->arg[0]].put = v->put;
            e->v[in->arg[0]].narrow = false;
        }
        break;
    case IR_EXITIND: case IR_EXITCALLI: case IR_EXITRET:
        e->v[in->arg[0]].hint = RCX;
        e->v[in->arg[0]].put = NO_INSN;
        l->need_poll |= in->op != IR_EXITRET;
        break;
    case IR_EXIT: case IR_EXITIF:
        l->need_poll |= in->mod & IR_EXIT_POLL;
        break;
    case IR_UMULF: case IR_SMULF: case IR_DIVU: case IR_DIVS:
        if (v->second != NO_INSN && !hint_holds(l, &e->v[v->second]))
            e->v[v->second].hint = NO_REG;
        break;
    default: break;
    }
}

/* --- the visit --- */

static void visit_memory(struct look *l, const struct ir_insn *in, struct value *v)
{
    if (in->op == IR_STORE)
        find_rmw(l, in);
    else
        fuse_atomic(l, in, v);
}

static void visit_ports(struct look *l, const struct ir_insn *in, unsigned until)
{
    if (in->op == IR_COND)
        touch_port(l, in->arg[0], ir_cc_reads((enum ir_cc)in->aux), until);
    else if (in->op == IR_PUTF)
        visit_putf(l, in);
    else
        l->e->v[in->arg[0]].second = (uint16_t)l->i;
}

static inline void check_hint(struct look *l, struct value *v)
{
    if (!hint_holds(l, v))
        v->hint = NO_REG;
}

static inline void note_hint(struct look *l, const struct value *v)
{
    if (v->hint < XMM + 16 && v->put != NO_INSN)
        l->hinted = (uint16_t)l->i;
}

/* Whether it waits, and how long its operands are needed. */
static unsigned place(struct look *l, const struct ir_insn *in, struct value *v, unsigned class)
{
    check_hint(l, v);
    if (v->done)                                         /* part of a read-modify-write: operands must last until its STORE */
        return later_of(v->last, l->i);
    if ((class & WAITS) && waits(l, in, v)) {
        v->later = true;
        return v->last;
    }
    note_hint(l, v);
    return l->i;
}

/* a LOAD waits for a user of the same guest instruction only (X5) */
static inline void visit_insn(struct look *l, const struct ir_insn *in)
{
    if (l->need_poll && !l->open_ports && !(in->mod & IR_INSN_INEXACT)) {
        l->e->poll_at = l->barrier = (uint16_t)l->i;
        l->need_poll = false;
    }
    l->effect = (uint16_t)l->i;
}

static inline void visit_put(struct look *l, const struct ir_insn *in)
{
    check_type(l, in, in->type);
    hint_from_put(l, in);
    touch_args(l, in, 1, l->i);
    l->effect = (uint16_t)l->i;
}

/* GET, CONST */
static inline bool visit_leaf(struct look *l, const struct ir_insn *in)
{
    struct value *v = &l->e->v[l->i];
    v->done = !v->uses;
    if (v->done)
        return false;
    check_type(l, in, in->type);
    check_hint(l, v);
    note_hint(l, v);
    return true;
}

static inline void visit_get(struct look *l, const struct ir_insn *in)
{
    if (!visit_leaf(l, in))
        return;
    unsigned reg = slot_reg(l->e, in->imm);
    if (reg != NO_REG)
        l->get_at[reg] = (uint16_t)l->i;
}

static inline void visit_lea(struct look *l, const struct ir_insn *in)
{
    struct value *v = &l->e->v[l->i];
    v->done = !v->uses;
    if (v->done)
        return;
    check_type(l, in, in->type);
    check_hint(l, v);
    v->later = true;
    touch_args(l, in, 2, v->put < v->last ? v->put : v->last);
}

static inline void visit(struct look *l, const struct ir_insn *in)
{
    struct value *v = &l->e->v[l->i];
    unsigned class = class_of[in->op];
    if (!needed(class, v)) {
        v->done = true;
        return;
    }
    check_type(l, in, in->type);
    if (v->port_mask)
        l->open_ports--;
    if (v->restore && v->restore_at != l->putf)
        v->restore = false;
    unsigned until = place(l, in, v, class);
    if ((class & FLAGS) || v->restore)
        see_flags(l, in, v, ir_op_info[in->op].props);
    if (class & SPECIAL)
        visit_special(l, in, v);
    if (class & PASSES_HINT)
        pass_hint(l, in, v);
    if (class & MEMORY)
        visit_memory(l, in, v);
    if (class & PORTS)
        visit_ports(l, in, until);
    if (class >= N_OPERANDS)
        touch_args(l, in, class / N_OPERANDS, in->op == IR_MKF ? later_of(until, v->port_last) : until);
    if (class & BARRIER)
        l->barrier = (uint16_t)l->i;
    if (class & EFFECT)
        l->effect = (uint16_t)l->i;
    if (in->op == IR_CALL)
        l->putf = (uint16_t)l->i;
}

void look_back(struct emitter *e)
{
    static const struct value fresh = { .reg = NO_REG, .hint = NO_REG, .home = -1, .port_home = -1, .next = NO_INSN, .second = NO_INSN, .put = NO_INSN };
    typedef uint64_t piece __attribute__((vector_size(16), may_alias));
    const piece *from = (const piece *)&fresh;
    struct look l = { .e = e, .barrier = NO_INSN, .effect = NO_INSN, .putf = NO_INSN, .hinted = NO_INSN };
    fill(l.put_at, 0xff, sizeof l.put_at + sizeof l.get_at);
    for (struct value *v = e->v, *end = v + e->b->n; v < end; v++)
        for (unsigned k = 0; k < sizeof *v / sizeof *from; k++)
            ((piece *)v)[k] = from[k];
    const struct ir_insn *in = e->b->insn + e->b->n;
    for (l.i = e->b->n; l.i-- > 0;) {
        in--;
        switch (in->op) {                /* two thirds of a block: what visit would do for them and no more */
        case IR_INSN:  visit_insn(&l, in); break;
        case IR_PUT:   visit_put(&l, in); break;
        case IR_GET:   visit_get(&l, in); break;
        case IR_CONST: visit_leaf(&l, in); break;
        case IR_LEA:   visit_lea(&l, in); break;
        default:       visit(&l, in); break;
        }
    }
}
