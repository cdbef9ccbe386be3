/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit.h: what the files of this emitter share. One backward look over the block (emit.c) finds last uses, where results should
 * go and what may be folded; then one forward pass emits.
 *
 * What must stay true:
 *  X1 a mapped register is written before its PUT only when nothing that may fault or leave the block stands between (`hint`)
 *  X2 a value is somewhere as long as it is `live`; whoever overwrites a register calls `evict` first
 *  X3 whoever emits an instruction that changes EFLAGS calls `clobber` first
 *  X4 the stack pointer's slot is stack_reg + stack_add: pushes and pops in a row change the register once, when the block is left or a
 *     helper called. A fault in between finds the sum in the side map.
 *  X5 memory is touched by the guest within the guest instruction that does so (LOADs are folded only into the same one)
 */
#ifndef HOST_X86_64_EMIT_H
#define HOST_X86_64_EMIT_H
#include "host/host.h"
#include "host/x86_64/asm.h"

/* --- the mapping of guest slots to registers: 0..15 general, XMM + 0..15 vectors --- */
enum { XMM = 16, N_LISTS = 33, IN_MEMORY = 32 /* the list of values that live in guest state only */ };
#define MAPPED_GPRS (0xffffu & ~(1u << RAX | 1u << RCX | 1u << RSP))
#define MAP_BYTES 4096
struct x64_map {
    const struct guest_slot *slots; unsigned n_slots;
    int32_t offset[32];                      /* slot of a register, -1: none (scratch) */
    uint8_t stack_reg;                       /* register of the slot called "rsp", or NO_REG: see stack_add */
    uint8_t count_reg, value_reg;            /* of "rcx" and "rax", or NO_REG: what REP counts down and STOS stores */
    uint8_t reg_at[MAP_BYTES / 8];           /* by 8 bytes of guest state: 1 + register, 0: not mapped */
};
const struct x64_map *x64_map(const struct host_env *env);

/* env->stubs.others */
enum { STUB_EXIT_LINK, STUB_EXIT_INDIRECT, STUB_EXIT_TRAP, STUB_RET_MISMATCH, STUB_CALL, STUB_CALL_FPCR, STUB_CALL_PURE, STUB_CALL_QUICK };
/* the first bytes of the spill area: arguments of helpers, then scratch for flags saved around */
enum { SPILL_ARGS = 0, SPILL_RAX = 32, SPILL_WORD = 40, SPILL_MXCSR = 48, SPILL_FIRST = 64, SPILL_SLOT = 16, N_SPILLS = 48 };
enum { FEATURE_BMI1 = 1, FEATURE_BMI2 = 2, FEATURE_LZCNT = 4, FEATURE_AES = 8, FEATURE_PCLMUL = 16, FEATURE_SHA = 32 };
/* host_map.flags: registers whose guest value is in the state, not in the register (borrowed for an instruction) */
enum { MAP_COUNT_IN_RCX = HOST_MAP_LEAVE };        /* in a REP MOVS or STOS: the slot "rcx" is in its namesake */
enum { MAP_RDX_SAVED = 0x10, MAP_RBX_SAVED = 0x20, MAP_RSI_SAVED = 0x40, MAP_RDI_SAVED = 0x80 };

/* --- values --- */
enum where { NOWHERE, IN_CONST, IN_GPR, IN_XMM, IN_STATE, LATER /* computed where it is used */ };
struct value {
    uint8_t where;
    uint8_t reg;            /* IN_GPR, IN_XMM (XMM + n) */
    bool clean;             /* IN_GPR: the register's bits above the type are 0 */
    uint8_t hint;           /* register to compute into because its PUT follows, or NO_REG */
    bool narrow;            /* ... and that PUT writes only the low part */
    uint8_t port_mask;      /* IR_F_* of the port that are read */
    bool done;              /* another instruction emits it */
    bool later;             /* nothing is emitted at its place */
    bool rmw;               /* STORE: emits the operation that made its operand; that operation and its LOAD are `done` */
    bool fused;             /* atomics: the user is `done`, its flags come from the locked instruction */
    uint8_t sunk;           /* EXITIF: IR_F_* of its own port that only its target reads: stored on the way there, not before */
    bool restore;           /* FL: the state's flags must be in EFLAGS before it, because a PUTF merges */
    int32_t add;            /* IN_GPR: the value is reg + add */
    int32_t home;           /* offset in the state where it is (IN_STATE) or is as well; -1 */
    int32_t port_home;      /* offset of its saved port; -1 */
    uint16_t last, port_last, uses, user;   /* last use as operand and of the port; number of uses; the first user */
    uint16_t next;          /* in the list of its register */
    uint16_t second;        /* the SECOND of a TWO operation */
    uint16_t put;           /* the PUT that the hint comes from; EXITIF: the PUTF that was sunk */
    uint16_t restore_at;    /* the PUTF that asks for `restore` */
} __attribute__((aligned(16)));   /* set to its first content by whole vectors */
#define NO_INSN 0xffff
enum { MAX_SUNK = 32, STACK_UNIT = 8 };

struct emitter {
    struct asm_buf a;
    const struct host_env *env;
    const struct host_offsets *o;
    const struct x64_map *map;
    const struct ir_block *b;
    struct host_code *code;
    struct value *v;
    uint16_t head[N_LISTS];
    uint8_t twin[16];                        /* another mapped register with the same content, or NO_REG */
    uint32_t borrowed;                       /* mapped registers in use for something else */
    uint32_t pins;                           /* registers that the current instruction still needs */
    unsigned i;                              /* current instruction */
    uint16_t spill_until[N_SPILLS];
    /* EFLAGS */
    ir_ref compared[2]; bool compared_test;  /* the comparison that EFLAGS come from, or IR_NONE */
    uint16_t owner;                          /* FL instruction whose port is in EFLAGS, or NO_INSN */
    unsigned ef_state;                       /* IR_F_* in EFLAGS that equal the state's */
    bool hold;                               /* the current instruction has made EFLAGS ready for itself */
    int32_t stack_add;
    uint8_t *fuse, *fuse_end;                /* the compare just emitted, if it may be moved to align a jump behind it */
    /* current guest instruction */
    uint64_t pc; uint32_t insn_offset; bool mapped;
    uint8_t map_flags;
    uint16_t poll_at;                        /* INSN that polls, or NO_INSN */
    const char *why;
    unsigned n_sunk;
    int error;
    struct { uint64_t target; uint32_t at; ir_ref putf; uint8_t mask; } sunk[MAX_SUNK];   /* jumps to flag-storing code behind the block; last,
                                                                                           * only n_sunk of them mean anything */
};

#include "host/emitter.h"
void fail(struct emitter *e, const char *why);

/* --- regs.c --- */
struct opnd { enum { OP_REG, OP_MEM, OP_IMM } kind; uint8_t reg; bool faults; int32_t imm; struct asm_mem m; };
enum { OK_IMM = 1, OK_MEM = 2 };

void pin(struct emitter *e, unsigned reg);
bool live(const struct emitter *e, ir_ref r);                       /* needed after the current instruction */
void settle(struct emitter *e, ir_ref r, unsigned reg, bool clean); /* r is now in reg (GPR or XMM + n), the only value there */
void share(struct emitter *e, ir_ref r, unsigned reg, bool clean, int32_t add);   /* r is in reg as well */
void in_state(struct emitter *e, ir_ref r, int32_t offset);
void flush_stack(struct emitter *e);                                /* stack_add becomes 0 */
bool stack_sum(const struct emitter *e, ir_ref r, int32_t *add);    /* is the value stack_reg + *add? */
bool stack_add_fits(int32_t add);
/* Take what is live out of a register that is about to be overwritten by `by` (IR_NONE: by something else). */
void evict(struct emitter *e, unsigned reg, ir_ref by);
void evict_scratch(struct emitter *e, unsigned reg);                /* also what the current instruction still needs */
unsigned alloc_gpr(struct emitter *e);                              /* a free scratch register, pinned */
unsigned alloc_xmm(struct emitter *e);                              /* XMM + 14 or 15 */
bool scratch_free(const struct emitter *e, unsigned reg);
void spill_all(struct emitter *e);                                  /* before a CALL */
void overwrite_state(struct emitter *e, int32_t offset, unsigned size);

unsigned gpr_of(struct emitter *e, ir_ref r);                       /* in a register, upper bits unspecified; pinned */
unsigned gpr_in(struct emitter *e, ir_ref r, unsigned reg);         /* copied to this scratch register, pinned */
void into(struct emitter *e, ir_ref r, unsigned dst, unsigned size);        /* dst = r; upper bits beyond 4 bytes defined for size 4 (zero) */
void into_low(struct emitter *e, ir_ref r, unsigned dst, unsigned size);    /* only the low bytes of dst */
struct opnd operand(struct emitter *e, ir_ref r, unsigned size, unsigned ok);
struct asm_mem address(struct emitter *e, ir_ref r);
void lea_of(struct emitter *e, unsigned dst, unsigned size, struct asm_mem m);
unsigned xmm_of(struct emitter *e, ir_ref r);                       /* register number 0..15 */
unsigned dst_gpr(struct emitter *e);                                /* where the current instruction's result goes: hint or scratch */
unsigned dst_gpr_low(struct emitter *e);                            /* the same for operations that can write only the low part */
unsigned borrow_gpr(struct emitter *e);                             /* a mapped register until the instruction's end; pinned */
unsigned borrow_beside(struct emitter *e, unsigned from);
void give_back(struct emitter *e);
bool is_const(const struct emitter *e, ir_ref r, int64_t *v);

/* --- emit_flags.c --- */
void clobber(struct emitter *e);
void own(struct emitter *e);                                        /* EFLAGS hold the current instruction's port */
void emit_compare(struct emitter *e, ir_ref ra, ir_ref rb, bool is_test, bool exact_a);
void own_by(struct emitter *e, unsigned i);
enum cc flags_for(struct emitter *e, ir_ref cond);                  /* EFLAGS made ready: the condition to test */
void prepare_carry(struct emitter *e, ir_ref cond);
void carry_in(struct emitter *e, ir_ref cond);
void restore_state_flags(struct emitter *e);
void emit_putf_sunk(struct emitter *e, const struct ir_insn *putf, unsigned mask);  /* behind the block, EFLAGS hold its port */
void emit_putf(struct emitter *e, const struct ir_insn *in);
void emit_getf(struct emitter *e);
void emit_mkf(struct emitter *e, const struct ir_insn *in);
void setcc_into(struct emitter *e, ir_ref cond, unsigned dst);      /* low byte */
bool port_needed(const struct emitter *e, unsigned i);

/* --- emit_int.c, for its sisters: dst = arg0 of a two-address operation whose other operand is *b --- */
unsigned two_address(struct emitter *e, ir_ref a, const struct opnd *b, unsigned size);
void emit_multiply(struct emitter *e, const struct ir_insn *in);
/* operation `in` on memory in place; other: its second operand or IR_NONE */
void emit_rmw(struct emitter *e, const struct ir_insn *in, ir_ref addr, ir_ref other, bool lock);
void emit_shift_mem(struct emitter *e, const struct ir_insn *in, ir_ref addr);
/* vectors: registers are numbered 0..15 in these */
void emit_select_vector(struct emitter *e, const struct ir_insn *in);
unsigned dst_xmm(struct emitter *e);
void result_xmm(struct emitter *e, unsigned x);
extern const struct opnd no_opnd;
void result(struct emitter *e, unsigned reg);                       /* of the current integer instruction, as its operation leaves it */

/* --- the operations: each emits the current instruction; false: not emitted by this file --- */
bool emit_int(struct emitter *e, const struct ir_insn *in);
bool emit_wide(struct emitter *e, const struct ir_insn *in);        /* shifts, multiply, divide */
bool emit_mem(struct emitter *e, const struct ir_insn *in);
bool emit_state(struct emitter *e, const struct ir_insn *in);       /* GET, PUT */
bool emit_vec(struct emitter *e, const struct ir_insn *in);
bool emit_exit(struct emitter *e, const struct ir_insn *in);
struct ir_helper;
void call_c(struct emitter *e, const struct ir_insn *in, const struct ir_helper *h);   /* with the instruction's operands */
void emit_call(struct emitter *e, const struct ir_insn *in);
void emit_poll(struct emitter *e);
void emit_sunk_flags(struct emitter *e);
void emit_exit_stubs(struct emitter *e);
void look_back(struct emitter *e);                                  /* look.c: the backward pass */
void need_map(struct emitter *e);                                   /* the current guest instruction may fault */
void map_here(struct emitter *e);                                   /* from here on map_flags hold */
bool vec_folds(const struct ir_insn *user, unsigned arg, const struct ir_insn *load);   /* may a vector operation have the load as memory operand? */

/* --- stubs.c, sync.c --- */
/* The jump cache's entry for rcx: jumps there, or by the short jump that is returned (to be patched). Changes rax. */
uint8_t *x64_emit_lookup(struct asm_buf *a, const struct host_offsets *o);
void x64_emit_stubs(struct host_env *env, struct host_code *code);
void x64_emit_inline_cache(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code);
void x64_link(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to);
int x64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why);
void x64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
void x64_thread_init(void *state);
#endif
