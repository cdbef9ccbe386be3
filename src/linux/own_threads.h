/* SPDX-License-Identifier: GPL-2.0-or-later
 * own_threads.h: threads that wherry has beside the guest's: those that compile for tier 2, and those that lend a child their place (vfork.c). The guest
 * doesn't see them in /proc/self/task, nor in the numbers of threads there.
 */
#ifndef LINUX_OWN_THREADS_H
#define LINUX_OWN_THREADS_H
#include <stdbool.h>
#include <sys/types.h>

/* Is it a thread of this process that the guest does not know of? */
bool linux_own_thread(pid_t tid);
/* The number of threads that the kernel told of this process, without wherry's own */
unsigned long linux_guest_threads(unsigned long all);
/* The number of links of a directory: /proc/PID/task has one for each thread. */
unsigned long linux_guest_links(unsigned mode, unsigned long device, unsigned long inode, unsigned long links);
#endif
