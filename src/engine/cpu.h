/* SPDX-License-Identifier: GPL-2.0-or-later
 * cpu.h: one guest thread's processor: the guest state and what the engine and translated code keep beside it.
 * Allocated by cpu_create as whole host pages; the poll page follows it.
 */
#ifndef ENGINE_CPU_H
#define ENGINE_CPU_H
#include <signal.h>
#include "guest/state.h"

#define CPU_JUMP_CACHE_BITS 12
struct cpu_jump { uint64_t guest_pc, host_code; };

enum { CPU_COUNTERS = 48, CPU_REGIONS = 128 };
struct cpu {
    struct x86_state state;              /* first: IR offsets count from here */
    struct cpu *self;
    uint64_t host_sp, ret_sp, ret_base;
    uint64_t exit_info, exit_target;
    uint32_t host_fpcr;
    uint8_t spill[1024] __attribute__((aligned(64)));
    /* the engine's own */
    void *ret_stack; size_t ret_stack_size;
    int interrupt;                       /* atomic: set by cpu_interrupt: leave translated code at the next poll */
    int running;                         /* atomic: inside engine_run */
    uint64_t fault_address; int fault_signal; siginfo_t fault_info;   /* of the last ENGINE_FAULT */
    void *recover;                       /* struct engine_recover of a guarded access by C code, or NULL */
    void *os;                            /* struct linux_thread */
    void *engine_private;
    uint64_t stats[CPU_COUNTERS];        /* engine/stats.def */
    uint64_t region_exits[CPU_REGIONS];  /* tier2_worth.c */
    int32_t heat[1024];                  /* tier 2's counters (HOST_HEAT_SLOTS) */
    struct cpu_jump jump_cache[1 << CPU_JUMP_CACHE_BITS] __attribute__((aligned(64)));
};
#endif
