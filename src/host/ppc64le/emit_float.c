/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_float.c: scalar double precision inline for ordinary operands and results; everything else is left to the interpreter's
 * arithmetic, which is exact in results, NaNs and flags. Inline needs: exceptions masked, rounding to nearest, neither DAZ nor FTZ (F_MODE, looked
 * up once a block); no operand that is a NaN or denormal, no result that is a NaN, an infinity or next to underflow. Then only the
 * precision flag can be raised: when it is set already nothing is to be done, else FPSCR tells whether the result was exact.
 * Manual: Power ISA 3.0 book I, 7.6 (xststdcdp), 4.2.2 (FPSCR).
 */
#include "host/ppc64le/emit.h"

enum { F_MODE = 7 /* eq: as above */, F_EXACT_ONLY = 6 /* eq: the precision flag is not set yet */ };
enum { CLASS_NAN = 0x40, CLASS_INF = 0x30, CLASS_ZERO = 0x0c, CLASS_DENORMAL = 3 };
enum { MXCSR_USUAL = 0x1f80, MXCSR_CONTROL = 0xffc0, MXCSR_PE = 0x20 };
enum { FPSCR_FI = 1 << 17 };

static void test_class(struct emitter *e, unsigned cr, unsigned v, unsigned classes) { asm_u32(&e->a, XX2(362) | cr << 23 | classes << 16 | v << 11 | 2); }   /* xststdcdp */

static void modes(struct emitter *e)
{
    if (e->fp_known)
        return;
    asm_d(&e->a, P_LWZ, TEMP, REG_STATE, (int32_t)e->o->fpcr);
    asm_rlwinm(&e->a, TEMP2, TEMP, 0, 16, 25);
    asm_cmpi(&e->a, F_MODE, false, false, TEMP2, MXCSR_USUAL);
    asm_rlwinm(&e->a, TEMP2, TEMP, 0, 26, 26);
    asm_cmpi(&e->a, F_EXACT_ONLY, false, false, TEMP2, 0);
    e->fp_known = true;
}

struct slow { struct cold *c[6]; unsigned n; unsigned a, b; };
static void slow_if(struct emitter *e, struct slow *s, unsigned cr, bool sense)
{
    struct cold *c = add_cold(e, COLD_ONE);
    c->from = asm_bc_later(&e->a, sense ? BO_TRUE : BO_FALSE, 4 * cr + CR_EQ);
    c->arg_reg[0] = (uint8_t)(VEC + s->a);
    c->arg_reg[1] = (uint8_t)(VEC + s->b);
    s->c[s->n++] = c;
}

static void operand_checks(struct emitter *e, struct slow *s, unsigned ta, unsigned tb)
{
    slow_if(e, s, F_MODE, false);
    test_class(e, CR_TEMP, ta, CLASS_NAN | CLASS_DENORMAL);
    slow_if(e, s, CR_TEMP, true);
    if (tb != ta) {
        test_class(e, CR_TEMP, tb, CLASS_NAN | CLASS_DENORMAL);
        slow_if(e, s, CR_TEMP, true);
    }
}

/* the low element of v, in the left half of t, which is where scalar operations look */
static void to_left(struct emitter *e, unsigned t, unsigned v) { asm_xxpermdi(&e->a, t, v, v, 2); }

static void emit_arith(struct emitter *e, const struct ir_insn *in, uint32_t op, bool zero_is_exact)
{
    struct slow s = { .a = vec_of(e, in->arg[0]), .b = vec_of(e, in->arg[1]) };
    unsigned ta = alloc_vec(e), tb = in->arg[0] == in->arg[1] ? ta : alloc_vec(e), t = alloc_vec(e), dst = dst_vec(e);
    modes(e);
    to_left(e, ta, s.a);
    if (tb != ta)
        to_left(e, tb, s.b);
    operand_checks(e, &s, ta, tb);
    asm_vs(&e->a, op, t, ta, tb);
    test_class(e, CR_TEMP, t, CLASS_NAN | CLASS_INF | CLASS_DENORMAL | (zero_is_exact ? 0 : CLASS_ZERO));
    slow_if(e, &s, CR_TEMP, true);
    slow_if(e, &s, F_EXACT_ONLY, true);
    s.c[s.n - 1]->kind = COLD_EXACT;
    uint64_t merge = asm_here(&e->a);
    asm_xxpermdi(&e->a, dst, s.a, t, 0);
    result_vec(e, dst);
    for (unsigned k = 0; k < s.n; k++) {
        s.c[k]->back = asm_here(&e->a);
        s.c[k]->result = (uint8_t)(VEC + dst);
    }
    s.c[s.n - 1]->target = merge;
}

/* behind the block: was the last operation exact? mffs needs a floating-point register: f0 is nobody's */
void cold_exact(struct emitter *e, const struct cold *c)
{
    asm_u32(&e->a, 0xfc00048e);                            /* mffs f0 */
    asm_u32(&e->a, P_MFVSRD | 0 << 21 | R12 << 16);        /* mfvsrd r12, vs0 */
    asm_rlwinm(&e->a, R12, R12, 0, 14, 14);
    asm_cmpi(&e->a, CR_TEMP, false, false, R12, 0);
    asm_bc(&e->a, BO_TRUE, 4 * CR_TEMP + CR_EQ, c->target);
}

static void emit_compare(struct emitter *e, const struct ir_insn *in)
{
    struct slow s = { .a = vec_of(e, in->arg[0]), .b = vec_of(e, in->arg[1]) };
    bool word = e->v[e->i].views & VIEW_WORD;
    unsigned ta = alloc_vec(e), tb = alloc_vec(e), w = word ? alloc_gpr(e) : NO_REG;
    modes(e);
    to_left(e, ta, s.a);
    to_left(e, tb, s.b);
    operand_checks(e, &s, ta, tb);
    if (word) {
        asm_u32(&e->a, (uint32_t)X_SCMPUDP | CR_TEMP << 23 | ta << 16 | tb << 11 | 6);
        asm_mfocrf(&e->a, w, CR_TEMP);
        asm_rlwinm(&e->a, TEMP, w, 13, 23, 23);            /* lt, bit 27 of the word, becomes C (bit 8) */
        asm_rlwinm(&e->a, w, w, 21, 17, 17);               /* eq, bit 25, becomes Z (bit 14) */
        asm_l(&e->a, P_OR, w, w, TEMP);
        port_word(e, in, w);
    }
    for (unsigned k = 0; k < s.n; k++) {
        s.c[k]->back = asm_here(&e->a);
        s.c[k]->word = (uint8_t)w;
    }
    if (e->v[e->i].uses) {
        unsigned dst = dst_vec(e);
        asm_vmr(&e->a, dst, vec_of(e, in->arg[0]));
        result_vec(e, dst);
    }
}

/* 32-bit integers are exact */
static void emit_from_int(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), r = gpr_of(e, in->arg[1]), t = alloc_vec(e), dst = dst_vec(e);
    asm_mvsr(&e->a, P_MTVSRWA, t, r);
    asm_vs2(&e->a, (uint32_t)X_CVSXDDP, t, t);
    asm_xxpermdi(&e->a, dst, a, t, 0);
    result_vec(e, dst);
}

/* truncation to 32 bits; what is out of range, and inexact ones while the precision flag is clear, are left to the interpreter */
static void emit_to_int(struct emitter *e, const struct ir_insn *in)
{
    struct slow s = { .a = vec_of(e, in->arg[0]) };
    unsigned ta = alloc_vec(e), t = alloc_vec(e), r = alloc_gpr(e);
    s.b = s.a;
    modes(e);
    slow_if(e, &s, F_MODE, false);
    to_left(e, ta, s.a);
    asm_vs2(&e->a, (uint32_t)X_CVDPSXDS, t, ta);
    asm_mvsr(&e->a, P_MFVSRD, t, r);
    asm_l(&e->a, P_EXTSW, TEMP, r, 0);
    asm_cmp(&e->a, CR_TEMP, true, true, TEMP, r);
    slow_if(e, &s, CR_TEMP, false);
    uint8_t *done = asm_bc_later(&e->a, BO_FALSE, 4 * F_EXACT_ONLY + CR_EQ);
    asm_vs2(&e->a, (uint32_t)X_CVSXDDP, t, t);
    asm_u32(&e->a, (uint32_t)X_SCMPUDP | CR_TEMP << 23 | t << 16 | ta << 11 | 6);
    slow_if(e, &s, CR_TEMP, false);
    asm_patch(&e->a, done);
    result(e, r, 0);
    for (unsigned k = 0; k < s.n; k++) {
        s.c[k]->back = asm_here(&e->a);
        s.c[k]->result = (uint8_t)r;
        s.c[k]->arg_reg[1] = NO_REG;
    }
}

bool emit_float(struct emitter *e, const struct ir_insn *in)
{
    if (feature(e, FEATURE_3_0) && in->op == IR_VCVTGF && in->lane == IR_F64 && insn(e, in->arg[1])->type == IR_I32) {
        emit_from_int(e, in);
        return true;
    }
    if (feature(e, FEATURE_3_0) && in->op == IR_VCVTFG && in->lane == IR_F64 && in->type == IR_I32 && in->mod & 1) {
        emit_to_int(e, in);
        return true;
    }
    if (!feature(e, FEATURE_3_0) || in->lane != IR_F64 || !(in->mod & IR_LOW))
        return false;
    switch (in->op) {
    case IR_VFADD: emit_arith(e, in, (uint32_t)X_SADDDP, true); return true;
    case IR_VFSUB: emit_arith(e, in, (uint32_t)X_SSUBDP, true); return true;
    case IR_VFMUL: emit_arith(e, in, (uint32_t)X_SMULDP, false); return true;
    case IR_VFDIV: emit_arith(e, in, (uint32_t)X_SDIVDP, false); return true;
    case IR_FCMPF: emit_compare(e, in); return true;
    default: return false;
    }
}
