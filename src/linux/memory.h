/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory.h: what the rest of the room may ask of memory.c and its sisters (memory_table.h) beyond linux.h.
 */
#ifndef LINUX_MEMORY_H
#define LINUX_MEMORY_H
#include "linux/linux.h"
#include "linux/memory_map.h"
#include "linux/memory_host.h"

/* Other threads change these: by the functions only. */
extern int linux_named_fd;                     /* memory.c knows this descriptor's name; -1: none */
extern size_t linux_n_watched;                 /* write-protected pages of the process */
/* false: linux_will_write need not be called */
static inline bool linux_any_watched(void) { return __atomic_load_n(&linux_n_watched, __ATOMIC_RELAXED) != 0; }
/* the call under way may give the descriptor another meaning */
static inline void linux_forget_named_fd(void)
{
    if (__atomic_load_n(&linux_named_fd, __ATOMIC_RELAXED) >= 0)
        __atomic_store_n(&linux_named_fd, -1, __ATOMIC_RELAXED);
}

/* ---- mappings that grow downwards ---- */
extern uint64_t linux_stack_low;               /* where the first thread's stack begins by now; others: there is, or was, a MAP_GROWSDOWN mapping */
extern bool linux_stack_others;
#define LINUX_STACK_WINDOW (64ull << 30)
/* The kernel itself is about to access memory at addr: let a mapping grow to it, if it may. */
void linux_stack_reach(uint64_t addr);
/* May a call that accesses addr have to do that? */
static inline bool linux_stack_may_grow(uint64_t addr)
{
    uint64_t low = __atomic_load_n(&linux_stack_low, __ATOMIC_RELAXED);
    return addr - (low - LINUX_STACK_WINDOW) < LINUX_STACK_WINDOW || __atomic_load_n(&linux_stack_others, __ATOMIC_RELAXED);
}
uint64_t linux_stack_limit(void);              /* bytes; UINT64_MAX: none */

/* Like linux_mmap, with a name for /proc/self/maps ("[stack]", "[vdso]") and MEMORY_* flags. */
uint64_t linux_mmap_named(uint64_t addr, uint64_t len, int prot, int flags, const char *name, unsigned region_flags);
/* Has the page memory already? -1: the host's own page tables tell */
int linux_page_present(uint64_t addr);
/* Before the kernel is given the page: a file may have grown over it since it was mapped (no fault tells, as one does where code accesses it). */
void linux_page_refresh(uint64_t addr);
/* Is every page of the range mapped for the guest? */
bool linux_range_mapped(uint64_t addr, uint64_t len);
/* Enter and remove a System V segment that the kernel has attached. linux_shm_place: a free address for it. */
uint64_t linux_shm_place(uint64_t size);
void linux_shm_attached(uint64_t addr, uint64_t size, int prot, int id);
uint64_t linux_shm_size(uint64_t addr);        /* of the segment attached at addr, 0 if none is */
void linux_shm_detached(uint64_t addr, uint64_t size);
void linux_memory_slack(uint64_t addr, uint64_t size);       /* memory_host_slack, for an image */
void linux_set_brk(uint64_t brk);              /* before the program starts */
#endif
