/* SPDX-License-Identifier: GPL-2.0-or-later
 * known_targets: jumps and calls through a register that the same block has loaded with an address: forward, backward, to itself with another
 * address written over the first, and to addresses where nothing is.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static uint8_t *code;
static sigjmp_buf back;
static volatile uint64_t at;

static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
    at = (uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
    siglongjmp(back, sig);
}

/* mov rax, to; then call rax; add eax, 1; ret, or jmp rax */
static unsigned put(unsigned offset, uint64_t to, int call)
{
    static const uint8_t calls[] = { 0x48, 0x83, 0xec, 0x08, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x48, 0x83, 0xc4, 0x08, 0x83, 0xc0, 0x01, 0xc3 },
                         jumps[] = { 0x90, 0x90, 0x90, 0x90, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
    memcpy(code + offset, call ? calls : jumps, call ? sizeof calls : sizeof jumps);
    memcpy(code + offset + 6, &to, 8);
    return offset;
}

static unsigned put_number(unsigned offset, uint32_t n)
{
    code[offset] = 0xb8;                   /* mov eax, n; ret */
    memcpy(code + offset + 1, &n, 4);
    code[offset + 5] = 0xc3;
    return offset;
}

static int run(unsigned offset) { return ((int (*)(void))(uintptr_t)(code + offset))(); }

int main(void)
{
    static const uint64_t bad[] = { 0, 8, 0x7ffffffff000, 0xffff800000000000, 0xffffffffff600001 };
    struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned sum = 0;
    for (unsigned k = 0; k < 3000; k++) {
        put_number(64, k);
        put_number(4096, 3 * k);
        put(512, (uint64_t)(uintptr_t)(code + (k % 3 ? 64 : 4096)), 1);
        put(1024, (uint64_t)(uintptr_t)(code + 512), k & 1);
        put(256, (uint64_t)(uintptr_t)(code + 1024), 0);
        for (unsigned i = 0; i < 20; i++)
            sum = sum * 31 + (unsigned)run(256);
    }
    printf("%u\n", sum);
    for (unsigned k = 0; k < sizeof bad / sizeof *bad * 2; k++) {
        put(2048, bad[k / 2], k & 1);
        int sig = sigsetjmp(back, 1);
        if (!sig)
            printf("%d\n", run(2048));
        else
            printf("%s %#lx: signal %d at %#lx\n", k & 1 ? "call" : "jump", (unsigned long)bad[k / 2], sig, (unsigned long)at);
    }
    return 0;
}
