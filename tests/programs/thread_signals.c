/* SPDX-License-Identifier: GPL-2.0-or-later
 * thread_signals: pthread_kill, masks per thread, cancellation, signals to a blocked thread, robust mutexes, the first thread leaving first. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static volatile int got, where_ok, ready, cleaned;
static pthread_t target;
static void hit(int sig) { got++; where_ok = pthread_equal(pthread_self(), target); }
static void *sleeper(void *arg) {
    target = pthread_self();
    struct timespec ts = { 10, 0 };
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    int r = nanosleep(&ts, NULL);
    return (void *)(long)(r == -1 && errno == EINTR);
}
static void *spinner(void *arg) {
    target = pthread_self();
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    while (!got) {}
    return (void *)1;
}
static void cleanup(void *arg) { cleaned++; }
static void *cancelled(void *arg) {
    pthread_cleanup_push(cleanup, NULL);
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    sleep(10);
    pthread_cleanup_pop(0);
    return NULL;
}
static void *async_cancelled(void *arg) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    for (volatile long i = 0;; i++) {}
}
static pthread_mutex_t robust;
static void *dies_holding(void *arg) { pthread_mutex_lock(&robust); return NULL; }
static void *last(void *arg) { pthread_join((pthread_t)arg, NULL); usleep(20000); puts("last thread"); fflush(stdout); return NULL; }
static pthread_t start(void *(*f)(void *)) {
    pthread_t t;
    ready = 0;
    pthread_create(&t, NULL, f, NULL);
    while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST)) usleep(1000);
    return t;
}
int main(void) {
    void *r;
    struct sigaction sa = { .sa_handler = hit };
    setvbuf(stdout, NULL, _IONBF, 0);
    sigaction(SIGUSR1, &sa, NULL);
    pthread_t t = start(sleeper);
    usleep(50000);
    pthread_kill(t, SIGUSR1);
    pthread_join(t, &r);
    printf("sleeper %ld got %d in it %d\n", (long)r, got, where_ok);
    got = 0;
    t = start(spinner);
    pthread_kill(t, SIGUSR1);
    pthread_join(t, &r);
    printf("spinner %ld got %d in it %d\n", (long)r, got, where_ok);
    t = start(cancelled);
    pthread_cancel(t);
    pthread_join(t, &r);
    printf("cancelled %d cleaned %d\n", r == PTHREAD_CANCELED, cleaned);
    t = start(async_cancelled);
    pthread_cancel(t);
    pthread_join(t, &r);
    printf("cancelled in a loop %d\n", r == PTHREAD_CANCELED);
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &a);
    pthread_create(&t, NULL, dies_holding, NULL);
    pthread_join(t, NULL);
    int e = pthread_mutex_lock(&robust);
    printf("robust %s\n", e == EOWNERDEAD ? "owner died" : strerror(e));
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &s, NULL);
    kill(getpid(), SIGUSR2);
    int sig;
    sigwait(&s, &sig);
    printf("sigwait %d\n", sig);
    pthread_create(&t, NULL, last, (void *)pthread_self());
    pthread_exit(NULL);
}
