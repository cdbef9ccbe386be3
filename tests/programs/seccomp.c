/* SPDX-License-Identifier: GPL-2.0-or-later
 * seccomp.c: filters and strict mode: what may be installed, every action, precedence, and who inherits them: children, threads, execve.
 * Random filter programs compute an error number from a call's arguments.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof(a)[0])
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int install(const struct sock_filter *f, unsigned n, unsigned flags)
{
    struct sock_fprog p = { .len = (unsigned short)n, .filter = (struct sock_filter *)f };
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

static int refuse(long nr, unsigned action, unsigned flags)
{
    struct sock_filter f[] = { LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, action), ALLOW };
    return install(f, N(f), flags);
}

static void show(const char *name, long r)
{
    printf("%s: %ld %s\n", name, r, r < 0 ? strerrorname_np(errno) : "");
    fflush(stdout);
}

/* in a child, so that filters do not add up */
static void in_child(const char *name, void (*body)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        body();
        fflush(stdout);
        _exit(3);
    }
    waitpid(pid, &status, 0);
    printf("%s: %s %d\n", name, WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- what may be installed ---- */

static void try_install(const char *name, const struct sock_filter *f, unsigned n)
{
    show(name, install(f, n, 0));
}
#define TRY(name, ...) do { struct sock_filter f_[] = { __VA_ARGS__ }; try_install(name, f_, N(f_)); } while (0)

static void invalid(void)
{
    static struct sock_filter big[4097];
    for (unsigned i = 0; i < N(big); i++)
        big[i] = (struct sock_filter)ALLOW;
    try_install("empty", big, 0);
    try_install("4097", big, 4097);
    try_install("bad pointer", (void *)8, 1);
    show("bad fprog", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8));
    show("bad flags", install(big, 1, 0x400));
    show("bad operation", syscall(SYS_seccomp, 99, 0, 0));
    show("strict with flags", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0));
    show("strict with argument", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 8));
    show("prctl mode", prctl(PR_SET_SECCOMP, 7, 0, 0, 0));
    TRY("no return", LOAD(nr));
    TRY("byte load", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW);
    TRY("indirect load", BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), ALLOW);
    TRY("odd load", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW);
    TRY("load behind", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)), ALLOW);
    TRY("modulo", BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW);
    TRY("divide by 0", BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW);
    TRY("shift by 32", BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ALLOW);
    TRY("word 16", BPF_STMT(BPF_ST, 16), ALLOW);
    TRY("unwritten word", BPF_STMT(BPF_LD | BPF_MEM, 1), ALLOW);
    TRY("half written word", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1), ALLOW);
    TRY("jump behind", BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), ALLOW);
    TRY("branch behind", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), ALLOW);
    TRY("jump far behind", BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0), ALLOW);
    TRY("return X", BPF_STMT(BPF_RET | BPF_X, 0));
    TRY("written word", BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1), ALLOW);
    try_install("4096", big, 4096);
    for (int i = 0; i < 2; i++)
        try_install("more", big, 4096);
    try_install("a last small one", big, 1);
}

static void actions_available(void)
{
    static const unsigned actions[] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, 5 };
    for (unsigned i = 0; i < N(actions); i++)
        show("action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
    show("action at 8", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 8));
    show("action with flags", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &actions[0]));
}

/* ---- actions ---- */

static void errors(void)
{
    show("install", refuse(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV, 0));
    show("getppid", syscall(SYS_getppid));
    show("mode", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
    show("newer, as strict", refuse(SYS_getppid, SECCOMP_RET_ERRNO | ELOOP, SECCOMP_FILTER_FLAG_LOG));
    show("getppid", syscall(SYS_getppid));
    show("newer, laxer", refuse(SYS_getppid, SECCOMP_RET_TRACE, 0));
    show("getppid", syscall(SYS_getppid));
    show("not there", refuse(400, SECCOMP_RET_ERRNO | 0, 0));
    show("call 400", syscall(400));
    show("large error", refuse(SYS_getpgid, SECCOMP_RET_ERRNO | 0xffff, 0));
    printf("getpgid: %d\n", syscall(SYS_getpgid, 0) == -1 && errno == 4095);
    show("trace", refuse(SYS_getsid, SECCOMP_RET_TRACE, 0));
    show("getsid", syscall(SYS_getsid, 0));
    show("log", refuse(SYS_getuid, SECCOMP_RET_LOG, 0));
    printf("getuid: %d\n", (int)syscall(SYS_getuid) >= 0);
}

static void trapped(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    printf("signal %d code %d errno %d call %d arch %#x rax %lld rdi %#llx behind %d\n", sig, info->si_code, info->si_errno, info->si_syscall, info->si_arch,
        (long long)r[REG_RAX], (long long)r[REG_RDI], info->si_call_addr == (void *)r[REG_RIP]);
    r[REG_RAX] = 4711;
}

static void traps(void)
{
    struct sigaction a = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
    sigaction(SIGSYS, &a, NULL);
    show("install", refuse(SYS_getpriority, SECCOMP_RET_TRAP | 77, 0));
    show("getpriority", syscall(SYS_getpriority, 0x1234567890));
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGSYS);
    sigprocmask(SIG_BLOCK, &s, NULL);
    show("blocked", syscall(SYS_getpriority, 0));
}

static void trap_default(void) { refuse(SYS_getppid, SECCOMP_RET_TRAP, 0); show("getppid", syscall(SYS_getppid)); }
static void trap_ignored(void) { signal(SIGSYS, SIG_IGN); trap_default(); }
static void kill_process(void) { refuse(SYS_getppid, SECCOMP_RET_KILL_PROCESS, 0); show("getppid", syscall(SYS_getppid)); }
static void kill_thread(void) { refuse(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0); show("getppid", syscall(SYS_getppid)); }
static void unknown_action(void) { refuse(SYS_getppid, 0x12340000, 0); show("getppid", syscall(SYS_getppid)); }

static void strict(void)
{
    show("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
    static const char text[] = "written\n";
    if (write(1, text, sizeof text - 1) < 0)
        _exit(9);
    syscall(SYS_exit, 5);
}

static void strict_killed(void)
{
    syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0);
    syscall(SYS_getpid);
}

static void strict_after_filter(void)
{
    refuse(SYS_getppid, SECCOMP_RET_ERRNO | 1, 0);
    show("strict", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
}

/* ---- inheritance ---- */

static void *ask(void *expect)
{
    long r = syscall(SYS_getppid);
    return (void *)(long)(r == -1 ? errno : 0);
}

static void *die(void *unused)
{
    syscall(SYS_getppid);
    return NULL;
}

static void *install_for_all(void *unused)
{
    return (void *)(long)refuse(SYS_getppid, SECCOMP_RET_ERRNO | ENOTBLK, SECCOMP_FILTER_FLAG_TSYNC);
}

static void *wait_then_ask(void *barrier)
{
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return ask(NULL);
}

static void threads(void)
{
    pthread_t t, u;
    void *r;
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&u, NULL, wait_then_ask, &barrier);
    pthread_barrier_wait(&barrier);
    refuse(SYS_getppid, SECCOMP_RET_ERRNO | EBADF, 0);
    pthread_barrier_wait(&barrier);
    pthread_join(u, &r);
    printf("older thread: %s\n", r ? "refused" : "free");
    pthread_create(&t, NULL, ask, NULL);
    pthread_join(t, &r);
    printf("newer thread: %ld\n", (long)r);
    pthread_create(&u, NULL, wait_then_ask, &barrier);
    pthread_barrier_wait(&barrier);
    pthread_create(&t, NULL, install_for_all, NULL);
    pthread_join(t, &r);
    printf("for all: %ld\n", (long)r);
    pthread_barrier_wait(&barrier);
    pthread_join(u, &r);
    printf("others: %ld, this one: %ld\n", (long)r, (long)ask(NULL));
    refuse(SYS_getpgrp, SECCOMP_RET_ERRNO | 1, 0);
    pthread_create(&u, NULL, wait_then_ask, &barrier);
    pthread_barrier_wait(&barrier);
    refuse(SYS_getpgrp, SECCOMP_RET_ERRNO | 2, 0);
    pthread_create(&t, NULL, install_for_all, NULL);
    pthread_join(t, &r);
    printf("for all, who agree: %ld\n", (long)r);
    pthread_barrier_wait(&barrier);
    pthread_join(u, &r);
}

static void one_thread(void)
{
    pthread_t t;
    refuse(SYS_getppid, SECCOMP_RET_KILL_THREAD, 0);
    pthread_create(&t, NULL, die, NULL);
    pthread_join(t, NULL);
    printf("joined\n");
    show("seteuid", (long)getpid() > 0);
}

static const char *self;

static void executes(void)
{
    refuse(SYS_getppid, SECCOMP_RET_ERRNO | EBADF, 0);
    refuse(SYS_getpgrp, SECCOMP_RET_ERRNO | EISDIR, 0);
    fflush(stdout);
    execl(self, self, "inherited", NULL);
}

static void spawns(void)
{
    char *argv[] = { (char *)self, "inherited", NULL };
    pid_t pid;
    int status;
    refuse(SYS_getppid, SECCOMP_RET_ERRNO | ENOTTY, 0);
    fflush(stdout);
    int error = posix_spawn(&pid, self, NULL, NULL, argv, environ);
    waitpid(pid, &status, 0);
    printf("posix_spawn: %d, status %d\n", error, WEXITSTATUS(status));
    refuse(SYS_execve, SECCOMP_RET_ERRNO | EMLINK, 0);
    show("execve", execl(self, self, "inherited", NULL));
}

static void show_status(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10))
            fputs(line, stdout);
    if (f)
        fclose(f);
}

static int inherited(void)
{
    show("after exec: getppid", syscall(SYS_getppid));
    printf("getpgrp %s\n", syscall(SYS_getpgrp) < 0 ? strerrorname_np(errno) : "free");
    show_status();
    return 0;
}

static void unprivileged(void)
{
    printf("become nobody: %d\n", setresuid(65534, 65534, 65534));
    show("without no_new_privs", refuse(SYS_getppid, SECCOMP_RET_ERRNO | 1, 0));
}

static void clocks(void)
{
    struct timespec t;
    refuse(SYS_clock_gettime, SECCOMP_RET_KILL_PROCESS, 0);
    printf("clock %d\n", clock_gettime(CLOCK_MONOTONIC_COARSE, &t));
}

/* ---- random programs ---- */

static unsigned long long seed = 88172645463325252ull;
static unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % n;
}

static struct sock_filter random_insn(unsigned left)
{
    static const unsigned short alu[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH };
    static const unsigned short jump[] = { BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JSET };
    static const unsigned values[] = { 0, 1, 2, 31, 0xff, 0xffff, 0x80000000, 0xffffffff, 12345 };
    unsigned k = rnd(3) ? values[rnd(N(values))] : rnd(0x7fffffff), x = rnd(2) ? BPF_X : BPF_K, far = left ? rnd(left < 5 ? left : 5) : 0;
    switch (rnd(12)) {
    case 0: return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16 + 4 * rnd(12));
    case 1: return (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, k);
    case 2: return (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, k);
    case 3: return (struct sock_filter)BPF_STMT(rnd(2) ? BPF_ST : BPF_STX, rnd(3));
    case 4: return (struct sock_filter)BPF_STMT(rnd(2) ? BPF_LD | BPF_MEM : BPF_LDX | BPF_MEM, rnd(3));
    case 5: return (struct sock_filter)BPF_STMT(rnd(2) ? BPF_MISC | BPF_TAX : BPF_MISC | BPF_TXA, 0);
    case 6: return (struct sock_filter)BPF_STMT(rnd(2) ? BPF_LD | BPF_W | BPF_LEN : BPF_LDX | BPF_W | BPF_LEN, 0);
    case 7: case 8: return (struct sock_filter)BPF_JUMP(BPF_JMP | x | jump[rnd(N(jump))], k, (unsigned char)far, (unsigned char)(left ? rnd(left < 5 ? left : 5) : 0));
    case 9: return (struct sock_filter)BPF_STMT(BPF_ALU | BPF_NEG, 0);
    default: {
        unsigned short op = alu[rnd(N(alu))];
        if (op == BPF_LSH || op == BPF_RSH)                       /* by X: undefined from 32 on */
            x = BPF_K, k &= 31;
        if (op == BPF_DIV && !k)
            k = 3;
        return (struct sock_filter)BPF_STMT(BPF_ALU | op | x, k);
    }
    }
}

enum { HEAD = 6, BODY = 24, TAIL = 3 };

static unsigned random_program(struct sock_filter *f)
{
    unsigned body = 4 + rnd(BODY - 4), n = 0;
    f[n++] = (struct sock_filter)LOAD(nr);
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0);
    f[n++] = (struct sock_filter)ALLOW;
    for (unsigned i = 0; i < 3; i++)                              /* most programs read only what was written */
        f[n++] = rnd(20) ? (struct sock_filter)BPF_STMT(BPF_ST, i) : (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
    for (unsigned i = 0; i < body; i++)
        f[n++] = random_insn(body - i);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    return n;
}

static void random_programs(void)
{
    struct sock_filter f[HEAD + BODY + TAIL];
    for (int i = 0; i < 300; i++) {
        int status, n = (int)random_program(f);
        fflush(stdout);
        pid_t pid = fork();
        if (!pid) {
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (install(f, (unsigned)n, 0))
                printf("%d: %s\n", i, strerrorname_np(errno));
            else
                for (int k = 0; k < 3; k++) {
                    long r = syscall(SYS_getppid, 0x123456789abcdefll * k, k, -1l, 0x8000000000000000ull >> k, 3 * i, i);
                    printf("%d: %d\n", i, r == -1 ? errno : r != 0);
                }
            fflush(stdout);
            _exit(0);
        }
        waitpid(pid, &status, 0);
        if (status)
            printf("%d: status %d\n", i, status & 0x7f);                     /* divided by 0 */
    }
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1)
        return inherited();
    show("mode", prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
    show_status();
    in_child("invalid", invalid);
    in_child("available", actions_available);
    in_child("errors", errors);
    in_child("traps", traps);
    in_child("trap default", trap_default);
    in_child("trap ignored", trap_ignored);
    in_child("kill process", kill_process);
    in_child("kill thread", kill_thread);
    in_child("unknown action", unknown_action);
    in_child("strict", strict);
    in_child("strict killed", strict_killed);
    in_child("strict after filter", strict_after_filter);
    in_child("threads", threads);
    in_child("one thread", one_thread);
    in_child("executes", executes);
    in_child("spawns", spawns);
    in_child("clocks", clocks);
    random_programs();
    unprivileged();
    return 0;
}
