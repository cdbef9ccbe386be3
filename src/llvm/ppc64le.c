/* SPDX-License-Identifier: GPL-2.0-or-later
 * ppc64le.c: tier 2 on a POWER host. Tier 1's registers are those of src/host/ppc64le/emit.h; flags stay put off as in lazy.c there: the operands
 * and a code, which an exit stores and nobody computes before he wants them.
 *
 * C's stack pointer stays where it is: nothing is saved (the function is naked), and LLVM spills to below it. Signal handlers have a stack of their own.
 */
#include <elf.h>
#include <llvm-c/Target.h>
#include <string.h>
#include "host/ppc64le/lazy.h"
#include "llvm/ppc64le.h"

const char llvm_triple[] = "powerpc64le-unknown-linux-gnu", llvm_cpu[] = "pwr8", asm_no_vectors[] = "-altivec,-vsx";
const char *const asm_options[] = { "-disable-lsr", "-disable-constant-hoisting", NULL };
const LLVMCodeModel asm_code_model = LLVMCodeModelMedium;
const char asm_selector[] = "r11";
const char *const asm_kept[] = { "r30", "r10", "r31", NULL };    /* the state, the poll page, the return stack */
const char *const asm_kept_vectors[] = { "vs5", "vs6", "vs7", "vs8", "vs9", "vs10", "vs11", "vs12", "vs13",              /* constants (stubs.c) */
    "vs14", "vs15", "vs16", "vs17", "vs18", "vs19", "vs20", "vs21", "vs22", "vs23", "vs24", "vs25", "vs26", "vs27", "vs28", "vs29", "vs30", "vs31", /* C's */
    "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", NULL };
const char *const asm_flag_regs[] = { NULL };
const bool asm_adds_products = false, asm_narrow_phis = true, asm_steps = false, asm_new_counters = true, asm_polls_last = true, asm_partial_registers = false, asm_halves = true, asm_aligns = false, asm_word_masks = false;
const unsigned asm_reloc_64 = R_PPC64_ADDR64;

void asm_start(void) { ASM_START(PowerPC); }

void asm_function(struct lower *L) { naked_function(L); }

/* --- entry and exits --- */

enum { NOP = 0x60000000, LI_R11 = 0x39600000, B = 0x48000000 };

uint32_t asm_entry(const struct host_offsets *o, uint8_t *code, int which, uint32_t to_function)
{
    uint32_t word[ASM_ENTRY_SIZE / 4], n = 0, total = (which >= 0) + (to_function > ASM_ENTRY_SIZE);
    while (n < ASM_ENTRY_SIZE / 4 - total)
        word[n++] = NOP;
    uint32_t begin = 4 * n;
    if (which >= 0)
        word[n++] = LI_R11 | (uint32_t)which;
    if (to_function > ASM_ENTRY_SIZE)
        word[n] = B | (to_function - 4 * n);
    memcpy(code, word, sizeof word);
    return begin;
}

/* cr7 is tier 1's: whether MXCSR is as usual */
void asm_exit(const struct host_offsets *o, unsigned number, char *text, size_t size)
{
    snprintf(text, size, "lwz 0, %u(30)\n\trlwinm 0, 0, 0, 16, 25\n\tcmplwi 7, 0, 0x1f80\n\tb wherry_exit_%u", o->fpcr, number);
}

/* nothing, or what sets r2, where code calls us that has another one: asm_relocate takes it away */
bool asm_begins(const uint8_t *code, uint64_t size)
{
    static const uint32_t set_r2[2] = { 0x3c4c0000, 0x38420000 };        /* addis r2, r12, ..; addi r2, r2, .. */
    return size == 0 || (size == sizeof set_r2 && !memcmp(code, set_r2, sizeof set_r2));
}

enum asm_reloc asm_relocate(unsigned type, int64_t addend, uint8_t *code, uint64_t place, uint64_t symbol, bool undefined)
{
    static const uint32_t nop = NOP;
    switch (type) {
    case R_PPC64_REL24:
        return undefined && !addend ? RELOC_EXIT : RELOC_UNKNOWN;
    case R_PPC64_REL16_HA: case R_PPC64_REL16_LO:
        memcpy(code + place, &nop, sizeof nop);
        return undefined ? RELOC_DONE : RELOC_UNKNOWN;
    case R_PPC64_TOC16_HA: case R_PPC64_TOC16_LO: case R_PPC64_TOC16_LO_DS:
        return undefined ? RELOC_UNKNOWN : RELOC_ADDRESS;
    default: return RELOC_UNKNOWN;
    }
}

void asm_poll(struct lower *L, LLVMBasicBlockRef poked, LLVMBasicBlockRef next)
{
    static const char constraints[] = "b,!i,~{r0},~{memory}";        /* memory: what a loop waits for is read again each time */
    static const char text[] = "1:\tlwz 0, 0($0)\n\t.pushsection " POLL_SECTION ",\"\",@progbits\n\t.quad 1b, ${1:l}\n\t.popsection";
    LLVMTypeRef i64 = int_type(L, 64), t = LLVMFunctionType(LLVMVoidTypeInContext(L->c), &i64, 1, 0);
    LLVMValueRef a = LLVMGetInlineAsm(t, text, sizeof text - 1, constraints, sizeof constraints - 1, 1, 0, LLVMInlineAsmDialectATT, 0);
    LLVMBuildCallBr(L->b, t, a, next, &poked, 1, &L->kept[1], 1, NULL, 0, "");
}

LLVMValueRef asm_state(struct lower *L, uint32_t offset)
{
    LLVMTypeRef p = LLVMPointerTypeInContext(L->c, 0), i8 = int_type(L, 8);
    LLVMValueRef at = int_const(L, 64, offset);
    return LLVMBuildGEP2(L->b, i8, LLVMBuildIntToPtr(L->b, L->kept[0], p, ""), &at, 1, "");
}

/* --- flags: operand a, operand b, and 16 bits as in the state: the code, or the flags word --- */

enum { PARTS = 192, AT_B = 64, AT_CODE = 128 };
enum flag { C, P, A, Z, S, O };
static const uint8_t word_bit[N_FLAGS] = { [C] = 8, [P] = 10, [A] = 12, [Z] = 14, [S] = 15, [O] = 0 };
const unsigned asm_word_bits = PARTS;

uint64_t asm_word_mask(unsigned mask) { return 0; }

static LLVMValueRef i64c(struct lower *L, uint64_t v) { return LLVMConstInt(int_type(L, 64), v, 0); }
static LLVMValueRef and2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildAnd(L->b, a, b, ""); }
static LLVMValueRef or2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildOr(L->b, a, b, ""); }
static LLVMValueRef xor2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildXor(L->b, a, b, ""); }
static LLVMValueRef not1(struct lower *L, LLVMValueRef v) { return LLVMBuildNot(L->b, v, ""); }
static LLVMValueRef select2(struct lower *L, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildSelect(L->b, c, a, b, ""); }
static LLVMValueRef has_bit(struct lower *L, LLVMValueRef v, unsigned n)
{
    return LLVMBuildTrunc(L->b, LLVMBuildLShr(L->b, v, LLVMConstInt(LLVMTypeOf(v), n, 0), ""), int_type(L, 1), "");
}

static LLVMValueRef part(struct lower *L, LLVMValueRef word, unsigned at, unsigned bits)
{
    return LLVMBuildTrunc(L->b, LLVMBuildLShr(L->b, word, LLVMConstInt(LLVMTypeOf(word), at, 0), ""), int_type(L, bits), "");
}

static LLVMValueRef extended(struct lower *L, LLVMValueRef v, unsigned at)
{
    LLVMTypeRef t = int_type(L, PARTS);
    return LLVMBuildShl(L->b, LLVMBuildZExt(L->b, v, t, ""), LLVMConstInt(t, at, 0), "");
}

static LLVMValueRef load_from(struct lower *L, unsigned bits, uint32_t offset)
{
    LLVMValueRef v = LLVMBuildLoad2(L->b, int_type(L, bits), asm_state(L, offset), "");
    LLVMSetAlignment(v, bits / 8);
    return v;
}

static void store_to(struct lower *L, LLVMValueRef v, uint32_t offset)
{
    LLVMSetAlignment(LLVMBuildStore(L->b, v, asm_state(L, offset)), LLVMGetIntTypeWidth(LLVMTypeOf(v)) / 8);
}

LLVMValueRef asm_word_in(struct lower *L, LLVMValueRef *reg)
{
    const struct host_offsets *o = L->r->offsets;
    LLVMValueRef a = load_from(L, 64, o->spill + SPILL_LAZY_A), b = load_from(L, 64, o->spill + SPILL_LAZY_B);
    return or2(L, extended(L, a, 0), or2(L, extended(L, b, AT_B), extended(L, load_from(L, 16, o->flags), AT_CODE)));
}

void asm_word_out(struct lower *L, LLVMValueRef word, LLVMValueRef *reg)
{
    const struct host_offsets *o = L->r->offsets;
    if (!word)
        return;
    store_to(L, part(L, word, 0, 64), o->spill + SPILL_LAZY_A);
    store_to(L, part(L, word, AT_B, 64), o->spill + SPILL_LAZY_B);
    store_to(L, part(L, word, AT_CODE, 16), o->flags);
}

LLVMValueRef asm_word_of(struct lower *L, LLVMValueRef *flag, unsigned mask)
{
    LLVMTypeRef t = int_type(L, 16);
    LLVMValueRef word = LLVMConstNull(t);
    for (unsigned k = 0; k < N_FLAGS; k++)
        if (mask >> k & 1)
            word = or2(L, word, LLVMBuildShl(L->b, LLVMBuildZExt(L->b, flag[k], t, ""), LLVMConstInt(t, word_bit[k], 0), ""));
    return extended(L, word, AT_CODE);
}

/* of what was put off: lazy.c has the same in C. With operands at the left end of a register. */
static void flags_put_off(struct lower *L, LLVMValueRef code, LLVMValueRef a, LLVMValueRef b, LLVMValueRef *flag)
{
    LLVMTypeRef i64 = int_type(L, 64), i8 = int_type(L, 8);
    LLVMValueRef constant = LLVMBuildSExt(L->b, LLVMBuildAShr(L->b, code, int_const(L, 16, CODE_B), ""), i64, ""), sub = has_bit(L, code, 2);
    b = select2(L, has_bit(L, code, 0), constant, b);
    LLVMValueRef r = select2(L, sub, LLVMBuildSub(L->b, a, b, ""), LLVMBuildAdd(L->b, a, b, ""));
    LLVMValueRef a1 = select2(L, sub, not1(L, a), a), with = select2(L, sub, r, not1(L, r));           /* carry: a1 & b | (a1 | b) & with */
    LLVMValueRef carry = or2(L, and2(L, a1, b), and2(L, or2(L, a1, b), with));
    LLVMValueRef over = and2(L, xor2(L, a, r), xor2(L, b, select2(L, sub, a, r)));
    LLVMValueRef width = and2(L, LLVMBuildLShr(L->b, code, int_const(L, 16, CODE_WIDTH), ""), int_const(L, 16, 3));
    LLVMValueRef left = LLVMBuildSub(L->b, i64c(L, 64), LLVMBuildShl(L->b, i64c(L, 8), LLVMBuildZExt(L->b, width, i64, ""), ""), ""), zero = i64c(L, 0);
    LLVMValueRef low = LLVMBuildTrunc(L->b, r, i8, "");
    flag[P] = not1(L, LLVMBuildTrunc(L->b, intrinsic(L, "llvm.ctpop", i8, &low, 1), int_type(L, 1), ""));
    flag[A] = has_bit(L, xor2(L, xor2(L, a, b), r), 4);
    flag[Z] = LLVMBuildICmp(L->b, LLVMIntEQ, LLVMBuildShl(L->b, r, left, ""), zero, "");
    flag[S] = LLVMBuildICmp(L->b, LLVMIntSLT, LLVMBuildShl(L->b, r, left, ""), zero, "");
    flag[C] = LLVMBuildICmp(L->b, LLVMIntSLT, LLVMBuildShl(L->b, carry, left, ""), zero, "");
    flag[O] = LLVMBuildICmp(L->b, LLVMIntSLT, LLVMBuildShl(L->b, over, left, ""), zero, "");
}

void asm_flags_of_word(struct lower *L, LLVMValueRef word, LLVMValueRef *flag)
{
    LLVMValueRef code = part(L, word, AT_CODE, 16), put_off = has_bit(L, code, 1);
    _Static_assert(CODE_CONST == 1 && CODE_LAZY == 2 && CODE_SUB == 4, "bits 0, 1, 2");
    flags_put_off(L, code, part(L, word, 0, 64), part(L, word, AT_B, 64), flag);
    for (unsigned k = 0; k < N_FLAGS; k++)
        flag[k] = select2(L, put_off, flag[k], has_bit(L, code, word_bit[k]));
}

static LLVMValueRef wide(struct lower *L, LLVMValueRef v)
{
    return LLVMGetIntTypeWidth(LLVMTypeOf(v)) == 64 ? v : LLVMBuildZExt(L->b, v, int_type(L, 64), "");
}

LLVMValueRef asm_flags(struct lower *L, enum flags_of how, LLVMValueRef a, LLVMValueRef b)
{
    unsigned bytes = LLVMGetIntTypeWidth(LLVMTypeOf(a)) / 8, code = CODE_LAZY | (how == FLAGS_ADD ? 0 : CODE_SUB) | (bytes == 8 ? 3 : bytes / 2) << CODE_WIDTH;
    int64_t c = 0;
    if (b && LLVMIsAConstantInt(b))
        c = LLVMConstIntGetSExtValue(b);
    if (!b || (LLVMIsAConstantInt(b) && c >= -1024 && c < 1024)) {
        code |= CODE_CONST | (unsigned)c << CODE_B;
        b = LLVMGetUndef(int_type(L, 64));
    }
    LLVMValueRef word = extended(L, LLVMConstInt(int_type(L, 16), code & 0xffff, 0), AT_CODE);
    return or2(L, or2(L, word, extended(L, wide(L, b), AT_B)), extended(L, wide(L, a), 0));
}

/* --- integers --- */

LLVMValueRef asm_low_part(struct lower *L, LLVMValueRef old, LLVMValueRef v)
{
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(v));
    return or2(L, and2(L, old, i64c(L, ~((1ull << width) - 1))), wide(L, v));
}

LLVMValueRef asm_low_operation(struct lower *L, const char *name, LLVMValueRef old, LLVMValueRef v) { return NULL; }
LLVMValueRef asm_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest) { return lower_divide(L, in, rest); }
/* What LLVM has spilled lies below the stack pointer: a frame for it first. r2 is tier 1's, C has its own. */
LLVMValueRef asm_call(struct lower *L, uint64_t function, LLVMValueRef arg[5])
{
    char text[256];
    snprintf(text, sizeof text, "lis 12, %d\n\tori 12, 12, %u\n\tsldi 12, 12, 32\n\toris 12, 12, %u\n\tori 12, 12, %u\n\tmtctr 12\n\tstdu 1, -%d(1)\n\tstd 2, 24(1)\n\tbctrl\n\tld 2, 24(1)\n\taddi 1, 1, %d",
             (int16_t)(function >> 48), (unsigned)(function >> 32 & 0xffff), (unsigned)(function >> 16 & 0xffff), (unsigned)(function & 0xffff), ASM_FRAME + 512, ASM_FRAME + 512);
    return inline_call(L, text, "={r3},={r4},={r5},={r6},={r7},0,1,2,3,4,~{r0},~{r8},~{r9},~{r10},~{r11},~{r12},~{ctr},~{lr},~{xer},~{cr0},~{cr1},~{cr5},~{cr6},~{cr7},~{memory}", arg, 5);
}

LLVMValueRef asm_crc32(struct lower *L, const struct ir_insn *in) { return NULL; }

bool asm_allows(const struct ir_insn *in) { return in->op != IR_CRC32C; }

bool asm_known(const struct ir_block *b, const struct ir_insn *in) { return p64_float_known(b, in) || p64_vector_known(in); }
LLVMValueRef asm_vector(struct lower *L, const struct ir_insn *in) { return p64_float_known(L->ir, in) ? p64_float(L, in) : p64_vector(L, in); }

/* --- memory --- */

static void barrier(struct lower *L, const char *text) { call_asm(L, text, "~{memory}", LLVMVoidTypeInContext(L->c), NULL, 0, ASM_EFFECTS); }
void asm_order_load(struct lower *L) { barrier(L, "lwsync"); }
void asm_order_store(struct lower *L) { barrier(L, "lwsync"); }
void asm_fence(struct lower *L, unsigned kind) { barrier(L, kind == 0 ? "sync" : "lwsync"); }

/* lxvd2x and stxvd2x see big-endian doublewords, but not POWER8's lvx any address */
static LLVMValueRef swapped(struct lower *L, LLVMValueRef v)
{
    LLVMValueRef order[2] = { int_const(L, 32, 1), int_const(L, 32, 0) };
    return LLVMBuildShuffleVector(L->b, v, v, LLVMConstVector(order, 2), "");
}

LLVMValueRef asm_load(struct lower *L, LLVMTypeRef type, LLVMValueRef pointer, bool aligned)
{
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        return swapped(L, call_asm(L, "lxvd2x ${0:x}, 0, $1", "=^wa,r", type, &pointer, 1, ASM_EFFECTS));
    unsigned width = LLVMGetIntTypeWidth(type);
    const char *text = width == 8 ? "lbz $0, 0($1)" : width == 16 ? "lhz $0, 0($1)" : width == 32 ? "lwz $0, 0($1)" : "ld $0, 0($1)";
    return call_asm(L, text, "=r,b", int_type(L, 64), &pointer, 1, ASM_EFFECTS);
}

void asm_store(struct lower *L, LLVMValueRef v, LLVMValueRef pointer, bool aligned)
{
    LLVMValueRef arg[2] = { pointer, v };
    if (LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind) {
        arg[1] = swapped(L, v);
        call_asm(L, "stxvd2x ${1:x}, 0, $0", "r,^wa,~{memory}", LLVMVoidTypeInContext(L->c), arg, 2, ASM_EFFECTS);
        return;
    }
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(v));
    const char *text = width == 8 ? "stb $1, 0($0)" : width == 16 ? "sth $1, 0($0)" : width == 32 ? "stw $1, 0($0)" : "std $1, 0($0)";
    arg[1] = wide(L, v);
    call_asm(L, text, "b,r,~{memory}", LLVMVoidTypeInContext(L->c), arg, 2, ASM_EFFECTS);
}
