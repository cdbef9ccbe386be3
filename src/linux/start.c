/* SPDX-License-Identifier: GPL-2.0-or-later
 * start.c: from a program's name to its first instruction: find it in the root or on the host, go through #! lines, load it and its dynamic
 * linker, build its stack and run it. What goes wrong before that ends in one line and in the exit status that a shell would give:
 * 127 for what isn't there, 126 for what can't be run.
 */
#include "linux/start.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engine/log.h"
#include "linux/filters.h"
#include "linux/memory.h"
#include "linux/own_fds.h"
#include "linux/proc.h"

struct linux_process linux_process = { .lock = PTHREAD_MUTEX_INITIALIZER };

enum { SCRIPT_LINE = 256, SCRIPT_DEPTH = 5 };

struct start {
    const char *program;                   /* as given; the script of a script */
    char **argv;
    char path[PATH_MAX];                   /* host path of what is loaded */
    int fd;
    struct linux_image image, interp;
    char why[512];
};

static int complain(const char *program, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int complain(const char *program, int error, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "wherry-x86_64: %s: %s\n", program, text);
    return error == -ENOENT || error == -ENOTDIR ? 127 : 126;
}

/* ---- opening ---- */

static int open_program(struct start *s, const char *name)
{
    char buf[PATH_MAX];
    struct stat st;
    const char *host = linux_process.config.execfn ? name : linux_path(name, true, buf);
    if (strlen(host) >= sizeof s->path)
        return -ENAMETOOLONG;
    memmove(s->path, host, strlen(host) + 1);
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);      /* a FIFO must not hold us up */
    if (s->fd < 0)
        return -errno;
    if (fstat(s->fd, &st))
        return -errno;
    if (S_ISREG(st.st_mode) && !(st.st_mode & 0111))
        return -EACCES;
    return 0;
}

static const char *explain_open(int error)
{
    switch (-error) {
    case ENOENT: return "No such file or directory; check the name, or give -L ROOT if it is in a root";
    case EACCES: return "Permission denied; it must be readable and executable (chmod +x)";
    default: return strerror(-error);
    }
}

/* ---- scripts ---- */

static bool blank(char c) { return c == ' ' || c == '\t'; }

/* "#! INTERPRETER ARGUMENT" in line: both ended in place; argument may be NULL. false: no interpreter. */
static bool parse_script(char *line, char **interp, char **argument)
{
    char *end = line + strcspn(line, "\n"), *p = line + 2;
    while (end > p && blank(end[-1]))
        end--;
    *end = 0;
    while (blank(*p))
        p++;
    *interp = p;
    p += strcspn(p, " \t");
    *argument = NULL;
    if (*p) {
        *p++ = 0;
        while (blank(*p))
            p++;
        *argument = p;
    }
    return **interp;
}

/* argv becomes: interpreter, its argument, the script's name, the rest. */
static char **script_argv(char **argv, const char *script, const char *interp, const char *argument)
{
    size_t n = 0, k = 0;
    while (argv[n])
        n++;
    char **v = calloc(n + 4, sizeof *v);
    if (!v)
        return NULL;
    v[k++] = strdup(interp);
    if (argument)
        v[k++] = strdup(argument);
    v[k++] = strdup(script);
    for (size_t i = 1; i < n; i++)
        v[k++] = argv[i];
    return v;
}

/* If the open file is a script, put its interpreter in its place: 1, 0 when it is none, or an exit status negated. */
static int enter_script(struct start *s, const char **name)
{
    char line[SCRIPT_LINE + 1], *interp, *argument;
    ssize_t n = pread(s->fd, line, SCRIPT_LINE, 0);
    if (n < 2 || line[0] != '#' || line[1] != '!')
        return 0;
    line[n] = 0;
    if (!parse_script(line, &interp, &argument))
        return -complain(s->program, -ENOEXEC, "is a script that names no interpreter in its first line; write #!/path/to/interpreter");
    close(s->fd);
    s->argv = script_argv(s->argv, *name, interp, argument);
    if (!s->argv)
        return -complain(s->program, -ENOMEM, "%s", strerror(ENOMEM));
    int error = open_program(s, interp);
    if (error)
        return -complain(s->program, error, "its interpreter %s: %s", interp, explain_open(error));
    *name = s->argv[0];
    return 1;
}

static int find_program(struct start *s)
{
    const char *name = s->program;
    int error = open_program(s, name);
    if (error)
        return complain(s->program, error, "%s", explain_open(error));
    for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
        int more = enter_script(s, &name);
        if (more <= 0)
            return -more;
    }
    return complain(s->program, -ELOOP, "too many scripts interpret each other");
}

/* ---- loading ---- */

static int missing_interp(struct start *s, const char *name, int error)
{
    char how[256];
    const char *in = linux_process.root_real ? linux_process.config.root : NULL;
    return complain(s->program, error, "its dynamic linker %s is missing%s%s; %s, or give -L ROOT with that package in it", name,
        in ? " here and in " : "", in ? in : "", linux_how_to_get(name, how));
}

static int load_interp(struct start *s)
{
    char buf[PATH_MAX];
    const char *name = s->image.interp, *host = linux_path(name, true, buf);
    int fd = open(host, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return missing_interp(s, name, -ENOENT);
    if (fd < 0)
        return complain(s->program, -errno, "its dynamic linker %s: %s", name, strerror(errno));
    int error = linux_load_elf(fd, host, true, &s->interp, s->why);
    close(fd);
    return error ? complain(s->program, error == -ENOENT ? -ENOEXEC : error, "its dynamic linker %s %s", name, s->why) : 0;
}

/* /proc/self/exe, on the host and as the guest knows it */
static void name_exe(struct start *s)
{
    char link[32], real[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", s->fd);
    ssize_t n = readlink(link, real, sizeof real - 1);
    if (n <= 0)
        n = snprintf(real, sizeof real, "%s", s->path);
    real[n] = 0;
    const char *root = linux_process.root_real, *guest = real;
    size_t length = root ? strlen(root) : 0;
    if (length && !strncmp(real, root, length) && real[length] == '/')
        guest = real + length;
    linux_process.exe = strdup(access(real, F_OK) == 0 ? real : s->path);
    linux_process.exe_guest = strdup(guest);
}

static int load(struct start *s)
{
    int error = linux_load_elf(s->fd, s->path, false, &s->image, s->why);
    if (error)
        return complain(s->program, error, "%s", s->why);
    name_exe(s);
    close(s->fd);
    linux_set_brk(s->image.brk);
    linux_process.load_bias = s->image.bias;
    linux_process.phdr = s->image.phdr;
    linux_process.entry = s->image.entry;
    if (!s->image.interp[0])
        return 0;
    int status = load_interp(s);
    if (status)
        return status;
    linux_process.interp_base = s->interp.bias;
    linux_process.entry = s->interp.entry;
    return 0;
}

/* ---- running ---- */

static void name_thread(const char *path)
{
    const char *slash = strrchr(path, '/');
    prctl(PR_SET_NAME, slash ? slash + 1 : path);
}

/* Programs expect the lowest descriptors to be free: the log goes far up. */
static void move_log(void)
{
    enum { HIGH = 1000, LOW = 200 };
    if (!log_file || log_file == stderr)
        return;
    fflush(log_file);
    int fd = fcntl(fileno(log_file), F_DUPFD_CLOEXEC, HIGH);
    if (fd < 0)
        fd = fcntl(fileno(log_file), F_DUPFD_CLOEXEC, LOW);
    FILE *moved = fd < 0 ? NULL : fdopen(fd, "a");
    if (moved) {
        fclose(log_file);
        log_file = moved;
    }
    linux_own_fd_add(fileno(log_file));
}

static int configure(const struct linux_config *cfg, const char *program)
{
    linux_process.config = *cfg;
    if (cfg->strace)
        log_mask |= LOG_STRACE;
    move_log();
    if (!cfg->root || !cfg->root[0])
        return 0;
    linux_process.root_real = realpath(cfg->root, NULL);
    if (!linux_process.root_real) {
        complain(program, 0, "the root %s: %s; give an existing directory with -L", cfg->root, strerror(errno));
        return 1;
    }
    if (!strcmp(linux_process.root_real, "/")) {
        free(linux_process.root_real);
        linux_process.root_real = NULL;
    }
    return 0;
}

static void log_layout(const struct start *s, uint64_t sp)
{
    if (!log_on(LOG_PAGE))
        return;
    log_printf("page: %s: base %012llx end %012llx entry %012llx brk %012llx\n", s->path, (unsigned long long)s->image.base,
        (unsigned long long)s->image.end, (unsigned long long)s->image.entry, (unsigned long long)linux_process.brk_start);
    log_printf("page: interpreter base %012llx, start pc %012llx, sp %012llx, vdso %012llx\n", (unsigned long long)linux_process.interp_base,
        (unsigned long long)linux_process.entry, (unsigned long long)sp, (unsigned long long)linux_process.vdso);
}

static int run(struct start *s, uint64_t sp)
{
    struct linux_thread *t = linux_thread_create();
    if (!t)
        return complain(s->program, -ENOMEM, "%s", strerror(ENOMEM));
    t->cpu->state.gpr[X86_RSP] = sp;
    t->cpu->state.pc = linux_process.entry;
    linux_signal_init();
    if (linux_process.config.filters_fd && linux_seccomp_take(t, linux_process.config.filters_fd))
        return complain(s->program, 0, "-seccomp %d: not the filters of a parent", linux_process.config.filters_fd);
    linux_run(t->cpu);
    return 0;
}

static struct { const struct linux_config *cfg; const char *program; char **argv, **envp; } given;

static int start(void)
{
    static struct start s;
    char *only_name[] = { (char *)given.program, NULL };
    const struct linux_config *cfg = given.cfg;
    s.program = given.program;
    s.argv = given.argv && given.argv[0] ? given.argv : only_name;
    int status = configure(cfg, s.program);
    if (status)
        return status;
    if (linux_memory_init())
        return complain(s.program, -ENOMEM, "%s", strerror(ENOMEM));
    if (cfg->argv0)
        s.argv[0] = (char *)cfg->argv0;
    status = find_program(&s);
    if (!status)
        status = load(&s);
    if (status)
        return status;
    const char *execfn = cfg->execfn ? cfg->execfn : given.program;
    linux_exec_loaded(given.program);
    linux_process.vdso = linux_make_vdso();
    uint64_t sp = linux_make_stack(&s.image, execfn, s.argv, linux_exec_environment(given.envp), s.why);
    if (!sp)
        return complain(given.program, -ENOMEM, "%s", s.why);
    name_thread(execfn);
    linux_show_arguments();
    log_layout(&s, sp);
    return run(&s, sp);
}

int linux_main(const struct linux_config *cfg, const char *program, char **argv, char **envp)
{
    given.cfg = cfg;
    given.program = program;
    given.argv = argv;
    given.envp = envp;
    return linux_on_own_stack(start);
}
