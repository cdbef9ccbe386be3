/* SPDX-License-Identifier: GPL-2.0-or-later
 * asm.c: the encodings with choices: immediates, addresses, jumps.
 */
#include "host/aarch64/asm.h"

/* --- immediates --- */

/* A run of ones, rotated, repeated (C6.2, "bitmask immediate"). v is 64 bits wide here; 32-bit values come repeated. */
static bool bitmask(uint64_t v, uint32_t *bits)
{
    if (v == 0 || v == ~0ull)
        return false;
    unsigned size = 64;
    while (size > 2) {
        unsigned half = size / 2;
        uint64_t mask = (1ull << half) - 1;
        if ((v & mask) != (v >> half & mask))
            break;
        size = half;
    }
    uint64_t mask = size == 64 ? ~0ull : (1ull << size) - 1, e = v & mask;
    unsigned ones = (unsigned)__builtin_popcountll(e), top = (unsigned)__builtin_clzll(~(e << (64 - size)));
    unsigned rot = !(e & 1) ? (unsigned)__builtin_ctzll(e) : top ? size - top : 0;      /* to the right: the run would stand at bit 0 */
    if ((rot ? (e >> rot | e << (size - rot)) & mask : e) != (1ull << ones) - 1)
        return false;
    unsigned immr = (size - rot) % size, imms = (~(size * 2 - 1) & 0x3f) | (ones - 1);
    *bits = (size == 64 ? 1u << 22 : 0) | immr << 16 | (imms & 0x3f) << 10;
    return true;
}

bool asm_logic_bits(bool x, uint64_t v, uint32_t *bits)
{
    return bitmask(x ? v : (v & 0xffffffff) | v << 32, bits);
}

bool asm_logic_imm(struct asm_buf *a, bool x, uint32_t op, unsigned d, unsigned n, uint64_t v)
{
    uint32_t bits, imm = op == A_AND ? 0x12000000 : op == A_ORR ? 0x32000000 : op == A_EOR ? 0x52000000 : 0x72000000;
    if (!asm_logic_bits(x, v, &bits))
        return false;
    asm_put(a, imm | (x ? A_X : 0) | bits | n << 5 | d);
    return true;
}

static unsigned halves(uint64_t v, unsigned other)
{
    unsigned n = 0;
    for (unsigned k = 0; k < 4; k++)
        n += (v >> 16 * k & 0xffff) != other;
    return n;
}

void asm_imm(struct asm_buf *a, unsigned d, uint64_t v)
{
    enum { MOVZ = 0x52800000, MOVN = 0x12800000, MOVK = 0x72800000 };
    unsigned zeros = halves(v, 0), ones = halves(v, 0xffff);
    bool x = v >> 32 != 0, invert = ones < zeros, first = true;
    if (zeros > 1 && ones > 1 && asm_logic_imm(a, true, A_ORR, d, ZR, v))
        return;
    if (!x && zeros > 1 && (v & 0xffff0000) == 0xffff0000) {          /* 32 bits, inverted */
        asm_put(a, MOVN | (uint32_t)(~v & 0xffff) << 5 | d);
        return;
    }
    if (!x)
        invert = false;
    for (unsigned k = 0; k < 4; k++) {
        uint32_t h = v >> 16 * k & 0xffff;
        if (h == (invert ? 0xffffu : 0))
            continue;
        uint32_t op = !first ? MOVK : invert ? MOVN : MOVZ;
        asm_put(a, op | (x ? A_X : 0) | k << 21 | (first && invert ? ~h & 0xffff : h) << 5 | d);
        first = false;
    }
    if (first)
        asm_put(a, (invert ? MOVN | A_X : MOVZ) | d);
}

bool asm_add_fits(int64_t v)
{
    uint64_t m = v < 0 ? -(uint64_t)v : (uint64_t)v;
    return m < 4096 || (m < 1 << 24 && (m & 4095) == 0);
}

void asm_add_imm(struct asm_buf *a, bool x, bool sub, bool flags, unsigned d, unsigned n, int64_t v)
{
    uint64_t m = v < 0 ? -(uint64_t)v : (uint64_t)v;
    sub ^= v < 0;
    uint32_t shifted = m >= 4096 ? 1u << 22 : 0;
    asm_put(a, 0x11000000 | (x ? A_X : 0) | (sub ? 1u << 30 : 0) | (flags ? 1u << 29 : 0) | shifted | (uint32_t)(shifted ? m >> 12 : m) << 10 | n << 5 | d);
}

/* --- memory --- */

static uint32_t access(bool load, bool vec, unsigned log2)
{
    uint32_t w = (vec ? 1u << 26 : 0) | (load ? 1u << 22 : 0);
    return log2 == 4 ? w | 1u << 23 : w | log2 << 30;
}

bool asm_offset_fits(unsigned log2, int64_t offset)
{
    return (offset >= -256 && offset < 256) || (offset >= 0 && (offset & ((1 << log2) - 1)) == 0 && offset >> log2 < 4096);
}

void asm_mem(struct asm_buf *a, bool load, bool vec, unsigned log2, unsigned t, unsigned base, int64_t offset)
{
    uint32_t w = access(load, vec, log2) | base << 5 | t;
    if (offset >= 0 && (offset & ((1 << log2) - 1)) == 0)
        asm_put(a, w | 0x39000000 | (uint32_t)(offset >> log2) << 10);
    else
        asm_put(a, w | 0x38000000 | ((uint32_t)offset & 0x1ff) << 12);
}

void asm_mem_index(struct asm_buf *a, bool load, bool vec, unsigned log2, unsigned t, unsigned base, unsigned index, bool scaled)
{
    asm_put(a, access(load, vec, log2) | 0x38206800 | (scaled ? 1u << 12 : 0) | index << 16 | base << 5 | t);
}

void asm_prefetch(struct asm_buf *a, unsigned hint, unsigned base, int64_t offset)
{
    uint32_t at = offset >= 0 && offset % 8 == 0 ? 0x01000000 | (uint32_t)(offset / 8) << 10 : ((uint32_t)offset & 0x1ff) << 12;
    asm_put(a, 0xf8800000 | at | base << 5 | hint);
}

void asm_prefetch_index(struct asm_buf *a, unsigned hint, unsigned base, unsigned index, bool scaled)
{
    asm_put(a, 0xf8a06800 | (scaled ? 1u << 12 : 0) | index << 16 | base << 5 | hint);
}

void asm_mem_step(struct asm_buf *a, bool load, bool vec, unsigned log2, unsigned t, unsigned base, int64_t by, bool before)
{
    asm_put(a, access(load, vec, log2) | 0x38000400 | (before ? 1u << 11 : 0) | ((uint32_t)by & 0x1ff) << 12 | base << 5 | t);
}

void asm_load_signed_step(struct asm_buf *a, bool x, unsigned log2, unsigned t, unsigned base, int64_t by)
{
    asm_put(a, log2 << 30 | (x ? 2u << 22 : 3u << 22) | 0x38000400 | ((uint32_t)by & 0x1ff) << 12 | base << 5 | t);
}

void asm_load_signed_index(struct asm_buf *a, bool x, unsigned log2, unsigned t, unsigned base, unsigned index, bool scaled)
{
    asm_put(a, 0x38206800 | log2 << 30 | (x ? 2u : 3u) << 22 | index << 16 | (scaled ? 1u : 0) << 12 | base << 5 | t);
}

void asm_load_signed(struct asm_buf *a, bool x, unsigned log2, unsigned t, unsigned base, int64_t offset)
{
    uint32_t w = log2 << 30 | (x ? 2u << 22 : 3u << 22) | base << 5 | t;
    if (offset >= 0 && (offset & ((1 << log2) - 1)) == 0)
        asm_put(a, w | 0x39000000 | (uint32_t)(offset >> log2) << 10);
    else
        asm_put(a, w | 0x38000000 | ((uint32_t)offset & 0x1ff) << 12);
}

/* --- jumps --- */

void asm_b(struct asm_buf *a, uint64_t to) { asm_put(a, 0x14000000 | ((uint32_t)((int64_t)(to - asm_here(a)) >> 2) & 0x3ffffff)); }
void asm_bl(struct asm_buf *a, uint64_t to) { asm_put(a, 0x94000000 | ((uint32_t)((int64_t)(to - asm_here(a)) >> 2) & 0x3ffffff)); }

uint8_t *asm_jump(struct asm_buf *a, uint32_t word)
{
    uint8_t *p = a->p;
    asm_put(a, word);
    return p;
}

void asm_land_at(const struct asm_buf *a, uint8_t *jump, const uint8_t *to)
{
    uint32_t w;
    int32_t d = (int32_t)((to - jump) >> 2);
    memcpy(&w, jump, 4);
    if ((w & 0x7c000000) == J_B)
        w = (w & 0xfc000000) | ((uint32_t)d & 0x3ffffff);
    else if ((w & 0x7e000000) == J_TBZ)
        w = (w & 0xfff8001f) | ((uint32_t)d & 0x3fff) << 5;
    else                                               /* conditional, compare and branch, adr of words */
        w = (w & 0xff00001f) | ((uint32_t)d & 0x7ffff) << 5;
    memcpy(jump, &w, 4);
    (void)a;
}

void asm_adr(struct asm_buf *a, unsigned d, int64_t distance)
{
    asm_put(a, 0x10000000 | ((uint32_t)distance & 3) << 29 | ((uint32_t)(distance >> 2) & 0x7ffff) << 5 | d);
}
