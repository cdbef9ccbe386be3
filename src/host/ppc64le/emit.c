/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit.c: the driver. look.c has looked back over the block; here each instruction is handed to the file that knows it, in order. Whatever
 * has no code here is one call of the interpreter for that instruction (emit_one).
 */
#include <alloca.h>
#include "host/ppc64le/emit.h"

void fail(struct emitter *e, const char *why)
{
    if (!e->error) {
        e->error = -2;
        e->why = why;
    }
}

/* a CMP or COND that can't wait */
static void emit_bool(struct emitter *e)
{
    unsigned dst = alloc_gpr(e);
    e->v[e->i].where = LATER;
    bool_of(e, (ir_ref)e->i, dst);
    e->v[e->i].where = NOWHERE;
    result(e, dst, ZX);
}

static void start_insn(struct emitter *e, const struct ir_insn *in)
{
    e->pc = (uint64_t)in->imm;
    e->insn_offset = asm_offset(&e->a);
    e->mapped = false;
}

static void emit_insn(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_CONST:
        e->v[e->i].where = IN_CONST;
        return;
    case IR_INSN: start_insn(e, in); return;
    case IR_PUTF: emit_putf(e, in); return;
    case IR_CMP: case IR_COND: emit_bool(e); return;
    case IR_CALL: emit_call(e, in); return;
    case IR_SECOND: return;                     /* its operation has made it */
    default: break;
    }
    if (!emit_state(e, in) && !emit_int(e, in) && !emit_flag_op(e, in) && !emit_shift(e, in) && !emit_mem(e, in) && !emit_atomic(e, in) && !emit_vec(e, in) && !emit_float(e, in) && !emit_exit(e, in)) {
        e->code->n_interpreted++;
        emit_one(e, in);
    }
}

static void emit_all(struct emitter *e)
{
    unsigned n = e->n;
    struct value *v = e->v;
    for (unsigned i = 0; i < n && !e->error; i++, v++) {
        if (v->done)
            continue;
        e->i = i;
        if (v->later) {
            v->where = LATER;
            continue;
        }
        if ((size_t)(e->a.end - e->a.p) < ASM_MARGIN || asm_offset(&e->a) > 0x5000) {     /* conditional branches reach 32 KiB */
            e->error = -1;
            return;
        }
        e->pins = e->reserved;
        uint8_t *before = e->a.p;
        emit_insn(e, &e->b->insn[i]);
        if (v->sunk) {
            e->pins = 0;
            emit_putf(e, insn(e, v->sunk));
        }
        if (e->a.p != before && e->a.p[-4] != (uint8_t)P_LWSYNC)
            e->fenced = false;
    }
}

/* --- counting for tier 2 (H6); at a block's start r3, r12 and CR0 are free --- */

static void count_entry(struct emitter *e)
{
    struct asm_buf *a = &e->a;
    int32_t at = (int32_t)(e->o->heat + 4 * host_heat_index(e->b->guest_pc)), base = (at + 0x8000) >> 16;
    unsigned reg = base ? TEMP2 : REG_STATE;
    if (!counts_entries(e))
        return;
    if (base)
        asm_d(a, P_ADDIS, TEMP2, REG_STATE, base);
    asm_d(a, P_LWZ, R3, reg, (int16_t)at);
    asm_d(a, P_ADDI, R3, R3, -1);
    asm_d(a, P_STW, R3, reg, (int16_t)at);
    asm_cmpi(a, 0, false, true, R3, 0);
    add_cold(e, COLD_HOT)->from = asm_bc_later(a, BO_TRUE, CR_LT);
}

/* once; leaves its outcome in e->error */
static void emit_block(struct emitter *e)
{
    e->n_cold = e->n_literals = 0;
    e->error = 0;
    e->reserved = 0;
    e->scaled_in = NO_REG;
    e->lazy = NULL;
    e->flags_ready = e->fenced = e->mapped = false;
    memset(e->head, 0xff, sizeof e->head);
    memset(e->spill_until, 0xff, sizeof e->spill_until);
    memset(e->cr_owner, 0xff, sizeof e->cr_owner);
    e->code->n_exits = e->code->n_map = e->code->n_interpreted = 0;
    e->code->size = 0;
    look_back(e);
    e->i = 0;
    count_entry(e);
    start_loop(e);
    emit_all(e);
    if (!e->error)
        emit_cold(e);
    if (!e->error)
        emit_literals(e);
}

int p64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why)
{
    if (code->capacity <= ASM_MARGIN)
        return -1;
    struct emitter e = { .a = { code->rw, code->rw, code->rw + code->capacity, code->rx }, .env = env, .o = env->offsets, .map = p64_map(env), .b = b, .code = code, .n = b->n };
    e.v = alloca(3 * sizeof *e.v * (b->n + 1));
    e.cold = alloca(MAX_COLD * sizeof *e.cold);
    e.literals = alloca(MAX_LITERALS * sizeof *e.literals);
    struct fact *facts = e.facts = env->runs ? alloca(e.n * sizeof *e.facts) : NULL;
    struct asm_buf start = e.a;
    emit_block(&e);
    if (e.error && e.loop.back) {            /* whatever it is, without the loop it may not be */
        e.a = start;
        e.facts = facts;
        e.loop.refused = true;
        emit_block(&e);
    }
    if (e.error) {
        if (why)
            *why = e.why ? e.why : "no room";
        return e.error;
    }
    code->size = asm_offset(&e.a);
    return 0;
}
