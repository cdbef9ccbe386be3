/* SPDX-License-Identifier: GPL-2.0-or-later
 * kernels.c: twelve short kernels. `kernels NAME [TIMES]` runs one and prints a number that depends on all of its work; without arguments, all.
 * `kernels NAME TIMES PARTS` does that PARTS times and prints on stderr the nanoseconds of processor time that one run took in the quickest part.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <emmintrin.h>

enum { N = 4096 };
static uint64_t words[N];
static double reals[N];
static unsigned char text[N + 1], other[N + 1];
static struct node { struct node *next; uint64_t v; } nodes[N];

static uint64_t integers(void) { uint64_t s = 1; for (int i = 0; i < N; i++) { s ^= s << 13; s ^= s >> 7; s ^= s << 17; words[i] += s % 1001; } return s + words[N / 2]; }
static uint64_t doubles(void) { double s = 0; for (int i = 1; i < N; i++) { reals[i] = reals[i] * 0.5 + 1.0 / i; s += reals[i] * reals[i - 1]; } return (uint64_t)(s * 1e9); }
static uint64_t vectors(void)
{
    __m128i s = _mm_setzero_si128();
    for (int i = 0; i < N; i += 16) {
        __m128i a = _mm_loadu_si128((void *)(text + i)), b = _mm_loadu_si128((void *)(other + i));
        s = _mm_add_epi64(s, _mm_sad_epu8(_mm_max_epu8(a, b), _mm_avg_epu8(a, b)));
    }
    return (uint64_t)_mm_cvtsi128_si64(s) + (uint64_t)_mm_cvtsi128_si64(_mm_srli_si128(s, 8));
}
static uint64_t branches(void) { uint64_t s = 0; for (int i = 0; i < N; i++) { unsigned c = text[i]; if (c < 64) s += c; else if (c < 128) s ^= c; else if (c & 1) s *= 3; else s -= c; } return s; }
__attribute__((noinline)) static uint64_t mix(uint64_t a, uint64_t b) { return (a ^ b) * 0x9e3779b97f4a7c15u + (a >> 29); }
static uint64_t calls(void) { uint64_t s = 0; for (int i = 0; i < N; i++) s = mix(s, words[i]); return s; }
static uint64_t fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static uint64_t recursion(void) { return fib(15); }
static uint64_t add(uint64_t a, uint64_t b) { return a + b; }
static uint64_t rotate(uint64_t a, uint64_t b) { return (a << 7 | a >> 57) ^ b; }
static uint64_t scale(uint64_t a, uint64_t b) { return a * 5 + b; }
static uint64_t (*volatile const function[])(uint64_t, uint64_t) = { add, rotate, scale };
static uint64_t indirect(void) { uint64_t s = 0; for (int i = 0; i < N; i++) s = function[text[i] % 3](s, words[i]); return s; }
static uint64_t strings(void) { uint64_t s = 0; for (unsigned char *p = text; *p; p++) s = s * 31 + (*p == other[p - text] ? 1 : *p); return s; }
static uint64_t memory(void) { memmove(other + 1, other, N - 1); memcpy(text + 64, other, 512); return text[100] + other[1000] + (uint64_t)memcmp(text, other, N); }
static uint64_t lists(void) { uint64_t s = 0; for (struct node *p = nodes; p; p = p->next) s += p->v ^ s >> 3; return s; }
static uint64_t bytes(void) { unsigned carry = 0; for (int i = N; i-- > 0;) { unsigned d = other[i] + text[i] % 10 + carry; carry = d > 9; other[i] = (unsigned char)(carry ? d - 10 : d) % 10; } return carry + other[7]; }
static uint64_t divisions(void) { uint64_t s = 0; for (int i = 1; i < N; i++) s += (words[i] | 1) * 1000003 / (unsigned)(i | 1) + (uint32_t)s % (unsigned)i; return s; }

static const struct { const char *name; uint64_t (*fn)(void); } kernels[] = {
    { "integers", integers }, { "doubles", doubles }, { "vectors", vectors }, { "branches", branches }, { "calls", calls }, { "recursion", recursion },
    { "indirect", indirect }, { "strings", strings }, { "memory", memory }, { "lists", lists }, { "bytes", bytes }, { "divisions", divisions },
};

static void prepare(void)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < N; i++) {
        x ^= x << 13; x ^= x >> 7; x ^= x << 17;
        words[i] = x;
        reals[i] = (double)(x & 1023);
        text[i] = (unsigned char)(x >> 20) | 1;
        other[i] = (unsigned char)(x >> 33);
        nodes[i] = (struct node){ i + 1 < N ? &nodes[i + 1] : NULL, x };
    }
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t run(unsigned k, unsigned long times, unsigned long parts)
{
    uint64_t s = 0, least = UINT64_MAX;
    for (unsigned long p = 0; p < parts; p++) {
        uint64_t start = now();
        for (unsigned long i = 0; i < times; i++)
            s = s * 33 + kernels[k].fn();
        uint64_t took = now() - start;
        least = took < least ? took : least;
    }
    if (parts > 1)
        fprintf(stderr, "%s %.1f\n", kernels[k].name, (double)least / (double)times);
    return s;
}

int main(int argc, char **argv)
{
    unsigned long times = argc > 2 ? strtoul(argv[2], NULL, 0) : 2000, parts = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
    for (unsigned k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        if (argc > 1 && strcmp(argv[1], kernels[k].name))
            continue;
        prepare();
        printf("%s %llu\n", kernels[k].name, (unsigned long long)run(k, times, parts));
    }
}
