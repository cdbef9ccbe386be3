/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_bits.c: bit tests, scans and counts, BMI1, BMI2, BSWAP, MOVBE, CRC32. Manual: Intel SDM volume 2.
 */
#include "guest/lift_internal.h"

/* --- BT BTS BTR BTC: arg = what happens to the bit --- */

enum { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };   /* as in table_integer.def: 0..3 */

/* 1 << (bit mod width) */
static ir_ref bit_mask(struct x86_lifter *L, enum ir_type t, ir_ref bit)
{
    struct ir_builder *B = &L->B;
    if (t == IR_I16)            /* shift counts of i16 are taken modulo 32 */
        bit = ir_op2(B, IR_AND, t, bit, x86_imm(L, t, 15));
    return ir_op2(B, IR_SHL, t, x86_imm(L, t, 1), ir_trunc(B, IR_I8, bit));
}

static ir_ref change_bit(struct x86_lifter *L, unsigned what, enum ir_type t, ir_ref a, ir_ref bit)
{
    struct ir_builder *B = &L->B;
    ir_ref mask = bit_mask(L, t, bit);
    switch (what) {
    case BIT_SET:   return ir_op2(B, IR_OR, t, a, mask);
    case BIT_RESET: return ir_op2(B, IR_AND, t, a, ir_op1(B, IR_NOT, t, mask));
    default:        return ir_op2(B, IR_XOR, t, a, mask);
    }
}

static ir_ref change_bit_locked(struct x86_lifter *L, unsigned what, enum ir_type t, ir_ref addr, ir_ref bit)
{
    struct ir_builder *B = &L->B;
    ir_ref mask = bit_mask(L, t, bit);
    unsigned op = what == BIT_SET ? IR_AOR : what == BIT_RESET ? IR_AAND : IR_AXOR;
    if (what == BIT_RESET)
        mask = ir_op1(B, IR_NOT, t, mask);
    return ir_emit(B, op, t, 0, IR_MEM_ATOMIC, 0, addr, mask, IR_NONE, 0);
}

/* A bit offset in a register is signed and reaches beyond the operand: bytes from the operand's address to the unit of its size */
static ir_ref bit_string_address(struct x86_lifter *L, enum ir_type t, ir_ref bit)
{
    struct ir_builder *B = &L->B;
    if (!x86_is_reg(L, 1))
        return x86_ea(L, 0);
    int64_t size = ir_type_size[t];
    ir_ref bytes = ir_op2(B, IR_SAR, IR_I64, ir_sext(B, IR_I64, bit), x86_imm(L, IR_I8, 3));
    bytes = ir_op2(B, IR_AND, IR_I64, bytes, x86_imm(L, IR_I64, -size));
    return x86_ea_plus(L, 0, bytes);
}

bool x86_lift_bt(struct x86_lifter *L, unsigned what)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref bit = x86_read_as(L, 1, t), addr = IR_NONE, a;
    if (x86_is_mem(L, 0))
        addr = bit_string_address(L, t, bit);
    if (addr == IR_NONE)
        a = x86_read(L, 0);
    else if (x86_has(L, ZYDIS_ATTRIB_HAS_LOCK))
        a = change_bit_locked(L, what, t, addr, bit);
    else
        a = ir_load(B, t, addr, x86_mem_aux(L, 0));
    if (what != BIT_TEST && !x86_has(L, ZYDIS_ATTRIB_HAS_LOCK)) {
        ir_ref r = change_bit(L, what, t, a, bit);
        if (addr == IR_NONE)
            x86_write(L, 0, r);
        else
            ir_store(B, t, addr, r, x86_mem_aux(L, 0));
    }
    ir_putf(B, IR_F_C, ir_op2(B, IR_BTF, t, a, bit));
    return true;
}

/* --- scans and counts --- */

/* BSF, BSR: arg = IR_CTZ, IR_CLZ. Only Z is defined. A zero source leaves the whole destination register as it was. */
bool x86_lift_bit_scan(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0), wide = t == IR_I32 ? IR_I64 : t;
    bool high;
    int reg = x86_gpr_of(L->op[0].reg.value, &high);
    ir_ref v = x86_read(L, 1), n = ir_op1(B, op, t, v);
    if (op == IR_CLZ)
        n = ir_op2(B, IR_XOR, t, n, x86_imm(L, t, ir_type_size[t] * 8 - 1));
    ir_ref empty = x86_cmp(L, IR_CC_E, v, x86_imm(L, t, 0));
    n = ir_op3(B, IR_SELECT, wide, empty, x86_get_gpr(L, wide, (unsigned)reg), ir_zext(B, wide, n));
    x86_put_gpr(L, wide, (unsigned)reg, n);
    ir_putf(B, IR_F_ALL, ir_op2(B, IR_ANDF, t, v, v));
    return true;
}

/* C of this port: v == 0 */
static ir_ref zero_to_carry(struct x86_lifter *L, enum ir_type t, ir_ref v)
{
    return ir_op2(&L->B, IR_SUBF, t, v, x86_imm(L, t, 1));
}

/* TZCNT, LZCNT: arg = IR_CTZ, IR_CLZ. C: source is 0; Z: result is 0; the rest is undefined */
bool x86_lift_count_zeros(struct x86_lifter *L, unsigned op)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref v = x86_read(L, 1), n = ir_op1(B, op, t, v);
    ir_ref port = ir_op2(B, IR_ANDF, t, n, n), carry = zero_to_carry(L, t, v);
    x86_write(L, 0, n);
    ir_putf(B, IR_F_ALL & ~IR_F_C, port);
    ir_putf(B, IR_F_C, carry);
    return true;
}

/* Z: source is 0; all others are cleared */
bool x86_lift_popcnt(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref v = x86_read(L, 1), n = ir_op1(B, IR_POPCNT, t, v);
    ir_ref clear = ir_op1(B, IR_MKF, IR_I32, x86_imm(L, IR_I32, 0)), port = ir_op2(B, IR_ANDF, t, v, v);
    x86_write(L, 0, n);
    ir_putf(B, IR_F_ALL & ~IR_F_Z, clear);
    ir_putf(B, IR_F_Z, port);
    return true;
}

/* --- BMI1 --- */

bool x86_lift_andn(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref a = ir_op1(B, IR_NOT, t, x86_read(L, 1)), b = x86_read(L, 2);
    ir_ref r = ir_op2(B, IR_ANDF, t, a, b);
    x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL, r);
    return true;
}

/* BLSI BLSMSK BLSR: arg 0, 1, 2. Flags from the result but C, which tells about the source. */
bool x86_lift_bls(struct x86_lifter *L, unsigned which)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref v = x86_read(L, 1);
    ir_ref carry = which == 0 ? ir_op1(B, IR_NEGF, t, v) : zero_to_carry(L, t, v);   /* v != 0, or v == 0 */
    ir_ref r = ir_op2(B, which == 1 ? IR_XORF : IR_ANDF, t, v, carry);
    x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL & ~IR_F_C, r);
    ir_putf(B, IR_F_C, carry);
    return true;
}

/* the low n bits of v, n (of the same type) may be the width or more; *inside: n < width */
static ir_ref low_bits(struct x86_lifter *L, enum ir_type t, ir_ref v, ir_ref n)
{
    struct ir_builder *B = &L->B;
    ir_ref above = ir_op2(B, IR_SHL, t, x86_imm(L, t, -1), ir_trunc(B, IR_I8, n));
    ir_ref kept = ir_op2(B, IR_AND, t, v, ir_op1(B, IR_NOT, t, above));
    ir_ref inside = x86_cmp(L, IR_CC_B, n, x86_imm(L, t, ir_type_size[t] * 8));
    return ir_op3(B, IR_SELECT, t, inside, kept, v);
}

static ir_ref byte_of(struct x86_lifter *L, enum ir_type t, ir_ref v, unsigned index)
{
    v = ir_op2(&L->B, IR_SHR, t, v, x86_imm(L, IR_I8, index * 8));
    return ir_op2(&L->B, IR_AND, t, v, x86_imm(L, t, 0xff));
}

bool x86_lift_bextr(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref v = x86_read(L, 1), control = x86_read(L, 2);
    ir_ref start = byte_of(L, t, control, 0), length = byte_of(L, t, control, 1);
    ir_ref inside = x86_cmp(L, IR_CC_B, start, x86_imm(L, t, ir_type_size[t] * 8));
    v = ir_op2(B, IR_SHR, t, v, ir_trunc(B, IR_I8, start));
    v = low_bits(L, t, ir_op3(B, IR_SELECT, t, inside, v, x86_imm(L, t, 0)), length);
    ir_ref port = ir_op2(B, IR_ANDF, t, v, v);
    x86_write(L, 0, v);
    ir_putf(B, IR_F_ALL, port);
    return true;
}

/* --- BMI2 --- */

/* C: the index is above the width - 1 */
bool x86_lift_bzhi(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref v = x86_read(L, 1), n = byte_of(L, t, x86_read(L, 2), 0);
    ir_ref r = low_bits(L, t, v, n);
    ir_ref port = ir_op2(B, IR_ANDF, t, r, r), carry = ir_op2(B, IR_SUBF, t, x86_imm(L, t, ir_type_size[t] * 8 - 1), n);
    x86_write(L, 0, r);
    ir_putf(B, IR_F_ALL & ~IR_F_C, port);
    ir_putf(B, IR_F_C, carry);
    return true;
}

/* PDEP, PEXT: op = IR_PDEP, IR_PEXT */
bool x86_lift_pdep(struct x86_lifter *L, unsigned op)
{
    ir_ref v = x86_read(L, 1), mask = x86_read(L, 2);
    x86_write(L, 0, ir_op2(&L->B, op, x86_op_type(L, 0), v, mask));
    return true;
}

/* --- bytes --- */

/* The manual leaves a 16-bit BSWAP undefined; processors give 0. */
bool x86_lift_bswap(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = x86_op_type(L, 0);
    x86_write(L, 0, t == IR_I16 ? x86_imm(L, t, 0) : ir_op1(&L->B, IR_BSWAP, t, x86_read(L, 0)));
    return true;
}

bool x86_lift_movbe(struct x86_lifter *L, unsigned arg)
{
    x86_write(L, 0, ir_op1(&L->B, IR_BSWAP, x86_op_type(L, 0), x86_read(L, 1)));
    return true;
}

bool x86_lift_crc32(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    ir_ref data = x86_read(L, 1), sum = x86_read_as(L, 0, IR_I32);
    sum = ir_emit(B, IR_CRC32C, IR_I32, ir_typeof(B, data), 0, 0, sum, data, IR_NONE, 0);
    x86_write(L, 0, ir_zext(B, x86_op_type(L, 0), sum));
    return true;
}
