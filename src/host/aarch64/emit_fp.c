/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_fp.c: floating point. The host computes; then FPSR tells whether x86 may differ. With FPCR.FZ set, a denormal operand (IDC) or a tiny
 * result (UFC) shows there, as do invalid operations (IOC: default NaNs, signalling ones, conversions out of range), overflow and division by
 * zero. In all these cases the interpreter does the operation again, with x86's results, flags and traps, and FPSR is cleared. What is left is
 * alike on both: quiet NaNs (the first operand's), ordinary numbers, inexact, which stays in FPSR until somebody reads the guest's MXCSR.
 */
#include "host/aarch64/emit.h"

static void vvv(struct emitter *e, uint32_t op, unsigned d, unsigned n, unsigned m) { asm_put(&e->a, op | m << 16 | n << 5 | d); }
static void vv(struct emitter *e, uint32_t op, unsigned d, unsigned n) { asm_put(&e->a, op | n << 5 | d); }
static void move(struct emitter *e, unsigned d, unsigned n)
{
    if (d != n)
        vvv(e, 0x4ea01c00, d, n, n);
}

static void look(struct emitter *e, struct tail *t)
{
    if (e->run)
        return;
    asm_put(&e->a, 0xd53b4420 | T0);                                      /* mrs x16, fpsr */
    asm_logic_imm(&e->a, false, A_AND, T0, T0, FPSR_LOOK);
    t->from[t->n_from++] = asm_jump(&e->a, J_CBNZ | T0);
}

/* Where a vector is computed: beside a mapped register, whose old value the interpreter may still need. */
static unsigned beside(unsigned d) { return d >= 16 ? VT0 : d; }

static struct tail *start(struct emitter *e, unsigned d)
{
    struct tail *t = tail_one(e);
    t->result = (uint8_t)(VEC + d);
    return t;
}

static void finish_packed(struct emitter *e, struct tail *t, unsigned d, unsigned r)
{
    move(e, d, r);
    t->back = e->a.p;
    result_vec(e, d);
}

/* May a LOW operation leave its result alone in its register, zeros above? */
static bool is_alone(const struct emitter *e, const struct ir_insn *in) { return e->run || upper_is_zero(e, in->arg[0], in->lane == IR_F64 ? 3 : 2); }
/* a register of its own then: the interpreter may still need what the mapped one holds */
static unsigned dst_low(struct emitter *e, const struct ir_insn *in) { return is_alone(e, in) ? alloc_vec(e) : dst_vec(e); }
static unsigned low_target(const struct emitter *e, const struct ir_insn *in, unsigned d) { return is_alone(e, in) ? d : VT0; }

/* the low element from low_target, the rest from arg0 */
static void finish_low(struct emitter *e, struct tail *t, bool f64, unsigned d)
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
    unsigned n = (low ? low_of : vec_of)(e, in->arg[0]), m = (low ? low_of : vec_of)(e, in->arg[1]), d = low ? dst_low(e, in) : dst_vec(e);
    struct tail *t = start(e, d);
    if (low) {
        vvv(e, arithmetic[in->op].scalar | type, low_target(e, in, d), n, m);
        look(e, t);
        finish_low(e, t, f64, d);
    } else {
        unsigned r = d == n || d == m ? VT0 : beside(d);
        vvv(e, arithmetic[in->op].packed | type, r, n, m);
        look(e, t);
        finish_packed(e, t, d, r);
    }
    return true;
}

/* arg1's elements one by one; the rest from arg0 */
static bool one_operand(struct emitter *e, const struct ir_insn *in, uint32_t scalar, uint32_t packed)
{
    bool f64 = in->lane == IR_F64;
    uint32_t type = f64 ? 1u << 22 : 0;
    bool low = in->mod & IR_LOW;
    (low ? low_of : vec_of)(e, in->arg[0]);
    unsigned m = (low ? low_of : vec_of)(e, in->arg[1]), d = low ? dst_low(e, in) : dst_vec(e);
    struct tail *t = start(e, d);
    vv(e, (low ? scalar : packed) | type, low ? low_target(e, in, d) : VT0, m);
    look(e, t);
    if (low)
        finish_low(e, t, f64, d);
    else
        finish_packed(e, t, d, VT0);
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
    unsigned n = (low ? low_of : vec_of)(e, in->arg[0]), m = (low ? low_of : vec_of)(e, in->arg[1]), d = low ? dst_low(e, in) : dst_vec(e);
    if (low)
        clobber(e);
    struct tail *t = start(e, d);
    if (low) {
        vvv(e, 0x1e202010 | type, 0, n, m);                               /* fcmpe; fcsel */
        vvv(e, 0x1e200c00 | type | (unsigned)(min ? C_MI : C_GT) << 12, low_target(e, in, d), n, m);
        look(e, t);
        finish_low(e, t, f64, d);
    } else {
        vvv(e, 0x6ea0e400 | type, VT0, min ? m : n, min ? n : m);         /* fcmgt; bsl */
        vvv(e, 0x6e601c00, VT0, n, m);
        look(e, t);
        finish_packed(e, t, d, VT0);
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
    unsigned n = (low ? low_of : vec_of)(e, in->arg[0]), m = (low ? low_of : vec_of)(e, in->arg[1]), d = low ? dst_low(e, in) : dst_vec(e);
    struct tail *t = start(e, d);
    unsigned to = low ? low_target(e, in, d) : VT0;
    if (low)
        op |= SCALAR;
    (p & 3) == 0 ? vvv(e, op, to, n, m) : vvv(e, op, to, m, n);
    if (p & 4)
        vv(e, low ? 0x2e205800 : 0x6e205800, to, to);                     /* not */
    if ((p & 4) && low && !f64)
        vv(e, 0x1e204000, to, to);                                        /* fmov s: zeros above */
    look(e, t);
    low ? finish_low(e, t, f64, d) : finish_packed(e, t, d, VT0);
    return true;
}

static bool emit_flags_compare(struct emitter *e, const struct ir_insn *in)
{
    uint32_t type = in->lane == IR_F64 ? 1u << 22 : 0;
    unsigned n = (e->v[e->i].uses ? vec_of : low_of)(e, in->arg[0]), m = low_of(e, in->arg[1]);
    clobber(e);
    struct tail *t = tail_one(e);
    t->fcmp = true;
    vvv(e, (in->mod & IR_SIGNAL ? 0x1e202010 : 0x1e202000) | type, 0, n, m);
    look(e, t);
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

/* --- conversions --- */

static bool float_to_float(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64, low = in->mod & IR_LOW;
    (low ? low_of : vec_of)(e, in->arg[0]);
    unsigned m = (low ? low_of : vec_of)(e, in->arg[1]), d = low ? dst_low(e, in) : dst_vec(e);
    struct tail *t = start(e, d);
    if (low)
        vv(e, f64 ? 0x1e22c000 : 0x1e624000, low_target(e, in, d), m);    /* fcvt */
    else
        vv(e, f64 ? 0x0e617800 : 0x0e616800, VT0, m);                     /* fcvtl, fcvtn */
    look(e, t);
    low ? finish_low(e, t, f64, d) : finish_packed(e, t, d, VT0);
    return true;
}

static bool int_to_float(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64, x = insn(e, in->arg[1])->type == IR_I64;
    bool is_exact = f64 && !x;                                            /* 32 bits in a double */
    low_of(e, in->arg[0]);
    unsigned m = gpr_zr(e, in->arg[1]), d = is_exact ? dst_vec(e) : dst_low(e, in);
    struct tail *t = is_exact ? NULL : start(e, d);
    vv(e, 0x1e220000 | (f64 ? 1u << 22 : 0) | (x ? A_X : 0), low_target(e, in, d), m);
    if (t)
        look(e, t);
    finish_low(e, t, f64, d);
    return true;
}

static bool float_to_int(struct emitter *e, const struct ir_insn *in)
{
    bool x = in->type == IR_I64;
    uint32_t type = in->lane == IR_F64 ? 1u << 22 : 0;
    unsigned n = vec_of(e, in->arg[0]), d = e->v[e->i].uses ? dst_gpr(e) : T1;
    struct tail *t = tail_one(e);
    t->result = (uint8_t)d;
    if (!(in->mod & 1))
        vv(e, 0x1e27c000 | type, VT0, n);                                 /* frinti: in the current mode, silently */
    vv(e, 0x1e380000 | type | (x ? A_X : 0), T1, in->mod & 1 ? n : VT0);  /* fcvtzs */
    look(e, t);
    if (!(in->mod & 1))
        vv(e, 0x1e380000 | type | A_X, T0, n);                            /* in range: now for inexact */
    if (d != T1)
        asm_mov(&e->a, x, d, T1);
    t->back = e->a.p;
    if (d != T1)
        result(e, d, true);
    return true;
}

static bool ints_to_floats(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), d = dst_vec(e);
    if (in->lane == IR_F64) {
        vv(e, 0x0f20a400, VT0, n);                                        /* sshll .2d */
        vv(e, 0x4e61d800, d, VT0);
        result_vec(e, d);
        return true;
    }
    struct tail *t = start(e, d);
    vv(e, 0x4e21d800, VT0, n);
    look(e, t);
    finish_packed(e, t, d, VT0);
    return true;
}

static bool floats_to_ints(struct emitter *e, const struct ir_insn *in)
{
    if (in->lane != IR_F32)
        return false;
    unsigned n = vec_of(e, in->arg[0]), d = dst_vec(e);
    struct tail *t = start(e, d);
    if (!(in->mod & 1))
        vv(e, 0x6ea19800, VT0, n);
    vv(e, 0x4ea1b800, VT0, in->mod & 1 ? n : VT0);
    look(e, t);
    if (!(in->mod & 1))
        vv(e, 0x4ea1b800, VT1, n);
    finish_packed(e, t, d, VT0);
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
    case IR_VCVTFF: return float_to_float(e, in);
    case IR_VCVTGF: return int_to_float(e, in);
    case IR_VCVTFG: return float_to_int(e, in);
    case IR_VCVTIF: return ints_to_floats(e, in);
    case IR_VCVTFI: return floats_to_ints(e, in);
    default: return false;
    }
}
