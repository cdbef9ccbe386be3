/* SPDX-License-Identifier: GPL-2.0-or-later
 * sigchld: SIGCHLD's siginfo, SA_NOCLDWAIT, ignoring it, waitid, process groups, signalfd. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile sig_atomic_t n, code, status, pid_ok;
static volatile pid_t expect;
static void child(int sig, siginfo_t *info, void *uc) { n++; code = info->si_code; status = info->si_status; pid_ok = info->si_pid == expect; }
int main(void) {
    struct sigaction sa = { .sa_sigaction = child, .sa_flags = SA_SIGINFO };
    sigset_t block, old;
    siginfo_t info;
    setvbuf(stdout, NULL, _IONBF, 0);
    sigaction(SIGCHLD, &sa, NULL);
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &old);
    expect = fork();
    if (!expect) _exit(44);
    while (!n) sigsuspend(&old);
    printf("n %d code %d status %d pid %d\n", n, code, status, pid_ok);
    memset(&info, 0, sizeof info);
    printf("waitid %d", waitid(P_PID, expect, &info, WEXITED));
    printf(" code %d status %d\n", info.si_code, info.si_status);
    expect = fork();
    if (!expect) { raise(SIGKILL); }
    n = 0;
    while (!n) sigsuspend(&old);
    printf("code %d status %d\n", code, status);
    waitpid(expect, NULL, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = fork();
    if (!pid) _exit(1);
    printf("wait when ignored %d", wait(NULL));
    printf(" %s\n", errno == ECHILD ? "ECHILD" : "?");
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &block, NULL);
    int fd = signalfd(-1, &block, 0);
    pid = fork();
    if (!pid) _exit(17);
    struct signalfd_siginfo si;
    int r = read(fd, &si, sizeof si);
    printf("signalfd %d signo %d status %d pid %d\n", r, si.ssi_signo, si.ssi_status, (int)si.ssi_pid == pid);
    waitpid(pid, NULL, 0);
    pid = fork();
    if (!pid) { setpgid(0, 0); pause(); _exit(1); }
    setpgid(pid, pid);
    printf("group %d\n", getpgid(pid) == pid);
    kill(-pid, SIGTERM);
    int st;
    waitpid(pid, &st, 0);
    printf("term %d\n", WTERMSIG(st));
    printf("setsid in a leader %d\n", setsid() == -1 || getsid(0) == getpid());
    return 0;
}
