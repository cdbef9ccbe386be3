/* SPDX-License-Identifier: GPL-2.0-or-later
 * linear.h: addresses of loads in a block that goes round by itself (a host's loops.c). Where an address is a sum of guest registers, and the
 * rounds move these by multiples of 16 only, one look at its alignment before the first round is enough.
 */
#ifndef HOST_LINEAR_H
#define HOST_LINEAR_H
#include "ir/ir.h"

/* the sum of n guest slots (64 bits at `slot` of the guest state, shifted left) and a constant */
struct host_linear { unsigned n; int32_t slot[2]; uint8_t shift[2]; int64_t add; };

/* Instructions 0..back-1 of the block are done again and again, and nothing but PUTs changes the guest state. Is instruction j a vector load that
 * has to be aligned, and is so in every round or in none? Then *f, of the slots as they are before the first round, tells by its low four bits.
 * Without slots (n = 0) the answer is always aligned. */
bool host_loop_address(const struct ir_block *b, unsigned back, unsigned j, struct host_linear *f);
#endif
