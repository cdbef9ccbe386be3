/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_heap.c: what grows by a call of its own, or is attached: the heap and System V segments. brk(2), shmat(2).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "linux/memory_table.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void memory_heap_lock(void) { pthread_mutex_lock(&lock); }
void memory_heap_unlock(void) { pthread_mutex_unlock(&lock); }

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
    uint64_t old = linux_process.brk, old_end = guest_page_up(old), end = guest_page_up(addr);
    if (addr < linux_process.brk_start || end < addr || end > GUEST_TASK_SIZE)
        return old;
    memory_enter();
    bool room = end <= old_end || memory_map_has_room(&memory_table, old_end, end + GUEST_PAGE);        /* Linux leaves a page free behind it */
    memory_leave();
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
    memory_heap_lock();
    uint64_t now = move_brk(addr);
    forget_heap_end();
    memory_heap_unlock();
    return now;
}

/* ---- System V segments ---- */

uint64_t linux_shm_place(uint64_t size)
{
    uint64_t addr = 0;
    memory_enter();
    int error = memory_map_reserve(&memory_table, 3) ? -ENOMEM : memory_place_anywhere(&addr, 0, guest_page_up(size), 0, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0);
    if (!error)
        memory_host_unmap(addr, guest_page_up(size));
    memory_leave();
    return error ? (uint64_t)(int64_t)error : addr;
}

void linux_shm_attached(uint64_t addr, uint64_t size, int prot, int id)
{
    char name[32];
    snprintf(name, sizeof name, "/SYSV%08x", (unsigned)id);
    struct memory_region r = { addr, addr + guest_page_up(size), 0, memory_file_new(name, 1, (uint64_t)(unsigned)id, UINT64_MAX - GUEST_PAGE), (uint8_t)prot, MEMORY_SHARED };
    memory_enter();
    if (memory_map_reserve(&memory_table, 3) == 0)
        memory_map_insert(&memory_table, &r);
    memory_leave();
    memory_changed(r.start, r.end);
}

uint64_t linux_shm_size(uint64_t addr)
{
    memory_enter();
    const struct memory_region *r = memory_map_at(&memory_table, addr);
    uint64_t size = r && r->start == addr && r->file && !strncmp(r->file->name, "/SYSV", 5) ? r->end - r->start : 0;
    memory_leave();
    return size;
}

void linux_shm_detached(uint64_t addr, uint64_t size)
{
    memory_enter();
    memory_unwatch(addr, addr + size, false);
    if (memory_map_reserve(&memory_table, 2) == 0)
        memory_cut(addr, addr + size);
    memory_leave();
    memory_changed(addr, addr + size);
}
