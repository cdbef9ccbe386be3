/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_publish.c: a region's code into the code cache, with its exits as tier 1 makes them, and its entries in place of the blocks that were there.
 */
#include <string.h>
#include "engine/tier2.h"

enum { MOST_REGION = 0xe000, EXIT_SIZE = 320 /* bytes of an exit's code at most */ };

static bool still_valid(const struct region *r)
{
    if (r->shared != engine.memory_shared || engine.generation != r->generation || engine.stop || engine.no_regions || r->exact != engine.exact)
        return false;
    for (unsigned k = 0; k < r->deps.n; k++) {
        const struct page_entry *e = page_find(r->deps.d[k].page, false);
        if (!e || !e->ready || !e->stable || e->version != r->deps.version[k])
            return false;
    }
    return true;
}

/* --- exits: tier 1's code, H3 as everywhere --- */

static ir_ref put_insn(struct ir_block *b, struct ir_insn in)
{
    b->insn[b->n] = in;
    return (ir_ref)b->n++;
}

#define NO_ARGS { IR_NONE, IR_NONE, IR_NONE, IR_NONE }
static ir_ref constant(struct ir_block *b, uint64_t v)
{
    return put_insn(b, (struct ir_insn){ .op = IR_CONST, .type = IR_I64, .arg = NO_ARGS, .imm = (int64_t)v, .uses = 1 });
}
static ir_ref stored_target(struct ir_block *b)
{
    return put_insn(b, (struct ir_insn){ .op = IR_GET, .type = IR_I64, .arg = NO_ARGS, .imm = (int64_t)engine.offsets.exit_target, .uses = 1 });
}

static void count_up(struct ir_block *b, size_t offset)
{
    int64_t at = (int64_t)offset;
    ir_ref n = put_insn(b, (struct ir_insn){ .op = IR_GET, .type = IR_I64, .arg = NO_ARGS, .imm = at, .uses = 1 });
    n = put_insn(b, (struct ir_insn){ .op = IR_LEA, .type = IR_I64, .arg = { n, IR_NONE, IR_NONE, IR_NONE }, .imm = 1, .uses = 1 });
    put_insn(b, (struct ir_insn){ .op = IR_PUT, .type = IR_I64, .arg = { n, IR_NONE, IR_NONE, IR_NONE }, .imm = at });
}

static void exit_ir(const struct llvm_exit *x, struct ir_block *b)
{
    struct ir_insn in = { .op = IR_EXIT, .lane = IR_F_ALL, .arg = NO_ARGS, .imm = (int64_t)x->target };
    b->guest_pc = b->guest_end = x->target;
    b->n = 0;
    if (engine.cfg.stats)
        count_up(b, offsetof(struct cpu, stats) + sizeof(uint64_t) * (STAT_EXIT_GO + x->kind));
    if (!engine.cfg.tier2_threshold)
        count_up(b, offsetof(struct cpu, region_exits) + sizeof(uint64_t) * tier2_worth_slot());
    switch (x->kind) {
    case LLVM_EXIT_LEAVE:
        in.op = IR_TRAP;
        in.aux = IR_TRAP_SINGLE;
        break;
    case LLVM_EXIT_FAULT:
        in.op = IR_TRAP;
        in.aux = IR_TRAP_REDO;
        break;
    case LLVM_EXIT_CALL:
        in.op = IR_EXITCALL;
        in.arg[0] = constant(b, x->back);
        break;
    case LLVM_EXIT_CALL_INDIRECT:
        in.op = IR_EXITCALLI;
        in.arg[0] = stored_target(b);
        in.arg[1] = constant(b, x->back);
        break;
    case LLVM_EXIT_INDIRECT: case LLVM_EXIT_RETURN:
        in.op = x->kind == LLVM_EXIT_RETURN ? IR_EXITRET : IR_EXITIND;
        in.arg[0] = stored_target(b);
        break;
    default: break;
    }
    put_insn(b, in);
}

static bool emit_exit(const struct llvm_exit *x, struct host_code *c)
{
    static struct ir_block b;
    const char *why;
    struct host_env env = engine.env;
    env.heat = 0;
    exit_ir(x, &b);
    return engine.host->emit(&env, &b, c, &why) == 0;
}

/* --- the block --- */

static struct host_code all, one;

/* The region and its exits at the end of the code cache; `all` describes it. */
static bool place_code(const struct llvm_region *l)
{
    size_t room = l->size + 64 + l->n_exits * (unsigned)EXIT_SIZE, at = l->size;
    if (room > MOST_REGION || !(all.rw = cache_room(room, 64)))
        return false;
    all.rx = engine.cache.rx + (uint64_t)(all.rw - engine.cache.rw);
    all.n_exits = all.n_map = 0;
    memcpy(all.rw, l->code, l->size);
    for (unsigned k = 0; k < l->n_addresses; k++)
        engine.host->region_address(&engine.env, all.rw + l->addresses[k].at, l->addresses[k].kind, all.rx + l->addresses[k].to);
    for (unsigned k = 0; k < l->n_exits; k++) {
        at = (at + 15) & ~(size_t)15;
        one.rw = all.rw + at;
        one.rx = all.rx + at;
        one.capacity = engine.cache.size - (size_t)(one.rw - engine.cache.rw);
        one.n_exits = one.n_map = 0;
        if (!emit_exit(&l->exits[k], &one) || at + one.size > room || all.n_exits + one.n_exits > HOST_MAX_EXITS)
            return false;
        for (unsigned i = 0; i < one.n_exits; i++) {
            all.exits[all.n_exits] = one.exits[i];
            all.exits[all.n_exits].patch += (uint32_t)at;
            all.exits[all.n_exits++].stub += (int32_t)at;
        }
        for (unsigned i = 0; i < l->exits[k].n_places; i++) {
            uint32_t place = l->exits[k].places[i];
            engine.host->region_exit(all.rw + place, (int64_t)at - place);
        }
        at += one.size;
    }
    all.size = at;
    return true;
}

/* As a side map whose pcs are the places to go on at. All are the last entry's. */
static uint32_t pack_polls(const struct llvm_region *l, uint32_t start, uint64_t pc)
{
    static struct host_map map[LLVM_MAX_POLLS];
    for (unsigned k = 0; k < l->n_polls; k++)
        map[k] = (struct host_map){ .offset = l->polls[k].at - start, .flags = HOST_MAP_POLL, .pc = l->polls[k].to - start };
    return map_pack(map, l->n_polls, pc);
}

/* One block for each entry; all but the last are no longer than the entry's code. The exits are the last one's. */
static struct block *describe(const struct region *r, const struct llvm_region *l, unsigned k)
{
    struct block *b = arena_alloc(&engine.blocks, sizeof *b, 1);
    bool last = k + 1 == l->n_entries;
    if (!b)
        return NULL;
    uint32_t size = last ? (uint32_t)all.size - l->entry_at[k] : l->entry_at[k + 1] - l->entry_at[k];
    *b = (struct block){ .pc = r->block[r->entry[k]]->guest_pc, .guest_size = 1, .n_insns = (uint16_t)l->n_guest_insns, .flags = BLOCK_REGION,
                         .code = (uint32_t)engine.cache.used + l->entry_at[k], .code_size = size,
                         .exits = (uint32_t)(engine.exits.used / sizeof(struct exit_point)), .n_exits = last ? (uint16_t)all.n_exits : 0 };
    struct exit_point *e = b->n_exits ? arena_alloc(&engine.exits, all.n_exits * sizeof *e, 4) : NULL;
    if ((b->n_exits && !e) || (last && l->n_polls * 18 + engine.maps.used > engine.maps.size)) {
        engine.blocks.used -= sizeof *b;
        return NULL;
    }
    if (last) {
        b->map = pack_polls(l, l->entry_at[k], b->pc);
        b->n_map = (uint16_t)l->n_polls;
    }
    for (unsigned i = 0; i < b->n_exits; i++) {
        all.exits[i].patch -= l->entry_at[k];
        all.exits[i].stub -= (int32_t)l->entry_at[k];
        e[i] = (struct exit_point){ .patch = (uint16_t)all.exits[i].patch, .kind = all.exits[i].kind, .stub = all.exits[i].stub };
    }
    return b;
}

static bool add_deps(struct block *b, const struct region_deps *all_deps)
{
    for (unsigned k = 0; k < all_deps->n; k += MAX_DEPS) {
        struct deps d = { .n = all_deps->n - k < MAX_DEPS ? all_deps->n - k : MAX_DEPS };
        memcpy(d.d, all_deps->d + k, d.n * sizeof *d.d);
        if (block_add_deps(b, &d) < 0)
            return false;
    }
    return true;
}

/* Out of the hash, the new one in, then every way to the old one is cut, as in invalidate.c. */
static void replace(struct block *old, struct block *b)
{
    __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
    if (old) {
        block_remove(old);
        __atomic_or_fetch(&old->flags, BLOCK_DEAD, __ATOMIC_SEQ_CST);
    }
    block_insert(b);
    __atomic_add_fetch(&engine.epoch, 1, __ATOMIC_SEQ_CST);
    if (old && block_has_code(old))
        unlink_incoming(old);
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        cpu_forget_jump(p->cpu, b->pc);
}

/* All entries are described before the code counts as used, so that their places grow. */
static unsigned describe_all(const struct region *r, const struct llvm_region *l, struct block **b)
{
    unsigned n = 0;
    while (n < l->n_entries && (b[n] = describe(r, l, n)))
        n++;
    if (n < l->n_entries)
        engine.blocks.used -= n * sizeof **b;
    return n;
}

/* A region that is there already goes for a larger one only. */
static bool grows(const struct region *r)
{
    const struct block *old = block_find(r->block[0]->guest_pc);
    unsigned n = 0;
    for (unsigned k = 0; k < r->n_blocks; k++)
        n += r->block[k]->n_guest_insns;
    return !old || !(old->flags & BLOCK_REGION) || n > old->n_insns;
}

bool tier2_wanted(const struct region *r)
{
    engine_lock();
    bool yes = grows(r);
    engine_unlock();
    return yes;
}

bool tier2_publish(const struct region *r, const struct llvm_region *l)
{
    struct block *b[LLVM_MAX_ENTRIES], *old;
    if (!still_valid(r) || !grows(r) || !place_code(l) || describe_all(r, l, b) < l->n_entries)
        return false;
    bool ok = true;
    cache_commit(all.size);
    __atomic_store_n(&engine.n_blocks, engine.n_blocks + l->n_entries, __ATOMIC_RELEASE);
    for (unsigned k = 0; k < l->n_entries; k++) {
        block_note_code(b[k]);
        ok &= add_deps(b[k], &r->deps);
    }
    if (!ok) {
        for (unsigned k = 0; k < l->n_entries; k++)
            __atomic_or_fetch(&b[k]->flags, BLOCK_DEAD, __ATOMIC_SEQ_CST);
        return false;
    }
    link_new_block(b[l->n_entries - 1], &all);
    for (unsigned k = 0; k < l->n_entries; k++) {
        old = block_find(b[k]->pc);
        if (k && old && old->flags & BLOCK_REGION && old->n_insns > l->n_guest_insns)
            __atomic_or_fetch(&b[k]->flags, BLOCK_DEAD, __ATOMIC_SEQ_CST);                       /* a larger region has it */
        else
            replace(old, b[k]);
        if (log_on(LOG_LLVM))
            log_host_code(b[k]);
        if (engine.cfg.perf_map)
            perf_map_add(b[k]);
    }
    tier2_worth_begin(r);
    count(STAT_REGIONS, 1);
    count(STAT_REGION_INSNS, l->n_guest_insns);
    count(STAT_REGION_BYTES, all.size);
    return true;
}
