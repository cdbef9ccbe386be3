/* SPDX-License-Identifier: GPL-2.0-or-later
 * text.h: what the printer and the parser agree on. One instruction is one line:
 *
 *     INDEX: NAME[.TYPE] OPERAND, ... [immediate] [key=value ...]
 *       12: addf.i64 %3, %11 live=OZ uses=2
 *
 * An operand is %INDEX, or _ where there is none and another follows. Fields that are 0 are left out. The text is
 * complete: it parses back to the same block, bit for bit. The first line is
 *
 *     block PC end=PC insns=N flags_in=FLAGS
 *
 * For blocks written by hand: `;` starts a comment, and INDEX: and the first line may be left out.
 */
#ifndef IR_TEXT_H
#define IR_TEXT_H
#include "ir/ir.h"

enum ir_text_style {
    IR_TEXT_NUMBER,          /* the default */
    IR_TEXT_TYPE,            /* i8 .. v512 */
    IR_TEXT_CC,              /* e, ne, ... */
    IR_TEXT_FLAGS,           /* OSZAPC, those that are set */
    IR_TEXT_MEM,             /* stack+acq+aligned */
    IR_TEXT_TRAP,            /* syscall, ... */
    IR_TEXT_LENGTH,          /* a number under the name len */
    IR_TEXT_OFFSET,          /* immediates: [0x10] */
    IR_TEXT_ADDRESS,         /* 0x401000 */
    IR_TEXT_HELPER,          /* @name */
};
struct ir_text_form { uint8_t aux, lane, imm; };         /* enum ir_text_style of each */
struct ir_text_form ir_text_form(enum ir_op op);

extern const char *const ir_trap_name[IR_N_TRAPS];
extern const char ir_flag_letter[6];                     /* by bit number of IR_F_* */
extern const char *const ir_mem_kind_name[4], *const ir_mem_order_name[5];
static inline bool ir_is_removed(const struct ir_insn *in) { return in->op == IR_CONST && in->type == IR_VOID && in->imm == 0 && !in->uses && !in->live && !in->aux && !in->lane && !in->mod; }
#endif
