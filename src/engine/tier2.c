/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2.c: hot loops to LLVM on threads of its own (-threads). Counters in tier 1's code (host.h, H6) tell which block is hot; the worker collects the
 * blocks that it leads to, has them compiled by the module (llvm/llvm.h), and publishes the region as one more block at the same address, in
 * place of the old one. The running thread never waits.
 *
 * What must stay true:
 *  W1 the worker touches the engine's tables only under engine.lock, and keeps nothing of them while it compiles
 *  W2 a region is published only if no page that it was made from was invalidated since, in the same generation
 *  W3 only pages that are stable text are made regions: a region does not see a change of its own code at once
 *  W4 in a fork's child LLVM may be in the middle of something: then the child does without
 */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "engine/tier2.h"

#define COUNTS 100000                      /* of a loop, until the first starts the sampling */
#define NEVER_AGAIN (1 << 30)
#define COUNTS_LATER 1000                  /* of the others, until they are made again without counter */
#define LLVM_START 25000000ull             /* nanoseconds: LLVM's own start and a region */
#define REGION_TIME 10000000ull            /* a region */
#define BUDGET_SHARE 12                    /* one part in so many */
#define HOT 15000                          /* microseconds spent in a loop, after which it is compiled, */
#define HOT_SHARE 32                       /* if that is no smaller a part of the program's time */
enum { SHORT_PERIOD = 2000, LONG_PERIOD = 20000, IDLE_PERIOD = 1000000 };      /* microseconds between samples: one takes some 50 of each thread */
enum { MAX_JOBS = 64, MAX_KNOWN = 4096 };

struct job { uint64_t pc; unsigned heat; };
static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool dead, lost /* other workers may be stuck in LLVM */, watched /* a worker waits for the time of the next sample */;
    unsigned n_workers, n_busy, period;
    unsigned held /* no workers now */, wanted /* after that */;
    uint64_t used;                        /* processor time of the program at the last sample */
    uint64_t n_samples, n_in_regions;
    bool forget;                          /* atomic: `known` */
    uint32_t generation;                  /* of `known` */
    unsigned n_jobs, n_known, n_tried /* the number of the last region */;
    struct job job[MAX_JOBS];
    struct known { uint64_t pc; uint32_t heat /* microseconds */; uint8_t state, n_samples; } known[MAX_KNOWN];      /* open addressing; pc 0: free */
} t2 = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .period = SHORT_PERIOD };
enum { QUEUED = 1, INSIDE /* a region, but no entry of it */, DONE /* an entry, or refused */, UNCOUNTED /* its block is made without counter */ };

/* --- the running thread's side --- */

/* Without a threshold given, blocks count only until one of them shows that the program runs for long; then time decides, by samples. */
static bool by_time(void) { return !engine.cfg.tier2_threshold; }
static int32_t threshold(void) { return by_time() ? COUNTS : (int32_t)engine.cfg.tier2_threshold; }

bool tier2_stress(void) { return engine.cfg.tier2_threshold && engine.cfg.tier2_threshold < 10; }

int tier2_init(void)
{
    return !engine.host || !engine.host->pins || engine.cfg.exact_flags || engine.cfg.tiny_cache ||
           (engine.cfg.exact_addresses && engine.host->weak_order) ? -1 : 0;
}

void tier2_new_cpu(struct cpu *cpu)
{
    for (unsigned k = 0; k < HOST_HEAT_SLOTS; k++)
        cpu->heat[k] = tier2_stress() ? 0 : threshold();
}

static void forget_all(void)
{
    t2.generation = engine.generation;
    t2.n_known = 0;
    memset(t2.known, 0, sizeof t2.known);
}

void tier2_after_fork(void)
{
    t2.dead |= t2.n_busy > 0;
    t2.n_workers = t2.n_busy = t2.held = t2.wanted = 0;
    tier2_threads_after_fork();
    t2.n_jobs = 0;
    t2.watched = false;
    t2.period = SHORT_PERIOD;
    t2.used = 0;
    if (engine.cfg.tier >= 2 && by_time() && !engine.no_regions)
        engine.env.heat = 1;
    forget_all();
    tier2_worth_forget();
    pthread_mutex_init(&t2.lock, NULL);
    pthread_cond_init(&t2.wake, NULL);
}

static struct known *find_known(uint64_t pc)
{
    uint64_t i = (pc * 0x9e3779b97f4a7c15ull) >> 52;
    while (t2.known[i % MAX_KNOWN].pc && t2.known[i % MAX_KNOWN].pc != pc)
        i++;
    return &t2.known[i % MAX_KNOWN];
}

/* t2.lock held */
static void forget_if_told(void)
{
    if (__atomic_exchange_n(&t2.forget, false, __ATOMIC_ACQ_REL) || t2.generation != engine.generation || 2 * t2.n_known > MAX_KNOWN)
        forget_all();
}

/* What is known of it, nothing at first; t2.lock held. */
static struct known *known(uint64_t pc)
{
    forget_if_told();
    struct known *k = find_known(pc);
    t2.n_known += !k->pc;
    k->pc = pc;
    return k;
}

bool tier2_counts(uint64_t pc)
{
    if (by_time())
        return true;
    pthread_mutex_lock(&t2.lock);
    forget_if_told();
    bool yes = tier2_stress() || find_known(pc)->state != UNCOUNTED;
    pthread_mutex_unlock(&t2.lock);
    return yes;
}

static void *worker(void *unused);

static unsigned most_workers(void) { return engine.cfg.tier2_workers ? engine.cfg.tier2_workers : 1; }

static void more_workers(void)
{
    if (t2.n_workers == most_workers() || t2.dead || t2.held)
        return;
    if (tier2_start_thread(worker))
        t2.n_workers++;
    else
        t2.dead = !t2.n_workers;
}

static void enqueue(uint64_t pc)
{
    for (unsigned k = 0; k < t2.n_jobs; k++)
        if (t2.job[k].pc == pc) {
            t2.job[k].heat++;
            return;
        }
    if (t2.n_jobs == MAX_JOBS)
        return;
    known(pc)->state = QUEUED;
    t2.job[t2.n_jobs++] = (struct job){ pc, 1 };
    if (t2.n_jobs > t2.n_workers)
        more_workers();
    pthread_cond_broadcast(&t2.wake);
    while (tier2_stress() && !t2.dead && !t2.held && (t2.n_jobs || t2.n_busy))
        pthread_cond_wait(&t2.wake, &t2.lock);
}

/* What tier 2 can do for the block has been done: it is made again, without its counter. */
static void stop_counting(uint64_t pc)
{
    engine_lock();
    struct block *b = block_find(pc);
    if (b && !(b->flags & BLOCK_REGION))
        drop_block(b);
    engine_unlock();
}

static void begin_sampling(uint64_t pc)
{
    engine_lock();
    engine.env.heat = 0;
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        for (unsigned k = 0; k < HOST_HEAT_SLOTS; k++)
            if (__atomic_load_n(&p->cpu->heat[k], __ATOMIC_RELAXED) > COUNTS_LATER && !tier2_profiling())
                __atomic_store_n(&p->cpu->heat[k], COUNTS_LATER, __ATOMIC_RELAXED);
    engine_unlock();
    stop_counting(pc);
    pthread_mutex_lock(&t2.lock);
    if (!t2.n_workers && !t2.dead && !engine.no_regions)
        more_workers();
    pthread_mutex_unlock(&t2.lock);
}

void tier2_hot(struct cpu *cpu, uint64_t pc)
{
    if (engine.pid != getpid()) {                 /* a process that shares our memory for a while (vfork): its threads would not be ours */
        cpu->heat[host_heat_index(pc)] = NEVER_AGAIN;
        return;
    }
    if (by_time()) {
        begin_sampling(pc);
        return;
    }
    cpu->heat[host_heat_index(pc)] = tier2_stress() ? 50 : threshold() < 1000 ? 1000 : threshold();
    if (t2.dead || engine.no_regions || pthread_mutex_trylock(&t2.lock)) {
        if (t2.dead || engine.no_regions)
            cpu->heat[host_heat_index(pc)] = NEVER_AGAIN;
        return;
    }
    struct known *k = known(pc);
    bool done = (k->state == DONE || k->state == INSIDE) && !tier2_stress();
    if (done)
        k->state = UNCOUNTED;
    else if (k->state != UNCOUNTED && (k->state < INSIDE || tier2_stress()))
        enqueue(pc);
    pthread_mutex_unlock(&t2.lock);
    if (done)
        stop_counting(pc);
}

/* --- without workers for a while --- */

static bool own_process(void) { return engine.ready && engine.cfg.tier >= 2 && engine.pid == getpid(); }

void engine_hold_threads(void)
{
    if (!own_process())
        return;
    pthread_mutex_lock(&t2.lock);
    t2.wanted = t2.held++ ? t2.wanted : t2.n_workers;
    while (t2.n_workers && !t2.lost) {
        pthread_cond_broadcast(&t2.wake);
        pthread_cond_wait(&t2.wake, &t2.lock);
    }
    tier2_await_threads();
    pthread_mutex_unlock(&t2.lock);
}

void engine_release_threads(void)
{
    if (!own_process())
        return;
    pthread_mutex_lock(&t2.lock);
    for (t2.held--; !t2.held && t2.wanted; t2.wanted--)
        more_workers();
    pthread_cond_broadcast(&t2.wake);
    pthread_mutex_unlock(&t2.lock);
}

unsigned engine_own_threads(void)
{
    return own_process() ? __atomic_load_n(&t2.n_workers, __ATOMIC_RELAXED) : 0;
}

void tier2_forget_regions(void) { __atomic_store_n(&t2.forget, true, __ATOMIC_RELEASE); }

void tier2_off(void)
{
    if (!engine.ready || engine.cfg.tier < 2)
        return;
    engine_lock();
    engine.no_regions = true;
    engine.env.heat = 0;
    drop_regions();
    engine_unlock();
}

static void make_exact(unsigned faults)
{
    engine_lock();
    if (faults & ~engine.exact) {
        engine.exact |= faults;
        drop_regions();
        tier2_forget_regions();
    }
    engine_unlock();
}

void engine_guest_handles(int sig)
{
    unsigned faults = sig == SIGSEGV || sig == SIGBUS ? LLVM_EXACT_MEMORY : sig == SIGFPE ? LLVM_EXACT_ARITHMETIC : 0;
    if (engine.ready && engine.cfg.tier >= 2 && faults)
        make_exact(faults);
}

/* Threads inside a dead region find out at their next back-edge. */
void tier2_cut_off(struct block *region)
{
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        if (__atomic_load_n(&p->cpu->running, __ATOMIC_SEQ_CST))
            cpu_poke(p->cpu);
}

/* --- the worker --- */

static struct llvm_region empty_region(void)
{
    return (struct llvm_region){ .slots = x86_slots, .n_slots = x86_n_slots, .offsets = &engine.offsets, .helpers = ir_helpers,
                                 .features = engine.host->region_features ? engine.host->region_features(engine.env.features) : "", .log = log_on(LOG_LLVM) ? (log_file ? log_file : stderr) : NULL };
}

unsigned tier2_known(const struct ir_block *b, unsigned exact)
{
    struct llvm_region l = empty_region();
    l.exact = exact;
    unsigned known = tier2_module_known(&l, b);
    for (unsigned k = 0; k < known; k++)
        if (b->insn[k].op == IR_INSN && redo_often((uint64_t)b->insn[k].imm))
            return k;
    return known;
}

/* --only: without a threshold that makes the program wait, the numbers are others in each run */
static bool is_chosen(unsigned number) { return !engine.cfg.only_last || (number >= engine.cfg.only_first && number <= engine.cfg.only_last); }

static enum tier2_compiled make_region(struct region *r, uint64_t pc, unsigned number)
{
    struct llvm_region l = empty_region();
    enum tier2_compiled how = TIER2_REFUSED;
    bool ok = is_chosen(number) && tier2_collect(r, pc) && tier2_wanted(r);
    if (ok && by_time() && tier2_profile(r))
        ok = tier2_weigh(r);
    if (ok) {
        l.loops_only = !tier2_stress();
        l.shared = r->shared;
        l.exact = r->exact;
        l.blocks = r->info;
        l.weight = r->weight;
        l.count = r->count;
        l.n_blocks = r->n_blocks;
        l.n_entries = r->n_entries;
        memcpy(l.entry, r->entry, sizeof l.entry);
        l.pins = engine.host->pins(&engine.env, &l.n_pins);
        how = tier2_compile(&l);
        ok = how == TIER2_COMPILED;
    }
    if (how == TIER2_LOST)
        return how;
    engine_lock();
    if (ok)
        ok = tier2_publish(r, &l);
    count(STAT_REFUSED, !ok);
    engine_unlock();
    if (log_on(LOG_LLVM))
        log_printf("llvm: region %u at 0x%llx: %u blocks, %u entries, %u instructions, %u exits, %zu bytes%s%s%s\n", number, (unsigned long long)pc, r->n_blocks, r->n_entries, l.n_guest_insns,
                   l.n_exits, l.size, ok ? "" : ", refused", l.why[0] ? ": " : "", l.why);
    free(l.code);
    return ok ? TIER2_COMPILED : TIER2_REFUSED;
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

static void note(uint64_t pc, unsigned state)
{
    struct known *k = known(pc);
    if (k->state == DONE)
        return;
    k->state = (uint8_t)state;
    k->heat = k->n_samples = 0;
}

/* All blocks of the region, or the one that was refused; t2.lock held. */
static void note_done(const struct region *r, uint64_t pc, bool made)
{
    for (unsigned k = 0; k < r->n_blocks && made; k++)
        if (r->in_loop[k])
            note(r->info[k].ir->guest_pc, INSIDE);
    for (unsigned k = 0; k < r->n_entries && made; k++)
        note(r->info[r->entry[k]].ir->guest_pc, DONE);
    note(pc, DONE);
}

static uint64_t program_time(void)               /* nanoseconds */
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec - thread_time();
}

/* Compiling may take a fixed share of the processor time that the program has used: a program that ends soon pays nothing. */
static bool within_budget(void)
{
    return !by_time() || thread_time() + (tier2_module_ready() ? REGION_TIME : LLVM_START) < program_time() / BUDGET_SHARE;
}

/* --- the time of samples --- */

/* A program that waits is left in peace, one that goes on in its known ways nearly so. */
static unsigned next_period(uint64_t spent)
{
    if (spent < t2.period / 8)
        return t2.period < IDLE_PERIOD / 2 ? 2 * t2.period : IDLE_PERIOD;
    if (t2.period > LONG_PERIOD)
        return SHORT_PERIOD;
    return t2.period + t2.period / 64;
}

static void add_sample(const struct tier2_sample *s, uint64_t spent)
{
    struct known *k = known(s->pc);
    t2.n_samples++;
    t2.n_in_regions += s->region;
    if (s->region || k->state == DONE || k->state == QUEUED)
        return;
    k->heat += (uint32_t)spent;
    k->n_samples += k->n_samples < 255;
    uint64_t hot = k->state == INSIDE ? 4 * HOT : HOT, share = t2.used / 1000 / HOT_SHARE;
    if (k->heat >= (hot > share ? hot : share) && k->n_samples > 2)
        enqueue(s->pc);
}

/* t2.lock held, but not while others' locks are */
static void look_around(void)
{
    struct tier2_sample s[16];
    uint64_t used = program_time(), spent = (used - t2.used) / 1000, most = 2 * t2.period;
    t2.used = used;
    t2.period = next_period(spent);
    pthread_mutex_unlock(&t2.lock);
    unsigned n = engine.no_regions ? 0 : tier2_take_samples(s, sizeof s / sizeof *s);
    if (n)
        spent = (spent < most ? spent : most) / n;
    tier2_worth_look(s, n, spent * 1000, used);
    pthread_mutex_lock(&t2.lock);
    for (unsigned k = 0; k < n; k++)
        add_sample(&s[k], spent);
}

/* False: the worker has to end. t2.lock held */
static bool wait_for_work(void)
{
    while (!t2.dead && !t2.held && (!t2.n_jobs || !within_budget())) {
        struct timespec t;
        bool watch = by_time() && !t2.watched;
        uint64_t period = watch ? t2.period : LONG_PERIOD;
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_nsec += (long)(period % 1000000 * 1000);
        t.tv_sec += (long)(period / 1000000) + t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        t2.watched |= watch;
        if (t2.n_jobs || watch)
            pthread_cond_timedwait(&t2.wake, &t2.lock, &t);
        else
            pthread_cond_wait(&t2.wake, &t2.lock);
        if (watch) {
            t2.watched = false;
            look_around();
        }
    }
    return !t2.dead && !t2.held;
}

void tier2_stats(FILE *f)
{
    pthread_mutex_lock(&t2.lock);
    double share = t2.n_samples ? 100.0 * (double)t2.n_in_regions / (double)t2.n_samples : 0;
    fprintf(f, "  %-20s %14llu  %s\n", "samples", (unsigned long long)t2.n_samples, "times that a loop was found running");
    fprintf(f, "  %-20s %14.1f  %s\n", "region-share", share, "of them in regions, in percent");
    if (t2.dead)
        fprintf(f, "  %-20s %14s  %s\n", "tier-2", "off", tier2_why_not()[0] ? tier2_why_not() : "no thread to be had, or a fork while one was compiling");
    pthread_mutex_unlock(&t2.lock);
}

/* The thread ends without giving back anything: who knows what can still be used? t2.lock held */
static __attribute__((noreturn)) void leave_llvm(void)
{
    t2.dead = t2.lost = true;
    t2.n_busy--;
    t2.n_workers--;
    tier2_thread_ends();
    pthread_cond_broadcast(&t2.wake);
    pthread_mutex_unlock(&t2.lock);
    for (;;)
        syscall(SYS_exit, 0);
}

static void *worker(void *unused)
{
    struct region *r = malloc(sizeof *r);                /* for the thread's life */
    bool able = r != NULL;
    tier2_thread_begins();
    pthread_mutex_lock(&t2.lock);
    while (able && wait_for_work()) {
        uint64_t pc = take_job(), start = thread_time();
        unsigned number = ++t2.n_tried;
        enum tier2_compiled made = TIER2_REFUSED;
        t2.n_busy++;
        pthread_mutex_unlock(&t2.lock);
        memset(r, 0, sizeof *r);
        if ((able = tier2_have_module()))
            made = make_region(r, pc, number);
        engine_lock();
        count(STAT_REGION_NS, thread_time() - start);
        engine_unlock();
        pthread_mutex_lock(&t2.lock);
        if (made == TIER2_LOST)
            leave_llvm();
        note_done(r, pc, made == TIER2_COMPILED);
        tier2_free_blocks(r);
        t2.n_busy--;
        pthread_cond_broadcast(&t2.wake);
    }
    t2.dead |= !able;
    t2.n_workers--;
    tier2_thread_ends();
    pthread_cond_broadcast(&t2.wake);
    pthread_mutex_unlock(&t2.lock);
    free(r);
    return NULL;
}
