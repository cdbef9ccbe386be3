/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_vec.h: what the files for vectors of integers and bits share.
 */
#ifndef HOST_PPC64LE_EMIT_VEC_H
#define HOST_PPC64LE_EMIT_VEC_H
#include "host/ppc64le/emit.h"

#define load_literal(...) p64_load_literal(__VA_ARGS__)
#define permute(...) p64_permute(__VA_ARGS__)
#define permute_elements(...) p64_permute_elements(__VA_ARGS__)
#define permute_into(...) p64_permute_into(__VA_ARGS__)
#define emit_lanes(...) p64_emit_lanes(__VA_ARGS__)
#define emit_crypto(...) p64_emit_crypto(__VA_ARGS__)

enum lane_index { LANE8, LANE16, LANE32, LANE64 };
static inline unsigned lane_index(unsigned lane)
{
    return lane == IR_I8 ? LANE8 : lane == IR_I16 ? LANE16 : lane == IR_I32 || lane == IR_F32 ? LANE32 : LANE64;
}
static inline void zero(struct emitter *e, unsigned v) { asm_vs(&e->a, X_LXOR, v, v, v); }
static inline void splat_imm(struct emitter *e, uint32_t op, unsigned v, int n) { asm_v(&e->a, op, v, (unsigned)n & 31, 0); }

/* --- emit_vec.c --- */
void load_literal(struct emitter *e, unsigned v, const uint8_t bytes[16]);                   /* a constant that stands behind the block */
/* byte j of the result = byte from[j] of b, or byte from[j] - 16 of a; bytes are numbered from the right */
void permute_into(struct emitter *e, unsigned dst, unsigned a, unsigned b, const uint8_t from[16]);     /* dst may be a or b */
void permute(struct emitter *e, unsigned a, unsigned b, const uint8_t from[16]);             /* ... is the instruction's result */
void permute_elements(struct emitter *e, unsigned a, unsigned b, unsigned size, const uint8_t *element);   /* 16 / size and above: a's */

/* --- the operations; false: not emitted by this file --- */
bool emit_lanes(struct emitter *e, const struct ir_insn *in);
bool emit_crypto(struct emitter *e, const struct ir_insn *in);
#endif
