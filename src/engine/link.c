/* SPDX-License-Identifier: GPL-2.0-or-later
 * link.c: chaining. A direct exit begins as a jump to its own stub; linking redirects it to the target's code by one aligned store.
 * Each block lists the exits that lead to it, so that it can be cut off. An indirect exit's inline caches are small
 * pieces of code in front of its stub, the newest first; a dead target drops all of the exit's caches.
 *
 * Entries of the lists may be stale (the exit leads elsewhere since): unlinking such an exit costs a trip, nothing else.
 */
#include <string.h>
#include "engine/internal.h"

#define MAX_CACHED 2              /* inline caches per indirect exit */
#define INLINE_CACHE_SIZE 128     /* bytes of code at most */
struct cached_target { uint64_t pc; uint32_t older, n_older; };     /* stands in front of the code */

static bool add_incoming(struct block *to, uint32_t exit)
{
    struct link_node *n = arena_alloc(&engine.links, sizeof *n, 4);
    if (!n)
        return false;
    *n = (struct link_node){ exit, to->incoming };
    to->incoming = (uint32_t)(n - (struct link_node *)engine.links.base);
    return true;
}

static void redirect(uint64_t place, uint64_t to)
{
    cache_write_begin();
    engine.host->link(code_rw(place), place, to);
    host_icache_flush(code_rw(place), place, 4);
    cache_write_end();
}

static void link_direct(uint32_t exit, uint64_t place, struct block *to)
{
    if (!add_incoming(to, exit))
        return;
    redirect(place, block_entry(to));
    count(STAT_LINKS, 1);
}

static void add_inline_cache(struct block *from, uint32_t exit, uint64_t place, struct block *to)
{
    struct exit_point *e = exit_at(exit);
    uint8_t *rw = e->n_cached < MAX_CACHED ? cache_room(sizeof(struct cached_target) + INLINE_CACHE_SIZE, 16) : NULL;
    static struct host_code code;
    if (!rw || !add_incoming(to, exit))
        return;
    struct cached_target target = { to->pc, e->cached, e->n_cached };
    memcpy(rw, &target, sizeof target);
    code.rw = rw += sizeof target;
    code.rx = engine.cache.rx + (rw - engine.cache.rw);
    code.capacity = INLINE_CACHE_SIZE;
    code.size = code.n_exits = code.n_map = 0;
    uint64_t otherwise = e->n_cached ? engine.cache.rx + e->cached : block_entry(from) + (uint64_t)e->stub;
    engine.host->emit_inline_cache(&engine.env, to->pc, block_entry(to), otherwise, &code);
    if (!code.size)
        return;
    e->cached = (uint32_t)(code.rx - engine.cache.rx);
    e->n_cached++;
    cache_commit(sizeof target + code.size);
    redirect(place, code.rx);
    count(STAT_CACHES, 1);
}

void link_cached_targets(uint32_t exit, void *ctx, void (*each)(void *ctx, uint64_t pc))
{
    const struct exit_point *e = exit_at(exit);
    struct cached_target t;
    for (uint32_t n = e->n_cached, at = e->cached; n; n = t.n_older, at = t.older) {
        memcpy(&t, engine.cache.rw + at - sizeof t, sizeof t);
        each(ctx, t.pc);
    }
}

static uint32_t exit_of_place(struct block *b, uint64_t place)
{
    for (unsigned i = 0; i < b->n_exits; i++)
        if (block_entry(b) + exit_at(b->exits + i)->patch == place)
            return b->exits + i;
    return 0;
}

/* Make the exit at `place` lead to block `to`. */
void link_exit(struct cpu *cpu, uint64_t place, struct block *to, bool indirect)
{
    if (log_on(LOG_NOCHAIN) || engine.cfg.lockstep)
        return;
    engine_lock();
    struct block *from = block_of_code(place);
    uint32_t exit = from ? exit_of_place(from, place) : 0;
    if (exit && !(block_flags(to) & BLOCK_DEAD) && block_has_code(to)) {
        if (indirect)
            add_inline_cache(from, exit, place, to);
        else
            link_direct(exit, place, to);
    }
    engine_unlock();
}

/* Exits of a fresh block whose targets are there already. Nobody runs its code yet. */
void link_new_block(struct block *b, const struct host_code *code)
{
    if (log_on(LOG_NOCHAIN) || engine.cfg.lockstep)
        return;
    for (unsigned i = 0; i < code->n_exits; i++) {
        const struct host_exit *e = &code->exits[i];
        struct block *to = e->kind == HOST_EXIT_INDIRECT ? NULL : e->target == b->pc ? b : block_find(e->target);
        if (to && block_has_code(to))
            link_direct(b->exits + i, block_entry(b) + e->patch, to);
    }
}

void unlink_incoming(struct block *b)
{
    for (uint32_t n = b->incoming; n; n = link_at(n)->next) {
        uint32_t exit = link_at(n)->exit;
        struct exit_point *e = exit_at(exit);
        uint64_t from = block_entry(block_of_exit(exit));
        redirect(from + e->patch, from + (uint64_t)e->stub);
        e->n_cached = 0;
    }
    b->incoming = 0;
}
