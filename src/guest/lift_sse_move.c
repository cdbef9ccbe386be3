/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse_move.c: moves between vector registers, memory and general registers, non-temporal ones too (their hint is
 * dropped: a plain store is ordered more strongly).
 */
#include "guest/lift_sse.h"

static void store_vec(struct x86_lifter *L, unsigned i, ir_ref v, bool aligned)
{
    ir_store(&L->B, IR_V128, x86_ea(L, i), v, x86_mem_aux(L, i) | (aligned ? IR_MEM_ALIGNED : 0));
}

static void store_low(struct x86_lifter *L, unsigned i, enum ir_type lane, ir_ref v)
{
    ir_emit(&L->B, IR_VSTOREL, IR_V128, lane, x86_mem_aux(L, i), 0, x86_ea(L, i), v, IR_NONE, 0);
}

/* MOVAPS, MOVUPS, MOVDQA, MOVNTDQ, LDDQU, ...: all 16 bytes; arg: memory must be aligned */
bool x86_sse_mov(struct x86_lifter *L, unsigned arg)
{
    if (x86_is_mem(L, 0))
        store_vec(L, 0, x86_vec_reg(L, 1), arg != 0);
    else
        x86_vec_write(L, 0, x86_read_xmm(L, 1, arg != 0));
    return true;
}

/* MOVSS, MOVSD: arg = lane. Between registers the rest of the destination stays. */
bool x86_sse_mov_scalar(struct x86_lifter *L, unsigned arg)
{
    enum ir_type lane = (enum ir_type)arg;
    if (x86_is_mem(L, 0))
        store_low(L, 0, lane, x86_vec_reg(L, 1));
    else if (x86_is_mem(L, 1))
        x86_vec_write(L, 0, x86_vec_load(L, 1, lane));
    else
        x86_vec_write(L, 0, x86_vop(L, IR_VMERGE, lane, x86_vec_reg(L, 0), x86_vec_reg(L, 1)));
    return true;
}

/* MOVLPS, MOVLPD: memory only */
bool x86_sse_mov_low(struct x86_lifter *L, unsigned arg)
{
    if (x86_is_mem(L, 0)) {
        store_low(L, 0, IR_F64, x86_vec_reg(L, 1));
        return true;
    }
    ir_ref b = x86_vec_load(L, 1, IR_F64);
    x86_vec_write(L, 0, x86_vop(L, IR_VMERGE, IR_F64, x86_vec_reg(L, 0), b));
    return true;
}

/* MOVHPS, MOVHPD; MOVLHPS has a register source and does the same */
bool x86_sse_mov_high(struct x86_lifter *L, unsigned arg)
{
    if (x86_is_mem(L, 0)) {
        ir_ref v = x86_vec_element(L, IR_I64, IR_I64, 1, x86_vec_reg(L, 1));
        ir_store(&L->B, IR_I64, x86_ea(L, 0), v, x86_mem_aux(L, 0));
        return true;
    }
    ir_ref b = x86_is_mem(L, 1) ? x86_vec_load(L, 1, IR_F64) : x86_vec_reg(L, 1);
    x86_vec_write(L, 0, x86_vop(L, IR_VZIPL, IR_I64, x86_vec_reg(L, 0), b));
    return true;
}

bool x86_sse_movhlps(struct x86_lifter *L, unsigned arg)
{
    x86_vec_write(L, 0, x86_vop(L, IR_VZIPH, IR_I64, x86_vec_reg(L, 1), x86_vec_reg(L, 0)));
    return true;
}

bool x86_sse_movddup(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_is_mem(L, 1) ? x86_vec_load(L, 1, IR_F64) : x86_vec_reg(L, 1);
    x86_vec_write(L, 0, x86_vop(L, IR_VZIPL, IR_I64, b, b));
    return true;
}

/* MOVSLDUP, MOVSHDUP: arg = the PSHUFD control that does it */
bool x86_sse_movdup(struct x86_lifter *L, unsigned arg)
{
    ir_ref b = x86_vec_read(L, 1);
    x86_vec_write(L, 0, ir_emit(&L->B, IR_VSHUF, IR_V128, IR_I32, arg, 0, b, IR_NONE, IR_NONE, 0));
    return true;
}

/* MOVD, MOVQ: arg = IR_I32 or IR_I64, between general, XMM, MMX registers and memory; vector destinations are zero-extended. */
static bool movdq_store(struct x86_lifter *L, enum ir_type t)
{
    ir_ref v = x86_vec_reg(L, 1);
    bool mmx = x86_mmx_of(L, 1) >= 0;
    if (x86_is_mem(L, 0)) {
        if (mmx)
            x86_mmx_wait(L);
        store_low(L, 0, t, v);
        if (mmx)
            x86_mmx_enter(L);
        return true;
    }
    ir_ref low = x86_vec_element(L, t, t, 0, v);
    if (mmx)
        x86_mmx_enter(L);
    x86_write(L, 0, low);
    return true;
}

static bool is_vector(const struct x86_lifter *L, unsigned i)
{
    return x86_mmx_of(L, i) >= 0 || x86_xmm_of(L, i) >= 0;
}

bool x86_vec_movdq(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = (enum ir_type)arg;
    ir_ref v;
    if (!is_vector(L, 0))
        return movdq_store(L, t);
    if (x86_is_mem(L, 1))
        v = x86_vec_load(L, 1, t);
    else if (!is_vector(L, 1))
        v = ir_op1(&L->B, IR_VMOVI, IR_V128, x86_read(L, 1));
    else if (x86_xmm_of(L, 1) >= 0)
        v = x86_vop(L, IR_VMERGE, t, ir_emit(&L->B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0),
                    x86_vec_reg(L, 1));
    else
        v = x86_vec_reg(L, 1);
    x86_vec_write(L, 0, v);
    return true;
}

/* MOVDQ2Q, MOVQ2DQ */
bool x86_vec_movdq2q(struct x86_lifter *L, unsigned arg)
{
    ir_ref v = x86_vec_reg(L, 1);
    if (x86_mmx_of(L, 1) >= 0)
        x86_mmx_enter(L);
    x86_vec_write(L, 0, v);
    return true;
}

/* PEXTRB/W/D/Q, EXTRACTPS: arg = lane */
bool x86_vec_extract(struct x86_lifter *L, unsigned arg)
{
    enum ir_type lane = (enum ir_type)arg;
    bool mmx = x86_mmx_of(L, 1) >= 0;
    unsigned n = (mmx ? 8u : 16u) / ir_type_size[lane];
    enum ir_type t = x86_is_mem(L, 0) ? lane : x86_op_type(L, 0);
    ir_ref v = x86_vec_element(L, t, lane, x86_vec_imm(L) & (n - 1), x86_vec_reg(L, 1));
    if (mmx)
        x86_mmx_enter(L);
    x86_write(L, 0, v);
    return true;
}

/* PINSRB/W/D/Q: arg = lane; the general register is used from its low end */
bool x86_vec_insert(struct x86_lifter *L, unsigned arg)
{
    enum ir_type lane = (enum ir_type)arg;
    unsigned n = (x86_mmx_of(L, 0) >= 0 ? 8u : 16u) / ir_type_size[lane];
    ir_ref v = x86_is_mem(L, 1) ? ir_load(&L->B, lane, x86_ea(L, 1), x86_mem_aux(L, 1)) : x86_read(L, 1);
    x86_vec_write(L, 0, ir_emit(&L->B, IR_VINS, IR_V128, lane, x86_vec_imm(L) & (n - 1), 0, x86_vec_reg(L, 0), v, IR_NONE, 0));
    return true;
}

/* INSERTPS: the memory form has one element to choose from */
bool x86_sse_insertps(struct x86_lifter *L, unsigned arg)
{
    unsigned imm = x86_vec_imm(L);
    ir_ref b = x86_vec_read(L, 1);
    if (x86_is_mem(L, 1))
        imm &= 0x3f;
    x86_vec_write(L, 0, ir_emit(&L->B, IR_VINSPS, IR_V128, IR_F32, imm, 0, x86_vec_reg(L, 0), b, IR_NONE, 0));
    return true;
}
