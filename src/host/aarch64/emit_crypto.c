/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_crypto.c: AES, SHA and carry-less products by the host's own instructions, where it has them. x86 keeps SHA's words in the opposite order of
 * the host's, so these turn vectors round first and last. Destinations are written last, for they may be an operand's register.
 */
#include "host/aarch64/emit.h"

static void vvv(struct emitter *e, uint32_t op, unsigned d, unsigned n, unsigned m) { asm_put(&e->a, op | m << 16 | n << 5 | d); }
static void vv(struct emitter *e, uint32_t op, unsigned d, unsigned n) { asm_put(&e->a, op | n << 5 | d); }
static void move(struct emitter *e, unsigned d, unsigned n)
{
    if (d != n)
        vvv(e, 0x4ea01c00, d, n, n);
}

enum { EOR = 0x6e201c00, ADD_S = 0x4ea08400, ZERO = 0x6f00e400, EXT = 0x6e000000, REV64_S = 0x4ea00800, ZIP1_D = 0x4ec03800, ZIP2_D = 0x4ec07800, TRN1_S = 0x4e802800,
       DUP_S = 0x4e040400 /* from element << 19 */, DUP_W = 0x4e040c00, INS_S3 = 0x6e1c6400, INS_D1 = 0x6e184400 };

static void zero(struct emitter *e, unsigned d) { asm_put(&e->a, ZERO | d); }
static void ext(struct emitter *e, unsigned d, unsigned n, unsigned m, unsigned by) { vvv(e, EXT | by << 11, d, n, m); }
static void rotate_left(struct emitter *e, unsigned d, unsigned n, unsigned by)        /* d is not n */
{
    vv(e, 0x4f205400 | by << 16, d, n);                  /* shl, sri .4s */
    vv(e, 0x6f204400 | by << 16, d, n);
}
static void turn(struct emitter *e, unsigned d, unsigned n)
{
    vv(e, REV64_S, d, n);
    ext(e, d, d, d, 8);
}

/* --- AES: the host's instructions add the key first, x86's last */

static void aes(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    bool back = in->op == IR_AESD || in->op == IR_AESDL;
    asm_put(&e->a, 0x6f00e400 | VT1);
    move(e, VT0, n);
    vv(e, back ? 0x4e285800 : 0x4e284800, VT0, VT1);     /* aesd, aese */
    if (in->op == IR_AESE || in->op == IR_AESD)
        vv(e, back ? 0x4e287800 : 0x4e286800, VT0, VT0); /* aesimc, aesmc */
    vvv(e, EOR, d, VT0, m);
}

static void aes_columns(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    vv(e, 0x4e287800, d, n);
    (void)in, (void)m;
}

static void product(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    vv(e, 0x4e080400 | (in->aux & 1u) << 20, VT0, n);    /* dup .2d */
    vv(e, 0x4e080400 | (in->aux >> 4 & 1u) << 20, VT1, m);
    vvv(e, 0x0ee0e000, d, VT0, VT1);                     /* pmull .1q */
}

/* words 1 and 3 through the S-box, each also rotated, and with the round's constant. Of four equal words ShiftRows makes the same. */
static void aes_key(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned x = alloc_vec(e);
    zero(e, VT1);
    vv(e, DUP_S | 1u << 19, VT0, n);
    vv(e, DUP_S | 3u << 19, x, n);
    vv(e, 0x4e284800, VT0, VT1);                         /* aese */
    vv(e, 0x4e284800, x, VT1);
    vvv(e, ZIP1_D, VT0, VT0, x);
    rotate_left(e, VT1, VT0, 24);
    asm_put(&e->a, 0x4f000400 | (in->aux >> 5 & 7u) << 16 | (in->aux & 31u) << 5 | x);    /* movi .4s */
    vvv(e, EOR, VT1, VT1, x);
    vvv(e, TRN1_S, d, VT0, VT1);
    (void)m;
}

/* --- SHA-1 --- */

static void sha1_rounds(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    static const uint32_t op[4] = { 0x5e000000, 0x5e001000, 0x5e002000, 0x5e001000 };    /* sha1c, sha1p, sha1m */
    unsigned x = alloc_vec(e);
    turn(e, VT1, m);
    asm_imm(&e->a, T0, k[in->aux & 3]);
    vv(e, DUP_W, x, T0);
    vvv(e, ADD_S, VT1, VT1, x);
    turn(e, VT0, n);
    zero(e, x);                                          /* E is in the first word already */
    vvv(e, op[in->aux & 3], VT0, x, VT1);
    turn(e, VT0, VT0);
    move(e, d, VT0);
}

static void sha1_next(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned x = alloc_vec(e);
    rotate_left(e, VT0, n, 30);
    zero(e, x);
    vv(e, INS_S3, x, VT0);
    vvv(e, ADD_S, d, m, x);
    (void)in;
}

static void sha1_message1(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    ext(e, VT0, m, n, 8);
    vvv(e, EOR, d, n, VT0);
    (void)in;
}

/* each word ^ the one before, rotated; the first of the new words goes into the last */
static void sha1_message2(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned x = alloc_vec(e);
    zero(e, x);
    ext(e, VT0, x, m, 12);
    vvv(e, EOR, VT0, VT0, n);
    rotate_left(e, VT1, VT0, 1);
    rotate_left(e, VT0, VT1, 1);
    ext(e, VT0, VT0, x, 12);
    vvv(e, EOR, d, VT0, VT1);
    (void)in;
}

/* --- SHA-256 --- */

static void sha256_message1(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    move(e, VT0, n);
    vv(e, 0x5e282800, VT0, m);                           /* sha256su0 */
    move(e, d, VT0);
    (void)in;
}

/* the host's would add words that x86's caller has added: zeros */
static void sha256_message2(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned x = alloc_vec(e);
    move(e, VT0, n);
    zero(e, VT1);
    zero(e, x);
    vv(e, INS_D1, x, m);
    vvv(e, 0x5e006000, VT0, VT1, x);                     /* sha256su1 */
    move(e, d, VT0);
    (void)in;
}

/* Two rounds: the host does four, and what two left is there still, two places further on. w has the words for the first two. */
static bool sha256_rounds(struct emitter *e, const struct ir_insn *in)
{
    unsigned n = vec_of(e, in->arg[0]), m = vec_of(e, in->arg[1]), w = vec_of(e, in->arg[2]), x = alloc_vec(e), y = alloc_vec(e), d = dst_vec(e);
    vv(e, REV64_S, VT0, m);                              /* F E B A: E F A B */
    vv(e, REV64_S, VT1, n);                              /* H G D C: G H C D */
    vvv(e, ZIP2_D, x, VT0, VT1);
    vvv(e, ZIP1_D, y, VT0, VT1);
    move(e, VT0, x);
    vvv(e, 0x5e004000, x, y, w);                         /* sha256h, sha256h2 */
    vvv(e, 0x5e005000, y, VT0, w);
    vvv(e, ZIP2_D, VT0, y, x);
    vv(e, REV64_S, d, VT0);
    result_vec(e, d);
    return true;
}

/* --- the table --- */

static const struct { void (*fn)(struct emitter *, const struct ir_insn *, unsigned d, unsigned n, unsigned m); uint16_t needs; } forms[IR_N_OPS] = {
    [IR_AESE] = { aes, FEATURE_AES }, [IR_AESEL] = { aes, FEATURE_AES }, [IR_AESD] = { aes, FEATURE_AES }, [IR_AESDL] = { aes, FEATURE_AES },
    [IR_AESIMC] = { aes_columns, FEATURE_AES }, [IR_AESKEY] = { aes_key, FEATURE_AES }, [IR_CLMUL] = { product, FEATURE_PMULL },
    [IR_SHA1R] = { sha1_rounds, FEATURE_SHA1 }, [IR_SHA1E] = { sha1_next, 0 }, [IR_SHA1M1] = { sha1_message1, 0 }, [IR_SHA1M2] = { sha1_message2, 0 },
    [IR_SHA2M1] = { sha256_message1, FEATURE_SHA2 }, [IR_SHA2M2] = { sha256_message2, FEATURE_SHA2 },
};

bool emit_crypto(struct emitter *e, const struct ir_insn *in)
{
    if (in->op == IR_SHA2R)
        return feature(e, FEATURE_SHA2) && sha256_rounds(e, in);
    if (!forms[in->op].fn || (forms[in->op].needs & ~e->env->features))
        return false;
    unsigned n = vec_of(e, in->arg[0]), m = in->arg[1] == IR_NONE ? n : vec_of(e, in->arg[1]), d = dst_vec(e);
    forms[in->op].fn(e, in, d, n, m);
    result_vec(e, d);
    return true;
}
