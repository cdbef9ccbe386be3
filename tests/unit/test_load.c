/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_load.c: the ELF loader: what it maps, what it refuses and in which words, and that no mutation of a header makes it do
 * anything but load or refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>
#include "linux_alone.h"

enum { FILE_SIZE = 3 * 4096 + 100 };
struct program { Elf64_Ehdr h; Elf64_Phdr ph[6]; char interp[32]; };
static uint8_t file[FILE_SIZE];
static struct program *const program = (struct program *)file;

/* text at 0x400000, data with bss behind it, an interpreter's name */
static void make_program(uint16_t type)
{
    uint64_t base = type == ET_EXEC ? 0x400000 : 0;
    memset(file, 0x90, sizeof file);
    memset(program, 0, sizeof *program);
    program->h = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = type, .e_machine = EM_X86_64,
        .e_version = EV_CURRENT, .e_entry = base + 0x800, .e_phoff = offsetof(struct program, ph), .e_ehsize = 64, .e_phentsize = 56, .e_phnum = 6 };
    program->ph[0] = (Elf64_Phdr){ PT_PHDR, PF_R, 64, base + 64, base + 64, sizeof program->ph, sizeof program->ph, 8 };
    program->ph[1] = (Elf64_Phdr){ PT_INTERP, PF_R, offsetof(struct program, interp), base, base, 28, 28, 1 };
    program->ph[2] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, base, base, 0x1800, 0x1800, 0x1000 };
    program->ph[3] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x2100, base + 0x3100, base + 0x3100, 0xf00, 0x5000, 0x1000 };
    program->ph[4] = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
    program->ph[5] = (Elf64_Phdr){ PT_NOTE, PF_R, 0x200, base + 0x200, base + 0x200, 32, 32, 4 };
    strcpy(program->interp, "/lib64/ld-linux-x86-64.so.2");
}

static char why[512];
static struct linux_image image;

static int load(size_t size, bool is_interp)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, size), (ssize_t)size);
    int error = linux_load_elf(fd, "program", is_interp, &image, why);
    close(fd);
    return error;
}

static struct { uint64_t start, end; } regions[64];
static unsigned n_regions;
static void note(void *ctx, const struct linux_region *r)
{
    if (n_regions < 64)
        regions[n_regions].start = r->start, regions[n_regions++].end = r->end;
}

static void unload(void)
{
    n_regions = 0;
    linux_regions(note, NULL);
    while (n_regions--)
        linux_munmap(regions[n_regions].start, regions[n_regions].end - regions[n_regions].start);
}

static void loads(void **state)
{
    for (int type = ET_EXEC; type <= ET_DYN; type++) {
        make_program((uint16_t)type);
        uint64_t base = type == ET_EXEC ? 0x400000 : LAYOUT_PIE, bias = type == ET_EXEC ? 0 : LAYOUT_PIE;
        assert_int_equal(load(FILE_SIZE, false), 0);
        assert_int_equal(image.base, base);
        assert_int_equal(image.bias, bias);
        assert_int_equal(image.entry, base + 0x800);
        assert_int_equal(image.phdr, base + 64);
        assert_int_equal(image.brk, base + 0x9000);
        assert_false(image.exec_stack);
        assert_string_equal(image.interp, "/lib64/ld-linux-x86-64.so.2");
        assert_int_equal(linux_page_prot(base), PROT_READ | PROT_EXEC);
        assert_int_equal(linux_page_prot(base + 0x2000), -1);
        assert_int_equal(linux_page_prot(base + 0x8000), PROT_READ | PROT_WRITE);
        const uint8_t *data = (const uint8_t *)(uintptr_t)base;
        assert_int_equal(data[0x3fff], 0x90);
        assert_int_equal(data[0x4000], 0);
        assert_int_equal(data[0x8fff], 0);
        unload();
    }
}

static void clears_bss_exactly(void **state)
{
    make_program(ET_EXEC);
    program->ph[3].p_filesz = 0x123;
    program->ph[3].p_memsz = 0x124;
    assert_int_equal(load(FILE_SIZE, false), 0);
    const uint8_t *data = (const uint8_t *)0x403100;
    assert_int_equal(data[0x122], 0x90);
    assert_int_equal(data[0x123], 0);
    assert_int_equal(data[0xeff], 0);
    unload();
}

static void places_interp(void **state)
{
    make_program(ET_DYN);
    program->ph[2].p_align = 0x200000;
    assert_int_equal(load(FILE_SIZE, true), 0);
    assert_int_equal(image.base & 0x1fffff, 0);
    assert_true(image.end <= LAYOUT_MMAP_TOP);
    unload();
    assert_int_equal(load(FILE_SIZE, false), 0);
    assert_int_equal(image.base & 0x1fffff, 0);
    unload();
}

static void loads_any_order(void **state)
{
    for (int type = ET_EXEC; type <= ET_DYN; type++) {
        make_program((uint16_t)type);
        Elf64_Phdr first = program->ph[2];
        program->ph[2] = program->ph[3];
        program->ph[3] = first;
        assert_int_equal(load(FILE_SIZE, false), 0);
        assert_int_equal(image.entry, image.base + 0x800);
        assert_int_equal(linux_page_prot(image.base), PROT_READ | PROT_EXEC);
        assert_int_equal(linux_page_prot(image.base + 0x8000), PROT_READ | PROT_WRITE);
        unload();
        make_program((uint16_t)type);
        program->ph[3].p_vaddr = program->ph[2].p_vaddr + 0x1100;      /* over the first one's second page */
        assert_int_equal(load(FILE_SIZE, false), 0);
        assert_int_equal(linux_page_prot(image.base), PROT_READ | PROT_EXEC);
        assert_int_equal(linux_page_prot(image.base + 0x1000), PROT_READ | PROT_WRITE);
        unload();
    }
}

static void refuses(int error, const char *words)
{
    int got = load(FILE_SIZE, false);
    if (got != error || !strstr(why, words))
        fail_msg("got %d \"%s\", wanted %d \"%s\"", got, why, error, words);
    unload();
}

static void says_why(void **state)
{
#define CASE(error, words, ...) make_program(ET_EXEC); __VA_ARGS__; refuses(error, words)
    CASE(-ENOEXEC, "not an ELF", file[0] = 'x');
    CASE(-ENOEXEC, "AArch64", program->h.e_machine = EM_AARCH64);
    CASE(-ENOEXEC, "POWER", program->h.e_machine = EM_PPC64);
    CASE(-ENOEXEC, "i386", program->h.e_machine = EM_386; program->h.e_ident[EI_CLASS] = ELFCLASS32);
    CASE(-ENOEXEC, "x32", program->h.e_ident[EI_CLASS] = ELFCLASS32);
    CASE(-ENOEXEC, "s390x", program->h.e_machine = EM_S390 << 8; program->h.e_ident[EI_DATA] = ELFDATA2MSB);
    CASE(-ENOEXEC, "machine type 4660", program->h.e_machine = 4660);
    CASE(-ENOEXEC, "object file", program->h.e_type = ET_REL);
    CASE(-ENOEXEC, "core dump", program->h.e_type = ET_CORE);
    CASE(-ENOEXEC, "malformed", program->h.e_type = 77);
    CASE(-ENOEXEC, "program headers", program->h.e_phentsize = 55);
    CASE(-ENOEXEC, "program headers", program->h.e_phnum = 0);
    CASE(-ENOEXEC, "truncated", program->h.e_phoff = FILE_SIZE - 50);
    CASE(-ENOEXEC, "truncated", program->h.e_phoff = UINT64_MAX - 50);
    CASE(-ENOEXEC, "truncated", program->ph[3].p_offset = 0x10000 + 0x100);
    CASE(-ENOEXEC, "truncated", program->ph[3].p_offset = UINT64_MAX - 0xfff + 0x100);
    CASE(-ENOEXEC, "more bytes in the file", program->ph[3].p_memsz = 1);
    CASE(-ENOEXEC, "does not fit in the address space", program->ph[3].p_memsz = UINT64_MAX);
    CASE(-ENOEXEC, "does not fit in the address space", program->ph[3].p_vaddr = 0xffff800000000100);
    CASE(-ENOEXEC, "differ within a page", program->ph[3].p_vaddr += 8);
    CASE(-ENOEXEC, "no loadable segment", program->ph[2].p_type = program->ph[3].p_type = PT_NOTE);
    CASE(-ENOEXEC, "dynamic linker", program->ph[1].p_filesz = 10);
    CASE(-ENOEXEC, "dynamic linker", program->ph[1].p_filesz = 1);
    CASE(-ENOEXEC, "dynamic linker", program->ph[1].p_offset = FILE_SIZE);
    make_program(ET_EXEC);
    assert_int_equal(load(0, false), -ENOEXEC);
    assert_non_null(strstr(why, "empty"));
    assert_int_equal(load(30, false), -ENOEXEC);
    assert_non_null(strstr(why, "truncated"));
    program->ph[3].p_memsz = 0x600000000000;
    assert_int_not_equal(load(FILE_SIZE, false), 0);
    unload();
    char *own = mmap((void *)0x403000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    make_program(ET_EXEC);
    refuses(-ENOMEM, "cannot be mapped at 0x403100");
    munmap(own, 4096);
}

static long resident(void)             /* pages */
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &size, &pages), 2);
    fclose(f);
    return pages;
}

static bool too_large(void)
{
    uint64_t low = UINT64_MAX, high = 0;
    for (unsigned k = 0; k < 6; k++) {
        const Elf64_Phdr *p = &program->ph[k];
        if (p->p_type != PT_LOAD)
            continue;
        if (p->p_memsz >> 26 || p->p_align >> 26)
            return true;
        low = p->p_vaddr < low ? p->p_vaddr : low;
        high = p->p_vaddr > high ? p->p_vaddr : high;
    }
    return high >= low && (high - low) >> 26;
}

static uint32_t seed = 12345;
static uint32_t next(void) { return (seed = seed * 1664525 + 1013904223) >> 8; }

/* Emulators of user programs may keep a record for each page of a mapping (64 GiB cost qemu-user 400 MB): no terabytes there. */
static bool mappings_are_free(void)
{
    long before = resident();
    void *p = mmap(NULL, (size_t)1 << 34, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool is_free = resident() - before < 4096;
    if (p != MAP_FAILED)
        munmap(p, (size_t)1 << 34);
    return is_free;
}

static void mutate(void)
{
    static const uint64_t corners[] = { 0, 1, 2, 7, 0xfff, 0x1000, 0x1001, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffefff, 0x7ffffffff000, 0x7fffffffffff,
        0x8000000000000000, 0x7fffffffffffffff, 0xffffffffffffffff, 0xfffffffffffff000, 0x700000000000, 0x700020000000 };
    for (unsigned n = 1 + next() % 4; n; n--) {
        uint8_t *at = file + next() % (sizeof *program & ~7u);
        uint64_t v = corners[next() % (sizeof corners / sizeof corners[0])];
        switch (next() % 4) {
        case 0: *at = (uint8_t)next(); break;
        case 1: *at ^= (uint8_t)(1 << next() % 8); break;
        case 2: memcpy(file + ((at - file) & ~7), &v, 8); break;
        case 3: memcpy(at, &v, 1 + next() % 4); break;
        }
    }
}

static void mutations_never_crash(void **state)
{
    unsigned loaded = 0;
    bool any_size = mappings_are_free();
    for (int i = 0; i < 20000; i++) {
        make_program(next() % 2 ? ET_EXEC : ET_DYN);
        mutate();
        if (!any_size && too_large())
            continue;
        size_t size = next() % 8 ? FILE_SIZE : next() % FILE_SIZE;
        int error = load(size, next() % 2);
        loaded += error == 0;
        assert_true(error <= 0);
        if (error)
            assert_true(why[0] && strlen(why) < 400);
        unload();
    }
    assert_in_range(loaded, 100, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads), cmocka_unit_test(clears_bss_exactly), cmocka_unit_test(places_interp), cmocka_unit_test(loads_any_order), cmocka_unit_test(says_why),
        cmocka_unit_test(mutations_never_crash),
    };
    linux_memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
