/* SPDX-License-Identifier: GPL-2.0-or-later
 * forks.c: children in numbers and of every kind: fork (2,000, from threads too), vfork, posix_spawn, system, popen, clone with and
 * without a stack of its own, sharing memory or files, clone3; and the order of their ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, __WALL) < 0) if (errno != EINTR) return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void many(void)
{
    int sum = 0;
    for (int i = 0; i < 2000; i++) {
        pid_t pid = fork();
        if (!pid) _exit(i % 100);
        if (pid < 0) { printf("fork %d\n", errno); return; }
        sum += wait_for(pid);
    }
    printf("2000 forks %d\n", sum);
}

static void *thread_forks(void *arg)
{
    long sum = 0;
    for (int i = 0; i < 30; i++) {
        char *p = malloc(1000 + i);
        pid_t pid = fork();
        if (!pid) { char *q = malloc(5000); memset(q, 1, 5000); free(q); free(p); _exit(i); }
        free(p);
        sum += wait_for(pid);
    }
    return (void *)sum;
}

static void from_threads(void)
{
    pthread_t t[6];
    for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, thread_forks, NULL);
    for (int i = 0; i < 6; i++) { void *r; pthread_join(t[i], &r); printf("%ld ", (long)r); }
    puts("from threads");
}

static void vforks(void)
{
    volatile int shared = 0; int sum = 0;
    for (int i = 0; i < 300; i++) {
        pid_t pid = vfork();
        if (!pid) { shared++; _exit(3); }
        sum += wait_for(pid);
    }
    printf("vforks %d %d\n", shared, sum);
}

static void spawns(void)
{
    char *echo[] = { "echo", "spawned", NULL }, *no[] = { "nothere", NULL };
    pid_t pid;
    posix_spawn_file_actions_t f; posix_spawnattr_t a; sigset_t all;
    posix_spawn_file_actions_init(&f); posix_spawnattr_init(&a); sigfillset(&all);
    posix_spawn_file_actions_adddup2(&f, 1, 7); posix_spawn_file_actions_addclose(&f, 7);
    posix_spawnattr_setsigdefault(&a, &all); posix_spawnattr_setpgroup(&a, 0);
    posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    fflush(stdout);
    int error = posix_spawn(&pid, "/bin/echo", &f, &a, echo, environ), status = wait_for(pid);
    printf("spawn %d %d\n", error, status);
    printf("spawnp %d\n", posix_spawnp(&pid, "nothere-at-all", NULL, NULL, no, environ));
    fflush(stdout);
    printf("system %d\n", system("exit 5")); fflush(stdout);
    printf("system %d\n", system("kill -TERM $$")); 
    FILE *p = popen("echo popen; exit 4", "r"); char line[64];
    if (p && fgets(line, sizeof line, p)) fputs(line, stdout);
    printf("pclose %d\n", pclose(p));
}

static int value;
static char child_stack[65536] __attribute__((aligned(16)));
static int child_main(void *arg) { value = *(int *)arg; return 11; }
static int child_close(void *arg) { close(*(int *)arg); chdir("/"); return 12; }
static void report(const char *name, pid_t pid) { printf("%s %d", name, pid < 0 ? -errno : 0); if (pid > 0) printf(" status %d", wait_for(pid)); printf(" value %d\n", value); value = 0; }

static void clones(void)
{
    int n = 42, fd = open("/dev/null", O_RDONLY);
    char *top = child_stack + sizeof child_stack;
    report("plain", clone(child_main, top, SIGCHLD, &n));
    report("vm vfork", clone(child_main, top, CLONE_VM | CLONE_VFORK | SIGCHLD, &n));
    report("vm", clone(child_main, top, CLONE_VM | SIGCHLD, &n));
    report("vm files fs", clone(child_main, top, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, &n));
    report("vm sighand", clone(child_main, top, CLONE_VM | CLONE_SIGHAND | SIGCHLD, &n));
    report("vm no signal", clone(child_main, top, CLONE_VM, &n));
    report("files", clone(child_close, top, CLONE_FILES | CLONE_FS | SIGCHLD, &fd));
    printf("closed %d\n", fcntl(fd, F_GETFD)); char cwd[64]; printf("cwd %s\n", getcwd(cwd, sizeof cwd));
    report("thread only", clone(child_main, top, CLONE_THREAD | SIGCHLD, &n));
    report("sighand only", clone(child_main, top, CLONE_SIGHAND | SIGCHLD, &n));
    struct clone_args c = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGUSR2 };
    signal(SIGUSR2, SIG_IGN);
    pid_t pid = syscall(SYS_clone3, &c, sizeof c);
    if (!pid) _exit(13);
    report("clone3", pid);
    printf("pidfd %d\n", fd > 2);
    printf("clone3 small %ld", syscall(SYS_clone3, &c, 8)); printf(" %d\n", errno);
    c.flags = 1ull << 50; printf("clone3 flags %ld", syscall(SYS_clone3, &c, sizeof c)); printf(" %d\n", errno);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    many(); from_threads(); vforks(); spawns(); clones();
    return 0;
}
