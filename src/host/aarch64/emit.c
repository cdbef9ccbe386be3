/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit.c: the driver. look.c has looked back over the block; here each instruction is handed to the file that knows it, in order. What no
 * file has code for is done by the interpreter, one instruction at a time.
 */
#include <alloca.h>
#include "host/aarch64/emit.h"

void fail(struct emitter *e, const char *why)
{
    if (!e->error) {
        e->error = -2;
        e->why = why;
    }
}

static void start_insn(struct emitter *e, const struct ir_insn *in)
{
    e->pc = (uint64_t)in->imm;
    e->insn_offset = asm_offset(&e->a);
    e->mapped = false;
    if (e->v[e->i].poll)
        emit_poll(e);
    if (e->v[e->i].run && !e->run)
        start_run(e);
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
    default: break;
    }
    if (ir_op_info[in->op].props & (IR_P_FP | IR_P_X))
        need_map(e);
    if (!emit_state(e, in) && !emit_int(e, in) && !emit_flag_op(e, in) && !emit_mem(e, in) && !emit_exit(e, in) && !emit_vec(e, in) && !emit_lanes(e, in) && !emit_fp(e, in))
        emit_one(e, in);
}

static void emit_all(struct emitter *e)
{
    const struct ir_block *b = e->b;
    for (e->i = 0; e->i < b->n && !e->error; run_step(e), e->i++) {
        struct value *v = &e->v[e->i];
        if (v->done)
            continue;
        if (v->later) {
            v->where = LATER;
            continue;
        }
        if (e->a.end - e->a.p < ASM_MARGIN || e->n_tails >= MAX_TAILS - 4) {
            e->error = -1;
            return;
        }
        e->pins = 0;
        emit_insn(e, &b->insn[e->i]);
    }
}

int a64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why)
{
    if (code->capacity <= ASM_MARGIN)
        return -1;
    struct emitter e = {
        .a = { code->rw, code->rw, code->rw + code->capacity, code->rx }, .env = env, .o = env->offsets, .map = a64_map(env),
        .b = b, .code = code, .owner = NO_INSN,
    };
    e.v = alloca(sizeof *e.v * (b->n + 1));
    e.tails = alloca(sizeof *e.tails * MAX_TAILS);
    e.literals = alloca(sizeof *e.literals * MAX_LITERALS);
    memset(e.head, 0xff, sizeof e.head);
    memset(e.spill_until, 0xff, sizeof e.spill_until);
    memset(e.port_until, 0xff, sizeof e.port_until);
    code->n_exits = code->n_map = 0;
    code->size = 0;
    look_back(&e);
    emit_all(&e);
    if (!e.error)
        emit_tails(&e);
    if (!e.error)
        emit_literals(&e);
    if (!e.error)
        emit_exit_stubs(&e);
    if (e.error) {
        if (why)
            *why = e.why ? e.why : "no room";
        return e.error;
    }
    code->size = asm_offset(&e.a);
    return 0;
}
