/* SPDX-License-Identifier: GPL-2.0-or-later
 * own_fds.c: the list of wherry's own descriptors. It only grows, so that it is read without a lock (a fork may come at any moment).
 */
#include "linux/own_fds.h"
#include <stddef.h>
#include <stdlib.h>

enum { SLOTS = 62 };
struct chunk { struct chunk *next; int fd[SLOTS]; };       /* fd + 1; 0: free */
static struct chunk first;

static int *slot_of(int value)
{
    for (struct chunk *c = &first; c; c = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE))
        for (unsigned i = 0; i < SLOTS; i++)
            if (__atomic_load_n(&c->fd[i], __ATOMIC_RELAXED) == value)
                return &c->fd[i];
    return NULL;
}

bool linux_own_fd(int fd) { return fd >= 0 && slot_of(fd + 1); }

void linux_own_fd_add(int fd)
{
    if (fd < 0 || linux_own_fd(fd))
        return;
    int *slot = slot_of(0);
    if (!slot) {
        struct chunk *c = &first, *more = calloc(1, sizeof *more);
        if (!more)
            return;                            /* the guest may see it then */
        while (c->next)
            c = c->next;
        __atomic_store_n(&c->next, more, __ATOMIC_RELEASE);
        slot = more->fd;
    }
    __atomic_store_n(slot, fd + 1, __ATOMIC_RELAXED);
}

void linux_own_fd_remove(int fd)
{
    int *slot = fd < 0 ? NULL : slot_of(fd + 1);
    if (slot)
        __atomic_store_n(slot, 0, __ATOMIC_RELAXED);
}

unsigned linux_own_fds(int *fds, unsigned room)
{
    unsigned n = 0;
    for (struct chunk *c = &first; c; c = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE))
        for (unsigned i = 0; i < SLOTS; i++) {
            int fd = __atomic_load_n(&c->fd[i], __ATOMIC_RELAXED) - 1;
            if (fd >= 0 && n++ < room)
                fds[n - 1] = fd;
        }
    return n;
}
