/* SPDX-License-Identifier: GPL-2.0-or-later
 * Limits, usage, machine names, memory flags, error numbers, the auxiliary vector and scheduling: what the guest sees, printed. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); }

static void limits(void)
{
    uint64_t l[2], set[2];
    for (int i = 0; i < 17; i++) {
        long r = syscall(97, i, l);
        printf("RLIMIT %d: %ld%s", i, r, r ? strerrorname_np(errno) : "");
        if (!r && i != 3 && i != 9) printf(" %d %d", l[0] == ~0ull ? -1 : l[0] < 1u << 31 ? (int)l[0] : -2, l[1] == ~0ull);
        putchar('\n');
    }
    set[0] = 100; set[1] = 200;
    static const int can[] = { 0, 4, 5, 6, 7, 8, 10, 11, 12 };
    for (unsigned k = 0; k < sizeof can / sizeof *can; k++) {
        fflush(stdout);
        if (fork()) { wait(NULL); continue; }
        syscall(97, can[k], l);
        if (set[1] > l[1]) set[0] = set[1] = l[1];
        show("setrlimit", syscall(160, can[k], set));
        for (int i = 0; i < 16; i++) { syscall(97, i, l); if (l[0] == 100 && l[1] == 200) printf("100 200 is %d\n", i); }
        fflush(stdout); _exit(0);
    }
    show("prlimit64", syscall(302, 0, 7, NULL, l)); show("prlimit64 wrong", syscall(302, 0, 99, NULL, l));
}

static void usage(void)
{
    int64_t u[18], t[4];
    memset(u, 0x55, sizeof u);
    show("getrusage", syscall(98, 0, u)); printf("times %d maxrss %d zero %lld %lld %lld\n", u[0] >= 0 && u[1] < 1000000, u[4] > 100, (long long)u[5], (long long)u[6], (long long)u[7]);
    show("times", syscall(100, t) > 0 ? 0 : -1); printf("%d\n", t[0] >= 0 && t[1] >= 0);
    struct { int64_t uptime; uint64_t loads[3], total, free, shared, buffer, swap, free_swap; uint16_t procs, pad; uint32_t pad2; uint64_t high, free_high; uint32_t unit; uint8_t rest[4]; } s;
    memset(&s, 0x55, sizeof s);
    show("sysinfo", syscall(99, &s)); printf("uptime %d total %d free %d procs %d unit %u high %llu\n", s.uptime > 0, s.total * s.unit > 1 << 26, s.free <= s.total, s.procs > 0, s.unit, (unsigned long long)s.high);
    char name[6][65];
    show("uname", syscall(63, name)); printf("%s %s\n", name[0], name[4]);
    int cpu[2] = { -1, -1 };
    show("getcpu", syscall(309, &cpu[0], &cpu[1], NULL)); printf("%d %d\n", cpu[0] >= 0, cpu[1] >= 0);
    unsigned long mask[16] = { 0 };
    long r = syscall(204, 0, sizeof mask, mask); printf("sched_getaffinity %d %d\n", r > 0 && r % 8 == 0, mask[0] != 0);
    show("getpriority", syscall(140, 0, 0)); show("setpriority", syscall(141, 0, 0, 3)); show("getpriority", syscall(140, 0, 0));
    show("sched_getscheduler", syscall(145, 0)); show("sched_get_priority_max", syscall(146, 1)); show("sched_get_priority_max wrong", syscall(146, 77)); int p = 9; show("sched_getparam", syscall(143, 0, &p)); printf("%d\n", p);
    int64_t ts[2]; show("sched_rr_get_interval", syscall(148, 0, ts)); show("personality", syscall(135, 0xffffffffu));
    show("ioprio_get", syscall(252, 1, 0) >= 0 ? 0 : -1); show("membarrier", syscall(324, 0, 0, 0) >= 0 ? 0 : -1);
    long base = 0; show("ARCH_GET_FS", syscall(158, 0x1003, &base)); printf("%d\n", base != 0); show("arch_prctl wrong", syscall(158, 0x9999, &base));
    char comm[17] = { 0 }; show("PR_SET_NAME", syscall(157, 15, "guest")); show("PR_GET_NAME", syscall(157, 16, comm)); puts(comm);
    show("PR_SET_PDEATHSIG", syscall(157, 1, 10)); int sig = 0; show("PR_GET_PDEATHSIG", syscall(157, 2, &sig)); printf("%d\n", sig); syscall(157, 1, 0);
    show("PR_GET_DUMPABLE", syscall(157, 3)); show("prctl wrong", syscall(157, 0x7777));
}

static void auxiliary(void)
{
    printf("AT_PLATFORM %s pagesize %lu clktck %lu phent %lu secure %lu flags %lu\n", (char *)getauxval(AT_PLATFORM), getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_PHENT), getauxval(AT_SECURE), getauxval(AT_FLAGS));
    printf("entry %d random %d execfn %d phdr %d uid %d hwcap %d\n", getauxval(AT_ENTRY) != 0, getauxval(AT_RANDOM) != 0, getauxval(AT_EXECFN) != 0, getauxval(AT_PHDR) != 0, getauxval(AT_UID) == getuid(), (getauxval(AT_HWCAP) & 0x178bf9ff & 0x07800001) == 0x07800001);
    printf("sysconf page %ld clk %ld open %d\n", sysconf(_SC_PAGESIZE), sysconf(_SC_CLK_TCK), sysconf(_SC_OPEN_MAX) > 0);
}

static void memory(void)
{
    static const struct { const char *name; int flags; } kinds[] = { { "private", 0x22 }, { "shared", 0x21 }, { "MAP_NORESERVE", 0x4022 }, { "MAP_POPULATE", 0x8022 }, { "MAP_STACK", 0x20022 },
        { "MAP_GROWSDOWN", 0x122 }, { "MAP_LOCKED", 0x2022 }, { "MAP_32BIT", 0x62 }, { "MAP_DENYWRITE", 0x822 }, { "no kind", 0x20 }, { "both without validate", 0x23 } };
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *p = (char *)syscall(9, NULL, 8192L, 3, kinds[i].flags, -1, 0L);
        printf("mmap %s: %s", kinds[i].name, (long)p == -1 ? strerrorname_np(errno) : "ok");
        if ((long)p != -1) { p[8191] = 1; printf(" low %d unmap %ld", kinds[i].flags & 0x40 ? (uint64_t)p < 1ull << 32 : 0, syscall(11, p, 8192L)); }
        putchar('\n');
    }
    long at = 0x200000000000;
    show("MAP_FIXED_NOREPLACE", syscall(9, at, 4096L, 3, 0x100022, -1, 0L) == at ? 0 : -1); show("again", syscall(9, at, 4096L, 3, 0x100022, -1, 0L)); show("MAP_FIXED", syscall(9, at, 4096L, 1, 0x32, -1, 0L) == at ? 0 : -1);
    show("mlockall", syscall(151, 1) == 0 || errno == EPERM || errno == ENOMEM ? 0 : -1); show("munlockall", syscall(152)); show("mlockall wrong", syscall(151, 16)); show("mlockall of future only", syscall(151, 2) == 0 || errno == EPERM || errno == ENOMEM ? 0 : -1); syscall(152);
    char *p = (char *)syscall(9, NULL, 65536L * 2, 3, 0x22, -1, 0L);
    memset(p, 7, 131072);
    show("MADV_DONTNEED", syscall(28, p, 65536L, 4)); printf("%d %d\n", p[0], p[65536]); show("MADV_FREE", syscall(28, p, 65536L, 8)); show("MADV_WILLNEED", syscall(28, p, 65536L, 3)); show("MADV_DONTFORK", syscall(28, p, 65536L, 10)); syscall(28, p, 65536L, 11);
    show("msync", syscall(26, p, 65536L, 4)); show("msync wrong", syscall(26, p, 65536L, 5)); show("mprotect wrong", syscall(10, p + 1, 4096L, 1)); show("mremap", syscall(25, p, 65536L, 131072L, 0));
    show("mprotect", syscall(10, p, 4096L, 1)); show("munmap", syscall(11, p, 131072L)); show("mincore gone", syscall(27, p, 4096L, p)); show("read into it", syscall(0, 0, p, 0L)); int z = open("/dev/zero", O_RDONLY); show("read into it", syscall(0, z, p, 1L));
}

static void errors(void)
{
    char buf[8];
    int a = open("/dev/null", O_RDWR);
    show("ENOENT", open("/nowhere/at/all", 0)); show("ENOTDIR", open("/dev/null/x", 0)); show("EISDIR", open("/", O_WRONLY)); show("EBADF", read(-1, buf, 1)); show("ENOTTY", syscall(16, a, 0x5401, buf)); show("EFAULT", syscall(1, a, 8, 0L) ? -1 : 0);
    show("EINVAL", lseek(a, 0, 99)); show("ESPIPE", 0); show("ECHILD", waitpid(-1, NULL, 0)); show("ESRCH", syscall(62, 0x3fffffff, 0)); char longname[5000]; memset(longname, 'a', 4999); longname[4999] = 0; show("ENAMETOOLONG", open(longname, 0)); show("EXDEV or so", link("/proc/self/stat", "/tmp/wherry-no") < 0 ? 0 : 1); show("ENOEXEC or EACCES", execl("/dev/null", "x", NULL)); show("ENOSYS", syscall(1000)); show("ERANGE", syscall(79, buf, 1L)); show("EOVERFLOW or EINVAL", syscall(18, a, buf, 1L, -5L)); show("ENODEV", syscall(136, 0xffff, longname) < 0 ? 0 : 1); show("EMFILE", fcntl(a, F_DUPFD, 1 << 30));
    struct { int16_t type, whence; int64_t start, len; int32_t pid; } l = { 1, 0, 0, 1, 0 };
    int p[2], q[2], fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    if (pipe(p) || pipe(q)) return;
    fflush(stdout);                                            /* two locks and a child: the second wait would never end */
    fcntl(fd, 7, &l);
    if (!fork()) {
        l.start = 1; fcntl(fd, 7, &l);
        if (write(p[1], "x", 1) != 1) _exit(1);
        l.start = 0; fcntl(fd, 7, &l); _exit(0);
    }
    if (read(p[0], buf, 1) != 1) return;
    usleep(100000);
    l.start = 1; show("EDEADLK", fcntl(fd, 7, &l)); printf("number %d\n", errno);
    close(fd); l.start = 0; l.len = 0; l.type = 2;
    wait(NULL);
}

int main(void)
{
    limits(); usage(); auxiliary(); memory(); errors();
    return 0;
}
