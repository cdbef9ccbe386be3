/* SPDX-License-Identifier: GPL-2.0-or-later
 * Signal calls by number: sets, flags, siginfo of each origin, alternate stacks, queues: what the guest sees, printed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

struct guest_info { int32_t signo, err, code, pad; int32_t pid; uint32_t uid; uint64_t value; uint8_t rest[96]; };

static void show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); }
static uint64_t bit(int sig) { return 1ull << (sig - 1); }

static volatile int n_got, codes[70], on_stack;
static volatile uint64_t values[70], mask_inside;
static stack_t alt;
static void handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    char here;
    n_got++;
    codes[sig] = info->si_code;
    values[sig] = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
    on_stack = &here >= (char *)alt.ss_sp && &here < (char *)alt.ss_sp + alt.ss_size;
    uint64_t now;
    syscall(14, SIG_BLOCK, NULL, &now, 8);
    mask_inside = now;
    (void)uc;
}

static void every_number(void)
{
    struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    for (int sig = 1; sig <= 65; sig++) {
        if (sig == 32 || sig == 33 || sig == 63 || sig == 64) continue;       /* glibc's, and what emulators keep (syscalls_rare.c) */
        int r = sigaction(sig, &sa, NULL);
        n_got = 0;
        if (r) { printf("signal %d: %s\n", sig, strerrorname_np(errno)); continue; }
        raise(sig); int once = n_got;
        kill(getpid(), sig); int code = codes[sig];
        struct guest_info q = { .signo = sig, .code = -1, .pid = getpid(), .uid = getuid(), .value = 0x1122334400000000u + (unsigned)sig };
        long queued = syscall(129, getpid(), sig, &q);
        printf("signal %d: %d times, code of kill %d, of sigqueue %d value %llx, %ld, mask inside %llx\n", sig, once, code, codes[sig], sig == SIGIO ? 0 : (unsigned long long)values[sig], queued, (unsigned long long)mask_inside);
        struct sigaction back;
        sigaction(sig, NULL, &back);
        if (back.sa_sigaction != handler || (back.sa_flags & ~0x4000000) != SA_SIGINFO) printf("flags %x\n", back.sa_flags);
        signal(sig, SIG_DFL);
    }
}

static void action_flags(void)
{
    static const unsigned flags[] = { SA_NODEFER, SA_RESETHAND, SA_RESTART, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_ONSTACK };
    struct { uint64_t handler, flags, restorer, mask; } k;
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct sigaction sa = { .sa_sigaction = handler, .sa_flags = (int)(SA_SIGINFO | flags[i]) };
        sigaddset(&sa.sa_mask, SIGUSR2); sigaddset(&sa.sa_mask, SIGRTMIN + 3);
        sigaction(SIGUSR1, &sa, NULL);
        syscall(13, SIGUSR1, NULL, &k, 8);
        printf("flags %llx mask %llx\n", (unsigned long long)k.flags, (unsigned long long)k.mask);
        raise(SIGUSR1); printf("inside %llx on stack %d\n", (unsigned long long)mask_inside, on_stack);
        syscall(13, SIGUSR1, NULL, &k, 8); printf("handler is %s\n", k.handler == (uint64_t)(uintptr_t)handler ? "set" : "default");
    }
    show("sigset of 4 bytes", syscall(13, SIGUSR1, NULL, &k, 4)); show("SIGKILL", syscall(13, SIGKILL, &k, NULL, 8)); show("signal 65", syscall(13, 65, NULL, &k, 8)); show("no such how", syscall(14, 9, &k.mask, NULL, 8));
}

static void pending(void)
{
    uint64_t set = bit(SIGUSR1) | bit(SIGRTMIN) | bit(SIGRTMIN + 1) | bit(62) | bit(SIGCHLD), old = 0, got = 0;
    struct guest_info i;
    struct timespec t = { 0, 1000000 };
    show("block", syscall(14, SIG_BLOCK, &set, &old, 8)); printf("%llx\n", (unsigned long long)old);
    raise(SIGUSR1); kill(getpid(), SIGUSR1); sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 77 }); sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 78 }); sigqueue(getpid(), 62, (union sigval){ .sival_int = 79 });
    show("rt_sigpending", syscall(127, &got, 8)); printf("%llx\n", (unsigned long long)got);
    for (int k = 0; k < 5; k++) {
        memset(&i, 0x55, sizeof i);
        long r = syscall(128, &set, &i, &t, 8);
        show("rt_sigtimedwait", r);
        if (r > 0) printf("signo %d errno %d code %d own %d value %d\n", i.signo, i.err, i.code, i.pid == getpid(), (int)i.value == 0x55555555 ? 0 : (int)i.value);
    }
    fflush(stdout);
    pid_t child = fork();
    if (!child) _exit(33);
    memset(&i, 0, sizeof i);
    show("wait for SIGCHLD", syscall(128, &set, &i, NULL, 8)); int status; memcpy(&status, &i.value, 4); printf("code %d pid %d status %d\n", i.code, i.pid == child, status);
    memset(&i, 0, sizeof i);
    show("waitid", syscall(247, 1, child, &i, 4, NULL)); memcpy(&status, &i.value, 4); printf("signo %d code %d pid %d status %d\n", i.signo, i.code, i.pid == child, status);
    child = fork();
    if (!child) { sigset_t none; sigemptyset(&none); sigprocmask(SIG_SETMASK, &none, NULL); raise(SIGSTOP); for (;;) pause(); }
    waitpid(child, &status, WUNTRACED); printf("stopped %x\n", status); kill(child, SIGCONT); waitpid(child, &status, WCONTINUED); printf("continued %x\n", status); kill(child, SIGABRT);
    waitpid(child, &status, 0); printf("died %x\n", status & ~0x80);
    int fd = (int)syscall(289, -1, &set, 8, 04000 | 02000000);
    struct { uint32_t signo; int32_t err, code; uint32_t pid, uid; int32_t sfd; uint32_t tid, band, overrun, trapno; int32_t status, ival; uint64_t ptr, utime, stime, addr; uint8_t rest[48]; } s;
    while (syscall(128, &set, NULL, &t, 8) > 0) { }
    show("signalfd4 with nothing", read(fd, &s, sizeof s)); sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 5 });
    show("signalfd4", read(fd, &s, sizeof s)); printf("%u %d %d %d\n", s.signo, s.code, s.pid == (uint32_t)getpid(), s.ival);
    printf("size %zu flags %lo\n", sizeof s, syscall(72, fd, F_GETFL) & 04000);
    syscall(14, SIG_SETMASK, &old, NULL, 8);
}

static void stacks(void)
{
    stack_t s, none = { .ss_flags = SS_DISABLE };
    alt = (stack_t){ .ss_sp = mmap(NULL, 65536, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 65536 };
    show("sigaltstack", syscall(131, &alt, NULL)); show("get", syscall(131, NULL, &s)); printf("flags %x size %zu same %d\n", s.ss_flags, s.ss_size, s.ss_sp == alt.ss_sp);
    struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaction(SIGUSR2, &sa, NULL); raise(SIGUSR2); printf("on the stack %d\n", on_stack);
    s.ss_size = 1024; s.ss_flags = 0; show("too small", syscall(131, &s, NULL)); s.ss_flags = 99; s.ss_size = 65536; show("wrong flags", syscall(131, &s, NULL)); show("2048 is enough", syscall(131, &(stack_t){ .ss_sp = alt.ss_sp, .ss_size = 2048 }, NULL));
    show("disable", syscall(131, &none, NULL)); raise(SIGUSR2); printf("on the stack %d\n", on_stack);
}

static void timers(void)
{
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_int = 1234 };
    struct itimerspec i = { .it_value.tv_nsec = 1000000 }, left;
    struct guest_info info;
    uint64_t set = bit(SIGRTMIN + 2);
    int id = -1;
    syscall(14, SIG_BLOCK, &set, NULL, 8);
    show("timer_create", syscall(222, CLOCK_MONOTONIC, &e, &id)); show("timer_settime", syscall(223, id, 0, &i, NULL)); memset(&info, 0, sizeof info);
    show("its signal", syscall(128, &set, &info, NULL, 8)); printf("code %d value %d\n", info.code, (int)info.value); show("timer_gettime", syscall(224, id, &left)); printf("%ld\n", left.it_value.tv_nsec);
    show("timer_getoverrun", syscall(225, id)); show("timer_delete", syscall(226, id)); show("gone", syscall(226, id));
    int fd = (int)syscall(283, CLOCK_MONOTONIC, 04000); uint64_t n;
    show("timerfd before", read(fd, &n, 8)); show("timerfd_settime", syscall(286, fd, 0, &i, NULL)); usleep(5000); show("timerfd", read(fd, &n, 8)); printf("%llu\n", (unsigned long long)n);
    struct timespec ts = { 0, 1000 }; show("clock_nanosleep", syscall(230, CLOCK_MONOTONIC, 0, &ts, NULL)); ts.tv_nsec = 2000000000; errno = 0; show("wrong", syscall(230, CLOCK_MONOTONIC, 0, &ts, NULL)); show("nanosleep wrong", syscall(35, &ts, NULL));
    show("clock_getres", syscall(229, CLOCK_REALTIME, &ts)); printf("%ld\n", ts.tv_nsec); show("clock_gettime wrong", syscall(228, 77, &ts));
}

int main(void)
{
    every_number(); action_flags(); pending(); stacks(); timers();
    show("tgkill wrong", syscall(234, getpid(), 0x3fffffff, 0)); show("kill 99", syscall(62, getpid(), 99)); show("rt_sigqueueinfo of the kernel's code", syscall(129, getppid(), 10, &(struct guest_info){ .code = 1 }));
    return 0;
}
