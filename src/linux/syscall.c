/* SPDX-License-Identifier: GPL-2.0-or-later
 * syscall.c: the way of a system call: table, preparation of memory that the kernel will write, handler, result; and the generic handlers that
 * need no more than the argument kinds. Numbers, errors and structures are x86-64's, System V ABI (AMD64) appendix A.2.1.
 */
#include "linux/syscall.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "engine/log.h"
#include "linux/convert.h"
#include "linux/filters.h"
#include "linux/hostcall.h"
#include "linux/kinds.h"
#include "linux/memory.h"
#include "linux/memory_args.h"
#include "linux/proc.h"
#include "linux/start.h"
#undef SYS

#define SYS(number, name, handler, ...) extern linux_sys_fn linux_sys_##handler;
#include "linux/syscalls.def"
#undef SYS

#define EACH_KIND_0()
#define EACH_KIND_1(a) KIND_##a
#define EACH_KIND_2(a, ...) KIND_##a, EACH_KIND_1(__VA_ARGS__)
#define EACH_KIND_3(a, ...) KIND_##a, EACH_KIND_2(__VA_ARGS__)
#define EACH_KIND_4(a, ...) KIND_##a, EACH_KIND_3(__VA_ARGS__)
#define EACH_KIND_5(a, ...) KIND_##a, EACH_KIND_4(__VA_ARGS__)
#define EACH_KIND_6(a, ...) KIND_##a, EACH_KIND_5(__VA_ARGS__)
#define COUNT_(x, a, b, c, d, e, f, n, ...) n
#define COUNT(...) COUNT_(x, ##__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
const struct linux_call linux_calls[LINUX_N_CALLS] = {
#define SYS(number, name, handler, ...) \
    [number] = { #name, linux_sys_##handler, COUNT(__VA_ARGS__), { JOIN(EACH_KIND_, COUNT(__VA_ARGS__))(__VA_ARGS__) } },
#include "linux/syscalls.def"
#undef SYS
};

/* ---- memory that the kernel will write (smc watch) ---- */

const struct linux_kind_info linux_kinds[N_KINDS] = {
#define KIND(NAME, direction, size, printer) { direction, size },
#include "linux/kinds.def"
#undef KIND
};

static void will_write_iov(uint64_t iov, uint64_t n)
{
    struct iovec v;
    for (uint64_t i = 0; i < n && i < IOV_MAX && !engine_copy_from(&v, iov + i * sizeof v, sizeof v); i++)
        linux_will_write((uintptr_t)v.iov_base, v.iov_len);
}

/* struct msghdr of x86-64 */
static void will_write_msg(uint64_t msg, uint64_t size)
{
    struct { uint64_t name; uint32_t name_size, pad; uint64_t iov, n_iov, control, control_size; uint32_t flags, pad2; } m;
    linux_will_write(msg, size);
    if (engine_copy_from(&m, msg, sizeof m))
        return;
    linux_will_write(m.name, m.name_size);
    linux_will_write(m.control, m.control_size);
    will_write_iov(m.iov, m.n_iov);
}

static void prepare_write(const uint64_t args[6], unsigned i, int size)
{
    uint64_t next = i < 5 ? args[i + 1] : 0, prev = i ? args[i - 1] : 0;
    uint32_t length;
    switch (size) {
    case SIZE_NEXT: linux_will_write(args[i], next); break;
    case SIZE_PREV: linux_will_write(args[i], prev); break;
    case SIZE_PREV4: linux_will_write(args[i], 4 * (uint64_t)(uint32_t)prev); break;
    case SIZE_NEXT8: linux_will_write(args[i], 8 * (uint64_t)(uint32_t)next); break;
    case SIZE_IOV: will_write_iov(args[i], next); break;
    case SIZE_NEXTP:
        if (!engine_copy_from(&length, next, sizeof length))
            linux_will_write(args[i], length);
        break;
    case SIZE_MSG: will_write_msg(args[i], 56); break;
    case SIZE_MMSG:
        for (uint64_t k = 0; k < (uint32_t)next && k < IOV_MAX; k++)
            will_write_msg(args[i] + 64 * k, 64);
        break;
    case SIZE_MSGBUF: linux_will_write(args[i], next + 8); break;
    case SIZE_POLL: linux_will_write(args[i], 8 * (uint64_t)(uint32_t)next); break;
    case SIZE_EPOLL: linux_will_write(args[i], 12 * (uint64_t)(uint32_t)next); break;
    default: linux_will_write(args[i], (uint64_t)size);
    }
}

static void prepare_writes(const struct linux_call *call, const uint64_t args[6])
{
    for (unsigned i = 0; i < call->n_args; i++)
        if (args[i] && linux_kinds[call->kind[i]].direction >= OUT)
            prepare_write(args, i, linux_kinds[call->kind[i]].size);
}

/* ---- stacks that grow ---- */

/* The kernel's accesses would make a stack grow natively: what the call is given lies above the stack pointer, mostly. */
static void reach_stack(const struct linux_call *call, uint64_t sp, const uint64_t args[6])
{
    enum { RED_ZONE = 128 };
    if (linux_stack_may_grow(sp - RED_ZONE))
        linux_stack_reach(sp - RED_ZONE);
    for (unsigned i = 0; i < call->n_args; i++)
        if (linux_kinds[call->kind[i]].direction != VALUE && linux_stack_may_grow(args[i]))
            linux_stack_reach(args[i]);
}

/* ---- one call ---- */

enum { MMAP = 9, RESTART_SYSCALL = 219, EXIT_GROUP = 231 };

/* The call was interrupted: it is made again when the guest goes on, unless a handler runs first (linux_syscall_interrupted). */
static void again(struct cpu *cpu, uint64_t nr, int code)
{
    struct linux_thread *t = cpu->os;
    t->restart = code;
    cpu->state.gpr[X86_RAX] = code == LINUX_ERESTART_RESTARTBLOCK ? RESTART_SYSCALL : nr;
    cpu->state.pc -= 2;
}

static void finish(struct cpu *cpu, uint64_t nr, int64_t result)
{
    switch (-result) {
    case LINUX_ESIGRETURN: return;
    case LINUX_ERESTARTSYS:
    case LINUX_ERESTARTNOINTR:
    case LINUX_ERESTARTNOHAND:
    case LINUX_ERESTART_RESTARTBLOCK: again(cpu, nr, (int)-result); return;
    default: cpu->state.gpr[X86_RAX] = (uint64_t)linux_guest_result(result);
    }
}

void linux_syscall_interrupted(struct cpu *cpu, bool sa_restart)
{
    struct linux_thread *t = cpu->os;
    int code = t->restart;
    t->restart = 0;
    if (!code || code == LINUX_ERESTARTNOINTR || (code == LINUX_ERESTARTSYS && sa_restart))
        return;
    cpu->state.gpr[X86_RAX] = (uint64_t)-EINTR;
    cpu->state.pc += 2;
}

static int64_t handle(struct cpu *cpu, const struct linux_call *call, uint64_t nr, const uint64_t a[6])
{
    const struct linux_thread *t = cpu->os;
    int64_t refused;
    if (__builtin_expect(t->seccomp_strict || __atomic_load_n(&t->filters, __ATOMIC_ACQUIRE), 0) && linux_seccomp_stops(cpu, nr, a, &refused))
        return refused;
    if (!call)
        return -ENOSYS;
    if (!engine_views())
        return call->handler(cpu, a[0], a[1], a[2], a[3], a[4], a[5]);
    struct linux_view_call v;
    linux_view_begin(&v, nr, call, a);
    a = v.args;
    int64_t result = call->handler(cpu, a[0], a[1], a[2], a[3], a[4], a[5]);
    linux_view_end(&v);
    return result;
}

static int64_t traced(struct cpu *cpu, const struct linux_call *call, uint64_t nr, const uint64_t a[6])
{
    struct linux_strace trace;
    linux_strace_before(&trace, nr, a);
    int64_t result = handle(cpu, call, nr, a);
    linux_strace_after(&trace, nr, a, result);
    return result;
}

void linux_syscall(struct cpu *cpu)
{
    const uint64_t *r = cpu->state.gpr;
    uint64_t nr = r[X86_RAX], a[6] = { r[X86_RDI], r[X86_RSI], r[X86_RDX], r[X86_R10], r[X86_R8], r[X86_R9] };
    const struct linux_call *call = nr < LINUX_N_CALLS && linux_calls[nr].name ? &linux_calls[nr] : NULL;
    int64_t result;
    if (call)
        reach_stack(call, r[X86_RSP], a);
    if (call && linux_any_watched())
        prepare_writes(call, a);
    if (nr != MMAP)
        linux_forget_named_fd();
    if (nr == EXIT_GROUP && (int)a[0] == 127)
        linux_explain_missing();               /* the dynamic linker ends so when a library is missing */
    if (log_on(LOG_STRACE))
        result = traced(cpu, call, nr, a);
    else
        result = handle(cpu, call, nr, a);
    if (__builtin_expect(__atomic_load_n(&linux_memory_file_open, __ATOMIC_RELAXED), 0) && result > 0)
        linux_wrote_file(nr, a, result);
    if (log_on(LOG_UNIMP) && (!call || call->handler == linux_sys_none))
        log_printf("unimp: system call %llu (%s) at %012llx\n", (unsigned long long)nr, call ? call->name : "unknown", (unsigned long long)(cpu->state.pc - 2));
    finish(cpu, nr, result);
}

/* ---- paths ---- */

long linux_get_string(uint64_t guest, char *buf, size_t size)
{
    long n = engine_strnlen(guest, size);
    if (n < 0 || (size_t)n >= size || engine_copy_from(buf, guest, (size_t)n + 1) || buf[n])
        return -1;
    return n;
}

uint64_t linux_path_argument(uint64_t guest, bool follow, char buf[4096])
{
    char path[4096], first;
    if (engine_copy_from(&first, guest, 1) || first != '/' || linux_get_string(guest, path, sizeof path) < 0)
        return guest;
    const char *host = linux_path(path, follow, buf);
    if (host == path)
        return guest;
    return (uint64_t)(uintptr_t)host;
}

/* AT_SYMLINK_NOFOLLOW in the call's flags? */
static bool follows(const struct linux_call *call, const uint64_t args[6])
{
    for (unsigned i = 0; i < call->n_args; i++)
        if (call->kind[i] == KIND_ATFLAGS)
            return !(args[i] & 0x100);
    return true;
}

/* ---- generic handlers ---- */

static long make_call(struct cpu *cpu, uint64_t args[6], bool may_block)
{
    uint64_t nr = cpu->state.gpr[X86_RAX];
    const struct linux_call *call = &linux_calls[nr];
    char path[2][4096];
    for (unsigned i = 0, n = 0; i < call->n_args && n < 2; i++)
        if (linux_kinds[call->kind[i]].direction == PATHNAME) {
            bool follow = call->kind[i] == KIND_PATH || (call->kind[i] == KIND_ATPATH && follows(call, args));
            args[i] = linux_path_argument(args[i], follow, path[n++]);
        } else if (call->kind[i] == KIND_OPENFLAGS)
            args[i] = linux_host_open_flags(args[i]);
    if (linux_host_number((long)nr) < 0)
        return linux_replaced_syscall((long)nr, args);
    if (may_block)
        return linux_safe_syscall(linux_host_number((long)nr), (long)args[0], (long)args[1], (long)args[2], (long)args[3], (long)args[4], (long)args[5]);
    return linux_host_syscall((long)nr, (long)args[0], (long)args[1], (long)args[2], (long)args[3], (long)args[4], (long)args[5]);
}

long linux_host_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    long number = linux_host_number(nr), r = number < 0 ? -1 : syscall(number, a, b, c, d, e, f);
    return number < 0 ? -ENOSYS : r == -1 ? -errno : r;
}

int64_t linux_sys_pass(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    return make_call(cpu, (uint64_t[]){ a, b, c, d, e, f }, false);
}

int64_t linux_sys_alone(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    engine_hold_threads();
    int64_t r = make_call(cpu, (uint64_t[]){ a, b, c, d, e, f }, false);
    engine_release_threads();
    return r;
}

int64_t linux_sys_wait(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    return make_call(cpu, (uint64_t[]){ a, b, c, d, e, f }, true);
}

int64_t linux_sys_none(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { return -ENOSYS; }
int64_t linux_sys_refuse(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) { return -EPERM; }
