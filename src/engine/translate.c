/* SPDX-License-Identifier: GPL-2.0-or-later
 * translate.c: guest code to a published block: lift, optimize, emit, enter into the tables. One translation at a time, under the lock,
 * in one set of scratch buffers; nothing is allocated but from arenas and no system call is made per block.
 *
 * A page is made `ready` (fetchable and watched) before its first byte is read. Each page that was read, also in looking ahead for
 * flags, is recorded as a dependency of the block.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine/tier2.h"
#include "guest/lift.h"

#define DEFAULT_INSNS 64
#define MOST_INSNS 128
#define DEFAULT_CONDITIONAL 1
#define MOST_CODE 0xff00          /* exit_point keeps 16-bit offsets */
#define LEAST_CODE 8192           /* less room than this counts as a full cache */

static struct ir_block scratch_ir, plain_ir;
static struct ir_block *work;             /* the block under way: scratch_ir, or in first.c's ring */
static struct host_code scratch_code;
static struct deps deps;

enum outcome { MADE, FIRST, FULL, NO_BYTES };

int translate_init(void)
{
    struct engine_config *c = &engine.cfg;
    if (!c->max_insns)
        c->max_insns = DEFAULT_INSNS;
    if (c->max_insns > MOST_INSNS)
        c->max_insns = MOST_INSNS;
    if (!c->max_conditional)
        c->max_conditional = DEFAULT_CONDITIONAL;
    return 0;
}

/* Not the thread's processor time: reading that costs as much as translating two instructions. */
static uint64_t now(void)
{
    struct timespec t;
    if (!engine.cfg.stats)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* --- fetching --- */

static size_t fetchable(uint64_t pc, size_t want)
{
    return engine.cfg.fetchable ? engine.cfg.fetchable(pc, want) : want;
}

static bool make_ready(uint64_t page)
{
    struct page_entry *e = page_find(page, false);
    if (e && e->ready)
        return true;
    if (page >> (47 - PAGE_BITS) || fetchable(page << PAGE_BITS, PAGE_SIZE) < PAGE_SIZE || !(e = page_find(page, true)))
        return false;
    e->stable = engine.cfg.watch && engine.cfg.watch(page << PAGE_BITS);
    e->ready = 1;
    return true;
}

static struct dep *dep_of(uint64_t page)
{
    for (unsigned i = 0; i < deps.n; i++)
        if (deps.d[i].page == page)
            return &deps.d[i];
    if (deps.n == MAX_DEPS || !make_ready(page))
        return NULL;
    deps.d[deps.n] = (struct dep){ page, PAGE_SIZE - 1, 0 };
    return &deps.d[deps.n++];
}

static size_t fetch_ready(void *ctx, uint64_t pc, size_t want)
{
    size_t n = 0;
    while (n < want) {
        struct dep *d = dep_of((pc + n) >> PAGE_BITS);
        if (!d)
            break;
        unsigned lo = (pc + n) & (PAGE_SIZE - 1);
        size_t take = want - n < PAGE_SIZE - lo ? want - n : PAGE_SIZE - lo;
        if (d->lo > lo)
            d->lo = (uint16_t)lo;
        if (d->hi < lo + take - 1)
            d->hi = (uint16_t)(lo + take - 1);
        n += take;
    }
    return n;
}

/* The bytes at pc can't be fetched: what the processor would report. The owner knows its mappings better and may correct si_code. */
void fault_fetch(struct cpu *cpu, uint64_t pc)
{
    uint64_t addr = pc + (pc < UINT64_MAX - 16 ? fetchable(pc, 15) : 0);
    char byte;
    bool canonical = addr >> 47 == 0;
    cpu->fault_signal = SIGSEGV;
    memset(&cpu->fault_info, 0, sizeof cpu->fault_info);
    cpu->fault_info.si_signo = SIGSEGV;
    cpu->fault_info.si_code = !canonical ? 0x80 /* SI_KERNEL */ : engine_copy_from(&byte, addr, 1) == 0 ? SEGV_ACCERR : SEGV_MAPERR;
    cpu->fault_info.si_addr = (void *)(canonical ? addr : 0);
    cpu->fault_address = addr;
}

/* --- lifting --- */

/* Guest memory may go away under the lifter's hands: then false, and the fault is the cpu's. */
static bool lift(struct cpu *cpu, const struct x86_lift_config *cfg, uint64_t pc, struct ir_block *b)
{
    struct engine_recover r;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        cpu->fault_signal = r.sig;
        cpu->fault_info = r.info;
        cpu->fault_address = (uint64_t)r.info.si_addr;
        return false;
    }
    x86_lift(cfg, pc, b);
    RECOVER_END(&r);
    return true;
}

/* What a block's first run did not need. Likewise. */
static bool lift_exits(struct ir_block *b)
{
    struct x86_lift_config cfg = { .fetchable = fetch_ready };
    struct engine_recover r;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        return false;
    }
    x86_lift_exits(&cfg, b);
    RECOVER_END(&r);
    return true;
}

static bool starts_unfetchable(const struct ir_block *b)
{
    const struct ir_insn *last = &b->insn[b->n - 1];
    return last->op == IR_TRAP && last->aux == IR_TRAP_DECODE && (uint64_t)last->imm == b->guest_pc;
}

/* A block that ran into a page that can't be fetched goes on at its last pc by an exit: the page may be mapped by then. */
static void end_with_exit(struct ir_block *b)
{
    struct ir_insn *last = &b->insn[b->n - 1];
    if (last->op == IR_TRAP && last->aux == IR_TRAP_DECODE) {
        last->op = IR_EXIT;
        last->aux = 0;
        last->mod = 0;
        last->lane = IR_F_ALL;
    }
}

static void check(const struct ir_block *b, const char *stage)
{
    const char *wrong = ir_verify(b);
    if (!wrong)
        return;
    fprintf(stderr, "wherry: %s of the block at 0x%llx: %s\n", stage, (unsigned long long)b->guest_pc, wrong);
    ir_print(stderr, b);
    abort();
}

static void print_ir(const struct ir_block *b, const char *title)
{
    FILE *f = log_file ? log_file : stderr;
    fprintf(f, "%s:\n", title);
    ir_print(f, b);
    fprintf(f, "\n");
    fflush(f);
}

static enum outcome lift_block(struct cpu *cpu, uint64_t pc, unsigned max_insns, bool first)
{
    struct x86_lift_config cfg = { max_insns, tier2_profiled(pc) ? 0 : engine.cfg.max_conditional, fetch_ready, NULL, .later_exits = first };
    deps.n = 0;
    if (!lift(cpu, &cfg, pc, work) || starts_unfetchable(work))
        return NO_BYTES;
    end_with_exit(work);
    checked_rewrite(work, max_insns > 1 || engine.cfg.max_insns == 1);
    if (log_on(LOG_IN_ASM))
        log_guest_code(work);
    if (log_on(LOG_IR))
        print_ir(work, "IR");
    if (engine.cfg.self_check || engine.cfg.lockstep)
        check(work, "lifting");
    count(STAT_IR_INSNS, work->n);
    return MADE;
}

static void optimize(void)
{
    if (engine.cfg.lockstep)
        memcpy(&plain_ir, work, offsetof(struct ir_block, insn) + work->n * sizeof(struct ir_insn));
    ir_opt(work, engine.cfg.exact_flags ? IR_EXACT_FLAGS : view_directory() ? IR_RESTARTABLE : IR_EXACT_NONE);
    if (engine.cfg.self_check || engine.cfg.lockstep)
        check(work, "optimizing");
    if (log_on(LOG_IR_OPT))
        print_ir(work, "IR, optimized");
}

/* --- for tier 2, whose own thread calls this --- */

static bool merge_deps(struct region_deps *to)
{
    for (unsigned i = 0; i < deps.n; i++) {
        const struct dep *d = &deps.d[i];
        const struct page_entry *e = page_find(d->page, false);
        unsigned k = 0;
        while (k < to->n && to->d[k].page != d->page)
            k++;
        if (!e || !e->ready || !e->stable || k == MAX_REGION_DEPS || (k < to->n && to->version[k] != e->version))
            return false;
        if (k == to->n) {
            to->version[to->n] = e->version;
            to->d[to->n++] = *d;
            continue;
        }
        to->d[k].lo = to->d[k].lo < d->lo ? to->d[k].lo : d->lo;
        to->d[k].hi = to->d[k].hi > d->hi ? to->d[k].hi : d->hi;
    }
    return true;
}

/* The block goes on at the guest instruction whose INSN is at i by an exit. */
static void end_in_front(struct ir_block *b, unsigned i)
{
    struct ir_insn *in = &b->insn[i];
    uint64_t pc = (uint64_t)in->imm;
    *in = (struct ir_insn){ .op = IR_EXIT, .type = IR_VOID, .lane = IR_F_ALL, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = (int64_t)pc };
    b->n = i + 1;
    b->guest_end = pc;
}

bool translate_for_region(uint64_t pc, unsigned exact, struct ir_block *out, struct region_deps *d)
{
    struct x86_lift_config cfg = { engine.cfg.max_insns, 0, fetch_ready, NULL, .exact_exits = true };
    struct engine_recover r;
    deps.n = 0;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        return false;
    }
    x86_lift(&cfg, pc, out);
    RECOVER_END(&r);
    if (starts_unfetchable(out))
        return false;
    end_with_exit(out);
    unsigned known = tier2_known(out, exact);
    if (known == 0)
        return false;
    if (known < out->n)
        end_in_front(out, known);
    /* where the host's processor differs the region leaves special cases to the interpreter */
    ir_opt(out, exact || engine.host->regions_leave ? IR_RESTARTABLE : IR_EXACT_NONE);
    return merge_deps(d);
}

/* --- emitting --- */

static bool wants_code(uint64_t number)
{
    if (!engine.host || engine.cfg.tier == 0)
        return false;
    return !engine.cfg.only_last || engine.cfg.tier >= 2 || (number >= engine.cfg.only_first && number <= engine.cfg.only_last);
}

/* 0, -1 no room in the code tables, -2 can't, -3 the cache is full */
/* Blocks with a run that had to be split once (host.h, HOST_R_RUN), by hash: others that fall on the same bit only become slower. */
static uint64_t split[1024];

static unsigned split_bit(uint64_t pc) { return (unsigned)(pc * 0x9e3779b97f4a7c15ull >> 48); }

bool translate_may_run(uint64_t pc)
{
    unsigned k = split_bit(pc);
    return !engine.cfg.lockstep && !log_on(LOG_NOCHAIN) && !(__atomic_load_n(&split[k / 64], __ATOMIC_RELAXED) >> k % 64 & 1);
}

void translate_never_run(uint64_t pc)
{
    unsigned k = split_bit(pc);
    __atomic_fetch_or(&split[k / 64], 1ull << k % 64, __ATOMIC_RELAXED);
}

/* why: what the host can't do (-2) */
static int emit(const char **why)
{
    struct host_code *c = &scratch_code;
    size_t cold = cache_cold_room(&c->cold.capacity);
    uint8_t *rw = cache_room(LEAST_CODE, CODE_ALIGN);
    if (!rw)
        return -3;
    c->cold.rw = engine.cache.rw + cold;
    c->cold.rx = engine.cache.rx + cold;
    c->cold.size = 0;
    size_t room = engine.cache.size - engine.cache.used;
    c->rw = rw;
    c->rx = engine.cache.rx + (rw - engine.cache.rw);
    c->capacity = room < MOST_CODE ? room : MOST_CODE;
    c->size = c->n_exits = c->n_map = 0;
    engine.env.runs = translate_may_run(work->guest_pc);
    uint8_t heat = engine.env.heat;
    if (heat && !tier2_counts(work->guest_pc))
        engine.env.heat = 0;
    if (tier2_profiled(work->guest_pc))
        engine.env.heat = 2;
    int r = engine.host->emit(&engine.env, work, c, why);
    engine.env.heat = heat;
    return r == -1 && c->capacity < MOST_CODE ? -3 : r;
}

static bool keep_ir(struct block *b, const struct ir_block *ir)
{
    size_t size = offsetof(struct ir_block, insn) + ir->n * sizeof(struct ir_insn);
    uint8_t *p = arena_alloc(&engine.ir, size, 16);
    if (!p)
        return false;
    memcpy(p, ir, size);
    b->ir = (uint32_t)((p - engine.ir.base) / 16);
    return true;
}

static bool keep_code(struct block *b)
{
    const struct host_code *c = &scratch_code;
    struct exit_point *e = c->n_exits ? arena_alloc(&engine.exits, c->n_exits * sizeof *e, 4) : NULL;
    if (c->n_exits && !e)
        return false;
    for (unsigned i = 0; i < c->n_exits; i++)
        e[i] = (struct exit_point){ .patch = (uint16_t)c->exits[i].patch, .kind = c->exits[i].kind, .stub = c->exits[i].stub };
    b->n_exits = (uint16_t)c->n_exits;
    b->n_map = (uint16_t)c->n_map;
    b->map = map_pack(c->map, c->n_map, b->pc);
    b->code_size = (uint32_t)c->size;
    cache_commit(c->size);
    cache_cold_commit(c->cold.size);
    return b->map != UINT32_MAX;
}

static struct block *new_block(void)
{
    struct block *b = arena_alloc(&engine.blocks, sizeof *b, 1);
    if (!b)
        return NULL;
    *b = (struct block){
        .pc = work->guest_pc,
        .guest_size = (uint16_t)(work->guest_end - work->guest_pc),
        .n_insns = (uint16_t)work->n_guest_insns,
        .code = (uint32_t)engine.cache.used,
        .exits = (uint32_t)(engine.exits.used / sizeof(struct exit_point)),
    };
    return b;
}

static void count_block(const struct block *b, uint64_t start)
{
    count(STAT_BLOCKS, 1);
    count(STAT_INSNS, b->n_insns);
    count(STAT_GUEST_BYTES, b->guest_size);
    count(STAT_CODE_BYTES, block_has_code(b) ? scratch_code.size + scratch_code.cold.size : 0);
    if (!block_has_code(b))
        count(STAT_INTERPRETED, 1);
    if (start)
        count(STAT_NS, now() - start);
}

static void count_first(uint64_t start)
{
    count(STAT_FIRST, 1);
    if (start)
        count(STAT_NS, now() - start);
}

static enum outcome publish(struct block *b, bool has_code)
{
    __atomic_store_n(&engine.n_blocks, engine.n_blocks + 1, __ATOMIC_RELEASE);
    if (has_code)
        block_note_code(b);
    if (block_add_deps(b, &deps) < 0)
        return FULL;
    if (has_code)
        link_new_block(b, &scratch_code);
    if (has_code && log_on(LOG_OUT_ASM))
        log_host_code(b);
    if (has_code && engine.cfg.perf_map)
        perf_map_add(b);
    return block_insert(b) < 0 ? FULL : MADE;
}

/* Lift the block at pc into first.c's ring. FIRST: to be interpreted; MADE: to be translated at once. */
static enum outcome lift_first(struct cpu *cpu, uint64_t pc)
{
    work = first_place();
    enum outcome o = lift_block(cpu, pc, engine.cfg.max_insns, true);
    if (o != MADE)
        first_forget();
    return o == MADE && first_keep(&deps) ? FIRST : o;
}

static enum outcome lift_again(struct cpu *cpu, uint64_t pc, unsigned insns)
{
    work = &scratch_ir;
    return lift_block(cpu, pc, insns, false);
}

/* The block at pc in `work`, ready to be emitted, or FIRST: ready to be interpreted. kept: its IR from its first run, or NULL. */
static enum outcome prepare(struct cpu *cpu, uint64_t pc, unsigned insns, struct ir_block *kept)
{
    bool first = !kept && insns == engine.cfg.max_insns && first_wanted(pc) && !tier2_profiled(pc);
    enum outcome o = MADE;
    if (first)
        o = lift_first(cpu, pc);
    else if (kept)
        work = kept;
    else
        o = lift_again(cpu, pc, insns);
    if (o == MADE && (first || kept) && !lift_exits(work))
        o = lift_again(cpu, pc, insns);
    if (o == MADE)
        optimize();
    return o;
}

/* Lift and emit with fewer instructions until the emitter has room and registers for them, and an instruction that it can't emit stands alone. */
static enum outcome make_block(struct cpu *cpu, uint64_t pc, struct block **out)
{
    uint64_t start = now();
    struct ir_block *kept = tier2_profiled(pc) ? NULL : first_take(pc, &deps);
    bool code = wants_code(engine.n_translated + 1);
    for (unsigned insns = engine.cfg.max_insns;; insns /= 2) {
        enum outcome o = prepare(cpu, pc, insns, kept);
        if (o == FIRST)
            count_first(start);
        if (o != MADE)
            return o;
        const char *why = "so much";
        int r = code ? emit(&why) : 0;
        if (r == -3)
            return FULL;
        if (r == 0)
            break;
        if (work->n_guest_insns <= 1) {
            code = false;
            if (log_on(LOG_UNIMP))
                log_printf("unimp: host %s can't emit %s (block 0x%llx): interpreted\n", engine.host->name, why, (unsigned long long)pc);
            break;
        }
        if (work->n_guest_insns < insns)
            insns = work->n_guest_insns;
        kept = NULL;
    }
    engine.n_translated++;
    struct block *b = new_block();
    if (!b)
        return FULL;
    if (!code)
        b->flags = BLOCK_INTERPRET;
    if (code && !keep_code(b))
        return FULL;
    if ((!code || engine.cfg.lockstep) && !keep_ir(b, engine.cfg.lockstep ? &plain_ir : work))
        return FULL;
    enum outcome o = publish(b, code);
    count_block(b, start);
    *out = b;
    return o;
}

/* Find or make the block at pc. */
enum translate_result translate_block(struct cpu *cpu, uint64_t pc, struct block **out, const struct ir_block **first)
{
    enum translate_result result = TRANSLATE_OK;
    cpu->fault_signal = 0;
    engine_lock();
    for (;;) {
        if (engine.stop) {
            result = TRANSLATE_RETRY;
            break;
        }
        if ((*out = block_find(pc)))
            break;
        enum outcome o = make_block(cpu, pc, out);
        if (o == MADE)
            break;
        if (o == FIRST) {
            *first = work;
            result = TRANSLATE_FIRST;
            break;
        }
        if (o == FULL) {
            cache_flush(cpu);
            cpu_enter_generation(cpu);
            continue;
        }
        engine_unlock();
        if (!cpu->fault_signal)
            fault_fetch(cpu, pc);
        return TRANSLATE_FAULT;
    }
    engine_unlock();
    return result;
}

/* --- one instruction alone --- */

struct span { uint64_t start; size_t size; };

static size_t fetch_span(void *ctx, uint64_t pc, size_t want)
{
    struct span *s = ctx;
    uint64_t at = pc - s->start;
    return at >= s->size ? 0 : want < s->size - at ? want : s->size - at;
}

enum translate_result translate_single(struct cpu *cpu, uint64_t pc, struct ir_block *out)
{
    struct span span = { pc, fetchable(pc, 15) };
    struct x86_lift_config cfg = { 1, 0, fetch_span, &span };
    cpu->fault_signal = 0;
    engine_lock();
    bool ok = lift(cpu, &cfg, pc, out);
    engine_unlock();
    if (ok && !starts_unfetchable(out))
        return TRANSLATE_OK;
    if (!cpu->fault_signal)
        fault_fetch(cpu, pc);
    return TRANSLATE_FAULT;
}

static size_t fetch_any(void *ctx, uint64_t pc, size_t want) { return fetchable(pc, want); }

unsigned translate_live_flags(uint64_t pc)
{
    struct x86_lift_config cfg = { 1, 0, fetch_any, NULL };
    struct engine_recover r;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        return IR_F_ALL;
    }
    unsigned live = x86_flags_live_in(&cfg, pc);
    RECOVER_END(&r);
    return live;
}
