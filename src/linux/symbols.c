/* SPDX-License-Identifier: GPL-2.0-or-later
 * symbols.c: the name of the guest's function at an address, for -perfmap: from the symbol table of the file that is mapped there, or what is left of
 * it for the dynamic linker. Files stay mapped once they were asked for. Called under the engine's lock, by one thread at a time.
 */
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "linux/linux.h"

struct function { uint64_t start, size; uint32_t name; };
static struct image {
    struct image *next;
    uint64_t dev, ino;
    const uint8_t *bytes; size_t size;          /* NULL: can't be read */
    const Elf64_Phdr *ph; unsigned n_ph;
    const char *names; size_t names_size;
    struct function *function; size_t n;
} *images;

/* ---- a file ---- */

static const void *at(const struct image *m, uint64_t offset, uint64_t n, uint64_t size)
{
    bool fits = offset <= m->size && !(offset & 7) && n <= (m->size - offset) / size;
    return fits ? m->bytes + offset : NULL;
}

static int by_start(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void take_symbols(struct image *m, const Elf64_Shdr *table, const Elf64_Shdr *strings)
{
    size_t n = table->sh_size / sizeof(Elf64_Sym);
    const Elf64_Sym *s = at(m, table->sh_offset, n, sizeof *s);
    if (!s || strings->sh_offset > m->size || strings->sh_size > m->size - strings->sh_offset || !(m->function = calloc(n + 1, sizeof *m->function)))
        return;
    m->names = (const char *)m->bytes + strings->sh_offset;
    m->names_size = strings->sh_size;
    for (size_t i = 0; i < n; i++)
        if ((ELF64_ST_TYPE(s[i].st_info) == STT_FUNC || ELF64_ST_TYPE(s[i].st_info) == STT_GNU_IFUNC) && s[i].st_shndx && s[i].st_name < m->names_size)
            m->function[m->n++] = (struct function){ s[i].st_value, s[i].st_size, s[i].st_name };
    qsort(m->function, m->n, sizeof *m->function, by_start);
}

static void read_image(struct image *m)
{
    const Elf64_Ehdr *h = m->size >= sizeof *h ? (const void *)m->bytes : NULL;
    if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64)
        return;
    m->ph = at(m, h->e_phoff, h->e_phnum, sizeof *m->ph);
    m->n_ph = m->ph ? h->e_phnum : 0;
    const Elf64_Shdr *sh = at(m, h->e_shoff, h->e_shnum, sizeof *sh), *best = NULL;
    for (unsigned i = 0; sh && i < h->e_shnum; i++)
        if ((sh[i].sh_type == SHT_SYMTAB || (sh[i].sh_type == SHT_DYNSYM && !best)) && sh[i].sh_link < h->e_shnum)
            best = &sh[i];
    if (best)
        take_symbols(m, best, &sh[best->sh_link]);
}

static struct image *load(const char *guest, uint64_t dev, uint64_t ino)
{
    char buf[PATH_MAX];
    struct stat st;
    struct image *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct image){ .next = images, .dev = dev, .ino = ino };
    images = m;
    int fd = open(linux_path(guest, true, buf), O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && !fstat(fd, &st) && st.st_dev == dev && st.st_ino == ino && st.st_size > 0;
    void *p = same ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (p == MAP_FAILED)
        return m;
    m->bytes = p;
    m->size = (size_t)st.st_size;
    read_image(m);
    return m;
}

/* ---- an address ---- */

struct place { uint64_t pc, offset, dev, ino; char name[PATH_MAX]; };

static void look_at(void *ctx, const struct linux_region *r)
{
    struct place *p = ctx;
    if (p->pc < r->start || p->pc >= r->end || !r->ino)
        return;
    p->offset = p->pc - r->start + r->offset;
    p->dev = r->dev;
    p->ino = r->ino;
    snprintf(p->name, sizeof p->name, "%s", r->name);
}

static const struct function *function_at(const struct image *m, uint64_t address)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->function[mid].start <= address)
            low = mid + 1;
        else
            high = mid;
    }
    const struct function *f = low ? &m->function[low - 1] : NULL;
    return f && (!f->size || address - f->start < f->size) ? f : NULL;
}

const char *linux_symbol(uint64_t pc, char *text, size_t size)
{
    static struct place p;
    struct image *m;
    p = (struct place){ .pc = pc };
    linux_regions(look_at, &p);
    if (!p.ino)
        return NULL;
    for (m = images; m && (m->dev != p.dev || m->ino != p.ino); m = m->next) {}
    if (!m && !(m = load(p.name, p.dev, p.ino)))
        return NULL;
    for (unsigned i = 0; i < m->n_ph; i++) {
        const Elf64_Phdr *ph = &m->ph[i];
        if (ph->p_type != PT_LOAD || p.offset < ph->p_offset || p.offset - ph->p_offset >= ph->p_filesz)
            continue;
        uint64_t address = p.offset - ph->p_offset + ph->p_vaddr;
        const struct function *f = function_at(m, address);
        if (!f)
            return NULL;
        int n = (int)strnlen(m->names + f->name, m->names_size - f->name);
        snprintf(text, size, "%.*s+0x%llx", n < 400 ? n : 400, m->names + f->name, (unsigned long long)(address - f->start));
        return text;
    }
    return NULL;
}
