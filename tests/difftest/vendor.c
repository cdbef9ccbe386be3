/* SPDX-License-Identifier: GPL-2.0-or-later
 * vendor.c: where the manuals leave something open, or Intel's processors and AMD's differ, wherry does as AMD's Zen 4. On a processor of another
 * maker such cases are left out, or what differs of their results is not compared. On AMD's, nothing is.
 */
#include <string.h>
#include "vendor.h"
#ifdef __x86_64__
#include <cpuid.h>
#endif

bool vendor_same(void)
{
#ifdef TEST_NATIVE
    unsigned eax, id[3];
    static int same = -1;
    if (same < 0 && __get_cpuid(0, &eax, &id[0], &id[2], &id[1]))
        same = !memcmp(id, "AuthenticAMD", 12) || !memcmp(id, "HygonGenuine", 12);
    return same > 0;
#else
    return true;                                 /* what is recorded comes from one */
#endif
}

/* --- which cases --- */

static bool has_prefix(const ZydisDecodedInstruction *insn, uint8_t value)
{
    for (unsigned k = 0; k < insn->raw.prefix_count; k++)
        if (insn->raw.prefixes[k].value == value) return true;
    return false;
}

/* SHLD and SHRD of 16 bits by more than those: undefined */
static bool shifts_too_far(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, const struct x86_state *s)
{
    if ((insn->mnemonic != ZYDIS_MNEMONIC_SHLD && insn->mnemonic != ZYDIS_MNEMONIC_SHRD) || op[0].size != 16) return false;
    return ((op[2].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? op[2].imm.value.u : s->gpr[1]) & 31) > 16;
}

static bool is_nan32(uint32_t v) { return (v & 0x7fffffff) > 0x7f800000; }
static bool is_nan64(uint64_t v) { return (v << 1) > 0xffe0000000000000; }

static bool has_nan(ZydisMnemonic m, const union x86_vec *v)
{
    bool nan = false;
    for (unsigned k = 0; k < 4; k++)
        nan |= m == ZYDIS_MNEMONIC_DPPS ? is_nan32(v->u32[k]) : is_nan64(v->u64[k / 2]);
    return nan;
}

/* Dot products add in an order of their own, so that of several NaNs another one comes out. */
static bool meets_nan(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, const struct test_case *c, uint64_t at)
{
    if (insn->mnemonic != ZYDIS_MNEMONIC_DPPS && insn->mnemonic != ZYDIS_MNEMONIC_DPPD) return false;
    union x86_vec v = { 0 };
    if (op[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
        v = c->in.zmm[op[1].reg.value - ZYDIS_REGISTER_XMM0];
    else if (at >= WINDOW_AT && at + 16 <= WINDOW_AT + WINDOW)
        memcpy(&v, c->memory + (at - WINDOW_AT), 16);
    return has_nan(insn->mnemonic, &v) || has_nan(insn->mnemonic, &c->in.zmm[op[0].reg.value - ZYDIS_REGISTER_XMM0]);
}

static bool is_sha(const ZydisDecodedInstruction *insn) { return insn->meta.category == ZYDIS_CATEGORY_SHA; }

static bool stores_x87(const ZydisDecodedInstruction *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_FST: case ZYDIS_MNEMONIC_FSTP: case ZYDIS_MNEMONIC_FIST: case ZYDIS_MNEMONIC_FISTP: case ZYDIS_MNEMONIC_FISTTP:
    case ZYDIS_MNEMONIC_FBSTP: case ZYDIS_MNEMONIC_FNSTENV: case ZYDIS_MNEMONIC_FNSAVE: case ZYDIS_MNEMONIC_FXSAVE: case ZYDIS_MNEMONIC_FXSAVE64: return true;
    default: return false;
    }
}

static bool writable(uint64_t at, unsigned size)
{
    return (at >= DATA_BASE && at + size <= DATA_BASE + DATA_RW) || (at >= EDGE_BASE && at + size <= EDGE_BASE + EDGE_SIZE);
}

static bool is_repeated(const ZydisDecodedInstruction *insn)
{
    return insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

/* Zydis 4.0 takes R13 for a base where there is none, so that the address is another */
static bool misread(const ZydisDecodedInstruction *insn)
{
    return insn->raw.modrm.mod == 0 && insn->raw.modrm.rm == 4 && insn->raw.sib.base == 5 && insn->raw.rex.B;
}

bool vendor_leaves_out(const struct test_case *c, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op, uint64_t at)
{
    if (vendor_same()) return false;
    bool memory = op[0].type == ZYDIS_OPERAND_TYPE_MEMORY || op[1].type == ZYDIS_OPERAND_TYPE_MEMORY, loop_prefix = has_prefix(insn, 0xf2) || has_prefix(insn, 0xf3);
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_LOOPE: case ZYDIS_MNEMONIC_LOOPNE: return loop_prefix;           /* Intel: the prefix decides when it ends */
    case ZYDIS_MNEMONIC_PAUSE: return insn->raw.rex.B;                                    /* Intel: no exchange with R8 */
    case ZYDIS_MNEMONIC_NOP: return insn->opcode == 0x0d;                                 /* AMD: invalid without memory operand */
    case ZYDIS_MNEMONIC_MOVSXD: if (memory && op[0].size == 16) return true; break;       /* Intel: reads two bytes, not four */
    default: break;
    }
    if (memory && misread(insn)) return true;
    if (is_sha(insn) && memory && at & 15) return true;                                   /* Intel: an exception */
    if (stores_x87(insn) && memory && !writable(at, op[0].size / 8)) return true;         /* Intel: the unit's exceptions first; parts are stored */
    if (is_repeated(insn) && insn->address_width == 32)                                   /* Intel: upper halves go even if nothing is done */
        return (c->in.gpr[1] | c->in.gpr[6] | c->in.gpr[7]) >> 32;
    return shifts_too_far(insn, op, &c->in) || meets_nan(insn, op, c, at);
}

/* Undefined, so the host's own instruction may do it otherwise than the recorded ones. */
bool vendor_undefined(const struct test_case *c)
{
    ZydisDecoder decoder; ZydisDecodedInstruction insn; ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return !vendor_same() && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, c->bytes, c->length, &insn, op)) && shifts_too_far(&insn, op, &c->in);
}

/* --- what is not compared --- */

unsigned vendor_comparability(const ZydisDecodedInstruction *insn)
{
    bool scans = false, compares = false;
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_SCASB: case ZYDIS_MNEMONIC_SCASW: case ZYDIS_MNEMONIC_SCASD: case ZYDIS_MNEMONIC_SCASQ: scans = true; break;
    case ZYDIS_MNEMONIC_CMPSB: case ZYDIS_MNEMONIC_CMPSW: case ZYDIS_MNEMONIC_CMPSQ: compares = true; break;
    case ZYDIS_MNEMONIC_CMPSD: compares = insn->meta.category == ZYDIS_CATEGORY_STRINGOP; break;
    default: break;
    }
    if (vendor_same()) return 0;
    return (compares ? TEST_ANY_ADDRESS : 0) | (scans || compares ? TEST_ANY_FLAGS_AT_FAULT : 0);
}

#define BYTES(first, n) (((1ull << (n)) - 1) << (first))
uint32_t vendor_ignores(const ZydisDecodedInstruction *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_FXSAVE: case ZYDIS_MNEMONIC_FXSAVE64:
        return (uint32_t)(BYTES(28, 4) | (vendor_same() ? 0 : BYTES(6, 18)));             /* MXCSR_MASK; Intel: FOP, FIP and FDP at all times */
    case ZYDIS_MNEMONIC_FNSTENV: case ZYDIS_MNEMONIC_FNSAVE:                              /* Intel: no selectors, FOP and FDP for an exception alone */
        return vendor_same() ? 0 : insn->operand_width == 16 ? BYTES(8, 6) : BYTES(16, 10);
    default: return 0;
    }
}
