/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87.h: the x87 unit, inside the guest room. x87.c keeps the register stack, tags and status; computations and
 * conversions are done by softfloat (x87_soft.c, x87_trans.c) or, on x86-64 hosts, by the host's own unit (x87_native.c).
 * Manual: Intel SDM volume 1, chapter 8; volume 2 by instruction.
 */
#ifndef GUEST_X87_H
#define GUEST_X87_H
#include <stdbool.h>
#include "guest/state.h"
#include "ir/softfloat.h"

/* Operations. The first eight are the reg field of the arithmetic opcodes. */
enum x87_op {
    X87_ADD, X87_MUL, X87_COM, X87_COMP, X87_SUB, X87_SUBR, X87_DIV, X87_DIVR,
    X87_SQRT, X87_RNDINT, X87_2XM1, X87_SIN, X87_COS,          /* ST0 = f(ST0) */
    X87_SCALE, X87_PREM, X87_PREM1,                            /* ST0 = f(ST0, ST1) */
    X87_YL2X, X87_YL2XP1, X87_PATAN,                           /* ST1 = f(ST0, ST1), pop */
    X87_XTRACT, X87_PTAN, X87_SINCOS,                          /* ST0 = f(ST0), push g(ST0) */
    X87_CHS, X87_ABS, X87_TST, X87_XAM                         /* never computed below x87.c */
};
/* memory formats */
enum x87_format { X87_F32, X87_F64, X87_F80, X87_I16, X87_I32, X87_I64, X87_BCD };

/* Status word */
enum { X87_IE = 1, X87_DE = 2, X87_ZE = 4, X87_OE = 8, X87_UE = 16, X87_PE = 32, X87_SF = 64, X87_ES = 128,
       X87_C0 = 0x100, X87_C1 = 0x200, X87_C2 = 0x400, X87_TOP = 0x3800, X87_C3 = 0x4000, X87_B = 0x8000,
       X87_CC = X87_C0 | X87_C2 | X87_C3, X87_EXCEPTIONS = 63 };

/* First helper argument: what the lifter knows of the instruction. Bits 0..4 operation or format, 5..7 and 8..10 register
 * numbers, 11..12 pops, 13 a variant, from 16 the 11 bits of FOP. */
#define X87_CTL(op, i, j, pops, variant) \
    ((unsigned)(op) | (unsigned)(i) << 5 | (unsigned)(j) << 8 | (unsigned)(pops) << 11 | (unsigned)(variant) << 13)
#define X87_CTL_OP(c) ((unsigned)(c) & 31)
#define X87_CTL_I(c) ((unsigned)(c) >> 5 & 7)
#define X87_CTL_J(c) ((unsigned)(c) >> 8 & 7)
#define X87_CTL_POPS(c) ((unsigned)(c) >> 11 & 3)
#define X87_CTL_VARIANT(c) ((unsigned)(c) >> 13 & 1)
#define X87_CTL_FOP(c) ((unsigned)((c) >> 16) & 0x7ff)

/* One computation. cw in; out: r[0] goes to the destination, r[1] is pushed. sw = exceptions, C1 and, where the
 * operation defines them, C0 C2 C3. wide_denormal (in): sf_widen met a denormal memory operand. When an unmasked IE, DE or ZE is in sw, r is not meaningful. */
struct x87_calc { uint16_t cw, sw; bool wide_denormal; struct sf_value r[2]; };

void x87_soft_compute(struct x87_calc *c, enum x87_op op, struct sf_value st0, struct sf_value other);
uint16_t x87_soft_status(const struct sf_ctx *f);     /* exceptions and C1 */
/* Transcendental operations on operands that need no special case (x87_trans.c) */
void x87_transcendental(struct x87_calc *c, enum x87_op op, struct sf_value st0, struct sf_value st1);
/* to F32 or F64 bits, or an integer (variant: truncating); sw as above */
uint64_t x87_soft_convert(struct x87_calc *c, enum x87_format f, bool truncate, struct sf_value v);
/* packed decimal, 10 bytes: low 8 in the result, high 2 in *top */
uint64_t x87_to_bcd(struct x87_calc *c, struct sf_value v, uint16_t *top);
struct sf_value x87_from_bcd(uint64_t low, uint16_t top);

#ifdef __x86_64__
void x87_native_compute(struct x87_calc *c, enum x87_op op, struct sf_value st0, struct sf_value other);
uint64_t x87_native_convert(struct x87_calc *c, enum x87_format f, bool truncate, struct sf_value v);
#endif
/* Tests: compute by softfloat on every host. */
extern bool x87_force_soft;

/* --- x87.c: shared with helpers_x87.c and x87_quick.c --- */
/* FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: cut off; up: nearer to the next one */
struct x87_constant { uint64_t frac; uint16_t top; bool up; };
extern const struct x87_constant x87_constants[7];
static inline unsigned x87_top(const struct x86_state *s) { return s->fsw >> 11 & 7; }
void x87_wait(struct x86_state *s);                  /* #MF when an unmasked exception is pending */
void x87_update_summary(struct x86_state *s);        /* ES and B from exceptions and masks */
void x87_set_fcw(struct x86_state *s, unsigned cw);
void x87_init(struct x86_state *s);
unsigned x87_full_tags(const struct x86_state *s);   /* two bits per physical register, as FNSTENV stores them */
void x87_set_full_tags(struct x86_state *s, unsigned tags);
#endif
