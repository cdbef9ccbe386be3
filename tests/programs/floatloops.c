/* SPDX-License-Identifier: GPL-2.0-or-later
 * floatloops: loops that only load and compute, over numbers of which a few are special (denormals, NaNs, infinities, overflow, division by zero) at
 * any place, with the exception flags before and after; loads that fault in the middle, seen by a handler and repaired; misaligned vectors;
 * a timer's signals meanwhile. Prints sums, flags and what the handlers saw.
 */
#include <fenv.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <xmmintrin.h>

typedef double v2 __attribute__((vector_size(16)));
enum { N = 512 };
static double data[N + 2] __attribute__((aligned(64)));
static volatile uint32_t seen_flags;

static uint64_t bits(double d) { uint64_t u; memcpy(&u, &d, 8); return u; }

/* the loops: each is one block that jumps to itself */
static double sum(const double *p, long n)
{
    double s = 0.5;
    __asm__ volatile("1: addsd (%1), %0\n\t add $8, %1\n\t dec %2\n\t jnz 1b" : "+x"(s), "+r"(p), "+r"(n) : : "memory", "cc");
    return s;
}

static v2 products(const double *p, long n)
{
    v2 s = { 1, -1 }, t;
    __asm__ volatile("1: movsd (%1), %3\n\t unpcklpd %3, %3\n\t mulpd (%1), %3\n\t addpd %3, %0\n\t add $16, %1\n\t sub $2, %2\n\t jnz 1b"
                     : "+x"(s), "+r"(p), "+r"(n), "=x"(t) : : "memory", "cc");
    return s;
}

static double quotients(const double *p, long n, v2 *other)
{
    double s = 0;
    v2 t = { 7, 9 }, u = { 3, 5 };
    __asm__ volatile("1: movapd %4, %3\n\t divsd (%1), %3\n\t sqrtsd %3, %3\n\t maxsd %4, %3\n\t addsd %3, %0\n\t add $8, %1\n\t cmp %2, %1\n\t jb 1b"
                     : "+x"(s), "+r"(p) : "r"(p + n), "x"(t), "x"(u) : "memory", "cc");
    *other = t;
    return s;
}

static long until(const double *p, double limit)                       /* left in two places */
{
    long k = -1;
    double s = 0;
    __asm__ volatile("1: inc %0\n\t cmp $500, %0\n\t je 2f\n\t addsd (%3,%0,8), %1\n\t ucomisd %2, %1\n\t jb 1b\n 2:"
                     : "+r"(k), "+x"(s) : "x"(limit), "r"(p) : "memory", "cc");
    return k * 1000 + (long)(bits(s) % 1000);
}

/* loops that only x86's own answer ends: the integer that stands for a number too large, a NaN's sign, and one that goes round in a register */
static void waits(const char *name)
{
    long n = 0, r;
    double s = 1, t;
    __asm__ volatile("1: inc %0\n\t addsd %1, %1\n\t cvttsd2si %1, %k2\n\t cmp $0x80000000, %k2\n\t jne 1b" : "+r"(n), "+x"(s), "=r"(r) : : "cc");
    s = 1;
    __asm__ volatile("1: inc %0\n\t addsd %1, %1\n\t cvttsd2si %1, %2\n\t btc $63, %2\n\t test %2, %2\n\t jnz 1b" : "+r"(n), "+x"(s), "=r"(r) : : "cc");
    s = INFINITY;
    __asm__ volatile("1: inc %0\n\t movapd %1, %3\n\t subsd %1, %3\n\t movq %3, %2\n\t test %2, %2\n\t jns 1b" : "+r"(n), "+x"(s), "=r"(r), "=x"(t) : : "cc");
    s = 1;
    r = 0;
    __asm__ volatile("1: inc %0\n\t test %2, %2\n\t addsd %1, %1\n\t cvttsd2si %1, %2\n\t jns 1b" : "+r"(n), "+x"(s), "+r"(r) : : "cc");
    printf("%s after %ld rounds\n", name, n);
}

static void show(const char *name)
{
    v2 p, o;
    _mm_setcsr(0x1f80);
    double s = sum(data, N);
    unsigned f1 = _mm_getcsr();
    _mm_setcsr(0x1f80);
    p = products(data, N);
    unsigned f2 = _mm_getcsr();
    double q = quotients(data, N, &o);
    unsigned f3 = _mm_getcsr();
    _mm_setcsr(0x1f80);
    long u = until(data, 1e6);
    unsigned f4 = _mm_getcsr();
    _mm_setcsr(0x1f80);
    printf("%s: %016lx %x, %016lx %016lx %x, %016lx %016lx %016lx %x, %ld %x\n", name, bits(s), f1, bits(p[0]), bits(p[1]), f2, bits(q), bits(o[0]), bits(o[1]), f3, u, f4);
}

/* in a child: what a translator has learned of the loops there, the parent does not know */
static void apart(void (*fn)(const char *), const char *name)
{
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        fn(name);
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (status)
        printf("%s: status %x\n", name, status);
}

static void fill(void)
{
    for (int i = 0; i < N + 2; i++) data[i] = i + 1;
}

static void specials(void)
{
    static const struct { const char *name; uint64_t u; } special[] = {
        { "denormal", 1 }, { "-denormal", 0x800fffffffffffff }, { "zero", 0 }, { "-zero", 1ull << 63 }, { "inf", 0x7ffull << 52 }, { "-inf", 0xfffull << 52 },
        { "qnan", 0xfff8000000001234 }, { "snan", 0x7ff0000000004321 }, { "huge", 0x7fe1234567890abc }, { "tiny", 0x0010000000000000 }, { "third", 0x3fd5555555555555 }, { "-one", 0xbff0000000000000 },
    };
    fill();
    show("ordinary");
    show("ordinary");
    for (unsigned k = 0; k < sizeof special / sizeof *special; k++)
        for (int at = 0; at < N; at = at * 5 + 3) {
            char name[40];
            fill();
            memcpy(&data[at], &special[k].u, 8);
            snprintf(name, sizeof name, "%s at %d", special[k].name, at);
            apart(show, name);
        }
    for (unsigned mode = 0; mode < 4; mode++) {
        fill();
        for (int i = 0; i < N; i++) data[i] = 1.0 / (i + 3);
        _mm_setcsr(0x1f80 | mode << 13);
        double s = sum(data, N);
        printf("rounding %u: %016lx %x\n", mode, bits(s), _mm_getcsr());
        _mm_setcsr(0x1f80);
    }
}

/* --- a load that faults in the middle: the handler sees registers and address, then repairs --- */

static double *wall;
static int faults;

static void on_segv(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    uint64_t x0[2];
    memcpy(x0, &uc->uc_mcontext.fpregs->_xmm[0], 16);
    printf("fault %d at %ld, flags %x, x %016lx %016lx\n", faults, (long)((char *)si->si_addr - (char *)wall), uc->uc_mcontext.fpregs->mxcsr, x0[0], x0[1]);
    if (++faults > 20 || mprotect((char *)((uintptr_t)si->si_addr & -4096), 4096, PROT_READ | PROT_WRITE))
        _exit(3);
}

static void walls(const char *name)
{
    struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    wall = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 4 * 512; i++) wall[i] = i % 7 + 0.25;
    mprotect(wall + 512, 4096, PROT_NONE);
    mprotect(wall + 3 * 512, 4096, PROT_NONE);
    double s = sum(wall, 4 * 512);
    printf("sum %016lx\n", bits(s));
    mprotect(wall + 2 * 512, 4096, PROT_NONE);
    uint64_t nan = 0x7ff0000000000001;
    memcpy(&wall[600], &nan, 8);
    v2 p = products(wall, 4 * 512);
    printf("products %016lx %016lx %x\n", bits(p[0]), bits(p[1]), _mm_getcsr());
}

static void on_misaligned(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    printf("misaligned: code %d address %p, rest %lld\n", si->si_code, si->si_addr, uc->uc_mcontext.gregs[REG_RDX]);
    uc->uc_mcontext.gregs[REG_RDI] += 8;
}

static void misaligned(const char *name)
{
    struct sigaction sa = { .sa_sigaction = on_misaligned, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &sa, NULL);
    fill();
    for (int k = 0; k < 3; k++) {
        register const double *p __asm__("rdi") = data + k;
        register long n __asm__("rdx") = 256;
        v2 s = { 0, 0 };
        __asm__ volatile("1: addpd (%1), %0\n\t addpd 8(%1,%2,8), %0\n\t mulpd %0, %0\n\t add $16, %1\n\t sub $2, %2\n\t jnz 1b" : "+x"(s), "+r"(p), "+r"(n) : : "memory", "cc");
        (void)p;
        printf("%016lx %016lx\n", bits(s[0]), bits(s[1]));
        if (k == 0) fill();
    }
}

/* --- signals while a loop runs, whose sum may not change --- */

static volatile int ticks;
static void on_tick(int sig) { ticks++; volatile double x = 3; x = x / 7; }

static double many[1 << 16];

static void signals(const char *name)
{
    struct sigaction sa = { .sa_handler = on_tick };
    struct itimerval every = { { 0, 1500 }, { 0, 1500 } }, never = { 0 };
    int bad = 0;
    double first = sum(many, 1 << 16);
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (int k = 0; k < 4000 && ticks < 40; k++) bad += bits(sum(many, 1 << 16)) != bits(first);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("with signals, %s: %d wrong\n", name, bad);
}

int main(void)
{
    fill();
    show("first");
    for (int i = 0; i < 1 << 16; i++) many[i] = 1.0 / (i + 1);
    apart(signals, "ordinary");
    many[77] = 5e-324;
    apart(signals, "denormal");
    specials();
    apart(walls, "walls");
    apart(misaligned, "misaligned");
    apart(waits, "waits");
    return 0;
}
