/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_args.c: the kernel reads and writes guest memory by the rights of host pages. Where those are less than the guest's, a pointer
 * argument is replaced by the same bytes' address in a view; bytes that lie in several places are given as a copy, or as more pieces
 * of an iovec. What the guest itself may not access keeps its address: the kernel answers EFAULT, as it should.
 */
#include "linux/memory_args.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include "linux/hostcall.h"
#include "linux/kinds.h"
#include "linux/memory.h"
#undef SYS

enum { BOUNCE_MAX = 1 << 20, STRING_MAX = 1 << 17 };
enum { NR_FUTEX = 202, FUTEX_PRIVATE = 128 };

/* Pointers among the arguments of kinds that are not known to be any: { call, argument }. */
static const struct { uint16_t nr; uint8_t arg; } pointers[] = {
    { 16, 2 }, { 65, 1 }, { 69, 1 }, { 72, 2 }, { 116, 1 }, { 125, 0 }, { 126, 0 }, { 126, 1 }, { 132, 1 }, { 142, 1 }, { 144, 2 }, { 157, 1 }, { 165, 4 },
    { 202, 3 }, { 203, 2 }, { 220, 1 }, { 222, 1 }, { 240, 3 }, { 244, 1 }, { 245, 1 }, { 270, 5 },
};

static uint64_t page_rest(uint64_t addr) { return GUEST_PAGE - (addr & GUEST_PAGE_MASK); }

static uint64_t place_of(uint64_t addr, bool write)
{
    uint64_t at = ir_mem_at(addr, 1, write);
    if (at != addr)
        return at;
    linux_page_refresh(addr);
    return ir_mem_at(addr, 1, write);
}

/* How many of the bytes lie together, beginning at *at */
static uint64_t run(uint64_t addr, uint64_t size, bool write, uint64_t *at)
{
    uint64_t n = page_rest(addr);
    *at = place_of(addr, write);
    while (n < size && place_of(addr + n, write) == *at + n)
        n += GUEST_PAGE;
    return n < size ? n : size;
}

/* How many bytes from addr on the guest may access */
static uint64_t accessible(uint64_t addr, uint64_t size, bool write)
{
    uint64_t n = 0;
    for (; n < size; n += page_rest(addr + n)) {
        int prot = linux_page_prot(addr + n);
        if (prot <= 0 || (write && !(prot & GUEST_PROT_WRITE)))
            break;
    }
    return n < size ? n : size;
}

/* least: fewer bytes than this are no good */
static bool add_bounce(struct linux_view_call *v, unsigned i, uint64_t size, bool write, uint64_t least)
{
    uint64_t got = 0;
    struct linux_bounce *b = &v->bounce[v->n];
    *b = (struct linux_bounce){ v->args[i], malloc(size + 1), write ? malloc(size + 1) : NULL, size };
    while (b->copy && got < size) {            /* a page behind a file's end looks accessible */
        uint64_t n = page_rest(b->guest + got) < size - got ? page_rest(b->guest + got) : size - got;
        if (engine_copy_from(b->copy + got, b->guest + got, n))
            break;
        got += n;
    }
    b->size = size = got;
    if (!b->copy || (write && !b->was) || got < least) {
        free(b->copy);
        free(b->was);
        return false;
    }
    if (write)
        memcpy(b->was, b->copy, size);
    v->args[i] = (uint64_t)(uintptr_t)b->copy;
    v->n++;
    return true;
}

/* A buffer of `size` bytes; size_arg: the argument that tells its size, and may be made smaller, or -1 */
static void buffer(struct linux_view_call *v, unsigned i, uint64_t size, bool write, int size_arg)
{
    uint64_t at, n = run(v->args[i], size, write, &at);
    if (n >= size) {
        v->args[i] = at;
        return;
    }
    uint64_t usable = accessible(v->args[i], size, write);
    if (usable > BOUNCE_MAX && size_arg >= 0)
        usable = BOUNCE_MAX;
    if (!usable || (usable < size && size_arg < 0))
        return;
    if (add_bounce(v, i, usable, write, size_arg < 0 ? size : 1) && size_arg >= 0)
        v->args[size_arg] = v->bounce[v->n - 1].size;
}

/* ---- iovec and msghdr ---- */

static struct iovec *translate_iov(struct linux_view_call *v, uint64_t guest, uint64_t *count, bool write)
{
    struct iovec *out = v->n_own < 8 && *count <= IOV_MAX ? malloc(IOV_MAX * sizeof *out) : NULL, in;
    unsigned n = 0;
    for (uint64_t k = 0; out && k < *count && n < IOV_MAX; k++) {
        if (engine_copy_from(&in, guest + k * sizeof in, sizeof in)) {
            free(out);
            return NULL;
        }
        uint64_t addr = (uintptr_t)in.iov_base, left = in.iov_len;
        do {
            uint64_t at, piece = run(addr, left, write, &at);
            out[n++] = (struct iovec){ (void *)(uintptr_t)at, piece };
            addr += piece;
            left -= piece;
        } while (left && n < IOV_MAX);
    }
    if (out) {
        v->own[v->n_own++] = out;
        *count = n;
    }
    return out;
}

static void vector(struct linux_view_call *v, unsigned i, bool write)
{
    uint64_t count = v->args[i + 1];
    struct iovec *out = translate_iov(v, v->args[i], &count, write);
    if (!out)
        return;
    v->args[i] = (uint64_t)(uintptr_t)out;
    v->args[i + 1] = count;
}

struct guest_msghdr { uint64_t name; uint32_t name_size, pad; uint64_t iov, n_iov, control, control_size; uint32_t flags, pad2; };

static void message(struct linux_view_call *v, unsigned i, bool write)
{
    struct guest_msghdr *m = malloc(sizeof *m);
    if (!m || engine_copy_from(m, v->args[i], sizeof *m)) {
        free(m);
        return;
    }
    v->own[v->n_own++] = m;
    v->message = write ? v->args[i] : 0;
    if (m->name)
        run(m->name, m->name_size, write, &m->name);
    if (m->control)
        run(m->control, m->control_size, write, &m->control);
    struct iovec *out = m->n_iov ? translate_iov(v, m->iov, &m->n_iov, write) : NULL;
    if (out)
        m->iov = (uint64_t)(uintptr_t)out;
    v->args[i] = (uint64_t)(uintptr_t)m;
}

static void end_message(struct linux_view_call *v)
{
    const struct guest_msghdr *m = v->own[0];
    engine_copy_to(v->message + offsetof(struct guest_msghdr, name_size), &m->name_size, 4);
    engine_copy_to(v->message + offsetof(struct guest_msghdr, control_size), &m->control_size, 8);
    engine_copy_to(v->message + offsetof(struct guest_msghdr, flags), &m->flags, 4);
}

/* ---- strings, futexes ---- */

static void string(struct linux_view_call *v, unsigned i)
{
    uint64_t at;
    long n = engine_strnlen(v->args[i], STRING_MAX);
    if (n < 0)
        return;
    if (run(v->args[i], (uint64_t)n + 1, false, &at) > (uint64_t)n)
        v->args[i] = at;
    else
        add_bounce(v, i, (uint64_t)n + 1, false, (uint64_t)n + 1);
}

const char *linux_view_string(uint64_t guest)
{
    uint64_t at;
    long n = engine_views() ? engine_strnlen(guest, STRING_MAX) : -1;
    if (n < 0)
        return (const char *)(uintptr_t)guest;
    if (run(guest, (uint64_t)n + 1, false, &at) > (uint64_t)n)
        return (const char *)(uintptr_t)at;
    char *copy = malloc((size_t)n + 1);
    if (copy && !engine_copy_from(copy, guest, (size_t)n + 1))
        return copy;
    return (const char *)(uintptr_t)guest;
}

/* Homes are shared memory, which the kernel knows by file and offset, but only when the futex is not called private. */
static void futex(struct linux_view_call *v)
{
    uint64_t first = linux_futex_address(v->args[0]), second = linux_futex_address(v->args[4]);
    if (first != v->args[0])
        v->args[1] &= ~(uint64_t)FUTEX_PRIVATE;
    v->args[0] = first;
    v->args[4] = second;
}

/* ---- one call ---- */

static void argument(struct linux_view_call *v, unsigned i, unsigned kind)
{
    const struct linux_kind_info *k = &linux_kinds[kind];
    bool write = k->direction >= OUT;
    uint32_t length;
    switch (k->size) {
    case SIZE_NEXT: buffer(v, i, i < 5 ? v->args[i + 1] : 0, write, (int)i + 1); break;
    case SIZE_PREV: buffer(v, i, i ? v->args[i - 1] : 0, write, -1); break;
    case SIZE_PREV4: buffer(v, i, i ? 4 * (uint64_t)(uint32_t)v->args[i - 1] : 0, write, -1); break;
    case SIZE_NEXT8: buffer(v, i, i < 5 ? 8 * (uint64_t)(uint32_t)v->args[i + 1] : 0, write, -1); break;
    case SIZE_IOV: vector(v, i, write); break;
    case SIZE_NEXTP:
        if (i < 5 && !engine_copy_from(&length, v->args[i + 1], sizeof length))
            buffer(v, i, length, write, -1);
        break;
    case SIZE_MSG: message(v, i, write); break;
    case SIZE_MMSG: break;
    case SIZE_MSGBUF: buffer(v, i, v->args[i + 1] + 8, write, -1); break;
    case SIZE_POLL: buffer(v, i, 8 * (uint64_t)(uint32_t)v->args[i + 1], write, -1); break;
    case SIZE_EPOLL: buffer(v, i, 12 * (uint64_t)(uint32_t)v->args[i + 1], write, -1); break;
    case 0: break;
    default: buffer(v, i, (uint64_t)k->size, write, -1);
    }
}

void linux_view_begin(struct linux_view_call *v, uint64_t nr, const struct linux_call *call, const uint64_t args[6])
{
    memcpy(v->args, args, sizeof v->args);
    v->n = v->n_own = 0;
    v->message = 0;
    if (nr == NR_FUTEX)
        futex(v);
    for (unsigned i = call->n_args; i-- > 0;) {            /* sizes behind their buffers are read first, and changed last */
        const struct linux_kind_info *k = &linux_kinds[call->kind[i]];
        if (!v->args[i] || k->direction == VALUE)
            continue;
        if (k->direction == PATHNAME || call->kind[i] == KIND_STR)
            string(v, i);
        else if (call->kind[i] == KIND_RMSG)
            message(v, i, false);
        else
            argument(v, i, call->kind[i]);
    }
    for (unsigned k = 0; k < sizeof pointers / sizeof pointers[0]; k++)
        if (pointers[k].nr == nr && v->args[pointers[k].arg])
            v->args[pointers[k].arg] = place_of(v->args[pointers[k].arg], linux_page_prot(v->args[pointers[k].arg]) & GUEST_PROT_WRITE);
}

/* Only what the kernel has changed: other threads may have written beside it. */
static void copy_back(const struct linux_bounce *b)
{
    for (size_t from = 0, to; from < b->size; from = to) {
        to = from + 1;
        if (b->copy[from] == b->was[from])
            continue;
        while (to < b->size && b->copy[to] != b->was[to])
            to++;
        linux_put(b->guest + from, b->copy + from, to - from);
    }
}

void linux_view_end(struct linux_view_call *v)
{
    if (v->message)
        end_message(v);
    for (unsigned i = 0; i < v->n; i++) {
        if (v->bounce[i].was)
            copy_back(&v->bounce[i]);
        free(v->bounce[i].copy);
        free(v->bounce[i].was);
    }
    for (unsigned i = 0; i < v->n_own; i++)
        free(v->own[i]);
}
