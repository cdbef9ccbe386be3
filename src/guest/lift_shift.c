/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_shift.c: shifts, rotates and double shifts. Manual: Intel SDM volume 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD.
 * What must stay true: a count of 0 after masking changes no flags, but still writes the destination (memory is
 * written, 32-bit registers are zero-extended).
 */
#include "guest/lift_internal.h"

/* The count operand as i8. A constant one comes back masked; *zero: it is 0, so no flags change. */
static ir_ref count(struct x86_lifter *L, unsigned i, enum ir_type t, bool *zero)
{
    *zero = false;
    if (L->op[i].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return x86_read_as(L, i, IR_I8);
    unsigned n = (unsigned)L->op[i].imm.value.u & (t == IR_I64 ? 63 : 31);
    *zero = n == 0;
    return x86_imm(L, IR_I8, n);
}

/* op = IR_SHLF ... IR_RCRF */
bool x86_lift_shift(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    bool zero, with_carry = op == IR_RCLF || op == IR_RCRF;
    ir_ref a = x86_read(L, 0), n = count(L, 1, t, &zero);
    if (zero) {
        x86_write(L, 0, a);
        return true;
    }
    ir_ref r = ir_op3(B, op, t, a, n, with_carry ? ir_cond(B, IR_CC_B) : IR_NONE);
    x86_write(L, 0, r);
    ir_putf(B, op == IR_SHLF || op == IR_SHRF || op == IR_SARF ? IR_F_ALL : IR_F_C | IR_F_O, r);
    return true;
}

/* op = IR_SHLDF, IR_SHRDF */
bool x86_lift_double_shift(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    bool zero;
    ir_ref a = x86_read(L, 0), b = x86_read(L, 1), n = count(L, 2, t, &zero);
    if (zero) {
        x86_write(L, 0, a);
        return true;
    }
    ir_ref r = ir_op3(B, op, t, a, b, n);
    x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL, r);
    return true;
}

/* SHLX SHRX SARX RORX: op = IR_SHL ... IR_ROR, no flags */
bool x86_lift_shift_noflags(struct x86_lifter *L, unsigned op)
{
    enum ir_type t = x86_op_type(L, 0);
    ir_ref a = x86_read(L, 1), n = x86_read_as(L, 2, t);
    x86_write(L, 0, ir_op2(&L->B, op, t, a, ir_trunc(&L->B, IR_I8, n)));
    return true;
}
