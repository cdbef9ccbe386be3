/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_image.c: where images lie. Linkers put the pages that are only read after relocation in front of those that are written, 4 KiB pages side by
 * side. In one host page with them, each write of a variable would have to look up its address (memory_mixed.h). Images up to
 * some size are therefore placed so that the border is one of host pages, and copied: a copy takes 0.1 ms for each MiB, and its memory.
 */
#include "linux/memory_image.h"
#include <string.h>
#include <unistd.h>
#include "linux/memory_host.h"
#include "linux/memory_map.h"

enum { COPIED_MOST = 4 << 20, MOST_HEADERS = 32 };


/* The first address that stays writable, or 0 */
static uint64_t border_of(const Elf64_Phdr *ph, unsigned n)
{
    uint64_t border = 0, end = 0;
    for (unsigned i = 0; i < n; i++)
        if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_W && ph[i].p_memsz) {
            border = border ? border : ph[i].p_vaddr & ~GUEST_PAGE_MASK;
            end = ph[i].p_vaddr + ph[i].p_memsz;
        }
    for (unsigned i = 0; i < n; i++) {
        uint64_t stays = guest_page_up(ph[i].p_vaddr + ph[i].p_memsz);
        if (ph[i].p_type == PT_GNU_RELRO && stays > border)
            border = stays;
    }
    return border < end ? border : 0;
}

uint64_t memory_image_shift(const Elf64_Phdr *ph, unsigned n)
{
    uint64_t page = memory_host_page(), bytes = 0, low = UINT64_MAX;
    if (page == GUEST_PAGE)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        if (ph[i].p_type != PT_LOAD)
            continue;
        if (ph[i].p_align > GUEST_PAGE)
            return 0;
        bytes += ph[i].p_filesz;
        low = ph[i].p_vaddr < low ? ph[i].p_vaddr : low;
    }
    uint64_t border = border_of(ph, n);
    return border && bytes <= COPIED_MOST ? ((low & ~GUEST_PAGE_MASK) - border) & (page - 1) : 0;
}

uint64_t memory_image_file_shift(int fd)
{
    Elf64_Ehdr h;
    Elf64_Phdr ph[MOST_HEADERS];
    if (memory_host_page() == GUEST_PAGE || pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h.e_ident, ELFMAG, SELFMAG))
        return 0;
    size_t size = h.e_phnum * sizeof ph[0];
    if (h.e_type != ET_DYN || h.e_phentsize != sizeof ph[0] || h.e_phnum > MOST_HEADERS || pread(fd, ph, size, (off_t)h.e_phoff) != (ssize_t)size)
        return 0;
    return memory_image_shift(ph, h.e_phnum);
}
