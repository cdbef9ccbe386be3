/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit.c: the driver. look.c has looked back over the block; here each instruction is handed to the file that knows it, in order.
 * Whatever can't be emitted is a typed result; the engine tries a shorter block, and interprets an instruction that is left alone.
 */
#include <alloca.h>
#include "host/x86_64/emit.h"
#include "ir/fill.h"

void fail(struct emitter *e, const char *why)
{
    if (!e->error) {
        e->error = -2;
        e->why = why;
    }
}

/* a CMP or COND that can't wait: a byte in a scratch register */
static void emit_bool(struct emitter *e)
{
    unsigned dst = dst_gpr(e);
    e->v[e->i].where = LATER;
    setcc_into(e, (ir_ref)e->i, dst);
    asm_movzx_rr(&e->a, 1, dst, dst);
    e->v[e->i].where = NOWHERE;
    settle(e, (ir_ref)e->i, dst, true);
}

static void start_insn(struct emitter *e, const struct ir_insn *in)
{
    e->pc = (uint64_t)in->imm;
    e->insn_offset = asm_offset(&e->a);
    e->mapped = false;
    if (e->poll_at == e->i)
        emit_poll(e);
}

static void emit_insn(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {                      /* the frequent ones go straight to their file */
    case IR_CONST:
        e->v[e->i].where = IN_CONST;
        if (!is_gpr_type(in->type))
            fail(e, "const");
        return;
    case IR_INSN: start_insn(e, in); return;
    case IR_PUT: case IR_GET: emit_state(e, in); return;
    case IR_LOAD: case IR_STORE: emit_mem(e, in); return;
    case IR_EXIT: case IR_EXITIF: case IR_EXITCALL: case IR_EXITRET: emit_exit(e, in); return;
    case IR_PUTF: emit_putf(e, in); return;
    case IR_CMP: case IR_COND: emit_bool(e); return;
    case IR_CALL: emit_call(e, in); return;
    default: break;
    }
    if (ir_op_info[in->op].props & IR_P_FP)
        need_map(e);
    if (!emit_state(e, in) && !emit_int(e, in) && !emit_mem(e, in) && !emit_wide(e, in) && !emit_exit(e, in) && !emit_vec(e, in))
        fail(e, ir_op_info[in->op].name);
}

static void emit_all(struct emitter *e)
{
    const struct ir_insn *in = e->b->insn;
    struct value *v = e->v;
    unsigned n = e->b->n;
    for (unsigned i = 0; i < n && !e->error; i++, in++, v++) {
        e->i = i;
        if (v->done)
            continue;
        if (in->op == IR_INSN && e->poll_at != i) {
            start_insn(e, in);
            continue;
        }
        if (v->later) {
            if (ir_op_info[in->op].props & IR_P_X)
                need_map(e);                   /* the instruction that it is folded into may fault in its stead */
            v->where = LATER;
            continue;
        }
        if ((size_t)(e->a.end - e->a.p) < ASM_MARGIN) {
            e->error = -1;
            return;
        }
        __builtin_prefetch(e->a.p + 128, 1);
        e->pins = 0;
        e->hold = false;
        if (e->stack_add && v->port_mask && insn(e, v->port_last)->op == IR_EXITIF)
            flush_stack(e);                             /* not between a compare and its jump: processors fuse the two */
        emit_insn(e, in);
        if (e->borrowed)
            give_back(e);
    }
    e->i = n;
}

/* --- counting for tier 2 (H6); at a block's start rax, rcx and EFLAGS are free --- */

static uint32_t count_entry(struct emitter *e)
{
    if (!counts_entries(e))
        return 0;
    asm_alu_mi(&e->a, ALU_SUB, 4, at_state((int32_t)(e->o->heat + 4 * host_heat_index(e->b->guest_pc))), 1, false);
    asm_jcc(&e->a, CC_S, 0);
    return asm_offset(&e->a);
}

static void emit_hot(struct emitter *e, uint32_t from)
{
    uint32_t displacement = asm_offset(&e->a) - from;
    if (!from)
        return;
    memcpy(e->a.start + from - 4, &displacement, 4);
    asm_mov_imm(&e->a, RAX, e->b->guest_pc);
    asm_mov_imm(&e->a, RCX, HOST_R_HOT);
    asm_jmp(&e->a, e->env->stubs.others[STUB_EXIT_TRAP]);
}

int x64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why)
{
    if (code->capacity <= ASM_MARGIN)
        return -1;
    struct emitter e;
    fill(&e, 0, offsetof(struct emitter, sunk));
    e.a = (struct asm_buf){ code->rw, code->rw, code->rw + code->capacity, code->rx };
    e.env = env;
    e.o = env->offsets;
    e.map = x64_map(env);
    e.b = b;
    e.code = code;
    e.owner = e.poll_at = NO_INSN;
    e.v = alloca(sizeof *e.v * (b->n + 1));
    memset(e.head, 0xff, sizeof e.head);
    memset(e.twin, NO_REG, sizeof e.twin);
    e.compared[0] = IR_NONE;
    memset(e.spill_until, 0xff, sizeof e.spill_until);
    code->n_exits = code->n_map = code->n_interpreted = 0;
    code->size = 0;
    look_back(&e);
    uint32_t counted = count_entry(&e);
    emit_all(&e);
    if (!e.error)
        emit_sunk_flags(&e);
    if (!e.error)
        emit_exit_stubs(&e);
    if (!e.error)
        emit_hot(&e, counted);
    if (e.error) {
        if (why)
            *why = e.why ? e.why : "no room";
        return e.error;
    }
    code->size = asm_offset(&e.a);
    return 0;
}
