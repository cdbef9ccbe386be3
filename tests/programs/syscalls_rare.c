/* SPDX-License-Identifier: GPL-2.0-or-later
 * Calls that qemu-user as a host does wrong or has not (7.2): high speeds, struct termio, TIOCGSID, preadv2, FIOQSIZE, O_LARGEFILE, SO_SNDLOWAT, futimesat
 * without a path, unknown advice, signals 63 and 64. They are
 * compared on real processors only (tests/check). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "terminal.h"

struct guest_termio { uint16_t iflag, oflag, cflag, lflag; uint8_t line, cc[8]; };

static void terminal(void)
{
    struct guest_termios first, t;
    call(tty, 0x5401, &first);
    for (unsigned speed = 0x1001; speed <= 0x100f; speed++) {
        t = first;
        t.cflag = (t.cflag & ~0x100fu) | speed;
        show("TCSETS", call(tty, 0x5402, &t));
        memset(&t, 0, sizeof t);
        call(tty, 0x5401, &t);
        printf("speed %x: %x\n", speed, t.cflag);
    }
    call(tty, 0x5402, &first);
    struct guest_termio o;
    show("TCGETA", call(tty, 0x5405, &o));
    printf("termio %x %x %x %x cc %d %d %d %d %d %d\n", o.iflag, o.oflag, o.cflag, o.lflag, o.cc[0], o.cc[1], o.cc[2], o.cc[3], o.cc[4], o.cc[5]);
    o.cc[1] = 33;
    show("TCSETA", call(tty, 0x5406, &o));
    call(tty, 0x5401, &t);
    printf("after it: %x %x %x %x cc %d %d\n", t.iflag, t.oflag, t.cflag, t.lflag, t.cc[0], t.cc[1]);
    struct guest_termios2 any;
    show("TCGETS2", call(tty, 0x802c542a, &any));
    printf("speeds %u %u\n", any.ispeed, any.ospeed);
    any.cflag = (any.cflag & ~0x100fu) | 0x1000; any.ospeed = any.ispeed = 12345;
    show("TCSETS2", call(tty, 0x402c542b, &any));
    memset(&any, 0, sizeof any);
    call(tty, 0x802c542a, &any);
    printf("%x speeds %u %u\n", any.cflag, any.ispeed, any.ospeed);
}

static void session(void)
{
    int n = -1;
    fflush(stdout);
    if (!fork()) {
        setsid();
        show("TIOCSCTTY", call(tty, 0x540e, NULL)); show("TIOCGSID", call(tty, 0x5429, &n)); printf("%d\n", n == getsid(0));
        fflush(stdout); _exit(0);
    }
    wait(NULL);
}

static void files(void)
{
    char b[8];
    struct iovec v = { b, 4 };
    int64_t size = 0;
    FILE *f = tmpfile();
    if (!f || write(fileno(f), "abcdefg", 7) != 7) exit(3);
    show("preadv2", syscall(327, fileno(f), &v, 1, 2L, 0L, 0)); printf("%.4s\n", b);
    show("FIOQSIZE", call(fileno(f), 0x5460, &size)); printf("%lld\n", (long long)size);
    show("madvise wrong", syscall(28, (uintptr_t)b & -4096L, 4096L, 99));
    int64_t tv[4] = { 1100000000, 5, 1100000009, 999999 };
    show("futimesat of an fd", syscall(261, fileno(f), NULL, tv));
    int fd = open("/dev/null", O_RDONLY);
    printf("flags %lo\n", syscall(72, fd, F_GETFL));
    int low = -1, size_of = sizeof low;
    show("SO_SNDLOWAT", syscall(55, syscall(41, 2, 1, 0), 1, 19, &low, &size_of)); printf("%d\n", low);
    fd = open("/dev/null", O_PATH);
    printf("flags of O_PATH %lo\n", syscall(72, fd, F_GETFL));
}

static void got(int sig) { printf("got %d\n", sig); }
static void last_signals(void)
{
    for (int sig = 63; sig <= 64; sig++) {
        signal(sig, got);
        show("raise", raise(sig));
    }
}

int main(void)
{
    if (!open_terminal()) return 1;
    terminal(); session(); files(); last_signals();
    return 0;
}
