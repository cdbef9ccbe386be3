/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers_string.c: repeated string instructions. Manual: Intel SDM volume 1, 7.3.9.3, volume 2 REP.
 * Each call does at most BUDGET elements or bytes and returns 1 when some are left.
 * What must stay true:
 *  S1 at any access that may fault, rsi, rdi and rcx in the state are those of the element that it belongs to
 *  S2 the result is that of one element after the other, also where source and destination overlap
 * A piece stays inside one 4 KiB page of each pointer. Its first element is moved alone, with the state exact: if that
 * does not fault, the rest of the page does not.
 */
#include <string.h>
#include "guest/lift_internal.h"
#include "guest/probe.h"
#include "guest/string_control.h"

enum { PAGE = 4096, BUDGET = 1 << 16 };

struct string {
    struct x86_state *s;
    uint64_t mask, base;         /* of addresses; of the source segment */
    unsigned size;
    int64_t step;                /* size, or its negative */
    bool while_ne;
};

static struct string string_of(void *state, uint64_t control, uint64_t base)
{
    struct x86_state *s = state;
    unsigned size = control & X86_STRING_SIZE;
    return (struct string){ s, control & X86_STRING_ADDR32 ? UINT32_MAX : UINT64_MAX, base, size,
                            s->df ? -(int64_t)size : (int64_t)size, (control & X86_STRING_WHILE_NE) != 0 };
}

static uint64_t count_of(const struct string *c) { return c->s->gpr[X86_RCX] & c->mask; }
static uint64_t source_of(const struct string *c) { return c->base + (c->s->gpr[X86_RSI] & c->mask); }
static uint64_t target_of(const struct string *c) { return c->s->gpr[X86_RDI] & c->mask; }

static void advance(const struct string *c, unsigned reg, uint64_t n)
{
    c->s->gpr[reg] = (c->s->gpr[reg] + (uint64_t)c->step * n) & c->mask;
}
static void count_down(const struct string *c, uint64_t n)
{
    c->s->gpr[X86_RCX] = (count_of(c) - n) & c->mask;
}

/* --- one element; types that may alias and be misaligned, accessed at their own width so that a fault comes before any effect --- */

typedef uint16_t unaligned16 __attribute__((aligned(1), may_alias));
typedef uint32_t unaligned32 __attribute__((aligned(1), may_alias));
typedef uint64_t unaligned64 __attribute__((aligned(1), may_alias));

static uint64_t load(uint64_t guest, unsigned size)
{
    uint64_t v = 0, addr = ir_mem_at(guest, size, false);
    switch (addr == IR_MEM_SPLIT && size > 1 ? 0 : size) {
    case 0:  x86_read_memory(&v, guest, size); return v;
    case 1:  return *(volatile uint8_t *)addr;
    case 2:  return *(volatile unaligned16 *)addr;
    case 4:  return *(volatile unaligned32 *)addr;
    default: return *(volatile unaligned64 *)addr;
    }
}

static void store(uint64_t guest, uint64_t v, unsigned size)
{
    uint64_t addr = ir_mem_at(guest, size, true);
    switch (addr == IR_MEM_SPLIT && size > 1 ? 0 : size) {
    case 0:  x86_write_memory(guest, &v, size); break;
    case 1:  *(volatile uint8_t *)addr = (uint8_t)v; break;
    case 2:  *(volatile unaligned16 *)addr = (uint16_t)v; break;
    case 4:  *(volatile unaligned32 *)addr = (uint32_t)v; break;
    default: *(volatile unaligned64 *)addr = v; break;
    }
}

/* How many of n elements upwards from addr lie wholly in its page; at least 1 */
static uint64_t in_page(uint64_t addr, uint64_t n, unsigned size)
{
    uint64_t fit = (PAGE - (addr & (PAGE - 1))) / size;
    return fit == 0 ? 1 : fit < n ? fit : n;
}

/* --- MOVS --- */

/* elements upwards, as if one by one */
static void copy_up(uint64_t to, uint64_t from, uint64_t bytes, unsigned size)
{
    uint64_t ahead = to - from, at = ir_mem_at(to, 1, true);
    bool same_page = !((to ^ from) & ~(uint64_t)(PAGE - 1));
    uint64_t source = same_page ? at + (from - to) : ir_mem_at(from, 1, false);        /* one view of bytes that overlap */
    if (ahead >= bytes)                  /* also when `to` is below */
        memmove((void *)at, (const void *)source, bytes);
    else if (ahead >= 16 && ahead >= size)
        for (uint64_t done = 0; done < bytes; done += ahead)     /* what was written is read again */
            memcpy((void *)(at + done), (const void *)(source + done), bytes - done < ahead ? bytes - done : ahead);
    else
        for (uint64_t done = 0; done < bytes; done += size)
            store(to + done, load(from + done, size), size);
}

static void move_one(const struct string *c)
{
    store(target_of(c), load(source_of(c), c->size), c->size);
    advance(c, X86_RSI, 1);
    advance(c, X86_RDI, 1);
    count_down(c, 1);
}

uint64_t x86_helper_rep_movs(void *state, uint64_t control, uint64_t base, uint64_t unused2, uint64_t unused3)
{
    struct string c = string_of(state, control, base);
    for (uint64_t left, done = 0; (left = count_of(&c)) != 0; ) {
        if (done >= BUDGET)
            return 1;
        uint64_t n = c.step < 0 ? 1 : in_page(source_of(&c), in_page(target_of(&c), left, c.size), c.size);
        move_one(&c);
        done += n * c.size;
        if (--n == 0)
            continue;
        copy_up(target_of(&c), source_of(&c), n * c.size, c.size);
        advance(&c, X86_RSI, n);
        advance(&c, X86_RDI, n);
        count_down(&c, n);
    }
    return 0;
}

/* --- STOS --- */

static void fill_up(uint64_t guest, uint64_t v, uint64_t n, unsigned size)
{
    uint64_t to = ir_mem_at(guest, 1, true);
    switch (size) {
    case 1:  memset((void *)to, (int)(v & 0xff), n); break;
    case 2:  for (unaligned16 *p = (void *)to; n; n--) *p++ = (uint16_t)v; break;
    case 4:  for (unaligned32 *p = (void *)to; n; n--) *p++ = (uint32_t)v; break;
    default: for (unaligned64 *p = (void *)to; n; n--) *p++ = v; break;
    }
}

uint64_t x86_helper_rep_stos(void *state, uint64_t control, uint64_t base, uint64_t unused2, uint64_t unused3)
{
    struct string c = string_of(state, control, base);
    uint64_t v = c.s->gpr[X86_RAX];
    for (uint64_t left, done = 0; (left = count_of(&c)) != 0; ) {
        if (done >= BUDGET)
            return 1;
        uint64_t n = c.step < 0 ? 1 : in_page(target_of(&c), left, c.size);
        store(target_of(&c), v, c.size);
        advance(&c, X86_RDI, 1);
        count_down(&c, 1);
        done += n * c.size;
        if (--n == 0)
            continue;
        fill_up(target_of(&c), v, n, c.size);
        advance(&c, X86_RDI, n);
        count_down(&c, n);
    }
    return 0;
}

/* --- LODS --- */

static uint64_t merge_accumulator(uint64_t old, uint64_t v, unsigned size)
{
    switch (size) {
    case 1:  return (old & ~0xffull) | v;
    case 2:  return (old & ~0xffffull) | v;
    default: return v;
    }
}

uint64_t x86_helper_rep_lods(void *state, uint64_t control, uint64_t base, uint64_t unused2, uint64_t unused3)
{
    struct string c = string_of(state, control, base);
    for (uint64_t done = 0; count_of(&c) != 0; done++) {
        if (done >= BUDGET)
            return 1;
        uint64_t v = load(source_of(&c), c.size);
        c.s->gpr[X86_RAX] = merge_accumulator(c.s->gpr[X86_RAX], v, c.size);
        advance(&c, X86_RSI, 1);
        count_down(&c, 1);
    }
    return 0;
}

/* --- SCAS, CMPS: the flags are those of the last comparison, also when a later one faults --- */

static uint16_t compare_flags(uint64_t a, uint64_t b, unsigned size)
{
    unsigned bits = size * 8, up = 64 - bits;
    uint64_t r = a - b;
    bool sign = r >> (bits - 1) & 1, overflow = ((a ^ b) & (a ^ r)) >> (bits - 1) & 1;
    uint16_t f = 0;
    f |= (a << up) < (b << up) ? IR_FLAG_C : 0;
    f |= (r << up) == 0 ? IR_FLAG_Z : 0;
    f |= sign ? IR_FLAG_S : 0;
    f |= overflow ? IR_FLAG_O : 0;
    f |= (a ^ b ^ r) & 0x10 ? IR_FLAG_A : 0;
    f |= __builtin_parity((unsigned)r & 0xff) ? 0 : IR_FLAG_P;
    return f;
}

static uint64_t low_part(uint64_t v, unsigned size)
{
    return size == 8 ? v : v & ((1ull << size * 8) - 1);
}

/* may an element here be the first in its page, from either side? */
static bool at_page_edge(uint64_t addr)
{
    return ((addr + 8) & (PAGE - 1)) < 16;
}

/* The target is read first, but for REPE CMPSB: that is what the reference processor does when both fault. */
static void load_pair(const struct string *c, uint64_t *source, uint64_t *target)
{
    bool source_first = c->size == 1 && !c->while_ne;
    if (source_first)
        *source = load(source_of(c), c->size);
    *target = load(target_of(c), c->size);
    if (!source_first)
        *source = load(source_of(c), c->size);
}

/* with_source: what is compared comes from memory at rsi, else it is the accumulator */
static uint64_t compare_loop(struct string c, bool with_source)
{
    uint64_t a = low_part(c.s->gpr[X86_RAX], c.size), b = 0;
    if (count_of(&c) == 0)
        return 0;
    for (unsigned n = 0; n < BUDGET; n++) {
        if (n && (at_page_edge(target_of(&c)) || (with_source && at_page_edge(source_of(&c)))))
            c.s->flags = compare_flags(a, b, c.size);
        if (with_source) {
            load_pair(&c, &a, &b);
            advance(&c, X86_RSI, 1);
        } else
            b = load(target_of(&c), c.size);
        advance(&c, X86_RDI, 1);
        count_down(&c, 1);
        if (count_of(&c) == 0 || (a == b) == c.while_ne) {
            c.s->flags = compare_flags(a, b, c.size);
            return 0;
        }
    }
    c.s->flags = compare_flags(a, b, c.size);
    return 1;
}

uint64_t x86_helper_rep_scas(void *state, uint64_t control, uint64_t base, uint64_t unused2, uint64_t unused3)
{
    return compare_loop(string_of(state, control, base), false);
}

uint64_t x86_helper_rep_cmps(void *state, uint64_t control, uint64_t base, uint64_t unused2, uint64_t unused3)
{
    return compare_loop(string_of(state, control, base), true);
}
