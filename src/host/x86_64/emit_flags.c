/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_flags.c: flags live in EFLAGS from the instruction that makes them to the last one that reads them, which in compiled code are neighbours.
 * When something else must change EFLAGS in between, the port is saved as a packed word (lahf; seto al) and read from there. The state's flags
 * word has the same layout, so saving a port into the state is a store, and simple conditions are tests of a byte of it.
 */
#include "host/x86_64/emit.h"

enum { LAHF = 0x9f, SAHF = 0x9e };

static const uint16_t word_bit[6] = { IR_FLAG_C, IR_FLAG_P, IR_FLAG_A, IR_FLAG_Z, IR_FLAG_S, IR_FLAG_O };
static unsigned word_mask(unsigned mask)
{
    unsigned w = 0;
    for (unsigned k = 0; k < 6; k++)
        if (mask >> k & 1)
            w |= word_bit[k];
    return w;
}

bool port_needed(const struct emitter *e, unsigned i)
{
    const struct value *v = &e->v[i];
    return v->port_mask && (v->port_last > e->i || (v->port_last == e->i && !e->hold));
}

/* rax for a moment, whatever it holds */
static bool take_rax(struct emitter *e)
{
    if (scratch_free(e, RAX)) {
        evict_scratch(e, RAX);
        return false;
    }
    asm_store(&e->a, 8, at_state(spill_at(e, SPILL_RAX)), RAX);
    return true;
}
static void release_rax(struct emitter *e, bool saved)
{
    if (saved)
        asm_load(&e->a, 8, RAX, at_state(spill_at(e, SPILL_RAX)));
}

static void word_from_eflags(struct emitter *e, bool with_o)
{
    asm_u8(&e->a, LAHF);
    if (with_o)
        asm_setcc_r(&e->a, CC_O, RAX);
}

static void save_port(struct emitter *e, unsigned i)
{
    struct value *v = &e->v[i];
    if (v->port_home >= 0)
        return;
    v->port_home = alloc_spill(e, v->port_last);
    bool saved = take_rax(e);
    word_from_eflags(e, v->port_mask & IR_F_O);
    asm_store(&e->a, 2, at_state(v->port_home), RAX);
    release_rax(e, saved);
}

void clobber(struct emitter *e)
{
    if (e->owner != NO_INSN && port_needed(e, e->owner))
        save_port(e, e->owner);
    e->owner = NO_INSN;
    e->ef_state = 0;
    e->fuse = NULL;
    e->compared[0] = IR_NONE;
}

void own_by(struct emitter *e, unsigned i)
{
    e->owner = e->v[i].port_mask ? (uint16_t)i : NO_INSN;
    e->ef_state = 0;
}
void own(struct emitter *e) { own_by(e, e->i); }

/* EFLAGS from a packed word; only bit 0 of its low byte counts */
static void eflags_from_word(struct emitter *e, int32_t offset, bool with_o)
{
    bool saved = take_rax(e);
    if (with_o) {
        asm_movzx_rm(&e->a, 2, RAX, at_state(offset));
        asm_shift_ri(&e->a, SH_SHL, 1, RAX, 7);
        asm_alu_rr(&e->a, ALU_ADD, 1, RAX, RAX);
    } else
        asm_rm(&e->a, 0x8a, 4, 4 /* ah */, at_state(offset + 1), 0);
    asm_u8(&e->a, SAHF);
    release_rax(e, saved);
}

void restore_state_flags(struct emitter *e)
{
    if (e->ef_state == IR_F_ALL)
        return;
    clobber(e);
    eflags_from_word(e, (int32_t)e->o->flags, true);
    e->ef_state = IR_F_ALL;
}

/* --- conditions --- */

/* test of the packed word's bits that is enough for cc; 0: none is */
static unsigned bits_of_cc(unsigned cc)
{
    switch (cc & ~1u) {
    case IR_CC_O:  return IR_FLAG_O;
    case IR_CC_B:  return IR_FLAG_C;
    case IR_CC_E:  return IR_FLAG_Z;
    case IR_CC_BE: return IR_FLAG_C | IR_FLAG_Z;
    case IR_CC_S:  return IR_FLAG_S;
    case IR_CC_P:  return IR_FLAG_P;
    default:       return 0;
    }
}

static enum cc cc_from_word(struct emitter *e, int32_t offset, unsigned cc)
{
    unsigned bits = bits_of_cc(cc);
    clobber(e);
    if (!bits) {
        eflags_from_word(e, offset, true);
        return (enum cc)cc;
    }
    unsigned high = bits > 0xff;
    asm_test_mi(&e->a, 1, at_state(offset + (int32_t)high), (int32_t)(high ? bits >> 8 : bits));
    return cc & 1 ? CC_E : CC_NE;
}

/* the port of an MKF is its operand */
static void make_port_home(struct emitter *e, ir_ref port)
{
    struct value *v = &e->v[port];
    if (v->port_home >= 0)
        return;
    if (insn(e, port)->op != IR_MKF) {
        fail(e, "flags port is lost");
        return;
    }
    v->port_home = alloc_spill(e, v->port_last);
    uint32_t pins = e->pins;
    asm_store(&e->a, 2, at_state(v->port_home), gpr_of(e, insn(e, port)->arg[0]));
    e->pins = pins;
}

static enum cc cc_of_port(struct emitter *e, ir_ref port, unsigned cc)
{
    if (port == IR_NONE) {
        if (!(ir_cc_reads((enum ir_cc)cc) & ~e->ef_state))
            return (enum cc)cc;
        return cc_from_word(e, (int32_t)e->o->flags, cc);
    }
    if (port == e->owner)
        return (enum cc)cc;
    make_port_home(e, port);
    return cc_from_word(e, e->v[port].port_home, cc);
}

static void cmp_operands(struct emitter *e, unsigned size, const struct opnd *a, const struct opnd *b, bool is_test)
{
    static const struct opnd none;
    unsigned test = size == 1 ? 0x84 | RM8 | REG8 : 0x85;
    e->fuse = e->a.p;
    if (a->kind == OP_MEM && b->kind == OP_IMM)
        is_test ? asm_test_mi(&e->a, size, a->m, b->imm) : asm_alu_mi(&e->a, ALU_CMP, size, a->m, b->imm, false);
    else if (a->kind == OP_MEM)
        is_test ? asm_rm(&e->a, test, size, b->reg, a->m, 0) : asm_alu_mr(&e->a, ALU_CMP, size, a->m, b->reg, false);
    else if (b->kind == OP_IMM)
        is_test ? asm_test_ri(&e->a, size, a->reg, b->imm) : asm_alu_ri(&e->a, ALU_CMP, size, a->reg, b->imm);
    else if (b->kind == OP_MEM)
        is_test ? asm_rm(&e->a, test, size, a->reg, b->m, 0) : asm_alu_rm(&e->a, ALU_CMP, size, a->reg, b->m);
    else
        is_test ? asm_rr(&e->a, test, size, b->reg, a->reg) : asm_alu_rr(&e->a, ALU_CMP, size, a->reg, b->reg);
    const struct opnd *m = a->kind == OP_MEM ? a : b->kind == OP_MEM ? b : &none;
    if (m->kind == OP_MEM && m->m.kind == AT_RIP)
        e->fuse = NULL;
    e->fuse_end = e->a.p;
}

/* cmp or test; exact_a: subtracting 0 must leave A as SUB does, so no test instead */
void emit_compare(struct emitter *e, ir_ref ra, ir_ref rb, bool is_test, bool exact_a)
{
    unsigned size = type_size(insn(e, ra)->type);
    if (e->compared[0] == ra && e->compared[1] == rb && e->compared_test == is_test && !(e->owner != NO_INSN && port_needed(e, e->owner)))
        return;                                         /* EFLAGS still hold just that */
    ir_ref first = ra, second = rb;
    bool asked = is_test;
    if (is_test && e->v[rb].where == LATER && e->v[ra].where != LATER) {
        ir_ref swap = ra;
        ra = rb;
        rb = swap;
    }
    struct opnd b = operand(e, rb, size, OK_IMM | OK_MEM);
    struct opnd a = operand(e, ra, size, b.kind == OP_MEM ? 0 : OK_MEM);
    clobber(e);
    if (b.kind == OP_IMM && b.imm == 0 && !is_test && !exact_a && a.kind == OP_REG) {
        b = a;
        is_test = true;
    }
    cmp_operands(e, size, &a, &b, is_test);
    e->compared[0] = first;
    e->compared[1] = second;
    e->compared_test = asked;
}

static enum cc cc_of_value(struct emitter *e, ir_ref r)
{
    int64_t c;
    if (is_const(e, r, &c)) {
        clobber(e);
        asm_alu_rr(&e->a, ALU_CMP, 8, RSP, RSP);
        return c & 1 ? CC_E : CC_NE;
    }
    struct opnd a = operand(e, r, 1, OK_MEM), one = { .kind = OP_IMM, .imm = 1 };
    clobber(e);
    cmp_operands(e, 1, &a, &one, true);
    return CC_NE;
}

enum cc flags_for(struct emitter *e, ir_ref cond)
{
    const struct ir_insn *in = insn(e, cond);
    enum cc cc;
    if (e->v[cond].where != LATER)
        cc = cc_of_value(e, cond);
    else if (in->op == IR_COND)
        cc = cc_of_port(e, in->arg[0], in->aux);
    else {
        emit_compare(e, in->arg[0], in->arg[1], false, false);
        cc = (enum cc)in->aux;
    }
    e->hold = true;
    return cc;
}

void setcc_into(struct emitter *e, ir_ref cond, unsigned dst)
{
    enum cc cc = flags_for(e, cond);
    asm_setcc_r(&e->a, cc, dst);
}

/* A carry that comes from a comparison must be computed before the destination is written: its operands may be in there. */
void prepare_carry(struct emitter *e, ir_ref cond)
{
    if (e->v[cond].where == LATER && insn(e, cond)->op == IR_CMP)
        gpr_of(e, cond);
}

/* CF = cond */
void carry_in(struct emitter *e, ir_ref cond)
{
    const struct ir_insn *in = insn(e, cond);
    int64_t c;
    bool is_carry = e->v[cond].where == LATER && in->op == IR_COND && (in->aux == IR_CC_B || in->aux == IR_CC_AE);
    struct asm_mem word;
    if (is_const(e, cond, &c)) {
        clobber(e);
        asm_u8(&e->a, c & 1 ? 0xf9 : 0xf8);            /* stc, clc */
    } else if (is_carry && (in->arg[0] == IR_NONE ? (e->ef_state & IR_F_C) != 0 : in->arg[0] == e->owner)) {
        e->hold = true;
        clobber(e);
        if (in->aux == IR_CC_AE)
            asm_u8(&e->a, 0xf5);                       /* cmc */
    } else if (is_carry) {
        if (in->arg[0] != IR_NONE)
            make_port_home(e, in->arg[0]);
        word = at_state(in->arg[0] == IR_NONE ? (int32_t)e->o->flags : e->v[in->arg[0]].port_home);
        clobber(e);
        asm_rm(&e->a, OP_0F(0xba), 2, 4, word, 1);     /* bt */
        asm_u8(&e->a, 8);
        if (in->aux == IR_CC_AE)
            asm_u8(&e->a, 0xf5);
    } else {
        uint32_t pins = e->pins;
        unsigned r = gpr_of(e, cond);
        clobber(e);
        asm_rr(&e->a, OP_0F(0xba), 4, 4, r);
        asm_u8(&e->a, 0);
        e->pins = pins;
    }
    e->hold = true;
}

/* --- the state's flags word --- */

/* flags word = its other bits | ax & mask; changes EFLAGS */
static void merge_ax(struct emitter *e, unsigned mask)
{
    int32_t flags = (int32_t)e->o->flags;
    unsigned w = word_mask(mask);
    asm_alu_ri(&e->a, ALU_AND, 4, RAX, (int32_t)w);
    asm_alu_mi(&e->a, ALU_AND, 2, at_state(flags), (int16_t)~w, false);
    asm_alu_mr(&e->a, ALU_OR, 2, at_state(flags), RAX, false);
}

/* the port is in EFLAGS and nothing needs to be kept */
static void store_eflags(struct emitter *e, unsigned mask)
{
    struct asm_mem low = at_state((int32_t)e->o->flags), high = at_state((int32_t)e->o->flags + 1);
    if (mask == IR_F_C || mask == IR_F_O) {
        asm_setcc_m(&e->a, mask == IR_F_C ? CC_B : CC_O, mask == IR_F_C ? high : low);
        return;
    }
    bool saved = take_rax(e);
    word_from_eflags(e, mask & IR_F_O);
    if (mask & IR_F_O)
        asm_store(&e->a, 2, low, RAX);
    else
        asm_rm(&e->a, 0x88, 4, 4 /* ah */, high, 0);
    release_rax(e, saved);
}

static void merge_const(struct emitter *e, unsigned mask, unsigned word, bool merge)
{
    unsigned w = word_mask(mask);
    struct asm_mem low = at_state((int32_t)e->o->flags);
    if (!merge) {
        asm_store_imm(&e->a, 2, low, (int16_t)word);
        return;
    }
    clobber(e);
    bool byte = !(w & 0xff);               /* all in the high one; a 16-bit constant is slow to decode */
    struct asm_mem at = byte ? at_state((int32_t)e->o->flags + 1) : low;
    unsigned size = byte ? 1 : 2, clear = w & ~word, set = w & word;
    if (clear)
        asm_alu_mi(&e->a, ALU_AND, size, at, byte ? (int8_t)~(clear >> 8) : (int16_t)~clear, false);
    if (set)
        asm_alu_mi(&e->a, ALU_OR, size, at, byte ? (int8_t)(set >> 8) : (int16_t)set, false);
}

/* the port is a word: of an MKF, or saved */
static void store_word(struct emitter *e, ir_ref port, unsigned mask, bool merge)
{
    const struct ir_insn *p = insn(e, port);
    int64_t c;
    if (p->op == IR_MKF && is_const(e, p->arg[0], &c)) {
        merge_const(e, mask, (unsigned)c & IR_FLAGS_WORD, merge);
        return;
    }
    if (e->v[port].port_home < 0)
        make_port_home(e, port);
    if (merge)
        clobber(e);
    bool saved = take_rax(e);
    asm_movzx_rm(&e->a, 2, RAX, at_state(e->v[port].port_home));
    if (merge)
        merge_ax(e, mask);
    else
        asm_store(&e->a, 2, at_state((int32_t)e->o->flags), RAX);
    release_rax(e, saved);
    e->ef_state = 0;
}

void emit_putf(struct emitter *e, const struct ir_insn *in)
{
    ir_ref port = in->arg[0];
    unsigned mask = in->aux & IR_F_ALL;
    bool merge = !in->mod && mask != IR_F_ALL, whole = port != IR_NONE && e->v[port].restore;
    if (port == IR_NONE || !mask)
        return;
    if (port != e->owner) {
        e->ef_state = 0;
        store_word(e, port, mask, merge);
        return;
    }
    if (!merge || whole) {
        mask = whole ? IR_F_ALL : mask;
        store_eflags(e, mask);
        e->ef_state = mask;
        return;
    }
    if (e->v[port].port_last > e->i) {                 /* its flags go on being needed: by way of its saved word */
        save_port(e, port);
        e->owner = NO_INSN;
        store_word(e, port, mask, true);
        return;
    }
    e->owner = NO_INSN;
    e->ef_state = 0;
    bool saved = take_rax(e);
    word_from_eflags(e, mask & IR_F_O);
    merge_ax(e, mask);
    release_rax(e, saved);
}

/* EFLAGS hold the port, nothing else is needed any more, and rax is free. */
void emit_putf_sunk(struct emitter *e, const struct ir_insn *in, unsigned mask)
{
    bool whole = e->v[in->arg[0]].restore, merge = !in->mod && mask != IR_F_ALL && !whole;
    memset(e->head, 0xff, sizeof e->head);
    e->pins = 0;
    if (!merge) {
        store_eflags(e, whole ? IR_F_ALL : mask);
        return;
    }
    word_from_eflags(e, mask & IR_F_O);
    merge_ax(e, mask);
}

void emit_getf(struct emitter *e)
{
    unsigned dst = dst_gpr(e);
    asm_movzx_rm(&e->a, 2, dst, at_state((int32_t)e->o->flags));
    settle(e, (ir_ref)e->i, dst, true);
}

void emit_mkf(struct emitter *e, const struct ir_insn *in)
{
    if (e->v[e->i].uses == 0)
        return;
    unsigned dst = dst_gpr(e);
    into(e, in->arg[0], dst, 4);
    settle(e, (ir_ref)e->i, dst, true);
}
