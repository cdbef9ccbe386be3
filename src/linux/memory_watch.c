/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_watch.c: pages that code was translated from. Where the guest may write them, the host may not, so that a fault tells.
 *
 * M4: a watched page is writable for the guest and not on the host. Its protection is lifted before its translations are
 *     dropped: a translator that read the old bytes meanwhile has entered its block by the time engine_invalidate returns.
 */
#include <stdlib.h>
#include "linux/memory_table.h"

static struct watch_set watched;
size_t linux_n_watched;

void memory_changed(uint64_t start, uint64_t end)
{
    if (engine_has_code(start, end - start))
        engine_invalidate(start, end - start);
}

static void count_watched(void) { __atomic_store_n(&linux_n_watched, watched.n, __ATOMIC_RELAXED); }

bool memory_unwatch(uint64_t start, uint64_t end, bool lift)
{
    uint64_t page;
    bool any = false;
    while (watch_set_any(&watched, start, end, &page)) {
        const struct memory_region *r = memory_map_at(&memory_table, page);
        watch_set_remove(&watched, page);
        if (lift && r)
            memory_host_protect(page, GUEST_PAGE, r->prot, false);
        any = true;
    }
    count_watched();
    return any;
}

static void watch_page(const struct memory_region *r, uint64_t page)
{
    if (!watch_set_has(&watched, page) && watch_set_add(&watched, page) == 0)
        memory_host_protect(page, GUEST_PAGE, r->prot, true);
    count_watched();
}

static bool same_file(const struct memory_region *a, const struct memory_region *b)
{
    return a->file && b->file && a->flags & b->flags & MEMORY_SHARED && a->file->ino == b->file->ino && a->file->dev == b->file->dev;
}

/* Shared mappings of one file: the address in region r of the page at `page` in region of, or 0. */
static uint64_t alias(const struct memory_region *r, const struct memory_region *of, uint64_t page)
{
    uint64_t offset = of->offset + (page - of->start);
    if (!same_file(r, of) || offset < r->offset || offset - r->offset >= r->end - r->start)
        return 0;
    return r->start + (offset - r->offset);
}

/* Code in a shared mapping can be written through another mapping of the same file: watch those pages too. */
static void watch_aliases(const struct memory_region *of, uint64_t page)
{
    for (size_t i = 0; i < memory_table.n; i++) {
        uint64_t other = memory_table.r[i].prot & GUEST_PROT_WRITE ? alias(&memory_table.r[i], of, page) : 0;
        if (other)
            watch_page(&memory_table.r[i], other);
    }
}

bool linux_watch(uint64_t page)
{
    page &= ~GUEST_PAGE_MASK;
    memory_enter();
    const struct memory_region *r = memory_map_at(&memory_table, page);
    bool text = r && !(r->flags & (MEMORY_ANONYMOUS | MEMORY_SHARED)) && !(r->prot & GUEST_PROT_WRITE);
    if (r && r->prot & GUEST_PROT_WRITE)
        watch_page(r, page);
    if (r && r->flags & MEMORY_SHARED && r->file)
        watch_aliases(r, page);
    memory_leave();
    return text;
}

void memory_drop_written(uint64_t page)
{
    uint64_t others[16];
    unsigned n = 0;
    memory_enter();
    const struct memory_region *of = memory_map_at(&memory_table, page);
    for (size_t i = 0; of && of->flags & MEMORY_SHARED && of->file && i < memory_table.n && n < 16; i++)
        if (memory_table.r[i].prot & GUEST_PROT_EXEC && (others[n] = alias(&memory_table.r[i], of, page)))
            n += others[n] != page;
    memory_leave();
    engine_invalidate(page, GUEST_PAGE);
    for (unsigned i = 0; i < n; i++)
        memory_changed(others[i], others[i] + GUEST_PAGE);
}

void linux_will_write(uint64_t addr, uint64_t size)
{
    uint64_t page, end = addr + size;
    if (!linux_any_watched() || !size)
        return;
    if (end < addr)
        end = GUEST_TASK_SIZE;
    for (;;) {
        memory_enter();
        bool any = watch_set_any(&watched, addr, end, &page);
        if (any)
            memory_unwatch(page, page + GUEST_PAGE, true);
        memory_leave();
        if (!any)
            return;
        memory_drop_written(page);
    }
}

void memory_drop_aliased_code(const struct memory_region *of)
{
    struct { uint64_t start, end; } dirty[16];
    unsigned n = 0;
    memory_enter();
    for (size_t i = 0; i < memory_table.n && n < 16; i++)
        if (memory_table.r[i].prot & GUEST_PROT_EXEC && same_file(&memory_table.r[i], of))
            dirty[n].start = memory_table.r[i].start, dirty[n++].end = memory_table.r[i].end;
    memory_leave();
    while (n--)
        memory_changed(dirty[n].start, dirty[n].end);
}

void memory_drop_shared_code(uint64_t start, uint64_t end)
{
    struct memory_region found[8];
    unsigned n = 0;
    memory_enter();
    for (size_t i = memory_map_find(&memory_table, start); i < memory_table.n && memory_table.r[i].start < end && n < 8; i++)
        if (memory_table.r[i].flags & MEMORY_SHARED && memory_table.r[i].file) {
            found[n] = memory_table.r[i];
            found[n++].file->refs++;
        }
    memory_leave();
    for (unsigned i = 0; i < n; i++)
        memory_drop_aliased_code(&found[i]);
    memory_enter();
    for (unsigned i = 0; i < n; i++)
        if (--found[i].file->refs == 0)
            free(found[i].file);
    memory_leave();
}
