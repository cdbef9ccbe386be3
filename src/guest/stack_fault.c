/* SPDX-License-Identifier: GPL-2.0-or-later
 * stack_fault.c: an address that is not canonical is #SS where the stack segment is used and #GP elsewhere (SDM volume 3, 6.15). The
 * host's own fault can't tell, since translated code uses other base registers: the instruction is decoded again.
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

/* Where the operand lies; segment bases don't matter for those of the stack segment. */
static uint64_t address_of(const struct x86_lifter *L, const struct x86_state *s, const ZydisDecodedOperandMem *m)
{
    uint64_t a = (uint64_t)m->disp.value + register_value(L, s, m->base) + register_value(L, s, m->index) * m->scale;
    if (m->segment == ZYDIS_REGISTER_FS)
        a += s->fs_base;
    if (m->segment == ZYDIS_REGISTER_GS)
        a += s->gs_base;
    return L->insn.address_width == 32 ? (uint32_t)a : a;
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

bool x86_is_stack_fault(const struct x86_state *s, const uint8_t *bytes, size_t n)
{
    struct x86_lifter L;
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(x86_decoder(), bytes, n, &L.insn, L.op)))
        return false;
    for (int writes = 0; writes < 2; writes++)                /* what is read comes first */
        for (unsigned i = 0; i < L.insn.operand_count; i++) {
            bool reads = (L.op[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
            if (x86_is_mem(&L, i) && reads != writes && refused(&L, s, &L.op[i]))
                return by_stack_pointer(&L.op[i].mem);
        }
    return false;
}
