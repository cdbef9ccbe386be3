/* SPDX-License-Identifier: GPL-2.0-or-later
 * Terminal settings on a pseudoterminal, all speeds and flags, window size, process groups and the old ioctls: what the guest sees,
 * printed. What qemu-user gets wrong by itself stands in syscalls_rare.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "terminal.h"

static void print(const char *what, const struct guest_termios *t)
{
    printf("%s: %x %x %x %x line %d cc", what, t->iflag, t->oflag, t->cflag, t->lflag, t->line);
    for (int i = 0; i < 19; i++) printf(" %d", t->cc[i]);
    putchar('\n');
}

static void each_bit(const char *name, size_t word, uint32_t mask)
{
    struct guest_termios first, t, back;
    call(tty, 0x5401, &first);
    for (uint32_t bit = 1; bit; bit <<= 1) {
        if (!(mask & bit)) continue;
        t = first;
        ((uint32_t *)&t)[word] ^= bit;
        if (call(tty, 0x5402, &t) < 0) { printf("%s bit %x: %s\n", name, bit, strerrorname_np(errno)); continue; }
        memset(&back, 0, sizeof back);
        call(tty, 0x5401, &back);
        uint32_t *b = (uint32_t *)&back;
        printf("%s bit %x: %x %x %x %x\n", name, bit, b[0], b[1], b[2], b[3]);
    }
    call(tty, 0x5402, &first);
}

static void settings(void)
{
    struct guest_termios t, first;
    static const unsigned speeds[] = { 0, 1, 5, 7, 8, 9, 11, 12, 13, 14, 15, 0x1001, 0x1002, 0x1003, 0x1004 };     /* emulators know no higher ones */
    show("TCGETS", call(tty, 0x5401, &first));
    print("first", &first);
    each_bit("iflag", 0, 0x7fff); each_bit("oflag", 1, 0xffff & ~0x7f00u); each_bit("lflag", 3, 0x1dfff & ~0x2000u & ~0x5000u);
    each_bit("cflag", 2, 0x40 | 0x80000000u | 0x100 | 0x200 | 0x400 | 0x800);
    for (unsigned i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        t = first;
        t.cflag = (t.cflag & ~0x100fu) | speeds[i];
        long r = call(tty, i & 1 ? 0x5403 : 0x5402, &t);
        memset(&t, 0, sizeof t);
        call(tty, 0x5401, &t);
        printf("speed %x: %ld, %x\n", speeds[i], r, t.cflag);
    }
    t = first;
    for (int i = 0; i < 17; i++) t.cc[i] = (uint8_t)(i == 5 ? 3 : i == 6 ? 2 : 40 + i);      /* VTIME, VMIN */
    show("TCSETSF", call(tty, 0x5404, &t));
    memset(&t, 0, sizeof t); call(tty, 0x5401, &t); print("characters", &t);
    show("TCSETS back", call(tty, 0x5402, &first));
}

static void any_speed(void)
{
    struct guest_termios2 t;
    long r = call(tty, 0x802c542a, &t);
    if (r < 0) { printf("termios2: %s\n", errno == ENOTTY || errno == ENOSYS ? "ok" : strerrorname_np(errno)); return; }
    printf("termios2: ok\n");
}

static void other(void)
{
    unsigned short w[4] = { 33, 77, 5, 6 };
    int n = -1;
    char b[16];
    show("TIOCSWINSZ", call(tty, 0x5414, w)); memset(w, 0, sizeof w); show("TIOCGWINSZ", call(pty, 0x5413, w)); printf("%d %d %d %d\n", w[0], w[1], w[2], w[3]);
    if (write(pty, "line\n", 5) != 5) puts("short");
    if (poll(&(struct pollfd){ .fd = tty, .events = POLLIN }, 1, 5000) != 1) puts("nothing came");
    show("FIONREAD", call(tty, 0x541b, &n)); printf("%d\n", n);
    show("TIOCOUTQ", call(tty, 0x5411, &n)); printf("%d\n", n);
    show("TCFLSH", call(tty, 0x540b, (void *)0)); show("FIONREAD", call(tty, 0x541b, &n)); printf("%d\n", n);
    n = 1; show("FIONBIO", call(tty, 0x5421, &n)); show("read", read(tty, b, 1)); printf("flags %lo\n", syscall(72, tty, 3) & 04002); n = 0; call(tty, 0x5421, &n);
    show("TCSBRKP", call(tty, 0x5425, (void *)0)); show("TIOCGPTN", call(pty, 0x80045430, &n)); printf("%d\n", n >= 0);
    n = 0; show("TIOCSPTLCK", call(pty, 0x40045431, &n)); show("TIOCGPGRP of no terminal of ours", call(tty, 0x540f, &n));
    fflush(stdout);
    if (!fork()) {
        setsid();
        show("TIOCSCTTY", call(tty, 0x540e, (void *)0));
        n = -1; show("TIOCGPGRP", call(tty, 0x540f, &n)); printf("%d\n", n == getpgrp());
        n = getpgrp(); show("TIOCSPGRP", call(tty, 0x5410, &n));
        signal(SIGHUP, SIG_IGN); show("TIOCNOTTY", call(tty, 0x5422, (void *)0));
        fflush(stdout); _exit(0);
    }
    wait(NULL);
    int p[2];
    if (pipe(p)) return;
    show("TCGETS of a pipe", call(p[0], 0x5401, b)); show("TIOCGWINSZ of a pipe", call(p[0], 0x5413, w));
    if (write(p[1], "abc", 3) != 3) puts("short");
    show("FIONREAD of a pipe", call(p[0], 0x541b, &n)); printf("%d\n", n);
    show("TCGETS into nowhere", call(tty, 0x5401, (void *)8));
}

int main(void)
{
    if (!open_terminal()) return 1;
    settings(); any_speed(); other();
    return 0;
}
