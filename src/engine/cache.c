/* SPDX-License-Identifier: GPL-2.0-or-later
 * cache.c: memory for translated code: one memory file mapped twice, executable at LAYOUT_CODE_CACHE and writable elsewhere, so
 * that no address is ever both. Code is appended until the cache is full; then all of it is dropped at once (a
 * generation). Evicting single blocks was not chosen: it needs a count of who is inside each block and of each
 * return-stack entry, for a cache that hardly ever fills.
 *
 * A fork's child copies the used part. The parent may go on patching meanwhile: it counts its patches in a shared
 * page, and a child that sees the count move during the copy drops all translations instead.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "engine/internal.h"

#define TYPICAL_CODE 2048            /* of a block: room for the next one is there before it is written */
#define LARGEST_PIECE (64u << 10)    /* a multiple of every host's page size */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static struct { volatile uint64_t writes; } *shared;     /* seen by this process and children that still copy */
static uint64_t writes;                                   /* what *shared holds, as of our own last patch */

/* Memory is committed in pieces: a fault per page (of code: per page and view) would cost more. Small ones at first, since a page that is not
 * used costs as much as translating three instructions. */
static size_t piece(size_t done, size_t size)
{
    static size_t page;
    if (!page)
        page = sysconf(_SC_PAGESIZE);
    size_t n = done < (64u << 10) ? 16u << 10 : done < (256u << 10) ? 32u << 10 : LARGEST_PIECE;
    n = n < page ? page : n;
    return n < size - done ? n : size - done;
}

/* Under a limit on address space or data (setrlimit(2)) wherry reserves at most a half of it, and the guest has the rest: by how many bits
 * every reservation is made smaller. */
unsigned cache_scale(void)
{
    static const int kinds[] = { RLIMIT_AS, RLIMIT_DATA };
    const uint64_t reserved = 3ull << 30;                 /* all arenas, and both views of the default code cache */
    static bool known;
    static unsigned shift;
    if (known)
        return shift;
    known = true;
    for (int i = 0; i < 2; i++) {
        struct rlimit limit;
        if (getrlimit(kinds[i], &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
            while (shift < 10 && reserved >> shift > limit.rlim_cur / 2)
                shift++;
    }
    return shift;
}

int arena_reserve(struct arena *a, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return -1;
    madvise(p, size, MADV_NOHUGEPAGE);                    /* a huge page would commit 2 MiB for a few entries */
    *a = (struct arena){ p, 0, size, 0 };
    return 0;
}

__attribute__((noinline)) void arena_commit(struct arena *a)
{
    while (a->used > a->committed && a->committed < a->size) {
        size_t n = piece(a->committed, a->size);
        madvise(a->base + a->committed, n, MADV_POPULATE_WRITE);
        a->committed += n;
    }
}

void *arena_alloc(struct arena *a, size_t size, size_t align)
{
    size_t at = (a->used + align - 1) & ~(align - 1);
    if (at + size > a->size)
        return NULL;
    a->used = at + size;
    if (a->used > a->committed)
        arena_commit(a);
    return a->base + at;
}

static int map_views(int fd, size_t size, bool fixed)
{
    struct code_cache *c = &engine.cache;
    int how = MAP_SHARED | MAP_NORESERVE;
    void *rx = (void *)(fixed ? c->rx : LAYOUT_CODE_CACHE), *rw = fixed ? c->rw : NULL;
    rx = mmap(rx, size, PROT_READ | PROT_EXEC, how | (fixed ? MAP_FIXED : MAP_FIXED_NOREPLACE), fd, 0);
    if (rx == MAP_FAILED && !fixed)
        rx = mmap(NULL, size, PROT_READ | PROT_EXEC, how, fd, 0);
    if (rx == MAP_FAILED)
        return -1;
    rw = mmap(rw, size, PROT_READ | PROT_WRITE, how | (fixed ? MAP_FIXED : 0), fd, 0);
    if (rw == MAP_FAILED)
        return -1;
    c->rx = (uint64_t)rx;
    c->rw = rw;
    return 0;
}

/* A limit on the size of files holds for memory files too, and breaking it is a signal. */
static bool file_may_have(size_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur >= size;
}

/* Without a file: mremap of a shared mapping's nothing makes a second one of the same pages. */
static int make_views_alone(size_t size, const void *copy, size_t copy_size, bool fixed)
{
    struct code_cache *c = &engine.cache;
    int how = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    void *rw = mmap(NULL, size, PROT_READ | PROT_WRITE, how, -1, 0), *rx = (void *)(fixed ? c->rx : LAYOUT_CODE_CACHE);
    if (rw == MAP_FAILED)
        return -1;
    if (copy_size)
        memcpy(rw, copy, copy_size);
    if (fixed && (rw = mremap(rw, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, c->rw)) == MAP_FAILED)
        return -1;
    bool there = fixed || mmap(rx, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == rx;
    rx = mremap(rw, 0, size, MREMAP_MAYMOVE | (there ? MREMAP_FIXED : 0), rx);
    if (rx == MAP_FAILED || mprotect(rx, size, PROT_READ | PROT_EXEC) < 0)
        return -1;
    c->rx = (uint64_t)rx;
    c->rw = rw;
    return 0;
}

/* The descriptor is closed at once: the guest must not meet it. */
static int make_views(size_t size, const void *copy, size_t copy_size, bool fixed)
{
    if (!file_may_have(size))
        return make_views_alone(size, copy, copy_size, fixed);
    int fd = memfd_create("wherry-code", MFD_CLOEXEC), r = -1;
    if (fd < 0)
        return -1;
    if (ftruncate(fd, size) == 0) {
        size_t done = 0;
        while (done < copy_size) {
            ssize_t n = pwrite(fd, (const uint8_t *)copy + done, copy_size - done, done);
            if (n <= 0)
                break;
            done += n;
        }
        if (done == copy_size)
            r = map_views(fd, size, fixed);
    }
    close(fd);
    return r;
}

static int share_counter(void)
{
    void *p = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return -1;
    shared = p;
    writes = 0;
    return 0;
}

int cache_init(size_t size)
{
    engine.cache.size = size;
    if (arena_reserve(&engine.code_index, ((size >> CODE_INDEX_BITS) + 2) * sizeof(uint32_t)) < 0)
        return -1;
    if (make_views(size, NULL, 0, false) < 0)
        return -1;
    return share_counter();
}

void cache_reset(size_t keep)
{
    __atomic_store_n(&engine.cache.used, keep, __ATOMIC_RELAXED);
    engine.cache.cold = engine.cache.cold_end = 0;
}

static void populate(size_t upto)
{
    struct code_cache *c = &engine.cache;
    while (c->populated < upto && c->populated < c->size) {
        size_t n = piece(c->populated, c->size);
        madvise(c->rw + c->populated, n, MADV_POPULATE_WRITE);
        madvise((void *)(c->rx + c->populated), n, MADV_POPULATE_READ);
        c->populated += n;
    }
}

uint8_t *cache_room(size_t size, size_t align)
{
    struct code_cache *c = &engine.cache;
    size_t at = (c->used + align - 1) & ~(align - 1);
    if (at + size > c->size)
        return NULL;
    __atomic_store_n(&c->used, at, __ATOMIC_RELAXED);
    return c->rw + at;
}

void cache_commit(size_t size)
{
    struct code_cache *c = &engine.cache;
    host_icache_flush(c->rw + c->used, c->rx + c->used, size);
    __atomic_store_n(&c->used, c->used + size, __ATOMIC_RELAXED);
    populate(c->used);
}

enum { COLD_PIECE = 16384, COLD_LEAST = 2048 };

size_t cache_cold_room(size_t *size)
{
    struct code_cache *c = &engine.cache;
    if (c->cold_end - c->cold < COLD_LEAST && cache_room(COLD_PIECE, 64)) {
        c->cold = c->used;
        c->cold_end = c->used + COLD_PIECE;
        __atomic_store_n(&c->used, c->cold_end, __ATOMIC_RELAXED);
        populate(c->used);
    }
    *size = c->cold_end - c->cold;
    return c->cold;
}

void cache_cold_commit(size_t size)
{
    struct code_cache *c = &engine.cache;
    host_icache_flush(c->rw + c->cold, c->rx + c->cold, size);
    c->cold += size;
}

void cache_write_begin(void)
{
    __atomic_store_n(&shared->writes, ++writes, __ATOMIC_SEQ_CST);
}

void cache_write_end(void)
{
    __atomic_store_n(&shared->writes, ++writes, __ATOMIC_SEQ_CST);
}

int cache_fork(void)
{
    struct code_cache *c = &engine.cache;
    void *old_shared = shared;
    uint64_t before = writes;
    if (make_views(c->size, (void *)c->rx, c->used, true) < 0)
        return -1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool torn = __atomic_load_n(&shared->writes, __ATOMIC_SEQ_CST) != before;
    munmap(old_shared, sysconf(_SC_PAGESIZE));
    c->populated = c->used & ~(size_t)(LARGEST_PIECE - 1);
    if (share_counter() < 0)
        return -1;
    return torn ? 1 : 0;
}

/* Wait until no other cpu is inside engine_run. The lock is given up between looks, so that a thread that needs it on its
 * way out gets it. */
static void stop_others(struct cpu *cpu)
{
    for (;;) {
        bool any = false;
        for (struct engine_cpu *p = engine.cpus; p; p = p->next)
            if (p->cpu != cpu && cpu_is_running(p->cpu)) {
                any = true;
                cpu_poke(p->cpu);
            }
        if (!any)
            return;
        engine_unlock();
        nanosleep(&(struct timespec){ 0, 20000 }, NULL);
        engine_lock();
    }
}

void cache_flush(struct cpu *cpu)
{
    engine.flushing = true;
    __atomic_store_n(&engine.stop, 1, __ATOMIC_SEQ_CST);
    stop_others(cpu);
    block_reset();
    cache_reset(engine.stubs_size);
    __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&engine.generation, 1, __ATOMIC_SEQ_CST);
    engine.flushing = false;
    __atomic_store_n(&engine.stop, 0, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&engine.resumed);
    count(STAT_FLUSHES, 1);
}

void engine_settle_views(void)
{
    struct cpu *cpu = cpu_current();
    engine_lock();
    while (engine.stop) {
        engine_unlock();
        nanosleep(&(struct timespec){ 0, 20000 }, NULL);
        engine_lock();
    }
    if (engine.cpus && engine.cpus->next) {
        __atomic_store_n(&engine.stop, 1, __ATOMIC_SEQ_CST);
        stop_others(cpu);
        __atomic_store_n(&engine.stop, 0, __ATOMIC_SEQ_CST);
        pthread_cond_broadcast(&engine.resumed);
    }
    engine_unlock();
}

void engine_order_memory(void)
{
    struct cpu *cpu = cpu_current();
    if (engine.cfg.tier >= 2 && !engine.memory_shared) {  /* regions may have moved accesses */
        engine_lock();
        engine.memory_shared = true;
        drop_regions();
        tier2_forget_regions();
        engine_unlock();
    }
    if (!engine.host || !engine.host->weak_order || __atomic_load_n(&engine.env.ordered, __ATOMIC_ACQUIRE))
        return;
    engine_lock();
    while (engine.stop) {                                 /* another thread's flush: let it finish */
        engine_unlock();
        nanosleep(&(struct timespec){ 0, 20000 }, NULL);
        engine_lock();
    }
    if (!engine.env.ordered) {
        cache_flush(cpu);
        if (cpu)
            cpu_enter_generation(cpu);
        __atomic_store_n(&engine.env.ordered, true, __ATOMIC_RELEASE);
    }
    engine_unlock();
}
