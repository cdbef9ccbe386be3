/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_x87.c: x87 instructions become helper calls on the state (x87.c); only the control registers' stores are inline. Memory operands
 * are loaded by the IR, stored by the helper, because what is stored decides whether an exception stops the instruction.
 */
#include "guest/lift_internal.h"
#include "guest/x87.h"

/* The helper's first argument: what the table and operands say, and FOP (SDM vol. 1, 8.1.9). */
static ir_ref make_ctl(struct x86_lifter *L, unsigned ctl)
{
    unsigned modrm = (unsigned)L->insn.raw.modrm.mod << 6 | (unsigned)L->insn.raw.modrm.reg << 3 | L->insn.raw.modrm.rm;
    unsigned fop = (L->insn.opcode & 7u) << 8 | modrm;
    L->mmx_entered = false;
    return ir_const(&L->B, IR_I64, (int64_t)(ctl | fop << 16));
}

static void call1(struct x86_lifter *L, unsigned helper, unsigned ctl)
{
    ir_call(&L->B, helper, IR_VOID, make_ctl(L, ctl), IR_NONE, IR_NONE, IR_NONE);
}

static unsigned st_of(const struct x86_lifter *L, unsigned i)
{
    return (unsigned)(L->op[i].reg.value - ZYDIS_REGISTER_ST0) & 7;
}

static enum x87_format format_of(const struct x86_lifter *L, bool integer)
{
    switch (L->op[0].size) {
    case 16: return X87_I16;
    case 32: return integer ? X87_I32 : X87_F32;
    case 64: return integer ? X87_I64 : X87_F64;
    default: return X87_F80;
    }
}

/* FDP is an offset: without the base of fs or gs, which the helper's address has */
static void note_operand(struct x86_lifter *L)
{
    ir_ref base = x86_segment_base(L, L->op[0].mem.segment);
    if (base != IR_NONE)
        ir_put(&L->B, IR_I64, X86_OFF(fdp), ir_op2(&L->B, IR_SUB, IR_I64, x86_ea(L, 0), base));
}

/* Load operand 0 (16 to 64 bits; integers sign-extended) and call with its bits and address. */
static void call_with_memory(struct x86_lifter *L, unsigned helper, unsigned ctl, bool integer)
{
    ir_ref address = x86_ea(L, 0);
    ir_ref v = ir_load(&L->B, x86_int_type(L->op[0].size), address, x86_mem_aux(L, 0));
    v = integer ? ir_sext(&L->B, IR_I64, v) : ir_zext(&L->B, IR_I64, v);
    ir_call(&L->B, helper, IR_VOID, make_ctl(L, ctl), v, address, IR_NONE);
    note_operand(L);
}

static void load80(struct x86_lifter *L, enum x87_format f)
{
    unsigned aux = x86_mem_aux(L, 0);
    ir_ref address = x86_ea(L, 0);
    ir_ref low = ir_load(&L->B, IR_I64, address, aux);
    ir_ref high = ir_load(&L->B, IR_I16, ir_lea(&L->B, IR_I64, address, IR_NONE, 0, 8), aux);
    ir_call(&L->B, X86_H_x87_load80, IR_VOID, make_ctl(L, X87_CTL(f, 0, 0, 0, 0)), low, ir_zext(&L->B, IR_I64, high), address);
    note_operand(L);
}

/* FLD, FILD, FBLD: arg 0 floating point, 1 integer, 2 decimal */
bool x86_x87_load(struct x86_lifter *L, unsigned arg)
{
    if (!x86_is_mem(L, 0))
        call1(L, X86_H_x87_load_st, X87_CTL(0, st_of(L, 0), 0, 0, 0));
    else if (L->op[0].size == 80)
        load80(L, arg == 2 ? X87_BCD : X87_F80);
    else
        call_with_memory(L, X86_H_x87_load, X87_CTL(format_of(L, arg == 1), 0, 0, 0, 0), arg == 1);
    return true;
}

bool x86_x87_const(struct x86_lifter *L, unsigned arg)
{
    call1(L, X86_H_x87_load_const, X87_CTL(0, arg, 0, 0, 0));
    return true;
}

/* FST, FSTP, FIST, FISTP, FISTTP, FBSTP: arg bits 0..1 kind as in load, 2 pop, 3 truncate, 4 register form without a check */
bool x86_x87_store(struct x86_lifter *L, unsigned arg)
{
    unsigned pops = arg >> 2 & 1;
    if (!x86_is_mem(L, 0)) {
        call1(L, X86_H_x87_store_st, X87_CTL(0, st_of(L, 0), 0, pops, arg >> 4 & 1));
        return true;
    }
    enum x87_format f = (arg & 3) == 2 ? X87_BCD : format_of(L, (arg & 3) == 1);
    ir_ref address = x86_ea(L, 0);
    ir_call(&L->B, X86_H_x87_store, IR_VOID, make_ctl(L, X87_CTL(f, 0, 0, pops, arg >> 3 & 1)), address, IR_NONE, IR_NONE);
    note_operand(L);
    return true;
}

/* arg: enum x87_op; bit 4 pop, bit 5 integer memory operand */
bool x86_x87_arith(struct x86_lifter *L, unsigned arg)
{
    unsigned op = arg & 7;
    if (x86_is_mem(L, 0))
        call_with_memory(L, X86_H_x87_arith_mem, X87_CTL(op, format_of(L, arg & 32), 0, 0, 0), arg & 32);
    else
        call1(L, X86_H_x87_arith, X87_CTL(op, st_of(L, 0), st_of(L, 1), arg >> 4 & 1, 0));
    return true;
}

/* FCOM and all like it: arg bits 0..1 pops, 2 unordered, 3 integer memory operand, 4 result in the flags */
bool x86_x87_compare(struct x86_lifter *L, unsigned arg)
{
    unsigned pops = arg & 3, unordered = arg >> 2 & 1;
    if (x86_is_mem(L, 0)) {
        call_with_memory(L, X86_H_x87_compare_mem, X87_CTL(0, format_of(L, arg & 8), 0, pops, unordered), arg & 8);
    } else if (arg & 16) {
        ir_ref r = ir_call(&L->B, X86_H_x87_compare_flags, IR_I64, make_ctl(L, X87_CTL(0, st_of(L, 1), 0, pops, unordered)),
                           IR_NONE, IR_NONE, IR_NONE);
        ir_putf(&L->B, IR_F_ALL, ir_op1(&L->B, IR_MKF, IR_I32, ir_trunc(&L->B, IR_I32, r)));
    } else {
        call1(L, X86_H_x87_compare, X87_CTL(0, st_of(L, 0) | st_of(L, 1), 0, pops, unordered));   /* one of them is ST0 */
    }
    return true;
}

/* arg: enum x87_op */
bool x86_x87_op(struct x86_lifter *L, unsigned arg)
{
    call1(L, arg == X87_CHS || arg == X87_ABS || arg == X87_TST ? X86_H_x87_sign : X86_H_x87_op, X87_CTL(arg, 0, 0, 0, 0));
    return true;
}

bool x86_x87_xch(struct x86_lifter *L, unsigned arg)
{
    call1(L, X86_H_x87_xch, X87_CTL(0, st_of(L, 0), 0, 0, 0));
    return true;
}

/* arg: condition */
bool x86_x87_cmov(struct x86_lifter *L, unsigned arg)
{
    ir_ref cond = ir_zext(&L->B, IR_I64, ir_cond(&L->B, (enum ir_cc)arg));
    ir_call(&L->B, X86_H_x87_cmov, IR_VOID, make_ctl(L, X87_CTL(0, st_of(L, 1), 0, 0, 0)), cond, IR_NONE, IR_NONE);
    return true;
}

/* FFREE, FFREEP: arg = pops */
bool x86_x87_free(struct x86_lifter *L, unsigned arg)
{
    call1(L, X86_H_x87_free, X87_CTL(0, st_of(L, 0), 0, arg, 0));
    return true;
}

/* FINCSTP, FDECSTP: arg = what is added to the top */
bool x86_x87_rotate(struct x86_lifter *L, unsigned arg)
{
    call1(L, X86_H_x87_rotate, X87_CTL(0, arg, 0, 0, 0));
    return true;
}

/* Instructions without operands: arg = helper */
bool x86_x87_simple(struct x86_lifter *L, unsigned arg)
{
    ir_call(&L->B, arg, IR_VOID, IR_NONE, IR_NONE, IR_NONE, IR_NONE);
    L->mmx_entered = false;
    return true;
}

bool x86_x87_nop(struct x86_lifter *L, unsigned arg)
{
    call1(L, X86_H_x87_nop, 0);
    return true;
}

/* FENI, FDISI, FSETPM of older processors */
bool x86_x87_nothing(struct x86_lifter *L, unsigned arg)
{
    return true;
}

/* FNSTCW, FNSTSW: arg = offset in the state */
bool x86_x87_store_control(struct x86_lifter *L, unsigned arg)
{
    x86_write(L, 0, ir_get(&L->B, IR_I16, arg));
    return true;
}

bool x86_x87_ldcw(struct x86_lifter *L, unsigned arg)
{
    ir_ref v = ir_load(&L->B, IR_I16, x86_ea(L, 0), x86_mem_aux(L, 0));
    L->mmx_entered = false;                     /* it may unmask an exception that is recorded */
    ir_call(&L->B, X86_H_x87_ldcw, IR_VOID, ir_zext(&L->B, IR_I64, v), IR_NONE, IR_NONE, IR_NONE);
    return true;
}

/* FNSTENV, FLDENV, FNSAVE, FRSTOR: arg bit 0 = with the registers, bit 1 = load */
bool x86_x87_env(struct x86_lifter *L, unsigned arg)
{
    unsigned narrow = L->insn.operand_width == 16;
    ir_call(&L->B, arg & 2 ? X86_H_x87_ldenv : X86_H_x87_stenv, IR_VOID, make_ctl(L, X87_CTL(0, 0, 0, arg & 1, narrow)), x86_ea(L, 0),
            IR_NONE, IR_NONE);
    return true;
}
