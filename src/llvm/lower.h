/* SPDX-License-Identifier: GPL-2.0-or-later
 * lower.h: what the files of IR to LLVM share. Each slot of guest state and each flag is an alloca, so LLVM builds the phis.
 */
#ifndef LLVM_LOWER_H
#define LLVM_LOWER_H
#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>
#include "llvm/llvm.h"

enum { MAX_SLOTS = 64, N_FLAGS = 6, MAX_KEPT = 40, MAX_FLAG_REGS = 4 };
struct lower_slot {
    LLVMValueRef var, half[2];                   /* half: instead of it where `now` (halves.c), or NULL */
    const char *reg;
    uint16_t offset;
    uint8_t type;
    bool dirty, halves;
    bool form[LLVM_MAX_BLOCKS + 1], now;         /* halves.c: of each block, of the exits; of what is being lowered */
    unsigned wrong;                              /* as lower.wrong */
};
struct lower_undo { LLVMValueRef var, old; };
struct lower_run {                               /* runs.c */
    bool on, flags_written;                      /* flags_written: in the block so far */
    bool loop;                                   /* it is the whole block, over and over (loops.c), from `body` on */
    bool polled;                                 /* for the exit at hand and the one behind it */
    LLVMBasicBlockRef body, poked /* where its polls go, by a look */;
    uint64_t pc;                                 /* where it began */
    unsigned number, flags;                      /* flags: IR_F_* that may be read there */
    LLVMValueRef noted, before;                  /* what the host has noted as of the last look (a variable), as of the run's begin */
    struct lower_undo undo[MAX_SLOTS + N_FLAGS + 1];
    unsigned n_undo;
};
/* What the host knows of a double, if it knows something (ppc64le_facts.c) */
struct lower_fact { uint16_t low, grain, high; uint8_t known; bool single; };
struct lower_copy { LLVMBasicBlockRef block; uint16_t number; };
struct lower_exit { LLVMBasicBlockRef block; uint64_t target, back; uint8_t kind; };
struct lower {
    struct llvm_region *r;
    LLVMContextRef c;
    LLVMModuleRef m;
    LLVMBuilderRef b;
    LLVMValueRef fn;
    struct lower_slot slot[MAX_SLOTS];
    unsigned n_slots;
    LLVMValueRef flag[N_FLAGS];                  /* i1 each, in the order of the IR_F_* bits */
    LLVMValueRef word;                           /* all of them as the host keeps them */
    LLVMValueRef kept[MAX_KEPT];
    uint64_t insn_pc;                            /* of the guest instruction under way */
    bool flags_dirty, vectors;                   /* flags_dirty: some block writes flags */
    LLVMValueRef selector;                       /* number of the entry, where there are several */
    LLVMBasicBlockRef *block;                    /* of each IR block */
    bool *edge;                                  /* [from * n_blocks + to] */
    bool polls[LLVM_MAX_BLOCKS];
    struct lower_copy copy[LLVM_MAX_BLOCKS];     /* blocks that are lowered a second time, once for a way there */
    unsigned n_copies;
    bool in_copy;
    unsigned current;                            /* number of the IR block under way */
    struct lower_exit exit[LLVM_MAX_EXITS];
    unsigned n_exits;
    /* the IR block under way */
    const struct ir_block *ir;
    LLVMValueRef v[IR_MAX_INSNS], second[IR_MAX_INSNS], port[IR_MAX_INSNS][N_FLAGS];
    LLVMBasicBlockRef way_to_fault;              /* what was made for it, or NULL */
    LLVMBasicBlockRef fault;                     /* where inline assembly goes if it faults; NULL: it may not, or nobody looks */
    LLVMValueRef whole[IR_MAX_INSNS];            /* of a narrow operation done within its slot: the slot's new value, or NULL; */
    const struct ir_insn *whole_put[IR_MAX_INSNS];      /* it is this PUT's */
    LLVMValueRef wide[IR_MAX_INSNS];             /* of a load in an exact region: i64, zero-extended, or NULL */
    struct lower_run run;
    bool aligned[IR_MAX_INSNS];                  /* in a loop: the access was checked before */
    unsigned wrong[IR_MAX_INSNS];                /* number of the run that the value comes from */
    struct lower_fact fact[IR_MAX_INSNS], slot_fact[MAX_SLOTS], block_fact[LLVM_MAX_BLOCKS][MAX_SLOTS] /* at its beginning */;
    ir_ref slot_ref[MAX_SLOTS];                  /* the value that the slot holds, if the block has named it */
    uint8_t n_ways[LLVM_MAX_BLOCKS];             /* into a block: 0, 1 or more */
    uint8_t tested[IR_MAX_INSNS];                /* before the loop: the lane that what is loaded has, or 0 */
    const char *why;
    bool refused;                                /* by LLVM */
};

static inline unsigned bits_of(unsigned type) { return type == IR_I1 ? 1 : ir_type_size[type] * 8u; }
static inline bool is_int(unsigned type) { return type >= IR_I1 && type <= IR_I64; }
static inline LLVMTypeRef int_type(struct lower *L, unsigned bits) { return LLVMIntTypeInContext(L->c, bits); }
static inline LLVMValueRef int_const(struct lower *L, unsigned bits, int64_t v) { return LLVMConstInt(int_type(L, bits), (unsigned long long)v, 1); }
LLVMTypeRef vector_type(struct lower *L, unsigned lane);        /* F32, F64 as integers; IR_VOID: 2 x i64, what values are kept as */
LLVMTypeRef type_of(struct lower *L, unsigned type);
LLVMValueRef intrinsic(struct lower *L, const char *name, LLVMTypeRef type, LLVMValueRef *arg, unsigned n);

/* flags.c */
void lower_flags(struct lower *L, unsigned i, const struct ir_insn *in);     /* the live part of an FL operation's port */
LLVMValueRef lower_cond(struct lower *L, ir_ref port, enum ir_cc cc);
LLVMValueRef lower_compare(struct lower *L, LLVMValueRef a, LLVMValueRef b, enum ir_cc cc);
LLVMValueRef lower_flags_word(struct lower *L, unsigned mask);               /* i16 */
void lower_putf(struct lower *L, const struct ir_insn *in);
LLVMValueRef lower_old_flag(struct lower *L, unsigned k);

/* vector.c */
bool vector_known(const struct ir_block *b, const struct ir_insn *in);
LLVMValueRef lower_vector(struct lower *L, const struct ir_insn *in);
LLVMValueRef as_vector(struct lower *L, LLVMValueRef v);                     /* the same bits, in the type that all vectors of the guest have */

/* runs.c */
void lower_set(struct lower *L, LLVMValueRef var, LLVMValueRef v);           /* a slot's or flag's variable */
void run_prepare(struct lower *L), run_enter(struct lower *L);               /* variables; at the entry */
void run_block(struct lower *L);                                             /* a block begins */
void run_see(struct lower *L, unsigned i, const struct ir_insn *in);         /* before each operation is lowered */
void run_start(struct lower *L), run_end(struct lower *L);
void run_look(struct lower *L, LLVMValueRef noted);                          /* goes on alone if that is something */
bool run_has_floats(const struct ir_block *b);
void run_keep(struct lower *L, LLVMValueRef var);                            /* its value is put back if the run fails */
bool run_stops(struct lower *L, const struct ir_insn *in);                   /* a run ends in front of it */
void run_note(struct lower *L, unsigned i, const struct ir_insn *in);        /* does its value come from the run? */
void run_undo(struct lower *L);                                              /* on the way out of it */
/* loops.c: at a block's beginning. True: it is a run of its own; the builder is at its body's beginning, and a poll in it goes to L->run.poked */
bool loop_begin(struct lower *L, LLVMBasicBlockRef poked);
extern const bool asm_polls_last;                                            /* such a loop polls once in front of it, and then at the end of each round */
void loop_poll(struct lower *L, const struct ir_insn *in);                   /* in front of an exit */
bool loop_goes_back(const struct ir_block *b, const struct ir_insn *in);     /* an exit to the block's beginning */
bool loop_stays(const struct lower *L, const struct ir_insn *in);            /* the exit that goes round */
LLVMBasicBlockRef loop_looked(struct lower *L, LLVMBasicBlockRef to);        /* the way there, by a look */
struct lower_slot *lower_slot_of(struct lower *L, int64_t offset, unsigned size);
int lower_number_of(const struct lower *L, uint64_t pc);                     /* of the block there, or -1 */

/* again.c */
void again_compute(struct lower *L);
extern const bool asm_adds_products;                                         /* by one instruction */
extern const bool asm_narrow_phis;                                           /* extending takes an instruction: what loops read 32 bits of goes round as such */
extern const bool asm_new_counters;                                          /* ways out of loops compute from the new values of counters */

/* steps.c */
void steps_last(struct lower *L);
extern const bool asm_steps;                                                 /* accesses can step their pointer */

/* polls.c */
void poll_find(struct lower *L);                                             /* sets polls */
unsigned poll_place(const struct ir_block *b);                               /* index of the INSN in front of which it polls */
unsigned poll_flags(const struct ir_block *b, unsigned i);                   /* what a poll there hands over */
bool poll_goes_back(const struct ir_block *b, uint64_t target);

/* Leave in front of the guest instruction under way, of which nothing has been done yet, when `special`: the interpreter does it. */
void lower_alone_if(struct lower *L, LLVMValueRef special);

/* halves.c */
void halves_find(struct lower *L);                                           /* which slots are two variables, and where */
void halves_block(struct lower *L);                                          /* a block begins */
void halves_leave(struct lower *L);                                          /* on a way out: as the exits want them, where the builder is */
void halves_exits(struct lower *L);                                          /* from here on exits are lowered */
LLVMBasicBlockRef halves_edge(struct lower *L, unsigned number, LLVMBasicBlockRef to);       /* the way from the current block to that one */
void halves_make(struct lower *L, struct lower_slot *s), halves_enter(struct lower *L, struct lower_slot *s, LLVMValueRef v);
LLVMValueRef lower_slot_value(struct lower *L, const struct lower_slot *s);
void lower_set_slot(struct lower *L, const struct lower_slot *s, LLVMValueRef v);
extern const bool asm_halves;                                                /* scalars cost less if a vector's doubles are apart */

/* floats.c */
LLVMTypeRef float_type(struct lower *L, unsigned lane), floats_type(struct lower *L, unsigned lane);     /* one, a vector of them */
LLVMValueRef float_element(struct lower *L, LLVMValueRef v, unsigned lane, unsigned k);
LLVMValueRef float_low(struct lower *L, ir_ref r, unsigned lane);            /* r's low element */
LLVMValueRef float_with_low(struct lower *L, ir_ref r, unsigned lane, LLVMValueRef v);       /* r with its low element replaced by v */
LLVMValueRef float_asm(struct lower *L, const char *text, const char *constraints, LLVMTypeRef result, LLVMValueRef *arg, unsigned n, unsigned effects);     /* call_asm that never faults */

/* the host's file: what only inline assembly says exactly, and how tier 1 has the state */
bool asm_known(const struct ir_block *b, const struct ir_insn *in);
LLVMValueRef asm_vector(struct lower *L, const struct ir_insn *in);
LLVMValueRef asm_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest);
/* Call C at this address with five i64; it leaves vector and floating point registers alone. Its result */
LLVMValueRef asm_call(struct lower *L, uint64_t function, LLVMValueRef arg[5]);
/* for asm_call: five arguments, n results, which are i64, the first of them (the others are what became of the arguments' registers) */
LLVMValueRef inline_call(struct lower *L, const char *text, const char *constraints, LLVMValueRef *arg, unsigned n);
LLVMValueRef asm_crc32(struct lower *L, const struct ir_insn *in);
LLVMValueRef asm_mask(struct lower *L, LLVMValueRef v, unsigned lane);      /* i32: the top bits of elements; NULL: LLVM's own way is as good */
/* Not 0: floating point never faults; the host notes, in an i32, what x86 may do otherwise, and a look looks for these bits of it (runs.c). */
extern const uint32_t asm_look;
LLVMValueRef asm_noted(struct lower *L);
LLVMValueRef asm_first_noted(struct lower *L);                               /* at the entry */
/* What an operand may be that the host does not note itself: at a block's beginning; before a loop's first round; before each operation is lowered */
void asm_block(struct lower *L), asm_loop(struct lower *L), asm_operands(struct lower *L, unsigned i, const struct ir_insn *in);
void asm_note(struct lower *L, LLVMValueRef noted);
LLVMValueRef lower_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest);    /* divide.c: asm_divide for hosts without x86's */
/* inline.c: without effects it may be moved to where it is used. A fault in it goes to L->fault, if that is set. */
LLVMValueRef call_asm(struct lower *L, const char *text, const char *constraints, LLVMTypeRef result, LLVMValueRef *arg, unsigned n, unsigned effects);
enum asm_effects { ASM_PURE, ASM_EFFECTS, ASM_STICKY /* sets sticky flags: it happens, but touches no memory */ };
/* Z, P, C and `below or equal` of FCMPF, with its sticky flags. False: LLVM's own comparison is as good. */
bool asm_float_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *z, LLVMValueRef *p, LLVMValueRef *c, LLVMValueRef *be);
/* Accesses of guest memory for L->fault (exact regions): integers of 8 to 64 bits (the load's value is zero-extended to an i64) and vectors */
LLVMValueRef asm_load(struct lower *L, LLVMTypeRef type, LLVMValueRef pointer, bool aligned);
void asm_store(struct lower *L, LLVMValueRef v, LLVMValueRef pointer, bool aligned);
bool asm_atomic_known(const struct ir_block *b, const struct ir_insn *in);
extern const bool asm_own_atomics;                                           /* asm_atomic does all of them */
LLVMValueRef asm_atomic(struct lower *L, const struct ir_insn *in, LLVMValueRef pointer);
void asm_fence(struct lower *L, unsigned kind);
extern const char llvm_triple[], llvm_cpu[];
extern const char asm_no_vectors[];                                          /* features for a function without vectors, where LLVM takes their registers all the same */
extern const char *const asm_options[];                                      /* LLVM's own, NULL behind the last */
extern const LLVMCodeModel asm_code_model;
void asm_start(void);                                                        /* LLVM's parts for the host */
#define ASM_START(arch) (LLVMInitialize##arch##TargetInfo(), LLVMInitialize##arch##Target(), LLVMInitialize##arch##TargetMC(), LLVMInitialize##arch##AsmPrinter(), LLVMInitialize##arch##AsmParser())
void asm_function(struct lower *L);                                          /* what the region's function needs so that no register is saved */
void naked_function(struct lower *L);                                        /* for asm_function: nothing is saved, and no frame made that asm_entry has not made */
bool asm_allows(const struct ir_insn *in);                                   /* may an operation that LLVM has words for be lowered by them? */
extern const char *const asm_kept[], *const asm_flag_regs[];                 /* registers that tier 1 wants back as they were, those that hold the flags; NULL behind the last */
extern const char *const asm_kept_vectors[];                                 /* ... that a region with vectors must keep besides */
LLVMValueRef asm_state(struct lower *L, uint32_t offset);                    /* pointer */
/* All flags in one integer, as tier 1 has them in the state or in asm_flag_regs */
extern const unsigned asm_word_bits;                                         /* 16: as the state has it; else, without asm_flag_regs, asm_word_in and _out are the state's */
extern const bool asm_word_masks;                                            /* each flag has its bits in it: asm_word_mask */
uint64_t asm_word_mask(unsigned mask);                                       /* the bits that hold these flags */
LLVMValueRef asm_word_in(struct lower *L, LLVMValueRef *reg);
void asm_word_out(struct lower *L, LLVMValueRef word, LLVMValueRef *reg);    /* to the registers, each an i64 */
LLVMValueRef asm_word_of(struct lower *L, LLVMValueRef *flag, unsigned mask);
void asm_flags_of_word(struct lower *L, LLVMValueRef word, LLVMValueRef *flag);
void asm_order_load(struct lower *L), asm_order_store(struct lower *L);      /* behind a load and in front of a store of shared memory */
bool asm_begins(const uint8_t *code, uint64_t size);                          /* nothing but the making of a frame? */
/* Host code that LLVM's object file leaves open. EXIT: `place` is one of a region's exits. ADDRESS: it depends on where the region will lie. */
enum asm_reloc { RELOC_UNKNOWN, RELOC_DONE, RELOC_EXIT, RELOC_ADDRESS };
enum asm_reloc asm_relocate(unsigned type, int64_t addend, uint8_t *code, uint64_t place, uint64_t symbol, bool undefined);
extern const unsigned asm_reloc_64;                                          /* type of a pointer's relocation */
extern const bool asm_partial_registers;                                     /* asm_low_operation is there */
extern const bool asm_aligns;                                                /* aligned accesses fault by themselves */
LLVMValueRef asm_low_part(struct lower *L, LLVMValueRef old, LLVMValueRef v);   /* i64 old with its low bytes replaced by v, an i8, i16 or i32 */
LLVMValueRef asm_low_operation(struct lower *L, const char *name, LLVMValueRef old, LLVMValueRef v);   /* the same, by old's low bytes `name` v; v: i8 or i16 */
enum flags_of { FLAGS_TEST /* a and nothing else */, FLAGS_SUB, FLAGS_ADD };
LLVMValueRef asm_flags(struct lower *L, enum flags_of how, LLVMValueRef a, LLVMValueRef b);      /* the host's flags word after this */
void asm_poll(struct lower *L, LLVMBasicBlockRef poked, LLVMBasicBlockRef next);   /* an access of the poll page, noted in POLL_SECTION */
#define ENTRY_SYMBOL "wherry_entry"                                          /* where the registers are as tier 1 had them */
#define POLL_SECTION ".wherry_polls"                                         /* pairs of u64: the access, where to go on when it faults */
extern const char asm_selector[];                                            /* register that holds the entry's number when there are several */
enum { ASM_ENTRY_SIZE = 32, ASM_FRAME = 4096 /* most that a function may have */ };
/* before the function: onto C's stack. which: the entry's number, -1: there is one. ASM_ENTRY_SIZE bytes; the last runs on into the function. Returns
 * where in them the entry begins. */
uint32_t asm_entry(const struct host_offsets *o, uint8_t *code, int which, uint32_t to_function);
void asm_exit(const struct host_offsets *o, unsigned number, char *text, size_t size);

int lower_region(struct lower *L);
void compile_lost(void);                                                     /* the thread's machine must not be used again */
#endif
