/* SPDX-License-Identifier: GPL-2.0-or-later
 * lower.h: what the files of IR to LLVM share. Each slot of guest state and each flag is an alloca, so LLVM builds the phis.
 */
#ifndef LLVM_LOWER_H
#define LLVM_LOWER_H
#include <llvm-c/Core.h>
#include "llvm/llvm.h"

enum { MAX_SLOTS = 64, N_FLAGS = 6 };
struct lower_slot { LLVMValueRef var; const char *reg; uint16_t offset; uint8_t type; bool dirty; };
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
    LLVMValueRef word;                           /* i16: all of them as in the state */
    bool flags_dirty, vectors;                   /* flags_dirty: some block writes flags */
    LLVMValueRef selector;                       /* number of the entry, where there are several */
    LLVMBasicBlockRef *block;                    /* of each IR block */
    bool *edge;                                  /* [from * n_blocks + to] */
    bool polls[LLVM_MAX_BLOCKS];
    unsigned current;                            /* number of the IR block under way */
    struct lower_exit exit[LLVM_MAX_EXITS];
    unsigned n_exits;
    /* the IR block under way */
    const struct ir_block *ir;
    LLVMValueRef v[IR_MAX_INSNS], second[IR_MAX_INSNS], port[IR_MAX_INSNS][N_FLAGS];
    LLVMValueRef whole[IR_MAX_INSNS];            /* of a narrow operation done within its slot: the slot's new value, or NULL */
    const char *why;
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
void lower_flags_of_word(struct lower *L, unsigned i, LLVMValueRef word);

/* vector.c */
bool vector_known(const struct ir_block *b, const struct ir_insn *in);
LLVMValueRef lower_vector(struct lower *L, const struct ir_insn *in);

/* x86_64.c: what only inline assembly says exactly */
bool asm_known(const struct ir_block *b, const struct ir_insn *in);
LLVMValueRef asm_vector(struct lower *L, const struct ir_insn *in);
LLVMValueRef asm_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest);
LLVMValueRef asm_crc32(struct lower *L, const struct ir_insn *in);
void asm_fence(struct lower *L, unsigned kind);
extern const char llvm_triple[], llvm_cpu[];
LLVMValueRef asm_low_part(struct lower *L, LLVMValueRef old, LLVMValueRef v);   /* i64 old with its low bytes replaced by v, an i8, i16 or i32 */
LLVMValueRef asm_low_operation(struct lower *L, const char *name, LLVMValueRef old, LLVMValueRef v);   /* the same, by old's low bytes `name` v; v: i8 or i16 */
LLVMValueRef asm_flags(struct lower *L, LLVMValueRef a, LLVMValueRef b);     /* the flags word after comparing, b == NULL: after AND a, a */
void asm_poll(struct lower *L, LLVMBasicBlockRef poked, LLVMBasicBlockRef next);   /* an access of the poll page, noted in POLL_SECTION */
#define POLL_SECTION ".wherry_polls"                                         /* pairs of u64: the access, where to go on when it faults */
extern const char asm_selector[];                                            /* register that holds the entry's number when there are several */
enum { ASM_ENTRY_SIZE = 32 };
/* before the function: onto C's stack. which: the entry's number, -1: there is one. ASM_ENTRY_SIZE bytes; the last runs on into the function. */
void asm_entry(const struct host_offsets *o, uint8_t *code, int which, uint32_t to_function);
void asm_exit(const struct host_offsets *o, unsigned number, char *text, size_t size);

int lower_region(struct lower *L);
#endif
