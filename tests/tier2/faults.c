/* SPDX-License-Identifier: GPL-2.0-or-later
 * faults.c: hot loops that fault, with handlers that look at every register and go on: at the same instruction with the page made accessible, behind it,
 * or by a jump out. Prints what the handlers saw; natively and under wherry it is the same. Arguments: late (the loops are hot when the handler comes),
 * and how many times longer to warm up, for regions that are made meanwhile.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGES = 64, PAGE = 4096 };
static uint8_t *area;
static unsigned n_faults;
static uint64_t seen;
static sigjmp_buf out;
static int how, all_known /* what all registers hold does not depend on addresses */;

static void look(const siginfo_t *info, const ucontext_t *u)
{
    static const int regs[] = { REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
    n_faults++;
    for (unsigned k = 0; all_known && k < sizeof regs / sizeof *regs; k++)
        seen = seen * 0x9e3779b97f4a7c15ull + (uint64_t)u->uc_mcontext.gregs[regs[k]];
    seen = seen * 31 + (uint64_t)info->si_code + ((uint64_t)info->si_addr & 0xfff);
    for (unsigned k = 0; all_known && k < 3; k++)
        seen = seen * 31 + u->uc_mcontext.fpregs->_xmm[k].element[0] + u->uc_mcontext.fpregs->_xmm[k].element[3];
}

static void handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    look(info, u);
    if (how == 0)                                        /* let it through */
        mprotect((void *)((uint64_t)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE);
    else if (how == 1)                                   /* over the instruction, which has 4 bytes */
        u->uc_mcontext.gregs[REG_RIP] += 4;
    else
        siglongjmp(out, 1);
}

/* All registers but the stack pointer hold something of the loop. Each round: a load, a store, a read-modify-write that takes the carry, and a vector
 * load, at places that walk through the area; each of them has 4 bytes. The read-modify-write comes to a page first. */
__attribute__((noinline)) static uint64_t walk(uint8_t *at, uint64_t rounds, uint64_t step)
{
    uint64_t sum;
    register uint64_t n __asm__("r12") = rounds, s __asm__("r15") = step;
    __asm__ volatile(
        "xor %%eax, %%eax\n\tmov $1, %%ebx\n\tmov $2, %%ecx\n\tmov $3, %%edx\n\tmov $4, %%esi\n\tmov $5, %%r8d\n\tmov $6, %%r9d\n\tmov $7, %%r10d\n\t"
        "mov $9, %%r11d\n\tmov $11, %%r13d\n\tmov $24, %%r14d\n\tpxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n"
        "1:\tmov 8(%%rdi), %%r11\n\t"
        "add %%r11, %%rax\n\tlea 1(%%rbx,%%rax), %%rbx\n\trol $3, %%rcx\n\txor %%rbx, %%rcx\n\t"
        "mov %%rax, (%%rdi,%%r14)\n\t"
        "add %%rcx, %%rdx\n\tpaddq %%xmm0, %%xmm0\n\tmovq %%rdx, %%xmm1\n\tpaddq %%xmm1, %%xmm0\n\tcmp %%rdx, %%rsi\n\t"
        "adc %%rsi, (%%rdi,%%r15)\n\t"
        "add $5, %%rsi\n\tadd %%rsi, %%r8\n\tsub %%r8, %%r9\n\tlea (%%r9,%%r10,2), %%r10\n\tadd %%r10b, %%r13b\n\t"
        "movups 32(%%rdi), %%xmm2\n\t"
        "pxor %%xmm2, %%xmm1\n\tadd %%r15, %%rdi\n\tsub $1, %%r12\n\tjnz 1b\n\t"
        "add %%r10, %%rax\n\tadd %%rdx, %%rax\n\tmovq %%xmm0, %%rbx\n\tadd %%rbx, %%rax\n\tadd %%r13, %%rax"
        : "=&a"(sum), "+D"(at), "+r"(n), "+r"(s) :
        : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r13", "r14", "xmm0", "xmm1", "xmm2", "memory", "cc");
    return sum;
}

/* the same with atomics and bytes */
__attribute__((noinline)) static uint64_t count(uint8_t *at, uint64_t rounds, uint64_t step)
{
    uint64_t sum = 0;
    for (; rounds--; at += step) {
        sum += __atomic_fetch_add((uint32_t *)(at + 8), (uint32_t)sum, __ATOMIC_SEQ_CST);
        __atomic_fetch_or((uint16_t *)(at + 16), (uint16_t)rounds, __ATOMIC_SEQ_CST);
        uint64_t expected = sum;
        __atomic_compare_exchange_n((uint64_t *)(at + 24), &expected, sum + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        sum += expected + __atomic_exchange_n(at + 32, (uint8_t)sum, __ATOMIC_SEQ_CST);
        at[33] = (uint8_t)(at[34] + sum);
    }
    return sum;
}

static void refuse(void)                                 /* every third page can't be touched, every third only read */
{
    for (unsigned k = 0; k < PAGES; k++)
        mprotect(area + k * PAGE, PAGE, k % 3 == 0 ? PROT_NONE : k % 3 == 1 ? PROT_READ : PROT_READ | PROT_WRITE);
}

static void warm(unsigned times)
{
    mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE);
    for (unsigned k = 0; k < 300 * times; k++)
        for (unsigned i = 0; i < PAGES * PAGE / 8; i += 997)
            ((uint64_t *)area)[i] = walk(area + (k & 7) * 8, 100, 8) + count(area + (k & 7) * 8, 20, 8);
    memset(area, 0, PAGES * PAGE);
    n_faults = 0;
    seen = 0;
}

static void faults_of_memory(void)
{
    static const char *const names[] = { "let through", "skipped", "left" };
    for (how = 0; how < 3; how++) {
        volatile uint64_t sum = 0;
        for (volatile unsigned k = 0; k < 4; k++) {
            refuse();
            all_known = 1;
            if (sigsetjmp(out, 1) == 0)
                sum += walk(area + 8 * k, (PAGES - 1) * PAGE / 72, 72);
            all_known = 0;
            if (sigsetjmp(out, 1) == 0 && how != 1)
                sum += count(area + 8 * k, (PAGES - 1) * PAGE / 136, 136);
        }
        printf("%s: %u faults, %llx seen, sum %llx\n", names[how], n_faults, (unsigned long long)seen, (unsigned long long)sum);
    }
}

/* floating point: unmasked exceptions, and divisions */
static void float_handler(int sig, siginfo_t *info, void *context)
{
    look(info, context);
    siglongjmp(out, 1);
}

__attribute__((noinline)) static double series(double x, unsigned n, double limit)
{
    double sum = 0;
    for (unsigned k = 0; k < n; k++)
        sum += x / (limit - k) * (k & 3 ? 1.5 : -0.5);
    return sum;
}

__attribute__((noinline)) static uint64_t quotients(uint32_t n, uint32_t limit)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += 1000000007u / (limit - k) + 77777 % (limit - k);
    return sum;
}

static void faults_of_arithmetic(void)
{
    volatile double sum = 0;
    volatile uint64_t whole = 0;
    struct sigaction a = { .sa_sigaction = float_handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGFPE, &a, NULL);
    feenableexcept(FE_DIVBYZERO | FE_INVALID);
    for (volatile unsigned k = 0; k < 100; k++) {
        if (sigsetjmp(out, 1) == 0)
            sum += series(k, 500, k % 2 ? 1000 : k);
        feclearexcept(FE_ALL_EXCEPT);
        feenableexcept(FE_DIVBYZERO | FE_INVALID);
        if (sigsetjmp(out, 1) == 0)
            whole += quotients(500, k % 2 ? 1000 : k);
    }
    printf("arithmetic: %u faults, %llx seen, sum %a %llx\n", n_faults, (unsigned long long)seen, sum, (unsigned long long)whole);
}

int main(int argc, char **argv)
{
    struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned times = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    if (argc > 1 && !strcmp(argv[1], "late"))
        warm(times);
    sigaction(SIGSEGV, &a, NULL);
    warm(times);
    faults_of_memory();
    n_faults = 0;
    seen = 0;
    faults_of_arithmetic();
    return 0;
}
