/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_shift.c: shifts and rotates with flags. By a count that may be 0 the flags word is the state's then: a branch around what makes the new one.
 */
#include "host/ppc64le/emit.h"

static bool known_count(const struct emitter *e, const struct ir_insn *in, unsigned arg, unsigned *n)
{
    int64_t c = 0;
    bool known = is_const(e, in->arg[arg], &c);
    *n = (unsigned)c & (in->type == IR_I64 ? 63 : 31);
    return known && *n;
}

/* the masked count, where no constant is known; TEMP and TEMP2 stay free */
static unsigned masked_count(struct emitter *e, const struct ir_insn *in, unsigned arg)
{
    unsigned count = gpr_of(e, in->arg[arg]), n = alloc_gpr(e);
    asm_clear(&e->a, n, count, in->type == IR_I64 ? 6 : 5);
    return n;
}

/* The word with the state's flags, and a branch around its computation that is taken for a count of 0. */
static uint8_t *unless_zero(struct emitter *e, unsigned w, unsigned n)
{
    need_flags(e);
    asm_cmpi(&e->a, CR_TEMP, false, false, n, 0);
    asm_d(&e->a, P_LHZ, w, REG_STATE, (int32_t)e->o->flags);
    uint8_t *zero = asm_bc_later(&e->a, BO_TRUE, 4 * CR_TEMP + CR_EQ);
    asm_d(&e->a, P_ADDI, w, 0, 0);
    return zero;
}

/* overflow, from the result and, to the left, the carry in w: top bit ^ carry; to the right: the two top bits */
static void word_overflow(struct emitter *e, unsigned w, unsigned r, unsigned bits, bool left)
{
    if (left) {
        asm_rldicl(&e->a, TEMP, r, (64 - (bits - 1)) & 63, 63);
        asm_rlwinm(&e->a, TEMP2, w, 24, 31, 31);
        asm_l(&e->a, P_XOR, TEMP, TEMP, TEMP2);
        flag_insert(e, w, TEMP, 0, 0);
    } else {
        asm_sldi(&e->a, TEMP, r, 1);
        asm_l(&e->a, P_XOR, TEMP, TEMP, r);
        flag_insert_top(e, w, TEMP, bits, 0);
    }
}

/* --- shifts --- */

static void shift_known(struct emitter *e, const struct ir_insn *in, unsigned r, unsigned a, unsigned n)
{
    unsigned bits = type_bits(in->type), op = in->op;
    if (op == IR_SHLF)
        asm_sldi(&e->a, r, a, n);
    else if (op == IR_SHRF)
        n < bits ? asm_rldicl(&e->a, r, a, 64 - n, 64 - bits + n) : asm_d(&e->a, P_ADDI, r, 0, 0);
    else
        bits == 32 ? asm_srawi(&e->a, r, a, n) : asm_sradi(&e->a, r, a, n);
}

static unsigned shift_ext(const struct ir_insn *in) { return in->op == IR_SHRF ? ZX : in->op == IR_SARF ? SX : 0; }

static void emit_shift_known(struct emitter *e, const struct ir_insn *in, unsigned n)
{
    struct value *v = &e->v[e->i];
    unsigned bits = type_bits(in->type), mask = v->word_mask;
    unsigned a = in->op == IR_SARF && bits < 32 ? gpr_ext(e, in->arg[0], SX) : gpr_of(e, in->arg[0]);
    bool word = v->views & VIEW_WORD;
    unsigned r = word || !v->uses ? alloc_gpr(e) : dst_gpr(e);
    shift_known(e, in, r, a, n);
    compare_result(e, in->type, r);
    if (!word) {
        if (v->uses)
            result(e, r, shift_ext(in));
        return;
    }
    unsigned w = new_word(e);
    word_zsp(e, w, mask, r, bits);
    unsigned from = in->op == IR_SHLF ? bits - n : n - 1;           /* the last bit shifted out */
    if (mask & (IR_F_C | IR_F_O) && (n <= bits || in->op == IR_SARF)) {
        asm_rldicl(&e->a, TEMP, a, (64 - from) & 63, 63);
        flag_insert(e, w, TEMP, 0, 8);
    }
    if (mask & IR_F_O)
        word_overflow(e, w, r, bits, in->op == IR_SHLF);
    port_word(e, in, w);
    place(e, r, shift_ext(in));
}

static void emit_shift_variable(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    unsigned bits = type_bits(in->type), mask = v->word_mask, op = in->op == IR_SHLF ? P_SLD : in->op == IR_SHRF ? P_SRD : bits == 32 ? P_SRAW : P_SRAD;
    bool word = v->views & VIEW_WORD;
    unsigned a = in->op == IR_SHLF || op == P_SRAW ? gpr_of(e, in->arg[0]) : gpr_ext(e, in->arg[0], in->op == IR_SHRF ? ZX : SX), n = masked_count(e, in, 1);
    unsigned r = word || !v->uses ? alloc_gpr(e) : dst_gpr(e), w = word ? alloc_gpr(e) : 0;
    asm_l(&e->a, op, r, a, n);
    if (!word) {
        if (v->uses)
            result(e, r, shift_ext(in));
        return;
    }
    uint8_t *zero = unless_zero(e, w, n);
    word_zsp(e, w, mask, r, bits);
    if (mask & (IR_F_C | IR_F_O)) {
        asm_d(&e->a, P_ADDI, TEMP2, n, -1);
        asm_l(&e->a, op, TEMP, a, TEMP2);
        in->op == IR_SHLF ? flag_insert_top(e, w, TEMP, bits, 8) : flag_insert(e, w, TEMP, 0, 8);
    }
    if (mask & IR_F_O)
        word_overflow(e, w, r, bits, in->op == IR_SHLF);
    asm_patch(&e->a, zero);
    port_word(e, in, w);
    place(e, r, shift_ext(in));
}

/* --- rotates: only carry and overflow --- */

static void emit_rotate_flags(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    bool left = in->op == IR_ROLF, word = v->views & VIEW_WORD;
    unsigned bits = type_bits(in->type), n, a = gpr_of(e, in->arg[0]), count = NO_REG;
    bool known = known_count(e, in, 1, &n);
    if (!known)
        count = masked_count(e, in, 1);
    unsigned r = word || !v->uses ? alloc_gpr(e) : dst_gpr(e);
    rotate_gpr(e, bits, left, r, a, count, n);
    if (!word) {
        if (v->uses)
            result(e, r, bits == 32 ? ZX : 0);
        return;
    }
    unsigned w = alloc_gpr(e);
    uint8_t *zero = NULL;
    if (known)
        asm_d(&e->a, P_ADDI, w, 0, 0);
    else
        zero = unless_zero(e, w, count);
    left ? flag_insert(e, w, r, 0, 8) : flag_insert_top(e, w, r, bits, 8);
    if (v->word_mask & IR_F_O)
        word_overflow(e, w, r, bits, left);
    if (zero)
        asm_patch(&e->a, zero);
    port_word(e, in, w);
    place(e, r, bits == 32 ? ZX : 0);
}

/* The carry stands between a's two parts; bits above the type are anything after a turn to the left, 0 else. */
static void rotate_between(struct emitter *e, bool left, unsigned bits, unsigned r, unsigned a, unsigned c, unsigned n)
{
    if (left) {
        asm_sldi(&e->a, r, a, n);
        asm_rldimi(&e->a, r, c, n - 1, 64 - n);
        if (n > 1) {
            asm_srdi(&e->a, TEMP, a, bits + 1 - n);
            asm_rldimi(&e->a, r, TEMP, 0, 65 - n);
        }
        return;
    }
    asm_srdi(&e->a, r, a, n);
    asm_rldimi(&e->a, r, c, bits - n, 63 - bits + n);
    if (n > 1)
        asm_rldimi(&e->a, r, a, bits + 1 - n, 64 - bits);
}

/* RCL and RCR by a constant, but for a full turn */
static bool emit_rotate_carry(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    bool left = in->op == IR_RCLF;
    unsigned bits = type_bits(in->type), n;
    if (!known_count(e, in, 1, &n) || !(n %= bits + 1))
        return false;
    unsigned a = gpr_ext(e, in->arg[0], ZX), c = gpr_of(e, in->arg[2]), r = alloc_gpr(e), from = left ? bits - n : n - 1;
    rotate_between(e, left, bits, r, a, c, n);
    if (v->views & VIEW_WORD) {
        unsigned w = new_word(e);
        if (from >= 32)
            asm_srdi(&e->a, TEMP, a, 32);
        flag_insert(e, w, from >= 32 ? TEMP : a, from & 31, 8);
        if (v->word_mask & IR_F_O)
            word_overflow(e, w, r, bits, left);
        port_word(e, in, w);
    }
    place(e, r, left ? 0 : ZX);
    return true;
}

/* --- double shifts; of 16 bits only by a constant below 16 --- */

static void double_known(struct emitter *e, bool left, unsigned bits, unsigned r, unsigned a, unsigned b, unsigned n)
{
    if (bits == 64) {
        left ? asm_rldicl(&e->a, r, b, n, 64 - n) : asm_rldicl(&e->a, r, a, 64 - n, n);
        left ? asm_rldimi(&e->a, r, a, n, 0) : asm_rldimi(&e->a, r, b, 64 - n, 0);
    } else if (bits == 16) {
        asm_rlwinm(&e->a, r, left ? b : a, 0, 16, 31);
        asm_rlwimi(&e->a, r, left ? a : b, 16, 0, 15);
        asm_rlwinm(&e->a, r, r, left ? 16 + n : 32 - n, 16, 31);
    } else {
        left ? asm_rlwinm(&e->a, r, b, n, 32 - n, 31) : asm_rlwinm(&e->a, r, a, 32 - n, n, 31);
        left ? asm_rlwimi(&e->a, r, a, n, 0, 31 - n) : asm_rlwimi(&e->a, r, b, 32 - n, 0, n - 1);
    }
}

/* a count of 0 shifts b out by its whole width */
static void double_variable(struct emitter *e, bool left, unsigned bits, unsigned r, unsigned a, unsigned b, unsigned n)
{
    unsigned sl = bits == 64 ? P_SLD : P_SLW, sr = bits == 64 ? P_SRD : P_SRW;
    asm_d(&e->a, P_SUBFIC, TEMP2, n, (int32_t)bits);
    asm_l(&e->a, left ? sr : sl, TEMP, b, TEMP2);
    asm_l(&e->a, left ? sl : sr, r, a, n);
    asm_l(&e->a, P_OR, r, r, TEMP);
}

static bool emit_double(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    bool left = in->op == IR_SHLDF, word = v->views & VIEW_WORD;
    unsigned bits = type_bits(in->type), n, count = NO_REG;
    bool known = known_count(e, in, 2, &n);
    if (bits < 32 && (!known || n >= bits))
        return false;
    unsigned a = gpr_of(e, in->arg[0]), b = gpr_of(e, in->arg[1]);
    if (!known)
        count = masked_count(e, in, 2);
    unsigned r = alloc_gpr(e);
    known ? double_known(e, left, bits, r, a, b, n) : double_variable(e, left, bits, r, a, b, count);
    if (word) {
        unsigned w = alloc_gpr(e);
        uint8_t *zero = NULL;
        if (known)
            asm_d(&e->a, P_ADDI, w, 0, 0);
        else
            zero = unless_zero(e, w, count);
        word_zsp(e, w, v->word_mask, r, bits);
        if (v->word_mask & (IR_F_C | IR_F_O) && known) {
            asm_rldicl(&e->a, TEMP, a, (64 - (left ? bits - n : n - 1)) & 63, 63);
            flag_insert(e, w, TEMP, 0, 8);
        } else if (v->word_mask & (IR_F_C | IR_F_O)) {
            asm_d(&e->a, P_ADDI, TEMP2, count, -1);
            asm_l(&e->a, left ? P_SLD : P_SRD, TEMP, a, TEMP2);
            left ? flag_insert_top(e, w, TEMP, bits, 8) : flag_insert(e, w, TEMP, 0, 8);
        }
        if (v->word_mask & IR_F_O)
            word_overflow(e, w, r, bits, left);
        if (zero)
            asm_patch(&e->a, zero);
        port_word(e, in, w);
    }
    place(e, r, bits < 64 ? ZX : 0);
    return true;
}

bool emit_shift(struct emitter *e, const struct ir_insn *in)
{
    unsigned n;
    switch (in->op) {
    case IR_SHLF: case IR_SHRF: case IR_SARF:
        if (known_count(e, in, 1, &n))
            emit_shift_known(e, in, n);
        else
            emit_shift_variable(e, in);
        return true;
    case IR_ROLF: case IR_RORF: emit_rotate_flags(e, in); return true;
    case IR_RCLF: case IR_RCRF: return emit_rotate_carry(e, in);
    case IR_SHLDF: case IR_SHRDF: return emit_double(e, in);
    default: return false;
    }
}
