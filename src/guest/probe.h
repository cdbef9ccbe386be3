/* SPDX-License-Identifier: GPL-2.0-or-later
 * probe.h: helpers that store more than one host instruction can ask first, so that a fault leaves memory as it was and names the
 * address that the processor would: the operand's first byte, or the first byte of the page that can't be written.
 */
#ifndef GUEST_PROBE_H
#define GUEST_PROBE_H
#include <stdint.h>

enum { X86_PAGE = 4096 };

static inline void x86_ask_to_write(uint64_t addr, unsigned size)
{
    uint64_t last = (addr + size - 1) & ~(uint64_t)(X86_PAGE - 1);
    __atomic_fetch_or((uint8_t *)(uintptr_t)addr, 0, __ATOMIC_RELAXED);
    if (last != (addr & ~(uint64_t)(X86_PAGE - 1)))
        __atomic_fetch_or((uint8_t *)(uintptr_t)last, 0, __ATOMIC_RELAXED);
}

static inline void x86_ask_to_read(uint64_t addr, unsigned size)
{
    (void)*(volatile const uint8_t *)(uintptr_t)addr;
    (void)*(volatile const uint8_t *)(uintptr_t)(addr + size - 1);
}
#endif
