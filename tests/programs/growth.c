/* SPDX-License-Identifier: GPL-2.0-or-later
 * growth.c: mappings that grow downwards: the first thread's stack and MAP_GROWSDOWN. How far they grow under which limit, set when and by
 * whom; the gap that is kept below them; what /proc/self/maps shows; and the kernel's own accesses to what has not grown yet.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, KB = 1024, MB = 1024 * 1024 };
static sigjmp_buf back;
static volatile int code;
static unsigned unit = PAGE;           /* stacks may grow by more than a page: by a host's (the limits hold exactly) */

static void caught(int sig, siginfo_t *info, void *uc) { code = info->si_code; siglongjmp(back, sig); }
static void handlers(void)
{
    static char stack[65536];
    stack_t ss = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaltstack(&ss, NULL);
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
}

/* the mapping that ends at end, or the one called [stack] */
static int find(uintptr_t end, uintptr_t *from, uintptr_t *to)
{
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    int found = 0;
    while (!found && fgets(line, sizeof line, f))
        found = sscanf(line, "%lx-%lx", from, to) == 2 && (end ? *to == end : strstr(line, "[stack]") != NULL);
    fclose(f);
    return found;
}
static uintptr_t start_of(uintptr_t end) { uintptr_t a = 0, b = 0; return find(end, &a, &b) ? a : 0; }
static uintptr_t stack_end(void) { uintptr_t a, b; return find(0, &a, &b) ? b : 0; }
static const char *touch(uintptr_t at)
{
    static char text[40];
    int sig = sigsetjmp(back, 1);
    if (!sig) { *(volatile char *)at = 1; return "fine"; }
    snprintf(text, sizeof text, "signal %d code %d", sig, code);
    return text;
}
static const char *peek(uintptr_t at)
{
    static char text[40];
    int sig = sigsetjmp(back, 1);
    if (!sig) { volatile char c = *(volatile char *)at; return c ? "odd" : "zero"; }
    snprintf(text, sizeof text, "signal %d code %d", sig, code);
    return text;
}
static void limit(rlim_t soft) { struct rlimit l; getrlimit(RLIMIT_STACK, &l); l.rlim_cur = soft; if (setrlimit(RLIMIT_STACK, &l)) printf("setrlimit: %d\n", errno); }

static void child(const char *name, void (*f)(void))
{
    int status;
    printf("--- %s\n", name);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) { struct rlimit none = { 0, 0 }; setrlimit(RLIMIT_CORE, &none); handlers(); f(); fflush(stdout); _exit(7); }
    waitpid(pid, &status, 0);
    printf("%s %d\n", WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static __attribute__((noinline)) int deep(int n, volatile char *p)
{
    volatile char room[256];
    room[0] = n; room[255] = p ? p[0] : 0;
    return n == 0 ? room[0] : deep(n - 1, room) + room[255] * 0 + 1;
}

/* ---- the first thread's stack ---- */

static void size_at_first(void) { uintptr_t end = stack_end(); printf("%ld KB\n", (long)(end - start_of(end)) / KB); }

static void exactly(void)
{
    uintptr_t end = stack_end();
    limit(1 * MB);
    printf("beyond: %s\n", touch(end - 1 * MB - 1));
    printf("last page: %s\n", touch(end - 1 * MB + PAGE - 1));
    printf("last byte: %s\n", touch(end - 1 * MB));
    printf("begins at the limit: %d\n", start_of(end) == end - 1 * MB);
    limit(2 * MB + 100);
    printf("not a whole page: %s\n", touch(end - 2 * MB - 100));
    printf("2 MB: %s\n", touch(end - 2 * MB));
    limit(4 * MB);
    printf("raised, below: %s\n", touch(end - 4 * MB - 1));
    printf("raised: %s\n", peek(end - 3 * MB));
    printf("grown: %d\n", end - 3 * MB - start_of(end) < unit);
    limit(64 * KB);
    printf("what is there stays: %s\n", touch(end - 3 * MB + 5));
    printf("no more: %s\n", peek(end - 3 * MB - unit));
}

static void unlimited(void)
{
    uintptr_t end = stack_end();
    struct rlimit l;
    getrlimit(RLIMIT_STACK, &l);
    if (l.rlim_max != RLIM_INFINITY) return;
    limit(RLIM_INFINITY);
    printf("100 MB: %s\n", touch(end - 100 * MB));
    printf("recursion: %d\n", deep(40000, NULL));
    limit(8 * MB);
    printf("less again: %s\n", touch(end - 101 * MB));
}

static void lowered(void) { limit(512 * KB); deep(24000, NULL); }
static void lowered_far(void) { limit(PAGE); printf("%d\n", deep(100, NULL)); deep(24000, NULL); }
static void no_handler(void) { signal(SIGSEGV, SIG_DFL); limit(512 * KB); printf("%d\n", deep(500, NULL)); fflush(stdout); deep(24000, NULL); }

static void by_another(void)
{
    uintptr_t end = stack_end();
    struct rlimit l;
    int status;
    getrlimit(RLIMIT_STACK, &l);
    l.rlim_cur = 1 * MB;
    pid_t parent = getpid(), pid = fork();
    if (!pid) _exit(prlimit(parent, RLIMIT_STACK, &l, NULL) != 0);
    waitpid(pid, &status, 0);
    printf("%d\n", status);
    printf("%s, ", touch(end - 2 * MB)); printf("%s\n", touch(end - 1 * MB));
}

static uintptr_t at;
static void *touches(void *arg) { handlers(); return (void *)touch(at); }
static void other_thread(void)
{
    pthread_t t;
    void *r;
    at = stack_end() - 2 * MB;
    pthread_create(&t, NULL, touches, NULL);
    pthread_join(t, &r);
    printf("%s, %d\n", (char *)r, at - start_of(stack_end()) < unit);
}

/* all at once, each a page further down or the same */
static pthread_barrier_t ready;
static void *races(void *arg)
{
    volatile char *p = (volatile char *)at;
    long sum = 0;
    pthread_barrier_wait(&ready);
    for (int i = 0; i < 200; i++) { sum += *p; *p += 0; p -= PAGE; }
    return (void *)sum;
}
static void race(void)
{
    pthread_t t[4];
    at = start_of(stack_end()) - 1;
    pthread_barrier_init(&ready, NULL, 4);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, races, NULL);
    for (int i = 0; i < 4; i++) { void *r; pthread_join(t[i], &r); printf("%ld ", (long)r); }
    printf("%d\n", at - 199 * PAGE - start_of(stack_end()) < unit);
}

static void after_fork(void)
{
    uintptr_t end = stack_end();
    int status;
    pid_t pid = fork();
    if (!pid) { touch(end - 3 * MB); _exit(end - 3 * MB - start_of(end) < unit); }
    waitpid(pid, &status, 0);
    printf("child's: %d, parent's: %d\n", WEXITSTATUS(status), end - start_of(end) < 1 * MB);
}

static void *map(uintptr_t where, size_t size, int prot, int flags) { return mmap((void *)where, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0); }

static void neighbours(void)
{
    uintptr_t end = stack_end(), top = end - 4 * MB;
    printf("map: %d\n", map(top, 16 * PAGE, PROT_READ, MAP_FIXED_NOREPLACE) == (void *)top);
    printf("into the gap: %s\n", touch(top + 16 * PAGE + 256 * PAGE - 1));
    printf("up to it: %s\n", touch(top + 16 * PAGE + 256 * PAGE));
    mprotect((void *)top, 16 * PAGE, PROT_NONE);
    printf("none: %s\n", touch(top + 16 * PAGE));
    printf("in it: %s\n", touch(top + 15 * PAGE));
    munmap((void *)top, 16 * PAGE);
    printf("gone: %s\n", touch(top));
}

static void cut(void)
{
    uintptr_t end = stack_end(), begin = end - 2 * MB;
    touch(begin);
    printf("unmap: %d\n", munmap((void *)(end - 1 * MB), 64 * KB));
    printf("hole: %s\n", touch(end - 1 * MB + 32 * KB));
    printf("the hole's own: %d\n", start_of(end) == end - 1 * MB + 32 * KB || unit > PAGE);
    printf("protect: %d\n", mprotect((void *)begin, 64 * KB, PROT_READ));
    limit(1 * MB);
    printf("limit of the piece: %s\n", peek(begin - 64 * KB));
    printf("its rights: %s\n", touch(begin - 64 * KB));
    printf("further: %s\n", peek(begin - 2 * MB));
}

static void system_calls(void)
{
    uintptr_t end = stack_end();
    int p[2];
    limit(4 * MB);
    if (pipe(p)) return;
    if (write(p[1], "abc", 3)) ;
    long n = read(p[0], (void *)(end - 2 * MB), 3);
    printf("read: %ld %.3s\n", n, n == 3 ? (char *)(end - 2 * MB) : "");
    errno = 0;
    if (write(p[1], "abc", 3)) ;
    n = read(p[0], (void *)(end - 5 * MB), 3);
    printf("read beyond: %ld %d\n", n, errno);
    printf("write: %zd\n", write(p[1], (void *)(end - 3 * MB), 3));
    printf("cwd: %d\n", getcwd((void *)(end - 3 * MB - 64 * KB), 1000) != NULL);
    printf("sigprocmask: %ld\n", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, end - 3 * MB - 128 * KB, 8));
    errno = 0;
    n = syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, end - 4 * MB - 8, 8);
    printf("beyond: %ld %d\n", n, errno);
}

/* a frame of a megabyte of which the kernel writes the beginning */
static __attribute__((noinline)) long frame(int fd) { char room[MB]; long n = read(fd, room, 3); return n + room[0]; }
static void large_frame(void)
{
    int p[2];
    if (pipe(p)) return;
    if (write(p[1], "abc", 3)) ;
    printf("%ld\n", frame(p[0]));
}

static void signal_frames(void)
{
    uintptr_t end = stack_end();
    struct sigaction a = { .sa_sigaction = (void *)caught, .sa_flags = SA_SIGINFO };
    limit(2 * MB);
    sigaction(SIGUSR1, &a, NULL);
    printf("beyond: %s, ", touch(end - 3 * MB));
    for (int i = 0; i < 2; i++) {
        int sig = sigsetjmp(back, 1);
        if (!sig) {
            register uintptr_t sp = i ? end - 4 * MB : end - 1 * MB;
            __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; syscall; mov %%rbx, %%rsp"
                : : "r"(sp), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "rbx", "rcx", "r11", "memory");
        }
        printf("%d ", sig);
    }
    printf("\n");
}

/* ---- MAP_GROWSDOWN ---- */

static void refused(void)
{
    int flags[] = { MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS };
    int fd = open("/proc/self/exe", 0);
    for (int i = 0; i < 4; i++) {
        errno = 0;
        printf("%d ", mmap(NULL, PAGE, PROT_READ, flags[i] | MAP_GROWSDOWN, flags[i] & MAP_ANONYMOUS ? -1 : fd, 0) == MAP_FAILED ? errno : 0);
    }
    printf("\n");
}

static uintptr_t growing(size_t room, size_t size)
{
    uintptr_t r = (uintptr_t)map(0, room, PROT_NONE, 0);
    munmap((void *)r, room);
    return (uintptr_t)map(r + room - size, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_GROWSDOWN) + size;
}

static void grows(void)
{
    uintptr_t end = growing(32 * MB, 4 * PAGE);
    limit(1 * MB);
    printf("first: %ld\n", (long)(end - start_of(end)) / PAGE);
    printf("below: %s\n", touch(end - 5 * PAGE));
    printf("now: %d\n", end - 5 * PAGE - start_of(end) < unit);
    printf("to the limit: %s\n", peek(end - 1 * MB));
    printf("beyond: %s\n", touch(end - 1 * MB - 1));
    limit(3 * MB);
    printf("and now: %s\n", touch(end - 2 * MB));
    printf("shrink: %d\n", munmap((void *)(end - 2 * MB), 2 * MB - PAGE));
    printf("again: %s\n", peek(end - 2 * MB));
    printf("protect: %d\n", mprotect((void *)(end - PAGE), PAGE, PROT_READ | PROT_GROWSDOWN));
    printf("%s, ", touch(end - PAGE)); printf("%s\n", peek(end - PAGE));
}

static void placed(void)
{
    uintptr_t end = growing(32 * MB, 4 * PAGE), begin = end - 4 * PAGE;
    void *elsewhere = map(begin - 16 * PAGE, PAGE, PROT_READ, 0);
    printf("hint in the gap: %d\n", elsewhere == (void *)(begin - 16 * PAGE));
    munmap(elsewhere, PAGE);
    printf("hint at its end: %d\n", map(begin - 256 * PAGE - PAGE, PAGE, PROT_READ, 0) == (void *)(begin - 257 * PAGE));
    printf("fixed: %d\n", map(begin - 20 * PAGE, PAGE, PROT_READ, MAP_FIXED) == (void *)(begin - 20 * PAGE));
    printf("%s\n", touch(begin - 1));
    printf("no replace: %d\n", map(begin - 40 * PAGE, PAGE, PROT_READ, MAP_FIXED_NOREPLACE) == (void *)(begin - 40 * PAGE));
}

static void two(void)
{
    uintptr_t end = growing(32 * MB, 4 * PAGE), low = end - 1 * MB;
    map(low - 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_GROWSDOWN);
    printf("one above the other: %s\n", touch(low));
    printf("%s\n", touch(low - 5 * PAGE));
}

static void kernel_grows(void)
{
    uintptr_t end = growing(32 * MB, 4 * PAGE);
    int p[2];
    if (pipe(p)) return;
    if (write(p[1], "abcd", 4)) ;
    limit(1 * MB);
    printf("%zd, ", read(p[0], (void *)(end - 64 * KB), 1));
    printf("%d, ", end - 64 * KB - start_of(end) < unit);
    printf("%zd\n", read(p[0], (void *)(end - 2 * MB), 1));
}

static void heap(void)
{
    uintptr_t brk = (uintptr_t)sbrk(0), where = (brk + PAGE - 1 & -PAGE) + 8 * MB;
    printf("%d\n", map(where, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE | MAP_GROWSDOWN) == (void *)where);
    printf("%d ", sbrk(where - 2 * MB - brk) != (void *)-1);
    printf("%d ", sbrk(1 * MB + 512 * KB) != (void *)-1);
    printf("%d\n", sbrk(256 * KB) != (void *)-1);
}

/* ---- a new program takes the limit ---- */

static void exec_with(rlim_t soft, char **argv)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) { limit(soft); execv("/proc/self/exe", argv); _exit(99); }
    waitpid(pid, &status, 0);
    printf("%s %d\n", WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static int executed(void)
{
    struct rlimit l;
    uintptr_t end = stack_end();
    getrlimit(RLIMIT_STACK, &l);
    handlers();
    printf("limit %ld KB, begins with %ld KB; ", (long)l.rlim_cur / KB, (long)(end - start_of(end)) / KB);
    if (l.rlim_cur == RLIM_INFINITY) { printf("%s\n", touch(end - 200 * MB)); return 0; }
    printf("%s, ", touch(end - l.rlim_cur));
    printf("%s\n", touch(end - l.rlim_cur - 1));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    if (getenv("WHERRY_HOST_PAGE")) unit = atoi(getenv("WHERRY_HOST_PAGE"));
    if ((unsigned)sysconf(_SC_PAGESIZE) > unit) unit = sysconf(_SC_PAGESIZE);
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 1) return executed();
    if (unit == PAGE) size_at_first();
    child("exactly", exactly); child("unlimited", unlimited); child("lowered", lowered); child("lowered far", lowered_far); child("no handler", no_handler);
    child("by another", by_another); child("other thread", other_thread); child("race", race); child("after fork", after_fork);
    child("neighbours", neighbours); child("cut", cut); child("system calls", system_calls); child("large frame", large_frame); child("signal frames", signal_frames);
    child("refused", refused); child("grows", grows); child("placed", placed); child("two", two); child("kernel grows", kernel_grows); child("heap", heap);
    char *args[] = { argv[0], "executed", NULL };
    if (unit == PAGE) for (rlim_t soft = 64 * KB; soft <= 16 * MB; soft *= 4) exec_with(soft, args);
    if (unit == PAGE) exec_with(RLIM_INFINITY, args);
    return 0;
}
