/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_soft.c: x87 computations by softfloat, for every host.
 */
#include "guest/x87.h"

/* An unmasked IE, DE or ZE ends the operation before there is a result to be inexact. */
uint16_t x87_soft_status(const struct sf_ctx *f)
{
    if (f->flags & ~f->masks & SF_PRE)
        return f->flags & SF_PRE;
    return (uint16_t)(f->flags | (f->rounded_up && (f->flags & SF_PE) ? X87_C1 : 0));
}

static void remainder_of(struct x87_calc *c, struct sf_ctx *f, struct sf_value a, struct sf_value b, bool nearest)
{
    uint64_t q = 0;
    bool partial = false;
    c->r[0] = sf_remainder(f, a, b, nearest, &q, &partial);
    c->sw = x87_soft_status(f);
    if (c->sw & ~c->cw & SF_PRE)
        return;
    if (partial)
        c->sw |= X87_C2;
    else
        c->sw |= (uint16_t)((q & 4 ? X87_C0 : 0) | (q & 2 ? X87_C3 : 0) | (q & 1 ? X87_C1 : 0));
}

void x87_soft_compute(struct x87_calc *c, enum x87_op op, struct sf_value a, struct sf_value b)
{
    struct sf_ctx f = sf_from_fcw(c->cw);
    struct sf_value *r = c->r;
    f.wide_denormal = c->wide_denormal;
    switch (op) {
    case X87_ADD: r[0] = sf_add(&f, SF_F80, a, b); break;
    case X87_MUL: r[0] = sf_mul(&f, SF_F80, a, b); break;
    case X87_SUB: r[0] = sf_sub(&f, SF_F80, a, b); break;
    case X87_SUBR: r[0] = sf_sub(&f, SF_F80, b, a); break;
    case X87_DIV: r[0] = sf_div(&f, SF_F80, a, b); break;
    case X87_DIVR: r[0] = sf_div(&f, SF_F80, b, a); break;
    case X87_SQRT: r[0] = sf_sqrt(&f, SF_F80, a); break;
    case X87_RNDINT: r[0] = sf_round_int(&f, SF_F80, a, true); break;
    case X87_SCALE: f.precision = 64; r[0] = sf_scale(&f, a, b); break;
    case X87_XTRACT: r[1] = sf_extract(&f, a, &r[0]); break;
    case X87_PREM: remainder_of(c, &f, a, b, false); return;
    case X87_PREM1: remainder_of(c, &f, a, b, true); return;
    default: x87_transcendental(c, op, a, b); return;
    }
    c->sw = x87_soft_status(&f);
}

uint64_t x87_soft_convert(struct x87_calc *c, enum x87_format to, bool truncate, struct sf_value v)
{
    static const unsigned bits[] = { [X87_I16] = 16, [X87_I32] = 32, [X87_I64] = 64 };
    struct sf_ctx f = sf_from_fcw(c->cw);
    uint64_t r;
    if (truncate)
        f.rounding = SF_ZERO;
    if (to == X87_F32 || to == X87_F64)
        r = sf_convert(&f, to == X87_F32 ? SF_F32 : SF_F64, SF_F80, v).frac;
    else
        r = (uint64_t)sf_to_int(&f, SF_F80, v, bits[to]);
    c->sw = x87_soft_status(&f);
    return r;
}

/* Digits beyond 9 are undefined by the manual; here they count as their value. */
struct sf_value x87_from_bcd(uint64_t low, uint16_t top)
{
    struct sf_ctx f = sf_from_fcw(0x37f);
    int64_t n = (top >> 4 & 15) * 10 + (top & 15);
    for (int i = 60; i >= 0; i -= 4)
        n = n * 10 + (int64_t)(low >> i & 15);
    struct sf_value v = sf_from_int(&f, SF_F80, n);
    v.top |= top & 0x8000;
    return v;
}

uint64_t x87_to_bcd(struct x87_calc *c, struct sf_value v, uint16_t *top)
{
    const int64_t limit = 1000000000000000000;
    struct sf_ctx f = sf_from_fcw(c->cw);
    int64_t n = sf_to_int(&f, SF_F80, v, 64);
    if ((f.flags & SF_IE) || n >= limit || n <= -limit) {
        c->sw = X87_IE;
        *top = 0xffff;
        return 0xc000000000000000;
    }
    c->sw = x87_soft_status(&f);
    uint64_t r = 0, m = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    for (unsigned i = 0; i < 64; i += 4, m /= 10)
        r |= m % 10 << i;
    *top = (uint16_t)(m % 10 | m / 10 << 4 | (v.top & 0x8000));
    return r;
}
