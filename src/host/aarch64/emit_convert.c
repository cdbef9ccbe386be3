/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_convert.c: floating point: conversions, and sums across elements. As emit_fp.c says, FPSR tells afterwards whether x86 may differ.
 */
#include "host/aarch64/emit_fp.h"

/* --- conversions --- */

static bool float_to_float(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64, low = in->mod & IR_LOW;
    fp_operand(e, in, 0);
    unsigned m = low ? element_of(e, in->arg[1], f64 ? 2 : 3) : vec_of(e, in->arg[1]), d = low ? fp_dst_low(e, in) : dst_vec(e);
    struct tail *t = fp_start(e, d);
    if (low)
        vv(e, f64 ? 0x1e22c000 : 0x1e624000, fp_low_target(e, in, d), m);    /* fcvt */
    else
        vv(e, f64 ? 0x0e617800 : 0x0e616800, VT0, m);                     /* fcvtl, fcvtn */
    fp_look(e, t);
    low ? fp_finish_low(e, t, f64, d) : fp_finish_packed(e, t, d, VT0);
    return true;
}

static bool int_to_float(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64, x = insn(e, in->arg[1])->type == IR_I64;
    bool is_exact = f64 && !x;                                            /* 32 bits in a double */
    low_of(e, in->arg[0]);
    unsigned m = gpr_zr(e, in->arg[1]), d = is_exact && !e->run ? dst_vec(e) : fp_dst_low(e, in);
    struct tail *t = is_exact ? NULL : fp_start(e, d);
    vv(e, 0x1e220000 | (f64 ? 1u << 22 : 0) | (x ? A_X : 0), fp_low_target(e, in, d), m);
    if (t)
        fp_look(e, t);
    fp_finish_low(e, t, f64, d);
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
    fp_look(e, t);
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
    struct tail *t = fp_start(e, d);
    vv(e, 0x4e21d800, VT0, n);
    fp_look(e, t);
    fp_finish_packed(e, t, d, VT0);
    return true;
}

/* two to 32 bits one after the other, the upper half zeros */
static bool doubles_to_ints(struct emitter *e, const struct ir_insn *in)
{
    bool truncate = in->mod & 1;
    unsigned n = vec_of(e, in->arg[0]), d = dst_vec(e), low = n;
    struct tail *t = fp_start(e, d);
    vv(e, 0x5e180400, VT1, n);                                            /* mov d, v.d[1] */
    if (!truncate) {
        vv(e, 0x1e67c000, VT1, VT1);                                      /* frinti */
        vv(e, 0x1e67c000, VT0, n);
        low = VT0;
    }
    vv(e, 0x1e780000, T0, low);                                           /* fcvtzs */
    vv(e, 0x1e780000, T1, VT1);
    vv(e, 0x1e270000, VT0, T0);                                           /* fmov s */
    vv(e, 0x4e0c1c00, VT0, T1);                                           /* ins s[1] */
    fp_look(e, t);
    if (!truncate)
        vv(e, 0x4ee1b800, VT1, n);                                        /* in range: now for inexact */
    fp_finish_packed(e, t, d, VT0);
    return true;
}

static bool floats_to_ints(struct emitter *e, const struct ir_insn *in)
{
    if (in->lane != IR_F32)
        return doubles_to_ints(e, in);
    unsigned n = vec_of(e, in->arg[0]), d = dst_vec(e);
    struct tail *t = fp_start(e, d);
    if (!(in->mod & 1))
        vv(e, 0x6ea19800, VT0, n);
    vv(e, 0x4ea1b800, VT0, in->mod & 1 ? n : VT0);
    fp_look(e, t);
    if (!(in->mod & 1))
        vv(e, 0x4ea1b800, VT1, n);
    fp_finish_packed(e, t, d, VT0);
    return true;
}

/* --- across elements --- */

enum { UZP1 = 0x4e801800, UZP2 = 0x4e805800, ZIP1 = 0x4e803800, FADDP = 0x6e20d400, D = 1 << 22 };

static bool neighbours(struct emitter *e, const struct ir_insn *in)
{
    uint32_t type = in->lane == IR_F64 ? D : 0;
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    struct tail *t = fp_start(e, d);
    if (in->op == IR_VFHADD) {
        vvv(e, FADDP | type, VT0, n, m);
    } else {
        vvv(e, UZP1 | type, VT0, n, m);
        vvv(e, UZP2 | type, VT1, n, m);
        vvv(e, 0x4ea0d400 | type, VT0, VT0, VT1);                         /* fsub */
    }
    fp_look(e, t);
    fp_finish_packed(e, t, d, VT0);
    return true;
}

/* Differences of the even elements, sums of the odd ones, each in the lower half of a register, so that nothing else is computed. */
static bool sums_and_differences(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    uint32_t type = f64 ? D : 0;
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), x = alloc_vec(e), d = dst_vec(e);
    struct tail *t = fp_start(e, d);
    vvv(e, UZP1 | type, VT0, n, n);
    vvv(e, UZP1 | type, x, m, m);
    vvv(e, f64 ? 0x1e603800 : 0x0ea0d400, VT0, VT0, x);
    vvv(e, UZP2 | type, VT1, n, n);
    vvv(e, UZP2 | type, x, m, m);
    vvv(e, f64 ? 0x1e602800 : 0x0e20d400, VT1, VT1, x);
    vvv(e, ZIP1 | type, VT0, VT0, VT1);
    fp_look(e, t);
    fp_finish_packed(e, t, d, VT0);
    return true;
}

static void clear_elements(struct emitter *e, bool f64, unsigned d, unsigned keep)
{
    for (unsigned k = 0; k < (f64 ? 2u : 4u); k++)
        if (!(keep >> k & 1))
            asm_put(&e->a, 0x4e001c00 | (f64 ? 8 | k << 4 : 4 | k << 3) << 16 | ZR << 5 | d);
}

/* Products that the immediate leaves out are those of zeros. Sums of wrong products may be inexact where the right ones' are not: FPSR is kept. */
static bool dot_product(struct emitter *e, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    uint32_t type = f64 ? D : 0;
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    struct tail *t = fp_start(e, d);
    if (!e->run) {
        asm_put(&e->a, 0xd53b4420 | T2);                                  /* mrs x15, fpsr */
        t->fpsr = T2;
    }
    move(e, VT0, n);
    move(e, VT1, m);
    clear_elements(e, f64, VT0, in->aux >> 4);
    clear_elements(e, f64, VT1, in->aux >> 4);
    vvv(e, 0x6e20dc00 | type, VT0, VT0, VT1);                             /* fmul */
    vvv(e, FADDP | type, VT0, VT0, VT0);
    if (!f64)
        vvv(e, FADDP, VT0, VT0, VT0);
    clear_elements(e, f64, VT0, in->aux);
    fp_look(e, t);
    fp_finish_packed(e, t, d, VT0);
    return true;
}

bool emit_convert(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VCVTFF: return float_to_float(e, in);
    case IR_VCVTGF: return int_to_float(e, in);
    case IR_VCVTFG: return float_to_int(e, in);
    case IR_VCVTIF: return ints_to_floats(e, in);
    case IR_VCVTFI: return floats_to_ints(e, in);
    case IR_VFHADD: case IR_VFHSUB: return neighbours(e, in);
    case IR_VFADDSUB: return sums_and_differences(e, in);
    case IR_VFDP: return dot_product(e, in);
    default: return false;
    }
}
