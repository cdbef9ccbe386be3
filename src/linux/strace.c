/* SPDX-License-Identifier: GPL-2.0-or-later
 * strace.c: -strace: one line for each system call, printed from the table: PID name(arguments) = result. Arguments that the kernel reads
 * are described before the call, what it writes afterwards; the line goes out whole when the call is done, so that threads don't mix.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include "engine/log.h"
#include "linux/syscall.h"

enum { CREATING = 0100 | 020000000 };                /* O_CREAT, O_TMPFILE */
enum { STRING_SHOWN = 64, DATA_SHOWN = 48, VECTOR_SHOWN = 8 };
struct flag { uint64_t mask, value; const char *name; };

static void put(struct linux_strace *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct linux_strace *s, const char *fmt, ...)
{
    va_list ap;
    size_t room = sizeof s->text - s->n;
    va_start(ap, fmt);
    int n = vsnprintf(s->text + s->n, room, fmt, ap);
    va_end(ap);
    s->n += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

/* ---- values from tables ---- */

#define F(name, value) { value, value, #name }
#define V(name, value) { ~0ull, value, #name }
#define END { 0, 0, NULL }

static const struct flag open_flags[] = { F(O_TMPFILE, 020200000), F(O_SYNC, 04010000), { 3, 0, "O_RDONLY" }, { 3, 1, "O_WRONLY" }, { 3, 2, "O_RDWR" },
    { 3, 3, "O_ACCMODE" }, F(O_CREAT, 0100), F(O_EXCL, 0200), F(O_NOCTTY, 0400), F(O_TRUNC, 01000), F(O_APPEND, 02000), F(O_NONBLOCK, 04000),
    F(O_DSYNC, 010000), F(O_ASYNC, 020000), F(O_DIRECT, 040000), F(O_LARGEFILE, 0100000), F(O_DIRECTORY, 0200000), F(O_NOFOLLOW, 0400000),
    F(O_NOATIME, 01000000), F(O_CLOEXEC, 02000000), F(O_PATH, 010000000), END };
static const struct flag access_modes[] = { { ~0ull, 0, "F_OK" }, F(R_OK, 4), F(W_OK, 2), F(X_OK, 1), END };
static const struct flag prots[] = { { ~0ull, 0, "PROT_NONE" }, F(PROT_READ, 1), F(PROT_WRITE, 2), F(PROT_EXEC, 4), F(PROT_GROWSDOWN, 0x1000000),
    F(PROT_GROWSUP, 0x2000000), END };
static const struct flag map_flags[] = { { 3, 1, "MAP_SHARED" }, { 3, 2, "MAP_PRIVATE" }, { 3, 3, "MAP_SHARED_VALIDATE" }, F(MAP_FIXED, 0x10), F(MAP_ANONYMOUS, 0x20),
    F(MAP_32BIT, 0x40), F(MAP_GROWSDOWN, 0x100), F(MAP_DENYWRITE, 0x800), F(MAP_EXECUTABLE, 0x1000), F(MAP_LOCKED, 0x2000), F(MAP_NORESERVE, 0x4000),
    F(MAP_POPULATE, 0x8000), F(MAP_NONBLOCK, 0x10000), F(MAP_STACK, 0x20000), F(MAP_HUGETLB, 0x40000), F(MAP_SYNC, 0x80000), F(MAP_FIXED_NOREPLACE, 0x100000), END };
static const struct flag mremap_flags[] = { { ~0ull, 0, "0" }, F(MREMAP_MAYMOVE, 1), F(MREMAP_FIXED, 2), F(MREMAP_DONTUNMAP, 4), END };
static const struct flag madvices[] = { V(MADV_NORMAL, 0), V(MADV_RANDOM, 1), V(MADV_SEQUENTIAL, 2), V(MADV_WILLNEED, 3), V(MADV_DONTNEED, 4), V(MADV_FREE, 8),
    V(MADV_REMOVE, 9), V(MADV_DONTFORK, 10), V(MADV_DOFORK, 11), V(MADV_MERGEABLE, 12), V(MADV_UNMERGEABLE, 13), V(MADV_HUGEPAGE, 14), V(MADV_NOHUGEPAGE, 15),
    V(MADV_DONTDUMP, 16), V(MADV_DODUMP, 17), V(MADV_WIPEONFORK, 18), V(MADV_KEEPONFORK, 19), V(MADV_COLD, 20), V(MADV_PAGEOUT, 21),
    V(MADV_POPULATE_READ, 22), V(MADV_POPULATE_WRITE, 23), END };
static const struct flag at_flags[] = { { ~0ull, 0, "0" }, F(AT_SYMLINK_NOFOLLOW, 0x100), F(AT_EACCESS, 0x200), F(AT_SYMLINK_FOLLOW, 0x400),
    F(AT_NO_AUTOMOUNT, 0x800), F(AT_EMPTY_PATH, 0x1000), F(AT_STATX_FORCE_SYNC, 0x2000), F(AT_STATX_DONT_SYNC, 0x4000), END };
static const struct flag clone_flags[] = { F(CLONE_VM, 0x100), F(CLONE_FS, 0x200), F(CLONE_FILES, 0x400), F(CLONE_SIGHAND, 0x800), F(CLONE_PIDFD, 0x1000),
    F(CLONE_PTRACE, 0x2000), F(CLONE_VFORK, 0x4000), F(CLONE_PARENT, 0x8000), F(CLONE_THREAD, 0x10000), F(CLONE_NEWNS, 0x20000), F(CLONE_SYSVSEM, 0x40000),
    F(CLONE_SETTLS, 0x80000), F(CLONE_PARENT_SETTID, 0x100000), F(CLONE_CHILD_CLEARTID, 0x200000), F(CLONE_DETACHED, 0x400000), F(CLONE_UNTRACED, 0x800000),
    F(CLONE_CHILD_SETTID, 0x1000000), F(CLONE_NEWCGROUP, 0x2000000), F(CLONE_NEWUTS, 0x4000000), F(CLONE_NEWIPC, 0x8000000), F(CLONE_NEWUSER, 0x10000000),
    F(CLONE_NEWPID, 0x20000000), F(CLONE_NEWNET, 0x40000000), { 0xff, 17, "SIGCHLD" }, END };
static const struct flag sighows[] = { V(SIG_BLOCK, 0), V(SIG_UNBLOCK, 1), V(SIG_SETMASK, 2), END };
static const struct flag whences[] = { V(SEEK_SET, 0), V(SEEK_CUR, 1), V(SEEK_END, 2), V(SEEK_DATA, 3), V(SEEK_HOLE, 4), END };
static const struct flag clocks[] = { V(CLOCK_REALTIME, 0), V(CLOCK_MONOTONIC, 1), V(CLOCK_PROCESS_CPUTIME_ID, 2), V(CLOCK_THREAD_CPUTIME_ID, 3),
    V(CLOCK_MONOTONIC_RAW, 4), V(CLOCK_REALTIME_COARSE, 5), V(CLOCK_MONOTONIC_COARSE, 6), V(CLOCK_BOOTTIME, 7), V(CLOCK_REALTIME_ALARM, 8),
    V(CLOCK_BOOTTIME_ALARM, 9), V(CLOCK_TAI, 11), END };
#define FUTEX(name, value) { 0x7f, value, #name }
static const struct flag futex_ops[] = { FUTEX(FUTEX_WAIT, 0), FUTEX(FUTEX_WAKE, 1), FUTEX(FUTEX_FD, 2), FUTEX(FUTEX_REQUEUE, 3), FUTEX(FUTEX_CMP_REQUEUE, 4),
    FUTEX(FUTEX_WAKE_OP, 5), FUTEX(FUTEX_LOCK_PI, 6), FUTEX(FUTEX_UNLOCK_PI, 7), FUTEX(FUTEX_TRYLOCK_PI, 8), FUTEX(FUTEX_WAIT_BITSET, 9),
    FUTEX(FUTEX_WAKE_BITSET, 10), FUTEX(FUTEX_WAIT_REQUEUE_PI, 11), FUTEX(FUTEX_CMP_REQUEUE_PI, 12), FUTEX(FUTEX_LOCK_PI2, 13), F(FUTEX_PRIVATE_FLAG, 128),
    F(FUTEX_CLOCK_REALTIME, 256), END };
static const struct flag families[] = { V(AF_UNSPEC, 0), V(AF_UNIX, 1), V(AF_INET, 2), V(AF_INET6, 10), V(AF_NETLINK, 16), V(AF_PACKET, 17), V(AF_ALG, 38), V(AF_VSOCK, 40), END };
static const struct flag socket_types[] = { { 15, 1, "SOCK_STREAM" }, { 15, 2, "SOCK_DGRAM" }, { 15, 3, "SOCK_RAW" }, { 15, 4, "SOCK_RDM" }, { 15, 5, "SOCK_SEQPACKET" },
    F(SOCK_NONBLOCK, 04000), F(SOCK_CLOEXEC, 02000000), END };
static const struct flag msg_flags[] = { { ~0ull, 0, "0" }, F(MSG_OOB, 1), F(MSG_PEEK, 2), F(MSG_DONTROUTE, 4), F(MSG_CTRUNC, 8), F(MSG_TRUNC, 0x20), F(MSG_DONTWAIT, 0x40),
    F(MSG_EOR, 0x80), F(MSG_WAITALL, 0x100), F(MSG_ERRQUEUE, 0x2000), F(MSG_NOSIGNAL, 0x4000), F(MSG_MORE, 0x8000), F(MSG_CMSG_CLOEXEC, 0x40000000), END };
static const struct flag fcntls[] = { V(F_DUPFD, 0), V(F_GETFD, 1), V(F_SETFD, 2), V(F_GETFL, 3), V(F_SETFL, 4), V(F_GETLK, 5), V(F_SETLK, 6), V(F_SETLKW, 7), V(F_SETOWN, 8),
    V(F_GETOWN, 9), V(F_SETSIG, 10), V(F_GETSIG, 11), V(F_SETOWN_EX, 15), V(F_GETOWN_EX, 16), V(F_OFD_GETLK, 36), V(F_OFD_SETLK, 37), V(F_OFD_SETLKW, 38),
    V(F_SETLEASE, 1024), V(F_GETLEASE, 1025), V(F_NOTIFY, 1026), V(F_DUPFD_CLOEXEC, 1030), V(F_SETPIPE_SZ, 1031), V(F_GETPIPE_SZ, 1032), V(F_ADD_SEALS, 1033),
    V(F_GET_SEALS, 1034), END };
static const struct flag resources[] = { V(RLIMIT_CPU, 0), V(RLIMIT_FSIZE, 1), V(RLIMIT_DATA, 2), V(RLIMIT_STACK, 3), V(RLIMIT_CORE, 4), V(RLIMIT_RSS, 5),
    V(RLIMIT_NPROC, 6), V(RLIMIT_NOFILE, 7), V(RLIMIT_MEMLOCK, 8), V(RLIMIT_AS, 9), V(RLIMIT_LOCKS, 10), V(RLIMIT_SIGPENDING, 11), V(RLIMIT_MSGQUEUE, 12),
    V(RLIMIT_NICE, 13), V(RLIMIT_RTPRIO, 14), V(RLIMIT_RTTIME, 15), END };
static const struct flag prctls[] = { V(PR_SET_PDEATHSIG, 1), V(PR_GET_PDEATHSIG, 2), V(PR_GET_DUMPABLE, 3), V(PR_SET_DUMPABLE, 4), V(PR_SET_NAME, 15), V(PR_GET_NAME, 16),
    V(PR_GET_SECCOMP, 21), V(PR_SET_SECCOMP, 22), V(PR_CAPBSET_READ, 23), V(PR_CAPBSET_DROP, 24), V(PR_SET_TIMERSLACK, 29), V(PR_GET_TIMERSLACK, 30), V(PR_SET_MM, 35),
    V(PR_SET_CHILD_SUBREAPER, 36), V(PR_GET_CHILD_SUBREAPER, 37), V(PR_SET_NO_NEW_PRIVS, 38), V(PR_GET_NO_NEW_PRIVS, 39), V(PR_SET_THP_DISABLE, 41),
    V(PR_CAP_AMBIENT, 47), V(PR_SET_VMA, 0x53564d41), END };
static const struct flag arch_prctls[] = { V(ARCH_SET_GS, 0x1001), V(ARCH_SET_FS, 0x1002), V(ARCH_GET_FS, 0x1003), V(ARCH_GET_GS, 0x1004), V(ARCH_GET_CPUID, 0x1011),
    V(ARCH_SET_CPUID, 0x1012), V(ARCH_CET_STATUS, 0x3001), V(ARCH_SHSTK_STATUS, 0x5005), END };
static const struct flag epoll_ops[] = { V(EPOLL_CTL_ADD, 1), V(EPOLL_CTL_DEL, 2), V(EPOLL_CTL_MOD, 3), END };
static const struct flag wait_options_[] = { { ~0ull, 0, "0" }, F(WNOHANG, 1), F(WUNTRACED, 2), F(WEXITED, 4), F(WCONTINUED, 8), F(WNOWAIT, 0x1000000), F(__WNOTHREAD, 0x20000000),
    F(__WALL, 0x40000000), F(__WCLONE, 0x80000000), END };
static const struct flag ioctls[] = {
#define IOCTL(name, number, size) V(name, number),
#include "linux/ioctls.def"
#undef IOCTL
    END };

/* Names joined by |; what no name covers as a number. */
static void put_flags(struct linux_strace *s, uint64_t v, const struct flag *f)
{
    const char *between = "";
    uint64_t rest = v;
    for (; f->name; f++) {
        bool whole = f->mask == ~0ull;
        if (whole ? v != f->value : (rest & f->mask) != f->value || (f->mask == f->value && !f->value))
            continue;
        if (!whole && f->mask != f->value && (v & f->mask) != f->value)
            continue;
        put(s, "%s%s", between, f->name);
        between = "|";
        rest &= ~(whole ? v : f->mask);
        if (whole)
            return;
    }
    if (rest || !*between)
        put(s, "%s0x%llx", between, (unsigned long long)rest);
}

/* ---- printers: one for each name in kinds.def's last column; args and i, because some look at their neighbours ---- */

#define PRINTER(name) static void print_##name(struct linux_strace *s, const uint64_t *args, unsigned i)
#define FROM_TABLE(name, table, type) PRINTER(name) { put_flags(s, (type)args[i], table); }

PRINTER(nothing) { }
PRINTER(int) { put(s, "%d", (int)args[i]); }
PRINTER(uint) { put(s, "%u", (unsigned)args[i]); }
PRINTER(long) { put(s, "%lld", (long long)args[i]); }
PRINTER(size) { put(s, "%llu", (unsigned long long)args[i]); }
PRINTER(octal) { put(s, "0%o", (unsigned)args[i]); }

PRINTER(hex)
{
    put(s, args[i] ? "0x%llx" : "%llu", (unsigned long long)args[i]);
}

PRINTER(pointer)
{
    if (args[i])
        put(s, "0x%llx", (unsigned long long)args[i]);
    else
        put(s, "NULL");
}

PRINTER(dirfd)
{
    if ((int)args[i] == -100)
        put(s, "AT_FDCWD");
    else
        put(s, "%d", (int)args[i]);
}

FROM_TABLE(open_flags, open_flags, uint32_t)
FROM_TABLE(access_mode, access_modes, uint32_t)
FROM_TABLE(prot, prots, uint32_t)
FROM_TABLE(map_flags, map_flags, uint32_t)
FROM_TABLE(mremap_flags, mremap_flags, uint32_t)
FROM_TABLE(madvice, madvices, uint32_t)
FROM_TABLE(at_flags, at_flags, uint32_t)
FROM_TABLE(clone_flags, clone_flags, uint64_t)
FROM_TABLE(sighow, sighows, uint32_t)
FROM_TABLE(whence, whences, uint32_t)
FROM_TABLE(clock, clocks, uint32_t)
FROM_TABLE(futex_op, futex_ops, uint32_t)
FROM_TABLE(address_family, families, uint32_t)
FROM_TABLE(socket_type, socket_types, uint32_t)
FROM_TABLE(msg_flags, msg_flags, uint32_t)
FROM_TABLE(fcntl, fcntls, uint32_t)
FROM_TABLE(ioctl, ioctls, uint32_t)
FROM_TABLE(resource, resources, uint32_t)
FROM_TABLE(prctl, prctls, uint32_t)
FROM_TABLE(arch_prctl, arch_prctls, uint32_t)
FROM_TABLE(epoll_op, epoll_ops, uint32_t)
FROM_TABLE(wait_options, wait_options_, uint32_t)

static const char *const signals[] = { "0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2",
    "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM",
    "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS" };

static void put_signal(struct linux_strace *s, int n)
{
    if (n >= 0 && n < 32)
        put(s, "%s", signals[n]);
    else if (n >= 32 && n <= 64)
        put(s, n == 32 ? "SIGRTMIN" : "SIGRT_%d", n - 32);
    else
        put(s, "%d", n);
}

PRINTER(signal) { put_signal(s, (int)args[i]); }

static void put_quoted(struct linux_strace *s, const char *p, size_t n, bool cut)
{
    static const char from[] = "\n\t\r\"\\", to[] = "ntr\"\\";
    put(s, "\"");
    for (size_t k = 0; k < n; k++) {
        const char *special = p[k] ? strchr(from, p[k]) : NULL;
        if (special)
            put(s, "\\%c", to[special - from]);
        else if (p[k] < ' ' || p[k] > '~')
            put(s, "\\%o", (unsigned char)p[k]);
        else
            put(s, "%c", p[k]);
    }
    put(s, cut ? "\"..." : "\"");
}

static void put_string(struct linux_strace *s, uint64_t guest, size_t most)
{
    char text[1024];
    long n = engine_strnlen(guest, most);
    if (!guest || n < 0 || engine_copy_from(text, guest, (size_t)n))
        put(s, guest ? "0x%llx" : "NULL", (unsigned long long)guest);
    else
        put_quoted(s, text, (size_t)n, (size_t)n == most);
}

static void put_data(struct linux_strace *s, uint64_t guest, uint64_t size)
{
    char text[DATA_SHOWN];
    size_t n = size < DATA_SHOWN ? (size_t)size : DATA_SHOWN;
    if (!guest || engine_copy_from(text, guest, n))
        put(s, guest ? "0x%llx" : "NULL", (unsigned long long)guest);
    else
        put_quoted(s, text, n, n < size);
}

PRINTER(string) { put_string(s, args[i], 1000); }
PRINTER(data_in) { put_data(s, args[i], args[i + 1]); }
PRINTER(data_out) { print_pointer(s, args, i); }

PRINTER(iov)
{
    struct { uint64_t base, size; } v;
    put(s, "[");
    for (uint64_t k = 0; k < args[i + 1] && k < VECTOR_SHOWN; k++) {
        if (engine_copy_from(&v, args[i] + 16 * k, 16))
            break;
        put(s, "%s{", k ? "," : "");
        put_data(s, v.base, v.size);
        put(s, ",%llu}", (unsigned long long)v.size);
    }
    put(s, "]");
}

static void put_vector(struct linux_strace *s, uint64_t array)
{
    uint64_t p;
    put(s, "[");
    for (unsigned k = 0; !engine_copy_from(&p, array + 8ull * k, 8) && p; k++) {
        if (k >= 4 * VECTOR_SHOWN) {
            put(s, ",...");
            break;
        }
        put(s, k ? "," : "");
        put_string(s, p, STRING_SHOWN);
    }
    put(s, "]");
}

PRINTER(argv)
{
    if (args[i])
        put_vector(s, args[i]);
    else
        put(s, "NULL");
}

PRINTER(envp) { print_pointer(s, args, i); }

/* A structure of 64-bit numbers that the kernel reads or has written. */
static void put_pair(struct linux_strace *s, uint64_t guest, const char *fmt)
{
    long long v[2];
    if (!guest || engine_copy_from(v, guest, 16)) {
        put(s, guest ? "0x%llx" : "NULL", (unsigned long long)guest);
        return;
    }
    char text[128];
    snprintf(text, sizeof text, fmt, v[0], v[1]);
    put(s, "%s", text);
}

static void put_limit(struct linux_strace *s, uint64_t guest)
{
    uint64_t v[2];
    if (!guest || engine_copy_from(v, guest, 16)) {
        put(s, guest ? "0x%llx" : "NULL", (unsigned long long)guest);
        return;
    }
    for (int k = 0; k < 2; k++) {
        put(s, "%s", k ? "," : "{");
        if (v[k] == ~0ull)
            put(s, "RLIM64_INFINITY");
        else
            put(s, "%llu", (unsigned long long)v[k]);
    }
    put(s, "}");
}

PRINTER(timespec_in) { put_pair(s, args[i], "{%lld,%lld}"); }
PRINTER(timespec_out) { put_pair(s, args[i], "{%lld,%lld}"); }
PRINTER(rlimit_in) { put_limit(s, args[i]); }
PRINTER(rlimit_out) { put_limit(s, args[i]); }

static void put_ints(struct linux_strace *s, uint64_t guest, unsigned n)
{
    int v[2];
    if (!guest || engine_copy_from(v, guest, 4 * n))
        put(s, guest ? "0x%llx" : "NULL", (unsigned long long)guest);
    else
        put(s, n == 1 ? "[%d]" : "[%d,%d]", v[0], v[1]);
}

PRINTER(int_out) { put_ints(s, args[i], 1); }
PRINTER(int2_out) { put_ints(s, args[i], 2); }

PRINTER(stat_out)
{
    struct { uint64_t dev, ino, nlink; uint32_t mode, uid, gid, pad; uint64_t rdev, size; } st;
    if (engine_copy_from(&st, args[i], sizeof st))
        print_pointer(s, args, i);
    else
        put(s, "{st_mode=0%o,st_size=%llu,...}", st.mode, (unsigned long long)st.size);
}

static void put_sigset(struct linux_strace *s, uint64_t guest)
{
    uint64_t set;
    const char *between = "";
    if (!guest || engine_copy_from(&set, guest, 8)) {
        put(s, guest ? "0x%llx" : "NULL", (unsigned long long)guest);
        return;
    }
    bool inverted = __builtin_popcountll(set) > 40;
    put(s, inverted ? "~[" : "[");
    for (int n = 1; n <= 64; n++)
        if ((set >> (n - 1) & 1) != inverted) {
            put(s, "%s", between);
            put_signal(s, n);
            between = " ";
        }
    put(s, "]");
}

PRINTER(sigset_in) { put_sigset(s, args[i]); }
PRINTER(sigset_out) { put_sigset(s, args[i]); }

PRINTER(sigaction_in)
{
    uint64_t v[4];
    if (!args[i] || engine_copy_from(v, args[i], sizeof v)) {
        print_pointer(s, args, i);
        return;
    }
    if (v[0] < 2)
        put(s, "{sa_handler=%s,", v[0] ? "SIG_IGN" : "SIG_DFL");
    else
        put(s, "{sa_handler=0x%llx,", (unsigned long long)v[0]);
    put(s, "sa_flags=0x%llx,sa_mask=", (unsigned long long)v[1]);
    put_sigset(s, args[i] + 24);
    put(s, "}");
}

PRINTER(pollfds)
{
    struct { int fd; short events, revents; } p;
    put(s, "[");
    for (uint64_t k = 0; k < (uint32_t)args[i + 1] && k < VECTOR_SHOWN && !engine_copy_from(&p, args[i] + 8 * k, 8); k++)
        put(s, "%s{fd=%d,events=0x%x}", k ? "," : "", p.fd, (unsigned short)p.events);
    put(s, "]");
}

PRINTER(sockaddr)
{
    union { uint16_t family; struct sockaddr_un un; uint8_t bytes[128]; } a;
    uint64_t n = args[i + 1] < sizeof a ? args[i + 1] : sizeof a;
    memset(&a, 0, sizeof a);
    if (!args[i] || n < 2 || engine_copy_from(&a, args[i], n)) {
        print_pointer(s, args, i);
        return;
    }
    put(s, "{");
    put_flags(s, a.family, families);
    if (a.family == 1) {
        put(s, ",");
        put_quoted(s, a.un.sun_path, a.un.sun_path[0] ? strnlen(a.un.sun_path, n - 2) : n - 2, false);
    } else if (a.family == 2 && n >= 8)
        put(s, ",%u.%u.%u.%u:%u", a.bytes[4], a.bytes[5], a.bytes[6], a.bytes[7], a.bytes[2] << 8 | a.bytes[3]);
    put(s, "}");
}

/* ---- lines ---- */

static const struct { void (*print)(struct linux_strace *s, const uint64_t *args, unsigned i); bool later; } printers[N_KINDS] = {
#define VALUE false
#define PATHNAME false
#define IN false
#define INOUT false
#define OUT true
#define KIND(NAME, direction, size, printer) { print_##printer, direction },
#include "linux/kinds.def"
#undef KIND
};

/* Calls that do not come back when they succeed: their line goes out before. */
static bool never_returns(uint64_t nr) { return nr == 60 || nr == 231; }
static bool is_exec(uint64_t nr) { return nr == 59 || nr == 322; }

static const struct linux_call *find(uint64_t nr) { return nr < LINUX_N_CALLS && linux_calls[nr].name ? &linux_calls[nr] : NULL; }

/* The arguments from *next on; stops at one that the kernel has yet to write unless done. */
static void put_arguments(struct linux_strace *s, const struct linux_call *call, const uint64_t args[6], unsigned *next, bool done, bool failed)
{
    for (; *next < call->n_args; ++*next) {
        bool out = printers[call->kind[*next]].later;
        if (*next && call->kind[*next] == KIND_MODE && call->kind[*next - 1] == KIND_OPENFLAGS && !(args[*next - 1] & CREATING)) {
            *next = call->n_args;              /* no file is made: the mode means nothing */
            return;
        }
        if (out && !done)
            return;
        if (*next)
            put(s, ",");
        if (out && failed)
            print_pointer(s, args, *next);
        else
            printers[call->kind[*next]].print(s, args, *next);
    }
}

static void describe(struct linux_strace *s, uint64_t nr, const uint64_t args[6])
{
    const struct linux_call *call = find(nr);
    unsigned next = 0;
    s->n = 0;
    put(s, "%d %s(", getpid(), call ? call->name : "");
    if (!call)
        s->n = 0, put(s, "%d syscall_%llu(", getpid(), (unsigned long long)nr);
    for (unsigned i = 0; !call && i < 6; i++)
        put(s, "%s0x%llx", i ? "," : "", (unsigned long long)args[i]);
    if (call)
        put_arguments(s, call, args, &next, false, false);
    s->next = next;
}

void linux_strace_before(struct linux_strace *s, uint64_t nr, const uint64_t args[6])
{
    describe(s, nr, args);
    if (never_returns(nr)) {
        put(s, ") = ?\n");
        log_printf("%s", s->text);
    } else if (is_exec(nr)) {
        put(s, ")\n");
        log_printf("%s", s->text);
        s->n = 0;
        put(s, "%d %s(...", getpid(), linux_calls[nr].name);
        s->next = linux_calls[nr].n_args;
    }
}

static const char *errno_name(int number)
{
    switch (number) {
#define ERRNO(name, value) case value: return #name;
#include "linux/errno.def"
#undef ERRNO
    case LINUX_ERESTARTSYS: return "ERESTARTSYS";
    case LINUX_ERESTARTNOINTR: return "ERESTARTNOINTR";
    case LINUX_ERESTARTNOHAND: return "ERESTARTNOHAND";
    case LINUX_ERESTART_RESTARTBLOCK: return "ERESTART_RESTARTBLOCK";
    }
    return "?";
}

static void put_result(struct linux_strace *s, uint64_t nr, int64_t result)
{
    bool address = nr == 9 || nr == 12 || nr == 25 || nr == 30;          /* mmap, brk, mremap, shmat */
    if (result < 0 && result > -4096) {
        const char *text = -result < 512 ? strerror((int)-result) : "to be restarted";
        put(s, ") = -1 %s (%s)\n", errno_name((int)-result), text);
    } else if (address)
        put(s, ") = 0x%llx\n", (unsigned long long)result);
    else
        put(s, ") = %lld\n", (long long)result);
}

/* Data that the kernel has written: the call's buffer, as far as its result says. */
static bool put_read_data(struct linux_strace *s, const struct linux_call *call, const uint64_t args[6], int64_t result)
{
    unsigned i = s->next;
    if (i >= call->n_args || call->kind[i] != KIND_WBUF || result < 0 || (uint64_t)result > args[i + 1])
        return false;
    put(s, i ? "," : "");
    put_data(s, args[i], (uint64_t)result);
    s->next++;
    return true;
}

void linux_strace_after(struct linux_strace *s, uint64_t nr, const uint64_t args[6], int64_t result)
{
    const struct linux_call *call = find(nr);
    if (result == -LINUX_ESIGRETURN) {
        put(s, ") = ?\n");
    } else {
        if (call) {
            put_read_data(s, call, args, result);
            put_arguments(s, call, args, &s->next, true, result < 0);
        }
        put_result(s, nr, result);
    }
    if (s->n == sizeof s->text - 1)
        s->text[s->n - 1] = '\n';
    log_printf("%s", s->text);
}
