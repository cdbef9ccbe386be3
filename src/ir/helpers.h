/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers.h: C functions that IR calls (CALL). The table belongs to the guest (guest/helpers.def fills it); the IR and the hosts see only
 * this. A helper gets the address of the guest state and up to four integer arguments (zero-extended), and returns an integer. The state in
 * memory is complete and exact during the call: pc = the calling instruction. A helper that faults half-way must
 * have the state right at each access.
 *
 * A quick form does the usual case of what `fn` does, or returns IR_NOT_QUICK with nothing changed; then fn is called. It leaves the host's vector
 * and floating point registers alone, never faults (it stores to guest memory by guarded.h alone), and of the state reads and writes only what no
 * host keeps in registers, and pc; so the caller need not bring the rest up to date. */
#ifndef IR_HELPERS_H
#define IR_HELPERS_H
#include <stdint.h>
typedef uint64_t ir_helper_fn(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
enum { IR_H_READS_FLAGS = 1, IR_H_WRITES_FLAGS = 2, /* all flags of the state */
       IR_H_PURE = 4,    /* reads and writes no state or memory, can't fault */
       IR_H_MOVS = 16, IR_H_STOS = 32,    /* x86's REP MOVS and REP STOS on the state; arguments: bytes of an element (others: leave it to the helper), 0 */
       IR_H_FPCR = 8 };  /* reads or writes the state's fp control word; without it a host may leave the live value in its register */
struct ir_helper { const char *name; ir_helper_fn *fn; unsigned n_args, effects; ir_helper_fn *quick /* or NULL */; };
#define IR_NOT_QUICK UINT64_MAX
/* Called by an fn that has a quick form which stores: leaves the instruction, to be run alone, if what it hit was code. Provided by the engine. */
void ir_after_not_quick(void *state);
extern const struct ir_helper ir_helpers[];
extern const unsigned ir_n_helpers;
#endif
