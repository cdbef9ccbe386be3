/* SPDX-License-Identifier: GPL-2.0-or-later
 * locks.c: what threads wait for: robust and priority-inheriting mutexes whose owner dies (a thread, a process), cancellation at its
 * points, condition variables with a time, barriers, read-write locks, once, thread-specific data, and 500 threads at once.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t robust, pi;
static void *lock_and_leave(void *m) { pthread_mutex_lock(m); return NULL; }

static void make(pthread_mutex_t *m, int protocol, int how, int shared)
{
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, protocol);
    pthread_mutexattr_setrobust(&a, how);
    pthread_mutexattr_setpshared(&a, shared);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
    printf("init %d\n", pthread_mutex_init(m, &a));
}

static void owner_dies(int protocol)
{
    pthread_t t;
    make(&robust, protocol, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_PRIVATE);
    pthread_create(&t, NULL, lock_and_leave, &robust);
    pthread_join(t, NULL);
    printf("lock %d\n", pthread_mutex_lock(&robust));
    printf("consistent %d\n", pthread_mutex_consistent(&robust));
    printf("unlock %d\n", pthread_mutex_unlock(&robust));
    printf("lock %d unlock %d\n", pthread_mutex_lock(&robust), pthread_mutex_unlock(&robust));
    pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    make(shared, protocol, PTHREAD_MUTEX_ROBUST, PTHREAD_PROCESS_SHARED);
    for (int kind = 0; kind < 3; kind++) {
        pid_t pid = fork();
        if (!pid) {
            pthread_mutex_lock(shared);
            if (kind == 0) _exit(0);
            if (kind == 1) kill(getpid(), SIGKILL);
            execl("/bin/true", "true", NULL);
        }
        int status;
        waitpid(pid, &status, 0);
        printf("process %d: lock %d", kind, pthread_mutex_lock(shared));
        printf(" consistent %d", pthread_mutex_consistent(shared));
        printf(" unlock %d\n", pthread_mutex_unlock(shared));
    }
}

static volatile int turns;
static void *contend(void *arg)
{
    for (int i = 0; i < 2000; i++) { pthread_mutex_lock(&pi); turns++; if (i % 64 == 0) sched_yield(); pthread_mutex_unlock(&pi); }
    return NULL;
}
static void inherit(void)
{
    pthread_t t[4];
    make(&pi, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED, PTHREAD_PROCESS_PRIVATE);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, contend, NULL);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    printf("turns %d\n", turns);
    pthread_mutex_lock(&pi);
    printf("relock %d\n", pthread_mutex_lock(&pi));
    struct timespec at; clock_gettime(CLOCK_REALTIME, &at); at.tv_nsec += 1000000; if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
    pthread_mutex_unlock(&pi);
    printf("timed %d\n", pthread_mutex_timedlock(&pi, &at));
    pthread_mutex_unlock(&pi);
}

static void cleaned(void *what) { printf("cleaned %s\n", (char *)what); fflush(stdout); }
static void *wait_read(void *fd) { char c; pthread_cleanup_push(cleaned, "read"); if (read(*(int *)fd, &c, 1)) ; pthread_cleanup_pop(0); return NULL; }
static void *wait_sleep(void *arg) { pthread_cleanup_push(cleaned, "sleep"); for (;;) sleep(100); pthread_cleanup_pop(0); return NULL; }
static void *wait_cond(void *arg)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&m);
    pthread_cleanup_push(cleaned, "cond"); pthread_cond_wait(&c, &m); pthread_cleanup_pop(0);
    return NULL;
}
static void *spin(void *arg) { pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL); pthread_cleanup_push(cleaned, "spin"); for (;;) ++*(volatile int *)arg; pthread_cleanup_pop(0); return NULL; }
static void *disabled(void *arg) { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); usleep(20000); pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL); pthread_cleanup_push(cleaned, "test"); pthread_testcancel(); pthread_cleanup_pop(0); return (void *)1; }

static void cancels(void)
{
    int fd[2], n = 0;
    if (pipe(fd)) return;
    void *(*what[])(void *) = { wait_read, wait_sleep, wait_cond, spin, disabled };
    for (int i = 0; i < 5; i++) {
        pthread_t t; void *r;
        pthread_create(&t, NULL, what[i], what[i] == wait_read ? (void *)fd : &n);
        do usleep(3000); while (what[i] == spin && !*(volatile int *)&n);          /* its handler is in place */
        int error = pthread_cancel(t);
        pthread_join(t, &r);
        printf("cancel %d result %d\n", error, r == PTHREAD_CANCELED);
    }
}

static pthread_barrier_t barrier;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int n_once, n_destroyed;
static void first(void) { __atomic_add_fetch(&n_once, 1, __ATOMIC_SEQ_CST); }
static void destroyed(void *p) { __atomic_add_fetch(&n_destroyed, 1, __ATOMIC_SEQ_CST); }
static void *crowd(void *arg)
{
    pthread_setspecific(key, arg);
    pthread_once(&once, first);
    pthread_barrier_wait(&barrier);
    return pthread_getspecific(key) == arg ? arg : NULL;
}
static void crowds(void)
{
    enum { N = 500 };
    static pthread_t t[N];
    int right = 0;
    pthread_attr_t a; pthread_attr_init(&a); pthread_attr_setstacksize(&a, 65536);
    pthread_key_create(&key, destroyed);
    pthread_barrier_init(&barrier, NULL, N);
    for (int i = 0; i < N; i++) if (pthread_create(&t[i], &a, crowd, &t[i])) { printf("no thread %d\n", i); exit(1); }
    for (int i = 0; i < N; i++) { void *r; pthread_join(t[i], &r); right += r == &t[i]; }
    printf("crowd %d once %d destroyed %d\n", right, n_once, n_destroyed);
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static long pair[2]; static int torn;
static void *reader(void *arg) { for (int i = 0; i < 3000; i++) { pthread_rwlock_rdlock(&rw); if (pair[0] != pair[1]) torn++; pthread_rwlock_unlock(&rw); } return NULL; }
static void *writer(void *arg) { for (int i = 0; i < 3000; i++) { pthread_rwlock_wrlock(&rw); pair[0]++; pair[1]++; pthread_rwlock_unlock(&rw); } return NULL; }
static void timed(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, i & 1 ? writer : reader, NULL);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    printf("rw %ld torn %d\n", pair[0], torn);
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c; pthread_condattr_t a;
    pthread_condattr_init(&a); pthread_condattr_setclock(&a, CLOCK_MONOTONIC); pthread_cond_init(&c, &a);
    struct timespec at; clock_gettime(CLOCK_MONOTONIC, &at);
    pthread_mutex_lock(&m);
    printf("timedwait %d\n", pthread_cond_timedwait(&c, &m, &at));
    sem_t s; sem_init(&s, 0, 1);
    clock_gettime(CLOCK_REALTIME, &at);
    printf("sem %d %d", sem_trywait(&s), sem_trywait(&s)); printf(" %d", sem_timedwait(&s, &at)); printf(" errno %d\n", errno);
}

int main(void)
{
    owner_dies(PTHREAD_PRIO_NONE); owner_dies(PTHREAD_PRIO_INHERIT); inherit(); cancels(); crowds(); timed();
    return 0;
}
