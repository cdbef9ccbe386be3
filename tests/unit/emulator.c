/* SPDX-License-Identifier: GPL-2.0-or-later
 * emulator.c: a program of the host's own, run under the emulator that stands for that host in the tests (tests/check --runner). It prints which of
 * tests/programs can't pass there, each because of something that the kernel does and the emulator, seen here, does not; `workers` stands for all in which
 * wherry has threads of its own. Prints nothing on a real machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int shared;

static bool vfork_shares_memory(void)
{
    pid_t child = vfork();
    if (!child) {
        shared = 1;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return shared;
}

/* the program given as argv[1] (the emulator; this file's own when there is none) looks at what it inherits */
static bool ignored_stays_ignored(char *const argv[])
{
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        signal(SIGSEGV, SIG_IGN);
        if (argv[1])
            execl(argv[1], argv[1], argv[0], "-inherited", (char *)NULL);
        else
            execl(argv[0], argv[0], "-inherited", (char *)NULL);
        _exit(1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status == 0;
}

static int inherited(void)
{
    struct sigaction a;
    sigaction(SIGSEGV, NULL, &a);
    return a.sa_handler != SIG_IGN;
}

static void nothing(int sig) { (void)sig; }

static void *wait_for_a_while(void *unused)
{
    usleep(1000);
    return unused;
}

/* Some of ten children of a process that has a second thread: the emulator loses count of its own. */
static bool children_have_threads(void)
{
    bool good = true;
    fflush(stdout);
    for (int k = 0; k < 10; k++) {
        pthread_t t;
        int status = -1;
        pthread_create(&t, NULL, wait_for_a_while, NULL);
        pid_t child = fork();
        if (!child) {
            close(STDOUT_FILENO);
            close(STDERR_FILENO);
            pthread_t other;
            _exit(pthread_create(&other, NULL, wait_for_a_while, NULL) || pthread_join(other, NULL));
        }
        waitpid(child, &status, 0);
        pthread_join(t, NULL);
        good &= status == 0;
    }
    return good;
}

static bool pselect_tells_what_is_left(void)
{
    struct sigaction a = { .sa_handler = nothing };
    struct timespec t = { 5, 0 };
    sigaction(SIGALRM, &a, NULL);
    alarm(1);
    syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, NULL);
    return t.tv_sec < 5;
}

/* Nobody wakes the next owner of a mutex whose owner was killed */
static bool knows_robust_lists(void)
{
    static struct { void *next; long offset; void *pending; } head = { &head, 0, NULL };
    return !syscall(SYS_set_robust_list, &head, sizeof head);
}

static bool limits_the_stack(void)
{
    struct rlimit old, l, now;
    getrlimit(RLIMIT_STACK, &old);
    l = old;
    l.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_STACK, &l);
    getrlimit(RLIMIT_STACK, &now);
    setrlimit(RLIMIT_STACK, &old);
    return now.rlim_cur == l.rlim_cur;
}

/* At a file's end nothing is written, so no address is bad */
static bool reads_nothing_anywhere(void)
{
    int fd = open("/dev/null", O_RDONLY);
    long r = syscall(SYS_read, fd, (void *)8, 5);
    close(fd);
    return r == 0;
}

/* The address is cut to the length that is given, so only so many bytes have to be there */
static bool cuts_socket_names(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t size = (socklen_t)page;
    munmap(p + page, page);
    int r = getsockname(fd, (struct sockaddr *)(p + page - 16), &size);
    close(fd);
    return r == 0;
}

static bool lacks(long number)
{
    return syscall(number, -1, 0, 0, 0, 0, 0) && errno == ENOSYS;
}

static sigjmp_buf back;
static bool knows_writes;

static void fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
#ifdef __aarch64__
    const uint8_t *p = (const uint8_t *)uc->uc_mcontext.__reserved;
    for (uint32_t head[2]; memcpy(head, p, 8), head[0] && head[1]; p += head[1])
        knows_writes |= head[0] == 0x45535201;         /* esr_context */
#elif defined __powerpc64__
    enum { DSISR = 42, STORE = 0x02000000 };
    knows_writes = (uc->uc_mcontext.gp_regs[DSISR] & STORE) != 0;
#else
    knows_writes = uc != NULL;
#endif
    (void)sig;
    (void)info;
    siglongjmp(back, 1);
}

static void store_at(volatile uint64_t address)
{
    struct sigaction a = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
    if (!sigsetjmp(back, 1))
        *(volatile char *)(uintptr_t)address = 1;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "-inherited"))
        return inherited();
    bool shares = vfork_shares_memory();
    if (!shares || !ignored_stays_ignored(argv))
        printf("spawn\n");
    if (!shares)                                        /* the child of posix_spawn tells its failure through memory */
        printf("python-procs\nforks\n");
    if (!pselect_tells_what_is_left())
        printf("restart\n");
    if (syscall(SYS_preadv2, -1, NULL, 0, 0, 0, 0) && errno == ENOSYS)       /* one of the calls that syscalls_rare is about */
        printf("syscalls_rare\n");
    if (lacks(SYS_openat2) || lacks(SYS_process_vm_readv))
        printf("events\nproc_mem\n");
    if (lacks(SYS_io_destroy) || lacks(SYS_clone3))
        printf("syscalls_new\n");
    if (!limits_the_stack())
        printf("execs\ngrowth\n");
    if (!knows_robust_lists())
        printf("locks\n");
    if (!reads_nothing_anywhere())                       /* one of its many errors where the kernel has none */
        printf("badcalls\n");
    if (!cuts_socket_names())
        printf("ipc\n");
    if (unshare(CLONE_VM | CLONE_SIGHAND))              /* a thread of its own, beside the program's one */
        printf("alone\n");
    if (!children_have_threads())
        printf("workers\n");
    store_at(0x10);
    if (!knows_writes)
        printf("segv_repair\n");
    return 0;
}
