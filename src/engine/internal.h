/* SPDX-License-Identifier: GPL-2.0-or-later
 * internal.h: what the engine's files share.
 *
 * What must stay true:
 *  E1 blocks, links, maps and code are only ever appended within a generation; block numbers, exit numbers and code
 *     offsets grow together, so that binary search finds the block of a code address or of an exit
 *  E2 memory of a generation is reused only when no other cpu has `running` set (cache.c, stop_others), and each cpu drops
 *     its return stack and jump cache before it runs code of the new generation
 *  E3 everything below `lock` is written under the lock; lookups (block_find) read it without
 *  E4 the owner's callbacks (fetchable, watch) run with the lock held: the owner must not call the engine from them, nor
 *     hold a lock that they take while it calls the engine
 *  E5 a dead block is never linked to, and nothing is left that leads to it but code already running inside it
 *  E6 what another thread may write meanwhile (a block's flags, a cpu's `interrupt`, `running` and jump cache, `stop`, `generation`, `epoch`)
 *     is read and written by atomic operations only; emitted code reads its own cpu's jump cache, and each entry by its guest_pc
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H
#include <pthread.h>
#include <setjmp.h>
#include "engine/engine.h"
#include "engine/log.h"
#include "host/host.h"
#include "host/icache.h"

#define PAGE_BITS 12                     /* guest pages */
#define PAGE_SIZE (1u << PAGE_BITS)
#define CODE_INDEX_BITS 8          /* see block_of_code: two blocks or so start in a piece of this size */
#define CODE_ALIGN 64              /* of a block: a line of the instruction cache, and of what predicts jumps; patchable jumps need 8 */
#define MAX_DEPS 6                       /* guest pages that one translation may read */

/* --- counters --- */
enum stat_id {
#define STAT(ENUM, name, help) STAT_##ENUM,
#include "engine/stats.def"
#undef STAT
    N_STATS
};

/* --- arenas: address space reserved at once, memory committed by use --- */
struct arena { uint8_t *base; size_t used, size, committed; };
unsigned cache_scale(void);
int arena_reserve(struct arena *a, size_t size);
void arena_commit(struct arena *a);                          /* all that is used */
/* NULL when full */
void *arena_alloc(struct arena *a, size_t size, size_t align);

/* --- blocks (block.c) --- */
enum { BLOCK_DEAD = 1, BLOCK_INTERPRET = 2, BLOCK_REGION = 4 /* tier 2: no side map */ };
struct block {                           /* number 0 is never used; number 1 stands for the shared stubs */
    uint64_t pc;
    uint32_t code, code_size;            /* offset in the code cache */
    uint32_t map;                        /* offset in the map arena (packed, map_find) */
    uint32_t exits;                      /* number of the first exit */
    uint32_t incoming;                   /* list of struct link_node that lead here */
    uint32_t hash_next;
    uint32_t ir;                         /* interpreted: offset in the IR arena, in 16 bytes; 0: none */
    uint16_t n_exits, n_map, n_insns, guest_size;
    uint8_t flags;
};
struct exit_point {                      /* offsets from the block's code; cached: offset in the cache of the newest inline cache */
    uint16_t patch;
    uint8_t kind, n_cached;
    int32_t stub;
    uint32_t cached;
};
struct link_node { uint32_t exit, next; };
/* One guest page that a block was made from (also by looking ahead at flags): bytes lo..hi of it were read. */
struct page_node { uint32_t block, next; uint16_t lo, hi; };
/* ready: fetchable and watched since the last invalidation; stable: unchanged until the owner says so, without write protection; version
 * counts invalidations; seen: first.c's */
struct page_entry { uint64_t page; uint32_t head, seen; uint8_t used, ready : 1, stable : 1; uint16_t version; };
struct block_table { uint32_t bits; uint32_t head[]; };
struct page_table { uint32_t bits, n; struct page_entry *entry; };

/* pages read by the translation under way */
struct dep { uint64_t page; uint16_t lo, hi; };
struct deps { unsigned n; struct dep d[MAX_DEPS]; };

struct block *block_find(uint64_t pc);                       /* without the lock */
int  block_insert(struct block *b);                          /* publish; -1 out of memory */
void block_remove(struct block *b);                          /* out of the hash */
struct block *block_of_code(uint64_t host_pc);               /* NULL if none */
struct block *block_of_exit(uint32_t exit);
void block_note_code(struct block *b);                       /* when it is numbered, before block_of_code shall find it */
struct page_entry *page_find(uint64_t page, bool create);
int  block_add_deps(struct block *b, const struct deps *deps);
int  block_init(void);
void block_reset(void);
uint32_t map_pack(const struct host_map *map, unsigned n, uint64_t pc);   /* pc: the block's. Offset, or UINT32_MAX when full */
bool map_find(const struct block *b, uint32_t offset, struct host_map *out);

/* --- the code cache (cache.c) --- */
struct code_cache { uint8_t *rw; uint64_t rx; size_t size, used, populated, cold, cold_end /* the piece for stubs under way */; int fd; };
int  cache_init(size_t size);
void cache_reset(size_t keep);                               /* drop everything behind the first `keep` bytes */
uint8_t *cache_room(size_t size, size_t align);              /* rw place of the next `size` bytes, or NULL */
void cache_commit(size_t size);
size_t cache_cold_room(size_t *size);                       /* offset of room for stubs, and how much there is: perhaps none */
void cache_cold_commit(size_t size);
int  cache_fork(void);                                       /* private copy in a fork's child; 1: torn, drop it all; -1: could not */
void cache_write_begin(void);                                /* around each change to published code (link patches) */
void cache_write_end(void);
/* Stop the others, drop all translations, count a generation. Lock held on entry and exit; other threads may have run in between. */
void cache_flush(struct cpu *cpu);

/* --- per cpu --- */
enum leave { LEAVE_NONE, LEAVE_POLL, LEAVE_FAULT, LEAVE_SINGLE, LEAVE_VIEW, LEAVE_RUN };
struct engine_cpu {
    struct cpu *cpu;
    struct engine_cpu *next;
    jmp_buf leave;                        /* engine_run, for faults in helpers and the interpreter */
    volatile enum leave leave_kind;
    bool by_code;                 /* LEAVE_VIEW: the host page holds watched code */
    bool in_run;                  /* the fault was inside a run (HOST_MAP_RUN) */
    bool hit_code;                        /* a quick form of a helper stored to a page of code: its other form leaves */
    volatile bool in_guest;               /* faults belong to the guest: translated code, a helper or the interpreter runs */
    uint32_t generation;
    uint64_t link_from;                   /* exit place that waits for its target */
    bool link_indirect;
    struct ir_block *single;              /* scratch for one-instruction execution */
    size_t size, poll_offset;
    bool sampling;                        /* atomic: the poll page was taken for a sample */
    uint64_t sample;                      /* atomic: the last one, or 0 (tier2_sample.c) */
};
static inline struct engine_cpu *engine_cpu(struct cpu *cpu) { return cpu->engine_private; }
static inline void *cpu_poll_page(struct cpu *cpu) { return (uint8_t *)cpu + engine_cpu(cpu)->poll_offset; }
void cpu_fill_offsets(struct host_offsets *o);
void cpu_reset_return_stack(struct cpu *cpu);
void cpu_enter_generation(struct cpu *cpu);                  /* forget host addresses of an older generation */
bool cpu_guard_hit(struct cpu *cpu, uint64_t addr);
void cpu_poke(struct cpu *cpu);                              /* make it leave translated code at its next poll */
void cpu_repair_poll(struct cpu *cpu);
static inline bool cpu_is_running(const struct cpu *cpu) { return __atomic_load_n(&cpu->running, __ATOMIC_SEQ_CST); }
void cpu_list_after_fork(void);
void cpu_forget_jump(struct cpu *cpu, uint64_t pc);          /* from any thread */
/* Jump-cache key that no address of entry i has. */
static inline uint64_t cpu_no_jump(uint64_t i) { return i ^ 1; }

/* --- a guarded piece of C code: RECOVER_BEGIN is an expression, 0 at first and 1 after a fault --- */
struct engine_recover { jmp_buf env; struct engine_recover *outer; int sig; siginfo_t info; };
extern __thread struct engine_recover *engine_recover;
#define RECOVER_BEGIN(r) ((r)->outer = engine_recover, engine_recover = (r), _setjmp((r)->env))
#define RECOVER_END(r) (engine_recover = (r)->outer)

struct engine {
    struct engine_config cfg;
    const struct host_target *host;       /* NULL: interpreter only */
    struct host_offsets offsets;
    struct host_env env;
    struct ir_interp_env interp_env;
    struct code_cache cache;
    size_t stubs_size, stubs_maps;        /* kept by a flush: code, packed map */
    pthread_mutex_t lock;
    pthread_cond_t resumed;               /* stop went back to 0 */
    bool flushing;
    volatile int stop;                    /* cpus must park: a flush wants the cache */
    volatile uint32_t generation, epoch;  /* epoch: counts invalidations */
    struct engine_cpu *cpus;
    /* below: guarded by lock (E3) */
    struct arena code_index, blocks, exits, links, maps, page_nodes, ir;
    struct block_table *volatile table;
    struct page_table pages;
    uint32_t n_blocks;                    /* numbers used */
    uint32_t n_live;
    uint64_t n_translated;                /* number for --only, over all generations */
    bool ready;
    bool no_regions;                      /* no tier 2 */
    uint8_t exact;                        /* LLVM_EXACT_*: the faults that the guest handles */
    bool memory_shared;                   /* engine_order_memory was called */
    pid_t pid;
};
extern struct engine engine;
void stats_init(void);
uint64_t *engine_counters(void);
void engine_sum_counters(uint64_t sum[CPU_COUNTERS]);
static inline void count(enum stat_id id, uint64_t n) { engine_counters()[id] += n; }

static inline struct block *block_at(uint32_t n) { return (struct block *)engine.blocks.base + n; }
static inline uint32_t block_number(const struct block *b) { return (uint32_t)(b - (struct block *)engine.blocks.base); }
static inline struct exit_point *exit_at(uint32_t n) { return (struct exit_point *)engine.exits.base + n; }
static inline struct link_node *link_at(uint32_t n) { return (struct link_node *)engine.links.base + n; }
static inline uint64_t block_entry(const struct block *b) { return engine.cache.rx + b->code; }
/* BLOCK_*; another thread may kill the block meanwhile */
static inline unsigned block_flags(const struct block *b) { return __atomic_load_n(&b->flags, __ATOMIC_ACQUIRE); }
static inline bool block_has_code(const struct block *b) { return !(block_flags(b) & BLOCK_INTERPRET); }
static inline const struct ir_block *block_ir(const struct block *b) { return (const void *)(engine.ir.base + 16 * (uint64_t)b->ir); }
static inline bool in_code_cache(uint64_t pc) { return engine.host && pc - engine.cache.rx < engine.cache.size; }
/* for those without the lock: the handlers of faults in code */
static inline size_t cache_used(void) { return __atomic_load_n(&engine.cache.used, __ATOMIC_RELAXED); }
static inline uint32_t block_count(void) { return __atomic_load_n(&engine.n_blocks, __ATOMIC_ACQUIRE); }
static inline uint8_t *code_rw(uint64_t rx) { return engine.cache.rw + (rx - engine.cache.rx); }

/* --- translate.c --- */
enum translate_result { TRANSLATE_OK, TRANSLATE_RETRY /* park and look again */, TRANSLATE_FAULT /* cpu->fault_* are set */,
                        TRANSLATE_FIRST /* no block: *first is for the interpreter, at once */ };
enum translate_result translate_block(struct cpu *cpu, uint64_t pc, struct block **out, const struct ir_block **first);
/* lift one instruction at pc, unwatched and unpublished */
enum translate_result translate_single(struct cpu *cpu, uint64_t pc, struct ir_block *out);
/* the flags (IR_F_*) that code at pc may read before it writes them */
unsigned translate_live_flags(uint64_t pc);
int  translate_init(void);
void fault_fetch(struct cpu *cpu, uint64_t pc);              /* fill fault_* for code that can't be fetched at pc */

/* --- first.c; lock held --- */
int  first_init(void);
bool first_wanted(uint64_t pc);                              /* has the block at pc to be interpreted when it runs now? */
struct ir_block *first_place(void);                          /* where to lift it */
bool first_keep(const struct deps *deps);                    /* what was lifted there. False: to be translated at once */
struct ir_block *first_take(uint64_t pc, struct deps *deps); /* what was kept for pc, to be used before the next first_place; or NULL */
void first_forget(void);                                     /* guest bytes have changed */
void first_reset(void);                                      /* the page index is empty */

/* --- tier 2: a basic block at pc as the optimizer leaves it, up to what a region that is exact that much can hold; the pages that it was made from are added to d. Lock held; false: not from here --- */
enum { MAX_REGION_DEPS = 4 * MAX_DEPS };
struct region_deps { unsigned n; struct dep d[MAX_REGION_DEPS]; uint16_t version[MAX_REGION_DEPS]; };
bool translate_for_region(uint64_t pc, unsigned exact, struct ir_block *out, struct region_deps *d);

/* --- tier2.c --- */
int  tier2_init(void);
void tier2_new_cpu(struct cpu *cpu);
void tier2_hot(struct cpu *cpu, uint64_t pc);                /* the counter of the block at pc fell below 0 */
bool tier2_counts(uint64_t pc);                              /* shall the block at pc have a counter? */
bool tier2_profiled(uint64_t pc);                            /* shall it be a basic block, with a counter in any case? Lock held */
bool tier2_sampled(struct cpu *cpu, uint64_t host_pc);       /* the fault handler: was this poll only a sample? Then the access is repeated */
void tier2_stats(FILE *f);
void tier2_after_fork(void);
void tier2_forget_regions(void);                             /* those there were have been dropped: they are made again when they are hot */
void tier2_off(void);                                        /* for good. Takes the lock */
void drop_block(struct block *b);                            /* invalidate.c; lock held */
void drop_regions(void);                                     /* invalidate.c: all of them. Lock held */
void tier2_cut_off(struct block *region);                    /* it died: threads inside shall leave it. Lock held */

/* --- link.c --- */
void link_exit(struct cpu *cpu, uint64_t place, struct block *to, bool indirect);
void link_new_block(struct block *b, const struct host_code *code);    /* lock held */
void unlink_incoming(struct block *b);                       /* lock held */
/* the guest addresses that the exit's inline caches have, newest first. Lock held */
void link_cached_targets(uint32_t exit, void *ctx, void (*each)(void *ctx, uint64_t pc));

/* --- view.c: a directory of pointers to leaves; a leaf has the pages' distances for reading, then those for writing --- */
enum { VIEW_LEAF_SHIFT = 34, VIEW_LEAVES = 1 << (47 - VIEW_LEAF_SHIFT), VIEW_LEAF_PAGES = 1 << (VIEW_LEAF_SHIFT - PAGE_BITS) };
#define VIEW_LEAF_SIZE (VIEW_LEAF_PAGES * sizeof(uint64_t))
uint64_t view_changes(void);                                 /* counts them; the views are up to date when it is read */
const void *view_directory(void);                            /* NULL: no page has a view yet */

/* --- redo.c: pc was left to the interpreter by a region; was it never, often? --- */
void redo_note(uint64_t pc);
bool redo_never(uint64_t pc), redo_often(uint64_t pc);

/* --- checked.c --- */
bool translate_may_run(uint64_t pc);                         /* host_env.runs for the block at pc */
void translate_never_run(uint64_t pc);
bool checked_note(uint64_t pc, bool by_code);                /* an access of the instruction met a view; true: from now on it is checked */
void checked_rewrite(struct ir_block *b, bool counted);      /* lifted, not optimized; counted: for --stats. Lock held */
enum checked_kind { CHECKED_NOT, CHECKED_DATA, CHECKED_CODE /* of these some because code is watched in the host page */, CHECKED_KINDS };
uint64_t checked_entries(enum checked_kind kind);            /* how often blocks of the kind were entered; 0 without --stats */

/* --- interp.c, lockstep.c --- */
int  interp_run(struct cpu *cpu, const struct ir_block *b);  /* -1 ordinary (pc set), or enum ir_trap (pc set) */
int  interp_run_logged(struct cpu *cpu, const struct ir_block *b, void (*before_write)(void *, uint64_t, unsigned));
bool lockstep_run(struct cpu *cpu, struct block *b, uint64_t *reason);

/* --- fault.c --- */
void engine_raise(struct cpu *cpu, int sig, int code, uint64_t addr) __attribute__((noreturn));
void fault_leave_cleanup(void);

/* --- engine.c, log.c --- */
uint64_t engine_enter(struct cpu *cpu, uint64_t code);       /* a host_reason */
void engine_lock(void);
void engine_unlock(void);
void log_guest_code(const struct ir_block *b);
void log_host_code(const struct block *b);
void log_state(const struct x86_state *s);
void perf_map_add(const struct block *b);
#endif
