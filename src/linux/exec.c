/* SPDX-License-Identifier: GPL-2.0-or-later
 * exec.c: execve. An x86-64 program is run by wherry again, with the same settings on its command line (never in its environment);
 * scripts are resolved here, because their interpreters are looked up in the root; everything else is left to the host's kernel.
 *  E1 whatever Linux refuses is refused here, with the same error, before the real exec: afterwards there is no caller to tell
 *  E2 the guest's environment arrives unchanged and in order; variables that the host's own dynamic linker would obey travel under a prefix
 * execve(2), ld.so(8); the kernel's rules for #! lines.
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "engine/log.h"
#include "linux/filters.h"
#include "linux/hostcall.h"
#include "linux/memory_args.h"
#include "linux/sighand.h"

enum { LINE_SIZE = 256, MAX_DEPTH = 5, MAX_STRING = 131072, MAX_STRINGS = 1 << 22 };
enum { FRONT = 3 * (MAX_DEPTH + 1), OPTIONS = 48, RUNNER_WORDS = 16, FD_PASSED = 500 };
#define KEEP_PREFIX "WHERRY_KEEP_"

struct exec {
    char *guest_name;                      /* AT_EXECFN: as given, or /dev/fd/N... */
    char *interp;                          /* what the next script level calls this file */
    char host[PATH_MAX];                   /* where it is */
    int fd, pass_fd, filters_fd;           /* open for reading; descriptors to leave open for the new program, or -1 */
    bool fd_closes;                        /* named by a descriptor that exec closes */
    const char **argv; unsigned argc;      /* with room in front */
    const char **envp;
    char *memory, *next, *end;             /* one block for all of it */
};

static char *take(struct exec *x, size_t size)
{
    if (size > (size_t)(x->end - x->next)) return NULL;
    char *p = x->next;
    x->next += size;
    return p;
}
static char *keep_string(struct exec *x, const char *s, size_t len)
{
    char *p = take(x, len + 1);
    if (!p) return NULL;
    memcpy(p, s, len);
    p[len] = 0;
    return p;
}

/* ---- the arguments ---- */

static const char *const hidden[] = { "LD_", "GLIBC_TUNABLES=", "MALLOC_", "GCONV_PATH=", "LIBC_FATAL_STDERR_=", KEEP_PREFIX };
static bool is_hidden(const char *s)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (!strncmp(s, hidden[i], strlen(hidden[i]))) return true;
    return false;
}

char **linux_exec_environment(char **envp)
{
    for (char **e = envp; *e; e++)
        if (!strncmp(*e, KEEP_PREFIX, sizeof KEEP_PREFIX - 1)) *e += sizeof KEEP_PREFIX - 1;
    return envp;
}

/* Check a guest's array of strings: how many, and how many bytes the hidden ones take. */
static int64_t measure(uint64_t array, unsigned *n, size_t *bytes)
{
    uint64_t p;
    *n = 0;
    if (!array) return 0;
    for (;; ++*n) {
        if (*n > MAX_STRINGS) return -E2BIG;
        if (engine_copy_from(&p, array + 8ull * *n, 8)) return -EFAULT;
        if (!p) return 0;
        long len = engine_strnlen(p, MAX_STRING);
        if (len < 0) return -EFAULT;
        if (len >= MAX_STRING) return -E2BIG;
        if (is_hidden(linux_view_string(p))) *bytes += len + sizeof KEEP_PREFIX;
    }
}

static const char *string_of(uint64_t array, unsigned i)
{
    uint64_t p = 0;
    engine_copy_from(&p, array + 8ull * i, 8);
    return linux_view_string(p);
}

static void fill_env(struct exec *x, uint64_t array, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const char *s = string_of(array, i);
        char *p = is_hidden(s) ? take(x, strlen(s) + sizeof KEEP_PREFIX) : NULL;
        if (p) s = strcat(strcpy(p, KEEP_PREFIX), s);
        x->envp[i] = s;
    }
    x->envp[n] = NULL;
}

/* One block: argv with room in front for options and script levels, envp, text. */
static int64_t collect(struct exec *x, uint64_t argv, uint64_t envp)
{
    unsigned argc, envc;
    size_t bytes = 0, ignored = 0;
    int64_t r = measure(argv, &argc, &ignored);
    if (!r) r = measure(envp, &envc, &bytes);
    if (r) return r;
    size_t pointers = FRONT + OPTIONS + argc + 2 + envc + 1;
    size_t size = pointers * sizeof(char *) + bytes + LINE_SIZE * 2 * (MAX_DEPTH + 1) + 4 * PATH_MAX;
    char *block = malloc(size);
    if (!block) return -ENOMEM;
    memcpy(block + pointers * sizeof(char *), x->memory, x->next - x->memory);   /* the names taken so far */
    char *text = block + pointers * sizeof(char *);
    x->guest_name = text + (x->guest_name - x->memory);
    x->interp = text + (x->interp - x->memory);
    x->next = text + (x->next - x->memory);
    x->memory = block;
    x->end = block + size;
    const char **slots = (const char **)block;
    x->argv = slots + FRONT + OPTIONS;
    x->envp = x->argv + argc + 2;
    for (unsigned i = 0; i < argc; i++) x->argv[i] = string_of(argv, i);
    if (!argc) x->argv[argc++] = "";           /* as Linux since 5.18 */
    x->argv[argc] = NULL;
    x->argc = argc;
    fill_env(x, envp, envc);
    return 0;
}

static void push_front(struct exec *x, const char *s)
{
    *--x->argv = s;
    x->argc++;
}

/* ---- the file ---- */

static bool is_self_exe(const char *path)
{
    char own[64];
    snprintf(own, sizeof own, "/proc/%d/exe", getpid());
    return !strcmp(path, "/proc/self/exe") || !strcmp(path, "/proc/thread-self/exe") || !strcmp(path, own);
}

/* May it be executed? fd is an O_PATH descriptor or any other. */
static int64_t check_file(int fd)
{
    struct stat st;
    struct statvfs vfs;
    char proc[64];
    if (fstat(fd, &st)) return -errno;
    if (!S_ISREG(st.st_mode)) return S_ISLNK(st.st_mode) ? -ELOOP : -EACCES;
    if (!fstatvfs(fd, &vfs) && (vfs.f_flag & ST_NOEXEC)) return -EACCES;
    int64_t r = linux_host(SYS_faccessat2, fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH);
    if (r != -ENOSYS && r != -EINVAL) return r;
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);       /* before Linux 5.8 */
    return faccessat(AT_FDCWD, proc, X_OK, AT_EACCESS) ? -errno : 0;
}

/* somebody has it open for writing? A read lease is refused then; the file's owner may ask that. */
static bool is_being_written(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK)) return errno == EAGAIN;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

static int64_t open_checked(int dirfd, const char *host, bool follow)
{
    int fd = openat(dirfd, host, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (fd < 0) return -errno;
    int64_t r = check_file(fd);
    close(fd);
    if (r) return r;
    fd = openat(dirfd, host, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    if (is_being_written(fd)) {
        close(fd);
        return -ETXTBSY;
    }
    return fd;
}

/* A path of the guest: where it is on the host, and the file opened there. */
static int64_t open_path(struct exec *x, int dirfd, const char *guest, bool follow)
{
    char buf[PATH_MAX];
    const char *host = is_self_exe(guest) && linux_process.exe ? linux_process.exe : linux_path(guest, follow, buf);
    if (!*guest) return -ENOENT;
    int64_t fd = open_checked(dirfd, host, follow);
    if (fd < 0) return fd;
    x->fd = fd;
    if (*host == '/') snprintf(x->host, sizeof x->host, "%s", host);
    else if (dirfd == AT_FDCWD) snprintf(x->host, sizeof x->host, "./%s", host);
    else snprintf(x->host, sizeof x->host, "/proc/self/fd/%d", (int)fd);   /* settled by name_of_fd */
    return 0;
}

/* Give a descriptor's file a name that works in the new program: its path if that is still the same file, else the descriptor. */
static int64_t name_of_fd(struct exec *x)
{
    char proc[64], path[PATH_MAX];
    struct stat a, b;
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", x->fd);
    ssize_t n = readlink(proc, path, sizeof path - 1);
    if (n > 0) {
        path[n] = 0;
        if (*path == '/' && !fstat(x->fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
            snprintf(x->host, sizeof x->host, "%s", path);
            return 0;
        }
    }
    x->pass_fd = fcntl(x->fd, F_DUPFD, FD_PASSED);
    if (x->pass_fd < 0) x->pass_fd = dup(x->fd);
    if (x->pass_fd < 0) return -errno;
    snprintf(x->host, sizeof x->host, "/proc/self/fd/%d", x->pass_fd);
    return 0;
}

void linux_exec_loaded(const char *program)
{
    int fd;
    if (linux_process.config.execfn && sscanf(program, "/proc/self/fd/%d", &fd) == 1) close(fd);
}

static int64_t open_fd(struct exec *x, int fd)
{
    char proc[64];
    int flags = fcntl(fd, F_GETFD);
    int64_t r = flags < 0 ? -EBADF : check_file(fd);
    if (r) return r;
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    x->fd = open(proc, O_RDONLY | O_CLOEXEC);
    if (x->fd < 0) return -errno;
    x->fd_closes = flags & FD_CLOEXEC;
    return name_of_fd(x);
}

static int64_t open_first(struct exec *x, int dirfd, const char *path, int flags)
{
    char name[PATH_MAX + 32];
    int64_t r;
    if (!*path && (flags & AT_EMPTY_PATH)) {
        r = dirfd == AT_FDCWD ? -EACCES : open_fd(x, dirfd);   /* the current directory */
        snprintf(name, sizeof name, "/dev/fd/%d", dirfd);
    } else {
        r = open_path(x, dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW));
        if (!r && dirfd != AT_FDCWD && *path != '/') {
            x->fd_closes = fcntl(dirfd, F_GETFD) & FD_CLOEXEC;
            r = name_of_fd(x);
        }
        if (dirfd != AT_FDCWD && *path != '/') snprintf(name, sizeof name, "/dev/fd/%d/%s", dirfd, path);
        else snprintf(name, sizeof name, "%s", path);
    }
    if (!r) x->guest_name = x->interp = keep_string(x, name, strlen(name));
    return r;
}

/* ---- formats ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* The kernel's reading of a #! line of at most 256 bytes: name and one argument (NULL), both ended in place. */
static int64_t parse_script(char line[LINE_SIZE + 1], ssize_t n, char **name, char **arg)
{
    char *end = memchr(line, '\n', n), *last = line + LINE_SIZE - 1, *p = line + 2;
    if (!end) {
        while (p < last && is_blank(*p)) p++;
        char *stop = p;
        while (stop < last && *stop && !is_blank(*stop)) stop++;
        if (stop == last) return -ENOEXEC;     /* the name may be longer than what was read */
        end = n < LINE_SIZE ? line + n : last;
    }
    while (end > line + 2 && is_blank(end[-1])) end--;
    *end = 0;
    for (p = line + 2; is_blank(*p); p++) {}
    if (!*p) return -ENOEXEC;
    *name = p;
    while (*p && !is_blank(*p)) p++;
    while (is_blank(*p)) *p++ = 0;
    *arg = *p ? p : NULL;
    return 0;
}

/* One level: the script's interpreter takes its place. */
static int64_t enter_script(struct exec *x, char line[LINE_SIZE + 1], ssize_t n)
{
    char *name, *arg;
    int64_t r = parse_script(line, n, &name, &arg);
    if (r) return r;
    if (x->fd_closes) return -ENOENT;          /* the interpreter could not open it */
    name = keep_string(x, name, strlen(name));
    if (arg) arg = keep_string(x, arg, strlen(arg));
    x->argv++;
    x->argc--;
    push_front(x, x->interp);
    if (arg) push_front(x, arg);
    push_front(x, name);
    x->interp = name;
    close(x->fd);
    x->fd = -1;
    return open_path(x, AT_FDCWD, name, true);
}

/* PT_INTERP names a file that can be executed and is ELF. */
static int64_t check_interp(int fd, const Elf64_Phdr *ph)
{
    char name[PATH_MAX], buf[PATH_MAX], magic[SELFMAG];
    if (ph->p_filesz > PATH_MAX || ph->p_filesz < 2) return -ENOEXEC;
    if (pread(fd, name, ph->p_filesz, ph->p_offset) != (ssize_t)ph->p_filesz || name[ph->p_filesz - 1]) return -ENOEXEC;
    int64_t interp = open_checked(AT_FDCWD, linux_path(name, true, buf), true);
    if (interp < 0) return interp;
    bool elf = pread(interp, magic, SELFMAG, 0) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);
    close(interp);
    return elf ? 0 : -ELIBBAD;
}

static int64_t check_elf(int fd, const Elf64_Ehdr *eh)
{
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) return -ENOEXEC;
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum || eh->e_phnum > 65536 / sizeof(Elf64_Phdr)) return -ENOEXEC;
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        Elf64_Phdr ph;
        if (pread(fd, &ph, sizeof ph, eh->e_phoff + i * sizeof ph) != sizeof ph) return -ENOEXEC;
        if (ph.p_type == PT_INTERP) return check_interp(fd, &ph);
    }
    return 0;
}

enum format { FORMAT_GUEST, FORMAT_OTHER };

/* Through the scripts to a program; then is it one for us or for the host? */
static int64_t resolve(struct exec *x, enum format *format)
{
    for (int depth = 0; depth <= MAX_DEPTH; depth++) {
        union { char line[LINE_SIZE + 1]; Elf64_Ehdr eh; } u;
        memset(&u, 0, sizeof u);
        ssize_t n = pread(x->fd, u.line, LINE_SIZE, 0);
        if (n < 0) return -errno;
        if (n > 2 && u.line[0] == '#' && u.line[1] == '!') {
            int64_t r = enter_script(x, u.line, n);
            if (r) return r;
            continue;
        }
        bool elf = n >= (ssize_t)sizeof u.eh && !memcmp(u.eh.e_ident, ELFMAG, SELFMAG);
        *format = elf && u.eh.e_machine == EM_X86_64 && u.eh.e_ident[EI_CLASS] == ELFCLASS64 ? FORMAT_GUEST : FORMAT_OTHER;
        return *format == FORMAT_GUEST ? check_elf(x->fd, &u.eh) : 0;
    }
    return -ELOOP;
}

/* ---- going ---- */

/* the -d items that are on, and where they are written */
static void push_log(struct exec *x)
{
#define LOG(ENUM, name, help) name,
    static const char *const names[] = {
#include "engine/log.def"
    };
#undef LOG
    char items[512] = "", proc[64], file[PATH_MAX];
    for (int i = 0; i < LOG_N_ITEMS; i++)
        if (log_mask & (1u << i)) strcat(strcat(items, *items ? "," : ""), names[i]);
    if (!*items) return;
    if (log_file && log_file != stderr) {
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", fileno(log_file));
        ssize_t n = readlink(proc, file, sizeof file);
        if (n > 0 && *file == '/') {
            push_front(x, keep_string(x, file, n));
            push_front(x, "-D");
        }
    }
    push_front(x, keep_string(x, items, strlen(items)));
    push_front(x, "-d");
}

/* The words of -runner, in front of all; those beyond the room's end are dropped. */
static void push_runner(struct exec *x)
{
    const char *runner = linux_process.config.runner, *word[RUNNER_WORDS];
    unsigned n = 0;
    for (; runner && n < RUNNER_WORDS; n++) {
        runner += strspn(runner, " ");
        size_t length = strcspn(runner, " ");
        if (!length || !(word[n] = keep_string(x, runner, length))) break;
        runner += length;
    }
    while (n) push_front(x, word[--n]);
}

/* argv becomes: wherry's own path, its options, the program, the guest's arguments */
static void push_options(struct exec *x)
{
    const struct linux_config *cfg = &linux_process.config;
    char number[32];
    const char *argv0 = *x->argv;
    *x->argv = x->host;
    push_front(x, argv0);
    push_front(x, "-0");
    push_front(x, x->guest_name);
    push_front(x, "-execfn");
    if (cfg->root) { push_front(x, linux_process.root_real ? linux_process.root_real : cfg->root); push_front(x, "-L"); }
    if (cfg->cpu_model) { push_front(x, cfg->cpu_model); push_front(x, "-cpu"); }
    if (cfg->stack_size) {
        int n = snprintf(number, sizeof number, "%llu", (unsigned long long)cfg->stack_size);
        push_front(x, keep_string(x, number, n));
        push_front(x, "-s");
    }
    push_front(x, cfg->tier > 1 ? "2" : cfg->tier ? "1" : "0");
    push_front(x, "-tier");
    push_log(x);
    if (cfg->strace) push_front(x, "-strace");
    if (cfg->stats) push_front(x, "--stats");
    if (cfg->runner) { push_front(x, cfg->runner); push_front(x, "-runner"); }
    if (x->filters_fd >= 0) {
        int n = snprintf(number, sizeof number, "%d", x->filters_fd);
        push_front(x, keep_string(x, number, n));
        push_front(x, "-seccomp");
    }
    push_front(x, cfg->self);
    push_runner(x);
}

/* S4 has to hold for the new program's first instant: the guest's whole mask, and what it ignores. */
static int64_t host_exec(struct linux_thread *t, const char *path, const char **argv, const char **envp)
{
    linux_signals_before_exec(t);
    int64_t r = linux_safe_syscall(SYS_execve, (long)path, (long)argv, (long)envp, 0, 0, 0);
    linux_signals_exec_failed(t);
    return r;
}

static int64_t go(struct linux_thread *t, struct exec *x, uint64_t argv, uint64_t envp)
{
    enum format format;
    int64_t r = collect(x, argv, envp);
    if (!r) r = resolve(x, &format);
    if (r) return r;
    if (format == FORMAT_OTHER && t->filters) return -EACCES;      /* seccomp.c, F2 */
    if (format == FORMAT_GUEST && (x->filters_fd = linux_seccomp_pass(t)) < -1) return x->filters_fd;
    t->exec_memory = t->vfork_child ? x->memory : NULL;
    if (format == FORMAT_OTHER) {              /* the kernel knows what else there is */
        linux_exec_environment((char **)x->envp);
        return host_exec(t, x->host, x->argv, x->envp);
    }
    push_options(x);
    return host_exec(t, *x->argv, x->argv, x->envp);
}

static int64_t execute(struct cpu *cpu, int dirfd, uint64_t path, uint64_t argv, uint64_t envp, int flags)
{
    struct linux_thread *t = cpu->os;
    char names[2 * PATH_MAX];
    struct exec x = { .fd = -1, .pass_fd = -1, .filters_fd = -1, .memory = names, .next = names, .end = names + sizeof names };
    long len = engine_strnlen(path, PATH_MAX);
    if (len < 0) return -EFAULT;
    if (len >= PATH_MAX) return -ENAMETOOLONG;
    if (!len && !(flags & AT_EMPTY_PATH)) return -ENOENT;
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) return -EINVAL;
    int64_t r = open_first(&x, dirfd, (const char *)(uintptr_t)path, flags);
    if (!r) r = go(t, &x, argv, envp);
    if (x.fd >= 0) close(x.fd);
    if (x.pass_fd >= 0) close(x.pass_fd);
    if (x.filters_fd >= 0) close(x.filters_fd);
    if (x.memory != names) free(x.memory);
    t->exec_memory = NULL;
    return r;
}

SYS(execve) { return execute(cpu, AT_FDCWD, a, b, c, 0); }
SYS(execveat) { return execute(cpu, (int)a, b, c, d, (int)e); }
