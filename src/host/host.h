/* SPDX-License-Identifier: GPL-2.0-or-later
 * host.h: what the engine asks of a host. A host is a folder that fills one struct host_target. Its emitter is a pure function of the IR
 * block, the environment and the buffer's run-time address: every host's code can be made and printed on any machine.
 *
 * Conventions of translated code, kept by every host:
 *  H1 while it runs, the guest slots that the host maps live in host registers, across blocks; the rest live in the state block
 *  H2 at a block's entry and exits the state's flags word holds every flag that the target reads
 *  H3 direct exits begin as jumps to their own stub; `link` redirects one with a single aligned store
 *  H4 translated code is entered through the `enter` stub and left through an exit stub, which store and load mapped registers
 *  H5 guest calls push a host return address, guest returns use the host's return and compare the guest address at the landing place
 *     (H5 may be absent in a host: then returns go through the lookup)
 *  H6 for tier 2 blocks count their entries in the state (`heat`) when the engine asks for it; without that not a byte of them changes
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H
#include <stddef.h>
#include <stdint.h>
#include "ir/ir.h"
#include "guest/lift.h"  /* struct guest_slot */

enum host_exit_kind { HOST_EXIT_DIRECT, HOST_EXIT_CALL, HOST_EXIT_LANDING /* block after a call returns */, HOST_EXIT_INDIRECT /* inline cache */ };

struct host_exit {               /* one patchable jump */
    uint32_t patch;              /* offset in the block's code of the jump that `link` rewrites */
    int32_t stub;                /* the same of the stub that it goes to while unlinked; may lie in `cold` */
    uint64_t target;             /* guest address; unused for INDIRECT */
    uint8_t kind;
};
struct host_map {                /* sorted by offset: host code from here on belongs to the guest instruction at pc */
    uint32_t offset;
    uint8_t flags;               /* HOST_MAP_* */
    uint8_t live;                /* six bits between a host's emitter and its sync: IR_F_* that only its own flags register holds (x86-64: what the stack pointer lacks) */
    uint64_t pc;                 /* but for HOST_MAP_LEAVE */
};
enum { HOST_MAP_POLL = 1,        /* an access of the poll page: without LEAVE, the state is exact for `pc` */
       HOST_MAP_RUN = 2,         /* inside a run: nothing that began at `pc` has been done yet. A fault is not the guest's: as HOST_R_RUN */
       HOST_MAP_LOOP = 4,        /* in a block that goes round by itself: sync_loop tells where it is */
       HOST_MAP_LEAVE = 8 };     /* without POLL: the host's own. With POLL: the thread goes on at another place of the block, which leaves it. `pc` is the block's + that place's offset */
#define HOST_MAP_PC_IN_STATE UINT64_MAX   /* host_map.pc: the state's own pc is already right (polls and faults in the lookup stub; the
                                             engine keeps the map that emit_stubs fills) */

#define HOST_MAX_EXITS 128
#define HOST_MAX_MAP 1024
struct host_code {               /* in: rw, rx, capacity, of cold too. out: the rest */
    uint8_t *rw;                 /* where to write (16-byte aligned) */
    uint64_t rx;                 /* address at which it will run */
    size_t capacity, size;
    struct { uint8_t *rw; uint64_t rx; size_t capacity, size; } cold;      /* for what seldom runs, so that blocks lie close together; capacity may be 0 */
    unsigned n_exits, n_map;
    unsigned n_interpreted;      /* operations that the emitter has no code for and the interpreter does, one by one */
    struct host_exit exits[HOST_MAX_EXITS];
    struct host_map map[HOST_MAX_MAP];
};

/* The engine's fields that host code touches: byte offsets from the guest state's start (struct cpu, engine/cpu.h). */
struct host_offsets {
    uint32_t self;               /* holds the state's own address */
    uint32_t host_sp;            /* host stack pointer saved by `enter` */
    uint32_t ret_sp, ret_base;   /* return-predictor stack: current pointer (kept here while outside translated code) and its empty position */
    uint32_t exit_info;          /* u64: address of the exit's patch place (rx), or 0 */
    uint32_t exit_target;        /* u64: guest address for indirect exits */
    uint32_t jump_cache;         /* array of { u64 guest_pc, u64 host_code }, direct mapped */
    uint32_t jump_cache_bits;    /* log2 of its entries (a value, not an offset): index = (pc ^ (pc >> bits)) & mask, see host_jump_index */
    uint32_t poll_page;          /* offset of the poll page from the state's start */
    uint32_t spill, spill_size;  /* scratch memory for the emitter, 16-byte aligned */
    uint32_t host_fpcr;          /* u32: the host's own fp control while guest code runs */
    uint32_t pc, flags, fpcr;    /* of the guest state */
    uint32_t down;               /* u8: string instructions go downwards */
    uint32_t heat;               /* i32[HOST_HEAT_SLOTS]: counters of loops, for tier 2 */
};
enum { HOST_HEAT_SLOTS = 1024, HOST_HEAT_END = 16384 /* the most that heat + 4 * slots may be: what aarch64's loads reach */ };
static inline uint32_t host_heat_index(uint64_t pc) { return (uint32_t)((pc ^ (pc >> 10)) & (HOST_HEAT_SLOTS - 1)); }
struct host_pin { uint16_t offset; const char *reg; };   /* a guest slot and its register, by the assembler's name */
/* disassemble.c: host_target.disassemble where an instruction is a word */
size_t host_disassemble_word(const uint8_t *code, uint64_t addr, char *text, size_t size);
/* pins.c: the mapped ones of a host's registers, offset -1: not mapped; it stays until the thread asks again (tier 2 has several workers). */
const struct host_pin *host_pins(const int32_t *offset, const char *const *names, unsigned n_regs, unsigned *n);
static inline uint64_t host_jump_index(uint64_t pc, unsigned bits) { return (pc ^ (pc >> bits)) & ((1u << bits) - 1); }

/* Why translated code came back: the value `enter` returns. */
enum host_reason {
    HOST_R_LINK,                 /* a direct exit is not linked: exit_info = its patch place, state pc = target. Engine may link, then re-enters */
    HOST_R_INDIRECT,             /* jump-cache miss: state pc = target; exit_info = patch place of an inline cache or 0 */
    HOST_R_TRAP,                 /* + enum ir_trap */
    HOST_R_HOT = HOST_R_TRAP + IR_N_TRAPS + 1,   /* a counter of `heat` fell below 0 (H6): state pc = the block's */
    HOST_R_RUN,                  /* several operations done together need to be done one by one: make the block at exit_target again without host_env.runs; state pc
                                    = where to go on */
};

struct host_stubs {              /* run-time addresses of the shared pieces, made once by emit_stubs */
    uint64_t enter;              /* uint64_t enter(void *state, uint64_t host_code): returns a reason; callee-saved registers as the C ABI */
    uint64_t leave_fault;        /* resume here (any registers) after a fault whose state was synced: makes `enter` return HOST_R_TRAP + IR_N_TRAPS */
    uint64_t lookup;             /* indirect jump through the jump cache */
    uint64_t ret_empty;          /* the engine stores this at ret_base and starts with ret_sp = ret_base: a host `ret` on an empty stack comes
                                    here; the stub moves the stack pointer back to ret_base and goes to the lookup */
    uint64_t others[16];         /* for the host's own use */
};

struct host_env {
    const struct host_offsets *offsets;
    struct host_stubs stubs;
    const struct guest_slot *slots; unsigned n_slots;
    const struct ir_helper *helpers;   /* where code finds ir_helpers */
    uint32_t features;           /* the host's own bits; host_target.probe */
    bool return_stack;           /* use H5 */
    bool exact_flags;            /* the state's flags are exact at faults too (as ir_opt was told) */
    uint8_t heat;                /* H6: blocks with an exit that polls (2: all blocks) count their entries down in `heat` */
    bool exact_addresses;        /* an address whose top byte the host ignores (aarch64) faults as on x86-64 */
    bool runs;                   /* operations may be done together on the guess that none is special (HOST_R_RUN) */
    bool ordered;                /* guest memory may be shared: keep x86's order (TSO) on hosts whose own is weaker */
};

struct host_target {
    const char *name;            /* "x86_64" */
    bool weak_order;             /* memory is ordered less strongly than x86's: host_env.ordered matters */
    uint32_t (*probe)(void);     /* features of the processor that we run on (only called when it is this host) */
    unsigned (*fast)(uint32_t features);   /* X86_FAST_* (guest/lift.h) that `emit` has short code for; NULL: none */
    /* Emit the shared stubs; sets env->stubs and code->size. */
    void (*emit_stubs)(struct host_env *env, struct host_code *code);
    /* Emit one optimized block. 0; -1 = no room in code or tables (the caller gives a larger buffer or a smaller block);
     * -2 = an operation it can't emit, or no register left (the caller tries fewer instructions, and interprets one alone). *why names it. */
    int (*emit)(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why);
    /* Point the jump at `patch` (rw and rx addresses of the same place) to `to`; one aligned store. */
    void (*link)(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to);
    /* Inline cache for an INDIRECT exit: writes code to `code` (at code->rx) that goes to `host_code` when the target is
     * guest_pc, else to `otherwise`; the engine then links the exit to it. */
    void (*emit_inline_cache)(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code);
    /* From a signal's ucontext taken in translated code: write mapped registers (and flags in `m->live`, and fp control) to the state. */
    void (*sync)(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
    /* The same for HOST_MAP_LOOP. false: not so, the state is that before the block's first instruction, and the block has to be made without runs. */
    bool (*sync_loop)(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
    /* The return stack ran into its guard page: reset it to ret_base, the push is repeated. NULL: its pointer is the stack pointer. */
    void (*set_return_sp)(void *ucontext, uint64_t sp);
    /* Once per host thread before it runs translated code: make `state` reachable (x86-64: gs base). */
    void (*thread_init)(void *state);
    /* The mapping (H1), for tier 2; NULL: this host has no tier 2. */
    const struct host_pin *(*pins)(const struct host_env *env, unsigned *n);
    const char *(*region_features)(uint32_t features);   /* as LLVM names them, beyond those that every such host has; NULL: none */
    bool regions_look;                       /* regions compute first and look then whether x86 differs */
    bool regions_leave;                      /* regions may be left in front of any instruction that may fault on x86, for the interpreter to do it */
    /* The exit of a region whose place (llvm.h) is at `rw` leads that many bytes further. */
    void (*region_exit)(uint8_t *rw, int64_t distance);
    /* The instruction at `rw` of a region gets its part (kind: type of an ELF relocation) of the address `to`; NULL: there are none. */
    void (*region_address)(const struct host_env *env, uint8_t *rw, unsigned kind, uint64_t to);
    size_t (*disassemble)(const uint8_t *code, uint64_t addr, char *text, size_t size);   /* length of one instruction */
};
extern const struct host_target host_x86_64, host_aarch64, host_ppc64le;
const struct host_target *host_native(void);   /* the one that we run on, or NULL (interpreter only) */
#endif
