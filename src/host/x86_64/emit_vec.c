/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_vec.c: vectors. */
#include "host/x86_64/emit.h"

unsigned dst_xmm(struct emitter *e)
{
    struct value *v = &e->v[e->i];
    if (v->hint != NO_REG && v->hint >= XMM) {
        evict(e, v->hint, IR_NONE);
        return v->hint - XMM;
    }
    return alloc_xmm(e) - XMM;
}

void result_xmm(struct emitter *e, unsigned x) { settle(e, (ir_ref)e->i, XMM + x, true); }

bool vec_folds(const struct ir_insn *user, unsigned arg, const struct ir_insn *load) { return false; }
bool emit_vec(struct emitter *e, const struct ir_insn *in) { return false; }
