/* SPDX-License-Identifier: GPL-2.0-or-later
 * numbers.c: x86-64's system calls by the host's numbers. Younger hosts have no open, access, mkdir and the like: those are made with the
 * call that took their place. syscalls(2); arch/x86/entry/syscalls/syscall_64.tbl; asm-generic/unistd.h.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <utime.h>
#include "linux/convert.h"
#include "linux/hostcall.h"
#include "linux/missing_numbers.h"
#undef SYS

#ifdef __x86_64__

long linux_host_number(long nr) { return nr; }

#else

enum { FIRST_COMMON = 424 };           /* from here on all processors have the same numbers */

static const int16_t host_numbers[FIRST_COMMON] = {
#define SYS(number, name, handler, ...) [number < FIRST_COMMON ? number : 0] = number < FIRST_COMMON ? SYS_##name : SYS_read,
#include "linux/syscalls.def"
#undef SYS
};

long linux_host_number(long nr) { return nr >= FIRST_COMMON ? nr : nr < 0 ? -1 : host_numbers[nr]; }

#endif

/* ---- calls that a host may lack ---- */

enum {
    G_PIPE = 22, G_ACCESS = 21, G_ALARM = 37, G_SEMOP = 65, G_RENAME = 82, G_MKDIR, G_RMDIR, G_LINK = 86, G_UNLINK, G_SYMLINK, G_CHMOD = 90, G_CHOWN = 92,
    G_LCHOWN = 94, G_GETPGRP = 111, G_UTIME = 132, G_MKNOD = 133, G_EPOLL_CREATE = 213, G_UTIMES = 235, G_INOTIFY_INIT = 253,
    G_FUTIMESAT = 261, G_SYNC_FILE_RANGE = 277, G_EVENTFD = 284,
};
enum { A, B, C, D, E, F, ZERO, CWD, NOFOLLOW, REMOVEDIR };

#ifndef SYS_sync_file_range2
#define SYS_sync_file_range2 (-1)
#endif
static const struct replacement { int16_t guest, host; uint8_t arg[6]; } replacements[] = {
    { G_PIPE, SYS_pipe2, { A, ZERO } }, { G_ACCESS, SYS_faccessat, { CWD, A, B } }, { G_SEMOP, SYS_semtimedop, { A, B, C, ZERO } },
    { G_RENAME, SYS_renameat2, { CWD, A, CWD, B, ZERO } }, { G_MKDIR, SYS_mkdirat, { CWD, A, B } },
    { G_RMDIR, SYS_unlinkat, { CWD, A, REMOVEDIR } }, { G_LINK, SYS_linkat, { CWD, A, CWD, B, ZERO } },
    { G_UNLINK, SYS_unlinkat, { CWD, A, ZERO } }, { G_SYMLINK, SYS_symlinkat, { A, CWD, B } }, { G_CHMOD, SYS_fchmodat, { CWD, A, B } },
    { G_CHOWN, SYS_fchownat, { CWD, A, B, C, ZERO } }, { G_LCHOWN, SYS_fchownat, { CWD, A, B, C, NOFOLLOW } },
    { G_GETPGRP, SYS_getpgid, { ZERO } }, { G_MKNOD, SYS_mknodat, { CWD, A, B, C } }, { G_EPOLL_CREATE, SYS_epoll_create1, { ZERO } },
    { G_INOTIFY_INIT, SYS_inotify_init1, { ZERO } }, { G_EVENTFD, SYS_eventfd2, { A, ZERO } },
    { G_SYNC_FILE_RANGE, SYS_sync_file_range2, { A, D, B, C } },
};

static long replaced(const struct replacement *r, const uint64_t args[6])
{
    uint64_t from[10] = { args[0], args[1], args[2], args[3], args[4], args[5], 0, (uint64_t)AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR };
    const uint8_t *k = r->arg;
    return linux_safe_syscall(r->host, (long)from[k[0]], (long)from[k[1]], (long)from[k[2]], (long)from[k[3]], (long)from[k[4]], (long)from[k[5]]);
}

/* utimes, futimesat; NULL is now */
static long set_times(int dirfd, uint64_t path, uint64_t times)
{
    struct { int64_t sec, usec; } tv[2];
    struct timespec ts[2];
    if (!times) return linux_host(SYS_utimensat, dirfd, path, NULL, 0);
    if (linux_get(tv, times, sizeof tv)) return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (tv[i].usec < 0 || tv[i].usec >= 1000000) return -EINVAL;
        ts[i] = (struct timespec){ tv[i].sec, tv[i].usec * 1000 };
    }
    return linux_host(SYS_utimensat, dirfd, path, ts, 0);
}

static long set_utime(uint64_t path, uint64_t times)
{
    int64_t t[2];
    if (!times) return linux_host(SYS_utimensat, AT_FDCWD, path, NULL, 0);
    if (linux_get(t, times, sizeof t)) return -EFAULT;
    struct timespec ts[2] = { { t[0], 0 }, { t[1], 0 } };
    return linux_host(SYS_utimensat, AT_FDCWD, path, ts, 0);
}

static long set_alarm(uint32_t seconds)
{
    struct itimerval new = { .it_value.tv_sec = seconds }, old;
    long r = linux_host(SYS_setitimer, ITIMER_REAL, &new, &old);
    return r < 0 ? r : old.it_value.tv_sec + (old.it_value.tv_usec >= 500000 || (!old.it_value.tv_sec && old.it_value.tv_usec));
}

/* A call that the host has no number for. */
long linux_replaced_syscall(long nr, const uint64_t args[6])
{
    for (size_t i = 0; i < sizeof replacements / sizeof replacements[0]; i++)
        if (replacements[i].guest == nr && replacements[i].host >= 0)
            return nr == G_EPOLL_CREATE && (int)args[0] <= 0 ? -EINVAL : replaced(&replacements[i], args);
    switch (nr) {
    case G_UTIME: return set_utime(args[0], args[1]);
    case G_UTIMES: return set_times(AT_FDCWD, args[0], args[1]);
    case G_FUTIMESAT: return set_times((int)args[0], args[1], args[2]);
    case G_ALARM: return set_alarm((uint32_t)args[0]);
    default: return -ENOSYS;
    }
}
