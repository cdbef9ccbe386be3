/* SPDX-License-Identifier: GPL-2.0-or-later
 * x87_loops: loops of x87 and MMX instructions, which get hot, over usual numbers and, now and then, others: zeros, denormals, infinities, NaNs, a full
 * stack; results that go beyond the format; other rounding, less precision; flags and pointers of the unit at the end. */
#include <fenv.h>
#include <mmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef union { long double v; struct { uint64_t mantissa; uint16_t top; } __attribute__((packed)) p; } number;
enum { N = 512 };
static number in[N], out[N];
static uint64_t seed = 88172645463325252ull, sum;
static uint64_t rnd(void) { seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17; return seed; }
static void take(const void *p, size_t n) { for (size_t i = 0; i < n; i++) sum = (sum ^ ((const uint8_t *)p)[i]) * 0x100000001b3ull; }

static void fill(unsigned rare) {
    for (int i = 0; i < N; i++) {
        in[i].p.mantissa = rnd() | 1ull << 63;
        in[i].p.top = (uint16_t)(0x3fff - 8 + rnd() % 16) | (uint16_t)(rnd() & 0x8000);
        if (rnd() % rare) continue;
        switch (rnd() % 7) {
        case 0: in[i].p.mantissa = 0; in[i].p.top &= 0x8000; break;
        case 1: in[i].p.mantissa >>= 1 + rnd() % 62; in[i].p.top &= 0x8000; break;
        case 2: in[i].p.mantissa = 1ull << 63; in[i].p.top |= 0x7fff; break;
        case 3: in[i].p.top |= 0x7fff; break;
        case 4: in[i].p.top |= 0x7ff0; break;
        case 5: in[i].p.top &= 0x800f; break;
        default: in[i].p.mantissa = 1ull << 63; in[i].p.top = 0x3fff;
        }
    }
}
static void take_all(void) { for (int i = 0; i < N; i++) take(&out[i], 10); }
static void arithmetic(void) {
    for (int i = 0; i < N; i++) {
        long double a = in[i].v, b = in[(i + 1) % N].v;
        out[i].v = (a + b) * a - b / a + (a - b);
    }
    take_all();
}
static void narrow(void) {
    for (int i = 0; i < N; i++) {
        double d = (double)in[i].v; float f = (float)in[i].v;
        int64_t q; int32_t l; int16_t w;
        __asm__ volatile("fldt %3\n\tfistl %1\n\tfists %2\n\tfistpll %0" : "=m"(q), "=m"(l), "=m"(w) : "m"(in[i]));
        out[i].v = (long double)d + f + (long double)l * w;
        take(&q, 8);
    }
    take_all();
}
static void compare(void) {
    int n[4] = { 0 };
    for (int i = 0; i < N; i++) {
        long double a = in[i].v, b = in[(i * 7) % N].v;
        n[0] += a < b; n[1] += a == b; n[2] += !(a >= b);
        out[i].v = a > b ? a : -b;
        n[3] += __builtin_fabsl(a) > 1;
    }
    take(n, sizeof n);
    take_all();
}
static void truncate_all(void) {
    for (int i = 0; i < N; i++) {
        long double a = in[i].v;
        int64_t q = a > -1e15L && a < 1e15L ? (int64_t)a : i;
        take(&q, 8);
    }
}
static void full(void) {
    for (int i = 0; i < 200; i++) {
        number r;
        int n = i % 50 ? 7 : 9;
        for (int k = 0; k < n; k++) __asm__ volatile("fld1");
        for (int k = 1; k < 7; k++) __asm__ volatile("faddp");
        __asm__ volatile("fstpt %0\n\tfninit" : "=m"(r));
        take(&r, 10);
    }
}
static void mmx(void) {
    __m64 a = _mm_setr_pi16(1, 2, 3, 4), b = a;
    for (int i = 0; i < 2000; i++) {
        long double l = i;
        b = _mm_add_pi16(_mm_mullo_pi16(b, a), _mm_set1_pi16((short)i));
        if (i % 3 == 0) { uint64_t w = (uint64_t)_mm_cvtm64_si64(b); _mm_empty(); l = l * 3 + 1; take(&l, 10); b = _mm_cvtsi64_m64((long long)w); }
    }
    uint64_t w = (uint64_t)_mm_cvtm64_si64(b);
    _mm_empty();
    take(&w, 8);
}
int main(void) {
    static const uint16_t words[] = { 0x37f, 0x27f, 0x07f, 0xf7f, 0xb7f, 0x77f };
    for (unsigned rare = 1; rare < 2000; rare *= 10)
        for (int round = 0; round < 60; round++) {
            uint16_t cw = words[round % 4 ? 0 : rnd() % 6], status;
            fill(rare);
            __asm__ volatile("fninit\n\tfldcw %0" : : "m"(cw));
            arithmetic(); narrow(); compare(); truncate_all();
            __asm__ volatile("fnstsw %0" : "=a"(status));
            take(&status, 2);
            if (round % 20 == 19) printf("%u %d: status %04x sum %016llx\n", rare, round, status, (unsigned long long)sum);
        }
    full();
    mmx();
    __asm__ volatile("fninit");
    printf("sum %016llx\n", (unsigned long long)sum);
    return 0;
}
