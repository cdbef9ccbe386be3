/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_time.c: calls that wait for time, for files or for other threads. Which of them restart after a signal is the kernel's
 * decision (linux_safe_syscall). Structures are x86-64's own on every 64-bit little-endian host, but for epoll's, packed on x86-64 only.
 * nanosleep(2), timer_create(2), select(2), poll(2), epoll_wait(2), futex(2).
 */
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include "linux/hostcall.h"
#include "linux/sighand.h"

#define CALL(name, ...) linux_safe_syscall(SYS_##name, __VA_ARGS__)

SYS(nanosleep) { return CALL(nanosleep, a, b, 0, 0, 0, 0); }
SYS(clock_nanosleep) { return CALL(clock_nanosleep, (int)a, (int)b, c, d, 0, 0); }
SYS(restart_syscall) { return -EINTR; }
SYS(timer_create) { return linux_host(SYS_timer_create, (int)a, b, c); }

/* ---- the mask that some calls set while they wait ---- */

struct wait_mask { uint64_t host; struct linux_thread *t; };     /* t = NULL: the call sets no mask */

/* Set the guest's mask for the call. 1 to go on, -EINTR when a signal ends the wait at once, or another error. */
static int64_t begin(struct wait_mask *w, struct cpu *cpu, uint64_t mask, uint64_t size)
{
    w->t = NULL;
    if (!mask) return 1;
    if (size != 8) return -EINVAL;
    if (linux_get(&w->host, mask, 8)) return -EFAULT;
    w->t = cpu->os;
    bool ready = linux_wait_mask_begin(w->t, w->host);
    w->host = linux_host_mask(w->host & ~LINUX_UNBLOCKABLE);
    return ready ? -EINTR : 1;
}

static int64_t end(const struct wait_mask *w, int64_t r) { return w->t ? linux_wait_mask_end(w->t, r) : r; }
static long host_mask(const struct wait_mask *w) { return w->t ? (long)&w->host : 0; }

SYS(ppoll)
{
    struct wait_mask w;
    int64_t r = begin(&w, cpu, d, e);
    return end(&w, r < 0 ? r : CALL(ppoll, a, (unsigned)b, c, host_mask(&w), 8, 0));
}

SYS(poll)
{
    int ms = c;
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000l };
    return CALL(ppoll, a, (unsigned)b, ms < 0 ? 0 : (long)&ts, 0, 8, 0);
}

/* the mask in a structure */
struct packed_mask { uint64_t mask, size; };

/* begin() with the guest's structure at `at`, if any; *pass is the host's */
static int64_t begin_packed(struct wait_mask *w, struct cpu *cpu, uint64_t at, struct packed_mask *pass)
{
    struct packed_mask given = { 0, 0 };
    w->t = NULL;
    if (at && linux_get(&given, at, sizeof given)) return -EFAULT;
    int64_t r = begin(w, cpu, given.mask, given.size);
    *pass = (struct packed_mask){ (uint64_t)host_mask(w), 8 };
    return r;
}

SYS(pselect6)
{
    struct packed_mask pass;
    struct wait_mask w;
    int64_t r = begin_packed(&w, cpu, f, &pass);
    return end(&w, r < 0 ? r : CALL(pselect6, (int)a, b, c, d, e, (long)&pass));
}

SYS(io_pgetevents)
{
    struct packed_mask pass;
    struct wait_mask w;
    int64_t r = begin_packed(&w, cpu, f, &pass);
    if (r > 0 && (int64_t)c > 0 && (int64_t)c < 1 << 20) linux_will_write(d, c * 32);
    return end(&w, r < 0 ? r : CALL(io_pgetevents, a, b, c, d, e, (long)&pass));
}

SYS(select)
{
    struct { int64_t sec, usec; } tv;
    struct timespec ts = { 0, 0 };
    if (e) {
        if (linux_get(&tv, e, sizeof tv)) return -EFAULT;
        ts.tv_sec = tv.sec + tv.usec / 1000000;
        ts.tv_nsec = tv.usec % 1000000 * 1000;
        if (tv.sec < 0 || tv.usec < 0) return -EINVAL;
    }
    int64_t r = CALL(pselect6, (int)a, b, c, d, e ? (long)&ts : 0, 0);
    if (e && r != -LINUX_ERESTARTNOINTR) {     /* the time left; as in the kernel, a fault here is not an error */
        tv.sec = ts.tv_sec;
        tv.usec = ts.tv_nsec / 1000;
        (void)!linux_put(e, &tv, sizeof tv);
    }
    return r;
}

/* ---- epoll ---- */

struct guest_epoll_event { uint32_t events; uint64_t data; } __attribute__((packed));
enum { EPOLL_MAX_EVENTS = 0x7fffffff / 12 };

#ifdef __x86_64__
static int64_t epoll_wait_common(long nr, uint64_t fd, uint64_t events, uint64_t max, long timeout, long mask)
{
    return linux_safe_syscall(nr, (int)fd, events, (int)max, timeout, mask, 8);
}
#else
static int64_t epoll_wait_common(long nr, uint64_t fd, uint64_t events, uint64_t max, long timeout, long mask)
{
    int n = (int)max > 1024 ? 1024 : (int)max;
    if ((int)max <= 0 || (int)max > EPOLL_MAX_EVENTS) return -EINVAL;
    struct epoll_event *host = malloc(n * sizeof *host);
    if (!host) return -ENOMEM;
    int64_t r = linux_safe_syscall(nr, (int)fd, (long)host, n, timeout, mask, 8);
    for (int64_t i = 0; i < r; i++) {
        struct guest_epoll_event g = { host[i].events, host[i].data.u64 };
        if (linux_put(events + i * sizeof g, &g, sizeof g)) r = i ? i : -EFAULT;
    }
    free(host);
    return r;
}
#endif

SYS(epoll_wait) { return epoll_wait_common(SYS_epoll_pwait, a, b, c, (int)d, 0); }

SYS(epoll_pwait)
{
    struct wait_mask w;
    int64_t r = begin(&w, cpu, e, f);
    return end(&w, r < 0 ? r : epoll_wait_common(SYS_epoll_pwait, a, b, c, (int)d, host_mask(&w)));
}

SYS(epoll_pwait2)
{
    struct wait_mask w;
    int64_t r = begin(&w, cpu, e, f);
    return end(&w, r < 0 ? r : epoll_wait_common(SYS_epoll_pwait2, a, b, c, (long)d, host_mask(&w)));
}

/* ---- futex ---- */

SYS(futex)
{
    switch ((int)b & FUTEX_CMD_MASK) {         /* those that write the word, or another one */
    case FUTEX_LOCK_PI: case FUTEX_TRYLOCK_PI: case FUTEX_UNLOCK_PI: case FUTEX_LOCK_PI2: linux_will_write(a, 4); break;
    case FUTEX_WAKE_OP: case FUTEX_WAIT_REQUEUE_PI: case FUTEX_CMP_REQUEUE_PI: linux_will_write(e, 4); break;
    }
    return CALL(futex, a, (int)b, (unsigned)c, d, e, (unsigned)f);
}

/* The calls of 6.7: an address whose page has moved to shared memory is not private. */
enum { FUTEX2_PRIVATE = 128, REQUEUE_FUTEXES = 2 };
enum { NR_FUTEX_WAKE = 454, NR_FUTEX_WAIT, NR_FUTEX_REQUEUE };

static uint64_t place(uint64_t *addr, uint64_t flags)
{
    uint64_t at = linux_futex_address(*addr);
    if (at != *addr) flags &= ~(uint64_t)FUTEX2_PRIVATE;
    *addr = at;
    return (unsigned)flags;
}

SYS(futex_wake)
{
    uint64_t flags = place(&a, d);
    return linux_host_syscall(NR_FUTEX_WAKE, (long)a, (long)b, (int)c, (long)flags, 0, 0);
}

SYS(futex_wait)
{
    uint64_t flags = place(&a, d);
    return linux_safe_syscall(NR_FUTEX_WAIT, (long)a, (long)b, (long)c, (long)flags, (long)e, (int)f);
}

SYS(futex_requeue)
{
    struct { uint64_t value, addr; uint32_t flags, reserved; } two[REQUEUE_FUTEXES];
    if (!a) return -EINVAL;
    if (linux_get(two, a, sizeof two)) return -EFAULT;
    for (int i = 0; i < REQUEUE_FUTEXES; i++) two[i].flags = (uint32_t)place(&two[i].addr, two[i].flags);
    return linux_host_syscall(NR_FUTEX_REQUEUE, (long)two, (unsigned)b, (int)c, (int)d, 0, 0);
}

SYS(futex_waitv) { return CALL(futex_waitv, a, (unsigned)b, (unsigned)c, d, (int)e, 0); }
