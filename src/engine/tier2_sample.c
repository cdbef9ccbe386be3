/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_sample.c: where does the program spend its time? A worker takes the poll page of each running cpu away for a moment, as cpu_interrupt does. The
 * cpu faults at its next back-edge, notes which block that is, gives itself the page back and repeats the access: it never leaves its code, and
 * between two samples nothing of this costs anything. (Counters in the code cost a short loop a third of its time.)
 *
 * What must stay true:
 *  S1 whoever else takes the page sets what he wants (interrupt, stop, a dead region) before: it is looked at after the page is back
 */
#include "engine/tier2.h"

#define IN_REGION (1ull << 63)

bool tier2_sampled(struct cpu *cpu, uint64_t host_pc)
{
    struct engine_cpu *p = engine_cpu(cpu);
    if (!__atomic_exchange_n(&p->sampling, false, __ATOMIC_SEQ_CST))
        return false;
    cpu_repair_poll(cpu);
    struct block *b = block_of_code(host_pc);
    if (!b || block_flags(b) & BLOCK_DEAD || __atomic_load_n(&engine.stop, __ATOMIC_SEQ_CST) || __atomic_load_n(&cpu->interrupt, __ATOMIC_SEQ_CST) ||
        __atomic_load_n(&engine.generation, __ATOMIC_SEQ_CST) != p->generation)
        return false;
    __atomic_store_n(&p->sample, b->pc | (block_flags(b) & BLOCK_REGION ? IN_REGION : 0), __ATOMIC_SEQ_CST);
    return true;
}

unsigned tier2_take_samples(struct tier2_sample *s, unsigned most)
{
    unsigned n = 0;
    engine_lock();
    for (struct engine_cpu *p = engine.cpus; p; p = p->next) {
        uint64_t at = __atomic_exchange_n(&p->sample, 0, __ATOMIC_SEQ_CST);
        if (at && n < most)
            s[n++] = (struct tier2_sample){ at & ~IN_REGION, at & IN_REGION };
        if (!cpu_is_running(p->cpu) || __atomic_exchange_n(&p->sampling, true, __ATOMIC_SEQ_CST))
            continue;
        cpu_poke(p->cpu);
    }
    engine_unlock();
    return n;
}
