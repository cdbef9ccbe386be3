/* SPDX-License-Identifier: GPL-2.0-or-later
 * view.c: guest pages that are not accessed at their own address. Where the host's pages are larger than the guest's, a host page may hold
 * guest pages with different rights: it gets what all of them allow, and the guest page that may do more has a second address.
 *
 * A table by guest page number tells the distance to that address, one for reading and one for writing; 0: at its own address, where it
 * may fault. Two levels: a directory and leaves of 16 GiB each, of which only what is used takes memory. The table is exact (not a cache), so
 * that translated code may rely on it (checked.c). Entries are written under the owner's lock and read without.
 */
#include <sys/mman.h>
#include "engine/internal.h"

static uint64_t *directory[VIEW_LEAVES];
static uint64_t *nothing;                     /* the leaf of areas without views */
static size_t n_views;
static uint64_t n_changes;

static uint64_t *new_leaf(int prot)
{
    void *p = mmap(NULL, 2 * VIEW_LEAF_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, 2 * VIEW_LEAF_SIZE, MADV_NOHUGEPAGE);
    return p;
}

static uint64_t *entry(uint64_t addr, bool write)
{
    return directory[addr >> VIEW_LEAF_SHIFT & (VIEW_LEAVES - 1)] + (addr >> PAGE_BITS & (VIEW_LEAF_PAGES - 1)) + (write ? VIEW_LEAF_PAGES : 0);
}

static uint64_t distance(uint64_t addr, bool write)
{
    return __atomic_load_n(entry(addr, write), __ATOMIC_RELAXED);
}

static uint64_t look(uint64_t addr, unsigned size, bool write)
{
    uint64_t first = distance(addr, write), end = addr + size - 1;
    if (!((addr ^ end) >> PAGE_BITS) || distance(end, write) == first)
        return addr + first;
    return IR_MEM_SPLIT;
}

const void *view_directory(void) { return ir_mem_view ? directory : NULL; }

size_t engine_views(void) { return n_views; }

uint64_t view_changes(void) { return __atomic_load_n(&n_changes, __ATOMIC_SEQ_CST); }

int engine_expect_views(void)
{
    if (nothing)
        return 0;
    nothing = new_leaf(PROT_READ);
    if (!nothing)
        return -1;
    for (unsigned i = 0; i < VIEW_LEAVES; i++)
        directory[i] = nothing;
    engine.env.exact_flags = true;             /* as ir_opt is told: IR_RESTARTABLE */
    tier2_off();                               /* its code does not look addresses up */
    __atomic_store_n(&ir_mem_view, look, __ATOMIC_SEQ_CST);
    return 0;
}

int engine_set_view(uint64_t page, uint64_t read, uint64_t write)
{
    if (!nothing)
        return read || write ? -1 : 0;
    uint64_t **leaf = &directory[page >> VIEW_LEAF_SHIFT & (VIEW_LEAVES - 1)];
    if (*leaf == nothing) {
        uint64_t *fresh = read || write ? new_leaf(PROT_READ | PROT_WRITE) : nothing;
        if (!fresh)
            return -1;
        __atomic_store_n(leaf, fresh, __ATOMIC_RELEASE);
        if (fresh == nothing)
            return 0;
    }
    n_views += (read || write) - (distance(page, false) || distance(page, true));
    __atomic_store_n(entry(page, false), read, __ATOMIC_SEQ_CST);
    __atomic_store_n(entry(page, true), write, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&n_changes, 1, __ATOMIC_SEQ_CST);
    return 0;
}
