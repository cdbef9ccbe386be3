/* SPDX-License-Identifier: GPL-2.0-or-later
 * loops.c: a block that jumps back to its own beginning, computes on doubles and stores nothing goes round without leaving for what is special.
 * What it changes is saved before the first round, in the state, where the mapped registers' slots lie unused meanwhile. One look at FPSCR
 * follows when the loop is left: an invalid operation, a division by zero or a tiny inexact result there, or a load that faults, and everything
 * is as before the first round, and the engine makes the block again without env.runs (host.h, HOST_R_RUN).
 *
 * What FPSCR does not tell is a denormal operand. What facts.c does not know not to be one is multiplied by 2^-822, which POWER's underflow
 * tells for everything but zero and multiples of 2^-252, and which is exact, so leaves no trace, for all else. Registers are looked at
 * once, before the first round.
 *
 * Low elements that go round stay in left form (emit_float.c), in a scratch register of their own, and so do results that only the
 * code behind the loop can see: their PUTs wait. A poll that has to stop goes on behind the back-edge (HOST_MAP_LEAVE), where all this is made
 * good, and out of the block from there.
 *
 * The back-edge is a plain branch, which nobody can take away from outside: only while memory is not ordered (one thread).
 */
#include "host/linear.h"
#include "host/ppc64le/emit.h"

enum { MOST_CHANGED = 14, MOST_CARRIED = 3, MOST_WAITING = 5 };

/* --- which blocks --- */

/* Done again as often as one likes. What this says of an operation with several forms need not be true: leave_loop finds out. */
static bool can_repeat(const struct emitter *e, const struct ir_insn *in)
{
    unsigned props = ir_op_info[in->op].props, reg;
    switch (in->op) {
    case IR_GET: case IR_PUT:
        reg = slot_reg(e, in->imm);
        return reg != NO_REG && (reg < VEC || (in->type == IR_V128 && e->map->offset[reg] == in->imm));
    case IR_LOAD: case IR_VLOADL: case IR_INSN: case IR_PREFETCH: return true;
    case IR_COND: return in->arg[0] != IR_NONE;
    case IR_CALL: return false;
    default: return props & IR_P_FP || !(props & (IR_P_X | IR_P_S | IR_P_T | IR_P_RDF | IR_P_STATE));
    }
}

/* look.c's behind_branches puts it behind the back-edge */
static bool putf_waits(const struct emitter *e, unsigned j, unsigned back)
{
    if (!can_be_lazy(e, insn(e, (ir_ref)j)))
        return false;
    while (++j < back) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (in->op != IR_INSN && in->op != IR_CONST && (in->op != IR_COND || in->arg[0] == IR_NONE))
            return false;
    }
    return true;
}

static bool is_back_edge(const struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    return in->op == IR_EXITIF && (uint64_t)in->imm == e->b->guest_pc && in->mod & IR_EXIT_POLL && !(in->lane & IR_F_ALL) && !is_const(e, in->arg[0], &c);
}

static unsigned find_back_edge(const struct emitter *e)
{
    unsigned back = 0;
    while (back < e->n && insn(e, (ir_ref)back)->op != IR_EXITIF)
        back++;
    if (back == e->n || !is_back_edge(e, insn(e, (ir_ref)back)))
        return 0;
    for (unsigned j = 0; j < back; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (in->op == IR_PUTF ? !putf_waits(e, j, back) : !can_repeat(e, in))
            return 0;
    }
    return back;
}

/* what is changed; a register that is read after it has been changed is none of ours */
static bool find_changed(struct emitter *e)
{
    struct loop *l = &e->loop;
    memset(l->last_put, 0xff, sizeof l->last_put);
    for (unsigned j = 0; j < l->back; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        unsigned reg = in->op == IR_PUT || in->op == IR_GET ? slot_reg(e, in->imm) : NO_REG;
        if (in->op == IR_GET && reg >= VEC && l->changed >> reg & 1)
            return false;
        if (in->op == IR_PUT)
            l->changed |= 1ull << reg;
        if (in->op == IR_PUT && reg >= VEC)
            l->last_put[reg - VEC] = (uint16_t)j;
    }
    return __builtin_popcountll(l->changed) <= MOST_CHANGED;
}

/* --- low elements that stay in left form --- */

static bool is_dead_put(const struct emitter *e, unsigned j)
{
    const struct ir_insn *in = insn(e, (ir_ref)j);
    unsigned k = slot_reg(e, in->imm) - VEC;
    return in->op == IR_PUT && k < 16 && j < e->loop.last_put[k];
}

static bool waits(const struct emitter *e, unsigned j)
{
    const struct ir_insn *in = insn(e, (ir_ref)j);
    unsigned k = slot_reg(e, in->imm) - VEC;
    return in->op == IR_PUT && k < 16 && e->loop.waiting >> k & 1 && j == e->loop.last_put[k];
}

/* nobody but PUTs that wait, or need not be, takes more than the low element of r; somebody takes that */
static bool is_low_only(const struct emitter *e, ir_ref r)
{
    bool used = false;
    for (unsigned j = (unsigned)r + 1; j < e->n; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        for (unsigned k = 0; k < ir_op_info[in->op].n_args; k++) {
            if (in->arg[k] != r || is_dead_put(e, j) || waits(e, j))
                continue;
            if (j >= e->loop.back || !takes_left(e, in, j))
                return false;
            used = true;
        }
    }
    return used || makes_left(e, r);
}

static bool reads_low_only(const struct emitter *e, unsigned k, bool *reads)
{
    for (unsigned j = 0; j < e->loop.back; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (in->op != IR_GET || slot_reg(e, in->imm) != VEC + k)
            continue;
        *reads = true;
        if (!is_low_only(e, (ir_ref)j))
            return false;
    }
    return true;
}

/* a result that has a left form from the beginning */
static bool is_left(const struct emitter *e, ir_ref r)
{
    const struct ir_insn *in = insn(e, r);
    return makes_left(e, r) || (in->op == IR_VLOADL && in->lane == IR_F64 && !(in->aux & IR_MEM_ALIGNED));
}

/* the upper part of r is what it was in guest vector k at the beginning of the round, so it never changes */
static bool keeps_upper(const struct emitter *e, ir_ref r, unsigned k)
{
    while (makes_left(e, r))
        r = insn(e, r)->arg[0];
    return insn(e, r)->op == IR_GET && slot_reg(e, insn(e, r)->imm) == VEC + k;
}

static void keep_left(struct emitter *e)
{
    struct loop *l = &e->loop;
    bool reads;
    for (unsigned k = 0; k < 16; k++) {                               /* those that others are told to wait for come first */
        uint16_t put = l->last_put[k];
        if (put == NO_INSN || !is_left(e, insn(e, put)->arg[0]) || __builtin_popcount(l->waiting) == MOST_WAITING)
            continue;
        l->waiting |= (uint16_t)(1 << k);
        reads = false;
        if (!is_low_only(e, insn(e, put)->arg[0]) || !reads_low_only(e, k, &reads) || (reads && (l->n_carried == MOST_CARRIED || !keeps_upper(e, insn(e, put)->arg[0], k)))) {
            l->waiting &= (uint16_t)~(1 << k);
            continue;
        }
        if (reads)
            l->carried[k] = (uint8_t)(LAST_VSCRATCH - VEC - l->n_carried++);
    }
    for (unsigned k = 0; k < 16 && l->n_carried < MOST_CARRIED; k++) {
        reads = false;
        if (l->last_put[k] == NO_INSN && reads_low_only(e, k, &reads) && reads)
            l->carried[k] = (uint8_t)(LAST_VSCRATCH - VEC - l->n_carried++);
    }
    for (unsigned j = 0; j < l->back; j++)
        if (is_dead_put(e, j))
            e->v[j].done = true;
}

/* before the look back */
void find_loop(struct emitter *e)
{
    struct loop *l = &e->loop;
    bool refused = l->refused;
    memset(l, 0, sizeof *l);
    memset(l->carried, NO_REG, sizeof l->carried);
    l->refused = refused;
    if (refused || !e->env->runs || e->env->ordered || e->env->heat || !(l->back = (uint16_t)find_back_edge(e)) || !find_changed(e) || !ir_loop_ends(e->b))
        return;
    l->on = true;
    l->on = find_loop_facts(e);
    if (l->on)
        keep_left(e);
}

bool waits_for_exit(const struct emitter *e, unsigned j) { return e->loop.on && j < e->loop.back && waits(e, j); }

/* the register of its own for the left form of this GET, or of the result whose PUT comes last; NO_REG: none */
unsigned loop_left(const struct emitter *e, unsigned r)
{
    const struct ir_insn *in = insn(e, (ir_ref)r);
    if (!e->loop.on || !e->loop.n_carried || r >= e->loop.back)
        return NO_REG;
    if (in->op == IR_GET)
        return slot_reg(e, in->imm) - VEC < 16 ? e->loop.carried[slot_reg(e, in->imm) - VEC] : NO_REG;
    for (unsigned k = 0; k < 16; k++)
        if (e->loop.carried[k] != NO_REG && e->loop.last_put[k] != NO_INSN && insn(e, e->loop.last_put[k])->arg[0] == r)
            return e->loop.carried[k];
    return NO_REG;
}

/* the last that takes the low element of a GET whose left form has a register of its own: its upper part is needed longer */
unsigned last_left(const struct emitter *e, unsigned r)
{
    unsigned last = r;
    for (unsigned j = r + 1; j < e->loop.back; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (in->op != IR_PUT && (in->arg[0] == r || (ir_op_info[in->op].n_args > 1 && in->arg[1] == r)))
            last = j;
    }
    return last;
}

/* --- addresses that stay aligned --- */

static bool in_registers(const struct emitter *e, const struct host_linear *f)
{
    for (unsigned k = 0; k < f->n; k++)
        if (slot_reg(e, f->slot[k]) >= VEC || e->map->offset[slot_reg(e, f->slot[k])] != f->slot[k])
            return false;
    return true;
}

static void leave_if(struct emitter *e, enum cold_kind kind, unsigned bo, unsigned bit) { add_cold(e, kind)->from = asm_bc_later(&e->a, bo, bit); }

/* in the mapped registers, before the first round */
static void check_before(struct emitter *e, const struct host_linear *f)
{
    struct asm_buf *a = &e->a;
    unsigned n = slot_reg(e, f->slot[0]);
    if (f->shift[0])
        asm_sldi(a, TEMP2, n, f->shift[0]), n = TEMP2;
    if (f->n == 2) {
        asm_sldi(a, TEMP, slot_reg(e, f->slot[1]), f->shift[1]);
        asm_x(a, P_ADD, TEMP2, n, TEMP), n = TEMP2;
    }
    if (f->add & 15)
        asm_d(a, P_ADDI, TEMP2, n, (int)(f->add & 15)), n = TEMP2;
    asm_li(a, P_ANDI_, TEMP, n, 15);
    leave_if(e, COLD_RUN, BO_FALSE, CR_EQ);
}

static void check_addresses(struct emitter *e)
{
    struct loop *l = &e->loop;
    for (unsigned j = 0; j < l->back && l->n_aligned < MOST_LOOP_ALIGNED; j++) {
        struct host_linear f;
        if (!host_loop_address(e->b, l->back, j, &f) || !in_registers(e, &f))
            continue;
        if (f.n)
            check_before(e, &f);
        l->aligned[l->n_aligned++] = (uint16_t)j;
    }
}

bool is_aligned_in_loop(const struct emitter *e)
{
    for (unsigned k = 0; e->loop.on && k < e->loop.n_aligned; k++)
        if (e->loop.aligned[k] == e->i)
            return true;
    return false;
}

/* --- code --- */

static void each_changed(struct emitter *e, bool load)
{
    for (unsigned r = 0; r < N_LISTS; r++) {
        if (!(e->loop.changed >> r & 1))
            continue;
        if (r >= VEC)
            state_vec(&e->a, e->env, !load, r - VEC, REG_STATE, e->map->offset[r]);
        else
            state_mem(e, (uint32_t)(load ? P_LD : P_STD), r, e->map->offset[r]);
    }
}

static void clear_fpscr(struct asm_buf *a) { asm_u32(a, OPC(63) | 0xff << 17 | VS_ZERO << 11 | 711 << 1); }      /* mtfsf */

static void test_registers(struct emitter *e)
{
    enum { T_DIVDP = (int)XX3(61), T_VDIVDP = (int)XX3(125) };
    leave_if(e, COLD_RUN, BO_FALSE, 4 * F_MODE + CR_EQ);
    for (unsigned k = 0; k < 16; k++) {
        unsigned known = e->loop.before[k].known, v = k;
        if (e->loop.carried[k] != NO_REG)
            asm_xxpermdi(&e->a, v = e->loop.carried[k], k, k, 2);
        else if (known == KNOWN_LOW)
            asm_xxpermdi(&e->a, v = VTEMP, k, k, 2);
        if (!known)
            continue;
        asm_x3(&e->a, (uint32_t)(known == KNOWN_LOW ? T_DIVDP : T_VDIVDP) | CR_TEMP << 23, 0, VEC + v, VS_LEAF);
        leave_if(e, COLD_RUN, BO_TRUE, 4 * CR_TEMP + CR_EQ);
    }
}

void start_loop(struct emitter *e)
{
    struct loop *l = &e->loop;
    if (!l->on)
        return;
    e->pc = e->b->guest_pc;
    test_registers(e);
    check_addresses(e);
    far_jump(&e->a, e->env, e->env->stubs.others[STUB_GATHER], true);
    clear_fpscr(&e->a);
    each_changed(e, false);
    set_imm(&e->a, e->env, TEMP, (int64_t)l->changed);
    state_mem(e, (uint32_t)P_STD, TEMP, spill_at(e, SPILL_LOOP));
    for (unsigned k = 0; k < 16; k++)
        if (l->carried[k] != NO_REG)
            e->reserved |= 1ull << (VEC + l->carried[k]);
    l->head = asm_here(&e->a);
    add_map(e, asm_offset(&e->a), e->b->guest_pc, HOST_MAP_RUN | HOST_MAP_LOOP);
}

/* something that can't be done in a loop: the block is made once more, without it */
void leave_loop(struct emitter *e)
{
    if (e->loop.on && !e->error)
        e->error = NOT_A_LOOP;
}

/* each left form that goes round is where the next round will look for it (emit_float.c's left_dst has seen to that) */
static void check_carried(struct emitter *e)
{
    for (unsigned k = 0; k < 16; k++) {
        const struct value *left = e->loop.last_put[k] != NO_INSN ? &e->v[2 * e->n + insn(e, e->loop.last_put[k])->arg[0]] : NULL;
        if (left && e->loop.carried[k] != NO_REG && (left->where != IN_VEC || left->reg != VEC + e->loop.carried[k]))
            leave_loop(e);
    }
}

static void look(struct emitter *e)
{
    asm_u32(&e->a, 0xfc00048e);                                           /* mffs f0 */
    asm_u32(&e->a, P_MFVSRD | 0 << 21 | TEMP << 16);
    asm_li(&e->a, P_ANDIS_, TEMP, TEMP, 0x2c00);                          /* VX, UX, ZX */
    leave_if(e, COLD_BACK, BO_FALSE, CR_EQ);
}

/* The EXITIF that goes back. Behind it the loop is left, by a poll too, for which the condition holds still. */
void end_loop(struct emitter *e, const struct ir_insn *in)
{
    struct loop *l = &e->loop;
    check_carried(e);
    struct bit bit = cond_bit(e, in->arg[0]);
    if (bit.bit < 8) {                                                    /* the look changes it */
        unsigned cr = alloc_cr(e, e->i);
        asm_mcrf(&e->a, cr, bit.bit / 4);
        bit.bit = (uint8_t)(4 * cr + bit.bit % 4);
    }
    unsigned bo = bit.sense ? BO_TRUE : BO_FALSE;
    uint32_t poll = asm_offset(&e->a);
    asm_d(&e->a, P_LWZ, TEMP, REG_POLL, 0);
    asm_bc(&e->a, bo, bit.bit, l->head);
    add_map(e, poll, e->b->guest_pc + asm_offset(&e->a), HOST_MAP_POLL | HOST_MAP_LEAVE);
    add_map(e, asm_offset(&e->a), e->b->guest_pc, 0);
    look(e);
    l->on = false;
    e->reserved = 0;
    for (unsigned k = 0; k < 16; k++)
        if (l->waiting >> k & 1) {
            e->pins = 0;
            emit_state(e, insn(e, l->last_put[k]));
        }
    struct cold *x = add_cold(e, COLD_EXIT);
    x->from = asm_bc_later(&e->a, bo, bit.bit);
    x->exit_kind = HOST_EXIT_DIRECT;
    x->target = (uint64_t)in->imm;
    x->poll = true;
    e->mapped = false;
}

/* all as before the first round */
void emit_back(struct emitter *e)
{
    struct loop *l = &e->loop;
    if (l->restore) {
        asm_b(&e->a, l->restore, false);
        return;
    }
    l->restore = asm_here(&e->a);
    each_changed(e, true);
    clear_fpscr(&e->a);
    leave_run(e, e->b->guest_pc);
}
