/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_big.c: 4 KiB guest pages on a host with larger ones (64 KiB on POWER, 16 or 64 on Arm), or on any host under WHERRY_HOST_PAGE.
 *
 * A host page that one mapping covers, at a file offset that suits the host, is mapped as it is ("plain", no record here). The others are
 * mixed: a record tells what each guest page in it is, the host page has the union of their rights, and pieces that come later are
 * copied into it.
 *  B1 a host page without a record is free, or plain in the guest's table
 *  B2 nothing is copied into a host page that is backed by a file or shared: it is made private and anonymous first (make_private)
 *  B3 a record that is needed in the fault handler exists already: nothing is allocated for a page that is watched
 * What a union of rights can't do: an access that only a neighbour allows does not fault, and a page of a shared file that is mixed with
 * others is a copy.
 */
#include "linux/memory_big.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_SUBPAGES = MEMORY_HOST_PAGE_MAX / GUEST_PAGE, MAPPED = 0x80, WATCHED = 8 };
struct mixed { uint64_t base; bool anonymous; uint8_t sub[MAX_SUBPAGES]; };    /* sub: MAPPED | WATCHED | GUEST_PROT_* */
static struct { struct mixed *at; size_t n, room; } mixed;                    /* sorted by base */

static uint64_t down(uint64_t addr) { return addr & ~(memory_host_page() - 1); }
static uint64_t up(uint64_t addr) { return down(addr + memory_host_page() - 1); }
static unsigned sub_of(uint64_t addr) { return (unsigned)((addr & (memory_host_page() - 1)) / GUEST_PAGE); }
static unsigned n_subs(void) { return (unsigned)(memory_host_page() / GUEST_PAGE); }

/* ---- records ---- */

/* index of the first record at or above base */
static size_t place_of(uint64_t base)
{
    size_t low = 0, high = mixed.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (mixed.at[mid].base < base)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct mixed *find(uint64_t base)
{
    size_t i = place_of(base);
    return i < mixed.n && mixed.at[i].base == base ? &mixed.at[i] : NULL;
}

static struct mixed *add(uint64_t base)
{
    if (mixed.n == mixed.room) {
        size_t room = mixed.room ? 2 * mixed.room : 256;
        struct mixed *at = realloc(mixed.at, room * sizeof *at);
        if (!at)
            return NULL;
        mixed.at = at;
        mixed.room = room;
    }
    size_t i = place_of(base);
    memmove(mixed.at + i + 1, mixed.at + i, (mixed.n++ - i) * sizeof *mixed.at);
    mixed.at[i] = (struct mixed){ .base = base };
    return &mixed.at[i];
}

static void forget(uint64_t start, uint64_t end)
{
    size_t from = place_of(start), to = place_of(end);
    memmove(mixed.at + from, mixed.at + to, (mixed.n - to) * sizeof *mixed.at);
    mixed.n -= to - from;
}

static bool is_free(uint64_t base)
{
    return !find(base) && memory_map_is_free(linux_memory_table(), base, base + memory_host_page());
}

/* The record of a host page that is plain so far (B1). */
static struct mixed *record_plain(uint64_t base)
{
    const struct memory_map *m = linux_memory_table();
    uint64_t end = base + memory_host_page();
    struct mixed *p = add(base);
    if (!p)
        return NULL;
    p->anonymous = true;
    for (size_t i = memory_map_find(m, base); i < m->n && m->r[i].start < end; i++) {
        uint64_t from = m->r[i].start > base ? m->r[i].start : base, to = m->r[i].end < end ? m->r[i].end : end;
        for (; from < to; from += GUEST_PAGE)
            p->sub[sub_of(from)] = MAPPED | (m->r[i].prot & 7);
        p->anonymous &= (m->r[i].flags & (MEMORY_SHARED | MEMORY_ANONYMOUS)) == MEMORY_ANONYMOUS;
    }
    return p;
}

static struct mixed *record(uint64_t base)
{
    struct mixed *p = find(base);
    return p ? p : record_plain(base);
}

/* Give the host page the rights that its guest pages have together. */
static int apply(const struct mixed *p)
{
    int prot = 0;
    bool watched = false;
    for (unsigned i = 0; i < n_subs(); i++) {
        prot |= p->sub[i] & 7;
        watched |= p->sub[i] & WATCHED;
    }
    return memory_plain_protect(p->base, memory_host_page(), prot, watched);
}

/* B2. The contents go through a memory file: the kernel reads, so that a page beyond a file's end is no signal but zeros. */
static int make_private(struct mixed *p)
{
    uint64_t size = memory_host_page();
    if (p->anonymous)
        return 0;
    int fd = memfd_create("mixed", MFD_CLOEXEC), error = fd < 0 || ftruncate(fd, (off_t)size) ? -errno : 0;
    if (!error)
        error = memory_plain_protect(p->base, size, GUEST_PROT_READ, false);
    for (uint64_t at = 0; at < size && !error; at += GUEST_PAGE)
        if (pwrite(fd, (void *)(uintptr_t)(p->base + at), GUEST_PAGE, (off_t)at) != (ssize_t)GUEST_PAGE)
            continue;
    if (!error)
        error = memory_plain_map(p->base, size, 3, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, true);
    if (!error && pread(fd, (void *)(uintptr_t)p->base, size, 0) != (ssize_t)size)
        error = -EIO;
    if (fd >= 0)
        close(fd);
    p->anonymous = !error;
    return error;
}

/* ---- a piece of one host page ---- */

static int fill(uint64_t from, uint64_t to, int fd, uint64_t offset)
{
    memset((void *)(uintptr_t)from, 0, to - from);
    for (uint64_t at = from; fd >= 0 && at < to;) {
        ssize_t n = pread(fd, (void *)(uintptr_t)at, to - at, (off_t)(offset + (at - from)));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        at += n > 0 ? (uint64_t)n : 0;
    }
    return 0;
}

static void set_subs(struct mixed *p, uint64_t from, uint64_t to, uint8_t value)
{
    for (; from < to; from += GUEST_PAGE)
        p->sub[sub_of(from)] = value;
}

/* The only mapping in its host page so far: the host's own mapping of a page that begins before it or ends behind it. */
static int map_alone(uint64_t from, uint64_t to, int prot, int flags, int fd, uint64_t offset)
{
    uint64_t base = down(from);
    int error = memory_plain_map(base, memory_host_page(), prot, flags, fd, fd < 0 ? 0 : offset - (from - base), false);
    if (error)
        return error;
    struct mixed *p = add(base);
    if (!p) {
        memory_plain_unmap(base, memory_host_page());
        return -ENOMEM;
    }
    p->anonymous = (flags & (GUEST_MAP_ANONYMOUS | GUEST_MAP_TYPE)) == (GUEST_MAP_ANONYMOUS | GUEST_MAP_PRIVATE);
    set_subs(p, from, to, MAPPED | (prot & 7));
    return 0;
}

static int map_piece(uint64_t from, uint64_t to, int prot, int flags, int fd, uint64_t offset)
{
    const int anonymous = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS;
    uint64_t base = down(from);
    bool suits = fd < 0 || !((offset ^ from) & (memory_host_page() - 1)), was_free = is_free(base);
    if (was_free && suits)
        return map_alone(from, to, prot, flags, fd, offset);
    int error = was_free ? map_alone(from, to, 0, anonymous, -1, 0) : 0;
    struct mixed *p = error ? NULL : record(base);
    if (!p)
        return error ? error : -ENOMEM;
    error = make_private(p);
    if (!error)
        error = memory_plain_protect(base, memory_host_page(), 3, false);
    if (!error)
        error = fill(from, to, fd, offset);
    if (!error)
        set_subs(p, from, to, MAPPED | (prot & 7));
    int applied = apply(p);
    return error ? error : applied;
}

static int unmap_piece(uint64_t from, uint64_t to)
{
    uint64_t base = down(from);
    struct mixed *p = record(base);
    if (!p)
        return -ENOMEM;
    set_subs(p, from, to, 0);
    for (unsigned i = 0; i < n_subs(); i++)
        if (p->sub[i])
            return apply(p);
    forget(base, base + 1);
    return memory_plain_unmap(base, memory_host_page());
}

static int protect_piece(uint64_t from, uint64_t to, uint8_t value)
{
    struct mixed *p = record(down(from));
    if (!p)
        return -ENOMEM;
    set_subs(p, from, to, value);
    return apply(p);
}

/* ---- ranges: a piece at either end, whole host pages between ---- */

struct range { uint64_t start, end, whole_start, whole_end; };

/* whole_start == whole_end: pieces only, [start, whole_start) and [whole_end, end), either may be empty */
static struct range split(uint64_t addr, uint64_t size)
{
    struct range r = { addr, addr + size, up(addr), down(addr + size) };
    if (r.whole_start > r.whole_end)           /* within one host page */
        r.whole_start = r.whole_end = r.end;
    return r;
}

static int map_whole(uint64_t start, uint64_t end, int prot, int flags, int fd, uint64_t offset, bool replace)
{
    if (fd < 0 || !((offset ^ start) & (memory_host_page() - 1)))
        return memory_plain_map(start, end - start, prot, flags, fd, fd < 0 ? 0 : offset, replace);
    int error = memory_plain_map(start, end - start, 3, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, replace);      /* an offset that the host can't map */
    if (!error)
        error = fill(start, end, fd, offset);
    return error ? error : memory_plain_protect(start, end - start, prot, false);
}

int memory_big_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace)
{
    struct range r = split(addr, size);
    int error = 0;
    if (flags & GUEST_MAP_ANONYMOUS)
        fd = -1;
    if (r.start < r.whole_start)
        error = map_piece(r.start, r.whole_start, prot, flags, fd, offset);
    if (!error && r.whole_start < r.whole_end) {
        error = map_whole(r.whole_start, r.whole_end, prot, flags, fd, offset + (r.whole_start - addr), replace);
        if (!error)
            forget(r.whole_start, r.whole_end);
        else if (r.start < r.whole_start && !replace)
            unmap_piece(r.start, r.whole_start);
    }
    if (!error && r.whole_end < r.end) {
        error = map_piece(r.whole_end, r.end, prot, flags, fd, offset + (r.whole_end - addr));
        if (error && !replace)
            memory_big_unmap(addr, r.whole_end - addr);
    }
    return error;
}

int memory_big_unmap(uint64_t addr, uint64_t size)
{
    struct range r = split(addr, size);
    int error = r.start < r.whole_start ? unmap_piece(r.start, r.whole_start) : 0;
    if (!error && r.whole_start < r.whole_end) {
        error = memory_plain_unmap(r.whole_start, r.whole_end - r.whole_start);
        forget(r.whole_start, r.whole_end);
    }
    if (!error && r.whole_end < r.end)
        error = unmap_piece(r.whole_end, r.end);
    return error;
}

/* fn for each record in [start, end), plain for the runs between them */
static int walk(uint64_t start, uint64_t end, int (*plain)(uint64_t, uint64_t, int), int (*fn)(struct mixed *, uint64_t, uint64_t, int), int arg)
{
    uint64_t at = start;
    int error = 0;
    for (size_t i = place_of(start); i < mixed.n && mixed.at[i].base < end && !error; i++) {
        uint64_t base = mixed.at[i].base;
        if (at < base)
            error = plain(at, base - at, arg);
        if (!error)
            error = fn(&mixed.at[i], base, base + memory_host_page(), arg);
        at = base + memory_host_page();
    }
    return error || at >= end ? error : plain(at, end - at, arg);
}

static int protect_plain(uint64_t start, uint64_t size, int arg) { return memory_plain_protect(start, size, arg & 7, arg & WATCHED); }

static int protect_mixed(struct mixed *p, uint64_t from, uint64_t to, int arg)
{
    set_subs(p, from, to, (uint8_t)arg);
    return apply(p);
}

int memory_big_protect(uint64_t addr, uint64_t size, int prot, bool write_watch)
{
    struct range r = split(addr, size);
    int value = MAPPED | (prot & 7) | (write_watch ? WATCHED : 0);
    int error = r.start < r.whole_start ? protect_piece(r.start, r.whole_start, (uint8_t)value) : 0;
    if (!error && r.whole_start < r.whole_end)
        error = walk(r.whole_start, r.whole_end, protect_plain, protect_mixed, value);
    if (!error && r.whole_end < r.end)
        error = protect_piece(r.whole_end, r.end, (uint8_t)value);
    return error;
}

/* ---- mremap: by the host where whole pages move, else by copying ---- */

static bool is_plain(uint64_t start, uint64_t end)
{
    return down(start) == start && down(end) == end && place_of(start) == place_of(end);
}

int memory_big_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old)
{
    const struct memory_region *r = memory_map_at(linux_memory_table(), from);
    int prot = r ? r->prot : 3;
    if (is_plain(from, from + size) && is_plain(to, to + new_size))
        return memory_plain_move(from, size, new_size, to, keep_old);
    bool anonymous = r && (r->flags & (MEMORY_SHARED | MEMORY_ANONYMOUS)) == MEMORY_ANONYMOUS;
    if (to == from && anonymous && new_size > size)
        return memory_big_map(from + size, new_size - size, prot, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, false);
    if (to == from || !size || !r)
        return -ENOMEM;                        /* in place: the caller moves instead */
    uint64_t n = size < new_size ? size : new_size;
    int error = memory_big_protect(from, n, prot | GUEST_PROT_READ, false);
    if (!error)
        error = memory_big_protect(to, new_size, 3, false);
    if (error)
        return error;
    for (uint64_t at = 0; at < n; at += GUEST_PAGE)
        memcpy((void *)(uintptr_t)(to + at), (void *)(uintptr_t)(from + at), GUEST_PAGE);
    error = memory_big_protect(to, new_size, prot, false);
    if (error)
        return error;
    return keep_old ? memory_big_map(from, n, prot, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, true) : memory_big_unmap(from, size);
}

/* ---- madvise ---- */

enum { ADV_DONTNEED = 4 };

static int advise_mixed(struct mixed *p, uint64_t from, uint64_t to, int advice)
{
    if (advice != ADV_DONTNEED || !p->anonymous)
        return 0;
    int error = memory_plain_protect(p->base, memory_host_page(), 3, false);
    if (!error)
        memset((void *)(uintptr_t)from, 0, to - from);
    int applied = apply(p);
    return error ? error : applied;
}

static int advise_piece(uint64_t from, uint64_t to, int advice)
{
    struct mixed *p = advice == ADV_DONTNEED ? record(down(from)) : NULL;
    return p ? advise_mixed(p, from, to, advice) : 0;
}

int memory_big_advise(uint64_t addr, uint64_t size, int advice)
{
    struct range r = split(addr, size);
    int error = r.start < r.whole_start ? advise_piece(r.start, r.whole_start, advice) : 0;
    if (!error && r.whole_start < r.whole_end)
        error = walk(r.whole_start, r.whole_end, memory_plain_advise, advise_mixed, advice);
    if (!error && r.whole_end < r.end)
        error = advise_piece(r.whole_end, r.end, advice);
    return error;
}
