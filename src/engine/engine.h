/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine.h: runs guest code. The user of the engine (linux/, machine/, the tests) calls engine_run in a loop and acts on what it returns.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "engine/cpu.h"
#include "ir/ir.h"

struct engine_config {
    int tier;                            /* 0 interpreter, 1 tier 1, 2 tier 1 and tier 2 */
    unsigned tier2_threshold;            /* entries of a loop until it goes to tier 2; 0 = default. Stress: below 10 the program waits for
                                          * each region; 1: every block goes there, in small regions */
    unsigned tier2_workers;              /* threads that compile; 0: one */
    size_t cache_size;                   /* bytes of code cache reserved; 0 = default */
    uint32_t log;                        /* LOG_* (log.h) */
    unsigned max_insns, max_conditional; /* per block; 0 = default */
    bool lockstep;                       /* run each block in tier 1 and the interpreter, stop at a difference */
    uint64_t only_first, only_last;      /* --only: blocks with these numbers go to tier 1, others are interpreted; 0,0 = all */
    bool tiny_cache, exact_flags, self_check;   /* stress */
    bool exact_addresses;                /* host_env.exact_addresses */
    bool eager;                          /* translate each block before its first run, which the interpreter does otherwise */
    bool perf_map;
    bool stats;                          /* measure translating time */
    /* what may be fetched as code, and how a page should be watched: provided by the memory map's owner. Both are called under the
     * engine's lock: they must not call the engine, nor take a lock that is held while the engine is called */
    size_t (*fetchable)(uint64_t pc, size_t want);
    /* called before code in [page, page+4096) is translated. Returns true if the page's text counts as unchanged until
     * engine_invalidate is called for it (file text); false after the owner has write-protected it. */
    bool (*watch)(uint64_t page);
    /* the name of the guest's code at pc, for perf_map, or NULL. Under the engine's lock as well */
    const char *(*symbol)(uint64_t pc, char *text, size_t size);
};
/* What the command line asked for. engine_init takes it where cfg leaves a field 0 (the callbacks come from cfg alone). */
extern struct engine_config engine_options;
int engine_init(const struct engine_config *cfg);          /* 0 or -1 with errno */

struct cpu *cpu_create(void);                              /* NULL when out of memory; state zeroed and x86_state_init'ed */
void cpu_destroy(struct cpu *cpu);
struct cpu *cpu_current(void);                             /* of this host thread, or NULL */
void cpu_set_current(struct cpu *cpu);

enum engine_event {
    ENGINE_SYSCALL,      /* SYSCALL executed; state.pc is after it, rcx and r11 are set as the SDM says */
    ENGINE_SYSCALL32,    /* INT 0x80; pc after it */
    ENGINE_BREAKPOINT,   /* INT3 / INT1: pc after it */
    ENGINE_ILLEGAL,      /* #UD: pc at the instruction */
    ENGINE_PRIVILEGED,   /* #GP: privileged or otherwise refused instruction; pc at it */
    ENGINE_OVERFLOW,     /* INTO (i386) */
    ENGINE_FAULT,        /* a host signal at pc: fault_signal, fault_info (si_addr and si_code as the guest would see them) */
    ENGINE_INTERRUPT,    /* cpu_interrupt was called; state exact at pc */
    ENGINE_SINGLE_STEP
};
/* Run until something happens. State is complete and exact on return. */
enum engine_event engine_run(struct cpu *cpu);
/* Make cpu leave engine_run soon (it returns ENGINE_INTERRUPT). Async-signal-safe; from any thread. Also when it is not running: the next run returns at once. */
void cpu_interrupt(struct cpu *cpu);

/* Called from the owner's SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP handler, first. */
enum engine_fault {
    ENGINE_FAULT_OTHER,          /* not in guest code: wherry's own bug, or a signal sent from outside */
    ENGINE_FAULT_GUEST,          /* state synced, context redirected: engine_run will return ENGINE_FAULT (or ENGINE_INTERRUPT for a poll) */
    ENGINE_FAULT_RECOVERED,      /* a guarded access by C code failed; context redirected */
};
enum engine_fault engine_host_fault(int sig, siginfo_t *info, void *ucontext);
/* Is this host fault a write by guest (or C) code to a page that the owner watches? The owner calls this after it has lifted the protection
 * and invalidated: the faulting guest instruction is completed (interpreted once if its block died) and goes on. Returns after redirecting the context if needed. */
void engine_written_code(siginfo_t *info, void *ucontext);
/* If the signal arrived in translated code or in a helper: the guest pc there (exact or of the block), else state.pc. For -d and crash messages. */
uint64_t engine_guest_pc(const void *ucontext);

/* There will be views: to be called before any code runs. Code is made so that the interpreter can go on in its middle; no tier 2. 0 or -1. */
int engine_expect_views(void);
/* A guest page that is accessed elsewhere than at its own address (host pages larger than the guest's): the distance to that address for
 * reading and for writing, 0 where its own address is right. Called by one thread at a time. 0, or -1 when out of memory. */
int engine_set_view(uint64_t page, uint64_t read, uint64_t write);
/* Many pages have lost their views: instructions that met them are made plain again. Costs milliseconds. */
void engine_forget_views(void);
size_t engine_views(void);                                 /* pages that have one now */
/* Wait until no other thread uses a view that it looked up before this call. Not inside engine_run. */
void engine_settle_views(void);
/* The owner's fault handler: an access by translated code to a page whose rights the host does not keep exactly. The instruction is to be run
 * by the interpreter, through the views, and its block made anew when that happens again. False: the fault is not in translated code. */
bool engine_view_fault(void *ucontext, bool by_code);

/* Guarded access by C code to guest memory: 0, or -1 if it would fault (nothing or a part copied). */
int engine_copy_from(void *to, uint64_t guest, size_t size);
int engine_copy_to(uint64_t guest, const void *from, size_t size);
long engine_strnlen(uint64_t guest, size_t max);           /* length without the NUL, max if none, -1 on a fault */

/* Guest bytes in the range have changed or gone: all translations of them are dropped, in all threads, before this returns
 * control to guest code that could run them. Callable from any guest thread outside engine_run, and from fault handlers. */
void engine_invalidate(uint64_t addr, uint64_t size);
/* The guest has (or had) a handler for `sig`. If its own faults raise that, tier 2's code has to be left with the state exact where they
 * do; regions that can't are dropped. */
void engine_guest_handles(int sig);
/* From now on other threads or processes may see guest memory as it changes: code keeps x86's order of loads and stores. What was
 * translated without is dropped, before this returns. Nothing to do on hosts whose own order is as strong. Not inside engine_run. */
void engine_order_memory(void);
bool engine_has_code(uint64_t addr, uint64_t size);        /* any translation made from this range? */

/* The five that a fault raises, bit 0 for signal 1; wherry's handlers must be reached at any moment. */
#define ENGINE_FAULT_SIGNALS (1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) | 1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1))
/* Block all signals but these, for the calling thread; the mask before. */
uint64_t engine_block_signals(void);
/* A detached host thread with a stack of this size, which runs run(arg) with all signals blocked but those five; 0 or the host's error number. */
int engine_start_thread(size_t stack, void *(*run)(void *), void *arg);
/* Between these two the process has no threads but the owner's: for what a kernel refuses to a process with several, or keeps for each
 * thread. Pairs may nest. Not inside engine_run; may wait for a tenth of a second. */
void engine_hold_threads(void);
void engine_release_threads(void);
unsigned engine_own_threads(void);                         /* that there are now beside the owner's */

/* Around a fork by raw system call: prepare (takes the engine's lock so that the child gets consistent tables), then parent or
 * child. After fork(3) nothing is needed: pthread_atfork handlers do it; calling engine_fork_child again is harmless. */
void engine_fork_prepare(void);
void engine_fork_parent(void);
void engine_fork_child(void);                              /* in the child of a fork: own code cache, own threads list */
void engine_stats(FILE *f);                                /* --stats */
void engine_count(unsigned counter, uint64_t n);           /* engine/stats.def */

/* Fixed addresses of the user-mode layout, so that code reaches data by 32-bit displacements and runs are alike. */
#ifdef __SANITIZE_THREAD__                      /* allows a few ranges only: the same, lower down */
#define LAYOUT_BASE         0x4000000000ull
#define LAYOUT_STACK_TOP    0x5000000000ull
#else
#define LAYOUT_BASE         0x700000000000ull
#define LAYOUT_STACK_TOP    0x710000000000ull                 /* main thread's stack grows down from here */
#endif
#define LAYOUT_CODE_CACHE   LAYOUT_BASE                       /* translated code, executable view; reserved 512 MiB */
#define LAYOUT_MMAP_TOP     (LAYOUT_BASE - 0x1000000)         /* guest mmap area grows down from here */
#define LAYOUT_PIE          (LAYOUT_BASE + 0x20000000)        /* guest PIE executables; brk heap follows */
#endif
