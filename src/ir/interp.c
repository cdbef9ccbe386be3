/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp.c: runs a block of IR, one instruction after the other, each in the plainest way that gives the right answer. It is what every
 * emitter is compared with, and it runs what they can't emit. Integers, flags, exits and calls are here; the vector families and
 * memory have files of their own (interp_vec.c, interp_fp.c, interp_mem.c).
 *
 *  N1 an integer value is kept zero-extended to 64 bits, an i1 as 0 or 1
 *  N2 flags that the manual leaves undefined are those that an AMD Zen 4 gives
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ir/helpers.h"
#include "ir/interp.h"

struct interp {
    const struct ir_insn *insn;            /* what runs */
    char *state;
    const struct ir_interp_env *env;
    uint64_t next_pc;
    uint16_t *port;                        /* packed flags word of each FL instruction */
    union ir_cell *cell;
};

static const uint64_t type_mask[IR_N_TYPES] = {
    [IR_I1] = 1, [IR_I8] = 0xff, [IR_I16] = 0xffff, [IR_I32] = 0xffffffff, [IR_I64] = ~0ull, [IR_I128] = ~0ull,   /* the low half */
};
static const uint8_t type_bits[IR_N_TYPES] = { [IR_I1] = 1, [IR_I8] = 8, [IR_I16] = 16, [IR_I32] = 32, [IR_I64] = 64, [IR_I128] = 128 };

static int64_t sign_extend(uint64_t v, unsigned bits) { return (int64_t)(v << (64 - bits)) >> (64 - bits); }
static unsigned top_bit(uint64_t v, unsigned bits) { return v >> (bits - 1) & 1; }

/* --- the state --- */

static uint16_t state_flags(const struct interp *I) {
    uint16_t f;
    memcpy(&f, I->state + I->env->flags_offset, 2);
    return f;
}

/* from the six-bit mask of aux and lane to the bits of the packed word */
static unsigned word_mask(unsigned m) {
    return (m & IR_F_C) << 8 | (m & IR_F_P) << 9 | (m & IR_F_A) << 10 | (m & (IR_F_Z | IR_F_S)) << 11 | (m & IR_F_O) >> 5;
}

static void put_flags(struct interp *I, unsigned mask, unsigned port) {
    unsigned bits = word_mask(mask);
    uint16_t f = (uint16_t)((state_flags(I) & ~bits) | (port & bits));
    memcpy(I->state + I->env->flags_offset, &f, 2);
}

/* memcpy by constant sizes, for most values have one of these */
static void copy(void *to, const void *from, unsigned size) {
    switch (size) {
    case 1: memcpy(to, from, 1); break;
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    case 16: memcpy(to, from, 16); break;
    default: memcpy(to, from, size);
    }
}

static void put_pc(struct interp *I, int64_t pc) { memcpy(I->state + I->env->pc_offset, &pc, 8); }

/* --- flags --- */

static unsigned flag_if(bool set, unsigned flag) { return set ? flag : 0; }

static bool even_parity(uint64_t r) { return 0x9669 >> ((r ^ r >> 4) & 15) & 1; }      /* of the low byte */

static unsigned flags_szp(uint64_t r, unsigned bits) {
    return flag_if(top_bit(r, bits), IR_FLAG_S) | flag_if(r == 0, IR_FLAG_Z) | flag_if(even_parity(r), IR_FLAG_P);
}

static bool condition(unsigned f, enum ir_cc cc) {
    bool less = !(f & IR_FLAG_S) != !(f & IR_FLAG_O), r;
    switch (cc & ~1u) {
    case IR_CC_O:  r = f & IR_FLAG_O; break;
    case IR_CC_B:  r = f & IR_FLAG_C; break;
    case IR_CC_E:  r = f & IR_FLAG_Z; break;
    case IR_CC_BE: r = f & (IR_FLAG_C | IR_FLAG_Z); break;
    case IR_CC_S:  r = f & IR_FLAG_S; break;
    case IR_CC_P:  r = f & IR_FLAG_P; break;
    case IR_CC_L:  r = less; break;
    default:       r = less || f & IR_FLAG_Z; break;
    }
    return r ^ (cc & 1);
}

struct result { uint64_t v, second; unsigned flags; };
/* operands of an integer operation with flags; base: the flags as they are, for the ones that the operation leaves alone */
struct operands { uint64_t a, b, c; unsigned bits, base; uint64_t mask; };

static struct result add_flags(const struct operands *o, uint64_t carry) {
    uint64_t a = o->a, b = o->b, r = (a + b + carry) & o->mask;
    bool c = top_bit((a & b) | ((a | b) & ~r), o->bits), v = top_bit((a ^ r) & (b ^ r), o->bits);
    return (struct result){ .v = r, .flags = flags_szp(r, o->bits) | flag_if(c, IR_FLAG_C) | flag_if(v, IR_FLAG_O) |
                            flag_if((a ^ b ^ r) & 16, IR_FLAG_A) };
}

static struct result sub_flags(uint64_t a, uint64_t b, const struct operands *o, uint64_t borrow) {
    uint64_t r = (a - b - borrow) & o->mask;
    bool c = top_bit((~a & b) | ((~a | b) & r), o->bits), v = top_bit((a ^ b) & (a ^ r), o->bits);
    return (struct result){ .v = r, .flags = flags_szp(r, o->bits) | flag_if(c, IR_FLAG_C) | flag_if(v, IR_FLAG_O) |
                            flag_if((a ^ b ^ r) & 16, IR_FLAG_A) };
}

static struct result step_flags(const struct operands *o, bool down) {
    struct operands one = *o;
    one.b = 1;
    struct result r = down ? sub_flags(one.a, 1, &one, 0) : add_flags(&one, 0);
    r.flags = (r.flags & ~(unsigned)IR_FLAG_C) | (o->base & IR_FLAG_C);
    return r;
}

static struct result logic_flags(uint64_t r, const struct operands *o) {
    return (struct result){ .v = r, .flags = flags_szp(r, o->bits) };
}

/* --- shifts and rotates --- */

static unsigned shift_count(uint64_t count, unsigned bits) { return (unsigned)count & (bits == 64 ? 63 : 31); }

static uint64_t shift_left(uint64_t a, unsigned n, uint64_t mask) { return a << n & mask; }
static uint64_t shift_arithmetic(uint64_t a, unsigned n, unsigned bits, uint64_t mask) { return (uint64_t)(sign_extend(a, bits) >> n) & mask; }

static uint64_t rotate_left(uint64_t a, unsigned n, unsigned bits, uint64_t mask) {
    n %= bits;
    return n ? (a << n | a >> (bits - n)) & mask : a;
}
static uint64_t rotate_right(uint64_t a, unsigned n, unsigned bits, uint64_t mask) { return rotate_left(a, bits - n % bits, bits, mask); }

/* overflow after a step to the left: the sign differs from the carry; to the right: from the bit below it */
static unsigned left_overflow(uint64_t r, bool carry, unsigned bits) { return flag_if(top_bit(r, bits) != carry, IR_FLAG_O); }
static unsigned right_overflow(uint64_t r, unsigned bits) { return flag_if((r >> (bits - 1) ^ r >> (bits - 2)) & 1, IR_FLAG_O); }

static struct result unchanged(const struct operands *o) { return (struct result){ .v = o->a, .flags = o->base }; }

static struct result shifted(uint64_t r, bool carry, bool left, const struct operands *o) {
    unsigned overflow = left ? left_overflow(r, carry, o->bits) : right_overflow(r, o->bits);
    return (struct result){ .v = r, .flags = flags_szp(r, o->bits) | flag_if(carry, IR_FLAG_C) | IR_FLAG_A | overflow };
}

static struct result shl_flags(const struct operands *o) {
    unsigned n = shift_count(o->b, o->bits);
    if (!n) return unchanged(o);
    return shifted(shift_left(o->a, n, o->mask), n <= o->bits && o->a >> (o->bits - n) & 1, true, o);
}

static struct result shr_flags(const struct operands *o) {
    unsigned n = shift_count(o->b, o->bits);
    if (!n) return unchanged(o);
    return shifted(o->a >> n, o->a >> (n - 1) & 1, false, o);
}

static struct result sar_flags(const struct operands *o) {
    unsigned n = shift_count(o->b, o->bits);
    if (!n) return unchanged(o);
    return shifted(shift_arithmetic(o->a, n, o->bits, o->mask), sign_extend(o->a, o->bits) >> (n - 1) & 1, false, o);
}

static struct result rotated(uint64_t r, bool carry, bool left, const struct operands *o) {
    unsigned keep = o->base & ~(unsigned)(IR_FLAG_C | IR_FLAG_O);
    unsigned overflow = left ? left_overflow(r, carry, o->bits) : right_overflow(r, o->bits);
    return (struct result){ .v = r, .flags = keep | flag_if(carry, IR_FLAG_C) | overflow };
}

static struct result rol_flags(const struct operands *o) {
    unsigned n = shift_count(o->b, o->bits);
    if (!n) return unchanged(o);
    uint64_t r = rotate_left(o->a, n, o->bits, o->mask);
    return rotated(r, r & 1, true, o);
}

static struct result ror_flags(const struct operands *o) {
    unsigned n = shift_count(o->b, o->bits);
    if (!n) return unchanged(o);
    uint64_t r = rotate_right(o->a, n, o->bits, o->mask);
    return rotated(r, top_bit(r, o->bits), false, o);
}

/* rotate the bits + 1 wide number carry:a to the left by n */
static struct result rotate_carry(const struct operands *o, unsigned n, bool left) {
    unsigned wide = o->bits + 1;
    n %= wide;
    if (!left) n = (wide - n) % wide;
    unsigned __int128 x = (unsigned __int128)(o->c & 1) << o->bits | o->a;
    x = n ? x << n | x >> (wide - n) : x;
    return rotated((uint64_t)x & o->mask, (uint64_t)(x >> o->bits) & 1, left, o);
}

static struct result rcx_flags(const struct operands *o, bool left) {
    unsigned n = shift_count(o->b, o->bits);
    return n ? rotate_carry(o, n, left) : unchanged(o);
}

/* 16-bit double shifts by more than 16: the processor rotates the second operand, the carry is 0 */
static struct result shld_flags(const struct operands *o) {
    unsigned n = shift_count(o->c, o->bits);
    if (!n) return unchanged(o);
    if (n < o->bits) return shifted(shift_left(o->a, n, o->mask) | o->b >> (o->bits - n), o->a >> (o->bits - n) & 1, true, o);
    bool carry = n == o->bits && o->a & 1;
    struct result r = shifted(rotate_left(o->b, n - o->bits, o->bits, o->mask), carry, true, o);
    r.flags = (r.flags & ~(unsigned)IR_FLAG_O) | flag_if(carry, IR_FLAG_O);
    return r;
}

static struct result shrd_flags(const struct operands *o) {
    unsigned n = shift_count(o->c, o->bits);
    if (!n) return unchanged(o);
    if (n < o->bits) return shifted(o->a >> n | shift_left(o->b, o->bits - n, o->mask), o->a >> (n - 1) & 1, false, o);
    return shifted(rotate_right(o->b, n - o->bits, o->bits, o->mask), n == o->bits && top_bit(o->a, o->bits), false, o);
}

/* --- multiply, divide, bit tests --- */

static struct result mul_flags(const struct operands *o, bool is_signed) {
    struct result r;
    bool wide;
    if (is_signed) {
        __int128 p = (__int128)sign_extend(o->a, o->bits) * sign_extend(o->b, o->bits);
        r.v = (uint64_t)p & o->mask;
        r.second = (uint64_t)(p >> o->bits) & o->mask;
        wide = p != sign_extend(r.v, o->bits);
    } else {
        unsigned __int128 p = (unsigned __int128)o->a * o->b;
        r.v = (uint64_t)p & o->mask;
        r.second = (uint64_t)(p >> o->bits) & o->mask;
        wide = r.second != 0;
    }
    r.flags = (o->base & ~(unsigned)(IR_FLAG_C | IR_FLAG_O)) | flag_if(wide, IR_FLAG_C | IR_FLAG_O);
    return r;
}

static struct result bit_test(const struct operands *o) {
    bool bit = o->a >> (o->b % o->bits) & 1;
    return (struct result){ .v = o->a, .flags = (o->base & ~(unsigned)IR_FLAG_C) | flag_if(bit, IR_FLAG_C) };
}

static struct result divide_unsigned(struct interp *I, const struct operands *o) {
    unsigned __int128 n = (unsigned __int128)o->a << o->bits | o->b;
    if (o->c == 0 || o->a >= o->c) ir_divide_error(I->state);
    return (struct result){ .v = (uint64_t)(n / o->c), .second = (uint64_t)(n % o->c) };
}

static struct result divide_signed(struct interp *I, const struct operands *o) {
    unsigned shift = 128 - 2 * o->bits;
    __int128 n = (__int128)(((unsigned __int128)o->a << o->bits | o->b) << shift) >> shift;
    int64_t d = sign_extend(o->c, o->bits);
    if (d == 0) ir_divide_error(I->state);
    if (d == -1 && n == (__int128)((unsigned __int128)1 << 127)) ir_divide_error(I->state);   /* would trap the host's division */
    __int128 q = n / d;
    if (q != sign_extend((uint64_t)q & o->mask, o->bits)) ir_divide_error(I->state);
    return (struct result){ .v = (uint64_t)q & o->mask, .second = (uint64_t)(n % d) & o->mask };
}

static struct result flag_op(enum ir_op op, const struct operands *o) {
    switch (op) {
    case IR_ADDF:  return add_flags(o, 0);
    case IR_ADCF:  return add_flags(o, o->c & 1);
    case IR_SUBF:  return sub_flags(o->a, o->b, o, 0);
    case IR_SBBF:  return sub_flags(o->a, o->b, o, o->c & 1);
    case IR_NEGF:  return sub_flags(0, o->a, o, 0);
    case IR_INCF:  return step_flags(o, false);
    case IR_DECF:  return step_flags(o, true);
    case IR_ANDF:  return logic_flags(o->a & o->b, o);
    case IR_ORF:   return logic_flags(o->a | o->b, o);
    case IR_XORF:  return logic_flags(o->a ^ o->b, o);
    case IR_SHLF:  return shl_flags(o);
    case IR_SHRF:  return shr_flags(o);
    case IR_SARF:  return sar_flags(o);
    case IR_ROLF:  return rol_flags(o);
    case IR_RORF:  return ror_flags(o);
    case IR_RCLF:  return rcx_flags(o, true);
    case IR_RCRF:  return rcx_flags(o, false);
    case IR_SHLDF: return shld_flags(o);
    case IR_SHRDF: return shrd_flags(o);
    case IR_UMULF: return mul_flags(o, false);
    case IR_SMULF: return mul_flags(o, true);
    case IR_BTF:   return bit_test(o);
    default:       return (struct result){ .v = o->a, .flags = (unsigned)o->a };   /* MKF */
    }
}

static struct operands operands(const struct interp *I, const struct ir_insn *in) {
    struct operands o = { .bits = type_bits[in->type], .mask = type_mask[in->type], .base = state_flags(I) };
    o.a = I->cell[in->arg[0]].u64[0];
    if (in->arg[1] != IR_NONE) o.b = I->cell[in->arg[1]].u64[0];
    if (in->arg[2] != IR_NONE) o.c = I->cell[in->arg[2]].u64[0];
    return o;
}

static void set_result(struct interp *I, union ir_cell *r, const struct result *x) {
    *r = (union ir_cell){ .u64 = { x->v, x->second } };
    I->port[r - I->cell] = (uint16_t)x->flags;
}

/* --- integers without flags --- */

static union ir_cell extended(int64_t v, enum ir_type type) {
    return (union ir_cell){ .u64 = { (uint64_t)v & type_mask[type], type == IR_I128 ? (uint64_t)(v >> 63) : 0 } };
}

static uint64_t parallel_extract(uint64_t v, uint64_t mask) {
    uint64_t r = 0;
    for (unsigned k = 0; mask; mask &= mask - 1, k++) r |= (v >> __builtin_ctzll(mask) & 1) << k;
    return r;
}

static uint64_t parallel_deposit(uint64_t v, uint64_t mask) {
    uint64_t r = 0;
    for (; mask; mask &= mask - 1, v >>= 1) r |= (v & 1) << __builtin_ctzll(mask);
    return r;
}

static uint32_t crc32c(uint32_t crc, uint64_t data, unsigned bits) {
    crc ^= (uint32_t)data;
    uint64_t x = bits == 64 ? (data & ~0xffffffffull) | crc : crc;     /* the polynomial division of the whole operand, bit by bit */
    for (unsigned i = 0; i < bits; i++) x = x >> 1 ^ (x & 1 ? 0x82f63b78u : 0);
    return (uint32_t)x;
}

static uint64_t binary(enum ir_op op, uint64_t a, uint64_t b, unsigned bits, uint64_t mask) {
    switch (op) {
    case IR_ADD:    return (a + b) & mask;
    case IR_SUB:    return (a - b) & mask;
    case IR_MUL:    return (a * b) & mask;
    case IR_AND:    return a & b;
    case IR_OR:     return a | b;
    case IR_XOR:    return a ^ b;
    case IR_NOT:    return ~a & mask;
    case IR_NEG:    return -a & mask;
    case IR_SHL:    return shift_left(a, shift_count(b, bits), mask);
    case IR_SHR:    return a >> shift_count(b, bits);
    case IR_SAR:    return shift_arithmetic(a, shift_count(b, bits), bits, mask);
    case IR_ROL:    return rotate_left(a, shift_count(b, bits), bits, mask);
    case IR_ROR:    return rotate_right(a, shift_count(b, bits), bits, mask);
    case IR_BSWAP:  return __builtin_bswap64(a) >> (64 - bits);
    case IR_CLZ:    return a ? (unsigned)__builtin_clzll(a) - (64 - bits) : bits;
    case IR_CTZ:    return a ? (unsigned)__builtin_ctzll(a) : bits;
    case IR_POPCNT: return (unsigned)__builtin_popcountll(a);
    case IR_PEXT:   return parallel_extract(a, b);
    default:        return parallel_deposit(a, b);                     /* PDEP */
    }
}

static uint64_t lea(const struct interp *I, const struct ir_insn *in) {
    uint64_t v = (uint64_t)in->imm;
    if (in->arg[0] != IR_NONE) v += I->cell[in->arg[0]].u64[0];
    if (in->arg[1] != IR_NONE) v += I->cell[in->arg[1]].u64[0] << in->aux;
    return v & type_mask[in->type];
}

static uint64_t compare(const struct ir_insn *in, uint64_t a, uint64_t b) {
    struct operands o = { .bits = type_bits[in->lane], .mask = type_mask[in->lane] };
    return condition(sub_flags(a & o.mask, b & o.mask, &o, 0).flags, in->aux);
}

/* --- memory --- */

static uint64_t address(const struct interp *I, const struct ir_insn *in) { return I->cell[in->arg[0]].u64[0]; }

static void check_alignment(struct interp *I, const struct ir_insn *in, uint64_t addr, unsigned size) {
    if (in->aux & IR_MEM_ALIGNED && addr & (size - 1)) ir_alignment_fault(I->state);
}

static void announce_write(struct interp *I, uint64_t addr, unsigned size) {
    if (I->env->before_write) I->env->before_write(I->state, addr, size);
}

static void load(struct interp *I, const struct ir_insn *in, union ir_cell *r, unsigned size) {
    check_alignment(I, in, address(I, in), size);
    ir_mem_load(r, address(I, in), size, in->aux);
}

static void store(struct interp *I, const struct ir_insn *in, unsigned size) {
    uint64_t addr = address(I, in);
    check_alignment(I, in, addr, size);
    announce_write(I, addr, size);
    ir_mem_store(addr, &I->cell[in->arg[1]], size, in->aux);
}

static void read_modify_write(struct interp *I, const struct ir_insn *in, union ir_cell *r) {
    unsigned size = ir_type_size[in->type];
    announce_write(I, address(I, in), size);
    *r = (union ir_cell){ .u64 = { ir_mem_rmw(in->op, address(I, in), I->cell[in->arg[1]].u64[0], size) } };
}

static void compare_and_swap(struct interp *I, const struct ir_insn *in, union ir_cell *r) {
    unsigned size = ir_type_size[in->type];
    uint64_t addr = address(I, in);
    if (size == 16 && addr & 15) ir_alignment_fault(I->state);
    announce_write(I, addr, size);
    ir_mem_cas(r, addr, &I->cell[in->arg[1]], &I->cell[in->arg[2]], size);
}

/* --- calls, vectors, floating point --- */

static void call(struct interp *I, const struct ir_insn *in, union ir_cell *r) {
    uint64_t a[4] = { 0 };
    for (unsigned k = 0; k < 4; k++)
        if (in->arg[k] != IR_NONE) a[k] = I->cell[in->arg[k]].u64[0];
    uint64_t v = ir_helpers[in->imm].fn(I->state, a[0], a[1], a[2], a[3]);
    *r = (union ir_cell){ .u64 = { v & type_mask[in->type] } };
}

static struct ir_fp_op fp_op(struct interp *I, const struct ir_insn *in) {
    struct ir_fp_op op = { .in = in, .fpcr = (uint32_t *)(I->state + I->env->fpcr_offset), .state = I->state };
    for (unsigned k = 0; k < 2; k++)
        if (in->arg[k] != IR_NONE) op.arg_type[k] = I->insn[in->arg[k]].type;
    return op;
}

static const union ir_cell no_cell;
static const union ir_cell *arg(const struct interp *I, const struct ir_insn *in, unsigned k) {
    return in->arg[k] == IR_NONE ? &no_cell : &I->cell[in->arg[k]];
}

static void float_compare(struct interp *I, union ir_cell *r, const struct ir_insn *in) {
    static const uint16_t flags[] = { [SF_LESS] = IR_FLAG_C, [SF_EQUAL] = IR_FLAG_Z, [SF_GREATER] = 0,
                                      [SF_UNORDERED] = IR_FLAG_Z | IR_FLAG_P | IR_FLAG_C };
    struct ir_fp_op op = fp_op(I, in);
    I->port[r - I->cell] = flags[ir_interp_fcmp(&op, arg(I, in, 0), arg(I, in, 1))];
    *r = *arg(I, in, 0);
}

static void vector_test(struct interp *I, union ir_cell *r, const struct ir_insn *in) {
    unsigned __int128 a = arg(I, in, 0)->u128, b = arg(I, in, 1)->u128;
    I->port[r - I->cell] = (uint16_t)(flag_if(!(a & b), IR_FLAG_Z) | flag_if(!(~a & b), IR_FLAG_C));
    *r = *arg(I, in, 0);
}

static void vector(struct interp *I, union ir_cell *r, const struct ir_insn *in) {
    const union ir_cell *a = arg(I, in, 0), *b = arg(I, in, 1);
    if (ir_interp_vec(in, r, a, b, arg(I, in, 2)) || ir_interp_crypto(in, r, a, b, arg(I, in, 2))) return;
    struct ir_fp_op op = fp_op(I, in);
    if (ir_interp_fp(&op, r, a, b)) return;
    fprintf(stderr, "wherry: the interpreter has no operation %u (%s)\n", in->op, in->op < IR_N_OPS ? ir_op_info[in->op].name : "?");
    abort();
}

/* --- the loop --- */

enum { GO_ON = -2 };

static int leave(struct interp *I, uint64_t pc) {
    I->next_pc = pc;
    return -1;
}

static int trap(struct interp *I, const struct ir_insn *in) {
    put_pc(I, in->imm);
    I->next_pc = (uint64_t)in->imm;
    return in->aux;
}

/* Returns GO_ON, or what ir_interp returns. */
static inline int step(struct interp *I, const struct ir_insn *in, union ir_cell *r) {
#define SIZE ir_type_size[in->type]
#define A (I->cell[in->arg[0]].u64[0])
#define B (I->cell[in->arg[1]].u64[0])
#define INT(v) *r = (union ir_cell){ .u64 = { (v) } }
    switch (in->op) {
    case IR_CONST: *r = extended(in->imm, in->type); break;
    case IR_GET: *r = (union ir_cell){ .u64 = { 0 } }; copy(r, I->state + in->imm, SIZE); break;
    case IR_PUT: copy(I->state + in->imm, &I->cell[in->arg[0]], SIZE); break;
    case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR: case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR:
    case IR_PEXT: case IR_PDEP: INT(binary(in->op, A, B, type_bits[in->type], type_mask[in->type])); break;
    case IR_NOT: case IR_NEG: case IR_BSWAP: case IR_CLZ: case IR_CTZ:
    case IR_POPCNT: INT(binary(in->op, A, 0, type_bits[in->type], type_mask[in->type])); break;
    case IR_CRC32C: INT(crc32c((uint32_t)A, B, type_bits[in->lane])); break;
    case IR_LEA: INT(lea(I, in)); break;
    case IR_ZEXT: *r = (union ir_cell){ .u64 = { A } }; break;
    case IR_SEXT: *r = extended(sign_extend(A, type_bits[I->insn[in->arg[0]].type]), in->type); break;
    case IR_TRUNC: INT(A & type_mask[in->type]); break;
    case IR_VMOVI: *r = (union ir_cell){ .u64 = { A, I->insn[in->arg[0]].type == IR_I128 ? I->cell[in->arg[0]].u64[1] : 0 } }; break;
    case IR_PAIR: *r = (union ir_cell){ .u64 = { A, B } }; break;
    case IR_SELECT: *r = I->cell[in->arg[A ? 1 : 2]]; break;
    case IR_CMP: INT(compare(in, A, B)); break;

    case IR_ADDF: case IR_SUBF: case IR_ADCF: case IR_SBBF: case IR_ANDF: case IR_ORF: case IR_XORF: case IR_NEGF: case IR_INCF: case IR_DECF:
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF: case IR_RCLF: case IR_RCRF: case IR_SHLDF: case IR_SHRDF:
    case IR_UMULF: case IR_SMULF: case IR_BTF: case IR_MKF: {
        struct operands o = operands(I, in);
        struct result x = flag_op(in->op, &o);
        set_result(I, r, &x);
        break;
    }
    case IR_DIVU: case IR_DIVS: {
        struct operands o = operands(I, in);
        struct result x = in->op == IR_DIVU ? divide_unsigned(I, &o) : divide_signed(I, &o);
        set_result(I, r, &x);
        break;
    }
    case IR_SECOND: INT(I->cell[in->arg[0]].u64[1]); break;
    case IR_FCMPF: float_compare(I, r, in); break;
    case IR_VTESTF: vector_test(I, r, in); break;
    case IR_COND: INT(condition(in->arg[0] == IR_NONE ? state_flags(I) : I->port[in->arg[0]], in->aux)); break;
    case IR_PUTF: if (in->arg[0] != IR_NONE) put_flags(I, in->aux, I->port[in->arg[0]]); break;
    case IR_GETF: INT(state_flags(I)); break;

    case IR_LOAD: load(I, in, r, SIZE); break;
    case IR_STORE: store(I, in, SIZE); break;
    case IR_VLOADL: load(I, in, r, ir_type_size[in->lane]); break;
    case IR_VSTOREL: store(I, in, ir_type_size[in->lane]); break;
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: read_modify_write(I, in, r); break;
    case IR_CAS: compare_and_swap(I, in, r); break;
    case IR_PREFETCH: break;
    case IR_FENCE: __atomic_thread_fence(__ATOMIC_SEQ_CST); break;

    case IR_CALL: call(I, in, r); break;
    case IR_INSN: put_pc(I, in->imm); break;
    case IR_EXIT: case IR_EXITCALL: return leave(I, (uint64_t)in->imm);
    case IR_EXITIF: if (A) return leave(I, (uint64_t)in->imm); break;
    case IR_EXITIND: case IR_EXITCALLI: case IR_EXITRET: return leave(I, A);
    case IR_TRAP: return trap(I, in);
    default: vector(I, r, in);
    }
#undef SIZE
#undef A
#undef B
#undef INT
    return GO_ON;
}

int ir_interp(const struct ir_block *b, void *state, const struct ir_interp_env *env, uint64_t *next_pc) {
    /* On the stack, as much as this block needs, and not cleared: a fault may leave by siglongjmp, and signal stacks are small. */
    struct interp I = { .insn = b->insn, .state = state, .env = env, .next_pc = b->guest_end,
                        .port = __builtin_alloca(b->n * sizeof *I.port), .cell = __builtin_alloca_with_align(b->n * sizeof *I.cell, 128) };
    int result = -1;                     /* a block that falls off its end goes on after its guest code */
    union ir_cell *r = I.cell;
    for (const struct ir_insn *in = b->insn, *end = in + b->n; in < end; in++, r++) {
        int x = step(&I, in, r);
        if (x != GO_ON) { result = x; break; }
    }
    *next_pc = I.next_pc;
    return result;
}

unsigned ir_interp_one(const struct ir_insn *in, const uint8_t arg_type[4], const void *const arg[4], void *result, void *state,
                       const struct ir_interp_env *env) {
    enum { N = 5, LAST = N - 1 };        /* the operands and the instruction, as a block of its own */
    struct ir_insn small[N] = { [LAST] = *in };
    union ir_cell cell[N];
    uint16_t port[N] = { 0 };
    for (unsigned k = 0; k < LAST; k++) {
        small[k] = (struct ir_insn){ .op = IR_CONST, .type = arg_type[k] };
        if (in->arg[k] == IR_NONE) continue;
        memcpy(&cell[k], arg[k], sizeof cell[k]);
        small[LAST].arg[k] = (ir_ref)k;
    }
    struct interp I = { .insn = small, .state = state, .env = env, .port = port, .cell = cell };
    step(&I, &small[LAST], &cell[LAST]);
    memcpy(result, &cell[LAST], sizeof cell[LAST]);
    return port[LAST];
}
