/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_signal.c: the system calls about signals. A change of the mask or of a handler goes through linux_safe_syscall: what was
 * caught before it is delivered first, under the old mask and handler. sigaction(2), sigprocmask(2), sigsuspend(2), signalfd(2).
 */
#include <string.h>
#include "linux/hostcall.h"
#include "linux/sighand.h"

#define CALL(name, ...) linux_safe_syscall(SYS_##name, __VA_ARGS__)

SYS(rt_sigaction)
{
    struct linux_thread *t = cpu->os;
    struct linux_sigaction act = { 0 }, old;
    if (d != 8) return -EINVAL;
    if (b && linux_get(&act, b, sizeof act)) return -EFAULT;
    if ((int)a < 1 || (int)a > LINUX_NSIG || (b && (linux_sigbit(a) & LINUX_UNBLOCKABLE))) return -EINVAL;
    act.flags &= LINUX_SA_KNOWN;
    act.mask &= ~LINUX_UNBLOCKABLE;
    pthread_mutex_lock(&t->sighand->lock);
    old = t->sighand->act[a];
    int64_t r = b ? linux_install_handler(a, &act, true) : 0;
    if (b && r >= 0) t->sighand->act[a] = act;
    bool handled = b && r >= 0 && act.handler > 1;
    pthread_mutex_unlock(&t->sighand->lock);
    if (r < 0) return r;
    if (handled) engine_guest_handles((int)a);
    return c ? linux_put(c, &old, sizeof old) : 0;
}

/* Give the host the new mask. Nothing to tell it when only the emulated five change. */
static int64_t set_sigmask(struct linux_thread *t, uint64_t mask)
{
    uint64_t host = linux_host_mask(mask & ~LINUX_UNBLOCKABLE);
    if (host != linux_host_mask(t->sigmask) || t->pending) {
        int64_t r = CALL(rt_sigprocmask, SIG_SETMASK, (long)&host, 0, 8, 0, 0);
        if (r < 0) return r;
    }
    linux_note_sigmask(t, mask);
    return 0;
}

SYS(rt_sigprocmask)
{
    struct linux_thread *t = cpu->os;
    uint64_t set, mask = t->sigmask, old = mask;
    if (d != 8) return -EINVAL;
    if (b) {
        if (linux_get(&set, b, 8)) return -EFAULT;
        switch ((int)a) {
        case SIG_BLOCK: mask |= set; break;
        case SIG_UNBLOCK: mask &= ~set; break;
        case SIG_SETMASK: mask = set; break;
        default: return -EINVAL;
        }
        int64_t r = set_sigmask(t, mask);
        if (r < 0) return r;
    }
    return c ? linux_put(c, &old, 8) : 0;
}

SYS(rt_sigpending)
{
    struct linux_thread *t = cpu->os;
    uint64_t set = 0;
    if (b > 8) return -EINVAL;
    int64_t r = linux_host(SYS_rt_sigpending, &set, 8);
    if (r < 0) return r;
    set = (set | t->signals->sync_queued) & t->sigmask;
    return linux_put(a, &set, b);
}

bool linux_wait_mask_begin(struct linux_thread *t, uint64_t mask)
{
    t->saved_sigmask = t->sigmask;
    t->restore_sigmask = true;
    linux_note_sigmask(t, mask);
    return t->signals->sync_queued & ~t->sigmask;
}

int64_t linux_wait_mask_end(struct linux_thread *t, int64_t result)
{
    if (result == -EINTR) return result;
    t->restore_sigmask = false;
    linux_note_sigmask(t, t->saved_sigmask);
    return result;
}

SYS(rt_sigsuspend)
{
    struct linux_thread *t = cpu->os;
    uint64_t mask;
    if (b != 8) return -EINVAL;
    if (linux_get(&mask, a, 8)) return -EFAULT;
    mask &= ~LINUX_UNBLOCKABLE;
    uint64_t host = linux_host_mask(mask);
    return linux_wait_mask_end(t, linux_wait_mask_begin(t, mask) ? -EINTR : CALL(rt_sigsuspend, (long)&host, 8, 0, 0, 0, 0));
}

SYS(pause) { return CALL(ppoll, 0, 0, 0, 0, 8, 0); }

/* an emulated signal that sigtimedwait may take */
static int take_queued(struct linux_thread *t, uint64_t set, siginfo_t *info)
{
    uint64_t ready = t->signals->sync_queued & set;
    if (!ready) return 0;
    int sig = __builtin_ctzll(ready) + 1;
    *info = t->signals->sync_info[sig];
    __atomic_fetch_and(&t->signals->sync_queued, ~linux_sigbit(sig), __ATOMIC_SEQ_CST);
    linux_note_sigmask(t, t->sigmask);
    return sig;
}

SYS(rt_sigtimedwait)
{
    struct linux_thread *t = cpu->os;
    uint64_t set;
    siginfo_t info;
    if (d != 8) return -EINVAL;
    if (linux_get(&set, a, 8)) return -EFAULT;
    int sig = take_queued(t, set, &info);
    if (sig) return b && linux_put(b, &info, sizeof info) ? -EFAULT : sig;
    return CALL(rt_sigtimedwait, (long)&set, b, c, 8, 0, 0);
}

SYS(sigaltstack)
{
    struct linux_thread *t = cpu->os;
    uint64_t sp = cpu->state.gpr[X86_RSP];
    struct linux_stack ss, old = { t->altstack_sp, linux_altstack_state(t, sp), 0, t->altstack_size };
    if (a) {
        if (linux_get(&ss, a, sizeof ss)) return -EFAULT;
        int64_t r = linux_set_altstack(t, &ss, sp);
        if (r < 0) return r;
    }
    return b ? linux_put(b, &old, sizeof old) : 0;
}

/* ---- sending: signal numbers and siginfo are alike on all hosts that wherry serves ---- */

SYS(kill) { return linux_host(SYS_kill, (int)a, (int)b); }
SYS(tkill) { return linux_host(SYS_tkill, (int)a, (int)b); }
SYS(tgkill) { return linux_host(SYS_tgkill, (int)a, (int)b, (int)c); }
SYS(rt_sigqueueinfo) { return linux_host(SYS_rt_sigqueueinfo, (int)a, (int)b, c); }
SYS(rt_tgsigqueueinfo) { return linux_host(SYS_rt_tgsigqueueinfo, (int)a, (int)b, (int)c, d); }
SYS(pidfd_send_signal) { return linux_host(SYS_pidfd_send_signal, (int)a, (int)b, c, d); }

SYS(signalfd) { return linux_host(SYS_signalfd4, (int)a, b, c, 0); }
SYS(signalfd4) { return linux_host(SYS_signalfd4, (int)a, b, c, (int)d); }
