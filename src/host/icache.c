/* SPDX-License-Identifier: GPL-2.0-or-later
 * icache.c: instruction-cache maintenance, one section for each processor that needs it. Data go back to the point of unification by the
 * address that was written, instructions are dropped by the address that runs. Arm ARM, B2.4.4; Power ISA book II, 1.8.
 */
#include "host/icache.h"
#ifndef __x86_64__
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined __aarch64__

static void maintain(const void *rw, uint64_t rx, size_t size)
{
    uint64_t ctr, from = (uint64_t)(uintptr_t)rw;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    uint64_t data = 4u << (ctr >> 16 & 15), code = 4u << (ctr & 15);
    for (uint64_t p = from & ~(data - 1); p < from + size; p += data)
        __asm__ volatile("dc cvau, %0" :: "r"(p) : "memory");
    __asm__ volatile("dsb ish" ::: "memory");
    for (uint64_t p = rx & ~(code - 1); p < rx + size; p += code)
        __asm__ volatile("ic ivau, %0" :: "r"(p) : "memory");
    __asm__ volatile("dsb ish\n isb" ::: "memory");
}

/* A function that returns k */
static void write_function(uint32_t code[2], unsigned k)
{
    code[0] = 0x52800000 | k << 5;                       /* mov w0, #k */
    code[1] = 0xd65f03c0;                                /* ret */
}

#elif defined __powerpc64__

static void maintain(const void *rw, uint64_t rx, size_t size)
{
    enum { LINE = 32 };                                  /* divides every line's size */
    uint64_t from = (uint64_t)(uintptr_t)rw;
    for (uint64_t p = from & ~(LINE - 1ull); p < from + size; p += LINE)
        __asm__ volatile("dcbst 0,%0" :: "r"(p) : "memory");
    __asm__ volatile("sync" ::: "memory");
    for (uint64_t p = rx & ~(LINE - 1ull); p < rx + size; p += LINE)
        __asm__ volatile("icbi 0,%0" :: "r"(p) : "memory");
    __asm__ volatile("sync; isync" ::: "memory");
}

static void write_function(uint32_t code[2], unsigned k)
{
    code[0] = 0x38600000 | k;                            /* li r3, k */
    code[1] = 0x4e800020;                                /* blr */
}

#else
#error "host/icache.c needs a section for this processor"
#endif

/* Some emulators of user programs keep old code when it is changed through a second mapping and ignore cache maintenance. */
static bool keeps_old_code(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = memfd_create("wherry-probe", MFD_CLOEXEC);
    if (fd < 0)
        return false;
    bool sized = ftruncate(fd, (off_t)page) == 0;
    uint32_t *rw = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *rx = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    close(fd);
    if (!sized || rw == MAP_FAILED || rx == MAP_FAILED)
        return false;
    unsigned long got = 0;
    for (unsigned k = 1; k <= 2; k++) {
        write_function(rw, k);
        maintain(rw, (uint64_t)(uintptr_t)rx, 8);
        got = ((unsigned long (*)(void))rx)();
    }
    munmap(rw, page);
    munmap(rx, page);
    return got != 2;
}

/* Such an emulator notices a page that becomes writable. It must stay executable meanwhile: other threads may run in it. */
static void force(uint64_t rx, size_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = rx & ~(page - 1), to = (rx + size + page - 1) & ~(page - 1);
    mprotect((void *)(uintptr_t)from, to - from, PROT_READ | PROT_WRITE | PROT_EXEC);
    mprotect((void *)(uintptr_t)from, to - from, PROT_READ | PROT_EXEC);
}

void host_icache_flush(const void *rw, uint64_t rx, size_t size)
{
    static int known = -1;               /* threads that come here at once find the same */
    if (known < 0)
        __atomic_store_n(&known, keeps_old_code(), __ATOMIC_RELAXED);
    maintain(rw, rx, size);
    if (__atomic_load_n(&known, __ATOMIC_RELAXED))
        force(rx, size);
}
#endif
