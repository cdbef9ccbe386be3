/* SPDX-License-Identifier: GPL-2.0-or-later
 * stack.c: the first thread's stack as the kernel leaves it for a new program: strings at the top, then auxv, envp, argv and argc.
 * System V ABI (AMD64) 3.4.1; getauxval(3); the kernel's fs/binfmt_elf.c for the order.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <unistd.h>
#include "guest/lift.h"
#include "linux/memory.h"
#include "linux/start.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
enum { FIRST_ROOM = 128 << 10, MAX_AUXV = 32 };

/* The stack as exec leaves it: what is on it, and some room, if the limit allows that. It grows as it is used. */
static uint64_t map_stack(bool executable, uint64_t strings, uint64_t all)
{
    uint64_t limit = linux_stack_limit(), size = strings + FIRST_ROOM;
    if (size > limit)
        size = limit & ~GUEST_PAGE_MASK;
    if (size < all)
        size = all;
    uint64_t base = LAYOUT_STACK_TOP - size, rounded = base & ~(memory_host_page() - 1);
    if (LAYOUT_STACK_TOP - rounded <= limit)
        base = rounded;
    int prot = GUEST_PROT_READ | GUEST_PROT_WRITE | (executable ? GUEST_PROT_EXEC : 0);
    int flags = GUEST_MAP_FIXED_NOREPLACE | GUEST_MAP_STACK;
    if (linux_mmap_named(base, LAYOUT_STACK_TOP - base, prot, flags, NULL, MEMORY_STACK) != base)
        return 0;
    return linux_stack_low = base;
}


static size_t count(char **v, size_t *bytes)
{
    size_t n = 0;
    for (; v[n]; n++)
        *bytes += strlen(v[n]) + 1;
    return n;
}

/* Copy strings upwards from `at`; their addresses go to vector. */
static uint64_t put_strings(uint64_t at, char **v, size_t n, uint64_t *vector)
{
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(v[i]) + 1;
        memcpy((void *)(uintptr_t)at, v[i], size);
        vector[i] = at;
        at += size;
    }
    vector[n] = 0;
    return at;
}

static uint64_t put_bytes(uint64_t *top, const void *bytes, size_t size)
{
    *top -= size;
    memcpy((void *)(uintptr_t)*top, bytes, size);
    return *top;
}

struct auxv { uint64_t pair[MAX_AUXV][2]; unsigned n; };

static void add(struct auxv *v, uint64_t type, uint64_t value)
{
    v->pair[v->n][0] = type;
    v->pair[v->n++][1] = value;
}

static void fill_auxv(struct auxv *v, const struct linux_image *program, uint64_t random, uint64_t execfn, uint64_t platform)
{
    uint32_t leaf1[4], leaf7[4];
    x86_cpuid(1, 0, leaf1);
    x86_cpuid(7, 0, leaf7);
    if (linux_process.vdso)
        add(v, AT_SYSINFO_EHDR, linux_process.vdso);
    add(v, AT_MINSIGSTKSZ, 2048);
    add(v, AT_HWCAP, leaf1[3]);
    add(v, AT_PAGESZ, GUEST_PAGE);
    add(v, AT_CLKTCK, (uint64_t)sysconf(_SC_CLK_TCK));
    add(v, AT_PHDR, program->phdr);
    add(v, AT_PHENT, sizeof(Elf64_Phdr));
    add(v, AT_PHNUM, program->n_phdr);
    add(v, AT_BASE, linux_process.interp_base);
    add(v, AT_FLAGS, 0);
    add(v, AT_ENTRY, program->entry);
    add(v, AT_UID, getuid());
    add(v, AT_EUID, geteuid());
    add(v, AT_GID, getgid());
    add(v, AT_EGID, getegid());
    add(v, AT_SECURE, getauxval(AT_SECURE));
    add(v, AT_RANDOM, random);
    add(v, AT_HWCAP2, leaf7[1] & 1 ? 2 : 0);             /* bit 1: FSGSBASE may be used */
    add(v, AT_EXECFN, execfn);
    add(v, AT_PLATFORM, platform);
    add(v, AT_NULL, 0);
}

uint64_t linux_make_stack(const struct linux_image *program, const char *execfn, char **argv, char **envp, char why[512])
{
    uint64_t top = LAYOUT_STACK_TOP;
    size_t bytes = strlen(execfn) + 1;
    size_t argc = count(argv, &bytes), envc = count(envp, &bytes);
    uint64_t filled = guest_page_up(bytes + 8), all = guest_page_up(bytes + 8 * (argc + envc + 3) + 16 * MAX_AUXV + 256);
    if (!map_stack(program->exec_stack, filled, all)) {
        snprintf(why, 512, "has no room for its stack");
        return 0;
    }
    uint8_t random[16], zero[8] = { 0 };
    if (getrandom(random, sizeof random, 0) != sizeof random)
        memset(random, 0x5a, sizeof random);
    put_bytes(&top, zero, sizeof zero);
    uint64_t name = put_bytes(&top, execfn, strlen(execfn) + 1), strings = top - (bytes - strlen(execfn) - 1);
    uint64_t sp = strings, platform = put_bytes(&sp, "x86_64", 7);
    sp &= ~15ull;
    uint64_t seed = put_bytes(&sp, random, sizeof random);
    struct auxv v = { .n = 0 };
    fill_auxv(&v, program, seed, name, platform);
    sp -= 16 * v.n + 8 * (argc + envc + 3);
    sp &= ~15ull;
    uint64_t *words = (uint64_t *)(uintptr_t)sp;
    words[0] = argc;
    linux_process.arg_start = strings;
    linux_process.arg_end = linux_process.env_start = put_strings(strings, argv, argc, words + 1);
    linux_process.env_end = put_strings(linux_process.env_start, envp, envc, words + argc + 2);
    memcpy(words + argc + envc + 3, v.pair, 16 * v.n);
    linux_process.auxv_start = sp + 8 * (argc + envc + 3);
    linux_process.auxv_size = 16 * v.n;
    linux_process.stack_top = sp;
    return sp;
}
