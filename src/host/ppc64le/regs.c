/* SPDX-License-Identifier: GPL-2.0-or-later
 * regs.c: where values are. Mapped registers hold guest slots and whatever values equal them; r3..r9 and v16..v23 are scratch; the rest is in
 * the spill area. A scratch register is found when it is needed, and its victim is the value whose last use is farthest.
 */
#include "host/ppc64le/emit.h"

/* --- the mapping --- */

static void map_slot(struct p64_map *m, const struct guest_slot *s, unsigned reg)
{
    m->offset[reg] = s->offset;
    for (unsigned k = 0; k < (s->type == IR_I64 ? 1 : 2); k++)
        if (s->offset / 8 + k < MAP_BYTES / 8)
            m->reg_at[s->offset / 8 + k] = (uint8_t)(1 + reg);
}

const struct p64_map *p64_map(const struct host_env *env)
{
    static __thread struct p64_map m;
    if (m.slots == env->slots && m.n_slots == env->n_slots)
        return &m;
    memset(&m, 0, sizeof m);
    memset(m.offset, 0xff, sizeof m.offset);
    unsigned gprs = 0, vecs = 0;
    for (unsigned i = 0; i < env->n_slots; i++) {
        const struct guest_slot *s = &env->slots[i];
        if (s->type == IR_V128 && vecs < 16)
            map_slot(&m, s, VEC + vecs++);
        else if (s->type == IR_I64 && gprs < 16)
            map_slot(&m, s, GUEST_GPR + gprs++);
    }
    m.slots = env->slots;
    m.n_slots = env->n_slots;
    return &m;
}

/* --- lists: each register's values --- */

void pin(struct emitter *e, unsigned reg) { e->pins |= 1ull << reg; }
static bool pinned(const struct emitter *e, unsigned reg) { return e->pins >> reg & 1; }
bool live(const struct emitter *e, unsigned r) { return e->v[r].last > e->i; }
static bool in_reg(const struct value *v) { return v->where == IN_GPR || v->where == IN_VEC; }

void unlink_value(struct emitter *e, unsigned r)
{
    struct value *v = &e->v[r];
    if (!in_reg(v))
        return;
    uint16_t *p = &e->head[v->reg];
    while (*p != NO_INSN && *p != r)
        p = &e->v[*p].next;
    if (*p == r)
        *p = v->next;
}

void settle(struct emitter *e, unsigned r, unsigned reg, unsigned ext)
{
    struct value *v = &e->v[r];
    unlink_value(e, r);
    v->where = reg >= VEC ? IN_VEC : IN_GPR;
    v->reg = (uint8_t)reg;
    v->ext = (uint8_t)ext;
    v->add = 0;
    v->next = e->head[reg];
    e->head[reg] = (uint16_t)r;
}

void in_mem(struct emitter *e, unsigned r, int32_t offset)
{
    unlink_value(e, r);
    e->v[r].where = IN_MEM;
    e->v[r].mem = offset;
}

/* the last use of a register's values at or after `from`; 0: none. Drops the dead. */
static unsigned needed_until(struct emitter *e, unsigned reg, unsigned from)
{
    unsigned last = 0;
    for (uint16_t *p = &e->head[reg]; *p != NO_INSN;) {
        struct value *v = &e->v[*p];
        if (v->last < e->i) {
            *p = v->next;
            v->where = NOWHERE;
            continue;
        }
        if (v->last >= from && v->last >= last)
            last = v->last + 1u;
        p = &v->next;
    }
    return last;
}

/* --- spilling --- */

void state_mem(struct emitter *e, uint32_t op, unsigned reg, int32_t offset)
{
    if (fits16(offset)) {
        asm_d(&e->a, op, reg, REG_STATE, offset);
        return;
    }
    asm_d(&e->a, P_ADDIS, TEMP2, REG_STATE, (offset + 0x8000) >> 16);
    asm_d(&e->a, op, reg, TEMP2, (int16_t)offset);
}

/* aligned 16 bytes; uses r0 before POWER9 */
void state_vec(struct asm_buf *a, const struct host_env *env, bool store, unsigned v, unsigned base, int32_t offset)
{
    if (env->features & FEATURE_3_0) {
        asm_lxv(a, store, v, base, offset);
        return;
    }
    asm_d(a, P_ADDI, TEMP, 0, offset);
    asm_x(a, store ? P_STVX : P_LVX, v, base, TEMP);
}

static void store_reg(struct emitter *e, unsigned reg, int32_t offset)
{
    if (reg >= VEC)
        state_vec(&e->a, e->env, true, reg - VEC, REG_STATE, offset);
    else
        state_mem(e, P_STD, reg, offset);
}

/* values of the register that are used at `from` or later go to register `to` or memory */
static void move_values(struct emitter *e, unsigned reg, unsigned to, int32_t mem, unsigned from)
{
    for (uint16_t *p = &e->head[reg]; *p != NO_INSN;) {
        uint16_t r = *p;
        struct value *v = &e->v[r];
        if (v->last < from) {
            p = &v->next;
            continue;
        }
        *p = v->next;
        if (to != NO_REG) {
            v->reg = (uint8_t)to;
            v->next = e->head[to];
            e->head[to] = r;
        } else {
            v->where = IN_MEM;
            v->mem = mem;
        }
    }
}

static bool is_scratch(unsigned reg)
{
    return (reg >= FIRST_SCRATCH && reg <= LAST_SCRATCH) || (reg >= FIRST_VSCRATCH && reg <= LAST_VSCRATCH);
}

bool scratch_is_free(struct emitter *e, unsigned reg) { return !pinned(e, reg) && !needed_until(e, reg, e->i); }

static unsigned free_scratch(struct emitter *e, unsigned first, unsigned last)
{
    unsigned spare = NO_REG;
    for (unsigned r = first; r <= last; r++)
        if (scratch_is_free(e, r)) {
            if (r != e->scaled_in)
                return r;
            spare = r;
        }
    return spare;
}

static void empty(struct emitter *e, unsigned reg)       /* its values are dead */
{
    while (e->head[reg] != NO_INSN) {
        struct value *v = &e->v[e->head[reg]];
        e->head[reg] = v->next;
        v->where = NOWHERE;
    }
}

/* reg + add: only values as they are can move */
static void spill_sums(struct emitter *e, unsigned reg, unsigned from)
{
    for (uint16_t r = e->head[reg], next; r != NO_INSN; r = next) {
        struct value *v = &e->v[r];
        next = v->next;
        if (reg >= VEC || v->last < from || !v->add)
            continue;
        int32_t at = alloc_spill(e, v->last);
        add_imm(e, TEMP2, reg, v->add);
        store_reg(e, TEMP2, at);
        in_mem(e, r, at);
    }
}

void rebase(struct emitter *e, unsigned reg, int32_t add)
{
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (!fits16(e->v[r].add - add) || !fits16(add)) {
            evict(e, reg);
            return;
        }
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        e->v[r].add -= add;
}

static void spill(struct emitter *e, unsigned reg, unsigned from)
{
    spill_sums(e, reg, from);
    unsigned until = needed_until(e, reg, from);
    if (!until)
        return;
    int32_t at = alloc_spill(e, until - 1);
    store_reg(e, reg, at);
    move_values(e, reg, NO_REG, at, from);
}

static unsigned alloc(struct emitter *e, unsigned first, unsigned last)
{
    unsigned r = free_scratch(e, first, last), best = 0;
    if (r == NO_REG) {
        for (unsigned k = first; k <= last; k++) {
            unsigned until = needed_until(e, k, e->i);
            if (!pinned(e, k) && until > best) {
                best = until;
                r = k;
            }
        }
        if (r == NO_REG) {
            fail(e, "no scratch register");
            return first;
        }
        spill(e, r, e->i);
    }
    empty(e, r);
    pin(e, r);
    if (r == e->scaled_in)
        e->scaled_in = NO_REG;
    return r;
}
unsigned alloc_gpr(struct emitter *e) { return alloc(e, FIRST_SCRATCH, LAST_SCRATCH); }
unsigned alloc_vec(struct emitter *e) { return alloc(e, FIRST_VSCRATCH, LAST_VSCRATCH) - VEC; }

void evict(struct emitter *e, unsigned reg)
{
    if (e->head[reg] == NO_INSN || !needed_until(e, reg, e->i + 1))
        return;
    unsigned to = reg >= VEC ? free_scratch(e, FIRST_VSCRATCH, LAST_VSCRATCH) : free_scratch(e, FIRST_SCRATCH, LAST_SCRATCH);
    if (to == NO_REG || is_scratch(reg)) {
        spill(e, reg, e->i + 1);
        return;
    }
    spill_sums(e, reg, e->i + 1);
    empty(e, to);
    if (to == e->scaled_in)
        e->scaled_in = NO_REG;
    if (reg >= VEC)
        asm_vmr(&e->a, to - VEC, reg - VEC);
    else
        asm_mr(&e->a, to, reg);
    move_values(e, reg, to, 0, e->i + 1);
}

void spill_all(struct emitter *e)
{
    e->scaled_in = NO_REG;
    for (unsigned reg = 0; reg < N_LISTS; reg++)
        if (e->head[reg] != NO_INSN) {
            spill(e, reg, e->i + 1);
            empty(e, reg);
        }
}

/* --- constants --- */

bool is_const(const struct emitter *e, ir_ref r, int64_t *v)
{
    if (r == IR_NONE || insn(e, r)->op != IR_CONST)
        return false;
    *v = insn(e, r)->imm;
    return true;
}

static unsigned imm_length(int64_t v)
{
    if (fits16(v))
        return 1;
    if (fits32(v))
        return v & 0xffff ? 2 : 1;
    return 5;
}

void set_imm(struct asm_buf *a, const struct host_env *env, unsigned reg, int64_t v)
{
    int64_t from_base = v - (int64_t)env->stubs.others[STUB_BASE];
    if (fits16(v)) {
        asm_d(a, P_ADDI, reg, 0, (int32_t)v);
    } else if (fits32(v)) {
        asm_d(a, P_ADDIS, reg, 0, (int32_t)(v >> 16));
        if (v & 0xffff)
            asm_li(a, P_ORI, reg, reg, (uint32_t)v);
    } else if (reg && from_base >= -0x7fff0000ll && from_base < 0x7fff0000ll) {
        asm_d(a, P_ADDIS, reg, REG_BASE, (int32_t)((from_base + 0x8000) >> 16));
        if (from_base & 0xffff)
            asm_d(a, P_ADDI, reg, reg, (int16_t)from_base);
    } else if ((uint64_t)v >> 32 == 0) {
        set_imm(a, env, reg, (int32_t)v);
        asm_clear(a, reg, reg, 32);
    } else {
        unsigned shift = (unsigned)__builtin_ctzll((uint64_t)v);
        if (imm_length(v >> shift) <= 2) {
            set_imm(a, env, reg, v >> shift);
            asm_sldi(a, reg, reg, shift);
            return;
        }
        set_imm(a, env, reg, v >> 32);
        asm_sldi(a, reg, reg, 32);
        if (v >> 16 & 0xffff)
            asm_li(a, P_ORIS, reg, reg, (uint32_t)(v >> 16));
        if (v & 0xffff)
            asm_li(a, P_ORI, reg, reg, (uint32_t)v);
    }
}

void add_imm(struct emitter *e, unsigned dst, unsigned src, int64_t v)
{
    if (v == 0) {
        asm_mr(&e->a, dst, src);
    } else if (fits16(v)) {
        asm_d(&e->a, P_ADDI, dst, src, (int32_t)v);
    } else if (v >= -0x7fff0000ll && v < 0x7fff0000ll) {
        int32_t high = (int32_t)((v + 0x8000) >> 16);
        asm_d(&e->a, P_ADDIS, (v & 0xffff) ? TEMP2 : dst, src, high);
        if (v & 0xffff)
            asm_d(&e->a, P_ADDI, dst, TEMP2, (int16_t)v);
    } else {
        set_imm(&e->a, e->env, TEMP2, v);
        asm_x(&e->a, P_ADD, dst, src, TEMP2);
    }
}

/* --- fetching --- */

static void compute_later(struct emitter *e, unsigned r)
{
    const struct ir_insn *in = insn(e, (ir_ref)r);
    unsigned reg = alloc_gpr(e);
    if (in->op == IR_LEA) {
        unsigned base = in->arg[0] != IR_NONE ? gpr_of(e, in->arg[0]) : NO_REG;
        if (in->arg[1] != IR_NONE) {
            unsigned index = gpr_of(e, in->arg[1]);
            if (in->aux)
                asm_sldi(&e->a, reg, index, in->aux);
            if (base != NO_REG)
                asm_x(&e->a, P_ADD, reg, base, in->aux ? reg : index);
            else if (!in->aux)
                asm_mr(&e->a, reg, index);
            base = reg;
        }
        if (base == NO_REG)
            set_imm(&e->a, e->env, reg, in->imm);
        else
            add_imm(e, reg, base, in->imm);
        settle(e, r, reg, 0);
        return;
    }
    bool_of(e, (ir_ref)r, reg);
    settle(e, r, reg, ZX | SX);
}

unsigned gpr_of(struct emitter *e, unsigned r)
{
    struct value *v = &e->v[r];
    if (v->where == IN_GPR && v->add) {
        pin(e, v->reg);
        unsigned reg = alloc_gpr(e);
        add_imm(e, reg, v->reg, v->add);
        settle(e, r, reg, 0);
        return reg;
    }
    if (v->where == IN_GPR) {
        pin(e, v->reg);
        return v->reg;
    }
    if (v->where == IN_MEM) {
        unsigned reg = alloc_gpr(e);
        state_mem(e, P_LD, reg, v->mem);
        settle(e, r, reg, v->ext);
        return reg;
    }
    if (v->where == LATER) {
        compute_later(e, r);
        return e->v[r].reg;
    }
    int64_t c;
    unsigned reg = alloc_gpr(e);
    if (r < e->n && is_const(e, (ir_ref)r, &c)) {
        set_imm(&e->a, e->env, reg, c);
        return reg;                          /* not settled: a constant is made anew for each user */
    }
    fail(e, "value is nowhere");
    return reg;
}

static void extend(struct emitter *e, unsigned dst, unsigned src, unsigned bits, unsigned ext)
{
    if (ext == ZX)
        asm_clear(&e->a, dst, src, bits);
    else
        asm_l(&e->a, bits == 8 ? P_EXTSB : bits == 16 ? P_EXTSH : P_EXTSW, dst, src, 0);
}

unsigned gpr_ext(struct emitter *e, unsigned r, unsigned ext)
{
    unsigned bits = r < e->n ? type_bits(insn(e, (ir_ref)r)->type) : 64;
    int64_t c;
    if (r < e->n && is_const(e, (ir_ref)r, &c)) {
        unsigned reg = alloc_gpr(e);
        c = bits == 64 ? c : ext == ZX ? (int64_t)((uint64_t)c & ((1ull << bits) - 1)) : (int64_t)((uint64_t)c << (64 - bits)) >> (64 - bits);
        set_imm(&e->a, e->env, reg, c);
        return reg;
    }
    unsigned src = gpr_of(e, r);
    if (bits == 64 || bits == 1 || (e->v[r].ext & ext))
        return src;
    unsigned reg = alloc_gpr(e);
    extend(e, reg, src, bits, ext);
    if (is_scratch(e->v[r].reg))
        settle(e, r, reg, ext);              /* for its next users */
    return reg;
}

unsigned vec_of(struct emitter *e, unsigned r)
{
    struct value *v = &e->v[r];
    if (v->where == IN_VEC) {
        pin(e, v->reg);
        return v->reg - VEC;
    }
    unsigned reg = alloc_vec(e);
    if (v->where == NOWHERE && r < e->n && v->upper_zero) {
        whole_from_left(e, r, reg);
        settle(e, r, VEC + reg, 0);
    } else if (v->where == LATER) {                     /* VZERO */
        asm_vs(&e->a, X_LXOR, reg, reg, reg);
        settle(e, r, VEC + reg, 0);
    } else if (v->where == NOWHERE && r < e->n && e->facts && e->facts[r].left_only) {
        asm_xxpermdi(&e->a, reg, base_of(e, insn(e, (ir_ref)r)->arg[0]), vec_of(e, 2 * e->n + r), 0);
        settle(e, r, VEC + reg, 0);
    } else if (v->where == IN_MEM) {
        state_vec(&e->a, e->env, false, reg, REG_STATE, v->mem);
        settle(e, r, VEC + reg, v->ext);
    } else
        fail(e, "vector is nowhere");
    return reg;
}

/* --- results --- */

unsigned dst_gpr(struct emitter *e)
{
    unsigned hint = e->v[e->i].hint;
    if (hint == NO_REG)
        return alloc_gpr(e);
    evict(e, hint);
    pin(e, hint);
    return hint;
}

unsigned dst_vec(struct emitter *e)
{
    unsigned hint = e->v[e->i].hint;
    if (hint == NO_REG)
        return alloc_vec(e);
    evict(e, hint);
    pin(e, hint);
    return hint - VEC;
}

/* what the register held before and the instruction read for the last time is gone */
static void forget_list(struct emitter *e, unsigned reg)
{
    for (uint16_t *p = &e->head[reg]; *p != NO_INSN;) {
        struct value *v = &e->v[*p];
        *p = v->next;
        v->where = NOWHERE;
    }
}

void place_in(struct emitter *e, unsigned r, unsigned reg, unsigned ext)
{
    forget_list(e, reg);
    if (r != NO_INSN)
        settle(e, r, reg, ext);
}
void result(struct emitter *e, unsigned reg, unsigned ext) { place_in(e, e->i, reg, ext); }
void result_vec(struct emitter *e, unsigned v) { place_in(e, e->i, VEC + v, 0); }

void far_jump(struct asm_buf *a, const struct host_env *env, uint64_t to, bool link)
{
    if (asm_reaches(a, to)) {
        asm_b(a, to, link);
        return;
    }
    set_imm(a, env, R12, (int64_t)to);
    asm_r(a, P_MTCTR, R12);
    asm_u32(a, link ? P_BCTRL : P_BCTR);
}
