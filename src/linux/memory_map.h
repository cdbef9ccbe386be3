/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_map.h: the table of the guest's mappings: what the guest believes about its address space, in 4 KiB pages, whatever the
 * host does to bring it about. Plain data with no system calls; memory.c and its sisters (memory_table.h) hold the lock.
 */
#ifndef LINUX_MEMORY_MAP_H
#define LINUX_MEMORY_MAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_PAGE 4096ull
#define GUEST_PAGE_MASK (GUEST_PAGE - 1)
static inline uint64_t guest_page_up(uint64_t n) { return (n + GUEST_PAGE_MASK) & ~GUEST_PAGE_MASK; }
#define GUEST_TASK_SIZE 0x7ffffffff000ull      /* end of user space on x86-64 with four-level page tables */
#define GUEST_MMAP_MIN 0x10000ull              /* vm.mmap_min_addr, as most systems set it */
#define GUEST_STACK_GAP (256 * GUEST_PAGE)     /* what Linux keeps free below a mapping that grows downwards */

struct memory_file { unsigned refs; uint64_t dev, ino, size; char name[]; };
enum { MEMORY_SHARED = 1, MEMORY_ANONYMOUS = 2, MEMORY_STACK = 4 /* grows downwards */, MEMORY_HEAP = 8 };

/* M1: regions are sorted, don't overlap, are not empty and start and end at guest pages. */
struct memory_region {
    uint64_t start, end, offset;       /* offset: in the file, of start */
    struct memory_file *file;          /* or NULL; its name is also used for special regions ("[vdso]") */
    uint8_t prot, flags;
};
struct memory_map { struct memory_region *r; size_t n, room; };

struct memory_file *memory_file_new(const char *name, uint64_t dev, uint64_t ino, uint64_t size);
/* index of the first region that ends after addr; map->n if there is none */
size_t memory_map_find(const struct memory_map *m, uint64_t addr);
/* the region that contains addr, or NULL */
const struct memory_region *memory_map_at(const struct memory_map *m, uint64_t addr);
bool memory_map_is_free(const struct memory_map *m, uint64_t start, uint64_t end);
bool memory_map_is_covered(const struct memory_map *m, uint64_t start, uint64_t end);
/* Make sure that `extra` more regions fit, so that the calls below can't fail. 0 or -1. Each of them needs at most two. */
int memory_map_reserve(struct memory_map *m, size_t extra);
/* Forget what the table holds in the range, then enter the region (takes over the caller's reference to file). */
void memory_map_insert(struct memory_map *m, const struct memory_region *region);
void memory_map_remove(struct memory_map *m, uint64_t start, uint64_t end);
void memory_map_protect(struct memory_map *m, uint64_t start, uint64_t end, uint8_t prot);
/* Is the range free, and no part of the gap below a mapping that grows? So must be what is put there without MAP_FIXED. */
bool memory_map_has_room(const struct memory_map *m, uint64_t start, uint64_t end);
/* addr is mapped by nothing: where the mapping above it would begin if it grew to contain addr, which it may do by Linux's rules under this
 * RLIMIT_STACK; a multiple of unit if they allow that too. 0: it does not grow (so far). */
uint64_t memory_map_grown(const struct memory_map *m, uint64_t addr, uint64_t limit, uint64_t unit);
/* Do it; nothing is allocated. */
void memory_map_grow(struct memory_map *m, uint64_t start);
/* Highest free range of `size` bytes within [low, high), or the lowest when bottom_up, gaps left out; 0 if there is none. */
uint64_t memory_map_hole(const struct memory_map *m, uint64_t low, uint64_t high, uint64_t size, bool bottom_up);

/* ---- the pages that are write-protected on the host because code was translated from them: a hash set of page addresses ---- */
struct watch_set { uint64_t *slot; size_t n, mask; };
bool watch_set_has(const struct watch_set *s, uint64_t page);
int watch_set_add(struct watch_set *s, uint64_t page);       /* 0, or -1 out of memory */
bool watch_set_remove(struct watch_set *s, uint64_t page);   /* was it there? */
/* A page of the set within [start, end); false if there is none. Its cost is the smaller of range and set. */
bool watch_set_any(const struct watch_set *s, uint64_t start, uint64_t end, uint64_t *page);
#endif
