/* SPDX-License-Identifier: GPL-2.0-or-later
 * aarch64.c: tier 2 on an aarch64 host. Tier 1's registers are those of src/host/aarch64/emit.h; the flags stay in x5, x6 and x7.
 */
#include <elf.h>
#include <llvm-c/Target.h>
#include <string.h>
#include "llvm/aarch64.h"

const char llvm_triple[] = "aarch64-unknown-linux-gnu", llvm_cpu[] = "generic", asm_no_vectors[] = "";
const char *const asm_options[] = { "-disable-lsr", "-disable-constant-hoisting", "-jump-is-expensive" /* two conditions are one branch, by CCMP */, NULL };
const LLVMCodeModel asm_code_model = LLVMCodeModelTiny;          /* no address is a multiple of a page's size and the rest */
const char asm_selector[] = "x15";
const char *const asm_kept[] = { "x8", "fp", NULL };             /* the state, the poll page */
const char *const asm_flag_regs[] = { "x5", "x6", "x7", NULL };
const char *const asm_kept_vectors[] = { NULL };
const bool asm_adds_products = true, asm_narrow_phis = false, asm_steps = true, asm_new_counters = false, asm_polls_last = false, asm_partial_registers = false, asm_halves = true, asm_aligns = false, asm_word_masks = true;
const unsigned asm_reloc_64 = R_AARCH64_ABS64;

void asm_start(void) { ASM_START(AArch64); }

/* Nothing is saved, and the frame is asm_entry's. */
void asm_function(struct lower *L) { naked_function(L); }

/* --- entry and exits --- */

enum { MOV_X16_SP = 0x910003f0, STR_X16 = 0xf9000110, LDR_X16 = 0xf9400110, SUB_SP_X16 = 0xd140061f /* - ASM_FRAME */, MOV_W15 = 0x5280000f, B = 0x14000000, NOP = 0xd503201f };

uint32_t asm_entry(const struct host_offsets *o, uint8_t *code, int which, uint32_t to_function)
{
    uint32_t word[ASM_ENTRY_SIZE / 4], n = 0, total = 4 + (which >= 0) + (to_function > ASM_ENTRY_SIZE);
    while (n < ASM_ENTRY_SIZE / 4 - total)
        word[n++] = NOP;
    uint32_t begin = 4 * n;
    word[n++] = MOV_X16_SP;
    word[n++] = STR_X16 | o->ret_sp / 8 << 10;
    word[n++] = LDR_X16 | o->host_sp / 8 << 10;
    word[n++] = SUB_SP_X16;
    if (which >= 0)
        word[n++] = MOV_W15 | (uint32_t)which << 5;
    if (to_function > ASM_ENTRY_SIZE)
        word[n] = B | (to_function - 4 * n) / 4;
    memcpy(code, word, sizeof word);
    return begin;
}

void asm_exit(const struct host_offsets *o, unsigned number, char *text, size_t size)
{
    snprintf(text, size, "ldr x16, [x8, #%u]\n\tmov sp, x16\n\tb wherry_exit_%u", o->ret_sp, number);
}

bool asm_begins(const uint8_t *code, uint64_t size) { return size == 0; }

enum asm_reloc asm_relocate(unsigned type, int64_t addend, uint8_t *code, uint64_t place, uint64_t symbol, bool undefined)
{
    uint64_t distance = symbol + (uint64_t)addend - place;
    uint32_t w;
    memcpy(&w, code + place, 4);
    if (undefined)
        return type == R_AARCH64_JUMP26 && !addend ? RELOC_EXIT : RELOC_UNKNOWN;
    switch (type) {
    case R_AARCH64_LD_PREL_LO19:
        w = (w & ~0xffffe0u) | (uint32_t)(distance >> 2 & 0x7ffff) << 5;
        break;
    case R_AARCH64_ADR_PREL_LO21:
        w = (w & ~0x60ffffe0u) | (uint32_t)(distance & 3) << 29 | (uint32_t)(distance >> 2 & 0x7ffff) << 5;
        break;
    default:
        return RELOC_UNKNOWN;
    }
    memcpy(code + place, &w, 4);
    return RELOC_DONE;
}

void asm_poll(struct lower *L, LLVMBasicBlockRef poked, LLVMBasicBlockRef next)
{
    static const char constraints[] = "r,!i,~{memory}";              /* memory: what a loop waits for is read again each time */
    static const char text[] = "1:\tldr wzr, [$0]\n\t.pushsection " POLL_SECTION ",\"\",@progbits\n\t.quad 1b, ${1:l}\n\t.popsection";
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

/* --- flags: the word is x5 << 32, P as the parity of its low byte, A as bit 12. What instcombine makes of the shifts costs nothing. --- */

enum { BIT_A = 12, BIT_O = 60, BIT_NC = 61, BIT_Z = 62, BIT_S = 63 };
enum flag { C, P, A, Z, S, O };
const unsigned asm_word_bits = 64;

uint64_t asm_word_mask(unsigned mask)
{
    static const uint64_t bits[N_FLAGS] = { [C] = 1ull << BIT_NC, [P] = 0xff, [A] = 1ull << BIT_A, [Z] = 1ull << BIT_Z, [S] = 1ull << BIT_S, [O] = 1ull << BIT_O };
    uint64_t all = 0;
    for (unsigned k = 0; k < N_FLAGS; k++)
        all |= mask >> k & 1 ? bits[k] : 0;
    return all;
}

static LLVMValueRef shl(struct lower *L, LLVMValueRef v, unsigned n) { return LLVMBuildShl(L->b, v, int_const(L, 64, n), ""); }
static LLVMValueRef shr(struct lower *L, LLVMValueRef v, unsigned n) { return LLVMBuildLShr(L->b, v, int_const(L, 64, n), ""); }
static LLVMValueRef mask(struct lower *L, LLVMValueRef v, int64_t bits) { return LLVMBuildAnd(L->b, v, int_const(L, 64, bits), ""); }
static LLVMValueRef or2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildOr(L->b, a, b, ""); }
static LLVMValueRef xor2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildXor(L->b, a, b, ""); }
static LLVMValueRef extend(struct lower *L, LLVMValueRef v) { return LLVMBuildZExt(L->b, v, int_type(L, 64), ""); }

LLVMValueRef asm_word_in(struct lower *L, LLVMValueRef *reg)
{
    LLVMValueRef a = shl(L, mask(L, xor2(L, reg[1], reg[2]), 16), BIT_A - 4);
    return or2(L, shl(L, reg[0], 32), or2(L, mask(L, reg[1], 0xff), a));
}

void asm_word_out(struct lower *L, LLVMValueRef word, LLVMValueRef *reg)
{
    reg[0] = shr(L, word, 32);
    reg[1] = word;
    reg[2] = xor2(L, word, shr(L, word, BIT_A - 4));
}

LLVMValueRef asm_word_of(struct lower *L, LLVMValueRef *flag, unsigned which)
{
    static const uint8_t at[N_FLAGS] = { [C] = BIT_NC, [P] = 0, [A] = BIT_A, [Z] = BIT_Z, [S] = BIT_S, [O] = BIT_O };
    LLVMValueRef word = int_const(L, 64, 0);
    for (unsigned k = 0; k < N_FLAGS; k++)
        if (which >> k & 1)
            word = or2(L, word, shl(L, extend(L, k == C || k == P ? LLVMBuildNot(L->b, flag[k], "") : flag[k]), at[k]));
    return word;
}

void asm_flags_of_word(struct lower *L, LLVMValueRef word, LLVMValueRef *flag)
{
    static const uint8_t at[N_FLAGS] = { [C] = BIT_NC, [A] = BIT_A, [Z] = BIT_Z, [S] = BIT_S, [O] = BIT_O };
    LLVMTypeRef i1 = int_type(L, 1), i8 = int_type(L, 8);
    for (unsigned k = 0; k < N_FLAGS; k++)
        if (k != P)
            flag[k] = LLVMBuildTrunc(L->b, shr(L, word, at[k]), i1, "");
    LLVMValueRef low = LLVMBuildTrunc(L->b, word, i8, "");
    flag[C] = LLVMBuildNot(L->b, flag[C], "");
    flag[P] = LLVMBuildNot(L->b, LLVMBuildTrunc(L->b, intrinsic(L, "llvm.ctpop", i8, &low, 1), i1, ""), "");
}

/* NZCV after comparing or adding. Narrow operands are compared in a register's upper part. */
LLVMValueRef asm_flags(struct lower *L, enum flags_of how, LLVMValueRef a, LLVMValueRef b)
{
    static const char *const text[][2] = {
        [FLAGS_TEST] = { "cmp ${1:w}, #0\n\tmrs $0, nzcv", "cmp $1, #0\n\tmrs $0, nzcv" }, [FLAGS_SUB] = { "cmp ${1:w}, ${2:w}\n\tmrs $0, nzcv", "cmp $1, $2\n\tmrs $0, nzcv" },
        [FLAGS_ADD] = { "cmn ${1:w}, ${2:w}\n\tmrs $0, nzcv", "cmn $1, $2\n\tmrs $0, nzcv" } };
    bool add = how == FLAGS_ADD;
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(a));
    LLVMTypeRef i64 = int_type(L, 64), t = width < 32 ? int_type(L, 32) : LLVMTypeOf(a), i8 = int_type(L, 8);
    LLVMValueRef arg[2] = { a, b }, low = LLVMBuildTrunc(L->b, add ? LLVMBuildAdd(L->b, a, b, "") : b ? LLVMBuildSub(L->b, a, b, "") : a, i8, "");
    LLVMValueRef half = b ? xor2(L, xor2(L, LLVMBuildTrunc(L->b, a, i8, ""), LLVMBuildTrunc(L->b, b, i8, "")), low) : NULL;
    for (unsigned k = 0; k < (b ? 2 : 1) && width < 32; k++)
        arg[k] = LLVMBuildShl(L->b, LLVMBuildZExt(L->b, arg[k], t, ""), int_const(L, 32, 32 - width), "");
    LLVMValueRef nzcv = shl(L, call_asm(L, text[how][width == 64], b ? "=r,r,r,~{nzcv}" : "=r,r,~{nzcv}", i64, arg, b ? 2 : 1, false), 32);
    LLVMValueRef word = or2(L, add ? xor2(L, nzcv, int_const(L, 64, 1ll << BIT_NC)) : nzcv, extend(L, low));
    return b ? or2(L, word, shl(L, mask(L, extend(L, half), 16), BIT_A - 4)) : word;
}

/* --- integers --- */

LLVMValueRef asm_low_part(struct lower *L, LLVMValueRef old, LLVMValueRef v)
{
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(v));
    return or2(L, mask(L, old, (int64_t)~((1ull << width) - 1)), extend(L, v));
}

LLVMValueRef asm_low_operation(struct lower *L, const char *name, LLVMValueRef old, LLVMValueRef v) { return NULL; }

LLVMValueRef asm_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest) { return lower_divide(L, in, rest); }
bool asm_known(const struct ir_block *b, const struct ir_insn *in) { return a64_float_known(b, in) || a64_vector_known(b, in); }
LLVMValueRef asm_vector(struct lower *L, const struct ir_insn *in) { return a64_float_known(L->ir, in) ? a64_float(L, in) : a64_vector(L, in); }
