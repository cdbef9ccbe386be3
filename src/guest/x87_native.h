/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_native.h: one operation by the unit of an x86-64 host for x87_quick.c, with what that has made sure of: the guest's control word is the one
 * that C code runs under, and its sticky inexact flag is set, so that it does not matter that the host's is.
 */
#ifndef GUEST_X87_NATIVE_H
#define GUEST_X87_NATIVE_H
#include "guest/x87.h"

#ifdef __x86_64__
#define X87_NATIVE(code, rest) \
    __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" code "\n\tfnstsw %%ax\n\tfstpt %[a]" rest : "=a"(sw), [a] "+m"(*a) : [b] "m"(*b))

/* *a = *a op *b for numbers with an exponent that is not 0; the result goes to its place at once, where the next operation finds it soonest. False, and
 * nothing changed: something else than a normal number came of it, or one so small that it may have underflowed. *c1: X87_C1 */
static inline __attribute__((always_inline)) bool x87_native_quick(struct x86_f80 *a, unsigned *c1, enum x87_op op, const struct x86_f80 *b)
{
    uint64_t mantissa = a->mantissa;
    uint16_t sw, sign_exp = a->sign_exp;
    if (op == X87_ADD)
        X87_NATIVE("faddp", "");
    else if (op == X87_MUL)
        X87_NATIVE("fmulp", "");
    else if (op == X87_SUB)
        X87_NATIVE("fsub %%st(1), %%st", "\n\tfstp %%st(0)");
    else if (op == X87_SUBR)
        X87_NATIVE("fsubr %%st(1), %%st", "\n\tfstp %%st(0)");
    else if (op == X87_DIV)
        X87_NATIVE("fdiv %%st(1), %%st", "\n\tfstp %%st(0)");
    else
        X87_NATIVE("fdivr %%st(1), %%st", "\n\tfstp %%st(0)");
    *c1 = sw & X87_C1;
    if (__builtin_expect((unsigned)(a->sign_exp & 0x7fff) - 2 < 0x7ffd, 1))
        return true;
    a->mantissa = mantissa;
    a->sign_exp = sign_exp;
    return false;
}
#undef X87_NATIVE
#endif
#endif
