/* SPDX-License-Identifier: GPL-2.0-or-later
 * regs.c: where values are. Mapped registers hold guest slots and whatever values equal them; rax, rcx, xmm14 and xmm15 are
 * scratch; the rest is in the state block: unmapped slots where they are, spilled values in the spill area. Nothing is computed ahead: a
 * scratch register is found when it is needed, and its victim is the value whose last use is farthest.
 */
#include "host/x86_64/emit.h"

/* --- the mapping --- */

static const char *const gpr_name[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };

static void map_slot(struct x64_map *m, const struct guest_slot *s, unsigned reg)
{
    if (s->name && !strcmp(s->name, "rsp"))
        m->stack_reg = (uint8_t)reg;
    if (s->name && !strcmp(s->name, "rcx"))
        m->count_reg = (uint8_t)reg;
    if (s->name && !strcmp(s->name, "rax"))
        m->value_reg = (uint8_t)reg;
    m->offset[reg] = s->offset;
    for (unsigned k = 0; k < (s->type == IR_I64 ? 1 : 2); k++)
        if (s->offset / 8 + k < MAP_BYTES / 8)
            m->reg_at[s->offset / 8 + k] = (uint8_t)(1 + reg);
}

/* Slots named like one of our registers get that one; the others take what is left. */
static void make_map(struct x64_map *m, const struct guest_slot *slots, unsigned n)
{
    unsigned gprs = 0, xmms = 0, free_gprs = MAPPED_GPRS;
    const struct guest_slot *rest[16];
    unsigned n_rest = 0;
    memset(m, 0, sizeof *m);
    memset(m->offset, 0xff, sizeof m->offset);
    m->stack_reg = m->count_reg = m->value_reg = NO_REG;
    for (unsigned i = 0; i < n; i++) {
        if (slots[i].type == IR_V128 && xmms < 14)
            map_slot(m, &slots[i], XMM + xmms++);
        if (slots[i].type != IR_I64 || gprs == 13)
            continue;
        gprs++;
        unsigned r = 0;
        while (r < 16 && strcmp(gpr_name[r], slots[i].name ? slots[i].name : ""))
            r++;
        if (r < 16 && (MAPPED_GPRS >> r & 1) && (free_gprs >> r & 1)) {
            map_slot(m, &slots[i], r);
            free_gprs &= ~(1u << r);
        } else
            rest[n_rest++] = &slots[i];
    }
    for (unsigned k = 0; k < n_rest; k++) {
        unsigned r = (unsigned)__builtin_ctz(free_gprs);
        map_slot(m, rest[k], r);
        free_gprs &= free_gprs - 1;
    }
    m->slots = slots;
    m->n_slots = n;
}

const struct x64_map *x64_map(const struct host_env *env)
{
    static __thread struct x64_map map;
    if (map.slots != env->slots || map.n_slots != env->n_slots)
        make_map(&map, env->slots, env->n_slots);
    return &map;
}

/* --- lists: each register's values --- */

void pin(struct emitter *e, unsigned reg) { e->pins |= 1u << reg; }
static bool pinned(const struct emitter *e, unsigned reg) { return e->pins >> reg & 1; }
bool live(const struct emitter *e, ir_ref r) { return e->v[r].last > e->i; }

static unsigned list_of(const struct value *v)
{
    return v->where == IN_STATE ? IN_MEMORY : v->reg;
}

static void unlink_value(struct emitter *e, ir_ref r)
{
    struct value *v = &e->v[r];
    if (v->where != IN_GPR && v->where != IN_XMM && v->where != IN_STATE && (v->where != IN_CONST || v->reg == NO_REG))
        return;
    uint16_t *p = &e->head[list_of(v)];
    while (*p != NO_INSN && *p != r)
        p = &e->v[*p].next;
    if (*p == r)
        *p = v->next;
}

static void link_value(struct emitter *e, ir_ref r, unsigned list)
{
    e->v[r].next = e->head[list];
    e->head[list] = r;
}

void share(struct emitter *e, ir_ref r, unsigned reg, bool clean, int32_t add)
{
    struct value *v = &e->v[r];
    unlink_value(e, r);
    v->reg = (uint8_t)reg;
    if (v->where != IN_CONST)
        v->where = reg >= XMM ? IN_XMM : IN_GPR;
    v->clean = clean;
    v->add = add;
    link_value(e, r, reg);
}

void settle(struct emitter *e, ir_ref r, unsigned reg, bool clean)
{
    share(e, r, reg, clean, 0);
}

void in_state(struct emitter *e, ir_ref r, int32_t offset)
{
    unlink_value(e, r);
    e->v[r].where = IN_STATE;
    e->v[r].home = offset;
    e->v[r].add = 0;
    unsigned spill = (unsigned)(offset - spill_at(e, SPILL_FIRST)) / SPILL_SLOT;
    if (spill < N_SPILLS && e->v[r].last > e->spill_until[spill])
        e->spill_until[spill] = e->v[r].last;
    link_value(e, r, IN_MEMORY);
}

/* Drop the dead from a list; is anything left that is used at `from` or later? */
static bool prune(struct emitter *e, unsigned list, unsigned from)
{
    bool any = false;
    for (uint16_t *p = &e->head[list]; *p != NO_INSN;) {
        struct value *v = &e->v[*p];
        if (v->last < e->i) {
            uint16_t r = *p;
            *p = v->next;
            e->v[r].where = v->where == IN_CONST ? IN_CONST : NOWHERE;
            e->v[r].reg = NO_REG;
            continue;
        }
        any |= v->last >= from && v->where != IN_CONST;
        p = &v->next;
    }
    return any;
}

/* --- spilling --- */

static void store_reg(struct emitter *e, unsigned reg, int32_t offset)
{
    if (reg >= XMM)
        asm_rm(&e->a, OP_0F(0x29), 4, reg - XMM, at_state(offset), 0);
    else
        asm_store(&e->a, 8, at_state(offset), reg);
}

static void move_reg(struct emitter *e, unsigned dst, unsigned src)
{
    if (dst >= XMM)
        asm_rr(&e->a, OP_0F(0x28), 4, dst - XMM, src - XMM);
    else
        asm_mov_rr(&e->a, 8, dst, src);
}

/* A register's values used at `from` or later go over to register `to`, or to memory at `offset`. Those that the current
 * instruction uses for the last time stay if `from` is behind it: it reads them before it overwrites the register. */
static void move_list(struct emitter *e, unsigned reg, unsigned to, int32_t offset, unsigned from)
{
    for (uint16_t *p = &e->head[reg]; *p != NO_INSN;) {
        uint16_t r = *p;
        struct value *v = &e->v[r];
        if (v->where != IN_CONST && v->last == e->i && from > e->i) {
            p = &v->next;
            continue;
        }
        *p = v->next;
        if (v->where == IN_CONST) {
            v->reg = NO_REG;
        } else if (v->last < from) {
            v->where = NOWHERE;
        } else if (to != NO_REG) {
            v->reg = (uint8_t)to;
            link_value(e, r, to);
        } else {
            v->where = IN_STATE;
            v->home = offset;
            v->add = 0;
            link_value(e, r, IN_MEMORY);
        }
    }
}

/* reg + add in scratch registers: only values as they are can go to memory */
static bool list_has_sums(const struct emitter *e, unsigned reg, unsigned from)
{
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (e->v[r].where == IN_GPR && e->v[r].last >= from && e->v[r].add)
            return true;
    return false;
}

static unsigned last_of_list(const struct emitter *e, unsigned reg)
{
    unsigned last = 0;
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (e->v[r].where != IN_CONST && e->v[r].last > last)
            last = e->v[r].last;
    return last;
}

/* the place in the state where all live values of the list are already, or -1 */
static int32_t common_home(const struct emitter *e, unsigned reg, unsigned from)
{
    int32_t home = -1;
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next) {
        const struct value *v = &e->v[r];
        if (v->where == IN_CONST || v->last < from)
            continue;
        if (v->home < 0 || v->add || (home >= 0 && home != v->home))
            return -1;
        home = v->home;
    }
    return home;
}

static void spill_sums(struct emitter *e, unsigned reg, unsigned from)
{
    for (uint16_t r = e->head[reg], next; r != NO_INSN; r = next) {
        struct value *v = &e->v[r];
        next = v->next;
        if (v->where != IN_GPR || v->last < from || !v->add)
            continue;
        int32_t add = v->add, at = alloc_spill(e, v->last);
        asm_lea(&e->a, 8, reg, at_reg(reg, add));
        store_reg(e, reg, at);
        asm_lea(&e->a, 8, reg, at_reg(reg, -add));
        in_state(e, r, at);
    }
}

static void spill_list(struct emitter *e, unsigned reg, unsigned from)
{
    if (list_has_sums(e, reg, from))
        spill_sums(e, reg, from);
    if (!prune(e, reg, from)) {
        move_list(e, reg, NO_REG, 0, from);
        return;
    }
    int32_t at = common_home(e, reg, from);
    if (at < 0) {
        at = alloc_spill(e, last_of_list(e, reg));
        store_reg(e, reg, at);
    }
    move_list(e, reg, NO_REG, at, from);
}

static unsigned free_scratch(const struct emitter *e, unsigned reg)
{
    unsigned first = reg >= XMM ? XMM + 14 : RAX;
    for (unsigned r = first; r < first + 2; r++)
        if (scratch_free(e, r))
            return r;
    return NO_REG;
}

/* rsp = rsp + 8: what was the old value is the new one minus 8 (X2 without a copy). Is `by` such a step of a value in reg? */
static bool step_of(const struct emitter *e, unsigned reg, ir_ref by, int64_t *step)
{
    const struct ir_insn *in = insn(e, by);
    int64_t c;
    if (in->type != IR_I64)
        return false;
    switch (in->op) {
    case IR_LEA:
        if (in->arg[0] == IR_NONE || in->arg[1] != IR_NONE)
            return false;
        c = in->imm;
        break;
    case IR_ADD: case IR_ADDF: case IR_SUB: case IR_SUBF:
        if (!is_const(e, in->arg[1], &c))
            return false;
        if (in->op == IR_SUB || in->op == IR_SUBF)
            c = -c;
        break;
    case IR_INCF: c = 1; break;
    case IR_DECF: c = -1; break;
    default: return false;
    }
    const struct value *base = &e->v[in->arg[0]];
    if (base->where != IN_GPR || base->reg != reg || !fits_i32(c) || !fits_i32(c + base->add))
        return false;
    *step = c + base->add;
    return true;
}

/* The register grows by `step`: its live values are counted from the new content. */
static bool rebase_by(struct emitter *e, unsigned reg, int64_t step)
{
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (e->v[r].where == IN_GPR && e->v[r].last > e->i && !fits_i32(e->v[r].add - step))
            return false;
    for (uint16_t *p = &e->head[reg]; *p != NO_INSN;) {
        struct value *v = &e->v[*p];
        if (v->where == IN_GPR && v->last == e->i) {
            p = &v->next;
            continue;
        }
        if (v->where != IN_GPR || v->last < e->i) {
            *p = v->next;
            v->where = v->where == IN_CONST ? IN_CONST : NOWHERE;
            v->reg = NO_REG;
            continue;
        }
        v->add -= (int32_t)step;
        v->clean = insn(e, (ir_ref)(v - e->v))->type == IR_I64;
        v->home = -1;
        p = &v->next;
    }
    return true;
}

static bool rebase(struct emitter *e, unsigned reg, ir_ref by)
{
    int64_t step;
    return by != IR_NONE && reg < XMM && step_of(e, reg, by, &step) && rebase_by(e, reg, step);
}

static void forget_twins(struct emitter *e, unsigned reg)
{
    if (reg >= 16 || e->twin[reg] == NO_REG)
        return;
    e->twin[e->twin[reg]] = NO_REG;
    e->twin[reg] = NO_REG;
}

static void evict_from(struct emitter *e, unsigned reg, unsigned from)
{
    bool any = prune(e, reg, from);
    unsigned to = any ? free_scratch(e, reg) : NO_REG, twin = reg < 16 ? e->twin[reg] : NO_REG;
    if (any && twin != NO_REG) {
        move_list(e, reg, twin, 0, from);
        return;
    }
    if (to != NO_REG && to != reg && common_home(e, reg, from) < 0) {
        move_reg(e, to, reg);
        move_list(e, to, NO_REG, 0, NO_INSN);
        move_list(e, reg, to, 0, from);
    } else
        spill_list(e, reg, from);
}

void evict(struct emitter *e, unsigned reg, ir_ref by)
{
    if (e->head[reg] == NO_INSN)
        ;
    else if (!prune(e, reg, e->i + 1))
        move_list(e, reg, NO_REG, 0, e->i + 1);
    else if ((reg < 16 && e->twin[reg] != NO_REG) || !rebase(e, reg, by))
        evict_from(e, reg, e->i + 1);
    forget_twins(e, reg);
}

void evict_scratch(struct emitter *e, unsigned reg) { evict_from(e, reg, e->i); }

/* --- the stack pointer --- */

bool stack_add_fits(int32_t add) { return add % STACK_UNIT == 0 && add >= -32 * STACK_UNIT && add < 32 * STACK_UNIT; }

bool stack_sum(const struct emitter *e, ir_ref r, int32_t *add)
{
    const struct value *v = &e->v[r];
    const struct ir_insn *in = insn(e, r);
    unsigned reg = e->map->stack_reg;
    int64_t c = 0;
    if (v->where == LATER && in->op == IR_LEA && in->type == IR_I64 && in->arg[0] != IR_NONE && in->arg[1] == IR_NONE) {
        c = in->imm;
        v = &e->v[in->arg[0]];
    }
    c += v->add;
    if (v->where != IN_GPR || v->reg != reg || !fits_i32(c))
        return false;
    *add = (int32_t)c;
    return true;
}

void flush_stack(struct emitter *e)
{
    unsigned reg = e->map->stack_reg;
    int32_t add = e->stack_add;
    if (!add)
        return;
    asm_lea(&e->a, 8, reg, at_reg(reg, add));
    forget_twins(e, reg);
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (e->v[r].where == IN_GPR)
            e->v[r].add -= add;
    e->stack_add = 0;
    if (e->mapped)
        map_here(e);
}

bool scratch_free(const struct emitter *e, unsigned reg)
{
    if (pinned(e, reg))
        return false;
    for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
        if (e->v[r].where != IN_CONST && e->v[r].last >= e->i)
            return false;
    return true;
}

static unsigned alloc(struct emitter *e, unsigned first)
{
    unsigned r = free_scratch(e, first);
    if (r == NO_REG) {
        r = pinned(e, first) ? first + 1 : pinned(e, first + 1) ? first
          : last_of_list(e, first) >= last_of_list(e, first + 1) ? first : first + 1;
        if (pinned(e, r))
            return first == RAX ? borrow_gpr(e) : (fail(e, "no scratch vector"), first);
        spill_list(e, r, e->i);
    } else
        move_list(e, r, NO_REG, 0, NO_INSN);
    pin(e, r);
    return r;
}
unsigned alloc_gpr(struct emitter *e) { return alloc(e, RAX); }
unsigned alloc_xmm(struct emitter *e) { return alloc(e, XMM + 14); }

/* Guest state in memory changes at these bytes: values that live there must move. */
void overwrite_state(struct emitter *e, int32_t offset, unsigned size)
{
    static const uint8_t scratch[] = { RAX, RCX, XMM + 14, XMM + 15 };
    for (unsigned k = 0; k < sizeof scratch; k++)
        for (uint16_t r = e->head[scratch[k]]; r != NO_INSN; r = e->v[r].next)
            if (e->v[r].home >= 0 && e->v[r].home < offset + (int32_t)size && offset < e->v[r].home + 16)
                e->v[r].home = -1;
    prune(e, IN_MEMORY, e->i);
    for (uint16_t r = e->head[IN_MEMORY], next; r != NO_INSN; r = next) {
        struct value *v = &e->v[r];
        unsigned n = type_size(insn(e, r)->type);
        next = v->next;
        if (v->home >= offset + (int32_t)size || offset >= v->home + (int32_t)n || v->last <= e->i)
            continue;
        uint32_t pins = e->pins;
        if (n == 16)
            xmm_of(e, r);
        else
            gpr_of(e, r);
        v->home = -1;
        e->pins = pins;
    }
}

/* --- a CALL changes everything that is not in the spill area --- */

static bool is_spill(const struct emitter *e, int32_t home)
{
    return home >= (int32_t)e->o->spill && home < (int32_t)(e->o->spill + e->o->spill_size);
}

void spill_all(struct emitter *e)
{
    memset(e->twin, NO_REG, sizeof e->twin);
    for (ir_ref r = 0; r < e->i; r++)                  /* what is in unmapped slots, or computed late from them */
        if (e->v[r].last > e->i && e->v[r].where == LATER) {
            uint32_t pins = e->pins;
            insn(e, r)->type == IR_V128 ? xmm_of(e, r) : gpr_of(e, r);
            e->pins = pins;
        }
    for (uint16_t r = e->head[IN_MEMORY], next; r != NO_INSN; r = next) {
        next = e->v[r].next;
        if (e->v[r].last <= e->i || is_spill(e, e->v[r].home))
            continue;
        uint32_t pins = e->pins;
        unsigned reg = insn(e, r)->type == IR_V128 ? XMM + xmm_of(e, r) : gpr_of(e, r);
        e->v[r].home = -1;
        spill_list(e, reg, e->i + 1);
        e->pins = pins;
    }
    for (unsigned reg = 0; reg < 32; reg++) {
        for (uint16_t r = e->head[reg]; r != NO_INSN; r = e->v[r].next)
            if (e->v[r].home >= 0 && !is_spill(e, e->v[r].home))
                e->v[r].home = -1;
        if (e->head[reg] != NO_INSN)
            spill_list(e, reg, e->i + 1);
    }
}

/* --- fetching --- */

bool is_const(const struct emitter *e, ir_ref r, int64_t *v)
{
    if (insn(e, r)->op != IR_CONST)
        return false;
    *v = insn(e, r)->imm;
    return true;
}

static void set_imm(struct emitter *e, unsigned reg, uint64_t v)
{
    bool flags_free = e->owner == NO_INSN || !port_needed(e, e->owner);
    if (v == 0 && flags_free && !e->hold) {
        clobber(e);
        asm_zero(&e->a, reg);
    } else
        asm_mov_imm(&e->a, reg, v);
}

/* constants are written as far as their type goes, zero-extended */
static uint64_t const_bits(const struct ir_insn *in)
{
    unsigned size = type_size(in->type);
    return size >= 8 ? (uint64_t)in->imm : (uint64_t)in->imm & ((1ull << size * 8) - 1);
}

void lea_of(struct emitter *e, unsigned dst, unsigned size, struct asm_mem m)
{
    if (m.kind == AT_REGS && m.index == NO_REG && m.disp == 0 && m.base != NO_REG)
        asm_mov_rr(&e->a, size, dst, m.base);
    else if (m.kind == AT_REGS && m.index == NO_REG && m.base == NO_REG)
        set_imm(e, dst, size == 4 ? (uint32_t)m.disp : (uint64_t)(int64_t)m.disp);
    else
        asm_lea(&e->a, size, dst, m);
}

static void lea_into(struct emitter *e, const struct ir_insn *in, unsigned dst)
{
    uint32_t pins = e->pins;
    if (in->arg[0] == IR_NONE && in->arg[1] == IR_NONE) {
        set_imm(e, dst, in->type == IR_I32 ? (uint32_t)in->imm : (uint64_t)in->imm);
        return;
    }
    struct asm_mem m = address(e, (ir_ref)(in - e->b->insn));
    lea_of(e, dst, in->type == IR_I32 ? 4 : 8, m);
    e->pins = pins;
}

static void load_into(struct emitter *e, const struct ir_insn *in, unsigned dst)
{
    uint32_t pins = e->pins;
    asm_movzx_rm(&e->a, type_size(in->type), dst, address(e, in->arg[0]));
    e->pins = pins;
}

static void later_into(struct emitter *e, ir_ref r, unsigned dst)
{
    const struct ir_insn *in = insn(e, r);
    switch (in->op) {
    case IR_LEA:  lea_into(e, in, dst); break;
    case IR_LOAD: load_into(e, in, dst); break;
    case IR_COND: case IR_CMP:
        setcc_into(e, r, dst);
        asm_movzx_rr(&e->a, 1, dst, dst);
        break;
    default:
        fail(e, ir_op_info[in->op].name);
    }
}

void into(struct emitter *e, ir_ref r, unsigned dst, unsigned size)
{
    const struct value *v = &e->v[r];
    switch (v->where) {
    case IN_CONST:
        set_imm(e, dst, const_bits(insn(e, r)));
        break;
    case IN_GPR:
        if (v->add)
            asm_lea(&e->a, size <= 4 ? 4 : 8, dst, at_reg(v->reg, v->add));
        else if (dst != v->reg)
            asm_mov_rr(&e->a, size <= 4 ? 4 : 8, dst, v->reg);
        else if (size == 4 && !v->clean)
            asm_mov_rr(&e->a, 4, dst, dst);
        break;
    case IN_STATE:
        asm_movzx_rm(&e->a, size, dst, at_state(v->home));
        break;
    case LATER:
        later_into(e, r, dst);
        break;
    default:
        fail(e, "value is nowhere");
    }
}

void into_low(struct emitter *e, ir_ref r, unsigned dst, unsigned size)
{
    const struct value *v = &e->v[r];
    int64_t c;
    if (size >= 4) {
        into(e, r, dst, size);
        return;
    }
    if (is_const(e, r, &c)) {
        if (size == 1) {
            asm_rr(&e->a, 0xc6 | RM8, 1, 0, dst);
            asm_u8(&e->a, (uint8_t)c);
        } else {
            asm_rr(&e->a, 0xc7, 2, 0, dst);
            asm_u16(&e->a, (uint16_t)c);
        }
    } else if (v->where == IN_STATE) {
        asm_load(&e->a, size, dst, at_state(v->home));
    } else if (v->where == LATER && insn(e, r)->op == IR_LOAD) {
        asm_load(&e->a, size, dst, address(e, insn(e, r)->arg[0]));
    } else if (v->where == LATER && size == 1) {
        setcc_into(e, r, dst);
    } else {
        unsigned src = gpr_of(e, r);
        if (src != dst)
            asm_mov_rr(&e->a, size, dst, src);
    }
}

static bool is_clean_after_into(unsigned t, bool was_memory_or_const) { return t == IR_I64 || was_memory_or_const; }

/* The value moves to a scratch register and stays there. */
static unsigned fetch(struct emitter *e, ir_ref r, unsigned reg)
{
    struct value *v = &e->v[r];
    unsigned t = insn(e, r)->type;
    bool zeroed = v->where == IN_CONST || v->where == IN_STATE || v->where == LATER || t == IR_I32;
    int32_t home = v->where == IN_STATE ? v->home : -1;
    if (v->where == IN_STATE)
        asm_movzx_rm(&e->a, type_size(t), reg, at_state(v->home));
    else
        into(e, r, reg, t == IR_I32 ? 8 : type_size(t));
    if (v->where == IN_GPR && t == IR_I32)
        zeroed = v->clean;
    if (v->where != IN_CONST) {
        settle(e, r, reg, is_clean_after_into(t, zeroed));
        v->home = home;
    } else
        share(e, r, reg, true, 0);
    return reg;
}

/* a sum: its parts first, so that their registers may be free again */
static unsigned fetch_lea(struct emitter *e, ir_ref r)
{
    const struct ir_insn *in = insn(e, r);
    uint32_t pins = e->pins;
    struct asm_mem m = address(e, r);
    unsigned reg = alloc_gpr(e);
    lea_of(e, reg, in->type == IR_I32 ? 4 : 8, m);
    settle(e, r, reg, true);
    e->pins = pins | 1u << reg;
    return reg;
}

unsigned gpr_of(struct emitter *e, ir_ref r)
{
    const struct value *v = &e->v[r];
    if (v->where == LATER && insn(e, r)->op == IR_LEA && insn(e, r)->arg[0] != IR_NONE)
        return fetch_lea(e, r);
    if (v->reg != NO_REG && ((v->where == IN_GPR && !v->add) || v->where == IN_CONST)) {
        pin(e, v->reg);
        return v->reg;
    }
    return fetch(e, r, alloc_gpr(e));
}

unsigned gpr_in(struct emitter *e, ir_ref r, unsigned reg)
{
    const struct value *v = &e->v[r];
    if (v->where == IN_GPR && v->reg == reg && !v->add) {
        if (live(e, r) || e->v[r].next != NO_INSN || e->head[reg] != r) {
            pin(e, reg);
            evict(e, reg, IR_NONE);
        }
        pin(e, reg);
        return reg;
    }
    evict_scratch(e, reg);
    pin(e, reg);
    into(e, r, reg, type_size(insn(e, r)->type));
    return reg;
}

struct opnd operand(struct emitter *e, ir_ref r, unsigned size, unsigned ok)
{
    const struct value *v = &e->v[r];
    const struct ir_insn *in = insn(e, r);
    if (v->where == IN_CONST && (ok & OK_IMM) && (size < 8 || fits_i32(in->imm)))
        return (struct opnd){ .kind = OP_IMM, .imm = (int32_t)in->imm };
    if (v->where == IN_STATE && (ok & OK_MEM))
        return (struct opnd){ .kind = OP_MEM, .m = at_state(v->home) };
    if (v->where == LATER && in->op == IR_LOAD && (ok & OK_MEM))
        return (struct opnd){ .kind = OP_MEM, .faults = true, .m = address(e, in->arg[0]) };
    return (struct opnd){ .kind = OP_REG, .reg = (uint8_t)gpr_of(e, r) };
}

/* --- addresses --- */

static unsigned address_reg(struct emitter *e, ir_ref r, int32_t *disp)
{
    struct value *v = &e->v[r];
    int64_t sum = (int64_t)*disp + v->add;
    if (v->where == IN_GPR && v->add && fits_i32(sum)) {
        *disp = (int32_t)sum;
        pin(e, v->reg);
        return v->reg;
    }
    return gpr_of(e, r);
}

static bool is_scratch(unsigned reg) { return reg == RAX || reg == RCX; }

static struct asm_mem lea_address(struct emitter *e, const struct ir_insn *in)
{
    struct asm_mem m = { AT_REGS, NO_REG, NO_REG, (uint8_t)(in->arg[1] == IR_NONE ? 0 : in->aux), (int32_t)in->imm, 0 };
    int32_t none = 0;
    uint32_t before = e->pins;
    if (in->arg[0] != IR_NONE)
        m.base = (uint8_t)address_reg(e, in->arg[0], &m.disp);
    if (in->arg[1] == IR_NONE)
        return m;
    if (m.base == NO_REG && in->aux == 0) {
        m.base = (uint8_t)address_reg(e, in->arg[1], &m.disp);
        return m;
    }
    m.index = (uint8_t)(e->v[in->arg[1]].add && in->aux == 0 ? address_reg(e, in->arg[1], &m.disp) : address_reg(e, in->arg[1], &none));
    if (none) {                                          /* (reg + none) << aux */
        int64_t sum = (int64_t)m.disp + (int64_t)none * ((int64_t)1 << in->aux);
        if (fits_i32(sum))
            m.disp = (int32_t)sum;
        else
            fail(e, "address");
    }
    if (!(before & (1u << RAX | 1u << RCX)) && m.base != NO_REG && is_scratch(m.base) && is_scratch(m.index) && m.base != m.index) {
        evict_scratch(e, RAX);                           /* leave one scratch register for the data */
        asm_lea(&e->a, 8, RAX, m);
        e->pins &= ~(1u << RCX);
        m = at_reg(RAX, 0);
    }
    return m;
}

struct asm_mem address(struct emitter *e, ir_ref r)
{
    const struct value *v = &e->v[r];
    const struct ir_insn *in = insn(e, r);
    if (v->where == IN_CONST) {
        if (fits_i32(in->imm))
            return (struct asm_mem){ AT_REGS, NO_REG, NO_REG, 0, (int32_t)in->imm, 0 };
        if (asm_reaches(&e->a, (uint64_t)in->imm))
            return at_rip((uint64_t)in->imm);
    }
    if (v->where == LATER && in->op == IR_LEA) {
        if (in->arg[0] != IR_NONE || in->arg[1] != IR_NONE || fits_i32(in->imm))
            return lea_address(e, in);
        if (asm_reaches(&e->a, (uint64_t)in->imm))
            return at_rip((uint64_t)in->imm);
    }
    int32_t disp = 0;
    unsigned reg = address_reg(e, r, &disp);
    return at_reg(reg, disp);
}

/* --- results --- */

unsigned dst_gpr(struct emitter *e)
{
    if (e->v[e->i].narrow)
        e->v[e->i].hint = NO_REG;
    return dst_gpr_low(e);
}

unsigned dst_gpr_low(struct emitter *e)
{
    struct value *v = &e->v[e->i];
    if (v->hint != NO_REG && v->hint < XMM && !(v->hint == RCX && pinned(e, RCX))) {
        if (v->hint == e->map->stack_reg)
            flush_stack(e);
        evict(e, v->hint, (ir_ref)e->i);
        pin(e, v->hint);
        return v->hint;
    }
    v->narrow = false;
    return alloc_gpr(e);
}

/* --- borrowing: instructions that need more registers than there are scratch ones take a mapped register for a while --- */

/* Its content waits in its slot. When the instruction faults, sync must know (map_flags): so only these four. */
static const struct { uint8_t reg, flag; } lender[] = { { RSI, MAP_RSI_SAVED }, { RDI, MAP_RDI_SAVED }, { RBX, MAP_RBX_SAVED }, { RDX, MAP_RDX_SAVED } };
enum { N_LENDERS = sizeof lender / sizeof *lender };

unsigned borrow_gpr(struct emitter *e) { return borrow_beside(e, e->i); }

/* The current instruction writes r's slot: giving r back would undo it. */
static bool is_put_to(const struct emitter *e, unsigned r)
{
    const struct ir_insn *in = insn(e, (ir_ref)e->i);
    return in->op == IR_PUT && (uint64_t)(in->imm - e->map->offset[r]) < 8;
}

/* from: the current instruction, or the next if this one has its operands already. Values that are still needed go to memory, but another register is
 * looked for first. */
unsigned borrow_beside(struct emitter *e, unsigned from)
{
    for (unsigned k = 0; k < 2 * N_LENDERS; k++) {
        unsigned r = lender[k % N_LENDERS].reg;
        if (pinned(e, r) || r == e->map->stack_reg || e->borrowed >> r & 1 || e->v[e->i].hint == r || e->map->offset[r] < 0 || is_put_to(e, r))
            continue;
        if (prune(e, r, from)) {
            if (k < N_LENDERS)
                continue;
            spill_list(e, r, from);
        }
        asm_store(&e->a, 8, at_state(e->map->offset[r]), r);
        e->borrowed |= 1u << r;
        forget_twins(e, r);
        if (e->mapped) {                                /* the guest instruction may fault */
            e->map_flags |= lender[k % N_LENDERS].flag;
            map_here(e);
        }
        pin(e, r);
        return r;
    }
    fail(e, "no register to borrow");
    return RSI;
}

/* At the instruction's end, or before it jumps. What is still needed of the values in these registers moves out. */
void give_back(struct emitter *e)
{
    if (!e->borrowed)
        return;
    e->pins = 0;
    for (unsigned k = 0; k < N_LENDERS; k++) {
        unsigned r = lender[k].reg;
        if (!(e->borrowed >> r & 1))
            continue;
        evict(e, r, IR_NONE);
        move_list(e, r, NO_REG, 0, e->i);
        asm_load(&e->a, 8, r, at_state(e->map->offset[r]));
    }
    e->borrowed = 0;
    if (e->map_flags) {
        e->map_flags = 0;
        map_here(e);
    }
}
