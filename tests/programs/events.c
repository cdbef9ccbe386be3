/* SPDX-License-Identifier: GPL-2.0-or-later
 * events.c: descriptors that tell of events: eventfd, timerfd, signalfd, inotify, epoll, pidfd, and calls that came after them:
 * memfd_create, close_range, openat2, statx, copy_file_range, process_vm_readv, membarrier, getrandom.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s %ld %d\n", what, r < 0 ? -1 : r, r < 0 ? errno : 0); }

static void event_fd(void)
{
    uint64_t v = 5;
    int fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
    show("eventfd write", write(fd, &v, 8));
    for (int i = 0; i < 9; i++) { v = 99; long r = read(fd, &v, 8); show("eventfd read", r); printf("%lu\n", (unsigned long)v); }
    v = UINT64_MAX;
    show("eventfd max", write(fd, &v, 8));
    show("eventfd short", write(fd, &v, 7));
    close(fd);
}

static void timer_fd(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec t = { { 0, 1000000 }, { 0, 1000000 } };
    uint64_t n = 0;
    show("timerfd", timerfd_settime(fd, 0, &t, NULL));
    struct pollfd p = { fd, POLLIN };
    show("timerfd poll", poll(&p, 1, 5000));
    show("timerfd read", read(fd, &n, 8));
    printf("ticked %d\n", n >= 1);
    show("timerfd get", timerfd_gettime(fd, &t));
    printf("interval %ld\n", t.it_interval.tv_nsec);
    close(fd);
}

static void signal_fd(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set); sigaddset(&set, SIGUSR1); sigaddset(&set, SIGSEGV); sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    show("signalfd empty", read(fd, &info, sizeof info));
    kill(getpid(), SIGUSR1);
    show("signalfd", read(fd, &info, sizeof info));
    printf("signal %u code %d own %d\n", info.ssi_signo, info.ssi_code, info.ssi_pid == (uint32_t)getpid());
    union sigval v = { .sival_int = 77 };
    sigqueue(getpid(), SIGRTMIN + 3, v);
    show("signalfd", read(fd, &info, sizeof info));
    printf("signal %u code %d int %d\n", info.ssi_signo, info.ssi_code, info.ssi_int);
    close(fd);
}

static void epolls(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
    struct epoll_event e = { EPOLLIN | EPOLLET, { .u64 = 0x1122334455667788 } }, got[4];
    show("pipe", pipe(p));
    show("epoll add", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
    show("epoll again", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
    show("epoll none", epoll_wait(ep, got, 4, 0));
    show("write", write(p[1], "x", 1));
    show("epoll one", epoll_wait(ep, got, 4, 1000));
    printf("%x %llx\n", got[0].events, (unsigned long long)got[0].data.u64);
    show("epoll edge", epoll_wait(ep, got, 4, 0));
    sigset_t none; sigemptyset(&none);
    close(p[1]);
    show("epoll pwait", epoll_pwait(ep, got, 4, 1000, &none));
    printf("%x\n", got[0].events);
    struct timespec ts = { 0, 1000 };
    show("epoll pwait2", syscall(SYS_epoll_pwait2, ep, got, 4, &ts, NULL, 8));
    show("epoll bad", epoll_wait(ep, got, 0, 0));
    show("epoll fault", epoll_ctl(ep, EPOLL_CTL_MOD, p[0], (void *)8));
    close(ep); close(p[0]);
}

static void notify(void)
{
    char dir[] = "/tmp/eventsXXXXXX", name[64], buf[512];
    if (!mkdtemp(dir)) return;
    int fd = inotify_init1(IN_NONBLOCK), wd = inotify_add_watch(fd, dir, IN_CREATE | IN_DELETE | IN_CLOSE_WRITE);
    snprintf(name, sizeof name, "%s/file", dir);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    unlink(name);
    long n = read(fd, buf, sizeof buf);
    show("inotify", n);
    for (char *at = buf; at < buf + n;) {
        struct inotify_event *e = (void *)at;
        printf("%d %x %s\n", e->wd == wd, e->mask, e->name);
        at += sizeof *e + e->len;
    }
    show("inotify rm", inotify_rm_watch(fd, wd));
    close(fd); rmdir(dir);
}

static void pidfds(void)
{
    int p[2];
    if (pipe(p)) return;
    pid_t pid = fork();
    if (pid == 0) { char c; close(p[1]); if (read(p[0], &c, 1)) ; pause(); _exit(3); }
    int fd = syscall(SYS_pidfd_open, pid, 0);
    struct pollfd w = { fd, POLLIN };
    show("pidfd poll", poll(&w, 1, 0));
    show("pidfd signal", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    show("pidfd poll", poll(&w, 1, 5000));
    siginfo_t info;
    show("pidfd wait", waitid(P_PIDFD, fd, &info, WEXITED));
    printf("%d %d\n", info.si_code, info.si_status);
    show("pidfd bad", syscall(SYS_pidfd_open, 999999, 0));
    close(fd); close(p[0]); close(p[1]);
}

static void files(void)
{
    int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    show("memfd", ftruncate(fd, 10000));
    show("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    show("seals", fcntl(fd, F_GET_SEALS));
    show("grow", ftruncate(fd, 20000));
    show("pwrite", pwrite(fd, "hello", 5, 100));
    int to = memfd_create("to", 0);
    off_t in = 100;
    show("copy_file_range", syscall(SYS_copy_file_range, fd, &in, to, NULL, 5, 0));
    show("close_range cloexec", syscall(SYS_close_range, to, to, 4));
    show("getfd", fcntl(to, F_GETFD));
    show("close_range", syscall(SYS_close_range, to, to, 0));
    show("closed", fcntl(to, F_GETFD));
    show("close_range bad", syscall(SYS_close_range, 9, 3, 0));
    struct open_how how = { .flags = O_RDONLY | O_DIRECTORY, .resolve = RESOLVE_NO_SYMLINKS };
    int dir = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);
    show("openat2", dir < 0 ? dir : 0);
    how.flags = 1ull << 40;
    show("openat2 bad", syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how));
    how = (struct open_how){ .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
    show("openat2 beneath", syscall(SYS_openat2, dir, "../etc", &how, sizeof how));
    show("openat2 beneath", syscall(SYS_openat2, dir, "/etc/passwd", &how, sizeof how));
    show("openat2 size", syscall(SYS_openat2, dir, "etc", &how, 8));
    struct statx sx;
    show("statx", statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
    printf("%llu %o\n", (unsigned long long)sx.stx_size, sx.stx_mode);
    show("statx fault", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, (void *)16));
    show("note statx null", syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, STATX_SIZE, &sx) < 0 ? -1 : 0);
    close(fd); close(dir);
}

static void memory(void)
{
    char from[32] = "process memory", to[32] = "";
    struct iovec l = { to, sizeof to }, r = { from, sizeof from };
    show("process_vm_readv", process_vm_readv(getpid(), &l, 1, &r, 1, 0));
    puts(to);
    r.iov_base = (void *)0x10;
    show("process_vm_readv bad", process_vm_readv(getpid(), &l, 1, &r, 1, 0));
    r.iov_base = from; from[0] = 'P';
    show("process_vm_writev", process_vm_writev(getpid(), &r, 1, &l, 1, 0));
    puts(to);
    show("membarrier", syscall(SYS_membarrier, 0, 0, 0) > 0 ? 1 : -1);
    show("membarrier register", syscall(SYS_membarrier, 16, 0, 0));
    show("membarrier private", syscall(SYS_membarrier, 8, 0, 0));
    show("getrandom", getrandom(to, 32, 0));
    show("getrandom fault", syscall(SYS_getrandom, (void *)8, 32, 0));
    show("getrandom flags", syscall(SYS_getrandom, to, 32, 0x100));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    event_fd(); timer_fd(); signal_fd(); epolls(); notify(); pidfds(); files(); 
    memory();
    return 0;
}
