/* SPDX-License-Identifier: GPL-2.0-or-later
 * build.c: appends instructions to a block and does on the way what is cheap only there: constants are shared, a GET of
 * bytes that a PUT or GET has just named gives that value, and what one look at the operands can fold is folded.
 *
 * What must stay true:
 *  B1 values are SSA, so whatever the builder remembers is right as long as it is forgotten when the state's bytes
 *     change by another way (narrow puts, helper calls)
 *  B2 folding never looks at instructions once the block is full: the last slot is overwritten again and again, so an
 *     operand could then be its own user
 *  B3 folding never gives a value a longer life than its register: see `resident`
 */
#include "ir/build.h"
#include "ir/fill.h"
#include "ir/helpers.h"

/* --- instructions --- */

/* Field by field to where it stays: a copy of the whole would wait until its pieces are out of the store buffer. */
static inline ir_ref append(struct ir_builder *B, enum ir_op op, enum ir_type t, unsigned lane, unsigned aux, unsigned mod,
                            ir_ref a, ir_ref b, ir_ref c, ir_ref d, int64_t imm)
{
    struct ir_block *block = B->b;
    unsigned i = block->n;
    if (__builtin_expect(i >= IR_MAX_INSNS, 0)) {
        B->full = true;
        i = IR_MAX_INSNS - 1;
    } else
        block->n = i + 1;
    struct ir_insn *in = &block->insn[i];
    in->op = (uint8_t)op;
    in->type = (uint8_t)t;
    in->lane = (uint8_t)lane;
    in->aux = (uint8_t)aux;
    in->mod = (uint8_t)mod;
    in->arg[0] = a;
    in->arg[1] = b;
    in->arg[2] = c;
    in->arg[3] = d;
    in->uses = in->live = 0;
    in->imm = imm;
    B->home[i] = 0;
    return (ir_ref)i;
}

static ir_ref append4(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, ir_ref b, ir_ref c, ir_ref d, int64_t imm)
{
    return append(B, op, t, 0, 0, 0, a, b, c, d, imm);
}

void ir_build_start(struct ir_builder *B, struct ir_block *b, uint64_t guest_pc)
{
    B->b = b;
    B->full = false;
    b->guest_pc = b->guest_end = guest_pc;
    b->n_guest_insns = b->flags_in = b->n = 0;
    b->plain = true;
    fill(B->const_hash, 0xff, sizeof B->const_hash);
    ir_forget(B);
    B->stores_flags = false;
}

bool ir_room(const struct ir_builder *B, unsigned n)
{
    return !B->full && B->b->n + n <= IR_MAX_INSNS;
}

void ir_insn_start(struct ir_builder *B, uint64_t pc, unsigned len)
{
    B->b->n_guest_insns++;
    if (pc + len > B->b->guest_end)
        B->b->guest_end = pc + len;
    append(B, IR_INSN, IR_VOID, 0, len, 0, IR_NONE, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
}

/* --- integers of a type --- */

static unsigned bits_of(enum ir_type t) { return t == IR_I1 ? 1 : ir_type_size[t] * 8u; }
static bool is_small_int(enum ir_type t) { return t >= IR_I1 && t <= IR_I64; }

static uint64_t zero_extend(enum ir_type t, uint64_t v)
{
    unsigned bits = bits_of(t);
    return bits >= 64 ? v : v & ((1ull << bits) - 1);
}
static int64_t sign_extend(enum ir_type t, uint64_t v)
{
    unsigned bits = bits_of(t);
    return bits >= 64 ? (int64_t)v : (int64_t)(v << (64 - bits)) >> (64 - bits);
}
/* the form that a CONST has: sign-extended, but an i1 is 0 or 1 */
static int64_t normal(enum ir_type t, uint64_t v) { return t == IR_I1 ? (int64_t)(v & 1) : sign_extend(t, v); }

static bool const_of(const struct ir_builder *B, ir_ref v, int64_t *value)
{
    if (v >= IR_MAX_INSNS || B->b->insn[v].op != IR_CONST || !is_small_int(B->b->insn[v].type))
        return false;
    *value = B->b->insn[v].imm;
    return true;
}

ir_ref ir_const(struct ir_builder *B, enum ir_type t, int64_t v)
{
    v = normal(t, (uint64_t)v);
    uint32_t *slot = &B->const_hash[(((uint64_t)v + t) * 0x9e3779b97f4a7c15ull) >> 58];
    if (*slot < B->b->n) {
        const struct ir_insn *in = &B->b->insn[*slot];
        if (in->op == IR_CONST && in->type == t && in->imm == v)
            return (ir_ref)*slot;
    }
    return (ir_ref)(*slot = append4(B, IR_CONST, t, IR_NONE, IR_NONE, IR_NONE, IR_NONE, v));
}

/* --- the guest state: what is known of its first IR_TRACKED bytes --- */

void ir_forget(struct ir_builder *B)
{
    fill(&B->known, 0xff, sizeof B->known);
    B->port = IR_NONE;
    B->port_mask = 0;
}

void ir_forget_range(struct ir_builder *B, unsigned offset, unsigned size)
{
    if (size == 0)
        return;
    for (unsigned k = offset / 8; k <= (offset + size - 1) / 8 && k < IR_TRACKED / 8; k++) {
        B->known.slot64[k] = B->known.slotv[k / 2] = IR_NONE;
        if (offset < k * 8 + 4)               /* else only the slot's high half changes */
            B->known.slot32[k] = IR_NONE;
    }
}

static void know64(struct ir_builder *B, unsigned k, ir_ref v)
{
    B->known.slot64[k] = v;
    if (v < IR_MAX_INSNS)
        B->home[v] = (uint16_t)(k + 1);
}

/* Is the value a constant or still in the slot that it came from? Only then is it free to use it once more: hosts keep
 * slots in registers, and a value whose slot has been overwritten would need another register to live on. */
static bool resident(const struct ir_builder *B, ir_ref v)
{
    int64_t c;
    if (v == IR_NONE || const_of(B, v, &c))
        return true;
    return B->home[v] && B->known.slot64[B->home[v] - 1] == v;
}

static ir_ref known(struct ir_builder *B, enum ir_type t, unsigned offset)
{
    unsigned k = offset / 8;
    if (offset >= IR_TRACKED || B->full)
        return IR_NONE;
    if (t == IR_V128)
        return offset % 16 ? IR_NONE : B->known.slotv[k / 2];
    if (offset % 8)
        return IR_NONE;
    if (t == IR_I64)
        return B->known.slot64[k];
    if (t == IR_I32) {
        if (B->known.slot32[k] == IR_NONE && B->known.slot64[k] != IR_NONE)
            B->known.slot32[k] = ir_trunc(B, IR_I32, B->known.slot64[k]);
        return B->known.slot32[k];
    }
    if (t == IR_I8 || t == IR_I16) {
        ir_ref wide = B->known.slot64[k] != IR_NONE ? B->known.slot64[k] : B->known.slot32[k];
        return wide == IR_NONE ? IR_NONE : ir_trunc(B, t, wide);
    }
    return IR_NONE;
}

ir_ref ir_get(struct ir_builder *B, enum ir_type t, unsigned offset)
{
    ir_ref v;
    if (t == IR_I64 && offset < IR_TRACKED && offset % 8 == 0 && !B->full)      /* known(), for the most frequent */
        v = B->known.slot64[offset / 8];
    else
        v = known(B, t, offset);
    if (v != IR_NONE)
        return v;
    v = append4(B, IR_GET, t, IR_NONE, IR_NONE, IR_NONE, IR_NONE, offset);
    if (offset >= IR_TRACKED)
        return v;
    if (t == IR_I64 && offset % 8 == 0)
        know64(B, offset / 8, v);
    else if (t == IR_I32 && offset % 8 == 0)
        B->known.slot32[offset / 8] = v;
    else if (t == IR_V128 && offset % 16 == 0)
        B->known.slotv[offset / 16] = v;
    return v;
}

void ir_put(struct ir_builder *B, enum ir_type t, unsigned offset, ir_ref v)
{
    append4(B, IR_PUT, t, v, IR_NONE, IR_NONE, IR_NONE, offset);
    if (offset >= IR_TRACKED)
        return;
    if (t == IR_I64 && offset % 8 == 0) {
        B->known.slot32[offset / 8] = B->known.slotv[offset / 16] = IR_NONE;
        know64(B, offset / 8, v);
        return;
    }
    ir_forget_range(B, offset, ir_type_size[t]);
    if (t == IR_I32 && offset % 8 == 0)
        B->known.slot32[offset / 8] = v;
    else if (t == IR_V128 && offset % 16 == 0)
        B->known.slotv[offset / 16] = v;
}

/* --- folding: each returns IR_NONE when there is nothing to fold --- */

/* The low half of the sum just made (lea eax, [...]): sum the low halves instead. */
static ir_ref narrow_lea(struct ir_builder *B, const struct ir_insn *in)
{
    ir_ref base = in->arg[0] == IR_NONE ? IR_NONE : ir_trunc(B, IR_I32, in->arg[0]);
    ir_ref index = in->arg[1] == IR_NONE ? IR_NONE : ir_trunc(B, IR_I32, in->arg[1]);
    return ir_lea(B, IR_I32, base, index, in->aux, in->imm);
}

static ir_ref fold_extension(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref v)
{
    const struct ir_insn *in = &B->b->insn[v];
    if (op == IR_TRUNC && t == IR_I32 && in->op == IR_LEA && in->type == IR_I64 && v + 1u == B->b->n)
        return narrow_lea(B, in);
    if (in->op == IR_CONST && is_small_int(t))
        return ir_const(B, t, op == IR_ZEXT ? (int64_t)zero_extend(in->type, (uint64_t)in->imm)
                                            : sign_extend(in->type, (uint64_t)in->imm));
    if (in->op == op)                                   /* twice the same */
        return append4(B, op, t, in->arg[0], IR_NONE, IR_NONE, IR_NONE, 0);
    if (op == IR_SEXT && in->op == IR_ZEXT)             /* the top bit is 0 */
        return append4(B, IR_ZEXT, t, in->arg[0], IR_NONE, IR_NONE, IR_NONE, 0);
    if (op == IR_TRUNC && in->op == IR_PAIR && t <= IR_I64)
        return ir_trunc(B, t, in->arg[0]);
    if (op != IR_TRUNC || (in->op != IR_ZEXT && in->op != IR_SEXT))
        return IR_NONE;
    ir_ref source = in->arg[0];
    unsigned from = bits_of(B->b->insn[source].type), to = bits_of(t);
    if (from == to)
        return source;
    return append4(B, from > to ? IR_TRUNC : in->op, t, source, IR_NONE, IR_NONE, IR_NONE, 0);
}

static uint64_t byte_swap(enum ir_type t, uint64_t v) { return __builtin_bswap64(v) >> (64 - bits_of(t)); }

static ir_ref fold_unary(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a)
{
    int64_t v;
    if (!is_small_int(t) || !const_of(B, a, &v))
        return IR_NONE;
    uint64_t x = zero_extend(t, (uint64_t)v);
    unsigned bits = bits_of(t);
    switch (op) {
    case IR_NOT:    return ir_const(B, t, ~v);
    case IR_NEG:    return ir_const(B, t, (int64_t)(0 - (uint64_t)v));
    case IR_BSWAP:  return ir_const(B, t, (int64_t)byte_swap(t, x));
    case IR_CLZ:    return ir_const(B, t, x ? __builtin_clzll(x) - (int)(64 - bits) : (int)bits);
    case IR_CTZ:    return ir_const(B, t, x ? __builtin_ctzll(x) : (int)bits);
    case IR_POPCNT: return ir_const(B, t, __builtin_popcountll(x));
    default:        return IR_NONE;
    }
}

/* `by` is the count as given; see the head of ops.def for what it means */
static uint64_t eval_shift(enum ir_op op, enum ir_type t, uint64_t v, uint64_t by)
{
    unsigned bits = bits_of(t), n = by & (t == IR_I64 ? 63 : 31);
    uint64_t x = zero_extend(t, v);
    switch (op) {
    case IR_SHL: return n >= bits ? 0 : x << n;
    case IR_SHR: return n >= bits ? 0 : x >> n;
    case IR_SAR: return (uint64_t)(sign_extend(t, v) >> (n >= bits ? bits - 1 : n));
    case IR_ROR: n = bits - n % bits; break;            /* as a rotate left; IR_ROL */
    default: break;
    }
    n %= bits;
    return n ? x << n | x >> (bits - n) : x;
}

static uint64_t eval_binary(enum ir_op op, enum ir_type t, uint64_t a, uint64_t b)
{
    switch (op) {
    case IR_ADD: return a + b;
    case IR_SUB: return a - b;
    case IR_MUL: return a * b;
    case IR_AND: return a & b;
    case IR_OR:  return a | b;
    case IR_XOR: return a ^ b;
    default:     return eval_shift(op, t, a, b);
    }
}

static bool is_shift(enum ir_op op) { return op >= IR_SHL && op <= IR_ROR; }

/* x op constant, where the result is x or a constant */
static ir_ref fold_identity(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, int64_t b)
{
    if (is_shift(op))
        return (b & (t == IR_I64 ? 63 : 31)) == 0 ? a : IR_NONE;
    int64_t ones = normal(t, ~0ull);
    switch (op) {
    case IR_ADD: case IR_SUB: case IR_XOR: return b == 0 ? a : IR_NONE;
    case IR_OR:  return b == 0 ? a : b == ones ? ir_const(B, t, ones) : IR_NONE;
    case IR_AND: return b == ones ? a : b == 0 ? ir_const(B, t, 0) : IR_NONE;
    case IR_MUL: return b == 1 ? a : b == 0 ? ir_const(B, t, 0) : IR_NONE;
    default:     return IR_NONE;
    }
}

static ir_ref fold_binary(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, ir_ref b)
{
    int64_t va, vb;
    if (!is_small_int(t))
        return IR_NONE;
    if (a == b && (op == IR_SUB || op == IR_XOR))
        return ir_const(B, t, 0);
    if (a == b && (op == IR_AND || op == IR_OR))
        return a;
    if (!const_of(B, b, &vb))
        return IR_NONE;
    if (const_of(B, a, &va))
        return ir_const(B, t, (int64_t)eval_binary(op, t, (uint64_t)va, (uint64_t)vb));
    return fold_identity(B, op, t, a, vb);
}

static bool eval_cc(enum ir_cc cc, enum ir_type t, int64_t a, int64_t b)
{
    uint64_t ua = zero_extend(t, (uint64_t)a), ub = zero_extend(t, (uint64_t)b);
    int64_t r = sign_extend(t, ua - ub);
    bool holds = false;
    switch (cc & ~1u) {
    case IR_CC_O:  holds = (a < b) != (r < 0); break;
    case IR_CC_B:  holds = ua < ub; break;
    case IR_CC_E:  holds = a == b; break;
    case IR_CC_BE: holds = ua <= ub; break;
    case IR_CC_S:  holds = r < 0; break;
    case IR_CC_P:  holds = !__builtin_parity((unsigned)r & 0xff); break;
    case IR_CC_L:  holds = a < b; break;
    case IR_CC_LE: holds = a <= b; break;
    }
    return holds ^ (cc & 1);
}

static ir_ref fold_cmp(struct ir_builder *B, unsigned cc, ir_ref a, ir_ref b)
{
    int64_t va, vb;
    if (!const_of(B, a, &va) || !const_of(B, b, &vb))
        return IR_NONE;
    enum ir_type t = B->b->insn[a].type;
    if (t == IR_I1)
        return IR_NONE;
    return ir_const(B, IR_I1, eval_cc((enum ir_cc)(cc % IR_N_CC), t, va, vb));
}

static ir_ref fold_select(const struct ir_builder *B, ir_ref cond, ir_ref a, ir_ref b)
{
    int64_t c;
    if (a == b)
        return a;
    return const_of(B, cond, &c) ? (c ? a : b) : IR_NONE;
}

static ir_ref fold(struct ir_builder *B, enum ir_op op, enum ir_type t, unsigned aux, ir_ref a, ir_ref b, ir_ref c)
{
    switch (op) {
    case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR:
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR:
        return fold_binary(B, op, t, a, b);
    case IR_NOT: case IR_NEG: case IR_BSWAP: case IR_CLZ: case IR_CTZ: case IR_POPCNT:
        return fold_unary(B, op, t, a);
    case IR_ZEXT: case IR_SEXT: case IR_TRUNC:
        return a < B->b->n ? fold_extension(B, op, t, a) : IR_NONE;
    case IR_CMP:
        return fold_cmp(B, aux, a, b);
    case IR_SELECT:
        return fold_select(B, a, b, c);
    default:
        return IR_NONE;
    }
}

/* --- the public ways to append --- */

static inline bool is_plain(enum ir_op op)
{
    return !(ir_op_info[op].props & IR_P_FP) && op != IR_CALL && op != IR_FENCE && !(op >= IR_AADD && op <= IR_CAS);
}

ir_ref ir_emit(struct ir_builder *B, enum ir_op op, enum ir_type t, unsigned lane, unsigned aux, unsigned mod,
               ir_ref a, ir_ref b, ir_ref c, int64_t imm)
{
    int64_t v;
    switch (op) {        /* those that the builder follows */
    case IR_CONST: return ir_const(B, t, imm);
    case IR_GET:   return ir_get(B, t, (unsigned)imm);
    case IR_PUT:   ir_put(B, t, (unsigned)imm, a); return IR_NONE;
    case IR_PUTF:  ir_putf(B, aux, a); return IR_NONE;
    case IR_CALL:  return ir_call(B, (unsigned)imm, t, a, b, c, IR_NONE);
    case IR_LEA:   return ir_lea(B, t, a, b, aux, imm);
    case IR_EXIT: case IR_EXITIF: case IR_EXITCALL: return append(B, op, t, lane, aux, mod, a, b, c, IR_NONE, imm);
    default: break;
    }
    if (!B->full) {
        if ((ir_op_info[op].props & IR_P_C) && t <= IR_I64 && const_of(B, a, &v)) {   /* constants to the right */
            ir_ref swap = a;
            a = b;
            b = swap;
        }
        ir_ref folded = fold(B, op, t, aux, a, b, c);
        if (folded != IR_NONE)
            return folded;
    }
    B->b->plain &= is_plain(op);
    return append(B, op, t, lane, aux, mod, a, b, c, IR_NONE, imm);
}

ir_ref ir_op1(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a)
{
    return ir_emit(B, op, t, 0, 0, 0, a, IR_NONE, IR_NONE, 0);
}
ir_ref ir_op2(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, ir_ref b)
{
    return ir_emit(B, op, t, 0, 0, 0, a, b, IR_NONE, 0);
}
ir_ref ir_op3(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref a, ir_ref b, ir_ref c)
{
    return ir_emit(B, op, t, 0, 0, 0, a, b, c, 0);
}

/* to a wider type by `op`, to a narrower one by TRUNC */
static ir_ref resize(struct ir_builder *B, enum ir_op op, enum ir_type t, ir_ref v)
{
    enum ir_type from = ir_typeof(B, v);
    if (from == t)
        return v;
    op = from < t ? op : IR_TRUNC;                       /* integer types are in the order of their widths */
    ir_ref folded = B->full ? IR_NONE : fold_extension(B, op, t, v);
    return folded != IR_NONE ? folded : append4(B, op, t, v, IR_NONE, IR_NONE, IR_NONE, 0);
}
ir_ref ir_zext(struct ir_builder *B, enum ir_type t, ir_ref v) { return resize(B, IR_ZEXT, t, v); }
ir_ref ir_sext(struct ir_builder *B, enum ir_type t, ir_ref v) { return resize(B, IR_SEXT, t, v); }
ir_ref ir_trunc(struct ir_builder *B, enum ir_type t, ir_ref v) { return resize(B, IR_ZEXT, t, v); }

/* --- addresses --- */

struct address { ir_ref base, index; unsigned shift; int64_t disp; };

static bool fits32(int64_t v) { return v == (int32_t)v; }

/* a constant operand goes into the displacement if that is then small, or alone */
static ir_ref fold_operand(struct ir_builder *B, struct address *a, ir_ref v, unsigned shift, bool alone)
{
    int64_t c;
    if (!const_of(B, v, &c))
        return v;
    int64_t disp = (int64_t)((uint64_t)a->disp + ((uint64_t)c << shift));
    if (!alone && !fits32(disp))
        return v;
    a->disp = disp;
    return IR_NONE;
}

static void fold_address_constants(struct ir_builder *B, struct address *a)
{
    int64_t c;
    bool alone = a->base == IR_NONE || const_of(B, a->base, &c);
    a->index = fold_operand(B, a, a->index, a->shift, alone);
    a->base = fold_operand(B, a, a->base, 0, a->index == IR_NONE);
    if (a->base == IR_NONE && a->shift == 0) {
        a->base = a->index;
        a->index = IR_NONE;
    }
}

/* base = an earlier LEA: take it apart when at most one index and one small displacement come out of it (B3) */
static void fold_address_base(struct ir_builder *B, enum ir_type t, struct address *a)
{
    if (a->base == IR_NONE || B->b->insn[a->base].op != IR_LEA || B->b->insn[a->base].type != t)
        return;
    const struct ir_insn *in = &B->b->insn[a->base];
    int64_t disp = (int64_t)((uint64_t)a->disp + (uint64_t)in->imm);
    if (!fits32(disp) || (a->index != IR_NONE && (in->arg[1] != IR_NONE || in->arg[0] == IR_NONE)))
        return;
    if (!resident(B, in->arg[0]) || !resident(B, in->arg[1]))
        return;
    if (a->index == IR_NONE) {
        a->index = in->arg[1];
        a->shift = in->aux;
    }
    a->base = in->arg[0];
    a->disp = disp;
}

ir_ref ir_lea(struct ir_builder *B, enum ir_type t, ir_ref base, ir_ref index, unsigned shift, int64_t disp)
{
    struct address a = { base, index, shift, t == IR_I32 ? (int32_t)disp : disp };
    bool plain = index == IR_NONE && base != IR_NONE && B->b->insn[base].op != IR_CONST && B->b->insn[base].op != IR_LEA;
    if (!plain && !B->full) {
        fold_address_constants(B, &a);
        fold_address_base(B, t, &a);
        if (t == IR_I32)
            a.disp = (int32_t)a.disp;
    }
    if (a.base == IR_NONE && a.index == IR_NONE)
        return ir_const(B, t, a.disp);
    if (a.disp == 0 && a.index == IR_NONE)
        return a.base;
    int64_t rest = fits32(a.disp) ? 0 : a.disp;
    ir_ref v = a.index == IR_NONE && rest ? a.base
             : append(B, IR_LEA, t, 0, a.index == IR_NONE ? 0 : a.shift, 0, a.base, a.index, IR_NONE, IR_NONE, a.disp - rest);
    return rest ? ir_op2(B, IR_ADD, t, v, ir_const(B, t, rest)) : v;
}

/* --- memory, flags, calls --- */

ir_ref ir_load(struct ir_builder *B, enum ir_type t, ir_ref addr, unsigned mem)
{
    return append(B, IR_LOAD, t, 0, mem, 0, addr, IR_NONE, IR_NONE, IR_NONE, 0);
}

void ir_store(struct ir_builder *B, enum ir_type t, ir_ref addr, ir_ref v, unsigned mem)
{
    append(B, IR_STORE, t, 0, mem, 0, addr, v, IR_NONE, IR_NONE, 0);
}

/* packed word of a flags-setting operation on constants (xor eax, eax; test of a known value); false: not one of these */
static bool constant_flags(const struct ir_builder *B, ir_ref port, unsigned *word)
{
    const struct ir_insn *in = &B->b->insn[port];
    enum ir_type t = in->type;
    int64_t a, b;
    if (!const_of(B, in->arg[0], &a) || !const_of(B, in->arg[1], &b))
        return false;
    uint64_t sum = (uint64_t)a + (uint64_t)b, ua = zero_extend(t, (uint64_t)a);
    int64_t r;
    unsigned carries = 0;
    switch (in->op) {
    case IR_ANDF: r = a & b; break;
    case IR_ORF:  r = a | b; break;
    case IR_XORF: r = a ^ b; break;
    case IR_ADDF:
        r = sign_extend(t, sum);
        carries = (zero_extend(t, sum) < ua ? IR_FLAG_C : 0) | (((a ^ r) & (b ^ r)) < 0 ? IR_FLAG_O : 0);
        break;
    case IR_SUBF:
        r = sign_extend(t, (uint64_t)a - (uint64_t)b);
        carries = (eval_cc(IR_CC_B, t, a, b) ? IR_FLAG_C : 0) | (eval_cc(IR_CC_O, t, a, b) ? IR_FLAG_O : 0);
        break;
    default: return false;
    }
    if (in->op == IR_ADDF || in->op == IR_SUBF)
        carries |= (a ^ b ^ r) & 16 ? IR_FLAG_A : 0;
    *word = carries | (r == 0 ? IR_FLAG_Z : 0) | (r < 0 ? IR_FLAG_S : 0) | (__builtin_parity((unsigned)r & 0xff) ? 0 : IR_FLAG_P);
    return true;
}

static bool cc_of_word(enum ir_cc cc, unsigned word)
{
    bool c = word & IR_FLAG_C, z = word & IR_FLAG_Z, s = word & IR_FLAG_S, o = word & IR_FLAG_O;
    bool holds[IR_N_CC / 2] = { o, c, z, c || z, s, (word & IR_FLAG_P) != 0, s != o, z || s != o };
    return holds[cc / 2] != (cc & 1);
}

ir_ref ir_cond(struct ir_builder *B, enum ir_cc cc)
{
    bool direct = B->port != IR_NONE && !(ir_cc_reads(cc) & ~B->port_mask);
    int64_t word;
    if (direct && !B->full && B->b->insn[B->port].op == IR_MKF && const_of(B, B->b->insn[B->port].arg[0], &word))
        return ir_const(B, IR_I1, cc_of_word(cc, (unsigned)word));
    return append(B, IR_COND, IR_I1, 0, cc, 0, direct ? B->port : IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
}

void ir_putf(struct ir_builder *B, unsigned mask, ir_ref port)
{
    unsigned word;
    mask &= IR_F_ALL;
    if (port == IR_NONE || mask == 0)           /* the state's flags become the state's flags */
        return;
    if (!B->full && constant_flags(B, port, &word))
        port = ir_op1(B, IR_MKF, IR_I32, ir_const(B, IR_I32, word));
    append(B, IR_PUTF, IR_VOID, 0, mask, 0, port, IR_NONE, IR_NONE, IR_NONE, 0);
    B->stores_flags = true;
    B->port_mask = port == B->port ? B->port_mask | mask : mask;
    B->port = port;
}

ir_ref ir_getf(struct ir_builder *B)
{
    return append4(B, IR_GETF, IR_I32, IR_NONE, IR_NONE, IR_NONE, IR_NONE, 0);
}

ir_ref ir_call(struct ir_builder *B, unsigned helper, enum ir_type t, ir_ref a, ir_ref b, ir_ref c, ir_ref d)
{
    ir_ref v = append4(B, IR_CALL, t, a, b, c, d, helper);
    B->b->plain = false;
    if (helper >= ir_n_helpers || !(ir_helpers[helper].effects & IR_H_PURE))
        ir_forget(B);
    return v;
}
