/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_dir.c: reading directories: getdents(2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "linux/hostcall.h"
#include "linux/own_fds.h"
#include "linux/own_threads.h"

struct entry64 { uint64_t ino, off; uint16_t size; uint8_t type; char name[]; } __attribute__((packed));
struct entry { uint64_t ino, off; uint16_t size; char name[]; } __attribute__((packed));

enum listing { OTHER, DESCRIPTORS, THREADS };

/* Is it this process's /proc/PID/fd or fdinfo, and has wherry descriptors of its own? Or /proc/PID/task, and it has threads? */
static enum listing lists_own(int fd)
{
    char link[32], name[96];
    int length = 0, pid, tid;
    bool fds = linux_own_fds(NULL, 0), threads = engine_own_threads();
    if (!fds && !threads)
        return OTHER;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    if (n <= 0)
        return OTHER;
    name[n] = 0;
    if (threads && sscanf(name, "/proc/%d/task%n", &pid, &length) == 1 && length == n)
        return pid == getpid() ? THREADS : OTHER;
    length = 0;
    if (sscanf(name, "/proc/%d/task/%d/fd%n", &pid, &tid, &length) != 2 && sscanf(name, "/proc/%d/fd%n", &pid, &length) != 1)
        return OTHER;
    return fds && length && pid == getpid() && (!name[length] || !strcmp(name + length, "info")) ? DESCRIPTORS : OTHER;
}

/* Leave wherry's own out of a list of descriptors or threads; the bytes that remain. */
static long without_own(enum listing what, uint8_t *list, long size)
{
    long kept = 0;
    for (long i = 0, n; i < size; i += n) {
        const struct entry64 *e = (const struct entry64 *)(list + i);
        n = e->size;
        int number = e->name[0] >= '0' && e->name[0] <= '9' ? atoi(e->name) : -1;
        if (number >= 0 && (what == THREADS ? linux_own_thread(number) : linux_own_fd(number)))
            continue;
        memmove(list + kept, list + i, (size_t)n);
        kept += n;
    }
    return kept;
}

/* Into buf, of at most room bytes; own: fd lists_own */
static long read_entries(int fd, enum listing own, uint8_t *buf, uint64_t room)
{
    long n, kept;
    do {
        n = linux_safe_syscall(SYS_getdents64, fd, (long)buf, (long)room, 0, 0, 0);
        kept = own && n > 0 ? without_own(own, buf, n) : n;
    } while (n > 0 && !kept);
    return kept;
}

/* struct linux_dirent64 is the same on every host. */
SYS(getdents64)
{
    uint8_t buf[32768];
    enum listing own = lists_own((int)a);
    if (own == OTHER)
        return linux_safe_syscall(SYS_getdents64, (long)a, (long)b, (long)c, 0, 0, 0);
    long n = read_entries((int)a, own, buf, (uint32_t)c < sizeof buf ? (uint32_t)c : sizeof buf);
    return n > 0 && linux_put(b, buf, (size_t)n) ? -EFAULT : n;
}

/* Rewrite an entry in place: the old form has the name one byte earlier and the type in the last byte; both have the same length. */
static void to_old(uint8_t *at, uint16_t size)
{
    struct entry64 *from = (struct entry64 *)at;
    struct entry *to = (struct entry *)at;
    uint8_t type = from->type;
    memmove(to->name, from->name, size - sizeof *from);
    at[size - 2] = 0;
    at[size - 1] = type;
}

SYS(getdents)
{
    uint8_t buf[32768];
    uint64_t room = (uint32_t)c < sizeof buf ? (uint32_t)c : sizeof buf;
    long n = read_entries((int)a, lists_own((int)a), buf, room);
    if (n <= 0)
        return n;
    for (long i = 0; i < n;) {
        uint16_t size;
        memcpy(&size, buf + i + offsetof(struct entry64, size), sizeof size);
        to_old(buf + i, size);
        i += size;
    }
    int64_t error = linux_put(b, buf, (size_t)n);
    return error ? error : n;
}
