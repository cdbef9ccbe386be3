/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_process.c: processes: fork, clone, wait, and what a process may ask about itself.
 *  P1 a fork's child has one thread, the caller, and locks that nobody holds: every lock of the room is taken around the fork
 * fork(2), vfork(2), clone(2), wait(2), prctl(2), arch_prctl(2).
 */
#include <linux/prctl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "engine/log.h"
#include "linux/clone.h"
#include "linux/filters.h"
#include "linux/hostcall.h"
#include "linux/sighand.h"

#define TASK_SIZE_MAX 0x7ffffffff000ull

/* ---- fork ---- */

enum { SET_TID_MAX = 32 };

/* Numbers (copied by now) or a control group for the child: clone3's alone, on the host too */
static int64_t host_clone3(const struct linux_clone *args, uint64_t flags, int *pidfd)
{
    struct linux_clone host = { .flags = flags, .pidfd = (uintptr_t)pidfd, .exit_signal = args->exit_signal, .cgroup = args->cgroup,
        .set_tid = args->set_tid, .set_tid_size = args->set_tid_size };
    return linux_host(SYS_clone3, &host, sizeof host);
}

static bool is_special(const struct linux_clone *args) { return args->set_tid || args->flags & LINUX_CLONE_INTO_CGROUP; }

static bool is_plain_fork(const struct linux_clone *args)
{
    return !(args->flags & ~(uint64_t)LINUX_CLONE_IN_GUEST) && args->exit_signal == SIGCHLD && !is_special(args);
}

/* The plain fork is libc's, which looks after libc; sharing files, namespaces and the like are beyond it. */
static int64_t host_fork(const struct linux_clone *args)
{
    uint64_t flags = args->flags & ~(uint64_t)LINUX_CLONE_IN_GUEST;
    int pidfd = -1;
    if (is_plain_fork(args)) {
        pid_t pid = fork();
        return pid < 0 ? -errno : pid;
    }
    int64_t pid = is_special(args) ? host_clone3(args, flags, &pidfd) : linux_host(SYS_clone, flags | args->exit_signal, 0, &pidfd, 0, 0);
    if (pid > 0 && (flags & CLONE_PIDFD)) linux_put(args->pidfd, &pidfd, 4);
    return pid;
}

void linux_clear_handlers(struct linux_thread *t)
{
    for (int sig = 1; sig <= LINUX_NSIG; sig++) {
        struct linux_sigaction *act = &t->sighand->act[sig];
        if (act->handler <= LINUX_SIG_IGN) continue;
        memset(act, 0, sizeof *act);
        linux_install_handler(sig, act, false);
    }
}

static void fork_child(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os;
    linux_thread_fork_child(t);
    pthread_mutex_unlock(&linux_process.lock); /* the parent's fork_process took it */
    engine_fork_child();                       /* first: until then the code cache is the parent's */
    linux_memory_fork_child();
    linux_signal_fork_child();
    linux_clone_child_state(cpu, cpu, args);
    linux_clone_child_tid(t, args);
    if (args->flags & LINUX_CLONE_CLEAR_SIGHAND) linux_clear_handlers(t);
}

static int64_t fork_process(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os;
    uint64_t old = engine_block_signals();
    if (t->pending) {                          /* its handler runs once, before the fork */
        linux_set_host_mask(old);
        return -LINUX_ERESTARTNOINTR;
    }
    pthread_mutex_lock(&linux_process.lock);
    linux_memory_fork_prepare();
    int64_t pid = host_fork(args);
    if (pid == 0) {
        fork_child(cpu, args);
    } else {
        linux_memory_fork_parent();
        pthread_mutex_unlock(&linux_process.lock);
        uint32_t tid = pid;
        if (pid > 0 && (args->flags & CLONE_PARENT_SETTID)) linux_put(args->parent_tid, &tid, 4);
    }
    linux_set_host_mask(old);
    return pid;
}

/* ---- clone ---- */

static int64_t clone_once(struct cpu *cpu, const struct linux_clone *args)
{
    uint64_t flags = args->flags;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)) return -EINVAL;
    if ((flags & CLONE_FS) && (flags & CLONE_NEWNS)) return -EINVAL;
    if ((flags & LINUX_CLONE_CLEAR_SIGHAND) && (flags & CLONE_SIGHAND)) return -EINVAL;
    if ((flags & CLONE_SETTLS) && args->tls >= TASK_SIZE_MAX) return -EPERM;
    if (flags & CLONE_VM) engine_order_memory();
    if (flags & CLONE_THREAD) return linux_clone_thread(cpu, args);
    if (!(flags & CLONE_VM)) return fork_process(cpu, args);
    if (linux_vfork_shares_memory()) return flags & CLONE_VFORK ? linux_vfork(cpu, args) : linux_clone_beside(cpu, args);
    if ((flags & CLONE_VFORK) && !(flags & CLONE_SIGHAND)) {
        struct linux_clone copy = *args;
        copy.flags &= ~(uint64_t)(CLONE_VM | CLONE_VFORK);
        return fork_process(cpu, &copy);
    }
    if (log_on(LOG_UNIMP)) log_printf("unimp: clone(%#lx): a process that shares memory and runs beside its parent\n", (unsigned long)flags);
    return -EINVAL;
}

/* A limit on the number of threads and processes counts wherry's own as well: the guest comes first. Nor may they hold a lock of libc's when
 * a child is made without libc. */
static int64_t do_clone(struct cpu *cpu, const struct linux_clone *args)
{
    bool alone = !(args->flags & CLONE_VM) && !is_plain_fork(args);
    int64_t r = alone ? -EAGAIN : clone_once(cpu, args);
    if (r != -EAGAIN || !(alone || engine_own_threads())) return r;
    engine_hold_threads();
    r = clone_once(cpu, args);
    if (r) engine_release_threads();           /* a fork's child never had any */
    return r;
}

SYS(clone)
{
    struct linux_clone args = { .flags = (uint32_t)a & ~0xffull, .exit_signal = a & 0xff, .stack = b, .parent_tid = c, .pidfd = c, .child_tid = d, .tls = e };
    if ((args.flags & CLONE_PIDFD) && (args.flags & CLONE_PARENT_SETTID)) return -EINVAL;
    args.flags &= ~(uint64_t)CLONE_DETACHED;
    return do_clone(cpu, &args);
}

static bool zero_from(uint64_t at, uint64_t size)
{
    char byte;
    for (uint64_t i = 0; i < size; i++)
        if (engine_copy_from(&byte, at + i, 1) || byte) return false;
    return true;
}

SYS(clone3)
{
    struct linux_clone args = { 0 };
    int32_t tids[SET_TID_MAX];
    if (b < 64) return -EINVAL;
    if (b > 4096) return -E2BIG;
    if (linux_get(&args, a, b < sizeof args ? b : sizeof args)) return -EFAULT;
    if (b > sizeof args && !zero_from(a + sizeof args, b - sizeof args)) return -E2BIG;
    if (!args.set_tid != !args.set_tid_size || args.set_tid_size > SET_TID_MAX) return -EINVAL;
    if ((args.set_tid || args.flags & LINUX_CLONE_INTO_CGROUP) && args.flags & CLONE_VM) return -EINVAL;
    if ((args.flags & LINUX_CLONE_INTO_CGROUP) && args.cgroup > INT32_MAX) return -EINVAL;
    if ((args.flags & (0xff | CLONE_DETACHED)) || args.flags >> 34 || args.exit_signal > LINUX_NSIG) return -EINVAL;
    if ((args.flags & (CLONE_THREAD | CLONE_PARENT)) && args.exit_signal) return -EINVAL;
    if (!args.stack != !args.stack_size) return -EINVAL;
    if (args.set_tid && linux_get(tids, args.set_tid, 4 * args.set_tid_size)) return -EFAULT;
    args.set_tid = args.set_tid ? (uintptr_t)tids : 0;
    args.stack += args.stack_size;
    return do_clone(cpu, &args);
}

SYS(fork)
{
    struct linux_clone args = { .exit_signal = SIGCHLD };
    return do_clone(cpu, &args);
}

SYS(vfork)
{
    struct linux_clone args = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };
    return do_clone(cpu, &args);
}

/* ---- waiting ---- */

SYS(wait4) { return linux_safe_syscall(SYS_wait4, (int)a, b, (int)c, d, 0, 0); }
SYS(waitid) { return linux_safe_syscall(SYS_waitid, (int)a, (int)b, c, (int)d, e, 0); }

/* ---- about itself ---- */

/* What wherry can't give a guest: it would see the translator's own calls. */
SYS(ptrace) { return -EPERM; }
SYS(membarrier) { return linux_host(SYS_membarrier, (int)a, (unsigned)b, (int)c); }

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS, ARCH_GET_CPUID = 0x1011, ARCH_SET_CPUID };

SYS(arch_prctl)
{
    struct x86_state *s = &cpu->state;
    switch ((int)a) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (b >= TASK_SIZE_MAX) return -EPERM;
        *(a == ARCH_SET_FS ? &s->fs_base : &s->gs_base) = b;
        return 0;
    case ARCH_GET_FS: return linux_put(b, &s->fs_base, 8);
    case ARCH_GET_GS: return linux_put(b, &s->gs_base, 8);
    case ARCH_GET_CPUID: return 1;
    case ARCH_SET_CPUID: return -ENODEV;
    default: return -EINVAL;
    }
}

/* younger than the headers */
enum { PRCTL_SET_USER_DISPATCH = 59, PRCTL_SET_MDWE = 65, PRCTL_GET_MDWE, PRCTL_SET_MEMORY_MERGE, PRCTL_GET_MEMORY_MERGE, PRCTL_TIMER_CREATE_RESTORE_IDS = 77 };

/* prctl's operations that mean the same for the host process; the bytes that the kernel writes at arg2 */
static const struct prctl_pass { int op; unsigned out; bool alone /* rights of a thread: wherry's own get them too */; } prctl_pass[] = {
    { PR_SET_PDEATHSIG, 0 }, { PR_GET_PDEATHSIG, 4 }, { PR_GET_DUMPABLE, 0 }, { PR_SET_DUMPABLE, 0 }, { PR_GET_KEEPCAPS, 0 },
    { PR_SET_KEEPCAPS, 0, true }, { PR_SET_NAME, 0 }, { PR_GET_NAME, 16 }, { PR_CAPBSET_READ, 0 }, { PR_CAPBSET_DROP, 0, true },
    { PR_GET_SECUREBITS, 0 }, { PR_SET_SECUREBITS, 0, true }, { PR_SET_TIMERSLACK, 0 }, { PR_GET_TIMERSLACK, 0 },
    { PR_MCE_KILL, 0 }, { PR_MCE_KILL_GET, 0 }, { PR_SET_CHILD_SUBREAPER, 0 }, { PR_GET_CHILD_SUBREAPER, 4 },
    { PR_SET_NO_NEW_PRIVS, 0, true }, { PR_GET_NO_NEW_PRIVS, 0 }, { PR_SET_THP_DISABLE, 0 }, { PR_GET_THP_DISABLE, 0 },
    { PR_CAP_AMBIENT, 0, true }, { PR_SET_PTRACER, 0 }, { PR_GET_TIMING, 0 }, { PR_SET_TIMING, 0 }, { PR_SET_IO_FLUSHER, 0 }, { PR_GET_IO_FLUSHER, 0 },
    { PR_GET_SPECULATION_CTRL, 0 }, { PR_SET_SPECULATION_CTRL, 0 }, { PR_TASK_PERF_EVENTS_DISABLE, 0 }, { PR_TASK_PERF_EVENTS_ENABLE, 0 },
    { PRCTL_SET_MEMORY_MERGE, 0 }, { PRCTL_GET_MEMORY_MERGE, 0 }, { PRCTL_TIMER_CREATE_RESTORE_IDS, 0 },
};

SYS(prctl)
{
    int op = a, one = 1;
    for (size_t i = 0; i < sizeof prctl_pass / sizeof *prctl_pass; i++) {
        if (prctl_pass[i].op != op) continue;
        if (prctl_pass[i].out) linux_will_write(b, prctl_pass[i].out);
        if (prctl_pass[i].alone) engine_hold_threads();
        int64_t r = linux_host(SYS_prctl, op, b, c, d, e);
        if (prctl_pass[i].alone) engine_release_threads();
        return r;
    }
    switch (op) {
    case PR_GET_TID_ADDRESS: return linux_put(b, &((struct linux_thread *)cpu->os)->clear_child_tid, 8);
    case PR_GET_TSC: return linux_put(b, &one, 4);             /* PR_TSC_ENABLE */
    case PR_SET_TSC: return b == 1 ? 0 : -EINVAL;
    case PR_GET_SECCOMP: return linux_seccomp_count(cpu->os) ? 2 : 0;
    case PR_SET_SECCOMP: return linux_seccomp_prctl(cpu, b, c);
    case PR_SET_MM: return -EPERM;                             /* as without CAP_SYS_RESOURCE */
    case PRCTL_SET_USER_DISPATCH: case PRCTL_SET_MDWE: case PRCTL_GET_MDWE: return b | c | d | e ? -EINVAL : 0;       /* off */
    case PR_SET_VMA: return 0;                                 /* names of mappings: a hint */
    default: return -EINVAL;
    }
}
