/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_fp.c: floating point. The host computes; then FPSR tells whether x86 may differ. With FPCR.FZ set, a denormal operand (IDC) or a tiny
 * result (UFC) shows there, as do invalid operations (IOC: default NaNs, signalling ones, conversions out of range), overflow and division by
 * zero. In all these cases the interpreter does the operation again, with x86's results, flags and traps, and FPSR is cleared. What is left is
 * alike on both: quiet NaNs (the first operand's), ordinary numbers, inexact, which stays in FPSR until somebody reads the guest's MXCSR.
 */
#include "host/aarch64/emit_fp.h"

void fp_look(struct emitter *e, struct tail *t)
{
    if (e->run)
        return;
    asm_put(&e->a, 0xd53b4420 | T0);                                      /* mrs x16, fpsr */
    asm_logic_imm(&e->a, false, A_AND, T0, T0, FPSR_LOOK);
    t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
}

/* Where a vector is computed: beside a mapped register, whose old value the interpreter may still need. */
static unsigned beside(unsigned d) { return d >= 16 ? VT0 : d; }

struct tail *fp_start(struct emitter *e, unsigned d)
{
    struct tail *t = tail_one(e);
    t->result = (uint8_t)(VEC + d);
    return t;
}

void fp_finish_packed(struct emitter *e, struct tail *t, unsigned d, unsigned r)
{
    move(e, d, r);
    t->back = e->a.p;
    result_vec(e, d);
}

unsigned fp_operand(struct emitter *e, const struct ir_insn *in, unsigned k)
{
    return in->mod & IR_LOW ? element_of(e, in->arg[k], type_log2(in->lane)) : vec_of(e, in->arg[k]);
}

/* May a LOW operation leave its result alone in its register, zeros above? */
static bool is_alone(const struct emitter *e, const struct ir_insn *in) { return e->run || upper_is_zero(e, in->arg[0], in->lane == IR_F64 ? 3 : 2); }
/* a register of its own then: the interpreter may still need what the mapped one holds */
unsigned fp_dst_low(struct emitter *e, const struct ir_insn *in) { return is_alone(e, in) ? alloc_vec(e) : dst_vec(e); }
unsigned fp_low_target(const struct emitter *e, const struct ir_insn *in, unsigned d) { return is_alone(e, in) ? d : VT0; }

/* the low element from fp_low_target, the rest from arg0 */
void fp_finish_low(struct emitter *e, struct tail *t, bool f64, unsigned d)
{
    const struct ir_insn *in = insn(e, (ir_ref)e->i);
    if (is_alone(e, in)) {
        struct value *v = &e->v[e->i];
        t ? (void)(t->back = e->a.p) : (void)0;
        result_vec(e, d);
        v->upper = e->run ? upper_of(e, e->i) : NO_INSN;
        v->low_log2 = f64 ? 3 : 2;
        return;
    }
    unsigned n = vec_of(e, in->arg[0]);
    move(e, d, n);
    vv(e, f64 ? 0x6e080400 : 0x6e040400, d, VT0);                         /* ins d[0], v[0] */
    if (t)
        t->back = e->a.p;
    result_vec(e, d);
}

/* --- arithmetic --- */

struct form { uint32_t scalar, packed; };
static const struct form arithmetic[IR_N_OPS] = {
    [IR_VFADD] = { 0x1e202800, 0x4e20d400 }, [IR_VFSUB] = { 0x1e203800, 0x4ea0d400 }, [IR_VFMUL] = { 0x1e200800, 0x6e20dc00 }, [IR_VFDIV] = { 0x1e201800, 0x6e20fc00 },
};

static bool emit_arithmetic(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    uint32_t type = f64 ? 1u << 22 : 0;
    bool low = in->mod & IR_LOW;
    unsigned n = fp_operand(e, in, 0), m = fp_operand(e, in, 1), d = low ? fp_dst_low(e, in) : dst_vec(e);
    struct tail *t = fp_start(e, d);
    if (low) {
        vvv(e, arithmetic[in->op].scalar | type, fp_low_target(e, in, d), n, m);
        fp_look(e, t);
        fp_finish_low(e, t, f64, d);
    } else {
        unsigned r = e->loop.on ? d : d == n || d == m ? VT0 : beside(d);
        vvv(e, arithmetic[in->op].packed | type, r, n, m);
        fp_look(e, t);
        fp_finish_packed(e, t, d, r);
    }
    return true;
}

/* arg1's elements one by one; the rest from arg0 */
static bool one_operand(struct emitter *e, const struct ir_insn *in, uint32_t scalar, uint32_t packed)
{
    bool f64 = in->lane == IR_F64;
    uint32_t type = f64 ? 1u << 22 : 0;
    bool low = in->mod & IR_LOW;
    fp_operand(e, in, 0);
    unsigned m = fp_operand(e, in, 1), d = low ? fp_dst_low(e, in) : dst_vec(e);
    struct tail *t = fp_start(e, d);
    vv(e, (low ? scalar : packed) | type, low ? fp_low_target(e, in, d) : VT0, m);
    fp_look(e, t);
    if (low)
        fp_finish_low(e, t, f64, d);
    else
        fp_finish_packed(e, t, d, VT0);
    return true;
}

static bool emit_round(struct emitter *e, const struct ir_insn *in)
{
    static const struct form mode[4] = { { 0x1e244000, 0x4e218800 }, { 0x1e254000, 0x4e219800 }, { 0x1e24c000, 0x4ea18800 }, { 0x1e25c000, 0x4ea19800 } };
    unsigned imm = in->aux;
    if (imm & 4)
        return imm & 8 ? one_operand(e, in, 0x1e27c000, 0x6ea19800) : one_operand(e, in, 0x1e274000, 0x6e219800);      /* frinti, frintx */
    if (!(imm & 8))                                      /* the host's directed forms don't report inexact */
        return false;
    return one_operand(e, in, mode[imm & 3].scalar, mode[imm & 3].packed);
}

/* --- comparing --- */

/* min: n < m ? n : m; max: n > m ? n : m */
static bool emit_min_max(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64, min = in->op == IR_VFMIN, low = in->mod & IR_LOW;
    uint32_t type = f64 ? 1u << 22 : 0;
    unsigned n = fp_operand(e, in, 0), m = fp_operand(e, in, 1), d = low ? fp_dst_low(e, in) : dst_vec(e);
    if (low)
        clobber(e);
    struct tail *t = fp_start(e, d);
    if (low) {
        vvv(e, 0x1e202010 | type, 0, n, m);                               /* fcmpe; fcsel */
        vvv(e, 0x1e200c00 | type | (unsigned)(min ? C_MI : C_GT) << 12, fp_low_target(e, in, d), n, m);
        fp_look(e, t);
        fp_finish_low(e, t, f64, d);
    } else {
        vvv(e, 0x6ea0e400 | type, VT0, min ? m : n, min ? n : m);         /* fcmgt; bsl */
        vvv(e, 0x6e601c00, VT0, n, m);
        fp_look(e, t);
        fp_finish_packed(e, t, d, VT0);
    }
    return true;
}

static bool emit_compare(struct emitter *e, const struct ir_insn *in)
{
    enum { EQ = 0x4e20e400, GE = 0x6e20e400, GT = 0x6ea0e400, SCALAR = 1 << 28 };
    bool f64 = in->lane == IR_F64, low = in->mod & IR_LOW;
    unsigned p = in->aux;
    if (p > 7 || (p & 3) == 3)
        return false;
    uint32_t op = ((p & 3) == 0 ? EQ : (p & 3) == 1 ? GT : GE) | (f64 ? 1u << 22 : 0);
    unsigned n = fp_operand(e, in, 0), m = fp_operand(e, in, 1), d = low ? fp_dst_low(e, in) : dst_vec(e);
    struct tail *t = fp_start(e, d);
    unsigned to = low ? fp_low_target(e, in, d) : VT0;
    if (low)
        op |= SCALAR;
    (p & 3) == 0 ? vvv(e, op, to, n, m) : vvv(e, op, to, m, n);
    if (p & 4)
        vv(e, low ? 0x2e205800 : 0x6e205800, to, to);                     /* not */
    if ((p & 4) && low && !f64)
        vv(e, 0x1e204000, to, to);                                        /* fmov s: zeros above */
    fp_look(e, t);
    low ? fp_finish_low(e, t, f64, d) : fp_finish_packed(e, t, d, VT0);
    return true;
}

static bool emit_flags_compare(struct emitter *e, const struct ir_insn *in)
{
    uint32_t type = in->lane == IR_F64 ? 1u << 22 : 0;
    unsigned n = e->v[e->i].uses ? vec_of(e, in->arg[0]) : element_of(e, in->arg[0], type_log2(in->lane)), m = element_of(e, in->arg[1], type_log2(in->lane));
    clobber(e);
    struct tail *t = tail_one(e);
    t->fcmp = true;
    vvv(e, (in->mod & IR_SIGNAL ? 0x1e202010 : 0x1e202000) | type, 0, n, m);
    fp_look(e, t);
    t->back = e->a.p;
    own(e, K_FCMP);
    run_step(e);                                                          /* keeps NZCV */
    struct value *v = &e->v[e->i];
    if (v->early != NO_INSN) {
        uint16_t owner = e->owner;
        e->owner = (uint16_t)e->i;
        emit_putf(e, insn(e, v->early));
        e->owner = owner;
        e->v[v->early].done = true;
    }
    if (v->uses)
        share(e, (ir_ref)e->i, VEC + n, true);
    return true;
}

bool emit_fp(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: return emit_arithmetic(e, in);
    case IR_VFSQRT: return one_operand(e, in, 0x1e21c000, 0x6ea1f800);
    case IR_VFROUND: return emit_round(e, in);
    case IR_VFMIN: case IR_VFMAX: return emit_min_max(e, in);
    case IR_VFCMP: return emit_compare(e, in);
    case IR_FCMPF: return emit_flags_compare(e, in);
    default: return emit_convert(e, in);
    }
}
