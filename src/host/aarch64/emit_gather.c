/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_gather.c: bits gathered and scattered by a mask: PEXT, PDEP.
 */
#include "host/aarch64/emit.h"

/* --- a constant mask: a field for each run of ones, `low` is its place in the mask, `at` among the mask's bits --- */

static void fields(struct emitter *e, bool x, bool gather, unsigned r, unsigned s, uint64_t mask)
{
    struct asm_buf *a = &e->a;
    if (!mask)
        asm_mov(a, x, r, ZR);
    for (unsigned at = 0, low, n; mask; mask &= n == 64 ? 0 : ~(((1ull << n) - 1) << low), at += n) {
        low = (unsigned)__builtin_ctzll(mask);
        n = ~(mask >> low) ? (unsigned)__builtin_ctzll(~(mask >> low)) : 64;
        unsigned from = gather ? low : at, to = gather ? at : low, bits = x ? 64 : 32;
        if (at) {
            asm_lsr(a, x, T0, s, from);
            asm_bfi(a, x, r, T0, to, n);
        } else if (gather)
            asm_ubfx(a, x, r, s, from, n);
        else
            asm_bfm(a, x, A_UBFM, r, s, (bits - to) % bits, n - 1);       /* ubfiz */
    }
}

/* --- any mask: from the top, a turn for each bit that is set. To scatter from the lowest bits, all is turned round --- */

static void turns(struct emitter *e, bool x, bool gather, unsigned r, unsigned s, unsigned mask)
{
    struct asm_buf *a = &e->a;
    if (gather) {
        asm_mov(a, x, T0, mask);
        asm_mov(a, x, T1, s);
    } else {
        asm_rr(a, x, A_RBIT, T0, mask);
        asm_rr(a, x, A_RBIT, T1, s);
    }
    asm_mov(a, x, r, ZR);
    uint8_t *none = asm_jump(a, J_CBZ | (x ? A_X : 0) | T0), *again = a->p;
    unsigned moved = gather ? T1 : r;
    asm_rr(a, x, A_CLZ, T2, T0);
    asm_rrr(a, x, A_LSLV, T0, T0, T2);
    asm_rrr(a, x, A_LSLV, moved, moved, T2);
    asm_put(a, A_EXTR | A_XDUAL(x) | T1 << 16 | (x ? 63u : 31u) << 10 | r << 5 | r);      /* the top bit to the result's lowest */
    asm_lsl(a, x, T1, T1, 1);
    asm_lsl(a, x, T0, T0, 1);
    asm_land_at(a, asm_jump(a, J_CBNZ | (x ? A_X : 0) | T0), again);
    asm_land(a, none);
    if (!gather) {
        asm_rr(a, x, A_CLZ, T0, mask);
        asm_rrr(a, x, A_LSLV, r, r, T0);
        asm_rr(a, x, A_RBIT, r, r);
    }
}

bool emit_gather(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    bool x = in->type == IR_I64, constant = is_const(e, in->arg[1], &c), gather = in->op == IR_PEXT;
    unsigned s = gpr_of(e, in->arg[0]), mask = constant ? ZR : gpr_of(e, in->arg[1]), d = dst_gpr(e), r = d == s || d == mask ? alloc_gpr(e) : d;
    constant ? fields(e, x, gather, r, s, const_bits(insn(e, in->arg[1]))) : turns(e, x, gather, r, s, mask);
    if (r != d)
        asm_mov(&e->a, x, d, r);
    result(e, d, true);
    return true;
}
