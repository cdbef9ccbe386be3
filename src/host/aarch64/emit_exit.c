/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_exit.c: how a block is left, and calls of helpers. A patchable jump is one `b` or `bl`, redirected by one aligned store. Its stub stands
 * behind the block and names itself by x16. A target beyond +-128 MB stays unlinked (the engine's code cache is smaller). A conditional exit has
 * its `b` behind the block; the conditional branch itself, which reaches +-1 MB, goes straight to the target when it can.
 *
 * A guest call pushes {landing address, guest return address} on the return stack; a guest return pops a pair and returns to the landing if the
 * guest's own return address is that one. So the landing needs no check.
 */
#include "host/aarch64/emit.h"
#include "host/icache.h"
#include "ir/helpers.h"

void add_map(struct emitter *e, uint32_t offset, unsigned flags)
{
    struct host_code *c = e->code;
    if (c->n_map && c->map[c->n_map - 1].offset == offset && c->map[c->n_map - 1].pc == e->pc && !flags)
        return;
    if (c->n_map == HOST_MAX_MAP) {
        e->error = -1;
        return;
    }
    c->map[c->n_map++] = (struct host_map){ .offset = offset, .flags = (uint8_t)flags, .pc = e->pc };
}

void need_map(struct emitter *e)
{
    if (!e->mapped && !e->run && !e->loop.on)
        add_map(e, e->insn_offset, 0);
    e->mapped = true;
}

void emit_poll(struct emitter *e)
{
    if (e->loop.on) {
        loop_poll(e);
        return;
    }
    add_map(e, asm_offset(&e->a), HOST_MAP_POLL);
    asm_mem(&e->a, true, false, 2, ZR, POLL, 0);
    e->insn_offset = asm_offset(&e->a);
}

void add_exit(struct emitter *e, enum host_exit_kind kind, uint64_t target)
{
    struct host_code *c = e->code;
    if (c->n_exits == HOST_MAX_EXITS) {
        e->error = -1;
        return;
    }
    c->exits[c->n_exits++] = (struct host_exit){ .patch = asm_offset(&e->a), .target = target, .kind = (uint8_t)kind };
}

enum { B = 0x14000000, BL = 0x94000000 };

static void jump(struct emitter *e, uint32_t how, enum host_exit_kind kind, uint64_t target)
{
    add_exit(e, kind, target);
    asm_put(&e->a, how);
}

static bool in_reach(const struct emitter *e, uint64_t to)
{
    int64_t d = (int64_t)(to - asm_here(&e->a));
    return d >= -(1 << 27) && d < (1 << 27) - 64;
}

void jump_stub(struct emitter *e, unsigned stub)
{
    uint64_t to = e->env->stubs.others[stub];
    if (in_reach(e, to)) {
        asm_b(&e->a, to);
        return;
    }
    asm_imm(&e->a, T2, to);
    asm_put(&e->a, 0xd61f0000 | T2 << 5);
}

void call_stub(struct emitter *e, unsigned stub)
{
    uint64_t to = e->env->stubs.others[stub];
    leave_loop(e);
    if (in_reach(e, to)) {
        asm_bl(&e->a, to);
        return;
    }
    asm_imm(&e->a, T2, to);
    asm_put(&e->a, 0xd63f0000 | T2 << 5);
}

/* --- exits --- */

static struct tail *exit_tail(struct emitter *e, uint32_t branch, uint64_t target)
{
    struct tail *t = &e->tails[e->n_tails++];
    *t = (struct tail){ .kind = e->loop.on ? TAIL_LOOP_EXIT : TAIL_EXIT, .target = target, .n_from = 1, .pc = e->pc };
    t->from[0] = asm_jump(&e->a, branch);
    return t;
}

/* compared with 0 for equality: no flags needed */
static bool zero_test(struct emitter *e, ir_ref r, uint32_t *branch)
{
    const struct ir_insn *in = insn(e, r);
    int64_t c;
    if (e->v[r].where != LATER || in->op != IR_CMP || (in->aux & ~1) != IR_CC_E || type_bits(in->lane) < 32)
        return false;
    if (!is_const(e, in->arg[1], &c) || const_bits(insn(e, in->arg[1])))
        return false;
    *branch = (in->aux == IR_CC_E ? J_CBZ : J_CBNZ) | (in->lane == IR_I64 ? A_X : 0) | gpr_of(e, in->arg[0]);
    return true;
}

static void exit_if(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    uint32_t branch;
    ir_ref r = in->arg[0];
    if (is_const(e, r, &c)) {
        leave_loop(e);
        if (c & 1)
            jump(e, B, HOST_EXIT_DIRECT, (uint64_t)in->imm);
        return;
    }
    if (!zero_test(e, r, &branch) && !folded_zero(e, r, &branch))
        branch = e->v[r].where == LATER ? (uint32_t)J_COND | flags_for(e, r) : (uint32_t)J_CBNZ | gpr_of(e, r);
    if (is_back_edge(e))
        back_edge(e, branch);
    else
        exit_tail(e, branch, (uint64_t)in->imm);
}

/* before the jump of a call: the return stack's pair, x = the guest's return address */
static void push_return(struct emitter *e, ir_ref to)
{
    int64_t pc;
    if (!is_const(e, to, &pc))
        fail(e, "call without constant return address");
    unsigned r = gpr_of(e, to);
    asm_adr(&e->a, T0, 12);
    asm_put(&e->a, 0xa9800000 | (0x7eu << 15) | r << 10 | SP << 5 | T0);      /* stp x16, r, [sp, #-16]! */
}

static void call_exit(struct emitter *e, enum host_exit_kind kind, uint64_t target, ir_ref to)
{
    int64_t pc = 0;
    if (!e->env->return_stack) {
        jump(e, B, kind, target);
        return;
    }
    push_return(e, to);
    jump(e, BL, kind, target);
    is_const(e, to, &pc);
    jump(e, B, HOST_EXIT_LANDING, (uint64_t)pc);
}

static void return_exit(struct emitter *e)
{
    if (!e->env->return_stack) {
        asm_imm(&e->a, T2, e->env->stubs.lookup);
        asm_put(&e->a, 0xd61f0000 | T2 << 5);
        return;
    }
    asm_put(&e->a, 0xa8c00000 | 2u << 15 | T0 << 10 | SP << 5 | LR);          /* ldp x30, x16, [sp], #16 */
    asm_rrr(&e->a, true, A_SUB, T0, T0, TARGET);
    struct tail *t = exit_tail(e, J_CBNZ | A_X | T0, STUB_RET_MISMATCH);
    t->kind = TAIL_STUB;
    asm_put(&e->a, 0xd65f03c0);
}

static void trap(struct emitter *e, const struct ir_insn *in)
{
    asm_imm(&e->a, T1, (uint64_t)in->imm);
    asm_imm(&e->a, T0, HOST_R_TRAP + (uint64_t)in->aux);
    jump_stub(e, STUB_EXIT_TRAP);
}

bool emit_exit(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_EXIT:
        if (is_back_edge(e)) {
            back_edge(e, J_B);
            break;
        }
        jump(e, B, HOST_EXIT_DIRECT, (uint64_t)in->imm);
        break;
    case IR_EXITIF:
        exit_if(e, in);
        emit_sunk_putf(e);
        break;
    case IR_EXITIND:
        into(e, in->arg[0], TARGET);
        jump(e, B, HOST_EXIT_INDIRECT, 0);
        break;
    case IR_EXITCALL: call_exit(e, HOST_EXIT_CALL, (uint64_t)in->imm, in->arg[0]); break;
    case IR_EXITCALLI:
        into(e, in->arg[0], TARGET);
        call_exit(e, HOST_EXIT_INDIRECT, 0, in->arg[1]);
        break;
    case IR_EXITRET:
        into(e, in->arg[0], TARGET);
        return_exit(e);
        break;
    case IR_TRAP: trap(e, in); break;
    default: return false;
    }
    return true;
}

static bool redirect(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to);

/* Behind the block: what unlinked exits run into. x16 = the data of a direct one (distance to the patch place, target), the patch place of
 * an indirect one. */
void emit_exit_stubs(struct emitter *e)
{
    struct asm_buf *a = &e->a;
    for (unsigned k = 0; k < e->code->n_exits; k++) {
        struct host_exit *x = &e->code->exits[k];
        if (a->end - a->p < ASM_MARGIN) {
            e->error = -1;
            return;
        }
        x->stub = asm_offset(a);
        if (x->kind == HOST_EXIT_INDIRECT) {
            asm_adr(a, T0, (int64_t)x->patch - asm_offset(a));
            jump_stub(e, STUB_EXIT_INDIRECT);
        } else {
            uint8_t *adr = asm_jump(a, 0x10000000 | T0);
            jump_stub(e, STUB_EXIT_LINK);
            asm_land(a, adr);
            asm_put(a, asm_offset(a) - x->patch);
            asm_put(a, (uint32_t)x->target);
            asm_put(a, (uint32_t)(x->target >> 32));
        }
        redirect(a->start + x->patch, a->rx + x->patch, a->rx + x->stub);
    }
}

/* 4 times the word behind the `b` of a conditional exit (which no instruction looks like): how far back its conditional branch is; else 0 */
static uint32_t condition_before(const uint8_t *patch_rw)
{
    const volatile uint32_t *w = (const volatile uint32_t *)patch_rw;
    return w[0] >> 26 == J_B >> 26 && w[1] < 1 << 16 ? 4 * w[1] : 0;
}

static bool redirect(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to)
{
    int64_t d = (int64_t)(to - patch_rx);
    volatile uint32_t *w = (volatile uint32_t *)patch_rw;
    if (d < -(1 << 27) || d >= 1 << 27)
        return false;                                    /* out of reach: it goes on through its stub */
    *w = (*w & 0xfc000000) | ((uint32_t)(d >> 2) & 0x3ffffff);
    return true;
}

/* Two stores for a conditional exit, in an order in which each of them alone leads to the old target or the new one. */
void a64_link(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to)
{
    if (!redirect(patch_rw, patch_rx, to))
        return;
    uint32_t back = condition_before(patch_rw);
    if (!back)
        return;
    volatile uint32_t *w = (volatile uint32_t *)(patch_rw - back);
    int64_t d = (int64_t)(to - (patch_rx - back));
    if (d < -(1 << 20) || d >= 1 << 20)
        d = back;
    uint32_t new = (*w & 0xff00001f) | ((uint32_t)(d >> 2) & 0x7ffff) << 5;
    if (*w == new)
        return;
    *w = new;
    host_icache_flush(patch_rw - back, patch_rx - back, 4);
}

/* --- helpers --- */

void emit_call(struct emitter *e, const struct ir_insn *in)
{
    if ((uint64_t)in->imm >= ir_n_helpers) {
        fail(e, "helper");
        return;
    }
    const struct ir_helper *h = &ir_helpers[in->imm];
    bool pure = h->effects & IR_H_PURE;
    need_map(e);
    clobber(e);
    for (unsigned k = 0; k < 4; k++)
        if (in->arg[k] != IR_NONE)
            store_state(e, false, 3, clean_gpr(e, in->arg[k], T1), spill_at(e, CELL_ARG + k * 8));
    spill_all(e);
    if (!pure) {
        spill_mapped(e);
        asm_imm(&e->a, T0, e->pc);
        store_state(e, false, 3, T0, e->o->pc);
    }
    asm_imm(&e->a, T0, (uint64_t)(h->quick ? (uintptr_t)(e->env->helpers + in->imm) : (uintptr_t)h->fn));
    call_stub(e, h->quick ? STUB_CALL_QUICK : pure ? STUB_CALL_PURE : STUB_CALL);
    if (is_gpr_type(in->type) && e->v[e->i].uses)
        settle(e, (ir_ref)e->i, 0, in->type == IR_I64);
}
