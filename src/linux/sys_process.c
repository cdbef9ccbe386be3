/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_process.c: processes: fork, vfork, clone, wait, and what a process may ask about itself.
 *  P1 a fork's child has one thread, the caller, and locks that nobody holds: every lock of the room is taken around the fork
 *  P2 a vfork's child really shares memory. It runs on a host stack and a cpu of its own, but on its parent's libc thread, which stands
 *     still meanwhile; its signal handlers are a copy, as the kernel's are
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
#include "linux/hostcall.h"
#include "linux/sighand.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#endif
#define CLONE_IN_GUEST (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | CLONE_CLEAR_SIGHAND | CLONE_SETTLS)
#define TASK_SIZE_MAX 0x7ffffffff000ull

enum { VFORK_STACK = 1 << 20 };

/* A stack that an earlier child left by execve or _exit may have lain here: its frames' redzones are not ours. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
static void fresh_stack(void *stack, size_t size) { ASAN_UNPOISON_MEMORY_REGION(stack, size); }
#else
static void fresh_stack(void *stack, size_t size) {}
#endif

/* ---- fork ---- */

/* The plain fork is libc's, which looks after libc; sharing files, namespaces and the like are beyond it. */
static int64_t host_fork(const struct linux_clone *args)
{
    uint64_t flags = args->flags & ~(uint64_t)CLONE_IN_GUEST;
    int pidfd = -1;
    if (!flags && args->exit_signal == SIGCHLD) {
        pid_t pid = fork();
        return pid < 0 ? -errno : pid;
    }
    int64_t pid = linux_host(SYS_clone, flags | args->exit_signal, 0, &pidfd, 0, 0);
    if (pid > 0 && (flags & CLONE_PIDFD)) linux_put(args->pidfd, &pidfd, 4);
    return pid;
}

static void clear_handlers(struct linux_thread *t)
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
    pthread_mutex_init(&linux_process.lock, NULL);
    engine_fork_child();                       /* first: until then the code cache is the parent's */
    linux_memory_fork_child();
    linux_signal_fork_child();
    linux_clone_child_state(cpu, cpu, args);
    linux_clone_child_tid(t, args);
    if (args->flags & CLONE_CLEAR_SIGHAND) clear_handlers(t);
}

static int64_t fork_process(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os;
    uint64_t old = linux_block_signals();
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

/* ---- vfork ---- */

struct vfork_start { struct cpu *cpu; const struct linux_clone *args; };

static int vfork_main(void *arg)
{
    const struct vfork_start *start = arg;
    struct cpu *cpu = start->cpu;
    struct linux_thread *t = cpu->os;
    t->tid = syscall(SYS_gettid);
    cpu_set_current(cpu);
    linux_clone_child_tid(t, start->args);
    if (start->args->flags & CLONE_CLEAR_SIGHAND) clear_handlers(t);
    linux_set_host_mask(linux_host_mask(t->sigmask));
    linux_run(cpu);
    _exit(0);
}

/* a second cpu and thread for the child; NULL when out of memory */
static struct linux_thread *vfork_thread(struct cpu *cpu, const struct linux_clone *args)
{
    const struct linux_thread *parent = cpu->os;
    struct linux_thread *t = calloc(1, sizeof *t);
    if (!t || linux_signal_copy(t, parent) || !(t->cpu = cpu_create())) {
        if (t) linux_signal_free_copy(t);
        free(t);
        return NULL;
    }
    t->cpu->os = t;
    t->pthread = parent->pthread;
    t->vfork_child = true;
    t->altstack_sp = parent->altstack_sp;
    t->altstack_size = parent->altstack_size;
    t->altstack_flags = parent->altstack_flags;
    linux_clone_child_state(t->cpu, cpu, args);
    return t;
}

static int64_t vfork_process(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os, *child = vfork_thread(cpu, args);
    uint64_t flags = args->flags & ~(uint64_t)CLONE_IN_GUEST;
    int64_t pid = -ENOMEM;
    int pidfd = -1;
    char *stack = mmap(NULL, VFORK_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (!child) goto out;
    if (stack != MAP_FAILED) fresh_stack(stack, VFORK_STACK);
    struct vfork_start start = { child->cpu, args };
    uint64_t old = linux_block_signals();
    if (t->pending) pid = -LINUX_ERESTARTNOINTR;
    else if (stack != MAP_FAILED) pid = linux_host_result(clone(vfork_main, stack + VFORK_STACK, flags | args->exit_signal, &start, &pidfd));
    cpu_set_current(cpu);
    linux_set_host_mask(old);
    uint32_t tid = pid;
    if (pid > 0 && (args->flags & CLONE_PARENT_SETTID)) linux_put(args->parent_tid, &tid, 4);
    if (pid > 0 && (args->flags & CLONE_PIDFD)) linux_put(args->pidfd, &pidfd, 4);
    cpu_destroy(child->cpu);
    free(child->exec_memory);
    linux_signal_free_copy(child);
    free(child);
out:
    if (stack != MAP_FAILED) munmap(stack, VFORK_STACK);
    return pid;
}

#ifdef __x86_64__
static bool vfork_shares_memory(void) { return true; }
#else
static int set_seen(void *seen)
{
    *(volatile int *)seen = 1;
    _exit(0);
}

/* qemu-user makes a fork of it: the child would go on writing to the code cache that it shares with a parent whose tables it does not. */
static bool vfork_shares_memory(void)
{
    static int known;                          /* 0: not tried, 1: no, 2: yes */
    static char stack[16384] __attribute__((aligned(16)));
    volatile int seen = 0;
    if (known) return known == 2;
    uint64_t old = linux_block_signals();
    pid_t pid = clone(set_seen, stack + sizeof stack, CLONE_VM | CLONE_VFORK, (void *)&seen);      /* no SIGCHLD */
    if (pid > 0) while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {}
    linux_set_host_mask(old);
    known = seen ? 2 : 1;                      /* an emulator may refuse it altogether */
    return known == 2;
}
#endif

/* ---- clone ---- */

static int64_t do_clone(struct cpu *cpu, const struct linux_clone *args)
{
    uint64_t flags = args->flags;
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)) return -EINVAL;
    if ((flags & CLONE_FS) && (flags & CLONE_NEWNS)) return -EINVAL;
    if ((flags & CLONE_CLEAR_SIGHAND) && (flags & CLONE_SIGHAND)) return -EINVAL;
    if ((flags & CLONE_SETTLS) && args->tls >= TASK_SIZE_MAX) return -EPERM;
    if (flags & CLONE_VM) engine_order_memory();
    if (flags & CLONE_THREAD) return linux_clone_thread(cpu, args);
    if (!(flags & CLONE_VM)) return fork_process(cpu, args);
    if ((flags & CLONE_VFORK) && !(flags & CLONE_SIGHAND)) {
        if (vfork_shares_memory()) return vfork_process(cpu, args);
        struct linux_clone copy = *args;
        copy.flags &= ~(uint64_t)(CLONE_VM | CLONE_VFORK);
        return fork_process(cpu, &copy);
    }
    if (log_on(LOG_UNIMP)) log_printf("unimp: clone(%#lx): a process that shares memory and runs beside its parent\n", (unsigned long)flags);
    return -EINVAL;
}

SYS(clone)
{
    struct linux_clone args = { .flags = (uint32_t)a & ~0xffull, .exit_signal = a & 0xff, .stack = b, .parent_tid = c, .pidfd = c, .child_tid = d, .tls = e };
    if ((args.flags & CLONE_PIDFD) && (args.flags & CLONE_PARENT_SETTID)) return -EINVAL;
    args.flags &= ~(uint64_t)CLONE_DETACHED;
    return do_clone(cpu, &args);
}

SYS(clone3)
{
    struct linux_clone args = { 0 };
    if (b < 64) return -EINVAL;
    if (b > 4096) return -E2BIG;
    if (linux_get(&args, a, b < sizeof args ? b : sizeof args)) return -EFAULT;
    if (b > sizeof args || args.set_tid || args.set_tid_size || args.cgroup) return -EINVAL;
    if ((args.flags & (0xff | CLONE_DETACHED)) || args.flags >> 33 || args.exit_signal > LINUX_NSIG) return -EINVAL;
    if ((args.flags & (CLONE_THREAD | CLONE_PARENT)) && args.exit_signal) return -EINVAL;
    if (!args.stack != !args.stack_size) return -EINVAL;
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

/* What wherry can't give a guest: tracing and filters would see the translator's own calls. */
SYS(ptrace) { return -EPERM; }
SYS(seccomp) { return -EINVAL; }
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

/* prctl's operations that mean the same for the host process; the bytes that the kernel writes at arg2 */
static const struct prctl_pass { int op; unsigned out; } prctl_pass[] = {
    { PR_SET_PDEATHSIG, 0 }, { PR_GET_PDEATHSIG, 4 }, { PR_GET_DUMPABLE, 0 }, { PR_SET_DUMPABLE, 0 }, { PR_GET_KEEPCAPS, 0 },
    { PR_SET_KEEPCAPS, 0 }, { PR_SET_NAME, 0 }, { PR_GET_NAME, 16 }, { PR_CAPBSET_READ, 0 }, { PR_CAPBSET_DROP, 0 },
    { PR_GET_SECUREBITS, 0 }, { PR_SET_SECUREBITS, 0 }, { PR_SET_TIMERSLACK, 0 }, { PR_GET_TIMERSLACK, 0 },
    { PR_MCE_KILL, 0 }, { PR_MCE_KILL_GET, 0 }, { PR_SET_CHILD_SUBREAPER, 0 }, { PR_GET_CHILD_SUBREAPER, 4 },
    { PR_SET_NO_NEW_PRIVS, 0 }, { PR_GET_NO_NEW_PRIVS, 0 }, { PR_SET_THP_DISABLE, 0 }, { PR_GET_THP_DISABLE, 0 },
    { PR_CAP_AMBIENT, 0 }, { PR_SET_PTRACER, 0 }, { PR_GET_TIMING, 0 }, { PR_SET_TIMING, 0 }, { PR_SET_IO_FLUSHER, 0 }, { PR_GET_IO_FLUSHER, 0 },
    { PR_GET_SPECULATION_CTRL, 0 },
};

SYS(prctl)
{
    int op = a, one = 1;
    for (size_t i = 0; i < sizeof prctl_pass / sizeof *prctl_pass; i++) {
        if (prctl_pass[i].op != op) continue;
        if (prctl_pass[i].out) linux_will_write(b, prctl_pass[i].out);
        return linux_host(SYS_prctl, op, b, c, d, e);
    }
    switch (op) {
    case PR_GET_TID_ADDRESS: return linux_put(b, &((struct linux_thread *)cpu->os)->clear_child_tid, 8);
    case PR_GET_TSC: return linux_put(b, &one, 4);             /* PR_TSC_ENABLE */
    case PR_SET_TSC: return b == 1 ? 0 : -EINVAL;
    case PR_GET_SECCOMP: return 0;
    case PR_SET_VMA: return 0;                                 /* names of mappings: a hint */
    default: return -EINVAL;
    }
}
