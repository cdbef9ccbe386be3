/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_remap.c: mremap(2).
 */
#include <errno.h>
#include "linux/memory_table.h"

struct remap { uint64_t old, old_len, new_len, to; int flags; bool move; };

static int check_mremap(const struct remap *m)
{
    if (m->flags & ~7 || m->old & GUEST_PAGE_MASK || !m->new_len || m->new_len > GUEST_TASK_SIZE || m->old_len > GUEST_TASK_SIZE)
        return -EINVAL;
    if (m->flags & (GUEST_MREMAP_FIXED | GUEST_MREMAP_DONTUNMAP) && !(m->flags & GUEST_MREMAP_MAYMOVE))
        return -EINVAL;
    if (m->flags & GUEST_MREMAP_DONTUNMAP && m->old_len != m->new_len)
        return -EINVAL;
    if (!(m->flags & GUEST_MREMAP_FIXED))
        return 0;
    if (m->to & GUEST_PAGE_MASK || m->to > GUEST_TASK_SIZE - m->new_len)
        return -EINVAL;
    return m->old < m->to + m->new_len && m->to < m->old + m->old_len ? -EINVAL : 0;
}

/* Find or clear the place that the mapping moves to: a placeholder of the guest's is there afterwards. The lock is held. */
static int remap_target(struct remap *m)
{
    const int flags = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_NORESERVE;
    if (m->flags & GUEST_MREMAP_FIXED) {
        int error = memory_place_fixed(m->to, m->new_len, 0, flags, -1, 0);
        return error == -EEXIST ? -ENOMEM : error;
    }
    return memory_place_anywhere(&m->to, 0, m->new_len, 0, flags, -1, 0);
}

/* The lock is held and the old range lies in region r. */
static int remap_move(struct remap *m, struct memory_region r)
{
    if (!(m->flags & GUEST_MREMAP_MAYMOVE))
        return -ENOMEM;
    int error = remap_target(m);
    if (error)
        return error;
    uint64_t size = m->old_len < m->new_len ? m->old_len : m->new_len;
    error = memory_host_move(m->old, m->old_len ? size : 0, m->new_len, m->to, m->flags & GUEST_MREMAP_DONTUNMAP);
    if (error) {
        memory_host_unmap(m->to, m->new_len);
        memory_cut(m->to, m->to + m->new_len);
        return error;
    }
    r.offset += m->old - r.start;
    r.start = m->to;
    r.end = m->to + m->new_len;
    r.flags &= (uint8_t)~(MEMORY_HEAP | MEMORY_STACK);
    if (r.file)
        r.file->refs++;
    memory_unwatch(r.start, r.end, false);
    memory_map_insert(&memory_table, &r);
    if (m->old_len && !(m->flags & GUEST_MREMAP_DONTUNMAP)) {
        if (m->old_len > size)                 /* shrunk while moving */
            memory_host_unmap(m->old + size, m->old_len - size);
        memory_cut(m->old, m->old + m->old_len);
    }
    m->move = true;
    return 0;
}

/* Grow in place if the table and the host have room behind it. The lock is held. */
static int remap_grow(struct remap *m, struct memory_region r)
{
    uint64_t old_end = m->old + m->old_len, new_end = m->old + m->new_len;
    if (old_end == r.end && new_end <= GUEST_TASK_SIZE && memory_map_is_free(&memory_table, old_end, new_end)
        && memory_host_move(m->old, m->old_len, m->new_len, m->old, false) == 0) {
        r.offset += old_end - r.start;
        r.start = old_end;
        r.end = new_end;
        if (r.file)
            r.file->refs++;
        memory_map_insert(&memory_table, &r);
        m->to = m->old;
        return 0;
    }
    return remap_move(m, r);
}

static int remap(struct remap *m)
{
    const struct memory_region *at = memory_map_at(&memory_table, m->old);
    if (!at)
        return -EFAULT;
    struct memory_region r = *at;
    if (memory_map_reserve(&memory_table, 6))
        return -ENOMEM;
    bool shared = r.flags & MEMORY_SHARED;
    if (!m->old_len)
        return shared ? remap_move(m, r) : -EINVAL;
    if (m->flags & (GUEST_MREMAP_FIXED | GUEST_MREMAP_DONTUNMAP)) {
        if (r.end < m->old + (m->old_len < m->new_len ? m->old_len : m->new_len))
            return -EFAULT;
        memory_unwatch(m->old, m->old + m->old_len, true);
        return remap_move(m, r);
    }
    if (m->new_len <= m->old_len) {            /* shrinking needs no more than an unmap, done by the caller */
        m->to = m->old;
        return 0;
    }
    if (r.end < m->old + m->old_len)
        return -EFAULT;
    memory_unwatch(m->old, m->old + m->old_len, true);        /* one host mapping again: the host refuses to move several */
    return remap_grow(m, r);
}

uint64_t linux_mremap(uint64_t old, uint64_t old_len, uint64_t new_len, int flags, uint64_t new_addr)
{
    struct remap m = { old, guest_page_up(old_len), guest_page_up(new_len), new_addr, flags, false };
    int64_t error = check_mremap(&m);
    if (error)
        return (uint64_t)error;
    memory_enter();
    error = remap(&m);
    memory_leave();
    if (error)
        return (uint64_t)error;
    if (!m.move && m.new_len < m.old_len)
        error = linux_munmap(m.old + m.new_len, m.old_len - m.new_len);
    if (m.move) {
        memory_changed(m.old, m.old + m.old_len);
        memory_changed(m.to, m.to + m.new_len);
    }
    return error ? (uint64_t)error : m.to;
}
