/* SPDX-License-Identifier: GPL-2.0-or-later
 * signal.c: from the host's signals to the guest's: host handlers, what is pending, delivery, forced signals, death by a signal.
 * The protocol (S3 to S5) is in sighand.h; S1 and S2 in safe_syscall.S. System V ABI, signal(7), sigaction(2).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "engine/log.h"
#include "host/context.h"
#include "linux/hostcall.h"
#include "linux/sighand.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

struct host_sigaction {                       /* the host kernel's structure */
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct linux_sighand process_sighand = { .lock = PTHREAD_MUTEX_INITIALIZER };
static uint64_t inherited_mask;

/* ---- the host's mask ---- */

void linux_set_host_mask(uint64_t mask) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8); }

/* Bit LINUX_PENDING_SYNC says whether an emulated signal is waiting and not blocked. The handler may queue another meanwhile: then again. */
static void update_sync_pending(struct linux_thread *t)
{
    uint64_t seen;
    do {
        seen = t->signals->sync_queued;
        if (seen & ~t->sigmask) __atomic_fetch_or(&t->pending, LINUX_PENDING_SYNC, __ATOMIC_SEQ_CST);
        else __atomic_fetch_and(&t->pending, ~LINUX_PENDING_SYNC, __ATOMIC_SEQ_CST);
    } while (seen != t->signals->sync_queued);
}

void linux_note_sigmask(struct linux_thread *t, uint64_t mask)
{
    t->sigmask = mask & ~LINUX_UNBLOCKABLE;
    update_sync_pending(t);
}

/* ---- host handlers ---- */

extern const char linux_safe_syscall_start[], linux_safe_syscall_end[], linux_safe_syscall_pending[];

/* the kernel's part of uc_sigmask is 8 bytes, whatever libc's type */
static void block_all_after(ucontext_t *uc)
{
    uint64_t all = linux_host_mask(~0ull);
    memcpy(&uc->uc_sigmask, &all, 8);
}

/* S1: a call that has not begun is not begun */
static void leave_safe_syscall(ucontext_t *uc)
{
    uintptr_t pc = host_context_pc(uc);
    if (pc >= (uintptr_t)linux_safe_syscall_start && pc < (uintptr_t)linux_safe_syscall_end) host_context_set_pc(uc, (uintptr_t)linux_safe_syscall_pending);
}

/* Send it again: to this thread when a guest runs on it, else to the process. Keeps the siginfo. */
static void requeue(const siginfo_t *info, bool to_thread)
{
    siginfo_t copy = *info;
    if (to_thread) syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), copy.si_signo, &copy);
    else syscall(SYS_rt_sigqueueinfo, getpid(), copy.si_signo, &copy);
}

static void catch_sync_sent(struct linux_thread *t, int sig, const siginfo_t *info)
{
    struct linux_signal_thread *s = t->signals;
    if (!(s->sync_queued & linux_sigbit(sig))) {
        s->sync_info[sig] = *info;
        __atomic_fetch_or(&s->sync_queued, linux_sigbit(sig), __ATOMIC_SEQ_CST);
    }
    update_sync_pending(t);
}

static void catch_sent(int sig, const siginfo_t *info, ucontext_t *uc)
{
    struct linux_thread *t = linux_current();
    bool sync = linux_sigbit(sig) & LINUX_SYNC_SIGNALS;
    if (!t || !t->signals) {                   /* no guest on this thread: another one shall have it */
        block_all_after(uc);
        if (!sync) requeue(info, false);
        return;
    }
    if (sync) {
        catch_sync_sent(t, sig, info);
    } else if (t->pending & LINUX_PENDING_ASYNC) {
        block_all_after(uc);
        requeue(info, true);
    } else {
        block_all_after(uc);
        t->pending_info = *info;
        __atomic_fetch_or(&t->pending, LINUX_PENDING_ASYNC, __ATOMIC_SEQ_CST);
    }
    if (t->pending) {
        leave_safe_syscall(uc);
        cpu_interrupt(t->cpu);
    }
}

static void __attribute__((noreturn)) internal_fault(int sig, const siginfo_t *info, ucontext_t *uc)
{
    char text[256];
    int n = snprintf(text, sizeof text, "wherry: internal error: SIG%s at host pc %#" PRIxPTR ", address %p, guest pc %#" PRIx64 "\n",
                     sigabbrev_np(sig), (uintptr_t)host_context_pc(uc), info->si_addr, cpu_current() ? engine_guest_pc(uc) : 0);
    if (write(2, text, n) < 0) _exit(128 + sig);
    linux_die_by_signal(sig);
}

static void catch_fault(int sig, siginfo_t *info, ucontext_t *uc)
{
    struct linux_thread *t = linux_current();
    bool memory = sig == SIGSEGV || sig == SIGBUS;
    int access = memory ? host_context_fault(uc) : 0;
    if (sig == SIGSEGV && (access < 0 || access & 2) && linux_write_fault((uintptr_t)info->si_addr)) {
        engine_written_code(info, uc);
        return;
    }
    if (sig == SIGSEGV && linux_stack_fault((uintptr_t)info->si_addr, access)) return;
    if (memory && linux_mixed_fault(info, access, uc)) return;
    sig = info->si_signo;
    if (t && t->signals && memory) t->signals->fault = access;
    if (engine_host_fault(sig, info, uc) == ENGINE_FAULT_OTHER) internal_fault(sig, info, uc);
}

static void host_handler(int sig, siginfo_t *info, void *uc)
{
    int saved = errno;
    if ((linux_sigbit(sig) & LINUX_SYNC_SIGNALS) && info->si_code > 0) catch_fault(sig, info, uc);
    else catch_sent(sig, info, uc);
    errno = saved;
}

#ifdef __x86_64__
void linux_host_restorer(void);
#endif

static int64_t host_sigaction(int sig, const struct host_sigaction *act, struct host_sigaction *old, bool safe)
{
    if (safe) return linux_safe_syscall(SYS_rt_sigaction, sig, (long)act, (long)old, 8, 0, 0);
    return linux_host(SYS_rt_sigaction, sig, act, old, 8);
}

int64_t linux_install_handler(int sig, const struct linux_sigaction *act, bool safe)
{
    bool sync = linux_sigbit(sig) & LINUX_SYNC_SIGNALS, own = act->handler > LINUX_SIG_IGN;
    struct host_sigaction h = { .handler = host_handler, .mask = ~0ull };
    h.flags = act->flags & (LINUX_SA_NOCLDSTOP | LINUX_SA_NOCLDWAIT | LINUX_SA_RESTART);
    if (!own && !sync) {
        h.handler = (void (*)(int, siginfo_t *, void *))act->handler;
        h.mask = 0;
    } else {
        h.flags |= SA_SIGINFO | SA_ONSTACK | (own ? 0 : SA_RESTART);
    }
#ifdef __x86_64__
    h.flags |= LINUX_SA_RESTORER;
    h.restorer = linux_host_restorer;
#endif
    return host_sigaction(sig, &h, NULL, safe);
}

long linux_safe_syscall_host(const volatile int *pending, long nr, long a, long b, long c, long d, long e, long f);

long linux_safe_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    static const volatile int never;
    struct linux_thread *t = linux_current();
    return linux_safe_syscall_host(t ? &t->pending : &never, nr, a, b, c, d, e, f);
}

/* ---- set-up ---- */

void linux_signal_init(void)
{
    struct linux_thread *t = linux_current();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &inherited_mask, 8);
    for (int sig = 1; sig <= LINUX_NSIG; sig++) {
        struct host_sigaction old;
        struct linux_sigaction *act = &process_sighand.act[sig];
        if (host_sigaction(sig, NULL, &old, false) < 0) continue;
        act->handler = (uintptr_t)old.handler == LINUX_SIG_IGN ? LINUX_SIG_IGN : LINUX_SIG_DFL;
        if (linux_sigbit(sig) & LINUX_SYNC_SIGNALS) linux_install_handler(sig, act, false);
    }
    if (t) linux_note_sigmask(t, inherited_mask);
    linux_set_host_mask(linux_host_mask(inherited_mask));
}

void linux_signal_own_stack(struct linux_thread *t)
{
    size_t size = 128 * 1024, least = getauxval(AT_MINSIGSTKSZ) + 64 * 1024;
    if (size < least) size = least;
    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) {
        fprintf(stderr, "wherry: no memory for a signal stack\n");
        _exit(1);
    }
    t->signals->stack = stack;
    t->signals->stack_size = size;
    stack_t ss = { .ss_sp = stack, .ss_size = size };
    sigaltstack(&ss, NULL);
}

void linux_signal_thread_init(struct linux_thread *t)
{
    if (t->signals) return;
    t->sighand = &process_sighand;
    t->signals = calloc(1, sizeof *t->signals);
    if (!t->signals) {
        fprintf(stderr, "wherry: no memory for a signal stack\n");
        _exit(1);
    }
    linux_signal_own_stack(t);
    linux_note_sigmask(t, inherited_mask);
}

/* The host's signals are blocked, and the thread takes no more. */
void linux_signal_thread_free(struct linux_thread *t)
{
    stack_t off = { .ss_flags = SS_DISABLE };
    if (!t->signals) return;
    if (t->signals->stack) {
        sigaltstack(&off, NULL);
        munmap(t->signals->stack, t->signals->stack_size);
    }
    free(t->signals);
    t->signals = NULL;
}

int linux_signal_copy(struct linux_thread *child, const struct linux_thread *parent)
{
    child->sighand = malloc(sizeof *child->sighand);
    child->signals = calloc(1, sizeof *child->signals);
    if (!child->sighand || !child->signals) return -1;
    pthread_mutex_lock(&parent->sighand->lock);
    memcpy(child->sighand->act, parent->sighand->act, sizeof child->sighand->act);
    pthread_mutex_unlock(&parent->sighand->lock);
    pthread_mutex_init(&child->sighand->lock, NULL);
    child->sigmask = parent->sigmask;
    return 0;
}

void linux_signal_free_copy(struct linux_thread *child)
{
    if (child->signals && child->signals->stack) munmap(child->signals->stack, child->signals->stack_size);
    free(child->sighand);
    free(child->signals);
}

/* A new process has nothing pending, and its handlers' lock may have been another thread's. */
void linux_signal_fork_child(void)
{
    struct linux_thread *t = linux_current();
    pthread_mutex_init(&t->sighand->lock, NULL);
    t->signals->sync_queued = 0;
    t->pending = 0;
}

void linux_signals_before_exec(struct linux_thread *t)
{
    for (int sig = 1; sig <= LINUX_NSIG; sig++) {
        struct host_sigaction ignore = { .handler = (void (*)(int, siginfo_t *, void *))LINUX_SIG_IGN };
        if ((linux_sigbit(sig) & LINUX_SYNC_SIGNALS) && t->sighand->act[sig].handler == LINUX_SIG_IGN) host_sigaction(sig, &ignore, NULL, false);
    }
    linux_set_host_mask(t->sigmask | (t->pending ? linux_host_mask(~0ull) : 0));
}

void linux_signals_exec_failed(struct linux_thread *t)
{
    for (int sig = 1; sig <= LINUX_NSIG; sig++)
        if ((linux_sigbit(sig) & LINUX_SYNC_SIGNALS) && t->sighand->act[sig].handler == LINUX_SIG_IGN) linux_install_handler(sig, &t->sighand->act[sig], false);
    uint64_t open = LINUX_SYNC_SIGNALS;        /* the others may all be blocked by a signal caught meanwhile */
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &open, NULL, 8);
}

/* ---- delivery ---- */

static struct linux_sigaction take_action(struct linux_thread *t, int sig)
{
    struct linux_sigaction *slot = &t->sighand->act[sig], act;
    pthread_mutex_lock(&t->sighand->lock);
    act = *slot;
    if (act.handler > LINUX_SIG_IGN && (act.flags & LINUX_SA_RESETHAND)) {
        slot->handler = LINUX_SIG_DFL;
        linux_install_handler(sig, slot, false);
    }
    pthread_mutex_unlock(&t->sighand->lock);
    return act;
}

static void trace_signal(const siginfo_t *info)
{
    const char *name = sigabbrev_np(info->si_signo);
    char detail[64];
    if (!log_on(LOG_INT | LOG_STRACE)) return;
    if (info->si_code > 0 && (linux_sigbit(info->si_signo) & LINUX_SYNC_SIGNALS)) snprintf(detail, sizeof detail, "si_addr=%p", info->si_addr);
    else snprintf(detail, sizeof detail, "si_pid=%d, si_uid=%u", info->si_pid, info->si_uid);
    log_printf("%d --- SIG%s {si_signo=%d, si_code=%d, %s} ---\n", getpid(), name ? name : "RT", info->si_signo, info->si_code, detail);
}

/* the guest's stack could not take a frame: SIGSEGV, deadly if that was the signal */
static void frame_failed(struct cpu *cpu, int sig)
{
    siginfo_t info = { .si_signo = SIGSEGV, .si_code = SI_KERNEL };
    if (sig == SIGSEGV) linux_die_by_signal(SIGSEGV);
    linux_force_signal(cpu, &info);
}

/* one signal that the kernel has handed over; true if a frame was made */
static bool deliver(struct cpu *cpu, const siginfo_t *info)
{
    struct linux_thread *t = cpu->os;
    int sig = info->si_signo;
    struct linux_sigaction act = take_action(t, sig);
    if (act.handler == LINUX_SIG_IGN) return false;
    if (act.handler == LINUX_SIG_DFL) {        /* changed since it was caught: the kernel does it */
        if (linux_sigbit(sig) & LINUX_SYNC_SIGNALS) linux_die_by_signal(sig);
        requeue(info, true);
        return false;
    }
    trace_signal(info);
    if (t->restart) linux_syscall_interrupted(cpu, act.flags & LINUX_SA_RESTART);
    if (linux_make_frame(cpu, &act, info)) {
        frame_failed(cpu, sig);
        return true;
    }
    t->restore_sigmask = false;
    linux_note_sigmask(t, t->sigmask | act.mask | (act.flags & LINUX_SA_NODEFER ? 0 : linux_sigbit(sig)));
    return true;
}

/* A frame was made while an asynchronous signal is held: if the new mask blocks it, it goes back to the kernel's queue (all is blocked there now). */
static void settle_mask(struct linux_thread *t, uint64_t old)
{
    if (t->pending & LINUX_PENDING_ASYNC) {
        uint64_t bit = linux_sigbit(t->pending_info.si_signo);
        if (!(t->sigmask & ~old & bit)) return;
        requeue(&t->pending_info, true);
        __atomic_fetch_and(&t->pending, ~LINUX_PENDING_ASYNC, __ATOMIC_SEQ_CST);
    } else if (linux_host_mask(old) == linux_host_mask(t->sigmask)) {
        return;
    }
    linux_set_host_mask(linux_host_mask(t->sigmask));
}

/* one of the emulated signals that are not blocked */
static bool deliver_sync(struct cpu *cpu)
{
    struct linux_thread *t = cpu->os;
    uint64_t old = t->sigmask, ready = t->signals->sync_queued & ~old;
    if (!ready) {
        update_sync_pending(t);
        return false;
    }
    int sig = __builtin_ctzll(ready) + 1;
    siginfo_t info = t->signals->sync_info[sig];
    __atomic_fetch_and(&t->signals->sync_queued, ~linux_sigbit(sig), __ATOMIC_SEQ_CST);
    update_sync_pending(t);
    bool made = deliver(cpu, &info);
    settle_mask(t, old);
    return made;
}

/* Nothing was delivered after all: the mask that the wait had goes. */
static void restore_mask(struct linux_thread *t)
{
    t->restore_sigmask = false;
    linux_note_sigmask(t, t->saved_sigmask);
    linux_set_host_mask(linux_host_mask(t->sigmask));
}

bool linux_deliver_pending(struct cpu *cpu)
{
    struct linux_thread *t = cpu->os;
    bool changed = false;
    while (t->pending) {
        if (t->pending & LINUX_PENDING_SYNC) {
            changed |= deliver_sync(cpu);
            continue;
        }
        siginfo_t info = t->pending_info;
        __atomic_fetch_and(&t->pending, ~LINUX_PENDING_ASYNC, __ATOMIC_SEQ_CST);
        changed |= deliver(cpu, &info);
        linux_set_host_mask(linux_host_mask(t->sigmask));
    }
    if (t->restore_sigmask) restore_mask(t);
    return changed;
}

void linux_force_signal(struct cpu *cpu, const siginfo_t *info)
{
    struct linux_thread *t = cpu->os;
    uint64_t old = t->sigmask;
    struct linux_sigaction *act = &t->sighand->act[info->si_signo];
    if (act->handler <= LINUX_SIG_IGN || (t->sigmask & linux_sigbit(info->si_signo))) {
        trace_signal(info);
        linux_die_by_signal(info->si_signo);
    }
    deliver(cpu, info);
    settle_mask(t, old);
}

void linux_die_by_signal(int sig)
{
    struct host_sigaction dfl = { 0 };
    uint64_t open = ~linux_sigbit(sig);
    if (log_on(LOG_STRACE)) log_printf("%d +++ killed by SIG%s +++\n", getpid(), sigabbrev_np(sig));
    if (linux_process.config.stats) engine_stats(stderr);
    host_sigaction(sig, &dfl, NULL, false);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    linux_set_host_mask(open);
    for (;;) syscall(SYS_exit_group, 128 + sig);
}
