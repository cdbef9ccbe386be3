/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers.h: C functions that IR calls (CALL). The table belongs to the guest (guest/helpers.def fills it); the IR and the hosts see only
 * this. A helper gets the address of the guest state and up to four integer arguments (zero-extended), and returns an integer. The state in
 * memory is complete and exact during the call: pc = the calling instruction. A helper that faults half-way must
 * have the state right at each access. */
#ifndef IR_HELPERS_H
#define IR_HELPERS_H
#include <stdint.h>
typedef uint64_t ir_helper_fn(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
enum { IR_H_READS_FLAGS = 1, IR_H_WRITES_FLAGS = 2, /* all flags of the state */
       IR_H_PURE = 4,    /* reads and writes no state or memory, can't fault */
       IR_H_MOVS = 16, IR_H_STOS = 32,    /* x86's REP MOVS and REP STOS on the state; arguments: bytes of an element (others: leave it to the helper), 0 */
       IR_H_FPCR = 8 };  /* reads or writes the state's fp control word; without it a host may leave the live value in its register */
struct ir_helper { const char *name; ir_helper_fn *fn; unsigned n_args, effects; };
extern const struct ir_helper ir_helpers[];
extern const unsigned ir_n_helpers;
#endif
