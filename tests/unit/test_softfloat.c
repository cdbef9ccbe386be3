/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_softfloat.c: softfloat against the real processor, SSE and x87, results and flags bit for bit, on random and corner
 * operands in every rounding mode and with every kind of flushing and precision. On other hosts a few fixed values only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ir/softfloat.h"

#ifdef __x86_64__

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint64_t rnd(void) {
    seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dull;
}

static const struct { int frac_bits, exp_max; } shape[] = { { 23, 255 }, { 52, 2047 }, { 63, 32767 } };

/* few set bits, runs of ones, halfway patterns: what rounding goes wrong on */
static uint64_t corner_frac(int bits) {
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1, r = rnd();
    switch (r & 7) {
    case 0: return 0;
    case 1: return mask;
    case 2: return 1ull << (rnd() % bits);
    case 3: return mask & ~0ull << (rnd() % bits);
    case 4: return mask >> (rnd() % bits);
    case 5: return mask & ((1ull << (rnd() % bits)) + (1ull << (rnd() % bits)));
    case 6: return mask & (rnd() & ~0ull << (rnd() % bits));
    default: return rnd() & mask;
    }
}

static int corner_exp(int max) {
    int bias = max >> 1;
    switch (rnd() % 10) {
    case 0: return 0;
    case 1: return rnd() % 3;
    case 2: return max;
    case 3: return max - (int)(rnd() % 3);
    case 4: case 5: return bias + (int)(rnd() % 9) - 4;
    case 6: return bias + (int)(rnd() % 160) - 80 < 0 ? 1 : (bias + (int)(rnd() % 160) - 80) & max;
    case 7: return (bias / 2 + (int)(rnd() % 80) - 40) & max;
    case 8: return (bias + bias / 2 + (int)(rnd() % 80) - 40) & max;
    default: return rnd() & max;
    }
}

static struct sf_value random_value(enum sf_format f) {
    uint64_t frac = corner_frac(shape[f].frac_bits), sign = rnd() & 1;
    int exp = corner_exp(shape[f].exp_max);
    if (f != SF_F80) return (struct sf_value){ sign << (f == SF_F32 ? 31 : 63) | (uint64_t)exp << shape[f].frac_bits | frac, 0 };
    bool integer_bit = exp != 0;
    if (rnd() % 32 == 0) integer_bit ^= 1;           /* unsupported encodings and pseudo-denormals */
    return sf_f80(frac | (uint64_t)integer_bit << 63, (uint16_t)(sign << 15 | exp));
}

/* now and then close to a: cancellation, ties, equality */
static struct sf_value partner(enum sf_format f, struct sf_value a) {
    if (rnd() & 3) return random_value(f);
    uint64_t nearby = a.frac + (rnd() % 5) - 2;
    if (f == SF_F32) nearby = (uint32_t)(nearby ^ (rnd() & 1) << 31);
    if (f == SF_F64) nearby ^= (rnd() & 1) << 63;
    return (struct sf_value){ nearby, f == SF_F80 ? (uint16_t)(a.top ^ (rnd() & 1) << 15) : 0 };
}

#include <immintrin.h>

enum { N_SSE = 60000, N_X87 = 60000, CLEAR = 0x1f80 };

static void fail_case(const char *op, uint32_t control, struct sf_value a, struct sf_value b, struct sf_value got, struct sf_value want,
                      unsigned got_flags, unsigned want_flags) {
    print_message("%s control %#x a %04x:%016llx b %04x:%016llx: got %04x:%016llx flags %#x, processor %04x:%016llx flags %#x\n", op, control,
                  a.top, (unsigned long long)a.frac, b.top, (unsigned long long)b.frac, got.top, (unsigned long long)got.frac, got_flags,
                  want.top, (unsigned long long)want.frac, want_flags);
}

static unsigned n_bad;
static void compare(const char *op, uint32_t control, struct sf_value a, struct sf_value b, struct sf_value got, struct sf_value want,
                    unsigned got_flags, unsigned want_flags) {
    if (got.frac == want.frac && got.top == want.top && got_flags == want_flags) return;
    if (n_bad++ < 20) fail_case(op, control, a, b, got, want, got_flags, want_flags);
}

/* --- SSE --- */

/* all exceptions masked; rounding, DAZ, FTZ random */
static uint32_t random_mxcsr(void) { return CLEAR | (rnd() & 3) << 13 | (rnd() & 1) << 6 | (rnd() & 1) << 15; }

#define SSE_BINARY(name) \
    static uint64_t run_##name(uint32_t *mxcsr, uint64_t a, uint64_t b) { \
        __m128d x = _mm_castsi128_pd(_mm_cvtsi64_si128((long long)a)), y = _mm_castsi128_pd(_mm_cvtsi64_si128((long long)b)); \
        uint32_t old = _mm_getcsr(); \
        __asm__ volatile("ldmxcsr %1; " #name " %2, %0; stmxcsr %1; ldmxcsr %3" : "+x"(x), "+m"(*mxcsr) : "x"(y), "m"(old)); \
        return (uint64_t)_mm_cvtsi128_si64(_mm_castpd_si128(x)); \
    }
#define SSE_COMPARE(name) \
    static unsigned run_##name(uint32_t *mxcsr, uint64_t a, uint64_t b) { \
        __m128d x = _mm_castsi128_pd(_mm_cvtsi64_si128((long long)a)), y = _mm_castsi128_pd(_mm_cvtsi64_si128((long long)b)); \
        uint32_t old = _mm_getcsr(); uint64_t fl; \
        __asm__ volatile("ldmxcsr %1; " #name " %3, %2; pushfq; popq %0; stmxcsr %1; ldmxcsr %4" \
                         : "=&r"(fl), "+m"(*mxcsr) : "x"(x), "x"(y), "m"(old) : "cc"); \
        return fl & 0x45; \
    }
#define SSE_TO_INT(name) \
    static uint64_t run_##name(uint32_t *mxcsr, uint64_t a, uint64_t b) { \
        __m128d x = _mm_castsi128_pd(_mm_cvtsi64_si128((long long)a)); \
        uint32_t old = _mm_getcsr(); uint64_t r; \
        __asm__ volatile("ldmxcsr %1; " #name " %2, %q0; stmxcsr %1; ldmxcsr %3" : "=&r"(r), "+m"(*mxcsr) : "x"(x), "m"(old)); \
        return r; \
    }
#define SSE_FROM_INT(name) \
    static uint64_t run_##name(uint32_t *mxcsr, uint64_t a, uint64_t b) { \
        __m128d x = _mm_setzero_pd(); \
        uint32_t old = _mm_getcsr(); \
        __asm__ volatile("ldmxcsr %1; " #name " %2, %0; stmxcsr %1; ldmxcsr %3" : "+x"(x), "+m"(*mxcsr) : "r"(a), "m"(old)); \
        return (uint64_t)_mm_cvtsi128_si64(_mm_castpd_si128(x)); \
    }
#define BOTH(M, op) M(op##ss) M(op##sd)
BOTH(SSE_BINARY, add) BOTH(SSE_BINARY, sub) BOTH(SSE_BINARY, mul) BOTH(SSE_BINARY, div) BOTH(SSE_BINARY, min) BOTH(SSE_BINARY, max)
BOTH(SSE_BINARY, sqrt)
SSE_BINARY(cvtss2sd) SSE_BINARY(cvtsd2ss)
BOTH(SSE_COMPARE, ucomi) BOTH(SSE_COMPARE, comi)
SSE_TO_INT(cvtss2si) SSE_TO_INT(cvtsd2si) SSE_FROM_INT(cvtsi2ssq) SSE_FROM_INT(cvtsi2sdq)
static uint64_t run_roundss(uint32_t *mxcsr, uint64_t a, uint64_t b) {
    __m128 x = _mm_castsi128_ps(_mm_cvtsi64_si128((long long)a));
    uint32_t old = _mm_getcsr();
    __asm__ volatile("ldmxcsr %1; roundss $4, %0, %0; stmxcsr %1; ldmxcsr %2" : "+x"(x), "+m"(*mxcsr) : "m"(old));
    return (uint64_t)_mm_cvtsi128_si64(_mm_castps_si128(x));
}
static uint64_t run_roundsd(uint32_t *mxcsr, uint64_t a, uint64_t b) {
    __m128d x = _mm_castsi128_pd(_mm_cvtsi64_si128((long long)a));
    uint32_t old = _mm_getcsr();
    __asm__ volatile("ldmxcsr %1; roundsd $4, %0, %0; stmxcsr %1; ldmxcsr %2" : "+x"(x), "+m"(*mxcsr) : "m"(old));
    return (uint64_t)_mm_cvtsi128_si64(_mm_castpd_si128(x));
}

typedef struct sf_value binary_fn(struct sf_ctx *, enum sf_format, struct sf_value, struct sf_value);
static struct sf_value second_sqrt(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_sqrt(c, f, b); }
static struct sf_value first_round(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_round_int(c, f, a, true); }
static struct sf_value second_narrow(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_convert(c, SF_F32, f, b); }
static struct sf_value second_widen(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_convert(c, SF_F64, f, b); }
static struct sf_value to_int64(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_f64((uint64_t)sf_to_int(c, f, a, 64)); }

struct sse_case { const char *name; enum sf_format from, to; uint64_t (*run)(uint32_t *, uint64_t, uint64_t); binary_fn *soft; };
#define PAIR(op, fn) { #op "ss", SF_F32, SF_F32, run_##op##ss, fn }, { #op "sd", SF_F64, SF_F64, run_##op##sd, fn }
static const struct sse_case sse_cases[] = {
    PAIR(add, sf_add), PAIR(sub, sf_sub), PAIR(mul, sf_mul), PAIR(div, sf_div), PAIR(min, sf_min), PAIR(max, sf_max),
    PAIR(sqrt, second_sqrt), PAIR(round, first_round),
    { "cvtsd2ss", SF_F64, SF_F32, run_cvtsd2ss, second_narrow }, { "cvtss2sd", SF_F32, SF_F64, run_cvtss2sd, second_widen },
    { "cvtss2si", SF_F32, SF_F64, run_cvtss2si, to_int64 }, { "cvtsd2si", SF_F64, SF_F64, run_cvtsd2si, to_int64 },
};

static void one_sse(const struct sse_case *t, uint32_t control, struct sf_value a, struct sf_value b) {
    uint32_t mxcsr = control;
    struct sf_value want = { t->run(&mxcsr, a.frac, b.frac), 0 };
    if (t->to == SF_F32) want.frac = (uint32_t)want.frac;
    struct sf_ctx c = sf_from_mxcsr(control);
    struct sf_value got = t->soft(&c, t->from, a, b);
    compare(t->name, control, a, b, got, want, c.flags, mxcsr & SF_FLAGS);
}

static void test_sse(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < sizeof sse_cases / sizeof *sse_cases; k++)
        for (int i = 0; i < N_SSE; i++) {
            struct sf_value a = random_value(sse_cases[k].from);
            one_sse(&sse_cases[k], random_mxcsr(), a, partner(sse_cases[k].from, a));
        }
    assert_int_equal(n_bad, 0);
}

static void test_sse_from_int(void **state) {
    n_bad = 0;
    for (int i = 0; i < N_SSE; i++) {
        uint64_t v = corner_frac(64) ^ -(rnd() & 1);
        for (enum sf_format f = SF_F32; f <= SF_F64; f++) {
            uint32_t control = random_mxcsr(), mxcsr = control;
            struct sf_value want = { f == SF_F32 ? run_cvtsi2ssq(&mxcsr, v, 0) : run_cvtsi2sdq(&mxcsr, v, 0), 0 };
            struct sf_ctx c = sf_from_mxcsr(control);
            struct sf_value got = sf_from_int(&c, f, (int64_t)v);
            compare("cvtsi2s", control, sf_f64(v), sf_f64(0), got, want, c.flags, mxcsr & SF_FLAGS);
        }
    }
    assert_int_equal(n_bad, 0);
}

static const uint8_t order_flags[] = { [SF_LESS] = 1, [SF_EQUAL] = 0x40, [SF_GREATER] = 0, [SF_UNORDERED] = 0x45 };

static void test_sse_compare(void **state) {
    static const struct { const char *name; enum sf_format f; unsigned (*run)(uint32_t *, uint64_t, uint64_t); bool signal; } t[] = {
        { "ucomiss", SF_F32, run_ucomiss, false }, { "comiss", SF_F32, run_comiss, true },
        { "ucomisd", SF_F64, run_ucomisd, false }, { "comisd", SF_F64, run_comisd, true },
    };
    n_bad = 0;
    for (int i = 0; i < 4 * N_SSE; i++) {
        unsigned k = i & 3;
        struct sf_value a = random_value(t[k].f), b = partner(t[k].f, a);
        uint32_t control = random_mxcsr(), mxcsr = control;
        struct sf_value want = { t[k].run(&mxcsr, a.frac, b.frac), 0 };
        struct sf_ctx c = sf_from_mxcsr(control);
        struct sf_value got = { order_flags[sf_compare(&c, t[k].f, a, b, t[k].signal)], 0 };
        compare(t[k].name, control, a, b, got, want, c.flags, mxcsr & SF_FLAGS);
    }
    assert_int_equal(n_bad, 0);
}

/* --- x87 --- */

struct raw80 { uint64_t frac; uint16_t top; } __attribute__((packed));
struct x87 { struct raw80 a, b, r, r2; uint16_t fcw, fsw; uint64_t mem; };

/* st0 = a, st1 = b; the instruction leaves the result in st0 */
#define X87_BINARY(name, text) \
    static void x87_##name(struct x87 *x) { \
        __asm__ volatile("fninit; fldt %1; fldt %2; fldcw %3; " text "; fnstsw %0; fnclex; fninit" \
                         : "=m"(x->fsw), "+m"(x->b), "+m"(x->a), "+m"(x->fcw), "+m"(x->r), "+m"(x->mem), "+m"(x->r2) : \
                         : "st", "st(1)", "st(2)", "st(3)", "cc"); \
    }
#define X87_OP(name, text) \
    static void x87_##name(struct x87 *x) { \
        static const uint16_t masked = 0x37f; \
        __asm__ volatile("fninit; fldt %1; fldt %2; fldcw %3; " text "; fnstsw %0; fnclex; fldcw %7; fstpt %4; fninit" \
                         : "=m"(x->fsw), "+m"(x->b), "+m"(x->a), "+m"(x->fcw), "+m"(x->r), "+m"(x->mem), "+m"(x->r2) : "m"(masked) \
                         : "st", "st(1)", "st(2)", "st(3)", "cc"); \
    }
X87_OP(fadd, "fadd %%st(1), %%st") X87_OP(fsub, "fsub %%st(1), %%st") X87_OP(fmul, "fmul %%st(1), %%st") X87_OP(fdiv, "fdiv %%st(1), %%st")
X87_OP(fsqrt, "fsqrt") X87_OP(frndint, "frndint") X87_OP(fprem, "fprem") X87_OP(fprem1, "fprem1") X87_OP(fscale, "fscale")
X87_OP(fxtract, "fxtract; fxch") X87_OP(fxtract_sig, "fxtract") X87_OP(fcom, "fcom %%st(1)") X87_OP(fucom, "fucom %%st(1)")
X87_BINARY(fst32, "fstps %5") X87_BINARY(fst64, "fstpl %5")
X87_BINARY(fist16, "fistps %5") X87_BINARY(fist32, "fistpl %5") X87_BINARY(fist64, "fistpll %5")
X87_OP(fld32, "flds %5") X87_OP(fld64, "fldl %5")
X87_OP(fadd32, "fadds %5") X87_OP(fadd64, "faddl %5")

static uint16_t random_fcw(void) {
    static const uint16_t precision[] = { 0, 2, 3, 3 };
    return (uint16_t)(0x7f | precision[rnd() & 3] << 8 | (rnd() & 3) << 10);
}

static struct sf_value x87_round(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_round_int(c, f, a, true); }
static struct sf_value x87_sqrt(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_sqrt(c, f, a); }
static struct sf_value x87_scale(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return sf_scale(c, a, b); }
static struct sf_value x87_exponent(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) {
    struct sf_value e;
    sf_extract(c, a, &e);
    return e;
}
static struct sf_value x87_significand(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) {
    struct sf_value e;
    return sf_extract(c, a, &e);
}
static const struct { const char *name; void (*run)(struct x87 *); binary_fn *soft; } x87_cases[] = {
    { "fadd", x87_fadd, sf_add }, { "fsub", x87_fsub, sf_sub }, { "fmul", x87_fmul, sf_mul }, { "fdiv", x87_fdiv, sf_div },
    { "fsqrt", x87_fsqrt, x87_sqrt }, { "frndint", x87_frndint, x87_round }, { "fscale", x87_fscale, x87_scale },
    { "fxtract (exponent)", x87_fxtract, x87_exponent }, { "fxtract", x87_fxtract_sig, x87_significand },
};

static struct raw80 raw(struct sf_value v) { return (struct raw80){ v.frac, v.top }; }
enum { C1 = 1 << 9, C0 = 1 << 8, C2 = 1 << 10, C3 = 1 << 14 };

static unsigned flags_and_c1(const struct sf_ctx *c) { return c->flags | (c->rounded_up ? C1 : 0u); }

static void one_x87(unsigned k, uint16_t fcw) {
    struct sf_value a = random_value(SF_F80), b = partner(SF_F80, a);
    struct x87 x = { .a = raw(a), .b = raw(b), .fcw = fcw };
    x87_cases[k].run(&x);
    struct sf_ctx c = sf_from_fcw(fcw);
    struct sf_value got = x87_cases[k].soft(&c, SF_F80, a, b);
    compare(x87_cases[k].name, fcw, a, b, got, sf_f80(x.r.frac, x.r.top), flags_and_c1(&c), x.fsw & (SF_FLAGS | C1));
}

static void test_x87(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < sizeof x87_cases / sizeof *x87_cases; k++)
        for (int i = 0; i < N_X87; i++) one_x87(k, random_fcw());
    assert_int_equal(n_bad, 0);
}

/* A denormal number that its operation does not change, while underflow is unmasked: AMD's processors scale it as a result too small, Intel's leave it. */
static bool left_alone(const struct x87 *x, struct sf_value a) {
    return !(x->fcw & SF_UE) && !(x->fsw & SF_UE) && !(a.top & 0x7fff) && a.frac && x->r.frac == a.frac && x->r.top == a.top;
}

/* an unmasked exception is not taken before the next waiting instruction, so results can be looked at */
static void test_x87_unmasked_range(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < sizeof x87_cases / sizeof *x87_cases; k++)
        for (int i = 0; i < N_X87; i++) {
            struct sf_value a = random_value(SF_F80), b = partner(SF_F80, a);
            uint16_t fcw = random_fcw() & ~(uint16_t)(SF_OE | SF_UE);
            struct x87 x = { .a = raw(a), .b = raw(b), .fcw = fcw };
            x87_cases[k].run(&x);
            if (x87_cases[k].soft == x87_scale && left_alone(&x, a))
                continue;
            struct sf_ctx c = sf_from_fcw(fcw);
            struct sf_value got = x87_cases[k].soft(&c, SF_F80, a, b);
            compare(x87_cases[k].name, fcw, a, b, got, sf_f80(x.r.frac, x.r.top), flags_and_c1(&c), x.fsw & (SF_FLAGS | C1));
        }
    assert_int_equal(n_bad, 0);
}

static void test_x87_remainder(void **state) {
    n_bad = 0;
    for (int i = 0; i < 2 * N_X87; i++) {
        struct sf_value a = random_value(SF_F80), b = partner(SF_F80, a);
        uint16_t fcw = random_fcw() & ~(uint16_t)(i & 2 ? SF_UE : 0);
        bool nearest = i & 1, partial;
        struct x87 x = { .a = raw(a), .b = raw(b), .fcw = fcw };
        (nearest ? x87_fprem1 : x87_fprem)(&x);
        if ((b.top & 0x7fff) == 0x7fff && left_alone(&x, a))
            continue;
        struct sf_ctx c = sf_from_fcw(fcw);
        uint64_t q;
        struct sf_value got = sf_remainder(&c, a, b, nearest, &q, &partial);
        unsigned codes = partial ? C2 : ((q & 4 ? C0 : 0) | (q & 2 ? C3 : 0) | (q & 1 ? C1 : 0));
        compare(nearest ? "fprem1" : "fprem", fcw, a, b, got, sf_f80(x.r.frac, x.r.top), c.flags | codes, x.fsw & (SF_FLAGS | C0 | C1 | C2 | C3));
    }
    assert_int_equal(n_bad, 0);
}

static void test_x87_compare(void **state) {
    static const uint16_t codes[] = { [SF_LESS] = C0, [SF_EQUAL] = C3, [SF_GREATER] = 0, [SF_UNORDERED] = C0 | C2 | C3 };
    n_bad = 0;
    for (int i = 0; i < 2 * N_X87; i++) {
        struct sf_value a = random_value(SF_F80), b = partner(SF_F80, a);
        bool signal = i & 1;
        struct x87 x = { .a = raw(a), .b = raw(b), .fcw = 0x37f };
        (signal ? x87_fcom : x87_fucom)(&x);
        struct sf_ctx c = sf_from_fcw(0x37f);
        enum sf_order o = sf_compare(&c, SF_F80, a, b, signal);
        compare(signal ? "fcom" : "fucom", 0x37f, a, b, a, a, c.flags | codes[o], x.fsw & (SF_FLAGS | C0 | C1 | C2 | C3));
    }
    assert_int_equal(n_bad, 0);
}

static void one_store(const char *name, void (*run)(struct x87 *), unsigned bits, bool integer) {
    struct sf_value a = random_value(SF_F80);
    if (rnd() & 1) a.top = (uint16_t)((a.top & 0x8000) | (16383 + (rnd() % 2 ? rnd() % 80 : bits == 32 ? rnd() % 300 - 150 : rnd() % 2300 - 1150))), a.frac |= 1ull << 63;
    uint16_t fcw = random_fcw() & ~(uint16_t)(rnd() & 3 ? 0 : rnd() & SF_FLAGS);
    struct x87 x = { .a = raw(a), .b = raw(a), .fcw = fcw };
    run(&x);
    struct sf_ctx c = sf_from_fcw(fcw);
    uint64_t mask = ~0ull >> (64 - bits);
    struct sf_value got = integer ? sf_f64((uint64_t)sf_to_int(&c, SF_F80, a, bits) & mask) : sf_convert(&c, bits == 32 ? SF_F32 : SF_F64, SF_F80, a);
    if (c.flags & ~fcw & (SF_IE | SF_OE | SF_UE)) got.frac = 0;           /* nothing is stored */
    compare(name, fcw, a, a, got, sf_f64(x.mem & mask), flags_and_c1(&c), x.fsw & (SF_FLAGS | C1));
}

static void test_x87_store(void **state) {
    n_bad = 0;
    for (int i = 0; i < N_X87; i++) {
        one_store("fst m32", x87_fst32, 32, false);
        one_store("fst m64", x87_fst64, 64, false);
        one_store("fist m16", x87_fist16, 16, true);
        one_store("fist m32", x87_fist32, 32, true);
        one_store("fist m64", x87_fist64, 64, true);
    }
    assert_int_equal(n_bad, 0);
}

static void one_load(enum sf_format f, void (*load)(struct x87 *), void (*add)(struct x87 *)) {
    struct sf_value m = random_value(f), a = random_value(SF_F80);
    uint16_t fcw = random_fcw();
    struct x87 x = { .a = raw(a), .b = raw(a), .fcw = fcw, .mem = m.frac };
    load(&x);
    struct sf_ctx c = sf_from_fcw(fcw);
    struct sf_value got = sf_convert(&c, SF_F80, f, m);
    compare("fld", fcw, m, m, got, sf_f80(x.r.frac, x.r.top), flags_and_c1(&c), x.fsw & (SF_FLAGS | C1));
    x = (struct x87){ .a = raw(a), .b = raw(a), .fcw = fcw, .mem = m.frac };
    add(&x);
    c = sf_from_fcw(fcw);
    struct sf_value wide = sf_widen(&c, f, m);
    got = sf_add(&c, SF_F80, a, wide);
    compare("fadd m", fcw, a, m, got, sf_f80(x.r.frac, x.r.top), flags_and_c1(&c), x.fsw & (SF_FLAGS | C1));
}

static void test_x87_load(void **state) {
    n_bad = 0;
    for (int i = 0; i < N_X87; i++) {
        one_load(SF_F32, x87_fld32, x87_fadd32);
        one_load(SF_F64, x87_fld64, x87_fadd64);
    }
    assert_int_equal(n_bad, 0);
}
#endif

static void test_fixed(void **state) {
    struct sf_ctx c = sf_from_mxcsr(0x1f80);
    assert_int_equal(sf_add(&c, SF_F64, sf_f64(0x3ff0000000000000), sf_f64(0x4000000000000000)).frac, 0x4008000000000000);
    assert_int_equal(c.flags, 0);
    assert_int_equal(sf_div(&c, SF_F32, sf_f32(0x3f800000), sf_f32(0x40400000)).frac, 0x3eaaaaab);
    assert_int_equal(c.flags, SF_PE);
    assert_int_equal(sf_sqrt(&c, SF_F64, sf_f64(0x4000000000000000)).frac, 0x3ff6a09e667f3bcd);
    assert_int_equal(sf_to_int(&c, SF_F64, sf_f64(0xc008000000000000), 32), -3);
    assert_int_equal(sf_to_uint(&c, SF_F64, sf_f64(0x43efffffffffffff), 64), 0xfffffffffffff800);
    c.flags = 0;
    assert_int_equal(sf_to_uint(&c, SF_F64, sf_f64(0xbff0000000000000), 64), ~0ull);
    assert_int_equal(c.flags, SF_IE);
    assert_int_equal(sf_from_uint(&c, SF_F64, ~0ull).frac, 0x43f0000000000000);
    assert_int_equal(sf_from_uint(&c, SF_F32, 0x8000008000000001).frac, 0x5f000001);
    assert_int_equal(sf_from_uint(&c, SF_F80, ~0ull).frac, ~0ull);
    assert_int_equal(sf_to_uint(&c, SF_F32, sf_f32(0x4f7fffff), 32), 0xffffff00);
    assert_int_equal(sf_to_uint(&c, SF_F32, sf_f32(0x4f800000), 32), 0xffffffff);
    c.rounding = SF_ZERO;
    assert_int_equal(sf_to_uint(&c, SF_F64, sf_f64(0xbfeccccccccccccd), 32), 0);      /* -0.9 */
    c.rounding = SF_NEAREST;
    struct sf_value third = sf_div(&c, SF_F80, sf_f80(1ull << 63, 0x3fff), sf_f80(3ull << 62, 0x4000));
    assert_int_equal(third.frac, 0xaaaaaaaaaaaaaaab);
    assert_int_equal(third.top, 0x3ffd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
#ifdef __x86_64__
        cmocka_unit_test(test_sse), cmocka_unit_test(test_sse_from_int), cmocka_unit_test(test_sse_compare),
        cmocka_unit_test(test_x87), cmocka_unit_test(test_x87_unmasked_range), cmocka_unit_test(test_x87_remainder),
        cmocka_unit_test(test_x87_compare), cmocka_unit_test(test_x87_store), cmocka_unit_test(test_x87_load),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
