/* SPDX-License-Identifier: GPL-2.0-or-later
 * signal_loop: a timer's signals interrupt a loop without system calls, with and without many registers in use. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
static volatile sig_atomic_t ticks;
static void tick(int sig) { ticks++; }
int main(void) {
    struct sigaction sa = { .sa_handler = tick };
    struct itimerval it = { { 0, 2000 }, { 0, 2000 } }, off = { 0 };
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &it, NULL);
    unsigned long x = 88172645463325252ul, sum = 0, rounds = 0;
    double d = 1.0;
    while (ticks < 50) {
        for (int i = 0; i < 1000; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; sum += x; d = d * 1.0000001 + 1e-9; }
        rounds++;
    }
    setitimer(ITIMER_REAL, &off, NULL);
    unsigned long y = 88172645463325252ul, sum2 = 0;
    double e = 1.0;
    for (unsigned long r = 0; r < rounds * 1000; r++) { y ^= y << 13; y ^= y >> 7; y ^= y << 17; sum2 += y; e = e * 1.0000001 + 1e-9; }
    printf("%s %s %s\n", ticks >= 50 ? "ticked" : "no", sum == sum2 && x == y ? "same" : "DIFFERENT", memcmp(&d, &e, 8) ? "DIFFERENT" : "same");
    /* a loop that only a signal ends */
    ticks = 0;
    setitimer(ITIMER_REAL, &it, NULL);
    while (!ticks) {}
    puts("out of the empty loop");
    return 0;
}
