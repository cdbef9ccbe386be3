/* SPDX-License-Identifier: GPL-2.0-or-later
 * missing.c: which library does a program miss, and what would fetch it? Looked into only after a dynamic program has ended with
 * status 127, so that it costs the others nothing: DT_NEEDED of the program and of what it needs, in the places where ld.so(8) looks. A library that
 * is there and was not mapped, under a limit on memory (setrlimit(2)), tells of the limit.
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "linux/start.h"

enum { MAX_SEEN = 256, MEMORY_TO_LOOK = 1 << 20 };
struct search {
    char *seen[MAX_SEEN]; unsigned n_seen;
    unsigned n_missing;
    char unmapped[256];                    /* one that is there and is not among the guest's mappings */
    off_t unmapped_size;
    const char *library_path;              /* the guest's LD_LIBRARY_PATH */
};

/* Libraries whose package isn't called after them. */
static const struct { const char *soname, *package; } packages[] = {
    { "ld-linux-x86-64.so.2", "libc6" }, { "ld-musl-x86_64.so.1", "musl" }, { "ld-linux-x32.so.2", "libc6-x32" }, { "libc.so.6", "libc6" },
    { "libm.so.6", "libc6" }, { "libpthread.so.0", "libc6" }, { "libdl.so.2", "libc6" }, { "librt.so.1", "libc6" }, { "libresolv.so.2", "libc6" },
    { "libcrypt.so.1", "libcrypt1" }, { "libz.so.1", "zlib1g" }, { "libcrypto.so.3", "libssl3" }, { "libssl.so.3", "libssl3" },
    { "libcrypto.so.1.1", "libssl1.1" }, { "libgcc_s.so.1", "libgcc-s1" }, { "libtinfo.so.6", "libtinfo6" }, { "libncursesw.so.6", "libncursesw6" },
    { "libc.musl-x86_64.so.1", "musl" }, { "libpcre2-8.so.0", "libpcre2-8-0" }, { "libbz2.so.1.0", "libbz2-1.0" }, { "libX11.so.6", "libx11-6" },
    { "libGL.so.1", "libgl1" }, { "libglib-2.0.so.0", "libglib2.0-0" }, { "libgobject-2.0.so.0", "libglib2.0-0" }, { "libgio-2.0.so.0", "libglib2.0-0" },
    { "libbfd-2.40-system.so", "libbinutils" }, { "libopcodes-2.40-system.so", "libbinutils" }, { "libasan.so.8", "libasan8" }, { "libmagic.so.1", "libmagic1" },
};

/* Debian policy 8.1: libNAME.so.N is in libNAMEN, with a hyphen where NAME ends in a digit. NULL for what is no library. */
const char *linux_package_of(const char *soname, char buf[256])
{
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++)
        if (!strcmp(soname, packages[i].soname)) {
            snprintf(buf, 256, "%s:amd64", packages[i].package);
            return buf;
        }
    if (strncmp(soname, "lib", 3))
        return NULL;
    const char *so = strstr(soname, ".so");
    int stem = (int)(so ? so - soname : (long)strlen(soname));
    const char *number = so && so[3] == '.' ? so + 4 : "";
    bool hyphen = stem && isdigit((unsigned char)soname[stem - 1]) && *number;
    snprintf(buf, 256, "%.*s%s%s:amd64", stem < 100 ? stem : 100, soname, hyphen ? "-" : "", number);
    for (char *p = buf; *p; p++)
        *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
    return buf;
}

const char *linux_how_to_get(const char *path, char buf[256])
{
    char package[256];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (linux_package_of(name, package))
        snprintf(buf, 256, "apt install %.200s", package);
    else
        snprintf(buf, 256, "find its package with apt-file search %.200s", path);
    return buf;
}

/* ---- a mapped file, looked at with every offset checked ---- */

struct file { const uint8_t *bytes; size_t size; const Elf64_Phdr *ph; unsigned n; };

static const void *at(const struct file *f, uint64_t offset, uint64_t size)
{
    return offset <= f->size && size <= f->size - offset ? f->bytes + offset : NULL;
}

static const char *string_at(const struct file *f, uint64_t offset)
{
    return offset < f->size && memchr(f->bytes + offset, 0, f->size - offset) ? (const char *)f->bytes + offset : NULL;
}

static uint64_t offset_of(const struct file *f, uint64_t vaddr)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->ph[i].p_type == PT_LOAD && vaddr >= f->ph[i].p_vaddr && vaddr - f->ph[i].p_vaddr < f->ph[i].p_filesz)
            return vaddr - f->ph[i].p_vaddr + f->ph[i].p_offset;
    return UINT64_MAX;
}

static bool is_x86_64(const Elf64_Ehdr *h)
{
    return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_machine == EM_X86_64;
}

static bool open_file(struct file *f, const char *host)
{
    struct stat st;
    int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool fine = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > (off_t)sizeof(Elf64_Ehdr);
    void *p = fine ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (p == MAP_FAILED)
        return false;
    *f = (struct file){ p, (size_t)st.st_size, NULL, 0 };
    const Elf64_Ehdr *h = p;
    f->ph = is_x86_64(h) && h->e_phentsize == sizeof(Elf64_Phdr) ? at(f, h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr)) : NULL;
    f->n = f->ph ? h->e_phnum : 0;
    if (f->ph)
        return true;
    munmap(p, f->size);
    return false;
}

/* ---- where the dynamic linker looks ---- */

/* Is there an x86-64 library of this host path? */
static bool is_library(const char *host)
{
    Elf64_Ehdr h;
    int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool whole = fd >= 0 && pread(fd, &h, sizeof h, 0) == sizeof h;
    if (fd >= 0)
        close(fd);
    return whole && is_x86_64(&h);
}

static bool try_directory(const char *directory, size_t length, const char *origin, const char *name, char found[PATH_MAX])
{
    char guest[PATH_MAX], buf[PATH_MAX];
    static const char *const tokens[] = { "$ORIGIN", "${ORIGIN}" };
    int n = -1;
    for (int i = 0; i < 2; i++) {
        size_t t = strlen(tokens[i]);
        if (length >= t && !strncmp(directory, tokens[i], t))
            n = snprintf(guest, sizeof guest, "%s%.*s/%s", origin, (int)(length - t), directory + t, name);
    }
    if (n < 0)
        n = snprintf(guest, sizeof guest, "%.*s/%s", (int)length, directory, name);
    const char *host = n < (int)sizeof guest ? linux_path(guest, true, buf) : guest;
    if (!is_library(host))
        return false;
    snprintf(found, PATH_MAX, "%s", host);
    return true;
}

static bool try_list(const char *list, const char *origin, const char *name, char found[PATH_MAX])
{
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, ":");
        if (n && try_directory(p, n, origin, name, found))
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

/* The cache lists names and paths as strings; where exactly does not matter here. */
static bool try_cache(const char *name, char found[PATH_MAX])
{
    char buf[PATH_MAX], line[PATH_MAX];
    size_t length = strlen(name), n = 0;
    FILE *f = fopen(linux_path("/etc/ld.so.cache", true, buf), "r");
    bool hit = false;
    for (int c; f && !hit && (c = fgetc(f)) != EOF;) {
        if (n < sizeof line - 1)
            line[n++] = (char)c;
        if (c)
            continue;
        line[n - 1] = 0;
        if (n > length + 2 && line[0] == '/' && !strcmp(line + n - 1 - length, name) && line[n - 2 - length] == '/')
            hit = try_directory(line, n - 2 - length, "", name, found);
        n = 0;
    }
    if (f)
        fclose(f);
    return hit;
}

static bool find_library(struct search *s, const char *name, const char *origin, const char *runpath, char found[PATH_MAX])
{
    static const char standard[] = "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib:/usr/local/lib";
    if (strchr(name, '/')) {
        char buf[PATH_MAX];
        snprintf(found, PATH_MAX, "%s", linux_path(name, true, buf));
        return is_library(found);
    }
    return try_list(runpath, origin, name, found) || try_list(s->library_path, origin, name, found) || try_list(standard, origin, name, found)
        || try_cache(name, found);
}

static bool seen_before(struct search *s, const char *name)
{
    for (unsigned i = 0; i < s->n_seen; i++)
        if (!strcmp(s->seen[i], name))
            return true;
    if (s->n_seen == MAX_SEEN)
        return true;
    s->seen[s->n_seen++] = strdup(name);
    return false;
}

/* ---- short of memory? ---- */

struct wanted { dev_t dev; ino_t ino; bool mapped; };

static void compare_region(void *ctx, const struct linux_region *r)
{
    struct wanted *w = ctx;
    w->mapped |= r->ino == w->ino && r->dev == w->dev;
}

static void note_unmapped(struct search *s, const char *name, const char *host)
{
    struct stat st;
    if (s->unmapped[0] || stat(host, &st))
        return;
    struct wanted w = { st.st_dev, st.st_ino, false };
    linux_regions(compare_region, &w);
    if (w.mapped)
        return;
    snprintf(s->unmapped, sizeof s->unmapped, "%s", name);
    s->unmapped_size = st.st_size;
}

static bool has_room(off_t size)
{
    void *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    munmap(p, (size_t)size);
    return true;
}

static void explain_memory(const struct search *s)
{
    static const struct { int kind; const char *what; } kinds[] = { { RLIMIT_AS, "ulimit -v" }, { RLIMIT_DATA, "ulimit -d" } };
    struct rlimit limit;
    for (unsigned i = 0; i < 2 && !has_room(2 * s->unmapped_size); i++)        /* its segments take more than the file */
        if (!getrlimit(kinds[i].kind, &limit) && limit.rlim_cur != RLIM_INFINITY)
            fprintf(stderr, "wherry-x86_64: %s: memory is too short for %s%s: the limit is %llu KiB; raise it (%s)\n", linux_process.exe_guest,
                s->unmapped[0] ? "the library " : "its libraries", s->unmapped, (unsigned long long)limit.rlim_cur / 1024, kinds[i].what);
}

static void check_file(struct search *s, const char *host, const char *wanted_by);

static void check_needed(struct search *s, const char *name, const char *origin, const char *runpath, const char *wanted_by)
{
    char found[PATH_MAX], package[256];
    if (seen_before(s, name))
        return;
    if (find_library(s, name, origin, runpath, found)) {
        note_unmapped(s, name, found);
        check_file(s, found, name);
        return;
    }
    s->n_missing++;
    fprintf(stderr, "wherry-x86_64: %s: needs the library %s, which is missing; %s, or give -L ROOT with that package in it\n", wanted_by, name,
        linux_how_to_get(name, package));
}

static void check_dynamic(struct search *s, const struct file *f, const Elf64_Dyn *dyn, size_t n, const char *host, const char *wanted_by)
{
    uint64_t strings = UINT64_MAX;
    const char *runpath = NULL, *slash = strrchr(host, '/');
    char origin[PATH_MAX];
    snprintf(origin, sizeof origin, "%.*s", slash ? (int)(slash - host) : 1, slash ? host : ".");
    for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++)
        if (dyn[i].d_tag == DT_STRTAB)
            strings = offset_of(f, dyn[i].d_un.d_ptr);
    if (strings == UINT64_MAX)
        return;
    for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++)
        if (dyn[i].d_tag == DT_RUNPATH || dyn[i].d_tag == DT_RPATH)
            runpath = string_at(f, strings + dyn[i].d_un.d_val);
    for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
        const char *name = dyn[i].d_tag == DT_NEEDED ? string_at(f, strings + dyn[i].d_un.d_val) : NULL;
        if (name && *name)
            check_needed(s, name, origin, runpath, wanted_by);
    }
}

static void check_file(struct search *s, const char *host, const char *wanted_by)
{
    struct file f;
    if (!open_file(&f, host))
        return;
    for (unsigned i = 0; i < f.n; i++) {
        const Elf64_Phdr *p = &f.ph[i];
        const Elf64_Dyn *dyn = p->p_type == PT_DYNAMIC && !(p->p_offset & 7) ? at(&f, p->p_offset, p->p_filesz) : NULL;
        if (dyn)
            check_dynamic(s, &f, dyn, p->p_filesz / sizeof *dyn, host, wanted_by);
    }
    munmap((void *)(uintptr_t)f.bytes, f.size);
}

static const char *guest_variable(const char *name)
{
    size_t n = strlen(name);
    for (uint64_t at_ = linux_process.env_start; at_ < linux_process.env_end;) {
        const char *s = (const char *)(uintptr_t)at_;
        long length = engine_strnlen(at_, linux_process.env_end - at_);
        if (length < 0 || (uint64_t)length == linux_process.env_end - at_)
            return NULL;
        if (!strncmp(s, name, n) && s[n] == '=')
            return s + n + 1;
        at_ += (uint64_t)length + 1;
    }
    return NULL;
}

/* Is there no memory even to look into the program? */
static bool can_look(const char *host)
{
    struct file f;
    if (!open_file(&f, host))
        return errno != ENOMEM;
    munmap((void *)(uintptr_t)f.bytes, f.size);
    return true;
}

void linux_explain_missing(void)
{
    struct search s = { .library_path = guest_variable("LD_LIBRARY_PATH") };
    if (!linux_process.interp_base || !linux_process.exe)
        return;
    if (!can_look(linux_process.exe)) {
        s.unmapped_size = MEMORY_TO_LOOK;
        explain_memory(&s);
        return;
    }
    check_file(&s, linux_process.exe, linux_process.exe_guest);
    if (!s.n_missing && s.unmapped[0])
        explain_memory(&s);
    for (unsigned i = 0; i < s.n_seen; i++)
        free(s.seen[i]);
}
