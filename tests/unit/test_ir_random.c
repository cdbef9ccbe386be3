/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ir_random.c: random blocks, made twice: word for word, and by the builder, which forwards and folds. The
 * interpreter must see no difference between the first, the second, and the second after ir_opt and a trip through
 * its text form: state, memory, next address and those flags that the exit's target reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ir/build.h"
#include "ir/helpers.h"
#include "random.h"

enum { N_SLOTS = 8, N_VECTORS = 4, VECTORS = 64, FLAGS = 136, PC = 144, FPCR = 152, STATE = 160, MEMORY = 64 };
static const struct ir_interp_env env = { .pc_offset = PC, .flags_offset = FLAGS, .fpcr_offset = FPCR };
struct machine { uint8_t state[STATE], memory[MEMORY]; } __attribute__((aligned(16)));
static struct machine machine;      /* the blocks know its address */

void ir_divide_error(void *state) { abort(); }
void ir_alignment_fault(void *state) { abort(); }
void ir_fp_fault(void *state, unsigned mxcsr_flags) { abort(); }

static uint64_t *slot(void *state, unsigned k) { return (uint64_t *)((uint8_t *)state + 8 * k); }
static uint16_t *flags(void *state) { return (uint16_t *)((uint8_t *)state + FLAGS); }
static uint64_t plain(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return *slot(s, 1) += a ^ b; }
static uint64_t reads(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return *slot(s, 2) ^= *flags(s) & IR_FLAGS_WORD; }
static uint64_t writes(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { *flags(s) = (uint16_t)(a & IR_FLAGS_WORD); return b; }
static uint64_t pure(void *s, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { return a * 3 + b; }
const struct ir_helper ir_helpers[] = {
    { "plain", plain, 2, 0 }, { "reads", reads, 2, IR_H_READS_FLAGS }, { "writes", writes, 2, IR_H_WRITES_FLAGS }, { "pure", pure, 2, IR_H_PURE },
};
const unsigned ir_n_helpers = 4;

/* One value in both blocks. */
struct pair { ir_ref raw, built; uint8_t type; bool port; uint8_t op; };
static struct ir_block raw, built, parsed;
static struct ir_builder B;
static struct pair values[512];
static unsigned n_values, exit_lane[64], n_exits;

static ir_ref put_raw(struct ir_insn in)
{
    raw.insn[raw.n] = in;
    return (ir_ref)raw.n++;
}

static struct pair add(struct pair p)
{
    values[n_values++] = p;
    return p;
}

/* the same instruction in both blocks */
static struct pair both(enum ir_op op, enum ir_type t, unsigned lane, unsigned aux, const struct pair *a, const struct pair *b, const struct pair *c, int64_t imm)
{
    ir_ref none = IR_NONE;
    struct pair p = { .type = t, .op = op, .port = ir_op_info[op].props & IR_P_FL };
    p.raw = put_raw((struct ir_insn){ .op = op, .type = t, .lane = lane, .aux = aux, .imm = imm,
                                      .arg = { a ? a->raw : none, b ? b->raw : none, c ? c->raw : none, none } });
    p.built = ir_emit(&B, op, t, lane, aux, 0, a ? a->built : none, b ? b->built : none, c ? c->built : none, imm);
    return p;
}

static struct pair constant(enum ir_type t)
{
    struct pair p = { .type = t };
    int64_t v = corner();
    p.built = ir_const(&B, t, v);
    p.raw = put_raw((struct ir_insn){ .op = IR_CONST, .type = t, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = built.insn[p.built].imm });
    return add(p);
}

static struct pair get(enum ir_type t)
{
    unsigned offset = t == IR_V128 ? VECTORS + 16 * rnd(N_VECTORS) : 8 * rnd(N_SLOTS) + (rnd(3) ? 0 : rnd(8 / ir_type_size[t]) * ir_type_size[t]);
    return add(both(IR_GET, t, 0, 0, NULL, NULL, NULL, offset));
}

/* a condition on the latest flags: a port, or the state */
static struct pair condition(void)
{
    unsigned cc = rnd(IR_N_CC);
    struct pair p = { .type = IR_I1, .built = ir_cond(&B, cc) };
    p.raw = put_raw((struct ir_insn){ .op = IR_COND, .type = IR_I1, .aux = cc, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE } });
    return add(p);
}

static struct pair pick(enum ir_type t)
{
    for (int tries = 0; tries < 8 && n_values; tries++) {
        struct pair p = values[n_values - 1 - rnd(n_values < 24 ? n_values : 24)];
        if (p.type == t)
            return p;
    }
    if (t == IR_I1)
        return condition();
    return t != IR_V128 && rnd(3) ? constant(t) : get(t);
}

static enum ir_type int_type(void) { return (enum ir_type)(IR_I8 + rnd(4)); }

static void arithmetic(void)
{
    static const uint8_t ops[] = { IR_ADD, IR_SUB, IR_MUL, IR_AND, IR_OR, IR_XOR, IR_SHL, IR_SHR, IR_SAR, IR_ROL, IR_ROR, IR_NOT, IR_NEG,
                                   IR_CLZ, IR_CTZ, IR_POPCNT, IR_ADDF, IR_SUBF, IR_ANDF, IR_ORF, IR_XORF, IR_NEGF, IR_INCF, IR_ADCF, IR_SBBF,
                                   IR_SHLF, IR_SHRF, IR_SARF, IR_ROLF, IR_RORF, IR_RCLF, IR_RCRF };
    enum ir_op op = ops[rnd(sizeof ops)];
    enum ir_type t = int_type();
    const char *sig = ir_op_info[op].sig + 2;
    struct pair arg[3];
    unsigned n = ir_op_info[op].n_args;
    for (unsigned k = 0; k < n; k++)
        arg[k] = pick(sig[k] == 'T' ? t : sig[k] == '8' ? IR_I8 : IR_I1);
    add(both(op, t, 0, 0, &arg[0], n > 1 ? &arg[1] : NULL, n > 2 ? &arg[2] : NULL, 0));
}

static void resize(void)
{
    enum ir_type from = int_type(), to = int_type();
    struct pair p = pick(from);
    if (from != to)
        add(both(from < to ? (rnd(2) ? IR_ZEXT : IR_SEXT) : IR_TRUNC, to, 0, 0, &p, NULL, NULL, 0));
}

static void choose(void)
{
    enum ir_type t = int_type();
    struct pair a = pick(t), b = pick(t), c = rnd(2) ? pick(IR_I1) : both(IR_CMP, IR_I1, t, rnd(IR_N_CC), &a, &b, NULL, 0);
    add(both(IR_SELECT, t, 0, 0, &c, &a, &b, 0));
}

/* ir_lea may give something else than a LEA: the plain block adds and shifts */
static void lea(void)
{
    enum ir_type t = rnd(3) ? IR_I64 : IR_I32;
    struct pair a = pick(t), b = pick(t), p = { .type = t };
    unsigned with = 1 + rnd(3), shift = with & 2 ? rnd(4) : 0;
    int64_t disp = rnd(2) ? (int64_t)rnd(64) - 32 : corner();
    ir_ref none = IR_NONE;
    p.built = ir_lea(&B, t, with & 1 ? a.built : none, with & 2 ? b.built : none, shift, disp);
    ir_ref d = put_raw((struct ir_insn){ .op = IR_CONST, .type = t, .arg = { none, none, none, none }, .imm = t == IR_I32 ? (int32_t)disp : disp });
    ir_ref sum = put_raw((struct ir_insn){ .op = IR_LEA, .type = t, .aux = shift, .arg = { with & 1 ? a.raw : none, with & 2 ? b.raw : none, none, none } });
    p.raw = put_raw((struct ir_insn){ .op = IR_ADD, .type = t, .arg = { sum, d, none, none } });
    if (t == IR_I64 && rnd(4) == 0) {
        p.type = IR_I32;
        p.raw = put_raw((struct ir_insn){ .op = IR_TRUNC, .type = IR_I32, .arg = { p.raw, none, none, none } });
        p.built = ir_trunc(&B, IR_I32, p.built);
    }
    add(p);
}

static void vector(void)
{
    static const uint8_t ops[] = { IR_VAND, IR_VXOR, IR_VADD, IR_VSUB, IR_VCMPEQ };
    struct pair a = pick(IR_V128), b = pick(IR_V128);
    if (rnd(3))
        add(both(ops[rnd(sizeof ops)], IR_V128, int_type(), 0, &a, &b, NULL, 0));
    else
        add(both(IR_VEXTR, IR_I64, IR_I64, rnd(2), &a, NULL, NULL, 0));
}

static struct pair address(unsigned size)
{
    int64_t at = (int64_t)(intptr_t)machine.memory + rnd(MEMORY + 1 - size);
    struct pair p = { .type = IR_I64, .built = ir_const(&B, IR_I64, at) };
    p.raw = put_raw((struct ir_insn){ .op = IR_CONST, .type = IR_I64, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = at });
    return p;
}

static void memory(void)
{
    enum ir_type t = rnd(5) ? int_type() : IR_V128;
    struct pair v = pick(t), at = address(ir_type_size[t]);
    if (rnd(2))
        add(both(IR_LOAD, t, 0, 0, &at, NULL, NULL, 0));
    else
        both(IR_STORE, t, 0, 0, &at, &v, NULL, 0);
}

static void put(void)
{
    enum ir_type t = rnd(6) ? (rnd(3) ? IR_I64 : int_type()) : IR_V128;
    struct pair v = pick(t);
    unsigned offset = t == IR_V128 ? VECTORS + 16 * rnd(N_VECTORS) : 8 * rnd(N_SLOTS) + (rnd(3) ? 0 : rnd(8 / ir_type_size[t]) * ir_type_size[t]);
    if (t == IR_I64 && rnd(8) == 0)
        offset = VECTORS + 8 * rnd(2 * N_VECTORS);
    both(IR_PUT, t, 0, 0, &v, NULL, NULL, offset);
}

/* the meaningful flags of a port */
static unsigned port_mask(enum ir_op op)
{
    switch (op) {
    case IR_INCF: return IR_F_ALL & ~IR_F_C;
    case IR_ROLF: case IR_RORF: case IR_RCLF: case IR_RCRF: return IR_F_C | IR_F_O;
    default: return IR_F_ALL;
    }
}

static void putf(void)
{
    for (unsigned k = n_values; k-- > 0 && k + 8 > n_values;)
        if (values[k].port) {
            unsigned mask = port_mask(values[k].op) & (rnd(3) ? IR_F_ALL : rnd(64));
            if (mask)
                both(IR_PUTF, IR_VOID, 0, mask, &values[k], NULL, NULL, 0);
            return;
        }
}

static void constant_flags(void)
{
    static const uint8_t ops[] = { IR_ADDF, IR_SUBF, IR_ANDF, IR_ORF, IR_XORF };
    enum ir_type t = int_type();
    struct pair a = constant(t), b = rnd(3) ? constant(t) : a;
    add(both(ops[rnd(5)], t, 0, 0, &a, &b, NULL, 0));
}

static void call(void)
{
    unsigned id = rnd(4);
    struct pair a = pick(IR_I64), b = pick(IR_I64);
    add(both(IR_CALL, IR_I64, 0, 0, &a, &b, NULL, id));
}

static void guest_insn(unsigned k)
{
    static void (*const compute[])(void) = { arithmetic, arithmetic, arithmetic, resize, choose, lea, vector, memory, memory };
    put_raw((struct ir_insn){ .op = IR_INSN, .aux = 1, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = k });
    ir_insn_start(&B, k, 1);
    for (unsigned n = rnd(6); n-- > 0;)
        compute[rnd(9)]();
    if (rnd(6) == 0)
        call();
    for (unsigned n = rnd(4); n-- > 0;)
        put();
    if (rnd(8) == 0)
        constant_flags();
    if (rnd(2))
        putf();
    if (rnd(6) == 0) {
        struct pair c = pick(IR_I1);
        exit_lane[n_exits] = rnd(64);
        both(IR_EXITIF, IR_VOID, exit_lane[n_exits], 0, &c, NULL, NULL, 0x1000 + n_exits);
        n_exits++;
    }
}

static void make_block(void)
{
    raw.n = n_values = n_exits = 0;
    raw.guest_pc = 0;
    ir_build_start(&B, &built, 0);
    for (unsigned k = 0, n = 1 + rnd(12); k < n; k++)
        guest_insn(k);
    exit_lane[n_exits] = rnd(4) ? rnd(64) : IR_F_ALL;
    both(IR_EXIT, IR_VOID, exit_lane[n_exits], 0, NULL, NULL, NULL, 0x1000 + n_exits);
}

static uint64_t run(const struct ir_block *b, const struct machine *start, struct machine *end)
{
    uint64_t next = 0;
    machine = *start;
    assert_int_equal(ir_interp(b, machine.state, &env, &next), -1);
    unsigned lane = exit_lane[next - 0x1000], word = 0;
    static const uint16_t bit[6] = { IR_FLAG_C, IR_FLAG_P, IR_FLAG_A, IR_FLAG_Z, IR_FLAG_S, IR_FLAG_O };
    for (unsigned k = 0; k < 6; k++)
        word |= lane >> k & 1 ? bit[k] : 0;
    *flags(machine.state) &= word;
    *end = machine;
    return next;
}

static void complain(const char *what, uint64_t at)
{
    print_error("%s, seed %llu\n", what, (unsigned long long)at);
    ir_print(stderr, &raw);
    ir_print(stderr, &built);
    fail();
}

static void compare(const char *what, const struct ir_block *b, const struct machine *start, const struct machine *want, uint64_t want_next, uint64_t at)
{
    struct machine got;
    const char *error = ir_verify(b);
    if (error)
        complain(error, at);
    uint64_t next = run(b, start, &got);
    memset(got.state + PC, 0, 8);
    if (next != want_next || memcmp(&got, want, sizeof got))
        complain(what, at);
}

static void through_text(void)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print(f, &built);
    fclose(f);
    const char *error = ir_parse(text, &parsed);
    if (error)
        fail_msg("%s\n%s", error, text);
    assert_int_equal(parsed.n, built.n);
    assert_memory_equal(parsed.insn, built.insn, built.n * sizeof built.insn[0]);
    free(text);
}

static void test_same_meaning(void **state)
{
    for (int round = 0; round < 20000; round++) {
        struct machine start, want;
        uint64_t at = seed;
        make_block();
        for (unsigned k = 0; k < sizeof start; k++)
            ((uint8_t *)&start)[k] = (uint8_t)rnd(256);
        for (unsigned k = 0; k < N_SLOTS; k++)
            if (rnd(2))
                *slot(start.state, k) = (uint64_t)corner();
        *(uint32_t *)(start.state + FPCR) = 0x1f80;
        const char *error = ir_verify(&raw);
        if (error)
            complain(error, at);
        uint64_t next = run(&raw, &start, &want);
        memset(want.state + PC, 0, 8);
        compare("builder", &built, &start, &want, next, at);
        ir_opt(&built, rnd(2));
        compare("optimizer", &built, &start, &want, next, at);
        through_text();
        compare("text form", &parsed, &start, &want, next, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_meaning) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
