/* SPDX-License-Identifier: GPL-2.0-or-later
 * generate.c: cases from the table of what is lifted. A form is an opcode with its prefixes and ModRM.reg; every encoding whose decoded
 * mnemonic stands in lift_table.def is a form. Operands, registers and memory are random, then bent so that memory operands
 * fall into the window (or, now and then, across its end into pages that fault).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "difftest.h"

struct form { uint8_t vex, map, pp, opcode, reg, memory, w; uint16_t mnemonic; };
static struct form *forms; static unsigned n_forms;
static unsigned *first; static unsigned n_mnemonics;     /* forms sorted by mnemonic: first[k] .. first[k + 1] */
static ZydisDecoder decoder;

static const uint16_t lifted[] = {
#define INSN(mnemonic, fn, arg) ZYDIS_MNEMONIC_##mnemonic,
#include "guest/lift_table.def"
#undef INSN
};
/* not comparable in one process (time, identity, segment bases, system state that the kernel emulates) or not one instruction */
static const uint16_t excluded[] = {
#define X(m) ZYDIS_MNEMONIC_##m,
    X(CPUID) X(RDTSC) X(RDTSCP) X(RDPMC) X(RDRAND) X(RDSEED) X(RDPID) X(XGETBV) X(SYSCALL) X(SYSENTER) X(SYSRET) X(SYSEXIT) X(INT) X(INT1) X(INT3) X(INTO)
    X(RDFSBASE) X(RDGSBASE) X(WRFSBASE) X(WRGSBASE) X(SGDT) X(SIDT) X(SLDT) X(STR) X(SMSW) X(LAR) X(LSL) X(VERR) X(VERW) X(LFS) X(LGS) X(LSS)
    X(IRET) X(IRETD) X(IRETQ) X(SWAPGS) X(MONITOR) X(MWAIT)
#undef X
};
static bool in(uint16_t m, const uint16_t *list, size_t n) { for (size_t i = 0; i < n; i++) if (list[i] == m) return true; return false; }

static unsigned encode(const struct form *f, uint8_t *b)
{
    unsigned n = 0;
    static const uint8_t pp_byte[4] = { 0, 0x66, 0xf3, 0xf2 };
    uint8_t r = (uint8_t)test_random();
    if (test_below(12) == 0) b[n++] = test_below(2) ? 0x64 : 0x65;
    if (test_below(24) == 0) b[n++] = 0x67;
    if (f->vex) {
        b[n++] = 0xc4; b[n++] = (uint8_t)((r & 0xe0) | f->map); b[n++] = (uint8_t)(f->w << 7 | (test_below(16) << 3) | f->pp);
    } else {
        if (f->memory && test_below(10) == 0) b[n++] = 0xf0;
        if (f->pp) b[n++] = pp_byte[f->pp];
        if (f->w || test_below(2)) b[n++] = (uint8_t)(0x40 | f->w << 3 | (r & 7));
        if (f->map) b[n++] = 0x0f;
        if (f->map == 2) b[n++] = 0x38;
        if (f->map == 3) b[n++] = 0x3a;
    }
    b[n++] = f->opcode;
    uint8_t mod = f->memory ? (uint8_t)test_below(3) : 3;
    b[n++] = (uint8_t)(mod << 6 | f->reg << 3 | test_below(8));
    while (n < 16) b[n++] = (uint8_t)test_integer();
    return n;
}

static int by_mnemonic(const void *a, const void *b) { return (int)((const struct form *)a)->mnemonic - (int)((const struct form *)b)->mnemonic; }

unsigned test_make_forms(const char *only)
{
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    unsigned room = 1 << 17; forms = malloc(room * sizeof *forms);
    static bool ok[ZYDIS_MNEMONIC_MAX_VALUE + 1];
    for (size_t i = 0; i < sizeof lifted / sizeof *lifted; i++)
        ok[lifted[i]] = !in(lifted[i], excluded, sizeof excluded / sizeof *excluded) && (!only || !strcasecmp(only, ZydisMnemonicGetString(lifted[i])));
    for (unsigned vex = 0; vex < 2; vex++) for (unsigned map = vex; map < 4; map++) for (unsigned pp = 0; pp < 4; pp++)
    for (unsigned op = 0; op < 256; op++) for (unsigned reg = 0; reg < 8; reg++) for (unsigned m = 0; m < 2; m++) for (unsigned w = 0; w < 2; w++) {
        struct form f = { (uint8_t)vex, (uint8_t)map, (uint8_t)pp, (uint8_t)op, (uint8_t)reg, (uint8_t)m, (uint8_t)w, 0 };
        if (!vex && !map && (op == 0x0f || op == 0x26 || op == 0x2e || op == 0x36 || op == 0x3e || (op >= 0x40 && op < 0x50) || (op >= 0x64 && op < 0x68) || op == 0xf0 || op == 0xf2 || op == 0xf3)) continue;
        for (int try = 0; try < 4; try++) {
            uint8_t b[16]; ZydisDecodedInstruction insn;
            encode(&f, b);
            if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, b, 15, &insn)) || !ok[insn.mnemonic]) continue;
            f.mnemonic = insn.mnemonic;
            if (n_forms < room) forms[n_forms++] = f;
            break;
        }
    }
    qsort(forms, n_forms, sizeof *forms, by_mnemonic);
    first = malloc((ZYDIS_MNEMONIC_MAX_VALUE + 2) * sizeof *first);
    for (unsigned i = 0; i < n_forms; i++) if (!i || forms[i].mnemonic != forms[i - 1].mnemonic) first[n_mnemonics++] = i;
    first[n_mnemonics] = n_forms;
    return n_mnemonics;
}

static int gpr_number(ZydisRegister r, unsigned *bits)
{
    ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    if (full < ZYDIS_REGISTER_RAX || full > ZYDIS_REGISTER_R15) return -1;
    if (bits) *bits = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, r);
    return full - ZYDIS_REGISTER_RAX;
}

/* make the memory operand's address `want`; false when this encoding can't reach it */
static bool aim(struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t want)
{
    const ZydisDecodedOperandMem *m = &op->mem;
    uint64_t seg = m->segment == ZYDIS_REGISTER_FS ? c->in.fs_base : m->segment == ZYDIS_REGISTER_GS ? c->in.gs_base : 0;
    uint64_t disp = (uint64_t)m->disp.value, mask = insn->address_width == 32 ? 0xffffffff : ~0ull;
    if (seg && mask != ~0ull) return false;
    int base = gpr_number(m->base, NULL), index = gpr_number(m->index, NULL);
    uint64_t *g = c->in.gpr;
    if (base >= 0 && base == index) {
        g[base] = (want - disp - seg) / (1u + m->scale) & mask;
    } else if (base >= 0) {
        uint64_t i = index >= 0 ? (ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, m->index) == 8 ? g[index] & 0xff : g[index]) : 0;
        g[base] = (want - disp - seg - i * m->scale) & mask;
        if (mask != ~0ull) g[base] |= test_random() << 32;
    } else {
        if (seg || !insn->raw.disp.size || insn->raw.disp.size < 32) return false;
        uint64_t v = want;
        if (index >= 0) { g[index] = test_below(64); v -= g[index] * m->scale; }
        if (m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP) v -= c->pc + insn->length;
        memcpy(c->bytes + insn->raw.disp.offset, &v, insn->raw.disp.size / 8);
    }
    return true;
}

static uint64_t choose_address(struct test_case *c, unsigned size)
{
    uint64_t p;
    switch (test_below(32)) {
    case 0: return c->window + WINDOW - test_below(size + 1);                    /* into the page that is read-only */
    case 1: return EDGE_BASE + 4096 - test_below(size + 1);                      /* into nothing */
    case 2: return test_below(2) ? test_below(4096) : 0x8000000000000000ull + test_random() / 4;
    default: p = c->window + 160 + test_below(WINDOW - 320 - (size > 400 ? 400 : size));
    }
    if (size == 512) p = c->window + test_below(200);
    return test_below(4) ? p & ~15ull : p;
}

static bool fix_operands(struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    bool string = insn->mnemonic == ZYDIS_MNEMONIC_CMPSB;
    for (unsigned i = 0; i < insn->operand_count; i++) {
        unsigned bits; int r = op[i].type == ZYDIS_OPERAND_TYPE_REGISTER ? gpr_number(op[i].reg.value, &bits) : -1;
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && ((op[i].reg.value >= ZYDIS_REGISTER_ES && op[i].reg.value <= ZYDIS_REGISTER_GS)
            || (op[i].reg.value >= ZYDIS_REGISTER_CR0 && op[i].reg.value <= ZYDIS_REGISTER_DR15)) && op[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN) return false;
        if (insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE) && r == 1) { c->in.gpr[1] = test_below(20); string = true; }
        if ((insn->mnemonic == ZYDIS_MNEMONIC_BT || insn->mnemonic == ZYDIS_MNEMONIC_BTS || insn->mnemonic == ZYDIS_MNEMONIC_BTR || insn->mnemonic == ZYDIS_MNEMONIC_BTC)
            && i == 1 && r >= 0) c->in.gpr[r] = test_below(1024) - 512;
    }
    (void)string;
    uint64_t want = choose_address(c, 0);
    for (unsigned i = 0; i < insn->operand_count; i++) if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && op[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN) {
        want = choose_address(c, op[i].size / 8);
        if (!aim(c, insn, &op[i], want)) return false;
        if ((insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG || insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B || insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B)
            && test_below(2) && want >= c->window && want + 16 <= c->window + WINDOW) {
            uint8_t *m = c->memory + (want - c->window);
            if (insn->mnemonic != ZYDIS_MNEMONIC_CMPXCHG8B) { memcpy(&c->in.gpr[0], m, 8); memcpy(&c->in.gpr[2], m + 8, 8); }
            else { memcpy(&c->in.gpr[0], m, 4); memcpy(&c->in.gpr[2], m + 4, 4); }
        }
    }
    uint64_t target = CODE_BASE + 0x100 + test_below(0x400);
    uint64_t at = c->in.gpr[4];
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_RET: at = c->in.gpr[4]; if (at >= c->window && at + 8 <= c->window + WINDOW) memcpy(c->memory + (at - c->window), &target, 8); break;
    case ZYDIS_MNEMONIC_JMP: case ZYDIS_MNEMONIC_CALL: {
        if (insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
        int r = op[0].type == ZYDIS_OPERAND_TYPE_REGISTER ? gpr_number(op[0].reg.value, NULL) : -1;
        if (op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE && (op[0].size != 64 || (insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE))) return false;   /* AMD: 16-bit targets */
        if (r >= 0) { if (insn->mnemonic == ZYDIS_MNEMONIC_CALL && r == 4) return false; c->in.gpr[r] = target; }
        if (op[0].type == ZYDIS_OPERAND_TYPE_MEMORY) {
            /* the address of operand 0 was aimed at first and, for CALL through rsp, moved by the push's aim: recompute */
            ZyanU64 a; ZydisRegisterContext ctx; memset(&ctx, 0, sizeof ctx);
            for (int k = 0; k < 16; k++) ctx.values[ZYDIS_REGISTER_RAX + k] = c->in.gpr[k];
            ZydisDecodedInstruction i2; ZydisDecodedOperand o2[ZYDIS_MAX_OPERAND_COUNT];
            if (op[0].mem.segment == ZYDIS_REGISTER_FS || op[0].mem.segment == ZYDIS_REGISTER_GS) return false;
            if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, c->bytes, 15, &i2, o2)) || ZYAN_FAILED(ZydisCalcAbsoluteAddressEx(&i2, &o2[0], c->pc, &ctx, &a))) return false;
            if (a >= c->window && a + 8 <= c->window + WINDOW) memcpy(c->memory + (a - c->window), &target, 8); else if (a >= DATA_BASE && a < EDGE_BASE + 4096) return false;
        }
        break; }
    case ZYDIS_MNEMONIC_POPF: case ZYDIS_MNEMONIC_POPFQ:
        if (at >= c->window && at + 8 <= c->window + WINDOW) { uint64_t f; memcpy(&f, c->memory + (at - c->window), 8); f &= ~0x40100ull; memcpy(c->memory + (at - c->window), &f, 8); }
        else if (at >= DATA_BASE - 8 && at < EDGE_BASE + 4096) return false;
        break;
    case ZYDIS_MNEMONIC_FXRSTOR: case ZYDIS_MNEMONIC_FXRSTOR64:
        if (test_below(8) && want >= c->window && want + 512 <= c->window + WINDOW) { uint32_t m = 0x1f80 | (uint32_t)test_below(4) << 13; memcpy(c->memory + (want - c->window) + 24, &m, 4); }
        break;
    case ZYDIS_MNEMONIC_LDMXCSR:
        if (want >= c->window && want + 4 <= c->window + WINDOW) { uint32_t m = c->in.mxcsr ^ (uint32_t)(test_below(4) << 13) ^ (test_below(8) ? 0 : 0x10000); memcpy(c->memory + (want - c->window), &m, 4); }
        else return false;                                   /* AMD has one more bit */
        break;
    case ZYDIS_MNEMONIC_FXSAVE: case ZYDIS_MNEMONIC_FXSAVE64: c->ignore = want + 6; c->ignore_size = 26; break;      /* the processor's MXCSR mask, opcode and pointers of the last x87 instruction */
    case ZYDIS_MNEMONIC_FNSAVE: case ZYDIS_MNEMONIC_FNSTENV: c->ignore = want + (insn->operand_width == 16 ? 6 : 12); c->ignore_size = insn->operand_width == 16 ? 8 : 16; break;
    case ZYDIS_MNEMONIC_ENTER: c->bytes[insn->raw.imm[0].offset + 1] = 0; if (test_below(2)) c->bytes[insn->raw.imm[1].offset] &= 3;
        c->in.gpr[5] = c->window + 300; if (test_below(4)) c->in.gpr[4] = c->window + 500; break;
    case ZYDIS_MNEMONIC_SHLD: case ZYDIS_MNEMONIC_SHRD:   /* 16 bits by more than 16: undefined */
        if (op[0].size == 16) { if (op[2].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) c->bytes[insn->raw.imm[0].offset] &= 15; else c->in.gpr[1] &= ~16ull; }
        break;
    default: break;
    }
    return true;
}

static uint32_t defined_flags(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    uint32_t undefined = insn->cpu_flags ? insn->cpu_flags->undefined : 0;
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_SHL: case ZYDIS_MNEMONIC_SHR: case ZYDIS_MNEMONIC_SAR: case ZYDIS_MNEMONIC_SHLD: case ZYDIS_MNEMONIC_SHRD:
        undefined |= ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_OF | (op[0].size < 32 ? ZYDIS_CPUFLAG_CF : 0); break;
    case ZYDIS_MNEMONIC_ROL: case ZYDIS_MNEMONIC_ROR: case ZYDIS_MNEMONIC_RCL: case ZYDIS_MNEMONIC_RCR: undefined |= ZYDIS_CPUFLAG_OF; break;
    case ZYDIS_MNEMONIC_MUL: case ZYDIS_MNEMONIC_IMUL: undefined |= ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_PF; break;
    case ZYDIS_MNEMONIC_BSF: case ZYDIS_MNEMONIC_BSR: undefined |= 0x8d5 & ~ZYDIS_CPUFLAG_ZF; break;
    case ZYDIS_MNEMONIC_DIV: case ZYDIS_MNEMONIC_IDIV: undefined |= 0x8d5; break;
    case ZYDIS_MNEMONIC_BT: case ZYDIS_MNEMONIC_BTS: case ZYDIS_MNEMONIC_BTR: case ZYDIS_MNEMONIC_BTC: undefined |= 0x8d4; break;
    default: break;
    }
    return 0xcd5 & ~undefined;        /* OF DF SF ZF AF PF CF; sigreturn does not load ID and NT */
}

bool test_generate(struct test_case *c, unsigned k)
{
    const struct form *f = &forms[first[k] + test_below(first[k + 1] - first[k])];
    ZydisDecodedInstruction insn; ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    encode(f, c->bytes);
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, c->bytes, 15, &insn, op)) || insn.mnemonic != f->mnemonic) return false;
    random_state(c);
    extern uint64_t test_fs_base, test_gs_base;
    c->in.fs_base = test_fs_base; c->in.gs_base = test_gs_base;
    c->ignore_size = 0;
    c->window = DATA_BASE + DATA_RW - WINDOW;
    c->in.pc = c->pc;
    for (unsigned i = 0; i < 2; i++) if (insn.raw.imm[i].is_relative && insn.raw.imm[i].size == 32) {
        int32_t rel = (int32_t)test_below(0x1000) - 0x800; memcpy(c->bytes + insn.raw.imm[i].offset, &rel, 4);
    }
    if (!fix_operands(c, &insn, op)) return false;
    memset(c->bytes + insn.length, 0xcc, 16u - insn.length);
    c->length = insn.length;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, c->bytes, 15, &insn, op)) || insn.mnemonic != f->mnemonic || insn.length != c->length) return false;
    for (unsigned i = 0; i < 2; i++) if (insn.raw.imm[i].is_relative) {       /* not into the instruction itself */
        uint64_t to = c->pc + insn.length + (uint64_t)insn.raw.imm[i].value.s;
        if ((insn.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) || (to >= c->pc && to < c->pc + insn.length)) return false;
    }
    c->flags_mask = defined_flags(&insn, op);
    c->mnemonic = insn.mnemonic;
    c->any_address = insn.operand_count && op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && op[0].size > 128;
    c->any_address |= insn.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ || insn.mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU || insn.mnemonic == ZYDIS_MNEMONIC_ENTER;
    ZydisFormatter fmt; ZydisFormatterInit(&fmt, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterFormatInstruction(&fmt, &insn, op, insn.operand_count_visible, c->text, sizeof c->text, c->pc, NULL);
    return true;
}
