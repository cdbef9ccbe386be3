/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_vec.c: vectors of integers and bits. A register holds the 16 bytes as one number, so the guest's element 0 is the rightmost: what the
 * manual calls the last element. Bytes are numbered from the right here. What is rare is left to the interpreter.
 */
#include "host/ppc64le/emit_vec.h"

/* element by element: 0: not here */
static const uint32_t *element_ops(enum ir_op op)
{
    static const uint32_t add[4] = { V_ADDUBM, V_ADDUHM, V_ADDUWM, V_ADDUDM }, sub[4] = { V_SUBUBM, V_SUBUHM, V_SUBUWM, V_SUBUDM };
    static const uint32_t adds[4] = { V_ADDSBS, V_ADDSHS }, addu[4] = { V_ADDUBS, V_ADDUHS }, subs[4] = { V_SUBSBS, V_SUBSHS }, subu[4] = { V_SUBUBS, V_SUBUHS };
    static const uint32_t avg[4] = { V_AVGUB, V_AVGUH }, mins[4] = { V_MINSB, V_MINSH, V_MINSW }, minu[4] = { V_MINUB, V_MINUH, V_MINUW };
    static const uint32_t maxs[4] = { V_MAXSB, V_MAXSH, V_MAXSW }, maxu[4] = { V_MAXUB, V_MAXUH, V_MAXUW };
    static const uint32_t eq[4] = { V_CMPEQUB, V_CMPEQUH, V_CMPEQUW, V_CMPEQUD }, gt[4] = { V_CMPGTSB, V_CMPGTSH, V_CMPGTSW, V_CMPGTSD };
    static const uint32_t mul[4] = { 0, 0, V_MULUWM }, muludq[4] = { V_MULOUW, V_MULOUW, V_MULOUW, V_MULOUW }, mulsdq[4] = { V_MULOSW, V_MULOSW, V_MULOSW, V_MULOSW };
    switch (op) {
    case IR_VADD: return add;
    case IR_VSUB: return sub;
    case IR_VADDSS: return adds;
    case IR_VADDUS: return addu;
    case IR_VSUBSS: return subs;
    case IR_VSUBUS: return subu;
    case IR_VAVG: return avg;
    case IR_VMINS: return mins;
    case IR_VMINU: return minu;
    case IR_VMAXS: return maxs;
    case IR_VMAXU: return maxu;
    case IR_VCMPEQ: return eq;
    case IR_VCMPGT: return gt;
    case IR_VMUL: return mul;
    case IR_VMULUDQ: return muludq;
    case IR_VMULSDQ: return mulsdq;
    default: return NULL;
    }
}

/* --- constants stand behind the block; the instructions here are completed there --- */

void load_literal(struct emitter *e, unsigned v, const uint8_t bytes[16])
{
    if (e->n_literals == MAX_LITERALS) {
        e->error = -1;
        return;
    }
    struct literal *l = &e->literals[e->n_literals++];
    l->at = e->a.p;
    memcpy(l->bytes, bytes, 16);
    asm_d(&e->a, P_ADDIS, R12, REG_BASE, 0);
    if (feature(e, FEATURE_3_0)) {
        asm_lxv(&e->a, false, v, R12, 0);
        return;
    }
    asm_d(&e->a, P_ADDI, R12, R12, 0);
    asm_x(&e->a, P_LVX, v, 0, R12);
}

/* BASE is a multiple of 16, too */
static void complete(struct literal *l, int64_t d)
{
    uint32_t second;
    memcpy(&second, l->at + 4, 4);
    struct asm_buf at = { l->at, l->at, l->at + 8, 0 };
    asm_d(&at, P_ADDIS, R12, REG_BASE, (int32_t)((d + 0x8000) >> 16));
    asm_u32(&at, second | ((uint32_t)d & 0xffff));
}

void emit_literals(struct emitter *e)
{
    for (unsigned k = 0; k < e->n_literals && !e->error; k++) {
        while (asm_here(&e->a) & 15)
            asm_u32(&e->a, 0);
        if ((size_t)(e->a.end - e->a.p) < ASM_MARGIN) {
            e->error = -1;
            return;
        }
        complete(&e->literals[k], (int64_t)(asm_here(&e->a) - e->env->stubs.others[STUB_BASE]));
        memcpy(e->a.p, e->literals[k].bytes, 16);
        e->a.p += 16;
    }
}

void permute_into(struct emitter *e, unsigned dst, unsigned a, unsigned b, const uint8_t from[16])
{
    uint8_t control[16];
    for (unsigned j = 0; j < 16; j++)
        control[j] = (uint8_t)(31 - from[j]);
    unsigned c = alloc_vec(e);
    load_literal(e, c, control);
    asm_v4(&e->a, V_PERM, dst, a, b, c);
}

void permute(struct emitter *e, unsigned a, unsigned b, const uint8_t from[16])
{
    unsigned dst = dst_vec(e);
    permute_into(e, dst, a, b, from);
    result_vec(e, dst);
}

void permute_elements(struct emitter *e, unsigned a, unsigned b, unsigned size, const uint8_t *element)   /* 16 / size and above: a's */
{
    uint8_t from[16];
    for (unsigned j = 0; j < 16; j++)
        from[j] = (uint8_t)(element[j / size] * size + j % size);
    permute(e, a, b, from);
}

/* --- shuffles --- */

static bool emit_shuffle(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), imm = in->aux, dst;
    uint8_t element[8];
    if (in->lane == IR_I16) {
        for (unsigned k = 0; k < 8; k++)
            element[k] = (uint8_t)(k / 4 == (in->mod ? 1u : 0u) ? (k & 4) + (imm >> 2 * (k & 3) & 3) : k);
        permute_elements(e, a, a, 2, element);
        return true;
    }
    switch (imm) {
    case 0x00: case 0x55: case 0xaa: case 0xff:
        dst = dst_vec(e);
        asm_v(&e->a, V_SPLTW, dst, 3 - (imm & 3), a);
        break;
    case 0x4e: case 0x44: case 0xee:
        dst = dst_vec(e);
        asm_xxpermdi(&e->a, dst, a, a, imm == 0x4e ? 2 : imm == 0x44 ? 3 : 0);
        break;
    default:
        for (unsigned k = 0; k < 4; k++)
            element[k] = (uint8_t)(imm >> 2 * k & 3);
        permute_elements(e, a, a, 4, element);
        return true;
    }
    result_vec(e, dst);
    return true;
}

static void emit_shuffle_two(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), imm = in->aux;
    if (lane_index(in->lane) == LANE64) {
        unsigned dst = dst_vec(e);
        asm_xxpermdi(&e->a, dst, b, a, (imm & 2 ? 0 : 2) | (imm & 1 ? 0 : 1));
        result_vec(e, dst);
        return;
    }
    uint8_t element[4];
    for (unsigned k = 0; k < 4; k++)
        element[k] = (uint8_t)((imm >> 2 * k & 3) + (k < 2 ? 4 : 0));
    permute_elements(e, a, b, 4, element);
}

static void emit_blend_imm(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), size = type_size(in->lane), n = 16 / size;
    uint8_t element[8];
    for (unsigned k = 0; k < n; k++)
        element[k] = (uint8_t)(in->aux >> k & 1 ? k : k + n);
    permute_elements(e, a, b, size, element);
}

/* VZIPL of a VLOADL's eight bytes with themselves, which nobody else uses: the load does it */
bool is_splat(const struct emitter *e, const struct ir_insn *in)
{
    return in->op == IR_VZIPL && type_size(in->lane) == 8 && in->arg[0] == in->arg[1] && e->v[in->arg[0]].uses == 2 && insn(e, in->arg[0])->op == IR_VLOADL
        && type_size(insn(e, in->arg[0])->lane) == 8 && !(insn(e, in->arg[0])->aux & IR_MEM_ALIGNED);
}

static void emit_zip(struct emitter *e, const struct ir_insn *in)
{
    static const uint32_t low[3] = { V_MRGLB, V_MRGLH, V_MRGLW }, high[3] = { V_MRGHB, V_MRGHH, V_MRGHW };
    unsigned k = lane_index(in->lane), dst;
    if (is_splat(e, in)) {
        unsigned v = vec_of(e, in->arg[0]);
        if (e->v[e->i].hint == NO_REG || e->v[e->i].hint == VEC + v) {
            settle(e, e->i, VEC + v, 0);
            return;
        }
        dst = dst_vec(e);
        asm_vmr(&e->a, dst, v);
        result_vec(e, dst);
        return;
    }
    if (k == LANE64 && in->op == IR_VZIPL && in->arg[0] == in->arg[1] && has_left(e, in->arg[0], IR_F64)) {
        unsigned t = vec_of(e, 2 * e->n + in->arg[0]);
        dst = dst_vec(e);
        asm_xxpermdi(&e->a, dst, t, t, 0);
        result_vec(e, dst);
        return;
    }
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]);
    dst = dst_vec(e);
    if (k == LANE64)
        asm_xxpermdi(&e->a, dst, b, a, in->op == IR_VZIPL ? 3 : 0);
    else
        asm_v(&e->a, in->op == IR_VZIPL ? low[k] : high[k], dst, b, a);
    result_vec(e, dst);
}

static void emit_pack(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), dst = dst_vec(e);
    bool words = in->lane == IR_I32;
    asm_v(&e->a, in->op == IR_VPACKS ? (words ? V_PKSWSS : V_PKSHSS) : words ? V_PKSWUS : V_PKSHUS, dst, b, a);
    result_vec(e, dst);
}

/* bytes n..n+15 of high:low */
static void funnel(struct emitter *e, unsigned high, unsigned low, unsigned n)
{
    unsigned dst = dst_vec(e);
    if (n)
        asm_v4(&e->a, V_SLDOI, dst, high, low, 16 - n);
    else
        asm_vmr(&e->a, dst, low);
    result_vec(e, dst);
}

static void emit_byte_shift(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), n = in->aux > 16 ? 16 : in->aux, z = alloc_vec(e);
    zero(e, z);
    if (in->op == IR_VBSHR)
        n == 16 ? funnel(e, z, z, 0) : funnel(e, z, a, n);
    else
        n == 0 ? funnel(e, a, a, 0) : n == 16 ? funnel(e, z, z, 0) : funnel(e, a, z, 16 - n);
}

static void emit_align(struct emitter *e, const struct ir_insn *in)
{
    unsigned high = vec_of(e, in->arg[0]), low = vec_of(e, in->arg[1]), n = in->aux;
    if (n < 16) {
        funnel(e, high, low, n);
        return;
    }
    unsigned z = alloc_vec(e);
    zero(e, z);
    n >= 32 ? funnel(e, z, z, 0) : funnel(e, z, high, n - 16);
}

static void emit_permute_bytes(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), c = vec_of(e, in->arg[1]), t = alloc_vec(e), m = alloc_vec(e), dst = dst_vec(e);
    splat_imm(e, V_SPLTISB, m, 7);
    asm_v(&e->a, V_SRAB, m, c, m);
    if (feature(e, FEATURE_3_0)) {
        asm_v4(&e->a, V_PERMR, t, a, a, c);
    } else {
        asm_vs(&e->a, X_LNOR, t, c, c);
        asm_v4(&e->a, V_PERM, t, a, a, t);
    }
    asm_vs(&e->a, X_LANDC, dst, t, m);
    result_vec(e, dst);
}

/* --- shifts by a constant --- */

static bool emit_shift_imm(struct emitter *e, const struct ir_insn *in)
{
    static const uint32_t left[4] = { 0, V_SLH, V_SLW, V_SLD }, right[4] = { 0, V_SRH, V_SRW, V_SRD }, sign[4] = { 0, V_SRAH, V_SRAW, V_SRAD };
    unsigned k = lane_index(in->lane), bits = 8u << k, n = in->aux;
    const uint32_t *ops = in->op == IR_VSHLI ? left : in->op == IR_VSHRI ? right : sign;
    if (k == LANE64 && n > 15 && n < 48 && !feature(e, FEATURE_3_0))
        return false;
    unsigned a = vec_of(e, in->arg[0]), t = alloc_vec(e), dst = dst_vec(e);
    if (n >= bits && in->op != IR_VSARI) {
        zero(e, dst);
        result_vec(e, dst);
        return true;
    }
    if (n >= bits)
        n = bits - 1;
    if (feature(e, FEATURE_3_0))
        asm_u32(&e->a, OPX(60, 360) | t << 21 | n << 11 | 1);          /* xxspltib */
    else
        splat_imm(e, k == LANE16 ? V_SPLTISH : V_SPLTISW, t, n < 16 ? (int)n : (int)n - (k == LANE64 ? 64 : 32));
    asm_v(&e->a, ops[k], dst, a, t);
    result_vec(e, dst);
    return true;
}

/* --- to and from general registers --- */

static void emit_extract(struct emitter *e, const struct ir_insn *in)
{
    unsigned v = vec_of(e, in->arg[0]), size = type_size(in->lane), at = (in->aux & (16 / size - 1)) * size, dst;
    unsigned bits = 8 * (size < type_size(in->type) ? size : type_size(in->type)), shift = 8 * (at & 7);
    if (at < 8) {
        unsigned t = alloc_gpr(e);
        gpr_from_vec(e, t, v);
        dst = dst_gpr(e);
        if (shift || bits < 64)
            asm_rldicl(&e->a, dst, t, (64 - shift) & 63, 64 - bits);
        else
            asm_mr(&e->a, dst, t);
    } else {
        dst = dst_gpr(e);
        asm_mvsr(&e->a, P_MFVSRD, v, dst);
        if (shift || bits < 64)
            asm_rldicl(&e->a, dst, dst, (64 - shift) & 63, 64 - bits);
    }
    result(e, dst, ZX);
}

/* bytes from `at` on := r's. vins* number them from the left */
static void insert_bytes(struct emitter *e, unsigned a, unsigned k, unsigned at, unsigned r)
{
    static const uint32_t insert[3] = { V_INSERTB, V_INSERTH, V_INSERTW };
    bool direct = k == LANE32 && feature(e, FEATURE_3_1);
    unsigned t = direct ? NO_REG : alloc_vec(e), from_left = 16 - at - (1u << k);
    if (!direct)
        asm_mvsr(&e->a, P_MTVSRD, t, r);
    unsigned dst = dst_vec(e);
    asm_vmr(&e->a, dst, a);
    asm_v(&e->a, direct ? V_INSW : insert[k], dst, from_left, direct ? r : t);
    result_vec(e, dst);
}

static bool emit_insert(struct emitter *e, const struct ir_insn *in)
{
    unsigned k = lane_index(in->lane), n = in->aux & (16 / type_size(in->lane) - 1);
    if (!is_gpr_type(insn(e, in->arg[1])->type))
        return false;
    unsigned a = vec_of(e, in->arg[0]), r = gpr_of(e, in->arg[1]), t, dst;
    if (k < LANE64 && feature(e, FEATURE_3_0)) {
        insert_bytes(e, a, k, n << k, r);
        return true;
    }
    t = alloc_vec(e);
    asm_mvsr(&e->a, P_MTVSRD, t, r);                                    /* bytes 8..15 */
    if (k == LANE64) {
        dst = dst_vec(e);
        n ? asm_xxpermdi(&e->a, dst, t, a, 1) : asm_xxpermdi(&e->a, dst, a, t, 0);
        result_vec(e, dst);
        return true;
    }
    unsigned size = 1u << k;
    uint8_t from[16];
    for (unsigned j = 0; j < 16; j++)
        from[j] = (uint8_t)(j / size == n ? 8 + j % size : 16 + j);
    permute(e, a, t, from);
    return true;
}

static void emit_mask(struct emitter *e, const struct ir_insn *in)
{
    unsigned v = vec_of(e, in->arg[0]), size = type_size(in->lane), t, dst;
    uint8_t control[16];
    if (feature(e, FEATURE_3_1)) {
        dst = dst_gpr(e);
        asm_v(&e->a, V_EXTRACTM, dst, 8 + lane_index(in->lane), v);
        result(e, dst, ZX | SX);
        return;
    }
    t = alloc_vec(e);
    for (unsigned j = 0; j < 16; j++)                                   /* bit j comes from the top of element j; bits are numbered from the left */
        control[j] = (uint8_t)(j < 16 / size ? 128 - 8 * size * (j + 1) : 128);
    load_literal(e, t, control);
    asm_v(&e->a, V_BPERMQ, t, v, t);
    dst = dst_gpr(e);
    asm_mvsr(&e->a, P_MFVSRD, t, dst);
    result(e, dst, ZX | SX);
}

static bool emit_from_gpr(struct emitter *e, const struct ir_insn *in)
{
    if (!is_gpr_type(insn(e, in->arg[0])->type))
        return false;
    unsigned r = gpr_ext(e, in->arg[0], ZX), dst = dst_vec(e);
    vec_from_gpr(e, dst, r);
    result_vec(e, dst);
    return true;
}

/* --- others --- */

static void emit_merge(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), k = lane_index(in->lane);
    if (k == LANE64) {
        unsigned dst = dst_vec(e);
        asm_xxpermdi(&e->a, dst, a, b, 1);
        result_vec(e, dst);
    } else if (k == LANE32) {
        unsigned t = alloc_vec(e), dst = dst_vec(e);
        asm_xxsldwi(&e->a, t, b, a, 3);
        asm_xxsldwi(&e->a, dst, t, t, 1);
        result_vec(e, dst);
    } else {
        uint8_t from[16];
        for (unsigned j = 0; j < 16; j++)
            from[j] = (uint8_t)(j < type_size(in->lane) ? j : 16 + j);
        permute(e, a, b, from);
    }
}

static void emit_blend(struct emitter *e, const struct ir_insn *in)
{
    static const uint32_t sign[4] = { V_SRAB, V_SRAH, V_SRAW, V_SRAD };
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), m = vec_of(e, in->arg[2]), t = alloc_vec(e), dst = dst_vec(e);
    splat_imm(e, V_SPLTISB, t, -1);
    asm_v(&e->a, sign[lane_index(in->lane)], t, m, t);
    asm_xxsel(&e->a, dst, a, b, t);
    result_vec(e, dst);
}

static void emit_widen(struct emitter *e, const struct ir_insn *in)
{
    static const uint32_t sign[3] = { V_UPKLSB, V_UPKLSH, V_UPKLSW }, merge[3] = { V_MRGLB, V_MRGLH, V_MRGLW };
    unsigned v = vec_of(e, in->arg[0]), z = alloc_vec(e), t = alloc_vec(e), to = lane_index(in->lane);
    if (in->op == IR_VWIDENU)
        zero(e, z);
    for (unsigned k = lane_index(in->mod); k < to; k++) {
        in->op == IR_VWIDENU ? asm_v(&e->a, merge[k], t, z, v) : asm_v(&e->a, sign[k], t, 0, v);
        v = t;
    }
    unsigned dst = dst_vec(e);
    asm_vmr(&e->a, dst, v);
    result_vec(e, dst);
}

static void emit_sums(struct emitter *e, const struct ir_insn *in)      /* VSAD, VMADD, VMUL of words, VABS */
{
    unsigned a = vec_of(e, in->arg[0]), b = in->arg[1] != IR_NONE ? vec_of(e, in->arg[1]) : a, t = alloc_vec(e), z = alloc_vec(e), dst = dst_vec(e), k = lane_index(in->lane);
    zero(e, z);
    switch (in->op) {
    case IR_VSAD:
        asm_v(&e->a, V_MAXUB, t, a, b);
        asm_v(&e->a, V_MINUB, dst, a, b);
        asm_v(&e->a, V_SUBUBM, t, t, dst);
        asm_v(&e->a, V_SUM4UBS, t, t, z);
        asm_v(&e->a, V_SUM2SWS, dst, t, z);
        break;
    case IR_VMADD: asm_v4(&e->a, V_MSUMSHM, dst, a, b, z); break;
    case IR_VMUL: asm_v4(&e->a, V_MLADDUHM, dst, a, b, z); break;
    default:
        asm_v(&e->a, k == LANE8 ? V_SUBUBM : k == LANE16 ? V_SUBUHM : V_SUBUWM, t, z, a);
        asm_v(&e->a, k == LANE8 ? V_MAXSB : k == LANE16 ? V_MAXSH : V_MAXSW, dst, a, t);
    }
    result_vec(e, dst);
}

static void emit_bitwise(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), dst = dst_vec(e);
    if (in->op == IR_VANDN)
        asm_vs(&e->a, X_LANDC, dst, b, a);
    else
        asm_vs(&e->a, in->op == IR_VAND ? X_LAND : in->op == IR_VOR ? X_LOR : X_LXOR, dst, a, b);
    result_vec(e, dst);
}

static void emit_select(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = vec_of(e, in->arg[1]), b = vec_of(e, in->arg[2]), dst = dst_vec(e), other = dst == a ? b : a;
    struct bit bit = cond_bit(e, in->arg[0]);
    if (dst != a)
        asm_vmr(&e->a, dst, b);
    uint8_t *skip = asm_bc_later(&e->a, (dst == a) == bit.sense ? BO_TRUE : BO_FALSE, bit.bit);
    asm_vmr(&e->a, dst, other);
    asm_patch(&e->a, skip);
    result_vec(e, dst);
}

static void flag_if_zero(struct emitter *e, unsigned w, unsigned v, unsigned to)     /* changes v */
{
    asm_mvsr(&e->a, P_MFVSRD, v, TEMP);
    if (feature(e, FEATURE_3_0)) {
        asm_mvsr(&e->a, P_MFVSRLD, v, TEMP2);
    } else {
        asm_xxpermdi(&e->a, v, v, v, 2);
        asm_mvsr(&e->a, P_MFVSRD, v, TEMP2);
    }
    asm_l(&e->a, P_OR, TEMP, TEMP, TEMP2);
    asm_l(&e->a, P_CNTLZD, TEMP, TEMP, 0);
    flag_insert(e, w, TEMP, 6, to);
}

/* VTESTF; the value is arg0 itself */
static void emit_test(struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]), mask = v->word_mask;
    if (v->views & VIEW_WORD) {
        unsigned t = alloc_vec(e), w = new_word(e);
        if (mask & IR_F_C && a == b) {
            asm_li(&e->a, P_ORI, w, w, IR_FLAG_C);
        } else if (mask & IR_F_C) {
            asm_vs(&e->a, X_LANDC, t, b, a);
            flag_if_zero(e, w, t, 8);
        }
        if (mask & IR_F_Z) {
            asm_vs(&e->a, X_LAND, t, a, b);
            flag_if_zero(e, w, t, 14);
        }
        port_word(e, in, w);
    }
    if (v->uses) {
        unsigned dst = dst_vec(e);
        asm_vmr(&e->a, dst, a);
        result_vec(e, dst);
    }
}

bool emit_vec(struct emitter *e, const struct ir_insn *in)
{
    unsigned dst;
    const uint32_t *ops = element_ops((enum ir_op)in->op);
    if (ops && ops[lane_index(in->lane)]) {
        unsigned a = vec_of(e, in->arg[0]), b = vec_of(e, in->arg[1]);
        dst = dst_vec(e);
        asm_v(&e->a, ops[lane_index(in->lane)], dst, a, b);
        result_vec(e, dst);
        return true;
    }
    switch (in->op) {
    case IR_VZERO: case IR_VONES:
        dst = dst_vec(e);
        in->op == IR_VZERO ? zero(e, dst) : splat_imm(e, V_SPLTISB, dst, -1);
        result_vec(e, dst);
        return true;
    case IR_VAND: case IR_VOR: case IR_VXOR: case IR_VANDN: emit_bitwise(e, in); return true;
    case IR_VTESTF: emit_test(e, in); return true;
    case IR_VSHUF: return emit_shuffle(e, in);
    case IR_VSHUF2: emit_shuffle_two(e, in); return true;
    case IR_VBLENDI: emit_blend_imm(e, in); return true;
    case IR_VZIPL: case IR_VZIPH: emit_zip(e, in); return true;
    case IR_VPACKS: case IR_VPACKU: emit_pack(e, in); return true;
    case IR_VBSHL: case IR_VBSHR: emit_byte_shift(e, in); return true;
    case IR_VALIGN: emit_align(e, in); return true;
    case IR_VPERMB: emit_permute_bytes(e, in); return true;
    case IR_VSHLI: case IR_VSHRI: case IR_VSARI: return emit_shift_imm(e, in);
    case IR_VEXTR: emit_extract(e, in); return true;
    case IR_VINS: return emit_insert(e, in);
    case IR_VMASK: emit_mask(e, in); return true;
    case IR_VMOVI: return emit_from_gpr(e, in);
    case IR_VMERGE: emit_merge(e, in); return true;
    case IR_VBLENDV: emit_blend(e, in); return true;
    case IR_VWIDENS: case IR_VWIDENU: emit_widen(e, in); return true;
    case IR_VSAD: case IR_VMADD: case IR_VABS: emit_sums(e, in); return true;
    case IR_VMUL:
        if (in->lane != IR_I16)
            return false;
        emit_sums(e, in);
        return true;
    case IR_SELECT:
        if (in->type != IR_V128)
            return false;
        emit_select(e, in);
        return true;
    default: return emit_lanes(e, in) || emit_crypto(e, in);
    }
}
