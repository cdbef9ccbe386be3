/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_bits.c: bits gathered and scattered by a mask (PEXT, PDEP), and CRC-32C by carry-less products.
 */
#include "host/ppc64le/emit_vec.h"

static uint64_t mask_bits(const struct ir_insn *in, int64_t c) { return in->type == IR_I64 ? (uint64_t)c : (uint32_t)c; }

/* --- a constant mask: a field for each run of ones. Between source (PEXT) and result `low` is a field's place in the mask, `at` among its bits --- */

static void fields(struct emitter *e, bool gather, unsigned r, unsigned s, uint64_t mask)
{
    struct asm_buf *a = &e->a;
    for (unsigned at = 0, low, n; mask; mask &= n == 64 ? 0 : ~(((1ull << n) - 1) << low), at += n) {
        low = (unsigned)__builtin_ctzll(mask);
        n = ~(mask >> low) ? (unsigned)__builtin_ctzll(~(mask >> low)) : 64;
        unsigned from = gather ? low : at, to = gather ? at : low;
        if (!at && gather) {
            asm_rldicl(a, r, s, 64 - from, 64 - n);
        } else if (!at) {
            asm_md(a, 2, r, s, to, 64 - to - n);                          /* rldic */
        } else {
            asm_srdi(a, TEMP, s, from);
            asm_rldimi(a, r, TEMP, to, 64 - to - n);
        }
    }
}

static void by_constant(struct emitter *e, const struct ir_insn *in, uint64_t mask)
{
    unsigned s = gpr_of(e, in->arg[0]), dst = dst_gpr(e), r = dst == s ? alloc_gpr(e) : dst;
    if (mask)
        fields(e, in->op == IR_PEXT, r, s, mask);
    else
        asm_d(&e->a, P_ADDI, r, 0, 0);
    asm_mr(&e->a, dst, r);
    result(e, dst, in->type == IR_I64 ? 0 : ZX);
}

/* --- any mask: from the top, a turn for each bit that is set --- */

static void by_turns(struct emitter *e, const struct ir_insn *in)
{
    struct asm_buf *a = &e->a;
    bool gather = in->op == IR_PEXT;
    unsigned src = gpr_of(e, in->arg[0]), mask = gpr_ext(e, in->arg[1], ZX), m = alloc_gpr(e), s = alloc_gpr(e), r = alloc_gpr(e);
    if (gather) {
        asm_mr(a, s, src);
    } else {                                                              /* as many bits as the mask has, at the top */
        asm_l(a, P_POPCNTD, TEMP, mask, 0);
        asm_d(a, P_SUBFIC, TEMP, TEMP, 64);
        asm_l(a, P_SLD, s, src, TEMP);
    }
    asm_d(a, P_ADDI, r, 0, 0);
    asm_l(a, P_OR, m, mask, mask);
    asm_record(a);
    uint8_t *none = asm_bc_later(a, BO_TRUE, CR_EQ);
    uint64_t again = asm_here(a);
    asm_l(a, P_CNTLZD, TEMP, m, 0);
    asm_l(a, P_SLD, m, m, TEMP);
    asm_l(a, P_SLD, gather ? s : r, gather ? s : r, TEMP);
    asm_x(a, P_ADDC, s, s, s);                                            /* the top bit goes to the result's lowest */
    asm_x(a, P_ADDE, r, r, r);
    asm_sldi(a, m, m, 1);
    asm_record(a);
    asm_bc(a, BO_FALSE, CR_EQ, again);
    if (!gather) {                                                        /* and down to the mask's lowest bit */
        asm_d(a, P_ADDI, TEMP, mask, -1);
        asm_l(a, P_ANDC, TEMP, TEMP, mask);
        asm_l(a, P_POPCNTD, TEMP, TEMP, 0);
        asm_l(a, P_SLD, r, r, TEMP);
    }
    asm_patch(a, none);
    unsigned dst = dst_gpr(e);
    asm_mr(a, dst, r);
    result(e, dst, in->type == IR_I64 ? 0 : ZX);
}

static void emit_by_mask(struct emitter *e, const struct ir_insn *in)
{
    int64_t c;
    if (feature(e, FEATURE_3_1)) {
        unsigned s = gpr_of(e, in->arg[0]), mask = gpr_ext(e, in->arg[1], ZX), dst = dst_gpr(e);
        asm_l(&e->a, in->op == IR_PEXT ? P_PEXTD : P_PDEPD, dst, s, mask);
        result(e, dst, in->type == IR_I64 ? 0 : ZX);
    } else if (is_const(e, in->arg[1], &c)) {
        by_constant(e, in, mask_bits(in, c));
    } else
        by_turns(e, in);
}

/* --- CRC-32C. Bit 0 stands for the highest power of x. With P the polynomial (33 bits), some q times P has the same lower 64 bits as the data, and
 * its upper ones are the remainder; q = data / P, as a power series. Shorter data is shifted up, for zeros below it change nothing. */

static void emit_crc(struct emitter *e, const struct ir_insn *in)
{
    static const uint64_t constant[2] = { 0x4869ec38dea713f1, 0x105ec76f1 };        /* 1 / P, P */
    struct asm_buf *a = &e->a;
    unsigned bits = type_bits(in->lane), acc = bits == 64 ? gpr_ext(e, in->arg[0], ZX) : gpr_of(e, in->arg[0]), data = gpr_of(e, in->arg[1]);
    unsigned v = alloc_vec(e), k = alloc_vec(e);
    uint8_t bytes[16];
    memcpy(bytes, constant, 16);
    load_literal(e, k, bytes);
    asm_l(a, P_XOR, TEMP, acc, data);
    if (bits < 64)
        asm_sldi(a, TEMP, TEMP, 64 - bits);
    vec_from_gpr(e, v, TEMP);
    asm_v(a, V_PMSUMD, v, v, k);
    asm_x3(a, (uint32_t)X_PERMDI | 2 << 8, VEC + v, VEC + v, VS_ZERO);
    asm_v(a, V_PMSUMD, v, v, k);
    unsigned dst = dst_gpr(e);
    if (bits < 32)
        asm_rlwinm(a, TEMP, acc, 32 - bits, bits, 31);
    asm_mvsr(a, P_MFVSRD, v, dst);
    if (bits < 32)
        asm_l(a, P_XOR, dst, dst, TEMP);
    result(e, dst, ZX);
}

bool emit_bits(struct emitter *e, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_PEXT: case IR_PDEP: emit_by_mask(e, in); return true;
    case IR_CRC32C: emit_crc(e, in); return true;
    default: return false;
    }
}
