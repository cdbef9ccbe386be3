/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_table.h: between the files that keep the guest's address space: memory.c, memory_place.c, memory_watch.c, memory_fault.c, memory_stack.c,
 * memory_remap.c and memory_heap.c.
 *
 * M2: the guest never changes a mapping of wherry's: a range that the table calls free is taken with "no replace" only.
 * M3: the lock is a leaf: it is held over host mapping calls and the table, never while guest memory is touched or the engine called.
 *     So the fault handler can take it, and the engine may call linux_fetchable and linux_watch under its own lock.
 */
#ifndef LINUX_MEMORY_TABLE_H
#define LINUX_MEMORY_TABLE_H
#include <pthread.h>
#include "linux/memory.h"

extern struct memory_map memory_table;         /* under the lock */
extern pthread_mutex_t memory_lock;
static inline void memory_enter(void) { pthread_mutex_lock(&memory_lock); }
static inline void memory_leave(void) { pthread_mutex_unlock(&memory_lock); }

/* --- memory_watch.c --- */
/* Drop translations of a range, after the lock is given back. */
void memory_changed(uint64_t start, uint64_t end);
/* Forget watched pages in the range; lift: give them back the right to write (not when the mapping goes away or is protected anew). The lock is held. */
bool memory_unwatch(uint64_t start, uint64_t end, bool lift);
/* Drop the code of a page that is about to be written, and of its aliases. The lock is not held. */
void memory_drop_written(uint64_t page);
/* A new writable mapping of a file whose code was translated through another, shared mapping: that code can change from now on unseen. */
void memory_drop_aliased_code(const struct memory_region *of);
/* Shared code pages in the range become writable or lose their alias watch: nothing precise is worth it, drop the files' code. */
void memory_drop_shared_code(uint64_t start, uint64_t end);

/* --- memory_fault.c --- */
/* A fault in a page that the guest may write and we don't watch: another thread was quicker, the access only has to be repeated.
 * Limited, lest a fault of another cause repeats for ever. */
bool memory_lost_race(uint64_t page);

/* --- memory_stack.c --- */
/* The range is no longer what it was: when the stack's lower end goes, linux_stack_low does not tell any more. The lock is held. */
void memory_cut(uint64_t start, uint64_t end);

/* --- memory_place.c; the lock is held --- */
/* Place a mapping at a range that is wholly or partly free in the table (M2). */
int memory_place_fixed(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset);
/* Place a mapping where the guest hints, or at a place of our choice. */
int memory_place_anywhere(uint64_t *where, uint64_t hint, uint64_t len, int prot, int flags, int fd, uint64_t offset);

/* --- memory_heap.c: a lock of its own, taken before the other one, never after it --- */
void memory_heap_lock(void);
void memory_heap_unlock(void);
#endif
