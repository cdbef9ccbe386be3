/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_state.c: GET and PUT. A GET of a mapped slot is a name for its register, of another one a name for its place in the state block; a PUT is
 * a move, or nothing when the value was computed into the register already. The fp control's live copy is MXCSR.
 */
#include "host/x86_64/emit.h"

static bool is_fpcr(const struct emitter *e, int64_t offset, unsigned size)
{
    return offset < (int64_t)e->o->fpcr + 4 && (int64_t)e->o->fpcr < offset + size;
}

static void mxcsr(struct emitter *e, bool store) { asm_rm(&e->a, OP_0F(0xae), 4, store ? 3 : 2, at_state((int32_t)e->o->fpcr), 0); }

static void store_mapped(struct emitter *e, unsigned reg)
{
    if (reg == e->map->stack_reg)
        flush_stack(e);
    if (reg >= XMM)
        asm_rm(&e->a, OP_0F(0x29), 4, reg - XMM, at_state(e->map->offset[reg]), 0);
    else
        asm_store(&e->a, 8, at_state(e->map->offset[reg]), reg);
}
static void load_mapped(struct emitter *e, unsigned reg)
{
    if (reg >= XMM)
        asm_rm(&e->a, OP_0F(0x28), 4, reg - XMM, at_state(e->map->offset[reg]), 0);
    else
        asm_load(&e->a, 8, reg, at_state(e->map->offset[reg]));
}

/* --- GET --- */

/* the integer at this place in memory, right now */
static void get_now(struct emitter *e, const struct ir_insn *in, int32_t offset)
{
    if (!is_gpr_type(in->type)) {
        fail(e, "get");
        return;
    }
    unsigned dst = dst_gpr(e);
    asm_movzx_rm(&e->a, type_size(in->type), dst, at_state(offset));
    settle(e, (ir_ref)e->i, dst, true);
}

static void get_high_byte(struct emitter *e, unsigned reg)
{
    if (reg == e->map->stack_reg)
        flush_stack(e);
    unsigned r = alloc_gpr(e), from = reg;
    if (reg >= 4) {
        asm_mov_rr(&e->a, 4, r, reg);
        from = r;
    }
    asm_rr(&e->a, OP_0F(0xb6), 4, r, 4 + from);
    settle(e, (ir_ref)e->i, r, true);
}

static void get_from_xmm(struct emitter *e, const struct ir_insn *in, unsigned reg)
{
    int32_t at = (int32_t)in->imm;
    if ((in->type == IR_I64 || in->type == IR_I32) && at == e->map->offset[reg]) {
        unsigned dst = dst_gpr(e);
        asm_rr(&e->a, OP_0F(0x7e) | P_66, type_size(in->type), reg - XMM, dst);
        settle(e, (ir_ref)e->i, dst, true);
        return;
    }
    store_mapped(e, reg);
    get_now(e, in, at);
}

static void get(struct emitter *e, const struct ir_insn *in)
{
    unsigned reg = slot_reg(e, in->imm), size = type_size(in->type);
    int32_t at = (int32_t)in->imm;
    if (is_fpcr(e, in->imm, size)) {
        mxcsr(e, true);
        get_now(e, in, at);
    } else if (reg == NO_REG) {
        if (!is_gpr_type(in->type) && in->type != IR_V128)
            fail(e, "get");
        in_state(e, (ir_ref)e->i, at);
    } else if (reg >= XMM) {
        if (in->type == IR_V128 && at == e->map->offset[reg])
            share(e, (ir_ref)e->i, reg, true, 0);
        else
            get_from_xmm(e, in, reg);
    } else if (at == e->map->offset[reg] && is_gpr_type(in->type)) {
        share(e, (ir_ref)e->i, reg, in->type == IR_I64, reg == e->map->stack_reg ? e->stack_add : 0);
    } else if (at == e->map->offset[reg] + 1 && size == 1) {
        get_high_byte(e, reg);
    } else {
        store_mapped(e, reg);
        get_now(e, in, at);
    }
}

/* --- PUT --- */

static void put_memory(struct emitter *e, const struct ir_insn *in)
{
    int32_t at = (int32_t)in->imm;
    unsigned size = type_size(in->type);
    struct value *v = &e->v[in->arg[0]];
    if (v->where == IN_STATE && v->home == at && !is_fpcr(e, at, size))
        return;
    if (in->type == IR_V128) {
        unsigned x = xmm_of(e, in->arg[0]);
        overwrite_state(e, at, size);
        asm_rm(&e->a, at % 16 ? OP_0F(0x11) : OP_0F(0x29), 4, x, at_state(at), 0);
        return;
    }
    if (!is_gpr_type(in->type)) {
        fail(e, "put");
        return;
    }
    struct opnd o = operand(e, in->arg[0], size, OK_IMM);
    overwrite_state(e, at, size);
    o.kind == OP_IMM ? asm_store_imm(&e->a, size, at_state(at), o.imm) : asm_store(&e->a, size, at_state(at), o.reg);
    if (v->where == IN_GPR && (v->reg == RAX || v->reg == RCX) && !v->add && size == 8)
        v->home = at;                                   /* evicting it costs nothing now */
    if (is_fpcr(e, at, size))
        mxcsr(e, false);
    if (at < (int32_t)e->o->flags + 2 && (int32_t)e->o->flags < at + (int32_t)size)
        e->ef_state = 0;
}

/* push and pop: nothing is emitted (X4) */
static bool put_stack(struct emitter *e, ir_ref w, unsigned reg)
{
    int32_t add;
    if (reg != e->map->stack_reg)
        return false;
    if (stack_sum(e, w, &add) && stack_add_fits(add)) {
        e->stack_add = add;
        share(e, w, reg, true, add);
        return true;
    }
    return false;
}

static void put_whole(struct emitter *e, ir_ref w, unsigned reg)
{
    struct value *v = &e->v[w];
    if (put_stack(e, w, reg))
        return;
    if (reg == e->map->stack_reg)
        e->stack_add = 0;
    if (v->where == IN_GPR && v->reg == reg && !v->add)
        return;
    if (v->where == IN_CONST && v->reg == reg)
        return;
    if (v->where == LATER && insn(e, w)->op == IR_LEA) {
        struct asm_mem m = address(e, w);                /* before its base is counted from the new value */
        evict(e, reg, w);
        lea_of(e, reg, 8, m);
    } else {
        evict(e, reg, w);
        into(e, w, reg, 8);
        if (v->where == IN_GPR && !v->add && v->reg < 16 && e->map->offset[v->reg] >= 0) {
            if (e->twin[v->reg] == NO_REG) {             /* it stays where it is, and has a second place to go to */
                e->twin[v->reg] = (uint8_t)reg;
                e->twin[reg] = v->reg;
            }
            return;
        }
    }
    if (!live(e, w))
        return;
    v->home = -1;
    settle(e, w, reg, true);
}

static void put_low(struct emitter *e, const struct ir_insn *in, unsigned reg)
{
    struct value *v = &e->v[in->arg[0]];
    if (reg == e->map->stack_reg)
        flush_stack(e);
    if (v->where == IN_GPR && v->reg == reg && !v->add)
        return;
    if (v->where == IN_GPR && v->add)
        gpr_of(e, in->arg[0]);
    evict(e, reg, IR_NONE);
    into_low(e, in->arg[0], reg, type_size(in->type));
    if (live(e, in->arg[0]) && v->where != IN_CONST) {
        v->home = -1;
        settle(e, in->arg[0], reg, false);
    }
}

static void put_high_byte(struct emitter *e, ir_ref w, unsigned reg)
{
    int64_t c;
    bool imm = is_const(e, w, &c);
    unsigned src = NO_REG, to = reg;
    if (reg == e->map->stack_reg)
        flush_stack(e);
    if (!imm) {
        src = gpr_of(e, w);
        if (src >= 4) {
            src = alloc_gpr(e);
            into(e, w, src, 1);
        }
    }
    evict(e, reg, IR_NONE);
    if (reg >= 4) {
        to = alloc_gpr(e);
        asm_mov_rr(&e->a, 8, to, reg);
    }
    if (imm) {
        asm_rr(&e->a, 0xc6, 4, 0, 4 + to);
        asm_u8(&e->a, (uint8_t)c);
    } else
        asm_rr(&e->a, 0x88, 4, src, 4 + to);
    if (to != reg)
        asm_mov_rr(&e->a, 8, reg, to);
}

static void put_xmm(struct emitter *e, ir_ref w, unsigned reg)
{
    unsigned x = xmm_of(e, w);
    if (XMM + x == reg)
        return;
    evict(e, reg, IR_NONE);
    asm_rr(&e->a, OP_0F(0x28), 4, reg - XMM, x);
    if (live(e, w)) {
        e->v[w].home = -1;
        settle(e, w, reg, true);
    }
}

/* bytes in the middle of a register: by way of its slot */
static void put_inside(struct emitter *e, const struct ir_insn *in, unsigned reg)
{
    if (reg == e->map->stack_reg)
        flush_stack(e);
    struct opnd o = operand(e, in->arg[0], type_size(in->type), OK_IMM);
    evict(e, reg, IR_NONE);
    store_mapped(e, reg);
    if (o.kind == OP_IMM)
        asm_store_imm(&e->a, type_size(in->type), at_state((int32_t)in->imm), o.imm);
    else
        asm_store(&e->a, type_size(in->type), at_state((int32_t)in->imm), o.reg);
    load_mapped(e, reg);
}

static void put(struct emitter *e, const struct ir_insn *in)
{
    unsigned reg = slot_reg(e, in->imm), size = type_size(in->type);
    int32_t at = (int32_t)in->imm;
    if (reg == NO_REG)
        put_memory(e, in);
    else if (in->type == IR_V128 && reg >= XMM && at == e->map->offset[reg])
        put_xmm(e, in->arg[0], reg);
    else if (!is_gpr_type(in->type))
        fail(e, "put");
    else if (reg >= XMM)
        put_inside(e, in, reg);
    else if (at == e->map->offset[reg] && size == 8)
        put_whole(e, in->arg[0], reg);
    else if (at == e->map->offset[reg] && size <= 2)
        put_low(e, in, reg);
    else if (at == e->map->offset[reg] + 1 && size == 1)
        put_high_byte(e, in->arg[0], reg);
    else
        put_inside(e, in, reg);
}

bool emit_state(struct emitter *e, const struct ir_insn *in)
{
    if (in->op == IR_GET)
        get(e, in);
    else if (in->op == IR_PUT)
        put(e, in);
    else
        return false;
    return true;
}
