/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_float.c: floating point.
 */
#include "host/ppc64le/emit.h"

bool emit_float(struct emitter *e, const struct ir_insn *in) { return false; }
