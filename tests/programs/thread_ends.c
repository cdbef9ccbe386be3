/* SPDX-License-Identifier: GPL-2.0-or-later
 * thread_ends: signals while threads begin and end: none comes that is blocked, even those that libc calls its own, and none is lost. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
enum { THREADS = 300, STACK = 64 << 10, SIGNALS = 3000 };
static volatile int hits, done;
static int sent;            /* the signal: not among the last, which some emulators lack */
static void hit(int sig) { __atomic_fetch_add(&hits, 1, __ATOMIC_SEQ_CST); }
static int wait_a_little(void *go) { while (!__atomic_load_n((int *)go, __ATOMIC_SEQ_CST)) sched_yield(); return 0; }
static void set_mask(int how, uint64_t mask) { syscall(SYS_rt_sigprocmask, how, &mask, NULL, 8); }

/* a thread that has had signals 32 and 33 blocked from its first moment on gets them at once */
static void begin_blocked(void)
{
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    set_mask(SIG_BLOCK, 3ull << 31);
    for (int n = 0; n < THREADS; n++) {
        volatile int go = 0, tid = 1;
        int t = clone(wait_a_little, stack + STACK, flags, (void *)&go, NULL, NULL, &tid);
        int r = syscall(SYS_tgkill, getpid(), t, 32) | syscall(SYS_tgkill, getpid(), t, 33);
        if (t < 0 || r) { printf("clone %d tgkill %d\n", t, r); return; }
        go = 1;
        while (tid) sched_yield();
    }
    puts("blocked from the beginning");
}

static void *short_life(void *arg)
{
    set_mask(SIG_UNBLOCK, 1ull << (sent - 1));
    for (volatile int n = 0; n < 100; n++) {}
    return NULL;
}

static void *make_threads(void *arg)
{
    while (!done) {
        pthread_t a, b;
        int have = pthread_create(&a, NULL, short_life, NULL) == 0;
        if (pthread_create(&b, NULL, short_life, NULL) == 0) pthread_join(b, NULL);
        if (have) pthread_join(a, NULL);
    }
    return NULL;
}

/* signals to the process, which only threads that soon end don't block */
static void ends_without_loss(void)
{
    pthread_t maker;
    struct sigaction sa = { .sa_handler = hit, .sa_flags = SA_RESTART };
    sigaction(sent, &sa, NULL);
    set_mask(SIG_BLOCK, 1ull << (sent - 1));
    pthread_create(&maker, NULL, make_threads, NULL);
    for (int n = 0; n < SIGNALS; n++) {
        while (sigqueue(getpid(), sent, (union sigval){ n })) {
            if (errno != EAGAIN) { perror("sigqueue"); _exit(1); }
            sched_yield();
        }
        if (n % 8 == 0) usleep(50);
    }
    done = 1;
    pthread_join(maker, NULL);
    set_mask(SIG_UNBLOCK, 1ull << (sent - 1));
    printf("%d of %d signals\n", hits, SIGNALS);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    sent = SIGRTMIN + 5;
    begin_blocked();
    ends_without_loss();
    return 0;
}
