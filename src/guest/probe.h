/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe.h: helpers that store more than one host instruction can ask first, so that a fault leaves memory as it was and names the
 * address that the processor would: the operand's first byte, or the first byte of the page that can't be written.
 */
#ifndef GUEST_PROBE_H
#define GUEST_PROBE_H
#include <stdint.h>
#include <string.h>
#include "ir/ir.h"

enum { X86_PAGE = 4096 };

static inline void x86_touch(uint64_t addr)
{
    __atomic_fetch_or((uint8_t *)(uintptr_t)ir_mem_at(addr, 1, true), 0, __ATOMIC_RELAXED);
}

static inline void x86_ask_to_write(uint64_t addr, unsigned size)
{
    uint64_t last = (addr + size - 1) & ~(uint64_t)(X86_PAGE - 1);
    x86_touch(addr);
    if (last != (addr & ~(uint64_t)(X86_PAGE - 1)))
        x86_touch(last);
}

static inline void x86_ask_to_read(uint64_t addr, unsigned size)
{
    (void)*(volatile const uint8_t *)(uintptr_t)ir_mem_at(addr, 1, false);
    (void)*(volatile const uint8_t *)(uintptr_t)ir_mem_at(addr + size - 1, 1, false);
}

/* How many of n bytes at addr lie in its page */
static inline size_t x86_in_page(uint64_t addr, size_t n)
{
    size_t fit = X86_PAGE - (addr & (X86_PAGE - 1));
    return fit < n ? fit : n;
}

static inline void x86_read_memory(void *to, uint64_t addr, size_t n)
{
    uint64_t at = ir_mem_at(addr, (unsigned)n, false);
    if (at != IR_MEM_SPLIT) {
        memcpy(to, (const void *)(uintptr_t)at, n);
        return;
    }
    size_t first = x86_in_page(addr, n);
    memcpy(to, (const void *)(uintptr_t)ir_mem_at(addr, (unsigned)first, false), first);
    memcpy((uint8_t *)to + first, (const void *)(uintptr_t)ir_mem_at(addr + first, (unsigned)(n - first), false), n - first);
}

static inline void x86_write_memory(uint64_t addr, const void *from, size_t n)
{
    uint64_t at = ir_mem_at(addr, (unsigned)n, true);
    if (at != IR_MEM_SPLIT) {
        memcpy((void *)(uintptr_t)at, from, n);
        return;
    }
    size_t first = x86_in_page(addr, n);
    x86_ask_to_write(addr, (unsigned)n);
    memcpy((void *)(uintptr_t)ir_mem_at(addr, (unsigned)first, true), from, first);
    memcpy((void *)(uintptr_t)ir_mem_at(addr + first, (unsigned)(n - first), true), (const uint8_t *)from + first, n - first);
}
#endif
