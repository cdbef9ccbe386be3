/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc.c: /proc as the guest should see it. Files of its own process that the kernel fills with wherry's data, and those that tell
 * the processor, are written into a memory file which the guest gets instead. Formats: proc(5).
 */
#include "linux/proc.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "guest/lift.h"
#include "linux/filters.h"
#include "linux/memory.h"
#include "linux/own_threads.h"
#include "linux/sighand.h"

static const char *skip_slashes(const char *p)
{
    while (*p == '/' || (*p == '.' && (p[1] == '/' || !p[1])))
        p++;
    return p;
}

/* Skip one component if it is `name`; NULL if it is another. */
static const char *skip_name(const char *p, const char *name)
{
    size_t n = strlen(name);
    return !strncmp(p, name, n) && (p[n] == '/' || !p[n]) ? skip_slashes(p + n) : NULL;
}

static const char *skip_number(const char *p, long *number)
{
    char *end;
    if (!isdigit((unsigned char)*p))
        return NULL;
    *number = strtol(p, &end, 10);
    return *end == '/' || !*end ? skip_slashes(end) : NULL;
}

static bool own_thread(long tid)
{
    char name[48];
    snprintf(name, sizeof name, "/proc/self/task/%ld", tid);
    return tid == getpid() || access(name, F_OK) == 0;
}

const char *linux_proc_rest(const char *path)
{
    long id;
    const char *p = *path == '/' ? skip_name(skip_slashes(path), "proc") : NULL, *q;
    if (!p)
        return NULL;
    if (!(q = skip_name(p, "self")) && !(q = skip_name(p, "thread-self"))) {
        q = skip_number(p, &id);
        if (!q || !own_thread(id))
            return NULL;
    }
    if ((p = skip_name(q, "task")) && (p = skip_number(p, &id)) && own_thread(id))
        q = p;
    return q;
}

/* ---- contents ---- */

static void write_guest(FILE *f, uint64_t start, uint64_t end)
{
    char piece[4096];
    for (uint64_t at = start; at < end; at += sizeof piece) {
        size_t n = end - at < sizeof piece ? end - at : sizeof piece;
        if (engine_copy_from(piece, at, n))
            return;
        fwrite(piece, 1, n, f);
    }
}

/* Each maker writes the file that the guest calls `path`. */
static void make_cmdline(FILE *f, const char *path) { write_guest(f, linux_process.arg_start, linux_process.arg_end); }
static void make_environ(FILE *f, const char *path) { write_guest(f, linux_process.env_start, linux_process.env_end); }
static void make_auxv(FILE *f, const char *path) { write_guest(f, linux_process.auxv_start, linux_process.auxv_start + linux_process.auxv_size); }

static void map_line(void *ctx, const struct linux_region *r)
{
    FILE *f = ctx;
    int n = fprintf(f, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu", (unsigned long)r->start, (unsigned long)r->end, r->prot & PROT_READ ? 'r' : '-',
        r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-', r->flags & GUEST_MAP_SHARED ? 's' : 'p', (unsigned long)r->offset,
        major(r->dev), minor(r->dev), (unsigned long)r->ino);
    if (r->name[0])
        fprintf(f, "%*s%s", n < 73 ? 73 - n : 1, "", r->name);
    fputc('\n', f);
}

static void make_maps(FILE *f, const char *path) { linux_regions(map_line, f); }

static void smaps_entry(void *ctx, const struct linux_region *r)
{
    static const char *const zero[] = { "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Referenced", "Anonymous", "Swap", "Locked" };
    FILE *f = ctx;
    bool shared = r->flags & GUEST_MAP_SHARED;
    unsigned long kb = (unsigned long)(r->end - r->start) / 1024;
    map_line(f, r);
    fprintf(f, "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\nRss:            %8lu kB\nPss:            %8lu kB\n", kb, kb, kb);
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++)
        fprintf(f, "%s:%*s%8u kB\n", zero[i], (int)(15 - strlen(zero[i])), "", 0);
    fprintf(f, "VmFlags: %s%s%s%smr mw me %s%s%s\n", r->prot & PROT_READ ? "rd " : "", r->prot & PROT_WRITE ? "wr " : "", r->prot & PROT_EXEC ? "ex " : "",
        shared ? "sh " : "", shared ? "ms " : "", r->flags & GUEST_MAP_GROWSDOWN ? "gd " : "", r->prot & PROT_WRITE && !shared ? "ac " : "");
}

static void make_smaps(FILE *f, const char *path) { linux_regions(smaps_entry, f); }

static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    if (n > 0)
        text[n] = 0;
    return n > 0;
}

/* A thread's blocked signals, and its process's ignored (handler 1) or caught ones. */
static uint64_t blocked_signals(pid_t tid)
{
    uint64_t mask = 0;
    pthread_mutex_lock(&linux_process.lock);
    for (const struct linux_thread *t = linux_process.threads; t; t = t->next)
        if (t->tid == tid)
            mask = t->sigmask;
    pthread_mutex_unlock(&linux_process.lock);
    return mask;
}

static uint64_t handled_signals(bool caught)
{
    const struct linux_thread *t = linux_current();
    uint64_t mask = 0;
    for (int sig = 1; t && sig <= LINUX_NSIG; sig++)
        if (caught ? t->sighand->act[sig].handler > LINUX_SIG_IGN : t->sighand->act[sig].handler == LINUX_SIG_IGN)
            mask |= linux_sigbit(sig);
    return mask;
}

/* The kernel's line, with the guest's addresses, sizes and signals. Fields are counted from the end of "(comm)", proc(5). */
static void make_stat(FILE *f, const char *path)
{
    enum { THREADS = 20, VSIZE = 23, START_CODE = 26, END_CODE, START_STACK, BLOCKED = 32, IGNORED, CAUGHT, START_DATA = 45, END_DATA, START_BRK, ARG_START, ARG_END, ENV_START, ENV_END, N_FIELDS, LAST = N_FIELDS };
    char line[2048];
    struct linux_sizes z;
    if (!read_text(path, line, sizeof line))
        return;
    char *rest = strrchr(line, ')'), *save;
    if (!rest)
        return;
    *rest = 0;
    fprintf(f, "%s)", line);
    linux_sizes(&z);
    uint64_t own[N_FIELDS] = { [VSIZE] = z.total, [START_CODE] = z.start_code, [END_CODE] = z.end_code, [START_STACK] = linux_process.stack_top,
        [BLOCKED] = blocked_signals(atoi(line)), [IGNORED] = handled_signals(false), [CAUGHT] = handled_signals(true), [START_DATA] = z.start_data,
        [END_DATA] = z.end_data, [START_BRK] = linux_process.brk_start, [ARG_START] = linux_process.arg_start, [ARG_END] = linux_process.arg_end,
        [ENV_START] = linux_process.env_start, [ENV_END] = linux_process.env_end };
    unsigned field = 3;
    for (char *word = strtok_r(rest + 1, " \n", &save); word; word = strtok_r(NULL, " \n", &save), field++) {
        bool signals = field >= BLOCKED && field <= CAUGHT;
        if (signals)
            fprintf(f, " %llu", (unsigned long long)own[field] & 0x7fffffff);       /* the real-time ones are not told here */
        else if (field == THREADS)
            fprintf(f, " %lu", linux_guest_threads(strtoul(word, NULL, 10)));
        else if (field < N_FIELDS && own[field])
            fprintf(f, " %llu", (unsigned long long)own[field]);
        else
            fprintf(f, " %s", word);
    }
    for (; field <= LAST; field++)             /* an emulator's are fewer */
        fprintf(f, " %llu", (unsigned long long)(field < N_FIELDS ? own[field] : 0));
    fputc('\n', f);
}

static void make_statm(FILE *f, const char *path)
{
    char text[256];
    unsigned long total, resident, shared;
    struct linux_sizes z;
    if (!read_text(path, text, sizeof text) || sscanf(text, "%lu %lu %lu", &total, &resident, &shared) != 3)
        return;
    uint64_t ratio = (uint64_t)sysconf(_SC_PAGESIZE) / 4096;
    linux_sizes(&z);
    fprintf(f, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)z.total / 4096, (unsigned long long)(resident * ratio),
        (unsigned long long)(shared * ratio), (unsigned long long)z.text / 4096, (unsigned long long)(z.data + z.stack) / 4096);
}

/* A line of status that tells a size; false if it is another */
static bool size_line(FILE *f, const char *line, const struct linux_sizes *z)
{
    const struct { const char *name; uint64_t bytes; } sizes[] = {
        { "VmPeak:", z->peak }, { "VmSize:", z->total }, { "VmData:", z->data }, { "VmStk:", z->stack }, { "VmExe:", z->text }, { "VmLib:", z->exec - z->text },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (!strncmp(line, sizes[i].name, strlen(sizes[i].name))) {
            fprintf(f, "%s\t%8llu kB\n", sizes[i].name, (unsigned long long)sizes[i].bytes / 1024);
            return true;
        }
    return false;
}

/* The kernel's lines, but for the sizes, and for the signals: wherry catches some for itself, and blocks none that a fault can raise. */
static void make_status(FILE *f, const char *path)
{
    char text[8192], *save;
    pid_t tid = 0;
    struct linux_sizes z;
    unsigned filters = linux_current() ? linux_seccomp_count(linux_current()) : 0;
    if (!read_text(path, text, sizeof text))
        return;
    linux_sizes(&z);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (size_line(f, line, &z))
            continue;
        sscanf(line, "Pid: %d", &tid);
        if (!strncmp(line, "SigBlk:", 7))
            fprintf(f, "SigBlk:\t%016llx\n", (unsigned long long)blocked_signals(tid));
        else if (!strncmp(line, "SigIgn:", 7))
            fprintf(f, "SigIgn:\t%016llx\n", (unsigned long long)handled_signals(false));
        else if (!strncmp(line, "SigCgt:", 7))
            fprintf(f, "SigCgt:\t%016llx\n", (unsigned long long)handled_signals(true));
        else if (!strncmp(line, "Threads:", 8))
            fprintf(f, "Threads:\t%lu\n", linux_guest_threads(strtoul(line + 8, NULL, 10)));
        else if (!strncmp(line, "Seccomp:", 8))
            fprintf(f, "Seccomp:\t%d\n", filters ? 2 : 0);          /* strict mode can't ask */
        else if (!strncmp(line, "Seccomp_filters:", 16))
            fprintf(f, "Seccomp_filters:\t%u\n", filters);
        else
            fprintf(f, "%s\n", line);
    }
}

/* ---- /proc/cpuinfo: the processor that cpuid tells of, once for each of the host's ---- */

struct feature { uint32_t leaf, subleaf; uint8_t reg, bit; const char *name; };
static const struct feature features[] = {
    { 1, 0, 3, 0, "fpu" }, { 1, 0, 3, 4, "tsc" }, { 1, 0, 3, 5, "msr" }, { 1, 0, 3, 6, "pae" }, { 1, 0, 3, 8, "cx8" }, { 1, 0, 3, 9, "apic" },
    { 1, 0, 3, 11, "sep" }, { 1, 0, 3, 12, "mtrr" }, { 1, 0, 3, 13, "pge" }, { 1, 0, 3, 15, "cmov" }, { 1, 0, 3, 16, "pat" }, { 1, 0, 3, 19, "clflush" },
    { 1, 0, 3, 23, "mmx" }, { 1, 0, 3, 24, "fxsr" }, { 1, 0, 3, 25, "sse" }, { 1, 0, 3, 26, "sse2" }, { 1, 0, 3, 28, "ht" },
    { 0x80000001, 0, 3, 11, "syscall" }, { 0x80000001, 0, 3, 20, "nx" }, { 0x80000001, 0, 3, 27, "rdtscp" }, { 0x80000001, 0, 3, 29, "lm" },
    { 1, 0, 2, 0, "pni" }, { 1, 0, 2, 1, "pclmulqdq" }, { 1, 0, 2, 9, "ssse3" }, { 1, 0, 2, 12, "fma" }, { 1, 0, 2, 13, "cx16" }, { 1, 0, 2, 19, "sse4_1" },
    { 1, 0, 2, 20, "sse4_2" }, { 1, 0, 2, 22, "movbe" }, { 1, 0, 2, 23, "popcnt" }, { 1, 0, 2, 25, "aes" }, { 1, 0, 2, 26, "xsave" }, { 1, 0, 2, 28, "avx" },
    { 1, 0, 2, 29, "f16c" }, { 1, 0, 2, 30, "rdrand" }, { 0x80000001, 0, 2, 0, "lahf_lm" }, { 0x80000001, 0, 2, 5, "abm" },
    { 0x80000001, 0, 2, 6, "sse4a" }, { 0x80000001, 0, 2, 8, "3dnowprefetch" },
    { 7, 0, 1, 0, "fsgsbase" }, { 7, 0, 1, 3, "bmi1" }, { 7, 0, 1, 5, "avx2" }, { 7, 0, 1, 8, "bmi2" }, { 7, 0, 1, 9, "erms" }, { 7, 0, 1, 16, "avx512f" },
    { 7, 0, 1, 17, "avx512dq" }, { 7, 0, 1, 18, "rdseed" }, { 7, 0, 1, 19, "adx" }, { 7, 0, 1, 24, "clwb" }, { 7, 0, 1, 28, "avx512cd" },
    { 7, 0, 1, 29, "sha_ni" }, { 7, 0, 1, 30, "avx512bw" }, { 7, 0, 1, 31, "avx512vl" }, { 7, 0, 2, 22, "rdpid" },
};

static void write_brand(FILE *f)
{
    uint32_t r[12] = { 0 }, max[4];
    x86_cpuid(0x80000000, 0, max);
    for (uint32_t i = 0; i < 3 && max[0] >= 0x80000004; i++)
        x86_cpuid(0x80000002 + i, 0, r + 4 * i);
    char name[49];
    memcpy(name, r, 48);
    name[48] = 0;
    fprintf(f, "model name\t: %s\n", name[0] ? name + strspn(name, " ") : "x86-64");
}

static void write_flags(FILE *f)
{
    uint32_t r[4], leaf = UINT32_MAX;
    fprintf(f, "flags\t\t:");
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (features[i].leaf != leaf)
            x86_cpuid(leaf = features[i].leaf, features[i].subleaf, r);
        if (r[features[i].reg] >> features[i].bit & 1)
            fprintf(f, " %s", features[i].name);
    }
    fprintf(f, "\n");
}

static void write_processor(FILE *f, long number, long n)
{
    uint32_t r[4];
    char vendor[13] = "";
    x86_cpuid(0, 0, r);
    memcpy(vendor, (uint32_t[]){ r[1], r[3], r[2] }, 12);
    fprintf(f, "processor\t: %ld\nvendor_id\t: %s\n", number, vendor);
    x86_cpuid(1, 0, r);
    unsigned family = r[0] >> 8 & 15, model = r[0] >> 4 & 15;
    if (family == 6 || family == 15)
        model |= r[0] >> 12 & 0xf0;
    if (family == 15)
        family += r[0] >> 20 & 0xff;
    fprintf(f, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
    write_brand(f);
    fprintf(f, "stepping\t: %u\nmicrocode\t: 0x1\ncpu MHz\t\t: 2000.000\ncache size\t: 1024 KB\n", r[0] & 15);
    fprintf(f, "physical id\t: 0\nsiblings\t: %ld\ncore id\t\t: %ld\ncpu cores\t: %ld\napicid\t\t: %ld\ninitial apicid\t: %ld\n", n, number, n, number, number);
    fprintf(f, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", (x86_cpuid(0, 0, r), r[0]));
    write_flags(f);
    fprintf(f, "bugs\t\t:\nbogomips\t: 4000.00\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 48 bits physical, 48 bits virtual\npower management:\n\n");
}

static void make_cpuinfo(FILE *f, const char *path)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < n; i++)
        write_processor(f, i, n);
}

/* ---- which files ---- */

struct proc_file { const char *name; void (*make)(FILE *f, const char *path); };
static const struct proc_file own_files[] = {
    { "maps", make_maps }, { "smaps", make_smaps }, { "cmdline", make_cmdline }, { "environ", make_environ }, { "auxv", make_auxv }, { "stat", make_stat },
    { "status", make_status }, { "statm", make_statm },
};

static const struct proc_file *find_file(const char *path)
{
    static const struct proc_file cpuinfo = { "cpuinfo", make_cpuinfo };
    if (!strcmp(path, "/proc/cpuinfo"))
        return &cpuinfo;
    const char *own = linux_proc_rest(path);
    for (size_t i = 0; own && i < sizeof own_files / sizeof own_files[0]; i++)
        if (!strcmp(own, own_files[i].name))
            return &own_files[i];
    return NULL;
}

/* The text is made in memory of ours first: while linux_regions holds the lock nothing but plain memory may be touched. */
static int64_t memory_file(const struct proc_file *file, const char *path, int flags)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return -ENOMEM;
    file->make(f, path);
    fclose(f);
    int fd = (int)syscall(SYS_memfd_create, file->name, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    for (size_t done = 0; fd >= 0 && done < size;) {
        ssize_t n = write(fd, text + done, size - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    free(text);
    if (fd < 0)
        return -errno;
    lseek(fd, 0, SEEK_SET);
    return fd;
}

int64_t linux_proc_open(const char *path, int flags)
{
    if (strncmp(path, "/proc/", 6) || (flags & O_ACCMODE) != O_RDONLY || flags & O_PATH)
        return LINUX_PROC_NOT_OURS;
    const struct proc_file *file = find_file(path);
    return file ? memory_file(file, path, flags) : LINUX_PROC_NOT_OURS;
}
