/* SPDX-License-Identifier: GPL-2.0-or-later
 * vfork.c: processes that share memory with their parent until execve or exit (CLONE_VM without CLONE_THREAD).
 *  V1 such a child runs on a host stack and a cpu of its own, but on the libc thread of a host thread that stands still meanwhile
 *  V2 for vfork that is its parent. Where the parent goes on, a host thread is made for nothing else: it vforks the child and waits for its end
 *  V3 the child's signal handlers are a copy, as the kernel's are, but with CLONE_SIGHAND
 * vfork(2), clone(2).
 */
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "linux/clone.h"
#include "linux/filters.h"
#include "linux/hostcall.h"
#include "linux/sighand.h"

enum { CHILD_STACK = 1 << 20, LENDER_STACK = 256 << 10 };

/* A child leaves its stack by execve or _exit: its frames' redzones are not for whoever is mapped there next. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
static void forget_frames(void *stack, size_t size) { ASAN_UNPOISON_MEMORY_REGION(stack, size); }
#else
static void forget_frames(void *stack, size_t size) {}
#endif

/* what the parent waits for and reads, on its stack */
struct answer { sem_t ready; int64_t pid; int pidfd; };

struct sharing {
    struct cpu *cpu;                           /* the child's */
    struct linux_clone args;
    char *stack;
    struct answer *answer;                     /* V2: the parent that goes on; NULL for vfork. Not to be touched after it is told */
};

static void tell(struct answer *to, int64_t pid)
{
    to->pid = pid;
    sem_post(&to->ready);
}

static int child_main(void *arg)
{
    struct sharing *s = arg;
    struct linux_thread *t = s->cpu->os;
    t->tid = syscall(SYS_gettid);
    t->pthread = pthread_self();
    if (s->answer) linux_signal_own_stack(t);  /* the lender has none */
    cpu_set_current(s->cpu);
    linux_clone_child_tid(t, &s->args);
    if (s->args.flags & LINUX_CLONE_CLEAR_SIGHAND) linux_clear_handlers(t);
    if (s->answer) tell(s->answer, t->tid);
    linux_set_host_mask(linux_host_mask(t->sigmask));
    linux_run(s->cpu);
    _exit(0);
}

/* a second cpu and thread for the child; NULL when out of memory */
static struct linux_thread *child_thread(struct cpu *cpu, const struct linux_clone *args)
{
    const struct linux_thread *parent = cpu->os;
    struct linux_thread *t = calloc(1, sizeof *t);
    if (!t || linux_signal_copy(t, parent) || !(t->cpu = cpu_create())) {
        if (t) linux_signal_free_copy(t);
        free(t);
        return NULL;
    }
    if (args->flags & CLONE_SIGHAND) {
        free(t->sighand);
        t->sighand = parent->sighand;
    }
    t->cpu->os = t;
    t->vfork_child = true;
    linux_seccomp_inherit(t, parent);
    if (args->flags & CLONE_VFORK) {           /* otherwise clone(2) begins without one */
        t->altstack_sp = parent->altstack_sp;
        t->altstack_size = parent->altstack_size;
        t->altstack_flags = parent->altstack_flags;
    } else {
        t->altstack_flags = SS_DISABLE;
    }
    linux_clone_child_state(t->cpu, cpu, args);
    return t;
}

static void release(struct sharing *s)
{
    if (s->stack != MAP_FAILED) {
        forget_frames(s->stack, CHILD_STACK);
        munmap(s->stack, CHILD_STACK);
    }
    if (!s->cpu) return;
    struct linux_thread *child = s->cpu->os;
    cpu_destroy(s->cpu);
    free(child->exec_memory);
    if (s->args.flags & CLONE_SIGHAND) child->sighand = NULL;
    linux_signal_free_copy(child);
    free(child);
}

static bool prepare(struct sharing *s, struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *child = child_thread(cpu, args);
    *s = (struct sharing){ .cpu = child ? child->cpu : NULL, .args = *args };
    s->stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (child && s->stack != MAP_FAILED) return true;
    release(s);
    return false;
}

/* Signals are blocked. Returns when the child has left this memory. */
static int64_t start_child(struct sharing *s, int *pidfd)
{
    uint64_t flags = s->args.flags & ~(uint64_t)LINUX_CLONE_IN_GUEST;
    return linux_host_result(clone(child_main, s->stack + CHILD_STACK, (int)(flags | CLONE_VFORK | s->args.exit_signal), s, pidfd));
}

static void put_results(const struct linux_clone *args, int64_t pid, int pidfd)
{
    uint32_t tid = (uint32_t)pid;
    if (pid > 0 && (args->flags & CLONE_PARENT_SETTID)) linux_put(args->parent_tid, &tid, 4);
    if (pid > 0 && (args->flags & CLONE_PIDFD)) linux_put(args->pidfd, &pidfd, 4);
}

int64_t linux_vfork(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os;
    struct sharing s;
    int pidfd = -1;
    if (!prepare(&s, cpu, args)) return -ENOMEM;
    uint64_t old = engine_block_signals();
    int64_t pid = t->pending ? -LINUX_ERESTARTNOINTR : start_child(&s, &pidfd);
    cpu_set_current(cpu);
    linux_set_host_mask(old);
    put_results(args, pid, pidfd);
    release(&s);
    return pid;
}

/* ---- beside the parent ---- */

static void *lender_main(void *arg)
{
    struct sharing *s = arg;
    struct answer *answer = s->answer;
    int64_t pid = start_child(s, &answer->pidfd);
    if (pid < 0) tell(answer, pid);
    cpu_set_current(NULL);
    release(s);
    free(s);
    return NULL;
}

int64_t linux_clone_beside(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os;
    struct answer answer = { .pidfd = -1 };
    struct sharing *s = malloc(sizeof *s);
    if (t->vfork_child || !s || !prepare(s, cpu, args)) {
        free(s);
        return t->vfork_child ? -EAGAIN : -ENOMEM;
    }
    s->answer = &answer;
    sem_init(&answer.ready, 0, 0);
    uint64_t old = engine_block_signals();
    int64_t pid = t->pending ? -LINUX_ERESTARTNOINTR : -engine_start_thread(LENDER_STACK, lender_main, s);
    if (pid < 0) {
        release(s);
        free(s);
    } else {
        while (sem_wait(&answer.ready)) {}
        pid = answer.pid;
    }
    linux_set_host_mask(old);
    sem_destroy(&answer.ready);
    put_results(args, pid, answer.pidfd);
    return pid;
}

/* ---- can the host do it? ---- */

#ifdef __x86_64__
bool linux_vfork_shares_memory(void) { return true; }
#else
static int set_seen(void *seen)
{
    *(volatile int *)seen = 1;
    _exit(0);
}

/* qemu-user makes a fork of it: the child would go on writing to the code cache that it shares with a parent whose tables it does not. */
bool linux_vfork_shares_memory(void)
{
    static int known;                          /* 0: not tried, 1: no, 2: yes */
    static char stack[16384] __attribute__((aligned(16)));
    volatile int seen = 0;
    if (known) return known == 2;
    uint64_t old = engine_block_signals();
    pid_t pid = clone(set_seen, stack + sizeof stack, CLONE_VM | CLONE_VFORK, (void *)&seen);      /* no SIGCHLD */
    if (pid > 0) while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {}
    linux_set_host_mask(old);
    known = seen ? 2 : 1;                      /* an emulator may refuse it altogether */
    return known == 2;
}
#endif
