/* SPDX-License-Identifier: GPL-2.0-or-later
 * stress.c: random operations on an address range in 4 KiB pages, each logged with what it gives: stress SEED STEPS. The log of a native
 * run is compared with those under a translator: every result, every byte, every fault's signal, code and address.
 * Two files: one is only mapped privately and never changes, the other is shared, written and grows.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, N = 96, FILE_PAGES = 24, MOST_PAGES = 40, DUMP = 50 };
static uint8_t *const area = (uint8_t *)0x200000013000;        /* not where a larger page begins */
static uint64_t seed;
static unsigned step;
static int fixed_file, shared_file, shared_pages = FILE_PAGES;
static sigjmp_buf back;
static volatile int armed;
static uint8_t *heap_end;                      /* not NULL: faults are told from here */

static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void handler(int sig, siginfo_t *info, void *context)
{
    if (!armed)
        _exit(99);
    printf(" %s/%d at %lx", sig == SIGSEGV ? "SEGV" : "BUS", info->si_code, (unsigned long)((uint8_t *)info->si_addr - (heap_end ? heap_end : area)));
    siglongjmp(back, 1);
}

#define GUARDED(...) do { armed = 1; if (!sigsetjmp(back, 1)) { __VA_ARGS__; } armed = 0; } while (0)

static uint64_t hash(const uint8_t *p, size_t n)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t v;
        memcpy(&v, p + i, 8);
        h = (h ^ v) * 1099511628211u;
        h ^= h >> 29;
    }
    return h;
}

static void dump(void)
{
    for (unsigned i = 0; i < N; i++) {
        printf("  %u:", i);
        GUARDED(printf(" %016lx", (unsigned long)hash(area + i * PAGE, PAGE)));
        GUARDED(*(volatile uint8_t *)(area + i * PAGE + 7) = *(volatile uint8_t *)(area + i * PAGE + 7); printf(" w"));
        printf("\n");
    }
}

static void result(const void *p) { printf(" = %s", p == MAP_FAILED ? strerrorname_np(errno) : "ok"); }

static void map(unsigned first, unsigned n)
{
    static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_WRITE };
    unsigned kind = rnd(5), offset = rnd(FILE_PAGES + 4);
    int prot = prots[rnd(7)], fd = kind < 2 ? -1 : kind < 4 ? fixed_file : shared_file;
    int flags = MAP_FIXED | (kind == 1 || kind == 4 ? MAP_SHARED : MAP_PRIVATE) | (fd < 0 ? MAP_ANONYMOUS : 0);
    printf("map %u+%u prot %d kind %u offset %u", first, n, prot, kind, offset);
    result(mmap(area + first * PAGE, n * PAGE, prot, flags, fd, fd < 0 ? 0 : offset * PAGE));
}

static void protect(unsigned first, unsigned n)
{
    static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC };
    int prot = prots[rnd(4)];
    printf("protect %u+%u prot %d", first, n, prot);
    printf(" = %s", mprotect(area + first * PAGE, n * PAGE, prot) ? strerrorname_np(errno) : "ok");
}

/* One mapping only: a fresh one, so that the kernel's merging of neighbours does not matter. */
static void move(unsigned first, unsigned n)
{
    unsigned kind = rnd(3), size = 1 + rnd(12), to = rnd(N - 12), shared = kind == 1;
    printf("move %u+%u to %u+%u kind %u", first, n, to, size, kind);
    void *p = mmap(area + first * PAGE, n * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) | (kind == 2 ? 0 : MAP_ANONYMOUS),
                   kind == 2 ? fixed_file : -1, 0);
    result(p);
    GUARDED(memset(p, (int)step, n * PAGE < 100 ? 1 : n * PAGE - 50));
    if (shared && size > n)
        size = n;                              /* the kernel's memory object would be too small: SIGBUS there */
    if (kind == 2 && size > n)
        size = n;
    result(mremap(p, n * PAGE, size * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + to * PAGE));
}

static void dontneed(unsigned first, unsigned n)
{
    printf("dontneed %u+%u", first, n);
    printf(" = %s", madvise(area + first * PAGE, n * PAGE, MADV_DONTNEED) ? strerrorname_np(errno) : "ok");
}

static void access_one(unsigned first)
{
    uint8_t *at = area + first * PAGE + (rnd(3) ? rnd(PAGE) : PAGE - 1 - rnd(8));
    unsigned how = rnd(9);
    uint64_t v = seed;
    printf("access %u at %lx:", how, (unsigned long)(at - area));
    switch (how) {
    case 0: GUARDED(*(volatile uint8_t *)at = (uint8_t)v; printf(" ok")); break;
    case 1: GUARDED(memcpy(&v, at, 8); printf(" %lx", (unsigned long)v)); break;
    case 2: GUARDED(__asm__ volatile("movq %1, (%0)" :: "r"(at), "r"(v) : "memory"); printf(" ok")); break;
    case 3: GUARDED(__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(at) : "memory"); printf(" %lx", (unsigned long)v)); break;
    case 4: GUARDED(__asm__ volatile("movups (%0), %%xmm3; paddb %%xmm3, %%xmm3; movups %%xmm3, (%0)" :: "r"(at) : "memory", "xmm3"); printf(" ok")); break;
    case 5: at -= (uintptr_t)at & 7; GUARDED(__asm__ volatile("lock addq $77, (%0)" :: "r"(at) : "memory"); printf(" ok")); break;
    case 6: GUARDED(__asm__ volatile("lock addl $5, (%0)" :: "r"(at) : "memory"); printf(" ok")); break;
    case 7: GUARDED(__asm__ volatile("fildq (%0); fistpq 3(%0)" :: "r"(at) : "memory"); printf(" ok")); break;
    case 8: at -= (uintptr_t)at & 7; GUARDED(__asm__ volatile("cmpl $3, (%1); adcl $1, 4(%1); setc %b0" : "=q"(v) : "r"(at) : "memory", "cc"); printf(" %u", (unsigned)(v & 1))); break;
    }
}

static void strings(unsigned first)
{
    uint8_t *to = area + first * PAGE + rnd(PAGE), *from = area + rnd(N - 4) * PAGE + rnd(PAGE);
    static volatile uint64_t di, si, cx;
    unsigned bytes = rnd(3 * PAGE), how = rnd(3);
    di = (uint64_t)to, si = (uint64_t)from, cx = bytes;
    printf("string %u %lx from %lx, %u bytes:", how, (unsigned long)(to - area), (unsigned long)(from - area), bytes);
    if (how == 0)
        GUARDED(uint64_t d = di, s = si, c = cx; __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(c) :: "memory"); printf(" ok"));
    else if (how == 1)
        GUARDED(uint64_t d = di, c = cx / 4; __asm__ volatile("rep stosl" : "+D"(d), "+c"(c) : "a"(step) : "memory"); printf(" ok"));
    else
        GUARDED(uint64_t d = di, c = cx; __asm__ volatile("cld; repne scasb" : "+D"(d), "+c"(c) : "a"(1) : "memory", "cc"); printf(" %lu", (unsigned long)c));
}

static void kernel(unsigned first)
{
    static uint8_t text[4 * PAGE];
    uint8_t *at = area + first * PAGE + rnd(PAGE);
    unsigned n = rnd(3) ? rnd(200) : rnd(3 * PAGE), how = rnd(5);
    long r = 0;
    struct { void *p; size_t n; } v[2] = { { at, n / 2 }, { at + PAGE, n / 2 } };
    static int sink;
    if (!sink)
        sink = memfd_create("sink", 0);
    printf("kernel %u at %lx %u:", how, (unsigned long)(at - area), n);
    if (how == 0)
        r = pread(fixed_file, at, n, 123);
    else if (how == 1) {
        r = pwrite(sink, at, n, 0);
        if (r > 0 && pread(sink, text, (size_t)r, 0) != r)
            _exit(97);
        if (r > 0)
            printf(" %lx", (unsigned long)hash(text, (size_t)r & ~7ul));
    } else if (how == 2)
        r = syscall(SYS_preadv, fixed_file, v, 2, 0, 0);
    else if (how == 3)
        r = syscall(SYS_uname, at);
    else
        r = syscall(SYS_getitimer, 2, at);
    printf(" %ld %s", how > 2 && r == 0 ? 0 : r, r < 0 ? strerrorname_np(errno) : "");
    if (how == 3 && r == 0)
        memset(at, 1, 390);                    /* names differ */
    if (how >= 3 && r < 0) {                   /* how much of it the kernel had written by then is its own affair */
        size_t rest = PAGE - (uintptr_t)at % PAGE;
        GUARDED(memset(at, 1, rest < 390 ? rest : 390));
    }
}

static void grow(void)
{
    if (shared_pages < MOST_PAGES)
        shared_pages++;
    printf("grow %d %d", shared_pages, ftruncate(shared_file, shared_pages * PAGE - 100));
}

/* The heap's address is another in each run. */
static void heap(void)
{
    static uint8_t *start;
    uint8_t *now = sbrk(0);
    start = start ? start : now;
    long by = (long)rnd(9 * PAGE) - 4 * PAGE;
    if (now + by < start || now + by > start + (1 << 20))
        by = 4 * PAGE + 100;
    printf("heap %ld %d:", (long)(now - start) + by, sbrk(by) == (void *)-1);
    heap_end = (uint8_t *)(((uintptr_t)sbrk(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    if (heap_end > start + PAGE)
        GUARDED(printf(" %u", ++heap_end[-1]));
    GUARDED(*(volatile uint8_t *)(heap_end + rnd(PAGE)) = 1; printf(" no fault"));
    heap_end = NULL;
}

static void operate(void)
{
    unsigned n = 1 + rnd(rnd(4) ? 6 : 50), first = rnd(N - n - 3);
    switch (rnd(16)) {
    case 0: case 1: case 2: map(first, n); break;
    case 3: printf("unmap %u+%u = %d", first, n, munmap(area + first * PAGE, n * PAGE)); break;
    case 4: case 5: protect(first, n); break;
    case 6: move(first, n > 12 ? 12 : n); break;
    case 7: dontneed(first, n); break;
    case 8: strings(first); break;
    case 9: case 10: kernel(first); break;
    case 11: rnd(4) ? heap() : grow(); break;
    default: access_one(first); break;
    }
}

static int make_file(const char *what, unsigned tail)
{
    static uint64_t text[PAGE / 8];
    int fd = memfd_create(what, 0);
    for (unsigned i = 0; i < FILE_PAGES; i++) {
        for (unsigned k = 0; k < PAGE / 8; k++)
            text[k] = (uint64_t)i << 32 | k;
        if (write(fd, text, PAGE) != PAGE)
            _exit(96);
    }
    if (ftruncate(fd, FILE_PAGES * PAGE - tail))
        _exit(95);
    return fd;
}

int main(int argc, char **argv)
{
    struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER };
    unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;
    static char out[1 << 16];
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    setvbuf(stdout, out, getenv("LINE") ? _IOLBF : _IOFBF, sizeof out);
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
    fixed_file = make_file("fixed", 300);
    shared_file = make_file("shared", 100);
    for (step = 0; step < steps; step++) {
        printf("%u ", step);
        operate();
        printf("\n");
        if (step % DUMP == DUMP - 1)
            dump();
    }
    return 0;
}
