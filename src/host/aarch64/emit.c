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

static bool const_op(struct emitter *e, const struct ir_insn *in) { e->v[e->i].where = IN_CONST; return true; }
static bool insn_op(struct emitter *e, const struct ir_insn *in) { start_insn(e, in); return true; }
static bool putf_op(struct emitter *e, const struct ir_insn *in) { emit_putf(e, in); return true; }
static bool bool_op(struct emitter *e, const struct ir_insn *in) { emit_bool(e); return true; }
static bool call_op(struct emitter *e, const struct ir_insn *in) { emit_call(e, in); return true; }
static bool flag_op(struct emitter *e, const struct ir_insn *in) { return emit_int(e, in) || emit_flag_op(e, in); }
static bool select_op(struct emitter *e, const struct ir_insn *in) { return emit_int(e, in) || emit_vec(e, in); }
static bool other_op(struct emitter *e, const struct ir_insn *in)
{
    return traits(in) & TR_FP ? emit_fp(e, in) : emit_vec(e, in) || emit_lanes(e, in) || emit_crypto(e, in);
}

/* who knows an operation; those that are not here are vectors' */
static bool (*const how[IR_N_OPS])(struct emitter *e, const struct ir_insn *in) = {
    [IR_CONST] = const_op, [IR_INSN] = insn_op, [IR_PUTF] = putf_op, [IR_CMP] = bool_op, [IR_COND] = bool_op, [IR_CALL] = call_op,
    [IR_GET] = emit_state, [IR_PUT] = emit_state,
    [IR_ADD] = emit_int, [IR_SUB] = emit_int, [IR_MUL] = emit_int, [IR_AND] = emit_int, [IR_OR] = emit_int, [IR_XOR] = emit_int, [IR_NOT] = emit_int,
    [IR_NEG] = emit_int, [IR_SHL] = emit_int, [IR_SHR] = emit_int, [IR_SAR] = emit_int, [IR_ROL] = emit_int, [IR_ROR] = emit_int, [IR_BSWAP] = emit_int,
    [IR_CLZ] = emit_int, [IR_CTZ] = emit_int, [IR_POPCNT] = emit_int, [IR_PEXT] = emit_int, [IR_PDEP] = emit_int, [IR_CRC32C] = emit_int,
    [IR_LEA] = emit_int, [IR_ZEXT] = emit_int, [IR_SEXT] = emit_int, [IR_TRUNC] = emit_int, [IR_PAIR] = emit_int, [IR_SECOND] = emit_int,
    [IR_DIVU] = emit_int, [IR_DIVS] = emit_int, [IR_SELECT] = select_op,
    [IR_ADDF] = flag_op, [IR_SUBF] = flag_op, [IR_ADCF] = flag_op, [IR_SBBF] = flag_op, [IR_ANDF] = flag_op, [IR_ORF] = flag_op, [IR_XORF] = flag_op,
    [IR_NEGF] = flag_op, [IR_INCF] = flag_op, [IR_DECF] = flag_op, [IR_SHLF] = flag_op, [IR_SHRF] = flag_op, [IR_SARF] = flag_op, [IR_ROLF] = flag_op,
    [IR_RORF] = flag_op, [IR_RCLF] = flag_op, [IR_RCRF] = flag_op, [IR_SHLDF] = flag_op, [IR_SHRDF] = flag_op, [IR_UMULF] = flag_op, [IR_SMULF] = flag_op,
    [IR_BTF] = flag_op, [IR_MKF] = flag_op, [IR_VTESTF] = flag_op, [IR_GETF] = flag_op,
    [IR_LOAD] = emit_mem, [IR_STORE] = emit_mem, [IR_VLOADL] = emit_mem, [IR_VSTOREL] = emit_mem, [IR_AADD] = emit_mem, [IR_AAND] = emit_mem,
    [IR_AOR] = emit_mem, [IR_AXOR] = emit_mem, [IR_AXCHG] = emit_mem, [IR_CAS] = emit_mem, [IR_FENCE] = emit_mem,
    [IR_EXIT] = emit_exit, [IR_EXITIF] = emit_exit, [IR_EXITIND] = emit_exit, [IR_EXITCALL] = emit_exit, [IR_EXITCALLI] = emit_exit,
    [IR_EXITRET] = emit_exit, [IR_TRAP] = emit_exit,
};

static void emit_insn(struct emitter *e, const struct ir_insn *in)
{
    if (traits(in) & TR_MAP && in->op != IR_CALL)
        need_map(e);
    if (!(how[in->op] ? how[in->op] : other_op)(e, in)) {
        e->code->n_interpreted++;
        emit_one(e, in);
    }
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

/* --- counting for tier 2 (H6); at a block's start x15..x17 and NZCV are free --- */

/* the jump to be taken when the counter ran out, or NULL */
static uint8_t *count_entry(struct emitter *e)
{
    int64_t at = e->o->heat + 4 * host_heat_index(e->b->guest_pc);
    if (!counts_entries(e))
        return NULL;
    asm_mem(&e->a, true, false, 2, T0, STATE, at);
    asm_add_imm(&e->a, false, true, true, T0, T0, 1);
    asm_mem(&e->a, false, false, 2, T0, STATE, at);
    return asm_jump(&e->a, J_COND | C_MI);
}

static void emit_hot(struct emitter *e, uint8_t *jump)
{
    if (!jump)
        return;
    asm_land(&e->a, jump);
    asm_imm(&e->a, T1, e->b->guest_pc);
    asm_imm(&e->a, T0, HOST_R_HOT);
    jump_stub(e, STUB_EXIT_TRAP);
}

static void emit_block(struct emitter *e, bool may_loop)
{
    e->a.p = e->a.start;
    e->n_tails = e->n_literals = 0;
    e->error = 0;
    e->run = 0;
    e->kept = 0;
    e->owner = NO_INSN;
    memset(e->head, 0xff, sizeof e->head);
    memset(e->spill_until, 0xff, sizeof e->spill_until);
    memset(e->port_until, 0xff, sizeof e->port_until);
    e->code->n_exits = e->code->n_map = e->code->n_interpreted = 0;
    e->code->size = 0;
    look_back(e);
    uint8_t *hot = count_entry(e);
    e->loop.on = false;
    e->loop.n_from = 0;
    if (may_loop) {
        find_loop(e);
        start_loop(e);
    }
    emit_all(e);
    if (!e->error)
        emit_hot(e, hot);
    if (!e->error)
        emit_tails(e);
    if (!e->error)
        emit_loop_restore(e);
    if (!e->error)
        emit_literals(e);
    if (!e->error)
        emit_exit_stubs(e);
}

int a64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why)
{
    if (code->capacity <= ASM_MARGIN)
        return -1;
    struct emitter e = {
        .a = { code->rw, code->rw, code->rw + code->capacity, code->rx }, .env = env, .o = env->offsets, .map = a64_map(env),
        .b = b, .code = code,
    };
    e.v = alloca(sizeof *e.v * (b->n + 1));
    e.tails = alloca(sizeof *e.tails * MAX_TAILS);
    e.literals = alloca(sizeof *e.literals * MAX_LITERALS);
    emit_block(&e, true);
    if (e.error == NOT_A_LOOP)
        emit_block(&e, false);
    if (e.error) {
        if (why)
            *why = e.why ? e.why : "no room";
        return e.error;
    }
    code->size = asm_offset(&e.a);
    return 0;
}
