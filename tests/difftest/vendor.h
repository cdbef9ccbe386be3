/* SPDX-License-Identifier: GPL-2.0-or-later
 * vendor.h: what processors of other makers do otherwise than those of AMD, as which wherry does it. */
#ifndef DIFFTEST_VENDOR_H
#define DIFFTEST_VENDOR_H
#include <Zydis/Zydis.h>
#include "difftest.h"

bool vendor_same(void);                  /* does this processor come from AMD? */
/* Is the instruction in this state, with its memory operand at this address, one that other makers' processors do otherwise? */
bool vendor_leaves_out(const struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at);
bool vendor_undefined(const struct test_case *c);                        /* a recorded case */
unsigned vendor_comparability(const ZydisDecodedInstruction *insn);      /* TEST_* */
uint32_t vendor_ignores(const ZydisDecodedInstruction *insn);            /* bytes of what it stores, bit 0 for the first, that are not compared */
#endif
