/* SPDX-License-Identifier: GPL-2.0-or-later
 * fault_kind.c: what a failed memory access really was. An address that is not canonical is #SS where the stack segment is used and #GP
 * elsewhere (SDM volume 3, 6.15); the host's own fault can't tell, since translated code uses other base registers. And an x87 exception
 * that is pending comes before the access, while the lifter loads first. So the instruction is decoded again.
 */
#include <stdbool.h>
#include "guest/lift_internal.h"
#include "guest/lift_live.h"

static bool canonical(uint64_t a)
{
    return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

static uint64_t register_value(const struct x86_lifter *L, const struct x86_state *s, ZydisRegister r)
{
    bool high;
    int n = x86_gpr_of(r, &high);
    return n >= 0 ? s->gpr[n] : 0;
}

/* what PUSH, CALL and the like access: 64-bit addresses whatever the prefixes */
static bool is_stack_operand(const struct x86_lifter *L, const ZydisDecodedOperandMem *m)
{
    const ZydisDecodedOperand *op = (const ZydisDecodedOperand *)((const char *)m - offsetof(ZydisDecodedOperand, mem));
    return op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN && m->segment == ZYDIS_REGISTER_SS;
}

/* Where the operand lies; segment bases don't matter for those of the stack segment. */
static uint64_t address_of(const struct x86_lifter *L, const struct x86_state *s, const ZydisDecodedOperandMem *m)
{
    uint64_t a = (uint64_t)m->disp.value + register_value(L, s, m->base) + register_value(L, s, m->index) * m->scale;
    if (m->segment == ZYDIS_REGISTER_FS)
        a += s->fs_base;
    if (m->segment == ZYDIS_REGISTER_GS)
        a += s->gs_base;
    return L->insn.address_width == 32 && !is_stack_operand(L, m) ? (uint32_t)a : a;
}

static bool by_stack_pointer(const ZydisDecodedOperandMem *m)
{
    return m->segment == ZYDIS_REGISTER_SS && m->base != ZYDIS_REGISTER_NONE;
}

/* not canonical; a push writes below the register */
static bool refused(const struct x86_lifter *L, const struct x86_state *s, const ZydisDecodedOperand *op)
{
    uint64_t a = address_of(L, s, &op->mem), size = op->size / 8;
    bool hidden = op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
    return !canonical(a) || !canonical(a + (size ? size - 1 : 0)) || (hidden && !canonical(a - size));
}

/* a misaligned vector (or CMPXCHG16B) is #GP even there */
static bool misaligned(const struct x86_lifter *L, const struct x86_state *s, const ZydisDecodedOperand *op)
{
    if (op->size < 128 || !(address_of(L, s, &op->mem) & 15))
        return false;
    switch (L->insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS: case ZYDIS_MNEMONIC_MOVUPD: case ZYDIS_MNEMONIC_MOVDQU: case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_SHA1RNDS4: case ZYDIS_MNEMONIC_SHA1NEXTE: case ZYDIS_MNEMONIC_SHA1MSG1: case ZYDIS_MNEMONIC_SHA1MSG2:
    case ZYDIS_MNEMONIC_SHA256RNDS2: case ZYDIS_MNEMONIC_SHA256MSG1: case ZYDIS_MNEMONIC_SHA256MSG2:
    case ZYDIS_MNEMONIC_PCMPESTRI: case ZYDIS_MNEMONIC_PCMPESTRM: case ZYDIS_MNEMONIC_PCMPISTRI: case ZYDIS_MNEMONIC_PCMPISTRM:
        return false;
    default:
        return op->size == 128;
    }
}

static bool is_stack_fault(const struct x86_lifter *L, const struct x86_state *s)
{
    if (L->insn.mnemonic == ZYDIS_MNEMONIC_ENTER || L->insn.mnemonic == ZYDIS_MNEMONIC_LEAVE)
        return true;
    for (int writes = 0; writes < 2; writes++)                /* what is read comes first */
        for (unsigned i = 0; i < L->insn.operand_count; i++) {
            bool reads = (L->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
            if (x86_is_mem(L, i) && reads != writes && refused(L, s, &L->op[i]))
                return by_stack_pointer(&L->op[i].mem) && !misaligned(L, s, &L->op[i]);
        }
    return false;
}

/* Does it look for pending x87 exceptions before it does anything? */
static bool waits(const struct x86_lifter *L)
{
    switch (L->insn.mnemonic) {
    case ZYDIS_MNEMONIC_FNSTENV: case ZYDIS_MNEMONIC_FNSAVE: case ZYDIS_MNEMONIC_FNSTCW: case ZYDIS_MNEMONIC_FNSTSW: return false;
    default: break;
    }
    for (unsigned i = 0; i < L->insn.operand_count; i++)
        if (x86_is_reg(L, i) && ZydisRegisterGetClass(L->op[i].reg.value) == ZYDIS_REGCLASS_MMX)
            return true;
    return L->insn.meta.category == ZYDIS_CATEGORY_X87_ALU;
}

enum x86_fault_kind x86_fault_kind(const struct x86_state *s, const uint8_t *bytes, size_t n, bool refused_address)
{
    struct x86_lifter L;
    if (!refused_address && !(s->fsw & X87_ES))
        return X86_FAULT_PLAIN;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(x86_decoder(), bytes, n, &L.insn, L.op)))
        return X86_FAULT_PLAIN;
    if (s->fsw & X87_ES && waits(&L))
        return X86_FAULT_X87;
    return refused_address && is_stack_fault(&L, s) ? X86_FAULT_STACK : X86_FAULT_PLAIN;
}

bool x86_address_refused(const struct x86_state *s, const uint8_t *bytes, size_t n)
{
    struct x86_lifter L;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(x86_decoder(), bytes, n, &L.insn, L.op)))
        return false;
    bool enter = L.insn.mnemonic == ZYDIS_MNEMONIC_ENTER;
    if ((enter && !canonical(s->gpr[4])) || ((enter || L.insn.mnemonic == ZYDIS_MNEMONIC_LEAVE) && !canonical(s->gpr[5])))
        return true;
    for (unsigned i = 0; i < L.insn.operand_count; i++)
        if (x86_is_mem(&L, i) && refused(&L, s, &L.op[i]))
            return true;
    return false;
}

bool x86_stores_at(const struct x86_state *s, const uint8_t *bytes, size_t n, uint64_t addr)
{
    struct x86_lifter L;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(x86_decoder(), bytes, n, &L.insn, L.op)))
        return false;
    for (unsigned i = 0; i < L.insn.operand_count; i++) {
        if (!x86_is_mem(&L, i) || !(L.op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            continue;
        uint64_t size = L.op[i].size / 8, at = address_of(&L, s, &L.op[i].mem);
        if (is_stack_operand(&L, &L.op[i].mem))                /* a push writes below the register */
            at -= size;
        if (addr - at < size)
            return true;
    }
    return false;
}
