/* SPDX-License-Identifier: GPL-2.0-or-later
 * ir.h: the intermediate representation. A block is a linear list of instructions in SSA form: an operand is the
 * index of an earlier instruction. Guest registers enter and leave by GET and PUT of byte offsets in the guest
 * state; the IR knows no guest and no host.
 *
 * What must stay true (the verifier checks it):
 *  I1 operands come before their users and have the types that ops.def asks for
 *  I2 within one guest instruction (from INSN to INSN) no PUT comes before an instruction that may fault (X),
 *     so the state is that of the instruction's start whenever it faults (CALL helpers keep the rule themselves)
 *  I3 the last instruction, and only it or EXITIFs, leaves the block
 *  I4 an i1 is 0 or 1
 */
#ifndef IR_IR_H
#define IR_IR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ir_type {
    IR_VOID, IR_I1, IR_I8, IR_I16, IR_I32, IR_I64, IR_I128, IR_F32, IR_F64, IR_F80,
    IR_V128, IR_V256, IR_V512, IR_MASK, IR_N_TYPES
};

enum ir_op {
#define OP(ENUM, name, sig, props) IR_##ENUM,
#include "ir/ops.def"
#undef OP
    IR_N_OPS
};

/* properties of ops.def */
enum { IR_P_P = 1, IR_P_C = 2, IR_P_FL = 4, IR_P_X = 8, IR_P_S = 16, IR_P_T = 32, IR_P_TWO = 64, IR_P_RDF = 128,
       IR_P_STATE = 256, /* reads guest state: pure between puts */
       IR_P_FP = 512 };  /* reads rounding and sets sticky flags: removable only if nobody can see them; may raise SIGFPE */

/* Flags: the packed word (16 bits, GETF, MKF and the state's flags field) and the 6-bit masks used in aux and lane.
 * The word's layout is fixed: bit 0 O, 8 C, 10 P, 12 A, 14 Z, 15 S; other bits are ignored on read and
 * unspecified on write (mask with IR_FLAGS_WORD). */
enum { IR_FLAG_O = 1 << 0, IR_FLAG_C = 1 << 8, IR_FLAG_P = 1 << 10, IR_FLAG_A = 1 << 12, IR_FLAG_Z = 1 << 14,
       IR_FLAG_S = 1 << 15, IR_FLAGS_WORD = 0xd501 };
enum { IR_F_C = 1, IR_F_P = 2, IR_F_A = 4, IR_F_Z = 8, IR_F_S = 16, IR_F_O = 32, IR_F_ALL = 63 };

/* Conditions; cc ^ 1 is the negation. The numbers happen to be those of the x86 Jcc opcodes. */
enum ir_cc { IR_CC_O, IR_CC_NO, IR_CC_B, IR_CC_AE, IR_CC_E, IR_CC_NE, IR_CC_BE, IR_CC_A,
             IR_CC_S, IR_CC_NS, IR_CC_P, IR_CC_NP, IR_CC_L, IR_CC_GE, IR_CC_LE, IR_CC_G, IR_N_CC };

/* aux of memory operations */
enum { IR_MEM_PLAIN = 0, IR_MEM_STACK = 1, IR_MEM_ATOMIC = 2, IR_MEM_DEVICE = 3, IR_MEM_KIND = 7,
       IR_MEM_TSO = 0 << 3, IR_MEM_RELAXED = 1 << 3, IR_MEM_ACQ = 2 << 3, IR_MEM_REL = 3 << 3, IR_MEM_SEQ = 4 << 3, IR_MEM_ORDER = 7 << 3,
       IR_MEM_ALIGNED = 1 << 6 }; /* faults as a general-protection error unless aligned to its size */
enum { IR_PREFETCH_NEAR, IR_PREFETCH_LEVEL2, IR_PREFETCH_LEVEL3, IR_PREFETCH_ONCE /* not to stay */, IR_PREFETCH_WRITE };

enum { IR_LOW = 1, IR_SIGNAL = 2 };        /* mod of vector operations */
enum { IR_EXIT_POLL = 1 };                 /* mod of EXIT, EXITIF */
enum { IR_INSN_INEXACT = 1 };              /* mod of INSN, from ir_opt: a put above was dropped for one below, so the state may not be looked at here */

enum ir_trap { IR_TRAP_SYSCALL, IR_TRAP_BREAKPOINT, IR_TRAP_ILLEGAL, IR_TRAP_PRIVILEGED, IR_TRAP_SYSCALL32, IR_TRAP_OVERFLOW,
               IR_TRAP_DECODE /* instruction bytes can't be fetched: deliver the fault for imm */, IR_TRAP_SINGLE /* block ended only to return to the engine */, IR_TRAP_DEBUG,
               IR_TRAP_REDO /* the interpreter does the instruction at the state's exit_target */, IR_N_TRAPS };

typedef uint16_t ir_ref;
#define IR_NONE ((ir_ref)0xffff)
#define IR_MAX_INSNS 4096

struct ir_insn {          /* 24 bytes */
    uint8_t op;           /* enum ir_op */
    uint8_t type;         /* enum ir_type of the result; of the stored value for PUT, STORE */
    uint8_t lane;         /* see ops.def */
    uint8_t live;         /* FL operations, after ir_opt: mask of port flags that somebody reads (0: emit without flags) */
    ir_ref arg[4];        /* unused: IR_NONE */
    uint16_t uses;        /* number of uses of the value as an operand, filled by ir_opt; flags ports (COND, PUTF) don't count: see `live`.
                           * Not beside it: compilers read neighbours at once, and would wait for the last write to either */
    uint8_t mod, aux;     /* see ops.def */
    int64_t imm;
};

struct ir_block {
    uint64_t guest_pc;        /* address of the first guest instruction */
    uint64_t guest_end;       /* one past the last guest byte it was made from */
    unsigned n_guest_insns;
    unsigned flags_in;        /* after ir_opt: IR_F_* mask that the block reads before it writes them */
    bool plain;               /* from the builder: no calls, no floating point, no atomics, no fences */
    unsigned n;               /* instructions used */
    struct ir_insn insn[IR_MAX_INSNS];
};

struct ir_op_info { const char *name, *sig; unsigned props; unsigned n_args; };
extern const struct ir_op_info ir_op_info[IR_N_OPS];
extern const char *const ir_type_name[IR_N_TYPES], *const ir_cc_name[IR_N_CC];
extern const uint8_t ir_type_size[IR_N_TYPES];     /* bytes; 1 for i1, 10 for f80 */
unsigned ir_cc_reads(enum ir_cc cc);               /* IR_F_* mask */

/* print.c, parse.c: the text form (text.h), whole lines. ir_parse returns NULL, or a message (static per thread) that names the line. */
void ir_print(FILE *f, const struct ir_block *b);
void ir_print_insn(FILE *f, const struct ir_block *b, unsigned i);
const char *ir_parse(const char *text, struct ir_block *b);
/* verify.c: NULL if the block is well formed, else a message (static per thread). */
const char *ir_verify(const struct ir_block *b);
/* opt.c: one backward pass: dead code, dead flags, use counts, `live`, trimmed PUTFs. Removed instructions stay in
 * place as CONST with no uses (type VOID). IR_EXACT_FLAGS: keep every flag exact at each instruction that may fault;
 * IR_RESTARTABLE: those that the code behind it reads, so that another consumer can go on there. */
enum { IR_EXACT_NONE, IR_EXACT_FLAGS, IR_RESTARTABLE };
void ir_opt(struct ir_block *b, unsigned exact);
/* ends.c: a block that goes round by itself, without a look at what is special in floating point before it is left: is it left as on x86, whatever was special? */
bool ir_loop_ends(const struct ir_block *b);

/* interp.c: run the block on the guest state at `state` (the address that offsets count from). Guest addresses are host addresses.
 * Sets *next_pc and returns -1 for an ordinary exit, or an enum ir_trap. Helpers get `state` as their
 * first argument. pc_offset is the offset of the 8-byte guest pc, kept up to date at each INSN. flags_offset is that of the 16-bit flags word,
 * fpcr_offset that of the 32-bit fp control and status (layout of MXCSR). A memory access that faults leaves by a
 * host signal, a divide error by ir_divide_error; the state is then exact. */
struct ir_interp_env {
    uint32_t pc_offset, flags_offset, fpcr_offset;
    /* lock step: called before each write to guest memory (stores and atomics; not by helpers), NULL otherwise */
    void (*before_write)(void *state, uint64_t addr, unsigned size);
};
int ir_interp(const struct ir_block *b, void *state, const struct ir_interp_env *env, uint64_t *next_pc);
/* One instruction alone, for emitters that have no code for it: arg[k] = value of operand k (16 bytes each, integers zero-extended; read for
 * operands that are not IR_NONE), of type arg_type[k]; result receives 16 bytes (integers zero-extended; a TWO operation's second result in the
 * upper 8). Returns the packed flags word of the port (FL operations). Not for exits, CALL, GET, PUT, COND, PUTF and SECOND. */
unsigned ir_interp_one(const struct ir_insn *in, const uint8_t arg_type[4], const void *const arg[4], void *result, void *state,
                       const struct ir_interp_env *env);
/* Where C code finds guest memory: at its own address, or, while some guest pages can't have their rights on the host (its pages are larger),
 * where ir_mem_view says. That returns an address good for `size` bytes (1..4096) and the access asked for, `addr` itself when the guest may not
 * do it (it faults there), or IR_MEM_SPLIT when the bytes don't lie in one piece: ask for those in each 4 KiB page. */
extern uint64_t (*ir_mem_view)(uint64_t addr, unsigned size, bool write);
#define IR_MEM_SPLIT 0x8000000000000001ull   /* no address of a processor */
/* Linux on aarch64 lets programs use addresses whose top byte is anything and means nothing. They are not the guest's: another one that faults */
static inline uint64_t ir_mem_whole(uint64_t addr)
{
#ifdef __aarch64__
    return __builtin_expect(addr >> 56 != 0, 0) && !(addr >> 55 & 1) ? addr | 1ull << 54 : addr;
#else
    return addr;
#endif
}
static inline uint64_t ir_mem_at(uint64_t addr, unsigned size, bool write)
{
    addr = ir_mem_whole(addr);
    return __builtin_expect(ir_mem_view != NULL, 0) ? ir_mem_view(addr, size, write) : addr;
}
/* Leave with a divide error; provided by the engine, does not return. */
void ir_divide_error(void *state) __attribute__((noreturn));
/* Leave with an unmasked SSE exception (the guest's SIGFPE); mxcsr_flags = the exception flags of this operation, already set in the fp control
 * word. Leave with a general-protection error for a misaligned IR_MEM_ALIGNED access. Both provided by the engine; the state is exact. */
void ir_fp_fault(void *state, unsigned mxcsr_flags) __attribute__((noreturn));
void ir_alignment_fault(void *state) __attribute__((noreturn));
#endif
