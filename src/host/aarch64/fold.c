/* SPDX-License-Identifier: GPL-2.0-or-later
 * fold.c: operations that their only user's instruction does as well: shifts of its second operand, products that it adds or subtracts, the
 * negative of what it selects, fields that it cuts out, and tests for zero that a branch makes by itself. Such an operation waits for its user
 * (value.later), and its operands wait with it. Whoever asks for its value by the usual ways gets it in a register all the same.
 */
#include "host/aarch64/emit.h"

enum { FAR = 40 };

static const uint8_t shift_of[IR_N_OPS] = { [IR_SHL] = 1 + LSL, [IR_SHLF] = 1 + LSL, [IR_SHR] = 1 + LSR, [IR_SHRF] = 1 + LSR, [IR_SAR] = 1 + ASR, [IR_SARF] = 1 + ASR };
static const uint32_t with_shift[IR_N_OPS] = {
    [IR_ADD] = A_ADD, [IR_ADDF] = A_ADD, [IR_SUB] = A_SUB, [IR_SUBF] = A_SUB, [IR_AND] = A_AND, [IR_ANDF] = A_AND, [IR_OR] = A_ORR, [IR_ORF] = A_ORR,
    [IR_XOR] = A_EOR, [IR_XORF] = A_EOR,
};

static bool is_product(unsigned op) { return op == IR_MUL || op == IR_SMULF || op == IR_UMULF; }
static bool is_negative(unsigned op) { return op == IR_NEG || op == IR_NEGF || op == IR_NOT; }
static bool is_word(unsigned type) { return type == IR_I32 || type == IR_I64; }
static bool no_flags(const struct emitter *e, unsigned j) { return !insn(e, (ir_ref)j)->live && e->v[j].putf == NO_INSN && !e->v[j].port_last; }

/* by a constant that leaves something */
static bool const_shift(const struct emitter *e, const struct ir_insn *in, unsigned *count)
{
    int64_t c;
    if (!shift_of[in->op] || !is_word(in->type) || !is_const(e, in->arg[1], &c))
        return false;
    *count = (unsigned)c & (in->type == IR_I64 ? 63 : 31);
    return *count;
}

/* bits of a mask of low ones, or 0 */
static unsigned low_mask(const struct emitter *e, ir_ref r)
{
    const struct ir_insn *in = insn(e, r);
    uint64_t m = in->op == IR_CONST ? const_bits(in) : 0;
    return m && !(m & (m + 1)) ? (unsigned)__builtin_popcountll(m) : 0;
}

/* --- which: when the block is looked at from its end --- */

/* r would have to leave its register: a PUT between takes it */
static bool is_in_the_way(const struct emitter *e, const struct ir_insn *put, ir_ref r, unsigned at)
{
    if (insn(e, r)->op == IR_GET)
        return insn(e, r)->imm == put->imm;
    for (unsigned k = r + 1u; k < at; k++)
        if (insn(e, (ir_ref)k)->op == IR_PUT && insn(e, (ir_ref)k)->arg[0] == r && insn(e, (ir_ref)k)->imm == put->imm)
            return true;
    return false;
}

/* nothing between an operation and its user speaks against waiting */
static bool can_wait(const struct emitter *e, unsigned j, unsigned user)
{
    const struct ir_insn *in = insn(e, (ir_ref)j);
    if (user - j > FAR)
        return false;
    for (unsigned k = j + 1; k < user; k++) {
        const struct ir_insn *p = insn(e, (ir_ref)k);
        if (traits(p) & TR_BARRIER && p->op != IR_INSN)
            return false;
        for (unsigned o = 0; o < 2 && p->op == IR_PUT; o++)
            if (in->arg[o] != IR_NONE && j - in->arg[o] < FAR && is_in_the_way(e, p, in->arg[o], k))
                return false;
    }
    return true;
}

/* the user's other operand goes to a register as it is */
static bool is_plain(const struct emitter *e, ir_ref r) { return insn(e, r)->op != IR_CONST && !e->v[r].later; }

static bool folds_shift(const struct emitter *e, unsigned j, const struct ir_insn *in, const struct ir_insn *user)
{
    unsigned count, k = user->arg[0] == j ? 0 : 1;
    if (!const_shift(e, in, &count))
        return false;
    if (user->op == IR_TRUNC)
        return e->v[e->v[j].user].later;
    if (!with_shift[user->op] || user->type != in->type || !no_flags(e, e->v[j].user))
        return false;
    if (user->op == IR_AND || user->op == IR_ANDF)
        if (shift_of[in->op] == 1 + LSR && k == 0 && low_mask(e, user->arg[1]))
            return true;
    return is_plain(e, user->arg[1 - k]) && (k || with_shift[user->op] != A_SUB);
}

static bool folds_product(const struct emitter *e, unsigned j, const struct ir_insn *in, const struct ir_insn *user)
{
    unsigned op = with_shift[user->op], k = user->arg[0] == j ? 0 : 1;
    return is_word(in->type) && user->type == in->type && no_flags(e, e->v[j].user) && (op == A_ADD || (op == A_SUB && k)) && is_plain(e, user->arg[1 - k]);
}

static bool folds_negative(const struct emitter *e, unsigned j, const struct ir_insn *in, const struct ir_insn *user)
{
    return is_word(in->type) && user->op == IR_SELECT && user->type == in->type && !e->v[user->arg[1] == j ? user->arg[2] : user->arg[1]].later;
}

/* of a shifted word, to be extended */
static bool folds_field(const struct emitter *e, const struct ir_insn *in, const struct ir_insn *user)
{
    unsigned count;
    return user->op == IR_ZEXT && is_gpr_type(in->type) && in->type < IR_I32 && const_shift(e, insn(e, in->arg[0]), &count) && shift_of[insn(e, in->arg[0])->op] == 1 + LSR;
}

/* a comparison with zero whose only purpose is one branch */
static bool folds_zero(struct emitter *e, unsigned j, const struct ir_insn *in)
{
    struct value *v = &e->v[j];
    int64_t c;
    bool compares = in->op == IR_ANDF ? in->arg[0] == in->arg[1] : in->op == IR_SUBF && is_const(e, in->arg[1], &c) && !const_bits(insn(e, in->arg[1]));
    if (!compares || v->uses || v->putf != NO_INSN || v->n_conds != 1 || v->cond_groups != 1 << (IR_CC_E / 2) || insn(e, in->arg[0])->op == IR_CONST)
        return false;
    const struct ir_insn *user = insn(e, v->port_last);
    if (user->op != IR_EXITIF || !e->v[user->arg[0]].later || insn(e, user->arg[0])->op != IR_COND || !can_wait(e, j, v->port_last))
        return false;
    v->last = v->port_last;
    return true;
}

bool folds(struct emitter *e, unsigned j, const struct ir_insn *in)
{
    const struct value *v = &e->v[j];
    if (in->op == IR_ANDF || in->op == IR_SUBF)
        return folds_zero(e, j, in);
    if (v->uses != 1 || !no_flags(e, j) || v->second != NO_INSN)
        return false;
    const struct ir_insn *user = insn(e, v->user);
    bool may = is_product(in->op) ? folds_product(e, j, in, user) : is_negative(in->op) ? folds_negative(e, j, in, user)
             : in->op == IR_TRUNC ? folds_field(e, in, user) : folds_shift(e, j, in, user);
    return may && can_wait(e, j, v->user);
}

/* --- code --- */

static bool waits(const struct emitter *e, ir_ref r) { return r != IR_NONE && e->v[r].where == LATER; }

void fold_into(struct emitter *e, ir_ref r, unsigned dst)
{
    const struct ir_insn *in = insn(e, r);
    bool x = in->type == IR_I64;
    unsigned count = 0, n = gpr_zr(e, in->arg[0]);
    if (const_shift(e, in, &count))
        asm_rrs(&e->a, x, A_ORR, dst, ZR, n, (enum shift)(shift_of[in->op] - 1), count);
    else if (is_product(in->op))
        asm_rrr(&e->a, x, A_MUL, dst, n, gpr_zr(e, in->arg[1]));
    else if (is_negative(in->op))
        asm_rrr(&e->a, x, in->op == IR_NOT ? A_ORN : A_SUB, dst, ZR, n);
    else
        asm_ubfx(&e->a, false, dst, n, 0, type_bits(in->type));           /* TRUNC */
}

/* d = the `width` bits of r from 0; r may be a shift that waits */
static void field(struct emitter *e, ir_ref r, unsigned width)
{
    const struct ir_insn *shift = insn(e, r);
    unsigned count = 0, bits = type_bits(shift->type);
    bool later = waits(e, r) && const_shift(e, shift, &count);
    unsigned n = gpr_of(e, later ? shift->arg[0] : r), d = dst_gpr(e);
    asm_ubfx(&e->a, bits == 64, d, n, count, width < bits - count ? width : bits - count);
    result(e, d, true);
}

static bool emit_pair(struct emitter *e, const struct ir_insn *in, unsigned k)
{
    const struct ir_insn *f = insn(e, in->arg[k]);
    bool x = in->type == IR_I64;
    unsigned count;
    if (const_shift(e, f, &count)) {
        if (insn(e, in->arg[1 - k])->op == IR_CONST) {
            field(e, in->arg[k], low_mask(e, in->arg[1 - k]));
            return true;
        }
        unsigned n = gpr_of(e, in->arg[1 - k]), m = gpr_zr(e, f->arg[0]), d = dst_gpr(e);
        asm_rrs(&e->a, x, with_shift[in->op], d, n, m, (enum shift)(shift_of[f->op] - 1), count);
        result(e, d, true);
        return true;
    }
    unsigned add = gpr_of(e, in->arg[1 - k]), n = gpr_zr(e, f->arg[0]), m = gpr_zr(e, f->arg[1]), d = dst_gpr(e);
    asm_put(&e->a, (with_shift[in->op] == A_SUB ? 0x1b008000 : 0x1b000000) | (x ? A_X : 0) | m << 16 | add << 10 | n << 5 | d);     /* msub, madd */
    result(e, d, true);
    return true;
}

static bool emit_select(struct emitter *e, const struct ir_insn *in, unsigned k)
{
    const struct ir_insn *f = insn(e, in->arg[k]);
    unsigned other = gpr_zr(e, in->arg[3 - k]), m = gpr_zr(e, f->arg[0]);
    enum cond c = flags_for(e, in->arg[0]);
    unsigned d = dst_gpr(e);
    if (k == 1)
        c ^= 1;
    asm_put(&e->a, (f->op == IR_NOT ? 0x5a800000 : 0x5a800400) | (in->type == IR_I64 ? A_X : 0) | m << 16 | (unsigned)c << 12 | other << 5 | d);     /* csinv, csneg */
    result(e, d, true);
    return true;
}

/* in has an operand that waits for it */
bool emit_folded(struct emitter *e, const struct ir_insn *in)
{
    if (in->op == IR_ZEXT) {
        const struct ir_insn *f = insn(e, in->arg[0]);
        if (!waits(e, in->arg[0]) || f->op != IR_TRUNC)
            return false;
        field(e, f->arg[0], type_bits(f->type));
        return true;
    }
    for (unsigned k = in->op == IR_SELECT; k < 3; k++) {
        unsigned op = waits(e, in->arg[k]) ? insn(e, in->arg[k])->op : IR_CONST;
        if (in->op == IR_SELECT && is_negative(op))
            return emit_select(e, in, k);
        if (with_shift[in->op] && (shift_of[op] || is_product(op)))
            return emit_pair(e, in, k);
    }
    return false;
}

/* r is a condition on a comparison with zero that waited for this branch */
bool folded_zero(struct emitter *e, ir_ref r, uint32_t *branch)
{
    const struct ir_insn *cond = insn(e, r);
    if (e->v[r].where != LATER || cond->op != IR_COND || cond->arg[0] == IR_NONE || !waits(e, cond->arg[0]))
        return false;
    const struct ir_insn *in = insn(e, cond->arg[0]);
    *branch = ((cond->aux & 1) ? J_CBNZ : J_CBZ) | (in->type == IR_I64 ? A_X : 0) | (is_word(in->type) ? gpr_of(e, in->arg[0]) : clean_gpr(e, in->arg[0], T0));
    return true;
}
