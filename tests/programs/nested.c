/* SPDX-License-Identifier: GPL-2.0-or-later
 * nested: handlers inside handlers, raise in a handler, SA_NODEFER, SA_RESETHAND, sa_mask, and longjmp out of handlers. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int depth, runs;
static sigjmp_buf env;
static void inner(int sig) { printf("%*sinner %d\n", depth * 2, "", sig); }
static void outer(int sig) {
    depth++;
    printf("%*souter begins %d\n", depth * 2, "", sig);
    raise(SIGUSR2);
    if (sig == SIGUSR1 && depth < 3 && runs++ % 4 < 2) raise(SIGUSR1);
    printf("%*souter ends\n", depth * 2, "");
    depth--;
}
static void jump(int sig) { siglongjmp(env, sig); }
static int install(int sig, void (*f)(int), int flags, int masked) {
    struct sigaction sa = { .sa_handler = f, .sa_flags = flags };
    if (masked) sigaddset(&sa.sa_mask, masked);
    return sigaction(sig, &sa, NULL);
}
int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    install(SIGUSR2, inner, 0, 0);
    install(SIGUSR1, outer, 0, 0);
    raise(SIGUSR1);
    runs = 0;
    puts("SA_NODEFER");
    install(SIGUSR1, outer, SA_NODEFER, 0);
    raise(SIGUSR1);
    puts("sa_mask");
    install(SIGUSR1, outer, 0, SIGUSR2);
    raise(SIGUSR1);
    puts("SA_RESETHAND");
    install(SIGUSR1, inner, SA_RESETHAND, 0);
    raise(SIGUSR1);
    struct sigaction sa;
    sigaction(SIGUSR1, NULL, &sa);
    printf("now %s\n", sa.sa_handler == SIG_DFL ? "default" : "handler");
    int n = 0;
    install(SIGUSR1, jump, 0, 0);
    install(SIGSEGV, jump, 0, 0);
    for (volatile int i = 0; i < 2000; i++) {
        int sig = sigsetjmp(env, 1);
        if (sig) { n += sig; continue; }
        if (i & 1) *(volatile int *)16 = 1;
        else raise(SIGUSR1);
    }
    printf("jumps %d\n", n);
    install(SIGUSR1, SIG_IGN, 0, 0);
    raise(SIGUSR1);
    memset(&sa, 0, sizeof sa);
    printf("sigaction(SIGKILL) %d, 0: %d, 65: %d\n", install(SIGKILL, jump, 0, 0), install(0, jump, 0, 0), install(65, jump, 0, 0));
    return 0;
}
