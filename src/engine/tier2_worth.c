/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_worth.c: does a region pay? Going in and out takes some nanoseconds more than a jump from block to block. So exits are counted, in tier 1's code
 * for them, and samples say for how long the region runs. One that is left again after a few instructions is dropped: tier 1's blocks do that better.
 * All under the engine's lock.
 */
#include "engine/tier2.h"

#define CROSSING 15                           /* nanoseconds, in and out */
#define LEAST_SHARE 100                       /* where all crossings take less than one part in so many of the program's time, the region stays */
#define LEAST_GAIN 4                          /* else its own time has to be so many times that of the crossings */
#define FIRST_LOOK 50000000ull                /* nanoseconds of the program's time; then after twice that, and so on */

static struct made {
    uint64_t entry[LLVM_MAX_ENTRIES];
    unsigned n_entries;                       /* 0: nothing here */
    uint32_t generation;
    uint64_t exits, since, look_at, inside;   /* at its beginning, but inside: nanoseconds, of the program's time */
} made[CPU_REGIONS];
static unsigned n_made;

static uint64_t exits_of(unsigned slot)
{
    uint64_t n = 0;
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        n += __atomic_load_n(&p->cpu->region_exits[slot], __ATOMIC_RELAXED);
    return n;
}

unsigned tier2_worth_slot(void) { return n_made % CPU_REGIONS; }

void tier2_worth_begin(const struct region *r)
{
    unsigned slot = n_made++ % CPU_REGIONS;
    struct made *m = &made[slot];
    *m = (struct made){ .n_entries = r->n_entries, .generation = engine.generation, .exits = exits_of(slot) };
    for (unsigned k = 0; k < r->n_entries; k++)
        m->entry[k] = r->block[r->entry[k]]->guest_pc;
}

static void note_sample(const struct tier2_sample *s, uint64_t spent)
{
    for (unsigned k = 0; s->region && k < CPU_REGIONS; k++)
        for (unsigned i = 0; i < made[k].n_entries; i++)
            if (made[k].entry[i] == s->pc) {
                made[k].inside += spent;
                return;
            }
}

static bool pays(const struct made *m, unsigned slot, uint64_t now)
{
    uint64_t exits = exits_of(slot), crossings = exits > m->exits ? (exits - m->exits) * CROSSING : 0;      /* those of threads that ended are gone */
    return crossings < (now - m->since) / LEAST_SHARE || m->inside >= crossings * LEAST_GAIN;
}

static void drop(struct made *m)
{
    for (unsigned k = 0; k < m->n_entries; k++) {
        struct block *b = block_find(m->entry[k]);
        if (b && block_flags(b) & BLOCK_REGION)
            drop_block(b);
    }
    m->n_entries = 0;
    count(STAT_DROPPED, 1);
}

void tier2_worth_look(const struct tier2_sample *s, unsigned n, uint64_t spent, uint64_t now)
{
    engine_lock();
    for (unsigned k = 0; k < n; k++)
        note_sample(&s[k], spent);
    for (unsigned k = 0; k < CPU_REGIONS; k++) {
        struct made *m = &made[k];
        if (!m->n_entries)
            continue;
        if (m->generation != engine.generation) {
            m->n_entries = 0;
        } else if (!m->since) {
            m->since = now;
            m->look_at = now + FIRST_LOOK;
        } else if (now >= m->look_at) {
            m->look_at = now + 2 * (now - m->since);
            if (!pays(m, k, now))
                drop(m);
        }
    }
    engine_unlock();
}

void tier2_worth_forget(void)
{
    for (unsigned k = 0; k < CPU_REGIONS; k++)
        made[k].n_entries = 0;
}
