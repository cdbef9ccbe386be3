/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_profile.c: how often does each block of a region run, and which way does it go on? For some milliseconds its blocks are made again by tier 1, as
 * basic blocks with a counter each (host.h, H6); then they are dropped once more. LLVM lays the region out by what comes of it, and puts what it
 * can't keep in registers where that costs least. Blocks that never ran in that time are left out: they are reached by an exit.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine/tier2.h"

#define START (1 << 30)                       /* of a counter that must not run out */
#define AFTERWARDS 1000                       /* of other blocks' that share it */
#define ENOUGH 100000                         /* entries of blocks */
enum { TRIES = 10, NS_PER_TRY = 1000000 };

static const struct region *volatile counted; /* engine.lock */

bool tier2_profiled(uint64_t pc)
{
    const struct region *r = counted;
    for (unsigned k = 0; r && k < r->n_blocks; k++)
        if (r->block[k]->guest_pc == pc)
            return true;
    return false;
}

bool tier2_profiling(void) { return counted; }

/* Tier 1's blocks over those of the region are made again when they are next run. Lock held. */
static void remake_blocks(const struct region *r)
{
    uint64_t lo = UINT64_MAX, hi = 0;
    for (unsigned k = 0; k < r->n_blocks; k++) {
        lo = r->block[k]->guest_pc < lo ? r->block[k]->guest_pc : lo;
        hi = r->block[k]->guest_end > hi ? r->block[k]->guest_end : hi;
    }
    for (uint32_t n = 2; n < engine.n_blocks; n++) {
        struct block *b = block_at(n);
        bool over = false;
        if (block_flags(b) & (BLOCK_DEAD | BLOCK_REGION) || b->pc + b->guest_size <= lo || b->pc >= hi)
            continue;
        for (unsigned k = 0; k < r->n_blocks && !over; k++)
            over = r->block[k]->guest_pc < b->pc + b->guest_size && b->pc < r->block[k]->guest_end;
        if (over)
            drop_block(b);
    }
}

static int32_t *counter(struct engine_cpu *p, uint64_t pc) { return &p->cpu->heat[host_heat_index(pc)]; }

static void set_counters(const struct region *r, int32_t to)
{
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        for (unsigned k = 0; k < r->n_blocks; k++)
            __atomic_store_n(counter(p, r->block[k]->guest_pc), to, __ATOMIC_RELAXED);
}

/* The sum of all */
static uint64_t read_counters(struct region *r)
{
    uint64_t sum = 0;
    memset(r->count, 0, sizeof r->count);
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        for (unsigned k = 0; k < r->n_blocks; k++) {
            int32_t left = __atomic_load_n(counter(p, r->block[k]->guest_pc), __ATOMIC_RELAXED);
            if (left <= START && left > START / 2)      /* else it is a new thread's */
                r->count[k] += (uint32_t)(START - left);
            sum += r->count[k];
        }
    return sum;
}

/* A link leads there from a block that is not in the region. */
static bool entered_from_outside(const struct region *r, uint64_t pc)
{
    const struct block *b = block_find(pc);
    for (uint32_t n = b && !(block_flags(b) & BLOCK_REGION) ? b->incoming : 0; n; n = link_at(n)->next) {
        const struct block *from = block_of_exit(link_at(n)->exit);
        unsigned k = 0;
        while (from && k < r->n_blocks && r->block[k]->guest_pc != from->pc)
            k++;
        if (k == r->n_blocks)
            return true;
    }
    return false;
}

bool tier2_profile(struct region *r)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    uint64_t sum = 0;
    pthread_mutex_lock(&one_at_a_time);
    engine_lock();
    set_counters(r, START);
    counted = r;
    remake_blocks(r);
    for (unsigned k = 0; k < TRIES && sum < ENOUGH; k++) {
        engine_unlock();
        nanosleep(&(struct timespec){ 0, NS_PER_TRY }, NULL);
        engine_lock();
        sum = read_counters(r);
    }
    for (unsigned k = 0; k < r->n_blocks; k++)
        r->entered[k] = entered_from_outside(r, r->block[k]->guest_pc);
    counted = NULL;
    remake_blocks(r);
    set_counters(r, AFTERWARDS);
    engine_unlock();
    pthread_mutex_unlock(&one_at_a_time);
    return sum >= ENOUGH / 10;
}

/* --- from blocks to edges: what a block's entries and exits leave open for one edge alone is that edge's --- */

enum { OPEN = UINT32_MAX };

static bool close_row(uint32_t *w, unsigned n, unsigned stride, unsigned outside, uint32_t total)
{
    uint64_t sum = 0;
    int open = -1;
    unsigned n_open = outside;
    for (unsigned k = 0; k < n; k++) {
        if (w[k * stride] == OPEN) {
            open = (int)k;
            n_open++;
        } else {
            sum += w[k * stride];
        }
    }
    if (open < 0 || n_open != 1)
        return false;
    w[(unsigned)open * stride] = sum < total ? (uint32_t)(total - sum) : 0;
    return true;
}

/* What is still open is shared out as its targets ran. */
static void share_out(const struct region *r, uint32_t *row)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        if (row[k] == OPEN)
            row[k] = r->count[k];
}

void tier2_weigh_edges(struct region *r, bool (*edge)(unsigned from, unsigned to), bool (*leaves)(const struct region *r, unsigned from))
{
    unsigned n = r->n_blocks;
    uint32_t *w = r->weight = malloc((size_t)n * n * sizeof *w);
    if (!w)
        return;
    for (unsigned k = 0; k < n * n; k++)
        w[k] = edge(k / n, k % n) ? OPEN : 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned k = 0; k < n; k++) {
            changed |= close_row(w + k * n, n, 1, leaves(r, k), r->count[k]);
            changed |= close_row(w + k, n, n, 0, r->count[k]);
        }
    }
    for (unsigned k = 0; k < n; k++)
        share_out(r, w + k * n);
}
