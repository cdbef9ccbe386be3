/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc_mem.c: writes to the program's memory that no page protection sees: by /proc/self/mem, proc(5), which the kernel does even where the page may not be
 * written, so to text too. What was translated from there is dropped afterwards; pages that are protected for wherry's own sake do not hold it up.
 * Where guest pages share a host page, a page with a view (engine/view.c) keeps its old bytes: the kernel's write goes past it.
 * process_vm_writev(2) obeys the protection: it is lifted first.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include "linux/hostcall.h"
#include "linux/proc.h"
#include "linux/syscall.h"

enum { WRITE = 1, PWRITE64 = 18, WRITEV = 20, PWRITEV = 296, PWRITEV2 = 328 };

/* Somebody has opened a file of this name for writing: from now on writes are looked at. Never cleared. */
bool linux_memory_file_open;

void linux_note_memory_file(const char *path, int flags)
{
    const char *slash = strrchr(path, '/');
    if ((flags & O_ACCMODE) != O_RDONLY && !strcmp(slash ? slash + 1 : path, "mem"))
        __atomic_store_n(&linux_memory_file_open, true, __ATOMIC_RELAXED);
}

static bool is_own_memory(int fd)
{
    char link[64], name[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    if (n <= 0)
        return false;
    name[n] = 0;
    const char *own = linux_proc_rest(name);
    return own && !strcmp(own, "mem");
}

void linux_wrote_file(uint64_t nr, const uint64_t a[6], int64_t written)
{
    uint64_t end;
    switch (nr) {
    case WRITE: case WRITEV: end = UINT64_MAX; break;
    case PWRITE64: case PWRITEV: end = a[3] + (uint64_t)written; break;
    case PWRITEV2: end = a[3] == UINT64_MAX ? a[3] : a[3] + (uint64_t)written; break;
    default: return;
    }
    if (!is_own_memory((int)a[0]))
        return;
    if (end == UINT64_MAX)
        end = (uint64_t)lseek((int)a[0], 0, SEEK_CUR);
    engine_invalidate(end - (uint64_t)written, (uint64_t)written);
}

/* One's own pid, or a thread's: the pages may be watched. Another's are left to it. */
SYS(process_vm_writev)
{
    struct iovec v;
    for (uint64_t k = 0; (pid_t)a == getpid() && k < e && k < IOV_MAX && !engine_copy_from(&v, d + k * sizeof v, sizeof v); k++)
        linux_will_write((uintptr_t)v.iov_base, v.iov_len);
    return linux_host(SYS_process_vm_writev, (pid_t)a, b, c, d, e, f);
}
