/* SPDX-License-Identifier: GPL-2.0-or-later
 * facts.c: which operands need a test. emit_float.c's test of an operand says more than that it is ordinary: how small it can be. From that
 * follows what the results of sums and products can be, and most of these need no test when they are operands in turn. Known of a double:
 *   it is 0 or at least 2^-low, and a multiple of 2^-grain (so a sum, rounded or not, is 0 or at least that), and less than 2^(high + 1).
 * With grain <= 1022 a sum is 0 or normal, with low <= 1021 a number is. What may be infinite is no danger, except where it could meet its like.
 *
 * Facts hold only if no test has failed: the way through the interpreter gives any result. So here a failed test leaves the block before its
 * guest instruction, and the engine makes the block again without facts (host.h, HOST_R_RUN). Where the state is not exact at the beginning
 * of the guest instruction, its operations are tested alone as always, and nothing is known of what they give.
 *
 * In a loop (loops.c) facts go round: what is known of a register at the beginning of a round must be true of what the round puts there.
 * Infinities and NaNs are no danger there, since FPSCR tells what comes of them.
 */
#include "host/ppc64le/emit.h"

enum { LEAF_LOW = 200, LEAF_GRAIN = 252 /* of VS_LEAF; in a loop both are this, by VS_SHRINK */, MOST_HIGH = 1023, INFINITE = 1024, UNKNOWN_GRAIN = 4096 /* and more: no number's */ };

static bool is_low(const struct ir_insn *in) { return in->op == IR_FCMPF || in->op == IR_VCVTGF || in->mod & IR_LOW; }

/* ports that are read behind an instruction: the state's flags may wait for that */
static void find_exact(struct emitter *e)
{
    unsigned open = 0;
    for (unsigned j = e->n; j-- > 0;) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        struct fact *f = &e->facts[j];
        if (f->open)
            open--;
        if ((in->op == IR_COND || in->op == IR_PUTF) && in->arg[0] != IR_NONE && !e->facts[in->arg[0]].open) {
            e->facts[in->arg[0]].open = true;
            open++;
        }
        f->exact = in->op == IR_INSN && !open && !(in->mod & IR_INSN_INEXACT);
    }
}

struct finder { struct emitter *e; bool exact, mode; bool loop, again; };

static bool is_known(const struct fact *f, const struct ir_insn *in) { return f->known >= (is_low(in) ? KNOWN_LOW : KNOWN_ALL); }

/* What a test has shown, of the low element or of all. What was known of more than that does not hold under these bounds; a sign was known of
 * no more elements than the bounds were. */
static void set(struct fact *f, const struct ir_insn *in, unsigned low, unsigned grain, unsigned high)
{
    unsigned known = is_low(in) ? KNOWN_LOW : KNOWN_ALL;
    f->positive &= f->known >= known;
    f->known = (uint8_t)known;
    f->low = (uint16_t)low;
    f->grain = (uint16_t)grain;
    f->high = (uint16_t)high;
}

/* This register is to be tested before the first round, and known from then on. */
static bool know_before(struct finder *x, ir_ref r, unsigned level)
{
    const struct ir_insn *get = insn(x->e, r);
    struct loop *l = &x->e->loop;
    unsigned k = x->loop && get->op == IR_GET ? slot_reg(x->e, get->imm) - VEC : 16;
    if (k >= 16 || l->hopeless[k] || l->before[k].known >= level)
        return false;
    if (!l->before[k].known)
        l->before[k] = (struct fact){ .low = LEAF_GRAIN, .grain = LEAF_GRAIN, .high = MOST_HIGH };
    l->before[k].known = (uint8_t)level;
    x->again = true;
    return true;
}

static void test_operand(struct finder *x, struct fact *op, const struct ir_insn *in, unsigned k)
{
    if (know_before(x, in->arg[k], is_low(in) ? KNOWN_LOW : KNOWN_ALL)) {
        set(&x->e->facts[in->arg[k]], in, LEAF_GRAIN, LEAF_GRAIN, MOST_HIGH);
        return;
    }
    op->tests |= (uint8_t)(TEST_A << k);
    x->mode = true;
    set(&x->e->facts[in->arg[k]], in, x->loop ? LEAF_GRAIN : LEAF_LOW, LEAF_GRAIN, MOST_HIGH);
}

static void need_known(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    for (unsigned k = 0; k < 2; k++)
        if (!is_known(&x->e->facts[in->arg[k]], in))
            test_operand(x, op, in, k);
}

static unsigned greater(unsigned a, unsigned b) { return a > b ? a : b; }
static unsigned less(unsigned a, unsigned b) { return a < b ? a : b; }

static void sum(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    struct fact *a = &x->e->facts[in->arg[0]], *b = &x->e->facts[in->arg[1]];
    need_known(x, op, in);
    bool same_sign = in->op == IR_VFADD && a->positive && b->positive;
    if (a->high >= INFINITE && b->high >= INFINITE && !same_sign && !x->loop)
        test_operand(x, op, in, 0);
    op->grain = op->low = (uint16_t)greater(a->grain, b->grain);
    op->high = (uint16_t)less(greater(a->high, b->high) + 1, INFINITE);
    op->positive = same_sign;
    op->known = op->grain > 1021 ? 0 : is_low(in) ? KNOWN_LOW : KNOWN_ALL;
}

static void product(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    struct fact *a = &x->e->facts[in->arg[0]], *b = &x->e->facts[in->arg[1]];
    need_known(x, op, in);
    for (unsigned k = 0; k < 2 && a != b && !x->loop; k++)
        if (x->e->facts[in->arg[k]].high >= INFINITE)
            test_operand(x, op, in, k);
    if (a->low + b->low > 1020)
        test_operand(x, op, in, a->low < b->low);
    if (a->low + b->low > 1020)
        test_operand(x, op, in, a->low < b->low);
    op->low = (uint16_t)(a->low + b->low);
    op->grain = (uint16_t)less(greater(a->grain + b->grain, op->low), UNKNOWN_GRAIN);
    op->high = (uint16_t)less(a->high + b->high + 1u, INFINITE);
    op->positive = a == b || (a->positive && b->positive);
    op->known = is_low(in) ? KNOWN_LOW : KNOWN_ALL;
}

/* a / b without a test of its own, in a loop */
static void plain_quotient(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    struct fact *a = &x->e->facts[in->arg[0]], *b = &x->e->facts[in->arg[1]];
    need_known(x, op, in);
    unsigned low = a->low + less(b->high, MOST_HIGH) + 1u;
    set(op, in, low, less(low + 53, UNKNOWN_GRAIN), less(a->high + b->low + 1u, INFINITE));
    op->known = low > 1021 ? 0 : op->known;
}

/* xstdivdp with the operands themselves: e(b) from -1021 to 1020, e(a) from -969, e(a) - e(b) from -1020 to 1022 */
static void quotient(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    struct fact *a = &x->e->facts[in->arg[0]], *b = &x->e->facts[in->arg[1]];
    if (!is_known(a, in) || a->high >= INFINITE)
        set(a, in, 969, 1021, MOST_HIGH);
    if (!is_known(b, in) || b->high >= INFINITE)
        set(b, in, 1021, 1073, MOST_HIGH);
    set(op, in, 1021, 1074, MOST_HIGH);
    op->tests |= TEST_OWN;
}

/* xstsqrtdp: a positive number, exponent from -969; in a loop FPSCR tells of others */
static void root(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    struct fact *b = &x->e->facts[in->arg[1]];
    if (x->loop) {
        if (!is_known(b, in))
            test_operand(x, op, in, 1);
    } else {
        if (!is_known(b, in) || b->low > 969)
            set(b, in, 969, 1021, MOST_HIGH);
        set(b, in, b->low, b->grain, less(b->high, MOST_HIGH));
        b->positive = true;
        op->tests |= TEST_OWN;
    }
    unsigned low = (b->low + 1u) / 2;
    set(op, in, low, low + 53, 512);
    op->positive = true;
}

static void extreme(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    struct fact *a = &x->e->facts[in->arg[0]], *b = &x->e->facts[in->arg[1]];
    need_known(x, op, in);
    set(op, in, greater(a->low, b->low), greater(a->grain, b->grain), greater(a->high, b->high));
}

/* operations that emit_float.c does on doubles with tests */
static bool arithmetic(struct finder *x, struct fact *op, const struct ir_insn *in)
{
    bool mode = x->mode || x->loop;
    if (in->lane != IR_F64 || !x->exact)
        return false;
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: sum(x, op, in); break;
    case IR_VFMUL: product(x, op, in); break;
    case IR_VFMIN: case IR_VFMAX: extreme(x, op, in); break;
    case IR_VFDIV: x->loop ? plain_quotient(x, op, in) : quotient(x, op, in); break;
    case IR_VFSQRT:
        if (!is_low(in))
            return false;
        root(x, op, in);
        break;
    case IR_VFCMP:
        if ((in->aux & 3) == 3 || in->aux > 7)
            return false;
        need_known(x, op, in);
        break;
    case IR_FCMPF: need_known(x, op, in); break;
    default: return false;
    }
    if (!mode && !(op->tests & (TEST_A | TEST_B))) {
        op->tests |= TEST_MODE;
        x->mode = true;
    }
    op->on = true;
    return true;
}

/* everything else that makes or moves doubles */
static void others(struct finder *x, struct fact *f, const struct ir_insn *in)
{
    const struct fact *a = in->arg[0] != IR_NONE ? &x->e->facts[in->arg[0]] : f, *b = in->arg[1] != IR_NONE ? &x->e->facts[in->arg[1]] : f;
    switch (in->op) {
    case IR_VZERO:
        f->known = KNOWN_ALL;
        f->positive = true;
        break;
    case IR_VCVTGF:
        if (in->lane == IR_F64 && insn(x->e, in->arg[1])->type == IR_I32) {
            set(f, in, 0, 0, 31);
            f->on = true;
        }
        break;
    case IR_VCVTIF:
        if (in->lane == IR_F64)
            set(f, in, 0, 0, 31);
        break;
    case IR_VZIPL:
        if (type_size(in->lane) == 8 && a->known && b->known) {
            set(f, in, greater(a->low, b->low), greater(a->grain, b->grain), greater(a->high, b->high));
            f->known = KNOWN_ALL;
        }
        break;
    case IR_VMERGE:
        if (type_size(in->lane) == 8 && b->known) {
            set(f, in, b->low, b->grain, b->high);
            f->known = KNOWN_LOW;
        }
        break;
    case IR_GET:
        if (x->loop && in->type == IR_V128)
            *f = x->e->loop.before[slot_reg(x->e, in->imm) - VEC];
        break;
    case IR_INSN: x->exact = f->exact || x->loop; break;
    case IR_CALL: x->mode = false; break;
    case IR_PUT: x->mode &= in->imm >= (int64_t)x->e->o->fpcr + 4 || in->imm + (int64_t)type_size(in->type) <= (int64_t)x->e->o->fpcr; break;
    default: break;
    }
}

void find_facts(struct emitter *e)
{
    struct finder x = { .e = e };
    memset(e->facts, 0, e->n * sizeof *e->facts);
    find_exact(e);
    for (unsigned j = 0; j < e->n; j++)
        if (!arithmetic(&x, &e->facts[j], insn(e, (ir_ref)j)))
            others(&x, &e->facts[j], insn(e, (ir_ref)j));
}

/* Does what the round puts into register k agree with what is known before? If not, less is known in the next pass. */
static void join(struct finder *x, unsigned k, unsigned pass)
{
    struct loop *l = &x->e->loop;
    struct fact *f = &l->before[k];
    if (!f->known || l->last_put[k] == NO_INSN)
        return;
    const struct fact *p = &x->e->facts[insn(x->e, l->last_put[k])->arg[0]];
    if (p->known >= f->known && p->low <= f->low && p->grain <= f->grain && p->high <= f->high)
        return;
    x->again = true;
    if (p->known < f->known || pass > 6) {
        l->hopeless[k] = true;
        *f = (struct fact){ .known = 0 };
        return;
    }
    f->low = (uint16_t)greater(f->low, p->low);
    f->grain = (uint16_t)greater(f->grain, p->grain);
    f->high = p->high > f->high ? INFINITE : f->high;
}

/* Behind the loop nothing is known. false: there is no operation that has something of a loop. */
bool find_loop_facts(struct emitter *e)
{
    enum { MOST_PASSES = 24 };
    unsigned on = 0;
    for (unsigned pass = 0; pass < MOST_PASSES; pass++) {
        struct finder x = { .e = e, .loop = true, .exact = true };
        memset(e->facts, 0, e->n * sizeof *e->facts);
        on = 0;
        for (unsigned j = 0; j < e->loop.back; j++) {
            if (!arithmetic(&x, &e->facts[j], insn(e, (ir_ref)j)))
                others(&x, &e->facts[j], insn(e, (ir_ref)j));
            on += e->facts[j].on;
        }
        for (unsigned k = 0; k < 16; k++)
            join(&x, k, pass);
        if (!x.again)
            return on != 0;
    }
    return false;
}

/* takes the low element of operand k alone, or the upper part through base_of */
bool takes_left(const struct emitter *e, const struct ir_insn *in, unsigned user)
{
    switch (in->op) {
    case IR_VSTOREL: case IR_VCVTFG: return in->lane == IR_F64;
    default: return e->facts[user].on && is_low(in) && in->op != IR_VFCMP;
    }
}

bool makes_left(const struct emitter *e, unsigned i)
{
    const struct ir_insn *in = insn(e, (ir_ref)i);
    return e->facts[i].on && is_low(in) && in->op != IR_VFCMP && in->op != IR_FCMPF;
}
