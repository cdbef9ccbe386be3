/* SPDX-License-Identifier: GPL-2.0-or-later
 * repeated.c: REP MOVS and REP STOS in all widths: faults in the middle (registers, what has been done, going on afterwards), upwards and
 * downwards, over themselves, and more elements than are done at once.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { PAGE = 65536, SIZE = 3 * PAGE, BIG = 16 << 20 };      /* the page in the middle is out of reach at first */
static unsigned char *area;
static uint64_t sum;

static void caught(int sig, siginfo_t *info, void *context)
{
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("  fault: rsi %ld, rdi %ld, rcx %ld, rax %lx, address %ld, code %d\n", (long)(g[REG_RSI] - (greg_t)area), (long)(g[REG_RDI] - (greg_t)area),
           (long)g[REG_RCX], (long)g[REG_RAX], (long)((unsigned char *)info->si_addr - area), info->si_code);
    mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE);
}

#define REPEATED(name, text) static void name(void *to, const void *from, long n, long v) \
    { __asm__ volatile(text : "+D"(to), "+S"(from), "+c"(n), "+a"(v) : : "memory"); sum += (uint64_t)to - (uint64_t)area + n * 7 + v; }
REPEATED(movsb, "rep movsb") REPEATED(movsw, "rep movsw") REPEATED(movsl, "rep movsl") REPEATED(movsq, "rep movsq")
REPEATED(stosb, "rep stosb") REPEATED(stosw, "rep stosw") REPEATED(stosl, "rep stosl") REPEATED(stosq, "rep stosq")
REPEATED(down_b, "std; rep movsb; cld") REPEATED(down_q, "std; rep movsq; cld") REPEATED(down_sl, "std; rep stosl; cld")
static const struct { const char *name; void (*fn)(void *to, const void *from, long n, long v); int size, step; } forms[] = {
    { "movsb", movsb, 1, 1 }, { "movsw", movsw, 2, 1 }, { "movsl", movsl, 4, 1 }, { "movsq", movsq, 8, 1 }, { "stosb", stosb, 1, 1 }, { "stosw", stosw, 2, 1 },
    { "stosl", stosl, 4, 1 }, { "stosq", stosq, 8, 1 }, { "movsb down", down_b, 1, -1 }, { "movsq down", down_q, 8, -1 }, { "stosl down", down_sl, 4, -1 } };

static uint64_t digest(const unsigned char *p, size_t n, size_t step)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i += step)
        x = x * 31 + p[i];
    return x;
}

/* the edge is met by the target (or the source) at element 21 (37) */
static void meet_edge(unsigned k, int source)
{
    for (int i = 0; i < SIZE; i++)
        area[i] = (unsigned char)(i * 7 + k);
    mprotect(area + PAGE, PAGE, PROT_NONE);
    unsigned char *edge = forms[k].step > 0 ? area + PAGE : area + 2 * PAGE, *near = forms[k].step > 0 ? area + 200 : area + SIZE - 200;
    long n = 300, to_edge = (source ? 37 : 21) * forms[k].size * forms[k].step;
    printf("%s, %s\n", forms[k].name, source ? "source" : "target");
    forms[k].fn(source ? near : edge - to_edge, source ? edge - to_edge : near, n, 0x1122334455667788 + k);
    mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE);
    printf("  %lx %lx\n", (long)digest(area, SIZE, 1), (long)sum);
}

static void overlapping(unsigned k)
{
    for (int d = 0; d < 40; d += 3) {
        for (int i = 0; i < SIZE / 8; i++)
            area[i] = (unsigned char)(i * 13 + k);
        forms[k].fn(area + 5000 + d, area + 5000, 2000 / forms[k].size, 5);
        forms[k].fn(area + 15000 - d, area + 15000, 2000 / forms[k].size, 6);
        forms[k].fn(area, area, 0, 7);
        printf("%s over itself by %d: %lx %lx\n", forms[k].name, d, (long)digest(area, SIZE / 8, 1), (long)sum);
    }
}

int main(void)
{
    struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
    unsigned char *big = calloc(1, BIG), *p = mmap(NULL, SIZE + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area = (unsigned char *)(((uintptr_t)p + PAGE - 1) & -(uintptr_t)PAGE);
    sigaction(SIGSEGV, &a, NULL);
    for (unsigned k = 0; k < sizeof forms / sizeof *forms; k++)
        for (int source = 0; source < 2; source++)
            meet_edge(k, source);
    for (unsigned k = 0; k < sizeof forms / sizeof *forms; k++)
        overlapping(k);
    for (int i = 0; i < 1 << 18; i++)
        big[i] = (unsigned char)(i * 11);
    movsb(big + (1 << 18), big, BIG / 2 - 1, 0);
    stosq(big + (1 << 20), big, 1 << 19, 0x0102030405060708);
    printf("long ones: %lx\n", (long)digest(big, BIG, 611));
    return 0;
}
