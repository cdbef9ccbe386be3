/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2.c: hot loops to LLVM on a thread of its own. Counters in tier 1's code (host.h, H6) tell which block is hot; the worker collects the
 * blocks that it leads to, has them compiled by the module (llvm/llvm.h), and publishes the region as one more block at the same address, in
 * place of the old one. The running thread never waits.
 *
 * What must stay true:
 *  W1 the worker touches the engine's tables only under engine.lock, and keeps nothing of them while it compiles
 *  W2 a region is published only if no page that it was made from was invalidated since, in the same generation
 *  W3 only pages that are stable text are made regions: a region does not see a change of its own code at once
 *  W4 in a fork's child LLVM may be in the middle of something: then the child does without
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "engine/internal.h"
#include "llvm/llvm.h"

#define DEFAULT_THRESHOLD 30000
#define NEVER_AGAIN (1 << 30)
enum { MAX_BLOCKS = 96, MAX_IR = 6000, MAX_JOBS = 64, MAX_KNOWN = 4096, WORKER_STACK = 16 << 20, WORKER_NICE = 4, MOST_REGION = 0xe000 };

struct job { uint64_t pc; unsigned heat; };
static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool started, busy, dead;
    uint32_t generation;                  /* of `known` */
    unsigned n_jobs, n_known;
    struct job job[MAX_JOBS];
    uint64_t known[MAX_KNOWN];            /* open addressing by pc: queued, done or refused; 0 free */
} t2 = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
static llvm_compile_fn *compile;

/* --- the running thread's side --- */

static int32_t threshold(void) { return (int32_t)(engine.cfg.tier2_threshold ? engine.cfg.tier2_threshold : DEFAULT_THRESHOLD); }

static bool stress(void) { return engine.cfg.tier2_threshold && engine.cfg.tier2_threshold < 10; }

int tier2_init(void)
{
    return !engine.host || !engine.host->pins || engine.cfg.lockstep || engine.cfg.exact_flags || engine.cfg.tiny_cache ? -1 : 0;
}

void tier2_new_cpu(struct cpu *cpu)
{
    for (unsigned k = 0; k < HOST_HEAT_SLOTS; k++)
        cpu->heat[k] = stress() ? 0 : threshold();
}

void tier2_after_fork(void)
{
    t2.dead |= t2.busy;
    t2.started = t2.busy = false;
    t2.n_jobs = 0;
    t2.n_known = 0;
    memset(t2.known, 0, sizeof t2.known);
    pthread_mutex_init(&t2.lock, NULL);
    pthread_cond_init(&t2.wake, NULL);
}

/* true if it was not known */
static bool make_known(uint64_t pc)
{
    if (t2.generation != engine.generation || 2 * t2.n_known > MAX_KNOWN) {
        t2.generation = engine.generation;
        t2.n_known = 0;
        memset(t2.known, 0, sizeof t2.known);
    }
    uint64_t i = (pc * 0x9e3779b97f4a7c15ull) >> 52;
    while (t2.known[i % MAX_KNOWN] && t2.known[i % MAX_KNOWN] != pc)
        i++;
    if (t2.known[i % MAX_KNOWN])
        return false;
    t2.known[i % MAX_KNOWN] = pc;
    t2.n_known++;
    return true;
}

static void *worker(void *unused);

static bool start_worker(void)
{
    pthread_attr_t a;
    pthread_t t;
    sigset_t all, old;
    sigfillset(&all);
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    for (unsigned k = 0; k < sizeof own / sizeof *own; k++)
        sigdelset(&all, own[k]);
    pthread_attr_init(&a);
    pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&a, WORKER_STACK);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool ok = pthread_create(&t, &a, worker, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&a);
    return ok;
}

static void enqueue(uint64_t pc)
{
    for (unsigned k = 0; k < t2.n_jobs; k++)
        if (t2.job[k].pc == pc) {
            t2.job[k].heat++;
            return;
        }
    if (t2.n_jobs == MAX_JOBS || !make_known(pc))
        return;
    t2.job[t2.n_jobs++] = (struct job){ pc, 1 };
    if (!t2.started)
        t2.dead = !(t2.started = start_worker());
    pthread_cond_broadcast(&t2.wake);
    while (stress() && t2.started && !t2.dead && (t2.n_jobs || t2.busy))
        pthread_cond_wait(&t2.wake, &t2.lock);
}

void tier2_hot(struct cpu *cpu, uint64_t pc)
{
    cpu->heat[host_heat_index(pc)] = stress() ? 50 : threshold() < 1000 ? 1000 : threshold();
    if (t2.dead || engine.guest_handles_faults || pthread_mutex_trylock(&t2.lock)) {
        if (t2.dead || engine.guest_handles_faults)
            cpu->heat[host_heat_index(pc)] = NEVER_AGAIN;
        return;
    }
    enqueue(pc);
    pthread_mutex_unlock(&t2.lock);
}

/* Threads inside a dead region find out at their next back-edge. */
void tier2_cut_off(struct block *region)
{
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        if (__atomic_load_n(&p->cpu->running, __ATOMIC_SEQ_CST))
            cpu_poke(p->cpu);
}

/* --- the worker's side: collecting --- */

struct region {
    uint32_t generation;
    struct ir_block *block[MAX_BLOCKS];
    uint64_t wanted[4 * MAX_BLOCKS];
    unsigned n_blocks, n_ir, n_wanted;
    struct region_deps deps;
};

static bool has_block(const struct region *r, uint64_t pc)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        if (r->block[k]->guest_pc == pc)
            return true;
    return false;
}

static void want(struct region *r, uint64_t pc)
{
    if (r->n_wanted < 4 * MAX_BLOCKS)
        r->wanted[r->n_wanted++] = pc;
}

/* Tier 1 has made what was reached; what a branch falls through to may be inside a longer block, so that is always wanted. */
static bool was_taken(uint64_t pc) { return stress() || block_find(pc); }

static struct ir_block scratch;            /* the worker's */

/* False: nothing more of this region. */
static bool add_block(struct region *r, uint64_t pc)
{
    if (has_block(r, pc))
        return true;
    if (r->n_blocks == (engine.cfg.tier2_threshold == 1 ? 3 : MAX_BLOCKS) || r->n_ir > MAX_IR || !translate_for_region(pc, &scratch, &r->deps))
        return false;
    size_t size = offsetof(struct ir_block, insn) + scratch.n * sizeof(struct ir_insn);
    struct ir_block *b = malloc(size);
    if (!b)
        return false;
    memcpy(b, &scratch, size);
    r->block[r->n_blocks++] = b;
    r->n_ir += b->n;
    for (unsigned k = 0; k < b->n; k++)
        if (b->insn[k].op == IR_EXIT || (b->insn[k].op == IR_EXITIF && was_taken((uint64_t)b->insn[k].imm)))
            want(r, (uint64_t)b->insn[k].imm);
    return true;
}

/* Breadth first from the head, as long as there is room. */
static bool collect(struct region *r, uint64_t pc)
{
    engine_lock();
    r->generation = engine.generation;
    bool ok = !engine.stop && add_block(r, pc);
    for (unsigned k = 0; ok && k < r->n_wanted; k++) {
        engine_unlock();                   /* a guest thread may wait to translate */
        engine_lock();
        if (engine.stop || engine.generation != r->generation)
            ok = false;
        else if (!add_block(r, r->wanted[k]) && r->n_blocks == MAX_BLOCKS)
            break;
    }
    engine_unlock();
    return ok;
}

/* Keep the loop: blocks from which the head is reached again. Straight code gains nothing, and costs the entry. */
static bool keep_loop(struct region *r)
{
    bool back[MAX_BLOCKS] = { false }, changed = true;
    unsigned n = 0;
    for (; changed;) {
        changed = false;
        for (unsigned k = 0; k < r->n_blocks; k++)
            for (unsigned i = 0; i < r->block[k]->n && !back[k]; i++) {
                const struct ir_insn *in = &r->block[k]->insn[i];
                if (in->op != IR_EXIT && in->op != IR_EXITIF)
                    continue;
                for (unsigned to = 0; to < r->n_blocks && !back[k]; to++)
                    back[k] = r->block[to]->guest_pc == (uint64_t)in->imm && (to == 0 || back[to]);
                changed |= back[k];
            }
    }
    if (stress())
        return true;
    for (unsigned k = 0; k < r->n_blocks; k++) {
        if (back[k])
            r->block[n++] = r->block[k];
        else if (k)
            free(r->block[k]);
        else
            return false;
    }
    r->n_blocks = n;
    return true;
}

/* --- publishing --- */

static bool still_valid(const struct region *r)
{
    if (engine.generation != r->generation || engine.stop || engine.guest_handles_faults)
        return false;
    for (unsigned k = 0; k < r->deps.n; k++) {
        const struct page_entry *e = page_find(r->deps.d[k].page, false);
        if (!e || !e->ready || !e->stable || e->version != r->deps.version[k])
            return false;
    }
    return true;
}

/* Tier 1's code for an exit: H3 as everywhere. */
static bool emit_exit(const struct llvm_exit *x, struct host_code *c)
{
    static struct ir_block b;
    const char *why;
    b.guest_pc = b.guest_end = x->target;
    b.n = 1;
    b.insn[0] = (struct ir_insn){ .op = IR_EXIT, .lane = IR_F_ALL, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = (int64_t)x->target };
    if (x->kind == LLVM_EXIT_LEAVE) {
        b.insn[0].op = IR_TRAP;
        b.insn[0].aux = IR_TRAP_SINGLE;
    }
    struct host_env env = engine.env;
    env.heat = 0;
    return engine.host->emit(&env, &b, c, &why) == 0;
}

static struct host_code all, one;

/* The region and its exits at the end of the code cache; `all` describes it. */
static bool place_code(const struct llvm_region *l)
{
    size_t room = l->size + 64 + l->n_exits * 256u, at = l->size;
    if (room > MOST_REGION || !(all.rw = cache_room(room, 64)))
        return false;
    all.rx = engine.cache.rx + (uint64_t)(all.rw - engine.cache.rw);
    all.n_exits = all.n_map = 0;
    memcpy(all.rw, l->code, l->size);
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
            all.exits[all.n_exits++].stub += (uint32_t)at;
        }
        for (unsigned i = 0; i < l->exits[k].n_places; i++) {
            uint32_t place = l->exits[k].places[i], v = (uint32_t)at - (place + 4);
            memcpy(all.rw + place, &v, 4);
        }
        at += one.size;
    }
    all.size = at;
    return true;
}

static struct block *describe(const struct region *r, const struct llvm_region *l)
{
    struct block *b = arena_alloc(&engine.blocks, sizeof *b, 1);
    if (!b)
        return NULL;
    *b = (struct block){ .pc = r->block[0]->guest_pc, .guest_size = 1, .n_insns = (uint16_t)l->n_guest_insns, .flags = BLOCK_REGION,
                         .code = (uint32_t)engine.cache.used, .code_size = (uint32_t)all.size,
                         .exits = (uint32_t)(engine.exits.used / sizeof(struct exit_point)), .n_exits = (uint16_t)all.n_exits };
    struct exit_point *e = all.n_exits ? arena_alloc(&engine.exits, all.n_exits * sizeof *e, 4) : NULL;
    if (all.n_exits && !e) {
        engine.blocks.used -= sizeof *b;
        return NULL;
    }
    for (unsigned k = 0; k < all.n_exits; k++)
        e[k] = (struct exit_point){ (uint16_t)all.exits[k].patch, (uint16_t)all.exits[k].stub, 0, all.exits[k].kind, 0 };
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

static bool publish(const struct region *r, const struct llvm_region *l)
{
    struct block *old = block_find(r->block[0]->guest_pc);
    if (!still_valid(r) || (old && old->flags & BLOCK_REGION) || !place_code(l))
        return false;
    struct block *b = describe(r, l);
    if (!b)
        return false;
    cache_commit(all.size);
    __atomic_store_n(&engine.n_blocks, engine.n_blocks + 1, __ATOMIC_RELEASE);
    block_note_code(b);
    if (!add_deps(b, &r->deps)) {
        b->flags |= BLOCK_DEAD;
        return false;
    }
    link_new_block(b, &all);
    replace(old, b);
    count(STAT_REGIONS, 1);
    count(STAT_REGION_INSNS, l->n_guest_insns);
    count(STAT_REGION_BYTES, all.size);
    if (log_on(LOG_LLVM))
        log_host_code(b);
    if (engine.cfg.perf_map)
        perf_map_add(b);
    return true;
}

/* --- the worker --- */

static bool load_module(void)
{
    static const char *const where[] = { "", "../lib/wherry/", "../lib/x86_64-linux-gnu/wherry/" };
    char path[4096 + 64];
    ssize_t n = readlink("/proc/self/exe", path, 4096);
    while (n > 0 && path[n - 1] != '/')
        n--;
    for (unsigned k = 0; n > 0 && k < sizeof where / sizeof *where; k++) {
        snprintf(path + n, sizeof path - (size_t)n, "%swherry_llvm.so", where[k]);
        void *m = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (m && (compile = (llvm_compile_fn *)dlsym(m, "wherry_llvm_compile")))
            return true;
    }
    if (log_on(LOG_LLVM))
        log_printf("llvm: no wherry_llvm.so: tier 1 alone\n");
    return false;
}

static void make_region(struct region *r, uint64_t pc)
{
    struct llvm_region l = { .slots = x86_slots, .n_slots = x86_n_slots, .offsets = &engine.offsets, .poked = offsetof(struct cpu, poked),
                             .features = "", .log = log_on(LOG_LLVM) ? (log_file ? log_file : stderr) : NULL };
    bool ok = collect(r, pc) && keep_loop(r);
    if (ok) {
        l.loops_only = !stress();
        l.blocks = (const struct ir_block *const *)r->block;
        l.n_blocks = r->n_blocks;
        l.pins = engine.host->pins(&engine.env, &l.n_pins);
        ok = compile(&l) == 0;
    }
    engine_lock();
    if (ok)
        ok = publish(r, &l);
    count(STAT_REFUSED, !ok);
    engine_unlock();
    if (log_on(LOG_LLVM))
        log_printf("llvm: region 0x%llx: %u blocks, %u instructions, %u exits, %zu bytes%s%s%s\n", (unsigned long long)pc, r->n_blocks, l.n_guest_insns,
                   l.n_exits, l.size, ok ? "" : ", refused", l.why[0] ? ": " : "", l.why);
    free(l.code);
    for (unsigned k = 0; k < r->n_blocks; k++)
        free(r->block[k]);
}

static uint64_t thread_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* the hottest; t2.lock held */
static uint64_t take_job(void)
{
    unsigned best = 0;
    for (unsigned k = 1; k < t2.n_jobs; k++)
        if (t2.job[k].heat > t2.job[best].heat)
            best = k;
    uint64_t pc = t2.job[best].pc;
    t2.job[best] = t2.job[--t2.n_jobs];
    return pc;
}

static void *worker(void *unused)
{
    static struct region r;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), WORKER_NICE);
    pthread_mutex_lock(&t2.lock);
    for (;;) {
        while (!t2.n_jobs)
            pthread_cond_wait(&t2.wake, &t2.lock);
        uint64_t pc = take_job(), start = thread_time();
        t2.busy = true;
        pthread_mutex_unlock(&t2.lock);
        memset(&r, 0, sizeof r);
        bool able = compile || load_module();
        if (able)
            make_region(&r, pc);
        engine_lock();
        count(STAT_REGION_NS, thread_time() - start);
        engine_unlock();
        pthread_mutex_lock(&t2.lock);
        t2.busy = false;
        pthread_cond_broadcast(&t2.wake);
        if (!able) {
            t2.dead = true;
            break;
        }
    }
    pthread_mutex_unlock(&t2.lock);
    return NULL;
}
