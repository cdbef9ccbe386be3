/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_big.c: 4 KiB guest pages on a host with larger ones (64 KiB on POWER, 16 or 64 on Arm), or on any host under WHERRY_HOST_PAGE:
 * mapping calls, split into whole host pages and pieces of one.
 *
 * A range that covers host pages at a file offset that suits the host is mapped as it is. The rest is put together in records
 * (memory_mixed.h). Private file pages are copied; pages of shared files are never copied, but reached through a second mapping of the
 * file, a window: what others write there is seen at once, and nothing has to be written back. What that leaves undone: a private page that
 * was copied does not change when the file does, as it may on Linux until it is written.
 */
#include "linux/memory_big.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "ir/ir.h"
#include "linux/memory_mixed.h"
#include "linux/own_fds.h"

static uint64_t up(uint64_t addr) { return mixed_down(addr + memory_host_page() - 1); }

/* ---- what is to be mapped ---- */

struct request {
    uint64_t addr, offset, first;    /* first: where the file's byte for addr is in the window */
    int prot, flags, fd;
    bool shared, replace, own_fd;    /* own_fd: a memory file that stands for shared anonymous memory */
    struct window *window;           /* NULL: private anonymous memory, or a device */
    uint64_t file_end;               /* the address of the first guest page behind the file's end */
};

static bool suits(const struct request *q) { return q->fd < 0 || !((q->offset ^ q->addr) & (memory_host_page() - 1)); }

static bool is_zero_device(const struct stat *st) { return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 5); }

static int make_anonymous_file(struct request *q, uint64_t size)
{
    q->fd = memfd_create("guest-shared", MFD_CLOEXEC);
    q->offset = 0;
    q->own_fd = q->fd >= 0;
    q->flags &= ~GUEST_MAP_ANONYMOUS;
    return q->fd < 0 || ftruncate(q->fd, (off_t)size) ? -errno : 0;
}

/* A host page beyond the file's end is SIGBUS by itself; within the last host page the guest's own pages have to be told apart. */
static void note_file_end(struct request *q, uint64_t size, const struct stat *st)
{
    uint64_t bytes = guest_page_up((uint64_t)st->st_size);
    uint64_t mapped = bytes > q->offset ? bytes - q->offset : 0;
    if (mapped >= size)
        return;
    q->file_end = q->addr + mapped;
    q->window->fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 900);        /* the file may grow */
    linux_own_fd_add(q->window->fd);
    q->window->ino = st->st_ino;
}

static int prepare(struct request *q, uint64_t size)
{
    struct stat st = { 0 };
    int error = 0;
    q->shared = (q->flags & GUEST_MAP_TYPE) != GUEST_MAP_PRIVATE;
    q->file_end = UINT64_MAX;
    if (!(q->flags & GUEST_MAP_ANONYMOUS) && fstat(q->fd, &st) == 0 && is_zero_device(&st))
        q->flags |= GUEST_MAP_ANONYMOUS;
    if (q->flags & GUEST_MAP_ANONYMOUS)
        q->fd = -1;
    if (q->fd < 0 && q->shared && !(error = make_anonymous_file(q, size)))
        error = fstat(q->fd, &st) ? -errno : 0;
    if (error || q->fd < 0 || !S_ISREG(st.st_mode))
        return error;
    q->window = memory_window_new(q->fd, q->offset, size, q->shared, q->prot & GUEST_PROT_WRITE, &q->first);
    if (!q->window)
        return -errno;
    note_file_end(q, size, &st);
    return 0;
}

static void finish(struct request *q)
{
    memory_window_drop(q->window);
    if (q->own_fd)
        close(q->fd);
}

/* ---- a piece of one host page ---- */

static uint8_t state_of(const struct request *q, uint64_t page)
{
    return (uint8_t)(SUB_MAPPED | (q->prot & 7) | (q->shared ? SUB_FAR : 0) | (page >= q->file_end ? SUB_BEYOND : 0));
}

/* A private page's first contents */
static void fill_page(const struct request *q, struct mixed *p, uint64_t page)
{
    unsigned i = mixed_sub(page);
    if (q->window && page < q->file_end)
        memory_home_fill(p->home, i * GUEST_PAGE, (void *)(uintptr_t)(q->first + (page - q->addr)), GUEST_PAGE);
    else if (!(p->unused >> i & 1))
        memset(p->home + i * GUEST_PAGE, 0, GUEST_PAGE);
    p->unused &= ~(1ull << i);
}

static int map_piece(const struct request *q, uint64_t from, uint64_t to)
{
    uint64_t base = mixed_down(from);
    int error = 0;
    if (q->fd >= 0 && !q->window)
        return -ENODEV;                        /* a device, at a place or offset that the host can't map */
    struct mixed *p = mixed_is_free(base) ? mixed_reserve(base, q->replace, &error) : mixed_record(base);
    if (!p)
        return error ? error : -ENOMEM;
    if (!q->shared && (q->window || q->prot & 7 || p->home || !mixed_is_empty(p)))
        error = mixed_own_home(p);
    for (uint64_t page = from; page < to && !error; page += GUEST_PAGE) {
        if (!q->shared && p->home)
            fill_page(q, p, page);
        mixed_set(p, mixed_sub(page), state_of(q, page), q->window, q->window ? q->first + (page - q->addr) : 0);
    }
    return error ? error : mixed_settle(p);
}

static int unmap_piece(uint64_t from, uint64_t to)
{
    uint64_t base = mixed_down(from);
    struct mixed *p = mixed_record(base);
    if (!p)
        return -ENOMEM;
    for (; from < to; from += GUEST_PAGE)
        mixed_set(p, mixed_sub(from), 0, NULL, 0);
    if (!mixed_is_empty(p))
        return mixed_settle(p);
    mixed_forget(base, base + 1);
    return memory_plain_unmap(base, memory_host_page());
}

/* The file was opened for reading only */
static bool may_not_write(const struct mixed_sub *s)
{
    return s->state & SUB_FAR && s->window && !s->window->writable;
}

static int protect_in(struct mixed *p, uint64_t from, uint64_t to, int arg)
{
    for (; from < to; from += GUEST_PAGE) {
        struct mixed_sub *s = &p->sub[mixed_sub(from)];
        if (arg & GUEST_PROT_WRITE && may_not_write(s))
            return -EACCES;
        s->state = (uint8_t)((s->state & (SUB_FAR | SUB_BEYOND)) | SUB_MAPPED | arg);
    }
    return mixed_settle(p);
}

static int protect_piece(uint64_t from, uint64_t to, int arg)
{
    struct mixed *p = mixed_record(mixed_down(from));
    return p ? protect_in(p, from, to, arg) : -ENOMEM;
}

/* ---- ranges: a piece at either end, whole host pages between ---- */

struct range { uint64_t start, end, whole_start, whole_end; };

/* whole_start == whole_end: pieces only, [start, whole_start) and [whole_end, end), either may be empty */
static struct range split(uint64_t addr, uint64_t size)
{
    struct range r = { addr, addr + size, up(addr), mixed_down(addr + size) };
    if (r.whole_start > r.whole_end)           /* within one host page */
        r.whole_start = r.whole_end = r.end;
    return r;
}

static int in_pieces(const struct request *q, uint64_t start, uint64_t end)
{
    int error = 0;
    for (uint64_t next; start < end && !error; start = next) {
        next = up(start + 1) < end ? up(start + 1) : end;
        error = map_piece(q, start, next);
    }
    return error;
}

/* A private file at an offset that the host can't map: a copy. */
static int map_copy(const struct request *q, uint64_t start, uint64_t end)
{
    uint64_t offset = q->offset + (start - q->addr);
    int error = memory_plain_map(start, end - start, 3, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, q->replace);
    for (uint64_t at = start; !error && at < end;) {
        ssize_t n = pread(q->fd, (void *)(uintptr_t)at, end - at, (off_t)(offset + (at - start)));
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (uint64_t)n : 0;
    }
    return error ? error : memory_plain_protect(start, end - start, q->prot, false);
}

static int map_whole(const struct request *q, uint64_t start, uint64_t end)
{
    uint64_t clear = mixed_down(q->file_end < end ? q->file_end : end);    /* host pages up to here have no page behind the file's end */
    if (!suits(q) && (q->shared || clear < end))
        return in_pieces(q, start, end);
    if (!suits(q)) {
        int error = map_copy(q, start, end);
        if (!error)
            mixed_forget(start, end);
        return error;
    }
    int error = memory_plain_map(start, end - start, q->prot, q->flags, q->fd, q->fd < 0 ? 0 : q->offset + (start - q->addr), q->replace);
    if (error)
        return error;
    mixed_forget(start, end);
    if (q->file_end <= start || q->file_end >= end || clear == q->file_end)
        return 0;
    const struct object o = { start, end, q->first + (start - q->addr), q->window, q->shared, false };
    struct mixed *p = mixed_plain(clear, q->prot, &o);
    for (uint64_t page = q->file_end; p && page < clear + memory_host_page(); page += GUEST_PAGE)
        p->sub[mixed_sub(page)].state |= SUB_BEYOND;
    return p ? mixed_settle(p) : -ENOMEM;
}

static int map_range(const struct request *q, uint64_t size)
{
    struct range r = split(q->addr, size);
    int error = r.start < r.whole_start ? map_piece(q, r.start, r.whole_start) : 0;
    if (!error && r.whole_start < r.whole_end) {
        error = map_whole(q, r.whole_start, r.whole_end);
        if (error && r.start < r.whole_start && !q->replace)
            unmap_piece(r.start, r.whole_start);
    }
    if (!error && r.whole_end < r.end) {
        error = map_piece(q, r.whole_end, r.end);
        if (error && !q->replace)
            memory_big_unmap(q->addr, r.whole_end - q->addr);
    }
    return error;
}

int memory_big_map(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset, bool replace)
{
    struct request q = { .addr = addr, .offset = offset, .prot = prot, .flags = flags, .fd = fd, .replace = replace };
    int error = prepare(&q, size);
    if (!error)
        error = map_range(&q, size);
    if (!error)
        error = object_remove(addr, addr + size);
    if (!error && q.window) {
        const struct object o = { addr, addr + size, q.first, q.window, q.shared, !q.shared && !suits(&q) };
        error = object_add(&o);
    }
    finish(&q);
    return error;
}

int memory_big_unmap(uint64_t addr, uint64_t size)
{
    struct range r = split(addr, size);
    int error = r.start < r.whole_start ? unmap_piece(r.start, r.whole_start) : 0;
    if (!error && r.whole_start < r.whole_end) {
        error = memory_plain_unmap(r.whole_start, r.whole_end - r.whole_start);
        mixed_forget(r.whole_start, r.whole_end);
    }
    if (!error && r.whole_end < r.end)
        error = unmap_piece(r.whole_end, r.end);
    return error ? error : object_remove(addr, addr + size);
}

static void slacken(uint64_t base)
{
    struct mixed *p = mixed_find(base);
    for (unsigned i = 0; p && i < mixed_subs(); i++)
        if (!(p->sub[i].state & SUB_MAPPED)) {
            p->sub[i].state = SUB_SLACK;
            p->unused &= ~(1ull << i);         /* it may be written */
        }
    if (p)
        mixed_settle(p);
}

void memory_big_slack(uint64_t addr, uint64_t size)
{
    uint64_t last = mixed_down(addr + size);
    if (mixed_down(addr) != addr)
        slacken(mixed_down(addr));
    if (last != addr + size && (last != mixed_down(addr) || mixed_down(addr) == addr))
        slacken(last);
}

/* fn for each record in [start, end), plain for the runs between them */
static int walk(uint64_t start, uint64_t end, int (*plain)(uint64_t, uint64_t, int), int (*fn)(struct mixed *, uint64_t, uint64_t, int), int arg)
{
    uint64_t at = start;
    int error = 0;
    for (struct mixed *p; !error && (p = mixed_next(at)) && p->base < end;) {
        if (at < p->base)
            error = plain(at, p->base - at, arg);
        at = p->base + memory_host_page();
        if (!error)
            error = fn(p, p->base, at, arg);
    }
    return error || at >= end ? error : plain(at, end - at, arg);
}

static int protect_plain(uint64_t start, uint64_t size, int arg) { return memory_plain_protect(start, size, arg & 7, arg & SUB_WATCHED); }

int memory_big_protect(uint64_t addr, uint64_t size, int prot, bool write_watch)
{
    struct range r = split(addr, size);
    int arg = (prot & 7) | (write_watch ? SUB_WATCHED : 0);
    int error = r.start < r.whole_start ? protect_piece(r.start, r.whole_start, arg) : 0;
    if (!error && r.whole_start < r.whole_end)
        error = walk(r.whole_start, r.whole_end, protect_plain, protect_in, arg);
    if (!error && r.whole_end < r.end)
        error = protect_piece(r.whole_end, r.end, arg);
    return error;
}

/* ---- mremap: by the host where whole pages move, else page by page ---- */

static bool is_plain(uint64_t start, uint64_t end)
{
    struct mixed *p = mixed_next(mixed_down(start));
    unsigned i;
    return mixed_down(start) == start && mixed_down(end) == end && (!p || p->base >= end) && !object_in(start, end, 0, &i);
}

static bool grow_window(const struct object *o, uint64_t size)
{
    struct window *w = o->window;
    uint64_t first = o->at - (uint64_t)(uintptr_t)w->at, wanted = up(first + size);
    if (wanted <= w->size)
        return true;
    uint8_t *p = mremap(w->at, w->size, wanted, 0);      /* in place: others may know its address */
    if (p == MAP_FAILED)
        return false;
    w->size = wanted;
    return true;
}

/* A file's pages: the new place shows the same window. */
static int move_shared(const struct object *o, uint64_t from, uint64_t new_size, uint64_t to, int prot)
{
    struct request q = { .addr = to, .prot = prot, .flags = GUEST_MAP_SHARED, .fd = -1, .shared = true, .replace = true, .window = o->window,
        .first = o->at + (from - o->start), .file_end = UINT64_MAX };
    memory_window_keep(q.window);
    int error = grow_window(o, from - o->start + new_size) ? in_pieces(&q, to, to + new_size) : -ENOMEM;
    if (!error)
        error = object_remove(to, to + new_size);
    const struct object moved = { to, to + new_size, q.first, q.window, true, false };
    if (!error)
        error = object_add(&moved);
    memory_window_drop(q.window);
    return error;
}

static uint64_t raw_or(uint64_t page)
{
    const struct mixed *p = mixed_find(mixed_down(page));
    uint64_t raw = p ? mixed_raw(p, mixed_sub(page)) : 0;
    return raw ? raw : page;
}

/* Both ranges can be read and written: copy, with what MADV_DONTNEED needs. */
static int copy_pages(uint64_t from, uint64_t to, uint64_t n)
{
    const struct object *o = object_at(from);
    for (uint64_t at = 0; at < n; at += GUEST_PAGE)
        memcpy((void *)(uintptr_t)raw_or(to + at), (void *)(uintptr_t)raw_or(from + at), GUEST_PAGE);
    if (!o)
        return 0;
    const struct object copy = { to, to + n, o->at + (from - o->start), o->window, false, true };
    for (uint64_t at = 0; at < n; at += GUEST_PAGE) {
        struct mixed *p = mixed_find(mixed_down(to + at));
        if (p)
            mixed_set(p, mixed_sub(to + at), p->sub[mixed_sub(to + at)].state, copy.window, copy.at + at);
    }
    return object_add(&copy);
}

static int move_private(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, int prot)
{
    uint64_t n = size < new_size ? size : new_size;
    int error = n ? memory_big_protect(from, n, 3, false) : 0;
    if (!error)
        error = memory_big_protect(to, new_size, 3, false);
    if (!error)
        error = copy_pages(from, to, n);
    return error ? error : memory_big_protect(to, new_size, prot, false);
}

int memory_big_move(uint64_t from, uint64_t size, uint64_t new_size, uint64_t to, bool keep_old)
{
    const struct memory_region *r = memory_map_at(linux_memory_table(), from);
    const struct object *found = object_at(from);
    int prot = r ? r->prot : 3, error;
    if (is_plain(from, from + size) && is_plain(to, to + new_size))
        return memory_plain_move(from, size, new_size, to, keep_old);
    bool shared = r && r->flags & MEMORY_SHARED, anonymous = r && (r->flags & (MEMORY_SHARED | MEMORY_ANONYMOUS)) == MEMORY_ANONYMOUS;
    if (to == from && anonymous && new_size > size)
        return memory_big_map(from + size, new_size - size, prot, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, false);
    if (to == from || !r || (shared && !found) || (!shared && !anonymous && new_size > size))
        return -ENOMEM;                        /* in place: the caller moves instead */
    if (shared) {
        struct object o = *found;
        error = move_shared(&o, from, new_size, to, prot);
    } else
        error = move_private(from, size, new_size, to, prot);
    if (error || !size)
        return error;
    if (keep_old && !shared)
        return memory_big_map(from, size, prot, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0, true);
    return keep_old ? 0 : memory_big_unmap(from, size);
}

/* ---- madvise ---- */

enum { ADV_DONTNEED = 4 };

static int advise_in(struct mixed *p, uint64_t from, uint64_t to, int advice)
{
    for (; advice == ADV_DONTNEED && from < to; from += GUEST_PAGE) {
        const struct mixed_sub *s = &p->sub[mixed_sub(from)];
        uint64_t offset = from - p->base;
        if (!(s->state & SUB_MAPPED) || s->state & (SUB_FAR | SUB_BEYOND) || !p->home || p->shared)
            continue;
        if (s->window)
            memory_home_fill(p->home, offset, (void *)(uintptr_t)s->at, GUEST_PAGE);
        else
            memset(p->home + offset, 0, GUEST_PAGE);
    }
    return 0;
}

static int advise_piece(uint64_t from, uint64_t to, int advice)
{
    struct mixed *p = advice == ADV_DONTNEED ? mixed_record(mixed_down(from)) : NULL;
    if (!p)
        return 0;
    int error = p->home || p->foreign ? 0 : mixed_own_home(p);
    return error ? error : advise_in(p, from, to, advice) | mixed_settle(p);
}

/* A whole host page: those without a home are empty, or the host's own */
static int advise_record(struct mixed *p, uint64_t from, uint64_t to, int advice)
{
    return p->home ? advise_in(p, from, to, advice) : memory_plain_advise(from, to - from, advice);
}

/* Copies of a file get its contents again. */
static int advise_plain(uint64_t start, uint64_t size, int advice)
{
    unsigned i;
    const struct object *o = NULL;
    for (unsigned from = 0; advice == ADV_DONTNEED && (o = object_in(start, start + size, from, &i)) && !o->copied; from = i + 1) { }
    if (!o || advice != ADV_DONTNEED)
        return memory_plain_advise(start, size, advice);
    int error = 0;
    for (uint64_t base = start; base < start + size && !error; base += memory_host_page())
        error = advise_piece(base, base + memory_host_page(), advice);
    return error;
}

int memory_big_advise(uint64_t addr, uint64_t size, int advice)
{
    struct range r = split(addr, size);
    int error = r.start < r.whole_start ? advise_piece(r.start, r.whole_start, advice) : 0;
    if (!error && r.whole_start < r.whole_end)
        error = walk(r.whole_start, r.whole_end, advise_plain, advise_record, advice);
    if (!error && r.whole_end < r.end)
        error = advise_piece(r.whole_end, r.end, advice);
    return error;
}

/* ---- faults ---- */

/* Has the file grown over the page meanwhile? */
static bool has_grown(struct mixed_sub *s)
{
    struct stat st;
    if (!s->window || s->window->fd < 0 || fstat(s->window->fd, &st) || st.st_ino != s->window->ino)
        return false;
    return (uint64_t)st.st_size > s->window->offset + (s->at - (uint64_t)(uintptr_t)s->window->at);
}

static bool take_growth(struct mixed *p, unsigned i)
{
    struct mixed_sub *s = &p->sub[i];
    if (!has_grown(s))
        return false;
    s->state &= (uint8_t)~SUB_BEYOND;
    if (!(s->state & SUB_FAR) && p->home && !p->shared)
        memory_home_fill(p->home, i * GUEST_PAGE, (void *)(uintptr_t)s->at, GUEST_PAGE);
    mixed_settle(p);
    return true;
}

int memory_big_present(uint64_t addr)
{
    const struct mixed *p = mixed_find(mixed_down(addr));
    uint64_t raw = p && p->sub[mixed_sub(addr)].state & SUB_MAPPED ? mixed_raw(p, mixed_sub(addr)) : 0, real = (uint64_t)sysconf(_SC_PAGESIZE);
    unsigned char there;
    if (!raw || mincore((void *)(uintptr_t)(raw & ~(real - 1)), 1, &there))
        return -1;
    return there & 1;
}

enum memory_fault memory_big_fault(uint64_t *addr, int access)
{
    uint64_t guest = mixed_guest_of(*addr);
    if (guest)
        *addr = guest;
    struct mixed *p = mixed_find(mixed_down(*addr));
    if (guest || !p)
        return MEMORY_FAULT_PLAIN;
    struct mixed_sub *s = &p->sub[mixed_sub(*addr)];
    if (!(s->state & SUB_BEYOND))
        return s->state & SUB_MAPPED ? MEMORY_FAULT_MIXED : MEMORY_FAULT_UNMAPPED;
    if (!(s->state & 7) || (access >= 0 && access & 2 && !(s->state & GUEST_PROT_WRITE)))
        return MEMORY_FAULT_PLAIN;             /* the protection is looked at first */
    return take_growth(p, mixed_sub(*addr)) ? MEMORY_FAULT_MIXED : MEMORY_FAULT_BEYOND;
}

void memory_big_refresh(uint64_t addr)
{
    struct mixed *p = mixed_find(mixed_down(addr));
    if (p && p->sub[mixed_sub(addr)].state & SUB_BEYOND)
        take_growth(p, mixed_sub(addr));
}
