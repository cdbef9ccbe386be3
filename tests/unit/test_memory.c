/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_memory.c: the guest's address space: the table against a plain model, mmap and its kin against the host's own mappings,
 * the rule that wherry's mappings are out of reach, and the watch over code pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include "linux_alone.h"

enum { RW = 3, RX = 5, RWX = 7, PRIVATE = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, FIXED = PRIVATE | GUEST_MAP_FIXED };
#define PAGE(p, n) ((p) + 4096ull * (n))

/* ---- the table ---- */

enum { MODEL_PAGES = 64 };
static void check_model(const struct memory_map *m, const uint8_t *model)
{
    for (int i = 0; i < MODEL_PAGES; i++) {
        const struct memory_region *r = memory_map_at(m, PAGE(0, i));
        assert_int_equal(r ? r->prot + 1 : 0, model[i]);
    }
    for (size_t i = 0; i < m->n; i++) {
        assert_true(m->r[i].start < m->r[i].end);
        assert_true(i == 0 || m->r[i - 1].end <= m->r[i].start);
    }
}

static void table_against_model(void **state)
{
    struct memory_map m = { 0 };
    uint8_t model[MODEL_PAGES] = { 0 };
    srand(1);
    for (int step = 0; step < 20000; step++) {
        int first = rand() % MODEL_PAGES, n = 1 + rand() % (MODEL_PAGES - first), prot = rand() % 4;
        uint64_t start = PAGE(0, first), end = PAGE(start, n);
        assert_int_equal(memory_map_reserve(&m, 3), 0);
        switch (rand() % 3) {
        case 0: {
            struct memory_region r = { start, end, 0, NULL, (uint8_t)prot, MEMORY_ANONYMOUS };
            memory_map_insert(&m, &r);
            memset(model + first, prot + 1, (size_t)n);
            break;
        }
        case 1:
            memory_map_remove(&m, start, end);
            memset(model + first, 0, (size_t)n);
            break;
        case 2:
            memory_map_protect(&m, start, end, (uint8_t)prot);
            for (int i = first; i < first + n; i++)
                model[i] = model[i] ? (uint8_t)(prot + 1) : 0;
        }
        check_model(&m, model);
    }
    free(m.r);
}

static void table_merges(void **state)
{
    struct memory_map m = { 0 };
    memory_map_reserve(&m, 16);
    for (uint64_t i = 0; i < 8; i += 2) {
        struct memory_region r = { PAGE(0, i), PAGE(0, i + 1), 0, NULL, 3, MEMORY_ANONYMOUS };
        memory_map_insert(&m, &r);
    }
    assert_int_equal(m.n, 4);
    for (uint64_t i = 1; i < 8; i += 2) {
        struct memory_region r = { PAGE(0, i), PAGE(0, i + 1), 0, NULL, 3, MEMORY_ANONYMOUS };
        memory_map_insert(&m, &r);
    }
    assert_int_equal(m.n, 1);
    memory_map_protect(&m, PAGE(0, 2), PAGE(0, 3), 1);
    assert_int_equal(m.n, 3);
    memory_map_protect(&m, PAGE(0, 2), PAGE(0, 3), 3);
    assert_int_equal(m.n, 1);
    free(m.r);
}

static void holes(void **state)
{
    struct memory_map m = { 0 };
    memory_map_reserve(&m, 16);
    struct memory_region a = { PAGE(0, 10), PAGE(0, 20), 0, NULL, 3, 0 }, b = { PAGE(0, 25), PAGE(0, 30), 0, NULL, 1, 0 };
    memory_map_insert(&m, &a);
    memory_map_insert(&m, &b);
    assert_int_equal(memory_map_hole(&m, PAGE(0, 5), PAGE(0, 30), PAGE(0, 5), false), PAGE(0, 20));
    assert_int_equal(memory_map_hole(&m, PAGE(0, 4), PAGE(0, 30), PAGE(0, 6), false), PAGE(0, 4));
    assert_int_equal(memory_map_hole(&m, PAGE(0, 5), PAGE(0, 30), PAGE(0, 6), false), 0);
    assert_int_equal(memory_map_hole(&m, PAGE(0, 12), PAGE(0, 28), PAGE(0, 5), false), PAGE(0, 20));
    assert_int_equal(memory_map_hole(&m, PAGE(0, 10), PAGE(0, 40), PAGE(0, 5), true), PAGE(0, 20));
    assert_int_equal(memory_map_hole(&m, PAGE(0, 10), PAGE(0, 40), PAGE(0, 8), true), PAGE(0, 30));
    assert_int_equal(memory_map_hole(&m, PAGE(0, 10), PAGE(0, 30), PAGE(0, 8), true), 0);
    free(m.r);
}

static void watch_sets(void **state)
{
    struct watch_set s = { 0 };
    uint8_t model[512] = { 0 };
    uint64_t page;
    srand(2);
    for (int step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand() % 512;
        uint64_t addr = PAGE(0x400000, i * 64);
        if (rand() % 2) {
            assert_int_equal(watch_set_add(&s, addr), 0);
            model[i] = 1;
        } else {
            assert_int_equal(watch_set_remove(&s, addr), model[i]);
            model[i] = 0;
        }
        unsigned k = (unsigned)rand() % 512;
        assert_int_equal(watch_set_has(&s, PAGE(0x400000, k * 64)), model[k]);
    }
    while (watch_set_any(&s, 0, 1ull << 46, &page))
        watch_set_remove(&s, page);
    assert_int_equal(s.n, 0);
    free(s.slot);
}

/* ---- mappings ---- */

static uint64_t map(uint64_t n, int prot) { return linux_mmap(0, PAGE(0, n), prot, PRIVATE, -1, 0); }

static void places(void **state)
{
    uint64_t a = map(3, RW), b = map(2, RW);
    assert_true(a < LAYOUT_MMAP_TOP && a + 3 * 4096 <= LAYOUT_MMAP_TOP);
    assert_int_equal(b + 2 * 4096, a);                         /* top down, no gaps */
    assert_int_equal(linux_mmap(0x10000000, 4096, RW, PRIVATE, -1, 0), 0x10000000);
    assert_true(linux_mmap(0x10000000, 4096, RW, PRIVATE, -1, 0) != 0x10000000);
    assert_int_equal((int64_t)linux_mmap(0x10000000, 4096, RW, PRIVATE | GUEST_MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
    uint64_t low = linux_mmap(0, 8192, RW, PRIVATE | GUEST_MAP_32BIT, -1, 0);
    assert_true(low >= 0x10000 && low < 0x80000000ull);
    assert_int_equal((int64_t)linux_mmap(0x1234, 4096, RW, FIXED, -1, 0), -EINVAL);
    assert_int_equal((int64_t)linux_mmap(0, 0, RW, PRIVATE, -1, 0), -EINVAL);
    assert_int_equal((int64_t)linux_mmap(0, 4096, RW, GUEST_MAP_ANONYMOUS, -1, 0), -EINVAL);
    assert_int_equal((int64_t)linux_mmap(0, 1ull << 60, RW, PRIVATE, -1, 0), -ENOMEM);
    assert_int_equal((int64_t)linux_mmap(0, 4096, RW, GUEST_MAP_PRIVATE, 12345, 0), -EBADF);
    assert_int_equal((int64_t)linux_mmap(0, 4096, RW, GUEST_MAP_PRIVATE, 0, 5), -EINVAL);
    linux_munmap(b, 5 * 4096);
    assert_int_equal(linux_page_prot(a), -1);
    assert_int_equal(linux_segv_code(a), SEGV_MAPERR);
}

static void own_memory_is_safe(void **state)
{
    char *own = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t at = (uintptr_t)own;
    own[4096] = 7;
    assert_int_equal((int64_t)linux_mmap(PAGE(at, 1), 4096, RW, FIXED, -1, 0), -ENOMEM);
    assert_true(linux_mmap(PAGE(at, 1), 4096, RW, PRIVATE, -1, 0) != PAGE(at, 1));
    assert_int_equal(linux_munmap(at, 8 * 4096), 0);
    assert_int_equal(linux_mprotect(at, 4096, 0), -ENOMEM);
    assert_int_equal(linux_madvise(at, 8 * 4096, MADV_DONTNEED), -ENOMEM);
    assert_int_equal((int64_t)linux_mremap(at, 4096, 8192, GUEST_MREMAP_MAYMOVE, 0), -EFAULT);
    uint64_t g = map(1, RW);
    assert_int_equal((int64_t)linux_mremap(g, 4096, 4096, GUEST_MREMAP_MAYMOVE | GUEST_MREMAP_FIXED, at), -ENOMEM);
    assert_int_equal(own[4096], 7);
    munmap(own, 8 * 4096);
}

static void fixed_over_gaps(void **state)
{
    uint64_t p = map(8, RW);
    strcpy((char *)PAGE(p, 3), "old");
    linux_munmap(PAGE(p, 1), 4096);
    linux_munmap(PAGE(p, 4), 2 * 4096);
    assert_int_equal(linux_mmap(p, 8 * 4096, RW, FIXED, -1, 0), p);
    for (int i = 0; i < 8; i++)
        assert_int_equal(*(char *)PAGE(p, i), 0);
    /* one gap now taken by the host: nothing may change */
    linux_munmap(PAGE(p, 2), 2 * 4096);
    strcpy((char *)PAGE(p, 1), "kept");
    void *own = mmap((void *)PAGE(p, 3), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_int_equal((uintptr_t)own, PAGE(p, 3));
    assert_int_equal((int64_t)linux_mmap(p, 8 * 4096, RW, FIXED, -1, 0), -ENOMEM);
    assert_string_equal((char *)PAGE(p, 1), "kept");
    assert_int_equal(mmap((void *)PAGE(p, 2), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)PAGE(p, 2), 1);
    munmap((void *)PAGE(p, 2), 2 * 4096);
    linux_munmap(p, 8 * 4096);
}

static void protections(void **state)
{
    uint64_t p = map(6, RW);
    assert_int_equal(linux_mprotect(PAGE(p, 1), 2 * 4096, 1), 0);
    assert_int_equal(linux_page_prot(p), RW);
    assert_int_equal(linux_page_prot(PAGE(p, 2)), 1);
    assert_int_equal(linux_segv_code(PAGE(p, 2)), SEGV_ACCERR);
    linux_munmap(PAGE(p, 4), 4096);
    assert_int_equal(linux_mprotect(PAGE(p, 3), 3 * 4096, 0), -ENOMEM);      /* applied up to the hole */
    assert_int_equal(linux_page_prot(PAGE(p, 3)), 0);
    assert_int_equal(linux_page_prot(PAGE(p, 5)), RW);
    assert_int_equal(linux_mprotect(p + 1, 4096, 1), -EINVAL);
    assert_int_equal(linux_mprotect(p, 0, 1), 0);
    linux_munmap(p, 6 * 4096);
}

static void remaps(void **state)
{
    uint64_t p = map(4, RW);
    strcpy((char *)PAGE(p, 3), "last");
    uint64_t q = linux_mremap(p, 4 * 4096, 40 * 4096, GUEST_MREMAP_MAYMOVE, 0);
    assert_string_equal((char *)PAGE(q, 3), "last");
    assert_int_equal(linux_page_prot(PAGE(q, 39)), RW);
    if (q != p)
        assert_int_equal(linux_page_prot(p), -1);
    assert_int_equal(linux_mremap(q, 40 * 4096, 2 * 4096, 0, 0), q);
    assert_int_equal(linux_page_prot(PAGE(q, 2)), -1);
    assert_int_equal(linux_mremap(q, 2 * 4096, 4 * 4096, 0, 0), q);          /* room was just freed */
    uint64_t to = map(8, 1);
    strcpy((char *)q, "first");
    assert_int_equal(linux_mremap(q, 4 * 4096, 2 * 4096, GUEST_MREMAP_MAYMOVE | GUEST_MREMAP_FIXED, PAGE(to, 2)), PAGE(to, 2));
    assert_string_equal((char *)PAGE(to, 2), "first");
    assert_int_equal(linux_page_prot(PAGE(to, 1)), 1);
    assert_int_equal(linux_page_prot(PAGE(to, 3)), RW);
    assert_int_equal(linux_page_prot(q), -1);
    assert_int_equal(linux_page_prot(PAGE(q, 3)), -1);
    assert_int_equal((int64_t)linux_mremap(to, 4096, 4096, GUEST_MREMAP_FIXED, q), -EINVAL);
    assert_int_equal((int64_t)linux_mremap(PAGE(to, 1), 3 * 4096, 9 * 4096, GUEST_MREMAP_MAYMOVE, 0), -EFAULT);    /* two mappings */
    linux_munmap(to, 8 * 4096);
}

static void heap(void **state)
{
    linux_set_brk(0x20000123);
    uint64_t start = linux_brk(0);
    assert_int_equal(start, 0x20001000);
    assert_int_equal(linux_brk(start + 100), start + 100);
    strcpy((char *)start, "heap");
    assert_int_equal(linux_brk(start + 100000), start + 100000);
    assert_string_equal((char *)start, "heap");
    assert_int_equal(linux_page_prot(start + 99999), RW);
    assert_int_equal(linux_brk(start + 5), start + 5);
    assert_int_equal(linux_page_prot(start + 99999), -1);
    assert_int_equal(linux_brk(start - 1), start + 5);
    linux_mmap(PAGE(start, 2), 4096, RW, FIXED, -1, 0);
    assert_int_equal(linux_brk(start + 100000), start + 5);     /* something is in the way */
}

/* ---- watched pages ---- */

static sigjmp_buf faulted;
static void on_fault(int sig) { siglongjmp(faulted, 1); }
static bool can_write(uint64_t addr)
{
    struct sigaction act = { .sa_handler = on_fault }, old;
    sigaction(SIGSEGV, &act, &old);
    volatile bool fine = false;
    if (!sigsetjmp(faulted, 1)) {
        *(volatile char *)(uintptr_t)addr = 1;
        fine = true;
    }
    sigaction(SIGSEGV, &old, NULL);
    return fine;
}

static void watching(void **state)
{
    uint64_t p = map(4, RWX);
    assert_int_equal(linux_fetchable(p + 10, 100), 100);
    assert_int_equal(linux_fetchable(PAGE(p, 3) + 4090, 15), 6);
    assert_false(linux_watch(p));
    assert_false(linux_watch(PAGE(p, 1)));
    assert_int_equal(linux_n_watched, 2);
    assert_false(can_write(p));
    assert_true(can_write(PAGE(p, 2)));
    n_invalidated = 0;
    assert_true(linux_write_fault(p + 8));
    assert_int_equal(n_invalidated, 1);
    assert_int_equal(invalidated_start, p);
    assert_true(can_write(p));
    assert_int_equal(linux_n_watched, 1);
    linux_will_write(PAGE(p, 1) + 4095, 1);
    assert_int_equal(linux_n_watched, 0);
    assert_true(can_write(PAGE(p, 1)));
    linux_watch(PAGE(p, 2));
    linux_will_write(PAGE(p, 1), UINT64_MAX - 5);
    assert_int_equal(linux_n_watched, 0);
    assert_false(linux_write_fault(0));
    linux_watch(p);
    assert_int_equal(linux_mprotect(p, 4096, RX), 0);
    assert_int_equal(linux_n_watched, 0);
    assert_false(linux_watch(p));
    assert_int_equal(linux_n_watched, 0);
    assert_false(linux_write_fault(p));
    linux_munmap(p, 4 * 4096);
    assert_int_equal(linux_fetchable(p, 1), 0);
}

static void invalidation(void **state)
{
    uint64_t p = map(4, RX);
    code_start = PAGE(p, 1), code_end = code_start + 64;
    n_invalidated = 0;
    linux_mprotect(PAGE(p, 1), 4096, RX);                       /* no change */
    linux_mprotect(PAGE(p, 2), 4096, RW);                       /* no code there */
    assert_int_equal(n_invalidated, 0);
    linux_mprotect(PAGE(p, 1), 4096, RW);
    assert_int_equal(n_invalidated, 1);
    linux_mmap(p, 2 * 4096, RX, FIXED, -1, 0);
    assert_int_equal(n_invalidated, 2);
    uint64_t q = linux_mremap(p, 2 * 4096, 2 * 4096, GUEST_MREMAP_MAYMOVE | GUEST_MREMAP_FIXED, 0x30000000);
    assert_int_equal(q, 0x30000000);
    assert_int_equal(n_invalidated, 3);
    code_start = q;
    code_end = q + 1;
    linux_munmap(q, 4096);
    assert_int_equal(n_invalidated, 4);
    code_start = code_end = 0;
}

/* Code in one shared mapping of a file, written through another. */
static void two_views(void **state)
{
    int fd = memfd_create("views", 0);
    assert_int_equal(ftruncate(fd, 3 * 4096), 0);
    uint64_t w = linux_mmap(0, 3 * 4096, RW, GUEST_MAP_SHARED, fd, 0), x = linux_mmap(0, 2 * 4096, RX, GUEST_MAP_SHARED, fd, 4096);
    assert_false(linux_watch(x));
    assert_false(can_write(PAGE(w, 1)));
    assert_true(can_write(PAGE(w, 2)));
    code_start = x, code_end = x + 16;
    n_invalidated = 0;
    assert_true(linux_write_fault(PAGE(w, 1)));
    assert_int_equal(n_invalidated, 2);
    assert_int_equal(invalidated_start, x);
    assert_true(can_write(PAGE(w, 1)));
    code_start = code_end = 0;
    close(fd);
}

static void file_text(void **state)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    uint64_t p = linux_mmap(0, 4096, RX, GUEST_MAP_PRIVATE, fd, 0);
    assert_true(linux_watch(p));
    assert_int_equal(linux_mprotect(p, 4096, RWX), 0);
    assert_false(linux_watch(p));
    assert_int_equal(linux_n_watched, 1);
    linux_munmap(p, 4096);
    assert_int_equal(linux_n_watched, 0);
    close(fd);
    fd = memfd_create("short", 0);
    assert_int_equal(write(fd, "\x90", 1), 1);
    p = linux_mmap(0, 3 * 4096, RX, GUEST_MAP_PRIVATE, fd, 0);
    assert_int_equal(linux_fetchable(p, 5000), 4096);           /* behind the file's end there is nothing to read */
    assert_int_equal(linux_fetchable(PAGE(p, 1), 1), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_against_model), cmocka_unit_test(table_merges), cmocka_unit_test(holes), cmocka_unit_test(watch_sets),
        cmocka_unit_test(places), cmocka_unit_test(own_memory_is_safe), cmocka_unit_test(fixed_over_gaps), cmocka_unit_test(protections),
        cmocka_unit_test(remaps), cmocka_unit_test(heap), cmocka_unit_test(watching), cmocka_unit_test(invalidation), cmocka_unit_test(two_views),
        cmocka_unit_test(file_text),
    };
    linux_memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
