/* SPDX-License-Identifier: GPL-2.0-or-later
 * divide.c: a hot loop that at last divides by 0. Without arguments nobody handles the signal; `handled`: a handler is there from the start; `late`: it is
 * installed when the loop is hot already. It prints what the loop's registers hold.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static unsigned long sum;

static void handler(int sig, siginfo_t *info, void *context)
{
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("signal %d code %d divisor %lld i %lld sum %lld\n", sig, info->si_code, (long long)g[REG_RCX], (long long)g[REG_RBX], (long long)g[REG_R12]);
    fflush(stdout);
    _Exit(7);
}

static void install(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = handler;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGFPE, &a, NULL);
}

__attribute__((noinline)) static void divide(unsigned long from, unsigned long least)
{
    register unsigned long i __asm__("rbx") = from, s __asm__("r12") = sum;
    for (; i >= least && i <= from; i--) {
        unsigned long q = 1000003, rest = 0, d = i;
        __asm__ volatile("div %2" : "+a"(q), "+d"(rest) : "c"(d));
        s += q ^ rest;
    }
    sum = s;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "handled"))
        install();
    divide(300000, 1);
    printf("sum %lu\n", sum);
    fflush(stdout);
    if (argc > 1 && !strcmp(argv[1], "late"))
        install();
    divide(300000, 0);
    printf("not reached %lu\n", sum);
}
