/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_args.h: a system call's pointers into pages with views (engine.h), which the kernel can't follow at the guest's addresses.
 */
#ifndef LINUX_MEMORY_ARGS_H
#define LINUX_MEMORY_ARGS_H
#include "linux/syscall.h"

/* a copy that stands for guest memory during the call; the kernel may write to it where `was` is not NULL */
struct linux_bounce { uint64_t guest; uint8_t *copy, *was; size_t size; };
struct linux_view_call {
    uint64_t args[6];                          /* for the handler */
    struct linux_bounce bounce[8];
    unsigned n;
    void *own[8];                              /* translated arrays */
    unsigned n_own;
    uint64_t message;                          /* the guest's msghdr, or 0; own[0] is ours */
};
/* args: the guest's. Only to be called while engine_views() is not 0. */
void linux_view_begin(struct linux_view_call *v, uint64_t nr, const struct linux_call *call, const uint64_t args[6]);
void linux_view_end(struct linux_view_call *v);
/* A guest's string for the host's kernel: where it is, or a copy that is never freed. */
const char *linux_view_string(uint64_t guest);
#endif
