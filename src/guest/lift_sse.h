/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse.h: operands of vector instructions, shared by the lift_sse_*.c families. MMX registers are handled as the low
 * 64 bits of a vector whose upper half is zero, so most families lift both register files with the same code.
 * What must stay true: an instruction's memory operands are read before x86_mmx_enter and before the first write.
 */
#ifndef GUEST_LIFT_SSE_H
#define GUEST_LIFT_SSE_H
#include "guest/lift_internal.h"

int x86_mmx_of(const struct x86_lifter *L, unsigned i);          /* number of the MMX register, or -1 */
/* Register, or memory of the operand's own size: 16 bytes must be aligned, less goes to the low end of a zero vector. */
ir_ref x86_vec_read(struct x86_lifter *L, unsigned i);
ir_ref x86_vec_reg(struct x86_lifter *L, unsigned i);
void x86_vec_write(struct x86_lifter *L, unsigned i, ir_ref v);  /* XMM or MMX register */
ir_ref x86_vec_load(struct x86_lifter *L, unsigned i, enum ir_type lane);   /* one element into a zero vector */
/* Any MMX instruction: #MF if an x87 exception is pending, then top = 0 and all registers in use (SDM vol. 1, 9.5.1). */
void x86_mmx_enter(struct x86_lifter *L);
void x86_mmx_wait(struct x86_lifter *L);             /* before a store or a conversion: pending x87 exceptions come first */
/* the immediate operand, or 0 when there is none */
unsigned x86_vec_imm(const struct x86_lifter *L);
/* a V128 operation without aux and mod */
ir_ref x86_vop(struct x86_lifter *L, enum ir_op op, enum ir_type lane, ir_ref a, ir_ref b);
/* element of a vector as an integer of type t */
ir_ref x86_vec_element(struct x86_lifter *L, enum ir_type t, enum ir_type lane, unsigned index, ir_ref v);
#endif
