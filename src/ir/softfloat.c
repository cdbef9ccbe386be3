/* SPDX-License-Identifier: GPL-2.0-or-later
 * softfloat.c: unpack, compute on integers, round and pack. Every operation brings its exact result (or one with a sticky low
 * bit) as a 128-bit significand to round_pack, the only place that rounds, so the rules of underflow, overflow, FTZ and
 * precision control stand there once.
 *
 *  N1 an unpacked finite number is sig / 2^63 * 2^exp with bit 63 of sig set (sig = 0 for zero)
 *  N2 an unpacked NaN has its fraction left-aligned below bit 63, so that changing the format is a shift
 */
#include "ir/softfloat.h"

typedef unsigned __int128 u128;

struct num { enum sf_class cls; bool sign; int exp; uint64_t sig; };

static const struct { int prec, emax, bias, exp_bits; } format[SF_N_FORMATS] = {
    [SF_F32] = { 24, 127, 127, 8 }, [SF_F64] = { 53, 1023, 1023, 11 }, [SF_F80] = { 64, 16383, 16383, 15 },
};
static int emin(enum sf_format f) { return 1 - format[f].bias; }

enum { X87_WRAP = 24576 };                 /* what an unmasked x87 overflow or underflow moves the exponent by */
#define TOP_BIT (1ull << 63)
#define QUIET_BIT (1ull << 62)

struct sf_ctx sf_from_mxcsr(uint32_t mxcsr) {
    return (struct sf_ctx){ .rounding = mxcsr >> 13 & 3, .precision = 64, .daz = mxcsr >> 6 & 1, .ftz = mxcsr >> 15 & 1,
                            .masks = mxcsr >> 7 & SF_FLAGS };
}

struct sf_ctx sf_from_fcw(uint16_t fcw) {
    static const uint8_t bits[4] = { 24, 64 /* reserved */, 53, 64 };
    return (struct sf_ctx){ .rounding = fcw >> 10 & 3, .precision = bits[fcw >> 8 & 3], .masks = fcw & SF_FLAGS };
}

/* --- encodings --- */

static struct sf_value encode(enum sf_format f, bool sign, unsigned biased, uint64_t sig) {
    if (f == SF_F80) return (struct sf_value){ sig, (uint16_t)(sign << 15 | biased) };
    int frac_bits = format[f].prec - 1;
    uint64_t frac = sig & ((1ull << frac_bits) - 1);
    return (struct sf_value){ (uint64_t)sign << (frac_bits + format[f].exp_bits) | (uint64_t)biased << frac_bits | frac, 0 };
}

static enum sf_class classify_special(uint64_t sig) {
    if (sig == TOP_BIT) return SF_C_INFINITY;
    return sig & QUIET_BIT ? SF_C_QNAN : SF_C_SNAN;
}

static void normalize(struct num *n) {
    int shift = __builtin_clzll(n->sig);
    n->sig <<= shift;
    n->exp -= shift;
}

static struct num unpack80(struct sf_value v) {
    struct num n = { .sign = v.top >> 15, .sig = v.frac };
    unsigned biased = v.top & 0x7fff;
    if (biased == 0) {
        n.cls = n.sig ? SF_C_DENORMAL : SF_C_ZERO;
        n.exp = emin(SF_F80);
        if (n.sig) normalize(&n);
        return n;
    }
    n.exp = (int)biased - format[SF_F80].bias;
    if (!(n.sig & TOP_BIT)) n.cls = SF_C_UNSUPPORTED;
    else n.cls = biased == 0x7fff ? classify_special(n.sig) : SF_C_NORMAL;
    return n;
}

static struct num unpack_raw(enum sf_format f, struct sf_value v) {
    if (f == SF_F80) return unpack80(v);
    int frac_bits = format[f].prec - 1;
    unsigned max = (1u << format[f].exp_bits) - 1, biased = v.frac >> frac_bits & max;
    struct num n = { .sign = v.frac >> (frac_bits + format[f].exp_bits) & 1, .sig = v.frac << (63 - frac_bits) & ~TOP_BIT };
    if (biased == 0) {
        n.cls = n.sig ? SF_C_DENORMAL : SF_C_ZERO;
        n.exp = emin(f);
        if (n.sig) normalize(&n);
        return n;
    }
    n.sig |= TOP_BIT;
    n.exp = (int)biased - format[f].bias;
    n.cls = biased == max ? classify_special(n.sig) : SF_C_NORMAL;
    return n;
}

/* an operand: DAZ makes a zero of a denormal */
static struct num unpack(const struct sf_ctx *c, enum sf_format f, struct sf_value v) {
    struct num n = unpack_raw(f, v);
    if (n.cls == SF_C_DENORMAL && c->daz && f != SF_F80) return (struct num){ .cls = SF_C_ZERO, .sign = n.sign };
    return n;
}

static void note_denormal(struct sf_ctx *c, const struct num *n) {
    if (n->cls == SF_C_DENORMAL || c->wide_denormal) c->flags |= SF_DE;
}

enum sf_class sf_classify(enum sf_format f, struct sf_value v) { return unpack_raw(f, v).cls; }
bool sf_sign(enum sf_format f, struct sf_value v) { return unpack_raw(f, v).sign; }
struct sf_value sf_zero(enum sf_format f, bool sign) { return encode(f, sign, 0, 0); }

struct sf_value sf_infinity(enum sf_format f, bool sign) {
    return encode(f, sign, (1u << format[f].exp_bits) - 1, f == SF_F80 ? TOP_BIT : 0);
}

static struct sf_value encode_nan(enum sf_format f, bool sign, uint64_t sig) {
    return encode(f, sign, (1u << format[f].exp_bits) - 1, sig >> (64 - format[f].prec));
}

struct sf_value sf_default_nan(enum sf_format f) { return encode_nan(f, true, TOP_BIT | QUIET_BIT); }

static struct sf_value invalid(struct sf_ctx *c, enum sf_format f) {
    c->flags |= SF_IE;
    return sf_default_nan(f);
}

/* --- NaN operands --- */

/* The x87 takes the quiet one of a quiet and a signalling NaN, else the larger significand, else the positive one. */
static const struct num *choose_x87_nan(const struct num *a, const struct num *b) {
    if (!sf_is_nan(a->cls)) return b;
    if (!sf_is_nan(b->cls)) return a;
    if (a->cls != b->cls) return a->cls == SF_C_QNAN ? a : b;
    if (a->sig != b->sig) return a->sig > b->sig ? a : b;
    return a->sign ? b : a;
}

static struct sf_value propagate(struct sf_ctx *c, enum sf_format f, const struct num *a, const struct num *b) {
    if (a->cls == SF_C_UNSUPPORTED || b->cls == SF_C_UNSUPPORTED) return invalid(c, f);
    if (a->cls == SF_C_SNAN || b->cls == SF_C_SNAN) c->flags |= SF_IE;
    const struct num *n = f == SF_F80 ? choose_x87_nan(a, b) : sf_is_nan(a->cls) ? a : b;
    return encode_nan(f, n->sign, n->sig | QUIET_BIT);
}

struct sf_value sf_propagate_nan(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) {
    struct num x = unpack_raw(f, a), y = unpack_raw(f, b);
    return propagate(c, f, &x, &y);
}

static bool any_nan(const struct num *a, const struct num *b) { return sf_is_nan(a->cls) || sf_is_nan(b->cls); }

/* --- rounding --- */

static u128 shift_right_jam(u128 v, int n) {
    if (n == 0) return v;
    if (n > 127) return v != 0;
    return v >> n | (v << (128 - n) != 0);
}

static int clz128(u128 v) {
    uint64_t high = (uint64_t)(v >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

/* does a magnitude whose dropped part is rest / 2^128 round away from zero? */
static bool rounds_up(unsigned mode, bool sign, bool odd, u128 rest) {
    const u128 half = (u128)1 << 127;
    switch (mode) {
    case SF_NEAREST: return rest > half || (rest == half && odd);
    case SF_DOWN: return sign && rest;
    case SF_UP: return !sign && rest;
    default: return false;
    }
}

struct rounded { u128 q; bool inexact, up; };     /* q <= 2^prec */

static struct rounded round_sig(const struct sf_ctx *c, bool sign, u128 sig, int prec) {
    struct rounded r = { .q = sig >> (128 - prec) };
    u128 rest = sig << prec;
    r.inexact = rest != 0;
    r.up = rounds_up(c->rounding, sign, r.q & 1, rest);
    r.q += r.up;
    return r;
}

static void note_inexact(struct sf_ctx *c, const struct rounded *r) {
    c->rounded_up = r->up;
    if (r->inexact) c->flags |= SF_PE;
}

static struct sf_value overflow(struct sf_ctx *c, enum sf_format f, bool sign, int prec) {
    c->flags |= SF_OE | SF_PE;
    bool to_infinity = c->rounding == SF_NEAREST || c->rounding == (sign ? SF_DOWN : SF_UP);
    c->rounded_up = to_infinity;
    if (to_infinity) return sf_infinity(f, sign);
    uint64_t ones = ~0ull << (64 - prec) >> (64 - format[f].prec);
    return encode(f, sign, format[f].emax + format[f].bias, ones);
}

/* r.q has prec bits and becomes the significand of the format */
static struct sf_value encode_rounded(enum sf_format f, bool sign, int exp, u128 q, int prec) {
    return encode(f, sign, exp + format[f].bias, (uint64_t)(q << (format[f].prec - prec)));
}

/* tiny (after rounding with an unbounded exponent) and underflow is masked: a denormal, zero or the smallest normal number */
static struct sf_value denormalize(struct sf_ctx *c, enum sf_format f, bool sign, int exp, u128 sig, int prec) {
    if (c->ftz && f != SF_F80) {
        c->flags |= SF_UE | SF_PE;
        return sf_zero(f, sign);
    }
    struct rounded r = round_sig(c, sign, shift_right_jam(sig, emin(f) - exp), prec);
    note_inexact(c, &r);
    if (r.inexact) c->flags |= SF_UE;
    uint64_t frac = (uint64_t)(r.q << (format[f].prec - prec));
    return encode(f, sign, frac >> (format[f].prec - 1) & 1, frac);
}

/* value = sig / 2^127 * 2^exp, sig != 0, its low bit sticky; to prec bits */
static struct sf_value round_pack(struct sf_ctx *c, enum sf_format f, bool sign, int exp, u128 sig, int prec) {
    int shift = clz128(sig);
    sig <<= shift;
    exp -= shift;
    struct rounded r = round_sig(c, sign, sig, prec);
    int rounded_exp = exp;
    if (r.q >> prec) { r.q >>= 1; rounded_exp++; }
    if (rounded_exp < emin(f)) {
        if (c->masks & SF_UE) return denormalize(c, f, sign, exp, sig, prec);
        c->flags |= SF_UE;
        if (f == SF_F80 && (rounded_exp += X87_WRAP) < emin(f)) r = (struct rounded){ .inexact = true };
    } else if (rounded_exp > format[f].emax) {
        if (c->masks & SF_OE) return overflow(c, f, sign, prec);
        c->flags |= SF_OE;
        if (f == SF_F80 && (rounded_exp -= X87_WRAP) > format[f].emax) r = (struct rounded){ .inexact = true, .up = true };
    }
    note_inexact(c, &r);
    if (rounded_exp > format[f].emax) return sf_infinity(f, sign);    /* unmasked: of no use (SSE), or still out of range (x87) */
    if (rounded_exp < emin(f)) return sf_zero(f, sign);
    return encode_rounded(f, sign, rounded_exp, r.q, prec);
}

/* arithmetic obeys the x87 precision control, conversions don't */
static int arith_prec(const struct sf_ctx *c, enum sf_format f) { return f == SF_F80 ? c->precision : format[f].prec; }

static struct sf_value round_arith(struct sf_ctx *c, enum sf_format f, bool sign, int exp, u128 sig) {
    return round_pack(c, f, sign, exp, sig, arith_prec(c, f));
}

struct sf_value sf_pack_f80(struct sf_ctx *c, bool sign, int exp, u128 sig) { return round_pack(c, SF_F80, sign, exp, sig, 64); }

uint64_t sf_unpack_f80(struct sf_value a, bool *sign, int *exp) {
    struct num n = unpack80(a);
    *sign = n.sign;
    *exp = n.exp;
    return n.sig;
}

/* an operand that is the result: already exact in the format, but precision control may still round it */
static struct sf_value round_num(struct sf_ctx *c, enum sf_format f, const struct num *n) {
    return round_arith(c, f, n->sign, n->exp, (u128)n->sig << 64);
}

/* --- arithmetic --- */

static struct sf_value add_finite(struct sf_ctx *c, enum sf_format f, const struct num *a, const struct num *b) {
    if (a->cls == SF_C_ZERO) return round_num(c, f, b);
    if (b->cls == SF_C_ZERO) return round_num(c, f, a);
    if (a->exp < b->exp || (a->exp == b->exp && a->sig < b->sig)) { const struct num *t = a; a = b; b = t; }
    u128 x = (u128)a->sig << 63, y = shift_right_jam((u128)b->sig << 63, a->exp - b->exp);
    if (a->sign == b->sign) return round_arith(c, f, a->sign, a->exp + 1, x + y);
    if (x == y) return sf_zero(f, c->rounding == SF_DOWN);
    return round_arith(c, f, a->sign, a->exp + 1, x - y);
}

static struct sf_value add_signed(struct sf_ctx *c, enum sf_format f, struct sf_value va, struct sf_value vb, bool negate_b) {
    struct num a = unpack(c, f, va), b = unpack(c, f, vb);
    c->rounded_up = false;
    if (any_nan(&a, &b)) return propagate(c, f, &a, &b);
    b.sign ^= negate_b;
    if (a.cls == SF_C_INFINITY && b.cls == SF_C_INFINITY && a.sign != b.sign) return invalid(c, f);
    note_denormal(c, &a);
    note_denormal(c, &b);
    if (a.cls == SF_C_INFINITY) return sf_infinity(f, a.sign);
    if (b.cls == SF_C_INFINITY) return sf_infinity(f, b.sign);
    if (a.cls == SF_C_ZERO && b.cls == SF_C_ZERO) return sf_zero(f, a.sign == b.sign ? a.sign : c->rounding == SF_DOWN);
    return add_finite(c, f, &a, &b);
}

struct sf_value sf_add(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return add_signed(c, f, a, b, false); }
struct sf_value sf_sub(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return add_signed(c, f, a, b, true); }

struct sf_value sf_mul(struct sf_ctx *c, enum sf_format f, struct sf_value va, struct sf_value vb) {
    struct num a = unpack(c, f, va), b = unpack(c, f, vb);
    bool sign = a.sign ^ b.sign;
    c->rounded_up = false;
    if (any_nan(&a, &b)) return propagate(c, f, &a, &b);
    bool infinite = a.cls == SF_C_INFINITY || b.cls == SF_C_INFINITY, zero = a.cls == SF_C_ZERO || b.cls == SF_C_ZERO;
    if (infinite && zero) return invalid(c, f);
    note_denormal(c, &a);
    note_denormal(c, &b);
    if (infinite) return sf_infinity(f, sign);
    if (zero) return sf_zero(f, sign);
    return round_arith(c, f, sign, a.exp + b.exp + 1, (u128)a.sig * b.sig);
}

/* 128 quotient bits of a / b in [1/2, 2): q / 2^127, low bit sticky */
static u128 divide_sig(uint64_t a, uint64_t b) {
    u128 n = (u128)a << 63;
    uint64_t high = (uint64_t)(n / b);
    n = (n % b) << 64;
    return (u128)high << 64 | (uint64_t)(n / b) | (n % b != 0);
}

struct sf_value sf_div(struct sf_ctx *c, enum sf_format f, struct sf_value va, struct sf_value vb) {
    struct num a = unpack(c, f, va), b = unpack(c, f, vb);
    bool sign = a.sign ^ b.sign;
    c->rounded_up = false;
    if (any_nan(&a, &b)) return propagate(c, f, &a, &b);
    if (a.cls == b.cls && (a.cls == SF_C_INFINITY || a.cls == SF_C_ZERO)) return invalid(c, f);
    if (b.cls == SF_C_ZERO && a.cls != SF_C_INFINITY) {
        c->flags |= SF_ZE;
        return sf_infinity(f, sign);
    }
    note_denormal(c, &a);
    note_denormal(c, &b);
    if (a.cls == SF_C_INFINITY) return sf_infinity(f, sign);
    if (a.cls == SF_C_ZERO || b.cls == SF_C_INFINITY) return sf_zero(f, sign);
    return round_arith(c, f, sign, a.exp - b.exp, divide_sig(a.sig, b.sig));
}

/* 66 root bits of sig / 2^62 (or / 2^63 for an even exponent), digit by digit; bit 65 of the root is its first; sticky below */
static u128 sqrt_sig(uint64_t sig, bool odd_exp) {
    u128 radicand = odd_exp ? (u128)sig << 64 : (u128)sig << 63, rem = 0, root = 0;
    for (int i = 0; i < 66; i++) {
        rem = rem << 2 | (unsigned)(radicand >> 126);
        radicand <<= 2;
        u128 trial = root << 2 | 1;
        root <<= 1;
        if (rem >= trial) { rem -= trial; root |= 1; }
    }
    return root << 62 | (rem != 0);
}

struct sf_value sf_sqrt(struct sf_ctx *c, enum sf_format f, struct sf_value va) {
    struct num a = unpack(c, f, va);
    c->rounded_up = false;
    if (sf_is_nan(a.cls)) return propagate(c, f, &a, &a);
    if (a.cls == SF_C_ZERO) return sf_zero(f, a.sign);
    if (a.sign) return invalid(c, f);
    note_denormal(c, &a);
    if (a.cls == SF_C_INFINITY) return sf_infinity(f, false);
    return round_arith(c, f, false, a.exp >> 1, sqrt_sig(a.sig, a.exp & 1));
}

/* --- rounding to integers --- */

/* |n| as 64.64 fixed point, low bit sticky; n finite, exp <= 63 */
static u128 to_fixed(const struct num *n) { return shift_right_jam((u128)n->sig << 64, 63 - n->exp); }

static u128 round_fixed(struct sf_ctx *c, bool sign, u128 fixed, bool *inexact) {
    u128 q = fixed >> 64;
    bool up = rounds_up(c->rounding, sign, q & 1, fixed << 64);
    c->rounded_up = up;
    *inexact = (uint64_t)fixed != 0;
    return q + up;
}

struct sf_value sf_round_int(struct sf_ctx *c, enum sf_format f, struct sf_value va, bool inexact) {
    struct num a = unpack(c, f, va);
    c->rounded_up = false;
    if (sf_is_nan(a.cls)) return propagate(c, f, &a, &a);
    if (a.cls == SF_C_ZERO) return sf_zero(f, a.sign);
    if (f == SF_F80) note_denormal(c, &a);
    if (a.cls == SF_C_INFINITY || a.exp >= format[f].prec - 1) return va;
    bool changed;
    u128 q = round_fixed(c, a.sign, to_fixed(&a), &changed);
    if (changed && inexact) c->flags |= SF_PE;
    if (!q) return sf_zero(f, a.sign);
    struct num n = { .cls = SF_C_NORMAL, .sign = a.sign, .exp = 63, .sig = (uint64_t)q };
    normalize(&n);
    return encode(f, n.sign, n.exp + format[f].bias, n.sig >> (64 - format[f].prec));
}

/* magnitude rounded to an integer; false if it is a NaN, infinite or does not fit 64 bits */
static bool to_magnitude(struct sf_ctx *c, const struct num *n, uint64_t *magnitude, bool *inexact) {
    *inexact = false;
    *magnitude = 0;
    if (n->cls == SF_C_ZERO) return true;
    if (n->cls > SF_C_NORMAL || n->exp > 63) return false;
    u128 q = round_fixed(c, n->sign, to_fixed(n), inexact);
    *magnitude = (uint64_t)q;
    return q >> 64 == 0;
}

int64_t sf_to_int(struct sf_ctx *c, enum sf_format from, struct sf_value va, unsigned bits) {
    struct num a = unpack(c, from, va);
    uint64_t limit = 1ull << (bits - 1), magnitude;
    bool inexact;
    c->rounded_up = false;
    if (!to_magnitude(c, &a, &magnitude, &inexact) || magnitude > limit - !a.sign) {
        c->flags |= SF_IE;
        c->rounded_up = false;
        return (int64_t)-limit;
    }
    if (inexact) c->flags |= SF_PE;
    return (int64_t)(a.sign ? -magnitude : magnitude);
}

uint64_t sf_to_uint(struct sf_ctx *c, enum sf_format from, struct sf_value va, unsigned bits) {
    struct num a = unpack(c, from, va);
    uint64_t limit = ~0ull >> (64 - bits), magnitude;
    bool inexact;
    c->rounded_up = false;
    if (!to_magnitude(c, &a, &magnitude, &inexact) || magnitude > limit || (a.sign && magnitude)) {
        c->flags |= SF_IE;
        c->rounded_up = false;
        return limit;
    }
    if (inexact) c->flags |= SF_PE;
    return magnitude;
}

/* --- other conversions --- */

struct sf_value sf_convert(struct sf_ctx *c, enum sf_format to, enum sf_format from, struct sf_value va) {
    struct num a = unpack(c, from, va);
    c->rounded_up = false;
    if (a.cls == SF_C_UNSUPPORTED) return invalid(c, to);
    if (sf_is_nan(a.cls)) {
        if (a.cls == SF_C_SNAN) c->flags |= SF_IE;
        return encode_nan(to, a.sign, a.sig | QUIET_BIT);
    }
    if (from != SF_F80) note_denormal(c, &a);
    if (a.cls == SF_C_ZERO) return sf_zero(to, a.sign);
    if (a.cls == SF_C_INFINITY) return sf_infinity(to, a.sign);
    struct sf_ctx own = *c;
    own.flags = 0;
    struct sf_value r = round_pack(&own, to, a.sign, a.exp, (u128)a.sig << 64, format[to].prec);
    if (from == SF_F80 && own.flags & ~own.masks & (SF_OE | SF_UE)) {     /* an x87 store that is not done is not inexact either */
        own.flags &= (uint8_t)~SF_PE;
        own.rounded_up = false;
    }
    c->flags |= own.flags;
    c->rounded_up = own.rounded_up;
    return r;
}

struct sf_value sf_widen(struct sf_ctx *c, enum sf_format from, struct sf_value va) {
    struct num a = unpack_raw(from, va);
    c->wide_denormal = a.cls == SF_C_DENORMAL;
    if (sf_is_nan(a.cls)) return encode_nan(SF_F80, a.sign, a.sig);
    if (a.cls == SF_C_INFINITY) return sf_infinity(SF_F80, a.sign);
    if (a.cls == SF_C_ZERO) return sf_zero(SF_F80, a.sign);
    return encode(SF_F80, a.sign, a.exp + format[SF_F80].bias, a.sig);
}

static struct sf_value from_magnitude(struct sf_ctx *c, enum sf_format to, bool sign, uint64_t magnitude) {
    c->rounded_up = false;
    if (!magnitude) return sf_zero(to, false);
    return round_pack(c, to, sign, 63, (u128)magnitude << 64, format[to].prec);
}

struct sf_value sf_from_int(struct sf_ctx *c, enum sf_format to, int64_t v) {
    return from_magnitude(c, to, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

struct sf_value sf_from_uint(struct sf_ctx *c, enum sf_format to, uint64_t v) { return from_magnitude(c, to, false, v); }

/* --- comparison --- */

static enum sf_order compare_magnitude(const struct num *a, const struct num *b) {
    if (a->exp != b->exp) return a->exp < b->exp ? SF_LESS : SF_GREATER;
    return a->sig == b->sig ? SF_EQUAL : a->sig < b->sig ? SF_LESS : SF_GREATER;
}

static enum sf_order order(const struct num *a, const struct num *b) {
    if (a->cls == SF_C_ZERO && b->cls == SF_C_ZERO) return SF_EQUAL;
    if (a->cls == SF_C_ZERO) return b->sign ? SF_GREATER : SF_LESS;
    if (b->cls == SF_C_ZERO) return a->sign ? SF_LESS : SF_GREATER;
    if (a->sign != b->sign) return a->sign ? SF_LESS : SF_GREATER;
    enum sf_order o = compare_magnitude(a, b);        /* infinities carry the largest exponent */
    return o == SF_EQUAL || !a->sign ? o : o == SF_LESS ? SF_GREATER : SF_LESS;
}

enum sf_order sf_compare(struct sf_ctx *c, enum sf_format f, struct sf_value va, struct sf_value vb, bool signal) {
    struct num a = unpack(c, f, va), b = unpack(c, f, vb);
    c->rounded_up = false;
    if (any_nan(&a, &b)) {
        if (signal || a.cls > SF_C_QNAN || b.cls > SF_C_QNAN) c->flags |= SF_IE;
        return SF_UNORDERED;
    }
    note_denormal(c, &a);
    note_denormal(c, &b);
    return order(&a, &b);
}

static struct sf_value min_max(struct sf_ctx *c, enum sf_format f, struct sf_value va, struct sf_value vb, enum sf_order first) {
    struct num a = unpack(c, f, va), b = unpack(c, f, vb);
    bool take_a = false;
    if (any_nan(&a, &b)) {
        c->flags |= SF_IE;
    } else {
        note_denormal(c, &a);
        note_denormal(c, &b);
        take_a = order(&a, &b) == first;
    }
    if ((take_a ? a.cls : b.cls) == SF_C_ZERO) return sf_zero(f, take_a ? a.sign : b.sign);   /* DAZ shows in the result */
    return take_a ? va : vb;
}

struct sf_value sf_min(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return min_max(c, f, a, b, SF_LESS); }
struct sf_value sf_max(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b) { return min_max(c, f, a, b, SF_GREATER); }

/* --- x87 --- */

/* rem = a mod b by n + 1 steps of long division, n = the exponent difference; the low 64 quotient bits */
static uint64_t long_divide(uint64_t *rem, uint64_t b, int n) {
    u128 r = *rem;
    uint64_t q = 0;
    for (int i = 0; i <= n; i++) {
        q <<= 1;
        if (r >= b) { r -= b; q |= 1; }
        if (i < n) r <<= 1;
    }
    *rem = (uint64_t)r;
    return q;
}

/* FPREM1's last step. exp is that of both rem and b. */
static bool round_remainder(uint64_t *rem, uint64_t b, uint64_t *q) {
    u128 twice = (u128)*rem << 1;
    if (twice < b || (twice == b && !(*q & 1))) return false;
    *rem = b - *rem;
    ++*q;
    return true;
}

static struct sf_value remainder_finite(struct sf_ctx *c, const struct num *a, const struct num *b, bool nearest, uint64_t *q, bool *partial) {
    int d = a->exp - b->exp, exp = b->exp;
    uint64_t rem = a->sig;
    bool sign = a->sign;
    if (d < 0) {
        if (!nearest || d < -1 || a->sig <= b->sig) return round_pack(c, SF_F80, sign, a->exp, (u128)a->sig << 64, 64);
        *q = 1;
        uint64_t rest = (b->sig << 1) - a->sig;          /* b/2 < |a| < b: b - |a|, less than 2^64 */
        return round_pack(c, SF_F80, !sign, a->exp, (u128)rest << 64, 64);
    }
    if (d >= 64) {
        int n = (d & 31) | 32;
        *partial = true;
        exp = b->exp + d - n;
        d = n;
        nearest = false;
    }
    *q = long_divide(&rem, b->sig, d);
    if (nearest && round_remainder(&rem, b->sig, q)) sign = !sign;
    if (!rem) return sf_zero(SF_F80, a->sign);
    return round_pack(c, SF_F80, sign, exp, (u128)rem << 64, 64);
}

struct sf_value sf_remainder(struct sf_ctx *c, struct sf_value va, struct sf_value vb, bool nearest, uint64_t *quotient, bool *partial) {
    struct num a = unpack80(va), b = unpack80(vb);
    *quotient = 0;
    *partial = false;
    c->rounded_up = false;
    if (any_nan(&a, &b)) return propagate(c, SF_F80, &a, &b);
    if (a.cls == SF_C_INFINITY || b.cls == SF_C_ZERO) return invalid(c, SF_F80);
    note_denormal(c, &a);
    note_denormal(c, &b);
    if (a.cls == SF_C_ZERO) return va;
    if (b.cls == SF_C_INFINITY) return round_pack(c, SF_F80, a.sign, a.exp, (u128)a.sig << 64, 64);
    return remainder_finite(c, &a, &b, nearest, quotient, partial);
}

static struct sf_value scale_by_infinity(struct sf_ctx *c, const struct num *a, bool down) {
    if (a->cls == (down ? SF_C_INFINITY : SF_C_ZERO)) return invalid(c, SF_F80);
    note_denormal(c, a);
    return down ? sf_zero(SF_F80, a->sign) : sf_infinity(SF_F80, a->sign);
}

struct sf_value sf_scale(struct sf_ctx *c, struct sf_value va, struct sf_value vb) {
    struct num a = unpack80(va), b = unpack80(vb);
    c->rounded_up = false;
    if (any_nan(&a, &b)) return propagate(c, SF_F80, &a, &b);
    if (b.cls == SF_C_INFINITY) return scale_by_infinity(c, &a, b.sign);
    note_denormal(c, &a);
    note_denormal(c, &b);
    if (a.cls == SF_C_ZERO || a.cls == SF_C_INFINITY) return va;
    int n = b.cls == SF_C_ZERO || b.exp < 0 ? 0 : b.exp > 16 ? 1 << 17 : (int)(b.sig >> (63 - b.exp));
    return round_pack(c, SF_F80, a.sign, a.exp + (b.sign ? -n : n), (u128)a.sig << 64, 64);
}

struct sf_value sf_extract(struct sf_ctx *c, struct sf_value va, struct sf_value *exponent) {
    struct num a = unpack80(va);
    c->rounded_up = false;
    if (sf_is_nan(a.cls)) return *exponent = propagate(c, SF_F80, &a, &a);
    if (a.cls == SF_C_INFINITY) { *exponent = sf_infinity(SF_F80, false); return va; }
    if (a.cls == SF_C_ZERO) {
        c->flags |= SF_ZE;
        *exponent = sf_infinity(SF_F80, true);
        return va;
    }
    note_denormal(c, &a);
    *exponent = sf_from_int(c, SF_F80, a.exp);
    return encode(SF_F80, a.sign, format[SF_F80].bias, a.sig);
}
