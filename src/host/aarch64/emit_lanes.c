/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_lanes.c: vector operations that take several instructions: shifts by a register, products with rounding or saturation, sums and differences of
 * neighbours, minima with their place. Destinations are written last, for they may be an operand's register.
 */
#include "host/aarch64/emit.h"

static void vvv(struct emitter *e, uint32_t op, unsigned d, unsigned n, unsigned m) { asm_put(&e->a, op | m << 16 | n << 5 | d); }
static void vv(struct emitter *e, uint32_t op, unsigned d, unsigned n) { asm_put(&e->a, op | n << 5 | d); }
static uint32_t lanes(const struct ir_insn *in) { return (uint32_t)type_log2(in->lane) << 22; }
static void move(struct emitter *e, unsigned d, unsigned n)
{
    if (d != n)
        vvv(e, 0x4ea01c00, d, n, n);
}

enum { Q = 1 << 30, UXTL = 0x2f08a400, SXTL = 0x0f08a400, MUL_H = 0x4e609c00, UZP1_H = 0x4e401800, UZP2_H = 0x4e405800, SQADD_H = 0x4e600c00, ZIP1_S = 0x4e803800,
       ZIP2_S = 0x4e807800, UABD_B = 0x6e207400, UADDLP_B = 0x6e202800, ADDP_H = 0x4e60bc00, EOR = 0x6e201c00, ORR = 0x4ea01c00, AND = 0x4e201c00, SUB = 0x6e208400,
       ADD = 0x4e208400, EXT = 0x6e000000 };

/* The count, at most 64, to each byte; then shifts by signed bytes, which x86's rules for large counts fit. */
static void shift(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    vv(e, 0x2ea14800, VT0, m);                           /* uqxtn to 32 bits, 16, 8 */
    vv(e, 0x2e614800, VT0, VT0);
    vv(e, 0x2e214800, VT0, VT0);
    vv(e, 0x4e010400, VT0, VT0);                         /* dup .16b */
    vv(e, 0x4f02e400, VT1, 0);                           /* movi #64 */
    vvv(e, 0x6e206c00, VT0, VT0, VT1);                   /* umin .16b */
    if (in->op != IR_VSHL)
        vv(e, 0x6e20b800, VT0, VT0);                     /* neg .16b */
    vvv(e, (in->op == IR_VSAR ? 0x4e204400 : 0x6e204400) | lanes(in), d, n, VT0);        /* sshl, ushl */
}

static void rounded_product(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    vvv(e, 0x0e60c000, VT0, n, m);                       /* smull, smull2 */
    vvv(e, 0x4e60c000, VT1, n, m);
    vv(e, 0x0f118c00, d, VT0);                           /* rshrn #15 */
    vv(e, 0x4f118c00, d, VT1);
    (void)in;
}

static void byte_products(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned x = alloc_vec(e);
    vv(e, UXTL, VT0, n);
    vv(e, SXTL, VT1, m);
    vvv(e, MUL_H, VT0, VT0, VT1);
    vv(e, UXTL | Q, x, n);
    vv(e, SXTL | Q, VT1, m);
    vvv(e, MUL_H, x, x, VT1);
    vvv(e, UZP1_H, VT1, VT0, x);
    vvv(e, UZP2_H, VT0, VT0, x);
    vvv(e, SQADD_H, d, VT1, VT0);
    (void)in;
}

static void sign(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    vv(e, 0x4e20a800 | lanes(in), VT0, m);               /* below zero */
    vvv(e, 0x4e208c00 | lanes(in), VT1, m, m);           /* not zero */
    vvv(e, AND, VT1, VT1, n);
    vvv(e, EOR, VT1, VT1, VT0);
    vvv(e, SUB | lanes(in), d, VT1, VT0);
}

static void neighbours(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint32_t op[IR_N_OPS] = { [IR_VHADDSS] = 0x4e200c00, [IR_VHSUB] = SUB, [IR_VHSUBSS] = 0x4e202c00 };
    vvv(e, 0x4e001800 | lanes(in), VT0, n, m);           /* uzp1, uzp2 */
    vvv(e, 0x4e005800 | lanes(in), VT1, n, m);
    vvv(e, op[in->op] | lanes(in), d, VT0, VT1);
}

/* four bytes of m against the eight groups of four bytes that begin at each byte of n from 0 or 4 on */
static void sums(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned at = (in->aux >> 2 & 1) * 4, x = alloc_vec(e), y = alloc_vec(e);
    vvv(e, EXT | at << 11, VT0, n, n);
    vvv(e, EXT | (at + 2) << 11, VT1, n, n);
    vvv(e, ZIP1_S, x, VT0, VT1);
    vvv(e, EXT | (at + 1) << 11, VT0, n, n);
    vvv(e, EXT | (at + 3) << 11, VT1, n, n);
    vvv(e, ZIP1_S, y, VT0, VT1);
    vvv(e, ZIP1_S, VT0, x, y);
    vvv(e, ZIP2_S, x, x, y);
    vv(e, 0x4e040400 | (in->aux & 3u) << 19, y, m);      /* dup .4s */
    vvv(e, UABD_B, VT0, VT0, y);
    vvv(e, UABD_B, x, x, y);
    vv(e, UADDLP_B, VT0, VT0);
    vv(e, UADDLP_B, x, x);
    vvv(e, ADDP_H, d, VT0, x);
}

/* words with their places below them; the smallest of these, turned round */
static void smallest(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned x = alloc_vec(e);
    load_constant(e, T0, 0x0003000200010000);
    vv(e, 0x9e670000, VT1, T0);
    vv(e, 0x2f10a400, VT1, VT1);                         /* uxtl .4s */
    vv(e, 0x2e613800, VT0, n);                           /* shll .4s #16 */
    vvv(e, ORR, VT0, VT0, VT1);
    vv(e, 0x4f000480, x, 0);                             /* movi .4s #4 */
    vvv(e, ADD | 2u << 22, VT1, VT1, x);
    vv(e, 0x6e613800, x, n);
    vvv(e, ORR, x, x, VT1);
    vvv(e, 0x6ea06c00, VT0, VT0, x);                     /* umin .4s */
    vv(e, 0x6eb1a800, VT0, VT0);                         /* uminv s */
    vv(e, 0x2e600800, d, VT0);                           /* rev32 .4h */
    (void)in, (void)m;
}

static void insert_single(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned to = in->aux >> 4 & 3, from = in->aux >> 6;
    move(e, VT0, n);
    asm_put(&e->a, 0x6e040400 | to << 19 | from << 13 | m << 5 | VT0);                   /* ins s */
    for (unsigned k = 0; k < 4; k++)
        if (in->aux >> k & 1)
            asm_put(&e->a, 0x4e041c00 | k << 19 | ZR << 5 | VT0);
    move(e, d, VT0);
}

/* --- the table; at most two operands in vectors, one lane size for each bit of `sizes` */

static const struct { void (*fn)(struct emitter *, const struct ir_insn *, unsigned d, unsigned n, unsigned m); uint8_t sizes; } forms[IR_N_OPS] = {
    [IR_VSHL] = { shift, 14 }, [IR_VSHR] = { shift, 14 }, [IR_VSAR] = { shift, 6 }, [IR_VMULHRS] = { rounded_product, 2 }, [IR_VMADDUS] = { byte_products, 15 },
    [IR_VSIGN] = { sign, 7 }, [IR_VHADDSS] = { neighbours, 2 }, [IR_VHSUB] = { neighbours, 6 }, [IR_VHSUBSS] = { neighbours, 2 }, [IR_VMPSAD] = { sums, 15 },
    [IR_VMINPOS] = { smallest, 15 }, [IR_VINSPS] = { insert_single, 15 },
};

bool emit_lanes(struct emitter *e, const struct ir_insn *in)
{
    if (!forms[in->op].fn || !(forms[in->op].sizes >> type_log2(in->lane) & 1))
        return false;
    unsigned n = vec_of(e, in->arg[0]), m = in->arg[1] == IR_NONE ? n : vec_of(e, in->arg[1]), d = dst_vec(e);
    forms[in->op].fn(e, in, d, n, m);
    result_vec(e, d);
    return true;
}
