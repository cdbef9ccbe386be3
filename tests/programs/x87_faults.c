/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_faults: stores of the x87 that fault, inside a page and across two: the handler sees the registers, the unit and the address as they are, and
 * the instruction is done when it returns. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
static char *page;
static int faults;
static void on_fault(int sig, siginfo_t *info, void *ucontext) {
    mcontext_t *m = &((ucontext_t *)ucontext)->uc_mcontext;
    faults++;
    printf("%d at %ld: %04x, rdx %llx rbx %llx r9 %llx xmm3 %x top %u ftw %x\n", sig, (long)((char *)info->si_addr - page), *(uint16_t *)m->gregs[REG_RIP], m->gregs[REG_RDX],
           m->gregs[REG_RBX], m->gregs[REG_R9], m->fpregs->_xmm[3].element[0], m->fpregs->swd >> 11 & 7, m->fpregs->ftw);
    mprotect(page, 8192, PROT_READ | PROT_WRITE);
}
int main(void) {
    static const int places[] = { 0, 4092, 100 };
    struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int k = 0; k < 300; k++) {
        char *to = page + places[k % 3];
        uint64_t b = 0x1234567890ull + (uint64_t)k, d = b * 3, r9 = b * 7, n;
        double v;
        mprotect(page, 8192, PROT_READ | PROT_WRITE);
        memset(page, 0, 8192);
        if (k % 60 == 0 || k % 61 == 0) mprotect(k % 2 ? page + 4096 : page, 4096, k % 4 ? PROT_NONE : PROT_READ);
        __asm__ volatile("movd %4, %%xmm3\n\tfldpi\n\tfld1\n\tmov %1, %%rbx\n\tmov %2, %%rdx\n\tmov %3, %%r9\n\tfstpl (%0)\n\tfistpll 8(%0)"
                         : : "r"(to), "m"(b), "m"(d), "m"(r9), "r"(k * 11) : "rbx", "rdx", "r9", "xmm3", "memory");
        memcpy(&v, to, 8);
        memcpy(&n, to + 8, 8);
        if (v != 1 || n != 3) printf("%d: %g %lu\n", k, v, (unsigned long)n);
    }
    printf("%d faults\n", faults);
    return 0;
}
