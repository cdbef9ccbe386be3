/* SPDX-License-Identifier: GPL-2.0-or-later
 * terminal.h: a pseudoterminal and the kernel's words for it, for the tests of terminals. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct guest_termios { uint32_t iflag, oflag, cflag, lflag; uint8_t line, cc[19]; };
struct guest_termios2 { uint32_t iflag, oflag, cflag, lflag; uint8_t line, cc[19]; uint32_t ispeed, ospeed; };

static int tty, pty;
static long call(int fd, unsigned number, void *arg) { return syscall(SYS_ioctl, fd, (unsigned long)number, arg); }
static void show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); }

/* false: there is none */
static int open_terminal(void)
{
    char name[32];
    int n = 0;
    pty = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (pty < 0 || call(pty, 0x40045431, &n) || call(pty, 0x80045430, &n)) return 0;
    snprintf(name, sizeof name, "/dev/pts/%d", n);
    tty = open(name, O_RDWR | O_NOCTTY);
    return tty >= 0;
}
