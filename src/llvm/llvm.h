/* SPDX-License-Identifier: GPL-2.0-or-later
 * llvm.h: tier 2's compiler: a region of IR blocks to host code. It is a module of its own (wherry_llvm.so) that the engine loads when the
 * first region is due, so that programs which never get hot do not pay for LLVM, and a build without LLVM works.
 *
 * The code of a region is position-independent: text, then its constants. It starts and ends with the host's mapped registers (host.h, H1);
 * `exits` are places of 32-bit displacements that the engine points to code of tier 1.
 */
#ifndef LLVM_LLVM_H
#define LLVM_LLVM_H
#include "host/host.h"
#include "ir/ir.h"

enum { LLVM_MAX_EXITS = 128 };
enum llvm_exit_kind { LLVM_EXIT_GO /* to the guest address */, LLVM_EXIT_LEAVE /* to the engine, which goes on there */ };
struct llvm_exit { uint64_t target; uint8_t kind; uint32_t n_places, places[16]; };

struct llvm_region {
    /* in */
    const struct ir_block *const *blocks; unsigned n_blocks;     /* optimized; the first is the entry; at most one conditional exit each */
    const struct guest_slot *slots; unsigned n_slots;
    const struct host_pin *pins; unsigned n_pins;
    const struct host_offsets *offsets;
    uint32_t poked;                                              /* offset of a u32: not 0 when the thread has to leave at its next back-edge */
    bool loops_only;                                             /* refuse what does not come back to its entry */
    const char *features;                                        /* of the processor, as LLVM names them */
    FILE *log;                                                   /* print LLVM's IR there, or NULL */
    /* out */
    uint8_t *code; size_t size;                                  /* malloc'ed */
    unsigned n_exits; struct llvm_exit exits[LLVM_MAX_EXITS];
    unsigned n_guest_insns;
    char why[128];
};
/* 0, or -1 and `why`. One call at a time. */
typedef int llvm_compile_fn(struct llvm_region *r);
llvm_compile_fn wherry_llvm_compile;
#endif
