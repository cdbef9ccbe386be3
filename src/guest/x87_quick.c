/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_quick.c: the quick forms (ir/helpers.h) of x87 helpers: numbers that are normal or zero, 64 significant bits, to the nearest, and no exception
 * but inexact, which is masked; whether others are does not matter (Pascal unmasks three). Whatever is else, an empty or full stack among it, is x87.c's; each of these does what the helper of its name does there, to the bit.
 *
 *  Q1 nothing is changed before it is certain that all can be done (what x87_native.h writes it takes back)
 *  Q2 general registers only (meson.build says so to the compiler), no calls out of this file
 * Manual: Intel SDM volume 1, 8.1 (registers), 4.8.4 (rounding).
 */
#include "guest/lift_internal.h"
#include "guest/x87_native.h"
#include "ir/guarded.h"

typedef unsigned __int128 u128;
#define INLINE static inline __attribute__((always_inline))

enum { BIAS = 0x3fff, MOST = 0x7fff /* exponent of infinities and NaNs */, SIGN = 0x8000 };
#define TOP_BIT (1ull << 63)

struct number { uint64_t sig; int exp; unsigned sign; };      /* (-1)^sign * sig / 2^63 * 2^(exp - BIAS); sig has bit 63, or all is zero */

/* The state, with what nearly every instruction reads and writes at hand, so that it goes through memory once in each; end_with_c1 writes it back. */
struct unit { struct x86_state *s; unsigned fsw, ftw; };

INLINE struct unit unit_of(void *state)
{
    struct x86_state *s = state;
    return (struct unit){ s, s->fsw, s->ftw };
}

INLINE bool pending(const struct unit *u) { return u->fsw & X87_ES; }
INLINE bool may_round(const struct unit *u) { return u->s->fcw & X87_PE && !pending(u); }
/* inexact masked, 64 bits, to the nearest; nothing pending */
INLINE bool usual(const struct unit *u) { return (u->s->fcw & (0xf00 | X87_PE)) == (0x300 | X87_PE) && !pending(u); }

INLINE unsigned phys(const struct unit *u, unsigned i) { return ((u->fsw >> 11) + i) & 7; }
INLINE bool is_used(const struct unit *u, unsigned i) { return u->ftw >> phys(u, i) & 1; }
INLINE struct x86_f80 *reg(const struct unit *u, unsigned i) { return &u->s->st[phys(u, i)]; }

/* False: neither normal nor zero. */
INLINE bool read(const struct x86_f80 *r, struct number *n)
{
    *n = (struct number){ r->mantissa, r->sign_exp & MOST, r->sign_exp >> 15 };
    return n->sig >> 63 ? (unsigned)n->exp - 1 < MOST - 1 : !n->sig && !n->exp;
}

INLINE bool read_st(const struct unit *u, unsigned i, struct number *n) { return is_used(u, i) && read(reg(u, i), n); }

INLINE void write(struct x86_f80 *r, struct number n)
{
    r->mantissa = n.sig;
    r->sign_exp = (uint16_t)(n.sign << 15 | (unsigned)n.exp);
}

INLINE void push(struct unit *u, uint64_t mantissa, unsigned sign_exp)
{
    unsigned p = phys(u, 7);
    u->fsw = (u->fsw & ~X87_TOP) | p << 11;
    u->ftw |= 1u << p;
    u->s->st[p].mantissa = mantissa;
    u->s->st[p].sign_exp = (uint16_t)sign_exp;
}

INLINE void pop(struct unit *u, unsigned n)
{
    for (; n; n--) {
        u->ftw &= ~(1u << phys(u, 0));
        u->fsw = (u->fsw & ~X87_TOP) | phys(u, 1) << 11;
    }
}

/* The end, as which instruction; C1 stays. */
INLINE uint64_t end_with_c1(const struct unit *u, uint64_t ctl)
{
    struct x86_state *s = u->s;
    s->fsw = (uint16_t)u->fsw;
    s->ftw = (uint8_t)u->ftw;
    s->fip = s->pc;
    s->fop = (uint16_t)X87_CTL_FOP(ctl);
    return 0;
}

/* flags: X87_PE, X87_C1 */
INLINE uint64_t end(struct unit *u, uint64_t ctl, unsigned flags)
{
    u->fsw = (u->fsw & ~X87_C1) | flags;
    return end_with_c1(u, ctl);
}

INLINE uint64_t end_memory(struct unit *u, uint64_t ctl, uint64_t address, unsigned flags)
{
    u->s->fdp = address;
    return end(u, ctl, flags);
}

/* --- arithmetic --- */

/* The exact result is (sig : rest) / 2^127 * 2^(exp - BIAS), bit 63 of sig set. False: not a normal number. */
INLINE bool round_to(struct number *r, unsigned *flags, unsigned sign, int exp, uint64_t sig, uint64_t rest)
{
    unsigned up = rest > TOP_BIT || (rest == TOP_BIT && sig & 1);
    if (exp < 1 || exp >= MOST - 1)
        return false;
    sig += up;
    *r = (struct number){ sig ? sig : TOP_BIT, exp + !sig, sign };
    *flags = (rest ? X87_PE : 0) | (up ? X87_C1 : 0);
    return true;
}

INLINE bool multiply(struct number *r, unsigned *flags, struct number a, struct number b)
{
    unsigned sign = a.sign ^ b.sign;
    if (!a.sig || !b.sig) {
        *r = (struct number){ 0, 0, sign };
        *flags = 0;
        return true;
    }
    u128 p = (u128)a.sig * b.sig;
    int exp = a.exp + b.exp - BIAS + 1;
    if (!(p >> 127)) {
        p <<= 1;
        exp--;
    }
    return round_to(r, flags, sign, exp, (uint64_t)(p >> 64), (uint64_t)p);
}

/* (v : 0) / 2^n; what falls off is or'ed into the lowest bit */
INLINE u128 shift_right(uint64_t v, unsigned n)
{
    u128 wide = (u128)v << 64;
    if (n <= 64)
        return wide >> n;
    if (n >= 128)
        return 1;
    return wide >> n | ((v << (128 - n)) != 0);
}

INLINE bool add(struct number *r, unsigned *flags, struct number a, struct number b)
{
    *flags = 0;
    if (!a.sig || !b.sig) {
        *r = a.sig ? a : b;
        return a.sig || b.sig;                             /* the sign of 0 + 0 is another's */
    }
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct number c = a;
        a = b;
        b = c;
    }
    u128 x = (u128)a.sig << 64, y = shift_right(b.sig, (unsigned)(a.exp - b.exp)), sum;
    int exp = a.exp;
    if (a.sign == b.sign) {
        sum = x + y;
        if (sum < x) {
            sum = sum >> 1 | (sum & 1) | (u128)1 << 127;
            exp++;
        }
    } else {
        sum = x - y;
        uint64_t high = (uint64_t)(sum >> 64);
        if (!sum) {
            *r = (struct number){ 0 };
            return true;
        }
        unsigned n = high ? (unsigned)__builtin_clzll(high) : 64 + (unsigned)__builtin_clzll((uint64_t)sum);
        sum <<= n;
        exp -= (int)n;
    }
    return round_to(r, flags, a.sign, exp, (uint64_t)(sum >> 64), (uint64_t)sum);
}

/* (high : low) / by, high < by, bit 63 of by set. Hosts without such a division: two digits of 32 bits, each guessed from the divisor's
 * upper half, which is too large by two at most. */
INLINE uint64_t divide_wide(uint64_t high, uint64_t low, uint64_t by, uint64_t *rest)
{
#ifdef __x86_64__
    uint64_t q;
    __asm__("divq %4" : "=a"(q), "=d"(*rest) : "a"(low), "d"(high), "r"(by) : "cc");
    return q;
#else
    uint64_t q = 0, upper = by >> 32, lower = by & 0xffffffff;
    for (unsigned k = 0; k < 2; k++, low <<= 32) {
        uint64_t digit = high / upper, left = high % upper;
        while (digit >> 32 || digit * lower > (left << 32 | low >> 32)) {
            digit--;
            left += upper;
            if (left >> 32)
                break;
        }
        high = (high << 32 | low >> 32) - digit * by;
        q = q << 32 | digit;
    }
    *rest = high;
    return q;
#endif
}

INLINE bool divide(struct number *r, unsigned *flags, struct number a, struct number b)
{
    uint64_t left;
    if (!a.sig || !b.sig)
        return false;
    bool shift = a.sig >= b.sig;                           /* the quotient's bit 63 */
    uint64_t q = divide_wide(shift ? a.sig >> 1 : a.sig, shift ? a.sig << 63 : 0, b.sig, &left);
    uint64_t twice = left > b.sig - left ? TOP_BIT + 1 : left == b.sig - left ? TOP_BIT : left != 0;
    return round_to(r, flags, a.sign ^ b.sign, a.exp - b.exp + BIAS - !shift, q, twice);
}

INLINE bool compute(struct number *r, unsigned *flags, enum x87_op op, struct number a, struct number b)
{
    bool reversed = op == X87_SUBR || op == X87_DIVR;
    struct number first = reversed ? b : a, second = reversed ? a : b;
    if (op == X87_MUL)
        return multiply(r, flags, a, b);
    if (op >= X87_DIV)
        return divide(r, flags, first, second);
    second.sign ^= op >= X87_SUB;
    return add(r, flags, first, second);
}

static __attribute__((noinline)) uint64_t arith(struct x86_state *s, uint64_t ctl, unsigned i, unsigned j)
{
    struct unit u = unit_of(s);
    unsigned flags;
    struct number a, b, r;
    if (!read_st(&u, i, &a) || !read_st(&u, j, &b) || !compute(&r, &flags, X87_CTL_OP(ctl), a, b))
        return IR_NOT_QUICK;
    write(reg(&u, i), r);
    pop(&u, X87_CTL_POPS(ctl));
    return end(&u, ctl, flags);
}

uint64_t x86_quick_x87_arith(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    unsigned i = X87_CTL_I(ctl), j = X87_CTL_J(ctl);
    if (!usual(&u) || !is_used(&u, i) || !is_used(&u, j))
        return IR_NOT_QUICK;
#ifdef __x86_64__
    unsigned c1;
    struct x86_f80 *to = reg(&u, i);
    const struct x86_f80 *other = reg(&u, j);
    if (u.fsw & X87_PE && to->sign_exp & MOST && other->sign_exp & MOST && x87_native_quick(to, &c1, X87_CTL_OP(ctl), other)) {
        pop(&u, X87_CTL_POPS(ctl));
        return end(&u, ctl, c1);
    }
#endif
    return arith(state, ctl, i, j);
}

/* --- operands in memory: exact as numbers of 80 bits --- */

INLINE bool widen(enum x87_format f, uint64_t bits, struct number *n)
{
    unsigned frac_bits = f == X87_F64 ? 52 : 23, exp_bits = f == X87_F64 ? 11 : 8, most = (1u << exp_bits) - 1;
    *n = (struct number){ .sign = bits >> (frac_bits + exp_bits) & 1 };
    if (f > X87_F64) {
        if (bits) {
            uint64_t size = bits >> 63 ? -bits : bits;
            unsigned shift = (unsigned)__builtin_clzll(size);
            *n = (struct number){ size << shift, BIAS + 63 - (int)shift, bits >> 63 };
        }
        return true;
    }
    unsigned exp = (unsigned)(bits >> frac_bits) & most;
    if (exp == most || (!exp && bits << (64 - frac_bits)))
        return false;
    if (exp) {
        n->sig = bits << (63 - frac_bits) | TOP_BIT;
        n->exp = (int)(exp + BIAS - (most >> 1));
    }
    return true;
}

uint64_t x86_quick_x87_arith_mem(void *state, uint64_t ctl, uint64_t bits, uint64_t address, uint64_t d)
{
    struct unit u = unit_of(state);
    unsigned flags;
    struct number a, b, r;
    if (!usual(&u) || !read_st(&u, 0, &a) || !widen((enum x87_format)X87_CTL_I(ctl), bits, &b) || !compute(&r, &flags, X87_CTL_OP(ctl), a, b))
        return IR_NOT_QUICK;
    write(reg(&u, 0), r);
    return end_memory(&u, ctl, address, flags);
}

uint64_t x86_quick_x87_load(void *state, uint64_t ctl, uint64_t bits, uint64_t address, uint64_t d)
{
    struct unit u = unit_of(state);
    struct number n;
    if (pending(&u) || is_used(&u, 7) || !widen(X87_CTL_OP(ctl), bits, &n))
        return IR_NOT_QUICK;
    push(&u, n.sig, n.sign << 15 | (unsigned)n.exp);
    return end_memory(&u, ctl, address, 0);
}

uint64_t x86_quick_x87_load80(void *state, uint64_t ctl, uint64_t low, uint64_t high, uint64_t address)
{
    struct unit u = unit_of(state);
    if (pending(&u) || is_used(&u, 7) || X87_CTL_OP(ctl) == X87_BCD)
        return IR_NOT_QUICK;
    push(&u, low, (unsigned)high);
    return end_memory(&u, ctl, address, 0);
}

uint64_t x86_quick_x87_load_st(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    unsigned i = X87_CTL_I(ctl);
    if (pending(&u) || is_used(&u, 7) || !is_used(&u, i))
        return IR_NOT_QUICK;
    const struct x86_f80 *r = reg(&u, i);
    push(&u, r->mantissa, r->sign_exp);
    return end(&u, ctl, 0);
}

uint64_t x86_quick_x87_load_const(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    const struct x87_constant *k = &x87_constants[X87_CTL_I(ctl)];
    if (pending(&u) || is_used(&u, 7) || u.s->fcw >> 10 & 3 || X87_CTL_I(ctl) > 6)
        return IR_NOT_QUICK;
    push(&u, k->frac + k->up, k->top);
    return end(&u, ctl, 0);
}

/* --- stores --- */

/* False: a page fault, or no single place */
INLINE bool store(uint64_t address, unsigned size, uint64_t low, unsigned high)
{
    if ((address & 0xfff) + size > 0x1000 || ir_mem_view || ir_mem_whole(address) != address)
        return false;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    switch (size) {
    case 2: return ir_guarded_store(address, 2, low);
    case 4: return ir_guarded_store(address, 4, low);
    case 8: return ir_guarded_store(address, 8, low);
    default: return ir_guarded_store(address, 8, low) && ir_guarded_store(address + 8, 2, high);
    }
}

INLINE unsigned inexact(uint64_t rest, unsigned up) { return (rest ? X87_PE : 0) | (up ? X87_C1 : 0); }

INLINE bool narrow(enum x87_format f, struct number n, uint64_t *bits, unsigned *flags)
{
    unsigned frac_bits = f == X87_F64 ? 52 : 23, most = f == X87_F64 ? 2047 : 255;
    int exp = n.exp - BIAS + (int)(most >> 1);
    *bits = (uint64_t)n.sign << (f == X87_F64 ? 63 : 31);
    *flags = 0;
    if (!n.sig)
        return true;
    if (exp < 1 || exp >= (int)most - 1)
        return false;
    uint64_t kept = n.sig >> (63 - frac_bits), rest = n.sig << (frac_bits + 1);
    unsigned up = rest > TOP_BIT || (rest == TOP_BIT && kept & 1);
    *bits |= ((uint64_t)(exp - 1) << frac_bits) + kept + up;              /* the leading bit is the exponent's one */
    *flags = inexact(rest, up);
    return true;
}

INLINE bool to_integer(enum x87_format f, struct number n, bool truncate, uint64_t *bits, unsigned *flags)
{
    unsigned size = f == X87_I16 ? 16 : f == X87_I32 ? 32 : 64, up;
    int drop = BIAS + 63 - n.exp;                          /* bits behind the point */
    uint64_t kept, rest;
    *bits = *flags = 0;
    if (!n.sig)
        return true;
    if (drop <= 0)
        return false;
    kept = drop < 64 ? n.sig >> drop : 0;
    rest = drop < 64 ? n.sig << (64 - drop) : drop == 64 ? n.sig : 1;
    up = !truncate && (rest > TOP_BIT || (rest == TOP_BIT && kept & 1));
    kept += up;
    if (kept > (1ull << (size - 1)) - 1 + n.sign)
        return false;
    *bits = n.sign ? -kept : kept;
    *flags = inexact(rest, up);
    return true;
}

uint64_t x86_quick_x87_store(void *state, uint64_t ctl, uint64_t address, uint64_t c, uint64_t d)
{
    static const uint8_t sizes[] = { 4, 8, 10, 2, 4, 8 };
    struct unit u = unit_of(state);
    enum x87_format f = X87_CTL_OP(ctl);
    unsigned rounding = u.s->fcw >> 10 & 3, flags = 0, high = 0;
    uint64_t bits;
    struct number n;
    if (!may_round(&u) || !is_used(&u, 0))
        return IR_NOT_QUICK;
    if (f == X87_F80) {
        bits = reg(&u, 0)->mantissa;
        high = reg(&u, 0)->sign_exp;
    } else if (f == X87_BCD || !read(reg(&u, 0), &n)) {
        return IR_NOT_QUICK;
    } else if (f <= X87_F64 ? rounding != SF_NEAREST || !narrow(f, n, &bits, &flags) :
               (rounding != SF_NEAREST && rounding != SF_ZERO) || !to_integer(f, n, X87_CTL_VARIANT(ctl) || rounding == SF_ZERO, &bits, &flags)) {
        return IR_NOT_QUICK;
    }
    if (!store(address, sizes[f], bits, high))
        return IR_NOT_QUICK;
    pop(&u, X87_CTL_POPS(ctl));
    return end_memory(&u, ctl, address, flags);
}

uint64_t x86_quick_x87_store_st(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    unsigned i = X87_CTL_I(ctl);
    if (pending(&u) || !is_used(&u, 0))
        return IR_NOT_QUICK;
    uint64_t mantissa = reg(&u, 0)->mantissa;
    uint16_t sign_exp = reg(&u, 0)->sign_exp;
    reg(&u, i)->mantissa = mantissa;
    reg(&u, i)->sign_exp = sign_exp;
    u.ftw |= 1u << phys(&u, i);
    pop(&u, X87_CTL_POPS(ctl));
    return end(&u, ctl, 0);
}

/* --- comparisons: -1, 0, 1 --- */

INLINE int compare(struct number a, struct number b)
{
    if (!a.sig && !b.sig)
        return 0;
    if (a.sign != b.sign)
        return a.sign ? -1 : 1;
    int sizes = a.exp != b.exp ? (a.exp < b.exp ? -1 : 1) : a.sig != b.sig ? (a.sig < b.sig ? -1 : 1) : 0;
    return a.sign ? -sizes : sizes;
}

INLINE uint64_t end_compare(struct unit *u, uint64_t ctl, int order)
{
    u->fsw = (u->fsw & ~X87_CC) | (order < 0 ? X87_C0 : order ? 0 : X87_C3);
    pop(u, X87_CTL_POPS(ctl));
    return end(u, ctl, 0);
}

uint64_t x86_quick_x87_compare(void *state, uint64_t ctl, uint64_t b_, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    struct number a, b;
    if (pending(&u) || !read_st(&u, 0, &a) || !read_st(&u, X87_CTL_I(ctl), &b))
        return IR_NOT_QUICK;
    return end_compare(&u, ctl, compare(a, b));
}

uint64_t x86_quick_x87_compare_mem(void *state, uint64_t ctl, uint64_t bits, uint64_t address, uint64_t d)
{
    struct unit u = unit_of(state);
    struct number a, b;
    if (pending(&u) || !read_st(&u, 0, &a) || !widen((enum x87_format)X87_CTL_I(ctl), bits, &b))
        return IR_NOT_QUICK;
    u.s->fdp = address;
    return end_compare(&u, ctl, compare(a, b));
}

uint64_t x86_quick_x87_compare_flags(void *state, uint64_t ctl, uint64_t b_, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    struct number a, b;
    if (pending(&u) || !read_st(&u, 0, &a) || !read_st(&u, X87_CTL_I(ctl), &b))
        return IR_NOT_QUICK;
    int order = compare(a, b);
    pop(&u, X87_CTL_POPS(ctl));
    end_with_c1(&u, ctl);
    return order < 0 ? IR_FLAG_C : order ? 0 : IR_FLAG_Z;
}

/* --- the rest: what only moves --- */

/* FCHS, FABS, FTST */
uint64_t x86_quick_x87_sign(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    enum x87_op op = X87_CTL_OP(ctl);
    struct x86_f80 *r = reg(&u, 0);
    struct number n;
    if (pending(&u) || !is_used(&u, 0))
        return IR_NOT_QUICK;
    if (op == X87_TST)
        return read(r, &n) ? end_compare(&u, ctl, compare(n, (struct number){ 0 })) : IR_NOT_QUICK;
    r->sign_exp = (uint16_t)(op == X87_CHS ? r->sign_exp ^ SIGN : r->sign_exp & MOST);
    return end(&u, ctl, 0);
}

uint64_t x86_quick_x87_xch(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    unsigned i = X87_CTL_I(ctl);
    if (pending(&u) || !is_used(&u, 0) || !is_used(&u, i))
        return IR_NOT_QUICK;
    struct x86_f80 *x = reg(&u, 0), *y = reg(&u, i);
    uint64_t mantissa = x->mantissa;
    uint16_t sign_exp = x->sign_exp;
    x->mantissa = y->mantissa;
    x->sign_exp = y->sign_exp;
    y->mantissa = mantissa;
    y->sign_exp = sign_exp;
    return end(&u, ctl, 0);
}

uint64_t x86_quick_x87_cmov(void *state, uint64_t ctl, uint64_t cond, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    unsigned i = X87_CTL_I(ctl);
    if (pending(&u) || !is_used(&u, 0) || !is_used(&u, i))
        return IR_NOT_QUICK;
    const struct x86_f80 *from = reg(&u, cond ? i : 0);
    uint64_t mantissa = from->mantissa;
    uint16_t sign_exp = from->sign_exp;
    reg(&u, 0)->mantissa = mantissa;
    reg(&u, 0)->sign_exp = sign_exp;
    return end_with_c1(&u, ctl);
}

uint64_t x86_quick_x87_wait(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return ((struct x86_state *)state)->fsw & X87_ES ? IR_NOT_QUICK : 0;
}

uint64_t x86_quick_x87_ldcw(void *state, uint64_t cw, uint64_t b, uint64_t c, uint64_t d)
{
    struct unit u = unit_of(state);
    if (pending(&u) || u.fsw & ~cw & X87_EXCEPTIONS)
        return IR_NOT_QUICK;
    u.s->fcw = (uint16_t)((cw & 0x1f3f) | 0x40);
    return 0;
}

/* All registers are in use, or none, and the top is 0. */
INLINE uint64_t set_all(struct x86_state *s, unsigned tags)
{
    if (s->fsw & X87_ES)
        return IR_NOT_QUICK;
    s->fsw &= (uint16_t)~X87_TOP;
    s->ftw = (uint8_t)tags;
    return 0;
}

uint64_t x86_quick_mmx_enter(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return set_all(state, 0xff); }
uint64_t x86_quick_emms(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return set_all(state, 0); }
