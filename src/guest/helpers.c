/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers.c: the table of helpers that IR's CALL numbers, made from helpers.def.
 */
#include "guest/lift_internal.h"

const struct ir_helper ir_helpers[] = {
#define HELPER(name, n_args, effects) { #name, x86_helper_##name, n_args, effects, NULL },
#define HELPER_QUICK(name, n_args, effects) { #name, x86_helper_##name, n_args, effects, x86_quick_##name },
#include "guest/helpers.def"
#undef HELPER
#undef HELPER_QUICK
};
const unsigned ir_n_helpers = X86_N_HELPERS;
