/* SPDX-License-Identifier: GPL-2.0-or-later
 * regs.c: where values are. Mapped registers hold guest slots and whatever values equal them; x0..x4, x18 and v0..v13 hold the rest; what does
 * not fit waits in the spill area.
 */
#include "host/aarch64/emit.h"

static const uint8_t scratch_gpr[] = { 0, 1, 2, 3, 4, 18 };
static const uint8_t mapped_gpr[] = { 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 9, 10, 11, 12, 13, 14 };
enum { N_SCRATCH = sizeof scratch_gpr, N_MAPPED = sizeof mapped_gpr, N_SCRATCH_VEC = 14, FIRST_VEC = 16 };

const struct a64_map *a64_map(const struct host_env *env)
{
    static struct a64_map map;
    if (map.slots == env->slots && map.n_slots == env->n_slots)
        return &map;
    struct a64_map m = { .slots = env->slots, .n_slots = env->n_slots };
    memset(m.offset, 0xff, sizeof m.offset);
    unsigned g = 0, v = 0;
    for (unsigned k = 0; k < env->n_slots; k++) {
        const struct guest_slot *s = &env->slots[k];
        unsigned reg, n;
        if (s->offset + 16u > MAP_BYTES || s->offset % 8)
            continue;
        if (s->type == IR_I64 && g < N_MAPPED)
            reg = mapped_gpr[g++], n = 1;
        else if (s->type == IR_V128 && v < 16)
            reg = VEC + FIRST_VEC + v++, n = 2;
        else
            continue;
        m.offset[reg] = s->offset;
        for (unsigned j = 0; j < n; j++)
            m.reg_at[s->offset / 8 + j] = (uint8_t)(reg + 1);
    }
    map = m;
    return &map;
}

void pin(struct emitter *e, unsigned reg) { e->pins |= 1ull << reg; }
static bool pinned(const struct emitter *e, unsigned reg) { return (e->pins | e->kept) >> reg & 1; }

/* --- lists of values by register --- */

static void add(struct emitter *e, ir_ref r, unsigned reg)
{
    e->v[r].reg = (uint8_t)reg;
    e->v[r].next = e->head[reg];
    e->head[reg] = r;
}

static void leave_reg(struct emitter *e, ir_ref r)
{
    struct value *v = &e->v[r];
    if (v->reg == NO_REG)
        return;
    for (uint16_t *p = &e->head[v->reg]; *p != NO_INSN; p = &e->v[*p].next)
        if (*p == r) {
            *p = v->next;
            break;
        }
    v->reg = NO_REG;
    v->next = NO_INSN;
}

static void empty_reg(struct emitter *e, unsigned reg)
{
    for (uint16_t r = e->head[reg], next; r != NO_INSN; r = next) {
        next = e->v[r].next;
        e->v[r].reg = NO_REG;
        e->v[r].next = NO_INSN;
        if (e->v[r].where == IN_REG)
            e->v[r].where = NOWHERE;
    }
    e->head[reg] = NO_INSN;
}

void settle(struct emitter *e, ir_ref r, unsigned reg, bool clean)
{
    leave_reg(e, r);
    empty_reg(e, reg);
    share(e, r, reg, clean);
}

void share(struct emitter *e, ir_ref r, unsigned reg, bool clean)
{
    leave_reg(e, r);
    if (e->v[r].where != IN_CONST)
        e->v[r].where = IN_REG;
    e->v[r].clean = clean;
    add(e, r, reg);
}

static unsigned last_of(const struct value *v) { return v->last > v->hold ? v->last : v->hold; }

/* the last instruction that needs a value of this register; 0: none. Constants can be made again */
static unsigned needed_until(const struct emitter *e, unsigned reg)
{
    unsigned last = 0;
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (e->v[r].where == IN_REG && last_of(&e->v[r]) > last)
            last = last_of(&e->v[r]);
    return last;
}

/* nothing but r is still needed from this register, after the current instruction */
bool sole_value(const struct emitter *e, unsigned reg, ir_ref r)
{
    for (uint16_t x = e->head[reg]; x != NO_INSN; x = e->v[x].next)
        if (x != r && e->v[x].where == IN_REG && last_of(&e->v[x]) > e->i)
            return false;
    return !e->v[r].hold;
}

/* --- spilling --- */

void load_state(struct emitter *e, bool vec, unsigned log2, unsigned t, int64_t offset)
{
    if (!asm_offset_fits(log2, offset)) {
        asm_imm(&e->a, T0, (uint64_t)offset);
        asm_mem_index(&e->a, true, vec, log2, t, STATE, T0, false);
    } else
        asm_mem(&e->a, true, vec, log2, t, STATE, offset);
}

void store_state(struct emitter *e, bool vec, unsigned log2, unsigned t, int64_t offset)
{
    if (!asm_offset_fits(log2, offset)) {
        asm_imm(&e->a, T0, (uint64_t)offset);
        asm_mem_index(&e->a, false, vec, log2, t, STATE, T0, false);
    } else
        asm_mem(&e->a, false, vec, log2, t, STATE, offset);
}

int32_t alloc_port(struct emitter *e, ir_ref fl)
{
    if (e->v[fl].port_home >= 0)
        return e->v[fl].port_home;
    for (unsigned k = 0; k < N_PORTS; k++)
        if (e->port_until[k] == NO_INSN || e->port_until[k] < e->i) {
            e->port_until[k] = e->v[fl].port_last;
            return e->v[fl].port_home = spill_at(e, SPILL_PORTS + k * PORT_SIZE);
        }
    e->error = e->error ? e->error : -1;
    return spill_at(e, SPILL_PORTS);
}

/* what is needed at or after `from` goes to the spill area */
static void spill(struct emitter *e, unsigned reg, unsigned from)
{
    unsigned last = needed_until(e, reg);
    if (last >= from && last) {
        int32_t home = alloc_spill(e, last);
        store_state(e, reg >= VEC, reg >= VEC ? 4 : 3, reg & 31, home);
        for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
            if (e->v[r].where == IN_REG) {
                e->v[r].where = IN_SPILL;
                e->v[r].home = home;
            }
    }
    empty_reg(e, reg);
}

void spill_all(struct emitter *e)
{
    for (unsigned k = 0; k < N_SCRATCH; k++)
        spill(e, scratch_gpr[k], e->i + 1);
    for (unsigned k = 0; k < N_SCRATCH_VEC; k++)
        spill(e, VEC + k, e->i + 1);
}

void spill_mapped(struct emitter *e)
{
    for (unsigned reg = 0; reg < N_REGS; reg++)
        if (e->map->offset[reg] >= 0)
            spill(e, reg, e->i + 1);
}

/* --- allocation --- */

static unsigned alloc(struct emitter *e, const uint8_t *regs, unsigned first, unsigned n)
{
    unsigned best = NO_REG, best_cost = 0;
    for (unsigned k = 0; k < n; k++) {
        unsigned reg = regs ? regs[k] : first + k, until = needed_until(e, reg);
        if (pinned(e, reg))
            continue;
        unsigned cost = until < e->i || !until ? 0xffff0 : until;      /* free ones first, those without constants before others */
        if (cost == 0xffff0 && e->head[reg] == NO_INSN)
            cost++;
        if (best == NO_REG || cost > best_cost) {
            best = reg;
            best_cost = cost;
        }
    }
    if (best == NO_REG) {
        fail(e, "no register");
        return regs ? regs[0] : first;
    }
    spill(e, best, e->i);
    pin(e, best);
    return best;
}
unsigned alloc_gpr(struct emitter *e) { return alloc(e, scratch_gpr, 0, N_SCRATCH); }
unsigned alloc_vec(struct emitter *e) { return alloc(e, NULL, VEC, N_SCRATCH_VEC) - VEC; }

static void move_vec(struct emitter *e, unsigned d, unsigned n) { asm_put(&e->a, 0x4ea01c00 | n << 16 | n << 5 | d); }

void evict(struct emitter *e, unsigned reg)
{
    if (needed_until(e, reg) <= e->i)
        return;
    unsigned to = reg >= VEC ? VEC + alloc_vec(e) : alloc_gpr(e);
    e->pins &= ~(1ull << to);
    reg >= VEC ? move_vec(e, to - VEC, reg - VEC) : asm_mov(&e->a, true, to, reg);
    for (uint16_t r = e->head[reg], next; r != NO_INSN; r = next) {
        next = e->v[r].next;
        if (e->v[r].where == IN_REG && last_of(&e->v[r]) > e->i) {
            leave_reg(e, r);
            add(e, r, to);
        }
    }
}

unsigned dst_gpr(struct emitter *e)
{
    unsigned h = e->v[e->i].hint;
    if (h < VEC) {
        evict(e, h);
        pin(e, h);
        return h;
    }
    return alloc_gpr(e);
}

unsigned dst_vec(struct emitter *e)
{
    unsigned h = e->v[e->i].hint;
    if (h >= VEC && h < N_REGS && (!e->run || e->loop.on)) {
        evict(e, h);
        pin(e, h);
        return h - VEC;
    }
    return alloc_vec(e);
}

void result(struct emitter *e, unsigned reg, bool clean) { settle(e, (ir_ref)e->i, reg, clean); }
void result_vec(struct emitter *e, unsigned v) { settle(e, (ir_ref)e->i, VEC + v, true); }

/* --- fetching --- */

static void lea_parts(struct emitter *e, const struct ir_insn *in, unsigned dst)
{
    bool x = in->type == IR_I64;
    int64_t disp = in->imm;
    unsigned n = ZR;
    if (in->arg[1] != IR_NONE) {
        unsigned index = gpr_of(e, in->arg[1]);
        unsigned base = in->arg[0] == IR_NONE ? ZR : gpr_of(e, in->arg[0]);
        if (base == ZR)
            asm_lsl(&e->a, x, disp ? T1 : dst, index, in->aux);
        else
            asm_rrs(&e->a, x, A_ADD, disp ? T1 : dst, base, index, LSL, in->aux);
        n = disp ? T1 : dst;
    } else
        n = gpr_of(e, in->arg[0]);
    if (!disp) {
        if (n != dst)
            asm_mov(&e->a, x, dst, n);
    } else if (asm_add_fits(disp)) {
        asm_add_imm(&e->a, x, false, false, dst, n, disp);
    } else if (asm_add_fits(disp - (disp & 4095))) {
        int64_t low = disp & 4095;
        asm_add_imm(&e->a, x, false, false, T1, n, disp - low);
        asm_add_imm(&e->a, x, false, false, dst, T1, low);
    } else {
        asm_imm(&e->a, T0, x ? (uint64_t)disp : (uint32_t)disp);
        asm_rrr(&e->a, x, A_ADD, dst, n, T0);
    }
}

void lea_into(struct emitter *e, const struct ir_insn *in, unsigned dst)
{
    if (in->arg[0] == IR_NONE && in->arg[1] == IR_NONE)
        load_constant(e, dst, in->type == IR_I32 ? (uint32_t)in->imm : (uint64_t)in->imm);
    else
        lea_parts(e, in, dst);
}

static void later_into(struct emitter *e, ir_ref r, unsigned dst)
{
    if (insn(e, r)->op == IR_LEA)
        lea_into(e, insn(e, r), dst);
    else if (insn(e, r)->op != IR_CMP && insn(e, r)->op != IR_COND)
        fold_into(e, r, dst);
    else
        asm_cset(&e->a, dst, flags_for(e, r));
}

unsigned gpr_of(struct emitter *e, ir_ref r)
{
    struct value *v = &e->v[r];
    if ((v->where == IN_REG || v->where == IN_CONST) && v->reg != NO_REG) {
        if (v->reg >= VEC)
            fail(e, "integer in a vector");
        pin(e, v->reg);
        return v->reg;
    }
    if (v->where == LATER) {
        unsigned reg = alloc_gpr(e);
        later_into(e, r, reg);
        settle(e, r, reg, true);
        return reg;
    }
    unsigned reg = alloc_gpr(e);
    switch (v->where) {
    case IN_CONST:
        load_constant(e, reg, const_bits(insn(e, r)));
        share(e, r, reg, true);
        break;
    case IN_SPILL:
        load_state(e, false, 3, reg, v->home);
        share(e, r, reg, v->clean);
        break;
    default:
        fail(e, "value is nowhere");
    }
    return reg;
}

unsigned gpr_zr(struct emitter *e, ir_ref r)
{
    int64_t c;
    return is_const(e, r, &c) && const_bits(insn(e, r)) == 0 ? ZR : gpr_of(e, r);
}

static void extend(struct emitter *e, unsigned type, unsigned dst, unsigned src)
{
    if (type == IR_I64 || type == IR_I32)
        asm_mov(&e->a, type == IR_I64, dst, src);
    else
        asm_ubfx(&e->a, false, dst, src, 0, type_bits(type));
}

unsigned clean_gpr(struct emitter *e, ir_ref r, unsigned temp)
{
    unsigned reg = gpr_zr(e, r), t = insn(e, r)->type;
    if (reg == ZR || t == IR_I64 || e->v[r].clean || e->v[r].where == IN_CONST)
        return reg;
    extend(e, t, temp, reg);
    return temp;
}

void into(struct emitter *e, ir_ref r, unsigned dst)
{
    struct value *v = &e->v[r];
    if (v->where == IN_CONST && v->reg == NO_REG) {
        load_constant(e, dst, const_bits(insn(e, r)));
        return;
    }
    if (v->where == LATER) {
        later_into(e, r, dst);
        return;
    }
    unsigned reg = gpr_of(e, r);
    if (insn(e, r)->type == IR_I64 || v->clean) {
        if (reg != dst)
            asm_mov(&e->a, true, dst, reg);
    } else
        extend(e, insn(e, r)->type, dst, reg);
}

unsigned low_of(struct emitter *e, ir_ref r)
{
    struct value *v = &e->v[r];
    if (v->where == IN_REG && v->reg >= VEC) {
        pin(e, v->reg);
        return v->reg - VEC;
    }
    unsigned x = alloc_vec(e);
    if (v->where == IN_SPILL) {
        load_state(e, true, 4, x, v->home);
        share(e, r, VEC + x, true);
    } else
        fail(e, "vector is nowhere");
    return x;
}

unsigned element_of(struct emitter *e, ir_ref r, unsigned log2)
{
    return e->v[r].upper != NO_INSN && e->v[r].low_log2 < log2 ? vec_of(e, r) : low_of(e, r);
}

unsigned vec_of(struct emitter *e, ir_ref r)
{
    unsigned low = low_of(e, r), log2 = e->v[r].low_log2;
    if (e->v[r].upper == NO_INSN)
        return low;
    unsigned rest = vec_of(e, e->v[r].upper), x = alloc_vec(e);
    move_vec(e, x, rest);
    asm_put(&e->a, 0x6e000400 | 1u << (log2 + 16) | low << 5 | x);         /* ins x[0], low[0] */
    settle(e, r, VEC + x, true);
    e->v[r].upper = NO_INSN;
    return x;
}
