/* SPDX-License-Identifier: GPL-2.0-or-later
 * badcalls.c: system calls with random and boundary arguments: each result must be the kernel's, EFAULT and its like above all.
 * Children make them, so that one which ends early doesn't end the rest. BADCALLS=SEED,CHILDREN in the environment makes other ones, more.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* arguments: p pointer, s path, f descriptor, n number, z size, 0 zero, t timeout (never for ever), g signal, i process, c clock; then v: a value that is not compared */
static const struct { int nr; const char *name, *arguments; } calls[] = {
#define CALL(name, arguments) { SYS_##name, #name, arguments }
    CALL(read, "fpz"), CALL(write, "fpz"), CALL(open, "s00"), CALL(stat, "sp"), CALL(fstat, "fp"), CALL(lstat, "sp"), CALL(poll, "pn0"), CALL(lseek, "fnn"),
    CALL(rt_sigaction, "gppz"), CALL(rt_sigprocmask, "npp8"), CALL(ioctl, "fnp"), CALL(pread64, "fpzn"), CALL(pwrite64, "fpzn"), CALL(readv, "fpn"),
    CALL(writev, "fpn"), CALL(access, "sn"), CALL(pipe, "p"), CALL(pipe2, "pn"), CALL(select, "npppt"), CALL(msync, "pzn"), CALL(mincore, "pzp"), CALL(dup, "f"), CALL(dup3, "ffn"),
    CALL(nanosleep, "tp"), CALL(getitimer, "np"), CALL(sendfile, "ffpz"), CALL(socket, "nnn"), CALL(connect, "fpn"), CALL(sendto, "fpznpn"),
    CALL(recvfrom, "fpznpp"), CALL(sendmsg, "fpn"), CALL(recvmsg, "fpn"), CALL(shutdown, "fn"), CALL(bind, "fpn"), CALL(listen, "fn"), CALL(getsockname, "fpp"),
    CALL(getpeername, "fpp"), CALL(socketpair, "nnnp"), CALL(setsockopt, "fnnpn"), CALL(getsockopt, "fnnpp"), CALL(uname, "p"), CALL(fcntl, "fnn"), CALL(flock, "fn"),
    CALL(fsync, "f"), CALL(getdents64, "fpz"), CALL(getdents, "fpz"), CALL(getcwd, "pzv"), CALL(chdir, "s"), CALL(rename, "ss"), CALL(rmdir, "s"), CALL(unlink, "s"), CALL(link, "ss"),
    CALL(symlink, "sp"), CALL(readlink, "spz"), CALL(chmod, "sn"), CALL(chown, "snn"), CALL(gettimeofday, "pp"), CALL(getrlimit, "np"), CALL(getrusage, "np"), CALL(sysinfo, "p"),
    CALL(times, "pv"), CALL(time, "pv"), CALL(capget, "pp"), CALL(rt_sigpending, "pz"), CALL(rt_sigtimedwait, "ppt8"), CALL(sigaltstack, "pp"), CALL(utime, "sp"), CALL(utimes, "sp"),
    CALL(statfs, "sp"), CALL(fstatfs, "fp"), CALL(getpriority, "ni"), CALL(sched_getparam, "ip"), CALL(sched_getscheduler, "i"), CALL(sched_get_priority_max, "n"),
    CALL(sched_rr_get_interval, "ip"), CALL(sched_getaffinity, "0zp"), CALL(getxattr, "sppz"), CALL(listxattr, "spz"), CALL(fgetxattr, "fppz"), CALL(epoll_create, "n"), CALL(epoll_create1, "n"),
    CALL(epoll_ctl, "fnfp"), CALL(epoll_wait, "fpn0"), CALL(epoll_pwait, "fpn0p8"), CALL(timer_create, "cpp"), CALL(timer_settime, "nnpp"), CALL(timer_gettime, "np"),
    CALL(timer_getoverrun, "n"), CALL(timer_delete, "n"), CALL(clock_getres, "cp"), CALL(clock_gettime, "cpv"), CALL(clock_nanosleep, "cntp"), CALL(openat, "fs00"), CALL(mkdirat, "fsn"), CALL(newfstatat, "fspn"),
    CALL(unlinkat, "fsn"), CALL(renameat2, "fsfsn"), CALL(linkat, "fsfsn"), CALL(symlinkat, "sfs"), CALL(readlinkat, "fspz"), CALL(fchmodat, "fsn"), CALL(faccessat, "fsn"), CALL(faccessat2, "fsnn"),
    CALL(pselect6, "npppt0"), CALL(ppoll, "pntp8"), CALL(get_robust_list, "0pp"), CALL(splice, "fpfpzn"), CALL(tee, "ffzn"), CALL(vmsplice, "fpnn"), CALL(utimensat, "fspn"),
    CALL(signalfd4, "fp8n"), CALL(timerfd_create, "nn"), CALL(timerfd_settime, "fnpp"), CALL(timerfd_gettime, "fp"), CALL(eventfd2, "nn"), CALL(inotify_init1, "n"), CALL(inotify_add_watch, "fsn"),
    CALL(inotify_rm_watch, "fn"), CALL(preadv, "fpnnn"), CALL(pwritev, "fpnnn"), CALL(preadv2, "fpnnnn"), CALL(recvmmsg, "fpnnt"), CALL(sendmmsg, "fpnn"), CALL(prlimit64, "0n0p"), CALL(getcpu, "ppv"),
    CALL(kcmp, "00nnn"), CALL(getrandom, "pzn"), CALL(memfd_create, "sn"), CALL(membarrier, "nnv"), CALL(copy_file_range, "fpfpzn"), CALL(statx, "fsnnp"), CALL(pidfd_open, "in"),
    CALL(openat2, "fspz"), CALL(fallocate, "fnnn"), CALL(truncate, "sn"), CALL(readahead, "fnz"), CALL(sync_file_range, "fnnn"), CALL(fadvise64, "fnnn"), CALL(waitid, "nnp5p"), CALL(wait4, "np1p"),
    CALL(getgroups, "np"), CALL(getresuid, "ppp"), CALL(getresgid, "ppp"), CALL(getpgid, "iv"), CALL(getsid, "iv"),
    CALL(shmdt, "p"), CALL(mq_open, "pn00"), CALL(execve, "spp"), CALL(execveat, "fsppn"), CALL(clone3, "p7"),
    CALL(arch_prctl, "np"), CALL(futex, "p1nppn"), CALL(set_tid_address, "pv"), CALL(mbind, "pznpnn"), CALL(process_vm_readv, "ipnpnn"), CALL(sethostname, "9n"), CALL(keyctl, "6nnnn"),
};
enum { N_CALLS = sizeof calls / sizeof calls[0], EACH = 400 };

static uint64_t random_state;
static unsigned below(unsigned n) { random_state = random_state * 6364136223846793005ull + 1442695040888963407ull; return (unsigned)(random_state >> 33) % n; }

/* three pages: data, read-only, none */
static char *pages;
static uint64_t pointer(void)
{
    static const uint64_t odd[] = { 0, 1, 8, 4095, 4096, 0xffffffff, 0x100000000, 0x7fffffffe000, 0x7fffffffefff, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000,
        0x7fffffffffffffff, 0x8000000000000000, 0xffff800000000000, 0xfffffffffffff000, 0xffffffffffffffff };
    switch (below(8)) {
    case 0: case 1: return odd[below(sizeof odd / sizeof odd[0])];
    case 2: return (uintptr_t)pages + 4096 - below(40);
    case 3: return (uintptr_t)pages + 4096 + below(4096);
    case 4: return (uintptr_t)pages + 8192 + below(4096);
    case 5: return (uintptr_t)pages + 8192 - below(16);
    default: return (uintptr_t)pages + 8 * below(64);
    }
}
static uint64_t number(void)
{
    static const uint64_t odd[] = { 0, 1, 2, 3, 4, 5, 7, 8, 16, 17, 100, 1000, 1023, 1024, 4096, 0x5401, 0x80000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
        (uint64_t)-1, (uint64_t)-2, (uint64_t)-100, (uint64_t)-4096 };
    return odd[below(sizeof odd / sizeof odd[0])];
}
/* a process: init or none, as processes come and go; none has a number beyond 2^22 */
static uint64_t process(void)
{
    uint64_t n = number();
    return (uint32_t)n > 1 && (uint32_t)n < 1 << 22 ? n + (1 << 22) : n;
}
/* a clock: below 0 they are processes', -4096 that of 511 */
static uint64_t clock_number(void) { uint64_t n = number(); return n == (uint64_t)-4096 ? (uint64_t)-1 : n; }
static uint64_t descriptor(void)
{
    static const int odd[] = { 3, 3, 4, 5, 6, 7, 7, 99, 1023, -1, -100, 0x7fffffff };
    return (uint64_t)(int64_t)odd[below(12)];
}
static uint64_t path(void)
{
    static const char *const names[] = { "/nothere/x", "/proc/self/nothere", "nothere", "", "/dev/null/x" };
    if (below(2)) return pointer();
    return (uintptr_t)strcpy(pages + 2048, names[below(5)]);
}
static uint64_t timeout(void) { return below(4) ? (uintptr_t)(pages + 3000 + 8 - 3000 % 8) : (uint64_t[]){ 1, 0x7ffffffff000, 0xffff800000000000 }[below(3)]; }
static uint64_t argument(char kind)
{
    switch (kind) {
    case 'p': return pointer();
    case 's': return path();
    case 'f': return descriptor();
    case 'z': return below(3) ? below(5000) : number();
    case 't': return timeout();
    case 'g': return below(3) ? 32 + below(40) : number();
    case 'n': return number();
    case 'i': return process();
    case 'c': return clock_number();
    default: return (uint64_t)(kind - '0');
    }
}

static void wake(int sig) {}
static void open_some(void)
{
    int fd = memfd_create("some", 0), p[2], s[2];
    if (fd != 3 || ftruncate(fd, 10000) || pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s)) { printf("descriptors\n"); exit(1); }
}

static void make_calls(uint64_t seed)
{
    struct itimerval often = { { 0, 200000 }, { 0, 200000 } };
    struct sigaction a = { .sa_handler = wake };
    sigaction(SIGALRM, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
    char own[32];
    snprintf(own, sizeof own, "%lx", seed);
    if (mkdir(own, 0700) || chdir(own)) exit(1);
    open_some();
    setitimer(ITIMER_REAL, &often, NULL);
    random_state = seed;
    for (int i = 0; i < EACH; i++) {
        unsigned which = below(N_CALLS);
        uint64_t arg[6] = { 0 };
        const char *kinds = calls[which].arguments;
        bool value = strchr(kinds, 'v');
        memset(pages, 0, 4096);
        for (int k = 0; k < 6 && kinds[k] && kinds[k] != 'v'; k++) arg[k] = argument(kinds[k]);
        errno = 0;
        long r = syscall(calls[which].nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
        printf("%s %lx %lx %lx %lx = %ld %d\n", calls[which].name, (long)(arg[0] - (uintptr_t)pages < 12288 ? arg[0] - (uintptr_t)pages : arg[0]),
            (long)(arg[1] - (uintptr_t)pages < 12288 ? arg[1] - (uintptr_t)pages : arg[1]), (long)(arg[2] - (uintptr_t)pages < 12288 ? arg[2] - (uintptr_t)pages : arg[2]),
            (long)(arg[3] - (uintptr_t)pages < 12288 ? arg[3] - (uintptr_t)pages : arg[3]), r > 0 && (value || r > 100000) ? 1 : r, r < 0 ? errno : 0);
        for (int fd = 8; fd < 40; fd++) close(fd);
    }
    exit(0);
}

int main(void)
{
    uint64_t seed = 1; int children = 12, status;
    const char *more = getenv("BADCALLS");
    if (more) sscanf(more, "%lu,%d", &seed, &children);
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    umask(022);
    pages = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + 4096, 4096, PROT_READ);
    mprotect(pages + 8192, 4096, PROT_NONE);
    char dir[] = "/tmp/badcallsXXXXXX", command[64];
    if (!mkdtemp(dir) || chdir(dir)) return 1;
    for (int i = 0; i < children; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (!pid) make_calls(seed * 1000003 + i);
        waitpid(pid, &status, 0);
        printf("child %d: %x\n", i, status);
    }
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return chdir("/") || system(command);
}
