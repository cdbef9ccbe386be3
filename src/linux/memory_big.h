/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_big.h: memory_host.h's calls on a host whose pages are larger than the guest's 4 KiB. Under memory.c's lock, like those.
 */
#ifndef LINUX_MEMORY_BIG_H
#define LINUX_MEMORY_BIG_H
#include "linux/memory_host.h"
#include "linux/memory_map.h"

int memory_big_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace);
void memory_big_slack(uint64_t addr, uint64_t size);
int memory_big_unmap(uint64_t addr, uint64_t size);
int memory_big_protect(uint64_t addr, uint64_t size, int prot, bool write_watch);
int memory_big_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old);
int memory_big_advise(uint64_t addr, uint64_t size, int advice);
/* Has the page memory? For pages with a home or in a window; -1: not known */
int memory_big_present(uint64_t addr);
void memory_big_refresh(uint64_t addr);        /* a page behind its file's end: look whether the file has grown */
/* What a fault at *addr means (access: host_context_fault); an address in a view becomes the guest's. MIXED: the guest's rights decide, not the host's. */
enum memory_fault { MEMORY_FAULT_PLAIN, MEMORY_FAULT_MIXED, MEMORY_FAULT_UNMAPPED, MEMORY_FAULT_BEYOND /* behind the file's end: SIGBUS */ };
enum memory_fault memory_big_fault(uint64_t *addr, int access);

/* memory_host.c: one to one, for whole host pages */
int memory_plain_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace);
int memory_plain_unmap(uint64_t addr, uint64_t size);
int memory_plain_protect(uint64_t addr, uint64_t size, int prot, bool write_watch);
int memory_plain_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old);
int memory_plain_advise(uint64_t addr, uint64_t size, int advice);
/* memory.c: the guest's table, as it was before the change under way */
const struct memory_map *linux_memory_table(void);
#endif
