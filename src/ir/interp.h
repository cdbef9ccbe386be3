/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp.h: what the interpreter's files share: the value of an instruction and the entry points of the vector families.
 */
#ifndef IR_INTERP_H
#define IR_INTERP_H
#include "ir/ir.h"
#include "ir/softfloat.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cells overlay narrow and wide elements: little-endian hosts only"
#endif

/* One value. Integers up to i64 are zero-extended in u64[0]; u64[1] is then the second result of a TWO operation. */
union ir_cell {
    uint64_t u64[2];
    int64_t s64[2];
    uint32_t u32[4];
    int32_t s32[4];
    uint16_t u16[8];
    int16_t s16[8];
    uint8_t u8[16];
    int8_t s8[16];
    unsigned __int128 u128;
};

/* Guest memory at host addresses (interp_mem.c). size: 1..16 bytes, 10 for f80; aux: the instruction's IR_MEM_*. Accesses are single
 * where the host can; a store that faults has written nothing. */
void ir_mem_load(union ir_cell *r, uint64_t addr, unsigned size, unsigned aux);
void ir_mem_store(uint64_t addr, const union ir_cell *v, unsigned size, unsigned aux);
/* AADD..AXCHG, sequentially consistent at any alignment; returns the old value. size 1..8. */
uint64_t ir_mem_rmw(enum ir_op op, uint64_t addr, uint64_t v, unsigned size);
/* size 1..8 at any alignment; 16 aligned */
void ir_mem_cas(union ir_cell *old, uint64_t addr, const union ir_cell *expected, const union ir_cell *desired, unsigned size);

/* Vector operations without floating point. c is read by three-operand operations only. False: not one of them. */
bool ir_interp_vec(const struct ir_insn *in, union ir_cell *r, const union ir_cell *a, const union ir_cell *b, const union ir_cell *c);

/* AES, carry-less multiplication, SHA. */
bool ir_interp_crypto(const struct ir_insn *in, union ir_cell *r, const union ir_cell *a, const union ir_cell *b, const union ir_cell *c);

/* Floating point, scalar and vector. *fpcr has the layout of MXCSR; sticky flags are set in it. */
struct ir_fp_op {
    const struct ir_insn *in;
    uint8_t arg_type[2];             /* types of the operands */
    uint32_t *fpcr;
    void *state;                     /* for ir_fp_fault */
};
bool ir_interp_fp(const struct ir_fp_op *op, union ir_cell *r, const union ir_cell *a, const union ir_cell *b);
/* FCMPF's order of the low elements, flags as the operation asks for */
enum sf_order ir_interp_fcmp(const struct ir_fp_op *op, const union ir_cell *a, const union ir_cell *b);
#endif
