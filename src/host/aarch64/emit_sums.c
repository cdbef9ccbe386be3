/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_sums.c: sums, differences and logic with flags; what an operation leaves for its port.
 */
#include "host/aarch64/emit_flags.h"

struct port port_of(const struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    unsigned mask = v->early != NO_INSN ? insn(e, v->early)->aux : in->live;
    struct port p = { .early = v->early != NO_INSN && mask & (IR_F_P | IR_F_A) };        /* else P, for a condition alone, must not go to x6 */
    p.p = (mask & (IR_F_P | IR_F_A)) && (p.early || v->putf != NO_INSN) && v->sunk == NO_INSN;
    p.a = p.p && mask & IR_F_A;
    p.p |= v->cond_p;
    p.nz = (in->live & (IR_F_C | IR_F_Z | IR_F_S | IR_F_O)) != 0;
    return p;
}

/* A = bit 4 of a ^ b ^ result: before the result is computed. m: ZR and constant c */
void keep_a(struct emitter *e, const struct port *p, unsigned n, unsigned m, bool constant, int64_t c)
{
    if (!p->a)
        return;
    unsigned d = p->early ? FL_A : T0;
    if (!constant)
        asm_rrr(&e->a, false, A_EOR, d, n, m);
    else if (c & 16)
        asm_logic_imm(&e->a, false, A_EOR, d, n, 16);
    else if (p->early)
        asm_mov(&e->a, false, d, n);
    else
        d = n;
    if (!p->early)
        store_state(e, false, 3, d, alloc_port(e, (ir_ref)e->i) + PORT_A);
}

void keep_p(struct emitter *e, const struct port *p, unsigned reg, bool a_is_zero)
{
    if (!p->p)
        return;
    int32_t at = p->early && !e->v[e->i].cond_p ? 0 : alloc_port(e, (ir_ref)e->i);
    if (p->early && reg != FL_P)
        asm_mov(&e->a, false, FL_P, reg);
    if (p->early && p->a && a_is_zero)
        asm_mov(&e->a, false, FL_A, FL_P);
    if (!p->early || e->v[e->i].cond_p)
        store_state(e, false, 3, reg, at + PORT_P);
    if (!p->early && p->a && a_is_zero)
        store_state(e, false, 3, reg, at + PORT_A);
}

void finish_flags(struct emitter *e, enum port_kind kind)
{
    struct value *v = &e->v[e->i];
    own(e, kind);
    if (v->early == NO_INSN)
        return;
    uint16_t owner = e->owner;
    e->owner = (uint16_t)e->i;
    put_nz(e, (ir_ref)e->i, insn(e, v->early));
    e->owner = owner;
    v->done = true;
    e->v[v->early].done = true;
}

/* where the result goes: nowhere if only its flags count */
unsigned flag_dst(struct emitter *e, const struct port *p, bool used)
{
    if (used)
        return dst_gpr(e);
    return p->early && p->p ? FL_P : p->p ? alloc_gpr(e) : ZR;
}

void flag_result(struct emitter *e, unsigned dst, bool clean)
{
    if (e->v[e->i].uses && dst != ZR && dst != FL_P)
        result(e, dst, clean);
}

/* NZCV.C = carry in (add) or not borrow (sub) */
void load_carry(struct emitter *e, ir_ref r, bool sub)
{
    const struct ir_insn *in = insn(e, r);
    bool direct = e->v[r].where == LATER && in->op == IR_COND && (in->aux & ~1) == IR_CC_B && !(in->aux & 1);
    if (direct && in->arg[0] == IR_NONE) {
        clobber(e);
        if (sub)
            msr_nzcv(e, FL_NZ);
        else {
            asm_logic_imm(&e->a, false, A_EOR, T0, FL_NZ, NZ_C);
            msr_nzcv(e, T0);
        }
        return;
    }
    if (direct && e->v[in->arg[0]].kind == (sub ? K_SUB : K_ADD)) {
        prepare_flags(e, in->arg[0]);
        clobber(e);
        return;
    }
    unsigned t;
    if (e->v[r].where == LATER)
        asm_cset(&e->a, t = T0, flags_for(e, r));
    else
        t = gpr_zr(e, r);
    bool t_is_temp = t == T0;
    if (e->owner != NO_INSN && t_is_temp) {             /* saving NZCV would change T0 */
        asm_mov(&e->a, false, T2, T0);
        t = T2;
    }
    clobber(e);
    if (sub)
        asm_rrr(&e->a, false, A_SUBS, ZR, ZR, t);
    else if (t == ZR)
        asm_rrr(&e->a, false, A_ADDS, ZR, ZR, ZR);
    else
        asm_add_imm(&e->a, false, true, true, ZR, t, 1);
}

static void narrow_add(struct emitter *e, bool sub, bool carry, unsigned shift, unsigned d, unsigned n, unsigned m)
{
    struct asm_buf *a = &e->a;
    if (carry) {                                        /* the carry enters below: fill the low bits of one operand with ones */
        asm_lsl(a, false, T1, n, shift);
        asm_lsl(a, false, T2, m, shift);
        if (!sub)
            asm_logic_imm(a, false, A_ORR, T2, T2, (1ull << shift) - 1);
        asm_rrr(a, false, sub ? A_SBCS : A_ADCS, T1, T1, T2);
    } else {
        asm_lsl(a, false, T1, n, shift);
        asm_rrs(a, false, sub ? A_SUBS : A_ADDS, d == ZR ? ZR : T1, T1, m, LSL, shift);
    }
    if (d != ZR)
        asm_lsr(a, false, d, T1, shift);
}

/* Bytes and halves that are only compared, all conditions signed or all unsigned: as 32-bit numbers, extended. False: not so, or not shorter. */
static bool narrow_compare(struct emitter *e, const struct ir_insn *in)
{
    enum { EQ = 1 << (IR_CC_E / 2), UNSIGNED = EQ | 1 << (IR_CC_B / 2) | 1 << (IR_CC_BE / 2), SIGNED = EQ | 1 << (IR_CC_L / 2) | 1 << (IR_CC_LE / 2),
           EXTENDED = 0x6b200000 };
    const struct value *v = &e->v[e->i];
    struct asm_buf *a = &e->a;
    if (in->op != IR_SUBF || v->uses || v->putf != NO_INSN || v->cond_groups & ~(UNSIGNED | SIGNED))
        return false;
    int64_t c;
    bool constant = is_const(e, in->arg[1], &c), half = in->type == IR_I16;
    bool is_unsigned = !(v->cond_groups & ~UNSIGNED);
    if (!is_unsigned && (v->cond_groups & ~SIGNED))
        return false;
    c = is_unsigned ? (int64_t)const_bits(insn(e, in->arg[1])) : half ? (int16_t)c : (int8_t)c;
    if (constant ? !asm_add_fits(c) : !is_unsigned)
        return false;
    unsigned n = gpr_of(e, in->arg[0]), m = constant ? ZR : gpr_of(e, in->arg[1]);
    clobber(e);
    if (!is_unsigned)
        asm_sbfx(a, false, T0, n, 0, half ? 16 : 8), n = T0;
    else if (!e->v[in->arg[0]].clean && e->v[in->arg[0]].where != IN_CONST)
        asm_ubfx(a, false, T0, n, 0, half ? 16 : 8), n = T0;
    if (constant)
        asm_add_imm(a, false, true, true, ZR, n, c);
    else
        asm_put(a, EXTENDED | m << 16 | (half ? 1u : 0) << 13 | n << 5 | ZR);
    own(e, K_SUB);
    return true;
}

static void emit_addsub(struct emitter *e, const struct ir_insn *in, ir_ref ra, ir_ref rb, int64_t c, bool sub, ir_ref carry)
{
    struct asm_buf *a = &e->a;
    bool x = in->type == IR_I64, constant = rb == IR_NONE || is_const(e, rb, &c), used = e->v[e->i].uses != 0;
    unsigned bits = type_bits(in->type), shift = bits < 32 ? 32 - bits : 0;
    if (shift && narrow_compare(e, in))
        return;
    struct port p = port_of(e, in);
    bool imm = constant && ra != IR_NONE && carry == IR_NONE && !shift && asm_add_fits(x ? c : (int32_t)c);
    unsigned n = ra == IR_NONE ? ZR : imm ? gpr_of(e, ra) : gpr_zr(e, ra), m = ZR;
    if (constant)
        c = x ? c : (int32_t)c;
    if (!imm && rb != IR_NONE)
        m = gpr_zr(e, rb);
    else if (!imm && c) {
        m = alloc_gpr(e);
        asm_imm(a, m, (uint64_t)c & (x ? ~0ull : 0xffffffff));
    }
    if (!p.nz && !p.p && carry == IR_NONE) {            /* no flags at all */
        if (!used)
            return;
        unsigned d = dst_gpr(e);
        if (imm)
            asm_add_imm(a, x, sub, false, d, n, c);
        else
            asm_rrr(a, x, sub ? A_SUB : A_ADD, d, n, m);
        result(e, d, bits >= 32);
        return;
    }
    if (carry != IR_NONE)
        load_carry(e, carry, sub);
    else if (p.nz)
        clobber(e);
    unsigned an = n, am = m;
    if (n == ZR && imm)
        fail(e, "zero operand");
    keep_a(e, &p, an, am, constant && m == ZR, constant ? c : 0);
    unsigned d = flag_dst(e, &p, used);
    if (shift)
        narrow_add(e, sub, carry != IR_NONE, shift, d, n, m);
    else if (carry != IR_NONE)
        asm_rrr(a, x, sub ? A_SBCS : A_ADCS, d, n, m);
    else if (imm)
        asm_add_imm(a, x, sub, p.nz, d, n, c);
    else
        asm_rrr(a, x, p.nz ? (sub ? A_SUBS : A_ADDS) : (sub ? A_SUB : A_ADD), d, n, m);
    keep_p(e, &p, d, false);
    finish_flags(e, sub ? K_SUB : K_ADD);
    flag_result(e, d, true);
}

static void emit_logic(struct emitter *e, const struct ir_insn *in, uint32_t op)
{
    struct asm_buf *a = &e->a;
    bool x = in->type == IR_I64, used = e->v[e->i].uses != 0;
    unsigned bits = type_bits(in->type), shift = bits < 32 ? 32 - bits : 0;
    struct port p = port_of(e, in);
    int64_t c;
    uint32_t enc;
    bool same = in->arg[0] == in->arg[1], constant = is_const(e, in->arg[1], &c) && asm_logic_bits(x, const_bits(insn(e, in->arg[1])), &enc);
    if (!p.nz && !p.p && !used)
        return;
    unsigned n = gpr_zr(e, in->arg[0]), m = constant ? ZR : gpr_zr(e, in->arg[1]);
    if (p.nz)
        clobber(e);
    bool test = op == A_AND && p.nz && (!shift || (!(in->live & IR_F_S) && constant));
    if (!used && !p.p && op == A_AND && !test && shift) {                       /* only flags, narrow */
        if (same)
            asm_rrs(a, false, A_ADDS, ZR, ZR, n, LSL, shift);
        else {
            constant ? (void)asm_logic_imm(a, false, A_AND, T0, n, const_bits(insn(e, in->arg[1]))) : asm_rrr(a, false, A_AND, T0, n, m);
            asm_rrs(a, false, A_ADDS, ZR, ZR, T0, LSL, shift);
        }
        finish_flags(e, K_LOGIC);
        return;
    }
    bool copy = same && op != A_EOR && !p.nz, minus_zero = test && same && !shift && n != ZR;
    unsigned d = flag_dst(e, &p, used);
    if (d == ZR && !test)
        d = T1;
    if (op == A_EOR && same)
        asm_mov(a, false, d, ZR);
    else if (copy)
        asm_mov(a, x, d, n);
    else if (minus_zero)
        asm_add_imm(a, x, true, true, d, n, 0);
    else if (constant)
        asm_logic_imm(a, x, test ? A_ANDS : op, d, n, const_bits(insn(e, in->arg[1])));
    else
        asm_rrr(a, x, test ? A_ANDS : op, d, n, m);
    if (p.nz && !test)
        shift ? asm_rrs(a, false, A_ADDS, ZR, ZR, d, LSL, shift) : asm_add_imm(a, x, true, true, ZR, d, 0);
    keep_p(e, &p, d, true);
    finish_flags(e, (test && !minus_zero) || shift ? K_LOGIC : K_SUB);       /* less 0: C and V are what x86 wants, as a subtraction leaves them */
    if (d != T1)
        flag_result(e, d, !shift || (constant && op == A_AND));
}

bool emit_sums(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_ADDF: emit_addsub(e, in, in->arg[0], in->arg[1], 0, false, IR_NONE); return true;
    case IR_SUBF: emit_addsub(e, in, in->arg[0], in->arg[1], 0, true, IR_NONE); return true;
    case IR_ADCF: case IR_SBBF:
        if (type_bits(in->type) < 32 && in->live)       /* Z would come from the filled bits too */
            return false;
        emit_addsub(e, in, in->arg[0], in->arg[1], 0, in->op == IR_SBBF, in->arg[2]);
        return true;
    case IR_NEGF: emit_addsub(e, in, IR_NONE, in->arg[0], 0, true, IR_NONE); return true;
    case IR_INCF: emit_addsub(e, in, in->arg[0], IR_NONE, 1, false, IR_NONE); return true;
    case IR_DECF: emit_addsub(e, in, in->arg[0], IR_NONE, 1, true, IR_NONE); return true;
    case IR_ANDF: emit_logic(e, in, A_AND); return true;
    case IR_ORF: emit_logic(e, in, A_ORR); return true;
    case IR_XORF: emit_logic(e, in, A_EOR); return true;
    default: return false;
    }
}
