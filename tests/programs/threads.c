/* SPDX-License-Identifier: GPL-2.0-or-later
 * threads: mutexes, condition variables, TLS, barriers, semaphores, once, detached threads, results. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
enum { N = 8, ROUNDS = 20000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, clock_ = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter, atomic_counter, turn;
static __thread long own = 5;
static __thread char big[10000];
static sem_t sem;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int once_runs, destroyed;
static void init(void) { once_runs++; }
static void destroy(void *p) { __atomic_fetch_add(&destroyed, 1, __ATOMIC_SEQ_CST); }
static void *work(void *arg) {
    long id = (long)arg;
    pthread_once(&once, init);
    pthread_setspecific(key, &own);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
        __atomic_fetch_add(&atomic_counter, 1, __ATOMIC_SEQ_CST);
        own += id;
        big[i % sizeof big] = i;
    }
    pthread_barrier_wait(&barrier);
    for (int r = 0; r < 50; r++) {
        pthread_mutex_lock(&clock_);
        while (turn % N != id) pthread_cond_wait(&cond, &clock_);
        turn++;
        pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&clock_);
    }
    return (void *)own;
}
static void *detached(void *arg) { sem_post(&sem); return NULL; }
int main(void) {
    pthread_t t[N];
    pthread_barrier_init(&barrier, NULL, N);
    pthread_key_create(&key, destroy);
    sem_init(&sem, 0, 0);
    for (long i = 0; i < N; i++) pthread_create(&t[i], NULL, work, (void *)i);
    for (int i = 0; i < N; i++) {
        void *r;
        pthread_join(t[i], &r);
        printf("thread %d: %ld\n", i, (long)r);
    }
    printf("%ld %ld %ld once %d destroyed %d own %ld\n", counter, atomic_counter, turn, once_runs, destroyed, own);
    for (int i = 0; i < 200; i++) {
        pthread_t d;
        pthread_attr_t a;
        pthread_attr_init(&a);
        pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
        if (pthread_create(&d, &a, detached, NULL)) puts("create failed");
        sem_wait(&sem);
    }
    for (int i = 0; i < 200; i++) { pthread_create(&t[0], NULL, detached, NULL); pthread_join(t[0], NULL); }
    puts("detached done");
    return 0;
}
