/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_mem.c: guest memory and guest state. With `ordered`, a load is followed and a store preceded by lwsync, which is x86's order but for
 * independent reads of independent writes; docs/memory-model.md has the argument. Manual: Power ISA book II, 1.7 and 4.6.
 */
#include "host/ppc64le/emit.h"

struct addr { unsigned base, index; int32_t disp; };      /* base + disp, or base + index; base may be NO_REG */

void add_map(struct emitter *e, uint32_t offset, uint64_t pc, unsigned flags)
{
    struct host_code *c = e->code;
    if (c->n_map && c->map[c->n_map - 1].offset == offset) {
        c->map[c->n_map - 1] = (struct host_map){ .offset = offset, .flags = (uint8_t)flags, .pc = pc };
        return;
    }
    if (c->n_map == HOST_MAX_MAP) {
        e->error = -1;
        return;
    }
    c->map[c->n_map++] = (struct host_map){ .offset = offset, .flags = (uint8_t)flags, .pc = pc };
}

void need_map(struct emitter *e)
{
    if (!e->mapped && !e->loop.on)
        add_map(e, asm_offset(&e->a), e->pc, 0);
    e->mapped = true;
}

void poll_here(struct emitter *e, uint64_t pc)
{
    add_map(e, asm_offset(&e->a), pc, HOST_MAP_POLL);
    asm_d(&e->a, P_LWZ, TEMP, REG_POLL, 0);
    e->mapped = false;
}

void fence_load(struct emitter *e)
{
    if (e->env->ordered) {
        asm_u32(&e->a, P_LWSYNC);
        e->fenced = true;
    }
}
void fence_store(struct emitter *e)
{
    if (e->env->ordered && !e->fenced)
        asm_u32(&e->a, P_LWSYNC);
    e->fenced = false;
}

/* align: what the displacement must be a multiple of; 0: no displacement at all */
static struct addr fits(struct emitter *e, unsigned base, int64_t disp, unsigned align)
{
    if (fits16(disp) && (align ? disp % align == 0 : disp == 0))
        return (struct addr){ base, NO_REG, (int32_t)disp };
    if (align && disp % align == 0 && disp >= -0x7fff0000ll && disp < 0x7fff0000ll) {
        unsigned t = alloc_gpr(e);
        asm_d(&e->a, P_ADDIS, t, base, (int32_t)((disp + 0x8000) >> 16));
        return (struct addr){ t, NO_REG, (int16_t)disp };
    }
    unsigned t = alloc_gpr(e);
    add_imm(e, t, base, disp);
    return (struct addr){ t, NO_REG, 0 };
}

static unsigned plain_base(struct emitter *e, ir_ref r, int64_t *add)
{
    const struct value *v = &e->v[r];
    if (v->where == IN_GPR) {
        pin(e, v->reg);
        *add += v->add;
        return v->reg;
    }
    return gpr_of(e, r);
}

/* index << aux, which the next access may want again */
static unsigned scaled(struct emitter *e, const struct ir_insn *in, unsigned index)
{
    if (e->scaled_in != NO_REG && e->scaled == in->arg[1] && e->scaled_by == in->aux) {
        pin(e, e->scaled_in);
        return e->scaled_in;
    }
    unsigned t = alloc_gpr(e);
    asm_sldi(&e->a, t, index, in->aux);
    e->scaled = in->arg[1];
    e->scaled_by = in->aux;
    e->scaled_in = t;
    return t;
}

static struct addr address(struct emitter *e, ir_ref r, unsigned align)
{
    const struct ir_insn *in = insn(e, r);
    int64_t disp = 0;
    if (in->op == IR_CONST) {
        int64_t off = in->imm - (int64_t)e->env->stubs.others[STUB_BASE];
        if (off >= -0x7fff0000ll && off < 0x7fff0000ll)
            return fits(e, REG_BASE, off, align);
        unsigned t = alloc_gpr(e);
        int64_t low = align && (int16_t)in->imm % (int)align == 0 ? (int16_t)in->imm : 0;
        set_imm(&e->a, e->env, t, in->imm - low);
        return (struct addr){ t, NO_REG, (int32_t)low };
    }
    if (e->v[r].where != LATER) {
        unsigned base = plain_base(e, r, &disp);
        return fits(e, base, disp, align);
    }
    disp = in->imm;
    unsigned base = in->arg[0] != IR_NONE ? plain_base(e, in->arg[0], &disp) : NO_REG;
    if (in->arg[1] == IR_NONE)
        return fits(e, base, disp, align);
    unsigned index = gpr_of(e, in->arg[1]);
    if (in->aux)
        index = scaled(e, in, index);
    if (base == NO_REG)
        return fits(e, index, disp, align);
    if (!disp)
        return (struct addr){ base, index, 0 };
    unsigned t = alloc_gpr(e);
    asm_x(&e->a, P_ADD, t, base, index);
    return fits(e, t, disp, align);
}

static unsigned whole(struct emitter *e, struct addr m)            /* the address in one register */
{
    if (m.index == NO_REG && !m.disp)
        return m.base;
    unsigned t = alloc_gpr(e);
    if (m.index != NO_REG)
        asm_x(&e->a, P_ADD, t, m.base, m.index);
    else
        add_imm(e, t, m.base, m.disp);
    return t;
}

unsigned whole_address(struct emitter *e, ir_ref r) { return whole(e, address(e, r, 0)); }

static void access(struct emitter *e, uint32_t d_form, uint32_t x_form, unsigned reg, struct addr m)
{
    if (m.index != NO_REG)
        asm_x(&e->a, x_form, reg, m.base, m.index);
    else
        asm_d(&e->a, d_form, reg, m.base, m.disp);
}

static const struct { uint32_t ld, ldx, st, stx; } forms[9] = {
    [1] = { P_LBZ, P_LBZX, P_STB, P_STBX }, [2] = { P_LHZ, P_LHZX, P_STH, P_STHX }, [4] = { P_LWZ, P_LWZX, P_STW, P_STWX }, [8] = { (uint32_t)P_LD, P_LDX, (uint32_t)P_STD, P_STDX },
};

static void load_gpr(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type);
    need_map(e);
    struct addr m = address(e, in->arg[0], size == 8 ? 4 : 1);
    unsigned dst = e->v[e->i].uses ? dst_gpr(e) : alloc_gpr(e);
    access(e, forms[size].ld, forms[size].ldx, dst, m);
    fence_load(e);
    result(e, dst, ZX);
}

static void store_gpr(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type), v = gpr_of(e, in->arg[1]);
    need_map(e);
    struct addr m = address(e, in->arg[0], size == 8 ? 4 : 1);
    fence_store(e);
    access(e, forms[size].st, forms[size].stx, v, m);
}

/* --- vectors --- */

/* unaligned 16 bytes; t is for stores before POWER9 */
static void access_vec(struct emitter *e, bool store, unsigned v, struct addr m, unsigned t)
{
    if (feature(e, FEATURE_3_0)) {
        if (m.index == NO_REG && m.disp % 16 == 0)
            asm_lxv(&e->a, store, v, m.base, m.disp);
        else
            asm_vx(&e->a, store ? P_STXVX : P_LXVX, v, m.index == NO_REG ? 0 : m.base, m.index == NO_REG ? m.base : m.index);
        return;
    }
    unsigned ra = m.index == NO_REG ? 0 : m.base, rb = m.index == NO_REG ? m.base : m.index;
    if (store) {
        asm_xxpermdi(&e->a, t, v, v, 2);
        asm_vx(&e->a, P_STXVD2X, t, ra, rb);
    } else {
        asm_vx(&e->a, P_LXVD2X, v, ra, rb);
        asm_xxpermdi(&e->a, v, v, v, 2);
    }
}

/* an address of 16 bytes to check: what is a multiple of 16 stays beside its base */
static struct addr aligned_address(struct emitter *e, ir_ref r)
{
    struct addr m = address(e, r, feature(e, FEATURE_3_0) ? 16 : 0);
    return m.index == NO_REG ? m : (struct addr){ whole(e, m), NO_REG, 0 };
}

static struct cold *check_aligned(struct emitter *e, struct addr m)
{
    asm_li(&e->a, P_ANDI_, TEMP, m.base, 15);
    struct cold *c = add_cold(e, e->loop.on ? COLD_BACK : COLD_ONE);
    c->from = asm_bc_later(&e->a, BO_FALSE, CR_EQ);
    c->arg_reg[0] = (uint8_t)m.base;
    c->arg_disp = m.disp;
    return c;
}

static void load_vec(struct emitter *e, const struct ir_insn *in)
{
    need_map(e);
    bool aligned = in->aux & IR_MEM_ALIGNED && !is_aligned_in_loop(e);
    struct addr m = aligned ? aligned_address(e, in->arg[0]) : address(e, in->arg[0], feature(e, FEATURE_3_0) ? 16 : 0);
    struct cold *c = NULL;
    /* not aligned, it may fault with half of it loaded (emulators do so): never into a guest's register */
    unsigned dst = e->v[e->i].uses && (aligned || e->loop.on) ? dst_vec(e) : alloc_vec(e);       /* what it moves must happen on both ways */
    if (aligned)
        c = check_aligned(e, m);
    access_vec(e, false, dst, m, 0);
    fence_load(e);
    result_vec(e, dst);
    if (c) {
        c->result = (uint8_t)(VEC + dst);
        c->back = asm_here(&e->a);
    }
}

static void store_vec(struct emitter *e, const struct ir_insn *in)
{
    unsigned v = vec_of(e, in->arg[1]);
    need_map(e);
    bool aligned = in->aux & IR_MEM_ALIGNED;
    struct addr m = aligned ? aligned_address(e, in->arg[0]) : address(e, in->arg[0], feature(e, FEATURE_3_0) ? 16 : 0);
    struct cold *c = NULL;
    unsigned t = feature(e, FEATURE_3_0) ? 0 : alloc_vec(e);
    if (aligned) {
        c = check_aligned(e, m);
        c->arg_reg[1] = (uint8_t)(VEC + v);
    }
    fence_store(e);
    access_vec(e, true, v, m, t);
    if (c)
        c->back = asm_here(&e->a);
}

/* v = zero-extended r in the low doubleword */
void vec_from_gpr(struct emitter *e, unsigned v, unsigned r)
{
    if (feature(e, FEATURE_3_0)) {
        asm_mvsr(&e->a, P_MTVSRDD | r << 11, v, 0);
        return;
    }
    asm_mvsr(&e->a, P_MTVSRD, v, r);
    asm_x3(&e->a, (uint32_t)X_PERMDI, VEC + v, VS_ZERO, VEC + v);
}
void gpr_from_vec(struct emitter *e, unsigned r, unsigned v)               /* the low doubleword */
{
    if (feature(e, FEATURE_3_0)) {
        asm_mvsr(&e->a, P_MFVSRLD, v, r);
        return;
    }
    unsigned t = alloc_vec(e);
    asm_xxpermdi(&e->a, t, v, v, 2);
    asm_mvsr(&e->a, P_MFVSRD, t, r);
}

static bool is_low_float(const struct ir_insn *in)
{
    return (ir_op_info[in->op].props & IR_P_FP && in->mod & IR_LOW) || in->op == IR_FCMPF || in->op == IR_VCVTFG;
}

/* A float goes to its left form (emit_float.c) and nowhere else. */
static void load_float(struct emitter *e, const struct ir_insn *in, unsigned lane)
{
    struct value *v = &e->v[e->i];
    bool f64 = lane == IR_F64;
    need_map(e);
    struct addr m = address(e, in->arg[0], feature(e, FEATURE_3_0) ? 4 : 0);
    unsigned t = alloc_vec(e);
    if (m.index == NO_REG && feature(e, FEATURE_3_0))
        f64 ? asm_lxsd(&e->a, false, t, m.base, m.disp) : asm_lxssp(&e->a, false, t, m.base, m.disp);
    else
        asm_vx(&e->a, f64 ? P_LXSDX : P_LXSSPX, t, m.index == NO_REG ? 0 : m.base, m.index == NO_REG ? m.base : m.index);
    fence_load(e);
    if (!v->uses)
        return;
    v->upper_zero = true;
    e->v[2 * e->n + e->i].last = v->last;
    settle(e, 2 * e->n + e->i, VEC + t, lane);
}

static bool store_float(struct emitter *e, const struct ir_insn *in)
{
    const struct value *l = &e->v[2 * e->n + in->arg[1]];
    if (l->where != IN_VEC || l->ext != in->lane)
        return false;
    unsigned v = vec_of(e, 2 * e->n + in->arg[1]);
    bool f64 = in->lane == IR_F64;
    need_map(e);
    struct addr m = address(e, in->arg[0], feature(e, FEATURE_3_0) ? 4 : 0);
    fence_store(e);
    if (m.index == NO_REG && feature(e, FEATURE_3_0))
        f64 ? asm_lxsd(&e->a, true, v, m.base, m.disp) : asm_lxssp(&e->a, true, v, m.base, m.disp);
    else
        asm_vx(&e->a, f64 ? P_STXSDX : P_STXSSPX, v, m.index == NO_REG ? 0 : m.base, m.index == NO_REG ? m.base : m.index);
    return true;
}

/* for a VZIPL that is its only user */
static void load_splat(struct emitter *e, const struct ir_insn *in)
{
    need_map(e);
    struct addr m = address(e, in->arg[0], 0);
    unsigned dst = dst_vec(e);
    asm_vx(&e->a, P_LXVDSX, dst, m.index == NO_REG ? 0 : m.base, m.index == NO_REG ? m.base : m.index);
    fence_load(e);
    result_vec(e, dst);
}

static void load_low(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->lane);
    need_map(e);
    struct addr m = address(e, in->arg[0], size == 8 ? 4 : 1);
    if (size == 8 && feature(e, FEATURE_3_0) && m.index == NO_REG) {
        unsigned dst = e->v[e->i].uses ? dst_vec(e) : alloc_vec(e), t = alloc_vec(e);
        asm_lxsd(&e->a, false, t, m.base, m.disp);
        asm_xxpermdi(&e->a, dst, t, t, 2);
        fence_load(e);
        result_vec(e, dst);
        return;
    }
    unsigned t = alloc_gpr(e);
    access(e, forms[size].ld, forms[size].ldx, t, m);
    fence_load(e);
    unsigned dst = e->v[e->i].uses ? dst_vec(e) : alloc_vec(e);
    vec_from_gpr(e, dst, t);
    result_vec(e, dst);
}

static void store_low(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->lane), v = vec_of(e, in->arg[1]);
    need_map(e);
    struct addr m = address(e, in->arg[0], size == 8 ? 4 : 1);
    if (size == 8 && feature(e, FEATURE_3_0) && m.index == NO_REG) {
        unsigned t = alloc_vec(e);
        asm_xxpermdi(&e->a, t, v, v, 2);
        fence_store(e);
        asm_lxsd(&e->a, true, t, m.base, m.disp);
        return;
    }
    unsigned t = alloc_gpr(e);
    gpr_from_vec(e, t, v);
    fence_store(e);
    access(e, forms[size].st, forms[size].stx, t, m);
}

static void prefetch(struct emitter *e, const struct ir_insn *in)
{
    struct addr m = address(e, in->arg[0], 1);
    uint32_t op = in->aux == IR_PREFETCH_WRITE ? P_DCBTST : P_DCBT;
    unsigned hint = in->aux == IR_PREFETCH_ONCE ? 16 : 0;
    if (m.index != NO_REG)
        asm_x(&e->a, op, hint, m.base, m.index);
    else
        asm_x(&e->a, op, hint, 0, whole(e, m));
}

bool emit_mem(struct emitter *e, const struct ir_insn *in)
{
    bool aligned = in->aux & IR_MEM_ALIGNED;
    unsigned lane = in->lane;
    switch (in->op) {
    case IR_LOAD:
        if (is_gpr_type(in->type) && in->type != IR_I1 && !aligned)
            load_gpr(e, in);
        else if (in->type == IR_V128)
            load_vec(e, in);
        else
            return false;
        return true;
    case IR_STORE:
        if (is_gpr_type(in->type) && in->type != IR_I1 && !aligned)
            store_gpr(e, in);
        else if (in->type == IR_V128)
            store_vec(e, in);
        else
            return false;
        return true;
    case IR_VLOADL: case IR_VSTOREL:
        if (aligned || type_size(in->lane) > 8)
            return false;
        if (in->op == IR_VLOADL && e->v[e->i].user != NO_INSN && is_low_float(&e->b->insn[e->v[e->i].user]))
            lane = lane == IR_I64 ? IR_F64 : lane == IR_I32 ? IR_F32 : lane;
        if (in->op == IR_VLOADL && type_size(lane) == 8 && e->v[e->i].user != NO_INSN && is_splat(e, &e->b->insn[e->v[e->i].user]))
            load_splat(e, in);
        else if (in->op == IR_VLOADL)
            lane == IR_F64 || lane == IR_F32 ? load_float(e, in, lane) : load_low(e, in);
        else if (!store_float(e, in))
            store_low(e, in);
        return true;
    case IR_PREFETCH:
        prefetch(e, in);
        return true;
    case IR_FENCE:
        asm_u32(&e->a, in->aux ? P_LWSYNC : P_HWSYNC);
        return true;
    default: return false;
    }
}

/* --- guest state --- */

/* the slot's part is in memory as well for a moment */
static void flush_slot(struct emitter *e, unsigned reg, bool store) { state_vec(&e->a, e->env, store, reg - VEC, REG_STATE, e->map->offset[reg]); }

static void copy_wide(struct emitter *e, int32_t to, int32_t from, unsigned size)
{
    static const uint8_t piece[] = { 8, 4, 2, 1 };
    for (unsigned at = 0, k = 0; at < size; k += size - at < piece[k])
        if (size - at >= piece[k]) {
            asm_d(&e->a, forms[piece[k]].ld, TEMP, REG_STATE, from + (int32_t)at);
            asm_d(&e->a, forms[piece[k]].st, TEMP, REG_STATE, to + (int32_t)at);
            at += piece[k];
        }
}

static void get_memory(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(in->type);
    if (is_gpr_type(in->type)) {
        unsigned dst = dst_gpr(e);
        state_mem(e, forms[size].ld, dst, (int32_t)in->imm);
        result(e, dst, ZX);
    } else if (in->type == IR_V128) {
        unsigned dst = dst_vec(e);
        state_vec(&e->a, e->env, false, dst, REG_STATE, (int32_t)in->imm);
        result_vec(e, dst);
    } else {
        int32_t at = alloc_spill(e, e->v[e->i].last);
        asm_d(&e->a, P_ADDI, TEMP, 0, 0);
        asm_d(&e->a, (uint32_t)P_STD, TEMP, REG_STATE, at + 8);
        copy_wide(e, at, (int32_t)in->imm, size);
        in_mem(e, e->i, at);
    }
}

/* is it the fp control word, whose flags FPSCR gathers, or a part of it? */
static bool is_fpcr(const struct emitter *e, const struct ir_insn *in)
{
    return in->imm < (int64_t)e->o->fpcr + 4 && in->imm + (int64_t)type_size(in->type) > (int64_t)e->o->fpcr;
}

/* in a loop that keeps it */
static void get_left(struct emitter *e)
{
    unsigned t = loop_left(e, e->i);
    if (t == NO_REG)
        return;
    e->v[2 * e->n + e->i].last = (uint16_t)last_left(e, e->i);
    settle(e, 2 * e->n + e->i, VEC + t, IR_F64);
}

static void emit_get(struct emitter *e, const struct ir_insn *in)
{
    unsigned reg = slot_reg(e, in->imm), bits = type_bits(in->type);
    unsigned shift = reg == NO_REG ? 0 : 8 * (unsigned)(in->imm - e->map->offset[reg]);
    if (reg == NO_REG) {
        if (is_fpcr(e, in))
            far_jump(&e->a, e->env, e->env->stubs.others[STUB_GATHER], true);
        get_memory(e, in);
    } else if (reg >= VEC) {
        if (in->type == IR_V128 && !shift) {
            settle(e, e->i, reg, 0);
            get_left(e);
            return;
        }
        flush_slot(e, reg, true);
        get_memory(e, in);
    } else if (!is_gpr_type(in->type) || shift + bits > 64) {
        fail(e, "get across registers");
    } else if (!shift) {
        settle(e, e->i, reg, 0);
    } else {
        unsigned dst = dst_gpr(e);
        asm_rldicl(&e->a, dst, reg, 64 - shift, 64 - bits);
        result(e, dst, ZX);
    }
}

static void put_gpr(struct emitter *e, const struct ir_insn *in, unsigned reg)
{
    ir_ref r = in->arg[0];
    const struct value *v = &e->v[r];
    const struct ir_insn *from = insn(e, r);
    int64_t c;
    if (v->where == IN_GPR && v->reg == reg && !v->add)
        return;
    if (is_const(e, r, &c)) {
        evict(e, reg);
        set_imm(&e->a, e->env, reg, c);
        place_in(e, NO_INSN, reg, 0);
        return;
    }
    if (v->where == LATER && from->op == IR_LEA && from->arg[1] == IR_NONE && from->arg[0] != IR_NONE) {
        const struct value *base = &e->v[from->arg[0]];
        int64_t add = from->imm + base->add;
        if (base->where == IN_GPR && base->reg == reg && fits16(add)) {
            rebase(e, reg, (int32_t)add);
            asm_d(&e->a, P_ADDI, reg, reg, (int32_t)add);
            settle(e, r, reg, 0);
            return;
        }
        int64_t total = from->imm;
        unsigned b = plain_base(e, from->arg[0], &total);
        evict(e, reg);
        add_imm(e, reg, b, total);
        place_in(e, r, reg, 0);
        return;
    }
    unsigned src = gpr_of(e, r);
    evict(e, reg);
    asm_mr(&e->a, reg, src);
    place_in(e, r, reg, v->ext);
}

static void put_narrow(struct emitter *e, const struct ir_insn *in, unsigned reg, unsigned shift)
{
    unsigned bits = 8 * type_size(in->type), src = gpr_of(e, in->arg[0]);
    evict(e, reg);
    asm_rldimi(&e->a, reg, src, shift, 64 - bits - shift);
    place_in(e, NO_INSN, reg, 0);
}

static void put_memory(struct emitter *e, const struct ir_insn *in)
{
    if (is_gpr_type(in->type))
        state_mem(e, forms[type_size(in->type)].st, gpr_of(e, in->arg[0]), (int32_t)in->imm);
    else if (in->type == IR_V128)
        state_vec(&e->a, e->env, true, vec_of(e, in->arg[0]), REG_STATE, (int32_t)in->imm);
    else if (e->v[in->arg[0]].where == IN_MEM)
        copy_wide(e, (int32_t)in->imm, e->v[in->arg[0]].mem, type_size(in->type));
    else
        fail(e, "put");
}

static void emit_put(struct emitter *e, const struct ir_insn *in)
{
    unsigned reg = slot_reg(e, in->imm), size = type_size(in->type);
    unsigned shift = reg == NO_REG ? 0 : 8 * (unsigned)(in->imm - e->map->offset[reg]);
    if (reg == NO_REG) {
        put_memory(e, in);
        if (is_fpcr(e, in))
            far_jump(&e->a, e->env, e->env->stubs.others[STUB_MODES], true);
    } else if (reg >= VEC && in->type == IR_V128 && !shift) {
        if (e->v[in->arg[0]].where == IN_VEC && e->v[in->arg[0]].reg == reg)
            return;
        if (e->v[in->arg[0]].where == LATER) {                           /* VZERO */
            evict(e, reg);
            asm_vs(&e->a, X_LXOR, reg - VEC, reg - VEC, reg - VEC);
        } else if (e->v[in->arg[0]].where == NOWHERE && e->v[in->arg[0]].upper_zero) {
            vec_of(e, 2 * e->n + in->arg[0]);
            evict(e, reg);
            whole_from_left(e, in->arg[0], reg - VEC);
        } else {
            unsigned src = vec_of(e, in->arg[0]);
            evict(e, reg);
            asm_vmr(&e->a, reg - VEC, src);
        }
        place_in(e, in->arg[0], reg, 0);
    } else if (reg >= VEC) {
        flush_slot(e, reg, true);
        put_memory(e, in);
        evict(e, reg);
        flush_slot(e, reg, false);
        place_in(e, NO_INSN, reg, 0);
    } else if (!is_gpr_type(in->type) || shift + 8 * size > 64) {
        fail(e, "put across registers");
    } else if (size == 8) {
        put_gpr(e, in, reg);
    } else
        put_narrow(e, in, reg, shift);
}

bool emit_state(struct emitter *e, const struct ir_insn *in)
{
    if (in->op == IR_GET)
        emit_get(e, in);
    else if (in->op == IR_PUT)
        emit_put(e, in);
    else
        return false;
    return true;
}
