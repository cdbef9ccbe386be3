/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_dir.c: reading directories: getdents(2).
 */
#include <string.h>
#include "linux/hostcall.h"

/* struct linux_dirent64 is the same on every host. */
SYS(getdents64) { return linux_safe_syscall(SYS_getdents64, (long)a, (long)b, (long)c, 0, 0, 0); }

struct entry64 { uint64_t ino, off; uint16_t size; uint8_t type; char name[]; } __attribute__((packed));
struct entry { uint64_t ino, off; uint16_t size; char name[]; } __attribute__((packed));

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
    long n = linux_safe_syscall(SYS_getdents64, (long)a, (long)buf, (long)room, 0, 0, 0);
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
