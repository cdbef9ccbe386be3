/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c: the aarch64 host as the engine sees it. Armv8.0 is assumed; what goes beyond is probed.
 */
#include "host/aarch64/emit.h"

#ifdef __aarch64__
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CAP_CRC32 = 1 << 7, CAP_ATOMICS = 1 << 8, CAP_LRCPC = 1 << 15, CAP_FLAGM = 1 << 27 };     /* AT_HWCAP, asm/hwcap.h */

static uint32_t probe(void)
{
    unsigned long cap = getauxval(AT_HWCAP);
    return (cap & CAP_ATOMICS ? FEATURE_LSE : 0) | (cap & CAP_CRC32 ? FEATURE_CRC32 : 0) | (cap & CAP_LRCPC ? FEATURE_LRCPC : 0) |
           (cap & CAP_FLAGM ? FEATURE_FLAGM : 0);
}

/* Data caches to the point of unification by the address that was written, instruction caches by the address that runs (Arm ARM, B2.4.4). */
static void maintain(const uint8_t *rw, uint64_t rx, size_t size)
{
    uint64_t ctr;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    size_t data = 4u << (ctr >> 16 & 15), code = 4u << (ctr & 15);
    for (uintptr_t p = (uintptr_t)rw & ~(data - 1); p < (uintptr_t)rw + size; p += data)
        __asm__ volatile("dc cvau, %0" :: "r"(p) : "memory");
    __asm__ volatile("dsb ish" ::: "memory");
    for (uint64_t p = rx & ~(code - 1); p < rx + size; p += code)
        __asm__ volatile("ic ivau, %0" :: "r"(p) : "memory");
    __asm__ volatile("dsb ish\n isb" ::: "memory");
}

/* Some emulators of user programs keep old code when it is changed through a second mapping and ignore `ic`; they notice when a page becomes
 * writable. It must stay executable meanwhile: other threads may run in it. */
static void force(uint64_t rx, size_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = rx & ~(page - 1), to = (rx + size + page - 1) & ~(page - 1);
    mprotect((void *)from, to - from, PROT_READ | PROT_WRITE | PROT_EXEC);
    mprotect((void *)from, to - from, PROT_READ | PROT_EXEC);
}

static bool keeps_old_code(void)
{
    static int known = -1;
    if (known >= 0)
        return known;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = memfd_create("wherry-probe", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)page))
        return (known = 0);
    uint32_t *rw = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *rx = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    close(fd);
    if (rw == MAP_FAILED || rx == MAP_FAILED)
        return (known = 0);
    unsigned (*fn)(void) = (unsigned (*)(void))rx, got = 0;
    rw[1] = 0xd65f03c0;                                  /* ret */
    for (unsigned k = 1; k <= 2; k++) {
        rw[0] = 0x52800000 | k << 5;                     /* mov w0, #k */
        maintain((uint8_t *)rw, (uint64_t)rx, 8);
        got = fn();
    }
    munmap(rw, page);
    munmap(rx, page);
    return (known = got != 2);
}

static void flush_code(const void *rw, uint64_t rx, size_t size)
{
    maintain(rw, rx, size);
    if (keeps_old_code())
        force(rx, size);
}
#define FLUSH flush_code
#else
static uint32_t probe(void) { return 0; }
#define FLUSH NULL
#endif

const struct host_target host_aarch64 = {
    .name = "aarch64", .weak_order = true, .probe = probe, .emit_stubs = a64_emit_stubs, .emit = a64_emit, .link = a64_link, .emit_inline_cache = a64_emit_inline_cache,
    .sync = a64_sync, .context_pc = a64_context_pc, .set_context_pc = a64_set_context_pc, .context_sp = a64_context_sp,
    .set_context_sp = a64_set_context_sp, .thread_init = a64_thread_init, .flush_code = FLUSH,
};
