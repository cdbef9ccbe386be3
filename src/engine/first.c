/* SPDX-License-Identifier: GPL-2.0-or-later
 * first.c: first runs. Of the blocks that a program meets, six in ten run once, and making code for one costs as much as interpreting it five
 * times. So the interpreter does a block's first run, and its IR waits in a ring for the second, when code is made from it. A bit per block tells
 * that it has run; blocks that share one cost no more than a block translated at once.
 *
 * What must stay true (the engine's lock is held in all of this):
 *  F1 there is one guest thread, and it alone runs what the ring has: it lifts the next block only when it has left this one. Nobody else
 *     watches its memory accesses, whose order the interpreter does not keep. No page has a view (the IR then asks for views itself)
 *  F2 only blocks of plain operations (ir.h), which do the same in the interpreter and in code, to the last bit that a program can see
 *  F3 the ring has IR of guest bytes as they are: it is emptied when a page is invalidated that code was read from
 */
#include <string.h>
#include "engine/internal.h"

/* The ring is small at first, since a page of memory costs as much as translating three instructions. */
enum { TYPICAL_BLOCK = 2 << 10, SMALL = 512 << 10, LARGE = 4 << 20, GROW_AT = 2 << 20, SMALL_BITS = 11, LARGE_BITS = 14, ALIGN = 32 };

struct kept { struct deps deps; struct ir_block ir; };          /* ir is as long as its instructions */

static struct arena ring;
/* next entry; end of the last one that was begun; that when all were forgotten. They count on, through all rounds */
static uint64_t next, written, forgotten;
static size_t ring_size = SMALL, ring_most;
static unsigned entry_bits = SMALL_BITS;
static uint32_t entry[1 << LARGE_BITS];               /* by pc: where in the ring, in units of ALIGN, counted on; 0: none */

/* A guest page's blocks that have run: a bit for each four bytes. Number 0: none. */
enum { SEEN_WORDS = PAGE_SIZE / 4 / 64, SEEN_BYTES = SEEN_WORDS * sizeof(uint64_t), SEEN_SIZE = 16 << 20 };
static struct arena seen;

int first_init(void)
{
    if (engine.cfg.eager)
        return 0;
    next = ALIGN;
    ring_most = LARGE >> cache_scale() < SMALL ? SMALL : LARGE >> cache_scale();
    if (arena_reserve(&ring, ring_most + sizeof(struct kept)) < 0 || arena_reserve(&seen, SEEN_SIZE >> cache_scale()) < 0)
        return -1;
    seen.used = SEEN_BYTES;
    return 0;
}

static uint64_t *seen_word(const struct page_entry *e, uint64_t pc)
{
    return (uint64_t *)(seen.base + (size_t)e->seen * SEEN_BYTES) + pc % PAGE_SIZE / 256;
}

static uint64_t seen_bit(uint64_t pc) { return 1ull << pc / 4 % 64; }

static bool has_run(uint64_t pc)
{
    const struct page_entry *e = page_find(pc >> PAGE_BITS, false);
    return e && e->seen && *seen_word(e, pc) & seen_bit(pc);
}

static bool note_run(uint64_t pc)
{
    struct page_entry *e = page_find(pc >> PAGE_BITS, false);
    if (e && !e->seen) {
        const uint8_t *bits = arena_alloc(&seen, SEEN_BYTES, 8);
        e->seen = bits ? (uint32_t)((size_t)(bits - seen.base) / SEEN_BYTES) : 0;
    }
    if (!e || !e->seen)
        return false;
    *seen_word(e, pc) |= seen_bit(pc);
    return true;
}

static uint32_t *entry_of(uint64_t pc) { return &entry[(pc * 0x9e3779b97f4a7c15ull) >> (64 - entry_bits)]; }

static struct kept *at(uint64_t place) { return (struct kept *)(ring.base + place % ring_size); }

bool first_wanted(uint64_t pc)
{
    const struct engine_cpu *only = engine.cpus;
    if (engine.cfg.eager || !only || only->next || engine.env.ordered || engine.memory_shared || view_directory())
        return false;
    return !has_run(pc);
}

struct ir_block *first_place(void)
{
    if (next > GROW_AT && ring_size != ring_most) {
        first_forget();
        ring_size = ring_most;
        entry_bits = LARGE_BITS;
    }
    ring.used = next % ring_size + TYPICAL_BLOCK;
    arena_commit(&ring);
    return &at(next)->ir;
}

/* a branch back to the block's start at its end: it will run again at once */
static bool loops(const struct ir_block *b)
{
    for (unsigned i = b->n > 2 ? b->n - 2 : 0; i < b->n; i++)
        if ((b->insn[i].op == IR_EXITIF || b->insn[i].op == IR_EXIT) && (uint64_t)b->insn[i].imm == b->guest_pc)
            return true;
    return false;
}

bool first_keep(const struct deps *deps)
{
    struct kept *k = at(next);
    uint64_t pc = k->ir.guest_pc;
    size_t size = offsetof(struct kept, ir.insn) + k->ir.n * sizeof k->ir.insn[0];
    written = next + size;
    if (!note_run(pc) || !k->ir.plain || loops(&k->ir))
        return false;
    k->deps.n = deps->n;
    memcpy(k->deps.d, deps->d, deps->n * sizeof deps->d[0]);
    *entry_of(pc) = (uint32_t)(next / ALIGN);
    next = (next + size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    return true;
}

struct ir_block *first_take(uint64_t pc, struct deps *deps)
{
    uint32_t *e = entry_of(pc);
    uint64_t place = (uint64_t)*e * ALIGN;
    if (!place || written > place + ring_size || at(place)->ir.guest_pc != pc)
        return NULL;
    struct kept *k = at(place);
    *e = 0;
    deps->n = k->deps.n;
    memcpy(deps->d, k->deps.d, deps->n * sizeof deps->d[0]);
    return &k->ir;
}

void first_forget(void)
{
    if (forgotten != written)
        memset(entry, 0, sizeof *entry << entry_bits);
    forgotten = written;
}

void first_reset(void)
{
    if (engine.cfg.eager)
        return;
    first_forget();
    memset(seen.base, 0, seen.used);
    seen.used = SEEN_BYTES;
}
