/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers_sse.c: the few SSE instructions that are not worth IR operations: string compares, masked stores, and
 * the check of MXCSR's reserved bits. Manual: Intel SDM volume 2, 4.1 (string compares).
 */
#include <string.h>
#include "guest/lift_internal.h"
#include "guest/probe.h"

uint64_t x86_helper_mxcsr_check(void *state, uint64_t value, uint64_t b, uint64_t c, uint64_t d)
{
    if (value & ~0xffffull)
        x86_gp_fault(state);
    return 0;
}

uint64_t x86_helper_mask_store(void *state, uint64_t address, uint64_t low, uint64_t high, uint64_t mask)
{
    if (mask) {
        uint64_t first = address + (unsigned)__builtin_ctzll(mask), last = address + 63 - (unsigned)__builtin_clzll(mask);
        x86_ask_to_write(first, (unsigned)(last - first) + 1);
    }
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (unsigned i = 0; i < 16; i++)
        if (mask >> i & 1)
            *(volatile uint8_t *)(uintptr_t)ir_mem_at(address + i, 1, true) = (uint8_t)((i < 8 ? low : high) >> 8 * (i & 7));
    return 0;
}

/* --- string compares --- */
enum { CMP_WORDS = 1, CMP_SIGNED = 2, CMP_ANY = 0, CMP_RANGES = 1, CMP_EACH = 2, CMP_ORDERED = 3, CMP_NEGATE = 0x10,
       CMP_MASKED = 0x20, CMP_HIGH = 0x40 };

struct text { int e[16]; unsigned len; };

static void unpack(struct text *t, const uint8_t bytes[16], unsigned how)
{
    for (unsigned i = 0; i < 16; i++) {
        uint16_t w = 0;
        if (how & CMP_WORDS) {
            memcpy(&w, bytes + 2 * (i & 7), 2);
            t->e[i] = how & CMP_SIGNED ? (int16_t)w : w;
        } else {
            t->e[i] = how & CMP_SIGNED ? (int8_t)bytes[i] : bytes[i];
        }
    }
}

static unsigned implicit_length(const struct text *t, unsigned n)
{
    unsigned i = 0;
    while (i < n && t->e[i])
        i++;
    return i;
}

static unsigned explicit_length(uint64_t reg, bool wide, unsigned n)
{
    int64_t v = wide ? (int64_t)reg : (int32_t)reg;
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    return size < n ? (unsigned)size : n;
}

/* Is element j of the scanned text in the set, or in one of the ranges? */
static bool in_set(const struct text *set, const struct text *t, unsigned j, bool ranges)
{
    if (j >= t->len)
        return false;
    for (unsigned i = 0; i + ranges < set->len; i += 1 + ranges)
        if (ranges ? set->e[i] <= t->e[j] && t->e[j] <= set->e[i + 1] : set->e[i] == t->e[j])
            return true;
    return false;
}

static bool same_at(const struct text *a, const struct text *t, unsigned j)
{
    if (j >= a->len || j >= t->len)
        return j >= a->len && j >= t->len;
    return a->e[j] == t->e[j];
}

/* Does the pattern start at j (as far as both reach)? */
static bool starts_at(const struct text *pattern, const struct text *t, unsigned j, unsigned n)
{
    for (unsigned i = 0; i < pattern->len && i + j < n; i++)
        if (i + j >= t->len || pattern->e[i] != t->e[i + j])
            return false;
    return true;
}

static unsigned aggregate(const struct text *a, const struct text *t, unsigned n, unsigned how)
{
    unsigned r = 0;
    for (unsigned j = 0; j < n; j++) {
        bool hit = false;
        switch (how >> 2 & 3) {
        case CMP_ANY: hit = in_set(a, t, j, false); break;
        case CMP_RANGES: hit = in_set(a, t, j, true); break;
        case CMP_EACH: hit = same_at(a, t, j); break;
        case CMP_ORDERED: hit = starts_at(a, t, j, n); break;
        }
        r |= (unsigned)hit << j;
    }
    if (how & CMP_NEGATE)
        r ^= (how & CMP_MASKED ? (1u << t->len) - 1 : (1u << n) - 1);
    return r;
}

static void write_mask(struct x86_state *s, unsigned r, unsigned n, unsigned how)
{
    union x86_vec *x = &s->zmm[0];
    x->u64[0] = x->u64[1] = 0;
    if (!(how & CMP_HIGH)) {
        x->u16[0] = (uint16_t)r;
        return;
    }
    for (unsigned i = 0; i < 16; i++)
        x->u8[i] = r >> (n == 8 ? i / 2 : i) & 1 ? 0xff : 0;
}

/* how: imm8, 8..11 number of the first operand, 16 explicit lengths, 17 mask result, 18 REX.W. The second operand is (low, high). */
uint64_t x86_helper_pcmpstr(void *state, uint64_t how, uint64_t low, uint64_t high, uint64_t d)
{
    struct x86_state *s = state;
    unsigned imm = how & 0xff, n = imm & CMP_WORDS ? 8 : 16;
    bool wide = how >> 18 & 1;
    uint64_t second[2] = { low, high };
    struct text a, t;
    unpack(&a, s->zmm[how >> 8 & 15].u8, imm);
    unpack(&t, (const uint8_t *)second, imm);
    a.len = how >> 16 & 1 ? explicit_length(s->gpr[X86_RAX], wide, n) : implicit_length(&a, n);
    t.len = how >> 16 & 1 ? explicit_length(s->gpr[X86_RDX], wide, n) : implicit_length(&t, n);
    unsigned r = aggregate(&a, &t, n, imm), index = n;
    if (r)
        index = imm & CMP_HIGH ? 31u - (unsigned)__builtin_clz(r) : (unsigned)__builtin_ctz(r);
    if (how >> 17 & 1)
        write_mask(s, r, n, imm);
    unsigned flags = (r ? IR_FLAG_C : 0) | (t.len < n ? IR_FLAG_Z : 0) | (a.len < n ? IR_FLAG_S : 0) | (r & 1 ? IR_FLAG_O : 0);
    return flags | (uint64_t)index << 32;
}
