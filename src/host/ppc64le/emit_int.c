/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_int.c: integers without flags. Registers are 64 bits wide; what stands above a narrower type is remembered by `ext`.
 */
#include "host/ppc64le/emit.h"

static unsigned const_ext(int64_t c) { return (c >= 0 ? ZX : 0) | SX; }

static unsigned ext_of(const struct emitter *e, ir_ref r)
{
    int64_t c;
    return is_const(e, r, &c) ? const_ext(c) : e->v[r].where == IN_GPR ? e->v[r].ext : 0;
}

static void emit_add(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    unsigned a = gpr_of(e, in->arg[0]);
    if (is_const(e, in->arg[1], &c) && fits32(c)) {
        unsigned dst = dst_gpr(e);
        add_imm(e, dst, a, in->op == IR_SUB ? -c : c);
        result(e, dst, 0);
        return;
    }
    unsigned b = gpr_of(e, in->arg[1]), dst = dst_gpr(e);
    if (in->op == IR_ADD)
        asm_x(&e->a, P_ADD, dst, a, b);
    else
        asm_x(&e->a, P_SUBF, dst, b, a);
    result(e, dst, 0);
}

/* c is a run of ones from bit 0: its length, or 0 */
static unsigned low_ones(uint64_t c) { return c && !(c & (c + 1)) ? 64u - (unsigned)__builtin_clzll(c) : 0; }

static bool logic_imm(struct emitter *e, unsigned op, unsigned dst, unsigned a, uint64_t c, unsigned bits)
{
    if (bits < 64)
        c &= (1ull << bits) - 1;
    if (op == IR_AND && c <= 0xffff && !low_ones(c))
        asm_li(&e->a, P_ANDI_, dst, a, (uint32_t)c);
    else if (op == IR_AND && low_ones(c))
        asm_clear(&e->a, dst, a, low_ones(c));
    else if (op == IR_AND && low_ones(~c) && bits == 64)
        asm_rldicr(&e->a, dst, a, 0, 63 - low_ones(~c));
    else if (op != IR_AND && c <= 0xffff)
        asm_li(&e->a, op == IR_OR ? P_ORI : P_XORI, dst, a, (uint32_t)c);
    else
        return false;
    return true;
}

static void emit_logic(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = gpr_of(e, in->arg[0]), xa = ext_of(e, in->arg[0]), xb = ext_of(e, in->arg[1]), ext, b;
    int64_t c;
    ext = in->op == IR_AND ? ((xa | xb) & ZX) | (xa & xb & SX) : xa & xb;
    if (is_const(e, in->arg[1], &c) && fits32(c)) {
        unsigned dst = dst_gpr(e);
        if (logic_imm(e, in->op, dst, a, (uint64_t)c, type_bits(in->type))) {
            result(e, dst, in->op == IR_AND && in->type < IR_I64 ? ZX : xa & ZX);
            return;
        }
        set_imm(&e->a, e->env, TEMP, c);
        asm_l(&e->a, in->op == IR_AND ? P_AND : in->op == IR_OR ? P_OR : P_XOR, dst, a, TEMP);
        result(e, dst, ext);
        return;
    }
    b = gpr_of(e, in->arg[1]);
    unsigned dst = dst_gpr(e);
    asm_l(&e->a, in->op == IR_AND ? P_AND : in->op == IR_OR ? P_OR : P_XOR, dst, a, b);
    result(e, dst, ext);
}

static void emit_mul(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    unsigned a = gpr_of(e, in->arg[0]);
    bool constant = is_const(e, in->arg[1], &c) && fits16(c);
    unsigned b = constant ? 0 : gpr_of(e, in->arg[1]), dst = dst_gpr(e);
    if (constant)
        asm_d(&e->a, P_MULLI, dst, a, (int32_t)c);
    else
        asm_x(&e->a, in->type == IR_I64 ? P_MULLD : P_MULLW, dst, a, b);
    result(e, dst, 0);
}

/* --- shifts and rotates --- */

static void shift_const(struct emitter *e, const struct ir_insn *in, unsigned n)
{
    unsigned bits = type_bits(in->type), op = in->op, ext = 0;
    n &= bits == 64 ? 63 : 31;
    unsigned a = op == IR_SAR ? (bits < 32 ? gpr_ext(e, in->arg[0], SX) : gpr_of(e, in->arg[0])) : gpr_of(e, in->arg[0]), dst = dst_gpr(e);
    switch (op) {
    case IR_SHL:
        if (bits == 32)
            asm_rlwinm(&e->a, dst, a, n, 0, 31 - n);
        else
            asm_sldi(&e->a, dst, a, n);
        ext = bits == 32 ? ZX : 0;
        break;
    case IR_SHR:
        if (n < bits)
            asm_rldicl(&e->a, dst, a, (64 - n) & 63, 64 - bits + n);
        else
            asm_d(&e->a, P_ADDI, dst, 0, 0);
        if (n < bits && n && bits < 64)               /* the mask above keeps bits - n bits, taken from bit n */
            ext = ZX | SX;
        else
            ext = ZX;
        break;
    default:
        if (bits == 32)
            asm_srawi(&e->a, dst, a, n);
        else
            asm_sradi(&e->a, dst, a, n);
        ext = SX;
    }
    result(e, dst, ext);
}

static void shift_variable(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type), op = in->op, count = gpr_of(e, in->arg[1]);
    unsigned a = bits >= 32 || op == IR_SHL ? gpr_of(e, in->arg[0]) : gpr_ext(e, in->arg[0], op == IR_SHR ? ZX : SX), dst = dst_gpr(e);
    bool word = bits == 32;
    asm_clear(&e->a, TEMP, count, bits == 64 ? 6 : 5);
    asm_l(&e->a, op == IR_SHL ? (word ? P_SLW : P_SLD) : op == IR_SHR ? (word ? P_SRW : P_SRD) : word ? P_SRAW : P_SRAD, dst, a, TEMP);
    result(e, dst, op == IR_SHL ? (word ? ZX : 0) : op == IR_SHR ? ZX : SX);
}

/* The bits above a type of 8 or 16 are anything. Uses TEMP and TEMP2. */
void rotate_gpr(struct emitter *e, unsigned bits, bool left, unsigned dst, unsigned a, unsigned count, unsigned n)
{
    if (bits < 32) {                               /* copies of the value fill 32 bits */
        asm_mr(&e->a, TEMP, a);
        if (bits == 8)
            asm_rlwimi(&e->a, TEMP, TEMP, 8, 16, 23);
        asm_rlwimi(&e->a, TEMP, TEMP, 16, 0, 15);
        a = TEMP;
    }
    if (count != NO_REG && !left) {
        asm_d(&e->a, P_SUBFIC, TEMP2, count, 64);
        count = TEMP2;
    }
    n = (left ? n : 0 - n) & (bits == 64 ? 63 : 31);
    if (bits == 64)
        count == NO_REG ? asm_rldicl(&e->a, dst, a, n, 0) : asm_rldcl(&e->a, dst, a, count);
    else
        count == NO_REG ? asm_rlwinm(&e->a, dst, a, n, 0, 31) : asm_rlwnm(&e->a, dst, a, count);
}

static void emit_rotate(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type), a = gpr_of(e, in->arg[0]);
    int64_t c = 0;
    unsigned count = is_const(e, in->arg[1], &c) ? NO_REG : gpr_of(e, in->arg[1]), dst = dst_gpr(e);
    rotate_gpr(e, bits, in->op == IR_ROL, dst, a, count, (unsigned)c);
    result(e, dst, bits == 32 ? ZX : 0);
}

/* --- bits --- */

static void emit_bswap(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type), a = gpr_of(e, in->arg[0]), dst = dst_gpr(e);
    if (feature(e, FEATURE_3_1)) {
        asm_l(&e->a, bits == 64 ? P_BRD : bits == 32 ? P_BRW : P_BRH, dst, a, 0);
    } else if (bits == 16) {
        asm_rlwinm(&e->a, TEMP, a, 8, 16, 23);
        asm_rlwimi(&e->a, TEMP, a, 24, 24, 31);
        asm_mr(&e->a, dst, TEMP);
    } else if (bits == 32) {
        asm_rlwinm(&e->a, TEMP, a, 24, 0, 31);
        asm_rlwimi(&e->a, TEMP, a, 8, 8, 15);
        asm_rlwimi(&e->a, TEMP, a, 8, 24, 31);
        asm_mr(&e->a, dst, TEMP);
    } else if (feature(e, FEATURE_3_0)) {
        unsigned v = alloc_vec(e);
        asm_mvsr(&e->a, P_MTVSRD, v, a);
        asm_xxbrd(&e->a, v, v);
        asm_mvsr(&e->a, P_MFVSRD, v, dst);
    } else {
        int32_t at = alloc_spill(e, e->i);
        asm_d(&e->a, P_ADDI, TEMP, 0, at);
        asm_d(&e->a, P_STD, a, REG_STATE, at);
        asm_x(&e->a, P_LDBRX, dst, REG_STATE, TEMP);
    }
    result(e, dst, feature(e, FEATURE_3_1) && bits < 64 ? 0 : bits < 64 ? ZX : 0);
}

static void emit_clz(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type), a = bits < 32 ? gpr_ext(e, in->arg[0], ZX) : gpr_of(e, in->arg[0]), dst = dst_gpr(e);
    asm_l(&e->a, bits == 64 ? P_CNTLZD : P_CNTLZW, dst, a, 0);
    if (bits < 32)
        asm_d(&e->a, P_ADDI, dst, dst, (int32_t)bits - 32);
    result(e, dst, ZX | SX);
}

static void emit_ctz(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type), a = gpr_of(e, in->arg[0]), dst = dst_gpr(e);
    if (feature(e, FEATURE_3_0) && bits >= 32) {
        asm_l(&e->a, bits == 64 ? P_CNTTZD : P_CNTTZW, dst, a, 0);
    } else {
        asm_d(&e->a, P_ADDI, TEMP, a, -1);
        asm_l(&e->a, P_ANDC, TEMP, TEMP, a);
        if (bits < 64)
            asm_clear(&e->a, TEMP, TEMP, bits);
        asm_l(&e->a, P_POPCNTD, dst, TEMP, 0);
    }
    result(e, dst, ZX | SX);
}

static void emit_unary(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = in->op == IR_POPCNT ? gpr_ext(e, in->arg[0], ZX) : gpr_of(e, in->arg[0]), ext = in->op == IR_NOT ? ext_of(e, in->arg[0]) & SX : 0, dst = dst_gpr(e);
    switch (in->op) {
    case IR_NOT: asm_l(&e->a, P_NOR, dst, a, a); break;
    case IR_NEG: asm_x(&e->a, P_NEG, dst, a, 0); break;
    default: asm_l(&e->a, P_POPCNTD, dst, a, 0); ext = ZX | SX;
    }
    result(e, dst, ext);
}

static void emit_lea(struct emitter *e, const struct ir_insn *in)
{
    unsigned base = in->arg[0] != IR_NONE ? gpr_of(e, in->arg[0]) : NO_REG, index = in->arg[1] != IR_NONE ? gpr_of(e, in->arg[1]) : NO_REG, dst = dst_gpr(e);
    int64_t c = in->imm;
    if (index != NO_REG) {
        unsigned shifted = index;
        if (in->aux) {
            bool last = base == NO_REG && !c;
            asm_sldi(&e->a, last ? dst : TEMP, index, in->aux);
            shifted = last ? dst : TEMP;
        }
        if (base != NO_REG) {
            unsigned to = c ? TEMP2 : dst;
            asm_x(&e->a, P_ADD, to, base, shifted);
            shifted = to;
        } else if (shifted == TEMP) {
            asm_mr(&e->a, TEMP2, TEMP);
            shifted = TEMP2;
        }
        base = shifted;
    }
    if (base == NO_REG)
        set_imm(&e->a, e->env, dst, c);
    else if (base == TEMP2 && !fits16(c)) {
        set_imm(&e->a, e->env, TEMP, c);
        asm_x(&e->a, P_ADD, dst, TEMP2, TEMP);
    } else
        add_imm(e, dst, base, c);
    result(e, dst, 0);
}

/* --- widths --- */

/* The result goes to the register of operand r, whose bits it keeps: r will be found there too, extended. So nothing need be moved away. */
static bool take_over(struct emitter *e, ir_ref r)
{
    struct value *v = &e->v[r];
    if (v->where != IN_GPR || v->reg != e->v[e->i].hint || v->add)
        return false;
    bool needed = live(e, r);
    unlink_value(e, r);
    v->where = NOWHERE;
    return needed;
}

static void emit_extend(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(insn(e, in->arg[0])->type);
    if (bits == 1) {
        if (e->v[in->arg[0]].where == LATER && in->op == IR_ZEXT) {
            uint64_t pins = e->pins;
            unsigned dst = dst_gpr(e);
            bool_of(e, in->arg[0], dst);
            e->pins = pins;
            result(e, dst, ZX | SX);
            return;
        }
        unsigned a = gpr_of(e, in->arg[0]), dst = dst_gpr(e);
        in->op == IR_ZEXT ? asm_mr(&e->a, dst, a) : asm_x(&e->a, P_NEG, dst, a, 0);
        result(e, dst, in->op == IR_ZEXT ? ZX | SX : SX);
        return;
    }
    unsigned want = in->op == IR_ZEXT ? ZX : SX, a = gpr_of(e, in->arg[0]);
    if (e->v[in->arg[0]].ext & want) {
        if (e->v[e->i].hint == NO_REG || e->v[e->i].hint == a) {
            settle(e, e->i, a, in->op == IR_ZEXT ? ZX | SX : SX);
            return;
        }
        unsigned dst = dst_gpr(e);
        asm_mr(&e->a, dst, a);
        result(e, dst, in->op == IR_ZEXT ? ZX | SX : SX);
        return;
    }
    bool same = take_over(e, in->arg[0]);
    unsigned dst = dst_gpr(e);
    if (want == ZX)
        asm_clear(&e->a, dst, a, bits);
    else
        asm_l(&e->a, bits == 8 ? P_EXTSB : bits == 16 ? P_EXTSH : P_EXTSW, dst, a, 0);
    result(e, dst, want == ZX ? ZX | SX : SX);
    if (same)
        settle(e, in->arg[0], dst, want);
}

static void emit_select(struct emitter *e, const struct ir_insn *in)
{
    unsigned ext = ext_of(e, in->arg[1]) & ext_of(e, in->arg[2]), a = gpr_of(e, in->arg[1]), b = gpr_of(e, in->arg[2]);
    struct bit bit = cond_bit(e, in->arg[0]);
    unsigned dst = dst_gpr(e);
    asm_isel(&e->a, dst, bit.sense ? a : b, bit.sense ? b : a, bit.bit);
    result(e, dst, ext);
}

/* --- division: what can't be done by one 64-bit division, errors included, is left to the interpreter --- */

static struct cold *to_interpreter(struct emitter *e, unsigned bo, unsigned bit, const unsigned *regs)
{
    struct cold *c = add_cold(e, COLD_ONE);
    c->from = asm_bc_later(&e->a, bo, bit);
    for (unsigned k = 0; k < 3; k++)
        c->arg_reg[k] = (uint8_t)regs[k];
    return c;
}

static void emit_div(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    bool is_signed = in->op == IR_DIVS;
    unsigned bits = type_bits(in->type), n, k, r[3];
    struct cold *cold[3];
    for (k = 0; k < 3; k++)
        r[k] = gpr_ext(e, in->arg[k], ZX);
    unsigned d = is_signed && bits < 64 ? gpr_ext(e, in->arg[2], SX) : r[2], q = alloc_gpr(e), rem = alloc_gpr(e);
    int64_t c;
    k = 0;
    if (bits == 64) {
        n = r[1];
        if (is_signed) {
            asm_sradi(&e->a, TEMP, n, 63);
            asm_cmp(&e->a, CR_TEMP, true, true, TEMP, r[0]);
        } else
            asm_cmpi(&e->a, CR_TEMP, true, true, r[0], 0);
        if (is_signed || !is_const(e, in->arg[0], &c) || c)
            cold[k++] = to_interpreter(e, BO_FALSE, 4 * CR_TEMP + CR_EQ, r);
    } else {
        n = rem;
        asm_mr(&e->a, n, r[1]);
        asm_rldimi(&e->a, n, r[0], bits, 0);
        if (bits < 32)
            asm_l(&e->a, bits == 8 ? P_EXTSH : P_EXTSW, n, n, 0);
        if (!is_signed) {
            if (bits < 32)
                asm_clear(&e->a, n, n, 2 * bits);
            asm_cmp(&e->a, CR_TEMP, false, false, r[0], d);
            cold[k++] = to_interpreter(e, BO_FALSE, 4 * CR_TEMP + CR_LT, r);
        }
    }
    if (is_signed || bits == 64) {                  /* 0; and -1, by which the lowest number can't be divided */
        asm_d(&e->a, P_ADDI, TEMP, d, is_signed ? 1 : 0);
        asm_cmpi(&e->a, CR_TEMP, true, false, TEMP, is_signed ? 1 : 0);
        cold[k++] = is_signed ? to_interpreter(e, BO_FALSE, 4 * CR_TEMP + CR_GT, r) : to_interpreter(e, BO_TRUE, 4 * CR_TEMP + CR_EQ, r);
    }
    asm_x(&e->a, is_signed ? P_DIVD : P_DIVDU, q, n, d);
    if (is_signed && bits < 64) {
        asm_l(&e->a, bits == 8 ? P_EXTSB : bits == 16 ? P_EXTSH : P_EXTSW, TEMP, q, 0);
        asm_cmp(&e->a, CR_TEMP, true, true, TEMP, q);
        cold[k++] = to_interpreter(e, BO_FALSE, 4 * CR_TEMP + CR_EQ, r);
    }
    if (v->second != NO_INSN) {
        asm_x(&e->a, P_MULLD, TEMP, q, d);
        asm_x(&e->a, P_SUBF, rem, TEMP, n);
        settle(e, v->second, rem, 0);
    }
    result(e, q, 0);
    while (k-- > 0) {
        cold[k]->back = asm_here(&e->a);
        cold[k]->result = (uint8_t)q;
        cold[k]->second = v->second != NO_INSN ? (uint8_t)rem : NO_REG;
    }
}

bool emit_int(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    if (!is_gpr_type(in->type))
        return false;
    switch (in->op) {
    case IR_ADD: case IR_SUB: emit_add(e, in); return true;
    case IR_AND: case IR_OR: case IR_XOR: emit_logic(e, in); return true;
    case IR_MUL: emit_mul(e, in); return true;
    case IR_NOT: case IR_NEG: case IR_POPCNT: emit_unary(e, in); return true;
    case IR_SHL: case IR_SHR: case IR_SAR:
        if (is_const(e, in->arg[1], &c))
            shift_const(e, in, (unsigned)c);
        else
            shift_variable(e, in);
        return true;
    case IR_ROL: case IR_ROR: emit_rotate(e, in); return true;
    case IR_BSWAP: emit_bswap(e, in); return true;
    case IR_CLZ: emit_clz(e, in); return true;
    case IR_CTZ: emit_ctz(e, in); return true;
    case IR_LEA: emit_lea(e, in); return true;
    case IR_ZEXT: case IR_SEXT: emit_extend(e, in); return true;
    case IR_TRUNC:
        if (!is_gpr_type(insn(e, in->arg[0])->type))
            return false;
        settle(e, e->i, gpr_of(e, in->arg[0]), 0);
        return true;
    case IR_SELECT: emit_select(e, in); return true;
    case IR_DIVU: case IR_DIVS: emit_div(e, in); return true;
    default: return emit_bits(e, in);
    }
}
