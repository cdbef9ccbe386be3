/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_file.c: files: opening, stat, descriptors, fcntl and ioctl. Guest structures are written out here field by field; what a host
 * numbers otherwise than x86-64 is translated by convert.h.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "engine/log.h"
#include "linux/own_fds.h"
#include "linux/own_threads.h"
#include "linux/convert.h"
#include "linux/hostcall.h"
#include "linux/memory.h"
#include "linux/memory_home.h"
#include "linux/proc.h"
#include "linux/syscall.h"

enum { GUEST_AT_FDCWD = -100, GUEST_AT_SYMLINK_NOFOLLOW = 0x100, GUEST_AT_SYMLINK_FOLLOW = 0x400, GUEST_AT_EMPTY_PATH = 0x1000 };
enum { GUEST_O_CREAT = 0100, GUEST_O_EXCL = 0200, GUEST_O_TRUNC = 01000, GUEST_O_NOFOLLOW = 0400000 };

static int host_open_flags(uint64_t guest) { return (int)linux_host_open_flags(guest); }

/* ---- open ---- */

/* Opening follows the last link, unless it must not: O_NOFOLLOW, or O_CREAT|O_EXCL. */
static bool open_follows(uint64_t flags)
{
    return !(flags & GUEST_O_NOFOLLOW) && (flags & (GUEST_O_CREAT | GUEST_O_EXCL)) != (GUEST_O_CREAT | GUEST_O_EXCL);
}

static int64_t open_guest(int dirfd, uint64_t path, uint64_t flags, uint64_t mode)
{
    char text[PATH_MAX], buf[PATH_MAX];
    if (linux_get_string(path, text, sizeof text) < 0)           /* unreadable or too long: the kernel knows the error */
        return linux_safe_syscall(SYS_openat, dirfd, (long)path, host_open_flags(flags), (long)mode, 0, 0);
    linux_note_memory_file(text, host_open_flags(flags));
    int64_t fd = linux_proc_open(text, host_open_flags(flags));
    if (fd != LINUX_PROC_NOT_OURS)
        return fd;
    const char *host = linux_path(text, open_follows(flags), buf);
    return linux_safe_syscall(SYS_openat, dirfd, (long)host, host_open_flags(flags), (long)mode, 0, 0);
}

SYS(open) { return open_guest(GUEST_AT_FDCWD, a, b, c); }
SYS(openat) { return open_guest((int)a, b, c, d); }
SYS(creat) { return open_guest(GUEST_AT_FDCWD, a, GUEST_O_CREAT | GUEST_O_TRUNC | 1, b); }

SYS(openat2)
{
    char text[PATH_MAX], buf[PATH_MAX];
    uint64_t how[3];
    if (d != sizeof how || engine_copy_from(how, c, sizeof how) || linux_get_string(b, text, sizeof text) < 0)
        return linux_safe_syscall(SYS_openat2, (long)a, (long)b, (long)c, (long)d, 0, 0);
    if (how[0] >> 32)
        return -EINVAL;
    linux_note_memory_file(text, host_open_flags(how[0]));
    int64_t fd = how[2] ? LINUX_PROC_NOT_OURS : linux_proc_open(text, host_open_flags(how[0]));
    if (fd != LINUX_PROC_NOT_OURS)
        return fd;
    const char *host = how[2] ? text : linux_path(text, open_follows(how[0]), buf);      /* RESOLVE_*: about the path as it is */
    how[0] = (uint64_t)(unsigned)host_open_flags(how[0]);
    return linux_safe_syscall(SYS_openat2, (long)a, (long)host, (long)how, sizeof how, 0, 0);
}

/* ---- stat ---- */

struct guest_stat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, block_size, blocks;
    uint64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    int64_t unused[3];
};

static int64_t put_stat(uint64_t guest, const struct stat *st)
{
    struct guest_stat g = { .dev = st->st_dev, .ino = st->st_ino, .nlink = linux_guest_links(st->st_mode, st->st_dev, st->st_ino, st->st_nlink), .mode = st->st_mode, .uid = st->st_uid, .gid = st->st_gid,
        .rdev = st->st_rdev, .size = st->st_size, .block_size = st->st_blksize, .blocks = st->st_blocks,
        .atime = (uint64_t)st->st_atim.tv_sec, .atime_nsec = (uint64_t)st->st_atim.tv_nsec, .mtime = (uint64_t)st->st_mtim.tv_sec,
        .mtime_nsec = (uint64_t)st->st_mtim.tv_nsec, .ctime = (uint64_t)st->st_ctim.tv_sec, .ctime_nsec = (uint64_t)st->st_ctim.tv_nsec };
    return linux_put(guest, &g, sizeof g);
}

static int64_t stat_guest(int dirfd, uint64_t path, uint64_t out, int flags)
{
    char buf[PATH_MAX];
    struct stat st;
    bool follow = !(flags & GUEST_AT_SYMLINK_NOFOLLOW);
    uint64_t host = linux_path_argument(path, follow, buf);
    int64_t error = linux_host(SYS_newfstatat, dirfd, host, &st, flags);     /* not libc's, which may look at the path itself */
    return error ? error : put_stat(out, &st);
}

SYS(stat) { return stat_guest(GUEST_AT_FDCWD, a, b, 0); }
SYS(lstat) { return stat_guest(GUEST_AT_FDCWD, a, b, GUEST_AT_SYMLINK_NOFOLLOW); }
SYS(newfstatat) { return stat_guest((int)a, b, c, (int)d); }

SYS(fstat)
{
    struct stat st;
    return fstat((int)a, &st) ? -errno : put_stat(b, &st);
}

/* struct statx is the same everywhere */
SYS(statx)
{
    char buf[PATH_MAX];
    uint64_t host = linux_path_argument(b, !(c & GUEST_AT_SYMLINK_NOFOLLOW), buf);
    int64_t error = linux_host(SYS_statx, (long)a, (long)host, (long)c, (long)d, (long)e);
    struct statx st;
    if (!error && engine_own_threads() && !linux_get(&st, e, sizeof st)) {
        uint32_t links = (uint32_t)linux_guest_links(st.stx_mode, makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino, st.stx_nlink);
        if (links != st.stx_nlink)
            linux_put(e + offsetof(struct statx, stx_nlink), &links, sizeof links);
    }
    return error;
}

/* ---- links ---- */

/* readlink of /proc/self/exe, or of another guest's, shows the guest's program. */
static int64_t read_link(int dirfd, uint64_t path, uint64_t out, int64_t size)
{
    char text[PATH_MAX], buf[PATH_MAX];
    if ((int)size <= 0)
        return -EINVAL;
    bool absolute = linux_get_string(path, text, sizeof text) > 0 && *text == '/';
    const char *own = absolute ? linux_proc_rest(text) : NULL;
    const char *exe = own ? (!strcmp(own, "exe") ? linux_process.exe_guest : NULL) : absolute ? linux_proc_other_exe(text, buf) : NULL;
    if (exe) {
        size_t n = strlen(exe);
        n = n < (size_t)size ? n : (size_t)size;
        int64_t error = linux_put(out, exe, n);
        return error ? error : (int64_t)n;
    }
    return linux_host(SYS_readlinkat, dirfd, linux_path_argument(path, false, buf), out, size);
}

SYS(readlink) { return read_link(GUEST_AT_FDCWD, a, b, (int64_t)c); }
SYS(readlinkat) { return read_link((int)a, b, c, (int64_t)d); }

SYS(linkat)
{
    char from[PATH_MAX], to[PATH_MAX];
    bool follow = e & GUEST_AT_SYMLINK_FOLLOW;
    return linux_host(SYS_linkat, (long)a, linux_path_argument(b, follow, from), (long)c, linux_path_argument(d, false, to), (long)e);
}

/* ---- descriptors ---- */

bool linux_fd_reserved(int fd)
{
    return linux_own_fd(fd);
}

SYS(close) { return linux_fd_reserved((int)a) ? -EBADF : linux_host(SYS_close, (long)a); }

/* The old descriptor's check comes first, as in the kernel; ours looks to the guest like one beyond its limit. */
static int64_t duplicate(int from, int to, uint64_t flags)
{
    if (linux_fd_reserved(from) || linux_fd_reserved(to))
        return -EBADF;
    return linux_safe_syscall(SYS_dup3, from, to, host_open_flags(flags), 0, 0, 0);
}

SYS(dup2)
{
    if ((int)a != (int)b)
        return duplicate((int)a, (int)b, 0);
    return fcntl((int)a, F_GETFD) < 0 ? -EBADF : (int)a;
}

SYS(dup3) { return duplicate((int)a, (int)b, c); }

/* Around the descriptors that are not the guest's */
static int64_t close_from(uint32_t first, uint32_t last, const int *kept, unsigned n, long flags)
{
    for (unsigned i = 0; i < n; i++)
        if (kept[i] > 2 && (uint32_t)kept[i] >= first && (uint32_t)kept[i] <= last) {
            int64_t r = first < (uint32_t)kept[i] ? close_from(first, (uint32_t)kept[i] - 1, kept, n, flags) : 0;
            return r || (uint32_t)kept[i] == last ? r : close_from((uint32_t)kept[i] + 1, last, kept, n, flags);
        }
    return linux_host(SYS_close_range, first, last, flags);
}

SYS(close_range)
{
    enum { MANY = 1024 };
    int kept[MANY];
    unsigned n = linux_own_fds(kept, MANY);
    n = n < MANY ? n : MANY;
    uint32_t first = (uint32_t)a, last = (uint32_t)b;
    return close_from(first, last, kept, first > last ? 0 : n, (long)c);
}

/* ---- fcntl: x86-64's numbers and struct flock; 64-bit hosts have the same structure ---- */

enum { GUEST_F_GETFL = 3, GUEST_F_SETFL = 4, GUEST_F_GETLK = 5, GUEST_F_SETLKW = 7, GUEST_F_GETOWN_EX = 16, GUEST_F_OFD_GETLK = 36, GUEST_F_OFD_SETLKW = 38, GUEST_F_GET_RW_HINT = 1035 };

SYS(fcntl)
{
    int command = (int)b;
    if (command == GUEST_F_GETLK || command == GUEST_F_OFD_GETLK || command == GUEST_F_GETOWN_EX || command >= GUEST_F_GET_RW_HINT)
        linux_will_write(c, 32);
    if (command == GUEST_F_SETLKW || command == GUEST_F_OFD_SETLKW)
        return linux_safe_syscall(SYS_fcntl, (long)a, command, (long)c, 0, 0, 0);
    if (command == GUEST_F_GETFL) {
        int64_t r = linux_host(SYS_fcntl, (long)a, command, (long)c);
        return r < 0 ? r : (int64_t)linux_guest_open_flags((uint64_t)r);
    }
    return linux_host(SYS_fcntl, (long)a, command, command == GUEST_F_SETFL ? (long)linux_host_open_flags(c) : (long)c);
}

/* ---- ioctl ---- */

static const struct { uint32_t number, size; } ioctls[] = {
#define IOCTL(name, number, size) { number, size },
#include "linux/ioctls.def"
#undef IOCTL
};

/* How many bytes the call may write at its argument. */
static uint64_t ioctl_size(uint32_t number)
{
    for (size_t i = 0; i < sizeof ioctls / sizeof ioctls[0]; i++)
        if (ioctls[i].number == number)
            return ioctls[i].size;
    return number >> 30 ? number >> 16 & 0x3fff : 256;           /* direction bits: the number tells the size */
}

SYS(ioctl)
{
    if (linux_any_watched())
        linux_will_write(c, ioctl_size((uint32_t)b));
    int64_t result;
    if (linux_termios_ioctl((int)a, (uint32_t)b, c, &result))
        return result;
    return linux_safe_syscall(SYS_ioctl, (long)a, (long)linux_host_ioctl((uint32_t)b), (long)c, 0, 0, 0);
}
