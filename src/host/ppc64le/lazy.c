/* SPDX-License-Identifier: GPL-2.0-or-later
 * lazy.c: flags that are put off. The flags word costs some twenty instructions, and most of the words that a block must leave behind are never
 * read: what follows could only not be looked at. So a PUTF of all flags that are wanted, of a sum, difference or logical operation, stores the
 * operands and a code instead of the word, which is computed when somebody asks: an instruction that reads the state's flags, a helper, or the way
 * out of translated code. Where no translated code runs, the state's flags word is a word. A PUTF of some flags only is not put off: then the code
 * that follows is known, and reads them.
 *
 * The code stands in place of the word, whose bit 1 is never set: bit 0: b is in the code, as a signed number from bit 5 on; else at SPILL_LAZY_B.
 * bit 2: a - b, else a + b; bits 3, 4: log2 of the operands' bytes. a is at SPILL_LAZY_A. A logical operation is its result - 0.
 */
#include "host/ppc64le/emit.h"

static bool is_logic(unsigned op) { return op == IR_ANDF || op == IR_ORF || op == IR_XORF; }

bool can_be_lazy(const struct emitter *e, const struct ir_insn *putf)
{
    unsigned mask = putf->aux & IR_F_ALL;
    if (putf->arg[0] == IR_NONE || (mask != IR_F_ALL && (!putf->mod || mask != (IR_F_ALL & ~IR_F_C))))
        return false;
    switch (insn(e, putf->arg[0])->op) {
    case IR_ADDF: case IR_SUBF: case IR_ANDF: case IR_ORF: case IR_XORF: return true;
    case IR_INCF: case IR_DECF: return !(mask & IR_F_C);
    default: return false;
    }
}

/* the operand whose value is stored: that of a logical operation is its result, but x & x is x */
ir_ref lazy_operand(const struct emitter *e, ir_ref port)
{
    const struct ir_insn *in = insn(e, port);
    return is_logic(in->op) && (in->op == IR_XORF || in->arg[0] != in->arg[1]) ? port : in->arg[0];
}

static bool small_const(const struct emitter *e, const struct ir_insn *in, int64_t *c)
{
    *c = in->op == IR_INCF || in->op == IR_DECF ? 1 : 0;
    if (is_logic(in->op) || in->op == IR_INCF || in->op == IR_DECF)
        return true;
    return is_const(e, in->arg[1], c) && *c >= -1024 && *c < 1024;
}

/* a: register of lazy_operand */
void store_lazy(struct emitter *e, ir_ref port, unsigned a)
{
    const struct ir_insn *in = insn(e, port);
    unsigned size = type_size(in->type), code = CODE_LAZY | (size == 8 ? 3 : size >> 1) << CODE_WIDTH;
    int64_t c;
    asm_d(&e->a, (uint32_t)P_STD, a, REG_STATE, spill_at(e, SPILL_LAZY_A));
    if (in->op != IR_ADDF && in->op != IR_INCF)
        code |= CODE_SUB;
    if (small_const(e, in, &c))
        code |= CODE_CONST | (unsigned)c << CODE_B;
    else
        asm_d(&e->a, (uint32_t)P_STD, gpr_of(e, in->arg[1]), REG_STATE, spill_at(e, SPILL_LAZY_B));
    asm_d(&e->a, P_ADDI, TEMP, 0, (int16_t)code);
    asm_d(&e->a, P_STH, TEMP, REG_STATE, (int32_t)e->o->flags);
    e->flags_ready = false;
}

/* The state's flags are about to be read. Uses TEMP and field 0 of CR. */
void need_flags(struct emitter *e)
{
    if (e->flags_ready)
        return;
    asm_d(&e->a, P_LHZ, TEMP, REG_STATE, (int32_t)e->o->flags);
    asm_li(&e->a, P_ANDI_, TEMP, TEMP, CODE_LAZY);
    struct cold *c = add_cold(e, COLD_FLAGS);
    c->from = asm_bc_later(&e->a, BO_FALSE, CR_EQ);
    c->back = asm_here(&e->a);
    e->flags_ready = true;
}

/* A condition of the state's flags at this place, whose word is not known to be one: put off, most of them are a compare. Its bit is eq of field 0
 * on both ways, as of_word gives it. False: nothing emitted. */
bool lazy_cond(struct emitter *e, enum ir_cc cc)
{
    unsigned kind = cc / 2;
    if (e->flags_ready || kind == IR_CC_O / 2 || kind == IR_CC_P / 2 || kind == IR_CC_S / 2)
        return false;
    for (unsigned r = R3; r <= R5; r++)
        if (!scratch_is_free(e, r))
            return false;
    asm_d(&e->a, P_LHZ, TEMP, REG_STATE, (int32_t)e->o->flags);
    asm_li(&e->a, P_ANDI_, TEMP2, TEMP, CODE_LAZY);
    struct cold *c = add_cold(e, COLD_COND);
    c->from = asm_bc_later(&e->a, BO_FALSE, CR_EQ);
    c->cr = (uint8_t)kind;
    c->slow = asm_here(&e->a);
    e->lazy = c;
    return true;
}

/* what cold_cond comes back to */
void lazy_cond_end(struct emitter *e)
{
    if (e->lazy)
        e->lazy->back = asm_here(&e->a);
    e->lazy = NULL;
}

/* r0 = the code. STUB_COMPARE returns to the second instruction behind the call if that is a difference: then the fields 0 (unsigned) and 1 (signed)
 * compare a with b. For others STUB_FLAGS has made the word, which TEMP gets. */
void cold_cond(struct emitter *e, const struct cold *c)
{
    static const uint8_t bit[8] = { [IR_CC_B / 2] = CR_LT, [IR_CC_E / 2] = CR_EQ, [IR_CC_BE / 2] = CR_GT, [IR_CC_L / 2] = 4 + CR_LT, [IR_CC_LE / 2] = 4 + CR_GT };
    bool above = c->cr == IR_CC_BE / 2 || c->cr == IR_CC_LE / 2;
    far_jump(&e->a, e->env, e->env->stubs.others[STUB_COMPARE], true);
    asm_b(&e->a, c->slow, false);
    if (above)                                                      /* eq of field 0 is to be the opposite of the condition */
        asm_cror(&e->a, CR_EQ, bit[c->cr], bit[c->cr]);
    else
        asm_crnor(&e->a, CR_EQ, bit[c->cr], bit[c->cr]);
    asm_b(&e->a, c->back, false);
}

/* --- the word from the code: in C and in POWER's instructions --- */

static uint16_t word_of(uint16_t code, uint64_t a, uint64_t b)
{
    unsigned bits = 8u << (code >> CODE_WIDTH & 3), left = 64 - bits;
    bool sub = code & CODE_SUB;
    if (code & CODE_CONST)
        b = (uint64_t)(int64_t)((int16_t)code >> CODE_B);
    uint64_t r = sub ? a - b : a + b, carry = sub ? (~a & b) | ((~a | b) & r) : (a & b) | ((a | b) & ~r), over = (a ^ r) & (b ^ (sub ? a : r));
    unsigned word = !(__builtin_popcount((uint8_t)r) & 1) ? IR_FLAG_P : 0;
    word |= (a ^ b ^ r) & 16 ? IR_FLAG_A : 0;
    word |= r << left ? 0 : IR_FLAG_Z;
    word |= r << left >> 63 ? IR_FLAG_S : 0;
    word |= carry << left >> 63 ? IR_FLAG_C : 0;
    word |= over << left >> 63 ? IR_FLAG_O : 0;
    return (uint16_t)word;
}

void p64_settle_flags(uint8_t *state, uint32_t flags, uint32_t spill)
{
    uint16_t code;
    uint64_t a, b;
    memcpy(&code, state + flags, 2);
    if (!(code & CODE_LAZY))
        return;
    memcpy(&a, state + spill + SPILL_LAZY_A, 8);
    memcpy(&b, state + spill + SPILL_LAZY_B, 8);
    code = word_of(code, a, b);
    memcpy(state + flags, &code, 2);
}

static void saved(struct asm_buf *a, bool store)
{
    for (unsigned r = R3; r <= R8; r++)
        asm_d(a, (uint32_t)(store ? P_STD : P_LD), r, R1, (int32_t)(FRAME_LAZY + 8 * (r - R3)));
}

/* r6 = r3 - r4 or r3 + r4; carry and overflow at the top bits of r7 and r8; r5 is lost */
static void combine(struct asm_buf *a, bool sub)
{
    asm_x(a, sub ? P_SUBF : P_ADD, R6, sub ? R4 : R3, sub ? R3 : R4);
    if (sub) {
        asm_l(a, P_ORC, R7, R4, R3);
        asm_l(a, P_AND, R7, R7, R6);
        asm_l(a, P_ANDC, R8, R4, R3);
    } else {
        asm_l(a, P_OR, R7, R3, R4);
        asm_l(a, P_ANDC, R7, R7, R6);
        asm_l(a, P_AND, R8, R3, R4);
    }
    asm_l(a, P_OR, R7, R7, R8);
    asm_l(a, P_XOR, R8, R3, R6);
    asm_l(a, P_XOR, R5, R4, sub ? R3 : R6);
    asm_l(a, P_AND, R8, R8, R5);
}

/* the word in r0 from these; r4 = bits to shift left */
static void assemble(struct asm_buf *a)
{
    asm_l(a, P_XOR, R3, R3, R5);
    asm_l(a, P_POPCNTB, R5, R6, 0);
    asm_li(a, P_XORI, R5, R5, 1);
    asm_rlwinm(a, R0, R5, 10, 21, 21);                              /* P */
    asm_rlwimi(a, R0, R3, 8, 19, 19);                               /* A: bit 4 */
    for (unsigned r = R6; r <= R8; r++)
        asm_l(a, P_SLD, r, r, R4);
    asm_l(a, P_CNTLZD, R5, R6, 0);
    asm_rlwimi(a, R0, R5, 8, 17, 17);                               /* Z: bit 6 */
    for (unsigned r = R6; r <= R8; r++)
        asm_srdi(a, r, r, 32);
    asm_rlwimi(a, R0, R6, 16, 16, 16);                              /* S, C, O: bit 31 */
    asm_rlwimi(a, R0, R7, 9, 23, 23);
    asm_rlwimi(a, R0, R8, 1, 31, 31);
}

/* r = how far to shift the operands to the left end */
static void width_shift(struct asm_buf *a, unsigned r, unsigned code, unsigned t)
{
    asm_rlwinm(a, r, code, 32 - CODE_WIDTH, 30, 31);
    asm_d(a, P_ADDI, t, 0, 8);
    asm_l(a, P_SLW, r, t, r);
    asm_d(a, P_SUBFIC, r, r, 64);
}

/* r3 and r4 = the operands that were stored, or the constant in the code; uses `free` and field 0 of CR */
static void stored_operands(struct asm_buf *a, const struct host_offsets *o, unsigned code, unsigned free)
{
    asm_d(a, (uint32_t)P_LD, R3, REG_STATE, (int32_t)(o->spill + SPILL_LAZY_A));
    asm_l(a, P_EXTSH, R4, code, 0);
    asm_sradi(a, R4, R4, CODE_B);
    asm_li(a, P_ANDI_, free, code, CODE_CONST);
    uint8_t *constant = asm_bc_later(a, BO_FALSE, CR_EQ);
    asm_d(a, (uint32_t)P_LD, R4, REG_STATE, (int32_t)(o->spill + SPILL_LAZY_B));
    asm_patch(a, constant);
}

/* STUB_FLAGS: keeps all but r0, r12 and field 0 of CR */
void emit_flags_stub(struct asm_buf *a, const struct host_offsets *o)
{
    saved(a, true);
    asm_d(a, P_LHZ, R12, REG_STATE, (int32_t)o->flags);
    stored_operands(a, o, R12, R0);
    asm_li(a, P_ANDI_, R0, R12, CODE_SUB);
    uint8_t *sum = asm_bc_later(a, BO_TRUE, CR_EQ);
    combine(a, true);
    uint8_t *both = asm_b_later(a);
    asm_patch(a, sum);
    combine(a, false);
    asm_patch(a, both);
    asm_l(a, P_XOR, R5, R4, R6);
    width_shift(a, R4, R12, R0);
    assemble(a);
    asm_d(a, P_STH, R0, REG_STATE, (int32_t)o->flags);
    saved(a, false);
    asm_u32(a, P_BLR);
}

/* STUB_COMPARE: r0 = the code; uses r0, r3, r4, r5, r12, fields 0 and 1 */
void emit_compare_stub(struct asm_buf *a, const struct host_env *env)
{
    const struct host_offsets *o = env->offsets;
    asm_li(a, P_ANDI_, R12, R0, CODE_SUB);
    uint8_t *difference = asm_bc_later(a, BO_FALSE, CR_EQ);
    asm_r(a, P_MFLR, R5);
    asm_b(a, env->stubs.others[STUB_FLAGS], true);
    asm_r(a, P_MTLR, R5);
    asm_d(a, P_LHZ, R0, REG_STATE, (int32_t)o->flags);
    asm_u32(a, P_BLR);
    asm_patch(a, difference);
    asm_r(a, P_MFLR, R12);
    asm_d(a, P_ADDI, R12, R12, 4);
    asm_r(a, P_MTLR, R12);
    stored_operands(a, o, R0, R12);
    width_shift(a, R5, R0, R12);
    asm_l(a, P_SLD, R3, R3, R5);
    asm_l(a, P_SLD, R4, R4, R5);
    asm_cmp(a, 0, true, false, R3, R4);
    asm_cmp(a, 1, true, true, R3, R4);
    asm_u32(a, P_BLR);
}

/* for the stubs: the same where there is something to do; uses r0, r12, lr */
void settle_flags(struct asm_buf *a, const struct host_env *env)
{
    asm_d(a, P_LHZ, R0, REG_STATE, (int32_t)env->offsets->flags);
    asm_li(a, P_ANDI_, R0, R0, CODE_LAZY);
    uint8_t *done = asm_bc_later(a, BO_TRUE, CR_EQ);
    asm_b(a, env->stubs.others[STUB_FLAGS], true);
    asm_patch(a, done);
}

/* ... and what C code may have left in the bits that mean nothing goes; uses r0 */
void clean_flags(struct asm_buf *a, const struct host_offsets *o)
{
    asm_d(a, P_LHZ, R0, REG_STATE, (int32_t)o->flags);
    asm_li(a, P_ANDI_, R0, R0, IR_FLAGS_WORD);
    asm_d(a, P_STH, R0, REG_STATE, (int32_t)o->flags);
}
