/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_flags.c: operations with flags, conditions, and the guest's flags registers (emit.h). An operation sets NZCV when somebody reads its port; the
 * conditions test NZCV directly; when something else needs NZCV first, it is saved beside the port's parity and auxiliary values.
 */
#include "host/aarch64/emit.h"

static void mrs_nzcv(struct emitter *e, unsigned d) { asm_put(&e->a, 0xd53b4200 | d); }
static void msr_nzcv(struct emitter *e, unsigned n) { asm_put(&e->a, 0xd51b4200 | n); }

void clobber(struct emitter *e)
{
    if (e->owner == NO_INSN)
        return;
    struct value *v = &e->v[e->owner];
    if (v->port_last >= e->i && !v->nz_saved) {
        int32_t at = alloc_port(e, e->owner);
        mrs_nzcv(e, T0);
        store_state(e, false, 3, T0, at + PORT_NZ);
        v->nz_saved = true;
    }
    e->owner = NO_INSN;
}

void own(struct emitter *e, enum port_kind kind)
{
    struct value *v = &e->v[e->i];
    v->kind = kind;
    v->nz_saved = false;
    e->owner = v->port_last > e->i ? (uint16_t)e->i : NO_INSN;
}

/* NZCV as `fl` left it */
static void prepare(struct emitter *e, ir_ref fl)
{
    struct value *v = &e->v[fl];
    if (e->owner == fl)
        return;
    clobber(e);
    if (!v->nz_saved)
        fail(e, "flags are nowhere");
    load_state(e, false, 3, T0, v->port_home + PORT_NZ);
    msr_nzcv(e, T0);
    e->owner = fl;
}

/* --- conditions --- */

static const uint8_t sub_cond[IR_N_CC] = { C_VS, C_VC, C_CC, C_CS, C_EQ, C_NE, C_LS, C_HI, C_MI, C_PL, C_AL, C_AL, C_LT, C_GE, C_LE, C_GT };

/* reg's low byte -> a condition that holds for even parity */
static enum cond parity(struct emitter *e, unsigned reg, bool negate)
{
    clobber(e);
    asm_rrs(&e->a, false, A_EOR, T0, reg, reg, LSR, 4);
    asm_rrs(&e->a, false, A_EOR, T0, T0, T0, LSR, 2);
    asm_rrs(&e->a, false, A_EOR, T0, T0, T0, LSR, 1);
    asm_logic_imm(&e->a, false, A_ANDS, ZR, T0, 1);
    return negate ? C_NE : C_EQ;
}

/* T1 = x5's form (subtraction's NZCV) of the port; NZCV is as `fl` left it or fl is packed */
static void image(struct emitter *e, ir_ref fl)
{
    struct asm_buf *a = &e->a;
    switch (e->v[fl].kind) {
    case K_SUB: mrs_nzcv(e, T1); break;
    case K_ADD:
        mrs_nzcv(e, T1);
        asm_logic_imm(a, false, A_EOR, T1, T1, NZ_C);
        break;
    case K_LOGIC:
        mrs_nzcv(e, T1);
        asm_logic_imm(a, false, A_ORR, T1, T1, NZ_C);
        break;
    case K_BIT:
        asm_cset(a, T1, C_EQ);
        asm_lsl(a, false, T1, T1, 29);
        break;
    case K_FCMP:                                        /* C = not less nor unordered, Z = equal or unordered */
        asm_cset(a, T1, C_EQ);
        asm_put(a, A_CSINC | ZR << 16 | C_VC << 12 | T1 << 5 | T1);     /* unordered: 0 + 1 */
        asm_cset(a, T2, C_GE);
        asm_rrs(a, false, A_ORR, T1, T2, T1, LSL, 1);
        asm_lsl(a, false, T1, T1, 29);
        break;
    case K_PACKED:
        load_state(e, false, 2, T0, e->v[fl].port_home + PORT_NZ);
        asm_ubfx(a, false, T1, T0, 14, 2);
        asm_lsl(a, false, T1, T1, 30);
        asm_bfi(a, false, T1, T0, 28, 1);
        asm_lsr(a, false, T0, T0, 8);
        asm_logic_imm(a, false, A_EOR, T0, T0, 1);
        asm_bfi(a, false, T1, T0, 29, 1);
        break;
    }
}

static enum cond hard_cond(struct emitter *e, ir_ref fl, enum ir_cc cc)
{
    if (e->v[fl].kind != K_PACKED)
        prepare(e, fl);
    image(e, fl);
    clobber(e);                                         /* changes T0 only */
    msr_nzcv(e, T1);
    return (enum cond)sub_cond[cc];
}

static enum cond parity_cond(struct emitter *e, ir_ref fl, bool negate)
{
    struct value *v = &e->v[fl];
    if (v->kind == K_FCMP) {
        prepare(e, fl);
        return negate ? C_VC : C_VS;
    }
    clobber(e);
    if (v->kind == K_PACKED) {
        load_state(e, false, 2, T0, v->port_home + PORT_NZ);
        asm_logic_imm(&e->a, false, A_ANDS, ZR, T0, IR_FLAG_P);
        return negate ? C_EQ : C_NE;
    }
    load_state(e, false, 3, T0, v->port_home + PORT_P);
    return parity(e, T0, negate);
}

static enum cond port_cond(struct emitter *e, ir_ref fl, enum ir_cc cc)
{
    unsigned kind = e->v[fl].kind, group = cc & ~1u;
    if (group == IR_CC_P)
        return parity_cond(e, fl, cc & 1);
    if (kind == K_PACKED)
        return hard_cond(e, fl, cc);
    if (kind == K_FCMP) {
        static const uint8_t cond[] = { [IR_CC_B] = C_LT, [IR_CC_AE] = C_GE, [IR_CC_BE] = C_LE, [IR_CC_A] = C_GT };
        if (group != IR_CC_B && group != IR_CC_BE)
            return hard_cond(e, fl, cc);
        prepare(e, fl);
        return (enum cond)cond[cc];
    }
    if (kind == K_BIT) {
        if (group != IR_CC_B)
            return hard_cond(e, fl, cc);
        prepare(e, fl);
        return cc & 1 ? C_EQ : C_NE;
    }
    if (group == IR_CC_B && kind == K_ADD) {
        prepare(e, fl);
        return cc & 1 ? C_CC : C_CS;
    }
    if (group == IR_CC_BE && kind == K_LOGIC) {
        prepare(e, fl);
        return cc & 1 ? C_NE : C_EQ;
    }
    if (kind != K_SUB && (group == IR_CC_B || group == IR_CC_BE))
        return hard_cond(e, fl, cc);
    prepare(e, fl);
    return (enum cond)sub_cond[cc];
}

static enum cond state_cond(struct emitter *e, enum ir_cc cc)
{
    clobber(e);
    if ((cc & ~1u) == IR_CC_P)
        return parity(e, FL_P, cc & 1);
    msr_nzcv(e, FL_NZ);
    return (enum cond)sub_cond[cc];
}

/* subs of two operands, for its flags only. T0, T1 are used */
static void compare(struct emitter *e, unsigned type, ir_ref ra, ir_ref rb, bool is_unsigned)
{
    struct asm_buf *a = &e->a;
    bool x = type == IR_I64;
    int64_t c;
    unsigned shift = type_bits(type) < 32 ? 32 - type_bits(type) : 0;
    bool constant = is_const(e, rb, &c);
    clobber(e);
    if (shift && is_unsigned && (constant || e->v[rb].clean)) {
        unsigned n = clean_gpr(e, ra, T0);
        uint64_t bits = const_bits(insn(e, rb));
        if (constant && bits < 4096) {
            if (n == ZR)
                asm_mov(a, false, n = T0, ZR);
            asm_add_imm(a, false, true, true, ZR, n, (int64_t)bits);
            return;
        }
    }
    if (shift) {
        unsigned n = gpr_of(e, ra);
        asm_lsl(a, false, T1, n, shift);
        unsigned m = gpr_zr(e, rb);
        asm_rrs(a, false, A_SUBS, ZR, T1, m, LSL, shift);
        return;
    }
    unsigned n = gpr_of(e, ra);
    if (constant && asm_add_fits(x ? c : (int32_t)c)) {
        asm_add_imm(a, x, true, true, ZR, n, x ? c : (int32_t)c);
        return;
    }
    unsigned m = gpr_zr(e, rb);
    asm_rrr(a, x, A_SUBS, ZR, n, m);
}

static bool is_unsigned_cc(enum ir_cc cc)
{
    unsigned g = cc & ~1u;
    return g == IR_CC_B || g == IR_CC_E || g == IR_CC_BE;
}

static enum cond cmp_cond(struct emitter *e, const struct ir_insn *in)
{
    enum ir_cc cc = (enum ir_cc)in->aux;
    if ((cc & ~1u) == IR_CC_P) {
        unsigned m = gpr_zr(e, in->arg[1]), n = gpr_zr(e, in->arg[0]);
        clobber(e);
        asm_rrr(&e->a, false, A_SUB, T1, n, m);
        return parity(e, T1, cc & 1);
    }
    compare(e, in->lane, in->arg[0], in->arg[1], is_unsigned_cc(cc));
    return (enum cond)sub_cond[cc];
}

enum cond flags_for(struct emitter *e, ir_ref r)
{
    const struct ir_insn *in = insn(e, r);
    if (e->v[r].where == LATER && in->op == IR_CMP)
        return cmp_cond(e, in);
    if (e->v[r].where == LATER && in->op == IR_COND)
        return in->arg[0] == IR_NONE ? state_cond(e, (enum ir_cc)in->aux) : port_cond(e, in->arg[0], (enum ir_cc)in->aux);
    unsigned reg = gpr_of(e, r);
    clobber(e);
    asm_logic_imm(&e->a, false, A_ANDS, ZR, reg, 1);
    return C_NE;
}

void emit_bool(struct emitter *e)
{
    e->v[e->i].where = LATER;
    enum cond c = flags_for(e, (ir_ref)e->i);
    e->v[e->i].where = NOWHERE;
    unsigned dst = dst_gpr(e);
    asm_cset(&e->a, dst, c);
    result(e, dst, true);
}

/* --- PUTF --- */

static unsigned nz_bits(unsigned mask)
{
    return (mask & IR_F_S ? 8u : 0) | (mask & IR_F_Z ? 4u : 0) | (mask & IR_F_C ? 2u : 0) | (mask & IR_F_O ? 1u : 0);
}

/* x5 takes the flags `bits` (NZCV order) from reg; keep: the others stay */
static void merge_nz(struct emitter *e, unsigned reg, unsigned bits, bool keep)
{
    struct asm_buf *a = &e->a;
    if (bits == 15 || !keep) {
        asm_mov(a, false, FL_NZ, reg);
        return;
    }
    for (unsigned k = 0; k < 4; k++) {
        unsigned n = 1;
        if (!(bits >> k & 1))
            continue;
        while (k + n < 4 && bits >> (k + n) & 1)
            n++;
        asm_lsr(a, false, T0, reg, 28 + k);
        asm_bfi(a, false, FL_NZ, T0, 28 + k, n);
        k += n;
    }
}

static void put_nz(struct emitter *e, ir_ref fl, const struct ir_insn *putf)
{
    unsigned bits = nz_bits(putf->aux);
    bool whole = bits == 15 || putf->mod;
    if (!bits)
        return;
    if (e->v[fl].kind != K_PACKED)
        prepare(e, fl);
    struct value *v = &e->v[fl];
    if (v->kind == K_FCMP && feature(e, FEATURE_FLAGM2) && !v->cond_p && !v->many_putf) {
        asm_put(&e->a, 0xd500405f);                     /* axflag: to what a subtraction would leave */
        v->kind = K_SUB;
        v->nz_saved = false;
    }
    if (whole && e->v[fl].kind <= K_LOGIC) {
        mrs_nzcv(e, FL_NZ);
        if (e->v[fl].kind == K_ADD)
            asm_logic_imm(&e->a, false, A_EOR, FL_NZ, FL_NZ, NZ_C);
        else if (e->v[fl].kind == K_LOGIC && bits & 2)
            asm_logic_imm(&e->a, false, A_ORR, FL_NZ, FL_NZ, NZ_C);
        return;
    }
    image(e, fl);
    merge_nz(e, T1, bits, !whole);
}

/* P and A of a port that waited, to x6 and x7 */
static void load_pa(struct emitter *e, ir_ref fl)
{
    struct value *v = &e->v[fl];
    struct asm_buf *a = &e->a;
    if (v->kind == K_PACKED) {
        load_state(e, false, 2, T0, v->port_home + PORT_NZ);
        asm_ubfx(a, false, FL_P, T0, 10, 1);
        asm_logic_imm(a, false, A_EOR, FL_P, FL_P, 1);
        asm_ubfx(a, false, T0, T0, 12, 1);
        asm_rrs(a, false, A_EOR, FL_A, FL_P, T0, LSL, 4);
    } else if (v->kind == K_FCMP) {
        prepare(e, fl);
        asm_cset(a, FL_P, C_VC);
        asm_mov(a, false, FL_A, FL_P);
    } else {
        load_state(e, false, 3, FL_P, v->port_home + PORT_P);
        load_state(e, false, 3, FL_A, v->port_home + PORT_A);
    }
}

static void put_pa(struct emitter *e, ir_ref fl, const struct ir_insn *putf)
{
    struct asm_buf *a = &e->a;
    unsigned mask = putf->aux & (IR_F_P | IR_F_A);
    if (!mask)
        return;
    if (putf->mod || mask == (IR_F_P | IR_F_A)) {
        load_pa(e, fl);
        return;
    }
    asm_mov(a, true, T1, FL_P);
    asm_rrr(a, false, A_EOR, T2, FL_P, FL_A);            /* the old A */
    load_pa(e, fl);
    if (mask == IR_F_P) {
        asm_logic_imm(a, false, A_AND, T2, T2, 16);
        asm_rrr(a, false, A_EOR, FL_A, FL_P, T2);
        return;
    }
    asm_rrr(a, false, A_EOR, T2, FL_P, FL_A);
    asm_logic_imm(a, false, A_AND, T2, T2, 16);
    asm_mov(a, true, FL_P, T1);
    asm_rrr(a, false, A_EOR, FL_A, FL_P, T2);
}

void emit_putf(struct emitter *e, const struct ir_insn *in)
{
    ir_ref fl = in->arg[0];
    if (fl == IR_NONE)
        return;
    put_pa(e, fl, in);
    put_nz(e, fl, in);
}

void emit_getf(struct emitter *e)
{
    unsigned dst = dst_gpr(e);
    call_stub(e, STUB_PACK);
    asm_mov(&e->a, false, dst, T0);
    result(e, dst, true);
}

void port_packed(struct emitter *e, unsigned reg)
{
    struct value *v = &e->v[e->i];
    v->kind = K_PACKED;
    if (v->port_last <= e->i && v->early == NO_INSN)
        return;
    int32_t at = alloc_port(e, (ir_ref)e->i);
    store_state(e, false, 3, reg, at + PORT_NZ);
    v->nz_saved = true;
}

/* --- operations --- */

/* what the port needs besides NZCV, and where it goes: to x6, x7 at once or to the port's place in memory */
struct port { bool p, a, early, nz; };

static struct port port_of(const struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    struct port p = { .early = v->early != NO_INSN };
    unsigned mask = v->early != NO_INSN ? insn(e, v->early)->aux : in->live;
    p.p = (mask & (IR_F_P | IR_F_A)) && (p.early || v->putf != NO_INSN) && v->sunk == NO_INSN;
    p.a = p.p && mask & IR_F_A;
    p.p |= v->cond_p;
    p.nz = (in->live & (IR_F_C | IR_F_Z | IR_F_S | IR_F_O)) != 0;
    return p;
}

/* A = bit 4 of a ^ b ^ result: before the result is computed. m: ZR and constant c */
static void keep_a(struct emitter *e, const struct port *p, unsigned n, unsigned m, bool constant, int64_t c)
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

static void keep_p(struct emitter *e, const struct port *p, unsigned reg, bool a_is_zero)
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

static void finish(struct emitter *e, enum port_kind kind)
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
static unsigned flag_dst(struct emitter *e, const struct port *p, bool used)
{
    if (used)
        return dst_gpr(e);
    return p->early && p->p ? FL_P : p->p ? alloc_gpr(e) : ZR;
}

static void store_result(struct emitter *e, unsigned dst, bool clean)
{
    if (e->v[e->i].uses && dst != ZR && dst != FL_P)
        result(e, dst, clean);
}

enum carry { NO_CARRY, CARRY };

/* NZCV.C = carry in (add) or not borrow (sub) */
static void load_carry(struct emitter *e, ir_ref r, bool sub)
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
        prepare(e, in->arg[0]);
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
    finish(e, sub ? K_SUB : K_ADD);
    store_result(e, d, true);
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
        finish(e, K_LOGIC);
        return;
    }
    bool copy = same && op != A_EOR && !p.nz;
    unsigned d = flag_dst(e, &p, used);
    if (d == ZR && !test)
        d = T1;
    if (op == A_EOR && same)
        asm_mov(a, false, d, ZR);
    else if (copy)
        asm_mov(a, x, d, n);
    else if (constant)
        asm_logic_imm(a, x, test ? A_ANDS : op, d, n, const_bits(insn(e, in->arg[1])));
    else
        asm_rrr(a, x, test ? A_ANDS : op, d, n, m);
    if (p.nz && !test)
        shift ? asm_rrs(a, false, A_ADDS, ZR, ZR, d, LSL, shift) : asm_rrr(a, x, A_ANDS, ZR, d, d);
    keep_p(e, &p, d, true);
    finish(e, K_LOGIC);
    if (d != T1)
        store_result(e, d, !shift || (constant && op == A_AND));
}

/* --- shifts and rotates by constants --- */

static void plain_shift(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned n, unsigned count)
{
    struct asm_buf *a = &e->a;
    bool x = bits == 64;
    if (op == IR_SHLF)
        asm_lsl(a, x, d, n, count);
    else if (op == IR_SHRF)
        asm_ubfx(a, x, d, n, count, bits - count);
    else
        asm_sbfx(a, x, d, n, count, bits - count);
}

/* NZCV: N Z from the result, C from bit `pos` of n, O as the interpreter has it; ADD kind */
static void shift_flags(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned carry)
{
    struct asm_buf *a = &e->a;
    bool x = bits == 64;
    unsigned shift = bits < 32 ? 32 - bits : 0;
    shift ? asm_rrs(a, false, A_ADDS, ZR, ZR, d, LSL, shift) : asm_rrr(a, x, A_ANDS, ZR, d, d);
    mrs_nzcv(e, T1);
    asm_bfi(a, false, T1, carry, 29, 1);
    if (op == IR_SHLF || op == IR_ROLF)
        asm_rrs(a, x, A_EOR, T2, carry, d, LSR, bits - 1);
    else {
        asm_rrs(a, x, A_EOR, T2, d, d, LSL, 1);
        asm_lsr(a, x, T2, T2, bits - 1);
    }
    asm_bfi(a, false, T1, T2, 28, 1);
    msr_nzcv(e, T1);
}

/* A count in a register whose flags go straight to the guest's: a count of 0 jumps over all that. */
static bool shift_by_register(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    struct value *v = &e->v[e->i];
    unsigned bits = type_bits(in->type);
    bool x = bits == 64, left = in->op == IR_SHLF;
    if (bits < 32 || in->op == IR_ROLF || in->op == IR_RORF || v->early == NO_INSN || v->many_putf || v->cond_groups)
        return false;
    struct port p = port_of(e, in);
    unsigned n = gpr_of(e, in->arg[0]), m = gpr_of(e, in->arg[1]);
    clobber(e);
    left ? asm_rrr(a, false, A_SUB, T2, ZR, m) : asm_add_imm(a, false, true, false, T2, m, 1);
    asm_rrr(a, x, A_LSRV, T0, n, T2);                    /* bit 0: the last one out */
    unsigned d = v->uses ? dst_gpr(e) : alloc_gpr(e);
    asm_logic_imm(a, false, A_AND, T1, m, bits - 1);
    asm_rrr(a, x, left ? A_LSLV : in->op == IR_SHRF ? A_LSRV : A_ASRV, d, n, m);
    uint8_t *none = asm_jump(a, J_CBZ | T1);
    shift_flags(e, in->op, bits, d, T0);
    if (p.a)
        asm_logic_imm(a, false, A_EOR, FL_A, d, 16);
    keep_p(e, &p, d, false);
    finish(e, K_ADD);
    e->owner = NO_INSN;
    asm_land(a, none);
    store_result(e, d, true);
    return true;
}

static bool emit_shift(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    int64_t c;
    unsigned bits = type_bits(in->type), op = in->op;
    bool used = e->v[e->i].uses != 0, x = bits == 64;
    if (!is_const(e, in->arg[1], &c))
        return shift_by_register(e, in);
    unsigned count = (unsigned)c & (bits == 64 ? 63 : 31);
    if (!count || count >= bits)
        return false;
    struct port p = port_of(e, in);
    if (!p.nz && !p.p && !used)
        return true;
    unsigned n = gpr_of(e, in->arg[0]);
    bool rotate = op == IR_ROLF || op == IR_RORF;
    if (rotate && (bits < 32 || p.p))
        return false;
    bool full = p.nz && (in->live & (IR_F_C | IR_F_O));
    if (p.nz)
        clobber(e);
    if (full && !rotate)
        asm_ubfx(a, x, T0, n, op == IR_SHLF ? bits - count : count - 1, 1);
    unsigned d = flag_dst(e, &p, used);
    if (d == ZR)
        d = alloc_gpr(e);
    if (rotate)
        asm_put(a, A_EXTR | A_XDUAL(x) | n << 16 | (op == IR_RORF ? count : bits - count) << 10 | n << 5 | d);
    else
        plain_shift(e, op, bits, d, n, count);
    if (full && rotate)
        op == IR_ROLF ? asm_logic_imm(a, x, A_AND, T0, d, 1) : (asm_lsr(a, x, T0, d, bits - 1), true);
    if (op == IR_SHLF && bits < 32)
        asm_ubfx(a, false, d, d, 0, bits);
    else if (op == IR_SARF && bits < 32)
        asm_ubfx(a, false, d, d, 0, bits);
    if (full)
        shift_flags(e, op, bits, d, T0);
    else if (p.nz)
        bits < 32 ? asm_rrs(a, false, A_ADDS, ZR, ZR, d, LSL, 32 - bits) : asm_rrr(a, x, A_ANDS, ZR, d, d);
    if (p.a) {                                           /* undefined; set, as the interpreter has it */
        asm_logic_imm(a, false, A_EOR, T0, d, 16);
        if (p.early)
            asm_mov(a, false, FL_A, T0);
        else
            store_state(e, false, 3, T0, alloc_port(e, (ir_ref)e->i) + PORT_A);
    }
    keep_p(e, &p, d, false);
    finish(e, full ? K_ADD : K_LOGIC);
    store_result(e, d, true);
    return true;
}

/* C and O tell whether the upper half matters; the other flags are anything */
static bool emit_wide_mul(struct emitter *e, const struct ir_insn *in)
{
    enum { SMULL = 0x9b207c00, UMULL = 0x9ba07c00, SMULH = 0x9b407c00, UMULH = 0x9bc07c00, CMP_SXTW = 0xeb20c000, CCMP = 0xfa400000, V = 1 };
    struct asm_buf *a = &e->a;
    const struct value *v = &e->v[e->i];
    bool x = in->type == IR_I64, is_signed = in->op == IR_SMULF, high = v->second != NO_INSN && e->v[v->second].uses;
    if (type_bits(in->type) < 32)
        return false;
    struct port p = port_of(e, in);
    unsigned n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), h = alloc_gpr(e), d = v->uses ? dst_gpr(e) : alloc_gpr(e);
    clobber(e);
    asm_put(a, (x ? is_signed ? SMULH : UMULH : is_signed ? SMULL : UMULL) | m << 16 | n << 5 | h);
    x ? asm_rrr(a, true, A_MUL, d, n, m) : asm_mov(a, false, d, h);
    if (x)
        is_signed ? asm_rrs(a, true, A_SUBS, ZR, h, d, ASR, 63) : asm_rrr(a, true, A_SUBS, ZR, h, ZR);
    else
        is_signed ? asm_put(a, CMP_SXTW | d << 16 | h << 5 | ZR) : asm_rrs(a, true, A_SUBS, ZR, ZR, h, LSR, 32);
    asm_put(a, CCMP | ZR << 16 | C_EQ << 12 | ZR << 5 | V);
    if (!x && high)
        asm_lsr(a, true, h, h, 32);
    keep_p(e, &p, d, true);
    finish(e, K_SUB);
    store_result(e, d, true);
    if (high)
        settle_second(e, h);
    return true;
}

/* Z: no common bit. C: nothing in arg1 beyond arg0. NZCV as a subtraction would have them */
static bool emit_vector_test(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    struct port p = port_of(e, in);
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]);
    clobber(e);
    asm_put(a, 0x4e201c00 | m << 16 | n << 5 | VT0);                      /* and, bic; umaxp folds 128 bits to 64 */
    asm_put(a, 0x4e601c00 | n << 16 | m << 5 | VT1);
    asm_put(a, 0x6ea0a400 | VT0 << 16 | VT0 << 5 | VT0);
    asm_put(a, 0x6ea0a400 | VT1 << 16 | VT1 << 5 | VT1);
    asm_put(a, 0x9e660000 | VT0 << 5 | T0);
    asm_put(a, 0x9e660000 | VT1 << 5 | T1);
    asm_rrr(a, true, A_SUBS, ZR, T0, ZR);
    asm_cset(a, T0, C_EQ);
    asm_rrr(a, true, A_SUBS, ZR, T1, ZR);
    asm_cset(a, T1, C_NE);
    asm_rrs(a, false, A_ORR, T0, T1, T0, LSL, 1);
    asm_lsl(a, false, T0, T0, 29);
    msr_nzcv(e, T0);
    if (p.p) {
        asm_imm(a, T0, 1);                                                /* odd parity */
        keep_p(e, &p, T0, true);
    }
    finish(e, K_SUB);
    if (e->v[e->i].uses)
        share(e, (ir_ref)e->i, VEC + n, true);
    return true;
}

static bool emit_bit_test(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type);
    bool x = bits == 64;
    int64_t c;
    if (e->v[e->i].uses)
        return false;
    if (in->live & ~IR_F_C)
        return false;
    if (!in->live)
        return true;
    unsigned n = gpr_of(e, in->arg[0]);
    if (is_const(e, in->arg[1], &c)) {
        clobber(e);
        asm_logic_imm(a, x, A_ANDS, ZR, n, 1ull << (c & (bits - 1)));
    } else {
        unsigned m = gpr_of(e, in->arg[1]);
        clobber(e);
        if (bits == 16) {
            asm_logic_imm(a, false, A_AND, T0, m, 15);
            m = T0;
        }
        asm_rrr(a, x, A_LSRV, T0, n, m);
        asm_logic_imm(a, false, A_ANDS, ZR, T0, 1);
    }
    finish(e, K_BIT);
    return true;
}

static bool emit_mkf(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = gpr_zr(e, in->arg[0]);
    port_packed(e, n);
    if (e->v[e->i].early != NO_INSN)
        emit_putf(e, insn(e, e->v[e->i].early)), e->v[e->v[e->i].early].done = true;
    if (e->v[e->i].uses) {
        unsigned d = dst_gpr(e);
        asm_mov(&e->a, false, d, n);
        result(e, d, true);
    }
    return true;
}

/* --- a PUTF behind its EXITIF: the operation's flags are in NZCV; P and A are computed again, in x6 and x7, of which the low 8 bits count --- */

static void sunk_logic(struct emitter *e, const struct ir_insn *in, ir_ref fl)
{
    uint32_t op = in->op == IR_ANDF ? A_AND : in->op == IR_ORF ? A_ORR : A_EOR;
    int64_t c;
    if (e->v[fl].uses)
        asm_mov(&e->a, false, FL_P, gpr_of(e, fl));
    else {
        unsigned n = gpr_zr(e, in->arg[0]);
        if (!is_const(e, in->arg[1], &c) || !asm_logic_imm(&e->a, false, op, FL_P, n, (uint64_t)c & 0xff))
            asm_rrr(&e->a, false, op, FL_P, n, gpr_zr(e, in->arg[1]));
    }
    asm_mov(&e->a, false, FL_A, FL_P);
}

static void sunk_sum(struct emitter *e, const struct ir_insn *in, ir_ref fl)
{
    struct asm_buf *a = &e->a;
    bool sub = in->op == IR_SUBF || in->op == IR_DECF, used = e->v[fl].uses != 0;
    int64_t c = 1;
    bool constant = in->arg[1] == IR_NONE || is_const(e, in->arg[1], &c);
    unsigned r = used ? gpr_of(e, fl) : FL_P, n = used ? T0 : gpr_of(e, in->arg[0]), m = constant ? ZR : gpr_zr(e, in->arg[1]);
    unsigned to = used ? T0 : r, from = used ? r : n;            /* n from the result, or the result from n */
    bool minus = sub != used;
    if (constant)
        asm_add_imm(a, false, minus, false, to, from, c & 0xff);
    else
        asm_rrr(a, false, minus ? A_SUB : A_ADD, to, from, m);
    if (!constant)
        asm_rrr(a, false, A_EOR, FL_A, n, m);
    else if (c & 16)
        asm_logic_imm(a, false, A_EOR, FL_A, n, 16);
    else
        asm_mov(a, false, FL_A, n);
    if (used)
        asm_mov(a, false, FL_P, r);
}

void emit_sunk_putf(struct emitter *e)
{
    ir_ref fl = e->v[e->i].sunk;
    if (fl == NO_INSN)
        return;
    const struct ir_insn *in = insn(e, fl), *putf = insn(e, e->v[fl].putf);
    put_nz(e, fl, putf);
    if (!(putf->aux & (IR_F_P | IR_F_A)))
        return;
    (in->op == IR_ANDF || in->op == IR_ORF || in->op == IR_XORF ? sunk_logic : sunk_sum)(e, in, fl);
}

bool emit_flag_op(struct emitter *e, const struct ir_insn *in)
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
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF: return emit_shift(e, in);
    case IR_UMULF: case IR_SMULF: return emit_wide_mul(e, in);
    case IR_VTESTF: return emit_vector_test(e, in);
    case IR_BTF: return emit_bit_test(e, in);
    case IR_MKF: return emit_mkf(e, in);
    case IR_GETF: emit_getf(e); return true;
    default: return false;
    }
}
