/* SPDX-License-Identifier: GPL-2.0-or-later
 * waits: ppoll, pselect and epoll_pwait with a mask and a signal that waits behind it; epoll's data; eventfd; the mask afterwards. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>
static volatile int hits, blocked_inside;
static void hit(int sig) {
    sigset_t s;
    hits++;
    sigprocmask(SIG_SETMASK, NULL, &s);
    blocked_inside = sigismember(&s, SIGUSR1) + 2 * sigismember(&s, SIGUSR2);
}
static void report(const char *what, int r) {
    int e = errno;
    sigset_t s;
    sigprocmask(SIG_SETMASK, NULL, &s);
    printf("%s: %d %s hits %d inside %d now %d%d\n", what, r, r < 0 && e == EINTR ? "EINTR" : "", hits, blocked_inside, sigismember(&s, SIGUSR1), sigismember(&s, SIGUSR2));
    hits = 0;
}
int main(void) {
    sigset_t block, none;
    struct timespec ts = { 2, 0 }, zero = { 0, 0 };
    struct pollfd pf = { 0, 0 };
    int p[2];
    pipe(p);
    pf.fd = p[0];
    pf.events = POLLIN;
    signal(SIGUSR1, hit);
    signal(SIGUSR2, hit);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigaddset(&block, SIGUSR2);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    report("ppoll, masked", ppoll(&pf, 1, &zero, NULL));
    report("ppoll", ppoll(&pf, 1, &ts, &none));
    raise(SIGUSR2);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    report("pselect", pselect(p[0] + 1, &set, NULL, NULL, &ts, &none));
    raise(SIGUSR1);
    raise(SIGUSR2);
    int ep = epoll_create1(0);
    struct epoll_event ev[3], add = { EPOLLIN, { .u64 = 0x1122334455667788ull } };
    epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &add);
    report("epoll_pwait", epoll_pwait(ep, ev, 3, 2000, &none));
    int efd = eventfd(3, 0);
    add.data.u64 = 42;
    epoll_ctl(ep, EPOLL_CTL_ADD, efd, &add);
    write(p[1], "x", 1);
    int n = epoll_wait(ep, ev, 3, 1000);
    uint64_t sum = 0, v = 0;
    for (int i = 0; i < n; i++) sum += ev[i].data.u64;
    printf("epoll %d %llx\n", n, (unsigned long long)sum);
    read(efd, &v, 8);
    printf("eventfd %llu\n", (unsigned long long)v);
    n = poll(&pf, 1, 100);
    printf("poll %d %x\n", n, pf.revents);
    printf("select %d\n", select(p[0] + 1, &set, NULL, NULL, NULL));
    n = epoll_wait(ep, ev, 0, 0);
    printf("epoll bad %d %d\n", n, errno == EINVAL);
    return 0;
}
