/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_mem.c: guest memory. Order: when memory may be shared, each load is followed by a barrier for loads and stores after it, each store comes
 * after a barrier for stores before it; that is x86's order (TSO), at any alignment, unlike the acquire and release instructions, which
 * fault when misaligned. Locked operations are host atomics with acquire and release; misaligned ones are the interpreter's.
 */
#include "host/aarch64/emit.h"

enum { DMB_ISH = 0xd5033bbf, DMB_ISHLD = 0xd50339bf, DMB_ISHST = 0xd5033abf };

struct place { unsigned base, index; bool scaled; int32_t offset; ir_ref value; /* whose alignment is the place's, or IR_NONE */ };

static struct place lea_place(struct emitter *e, const struct ir_insn *in, unsigned log2)
{
    struct place p = { .index = NO_REG, .value = IR_NONE };
    int64_t disp = in->imm;
    bool fits = asm_offset_fits(log2, disp);
    if (in->arg[0] != IR_NONE && in->arg[1] == IR_NONE && fits) {
        p.base = gpr_of(e, in->arg[0]);
        p.offset = (int32_t)disp;
        p.value = disp % 16 ? IR_NONE : in->arg[0];
        return p;
    }
    if (in->arg[0] != IR_NONE && in->arg[1] != IR_NONE && !disp && (in->aux == 0 || in->aux == log2)) {
        p.base = gpr_of(e, in->arg[0]);
        p.index = gpr_of(e, in->arg[1]);
        p.scaled = in->aux != 0;
        return p;
    }
    p.base = T1;
    if (in->arg[0] != IR_NONE && in->arg[1] != IR_NONE && fits) {
        unsigned n = gpr_of(e, in->arg[0]), m = gpr_of(e, in->arg[1]);
        asm_rrs(&e->a, true, A_ADD, T1, n, m, LSL, in->aux);
        p.offset = (int32_t)disp;
    } else
        lea_into(e, in, T1);
    return p;
}

static struct place place_of(struct emitter *e, ir_ref r, unsigned log2)
{
    if (e->v[r].where == LATER && insn(e, r)->op == IR_LEA)
        return lea_place(e, insn(e, r), log2);
    return (struct place){ .base = gpr_of(e, r), .index = NO_REG, .value = r };
}

static void access(struct emitter *e, bool load, bool vec, unsigned log2, unsigned t, const struct place *p)
{
    if (p->index != NO_REG)
        asm_mem_index(&e->a, load, vec, log2, t, p->base, p->index, p->scaled);
    else
        asm_mem(&e->a, load, vec, log2, t, p->base, p->offset);
}

static bool ordered(const struct emitter *e, const struct ir_insn *in)
{
    return e->env->ordered && (in->aux & IR_MEM_ORDER) != IR_MEM_RELAXED;
}

/* a misaligned access is a fault, which the interpreter raises */
static void check_alignment(struct emitter *e, const struct ir_insn *in, struct place *p)
{
    if (!(in->aux & IR_MEM_ALIGNED) || type_size(in->type) != 16 || e->v[e->i].aligned)
        return;
    if (p->value != IR_NONE && e->v[p->value].aligned)
        return;
    if (p->index != NO_REG) {
        asm_rrs(&e->a, true, A_ADD, T1, p->base, p->index, LSL, p->scaled ? 4 : 0);
        *p = (struct place){ .base = T1, .index = NO_REG, .value = IR_NONE };
    }
    unsigned n = p->base;
    if (p->offset % 16) {
        asm_imm(&e->a, T0, (uint64_t)(int64_t)p->offset);
        asm_rrr(&e->a, true, A_ADD, T0, n, T0);
        n = T0;
    }
    struct tail *t = e->run ? run_tail(e) : tail_one(e);
    t->reg[0] = (uint8_t)p->base;
    t->add = p->offset;
    asm_logic_imm(&e->a, true, A_AND, T0, n, 15);
    t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
    t->back = e->a.p;
    if (p->value != IR_NONE)
        e->v[p->value].aligned = true;
}

/* The host ignores an address's top byte; x86 does not. What the interpreter makes of it faults (ir_mem_whole). */
static void check_top(struct emitter *e, struct place *p, unsigned log2)
{
    if (!e->env->exact_addresses)
        return;
    if (p->index != NO_REG) {
        asm_rrs(&e->a, true, A_ADD, T1, p->base, p->index, LSL, p->scaled ? log2 : 0);
        *p = (struct place){ .base = T1, .index = NO_REG, .value = IR_NONE };
    }
    struct tail *t = e->run ? run_tail(e) : tail_one(e);
    t->reg[0] = (uint8_t)p->base;
    t->add = p->offset;
    asm_lsr(&e->a, true, T0, p->base, 56);
    t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
    t->back = e->a.p;
}

/* --- loads and stores --- */

static bool is_plain_place(const struct place *p) { return p->index == NO_REG && !p->offset && p->value != IR_NONE && p->base != T1; }

/* the current load is for the jump that follows the move of its base */
static bool is_target(const struct emitter *e, unsigned step)
{
    const struct value *v = &e->v[e->i];
    return v->uses == 1 && v->user == step + 2 && (insn(e, v->user)->op == IR_EXITRET || insn(e, v->user)->op == IR_EXITIND);
}

static bool fold_sign(struct emitter *e, const struct ir_insn *in, const struct place *p, unsigned log2, unsigned step, int64_t by)
{
    const struct value *v = &e->v[e->i];
    const struct ir_insn *user = v->uses == 1 && v->user == e->i + 1 ? insn(e, v->user) : NULL;
    if (!user || user->op != IR_SEXT || type_bits(user->type) < 32 || in->type == IR_I1)
        return false;
    bool x = user->type == IR_I64;
    unsigned i = e->i, hint = e->v[v->user].hint;
    e->i = v->user;
    unsigned d = dst_gpr(e);
    e->i = i;
    (void)hint;
    if (step && d != p->base && (x || log2 < 2)) {
        asm_load_signed_step(&e->a, x, log2, d, p->base, by);
        finish_step(e, step, p->base);
    } else if (!x && log2 == 2)
        access(e, true, false, 2, d, p);
    else if (p->index != NO_REG)
        asm_load_signed_index(&e->a, x, log2, d, p->base, p->index, p->scaled);
    else
        asm_load_signed(&e->a, x, log2, d, p->base, p->offset);
    if (ordered(e, in))
        asm_put(&e->a, DMB_ISHLD);
    settle(e, v->user, d, true);
    e->v[v->user].done = true;
    return true;
}

static bool load(struct emitter *e, const struct ir_insn *in)
{
    bool vec = in->type == IR_V128;
    if (!vec && !is_gpr_type(in->type))
        return false;
    unsigned log2 = type_log2(in->type);
    struct place p = place_of(e, in->arg[0], log2);
    check_top(e, &p, log2);
    if (vec) {
        unsigned d = dst_vec(e);
        check_alignment(e, in, &p);
        access(e, true, true, 4, d, &p);
        result_vec(e, d);
    } else {
        int64_t by = 0;
        unsigned step = is_plain_place(&p) ? find_step(e, p.value, p.base, &by) : 0;
        if (fold_sign(e, in, &p, log2, step, by))
            return true;
        unsigned d = !e->v[e->i].uses ? ZR : step && is_target(e, step) ? TARGET : dst_gpr(e);
        if (step && d != p.base) {
            asm_mem_step(&e->a, true, false, log2, d, p.base, by, false);
            finish_step(e, step, p.base);
        } else
            access(e, true, false, log2, d, &p);
        if (d != ZR)
            result(e, d, true);
    }
    if (ordered(e, in))
        asm_put(&e->a, DMB_ISHLD);
    return true;
}

static bool store(struct emitter *e, const struct ir_insn *in)
{
    bool vec = in->type == IR_V128;
    if (!vec && !is_gpr_type(in->type))
        return false;
    unsigned log2 = type_log2(in->type);
    unsigned t = vec ? vec_of(e, in->arg[1]) : gpr_zr(e, in->arg[1]);
    bool aligned = vec && in->aux & IR_MEM_ALIGNED;
    int64_t by;
    if (ordered(e, in))
        asm_put(&e->a, DMB_ISHST);
    if (!aligned && store_step(e, in, vec, log2, t))
        return true;
    struct place p = place_of(e, in->arg[0], log2);
    check_top(e, &p, log2);
    check_alignment(e, in, &p);
    unsigned step = !aligned && is_plain_place(&p) && (vec || t != p.base) ? find_step(e, p.value, p.base, &by) : 0;
    if (step) {
        asm_mem_step(&e->a, false, vec, log2, t, p.base, by, false);
        finish_step(e, step, p.base);
    } else
        access(e, false, vec, log2, t, &p);
    return true;
}

static bool load_low(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = type_log2(in->lane);
    struct place p = place_of(e, in->arg[0], log2);
    check_top(e, &p, log2);
    unsigned d = dst_vec(e);
    access(e, true, true, log2, d, &p);
    result_vec(e, d);
    if (ordered(e, in))
        asm_put(&e->a, DMB_ISHLD);
    return true;
}

static bool store_low(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = type_log2(in->lane), t = vec_of(e, in->arg[1]);
    struct place p = place_of(e, in->arg[0], log2);
    check_top(e, &p, log2);
    if (ordered(e, in))
        asm_put(&e->a, DMB_ISHST);
    access(e, false, true, log2, t, &p);
    return true;
}

/* --- locked operations --- */

static struct tail *atomic_tail(struct emitter *e, unsigned n, unsigned log2, unsigned d)
{
    struct tail *t = tail_one(e);
    t->result = d == T0 ? NO_REG : (uint8_t)d;
    if (e->env->exact_addresses) {
        asm_lsr(&e->a, true, T0, n, 56);
        t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
    }
    if (log2) {
        asm_logic_imm(&e->a, true, A_AND, T0, n, (1u << log2) - 1);
        t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
    }
    return t;
}

static void lse_update(struct emitter *e, const struct ir_insn *in, unsigned log2, unsigned d, unsigned n, unsigned m)
{
    uint32_t op = in->op == IR_AADD ? 0x38e00000 : in->op == IR_AAND ? 0x38e01000 : in->op == IR_AXOR ? 0x38e02000
                : in->op == IR_AOR ? 0x38e03000 : 0x38e08000;
    if (in->op == IR_AAND) {                             /* clears the bits that are set */
        asm_rrr(&e->a, true, A_ORN, T1, ZR, m);
        m = T1;
    }
    asm_put(&e->a, op | log2 << 30 | m << 16 | n << 5 | d);
}

/* old value in T0 */
static void loop_update(struct emitter *e, const struct ir_insn *in, unsigned log2, unsigned n, unsigned m)
{
    struct asm_buf *a = &e->a;
    uint8_t *again = a->p;
    asm_put(a, 0x085ffc00 | log2 << 30 | n << 5 | T0);                        /* ldaxr */
    switch (in->op) {
    case IR_AADD: asm_rrr(a, true, A_ADD, T1, T0, m); break;
    case IR_AAND: asm_rrr(a, true, A_AND, T1, T0, m); break;
    case IR_AOR:  asm_rrr(a, true, A_ORR, T1, T0, m); break;
    case IR_AXOR: asm_rrr(a, true, A_EOR, T1, T0, m); break;
    default: asm_mov(a, true, T1, m);
    }
    asm_put(a, 0x0800fc00 | log2 << 30 | T2 << 16 | n << 5 | T1);             /* stlxr */
    asm_land_at(a, asm_jump(a, J_CBNZ | T2), again);
    asm_put(a, DMB_ISH);
}

static bool atomic_update(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = type_log2(in->type), n = gpr_of(e, in->arg[0]), m = gpr_zr(e, in->arg[1]);
    unsigned d = e->v[e->i].uses ? dst_gpr(e) : T0;
    struct tail *t = atomic_tail(e, n, log2, d);
    if (feature(e, FEATURE_LSE))
        lse_update(e, in, log2, T0, n, m);
    else
        loop_update(e, in, log2, n, m);
    if (d != T0)
        asm_mov(&e->a, true, d, T0);
    t->back = e->a.p;
    if (d != T0)
        result(e, d, true);
    return true;
}

static bool compare_exchange(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    if (in->type == IR_I128)
        return false;
    unsigned log2 = type_log2(in->type), n = gpr_of(e, in->arg[0]), old = gpr_zr(e, in->arg[1]), new = gpr_zr(e, in->arg[2]);
    unsigned d = e->v[e->i].uses ? dst_gpr(e) : T0;
    struct tail *t = atomic_tail(e, n, log2, d);
    if (log2 < 2)
        asm_ubfx(a, false, T1, old, 0, 8u << log2);
    else
        asm_mov(a, log2 == 3, T1, old);
    if (e->env->ordered)                                /* one that fails stores nothing, and its load alone does not wait for earlier stores */
        asm_put(a, DMB_ISH);
    if (feature(e, FEATURE_LSE)) {
        asm_put(a, 0x08e0fc00 | log2 << 30 | T1 << 16 | n << 5 | new);        /* casal */
        asm_mov(a, true, d, T1);
    } else {
        uint8_t *again = a->p;
        asm_put(a, 0x085ffc00 | log2 << 30 | n << 5 | T0);
        asm_rrr(a, true, A_EOR, T2, T0, T1);
        uint8_t *differs = asm_jump(a, J_CBNZ | A_X | T2);
        asm_put(a, 0x0800fc00 | log2 << 30 | T2 << 16 | n << 5 | new);
        asm_land_at(a, asm_jump(a, J_CBNZ | T2), again);
        asm_land(a, differs);
        asm_put(a, DMB_ISH);
        if (d != T0)
            asm_mov(a, true, d, T0);
    }
    t->back = a->p;
    if (d != T0)
        result(e, d, true);
    return true;
}

static void fence(struct emitter *e, unsigned kind) { asm_put(&e->a, kind == 1 ? DMB_ISHLD : kind == 2 ? DMB_ISHST : DMB_ISH); }

static bool prefetch(struct emitter *e, const struct ir_insn *in)
{
    static const uint8_t hint[] = { 0 /* pldl1keep */, 2, 4, 1 /* pldl1strm */, 16 /* pstl1keep */ };
    struct place p = place_of(e, in->arg[0], 3);
    if (p.index != NO_REG)
        asm_prefetch_index(&e->a, hint[in->aux], p.base, p.index, p.scaled);
    else
        asm_prefetch(&e->a, hint[in->aux], p.base, p.offset);
    return true;
}

bool emit_mem(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_LOAD: return load(e, in);
    case IR_STORE: return store(e, in);
    case IR_VLOADL: return load_low(e, in);
    case IR_VSTOREL: return store_low(e, in);
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: return atomic_update(e, in);
    case IR_CAS: return compare_exchange(e, in);
    case IR_FENCE: fence(e, in->aux); return true;
    case IR_PREFETCH: return prefetch(e, in);
    default: return false;
    }
}
