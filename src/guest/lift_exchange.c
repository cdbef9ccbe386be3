/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_exchange.c: XCHG, XADD, CMPXCHG and its double-width forms. Manual: Intel SDM volume 2.
 */
#include "guest/lift_internal.h"

/* With memory it is atomic, LOCK or not. */
bool x86_lift_xchg(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    unsigned mem = x86_is_mem(L, 0) ? 0 : 1;
    if (x86_is_mem(L, mem)) {
        ir_ref v = x86_read(L, !mem);
        x86_write(L, !mem, ir_emit(B, IR_AXCHG, t, 0, IR_MEM_ATOMIC, 0, x86_ea(L, mem), v, IR_NONE, 0));
        return true;
    }
    ir_ref a = x86_read(L, 0), b = x86_read(L, 1);
    x86_write(L, 0, b);
    x86_write(L, 1, a);
    return true;
}

bool x86_lift_xadd(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    bool lock = x86_has(L, ZYDIS_ATTRIB_HAS_LOCK);
    ir_ref b = x86_read(L, 1);
    ir_ref a = lock ? ir_emit(B, IR_AADD, t, 0, IR_MEM_ATOMIC, 0, x86_ea(L, 0), b, IR_NONE, 0) : x86_read(L, 0);
    ir_ref r = ir_op2(B, IR_ADDF, t, a, b);
    if (!lock && x86_is_mem(L, 0))
        x86_write(L, 0, r);
    x86_write(L, 1, a);
    if (x86_is_reg(L, 0))
        x86_write(L, 0, r);         /* last: it wins when both are the same register */
    ir_putf(B, IR_F_ALL, r);
    return true;
}

/* --- CMPXCHG --- */

/* The accumulator takes the old value unless they were equal; its upper half stays when they were. */
static void put_accumulator(struct x86_lifter *L, enum ir_type t, ir_ref equal, ir_ref old)
{
    struct ir_builder *B = &L->B;
    enum ir_type wide = t == IR_I32 ? IR_I64 : t;
    ir_ref v = ir_op3(B, IR_SELECT, wide, equal, x86_get_gpr(L, wide, X86_RAX), ir_zext(B, wide, old));
    x86_put_gpr(L, wide, X86_RAX, v);
}

/* A 32-bit destination register is zero-extended only when it is replaced. */
static void cmpxchg_register(struct x86_lifter *L, enum ir_type t, ir_ref equal, ir_ref old, ir_ref source)
{
    struct ir_builder *B = &L->B;
    bool high;
    int reg = x86_gpr_of(L->op[0].reg.value, &high);
    if (t != IR_I32) {
        x86_write(L, 0, ir_op3(B, IR_SELECT, t, equal, source, old));
        return;
    }
    ir_ref v = ir_op3(B, IR_SELECT, IR_I64, equal, ir_zext(B, IR_I64, source), x86_get_gpr(L, IR_I64, (unsigned)reg));
    x86_put_gpr(L, IR_I64, (unsigned)reg, v);
}

bool x86_lift_cmpxchg(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref source = x86_read(L, 1), expected = x86_get_gpr(L, t, X86_RAX), old;
    bool lock = x86_has(L, ZYDIS_ATTRIB_HAS_LOCK);
    if (lock)
        old = ir_emit(B, IR_CAS, t, 0, IR_MEM_ATOMIC, 0, x86_ea(L, 0), expected, source, 0);
    else
        old = x86_read(L, 0);
    ir_ref port = ir_op2(B, IR_SUBF, t, expected, old), equal = x86_cmp(L, IR_CC_E, expected, old);
    if (x86_is_mem(L, 0)) {
        if (!lock)                  /* memory is written either way */
            x86_write(L, 0, ir_op3(B, IR_SELECT, t, equal, source, old));
        put_accumulator(L, t, equal, old);
    } else {
        put_accumulator(L, t, equal, old);
        cmpxchg_register(L, t, equal, old, source);
    }
    ir_putf(B, IR_F_ALL, port);
    return true;
}

/* CMPXCHG8B, CMPXCHG16B: arg = bytes. The 16-byte form refuses misaligned addresses. */
bool x86_lift_cmpxchg_pair(struct x86_lifter *L, unsigned size)
{
    unsigned helper = size == 16 ? X86_H_cmpxchg16b : X86_H_cmpxchg8b;
    ir_call(&L->B, helper, IR_VOID, x86_ea(L, 0), IR_NONE, IR_NONE, IR_NONE);
    return true;
}
