/* SPDX-License-Identifier: GPL-2.0-or-later
 * ppc64le.h: the files of tier 2's POWER part.
 */
#ifndef LLVM_PPC64LE_H
#define LLVM_PPC64LE_H
#include "llvm/lower.h"

bool p64_vector_known(const struct ir_insn *in);                             /* ppc64le_vec.c */
LLVMValueRef p64_vector(struct lower *L, const struct ir_insn *in);
bool p64_float_known(const struct ir_block *b, const struct ir_insn *in);    /* ppc64le_fp.c */
LLVMValueRef p64_float(struct lower *L, const struct ir_insn *in);
void p64_test_low(struct lower *L, LLVMValueRef v, unsigned lane), p64_test_all(struct lower *L, LLVMValueRef v, unsigned lane);     /* FPSCR shows a denormal */
#endif
