/* SPDX-License-Identifier: GPL-2.0-or-later
 * build.h: the builder that the lifter uses. It appends instructions, shares constants and gets, forwards a PUT to
 * later GETs of the same bytes, and folds what costs one comparison to fold. When the block is full the builder
 * sets `full` and goes on writing into the last slot: the lifter checks once per guest instruction (ir_room). */
#ifndef IR_BUILD_H
#define IR_BUILD_H
#include "ir/ir.h"
#define IR_TRACKED 2048   /* bytes of guest state, from offset 0, whose contents the builder follows */

struct ir_builder {
    struct ir_block *b;
    bool full;
    bool stores_flags;               /* the block has a PUTF */
    struct {
        ir_ref slot64[IR_TRACKED / 8];   /* known 64-bit value per 8-byte slot */
        ir_ref slot32[IR_TRACKED / 8];   /* known 32-bit value of the slot's low half */
        ir_ref slotv[IR_TRACKED / 16];   /* known v128 per 16-byte slot */
    } known;
    ir_ref port; unsigned port_mask; /* latest flags-setting instruction, and which flags of the state still come from it */
    uint32_t const_hash[64];
    uint16_t home[IR_MAX_INSNS];     /* 1 + the slot that an i64 was last put to or got from; 0: none. Valid below b->n */
};

void ir_build_start(struct ir_builder *B, struct ir_block *b, uint64_t guest_pc);
bool ir_room(const struct ir_builder *B, unsigned n);
/* Forget what is known of the state (after a CALL, which does it by itself). */
void ir_forget(struct ir_builder *B);
/* The same for some bytes, before reading them: they change by themselves (the fp status while FP operations run). */
void ir_forget_range(struct ir_builder *B, unsigned offset, unsigned size);

ir_ref ir_const(struct ir_builder *B, enum ir_type t, int64_t v);
ir_ref ir_get(struct ir_builder *B, enum ir_type t, unsigned offset);
void   ir_put(struct ir_builder *B, enum ir_type t, unsigned offset, ir_ref v);
/* any operation; unused args IR_NONE. Vector operations pass lane, aux, mod. */
ir_ref ir_emit(struct ir_builder *B, enum ir_op op, enum ir_type t, unsigned lane, unsigned aux, unsigned mod,
               ir_ref a, ir_ref b, ir_ref c, int64_t imm);
ir_ref ir_op1(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a);
ir_ref ir_op2(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, ir_ref b);
ir_ref ir_op3(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, ir_ref b, ir_ref c);
/* zext, sext, trunc to t as the types ask for; v itself when the types are equal */
ir_ref ir_zext(struct ir_builder *B, enum ir_type t, ir_ref v);
ir_ref ir_sext(struct ir_builder *B, enum ir_type t, ir_ref v);
ir_ref ir_trunc(struct ir_builder *B, enum ir_type t, ir_ref v);
ir_ref ir_lea(struct ir_builder *B, enum ir_type t, ir_ref base, ir_ref index, unsigned shift, int64_t disp);
ir_ref ir_load(struct ir_builder *B, enum ir_type t, ir_ref addr, unsigned mem);
void   ir_store(struct ir_builder *B, enum ir_type t, ir_ref addr, ir_ref v, unsigned mem);
/* condition on the state's flags: reads the port directly when all its flags come from one instruction */
ir_ref ir_cond(struct ir_builder *B, enum ir_cc cc);
/* flags of `port` (an FL operation) in `mask` become the state's */
void   ir_putf(struct ir_builder *B, unsigned mask, ir_ref port);
ir_ref ir_getf(struct ir_builder *B);
ir_ref ir_call(struct ir_builder *B, unsigned helper, enum ir_type t, ir_ref a, ir_ref b, ir_ref c, ir_ref d);
/* INSN; also counts it and moves the block's guest_end behind it */
void   ir_insn_start(struct ir_builder *B, uint64_t pc, unsigned len);
static inline enum ir_type ir_typeof(const struct ir_builder *B, ir_ref v) { return B->b->insn[v].type; }
#endif
