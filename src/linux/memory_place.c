/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_place.c: where mappings go.
 */
#include <errno.h>
#include "linux/memory_image.h"
#include "linux/memory_table.h"

#define LOW_FIRST 0x40000000ull                /* MAP_32BIT: where Linux looks */
#define LOW_LAST  0x80000000ull

int memory_place_fixed(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
    uint64_t end = addr + len, at = addr;
    if (memory_map_is_free(&memory_table, addr, end))
        return memory_host_map(addr, len, prot, flags, fd, offset, false);
    int error = 0;
    for (size_t i = memory_map_find(&memory_table, addr); at < end && !error; i++) {       /* take the gaps, then all */
        uint64_t gap_end = i < memory_table.n && memory_table.r[i].start < end ? memory_table.r[i].start : end;
        if (gap_end > at)
            error = memory_host_map(at, gap_end - at, 0, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_NORESERVE, -1, 0, false);
        if (error)
            end = at;
        else
            at = i < memory_table.n ? memory_table.r[i].end : end;
    }
    if (!error)
        error = memory_host_map(addr, len, prot, flags, fd, offset, true);
    if (!error)
        return 0;
    at = addr;                                 /* give back the gaps taken */
    for (size_t i = memory_map_find(&memory_table, addr); at < end; i++) {
        uint64_t gap_end = i < memory_table.n && memory_table.r[i].start < end ? memory_table.r[i].start : end;
        if (gap_end > at)
            memory_host_unmap(at, gap_end - at);
        at = i < memory_table.n ? memory_table.r[i].end : end;
    }
    return error;
}

/* Is this a place where a mapping without MAP_FIXED may go? */
static bool usable(uint64_t addr, uint64_t len)
{
    return addr >= GUEST_MMAP_MIN && len <= GUEST_TASK_SIZE && addr <= GUEST_TASK_SIZE - len && memory_map_has_room(&memory_table, addr, addr + len);
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
        return memory_map_hole(&memory_table, first, last, len, low);
    uint64_t addr = memory_map_hole(&memory_table, first, last, ((shift + len + page - 1) & ~(page - 1)) + (page - GUEST_PAGE), low);
    return addr ? ((addr + page - 1) & ~(page - 1)) + shift : 0;
}

int memory_place_anywhere(uint64_t *where, uint64_t hint, uint64_t len, int prot, int flags, int fd, uint64_t offset)
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
            first = addr + guest_page_up(len / 4 + 1);
        else
            last = addr + len - guest_page_up(len / 4 + 1);
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
