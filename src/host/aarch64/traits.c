/* SPDX-License-Identifier: GPL-2.0-or-later
 * traits.c: what the look back over a block needs to know of an operation, in one word each, made from ops.def when this is compiled: most
 * operations have none of these and are passed by quickly.
 */
#include "host/aarch64/emit.h"

#define IS(op, ENUM) ((op) == IR_##ENUM)
#define GETPUT(op)   (IS(op, GET) || IS(op, PUT))
#define BARRIER(op, props) (IS(op, INSN) || IS(op, CALL) || ((props) & (IR_P_X | IR_P_T | IR_P_FP)) != 0)
#define FOLDS(op)    (IS(op, SHL) || IS(op, SHR) || IS(op, SAR) || IS(op, SHLF) || IS(op, SHRF) || IS(op, SARF) || IS(op, MUL) || IS(op, SMULF) || IS(op, UMULF) || \
                      IS(op, NEG) || IS(op, NEGF) || IS(op, NOT) || IS(op, TRUNC) || IS(op, ANDF) || IS(op, SUBF))
#define TRAITS(op, props) ( \
    (BARRIER(op, props) ? TR_BARRIER : 0) | \
    (GETPUT(op) ? TR_SLOT : 0) | \
    (IS(op, LEA) || IS(op, CMP) || IS(op, COND) || FOLDS(op) ? TR_MAY_WAIT : 0) | \
    (IS(op, COND) || IS(op, PUTF) ? TR_PORT : 0) | \
    (IS(op, LOAD) || IS(op, STORE) || IS(op, VLOADL) || IS(op, VSTOREL) || IS(op, PREFETCH) ? TR_ADDRESS : 0) | \
    (IS(op, EXITIF) || IS(op, SELECT) || IS(op, ADCF) || IS(op, SBBF) || IS(op, RCLF) ? TR_CONDITION : 0) | \
    (IS(op, PUTF) || IS(op, GETF) || IS(op, COND) || IS(op, CALL) || ((props) & (IR_P_FL | IR_P_RDF)) ? TR_FLAGS : 0) | \
    ((props) & IR_P_T ? TR_EXIT : 0) | \
    ((props) & IR_P_FP ? TR_FP : 0) | ((props) & (IR_P_FP | IR_P_X) ? TR_MAP : 0))

#include "ir/prop_names.h"
const uint16_t a64_traits[IR_N_OPS] = {
#define OP(ENUM, name, sig, props) [IR_##ENUM] = (uint16_t)TRAITS(IR_##ENUM, props),
#include "ir/ops.def"
#undef OP
};
