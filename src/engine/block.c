/* SPDX-License-Identifier: GPL-2.0-or-later
 * block.c: the translations by guest address: block descriptors, a chained hash table that is read without a lock, the
 * index of guest pages for invalidation, and the packed side maps.
 *
 * Readers of the hash may meet a table that is being replaced by a larger one: moving a block changes its hash_next, which
 * may send a reader into another chain. Chains never get a cycle that way (a moved block leads only to moved
 * blocks), so a reader at worst misses and looks again under the lock.
 *
 * The table is kept three quarters empty: most lookups are for exits whose target is not there yet, and an empty head answers them without
 * touching a block.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine/internal.h"

static uint64_t hash(uint64_t v, uint32_t bits)
{
    return (v * 0x9e3779b97f4a7c15ull) >> (64 - bits);
}

/* Neighbours in the guest's code are neighbours in the table: a block's exits mostly lead to places near by, whose heads are then in the
 * processor's cache. */
static uint64_t hash_pc(uint64_t pc, uint32_t bits)
{
    return (pc >> 2 ^ hash(pc >> 14, bits)) & ((1ull << bits) - 1);
}

struct block *block_find(uint64_t pc)
{
    struct block_table *t = __atomic_load_n(&engine.table, __ATOMIC_ACQUIRE);
    uint32_t n = __atomic_load_n(&t->head[hash_pc(pc, t->bits)], __ATOMIC_ACQUIRE);
    while (n) {
        struct block *b = block_at(n);
        if (b->pc == pc && !(block_flags(b) & BLOCK_DEAD))
            return b;
        n = __atomic_load_n(&b->hash_next, __ATOMIC_ACQUIRE);
    }
    return NULL;
}

static struct block_table *make_table(uint32_t bits)
{
    struct block_table *t = calloc(1, sizeof *t + sizeof(uint32_t) * ((size_t)1 << bits));
    if (t)
        t->bits = bits;
    return t;
}

static void put_in_table(struct block_table *t, struct block *b)
{
    uint32_t *head = &t->head[hash_pc(b->pc, t->bits)];
    __atomic_store_n(&b->hash_next, *head, __ATOMIC_RELEASE);
    __atomic_store_n(head, block_number(b), __ATOMIC_RELEASE);
}

/* The old table stays: a reader may be in it. All of them together are no larger than the newest. */
static void grow_table(void)
{
    struct block_table *t = make_table(engine.table->bits + 1);
    if (!t)
        return;
    for (uint32_t n = 2; n < engine.n_blocks; n++)
        if (!(block_flags(block_at(n)) & BLOCK_DEAD))
            put_in_table(t, block_at(n));
    __atomic_store_n(&engine.table, t, __ATOMIC_RELEASE);
}

int block_insert(struct block *b)
{
    put_in_table(engine.table, b);
    if (++engine.n_live >> (engine.table->bits - 2))     /* afterwards: the new table takes b over with the others, once */
        grow_table();
    return 0;
}

void block_remove(struct block *b)
{
    uint32_t *link = &engine.table->head[hash_pc(b->pc, engine.table->bits)], number = block_number(b);
    while (*link && *link != number)
        link = &block_at(*link)->hash_next;
    if (*link)
        __atomic_store_n(link, b->hash_next, __ATOMIC_RELEASE);
    engine.n_live--;
}

/* By piece of the code cache, the first block that starts in it, 0 for none: a binary search over all blocks would miss the
 * processor's caches a dozen times per link. */
static uint32_t *first_in_piece(uint64_t offset)
{
    return (uint32_t *)engine.code_index.base + (offset >> CODE_INDEX_BITS);
}

static uint32_t piece_first(uint64_t piece)
{
    return __atomic_load_n((uint32_t *)engine.code_index.base + piece, __ATOMIC_ACQUIRE);
}

void block_note_code(struct block *b)
{
    uint32_t *first = engine.code_index.base ? first_in_piece(b->code) : NULL;
    if (first && !*first)
        __atomic_store_n(first, block_number(b), __ATOMIC_RELEASE);
}

/* Block numbers low and high with block_at(low).code <= offset < block_at(high).code. */
static void near_code(uint64_t offset, uint32_t *low, uint32_t *high)
{
    uint64_t piece = offset >> CODE_INDEX_BITS, last = cache_used() >> CODE_INDEX_BITS, next = piece + 1;
    uint32_t n_blocks = block_count(), first;
    *low = piece_first(piece);
    while (!*low || block_at(*low)->code > offset) {
        if (!piece) {
            *low = 1;
            break;
        }
        *low = piece_first(--piece);
    }
    for (*high = n_blocks; next <= last; next++)
        if ((first = piece_first(next))) {
            *high = first < n_blocks ? first : n_blocks;
            break;
        }
}

/* The block whose code holds the address (E1). */
struct block *block_of_code(uint64_t host_pc)
{
    uint32_t low, high;
    uint64_t offset = host_pc - engine.cache.rx;
    if (!in_code_cache(host_pc) || offset >= cache_used() || block_count() < 2)
        return NULL;
    near_code(offset, &low, &high);
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (block_at(mid)->code <= offset)
            low = mid;
        else
            high = mid;
    }
    struct block *b = block_at(low);
    return offset - b->code < b->code_size ? b : NULL;
}

struct block *block_of_exit(uint32_t exit)
{
    uint32_t low = 1, high = block_count();
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (block_at(mid)->exits <= exit)
            low = mid;
        else
            high = mid;
    }
    return block_at(low);
}

/* --- the page index: open addressing, entries stay for the generation --- */

static struct page_entry *page_slot(struct page_table *t, uint64_t page)
{
    uint64_t mask = ((uint64_t)1 << t->bits) - 1, i = hash(page, t->bits);
    while (t->entry[i].used && t->entry[i].page != page)
        i = (i + 1) & mask;
    return &t->entry[i];
}

static bool grow_pages(void)
{
    struct page_table *t = &engine.pages, n = { t->bits + 1, t->n, NULL };
    n.entry = calloc((size_t)1 << n.bits, sizeof *n.entry);
    if (!n.entry)
        return false;
    for (uint32_t i = 0; i < 1u << t->bits; i++)
        if (t->entry[i].used)
            *page_slot(&n, t->entry[i].page) = t->entry[i];
    free(t->entry);
    *t = n;
    return true;
}

/* page: address >> PAGE_BITS. NULL if absent (or, creating, out of memory). */
struct page_entry *page_find(uint64_t page, bool create)
{
    struct page_entry *e = page_slot(&engine.pages, page);
    if (e->used || !create)
        return e->used ? e : NULL;
    if (2 * engine.pages.n >= 1u << engine.pages.bits) {
        if (!grow_pages())
            return NULL;
        e = page_slot(&engine.pages, page);
    }
    *e = (struct page_entry){ .page = page, .used = 1 };
    engine.pages.n++;
    return e;
}

int block_add_deps(struct block *b, const struct deps *deps)
{
    for (unsigned i = 0; i < deps->n; i++) {
        struct page_entry *e = page_find(deps->d[i].page, true);
        struct page_node *n = e ? arena_alloc(&engine.page_nodes, sizeof *n, 4) : NULL;
        if (!n)
            return -1;
        *n = (struct page_node){ block_number(b), e->head, deps->d[i].lo, deps->d[i].hi };
        e->head = (uint32_t)(n - (struct page_node *)engine.page_nodes.base);
    }
    return 0;
}

static void empty_tables(void)
{
    engine.blocks.used = 2 * sizeof(struct block);
    engine.n_blocks = 2;
    engine.n_live = 0;
    engine.exits.used = sizeof(struct exit_point);          /* number 0 of links and nodes ends a list */
    engine.links.used = sizeof(struct link_node);
    engine.page_nodes.used = sizeof(struct page_node);
    engine.maps.used = engine.stubs_maps;
    engine.ir.used = 16;
    engine.pages.n = 0;
}

int block_init(void)
{
    static const struct { struct arena *arena; size_t size; } arenas[] = {
        { &engine.blocks, (size_t)192 << 20 }, { &engine.exits, (size_t)64 << 20 }, { &engine.links, (size_t)128 << 20 },
        { &engine.maps, (size_t)256 << 20 }, { &engine.page_nodes, (size_t)64 << 20 }, { &engine.ir, (size_t)1 << 30 },
    };
    for (size_t i = 0; i < sizeof arenas / sizeof *arenas; i++)
        if (arena_reserve(arenas[i].arena, arenas[i].size >> cache_scale()) < 0)
            return -1;
    engine.table = make_table(12);
    engine.pages.bits = 8;
    engine.pages.entry = calloc(1u << engine.pages.bits, sizeof *engine.pages.entry);
    *block_at(1) = (struct block){ .flags = BLOCK_DEAD };
    empty_tables();
    return engine.table && engine.pages.entry ? 0 : -1;
}

/* Forget all translations. Block 1, the stubs, stays. Tables keep their size. */
void block_reset(void)
{
    empty_tables();
    first_reset();
    if (engine.code_index.base)
        memset(engine.code_index.base, 0, sizeof(uint32_t) * ((engine.cache.used >> CODE_INDEX_BITS) + 1));
    memset(engine.table->head, 0, sizeof(uint32_t) << engine.table->bits);
    memset(engine.pages.entry, 0, sizeof(struct page_entry) << engine.pages.bits);
}

/* --- packed side maps: per entry three base-128 numbers: the offset's growth, the pc's change (zigzag), and live | flags << 6.
 * HOST_MAP_PC_IN_STATE is kept as a bit of the last and changes no pc. --- */

enum { MAP_FLAGS_SHIFT = 6, MAP_PC_IN_STATE = 1 << 14 };

static uint8_t *put_number(uint8_t *p, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        *p++ = (uint8_t)v | 128;
    *p++ = (uint8_t)v;
    return p;
}

static const uint8_t *get_number(const uint8_t *p, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0;; shift += 7) {
        *v |= (uint64_t)(*p & 127) << shift;
        if (!(*p++ & 128))
            return p;
    }
}

uint32_t map_pack(const struct host_map *map, unsigned n, uint64_t pc)
{
    struct arena *a = &engine.maps;
    if (a->used + n * 18 > a->size)
        return UINT32_MAX;
    uint32_t at = (uint32_t)a->used, offset = 0;
    uint8_t *p = a->base + at;
    for (unsigned i = 0; i < n; i++) {
        bool in_state = map[i].pc == HOST_MAP_PC_IN_STATE;
        int64_t change = in_state ? 0 : (int64_t)(map[i].pc - pc);
        p = put_number(p, map[i].offset - offset);
        p = put_number(p, (uint64_t)change << 1 ^ (uint64_t)(change >> 63));
        p = put_number(p, (map[i].live & IR_F_ALL) | (unsigned)map[i].flags << MAP_FLAGS_SHIFT | (in_state ? MAP_PC_IN_STATE : 0));
        offset = map[i].offset;
        pc += change;
    }
    a->used = p - a->base;
    return at;
}

/* The entry that covers `offset` of the block's code. */
bool map_find(const struct block *b, uint32_t offset, struct host_map *out)
{
    const uint8_t *p = engine.maps.base + b->map;
    uint64_t at = 0, pc = b->pc, step, change, bits;
    bool found = false;
    for (unsigned i = 0; i < b->n_map; i++) {
        p = get_number(p, &step);
        p = get_number(p, &change);
        p = get_number(p, &bits);
        at += step;
        if (at > offset)
            break;
        pc += (change >> 1) ^ -(change & 1);
        *out = (struct host_map){ (uint32_t)at, (uint8_t)(bits >> MAP_FLAGS_SHIFT), bits & IR_F_ALL, bits & MAP_PC_IN_STATE ? HOST_MAP_PC_IN_STATE : pc };
        found = true;
    }
    return found;
}
