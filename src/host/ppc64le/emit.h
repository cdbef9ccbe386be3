/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit.h: what the files of this emitter share. A look back over the block (look.c) finds last uses, where results should go and which views
 * of an operation's flags are wanted; then one forward pass emits.
 *
 * Registers: r14..r29 guest registers, r30 the state, r31 the return stack's pointer, r2 a constant that code and most guest addresses are near to (BASE),
 * r10 the address of the poll page, r11 guest target at indirect exits, r0 and r12 temporaries; r3..r9 values. v0..v15 guest vectors,
 * v16..v22 values, v23 a temporary. vs0..vs31 are free but for constants (VS_*). cr1 temporary, cr7 the mode
 * of floating point, other fields hold compares that a COND will read. r1 is C's stack, with the frame that `enter` made.
 *
 * What must stay true:
 *  X1 a mapped register is written before its PUT only when nothing that may fault or leave the block stands between (`hint`)
 *  X2 a value is somewhere as long as it is `live`; whoever overwrites a register calls `evict` first
 *  X3 an operation writes its destination last: it may be one of its operands
 */
#ifndef HOST_PPC64LE_EMIT_H
#define HOST_PPC64LE_EMIT_H
#include <stddef.h>
#include "host/host.h"
#include "host/ppc64le/asm.h"
#include "host/ppc64le/lazy.h"

/* The hosts' emitters are built alike and may be linked into one program: in the object files these names are this host's. */
#define add_cold(...) p64_add_cold(__VA_ARGS__)
#define add_imm(...) p64_add_imm(__VA_ARGS__)
#define alloc_cr(...) p64_alloc_cr(__VA_ARGS__)
#define alloc_gpr(...) p64_alloc_gpr(__VA_ARGS__)
#define alloc_vec(...) p64_alloc_vec(__VA_ARGS__)
#define bool_of(...) p64_bool_of(__VA_ARGS__)
#define cond_bit(...) p64_cond_bit(__VA_ARGS__)
#define dst_gpr(...) p64_dst_gpr(__VA_ARGS__)
#define dst_vec(...) p64_dst_vec(__VA_ARGS__)
#define emit_call(...) p64_emit_call(__VA_ARGS__)
#define emit_cold(...) p64_emit_cold(__VA_ARGS__)
#define emit_exit(...) p64_emit_exit(__VA_ARGS__)
#define emit_flag_op(...) p64_emit_flag_op(__VA_ARGS__)
#define emit_float(...) p64_emit_float(__VA_ARGS__)
#define emit_int(...) p64_emit_int(__VA_ARGS__)
#define emit_literals(...) p64_emit_literals(__VA_ARGS__)
#define emit_mem(...) p64_emit_mem(__VA_ARGS__)
#define emit_one(...) p64_emit_one(__VA_ARGS__)
#define emit_putf(...) p64_emit_putf(__VA_ARGS__)
#define emit_shift(...) p64_emit_shift(__VA_ARGS__)
#define emit_atomic(...) p64_emit_atomic(__VA_ARGS__)
#define emit_bits(...) p64_emit_bits(__VA_ARGS__)
#define flag_insert(...) p64_flag_insert(__VA_ARGS__)
#define flag_insert_top(...) p64_flag_insert_top(__VA_ARGS__)
#define word_zsp(...) p64_word_zsp(__VA_ARGS__)
#define new_word(...) p64_new_word(__VA_ARGS__)
#define place(...) p64_place(__VA_ARGS__)
#define compare_result(...) p64_compare_result(__VA_ARGS__)
#define rotate_gpr(...) p64_rotate_gpr(__VA_ARGS__)
#define whole_address(...) p64_whole_address(__VA_ARGS__)
#define emit_state(...) p64_emit_state(__VA_ARGS__)
#define emit_vec(...) p64_emit_vec(__VA_ARGS__)
#define evict(...) p64_evict(__VA_ARGS__)
#define fail(...) p64_fail(__VA_ARGS__)
#define far_jump(...) p64_far_jump(__VA_ARGS__)
#define fence_load(...) p64_fence_load(__VA_ARGS__)
#define fence_store(...) p64_fence_store(__VA_ARGS__)
#define can_be_lazy(...) p64_can_be_lazy(__VA_ARGS__)
#define lazy_operand(...) p64_lazy_operand(__VA_ARGS__)
#define store_lazy(...) p64_store_lazy(__VA_ARGS__)
#define need_flags(...) p64_need_flags(__VA_ARGS__)
#define emit_flags_stub(...) p64_emit_flags_stub(__VA_ARGS__)
#define settle_flags(...) p64_emit_settle_flags(__VA_ARGS__)
#define clean_flags(...) p64_clean_flags(__VA_ARGS__)
#define lazy_cond(...) p64_lazy_cond(__VA_ARGS__)
#define lazy_cond_end(...) p64_lazy_cond_end(__VA_ARGS__)
#define cold_cond(...) p64_cold_cond(__VA_ARGS__)
#define emit_compare_stub(...) p64_emit_compare_stub(__VA_ARGS__)
#define scratch_is_free(...) p64_scratch_is_free(__VA_ARGS__)
#define find_facts(...) p64_find_facts(__VA_ARGS__)
#define takes_left(...) p64_takes_left(__VA_ARGS__)
#define makes_left(...) p64_makes_left(__VA_ARGS__)
#define base_of(...) p64_base_of(__VA_ARGS__)
#define is_splat(...) p64_is_splat(__VA_ARGS__)
#define gpr_ext(...) p64_gpr_ext(__VA_ARGS__)
#define gpr_from_vec(...) p64_gpr_from_vec(__VA_ARGS__)
#define gpr_of(...) p64_gpr_of(__VA_ARGS__)
#define in_mem(...) p64_in_mem(__VA_ARGS__)
#define is_const(...) p64_is_const(__VA_ARGS__)
#define live(...) p64_live(__VA_ARGS__)
#define look_back(...) p64_look_back(__VA_ARGS__)
#define need_map(...) p64_need_map(__VA_ARGS__)
#define pin(...) p64_pin(__VA_ARGS__)
#define place_in(...) p64_place_in(__VA_ARGS__)
#define poll_here(...) p64_poll_here(__VA_ARGS__)
#define port_word(...) p64_port_word(__VA_ARGS__)
#define rebase(...) p64_rebase(__VA_ARGS__)
#define result(...) p64_result(__VA_ARGS__)
#define result_vec(...) p64_result_vec(__VA_ARGS__)
#define set_imm(...) p64_set_imm(__VA_ARGS__)
#define settle(...) p64_settle(__VA_ARGS__)
#define spill_all(...) p64_spill_all(__VA_ARGS__)
#define state_mem(...) p64_state_mem(__VA_ARGS__)
#define state_vec(...) p64_state_vec(__VA_ARGS__)
#define vec_from_gpr(...) p64_vec_from_gpr(__VA_ARGS__)
#define unlink_value(...) p64_unlink_value(__VA_ARGS__)
#define vec_of(...) p64_vec_of(__VA_ARGS__)
#define has_left(...) p64_has_left(__VA_ARGS__)
#define add_map(...) p64_add_map(__VA_ARGS__)
#define emit_back(...) p64_emit_back(__VA_ARGS__)
#define end_loop(...) p64_end_loop(__VA_ARGS__)
#define find_loop(...) p64_find_loop(__VA_ARGS__)
#define find_loop_facts(...) p64_find_loop_facts(__VA_ARGS__)
#define is_aligned_in_loop(...) p64_is_aligned_in_loop(__VA_ARGS__)
#define last_left(...) p64_last_left(__VA_ARGS__)
#define leave_loop(...) p64_leave_loop(__VA_ARGS__)
#define leave_run(...) p64_leave_run(__VA_ARGS__)
#define loop_left(...) p64_loop_left(__VA_ARGS__)
#define start_loop(...) p64_start_loop(__VA_ARGS__)
#define waits_for_exit(...) p64_waits_for_exit(__VA_ARGS__)
#define whole_from_left(...) p64_whole_from_left(__VA_ARGS__)
#define views_for(...) p64_views_for(__VA_ARGS__)

enum { FEATURE_3_0 = 1 /* POWER9 */, FEATURE_3_1 = 2 /* POWER10 */ };
enum { REG_BASE = 2, REG_POLL = R10, REG_TARGET = R11, TEMP = R0, TEMP2 = R12, REG_STATE = R30, REG_RETURN = R31, GUEST_GPR = 14, CR_TEMP = 1 };
enum { VEC = 32, N_LISTS = 64, FIRST_SCRATCH = R3, LAST_SCRATCH = R9, FIRST_VSCRATCH = VEC + 16, LAST_VSCRATCH = VEC + 22, VTEMP = 23, NO_REG = 255, NO_INSN = 0xffff };

/* emit_float.c: registers with constants, and the field of CR whose eq says that MXCSR is as usual; set by the stubs */
enum { VS_FIRST = 5, VS_SHRINK = 5 /* loops.c */, VS_LEAF = 6 /* facts.c */, VS_FLOATS_MUL = 7, VS_FLOATS = 8, VS_ZERO = 9, VS_SINGLE_DIV = 10, VS_SINGLE_MUL = 11, VS_SINGLE = 12, VS_DOUBLE = 13, N_VS_CONSTANTS = 9, F_MODE = 7 };

/* --- the mapping of guest slots to registers: 14..29 general, VEC + 0..15 vectors --- */
#define MAP_BYTES 4096
struct p64_map {
    const struct guest_slot *slots; unsigned n_slots;
    int32_t offset[N_LISTS];                 /* slot of a register, -1: none */
    uint8_t reg_at[MAP_BYTES / 8];           /* by 8 bytes of guest state: 1 + register, 0: not mapped */
};
const struct p64_map *p64_map(const struct host_env *env);

/* env->stubs.others */
enum { STUB_EXIT_LINK, STUB_EXIT_INDIRECT, STUB_EXIT_TRAP, STUB_RET_MISMATCH, STUB_CALL, STUB_CALL_PURE, STUB_CALL_QUICK, STUB_ONE, STUB_BASE /* value of r2 */, STUB_MODES, STUB_GATHER, STUB_CONSTANTS, STUB_FLAGS, STUB_COMPARE, STUB_EXIT_RUN };
/* the spill area: arguments of helpers, cells of ir_interp_one, then spilled values */
enum { SPILL_ARGS = 0, SPILL_CELLS = 32, SPILL_RESULT = SPILL_CELLS + 64, SPILL_PORT = SPILL_RESULT + 16, SPILL_LOOP = SPILL_PORT + 8 /* loops.c */, SPILL_FIRST = 128, SPILL_SLOT = 16, N_SPILLS = 55 /* up to SPILL_LAZY_A */ };
/* the frame that `enter` makes: ABI header and parameter area, then what it saves, then what STUB_ONE saves */
enum { FRAME_GPR = 96 /* r14..r31 */, FRAME_VEC = 240 /* v20..v23 */, FRAME_CR = 304, FRAME_LR = 312, FRAME_ONE_GPR = 320 /* r3..r12 */, FRAME_ONE_CR = 400, FRAME_ONE_LR = 408,
       FRAME_ONE_VEC = 416 /* v16..v23 */, FRAME_LAZY = 544 /* r3..r8 */, FRAME_SIZE = 592 };
/* an instruction to be interpreted, as it stands in translated code */
struct p64_one { struct ir_insn insn; uint64_t pc; uint8_t arg_type[4]; uint32_t pc_offset, flags_offset, fpcr_offset; };
/* A patchable exit: a branch, and behind it five instructions that go where `slot` says, in which r12 = the slot's address: the far or
 * unlinked way. The slot (8-byte aligned): u64 way, guest target, address of the branch, the way while unlinked. */
enum { EXIT_STUB = 4, EXIT_CODE = 24, SLOT_TARGET = 8, SLOT_PATCH = 16, SLOT_UNLINKED = 24, SLOT_SIZE = 32 };
static inline uint64_t exit_slot(uint64_t patch) { return (patch + EXIT_CODE + 7) & ~7ull; }

/* --- values --- */
enum where { NOWHERE, IN_CONST, IN_GPR, IN_VEC, IN_MEM, LATER /* computed where it is used */ };
enum { ZX = 1, SX = 2 };                     /* the register's bits above the type are zero / copies of the sign */
enum { VIEW_SIGNED = 1, VIEW_UNSIGNED = 2, VIEW_RESULT = 4, VIEW_WORD = 8, VIEW_CARRY = 16 /* lt = carry */, VIEW_LAZY = 32 /* lazy.c, at the operation */ };
struct value {              /* look_back sets the first 16 bytes to 0, the next 16 to ones */
    uint8_t where, ext;
    uint8_t views;          /* VIEW_* of the port that somebody reads */
    uint8_t word_mask;      /* IR_F_* of the word that are read */
    bool upper_zero;        /* a vector with 0 above its low element: its left form (emit_float.c) may be all there is of it */
    bool done;              /* nothing to emit */
    bool later;             /* nothing is emitted at its place */
    bool needs_reg;         /* somebody uses it otherwise than as an address or in a PUT */
    uint16_t last, port_last, uses;
    uint16_t sunk;          /* the PUTF that is done behind this branch, or 0 */
    uint8_t reg;
    uint8_t hint;           /* register to compute into because its PUT follows, or NO_REG */
    uint8_t cr[3];          /* fields with the signed, unsigned (or carry) and result compares; NO_REG */
    uint8_t unused[3];
    uint16_t next;          /* in the list of its register */
    uint16_t second;        /* the SECOND of a TWO operation, or NO_INSN */
    uint16_t put;           /* the PUT that the hint comes from */
    uint16_t user;
    uint16_t lazy_first, lazy_last;   /* PUTFs of this port that are put off (lazy.c), or where they are done; 0: none */
    int32_t add;            /* IN_GPR: the value is reg + add */
    int32_t mem;            /* IN_MEM: offset in the state */
    uint32_t spare;
};
_Static_assert(offsetof(struct value, reg) == 16 && offsetof(struct value, lazy_first) == 32 && sizeof(struct value) == 48, "as look_back has it");

/* what is known of a double: facts.c */
enum { KNOWN_LOW = 1 /* the low element */, KNOWN_ALL = 2 };
enum { TEST_A = 1, TEST_B = 2, TEST_OWN = 4 /* of a division, a square root */, TEST_MODE = 8 };
struct fact {
    uint8_t known, tests;                    /* KNOWN_*; TEST_* that the operation makes */
    bool on;                                 /* the operation leaves the block if a test fails */
    bool positive, open, exact;              /* >= 0; (find_exact) */
    bool whole;                              /* somebody needs more than its low element */
    bool left_only;                          /* its left form is all that is made; the rest is its first operand's */
    uint16_t low, grain, high;
};

/* loops.c: a block that jumps back to its own beginning at instruction `back`, which goes round until something special happens */
enum { MOST_LOOP_ALIGNED = 8, NOT_A_LOOP = -3 /* emitter.error: once more, without */ };
struct loop {
    bool on;                                 /* there is one, and what is emitted is in it */
    bool refused;
    uint8_t n_carried, n_aligned;
    uint16_t back;
    uint16_t waiting;                        /* guest vectors whose last PUT waits until the loop is left */
    uint16_t last_put[16];                   /* of guest vectors, or NO_INSN */
    uint16_t aligned[MOST_LOOP_ALIGNED];     /* loads whose alignment has been looked at before the first round */
    uint8_t carried[16];                     /* the scratch register with the left form of a guest vector, or NO_REG */
    uint64_t changed;                        /* mapped registers */
    uint64_t head, restore;                  /* addresses */
    struct fact before[16];                  /* what is known of guest vectors at the beginning of each round; tested before the first if known */
    bool hopeless[16];                       /* ... nothing */
};

/* code out of line: emitted behind the block */
enum cold_kind { COLD_EXIT, COLD_MISMATCH, COLD_ONE, COLD_FLAGS, COLD_COND, COLD_RUN, COLD_BACK /* loops.c */, COLD_HOT /* H6 */ };
struct cold { uint8_t kind, exit_kind; bool poll; uint8_t *from; uint64_t back, slow, target, pc; uint16_t insn; int32_t arg_disp /* of arg_reg[0] */; uint8_t arg_reg[3], result, second, word;   /* registers, or NO_REG */
              uint8_t arg_left[2], left, left_lane, cr; };   /* emit_float.c: lanes of operands in left form; register of the result's; field of CR */
#define MAX_COLD 256
struct literal { uint8_t *at; uint8_t bytes[16]; };        /* the instructions that load it, completed when its place is known */
#define MAX_LITERALS 96

struct emitter {
    struct asm_buf a;
    const struct host_env *env;
    const struct host_offsets *o;
    const struct p64_map *map;
    const struct ir_block *b;
    struct host_code *code;
    struct fact *facts;                      /* [n], or NULL: no operation on doubles, or none may leave the block */
    struct value *v;                         /* [n] values, then [n] flags words of ports, then [n] left forms (emit_float.c; ext = lane) */
    uint16_t head[N_LISTS];
    uint64_t pins, reserved /* always pinned */;
    unsigned i, n;
    uint16_t spill_until[N_SPILLS];
    uint16_t cr_owner[8]; uint16_t cr_until[8];
    uint64_t pc; bool mapped; uint32_t insn_offset;
    struct cold *lazy;                       /* lazy_cond */
    bool flags_ready;                        /* the state's flags word is a word here (lazy.c) */
    bool fenced;                             /* an lwsync stands right here */
    unsigned n_cold;
    struct cold *cold;
    unsigned n_literals;
    struct literal *literals;
    const char *why;
    ir_ref scaled; unsigned scaled_by, scaled_in;   /* a value shifted left, in a scratch register that is free but for it (NO_REG: none) */
    int error;
    struct loop loop;
};

#include "host/emitter.h"
void fail(struct emitter *e, const char *why);

/* --- regs.c --- */
void pin(struct emitter *e, unsigned reg);
bool live(const struct emitter *e, unsigned r);                        /* needed after the current instruction */
void unlink_value(struct emitter *e, unsigned r);                      /* from the list of its register */
void settle(struct emitter *e, unsigned r, unsigned reg, unsigned ext);
void in_mem(struct emitter *e, unsigned r, int32_t offset);
void evict(struct emitter *e, unsigned reg);                           /* about to be overwritten at the end of the current instruction */
unsigned alloc_gpr(struct emitter *e);                                 /* a free scratch register, pinned */
unsigned alloc_vec(struct emitter *e);
bool scratch_is_free(struct emitter *e, unsigned reg);
void spill_all(struct emitter *e);                                     /* before a CALL */
void rebase(struct emitter *e, unsigned reg, int32_t add);             /* reg is about to be increased by add: its values are reg - add then */
unsigned gpr_of(struct emitter *e, unsigned r);                        /* upper bits unspecified; pinned */
unsigned gpr_ext(struct emitter *e, unsigned r, unsigned ext);         /* ZX or SX */
unsigned vec_of(struct emitter *e, unsigned r);                        /* VMX number */
unsigned dst_gpr(struct emitter *e);                                   /* where the current instruction's result goes: hint or scratch */
unsigned dst_vec(struct emitter *e);
void place_in(struct emitter *e, unsigned r, unsigned reg, unsigned ext);   /* reg has been overwritten by value r (NO_INSN: by something else) */
void result(struct emitter *e, unsigned reg, unsigned ext);
void result_vec(struct emitter *e, unsigned v);
bool is_const(const struct emitter *e, ir_ref r, int64_t *v);
void set_imm(struct asm_buf *a, const struct host_env *env, unsigned reg, int64_t v);
void add_imm(struct emitter *e, unsigned dst, unsigned src, int64_t v);      /* src not r0 */
void state_mem(struct emitter *e, uint32_t op, unsigned reg, int32_t offset);
void state_vec(struct asm_buf *a, const struct host_env *env, bool store, unsigned v, unsigned base, int32_t offset);
void far_jump(struct asm_buf *a, const struct host_env *env, uint64_t to, bool link);   /* uses r12, ctr when far */

/* --- emit_flags.c --- */
struct bit { uint8_t bit; bool sense; };                               /* of CR: true when it equals sense */
struct bit cond_bit(struct emitter *e, ir_ref r);                      /* an i1 made ready for bc or isel */
void bool_of(struct emitter *e, ir_ref r, unsigned dst);               /* 0 or 1; not r0 */
unsigned views_for(const struct ir_block *b, ir_ref port, enum ir_cc cc);
void emit_putf(struct emitter *e, const struct ir_insn *in);
unsigned alloc_cr(struct emitter *e, unsigned until);
void port_word(struct emitter *e, const struct ir_insn *in, unsigned reg);   /* the flags word of the current instruction is in this scratch register */

void flag_insert(struct emitter *e, unsigned w, unsigned t, unsigned from, unsigned to);        /* bit `from` of the low 32 of t becomes bit `to` of w */
void flag_insert_top(struct emitter *e, unsigned w, unsigned t, unsigned bits, unsigned to);    /* may use TEMP */
void word_zsp(struct emitter *e, unsigned w, unsigned mask, unsigned r, unsigned bits);         /* w |= Z, S, P of r; uses TEMP */
unsigned new_word(struct emitter *e);
void place(struct emitter *e, unsigned r, unsigned ext);               /* the current instruction's result, computed in a scratch register, goes to its place */
void compare_result(struct emitter *e, unsigned t, unsigned r);        /* VIEW_RESULT, if it is wanted */
void rotate_gpr(struct emitter *e, unsigned bits, bool left, unsigned dst, unsigned a, unsigned count, unsigned n);   /* by register `count`, or NO_REG: by n */

/* --- facts.c --- */
void find_facts(struct emitter *e);
bool takes_left(const struct emitter *e, const struct ir_insn *in, unsigned user);
bool makes_left(const struct emitter *e, unsigned i);
static inline bool facts_on(const struct emitter *e) { return e->facts && e->facts[e->i].on; }

bool find_loop_facts(struct emitter *e);

/* --- loops.c --- */
void find_loop(struct emitter *e);
bool waits_for_exit(const struct emitter *e, unsigned put);
unsigned loop_left(const struct emitter *e, unsigned r);
unsigned last_left(const struct emitter *e, unsigned r);
bool is_aligned_in_loop(const struct emitter *e);                     /* the current instruction's address */
void start_loop(struct emitter *e);
void leave_loop(struct emitter *e);
void end_loop(struct emitter *e, const struct ir_insn *in);
void emit_back(struct emitter *e);

/* --- lazy.c --- */
bool can_be_lazy(const struct emitter *e, const struct ir_insn *putf);
ir_ref lazy_operand(const struct emitter *e, ir_ref port);
void store_lazy(struct emitter *e, ir_ref port, unsigned a);
void need_flags(struct emitter *e);
bool lazy_cond(struct emitter *e, enum ir_cc cc);
void lazy_cond_end(struct emitter *e);
void cold_cond(struct emitter *e, const struct cold *c);
void emit_compare_stub(struct asm_buf *a, const struct host_env *env);
void emit_flags_stub(struct asm_buf *a, const struct host_offsets *o);
void settle_flags(struct asm_buf *a, const struct host_env *env);
void clean_flags(struct asm_buf *a, const struct host_offsets *o);
void p64_settle_flags(uint8_t *state, uint32_t flags, uint32_t spill);

/* --- the operations: each emits the current instruction; false: not emitted by this file --- */
bool emit_int(struct emitter *e, const struct ir_insn *in);
bool emit_flag_op(struct emitter *e, const struct ir_insn *in);
bool emit_shift(struct emitter *e, const struct ir_insn *in);
bool emit_atomic(struct emitter *e, const struct ir_insn *in);
bool emit_bits(struct emitter *e, const struct ir_insn *in);           /* from emit_int */
bool emit_mem(struct emitter *e, const struct ir_insn *in);
bool emit_state(struct emitter *e, const struct ir_insn *in);
bool emit_vec(struct emitter *e, const struct ir_insn *in);
bool emit_float(struct emitter *e, const struct ir_insn *in);
bool emit_exit(struct emitter *e, const struct ir_insn *in);
void emit_call(struct emitter *e, const struct ir_insn *in);
void emit_one(struct emitter *e, const struct ir_insn *in);            /* by the interpreter */
void emit_cold(struct emitter *e);
void emit_literals(struct emitter *e);
bool is_splat(const struct emitter *e, const struct ir_insn *in);
bool has_left(const struct emitter *e, ir_ref r, unsigned lane);
void whole_from_left(struct emitter *e, unsigned r, unsigned v);
unsigned base_of(struct emitter *e, ir_ref r);
struct cold *add_cold(struct emitter *e, enum cold_kind kind);
void add_map(struct emitter *e, uint32_t offset, uint64_t pc, unsigned flags);
void need_map(struct emitter *e);
void leave_run(struct emitter *e, uint64_t pc);                       /* to the engine: the block again without env.runs, from pc on */
void poll_here(struct emitter *e, uint64_t pc);
void vec_from_gpr(struct emitter *e, unsigned v, unsigned r);
void gpr_from_vec(struct emitter *e, unsigned r, unsigned v);
unsigned whole_address(struct emitter *e, ir_ref r);                  /* in one register */
void fence_load(struct emitter *e);
void fence_store(struct emitter *e);
void look_back(struct emitter *e);

/* --- stubs.c, sync.c --- */
void p64_emit_stubs(struct host_env *env, struct host_code *code);
void p64_emit_inline_cache(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code);
void p64_link(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to);
int p64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why);
void p64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
bool p64_sync_loop(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
void p64_set_return_sp(void *ucontext, uint64_t sp);
void p64_interp_one(const struct p64_one *one, void *cells, void *state);
#endif
