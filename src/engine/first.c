/* SPDX-License-Identifier: GPL-2.0-or-later
 * first.c: first runs. Of the blocks that a program meets, six in ten run once, and making code for one costs as much as interpreting it five
 * times. So the interpreter does a block's first run, and its IR waits in a ring for the second, when code is made from it. A bit per block tells
 * that it has run; bits are never cleared and blocks share them, which costs no more than a block translated at once.
 *
 * What must stay true (the engine's lock is held in all of this):
 *  F1 there is one guest thread, and it alone runs what the ring has: it lifts the next block only when it has left this one. Nobody else
 *     watches its memory accesses, whose order the interpreter does not keep. No page has a view (the IR then asks for views itself)
 *  F2 only blocks of plain operations (ir.h), which do the same in the interpreter and in code, to the last bit that a program can see
 *  F3 the ring has IR of guest bytes as they are: it is emptied when a page is invalidated that code was read from
 */
#include <string.h>
#include "engine/internal.h"

enum { RING_SIZE = 512 << 10, ENTRIES = 1 << 10, SEEN_BITS = 1 << 19, ALIGN = 32 };

struct kept { struct deps deps; struct ir_block ir; };          /* ir is as long as its instructions */

static struct arena ring;
static uint64_t next, written;                /* next entry; end of the last one that was begun. Both count on, through all rounds */
static uint32_t entry[ENTRIES];               /* by pc: where in the ring, in units of ALIGN, counted on; 0: none */
static uint64_t seen[SEEN_BITS / 64];

int first_init(void)
{
    if (engine.cfg.eager)
        return 0;
    next = ALIGN;
    return arena_reserve(&ring, RING_SIZE + sizeof(struct kept));
}

/* Neighbours in the guest's code have neighbouring bits. */
static unsigned seen_bit(uint64_t pc) { return (unsigned)(pc >> 1 ^ pc >> 21 ^ pc >> 33) % SEEN_BITS; }

static uint32_t *entry_of(uint64_t pc) { return &entry[(pc * 0x9e3779b97f4a7c15ull) >> 54]; }

static struct kept *at(uint64_t place) { return (struct kept *)(ring.base + place % RING_SIZE); }

bool first_wanted(uint64_t pc)
{
    const struct engine_cpu *only = engine.cpus;
    if (engine.cfg.eager || !only || only->next || engine.env.ordered || engine.memory_shared || view_directory())
        return false;
    return !(seen[seen_bit(pc) / 64] >> seen_bit(pc) % 64 & 1);
}

struct ir_block *first_place(void)
{
    ring.used = next % RING_SIZE + 4096;
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
    seen[seen_bit(pc) / 64] |= 1ull << seen_bit(pc) % 64;
    if (!k->ir.plain || loops(&k->ir))
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
    if (!place || written > place + RING_SIZE || at(place)->ir.guest_pc != pc)
        return NULL;
    struct kept *k = at(place);
    *e = 0;
    deps->n = k->deps.n;
    memcpy(deps->d, k->deps.d, deps->n * sizeof deps->d[0]);
    return &k->ir;
}

void first_forget(void)
{
    memset(entry, 0, sizeof entry);
}
