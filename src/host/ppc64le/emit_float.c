/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_float.c: floating point inline for ordinary operands; everything else is left to the interpreter's arithmetic, which is exact in results,
 * NaNs and flags.
 *
 * One instruction, a test for division or square root, looks at the operands: its fe bit is set for a NaN, an infinity, or a number other than 0
 * that is too small to be safe against a constant (stubs.c), so that neither an operand nor the result can be denormal or tiny. Under an unusual MXCSR
 * (rounding, DAZ, FTZ, an unmasked exception) the constants are 0, which sets fe as well; where no constant is involved, F_MODE tells. What passes
 * is computed by the host with x86's result, and can only be inexact or overflow: FPSCR gathers that until somebody reads MXCSR (STUB_GATHER).
 *
 * Scalar operations work on the left doubleword of a register; guests have their low element on the right. The `left` form of a value is kept beside
 * or, if what stands above the low element is known to be zero, instead of the value itself. Single precision has the format of double there.
 * Manual: Power ISA 2.07 book I, 7.6 (xvtdivdp, xstsqrtdp), 4.2.2 (FPSCR).
 */
#include "host/ppc64le/emit.h"

enum { T_DIVDP = (int)XX3(61), T_VDIVDP = (int)XX3(125), T_VDIVSP = (int)XX3(93), T_SQRTDP = (int)XX2(106) };
enum { VMX = 32 };

/* --- operands --- */

/* nothing but zeros above an element as wide as `lane`: a double's upper half stands above the low float */
static bool is_upper_zero(const struct emitter *e, ir_ref r, unsigned lane)
{
    return insn(e, r)->op == IR_VZERO || (e->v[r].upper_zero && type_size(insn(e, r)->lane) <= type_size(lane));
}

static void settle_left(struct emitter *e, unsigned r, unsigned v, unsigned lane)
{
    e->v[2 * e->n + r].last = e->v[r].last;
    settle(e, 2 * e->n + r, VEC + v, lane);
}

bool has_left(const struct emitter *e, ir_ref r, unsigned lane)
{
    const struct value *l = &e->v[2 * e->n + r];
    return (l->where == IN_VEC || l->where == IN_MEM) && l->ext == lane;
}

static unsigned left_of(struct emitter *e, ir_ref r, unsigned lane)
{
    if (has_left(e, r, lane))
        return vec_of(e, 2 * e->n + r);
    if (insn(e, r)->op == IR_VZERO)
        return vec_of(e, r);
    unsigned v = vec_of(e, r), t = alloc_vec(e);
    if (lane == IR_F64) {
        asm_xxpermdi(&e->a, t, v, v, 2);
    } else {
        asm_xxsldwi(&e->a, t, v, v, 3);
        asm_vs2(&e->a, (uint32_t)X_CVSPDPN, t, t);
    }
    settle_left(e, r, t, lane);
    return t;
}

/* the whole of a value that has only its left form */
void whole_from_left(struct emitter *e, unsigned r, unsigned v)
{
    unsigned t = vec_of(e, 2 * e->n + r);
    if (e->v[2 * e->n + r].ext == IR_F64) {
        asm_x3(&e->a, (uint32_t)X_PERMDI, VMX + v, VS_ZERO, VMX + t);
        return;
    }
    asm_vs2(&e->a, (uint32_t)X_CVDPSPN, v, t);
    asm_x3(&e->a, (uint32_t)X_SLDWI | 1 << 8, VMX + v, VS_ZERO, VMX + v);
}

/* the register whose upper part is r's */
unsigned base_of(struct emitter *e, ir_ref r)
{
    while (e->v[r].where == NOWHERE && e->facts && e->facts[r].left_only && !e->v[r].upper_zero)
        r = insn(e, r)->arg[0];
    return vec_of(e, r);
}

/* --- the slow way --- */

struct slow { struct cold *c[6]; unsigned n, kind[2], reg[2]; };

/* operand k of the interpreter's: its value if that is somewhere, else its left form */
static void slow_arg(struct emitter *e, struct slow *s, unsigned k, ir_ref r)
{
    const struct value *v = &e->v[r];
    if (v->where == NOWHERE) {
        s->reg[k] = VEC + vec_of(e, 2 * e->n + r);
        s->kind[k] = e->v[2 * e->n + r].ext;
    } else
        s->reg[k] = VEC + vec_of(e, r);
}

static void slow_if(struct emitter *e, struct slow *s, unsigned bit, bool sense)
{
    struct cold *c = add_cold(e, e->loop.on ? COLD_BACK : facts_on(e) ? COLD_RUN : COLD_ONE);
    c->from = asm_bc_later(&e->a, sense ? BO_TRUE : BO_FALSE, bit);
    if (e->loop.on || facts_on(e))
        return;
    for (unsigned k = 0; k < 2; k++) {
        c->arg_reg[k] = (uint8_t)s->reg[k];
        c->arg_left[k] = (uint8_t)s->kind[k];
    }
    s->c[s->n++] = c;
}

static void slow_begin(struct emitter *e, struct slow *s, const struct ir_insn *in)
{
    *s = (struct slow){ .reg = { NO_REG, NO_REG } };
    if (e->loop.on || facts_on(e))
        return;
    for (unsigned k = 0; k < 2; k++)
        if (k < ir_op_info[in->op].n_args && in->arg[k] != IR_NONE && insn(e, in->arg[k])->type == IR_V128)
            slow_arg(e, s, k, in->arg[k]);
}

static void slow_end(struct emitter *e, struct slow *s, unsigned result, unsigned left, unsigned lane)
{
    for (unsigned k = 0; k < s->n; k++) {
        s->c[k]->back = asm_here(&e->a);
        s->c[k]->result = (uint8_t)result;
        s->c[k]->left = (uint8_t)left;
        s->c[k]->left_lane = (uint8_t)lane;
    }
}

/* in the mode where no constant looks at it */
static void slow_mode(struct emitter *e, struct slow *s)
{
    if (!e->loop.on)                                                /* looked at before the first round */
        slow_if(e, s, 4 * F_MODE + CR_EQ, false);
}

static void test(struct emitter *e, struct slow *s, uint32_t op, unsigned a, unsigned b)
{
    asm_x3(&e->a, op | CR_TEMP << 23, 0, a, b);
    slow_if(e, s, 4 * CR_TEMP + CR_EQ, true);
}

/* the left forms of a and b at once; pair's left half is a's */
static void test_pair(struct emitter *e, struct slow *s, unsigned a, unsigned b, unsigned constant)
{
    if (a == b) {
        test(e, s, T_DIVDP, VMX + a, constant);
        return;
    }
    asm_xxpermdi(&e->a, VTEMP, a, b, 0);
    test(e, s, T_VDIVDP, VMX + VTEMP, constant);
}

/* --- results --- */

/* Where the low element of a result goes (its left form: t) and what else is needed; all of it before a test, which may leave for the slow way. */
struct low { unsigned t, dst, base, extra; bool upper_zero; };

static unsigned left_dst(struct emitter *e)
{
    unsigned t = loop_left(e, e->i);
    if (t == NO_REG)
        return alloc_vec(e);
    evict(e, VEC + t);
    return t;
}

static struct low low_begin(struct emitter *e, struct slow *s, const struct ir_insn *in)
{
    struct low l = { .dst = NO_REG, .upper_zero = is_upper_zero(e, in->arg[0], in->lane) };
    slow_begin(e, s, in);
    l.t = left_dst(e);
    if (l.upper_zero)
        return l;
    if (facts_on(e) && e->facts[e->i].left_only)
        return l;
    l.base = base_of(e, in->arg[0]);
    if (in->lane == IR_F32)
        l.extra = alloc_vec(e);
    l.dst = dst_vec(e);
    return l;
}

/* the low element is the left one of l->t, the rest comes from l->base */
static void low_end(struct emitter *e, struct slow *s, const struct low *l, unsigned lane)
{
    e->v[e->i].upper_zero = l->upper_zero;
    if (loop_left(e, e->i) == l->t)
        place_in(e, NO_INSN, VEC + l->t, 0);
    if (l->dst == NO_REG) {
        settle_left(e, e->i, l->t, lane);
        slow_end(e, s, NO_REG, VEC + l->t, lane);
        return;
    }
    if (lane == IR_F64) {
        asm_xxpermdi(&e->a, l->dst, l->base, l->t, 0);
    } else {
        asm_xxsldwi(&e->a, VTEMP, l->base, l->base, 3);
        asm_vs2(&e->a, (uint32_t)X_CVDPSPN, l->extra, l->t);
        asm_xxsldwi(&e->a, l->dst, VTEMP, l->extra, 1);
    }
    result_vec(e, l->dst);
    settle_left(e, e->i, l->t, lane);
    slow_end(e, s, VEC + l->dst, VEC + l->t, lane);
}

/* --- arithmetic on the low element --- */

static uint32_t scalar_op(const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    switch (in->op) {
    case IR_VFADD: return f64 ? X_SADDDP : X_SADDSP;
    case IR_VFSUB: return f64 ? X_SSUBDP : X_SSUBSP;
    case IR_VFMUL: return f64 ? X_SMULDP : X_SMULSP;
    default: return f64 ? X_SDIVDP : X_SDIVSP;
    }
}

/* MIN is a < b ? a : b, MAX is a > b ? a : b */
static void choose(struct emitter *e, const struct ir_insn *in, bool f64, unsigned t, unsigned a, unsigned b)
{
    bool min = in->op == IR_VFMIN;
    asm_vs(&e->a, (uint32_t)XX3(f64 ? 107 : 75), VTEMP, min ? b : a, min ? a : b);
    asm_xxsel(&e->a, t, b, a, VTEMP);
}

/* loops.c: the product shows in FPSCR if the operand is denormal */
static void shrink(struct emitter *e, unsigned a, bool low) { asm_x3(&e->a, low ? X_SMULDP : X_VMULDP, VMX + VTEMP, VMX + a, VS_SHRINK); }

/* those that facts.c asks for */
static void test_facts(struct emitter *e, struct slow *s, unsigned a, unsigned b, bool low)
{
    unsigned tests = e->facts[e->i].tests;
    if (e->loop.on) {
        if (tests & TEST_A)
            shrink(e, a, low);
        if (tests & TEST_B)
            shrink(e, b, low);
        return;
    }
    if (tests & TEST_MODE)
        slow_mode(e, s);
    if (low && (tests & (TEST_A | TEST_B)) == (TEST_A | TEST_B)) {
        test_pair(e, s, a, b, VS_LEAF);
        return;
    }
    if (tests & TEST_A)
        test(e, s, low ? T_DIVDP : T_VDIVDP, VMX + a, VS_LEAF);
    if (tests & TEST_B)
        test(e, s, low ? T_DIVDP : T_VDIVDP, VMX + b, VS_LEAF);
}

static void test_low(struct emitter *e, struct slow *s, const struct ir_insn *in, unsigned a, unsigned b)
{
    bool f64 = in->lane == IR_F64;
    if (facts_on(e)) {
        test_facts(e, s, a, b, true);
        if (in->op == IR_VFDIV && !e->loop.on)
            test(e, s, T_DIVDP, VMX + a, VMX + b);
        return;
    }
    if (in->op == IR_VFDIV && f64) {
        slow_mode(e, s);
        test(e, s, T_DIVDP, VMX + a, VMX + b);
        return;
    }
    test_pair(e, s, a, b, f64 ? VS_DOUBLE : in->op == IR_VFMUL || in->op == IR_VFDIV ? VS_SINGLE_MUL : VS_SINGLE);
    if (in->op == IR_VFDIV)
        test(e, s, T_DIVDP, VS_SINGLE_DIV, VMX + b);
}

static void emit_arith_low(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    unsigned a = left_of(e, in->arg[0], in->lane), b = in->arg[0] == in->arg[1] ? a : left_of(e, in->arg[1], in->lane);
    struct low l = low_begin(e, &s, in);
    test_low(e, &s, in, a, b);
    if (in->op == IR_VFMIN || in->op == IR_VFMAX)
        choose(e, in, true, l.t, a, b);
    else
        asm_vs(&e->a, scalar_op(in), l.t, a, b);
    low_end(e, &s, &l, in->lane);
}

static void emit_sqrt_low(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    bool f64 = in->lane == IR_F64;
    unsigned a = left_of(e, in->arg[1], in->lane);
    struct low l = low_begin(e, &s, in);
    if (!(e->loop.on && facts_on(e))) {
        asm_u32(&e->a, (uint32_t)T_SQRTDP | CR_TEMP << 23 | a << 11 | 2);
        slow_if(e, &s, 4 * CR_TEMP + CR_EQ, true);
    }
    if (facts_on(e))
        test_facts(e, &s, a, a, true);
    else
        f64 ? slow_mode(e, &s) : test(e, &s, T_DIVDP, VMX + a, VS_SINGLE);
    asm_vs2(&e->a, f64 ? (uint32_t)X_SQRTDP : (uint32_t)XX2(11), l.t, a);
    low_end(e, &s, &l, in->lane);
}

/* CVTSS2SD, CVTSD2SS */
static void emit_convert_low(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    bool f64 = in->lane == IR_F64;
    unsigned a = left_of(e, in->arg[1], f64 ? IR_F32 : IR_F64);
    struct low l = low_begin(e, &s, in);
    test(e, &s, T_DIVDP, VMX + a, VS_SINGLE);
    f64 ? asm_vmr(&e->a, l.t, a) : asm_vs2(&e->a, (uint32_t)XX2(281), l.t, a);
    low_end(e, &s, &l, in->lane);
}

static bool emit_round_low(struct emitter *e, const struct ir_insn *in)
{
    static const uint16_t ops[4] = { 107, 121, 105, 89 };           /* xsrdpic, xsrdpim, xsrdpip, xsrdpiz */
    unsigned imm = in->aux & 7;
    bool current = imm & 4 || imm == 0;                             /* to nearest, in the only mode that comes here */
    struct slow s;
    if (current ? in->aux & 8 : !(in->aux & 8))                     /* of the host's, only xsrdpic tells that it was inexact */
        return false;
    unsigned a = left_of(e, in->arg[1], in->lane);
    struct low l = low_begin(e, &s, in);
    test(e, &s, T_DIVDP, VMX + a, in->lane == IR_F64 ? VS_DOUBLE : VS_SINGLE);
    asm_vs2(&e->a, (uint32_t)XX2(ops[current ? 0 : imm]), l.t, a);
    low_end(e, &s, &l, in->lane);
    return true;
}

/* --- comparing --- */

static uint32_t compare_op(const struct ir_insn *in)
{
    unsigned p = in->aux & 3;
    bool f64 = in->lane == IR_F64;
    return (uint32_t)(p == 0 ? XX3(f64 ? 99 : 67) : p == 1 ? XX3(f64 ? 107 : 75) : XX3(f64 ? 115 : 83));
}

/* the predicates that say something of two numbers: EQ, LT, LE and their negations */
static void mask_of(struct emitter *e, const struct ir_insn *in, unsigned t, unsigned a, unsigned b)
{
    bool swap = (in->aux & 3) != 0;                                 /* a < b is b > a */
    asm_vs(&e->a, compare_op(in), t, swap ? b : a, swap ? a : b);
    if (in->aux & 4)
        asm_vs(&e->a, X_LNOR, t, t, t);
}

static void emit_mask_low(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    bool f64 = in->lane == IR_F64;
    unsigned a = left_of(e, in->arg[0], in->lane), b = left_of(e, in->arg[1], in->lane), base = vec_of(e, in->arg[0]), t = alloc_vec(e), dst = dst_vec(e);
    struct ir_insn wide = *in;
    slow_begin(e, &s, in);
    if (facts_on(e))
        test_facts(e, &s, a, b, true);
    else
        test_pair(e, &s, a, b, f64 ? VS_DOUBLE : VS_SINGLE);
    wide.lane = IR_F64;
    mask_of(e, &wide, t, a, b);                                     /* singles have the format of doubles: the mask is in the left doubleword */
    if (f64) {
        asm_xxpermdi(&e->a, dst, base, t, 0);
    } else {
        asm_xxsldwi(&e->a, VTEMP, base, base, 3);
        asm_xxsldwi(&e->a, dst, VTEMP, t, 1);
    }
    result_vec(e, dst);
    slow_end(e, &s, VEC + dst, NO_REG, 0);
}

/* UCOMISD and the like: in a field of CR, lt = C, eq = Z, so = P, gt = neither */
static void emit_compare(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    struct value *v = &e->v[e->i];
    bool word = v->views & VIEW_WORD;
    unsigned a = left_of(e, in->arg[0], in->lane), b = left_of(e, in->arg[1], in->lane), w = word ? alloc_gpr(e) : NO_REG, cr = CR_TEMP;
    slow_begin(e, &s, in);
    if (v->views & VIEW_UNSIGNED)
        cr = v->cr[1] = (uint8_t)alloc_cr(e, v->port_last);
    if (facts_on(e))
        test_facts(e, &s, a, b, true);
    else
        test_pair(e, &s, a, b, in->lane == IR_F64 ? VS_DOUBLE : VS_SINGLE);
    asm_u32(&e->a, (uint32_t)(e->loop.on ? X_SCMPODP : X_SCMPUDP) | cr << 23 | a << 16 | b << 11 | 6);     /* there NaNs come here, and must not go unnoticed */
    if (word) {
        asm_mfocrf(&e->a, w, cr);
        asm_rlwinm(&e->a, TEMP, w, (4 * cr + 9) & 31, 23, 23);      /* lt, bit 4 * cr from the left, becomes C (bit 8) */
        asm_rlwinm(&e->a, w, w, (4 * cr + 17) & 31, 17, 17);        /* eq becomes Z (bit 14) */
        asm_l(&e->a, P_OR, w, w, TEMP);
        port_word(e, in, w);
    }
    slow_end(e, &s, NO_REG, NO_REG, 0);
    for (unsigned k = 0; k < s.n; k++) {
        s.c[k]->word = (uint8_t)w;
        s.c[k]->cr = v->views & VIEW_UNSIGNED ? (uint8_t)cr : NO_REG;
    }
    if (v->uses) {
        unsigned src = vec_of(e, in->arg[0]), dst = dst_vec(e);
        asm_vmr(&e->a, dst, src);
        result_vec(e, dst);
    }
}

/* --- integers --- */

static void emit_from_int(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    bool word = insn(e, in->arg[1])->type == IR_I32, f64 = in->lane == IR_F64;
    unsigned r = gpr_of(e, in->arg[1]);
    struct low l = low_begin(e, &s, in);
    s.reg[1] = r;
    if (!word || !f64)                                              /* may be inexact */
        slow_mode(e, &s);
    asm_mvsr(&e->a, word ? P_MTVSRWA : P_MTVSRD, l.t, r);
    asm_vs2(&e->a, f64 ? (uint32_t)X_CVSXDDP : (uint32_t)X_CVSXDSP, l.t, l.t);
    low_end(e, &s, &l, in->lane);
}

/* truncation; what is out of range or (64 bits) near to it is left to the interpreter */
static void emit_to_int(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    unsigned a = left_of(e, in->arg[0], in->lane), r = alloc_gpr(e);
    slow_begin(e, &s, in);
    slow_mode(e, &s);
    asm_vs2(&e->a, in->type == IR_I32 ? (uint32_t)XX2(88) : (uint32_t)X_CVDPSXDS, VTEMP, a);
    asm_mvsr(&e->a, in->type == IR_I32 ? P_MFVSRWZ : P_MFVSRD, VTEMP, r);
    if (in->type == IR_I32) {
        asm_d(&e->a, P_ADDIS, TEMP2, r, -0x8000);
        asm_d(&e->a, P_ADDI, TEMP2, TEMP2, 1);
        asm_cmpi(&e->a, CR_TEMP, false, false, TEMP2, 1);
        slow_if(e, &s, 4 * CR_TEMP + CR_GT, false);
    } else {
        asm_sradi(&e->a, TEMP, r, 62);
        asm_cmpi(&e->a, CR_TEMP, true, true, TEMP, 0);
        uint8_t *positive = asm_bc_later(&e->a, BO_TRUE, 4 * CR_TEMP + CR_EQ);
        asm_cmpi(&e->a, CR_TEMP, true, true, TEMP, -1);
        slow_if(e, &s, 4 * CR_TEMP + CR_EQ, false);
        asm_patch(&e->a, positive);
    }
    result(e, r, in->type == IR_I32 ? ZX : 0);
    slow_end(e, &s, r, NO_REG, 0);
}

/* --- all elements --- */

static uint32_t packed_op(const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    switch (in->op) {
    case IR_VFADD: return f64 ? X_VADDDP : X_VADDSP;
    case IR_VFSUB: return f64 ? X_VSUBDP : X_VSUBSP;
    case IR_VFMUL: return f64 ? X_VMULDP : X_VMULSP;
    default: return f64 ? X_VDIVDP : X_VDIVSP;
    }
}

static void test_packed(struct emitter *e, struct slow *s, const struct ir_insn *in, unsigned a, unsigned b)
{
    bool f64 = in->lane == IR_F64;
    uint32_t op = f64 ? T_VDIVDP : T_VDIVSP;
    if (facts_on(e)) {
        test_facts(e, s, a, b, false);
        if (in->op == IR_VFDIV && !e->loop.on)
            test(e, s, op, VMX + a, VMX + b);
        return;
    }
    if (in->op == IR_VFDIV) {
        slow_mode(e, s);
        test(e, s, op, VMX + a, VMX + b);
        return;
    }
    unsigned constant = f64 ? VS_DOUBLE : in->op == IR_VFMUL ? VS_FLOATS_MUL : VS_FLOATS;
    test(e, s, op, VMX + a, constant);
    if (a != b)
        test(e, s, op, VMX + b, constant);
}

static void emit_packed(struct emitter *e, const struct ir_insn *in)
{
    struct slow s;
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), dst = dst_vec(e);
    slow_begin(e, &s, in);
    test_packed(e, &s, in, a, b);
    if (in->op == IR_VFCMP)
        mask_of(e, in, dst, a, b);
    else if (in->op == IR_VFMIN || in->op == IR_VFMAX)
        choose(e, in, in->lane == IR_F64, dst, a, b);
    else
        asm_vs(&e->a, packed_op(in), dst, a, b);
    result_vec(e, dst);
    slow_end(e, &s, VEC + dst, NO_REG, 0);
}

/* CVTDQ2PS; CVTDQ2PD, which is exact */
static void emit_from_ints(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), dst = dst_vec(e);
    struct slow s;
    if (in->lane == IR_F32) {
        slow_begin(e, &s, in);
        slow_mode(e, &s);
        asm_vs2(&e->a, (uint32_t)X_VCVSXWSP, dst, a);
        result_vec(e, dst);
        slow_end(e, &s, VEC + dst, NO_REG, 0);
        return;
    }
    asm_v(&e->a, V_MRGLW, VTEMP, a, a);                             /* a1 a1 a0 a0: the conversion takes words 0 and 2 */
    asm_vs2(&e->a, (uint32_t)X_VCVSXWDP, dst, VTEMP);
    result_vec(e, dst);
}

static bool low_op(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX: emit_arith_low(e, in); return true;
    case IR_VFSQRT: emit_sqrt_low(e, in); return true;
    case IR_VCVTFF: emit_convert_low(e, in); return true;
    case IR_VFROUND: return emit_round_low(e, in);
    case IR_VFCMP:
        if ((in->aux & 3) == 3 || in->aux > 7)
            return false;
        emit_mask_low(e, in);
        return true;
    default: return false;
    }
}

bool emit_float(struct emitter *e, const struct ir_insn *in)
{
    if (in->lane != IR_F64 && in->lane != IR_F32)
        return false;
    switch (in->op) {
    case IR_FCMPF: emit_compare(e, in); return true;
    case IR_VCVTGF: emit_from_int(e, in); return true;
    case IR_VCVTFG:
        if (!(in->mod & 1))
            return false;
        emit_to_int(e, in);
        return true;
    case IR_VCVTIF:
        emit_from_ints(e, in);
        return true;
    default: break;
    }
    if (in->mod & IR_LOW)
        return low_op(e, in);
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX: emit_packed(e, in); return true;
    case IR_VFCMP:
        if ((in->aux & 3) == 3 || in->aux > 7)
            return false;
        emit_packed(e, in);
        return true;
    default: return false;
    }
}
