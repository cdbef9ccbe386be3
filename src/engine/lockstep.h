/* SPDX-License-Identifier: GPL-2.0-or-later
 * lockstep.h: what the comparison of blocks and that of regions share: the log of what the interpreter wrote, and the comparing.
 */
#ifndef ENGINE_LOCKSTEP_H
#define ENGINE_LOCKSTEP_H
#include "engine/internal.h"

/* False: no memory for the log. Otherwise it is empty */
bool lockstep_begin(void);
/* Has the log room for another instruction's writes? */
bool lockstep_has_room(void);
void lockstep_before_write(void *state, uint64_t addr, unsigned size);
bool lockstep_comparable(const struct ir_block *b);
/* What stands at the addresses of the log now is kept as `new`, and what stood there before is put back. */
void lockstep_undo(void);
void lockstep_reset(void);                                   /* the second alone */
void lockstep_put_back(void);                                /* `new` again */
/* Flags (IR_F_*) of the operation's port that consumers may differ in */
unsigned lockstep_undefined_flags(const struct ir_block *b, const struct ir_insn *x);
uint64_t lockstep_flag_bits(unsigned mask);                  /* IR_F_* as bits of the state's flags */
/* The number of differences; each is printed, or none when quiet. flags: bits that matter. `new` of the log against what stands there */
unsigned lockstep_compare_state(const struct x86_state *want, const struct x86_state *got, uint64_t flags, bool quiet);
unsigned lockstep_compare_memory(const char *new_is, const char *now_is, bool quiet);
/* lockstep_region.c: as lockstep_run, for tier 2's */
bool lockstep_run_region(struct cpu *cpu, struct block *b, uint64_t *reason);
/* lockstep_region.c, the fault handler's: has a region in lock step come to a poll that it shall go on behind? */
bool lockstep_passes_poll(struct cpu *cpu, uint64_t host_pc, void *ucontext);
#endif
