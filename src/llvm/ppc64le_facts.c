/* SPDX-License-Identifier: GPL-2.0-or-later
 * ppc64le_facts.c: which operands in a region need a test whether they are denormal: as src/host/ppc64le/facts.c does it for loops of tier 1. A
 * double that has passed the test, the product with 2^-822, is 0 or at least 2^-low and a multiple of 2^-grain, and from that follows what sums and
 * products can be. high: less than 2^(high + 1), if it is a number. A float is known not to be denormal, or nothing is known of it.
 *
 * A test that fails shows at the run's next look (runs.c), so behind it all is true for the rest of the block, and in a block that only this one leads to.
 * In a loop (loops.c) facts go round: what is known of a slot at the beginning of a round must be true of what the round puts there. Before the first
 * round it is tested.
 */
#include <string.h>
#include "llvm/ppc64le.h"

enum { KNOWN_LOW = 1, KNOWN_ALL };
enum { LEAF = 252, MOST_HIGH = 1023, INFINITE = 1024, UNKNOWN_GRAIN = 4096 /* and more: no number's */, MOST_PASSES = 24 };

struct finder {
    struct lower *L;
    struct lower_fact *before;                   /* of slots at the beginning of each round; NULL: not in a loop, or done */
    bool *hopeless;
    bool again, may_leave;                       /* may_leave: the loop, before the operation at hand */
    unsigned tests;                              /* operands of the operation at hand */
};

static bool is_low(const struct ir_insn *in) { return in->op == IR_FCMPF || in->op == IR_VCVTGF || in->mod & IR_LOW; }
static unsigned level(const struct ir_insn *in) { return is_low(in) ? KNOWN_LOW : KNOWN_ALL; }
static unsigned greater(unsigned a, unsigned b) { return a > b ? a : b; }
static unsigned less(unsigned a, unsigned b) { return a < b ? a : b; }

static bool is_known(const struct lower_fact *f, unsigned lane, unsigned level) { return f->known >= level && f->single == (lane == IR_F32); }

static void set(struct lower_fact *f, unsigned known, unsigned low, unsigned grain, unsigned high)
{
    *f = (struct lower_fact){ .known = (uint8_t)known, .low = (uint16_t)low, .grain = (uint16_t)grain, .high = (uint16_t)high };
}

static void set_leaf(struct lower_fact *f, unsigned known, unsigned lane)
{
    set(f, known, LEAF, LEAF, MOST_HIGH);
    f->single = lane == IR_F32;
}

static int slot_number(struct lower *L, const struct ir_insn *in)
{
    struct lower_slot *s = in->type == IR_V128 ? lower_slot_of(L, in->imm, 16) : NULL;
    return s ? (int)(s - L->slot) : -1;
}

/* the slot is tested before the first round, and known from then on */
static bool know_before(struct finder *x, ir_ref r, unsigned lane, unsigned known)
{
    int k = x->before && x->L->ir->insn[r].op == IR_GET ? slot_number(x->L, &x->L->ir->insn[r]) : -1;
    if (k < 0 || x->hopeless[k] || x->before[k].known >= known)
        return false;
    set_leaf(&x->before[k], known, lane);
    x->again = true;
    return true;
}

/* what a loop loads from the same place in each round */
static bool load_before(struct finder *x, ir_ref r, unsigned lane)
{
    const struct ir_insn *in = &x->L->ir->insn[r];
    bool loads = (in->op == IR_VLOADL && in->lane == lane) || (in->op == IR_LOAD && in->type == IR_V128);
    if (!x->before || x->may_leave || !loads || x->L->r->shared || x->L->ir->insn[in->arg[0]].op != IR_CONST || x->L->tested[r])
        return false;
    x->L->tested[r] = (uint8_t)lane;
    x->again = true;
    return true;
}

/* of the value, and of the slots that hold it */
static void tested(struct lower *L, ir_ref r, unsigned lane, unsigned known)
{
    set_leaf(&L->fact[r], known, lane);
    for (unsigned k = 0; k < L->n_slots; k++)
        if (L->slot_ref[k] == r)
            L->slot_fact[k] = L->fact[r];
}

static void test(struct finder *x, const struct ir_insn *in, unsigned k, unsigned lane, unsigned known)
{
    if (!know_before(x, in->arg[k], lane, known) && !load_before(x, in->arg[k], lane))
        x->tests |= 1u << k;
    tested(x->L, in->arg[k], lane, known);
}

static void need_known(struct finder *x, const struct ir_insn *in, unsigned first, unsigned lane)
{
    for (unsigned k = first; k < 2; k++)
        if (!is_known(&x->L->fact[in->arg[k]], lane, level(in)))
            test(x, in, k, lane, level(in));
}

/* --- doubles --- */

static void sum(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    const struct lower_fact *a = &x->L->fact[in->arg[0]], *b = &x->L->fact[in->arg[1]];
    unsigned grain = greater(a->grain, b->grain);
    set(f, grain > 1021 ? 0 : level(in), grain, grain, less(greater(a->high, b->high) + 1, INFINITE));
}

static void product(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    const struct lower_fact *a = &x->L->fact[in->arg[0]], *b = &x->L->fact[in->arg[1]];
    for (unsigned k = 0; k < 2 && a->low + b->low > 1020; k++)
        test(x, in, a->low < b->low, IR_F64, level(in));
    unsigned low = a->low + b->low;
    set(f, level(in), low, less(greater(a->grain + b->grain, low), UNKNOWN_GRAIN), less(a->high + b->high + 1u, INFINITE));
}

static void quotient(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    const struct lower_fact *a = &x->L->fact[in->arg[0]], *b = &x->L->fact[in->arg[1]];
    unsigned low = a->low + less(b->high, MOST_HIGH) + 1u;
    set(f, low > 1021 ? 0 : level(in), low, less(low + 53, UNKNOWN_GRAIN), less(a->high + b->low + 1u, INFINITE));
}

static void extreme(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    const struct lower_fact *a = &x->L->fact[in->arg[0]], *b = &x->L->fact[in->arg[1]];
    set(f, level(in), greater(a->low, b->low), greater(a->grain, b->grain), greater(a->high, b->high));
}

static void root(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    unsigned low = (x->L->fact[in->arg[1]].low + 1u) / 2;
    set(f, level(in), low, low + 53, 512);
}

static void arithmetic(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    need_known(x, in, in->op == IR_VFSQRT, in->lane);
    if (in->lane == IR_F32) {
        if (in->op == IR_VFMIN || in->op == IR_VFMAX || in->op == IR_VFSQRT)
            set_leaf(f, level(in), IR_F32);
        return;
    }
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFHADD: case IR_VFHSUB: sum(x, f, in); break;
    case IR_VFMUL: product(x, f, in); break;
    case IR_VFDIV: quotient(x, f, in); break;
    case IR_VFSQRT: root(x, f, in); break;
    case IR_VFMIN: case IR_VFMAX: extreme(x, f, in); break;
    default: break;
    }
}

/* --- everything else that makes or moves numbers --- */

static void convert(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    unsigned from = in->lane == IR_F64 ? IR_F32 : IR_F64;
    need_known(x, in, 1, from);
    if (in->lane == IR_F64)
        set(f, level(in), 126, 149, 127);
}

static void moved(struct finder *x, struct lower_fact *f, const struct ir_insn *in)
{
    const struct lower_fact *a = &x->L->fact[in->arg[0]], *b = in->arg[1] != IR_NONE ? &x->L->fact[in->arg[1]] : a;
    bool doubles = ir_type_size[in->lane] == 8 && !a->single && !b->single;
    if (in->op == IR_VMERGE && doubles && b->known)
        set(f, KNOWN_LOW, b->low, b->grain, b->high);
    if (in->op == IR_VZIPL && doubles && a->known && b->known)
        set(f, KNOWN_ALL, greater(a->low, b->low), greater(a->grain, b->grain), greater(a->high, b->high));
}

static void of_slot(struct finder *x, struct lower_fact *f, unsigned i, const struct ir_insn *in)
{
    struct lower_slot *s = lower_slot_of(x->L, in->imm, ir_type_size[in->type]);
    unsigned k = s ? (unsigned)(s - x->L->slot) : 0;
    bool all = in->type == IR_V128;
    if (s && in->op == IR_GET && all) {
        *f = x->L->slot_fact[k];
        x->L->slot_ref[k] = (ir_ref)i;
    } else if (s && in->op == IR_PUT) {
        x->L->slot_fact[k] = all ? x->L->fact[in->arg[0]] : (struct lower_fact){ .known = 0 };
        x->L->slot_ref[k] = all ? in->arg[0] : IR_NONE;
    }
}

static void of_operation(struct finder *x, unsigned i, const struct ir_insn *in)
{
    struct lower_fact *f = &x->L->fact[i];
    x->tests = 0;
    *f = (struct lower_fact){ .known = 0 };
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFSQRT: case IR_VFMIN: case IR_VFMAX: case IR_FCMPF: case IR_VFCMP: case IR_VFHADD: case IR_VFHSUB:
        arithmetic(x, f, in);
        break;
    case IR_VCVTFF: convert(x, f, in); break;
    case IR_VCVTGF: case IR_VCVTIF:
        if (in->lane == IR_F64)
            set(f, level(in), 0, 0, 63);
        break;
    case IR_VZERO: set(f, KNOWN_ALL, 0, 0, 0); break;
    case IR_VMERGE: case IR_VZIPL: moved(x, f, in); break;
    case IR_GET: case IR_PUT: of_slot(x, f, i, in); break;
    case IR_LOAD: case IR_VLOADL:
        if (x->L->tested[i])
            set_leaf(f, KNOWN_ALL, x->L->tested[i]);
        break;
    case IR_EXITIF: x->may_leave = true; break;
    default: break;
    }
}

/* --- in a block --- */

static bool goes_on(const struct ir_insn *in) { return in->op == IR_EXIT || in->op == IR_EXITIF || in->op == IR_EXITCALL; }

static void count_way(struct lower *L, uint64_t pc)
{
    int k = lower_number_of(L, pc);
    if (k >= 0 && L->n_ways[k] < 2)
        L->n_ways[k]++;
}

static void count_ways(struct lower *L)
{
    const struct llvm_region *r = L->r;
    for (unsigned k = 0; k < r->n_entries; k++)
        L->n_ways[r->entry[k]] = 2;
    for (unsigned k = 0; k < r->n_blocks; k++) {
        for (unsigned i = 0; i < r->blocks[k].ir->n; i++)
            if (goes_on(&r->blocks[k].ir->insn[i]))
                count_way(L, (uint64_t)r->blocks[k].ir->insn[i].imm);
        for (unsigned g = 0; g < r->blocks[k].n_guesses; g++)
            count_way(L, r->blocks[k].guess[g]);
    }
}

/* What is known at the end of a block is known in one that only this leads to, if that comes later. */
static void hand_on(struct lower *L, const struct ir_insn *in)
{
    int to = goes_on(in) ? lower_number_of(L, (uint64_t)in->imm) : -1;
    if (to < 0 || L->n_ways[to] != 1)
        return;
    memcpy(L->block_fact[to], L->slot_fact, sizeof L->slot_fact);
    L->n_ways[to] = 2;                                             /* should this block be lowered once more, that is another way */
}

void asm_block(struct lower *L)
{
    if (L->current == 0)
        count_ways(L);
    memcpy(L->slot_fact, L->block_fact[L->current], sizeof L->slot_fact);
    memset(L->slot_ref, 0xff, sizeof L->slot_ref);
    memset(L->tested, 0, L->ir->n * sizeof *L->tested);
}

void asm_operands(struct lower *L, unsigned i, const struct ir_insn *in)
{
    struct finder x = { .L = L };
    unsigned lane = in->op != IR_VCVTFF ? in->lane : in->lane == IR_F64 ? IR_F32 : IR_F64;
    of_operation(&x, i, in);
    hand_on(L, in);
    for (unsigned k = 0; k < 2; k++) {
        if (!(x.tests >> k & 1))
            continue;
        if (is_low(in))
            p64_test_low(L, float_low(L, in->arg[k], lane), lane);
        else
            p64_test_all(L, L->v[in->arg[k]], lane);
    }
}

/* --- before a loop --- */

/* Does what the round puts into the slot agree with what is known before? If not, less is known in the next pass. */
static void join(struct finder *x, unsigned k, unsigned pass)
{
    struct lower_fact *f = &x->before[k], *p = &x->L->slot_fact[k];
    if (!f->known || (p->known >= f->known && p->single == f->single && p->low <= f->low && p->grain <= f->grain && p->high <= f->high))
        return;
    x->again = true;
    if (p->known < f->known || p->single != f->single || pass > 6) {
        x->hopeless[k] = true;
        *f = (struct lower_fact){ .known = 0 };
        return;
    }
    f->low = (uint16_t)greater(f->low, p->low);
    f->grain = (uint16_t)greater(f->grain, p->grain);
    f->high = p->high > f->high ? INFINITE : f->high;
}

/* false: no end was found */
static bool find_before(struct lower *L, struct lower_fact *before)
{
    bool hopeless[MAX_SLOTS] = { false };
    struct finder x = { .L = L, .before = before, .hopeless = hopeless, .again = true };
    for (unsigned pass = 0; pass < MOST_PASSES && x.again; pass++) {
        x.again = x.may_leave = false;
        memcpy(L->slot_fact, before, sizeof L->slot_fact);
        memset(L->slot_ref, 0xff, sizeof L->slot_ref);
        for (unsigned i = 0; i < L->ir->n; i++) {
            const struct ir_insn *in = &L->ir->insn[i];
            of_operation(&x, i, in);
            for (unsigned k = 0; k < L->n_slots && loop_goes_back(L->ir, in); k++)
                join(&x, k, pass);
        }
    }
    return !x.again;
}

static void test_load(struct lower *L, const struct ir_insn *in, unsigned lane)
{
    LLVMTypeRef t = in->op == IR_LOAD ? vector_type(L, IR_VOID) : float_type(L, lane);
    LLVMValueRef v = LLVMBuildLoad2(L->b, t, LLVMBuildIntToPtr(L->b, int_const(L, 64, L->ir->insn[in->arg[0]].imm), LLVMPointerTypeInContext(L->c, 0), ""), "");
    LLVMSetAlignment(v, 1);
    (in->op == IR_LOAD ? p64_test_all : p64_test_low)(L, v, lane);
}

void asm_loop(struct lower *L)
{
    struct lower_fact before[MAX_SLOTS] = { 0 };
    if (!find_before(L, before)) {
        memset(before, 0, sizeof before);
        memset(L->tested, 0, L->ir->n * sizeof *L->tested);
    }
    run_look(L, L->run.before);                                    /* an unusual MXCSR */
    for (unsigned k = 0; k < L->n_slots; k++) {
        LLVMValueRef v = before[k].known ? lower_slot_value(L, &L->slot[k]) : NULL;
        unsigned lane = before[k].single ? IR_F32 : IR_F64;
        if (before[k].known == KNOWN_LOW)
            p64_test_low(L, float_element(L, v, lane, 0), lane);
        else if (v)
            p64_test_all(L, v, lane);
    }
    for (unsigned i = 0; i < L->ir->n; i++)
        if (L->tested[i])
            test_load(L, &L->ir->insn[i], L->tested[i]);
    memcpy(L->slot_fact, before, sizeof before);
    memset(L->slot_ref, 0xff, sizeof L->slot_ref);
}
