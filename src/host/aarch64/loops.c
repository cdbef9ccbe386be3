/* SPDX-License-Identifier: GPL-2.0-or-later
 * loops.c: a block that jumps back to its own beginning, computes in floating point and stores nothing goes round without looking at FPSR. What it
 * changes is saved before the first round, in the state, where the mapped registers' slots lie unused meanwhile; one look follows when the
 * loop is left. If that finds something, or a load faults, everything is as before the first round, and the engine makes the block
 * again without runs (runs.c, HOST_R_RUN). At a poll the state is exact, if FPSR tells nothing yet; else it is that before the first round.
 *
 * The back-edge is a plain branch, which nobody can take away from outside: only while memory is not ordered (one thread).
 */
#include "host/aarch64/emit.h"
#include "host/linear.h"

enum { SAVED_FLAGS = CELL_ARG, SAVED_MASK = CELL_ARG + 24, SAVED_FPSR = CELL_ARG + 32, MOST_CHANGED = 14 };

/* --- which blocks --- */

/* Done inline, whatever its operands are, and again as often as one likes. What this says of an operation with several forms need not be
 * true: leave_loop finds out. */
static bool can_repeat(const struct emitter *e, const struct ir_insn *in)
{
    unsigned tr = traits(in);
    switch (in->op) {
    case IR_PUT: return slot_reg(e, in->imm) != NO_REG;
    case IR_GET: case IR_LOAD: case IR_VLOADL: case IR_INSN: case IR_PUTF: case IR_EXITIF: case IR_EXIT: case IR_PREFETCH: return true;
    case IR_CALL: case IR_DIVU: case IR_DIVS: return false;
    default: return !(tr & (TR_ADDRESS | TR_EXIT)) && (tr & TR_FP || !(ir_op_info[in->op].props & (IR_P_X | IR_P_S)));
    }
}

void find_loop(struct emitter *e)
{
    const struct ir_block *b = e->b;
    struct loop *l = &e->loop;
    unsigned runs = 0, changed = 0;
    *l = (struct loop){ .on = false };
    if (!e->env->runs || e->env->ordered || e->env->heat || !has_floats(e))
        return;
    for (unsigned j = 0; j < b->n; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (!can_repeat(e, in))
            return;
        runs += e->v[j].run != 0;
        if (in->op == IR_PUT && !(l->changed >> slot_reg(e, in->imm) & 1)) {
            l->changed |= 1ull << slot_reg(e, in->imm);
            changed++;
        }
        if (in->op == IR_PUTF)
            l->changed |= 1ull << FL_NZ;
        if ((in->op == IR_EXITIF || in->op == IR_EXIT) && (uint64_t)in->imm == b->guest_pc) {
            l->back = j;
            l->on = runs && changed <= MOST_CHANGED && ir_loop_ends(b);
            return;
        }
    }
}

/* --- addresses that stay aligned --- */

static bool in_registers(const struct emitter *e, const struct host_linear *f)
{
    for (unsigned k = 0; k < f->n; k++)
        if (slot_reg(e, f->slot[k]) >= VEC || e->map->offset[slot_reg(e, f->slot[k])] != f->slot[k])
            return false;
    return true;
}

static void check_before(struct emitter *e, const struct host_linear *f)
{
    struct asm_buf *a = &e->a;
    unsigned low = (unsigned)f->add & 15, n = slot_reg(e, f->slot[0]);
    if (f->shift[0])
        asm_lsl(a, true, T0, n, f->shift[0]), n = T0;
    if (f->n == 2)
        asm_rrs(a, true, A_ADD, T0, n, slot_reg(e, f->slot[1]), LSL, f->shift[1]), n = T0;
    if (low)
        asm_add_imm(a, true, false, false, T0, n, low), n = T0;
    asm_logic_imm(a, true, A_AND, T0, n, 15);
    struct tail *t = &e->tails[e->n_tails++];
    *t = (struct tail){ .kind = TAIL_RUN, .pc = e->b->guest_pc, .n_from = 1 };
    t->from[0] = asm_jump(a, J_CBNZ | T0);
}

static void check_addresses(struct emitter *e)
{
    for (unsigned j = 0; j < e->loop.back && e->n_tails < 16; j++) {
        struct host_linear f;
        if (!host_loop_address(e->b, e->loop.back, j, &f) || !in_registers(e, &f))
            continue;
        if (f.n)
            check_before(e, &f);
        e->v[j].aligned = true;
    }
}

/* --- code --- */

static void each_changed(struct emitter *e, bool load)
{
    uint64_t changed = e->loop.changed;
    for (unsigned r = 0; r < N_REGS; r++)
        if (changed >> r & 1 && r != FL_NZ)
            (load ? load_state : store_state)(e, r >= VEC, r >= VEC ? 4 : 3, r & 31, e->map->offset[r]);
    for (unsigned k = 0; changed >> FL_NZ & 1 && k < 3; k++)
        (load ? load_state : store_state)(e, false, 3, FL_NZ + k, spill_at(e, SAVED_FLAGS + 8 * k));
}

static void add_loop_map(struct emitter *e)
{
    e->pc = e->b->guest_pc;
    add_map(e, asm_offset(&e->a), HOST_MAP_RUN | HOST_MAP_LOOP);
}

void start_loop(struct emitter *e)
{
    if (!e->loop.on)
        return;
    check_addresses(e);
    each_changed(e, false);
    asm_imm(&e->a, T0, e->loop.changed);
    store_state(e, false, 3, T0, spill_at(e, SAVED_MASK));
    asm_put(&e->a, 0xd53b4420 | T0);                                      /* mrs x16, fpsr */
    store_state(e, false, 2, T0, spill_at(e, SAVED_FPSR));
    e->loop.head = e->a.p;
    add_loop_map(e);
}

void loop_poll(struct emitter *e)
{
    uint64_t pc = e->pc;
    add_map(e, asm_offset(&e->a), HOST_MAP_POLL | HOST_MAP_LOOP);
    asm_mem(&e->a, true, false, 2, ZR, POLL, 0);
    add_loop_map(e);
    e->pc = pc;
}

/* something that can't be done in a loop: the block is made once more, without it */
void leave_loop(struct emitter *e)
{
    if (e->loop.on && !e->error)
        e->error = NOT_A_LOOP;
}

void loop_look(struct emitter *e)
{
    if (e->loop.n_from == MOST_LOOP_EXITS) {
        leave_loop(e);
        return;
    }
    asm_put(&e->a, 0xd53b4420 | T0);
    asm_logic_imm(&e->a, false, A_AND, T0, T0, FPSR_LOOK);
    e->loop.from[e->loop.n_from++] = asm_jump(&e->a, J_CBNZ | T0);
}

/* The jump of instruction `back`, J_B or a condition. Behind it the loop is left. */
void back_edge(struct emitter *e, uint32_t branch)
{
    asm_land_at(&e->a, asm_jump(&e->a, branch), e->loop.head);
    if (branch != J_B)
        loop_look(e);
    e->loop.on = false;
    e->mapped = false;
    e->insn_offset = asm_offset(&e->a);
    need_map(e);
}

/* behind the block: all as before the first round */
void emit_loop_restore(struct emitter *e)
{
    struct asm_buf *a = &e->a;
    if (!e->loop.n_from)
        return;
    if (a->end - a->p < ASM_MARGIN) {
        e->error = -1;
        return;
    }
    for (unsigned k = 0; k < e->loop.n_from; k++)
        asm_land(a, e->loop.from[k]);
    each_changed(e, true);
    load_state(e, false, 2, T0, spill_at(e, SAVED_FPSR));
    asm_put(a, 0xd51b4420 | T0);                                          /* msr fpsr, x16 */
    struct tail t = { .kind = TAIL_RUN, .pc = e->b->guest_pc };
    emit_run_tail(e, &t);
}

/* what a64_sync_loop needs of all this */
struct a64_saved a64_saved(const struct host_env *env, const void *state)
{
    const uint8_t *cells = (const uint8_t *)state + env->offsets->spill;
    struct a64_saved s;
    memcpy(s.flags, cells + SAVED_FLAGS, sizeof s.flags);
    memcpy(&s.changed, cells + SAVED_MASK, 8);
    memcpy(&s.fpsr, cells + SAVED_FPSR, 4);
    return s;
}
