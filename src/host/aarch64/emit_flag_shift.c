/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_flag_shift.c: shifts and rotates with flags.
 */
#include "host/aarch64/emit_flags.h"

static void plain_shift(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned n, unsigned count)
{
    struct asm_buf *a = &e->a;
    bool x = bits == 64;
    if (op == IR_SHLF)
        asm_lsl(a, x, d, n, count);
    else if (op == IR_SHRF)
        asm_ubfx(a, x, d, n, count, bits - count);
    else
        asm_sbfx(a, x, d, n, count, bits - count);
}

/* NZCV: N Z from the result, C from bit `pos` of n, O as the interpreter has it; ADD kind */
static void shift_flags(struct emitter *e, unsigned op, unsigned bits, unsigned d, unsigned carry)
{
    struct asm_buf *a = &e->a;
    bool x = bits == 64;
    unsigned shift = bits < 32 ? 32 - bits : 0;
    shift ? asm_rrs(a, false, A_ADDS, ZR, ZR, d, LSL, shift) : asm_rrr(a, x, A_ANDS, ZR, d, d);
    if (feature(e, FEATURE_FLAGM)) {
        bool left = op == IR_SHLF || op == IR_ROLF;
        asm_rmif(a, carry, 63, 2);
        left ? asm_rrs(a, x, A_EOR, T2, carry, d, LSR, bits - 1) : asm_rrs(a, x, A_EOR, T2, d, d, LSL, 1);
        asm_rmif(a, T2, left ? 0 : bits - 1, 1);
        return;
    }
    mrs_nzcv(e, T1);
    asm_bfi(a, false, T1, carry, 29, 1);
    if (op == IR_SHLF || op == IR_ROLF)
        asm_rrs(a, x, A_EOR, T2, carry, d, LSR, bits - 1);
    else {
        asm_rrs(a, x, A_EOR, T2, d, d, LSL, 1);
        asm_lsr(a, x, T2, T2, bits - 1);
    }
    asm_bfi(a, false, T1, T2, 28, 1);
    msr_nzcv(e, T1);
}

/* n shifted by m to d; for a double shift what comes in is in t already, and m may be n */
static void by_register(struct emitter *e, const struct ir_insn *in, bool left, unsigned d, unsigned n, unsigned m, unsigned t)
{
    bool x = in->type == IR_I64;
    uint32_t op = left ? A_LSLV : in->op == IR_SARF ? A_ASRV : A_LSRV;
    asm_rrr(&e->a, x, op, t == NO_REG ? d : T2, n, m);
    if (t != NO_REG)
        asm_rrr(&e->a, x, A_ORR, d, T2, t);
}

/* A count in a register whose flags go straight to the guest's: a count of 0 jumps over all that. */
static bool shift_by_register(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    struct value *v = &e->v[e->i];
    bool twice = in->op == IR_SHLDF || in->op == IR_SHRDF, left = in->op == IR_SHLF || in->op == IR_SHLDF;
    unsigned bits = type_bits(in->type), t = NO_REG;
    bool x = bits == 64;
    if (bits < 32 || in->op == IR_ROLF || in->op == IR_RORF || v->early == NO_INSN || v->many_putf || v->cond_groups)
        return false;
    struct port p = port_of(e, in);
    unsigned n = gpr_of(e, in->arg[0]), m = gpr_of(e, in->arg[twice ? 2 : 1]);
    if (twice)
        t = shifted_in(e, in, m);
    clobber(e);
    left ? asm_rrr(a, false, A_SUB, T2, ZR, m) : asm_add_imm(a, false, true, false, T2, m, 1);
    asm_rrr(a, x, A_LSRV, T0, n, T2);                    /* bit 0: the last one out */
    unsigned d = v->uses ? dst_gpr(e) : alloc_gpr(e);
    asm_logic_imm(a, false, A_AND, T1, m, bits - 1);
    by_register(e, in, left, d, n, m, t);
    uint8_t *none = asm_jump(a, J_CBZ | T1);
    shift_flags(e, left ? IR_SHLF : in->op, bits, d, T0);
    if (p.a)
        asm_logic_imm(a, false, A_EOR, FL_A, d, 16);
    keep_p(e, &p, d, false);
    finish_flags(e, K_ADD);
    e->owner = NO_INSN;
    asm_land(a, none);
    flag_result(e, d, true);
    return true;
}

/* With carry by a constant: what is shifted out comes in at the other end, the carry between; C and O count. false: a full turn */
static bool rotate_by_constant(struct emitter *e, const struct ir_insn *in, unsigned by)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type);
    bool x = bits == 64, left = in->op == IR_RCLF;
    if (!(by %= bits + 1))
        return false;
    struct port p = port_of(e, in);
    if (p.p || in->live & ~(IR_F_C | IR_F_O))
        return false;
    unsigned c = gpr_zr(e, in->arg[2]), n = gpr_of(e, in->arg[0]), t = alloc_gpr(e), back = bits + 1 - by;
    if (p.nz)
        clobber(e);
    if (bits < 32) {
        asm_ubfx(a, false, T1, n, 0, bits);
        n = T1;
    }
    if (left)
        back < bits ? asm_lsr(a, x, t, n, back) : asm_mov(a, x, t, ZR);
    else
        asm_lsr(a, x, t, n, by);
    asm_bfi(a, x, t, c, left ? by - 1 : bits - by, 1);
    if (left || back < bits)
        asm_rrs(a, x, A_ORR, t, t, n, LSL, left ? by : back);
    asm_ubfx(a, x, T0, n, left ? bits - by : by - 1, 1);
    unsigned d = dst_gpr(e);
    asm_ubfx(a, x, d, t, 0, bits);
    if (p.nz)
        shift_flags(e, left ? IR_ROLF : IR_RORF, bits, d, T0);
    finish_flags(e, K_ADD);
    flag_result(e, d, true);
    return true;
}

/* by a constant, with the carry between the ends; C and O count */
static bool rotate_with_carry(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type);
    bool x = bits == 64;
    int64_t c;
    if (!is_const(e, in->arg[1], &c) || !(c & (x ? 63 : 31)))
        return false;
    if ((c & (x ? 63 : 31)) != 1 || bits < 32)
        return rotate_by_constant(e, in, (unsigned)c & (x ? 63 : 31));
    struct port p = port_of(e, in);
    if (p.p || in->live & ~(IR_F_C | IR_F_O))
        return false;
    unsigned n = gpr_of(e, in->arg[0]);
    if (in->op == IR_RCLF) {
        load_carry(e, in->arg[2], false);
        unsigned d = dst_gpr(e);
        asm_rrr(a, x, A_ADCS, d, n, n);
        finish_flags(e, K_ADD);
        flag_result(e, d, true);
        return true;
    }
    unsigned m = gpr_zr(e, in->arg[2]);
    clobber(e);
    asm_ubfx(a, x, T0, n, 0, 1);
    unsigned d = dst_gpr(e);
    asm_put(a, A_EXTR | A_XDUAL(x) | n << 16 | 1 << 10 | m << 5 | d);
    if (p.nz)
        shift_flags(e, IR_RORF, bits, d, T0);
    finish_flags(e, K_ADD);
    flag_result(e, d, true);
    return true;
}

/* n rotated or shifted to d; a narrow one's upper bits are anything, those of a rotated one 0 */
static void compute(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned count)
{
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->type), op = in->op, right = op == IR_RORF || op == IR_SHRDF ? count : bits - count;
    bool x = bits == 64;
    if (op == IR_SHLDF || op == IR_SHRDF) {
        unsigned m = gpr_zr(e, in->arg[1]), high = op == IR_SHLDF ? n : m, low = op == IR_SHLDF ? m : n;
        asm_put(a, A_EXTR | A_XDUAL(x) | low << 16 | right << 10 | high << 5 | d);
    } else if (op != IR_ROLF && op != IR_RORF) {
        plain_shift(e, op, bits, d, n, count);
    } else if (bits >= 32) {
        asm_put(a, A_EXTR | A_XDUAL(x) | n << 16 | right << 10 | n << 5 | d);
    } else {                                             /* two copies side by side */
        asm_ubfx(a, false, T1, n, 0, bits);
        asm_bfi(a, false, T1, T1, bits, bits);
        asm_ubfx(a, false, d, T1, right, bits);
    }
}

bool emit_flag_shift(struct emitter *e, const struct ir_insn *in)
{
    if (in->op == IR_RCLF || in->op == IR_RCRF)
        return rotate_with_carry(e, in);
    struct asm_buf *a = &e->a;
    int64_t c;
    unsigned bits = type_bits(in->type), op = in->op;
    bool used = e->v[e->i].uses != 0, x = bits == 64, twice = op == IR_SHLDF || op == IR_SHRDF, left = op == IR_SHLF || op == IR_SHLDF;
    if (twice && bits < 32)
        return false;
    if (!is_const(e, in->arg[twice ? 2 : 1], &c))
        return shift_by_register(e, in);
    unsigned count = (unsigned)c & (bits == 64 ? 63 : 31);
    if (!count || count >= bits)
        return false;
    struct port p = port_of(e, in);
    if (!p.nz && !p.p && !used)
        return true;
    unsigned n = gpr_of(e, in->arg[0]);
    bool rotate = op == IR_ROLF || op == IR_RORF;
    if (rotate && p.p)
        return false;
    if (twice)
        gpr_zr(e, in->arg[1]);
    bool full = p.nz && (in->live & (IR_F_C | IR_F_O));
    if (p.nz)
        clobber(e);
    if (full && !rotate)
        asm_ubfx(a, x, T0, n, left ? bits - count : count - 1, 1);
    unsigned d = flag_dst(e, &p, used);
    if (d == ZR)
        d = alloc_gpr(e);
    compute(e, in, d, n, count);
    if (full && rotate)
        op == IR_ROLF ? asm_logic_imm(a, x, A_AND, T0, d, 1) : (asm_lsr(a, x, T0, d, bits - 1), true);
    if ((op == IR_SHLF || op == IR_SARF) && bits < 32)
        asm_ubfx(a, false, d, d, 0, bits);
    if (full)
        shift_flags(e, left ? IR_SHLF : op, bits, d, T0);
    else if (p.nz)
        bits < 32 ? asm_rrs(a, false, A_ADDS, ZR, ZR, d, LSL, 32 - bits) : asm_rrr(a, x, A_ANDS, ZR, d, d);
    if (p.a) {                                           /* undefined; set, as the interpreter has it */
        asm_logic_imm(a, false, A_EOR, T0, d, 16);
        if (p.early)
            asm_mov(a, false, FL_A, T0);
        else
            store_state(e, false, 3, T0, alloc_port(e, (ir_ref)e->i) + PORT_A);
    }
    keep_p(e, &p, d, false);
    finish_flags(e, full ? K_ADD : K_LOGIC);
    flag_result(e, d, true);
    return true;
}
