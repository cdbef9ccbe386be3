/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse_misc.c: SSE instructions around the state and the few that call helpers: MXCSR, FXSAVE, masked stores, string compares.
 */
#include "guest/lift_sse.h"

/* LDMXCSR: reserved bits are #GP. The live fp control word is written by PUT, so a host sees the change. */
bool x86_sse_ldmxcsr(struct x86_lifter *L, unsigned arg)
{
    ir_ref v = x86_read(L, 0);
    ir_call(&L->B, X86_H_mxcsr_check, IR_VOID, ir_zext(&L->B, IR_I64, v), IR_NONE, IR_NONE, IR_NONE);
    ir_put(&L->B, IR_I32, X86_OFF(mxcsr), v);
    return true;
}

bool x86_sse_stmxcsr(struct x86_lifter *L, unsigned arg)
{
    ir_forget_range(&L->B, X86_OFF(mxcsr), 4);       /* its sticky flags change without a PUT */
    ir_ref v = ir_get(&L->B, IR_I32, X86_OFF(mxcsr));
    ir_store(&L->B, IR_I32, x86_ea(L, 0), v, x86_mem_aux(L, 0));
    return true;
}

/* FXSAVE, FXRSTOR: arg = helper; the helper's second argument says whether the 64-bit form was asked for */
bool x86_sse_fxsave(struct x86_lifter *L, unsigned arg)
{
    ir_ref wide = ir_const(&L->B, IR_I64, (L->insn.attributes & ZYDIS_ATTRIB_HAS_REX) && L->insn.raw.rex.W);
    ir_call(&L->B, arg, IR_VOID, x86_ea(L, 0), wide, IR_NONE, IR_NONE);
    L->mmx_entered = false;
    return true;
}

static unsigned memory_operand(const struct x86_lifter *L)
{
    for (unsigned i = 0; i < L->insn.operand_count; i++)
        if (x86_is_mem(L, i))
            return i;
    return 0;
}

/* MASKMOVDQU, MASKMOVQ: stores the bytes whose mask has the top bit, to DS:RDI */
bool x86_vec_maskmov(struct x86_lifter *L, unsigned arg)
{
    unsigned m = memory_operand(L);
    ir_ref data = x86_vec_reg(L, 0), mask = x86_vec_reg(L, 1);
    bool mmx = x86_mmx_of(L, 0) >= 0;
    if (mmx)
        x86_mmx_wait(L);
    ir_ref bits = ir_emit(&L->B, IR_VMASK, IR_I32, IR_I8, 0, 0, mask, IR_NONE, IR_NONE, 0);
    ir_ref at = x86_ea(L, m), low = x86_vec_element(L, IR_I64, IR_I64, 0, data), high = x86_vec_element(L, IR_I64, IR_I64, 1, data);
    ir_call(&L->B, X86_H_mask_store, IR_VOID, at, low, high, ir_zext(&L->B, IR_I64, bits));
    if (mmx)
        x86_mmx_enter(L);
    return true;
}

/* PCMPESTRI/M, PCMPISTRI/M: arg bit 0 = explicit lengths, bit 1 = mask result. The helper returns the flags word and, from
 * bit 32, the index; it writes XMM0 itself. */
bool x86_sse_pcmpstr(struct x86_lifter *L, unsigned arg)
{
    unsigned dst = (unsigned)x86_xmm_of(L, 0);
    unsigned wide = (L->insn.attributes & ZYDIS_ATTRIB_HAS_REX) && L->insn.raw.rex.W;
    ir_ref b = x86_is_mem(L, 1) ? x86_read_xmm(L, 1, false) : x86_vec_reg(L, 1);
    ir_ref how = ir_const(&L->B, IR_I64, (int64_t)(x86_vec_imm(L) | dst << 8 | arg << 16 | wide << 18));
    ir_ref low = x86_vec_element(L, IR_I64, IR_I64, 0, b), high = x86_vec_element(L, IR_I64, IR_I64, 1, b);
    ir_ref r = ir_call(&L->B, X86_H_pcmpstr, IR_I64, how, low, high, IR_NONE);
    if (!(arg & 2))
        x86_put_gpr(L, IR_I32, X86_RCX, ir_trunc(&L->B, IR_I32, ir_op2(&L->B, IR_SHR, IR_I64, r, ir_const(&L->B, IR_I8, 32))));
    ir_putf(&L->B, IR_F_ALL, ir_op1(&L->B, IR_MKF, IR_I32, ir_trunc(&L->B, IR_I32, r)));
    return true;
}

/* EMMS: the x87 registers become empty; it waits for x87 exceptions like MMX instructions do */
bool x86_mmx_emms(struct x86_lifter *L, unsigned arg)
{
    ir_call(&L->B, X86_H_emms, IR_VOID, IR_NONE, IR_NONE, IR_NONE, IR_NONE);
    L->mmx_entered = false;
    return true;
}
