/* SPDX-License-Identifier: GPL-2.0-or-later
 * thread.c: guest threads are host threads, one each. Creation, the list of them, and their end: robust mutexes and the wake of
 * whoever joins are done here in the kernel's order, because the host thread outlives the guest's for a moment.
 * clone(2), set_tid_address(2), set_robust_list(2), futex(2).
 */
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include "linux/clone.h"
#include "linux/filters.h"
#include "linux/hostcall.h"
#include "linux/sighand.h"

enum { HOST_STACK = 1 << 20, ROBUST_LIMIT = 2048 };
static int leader_status;              /* exit status of the first thread, if it ended before the others: that of the process */
static bool leader_ended;

/* ---- the list ---- */

static void list_add(struct linux_thread *t)
{
    pthread_mutex_lock(&linux_process.lock);
    t->prev = NULL;
    t->next = linux_process.threads;
    if (t->next) t->next->prev = t;
    linux_process.threads = t;
    linux_process.n_threads++;
    pthread_mutex_unlock(&linux_process.lock);
}

/* false: it is the last one and stays */
static bool list_remove_unless_last(struct linux_thread *t)
{
    pthread_mutex_lock(&linux_process.lock);
    bool last = linux_process.n_threads == 1;
    if (!last) {
        if (t->next) t->next->prev = t->prev;
        if (t->prev) t->prev->next = t->next;
        else linux_process.threads = t->next;
        linux_process.n_threads--;
    }
    pthread_mutex_unlock(&linux_process.lock);
    return !last;
}

bool linux_leader_ended(void) { return __atomic_load_n(&leader_ended, __ATOMIC_RELAXED); }

struct linux_thread *linux_thread_create(void)
{
    struct cpu *cpu = cpu_create();
    struct linux_thread *t = calloc(1, sizeof *t);
    if (!cpu || !t) {
        if (cpu) cpu_destroy(cpu);
        free(t);
        return NULL;
    }
    t->cpu = cpu;
    t->tid = syscall(SYS_gettid);
    t->pthread = pthread_self();
    cpu->os = t;
    linux_signal_thread_init(t);
    cpu_set_current(cpu);
    list_add(t);
    return t;
}

void linux_thread_fork_child(struct linux_thread *t)
{
    t->tid = syscall(SYS_gettid);
    t->pthread = pthread_self();
    t->next = t->prev = NULL;
    t->vfork_child = false;
    t->clear_child_tid = t->robust_list = t->robust_list_len = 0;
    linux_process.threads = t;
    linux_process.n_threads = 1;
    leader_ended = false;
}

/* Signals are blocked. */
static void thread_free(struct linux_thread *t)
{
    cpu_set_current(NULL);
    linux_signal_thread_free(t);
    cpu_destroy(t->cpu);
    free(t);
}

/* ---- beginning ---- */

struct start {
    struct cpu *parent;
    const struct linux_clone *args;
    sem_t ready;
    int64_t result;                    /* tid or negative errno */
};

void linux_clone_child_state(struct cpu *child, const struct cpu *parent, const struct linux_clone *args)
{
    child->state = parent->state;
    child->state.gpr[X86_RAX] = 0;
    if (args->stack) child->state.gpr[X86_RSP] = args->stack;
    if (args->flags & CLONE_SETTLS) child->state.fs_base = args->tls;
}

void linux_clone_child_tid(struct linux_thread *t, const struct linux_clone *args)
{
    uint32_t tid = t->tid;
    if (args->flags & CLONE_CHILD_SETTID) linux_put(args->child_tid, &tid, 4);
    t->clear_child_tid = args->flags & CLONE_CHILD_CLEARTID ? args->child_tid : 0;
}

/* The parent waits with its signals blocked, so its state and memory stand still, and the new thread begins with all blocked too. */
static void *thread_main(void *arg)
{
    struct start *start = arg;
    const struct linux_clone *args = start->args;
    const struct linux_thread *parent = start->parent->os;
    struct linux_thread *t = linux_thread_create();
    if (!t) {
        start->result = -ENOMEM;
        sem_post(&start->ready);
        return NULL;
    }
    uint32_t tid = t->tid;
    if (!(args->flags & CLONE_FILES)) unshare(CLONE_FILES);
    if (!(args->flags & CLONE_FS)) unshare(CLONE_FS);
    linux_clone_child_state(t->cpu, start->parent, args);
    t->sighand = parent->sighand;
    linux_seccomp_inherit(t, parent);
    t->altstack_flags = SS_DISABLE;
    linux_note_sigmask(t, parent->sigmask);
    linux_clone_child_tid(t, args);
    if (args->flags & CLONE_PARENT_SETTID) linux_put(args->parent_tid, &tid, 4);
    start->result = tid;
    sem_post(&start->ready);
    linux_set_host_mask(linux_host_mask(t->sigmask));
    linux_run(t->cpu);
    linux_thread_release(t);
    thread_free(t);
    return NULL;
}

static int64_t create_host_thread(struct start *start)
{
    int error = engine_start_thread(HOST_STACK, thread_main, start);
    if (error) return -error;
    while (sem_wait(&start->ready)) {}
    return start->result;
}

int64_t linux_clone_thread(struct cpu *cpu, const struct linux_clone *args)
{
    struct linux_thread *t = cpu->os;
    struct start start = { .parent = cpu, .args = args };
    if (t->vfork_child) return -EAGAIN;        /* it has no thread structures of its own in libc */
    sem_init(&start.ready, 0, 0);
    uint64_t old = engine_block_signals();
    int64_t r = create_host_thread(&start);
    linux_set_host_mask(old);
    sem_destroy(&start.ready);
    return r;
}

/* ---- end ---- */

static void futex_wake(uint64_t addr) { syscall(SYS_futex, linux_futex_address(addr), FUTEX_WAKE, 1, NULL, NULL, 0); }

/* A robust mutex of the thread that ends: the owner is gone, the next one may have it. */
static void owner_died(const struct linux_thread *t, uint64_t addr, bool pi)
{
    uint32_t word;
    if (addr & 3 || engine_copy_from(&word, addr, 4)) return;
    if ((word & FUTEX_TID_MASK) != (uint32_t)t->tid) return;
    linux_will_write(addr, 4);
    uint32_t *futex = (uint32_t *)(uintptr_t)ir_mem_at(addr, 4, true);
    while (!__atomic_compare_exchange_n(futex, &word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        if ((word & FUTEX_TID_MASK) != (uint32_t)t->tid) return;
    if (!pi && (word & FUTEX_WAITERS)) futex_wake(addr);
}

static void release_robust(const struct linux_thread *t)
{
    struct { uint64_t next, offset, pending; } head;
    if (!t->robust_list || engine_copy_from(&head, t->robust_list, sizeof head)) return;
    uint64_t entry = head.next;
    for (int n = 0; (entry & ~1ull) != t->robust_list && n < ROBUST_LIMIT; n++) {
        uint64_t next, at = entry & ~1ull;
        bool failed = engine_copy_from(&next, at, 8);
        if (at != (head.pending & ~1ull)) owner_died(t, at + head.offset, entry & 1);
        if (failed) return;
        entry = next;
    }
    if (head.pending & ~1ull) owner_died(t, (head.pending & ~1ull) + head.offset, head.pending & 1);
}

void linux_thread_release(struct linux_thread *t)
{
    uint32_t zero = 0;
    uint64_t addr = t->clear_child_tid;
    release_robust(t);
    syscall(SYS_set_robust_list, NULL, 24);
    t->robust_list = t->clear_child_tid = 0;
    if (addr && !linux_put(addr, &zero, 4)) futex_wake(addr);
}

SYS(exit)
{
    struct linux_thread *t = cpu->os;
    uint64_t old = engine_block_signals();
    if (t->pending) {                          /* caught before it ends: perhaps the process's, and for nobody else to see any more */
        linux_set_host_mask(old);
        return -LINUX_ERESTARTNOINTR;
    }
    if (t->vfork_child) {
        linux_thread_release(t);
        for (;;) syscall(SYS_exit, (int)a);
    }
    if (!list_remove_unless_last(t)) linux_exit_group(leader_ended ? leader_status : (int)a);
    if (t->tid != getpid()) {
        t->exiting = true;                     /* linux_run returns, thread_main does the rest */
        return 0;
    }
    leader_status = a;
    leader_ended = true;
    linux_thread_release(t);
    for (;;) syscall(SYS_exit, (int)a);        /* libc's first thread can't be given back; the process stays while others run */
}

SYS(exit_group) { linux_exit_group(a); }

SYS(set_tid_address)
{
    struct linux_thread *t = cpu->os;
    t->clear_child_tid = a;
    return t->tid;
}

/* The host's kernel knows the list too: it acts on it when the process is killed. One that has no such call (an emulator) can do without. */
SYS(set_robust_list)
{
    struct linux_thread *t = cpu->os;
    int64_t r = b == 24 ? linux_host(SYS_set_robust_list, a, b) : -EINVAL;
    if (r < 0 && r != -ENOSYS) return r;
    t->robust_list = a;
    t->robust_list_len = b;
    return 0;
}

SYS(get_robust_list)
{
    struct linux_thread *t = cpu->os;
    if (a && (pid_t)a != t->tid) return linux_host(SYS_get_robust_list, (pid_t)a, b, c);
    uint64_t size = 24;
    return linux_put(c, &size, 8) || linux_put(b, &t->robust_list, 8) ? -EFAULT : 0;
}
