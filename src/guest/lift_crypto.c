/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_crypto.c: SHA. (AES and PCLMULQDQ are plain vector operations, lift_sse_int.c.) Manual: Intel SDM volume 2; about memory operands
 * processors differ: those of AMD take any address, as here, Intel's want it aligned.
 */
#include "guest/lift_sse.h"

static bool sha(struct x86_lifter *L, unsigned arg, ir_ref third)
{
    ir_ref b = x86_read_xmm(L, 1, false), a = x86_vec_reg(L, 0);
    x86_vec_write(L, 0, ir_emit(&L->B, X86_VOP_OP(arg), IR_V128, X86_VOP_LANE(arg), x86_vec_imm(L), 0, a, b, third, 0));
    return true;
}

/* dst = op(dst, src [, imm8]) */
bool x86_sha(struct x86_lifter *L, unsigned arg) { return sha(L, arg, IR_NONE); }

/* SHA256RNDS2: the words are in XMM0 */
bool x86_sha_rounds(struct x86_lifter *L, unsigned arg) { return sha(L, arg, x86_get_xmm(L, 0)); }
