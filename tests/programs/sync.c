/* SPDX-License-Identifier: GPL-2.0-or-later
 * sync: many signals against system calls: none lost, none twice, no call's result changed. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { N = 3000 };
static volatile sig_atomic_t queued, bad;
static void hit(int sig, siginfo_t *info, void *uc) { int e = errno; if (info->si_value.sival_int != queued) bad++; queued++; errno = e; getppid(); }
int main(void) {
    struct sigaction sa = { .sa_sigaction = hit, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGRTMIN + 2, &sa, NULL);
    int p[2];
    pipe(p);
    pid_t parent = getpid(), pid = fork();
    if (!pid) {
        for (int i = 0; i < N; i++)
            while (sigqueue(parent, SIGRTMIN + 2, (union sigval){ .sival_int = i }) && errno == EAGAIN) usleep(100);
        for (int i = 0; i < 100; i++) { usleep(500); write(p[1], "abcdefgh", 8); }
        _exit(0);
    }
    char buf[8];
    long got = 0, wrong = 0;
    for (int i = 0; i < 100; i++) {
        int r = read(p[0], buf, 8);
        if (r != 8 || memcmp(buf, "abcdefgh", 8)) wrong++;
        got += r;
        if (getpid() != parent) wrong++;
    }
    while (queued < N) usleep(1000);
    int status;
    waitpid(pid, &status, 0);
    printf("got %ld wrong %ld signals %d out of order %d\n", got, wrong, queued, bad);
    return 0;
}
