/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_operand.c: operands of decoded instructions: registers of all widths, addresses, immediates. Manual: Intel SDM
 * volume 1, 3.4 (registers), 3.7.5 (addresses).
 * What must stay true: a 32-bit write clears the upper half of the register; 8- and 16-bit writes leave the rest alone.
 */
#include "guest/lift_internal.h"

enum ir_type x86_int_type(unsigned bits)
{
    switch (bits) {
    case 8:   return IR_I8;
    case 16:  return IR_I16;
    case 32:  return IR_I32;
    case 64:  return IR_I64;
    case 128: return IR_I128;
    default:  return IR_VOID;
    }
}

enum ir_type x86_op_type(const struct x86_lifter *L, unsigned i)
{
    return x86_int_type(L->op[i].size);
}

/* --- registers --- */

enum { HIGH = 0x80 };
#define FOUR(first, n) [first] = n, [first + 1] = n + 1, [first + 2] = n + 2, [first + 3] = n + 3
#define TWELVE(first) FOUR(first, 4 + 1), FOUR(first + 4, 8 + 1), FOUR(first + 8, 12 + 1)
static const uint8_t gpr_of[ZYDIS_REGISTER_R15 + 1] = {          /* number + 1, or HIGH + number + 1; 0: another kind of register */
    FOUR(ZYDIS_REGISTER_AL, 1), FOUR(ZYDIS_REGISTER_AH, HIGH + 1), TWELVE(ZYDIS_REGISTER_SPL),
    FOUR(ZYDIS_REGISTER_AX, 1), TWELVE(ZYDIS_REGISTER_AX + 4), FOUR(ZYDIS_REGISTER_EAX, 1), TWELVE(ZYDIS_REGISTER_EAX + 4),
    FOUR(ZYDIS_REGISTER_RAX, 1), TWELVE(ZYDIS_REGISTER_RAX + 4),
};

int x86_gpr_of(ZydisRegister r, bool *high)
{
    unsigned n = (unsigned)r <= ZYDIS_REGISTER_R15 ? gpr_of[r] : 0;
    *high = n & HIGH;
    return (int)(n & ~HIGH) - 1;
}

ir_ref x86_get_gpr(struct x86_lifter *L, enum ir_type t, unsigned reg)
{
    return ir_get(&L->B, t, X86_GPR(reg));
}

void x86_put_gpr(struct x86_lifter *L, enum ir_type t, unsigned reg, ir_ref v)
{
    if (t == IR_I32) {
        v = ir_zext(&L->B, IR_I64, v);
        t = IR_I64;
    }
    ir_put(&L->B, t, X86_GPR(reg), v);
}

/* --- addresses --- */

ir_ref x86_segment_base(struct x86_lifter *L, ZydisRegister segment)
{
    if (segment == ZYDIS_REGISTER_FS)
        return ir_get(&L->B, IR_I64, X86_OFF(fs_base));
    if (segment == ZYDIS_REGISTER_GS)
        return ir_get(&L->B, IR_I64, X86_OFF(gs_base));
    return IR_NONE;
}

struct address { ir_ref base, index; unsigned shift; int64_t disp; };

/* The decoder (4.0.0) takes REX.B for a base register where SIB says there is none: 32-bit addresses with mod 0, base 5. */
static bool false_base(const struct x86_lifter *L, ZydisRegister base)
{
    return base == ZYDIS_REGISTER_R13D && L->insn.raw.modrm.mod == 0 && L->insn.raw.modrm.rm == 4 && L->insn.raw.sib.base == 5;
}

/* the parts in type t; a base of rip becomes part of the displacement */
static struct address address_parts(struct x86_lifter *L, enum ir_type t, const ZydisDecodedOperandMem *mem)
{
    struct address a = { IR_NONE, IR_NONE, 0, mem->disp.value };
    bool high;
    int base = x86_gpr_of(mem->base, &high), index = x86_gpr_of(mem->index, &high);
    if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
        a.disp = (int64_t)((uint64_t)a.disp + L->next_pc);
    else if (false_base(L, mem->base))
        a.disp = L->insn.raw.disp.value;
    else if (base >= 0)
        a.base = x86_get_gpr(L, t, (unsigned)base);
    if (index >= 0) {
        a.index = x86_get_gpr(L, t, (unsigned)index);
        a.shift = (unsigned)__builtin_ctz(mem->scale | 16);
    }
    return a;
}

/* the sum in 64 bits; the segment's base takes a free place */
static ir_ref address_sum64(struct x86_lifter *L, struct address a, ir_ref segment)
{
    bool pending = segment != IR_NONE;
    if (pending && a.index == IR_NONE) {
        a.index = a.base;
        a.base = segment;
        pending = false;
    } else if (pending && a.base == IR_NONE) {
        a.base = segment;
        pending = false;
    }
    ir_ref v = ir_lea(&L->B, IR_I64, a.base, a.index, a.shift, a.disp);
    return pending ? ir_op2(&L->B, IR_ADD, IR_I64, v, segment) : v;
}

ir_ref x86_ea_plus(struct x86_lifter *L, unsigned i, ir_ref offset)
{
    const ZydisDecodedOperandMem *mem = &L->op[i].mem;
    bool agen = mem->type == ZYDIS_MEMOP_TYPE_AGEN;         /* LEA: no segment */
    ir_ref segment = agen ? IR_NONE : x86_segment_base(L, mem->segment);
    bool narrow = L->insn.address_width == 32;
    struct address a = address_parts(L, narrow ? IR_I32 : IR_I64, mem);
    if (!narrow && offset == IR_NONE)
        return address_sum64(L, a, segment);
    ir_ref v = ir_lea(&L->B, narrow ? IR_I32 : IR_I64, a.base, a.index, a.shift, a.disp);
    if (offset != IR_NONE)
        v = ir_op2(&L->B, IR_ADD, narrow ? IR_I32 : IR_I64, v, ir_trunc(&L->B, narrow ? IR_I32 : IR_I64, offset));
    v = ir_zext(&L->B, IR_I64, v);
    return segment == IR_NONE ? v : ir_op2(&L->B, IR_ADD, IR_I64, v, segment);
}

/* Kept for the rest of the instruction: a read-modify-write asks twice. */
ir_ref x86_ea(struct x86_lifter *L, unsigned i)
{
    if (L->ea_op != i) {
        L->ea = x86_ea_plus(L, i, IR_NONE);
        L->ea_op = i;
    }
    return L->ea;
}

unsigned x86_mem_aux(const struct x86_lifter *L, unsigned i)
{
    return L->op[i].mem.base == ZYDIS_REGISTER_RSP ? IR_MEM_STACK : IR_MEM_PLAIN;
}

/* --- reading and writing --- */

static ir_ref read_register(struct x86_lifter *L, ZydisRegister r, enum ir_type t)
{
    bool high;
    int n = x86_gpr_of(r, &high);
    if (n < 0)
        return ir_const(&L->B, t, 0);
    return ir_get(&L->B, t, X86_GPR(n) + high);
}

ir_ref x86_read(struct x86_lifter *L, unsigned i)
{
    return x86_read_as(L, i, x86_op_type(L, i));
}

ir_ref x86_read_as(struct x86_lifter *L, unsigned i, enum ir_type t)
{
    const ZydisDecodedOperand *op = &L->op[i];
    enum ir_type own = x86_int_type(op->size);
    switch (op->type) {
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        return ir_const(&L->B, t, op->imm.value.s);
    case ZYDIS_OPERAND_TYPE_REGISTER:
        return ir_zext(&L->B, t, read_register(L, op->reg.value, own));
    case ZYDIS_OPERAND_TYPE_MEMORY:
        return ir_zext(&L->B, t, ir_load(&L->B, own, x86_ea(L, i), x86_mem_aux(L, i)));
    default:
        return ir_const(&L->B, t, 0);
    }
}

void x86_write(struct x86_lifter *L, unsigned i, ir_ref v)
{
    const ZydisDecodedOperand *op = &L->op[i];
    enum ir_type t = ir_typeof(&L->B, v);
    if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        ir_store(&L->B, t, x86_ea(L, i), v, x86_mem_aux(L, i));
        return;
    }
    bool high;
    int n = x86_gpr_of(op->reg.value, &high);
    if (n < 0)
        return;
    if (high)
        ir_put(&L->B, IR_I8, X86_GPR(n) + 1, v);
    else
        x86_put_gpr(L, t, (unsigned)n, v);
}

/* --- vectors --- */

int x86_xmm_of(const struct x86_lifter *L, unsigned i)
{
    if (L->op[i].type != ZYDIS_OPERAND_TYPE_REGISTER)
        return -1;
    int n = (int)L->op[i].reg.value - ZYDIS_REGISTER_XMM0;
    return n >= 0 && n < 32 ? n : -1;
}

ir_ref x86_get_xmm(struct x86_lifter *L, unsigned reg)
{
    return ir_get(&L->B, IR_V128, X86_XMM(reg));
}

void x86_put_xmm(struct x86_lifter *L, unsigned reg, ir_ref v)
{
    ir_put(&L->B, IR_V128, X86_XMM(reg), v);
}

ir_ref x86_read_xmm(struct x86_lifter *L, unsigned i, bool aligned)
{
    int n = x86_xmm_of(L, i);
    if (n >= 0)
        return x86_get_xmm(L, (unsigned)n);
    return ir_load(&L->B, IR_V128, x86_ea(L, i), x86_mem_aux(L, i) | (aligned ? IR_MEM_ALIGNED : 0));
}
