/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_system.c: what talks to the processor or the kernel: system calls, interrupts, identification, time, fences,
 * hints, segment bases, and the instructions that user mode may not run. Manual: Intel SDM volume 2, volume 3 5.9.
 */
#include "guest/lift_internal.h"

static ir_ref call0(struct x86_lifter *L, unsigned helper, enum ir_type t)
{
    return ir_call(&L->B, helper, t, IR_NONE, IR_NONE, IR_NONE, IR_NONE);
}

/* --- nothing to do, fences, cache control --- */

bool x86_lift_nop(struct x86_lifter *L, unsigned arg)
{
    /* the prefetch group has no register forms */
    return L->insn.opcode_map != ZYDIS_OPCODE_MAP_0F || L->insn.opcode != 0x0d;
}

/* arg: IR_PREFETCH_* */
bool x86_lift_prefetch(struct x86_lifter *L, unsigned arg)
{
    ir_emit(&L->B, IR_PREFETCH, IR_VOID, 0, arg, 0, x86_ea(L, 0), IR_NONE, IR_NONE, 0);
    return true;
}

/* F3 90; with REX.B it is an exchange with r8, as without F3 */
bool x86_lift_pause(struct x86_lifter *L, unsigned arg)
{
    enum ir_type t = x86_int_type(L->insn.operand_width);
    if (!(L->insn.attributes & ZYDIS_ATTRIB_HAS_REX) || !L->insn.raw.rex.B)
        return true;
    ir_ref a = x86_get_gpr(L, t, X86_RAX), b = x86_get_gpr(L, t, X86_R8);
    x86_put_gpr(L, t, X86_RAX, b);
    x86_put_gpr(L, t, X86_R8, a);
    return true;
}

/* arg: 0 full, 1 load, 2 store */
bool x86_lift_fence(struct x86_lifter *L, unsigned kind)
{
    ir_emit(&L->B, IR_FENCE, IR_VOID, 0, kind, 0, IR_NONE, IR_NONE, IR_NONE, 0);
    return true;
}

/* Caches are the host's; the address must be readable. */
bool x86_lift_cache_line(struct x86_lifter *L, unsigned arg)
{
    ir_load(&L->B, IR_I8, x86_ea(L, 0), x86_mem_aux(L, 0));
    return true;
}

/* --- traps --- */

bool x86_lift_illegal(struct x86_lifter *L, unsigned arg)
{
    return x86_trap(L, IR_TRAP_ILLEGAL, L->pc);
}

bool x86_lift_privileged(struct x86_lifter *L, unsigned arg)
{
    return x86_trap(L, IR_TRAP_PRIVILEGED, L->pc);
}

/* INT3, INT1: arg = trap; the pc is that of the next instruction */
bool x86_lift_trap_after(struct x86_lifter *L, unsigned trap)
{
    return x86_trap(L, trap, L->next_pc);
}

/* INT n: Linux opens gates 3, 4 and 0x80 to user mode */
bool x86_lift_int(struct x86_lifter *L, unsigned arg)
{
    switch (L->op[0].imm.value.u & 0xff) {
    case 3:    return x86_trap(L, IR_TRAP_BREAKPOINT, L->next_pc);
    case 4:    return x86_trap(L, IR_TRAP_OVERFLOW, L->next_pc);
    case 0x80: return x86_trap(L, IR_TRAP_SYSCALL32, L->next_pc);
    default:   return x86_trap(L, IR_TRAP_PRIVILEGED, L->pc);
    }
}

bool x86_lift_syscall(struct x86_lifter *L, unsigned arg)
{
    ir_ref flags = call0(L, X86_H_read_rflags, IR_I64);
    x86_put_gpr(L, IR_I64, X86_R11, flags);
    x86_put_gpr(L, IR_I64, X86_RCX, x86_imm(L, IR_I64, (int64_t)L->next_pc));
    return x86_trap(L, IR_TRAP_SYSCALL, L->next_pc);
}

/* --- identification, time, random numbers --- */

bool x86_lift_cpuid(struct x86_lifter *L, unsigned arg)
{
    call0(L, X86_H_cpuid, IR_VOID);
    return true;
}

/* RDTSC, RDTSCP (arg = 1) */
bool x86_lift_rdtsc(struct x86_lifter *L, unsigned with_id)
{
    struct ir_builder *B = &L->B;
    ir_ref id = with_id ? call0(L, X86_H_processor_id, IR_I32) : IR_NONE;
    ir_ref t = call0(L, X86_H_rdtsc, IR_I64);
    x86_put_gpr(L, IR_I32, X86_RAX, ir_trunc(B, IR_I32, t));
    x86_put_gpr(L, IR_I64, X86_RDX, ir_op2(B, IR_SHR, IR_I64, t, x86_imm(L, IR_I8, 32)));
    if (with_id)
        x86_put_gpr(L, IR_I32, X86_RCX, id);
    return true;
}

bool x86_lift_rdpid(struct x86_lifter *L, unsigned arg)
{
    x86_write(L, 0, ir_zext(&L->B, x86_op_type(L, 0), call0(L, X86_H_processor_id, IR_I32)));
    return true;
}

/* RDRAND, RDSEED: always succeed */
bool x86_lift_random(struct x86_lifter *L, unsigned arg)
{
    struct ir_builder *B = &L->B;
    enum ir_type t = x86_op_type(L, 0);
    ir_ref v = ir_call(B, X86_H_random, t, x86_imm(L, IR_I32, L->op[0].size), IR_NONE, IR_NONE, IR_NONE);
    x86_write(L, 0, v);
    ir_putf(B, IR_F_ALL, ir_op1(B, IR_MKF, IR_I32, x86_imm(L, IR_I32, IR_FLAG_C)));
    return true;
}

/* --- segments --- */

/* RDFSBASE, RDGSBASE: arg = offset of the base in the state */
bool x86_lift_read_base(struct x86_lifter *L, unsigned offset)
{
    x86_write(L, 0, ir_get(&L->B, x86_op_type(L, 0), offset));
    return true;
}

bool x86_lift_write_base(struct x86_lifter *L, unsigned offset)
{
    ir_ref v = x86_read_as(L, 0, IR_I64);
    if (L->op[0].size == 64)
        ir_call(&L->B, X86_H_check_canonical, IR_VOID, v, IR_NONE, IR_NONE, IR_NONE);
    ir_put(&L->B, IR_I64, offset, v);
    return true;
}

/* VERR VERW LAR LSL: arg = enum x86_segment_query. Z says whether the selector is valid; else the destination stays. */
bool x86_lift_segment_query(struct x86_lifter *L, unsigned query)
{
    struct ir_builder *B = &L->B;
    unsigned n = L->insn.operand_count_visible;
    ir_ref selector = x86_is_mem(L, n - 1) ? ir_load(B, IR_I16, x86_ea(L, n - 1), x86_mem_aux(L, n - 1))
                                           : x86_read_as(L, n - 1, IR_I16);
    ir_ref answer = ir_call(B, X86_H_segment_query, IR_I64, x86_imm(L, IR_I32, query), selector, IR_NONE, IR_NONE);
    ir_ref valid = ir_op2(B, IR_AND, IR_I32, ir_trunc(B, IR_I32, answer), x86_imm(L, IR_I32, 1));
    if (n == 2) {
        bool high;
        enum ir_type t = x86_op_type(L, 0), wide = t == IR_I32 ? IR_I64 : t;
        unsigned reg = (unsigned)x86_gpr_of(L->op[0].reg.value, &high);
        ir_ref v = ir_op2(B, IR_SHR, IR_I64, answer, x86_imm(L, IR_I8, 1));
        v = ir_op3(B, IR_SELECT, wide, x86_cmp(L, IR_CC_NE, valid, x86_imm(L, IR_I32, 0)), ir_trunc(B, wide, v), x86_get_gpr(L, wide, reg));
        x86_put_gpr(L, wide, reg, v);
    }
    ir_ref z = ir_op2(B, IR_SHL, IR_I32, valid, x86_imm(L, IR_I8, __builtin_ctz(IR_FLAG_Z)));
    ir_putf(B, IR_F_Z, ir_op1(B, IR_MKF, IR_I32, z));
    return true;
}

/* --- UMIP: processors refuse these in user mode and Linux answers for them, with fixed values --- */

/* SGDT, SIDT: arg = low 32 bits of the base that Linux shows */
bool x86_lift_store_table(struct x86_lifter *L, unsigned base)
{
    ir_ref addr = x86_ea(L, 0);
    ir_store(&L->B, IR_I64, ir_lea(&L->B, IR_I64, addr, IR_NONE, 0, 2), x86_imm(L, IR_I64, (int32_t)base), x86_mem_aux(L, 0));
    ir_store(&L->B, IR_I16, addr, x86_imm(L, IR_I16, 0), x86_mem_aux(L, 0));
    return true;
}

/* SLDT, STR, SMSW: arg = the value. Memory takes 16 bits. */
bool x86_lift_store_system(struct x86_lifter *L, unsigned value)
{
    x86_write(L, 0, x86_imm(L, x86_op_type(L, 0), value));
    return true;
}
