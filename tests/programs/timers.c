/* SPDX-License-Identifier: GPL-2.0-or-later
 * timers: POSIX timers by signal and by thread, alarm, setitimer's virtual time, timerfd, overruns, clock_nanosleep. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
static volatile int hits, value, thread_hits, code;
static void hit(int sig, siginfo_t *info, void *uc) { hits++; value = info->si_value.sival_int; code = info->si_code; }
static void notify(union sigval v) { __atomic_fetch_add(&thread_hits, v.sival_int, __ATOMIC_SEQ_CST); }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
int main(void) {
    struct sigaction sa = { .sa_sigaction = hit, .sa_flags = SA_SIGINFO };
    sigaction(SIGRTMIN, &sa, NULL);
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGVTALRM, &sa, NULL);
    timer_t t;
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 99 };
    struct itimerspec it = { { 0, 5000000 }, { 0, 5000000 } };
    timer_create(CLOCK_MONOTONIC, &ev, &t);
    timer_settime(t, 0, &it, NULL);
    while (hits < 10) pause();
    timer_delete(t);
    printf("timer value %d code %d\n", value, code);
    struct sigevent th = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 1 };
    timer_create(CLOCK_MONOTONIC, &th, &t);
    timer_settime(t, 0, &it, NULL);
    while (__atomic_load_n(&thread_hits, __ATOMIC_SEQ_CST) < 5) usleep(1000);
    timer_delete(t);
    puts("timer thread");
    hits = 0;
    struct itimerval v = { { 0, 0 }, { 0, 10000 } };
    setitimer(ITIMER_VIRTUAL, &v, NULL);
    while (!hits) {}
    puts("virtual timer");
    hits = 0;
    double a = now();
    alarm(1);
    while (!hits) pause();
    a = now() - a;
    printf("alarm %s\n", a > 0.9 && a < 1.5 ? "1 s" : "?");
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(fd, 0, &it, NULL);
    uint64_t n = 0, sum = 0;
    while (sum < 5) { read(fd, &n, 8); sum += n; }
    puts("timerfd");
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += 30000000;
    if (ts.tv_nsec >= 1000000000) { ts.tv_sec++; ts.tv_nsec -= 1000000000; }
    a = now();
    printf("clock_nanosleep %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
    a = now() - a;
    printf("%s\n", a > 0.025 && a < 0.3 ? "30 ms" : "?");
    return 0;
}
