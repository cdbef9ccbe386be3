/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_aio.c: the kernel's asynchronous input and output. Its structures are alike on all processors of one byte order; what it reads
 * into is prepared when it is asked to. The ring that it maps for a context is read by guests at its own address.
 * io_setup(2), io_submit(2), io_getevents(2).
 */
#include <sys/uio.h>
#include "linux/hostcall.h"
#include "linux/memory.h"

enum { CMD_PREAD = 0, CMD_PREADV = 7, EVENT_SIZE = 32 };
struct iocb { uint64_t data; uint32_t key, rw_flags; uint16_t op; int16_t priority; uint32_t fd; uint64_t buf, bytes, offset, reserved; uint32_t flags, resfd; };

/* Requests hold addresses for longer than a call: where a page may move to a view, there is no such thing. */
SYS(io_setup)
{
    if (memory_host_page() > GUEST_PAGE) return -ENOSYS;
    return linux_host(SYS_io_setup, (unsigned)a, b);
}

static void prepare(const struct iocb *r)
{
    struct iovec v;
    if (r->op == CMD_PREAD) linux_will_write(r->buf, r->bytes);
    for (uint64_t i = 0; r->op == CMD_PREADV && i < r->bytes && i < 1024 && !linux_get(&v, r->buf + i * sizeof v, sizeof v); i++)
        linux_will_write((uintptr_t)v.iov_base, v.iov_len);
}

SYS(io_submit)
{
    struct iocb request;
    uint64_t at;
    for (int64_t i = 0; linux_any_watched() && i < (int64_t)b && !linux_get(&at, c + 8 * (uint64_t)i, 8) && !linux_get(&request, at, sizeof request); i++)
        prepare(&request);
    return linux_safe_syscall(SYS_io_submit, (long)a, (long)b, (long)c, 0, 0, 0);
}

SYS(io_cancel)
{
    linux_will_write(c, EVENT_SIZE);
    return linux_host(SYS_io_cancel, a, b, c);
}

SYS(io_getevents)
{
    if ((int64_t)c > 0 && (int64_t)c < 1 << 20) linux_will_write(d, c * EVENT_SIZE);
    return linux_safe_syscall(SYS_io_getevents, (long)a, (long)b, (long)c, (long)d, (long)e, 0);
}
