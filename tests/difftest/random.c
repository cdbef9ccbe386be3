/* SPDX-License-Identifier: GPL-2.0-or-later
 * random.c: values for states: random bits, and often the corners where instructions differ. */
#include <string.h>
#include "difftest.h"

static uint64_t seed = 1;
uint64_t test_seed(uint64_t s) { uint64_t was = seed; seed = s * 2 + 1; return was; }
void test_resume(uint64_t position) { seed = position; }
uint64_t test_random(void)
{
    seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}
uint64_t test_below(uint64_t n) { return test_random() % n; }

uint64_t test_integer(void)
{
    static const uint64_t corner[] = { 0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
        0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffffe,
        0xaaaaaaaaaaaaaaaa, 0x5555555555555555, 0x0123456789abcdef, 0x00ff00ff00ff00ff, 0xffffffff80000000, 0xffffffffffffff80, 0xffffffffffff8000 };
    switch (test_below(4)) {
    case 0: return corner[test_below(sizeof corner / sizeof *corner)];
    case 1: { uint64_t v = test_random(); return v >> test_below(64); }
    case 2: { int64_t v = (int64_t)test_random(); return (uint64_t)(v >> test_below(64)); }
    default: return test_random();
    }
}

static uint64_t test_double(void)
{
    static const uint64_t corner[] = { 0, 1, 0xfffffffffffff, 0x10000000000000, 0x3ff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x4000000000000000, 0x7fefffffffffffff,
        0x7ff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000, 0x7ff8000000000123, 0x7ff4000000000777, 0x41dfffffffc00000, 0x41e0000000000000, 0x41dfffffffe00000, 0x43e0000000000000,
        0x43dfffffffffffff, 0x3fe0000000000000, 0x3fdfffffffffffff, 0x4330000000000001, 0x4340000000000000, 0x36a0000000000000, 0x47efffffe0000000, 0x47effffff0000000, 0x3810000000000000,
        0x380fffffffffffff, 0x3ff8000000000000, 0x4004000000000000, 0x400c000000000000 };
    uint64_t sign = test_random() & 1ull << 63, kind = test_below(5), e = test_below(400), m = test_random() >> 12;
    switch (kind) {
    case 0: case 1: return corner[e % (sizeof corner / sizeof *corner)] | sign;
    case 2: return sign | (1023 - 40 + e % 80) << 52 | m;
    case 3: return sign | (1023 - 3 + e % 40) << 52 | (m & ~0ull << test_below(52));
    default: return test_random();
    }
}

static uint32_t test_float(void)
{
    static const uint32_t corner[] = { 0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x3f800001, 0x3f7fffff, 0x40000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fc00123, 0x7fa00777,
        0x4effffff, 0x4f000000, 0x5f000000, 0x3f000000, 0x3effffff, 0x4b000001, 0x4b800000, 0x3fc00000, 0x40200000, 0x00800001, 0x1a000000, 0x5a000000 };
    uint32_t sign = (uint32_t)test_random() & 1u << 31, kind = (uint32_t)test_below(5), e = (uint32_t)test_below(400);
    uint32_t m = (uint32_t)test_random() >> 9;
    switch (kind) {
    case 0: case 1: return corner[e % (sizeof corner / sizeof *corner)] | sign;
    case 2: return sign | (127 - 20 + e % 40) << 23 | m;
    case 3: return sign | (127 - 3 + e % 36) << 23 | (m & ~0u << test_below(23));
    default: return (uint32_t)test_random();
    }
}

static struct x86_f80 test_f80(void)
{
    static const struct { uint16_t e; uint64_t m; } corner[] = { { 0, 0 }, { 0, 1 }, { 0, 0x7fffffffffffffff }, { 0, 1ull << 63 }, { 1, 1ull << 63 }, { 0x3fff, 1ull << 63 }, { 0x3fff, 1ull << 63 | 1 },
        { 0x3ffe, ~0ull }, { 0x7ffe, ~0ull }, { 0x7fff, 1ull << 63 }, { 0x7fff, 3ull << 62 }, { 0x7fff, 3ull << 62 | 0x55 }, { 0x7fff, 5ull << 61 }, { 0x403e, 1ull << 63 }, { 0x403d, ~0ull },
        { 0x401e, 1ull << 63 }, { 0x400e, 1ull << 63 }, { 0x3ffe, 1ull << 63 }, { 0x4000, 0xc90fdaa22168c235 }, { 0x3fff, 0x1234 }, { 0x7fff, 0 }, { 0x43fe, ~0ull }, { 0x3c01, 1ull << 63 }, { 0x3c00, 0xfffffffffffffc00 } };
    struct x86_f80 v = { 0 };
    unsigned k = (unsigned)test_below(4);
    unsigned i = (unsigned)test_below(sizeof corner / sizeof *corner);
    uint64_t m = test_random();
    if (k < 2) { v.mantissa = corner[i].m; v.sign_exp = corner[i].e; }
    else if (k == 2) { v.mantissa = m | 1ull << 63; v.sign_exp = (uint16_t)(0x3fff - 70 + test_below(140)); }
    else { v.sign_exp = (uint16_t)(0x3fff + test_below(66)); v.mantissa = (m & ~0ull << test_below(64)) | 1ull << 63; }
    v.sign_exp |= (uint16_t)(test_below(2) << 15);
    return v;
}

static void random_vectors(void *p, size_t size)
{
    uint8_t *b = p;
    for (size_t i = 0; i + 16 <= size; i += 16) {
        unsigned kind = (unsigned)test_below(5);
        for (unsigned k = 0; k < 16; k += 4) {
            if (kind == 0) { uint32_t v = test_float(); memcpy(b + i + k, &v, 4); }
            else if (kind == 1) { if (k & 4) continue; uint64_t v = test_double(); memcpy(b + i + k, &v, 8); }
            else if (kind == 2) { if (k & 4) continue; uint64_t v = test_integer(); memcpy(b + i + k, &v, 8); }
            else { uint64_t v = test_random(); if (kind == 4) { v &= test_random(); v &= test_random(); } memcpy(b + i + k, &v, 4); }
        }
    }
}

/* Nothing but the seed decides: recorded cases are made again from it. */
void test_random_state(uint32_t from, struct x86_state *s, uint8_t memory[WINDOW])
{
    uint64_t position = test_seed(from);
    x86_state_init(s);
    for (int i = 0; i < 16; i++) s->gpr[i] = test_integer();
    for (int i = 0; i < 16; i++) random_vectors(s->zmm[i].u8, 16);
    uint64_t flags = test_random() & 0x8d5, bits = test_random();
    x86_set_rflags(s, flags | (bits & 3 ? 0 : 0x400) | 2);
    s->mxcsr = 0x1f80 | (bits >> 2 & 3) << 13 | (bits & 0x30 ? 0 : 0x40) | (bits & 0xc0 ? 0 : 0x8000) | (bits & 0x100 ? 0 : bits >> 9 & 63);
    if (test_below(24) == 0) s->mxcsr ^= (uint32_t)test_below(64) << 7;
    for (int i = 0; i < 8; i++) s->st[i] = test_f80();
    bits = test_random();
    static const uint16_t precision[6] = { 3, 3, 3, 3, 2, 0 };
    s->fcw = (uint16_t)(0x7f | (bits & 3) << 10 | precision[(bits >> 2 & 0xff) % 6] << 8);
    if (test_below(24) == 0) s->fcw ^= (uint16_t)test_below(64);
    s->fsw = (uint16_t)((bits >> 10 & 7) << 11 | (bits >> 16 & 0x4700));
    s->ftw = (uint8_t)(bits >> 40 & 3 ? 0xff : bits >> 48);
    for (int i = 0; i < 6; i++) s->seg[i] = 0;
    random_vectors(memory, WINDOW);
    test_resume(position);
}

