/* SPDX-License-Identifier: GPL-2.0-or-later
 * linear.c: addresses that stay aligned. An operand is followed up to GETs; a slot that the loop changes may only be put as itself and a constant.
 */
#include "host/linear.h"

/* r << shift joins the sum */
static bool add_to(const struct ir_block *b, ir_ref r, unsigned shift, struct host_linear *f)
{
    const struct ir_insn *in = &b->insn[r], *other;
    if (in->type != IR_I64 || shift > 31)
        return false;
    switch (in->op) {
    case IR_CONST: f->add += (int64_t)((uint64_t)in->imm << shift); return true;
    case IR_GET:
        if (f->n == 2)
            return false;
        f->slot[f->n] = (int32_t)in->imm;
        f->shift[f->n++] = (uint8_t)shift;
        return true;
    case IR_ADD: case IR_ADDF: return add_to(b, in->arg[0], shift, f) && add_to(b, in->arg[1], shift, f);
    case IR_SUB: case IR_SUBF:
        other = &b->insn[in->arg[1]];
        f->add -= (int64_t)((uint64_t)other->imm << shift);
        return other->op == IR_CONST && add_to(b, in->arg[0], shift, f);
    case IR_LEA:
        f->add += (int64_t)((uint64_t)in->imm << shift);
        return (in->arg[0] == IR_NONE || add_to(b, in->arg[0], shift, f)) && (in->arg[1] == IR_NONE || add_to(b, in->arg[1], shift + in->aux, f));
    default: return false;
    }
}

/* every PUT to this slot in the loop leaves (slot << shift) % 16 as it is */
static bool keeps_alignment(const struct ir_block *b, unsigned back, int32_t slot, unsigned shift)
{
    for (unsigned j = 0; j < back; j++) {
        const struct ir_insn *in = &b->insn[j];
        struct host_linear f = { .n = 0 };
        if (in->op != IR_PUT || in->imm >= slot + 8 || in->imm + ir_type_size[in->type] <= slot)
            continue;
        if (in->imm != slot || !add_to(b, in->arg[0], 0, &f) || f.n != 1 || f.slot[0] != slot || f.shift[0] || ((uint64_t)f.add << shift) % 16)
            return false;
    }
    return true;
}

bool host_loop_address(const struct ir_block *b, unsigned back, unsigned j, struct host_linear *f)
{
    const struct ir_insn *in = &b->insn[j];
    *f = (struct host_linear){ .n = 0 };
    if (in->op != IR_LOAD || in->type != IR_V128 || !(in->aux & IR_MEM_ALIGNED) || !add_to(b, in->arg[0], 0, f))
        return false;
    for (unsigned k = 0; k < f->n; k++)
        if (!keeps_alignment(b, back, f->slot[k], f->shift[k]))
            return false;
    return f->n || f->add % 16 == 0;
}
