/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift.c: the driver: decodes one instruction after the other (decode.h, else Zydis), hands each to its family (lift_table.def), and
 * ends the block. Manual: Intel SDM volume 2, chapter 2 (formats), volume 3, 6.15 (which fault for which bytes).
 * What must stay true:
 *  D1 an instruction is decoded only from bytes that may be fetched, and decoded once
 *  D2 a block never starts an instruction that it can't decode, unless it is its first: what comes before is run first
 */
#include "guest/decode.h"
#include "guest/lift_internal.h"
#include "guest/probe.h"
#include "guest/lift_live.h"
#include <stdlib.h>

/* IR instructions that one guest instruction may take, exits included: ENTER with 31 levels */
enum { ROOM_PER_INSN = 192, MAX_INSN_LENGTH = X86_MAX_LENGTH, FETCH_AHEAD = 64, AHEAD = 96 };

/* --- the table --- */

struct family { x86_lift_fn *fn; uint32_t arg; bool hidden_operands; };

/* Operands that are not written in the assembly are decoded only for instructions outside the integer table. */
static const struct family families[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, fn, arg) [ZYDIS_MNEMONIC_##mnemonic] = { fn, arg, false },
#include "guest/table_integer.def"
#undef INSN
#define INSN(mnemonic, fn, arg) [ZYDIS_MNEMONIC_##mnemonic] = { fn, arg, true },
#include "guest/table_sse.def"
#include "guest/table_x87.def"
#undef INSN
};

/* These two mnemonics have a string and a vector instruction each; the table has the vector's. */
static const struct family string_movsd = { x86_lift_movs, 4, false }, string_cmpsd = { x86_lift_cmps, 4, false };

static const struct family *family_of(const ZydisDecodedInstruction *insn)
{
    if (insn->meta.category == ZYDIS_CATEGORY_STRINGOP) {
        if (insn->mnemonic == ZYDIS_MNEMONIC_MOVSD)
            return &string_movsd;
        if (insn->mnemonic == ZYDIS_MNEMONIC_CMPSD)
            return &string_cmpsd;
    }
    return &families[insn->mnemonic];
}

/* --- decoding --- */

/* Instructions of extensions that are hints or absent for this processor decode as the long NOPs that they are. */
static ZydisDecoder decoder;

__attribute__((constructor)) static void make_decoder(void)
{
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
}

const ZydisDecoder *x86_decoder(void)
{
    return &decoder;
}

/* bytes at L->pc that may be fetched, up to a whole instruction */
static size_t fetch(struct x86_lifter *L)
{
    if (L->code_end - L->pc < MAX_INSN_LENGTH || L->code_end < L->pc)
        L->code_end = L->pc + L->cfg->fetchable(L->cfg->ctx, L->pc, FETCH_AHEAD);
    size_t n = L->code_end - L->pc;
    return n < MAX_INSN_LENGTH ? n : MAX_INSN_LENGTH;
}

/* where the n bytes of code at L->pc can be read */
static const uint8_t *code(struct x86_lifter *L, size_t n)
{
    uint64_t at = n ? ir_mem_at(L->pc, (unsigned)n, false) : L->pc;
    if (at != IR_MEM_SPLIT)
        return (const uint8_t *)at;
    x86_read_memory(L->bytes, L->pc, n);
    return L->bytes;
}

/* *trap: what the processor would do with bytes that are no instruction; IR_TRAP_DECODE when some are missing */
static bool decode(struct x86_lifter *L, size_t n, ZydisDecoderContext *ctx, enum ir_trap *trap)
{
    if (n == 0) {
        *trap = IR_TRAP_DECODE;
        return false;
    }
    ZyanStatus status = ZydisDecoderDecodeInstruction(&decoder, ctx, code(L, n), n, &L->insn);
    if (ZYAN_SUCCESS(status)) {
        *trap = IR_TRAP_ILLEGAL;
        return !x86_only_knights_corner(&L->insn);
    }
    bool missing = status == ZYDIS_STATUS_NO_MORE_DATA;
    *trap = missing && n < MAX_INSN_LENGTH ? IR_TRAP_DECODE
          : missing || status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? IR_TRAP_PRIVILEGED : IR_TRAP_ILLEGAL;
    return false;
}

/* --- blocks --- */

/* A block that stores no flags itself has nothing to gain by a look at its targets: but to say which it needs, for those before it. */
unsigned x86_exit_flags(struct x86_lifter *L, uint64_t target)
{
    if (L->cfg->later_exits || (!L->B.stores_flags && !L->cfg->exact_exits))
        return IR_F_ALL;
    return x86_live_flags(L->cfg, target, L->B.b->guest_pc, L->code_end);
}

void x86_lift_exits(const struct x86_lift_config *cfg, struct ir_block *b)
{
    bool stores_flags = cfg->exact_exits;
    for (struct ir_insn *in = b->insn, *end = in + b->n; in < end; in++)
        if (in->op == IR_PUTF)
            stores_flags = true;
        else if (stores_flags && (in->op == IR_EXIT || in->op == IR_EXITIF || in->op == IR_EXITCALL))
            in->lane = (uint8_t)x86_live_flags(cfg, (uint64_t)in->imm, b->guest_pc, b->guest_end);
}

/* the block ends before the instruction at L->pc: it is not decodable, or there is no room */
static void end_block(struct x86_lifter *L)
{
    ir_emit(&L->B, IR_EXIT, IR_VOID, x86_exit_flags(L, L->pc), 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)L->pc);
    L->done = true;
}

static void end_undecodable(struct x86_lifter *L, size_t n, enum ir_trap trap)
{
    if (L->B.b->n_guest_insns) {
        end_block(L);
        return;
    }
    ir_insn_start(&L->B, L->pc, n ? n : 1);
    x86_trap(L, trap, L->pc);
}

/* The instruction at L->pc with its operands; *f: its family, or NULL when it has none. False: the block is ended. */
static bool decode_full(struct x86_lifter *L, const struct family **f)
{
    enum ir_trap trap;
    size_t n = fetch(L);
    ZydisDecoderContext ctx;
    if (n == MAX_INSN_LENGTH && x86_decode_common(code(L, n), &L->insn, L->op)) {
        *f = &families[L->insn.mnemonic];
        return true;
    }
    if (!decode(L, n, &ctx, &trap)) {
        end_undecodable(L, n, trap);
        return false;
    }
    *f = family_of(&L->insn);
    unsigned n_operands = (*f)->hidden_operands ? L->insn.operand_count : L->insn.operand_count_visible;
    if (!(*f)->fn || ZYAN_FAILED(ZydisDecoderDecodeOperands(&decoder, &ctx, &L->insn, L->op, (ZyanU8)n_operands)))
        *f = NULL;
    return true;
}

static void lift_insn(struct x86_lifter *L)
{
    const struct family *f;
    __builtin_prefetch((const void *)(L->pc + AHEAD));        /* nobody has read this code before */
    if (!decode_full(L, &f))
        return;
    L->next_pc = L->pc + L->insn.length;
    L->ea_op = ~0u;
    ir_insn_start(&L->B, L->pc, L->insn.length);
    if (!f || !f->fn(L, f->arg))
        x86_trap(L, IR_TRAP_ILLEGAL, L->pc);
    L->pc = L->next_pc;
}

void x86_lift(const struct x86_lift_config *cfg, uint64_t pc, struct ir_block *b)
{
    struct x86_lifter L;
    ir_build_start(&L.B, b, pc);
    L.cfg = cfg;
    L.pc = L.code_end = pc;
    L.done = false;
    L.n_conditional = 0;
    L.mmx_entered = false;
    while (!L.done) {
        if (b->n_guest_insns && (b->n_guest_insns >= cfg->max_insns || !ir_room(&L.B, ROOM_PER_INSN)))
            end_block(&L);
        else
            lift_insn(&L);
    }
#ifdef WHERRY_DEBUG
    const char *wrong = ir_verify(b);
    if (wrong) {
        fprintf(stderr, "wherry: block at %#llx: %s\n", (unsigned long long)pc, wrong);
        ir_print(stderr, b);
        abort();
    }
#endif
}

/* --- disassembly --- */

unsigned x86_disassemble(const uint8_t *bytes, size_t n, uint64_t pc, char *text, size_t text_size)
{
    ZydisDecoder plain;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&plain, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (text && text_size)
        text[0] = 0;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&plain, bytes, n, &insn, op)))
        return 0;
    if (text && text_size) {
        ZydisFormatter formatter;
        ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
        ZydisFormatterFormatInstruction(&formatter, &insn, op, insn.operand_count_visible, text, text_size, pc, ZYAN_NULL);
    }
    return insn.length;
}
