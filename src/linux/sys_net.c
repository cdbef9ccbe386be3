/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_net.c: sockets and event descriptors, as far as their structures are x86-64's own. On 64-bit hosts sockaddr, msghdr and cmsghdr are the
 * same; those calls go through by argument kind (syscalls.def).
 */
#include <sys/epoll.h>
#include "linux/convert.h"
#include "linux/hostcall.h"

/* x86-64 alone packs struct epoll_event. */
struct guest_epoll_event { uint32_t events; uint64_t data; } __attribute__((packed));

SYS(epoll_ctl)
{
    struct guest_epoll_event g;
    struct epoll_event event = { 0 };
    int op = (int)b;
    if (op == EPOLL_CTL_DEL)
        return linux_host(SYS_epoll_ctl, (long)a, op, (long)c, &event);
    if (engine_copy_from(&g, d, sizeof g))
        return -EFAULT;
    event.events = g.events;
    event.data.u64 = g.data;
    return linux_host(SYS_epoll_ctl, (long)a, op, (long)c, &event);
}

/* ---- options: POWER numbers six of the socket level's otherwise; their values are the same ---- */

SYS(setsockopt) { return linux_host(SYS_setsockopt, (long)a, (long)b, linux_host_socket_option((int)b, (int)c), (long)d, (long)e); }
SYS(getsockopt) { return linux_host(SYS_getsockopt, (long)a, (long)b, linux_host_socket_option((int)b, (int)c), (long)d, (long)e); }
