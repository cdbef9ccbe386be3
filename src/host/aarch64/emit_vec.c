/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_vec.c: vectors of integers and bits, in Advanced SIMD. What is missing here the interpreter does. Destinations are written last, for they may be an
 * operand's register. Manual: Arm ARM, C7.
 */
#include "host/aarch64/emit.h"

static void vvv(struct emitter *e, uint32_t op, unsigned d, unsigned n, unsigned m) { asm_put(&e->a, op | m << 16 | n << 5 | d); }
static void vv(struct emitter *e, uint32_t op, unsigned d, unsigned n) { asm_put(&e->a, op | n << 5 | d); }
static unsigned lane_log2(const struct ir_insn *in) { return type_log2(in->lane); }

enum { MOV = 0x4ea01c00, ZERO = 0x6f00e400, ZIP1 = 0x4e003800, ZIP2 = 0x4e007800, UZP2 = 0x4e005800, EXT = 0x6e000000, TBL = 0x4e000000,
       USHR = 0x6f000400, SSHR = 0x4f000400, SHL_ = 0x4f005400, USRA = 0x6f001400, BSL = 0x6e601c00, XTN32 = 0x0ea12800 };

static void zero(struct emitter *e, unsigned d) { asm_put(&e->a, ZERO | d); }
static void move(struct emitter *e, unsigned d, unsigned n)
{
    if (d != n)
        vvv(e, MOV, d, n, n);
}
static void right_by(struct emitter *e, uint32_t op, unsigned bits, unsigned d, unsigned n, unsigned by) { vv(e, op | (2 * bits - by) << 16, d, n); }
static void left_by(struct emitter *e, unsigned bits, unsigned d, unsigned n, unsigned by) { vv(e, SHL_ | (bits + by) << 16, d, n); }
static void ext(struct emitter *e, unsigned d, unsigned n, unsigned m, unsigned by) { vvv(e, EXT | by << 11, d, n, m); }
/* element i of n to element k of d */
static void ins(struct emitter *e, unsigned log2, unsigned d, unsigned k, unsigned n, unsigned i)
{
    asm_put(&e->a, 0x6e000400 | (k << (log2 + 1) | 1u << log2) << 16 | (i << log2) << 11 | n << 5 | d);
}
static void dup(struct emitter *e, unsigned log2, unsigned d, unsigned n, unsigned i) { asm_put(&e->a, 0x4e000400 | (i << (log2 + 1) | 1u << log2) << 16 | n << 5 | d); }
static void umov(struct emitter *e, unsigned log2, unsigned d, unsigned n, unsigned i)
{
    asm_put(&e->a, 0x0e003c00 | (log2 == 3 ? 1u << 30 : 0) | (i << (log2 + 1) | 1u << log2) << 16 | n << 5 | d);
}

/* --- one instruction --- */

enum { SIZED = 1, SWAP = 2 };
static const struct { uint32_t op; uint8_t how, lanes; } simple[IR_N_OPS] = {
#define L(T) (1 << (IR_##T - IR_I8))
    [IR_VAND] = { 0x4e201c00, 0, 15 }, [IR_VOR] = { 0x4ea01c00, 0, 15 }, [IR_VXOR] = { 0x6e201c00, 0, 15 }, [IR_VANDN] = { 0x4e601c00, SWAP, 15 },
    [IR_VADD] = { 0x4e208400, SIZED, 15 }, [IR_VSUB] = { 0x6e208400, SIZED, 15 }, [IR_VADDSS] = { 0x4e200c00, SIZED, L(I8) | L(I16) },
    [IR_VADDUS] = { 0x6e200c00, SIZED, L(I8) | L(I16) }, [IR_VSUBSS] = { 0x4e202c00, SIZED, L(I8) | L(I16) }, [IR_VSUBUS] = { 0x6e202c00, SIZED, L(I8) | L(I16) },
    [IR_VMUL] = { 0x4e209c00, SIZED, L(I16) | L(I32) }, [IR_VAVG] = { 0x6e201400, SIZED, L(I8) | L(I16) }, [IR_VMINS] = { 0x4e206c00, SIZED, 7 },
    [IR_VMINU] = { 0x6e206c00, SIZED, 7 }, [IR_VMAXS] = { 0x4e206400, SIZED, 7 }, [IR_VMAXU] = { 0x6e206400, SIZED, 7 }, [IR_VHADD] = { 0x4e20bc00, SIZED, 7 },
    [IR_VCMPEQ] = { 0x6e208c00, SIZED, 15 }, [IR_VCMPGT] = { 0x4e203400, SIZED, 15 }, [IR_VZIPL] = { ZIP1, SIZED, 15 }, [IR_VZIPH] = { ZIP2, SIZED, 15 },
#undef L
};

static bool emit_simple(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), how = simple[in->op].how;
    if (!simple[in->op].op)
        return false;
    if ((how & SIZED) && !(simple[in->op].lanes >> log2 & 1))
        return false;
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    uint32_t op = simple[in->op].op | (how & SIZED ? log2 << 22 : 0);
    if (in->op == IR_VXOR && n == m)
        zero(e, d);
    else
        how & SWAP ? vvv(e, op, d, m, n) : vvv(e, op, d, n, m);
    result_vec(e, d);
    return true;
}

/* --- multiplication and sums of neighbours --- */

static void long_pair(struct emitter *e, uint32_t op, unsigned n, unsigned m)
{
    vvv(e, op, VT0, n, m);
    vvv(e, op | 1u << 30, VT1, n, m);
}

static bool emit_products(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    switch (in->op) {
    case IR_VMULHS: case IR_VMULHU:
        long_pair(e, in->op == IR_VMULHS ? 0x0e60c000 : 0x2e60c000, n, m);
        vvv(e, UZP2 | 1u << 22, d, VT0, VT1);
        break;
    case IR_VMADD:
        long_pair(e, 0x0e60c000, n, m);
        vvv(e, 0x4ea0bc00, d, VT0, VT1);                                 /* addp */
        break;
    case IR_VMULUDQ: case IR_VMULSDQ:
        vv(e, XTN32, VT0, n);
        vv(e, XTN32, VT1, m);
        vvv(e, in->op == IR_VMULUDQ ? 0x2ea0c000 : 0x0ea0c000, d, VT0, VT1);
        break;
    default:                                                             /* VSAD */
        vvv(e, 0x6e207400, VT0, n, m);                                   /* uabd, uaddlp */
        vv(e, 0x6e202800, VT0, VT0);
        vv(e, 0x6e602800, VT0, VT0);
        vv(e, 0x6ea02800, d, VT0);
    }
    result_vec(e, d);
    return true;
}

/* --- shifts --- */

static bool emit_shift(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = 8u << lane_log2(in), by = in->aux, n = vec_of(e, in->arg[0]), d = dst_vec(e);
    if (by == 0)
        move(e, d, n);
    else if (in->op == IR_VSARI)
        right_by(e, SSHR, bits, d, n, by < bits ? by : bits);
    else if (by >= bits)
        zero(e, d);
    else
        in->op == IR_VSHLI ? left_by(e, bits, d, n, by) : right_by(e, USHR, bits, d, n, by);
    result_vec(e, d);
    return true;
}

static bool emit_bytes(struct emitter *e, const struct ir_insn *in)
{
    unsigned by = in->aux, n = vec_of(e, in->arg[0]), m = in->op == IR_VALIGN ? vec_of(e, in->arg[1]) : n, d = dst_vec(e);
    bool align = in->op == IR_VALIGN;
    if (by >= (align ? 32u : 16u)) {
        zero(e, d);
    } else if (by == 0) {
        move(e, d, m);
    } else {
        zero(e, VT0);
        if (align)
            by < 16 ? ext(e, d, m, n, by) : by == 16 ? move(e, d, n) : ext(e, d, n, VT0, by - 16);
        else
            in->op == IR_VBSHL ? ext(e, d, VT0, n, 16 - by) : ext(e, d, n, VT0, by);
    }
    result_vec(e, d);
    return true;
}

/* --- moving elements --- */

static void shuffle_words(struct emitter *e, unsigned d, unsigned n, unsigned imm)
{
    if (imm == 0xe4) {
        move(e, d, n);
    } else if (imm == 0x4e || imm == 0x39 || imm == 0x93) {
        ext(e, d, n, n, imm == 0x4e ? 8 : imm == 0x39 ? 4 : 12);
    } else if (imm % 0x55 == 0) {
        dup(e, 2, d, n, imm & 3);
    } else if (imm == 0x44 || imm == 0xee) {
        dup(e, 3, d, n, imm == 0xee);
    } else if (imm == 0xb1) {
        vv(e, 0x4ea00800, d, n);                                         /* rev64 .4s */
    } else if (imm == 0x50 || imm == 0xfa) {
        vvv(e, (imm == 0x50 ? ZIP1 : ZIP2) | 2u << 22, d, n, n);
    } else {
        dup(e, 2, VT0, n, imm & 3);
        for (unsigned k = 1; k < 4; k++)
            if ((imm >> 2 * k & 3) != (imm & 3))
                ins(e, 2, VT0, k, n, imm >> 2 * k & 3);
        move(e, d, VT0);
    }
}

static void shuffle_halves(struct emitter *e, unsigned d, unsigned n, unsigned imm, unsigned base)
{
    move(e, VT0, n);
    for (unsigned k = 0; k < 4; k++)
        if ((imm >> 2 * k & 3) != k)
            ins(e, 1, VT0, base + k, n, base + (imm >> 2 * k & 3));
    move(e, d, VT0);
}

static bool emit_shuffle(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), d = dst_vec(e);
    if (in->lane == IR_I16)
        shuffle_halves(e, d, n, in->aux, in->mod ? 4 : 0);
    else
        shuffle_words(e, d, n, in->aux);
    result_vec(e, d);
    return true;
}

static bool emit_shuffle_two(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e), imm = in->aux;
    if (lane_log2(in) == 3) {
        switch (imm & 3) {
        case 0: vvv(e, ZIP1 | 3u << 22, d, n, m); break;
        case 1: ext(e, d, n, m, 8); break;
        case 3: vvv(e, ZIP2 | 3u << 22, d, n, m); break;
        default:
            move(e, VT0, n);
            ins(e, 3, VT0, 1, m, 1);
            move(e, d, VT0);
        }
    } else if (n == m) {
        shuffle_words(e, d, n, imm);
    } else {
        dup(e, 2, VT0, n, imm & 3);
        for (unsigned k = 1; k < 4; k++)
            ins(e, 2, VT0, k, k < 2 ? n : m, imm >> 2 * k & 3);
        move(e, d, VT0);
    }
    result_vec(e, d);
    return true;
}

static bool emit_permute(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    asm_put(&e->a, 0x4f04e5e0 | VT0);                                     /* movi .16b, #0x8f: an index with bit 7 is out of range */
    vvv(e, 0x4e201c00, VT0, VT0, m);
    vvv(e, TBL, d, n, VT0);
    result_vec(e, d);
    return true;
}

static bool emit_pack(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    uint32_t op = (in->op == IR_VPACKS ? 0x0e214800 : 0x2e212800) | (log2 - 1) << 22;
    vv(e, op, VT0, n);
    vv(e, op | 1u << 30, VT0, m);
    move(e, d, VT0);
    result_vec(e, d);
    return true;
}

static bool emit_widen(struct emitter *e, const struct ir_insn *in)
{
    unsigned to = lane_log2(in), from = type_log2(in->mod), n = vec_of(e, in->arg[0]), d = dst_vec(e);
    for (; from < to; from++) {
        vv(e, (in->op == IR_VWIDENS ? 0x0f00a400 : 0x2f00a400) | (8u << from) << 16, d, n);      /* sshll, ushll #0 */
        n = d;
    }
    result_vec(e, d);
    return true;
}

static bool emit_blend(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]);
    if (in->op == IR_VBLENDV) {
        unsigned mask = vec_of(e, in->arg[2]), d = dst_vec(e);
        right_by(e, SSHR, 8u << log2, VT0, mask, 8u << log2);
        vvv(e, BSL, VT0, m, n);
        move(e, d, VT0);
        result_vec(e, d);
        return true;
    }
    unsigned d = dst_vec(e);
    move(e, VT0, n);
    for (unsigned k = 0; k < 16u >> log2; k++)
        if (in->aux >> k & 1)
            ins(e, log2, VT0, k, m, k);
    move(e, d, VT0);
    result_vec(e, d);
    return true;
}

/* d = a with element 0 of m: in place when a's register is the destination */
static bool emit_merge(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), d = dst_vec(e);
    if (d == n) {
        ins(e, log2, d, 0, m, 0);
        result_vec(e, d);
        return true;
    }
    if (d == m) {
        move(e, VT0, m);
        m = VT0;
    }
    move(e, d, n);
    ins(e, log2, d, 0, m, 0);
    result_vec(e, d);
    return true;
}

/* --- between vectors and general registers --- */

static bool emit_insert(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), n = vec_of(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), d = dst_vec(e), k = in->aux & ((16u >> log2) - 1);
    move(e, d, n);
    asm_put(&e->a, 0x4e001c00 | (k << (log2 + 1) | 1u << log2) << 16 | m << 5 | d);
    result_vec(e, d);
    return true;
}

static bool emit_from_int(struct emitter *e, const struct ir_insn *in)
{
    unsigned type = insn(e, in->arg[0])->type;
    if (!is_gpr_type(type)) {
        unsigned n = vec_of(e, in->arg[0]);
        share(e, (ir_ref)e->i, VEC + n, true);
        return true;
    }
    unsigned n = clean_gpr(e, in->arg[0], T0), d = dst_vec(e);
    vv(e, type == IR_I64 ? 0x9e670000 : 0x1e270000, d, n);
    result_vec(e, d);
    return true;
}

static bool emit_extract(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), n = vec_of(e, in->arg[0]), d = dst_gpr(e), bits = type_bits(in->type);
    umov(e, log2, d, n, in->aux & ((16u >> log2) - 1));
    if (bits < 8u << log2)
        bits == 32 ? asm_mov(&e->a, false, d, d) : asm_ubfx(&e->a, false, d, d, 0, bits);
    result(e, d, true);
    return true;
}

/* the top bits fold together, two elements, then four, ... at a time */
static bool emit_mask(struct emitter *e, const struct ir_insn *in)
{
    unsigned log2 = lane_log2(in), bits = 8u << log2, n = vec_of(e, in->arg[0]), d = dst_gpr(e), per_half = 8u >> log2;
    if (log2 == 3) {
        umov(e, 3, T0, n, 0);
        umov(e, 3, T1, n, 1);
        asm_lsr(&e->a, true, T0, T0, 63);
        asm_lsr(&e->a, true, T1, T1, 63);
    } else {
        right_by(e, USHR, bits, VT0, n, bits - 1);
        for (unsigned w = bits, by = bits - 1; w < 64; w *= 2, by *= 2)
            right_by(e, USRA, 2 * w, VT0, VT0, by);
        umov(e, 0, T0, VT0, 0);
        umov(e, 0, T1, VT0, 8);
        if (log2 == 2) {
            asm_ubfx(&e->a, false, T0, T0, 0, 2);
            asm_ubfx(&e->a, false, T1, T1, 0, 2);
        }
    }
    asm_rrs(&e->a, false, A_ORR, d, T0, T1, LSL, per_half);
    result(e, d, true);
    return true;
}

static bool emit_constant(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = dst_vec(e);
    asm_put(&e->a, (in->op == IR_VZERO ? ZERO : 0x4f07e7e0) | d);
    result_vec(e, d);
    return true;
}

static bool emit_abs(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), d = dst_vec(e);
    vv(e, 0x4e20b800 | lane_log2(in) << 22, d, n);
    result_vec(e, d);
    return true;
}

static bool emit_select(struct emitter *e, const struct ir_insn *in)
{
    if (in->type != IR_V128)
        return false;
    unsigned n = vec_of(e, in->arg[1]), m = vec_of(e, in->arg[2]);
    enum cond c = flags_for(e, in->arg[0]);
    asm_put(&e->a, 0xda9f03e0 | (c ^ 1u) << 12 | T0);                     /* csetm */
    asm_put(&e->a, 0x4e080c00 | T0 << 5 | VT0);                           /* dup .2d, from a general register */
    unsigned d = dst_vec(e);
    vvv(e, BSL, VT0, n, m);
    move(e, d, VT0);
    result_vec(e, d);
    return true;
}

bool emit_vec(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VZERO: case IR_VONES: return emit_constant(e, in);
    case IR_VMOVI: return emit_from_int(e, in);
    case IR_VEXTR: return emit_extract(e, in);
    case IR_VINS: return emit_insert(e, in);
    case IR_VMERGE: return emit_merge(e, in);
    case IR_VMULHS: case IR_VMULHU: case IR_VMADD: case IR_VMULUDQ: case IR_VMULSDQ: case IR_VSAD: return emit_products(e, in);
    case IR_VSHLI: case IR_VSHRI: case IR_VSARI: return emit_shift(e, in);
    case IR_VBSHL: case IR_VBSHR: case IR_VALIGN: return emit_bytes(e, in);
    case IR_VSHUF: return emit_shuffle(e, in);
    case IR_VSHUF2: return emit_shuffle_two(e, in);
    case IR_VPERMB: return emit_permute(e, in);
    case IR_VPACKS: case IR_VPACKU: return emit_pack(e, in);
    case IR_VWIDENS: case IR_VWIDENU: return emit_widen(e, in);
    case IR_VBLENDI: case IR_VBLENDV: return emit_blend(e, in);
    case IR_VMASK: return emit_mask(e, in);
    case IR_VABS: return emit_abs(e, in);
    case IR_SELECT: return emit_select(e, in);
    default: return emit_simple(e, in);
    }
}
