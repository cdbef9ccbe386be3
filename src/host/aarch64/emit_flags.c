/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_flags.c: the other operations with flags: wide products, tests of bits and vectors, flags from a word.
 */
#include "host/aarch64/emit_flags.h"

/* C and O tell whether the upper half matters; the other flags are anything */
static bool emit_wide_mul(struct emitter *e, const struct ir_insn *in)
{
    enum { SMULL = 0x9b207c00, UMULL = 0x9ba07c00, SMULH = 0x9b407c00, UMULH = 0x9bc07c00, CMP_SXTW = 0xeb20c000, CCMP = 0xfa400000, V = 1 };
    struct asm_buf *a = &e->a;
    const struct value *v = &e->v[e->i];
    bool x = in->type == IR_I64, is_signed = in->op == IR_SMULF, high = v->second != NO_INSN && e->v[v->second].uses;
    if (type_bits(in->type) < 32)
        return false;
    struct port p = port_of(e, in);
    unsigned n = gpr_zr(e, in->arg[0]), m = gpr_zr(e, in->arg[1]), h = alloc_gpr(e), d = v->uses ? dst_gpr(e) : alloc_gpr(e);
    clobber(e);
    asm_put(a, (x ? is_signed ? SMULH : UMULH : is_signed ? SMULL : UMULL) | m << 16 | n << 5 | h);
    x ? asm_rrr(a, true, A_MUL, d, n, m) : asm_mov(a, false, d, h);
    if (x)
        is_signed ? asm_rrs(a, true, A_SUBS, ZR, h, d, ASR, 63) : asm_rrr(a, true, A_SUBS, ZR, h, ZR);
    else
        is_signed ? asm_put(a, CMP_SXTW | d << 16 | h << 5 | ZR) : asm_rrs(a, true, A_SUBS, ZR, ZR, h, LSR, 32);
    asm_put(a, CCMP | ZR << 16 | C_EQ << 12 | ZR << 5 | V);
    if (!x && high)
        asm_lsr(a, true, h, h, 32);
    keep_p(e, &p, d, true);
    finish_flags(e, K_SUB);
    flag_result(e, d, true);
    if (high)
        settle_second(e, h);
    return true;
}

/* Z: no common bit. C: nothing in arg1 beyond arg0. NZCV as a subtraction would have them */
static bool emit_vector_test(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    struct port p = port_of(e, in);
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]);
    clobber(e);
    asm_put(a, 0x4e201c00 | m << 16 | n << 5 | VT0);                      /* and, bic; umaxp folds 128 bits to 64 */
    asm_put(a, 0x4e601c00 | n << 16 | m << 5 | VT1);
    asm_put(a, 0x6ea0a400 | VT0 << 16 | VT0 << 5 | VT0);
    asm_put(a, 0x6ea0a400 | VT1 << 16 | VT1 << 5 | VT1);
    asm_put(a, 0x9e660000 | VT0 << 5 | T0);
    asm_put(a, 0x9e660000 | VT1 << 5 | T1);
    asm_rrr(a, true, A_SUBS, ZR, T0, ZR);
    asm_cset(a, T0, C_EQ);
    asm_rrr(a, true, A_SUBS, ZR, T1, ZR);
    asm_cset(a, T1, C_NE);
    asm_rrs(a, false, A_ORR, T0, T1, T0, LSL, 1);
    asm_lsl(a, false, T0, T0, 29);
    msr_nzcv(e, T0);
    if (p.p) {
        asm_imm(a, T0, 1);                                                /* odd parity */
        keep_p(e, &p, T0, true);
    }
    finish_flags(e, K_SUB);
    if (e->v[e->i].uses)
        share(e, (ir_ref)e->i, VEC + n, true);
    return true;
}

static bool emit_bit_test(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type);
    bool x = bits == 64;
    int64_t c;
    if (e->v[e->i].uses)
        return false;
    if (in->live & ~IR_F_C)
        return false;
    if (!in->live)
        return true;
    unsigned n = gpr_of(e, in->arg[0]);
    if (is_const(e, in->arg[1], &c)) {
        clobber(e);
        asm_logic_imm(a, x, A_ANDS, ZR, n, 1ull << (c & (bits - 1)));
    } else {
        unsigned m = gpr_of(e, in->arg[1]);
        clobber(e);
        if (bits == 16) {
            asm_logic_imm(a, false, A_AND, T0, m, 15);
            m = T0;
        }
        asm_rrr(a, x, A_LSRV, T0, n, m);
        asm_logic_imm(a, false, A_ANDS, ZR, T0, 1);
    }
    finish_flags(e, K_BIT);
    return true;
}

static bool emit_mkf(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = gpr_zr(e, in->arg[0]);
    port_packed(e, n);
    if (e->v[e->i].early != NO_INSN)
        emit_putf(e, insn(e, e->v[e->i].early)), e->v[e->v[e->i].early].done = true;
    if (e->v[e->i].uses) {
        unsigned d = dst_gpr(e);
        asm_mov(&e->a, false, d, n);
        result(e, d, true);
    }
    return true;
}

bool emit_flag_op(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF: case IR_RCLF: case IR_RCRF: case IR_SHLDF: case IR_SHRDF:
        return emit_flag_shift(e, in);
    case IR_UMULF: case IR_SMULF: return emit_wide_mul(e, in);
    case IR_VTESTF: return emit_vector_test(e, in);
    case IR_BTF: return emit_bit_test(e, in);
    case IR_MKF: return emit_mkf(e, in);
    case IR_GETF: emit_getf(e); return true;
    default: return emit_sums(e, in);
    }
}
