/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp_fp.c: the interpreter's floating point, scalar and vector, through softfloat. One instruction's exceptions are those of all
 * its elements together: they become sticky in the fp control word, and an unmasked one leaves before the result is written.
 *
 *  F1 if an unmasked exception is one that the processor sees before it computes (invalid, denormal, divide by zero), the
 *     others are not reported at all (Intel SDM volume 1, 11.5.3 and 4.9.1)
 */
#include <string.h>
#include "ir/interp.h"
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

typedef union ir_cell cell;
typedef struct sf_value value;

static enum sf_format format_of(enum ir_type t) { return t == IR_F32 || t == IR_I32 ? SF_F32 : t == IR_F80 ? SF_F80 : SF_F64; }

static value get(const cell *v, enum sf_format f, unsigned k) {
    if (f == SF_F80) return sf_f80(v->u64[0], v->u16[4]);
    return f == SF_F32 ? sf_f32(v->u32[k]) : sf_f64(v->u64[k]);
}

static void set(cell *v, enum sf_format f, unsigned k, value e) {
    if (f == SF_F80) *v = (cell){ .u64 = { e.frac, e.top } };
    else if (f == SF_F32) v->u32[k] = (uint32_t)e.frac;
    else v->u64[k] = e.frac;
}

/* --- exceptions --- */

static void report(const struct ir_fp_op *op, struct sf_ctx *c) {
    unsigned flags = c->flags, unmasked = flags & ~(unsigned)c->masks;
    if (!flags) return;
    if (unmasked & SF_PRE) flags &= SF_PRE;
    *op->fpcr |= flags;
    if (unmasked) ir_fp_fault(op->state, flags);
}

/* --- element by element --- */

typedef value element_fn(struct sf_ctx *c, enum sf_format f, value a, value b);

static value sqrt_second(struct sf_ctx *c, enum sf_format f, value a, value b) { return sf_sqrt(c, f, b); }

/* n elements of f; the others come from r */
static void each(struct sf_ctx *c, enum sf_format f, element_fn *fn, cell *r, const cell *a, const cell *b, unsigned n) {
    for (unsigned i = 0; i < n; i++) set(r, f, i, fn(c, f, get(a, f, i), get(b, f, i)));
}

static unsigned n_elements(const struct ir_insn *in, enum sf_format f) { return in->mod & IR_LOW ? 1 : f == SF_F32 ? 4 : 2; }

static value round_by_imm(struct sf_ctx *c, enum sf_format f, value v, unsigned imm) {
    struct sf_ctx own = *c;
    if (!(imm & 4)) own.rounding = imm & 3;
    value r = sf_round_int(&own, f, v, !(imm & 8));
    c->flags |= own.flags;
    return r;
}

static void round_each(struct sf_ctx *c, const struct ir_insn *in, enum sf_format f, cell *r, const cell *b) {
    for (unsigned i = 0; i < n_elements(in, f); i++) set(r, f, i, round_by_imm(c, f, get(b, f, i), in->aux));
}

/* CMPPS predicates: bit k is set if order k gives true. The quiet and signalling forms differ by bit 4. */
enum { L = 1 << SF_LESS, E = 1 << SF_EQUAL, G = 1 << SF_GREATER, U = 1 << SF_UNORDERED };
static const uint8_t predicate[16] = { E, L, L | E, U, L | G | U, E | G | U, G | U, L | E | G, E | U, L | U, L | E | U, 0, L | G, G | E, G, L | E | G | U };

static void compare_each(struct sf_ctx *c, const struct ir_insn *in, enum sf_format f, cell *r, const cell *a, const cell *b) {
    unsigned p = in->aux & 31;
    bool signal = ((p & 3) == 1 || (p & 3) == 2) != (p >= 16);
    for (unsigned i = 0; i < n_elements(in, f); i++) {
        enum sf_order o = sf_compare(c, f, get(a, f, i), get(b, f, i), signal);
        set(r, f, i, sf_f64(predicate[p & 15] >> o & 1 ? ~0ull : 0));
    }
}

static void add_sub(struct sf_ctx *c, enum sf_format f, cell *r, const cell *a, const cell *b) {
    for (unsigned i = 0; i < (f == SF_F32 ? 4u : 2u); i++)
        set(r, f, i, (i & 1 ? sf_add : sf_sub)(c, f, get(a, f, i), get(b, f, i)));
}

static void horizontal(struct sf_ctx *c, enum sf_format f, element_fn *fn, cell *r, const cell *a, const cell *b) {
    unsigned n = f == SF_F32 ? 4 : 2;
    for (unsigned i = 0; i < n; i++) {
        const cell *from = 2 * i < n ? a : b;
        unsigned k = 2 * i % n;
        set(r, f, i, fn(c, f, get(from, f, k), get(from, f, k + 1)));
    }
}

/* --- dot product: exceptions are delivered after each of its steps --- */

static void products(struct sf_ctx *c, enum sf_format f, value *p, const cell *a, const cell *b, unsigned imm) {
    for (unsigned i = 0; i < (f == SF_F32 ? 4u : 2u); i++)
        p[i] = imm >> (4 + i) & 1 ? sf_mul(c, f, get(a, f, i), get(b, f, i)) : sf_zero(f, false);
}

static void dot_product(const struct ir_fp_op *op, struct sf_ctx *c, enum sf_format f, cell *r, const cell *a, const cell *b) {
    value p[4], sum;
    products(c, f, p, a, b, op->in->aux);
    report(op, c);
    if (f == SF_F32) {
        value low = sf_add(c, f, p[0], p[1]), high = sf_add(c, f, p[2], p[3]);
        report(op, c);
        sum = sf_add(c, f, low, high);
    } else {
        sum = sf_add(c, f, p[0], p[1]);
    }
    for (unsigned i = 0; i < (f == SF_F32 ? 4u : 2u); i++) set(r, f, i, op->in->aux >> i & 1 ? sum : sf_zero(f, false));
}

/* --- estimates: no rounding control, no exceptions, denormal operands count as zero --- */

#ifdef __x86_64__
/* the estimate's low bits differ between processors: take those of this one */
static uint32_t estimate(bool root, uint32_t v) {
    __m128 x = _mm_castsi128_ps(_mm_cvtsi32_si128((int)v));
    return (uint32_t)_mm_cvtsi128_si32(_mm_castps_si128(root ? _mm_rsqrt_ss(x) : _mm_rcp_ss(x)));
}
#else
/* Elsewhere: 12 significant bits of the exact function at the middle of the operand's interval of 2^-12, which is within
 * 1.5 * 2^-12 as the manual promises. Tiny results become zero. */
static uint32_t estimate(bool root, uint32_t v) {
    enum sf_class k = sf_classify(SF_F32, sf_f32(v));
    uint32_t sign = v & 0x80000000;
    struct sf_ctx c = sf_from_mxcsr(0x9fc0), last = c;     /* nearest, DAZ, FTZ */
    if (sf_is_nan(k)) return v | 0x400000;
    if (k == SF_C_ZERO || k == SF_C_DENORMAL) return sign | 0x7f800000;
    if (root && sign) return 0xffc00000;
    if (k == SF_C_INFINITY) return sign;
    value middle = sf_f64(sf_convert(&c, SF_F64, SF_F32, sf_f32((v & ~0x7ffu) | 0x400)).frac), one = sf_f64(0x3ff0000000000000);
    value exact = sf_div(&c, SF_F64, one, root ? sf_sqrt(&c, SF_F64, middle) : middle);
    value rounded = sf_f64((exact.frac + (1ull << 39)) & ~0ull << 40);
    return (uint32_t)sf_convert(&last, SF_F32, SF_F64, rounded).frac;
}
#endif

static void estimate_each(const struct ir_insn *in, cell *r, const cell *b) {
    for (unsigned i = 0; i < n_elements(in, SF_F32); i++) r->u32[i] = estimate(in->op == IR_VFRSQRT, b->u32[i]);
}

/* --- conversions --- */

static void float_to_float(struct sf_ctx *c, const struct ir_insn *in, cell *r, const cell *a, const cell *b) {
    enum sf_format to = format_of(in->lane), from = to == SF_F32 ? SF_F64 : SF_F32;
    *r = in->mod & IR_LOW ? *a : (cell){ .u64 = { 0 } };
    for (unsigned i = 0; i < (in->mod & IR_LOW ? 1u : 2u); i++) set(r, to, i, sf_convert(c, to, from, get(b, from, i)));
}

static void ints_to_floats(struct sf_ctx *c, enum sf_format to, cell *r, const cell *a) {
    *r = (cell){ .u64 = { 0 } };
    for (unsigned i = 0; i < (to == SF_F32 ? 4u : 2u); i++) set(r, to, i, sf_from_int(c, to, a->s32[i]));
}

static void floats_to_ints(struct sf_ctx *c, enum sf_format from, cell *r, const cell *a) {
    *r = (cell){ .u64 = { 0 } };
    for (unsigned i = 0; i < (from == SF_F32 ? 4u : 2u); i++) r->s32[i] = (int32_t)sf_to_int(c, from, get(a, from, i), 32);
}

static int64_t signed_int(const cell *v, enum ir_type t) { return t == IR_I32 ? v->s32[0] : v->s64[0]; }

static void float_to_int(struct sf_ctx *c, const struct ir_insn *in, cell *r, const cell *a) {
    enum sf_format from = format_of(in->lane);
    int64_t v = sf_to_int(c, from, get(a, from, 0), in->type == IR_I32 ? 32 : 64);
    *r = (cell){ .u64 = { in->type == IR_I32 ? (uint32_t)v : (uint64_t)v } };
}

/* --- the operations --- */

static bool convert(const struct ir_fp_op *op, struct sf_ctx *c, cell *r, const cell *a, const cell *b) {
    const struct ir_insn *in = op->in;
    enum sf_format f = format_of(in->lane);
    bool to_int = in->op == IR_VCVTFI || in->op == IR_VCVTFG;
    if (to_int && in->mod & 1) c->rounding = SF_ZERO;
    switch (in->op) {
    case IR_VCVTFF: float_to_float(c, in, r, a, b); return true;
    case IR_VCVTIF: ints_to_floats(c, f, r, a); return true;
    case IR_VCVTFI: floats_to_ints(c, f, r, a); return true;
    case IR_VCVTGF: *r = *a; set(r, f, 0, sf_from_int(c, f, signed_int(b, op->arg_type[1]))); return true;
    case IR_VCVTFG: float_to_int(c, in, r, a); return true;
    default: return false;
    }
}

static element_fn *element_op(enum ir_op op) {
    switch (op) {
    case IR_VFADD: case IR_FADD: return sf_add;
    case IR_VFSUB: case IR_FSUB: return sf_sub;
    case IR_VFMUL: case IR_FMUL: return sf_mul;
    case IR_VFDIV: case IR_FDIV: return sf_div;
    case IR_VFMIN: return sf_min;
    case IR_VFMAX: return sf_max;
    case IR_VFSQRT: return sqrt_second;
    default: return NULL;
    }
}

static bool scalar(const struct ir_fp_op *op, struct sf_ctx *c, cell *r, const cell *a, const cell *b) {
    enum sf_format f = format_of(op->in->type);
    element_fn *fn = element_op(op->in->op);
    *r = (cell){ .u64 = { 0 } };
    switch (op->in->op) {
    case IR_FADD: case IR_FSUB: case IR_FMUL: case IR_FDIV: each(c, f, fn, r, a, b, 1); return true;
    case IR_FSQRT: set(r, f, 0, sf_sqrt(c, f, get(a, f, 0))); return true;
    case IR_FCVT: {
        enum sf_format from = format_of(op->in->lane);
        set(r, f, 0, f == from ? get(a, f, 0) : sf_convert(c, f, from, get(a, from, 0)));
        return true;
    }
    default: return false;
    }
}

static bool vector(const struct ir_fp_op *op, struct sf_ctx *c, cell *r, const cell *a, const cell *b) {
    const struct ir_insn *in = op->in;
    enum sf_format f = format_of(in->lane);
    *r = *a;
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX:
    case IR_VFSQRT: each(c, f, element_op(in->op), r, a, b, n_elements(in, f)); return true;
    case IR_VFRCP: case IR_VFRSQRT: estimate_each(in, r, b); return true;
    case IR_VFROUND: round_each(c, in, f, r, b); return true;
    case IR_VFCMP: compare_each(c, in, f, r, a, b); return true;
    case IR_VFADDSUB: add_sub(c, f, r, a, b); return true;
    case IR_VFHADD: horizontal(c, f, sf_add, r, a, b); return true;
    case IR_VFHSUB: horizontal(c, f, sf_sub, r, a, b); return true;
    case IR_VFDP: dot_product(op, c, f, r, a, b); return true;
    default: return false;
    }
}

bool ir_interp_fp(const struct ir_fp_op *op, cell *r, const cell *a, const cell *b) {
    struct sf_ctx c = sf_from_mxcsr(*op->fpcr);
    cell out;
    if (!vector(op, &c, &out, a, b) && !convert(op, &c, &out, a, b) && !scalar(op, &c, &out, a, b)) return false;
    report(op, &c);
    *r = out;
    return true;
}

enum sf_order ir_interp_fcmp(const struct ir_fp_op *op, const cell *a, const cell *b) {
    struct sf_ctx c = sf_from_mxcsr(*op->fpcr);
    enum sf_format f = format_of(op->in->lane);
    enum sf_order o = sf_compare(&c, f, get(a, f, 0), get(b, f, 0), op->in->mod & IR_SIGNAL);
    report(op, &c);
    return o;
}
