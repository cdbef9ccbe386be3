/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_arith.c: integer addition, subtraction, multiplication, division and sign extension within the accumulator.
 * Manual: Intel SDM volume 2.
 * Locked forms are one atomic operation that returns the old value; the flags are computed from it afterwards.
 */
#include "guest/lift_internal.h"

/* two operands that are the same register: the result does not depend on it */
static bool same_register(const struct x86_lifter *L)
{
    return x86_is_reg(L, 0) && x86_is_reg(L, 1) && L->op[0].reg.value == L->op[1].reg.value;
}

static ir_ref carry_if_used(struct x86_lifter *L, unsigned op)
{
    return op == IR_ADCF || op == IR_SBBF ? ir_cond(&L->B, IR_CC_B) : IR_NONE;
}

/* LOCK: old = memory; memory += b + carry, or -= */
static ir_ref locked_add(struct x86_lifter *L, unsigned op, enum ir_type t, ir_ref b, ir_ref carry)
{
    struct ir_builder *B = &L->B;
    ir_ref addend = carry == IR_NONE ? b : ir_op2(B, IR_ADD, t, b, ir_zext(B, t, carry));
    if (op == IR_SUBF || op == IR_SBBF)
        addend = ir_op1(B, IR_NEG, t, addend);
    return ir_emit(B, IR_AADD, t, 0, IR_MEM_ATOMIC, 0, x86_ea(L, 0), addend, IR_NONE, 0);
}

/* ADD SUB ADC SBB; op = IR_ADDF... */
bool x86_lift_add(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref carry = carry_if_used(L, op), a, b, r;
    if (x86_has(L, ZYDIS_ATTRIB_HAS_LOCK)) {
        b = x86_read_as(L, 1, t);
        a = locked_add(L, op, t, b, carry);
        r = ir_op3(B, op, t, a, b, carry);
    } else if ((op == IR_SUBF || op == IR_SBBF) && same_register(L)) {
        a = b = x86_imm(L, t, 0);
        r = ir_op3(B, op, t, a, b, carry);
        x86_write(L, 0, op == IR_SUBF ? a : r);
    } else {
        a = x86_read(L, 0);
        b = x86_read_as(L, 1, t);
        r = ir_op3(B, op, t, a, b, carry);
        x86_write(L, 0, r);
    }
    ir_putf(B, IR_F_ALL, r);
    return true;
}

/* CMP, TEST: op = IR_SUBF, IR_ANDF */
bool x86_lift_compare(struct x86_lifter *L, unsigned op)
{
    enum ir_type t = x86_op_type(L, 0);
    ir_ref a = x86_read(L, 0), b = x86_read_as(L, 1, t);
    ir_putf(&L->B, IR_F_ALL, ir_op2(&L->B, op, t, a, b));
    return true;
}

/* INC, DEC: op = IR_INCF, IR_DECF; C stays */
bool x86_lift_inc(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    bool lock = x86_has(L, ZYDIS_ATTRIB_HAS_LOCK);
    ir_ref a = lock ? ir_emit(B, IR_AADD, t, 0, IR_MEM_ATOMIC, 0, x86_ea(L, 0), x86_imm(L, t, op == IR_INCF ? 1 : -1), IR_NONE, 0)
                    : x86_read(L, 0);
    ir_ref r = ir_op1(B, op, t, a);
    if (!lock)
        x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL & ~IR_F_C, r);
    return true;
}

bool x86_lift_neg(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    bool lock = x86_has(L, ZYDIS_ATTRIB_HAS_LOCK);
    ir_ref a = lock ? ir_call(B, X86_H_lock_neg, t, x86_ea(L, 0), x86_imm(L, IR_I32, L->op[0].size), IR_NONE, IR_NONE)
                    : x86_read(L, 0);
    ir_ref r = ir_op1(B, IR_NEGF, t, a);
    if (!lock)
        x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL, r);
    return true;
}

/* --- ADX: the carry chain goes through C (ADCX) or O (ADOX) alone --- */

bool x86_lift_adx(struct x86_lifter *L, unsigned cc)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref a = x86_read(L, 0), b = x86_read_as(L, 1, t);
    ir_ref r = ir_op3(B, IR_ADCF, t, a, b, ir_cond(B, cc));
    ir_ref port = r;
    if (cc == IR_CC_O) {        /* the packed word's bit 0 is O */
        ir_ref carry = ir_emit(B, IR_COND, IR_I1, 0, IR_CC_B, 0, r, IR_NONE, IR_NONE, 0);
        port = ir_op1(B, IR_MKF, IR_I32, ir_zext(B, IR_I32, carry));
    }
    x86_write(L, 0, r);
    ir_putf(B, cc == IR_CC_O ? IR_F_O : IR_F_C, port);
    return true;
}

/* --- multiplication --- */

static void put_high_low(struct x86_lifter *L, enum ir_type t, ir_ref high, ir_ref low)
{
    if (t == IR_I8) {
        ir_put(&L->B, IR_I8, X86_GPR(X86_RAX), low);
        ir_put(&L->B, IR_I8, X86_GPR(X86_RAX) + 1, high);
    } else {
        x86_put_gpr(L, t, X86_RAX, low);
        x86_put_gpr(L, t, X86_RDX, high);
    }
}

/* MUL and one-operand IMUL (IR_UMULF, IR_SMULF); S Z A P are undefined */
static bool multiply_wide(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref b = x86_read(L, 0), a = x86_get_gpr(L, t, X86_RAX);
    ir_ref low = ir_op2(B, op, t, a, b);
    if (t == IR_I8) {                       /* AX in one piece, as it will be read; `low` is for the flags alone, which seldom are */
        ir_ref (*widen)(struct ir_builder *, enum ir_type, ir_ref) = op == IR_UMULF ? ir_zext : ir_sext;
        ir_putf(B, IR_F_ALL, low);
        ir_ref wide_b = widen(B, IR_I16, b), wide_a = widen(B, IR_I16, a);
        ir_put(B, IR_I16, X86_GPR(X86_RAX), ir_op2(B, IR_MUL, IR_I16, wide_a, wide_b));
        return true;
    }
    put_high_low(L, t, ir_op1(B, IR_SECOND, t, low), low);
    ir_putf(B, IR_F_ALL, low);
    return true;
}

bool x86_lift_mul(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    unsigned n = L->insn.operand_count_visible;
    if (n == 1)
        return multiply_wide(L, op);
    enum ir_type t = x86_op_type(L, 0);
    ir_ref a = x86_read_as(L, n - 2, t), b = x86_read_as(L, n - 1, t);
    ir_ref r = ir_op2(B, op, t, a, b);
    x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL, r);
    return true;
}

/* MULX: no flags; the high half goes to the first operand and wins if both are the same register */
bool x86_lift_mulx(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref b = x86_read(L, 2), low = ir_op2(B, IR_UMULF, t, x86_get_gpr(L, t, X86_RDX), b);
    ir_ref high = ir_op1(B, IR_SECOND, t, low);
    x86_write(L, 1, low);
    x86_write(L, 0, high);
    return true;
}

/* DIV, IDIV: IR_DIVU, IR_DIVS; flags are undefined and stay */
bool x86_lift_div(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref divisor = x86_read(L, 0);
    ir_ref low = x86_get_gpr(L, t, X86_RAX);
    ir_ref high = t == IR_I8 ? ir_get(B, IR_I8, X86_GPR(X86_RAX) + 1) : x86_get_gpr(L, t, X86_RDX);
    ir_ref quotient = ir_op3(B, op, t, high, low, divisor);
    put_high_low(L, t, ir_op1(B, IR_SECOND, t, quotient), quotient);
    return true;
}

/* --- CBW CWDE CDQE, CWD CDQ CQO: arg = bits of the operand --- */

bool x86_lift_cbw(struct x86_lifter *L, unsigned bits)
{
    ir_ref v = x86_get_gpr(L, x86_int_type(bits / 2), X86_RAX);
    x86_put_gpr(L, x86_int_type(bits), X86_RAX, ir_sext(&L->B, x86_int_type(bits), v));
    return true;
}

bool x86_lift_cwd(struct x86_lifter *L, unsigned bits)
{
    enum ir_type t = x86_int_type(bits);
    ir_ref v = ir_op2(&L->B, IR_SAR, t, x86_get_gpr(L, t, X86_RAX), x86_imm(L, IR_I8, (int64_t)bits - 1));
    x86_put_gpr(L, t, X86_RDX, v);
    return true;
}
