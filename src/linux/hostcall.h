/* SPDX-License-Identifier: GPL-2.0-or-later
 * hostcall.h: how handlers of system calls are written and how they reach the host's kernel.
 */
#ifndef LINUX_HOSTCALL_H
#define LINUX_HOSTCALL_H
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "linux/linux.h"

/* head of a handler: the guest's six arguments are a to f */
#define SYS(name) int64_t linux_sys_##name(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)

/* a host system call that never blocks long: its result or a negative errno */
#define linux_host(...) linux_host_result(syscall(__VA_ARGS__))
static inline int64_t linux_host_result(long r) { return r == -1 ? -errno : r; }

/* copy a structure in or out; -EFAULT */
static inline int64_t linux_get(void *to, uint64_t from, size_t size) { return engine_copy_from(to, from, size) ? -EFAULT : 0; }
static inline int64_t linux_put(uint64_t to, const void *from, size_t size)
{
    linux_will_write(to, size);
    return engine_copy_to(to, from, size) ? -EFAULT : 0;
}
/* a handler that hands its arguments to the same host call */
#define SYS_PASS(name) SYS(name) { return linux_host(SYS_##name, a, b, c, d, e, f); }
#endif
