/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_lanes.c: vector operations that take several instructions: shifts by a register, upper halves of products, sums and differences of
 * neighbours, minima with their place. Elements and bytes are numbered from the right; what the manual calls even elements are the odd ones here.
 */
#include "host/ppc64le/emit_vec.h"

/* The count to each element; the mask of what is not shifted out altogether comes from its whole doubleword. */
static void shift(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint32_t left[4] = { 0, V_SLH, V_SLW, V_SLD }, right[4] = { 0, V_SRH, V_SRW, V_SRD }, sign[4] = { 0, V_SRAH, V_SRAW, V_SRAD };
    unsigned k = lane_index(in->lane), count = alloc_vec(e), fits = alloc_vec(e);
    asm_xxpermdi(&e->a, count, m, m, 3);
    splat_imm(e, V_SPLTISW, VTEMP, 3 + (int)k);
    asm_v(&e->a, V_SRD, fits, count, VTEMP);
    zero(e, VTEMP);
    asm_v(&e->a, V_CMPEQUD, fits, fits, VTEMP);
    if (k != LANE64)
        asm_v(&e->a, k == LANE16 ? V_SPLTH : V_SPLTW, count, k == LANE16 ? 7 : 3, count);
    if (in->op == IR_VSAR) {
        asm_vs(&e->a, X_LORC, count, count, fits);
        asm_v(&e->a, sign[k], d, n, count);
        return;
    }
    asm_v(&e->a, in->op == IR_VSHL ? left[k] : right[k], count, n, count);
    asm_vs(&e->a, X_LAND, d, count, fits);
}

/* --- products --- */

static void high_halves(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    bool is_signed = in->op == IR_VMULHS;
    unsigned odd = alloc_vec(e);
    uint8_t from[16];
    for (unsigned j = 0; j < 16; j++)
        from[j] = (uint8_t)((j & 12) + 2 + (j & 1) + (j & 2 ? 16 : 0));
    asm_v(&e->a, is_signed ? V_MULESH : V_MULEUH, odd, n, m);
    asm_v(&e->a, is_signed ? V_MULOSH : V_MULOUH, VTEMP, n, m);
    permute_into(e, d, odd, VTEMP, from);
}

/* The host's saturates, which x86's does not; with 1 less there is nothing to saturate. */
static void rounded_product(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned t = alloc_vec(e);
    splat_imm(e, V_SPLTISB, VTEMP, -1);
    asm_v4(&e->a, V_MHRADDSHS, t, n, m, VTEMP);
    asm_v(&e->a, V_SUBUHM, d, t, VTEMP);
    (void)in;
}

/* unsigned bytes by signed ones: both widened */
static void byte_products(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned by = alloc_vec(e), x = alloc_vec(e), y = alloc_vec(e);
    splat_imm(e, V_SPLTISH, by, 8);
    zero(e, VTEMP);
    asm_v(&e->a, V_SRH, x, n, by);
    asm_v(&e->a, V_SRAH, y, m, by);
    asm_v4(&e->a, V_MLADDUHM, x, x, y, VTEMP);
    asm_v(&e->a, V_SLH, y, m, by);
    asm_v(&e->a, V_SRAH, y, y, by);
    asm_v(&e->a, V_SLH, VTEMP, n, by);
    asm_v(&e->a, V_SRH, VTEMP, VTEMP, by);
    zero(e, by);
    asm_v4(&e->a, V_MLADDUHM, y, y, VTEMP, by);
    asm_v(&e->a, V_ADDSHS, d, x, y);
    (void)in;
}

/* --- signs, neighbours --- */

static void sign(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint32_t sub[3] = { V_SUBUBM, V_SUBUHM, V_SUBUWM }, greater[3] = { V_CMPGTSB, V_CMPGTSH, V_CMPGTSW };
    unsigned k = lane_index(in->lane), negative = alloc_vec(e), t = alloc_vec(e);
    zero(e, VTEMP);
    asm_v(&e->a, sub[k], negative, VTEMP, n);
    asm_v(&e->a, greater[k], t, m, VTEMP);
    asm_xxsel(&e->a, t, VTEMP, n, t);
    asm_v(&e->a, greater[k], VTEMP, VTEMP, m);
    asm_xxsel(&e->a, d, t, negative, VTEMP);
}

static void neighbours(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    bool words = lane_index(in->lane) == LANE32;
    uint32_t pack = words ? V_PKUDUM : V_PKUWUM, op;
    unsigned odd = alloc_vec(e), by = words ? 12 : 14;
    switch (in->op) {
    case IR_VHADD: op = words ? V_ADDUWM : V_ADDUHM; break;
    case IR_VHSUB: op = words ? V_SUBUWM : V_SUBUHM; break;
    default: op = in->op == IR_VHADDSS ? V_ADDSHS : V_SUBSHS;
    }
    asm_v4(&e->a, V_SLDOI, odd, n, n, by);
    asm_v4(&e->a, V_SLDOI, VTEMP, m, m, by);
    asm_v(&e->a, pack, odd, VTEMP, odd);
    asm_v(&e->a, pack, VTEMP, m, n);
    asm_v(&e->a, op, d, VTEMP, odd);
}

static void differences(struct emitter *e, unsigned v, unsigned of)     /* v = the absolute ones, added up by fours */
{
    if (feature(e, FEATURE_3_0)) {
        asm_v(&e->a, V_ABSDUB, v, v, of);
    } else {
        asm_v(&e->a, V_MINUB, VTEMP, v, of);
        asm_v(&e->a, V_MAXUB, v, v, of);
        asm_v(&e->a, V_SUBUBM, v, v, VTEMP);
    }
    zero(e, VTEMP);
    asm_v(&e->a, V_SUM4UBS, v, v, VTEMP);
}

/* four bytes of m against the eight groups of four bytes that begin at each byte of n from 0 or 4 on */
static void sums(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned at = (in->aux >> 2 & 1) * 4, x = alloc_vec(e), y = alloc_vec(e), four = alloc_vec(e);
    uint8_t from[2][16];
    for (unsigned j = 0; j < 16; j++) {
        from[0][j] = (uint8_t)(at + j / 4 + j % 4);
        from[1][j] = (uint8_t)(from[0][j] + 4);
    }
    permute_into(e, x, n, n, from[0]);
    permute_into(e, y, n, n, from[1]);
    asm_v(&e->a, V_SPLTW, four, 3 - (in->aux & 3), m);
    differences(e, x, four);
    differences(e, y, four);
    asm_v(&e->a, V_PKUWUM, d, y, x);
}

/* words with their places below them; the smallest of these, turned round */
static void smallest(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint8_t places[16] = { 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0 };
    unsigned x = alloc_vec(e), y = alloc_vec(e);
    load_literal(e, y, places);
    asm_v(&e->a, V_MRGLH, x, n, y);
    asm_v(&e->a, V_MRGHH, y, n, y);
    asm_v(&e->a, V_MINUW, x, x, y);
    asm_v4(&e->a, V_SLDOI, y, x, x, 8);
    asm_v(&e->a, V_MINUW, x, x, y);
    asm_v4(&e->a, V_SLDOI, y, x, x, 4);
    asm_v(&e->a, V_MINUW, x, x, y);
    splat_imm(e, V_SPLTISW, VTEMP, -16);
    asm_v(&e->a, V_RLW, x, x, VTEMP);
    zero(e, VTEMP);
    asm_v4(&e->a, V_SLDOI, d, VTEMP, x, 4);
    (void)in, (void)m;
}

static void insert_single(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned to = in->aux >> 4 & 3, t = in->aux & 15 ? alloc_vec(e) : d;
    uint8_t from[16], kept[16];
    for (unsigned j = 0; j < 16; j++) {
        from[j] = (uint8_t)(j / 4 == to ? (in->aux >> 6) * 4 + j % 4 : 16 + j);
        kept[j] = in->aux >> j / 4 & 1 ? 0 : 0xff;
    }
    permute_into(e, t, n, m, from);
    if (t == d)
        return;
    load_literal(e, VTEMP, kept);
    asm_vs(&e->a, X_LAND, d, t, VTEMP);
}

/* --- the table: at most two operands; one lane size for each bit of `sizes` --- */

static const struct { void (*fn)(struct emitter *, const struct ir_insn *, unsigned d, unsigned n, unsigned m); uint8_t sizes; } forms[IR_N_OPS] = {
    [IR_VSHL] = { shift, 14 }, [IR_VSHR] = { shift, 14 }, [IR_VSAR] = { shift, 6 }, [IR_VMULHS] = { high_halves, 2 }, [IR_VMULHU] = { high_halves, 2 },
    [IR_VMULHRS] = { rounded_product, 2 }, [IR_VMADDUS] = { byte_products, 15 }, [IR_VSIGN] = { sign, 7 }, [IR_VHADD] = { neighbours, 6 },
    [IR_VHADDSS] = { neighbours, 2 }, [IR_VHSUB] = { neighbours, 6 }, [IR_VHSUBSS] = { neighbours, 2 }, [IR_VMPSAD] = { sums, 15 }, [IR_VMINPOS] = { smallest, 15 },
    [IR_VINSPS] = { insert_single, 15 },
};

bool emit_lanes(struct emitter *e, const struct ir_insn *in)
{
    if (!forms[in->op].fn || !(forms[in->op].sizes >> lane_index(in->lane) & 1))
        return false;
    unsigned n = vec_of(e, in->arg[0]), m = in->arg[1] == IR_NONE ? n : vec_of(e, in->arg[1]), d = dst_vec(e);
    forms[in->op].fn(e, in, d, n, m);
    result_vec(e, d);
    return true;
}
