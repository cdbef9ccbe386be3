/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_move.c: moves between registers, memory and the stack. Manual: Intel SDM volume 2.
 */
#include "guest/lift_internal.h"

/* --- MOV and its relatives --- */

static bool is_segment(const struct x86_lifter *L, unsigned i)
{
    return x86_is_reg(L, i) && ZydisRegisterGetClass(L->op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}
static unsigned segment_number(const struct x86_lifter *L, unsigned i)
{
    return (unsigned)(L->op[i].reg.value - ZYDIS_REGISTER_ES);
}
static ir_ref get_selector(struct x86_lifter *L, unsigned i)
{
    return ir_get(&L->B, IR_I16, X86_OFF(seg) + 2 * segment_number(L, i));
}
static void load_segment(struct x86_lifter *L, unsigned i, ir_ref selector)
{
    ir_call(&L->B, X86_H_load_segment, IR_VOID, x86_imm(L, IR_I32, segment_number(L, i)), selector, IR_NONE, IR_NONE);
}

static bool move_special(struct x86_lifter *L)
{
    if (is_segment(L, 1)) {          /* memory takes 16 bits, a wider register the zero-extended selector */
        x86_write(L, 0, ir_zext(&L->B, x86_op_type(L, 0), get_selector(L, 1)));
        return true;
    }
    if (is_segment(L, 0)) {
        load_segment(L, 0, x86_read_as(L, 1, IR_I16));
        return true;
    }
    return x86_trap(L, IR_TRAP_PRIVILEGED, L->pc);      /* control and debug registers */
}

static bool is_special(const struct x86_lifter *L, unsigned i)
{
    bool high;
    return x86_is_reg(L, i) && x86_gpr_of(L->op[i].reg.value, &high) < 0;
}

bool x86_lift_mov(struct x86_lifter *L, unsigned arg)
{
    if (is_special(L, 0) || is_special(L, 1))
        return move_special(L);
    x86_write(L, 0, x86_read_as(L, 1, x86_op_type(L, 0)));
    return true;
}

bool x86_lift_movzx(struct x86_lifter *L, unsigned arg)
{
    x86_write(L, 0, ir_zext(&L->B, x86_op_type(L, 0), x86_read(L, 1)));
    return true;
}

bool x86_lift_movsx(struct x86_lifter *L, unsigned arg)
{
    x86_write(L, 0, ir_sext(&L->B, x86_op_type(L, 0), x86_read(L, 1)));
    return true;
}

bool x86_lift_lea(struct x86_lifter *L, unsigned arg)
{
    x86_write(L, 0, ir_trunc(&L->B, x86_op_type(L, 0), x86_ea(L, 1)));
    return true;
}

bool x86_lift_xlat(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    bool narrow = L->insn.address_width == 32;
    enum ir_type t = narrow ? IR_I32 : IR_I64;
    ir_ref index = ir_zext(B, t, x86_get_gpr(L, IR_I8, X86_RAX));
    ir_ref addr = ir_zext(B, IR_I64, ir_lea(B, t, x86_get_gpr(L, t, X86_RBX), index, 0, 0));
    ZydisRegister segment = x86_has(L, ZYDIS_ATTRIB_HAS_SEGMENT_FS) ? ZYDIS_REGISTER_FS :
                            x86_has(L, ZYDIS_ATTRIB_HAS_SEGMENT_GS) ? ZYDIS_REGISTER_GS : ZYDIS_REGISTER_NONE;
    ir_ref base = x86_segment_base(L, segment);
    if (base != IR_NONE)
        addr = ir_op2(B, IR_ADD, IR_I64, addr, base);
    x86_put_gpr(L, IR_I8, X86_RAX, ir_load(B, IR_I8, addr, IR_MEM_PLAIN));
    return true;
}

/* LFS LGS LSS: arg = number of the segment register */
bool x86_lift_far_pointer(struct x86_lifter *L, unsigned segment)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref addr = x86_ea(L, 1), v = ir_load(B, t, addr, x86_mem_aux(L, 1));
    ir_ref selector = ir_load(B, IR_I16, ir_lea(B, IR_I64, addr, IR_NONE, 0, ir_type_size[t]), x86_mem_aux(L, 1));
    ir_call(B, X86_H_load_segment, IR_VOID, x86_imm(L, IR_I32, segment), selector, IR_NONE, IR_NONE);
    x86_write(L, 0, v);
    return true;
}

/* --- the stack --- */

static ir_ref stack_at(struct x86_lifter *L, int64_t offset)
{
    return ir_lea(&L->B, IR_I64, x86_get_gpr(L, IR_I64, X86_RSP), IR_NONE, 0, offset);
}

static void push(struct x86_lifter *L, ir_ref v)
{
    enum ir_type t = ir_typeof(&L->B, v);
    ir_ref to = stack_at(L, -(int64_t)ir_type_size[t]);
    ir_store(&L->B, t, to, v, IR_MEM_STACK);
    x86_put_gpr(L, IR_I64, X86_RSP, to);
}

static enum ir_type stack_type(const struct x86_lifter *L)
{
    return L->insn.operand_width == 16 ? IR_I16 : IR_I64;
}

bool x86_lift_push(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = stack_type(L);
    push(L, is_segment(L, 0) ? ir_zext(&L->B, t, get_selector(L, 0)) : x86_read_as(L, 0, t));
    return true;
}

/* The destination's address counts with the rsp after the pop; a popped rsp is what was popped. */
bool x86_lift_pop(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = stack_type(L);
    int64_t size = ir_type_size[t];
    ir_ref v = ir_load(B, t, stack_at(L, 0), IR_MEM_STACK);
    if (x86_is_mem(L, 0)) {
        bool from_rsp = L->op[0].mem.base == ZYDIS_REGISTER_RSP || L->op[0].mem.base == ZYDIS_REGISTER_ESP;
        ir_ref addr = from_rsp ? x86_ea_plus(L, 0, x86_imm(L, IR_I64, size)) : x86_ea(L, 0);
        ir_store(B, t, addr, v, x86_mem_aux(L, 0));
    } else if (is_segment(L, 0))
        load_segment(L, 0, ir_trunc(B, IR_I16, v));
    x86_put_gpr(L, IR_I64, X86_RSP, stack_at(L, size));
    if (!x86_is_mem(L, 0) && !is_segment(L, 0))
        x86_write(L, 0, v);
    return true;
}

bool x86_lift_pushf(struct x86_lifter *L, unsigned arg)
{
    ir_ref v = ir_call(&L->B, X86_H_read_rflags, IR_I64, IR_NONE, IR_NONE, IR_NONE, IR_NONE);
    push(L, ir_trunc(&L->B, stack_type(L), v));
    return true;
}

bool x86_lift_popf(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = stack_type(L);
    ir_ref v = ir_load(&L->B, t, stack_at(L, 0), IR_MEM_STACK);
    ir_call(&L->B, X86_H_write_rflags, IR_VOID, v, x86_imm(L, IR_I32, ir_type_size[t] * 8), IR_NONE, IR_NONE);
    x86_put_gpr(L, IR_I64, X86_RSP, stack_at(L, ir_type_size[t]));
    return true;
}

/* --- frames --- */

bool x86_lift_leave(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = stack_type(L);
    ir_ref frame = x86_get_gpr(L, IR_I64, X86_RBP);
    ir_ref v = ir_load(B, t, frame, IR_MEM_STACK);
    x86_put_gpr(L, IR_I64, X86_RSP, ir_lea(B, IR_I64, frame, IR_NONE, 0, ir_type_size[t]));
    x86_put_gpr(L, t, X86_RBP, v);
    return true;
}

/* ENTER size, level: the frame pointers of the outer levels are copied. The end of the new frame is touched at last:
 * processors refuse the instruction when the new top of the stack can't be written. */
bool x86_lift_enter(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = stack_type(L);
    int64_t size = ir_type_size[t], used = size;
    unsigned level = (unsigned)L->op[1].imm.value.u & 31;
    ir_ref frame = x86_get_gpr(L, IR_I64, X86_RBP);
    int64_t total = size * (level ? level + 1 : 1) + (int64_t)(L->op[0].imm.value.u & 0xffff);
    ir_store(B, t, stack_at(L, -size), x86_get_gpr(L, t, X86_RBP), IR_MEM_STACK);
    ir_ref top = stack_at(L, -size);
    for (unsigned i = 1; i < level; i++) {
        ir_ref outer = ir_load(B, t, ir_lea(B, IR_I64, frame, IR_NONE, 0, -size * (int64_t)i), IR_MEM_STACK);
        used += size;
        ir_store(B, t, stack_at(L, -used), outer, IR_MEM_STACK);
    }
    if (level)
        ir_store(B, t, stack_at(L, -used - size), ir_trunc(B, t, top), IR_MEM_STACK);
    ir_load(B, IR_I8, stack_at(L, -total), IR_MEM_STACK);
    x86_put_gpr(L, IR_I64, X86_RSP, stack_at(L, -total));
    x86_put_gpr(L, t, X86_RBP, ir_trunc(B, t, top));
    return true;
}
