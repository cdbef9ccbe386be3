/* SPDX-License-Identifier: GPL-2.0-or-later
 * syscall.h: the table of system calls, as the dispatcher, -strace and the handlers of files see it.
 */
#ifndef LINUX_SYSCALL_H
#define LINUX_SYSCALL_H
#include "linux/linux.h"

enum linux_kind {
#define KIND(NAME, direction, size, printer) KIND_##NAME,
#include "linux/kinds.def"
#undef KIND
    N_KINDS
};
struct linux_call { const char *name; linux_sys_fn *handler; uint8_t n_args, kind[6]; };
#define LINUX_N_CALLS 470
extern const struct linux_call linux_calls[LINUX_N_CALLS];       /* name NULL: no such number */

/* The path that the guest names at this address, as the host's system call wants it: `guest` itself (relative, unreadable or too long:
 * the kernel says what is wrong with it) or the address of buf with the place in the root. */
uint64_t linux_path_argument(uint64_t guest, bool follow, char buf[4096]);
/* Copy a guest string; its length, or -1 when it can't be read or doesn't fit. */
long linux_get_string(uint64_t guest, char *buf, size_t size);
/* Is fd one that wherry keeps for itself? The guest may not close or replace it. */
bool linux_fd_reserved(int fd);

/* strace.c: describe a call's arguments before it is made, and print the line afterwards. */
struct linux_strace { char text[4096]; size_t n; unsigned next; };
void linux_strace_before(struct linux_strace *s, uint64_t nr, const uint64_t args[6]);
void linux_strace_after(struct linux_strace *s, uint64_t nr, const uint64_t args[6], int64_t result);
#endif
