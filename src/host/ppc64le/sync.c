/* SPDX-License-Identifier: GPL-2.0-or-later
 * sync.c: from a signal's context taken in translated code to exact guest state, and what else only a POWER processor can do. Kernel:
 * arch/powerpc/include/uapi/asm/{ptrace,sigcontext}.h.
 */
#include "host/ppc64le/emit.h"

#if defined __powerpc64__ && defined __LITTLE_ENDIAN__
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { CONTEXT_NIP = 32 };
#define GP(uc, n) (((ucontext_t *)(uintptr_t)(uc))->uc_mcontext.gp_regs[n])

void p64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state)
{
    const ucontext_t *uc = ucontext;
    const struct p64_map *map = p64_map(env);
    uint8_t *s = state;
    for (unsigned r = 0; r < 32; r++)
        if (map->offset[r] >= 0)
            memcpy(s + map->offset[r], &GP(uc, r), 8);
    for (unsigned r = 0; r < 32; r++)
        if (map->offset[VEC + r] >= 0 && uc->uc_mcontext.v_regs)
            memcpy(s + map->offset[VEC + r], &uc->uc_mcontext.v_regs->vrregs[r], 16);
    memcpy(s + env->offsets->ret_sp, &GP(uc, REG_RETURN), 8);
}

uint64_t p64_context_pc(const void *uc) { return GP(uc, CONTEXT_NIP); }
void p64_set_context_pc(void *uc, uint64_t pc)
{
    GP(uc, CONTEXT_NIP) = pc;
    GP(uc, 12) = pc;                                  /* if it is a C function's entry */
}
uint64_t p64_context_sp(const void *uc) { return GP(uc, 1); }
void p64_set_context_sp(void *uc, uint64_t sp) { GP(uc, 1) = sp; }
void p64_set_return_sp(void *uc, uint64_t sp) { GP(uc, REG_RETURN) = sp; }

/* Power ISA book II, 1.8: write the lines back, drop them from the instruction caches. 32 bytes divide every line size. */
static void maintain(const void *rw, uint64_t rx, size_t size)
{
    uint64_t from = (uint64_t)(uintptr_t)rw & ~31ull, to = (uint64_t)(uintptr_t)rw + size, delta = rx - (uint64_t)(uintptr_t)rw;
    for (uint64_t p = from; p < to; p += 32)
        __asm__ volatile("dcbst 0,%0" : : "r"(p) : "memory");
    __asm__ volatile("sync" : : : "memory");
    for (uint64_t p = from; p < to; p += 32)
        __asm__ volatile("icbi 0,%0" : : "r"(p + delta) : "memory");
    __asm__ volatile("sync; isync" : : : "memory");
}

/* Emulators of user programs may keep old code when it is changed through a second mapping, and ignore icbi; they notice a page that
 * becomes writable. Execution is never taken away, because other threads may be there. */
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
    unsigned long got = 0;
    rw[1] = P_BLR;
    for (unsigned k = 1; k <= 2; k++) {
        rw[0] = P_ADDI | R3 << 21 | k;
        maintain(rw, (uint64_t)rx, 8);
        got = ((unsigned long (*)(void))rx)();
    }
    munmap(rw, page);
    munmap(rx, page);
    return (known = got != 2);
}

void p64_flush_code(const void *rw, uint64_t rx, size_t size)
{
    maintain(rw, rx, size);
    if (keeps_old_code())
        force(rx, size);
}

#else
void p64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) {}
uint64_t p64_context_pc(const void *uc) { return 0; }
void p64_set_context_pc(void *uc, uint64_t pc) {}
uint64_t p64_context_sp(const void *uc) { return 0; }
void p64_set_context_sp(void *uc, uint64_t sp) {}
void p64_set_return_sp(void *uc, uint64_t sp) {}
void p64_flush_code(const void *rw, uint64_t rx, size_t size) {}
#endif
