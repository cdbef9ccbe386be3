/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_mixed.c: records of mixed host pages (memory_mixed.h) and the list of mapped files.
 */
#include "linux/memory_mixed.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "engine/engine.h"

static struct { struct mixed **at; size_t n, room; } mixed;   /* sorted by base */
static bool lost_views;

/* ---- the sorted list ---- */

static size_t place_of(uint64_t base)
{
    size_t low = 0, high = mixed.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (mixed.at[mid]->base < base)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct mixed *mixed_next(uint64_t from)
{
    size_t i = place_of(from);
    return i < mixed.n ? mixed.at[i] : NULL;
}

struct mixed *mixed_find(uint64_t base)
{
    struct mixed *p = mixed_next(base);
    return p && p->base == base ? p : NULL;
}

static struct mixed *add(uint64_t base)
{
    if (mixed.n == mixed.room) {
        size_t room = mixed.room ? 2 * mixed.room : 256;
        struct mixed **at = realloc(mixed.at, room * sizeof *at);
        if (!at)
            return NULL;
        mixed.at = at;
        mixed.room = room;
    }
    struct mixed *p = calloc(1, sizeof *p + mixed_subs() * sizeof p->sub[0]);
    if (!p)
        return NULL;
    p->base = base;
    size_t i = place_of(base);
    memmove(mixed.at + i + 1, mixed.at + i, (mixed.n++ - i) * sizeof *mixed.at);
    mixed.at[i] = p;
    return p;
}

static void set_view(const struct mixed *p, unsigned i, uint64_t read, uint64_t write)
{
    uint64_t page = p->base + i * GUEST_PAGE;
    lost_views |= ir_mem_view && (ir_mem_at(page, 1, false) != page + read || ir_mem_at(page, 1, true) != page + write);
    engine_set_view(page, read, write);
}

void mixed_forget(uint64_t start, uint64_t end)
{
    size_t from = place_of(start), to = place_of(end);
    for (size_t k = from; k < to; k++) {
        struct mixed *p = mixed.at[k];
        for (unsigned i = 0; i < mixed_subs(); i++) {
            set_view(p, i, 0, 0);
            memory_window_drop(p->sub[i].window);
        }
        if (p->home && !p->shared)
            memory_home_free(p->home);
        free(p);
    }
    memmove(mixed.at + from, mixed.at + to, (mixed.n - to) * sizeof *mixed.at);
    mixed.n -= to - from;
}

bool mixed_is_free(uint64_t base)
{
    return !mixed_find(base) && memory_map_is_free(linux_memory_table(), base, base + memory_host_page());
}

bool mixed_is_empty(const struct mixed *p)
{
    for (unsigned i = 0; i < mixed_subs(); i++)
        if (p->sub[i].state & SUB_MAPPED)
            return false;
    return true;
}

bool mixed_has_code(uint64_t base)
{
    const struct mixed *p = mixed_find(base);
    for (unsigned i = 0; p && i < mixed_subs(); i++)
        if (p->sub[i].state & SUB_WATCHED)
            return true;
    return false;
}

/* ---- making records ---- */

void mixed_set(struct mixed *p, unsigned i, uint8_t state, struct window *w, uint64_t at)
{
    struct window *old = p->sub[i].window;
    p->sub[i] = (struct mixed_sub){ state, memory_window_keep(w), at };
    memory_window_drop(old);
}

/* Behind the file's end, as far as it was when the window was made or is now */
static bool is_beyond(const struct object *o, uint64_t page)
{
    struct stat st;
    const struct window *w = o ? o->window : NULL;
    if (!w || w->fd < 0 || fstat(w->fd, &st) || st.st_ino != w->ino)
        return false;
    return guest_page_up((uint64_t)st.st_size) <= w->offset + (o->at + (page - o->start) - (uint64_t)(uintptr_t)w->at);
}

static void set_from_region(struct mixed *p, const struct memory_region *r, uint64_t page)
{
    const struct object *o = object_at(page);
    mixed_set(p, mixed_sub(page), (uint8_t)(SUB_MAPPED | (r->prot & 7) | (is_beyond(o, page) ? SUB_BEYOND : 0)), o ? o->window : NULL, o ? o->at + (page - o->start) : 0);
    if (!(r->flags & MEMORY_SHARED))
        return;
    p->foreign |= !o;
    p->shared |= o != NULL;
    if (o)
        p->home = (uint8_t *)(uintptr_t)(o->at + (page - o->start) - (page - p->base));
}

struct mixed *mixed_record(uint64_t base)
{
    const struct memory_map *m = linux_memory_table();
    uint64_t end = base + memory_host_page();
    struct mixed *p = mixed_find(base);
    if (p || !(p = add(base)))
        return p;
    for (size_t i = memory_map_find(m, base); i < m->n && m->r[i].start < end; i++) {
        uint64_t from = m->r[i].start > base ? m->r[i].start : base, to = m->r[i].end < end ? m->r[i].end : end;
        for (; from < to; from += GUEST_PAGE)
            set_from_region(p, &m->r[i], from);
    }
    return p;
}

struct mixed *mixed_plain(uint64_t base, int prot, const struct object *o)
{
    struct mixed *p = add(base);
    for (unsigned i = 0; p && i < mixed_subs(); i++)
        mixed_set(p, i, (uint8_t)(SUB_MAPPED | (prot & 7)), o->window, o->at + (base - o->start) + i * GUEST_PAGE);
    if (p && o->shared) {
        p->shared = true;
        p->home = (uint8_t *)(uintptr_t)(o->at + (base - o->start));
    }
    return p;
}

struct mixed *mixed_reserve(uint64_t base, bool replace, int *error)
{
    *error = memory_plain_map(base, memory_host_page(), 0, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_NORESERVE, -1, 0, replace);
    if (*error)
        return NULL;
    struct mixed *p = add(base);
    if (!p) {
        memory_plain_unmap(base, memory_host_page());
        *error = -ENOMEM;
    }
    return p;
}

/* ---- homes ---- */

static bool is_here(const struct mixed_sub *s) { return (s->state & (SUB_MAPPED | SUB_FAR | SUB_BEYOND)) == SUB_MAPPED; }

/* Private memory moves into a home. It is read-only meanwhile: who writes waits in the fault handler. */
static int give_home(struct mixed *p)
{
    uint8_t *home = memory_home_new();
    int error = home ? memory_plain_protect(p->base, memory_host_page(), GUEST_PROT_READ, false) : -ENOMEM;
    for (unsigned i = 0; i < mixed_subs() && !error; i++)
        if (is_here(&p->sub[i]))
            memory_home_fill(home, i * GUEST_PAGE, (void *)(uintptr_t)(p->base + i * GUEST_PAGE), GUEST_PAGE);
    if (!error)
        error = memory_home_map(home, p->base, 0);
    p->unused = ~0ull;
    for (unsigned i = 0; i < mixed_subs(); i++)
        if (p->sub[i].state & SUB_MAPPED)
            p->unused &= ~(1ull << i);
    if (!error)
        p->home = home;
    else if (home)
        memory_home_free(home);
    return error;
}

int mixed_own_home(struct mixed *p)
{
    if (p->home && !p->shared)
        return 0;
    for (unsigned i = 0; i < mixed_subs() && p->shared; i++)
        if (p->sub[i].state & SUB_MAPPED)
            p->sub[i].state |= SUB_FAR;        /* set_from_region has found the window */
    p->home = NULL;
    p->shared = p->foreign = false;
    return give_home(p);
}

uint64_t mixed_raw(const struct mixed *p, unsigned i)
{
    const struct mixed_sub *s = &p->sub[i];
    return s->state & SUB_FAR ? s->at : p->home ? (uint64_t)(uintptr_t)p->home + i * GUEST_PAGE : 0;
}

/* ---- rights ---- */

static uint8_t rights_of(const struct mixed_sub *s)
{
    uint8_t readable = s->state & 7 ? GUEST_PROT_READ : 0;
    return readable | (s->state & SUB_WATCHED ? 0 : s->state & GUEST_PROT_WRITE);
}

static void settle_view(const struct mixed *p, unsigned i)
{
    const struct mixed_sub *s = &p->sub[i];
    bool mapped = s->state & SUB_MAPPED && !(s->state & SUB_BEYOND);
    uint64_t raw = mapped ? mixed_raw(p, i) : 0, distance = raw - (p->base + i * GUEST_PAGE);
    uint8_t more = raw ? rights_of(s) & (uint8_t)~(s->state & SUB_FAR ? 0 : p->rights) : 0;
    set_view(p, i, more & GUEST_PROT_READ ? distance : 0, more & GUEST_PROT_WRITE ? distance : 0);
}

int mixed_settle(struct mixed *p)
{
    uint8_t all = GUEST_PROT_READ | GUEST_PROT_WRITE, any = 0;
    for (unsigned i = 0; i < mixed_subs(); i++) {
        if (p->sub[i].state & SUB_SLACK)
            continue;
        uint8_t r = is_here(&p->sub[i]) ? rights_of(&p->sub[i]) : 0;
        all &= r;
        any |= r;
    }
    int error = any & ~all && !p->home && !p->foreign ? give_home(p) : 0;
    if (error)
        return error;
    p->rights = p->foreign ? any : all;
    error = memory_plain_protect(p->base, memory_host_page(), p->rights, false);
    for (unsigned i = 0; i < mixed_subs(); i++)
        settle_view(p, i);
    return error;
}

bool mixed_lost_views(void)
{
    bool lost = lost_views;
    lost_views = false;
    return lost;
}

uint64_t mixed_guest_of(uint64_t alias)
{
    for (size_t k = 0; k < mixed.n; k++) {
        const struct mixed *p = mixed.at[k];
        for (unsigned i = 0; i < mixed_subs(); i++)
            if (p->sub[i].state & SUB_MAPPED && mixed_raw(p, i) && alias - mixed_raw(p, i) < GUEST_PAGE)
                return p->base + i * GUEST_PAGE + (alias & GUEST_PAGE_MASK);
    }
    return 0;
}

/* ---- fork ---- */

static void copy_homes(void (*copy)(uint8_t *home, uint64_t offset, uint64_t size))
{
    for (size_t k = 0; k < mixed.n; k++)
        for (unsigned i = 0; i < mixed_subs() && mixed.at[k]->home && !mixed.at[k]->shared; i++)
            if (is_here(&mixed.at[k]->sub[i]))
                copy(mixed.at[k]->home, i * GUEST_PAGE, GUEST_PAGE);
}

void mixed_fork_prepare(void) { memory_home_fork_prepare(copy_homes); }

void mixed_fork_child(void)
{
    if (!memory_home_fork_child())
        return;
    for (size_t k = 0; k < mixed.n; k++)
        if (mixed.at[k]->home && !mixed.at[k]->shared) {
            memory_home_map(mixed.at[k]->home, mixed.at[k]->base, 0);
            memory_plain_protect(mixed.at[k]->base, memory_host_page(), mixed.at[k]->rights, false);
        }
}

/* ---- mapped files ---- */

static struct { struct object *at; unsigned n, room; } objects;

const struct object *object_in(uint64_t start, uint64_t end, unsigned from, unsigned *i)
{
    for (*i = from; *i < objects.n; ++*i)
        if (objects.at[*i].start < end && start < objects.at[*i].end)
            return &objects.at[*i];
    return NULL;
}

const struct object *object_at(uint64_t addr)
{
    unsigned i;
    return object_in(addr, addr + 1, 0, &i);
}

int object_add(const struct object *o)
{
    if (objects.n == objects.room) {
        unsigned room = objects.room ? 2 * objects.room : 64;
        struct object *at = realloc(objects.at, room * sizeof *at);
        if (!at)
            return -ENOMEM;
        objects.at = at;
        objects.room = room;
    }
    memory_window_keep(o->window);
    objects.at[objects.n++] = *o;
    return 0;
}

int object_remove(uint64_t start, uint64_t end)
{
    const struct object *found;
    int error = 0;
    for (unsigned i = 0; (found = object_in(start, end, i, &i)) && !error; i++) {
        struct object o = *found, rest = o;
        if (end < o.end) {
            rest.at += end - o.start;
            rest.start = end;
            error = object_add(&rest);
        }
        if (o.start < start) {
            objects.at[i].end = start;
            continue;
        }
        memory_window_drop(o.window);
        objects.at[i--] = objects.at[--objects.n];
    }
    return error;
}
