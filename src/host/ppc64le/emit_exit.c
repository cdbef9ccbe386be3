/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_exit.c: how a block is left, calls of helpers, and operations that the interpreter does. Guest calls push the address of their landing
 * place on the return stack and branch with bl; returns pop it and leave by blr, so that the processor's link stack predicts them.
 */
#include "host/ppc64le/emit.h"
#include "ir/helpers.h"

struct cold *add_cold(struct emitter *e, enum cold_kind kind)
{
    if (e->n_cold == MAX_COLD) {
        if (!e->error)
            e->error = -1;
        e->n_cold = 0;
    }
    if (kind == COLD_ONE || kind == COLD_FLAGS || kind == COLD_COND)
        leave_loop(e);
    struct cold *c = &e->cold[e->n_cold++];
    *c = (struct cold){ .kind = (uint8_t)kind, .insn = (uint16_t)e->i, .pc = e->pc, .arg_reg = { NO_REG, NO_REG, NO_REG }, .result = NO_REG, .second = NO_REG, .word = NO_REG, .left = NO_REG, .cr = NO_REG };
    return c;
}

/* --- patchable exits --- */

static void exit_here(struct emitter *e, enum host_exit_kind kind, uint64_t target)
{
    struct host_code *c = e->code;
    struct asm_buf *a = &e->a;
    if (c->n_exits == HOST_MAX_EXITS) {
        e->error = -1;
        return;
    }
    uint64_t patch = asm_here(a), slot = exit_slot(patch), way = e->env->stubs.others[kind == HOST_EXIT_INDIRECT ? STUB_EXIT_INDIRECT : STUB_EXIT_LINK];
    c->exits[c->n_exits++] = (struct host_exit){ .patch = asm_offset(a), .stub = asm_offset(a) + EXIT_STUB, .target = target, .kind = (uint8_t)kind };
    int64_t d = (int64_t)(slot - e->env->stubs.others[STUB_BASE]);
    asm_b(a, patch + EXIT_STUB, false);
    asm_d(a, P_ADDIS, R12, REG_BASE, (int32_t)((d + 0x8000) >> 16));
    asm_d(a, P_ADDI, R12, R12, (int16_t)d);
    asm_d(a, (uint32_t)P_LD, R0, R12, 0);
    asm_r(a, P_MTCTR, R0);
    asm_u32(a, P_BCTR);
    if (asm_here(a) != slot)
        asm_u32(a, 0);
    asm_u64(a, way);
    asm_u64(a, target);
    asm_u64(a, patch);
    asm_u64(a, way);
}

static void direct_exit(struct emitter *e, const struct ir_insn *in)
{
    if (in->mod & IR_EXIT_POLL)
        poll_here(e, (uint64_t)in->imm);
    exit_here(e, HOST_EXIT_DIRECT, (uint64_t)in->imm);
}

static void exit_if(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    if (is_const(e, in->arg[0], &c) && !(c & 1))
        return;
    struct bit bit = cond_bit(e, in->arg[0]);
    struct cold *x = add_cold(e, COLD_EXIT);
    x->from = asm_bc_later(&e->a, bit.sense ? BO_TRUE : BO_FALSE, bit.bit);
    x->exit_kind = HOST_EXIT_DIRECT;
    x->target = (uint64_t)in->imm;
    x->poll = in->mod & IR_EXIT_POLL;
}

/* --- calls and returns of the guest --- */

static void target_in_register(struct emitter *e, ir_ref r)
{
    int64_t c;
    if (is_const(e, r, &c))
        set_imm(&e->a, e->env, REG_TARGET, c);
    else
        asm_mr(&e->a, REG_TARGET, gpr_of(e, r));
}

static void indirect_poll(struct emitter *e)
{
    state_mem(e, (uint32_t)P_STD, REG_TARGET, (int32_t)e->o->pc);
    poll_here(e, HOST_MAP_PC_IN_STATE);
}

static void call_exit(struct emitter *e, enum host_exit_kind kind, uint64_t target, ir_ref to)
{
    struct asm_buf *a = &e->a;
    int64_t pc = 0;
    if (!e->env->return_stack) {
        exit_here(e, kind, target);
        return;
    }
    if (!is_const(e, to, &pc))
        fail(e, "call without constant return address");
    int64_t landing = (int64_t)(asm_here(a) + 16 - e->env->stubs.others[STUB_BASE]);
    asm_d(a, P_ADDIS, R12, REG_BASE, (int32_t)((landing + 0x8000) >> 16));
    asm_d(a, P_ADDI, R12, R12, (int16_t)landing);
    asm_d(a, (uint32_t)P_STDU, R12, REG_RETURN, -8);
    struct cold *x = add_cold(e, COLD_EXIT);
    x->from = a->p;
    asm_u32(a, OPC(18) | 1);
    x->exit_kind = (uint8_t)kind;
    x->target = target;
    set_imm(a, e->env, R12, pc);                       /* is it what the caller pushed? */
    asm_cmp(a, 0, true, false, REG_TARGET, R12);
    add_cold(e, COLD_MISMATCH)->from = asm_bc_later(a, BO_FALSE, CR_EQ);
    exit_here(e, HOST_EXIT_LANDING, (uint64_t)pc);
}

static void return_exit(struct emitter *e)
{
    struct asm_buf *a = &e->a;
    if (!e->env->return_stack) {
        far_jump(a, e->env, e->env->stubs.lookup, false);
        return;
    }
    asm_d(a, (uint32_t)P_LD, R0, REG_RETURN, 0);
    asm_d(a, P_ADDI, REG_RETURN, REG_RETURN, 8);
    asm_r(a, P_MTLR, R0);
    asm_u32(a, P_BLR);
}

bool emit_exit(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_EXIT: direct_exit(e, in); break;
    case IR_EXITIF: e->loop.on && e->i == e->loop.back ? end_loop(e, in) : exit_if(e, in); break;
    case IR_EXITIND:
        target_in_register(e, in->arg[0]);
        indirect_poll(e);
        exit_here(e, HOST_EXIT_INDIRECT, 0);
        break;
    case IR_EXITCALL: call_exit(e, HOST_EXIT_CALL, (uint64_t)in->imm, in->arg[0]); break;
    case IR_EXITCALLI:
        target_in_register(e, in->arg[0]);
        indirect_poll(e);
        call_exit(e, HOST_EXIT_INDIRECT, 0, in->arg[1]);
        break;
    case IR_EXITRET:
        target_in_register(e, in->arg[0]);
        return_exit(e);
        break;
    case IR_TRAP:
        set_imm(&e->a, e->env, REG_TARGET, in->imm);
        asm_d(&e->a, P_ADDI, R3, 0, HOST_R_TRAP + in->aux);
        far_jump(&e->a, e->env, e->env->stubs.others[STUB_EXIT_TRAP], false);
        break;
    default: return false;
    }
    return true;
}

/* --- helpers --- */

void emit_call(struct emitter *e, const struct ir_insn *in)
{
    if ((uint64_t)in->imm >= ir_n_helpers) {
        fail(e, "helper");
        return;
    }
    const struct ir_helper *h = &ir_helpers[in->imm];
    bool is_pure = h->effects & IR_H_PURE;
    for (unsigned k = 0; k < 4; k++) {
        if (in->arg[k] == IR_NONE)
            continue;
        uint64_t pins = e->pins;
        state_mem(e, (uint32_t)P_STD, gpr_ext(e, in->arg[k], ZX), spill_at(e, SPILL_ARGS + 8 * k));
        e->pins = pins;
    }
    spill_all(e);
    if (!is_pure) {
        set_imm(&e->a, e->env, R11, (int64_t)e->pc);
        state_mem(e, (uint32_t)P_STD, R11, (int32_t)e->o->pc);
    }
    set_imm(&e->a, e->env, R11, (int64_t)(h->quick ? (uintptr_t)(e->env->helpers + in->imm) : (uintptr_t)h->fn));
    far_jump(&e->a, e->env, e->env->stubs.others[h->quick ? STUB_CALL_QUICK : is_pure ? STUB_CALL_PURE : STUB_CALL], true);
    e->flags_ready |= !is_pure && !h->quick;
    if (is_gpr_type(in->type) && e->v[e->i].uses)
        result(e, R3, in->type == IR_I64 ? 0 : 0);
}

/* --- one instruction by the interpreter: the stub keeps every register; its data follow the call --- */

static void call_interpreter(struct emitter *e, const struct ir_insn *in, uint64_t pc)
{
    struct p64_one one = { .insn = *in, .pc = pc, .pc_offset = e->o->pc, .flags_offset = e->o->flags, .fpcr_offset = e->o->fpcr };
    for (unsigned k = 0; k < 4; k++)
        if (k < ir_op_info[in->op].n_args && in->arg[k] != IR_NONE)
            one.arg_type[k] = insn(e, in->arg[k])->type;
        else
            one.insn.arg[k] = IR_NONE;
    far_jump(&e->a, e->env, e->env->stubs.others[STUB_ONE], true);
    memcpy(e->a.p, &one, sizeof one);
    e->a.p += sizeof one;
}

static int32_t cell(const struct emitter *e, unsigned k) { return spill_at(e, SPILL_CELLS + 16 * k); }

static void fill_cell(struct emitter *e, ir_ref r, unsigned k)
{
    uint64_t pins = e->pins;
    if (is_gpr_type(insn(e, r)->type)) {
        asm_d(&e->a, (uint32_t)P_STD, gpr_ext(e, r, ZX), REG_STATE, cell(e, k));
    } else if (insn(e, r)->type == IR_V128) {
        state_vec(&e->a, e->env, true, vec_of(e, r), REG_STATE, cell(e, k));
    } else if (e->v[r].where == IN_MEM) {
        for (unsigned half = 0; half < 16; half += 8) {
            asm_d(&e->a, (uint32_t)P_LD, TEMP, REG_STATE, e->v[r].mem + (int32_t)half);
            asm_d(&e->a, (uint32_t)P_STD, TEMP, REG_STATE, cell(e, k) + (int32_t)half);
        }
    } else
        fail(e, "operand");
    e->pins = pins;
}

static void take_result(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    if (is_gpr_type(in->type) && v->second != NO_INSN) {
        unsigned second = alloc_gpr(e);
        asm_d(&e->a, (uint32_t)P_LD, second, REG_STATE, spill_at(e, SPILL_RESULT + 8));
        settle(e, v->second, second, ZX);
    }
    if (v->views & VIEW_WORD) {
        unsigned w = alloc_gpr(e);
        asm_d(&e->a, P_LHZ, w, REG_STATE, spill_at(e, SPILL_PORT));
        port_word(e, in, w);
    }
    if (!v->uses)
        return;
    if (is_gpr_type(in->type)) {
        unsigned dst = dst_gpr(e);
        asm_d(&e->a, (uint32_t)P_LD, dst, REG_STATE, spill_at(e, SPILL_RESULT));
        result(e, dst, ZX);
    } else if (in->type == IR_V128) {
        unsigned dst = dst_vec(e);
        state_vec(&e->a, e->env, false, dst, REG_STATE, spill_at(e, SPILL_RESULT));
        result_vec(e, dst);
    } else {
        int32_t at = alloc_spill(e, v->last);
        for (unsigned half = 0; half < 16; half += 8) {
            asm_d(&e->a, (uint32_t)P_LD, TEMP, REG_STATE, spill_at(e, SPILL_RESULT + half));
            asm_d(&e->a, (uint32_t)P_STD, TEMP, REG_STATE, at + (int32_t)half);
        }
        in_mem(e, e->i, at);
    }
}

void emit_one(struct emitter *e, const struct ir_insn *in)
{
    leave_loop(e);
    for (unsigned k = 0; k < ir_op_info[in->op].n_args && k < 4; k++)
        if (in->arg[k] != IR_NONE)
            fill_cell(e, in->arg[k], k);
    call_interpreter(e, in, e->pc);
    take_result(e, in);
}

/* the whole of an operand in left form: a result's upper elements may come from it */
static unsigned cold_from_left(struct emitter *e, const struct cold *c, unsigned k)
{
    unsigned v = c->arg_reg[k] - VEC;
    if (c->arg_left[k] == IR_F64) {
        asm_x3(&e->a, (uint32_t)X_PERMDI, VEC + VTEMP, VS_ZERO, VEC + v);
    } else {
        asm_vs2(&e->a, (uint32_t)X_CVDPSPN, VTEMP, v);
        asm_x3(&e->a, (uint32_t)X_SLDWI | 1 << 8, VEC + VTEMP, VS_ZERO, VEC + VTEMP);
    }
    return VTEMP;
}

static void cold_to_left(struct emitter *e, const struct cold *c)
{
    unsigned v = c->left - VEC;
    state_vec(&e->a, e->env, false, v, REG_STATE, spill_at(e, SPILL_RESULT));
    if (c->left_lane == IR_F64) {
        asm_xxpermdi(&e->a, v, v, v, 2);
    } else {
        asm_xxsldwi(&e->a, v, v, v, 3);
        asm_vs2(&e->a, (uint32_t)X_CVSPDPN, v, v);
    }
}

/* a compare's field of CR from the port: lt = C, eq = Z, so = P, gt = neither C nor Z */
static void cold_cr(struct emitter *e, unsigned cr)
{
    unsigned at = 4 * (7 - cr);
    asm_d(&e->a, P_LHZ, TEMP, REG_STATE, spill_at(e, SPILL_PORT));
    asm_rlwinm(&e->a, R12, TEMP, (at + 3 - 8) & 31, 28 - at, 28 - at);
    asm_rlwimi(&e->a, R12, TEMP, (at + 1 - 14) & 31, 30 - at, 30 - at);
    asm_rlwimi(&e->a, R12, TEMP, (at - 10) & 31, 31 - at, 31 - at);
    asm_sldi(&e->a, R11, TEMP, 6);
    asm_l(&e->a, P_NOR, R11, R11, TEMP);
    asm_rlwimi(&e->a, R12, R11, (at + 2 - 14) & 31, 29 - at, 29 - at);
    asm_mtocrf(&e->a, cr, R12);
}

static void cold_one(struct emitter *e, const struct cold *c)
{
    const struct ir_insn *in = &e->b->insn[c->insn];
    for (unsigned k = 0; k < 3; k++) {
        if (c->arg_reg[k] == NO_REG)
            continue;
        if (c->arg_reg[k] >= VEC)
            state_vec(&e->a, e->env, true, k < 2 && c->arg_left[k] ? cold_from_left(e, c, k) : (unsigned)c->arg_reg[k] - VEC, REG_STATE, cell(e, k));
        else if (k || !c->arg_disp)
            asm_d(&e->a, (uint32_t)P_STD, c->arg_reg[k], REG_STATE, cell(e, k));
        else {
            asm_d(&e->a, P_ADDI, R12, c->arg_reg[k], c->arg_disp);
            asm_d(&e->a, (uint32_t)P_STD, R12, REG_STATE, cell(e, k));
        }
    }
    call_interpreter(e, in, c->pc);
    if (c->second != NO_REG)
        asm_d(&e->a, (uint32_t)P_LD, c->second, REG_STATE, spill_at(e, SPILL_RESULT + 8));
    if (c->word != NO_REG)
        asm_d(&e->a, P_LHZ, c->word, REG_STATE, spill_at(e, SPILL_PORT));
    if (c->result != NO_REG && c->result >= VEC)
        state_vec(&e->a, e->env, false, c->result - VEC, REG_STATE, spill_at(e, SPILL_RESULT));
    else if (c->result != NO_REG)
        asm_d(&e->a, (uint32_t)P_LD, c->result, REG_STATE, spill_at(e, SPILL_RESULT));
    if (c->left != NO_REG)
        cold_to_left(e, c);
    if (c->cr != NO_REG)
        cold_cr(e, c->cr);
    asm_b(&e->a, c->back, false);
}

void leave_run(struct emitter *e, uint64_t pc)
{
    set_imm(&e->a, e->env, REG_TARGET, (int64_t)pc);
    set_imm(&e->a, e->env, R3, (int64_t)e->b->guest_pc);
    far_jump(&e->a, e->env, e->env->stubs.others[STUB_EXIT_RUN], false);
}

static void leave_hot(struct emitter *e)
{
    set_imm(&e->a, e->env, REG_TARGET, (int64_t)e->b->guest_pc);
    asm_d(&e->a, P_ADDI, R3, 0, HOST_R_HOT);
    far_jump(&e->a, e->env, e->env->stubs.others[STUB_EXIT_TRAP], false);
}

void emit_cold(struct emitter *e)
{
    for (unsigned k = 0; k < e->n_cold && !e->error; k++) {
        struct cold *c = &e->cold[k];
        if ((size_t)(e->a.end - e->a.p) < ASM_MARGIN || e->a.p - c->from > 0x7f00) {
            e->error = -1;
            return;
        }
        asm_patch(&e->a, c->from);
        switch (c->kind) {
        case COLD_EXIT:
            if (c->poll)
                poll_here(e, c->target);
            exit_here(e, (enum host_exit_kind)c->exit_kind, c->target);
            break;
        case COLD_FLAGS:
            far_jump(&e->a, e->env, e->env->stubs.others[STUB_FLAGS], true);
            asm_b(&e->a, c->back, false);
            break;
        case COLD_RUN: leave_run(e, c->pc); break;
        case COLD_BACK: emit_back(e); break;
        case COLD_HOT: leave_hot(e); break;
        case COLD_COND: cold_cond(e, c); break;
        case COLD_MISMATCH: far_jump(&e->a, e->env, e->env->stubs.others[STUB_RET_MISMATCH], false); break;
        default: cold_one(e, c);
        }
    }
}
