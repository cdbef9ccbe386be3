/* SPDX-License-Identifier: GPL-2.0-or-later
 * generate.c: cases from the table of what is lifted. A form is an opcode with its prefixes and ModRM.reg; every encoding whose decoded
 * mnemonic stands in lift_table.def is a form. Operands, registers and memory are random, then bent so that memory operands
 * fall into the window (or, now and then, across its end into pages that fault).
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <Zydis/Zydis.h>
#include "difftest.h"
#include "vendor.h"

struct form { uint8_t vex, map, pp, opcode, reg, memory, w; uint16_t mnemonic; };
static struct form *forms; static unsigned n_forms;
static unsigned *first; static unsigned n_mnemonics;     /* forms sorted by mnemonic: first[k] .. first[k + 1] */
static ZydisDecoder decoder;

struct test_insn {
    uint8_t bytes[16]; unsigned length, how;
    uint32_t reads, writes, undefined;   /* flags */
    uint32_t touched;                    /* registers, MEMORY */
    uint64_t ignore; uint32_t ignored;   /* as in the case */
    bool last;                           /* nothing can follow it: a branch, or an FXSAVE (what it stored is not all comparable) */
};

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

/* Whether the mnemonic is one of a list of patterns between commas; without a list it is */
static bool wanted(const char *only, ZydisMnemonic m)
{
    const char *name = ZydisMnemonicGetString(m);
    char list[1000];
    snprintf(list, sizeof list, "%s", only ? only : "*");
    for (char *rest, *p = strtok_r(list, ",", &rest); p; p = strtok_r(NULL, ",", &rest))
        if (!fnmatch(p, name, FNM_CASEFOLD)) return true;
    return false;
}

bool test_wanted(const struct test_case *c, const char *only)
{
    ZydisDecodedInstruction insn;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, c->bytes, c->length, &insn)) && wanted(only, insn.mnemonic);
}

unsigned test_make_forms(const char *only)
{
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    unsigned room = 1 << 17; forms = malloc(room * sizeof *forms);
    static bool ok[ZYDIS_MNEMONIC_MAX_VALUE + 1];
    for (size_t i = 0; i < sizeof lifted / sizeof *lifted; i++)
        ok[lifted[i]] = !in(lifted[i], excluded, sizeof excluded / sizeof *excluded) && wanted(only, lifted[i]);
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

/* --- operands --- */

enum { MEMORY = 1u << 16, X87_POINTERS = 1u << 17 };
static uint32_t locked;                  /* what earlier instructions of the sequence have read or written: 16 registers, and so on */
static uint64_t low_end;                 /* where the sequence starts: no branch may go into it */

static bool set_gpr(struct test_case *c, int r, uint64_t v)
{
    if (locked >> r & 1) return c->in.gpr[r] == v;
    c->in.gpr[r] = v;
    return true;
}

static bool set_memory(struct test_case *c, uint64_t at, const void *p, size_t size)
{
    if (at < WINDOW_AT || at + size > WINDOW_AT + WINDOW) return at + size <= DATA_BASE || at >= EDGE_BASE + EDGE_SIZE;   /* else it is somebody's */
    if (locked & MEMORY) return false;
    memcpy(c->memory + (at - WINDOW_AT), p, size);
    return true;
}

static bool set_displacement(struct test_insn *t, const ZydisDecodedInstruction *insn, int64_t v)
{
    if (insn->raw.disp.size == 8 && v == (int8_t)v) t->bytes[insn->raw.disp.offset] = (uint8_t)v;
    else if (insn->raw.disp.size == 32 && v == (int32_t)v) { int32_t d = (int32_t)v; memcpy(t->bytes + insn->raw.disp.offset, &d, 4); }
    else return false;
    return true;
}

/* make the memory operand's address *want, or near it; false when this encoding can't reach it */
static bool aim(struct test_case *c, struct test_insn *t, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t *to)
{
    uint64_t want = *to;
    const ZydisDecodedOperandMem *m = &op->mem;
    uint64_t seg = m->segment == ZYDIS_REGISTER_FS ? c->in.fs_base : m->segment == ZYDIS_REGISTER_GS ? c->in.gs_base : 0;
    uint64_t disp = (uint64_t)m->disp.value, mask = insn->address_width == 32 ? 0xffffffff : ~0ull;
    if (seg && mask != ~0ull) return false;
    int base = gpr_number(m->base, NULL), index = gpr_number(m->index, NULL);
    const uint64_t *g = c->in.gpr;
    uint64_t scaled = index < 0 ? 0 : (ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, m->index) == 8 ? g[index] & 0xff : g[index]) * m->scale;
    if (base >= 0 && locked >> base & 1) {
        int64_t v = (int64_t)(want - seg - g[base] - scaled);
        return insn->raw.disp.size ? set_displacement(t, insn, mask == ~0ull ? v : (int32_t)v) : v == 0;
    }
    if (base >= 0 && base == index) {
        if (!set_gpr(c, base, (want - disp - seg) / (1u + m->scale) & mask)) return false;
        *to = ((g[base] * (1u + m->scale) + disp) & mask) + seg;
        return true;
    }
    if (base >= 0) {
        uint64_t v = (want - disp - seg - scaled) & mask;
        return set_gpr(c, base, mask == ~0ull ? v : v | test_random() << 32);
    }
    if (seg || insn->raw.disp.size < 32) return false;
    uint64_t v = want;
    if (index >= 0 && !(locked >> index & 1)) { set_gpr(c, index, test_below(64)); scaled = g[index] * m->scale; }
    v -= scaled;
    if (m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP) v -= c->pc + insn->length;
    if (insn->raw.disp.size == 32) return set_displacement(t, insn, (int32_t)v) && ((int64_t)v == (int32_t)v || mask != ~0ull);
    memcpy(t->bytes + insn->raw.disp.offset, &v, insn->raw.disp.size / 8);
    return true;
}

static uint64_t choose_address(unsigned size, bool masked_store)
{
    uint64_t p;
    switch (masked_store ? 3 : test_below(32)) {
    case 0: return WINDOW_AT + WINDOW - test_below(size + 1);                    /* into what is read-only */
    case 1: return EDGE_BASE + EDGE_SIZE - test_below(size + 1);                 /* into nothing */
    case 2: if (test_below(2)) return test_below(4096); p = test_random(); return 0x8000000000000000ull + p / 4;
    default: p = WINDOW_AT + 160 + test_below(WINDOW - 320 - (size > 400 ? 400 : size));
    }
    if (size == 512) p = WINDOW_AT + test_below(200);
    return test_below(4) ? p & ~15ull : p;
}

static bool is_bit_test(const ZydisDecodedInstruction *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_BT || insn->mnemonic == ZYDIS_MNEMONIC_BTS || insn->mnemonic == ZYDIS_MNEMONIC_BTR || insn->mnemonic == ZYDIS_MNEMONIC_BTC;
}

/* The bit lies outside the window: the offset's register is the base as well. With a segment base AMD's processors refuse some such. */
static bool far_bit(const struct test_case *c, const ZydisDecodedOperand *op)
{
    int r = op->type == ZYDIS_OPERAND_TYPE_REGISTER ? gpr_number(op->reg.value, NULL) : -1;
    return r >= 0 && c->in.gpr[r] + 512 > 1024;
}

/* registers that decide how much is done, or where */
static bool fix_registers(struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    for (unsigned i = 0; i < insn->operand_count; i++) if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER) {
        ZydisRegister reg = op[i].reg.value;
        int r = gpr_number(reg, NULL);
        if (((reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS) || (reg >= ZYDIS_REGISTER_CR0 && reg <= ZYDIS_REGISTER_DR15))
            && op[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN) return false;
        if (insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE) && r == 1 && !set_gpr(c, 1, test_below(20)))
            if (c->in.gpr[1] > 40) return false;
        if (is_bit_test(insn) && i == 1 && r >= 0) set_gpr(c, r, test_below(1024) - 512);
    }
    return true;
}

/* half the time, what CMPXCHG compares with is what is there */
static void meet(struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperandMem *m, uint64_t want)
{
    int base = gpr_number(m->base, NULL), index = gpr_number(m->index, NULL);
    if (base == 0 || base == 2 || index == 0 || index == 2) return;
    if (insn->mnemonic != ZYDIS_MNEMONIC_CMPXCHG && insn->mnemonic != ZYDIS_MNEMONIC_CMPXCHG8B && insn->mnemonic != ZYDIS_MNEMONIC_CMPXCHG16B) return;
    if (test_below(2) || want < WINDOW_AT || want + 16 > WINDOW_AT + WINDOW) return;
    uint64_t v[2] = { 0, 0 };
    unsigned half = insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B ? 4 : 8;
    memcpy(&v[0], c->memory + (want - WINDOW_AT), half); memcpy(&v[1], c->memory + (want - WINDOW_AT) + half, half);
    set_gpr(c, 0, v[0]); set_gpr(c, 2, v[1]);
}

/* near jumps and calls by register or memory go into the code's INT3s */
static bool fix_target(struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at)
{
    uint64_t target = CODE_BASE + 0x100 + test_below(0x400);
    bool call = insn->mnemonic == ZYDIS_MNEMONIC_CALL;
    if (insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
    if (op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) return true;
    if (op[0].size != 64 || (insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE)) return false;         /* AMD: 16-bit targets */
    if (op[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
        int r = gpr_number(op[0].reg.value, NULL);
        return !(call && r == 4) && set_gpr(c, r, target);
    }
    if (call && (gpr_number(op[0].mem.base, NULL) == 4 || gpr_number(op[0].mem.index, NULL) == 4)) return false;     /* the push has moved it */
    return (at < CODE_BASE || at >= DATA_BASE) && set_memory(c, at, &target, 8);
}

/* ENTER copies frame pointers; in which order it reads and writes where both overlap is the processor's own. */
static bool fix_enter(struct test_case *c, const ZydisDecodedOperand *op)
{
    uint64_t level = op[1].imm.value.u & 31, top = c->in.gpr[4];
    if (top - WINDOW_AT < 400) set_gpr(c, 5, WINDOW_AT + 650 + test_below(118));
    uint64_t frame = c->in.gpr[5];
    return level < 2 || frame <= top - 8 * (level + 1) || frame - 8 * level >= top;
}

static bool fix_memory(struct test_case *c, struct test_insn *t, const ZydisDecodedInstruction *insn, uint64_t want)
{
    uint64_t at = c->in.gpr[4], target = CODE_BASE + 0x100 + test_below(0x400), offset = want - WINDOW_AT;
    t->ignored = vendor_ignores(insn);
    t->ignore = t->ignored ? want : 0;
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_RET:
        if (insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) return false;     /* AMD: 16-bit targets */
        if (at + 8 > EDGE_BASE && at < EDGE_BASE + EDGE_SIZE) return false;
        return insn->meta.branch_type != ZYDIS_BRANCH_TYPE_FAR && set_memory(c, at, &target, 8);
    case ZYDIS_MNEMONIC_POPF: case ZYDIS_MNEMONIC_POPFQ: {
        uint64_t f;
        if (at < WINDOW_AT || at + 8 > WINDOW_AT + WINDOW) return at < DATA_BASE - 8 || at >= EDGE_BASE + EDGE_SIZE;
        memcpy(&f, c->memory + (at - WINDOW_AT), 8);
        f &= ~0x40100ull;                                                    /* no trap flag, no alignment checks */
        return set_memory(c, at, &f, 8); }
    case ZYDIS_MNEMONIC_FXRSTOR: case ZYDIS_MNEMONIC_FXRSTOR64: {
        uint32_t mxcsr = 0x1f80 | (uint32_t)test_below(4) << 13;
        if (test_below(8) == 0) mxcsr |= 0x10000;
        if (offset + 512 <= WINDOW) return set_memory(c, want + 24, &mxcsr, 4);
        if (offset + 28 <= WINDOW) memcpy(&mxcsr, c->memory + offset + 24, 4);
        return !(mxcsr & 0x20000) && (offset + 28 <= WINDOW || offset + 24 >= WINDOW); }                   /* not reserved on AMD's processors */
    case ZYDIS_MNEMONIC_LDMXCSR: {
        uint32_t mxcsr = (uint32_t)test_random() & 0xffff;
        if (test_below(8) == 0) mxcsr |= 0x10000;                             /* reserved; bit 17 is not on AMD's processors */
        if (offset + 4 <= WINDOW) return set_memory(c, want, &mxcsr, 4);
        return offset + 4 > WINDOW + 8; }
    default: break;
    }
    return true;
}

static bool fix_operands(struct test_case *c, struct test_insn *t, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    if (!fix_registers(c, insn, op)) return false;
    uint64_t want = 0, target = 0;
    bool masked = insn->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ || insn->mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU;
    for (unsigned i = 0; i < insn->operand_count; i++) if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && op[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN) {
        want = choose_address(op[i].size / 8, masked && test_below(8));
        if (!aim(c, t, insn, &op[i], &want) || (is_bit_test(insn) && far_bit(c, &op[1]))) return false;
        if (i == 0) target = want;
        meet(c, insn, &op[i].mem, want);
    }
    if ((insn->mnemonic == ZYDIS_MNEMONIC_JMP || insn->mnemonic == ZYDIS_MNEMONIC_CALL) && !fix_target(c, insn, op, target)) return false;
    if (insn->mnemonic == ZYDIS_MNEMONIC_ENTER && !fix_enter(c, op)) return false;
    if (vendor_leaves_out(c, insn, op, want)) return false;
    return fix_memory(c, t, insn, want);
}

/* --- flags --- */

#define STATUS_FLAGS 0x8d5u              /* OF SF ZF AF PF CF */

static bool maybe_nothing(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    if (insn->meta.category != ZYDIS_CATEGORY_SHIFT && insn->meta.category != ZYDIS_CATEGORY_ROTATE) return insn->meta.category == ZYDIS_CATEGORY_STRINGOP;
    unsigned last = insn->operand_count_visible - 1u;
    return op[last].type != ZYDIS_OPERAND_TYPE_IMMEDIATE || (op[last].imm.value.u & 31) == 0;
}

static void flag_use(struct test_insn *t, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    uint32_t undefined = 0;
    t->reads = t->writes = 0;
    if (insn->cpu_flags) {
        undefined = insn->cpu_flags->undefined; t->reads = insn->cpu_flags->tested;
        t->writes = insn->cpu_flags->modified | insn->cpu_flags->set_0 | insn->cpu_flags->set_1;
    }
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_SHL: case ZYDIS_MNEMONIC_SHR: case ZYDIS_MNEMONIC_SAR: case ZYDIS_MNEMONIC_SHLD: case ZYDIS_MNEMONIC_SHRD:
        undefined |= ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_OF | (op[0].size < 32 ? ZYDIS_CPUFLAG_CF : 0); break;
    case ZYDIS_MNEMONIC_ROL: case ZYDIS_MNEMONIC_ROR: case ZYDIS_MNEMONIC_RCL: case ZYDIS_MNEMONIC_RCR: undefined |= ZYDIS_CPUFLAG_OF; break;
    case ZYDIS_MNEMONIC_MUL: case ZYDIS_MNEMONIC_IMUL: undefined |= ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_PF; break;
    case ZYDIS_MNEMONIC_BSF: case ZYDIS_MNEMONIC_BSR: undefined |= STATUS_FLAGS & ~ZYDIS_CPUFLAG_ZF; break;
    case ZYDIS_MNEMONIC_DIV: case ZYDIS_MNEMONIC_IDIV: undefined |= STATUS_FLAGS; break;
    case ZYDIS_MNEMONIC_BT: case ZYDIS_MNEMONIC_BTS: case ZYDIS_MNEMONIC_BTR: case ZYDIS_MNEMONIC_BTC: undefined |= STATUS_FLAGS & ~ZYDIS_CPUFLAG_CF; break;
    case ZYDIS_MNEMONIC_PUSHF: case ZYDIS_MNEMONIC_PUSHFQ: t->reads = STATUS_FLAGS; break;
    case ZYDIS_MNEMONIC_LAHF: t->reads = STATUS_FLAGS & ~ZYDIS_CPUFLAG_OF; break;
    default: break;
    }
    t->undefined = undefined & STATUS_FLAGS;
    t->writes &= ~undefined;
    if (maybe_nothing(insn, op)) t->writes = 0;
}

/* --- one instruction --- */

/* FIP, FDP and their selectors: wherry keeps no selectors, neither loaded ones nor that of the stack segment */
static bool loads_pointers(ZydisMnemonic m)
{
    return m == ZYDIS_MNEMONIC_FLDENV || m == ZYDIS_MNEMONIC_FRSTOR || m == ZYDIS_MNEMONIC_FXRSTOR || m == ZYDIS_MNEMONIC_FXRSTOR64;
}

static bool stores_pointers(ZydisMnemonic m)
{
    return m == ZYDIS_MNEMONIC_FNSTENV || m == ZYDIS_MNEMONIC_FNSAVE || m == ZYDIS_MNEMONIC_FXSAVE || m == ZYDIS_MNEMONIC_FXSAVE64;
}

static void note_touched(struct test_insn *t, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    t->touched = loads_pointers(insn->mnemonic) ? X87_POINTERS : 0;
    if (insn->mnemonic == ZYDIS_MNEMONIC_PAUSE && insn->raw.rex.B) t->touched |= 1u << 0 | 1u << 8;         /* an exchange, though it isn't called so */
    for (unsigned i = 0; i < insn->operand_count; i++) {
        int a = -1, b = -1;
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER) a = gpr_number(op[i].reg.value, NULL);
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY) { a = gpr_number(op[i].mem.base, NULL); b = gpr_number(op[i].mem.index, NULL); t->touched |= MEMORY; }
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && op[i].mem.segment == ZYDIS_REGISTER_SS && insn->meta.category == ZYDIS_CATEGORY_X87_ALU) t->touched |= X87_POINTERS;
        if (a >= 0) t->touched |= 1u << a;
        if (b >= 0) t->touched |= 1u << b;
    }
}

static unsigned comparability(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    unsigned how = vendor_comparability(insn);
    for (unsigned i = 0; i < insn->operand_count; i++) {
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && op[i].size > 80 && op[i].size != 128) how |= TEST_ANY_ADDRESS;
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op[i].reg.value) == ZYDIS_REGCLASS_MMX) how |= TEST_MMX;
    }
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_MASKMOVQ: case ZYDIS_MNEMONIC_MASKMOVDQU: return how | TEST_MASKED_STORE | TEST_ANY_ADDRESS;
    case ZYDIS_MNEMONIC_ENTER: return how | TEST_ANY_ADDRESS;
    case ZYDIS_MNEMONIC_RCPPS: case ZYDIS_MNEMONIC_RCPSS: case ZYDIS_MNEMONIC_RSQRTPS: case ZYDIS_MNEMONIC_RSQRTSS: return how | TEST_INEXACT_SSE;
    case ZYDIS_MNEMONIC_F2XM1: case ZYDIS_MNEMONIC_FYL2X: case ZYDIS_MNEMONIC_FYL2XP1: case ZYDIS_MNEMONIC_FPATAN: case ZYDIS_MNEMONIC_FPTAN:
    case ZYDIS_MNEMONIC_FSIN: case ZYDIS_MNEMONIC_FCOS: case ZYDIS_MNEMONIC_FSINCOS: return how | TEST_INEXACT_X87;
    default: return how;
    }
}

static bool is_control(const ZydisDecodedInstruction *insn)
{
    return insn->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE || insn->meta.category == ZYDIS_CATEGORY_RET;
}

/* An instruction at c->pc whose operands fit the state in c, which may be bent where nothing is locked. */
static bool make_insn(struct test_case *c, struct test_insn *t, const struct form *f)
{
    ZydisDecodedInstruction insn; ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    encode(f, t->bytes);
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, t->bytes, 15, &insn, op)) || insn.mnemonic != f->mnemonic) return false;
    for (unsigned i = 0; i < 2; i++) if (insn.raw.imm[i].is_relative && insn.raw.imm[i].size == 32) {
        int32_t rel = (int32_t)test_below(0x1000) - 0x800; memcpy(t->bytes + insn.raw.imm[i].offset, &rel, 4);
    }
    if ((locked & X87_POINTERS) && stores_pointers(insn.mnemonic)) return false;
    if (!fix_operands(c, t, &insn, op)) return false;
    memset(t->bytes + insn.length, 0xcc, 16u - insn.length);
    t->length = insn.length;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, t->bytes, 15, &insn, op)) || insn.mnemonic != f->mnemonic || insn.length != t->length) return false;
    for (unsigned i = 0; i < 2; i++) if (insn.raw.imm[i].is_relative) {
        uint64_t to = c->pc + insn.length + (uint64_t)insn.raw.imm[i].value.s;
        if ((insn.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) || (to >= low_end && to < c->pc + insn.length)) return false;
    }
    ZyanU64 to;
    if (is_control(&insn) && op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&insn, &op[0], c->pc, &to))
        && to - CODE_BASE < CODE_SIZE) return false;                          /* INT3s are no address */
    t->last = is_control(&insn) || t->ignore;
    t->how = comparability(&insn, op);
    flag_use(t, &insn, op);
    note_touched(t, &insn, op);
    return true;
}

static void start_case(struct test_case *c)
{
    c->seed = (uint32_t)test_random();
    test_random_state(c->seed, &c->in, c->memory);
    c->in.fs_base = test_fs_base; c->in.gs_base = test_gs_base;
    c->in.pc = low_end = c->pc;
    c->length = c->n = c->how = 0; c->ignore = c->ignored = 0;
    c->start[0] = 0;
    c->flags_mask[0] = 0xcd5;        /* OF DF SF ZF AF PF CF; sigreturn does not load ID and NT */
    memset(c->bytes, 0xcc, sizeof c->bytes);
    c->text[0] = 0;
    locked = 0;
}

static void append(struct test_case *c, const struct test_insn *t)
{
    memcpy(c->bytes + c->length, t->bytes, t->length);
    c->length += t->length;
    c->start[++c->n] = (uint8_t)c->length;
    c->flags_mask[c->n] = (c->flags_mask[c->n - 1] | t->writes) & ~t->undefined & 0xcd5;
    c->how |= t->how;
    c->ignore = t->ignore; c->ignored = t->ignored;
}

bool test_generate_form(struct test_case *c, unsigned k)
{
    struct test_insn t;
    start_case(c);
    if (!make_insn(c, &t, &forms[k])) return false;
    append(c, &t);
    c->mnemonic = forms[k].mnemonic;
    return true;
}

static unsigned form_of(unsigned k) { return first[k] + (unsigned)test_below(first[k + 1] - first[k]); }

bool test_generate(struct test_case *c, unsigned k)
{
    return test_generate_form(c, form_of(k));
}

/* --- sequences --- */

/* `now` is the state before the next instruction. Nothing that it touches is locked unless an earlier instruction touched it, so
 * what was bent there is what the sequence starts with. */
static bool extend(struct test_case *c, struct test_case *now, const struct form *f, bool last)
{
    struct test_case bent = *now;
    struct test_insn t;
    bent.pc = c->pc + c->length;
    if (!make_insn(&bent, &t, f) || (t.last && !last) || (t.reads & ~c->flags_mask[c->n] & STATUS_FLAGS)) return false;
    for (int r = 0; r < 16; r++) if (bent.in.gpr[r] != now->in.gpr[r]) c->in.gpr[r] = bent.in.gpr[r];
    if (!(locked & MEMORY)) memcpy(c->memory, bent.memory, WINDOW);
    append(c, &t);
    locked |= t.touched;
    return true;
}

bool test_generate_sequence(struct test_case *c, unsigned k, unsigned n, void (*run)(const struct test_case *, struct test_result *))
{
    static struct test_case now; static struct test_result r;
    unsigned wanted = (unsigned)test_below(n);
    start_case(c);
    now = *c;
    for (unsigned i = 0, tries = 0; i < n; tries++) {
        if (tries == 400) return false;
        const struct form *f = &forms[form_of(i == wanted ? k : (unsigned)test_below(n_mnemonics))];
        if (!extend(c, &now, f, i == n - 1)) continue;
        if (++i == n) break;
        run(c, &r);
        if (r.signal != SIGTRAP || r.out.pc != c->pc + c->length) break;       /* it faults: so ends the case */
        now.in = r.out; memcpy(now.memory, r.memory, WINDOW);
    }
    c->mnemonic = forms[first[k]].mnemonic;
    return true;
}

/* Does every processor give this result? FYL2XP1's is undefined but for small operands. */
bool test_portable(const struct test_case *c)
{
    const struct x86_f80 *st0 = &c->in.st[c->in.fsw >> 11 & 7];
    return c->mnemonic != ZYDIS_MNEMONIC_FYL2XP1 || (st0->sign_exp & 0x7fff) < 0x3ffd;
}

/* --- text --- */

unsigned test_n_forms(void) { return n_forms; }

uint64_t test_form_key(unsigned k)
{
    const struct form *f = &forms[k];
    return (uint64_t)f->mnemonic << 32 | (uint64_t)f->opcode << 16 | (uint64_t)f->vex << 12 | (uint64_t)f->map << 8 | (uint64_t)f->pp << 4 | (uint64_t)f->memory << 1 | f->w;
}

void test_describe(struct test_case *c)
{
    ZydisFormatter fmt; ZydisDecodedInstruction insn; ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    size_t used = 0;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&fmt, ZYDIS_FORMATTER_STYLE_INTEL);
    c->text[0] = 0;
    for (unsigned at = 0; at < c->length; at += insn.length) {
        if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, c->bytes + at, c->length - at, &insn, op))) return;
        if (at && used + 2 < sizeof c->text) { memcpy(c->text + used, "; ", 3); used += 2; }
        if (used + 40 > sizeof c->text) return;
        ZydisFormatterFormatInstruction(&fmt, &insn, op, insn.operand_count_visible, c->text + used, sizeof c->text - used, c->pc + at, NULL);
        used = strlen(c->text);
    }
}
