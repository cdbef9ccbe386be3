/* SPDX-License-Identifier: GPL-2.0-or-later
 * death: how children end by signals, as the parent sees it: by default, blocked, ignored, forced, and stopped and continued. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static void run(const char *what, void (*f)(void)) {
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) { f(); _exit(7); }
    waitpid(pid, &status, 0);
    printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}
static void null(void) { *(volatile int *)0 = 1; }
static void call_null(void) { ((void (*)(void))8)(); }
static void no_exec(void) { static char code[16] = { 0xc3 }; ((void (*)(void))code)(); }
static void ignored(void) { signal(SIGSEGV, SIG_IGN); null(); }
static void blocked(void) { sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL); null(); }
static void term(void) { raise(SIGTERM); }
static void sent_segv(void) { kill(getpid(), SIGSEGV); }
static void sent_ignored(void) { signal(SIGSEGV, SIG_IGN); kill(getpid(), SIGSEGV); raise(SIGPIPE); }
static void fpe(void) { volatile int z = 0; exit(1 / z); }
static void ill(void) { __builtin_trap(); }
static void aborts(void) { abort(); }
static void trap(void) { asm("int3"); }
static void ignored_term(void) { signal(SIGTERM, SIG_IGN); raise(SIGTERM); }
static void handler_null(int s) { null(); }
static void in_handler(void) { signal(SIGSEGV, handler_null); null(); }
static void alarmed(void) { alarm(1); pause(); }
static void bus(void) {
    FILE *f = tmpfile();
    char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(f), 0);
    exit(p[100]);
}
static void no_stack(void) { signal(SIGUSR1, SIG_DFL); struct sigaction sa = { .sa_handler = (void *)1234567 }; sigaction(SIGUSR1, &sa, NULL); raise(SIGUSR1); }
int main(void) {
    struct rlimit rl = { 0, 0 };
    setrlimit(RLIMIT_CORE, &rl);
    run("null", null); run("call null", call_null); run("not executable", no_exec); run("ignored", ignored); run("blocked", blocked);
    run("term", term); run("sent segv", sent_segv); run("sent ignored", sent_ignored); run("fpe", fpe); run("ill", ill); run("abort", aborts);
    run("trap", trap); run("ignored term", ignored_term); run("in handler", in_handler); run("alarm", alarmed); run("bus", bus); run("bad handler", no_stack);
    int status;
    pid_t pid = fork();
    if (!pid) { raise(SIGSTOP); _exit(5); }
    waitpid(pid, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    printf("exit %d\n", WEXITSTATUS(status));
    fflush(stdout);
    raise(SIGUSR2);
    return 0;
}
