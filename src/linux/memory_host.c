/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_host.c: guest mappings as host mappings, one to one; where the host's pages are larger than the guest's, memory_big.c splits them.
 */
#include "linux/memory_host.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "linux/memory_big.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static int host_prot(int guest, bool write_watch)
{
    int prot = PROT_NONE;
    if (guest & (GUEST_PROT_READ | GUEST_PROT_WRITE | GUEST_PROT_EXEC))
        prot = PROT_READ;                      /* x86 has no pages that can be written or run but not read */
    if (guest & GUEST_PROT_WRITE && !write_watch)
        prot |= PROT_WRITE;
    return prot;
}

static const struct { int guest, host; } map_flags[] = {
    { GUEST_MAP_ANONYMOUS, MAP_ANONYMOUS }, { GUEST_MAP_LOCKED, MAP_LOCKED }, { GUEST_MAP_NORESERVE, MAP_NORESERVE },
    { GUEST_MAP_POPULATE, MAP_POPULATE }, { GUEST_MAP_NONBLOCK, MAP_NONBLOCK }, { GUEST_MAP_STACK, MAP_STACK },
#ifdef MAP_SYNC
    { GUEST_MAP_SYNC, MAP_SYNC },
#endif
};

static int host_flags(int guest)
{
    static const int types[4] = { 0, MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE };
    int host = types[guest & 3];
    for (size_t i = 0; i < sizeof map_flags / sizeof map_flags[0]; i++)
        if (guest & map_flags[i].guest)
            host |= map_flags[i].host;
    return host;
}

int memory_plain_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace)
{
    int how = replace ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    void *want = (void *)(uintptr_t)addr;
    void *got = mmap(want, size, host_prot(prot, false), host_flags(flags) | how, fd, (off_t)offset);
    if (got == MAP_FAILED)
        return -errno;
    if (got == want)
        return 0;
    munmap(got, size);                         /* a kernel before 4.17 takes NOREPLACE for a mere hint */
    return -EEXIST;
}

int memory_plain_unmap(uint64_t addr, uint64_t size)
{
    return munmap((void *)(uintptr_t)addr, size) ? -errno : 0;
}

int memory_plain_protect(uint64_t addr, uint64_t size, int prot, bool write_watch)
{
    return mprotect((void *)(uintptr_t)addr, size, host_prot(prot, write_watch)) ? -errno : 0;
}

uint64_t memory_host_any(uint64_t size)
{
    uint64_t page = memory_host_page(), room = size + (page - GUEST_PAGE);
    void *p = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return 0;
    munmap(p, room);
    uint64_t addr = ((uint64_t)(uintptr_t)p + page - 1) & ~(page - 1);
    return addr + size <= GUEST_TASK_SIZE ? addr : 0;
}

int memory_plain_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old)
{
    int flags = to == from ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED | (keep_old ? MREMAP_DONTUNMAP : 0);
    void *p = mremap((void *)(uintptr_t)from, size, new_size, flags, (void *)(uintptr_t)to);
    return p == MAP_FAILED ? -errno : 0;
}

int memory_plain_advise(uint64_t addr, uint64_t size, int advice)
{
    return madvise((void *)(uintptr_t)addr, size, advice) ? -errno : 0;
}

/* ---- which of the two ---- */

uint64_t memory_host_page(void)
{
    static uint64_t page;
    if (!page) {
        const char *forced = getenv("WHERRY_HOST_PAGE");
        uint64_t real = (uint64_t)sysconf(_SC_PAGESIZE), wanted = forced ? strtoull(forced, NULL, 0) : 0;
        page = wanted > real && wanted <= MEMORY_HOST_PAGE_MAX && !(wanted & (wanted - 1)) ? wanted : real;
    }
    return page;
}

static bool big(void) { return memory_host_page() > GUEST_PAGE; }

int memory_host_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace)
{
    return (big() ? memory_big_map : memory_plain_map)(addr, size, prot, flags, fd, offset, replace);
}

void memory_host_slack(uint64_t addr, uint64_t size)
{
    if (big())
        memory_big_slack(addr, size);
}

int memory_host_unmap(uint64_t addr, uint64_t size) { return (big() ? memory_big_unmap : memory_plain_unmap)(addr, size); }

int memory_host_protect(uint64_t addr, uint64_t size, int prot, bool write_watch)
{
    return (big() ? memory_big_protect : memory_plain_protect)(addr, size, prot, write_watch);
}

int memory_host_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old)
{
    return (big() ? memory_big_move : memory_plain_move)(from, size, new_size, to, keep_old);
}

int memory_host_advise(uint64_t addr, uint64_t size, int advice) { return (big() ? memory_big_advise : memory_plain_advise)(addr, size, advice); }
