/* SPDX-License-Identifier: GPL-2.0-or-later
 * The calls that younger processors no longer have: open, pipe, fork, time, poll, select and the like, by number. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); }
static void yes(const char *what, long r) { show(what, r < 0 ? r : 0); }

static void names(void)
{
    struct stat s;
    char b[64] = { 0 };
    yes("creat", syscall(85, "file", 0640)); show("access", syscall(21, "file", R_OK)); show("access none", syscall(21, "none", F_OK));
    show("chmod", syscall(90, "file", 0604)); stat("file", &s); printf("%o\n", s.st_mode);
    show("chown", syscall(92, "file", getuid(), getgid())); show("lchown", syscall(94, "file", -1, -1)); show("chown none", syscall(92, "none", 0, 0));
    show("link", syscall(86, "file", "second")); stat("file", &s); printf("links %d\n", (int)s.st_nlink);
    show("symlink", syscall(88, "file", "soft")); show("readlink", syscall(89, "soft", b, 64)); puts(b); show("readlink of a file", syscall(89, "file", b, 64));
    show("rename", syscall(82, "second", "third")); show("unlink", syscall(87, "third")); show("unlink none", syscall(87, "third"));
    show("mkdir", syscall(83, "dir", 0710)); stat("dir", &s); printf("%o\n", s.st_mode); show("rmdir of a file", syscall(84, "file")); show("unlink of a directory", syscall(87, "dir"));
    show("rmdir", syscall(84, "dir")); show("mknod", syscall(133, "fifo", 010600, 0)); stat("fifo", &s); printf("%o\n", s.st_mode); unlink("fifo");
}

static void times_of_files(void)
{
    struct stat s;
    int64_t t[2] = { 1000000001, 1000000002 }, tv[4] = { 1100000000, 5, 1100000009, 999999 };
    show("utime", syscall(132, "file", t)); stat("file", &s); printf("%ld %ld\n", (long)s.st_atime, (long)s.st_mtime);
    show("utimes", syscall(235, "file", tv)); stat("file", &s); printf("%ld.%ld %ld.%ld\n", (long)s.st_atime, s.st_atim.tv_nsec, (long)s.st_mtime, s.st_mtim.tv_nsec);
    tv[1] = 1000000; show("utimes wrong", syscall(235, "file", tv)); tv[1] = 7;
    show("futimesat", syscall(261, AT_FDCWD, "file", tv)); stat("file", &s); printf("%ld.%ld\n", (long)s.st_atime, s.st_atim.tv_nsec);
    show("utime now", syscall(132, "file", NULL)); show("utimes nowhere", syscall(235, "file", 8)); show("utime none", syscall(132, "none", t));
    stat("file", &s); printf("now %d\n", s.st_mtime > 1600000000);
}

static void waiting(void)
{
    int p[2] = { -1, -1 };
    fd_set r;
    show("pipe", syscall(22, p)); show("dup2", syscall(33, p[0], 60)); show("dup2 to itself", syscall(33, 60, 60)); show("dup2 closed", syscall(33, 99, 5)); show("dup3 to itself", syscall(292, 60, 60, 0));
    close(60);
    struct pollfd f = { p[0], POLLIN, 0 };
    show("poll", syscall(7, &f, 1, 0));
    struct timeval tv = { 0, 1000 };
    FD_ZERO(&r); FD_SET(p[0], &r);
    show("select", syscall(23, p[0] + 1, &r, NULL, NULL, &tv)); printf("left %d set %d\n", (int)(tv.tv_sec * 1000000 + tv.tv_usec), FD_ISSET(p[0], &r) != 0);
    if (write(p[1], "x", 1) != 1) puts("short");
    FD_ZERO(&r); FD_SET(p[0], &r); FD_SET(p[1], &r);
    show("select", syscall(23, p[1] + 1, &r, NULL, NULL, NULL)); printf("set %d %d\n", FD_ISSET(p[0], &r) != 0, FD_ISSET(p[1], &r) != 0);
    struct timespec ts = { 0, 1000 };
    struct { void *set; size_t size; } sig = { NULL, 8 };
    FD_ZERO(&r); FD_SET(p[0], &r);
    show("pselect6", syscall(270, p[0] + 1, &r, NULL, NULL, &ts, &sig)); show("ppoll", syscall(271, &f, 1, &ts, NULL, 8)); printf("%x\n", f.revents);
    yes("epoll_create", syscall(213, 1)); show("epoll_create 0", syscall(213, 0)); yes("inotify_init", syscall(253));
    int fd = (int)syscall(284, 5);
    uint64_t v = 0;
    show("eventfd", read(fd, &v, 8)); printf("%llu\n", (unsigned long long)v);
    uint64_t mask = 1ull << (SIGUSR1 - 1);
    syscall(14, SIG_BLOCK, &mask, NULL, 8);
    fd = (int)syscall(282, -1, &mask, 8);
    kill(getpid(), SIGUSR1);
    struct { uint32_t signo; int32_t err, code; uint32_t pid, uid; uint8_t rest[108]; } info;
    show("signalfd", read(fd, &info, 128)); printf("%u %d %d\n", info.signo, info.code, info.pid == (uint32_t)getpid());
    syscall(14, SIG_UNBLOCK, &mask, NULL, 8);
    close(p[0]); close(p[1]);
}

static volatile int got;
static void on(int sig) { got = sig; }
static void processes(void)
{
    int status;
    fflush(stdout);
    long child = syscall(57);
    if (!child) _exit(7);
    show("wait4", syscall(61, child, &status, 0, NULL) == child ? 0 : -1); printf("status %x\n", status);
    child = vfork();
    if (!child) _exit(9);
    waitpid((int)child, &status, 0); printf("vfork status %x\n", status);
    printf("getpgrp %d\n", syscall(111) == getpgid(0));
    signal(SIGALRM, on);
    show("alarm", syscall(37, 100)); show("alarm again", syscall(37, 1) == 100 ? 0 : -1); show("pause", syscall(34)); printf("signal %d\n", got);
    int64_t t = 0;
    long now = syscall(201, &t);
    printf("time %d %d\n", now == t, now > 1600000000);
    struct { int32_t west, dst; } zone = { 99, 99 };
    struct timeval tv;
    show("gettimeofday", syscall(96, &tv, &zone)); printf("%d\n", zone.west != 99);
    show("settimeofday wrong", syscall(164, &(struct timeval){ 0, 2000000 }, NULL));
    int64_t f[4];
    show("getitimer", syscall(36, 0, f)); printf("%lld\n", (long long)f[2]);
    show("sysfs", syscall(139, 3) > 0 ? 0 : errno == ENOSYS ? 0 : -1); show("ustat of none", syscall(136, 0xffff, f) < 0 && (errno == EINVAL || errno == ENOSYS) ? 0 : -1);
    show("uselib", syscall(134, "x")); show("create_module", syscall(174)); show("no such call", syscall(999)); show("no such call", syscall(400));
}

int main(void)
{
    char dir[] = "/tmp/wherry-old-XXXXXX", command[80];
    if (!mkdtemp(dir) || chdir(dir)) return 1;
    umask(022);
    names(); times_of_files(); waiting(); processes();
    if (chdir("/")) return 1;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0;
}
