/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_state.c: GET and PUT. A GET of a mapped slot is another name for its register; a PUT is a move, or nothing when the value was computed
 * into the register already.
 */
#include "host/aarch64/emit.h"

static bool overlaps(int64_t offset, unsigned size, uint32_t field, unsigned field_size)
{
    return offset < (int64_t)field + field_size && (int64_t)field < offset + size;
}

/* --- GET --- */

static bool get_memory(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type);
    if (in->type == IR_V128) {
        unsigned d = dst_vec(e);
        load_state(e, true, 4, d, in->imm);
        result_vec(e, d);
        return true;
    }
    if (!is_gpr_type(in->type))
        return false;
    if (overlaps(in->imm, size, e->o->fpcr, 4))
        call_stub(e, STUB_GET_FPCR);
    if (overlaps(in->imm, size, e->o->flags, 2))
        call_stub(e, STUB_PACK);
    unsigned d = dst_gpr(e);
    load_state(e, false, type_log2(in->type), d, in->imm);
    result(e, d, true);
    return true;
}

static bool get_vector_part(struct emitter *e, const struct ir_insn *in, unsigned v, unsigned at)
{
    if (in->type == IR_V128 && at == 0) {
        if (e->run && e->put_at[v - 16] != NO_INSN)
            fail(e, "get after put in a run");
        share(e, (ir_ref)e->i, VEC + v, true);
        return true;
    }
    unsigned size = type_size(in->type);
    if (!is_gpr_type(in->type) || at % size)
        return false;
    unsigned d = dst_gpr(e), index = at / size, log2 = type_log2(in->type);
    asm_put(&e->a, 0x0e003c00 | (log2 == 3 ? 1u << 30 : 0) | (index << (log2 + 1) | 1u << log2) << 16 | v << 5 | d);      /* umov */
    result(e, d, true);
    return true;
}

static bool get(struct emitter *e, const struct ir_insn *in)
{
    unsigned reg = slot_reg(e, in->imm);
    if (reg == NO_REG)
        return get_memory(e, in);
    unsigned at = (unsigned)(in->imm - e->map->offset[reg]);
    if (reg >= VEC)
        return get_vector_part(e, in, reg - VEC, at);
    if (!is_gpr_type(in->type) || at + type_size(in->type) > 8)
        return false;
    if (at == 0) {
        share(e, (ir_ref)e->i, reg, in->type == IR_I64);
        return true;
    }
    unsigned d = dst_gpr(e);
    asm_ubfx(&e->a, true, d, reg, 8 * at, type_bits(in->type));
    result(e, d, true);
    return true;
}

/* --- PUT --- */

static bool put_memory(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type);
    if (in->type == IR_V128)
        store_state(e, true, 4, vec_of(e, in->arg[0]), in->imm);
    else if (is_gpr_type(in->type))
        store_state(e, false, type_log2(in->type), gpr_zr(e, in->arg[0]), in->imm);
    else
        return false;
    if (overlaps(in->imm, size, e->o->fpcr, 4))
        call_stub(e, STUB_PUT_FPCR);
    if (overlaps(in->imm, size, e->o->flags, 2)) {
        clobber(e);
        call_stub(e, STUB_UNPACK);
    }
    return true;
}

static void put_whole(struct emitter *e, ir_ref r, unsigned reg)
{
    struct value *v = &e->v[r];
    if (v->where == IN_REG && v->reg == reg)
        return;
    evict(e, reg);
    into(e, r, reg);
    if (v->where == IN_CONST && v->reg != NO_REG)
        v = &e->v[r];
    if (live(e, r) && v->where != LATER)
        settle(e, r, reg, true);
    else
        settle(e, (ir_ref)e->i, reg, true);             /* the PUT itself stands for the new contents: nobody's value */
}

static void put_part(struct emitter *e, ir_ref r, unsigned reg, unsigned at, unsigned bits)
{
    unsigned n = gpr_zr(e, r);
    evict(e, reg);
    asm_bfi(&e->a, true, reg, n, 8 * at, bits);
    settle(e, (ir_ref)e->i, reg, true);
}

static bool put_vector(struct emitter *e, const struct ir_insn *in, unsigned reg, unsigned at)
{
    ir_ref r = in->arg[0];
    unsigned v = reg - VEC, size = type_size(in->type), log2 = type_log2(in->type);
    if (in->type == IR_V128 && at == 0) {
        if (put_in_run(e, in, v))
            return true;
        unsigned n = vec_of(e, r);
        if (n == v)
            return true;
        evict(e, reg);
        asm_put(&e->a, 0x4ea01c00 | n << 16 | n << 5 | v);
        settle(e, live(e, r) ? r : (ir_ref)e->i, reg, true);
        return true;
    }
    if (!is_gpr_type(in->type) || at % size)
        return false;
    unsigned n = gpr_zr(e, r);
    evict(e, reg);
    asm_put(&e->a, 0x4e001c00 | (at / size << (log2 + 1) | 1u << log2) << 16 | n << 5 | v);        /* ins */
    settle(e, (ir_ref)e->i, reg, true);
    return true;
}

static bool put(struct emitter *e, const struct ir_insn *in)
{
    unsigned reg = slot_reg(e, in->imm);
    if (reg == NO_REG)
        return put_memory(e, in);
    unsigned at = (unsigned)(in->imm - e->map->offset[reg]);
    if (reg >= VEC)
        return put_vector(e, in, reg, at);
    if (!is_gpr_type(in->type) || at + type_size(in->type) > 8)
        return false;
    if (in->type == IR_I64)
        put_whole(e, in->arg[0], reg);
    else
        put_part(e, in->arg[0], reg, at, in->type == IR_I1 ? 8 : type_bits(in->type));
    return true;
}

bool emit_state(struct emitter *e, const struct ir_insn *in)
{
    if (in->op != IR_GET && in->op != IR_PUT)
        return false;
    if (!(in->op == IR_GET ? get(e, in) : put(e, in)))
        fail(e, "get or put");
    return true;
}
