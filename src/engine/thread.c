/* SPDX-License-Identifier: GPL-2.0-or-later
 * thread.c: host threads, for guest threads and for wherry's own. Nobody joins them.
 */
#include <pthread.h>
#include "engine/engine.h"

int engine_start_thread(size_t stack, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, stack);
    int error = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    return error;
}
