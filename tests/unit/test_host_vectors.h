/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_vectors.h: the steps of test_host_x86_64.c that work on vectors: every operation in every lane that it has. */
static void random_vector(uint8_t *v)
{
    static const uint32_t f[] = { 0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fa00001, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0x40490fdb, 0x4f000000, 0xcf000000 };
    static const uint64_t d[] = { 0, 1ull << 63, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001, 0x7ff4000000000001, 1,
                                  0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, 0x41e0000000000000, 0xc3e0000000000000, 0x400921fb54442d18 };
    unsigned kind = rnd(3);
    for (unsigned k = 0; k < 16; k += 8) {
        uint64_t x = (uint64_t)corner();
        if (kind == 1)
            x = f[rnd(15)] | (uint64_t)f[rnd(15)] << 32;
        else if (kind == 2)
            x = d[rnd(15)];
        memcpy(v + k, &x, 8);
    }
}

enum { B8 = 1 << IR_I8, B16 = 1 << IR_I16, B32 = 1 << IR_I32, B64 = 1 << IR_I64, BF32 = 1 << IR_F32, BF64 = 1 << IR_F64, ALL = B8 | B16 | B32 | B64, BF = BF32 | BF64 };
static const struct { uint8_t op; uint16_t lanes; uint8_t args, aux; } vector_ops[] = {
    { IR_VAND, ALL, 2, 0 }, { IR_VOR, ALL, 2, 0 }, { IR_VXOR, ALL | BF, 2, 0 }, { IR_VANDN, ALL | BF, 2, 0 }, { IR_VADD, ALL, 2, 0 }, { IR_VSUB, ALL, 2, 0 },
    { IR_VADDSS, B8 | B16, 2, 0 }, { IR_VADDUS, B8 | B16, 2, 0 }, { IR_VSUBSS, B8 | B16, 2, 0 }, { IR_VSUBUS, B8 | B16, 2, 0 }, { IR_VMUL, B16 | B32, 2, 0 },
    { IR_VMULHS, B16, 2, 0 }, { IR_VMULHU, B16, 2, 0 }, { IR_VMULHRS, B16, 2, 0 }, { IR_VMULUDQ, B64, 2, 0 }, { IR_VMULSDQ, B64, 2, 0 }, { IR_VMADD, B16, 2, 0 },
    { IR_VMADDUS, B8, 2, 0 }, { IR_VSAD, B8, 2, 0 }, { IR_VMPSAD, B8, 2, 8 }, { IR_VAVG, B8 | B16, 2, 0 }, { IR_VMINS, B8 | B16 | B32, 2, 0 }, { IR_VMINU, B8 | B16 | B32, 2, 0 },
    { IR_VMAXS, B8 | B16 | B32, 2, 0 }, { IR_VMAXU, B8 | B16 | B32, 2, 0 }, { IR_VABS, B8 | B16 | B32, 1, 0 }, { IR_VSIGN, B8 | B16 | B32, 2, 0 }, { IR_VHADD, B16 | B32, 2, 0 },
    { IR_VHADDSS, B16, 2, 0 }, { IR_VHSUB, B16 | B32, 2, 0 }, { IR_VHSUBSS, B16, 2, 0 }, { IR_VCMPEQ, ALL, 2, 0 }, { IR_VCMPGT, ALL, 2, 0 }, { IR_VSHL, B16 | B32 | B64, 2, 0 },
    { IR_VSHR, B16 | B32 | B64, 2, 0 }, { IR_VSAR, B16 | B32, 2, 0 }, { IR_VSHLI, B16 | B32 | B64, 1, 70 }, { IR_VSHRI, B16 | B32 | B64, 1, 70 }, { IR_VSARI, B16 | B32, 1, 70 },
    { IR_VBSHL, B8, 1, 20 }, { IR_VBSHR, B8, 1, 20 }, { IR_VSHUF, B32 | B16, 1, 255 }, { IR_VSHUF2, BF, 2, 255 }, { IR_VPERMB, B8, 2, 0 }, { IR_VALIGN, B8, 2, 34 },
    { IR_VZIPL, ALL | BF, 2, 0 }, { IR_VZIPH, ALL | BF, 2, 0 }, { IR_VPACKS, B16 | B32, 2, 0 }, { IR_VPACKU, B16 | B32, 2, 0 }, { IR_VBLENDI, B16 | B32 | B64, 2, 255 },
    { IR_VBLENDV, B8 | B32 | B64, 3, 0 }, { IR_VINSPS, BF32, 2, 255 }, { IR_VMINPOS, B16, 1, 0 },
    { IR_AESE, B8, 2, 0 }, { IR_AESEL, B8, 2, 0 }, { IR_AESD, B8, 2, 0 }, { IR_AESDL, B8, 2, 0 }, { IR_AESIMC, B8, 1, 0 }, { IR_AESKEY, B8, 1, 255 }, { IR_CLMUL, B64, 2, 255 },
    { IR_SHA1R, B32, 2, 4 }, { IR_SHA1E, B32, 2, 0 }, { IR_SHA1M1, B32, 2, 0 }, { IR_SHA1M2, B32, 2, 0 }, { IR_SHA2R, B32, 3, 0 }, { IR_SHA2M1, B32, 2, 0 }, { IR_SHA2M2, B32, 2, 0 },
    { IR_VWIDENS, B16 | B32 | B64, 1, 0 }, { IR_VWIDENU, B16 | B32 | B64, 1, 0 }, { IR_VMERGE, B16 | B32 | B64 | BF, 2, 0 },
};
static const struct { uint8_t op; uint16_t lanes; uint8_t args, aux, low; } float_ops[] = {
    { IR_VFADD, BF, 2, 0, 1 }, { IR_VFSUB, BF, 2, 0, 1 }, { IR_VFMUL, BF, 2, 0, 1 }, { IR_VFDIV, BF, 2, 0, 1 }, { IR_VFMIN, BF, 2, 0, 1 }, { IR_VFMAX, BF, 2, 0, 1 },
    { IR_VFSQRT, BF, 2, 0, 1 }, { IR_VFROUND, BF, 2, 12, 1 }, { IR_VFCMP, BF, 2, 8, 1 }, { IR_VFADDSUB, BF, 2, 0, 0 }, { IR_VFHADD, BF, 2, 0, 0 }, { IR_VFHSUB, BF, 2, 0, 0 },
    { IR_VCVTFF, BF, 2, 0, 1 }, { IR_VCVTIF, BF, 1, 0, 0 }, { IR_VCVTFI, BF, 1, 0, 0 },
};
static enum ir_type pick_lane(unsigned lanes)
{
    unsigned t;
    do
        t = rnd(IR_N_TYPES);
    while (!(lanes >> t & 1));
    return t;
}
static ir_ref getv(unsigned r) { return keep(ir_get(&B, IR_V128, VEC(r))); }
static ir_ref vector(void)
{
    switch (rnd(12)) {
    case 0: return keep(ir_load(&B, IR_V128, aligned_address(), IR_MEM_ALIGNED));
    case 1: return keep(ir_load(&B, IR_V128, address(), 0));
    case 2: return old_value(IR_V128);
    case 3: return keep(ir_emit(&B, rnd(2) ? IR_VZERO : IR_VONES, IR_V128, IR_I32, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0));
    default: return getv(rnd(N_XMM));
    }
}
/* what a LOW operation or a narrow one gets from memory */
static ir_ref low_vector(enum ir_type lane) { return rnd(3) ? vector() : keep(ir_emit(&B, IR_VLOADL, IR_V128, lane, 0, 0, address(), IR_NONE, IR_NONE, 0)); }
static void putv(ir_ref v) { ir_put(&B, IR_V128, VEC(rnd(N_XMM)), v); }
/* as an SSE instruction does: the destination is the first operand */
static void step_vector_op(void)
{
    unsigned k = rnd(sizeof vector_ops / sizeof *vector_ops), d = rnd(N_XMM), mod = 0, op = vector_ops[k].op;
    enum ir_type lane = pick_lane(vector_ops[k].lanes);
    if (op == IR_VSHUF && lane == IR_I16)
        mod = rnd(2);
    if (op == IR_VWIDENS || op == IR_VWIDENU)
        do
            mod = IR_I8 + rnd(3);
        while (mod >= lane);
    bool wide = op == IR_VWIDENS || op == IR_VWIDENU;
    ir_ref a = rnd(3) && !wide ? getv(d) : wide ? low_vector(IR_I32 + rnd(2)) : vector();
    ir_ref b = vector_ops[k].args > 1 ? vector() : IR_NONE, c = vector_ops[k].args > 2 ? (rnd(2) ? getv(0) : vector()) : IR_NONE;
    ir_ref r = keep(ir_emit(&B, op, IR_V128, lane, vector_ops[k].aux ? rnd(vector_ops[k].aux) : 0, mod, a, b, c, 0));
    ir_put(&B, IR_V128, VEC(rnd(4) ? d : rnd(N_XMM)), r);
}
static ir_ref old_vector_or(unsigned d) { return rnd(8) ? getv(d) : vector(); }
static void step_vector(void)
{
    static const uint8_t ints[] = { IR_I8, IR_I16, IR_I32, IR_I64 };
    enum ir_type lane = ints[rnd(4)];
    unsigned n = 16 / ir_type_size[lane], d = rnd(N_XMM);
    switch (rnd(12)) {
    case 0: putv(keep(ir_op1(&B, IR_VMOVI, IR_V128, value(lane)))); break;
    case 1: put(IR_I64, reg(), keep(ir_emit(&B, IR_VEXTR, IR_I64, lane, rnd(n), 0, vector(), IR_NONE, IR_NONE, 0))); break;
    case 2: ir_put(&B, IR_V128, VEC(d), keep(ir_emit(&B, IR_VINS, IR_V128, lane, rnd(n), 0, old_vector_or(d), rnd(2) ? value(lane) : keep(ir_load(&B, lane, address(), 0)), IR_NONE, 0))); break;
    case 3: put(IR_I64, reg(), keep(ir_zext(&B, IR_I64, ir_emit(&B, IR_VMASK, IR_I32, lane == IR_I16 ? IR_I8 : lane, 0, 0, vector(), IR_NONE, IR_NONE, 0)))); break;
    case 4: ir_store(&B, IR_V128, address(), vector(), 0); break;
    case 5: ir_store(&B, IR_V128, aligned_address(), vector(), IR_MEM_ALIGNED); break;
    case 6: ir_emit(&B, IR_VSTOREL, IR_V128, lane, 0, 0, address(), vector(), IR_NONE, 0); break;
    case 7: putv(low_vector(lane)); break;
    case 8: putv(vector()); break;
    case 9: {
        ir_ref r = ir_emit(&B, IR_VTESTF, IR_V128, IR_I8, 0, 0, vector(), vector(), IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, r);
        break;
    }
    case 10: putv(keep(ir_op3(&B, IR_SELECT, IR_V128, any_cond(), vector(), vector()))); break;
    default: step_vector_op();
    }
}
static void step_float(void)
{
    unsigned k = rnd(sizeof float_ops / sizeof *float_ops), d = rnd(N_XMM), op = float_ops[k].op;
    enum ir_type lane = pick_lane(float_ops[k].lanes);
    unsigned mod = float_ops[k].low && rnd(2) ? IR_LOW : 0;
    ir_ref r;
    switch (rnd(6)) {
    case 0: ir_put(&B, IR_V128, VEC(d), keep(ir_emit(&B, IR_VCVTGF, IR_V128, lane, 0, 0, old_vector_or(d), value(IR_I32 + rnd(2)), IR_NONE, 0))); return;
    case 1: {
        enum ir_type t = IR_I32 + rnd(2);
        put(t, reg(), keep(ir_emit(&B, IR_VCVTFG, t, lane, 0, rnd(2), low_vector(lane), IR_NONE, IR_NONE, 0)));
        return;
    }
    case 2:
        r = ir_emit(&B, IR_FCMPF, IR_V128, lane, 0, IR_LOW | (rnd(2) ? IR_SIGNAL : 0), vector(), low_vector(lane), IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, r);
        return;
    }
    if (op == IR_VCVTFI)
        mod = rnd(2);
    enum ir_type from = op == IR_VCVTFF ? (lane == IR_F32 ? IR_F64 : IR_F32) : lane;
    ir_ref a = old_vector_or(d), b = float_ops[k].args > 1 ? (mod & IR_LOW ? low_vector(from) : vector()) : IR_NONE;
    r = keep(ir_emit(&B, op, IR_V128, lane, float_ops[k].aux ? rnd(float_ops[k].aux) : 0, mod, a, b, IR_NONE, 0));
    ir_put(&B, IR_V128, VEC(d), r);
}
