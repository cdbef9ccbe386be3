/* SPDX-License-Identifier: GPL-2.0-or-later
 * llvm.h: tier 2's compiler: a region of IR blocks to host code. It is a module of its own (wherry_llvm.so) that the engine loads when the
 * first region is due, so that programs which never get hot do not pay for LLVM, and a build without LLVM works.
 *
 * The code of a region is position-independent: its entries, text, then its constants. It starts and ends with the host's mapped registers
 * (host.h, H1); `exits` are places of jumps (or of their displacements, as the host has it) that the engine points to code of tier 1.
 */
#ifndef LLVM_LLVM_H
#define LLVM_LLVM_H
#include "host/host.h"
#include "ir/helpers.h"
#include "ir/ir.h"

enum { LLVM_MAX_EXITS = 100, LLVM_MAX_ENTRIES = 12, LLVM_MAX_GUESSES = 4, LLVM_MAX_BLOCKS = 256, LLVM_MAX_POLLS = 4096, LLVM_MAX_ADDRESSES = 256 };
enum { LLVM_EXACT_MEMORY = 1, LLVM_EXACT_ARITHMETIC = 2 };
enum llvm_exit_kind {
    LLVM_EXIT_GO,            /* to the guest address `target`. The order is that of STAT_EXIT_* (stats.def) */
    LLVM_EXIT_LEAVE,         /* to the engine, which goes on there */
    LLVM_EXIT_FAULT,         /* to the engine, which runs the instruction at the state's exit_target alone */
    LLVM_EXIT_CALL,          /* as a call that returns to `back` */
    /* these find their target in the state's exit_target: */
    LLVM_EXIT_INDIRECT, LLVM_EXIT_CALL_INDIRECT /* returns to `back` */, LLVM_EXIT_RETURN
};
struct llvm_exit { uint64_t target, back; uint8_t kind; uint32_t n_places, places[16]; };

struct llvm_block {
    const struct ir_block *ir;                                   /* optimized; at most one conditional exit */
    bool outside;                                                /* the call at its end leaves the region even if the callee is in it */
    bool one_look;                                               /* for hosts that look behind floating point: if it goes round by itself, one at the end is enough */
    uint8_t n_guesses; uint64_t guess[LLVM_MAX_GUESSES];         /* of an indirect jump or return: blocks of the region to try first */
};

struct llvm_region {
    /* in */
    const struct llvm_block *blocks; unsigned n_blocks;
    unsigned n_entries; uint16_t entry[LLVM_MAX_ENTRIES];        /* numbers of blocks; the first is the hot one */
    const struct guest_slot *slots; unsigned n_slots;
    const struct host_pin *pins; unsigned n_pins;
    const struct host_offsets *offsets;
    const struct ir_helper *helpers;                             /* the calls of those with a quick form are known; NULL: of none */
    const uint32_t *weight, *count;                              /* how often each way from block to block is taken [from * n_blocks + to], and each block; NULL: not known */
    bool loops_only;                                             /* refuse what does not come back to its first entry */
    bool shared;                                                 /* others may see guest memory as it changes */
    unsigned exact;                                              /* LLVM_EXACT_*: the state is exact where such a fault happens */
    const char *features;                                        /* of the processor, as LLVM names them */
    FILE *log;                                                   /* print LLVM's IR there, or NULL */
    /* out */
    uint8_t *code; size_t size;                                  /* malloc'ed */
    uint32_t entry_at[LLVM_MAX_ENTRIES];                         /* ascending */
    unsigned n_exits; struct llvm_exit exits[LLVM_MAX_EXITS];
    unsigned n_polls; struct llvm_poll { uint32_t at, to; } polls[LLVM_MAX_POLLS];    /* ascending: an access of the poll page, or one that may fault; where to go on then */
    unsigned n_addresses; struct llvm_address { uint32_t at, to, kind; } addresses[LLVM_MAX_ADDRESSES];    /* the instruction at `at` wants a part of the address of `to` (host.h, region_address) */
    unsigned n_guest_insns;
    char why[128];
};
/* 0, or -1 and `why`. From any thread, each with its own machine. */
typedef int llvm_compile_fn(struct llvm_region *r);
llvm_compile_fn wherry_llvm_compile;
/* The same, but what would make LLVM end the process sets *lost, with the reason in `why`: nothing here may be called again, by any thread */
typedef int llvm_guarded_fn(struct llvm_region *r, bool *lost);
llvm_guarded_fn wherry_llvm_guarded;
/* The index of the INSN of the first guest instruction in a block, not optimized yet, that the compiler has no words for; b->n: it knows them all.
 * Of r its `in` part without blocks. */
typedef unsigned llvm_known_fn(const struct llvm_region *r, const struct ir_block *b);
llvm_known_fn wherry_llvm_known;
#endif
