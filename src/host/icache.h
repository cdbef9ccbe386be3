/* SPDX-License-Identifier: GPL-2.0-or-later
 * icache.h: making written code visible to instruction fetch on the processor that wherry itself runs on.
 */
#ifndef HOST_ICACHE_H
#define HOST_ICACHE_H
#include <stddef.h>
#include <stdint.h>

/* `size` bytes of code were written through the writable mapping at `rw`; they run from the executable one at `rx`. */
#ifdef __x86_64__
static inline void host_icache_flush(const void *rw, uint64_t rx, size_t size) {}
#else
void host_icache_flush(const void *rw, uint64_t rx, size_t size);
#endif
#endif
