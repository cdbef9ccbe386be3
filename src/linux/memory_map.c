/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_map.c: the table of the guest's mappings: a sorted array. Programs have tens to some thousands of mappings; a binary search and
 * a memmove of 40-byte records beat a tree at that size, and nothing is allocated per region.
 */
#include "linux/memory_map.h"
#include <stdlib.h>
#include <string.h>

struct memory_file *memory_file_new(const char *name, uint64_t dev, uint64_t ino, uint64_t size)
{
    size_t length = strlen(name) + 1;
    struct memory_file *f = malloc(sizeof *f + length);
    if (!f)
        return NULL;
    f->refs = 1;
    f->dev = dev;
    f->ino = ino;
    f->size = size;
    memcpy(f->name, name, length);
    return f;
}

static void release(struct memory_file *f)
{
    if (f && --f->refs == 0)
        free(f);
}

static struct memory_file *retain(struct memory_file *f)
{
    if (f)
        f->refs++;
    return f;
}

size_t memory_map_find(const struct memory_map *m, uint64_t addr)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (m->r[mid].end > addr)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

const struct memory_region *memory_map_at(const struct memory_map *m, uint64_t addr)
{
    size_t i = memory_map_find(m, addr);
    return i < m->n && m->r[i].start <= addr ? &m->r[i] : NULL;
}

bool memory_map_is_free(const struct memory_map *m, uint64_t start, uint64_t end)
{
    size_t i = memory_map_find(m, start);
    return i == m->n || m->r[i].start >= end;
}

bool memory_map_is_covered(const struct memory_map *m, uint64_t start, uint64_t end)
{
    for (size_t i = memory_map_find(m, start); start < end; i++) {
        if (i == m->n || m->r[i].start > start)
            return false;
        start = m->r[i].end;
    }
    return true;
}

/* Where what lies below this mapping has to end */
static uint64_t gap_start(const struct memory_region *r)
{
    uint64_t gap = r->flags & MEMORY_STACK ? GUEST_STACK_GAP : 0;
    return r->start > gap ? r->start - gap : 0;
}

bool memory_map_has_room(const struct memory_map *m, uint64_t start, uint64_t end)
{
    size_t i = memory_map_find(m, start);
    return i == m->n || gap_start(&m->r[i]) >= end;
}

uint64_t memory_map_grown(const struct memory_map *m, uint64_t addr, uint64_t limit, uint64_t unit)
{
    size_t i = memory_map_find(m, addr);
    if (i == m->n || m->r[i].start <= addr || !(m->r[i].flags & MEMORY_STACK))
        return 0;
    const struct memory_region *below = i ? &m->r[i - 1] : NULL;
    uint64_t end = m->r[i].end, lowest = limit < end ? guest_page_up(end - limit) : 0;
    uint64_t floor = !below ? GUEST_MMAP_MIN : below->end + (below->prot && !(below->flags & MEMORY_STACK) ? GUEST_STACK_GAP : 0);
    if (lowest < floor)
        lowest = floor;
    if (lowest < GUEST_MMAP_MIN)
        lowest = GUEST_MMAP_MIN;
    uint64_t rounded = addr & ~(unit - 1);
    return addr < lowest ? 0 : rounded > lowest ? rounded : lowest;
}

void memory_map_grow(struct memory_map *m, uint64_t start)
{
    struct memory_region *r = &m->r[memory_map_find(m, start)];
    r->offset -= r->start - start;
    r->start = start;
}

int memory_map_reserve(struct memory_map *m, size_t extra)
{
    if (m->n + extra <= m->room)
        return 0;
    size_t room = m->room ? m->room * 2 : 256;
    while (room < m->n + extra)
        room *= 2;
    struct memory_region *r = realloc(m->r, room * sizeof *r);
    if (!r)
        return -1;
    m->r = r;
    m->room = room;
    return 0;
}

static void open_gap(struct memory_map *m, size_t i)
{
    memmove(&m->r[i + 1], &m->r[i], (m->n - i) * sizeof *m->r);
    m->n++;
}

static void close_gap(struct memory_map *m, size_t i, size_t n)
{
    memmove(&m->r[i], &m->r[i + n], (m->n - i - n) * sizeof *m->r);
    m->n -= n;
}

/* Make addr a border between regions; the index of the first region at or after it. */
static size_t split(struct memory_map *m, uint64_t addr)
{
    size_t i = memory_map_find(m, addr);
    if (i == m->n || m->r[i].start >= addr)
        return i;
    open_gap(m, i);
    struct memory_region *left = &m->r[i], *right = &m->r[i + 1];
    left->end = right->start = addr;
    right->offset += addr - left->start;
    retain(right->file);
    return i + 1;
}

static bool mergeable(const struct memory_region *a, const struct memory_region *b)
{
    if (a->end != b->start || a->prot != b->prot || a->flags != b->flags || a->file != b->file)
        return false;
    if (a->flags & MEMORY_ANONYMOUS)
        return !(a->flags & MEMORY_SHARED);
    return a->offset + (a->end - a->start) == b->offset;
}

/* Join region i with the one after it, if they can be told apart by nothing. */
static bool merge(struct memory_map *m, size_t i)
{
    if (i + 1 >= m->n || !mergeable(&m->r[i], &m->r[i + 1]))
        return false;
    m->r[i].end = m->r[i + 1].end;
    release(m->r[i + 1].file);
    close_gap(m, i + 1, 1);
    return true;
}

static void merge_around(struct memory_map *m, size_t first, size_t last)
{
    for (size_t i = last + 1; i-- > (first ? first - 1 : 0);)
        merge(m, i);
}

void memory_map_remove(struct memory_map *m, uint64_t start, uint64_t end)
{
    if (memory_map_is_free(m, start, end))
        return;
    size_t first = split(m, start), last = split(m, end);
    for (size_t i = first; i < last; i++)
        release(m->r[i].file);
    close_gap(m, first, last - first);
}

void memory_map_insert(struct memory_map *m, const struct memory_region *region)
{
    memory_map_remove(m, region->start, region->end);
    size_t i = memory_map_find(m, region->start);
    open_gap(m, i);
    m->r[i] = *region;
    merge_around(m, i, i);
}

void memory_map_protect(struct memory_map *m, uint64_t start, uint64_t end, uint8_t prot)
{
    size_t first = split(m, start), last = split(m, end);
    for (size_t i = first; i < last; i++)
        m->r[i].prot = prot;
    merge_around(m, first, last);
}

static uint64_t hole_down(const struct memory_map *m, uint64_t low, uint64_t high, uint64_t size)
{
    for (size_t i = memory_map_find(m, high);; i--) {
        if (i < m->n && gap_start(&m->r[i]) < high)
            high = gap_start(&m->r[i]);
        uint64_t floor = i ? m->r[i - 1].end : 0;
        if (floor < low)
            floor = low;
        if (high > floor && high - floor >= size)
            return high - size;
        if (i == 0 || floor == low)
            return 0;
    }
}

static uint64_t hole_up(const struct memory_map *m, uint64_t low, uint64_t high, uint64_t size)
{
    for (size_t i = memory_map_find(m, low);; i++) {
        uint64_t ceiling = i < m->n && gap_start(&m->r[i]) < high ? gap_start(&m->r[i]) : high;
        if (ceiling > low && ceiling - low >= size)
            return low;
        if (i == m->n || m->r[i].start >= high)
            return 0;
        low = m->r[i].end;
    }
}

uint64_t memory_map_hole(const struct memory_map *m, uint64_t low, uint64_t high, uint64_t size, bool bottom_up)
{
    if (size > high - low)
        return 0;
    return bottom_up ? hole_up(m, low, high, size) : hole_down(m, low, high, size);
}

/* ---- watched pages: open addressing with linear probing; 0 is an empty slot (page 0 is never code) ---- */

static size_t watch_slot(const struct watch_set *s, uint64_t page)
{
    return (size_t)((page / GUEST_PAGE) * 0x9e3779b97f4a7c15ull >> 20) & s->mask;
}

static size_t watch_find(const struct watch_set *s, uint64_t page)
{
    size_t i = watch_slot(s, page);
    while (s->slot[i] && s->slot[i] != page)
        i = (i + 1) & s->mask;
    return i;
}

bool watch_set_has(const struct watch_set *s, uint64_t page)
{
    return s->n && s->slot[watch_find(s, page)] == page;
}

static int watch_grow(struct watch_set *s)
{
    struct watch_set bigger = { .n = s->n, .mask = s->slot ? s->mask * 2 + 1 : 63 };
    bigger.slot = calloc(bigger.mask + 1, sizeof *bigger.slot);
    if (!bigger.slot)
        return -1;
    for (size_t i = 0; s->slot && i <= s->mask; i++)
        if (s->slot[i])
            bigger.slot[watch_find(&bigger, s->slot[i])] = s->slot[i];
    free(s->slot);
    *s = bigger;
    return 0;
}

int watch_set_add(struct watch_set *s, uint64_t page)
{
    if ((!s->slot || s->n * 2 > s->mask) && watch_grow(s))
        return -1;
    size_t i = watch_find(s, page);
    s->n += s->slot[i] != page;
    s->slot[i] = page;
    return 0;
}

bool watch_set_remove(struct watch_set *s, uint64_t page)
{
    if (!watch_set_has(s, page))
        return false;
    size_t hole = watch_find(s, page);
    for (size_t i = (hole + 1) & s->mask; s->slot[i]; i = (i + 1) & s->mask) {
        size_t home = watch_slot(s, s->slot[i]);
        if (((i - home) & s->mask) >= ((i - hole) & s->mask)) {     /* the hole lies on its probe path: move it there */
            s->slot[hole] = s->slot[i];
            hole = i;
        }
    }
    s->slot[hole] = 0;
    s->n--;
    return true;
}

bool watch_set_any(const struct watch_set *s, uint64_t start, uint64_t end, uint64_t *page)
{
    if (!s->n)
        return false;
    start &= ~GUEST_PAGE_MASK;
    if ((end - start) / GUEST_PAGE <= s->mask) {
        for (*page = start; *page < end; *page += GUEST_PAGE)
            if (watch_set_has(s, *page))
                return true;
        return false;
    }
    for (size_t i = 0; i <= s->mask; i++) {
        *page = s->slot[i];
        if (*page && *page >= start && *page < end)
            return true;
    }
    return false;
}
