/* SPDX-License-Identifier: GPL-2.0-or-later
 * runs.c: floating point with one look for many operations. A run is a row of guest instructions that do nothing but load, move and compute in
 * vector registers. Its results stay in scratch registers; at its end FPSR tells whether any of its operations needs x86's own rules
 * (emit_fp.c). If none does, and that is nearly always, the results go to the guest's registers. If one does, or a load faults, nothing of the run has
 * been done yet: the engine is told, and makes the block again without runs (host.h, HOST_R_RUN, HOST_MAP_RUN).
 *
 * The result of an operation on low elements stays alone in its register, zeros above (value.upper says whose upper part belongs to it), until
 * somebody needs the whole: a chain of such operations costs one insertion.
 */
#include "host/aarch64/emit.h"

enum { MOST_PUTS = 7, MOST_OPS = 24 };

static bool mapped_vector(const struct emitter *e, int64_t offset)
{
    unsigned reg = slot_reg(e, offset);
    return reg >= VEC && reg != NO_REG && e->map->offset[reg] == offset;
}

/* computed by emit_fp's own code, with a look */
static bool is_float(const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX: case IR_VFSQRT: case IR_VCVTFF: case IR_VCVTGF: case IR_VCVTIF:
    case IR_VFHADD: case IR_VFHSUB: case IR_VFADDSUB: case IR_VFDP:
        return true;
    case IR_VFCMP: return in->aux <= 7 && (in->aux & 3) != 3;
    default: return false;
    }
}

/* ... which can't find anything: 32-bit integers are doubles */
static bool is_always_exact(const struct emitter *e, const struct ir_insn *in)
{
    return in->lane == IR_F64 && (in->op == IR_VCVTIF || (in->op == IR_VCVTGF && insn(e, in->arg[1])->type == IR_I32));
}

static bool is_plain(const struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_INSN: case IR_CONST: case IR_LEA: case IR_VLOADL: case IR_VZERO: case IR_VONES: case IR_VMOVI: case IR_VAND: case IR_VOR: case IR_VXOR: case IR_VANDN:
    case IR_VMERGE: case IR_VZIPL: case IR_VZIPH: case IR_VSHUF: case IR_VSHUF2:
        return true;
    case IR_LOAD: return in->type == IR_V128 || is_gpr_type(in->type);
    case IR_ZEXT: case IR_SEXT: case IR_TRUNC: return is_gpr_type(insn(e, in->arg[0])->type) && is_gpr_type(in->type);
    case IR_GET: return in->type == IR_V128 ? mapped_vector(e, in->imm) : is_gpr_type(in->type) && slot_reg(e, in->imm) < VEC;
    case IR_PUT: return in->type == IR_V128 && mapped_vector(e, in->imm);
    default: return false;
    }
}

/* --- which; v[].exact: no port is open there and the state is told to be exact */

static void find_exact(struct emitter *e)
{
    unsigned open = 0;
    uint8_t *is_open = (uint8_t *)memset(e->tails, 0, e->b->n);       /* not in use yet */
    for (unsigned j = e->b->n; j-- > 0;) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (is_open[j])
            open--;
        if ((in->op == IR_COND || in->op == IR_PUTF) && in->arg[0] != IR_NONE && !is_open[in->arg[0]]) {
            is_open[in->arg[0]] = 1;
            open++;
        }
        e->v[j].exact = in->op == IR_INSN && !open && !(in->mod & IR_INSN_INEXACT);
    }
}

struct finder { unsigned start, end, ops; uint32_t puts /* mapped registers */; bool in_row; };

static uint32_t vector_bit(const struct emitter *e, const struct ir_insn *in) { return 1u << (slot_reg(e, in->imm) - VEC - 16u); }

/* Instructions before the first operation stay in the run only if what they put is put again: then they need not put. */
static void trim(struct emitter *e, struct finder *f)
{
    unsigned next = f->start + 1, j;
    uint32_t first = 0, later = 0;
    for (; next <= f->end && insn(e, (ir_ref)next)->op != IR_INSN; next++) {
        const struct ir_insn *in = insn(e, (ir_ref)next);
        if ((is_float(in) && !is_always_exact(e, in)) || in->op == IR_FCMPF)
            return;
        if (in->op == IR_PUT)
            first |= vector_bit(e, in);
    }
    if (next > f->end || !e->v[next].exact)
        return;
    for (j = next; j <= f->end; j++)
        if (insn(e, (ir_ref)j)->op == IR_PUT)
            later |= vector_bit(e, insn(e, (ir_ref)j));
    if (first & later)
        return;
    f->start = next;
    trim(e, f);
}

static void close_run(struct emitter *e, struct finder *f)
{
    if (f->end)
        trim(e, f);
    for (unsigned j = f->start; f->end && j <= f->end; j++)
        e->v[j].run = (uint16_t)f->end;
    *f = (struct finder){ .in_row = false };
}

/* the guest instruction of [from, to) */
static void find_in(struct emitter *e, struct finder *f, unsigned from, unsigned to)
{
    unsigned floats = 0, compare = 0;
    uint32_t puts = 0;
    bool plain = true, late = false;
    for (unsigned j = from; j < to && plain; j++) {
        const struct ir_insn *in = insn(e, (ir_ref)j);
        if (in->op == IR_FCMPF) {
            compare = j;
            floats++;
            break;
        }
        bool is_fp = is_float(in);
        floats += is_fp && !is_always_exact(e, in);
        plain = is_fp || is_plain(e, in);
        if (plain && in->op == IR_PUT)
            puts |= vector_bit(e, in);
        late |= plain && in->op == IR_GET && in->type == IR_V128 && (f->puts | puts) & vector_bit(e, in);     /* its PUT has not been done */
    }
    if (!plain || late || __builtin_popcount(f->puts | puts) > MOST_PUTS || f->ops + floats > MOST_OPS)
        close_run(e, f);
    if (!plain || (late && !e->v[from].exact))
        return;
    if (e->v[from].exact && !f->in_row) {
        f->start = from;
        f->in_row = true;
        f->puts = f->ops = 0;
    }
    if (!f->in_row)
        return;
    f->puts |= puts;
    f->ops += floats;
    if (floats)
        f->end = to - 1;
    if (compare) {                                       /* what follows it, the flags, is not part of the run */
        f->end = compare;
        close_run(e, f);
    }
}

bool has_floats(const struct emitter *e)
{
    for (unsigned j = 0; j < e->b->n; j++)
        if (traits(insn(e, (ir_ref)j)) & TR_FP)
            return true;
    return false;
}

void find_runs(struct emitter *e)
{
    struct finder f = { .in_row = false };
    unsigned n = e->b->n, from = n;
    if (!e->env->runs || !has_floats(e))
        return;
    find_exact(e);
    for (unsigned j = 0; j < n; j++) {
        if (insn(e, (ir_ref)j)->op != IR_INSN)
            continue;
        if (from < n)
            find_in(e, &f, from, j);
        from = j;
    }
    close_run(e, &f);                                    /* the last instruction leaves the block: never part of a run */
}

/* --- upper parts */

bool works_low(const struct ir_insn *in)
{
    return in->op == IR_VCVTGF || (is_float(in) && in->op != IR_VCVTIF && in->mod & IR_LOW);
}

bool upper_is_zero(const struct emitter *e, ir_ref r, unsigned log2)
{
    for (unsigned steps = 0; steps < 16; steps++) {
        const struct ir_insn *in = insn(e, r);
        switch (in->op) {
        case IR_VZERO: return true;
        case IR_VLOADL: return type_log2(in->lane) <= log2;
        case IR_VMOVI: return is_gpr_type(insn(e, in->arg[0])->type) && type_log2(insn(e, in->arg[0])->type) <= log2;
        default: break;
        }
        if (!works_low(in) || type_log2(in->lane) > log2)
            return false;
        r = in->arg[0];
    }
    return false;
}

/* Elements of one size in a chain: an operation on the other size's elements needs its first operand whole. */
ir_ref upper_of(const struct emitter *e, unsigned j)
{
    const struct ir_insn *in = insn(e, (ir_ref)j);
    unsigned log2 = type_log2(in->lane);
    if (upper_is_zero(e, in->arg[0], log2))
        return NO_INSN;
    ir_ref r = in->arg[0];
    while (works_low(insn(e, r)) && e->v[r].run == e->v[j].run && type_log2(insn(e, r)->lane) == log2)
        r = insn(e, r)->arg[0];
    return r;
}

/* --- emission */

/* When the run is left, FPSR is what it was: what is computed from wrong numbers, a denormal's zero for one, may be inexact where the right ones are not. */
static void save_fpsr(struct emitter *e)
{
    pin(e, RUN_FPSR);
    evict(e, RUN_FPSR);
    settle(e, (ir_ref)e->i, RUN_FPSR, true);
    e->kept = 1ull << RUN_FPSR;
    asm_put(&e->a, 0xd53b4420 | RUN_FPSR);                                    /* mrs x18, fpsr */
    add_map(e, asm_offset(&e->a), HOST_MAP_RUN);
}

void start_run(struct emitter *e)
{
    if (!e->loop.on)
        save_fpsr(e);
    e->run = e->v[e->i].run;
    e->run_pc = e->pc;
    memset(e->put_at, 0xff, sizeof e->put_at);
}

struct tail *run_tail(struct emitter *e)
{
    leave_loop(e);
    struct tail *t = &e->tails[e->n_tails++];
    *t = (struct tail){ .kind = TAIL_RUN, .pc = e->run_pc, .fpsr = e->kept ? RUN_FPSR : 0 };
    return t;
}

bool put_in_run(struct emitter *e, const struct ir_insn *in, unsigned v)
{
    if (!e->run)
        return false;
    e->put_at[v - 16] = (uint16_t)e->i;
    e->put_value[v - 16] = in->arg[0];
    return true;
}

/* x is r, or wants r for its upper part, or for its upper part's */
static bool needs(const struct emitter *e, ir_ref x, ir_ref r)
{
    while (x != r && x != NO_INSN)
        x = e->v[x].upper;
    return x == r;
}

static bool others_need(const struct emitter *e, ir_ref r, unsigned except)
{
    for (unsigned k = 0; k < 16; k++)
        if (k != except && e->put_at[k] != NO_INSN && needs(e, e->put_value[k], r))
            return true;
    return false;
}

static void move(struct emitter *e, unsigned d, unsigned n)
{
    if (d != n)
        asm_put(&e->a, 0x4ea01c00 | n << 16 | n << 5 | d);
}

/* the PUT that waits for mapped register v */
static void commit(struct emitter *e, unsigned v)
{
    ir_ref r = e->put_value[v - 16];
    uint16_t upper = e->v[r].upper;
    e->pins = 0;
    if (upper != NO_INSN && e->v[upper].hold <= e->i + 1 && !others_need(e, upper, v - 16))      /* nor a run below */
        e->v[upper].hold = 0;
    unsigned n = low_of(e, r), rest = upper != NO_INSN ? vec_of(e, upper) : n;
    if (n == v && upper != NO_INSN)
        fail(e, "low element in its place");
    if (n == v)
        return;
    evict(e, VEC + v);
    move(e, v, rest);
    if (upper != NO_INSN)
        asm_put(&e->a, 0x6e000400 | 1u << (e->v[r].low_log2 + 16) | n << 5 | v);      /* ins v[0], n[0] */
    settle(e, live(e, r) ? r : e->put_at[v - 16], VEC + v, true);
    e->v[r].upper = NO_INSN;
    e->put_at[v - 16] = NO_INSN;
}

static bool is_put(const struct emitter *e, ir_ref r)
{
    for (unsigned k = 0; k < 16; k++)
        if (e->put_at[k] != NO_INSN && e->put_value[k] == r)
            return true;
    return false;
}

void finish_run(struct emitter *e)
{
    e->pins = 0;
    for (unsigned j = e->i + 1; j-- > 0 && e->v[j].run == e->run;)
        if (e->v[j].where == IN_REG && e->v[j].upper != NO_INSN && e->v[j].last > e->run + 1u && !is_put(e, (ir_ref)j)) {
            e->pins = 0;
            vec_of(e, (ir_ref)j);
        }
    if (!e->loop.on) {
        struct tail *t = run_tail(e);
        asm_put(&e->a, 0xd53b4420 | T0);                                      /* mrs x16, fpsr */
        asm_logic_imm(&e->a, false, A_AND, T0, T0, FPSR_LOOK);
        t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
    }
    e->run = 0;
    e->kept = 0;
    for (unsigned v = 16; v < 32; v++)
        if (e->put_at[v - 16] != NO_INSN)
            commit(e, v);
    e->mapped = false;
    e->insn_offset = asm_offset(&e->a);
    need_map(e);
}

void run_step(struct emitter *e)
{
    if (e->run && e->i == e->run && !e->error)
        finish_run(e);
}
