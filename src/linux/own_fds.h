/* SPDX-License-Identifier: GPL-2.0-or-later
 * own_fds.h: descriptors that wherry keeps open for itself among the guest's: the log, and on hosts with larger pages memory files and mapped files.
 * The guest can't close or replace them, and doesn't see them in /proc/self/fd.
 */
#ifndef LINUX_OWN_FDS_H
#define LINUX_OWN_FDS_H
#include <stdbool.h>

/* add: before other threads run, or under memory.c's lock; a negative fd is none */
void linux_own_fd_add(int fd);
void linux_own_fd_remove(int fd);
bool linux_own_fd(int fd);
/* How many there are; the first `room` of them go to fds. */
unsigned linux_own_fds(int *fds, unsigned room);
#endif
