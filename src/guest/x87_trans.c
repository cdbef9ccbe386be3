/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_trans.c: the transcendental x87 instructions without a floating-point unit: special operands by the manual's tables, the rest
 * by series in 128-bit precision, rounded once. Arguments of the trigonometric functions are reduced by a pi of 66 bits, as processors do
 * (SDM vol. 1, 8.3.8). Processors of different makers differ in the last bit here; so may this.
 */
#include "guest/x87.h"

typedef unsigned __int128 u128;
#define W(hi, lo) ((u128)(hi) << 64 | (lo))

/* (-1)^s * m / 2^127 * 2^e; m has its top bit set, or is 0 */
struct wide { bool s; int e; u128 m; };

static const struct wide w_one = { false, 0, W(0x8000000000000000, 0) }, w_two = { false, 1, W(0x8000000000000000, 0) },
    w_pi = { false, 1, W(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1) }, w_ln2 = { false, -1, W(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af) },
    w_2_ln2 = { false, 1, W(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89) };

/* atan(k / 16), k = 1.. */
static const struct wide atan_16[16] = {
    { false, -5, W(0xffaaddb967ef4e36, 0xcb2792dc0e2e0d51) },
    { false, -4, W(0xfeadd4d5617b6e32, 0xc897989f3e888ef8) },
    { false, -3, W(0xbdcbda5e72d81134, 0x7b0b4f881c9c7488) },
    { false, -3, W(0xfadbafc96406eb15, 0x6dc79ef5f7a217e6) },
    { false, -2, W(0x9b13b9b83f5e5e69, 0xc5abb498d27af328) },
    { false, -2, W(0xb7b0ca0f26f78473, 0x8aa32122dcfe4483) },
    { false, -2, W(0xd327761e611fe5b6, 0x427c95e9001e7136) },
    { false, -2, W(0xed63382b0dda7b45, 0x6fe445ecbc3a8d03) },
    { false, -1, W(0x832bf4a6d9867e2a, 0x4b6a09cb61a515c1) },
    { false, -1, W(0x8f005d5ef7f59f9b, 0x5c835e1665c43748) },
    { false, -1, W(0x9a2f80e671bdda20, 0x4226f8e2204ff3bd) },
    { false, -1, W(0xa4bc7d1934f70924, 0x19a87f2a457dac9f) },
    { false, -1, W(0xaeac4c38b4d8c080, 0x14725e2f3e52070a) },
    { false, -1, W(0xb8053e2bc2319e73, 0xcb2da55210a4443d) },
    { false, -1, W(0xc0ce85b8ac526640, 0x89dd62c46e92fa25) },
    { false, -1, W(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1) },
};

/* --- arithmetic on wide numbers, truncating --- */
static struct wide normalize(struct wide v)
{
    uint64_t high = (uint64_t)(v.m >> 64);
    if (v.m == 0)
        return v;
    unsigned n = high ? (unsigned)__builtin_clzll(high) : 64 + (unsigned)__builtin_clzll((uint64_t)v.m);
    v.m <<= n;
    v.e -= (int)n;
    return v;
}

static struct wide w_mul(struct wide a, struct wide b)
{
    uint64_t ah = (uint64_t)(a.m >> 64), al = (uint64_t)a.m, bh = (uint64_t)(b.m >> 64), bl = (uint64_t)b.m;
    u128 low = (u128)al * bl, m1 = (u128)ah * bl, m2 = (u128)al * bh;
    u128 carry = (low >> 64) + (uint64_t)m1 + (uint64_t)m2;
    u128 high = (u128)ah * bh + (m1 >> 64) + (m2 >> 64) + (carry >> 64);
    return normalize((struct wide){ a.s != b.s, a.e + b.e + 1, high });
}

static struct wide w_neg(struct wide a)
{
    a.s = !a.s;
    return a;
}

static struct wide w_add(struct wide a, struct wide b)
{
    if (a.m == 0 || b.m == 0)
        return a.m ? a : b;
    if (a.e < b.e || (a.e == b.e && a.m < b.m)) {
        struct wide t = a;
        a = b;
        b = t;
    }
    unsigned n = (unsigned)(a.e - b.e);
    u128 bm = n < 128 ? b.m >> n : 0;
    bool lost = n >= 128 || bm << n != b.m;
    struct wide r = { a.s, a.e, 0 };
    if (a.s != b.s) {
        r.m = a.m - bm - lost;
        return normalize(r);
    }
    r.m = a.m + bm;
    if (r.m < a.m) {
        r.m = r.m >> 1 | (u128)1 << 127;
        r.e++;
    }
    return r;
}

static struct wide w_sub(struct wide a, struct wide b)
{
    return w_add(a, w_neg(b));
}

static struct wide w_div(struct wide a, struct wide b)
{
    u128 q = 0, rest = a.m;
    int e = a.e - b.e;
    if (rest < b.m) {
        e--;
    } else {
        rest -= b.m;
        q = 1;
    }
    for (unsigned i = q ? 1 : 0; i < 128; i++) {
        bool carry = rest >> 127;
        rest <<= 1;
        q <<= 1;
        if (carry || rest >= b.m) {
            rest -= b.m;
            q |= 1;
        }
    }
    return normalize((struct wide){ a.s != b.s, e, q });
}

static struct wide w_div_small(struct wide a, unsigned n)
{
    struct wide r = { a.s, a.e, a.m / n };
    u128 rest = a.m % n;
    unsigned shift = r.m ? (unsigned)__builtin_clzll((uint64_t)(r.m >> 64) | 1) : 0;
    r.m = r.m << shift | (rest << shift) / n;
    r.e -= (int)shift;
    return normalize(r);
}

static struct wide w_from_int(int n)
{
    struct wide r = { n < 0, 127, (u128)(n < 0 ? -(int64_t)n : n) };
    return normalize(r);
}

static struct wide w_from(struct sf_value v)
{
    struct wide r = { 0 };
    if (v.frac == 0)
        return r;
    r.m = (u128)sf_unpack_f80(v, &r.s, &r.e) << 64;
    return r;
}

/* --- series --- */
/* sum of x^(2k+1) / (2k+1), signs alternating for atan, not for atanh; |x| < 0.2 */
static struct wide odd_series(struct wide x, bool alternate)
{
    struct wide x2 = w_mul(x, x), power = x, sum = x;
    for (unsigned k = 3; power.m && power.e > sum.e - 130; k += 2) {
        power = w_mul(power, x2);
        if (alternate)
            power.s = !power.s;
        sum = w_add(sum, w_div_small(power, k));
    }
    return sum;
}

/* sum from first on of x^k / k!, in steps of `step` (1: exp, 2: sin or cos, signs alternating); term = x^first / first! */
static struct wide factorial_series(struct wide x, struct wide term, unsigned first, unsigned step)
{
    struct wide factor = step == 2 ? w_neg(w_mul(x, x)) : x, sum = term;
    for (unsigned k = first + 1; term.m && term.e > sum.e - 130; k += step) {
        term = w_div_small(w_mul(term, factor), step == 2 ? k * (k + 1) : k);
        sum = w_add(sum, term);
    }
    return sum;
}

static struct wide w_sin(struct wide r) { return r.m ? factorial_series(r, r, 1, 2) : r; }
static struct wide w_cos(struct wide r) { return factorial_series(r, w_one, 0, 2); }

/* log2(1 + f), f > -1, without loss for small f */
static struct wide w_log2p1(struct wide f)
{
    struct wide x = w_add(w_one, f);
    int e = 0;
    if (f.m == 0)
        return f;
    if (f.e >= -2) {                        /* |f| >= 1/4: bring the argument near 1 */
        e = x.e;
        x.e = 0;
        if (x.m > W(0xb504f333f9de6484, 0)) {
            x.e = -1;
            e++;
        }
        f = w_sub(x, w_one);
    }
    struct wide r = w_from_int(e);
    if (f.m)
        r = w_add(r, w_mul(w_2_ln2, odd_series(w_div(f, w_add(w_two, f)), false)));
    return r;
}

/* atan(y / x) for positive y <= x, y != 0 */
static struct wide w_atan_ratio(struct wide y, struct wide x)
{
    struct wide t = w_div(y, x);
    if (t.e < -6)
        return odd_series(t, true);
    unsigned k = (unsigned)((t.m >> 64) >> (59 - t.e));      /* t * 16, truncated */
    k += k < 16 && ((t.m >> 64) >> (58 - t.e) & 1);
    struct wide c = w_div_small(w_from_int((int)k), 16);
    if (k == 0)
        return odd_series(t, true);
    struct wide u = w_div(w_sub(t, c), w_add(w_one, w_mul(t, c)));
    return u.m ? w_add(atan_16[k - 1], odd_series(u, true)) : atan_16[k - 1];
}

/* --- results --- */
static struct sf_value finish(struct sf_ctx *f, struct wide v)
{
    f->flags |= SF_PE;
    return sf_pack_f80(f, v.s, v.e, v.m | 1);
}

static struct sf_value invalid(struct sf_ctx *f)
{
    f->flags |= SF_IE;
    return sf_default_nan(SF_F80);
}

static void note_denormal(struct sf_ctx *f, enum sf_class c)
{
    if (c == SF_C_DENORMAL)
        f->flags |= SF_DE;
}

static struct sf_value two_xm1(struct sf_ctx *f, struct sf_value x)
{
    enum sf_class c = sf_classify(SF_F80, x);
    if (c == SF_C_ZERO)
        return x;
    if (c == SF_C_INFINITY)
        return x.top & 0x8000 ? sf_f80(1ull << 63, 0xbfff) : x;
    note_denormal(f, c);
    struct wide v = w_from(x);
    if (v.e > 0 || (v.e == 0 && v.m << 1)) {    /* |x| > 1: undefined */
        f->flags |= SF_PE;
        return x;
    }
    if (v.e == 0)
        return v.s ? sf_f80(1ull << 63, 0xbffe) : x;
    v = w_mul(v, w_ln2);
    return finish(f, factorial_series(v, v, 1, 1));
}

/* y * log, where the logarithm is of a number that is `above` or below 1 */
static struct sf_value times_infinity(struct sf_ctx *f, struct sf_value y, bool negative)
{
    if (sf_classify(SF_F80, y) == SF_C_ZERO)
        return invalid(f);
    return sf_infinity(SF_F80, (y.top >> 15) != negative);
}

static struct sf_value y_log2(struct sf_ctx *f, struct wide log, struct sf_value y)
{
    enum sf_class c = sf_classify(SF_F80, y);
    if (c == SF_C_INFINITY)
        return log.m ? sf_infinity(SF_F80, (y.top >> 15) != log.s) : invalid(f);
    if (c == SF_C_ZERO || log.m == 0)
        return sf_zero(SF_F80, (y.top >> 15) != log.s);
    struct wide r = w_mul(log, w_from(y));
    if (log.m << 16 || log.e < 0)
        return finish(f, r);
    f->flags |= SF_PE;                          /* a power of two: the product is exact, and still reported as rounded */
    return sf_pack_f80(f, r.s, r.e, r.m);
}

static struct sf_value yl2x(struct sf_ctx *f, struct sf_value x, struct sf_value y)
{
    enum sf_class c = sf_classify(SF_F80, x), cy = sf_classify(SF_F80, y);
    if (c == SF_C_ZERO) {
        if (cy != SF_C_ZERO && cy != SF_C_INFINITY)
            f->flags |= SF_ZE;
        return times_infinity(f, y, true);
    }
    if (x.top & 0x8000)
        return invalid(f);
    if (c == SF_C_INFINITY)
        return times_infinity(f, y, false);
    struct wide v = w_from(x), log;
    if (v.e < -1 || v.e > 1) {                  /* far from 1: split off the exponent, which x - 1 would lose */
        int e = v.e;
        v.e = 0;
        log = w_add(w_from_int(e), w_log2p1(w_sub(v, w_one)));
    } else {
        log = w_log2p1(w_sub(v, w_one));
    }
    if (cy == SF_C_INFINITY && log.m == 0)
        return invalid(f);
    note_denormal(f, c);
    note_denormal(f, cy);
    return y_log2(f, log, y);
}

static struct sf_value yl2xp1(struct sf_ctx *f, struct sf_value x, struct sf_value y)
{
    enum sf_class c = sf_classify(SF_F80, x), cy = sf_classify(SF_F80, y);
    if (c == SF_C_INFINITY)
        return x.top & 0x8000 ? invalid(f) : times_infinity(f, y, false);
    if (c == SF_C_ZERO)
        return cy == SF_C_INFINITY ? invalid(f) : sf_zero(SF_F80, (x.top ^ y.top) >> 15);
    struct wide v = w_from(x);
    note_denormal(f, c);
    note_denormal(f, cy);
    if (v.s && v.e >= 0) {                      /* x <= -1: undefined */
        f->flags |= SF_PE;
        return x;
    }
    return y_log2(f, w_log2p1(v), y);
}

/* The angle of the point (x, y). quarter: multiples of pi/4 for the corner cases */
static struct sf_value quarter_pi(struct sf_ctx *f, unsigned n, bool sign)
{
    struct wide r = w_mul(w_pi, w_from_int((int)n));
    r.s = sign;
    r.e -= 2;
    return finish(f, r);
}

static struct sf_value patan(struct sf_ctx *f, struct sf_value x, struct sf_value y)
{
    enum sf_class cx = sf_classify(SF_F80, x), cy = sf_classify(SF_F80, y);
    bool sx = x.top >> 15, sy = y.top >> 15;
    note_denormal(f, cx);
    note_denormal(f, cy);
    if (cy == SF_C_INFINITY)
        return quarter_pi(f, cx == SF_C_INFINITY ? (sx ? 3 : 1) : 2, sy);
    if (cy == SF_C_ZERO || cx == SF_C_INFINITY)
        return sx ? quarter_pi(f, 4, sy) : sf_zero(SF_F80, sy);
    if (cx == SF_C_ZERO)
        return quarter_pi(f, 2, sy);
    struct wide a = w_from(x), b = w_from(y), r;
    a.s = b.s = false;
    if (b.e > a.e || (b.e == a.e && b.m > a.m)) {
        struct wide half = w_pi;
        half.e--;
        r = w_atan_ratio(a, b);
        r = sx ? w_add(half, r) : w_sub(half, r);
    } else {
        r = w_atan_ratio(b, a);
        r = sx ? w_sub(w_pi, r) : r;
    }
    r.s = sy;
    return finish(f, r);
}

/* x = r + n * pi/2 with |r| <= pi/4, exactly for the 66-bit pi; |x| < 2^63 */
static unsigned reduce(struct wide x, struct wide *r)
{
    const u128 half_pi = W(3, 0x243f6a8885a308d3);           /* times 2^-65 */
    bool s = x.s;
    if (x.e < -1) {
        *r = x;
        return 0;
    }
    u128 v = (x.m >> 64) << (x.e + 2), n = v / half_pi, rest = v % half_pi;
    bool above = rest > half_pi / 2;
    *r = normalize((struct wide){ s != above, 62, above ? half_pi - rest : rest });
    n += above;
    return (unsigned)(s ? -n : n) & 3;
}

static struct wide sin_quadrant(struct wide r, unsigned n)
{
    struct wide v = n & 1 ? w_cos(r) : w_sin(r);
    v.s ^= n >> 1 & 1;
    return v;
}

/* FSIN, FCOS, FSINCOS, FPTAN. C2 and the operand when it is too large */
static void trigonometric(struct x87_calc *c, struct sf_ctx *f, enum x87_op op, struct sf_value x)
{
    enum sf_class class = sf_classify(SF_F80, x);
    struct wide v = w_from(x), r;
    c->r[0] = x;
    c->r[1] = sf_f80(1ull << 63, 0x3fff);
    if (class == SF_C_INFINITY) {
        c->r[0] = c->r[1] = invalid(f);
    } else if (class == SF_C_ZERO) {
        c->r[0] = op == X87_COS ? c->r[1] : x;
    } else if (v.e >= 63) {
        c->sw = X87_C2;
    } else {
        note_denormal(f, class);
        unsigned n = reduce(v, &r);
        struct wide sine = sin_quadrant(r, n), cosine = sin_quadrant(r, n + 1);
        if (op == X87_PTAN) {
            c->r[0] = finish(f, w_div(sine, cosine));
            return;
        }
        c->r[1] = finish(f, cosine);
        c->r[0] = op == X87_COS ? c->r[1] : finish(f, sine);
    }
}

static struct sf_value compute_one(struct sf_ctx *f, enum x87_op op, struct sf_value st0, struct sf_value st1)
{
    switch (op) {
    case X87_2XM1: return two_xm1(f, st0);
    case X87_YL2X: return yl2x(f, st0, st1);
    case X87_YL2XP1: return yl2xp1(f, st0, st1);
    default: return patan(f, st0, st1);
    }
}

void x87_transcendental(struct x87_calc *c, enum x87_op op, struct sf_value st0, struct sf_value st1)
{
    struct sf_ctx f = sf_from_fcw(c->cw);
    bool two = op == X87_YL2X || op == X87_YL2XP1 || op == X87_PATAN;
    f.precision = 64;
    c->sw = 0;
    if (sf_is_nan(sf_classify(SF_F80, st0)) || (two && sf_is_nan(sf_classify(SF_F80, st1))))
        c->r[0] = c->r[1] = two ? sf_propagate_nan(&f, SF_F80, st1, st0) : sf_propagate_nan(&f, SF_F80, st0, st0);
    else if (op == X87_SIN || op == X87_COS || op == X87_SINCOS || op == X87_PTAN)
        trigonometric(c, &f, op, st0);
    else
        c->r[0] = compute_one(&f, op, st0, st1);
    c->sw |= x87_soft_status(&f);
}
