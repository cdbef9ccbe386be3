/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_putf.c: a port becomes the guest's flags, in x5, x6 and x7 (emit.h), at once or behind an exit that does not need them.
 */
#include "host/aarch64/emit_flags.h"

static unsigned nz_bits(unsigned mask)
{
    return (mask & IR_F_S ? 8u : 0) | (mask & IR_F_Z ? 4u : 0) | (mask & IR_F_C ? 2u : 0) | (mask & IR_F_O ? 1u : 0);
}

/* x5 takes the flags `bits` (NZCV order) from reg; keep: the others stay */
static void merge_nz(struct emitter *e, unsigned reg, unsigned bits, bool keep)
{
    struct asm_buf *a = &e->a;
    if (bits == 15 || !keep) {
        asm_mov(a, false, FL_NZ, reg);
        return;
    }
    for (unsigned k = 0; k < 4; k++) {
        unsigned n = 1;
        if (!(bits >> k & 1))
            continue;
        while (k + n < 4 && bits >> (k + n) & 1)
            n++;
        asm_lsr(a, false, T0, reg, 28 + k);
        asm_bfi(a, false, FL_NZ, T0, 28 + k, n);
        k += n;
    }
}

void put_nz(struct emitter *e, ir_ref fl, const struct ir_insn *putf)
{
    unsigned bits = nz_bits(putf->aux);
    bool whole = bits == 15 || putf->mod;
    if (!bits)
        return;
    if (e->v[fl].kind != K_PACKED)
        prepare_flags(e, fl);
    struct value *v = &e->v[fl];
    if (v->kind == K_FCMP && feature(e, FEATURE_FLAGM2) && !v->cond_p && !v->many_putf) {
        asm_put(&e->a, 0xd500405f);                     /* axflag: to what a subtraction would leave */
        v->kind = K_SUB;
        v->nz_saved = false;
    }
    if (whole && e->v[fl].kind <= K_LOGIC) {
        mrs_nzcv(e, FL_NZ);
        if (e->v[fl].kind == K_ADD)
            asm_logic_imm(&e->a, false, A_EOR, FL_NZ, FL_NZ, NZ_C);
        else if (e->v[fl].kind == K_LOGIC && bits & 2)
            asm_logic_imm(&e->a, false, A_ORR, FL_NZ, FL_NZ, NZ_C);
        return;
    }
    flags_image(e, fl);
    merge_nz(e, T1, bits, !whole);
}

/* P and A of a port that waited, to x6 and x7 */
static void load_pa(struct emitter *e, ir_ref fl)
{
    struct value *v = &e->v[fl];
    struct asm_buf *a = &e->a;
    if (v->kind == K_PACKED) {
        load_state(e, false, 2, T0, v->port_home + PORT_NZ);
        asm_ubfx(a, false, FL_P, T0, 10, 1);
        asm_logic_imm(a, false, A_EOR, FL_P, FL_P, 1);
        asm_ubfx(a, false, T0, T0, 12, 1);
        asm_rrs(a, false, A_EOR, FL_A, FL_P, T0, LSL, 4);
    } else if (v->kind == K_FCMP) {
        prepare_flags(e, fl);
        asm_cset(a, FL_P, C_VC);
        asm_mov(a, false, FL_A, FL_P);
    } else {
        load_state(e, false, 3, FL_P, v->port_home + PORT_P);
        load_state(e, false, 3, FL_A, v->port_home + PORT_A);
    }
}

static void put_pa(struct emitter *e, ir_ref fl, const struct ir_insn *putf)
{
    struct asm_buf *a = &e->a;
    unsigned mask = putf->aux & (IR_F_P | IR_F_A);
    if (!mask)
        return;
    if (putf->mod || mask == (IR_F_P | IR_F_A)) {
        load_pa(e, fl);
        return;
    }
    asm_mov(a, true, T1, FL_P);
    asm_rrr(a, false, A_EOR, T2, FL_P, FL_A);            /* the old A */
    load_pa(e, fl);
    if (mask == IR_F_P) {
        asm_logic_imm(a, false, A_AND, T2, T2, 16);
        asm_rrr(a, false, A_EOR, FL_A, FL_P, T2);
        return;
    }
    asm_rrr(a, false, A_EOR, T2, FL_P, FL_A);
    asm_logic_imm(a, false, A_AND, T2, T2, 16);
    asm_mov(a, true, FL_P, T1);
    asm_rrr(a, false, A_EOR, FL_A, FL_P, T2);
}

void emit_putf(struct emitter *e, const struct ir_insn *in)
{
    ir_ref fl = in->arg[0];
    if (fl == IR_NONE)
        return;
    put_pa(e, fl, in);
    put_nz(e, fl, in);
}

void emit_getf(struct emitter *e)
{
    unsigned dst = dst_gpr(e);
    call_stub(e, STUB_PACK);
    asm_mov(&e->a, false, dst, T0);
    result(e, dst, true);
}

void port_packed(struct emitter *e, unsigned reg)
{
    struct value *v = &e->v[e->i];
    v->kind = K_PACKED;
    if (v->port_last <= e->i && v->early == NO_INSN)
        return;
    int32_t at = alloc_port(e, (ir_ref)e->i);
    store_state(e, false, 3, reg, at + PORT_NZ);
    v->nz_saved = true;
}

/* --- a PUTF behind its EXITIF: the operation's flags are in NZCV; P and A are computed again, in x6 and x7, of which the low 8 bits count --- */

static void sunk_logic(struct emitter *e, const struct ir_insn *in, ir_ref fl)
{
    uint32_t op = in->op == IR_ANDF ? A_AND : in->op == IR_ORF ? A_ORR : A_EOR;
    int64_t c;
    if (e->v[fl].uses)
        asm_mov(&e->a, false, FL_P, gpr_of(e, fl));
    else {
        unsigned n = gpr_zr(e, in->arg[0]);
        if (!is_const(e, in->arg[1], &c) || !asm_logic_imm(&e->a, false, op, FL_P, n, (uint64_t)c & 0xff))
            asm_rrr(&e->a, false, op, FL_P, n, gpr_zr(e, in->arg[1]));
    }
    asm_mov(&e->a, false, FL_A, FL_P);
}

static void sunk_sum(struct emitter *e, const struct ir_insn *in, ir_ref fl)
{
    struct asm_buf *a = &e->a;
    bool sub = in->op == IR_SUBF || in->op == IR_DECF, used = e->v[fl].uses != 0;
    int64_t c = 1;
    bool constant = in->arg[1] == IR_NONE || is_const(e, in->arg[1], &c);
    unsigned r = used ? gpr_of(e, fl) : FL_P, n = used ? T0 : gpr_of(e, in->arg[0]), m = constant ? ZR : gpr_zr(e, in->arg[1]);
    unsigned to = used ? T0 : r, from = used ? r : n;            /* n from the result, or the result from n */
    bool minus = sub != used;
    if (constant)
        asm_add_imm(a, false, minus, false, to, from, c & 0xff);
    else
        asm_rrr(a, false, minus ? A_SUB : A_ADD, to, from, m);
    if (!constant)
        asm_rrr(a, false, A_EOR, FL_A, n, m);
    else if (c & 16)
        asm_logic_imm(a, false, A_EOR, FL_A, n, 16);
    else
        asm_mov(a, false, FL_A, n);
    if (used)
        asm_mov(a, false, FL_P, r);
}

void emit_sunk_putf(struct emitter *e)
{
    ir_ref fl = e->v[e->i].sunk;
    if (fl == NO_INSN)
        return;
    const struct ir_insn *in = insn(e, fl), *putf = insn(e, e->v[fl].putf);
    put_nz(e, fl, putf);
    if (!(putf->aux & (IR_F_P | IR_F_A)))
        return;
    (in->op == IR_ANDF || in->op == IR_ORF || in->op == IR_XORF ? sunk_logic : sunk_sum)(e, in, fl);
}
