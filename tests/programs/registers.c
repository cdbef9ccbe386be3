/* SPDX-License-Identifier: GPL-2.0-or-later
 * registers.c: address arithmetic that wants more registers than a host has to spare, with its result in a register that
 * might be lent out meanwhile.
 */
#include <stdio.h>

static unsigned long chain(unsigned long a, unsigned long base, unsigned long zero)
{
    unsigned long r;
    __asm__ volatile("mov %1, %%r12\n\tmov %2, %%r10\n\tmov %3, %%rdi\n\tjmp 1f\n1:\n\t"
        "mov %%r12d, %%esi\n\tnot %%esi\n\tmovslq %%esi, %%rsi\n\tlea (%%rsi,%%rsi,2), %%rsi\n\tlea (%%r10,%%rsi,8), %%rsi\n\ttest %%rdi, %%rdi\n\tje 2f\n\tnop\n2:\n\tmov %%rsi, %0"
        : "=r"(r) : "r"(a), "r"(base), "r"(zero) : "r12", "r10", "rdi", "rsi", "cc");
    return r;
}

#define CHAIN(name, REG, REG32) static unsigned long name(unsigned long a, unsigned long base) { unsigned long r; \
    __asm__ volatile("mov %1, %%r12\n\tmov %2, %%r15\n\tjmp 1f\n1:\n\tmov %%r12d, %%" REG32 "\n\tneg %%" REG32 "\n\tmovslq %%" REG32 ", %%" REG "\n\t" \
        "lea (%%" REG ",%%" REG ",4), %%" REG "\n\tlea 7(%%r15,%%" REG ",2), %%" REG "\n\tmov %%" REG ", %0" : "=r"(r) : "r"(a), "r"(base) : "r12", "r15", REG, "cc"); return r; }
CHAIN(chain_rdx, "rdx", "edx")
CHAIN(chain_rdi, "rdi", "edi")
CHAIN(chain_rbx, "rbx", "ebx")
CHAIN(chain_r10, "r10", "r10d")

int main(void)
{
    for (unsigned long k = 0; k < 20; k++)
        printf("%lx %lx %lx %lx %lx\n", chain(k * 3, k << 33, k & 1), chain_rdx(k, ~k), chain_rdi(k * 5, k << 40), chain_rbx(k, 9), chain_r10(k, k));
    return 0;
}
