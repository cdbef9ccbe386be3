/* SPDX-License-Identifier: GPL-2.0-or-later
 * altstack: a stack overflow is caught on the alternate stack, several times; sigaltstack's answers; SS_AUTODISARM. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/resource.h>
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
static sigjmp_buf out;
static char *alt;
static volatile int on, eperm;
static void overflow(int sig, siginfo_t *info, void *uc) {
    stack_t ss, zero = { .ss_flags = SS_DISABLE };
    char here;
    sigaltstack(NULL, &ss);
    on = (ss.ss_flags & SS_ONSTACK) && &here > alt && &here < alt + 65536;
    eperm = sigaltstack(&zero, NULL) == -1 && errno == EPERM;
    siglongjmp(out, 1);
}
static int deep(int n) { volatile char pad[512]; pad[0] = n; return deep(n + 1) + pad[0]; }
static void disarmed(int sig) {
    stack_t ss;
    sigaltstack(NULL, &ss);
    printf("in the handler: %s\n", ss.ss_flags & SS_DISABLE ? "disarmed" : "armed");
}
int main(void) {
    struct rlimit rl = { 1 << 20, 8 << 20 };
    alt = malloc(65536);
    stack_t ss = { .ss_sp = alt, .ss_size = 65536 }, old, small = { .ss_sp = alt, .ss_size = 100 }, bad = { .ss_sp = alt, .ss_size = 65536, .ss_flags = 77 };
    struct sigaction sa = { .sa_sigaction = overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    setrlimit(RLIMIT_STACK, &rl);
    sigaltstack(NULL, &old);
    printf("at first: %x\n", old.ss_flags);
    printf("small %d\n", sigaltstack(&small, NULL) ? errno : 0);
    printf("bad %d\n", sigaltstack(&bad, NULL) ? errno : 0);
    printf("set %d\n", sigaltstack(&ss, NULL));
    sigaction(SIGSEGV, &sa, NULL);
    for (volatile int i = 0; i < 3; i++) {
        if (!sigsetjmp(out, 1)) printf("%d", deep(0));
        printf("caught, on the alternate stack %d, eperm %d\n", on, eperm);
    }
    ss.ss_flags = SS_AUTODISARM;
    sigaltstack(&ss, NULL);
    sa.sa_handler = disarmed;
    sa.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    sigaltstack(NULL, &old);
    printf("afterwards %s %s\n", old.ss_sp == alt ? "armed" : "lost", old.ss_flags & SS_AUTODISARM ? "autodisarm" : "plain");
    return 0;
}
