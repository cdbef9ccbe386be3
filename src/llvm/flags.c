/* SPDX-License-Identifier: GPL-2.0-or-later
 * flags.c: x86 flags as values. Only flags that the optimizer left alive are built, and LLVM drops those that meet no use after all.
 */
#include "llvm/lower.h"

enum flag { C, P, A, Z, S, O };
static const uint8_t word_bit[N_FLAGS] = { 8, 10, 12, 14, 15, 0 };

static LLVMValueRef zero(LLVMValueRef v) { return LLVMConstNull(LLVMTypeOf(v)); }
static LLVMValueRef negative(struct lower *L, LLVMValueRef v) { return LLVMBuildICmp(L->b, LLVMIntSLT, v, zero(v), ""); }
static LLVMValueRef width_const(LLVMValueRef like, int64_t v) { return LLVMConstInt(LLVMTypeOf(like), (unsigned long long)v, 1); }
static unsigned width(LLVMValueRef v) { return LLVMGetIntTypeWidth(LLVMTypeOf(v)); }
static LLVMValueRef and2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildAnd(L->b, a, b, ""); }
static LLVMValueRef or2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildOr(L->b, a, b, ""); }
static LLVMValueRef xor2(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildXor(L->b, a, b, ""); }
static LLVMValueRef not1(struct lower *L, LLVMValueRef a) { return LLVMBuildNot(L->b, a, ""); }
static LLVMValueRef bit0(struct lower *L, LLVMValueRef v) { return LLVMBuildTrunc(L->b, v, int_type(L, 1), ""); }
static LLVMValueRef bit(struct lower *L, LLVMValueRef v, unsigned n) { return bit0(L, LLVMBuildLShr(L->b, v, width_const(v, n), "")); }
static LLVMValueRef never(struct lower *L) { return int_const(L, 1, 0); }
static LLVMValueRef equal(struct lower *L, LLVMValueRef a, LLVMValueRef b) { return LLVMBuildICmp(L->b, LLVMIntEQ, a, b, ""); }

static LLVMValueRef parity(struct lower *L, LLVMValueRef r)
{
    LLVMValueRef low = width(r) > 8 ? LLVMBuildTrunc(L->b, r, int_type(L, 8), "") : r;
    return not1(L, bit0(L, intrinsic(L, "llvm.ctpop", int_type(L, 8), &low, 1)));
}

static LLVMValueRef half_carry(struct lower *L, LLVMValueRef a, LLVMValueRef b, LLVMValueRef r)
{
    return bit(L, xor2(L, xor2(L, a, b), r), 4);
}

static LLVMValueRef add_overflow(struct lower *L, LLVMValueRef a, LLVMValueRef b, LLVMValueRef r)
{
    return negative(L, and2(L, xor2(L, a, r), xor2(L, b, r)));
}
static LLVMValueRef sub_overflow(struct lower *L, LLVMValueRef a, LLVMValueRef b, LLVMValueRef r)
{
    return negative(L, and2(L, xor2(L, a, b), xor2(L, a, r)));
}

static void result_flags(struct lower *L, LLVMValueRef *f, LLVMValueRef r)
{
    f[Z] = equal(L, r, zero(r));
    f[S] = negative(L, r);
    f[P] = parity(L, r);
}

LLVMValueRef lower_old_flag(struct lower *L, unsigned k) { return LLVMBuildLoad2(L->b, int_type(L, 1), L->flag[k], ""); }

/* --- shifts and rotates: count as the operation masks it, in the width of the value extended to 64 (or 128) bits --- */

static void shift_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *f, LLVMValueRef a, LLVMValueRef count8, LLVMValueRef r)
{
    unsigned w = width(a), wide = w == 64 ? 128 : 64;
    LLVMTypeRef t = int_type(L, wide);
    LLVMValueRef masked = and2(L, count8, int_const(L, 8, w == 64 ? 63 : 31)), c = LLVMBuildZExt(L->b, masked, t, "");
    LLVMValueRef before = LLVMBuildSub(L->b, c, width_const(c, 1), "");
    LLVMValueRef is_zero = equal(L, masked, zero(masked));
    before = LLVMBuildSelect(L->b, is_zero, zero(c), before, "");
    LLVMValueRef top = negative(L, r);
    f[A] = int_const(L, 1, 1);
    switch (in->op) {
    case IR_SHLDF:
        f[C] = negative(L, LLVMBuildShl(L->b, a, LLVMBuildTrunc(L->b, before, LLVMTypeOf(a), ""), ""));
        f[O] = xor2(L, top, f[C]);
        break;
    case IR_SHRDF:
        f[C] = bit0(L, LLVMBuildLShr(L->b, a, LLVMBuildTrunc(L->b, before, LLVMTypeOf(a), ""), ""));
        f[O] = xor2(L, top, bit(L, r, w - 2));
        break;
    case IR_SHLF:
        f[C] = bit(L, LLVMBuildShl(L->b, LLVMBuildZExt(L->b, a, t, ""), c, ""), w);
        f[O] = xor2(L, top, f[C]);
        break;
    case IR_SHRF:
        f[C] = bit0(L, LLVMBuildLShr(L->b, LLVMBuildZExt(L->b, a, t, ""), before, ""));
        f[O] = negative(L, a);
        break;
    case IR_SARF:
        f[C] = bit0(L, LLVMBuildAShr(L->b, LLVMBuildSExt(L->b, a, t, ""), before, ""));
        f[O] = never(L);
        break;
    case IR_ROLF:
        f[C] = bit0(L, r);
        f[O] = xor2(L, top, f[C]);
        break;
    default:
        f[C] = top;
        f[O] = xor2(L, top, bit(L, r, w - 2));
    }
    if (in->op == IR_ROLF || in->op == IR_RORF)
        for (unsigned k = P; k <= S; k++)
            f[k] = lower_old_flag(L, k);
    else
        result_flags(L, f, r);
    for (unsigned k = 0; k < N_FLAGS; k++)
        f[k] = LLVMBuildSelect(L->b, is_zero, lower_old_flag(L, k), f[k], "");
}

static void flags_of_state(struct lower *L, unsigned i, LLVMValueRef word)
{
    for (unsigned k = 0; k < N_FLAGS; k++)
        L->port[i][k] = bit(L, word, word_bit[k]);
}

/* --- ports --- */

static void float_flags(struct lower *L, unsigned i, const struct ir_insn *in, LLVMValueRef *f)
{
    static const struct { uint8_t flag; LLVMRealPredicate p; } how[] = { { Z, LLVMRealUEQ }, { P, LLVMRealUNO }, { C, LLVMRealULT } };
    LLVMTypeRef t = in->lane == IR_F64 ? LLVMVectorType(LLVMDoubleTypeInContext(L->c), 2) : LLVMVectorType(LLVMFloatTypeInContext(L->c), 4);
    LLVMValueRef x[2];
    f[A] = f[S] = f[O] = never(L);
    if (asm_float_flags(L, in, &f[Z], &f[P], &f[C], &L->second[i]))
        return;
    for (unsigned k = 0; k < 2; k++)
        x[k] = LLVMBuildExtractElement(L->b, LLVMBuildBitCast(L->b, L->v[in->arg[k]], t, ""), int_const(L, 32, 0), "");
    for (unsigned k = 0; k < 3; k++)
        f[how[k].flag] = LLVMBuildFCmp(L->b, how[k].p, x[0], x[1], "");
    L->second[i] = LLVMBuildFCmp(L->b, LLVMRealULE, x[0], x[1], "");
}

static void vtest_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *f)
{
    LLVMTypeRef t = int_type(L, 128);
    LLVMValueRef a = LLVMBuildBitCast(L->b, L->v[in->arg[0]], t, ""), b = LLVMBuildBitCast(L->b, L->v[in->arg[1]], t, "");
    f[Z] = equal(L, and2(L, a, b), LLVMConstNull(t));
    f[C] = equal(L, and2(L, not1(L, a), b), LLVMConstNull(t));
    f[P] = f[A] = f[S] = f[O] = never(L);
}

static void add_sub_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *f, LLVMValueRef a, LLVMValueRef b, LLVMValueRef r,
                          LLVMValueRef carry)
{
    bool sub = in->op == IR_SUBF || in->op == IR_SBBF || in->op == IR_NEGF;
    result_flags(L, f, r);
    f[A] = half_carry(L, a, b, r);
    f[O] = sub ? sub_overflow(L, a, b, r) : add_overflow(L, a, b, r);
    f[C] = carry ? carry : LLVMBuildICmp(L->b, LLVMIntULT, a, b, "");
}

static void multiply_flags(struct lower *L, unsigned i, const struct ir_insn *in, LLVMValueRef *f)
{
    LLVMValueRef low = L->v[i], high = L->second[i], expect = zero(high);
    if (in->op == IR_SMULF)
        expect = LLVMBuildAShr(L->b, low, width_const(low, width(low) - 1), "");
    result_flags(L, f, low);
    f[A] = never(L);
    f[C] = f[O] = LLVMBuildICmp(L->b, LLVMIntNE, high, expect, "");
}

void lower_flags(struct lower *L, unsigned i, const struct ir_insn *in)
{
    LLVMValueRef *f = L->port[i], a = L->v[in->arg[0]], b = in->arg[1] != IR_NONE ? L->v[in->arg[1]] : NULL, r = L->v[i];
    if (!in->live && in->op != IR_FCMPF)                 /* that sets sticky flags */
        return;
    switch (in->op) {
    case IR_ADDF: case IR_SUBF: case IR_ADCF: case IR_SBBF:
        add_sub_flags(L, in, f, a, b, r, in->live & IR_F_C || in->op == IR_ADCF || in->op == IR_SBBF ? L->second[i] : NULL);
        break;
    case IR_NEGF:
        add_sub_flags(L, in, f, zero(a), a, r, NULL);
        break;
    case IR_INCF: case IR_DECF: {
        LLVMValueRef one = width_const(a, 1);
        result_flags(L, f, r);
        f[A] = half_carry(L, a, one, r);
        f[O] = in->op == IR_INCF ? add_overflow(L, a, one, r) : sub_overflow(L, a, one, r);
        f[C] = never(L);
        break;
    }
    case IR_ANDF: case IR_ORF: case IR_XORF:
        result_flags(L, f, r);
        f[A] = f[C] = f[O] = never(L);
        break;
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF:
        shift_flags(L, in, f, a, b, r);
        break;
    case IR_SHLDF: case IR_SHRDF:
        shift_flags(L, in, f, a, L->v[in->arg[2]], r);
        break;
    case IR_UMULF: case IR_SMULF:
        multiply_flags(L, i, in, f);
        break;
    case IR_BTF:
        f[C] = bit0(L, LLVMBuildLShr(L->b, a, and2(L, b, width_const(b, width(a) - 1)), ""));
        f[P] = f[A] = f[Z] = f[S] = f[O] = never(L);
        break;
    case IR_MKF: flags_of_state(L, i, a); break;
    case IR_FCMPF: float_flags(L, i, in, f); break;
    case IR_VTESTF: vtest_flags(L, in, f); break;
    default: break;
    }
}

/* the flags of a port as the host has them: those in the mask, the others may be anything */
static LLVMValueRef port_word(struct lower *L, ir_ref port, unsigned mask)
{
    const struct ir_insn *in = &L->ir->insn[port];
    LLVMValueRef a = L->v[in->arg[0]];
    if (in->type < IR_I8)
        return asm_word_of(L, L->port[port], mask);
    switch (in->op) {
    case IR_SUBF: return asm_flags(L, FLAGS_SUB, a, L->v[in->arg[1]]);
    case IR_ADDF: return asm_flags(L, FLAGS_ADD, a, L->v[in->arg[1]]);
    case IR_DECF: return asm_flags(L, FLAGS_SUB, a, width_const(a, 1));          /* C is not in the mask */
    case IR_INCF: return asm_flags(L, FLAGS_ADD, a, width_const(a, 1));
    case IR_NEGF: return asm_flags(L, FLAGS_SUB, zero(a), a);
    case IR_ANDF: case IR_ORF: case IR_XORF: return asm_flags(L, FLAGS_TEST, L->v[port], NULL);
    default: return asm_word_of(L, L->port[port], mask);
    }
}

/* Flags are kept twice, each by itself and all in the word that exits store. LLVM drops what meets no use, which is nearly everything. */
void lower_putf(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef word = port_word(L, in->arg[0], in->aux);
    for (unsigned k = 0; k < N_FLAGS; k++)
        if (in->aux >> k & 1)
            lower_set(L, L->flag[k], L->port[in->arg[0]][k]);
    if (!in->mod && !asm_word_masks) {                   /* other flags live on */
        LLVMValueRef f[N_FLAGS];
        for (unsigned k = 0; k < N_FLAGS; k++)
            f[k] = lower_old_flag(L, k);
        word = asm_word_of(L, f, IR_F_ALL);
    } else if (!in->mod) {
        LLVMValueRef old = LLVMBuildLoad2(L->b, int_type(L, asm_word_bits), L->word, "");
        uint64_t bits = asm_word_mask(in->aux);
        word = or2(L, and2(L, old, width_const(old, (int64_t)~bits)), and2(L, word, width_const(word, (int64_t)bits)));
    }
    lower_set(L, L->word, word);
}

LLVMValueRef lower_flags_word(struct lower *L, unsigned mask)
{
    LLVMTypeRef t = int_type(L, 16);
    LLVMValueRef word = LLVMConstNull(t);
    for (unsigned k = 0; k < N_FLAGS; k++)
        if (mask >> k & 1)
            word = or2(L, word, LLVMBuildShl(L->b, LLVMBuildZExt(L->b, lower_old_flag(L, k), t, ""), LLVMConstInt(t, word_bit[k], 0), ""));
    return word;
}

/* --- conditions --- */

LLVMValueRef lower_compare(struct lower *L, LLVMValueRef a, LLVMValueRef b, enum ir_cc cc)
{
    static const uint8_t how[IR_N_CC] = {
        [IR_CC_B] = LLVMIntULT, [IR_CC_AE] = LLVMIntUGE, [IR_CC_E] = LLVMIntEQ, [IR_CC_NE] = LLVMIntNE, [IR_CC_BE] = LLVMIntULE,
        [IR_CC_A] = LLVMIntUGT, [IR_CC_L] = LLVMIntSLT, [IR_CC_GE] = LLVMIntSGE, [IR_CC_LE] = LLVMIntSLE, [IR_CC_G] = LLVMIntSGT };
    if (how[cc])
        return LLVMBuildICmp(L->b, (LLVMIntPredicate)how[cc], a, b, "");
    LLVMValueRef r = LLVMBuildSub(L->b, a, b, ""), v;
    switch (cc & ~1u) {
    case IR_CC_O: v = sub_overflow(L, a, b, r); break;
    case IR_CC_S: v = negative(L, r); break;
    default: v = parity(L, r);
    }
    return cc & 1 ? not1(L, v) : v;
}

LLVMValueRef lower_cond(struct lower *L, ir_ref port, enum ir_cc cc)
{
    const struct ir_insn *in = port == IR_NONE ? NULL : &L->ir->insn[port];
    LLVMValueRef f[N_FLAGS], v;
    if (in && in->op == IR_SUBF)
        return lower_compare(L, L->v[in->arg[0]], L->v[in->arg[1]], cc);
    if (in && (in->op == IR_ANDF || in->op == IR_ORF || in->op == IR_XORF))
        return lower_compare(L, L->v[port], zero(L->v[port]), cc);      /* no carry, no overflow: as compared with 0 */
    for (unsigned k = 0; k < N_FLAGS; k++)
        f[k] = !(ir_cc_reads(cc) >> k & 1) ? NULL : in ? L->port[port][k] : lower_old_flag(L, k);
    switch (cc & ~1u) {
    case IR_CC_O: v = f[O]; break;
    case IR_CC_B: v = f[C]; break;
    case IR_CC_E: v = f[Z]; break;
    case IR_CC_BE: v = in && in->op == IR_FCMPF ? L->second[port] : or2(L, f[C], f[Z]); break;
    case IR_CC_S: v = f[S]; break;
    case IR_CC_P: v = f[P]; break;
    case IR_CC_L: v = xor2(L, f[S], f[O]); break;
    default: v = or2(L, f[Z], xor2(L, f[S], f[O]));
    }
    return cc & 1 ? not1(L, v) : v;
}
