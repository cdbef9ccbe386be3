/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_internal.h: what the families (lift_*.c) share. A family function lifts one decoded instruction; common code has decoded it, and
 * fetches and writes operands. lift_table.def maps mnemonics to families: INSN(ZYDIS_MNEMONIC suffix, function, argument).
 * Rule I2 (ir.h): do everything that may fault (loads, stores, divides) before the first PUT/PUTF of an instruction.
 */
#ifndef GUEST_LIFT_INTERNAL_H
#define GUEST_LIFT_INTERNAL_H
#include <Zydis/Zydis.h>
#include "guest/lift.h"
#include "guest/state.h"
#include "guest/x87.h"
#include "ir/build.h"
#include "ir/helpers.h"

struct x86_lifter {
    struct ir_builder B;
    const struct x86_lift_config *cfg;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t pc, next_pc;        /* of this instruction, of the following one */
    bool done;                   /* the family ended the block (emitted a T instruction that is not EXITIF) */
    unsigned n_conditional;
    ir_ref ea; unsigned ea_op;   /* address that x86_ea has made for this instruction, and of which operand (~0u: none) */
    uint64_t code_end;           /* bytes from pc up to here are known to be fetchable */
    uint8_t bytes[15];           /* of the instruction, where it lies in two pieces (ir_mem_at) */
    bool mmx_entered;            /* this block has put the x87 unit in the MMX state, and no x87 instruction came since */
};
/* arg: a small number from the table, free for the family (usually an IR op or a condition).
 * Returns false for an operand form it does not lift (the driver then emits TRAP ILLEGAL). */
typedef bool x86_lift_fn(struct x86_lifter *L, unsigned arg);
/* Table arguments of vector instructions: IR op, lane, mod, and a small number of the family's own (usually a second type). */
#define X86_VOP(op, lane, mod, extra) ((unsigned)(IR_##op) | (unsigned)(IR_##lane) << 8 | (unsigned)(mod) << 12 | (unsigned)(extra) << 16)
#define X86_VOP_OP(arg) ((enum ir_op)((arg) & 0xff))
#define X86_VOP_LANE(arg) ((enum ir_type)((arg) >> 8 & 0xf))
#define X86_VOP_MOD(arg) ((arg) >> 12 & 0xf)
#define X86_VOP_EXTRA(arg) ((arg) >> 16)

/* --- operands (lift_operand.c). i counts Zydis operands. --- */
enum ir_type x86_int_type(unsigned bits);                        /* 8..64, 128 */
enum ir_type x86_op_type(const struct x86_lifter *L, unsigned i); /* from the operand's size */
ir_ref x86_ea(struct x86_lifter *L, unsigned i);                 /* effective address with segment base and address size, i64 */
unsigned x86_mem_aux(const struct x86_lifter *L, unsigned i);    /* IR_MEM_* for this operand: STACK for rsp-based, else PLAIN */
ir_ref x86_read(struct x86_lifter *L, unsigned i);               /* integer register, memory or immediate, in the operand's type */
ir_ref x86_read_as(struct x86_lifter *L, unsigned i, enum ir_type t);  /* immediates sign-extended to t, registers truncated */
void   x86_write(struct x86_lifter *L, unsigned i, ir_ref v);    /* register (32-bit writes zero-extend, 8- and 16-bit leave the rest) or memory */
ir_ref x86_get_gpr(struct x86_lifter *L, enum ir_type t, unsigned reg);
void   x86_put_gpr(struct x86_lifter *L, enum ir_type t, unsigned reg, ir_ref v);
int    x86_gpr_of(ZydisRegister r, bool *high);                  /* number 0..15, or -1; high for ah ch dh bh */
static inline bool x86_is_mem(const struct x86_lifter *L, unsigned i) { return L->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY; }
static inline bool x86_is_reg(const struct x86_lifter *L, unsigned i) { return L->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER; }
/* vectors: xmm number of operand i, or -1 */
int    x86_xmm_of(const struct x86_lifter *L, unsigned i);
ir_ref x86_get_xmm(struct x86_lifter *L, unsigned reg);
void   x86_put_xmm(struct x86_lifter *L, unsigned reg, ir_ref v);
/* xmm register or 16 bytes of memory; aligned: #GP on a misaligned address, as legacy SSE does but for MOVUPS and friends */
ir_ref x86_read_xmm(struct x86_lifter *L, unsigned i, bool aligned);

/* address plus a 64-bit offset (IR_NONE: none), for BT and POP; wraps at the instruction's address size */
ir_ref x86_ea_plus(struct x86_lifter *L, unsigned i, ir_ref offset);
/* constants, comparison (i1), conversion of a 0/1 to a type */
static inline ir_ref x86_imm(struct x86_lifter *L, enum ir_type t, int64_t v) { return ir_const(&L->B, t, v); }
static inline ir_ref x86_cmp(struct x86_lifter *L, enum ir_cc cc, ir_ref a, ir_ref b)
{
    return ir_emit(&L->B, IR_CMP, IR_I1, ir_typeof(&L->B, a), cc, 0, a, b, IR_NONE, 0);
}
/* base of the segment override, or IR_NONE where it is 0 */
ir_ref x86_segment_base(struct x86_lifter *L, ZydisRegister segment);
/* exits: a jump (lane and mod filled in), a conditional one, a trap that ends the block */
void x86_exit(struct x86_lifter *L, uint64_t target);
void x86_exit_if(struct x86_lifter *L, ir_ref cond, uint64_t target);
void x86_exit_to(struct x86_lifter *L, enum ir_op op, ir_ref a, ir_ref b);   /* EXITIND, EXITCALLI, EXITRET */
bool x86_trap(struct x86_lifter *L, enum ir_trap trap, uint64_t pc);        /* true, so that a family can end with it */
unsigned x86_exit_flags(struct x86_lifter *L, uint64_t target);             /* x86_flags_live_in with what is known of the code */
static inline bool x86_has(const struct x86_lifter *L, uint64_t attributes) { return (L->insn.attributes & attributes) != 0; }

/* what the segment_query helper is asked */
enum x86_segment_query { X86_SEGMENT_VERR, X86_SEGMENT_VERW, X86_SEGMENT_LAR, X86_SEGMENT_LSL };

/* --- one helper call; ids from helpers.def --- */
enum x86_helper {
#define HELPER(name, n_args, effects) X86_H_##name,
#define HELPER_QUICK(name, n_args, effects) X86_H_##name,
#include "guest/helpers.def"
#undef HELPER
#undef HELPER_QUICK
    X86_N_HELPERS
};
#define HELPER(name, n_args, effects) ir_helper_fn x86_helper_##name;
#define HELPER_QUICK(name, n_args, effects) ir_helper_fn x86_helper_##name, x86_quick_##name;
#include "guest/helpers.def"
#undef HELPER
#undef HELPER_QUICK

/* families, declared from the table */
#define INSN(mnemonic, fn, arg) x86_lift_fn fn;
#include "guest/lift_table.def"
#undef INSN
#endif
