/* SPDX-License-Identifier: GPL-2.0-or-later
 * thread.c: host threads, for guest threads and for wherry's own. Nobody joins them.
 *
 * The host's libc believes that two signals are its own (SIGCANCEL, SIGSETXID): with its first thread it takes and unblocks one of them, and every new
 * thread begins with the other one unblocked, whatever its maker's mask. Guests use both (their libc's timers and setuid), so both are given back
 * before run() begins.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "engine/engine.h"

enum { FIRST_OF_LIBC = 32, LAST_OF_LIBC = 33, N_OF_LIBC = LAST_OF_LIBC - FIRST_OF_LIBC + 1 };

struct beginning { void *(*run)(void *); void *arg; sem_t go; };
struct action { uint64_t words[8]; };                /* the kernel's struct sigaction, or more */

uint64_t engine_block_signals(void)
{
    uint64_t all = ~ENGINE_FAULT_SIGNALS, old = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8);
    return old;
}

static void *begin(void *arg)
{
    struct beginning b = *(struct beginning *)arg;
    engine_block_signals();
    while (sem_wait(&((struct beginning *)arg)->go)) {}
    free(arg);
    return b.run(b.arg);
}

static int create(size_t stack, void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, stack);
    int error = pthread_create(&thread, &attr, begin, arg);
    pthread_attr_destroy(&attr);
    return error;
}

/* The first thread of all: nobody else is there to change a handler meanwhile. */
static int create_first(size_t stack, void *arg)
{
    struct action kept[N_OF_LIBC];
    for (int k = 0; k < N_OF_LIBC; k++)
        syscall(SYS_rt_sigaction, FIRST_OF_LIBC + k, NULL, &kept[k], 8);
    int error = create(stack, arg);
    for (int k = 0; k < N_OF_LIBC; k++)
        syscall(SYS_rt_sigaction, FIRST_OF_LIBC + k, &kept[k], NULL, 8);
    return error;
}

int engine_start_thread(size_t stack, void *(*run)(void *), void *arg)
{
    static int begun;                                 /* atomic: libc has its first thread */
    struct beginning *b = malloc(sizeof *b);
    if (!b)
        return ENOMEM;
    *b = (struct beginning){ .run = run, .arg = arg };
    sem_init(&b->go, 0, 0);
    uint64_t old = engine_block_signals();
    int error = __atomic_load_n(&begun, __ATOMIC_ACQUIRE) ? create(stack, b) : create_first(stack, b);
    __atomic_store_n(&begun, 1, __ATOMIC_RELEASE);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    if (error)
        free(b);
    else
        sem_post(&b->go);
    return error;
}
