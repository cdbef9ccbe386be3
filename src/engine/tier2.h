/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2.h: what the files of tier 2 share: a region on its way from guest code to a published block.
 */
#ifndef ENGINE_TIER2_H
#define ENGINE_TIER2_H
#include "engine/internal.h"
#include "llvm/llvm.h"

enum { REGION_BLOCKS = 160, REGION_IR = 7000, REGION_WANTED = 4 * REGION_BLOCKS };

/* how a block ends, as the graph needs it */
struct region_node {
    enum { NODE_JUMP, NODE_CALL, NODE_RETURN } end;      /* JUMP: indirect ones too */
    uint8_t n_next, n_callees;
    bool outside;                                        /* CALL: the callee is not in the region */
    uint64_t next[2 + LLVM_MAX_GUESSES], callee[LLVM_MAX_GUESSES], landing;
};

struct region {
    uint32_t generation;
    bool shared;                                         /* engine.memory_shared and exact as they were */
    uint8_t exact;
    struct ir_block *block[REGION_BLOCKS];
    struct region_node node[REGION_BLOCKS];
    struct llvm_block info[REGION_BLOCKS];
    bool in_loop[REGION_BLOCKS];                         /* not only in a callee */
    bool entered[REGION_BLOCKS];                         /* of a profile: control came from outside the region */
    uint32_t count[REGION_BLOCKS], *weight;              /* of a profile: entries of each block; of each edge [from * n_blocks + to], NULL: no profile */
    uint64_t wanted[REGION_WANTED];
    unsigned n_blocks, n_ir, n_wanted;
    unsigned n_entries;
    uint16_t entry[LLVM_MAX_ENTRIES];
    struct region_deps deps;
};

bool tier2_stress(void);
/* The part of the block, not optimized yet, that can be in a region which is exact that much: up to the INSN with this index, or b->n */
unsigned tier2_known(const struct ir_block *b, unsigned exact);
/* tier2_sample.c: what the cpus noted since the last call; they are asked for the next. Takes the engine's lock. */
struct tier2_sample { uint64_t pc; bool region; };
unsigned tier2_take_samples(struct tier2_sample *s, unsigned most);
/* tier2_region.c: the blocks around pc. False: nothing to gain there. */
bool tier2_collect(struct region *r, uint64_t pc);
void tier2_free_blocks(struct region *r);
/* What never ran leaves the region, the edges get weights. False: no loop is left. */
bool tier2_weigh(struct region *r);
/* tier2_profile.c: fills `count`, which takes milliseconds. False: it ran too seldom. */
bool tier2_profile(struct region *r);
bool tier2_profiling(void);                              /* is it at work? Lock held */
void tier2_weigh_edges(struct region *r, bool (*edge)(unsigned from, unsigned to), bool (*leaves)(const struct region *r, unsigned from));
/* tier2_module.c: LLVM. False: it can't be had, tier2_why_not tells why ("" before it was tried) */
bool tier2_have_module(void);
bool tier2_module_ready(void);
const char *tier2_why_not(void);
enum tier2_compiled { TIER2_COMPILED, TIER2_REFUSED, TIER2_LOST /* LLVM is beyond use: neither it nor what it holds may be touched */ };
enum tier2_compiled tier2_compile(struct llvm_region *l);
unsigned tier2_module_known(const struct llvm_region *l, const struct ir_block *b);
/* tier2_threads.c: a new thread; false: there is none to be had. It calls _begins, and with a lock that those who wait hold too, _ends */
bool tier2_start_thread(void *(*run)(void *));
void tier2_thread_begins(void);
void tier2_thread_ends(void);
void tier2_await_threads(void);                          /* until those that called _ends are gone for the kernel as well */
void tier2_threads_after_fork(void);
/* tier2_worth.c: regions that do not pay are dropped again. Lock held: where in cpu.region_exits the next region counts its exits, and it is there now;
 * `spent`: nanoseconds that each of the samples stands for, `now`: the program's time. */
unsigned tier2_worth_slot(void);
void tier2_worth_begin(const struct region *r);
void tier2_worth_look(const struct tier2_sample *s, unsigned n, uint64_t spent, uint64_t now);
void tier2_worth_forget(void);
/* tier2_publish.c: is it more than what is at its address? Takes the lock */
bool tier2_wanted(const struct region *r);
/* lock held. False: it is too late, or there is no room. */
bool tier2_publish(const struct region *r, const struct llvm_region *l);
#endif
