/* SPDX-License-Identifier: GPL-2.0-or-later
 * convert.c: flags and numbers of x86-64 Linux to the host's and back. On an x86-64 host every function here is the identity.
 * arch/powerpc and arch/arm64: include/uapi/asm/{fcntl,ioctls,socket,errno}.h.
 */
#include "linux/convert.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* ---- open flags: four bits differ; the others are the same everywhere ---- */

enum { GUEST_DIRECT = 040000, GUEST_LARGEFILE = 0100000, GUEST_DIRECTORY = 0200000, GUEST_NOFOLLOW = 0400000, GUEST_MOVED = 0740000 };
#if defined __aarch64__
enum { HOST_DIRECTORY = 040000, HOST_NOFOLLOW = 0100000, HOST_DIRECT = 0200000, HOST_LARGEFILE = 0400000 };
#elif defined __powerpc64__
enum { HOST_DIRECTORY = 040000, HOST_NOFOLLOW = 0100000, HOST_LARGEFILE = 0200000, HOST_DIRECT = 0400000 };
#else
enum { HOST_DIRECT = GUEST_DIRECT, HOST_LARGEFILE = GUEST_LARGEFILE, HOST_DIRECTORY = GUEST_DIRECTORY, HOST_NOFOLLOW = GUEST_NOFOLLOW };
#endif
static const struct { uint32_t guest, host; } open_flags[] = {
    { GUEST_DIRECT, HOST_DIRECT }, { GUEST_LARGEFILE, HOST_LARGEFILE }, { GUEST_DIRECTORY, HOST_DIRECTORY }, { GUEST_NOFOLLOW, HOST_NOFOLLOW },
};

uint64_t linux_host_open_flags(uint64_t guest)
{
    uint64_t host = guest & ~(uint64_t)GUEST_MOVED;
    for (int i = 0; i < 4; i++)
        host |= guest & open_flags[i].guest ? open_flags[i].host : 0;
    return host;
}

uint64_t linux_guest_open_flags(uint64_t host)
{
    uint64_t guest = host & ~(uint64_t)GUEST_MOVED;
    for (int i = 0; i < 4; i++)
        guest |= host & open_flags[i].host ? open_flags[i].guest : 0;
    return guest;
}

/* ---- ioctl numbers: POWER packs direction and size otherwise, and has numbers of its own for the oldest ---- */

#ifdef __powerpc64__
static const struct { uint32_t guest, host; } old_ioctls[] = {
    { 0x5409, 0x2000741d } /* TCSBRK */, { 0x540a, 0x2000741e } /* TCXONC */, { 0x540b, 0x2000741f } /* TCFLSH */,
    { 0x540f, 0x40047477 } /* TIOCGPGRP */, { 0x5410, 0x80047476 } /* TIOCSPGRP */, { 0x5411, 0x40047473 } /* TIOCOUTQ */,
    { 0x5413, 0x40087468 } /* TIOCGWINSZ */, { 0x5414, 0x80087467 } /* TIOCSWINSZ */, { 0x541b, 0x4004667f } /* FIONREAD */,
    { 0x5421, 0x8004667e } /* FIONBIO */, { 0x5450, 0x20006602 } /* FIONCLEX */, { 0x5451, 0x20006601 } /* FIOCLEX */,
    { 0x5452, 0x8004667d } /* FIOASYNC */, { 0x5460, 0x40086680 } /* FIOQSIZE */, { 0x5441, 0x20005441 } /* TIOCGPTPEER */,
};

/* Numbers that were given before the scheme have no direction: the same on all hosts. */
static bool has_no_scheme(uint32_t number)
{
    switch (number >> 8 & 0xff) {
    case 0x54: case 0x89: case 0x8b: case 0x4b: case 0x56: case 0x4c: case 0x53: return true;    /* terminals, sockets, consoles, loop, cdrom */
    default: return false;
    }
}

uint32_t linux_host_ioctl(uint32_t guest)
{
    for (size_t i = 0; i < sizeof old_ioctls / sizeof old_ioctls[0]; i++)
        if (old_ioctls[i].guest == guest)
            return old_ioctls[i].host;
    uint32_t direction = guest >> 30, size = guest >> 16 & 0x3fff, low = guest & 0xffff;
    if (!direction)
        return size || has_no_scheme(guest) ? guest : low | 1u << 29;
    return low | (size & 0x1fff) << 16 | (direction & 2 ? 2u << 29 : 0) | (direction & 1 ? 4u << 29 : 0);
}
#else
uint32_t linux_host_ioctl(uint32_t guest) { return guest; }
#endif

/* ---- socket options ---- */

int linux_host_socket_option(int level, int guest)
{
    static const struct { int guest, host; } options[] = {
        { 16, SO_PASSCRED }, { 17, SO_PEERCRED }, { 18, SO_RCVLOWAT }, { 19, SO_SNDLOWAT },
#ifdef __powerpc64__
        { 20, 18 } /* SO_RCVTIMEO */, { 21, 19 } /* SO_SNDTIMEO */,
#endif
    };
    for (size_t i = 0; level == 1 /* SOL_SOCKET */ && i < sizeof options / sizeof options[0]; i++)
        if (options[i].guest == guest)
            return options[i].host;
    return guest;
}

/* ---- errors: POWER has one that x86-64 has not ---- */

int64_t linux_guest_result(int64_t r)
{
#if EDEADLOCK != EDEADLK
    return r == -EDEADLOCK ? -EDEADLK : r;
#else
    return r;
#endif
}
