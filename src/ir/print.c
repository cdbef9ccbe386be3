/* SPDX-License-Identifier: GPL-2.0-or-later
 * print.c: IR as text (its form is described in text.h). Any block prints, a malformed one too: what has no name is
 * shown as a number.
 */
#include <inttypes.h>
#include "ir/helpers.h"
#include "ir/text.h"

const char *const ir_trap_name[IR_N_TRAPS] = {
    [IR_TRAP_SYSCALL] = "syscall", [IR_TRAP_BREAKPOINT] = "breakpoint", [IR_TRAP_ILLEGAL] = "illegal",
    [IR_TRAP_PRIVILEGED] = "privileged", [IR_TRAP_SYSCALL32] = "syscall32", [IR_TRAP_OVERFLOW] = "overflow",
    [IR_TRAP_DECODE] = "decode", [IR_TRAP_SINGLE] = "single", [IR_TRAP_DEBUG] = "debug", [IR_TRAP_REDO] = "redo",
};
const char ir_flag_letter[6] = { 'C', 'P', 'A', 'Z', 'S', 'O' };
const char *const ir_mem_kind_name[4] = { "plain", "stack", "atomic", "device" };
const char *const ir_mem_order_name[5] = { "tso", "relaxed", "acq", "rel", "seq" };

struct ir_text_form ir_text_form(enum ir_op op)
{
    enum { NUMBER = IR_TEXT_NUMBER, TYPE = IR_TEXT_TYPE, CC = IR_TEXT_CC, FLAGS = IR_TEXT_FLAGS, MEM = IR_TEXT_MEM,
           OFFSET = IR_TEXT_OFFSET, ADDRESS = IR_TEXT_ADDRESS };
    switch (op) {
    case IR_GET: case IR_PUT:                             return (struct ir_text_form){ NUMBER, TYPE, OFFSET };
    case IR_COND: case IR_CMP:                            return (struct ir_text_form){ CC, TYPE, NUMBER };
    case IR_PUTF:                                         return (struct ir_text_form){ FLAGS, TYPE, NUMBER };
    case IR_LOAD: case IR_STORE: case IR_VLOADL: case IR_VSTOREL:
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: case IR_CAS:
                                                          return (struct ir_text_form){ MEM, TYPE, NUMBER };
    case IR_INSN:                                         return (struct ir_text_form){ IR_TEXT_LENGTH, TYPE, ADDRESS };
    case IR_EXIT: case IR_EXITIF: case IR_EXITCALL:       return (struct ir_text_form){ NUMBER, FLAGS, ADDRESS };
    case IR_EXITIND: case IR_EXITRET: case IR_EXITCALLI:  return (struct ir_text_form){ NUMBER, FLAGS, NUMBER };
    case IR_TRAP:                                         return (struct ir_text_form){ IR_TEXT_TRAP, FLAGS, ADDRESS };
    case IR_CALL:                                         return (struct ir_text_form){ NUMBER, TYPE, IR_TEXT_HELPER };
    default:                                              return (struct ir_text_form){ NUMBER, TYPE, NUMBER };
    }
}

static void print_flags(FILE *f, const char *key, unsigned mask)
{
    fprintf(f, " %s=", key);
    if (mask == 0 || mask > IR_F_ALL) {
        fprintf(f, "%u", mask);
        return;
    }
    for (unsigned bit = 6; bit-- > 0;)
        if (mask >> bit & 1)
            putc(ir_flag_letter[bit], f);
}

static void print_mem(FILE *f, unsigned aux)
{
    unsigned kind = aux & IR_MEM_KIND, order = (aux & IR_MEM_ORDER) >> 3;
    if (kind > 3 || order > 4 || aux > (IR_MEM_KIND | IR_MEM_ORDER | IR_MEM_ALIGNED))
        fprintf(f, " mem=%u", aux);
    else
        fprintf(f, " mem=%s%s%s%s", ir_mem_kind_name[kind], order ? "+" : "", order ? ir_mem_order_name[order] : "",
                aux & IR_MEM_ALIGNED ? "+aligned" : "");
}

static void print_field(FILE *f, const char *key, enum ir_text_style style, unsigned v)
{
    if (style == IR_TEXT_CC && v < IR_N_CC)
        fprintf(f, " cc=%s", ir_cc_name[v]);
    else if (style == IR_TEXT_TRAP && v < IR_N_TRAPS)
        fprintf(f, " trap=%s", ir_trap_name[v]);
    else if (v == 0)
        return;
    else if (style == IR_TEXT_TYPE && v < IR_N_TYPES)
        fprintf(f, " %s=%s", key, ir_type_name[v]);
    else if (style == IR_TEXT_FLAGS)
        print_flags(f, "flags", v);
    else if (style == IR_TEXT_MEM)
        print_mem(f, v);
    else
        fprintf(f, " %s=%u", style == IR_TEXT_LENGTH ? "len" : key, v);
}

static void print_imm(FILE *f, enum ir_text_style style, bool always, int64_t v)
{
    if (style == IR_TEXT_OFFSET && v >= 0)
        fprintf(f, " [0x%" PRIx64 "]", (uint64_t)v);
    else if (style == IR_TEXT_ADDRESS)
        fprintf(f, " 0x%" PRIx64, (uint64_t)v);
    else if (style == IR_TEXT_HELPER && (uint64_t)v < ir_n_helpers)
        fprintf(f, " @%s", ir_helpers[v].name);
    else if (v > -4096 && v < 4096) {
        if (v || always || style != IR_TEXT_NUMBER)
            fprintf(f, " %d", (int)v);
    } else
        fprintf(f, v < 0 ? " -0x%" PRIx64 : " 0x%" PRIx64, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void print_args(FILE *f, const struct ir_insn *in)
{
    unsigned n = 4;
    while (n > 0 && in->arg[n - 1] == IR_NONE)
        n--;
    for (unsigned k = 0; k < n; k++) {
        fputs(k ? ", " : " ", f);
        if (in->arg[k] == IR_NONE)
            putc('_', f);
        else
            fprintf(f, "%%%u", in->arg[k]);
    }
}

void ir_print_insn(FILE *f, const struct ir_block *b, unsigned i)
{
    const struct ir_insn *in = &b->insn[i];
    fprintf(f, "%4u: ", i);
    if (in->op >= IR_N_OPS) {
        fprintf(f, "; no operation %u\n", in->op);
        return;
    }
    struct ir_text_form form = ir_text_form(in->op);
    fputs(ir_op_info[in->op].name, f);
    if (in->type >= IR_N_TYPES)
        fprintf(f, ".%u", in->type);
    else if (in->type != IR_VOID)
        fprintf(f, ".%s", ir_type_name[in->type]);
    print_args(f, in);
    print_imm(f, form.imm, in->op == IR_CONST, in->imm);
    print_field(f, "lane", form.lane, in->lane);
    print_field(f, "aux", form.aux, in->aux);
    print_field(f, "mod", IR_TEXT_NUMBER, in->mod);
    if (in->live)
        print_flags(f, "live", in->live);
    print_field(f, "uses", IR_TEXT_NUMBER, in->uses);
    putc('\n', f);
}

void ir_print(FILE *f, const struct ir_block *b)
{
    fprintf(f, "block 0x%" PRIx64 " end=0x%" PRIx64 " insns=%u", b->guest_pc, b->guest_end, b->n_guest_insns);
    print_flags(f, "flags_in", b->flags_in);
    putc('\n', f);
    for (unsigned i = 0; i < b->n; i++)
        if (!ir_is_removed(&b->insn[i]) || i + 1 == b->n)     /* the parser fills the gaps */
            ir_print_insn(f, b, i);
}
