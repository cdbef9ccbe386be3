/* SPDX-License-Identifier: GPL-2.0-or-later
 * own_threads.c: wherry's own threads are those that are not in the guest's list. A child of vfork has no list of its own, and no such threads.
 */
#include "linux/own_threads.h"
#include <sys/stat.h>
#include <unistd.h>
#include "linux/clone.h"

static bool shares_list(void)
{
    const struct linux_thread *t = linux_current();
    return !t || t->vfork_child;
}

bool linux_own_thread(pid_t tid)
{
    bool known = shares_list() || tid == getpid();
    pthread_mutex_lock(&linux_process.lock);
    for (const struct linux_thread *t = linux_process.threads; t && !known; t = t->next)
        known = t->tid == tid;
    pthread_mutex_unlock(&linux_process.lock);
    return !known;
}

unsigned long linux_guest_threads(unsigned long all)
{
    if (shares_list())
        return all;
    unsigned long n = __atomic_load_n(&linux_process.n_threads, __ATOMIC_RELAXED) + linux_leader_ended();
    return n < all ? n : all;
}

unsigned long linux_guest_links(unsigned mode, unsigned long device, unsigned long inode, unsigned long links)
{
    struct stat own;
    if (!S_ISDIR(mode) || links < 3 || !engine_own_threads() || stat("/proc/self/task", &own) || own.st_dev != device || own.st_ino != inode)
        return links;
    return 2 + linux_guest_threads(links - 2);
}
