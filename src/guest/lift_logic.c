/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_logic.c: AND, OR, XOR, NOT, conditional moves and sets, and the instructions on single flags. Manual: Intel SDM volume 2.
 */
#include "guest/lift_internal.h"

static unsigned atomic_of(unsigned op)
{
    return op == IR_ANDF ? IR_AAND : op == IR_ORF ? IR_AOR : IR_AXOR;
}

/* op = IR_ANDF, IR_ORF, IR_XORF */
bool x86_lift_logic(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref a, b, r;
    if (x86_has(L, ZYDIS_ATTRIB_HAS_LOCK)) {
        b = x86_read_as(L, 1, t);
        a = ir_emit(B, atomic_of(op), t, 0, IR_MEM_ATOMIC, 0, x86_ea(L, 0), b, IR_NONE, 0);
        r = ir_op2(B, op, t, a, b);
    } else if (op == IR_XORF && x86_is_reg(L, 0) && x86_is_reg(L, 1) && L->op[0].reg.value == L->op[1].reg.value) {
        a = x86_imm(L, t, 0);        /* the idiom for zero: no dependence on the register */
        r = ir_op2(B, op, t, a, a);
        x86_write(L, 0, a);
    } else {
        a = x86_read(L, 0);
        b = x86_read_as(L, 1, t);
        r = ir_op2(B, op, t, a, b);
        x86_write(L, 0, r);
    }
    ir_putf(B, IR_F_ALL, r);
    return true;
}

bool x86_lift_not(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = x86_op_type(L, 0);
    if (x86_has(L, ZYDIS_ATTRIB_HAS_LOCK)) {
        ir_ref at = x86_ea(L, 0);
        ir_emit(&L->B, IR_AXOR, t, 0, IR_MEM_ATOMIC, 0, at, x86_imm(L, t, -1), IR_NONE, 0);
    } else
        x86_write(L, 0, ir_op1(&L->B, IR_NOT, t, x86_read(L, 0)));
    return true;
}

/* --- conditions --- */

bool x86_lift_setcc(struct x86_lifter *L, unsigned cc)
{
    x86_write(L, 0, ir_zext(&L->B, IR_I8, ir_cond(&L->B, cc)));
    return true;
}

/* The source is always read; a 32-bit destination is always zero-extended. */
bool x86_lift_cmov(struct x86_lifter *L, unsigned cc)
{
    enum ir_type t = x86_op_type(L, 0);
    ir_ref source = x86_read(L, 1), old = x86_read(L, 0);
    x86_write(L, 0, ir_op3(&L->B, IR_SELECT, t, ir_cond(&L->B, cc), source, old));
    return true;
}

/* --- flags as data --- */

/* CLC, STC: arg = 0, 1 */
bool x86_lift_set_carry(struct x86_lifter *L, unsigned value)
{
    ir_putf(&L->B, IR_F_C, ir_op1(&L->B, IR_MKF, IR_I32, x86_imm(L, IR_I32, value ? IR_FLAG_C : 0)));
    return true;
}

bool x86_lift_cmc(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    ir_ref v = ir_zext(B, IR_I32, ir_cond(B, IR_CC_AE));
    v = ir_op2(B, IR_SHL, IR_I32, v, x86_imm(L, IR_I8, __builtin_ctz(IR_FLAG_C)));
    ir_putf(B, IR_F_C, ir_op1(B, IR_MKF, IR_I32, v));
    return true;
}

/* CLD, STD: arg = 0, 1 */
bool x86_lift_direction(struct x86_lifter *L, unsigned value)
{
    ir_put(&L->B, IR_I8, X86_OFF(df), x86_imm(L, IR_I8, value));
    return true;
}

/* The upper byte of the packed word is the low byte of EFLAGS but for its fixed bits. */
bool x86_lift_lahf(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    ir_ref v = ir_op2(B, IR_SHR, IR_I32, ir_getf(B), x86_imm(L, IR_I8, 8));
    v = ir_op2(B, IR_AND, IR_I32, v, x86_imm(L, IR_I32, IR_FLAGS_WORD >> 8));
    v = ir_op2(B, IR_OR, IR_I32, v, x86_imm(L, IR_I32, 2));
    ir_put(B, IR_I8, X86_GPR(X86_RAX) + 1, ir_trunc(B, IR_I8, v));
    return true;
}

bool x86_lift_sahf(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    ir_ref v = ir_zext(B, IR_I32, ir_get(B, IR_I8, X86_GPR(X86_RAX) + 1));
    v = ir_op2(B, IR_SHL, IR_I32, v, x86_imm(L, IR_I8, 8));
    ir_putf(B, IR_F_ALL & ~IR_F_O, ir_op1(B, IR_MKF, IR_I32, v));
    return true;
}
