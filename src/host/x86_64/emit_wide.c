/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_wide.c: shifts, and multiplication and division with two results: the instructions that insist on cl, rax and rdx. rax and rcx are
 * scratch; rdx is a guest register, and mostly the guest wants the second result in it.
 */
#include "host/x86_64/emit.h"

static const uint8_t shift_of[IR_N_OPS] = {
    [IR_SHL] = SH_SHL, [IR_SHR] = SH_SHR, [IR_SAR] = SH_SAR, [IR_ROL] = SH_ROL, [IR_ROR] = SH_ROR, [IR_SHLF] = SH_SHL, [IR_SHRF] = SH_SHR,
    [IR_SARF] = SH_SAR, [IR_ROLF] = SH_ROL, [IR_RORF] = SH_ROR, [IR_RCLF] = SH_RCL, [IR_RCRF] = SH_RCR,
};

static bool const_count(const struct emitter *e, const struct ir_insn *in, ir_ref count, unsigned *n)
{
    int64_t c;
    if (!is_const(e, count, &c))
        return false;
    *n = (unsigned)c & (in->type == IR_I64 ? 63 : 31);
    return true;
}

static bool through_carry(const struct ir_insn *in) { return in->op == IR_RCLF || in->op == IR_RCRF; }

/* EFLAGS as the instruction wants them before it: a shift by 0 keeps them all, rotates keep most. */
static void flags_before(struct emitter *e, const struct ir_insn *in, bool keep)
{
    if (keep) {
        restore_state_flags(e);
        e->v[in - e->b->insn].restore = true;
    }
    if (through_carry(in))
        carry_in(e, in->arg[2]);
    else
        clobber(e);
}

static void shift_const(struct emitter *e, const struct ir_insn *in, unsigned n)
{
    struct value *v = &e->v[e->i];
    unsigned size = type_size(in->type);
    if (n == 1 && in->op == IR_SHL && size >= 4 && e->owner != NO_INSN && port_needed(e, e->owner)) {
        unsigned a = gpr_of(e, in->arg[0]), dst = dst_gpr(e);
        asm_lea(&e->a, size, dst, (struct asm_mem){ AT_REGS, (uint8_t)a, (uint8_t)a, 0, 0, 0 });
        result(e, dst);
        return;
    }
    unsigned dst = two_address(e, in->arg[0], &no_opnd, size);
    if (n || v->port_mask) {
        flags_before(e, in, v->port_mask && (v->restore || n == 0));
        if (n)
            asm_shift_ri(&e->a, (enum shift)shift_of[in->op], size, dst, n);
        own(e);
    }
    if (n || size >= 4 || v->narrow)
        result(e, dst);
    else
        settle(e, (ir_ref)e->i, dst, false);
    e->v[e->i].clean = in->type == IR_I64 || (in->type == IR_I32 && n);
}

/* shlx and friends: no flags, the count in any register */
static void shift_bmi2(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = gpr_of(e, in->arg[0]), n = gpr_of(e, in->arg[1]), dst = dst_gpr(e);
    unsigned prefix = shift_of[in->op] == SH_SHL ? P_66 : shift_of[in->op] == SH_SHR ? P_F2 : P_F3;
    asm_vex_rr(&e->a, OP_0F38(0xf7) | prefix, type_size(in->type), dst, n, a);
    result(e, dst);
}

static void shift_cl(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    unsigned size = type_size(in->type);
    bool plain = !through_carry(in) && shift_of[in->op] >= SH_SHL;
    if (!v->port_mask && plain && size >= 4 && feature(e, FEATURE_BMI2)) {
        shift_bmi2(e, in);
        return;
    }
    gpr_in(e, in->arg[1], RCX);
    unsigned dst = two_address(e, in->arg[0], &no_opnd, size);
    flags_before(e, in, v->port_mask != 0);
    asm_group_r(&e->a, 0xd3, shift_of[in->op], size, dst);
    own(e);
    result(e, dst);
    v->clean = in->type == IR_I64;                      /* a 32-bit shift by 0 still clears the upper half */
    if (in->type == IR_I32)
        v->clean = true;
}

static void shift(struct emitter *e, const struct ir_insn *in)
{
    unsigned n;
    if (through_carry(in))
        prepare_carry(e, in->arg[2]);
    if (const_count(e, in, in->arg[1], &n))
        shift_const(e, in, n);
    else
        shift_cl(e, in);
}

static void shift_double(struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    unsigned size = type_size(in->type), op = in->op == IR_SHLDF ? 0xa4 : 0xac, n = 0;
    bool constant = const_count(e, in, in->arg[2], &n);
    if (!constant)
        gpr_in(e, in->arg[2], RCX);
    struct opnd b = { .kind = OP_REG, .reg = (uint8_t)gpr_of(e, in->arg[1]) };
    unsigned dst = two_address(e, in->arg[0], &b, size);
    flags_before(e, in, v->port_mask && (!constant || n == 0));
    asm_rr(&e->a, constant ? OP_0F(op) : OP_0F(op + 1), size, b.reg, dst);
    if (constant)
        asm_u8(&e->a, n);
    own(e);
    result(e, dst);
}

/* shift of memory in place (the STORE of a read-modify-write); in: the shift */
void emit_shift_mem(struct emitter *e, const struct ir_insn *in, ir_ref addr)
{
    const struct value *v = &e->v[in - e->b->insn];
    unsigned size = type_size(in->type), n = 0;
    bool constant = const_count(e, in, in->arg[1], &n);
    if (!constant)
        gpr_in(e, in->arg[1], RCX);
    struct asm_mem m = address(e, addr);
    flags_before(e, in, v->port_mask && (!constant || v->restore || n == 0));
    asm_group_m(&e->a, constant ? 0xc1 : 0xd3, shift_of[in->op], size, m, constant, false);
    if (constant)
        asm_u8(&e->a, n);
    own_by(e, (unsigned)(in - e->b->insn));
}

/* --- two results --- */

static void settle_second(struct emitter *e, unsigned reg, bool clean)
{
    ir_ref second = e->v[e->i].second;
    if (second != NO_INSN)
        settle(e, second, reg, clean);
}

/* al times a byte: ax */
static void multiply_byte(struct emitter *e, const struct ir_insn *in)
{
    gpr_in(e, in->arg[0], RAX);
    struct opnd b = operand(e, in->arg[1], 1, OK_MEM);
    clobber(e);
    if (b.kind == OP_MEM)
        asm_group_m(&e->a, 0xf7, in->op == IR_UMULF ? 4 : 5, 1, b.m, 0, false);
    else
        asm_group_r(&e->a, 0xf7, in->op == IR_UMULF ? 4 : 5, 1, b.reg);
    own(e);
    settle(e, (ir_ref)e->i, RAX, false);
    if (e->v[e->i].second == NO_INSN)
        return;
    e->pins = 1u << RAX;
    unsigned hi = alloc_gpr(e);
    asm_rr(&e->a, OP_0F(0xb6), 4, hi, 4 /* ah */);
    settle_second(e, hi, true);
}

static bool second_to_rdx(const struct emitter *e)
{
    ir_ref second = e->v[e->i].second;
    return second != NO_INSN && e->v[second].hint == RDX;
}

/* rdx after the instruction: the second result stays there, or goes to rcx (if wanted) and the guest's value comes back */
static void restore_rdx(struct emitter *e, bool clean)
{
    if (second_to_rdx(e) || e->map->offset[RDX] < 0) {
        settle_second(e, RDX, clean);
        return;
    }
    if (e->v[e->i].second != NO_INSN) {
        e->pins = 1u << RAX;
        evict_scratch(e, RCX);
        asm_mov_rr(&e->a, 8, RCX, RDX);
        settle_second(e, RCX, clean);
    }
    asm_load(&e->a, 8, RDX, at_state(e->map->offset[RDX]));
}

static void multiply_full(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), digit = in->op == IR_UMULF ? 4 : 5;
    pin(e, RDX);
    gpr_in(e, in->arg[0], RAX);
    struct opnd b = operand(e, in->arg[1], size, OK_MEM);
    bool keep = !second_to_rdx(e) && e->map->offset[RDX] >= 0;
    clobber(e);
    if (keep)
        asm_store(&e->a, 8, at_state(e->map->offset[RDX]), RDX);
    else
        evict(e, RDX, IR_NONE);
    if (b.kind == OP_MEM)
        asm_group_m(&e->a, 0xf7, digit, size, b.m, 0, false);
    else
        asm_group_r(&e->a, 0xf7, digit, size, b.reg);
    own(e);
    settle(e, (ir_ref)e->i, RAX, size >= 4);
    restore_rdx(e, size >= 4);
}

static void multiply_wide(struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    if (v->second == NO_INSN && (!v->port_mask || (in->op == IR_SMULF && in->type != IR_I8)))
        emit_multiply(e, in);
    else if (in->type == IR_I8)
        multiply_byte(e, in);
    else
        multiply_full(e, in);
}

static void divide_byte(struct emitter *e, const struct ir_insn *in)
{
    gpr_in(e, in->arg[1], RAX);
    gpr_in(e, in->arg[0], RCX);
    clobber(e);
    asm_movzx_rr(&e->a, 1, RAX, RAX);
    asm_shift_ri(&e->a, SH_SHL, 4, RCX, 8);
    asm_alu_rr(&e->a, ALU_OR, 4, RAX, RCX);
    e->pins = 1u << RAX;
    struct opnd d = operand(e, in->arg[2], 1, OK_MEM);
    if (d.kind == OP_MEM)
        asm_group_m(&e->a, 0xf7, in->op == IR_DIVU ? 6 : 7, 1, d.m, 0, false);
    else
        asm_group_r(&e->a, 0xf7, in->op == IR_DIVU ? 6 : 7, 1, d.reg);
    settle(e, (ir_ref)e->i, RAX, false);
    if (e->v[e->i].second == NO_INSN)
        return;
    e->pins = 1u << RAX;
    unsigned rem = alloc_gpr(e);
    asm_rr(&e->a, OP_0F(0xb6), 4, rem, 4 /* ah */);
    settle_second(e, rem, true);
}

static struct opnd divisor(struct emitter *e, ir_ref d, ir_ref hi, unsigned size)
{
    struct opnd o = operand(e, d, size, OK_MEM);
    bool in_rdx = o.kind == OP_REG ? o.reg == RDX : o.m.base == RDX || o.m.index == RDX;
    if (!in_rdx || (e->v[hi].reg == RDX && (e->v[hi].where == IN_CONST || (e->v[hi].where == IN_GPR && !e->v[hi].add))))
        return o;
    evict_scratch(e, RCX);
    pin(e, RCX);
    if (o.kind == OP_MEM)
        asm_load(&e->a, size < 4 ? 4 : size, RCX, o.m);
    else
        asm_mov_rr(&e->a, 8, RCX, RDX);
    return (struct opnd){ .kind = OP_REG, .reg = RCX };
}

/* The divide may fault, with rdx already changed: its guest value is in the state then, and the map says so. */
static void divide(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), digit = in->op == IR_DIVU ? 6 : 7;
    ir_ref hi = in->arg[0];
    const struct value *h = &e->v[hi];
    pin(e, RDX);
    gpr_in(e, in->arg[1], RAX);
    struct opnd d = divisor(e, in->arg[2], hi, size);
    bool there = h->reg == RDX && (h->where == IN_CONST || (h->where == IN_GPR && !h->add));
    bool mapped = e->map->offset[RDX] >= 0;
    clobber(e);
    evict(e, RDX, IR_NONE);
    if (mapped && (!there || !second_to_rdx(e))) {
        asm_store(&e->a, 8, at_state(e->map->offset[RDX]), RDX);
        e->map_flags |= MAP_RDX_SAVED;
        map_here(e);
    }
    if (!there)
        into_low(e, hi, RDX, size);
    if (d.kind == OP_MEM)
        asm_group_m(&e->a, 0xf7, digit, size, d.m, 0, false);
    else
        asm_group_r(&e->a, 0xf7, digit, size, d.reg);
    settle(e, (ir_ref)e->i, RAX, size >= 4);
    restore_rdx(e, size >= 4);
    if (e->map_flags & MAP_RDX_SAVED) {
        e->map_flags &= (uint8_t)~MAP_RDX_SAVED;
        map_here(e);
    }
}

bool emit_wide(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR:
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF: case IR_RCLF: case IR_RCRF: shift(e, in); break;
    case IR_SHLDF: case IR_SHRDF: shift_double(e, in); break;
    case IR_UMULF: case IR_SMULF: multiply_wide(e, in); break;
    case IR_DIVU: case IR_DIVS:
        need_map(e);
        in->type == IR_I8 ? divide_byte(e, in) : divide(e, in);
        break;
    case IR_SECOND: break;                              /* its first has settled it */
    default: return false;
    }
    return true;
}
