/* SPDX-License-Identifier: GPL-2.0-or-later
 * ir.c: the tables that describe IR: one entry per operation, made from ops.def, and the names and sizes of types and
 * conditions. Everything else in this room looks operations up here instead of knowing them by heart.
 */
#include "ir/ir.h"

/* Number of operands in a signature: the letters after "r:", without the question marks. Signatures are padded, so
 * that each of the ten places can be looked at in a constant expression. */
#define LETTER(sig, k) ((sig "\0\0\0\0\0\0\0\0\0\0")[k] != 0 && (sig "\0\0\0\0\0\0\0\0\0\0")[k] != '?')
#define N_ARGS(sig) (LETTER(sig, 2) + LETTER(sig, 3) + LETTER(sig, 4) + LETTER(sig, 5) + LETTER(sig, 6) + \
                     LETTER(sig, 7) + LETTER(sig, 8) + LETTER(sig, 9))

#include "ir/prop_names.h"
const struct ir_op_info ir_op_info[IR_N_OPS] = {
#define OP(ENUM, name, sig, props) [IR_##ENUM] = { #name, sig, props, N_ARGS(sig) },
#include "ir/ops.def"
#undef OP
};
#undef P
#undef C
#undef FL
#undef X
#undef S
#undef T
#undef TWO
#undef RDF
#undef P_STATE
#undef P_FP

const char *const ir_type_name[IR_N_TYPES] = {
    [IR_VOID] = "void", [IR_I1] = "i1", [IR_I8] = "i8", [IR_I16] = "i16", [IR_I32] = "i32", [IR_I64] = "i64",
    [IR_I128] = "i128", [IR_F32] = "f32", [IR_F64] = "f64", [IR_F80] = "f80",
    [IR_V128] = "v128", [IR_V256] = "v256", [IR_V512] = "v512", [IR_MASK] = "mask",
};

const uint8_t ir_type_size[IR_N_TYPES] = {
    [IR_VOID] = 0, [IR_I1] = 1, [IR_I8] = 1, [IR_I16] = 2, [IR_I32] = 4, [IR_I64] = 8, [IR_I128] = 16,
    [IR_F32] = 4, [IR_F64] = 8, [IR_F80] = 10, [IR_V128] = 16, [IR_V256] = 32, [IR_V512] = 64, [IR_MASK] = 8,
};

const char *const ir_cc_name[IR_N_CC] = {
    [IR_CC_O] = "o", [IR_CC_NO] = "no", [IR_CC_B] = "b", [IR_CC_AE] = "ae", [IR_CC_E] = "e", [IR_CC_NE] = "ne",
    [IR_CC_BE] = "be", [IR_CC_A] = "a", [IR_CC_S] = "s", [IR_CC_NS] = "ns", [IR_CC_P] = "p", [IR_CC_NP] = "np",
    [IR_CC_L] = "l", [IR_CC_GE] = "ge", [IR_CC_LE] = "le", [IR_CC_G] = "g",
};

unsigned ir_cc_reads(enum ir_cc cc)
{
    static const uint8_t reads[IR_N_CC / 2] = {     /* a condition and its negation read the same flags */
        [IR_CC_O / 2] = IR_F_O, [IR_CC_B / 2] = IR_F_C, [IR_CC_E / 2] = IR_F_Z, [IR_CC_BE / 2] = IR_F_C | IR_F_Z,
        [IR_CC_S / 2] = IR_F_S, [IR_CC_P / 2] = IR_F_P, [IR_CC_L / 2] = IR_F_S | IR_F_O,
        [IR_CC_LE / 2] = IR_F_Z | IR_F_S | IR_F_O,
    };
    return reads[(unsigned)cc % IR_N_CC / 2];
}
