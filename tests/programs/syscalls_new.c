/* SPDX-License-Identifier: GPL-2.0-or-later
 * syscalls_new.c: calls that are young or rarely made, at work: the kernel's asynchronous I/O, userfaultfd, futexes of the second kind, clone3 beyond
 * threads, secret memory, protection keys, READ_IMPLIES_EXEC, prctl's rare operations, and what refuses to work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };
static int large_pages;                /* the host's: a kernel that has neither aio nor userfaultfd */
static void show(const char *what, long r) { printf("%s %ld %d\n", what, r, r < 0 ? errno : 0); }

/* ---- aio ---- */

static void submit(aio_context_t ctx, int op, int fd, void *buf, long n, long offset, int event)
{
    struct iocb r = { .aio_data = op * 100, .aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = (uintptr_t)buf, .aio_nbytes = n, .aio_offset = offset }, *list[] = { &r };
    if (event >= 0) { r.aio_flags = IOCB_FLAG_RESFD; r.aio_resfd = event; }
    show("submit", syscall(SYS_io_submit, ctx, 1, list));
}
static void await(aio_context_t ctx)
{
    struct io_event e = { 0 };
    struct timespec t = { 2, 0 };
    show("events", syscall(SYS_io_getevents, ctx, 1, 1, &e, &t));
    printf("%lld: %lld %lld\n", (long long)e.data, (long long)e.res, (long long)e.res2);
}
static void aio(void)
{
    aio_context_t ctx = 0;
    char in[64] = "";
    struct iovec v[2] = { { in, 3 }, { in + 10, 20 } };
    struct timespec none = { 0, 0 };
    int fd = memfd_create("aio", 0), event = eventfd(0, EFD_NONBLOCK);
    long n = 0;
    show("setup", syscall(SYS_io_setup, 16, &ctx));
    submit(ctx, IOCB_CMD_PWRITE, fd, "0123456789", 10, 5, -1); await(ctx);
    submit(ctx, IOCB_CMD_PREAD, fd, in, 8, 7, event); await(ctx);
    show("eventfd", read(event, &n, 8)); printf("%ld %s\n", n, in);
    submit(ctx, IOCB_CMD_PREADV, fd, v, 2, 5, -1); await(ctx);
    printf("%.3s %s\n", in, in + 10);
    submit(ctx, IOCB_CMD_PREAD, fd, (void *)8, 8, 7, -1); await(ctx);
    submit(ctx, 99, fd, in, 8, 7, -1); submit(ctx, IOCB_CMD_PREAD, 999, in, 8, 7, -1);
    show("none", syscall(SYS_io_getevents, ctx, 0, 1, in, &none));
    show("pgetevents", syscall(SYS_io_pgetevents, ctx, 0, 1, in, &none, NULL));
    show("bad array", syscall(SYS_io_submit, ctx, 1, 8L)); show("bad context", syscall(SYS_io_submit, 77L, 1, in));
    show("destroy", syscall(SYS_io_destroy, ctx)); show("again", syscall(SYS_io_destroy, ctx));
}
/* into a page that code was run from */
static void aio_code(void)
{
    aio_context_t ctx = 0;
    unsigned char first[] = { 0xb8, 1, 0, 0, 0, 0xc3 }, second[] = { 0xb8, 2, 0, 0, 0, 0xc3 };
    unsigned char *p = mmap(NULL, PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("code", 0);
    if (write(fd, second, sizeof second)) ;
    memcpy(p, first, sizeof first);
    printf("code %d\n", ((int (*)(void))p)());
    syscall(SYS_io_setup, 4, &ctx);
    submit(ctx, IOCB_CMD_PREAD, fd, p, sizeof second, 0, -1); await(ctx);
    printf("code %d\n", ((int (*)(void))p)());
    syscall(SYS_io_destroy, ctx);
}

/* ---- userfaultfd ---- */

static char seen[3][80];
static void *resolve(void *arg)
{
    int fd = *(int *)arg;
    static char page[PAGE];
    for (int i = 0; i < 3; i++) {
        struct uffd_msg m;
        if (read(fd, &m, sizeof m) != sizeof m) return NULL;
        memset(page, 'a' + i, PAGE);
        struct uffdio_copy c = { .dst = m.arg.pagefault.address & -PAGE, .src = (uintptr_t)page, .len = PAGE };
        int r = ioctl(fd, UFFDIO_COPY, &c);
        sprintf(seen[i], "fault: event %d flags %lld, copy %d %lld\n", m.event, (long long)m.arg.pagefault.flags, r, (long long)c.copy);
    }
    return NULL;
}
static void faults(void)
{
    int fd = syscall(SYS_userfaultfd, O_CLOEXEC), p[2];
    struct uffdio_api api = { .api = UFFD_API };
    char *m = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register r = { .range = { (uintptr_t)m, 8 * PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
    pthread_t t;
    if (fd < 0) { show("userfaultfd", fd); return; }
    show("api", ioctl(fd, UFFDIO_API, &api)); show("register", ioctl(fd, UFFDIO_REGISTER, &r));
    pthread_create(&t, NULL, resolve, &fd);
    printf("read %c\n", m[5]);
    m[PAGE + 7] = 'x';
    printf("written %c%c\n", m[PAGE + 6], m[PAGE + 7]);
    if (pipe(p)) return;
    show("by the kernel", write(p[1], m + 2 * PAGE, 10));
    pthread_join(t, NULL);
    for (int i = 0; i < 3; i++) printf("%s", seen[i]);
    show("unregister", ioctl(fd, UFFDIO_UNREGISTER, &r.range));
    printf("zero %d\n", m[5 * PAGE]);
    close(fd);
}

/* ---- futexes of the second kind ---- */

static uint32_t word, other;
static void *wakes(void *arg) { usleep(30000); __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST); return (void *)syscall(454, &word, ~0u, 1, 2 | 128); }
static void futexes(void)
{
    struct timespec t;
    struct { uint64_t value, addr; uint32_t flags, reserved; } two[2] = { { 1, (uintptr_t)&word, 2 | 128, 0 }, { 0, (uintptr_t)&other, 2 | 128, 0 } };
    pthread_t thread;
    pthread_create(&thread, NULL, wakes, NULL);
    long r = syscall(455, &word, 0L, (long)~0u, 2 | 128, NULL, CLOCK_MONOTONIC);
    show("wait", r < 0 && errno == EAGAIN ? 0 : r);
    void *woken;
    pthread_join(thread, &woken);
    show("wake", (long)woken);
    show("wait for another", syscall(455, &word, 5L, (long)~0u, 2 | 128, NULL, CLOCK_MONOTONIC));
    clock_gettime(CLOCK_MONOTONIC, &t);
    show("out of time", syscall(455, &word, 1L, (long)~0u, 2, &t, CLOCK_MONOTONIC));
    show("no mask", syscall(454, &word, 0, 1, 2)); show("size", syscall(454, &word, ~0u, 1, 1)); show("odd", syscall(454, (char *)&word + 1, ~0u, 1, 2));
    show("requeue", syscall(456, two, 0, 1, 1)); two[0].value = 7; show("requeue, another value", syscall(456, two, 0, 1, 1));
    show("requeue none", syscall(456, NULL, 0, 1, 1)); show("requeue fault", syscall(456, 8L, 0, 1, 1));
}

/* ---- clone3 ---- */

struct args { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup, more; };
static void clones(const char *what, struct args a, size_t size)
{
    int status = -1;
    fflush(stdout);
    long pid = syscall(SYS_clone3, &a, size);
    if (!pid) _exit(getpid() == 77 ? 77 : 5);
    if (pid > 0) waitpid(pid, &status, __WALL);
    printf("%s: %d %d, status %x\n", what, pid < 0 ? -1 : 0, pid < 0 ? errno : 0, status);
}
static void clone3(void)
{
    pid_t tids[3] = { 1, 1, 1 };
    clones("plain", (struct args){ .exit_signal = SIGCHLD }, 88);
    clones("no signal", (struct args){ 0 }, 64);
    clones("a used number", (struct args){ .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = 1 }, 80);
    clones("numbers without a count", (struct args){ .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids }, 80);
    clones("a count without numbers", (struct args){ .exit_signal = SIGCHLD, .set_tid_size = 1 }, 80);
    clones("too many", (struct args){ .exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids, .set_tid_size = 33 }, 80);
    clones("numbers nowhere", (struct args){ .exit_signal = SIGCHLD, .set_tid = 8, .set_tid_size = 1 }, 80);
    clones("no such group", (struct args){ .flags = 1ull << 33, .exit_signal = SIGCHLD, .cgroup = 999 }, 88);
    clones("group beyond", (struct args){ .flags = 1ull << 33, .exit_signal = SIGCHLD, .cgroup = 1ull << 40 }, 88);
    clones("group not asked for", (struct args){ .exit_signal = SIGCHLD, .cgroup = 999 }, 88);
    clones("larger, zeros", (struct args){ .exit_signal = SIGCHLD }, 96);
    clones("larger, not zeros", (struct args){ .exit_signal = SIGCHLD, .more = 1 }, 96);
    clones("too small", (struct args){ .exit_signal = SIGCHLD }, 63);
    clones("unknown flag", (struct args){ .flags = 1ull << 40, .exit_signal = SIGCHLD }, 88);
    clones("signal in the flags", (struct args){ .flags = SIGCHLD }, 88);
    clones("namespace", (struct args){ .flags = CLONE_NEWUTS, .exit_signal = SIGCHLD }, 88);
    clones("numbers of its own", (struct args){ .flags = CLONE_NEWPID, .exit_signal = SIGCHLD }, 88);
    clones("handlers cleared", (struct args){ .flags = 1ull << 32, .exit_signal = SIGCHLD }, 88);
}

/* ---- the rest ---- */

static void rights_of(const char *what, void *p)
{
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f)) {
        uintptr_t from, to;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && (uintptr_t)p >= from && (uintptr_t)p < to) printf("%s %.4s\n", what, strchr(line, ' ') + 1);
    }
    fclose(f);
}
static void implies_exec(void)
{
    unsigned char code[] = { 0xb8, 9, 0, 0, 0, 0xc3 };
    show("personality", personality(READ_IMPLIES_EXEC)); show("is", personality(0xffffffff));
    unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(p, code, sizeof code);
    printf("runs: %d\n", ((int (*)(void))p)());
    rights_of("mapped", p); rights_of("none", none);
    mprotect(p, PAGE, PROT_READ); rights_of("protected", p);
    show("back", personality(0));
    mprotect(p, PAGE, PROT_READ); rights_of("protected", p);
}
static void odd(void)
{
    static uint64_t block[64];
    int fd = memfd_create("cache", 0), secret = syscall(447, 0);
    if (write(fd, block, sizeof block)) ;
    show("cachestat", syscall(451, fd, block, block + 8, 0)); printf("%ld\n", (long)block[8]);
    show("cachestat fault", syscall(451, fd, 8L, block + 8, 0)); show("cachestat flags", syscall(451, fd, block, block + 8, 1));
    show("secret", secret < 0 ? -1 : 0);
    if (secret >= 0 && !ftruncate(secret, PAGE)) {
        char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
        if (p != MAP_FAILED) { strcpy(p, "secret"); printf("%s\n", p); }
        close(secret);
    }
    show("pkey_alloc", syscall(SYS_pkey_alloc, 1, 0)); show("pkey_free", syscall(SYS_pkey_free, 5));
    show("perf events", prctl(PR_TASK_PERF_EVENTS_DISABLE, 0, 0, 0, 0)); show("on", prctl(PR_TASK_PERF_EVENTS_ENABLE, 0, 0, 0, 0));
    show("dispatch off", prctl(59, 0, 0, 0, 0)); show("mdwe", prctl(66, 0, 0, 0, 0)); show("mdwe odd", prctl(66, 1, 0, 0, 0)); show("merge", prctl(68, 0, 0, 0, 0));
    show("acct", syscall(SYS_acct, "/nothere")); show("swapon", syscall(SYS_swapon, "/nothere", 0)); show("swapoff", syscall(SYS_swapoff, "/nothere"));
    show("quotactl", syscall(SYS_quotactl, 0x800001 << 8, "/nothere", 0, block)); show("pivot_root", syscall(SYS_pivot_root, "/nothere", "/nothere"));
    show("statmount", syscall(457, 0, 0, 0, 0)); show("listmount", syscall(458, 0, 0, 0, 0)); show("modules", syscall(461, 0, 0, 0));
    show("setxattrat", syscall(463, fd, "", 0, "", NULL, 0)); show("removexattrat", syscall(466, fd, "", 0, "")); show("file_getattr", syscall(468, fd, NULL, NULL, 0, ~0u)); show("beyond", syscall(500, 0));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    large_pages = getenv("WHERRY_HOST_PAGE") != NULL;
    if (!large_pages) { aio(); aio_code(); faults(); }
    futexes(); clone3(); implies_exec(); odd();
    return 0;
}
