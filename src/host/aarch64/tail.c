/* SPDX-License-Identifier: GPL-2.0-or-later
 * tail.c: code behind the block: the far halves of conditional exits, and single instructions that the interpreter does, because the emitter has
 * no code for them or because an operand asks for it (a misaligned atomic, a division that may fault, a denormal).
 */
#include "host/aarch64/emit.h"
#include "ir/interp.h"

static void one_arguments(struct emitter *e, const struct tail *t, const struct ir_insn *in, bool inline_form)
{
    for (unsigned k = 0; k < 4; k++) {
        int32_t at = spill_at(e, CELL_ARG + 16 * k);
        if (in->arg[k] == IR_NONE)
            continue;
        const struct ir_insn *arg = insn(e, in->arg[k]);
        unsigned reg = t->reg[k];
        if (!is_gpr_type(arg->type)) {
            store_state(e, true, 4, reg - VEC, at);
            continue;
        }
        if (reg == NO_REG) {
            asm_imm(&e->a, T0, const_bits(arg));
            reg = T0;
        } else if (k == 0 && t->add) {
            asm_imm(&e->a, T0, (uint64_t)(int64_t)t->add);
            asm_rrr(&e->a, true, A_ADD, T0, reg, T0);
            reg = T0;
        } else if (type_bits(arg->type) < 64) {
            asm_ubfx(&e->a, true, T0, reg, 0, type_bits(arg->type));
            reg = T0;
        }
        store_state(e, false, 3, reg, at);
    }
}

/* registers of the operands as they are now */
static void note_operands(struct emitter *e, struct tail *t, const struct ir_insn *in, bool fetch)
{
    for (unsigned k = 0; k < 4; k++) {
        t->reg[k] = NO_REG;
        if (in->arg[k] == IR_NONE)
            continue;
        const struct value *v = &e->v[in->arg[k]];
        bool gpr = is_gpr_type(insn(e, in->arg[k])->type);
        if (v->where == IN_CONST && gpr)
            continue;
        if (fetch)
            t->reg[k] = (uint8_t)(gpr ? gpr_of(e, in->arg[k]) : VEC + vec_of(e, in->arg[k]));
        else if (v->where == IN_REG)
            t->reg[k] = v->reg;
    }
}

struct tail *tail_one(struct emitter *e)
{
    if (e->run) {                                        /* the run's end looks for all */
        e->ignored = (struct tail){ .result = NO_REG, .second = NO_REG };
        return &e->ignored;
    }
    leave_loop(e);
    struct tail *t = &e->tails[e->n_tails++];
    *t = (struct tail){ .kind = TAIL_ONE, .i = (uint16_t)e->i, .result = NO_REG, .second = NO_REG, .pc = e->pc };
    note_operands(e, t, insn(e, (ir_ref)e->i), false);
    return t;
}

static void call_one(struct emitter *e, struct tail *t)
{
    t->adr = asm_jump(&e->a, 0x10000000 | T0);
    call_stub(e, STUB_ONE);
}

/* NZCV of fcmp: less N, equal Z C, greater C, unordered C V; from the packed word's Z P C */
static void fcmp_flags(struct emitter *e)
{
    struct asm_buf *a = &e->a;
    load_state(e, false, 2, T0, spill_at(e, CELL_PORT));
    asm_ubfx(a, false, T2, T0, 14, 1);
    asm_ubfx(a, false, T1, T0, 8, 1);
    asm_ubfx(a, false, T0, T0, 10, 1);
    asm_rrr(a, false, A_BIC, LR, T1, T2);
    asm_lsl(a, false, LR, LR, 31);
    asm_rrr(a, false, A_ORN, T1, T2, T1);
    asm_bfi(a, false, LR, T1, 29, 1);
    asm_bfi(a, false, LR, T0, 28, 1);
    asm_rrr(a, false, A_BIC, T2, T2, T0);
    asm_bfi(a, false, LR, T2, 30, 1);
    asm_put(a, 0xd51b4200 | LR);
}

static void load_results(struct emitter *e, const struct tail *t)
{
    if (t->result != NO_REG && t->result < VEC && t->result != ZR)
        load_state(e, false, 3, t->result, spill_at(e, CELL_RESULT));
    else if (t->result >= VEC && t->result < N_REGS)
        load_state(e, true, 4, t->result - VEC, spill_at(e, CELL_RESULT));
    if (t->second != NO_REG)
        load_state(e, false, 3, t->second, spill_at(e, CELL_RESULT + 8));
}

/* an operation that is its own only form: done where it stands; the tail has just its descriptor */
void emit_one(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    bool flags = ir_op_info[in->op].props & IR_P_FL;
    leave_loop(e);
    struct tail *t = &e->tails[e->n_tails++];
    *t = (struct tail){ .kind = TAIL_ONE, .i = (uint16_t)e->i, .result = NO_REG, .second = NO_REG, .pc = e->pc };
    note_operands(e, t, in, true);
    clobber(e);
    one_arguments(e, t, in, true);
    call_one(e, t);
    if (v->second != NO_INSN && e->v[v->second].uses) {
        t->second = (uint8_t)alloc_gpr(e);
        settle(e, v->second, t->second, true);
        e->v[v->second].done = true;
    }
    if (v->uses && in->type != IR_VOID && !(ir_op_info[in->op].sig[0] == '-')) {
        bool gpr = is_gpr_type(in->type);
        t->result = (uint8_t)(gpr ? dst_gpr(e) : VEC + dst_vec(e));
        settle(e, (ir_ref)e->i, t->result, true);
    }
    load_results(e, t);
    if (flags && (in->live || v->early != NO_INSN)) {
        load_state(e, false, 2, T1, spill_at(e, CELL_PORT));
        port_packed(e, T1);
        if (v->early != NO_INSN) {
            emit_putf(e, insn(e, v->early));
            e->v[v->early].done = true;
        }
    }
    t->back = NULL;
}

static void descriptor(struct emitter *e, const struct tail *t)
{
    struct a64_one one = { .pc = t->pc, .in = *insn(e, t->i) };
    if (asm_here(&e->a) & 7)
        asm_put(&e->a, 0);
    asm_land(&e->a, t->adr);
    for (unsigned k = 0; k < 4; k++)
        one.type[k] = one.in.arg[k] == IR_NONE ? IR_VOID : insn(e, one.in.arg[k])->type;
    memcpy(e->a.p, &one, sizeof one);
    e->a.p += sizeof one;
}

static void put_back_fpsr(struct emitter *e, const struct tail *t)
{
    if (t->fpsr)
        asm_put(&e->a, 0xd51b4420 | t->fpsr);                                 /* msr */
}

/* leaves to the engine, which makes the block without runs */
void emit_run_tail(struct emitter *e, const struct tail *t)
{
    put_back_fpsr(e, t);
    uint8_t *adr = asm_jump(&e->a, 0x10000000 | T0);
    jump_stub(e, STUB_EXIT_RUN);
    if (asm_here(&e->a) & 7)
        asm_put(&e->a, 0);
    asm_land(&e->a, adr);
    memcpy(e->a.p, &t->pc, 8);
    memcpy(e->a.p + 8, &e->b->guest_pc, 8);
    e->a.p += 16;
}

static void emit_tail(struct emitter *e, struct tail *t)
{
    for (unsigned k = 0; k < t->n_from; k++)
        asm_land(&e->a, t->from[k]);
    if (t->kind == TAIL_EXIT) {
        add_exit(e, HOST_EXIT_DIRECT, t->target);
        asm_put(&e->a, J_B);
        uint32_t words = (uint32_t)(e->a.p - 4 - t->from[0]) / 4;
        asm_put(&e->a, words < 1 << 16 ? words : 0);
    } else if (t->kind == TAIL_LOOP_EXIT) {
        loop_look(e);
        add_exit(e, HOST_EXIT_DIRECT, t->target);
        asm_put(&e->a, J_B);
        asm_put(&e->a, NOP);                             /* no number behind it (a64_link) */
    } else if (t->kind == TAIL_RUN) {
        emit_run_tail(e, t);
    } else if (t->kind == TAIL_STUB) {
        jump_stub(e, (unsigned)t->target);
    } else if (t->back && t->n_from) {
        put_back_fpsr(e, t);
        one_arguments(e, t, insn(e, t->i), false);
        call_one(e, t);
        load_results(e, t);
        if (t->fcmp)
            fcmp_flags(e);
        asm_land_at(&e->a, asm_jump(&e->a, J_B), t->back);
        descriptor(e, t);
    } else if (!t->back)
        descriptor(e, t);
}

void emit_tails(struct emitter *e)
{
    if (e->n_tails && e->tails[0].kind == TAIL_ONE)
        asm_put(&e->a, NOP);                             /* a descriptor here would look like a conditional exit's distance (a64_link) */
    for (unsigned k = 0; k < e->n_tails && !e->error; k++) {
        if (e->a.end - e->a.p < ASM_MARGIN) {
            e->error = -1;
            return;
        }
        emit_tail(e, &e->tails[k]);
    }
}

void load_constant(struct emitter *e, unsigned d, uint64_t v)
{
    uint8_t *start = e->a.p;
    asm_imm(&e->a, d, v);
    if (e->a.p - start <= 8 || e->n_literals == MAX_LITERALS)
        return;
    e->a.p = start;
    e->literals[e->n_literals++] = (struct literal){ asm_jump(&e->a, LDR_LITERAL | d), v };
}

void emit_literals(struct emitter *e)
{
    if (!e->n_literals)
        return;
    if (e->a.end - e->a.p < ASM_MARGIN) {
        e->error = -1;
        return;
    }
    asm_put(&e->a, NOP);                                 /* no number directly behind a `b` (a64_link) */
    if (asm_here(&e->a) & 7)
        asm_put(&e->a, NOP);
    for (unsigned k = 0; k < e->n_literals; k++) {
        struct literal *l = &e->literals[k];
        unsigned same = 0;
        while (e->literals[same].value != l->value)
            same++;
        if (same < k) {
            asm_land_at(&e->a, l->load, (uint8_t *)e->literals[same].load);
            continue;
        }
        asm_land(&e->a, l->load);
        l->load = e->a.p;                                /* from now on where the number is */
        memcpy(e->a.p, &l->value, 8);
        e->a.p += 8;
    }
}

/* STUB_ONE comes here; the state in memory is exact but for pc */
void a64_run_one(void *state, const struct a64_one *one, const struct host_offsets *o)
{
    struct ir_interp_env env = { .pc_offset = o->pc, .flags_offset = o->flags, .fpcr_offset = o->fpcr };
    uint8_t *cells = (uint8_t *)state + o->spill;
    const void *args[4] = { cells + CELL_ARG, cells + CELL_ARG + 16, cells + CELL_ARG + 32, cells + CELL_ARG + 48 };
    memcpy((uint8_t *)state + o->pc, &one->pc, 8);
    uint32_t port = ir_interp_one(&one->in, one->type, args, cells + CELL_RESULT, state, &env);
    memcpy(cells + CELL_PORT, &port, 4);
}
