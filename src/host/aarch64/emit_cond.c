/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_cond.c: who owns NZCV, and conditions: of a port, of the guest's flags registers, of a comparison.
 */
#include "host/aarch64/emit_flags.h"

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
void prepare_flags(struct emitter *e, ir_ref fl)
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
void flags_image(struct emitter *e, ir_ref fl)
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
        prepare_flags(e, fl);
    flags_image(e, fl);
    clobber(e);                                         /* changes T0 only */
    msr_nzcv(e, T1);
    return (enum cond)sub_cond[cc];
}

static enum cond parity_cond(struct emitter *e, ir_ref fl, bool negate)
{
    struct value *v = &e->v[fl];
    if (v->kind == K_FCMP) {
        prepare_flags(e, fl);
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
        prepare_flags(e, fl);
        return (enum cond)cond[cc];
    }
    if (kind == K_BIT) {
        if (group != IR_CC_B)
            return hard_cond(e, fl, cc);
        prepare_flags(e, fl);
        return cc & 1 ? C_EQ : C_NE;
    }
    if (group == IR_CC_B && kind == K_ADD) {
        prepare_flags(e, fl);
        return cc & 1 ? C_CC : C_CS;
    }
    if (group == IR_CC_BE && kind == K_LOGIC) {
        prepare_flags(e, fl);
        return cc & 1 ? C_NE : C_EQ;
    }
    if (kind != K_SUB && (group == IR_CC_B || group == IR_CC_BE))
        return hard_cond(e, fl, cc);
    prepare_flags(e, fl);
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
