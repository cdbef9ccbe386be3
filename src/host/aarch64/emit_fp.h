/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_fp.h: what the files for floating point share: looks at FPSR, and where results are computed.
 */
#ifndef HOST_AARCH64_EMIT_FP_H
#define HOST_AARCH64_EMIT_FP_H
#include "host/aarch64/emit.h"

static inline void vvv(struct emitter *e, uint32_t op, unsigned d, unsigned n, unsigned m) { asm_put(&e->a, op | m << 16 | n << 5 | d); }
static inline void vv(struct emitter *e, uint32_t op, unsigned d, unsigned n) { asm_put(&e->a, op | n << 5 | d); }
static inline void move(struct emitter *e, unsigned d, unsigned n)
{
    if (d != n)
        vvv(e, 0x4ea01c00, d, n, n);
}

unsigned fp_operand(struct emitter *e, const struct ir_insn *in, unsigned k); /* in's operand; of a LOW operation its low element */
void fp_look(struct emitter *e, struct tail *t);                             /* at FPSR; not in a run */
struct tail *fp_start(struct emitter *e, unsigned d);
void fp_finish_packed(struct emitter *e, struct tail *t, unsigned d, unsigned r);
unsigned fp_dst_low(struct emitter *e, const struct ir_insn *in);            /* a register of its own if it may be alone there: the interpreter may need the mapped one's */
unsigned fp_low_target(const struct emitter *e, const struct ir_insn *in, unsigned d);
void fp_finish_low(struct emitter *e, struct tail *t, bool f64, unsigned d); /* the low element from fp_low_target, the rest from arg0 */
bool emit_convert(struct emitter *e, const struct ir_insn *in);
#endif
