/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87.c: the x87 register stack and status, and the helpers that translated code calls for instructions that compute or move.
 *
 *  X1 a helper touches guest memory before it changes the state, so a fault leaves the instruction undone
 *  X2 an unmasked IE, DE or ZE leaves operands, stack and memory alone; the exception stays pending until the next waiting instruction
 *  X3 no host floating point is used but in x87_native.c, whose arithmetic leaves MXCSR alone
 */
#include <string.h>
#include "guest/lift_internal.h"
#include "guest/probe.h"
#include "guest/x87.h"

bool x87_force_soft;

static const struct sf_value indefinite = { 0xc000000000000000, 0xffff };

static inline unsigned phys(const struct x86_state *s, unsigned i)
{
    return (x87_top(s) + i) & 7;
}

static inline bool is_empty(const struct x86_state *s, unsigned i)
{
    return !(s->ftw >> phys(s, i) & 1);
}

static inline struct sf_value get(const struct x86_state *s, unsigned i)
{
    const struct x86_f80 *r = &s->st[phys(s, i)];
    return sf_f80(r->mantissa, r->sign_exp);
}

static inline void set(struct x86_state *s, unsigned i, struct sf_value v)
{
    unsigned p = phys(s, i);
    s->st[p].mantissa = v.frac;
    s->st[p].sign_exp = v.top;
    s->ftw |= (uint8_t)(1u << p);
}

static inline void move_top(struct x86_state *s, unsigned by)
{
    s->fsw = (uint16_t)((s->fsw & ~X87_TOP) | ((s->fsw + (by << 11)) & X87_TOP));
}

static void pop(struct x86_state *s, unsigned n)
{
    for (; n; n--) {
        s->ftw &= (uint8_t)~(1u << x87_top(s));
        move_top(s, 1);
    }
}

static void push(struct x86_state *s, struct sf_value v)
{
    move_top(s, 7);
    set(s, 0, v);
}

void x87_wait(struct x86_state *s)
{
    if (__builtin_expect(s->fsw & X87_ES, 0))
        x86_fp_fault(s, s->fsw & ~s->fcw & X87_EXCEPTIONS);
}

void x87_update_summary(struct x86_state *s)
{
    if (s->fsw & ~s->fcw & X87_EXCEPTIONS)
        s->fsw |= X87_ES | X87_B;
    else
        s->fsw &= (uint16_t)~(X87_ES | X87_B);
}

void x87_set_fcw(struct x86_state *s, unsigned cw)
{
    s->fcw = (uint16_t)((cw & 0x1f3f) | 0x40);
    x87_update_summary(s);
}

void x87_init(struct x86_state *s)
{
    s->fcw = 0x37f;
    s->fsw = s->ftw = 0;
    s->fop = 0;
    s->fip = s->fdp = 0;
}

static inline void note(struct x86_state *s, uint64_t ctl)
{
    s->fip = s->pc;
    s->fop = (uint16_t)X87_CTL_FOP(ctl);
}

/* Nearly every instruction clears C1. Nothing after this may fault (X1). */
static inline void begin(struct x86_state *s, uint64_t ctl)
{
    s->fsw &= (uint16_t)~X87_C1;
    note(s, ctl);
}

static inline void begin_mem(struct x86_state *s, uint64_t ctl, uint64_t address)
{
    begin(s, ctl);
    s->fdp = address;
}

/* Record sw's exceptions and condition bits. False: an unmasked exception among `fatal` stops the instruction. */
static bool raise(struct x86_state *s, unsigned sw, unsigned fatal)
{
    s->fsw |= (uint16_t)sw;
    if (__builtin_expect((sw & ~s->fcw & X87_EXCEPTIONS) == 0, 1))
        return true;
    s->fsw |= X87_ES | X87_B;
    return !(sw & ~s->fcw & fatal);
}

static bool stack_underflow(struct x86_state *s)
{
    s->fsw &= (uint16_t)~X87_C1;
    return raise(s, X87_IE | X87_SF, X87_IE);
}

static bool stack_overflow(struct x86_state *s)
{
    return raise(s, X87_IE | X87_SF | X87_C1, X87_IE);
}

static void compute(struct x87_calc *c, enum x87_op op, struct sf_value a, struct sf_value b)
{
#ifdef __x86_64__
    if (!x87_force_soft && !c->wide_denormal) {
        x87_native_compute(c, op, a, b);
        return;
    }
#endif
    x87_soft_compute(c, op, a, b);
}

static uint64_t convert(struct x87_calc *c, enum x87_format f, bool truncate, struct sf_value v)
{
#ifdef __x86_64__
    if (!x87_force_soft)
        return x87_native_convert(c, f, truncate, v);
#endif
    return x87_soft_convert(c, f, truncate, v);
}

/* --- loads --- */
static void load(struct x86_state *s, struct sf_value v)
{
    if (!is_empty(s, 7)) {
        if (!stack_overflow(s))
            return;
        v = indefinite;
    }
    push(s, v);
}

/* F64 and F32 numbers that are normal need no arithmetic */
static bool widen_normal(enum x87_format f, uint64_t bits, struct sf_value *v)
{
    unsigned frac_bits = f == X87_F64 ? 52 : 23, exp_bits = f == X87_F64 ? 11 : 8;
    unsigned exp_max = (1u << exp_bits) - 1, exp = (unsigned)(bits >> frac_bits) & exp_max;
    if (exp == 0 || exp == exp_max)
        return false;
    v->frac = bits << (63 - frac_bits) | 1ull << 63;
    v->top = (uint16_t)((bits >> (frac_bits + exp_bits) & 1) << 15 | (exp + 0x3fff - (exp_max >> 1)));
    return true;
}

uint64_t x86_helper_x87_load(void *state, uint64_t ctl, uint64_t bits, uint64_t address, uint64_t d)
{
    struct x86_state *s = state;
    enum x87_format f = X87_CTL_OP(ctl);
    struct sf_value v;
    x87_wait(s);
    begin_mem(s, ctl, address);
    if (f <= X87_F64 && widen_normal(f, bits, &v)) {
        load(s, v);
        return 0;
    }
    struct sf_ctx c = sf_from_fcw(s->fcw);
    if (f <= X87_F64)
        v = sf_convert(&c, SF_F80, f == X87_F64 ? SF_F64 : SF_F32, f == X87_F64 ? sf_f64(bits) : sf_f32((uint32_t)bits));
    else
        v = sf_from_int(&c, SF_F80, (int64_t)bits);
    if (is_empty(s, 7) && !raise(s, c.flags, X87_IE))   /* an unmasked DE does not stop the load */
        return 0;
    load(s, v);
    return 0;
}

uint64_t x86_helper_x87_load80(void *state, uint64_t ctl, uint64_t low, uint64_t high, uint64_t address)
{
    struct x86_state *s = state;
    x87_wait(s);
    begin_mem(s, ctl, address);
    load(s, X87_CTL_OP(ctl) == X87_BCD ? x87_from_bcd(low, (uint16_t)high) : sf_f80(low, (uint16_t)high));
    return 0;
}

uint64_t x86_helper_x87_load_st(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    begin(s, ctl);
    if (!is_empty(s, X87_CTL_I(ctl)))
        load(s, get(s, X87_CTL_I(ctl)));
    else if (stack_underflow(s))
        push(s, indefinite);
    return 0;
}

const struct x87_constant x87_constants[7] = {
    { 0x8000000000000000, 0x3fff, false }, { 0xd49a784bcd1b8afe, 0x4000, false }, { 0xb8aa3b295c17f0bb, 0x3fff, true },
    { 0xc90fdaa22168c234, 0x4000, true }, { 0x9a209a84fbcff798, 0x3ffd, true }, { 0xb17217f7d1cf79ab, 0x3ffe, true },
    { 0, 0, false } };

uint64_t x86_helper_x87_load_const(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    unsigned i = X87_CTL_I(ctl), rounding = s->fcw >> 10 & 3;
    x87_wait(s);
    begin(s, ctl);
    if (i > 6)
        return 0;
    bool exact = i == 0 || i == 6;
    bool up = !exact && (rounding == SF_UP || (rounding == SF_NEAREST && x87_constants[i].up));
    load(s, sf_f80(x87_constants[i].frac + up, x87_constants[i].top));
    return 0;
}

/* --- stores --- */
static const unsigned format_size[] = { 4, 8, 10, 2, 4, 8, 10 };

static void write_memory(uint64_t address, uint64_t low, uint16_t high, unsigned size)
{
    uint64_t at = ir_mem_at(address, size, true);
    char *p = (char *)(uintptr_t)at;
    x86_ask_to_write(address, size);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (at == IR_MEM_SPLIT) {
        struct { uint64_t low; uint16_t high; } both = { low, high };
        x86_write_memory(address, &both, size);
        return;
    }
    switch (size) {                     /* little-endian hosts */
    case 2: memcpy(p, &low, 2); break;
    case 4: memcpy(p, &low, 4); break;
    case 8: memcpy(p, &low, 8); break;
    default:
        memcpy(p, &low, 8);
        memcpy(p + 8, &high, 2);
    }
}

static uint64_t store_bits(struct x87_calc *c, enum x87_format f, bool truncate, struct sf_value v, uint16_t *high)
{
    if (f == X87_BCD)
        return x87_to_bcd(c, v, high);
    if (f == X87_F80) {
        c->sw = 0;
        *high = v.top;
        return v.frac;
    }
    return convert(c, f, truncate, v);
}

static uint64_t empty_bits(enum x87_format f, uint16_t *high)
{
    static const uint64_t bits[] = { 0xffc00000, 0xfff8000000000000, 0xc000000000000000, 0x8000, 0x80000000, 1ull << 63,
                                     0xc000000000000000 };
    *high = 0xffff;
    return bits[f];
}

uint64_t x86_helper_x87_store(void *state, uint64_t ctl, uint64_t address, uint64_t c_, uint64_t d)
{
    struct x86_state *s = state;
    enum x87_format f = X87_CTL_OP(ctl);
    struct x87_calc c = { .cw = s->fcw, .sw = s->fsw & X87_EXCEPTIONS };
    uint64_t low;
    uint16_t high = 0;
    unsigned fatal = X87_IE | X87_DE | X87_OE | X87_UE;
    ir_after_not_quick(s);
    x87_wait(s);
    if (is_empty(s, 0)) {
        c.sw = X87_IE | X87_SF;
        low = empty_bits(f, &high);
    } else {
        low = store_bits(&c, f, X87_CTL_VARIANT(ctl), get(s, 0), &high);
    }
    if (c.sw & ~s->fcw & fatal)
        x86_ask_to_write(address, format_size[f]);          /* a page fault comes first */
    else
        write_memory(address, low, high, format_size[f]);
    begin_mem(s, ctl, address);
    if (raise(s, c.sw, fatal))
        pop(s, X87_CTL_POPS(ctl));
    return 0;
}

uint64_t x86_helper_x87_store_st(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    struct sf_value v = get(s, 0);
    x87_wait(s);
    begin(s, ctl);
    if (is_empty(s, 0)) {
        if (X87_CTL_VARIANT(ctl)) {         /* FSTPNCE: no check for an empty register */
            pop(s, 1);
            return 0;
        }
        if (!stack_underflow(s))
            return 0;
        v = indefinite;
    }
    set(s, X87_CTL_I(ctl), v);
    pop(s, X87_CTL_POPS(ctl));
    return 0;
}

/* --- arithmetic --- */
static void arith(struct x86_state *s, uint64_t ctl, unsigned dst, struct sf_value a, struct sf_value b)
{
    struct x87_calc c = { .cw = s->fcw, .sw = s->fsw & X87_EXCEPTIONS };
    compute(&c, X87_CTL_OP(ctl), a, b);
    if (!raise(s, c.sw & ~X87_CC, SF_PRE))
        return;
    set(s, dst, c.r[0]);
    pop(s, X87_CTL_POPS(ctl));
}

/* ST(i) = ST(i) op ST(j) */
uint64_t x86_helper_x87_arith(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    unsigned i = X87_CTL_I(ctl), j = X87_CTL_J(ctl);
    x87_wait(s);
    begin(s, ctl);
    if (!is_empty(s, i) && !is_empty(s, j)) {
        arith(s, ctl, i, get(s, i), get(s, j));
    } else if (stack_underflow(s)) {
        set(s, i, indefinite);
        pop(s, X87_CTL_POPS(ctl));
    }
    return 0;
}

/* A memory operand as arithmetic takes it; variant: integers (the format then says the width, the bits are sign-extended) */
static struct sf_value memory_operand(struct sf_ctx *c, enum x87_format f, uint64_t bits)
{
    struct sf_value v;
    if (f <= X87_F64 && widen_normal(f, bits, &v))
        return v;
    if (f == X87_F64)
        return sf_widen(c, SF_F64, sf_f64(bits));
    if (f == X87_F32)
        return sf_widen(c, SF_F32, sf_f32((uint32_t)bits));
    return sf_from_int(c, SF_F80, (int64_t)bits);
}

/* ST0 = ST0 op memory; the format is in the place of i */
uint64_t x86_helper_x87_arith_mem(void *state, uint64_t ctl, uint64_t bits, uint64_t address, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    begin_mem(s, ctl, address);
    if (is_empty(s, 0)) {
        if (stack_underflow(s))
            set(s, 0, indefinite);
        return 0;
    }
    struct sf_ctx c = sf_from_fcw(s->fcw);
    struct sf_value v = memory_operand(&c, (enum x87_format)X87_CTL_I(ctl), bits), st0 = get(s, 0);
    struct x87_calc calc = { .cw = s->fcw, .sw = s->fsw & X87_EXCEPTIONS, .wide_denormal = c.wide_denormal };
    compute(&calc, X87_CTL_OP(ctl), st0, v);
    if (raise(s, calc.sw & ~X87_CC, SF_PRE))
        set(s, 0, calc.r[0]);
    return 0;
}

/* --- compares --- */
static unsigned compare(struct x86_state *s, struct sf_ctx *c, struct sf_value a, struct sf_value b, bool signal, enum sf_order *order)
{
    static const unsigned cc[] = { [SF_LESS] = X87_C0, [SF_EQUAL] = X87_C3, [SF_GREATER] = 0, [SF_UNORDERED] = X87_CC };
    *order = sf_compare(c, SF_F80, a, b, signal);
    return cc[*order];
}

/* C0 C2 C3 and pops; b = NULL: an operand is missing */
static void compare_and_set(struct x86_state *s, uint64_t ctl, const struct sf_value *b, struct sf_ctx *c)
{
    enum sf_order order;
    unsigned cc = X87_CC;
    bool go;
    if (!b || is_empty(s, 0)) {
        go = stack_underflow(s);
    } else {
        cc = compare(s, c, get(s, 0), *b, !X87_CTL_VARIANT(ctl), &order);
        go = raise(s, c->flags, SF_PRE);
    }
    s->fsw = (uint16_t)((s->fsw & ~X87_CC) | cc);
    if (go)
        pop(s, X87_CTL_POPS(ctl));
}

uint64_t x86_helper_x87_compare(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    struct sf_ctx ctx = sf_from_fcw(s->fcw);
    unsigned i = X87_CTL_I(ctl);
    x87_wait(s);
    begin(s, ctl);
    struct sf_value v = get(s, i);
    compare_and_set(s, ctl, is_empty(s, i) ? NULL : &v, &ctx);
    return 0;
}

uint64_t x86_helper_x87_compare_mem(void *state, uint64_t ctl, uint64_t bits, uint64_t address, uint64_t d)
{
    struct x86_state *s = state;
    struct sf_ctx c = sf_from_fcw(s->fcw);
    x87_wait(s);
    begin_mem(s, ctl, address);
    struct sf_value v = memory_operand(&c, (enum x87_format)X87_CTL_I(ctl), bits);
    compare_and_set(s, ctl, &v, &c);
    return 0;
}

/* FCOMI and its kin: the result goes to ZF PF CF, the other flags become 0 */
uint64_t x86_helper_x87_compare_flags(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    static const uint16_t flags[] = { [SF_LESS] = IR_FLAG_C, [SF_EQUAL] = IR_FLAG_Z, [SF_GREATER] = 0,
                                      [SF_UNORDERED] = IR_FLAG_C | IR_FLAG_Z | IR_FLAG_P };
    struct x86_state *s = state;
    struct sf_ctx ctx = sf_from_fcw(s->fcw);
    enum sf_order order = SF_UNORDERED;
    unsigned i = X87_CTL_I(ctl);
    bool go;
    x87_wait(s);
    note(s, ctl);
    if (is_empty(s, 0) || is_empty(s, i)) {
        go = stack_underflow(s);
    } else {
        compare(s, &ctx, get(s, 0), get(s, i), !X87_CTL_VARIANT(ctl), &order);
        go = raise(s, ctx.flags, SF_PRE);
    }
    if (go)
        pop(s, X87_CTL_POPS(ctl));
    return flags[order];
}

/* --- operations on the top of the stack --- */
static void examine(struct x86_state *s)
{
    static const uint16_t cc[] = { [SF_C_ZERO] = X87_C3, [SF_C_DENORMAL] = X87_C3 | X87_C2, [SF_C_NORMAL] = X87_C2,
                                   [SF_C_INFINITY] = X87_C2 | X87_C0, [SF_C_QNAN] = X87_C0, [SF_C_SNAN] = X87_C0,
                                   [SF_C_UNSUPPORTED] = 0 };
    struct sf_value v = get(s, 0);
    unsigned r = is_empty(s, 0) ? X87_C3 | X87_C0 : cc[sf_classify(SF_F80, v)];
    s->fsw = (uint16_t)((s->fsw & ~X87_CC) | r | (v.top & 0x8000 ? X87_C1 : 0));
}

static void change_sign(struct x86_state *s, enum x87_op op)
{
    struct sf_value v = get(s, 0);
    if (is_empty(s, 0)) {
        if (!stack_underflow(s))
            return;
        v = indefinite;
    } else {
        v.top = op == X87_CHS ? v.top ^ 0x8000 : v.top & 0x7fff;
    }
    set(s, 0, v);
}

static void op_on_empty(struct x86_state *s, enum x87_op op)
{
    if (!stack_underflow(s))
        return;
    if (op >= X87_YL2X && op <= X87_PATAN)
        pop(s, 1);
    set(s, 0, indefinite);
    if (op >= X87_XTRACT)
        push(s, indefinite);
}

static void op_results(struct x86_state *s, enum x87_op op, const struct x87_calc *c)
{
    if (op >= X87_YL2X && op <= X87_PATAN)
        pop(s, 1);
    set(s, 0, c->r[0]);
    if (op == X87_XTRACT || (op > X87_XTRACT && !(c->sw & X87_C2)))     /* C2: the operand is out of range */
        push(s, c->r[1]);
}

/* Which of C0 C2 C3 an operation sets: the bits of FPREM's quotient only if there is one. */
static unsigned op_defines(enum x87_op op, const struct x87_calc *c)
{
    switch (op) {
    case X87_PREM: case X87_PREM1: return sf_is_nan(sf_classify(SF_F80, c->r[0])) || (c->sw & ~c->cw & SF_PRE) ? X87_C2 : X87_CC;
    case X87_SIN: case X87_COS: case X87_PTAN: case X87_SINCOS: return X87_C2;
    default: return 0;
    }
}

static void operate(struct x86_state *s, enum x87_op op)
{
    bool two = op >= X87_SCALE && op <= X87_PATAN, pushes = op >= X87_XTRACT;
    struct x87_calc c = { .cw = s->fcw, .r = { indefinite } };
    if (is_empty(s, 0) || (two && is_empty(s, 1))) {
        s->fsw &= (uint16_t)~op_defines(op, &c);
        op_on_empty(s, op);
        return;
    }
    if (pushes && !is_empty(s, 7)) {
        s->fsw &= (uint16_t)~op_defines(op, &c);
        if (stack_overflow(s)) {
            set(s, 0, indefinite);
            push(s, indefinite);
        }
        return;
    }
    c.sw = s->fsw & X87_EXCEPTIONS;
    compute(&c, op, get(s, 0), two ? get(s, 1) : get(s, 0));
    unsigned defined = op_defines(op, &c);
    s->fsw &= (uint16_t)~defined;
    if (raise(s, c.sw & (X87_EXCEPTIONS | X87_C1 | defined), SF_PRE))
        op_results(s, op, &c);
}

uint64_t x86_helper_x87_op(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    begin(s, ctl);
    if (X87_CTL_OP(ctl) == X87_XAM)
        examine(s);
    else
        operate(s, X87_CTL_OP(ctl));
    return 0;
}

/* FCHS, FABS, FTST */
uint64_t x86_helper_x87_sign(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    static const struct sf_value zero;
    struct x86_state *s = state;
    struct sf_ctx ctx = sf_from_fcw(s->fcw);
    x87_wait(s);
    begin(s, ctl);
    if (X87_CTL_OP(ctl) == X87_TST)
        compare_and_set(s, ctl, &zero, &ctx);
    else
        change_sign(s, X87_CTL_OP(ctl));
    return 0;
}

/* --- moves inside the stack --- */
uint64_t x86_helper_x87_xch(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    unsigned i = X87_CTL_I(ctl);
    x87_wait(s);
    begin(s, ctl);
    bool empty0 = is_empty(s, 0), empty_i = is_empty(s, i);
    if ((empty0 || empty_i) && !stack_underflow(s))
        return 0;
    struct sf_value st0 = empty0 ? indefinite : get(s, 0), sti = empty_i ? indefinite : get(s, i);
    set(s, 0, sti);
    set(s, i, st0);
    return 0;
}

uint64_t x86_helper_x87_cmov(void *state, uint64_t ctl, uint64_t cond, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    unsigned i = X87_CTL_I(ctl);
    x87_wait(s);
    note(s, ctl);
    if (is_empty(s, 0) || is_empty(s, i)) {
        if (stack_underflow(s))
            set(s, 0, indefinite);
    } else if (cond) {
        set(s, 0, get(s, i));
    }
    return 0;
}
