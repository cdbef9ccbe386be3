/* SPDX-License-Identifier: GPL-2.0-or-later
 * spawn: fork trees, vfork, posix_spawn and its errors, system, popen, exec's errors, scripts, close-on-exec, environment and argv[0]. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static char self[4096];
static int wait_for(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}
static int tree(int depth) {
    if (!depth) return 1;
    int sum = 1;
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (!pid) _exit(tree(depth - 1));
        sum += wait_for(pid);
    }
    return sum;
}
static void try_exec(const char *what, const char *path) {
    char *argv[] = { "x", NULL };
    errno = 0;
    int r = execve(path, argv, environ);
    printf("exec %s: %d %s\n", what, r, strerrorname_np(errno));
}
static void file(const char *name, const char *text, int mode) {
    FILE *f = fopen(name, "w");
    fputs(text, f);
    fclose(f);
    chmod(name, mode);
}
static int child(int argc, char **argv) {
    printf("child argv0 %s argc %d\n", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], argc);
    for (int i = 2; i < argc; i++) printf(" [%s]", argv[i]);
    printf("\n env X=%s wherry %d\n", getenv("X"), getenv("WHERRY_STRACE") != NULL);
    int n = 0;
    for (int fd = 3; fd < 100; fd++) n += fcntl(fd, F_GETFD) >= 0;
    char exe[4096] = "";
    readlink("/proc/self/exe", exe, sizeof exe - 1);
    printf(" open %d exe %s\n", n, strrchr(exe, '/') && strrchr(argv[0], '/') && !strcmp(strrchr(exe, '/'), strrchr(argv[0], '/')) ? "same" : "other");
    return 33;
}
int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "child")) return child(argc, argv);
    setvbuf(stdout, NULL, _IONBF, 0);
    realpath(argv[0], self);
    char dir[] = "/tmp/spawn-test-XXXXXX", cmd[8192];
    mkdtemp(dir);
    printf("tree %d\n", tree(3));
    volatile int shared = 1;
    pid_t pid = vfork();
    if (!pid) { shared = 2; _exit(9); }
    printf("vfork %d shared %d\n", wait_for(pid), shared);
    pid = vfork();
    if (!pid) { execl(self, self, "child", "a b", "", "c", NULL); _exit(127); }
    printf("vfork+exec %d\n", wait_for(pid));
    for (int i = 0; i < 20; i++) {
        char *av[] = { self, "child", NULL }, *bad[] = { "/nonexistent", NULL };
        if (i == 0) { posix_spawn(&pid, self, NULL, NULL, av, environ); printf("posix_spawn %d\n", wait_for(pid)); }
        int e = posix_spawn(&pid, "/nonexistent", NULL, NULL, bad, environ);
        if (i == 0) printf("posix_spawn error %s\n", strerrorname_np(e));
    }
    int keep = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setenv("X", "the value", 1);
    pid = fork();
    if (!pid) { execl(self, "renamed", "child", NULL); _exit(127); }
    printf("fork+exec %d\n", wait_for(pid));
    close(keep); close(closed);
    printf("system %d\n", WEXITSTATUS(system("echo from the shell; exit 12")));
    FILE *p = popen("echo one; echo two | tr a-z A-Z", "r");
    char line[100];
    while (fgets(line, sizeof line, p)) printf("popen: %s", line);
    printf("pclose %d\n", pclose(p));
    chdir(dir);
    file("noexec", "text", 0644);
    file("noformat", "no format at all", 0755);
    file("nointerp", "#!/no/such/interpreter -x\n", 0755);
    file("empty", "", 0755);
    file("blank", "#!   \n", 0755);
    file("loop", "#!./loop\n", 0755);
    snprintf(cmd, sizeof cmd, "#! %s child \n", self);
    file("script", cmd, 0755);
    file("script2", "#!./script -z", 0755);
    mkdir("directory", 0755);
    symlink("circle", "circle");
    try_exec("missing", "missing");
    try_exec("not executable", "noexec");
    try_exec("no format", "noformat");
    try_exec("no interpreter", "./nointerp");
    try_exec("empty", "empty");
    try_exec("blank", "./blank");
    try_exec("loop", "./loop");
    try_exec("directory", "directory");
    try_exec("circle", "circle");
    try_exec("not a directory", "noexec/x");
    try_exec("empty name", "");
    try_exec("bad address", (char *)16);
    file("elf32", "\177ELF\1\1\1", 0755);
    try_exec("short ELF", "./elf32");
    pid = fork();
    if (!pid) { execl("./script", "ignored", "p", "q", NULL); _exit(127); }
    printf("script %d\n", wait_for(pid));
    pid = fork();
    if (!pid) { execl("./script2", "ignored", "p", NULL); _exit(127); }
    printf("script2 %d\n", wait_for(pid));
    pid = fork();
    if (!pid) { int fd = open(self, O_RDONLY | O_CLOEXEC); char *av[] = { "by-fd", "child", NULL }; fexecve(fd, av, environ); _exit(127); }
    printf("fexecve %d\n", wait_for(pid));
    pid = fork();
    if (!pid) { signal(SIGINT, SIG_IGN); signal(SIGSEGV, SIG_IGN); execl("/bin/sh", "sh", "-c", "kill -INT $$; kill -SEGV $$; echo survived", NULL); _exit(127); }
    printf("ignored signals %d\n", wait_for(pid));
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}
