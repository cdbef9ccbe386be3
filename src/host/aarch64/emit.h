/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit.h: what the files of this emitter share. look.c looks back over the block once (last uses, where results should go, what waits for its
 * user); then one forward pass emits, and what is seldom run follows behind the block (tail.c).
 *
 * Registers: x9..x14 and x19..x28 the guest's general registers, v16..v31 its vectors, x8 the guest state, x29 the poll page, sp the return
 * stack, x5 x6 x7 the guest's flags, x15 x16 x17 v14 v15 for use inside one instruction, the rest (scratch) for values.
 *
 * The guest's flags are kept unpacked: x5 bits 31..28 = S, Z, not C, O as a subtraction leaves them in NZCV; P = even parity of x6's low
 * byte; A = bit 4 of x6 ^ x7. So PUTF after a compare takes three instructions. Stubs pack them into the state and unpack them.
 *
 * What must stay true:
 *  A1 a mapped register, and x5..x7, are written before their PUT only when nothing that may fault or leave the block stands between
 *  A2 a value is somewhere as long as it is `live`; whoever overwrites a register calls `evict` first (dst_gpr and alloc do)
 *  A3 whoever emits an instruction that changes NZCV calls `clobber` first
 *  A4 FPSR has none of IOC, DZC, OFC, UFC, IDC set (but IOC when the guest unmasks inexact): the operation that sets one is done
 *     again by the interpreter. FPCR.FZ is always set, so that denormals show (IDC, UFC)
 *  A5 inside a run (runs.c) no mapped register is written, so that its beginning is the exact state everywhere in it
 */
#ifndef HOST_AARCH64_EMIT_H
#define HOST_AARCH64_EMIT_H
#include "host/aarch64/asm.h"
#include "host/host.h"

enum { STATE = 8, POLL = 29, FL_NZ = 5, FL_P = 6, FL_A = 7, T2 = 15, T0 = 16, T1 = 17, TARGET = 17 };
enum { VEC = 32, VT0 = 14, VT1 = 15, N_REGS = 64, NO_REG = 0xff };
enum { NZ_C = 1 << 29, NZ_V = 1 << 28 };
enum { FPSR_IOC = 1, FPSR_IXC = 16, FPSR_LOOK = 0x8f8f8f8f, FPCR_FZ = 1 << 24 };
enum { RUN_FPSR = 18 /* in a run: FPSR as it was before */ };

enum { MAP_BYTES = 4096 };
struct a64_map {
    const struct guest_slot *slots; unsigned n_slots;
    int32_t offset[N_REGS];                  /* slot of a register, -1: none */
    uint8_t reg_at[MAP_BYTES / 8];           /* by 8 bytes of guest state: 1 + register, 0: not mapped */
};
const struct a64_map *a64_map(const struct host_env *env);

/* env->stubs.others */
enum { STUB_EXIT_LINK, STUB_EXIT_INDIRECT, STUB_EXIT_TRAP, STUB_RET_MISMATCH, STUB_CALL, STUB_CALL_FPCR, STUB_CALL_PURE, STUB_CALL_QUICK, STUB_ONE,
       STUB_PACK /* x16 = packed flags, also stored to the state; changes x15, x17 */, STUB_UNPACK /* from the state */,
       STUB_EXIT_RUN /* x16 = { guest pc, pc of the block } */, STUB_GET_FPCR /* state's fp control made exact */, STUB_PUT_FPCR /* FPCR, FPSR from it */ };
/* the spill area: operands and result of one interpreted instruction (and arguments of helpers), saved ports, spilled values */
enum { CELL_ARG = 0, CELL_RESULT = 64, CELL_PORT = 80, SPILL_PORTS = 128, PORT_SIZE = 32, N_PORTS = 8, SPILL_FIRST = 384, SPILL_SLOT = 16, N_SPILLS = 40 };
enum { PORT_NZ = 0, PORT_P = 8, PORT_A = 16 };
enum { FEATURE_LSE = 1, FEATURE_CRC32 = 2, FEATURE_LRCPC = 4, FEATURE_FLAGM = 8, FEATURE_FLAGM2 = 16, FEATURE_AES = 32, FEATURE_PMULL = 64,
       FEATURE_SHA1 = 128, FEATURE_SHA2 = 256 };

/* what STUB_ONE is given in x16 */
struct a64_one { uint64_t pc; struct ir_insn in; uint8_t type[4]; uint32_t pad; };

enum where { NOWHERE, IN_CONST, IN_REG, IN_SPILL, LATER };
enum port_kind { K_SUB, K_ADD, K_LOGIC, K_FCMP, K_BIT /* C is not Z */, K_PACKED };
struct value {
    uint8_t where, reg;
    bool clean;              /* the register's bits above the type are 0 */
    uint8_t hint;            /* mapped register to compute into because its PUT follows */
    bool later, done, poll, addr_only;
    uint8_t kind;            /* of the port */
    bool nz_saved;
    uint16_t last, port_last, uses, user, next, second;
    uint16_t hold;           /* its register is needed until there for the upper part of results */
    uint16_t upper;          /* the register has the low element only; the rest is that value's. NO_INSN: complete */
    uint16_t run;            /* last instruction of the run that this one belongs to (runs.c), 0: none */
    uint8_t low_log2;        /* size of the low element */
    bool exact;              /* INSN: the state is exact there, so that a run may begin */
    uint16_t early;          /* FL: the PUTF that is emitted with it */
    uint16_t putf;           /* FL: its only PUTF, look.c */
    uint16_t push;           /* LEA: the STORE there whose PUT of the address follows (emit_step.c), else 0 */
    uint16_t sunk;           /* FL: the EXITIF after which its PUTF is emitted, because only the way past it reads the flags */
    uint8_t cond_groups;     /* FL: the CONDs of its port, bit cc / 2 */
    uint8_t n_conds;         /* FL: their number, 2 stands for more */
    bool many_putf, cond_p, aligned;  /* aligned: known to be a multiple of 16 */
    int32_t home, port_home;
};
#define NO_INSN 0xffff

enum tail_kind { TAIL_ONE, TAIL_EXIT, TAIL_STUB, TAIL_RUN, TAIL_LOOP_EXIT };
struct tail {
    uint8_t kind; uint8_t n_from;
    uint8_t *from[3], *back;
    uint16_t i;
    uint8_t reg[4];          /* TAIL_ONE: where the operands are; NO_REG: a constant or none */
    uint8_t result, second;  /* registers to load, or NO_REG */
    uint64_t pc;
    uint64_t target;         /* TAIL_EXIT. Its from[0] is patched too: see a64_link */
    bool fcmp;               /* TAIL_ONE: NZCV as fcmp leaves it, from the port */
    uint8_t fpsr;            /* has FPSR as it was before what failed, which is put back; or 0 */
    int32_t add;             /* TAIL_ONE: to operand 0 */
    uint8_t *adr;            /* inline form of TAIL_ONE: the adr that wants the descriptor only */
};
enum { MAX_TAILS = 512, MAX_LITERALS = 96, MOST_LOOP_EXITS = 16, NOT_A_LOOP = -3 };
struct literal { uint8_t *load; uint64_t value; };           /* a constant behind the block and the `ldr` that wants it */

/* loops.c; `on` while its instructions, up to `back`, are emitted */
struct loop { bool on; unsigned back, n_from; uint64_t changed /* mapped registers; FL_NZ: all flags */; uint8_t *head, *from[MOST_LOOP_EXITS]; };
struct a64_saved { uint64_t flags[3], changed; uint32_t fpsr; };

struct emitter {
    struct asm_buf a;
    const struct host_env *env;
    const struct host_offsets *o;
    const struct a64_map *map;
    const struct ir_block *b;
    struct host_code *code;
    struct value *v;
    uint16_t head[N_REGS];
    uint64_t pins;
    unsigned i;
    uint16_t spill_until[N_SPILLS], port_until[N_PORTS];
    uint16_t owner;                          /* FL instruction whose port is in NZCV, or NO_INSN */
    uint64_t pc; uint32_t insn_offset; bool mapped;
    struct tail *tails; unsigned n_tails;
    struct literal *literals; unsigned n_literals;
    uint16_t run;                            /* in a run: its last instruction; else 0 */
    uint64_t run_pc;
    uint64_t kept;                           /* registers that are not to be had for values */
    uint16_t put_at[16]; ir_ref put_value[16];  /* PUTs of vectors that wait for the run's end, by register - 16; NO_INSN: none */
    struct loop loop;
    struct tail ignored;                     /* what tail_one gives in a run */
    const char *why;
    int error;
};

/* traits.c: of each operation */
enum { TR_BARRIER = 1,    /* what stands before must not wait behind it, nor what stands behind be done already */
       TR_SLOT = 2, TR_MAY_WAIT = 4, TR_PORT = 8, TR_ADDRESS = 16, TR_CONDITION = 32, TR_FLAGS = 64, TR_EXIT = 128, TR_FP = 256, TR_MAP = 512 };
extern const uint16_t a64_traits[IR_N_OPS];
static inline unsigned traits(const struct ir_insn *in) { return a64_traits[in->op]; }
#include "host/emitter.h"
void fail(struct emitter *e, const char *why);
static inline unsigned type_log2(unsigned t) { return (unsigned)__builtin_ctz(ir_type_size[t] ? ir_type_size[t] : 1); }
static inline bool is_const(const struct emitter *e, ir_ref r, int64_t *v) { *v = insn(e, r)->imm; return insn(e, r)->op == IR_CONST; }
static inline uint64_t const_bits(const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type);
    return bits >= 64 ? (uint64_t)in->imm : (uint64_t)in->imm & ((1ull << bits) - 1);
}
void need_map(struct emitter *e);

/* --- regs.c; vectors are VEC + n --- */
void pin(struct emitter *e, unsigned reg);
static inline bool live(const struct emitter *e, ir_ref r) { return e->v[r].last > e->i; }
void settle(struct emitter *e, ir_ref r, unsigned reg, bool clean);          /* r is now in reg, the only value there */
void share(struct emitter *e, ir_ref r, unsigned reg, bool clean);           /* r is in reg as well */
bool sole_value(const struct emitter *e, unsigned reg, ir_ref r);
void evict(struct emitter *e, unsigned reg);                                 /* what is live after this instruction moves out */
unsigned alloc_gpr(struct emitter *e);
unsigned alloc_vec(struct emitter *e);                                       /* 0..31 */
void spill_all(struct emitter *e);                                           /* nothing live stays in scratch registers */
void spill_mapped(struct emitter *e);                                        /* ... nor as another name of a mapped register */
unsigned gpr_of(struct emitter *e, ir_ref r);                                /* bits above the type unspecified; pinned */
unsigned gpr_zr(struct emitter *e, ir_ref r);                                /* the same, ZR for 0 */
unsigned clean_gpr(struct emitter *e, ir_ref r, unsigned temp);              /* zero-extended, maybe in temp */
void into(struct emitter *e, ir_ref r, unsigned dst);                        /* dst = r, zero-extended */
unsigned vec_of(struct emitter *e, ir_ref r);                                /* 0..31 */
unsigned low_of(struct emitter *e, ir_ref r);                                /* the same when only the low element counts */
unsigned element_of(struct emitter *e, ir_ref r, unsigned log2);             /* the same for a low element of that size: r's own may be smaller */
unsigned dst_gpr(struct emitter *e);                                         /* for the current instruction's result */
unsigned dst_vec(struct emitter *e);
void result(struct emitter *e, unsigned reg, bool clean);
void result_vec(struct emitter *e, unsigned v);
int32_t alloc_port(struct emitter *e, ir_ref fl);
void load_state(struct emitter *e, bool vec, unsigned log2, unsigned t, int64_t offset);
void store_state(struct emitter *e, bool vec, unsigned log2, unsigned t, int64_t offset);
void lea_into(struct emitter *e, const struct ir_insn *in, unsigned dst);

/* --- emit_cond.c, emit_putf.c, emit_flags.c --- */
void clobber(struct emitter *e);
enum cond flags_for(struct emitter *e, ir_ref cond);
void emit_bool(struct emitter *e);                                           /* CMP, COND at their place */
void emit_putf(struct emitter *e, const struct ir_insn *in);
void emit_sunk_putf(struct emitter *e);                                      /* the one that waits behind this EXITIF, if any */
bool emit_flag_op(struct emitter *e, const struct ir_insn *in);
void emit_getf(struct emitter *e);
void port_packed(struct emitter *e, unsigned reg);                           /* the current FL's port is this packed word */
void own(struct emitter *e, enum port_kind kind);

/* --- the operations --- */
void settle_second(struct emitter *e, unsigned reg);
bool emit_int(struct emitter *e, const struct ir_insn *in);
unsigned find_step(const struct emitter *e, ir_ref r, unsigned n, int64_t *by);
void finish_step(struct emitter *e, unsigned step, unsigned n);
bool store_step(struct emitter *e, const struct ir_insn *in, bool vec, unsigned log2, unsigned t);
bool emit_mem(struct emitter *e, const struct ir_insn *in);
bool emit_state(struct emitter *e, const struct ir_insn *in);
bool emit_vec(struct emitter *e, const struct ir_insn *in);
bool emit_lanes(struct emitter *e, const struct ir_insn *in);
bool emit_crypto(struct emitter *e, const struct ir_insn *in);
bool emit_gather(struct emitter *e, const struct ir_insn *in);                /* PEXT, PDEP */
bool emit_fp(struct emitter *e, const struct ir_insn *in);
bool emit_exit(struct emitter *e, const struct ir_insn *in);
void emit_call(struct emitter *e, const struct ir_insn *in);
void emit_poll(struct emitter *e);
void look_back(struct emitter *e);
/* --- runs.c --- */
void find_runs(struct emitter *e);                                           /* before look_back */
ir_ref upper_of(const struct emitter *e, unsigned j);                        /* whose upper part the result of a LOW operation in a run has; NO_INSN: zeros */
bool works_low(const struct ir_insn *in);
bool upper_is_zero(const struct emitter *e, ir_ref r, unsigned log2);
void start_run(struct emitter *e);
void finish_run(struct emitter *e);
bool has_floats(const struct emitter *e);
void run_step(struct emitter *e);                                            /* after each instruction */
bool put_in_run(struct emitter *e, const struct ir_insn *in, unsigned v);
struct tail *run_tail(struct emitter *e);                                    /* leaves the run when one of from[] is taken */
/* --- fold.c --- */
bool folds(struct emitter *e, unsigned j, const struct ir_insn *in);         /* while looking back: it waits for its only user */
bool emit_folded(struct emitter *e, const struct ir_insn *in);               /* in with an operand that waited for it; false: it has none */
void fold_into(struct emitter *e, ir_ref r, unsigned dst);                   /* what waited, by itself */
bool folded_zero(struct emitter *e, ir_ref r, uint32_t *branch);             /* the condition of a comparison with zero that waited for its branch */
/* --- loops.c --- */
void find_loop(struct emitter *e);
void start_loop(struct emitter *e);
void loop_poll(struct emitter *e);
void loop_look(struct emitter *e);
void leave_loop(struct emitter *e);
void back_edge(struct emitter *e, uint32_t branch);
void emit_loop_restore(struct emitter *e);
struct a64_saved a64_saved(const struct host_env *env, const void *state);
static inline bool is_back_edge(const struct emitter *e) { return e->loop.on && e->i == e->loop.back; }
/* --- tail.c --- */
void emit_run_tail(struct emitter *e, const struct tail *t);
void emit_one(struct emitter *e, const struct ir_insn *in);                  /* the interpreter does it, inline */
struct tail *tail_one(struct emitter *e);                                    /* ... when one of the jumps from[] is taken; operands must be in registers */
void emit_tails(struct emitter *e);
void load_constant(struct emitter *e, unsigned d, uint64_t v);               /* at most two instructions */
void emit_literals(struct emitter *e);
void add_exit(struct emitter *e, enum host_exit_kind kind, uint64_t target); /* the next instruction is patchable */
void emit_exit_stubs(struct emitter *e);
void jump_stub(struct emitter *e, unsigned stub);
void call_stub(struct emitter *e, unsigned stub);
void add_map(struct emitter *e, uint32_t offset, unsigned flags);
void a64_run_one(void *state, const struct a64_one *one, const struct host_offsets *o);

/* --- stubs.c, sync.c --- */
void a64_emit_stubs(struct host_env *env, struct host_code *code);
void a64_emit_inline_cache(const struct host_env *env, uint64_t guest_pc, uint64_t host_code, uint64_t otherwise, struct host_code *code);
void a64_link(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to);
int a64_emit(const struct host_env *env, const struct ir_block *b, struct host_code *code, const char **why);
void a64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
bool a64_sync_loop(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state);
void a64_thread_init(void *state);
#endif
