/* SPDX-License-Identifier: GPL-2.0-or-later
 * invalidate.c: guest bytes changed or went away: drop what was made from them.
 *
 * Other threads are not stopped. A block that dies is taken out of the hash first, then the epoch is counted, then every way
 * into it is cut: links, inline caches, the cpus' jump caches. A cpu that fills its jump cache at the same time reads
 * the epoch before its lookup and again after the store, and takes the entry back if the epoch moved. What remains
 * is a thread already inside the block, which x86 allows to finish it.
 */
#include "engine/internal.h"

#define BATCH 1024
static struct { unsigned n; uint32_t block[BATCH]; } killed;    /* under the lock */

/* Out of the hash only; ways in are cut by cut_off. */
static void mark_dead(struct block *b)
{
    block_remove(b);
    __atomic_or_fetch(&b->flags, BLOCK_DEAD, __ATOMIC_SEQ_CST);
    killed.block[killed.n++] = block_number(b);
}

static void cut_off(struct block *b)
{
    if (block_has_code(b))
        unlink_incoming(b);
    if (block_flags(b) & BLOCK_REGION)
        tier2_cut_off(b);
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        cpu_forget_jump(p->cpu, b->pc);
    count(STAT_INVALIDATED, 1);
    if (log_on(LOG_SMC))
        log_printf("smc: block 0x%llx (%u bytes) dropped\n", (unsigned long long)b->pc, b->guest_size);
}

/* Kill the page's blocks that read bytes lo..hi of it; stops when the batch is full. */
static void kill_in_page(struct page_entry *e, unsigned lo, unsigned hi)
{
    uint32_t *link = &e->head;
    if (e->ready)
        first_forget();
    e->ready = 0;
    e->version++;
    while (*link && killed.n < BATCH) {
        struct page_node *n = (struct page_node *)engine.page_nodes.base + *link;
        struct block *b = block_at(n->block);
        bool hit = n->lo <= hi && n->hi >= lo, dead = block_flags(b) & BLOCK_DEAD;
        if (hit && !dead)
            mark_dead(b);
        if (hit || dead)
            *link = n->next;
        else
            link = &n->next;
    }
}

static void kill_in_range(struct page_entry *e, uint64_t addr, uint64_t last)
{
    unsigned lo = e->page == addr >> PAGE_BITS ? addr & (PAGE_SIZE - 1) : 0;
    unsigned hi = e->page == last >> PAGE_BITS ? last & (PAGE_SIZE - 1) : PAGE_SIZE - 1;
    kill_in_page(e, lo, hi);
}

/* Whichever is shorter: the range's pages or the pages that have an entry. */
static void kill_range(uint64_t addr, uint64_t last)
{
    uint64_t first_page = addr >> PAGE_BITS, last_page = last >> PAGE_BITS;
    if (last_page - first_page < engine.pages.n) {
        for (uint64_t page = first_page; page <= last_page; page++) {
            struct page_entry *e = page_find(page, false);
            if (e)
                kill_in_range(e, addr, last);
        }
        return;
    }
    for (uint32_t i = 0; i < 1u << engine.pages.bits; i++) {
        struct page_entry *e = &engine.pages.entry[i];
        if (e->used && e->page >= first_page && e->page <= last_page)
            kill_in_range(e, addr, last);
    }
}

void engine_invalidate(uint64_t addr, uint64_t size)
{
    if (!engine.ready || !size)
        return;
    uint64_t last = addr + size - 1 < addr ? UINT64_MAX : addr + size - 1;
    engine_lock();
    __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
    do {
        killed.n = 0;
        kill_range(addr, last);
        __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < killed.n; i++)
            cut_off(block_at(killed.block[i]));
    } while (killed.n == BATCH);
    count(STAT_INVALIDATE, 1);
    engine_unlock();
}

void drop_block(struct block *b)
{
    killed.n = 0;
    __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
    mark_dead(b);
    __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
    cut_off(b);
}

void drop_regions(void)
{
    uint32_t n = 2;
    do {
        killed.n = 0;
        __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
        for (; n < engine.n_blocks && killed.n < BATCH; n++)
            if ((block_flags(block_at(n)) & (BLOCK_REGION | BLOCK_DEAD)) == BLOCK_REGION)
                mark_dead(block_at(n));
        __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < killed.n; i++)
            cut_off(block_at(killed.block[i]));
    } while (killed.n == BATCH);
}

bool engine_has_code(uint64_t addr, uint64_t size)
{
    bool found = false;
    if (!engine.ready || !size)
        return false;
    uint64_t first = addr >> PAGE_BITS, last = (addr + size - 1) >> PAGE_BITS;
    engine_lock();
    if (last - first < engine.pages.n) {
        for (uint64_t page = first; page <= last && !found; page++) {
            struct page_entry *e = page_find(page, false);
            found = e && (e->head || e->ready);
        }
    } else {
        for (uint32_t i = 0; i < 1u << engine.pages.bits && !found; i++) {
            struct page_entry *e = &engine.pages.entry[i];
            found = e->used && (e->head || e->ready) && e->page >= first && e->page <= last;
        }
    }
    engine_unlock();
    return found;
}
