/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers_system.c: time, processor number, random numbers and segment selectors. Manual: Intel SDM volume 2; volume 3,
 * 3.4 (descriptors). The selectors are those that Linux gives to 64-bit processes.
 */
#include <sched.h>
#include <sys/random.h>
#include <time.h>
#include "guest/lift_internal.h"
#ifdef __x86_64__
#include <x86intrin.h>
#endif

uint64_t x86_helper_cpuid(void *state, uint64_t unused0, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    struct x86_state *s = state;
    uint32_t out[4];
    x86_cpuid((uint32_t)s->gpr[X86_RAX], (uint32_t)s->gpr[X86_RCX], out);
    s->gpr[X86_RAX] = out[0];
    s->gpr[X86_RBX] = out[1];
    s->gpr[X86_RCX] = out[2];
    s->gpr[X86_RDX] = out[3];
    return 0;
}

/* Other hosts count nanoseconds: a time-stamp counter of 1 GHz. */
uint64_t x86_helper_rdtsc(void *state, uint64_t unused0, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
#ifdef __x86_64__
    return __rdtsc();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/* TSC_AUX as Linux sets it: node << 12 | processor */
uint64_t x86_helper_processor_id(void *state, uint64_t unused0, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    unsigned cpu = 0, node = 0;
    getcpu(&cpu, &node);
    return node << 12 | (cpu & 0xfff);
}

uint64_t x86_helper_random(void *state, uint64_t bits, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    uint64_t v = 0;
    while (getrandom(&v, bits / 8, 0) != (ssize_t)(bits / 8))
        continue;
    return v;
}

uint64_t x86_helper_check_canonical(void *state, uint64_t addr, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    if ((uint64_t)((int64_t)(addr << 16) >> 16) != addr)
        x86_gp_fault(state);
    return 0;
}

/* --- selectors --- */

enum { SEG_CS = 1, SEG_SS = 2, SEG_FS = 4, SEG_GS = 5 };

/* Linux's GDT as user mode sees it; the privilege bits of a selector (0..3) do not matter for reading */
struct descriptor { uint16_t selector; uint32_t access, limit; bool writable; };
static const struct descriptor descriptors[] = {
    { 0x20, 0xcffb00, 0xffffffff, false },     /* 32-bit code */
    { 0x28, 0xcff300, 0xffffffff, true },      /* data */
    { 0x30, 0xaffb00, 0xffffffff, false },     /* 64-bit code */
    { 0x78, 0x40f500, 0, false },              /* its limit is the processor's number */
};

static const struct descriptor *find_descriptor(uint64_t selector)
{
    for (unsigned i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        if ((selector & 0xfff8) == descriptors[i].selector && !(selector & 4))
            return &descriptors[i];
    return NULL;
}

static bool may_load(unsigned segment, uint64_t selector)
{
    if (segment == SEG_CS)
        return (selector & 0xfffc) == 0x30;
    if (segment == SEG_SS)
        return selector == 0x2b;
    return (selector & 0xfffc) == 0 || find_descriptor(selector);
}

uint64_t x86_helper_load_segment(void *state, uint64_t segment, uint64_t selector, uint64_t unused2, uint64_t unused3)
{
    struct x86_state *s = state;
    if (!may_load((unsigned)segment, selector))
        x86_gp_fault(state);
    s->seg[segment] = segment == SEG_CS ? 0x33 : (uint16_t)selector;
    if (segment == SEG_FS)
        s->fs_base = 0;
    if (segment == SEG_GS)
        s->gs_base = 0;
    return 0;
}

uint64_t x86_helper_segment_query(void *state, uint64_t query, uint64_t selector, uint64_t unused2, uint64_t unused3)
{
    const struct descriptor *d = find_descriptor(selector);
    if (!d)
        return 0;
    switch (query) {
    case X86_SEGMENT_VERW: return d->writable;
    case X86_SEGMENT_LAR:  return (uint64_t)d->access << 1 | 1;
    case X86_SEGMENT_LSL:  return (d->limit ? d->limit : x86_helper_processor_id(state, 0, 0, 0, 0)) << 1 | 1;
    default:               return 1;
    }
}
