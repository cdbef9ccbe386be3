/* SPDX-License-Identifier: GPL-2.0-or-later
 * init.c: the only program of the host's own in the initramfs of tests/system/run. It runs the lines of /tests (`NAME SECONDS COMMAND
 * ARGUMENT...`), compares what each writes, with its end, with /expected/NAME, prints a line each, and switches the machine off:
 *   SYSTEM page 65536
 *   SYSTEM ok NAME (SECONDS s)
 *   SYSTEM FAIL NAME: what
 *   SYSTEM end
 */
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ARGS = 32, LINE = 1024, SHOWN = 6 };
static int killed;

static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("SYSTEM ");
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
}

static void mount_all(void)
{
    static const char *const what[][2] = { { "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" }, { "tmpfs", "/tmp" }, { "tmpfs", "/dev/shm" }, { "devpts", "/dev/pts" } };
    for (unsigned i = 0; i < sizeof what / sizeof what[0]; i++) {
        mkdir(what[i][1], 0755);
        if (mount(what[i][0], what[i][1], what[i][0], 0, NULL))
            perror(what[i][1]);
    }
    chmod("/tmp", 01777);
    chmod("/dev/shm", 01777);
}

static void open_console(void)
{
    int fd = open("/dev/console", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
}

/* The loopback interface, which any machine has running */
static void start_lo(void)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &lo))
        perror("lo");
    close(fd);
}

/* ---- one test ---- */

static pid_t start(char **argv, const char *out, const char *err)
{
    pid_t child = fork();
    if (child)
        return child;
    setsid();
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 1);
    dup2(open(err, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), 2);
    if (chdir("/tmp") == 0)
        execv(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

/* Its status, as a shell tells it. What it left behind is killed. */
static int await(pid_t child, unsigned seconds)
{
    int status = -1;
    killed = 0;
    for (time_t end = time(NULL) + seconds; waitpid(child, &status, WNOHANG) == 0;) {
        if (time(NULL) > end && !killed++)
            kill(-child, SIGKILL);
        usleep(20000);
    }
    kill(-child, SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) { }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void append_status(const char *out, int status)
{
    FILE *f = fopen(out, "a");
    if (f && fprintf(f, "status %d\n", status))
        fclose(f);
}

/* The number of the first line that differs, 0: none. Lines that begin with "note" count in neither. */
static char *next(FILE *f, char *line)
{
    char *got = line;
    do
        got = f ? fgets(line, LINE, f) : NULL;
    while (got && !strncmp(got, "note ", 5));
    if (got)
        line[strcspn(line, "\n")] = 0;
    else
        strcpy(line, "(end)");
    return got;
}

static unsigned compare(const char *out, const char *expected, char *got, char *want)
{
    FILE *a = fopen(out, "r"), *b = fopen(expected, "r");
    unsigned line = 1, different = 0;
    for (; !different; line++) {
        bool more_a = next(a, got), more_b = next(b, want);
        if (more_a != more_b || strcmp(got, want) || !b)
            different = line;
        if (!more_a || !more_b)
            break;
    }
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return different;
}

/* The end of what it wrote to standard error */
static void show(const char *file)
{
    static char line[SHOWN][LINE];
    unsigned n = 0;
    FILE *f = fopen(file, "r");
    while (f && fgets(line[n % SHOWN], LINE, f))
        n++;
    for (unsigned i = n > SHOWN ? n - SHOWN : 0; i < n; i++)
        printf("     stderr: %.300s", line[i % SHOWN]);
    if (f)
        fclose(f);
}

static void test(char *line)
{
    static char got[LINE], want[LINE];
    char *argv[MAX_ARGS + 1], expected[LINE], *name = strtok(line, " \n"), *seconds = strtok(NULL, " \n");
    unsigned n = 0;
    for (char *word; n < MAX_ARGS && (word = strtok(NULL, " \n"));)
        argv[n++] = word;
    argv[n] = NULL;
    if (!n)
        return;
    time_t begin = time(NULL);
    int status = await(start(argv, "/tmp/out", "/tmp/err"), (unsigned)atoi(seconds));
    append_status("/tmp/out", status);
    snprintf(expected, sizeof expected, "/expected/%s", name);
    unsigned different = compare("/tmp/out", expected, got, want);
    if (!different && !killed) {
        say("ok %s (%ld s)", name, (long)(time(NULL) - begin));
        return;
    }
    say("FAIL %s: %sstatus %d, line %u: '%.200s' instead of '%.200s'", name, killed ? "out of time, " : "", status, different, got, want);
    show("/tmp/err");
}

int main(void)
{
    char line[LINE];
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/tmp", 0755);
    mkdir("/dev", 0755);
    mount_all();
    open_console();
    start_lo();
    say("page %ld", sysconf(_SC_PAGESIZE));
    FILE *f = fopen("/tests", "re");
    while (f && fgets(line, sizeof line, f))
        test(line);
    say("end");
    sync();
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
