/* SPDX-License-Identifier: GPL-2.0-or-later
 * softfloat.h: floating point arithmetic in integers, bit-exact with x86 processors on every host: results, NaNs and exception
 * flags. One implementation serves three formats. F32 and F64 follow the rules of SSE, F80 those of the x87.
 *
 *  S1 functions only add to ctx->flags; the caller clears them and decides what an unmasked exception means
 *  S2 ctx->masks matters only where the processor's result or flags depend on it: underflow, overflow, FTZ
 * Manual: Intel SDM volume 1, 4.8 (formats, NaNs), 4.9 (exceptions), 8.1.5, 8.4, 8.5 (x87), 11.5 (SSE).
 */
#ifndef IR_SOFTFLOAT_H
#define IR_SOFTFLOAT_H
#include <stdbool.h>
#include <stdint.h>

enum sf_format { SF_F32, SF_F64, SF_F80, SF_N_FORMATS };

/* An encoded number. F32 (low half) and F64 are in `frac` with top = 0. F80: frac = the 64-bit significand with its integer
 * bit, top = sign and exponent. */
struct sf_value { uint64_t frac; uint16_t top; };

/* the encoding of MXCSR.RC and of FCW.RC */
enum sf_rounding { SF_NEAREST, SF_DOWN, SF_UP, SF_ZERO };
/* flag bits of MXCSR and FSW; the same bits mask the exceptions */
enum { SF_IE = 1, SF_DE = 2, SF_ZE = 4, SF_OE = 8, SF_UE = 16, SF_PE = 32, SF_FLAGS = 63, SF_PRE = SF_IE | SF_DE | SF_ZE };

struct sf_ctx {
    uint8_t rounding;     /* enum sf_rounding */
    uint8_t precision;    /* of F80 results: 24, 53 or 64 significant bits (FCW.PC); ignored for F32 and F64 */
    bool daz, ftz;        /* F32 and F64 only */
    uint8_t masks;        /* SF_* bits that are masked. F80 results with an unmasked OE or UE come with the exponent moved by 24576 */
    uint8_t flags;        /* out, sticky */
    bool wide_denormal;   /* sf_widen's operand was a denormal: the next operation reports SF_DE unless a NaN or invalid operands come first */
    bool rounded_up;      /* out: the last rounded result is larger in magnitude than the exact one (x87 C1) */
};

static inline struct sf_value sf_f32(uint32_t bits) { return (struct sf_value){ bits, 0 }; }
static inline struct sf_value sf_f64(uint64_t bits) { return (struct sf_value){ bits, 0 }; }
static inline struct sf_value sf_f80(uint64_t mantissa, uint16_t sign_exp) { return (struct sf_value){ mantissa, sign_exp }; }

/* the control register's bits -> context with clear flags */
struct sf_ctx sf_from_mxcsr(uint32_t mxcsr);
struct sf_ctx sf_from_fcw(uint16_t fcw);

/* --- what a number is. Nothing here touches flags. --- */
enum sf_class { SF_C_ZERO, SF_C_DENORMAL /* and F80 pseudo-denormals */, SF_C_NORMAL, SF_C_INFINITY, SF_C_QNAN, SF_C_SNAN,
                SF_C_UNSUPPORTED /* F80 unnormals, pseudo-infinities, pseudo-NaNs */ };
enum sf_class sf_classify(enum sf_format f, struct sf_value v);
bool sf_sign(enum sf_format f, struct sf_value v);
struct sf_value sf_default_nan(enum sf_format f);            /* negative, quiet: the "real indefinite" */
struct sf_value sf_zero(enum sf_format f, bool sign);
struct sf_value sf_infinity(enum sf_format f, bool sign);
static inline bool sf_is_nan(enum sf_class c) { return c >= SF_C_QNAN; }

/* --- arithmetic. a is the first (destination) operand where x86 makes a difference. --- */
struct sf_value sf_add(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);
struct sf_value sf_sub(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);   /* a - b */
struct sf_value sf_mul(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);
struct sf_value sf_div(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);   /* a / b */
struct sf_value sf_sqrt(struct sf_ctx *c, enum sf_format f, struct sf_value a);
/* Round to an integer in ctx->rounding. SF_PE only if `inexact`. F80 (FRNDINT) reports SF_DE, F32 and F64 (ROUNDSS) don't. */
struct sf_value sf_round_int(struct sf_ctx *c, enum sf_format f, struct sf_value a, bool inexact);
/* MINSS, MAXSS: b if either is a NaN (SF_IE, quiet ones too) or both are zero */
struct sf_value sf_min(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);
struct sf_value sf_max(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);

enum sf_order { SF_LESS, SF_EQUAL, SF_GREATER, SF_UNORDERED };
/* signal: quiet NaNs raise SF_IE too (COMISS, FCOM); else only signalling ones (UCOMISS, FUCOM) */
enum sf_order sf_compare(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b, bool signal);

/* --- conversions --- */
/* Between formats. F80 -> F32/F64 rounds as FST m32/m64 does (an unmasked OE or UE: the caller must not store), F32/F64 -> F80 as FLD does. */
struct sf_value sf_convert(struct sf_ctx *c, enum sf_format to, enum sf_format from, struct sf_value a);
/* F32/F64 -> F80 as an x87 instruction takes a memory operand (FADD m32): exact, a signalling NaN stays one, a denormal is
 * remembered in the context for the operation that follows. */
struct sf_value sf_widen(struct sf_ctx *c, enum sf_format from, struct sf_value a);
struct sf_value sf_from_int(struct sf_ctx *c, enum sf_format to, int64_t v);      /* F80: always exact, precision control does not apply */
struct sf_value sf_from_uint(struct sf_ctx *c, enum sf_format to, uint64_t v);
/* To a signed integer of 16, 32 or 64 bits, in ctx->rounding; out of range or NaN: SF_IE and the most negative one. */
int64_t sf_to_int(struct sf_ctx *c, enum sf_format from, struct sf_value a, unsigned bits);
/* To an unsigned integer; out of range or NaN: SF_IE and all ones (of `bits`). */
uint64_t sf_to_uint(struct sf_ctx *c, enum sf_format from, struct sf_value a, unsigned bits);

/* --- x87 only (F80) --- */
/* FPREM (nearest = false) and FPREM1. *partial: C2, the reduction is incomplete; else *quotient = the low bits of the quotient (at least 3). */
struct sf_value sf_remainder(struct sf_ctx *c, struct sf_value a, struct sf_value b, bool nearest, uint64_t *quotient, bool *partial);
/* FSCALE: a * 2^trunc(b) */
struct sf_value sf_scale(struct sf_ctx *c, struct sf_value a, struct sf_value b);
/* FXTRACT: returns the significand, *exponent = the exponent as a number */
struct sf_value sf_extract(struct sf_ctx *c, struct sf_value a, struct sf_value *exponent);
/* The result for an operation that has the NaN(s) a, b (b may be a itself): SF_IE as due, x87 or SSE choice by format. For transcendental helpers. */
struct sf_value sf_propagate_nan(struct sf_ctx *c, enum sf_format f, struct sf_value a, struct sf_value b);
/* A finite nonzero number of any precision to F80: (-1)^sign * sig / 2^127 * 2^exp, sig != 0 (low bit sticky); rounds, sets flags. For transcendental helpers. */
struct sf_value sf_pack_f80(struct sf_ctx *c, bool sign, int exp, unsigned __int128 sig);
/* The inverse for a finite nonzero F80: *exp and the significand with bit 63 set: value = sig / 2^63 * 2^exp */
uint64_t sf_unpack_f80(struct sf_value a, bool *sign, int *exp);
#endif
