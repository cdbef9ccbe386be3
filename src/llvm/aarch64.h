/* SPDX-License-Identifier: GPL-2.0-or-later
 * aarch64.h: the files of tier 2's aarch64 part.
 */
#ifndef LLVM_AARCH64_H
#define LLVM_AARCH64_H
#include "llvm/lower.h"

enum a64_feature { A64_LSE = 1, A64_CRC32 = 2, A64_AES = 4, A64_PMULL = 8, A64_SHA1 = 16, A64_SHA2 = 32 };
unsigned a64_features(void);                                                 /* aarch64_mem.c */
bool a64_float_known(const struct ir_block *b, const struct ir_insn *in);    /* aarch64_fp.c */
LLVMValueRef a64_float(struct lower *L, const struct ir_insn *in);
bool a64_vector_known(const struct ir_block *b, const struct ir_insn *in);   /* aarch64_vec.c */
LLVMValueRef a64_vector(struct lower *L, const struct ir_insn *in);
#endif
