/* SPDX-License-Identifier: GPL-2.0-or-later
 * segv_repair: a SIGSEGV handler makes the page writable and the store is done again; si_code, si_addr and the context are looked at. */
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
static volatile int faults, code, err, trap;
static char *page, *at;
static void fix(int sig, siginfo_t *info, void *v) {
    ucontext_t *uc = v;
    faults++;
    code = info->si_code;
    at = info->si_addr;
    err = uc->uc_mcontext.gregs[REG_ERR];
    trap = uc->uc_mcontext.gregs[REG_TRAPNO];
    if ((uintptr_t)uc->uc_mcontext.gregs[REG_CR2] != (uintptr_t)at) puts("cr2 differs");
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE)) mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
static void report(const char *what) {
    printf("%s: faults %d code %d err %d trap %d at +%ld\n", what, faults, code, err, trap, (long)(at - page));
}
int main(void) {
    struct sigaction sa = { .sa_sigaction = fix, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[100] = 7;
    report("write to a read-only page");
    mprotect(page, 4096, PROT_NONE);
    volatile int v = page[100];
    report("read of a PROT_NONE page");
    printf("value %d\n", v);
    munmap(page, 4096);
    page[200] = 9;
    report("write to an unmapped page");
    mprotect(page, 4096, PROT_READ);
    memset(page + 10, 0x55, 1000);
    report("memset");
    printf("%d %d %d\n", page[9], page[10], page[1009]);
    for (int i = 0; i < 1000; i++) { mprotect(page, 4096, PROT_READ); page[i] = i; }
    printf("faults %d\n", faults);
    return 0;
}
