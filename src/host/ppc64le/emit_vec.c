/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_vec.c: vectors of integers and bits.
 */
#include "host/ppc64le/emit.h"

bool emit_vec(struct emitter *e, const struct ir_insn *in) { return false; }
