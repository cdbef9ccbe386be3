/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_vec.c: vectors of 128 bits. Nearly every operation is one SSE instruction, found in a table by operation and lane. Memory
 * operands are folded only where the instruction's own rules for alignment are the guest's: aligned loads, and low elements.
 */
#include "host/x86_64/emit.h"

enum lane { L8, L16, L32, L64, LF32, LF64, N_LANES };
static const uint8_t lane_of[IR_N_TYPES] = { [IR_I8] = L8, [IR_I16] = L16, [IR_I32] = L32, [IR_I64] = L64, [IR_F32] = LF32, [IR_F64] = LF64 };

#define A(b)   (OP_0F(b) | P_66)          /* 66 0f b */
#define B38(b) (OP_0F38(b) | P_66)
#define B3A(b) (OP_0F3A(b) | P_66)
enum { MOVAPS = OP_0F(0x28), MOVUPS = OP_0F(0x10), MOVAPS_STORE = OP_0F(0x29) };

enum form { NONE, BINARY, UNARY, /* of arg0 */
            UNARY1, /* of arg1 when packed, BINARY when LOW */ SHIFT_IMM };
enum { WITH_AUX = 1 };                     /* aux is the instruction's imm8 */
struct vec_op { uint8_t form, flags, digit; uint32_t op[N_LANES]; };

/* Packed forms; LOW ones of floating point differ by prefix only (opcode_of). */
static const struct vec_op vec_op[IR_N_OPS] = {
    [IR_VAND]    = { BINARY, 0, 0, { A(0xdb), A(0xdb), A(0xdb), A(0xdb), OP_0F(0x54), OP_0F(0x54) } },
    [IR_VOR]     = { BINARY, 0, 0, { A(0xeb), A(0xeb), A(0xeb), A(0xeb), OP_0F(0x56), OP_0F(0x56) } },
    [IR_VXOR]    = { BINARY, 0, 0, { A(0xef), A(0xef), A(0xef), A(0xef), OP_0F(0x57), OP_0F(0x57) } },
    [IR_VANDN]   = { BINARY, 0, 0, { A(0xdf), A(0xdf), A(0xdf), A(0xdf), OP_0F(0x55), OP_0F(0x55) } },
    [IR_VADD]    = { BINARY, 0, 0, { A(0xfc), A(0xfd), A(0xfe), A(0xd4) } },
    [IR_VSUB]    = { BINARY, 0, 0, { A(0xf8), A(0xf9), A(0xfa), A(0xfb) } },
    [IR_VADDSS]  = { BINARY, 0, 0, { A(0xec), A(0xed) } },
    [IR_VADDUS]  = { BINARY, 0, 0, { A(0xdc), A(0xdd) } },
    [IR_VSUBSS]  = { BINARY, 0, 0, { A(0xe8), A(0xe9) } },
    [IR_VSUBUS]  = { BINARY, 0, 0, { A(0xd8), A(0xd9) } },
    [IR_VMUL]    = { BINARY, 0, 0, { 0, A(0xd5), B38(0x40) } },
    [IR_VMULHS]  = { BINARY, 0, 0, { 0, A(0xe5) } },
    [IR_VMULHU]  = { BINARY, 0, 0, { 0, A(0xe4) } },
    [IR_VMULHRS] = { BINARY, 0, 0, { 0, B38(0x0b) } },
    [IR_VMULUDQ] = { BINARY, 0, 0, { A(0xf4), A(0xf4), A(0xf4), A(0xf4) } },
    [IR_VMULSDQ] = { BINARY, 0, 0, { B38(0x28), B38(0x28), B38(0x28), B38(0x28) } },
    [IR_VMADD]   = { BINARY, 0, 0, { A(0xf5), A(0xf5), A(0xf5), A(0xf5) } },
    [IR_VMADDUS] = { BINARY, 0, 0, { B38(0x04), B38(0x04), B38(0x04), B38(0x04) } },
    [IR_VSAD]    = { BINARY, 0, 0, { A(0xf6), A(0xf6), A(0xf6), A(0xf6) } },
    [IR_VMPSAD]  = { BINARY, WITH_AUX, 0, { B3A(0x42), B3A(0x42), B3A(0x42), B3A(0x42) } },
    [IR_VAVG]    = { BINARY, 0, 0, { A(0xe0), A(0xe3) } },
    [IR_VMINS]   = { BINARY, 0, 0, { B38(0x38), A(0xea), B38(0x39) } },
    [IR_VMINU]   = { BINARY, 0, 0, { A(0xda), B38(0x3a), B38(0x3b) } },
    [IR_VMAXS]   = { BINARY, 0, 0, { B38(0x3c), A(0xee), B38(0x3d) } },
    [IR_VMAXU]   = { BINARY, 0, 0, { A(0xde), B38(0x3e), B38(0x3f) } },
    [IR_VABS]    = { UNARY, 0, 0, { B38(0x1c), B38(0x1d), B38(0x1e) } },
    [IR_VSIGN]   = { BINARY, 0, 0, { B38(0x08), B38(0x09), B38(0x0a) } },
    [IR_VHADD]   = { BINARY, 0, 0, { 0, B38(0x01), B38(0x02) } },
    [IR_VHADDSS] = { BINARY, 0, 0, { 0, B38(0x03) } },
    [IR_VHSUB]   = { BINARY, 0, 0, { 0, B38(0x05), B38(0x06) } },
    [IR_VHSUBSS] = { BINARY, 0, 0, { 0, B38(0x07) } },
    [IR_VCMPEQ]  = { BINARY, 0, 0, { A(0x74), A(0x75), A(0x76), B38(0x29) } },
    [IR_VCMPGT]  = { BINARY, 0, 0, { A(0x64), A(0x65), A(0x66), B38(0x37) } },
    [IR_VSHL]    = { BINARY, 0, 0, { 0, A(0xf1), A(0xf2), A(0xf3) } },
    [IR_VSHR]    = { BINARY, 0, 0, { 0, A(0xd1), A(0xd2), A(0xd3) } },
    [IR_VSAR]    = { BINARY, 0, 0, { 0, A(0xe1), A(0xe2) } },
    [IR_VSHLI]   = { SHIFT_IMM, 0, 6, { 0, A(0x71), A(0x72), A(0x73) } },
    [IR_VSHRI]   = { SHIFT_IMM, 0, 2, { 0, A(0x71), A(0x72), A(0x73) } },
    [IR_VSARI]   = { SHIFT_IMM, 0, 4, { 0, A(0x71), A(0x72) } },
    [IR_VBSHL]   = { SHIFT_IMM, 0, 7, { A(0x73), A(0x73), A(0x73), A(0x73) } },
    [IR_VBSHR]   = { SHIFT_IMM, 0, 3, { A(0x73), A(0x73), A(0x73), A(0x73) } },
    [IR_VSHUF]   = { UNARY, WITH_AUX, 0, { 0, OP_0F(0x70) | P_F2, A(0x70) } },
    [IR_VSHUF2]  = { BINARY, WITH_AUX, 0, { 0, 0, 0, 0, OP_0F(0xc6), A(0xc6) } },
    [IR_VPERMB]  = { BINARY, 0, 0, { B38(0x00), B38(0x00), B38(0x00), B38(0x00) } },
    [IR_VALIGN]  = { BINARY, WITH_AUX, 0, { B3A(0x0f), B3A(0x0f), B3A(0x0f), B3A(0x0f) } },
    [IR_VZIPL]   = { BINARY, 0, 0, { A(0x60), A(0x61), A(0x62), A(0x6c), OP_0F(0x14), A(0x14) } },
    [IR_VZIPH]   = { BINARY, 0, 0, { A(0x68), A(0x69), A(0x6a), A(0x6d), OP_0F(0x15), A(0x15) } },
    [IR_VPACKS]  = { BINARY, 0, 0, { 0, A(0x63), A(0x6b) } },
    [IR_VPACKU]  = { BINARY, 0, 0, { 0, A(0x67), B38(0x2b) } },
    [IR_VBLENDI] = { BINARY, WITH_AUX, 0, { 0, B3A(0x0e), B3A(0x0c), B3A(0x0d), B3A(0x0c), B3A(0x0d) } },
    [IR_VINSPS]  = { BINARY, WITH_AUX, 0, { B3A(0x21), B3A(0x21), B3A(0x21), B3A(0x21), B3A(0x21), B3A(0x21) } },
    [IR_VMINPOS] = { UNARY, 0, 0, { B38(0x41), B38(0x41), B38(0x41), B38(0x41) } },
    [IR_VFADD]   = { BINARY, 0, 0, { [LF32] = OP_0F(0x58), A(0x58) } },
    [IR_VFSUB]   = { BINARY, 0, 0, { [LF32] = OP_0F(0x5c), A(0x5c) } },
    [IR_VFMUL]   = { BINARY, 0, 0, { [LF32] = OP_0F(0x59), A(0x59) } },
    [IR_VFDIV]   = { BINARY, 0, 0, { [LF32] = OP_0F(0x5e), A(0x5e) } },
    [IR_VFMIN]   = { BINARY, 0, 0, { [LF32] = OP_0F(0x5d), A(0x5d) } },
    [IR_VFMAX]   = { BINARY, 0, 0, { [LF32] = OP_0F(0x5f), A(0x5f) } },
    [IR_VFSQRT]  = { UNARY1, 0, 0, { [LF32] = OP_0F(0x51), A(0x51) } },
    [IR_VFRCP]   = { UNARY1, 0, 0, { [LF32] = OP_0F(0x53) } },
    [IR_VFRSQRT] = { UNARY1, 0, 0, { [LF32] = OP_0F(0x52) } },
    [IR_VFROUND] = { UNARY1, WITH_AUX, 0, { [LF32] = B3A(0x08), B3A(0x09) } },
    [IR_VFCMP]   = { BINARY, WITH_AUX, 0, { [LF32] = OP_0F(0xc2), A(0xc2) } },
    [IR_VFADDSUB]= { BINARY, 0, 0, { [LF32] = OP_0F(0xd0) | P_F2, A(0xd0) } },
    [IR_VFHADD]  = { BINARY, 0, 0, { [LF32] = OP_0F(0x7c) | P_F2, A(0x7c) } },
    [IR_VFHSUB]  = { BINARY, 0, 0, { [LF32] = OP_0F(0x7d) | P_F2, A(0x7d) } },
    [IR_VFDP]    = { BINARY, WITH_AUX, 0, { [LF32] = B3A(0x40), B3A(0x41) } },
    [IR_VCVTFF]  = { UNARY1, 0, 0, { [LF32] = A(0x5a), OP_0F(0x5a) } },                  /* lane: to */
    [IR_VCVTIF]  = { UNARY, 0, 0, { [LF32] = OP_0F(0x5b), OP_0F(0xe6) | P_F3 } },
    [IR_VCVTFI]  = { UNARY, 0, 0, { [LF32] = A(0x5b), OP_0F(0xe6) | P_F2 } },
    [IR_AESE]    = { BINARY, 0, 0, { B38(0xdc) } },
    [IR_AESEL]   = { BINARY, 0, 0, { B38(0xdd) } },
    [IR_AESD]    = { BINARY, 0, 0, { B38(0xde) } },
    [IR_AESDL]   = { BINARY, 0, 0, { B38(0xdf) } },
    [IR_AESIMC]  = { UNARY, 0, 0, { B38(0xdb) } },
    [IR_AESKEY]  = { UNARY, WITH_AUX, 0, { B3A(0xdf) } },
    [IR_CLMUL]   = { BINARY, WITH_AUX, 0, { [L64] = B3A(0x44) } },
    [IR_SHA1R]   = { BINARY, WITH_AUX, 0, { [L32] = OP_0F3A(0xcc) } },
    [IR_SHA1E]   = { BINARY, 0, 0, { [L32] = OP_0F38(0xc8) } },
    [IR_SHA1M1]  = { BINARY, 0, 0, { [L32] = OP_0F38(0xc9) } },
    [IR_SHA1M2]  = { BINARY, 0, 0, { [L32] = OP_0F38(0xca) } },
    [IR_SHA2M1]  = { BINARY, 0, 0, { [L32] = OP_0F38(0xcc) } },
    [IR_SHA2M2]  = { BINARY, 0, 0, { [L32] = OP_0F38(0xcd) } },
};

static unsigned opcode_of(const struct ir_insn *in)
{
    unsigned lane = lane_of[in->lane], op = vec_op[in->op].op[lane];
    bool low = in->mod & IR_LOW;
    switch (in->op) {
    case IR_VSHUF:
        return in->lane == IR_I16 && in->mod ? OP_0F(0x70) | P_F3 : op;
    case IR_VCVTFI:
        return !in->mod ? op : lane == LF32 ? OP_0F(0x5b) | P_F3 : A(0xe6);
    case IR_VCVTFF:
        return !low ? op : lane == LF32 ? OP_0F(0x5a) | P_F2 : OP_0F(0x5a) | P_F3;
    case IR_VFROUND:
        return low ? op + 2 : op;
    case IR_VWIDENS: case IR_VWIDENU: {
        static const uint8_t step[N_LANES][N_LANES] = { [L8] = { [L16] = 0x20, [L32] = 0x21, [L64] = 0x22 }, [L16] = { [L32] = 0x23, [L64] = 0x24 },
                                                        [L32] = { [L64] = 0x25 } };
        unsigned b = step[lane_of[in->mod % IR_N_TYPES]][lane];
        return !b ? 0 : B38(in->op == IR_VWIDENU ? b + 0x10 : b);
    }
    default:
        return op && low ? (op & ~P_MASK) | (lane == LF32 ? P_F3 : P_F2) : op;
    }
}

/* what the processor must have for it, or 0 */
static unsigned extension_of(unsigned op)
{
    return op >= IR_AESE && op <= IR_AESKEY ? FEATURE_AES : op == IR_CLMUL ? FEATURE_PCLMUL : op >= IR_SHA1R && op <= IR_SHA2M2 ? FEATURE_SHA : 0;
}

static enum form form_of(const struct ir_insn *in)
{
    if (in->op == IR_VWIDENS || in->op == IR_VWIDENU)
        return UNARY;
    enum form f = vec_op[in->op].form;
    return f == UNARY1 && in->mod & IR_LOW ? BINARY : f;
}

/* --- operands --- */

/* bytes that the instruction reads of a memory operand; 0: it takes none */
static unsigned reads_bytes(const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VWIDENS: case IR_VWIDENU: return type_size(in->lane) ? 16 * type_size(in->mod % IR_N_TYPES) / type_size(in->lane) : 0;
    case IR_VCVTIF:  return in->lane == IR_F64 ? 8 : 16;
    case IR_VCVTFF:  return in->lane == IR_F64 ? (in->mod & IR_LOW ? 4 : 8) : in->mod & IR_LOW ? 8 : 16;
    case IR_VCVTFG: case IR_FCMPF: return type_size(in->lane);
    case IR_VINSPS:  return 0;                             /* its memory form means something else */
    case IR_SHA1R: case IR_SHA1E: case IR_SHA1M1: case IR_SHA1M2: case IR_SHA2R: case IR_SHA2M1: case IR_SHA2M2:
        return 0;                                          /* a load that must be aligned would be checked by some processors only */
    default:         return in->mod & IR_LOW && vec_op[in->op].op[LF32] ? type_size(in->lane) : 16;
    }
}

static unsigned source_arg(const struct ir_insn *in)
{
    if (in->op == IR_VCVTFG)
        return 0;
    if (in->op == IR_FCMPF || in->op == IR_VTESTF || in->op == IR_VBLENDV || in->op == IR_SHA2R)
        return 1;
    switch (form_of(in)) {
    case UNARY: return 0;
    case BINARY: case UNARY1: return 1;
    default: return 4;
    }
}

bool vec_folds(const struct ir_insn *user, unsigned arg, const struct ir_insn *load)
{
    if (load->op == IR_LOAD && load->type != IR_V128) {    /* integers that go into vectors */
        if (user->op == IR_VMOVI)
            return type_size(load->type) >= 4;
        return arg == 1 && (user->op == IR_VINS || (user->op == IR_VCVTGF && type_size(load->type) >= 4));
    }
    if (arg != source_arg(user) || (user->arg[0] == user->arg[1]))
        return false;
    if (load->op == IR_VLOADL)
        return type_size(load->lane) >= 4 && reads_bytes(user) == type_size(load->lane);
    return load->aux & IR_MEM_ALIGNED && reads_bytes(user) == 16;
}

static unsigned low_load_op(unsigned lane)
{
    switch (lane) {
    case IR_F32: return OP_0F(0x10) | P_F3;
    case IR_F64: return OP_0F(0x10) | P_F2;
    case IR_I32: return A(0x6e);
    default:     return OP_0F(0x7e) | P_F3;
    }
}

/* a waiting load: LOAD v128, or VLOADL of 4 or 8 bytes */
static void load_xmm(struct emitter *e, const struct ir_insn *in, unsigned x)
{
    uint32_t pins = e->pins;
    struct asm_mem m = address(e, in->arg[0]);
    unsigned op = in->op == IR_VLOADL ? low_load_op(in->lane) : in->aux & IR_MEM_ALIGNED ? MOVAPS : MOVUPS;
    asm_rm(&e->a, op, 4, x, m, 0);
    e->pins = pins;
}

static void into_xmm(struct emitter *e, ir_ref r, unsigned x)
{
    const struct value *v = &e->v[r];
    if (v->where == IN_XMM) {
        if (v->reg != XMM + x)
            asm_rr(&e->a, MOVAPS, 4, x, v->reg - XMM);
    } else if (v->where == IN_STATE)
        asm_rm(&e->a, v->home % 16 ? MOVUPS : MOVAPS, 4, x, at_state(v->home), 0);
    else if (v->where == LATER)
        load_xmm(e, insn(e, r), x);
    else
        fail(e, "vector is nowhere");
}

unsigned xmm_of(struct emitter *e, ir_ref r)
{
    struct value *v = &e->v[r];
    if (v->where == IN_XMM) {
        pin(e, v->reg);
        return v->reg - XMM;
    }
    unsigned x = alloc_xmm(e);
    int32_t home = v->where == IN_STATE ? v->home : -1;
    into_xmm(e, r, x - XMM);
    settle(e, r, x, true);
    v->home = home;
    return x - XMM;
}

static struct opnd xmm_operand(struct emitter *e, ir_ref r)
{
    const struct value *v = &e->v[r];
    if (v->where == IN_STATE && v->home % 16 == 0)
        return (struct opnd){ .kind = OP_MEM, .m = at_state(v->home) };
    if (v->where == LATER)
        return (struct opnd){ .kind = OP_MEM, .faults = true, .m = address(e, insn(e, r)->arg[0]) };
    return (struct opnd){ .kind = OP_REG, .reg = (uint8_t)xmm_of(e, r) };
}

unsigned dst_xmm(struct emitter *e)
{
    const struct value *v = &e->v[e->i];
    if (v->hint != NO_REG && v->hint >= XMM) {
        evict(e, v->hint, IR_NONE);
        return v->hint - XMM;
    }
    return alloc_xmm(e) - XMM;
}

void result_xmm(struct emitter *e, unsigned x) { settle(e, (ir_ref)e->i, XMM + x, true); }

static bool dies_in_scratch(const struct emitter *e, ir_ref r)
{
    const struct value *v = &e->v[r];
    if (v->where != IN_XMM || v->reg < XMM + 14)
        return false;
    for (uint16_t k = e->head[v->reg]; k != NO_INSN; k = e->v[k].next)
        if (live(e, k))
            return false;
    return true;
}

/* dst = arg a; nothing may be written when b, or the operation, faults (X1) */
static unsigned two_address_xmm(struct emitter *e, ir_ref a, const struct opnd *b, bool faults)
{
    struct value *v = &e->v[e->i];
    unsigned at = e->v[a].where == IN_XMM ? e->v[a].reg : NO_REG, hint = v->hint;
    bool b_in_hint = b && b->kind == OP_REG && b->reg + (unsigned)XMM == hint;
    if (hint != NO_REG && hint >= XMM && (at == hint || (!b_in_hint && !faults && !(b && b->faults)))) {
        evict(e, hint, IR_NONE);
        if (at != hint)
            into_xmm(e, a, hint - XMM);
        return hint - XMM;
    }
    v->hint = NO_REG;
    if (dies_in_scratch(e, a)) {
        pin(e, at);
        return at - XMM;
    }
    unsigned x = alloc_xmm(e) - XMM;
    into_xmm(e, a, x);
    return x;
}

/* --- the table's forms --- */

static void put_op(struct emitter *e, unsigned op, unsigned size, unsigned x, const struct opnd *b, bool aux, unsigned imm)
{
    if (b->kind == OP_MEM)
        asm_rm(&e->a, op, size, x, b->m, aux);
    else
        asm_rr(&e->a, op, size, x, b->reg);
    if (aux)
        asm_u8(&e->a, imm);
}

static bool at_hint(const struct emitter *e, ir_ref r)
{
    return e->v[r].where == IN_XMM && e->v[r].reg == e->v[e->i].hint;
}

static void binary(struct emitter *e, const struct ir_insn *in, unsigned op, bool aux)
{
    unsigned props = ir_op_info[in->op].props;
    ir_ref a = in->arg[0], b = in->arg[1];
    bool swap = (props & IR_P_C) && (at_hint(e, b) || (e->v[b].where == IN_XMM && e->v[a].where != IN_XMM && !at_hint(e, a)) ||
                                     (dies_in_scratch(e, b) && !at_hint(e, a) && !dies_in_scratch(e, a)));
    struct opnd o = reads_bytes(in) ? xmm_operand(e, swap ? a : b) : (struct opnd){ .kind = OP_REG, .reg = (uint8_t)xmm_of(e, b) };
    unsigned x = two_address_xmm(e, swap ? b : a, &o, props & IR_P_FP);
    put_op(e, op, 4, x, &o, aux, in->aux);
    result_xmm(e, x);
}

static void unary(struct emitter *e, const struct ir_insn *in, ir_ref a, unsigned op, bool aux)
{
    struct opnd o = xmm_operand(e, a);
    unsigned x = dst_xmm(e);
    put_op(e, op, 4, x, &o, aux, in->aux);
    result_xmm(e, x);
}

static void shift_imm(struct emitter *e, const struct ir_insn *in, unsigned op)
{
    unsigned x = two_address_xmm(e, in->arg[0], NULL, false);
    asm_rr(&e->a, op, 4, vec_op[in->op].digit, x);
    asm_u8(&e->a, in->aux);
    result_xmm(e, x);
}

static bool by_table(struct emitter *e, const struct ir_insn *in)
{
    enum form form = form_of(in);
    unsigned op = form == NONE ? 0 : opcode_of(in);
    bool aux = vec_op[in->op].flags & WITH_AUX;
    if (!op || in->type != IR_V128)
        return false;
    switch (form) {
    case BINARY: binary(e, in, op, aux); break;
    case UNARY:  unary(e, in, in->arg[0], op, aux); break;
    case UNARY1: unary(e, in, in->arg[1], op, aux); break;
    default:     shift_imm(e, in, op);
    }
    return true;
}

/* --- the others --- */

static void constant(struct emitter *e, unsigned op)
{
    unsigned x = dst_xmm(e);
    asm_rr(&e->a, op, 4, x, x);
    result_xmm(e, x);
}

static void move_in(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(insn(e, in->arg[0])->type);
    struct opnd o = operand(e, in->arg[0], size, size >= 4 ? OK_MEM : 0);
    if (size < 4) {
        unsigned r = alloc_gpr(e);
        asm_movzx_rr(&e->a, size, r, o.reg);
        o.reg = (uint8_t)r;
    }
    unsigned x = dst_xmm(e);
    put_op(e, A(0x6e), size == 8 ? 8 : 4, x, &o, false, 0);
    result_xmm(e, x);
}

static void extract(struct emitter *e, const struct ir_insn *in)
{
    unsigned x = xmm_of(e, in->arg[0]), lane = lane_of[in->lane], dst = dst_gpr(e);
    bool wide = lane == L64 || lane == LF64;
    if (lane == L16) {
        asm_rr(&e->a, A(0xc5), 4, dst, x);
        asm_u8(&e->a, in->aux & 7);
    } else if (in->aux == 0 && lane != L8) {
        asm_rr(&e->a, A(0x7e), wide ? 8 : 4, x, dst);
    } else {
        asm_rr(&e->a, lane == L8 ? B3A(0x14) : B3A(0x16), wide ? 8 : 4, x, dst);
        asm_u8(&e->a, in->aux);
    }
    settle(e, (ir_ref)e->i, dst, true);
}

static void insert(struct emitter *e, const struct ir_insn *in)
{
    static const uint32_t op[N_LANES] = { B3A(0x20), A(0xc4), B3A(0x22), B3A(0x22), B3A(0x22), B3A(0x22) };
    unsigned lane = lane_of[in->lane];
    bool wide = lane == L64 || lane == LF64;
    unsigned from = type_size(insn(e, in->arg[1])->type);
    struct opnd o = operand(e, in->arg[1], from, from == type_size(in->lane) ? OK_MEM : 0);
    unsigned x = two_address_xmm(e, in->arg[0], o.kind == OP_MEM ? &o : NULL, false);
    if (wide && o.kind == OP_MEM)
        put_op(e, OP_0F(in->aux & 1 ? 0x16 : 0x12), 4, x, &o, false, 0);          /* movhps, movlps */
    else
        put_op(e, op[lane], wide ? 8 : 4, x, &o, true, in->aux);
    result_xmm(e, x);
}

static void merge(struct emitter *e, const struct ir_insn *in)
{
    struct opnd b = { .kind = OP_REG, .reg = (uint8_t)xmm_of(e, in->arg[1]) };
    unsigned x = two_address_xmm(e, in->arg[0], &b, false), lane = lane_of[in->lane];
    if (lane == L16)
        put_op(e, B3A(0x0e), 4, x, &b, true, 1);
    else if (lane == L8)
        fail(e, "vmerge i8");
    else
        put_op(e, OP_0F(0x10) | (lane == L64 || lane == LF64 ? P_F2 : P_F3), 4, x, &b, false, 0);
    result_xmm(e, x);
}

static void mask(struct emitter *e, const struct ir_insn *in)
{
    unsigned x = xmm_of(e, in->arg[0]), lane = lane_of[in->lane], dst = dst_gpr(e);
    asm_rr(&e->a, lane == L8 ? A(0xd7) : lane == L64 || lane == LF64 ? A(0x50) : OP_0F(0x50), 4, dst, x);
    settle(e, (ir_ref)e->i, dst, true);
}

/* The mask is always in xmm0. When it is not there already, the guest's xmm0 waits in its slot. */
static void by_xmm0(struct emitter *e, const struct ir_insn *in, unsigned op)
{
    struct value *v = &e->v[e->i];
    bool there = e->v[in->arg[2]].where == IN_XMM && e->v[in->arg[2]].reg == XMM;
    int32_t saved = spill_at(e, SPILL_ARGS);
    if (v->hint == XMM)
        v->hint = NO_REG;
    if (there && e->v[in->arg[0]].where == IN_XMM && e->v[in->arg[0]].reg == v->hint) {
        struct opnd o = xmm_operand(e, in->arg[1]);
        unsigned x = two_address_xmm(e, in->arg[0], &o, false);
        put_op(e, op, 4, x, &o, false, 0);
        result_xmm(e, x);
        return;
    }
    v->hint = NO_REG;
    int32_t at_b = alloc_spill(e, e->i), at_mask = alloc_spill(e, e->i);         /* the operands by way of memory: rare */
    uint32_t pins = e->pins;
    asm_rm(&e->a, MOVAPS_STORE, 4, xmm_of(e, in->arg[1]), at_state(at_b), 0);
    e->pins = pins;
    asm_rm(&e->a, MOVAPS_STORE, 4, xmm_of(e, in->arg[2]), at_state(at_mask), 0);
    e->pins = pins;
    unsigned x = alloc_xmm(e) - XMM;
    into_xmm(e, in->arg[0], x);
    asm_rm(&e->a, MOVAPS_STORE, 4, 0, at_state(saved), 0);
    asm_rm(&e->a, MOVAPS, 4, 0, at_state(at_mask), 0);
    asm_rm(&e->a, op, 4, x, at_state(at_b), 0);
    asm_rm(&e->a, MOVAPS, 4, 0, at_state(saved), 0);
    result_xmm(e, x);
}

static void blend(struct emitter *e, const struct ir_insn *in)
{
    unsigned lane = lane_of[in->lane];
    by_xmm0(e, in, lane == L8 ? B38(0x10) : lane == L64 || lane == LF64 ? B38(0x15) : B38(0x14));
}

static unsigned scalar_prefix(unsigned lane) { return lane == IR_F32 ? P_F3 : P_F2; }

static void from_integer(struct emitter *e, const struct ir_insn *in)
{
    unsigned size = type_size(insn(e, in->arg[1])->type);
    struct opnd o = operand(e, in->arg[1], size, OK_MEM);
    unsigned x = two_address_xmm(e, in->arg[0], o.kind == OP_MEM ? &o : NULL, true);
    put_op(e, OP_0F(0x2a) | scalar_prefix(in->lane), size, x, &o, false, 0);
    result_xmm(e, x);
}

static void to_integer(struct emitter *e, const struct ir_insn *in)
{
    struct opnd o = xmm_operand(e, in->arg[0]);
    unsigned dst = dst_gpr(e);
    put_op(e, OP_0F(in->mod & 1 ? 0x2c : 0x2d) | scalar_prefix(in->lane), type_size(in->type), dst, &o, false, 0);
    settle(e, (ir_ref)e->i, dst, true);
}

/* FCMPF, VTESTF: the value is arg0 itself */
static void compare(struct emitter *e, const struct ir_insn *in, unsigned op)
{
    unsigned a = xmm_of(e, in->arg[0]);
    struct opnd o = xmm_operand(e, in->arg[1]);
    clobber(e);
    put_op(e, op, 4, a, &o, false, 0);
    own(e);
    if (e->v[e->i].uses)
        share(e, (ir_ref)e->i, XMM + a, true, 0);
}

bool emit_vec(struct emitter *e, const struct ir_insn *in)
{
    if ((e->env->features & extension_of(in->op)) != extension_of(in->op))
        return false;
    switch (in->op) {
    case IR_VZERO:  constant(e, OP_0F(0x57)); break;
    case IR_VONES:  constant(e, A(0x76)); break;
    case IR_VMOVI:  move_in(e, in); break;
    case IR_VEXTR:  extract(e, in); break;
    case IR_VINS:   insert(e, in); break;
    case IR_VMERGE: merge(e, in); break;
    case IR_VMASK:  mask(e, in); break;
    case IR_VBLENDV: blend(e, in); break;
    case IR_SHA2R: by_xmm0(e, in, OP_0F38(0xcb)); break;
    case IR_VCVTGF: from_integer(e, in); break;
    case IR_VCVTFG: to_integer(e, in); break;
    case IR_FCMPF:  compare(e, in, OP_0F(in->mod & IR_SIGNAL ? 0x2f : 0x2e) | (in->lane == IR_F64 ? P_66 : 0)); break;
    case IR_VTESTF: compare(e, in, B38(0x17)); break;
    default: return by_table(e, in);
    }
    return true;
}

void emit_select_vector(struct emitter *e, const struct ir_insn *in)
{
    enum cc cc = flags_for(e, in->arg[0]);
    struct opnd yes = xmm_operand(e, in->arg[1]);
    unsigned x = two_address_xmm(e, in->arg[2], &yes, false);
    uint8_t *skip = asm_jcc_short(&e->a, cc ^ 1);
    put_op(e, MOVAPS, 4, x, &yes, false, 0);
    asm_here_short(&e->a, skip);
    result_xmm(e, x);
}
