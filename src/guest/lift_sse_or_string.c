/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_sse_or_string.c: the two mnemonics that name both a string instruction and a scalar SSE2 one.
 */
#include "guest/lift_internal.h"

static bool is_string(const struct x86_lifter *L)
{
    return L->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && L->op[0].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
}
bool x86_movsd(struct x86_lifter *L, unsigned arg)
{
    return is_string(L) ? x86_lift_movs(L, 4) : x86_sse_mov_scalar(L, arg);
}
bool x86_cmpsd(struct x86_lifter *L, unsigned arg)
{
    return is_string(L) ? x86_lift_cmps(L, 4) : x86_sse_cmp(L, arg);
}
