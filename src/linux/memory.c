/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory.c: the guest's address space: mmap and its kin, and the watch over pages that code was translated from.
 * Guest addresses are host addresses; wherry's own mappings lie among them.
 *
 * M2: the guest never changes a mapping of wherry's: a range that the table calls free is taken with "no replace" only.
 * M3: the lock is a leaf: it is held over host mapping calls and the table, never while guest memory is touched or the engine called.
 *     So the fault handler can take it, and the engine may call linux_fetchable and linux_watch under its own lock.
 * M4: a watched page is writable for the guest and not on the host. Its protection is lifted before its translations are
 *     dropped: a translator that read the old bytes meanwhile has entered its block by the time engine_invalidate returns.
 */
#include "linux/memory.h"
#include "linux/memory_image.h"
#include "linux/memory_mixed.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "engine/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, brk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory_map map;
static struct watch_set watched;
size_t linux_n_watched;

#define LOW_FIRST 0x40000000ull                /* MAP_32BIT: where Linux looks */
#define LOW_LAST  0x80000000ull

static uint64_t page_up(uint64_t n) { return (n + GUEST_PAGE_MASK) & ~GUEST_PAGE_MASK; }

const struct memory_map *linux_memory_table(void) { return &map; }

static void enter(void) { pthread_mutex_lock(&lock); }
static void leave(void) { pthread_mutex_unlock(&lock); }

/* Drop translations of a range, after the lock is given back. */
static void changed(uint64_t start, uint64_t end)
{
    if (engine_has_code(start, end - start))
        engine_invalidate(start, end - start);
}

/* ---- watched pages; all under the lock ---- */

static void count_watched(void) { __atomic_store_n(&linux_n_watched, watched.n, __ATOMIC_RELAXED); }

/* Forget watched pages in the range; lift: give them back the right to write (not when the mapping goes away or is protected anew). */
static bool unwatch(uint64_t start, uint64_t end, bool lift)
{
    uint64_t page;
    bool any = false;
    while (watch_set_any(&watched, start, end, &page)) {
        const struct memory_region *r = memory_map_at(&map, page);
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
    for (size_t i = 0; i < map.n; i++) {
        uint64_t other = map.r[i].prot & GUEST_PROT_WRITE ? alias(&map.r[i], of, page) : 0;
        if (other)
            watch_page(&map.r[i], other);
    }
}

bool linux_watch(uint64_t page)
{
    page &= ~GUEST_PAGE_MASK;
    enter();
    const struct memory_region *r = memory_map_at(&map, page);
    bool text = r && !(r->flags & (MEMORY_ANONYMOUS | MEMORY_SHARED)) && !(r->prot & GUEST_PROT_WRITE);
    if (r && r->prot & GUEST_PROT_WRITE)
        watch_page(r, page);
    if (r && r->flags & MEMORY_SHARED && r->file)
        watch_aliases(r, page);
    leave();
    return text;
}

/* Drop the code of a page that is about to be written, and of its aliases. The lock is not held. */
static void drop_written(uint64_t page)
{
    uint64_t others[16];
    unsigned n = 0;
    enter();
    const struct memory_region *of = memory_map_at(&map, page);
    for (size_t i = 0; of && of->flags & MEMORY_SHARED && of->file && i < map.n && n < 16; i++)
        if (map.r[i].prot & GUEST_PROT_EXEC && (others[n] = alias(&map.r[i], of, page)))
            n += others[n] != page;
    leave();
    engine_invalidate(page, GUEST_PAGE);
    for (unsigned i = 0; i < n; i++)
        changed(others[i], others[i] + GUEST_PAGE);
}

/* A fault in a page that the guest may write and we don't watch: another thread was quicker, the access only has to be repeated.
 * Limited, lest a fault of another cause repeats for ever. */
static bool lost_race(uint64_t page)
{
    static __thread uint64_t last;
    static __thread unsigned repeated;
    repeated = last == page ? repeated + 1 : 0;
    last = page;
    return repeated < 64;
}

bool linux_write_fault(uint64_t addr)
{
    uint64_t page = addr & ~GUEST_PAGE_MASK;
    enter();
    const struct memory_region *r = memory_map_at(&map, page);
    bool writable = r && r->prot & GUEST_PROT_WRITE;
    bool was_watched = writable && unwatch(page, page + GUEST_PAGE, true);
    bool mixed = memory_host_page() > GUEST_PAGE && mixed_find(mixed_down(page));      /* then it is linux_mixed_fault's */
    leave();
    if (was_watched) {
        drop_written(page);
        return true;
    }
    return writable && !mixed && lost_race(page);
}

/* ---- mappings that grow downwards ----
 * The first thread's stack, and MAP_GROWSDOWN. The host's kernel knows nothing of it: what is not there yet faults. */

uint64_t linux_stack_low = UINT64_MAX;
bool linux_stack_others;

/* The range is no longer what it was: when the stack's lower end goes, linux_stack_low does not tell any more. */
static void cut(uint64_t start, uint64_t end)
{
    memory_map_remove(&map, start, end);
    if (start <= linux_stack_low && linux_stack_low < end)
        __atomic_store_n(&linux_stack_others, true, __ATOMIC_RELAXED);
}

uint64_t linux_stack_limit(void)
{
    static uint64_t inherited;
    static bool asked;
    struct rlimit now;
    uint64_t size = getrlimit(RLIMIT_STACK, &now) || now.rlim_cur == RLIM_INFINITY ? UINT64_MAX : now.rlim_cur;
    if (!asked)
        inherited = size;
    asked = true;
    return linux_process.config.stack_size && size == inherited ? linux_process.config.stack_size : size;      /* -s, until the guest sets one */
}

/* The lock is held. */
static bool grow(uint64_t addr)
{
    const int flags = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_STACK;
    if (!memory_map_grown(&map, addr, UINT64_MAX, GUEST_PAGE))
        return false;
    uint64_t start = memory_map_grown(&map, addr, linux_stack_limit(), memory_host_page());
    const struct memory_region *r = &map.r[memory_map_find(&map, addr)];
    if (!start || memory_host_map(start, r->start - start, r->prot, flags, -1, 0, false))
        return false;
    if (r->start == linux_stack_low)
        __atomic_store_n(&linux_stack_low, start, __ATOMIC_RELAXED);
    memory_map_grow(&map, start);
    return true;
}

void linux_stack_reach(uint64_t addr)
{
    enter();
    grow(addr);
    leave();
}

bool linux_stack_fault(uint64_t addr, int access)
{
    enter();
    const struct memory_region *r = memory_map_at(&map, addr);
    bool grew = !r && grow(addr);
    bool raced = r && r->flags & MEMORY_STACK && r->prot && (access < 0 || !(access & 2) || r->prot & GUEST_PROT_WRITE);
    if (raced && memory_host_page() > GUEST_PAGE)
        raced = !mixed_find(mixed_down(addr));
    leave();
    return grew || (raced && lost_race(addr & ~GUEST_PAGE_MASK));        /* another thread was quicker */
}

uint64_t linux_futex_address(uint64_t addr)
{
    enter();
    const struct mixed *p = memory_host_page() > GUEST_PAGE ? mixed_find(mixed_down(addr)) : NULL;
    uint64_t raw = p && p->sub[mixed_sub(addr)].state & SUB_MAPPED ? mixed_raw(p, mixed_sub(addr)) : 0;
    leave();
    return raw ? raw + (addr & GUEST_PAGE_MASK) : addr;
}

void linux_page_refresh(uint64_t addr)
{
    enter();
    if (memory_host_page() > GUEST_PAGE)
        memory_big_refresh(addr);
    leave();
}

int linux_page_present(uint64_t addr)
{
    enter();
    int present = memory_host_page() > GUEST_PAGE ? memory_big_present(addr) : -1;
    leave();
    return present;
}

/* C code lost a race only if the guest may do what it tried (not every host tells what that was). */
static bool allowed(uint64_t addr, int access)
{
    int prot = linux_page_prot(addr);
    return prot > 0 && (access < 0 || !(access & 2) || prot & GUEST_PROT_WRITE);
}

bool linux_mixed_fault(siginfo_t *info, int access, void *ucontext)
{
    uint64_t addr = (uintptr_t)info->si_addr;
    if (memory_host_page() == GUEST_PAGE)
        return false;
    enter();
    enum memory_fault kind = memory_big_fault(&addr, access);
    bool by_code = kind == MEMORY_FAULT_MIXED && mixed_has_code(mixed_down(addr));
    leave();
    info->si_addr = (void *)(uintptr_t)addr;
    if (kind == MEMORY_FAULT_PLAIN || kind == MEMORY_FAULT_UNMAPPED)
        return false;
    if (engine_view_fault(ucontext, by_code))
        return true;
    if (kind == MEMORY_FAULT_BEYOND) {
        info->si_signo = SIGBUS;
        info->si_code = BUS_ADRERR;
        return false;
    }
    if (!allowed(addr, access))
        return false;
    /* An atomic operation's load: where the page may be read it is read in its view, so this is a page that is about to be written. */
    bool unwatched = access >= 0 && !(access & 2) && linux_write_fault(addr);
    if (!unwatched && !lost_race(addr & ~GUEST_PAGE_MASK))
        return false;
    engine_written_code(info, ucontext);
    return true;
}

void linux_will_write(uint64_t addr, uint64_t size)
{
    uint64_t page, end = addr + size;
    if (!linux_any_watched() || !size)
        return;
    if (end < addr)
        end = GUEST_TASK_SIZE;
    for (;;) {
        enter();
        bool any = watch_set_any(&watched, addr, end, &page);
        if (any)
            unwatch(page, page + GUEST_PAGE, true);
        leave();
        if (!any)
            return;
        drop_written(page);
    }
}

/* ---- questions ---- */

size_t linux_fetchable(uint64_t pc, size_t want)
{
    size_t got = 0;
    enter();
    for (size_t i = memory_map_find(&map, pc); i < map.n && got < want; i++) {
        const struct memory_region *r = &map.r[i];
        uint64_t at = pc + got, end = r->end;
        if (r->start > at || !(r->prot & GUEST_PROT_EXEC))
            break;
        if (r->file && r->file->ino) {         /* pages behind the file's end are there, but reading them is SIGBUS */
            uint64_t in_file = page_up(r->file->size);
            end = in_file <= r->offset ? r->start : r->start + (in_file - r->offset);
            end = end < r->end ? end : r->end;
        }
        if (at >= end)
            break;
        got += end - at < want - got ? end - at : want - got;
        if (end < r->end)
            break;
    }
    leave();
    return got;
}

int linux_page_prot(uint64_t addr)
{
    enter();
    const struct memory_region *r = memory_map_at(&map, addr);
    int prot = r ? r->prot : -1;
    leave();
    return prot;
}

int linux_segv_code(uint64_t addr)
{
    return linux_page_prot(addr) < 0 ? SEGV_MAPERR : SEGV_ACCERR;
}

bool linux_range_mapped(uint64_t addr, uint64_t len)
{
    if (addr + len < addr)
        return false;
    enter();
    bool covered = memory_map_is_covered(&map, addr & ~GUEST_PAGE_MASK, page_up(addr + len));
    leave();
    return covered;
}

void linux_regions(void (*fn)(void *ctx, const struct linux_region *r), void *ctx)
{
    enter();
    for (size_t i = 0; i < map.n; i++) {
        const struct memory_region *m = &map.r[i];
        bool stack = m->start <= linux_process.stack_top && m->end >= linux_process.stack_top, heap = m->flags & MEMORY_HEAP;
        struct linux_region r = { m->start, m->end, m->offset, m->prot, (m->flags & MEMORY_SHARED ? GUEST_MAP_SHARED : GUEST_MAP_PRIVATE) | (m->flags & MEMORY_STACK ? GUEST_MAP_GROWSDOWN : 0),
            m->file ? m->file->name : stack ? "[stack]" : heap ? "[heap]" : "", m->file ? m->file->dev : 0, m->file ? m->file->ino : 0 };
        if (m->flags & MEMORY_ANONYMOUS)
            r.offset = 0;
        fn(ctx, &r);
    }
    leave();
}

/* ---- mmap ---- */

/* Place a mapping at a range that is wholly or partly free in the table (M2). The lock is held. */
static int place_fixed(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
    uint64_t end = addr + len, at = addr;
    if (memory_map_is_free(&map, addr, end))
        return memory_host_map(addr, len, prot, flags, fd, offset, false);
    int error = 0;
    for (size_t i = memory_map_find(&map, addr); at < end && !error; i++) {       /* take the gaps, then all */
        uint64_t gap_end = i < map.n && map.r[i].start < end ? map.r[i].start : end;
        if (gap_end > at)
            error = memory_host_map(at, gap_end - at, 0, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_NORESERVE, -1, 0, false);
        if (error)
            end = at;
        else
            at = i < map.n ? map.r[i].end : end;
    }
    if (!error)
        error = memory_host_map(addr, len, prot, flags, fd, offset, true);
    if (!error)
        return 0;
    at = addr;                                 /* give back the gaps taken */
    for (size_t i = memory_map_find(&map, addr); at < end; i++) {
        uint64_t gap_end = i < map.n && map.r[i].start < end ? map.r[i].start : end;
        if (gap_end > at)
            memory_host_unmap(at, gap_end - at);
        at = i < map.n ? map.r[i].end : end;
    }
    return error;
}

void linux_memory_slack(uint64_t addr, uint64_t size)
{
    enter();
    memory_host_slack(addr, size);
    leave();
}

/* Is this a place where a mapping without MAP_FIXED may go? */
static bool usable(uint64_t addr, uint64_t len)
{
    return addr >= GUEST_MMAP_MIN && len <= GUEST_TASK_SIZE && addr <= GUEST_TASK_SIZE - len && memory_map_has_room(&map, addr, addr + len);
}

static int try_at(uint64_t *where, uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
    int error = memory_host_map(addr, len, prot, flags, fd, offset, false);
    *where = addr;
    return error;
}

/* Where in a host page a mapping begins: so that the host can map the file's offset there, or as an image wants it. */
static uint64_t shift_of(int flags, int fd, uint64_t offset)
{
    bool image = !(flags & GUEST_MAP_ANONYMOUS) && (flags & GUEST_MAP_TYPE) == GUEST_MAP_PRIVATE && !offset;
    return image ? memory_image_file_shift(fd) : offset & (memory_host_page() - 1);
}

/* A free range. On a host with larger pages it has host pages of its own. */
static uint64_t hole(uint64_t first, uint64_t last, uint64_t len, bool low, uint64_t shift)
{
    uint64_t page = memory_host_page();
    if (page == GUEST_PAGE)
        return memory_map_hole(&map, first, last, len, low);
    uint64_t addr = memory_map_hole(&map, first, last, ((shift + len + page - 1) & ~(page - 1)) + (page - GUEST_PAGE), low);
    return addr ? ((addr + page - 1) & ~(page - 1)) + shift : 0;
}

/* Place a mapping where the guest hints, or at a place of our choice. The lock is held. */
static int place_anywhere(uint64_t *where, uint64_t hint, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
    int error = -EEXIST;
    hint &= ~GUEST_PAGE_MASK;
    if (hint && usable(hint, len))
        error = try_at(where, hint, len, prot, flags, fd, offset);
    uint64_t shift = error ? shift_of(flags, fd, offset) : 0;
    bool hinted = !error, low = flags & GUEST_MAP_32BIT;
    uint64_t first = low ? LOW_FIRST : GUEST_MMAP_MIN, last = low ? LOW_LAST : LAYOUT_MMAP_TOP;
    for (int i = 0; i < 64 && error == -EEXIST; i++) {       /* EEXIST: something of wherry's is there; look beyond it */
        uint64_t addr = hole(first, last, len, low, shift);
        if (!addr)
            break;
        error = try_at(where, addr, len, prot, flags, fd, offset);
        if (low)
            first = addr + page_up(len / 4 + 1);
        else
            last = addr + len - page_up(len / 4 + 1);
    }
    if (error == -EEXIST && !low) {
        uint64_t addr = memory_host_any(len);
        if (addr)
            error = try_at(where, addr, len, prot, flags, fd, offset);
    }
    if (!error && !hinted)
        memory_host_slack(*where, len);
    return error == -EEXIST ? -ENOMEM : error;
}

/* The name of the file mapped last, while fd still stands for it: loaders map each file several times in a row, and the kernel takes its
 * time to tell a name. Guarded by the lock; forgotten at the next system call of another kind. */
int linux_named_fd = -1;
static struct { dev_t dev; ino_t ino; char name[4096]; } named;

static void name_of_file(int fd, const struct stat *st, char name[4096])
{
    char link[32];
    enter();
    if (__atomic_load_n(&linux_named_fd, __ATOMIC_RELAXED) != fd || named.dev != st->st_dev || named.ino != st->st_ino) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, named.name, sizeof named.name - 1);
        named.name[n < 0 ? 0 : n] = 0;
        named.dev = st->st_dev;
        named.ino = st->st_ino;
        __atomic_store_n(&linux_named_fd, fd, __ATOMIC_RELAXED);
    }
    strcpy(name, named.name);
    leave();
}

/* What /proc/self/maps shows for a mapping of fd. */
static struct memory_file *describe_file(int fd)
{
    char name[4096];
    struct stat st;
    if (fstat(fd, &st))
        return NULL;
    name_of_file(fd, &st, name);
    const char *shown = name;
    size_t root = linux_process.root_real ? strlen(linux_process.root_real) : 0;
    if (root > 1 && !strncmp(name, linux_process.root_real, root) && name[root] == '/')
        shown = name + root;                   /* the guest knows the root as / */
    uint64_t size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX - GUEST_PAGE;
    return memory_file_new(shown, st.st_dev, st.st_ino, size);
}

static unsigned region_flags(int flags)
{
    unsigned r = 0;
    if ((flags & GUEST_MAP_TYPE) != GUEST_MAP_PRIVATE)
        r |= MEMORY_SHARED;
    if (flags & GUEST_MAP_ANONYMOUS)
        r |= MEMORY_ANONYMOUS;
    if (flags & GUEST_MAP_GROWSDOWN)
        r |= MEMORY_STACK;
    return r;
}

static int check_mmap(uint64_t addr, uint64_t len, int flags, uint64_t offset)
{
    int type = flags & GUEST_MAP_TYPE;
    if (flags & GUEST_MAP_GROWSDOWN && (type != GUEST_MAP_PRIVATE || !(flags & GUEST_MAP_ANONYMOUS)))
        return -EINVAL;
    if (offset & GUEST_PAGE_MASK || !len || type < GUEST_MAP_SHARED || type > GUEST_MAP_SHARED_VALIDATE ||
        (type == GUEST_MAP_SHARED_VALIDATE && flags & GUEST_MAP_ANONYMOUS))
        return -EINVAL;
    if (len > GUEST_TASK_SIZE || flags & GUEST_MAP_HUGETLB)
        return -ENOMEM;
    if (!(flags & GUEST_MAP_ANONYMOUS) && offset + page_up(len) < offset)
        return -EOVERFLOW;
    if (!(flags & (GUEST_MAP_FIXED | GUEST_MAP_FIXED_NOREPLACE)))
        return 0;
    if (addr & GUEST_PAGE_MASK)
        return -EINVAL;
    return addr > GUEST_TASK_SIZE - page_up(len) ? -ENOMEM : 0;
}

/* A new writable mapping of a file whose code was translated through another, shared mapping: that code can change from now on unseen. */
static void drop_aliased_code(const struct memory_region *of)
{
    struct { uint64_t start, end; } dirty[16];
    unsigned n = 0;
    enter();
    for (size_t i = 0; i < map.n && n < 16; i++)
        if (map.r[i].prot & GUEST_PROT_EXEC && same_file(&map.r[i], of))
            dirty[n].start = map.r[i].start, dirty[n++].end = map.r[i].end;
    leave();
    while (n--)
        changed(dirty[n].start, dirty[n].end);
}

static void entered(const struct memory_region *r)
{
    if (r->flags & MEMORY_SHARED && r->prot & GUEST_PROT_WRITE)
        engine_order_memory();
    if (r->flags & MEMORY_SHARED && r->file && r->prot & GUEST_PROT_WRITE)
        drop_aliased_code(r);
    if (log_on(LOG_PAGE))
        log_printf("page: %012lx-%012lx %c%c%c %s\n", (unsigned long)r->start, (unsigned long)r->end, r->prot & 1 ? 'r' : '-',
            r->prot & 2 ? 'w' : '-', r->prot & 4 ? 'x' : '-', r->flags & MEMORY_ANONYMOUS ? "anonymous" : "file");
}

static uint64_t map_region(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset, struct memory_file *file, unsigned more)
{
    bool fixed = flags & (GUEST_MAP_FIXED | GUEST_MAP_FIXED_NOREPLACE), replaced = false;
    struct memory_region r = { .file = file, .offset = offset, .prot = prot & 7, .flags = (uint8_t)(region_flags(flags) | more) };
    enter();
    int error = memory_map_reserve(&map, 3) ? -ENOMEM : 0;
    if (!error && flags & GUEST_MAP_FIXED_NOREPLACE && !memory_map_is_free(&map, addr, addr + len))
        error = -EEXIST;
    if (!error && fixed) {
        replaced = !memory_map_is_free(&map, addr, addr + len);
        error = place_fixed(addr, len, prot, flags, fd, offset);
        if (error == -EEXIST && !(flags & GUEST_MAP_FIXED_NOREPLACE))
            error = -ENOMEM;
    } else if (!error)
        error = place_anywhere(&addr, addr, len, prot, flags, fd, offset);
    if (!error) {
        r.start = addr;
        r.end = addr + len;
        unwatch(r.start, r.end, false);
        memory_map_insert(&map, &r);
        if (flags & GUEST_MAP_GROWSDOWN)
            __atomic_store_n(&linux_stack_others, true, __ATOMIC_RELAXED);
    }
    leave();
    if (error) {
        free(file);
        return (uint64_t)(int64_t)error;
    }
    if (replaced)
        changed(r.start, r.end);
    entered(&r);
    return addr;
}

uint64_t linux_mmap(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
    int error = check_mmap(addr, len, flags, offset);
    if (error)
        return (uint64_t)(int64_t)error;
    struct memory_file *file = NULL;
    if (!(flags & GUEST_MAP_ANONYMOUS) && !(file = describe_file(fd)))
        return (uint64_t)-(int64_t)errno;
    if (flags & GUEST_MAP_ANONYMOUS)
        fd = -1, offset = 0;
    return map_region(addr, page_up(len), prot, flags, fd, offset, file, 0);
}

uint64_t linux_mmap_named(uint64_t addr, uint64_t len, int prot, int flags, const char *name, unsigned more)
{
    struct memory_file *file = name ? memory_file_new(name, 0, 0, 0) : NULL;
    return map_region(addr, page_up(len), prot, flags | GUEST_MAP_ANONYMOUS | GUEST_MAP_PRIVATE, -1, 0, file, more);
}

/* Call fn for each mapped piece of the range; stops at an error. The lock is held. */
static int each_piece(uint64_t start, uint64_t end, int (*fn)(uint64_t start, uint64_t size, int arg), int arg)
{
    int error = 0;
    for (size_t i = memory_map_find(&map, start); i < map.n && map.r[i].start < end && !error; i++) {
        uint64_t from = map.r[i].start > start ? map.r[i].start : start, to = map.r[i].end < end ? map.r[i].end : end;
        error = fn(from, to - from, arg);
    }
    return error;
}

static int unmap_piece(uint64_t start, uint64_t size, int arg) { return memory_host_unmap(start, size); }

int64_t linux_munmap(uint64_t addr, uint64_t len)
{
    uint64_t size = page_up(len), end = addr + size;
    if (addr & GUEST_PAGE_MASK || !len || size < len || end < addr || end > GUEST_TASK_SIZE)
        return -EINVAL;
    enter();
    int error = memory_map_reserve(&map, 2) ? -ENOMEM : each_piece(addr, end, unmap_piece, 0);
    if (!error) {
        unwatch(addr, end, false);
        cut(addr, end);
    }
    leave();
    if (!error)
        changed(addr, end);
    return error;
}

/* ---- mprotect ---- */

static bool protection_differs(uint64_t start, uint64_t end, int prot)
{
    for (size_t i = memory_map_find(&map, start); i < map.n && map.r[i].start < end; i++)
        if (map.r[i].prot != prot)
            return true;
    return false;
}

/* The end of the mapped run that starts at start. */
static uint64_t mapped_run(uint64_t start, uint64_t end)
{
    for (size_t i = memory_map_find(&map, start); i < map.n && start < end && map.r[i].start <= start; i++)
        start = map.r[i].end;
    return start < end ? start : end;
}

/* Shared code pages in the range become writable or lose their alias watch: nothing precise is worth it, drop the files' code. */
static void drop_shared_code(uint64_t start, uint64_t end)
{
    struct memory_region found[8];
    unsigned n = 0;
    enter();
    for (size_t i = memory_map_find(&map, start); i < map.n && map.r[i].start < end && n < 8; i++)
        if (map.r[i].flags & MEMORY_SHARED && map.r[i].file) {
            found[n] = map.r[i];
            found[n++].file->refs++;
        }
    leave();
    for (unsigned i = 0; i < n; i++)
        drop_aliased_code(&found[i]);
    enter();
    for (unsigned i = 0; i < n; i++)
        if (--found[i].file->refs == 0)
            free(found[i].file);
    leave();
}

static bool any_shared(uint64_t start, uint64_t end)
{
    bool any = false;
    enter();
    for (size_t i = 0; i < map.n; i++)
        any |= map.r[i].start < end && start < map.r[i].end && map.r[i].flags & MEMORY_SHARED;
    leave();
    return any;
}

int64_t linux_mprotect(uint64_t addr, uint64_t len, int prot)
{
    uint64_t size = page_up(len), end = addr + size;
    if (addr & GUEST_PAGE_MASK || prot & ~(7 | GUEST_PROT_GROWSDOWN | GUEST_PROT_GROWSUP | 8))
        return -EINVAL;
    if (!size)
        return len ? -ENOMEM : 0;
    if (end < addr || end > GUEST_TASK_SIZE)
        return -ENOMEM;
    enter();
    if (prot & GUEST_PROT_GROWSDOWN) {         /* from the beginning of the stack on */
        const struct memory_region *r = memory_map_at(&map, addr);
        if (!r || !(r->flags & MEMORY_STACK)) {
            leave();
            return r ? -EINVAL : -ENOMEM;
        }
        addr = r->start;
    }
    prot &= 7;
    uint64_t run = mapped_run(addr, end);
    bool differs = protection_differs(addr, run, prot);
    int error = memory_map_reserve(&map, 2) ? -ENOMEM : 0;
    if (!error && differs) {
        unwatch(addr, run, false);
        error = memory_host_protect(addr, run - addr, prot, false);
        if (!error)
            memory_map_protect(&map, addr, run, (uint8_t)prot);
    }
    bool lost = mixed_lost_views();
    leave();
    if (lost)
        engine_settle_views();
    if (differs && !error) {
        changed(addr, run);
        if (prot & GUEST_PROT_WRITE) {
            drop_shared_code(addr, run);
            if (any_shared(addr, run))
                engine_order_memory();
        }
    }
    return error ? error : run < end ? -ENOMEM : 0;
}

/* ---- mremap ---- */

struct remap { uint64_t old, old_len, new_len, to; int flags; bool move; };

static int check_mremap(const struct remap *m)
{
    if (m->flags & ~7 || m->old & GUEST_PAGE_MASK || !m->new_len || m->new_len > GUEST_TASK_SIZE || m->old_len > GUEST_TASK_SIZE)
        return -EINVAL;
    if (m->flags & (GUEST_MREMAP_FIXED | GUEST_MREMAP_DONTUNMAP) && !(m->flags & GUEST_MREMAP_MAYMOVE))
        return -EINVAL;
    if (m->flags & GUEST_MREMAP_DONTUNMAP && m->old_len != m->new_len)
        return -EINVAL;
    if (!(m->flags & GUEST_MREMAP_FIXED))
        return 0;
    if (m->to & GUEST_PAGE_MASK || m->to > GUEST_TASK_SIZE - m->new_len)
        return -EINVAL;
    return m->old < m->to + m->new_len && m->to < m->old + m->old_len ? -EINVAL : 0;
}

/* Find or clear the place that the mapping moves to: a placeholder of the guest's is there afterwards. The lock is held. */
static int remap_target(struct remap *m)
{
    const int flags = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_NORESERVE;
    if (m->flags & GUEST_MREMAP_FIXED) {
        int error = place_fixed(m->to, m->new_len, 0, flags, -1, 0);
        return error == -EEXIST ? -ENOMEM : error;
    }
    return place_anywhere(&m->to, 0, m->new_len, 0, flags, -1, 0);
}

/* The lock is held and the old range lies in region r. */
static int remap_move(struct remap *m, struct memory_region r)
{
    if (!(m->flags & GUEST_MREMAP_MAYMOVE))
        return -ENOMEM;
    int error = remap_target(m);
    if (error)
        return error;
    uint64_t size = m->old_len < m->new_len ? m->old_len : m->new_len;
    error = memory_host_move(m->old, m->old_len ? size : 0, m->new_len, m->to, m->flags & GUEST_MREMAP_DONTUNMAP);
    if (error) {
        memory_host_unmap(m->to, m->new_len);
        cut(m->to, m->to + m->new_len);
        return error;
    }
    r.offset += m->old - r.start;
    r.start = m->to;
    r.end = m->to + m->new_len;
    r.flags &= (uint8_t)~(MEMORY_HEAP | MEMORY_STACK);
    if (r.file)
        r.file->refs++;
    unwatch(r.start, r.end, false);
    memory_map_insert(&map, &r);
    if (m->old_len && !(m->flags & GUEST_MREMAP_DONTUNMAP)) {
        if (m->old_len > size)                 /* shrunk while moving */
            memory_host_unmap(m->old + size, m->old_len - size);
        cut(m->old, m->old + m->old_len);
    }
    m->move = true;
    return 0;
}

/* Grow in place if the table and the host have room behind it. The lock is held. */
static int remap_grow(struct remap *m, struct memory_region r)
{
    uint64_t old_end = m->old + m->old_len, new_end = m->old + m->new_len;
    if (old_end == r.end && new_end <= GUEST_TASK_SIZE && memory_map_is_free(&map, old_end, new_end)
        && memory_host_move(m->old, m->old_len, m->new_len, m->old, false) == 0) {
        r.offset += old_end - r.start;
        r.start = old_end;
        r.end = new_end;
        if (r.file)
            r.file->refs++;
        memory_map_insert(&map, &r);
        m->to = m->old;
        return 0;
    }
    return remap_move(m, r);
}

static int remap(struct remap *m)
{
    const struct memory_region *at = memory_map_at(&map, m->old);
    if (!at)
        return -EFAULT;
    struct memory_region r = *at;
    if (memory_map_reserve(&map, 6))
        return -ENOMEM;
    bool shared = r.flags & MEMORY_SHARED;
    if (!m->old_len)
        return shared ? remap_move(m, r) : -EINVAL;
    if (m->flags & (GUEST_MREMAP_FIXED | GUEST_MREMAP_DONTUNMAP)) {
        if (r.end < m->old + (m->old_len < m->new_len ? m->old_len : m->new_len))
            return -EFAULT;
        unwatch(m->old, m->old + m->old_len, true);
        return remap_move(m, r);
    }
    if (m->new_len <= m->old_len) {            /* shrinking needs no more than an unmap, done by the caller */
        m->to = m->old;
        return 0;
    }
    if (r.end < m->old + m->old_len)
        return -EFAULT;
    unwatch(m->old, m->old + m->old_len, true);        /* one host mapping again: the host refuses to move several */
    return remap_grow(m, r);
}

uint64_t linux_mremap(uint64_t old, uint64_t old_len, uint64_t new_len, int flags, uint64_t new_addr)
{
    struct remap m = { old, page_up(old_len), page_up(new_len), new_addr, flags, false };
    int64_t error = check_mremap(&m);
    if (error)
        return (uint64_t)error;
    enter();
    error = remap(&m);
    leave();
    if (error)
        return (uint64_t)error;
    if (!m.move && m.new_len < m.old_len)
        error = linux_munmap(m.old + m.new_len, m.old_len - m.new_len);
    if (m.move) {
        changed(m.old, m.old + m.old_len);
        changed(m.to, m.to + m.new_len);
    }
    return error ? (uint64_t)error : m.to;
}

/* ---- madvise ---- */

/* x86-64's numbers; they are the generic ones. What empties pages changes code. */
enum { ADV_DONTNEED = 4, ADV_FREE = 8, ADV_REMOVE = 9, ADV_DONTFORK = 10, ADV_DOFORK = 11, ADV_HWPOISON = 100, ADV_SOFT_OFFLINE = 101 };

static int advise_piece(uint64_t start, uint64_t size, int advice) { return memory_host_advise(start, size, advice); }

/* Where a host page holds several guest pages, some advice never reaches the kernel. */
static bool known_advice(int advice) { return (advice >= 0 && advice <= 4) || (advice >= ADV_FREE && advice <= 25) || (advice >= ADV_HWPOISON && advice <= 103); }

int64_t linux_madvise(uint64_t addr, uint64_t len, int advice)
{
    uint64_t size = page_up(len), end = addr + size;
    if (!known_advice(advice) || addr & GUEST_PAGE_MASK || size < len || end < addr)
        return -EINVAL;
    if (advice == ADV_HWPOISON || advice == ADV_SOFT_OFFLINE)
        return -EPERM;
    if (advice == ADV_DONTFORK || advice == ADV_DOFORK)
        return 0;                              /* the child's table is a copy of ours */
    if (!size)
        return 0;
    enter();
    int error = each_piece(addr, end, advise_piece, advice);
    bool holes = !memory_map_is_covered(&map, addr, end);
    leave();
    if (advice == ADV_DONTNEED || advice == ADV_FREE || advice == ADV_REMOVE)
        changed(addr, end);
    return error ? error : holes ? -ENOMEM : 0;
}

/* ---- brk ---- */

void linux_set_brk(uint64_t brk)
{
    uint64_t page = memory_host_page();        /* on a host with larger pages the heap has its own; Linux, too, leaves a gap before it */
    linux_process.brk_start = linux_process.brk = (brk + page - 1) & ~(page - 1);
}

/* The heap's last host page is mixed; it moves on as the heap grows. What was translated for it is given up each time the heap has doubled. */
static void forget_heap_end(void)
{
    static uint64_t last = 1 << 17;
    uint64_t size = linux_process.brk - linux_process.brk_start;
    if (memory_host_page() == GUEST_PAGE || size < 2 * last)
        return;
    last = size;
    engine_forget_views();
}

static uint64_t move_brk(uint64_t addr)
{
    const int flags = GUEST_MAP_FIXED_NOREPLACE;
    uint64_t old = linux_process.brk, old_end = page_up(old), end = page_up(addr);
    if (addr < linux_process.brk_start || end < addr || end > GUEST_TASK_SIZE)
        return old;
    enter();
    bool room = end <= old_end || memory_map_has_room(&map, old_end, end + GUEST_PAGE);        /* Linux leaves a page free behind it */
    leave();
    if (!room)
        return old;
    if (end > old_end) {
        uint64_t got = linux_mmap_named(old_end, end - old_end, GUEST_PROT_READ | GUEST_PROT_WRITE, flags, NULL, MEMORY_HEAP);
        if (got != old_end)
            return old;
    } else if (end < old_end && linux_munmap(end, old_end - end))
        return old;
    return linux_process.brk = addr;
}

uint64_t linux_brk(uint64_t addr)
{
    pthread_mutex_lock(&brk_lock);             /* taken before the other one, never after it */
    uint64_t now = move_brk(addr);
    forget_heap_end();
    pthread_mutex_unlock(&brk_lock);
    return now;
}

/* ---- System V segments ---- */

uint64_t linux_shm_place(uint64_t size)
{
    uint64_t addr = 0;
    enter();
    int error = memory_map_reserve(&map, 3) ? -ENOMEM : place_anywhere(&addr, 0, page_up(size), 0, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0);
    if (!error)
        memory_host_unmap(addr, page_up(size));
    leave();
    return error ? (uint64_t)(int64_t)error : addr;
}

void linux_shm_attached(uint64_t addr, uint64_t size, int prot, int id)
{
    char name[32];
    snprintf(name, sizeof name, "/SYSV%08x", (unsigned)id);
    struct memory_region r = { addr, addr + page_up(size), 0, memory_file_new(name, 1, (uint64_t)(unsigned)id, UINT64_MAX - GUEST_PAGE), (uint8_t)prot, MEMORY_SHARED };
    enter();
    if (memory_map_reserve(&map, 3) == 0)
        memory_map_insert(&map, &r);
    leave();
    changed(r.start, r.end);
}

uint64_t linux_shm_size(uint64_t addr)
{
    enter();
    const struct memory_region *r = memory_map_at(&map, addr);
    uint64_t size = r && r->start == addr && r->file && !strncmp(r->file->name, "/SYSV", 5) ? r->end - r->start : 0;
    leave();
    return size;
}

void linux_shm_detached(uint64_t addr, uint64_t size)
{
    enter();
    unwatch(addr, addr + size, false);
    if (memory_map_reserve(&map, 2) == 0)
        cut(addr, addr + size);
    leave();
    changed(addr, addr + size);
}

/* ---- life ---- */

int linux_memory_init(void)
{
    if (memory_host_page() > GUEST_PAGE && engine_expect_views())
        return -1;
    return memory_map_reserve(&map, 256);
}

void linux_memory_fork_prepare(void)
{
    pthread_mutex_lock(&brk_lock);
    enter();
    mixed_fork_prepare();
}

void linux_memory_fork_parent(void)
{
    memory_home_fork_parent();
    leave();
    pthread_mutex_unlock(&brk_lock);
}

void linux_memory_fork_child(void)
{
    mixed_fork_child();
    leave();                               /* this thread took them */
    pthread_mutex_unlock(&brk_lock);
}
