/* SPDX-License-Identifier: GPL-2.0-or-later
 * sigsuspend: masks, pending signals, sigsuspend, sigwait, sigtimedwait, sigqueue with values and their order. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static void show(int sig, siginfo_t *info, void *uc) {
    printf("handler %d code %d value %d %s\n", sig - (sig >= SIGRTMIN ? SIGRTMIN : 0), info->si_code, info->si_value.sival_int,
           info->si_pid == getpid() ? "own" : "other");
}
static void plain(int sig) { printf("plain %d\n", sig); }
int main(void) {
    struct sigaction sa = { .sa_sigaction = show, .sa_flags = SA_SIGINFO };
    sigset_t block, old, pending, none;
    setvbuf(stdout, NULL, _IONBF, 0);
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGRTMIN + 3, &sa, NULL);
    sigaction(SIGRTMIN + 1, &sa, NULL);
    signal(SIGUSR2, plain);
    sigemptyset(&block); sigemptyset(&none);
    sigaddset(&block, SIGUSR1); sigaddset(&block, SIGUSR2); sigaddset(&block, SIGRTMIN + 3); sigaddset(&block, SIGRTMIN + 1); sigaddset(&block, SIGSEGV);
    sigprocmask(SIG_BLOCK, &block, &old);
    raise(SIGUSR1);
    raise(SIGUSR1);
    for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = i });
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 77 });
    sigpending(&pending);
    printf("pending %d %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2), sigismember(&pending, SIGRTMIN + 3));
    puts("suspend");
    int r = sigsuspend(&none);
    printf("sigsuspend %d %d\n", r, errno == EINTR);
    sigpending(&pending);
    printf("pending %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 3));
    siginfo_t info;
    struct timespec ts = { 0, 20000000 };
    printf("sigtimedwait %d errno %d\n", sigtimedwait(&block, &info, &ts), errno == EAGAIN);
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 5 });
    printf("sigtimedwait %d", sigtimedwait(&block, &info, &ts));
    printf(" value %d code %d\n", info.si_value.sival_int, info.si_code);
    kill(getpid(), SIGUSR2);
    int sig;
    sigwait(&block, &sig);
    printf("sigwait %d\n", sig);
    kill(getpid(), SIGSEGV);
    sigpending(&pending);
    printf("SIGSEGV pending %d\n", sigismember(&pending, SIGSEGV));
    signal(SIGSEGV, plain);
    sigprocmask(SIG_SETMASK, &old, NULL);
    kill(getpid(), SIGSEGV);
    puts("end");
    return 0;
}
