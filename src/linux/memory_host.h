/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_host.h: how the guest's 4 KiB pages become the host's mappings. memory.c keeps the guest's view and calls these with ranges of
 * guest pages; on a host whose pages are larger than the guest's, memory_big.c looks after what shares a host page.
 * PROT_EXEC never reaches the host: guest code is only read. Flags and protections are the guest's (x86-64's) values.
 */
#ifndef LINUX_MEMORY_HOST_H
#define LINUX_MEMORY_HOST_H
#include <stdbool.h>
#include <stdint.h>

enum {
    GUEST_PROT_READ = 1, GUEST_PROT_WRITE = 2, GUEST_PROT_EXEC = 4, GUEST_PROT_GROWSDOWN = 0x1000000, GUEST_PROT_GROWSUP = 0x2000000,
    GUEST_MAP_SHARED = 1, GUEST_MAP_PRIVATE = 2, GUEST_MAP_SHARED_VALIDATE = 3, GUEST_MAP_TYPE = 0xf, GUEST_MAP_FIXED = 0x10,
    GUEST_MAP_ANONYMOUS = 0x20, GUEST_MAP_32BIT = 0x40, GUEST_MAP_GROWSDOWN = 0x100, GUEST_MAP_LOCKED = 0x2000, GUEST_MAP_NORESERVE = 0x4000,
    GUEST_MAP_POPULATE = 0x8000, GUEST_MAP_NONBLOCK = 0x10000, GUEST_MAP_STACK = 0x20000, GUEST_MAP_HUGETLB = 0x40000, GUEST_MAP_SYNC = 0x80000,
    GUEST_MAP_FIXED_NOREPLACE = 0x100000,
    GUEST_MREMAP_MAYMOVE = 1, GUEST_MREMAP_FIXED = 2, GUEST_MREMAP_DONTUNMAP = 4,
};

#define MEMORY_HOST_PAGE_MAX 0x40000ull
/* The host's page size, or a larger one that the environment variable WHERRY_HOST_PAGE asks for, to test such hosts' logic anywhere. */
uint64_t memory_host_page(void);
/* Map exactly [addr, addr+size). replace: what is there is the guest's own and goes; otherwise the range must be free on the host
 * too (-EEXIST when something of wherry's lies there). 0 or a negative errno. */
int memory_host_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace);
int memory_host_unmap(uint64_t addr, uint64_t size);
/* Nothing but this mapping is to be put into its host pages for now: accesses to the rest of them need not fault. */
void memory_host_slack(uint64_t addr, uint64_t size);
/* write_watch: leave out the right to write, whatever prot says */
int memory_host_protect(uint64_t addr, uint64_t size, int prot, bool write_watch);
/* Where the host would put a mapping of this size by itself; 0 if nowhere. */
uint64_t memory_host_any(uint64_t size);
/* In place when to == from; otherwise to [to, to+new_size), which holds nothing but the guest's own. */
int memory_host_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old);
int memory_host_advise(uint64_t addr, uint64_t size, int advice);
#endif
