/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory.c: the guest's address space: its table, questions about it, mmap and its kin. Guest addresses are host addresses; wherry's own mappings lie
 * among them. memory_table.h says what else there is to it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "engine/log.h"
#include "linux/memory_mixed.h"
#include "linux/memory_table.h"

pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
struct memory_map memory_table;

const struct memory_map *linux_memory_table(void) { return &memory_table; }

/* ---- questions ---- */

uint64_t linux_futex_address(uint64_t addr)
{
    memory_enter();
    const struct mixed *p = memory_host_page() > GUEST_PAGE ? mixed_find(mixed_down(addr)) : NULL;
    uint64_t raw = p && p->sub[mixed_sub(addr)].state & SUB_MAPPED ? mixed_raw(p, mixed_sub(addr)) : 0;
    memory_leave();
    return raw ? raw + (addr & GUEST_PAGE_MASK) : addr;
}

void linux_page_refresh(uint64_t addr)
{
    memory_enter();
    if (memory_host_page() > GUEST_PAGE)
        memory_big_refresh(addr);
    memory_leave();
}

int linux_page_present(uint64_t addr)
{
    memory_enter();
    int present = memory_host_page() > GUEST_PAGE ? memory_big_present(addr) : -1;
    memory_leave();
    return present;
}

size_t linux_fetchable(uint64_t pc, size_t want)
{
    size_t got = 0;
    memory_enter();
    for (size_t i = memory_map_find(&memory_table, pc); i < memory_table.n && got < want; i++) {
        const struct memory_region *r = &memory_table.r[i];
        uint64_t at = pc + got, end = r->end;
        if (r->start > at || !(r->prot & GUEST_PROT_EXEC))
            break;
        if (r->file && r->file->ino) {         /* pages behind the file's end are there, but reading them is SIGBUS */
            uint64_t in_file = guest_page_up(r->file->size);
            end = in_file <= r->offset ? r->start : r->start + (in_file - r->offset);
            end = end < r->end ? end : r->end;
        }
        if (at >= end)
            break;
        got += end - at < want - got ? end - at : want - got;
        if (end < r->end)
            break;
    }
    memory_leave();
    return got;
}

int linux_page_prot(uint64_t addr)
{
    memory_enter();
    const struct memory_region *r = memory_map_at(&memory_table, addr);
    int prot = r ? r->prot : -1;
    memory_leave();
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
    memory_enter();
    bool covered = memory_map_is_covered(&memory_table, addr & ~GUEST_PAGE_MASK, guest_page_up(addr + len));
    memory_leave();
    return covered;
}

void linux_regions(void (*fn)(void *ctx, const struct linux_region *r), void *ctx)
{
    memory_enter();
    for (size_t i = 0; i < memory_table.n; i++) {
        const struct memory_region *m = &memory_table.r[i];
        bool stack = m->start <= linux_process.stack_top && m->end >= linux_process.stack_top, heap = m->flags & MEMORY_HEAP;
        struct linux_region r = { m->start, m->end, m->offset, m->prot, (m->flags & MEMORY_SHARED ? GUEST_MAP_SHARED : GUEST_MAP_PRIVATE) | (m->flags & MEMORY_STACK ? GUEST_MAP_GROWSDOWN : 0),
            m->file ? m->file->name : stack ? "[stack]" : heap ? "[heap]" : "", m->file ? m->file->dev : 0, m->file ? m->file->ino : 0 };
        if (m->flags & MEMORY_ANONYMOUS)
            r.offset = 0;
        fn(ctx, &r);
    }
    memory_leave();
}

/* ---- mmap ---- */

void linux_memory_slack(uint64_t addr, uint64_t size)
{
    memory_enter();
    memory_host_slack(addr, size);
    memory_leave();
}

/* The name of the file mapped last, while fd still stands for it: loaders map each file several times in a row, and the kernel takes its
 * time to tell a name. Guarded by the lock; forgotten at the next system call of another kind. */
int linux_named_fd = -1;
static struct { dev_t dev; ino_t ino; char name[4096]; } named;

static void name_of_file(int fd, const struct stat *st, char name[4096])
{
    char link[32];
    memory_enter();
    if (__atomic_load_n(&linux_named_fd, __ATOMIC_RELAXED) != fd || named.dev != st->st_dev || named.ino != st->st_ino) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, named.name, sizeof named.name - 1);
        named.name[n < 0 ? 0 : n] = 0;
        named.dev = st->st_dev;
        named.ino = st->st_ino;
        __atomic_store_n(&linux_named_fd, fd, __ATOMIC_RELAXED);
    }
    strcpy(name, named.name);
    memory_leave();
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
    if (!(flags & GUEST_MAP_ANONYMOUS) && offset + guest_page_up(len) < offset)
        return -EOVERFLOW;
    if (!(flags & (GUEST_MAP_FIXED | GUEST_MAP_FIXED_NOREPLACE)))
        return 0;
    if (addr & GUEST_PAGE_MASK)
        return -EINVAL;
    return addr > GUEST_TASK_SIZE - guest_page_up(len) ? -ENOMEM : 0;
}

static void entered(const struct memory_region *r)
{
    if (r->flags & MEMORY_SHARED && r->prot & GUEST_PROT_WRITE)
        engine_order_memory();
    if (r->flags & MEMORY_SHARED && r->file && r->prot & GUEST_PROT_WRITE)
        memory_drop_aliased_code(r);
    if (log_on(LOG_PAGE))
        log_printf("page: %012lx-%012lx %c%c%c %s\n", (unsigned long)r->start, (unsigned long)r->end, r->prot & 1 ? 'r' : '-',
            r->prot & 2 ? 'w' : '-', r->prot & 4 ? 'x' : '-', r->flags & MEMORY_ANONYMOUS ? "anonymous" : "file");
}

static uint64_t map_region(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset, struct memory_file *file, unsigned more)
{
    bool fixed = flags & (GUEST_MAP_FIXED | GUEST_MAP_FIXED_NOREPLACE), replaced = false;
    struct memory_region r = { .file = file, .offset = offset, .prot = prot & 7, .flags = (uint8_t)(region_flags(flags) | more) };
    memory_enter();
    int error = memory_map_reserve(&memory_table, 3) ? -ENOMEM : 0;
    if (!error && flags & GUEST_MAP_FIXED_NOREPLACE && !memory_map_is_free(&memory_table, addr, addr + len))
        error = -EEXIST;
    if (!error && fixed) {
        replaced = !memory_map_is_free(&memory_table, addr, addr + len);
        error = memory_place_fixed(addr, len, prot, flags, fd, offset);
        if (error == -EEXIST && !(flags & GUEST_MAP_FIXED_NOREPLACE))
            error = -ENOMEM;
    } else if (!error)
        error = memory_place_anywhere(&addr, addr, len, prot, flags, fd, offset);
    if (!error) {
        r.start = addr;
        r.end = addr + len;
        memory_unwatch(r.start, r.end, false);
        memory_map_insert(&memory_table, &r);
        if (flags & GUEST_MAP_GROWSDOWN)
            __atomic_store_n(&linux_stack_others, true, __ATOMIC_RELAXED);
    }
    memory_leave();
    if (error) {
        free(file);
        return (uint64_t)(int64_t)error;
    }
    if (replaced)
        memory_changed(r.start, r.end);
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
    return map_region(addr, guest_page_up(len), prot, flags, fd, offset, file, 0);
}

uint64_t linux_mmap_named(uint64_t addr, uint64_t len, int prot, int flags, const char *name, unsigned more)
{
    struct memory_file *file = name ? memory_file_new(name, 0, 0, 0) : NULL;
    return map_region(addr, guest_page_up(len), prot, flags | GUEST_MAP_ANONYMOUS | GUEST_MAP_PRIVATE, -1, 0, file, more);
}

/* Call fn for each mapped piece of the range; stops at an error. The lock is held. */
static int each_piece(uint64_t start, uint64_t end, int (*fn)(uint64_t start, uint64_t size, int arg), int arg)
{
    int error = 0;
    for (size_t i = memory_map_find(&memory_table, start); i < memory_table.n && memory_table.r[i].start < end && !error; i++) {
        uint64_t from = memory_table.r[i].start > start ? memory_table.r[i].start : start, to = memory_table.r[i].end < end ? memory_table.r[i].end : end;
        error = fn(from, to - from, arg);
    }
    return error;
}

static int unmap_piece(uint64_t start, uint64_t size, int arg) { return memory_host_unmap(start, size); }

int64_t linux_munmap(uint64_t addr, uint64_t len)
{
    uint64_t size = guest_page_up(len), end = addr + size;
    if (addr & GUEST_PAGE_MASK || !len || size < len || end < addr || end > GUEST_TASK_SIZE)
        return -EINVAL;
    memory_enter();
    int error = memory_map_reserve(&memory_table, 2) ? -ENOMEM : each_piece(addr, end, unmap_piece, 0);
    if (!error) {
        memory_unwatch(addr, end, false);
        memory_cut(addr, end);
    }
    memory_leave();
    if (!error)
        memory_changed(addr, end);
    return error;
}

/* ---- mprotect ---- */

static bool protection_differs(uint64_t start, uint64_t end, int prot)
{
    for (size_t i = memory_map_find(&memory_table, start); i < memory_table.n && memory_table.r[i].start < end; i++)
        if (memory_table.r[i].prot != prot)
            return true;
    return false;
}

/* The end of the mapped run that starts at start. */
static uint64_t mapped_run(uint64_t start, uint64_t end)
{
    for (size_t i = memory_map_find(&memory_table, start); i < memory_table.n && start < end && memory_table.r[i].start <= start; i++)
        start = memory_table.r[i].end;
    return start < end ? start : end;
}

static bool any_shared(uint64_t start, uint64_t end)
{
    bool any = false;
    memory_enter();
    for (size_t i = 0; i < memory_table.n; i++)
        any |= memory_table.r[i].start < end && start < memory_table.r[i].end && memory_table.r[i].flags & MEMORY_SHARED;
    memory_leave();
    return any;
}

int64_t linux_mprotect(uint64_t addr, uint64_t len, int prot)
{
    uint64_t size = guest_page_up(len), end = addr + size;
    if (addr & GUEST_PAGE_MASK || prot & ~(7 | GUEST_PROT_GROWSDOWN | GUEST_PROT_GROWSUP | 8))
        return -EINVAL;
    if (!size)
        return len ? -ENOMEM : 0;
    if (end < addr || end > GUEST_TASK_SIZE)
        return -ENOMEM;
    memory_enter();
    if (prot & GUEST_PROT_GROWSDOWN) {         /* from the beginning of the stack on */
        const struct memory_region *r = memory_map_at(&memory_table, addr);
        if (!r || !(r->flags & MEMORY_STACK)) {
            memory_leave();
            return r ? -EINVAL : -ENOMEM;
        }
        addr = r->start;
    }
    prot &= 7;
    uint64_t run = mapped_run(addr, end);
    bool differs = protection_differs(addr, run, prot);
    int error = memory_map_reserve(&memory_table, 2) ? -ENOMEM : 0;
    if (!error && differs) {
        memory_unwatch(addr, run, false);
        error = memory_host_protect(addr, run - addr, prot, false);
        if (!error)
            memory_map_protect(&memory_table, addr, run, (uint8_t)prot);
    }
    bool lost = mixed_lost_views();
    memory_leave();
    if (lost)
        engine_settle_views();
    if (differs && !error) {
        memory_changed(addr, run);
        if (prot & GUEST_PROT_WRITE) {
            memory_drop_shared_code(addr, run);
            if (any_shared(addr, run))
                engine_order_memory();
        }
    }
    return error ? error : run < end ? -ENOMEM : 0;
}

/* ---- madvise ---- */

/* x86-64's numbers; they are the generic ones. What empties pages changes code. */
enum { ADV_DONTNEED = 4, ADV_FREE = 8, ADV_REMOVE = 9, ADV_DONTFORK = 10, ADV_DOFORK = 11, ADV_HWPOISON = 100, ADV_SOFT_OFFLINE = 101 };

static int advise_piece(uint64_t start, uint64_t size, int advice) { return memory_host_advise(start, size, advice); }

/* Where a host page holds several guest pages, some advice never reaches the kernel. */
static bool known_advice(int advice) { return (advice >= 0 && advice <= 4) || (advice >= ADV_FREE && advice <= 25) || (advice >= ADV_HWPOISON && advice <= 103); }

int64_t linux_madvise(uint64_t addr, uint64_t len, int advice)
{
    uint64_t size = guest_page_up(len), end = addr + size;
    if (!known_advice(advice) || addr & GUEST_PAGE_MASK || size < len || end < addr)
        return -EINVAL;
    if (advice == ADV_HWPOISON || advice == ADV_SOFT_OFFLINE)
        return -EPERM;
    if (advice == ADV_DONTFORK || advice == ADV_DOFORK)
        return 0;                              /* the child's table is a copy of ours */
    if (!size)
        return 0;
    memory_enter();
    int error = each_piece(addr, end, advise_piece, advice);
    bool holes = !memory_map_is_covered(&memory_table, addr, end);
    memory_leave();
    if (advice == ADV_DONTNEED || advice == ADV_FREE || advice == ADV_REMOVE)
        memory_changed(addr, end);
    return error ? error : holes ? -ENOMEM : 0;
}

/* ---- life ---- */

int linux_memory_init(void)
{
    if (memory_host_page() > GUEST_PAGE && engine_expect_views())
        return -1;
    return memory_map_reserve(&memory_table, 256);
}

void linux_memory_fork_prepare(void)
{
    memory_heap_lock();
    memory_enter();
    mixed_fork_prepare();
}

void linux_memory_fork_parent(void)
{
    memory_home_fork_parent();
    memory_leave();
    memory_heap_unlock();
}

void linux_memory_fork_child(void)
{
    mixed_fork_child();
    memory_leave();                               /* this thread took them */
    memory_heap_unlock();
}
