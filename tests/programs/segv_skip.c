/* SPDX-License-Identifier: GPL-2.0-or-later
 * segv_skip: handlers change registers and the pc in the context; SIGILL, SIGFPE, SIGTRAP with their codes; execution goes on as they say. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>
static volatile int sigs[4], codes[4], n;
static void skip(int sig, siginfo_t *info, void *v) {
    ucontext_t *uc = v;
    greg_t *g = uc->uc_mcontext.gregs;
    printf("sig %d code %d trap %d addr %s\n", sig, info->si_code, (int)g[REG_TRAPNO],
           (greg_t)info->si_addr == g[REG_RIP] ? "pc" : info->si_addr ? "other" : "0");
    if (sig == SIGTRAP) return;
    g[REG_RIP] += g[REG_R12];
    g[REG_R13] = 1234;
    g[REG_EFL] ^= 1;   /* carry */
}
int main(void) {
    struct sigaction sa = { .sa_sigaction = skip, .sa_flags = SA_SIGINFO };
    int all[] = { SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS };
    for (int i = 0; i < 5; i++) sigaction(all[i], &sa, NULL);
    uint64_t r13, c;
#define TRY(text, len, ...) \
    asm volatile("mov $" #len ", %%r12d\n xor %%r13d, %%r13d\n clc\n" text "\n setc %b1\n movzbl %b1, %k1\n mov %%r13, %0\n" \
                 : "=&r"(r13), "=&q"(c) : __VA_ARGS__ : "r12", "r13", "rax", "rdx", "rcx", "memory"); \
    printf("%-8.8s r13 %d carry %d\n", text, (int)r13, (int)c)
    TRY("ud2", 2, "r"(0));
    TRY("int3", 1, "r"(0));
    TRY("hlt", 1, "r"(0));
    TRY("xor %%edx, %%edx\n mov $1, %%eax\n xor %%ecx, %%ecx\n clc\n div %%ecx", 2, "r"(0));
    TRY("mov $0x80000000, %%eax\n cltd\n mov $-1, %%ecx\n clc\n idiv %%ecx", 2, "r"(0));
    TRY("xor %%eax, %%eax\n mov (%%rax), %%rax", 3, "r"(0));
    TRY("movabs $0x8000000000000000, %%rax\n mov (%%rax), %%rax", 3, "r"(0));
    TRY("in %%dx, %%al", 1, "r"(0));
    TRY("cli", 1, "r"(0));
    return 0;
}
