/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp_vec.c: the interpreter's vector operations on integers and bits, 128 bits wide. Each is written on the elements of one lane
 * type, as the manual's pseudocode has it. Manual: Intel SDM volume 2, by the instruction that ops.def names.
 */
#include <string.h>
#include "ir/interp.h"

typedef union ir_cell cell;

static int64_t clamp(int64_t v, int64_t low, int64_t high) { return v < low ? low : v > high ? high : v; }
static int64_t clamp_s8(int64_t v) { return clamp(v, INT8_MIN, INT8_MAX); }
static int64_t clamp_s16(int64_t v) { return clamp(v, INT16_MIN, INT16_MAX); }
static int64_t clamp_u8(int64_t v) { return clamp(v, 0, UINT8_MAX); }
static int64_t clamp_u16(int64_t v) { return clamp(v, 0, UINT16_MAX); }

/* lane types that differ in nothing but the name */
static enum ir_type int_lane(enum ir_type lane) { return lane == IR_F32 ? IR_I32 : lane == IR_F64 ? IR_I64 : lane; }

/* --- elements by number, for the operations that move them --- */

static uint64_t get(const cell *v, unsigned size, unsigned k) {
    uint64_t e = 0;
    memcpy(&e, v->u8 + k * size, size);
    return e;
}
static void set(cell *v, unsigned size, unsigned k, uint64_t e) { memcpy(v->u8 + k * size, &e, size); }

static int64_t get_signed(const cell *v, unsigned size, unsigned k) {
    unsigned unused = 64 - 8 * size;
    return (int64_t)(get(v, size, k) << unused) >> unused;
}

/* --- element by element: r.F[i] = E of x = a.F[i], y = b.F[i] --- */

#define EACH(F, n, E) for (unsigned i = 0; i < (n); i++) { __typeof__(a->F[0]) x = a->F[i], y = b->F[i]; (void)x; (void)y; r.F[i] = (__typeof__(r.F[0]))(E); }
#define EACH8(E)   EACH(u8, 16, E) break
#define EACH8S(E)  EACH(s8, 16, E) break
#define EACH16(E)  EACH(u16, 8, E) break
#define EACH16S(E) EACH(s16, 8, E) break
#define EACH32(E)  EACH(u32, 4, E) break
#define EACH32S(E) EACH(s32, 4, E) break
#define EACH64(E)  EACH(u64, 2, E) break
#define EACH64S(E) EACH(s64, 2, E) break
#define ALL_LANES(E) switch (lane) { case IR_I8: EACH8(E); case IR_I16: EACH16(E); case IR_I32: EACH32(E); default: EACH64(E); } break
#define ALL_SIGNED(E) switch (lane) { case IR_I8: EACH8S(E); case IR_I16: EACH16S(E); case IR_I32: EACH32S(E); default: EACH64S(E); } break
#define BYTE_OR_WORD(E8, E16) if (lane == IR_I8) { E8; } else { E16; } break

static cell bitwise(enum ir_op op, const cell *a, const cell *b) {
    cell r;
    switch (op) {
    case IR_VAND: r.u128 = a->u128 & b->u128; break;
    case IR_VOR:  r.u128 = a->u128 | b->u128; break;
    case IR_VXOR: r.u128 = a->u128 ^ b->u128; break;
    default:      r.u128 = ~a->u128 & b->u128;
    }
    return r;
}

static cell saturating(enum ir_op op, enum ir_type lane, const cell *a, const cell *b) {
    cell r;
    switch (op) {
    case IR_VADDSS: BYTE_OR_WORD(EACH(s8, 16, clamp_s8(x + y)), EACH(s16, 8, clamp_s16(x + y)));
    case IR_VADDUS: BYTE_OR_WORD(EACH(u8, 16, clamp_u8(x + y)), EACH(u16, 8, clamp_u16(x + y)));
    case IR_VSUBSS: BYTE_OR_WORD(EACH(s8, 16, clamp_s8(x - y)), EACH(s16, 8, clamp_s16(x - y)));
    default:        BYTE_OR_WORD(EACH(u8, 16, clamp_u8(x - y)), EACH(u16, 8, clamp_u16(x - y)));
    }
    return r;
}

static cell arithmetic(enum ir_op op, enum ir_type lane, const cell *a, const cell *b) {
    cell r;
    switch (op) {
    case IR_VADD:    ALL_LANES(x + y);
    case IR_VSUB:    ALL_LANES(x - y);
    case IR_VMUL:    if (lane == IR_I16) { EACH16((uint32_t)x * y); } else { ALL_LANES((uint64_t)x * y); } break;
    case IR_VMULHS:  EACH16S((int32_t)x * y >> 16);
    case IR_VMULHU:  EACH16((uint32_t)x * y >> 16);
    case IR_VMULHRS: EACH16S(((int32_t)x * y + 0x4000) >> 15);
    case IR_VAVG:    BYTE_OR_WORD(EACH(u8, 16, (x + y + 1) >> 1), EACH(u16, 8, (x + y + 1) >> 1));
    case IR_VMINS:   ALL_SIGNED(x < y ? x : y);
    case IR_VMINU:   ALL_LANES(x < y ? x : y);
    case IR_VMAXS:   ALL_SIGNED(x > y ? x : y);
    case IR_VMAXU:   ALL_LANES(x > y ? x : y);
    case IR_VABS:    ALL_LANES(x >> (sizeof x * 8 - 1) ? 0 - x : x);
    case IR_VSIGN:   ALL_SIGNED(y < 0 ? 0 - (uint64_t)x : y > 0 ? (uint64_t)x : 0);
    case IR_VCMPEQ:  ALL_LANES(x == y ? ~0ull : 0);
    default:         ALL_SIGNED(x > y ? -1 : 0);                        /* VCMPGT */
    }
    return r;
}

/* products and sums of neighbours */
static cell pairwise(enum ir_op op, enum ir_type lane, const cell *a, const cell *b) {
    cell r = { .u64 = { 0 } };
    for (unsigned i = 0; i < 8; i++) {
        switch (op) {
        case IR_VMULUDQ: if (i < 2) r.u64[i] = (uint64_t)a->u32[2 * i] * b->u32[2 * i]; break;
        case IR_VMULSDQ: if (i < 2) r.s64[i] = (int64_t)a->s32[2 * i] * b->s32[2 * i]; break;
        case IR_VMADD:
            if (i < 4) r.u32[i] = (uint32_t)(a->s16[2 * i] * b->s16[2 * i]) + (uint32_t)(a->s16[2 * i + 1] * b->s16[2 * i + 1]);
            break;
        case IR_VMADDUS: r.s16[i] = (int16_t)clamp_s16(a->u8[2 * i] * b->s8[2 * i] + a->u8[2 * i + 1] * b->s8[2 * i + 1]); break;
        default: {                                                       /* VHADD .. VHSUBSS: a's pairs, then b's */
            unsigned n = lane == IR_I16 ? 8 : 4, size = 16 / n, k = 2 * i % n;
            if (i >= n) break;
            const cell *from = 2 * i < n ? a : b;
            int64_t x = get_signed(from, size, k), y = get_signed(from, size, k + 1);
            int64_t v = op == IR_VHADD || op == IR_VHADDSS ? x + y : x - y;
            set(&r, size, i, (uint64_t)(op == IR_VHADDSS || op == IR_VHSUBSS ? clamp_s16(v) : v));
        }
        }
    }
    return r;
}

static unsigned absolute_difference(uint8_t x, uint8_t y) { return x > y ? x - y : y - x; }

static cell sum_of_differences(const cell *a, const cell *b) {
    cell r = { .u64 = { 0 } };
    for (unsigned i = 0; i < 16; i++) r.u64[i / 8] += absolute_difference(a->u8[i], b->u8[i]);
    return r;
}

static cell multiple_sums(const cell *a, const cell *b, unsigned imm) {
    unsigned from_a = imm & 4, from_b = (imm & 3) * 4;
    cell r = { .u64 = { 0 } };
    for (unsigned i = 0; i < 8; i++)
        for (unsigned k = 0; k < 4; k++) r.u16[i] = (uint16_t)(r.u16[i] + absolute_difference(a->u8[from_a + i + k], b->u8[from_b + k]));
    return r;
}

static cell smallest_word(const cell *a) {
    cell r = { .u64 = { a->u16[0] } };
    for (unsigned i = 1; i < 8; i++)
        if (a->u16[i] < r.u16[0]) r = (cell){ .u64 = { a->u16[i] | i << 16 } };
    return r;
}

/* --- shifts --- */

static cell shift(enum ir_op op, enum ir_type lane, const cell *a, uint64_t count) {
    unsigned size = ir_type_size[lane], bits = 8 * size, n = count >= bits ? bits : (unsigned)count;
    cell r;
    for (unsigned i = 0; i < 16 / size; i++) {
        uint64_t v = get(a, size, i);
        switch (op) {
        case IR_VSHL: case IR_VSHLI: v = n < bits ? v << n : 0; break;
        case IR_VSHR: case IR_VSHRI: v = n < bits ? v >> n : 0; break;
        default: v = (uint64_t)(get_signed(a, size, i) >> (n < bits ? n : bits - 1));
        }
        set(&r, size, i, v);
    }
    return r;
}

static cell shift_bytes(const cell *a, unsigned n, bool left) {
    cell r = { .u64 = { 0 } };
    if (n < 16) r.u128 = left ? a->u128 << 8 * n : a->u128 >> 8 * n;
    return r;
}

/* --- moving elements --- */

static cell shuffle(const struct ir_insn *in, const cell *a) {
    unsigned size = in->lane == IR_I16 ? 2 : 4, base = in->lane == IR_I16 && in->mod ? 4 : 0;
    cell r = *a;
    for (unsigned i = 0; i < 4; i++) set(&r, size, base + i, get(a, size, base + (in->aux >> 2 * i & 3)));
    return r;
}

static cell shuffle_two(enum ir_type lane, const cell *a, const cell *b, unsigned imm) {
    cell r;
    if (lane == IR_F64 || lane == IR_I64) return (cell){ .u64 = { a->u64[imm & 1], b->u64[imm >> 1 & 1] } };
    for (unsigned i = 0; i < 4; i++) r.u32[i] = (i < 2 ? a : b)->u32[imm >> 2 * i & 3];
    return r;
}

static cell permute_bytes(const cell *a, const cell *control) {
    cell r;
    for (unsigned i = 0; i < 16; i++) r.u8[i] = control->u8[i] & 0x80 ? 0 : a->u8[control->u8[i] & 15];
    return r;
}

static cell align(const cell *high, const cell *low, unsigned n) {
    cell r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned k = i + n;
        r.u8[i] = k < 16 ? low->u8[k] : k < 32 ? high->u8[k - 16] : 0;
    }
    return r;
}

static cell zip(enum ir_type lane, const cell *a, const cell *b, bool high) {
    unsigned size = ir_type_size[lane], n = 16 / size, base = high ? n / 2 : 0;
    cell r;
    for (unsigned i = 0; i < n; i++) set(&r, size, i, get(i & 1 ? b : a, size, base + i / 2));
    return r;
}

static cell pack(enum ir_op op, enum ir_type lane, const cell *a, const cell *b) {
    unsigned size = ir_type_size[lane], n = 16 / size;
    cell r;
    for (unsigned i = 0; i < 2 * n; i++) {
        int64_t v = get_signed(i < n ? a : b, size, i % n);
        if (size == 2) v = op == IR_VPACKS ? clamp_s8(v) : clamp_u8(v);
        else v = op == IR_VPACKS ? clamp_s16(v) : clamp_u16(v);
        set(&r, size / 2, i, (uint64_t)v);
    }
    return r;
}

static cell blend_imm(enum ir_type lane, const cell *a, const cell *b, unsigned imm) {
    unsigned size = ir_type_size[lane];
    cell r;
    for (unsigned i = 0; i < 16 / size; i++) set(&r, size, i, get(imm >> i & 1 ? b : a, size, i));
    return r;
}

static cell blend(enum ir_type lane, const cell *a, const cell *b, const cell *mask) {
    unsigned size = ir_type_size[lane];
    cell r;
    for (unsigned i = 0; i < 16 / size; i++) set(&r, size, i, get(get_signed(mask, size, i) < 0 ? b : a, size, i));
    return r;
}

static cell insert_ps(const cell *a, const cell *b, unsigned imm) {
    cell r = *a;
    r.u32[imm >> 4 & 3] = b->u32[imm >> 6];
    for (unsigned i = 0; i < 4; i++)
        if (imm >> i & 1) r.u32[i] = 0;
    return r;
}

static cell widen(enum ir_type from, enum ir_type lane, const cell *a, bool is_signed) {
    unsigned narrow = ir_type_size[from], wide = ir_type_size[lane];
    cell r;
    for (unsigned i = 0; i < 16 / wide; i++) set(&r, wide, i, is_signed ? (uint64_t)get_signed(a, narrow, i) : get(a, narrow, i));
    return r;
}

static cell sign_mask(enum ir_type lane, const cell *a) {
    unsigned size = ir_type_size[lane];
    cell r = { .u64 = { 0 } };
    for (unsigned i = 0; i < 16 / size; i++) r.u64[0] |= (uint64_t)(get_signed(a, size, i) < 0) << i;
    return r;
}

static cell with_element(const cell *a, unsigned size, unsigned k, uint64_t e) {
    cell r = *a;
    set(&r, size, k, e);
    return r;
}

static cell extract(const struct ir_insn *in, const cell *a) {
    unsigned size = ir_type_size[in->lane];
    uint64_t e = get(a, size, in->aux & (16 / size - 1)), mask = ~0ull >> (64 - 8 * ir_type_size[in->type]);
    return (cell){ .u64 = { e & mask } };
}

/* r may be the cell of an operand's value: results are made aside and stored last */
bool ir_interp_vec(const struct ir_insn *in, cell *r, const cell *a, const cell *b, const cell *c) {
    enum ir_type lane = int_lane(in->lane);
    unsigned size = ir_type_size[lane], k = size ? in->aux & (16 / size - 1) : 0;
    switch (in->op) {
    case IR_VZERO: *r = (cell){ .u64 = { 0, 0 } }; break;
    case IR_VONES: *r = (cell){ .u64 = { ~0ull, ~0ull } }; break;
    case IR_VEXTR: *r = extract(in, a); break;
    case IR_VINS: *r = with_element(a, size, k, b->u64[0]); break;
    case IR_VMERGE: *r = with_element(a, size, 0, get(b, size, 0)); break;
    case IR_VAND: case IR_VOR: case IR_VXOR: case IR_VANDN: *r = bitwise(in->op, a, b); break;
    case IR_VADDSS: case IR_VADDUS: case IR_VSUBSS: case IR_VSUBUS: *r = saturating(in->op, lane, a, b); break;
    case IR_VADD: case IR_VSUB: case IR_VMUL: case IR_VMULHS: case IR_VMULHU: case IR_VMULHRS: case IR_VAVG: case IR_VMINS: case IR_VMINU:
    case IR_VMAXS: case IR_VMAXU: case IR_VABS: case IR_VSIGN: case IR_VCMPEQ: case IR_VCMPGT: *r = arithmetic(in->op, lane, a, b); break;
    case IR_VMULUDQ: case IR_VMULSDQ: case IR_VMADD: case IR_VMADDUS: case IR_VHADD: case IR_VHADDSS: case IR_VHSUB:
    case IR_VHSUBSS: *r = pairwise(in->op, lane, a, b); break;
    case IR_VSAD: *r = sum_of_differences(a, b); break;
    case IR_VMPSAD: *r = multiple_sums(a, b, in->aux); break;
    case IR_VMINPOS: *r = smallest_word(a); break;
    case IR_VSHL: case IR_VSHR: case IR_VSAR: *r = shift(in->op, lane, a, b->u64[0]); break;
    case IR_VSHLI: case IR_VSHRI: case IR_VSARI: *r = shift(in->op, lane, a, in->aux); break;
    case IR_VBSHL: case IR_VBSHR: *r = shift_bytes(a, in->aux, in->op == IR_VBSHL); break;
    case IR_VSHUF: *r = shuffle(in, a); break;
    case IR_VSHUF2: *r = shuffle_two(lane, a, b, in->aux); break;
    case IR_VPERMB: *r = permute_bytes(a, b); break;
    case IR_VALIGN: *r = align(a, b, in->aux); break;
    case IR_VZIPL: case IR_VZIPH: *r = zip(lane, a, b, in->op == IR_VZIPH); break;
    case IR_VPACKS: case IR_VPACKU: *r = pack(in->op, lane, a, b); break;
    case IR_VBLENDI: *r = blend_imm(lane, a, b, in->aux); break;
    case IR_VBLENDV: *r = blend(lane, a, b, c); break;
    case IR_VINSPS: *r = insert_ps(a, b, in->aux); break;
    case IR_VWIDENS: case IR_VWIDENU: *r = widen(in->mod, lane, a, in->op == IR_VWIDENS); break;
    case IR_VMASK: *r = sign_mask(lane, a); break;
    default: return false;
    }
    return true;
}
