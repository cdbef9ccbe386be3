/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_int.c: integer operations with one or two operands. Each tries to be the one host instruction that the guest's own was: in place in the
 * register that its PUT names, with a memory operand or an immediate where the guest had one.
 */
#include "host/x86_64/emit.h"
#include "ir/helpers.h"

const struct opnd no_opnd = { .kind = OP_IMM };

static unsigned reg_holding(const struct emitter *e, ir_ref r)
{
    const struct value *v = &e->v[r];
    return v->where == IN_GPR && !v->add ? v->reg : NO_REG;
}

static bool uses_reg(const struct opnd *b, unsigned reg)
{
    return (b->kind == OP_REG && b->reg == reg) || (b->kind == OP_MEM && (b->m.base == reg || b->m.index == reg));
}

/* may the scratch register of r be overwritten? */
static bool dies(const struct emitter *e, ir_ref r)
{
    for (uint16_t k = e->head[e->v[r].reg]; k != NO_INSN; k = e->v[k].next)
        if (e->v[k].where == IN_GPR && live(e, k))
            return false;
    return true;
}

void result(struct emitter *e, unsigned reg)
{
    unsigned t = insn(e, (ir_ref)e->i)->type;
    settle(e, (ir_ref)e->i, reg, t == IR_I64 || t == IR_I32);
}

/* A folded load may fault: then nothing may have been written (X1), so it goes with a mapped register only in place. */
unsigned two_address(struct emitter *e, ir_ref a, const struct opnd *b, unsigned size)
{
    struct value *v = &e->v[e->i];
    if (v->hint != NO_REG && v->hint == e->map->stack_reg && e->stack_add) {
        if (b->kind == OP_REG ? b->reg == v->hint : b->kind == OP_MEM && (b->m.base == v->hint || b->m.index == v->hint))
            v->hint = NO_REG;                           /* flushing would change the operand */
        else
            flush_stack(e);
    }
    if (e->v[a].where == IN_GPR && e->v[a].add)
        gpr_of(e, a);                                   /* evict may count it from the result */
    unsigned at = reg_holding(e, a), hint = v->hint == RCX && e->pins >> RCX & 1 ? NO_REG : v->hint;
    if (hint != NO_REG && (at == hint || (!uses_reg(b, hint) && !b->faults))) {
        evict(e, hint, (ir_ref)e->i);
        pin(e, hint);
        if (at != hint)
            v->narrow ? into_low(e, a, hint, size) : into(e, a, hint, size);
        return hint;
    }
    v->hint = NO_REG;
    v->narrow = false;
    if ((at == RAX || at == RCX) && dies(e, a)) {
        pin(e, at);
        return at;
    }
    unsigned r = alloc_gpr(e);
    into(e, a, r, size);
    return r;
}

static void alu(struct emitter *e, enum alu op, unsigned size, unsigned dst, const struct opnd *b)
{
    uint8_t *start = e->a.p;
    if (b->kind == OP_IMM)
        asm_alu_ri(&e->a, op, size, dst, b->imm);
    else if (b->kind == OP_MEM)
        asm_alu_rm(&e->a, op, size, dst, b->m);
    else
        asm_alu_rr(&e->a, op, size, dst, b->reg);
    e->fuse = b->kind == OP_MEM && b->m.kind == AT_RIP ? NULL : start;
    e->fuse_end = e->a.p;
}

static bool is_load(const struct emitter *e, ir_ref r) { return e->v[r].where == LATER && insn(e, r)->op == IR_LOAD; }

static bool better_swapped(const struct emitter *e, ir_ref a, ir_ref b)
{
    unsigned hint = e->v[e->i].hint, at_a = reg_holding(e, a), at_b = reg_holding(e, b);
    if (hint != NO_REG && (at_a == hint || at_b == hint))
        return at_b == hint && at_a != hint;
    if (hint != NO_REG && is_load(e, b) && !is_load(e, a))
        return true;                                    /* mov hint, [mem]; op hint, a */
    if (hint == NO_REG && is_load(e, a) && !is_load(e, b) && (at_b == RAX || at_b == RCX) && dies(e, b))
        return true;
    if (at_a != RAX && at_a != RCX && (at_b == RAX || at_b == RCX) && dies(e, b))
        return hint == NO_REG;
    return e->v[a].where == IN_CONST && e->v[b].where != IN_CONST;
}

/* sums without flags: lea where it saves a move or the flags */
static bool try_lea(struct emitter *e, const struct ir_insn *in, ir_ref a, ir_ref b)
{
    unsigned at = reg_holding(e, a), at_b = reg_holding(e, b), hint = e->v[e->i].hint;
    int64_t c = 0;
    bool imm = is_const(e, b, &c);
    if ((in->type != IR_I64 && in->type != IR_I32) || at == NO_REG || (imm ? !fits_i32(c) || c == INT32_MIN : at_b == NO_REG))
        return false;
    bool sub = in->op == IR_SUB || in->op == IR_SUBF;
    if (sub && !imm)
        return false;
    bool in_place = hint != NO_REG ? at == hint || (at_b == hint && !imm) : (at == RAX || at == RCX) && dies(e, a);
    if (in_place && !(e->owner != NO_INSN && port_needed(e, e->owner)))
        return false;
    unsigned dst = dst_gpr(e);
    asm_lea(&e->a, type_size(in->type), dst, imm ? at_reg(at, (int32_t)(sub ? -c : c))
                                                 : (struct asm_mem){ AT_REGS, (uint8_t)at, (uint8_t)at_b, 0, 0, 0 });
    result(e, dst);
    return true;
}

static void binary(struct emitter *e, const struct ir_insn *in, enum alu op, bool commutes)
{
    const struct value *v = &e->v[e->i];
    ir_ref a = in->arg[0], b = in->arg[1];
    unsigned size = type_size(in->type);
    bool carry = op == ALU_ADC || op == ALU_SBB;
    if (!v->uses && (op == ALU_SUB || op == ALU_AND) && v->port_mask) {
        emit_compare(e, a, b, op == ALU_AND, v->port_mask & IR_F_A);
        own(e);
        return;
    }
    if (carry)
        prepare_carry(e, in->arg[2]);
    if (commutes && better_swapped(e, a, b)) {
        ir_ref swap = a;
        a = b;
        b = swap;
    }
    if ((op == ALU_ADD || op == ALU_SUB) && !v->port_mask && try_lea(e, in, a, b))
        return;
    struct opnd o = operand(e, b, size, OK_IMM | OK_MEM);
    unsigned dst = two_address(e, a, &o, size);
    if (carry)
        carry_in(e, in->arg[2]);
    else
        clobber(e);
    alu(e, op, size, dst, &o);
    result(e, dst);
    own(e);
}

static const struct { uint8_t byte, digit; } unary_form[] = {
    [IR_NOT] = { 0xf7, 2 }, [IR_NEG] = { 0xf7, 3 }, [IR_NEGF] = { 0xf7, 3 }, [IR_INCF] = { 0xff, 0 }, [IR_DECF] = { 0xff, 1 },
};

/* INC and DEC leave C alone: let EFLAGS have the state's when a PUTF will keep it */
static void flags_before_unary(struct emitter *e, const struct ir_insn *in)
{
    bool has_carry = e->ef_state & IR_F_C;
    if (in->op == IR_NOT)
        return;
    clobber(e);
    if (!e->v[in - e->b->insn].restore || has_carry)
        return;
    asm_rm(&e->a, OP_0F(0xba), 2, 4, at_state((int32_t)e->o->flags), 1);
    asm_u8(&e->a, 8);
}

static void unary(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), dst = two_address(e, in->arg[0], &no_opnd, size);
    flags_before_unary(e, in);
    uint8_t *start = e->a.p;
    asm_group_r(&e->a, unary_form[in->op].byte, unary_form[in->op].digit, size, dst);
    if (in->op != IR_NOT) {
        e->fuse = start;
        e->fuse_end = e->a.p;
        own(e);
    }
    if (in->type == IR_I1) {
        clobber(e);
        asm_alu_ri(&e->a, ALU_AND, 4, dst, 1);
    }
    result(e, dst);
}

/* --- the same on memory: STORE of an operation on what a LOAD of the same address gave; in: the operation --- */

static const uint8_t alu_of[IR_N_OPS] = {
    [IR_ADD] = ALU_ADD, [IR_ADDF] = ALU_ADD, [IR_SUB] = ALU_SUB, [IR_SUBF] = ALU_SUB, [IR_ADCF] = ALU_ADC, [IR_SBBF] = ALU_SBB, [IR_AND] = ALU_AND,
    [IR_ANDF] = ALU_AND, [IR_OR] = ALU_OR, [IR_ORF] = ALU_OR, [IR_XOR] = ALU_XOR, [IR_XORF] = ALU_XOR,
};

static void alu_mem(struct emitter *e, enum alu op, unsigned size, struct asm_mem m, const struct opnd *b, bool lock)
{
    if (b->kind == OP_IMM)
        asm_alu_mi(&e->a, op, size, m, b->imm, lock);
    else
        asm_alu_mr(&e->a, op, size, m, b->reg, lock);
}

void emit_rmw(struct emitter *e, const struct ir_insn *in, ir_ref addr, ir_ref other, bool lock)
{
    unsigned size = type_size(in->type), index = (unsigned)(in - e->b->insn);
    if (in->op == IR_ADCF || in->op == IR_SBBF)
        prepare_carry(e, in->arg[2]);
    struct asm_mem m = address(e, addr);
    if (other == IR_NONE) {
        flags_before_unary(e, in);
        asm_group_m(&e->a, unary_form[in->op].byte, unary_form[in->op].digit, size, m, 0, lock);
        if (in->op == IR_NOT)
            return;
    } else {
        struct opnd b = operand(e, other, size, OK_IMM);
        if (in->op == IR_ADCF || in->op == IR_SBBF)
            carry_in(e, in->arg[2]);
        else
            clobber(e);
        alu_mem(e, (enum alu)alu_of[in->op], size, m, &b, lock);
    }
    own_by(e, index);
}

/* --- widths --- */

static void zext_cond(struct emitter *e, const struct ir_insn *in, ir_ref a)
{
    unsigned dst = in->type == IR_I8 ? dst_gpr_low(e) : dst_gpr(e);
    setcc_into(e, a, dst);
    if (in->type != IR_I8)
        asm_movzx_rr(&e->a, 1, dst, dst);
    settle(e, (ir_ref)e->i, dst, in->type != IR_I8);
}

static void zext(struct emitter *e, const struct ir_insn *in)
{
    ir_ref a = in->arg[0];
    const struct value *v = &e->v[a];
    unsigned from = type_size(insn(e, a)->type), op = insn(e, a)->op, dst;
    if (in->type == IR_I128) {
        fail(e, "zext to i128");
        return;
    }
    if (v->where == IN_GPR && !v->add && (v->clean || from == type_size(in->type))) {
        share(e, (ir_ref)e->i, v->reg, v->clean, 0);
    } else if (v->where == LATER && op != IR_LOAD && op != IR_LEA) {
        zext_cond(e, in, a);
    } else if (v->where == LATER && op == IR_LOAD) {
        struct asm_mem m = address(e, insn(e, a)->arg[0]);
        dst = dst_gpr(e);
        asm_movzx_rm(&e->a, from, dst, m);
        settle(e, (ir_ref)e->i, dst, true);
    } else if (v->where == IN_GPR && !v->add) {
        unsigned src = v->reg;
        dst = dst_gpr(e);
        asm_movzx_rr(&e->a, from, dst, src);
        settle(e, (ir_ref)e->i, dst, true);
    } else {
        if (e->v[e->i].narrow)
            e->v[e->i].hint = NO_REG;
        dst = two_address(e, a, &no_opnd, from);
        if (v->where == IN_GPR && from < 4)
            asm_movzx_rr(&e->a, from, dst, dst);
        settle(e, (ir_ref)e->i, dst, true);
        if (v->where == LATER && live(e, a))
            share(e, a, dst, true, 0);                  /* look.c counts on it: the sum's parts need not live on */
    }
}

static void sext(struct emitter *e, const struct ir_insn *in)
{
    ir_ref a = in->arg[0];
    unsigned from = type_size(insn(e, a)->type), to = type_size(in->type);
    if (insn(e, a)->type == IR_I1) {
        unsigned dst = two_address(e, a, &no_opnd, 1);
        clobber(e);
        asm_alu_ri(&e->a, ALU_AND, 4, dst, 1);
        asm_group_r(&e->a, 0xf7, 3, to, dst);
        result(e, dst);
        return;
    }
    struct opnd o = operand(e, a, from, OK_MEM);
    unsigned dst = dst_gpr_low(e);
    if (o.kind == OP_MEM)
        asm_movsx_rm(&e->a, from, to, dst, o.m);
    else
        asm_movsx_rr(&e->a, from, to, dst, o.reg);
    result(e, dst);
}

static void narrow_int(struct emitter *e, const struct ir_insn *in)
{
    ir_ref a = in->arg[0];
    const struct value *v = &e->v[a];
    if (v->where == IN_STATE) {
        in_state(e, (ir_ref)e->i, v->home);
        return;
    }
    if (v->where != IN_GPR)
        gpr_of(e, a);
    if (in->type == IR_I1) {
        unsigned dst = two_address(e, a, &no_opnd, 1);
        clobber(e);
        asm_alu_ri(&e->a, ALU_AND, 4, dst, 1);
        settle(e, (ir_ref)e->i, dst, true);
        return;
    }
    share(e, (ir_ref)e->i, v->reg, false, v->where == IN_GPR ? v->add : 0);
}

/* --- select --- */

static void select_gpr(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type) < 4 ? 4 : type_size(in->type);
    ir_ref yes = in->arg[1], no = in->arg[2];
    struct value *v = &e->v[e->i];
    if (v->narrow)
        v->hint = NO_REG;
    v->narrow = false;
    if (in->type == IR_I1) {
        gpr_of(e, yes);
        gpr_of(e, no);
    }
    enum cc cc = flags_for(e, in->arg[0]);
    if (v->hint != NO_REG ? reg_holding(e, yes) == v->hint : reg_holding(e, no) == NO_REG && reg_holding(e, yes) != NO_REG && !is_load(e, no)) {
        yes = in->arg[2];
        no = in->arg[1];
        cc ^= 1;
    }
    struct opnd y = operand(e, yes, type_size(in->type), size == type_size(in->type) ? OK_MEM : 0);
    unsigned dst = two_address(e, no, &y, type_size(in->type));
    if (y.kind == OP_MEM)
        asm_rm(&e->a, OP_0F(0x40 + cc), size, dst, y.m, 0);
    else
        asm_rr(&e->a, OP_0F(0x40 + cc), size, dst, y.reg);
    result(e, dst);
}

/* --- bits --- */

/* operand of an instruction without narrow forms: a register, zero-extended if need be */
static struct opnd wide_operand(struct emitter *e, ir_ref a, unsigned size)
{
    if (size >= 4)
        return operand(e, a, size, OK_MEM);
    unsigned r = alloc_gpr(e);
    into(e, a, r, size);
    asm_movzx_rr(&e->a, size, r, r);
    return (struct opnd){ .kind = OP_REG, .reg = (uint8_t)r };
}

static void bit_op(struct emitter *e, unsigned op, unsigned size, unsigned dst, const struct opnd *o)
{
    if (o->kind == OP_MEM)
        asm_rm(&e->a, op, size, dst, o->m, 0);
    else
        asm_rr(&e->a, op, size, dst, o->reg);
}

/* bsf and bsr leave the destination undefined for 0: select the answer */
static void scan_fallback(struct emitter *e, bool leading, unsigned size, unsigned dst, const struct opnd *o)
{
    unsigned width = size * 8, spare = alloc_gpr(e);
    asm_mov_imm(&e->a, spare, leading ? 2 * width - 1 : width);
    bit_op(e, OP_0F(leading ? 0xbd : 0xbc), size, dst, o);
    asm_rr(&e->a, OP_0F(0x44), size, dst, spare);
    if (leading)
        asm_alu_ri(&e->a, ALU_XOR, size, dst, (int32_t)width - 1);
}

static void stop_bit(struct emitter *e, unsigned reg, unsigned bit)
{
    asm_rr(&e->a, OP_0F(0xba), 4, 5, reg);               /* bts */
    asm_u8(&e->a, bit);
}

static void count_bits(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), wide = size < 4 ? 4 : size;
    bool leading = in->op == IR_CLZ;
    struct opnd o = wide_operand(e, in->arg[0], size);
    clobber(e);
    if (in->op == IR_CTZ && size < 4)
        stop_bit(e, o.reg, size * 8);
    unsigned dst = size < 4 ? o.reg : dst_gpr(e);
    if (in->op == IR_POPCNT)
        bit_op(e, OP_0F(0xb8) | P_F3, wide, dst, &o);
    else if (feature(e, leading ? FEATURE_LZCNT : FEATURE_BMI1))
        bit_op(e, OP_0F(leading ? 0xbd : 0xbc) | P_F3, wide, dst, &o);
    else
        scan_fallback(e, leading, wide, dst, &o);
    if (leading && size < 4)
        asm_alu_ri(&e->a, ALU_SUB, 4, dst, 32 - (int32_t)size * 8);
    settle(e, (ir_ref)e->i, dst, true);
}

static void bswap(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), dst = two_address(e, in->arg[0], &no_opnd, size);
    if (size == 2) {
        clobber(e);
        asm_shift_ri(&e->a, SH_ROL, 2, dst, 8);
    } else if (size > 2)
        asm_bswap(&e->a, size, dst);
    result(e, dst);
}

static void bit_test(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), a = gpr_of(e, in->arg[0]);
    struct opnd b = operand(e, in->arg[1], size, OK_IMM);
    clobber(e);
    if (b.kind == OP_IMM) {
        asm_rr(&e->a, OP_0F(0xba), size < 2 ? 4 : size, 4, a);
        asm_u8(&e->a, (unsigned)b.imm & (size * 8 - 1));
    } else if (size >= 2)
        asm_rr(&e->a, OP_0F(0xa3), size, b.reg, a);
    else
        fail(e, "btf i8");
    own(e);
    if (e->v[e->i].uses)
        share(e, (ir_ref)e->i, a, false, 0);
    e->v[e->i].clean = in->type == IR_I64;
}

static void crc(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(insn(e, in->arg[1])->type);
    struct opnd b = operand(e, in->arg[1], size, OK_MEM);
    unsigned dst = two_address(e, in->arg[0], &b, 4), op = (size == 1 ? OP_0F38(0xf0) | RM8 : OP_0F38(0xf1)) | P_F2;
    bit_op(e, op, size, dst, &b);
    result(e, dst);
}

/* for processors without BMI2 */
static uint64_t pext(void *state, uint64_t a, uint64_t mask, uint64_t c, uint64_t d)
{
    uint64_t r = 0;
    for (unsigned k = 0; mask; mask &= mask - 1, k++)
        r |= (a >> __builtin_ctzll(mask) & 1) << k;
    return r;
}
static uint64_t pdep(void *state, uint64_t a, uint64_t mask, uint64_t c, uint64_t d)
{
    uint64_t r = 0;
    for (; mask; mask &= mask - 1, a >>= 1)
        r |= (a & 1) << __builtin_ctzll(mask);
    return r;
}

static void deposit(struct emitter *e, const struct ir_insn *in)
{
    if (!feature(e, FEATURE_BMI2)) {
        static const struct ir_helper extract_bits = { "pext", pext, 2, IR_H_PURE }, deposit_bits = { "pdep", pdep, 2, IR_H_PURE };
        call_c(e, in, in->op == IR_PEXT ? &extract_bits : &deposit_bits);
        return;
    }
    unsigned a = gpr_of(e, in->arg[0]), b = gpr_of(e, in->arg[1]), dst = dst_gpr(e);
    asm_vex_rr(&e->a, 0xf5 | 0x200 | (in->op == IR_PEXT ? P_F3 : P_F2), type_size(in->type), dst, a, b);
    result(e, dst);
}

/* also SMULF, and UMULF without flags, when the high half is not wanted */
void emit_multiply(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), wide = size == 1 ? 4 : size;
    struct opnd b = operand(e, in->arg[1], wide, OK_IMM | (size == 1 ? 0 : OK_MEM));
    if (b.kind == OP_IMM) {
        unsigned a = gpr_of(e, in->arg[0]), dst = size < 4 ? dst_gpr(e) : dst_gpr_low(e);
        clobber(e);
        asm_rr(&e->a, b.imm == (int8_t)b.imm ? 0x6b : 0x69, wide, dst, a);
        b.imm == (int8_t)b.imm ? asm_u8(&e->a, (uint8_t)b.imm) : wide == 2 ? asm_u16(&e->a, (uint16_t)b.imm) : asm_u32(&e->a, (uint32_t)b.imm);
        result(e, dst);
    } else {
        if (size == 1)
            e->v[e->i].hint = NO_REG;
        unsigned dst = two_address(e, in->arg[0], &b, size);
        clobber(e);
        bit_op(e, OP_0F(0xaf), wide, dst, &b);
        result(e, dst);
    }
    own(e);
}

bool emit_int(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_ADD: case IR_ADDF: binary(e, in, ALU_ADD, true); break;
    case IR_SUB: case IR_SUBF: binary(e, in, ALU_SUB, false); break;
    case IR_ADCF: binary(e, in, ALU_ADC, true); break;
    case IR_SBBF: binary(e, in, ALU_SBB, false); break;
    case IR_AND: case IR_ANDF: binary(e, in, ALU_AND, true); break;
    case IR_OR:  case IR_ORF:  binary(e, in, ALU_OR, true); break;
    case IR_XOR: case IR_XORF: binary(e, in, ALU_XOR, true); break;
    case IR_NOT: case IR_NEG: case IR_NEGF: case IR_INCF: case IR_DECF: unary(e, in); break;
    case IR_MUL: emit_multiply(e, in); break;
    case IR_BSWAP: bswap(e, in); break;
    case IR_CLZ: case IR_CTZ: case IR_POPCNT: count_bits(e, in); break;
    case IR_PEXT: case IR_PDEP: deposit(e, in); break;
    case IR_CRC32C: crc(e, in); break;
    case IR_ZEXT: zext(e, in); break;
    case IR_SEXT: sext(e, in); break;
    case IR_TRUNC: narrow_int(e, in); break;
    case IR_SELECT: in->type >= IR_V128 ? emit_select_vector(e, in) : select_gpr(e, in); break;
    case IR_BTF: bit_test(e, in); break;
    case IR_MKF: emit_mkf(e, in); break;
    case IR_GETF: emit_getf(e); break;
    default: return false;
    }
    return true;
}
