/* SPDX-License-Identifier: GPL-2.0-or-later
 * clone.h: clone and clone3 in one form, between sys_process.c (processes) and thread.c (threads).
 */
#ifndef LINUX_CLONE_H
#define LINUX_CLONE_H
#include "linux/linux.h"

struct linux_clone {                   /* clone3's structure; flags without the exit signal; stack = its top, 0 = go on with the parent's */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define LINUX_CLONE_CLEAR_SIGHAND 0x100000000ull
#define LINUX_CLONE_INTO_CGROUP 0x200000000ull
/* what is done for the guest's child by wherry; the host's clone must not see it */
#define LINUX_CLONE_IN_GUEST (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | LINUX_CLONE_CLEAR_SIGHAND)

/* vfork.c: a child that shares memory; the parent stands still meanwhile, or goes on. Its pid or negative errno */
int64_t linux_vfork(struct cpu *cpu, const struct linux_clone *args);
int64_t linux_clone_beside(struct cpu *cpu, const struct linux_clone *args);
bool linux_vfork_shares_memory(void);
/* CLONE_CLEAR_SIGHAND, in the child */
void linux_clear_handlers(struct linux_thread *t);
/* CLONE_THREAD: a new host thread; its tid or negative errno */
int64_t linux_clone_thread(struct cpu *cpu, const struct linux_clone *args);
/* the registers with which a clone's child begins, set in its cpu */
void linux_clone_child_state(struct cpu *child, const struct cpu *parent, const struct linux_clone *args);
/* CLONE_CHILD_SETTID and _CLEARTID, in the child */
void linux_clone_child_tid(struct linux_thread *t, const struct linux_clone *args);
/* what the kernel does when a thread ends: robust mutexes, clear_child_tid. The guest may reuse the thread's stack when this returns. */
void linux_thread_release(struct linux_thread *t);
/* the child of a fork: this is the only thread */
void linux_thread_fork_child(struct linux_thread *t);
bool linux_leader_ended(void);                     /* has the first thread ended, while others have not? */
#endif
