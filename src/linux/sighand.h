/* SPDX-License-Identifier: GPL-2.0-or-later
 * sighand.h: what signal.c, sigframe.c and sys_signal.c share. The protocol:
 *  S3 a caught asynchronous signal is kept in thread->pending_info and pending gets LINUX_PENDING_ASYNC; from then until it is delivered every
 *     asynchronous signal is blocked on the host, so the kernel queues the rest in its own order
 *  S4 otherwise the host's mask is the guest's mask, but for the five that a fault can raise: those are never blocked on the host and their
 *     blocking is emulated (sync_queued, LINUX_PENDING_SYNC)
 *  S5 a signal has a host handler only while the guest has one (the five always do); SIG_DFL and SIG_IGN are the kernel's own business
 */
#ifndef LINUX_SIGHAND_H
#define LINUX_SIGHAND_H
#include "linux/linux.h"

enum { LINUX_NSIG = 64, LINUX_PENDING_ASYNC = 1, LINUX_PENDING_SYNC = 2 };
enum { LINUX_SIG_DFL = 0, LINUX_SIG_IGN = 1 };
/* x86-64's flags of sigaction; POWER's and Arm's kernels use the same numbers */
#define LINUX_SA_NOCLDSTOP 0x1ull
#define LINUX_SA_NOCLDWAIT 0x2ull
#define LINUX_SA_SIGINFO 0x4ull
#define LINUX_SA_RESTORER 0x04000000ull
#define LINUX_SA_ONSTACK 0x08000000ull
#define LINUX_SA_RESTART 0x10000000ull
#define LINUX_SA_NODEFER 0x40000000ull
#define LINUX_SA_RESETHAND 0x80000000ull
#define LINUX_SA_KNOWN 0xdc000807ull   /* with SA_EXPOSE_TAGBITS; the kernel drops the others */

struct linux_sigaction { uint64_t handler, flags, restorer, mask; };   /* as x86-64's rt_sigaction has it */
struct linux_sighand { pthread_mutex_t lock; struct linux_sigaction act[LINUX_NSIG + 1]; };
struct linux_signal_thread {
    void *stack; size_t stack_size;          /* host alternate stack; NULL in a vfork child, which uses its parent's */
    volatile uint64_t sync_queued;           /* of the five: sent by kill and not delivered yet */
    siginfo_t sync_info[LINUX_NSIG + 1];
    int fault;                               /* host_context_fault of the last host fault */
    uint64_t trapno, err, cr2;               /* as the guest's sigcontext shows them */
};

static inline uint64_t linux_sigbit(int sig) { return 1ull << (sig - 1); }
#define LINUX_SYNC_SIGNALS ENGINE_FAULT_SIGNALS
#define LINUX_UNBLOCKABLE (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1))
static inline uint64_t linux_host_mask(uint64_t guest) { return guest & ~LINUX_SYNC_SIGNALS; }

/* the host thread's mask (engine_block_signals: all but the five) */
void linux_set_host_mask(uint64_t mask);
/* t->sigmask = mask, with the emulated pending state; the host's mask is the caller's business */
void linux_note_sigmask(struct linux_thread *t, uint64_t mask);
/* Around a call that waits under a mask of its own (sigsuspend, ppoll, ...): begin says whether an emulated signal ends the wait at
 * once; end takes the call's result. Interrupted: the mask stays for the handler's sake, and its frame brings the old one back. */
bool linux_wait_mask_begin(struct linux_thread *t, uint64_t mask);
int64_t linux_wait_mask_end(struct linux_thread *t, int64_t result);
/* give the host kernel what the guest wants for sig. safe: through linux_safe_syscall. Result or negative errno */
int64_t linux_install_handler(int sig, const struct linux_sigaction *act, bool safe);
/* before execve: the five as the new program should inherit them; afterwards (it failed): ours again */
void linux_signals_before_exec(struct linux_thread *t);
void linux_signals_exec_failed(struct linux_thread *t);
/* for a vfork child: a copy of the handlers, of the signal state */
int  linux_signal_copy(struct linux_thread *child, const struct linux_thread *parent);
void linux_signal_free_copy(struct linux_thread *child);
/* the calling host thread gets an alternate stack for the handlers, kept in t->signals */
void linux_signal_own_stack(struct linux_thread *t);
void linux_signal_thread_free(struct linux_thread *t);

/* sigframe.c: build the frame of a handler and point the registers at it. 0, or -1 when the stack can't take it (nothing changed) */
int  linux_make_frame(struct cpu *cpu, const struct linux_sigaction *act, const siginfo_t *info);
/* SS_ONSTACK, SS_DISABLE or 0, with SS_AUTODISARM, as of this stack pointer */
uint32_t linux_altstack_state(const struct linux_thread *t, uint64_t sp);
struct linux_stack { uint64_t sp; uint32_t flags, pad; uint64_t size; };
/* 0 or negative errno */
int64_t linux_set_altstack(struct linux_thread *t, const struct linux_stack *ss, uint64_t sp);
#endif
