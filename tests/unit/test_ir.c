/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ir.c: the IR's own tools. The builder, the verifier and the optimizer are tested by tables: IR text or a few
 * builder calls in, IR text out. Every operation goes through printer and parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ir/build.h"
#include "ir/helpers.h"

/* the helpers of these tests; the guest's table is not linked in */
enum { H_PLAIN, H_READS, H_WRITES, H_BOTH, H_PURE };
static uint64_t nothing(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    (void)state, (void)b, (void)c, (void)d;
    return a;
}
const struct ir_helper ir_helpers[] = {
    [H_PLAIN] = { "plain", nothing, 1, 0 },
    [H_READS] = { "reads", nothing, 0, IR_H_READS_FLAGS },
    [H_WRITES] = { "writes", nothing, 0, IR_H_WRITES_FLAGS },
    [H_BOTH] = { "both", nothing, 0, IR_H_READS_FLAGS | IR_H_WRITES_FLAGS },
    [H_PURE] = { "pure", nothing, 2, IR_H_PURE },
};
const unsigned ir_n_helpers = sizeof ir_helpers / sizeof ir_helpers[0];

static struct ir_block block, block2;
static struct ir_builder builder;

static char *text_of(const struct ir_block *b)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print(f, b);
    fclose(f);
    return text;
}

/* The instructions alone: without the first line, indices and blanks around, joined by "; ". */
static const char *body_of(const struct ir_block *b)
{
    static char out[8192];
    char *text = text_of(b), *save, *line = strtok_r(text, "\n", &save);
    out[0] = 0;
    while ((line = strtok_r(NULL, "\n", &save)))
        strcat(strcat(out, out[0] ? "; " : ""), strstr(line, ": ") + 2);
    free(text);
    return out;
}

static void parse(struct ir_block *b, const char *text)
{
    char lines[4096], *c;
    strcpy(lines, text);
    while ((c = strstr(lines, "; ")))
        c[0] = '\n';
    const char *error = ir_parse(lines, b);
    if (error)
        fail_msg("%s\nin: %s", error, text);
}

/* --- builder --- */

static struct ir_builder *B = &builder;
static ir_ref c64(int64_t v) { return ir_const(B, IR_I64, v); }
static ir_ref c32(int64_t v) { return ir_const(B, IR_I32, v); }
static ir_ref c8(int64_t v) { return ir_const(B, IR_I8, v); }
static ir_ref get64(unsigned offset) { return ir_get(B, IR_I64, offset); }
static ir_ref get32(unsigned offset) { return ir_get(B, IR_I32, offset); }
static void show(ir_ref v) { ir_emit(B, IR_EXITIND, IR_VOID, 0, 0, 0, v, IR_NONE, IR_NONE, 0); }   /* a use that ends the text */

static void get_twice(void) { get64(0); show(get64(0)); }
static void get_after_put(void) { ir_put(B, IR_I64, 8, c64(5)); show(get64(8)); }
static void get32_after_put64(void) { get64(0); ir_put(B, IR_I64, 8, get64(0)); show(get32(8)); }
static void get32_after_put_zext(void)
{
    ir_ref v = get32(0);
    ir_put(B, IR_I64, 8, ir_zext(B, IR_I64, v));
    show(get32(8));
}
static void get16_after_put_zext(void)
{
    ir_put(B, IR_I64, 8, ir_zext(B, IR_I64, get32(0)));
    show(ir_get(B, IR_I16, 8));
}
static void get_after_narrow_put(void) { ir_put(B, IR_I64, 8, c64(5)); ir_put(B, IR_I8, 9, c8(1)); show(get64(8)); }
static void get_after_high_put(void) { ir_put(B, IR_I32, 8, c32(5)); ir_put(B, IR_I32, 12, c32(6)); show(get32(8)); }
static void get_high_byte(void) { get64(0); show(ir_get(B, IR_I8, 1)); }
static void get64_after_put32(void) { get64(0); ir_put(B, IR_I32, 0, c32(1)); get32(0); show(get64(0)); }
static void get_after_call(void) { get64(0); ir_call(B, H_PLAIN, IR_VOID, c64(1), IR_NONE, IR_NONE, IR_NONE); show(get64(0)); }
static void get_after_pure_call(void) { ir_ref v = get64(0); ir_call(B, H_PURE, IR_I64, v, v, IR_NONE, IR_NONE); show(get64(0)); }
static void get_after_insn(void) { get64(0); ir_insn_start(B, 0x10, 3); show(get64(0)); }
static void vector_forward(void)
{
    ir_ref v = ir_get(B, IR_V128, 64);
    ir_put(B, IR_V128, 128, v);
    ir_get(B, IR_V128, 128);
    ir_put(B, IR_I64, 136, c64(1));
    ir_get(B, IR_V128, 128);
    show(ir_get(B, IR_V128, 64));
}
static void far_state(void) { get64(IR_TRACKED); show(get64(IR_TRACKED)); }

/* operands from right to left, whatever order a compiler gives a call's arguments: the texts below show the order */
#define op2(op, type, a, b) ({ ir_ref b_ = (b); ir_op2(B, op, type, (a), b_); })
#define op3(op, type, a, b, c) ({ ir_ref c_ = (c), b_ = (b); ir_op3(B, op, type, (a), b_, c_); })
#define lea(type, base, index, scale, disp) ({ ir_ref index_ = (index); ir_lea(B, type, (base), index_, scale, disp); })
static ir_ref compare8(enum ir_cc cc)
{
    ir_ref b = c8(-1), a = c8(1);
    return ir_emit(B, IR_CMP, IR_I1, IR_I8, cc, 0, a, b, IR_NONE, 0);
}

static void share_constants(void) { c64(7); c32(7); c64(7); show(c32(7)); }
static void constant_forms(void) { ir_const(B, IR_I8, 0xff); ir_const(B, IR_I1, 3); show(ir_const(B, IR_I16, 0x18000)); }
static void add_constants(void) { show(op2(IR_ADD, IR_I8, c8(100), c8(100))); }
static void add_zero(void) { show(op2(IR_ADD, IR_I64, get64(0), c64(0))); }
static void constant_right(void) { show(op2(IR_ADDF, IR_I64, c64(1), get64(0))); }
static void sub_keeps_order(void) { show(op2(IR_SUB, IR_I64, c64(1), get64(0))); }
static void and_ones(void) { show(op2(IR_AND, IR_I32, c32(-1), get32(0))); }
static void and_zero(void) { show(op2(IR_AND, IR_I32, c32(0), get32(0))); }
static void xor_self(void) { show(op2(IR_XOR, IR_I32, get32(0), get32(0))); }
static void shift_by_32(void) { show(op2(IR_SHL, IR_I32, get32(0), c8(32))); }
static void shift_byte_out(void) { show(op2(IR_SHR, IR_I8, c8(-1), c8(9))); }
static void sar_byte_out(void) { show(op2(IR_SAR, IR_I8, c8(-128), c8(9))); }
static void rotate_byte(void) { show(op2(IR_ROL, IR_I8, c8(0x81 - 256), c8(9))); }
static void rotate_right(void) { show(op2(IR_ROR, IR_I16, ir_const(B, IR_I16, 1), c8(16))); }
static void rotate_right1(void) { show(op2(IR_ROR, IR_I16, ir_const(B, IR_I16, 1), c8(1))); }
static void flags_not_folded(void) { show(op2(IR_ADDF, IR_I32, c32(1), c32(2))); }
static void unary_constants(void)
{
    ir_op1(B, IR_NOT, IR_I8, c8(0));
    ir_op1(B, IR_NEG, IR_I16, ir_const(B, IR_I16, 1));
    ir_op1(B, IR_BSWAP, IR_I32, c32(0x11223344));
    ir_op1(B, IR_CLZ, IR_I16, ir_const(B, IR_I16, 0x100));
    ir_op1(B, IR_CTZ, IR_I8, c8(0));
    show(ir_op1(B, IR_POPCNT, IR_I32, c32(-1)));
}
static void extend_constants(void) { ir_zext(B, IR_I32, c8(-1)); show(ir_sext(B, IR_I64, c8(-1))); }
static void extend_twice(void) { show(ir_zext(B, IR_I64, ir_zext(B, IR_I32, ir_get(B, IR_I8, 1)))); }
static void sign_extend_zext(void) { show(ir_sext(B, IR_I64, ir_zext(B, IR_I32, ir_get(B, IR_I8, 1)))); }
static void zero_extend_sext(void) { show(ir_zext(B, IR_I64, ir_sext(B, IR_I32, ir_get(B, IR_I8, 1)))); }
static void trunc_zext_same(void) { show(ir_trunc(B, IR_I8, ir_zext(B, IR_I32, ir_get(B, IR_I8, 1)))); }
static void trunc_zext_wider(void) { show(ir_trunc(B, IR_I16, ir_sext(B, IR_I64, ir_get(B, IR_I8, 1)))); }
static void trunc_trunc(void) { show(ir_trunc(B, IR_I8, ir_trunc(B, IR_I32, get64(0)))); }
static void resize_same(void) { show(ir_zext(B, IR_I64, get64(0))); }
static void cmp_constants(void)
{
    compare8(IR_CC_B);
    show(compare8(IR_CC_L));
}
static void select_constant(void) { show(op3(IR_SELECT, IR_I64, ir_const(B, IR_I1, 0), c64(4), c64(5))); }

static void lea_constants(void) { show(lea(IR_I64, c64(0x100000000), c64(2), 3, -1)); }
static void lea_base(void) { show(lea(IR_I64, get64(0), IR_NONE, 0, 0)); }
static void lea_index_alone(void) { show(lea(IR_I64, IR_NONE, get64(0), 0, 4)); }
static void lea_big(void) { show(lea(IR_I64, get64(0), get64(8), 2, 0x123456789)); }
static void lea_big_base(void) { show(lea(IR_I64, get64(0), IR_NONE, 0, 0x123456789)); }
static void lea_far_base(void) { show(lea(IR_I64, c64(0x123456789), get64(8), 2, 1)); }
static void lea_near_base(void) { show(lea(IR_I64, c64(0x1000), get64(8), 2, 1)); }
static void lea_of_lea(void) { ir_ref inner = lea(IR_I64, get64(0), get64(8), 1, 4); show(lea(IR_I64, inner, IR_NONE, 0, 4)); }
static void lea_of_lea_index(void) { ir_ref index = get64(8), inner = lea(IR_I64, get64(0), IR_NONE, 0, 4); show(lea(IR_I64, inner, index, 1, 4)); }
static void lea_of_overwritten(void)      /* %0's register is gone: take the sum from the new one */
{
    ir_put(B, IR_I64, 0, lea(IR_I64, get64(0), IR_NONE, 0, -8));
    show(lea(IR_I64, get64(0), IR_NONE, 0, -8));
}
static void lea_narrow(void) { show(lea(IR_I32, get32(0), c32(-1), 2, 0x7fffffff)); }

static void lea_low_half(void) { show(ir_trunc(B, IR_I32, lea(IR_I64, get64(0), get64(8), 2, 3))); }

/* compare slot 0 with slot 8; in this order, which arguments of one call would not have */
static ir_ref compare(void)
{
    ir_ref b = get64(8), a = get64(0);
    return op2(IR_SUBF, IR_I64, a, b);
}
static void cond_from_port(void) { ir_putf(B, IR_F_ALL, compare()); show(ir_cond(B, IR_CC_LE)); }
static void cond_from_state(void) { show(ir_cond(B, IR_CC_NE)); }
static void cond_mixed(void)
{
    ir_ref v = get64(0);
    ir_putf(B, IR_F_ALL, op2(IR_SUBF, IR_I64, v, v));
    ir_putf(B, IR_F_ALL & ~IR_F_C, ir_op1(B, IR_INCF, IR_I64, v));
    ir_cond(B, IR_CC_BE);
    show(ir_cond(B, IR_CC_E));
}
static void cond_after_call(void)
{
    ir_putf(B, IR_F_ALL, compare());
    ir_call(B, H_PLAIN, IR_VOID, c64(0), IR_NONE, IR_NONE, IR_NONE);
    show(ir_cond(B, IR_CC_E));
}
static void flags_of_constants(void) { ir_putf(B, IR_F_ALL, op2(IR_XORF, IR_I32, c32(0), c32(0))); show(ir_cond(B, IR_CC_E)); }
static void carry_of_constant(void) { ir_putf(B, IR_F_C, ir_op1(B, IR_MKF, IR_I32, c32(IR_FLAG_C))); ir_cond(B, IR_CC_B); show(ir_cond(B, IR_CC_E)); }
static void putf_of_state(void) { ir_putf(B, IR_F_ALL, IR_NONE); show(ir_getf(B)); }

static const struct { const char *name; void (*build)(void); const char *text; } builds[] = {
#define T(name, text) { #name, name, text }
    T(get_twice, "get.i64 [0x0]; exitind %0"),
    T(get_after_put, "const.i64 5; put.i64 %0 [0x8]; exitind %0"),
    T(get32_after_put64, "get.i64 [0x0]; put.i64 %0 [0x8]; trunc.i32 %0; exitind %2"),
    T(get32_after_put_zext, "get.i32 [0x0]; zext.i64 %0; put.i64 %1 [0x8]; exitind %0"),
    T(get16_after_put_zext, "get.i32 [0x0]; zext.i64 %0; put.i64 %1 [0x8]; trunc.i16 %0; exitind %3"),
    T(get_after_narrow_put, "const.i64 5; put.i64 %0 [0x8]; const.i8 1; put.i8 %2 [0x9]; get.i64 [0x8]; exitind %4"),
    T(get_after_high_put, "const.i32 5; put.i32 %0 [0x8]; const.i32 6; put.i32 %2 [0xc]; exitind %0"),
    T(get_high_byte, "get.i64 [0x0]; get.i8 [0x1]; exitind %1"),
    T(get64_after_put32, "get.i64 [0x0]; const.i32 1; put.i32 %1 [0x0]; get.i64 [0x0]; exitind %3"),
    T(get_after_call, "get.i64 [0x0]; const.i64 1; call %1 @plain; get.i64 [0x0]; exitind %3"),
    T(get_after_pure_call, "get.i64 [0x0]; call.i64 %0, %0 @pure; exitind %0"),
    T(get_after_insn, "get.i64 [0x0]; insn 0x10 len=3; exitind %0"),
    T(vector_forward, "get.v128 [0x40]; put.v128 %0 [0x80]; const.i64 1; put.i64 %2 [0x88]; get.v128 [0x80]; exitind %0"),
    T(far_state, "get.i64 [0x800]; get.i64 [0x800]; exitind %1"),
    T(share_constants, "const.i64 7; const.i32 7; exitind %1"),
    T(constant_forms, "const.i8 -1; const.i1 1; const.i16 -0x8000; exitind %2"),
    T(add_constants, "const.i8 100; const.i8 -56; exitind %1"),
    T(add_zero, "const.i64 0; get.i64 [0x0]; exitind %1"),
    T(constant_right, "get.i64 [0x0]; const.i64 1; addf.i64 %0, %1; exitind %2"),
    T(sub_keeps_order, "get.i64 [0x0]; const.i64 1; sub.i64 %1, %0; exitind %2"),
    T(and_ones, "get.i32 [0x0]; const.i32 -1; exitind %0"),
    T(and_zero, "get.i32 [0x0]; const.i32 0; exitind %1"),
    T(xor_self, "get.i32 [0x0]; const.i32 0; exitind %1"),
    T(shift_by_32, "const.i8 32; get.i32 [0x0]; exitind %1"),
    T(shift_byte_out, "const.i8 9; const.i8 -1; const.i8 0; exitind %2"),
    T(sar_byte_out, "const.i8 9; const.i8 -128; const.i8 -1; exitind %2"),
    T(rotate_byte, "const.i8 9; const.i8 -127; const.i8 3; exitind %2"),
    T(rotate_right, "const.i8 16; const.i16 1; exitind %1"),
    T(rotate_right1, "const.i8 1; const.i16 1; const.i16 -0x8000; exitind %2"),
    T(flags_not_folded, "const.i32 2; const.i32 1; addf.i32 %0, %1; exitind %2"),
    T(unary_constants, "const.i8 0; const.i8 -1; const.i16 1; const.i16 -1; const.i32 0x11223344; const.i32 0x44332211; "
                       "const.i16 256; const.i16 7; const.i8 0; const.i8 8; const.i32 -1; const.i32 32; exitind %11"),
    T(extend_constants, "const.i8 -1; const.i32 255; const.i64 -1; exitind %2"),
    T(extend_twice, "get.i8 [0x1]; zext.i32 %0; zext.i64 %0; exitind %2"),
    T(sign_extend_zext, "get.i8 [0x1]; zext.i32 %0; zext.i64 %0; exitind %2"),
    T(zero_extend_sext, "get.i8 [0x1]; sext.i32 %0; zext.i64 %1; exitind %2"),
    T(trunc_zext_same, "get.i8 [0x1]; zext.i32 %0; exitind %0"),
    T(trunc_zext_wider, "get.i8 [0x1]; sext.i64 %0; sext.i16 %0; exitind %2"),
    T(trunc_trunc, "get.i64 [0x0]; trunc.i32 %0; trunc.i8 %0; exitind %2"),
    T(resize_same, "get.i64 [0x0]; exitind %0"),
    T(cmp_constants, "const.i8 -1; const.i8 1; const.i1 1; const.i1 0; exitind %3"),
    T(select_constant, "const.i64 5; const.i64 4; const.i1 0; exitind %0"),
    T(lea_constants, "const.i64 2; const.i64 0x100000000; const.i64 0x10000000f; exitind %2"),
    T(lea_base, "get.i64 [0x0]; exitind %0"),
    T(lea_index_alone, "get.i64 [0x0]; lea.i64 %0 4; exitind %1"),
    T(lea_big, "get.i64 [0x8]; get.i64 [0x0]; lea.i64 %1, %0 aux=2; const.i64 0x123456789; add.i64 %2, %3; exitind %4"),
    T(lea_big_base, "get.i64 [0x0]; const.i64 0x123456789; add.i64 %0, %1; exitind %2"),
    T(lea_far_base, "get.i64 [0x8]; const.i64 0x123456789; lea.i64 %1, %0 1 aux=2; exitind %2"),
    T(lea_near_base, "get.i64 [0x8]; const.i64 0x1000; lea.i64 _, %0 0x1001 aux=2; exitind %2"),
    T(lea_of_lea, "get.i64 [0x8]; get.i64 [0x0]; lea.i64 %1, %0 4 aux=1; lea.i64 %1, %0 8 aux=1; exitind %3"),
    T(lea_of_lea_index, "get.i64 [0x8]; get.i64 [0x0]; lea.i64 %1 4; lea.i64 %1, %0 8 aux=1; exitind %3"),
    T(lea_of_overwritten, "get.i64 [0x0]; lea.i64 %0 -8; put.i64 %1 [0x0]; lea.i64 %1 -8; exitind %3"),
    T(lea_narrow, "const.i32 -1; get.i32 [0x0]; lea.i32 %1 0x7ffffffb; exitind %2"),
    T(lea_low_half, "get.i64 [0x8]; get.i64 [0x0]; lea.i64 %1, %0 3 aux=2; trunc.i32 %1; trunc.i32 %0; lea.i32 %3, %4 3 aux=2; exitind %5"),
    T(cond_from_port, "get.i64 [0x8]; get.i64 [0x0]; subf.i64 %1, %0; putf %2 flags=OSZAPC; cond.i1 %2 cc=le; exitind %4"),
    T(cond_from_state, "cond.i1 cc=ne; exitind %0"),
    T(cond_mixed, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; incf.i64 %0; putf %3 flags=OSZAP; cond.i1 cc=be; cond.i1 %3 cc=e; exitind %6"),
    T(cond_after_call, "get.i64 [0x8]; get.i64 [0x0]; subf.i64 %1, %0; putf %2 flags=OSZAPC; const.i64 0; call %4 @plain; cond.i1 cc=e; exitind %6"),
    T(flags_of_constants, "const.i32 0; xorf.i32 %0, %0; const.i32 0x4400; mkf.i32 %2; putf %3 flags=OSZAPC; const.i1 1; exitind %5"),
    T(carry_of_constant, "const.i32 256; mkf.i32 %0; putf %1 flags=C; const.i1 1; cond.i1 cc=e; exitind %4"),
    T(putf_of_state, "getf.i32; exitind %0"),
#undef T
};

static void test_builder(void **state)
{
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof builds / sizeof builds[0]; i++) {
        ir_build_start(B, &block, 0);
        builds[i].build();
        const char *got = body_of(&block);
        if (strcmp(got, builds[i].text)) {
            print_error("%s:\n  got  %s\n  want %s\n", builds[i].name, got, builds[i].text);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

/* Folding agrees with straightforward arithmetic on corner values: the reference is written in another way. */
static uint64_t reference(enum ir_op op, unsigned bits, uint64_t a, uint64_t b)
{
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
    __int128 wide = (__int128)(int64_t)(a << (64 - bits)) >> (64 - bits);
    unsigned n = b & (bits == 64 ? 63 : 31);
    a &= mask;
    switch (op) {
    case IR_ADD: return (a + b) & mask;
    case IR_SUB: return (a - b) & mask;
    case IR_MUL: return (a * b) & mask;
    case IR_AND: return a & b & mask;
    case IR_OR:  return (a | b) & mask;
    case IR_XOR: return (a ^ b) & mask;
    case IR_SHL: return (uint64_t)((unsigned __int128)a << n) & mask;
    case IR_SHR: return (uint64_t)((unsigned __int128)a >> n) & mask;
    case IR_SAR: return (uint64_t)(wide >> n) & mask;
    case IR_ROL: while (n--) a = (a << 1 | a >> (bits - 1)) & mask; return a;
    case IR_ROR: while (n--) a = (a >> 1 | a << (bits - 1)) & mask; return a;
    default: return 0;
    }
}

static void test_constant_folding(void **state)
{
    static const uint64_t corner[] = { 0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
                                       0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, (uint64_t)INT64_MIN, ~0ull, 0x123456789abcdef0 };
    enum { N = sizeof corner / sizeof corner[0] };
    for (unsigned op = IR_ADD; op <= IR_ROR; op++)
        for (enum ir_type t = IR_I8; t <= IR_I64; t++)
            for (unsigned k = 0; k < N * N; k++) {
                if (op == IR_NOT || op == IR_NEG)
                    continue;
                unsigned bits = ir_type_size[t] * 8u;
                bool shift = op >= IR_SHL;
                ir_build_start(B, &block, 0);
                ir_ref a = ir_const(B, t, (int64_t)corner[k / N]), b = ir_const(B, shift ? IR_I8 : t, (int64_t)corner[k % N]);
                ir_ref v = ir_op2(B, op, t, a, b);
                uint64_t want = reference(op, bits, corner[k / N], shift ? corner[k % N] & 0xff : corner[k % N]);
                assert_int_equal(block.insn[v].op, IR_CONST);
                assert_int_equal(block.insn[v].imm, (int64_t)(want << (64 - bits)) >> (64 - bits));
            }
}

static void test_cmp_folding(void **state)
{
    for (int a = -128; a < 128; a++)
        for (int b = -128; b < 128; b += 3)
            for (unsigned cc = 0; cc < IR_N_CC; cc++) {
                uint8_t r = (uint8_t)(a - b);
                bool o = a - b != (int8_t)r, c = (uint8_t)a < (uint8_t)b, z = r == 0, s = r >> 7, p = true;
                for (int bit = 0; bit < 8; bit++)
                    p ^= r >> bit & 1;
                bool base[] = { o, c, z, c || z, s, p, s != o, z || s != o };
                ir_build_start(B, &block, 0);
                ir_ref v = ir_emit(B, IR_CMP, IR_I1, IR_I8, cc, 0, c8(a), c8(b), IR_NONE, 0);
                assert_int_equal(block.insn[v].imm, base[cc / 2] ^ (cc & 1));
            }
}

static void test_full(void **state)
{
    ir_build_start(B, &block, 0);
    assert_true(ir_room(B, IR_MAX_INSNS));
    assert_false(ir_room(B, IR_MAX_INSNS + 1));
    for (int i = 0; i < 3 * IR_MAX_INSNS; i++) {      /* everything that folds, far beyond the end */
        ir_ref v = ir_trunc(B, IR_I32, ir_zext(B, IR_I64, ir_get(B, IR_I32, 8 * (i % 200))));
        ir_put(B, IR_I64, 8 * (i % 100), ir_lea(B, IR_I64, ir_const(B, IR_I64, i), v, 1, i));
        ir_zext(B, IR_I64, ir_get(B, IR_I8, 0));
    }
    assert_true(B->full);
    assert_false(ir_room(B, 1));
    assert_int_equal(block.n, IR_MAX_INSNS);
}

/* --- printer and parser --- */

static void check_round_trip(const struct ir_block *b)
{
    char *first = text_of(b);
    const char *error = ir_parse(first, &block2);
    if (error)
        fail_msg("%s\n%s", error, first);
    char *second = text_of(&block2);
    assert_string_equal(first, second);
    assert_int_equal(b->n, block2.n);
    assert_memory_equal(b->insn, block2.insn, b->n * sizeof b->insn[0]);
    free(first);
    free(second);
}

static uint32_t random32(void)
{
    static uint64_t x = 88172645463325252ull;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 16);
}

/* Every operation, with fields far outside of what is well formed too. */
static void test_round_trip(void **state)
{
    static const int64_t imms[] = { 0, 1, -1, 4095, 4096, -4096, INT64_MAX, INT64_MIN, 0x401000, 2 };
    for (int round = 0; round < 40; round++) {
        memset(&block, 0, offsetof(struct ir_block, insn));
        block.guest_pc = round ? random32() * 0x100010001ull : 0;
        block.guest_end = block.guest_pc + random32() % 64;
        block.n_guest_insns = random32() % 10;
        block.flags_in = random32() % 64;
        for (unsigned op = 0; op < IR_N_OPS; op++) {
            struct ir_insn *in = &block.insn[block.n++];
            unsigned r = random32();
            *in = (struct ir_insn){ .op = op, .type = r % IR_N_TYPES, .lane = r >> 4 & (round % 2 ? 15 : 255), .aux = r >> 12 & (round % 3 ? 15 : 255),
                                    .uses = r >> 20 & 3, .mod = r >> 22 & 3, .live = r >> 24 & 63, .imm = imms[random32() % 10] };
            for (int k = 0; k < 4; k++)
                in->arg[k] = random32() % 3 ? random32() % 4096 : IR_NONE;
            if (r >> 31)
                block.insn[block.n++] = (struct ir_insn){ .op = IR_CONST, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } };   /* removed */
        }
        check_round_trip(&block);
    }
}

static const char *const malformed_text[] = {
    "frobnicate", "add.i65 %0", "add.i64 %0 %1 %2 %3 %4", "get.i64 [8", "get.i64 ]", "add.i64 %x", "call @nobody", "add.i64 key=1",
    "add.i64 lane=q", "cond.i1 cc=zz", "load.i64 mem=stack+odd", "add.i64 =", "3:", "5: get.i64; 2: get.i64", "9999: get.i64",
    "block", "block 0x10 foo=1", "block 0x10 end", "add.i64 aux=256", "const.i64 0x", "const.i64 99999999999999999999999999999999999",
    "add.i64 live=", "add.i64 %70000", ":", "%", "[", "@", "-", "add.", "add.i64 lane", "exit 5 flags=OZQ", "\xff\xfe", "const.i64 - -",
};

static void test_parse_errors(void **state)
{
    for (size_t i = 0; i < sizeof malformed_text / sizeof malformed_text[0]; i++) {
        char lines[200], *c;
        strcpy(lines, malformed_text[i]);
        while ((c = strstr(lines, "; ")))
            c[0] = '\n';
        const char *error = ir_parse(lines, &block);
        if (!error)
            fail_msg("parsed: %s", malformed_text[i]);
        assert_non_null(strstr(error, "line "));
    }
    char *junk = malloc(100);
    for (int i = 0; i < 20000; i++) {          /* junk never crashes it */
        static const char alphabet[] = "add.i64 %1,_ [0x8]@=-;:\nblock plain mem=stack";
        for (int k = 0; k < 99; k++)
            junk[k] = alphabet[random32() % (sizeof alphabet - 1)];
        junk[99] = 0;
        ir_parse(junk, &block);
    }
    free(junk);
}

static void test_parse_comments(void **state)
{
    assert_null(ir_parse("; a block\n\n  get.i64 [0x8] ; rcx\n3: exitind %0\n", &block));
    assert_int_equal(block.n, 4);
    assert_int_equal(block.insn[0].op, IR_GET);
    assert_int_equal(block.insn[0].imm, 8);
    assert_int_equal(block.insn[2].op, IR_CONST);
    assert_int_equal(block.insn[3].op, IR_EXITIND);
}

/* --- verifier --- */

static const struct { const char *text, *error; } verified[] = {
    /* well formed */
    { "exit 0x10", NULL },
    { "insn 0x10 len=3; get.i64 [0x0]; load.i32 %1 mem=stack+aligned; zext.i64 %2; put.i64 %3 [0x8]; exit 0x13 flags=CZ", NULL },
    { "cond.i1 cc=e; exitif %0 0x20; exit 0x30 mod=1", NULL },
    { "insn 0; get.i64 [0x0]; put.i64 %1 [0x8]; insn 4; load.i64 %1; exitind %4", NULL },
    { "get.i64 [0x0]; umulf.i64 %0, %0; second.i64 %1; putf %1 flags=OC; exitind %2", NULL },
    { "const.i64 16; exitcall %0 0x10", NULL },
    { "get.v128 [0x100]; vadd.v128 %0, %0 lane=i32; vextr.i64 %1 lane=i64 aux=1; exitind %2", NULL },
    { "const; exit 0x10", NULL },
    { "const.i1 1; const.i64 3; select.i64 %0, %1, %1; exitind %2", NULL },
    { "const.i64 1; put.i64 %0 [0x0]; call %0 @plain; exit 0x10", NULL },
    { "const.i64 1; pair.i128 %0, %0; cas.i128 %0, %1, %1; trunc.i64 %2; exitind %3", NULL },
    /* malformed */
    { "", "empty" },
    { "get.i64 [0x0]", "(I3)" },
    { "exit 0x10; exit 0x10", "(I3)" },
    { "cond.i1 cc=e; exitif %0 0x10", "(I3)" },
    { "get.i64 [0x0]; not.i64 %1; exit 0", "does not come before" },
    { "get.i64 [0x0]; not.i64 %4; exit 0", "does not come before" },
    { "get.i64 [0x0]; add.i64 %0; exit 0", "missing" },
    { "get.i64 [0x0]; not.i64 %0, %0; exit 0", "one too many" },
    { "get.i64 [0x0]; not.i64 _, %0; exit 0", "missing" },
    { "get.i32 [0x0]; not.i64 %0; exit 0", "operand 0 is i32" },
    { "get.i64 [0x0]; shl.i64 %0, %0; exit 0", "operand 1 is i64" },
    { "get.i32 [0x0]; load.i64 %0; exit 0", "operand 0 is i32" },
    { "get.i64 [0x0]; exitif %0 0x10; exit 0", "operand 0 is i64" },
    { "get.i64 [0x0]; put.i64 %0 [0x8]; not.i64 %1; exit 0", "has no value" },
    { "const; not.i64 %0; exit 0", "operand 0 is void" },
    { "get.i64 [0x0]; cond.i1 %0 cc=e; exit 0", "no flags port" },
    { "get.i64 [0x0]; add.i64 %0, %0; second.i64 %1; exit 0", "no second result" },
    { "get.i64 [0x0]; umulf.i64 %0, %0; second.i32 %1; exit 0", "differs" },
    { "insn 0; get.i64 [0x0]; put.i64 %1 [0x8]; load.i64 %1; exit 0", "(I2)" },
    { "insn 0; get.i64 [0x0]; subf.i64 %1, %1; putf %2 flags=Z; divu.i64 %1, %1, %1; exit 0", "(I2)" },
    { "add.v128; exit 0", "result type v128" },
    { "get.i64 [0x0]; exit.i64 0", "result type i64" },
    { "get.i32 [0x0]; zext.i32 %0; exit 0", "from i32 to i32" },
    { "get.i32 [0x0]; trunc.i64 %0; exit 0", "from i32 to i64" },
    { "get.i8 [0x0]; bswap.i8 %0; exit 0", "result type i8" },
    { "cond.i1 cc=e; cond.i1 aux=16; exit 0", "condition 16" },
    { "get.i64 [0x0]; subf.i64 %0, %0; putf %1; exit 0", "mask 0" },
    { "get.v128 [0x0]; vadd.v128 %0, %0 lane=f32; exit 0", "lane f32" },
    { "get.v128 [0x0]; vfadd.v128 %0, %0; exit 0", "lane void" },
    { "get.v128 [0x0]; vextr.i64 %0 lane=i64 aux=2; exit 0", "element 2 of 2" },
    { "get.v128 [0x0]; vextr.i8 %0 lane=i64; exit 0", "wider" },
    { "get.i64 [0x0]; load.i64 %0 mem=5; exit 0", "memory attributes" },
    { "get.i64 [0x0]; lea.i64 %0 0x80000000; exit 0", "32 bits" },
    { "get.i64 [0x0]; lea.i64 %0, %0 aux=4; exit 0", "shift" },
    { "const.i8 200; exit 0", "sign-extended" },
    { "const.i1 -1; exit 0", "sign-extended" },
    { "get.i64 [0x0]; exitcall %0 0x10", "return address" },
    { "get.i64 [0x0]; exitcalli %0, %0", "return address" },
    { "call 9; exit 0", "no helper" },
    { "call @plain; exit 0", "helper plain has 1" },
    { "get.i8 [0x0]; get.i8 [0x1]; cmp.i1 %0, %1 lane=i16 cc=e; exit 0", "compares" },
    { "trap trap=200 0", "trap 200" },
    { "get.i64 -8; exit 0", "offset" },
    { "exit 0 flags=64", "flags mask" },
    { "get.v128 [0x0]; vwidens.v128 %0 lane=i16 mod=5; exit 0", "source type" },
};

static void test_verifier(void **state)
{
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof verified / sizeof verified[0]; i++) {
        parse(&block, verified[i].text);
        const char *got = ir_verify(&block), *want = verified[i].error;
        if ((got != NULL) != (want != NULL) || (got && !strstr(got, want))) {
            print_error("%s\n  got  %s\n  want %s\n", verified[i].text, got ? got : "(well formed)", want ? want : "(well formed)");
            bad++;
        }
    }
    assert_int_equal(bad, 0);
    block.insn[0] = (struct ir_insn){ .op = 255 };
    block.n = 1;
    assert_non_null(ir_verify(&block));
    block.insn[0] = (struct ir_insn){ .op = IR_GET, .type = 200, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } };
    assert_non_null(ir_verify(&block));
}

/* Blocks of noise: the verifier never crashes, and what it lets through the optimizer takes and leaves well formed. */
static void test_noise(void **state)
{
    unsigned well_formed = 0;
    for (int round = 0; round < 200000; round++) {
        block.n = 1 + random32() % 4;
        for (unsigned i = 0; i < block.n; i++) {
            unsigned r = random32(), wild = random32() % 8 == 0;
            struct ir_insn *in = &block.insn[i];
            *in = (struct ir_insn){ .op = wild ? r % 256 : i + 1 == block.n ? IR_EXIT : r % IR_N_OPS, .type = r >> 8 & (wild ? 255 : 15), .imm = r >> 20 & 15 };
            if (wild)
                in->lane = r >> 12, in->aux = r >> 16, in->mod = r >> 24, in->imm = (int64_t)((uint64_t)random32() << 32);
            else
                in->lane = random32() % 9, in->aux = random32() % 3;
            if (in->op == IR_EXIT)
                in->type = IR_VOID;
            unsigned n_args = in->op < IR_N_OPS ? ir_op_info[in->op].n_args : 0;
            for (unsigned k = 0; k < 4; k++)
                in->arg[k] = wild ? random32() : k < n_args && i ? random32() % i : IR_NONE;
        }
        if (ir_verify(&block))
            continue;
        well_formed++;
        ir_opt(&block, round & 1);
        const char *error = ir_verify(&block);
        if (error)
            fail_msg("%s\n%s", error, body_of(&block));
        check_round_trip(&block);
    }
    assert_true(well_formed > 100);
}

/* --- optimizer --- */

static const struct { bool exact; unsigned flags_in; const char *in, *out; } optimized[] = {
    /* dead code */
    { false, 0, "get.i64 [0x0]; not.i64 %0; exit 0x10", "exit 0x10" },
    { false, 0, "get.i64 [0x0]; load.i64 %0; exit 0x10", "get.i64 [0x0] uses=1; load.i64 %0; exit 0x10" },
    { false, 0, "get.v128 [0x80]; vfadd.v128 %0, %0 lane=f32; exit 0x10", "get.v128 [0x80] uses=2; vfadd.v128 %0, %0 lane=f32; exit 0x10" },
    { false, 0, "get.v128 [0x80]; fcmpf.v128 %0, %0 lane=f32; exit 0x10", "get.v128 [0x80] uses=2; fcmpf.v128 %0, %0 lane=f32; exit 0x10" },
    { false, 0, "get.v128 [0x80]; vtestf.v128 %0, %0; exit 0x10", "exit 0x10" },
    { false, 0, "get.i64 [0x0]; call.i64 %0, %0 @pure; exit 0x10", "exit 0x10" },
    { false, 0, "get.i64 [0x0]; call %0 @plain; exit 0x10", "get.i64 [0x0] uses=1; call %0 @plain; exit 0x10" },
    { false, 0, "getf.i32; cond.i1 cc=e; exit 0x10", "exit 0x10" },
    /* flags: read by a condition, by the target, by nobody */
    { false, 0, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; cond.i1 %1 cc=e; exitif %3 0x10; exit 0x20",
                "get.i64 [0x0] uses=2; subf.i64 %0, %0 live=Z; cond.i1 %1 cc=e uses=1; exitif %3 0x10; exit 0x20" },
    { false, 0, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; cond.i1 %1 cc=e; exitif %3 0x10 flags=C; exit 0x20",
                "get.i64 [0x0] uses=2; subf.i64 %0, %0 live=ZC; putf %1 flags=C mod=1; cond.i1 %1 cc=e uses=1; exitif %3 0x10 flags=C; exit 0x20" },
    { false, 0, "get.i64 [0x0]; addf.i64 %0, %0; putf %1 flags=OSZAPC; put.i64 %1 [0x8]; exit 0x20",
                "get.i64 [0x0] uses=2; addf.i64 %0, %0 uses=1; put.i64 %1 [0x8]; exit 0x20" },
    { false, IR_F_C, "get.i64 [0x0]; incf.i64 %0; putf %1 flags=OSZAP; exit 0x20 flags=ZC",
                "get.i64 [0x0] uses=1; incf.i64 %0 live=Z; putf %1 flags=Z; exit 0x20 flags=ZC" },
    { false, IR_F_Z, "cond.i1 cc=e; exitif %0 0x10; exit 0x20", "cond.i1 cc=e uses=1; exitif %0 0x10; exit 0x20" },
    { false, IR_F_ALL, "exit 0x10 flags=OSZAPC", "exit 0x10 flags=OSZAPC" },
    { false, IR_F_ALL, "get.i64 [0x0]; exitind %0", "get.i64 [0x0] uses=1; exitind %0" },
    { false, IR_F_ALL, "trap 0x10 trap=syscall", "trap 0x10 trap=syscall" },
    { false, IR_F_C, "const.i64 1; exitcall %0 0x10 flags=C", "const.i64 1 uses=1; exitcall %0 0x10 flags=C" },
    { false, 0, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; addf.i64 %0, %0; putf %3 flags=OSZAPC; exitind %0",
                "get.i64 [0x0] uses=3; addf.i64 %0, %0 live=OSZAPC; putf %3 flags=OSZAPC mod=1; exitind %0" },
    { false, 0, "putf flags=C; exit 0x10", "exit 0x10" },
    { false, IR_F_ALL, "getf.i32; zext.i64 %0; exitcalli %1, %1", "getf.i32 uses=1; zext.i64 %0 uses=2; exitcalli %1, %1" },
    /* shifts whose count may be 0 read the state's flags */
    { false, IR_F_Z, "get.i64 [0x0]; get.i8 [0x8]; shlf.i64 %0, %1; putf %2 flags=OSZAPC; exit 0x10 flags=Z",
                "get.i64 [0x0] uses=1; get.i8 [0x8] uses=1; shlf.i64 %0, %1 live=Z; putf %2 flags=Z mod=1; exit 0x10 flags=Z" },
    { false, 0, "get.i64 [0x0]; const.i8 3; shlf.i64 %0, %1; putf %2 flags=OSZAPC; exit 0x10 flags=Z",
                "get.i64 [0x0] uses=1; const.i8 3 uses=1; shlf.i64 %0, %1 live=Z; putf %2 flags=Z mod=1; exit 0x10 flags=Z" },
    { false, IR_F_Z, "get.i32 [0x0]; const.i8 32; shlf.i32 %0, %1; putf %2 flags=OSZAPC; exit 0x10 flags=Z",
                "get.i32 [0x0] uses=1; const.i8 32 uses=1; shlf.i32 %0, %1 live=Z; putf %2 flags=Z mod=1; exit 0x10 flags=Z" },
    { false, 0, "get.i64 [0x0]; get.i8 [0x8]; shlf.i64 %0, %1; putf %2 flags=OSZAPC; put.i64 %2 [0x0]; exit 0x10",
                "get.i64 [0x0] uses=1; get.i8 [0x8] uses=1; shlf.i64 %0, %1 uses=1; put.i64 %2 [0x0]; exit 0x10" },
    { false, 0, "get.i64 [0x0]; const.i8 1; shldf.i64 %0, %0, %1; putf %2 flags=OSZAPC; exit 0x10 flags=Z",
                "get.i64 [0x0] uses=2; const.i8 1 uses=1; shldf.i64 %0, %0, %1 live=Z; putf %2 flags=Z mod=1; exit 0x10 flags=Z" },
    /* helpers */
    { false, 0, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; call @writes; exit 0x10 flags=OSZAPC", "call @writes; exit 0x10 flags=OSZAPC" },
    { false, 0, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; call @both; exit 0x10",
                "get.i64 [0x0] uses=2; subf.i64 %0, %0 live=OSZAPC; putf %1 flags=OSZAPC mod=1; call @both; exit 0x10" },
    { false, IR_F_ALL, "call @reads; exit 0x10", "call @reads; exit 0x10" },
    /* exact flags where an instruction may fault */
    { true, 0, "get.i64 [0x0]; subf.i64 %0, %0; putf %1 flags=OSZAPC; load.i64 %0; exit 0x10",
                "get.i64 [0x0] uses=3; subf.i64 %0, %0 live=OSZAPC; putf %1 flags=OSZAPC mod=1; load.i64 %0; exit 0x10" },
    { true, IR_F_ALL, "call @writes; exit 0x10", "call @writes; exit 0x10" },
    /* dead puts: only when nothing between them sees the state */
    { false, 0, "const.i64 1; const.i64 2; put.i64 %0 [0x8]; put.i64 %1 [0x8]; exit 0x10", "const.i64 2 uses=1; put.i64 %1 [0x8]; exit 0x10" },
    { false, 0, "const.i8 1; const.i64 2; put.i8 %0 [0x9]; put.i64 %1 [0x8]; exit 0x10", "const.i64 2 uses=1; put.i64 %1 [0x8]; exit 0x10" },
    { false, 0, "const.i64 1; const.i8 2; put.i64 %0 [0x8]; put.i8 %1 [0x8]; exit 0x10",
                "const.i64 1 uses=1; const.i8 2 uses=1; put.i64 %0 [0x8]; put.i8 %1 [0x8]; exit 0x10" },
    { false, 0, "const.i64 1; put.i64 %0 [0x8]; get.i8 [0x9]; put.i8 %2 [0x30]; put.i64 %0 [0x8]; exit 0x10",
                "const.i64 1 uses=2; put.i64 %0 [0x8]; get.i8 [0x9] uses=1; put.i8 %2 [0x30]; put.i64 %0 [0x8]; exit 0x10" },
    { false, 0, "const.i64 1; put.i64 %0 [0x8]; insn 4; load.i64 %0; put.i64 %3 [0x8]; exit 0x10",
                "const.i64 1 uses=2; put.i64 %0 [0x8]; insn 0x4; load.i64 %0 uses=1; put.i64 %3 [0x8]; exit 0x10" },
    { false, 0, "const.i64 1; cond.i1 cc=e; put.i64 %0 [0x8]; exitif %1 0x10; put.i64 %0 [0x8]; exit 0x10",
                "const.i64 1 uses=2; cond.i1 cc=e uses=1; put.i64 %0 [0x8]; exitif %1 0x10; put.i64 %0 [0x8]; exit 0x10" },
    { false, 0, "const.i64 1; put.i64 %0 [0x8]; insn 4; put.i64 %0 [0x8]; exit 0x10",       /* a host may poll at the insn */
                "const.i64 1 uses=2; put.i64 %0 [0x8]; insn 0x4; put.i64 %0 [0x8]; exit 0x10" },
    { false, 0, "const.i64 1; put.i64 %0 [0x8]; insn 4; put.i64 %0 [0x8]; insn 5; exit 0x10",
                "const.i64 1 uses=1; insn 0x4 mod=1; put.i64 %0 [0x8]; insn 0x5; exit 0x10" },
    { false, 0, "get.v128 [0x80]; const.i64 1; put.i64 %1 [0x48]; put.i64 %1 [0x50]; put.v128 %0 [0x40]; exit 0x10",
                "get.v128 [0x80] uses=1; const.i64 1 uses=1; put.i64 %1 [0x50]; put.v128 %0 [0x40]; exit 0x10" },
    { false, 0, "const.i64 1; put.i64 %0 [0x1004]; put.i64 %0 [0x1004]; exit 0x10", "const.i64 1 uses=2; put.i64 %0 [0x1004]; put.i64 %0 [0x1004]; exit 0x10" },
};

static void test_optimizer(void **state)
{
    unsigned bad = 0;
    for (size_t i = 0; i < sizeof optimized / sizeof optimized[0]; i++) {
        parse(&block, optimized[i].in);
        ir_opt(&block, optimized[i].exact);
        char *got = strdup(body_of(&block));
        if (strcmp(got, optimized[i].out) || (optimized[i].flags_in && block.flags_in != optimized[i].flags_in)) {
            print_error("%s\n  got  %s (flags_in %u)\n  want %s\n", optimized[i].in, got, block.flags_in, optimized[i].out);
            bad++;
        }
        ir_opt(&block, optimized[i].exact);           /* again: nothing changes (O3) */
        assert_string_equal(got, body_of(&block));
        free(got);
    }
    assert_int_equal(bad, 0);
}

/* --- tables --- */

static void test_tables(void **state)
{
    for (unsigned op = 0; op < IR_N_OPS; op++) {
        const struct ir_op_info *info = &ir_op_info[op];
        unsigned letters = 0;
        for (const char *s = info->sig + 2; *s; s++)
            letters += *s != '?';
        assert_int_equal(info->sig[1], ':');
        assert_int_equal(info->n_args, letters);
        assert_true(info->n_args <= 4);
    }
    assert_string_equal(ir_op_info[IR_TRAP].name, "trap");
    assert_int_equal(ir_op_info[IR_UMULF].props, IR_P_P | IR_P_C | IR_P_FL | IR_P_TWO);
    assert_int_equal(ir_cc_reads(IR_CC_G), IR_F_Z | IR_F_S | IR_F_O);
    assert_int_equal(ir_cc_reads(IR_CC_AE), IR_F_C);
    assert_int_equal(sizeof(struct ir_insn), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables), cmocka_unit_test(test_builder), cmocka_unit_test(test_constant_folding),
        cmocka_unit_test(test_cmp_folding), cmocka_unit_test(test_full), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_parse_errors), cmocka_unit_test(test_parse_comments), cmocka_unit_test(test_verifier), cmocka_unit_test(test_noise),
        cmocka_unit_test(test_optimizer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
