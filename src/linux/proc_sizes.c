/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc_sizes.c: how large the guest's address space is, by kind, and where its program's code and data lie: what /proc/PID/stat, statm and status
 * tell. From the guest's table of mappings and its program headers; wherry's own mappings don't count. proc(5); the kernel's fs/proc/task_mmu.c.
 */
#include <elf.h>
#include <string.h>
#include "linux/memory.h"
#include "linux/proc.h"

static void count_region(void *ctx, const struct linux_region *r)
{
    struct linux_sizes *s = ctx;
    uint64_t size = r->end - r->start;
    bool shared = r->flags & GUEST_MAP_SHARED, stack = r->flags & GUEST_MAP_GROWSDOWN;
    s->total += size;
    if (stack)
        s->stack += size;
    else if (r->prot & GUEST_PROT_WRITE && !shared)
        s->data += size;
    else if (r->prot & GUEST_PROT_EXEC && !(r->prot & GUEST_PROT_WRITE))
        s->exec += size;
}

static void count_segment(struct linux_sizes *s, const Elf64_Phdr *p)
{
    uint64_t start = p->p_vaddr + linux_process.load_bias, end = start + p->p_filesz;
    if (p->p_type != PT_LOAD)
        return;
    if (p->p_flags & PF_X && (!s->start_code || start < s->start_code))
        s->start_code = start;
    if (p->p_flags & PF_X && end > s->end_code)
        s->end_code = end;
    if (start > s->start_data)
        s->start_data = start;
    if (end > s->end_data)
        s->end_data = end;
}

void linux_sizes(struct linux_sizes *s)
{
    static uint64_t peak;
    uint64_t pair[2], phdr = 0, n = 0;
    Elf64_Phdr p;
    memset(s, 0, sizeof *s);
    for (uint64_t at = 0; at < linux_process.auxv_size && !engine_copy_from(pair, linux_process.auxv_start + at, sizeof pair); at += sizeof pair) {
        phdr = pair[0] == AT_PHDR ? pair[1] : phdr;
        n = pair[0] == AT_PHNUM ? pair[1] : n;
    }
    for (uint64_t i = 0; i < n && i < 256 && !engine_copy_from(&p, phdr + i * sizeof p, sizeof p); i++)
        count_segment(s, &p);
    linux_regions(count_region, s);
    if (s->total > __atomic_load_n(&peak, __ATOMIC_RELAXED))
        __atomic_store_n(&peak, s->total, __ATOMIC_RELAXED);
    s->peak = __atomic_load_n(&peak, __ATOMIC_RELAXED);
    uint64_t text = guest_page_up(s->end_code) - (s->start_code & ~GUEST_PAGE_MASK);
    s->text = text < s->exec ? text : s->exec;
}
