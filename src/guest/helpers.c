/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers.c: the table of helpers that IR's CALL numbers, made from helpers.def.
 */
#include "guest/lift_internal.h"

const struct ir_helper ir_helpers[] = {
#define HELPER(name, n_args, effects) { #name, x86_helper_##name, n_args, effects },
#include "guest/helpers.def"
#undef HELPER
};
const unsigned ir_n_helpers = X86_N_HELPERS;
