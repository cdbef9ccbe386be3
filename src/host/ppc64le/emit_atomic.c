/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_atomic.c: locked operations: load and reserve, store conditional, in a loop. Aligned ones of up to 8 bytes are here; the others, which the
 * host has no instruction for, are the interpreter's. With `ordered` a full fence stands on both sides. Manual: Power ISA book II, 4.6.2.
 */
#include "host/ppc64le/emit.h"

static const struct { uint32_t load, store; } forms[9] = {
    [1] = { P_LBARX, P_STBCX_ }, [2] = { P_LHARX, P_STHCX_ }, [4] = { P_LWARX, P_STWCX_ }, [8] = { P_LDARX, P_STDCX_ },
};

static void full_fence(struct emitter *e)
{
    if (e->env->ordered)
        asm_u32(&e->a, P_HWSYNC);
}

/* the way to the interpreter for an address that is not aligned; NULL: no such address */
static struct cold *check(struct emitter *e, unsigned at, unsigned size, unsigned v1, unsigned v2)
{
    if (size == 1)
        return NULL;
    asm_li(&e->a, P_ANDI_, TEMP, at, size - 1);
    struct cold *c = add_cold(e, COLD_ONE);
    c->from = asm_bc_later(&e->a, BO_FALSE, CR_EQ);
    c->arg_reg[0] = (uint8_t)at;
    c->arg_reg[1] = (uint8_t)v1;
    c->arg_reg[2] = (uint8_t)v2;
    return c;
}

static void finish(struct emitter *e, struct cold *c, unsigned old)
{
    full_fence(e);
    result(e, old, ZX);
    if (c) {
        c->back = asm_here(&e->a);
        c->result = (uint8_t)old;
    }
}

static void read_modify_write(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), v = gpr_ext(e, in->arg[1], ZX), at, old, new = TEMP;
    need_map(e);
    at = whole_address(e, in->arg[0]);
    old = alloc_gpr(e);
    struct cold *c = check(e, at, size, v, NO_REG);
    full_fence(e);
    uint64_t again = asm_here(&e->a);
    asm_x(&e->a, forms[size].load, old, 0, at);
    switch (in->op) {
    case IR_AADD: asm_x(&e->a, P_ADD, TEMP, old, v); break;
    case IR_AAND: asm_l(&e->a, P_AND, TEMP, old, v); break;
    case IR_AOR: asm_l(&e->a, P_OR, TEMP, old, v); break;
    case IR_AXOR: asm_l(&e->a, P_XOR, TEMP, old, v); break;
    default: new = v;
    }
    asm_x(&e->a, forms[size].store, new, 0, at);
    asm_bc(&e->a, BO_FALSE, CR_EQ, again);
    finish(e, c, old);
}

static void compare_and_swap(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), expected = gpr_ext(e, in->arg[1], ZX), v = gpr_ext(e, in->arg[2], ZX), at, old;
    need_map(e);
    at = whole_address(e, in->arg[0]);
    old = alloc_gpr(e);
    struct cold *c = check(e, at, size, expected, v);
    full_fence(e);
    uint64_t again = asm_here(&e->a);
    asm_x(&e->a, forms[size].load, old, 0, at);
    asm_cmp(&e->a, CR_TEMP, true, false, old, expected);
    asm_isel(&e->a, TEMP, v, old, 4 * CR_TEMP + CR_EQ);       /* x86 writes the old value where it differs, and faults if that is not allowed */
    asm_x(&e->a, forms[size].store, TEMP, 0, at);
    asm_bc(&e->a, BO_FALSE, CR_EQ, again);
    finish(e, c, old);
}

bool emit_atomic(struct emitter *e, const struct ir_insn *in)
{
    if (!is_gpr_type(in->type) || in->type == IR_I1)
        return false;
    switch (in->op) {
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: read_modify_write(e, in); return true;
    case IR_CAS: compare_and_swap(e, in); return true;
    default: return false;
    }
}
