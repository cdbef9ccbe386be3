/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_flags.c: flags. An operation with flags makes what is read of them at its own place: compares of its operands or its result in fields of CR
 * (views), which a COND takes as they are, and for everything else the packed flags word in a register.
 */
#include "host/ppc64le/emit.h"

/* --- which view answers a condition --- */

static bool count_is_known(const struct ir_block *b, const struct ir_insn *in)
{
    const struct ir_insn *c = &b->insn[in->arg[1]];
    return c->op == IR_CONST && (c->imm & (in->type == IR_I64 ? 63 : 31));
}

static unsigned result_view(enum ir_cc cc)
{
    return (cc & ~1u) == IR_CC_E || (cc & ~1u) == IR_CC_S ? VIEW_RESULT : VIEW_WORD;
}

unsigned views_for(const struct ir_block *b, ir_ref port, enum ir_cc cc)
{
    if (port == IR_NONE)
        return 0;
    const struct ir_insn *in = &b->insn[port];
    unsigned c = cc & ~1u;
    switch (in->op) {
    case IR_SUBF:
        return c == IR_CC_E || c == IR_CC_B || c == IR_CC_BE ? VIEW_UNSIGNED : c == IR_CC_L || c == IR_CC_LE ? VIEW_SIGNED : c == IR_CC_S ? VIEW_RESULT : VIEW_WORD;
    case IR_ANDF: case IR_ORF: case IR_XORF:
        return c == IR_CC_P || c == IR_CC_O || c == IR_CC_B ? VIEW_WORD : VIEW_RESULT;
    case IR_ADDF:
        return c == IR_CC_B ? VIEW_CARRY : result_view(cc);
    case IR_NEGF: case IR_INCF: case IR_DECF: case IR_ADCF: case IR_SBBF:
        return result_view(cc);
    case IR_FCMPF:
        return c == IR_CC_B || c == IR_CC_E || c == IR_CC_BE || c == IR_CC_P ? VIEW_UNSIGNED : VIEW_WORD;
    case IR_SHLF: case IR_SHRF: case IR_SARF:
        return count_is_known(b, in) ? result_view(cc) : VIEW_WORD;
    default:
        return VIEW_WORD;
    }
}

/* --- fields of CR --- */

unsigned alloc_cr(struct emitter *e, unsigned until)
{
    for (unsigned f = 2; f < F_MODE; f++)
        if (e->cr_owner[f] == NO_INSN || e->cr_until[f] < e->i) {
            e->cr_owner[f] = (uint16_t)e->i;
            e->cr_until[f] = (uint16_t)until;
            return f;
        }
    fail(e, "too many compares");
    return 2;
}

static unsigned own_cr(struct emitter *e, unsigned view)
{
    struct value *v = &e->v[e->i];
    return v->cr[view] = (uint8_t)alloc_cr(e, v->port_last);
}

/* Compare values of type t into a field. */
static void compare(struct emitter *e, unsigned cr, unsigned t, bool is_signed, ir_ref a, ir_ref b)
{
    unsigned ext = is_signed ? SX : ZX, bits = type_bits(t);
    int64_t c;
    unsigned ra = bits >= 32 ? gpr_of(e, a) : gpr_ext(e, a, ext);
    if (is_const(e, b, &c)) {
        if (bits < 64)
            c = is_signed ? (int64_t)((uint64_t)c << (64 - bits)) >> (64 - bits) : (int64_t)((uint64_t)c & ((1ull << bits) - 1));
        if (is_signed ? fits16(c) : (uint64_t)c <= 0xffff) {
            asm_cmpi(&e->a, cr, bits == 64, is_signed, ra, (int32_t)c);
            return;
        }
    }
    unsigned rb = bits >= 32 ? gpr_of(e, b) : gpr_ext(e, b, ext);
    asm_cmp(&e->a, cr, bits == 64, is_signed, ra, rb);
}

/* before the result is written */
static void compare_operands(struct emitter *e, const struct ir_insn *in)
{
    unsigned views = e->v[e->i].views;
    if (views & VIEW_SIGNED)
        compare(e, own_cr(e, 0), in->type, true, in->arg[0], in->arg[1]);
    if (views & VIEW_UNSIGNED)
        compare(e, own_cr(e, 1), in->type, false, in->arg[0], in->arg[1]);
}

/* r holds the result; bits above the type are anything */
void compare_result(struct emitter *e, unsigned t, unsigned r)
{
    if (!(e->v[e->i].views & VIEW_RESULT))
        return;
    unsigned bits = type_bits(t);
    if (bits < 32) {
        asm_l(&e->a, bits == 8 ? P_EXTSB : P_EXTSH, TEMP, r, 0);
        r = TEMP;
    }
    asm_cmpi(&e->a, own_cr(e, 2), bits == 64, true, r, 0);
}

/* --- conditions --- */

static struct bit bit_of(unsigned cr, unsigned which, bool sense) { return (struct bit){ (uint8_t)(4 * cr + which), sense }; }

/* the bit of a compare of a with b */
static struct bit of_compare(unsigned cr, enum ir_cc cc)
{
    static const uint8_t which[8] = { [IR_CC_B / 2] = CR_LT, [IR_CC_E / 2] = CR_EQ, [IR_CC_BE / 2] = CR_GT, [IR_CC_S / 2] = CR_LT, [IR_CC_P / 2] = CR_SO /* FCMPF */, [IR_CC_L / 2] = CR_LT, [IR_CC_LE / 2] = CR_GT };
    bool above = cc / 2 == IR_CC_BE / 2 || cc / 2 == IR_CC_LE / 2;
    return bit_of(cr, which[cc / 2], above == (cc & 1));
}

/* flags in register w, by the packed layout */
static struct bit of_word(struct emitter *e, unsigned w, enum ir_cc cc)
{
    static const uint16_t mask[8] = { IR_FLAG_O, IR_FLAG_C, IR_FLAG_Z, IR_FLAG_C | IR_FLAG_Z, IR_FLAG_S, IR_FLAG_P, IR_FLAG_S, IR_FLAG_S | IR_FLAG_Z };
    unsigned m = mask[cc / 2];
    if (cc / 2 >= IR_CC_L / 2) {                     /* S != O: bit 0 meets bit 15, and nothing else meets bit 14 */
        asm_sldi(&e->a, TEMP2, w, 15);
        asm_l(&e->a, P_XOR, TEMP, TEMP2, w);
        w = TEMP;
    }
    asm_li(&e->a, P_ANDI_, TEMP, w, m);
    return bit_of(0, CR_EQ, cc & 1);
}

static struct bit of_port(struct emitter *e, const struct ir_insn *in)
{
    enum ir_cc cc = (enum ir_cc)in->aux;
    if (in->arg[0] == IR_NONE) {
        if (!lazy_cond(e, cc)) {
            need_flags(e);
            state_mem(e, P_LHZ, TEMP, (int32_t)e->o->flags);
        }
        struct bit bit = of_word(e, TEMP, cc);
        lazy_cond_end(e);
        return bit;
    }
    const struct value *p = &e->v[in->arg[0]];
    unsigned view = views_for(e->b, in->arg[0], cc);
    switch (view) {
    case VIEW_SIGNED: return of_compare(p->cr[0], cc);
    case VIEW_UNSIGNED: return of_compare(p->cr[1], cc);
    case VIEW_CARRY: return bit_of(p->cr[1], CR_LT, !(cc & 1));
    case VIEW_RESULT:                                /* compared with 0; BE is Z for the logical operations, whose C is 0 */
        return cc / 2 == IR_CC_BE / 2 ? bit_of(p->cr[2], CR_EQ, !(cc & 1)) : of_compare(p->cr[2], cc);
    default: return of_word(e, gpr_of(e, e->n + in->arg[0]), cc);
    }
}

static void word_bits(struct emitter *e, enum ir_op op, unsigned t, unsigned w, unsigned mask, unsigned a, unsigned b, unsigned r);

static struct bit of_cmp(struct emitter *e, const struct ir_insn *in)
{
    enum ir_cc cc = (enum ir_cc)in->aux;
    unsigned c = cc / 2;
    if (c == IR_CC_O / 2 || c == IR_CC_P / 2 || c == IR_CC_S / 2) {
        unsigned a = gpr_ext(e, in->arg[0], ZX), b = gpr_ext(e, in->arg[1], ZX), r = alloc_gpr(e), w = alloc_gpr(e);
        asm_x(&e->a, P_SUBF, r, b, a);
        asm_d(&e->a, P_ADDI, w, 0, 0);
        word_bits(e, IR_SUBF, in->lane, w, ir_cc_reads(cc), a, b, r);
        return of_word(e, w, cc);
    }
    compare(e, CR_TEMP, in->lane, c == IR_CC_L / 2 || c == IR_CC_LE / 2, in->arg[0], in->arg[1]);
    return of_compare(CR_TEMP, cc);
}

struct bit cond_bit(struct emitter *e, ir_ref r)
{
    int64_t c;
    if (is_const(e, r, &c)) {
        asm_cmp(&e->a, CR_TEMP, false, true, REG_STATE, REG_STATE);
        return bit_of(CR_TEMP, CR_EQ, c & 1);
    }
    if (e->v[r].where == LATER) {
        uint64_t pins = e->pins;
        struct bit bit = insn(e, r)->op == IR_CMP ? of_cmp(e, insn(e, r)) : of_port(e, insn(e, r));
        e->pins = pins;
        return bit;
    }
    unsigned reg = gpr_of(e, r);
    asm_cmpi(&e->a, CR_TEMP, false, true, reg, 0);
    return bit_of(CR_TEMP, CR_EQ, false);
}

void bool_of(struct emitter *e, ir_ref r, unsigned dst)
{
    struct bit bit = cond_bit(e, r);
    if (feature(e, FEATURE_3_1)) {
        asm_setbc(&e->a, dst, bit.bit, !bit.sense);
    } else if (!bit.sense) {
        asm_d(&e->a, P_ADDI, TEMP, 0, 1);
        asm_isel(&e->a, dst, 0, TEMP, bit.bit);
    } else {
        asm_mfocrf(&e->a, dst, bit.bit / 4);
        asm_rlwinm(&e->a, dst, dst, bit.bit + 1u, 31, 31);
    }
}

/* --- the packed word --- */

/* bit `from` of the low 32 bits of t becomes bit `to` of w */
void flag_insert(struct emitter *e, unsigned w, unsigned t, unsigned from, unsigned to) { asm_rlwimi(&e->a, w, t, (to - from) & 31, 31 - to, 31 - to); }

void flag_insert_top(struct emitter *e, unsigned w, unsigned t, unsigned bits, unsigned to)
{
    if (bits == 64) {
        asm_srdi(&e->a, TEMP, t, 32);
        t = TEMP;
        bits = 32;
    }
    flag_insert(e, w, t, bits - 1, to);
}

void word_zsp(struct emitter *e, unsigned w, unsigned mask, unsigned r, unsigned bits)
{
    if (mask & IR_F_Z) {
        if (bits < 32)
            asm_clear(&e->a, TEMP, r, bits);
        asm_l(&e->a, bits == 64 ? P_CNTLZD : P_CNTLZW, TEMP, bits < 32 ? TEMP : r, 0);
        flag_insert(e, w, TEMP, bits == 64 ? 6 : 5, 14);
    }
    if (mask & IR_F_S)
        flag_insert_top(e, w, r, bits, 15);
    if (mask & IR_F_P) {
        asm_l(&e->a, P_POPCNTB, TEMP, r, 0);
        asm_li(&e->a, P_XORI, TEMP, TEMP, 1);
        flag_insert(e, w, TEMP, 0, 10);
    }
}

/* carry of a + b + x = r, or borrow of a - b - x, at the top bit of TEMP: a, b and r beyond the type are anything */
static void carry_generic(struct emitter *e, bool sub, unsigned a, unsigned b, unsigned r)
{
    if (!sub) {                                     /* (a & b) | ((a | b) & ~r) */
        asm_l(&e->a, P_OR, TEMP, a, b);
        asm_l(&e->a, P_ANDC, TEMP, TEMP, r);
        asm_l(&e->a, P_AND, TEMP2, a, b);
    } else {                                        /* (~a & b) | ((~a | b) & r) */
        asm_l(&e->a, P_ORC, TEMP, b, a);
        asm_l(&e->a, P_AND, TEMP, TEMP, r);
        asm_l(&e->a, P_ANDC, TEMP2, b, a);
    }
    asm_l(&e->a, P_OR, TEMP, TEMP, TEMP2);
}

static void overflow(struct emitter *e, bool sub, unsigned a, unsigned b, unsigned r)
{
    asm_l(&e->a, P_XOR, TEMP, a, r);
    asm_l(&e->a, P_XOR, TEMP2, b, sub ? a : r);
    asm_l(&e->a, P_AND, TEMP, TEMP, TEMP2);
}

/* w |= flags in mask; a and b zero-extended from t */
static void word_bits(struct emitter *e, enum ir_op op, unsigned t, unsigned w, unsigned mask, unsigned a, unsigned b, unsigned r)
{
    unsigned bits = type_bits(t);
    bool sub = op == IR_SUBF || op == IR_SBBF || op == IR_NEGF || op == IR_DECF, logic = op == IR_ANDF || op == IR_ORF || op == IR_XORF;
    word_zsp(e, w, mask, r, bits);
    if (logic)
        return;
    if (mask & IR_F_C && op == IR_SUBF) {
        asm_x(&e->a, P_SUBFC, TEMP, b, a);
        asm_x(&e->a, P_SUBFE, TEMP, TEMP, TEMP);
        flag_insert(e, w, TEMP, 0, 8);
    } else if (mask & IR_F_C) {
        carry_generic(e, sub, a, b, r);
        flag_insert_top(e, w, TEMP, bits, 8);
    }
    if (mask & IR_F_A) {
        asm_l(&e->a, P_XOR, TEMP, a, b);
        asm_l(&e->a, P_XOR, TEMP, TEMP, r);
        flag_insert(e, w, TEMP, 4, 12);
    }
    if (mask & IR_F_O) {
        overflow(e, sub, a, b, r);
        flag_insert_top(e, w, TEMP, bits, 0);
    }
}

void port_word(struct emitter *e, const struct ir_insn *in, unsigned reg) { settle(e, e->n + e->i, reg, 0); }

unsigned new_word(struct emitter *e)
{
    unsigned w = alloc_gpr(e);
    asm_d(&e->a, P_ADDI, w, 0, 0);
    return w;
}

/* --- PUTF --- */

static unsigned word_mask(unsigned m) { return (m & IR_F_C) << 8 | (m & IR_F_P) << 9 | (m & IR_F_A) << 10 | (m & (IR_F_Z | IR_F_S)) << 11 | (m & IR_F_O) >> 5; }

void emit_putf(struct emitter *e, const struct ir_insn *in)
{
    unsigned mask = in->aux & IR_F_ALL, bits = word_mask(mask);
    if (in->arg[0] == IR_NONE || !mask)
        return;
    if (can_be_lazy(e, in)) {
        if (!(e->v[in->arg[0]].views & VIEW_LAZY))
            store_lazy(e, in->arg[0], gpr_of(e, lazy_operand(e, in->arg[0])));
        return;
    }
    unsigned w = gpr_of(e, e->n + in->arg[0]);
    if (!in->mod && mask != IR_F_ALL) {
        unsigned t = alloc_gpr(e);
        need_flags(e);
        asm_d(&e->a, P_ADDI, TEMP2, 0, (int16_t)bits);
        asm_l(&e->a, P_AND, TEMP, w, TEMP2);
        asm_d(&e->a, P_LHZ, t, REG_STATE, (int32_t)e->o->flags);
        asm_l(&e->a, P_ANDC, t, t, TEMP2);
        asm_l(&e->a, P_OR, TEMP, TEMP, t);
        w = TEMP;
    }
    asm_d(&e->a, P_STH, w, REG_STATE, (int32_t)e->o->flags);
    e->flags_ready = true;
}

/* --- operations with flags --- */

static unsigned plain_op(enum ir_op op)
{
    switch (op) {
    case IR_ADDF: case IR_ADCF: case IR_INCF: return P_ADD;
    case IR_SUBF: case IR_SBBF: case IR_DECF: case IR_NEGF: return P_SUBF;
    case IR_ANDF: return P_AND;
    case IR_ORF: return P_OR;
    default: return P_XOR;
    }
}

/* r = a op b without flags; immediates where they fit */
static void compute(struct emitter *e, const struct ir_insn *in, unsigned r)
{
    int64_t c = in->op == IR_INCF ? 1 : in->op == IR_DECF ? -1 : 0;
    unsigned a = gpr_of(e, in->arg[0]), op = plain_op((enum ir_op)in->op);
    bool constant = c || is_const(e, in->arg[1], &c), sum = op == P_ADD || op == P_SUBF;
    if (in->op == IR_ADCF || in->op == IR_SBBF) {
        unsigned b = gpr_of(e, in->arg[1]), carry = gpr_of(e, in->arg[2]);
        asm_x(&e->a, op, TEMP, in->op == IR_ADCF ? a : b, in->op == IR_ADCF ? b : a);
        asm_x(&e->a, op, r, carry, TEMP);
        return;
    }
    if (in->op == IR_SUBF && constant)
        c = -c;
    if (in->op == IR_NEGF) {
        asm_x(&e->a, P_NEG, r, a, 0);
    } else if (constant && sum && fits16(c)) {
        asm_d(&e->a, P_ADDI, r, a, (int32_t)c);
    } else if (constant && !sum && (uint64_t)c <= 0xffff) {
        asm_li(&e->a, op == P_AND ? P_ANDI_ : op == P_OR ? P_ORI : P_XORI, r, a, (uint32_t)c);
    } else {
        unsigned b = gpr_of(e, in->arg[1]);
        if (sum)
            asm_x(&e->a, op, r, op == P_SUBF ? b : a, op == P_SUBF ? a : b);
        else
            asm_l(&e->a, op, r, a, b);
    }
}

static unsigned ext_of(const struct emitter *e, const struct ir_insn *in, unsigned k)
{
    int64_t c;
    if (in->arg[k] == IR_NONE)
        return 0;
    if (is_const(e, in->arg[k], &c))
        return (c >= 0 ? ZX : 0) | SX;
    return e->v[in->arg[k]].where == IN_GPR ? e->v[in->arg[k]].ext : 0;
}

static unsigned result_ext(const struct emitter *e, const struct ir_insn *in)
{
    unsigned a = ext_of(e, in, 0), b = ext_of(e, in, 1);
    switch (in->op) {
    case IR_ANDF: return ((a | b) & ZX) | (a & b & SX);
    case IR_ORF: case IR_XORF: return a & b;
    default: return 0;
    }
}

static void make_word(struct emitter *e, const struct ir_insn *in, unsigned r)
{
    unsigned mask = e->v[e->i].word_mask, a = NO_REG, b = NO_REG;
    if (!(e->v[e->i].views & VIEW_WORD))
        return;
    if (mask & (IR_F_C | IR_F_A | IR_F_O) && in->op != IR_ANDF && in->op != IR_ORF && in->op != IR_XORF) {
        a = gpr_ext(e, in->arg[0], ZX);
        if (in->arg[1] != IR_NONE)
            b = gpr_ext(e, in->arg[1], ZX);
        else {
            b = alloc_gpr(e);
            asm_d(&e->a, P_ADDI, b, 0, in->op == IR_NEGF ? 0 : 1);
            if (in->op == IR_NEGF) {
                unsigned t = a;
                a = b;
                b = t;
            }
        }
    }
    unsigned w = new_word(e);
    word_bits(e, (enum ir_op)in->op, in->type, w, mask, a, b, r);
    port_word(e, in, w);
}

/* the result computed in r goes to its place */
void place(struct emitter *e, unsigned r, unsigned ext)
{
    if (!e->v[e->i].uses && !live(e, e->i))
        return;
    if (e->v[e->i].hint != NO_REG) {
        unsigned dst = dst_gpr(e);
        asm_mr(&e->a, dst, r);
        r = dst;
    }
    result(e, r, ext);
}

/* VIEW_LAZY of an operation whose result is what is stored */
static void lazy_result(struct emitter *e, unsigned r)
{
    if (e->v[e->i].views & VIEW_LAZY && lazy_operand(e, (ir_ref)e->i) == e->i)
        store_lazy(e, (ir_ref)e->i, r);
}

static void emit_arith(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    unsigned ext = result_ext(e, in);
    compare_operands(e, in);
    if (v->views & VIEW_LAZY && lazy_operand(e, (ir_ref)e->i) != e->i)
        store_lazy(e, (ir_ref)e->i, gpr_of(e, in->arg[0]));
    if (!v->uses && v->last <= e->i && !(v->views & (VIEW_RESULT | VIEW_CARRY | VIEW_WORD)) && !(v->views & VIEW_LAZY && lazy_operand(e, (ir_ref)e->i) == e->i))
        return;
    if (!(v->views & (VIEW_CARRY | VIEW_WORD))) {
        unsigned r = v->uses ? dst_gpr(e) : alloc_gpr(e);
        compute(e, in, r);
        compare_result(e, in->type, r);
        lazy_result(e, r);
        if (v->uses || v->last > e->i)
            result(e, r, ext);
        return;
    }
    unsigned r = alloc_gpr(e);
    compute(e, in, r);
    compare_result(e, in->type, r);
    if (v->views & VIEW_CARRY) {
        unsigned bits = type_bits(in->type), a = bits < 32 ? gpr_ext(e, in->arg[0], ZX) : gpr_of(e, in->arg[0]), sum = r;
        if (bits < 32)
            asm_clear(&e->a, sum = TEMP, r, bits);
        asm_cmp(&e->a, own_cr(e, 1), bits == 64, false, sum, a);
    }
    make_word(e, in, r);
    lazy_result(e, r);
    place(e, r, ext);
}

/* --- others --- */

static void emit_mul_flags(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    bool is_signed = in->op == IR_SMULF, word = v->views & VIEW_WORD;
    unsigned bits = type_bits(in->type), ext = is_signed ? SX : ZX, a = gpr_ext(e, in->arg[0], ext), b = gpr_ext(e, in->arg[1], ext), high = NO_REG;
    if (word || v->second != NO_INSN) {
        high = alloc_gpr(e);
        if (bits == 64)
            asm_x(&e->a, is_signed ? P_MULHD : P_MULHDU, high, a, b);
    }
    unsigned r = word ? alloc_gpr(e) : v->uses ? dst_gpr(e) : alloc_gpr(e);
    asm_x(&e->a, P_MULLD, r, a, b);
    if (high != NO_REG && bits < 64)
        is_signed ? asm_sradi(&e->a, high, r, bits) : asm_srdi(&e->a, high, r, bits);
    if (word) {
        unsigned w = new_word(e);
        if (is_signed) {                            /* high == copies of the low half's sign? */
            asm_rldicr(&e->a, TEMP, r, 64 - bits, 63);
            asm_sradi(&e->a, TEMP, TEMP, 63);
            asm_l(&e->a, P_XOR, TEMP, TEMP, high);
        }
        asm_l(&e->a, P_CNTLZD, TEMP, is_signed ? TEMP : high, 0);
        asm_srdi(&e->a, TEMP, TEMP, 6);
        asm_li(&e->a, P_XORI, TEMP, TEMP, 1);
        flag_insert(e, w, TEMP, 0, 8);
        flag_insert(e, w, TEMP, 0, 0);
        port_word(e, in, w);
    }
    if (v->second != NO_INSN)
        settle(e, v->second, high, bits == 64 ? 0 : ext);
    if (word)
        place(e, r, 0);
    else if (v->uses)
        result(e, r, 0);
}

static void emit_bit_test(struct emitter *e, const struct ir_insn *in)
{
    unsigned bits = type_bits(in->type), a = gpr_of(e, in->arg[0]);
    int64_t c;
    if (e->v[e->i].views & VIEW_WORD) {
        unsigned w = new_word(e);
        if (is_const(e, in->arg[1], &c)) {
            asm_rldicl(&e->a, TEMP, a, (64 - ((unsigned)c & (bits - 1))) & 63, 63);
        } else {
            asm_clear(&e->a, TEMP2, gpr_of(e, in->arg[1]), bits == 64 ? 6 : bits == 32 ? 5 : bits == 16 ? 4 : 3);
            asm_l(&e->a, P_SRD, TEMP, a, TEMP2);
        }
        flag_insert(e, w, TEMP, 0, 8);
        port_word(e, in, w);
    }
    if (e->v[e->i].uses) {
        unsigned ext = e->v[in->arg[0]].ext, dst = dst_gpr(e);
        asm_mr(&e->a, dst, gpr_of(e, in->arg[0]));
        result(e, dst, ext);
    }
}

static void emit_mkf(struct emitter *e, const struct ir_insn *in)
{
    unsigned a = gpr_of(e, in->arg[0]);
    if (e->v[e->i].views & VIEW_WORD) {
        unsigned w = alloc_gpr(e);
        asm_li(&e->a, P_ANDI_, w, a, IR_FLAGS_WORD);
        port_word(e, in, w);
    }
    if (e->v[e->i].uses) {
        unsigned dst = dst_gpr(e);
        asm_mr(&e->a, dst, a);
        result(e, dst, 0);
    }
}

bool emit_flag_op(struct emitter *e, const struct ir_insn *in)
{
    struct value *v = &e->v[e->i];
    switch (in->op) {
    case IR_ADDF: case IR_SUBF: case IR_ADCF: case IR_SBBF: case IR_ANDF: case IR_ORF: case IR_XORF: case IR_NEGF: case IR_INCF: case IR_DECF:
        emit_arith(e, in);
        return true;
    case IR_UMULF: case IR_SMULF: emit_mul_flags(e, in); return true;
    case IR_BTF: emit_bit_test(e, in); return true;
    case IR_MKF: emit_mkf(e, in); return true;
    case IR_GETF: {
        if (!v->uses)
            return true;
        unsigned dst = dst_gpr(e);
        need_flags(e);
        asm_d(&e->a, P_LHZ, dst, REG_STATE, (int32_t)e->o->flags);
        result(e, dst, ZX | SX);
        return true;
    }
    default: return false;
    }
}
