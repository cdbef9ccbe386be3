/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_crypto.c: AES, carry-less products and SHA. The host's AES has the state's first byte on the left, x86's on the right, so that vectors are
 * turned round before and after. Of SHA the host has the sigma functions of SHA-256. Elements are numbered from the right.
 * Manual: Power ISA book I, 6.11 (VMX cryptography).
 */
#include "host/ppc64le/emit_vec.h"

static void select_words(struct emitter *e, unsigned d, unsigned a, unsigned b, unsigned n) { asm_xxsldwi(&e->a, d, a, b, n); }
/* the same where a or b is the register of zeros */
static void zero_above(struct emitter *e, unsigned d, unsigned v, unsigned n) { asm_x3(&e->a, (uint32_t)X_SLDWI | n << 8, VEC + d, VS_ZERO, VEC + v); }
static void zero_below(struct emitter *e, unsigned d, unsigned v, unsigned n) { asm_x3(&e->a, (uint32_t)X_SLDWI | n << 8, VEC + d, VEC + v, VS_ZERO); }
/* a doubleword (0: the right one) alone */
static void alone(struct emitter *e, unsigned d, unsigned v, unsigned from, unsigned to)
{
    if (to)
        asm_x3(&e->a, (uint32_t)X_PERMDI | (from ? 0u : 2u) << 8, VEC + d, VEC + v, VS_ZERO);
    else
        asm_x3(&e->a, (uint32_t)X_PERMDI | (from ? 0u : 1u) << 8, VEC + d, VS_ZERO, VEC + v);
}

/* --- AES. The host's instructions add the key last, but vncipher mixes columns after it: the key is added here --- */

static unsigned turner(struct emitter *e)
{
    if (feature(e, FEATURE_3_0))
        return NO_REG;
    unsigned c = alloc_vec(e);
    asm_x(&e->a, P_LVSL, c, 0, REG_STATE);               /* 0, 1, .. 15, for the state is aligned */
    asm_vs(&e->a, X_LNOR, c, c, c);
    return c;
}

static void turn(struct emitter *e, unsigned d, unsigned v, unsigned control)
{
    if (control == NO_REG)
        asm_xxbrq(&e->a, d, v);
    else
        asm_v4(&e->a, V_PERM, d, v, v, control);
}

static void aes(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint32_t op[4] = { V_CIPHER, V_CIPHERLAST, V_NCIPHER, V_NCIPHERLAST };
    unsigned t = alloc_vec(e), c = turner(e);
    turn(e, t, n, c);
    zero(e, VTEMP);
    asm_v(&e->a, op[in->op - IR_AESE], t, t, VTEMP);
    turn(e, t, t, c);
    asm_vs(&e->a, X_LXOR, d, t, m);
}

/* the columns alone: what else vncipher does is undone beforehand */
static void aes_columns(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned t = alloc_vec(e), c = turner(e);
    turn(e, t, n, c);
    zero(e, VTEMP);
    asm_v(&e->a, V_CIPHERLAST, t, t, VTEMP);
    asm_v(&e->a, V_NCIPHER, t, t, VTEMP);
    turn(e, d, t, c);
    (void)in, (void)m;
}

/* words 1 and 3 through the S-box, each also rotated, and with the round's constant */
static void aes_key(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned t = alloc_vec(e);
    uint8_t round[16] = { [4] = in->aux, [12] = in->aux };
    asm_v(&e->a, V_SBOX, t, n, 0);
    splat_imm(e, V_SPLTISW, VTEMP, -8);
    asm_v(&e->a, V_RLW, VTEMP, t, VTEMP);
    asm_v(&e->a, V_MRGEW, in->aux ? t : d, VTEMP, t);
    if (in->aux) {
        load_literal(e, VTEMP, round);
        asm_vs(&e->a, X_LXOR, d, t, VTEMP);
    }
    (void)m;
}

/* the sum of two products, of which one is by zero */
static void product(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    alone(e, VTEMP, n, in->aux & 1, in->aux >> 4 & 1);
    asm_v(&e->a, V_PMSUMD, d, VTEMP, m);
}

/* of the general vector registers: what a round adds, a mask */
enum { WORDS = 0, UPPER = 1 };

/* --- SHA-1: each variable is in the leftmost word of a register of its own --- */

static void rotate(struct emitter *e, unsigned d, unsigned v, int by)     /* left; by: as a vector's immediate. d is not v */
{
    splat_imm(e, V_SPLTISW, d, by);
    asm_v(&e->a, V_RLW, d, v, d);
}

static void sha1_function(struct emitter *e, unsigned kind, unsigned t, unsigned b, unsigned c, unsigned d)
{
    if (kind == 0) {
        asm_xxsel(&e->a, t, d, c, b);
        return;
    }
    asm_vs(&e->a, X_LXOR, t, b, c);
    kind == 2 ? asm_xxsel(&e->a, t, b, d, t) : asm_vs(&e->a, X_LXOR, t, t, d);
}

static void sha1_rounds(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    static const uint32_t constant[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    unsigned v[5], kind = in->aux & 3, t;                                 /* a, b, c, d, e */
    for (unsigned k = 0; k < 4; k++)
        v[k] = alloc_vec(e);
    set_imm(&e->a, e->env, TEMP, (int32_t)constant[kind]);
    asm_mvsr(&e->a, P_MTVSRD, VTEMP, TEMP);
    asm_v(&e->a, V_SPLTW, VTEMP, 1, VTEMP);
    asm_v(&e->a, V_ADDUWM, VTEMP, VTEMP, m);
    asm_x3(&e->a, (uint32_t)X_LOR, WORDS, VEC + VTEMP, VEC + VTEMP);
    for (unsigned k = 0; k < 4; k++)
        select_words(e, v[k], n, n, k);
    v[4] = d;                                                             /* which may be n: after its last use */
    for (unsigned k = 0; k < 4; k++) {
        t = v[4];
        if (k) {                                                          /* the first e is in x86's words already */
            sha1_function(e, kind, VTEMP, v[1], v[2], v[3]);
            asm_v(&e->a, V_ADDUWM, t, t, VTEMP);
        } else
            sha1_function(e, kind, t, v[1], v[2], v[3]);
        rotate(e, VTEMP, v[0], 5);
        asm_v(&e->a, V_ADDUWM, t, t, VTEMP);
        asm_x3(&e->a, (uint32_t)X_SLDWI | k << 8, VEC + VTEMP, WORDS, WORDS);
        asm_v(&e->a, V_ADDUWM, t, t, VTEMP);
        splat_imm(e, V_SPLTISW, VTEMP, -2);
        asm_v(&e->a, V_RLW, v[1], v[1], VTEMP);
        v[4] = v[3], v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t;
    }
    asm_vs(&e->a, X_MRGHW, v[0], v[0], v[1]);
    asm_vs(&e->a, X_MRGHW, v[2], v[2], v[3]);
    asm_xxpermdi(&e->a, d, v[0], v[2], 0);
}

static void sha1_next(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned t = alloc_vec(e);
    rotate(e, t, n, -2);
    zero_above(e, t, t, 1);                              /* its leftmost word, at the right */
    select_words(e, t, t, t, 3);
    asm_v(&e->a, V_ADDUWM, d, t, m);
    (void)in;
}

static void sha1_message1(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    asm_xxpermdi(&e->a, VTEMP, n, m, 2);
    asm_vs(&e->a, X_LXOR, d, n, VTEMP);
    (void)in;
}

/* each word ^ the one before, rotated; the last of the new words goes into the first */
static void sha1_message2(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned t = alloc_vec(e), u = alloc_vec(e);
    zero_below(e, t, m, 1);
    asm_vs(&e->a, X_LXOR, t, t, n);
    splat_imm(e, V_SPLTISW, VTEMP, 1);
    asm_v(&e->a, V_RLW, t, t, VTEMP);
    asm_v(&e->a, V_RLW, u, t, VTEMP);
    zero_above(e, u, u, 1);
    asm_vs(&e->a, X_LXOR, d, t, u);
    (void)in;
}

/* --- SHA-256 --- */

static void sigma(struct emitter *e, unsigned d, unsigned v, unsigned which) { asm_v(&e->a, V_SHASIGMAW, d, v, which); }
enum { SMALL_0 = 0, SMALL_1 = 15, BIG = 16, WORD_1 = 2 /* sigma 1 for it */ };

static void sha256_message1(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    asm_v4(&e->a, V_SLDOI, VTEMP, m, n, 12);
    sigma(e, VTEMP, VTEMP, SMALL_0);
    asm_v(&e->a, V_ADDUWM, d, n, VTEMP);
    (void)in;
}

static void sha256_message2(struct emitter *e, const struct ir_insn *in, unsigned d, unsigned n, unsigned m)
{
    unsigned t = alloc_vec(e);
    alone(e, VTEMP, m, 1, 0);
    sigma(e, VTEMP, VTEMP, SMALL_1);
    asm_v(&e->a, V_ADDUWM, t, n, VTEMP);
    alone(e, VTEMP, t, 0, 1);
    sigma(e, VTEMP, VTEMP, SMALL_1);
    asm_v(&e->a, V_ADDUWM, d, t, VTEMP);
    (void)in;
}

/* One round. abef is F E B A, cdgh H G D C from the right; both roles of a round are done at once: in word 1 what E gives, in word 3 what A gives.
 * WORDS, moved by `at` words to the left, has the round's in word 1; UPPER has ones in words 2 and 3. New ones to d and, unless it is NO_REG, h. */
static void sha256_round(struct emitter *e, unsigned d, unsigned h, unsigned abef, unsigned cdgh, unsigned at, const unsigned t[2])
{
    struct asm_buf *a = &e->a;
    select_words(e, t[0], abef, abef, 1);                                 /* F and B beside E and A */
    asm_x3(a, (uint32_t)X_LANDC, VEC + t[1], UPPER, VEC + t[0]);
    asm_vs(a, X_LXOR, t[1], t[1], abef);
    asm_xxsel(a, t[1], cdgh, t[0], t[1]);                                 /* choose(e, f, g), majority(a, b, c) */
    sigma(e, VTEMP, abef, BIG | WORD_1);
    asm_v(a, V_ADDUWM, t[1], t[1], VTEMP);
    select_words(e, VTEMP, cdgh, cdgh, 1);                                /* H and D */
    if (h != NO_REG)
        asm_v(a, V_MRGEW, h, t[0], cdgh);
    asm_v(a, V_ADDUWM, t[0], t[1], VTEMP);
    asm_xxpermdi(a, t[1], t[1], VTEMP, 0);
    asm_x3(a, (uint32_t)X_SLDWI | at << 8, VEC + VTEMP, WORDS, WORDS);
    asm_v(a, V_ADDUWM, t[0], t[0], VTEMP);
    asm_v(a, V_SPLTW, t[0], 2, t[0]);
    asm_v(a, V_ADDUWM, t[1], t[1], t[0]);
    asm_v(a, V_MRGEW, d, t[1], abef);
}

/* three operands and the result leave three registers */
static void sha256_rounds(struct emitter *e, const struct ir_insn *in)
{
    unsigned cdgh = vec_of(e, in->arg[0]), abef = vec_of(e, in->arg[1]), w = vec_of(e, in->arg[2]), t[2] = { alloc_vec(e), alloc_vec(e) }, x = alloc_vec(e), d = dst_vec(e);
    asm_x3(&e->a, (uint32_t)X_LOR, WORDS, VEC + w, VEC + w);
    splat_imm(e, V_SPLTISB, VTEMP, -1);
    asm_x3(&e->a, (uint32_t)X_PERMDI, UPPER, VEC + VTEMP, VS_ZERO);
    sha256_round(e, d, x, abef, cdgh, 1, t);
    sha256_round(e, d, NO_REG, d, x, 0, t);
    result_vec(e, d);
}

/* --- the table --- */

static void (*const forms[IR_N_OPS])(struct emitter *, const struct ir_insn *, unsigned d, unsigned n, unsigned m) = {
    [IR_AESE] = aes, [IR_AESEL] = aes, [IR_AESD] = aes, [IR_AESDL] = aes, [IR_AESIMC] = aes_columns, [IR_AESKEY] = aes_key, [IR_CLMUL] = product,
    [IR_SHA1R] = sha1_rounds, [IR_SHA1E] = sha1_next, [IR_SHA1M1] = sha1_message1, [IR_SHA1M2] = sha1_message2,
    [IR_SHA2M1] = sha256_message1, [IR_SHA2M2] = sha256_message2,
};

bool emit_crypto(struct emitter *e, const struct ir_insn *in)
{
    if (in->op == IR_SHA2R) {
        sha256_rounds(e, in);
        return true;
    }
    if (!forms[in->op])
        return false;
    unsigned n = vec_of(e, in->arg[0]), m = in->arg[1] == IR_NONE ? n : vec_of(e, in->arg[1]), d = dst_vec(e);
    forms[in->op](e, in, d, n, m);
    result_vec(e, d);
    return true;
}
