/* SPDX-License-Identifier: GPL-2.0-or-later
 * restart: read with SA_RESTART goes on after a signal, without it gives EINTR; nanosleep and poll never restart and tell what is left. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile int hits;
static void hit(int sig) { hits++; }
static void handler(int flags) {
    struct sigaction sa = { .sa_handler = hit, .sa_flags = flags };
    sigaction(SIGALRM, &sa, NULL);
    hits = 0;
}
static void timer(int ms) {
    struct itimerval it = { { 0, 0 }, { ms / 1000, ms % 1000 * 1000 } };
    setitimer(ITIMER_REAL, &it, NULL);
}
int main(void) {
    int p[2], status;
    char c;
    pipe(p);
    handler(0);
    timer(50);
    int r = read(p[0], &c, 1), e = errno;
    printf("read without SA_RESTART: %d %s hits %d\n", r, r < 0 && e == EINTR ? "EINTR" : "?", hits);
    handler(SA_RESTART);
    pid_t pid = fork();
    if (!pid) { usleep(200000); write(p[1], "x", 1); _exit(3); }
    timer(50);
    r = read(p[0], &c, 1);
    printf("read with SA_RESTART: %d %c hits %d\n", r, c, hits);
    r = waitpid(pid, &status, 0);
    printf("child %s status %d\n", r == pid ? "waited" : "?", WEXITSTATUS(status));
    pid = fork();
    if (!pid) { usleep(200000); _exit(4); }
    handler(SA_RESTART);
    timer(50);
    r = waitpid(pid, &status, 0);
    printf("waitpid with SA_RESTART: %s %d hits %d\n", r == pid ? "pid" : "?", WEXITSTATUS(status), hits);
    struct timespec ts = { 5, 0 }, left = { 0 };
    timer(50);
    handler(SA_RESTART);
    r = nanosleep(&ts, &left);
    printf("nanosleep: %d %s left %ld.%d hits %d\n", r, errno == EINTR ? "EINTR" : "?", left.tv_sec, (int)(left.tv_nsec / 100000000), hits);
    handler(SA_RESTART);
    timer(50);
    struct pollfd pf = { p[0], POLLIN };
    r = poll(&pf, 1, 5000);
    printf("poll: %d %s hits %d\n", r, errno == EINTR ? "EINTR" : "?", hits);
    handler(SA_RESTART);
    timer(50);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    struct timeval tv = { 5, 0 };
    r = select(p[0] + 1, &set, NULL, NULL, &tv);
    printf("select: %d %s left %s hits %d\n", r, errno == EINTR ? "EINTR" : "?", tv.tv_sec == 4 ? "4.x" : "?", hits);
    handler(SA_RESTART);
    timer(50);
    r = pause();
    printf("pause: %d %s hits %d\n", r, errno == EINTR ? "EINTR" : "?", hits);
    return 0;
}
