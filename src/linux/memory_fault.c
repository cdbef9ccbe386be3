/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_fault.c: faults that are none of the guest's: pages that are watched, pages that can't have their rights on the host.
 */
#include "linux/memory_mixed.h"
#include "linux/memory_table.h"

bool memory_lost_race(uint64_t page)
{
    static __thread uint64_t last;
    static __thread unsigned repeated;
    repeated = last == page ? repeated + 1 : 0;
    last = page;
    return repeated < 64;
}

bool linux_write_fault(uint64_t addr)
{
    uint64_t page = addr & ~GUEST_PAGE_MASK;
    memory_enter();
    const struct memory_region *r = memory_map_at(&memory_table, page);
    bool writable = r && r->prot & GUEST_PROT_WRITE;
    bool was_watched = writable && memory_unwatch(page, page + GUEST_PAGE, true);
    bool mixed = memory_host_page() > GUEST_PAGE && mixed_find(mixed_down(page));      /* then it is linux_mixed_fault's */
    memory_leave();
    if (was_watched) {
        memory_drop_written(page);
        return true;
    }
    return writable && !mixed && memory_lost_race(page);
}

/* C code lost a race only if the guest may do what it tried (not every host tells what that was). */
static bool allowed(uint64_t addr, int access)
{
    int prot = linux_page_prot(addr);
    return prot > 0 && (access < 0 || !(access & 2) || prot & GUEST_PROT_WRITE);
}

bool linux_mixed_fault(siginfo_t *info, int access, void *ucontext)
{
    uint64_t addr = (uintptr_t)info->si_addr;
    if (memory_host_page() == GUEST_PAGE)
        return false;
    memory_enter();
    enum memory_fault kind = memory_big_fault(&addr, access);
    bool by_code = kind == MEMORY_FAULT_MIXED && mixed_has_code(mixed_down(addr));
    memory_leave();
    info->si_addr = (void *)(uintptr_t)addr;
    if (kind == MEMORY_FAULT_PLAIN || kind == MEMORY_FAULT_UNMAPPED)
        return false;
    if (engine_view_fault(ucontext, by_code))
        return true;
    if (kind == MEMORY_FAULT_BEYOND) {
        info->si_signo = SIGBUS;
        info->si_code = BUS_ADRERR;
        return false;
    }
    if (!allowed(addr, access))
        return false;
    /* An atomic operation's load: where the page may be read it is read in its view, so this is a page that is about to be written. */
    bool unwatched = access >= 0 && !(access & 2) && linux_write_fault(addr);
    if (!unwatched && !memory_lost_race(addr & ~GUEST_PAGE_MASK))
        return false;
    engine_written_code(info, ucontext);
    return true;
}
