/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine.c: the run loop: find or make the block at the guest's pc, run it, and act on why it came back.
 *
 * cpu->running is the safepoint flag: set while a thread may hold addresses of the present generation's code. A thread that
 * sees engine.stop clears it and waits; a flush begins when it is clear in all others.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "engine/internal.h"
#include "ir/helpers.h"

#define DEFAULT_CACHE ((size_t)256 << 20)
#define TINY_CACHE ((size_t)96 << 10)
#define LEAST_CACHE ((size_t)64 << 10)
#define GO_ON (-1)
enum { LOCKSTEP_THRESHOLD = 50 };

struct engine engine = { .lock = PTHREAD_MUTEX_INITIALIZER, .resumed = PTHREAD_COND_INITIALIZER };
struct engine_config engine_options;

void engine_lock(void)
{
    pthread_mutex_lock(&engine.lock);
}

void engine_unlock(void)
{
    pthread_mutex_unlock(&engine.lock);
}

/* --- start --- */

static void merge_options(struct engine_config *c)
{
    const struct engine_config *o = &engine_options;
    c->cache_size = c->cache_size ? c->cache_size : o->cache_size;
    c->log |= o->log;
    c->tier2_threshold = c->tier2_threshold ? c->tier2_threshold : o->tier2_threshold;
    c->tier2_workers = c->tier2_workers ? c->tier2_workers : o->tier2_workers;
    c->max_insns = c->max_insns ? c->max_insns : o->max_insns;
    c->max_conditional = c->max_conditional ? c->max_conditional : o->max_conditional;
    c->lockstep |= o->lockstep;
    if (!c->only_last) {
        c->only_first = o->only_first;
        c->only_last = o->only_last;
    }
    c->tiny_cache |= o->tiny_cache;
    c->exact_flags |= o->exact_flags;
    c->exact_addresses |= o->exact_addresses;
    c->self_check |= o->self_check;
    c->perf_map |= o->perf_map;
    c->stats |= o->stats;
    if (c->tier >= 2 && c->lockstep && !c->tier2_threshold)
        c->tier2_threshold = LOCKSTEP_THRESHOLD;           /* nearly all its time is the interpreter's, and samples would find nothing */
    c->eager |= o->eager || c->tier == 0 || c->lockstep || c->only_last || (c->tier2_threshold && c->tier2_threshold < 10);
}

static int make_stubs(void)
{
    static struct host_code code;
    struct block *b = block_at(1);
    code.rw = engine.cache.rw;
    code.rx = engine.cache.rx;
    code.capacity = 32 << 10;
    engine.host->emit_stubs(&engine.env, &code);
    cache_commit(code.size);
    *b = (struct block){ .code_size = (uint32_t)code.size, .n_map = (uint16_t)code.n_map, .flags = BLOCK_DEAD };
    b->map = map_pack(code.map, code.n_map, 0);
    engine.stubs_size = engine.cache.used;
    engine.stubs_maps = engine.maps.used;
    if (log_on(LOG_OUT_ASM))
        log_host_code(b);
    if (engine.cfg.perf_map)
        perf_map_add(b);
    return 0;
}

static int init_host(void)
{
    size_t size = engine.cfg.tiny_cache ? TINY_CACHE : engine.cfg.cache_size ? engine.cfg.cache_size : DEFAULT_CACHE >> cache_scale();
    size_t page = sysconf(_SC_PAGESIZE);
    size = ((size < LEAST_CACHE ? LEAST_CACHE : size) + page - 1) & ~(page - 1);
    engine.env.slots = x86_slots;
    engine.env.n_slots = x86_n_slots;
    engine.env.features = engine.host->probe ? engine.host->probe() : 0;
    x86_cpuid_fast(engine.host->fast ? engine.host->fast(engine.env.features) : 0);
    engine.env.return_stack = true;
    engine.env.exact_flags = engine.cfg.exact_flags;
    engine.env.exact_addresses = engine.cfg.exact_addresses;
    engine.env.heat = engine.cfg.tier < 2 ? 0 : engine.cfg.tier2_threshold == 1 ? 2 : 1;
    return cache_init(size) < 0 ? -1 : make_stubs();
}

int engine_init(const struct engine_config *cfg)
{
    if (engine.ready)
        return 0;
    engine.cfg = *cfg;
    merge_options(&engine.cfg);
    log_mask |= engine.cfg.log;
    if (!log_file)
        log_file = stderr;
    if (log_mask & LOG_EXEC)
        log_mask |= LOG_NOCHAIN;
    engine.host = host_native();
    if (!engine.host)
        engine.cfg.tier = 0;
    if (engine.cfg.tier == 0)
        engine.cfg.lockstep = false;
    if (engine.cfg.tier >= 2 && tier2_init() < 0)
        engine.cfg.tier = 1;
    cpu_fill_offsets(&engine.offsets);
    engine.env.offsets = &engine.offsets;
    engine.env.helpers = ir_helpers;
    engine.interp_env = (struct ir_interp_env){ engine.offsets.pc, engine.offsets.flags, engine.offsets.fpcr, NULL };
    engine.generation = 1;
    engine.pid = getpid();
    if (block_init() < 0 || translate_init() < 0 || first_init() < 0 || (engine.cfg.tier && init_host() < 0))
        return -1;
    stats_init();
    engine.ready = true;
    return pthread_atfork(engine_fork_prepare, engine_fork_parent, engine_fork_child) ? -1 : 0;
}

/* --- forks --- */

static __thread unsigned fork_depth;      /* the owner's call and the atfork handler's */
static __thread bool fork_holds;          /* this thread got the lock for its fork */

/* A translating thread may wait for a lock that the forking thread holds already. Then the fork goes on without the engine's
 * lock, and the child drops what may be half done. */
void engine_fork_prepare(void)
{
    if (fork_depth++)
        return;
    for (unsigned i = 0; i < 100 && !fork_holds; i++) {
        fork_holds = pthread_mutex_trylock(&engine.lock) == 0;
        if (!fork_holds)
            nanosleep(&(struct timespec){ 0, 20000 }, NULL);
    }
}

void engine_fork_parent(void)
{
    if (--fork_depth || !fork_holds)
        return;
    fork_holds = false;
    engine_unlock();
}

void engine_fork_child(void)
{
    if (!engine.ready || engine.pid == getpid())
        return;
    bool whole = fork_holds;
    fork_holds = false;
    fork_depth = 0;
    engine.pid = getpid();
    engine.flushing = false;
    engine.stop = 0;
    if (whole)
        engine_unlock();                               /* taken by this thread, in engine_fork_prepare */
    else
        pthread_mutex_init(&engine.lock, NULL);
    pthread_cond_init(&engine.resumed, NULL);
    cpu_list_after_fork();
    tier2_after_fork();
    int torn = engine.cache.size ? cache_fork() : 0;
    if (torn < 0) {
        fprintf(stderr, "wherry: no memory for the code cache of a child process\n");
        _exit(1);
    }
    if (torn || !whole) {
        block_reset();
        cache_reset(engine.stubs_size);
        engine.epoch++;
        engine.generation++;
    }
}

/* --- running --- */

uint64_t engine_enter(struct cpu *cpu, uint64_t code)
{
    struct engine_cpu *p = engine_cpu(cpu);
    uint64_t (*enter)(void *, uint64_t) = (uint64_t (*)(void *, uint64_t))engine.env.stubs.enter;
    cpu->stats[STAT_ENTERS]++;
    p->in_guest = true;
    uint64_t reason = enter(&cpu->state, code);
    p->in_guest = false;
    return reason;
}

static void park(struct cpu *cpu)
{
    __atomic_store_n(&cpu->running, 0, __ATOMIC_SEQ_CST);
    engine_lock();
    while (engine.stop)
        pthread_cond_wait(&engine.resumed, &engine.lock);
    engine_unlock();
    __atomic_store_n(&cpu->running, 1, __ATOMIC_SEQ_CST);
}

/* What has to be done before the next block, if anything. GO_ON or an event. */
static int attend(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    while (__atomic_load_n(&engine.stop, __ATOMIC_SEQ_CST))
        park(cpu);
    if (p->generation != __atomic_load_n(&engine.generation, __ATOMIC_ACQUIRE))
        cpu_enter_generation(cpu);
    if (__atomic_exchange_n(&cpu->interrupt, 0, __ATOMIC_SEQ_CST)) {
        cpu_repair_poll(cpu);
        __atomic_store_n(&cpu->interrupt, 0, __ATOMIC_SEQ_CST);     /* one that came while the page was repaired is reported with this one */
        return ENGINE_INTERRUPT;
    }
    return GO_ON;
}

static bool needs_attention(struct cpu *cpu)
{
    return __builtin_expect(__atomic_load_n(&engine.stop, __ATOMIC_RELAXED) | __atomic_load_n(&cpu->interrupt, __ATOMIC_RELAXED) |
                            (engine_cpu(cpu)->generation != __atomic_load_n(&engine.generation, __ATOMIC_RELAXED)), 0);
}

static int run_single(struct cpu *cpu);

static int act_on_trap(struct cpu *cpu, unsigned trap)
{
    switch (trap) {
    case IR_TRAP_SYSCALL: return ENGINE_SYSCALL;
    case IR_TRAP_BREAKPOINT: case IR_TRAP_DEBUG: return ENGINE_BREAKPOINT;
    case IR_TRAP_ILLEGAL: return ENGINE_ILLEGAL;
    case IR_TRAP_PRIVILEGED: return ENGINE_PRIVILEGED;
    case IR_TRAP_SYSCALL32: return ENGINE_SYSCALL32;
    case IR_TRAP_OVERFLOW: return ENGINE_OVERFLOW;
    case IR_TRAP_REDO:
        cpu->state.pc = cpu->exit_target;
        redo_note(cpu->exit_target);
        return run_single(cpu);
    default: return GO_ON;            /* SINGLE; DECODE is found again, or not, at its pc */
    }
}

/* Run the instruction at pc alone. GO_ON or an event. */
static int run_single(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    if (!p->single)
        p->single = malloc(sizeof *p->single);
    if (!p->single)
        abort();
    cpu->stats[STAT_SINGLES]++;
    if (translate_single(cpu, cpu->state.pc, p->single) != TRANSLATE_OK)
        return ENGINE_FAULT;
    int r = interp_run(cpu, p->single);
    return r < 0 ? GO_ON : act_on_trap(cpu, r);
}

/* An operation of a run was special, or its load faulted. The block at exit_target is made again without runs; this instruction is done now, so
 * that something is done in any case. */
static int split_run(struct cpu *cpu)
{
    cpu->stats[STAT_RUNS_SPLIT]++;
    translate_never_run(cpu->exit_target);
    engine_invalidate(cpu->exit_target, 1);
    return run_single(cpu);
}

/* Translated code, a helper or the interpreter was left by a fault. */
static int act_on_leave(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    enum leave kind = p->leave_kind;
    p->leave_kind = LEAVE_NONE;
    p->link_from = 0;
    switch (kind) {
    case LEAVE_POLL:
        cpu_repair_poll(cpu);
        return GO_ON;                 /* the loop looks at interrupt and stop */
    case LEAVE_FAULT:
        if (log_on(LOG_INT))
            log_printf("int: signal %d code %d address 0x%llx at 0x%llx\n", cpu->fault_signal, cpu->fault_info.si_code,
                       (unsigned long long)cpu->fault_address, (unsigned long long)cpu->state.pc);
        return ENGINE_FAULT;
    case LEAVE_SINGLE:
        return run_single(cpu);
    case LEAVE_VIEW:
        cpu->stats[STAT_VIEWS]++;
        if (checked_note(cpu->state.pc, p->by_code))
            engine_invalidate(cpu->state.pc, 1);
        return run_single(cpu);
    case LEAVE_RUN:
        return split_run(cpu);
    default:
        return GO_ON;
    }
}

static int act_on_reason(struct cpu *cpu, uint64_t reason)
{
    struct engine_cpu *p = engine_cpu(cpu);
    p->link_from = 0;
    if (reason == HOST_R_LINK || reason == HOST_R_INDIRECT) {
        p->link_indirect = reason == HOST_R_INDIRECT;
        p->link_from = cpu->exit_info;
        cpu->stats[STAT_MISSES] += p->link_indirect;
        return GO_ON;
    }
    if (reason == HOST_R_TRAP + IR_N_TRAPS)
        return act_on_leave(cpu);
    if (reason == HOST_R_RUN)
        return split_run(cpu);
    if (reason == HOST_R_HOT) {
        tier2_hot(cpu, cpu->state.pc);
        return GO_ON;
    }
    return act_on_trap(cpu, (unsigned)(reason - HOST_R_TRAP));
}

static void log_exec(struct cpu *cpu)
{
    log_printf("Trace: 0x%llx\n", (unsigned long long)cpu->state.pc);
    if (log_on(LOG_CPU))
        log_state(&cpu->state);
}

static int run_block(struct cpu *cpu, struct block *b)
{
    uint64_t reason;
    if (log_on(LOG_EXEC))
        log_exec(cpu);
    if (!block_has_code(b)) {
        engine_cpu(cpu)->link_from = 0;
        int r = interp_run(cpu, block_ir(b));
        return r < 0 ? GO_ON : act_on_trap(cpu, r);
    }
    if (engine.cfg.lockstep) {
        lockstep_run(cpu, b, &reason);
        cpu->exit_info = 0;
    } else {
        reason = engine_enter(cpu, block_entry(b));
    }
    return act_on_reason(cpu, reason);
}

static int run_first(struct cpu *cpu, const struct ir_block *b)
{
    if (log_on(LOG_EXEC))
        log_exec(cpu);
    engine_cpu(cpu)->link_from = 0;
    int r = interp_run(cpu, b);
    return r < 0 ? GO_ON : act_on_trap(cpu, r);
}

/* The jump cache holds code addresses; where nothing is translated (tier 0) it holds blocks. */
static void remember_jump(struct cpu *cpu, struct block *b, uint32_t epoch)
{
    struct cpu_jump *j = &cpu->jump_cache[host_jump_index(b->pc, CPU_JUMP_CACHE_BITS)];
    if (engine.cfg.lockstep || log_on(LOG_NOCHAIN) || (engine.cfg.tier && !block_has_code(b)))
        return;
    __atomic_store_n(&j->guest_pc, cpu_no_jump(j - cpu->jump_cache), __ATOMIC_RELAXED);
    j->host_code = engine.cfg.tier ? block_entry(b) : (uint64_t)b;
    __atomic_store_n(&j->guest_pc, b->pc, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&engine.epoch, __ATOMIC_SEQ_CST) != epoch)
        cpu_forget_jump(cpu, b->pc);
}

/* One block, or one chain of linked blocks. GO_ON or an event. */
static int step(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    uint64_t pc = cpu->state.pc;
    struct cpu_jump *j = &cpu->jump_cache[host_jump_index(pc, CPU_JUMP_CACHE_BITS)];
    if (!p->link_from && __atomic_load_n(&j->guest_pc, __ATOMIC_RELAXED) == pc) {
        if (engine.cfg.tier == 0)
            return run_block(cpu, (struct block *)j->host_code);
        return act_on_reason(cpu, engine_enter(cpu, j->host_code));
    }
    uint32_t epoch = __atomic_load_n(&engine.epoch, __ATOMIC_SEQ_CST);
    struct block *b = block_find(pc);
    cpu->stats[STAT_LOOKUPS]++;
    if (!b) {
        epoch = __atomic_load_n(&engine.epoch, __ATOMIC_SEQ_CST);
        const struct ir_block *first;
        enum translate_result r = translate_block(cpu, pc, &b, &first);
        if (r == TRANSLATE_FIRST)
            return run_first(cpu, first);
        if (r != TRANSLATE_OK)
            return r == TRANSLATE_FAULT ? ENGINE_FAULT : GO_ON;
    }
    if (p->link_from)
        link_exit(cpu, p->link_from, b, p->link_indirect);
    if (!p->link_from || p->link_indirect)
        remember_jump(cpu, b, epoch);
    return run_block(cpu, b);
}

/* With the trap flag set each instruction runs alone. */
static int step_traced(struct cpu *cpu)
{
    int e = run_single(cpu);
    return e == GO_ON ? ENGINE_SINGLE_STEP : e;
}

/* Who found `running` clear has poked nobody: what he set is looked at behind the store. GO_ON or an event. */
static int begin(struct cpu *cpu)
{
    __atomic_store_n(&cpu->running, 1, __ATOMIC_SEQ_CST);
    bool urgent = __atomic_load_n(&engine.stop, __ATOMIC_SEQ_CST) | __atomic_load_n(&cpu->interrupt, __ATOMIC_SEQ_CST);
    return urgent ? attend(cpu) : GO_ON;
}

enum engine_event engine_run(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    int event, begun = begin(cpu);
    p->link_from = 0;
    if (_setjmp(p->leave)) {
        cpu = cpu_current();
        p = engine_cpu(cpu);
        p->in_guest = false;
        fault_leave_cleanup();
        event = act_on_leave(cpu);
    } else {
        event = begun;
    }
    while (event == GO_ON) {
        if (needs_attention(cpu) && (event = attend(cpu)) != GO_ON)
            break;
        event = __builtin_expect(cpu->state.tf, 0) ? step_traced(cpu) : step(cpu);
    }
    __atomic_store_n(&cpu->running, 0, __ATOMIC_SEQ_CST);
    return (enum engine_event)event;
}
