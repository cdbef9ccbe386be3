/* SPDX-License-Identifier: GPL-2.0-or-later
 * parse.c: IR from its text form (text.h), so that every pass can be tested alone and a printed block can be tried
 * again. It checks the form of the text only; whether the block is well formed is the verifier's question.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "ir/helpers.h"
#include "ir/text.h"

struct parser {
    const char *at, *end;        /* the rest of the line */
    unsigned line;
    struct ir_block *b;
    const char *error;           /* what is wrong, NULL so far */
};
struct word { const char *s; size_t n; };

static bool is_word(struct word w, const char *s) { return w.n == strlen(s) && memcmp(w.s, s, w.n) == 0; }

static void fail(struct parser *p, const char *what)
{
    if (!p->error)
        p->error = what;
}

static bool eat(struct parser *p, char c)
{
    while (p->at < p->end && isblank((unsigned char)*p->at))
        p->at++;
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static bool at_end(struct parser *p)
{
    while (p->at < p->end && isspace((unsigned char)*p->at))
        p->at++;
    return p->at == p->end || *p->at == ';';
}

/* letters, digits, _ and + (which joins memory attributes) */
static struct word next_word(struct parser *p)
{
    struct word w = { p->at, 0 };
    while (p->at < p->end && (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '+'))
        p->at++;
    w.n = (size_t)(p->at - w.s);
    return w;
}

/* C notation, decimal or 0x; up to 64 bits, with an optional minus */
static bool number_of(struct word w, uint64_t *v)
{
    char text[32], *stop;
    if (w.n == 0 || w.n >= sizeof text || !isdigit((unsigned char)w.s[0]))
        return false;
    memcpy(text, w.s, w.n);
    text[w.n] = 0;
    *v = strtoull(text, &stop, text[0] == '0' && text[1] == 'x' ? 16 : 10);
    return *stop == 0;
}

static uint64_t parse_number(struct parser *p)
{
    bool minus = eat(p, '-');
    uint64_t v = 0;
    if (!number_of(next_word(p), &v))
        fail(p, "a number is expected");
    return minus ? 0 - v : v;
}

static int index_of(struct word w, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (is_word(w, names[i]))
            return i;
    return -1;
}

/* --- values of fields --- */

static int flags_of(struct word w)
{
    int mask = 0;
    for (size_t i = 0; i < w.n; i++) {
        const char *at = memchr(ir_flag_letter, w.s[i], sizeof ir_flag_letter);
        if (!at)
            return -1;
        mask |= 1 << (at - ir_flag_letter);
    }
    return w.n ? mask : -1;
}

static int mem_of(struct word w)
{
    int aux = 0, k;
    while (w.n) {
        const char *plus = memchr(w.s, '+', w.n);
        struct word part = { w.s, plus ? (size_t)(plus - w.s) : w.n };
        if ((k = index_of(part, ir_mem_kind_name, 4)) >= 0)
            aux |= k;
        else if ((k = index_of(part, ir_mem_order_name, 5)) >= 0)
            aux |= k << 3;
        else if (is_word(part, "aligned"))
            aux |= IR_MEM_ALIGNED;
        else
            return -1;
        w.s += part.n + (plus != NULL);
        w.n -= part.n + (plus != NULL);
    }
    return aux;
}

static int value_of(struct word w, enum ir_text_style style)
{
    uint64_t v;
    if (number_of(w, &v))
        return v <= UINT16_MAX ? (int)v : -1;
    switch (style) {
    case IR_TEXT_TYPE:  return index_of(w, ir_type_name, IR_N_TYPES);
    case IR_TEXT_CC:    return index_of(w, ir_cc_name, IR_N_CC);
    case IR_TEXT_TRAP:  return index_of(w, ir_trap_name, IR_N_TRAPS);
    case IR_TEXT_FLAGS: return flags_of(w);
    case IR_TEXT_MEM:   return mem_of(w);
    default:            return -1;
    }
}

static void parse_field(struct parser *p, struct ir_insn *in, struct word key)
{
    static const char *const aux_keys[] = { "aux", "cc", "mem", "trap", "len" };
    struct ir_text_form form = ir_text_form(in->op);
    struct word text = next_word(p);
    int v, max = UINT8_MAX;
    if (index_of(key, aux_keys, 5) >= 0 || (is_word(key, "flags") && form.aux == IR_TEXT_FLAGS))
        in->aux = (uint8_t)(v = value_of(text, form.aux));
    else if (is_word(key, "lane") || is_word(key, "flags"))
        in->lane = (uint8_t)(v = value_of(text, form.lane));
    else if (is_word(key, "mod"))
        in->mod = (uint8_t)(v = value_of(text, IR_TEXT_NUMBER));
    else if (is_word(key, "live"))
        in->live = (uint8_t)(v = value_of(text, IR_TEXT_FLAGS));
    else if (is_word(key, "uses")) {
        in->uses = (uint16_t)(v = value_of(text, IR_TEXT_NUMBER));
        max = UINT16_MAX;
    } else {
        fail(p, "unknown field");
        return;
    }
    if (v < 0 || v > max)
        fail(p, "bad value of a field");
}

/* --- lines --- */

static void parse_helper(struct parser *p, struct ir_insn *in)
{
    struct word name = next_word(p);
    for (unsigned i = 0; i < ir_n_helpers; i++)
        if (is_word(name, ir_helpers[i].name)) {
            in->imm = i;
            return;
        }
    fail(p, "unknown helper");
}

static ir_ref parse_operand(struct parser *p)
{
    uint64_t v = parse_number(p);
    if (v >= IR_MAX_INSNS)
        fail(p, "bad operand");
    return (ir_ref)v;
}

/* one operand, immediate or field */
static void parse_part(struct parser *p, struct ir_insn *in, unsigned *n_args)
{
    bool operand = eat(p, '%');
    if (operand || (p->end - p->at >= 1 && *p->at == '_')) {
        if (*n_args == 4)
            fail(p, "too many operands");
        else if (operand)
            in->arg[(*n_args)++] = parse_operand(p);
        else {
            p->at++;
            in->arg[(*n_args)++] = IR_NONE;
        }
        eat(p, ',');
    } else if (eat(p, '[')) {
        in->imm = (int64_t)parse_number(p);
        if (!eat(p, ']'))
            fail(p, "] is expected");
    } else if (eat(p, '@'))
        parse_helper(p, in);
    else if (*p->at == '-' || isdigit((unsigned char)*p->at))
        in->imm = (int64_t)parse_number(p);
    else {
        struct word key = next_word(p);
        if (key.n == 0 || !eat(p, '='))
            fail(p, "an operand, a number or key=value is expected");
        else
            parse_field(p, in, key);
    }
}

static void parse_name(struct parser *p, struct ir_insn *in)
{
    struct word name = next_word(p);
    unsigned op = 0;
    while (op < IR_N_OPS && !is_word(name, ir_op_info[op].name))
        op++;
    if (op == IR_N_OPS)
        fail(p, "unknown operation");
    in->op = (uint8_t)op;
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        int type = value_of(next_word(p), IR_TEXT_TYPE);
        if (type < 0 || type > UINT8_MAX)
            fail(p, "unknown type");
        in->type = (uint8_t)type;
    }
}

static void parse_index(struct parser *p)
{
    const char *start = p->at;
    uint64_t index;
    struct ir_block *b = p->b;
    if (!number_of(next_word(p), &index) || !eat(p, ':')) {
        p->at = start;
        return;
    }
    if (index < b->n || index >= IR_MAX_INSNS) {
        fail(p, "index out of order");
        return;
    }
    while (b->n < index)
        b->insn[b->n++] = (struct ir_insn){ .op = IR_CONST, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } };
}

static void parse_insn(struct parser *p)
{
    struct ir_insn in = { .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } };
    unsigned n_args = 0;
    parse_index(p);
    if (!p->error) {
        at_end(p);               /* skips blanks */
        parse_name(p, &in);
    }
    while (!p->error && !at_end(p))
        parse_part(p, &in, &n_args);
    if (p->error)
        return;
    if (p->b->n == IR_MAX_INSNS)
        fail(p, "too many instructions");
    else
        p->b->insn[p->b->n++] = in;
}

static void parse_header(struct parser *p)
{
    struct ir_block *b = p->b;
    at_end(p);
    b->guest_pc = parse_number(p);
    while (!p->error && !at_end(p)) {
        struct word key = next_word(p);
        if (!eat(p, '='))
            fail(p, "key=value is expected");
        else if (is_word(key, "end"))
            b->guest_end = parse_number(p);
        else if (is_word(key, "insns"))
            b->n_guest_insns = (unsigned)parse_number(p);
        else if (is_word(key, "flags_in")) {
            int flags = value_of(next_word(p), IR_TEXT_FLAGS);
            if (flags < 0)
                fail(p, "bad flags");
            b->flags_in = (unsigned)flags;
        } else
            fail(p, "unknown key");
    }
}

const char *ir_parse(const char *text, struct ir_block *b)
{
    static _Thread_local char message[96];
    struct parser p = { .b = b };
    b->n = b->n_guest_insns = b->flags_in = 0;
    b->guest_pc = b->guest_end = 0;
    while (*text && !p.error) {
        p.at = text;
        p.end = text + strcspn(text, "\n");
        text = p.end + (*p.end != 0);
        p.line++;
        if (at_end(&p))
            continue;
        const char *start = p.at;
        if (is_word(next_word(&p), "block"))
            parse_header(&p);
        else {
            p.at = start;
            parse_insn(&p);
        }
    }
    if (!p.error)
        return NULL;
    snprintf(message, sizeof message, "line %u: %s", p.line, p.error);
    return message;
}
