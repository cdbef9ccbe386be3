/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_stack.c: mappings that grow downwards: the first thread's stack, and MAP_GROWSDOWN. The host's kernel knows nothing of it: what is not
 * there yet faults.
 */
#include <sys/resource.h>
#include "linux/memory_mixed.h"
#include "linux/memory_table.h"

uint64_t linux_stack_low = UINT64_MAX;
bool linux_stack_others;

void memory_cut(uint64_t start, uint64_t end)
{
    memory_map_remove(&memory_table, start, end);
    if (start <= linux_stack_low && linux_stack_low < end)
        __atomic_store_n(&linux_stack_others, true, __ATOMIC_RELAXED);
}

uint64_t linux_stack_limit(void)
{
    static uint64_t inherited;
    static bool asked;
    struct rlimit now;
    uint64_t size = getrlimit(RLIMIT_STACK, &now) || now.rlim_cur == RLIM_INFINITY ? UINT64_MAX : now.rlim_cur;
    if (!asked)
        inherited = size;
    asked = true;
    return linux_process.config.stack_size && size == inherited ? linux_process.config.stack_size : size;      /* -s, until the guest sets one */
}

/* The lock is held. */
static bool grow(uint64_t addr)
{
    const int flags = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_STACK;
    if (!memory_map_grown(&memory_table, addr, UINT64_MAX, GUEST_PAGE))
        return false;
    uint64_t start = memory_map_grown(&memory_table, addr, linux_stack_limit(), memory_host_page());
    const struct memory_region *r = &memory_table.r[memory_map_find(&memory_table, addr)];
    if (!start || memory_host_map(start, r->start - start, r->prot, flags, -1, 0, false))
        return false;
    if (r->start == linux_stack_low)
        __atomic_store_n(&linux_stack_low, start, __ATOMIC_RELAXED);
    memory_map_grow(&memory_table, start);
    return true;
}

void linux_stack_reach(uint64_t addr)
{
    memory_enter();
    grow(addr);
    memory_leave();
}

bool linux_stack_fault(uint64_t addr, int access)
{
    memory_enter();
    const struct memory_region *r = memory_map_at(&memory_table, addr);
    bool grew = !r && grow(addr);
    bool raced = r && r->flags & MEMORY_STACK && r->prot && (access < 0 || !(access & 2) || r->prot & GUEST_PROT_WRITE);
    if (raced && memory_host_page() > GUEST_PAGE)
        raced = !mixed_find(mixed_down(addr));
    memory_leave();
    return grew || (raced && memory_lost_race(addr & ~GUEST_PAGE_MASK));        /* another thread was quicker */
}
