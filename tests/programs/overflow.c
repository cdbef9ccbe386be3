/* SPDX-License-Identifier: GPL-2.0-or-later
 * overflow.c: the stack runs over: without a handler (death by SIGSEGV), with one on an alternate stack, which is left by siglongjmp
 * or ends the program, in the first thread and in others; and deep recursion that fits.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile char *stack_low;
static __attribute__((noinline)) int deep(int n, volatile char *p)
{
    volatile char room[256];
    room[0] = n; room[255] = p ? p[0] : 0;
    stack_low = room;
    return n == 0 ? room[0] : deep(n - 1, room) + room[255] * 0 + 1;
}
static __attribute__((noinline)) int forever(volatile char *p) { volatile char room[512]; room[0] = p ? p[0] + 1 : 0; return forever(room) + room[0]; }

static void caught(int sig, siginfo_t *info, void *uc)
{
    char here;
    static char text[96];
    int n = snprintf(text, sizeof text, "caught %d code %d\n", sig, info->si_code);
    if (write(1, text, n)) ;
    siglongjmp(back, 1);
}
static void alternate(void)
{
    stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };
    sigaltstack(&ss, NULL);
    struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaction(SIGSEGV, &a, NULL);
}
static void *in_thread(void *arg)
{
    alternate();
    for (int i = 0; i < 3; i++) if (!sigsetjmp(back, 1)) forever(NULL);
    return NULL;
}
static void *recurse(void *arg) { return (void *)(long)deep(*(int *)arg, NULL); }

static void child(const char *name, void (*f)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) { struct rlimit none = { 0, 0 }; setrlimit(RLIMIT_CORE, &none); f(); _exit(7); }
    waitpid(pid, &status, 0);
    printf("%s: %s %d\n", name, WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}
static void plain(void) { forever(NULL); }
static void handler_without_stack(void) { signal(SIGSEGV, (void (*)(int))caught); forever(NULL); }
static void thread_plain(void) { pthread_t t; pthread_create(&t, NULL, (void *(*)(void *))(void *)forever, NULL); pthread_join(t, NULL); }
/* a lower limit leaves the stack as far as it has grown; at its very end the outcome would be chance */
static void limited(void) { struct rlimit l = { 512 << 10, 512 << 10 }; setrlimit(RLIMIT_STACK, &l); alternate(); if (!sigsetjmp(back, 1)) deep(10000, NULL); else _exit(9); }
static void handler_nested(void) { alternate(); struct sigaction a = { .sa_sigaction = (void *)forever, .sa_flags = SA_ONSTACK }; sigaction(SIGSEGV, &a, NULL); forever(NULL); }

int main(void)
{
    int n = 20000, m = 1500;
    pthread_t t[8];
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("deep %d\n", deep(n, NULL));
    for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, recurse, &m);
    for (int i = 0; i < 8; i++) { void *r; pthread_join(t[i], &r); printf("thread %ld\n", (long)r); }
    child("plain", plain); child("no alternate stack", handler_without_stack); child("thread", thread_plain); child("limited", limited); child("nested", handler_nested);
    alternate();
    for (int i = 0; i < 3; i++) if (!sigsetjmp(back, 1)) forever(NULL);
    pthread_create(&t[0], NULL, in_thread, NULL); pthread_join(t[0], NULL);
    return 0;
}
