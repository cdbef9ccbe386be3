/* SPDX-License-Identifier: GPL-2.0-or-later
 * filters.h: classic BPF programs over struct seccomp_data (filter.c), and who is subject to which (seccomp.c).
 */
#ifndef LINUX_FILTERS_H
#define LINUX_FILTERS_H
#include <linux/filter.h>
#include <linux/seccomp.h>
#include "linux/linux.h"

/* A thread's filters: the newest first. They never change, and are never freed: other threads may be in them. */
struct linux_filter { const struct linux_filter *older; unsigned n; struct sock_filter insn[]; };

/* May this program be installed? As the kernel decides it. */
bool filter_valid(const struct sock_filter *insn, unsigned n);
/* What a valid program returns: an action and its data */
uint32_t filter_run(const struct linux_filter *f, const struct seccomp_data *data);

/* Is the call refused by the thread's filters or strict mode? Then *result is what comes of it. */
bool linux_seccomp_stops(struct cpu *cpu, uint64_t nr, const uint64_t a[6], int64_t *result);
int64_t linux_seccomp_prctl(struct cpu *cpu, uint64_t mode, uint64_t filter);
void linux_seccomp_inherit(struct linux_thread *child, const struct linux_thread *parent);
/* Over execve: a descriptor that holds the filters, -1 if there are none, or a negative errno; and in the new program, from it. */
int  linux_seccomp_pass(const struct linux_thread *t);
int  linux_seccomp_take(struct linux_thread *t, int fd);
static inline unsigned linux_seccomp_count(const struct linux_thread *t)
{
    unsigned n = 0;
    for (const struct linux_filter *f = __atomic_load_n(&t->filters, __ATOMIC_ACQUIRE); f; f = f->older)
        n++;
    return n;
}
#endif
