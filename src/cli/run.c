/* SPDX-License-Identifier: GPL-2.0-or-later
 * run.c: find the program and run it.
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"

static const char *variable(char **env, const char *name)
{
    size_t n = strlen(name);
    for (; *env; env++)
        if (!strncmp(*env, name, n) && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

enum { FOUND, ABSENT, REFUSED };

static int look(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == EACCES ? REFUSED : ABSENT;
    return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? FOUND : REFUSED;
}

/* Where the root has an absolute path, if it does: links resolved inside it, /proc and the like left alone. */
static int look_in_root(const char *guest, char buf[4096])
{
    size_t n = strlen(linux_process.root_real);
    const char *host = linux_path(guest, true, buf);
    if (strncmp(host, linux_process.root_real, n) || host[n] != '/')
        return ABSENT;
    if (host != buf)
        snprintf(buf, 4096, "%s", host);
    return look(buf);
}

/* Each directory of the path, in the root first. */
static int search_path(const char *name, const struct cli_run *run, char buf[4096])
{
    const char *path = variable(run->env, "PATH");
    int result = ABSENT;
    for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; path; path = strchr(path, ':') ? strchr(path, ':') + 1 : NULL) {
        char guest[4096];
        int n = (int)strcspn(path, ":"), r = ABSENT;
        if (snprintf(guest, sizeof guest, "%.*s%s%s", n, path, n ? "/" : "", name) >= (int)sizeof guest)
            continue;
        if (linux_process.root_real && *guest == '/')
            r = look_in_root(guest, buf);
        if (r != FOUND) {
            result = r == REFUSED ? REFUSED : result;
            strcpy(buf, guest);
            r = look(buf);
        }
        if (r == FOUND)
            return FOUND;
        result = r == REFUSED ? REFUSED : result;
    }
    return result;
}

const char *cli_find_program(const char *name, const struct cli_run *run, char buf[4096])
{
    if (strchr(name, '/'))
        return linux_process.root_real && *name == '/' && look_in_root(name, buf) != ABSENT ? buf : name;
    int r = *name ? search_path(name, run, buf) : ABSENT;
    if (r == FOUND)
        return buf;
    if (look(name) == FOUND)          /* QEMU takes a bare name from the current directory */
        return name;
    errno = r == REFUSED ? EACCES : ENOENT;
    return NULL;
}

static const char *own_path(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n > 0)
        return path;
    const char *name = (const char *)getauxval(AT_EXECFN);     /* no /proc here */
    return name && realpath(name, path) ? path : NULL;
}

/* For the search; linux_main does it again and says what is wrong with the root. */
static void find_root(const struct cli_run *run)
{
    char *real = run->linux_config.root ? realpath(run->linux_config.root, NULL) : NULL;
    if (real && strcmp(real, "/"))
        linux_process.root_real = real;
}

static int start_engine(const struct cli_run *run)
{
    struct engine_config cfg = { .tier = run->linux_config.tier, .fetchable = linux_fetchable, .watch = linux_watch, .symbol = linux_symbol };
    return engine_init(&cfg);
}

int cli_run(int argc, char **argv, int first, const char *usage)
{
    static struct cli_run run;
    static char found[4096];
    cli_help(NULL, usage);
    int r = cli_parse(&run, argc, argv, first);
    if (r != CLI_GO)
        return r == CLI_DONE ? 0 : 1;
    if (!run.program) {
        fprintf(stderr, "%s: no program given (usage: %s)\n", cli_name, usage);
        return 1;
    }
    const char *name = argv[run.program];
    find_root(&run);
    const char *path = run.linux_config.execfn ? name : cli_find_program(name, &run, found);
    if (!path) {
        fprintf(stderr, "%s: %s: %s\n", cli_name, name, errno == ENOENT ? "command not found" : strerror(errno));
        return errno == ENOENT ? 127 : 126;
    }
    run.linux_config.self = own_path();
    if (start_engine(&run) < 0) {
        fprintf(stderr, "%s: the translator can't start: %s\n", cli_name, strerror(errno));
        return 126;
    }
    return linux_main(&run.linux_config, path, argv + run.program, run.env);
}
