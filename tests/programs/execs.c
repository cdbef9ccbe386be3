/* SPDX-License-Identifier: GPL-2.0-or-later
 * execs.c: execve in its variants: by descriptor, from memory, with no arguments, too many or too long ones, scripts with long
 * first lines and of scripts, what is no program, and what a new program inherits.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char dir[] = "/tmp/execsXXXXXX";
static char *const no_env[] = { NULL };

static const char *file(const char *name, const char *text, size_t n, int mode)
{
    static char path[4][128]; static int k;
    char *p = path[k++ % 4];
    snprintf(p, 128, "%s/%s", dir, name);
    int fd = open(p, O_CREAT | O_WRONLY | O_TRUNC, 0700);
    if (write(fd, text, n) < 0) ;
    fchmod(fd, mode); close(fd);
    return p;
}
static void run(const char *name, const char *path, char *const argv[], char *const envp[])
{
    int status;
    printf("%s: ", name); fflush(stdout);
    pid_t pid = fork();
    if (!pid) { execve(path, argv, envp); printf("errno %d\n", errno); fflush(stdout); _exit(99); }
    waitpid(pid, &status, 0);
    printf("  status %x\n", status);
}
#define RUN(name, path, ...) run(name, path, (char *[]){ __VA_ARGS__, NULL }, no_env)

static void by_descriptor(void)
{
    char *echo[] = { "echo", "by", "descriptor", NULL };
    int fd = open("/bin/echo", O_RDONLY | O_CLOEXEC), status;
    pid_t pid = fork();
    if (!pid) { fexecve(fd, echo, environ); _exit(98); }
    waitpid(pid, &status, 0); printf("fexecve %x\n", status); fflush(stdout);
    int mem = memfd_create("program", 0); char buf[65536]; long n;
    while ((n = read(fd, buf, sizeof buf)) > 0) if (write(mem, buf, n) != n) break;
    pid = fork();
    if (!pid) { syscall(SYS_execveat, mem, "", echo, environ, AT_EMPTY_PATH); printf("errno %d\n", errno); _exit(98); }
    waitpid(pid, &status, 0); printf("memfd %x\n", status); fflush(stdout);
    int d = open("/bin", O_RDONLY | O_DIRECTORY);
    pid = fork();
    if (!pid) { syscall(SYS_execveat, d, "echo", echo, environ, 0); _exit(98); }
    waitpid(pid, &status, 0); printf("execveat %x\n", status); fflush(stdout);
    pid = fork();
    if (!pid) { syscall(SYS_execveat, 77, "echo", echo, environ, 0); printf("errno %d\n", errno); fflush(stdout); syscall(SYS_execveat, fd, "", echo, environ, 0); printf("errno %d\n", errno); fflush(stdout); _exit(0); }
    waitpid(pid, &status, 0);
    close(d); close(fd); close(mem);
}

static void scripts(void)
{
    char text[600];
    RUN("script", file("s1", "#!/bin/sh\necho $0 $#\n" , 21, 0755) ? file("s1", "#!/bin/sh\necho $#: $1\n", 22, 0755) : 0, "zero", "one");
    RUN("argument", file("s2", "#! /bin/echo  -n  a b \nx\n", 25, 0755) ? "/bin/true" : 0, "x");
    const char *e = file("s3", "#!/bin/echo a  b c\t\n", 20, 0755);
    chdir(dir); RUN("arguments", "./s3", "zero", "one");
    memset(text, 0, sizeof text); strcpy(text, "#!/bin/echo "); memset(text + 12, 'x', 400); strcpy(text + 412, "\n");
    file("s4", text, 413, 0755); RUN("long", "./s4", "zero");
    strcpy(text, "#!/"); memset(text + 3, 'y', 400); file("s5", text, 403, 0755); RUN("long interpreter", "./s5", "zero");
    file("s6", "#!./s3\n", 7, 0755); RUN("script of a script", "./s6", "zero", "one");
    file("s7", "#!./s7\n", 7, 0755); RUN("script of itself", "./s7", "zero");
    file("s8", "#!\n", 3, 0755); RUN("no interpreter", "./s8", "zero");
    file("s9", "#!/nowhere/sh\n", 14, 0755); RUN("missing interpreter", "./s9", "zero");
    file("s10", "#!/bin/sh\n", 10, 0644); RUN("not executable", "./s10", "zero");
    file("s11", "echo hi\n", 8, 0755); RUN("no script", "./s11", "zero");
    file("s12", "", 0, 0755); RUN("empty", "./s12", "zero");
    file("s13", "#!/bin/echo", 11, 0755); RUN("no newline", "./s13", "zero");
    file("s14", "\177ELF\2\1\1", 7, 0755); RUN("short ELF", "./s14", "zero");
    RUN("directory", "/tmp", "zero"); RUN("missing", "/nothere", "zero"); RUN("through a file", "/bin/true/x", "zero"); RUN("empty name", "", "zero");
    RUN("loop", "/proc/self/fd/77", "zero");
}

static void limits(void)
{
    static char *args[20001]; static char big[140000];
    run("fault", (char *)8, (char *[]){ "x", NULL }, no_env); run("argv fault", "/bin/echo", (void *)16, no_env); run("argv bad", "/bin/echo", (char *[]){ (char *)16, NULL }, no_env);
    run("no argv", "/bin/true", NULL, NULL);
    memset(big, 'a', sizeof big - 1); run("long string", "/bin/true", (char *[]){ "x", big, NULL }, no_env);
    big[131071] = 0; run("longest string", "/bin/true", (char *[]){ "x", big, NULL }, no_env);
    big[130000] = 0; for (int i = 0; i < 60; i++) args[i] = big; args[60] = NULL; run("too much", "/bin/true", args, no_env);
    for (int i = 0; i < 20000; i++) args[i] = "word"; args[20000] = NULL; run("many", "/bin/true", args, args);
    struct rlimit l, old; getrlimit(RLIMIT_STACK, &old); l = old; l.rlim_cur = 1 << 20; setrlimit(RLIMIT_STACK, &l);
    for (int i = 0; i < 5; i++) args[i] = big; args[5] = NULL; run("quarter of the stack", "/bin/true", args, no_env); setrlimit(RLIMIT_STACK, &old);
}

static int nothing(void *unused) { return 0; }

/* those that a C library takes for itself, though not the program's own: a process beside this one makes no thread in it */
static void ignore_inner_signals(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    struct { void (*handler)(int); unsigned long flags; void *restorer; unsigned long mask; } ign = { SIG_IGN };
    syscall(SYS_rt_sigaction, 32, &ign, NULL, 8); syscall(SYS_rt_sigaction, 33, &ign, NULL, 8);
    clone(nothing, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL); wait(NULL);
}

static void inherits(void)
{
    ignore_inner_signals();
    struct sigaction ign = { .sa_handler = SIG_IGN }; sigset_t set; sigemptyset(&set); sigaddset(&set, SIGUSR1); sigaddset(&set, SIGSEGV);
    sigaction(SIGHUP, &ign, NULL); sigaction(SIGSEGV, &ign, NULL); sigprocmask(SIG_BLOCK, &set, NULL);
    alarm(100);
    RUN("signals", "/bin/grep", "grep", "Sig[BI]", "/proc/self/status");
    setpriority(PRIO_PROCESS, 0, 5); umask(027);
    RUN("nice and umask", "/bin/sh", "sh", "-c", "nice; umask; ulimit -c");
    RUN("fds", "/bin/sh", "sh", "-c", "ls /proc/self/fd | wc -l; exec 0<&-; ls /proc/self/fd | wc -l");
}

int main(void)
{
    if (!mkdtemp(dir)) return 1;
    setvbuf(stdout, NULL, _IONBF, 0);
    by_descriptor(); scripts(); limits(); inherits();
    chdir("/"); char rm[64]; snprintf(rm, sizeof rm, "rm -r %s", dir); return system(rm);
}
