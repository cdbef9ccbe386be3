/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_int.c: integer operations without flags. Values narrower than 32 bits are computed in 32, their upper bits unspecified unless `clean`.
 */
#include "host/aarch64/emit_flags.h"

static bool wide(const struct ir_insn *in) { return in->type == IR_I64; }

static void emit_add_sub(struct emitter *e, const struct ir_insn *in, bool sub)
{
    bool x = wide(in);
    int64_t c;
    ir_ref ra = in->arg[0], rb = in->arg[1];
    if (!sub && is_const(e, ra, &c))
        ra = in->arg[1], rb = in->arg[0];
    bool imm = is_const(e, rb, &c);
    if (imm && !x)
        c = (int32_t)c;
    if (imm && asm_add_fits(c)) {
        unsigned n = gpr_of(e, ra), d = dst_gpr(e);
        asm_add_imm(&e->a, x, sub, false, d, n, c);
        result(e, d, type_bits(in->type) >= 32);
        return;
    }
    unsigned n = gpr_zr(e, ra), m = gpr_zr(e, rb), d = dst_gpr(e);
    asm_rrr(&e->a, x, sub ? A_SUB : A_ADD, d, n, m);
    result(e, d, type_bits(in->type) >= 32);
}

static void emit_bits(struct emitter *e, const struct ir_insn *in, uint32_t op)
{
    bool x = wide(in);
    int64_t c;
    uint32_t enc;
    ir_ref ra = in->arg[0], rb = in->arg[1];
    if (is_const(e, ra, &c))
        ra = in->arg[1], rb = in->arg[0];
    bool imm = is_const(e, rb, &c) && asm_logic_bits(x, const_bits(insn(e, rb)), &enc);
    unsigned n = gpr_zr(e, ra), m = imm ? ZR : gpr_zr(e, rb), d = dst_gpr(e);
    bool clean = type_bits(in->type) >= 32 || (op == A_AND && (imm || e->v[rb].clean || e->v[ra].clean)) ||
                 (e->v[ra].clean && (imm || e->v[rb].clean));
    if (imm)
        asm_logic_imm(&e->a, x, op, d, n, const_bits(insn(e, rb)));
    else
        asm_rrr(&e->a, x, op, d, n, m);
    result(e, d, clean);
}

static void emit_unary(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    bool x = wide(in);
    unsigned bits = type_bits(in->type), n = in->op == IR_CLZ && bits < 32 ? clean_gpr(e, in->arg[0], T0) : gpr_zr(e, in->arg[0]);
    unsigned d = dst_gpr(e);
    bool clean = bits >= 32;
    switch (in->op) {
    case IR_NOT: asm_rrr(a, x, A_ORN, d, ZR, n); break;
    case IR_NEG: asm_rrr(a, x, A_SUB, d, ZR, n); break;
    case IR_BSWAP:
        if (bits == 16)
            asm_rr(a, false, A_REV16, d, n);
        else
            asm_put(a, (x ? 0xdac00c00 : 0x5ac00800) | n << 5 | d);
        break;
    case IR_CLZ:
        asm_rr(a, x, A_CLZ, d, n);
        if (bits < 32)
            asm_add_imm(a, false, true, false, d, d, 32 - bits);
        clean = true;
        break;
    default:                                             /* CTZ */
        if (bits < 32) {
            asm_imm(a, T1, 1u << bits);
            asm_rrr(a, false, A_ORR, T0, n, T1);
            n = T0;
        }
        asm_rr(a, x, A_RBIT, T0, n);
        asm_rr(a, x, A_CLZ, d, T0);
        clean = true;
    }
    result(e, d, clean);
}

static void emit_popcnt(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    unsigned n = clean_gpr(e, in->arg[0], T0);
    asm_put(a, (wide(in) ? 0x9e670000 : 0x1e270000) | n << 5 | VT0);      /* fmov */
    asm_put(a, 0x0e205800 | VT0 << 5 | VT0);                              /* cnt v.8b */
    asm_put(a, 0x2e303800 | VT0 << 5 | VT0);                              /* uaddlv h, v.8b */
    unsigned d = dst_gpr(e);
    asm_put(a, 0x1e260000 | VT0 << 5 | d);                                /* fmov w */
    result(e, d, true);
}

/* --- shifts --- */

static unsigned plain_op(unsigned op)
{
    switch (op) {
    case IR_SHLF: return IR_SHL;
    case IR_SHRF: return IR_SHR;
    case IR_SARF: return IR_SAR;
    case IR_ROLF: return IR_ROL;
    case IR_RORF: return IR_ROR;
    default: return op;
    }
}

static void shift_const(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned n, unsigned count)
{
    struct asm_buf *a = &e->a;
    bool x = bits == 64;
    if (op == IR_ROL || op == IR_ROR) {
        count %= bits;
        asm_put(a, A_EXTR | A_XDUAL(x) | n << 16 | (op == IR_ROR ? count : (bits - count) % bits) << 10 | n << 5 | d);
    } else if (!count)
        asm_mov(a, x, d, n);
    else if (op == IR_SAR)
        asm_sbfx(a, x, d, n, count < bits ? count : bits - 1, count < bits ? bits - count : 1);
    else if (count >= bits)
        asm_mov(a, x, d, ZR);
    else if (op == IR_SHL)
        asm_lsl(a, x, d, n, count);
    else
        asm_ubfx(a, x, d, n, count, bits - count);
}

/* counts are below 32, so that 32-bit shifts of a widened value give what x86 gives */
static void shift_narrow(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned n, unsigned m)
{
    struct asm_buf *a = &e->a;
    if (op == IR_SAR)
        asm_sbfx(a, false, T1, n, 0, bits);
    else if (op == IR_SHR)
        asm_ubfx(a, false, T1, n, 0, bits);
    else
        asm_mov(a, false, T1, n);
    asm_rrr(a, false, op == IR_SHL ? A_LSLV : op == IR_SHR ? A_LSRV : A_ASRV, d, T1, m);
}

static void rotate_narrow(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned n, unsigned m)
{
    struct asm_buf *a = &e->a;
    asm_ubfx(a, false, T1, n, 0, bits);
    for (unsigned k = bits; k < 32; k *= 2)              /* copies side by side */
        asm_rrs(a, false, A_ORR, T1, T1, T1, LSL, k);
    if (op == IR_ROL) {
        asm_rrr(a, false, A_SUB, T0, ZR, m);
        m = T0;
    }
    asm_rrr(a, false, A_RORV, d, T1, m);
}

static void emit_shift(struct emitter *e, const struct ir_insn *in, unsigned op)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type);
    bool x = bits == 64;
    int64_t c;
    if (is_const(e, in->arg[1], &c) && (bits >= 32 || (op != IR_ROL && op != IR_ROR))) {
        unsigned count = (unsigned)c & (x ? 63 : 31), n = gpr_zr(e, in->arg[0]), d = dst_gpr(e);
        if (op == IR_SAR && bits < 32 && !count)
            asm_mov(a, false, d, n);
        else
            shift_const(e, op, bits, d, n, count);
        result(e, d, bits >= 32 || (op == IR_SHR && count));
        return;
    }
    unsigned n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), d = dst_gpr(e);
    if (bits < 32) {
        op == IR_ROL || op == IR_ROR ? rotate_narrow(e, op, bits, d, n, m) : shift_narrow(e, op, bits, d, n, m);
        result(e, d, op == IR_SHR);
        return;
    }
    if (op == IR_ROL) {
        asm_rrr(a, x, A_SUB, T0, ZR, m);
        asm_rrr(a, x, A_RORV, d, n, T0);
    } else
        asm_rrr(a, x, op == IR_SHL ? A_LSLV : op == IR_SHR ? A_LSRV : op == IR_SAR ? A_ASRV : A_RORV, d, n, m);
    result(e, d, true);
}

/* What a double shift by register m brings in from its second operand: all but one bit, then the rest, so that by 0 it is nothing. Changes T2 */
unsigned shifted_in(struct emitter *e, const struct ir_insn *in, unsigned m)
{
    bool x = wide(in), left = in->op == IR_SHLDF;
    unsigned b = gpr_of(e, in->arg[1]), t = alloc_gpr(e);
    asm_rrr(&e->a, false, A_ORN, T2, ZR, m);
    left ? asm_lsr(&e->a, x, t, b, 1) : asm_lsl(&e->a, x, t, b, 1);
    asm_rrr(&e->a, x, left ? A_LSRV : A_LSLV, t, t, T2);
    return t;
}

/* no flags wanted */
static bool emit_double_shift(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    unsigned bits = type_bits(in->type);
    bool x = bits == 64;
    if (in->live || bits < 32)
        return false;
    if (!is_const(e, in->arg[2], &c)) {
        unsigned n = gpr_of(e, in->arg[0]), m = gpr_of(e, in->arg[2]), t = shifted_in(e, in, m), d = dst_gpr(e);
        asm_rrr(&e->a, x, in->op == IR_SHLDF ? A_LSLV : A_LSRV, T2, n, m);
        asm_rrr(&e->a, x, A_ORR, d, T2, t);
        result(e, d, true);
        return true;
    }
    unsigned count = (unsigned)c & (bits - 1), n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), d = dst_gpr(e);
    if (!count)
        asm_mov(&e->a, x, d, n);
    else if (in->op == IR_SHLDF)
        asm_put(&e->a, A_EXTR | A_XDUAL(x) | m << 16 | (bits - count) << 10 | n << 5 | d);
    else
        asm_put(&e->a, A_EXTR | A_XDUAL(x) | n << 16 | count << 10 | m << 5 | d);
    result(e, d, true);
    return true;
}

/* --- widths --- */

static void emit_extend(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    const struct ir_insn *from = insn(e, in->arg[0]);
    unsigned bits = type_bits(from->type);
    const struct value *v = &e->v[in->arg[0]];
    if (in->op == IR_ZEXT) {
        unsigned n = gpr_of(e, in->arg[0]);
        if (v->clean || v->where == IN_CONST) {
            share(e, (ir_ref)e->i, n, true);
            return;
        }
        unsigned d = dst_gpr(e);
        bits == 32 ? asm_mov(a, false, d, n) : asm_ubfx(a, false, d, n, 0, bits);
        result(e, d, true);
        return;
    }
    unsigned n = gpr_of(e, in->arg[0]), d = dst_gpr(e);
    asm_sbfx(a, wide(in), d, n, 0, bits);
    result(e, d, type_bits(in->type) >= 32);
}

static bool emit_trunc(struct emitter *e, const struct ir_insn *in)
{
    if (insn(e, in->arg[0])->type == IR_I128) {
        unsigned v = vec_of(e, in->arg[0]), d = dst_gpr(e);
        asm_put(&e->a, 0x9e660000 | v << 5 | d);
        result(e, d, wide(in));
        return true;
    }
    share(e, (ir_ref)e->i, gpr_of(e, in->arg[0]), false);
    return true;
}

static void emit_pair(struct emitter *e, const struct ir_insn *in)
{
    unsigned low = gpr_zr(e, in->arg[0]), high = gpr_zr(e, in->arg[1]), d = dst_vec(e);
    asm_put(&e->a, 0x9e670000 | low << 5 | d);
    asm_put(&e->a, 0x4e181c00 | high << 5 | d);
    result_vec(e, d);
}

static bool emit_select(struct emitter *e, const struct ir_insn *in)
{
    if (!is_gpr_type(in->type))
        return false;
    unsigned n = gpr_zr(e, in->arg[1]), m = gpr_zr(e, in->arg[2]);
    enum cond c = flags_for(e, in->arg[0]);
    unsigned d = dst_gpr(e);
    asm_put(&e->a, A_CSEL | (wide(in) ? A_X : 0) | m << 16 | (unsigned)c << 12 | n << 5 | d);
    result(e, d, type_bits(in->type) == 32 || wide(in));
    return true;
}

/* --- multiply, divide --- */

static void emit_mul(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), d = dst_gpr(e);
    asm_rrr(&e->a, wide(in), A_MUL, d, n, m);
    result(e, d, type_bits(in->type) >= 32);
}

/* The second result goes to a scratch register now; SECOND itself has nothing left to do but move. */
void settle_second(struct emitter *e, unsigned reg)
{
    const struct value *v = &e->v[e->i];
    settle(e, v->second, reg, true);
    e->v[v->second].done = true;
}

static bool emit_wide_mul(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    bool is_signed = in->op == IR_SMULF, high = e->v[e->i].second != NO_INSN && e->v[e->v[e->i].second].uses;
    unsigned bits = type_bits(in->type);
    if (in->live)
        return false;
    unsigned n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), h = high ? alloc_gpr(e) : NO_REG;
    if (bits < 32) {
        asm_bfm(a, false, is_signed ? A_SBFM : A_UBFM, T0, n, 0, bits - 1);
        asm_bfm(a, false, is_signed ? A_SBFM : A_UBFM, T1, m, 0, bits - 1);
        unsigned d = dst_gpr(e);
        asm_rrr(a, false, A_MUL, d, T0, T1);
        if (high)
            asm_ubfx(a, false, h, d, bits, bits);
        asm_ubfx(a, false, d, d, 0, bits);
        result(e, d, true);
    } else if (bits == 64) {
        if (high)
            asm_put(a, (is_signed ? 0x9b407c00 : 0x9bc07c00) | m << 16 | n << 5 | h);
        unsigned d = dst_gpr(e);
        asm_rrr(a, true, A_MUL, d, n, m);
        result(e, d, true);
    } else {
        unsigned d = dst_gpr(e);
        if (high) {
            asm_put(a, (is_signed ? 0x9b207c00 : 0x9ba07c00) | m << 16 | n << 5 | h);
            asm_mov(a, false, d, h);
            asm_lsr(a, true, h, h, 32);
        } else
            asm_rrr(a, false, A_MUL, d, n, m);
        result(e, d, true);
    }
    if (high)
        settle_second(e, h);
    return true;
}

/* --- division: what may overflow or fault is the interpreter's. Destinations are chosen before the first jump to the tail --- */

struct quotient { unsigned d, r; struct tail *t; };

static struct quotient start_divide(struct emitter *e)
{
    struct quotient q = { .r = NO_REG };
    uint16_t second = e->v[e->i].second;
    if (second != NO_INSN && e->v[second].uses)
        q.r = alloc_gpr(e);
    q.d = e->v[e->i].uses ? dst_gpr(e) : T1;
    q.t = tail_one(e);
    q.t->result = (uint8_t)q.d;
    q.t->second = (uint8_t)q.r;
    return q;
}

static void to_type(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n)
{
    unsigned bits = type_bits(in->type);
    bits < 32 ? asm_ubfx(&e->a, false, d, n, 0, bits) : asm_mov(&e->a, bits == 64, d, n);
}

/* T1 = quotient of n by m */
static void finish_divide(struct emitter *e, const struct ir_insn *in, const struct quotient *q, unsigned n, unsigned m)
{
    struct asm_buf *a = &e->a;
    if (q->r != NO_REG) {
        asm_put(a, 0x1b008000 | A_X | m << 16 | n << 10 | T1 << 5 | q->r);          /* msub: n - T1 * m */
        if (!wide(in))
            to_type(e, in, q->r, q->r);
    }
    if (q->d != T1)
        to_type(e, in, q->d, T1);
    q->t->back = a->p;
    if (q->r != NO_REG)
        settle_second(e, q->r);
    if (q->d != T1)
        result(e, q->d, true);
}

static void slow_if(struct emitter *e, struct tail *t, uint32_t jump) { t->from[t->n_from++] = asm_jump(&e->a, jump); }

/* 64 by 32 bits; the quotient must fit in 32 */
static void divide32(struct emitter *e, const struct ir_insn *in, bool is_signed, unsigned h, unsigned l, unsigned m)
{
    struct asm_buf *a = &e->a;
    struct quotient q = start_divide(e);
    asm_mov(a, false, T2, l);
    asm_bfi(a, true, T2, h, 32, 32);
    is_signed ? asm_sbfx(a, true, T0, m, 0, 32) : asm_mov(a, false, T0, m);
    slow_if(e, q.t, J_CBZ | T0);
    asm_rrr(a, true, is_signed ? A_SDIV : A_UDIV, T1, T2, T0);
    if (is_signed)
        asm_put(a, 0xeb20c000 | T1 << 16 | T1 << 5 | ZR);                 /* cmp x, w, sxtw */
    else
        asm_rrs(a, true, A_SUBS, ZR, ZR, T1, LSR, 32);
    slow_if(e, q.t, J_COND | C_NE);
    finish_divide(e, in, &q, T2, T0);
}

/* 16 by 8, 32 by 16: likewise */
static void divide_narrow(struct emitter *e, const struct ir_insn *in, bool is_signed, unsigned h, unsigned l, unsigned m)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type);
    struct quotient q = start_divide(e);
    asm_ubfx(a, false, T2, l, 0, bits);
    asm_bfi(a, false, T2, h, bits, bits);
    if (is_signed)
        asm_sbfx(a, false, T2, T2, 0, 2 * bits);
    asm_bfm(a, false, is_signed ? A_SBFM : A_UBFM, T0, m, 0, bits - 1);
    slow_if(e, q.t, J_CBZ | T0);
    asm_rrr(a, false, is_signed ? A_SDIV : A_UDIV, T1, T2, T0);
    if (is_signed)
        asm_put(a, (bits == 8 ? 0x6b208000 : 0x6b20a000) | T1 << 16 | T1 << 5 | ZR);      /* cmp w, w, sxtb or sxth */
    else
        asm_rrs(a, false, A_SUBS, ZR, ZR, T1, LSR, bits);
    slow_if(e, q.t, J_COND | C_NE);
    finish_divide(e, in, &q, T2, T0);
}

/* inline when the dividend is 64 bits, extended */
static void divide64(struct emitter *e, const struct ir_insn *in, bool is_signed, unsigned h, unsigned l, unsigned m)
{
    struct asm_buf *a = &e->a;
    struct quotient q = start_divide(e);
    slow_if(e, q.t, J_CBZ | A_X | m);
    if (is_signed) {
        asm_rrs(a, true, A_SUBS, ZR, h, l, ASR, 63);
        slow_if(e, q.t, J_COND | C_NE);
        asm_add_imm(a, true, false, true, ZR, m, 1);
        slow_if(e, q.t, J_COND | C_EQ);
    } else
        slow_if(e, q.t, J_CBNZ | A_X | h);
    asm_rrr(a, true, is_signed ? A_SDIV : A_UDIV, T1, l, m);
    finish_divide(e, in, &q, l, m);
}

static void emit_divide(struct emitter *e, const struct ir_insn *in)
{
    clobber(e);
    unsigned h = gpr_of(e, in->arg[0]), l = gpr_of(e, in->arg[1]), m = gpr_of(e, in->arg[2]);
    (wide(in) ? divide64 : in->type == IR_I32 ? divide32 : divide_narrow)(e, in, in->op == IR_DIVS, h, l, m);
}

static bool emit_crc(struct emitter *e, const struct ir_insn *in)
{
    if (!feature(e, FEATURE_CRC32))
        return false;
    unsigned n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), d = dst_gpr(e);
    asm_put(&e->a, A_CRC32C | type_log2(in->lane) << 10 | (in->lane == IR_I64 ? A_X : 0) | m << 16 | n << 5 | d);
    result(e, d, true);
    return true;
}

static void emit_lea(struct emitter *e, const struct ir_insn *in)
{
    for (unsigned k = 0; k < 2; k++)                     /* before a register for the result is chosen */
        if (in->arg[k] != IR_NONE)
            gpr_of(e, in->arg[k]);
    unsigned d = dst_gpr(e);
    lea_into(e, in, d);
    result(e, d, true);
}

/* SECOND of an operation that left both in memory or was not asked for both */
static bool emit_second(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[in->arg[0]];
    if (v->second != e->i)
        fail(e, "second result");
    return true;
}

bool emit_int(struct emitter *e, const struct ir_insn *in)
{
    unsigned op = in->live ? in->op : plain_op(in->op);
    if (emit_folded(e, in))
        return true;
    switch (op) {
    case IR_ADD: case IR_SUB: emit_add_sub(e, in, op == IR_SUB); return true;
    case IR_MUL: emit_mul(e, in); return true;
    case IR_AND: emit_bits(e, in, A_AND); return true;
    case IR_OR: emit_bits(e, in, A_ORR); return true;
    case IR_XOR: emit_bits(e, in, A_EOR); return true;
    case IR_NOT: case IR_NEG: case IR_BSWAP: case IR_CLZ: case IR_CTZ: emit_unary(e, in); return true;
    case IR_POPCNT: emit_popcnt(e, in); return true;
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR: emit_shift(e, in, op); return true;
    case IR_SHLDF: case IR_SHRDF: return emit_double_shift(e, in);
    case IR_LEA: emit_lea(e, in); return true;
    case IR_ZEXT: case IR_SEXT:
        if (!is_gpr_type(in->type))
            return false;
        emit_extend(e, in);
        return true;
    case IR_TRUNC: return emit_trunc(e, in);
    case IR_PAIR: emit_pair(e, in); return true;
    case IR_SELECT: return emit_select(e, in);
    case IR_UMULF: case IR_SMULF: return emit_wide_mul(e, in);
    case IR_SECOND: return emit_second(e, in);
    case IR_DIVU: case IR_DIVS: emit_divide(e, in); return true;
    case IR_PEXT: case IR_PDEP: return emit_gather(e, in);
    case IR_CRC32C: return emit_crc(e, in);
    default: return false;
    }
}
