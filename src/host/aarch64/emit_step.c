/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_step.c: accesses that also move their base register, as the host's pre- and post-indexed forms do: pushes, pops, walks through memory.
 * A form that faults leaves its base alone, so the state is exact; from the access to the guest instruction that moves the register, nothing
 * may look at it.
 */
#include "host/aarch64/emit.h"

static bool fits(int64_t by) { return by >= -256 && by < 256; }

/* in adds a constant to r */
static bool moves(const struct emitter *e, const struct ir_insn *in, ir_ref r, int64_t *by)
{
    if (in->arg[0] != r || in->type != IR_I64 || in->live)
        return false;
    switch (in->op) {
    case IR_LEA: *by = in->imm; return in->arg[1] == IR_NONE;
    case IR_INCF: *by = 1; return true;
    case IR_DECF: *by = -1; return true;
    case IR_ADD: case IR_ADDF: return is_const(e, in->arg[1], by);
    case IR_SUB: case IR_SUBF:
        if (!is_const(e, in->arg[1], by) || !fits(*by))
            return false;
        *by = -*by;
        return true;
    default: return false;
    }
}

static bool plain_int(unsigned t) { return is_gpr_type(t); }

/* harmless between the access and the move: neither reads register n nor shows the state */
static bool passes(const struct emitter *e, unsigned j, const struct ir_insn *in, ir_ref r, unsigned n)
{
    for (unsigned k = 0; k < 4; k++)
        if (in->arg[k] == r)
            return false;
    switch (in->op) {
    case IR_CONST: return true;
    case IR_INSN: return !e->v[j].poll && !e->v[j].run;
    case IR_ZEXT: case IR_SEXT: case IR_TRUNC: return plain_int(in->type) && plain_int(insn(e, in->arg[0])->type);
    case IR_PUT: {
        unsigned reg = slot_reg(e, in->imm);
        return reg < VEC && reg != n;
    }
    default: return false;
    }
}

/* The current instruction accesses memory at r, which is in n: the instruction below that moves n, or 0 */
unsigned find_step(const struct emitter *e, ir_ref r, unsigned n, int64_t *by)
{
    enum { FAR = 12 };
    if (n >= VEC || e->map->offset[n] < 0 || e->run || e->env->exact_addresses || !sole_value(e, n, r))
        return 0;
    for (unsigned j = e->i + 1; j < e->b->n && j < e->i + FAR; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        const struct value *v = &e->v[j];
        if (moves(e, in, r, by))
            return v->hint == n && !v->done && !v->later && e->v[r].last == j && fits(*by) ? j : 0;
        if (!passes(e, j, in, r, n))
            return 0;
    }
    return 0;
}

/* it has been done with the access */
void finish_step(struct emitter *e, unsigned step, unsigned n)
{
    settle(e, (ir_ref)step, n, true);
    e->v[step].done = true;
}

/* A store at LEA's address, which is PUT to LEA's own base behind it (look.c, `push`): with register t. False: not so after all. */
bool store_step(struct emitter *e, const struct ir_insn *in, bool vec, unsigned log2, unsigned t)
{
    ir_ref r = in->arg[0];
    const struct ir_insn *lea = insn(e, r);
    if (e->v[r].where != LATER || e->v[r].push != e->i)
        return false;
    unsigned n = gpr_of(e, lea->arg[0]);
    bool fused = !e->env->exact_addresses && e->map->offset[n] == insn(e, (ir_ref)(e->i + 1))->imm && (vec || t != n) && !live(e, lea->arg[0]) &&
                 sole_value(e, n, lea->arg[0]);
    if (!fused) {
        gpr_of(e, r);
        return false;
    }
    asm_mem_step(&e->a, false, vec, log2, t, n, lea->imm, true);
    settle(e, r, n, true);
    return true;
}
