/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_native.c: x87 computations by the unit of an x86-64 host, under the guest's control word. The host's unit is left as C code
 * expects it: empty, all exceptions masked, extended precision. Its sticky exception flags may stay set: each use first makes
 * sure that it holds none that the guest does not have.
 */
#include "guest/x87.h"

#ifdef __x86_64__
static const uint16_t default_cw = 0x37f;

/* precision and rounding of cw */
static inline uint16_t masked(uint16_t cw) { return (cw & 0xf00) | (default_cw & 0xff); }

static inline void enter(uint16_t cw, unsigned guest_flags)
{
    uint16_t sw;
    __asm__ volatile("fnstsw %0" : "=a"(sw));
    if (sw & X87_EXCEPTIONS & ~guest_flags)
        __asm__ volatile("fnclex");
    if (cw != default_cw)
        __asm__ volatile("fldcw %0" : : "m"(cw));
}

static inline void leave(uint16_t cw)
{
    if (cw != default_cw)
        __asm__ volatile("fldcw %0" : : "m"(default_cw));
}

/* Operands in place, a at the top; the status word's top tells how many results there are. */
#define RUN(code) \
    __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" code "\n\tfnstsw %%ax" : "=a"(sw) : [a] "m"(a), [b] "m"(b))

static void run(struct x87_calc *c, uint16_t cw, enum x87_op op, struct sf_value a, struct sf_value b)
{
    uint16_t sw = 0;
    enter(cw, c->sw);
    switch (op) {
    case X87_ADD: RUN("fadd %%st(1), %%st"); break;
    case X87_MUL: RUN("fmul %%st(1), %%st"); break;
    case X87_SUB: RUN("fsub %%st(1), %%st"); break;
    case X87_SUBR: RUN("fsubr %%st(1), %%st"); break;
    case X87_DIV: RUN("fdiv %%st(1), %%st"); break;
    case X87_DIVR: RUN("fdivr %%st(1), %%st"); break;
    case X87_SQRT: RUN("fsqrt"); break;
    case X87_RNDINT: RUN("frndint"); break;
    case X87_2XM1: RUN("f2xm1"); break;
    case X87_SIN: RUN("fsin"); break;
    case X87_COS: RUN("fcos"); break;
    case X87_SCALE: RUN("fscale"); break;
    case X87_PREM: RUN("fprem"); break;
    case X87_PREM1: RUN("fprem1"); break;
    case X87_YL2X: RUN("fyl2x"); break;
    case X87_YL2XP1: RUN("fyl2xp1"); break;
    case X87_PATAN: RUN("fpatan"); break;
    case X87_XTRACT: RUN("fxtract"); break;
    case X87_PTAN: RUN("fptan"); break;
    case X87_SINCOS: RUN("fsincos"); break;
    default: return;
    }
    unsigned top = sw >> 11 & 7;
    if (sw & X87_ES)                       /* or the next instruction would fault */
        __asm__ volatile("fnclex");
    if (top == 5)
        __asm__ volatile("fstpt %0" : "=m"(c->r[1]));
    __asm__ volatile("fstpt %0" : "=m"(c->r[0]));
    if (top != 7)
        __asm__ volatile("fstp %st(0)");
    leave(cw);
    c->sw = sw & (X87_EXCEPTIONS | X87_C0 | X87_C1 | X87_C2 | X87_C3);
}

/* All masked first, which nearly always needs no other control word than the host's: flags that the guest has are masked, so an unmasked one is new.
 * Only underflow sets its flag unmasked where it does not masked: for exact results. */
void x87_native_compute(struct x87_calc *c, enum x87_op op, struct sf_value a, struct sf_value b)
{
    uint16_t flags = c->sw;
    if (c->cw & X87_UE) {
        run(c, masked(c->cw), op, a, b);
        if (!(c->sw & ~c->cw & X87_EXCEPTIONS))
            return;
        c->sw = flags;
    }
    run(c, c->cw, op, a, b);
}

#define STORE(code, type) do { \
        type r; \
        __asm__ volatile("fldt %[v]\n\t" code " %[r]\n\tfnstsw %%ax" : "=a"(sw), [r] "=m"(r) : [v] "m"(v)); \
        result = (uint64_t)r; \
    } while (0)

/* Unmasked exceptions decide whether anything is stored at all: softfloat does those, and exact underflow. */
uint64_t x87_native_convert(struct x87_calc *c, enum x87_format f, bool truncate, struct sf_value v)
{
    uint64_t result = 0;
    uint16_t sw = 0;
    if (!(c->cw & X87_UE))
        return x87_soft_convert(c, f, truncate, v);
    enter(masked(c->cw), c->sw);
    switch (f) {
    case X87_F32: STORE("fstps", uint32_t); break;
    case X87_F64: STORE("fstpl", uint64_t); break;
    case X87_I16: if (truncate) STORE("fisttps", uint16_t); else STORE("fistps", uint16_t); break;
    case X87_I32: if (truncate) STORE("fisttpl", uint32_t); else STORE("fistpl", uint32_t); break;
    default: if (truncate) STORE("fisttpll", uint64_t); else STORE("fistpll", uint64_t); break;
    }
    leave(masked(c->cw));
    if (sw & ~c->cw & X87_EXCEPTIONS)
        return x87_soft_convert(c, f, truncate, v);
    c->sw = sw & (X87_EXCEPTIONS | X87_C1);
    return result;
}
#endif
