/* SPDX-License-Identifier: GPL-2.0-or-later
 * addresses: accesses and jumps at addresses that no x86-64 process has: not canonical, the kernel's, with something in the top byte only.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static sigjmp_buf env;
static uint64_t word[2] = { 77, 78 };

static void on_segv(int sig, siginfo_t *si, void *context)
{
    printf("signal %d code %d address %p\n", sig, si->si_code, si->si_addr);
    siglongjmp(env, 1);
}

static int function(void) { return 6; }

static long load(uint64_t a, uint64_t v) { return *(volatile long *)a; }
static long load_signed(uint64_t a, uint64_t v) { return *(volatile signed char *)a; }
static long indexed(uint64_t a, uint64_t v) { return ((volatile short *)a)[v]; }
static long store(uint64_t a, uint64_t v) { *(volatile uint64_t *)a = v; return (long)word[0]; }
static long locked(uint64_t a, uint64_t v) { return (long)__sync_fetch_and_add((uint64_t *)a, v); }
static long exchange(uint64_t a, uint64_t v) { return (long)__sync_val_compare_and_swap((uint64_t *)a, 77, v); }

static long string(uint64_t a, uint64_t v)
{
    long n = 8, buffer = 0;
    void *from = (void *)a, *to = &buffer;
    __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
    return buffer;
}

static long vector(uint64_t a, uint64_t v)
{
    long r;
    __asm__ volatile("movups (%1), %%xmm0\n\t addsd (%1), %%xmm0\n\t movq %%xmm0, %0" : "=r"(r) : "r"(a) : "xmm0", "memory");
    return r;
}

static long x87(uint64_t a, uint64_t v)
{
    long r;
    __asm__ volatile("fildll (%1)\n\t fistpll %0" : "=m"(r) : "r"(a) : "memory");
    return r;
}

static long push(uint64_t a, uint64_t v)
{
    long r;
    __asm__ volatile("mov %%rsp, %%rbx\n\t mov %1, %%rsp\n\t pop %0\n\t mov %%rbx, %%rsp" : "=r"(r) : "r"(a) : "rbx", "memory");
    return r;
}

int main(void)
{
    static const struct { const char *name; long (*fn)(uint64_t, uint64_t); } how[] = {
        { "load", load }, { "signed", load_signed }, { "indexed", indexed }, { "store", store }, { "locked", locked }, { "exchange", exchange },
        { "string", string }, { "vector", vector }, { "x87", x87 }, { "pop", push },
    };
    static char stack[1 << 16];
    stack_t ss = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaltstack(&ss, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    uint64_t a = (uint64_t)word, f = (uint64_t)function;
    static const uint64_t change[] = { 0, 1ull << 63, 0x12ull << 56, 1ull << 56, 0x7full << 56, 1ull << 55, 1ull << 48, 0xffffull << 48, 0xffull << 56, 0xfffull << 44 };
    for (unsigned k = 0; k < sizeof change / 8; k++) {
        for (unsigned j = 0; j < sizeof how / sizeof *how; j++) {
            word[0] = 77;
            printf("%016lx %s: ", change[k], how[j].name);
            if (!sigsetjmp(env, 1)) printf("%ld\n", how[j].fn(a | change[k], 1));
        }
        printf("%016lx call: ", change[k]);
        if (!sigsetjmp(env, 1)) printf("%d\n", ((int (*)(void))(f | change[k]))());
    }
    return 0;
}
