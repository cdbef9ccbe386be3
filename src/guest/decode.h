/* SPDX-License-Identifier: GPL-2.0-or-later
 * decode.h: the common encodings, decoded by table about ten times as fast as Zydis does it. Everything else is Zydis's.
 */
#ifndef GUEST_DECODE_H
#define GUEST_DECODE_H
#include <stdbool.h>
#include <Zydis/Zydis.h>

enum { X86_MAX_LENGTH = 15 };
/* Decode the instruction at `bytes` (X86_MAX_LENGTH of them are readable) in 64-bit mode; false: not one of the encodings in the tables.
 * Sets what families look at, as Zydis does, and leaves the rest as it is:
 * insn: mnemonic, length, opcode, opcode_map, address_width, operand_width, operand_count and operand_count_visible (both without
 *   hidden operands), meta.branch_type, meta.category (INVALID: no string instruction is in the tables), meta.isa_ext (INVALID),
 *   attributes (only HAS_REX, HAS_SEGMENT_FS, HAS_SEGMENT_GS), raw.rex.W, raw.rex.B;
 * op: type, size, reg.value, imm.value, mem.type, .segment, .base, .index, .scale, .disp.value. */
bool x86_decode_common(const uint8_t *bytes, ZydisDecodedInstruction *insn, ZydisDecodedOperand *op);
#endif
