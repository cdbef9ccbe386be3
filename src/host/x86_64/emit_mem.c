/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_mem.c: guest memory. The host has the guest's own memory model (TSO): loads and stores are plain, and only locked instructions and fences
 * are more. Misaligned accesses behave as the guest's.
 */
#include "host/x86_64/emit.h"

static bool in_scratch(unsigned reg) { return reg == RAX || reg == RCX; }
static bool is_vector(unsigned t) { return t == IR_V128; }

/* --- loads and stores --- */

static void load(struct emitter *e, const struct ir_insn *in)
{
    struct asm_mem m = address(e, in->arg[0]);
    if (is_vector(in->type)) {
        unsigned x = dst_xmm(e);
        asm_rm(&e->a, in->aux & IR_MEM_ALIGNED ? OP_0F(0x28) : OP_0F(0x10), 4, x, m, 0);
        result_xmm(e, x);
        return;
    }
    if (!is_gpr_type(in->type)) {
        fail(e, "load");
        return;
    }
    unsigned dst = dst_gpr_low(e), size = type_size(in->type);
    bool narrow = e->v[e->i].narrow;
    narrow ? asm_load(&e->a, size, dst, m) : asm_movzx_rm(&e->a, size, dst, m);
    settle(e, (ir_ref)e->i, dst, !narrow);
}

static void store_rmw(struct emitter *e, const struct ir_insn *in)
{
    const struct ir_insn *op = insn(e, in->arg[1]);
    unsigned n_args = ir_op_info[op->op].n_args;
    switch (op->op) {
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR:
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF:
        emit_shift_mem(e, op, in->arg[0]);
        break;
    default:
        emit_rmw(e, op, in->arg[0], n_args == 1 ? IR_NONE : e->v[op->arg[0]].done ? op->arg[1] : op->arg[0], false);
    }
}

static void store(struct emitter *e, const struct ir_insn *in)
{
    if (e->v[e->i].rmw) {
        store_rmw(e, in);
        return;
    }
    unsigned size = type_size(in->type);
    struct asm_mem m = address(e, in->arg[0]);
    if (is_vector(in->type)) {
        asm_rm(&e->a, in->aux & IR_MEM_ALIGNED ? OP_0F(0x29) : OP_0F(0x11), 4, xmm_of(e, in->arg[1]), m, 0);
    } else if (is_gpr_type(in->type)) {
        struct opnd o = operand(e, in->arg[1], size, OK_IMM);
        o.kind == OP_IMM ? asm_store_imm(&e->a, size, m, o.imm) : asm_store(&e->a, size, m, o.reg);
    } else
        fail(e, "store");
}

static void load_low(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->lane);
    struct asm_mem m = address(e, in->arg[0]);
    if (size < 4) {
        unsigned r = alloc_gpr(e);
        asm_movzx_rm(&e->a, size, r, m);
        unsigned x = dst_xmm(e);
        asm_rr(&e->a, OP_0F(0x6e) | P_66, 4, x, r);
        result_xmm(e, x);
        return;
    }
    unsigned x = dst_xmm(e);
    unsigned op = in->lane == IR_F32 ? OP_0F(0x10) | P_F3 : in->lane == IR_F64 ? OP_0F(0x10) | P_F2
                : in->lane == IR_I32 ? OP_0F(0x6e) | P_66 : OP_0F(0x7e) | P_F3;
    asm_rm(&e->a, op, 4, x, m, 0);
    result_xmm(e, x);
}

static void store_low(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->lane);
    struct asm_mem m = address(e, in->arg[0]);
    unsigned x = xmm_of(e, in->arg[1]);
    static const unsigned op[IR_N_TYPES] = { [IR_F32] = OP_0F(0x11) | P_F3, [IR_F64] = OP_0F(0x11) | P_F2, [IR_I32] = OP_0F(0x7e) | P_66,
                                             [IR_I64] = OP_0F(0xd6) | P_66, [IR_I8] = OP_0F3A(0x14) | P_66, [IR_I16] = OP_0F3A(0x15) | P_66 };
    asm_rm(&e->a, op[in->lane], 4, x, m, size < 4);
    if (size < 4)
        asm_u8(&e->a, 0);
}

/* --- locked operations --- */

/* An address that needs neither rax nor rcx, which are free then. */
static struct asm_mem address_apart(struct emitter *e, ir_ref addr)
{
    struct asm_mem m = address(e, addr);
    if (m.kind == AT_REGS && ((m.base != NO_REG && in_scratch(m.base)) || (m.index != NO_REG && in_scratch(m.index)))) {
        unsigned r = borrow_gpr(e);
        asm_lea(&e->a, 8, r, m);
        m = at_reg(r, 0);
    }
    return m;
}

/* old value wanted, and no instruction that gives it: compare and exchange until it holds */
static void atomic_loop(struct emitter *e, const struct ir_insn *in)
{
    static const uint8_t op[] = { [IR_AADD] = ALU_ADD, [IR_AAND] = ALU_AND, [IR_AOR] = ALU_OR, [IR_AXOR] = ALU_XOR };
    unsigned size = type_size(in->type);
    struct opnd b = operand(e, in->arg[1], size, OK_IMM);
    if (b.kind == OP_REG && in_scratch(b.reg)) {
        if (e->v[in->arg[0]].where == IN_GPR)
            pin(e, e->v[in->arg[0]].reg);
        int32_t at = alloc_spill(e, e->i);
        asm_store(&e->a, 8, at_state(at), b.reg);
        e->pins &= ~(1u << b.reg);
        b = (struct opnd){ .kind = OP_MEM, .m = at_state(at) };
    }
    struct asm_mem m = address_apart(e, in->arg[0]);
    e->pins &= ~(1u << RAX | 1u << RCX);
    evict_scratch(e, RAX);
    pin(e, RAX);
    evict_scratch(e, RCX);
    clobber(e);
    asm_load(&e->a, size, RAX, m);
    uint8_t *again = e->a.p;
    asm_mov_rr(&e->a, 8, RCX, RAX);
    if (b.kind == OP_IMM)
        asm_alu_ri(&e->a, (enum alu)op[in->op], size, RCX, b.imm);
    else if (b.kind == OP_MEM)
        asm_alu_rm(&e->a, (enum alu)op[in->op], size, RCX, b.m);
    else
        asm_alu_rr(&e->a, (enum alu)op[in->op], size, RCX, b.reg);
    asm_rm(&e->a, (size == 1 ? OP_0F(0xb0) | REG8 : OP_0F(0xb1)) | LOCK, size, RCX, m, 0);
    uint8_t *back = asm_jcc_short(&e->a, CC_NE);
    *back = (uint8_t)(again - (back + 1));
    settle(e, (ir_ref)e->i, RAX, size == 8);
}

/* The locked instruction's operation as an IR instruction without old value: the user whose flags it gives, or just itself. */
static void atomic_plain(struct emitter *e, const struct ir_insn *in)
{
    static const uint8_t op[] = { [IR_AADD] = ALU_ADD, [IR_AAND] = ALU_AND, [IR_AOR] = ALU_OR, [IR_AXOR] = ALU_XOR };
    struct value *v = &e->v[e->i];
    if (v->fused) {
        const struct ir_insn *user = insn(e, v->user);
        unsigned n = ir_op_info[user->op].n_args;
        emit_rmw(e, user, in->arg[0], n == 1 ? IR_NONE : user->arg[0] == e->i ? user->arg[1] : user->arg[0], true);
        return;
    }
    unsigned size = type_size(in->type);
    struct asm_mem m = address(e, in->arg[0]);
    struct opnd b = operand(e, in->arg[1], size, OK_IMM);
    clobber(e);
    if (b.kind == OP_IMM)
        asm_alu_mi(&e->a, (enum alu)op[in->op], size, m, b.imm, true);
    else
        asm_alu_mr(&e->a, (enum alu)op[in->op], size, m, b.reg, true);
}

static void atomic_exchange(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type);
    struct asm_mem m = address(e, in->arg[0]);
    unsigned r = alloc_gpr(e);
    into(e, in->arg[1], r, size);
    if (in->op == IR_AADD) {
        clobber(e);
        asm_rm(&e->a, (size == 1 ? OP_0F(0xc0) | REG8 : OP_0F(0xc1)) | LOCK, size, r, m, 0);
    } else
        asm_rm(&e->a, size == 1 ? 0x86 | REG8 : 0x87, size, r, m, 0);
    settle(e, (ir_ref)e->i, r, size >= 4);
}

static void compare_exchange(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), r;
    gpr_in(e, in->arg[1], RAX);
    struct asm_mem m = address(e, in->arg[0]);
    const struct value *new = &e->v[in->arg[2]];
    bool there = new->reg != NO_REG && ((new->where == IN_GPR && !new->add) || new->where == IN_CONST);
    if (there || !(e->pins >> RCX & 1)) {
        r = gpr_of(e, in->arg[2]);
    } else {
        r = borrow_gpr(e);
        into(e, in->arg[2], r, size);
    }
    clobber(e);
    asm_rm(&e->a, (size == 1 ? OP_0F(0xb0) | REG8 : OP_0F(0xb1)) | LOCK, size, r, m, 0);
    if (e->v[e->i].fused)
        own_by(e, e->v[e->i].user);
    settle(e, (ir_ref)e->i, RAX, size == 8);
}

/* --- 16 bytes --- */

static void store_half(struct emitter *e, ir_ref r, unsigned at)
{
    uint32_t pins = e->pins;
    asm_store(&e->a, 8, at_state(spill_at(e, at)), gpr_of(e, r));
    e->pins = pins;
}

static const ir_ref *halves(struct emitter *e, ir_ref r)
{
    if (insn(e, r)->op != IR_PAIR)
        fail(e, "cas i128");
    return insn(e, r)->arg;
}

/* All four registers of cmpxchg16b are loaded from the spill area: it is slow anyway. */
static void compare_exchange_16(struct emitter *e, const struct ir_insn *in)
{
    const ir_ref *expected = halves(e, in->arg[1]), *new = halves(e, in->arg[2]);
    if (e->error)
        return;
    store_half(e, expected[0], SPILL_ARGS);
    store_half(e, expected[1], SPILL_ARGS + 8);
    store_half(e, new[0], SPILL_ARGS + 16);
    store_half(e, new[1], SPILL_ARGS + 24);
    const unsigned fixed = 1u << RAX | 1u << RCX | 1u << RDX | 1u << RBX;
    e->pins |= 1u << RDX | 1u << RBX;
    struct asm_mem m = address(e, in->arg[0]);
    if (m.kind == AT_REGS && ((m.base != NO_REG && fixed >> m.base & 1) || (m.index != NO_REG && fixed >> m.index & 1))) {
        e->pins |= fixed;
        unsigned r = borrow_beside(e, e->i + 1);
        asm_lea(&e->a, 8, r, m);
        m = at_reg(r, 0);
    }
    e->pins &= ~fixed;
    evict_scratch(e, RAX);
    pin(e, RAX);
    evict_scratch(e, RCX);
    clobber(e);
    e->map_flags |= MAP_RDX_SAVED | MAP_RBX_SAVED;
    asm_store(&e->a, 8, at_state(e->map->offset[RDX]), RDX);
    asm_store(&e->a, 8, at_state(e->map->offset[RBX]), RBX);
    map_here(e);
    static const uint8_t order[] = { RAX, RDX, RBX, RCX };
    for (unsigned k = 0; k < 4; k++)
        asm_load(&e->a, 8, order[k], at_state(spill_at(e, SPILL_ARGS + k * 8)));
    asm_rm(&e->a, OP_0F(0xc7) | LOCK, 8, 1, m, 0);
    int32_t home = alloc_spill(e, e->v[e->i].last);
    asm_store(&e->a, 8, at_state(home), RAX);
    asm_store(&e->a, 8, at_state(home + 8), RDX);
    asm_load(&e->a, 8, RDX, at_state(e->map->offset[RDX]));
    asm_load(&e->a, 8, RBX, at_state(e->map->offset[RBX]));
    e->map_flags &= (uint8_t)~(MAP_RDX_SAVED | MAP_RBX_SAVED);
    map_here(e);
    in_state(e, (ir_ref)e->i, home);
}

static void fence(struct emitter *e, unsigned kind)
{
    static const uint8_t modrm[] = { 0xf0, 0xe8, 0xf8 };
    asm_u16(&e->a, 0xae0f);
    asm_u8(&e->a, modrm[kind < 3 ? kind : 0]);
}

static void prefetch(struct emitter *e, const struct ir_insn *in)
{
    static const uint8_t reg[] = { 1, 2, 3, 0, 1 };
    struct asm_mem m = address(e, in->arg[0]);
    asm_rm(&e->a, in->aux == IR_PREFETCH_WRITE ? OP_0F(0x0d) : OP_0F(0x18), 4, reg[in->aux], m, 0);
}

bool emit_mem(struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    if (ir_op_info[in->op].props & IR_P_X && in->op != IR_DIVU && in->op != IR_DIVS)
        need_map(e);
    switch (in->op) {
    case IR_LOAD: load(e, in); break;
    case IR_STORE: store(e, in); break;
    case IR_VLOADL: load_low(e, in); break;
    case IR_VSTOREL: store_low(e, in); break;
    case IR_AADD:
        !v->uses || v->fused ? atomic_plain(e, in) : atomic_exchange(e, in);
        break;
    case IR_AAND: case IR_AOR: case IR_AXOR:
        !v->uses || v->fused ? atomic_plain(e, in) : atomic_loop(e, in);
        break;
    case IR_AXCHG: atomic_exchange(e, in); break;
    case IR_CAS: in->type == IR_I128 ? compare_exchange_16(e, in) : compare_exchange(e, in); break;
    case IR_FENCE: fence(e, in->aux); break;
    case IR_PREFETCH: prefetch(e, in); break;
    default: return false;
    }
    return true;
}
