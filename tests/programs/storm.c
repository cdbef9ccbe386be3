/* SPDX-License-Identifier: GPL-2.0-or-later
 * storm.c: many signals: a fast timer over computing, system calls and memory that changes; real-time queues in order; all threads
 * at once; restarts of a slow read; stop and continue.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;
static void tick(int sig) { ticks++; }
static void handle(int sig, void (*f)(int), int flags) { struct sigaction a = { .sa_handler = f, .sa_flags = flags }; sigaction(sig, &a, NULL); }

static unsigned long work(unsigned n)
{
    unsigned long h = 1; double d = 1;
    for (unsigned i = 0; i < n; i++) { h = (h ^ i) * 0x9e3779b97f4a7c15ul; h = h << 7 | h >> 57; d = d * 1.0000001 + h % 3; h += (unsigned long)d; }
    return h;
}

static void timers(int flags)
{
    struct itimerval fast = { { 0, 100 }, { 0, 100 } }, off = { { 0, 0 }, { 0, 0 } };
    int which[] = { ITIMER_REAL, ITIMER_PROF, ITIMER_VIRTUAL }, sig[] = { SIGALRM, SIGPROF, SIGVTALRM };
    for (int i = 0; i < 3; i++) {
        handle(sig[i], tick, flags);
        ticks = 0;
        setitimer(which[i], &fast, NULL);
        unsigned long h = 0; int eintr = 0, bad = 0, p[2]; char c;
        if (pipe(p)) return;
        time_t until = time(NULL) + 20;
        for (int k = 0; (k < 40 || ticks < 30) && time(NULL) < until; k++) {
            if (k < 40) h ^= work(100000); else work(100000);
            char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (m == MAP_FAILED) { bad++; continue; }
            memset(m, k, 65536); bad += m[65535] != (char)k; munmap(m, 65536);
            for (int j = 0; j < 20; j++) { if (write(p[1], &k, 1) != 1) eintr++; else bad += read(p[0], &c, 1) != 1 || c != (char)k; }
        }
        setitimer(which[i], &off, NULL);
        printf("%d: %016lx ticked %d bad %d eintr %d\n", i, h, ticks >= 30, bad, flags & SA_RESTART ? eintr : 0);
        close(p[0]); close(p[1]);
    }
}

static int order[64], n_order;
static void note(int sig, siginfo_t *info, void *uc) { if (n_order < 64) order[n_order++] = sig * 100 + info->si_value.sival_int; }
static void queues(void)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    for (int i = 0; i < 3; i++) { struct sigaction a = { .sa_sigaction = note, .sa_flags = SA_SIGINFO }; sigfillset(&a.sa_mask); sigaction(SIGRTMIN + 1 + i, &a, NULL); }
    for (int i = 0; i < 12; i++) { union sigval v = { .sival_int = i }; sigqueue(getpid(), SIGRTMIN + 1 + (11 - i) % 3, v); }
    sigprocmask(SIG_SETMASK, &old, NULL);
    for (int i = 0; i < n_order; i++) printf("%d ", order[i]);
    printf("\n");
}

static volatile int go_on = 1;
static volatile long got;
static void count(int sig) { __atomic_add_fetch(&got, 1, __ATOMIC_RELAXED); }
static void *target(void *arg) { unsigned long h = 0; while (go_on) h += work(1000); return (void *)(h | 1); }
static void at_threads(void)
{
    pthread_t t[8];
    long sent = 0;
    handle(SIGUSR1, count, SA_RESTART);
    for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, target, NULL);
    for (int n = 0; n < 2000; n++) sent += pthread_kill(t[n % 8], SIGUSR1) == 0;
    usleep(10000);
    go_on = 0;
    for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
    printf("sent %ld got some %d not more %d\n", sent, got > 0, got <= sent);
}

static void slow_read(int flags)
{
    int p[2]; char c = 0;
    if (pipe(p)) return;
    handle(SIGALRM, tick, flags);
    pid_t pid = fork();
    if (!pid) { for (int i = 0; i < 5; i++) { usleep(20000); kill(getppid(), SIGALRM); } usleep(20000); if (write(p[1], "z", 1)) ; _exit(0); }
    int eintr = 0; long r;
    while ((r = read(p[0], &c, 1)) < 0 && errno == EINTR) eintr++;
    printf("read %ld %c eintr %d\n", r, c, flags ? eintr == 0 : eintr > 0);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) ;
    close(p[0]); close(p[1]);
}

static void stops(void)
{
    int status, p[2]; char c;
    if (pipe(p)) return;
    pid_t pid = fork();
    if (!pid) { signal(SIGCONT, SIG_DFL); if (write(p[1], "r", 1)) ; for (;;) work(1000); }
    if (read(p[0], &c, 1)) ;
    kill(pid, SIGSTOP); waitpid(pid, &status, WUNTRACED); printf("stopped %d %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT); waitpid(pid, &status, WCONTINUED); printf("continued %d\n", WIFCONTINUED(status));
    kill(pid, SIGTSTP); waitpid(pid, &status, WUNTRACED); printf("stopped %d %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGKILL); waitpid(pid, &status, 0); printf("killed %d %d\n", WIFSIGNALED(status), WTERMSIG(status));
    for (int i = 0; i < 50; i++) { pid = fork(); if (!pid) for (;;) work(1000); kill(pid, SIGKILL); waitpid(pid, &status, 0); if (WTERMSIG(status) != SIGKILL) printf("child %d: %x\n", i, status); }
}

int main(void)
{
    timers(SA_RESTART); timers(0); queues(); at_threads(); slow_read(SA_RESTART); slow_read(0); stops();
    return 0;
}
