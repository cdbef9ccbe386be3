/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_memory_big.c: 4 KiB guest pages with host pages forced to 64 KiB: random mappings, protections and moves in one area, and after each
 * of them every readable page must hold what a model says, and what the guest may not do must fail at the page's own address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>
#include "linux/memory.h"
#include "linux_alone.h"

enum { N = 160, FILE_PAGES = 96, RW = 3, STEPS = 4000 };
static const uint64_t area = 0x200000010000ull + 0x3000;       /* not at a host page's beginning */
static struct { int prot; uint32_t value; } model[N];          /* prot -1: not mapped */
static uint32_t seed = 7;
static uint32_t rnd(uint32_t n) { seed = seed * 1664525 + 1013904223; return (seed >> 8) % n; }
static uint32_t *page(unsigned i) { return (uint32_t *)(uintptr_t)ir_mem_at(area + i * GUEST_PAGE, GUEST_PAGE, false); }
static uint32_t *page_to_write(unsigned i) { return (uint32_t *)(uintptr_t)ir_mem_at(area + i * GUEST_PAGE, GUEST_PAGE, true); }

/* The kernel is asked, so that nothing faults here. */
static void check_refused(unsigned step, unsigned i)
{
    static int fd, zero;
    char *at = (char *)(uintptr_t)(area + i * GUEST_PAGE);
    if (!fd) {
        fd = memfd_create("sink", 0);
        zero = open("/dev/zero", O_RDONLY);
    }
    if (model[i].prot <= 0 && pwrite(fd, at, 1, 0) == 1)
        fail_msg("step %u page %u can be read", step, i);
    if (!(model[i].prot > 0 && model[i].prot & 2) && read(zero, at, 1) == 1)
        fail_msg("step %u page %u can be written", step, i);
}


static void fill(uint32_t *p, uint32_t value)
{
    for (unsigned i = 0; i < GUEST_PAGE / 4; i++)
        p[i] = value;
}

static void check(unsigned step)
{
    for (unsigned i = 0; i < N; i++) {
        if (linux_page_prot(area + i * GUEST_PAGE) != model[i].prot)
            fail_msg("step %u page %u: protection %d, expected %d", step, i, linux_page_prot(area + i * GUEST_PAGE), model[i].prot);
        if (model[i].prot > 0 && (*page(i) != model[i].value || page(i)[1023] != model[i].value))
            fail_msg("step %u page %u: %#x and %#x, expected %#x", step, i, *page(i), page(i)[1023], model[i].value);
        check_refused(step, i);
    }
}

static void set(unsigned first, unsigned n, int prot, uint32_t value, uint32_t step)
{
    for (unsigned i = first; i < first + n; i++, value += step)
        model[i].prot = prot, model[i].value = value;
}

static void map(unsigned first, unsigned n, int fd, bool shared)
{
    const int prots[] = { 0, 1, RW, RW, RW, 5 };
    int prot = prots[rnd(6)], flags = GUEST_MAP_FIXED | (shared && fd < 0 ? GUEST_MAP_SHARED : GUEST_MAP_PRIVATE) | (fd < 0 ? GUEST_MAP_ANONYMOUS : 0);
    unsigned offset = rnd(FILE_PAGES - n);
    uint64_t at = area + first * GUEST_PAGE;
    assert_int_equal(linux_mmap(at, n * GUEST_PAGE, prot, flags, fd, fd < 0 ? 0 : offset * GUEST_PAGE), at);
    set(first, n, prot, fd < 0 ? 0 : 0x1000 + offset, fd < 0 ? 0 : 1);
}

static void move(unsigned from, unsigned n)
{
    unsigned to = rnd(N - n);
    if (to < from + n && from < to + n)
        return;
    for (unsigned i = 1; i < n; i++)           /* one mapping only, or the kernel refuses */
        if (model[from + i].prot != model[from].prot)
            return;
    if (model[from].prot < 0)
        return;
    uint64_t got = linux_mremap(area + from * GUEST_PAGE, n * GUEST_PAGE, n * GUEST_PAGE, GUEST_MREMAP_MAYMOVE | GUEST_MREMAP_FIXED, area + to * GUEST_PAGE);
    if ((int64_t)got == -14)                   /* several mappings after all; the target is gone */
        return;
    assert_int_equal(got, area + to * GUEST_PAGE);
    memmove(&model[to], &model[from], n * sizeof model[0]);
    set(from, n, -1, 0, 0);
}

static void step(int fd)
{
    unsigned n = 1 + rnd(rnd(4) ? 8 : 60), first = rnd(N - n);
    int prot = (int[]){ 0, 1, RW }[rnd(3)];
    switch (rnd(8)) {
    case 0: case 1: map(first, n, -1, rnd(4) == 0); break;
    case 2: case 3: map(first, n, fd, false); break;
    case 4:
        assert_int_equal(linux_munmap(area + first * GUEST_PAGE, n * GUEST_PAGE), 0);
        set(first, n, -1, 0, 0);
        break;
    case 5:
        for (unsigned i = first; i < first + n && model[i].prot >= 0; i++) {
            assert_int_equal(linux_mprotect(area + i * GUEST_PAGE, GUEST_PAGE, prot), 0);
            model[i].prot = prot;
        }
        break;
    case 6: move(first, n); break;
    default:
        for (unsigned i = first; i < first + n; i++)
            if (model[i].prot == RW)
                fill(page_to_write(i), model[i].value = rnd(1 << 24));
    }
}

static void random_operations(void **state)
{
    static uint32_t text[1024];
    int fd = memfd_create("pages", 0);
    assert_int_equal(memory_host_page(), 65536);
    for (unsigned i = 0; i < FILE_PAGES; i++) {
        fill(text, 0x1000 + i);
        assert_int_equal(write(fd, text, sizeof text), sizeof text);
    }
    set(0, N, -1, 0, 0);
    for (unsigned i = 0; i < STEPS; i++) {
        step(fd);
        check(i);
    }
    linux_munmap(area, N * GUEST_PAGE);
    close(fd);
}

static void places(void **state)
{
    uint64_t a = linux_mmap(0, 4096, RW, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0);
    uint64_t b = linux_mmap(0, 4096, RW, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0);
    assert_int_equal(a & 0xffff, 0);
    assert_int_equal(b & 0xffff, 0);
    assert_int_equal(linux_mremap(a, 4096, 3 * 4096, 0, 0), a);          /* grows within its host page */
    *(char *)ir_mem_at(a + 2 * 4096, 1, true) = 1;
    int fd = memfd_create("shared", 0);
    assert_int_equal(ftruncate(fd, 20 * 4096), 0);
    uint64_t s = linux_mmap(0, 4096, RW, GUEST_MAP_SHARED, fd, 5 * 4096), odd = 0x200003001000;
    char seen = 0;
    *(char *)ir_mem_at(s, 1, true) = 'x';
    assert_int_equal(pread(fd, &seen, 1, 5 * 4096), 1);
    assert_int_equal(seen, 'x');
    assert_int_equal(linux_mmap(odd, 18 * 4096, RW, GUEST_MAP_SHARED | GUEST_MAP_FIXED, fd, 2 * 4096), odd);       /* an offset that the host can't map there */
    *(char *)ir_mem_at(odd + 3 * 4096 + 1, 1, true) = 'y';
    assert_int_equal(*(char *)ir_mem_at(s + 1, 1, false), 'y');          /* truly shared all the same */
    close(fd);
}

int main(void)
{
    setenv("WHERRY_HOST_PAGE", "65536", 1);
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_operations), cmocka_unit_test(places) };
    linux_memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
