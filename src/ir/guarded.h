/* SPDX-License-Identifier: GPL-2.0-or-later
 * guarded.h: stores to guest memory by quick forms of helpers (helpers.h), which can't be left by a fault: the registers are not all in the
 * state. The engine's handler looks where the faulting instruction lands instead.
 */
#ifndef IR_GUARDED_H
#define IR_GUARDED_H
#include <stdbool.h>
#include <stdint.h>

#ifdef __powerpc64__
#define IR_GUARDED_BASE "b"                   /* r0 is none */
#else
#define IR_GUARDED_BASE "r"
#endif
/* In each program that has such stores the linker makes one table of them: distances to the store and to its landing, from where they stand. */
#define IR_GUARDED(insn) \
    __asm__ goto("1:\t" insn "\n\t.pushsection ir_landings,\"a\",@progbits\n\t.balign 4\n\t.long 1b - ., %l[fault] - .\n\t.popsection" \
                 : : [v] "r"(value), [p] IR_GUARDED_BASE(address) : "memory" : fault)

/* The low `size` bytes (2, 4 or 8) of value by one instruction. False: it faulted, and stored nothing. */
static inline bool ir_guarded_store(uint64_t address, unsigned size, uint64_t value)
{
#if defined __x86_64__
    if (size == 2)
        IR_GUARDED("movw %w[v], (%[p])");
    else if (size == 4)
        IR_GUARDED("movl %k[v], (%[p])");
    else
        IR_GUARDED("movq %[v], (%[p])");
#elif defined __aarch64__
    if (size == 2)
        IR_GUARDED("strh %w[v], [%[p]]");
    else if (size == 4)
        IR_GUARDED("str %w[v], [%[p]]");
    else
        IR_GUARDED("str %x[v], [%[p]]");
#else
    if (size == 2)
        IR_GUARDED("sth %[v], 0(%[p])");
    else if (size == 4)
        IR_GUARDED("stw %[v], 0(%[p])");
    else
        IR_GUARDED("std %[v], 0(%[p])");
#endif
    return true;
fault:
    return false;
}

/* Where a fault at host_pc goes on, 0: not a guarded store */
uint64_t ir_landing(uint64_t host_pc);
#endif
