/* SPDX-License-Identifier: GPL-2.0-or-later
 * alone.c: a program with one thread has one thread, whatever works for it behind its back (tier 2's threads, once a loop has run for some time): in what
 * /proc tells, and in calls that the kernel refuses to a process with several, that are for one thread, or that meet a limit on their number. The last
 * thread's end is the process's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned sink;

static unsigned work(unsigned n)
{
    unsigned x = 1;
    for (unsigned k = 0; k < n; k++)
        x = x * 1664525 + (x >> 7) + k;
    return x;
}

/* seconds of processor time */
static void work_for(double seconds)
{
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    while (clock() < end)
        sink += work(1000000);
}

static long field_of_stat(int n)
{
    char text[1024];
    FILE *f = fopen("/proc/self/stat", "r");
    size_t size = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[size] = 0;
    char *p = strrchr(text, ')'), *save;
    p = p ? strtok_r(p + 1, " ", &save) : NULL;
    for (int k = 3; p && k < n; k++)
        p = strtok_r(NULL, " ", &save);
    return p ? atol(p) : -1;
}

static int line_of_status(const char *name)
{
    char line[256];
    int n = -1;
    FILE *f = fopen("/proc/thread-self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name)))
            n = atoi(line + strlen(name));
    if (f) fclose(f);
    return n;
}

static int listed(const char *name)
{
    DIR *d = opendir(name);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

/* struct linux_dirent: the length is 16 bytes in, the name 18 */
static int listed_by_the_old_call(const char *name)
{
    char buf[4096];
    int fd = open(name, O_RDONLY | O_DIRECTORY), n = 0;
    for (long size; (size = syscall(SYS_getdents, fd, buf, sizeof buf)) > 0;)
        for (long at = 0; at < size; at += *(unsigned short *)(buf + at + 16))
            n += buf[at + 18] != '.';
    close(fd);
    return n;
}

static void links(void)
{
    struct stat a, b;
    struct statx c;
    int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
    stat("/proc/self/task/", &a);
    fstat(fd, &b);
    statx(AT_FDCWD, "/proc/self/task", 0, STATX_NLINK, &c);
    printf("links %lu %lu %u\n", (unsigned long)a.st_nlink, (unsigned long)b.st_nlink, c.stx_nlink);
    close(fd);
}

static void show(const char *when)
{
    char pid[64];
    snprintf(pid, sizeof pid, "/proc/%d/task", getpid());
    printf("%s: %ld %d listed %d %d %d\n", when, field_of_stat(20), line_of_status("Threads:"), listed("/proc/self/task"), listed(pid),
           listed_by_the_old_call("/proc/self/task"));
    links();
}

static void *second(void *arg)
{
    show("two threads");
    return NULL;
}

static void tried(const char *what, long r) { printf("%s: %s\n", what, r < 0 ? strerror(errno) : "done"); }

static int own_namespace(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void signals(void)
{
    sigset_t set;
    siginfo_t info;
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    static const int sent[] = { SIGUSR1, SIGTERM, SIGSEGV, SIGFPE };
    for (unsigned k = 0; k < sizeof sent / sizeof *sent; k++) {
        sigemptyset(&set);
        sigaddset(&set, sent[k]);
        kill(getpid(), sent[k]);
        work_for(0.01);
        int got = sigtimedwait(&set, &info, &(struct timespec){ 2, 0 });
        printf("signal %d: %d\n", sent[k], got);
    }
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static void *nothing(void *arg) { return NULL; }

/* as a user who has no other process */
static void limit(int n)
{
    pthread_t t;
    struct rlimit r = { (rlim_t)n, (rlim_t)n };
    setrlimit(RLIMIT_NPROC, &r);
    int error = pthread_create(&t, NULL, nothing, NULL);
    if (!error) pthread_join(t, NULL);
    usleep(20000);                                       /* it counts until the kernel is done with it */
    printf("limit %d: thread %s", n, strerror(error));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) _exit(0);
    printf(", child %s\n", pid < 0 ? strerror(errno) : "made");
    if (pid > 0) waitpid(pid, NULL, 0);
}

int main(void)
{
    pthread_t t;
    setvbuf(stdout, NULL, _IOLBF, 0);
    work_for(0.7);
    show("one thread");
    pthread_create(&t, NULL, second, NULL);
    pthread_join(t, NULL);
    usleep(20000);
    signals();
    tried("setns mnt", setns(own_namespace("mnt"), CLONE_NEWNS));
    tried("unshare memory and signals", unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
    tried("unshare files", unshare(CLONE_FILES));
    prctl(PR_SET_NAME, "renamed");
    uid_t user = 10000 + (uid_t)getpid() % 50000;        /* not that of another run of this test */
    tried("another user", setresuid(user, user, user));
    work_for(0.05);
    tried("unshare user", unshare(CLONE_NEWUSER));
    work_for(0.05);
    tried("setns user", setns(own_namespace("user"), CLONE_NEWUSER));
    tried("no new rights", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    printf("no new rights %d\n", line_of_status("NoNewPrivs:"));
    show("at the end");
    fflush(stdout);
    if (fork() == 0) {
        show("child");
        exit(0);
    }
    wait(NULL);
    limit(2);
    limit(1);
    work_for(0.05);
    syscall(SYS_exit, 7);
}
