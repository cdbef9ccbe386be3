/* SPDX-License-Identifier: GPL-2.0-or-later
 * seccomp.c: seccomp(2), and prctl(2)'s form of it. The guest's filters judge the guest's calls, before wherry does anything for them; the host's kernel
 * never sees them, since it would judge the translator's own calls by x86-64's numbers.
 *  F1 a thread's list of filters only grows, at its front; threads and children start with their parent's, execve passes it on
 *  F2 what could leave the filters behind is refused: execve of a program that is not run by wherry
 * Not here: notifications to another process (SECCOMP_FILTER_FLAG_NEW_LISTENER), as on a kernel before 5.0, and tracers.
 */
#include "linux/filters.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine/log.h"
#include "linux/hostcall.h"
#include "linux/sighand.h"
#include "linux/start.h"
#include "linux/syscall.h"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1ul << 4)
#endif
enum { READ = 0, WRITE = 1, RT_SIGRETURN = 15, EXIT = 60, MOST_INSNS = 32768, PER_FILTER = 4 };
#define KNOWN_FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

linux_sys_fn linux_sys_exit;

/* newest filter of the thread; set by others too (TSYNC) */
static const struct linux_filter *newest(const struct linux_thread *t) { return __atomic_load_n(&t->filters, __ATOMIC_ACQUIRE); }

/* ---- a call ---- */

/* The least action wins; of equal ones the newest filter's. Actions order as signed numbers. */
static uint32_t judge(const struct linux_filter *f, const struct seccomp_data *data)
{
    uint32_t least = SECCOMP_RET_ALLOW;
    for (; f; f = f->older) {
        uint32_t got = filter_run(f, data);
        if ((int32_t)(got & SECCOMP_RET_ACTION_FULL) < (int32_t)(least & SECCOMP_RET_ACTION_FULL))
            least = got;
    }
    return least;
}

static void raise_sigsys(struct cpu *cpu, const struct seccomp_data *data, uint32_t error)
{
    siginfo_t info = { .si_signo = SIGSYS, .si_code = 1 /* SYS_SECCOMP */, .si_errno = (int)error };
    info.si_call_addr = (void *)(uintptr_t)data->instruction_pointer;
    info.si_syscall = data->nr;
    info.si_arch = AUDIT_ARCH_X86_64;
    linux_force_signal(cpu, &info);
}

/* One of several threads is killed alone; the last one takes the process with it. */
static int64_t kill_thread(struct cpu *cpu, int sig)
{
    const struct linux_thread *t = cpu->os;
    if (t->vfork_child || __atomic_load_n(&linux_process.n_threads, __ATOMIC_RELAXED) == 1)
        linux_die_by_signal(sig);
    return linux_sys_exit(cpu, (uint64_t)sig, 0, 0, 0, 0, 0);
}

static bool act_on(struct cpu *cpu, uint32_t verdict, const struct seccomp_data *data, int64_t *result)
{
    uint32_t value = verdict & SECCOMP_RET_DATA;
    *result = -LINUX_ESIGRETURN;                         /* the registers stay */
    switch (verdict & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW: case SECCOMP_RET_LOG: return false;
    case SECCOMP_RET_ERRNO: cpu->state.gpr[X86_RAX] = -(uint64_t)(value < 4095 ? value : 4095); return true;      /* final, even if it reads ERESTARTSYS */
    case SECCOMP_RET_TRACE: case SECCOMP_RET_USER_NOTIF: *result = -ENOSYS; return true;      /* there is nobody to ask */
    case SECCOMP_RET_TRAP: raise_sigsys(cpu, data, value); return true;
    case SECCOMP_RET_KILL_THREAD: kill_thread(cpu, SIGSYS); return true;
    default: linux_die_by_signal(SIGSYS);
    }
}

bool linux_seccomp_stops(struct cpu *cpu, uint64_t nr, const uint64_t a[6], int64_t *result)
{
    struct linux_thread *t = cpu->os;
    struct seccomp_data data = { (int)nr, AUDIT_ARCH_X86_64, cpu->state.pc, { a[0], a[1], a[2], a[3], a[4], a[5] } };
    if (linux_vdso_calls(data.nr, cpu->state.pc))        /* the kernel's own vdso makes none */
        return false;
    if (!t->seccomp_strict)
        return act_on(cpu, judge(newest(t), &data), &data, result);
    if (data.nr == READ || data.nr == WRITE || data.nr == EXIT || data.nr == RT_SIGRETURN)
        return false;
    *result = -LINUX_ESIGRETURN;
    kill_thread(cpu, SIGKILL);
    return true;
}

/* ---- installing ---- */

static bool may_filter(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct cap[2] = { { 0 } };
    if (linux_host(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return true;
    return !linux_host(SYS_capget, &head, cap) && (cap[0].effective & 1u << CAP_SYS_ADMIN);
}

static int64_t copy_filter(uint64_t program, struct linux_filter **out)
{
    struct { uint16_t n; uint8_t pad[6]; uint64_t insn; } p;         /* struct sock_fprog of x86-64 */
    struct linux_filter *f;
    if (linux_get(&p, program, sizeof p))
        return -EFAULT;
    if (!p.n || p.n > BPF_MAXINSNS)
        return -EINVAL;
    if (!may_filter())
        return -EACCES;
    if (!(f = malloc(sizeof *f + p.n * sizeof f->insn[0])))
        return -ENOMEM;
    f->n = p.n;
    int64_t r = linux_get(f->insn, p.insn, p.n * sizeof f->insn[0]);
    if (!r && !filter_valid(f->insn, f->n))
        r = -EINVAL;
    if (r)
        free(f);
    else
        *out = f;
    return r;
}

static bool descends(const struct linux_filter *f, const struct linux_filter *from)
{
    while (f && f != from)
        f = f->older;
    return f == from;
}

/* All threads shall have the caller's filters: the first that has others is told. process.lock is held */
static pid_t stranger(const struct linux_thread *t)
{
    for (const struct linux_thread *o = linux_process.threads; o; o = o->next)
        if (o != t && (o->seccomp_strict || !descends(newest(t), newest(o))))
            return o->tid;
    return 0;
}

static int64_t add_filter(struct linux_thread *t, struct linux_filter *f, uint64_t flags)
{
    unsigned total = f->n + PER_FILTER;
    for (const struct linux_filter *o = t->filters; o; o = o->older)
        total += o->n + PER_FILTER;
    if (total > MOST_INSNS)
        return -ENOMEM;
    bool all = flags & SECCOMP_FILTER_FLAG_TSYNC;
    pthread_mutex_lock(&linux_process.lock);
    pid_t other = all ? stranger(t) : 0;
    if (!other) {
        f->older = t->filters;
        for (struct linux_thread *o = linux_process.threads; o && all; o = o->next)
            __atomic_store_n(&o->filters, f, __ATOMIC_RELEASE);
        __atomic_store_n(&t->filters, f, __ATOMIC_RELEASE);          /* a vfork child is in no list */
    }
    pthread_mutex_unlock(&linux_process.lock);
    return !other ? 0 : flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : other;
}

static int64_t set_filter(struct linux_thread *t, uint64_t flags, uint64_t program)
{
    struct linux_filter *f = NULL;
    if (flags & ~(uint64_t)KNOWN_FLAGS) {
        if (log_on(LOG_UNIMP))
            log_printf("unimp: seccomp: flags %#llx\n", (unsigned long long)flags);
        return -EINVAL;
    }
    int64_t r = copy_filter(program, &f);
    if (r)
        return r;
    r = t->seccomp_strict ? -EINVAL : add_filter(t, f, flags);
    if (r)
        free(f);
    return r;
}

static int64_t set_strict(struct linux_thread *t)
{
    if (newest(t))
        return -EINVAL;
    t->seccomp_strict = true;
    return 0;
}

static int64_t action_available(uint64_t at)
{
    uint32_t action;
    if (linux_get(&action, at, sizeof action))
        return -EFAULT;
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS: case SECCOMP_RET_KILL_THREAD: case SECCOMP_RET_TRAP: case SECCOMP_RET_ERRNO: case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG: case SECCOMP_RET_ALLOW: return 0;
    default: return -EOPNOTSUPP;
    }
}

SYS(seccomp)
{
    switch ((uint32_t)a) {
    case SECCOMP_SET_MODE_STRICT: return (uint32_t)b || c ? -EINVAL : set_strict(cpu->os);
    case SECCOMP_SET_MODE_FILTER: return set_filter(cpu->os, (uint32_t)b, c);
    case SECCOMP_GET_ACTION_AVAIL: return (uint32_t)b ? -EINVAL : action_available(c);
    default: return -EINVAL;
    }
}

int64_t linux_seccomp_prctl(struct cpu *cpu, uint64_t mode, uint64_t filter)
{
    return mode == SECCOMP_MODE_STRICT ? set_strict(cpu->os) : mode == SECCOMP_MODE_FILTER ? set_filter(cpu->os, 0, filter) : -EINVAL;
}

/* ---- inheritance ---- */

void linux_seccomp_inherit(struct linux_thread *child, const struct linux_thread *parent)
{
    child->filters = newest(parent);
    child->seccomp_strict = parent->seccomp_strict;
}

static bool write_filters(int fd, const struct linux_filter *f)
{
    if (f && !write_filters(fd, f->older))
        return false;
    size_t size = f ? f->n * sizeof f->insn[0] : 0;
    return !f || (write(fd, &f->n, sizeof f->n) == sizeof f->n && write(fd, f->insn, size) == (ssize_t)size);
}

int linux_seccomp_pass(const struct linux_thread *t)
{
    if (!newest(t))
        return -1;
    int fd = (int)linux_host(SYS_memfd_create, "seccomp", 0);
    if (fd >= 0 && !write_filters(fd, newest(t))) {
        close(fd);
        return -ENOMEM;
    }
    return fd;
}

static struct linux_filter *read_filter(int fd, off_t *at)
{
    unsigned n;
    if (pread(fd, &n, sizeof n, *at) != sizeof n || n > BPF_MAXINSNS)
        return NULL;
    struct linux_filter *f = malloc(sizeof *f + n * sizeof f->insn[0]);
    ssize_t size = (ssize_t)(n * sizeof f->insn[0]);
    if (!f || pread(fd, f->insn, (size_t)size, *at + (off_t)sizeof n) != size || !filter_valid(f->insn, n)) {
        free(f);
        return NULL;
    }
    *at += (off_t)sizeof n + size;
    f->n = n;
    return f;
}

int linux_seccomp_take(struct linux_thread *t, int fd)
{
    off_t at = 0, end = lseek(fd, 0, SEEK_END);
    struct linux_filter *f;
    while (at < end && (f = read_filter(fd, &at))) {
        f->older = t->filters;
        t->filters = f;
    }
    close(fd);
    return at == end && end > 0 ? 0 : -1;
}
