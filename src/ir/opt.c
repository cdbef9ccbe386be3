/* SPDX-License-Identifier: GPL-2.0-or-later
 * opt.c: the one pass that every block goes through, from the last instruction to the first. Going backward, all that
 * follows an instruction is known when it is met: which flags of the state are still read, whether its value is used,
 * whether a later put overwrites its bytes. So dead code, dead flags and dead puts fall in a single visit each.
 *
 * What must stay true:
 *  O1 an instruction that may fault (X, and FP whose exceptions may be unmasked) or leaves the block sees every put
 *     before it; so does the INSN of a guest instruction that leaves the block, because a host may poll for interrupts
 *     there. Flags are seen only where somebody reads them: at exits as they say, at faults with exact_flags
 *  O2 loads, divides, FP and calls stay even without users: they fault, set sticky flags, do things
 *  O3 running the pass again changes nothing
 */
#include "ir/fill.h"
#include "ir/helpers.h"
#include "ir/ir.h"

#define SLOT_BYTES 8
#define SLOTS 256            /* 8-byte slots of guest state whose puts are followed: the first 2 KiB */

struct pass {
    struct ir_block *b;
    bool exact_flags, restartable;
    unsigned wanted;         /* IR_F_*: read below from the port of a PUTF above: the state need not hold them, unless the code is left here */
    unsigned own;            /* of these, by the guest instruction under way */
    unsigned live;           /* IR_F_*: flags of the state that are read after this point, before they are written */
    bool faults;             /* this guest instruction may fault */
    bool leaves;             /* this guest instruction leaves the block */
    uint16_t epoch;          /* counts the points (O1) that see the whole state */
    uint16_t overwritten[SLOTS];   /* == epoch: the slot is put as a whole later, and nothing in between sees it */
};

static void remove_insn(struct ir_insn *in)
{
    *in = (struct ir_insn){ .op = IR_CONST, .type = IR_VOID, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } };
}

/* --- puts --- */

static void see_slots(struct pass *p, const struct ir_insn *get)
{
    uint64_t first = (uint64_t)get->imm / SLOT_BYTES, last = ((uint64_t)get->imm + ir_type_size[get->type] - 1) / SLOT_BYTES;
    if (first == last && first < SLOTS) {
        p->overwritten[first] = 0;
        return;
    }
    for (uint64_t k = first; k <= last && k < SLOTS; k++)
        p->overwritten[k] = 0;
}

/* Is the put dead? If not, it makes earlier puts of its bytes dead. */
static bool put_is_dead(struct pass *p, const struct ir_insn *put)
{
    uint64_t from = (uint64_t)put->imm, to, k;
    if (put->type == IR_I64 && from % SLOT_BYTES == 0 && from < SLOTS * SLOT_BYTES) {       /* nearly all */
        uint16_t *slot = &p->overwritten[from / SLOT_BYTES];
        bool dead = *slot == p->epoch;
        *slot = p->epoch;
        return dead;
    }
    to = from + ir_type_size[put->type];
    if (to > SLOTS * SLOT_BYTES || to <= from)
        return false;
    for (k = from / SLOT_BYTES; k * SLOT_BYTES < to && p->overwritten[k] == p->epoch; k++)
        ;
    if (k * SLOT_BYTES >= to)
        return true;
    for (k = (from + SLOT_BYTES - 1) / SLOT_BYTES; (k + 1) * SLOT_BYTES <= to; k++)
        p->overwritten[k] = p->epoch;
    return false;
}

/* The put at i goes, for one below it: the INSNs between no longer see the whole state. */
static void mark_inexact(struct pass *p, unsigned i)
{
    struct ir_block *b = p->b;
    int64_t from = b->insn[i].imm, to = from + ir_type_size[b->insn[i].type];
    for (unsigned k = i + 1; k < b->n; k++) {
        struct ir_insn *in = &b->insn[k];
        if (in->op == IR_INSN)
            in->mod = IR_INSN_INEXACT;
        else if (in->op == IR_PUT && in->imm < to && from < in->imm + ir_type_size[in->type])
            return;
    }
}

/* --- flags --- */

/* Can the shift count (of a shift, rotate, double shift) be 0 after masking? A full turn through carry counts too. */
static bool count_may_be_zero(const struct ir_block *b, const struct ir_insn *in)
{
    bool is_double = in->op == IR_SHLDF || in->op == IR_SHRDF;
    const struct ir_insn *count = &b->insn[in->arg[is_double ? 2 : 1]];
    if (count->op != IR_CONST)
        return true;
    unsigned n = count->imm & (in->type == IR_I64 ? 63 : 31);
    if (in->op == IR_RCLF || in->op == IR_RCRF)
        n %= ir_type_size[in->type] * 8u + 1;
    return n == 0;
}

static void read_port(struct pass *p, ir_ref port, unsigned flags)
{
    if (port == IR_NONE) {
        p->live |= flags;
        return;
    }
    p->b->insn[port].live |= flags;
}

/* The state holds the flags that code below reads, whoever runs it. */
static void keep_flags(struct pass *p)
{
    if (p->exact_flags)
        p->live = IR_F_ALL;
    if (p->restartable)
        p->live |= p->wanted;
}

/* false: nothing of it is read, remove it */
static bool visit_putf(struct pass *p, struct ir_insn *in)
{
    unsigned mask = in->aux, needed = mask & p->live;
    p->wanted &= ~mask;
    if (needed == 0 || in->arg[0] == IR_NONE)
        return false;
    in->aux = needed;
    in->mod = (p->live & ~mask) == 0;
    p->live &= ~mask;
    read_port(p, in->arg[0], needed);
    return true;
}

static void visit_cond(struct pass *p, const struct ir_insn *in)
{
    unsigned flags = ir_cc_reads((enum ir_cc)(in->aux % IR_N_CC));
    read_port(p, in->arg[0], flags);
    if (in->arg[0] != IR_NONE) {
        p->wanted |= flags;
        p->own |= flags;
    }
}

static unsigned call_effects(const struct ir_insn *in)
{
    return (uint64_t)in->imm < ir_n_helpers ? ir_helpers[in->imm].effects : IR_H_READS_FLAGS;
}

static void visit_call(struct pass *p, const struct ir_insn *in)
{
    unsigned effects = call_effects(in);
    if (effects & IR_H_READS_FLAGS)
        p->live = IR_F_ALL;
    else if (effects & IR_H_WRITES_FLAGS)
        p->live = 0;
    if (effects & IR_H_PURE)
        return;
    p->epoch++;
    keep_flags(p);
}

/* --- the pass --- */

static inline bool is_dead(const struct ir_insn *in, unsigned props)
{
    if (in->uses || in->live)
        return false;
    if (in->op == IR_CALL)
        return call_effects(in) & IR_H_PURE;
    return props & (IR_P_P | IR_P_STATE);
}

static bool reads_flags_by_exit(enum ir_op op) { return op == IR_EXIT || op == IR_EXITIF || op == IR_EXITCALL; }

/* those that the pass has to look at; about half of all instructions have none of these */
enum { NOT_PLAIN = IR_P_S | IR_P_X | IR_P_T | IR_P_RDF | IR_P_STATE | IR_P_FP };

static void see_fault(struct pass *p)
{
    p->epoch++;
    p->faults = true;
    keep_flags(p);
}

/* what an instruction that stays does to the pass's view; false: a put that turned out dead */
static bool visit(struct pass *p, struct ir_insn *in, unsigned props)
{
    switch (in->op) {
    case IR_PUTF: return visit_putf(p, in);
    case IR_GETF: p->live = IR_F_ALL; return true;
    case IR_COND: visit_cond(p, in); return true;
    case IR_CALL: visit_call(p, in); return true;
    default: break;
    }
    if ((props & IR_P_RDF) && in->live && count_may_be_zero(p->b, in))
        p->live |= in->live;
    if (props & IR_P_T) {
        bool goes_on = in->op == IR_EXITIF;
        unsigned reads = reads_flags_by_exit(in->op) ? in->lane & IR_F_ALL : IR_F_ALL;
        p->live = (goes_on ? p->live : 0) | reads;
        p->leaves = true;
    }
    if (props & (IR_P_X | IR_P_FP))
        see_fault(p);
    else if (props & IR_P_T)
        p->epoch++;
    return true;
}

/* Count the operands that are values. Ports are not: whether a port is read is told by `live`. */
static inline void count_uses(struct ir_block *b, const struct ir_insn *in, unsigned n_args)
{
    for (unsigned k = 0; k < n_args; k++)
        if (in->arg[k] != IR_NONE)
            b->insn[in->arg[k]].uses++;
}

static inline void step_any(struct pass *p, struct ir_insn *in)
{
    unsigned props = ir_op_info[in->op].props;
    if (is_dead(in, props) || ((props & NOT_PLAIN) && !visit(p, in, props)))
        remove_insn(in);
    else if (in->op != IR_COND && in->op != IR_PUTF)
        count_uses(p->b, in, ir_op_info[in->op].n_args);
}

/* The operations that make up three quarters of a block, each with what it needs of step_any and no more. */
static inline void step(struct pass *p, struct ir_insn *in)
{
    switch (in->op) {
    case IR_INSN:
        p->epoch += p->leaves;
        p->leaves = false;
        if (p->faults)                         /* it may be done again as a whole: with the flags that it reads itself */
            p->live |= p->restartable ? p->wanted : p->own & p->wanted;
        p->faults = false;
        p->own = 0;
        break;
    case IR_PUT:
        if (put_is_dead(p, in)) {
            mark_inexact(p, (unsigned)(in - p->b->insn));
            remove_insn(in);
        } else
            count_uses(p->b, in, 1);
        break;
    case IR_GET:
        if (in->uses)
            see_slots(p, in);
        else
            remove_insn(in);
        break;
    case IR_CONST:
        if (!in->uses)
            remove_insn(in);
        break;
    case IR_LEA:
        if (in->uses)
            count_uses(p->b, in, 2);
        else
            remove_insn(in);
        break;
    case IR_LOAD:
        see_fault(p);
        count_uses(p->b, in, 1);
        break;
    case IR_STORE:
        see_fault(p);
        count_uses(p->b, in, 2);
        break;
    default:
        step_any(p, in);
        break;
    }
}

void ir_opt(struct ir_block *b, unsigned exact)
{
    struct pass p;
    fill(&p, 0, sizeof p);
    p.b = b;
    p.exact_flags = exact == IR_EXACT_FLAGS;
    p.restartable = exact == IR_RESTARTABLE;
    p.live = IR_F_ALL;
    p.epoch = 1;
    struct ir_insn *in = b->insn, *end = in + b->n;
    for (; in < end; in++)
        in->uses = in->live = 0;
    while (in-- > b->insn)
        step(&p, in);
    b->flags_in = p.live;
}
