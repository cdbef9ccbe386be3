/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_regions_floats.h: floating point in regions, for test_regions.c: the chains and loops of test_host_doubles.h and test_host_loops.h, made for hosts
 * that leave out what earlier operations say of an operand, through LLVM; and any operation of test_host_vectors.h from any state. Numbers, NaNs,
 * flags and the instruction that a region leaves to the interpreter must be right in whatever round it does.
 */
#include <sys/time.h>

/* --- the interpreter goes as far as the region did --- */

/* one round, or a part of it up to where the region left it: *there */
static int interpret_round(uint64_t *next, bool redo, const struct guest *native, bool *there)
{
    static struct ir_block whole;
    static struct guest start;
    static uint8_t memory_start[MEMORY_SIZE];
    int result;
    *there = false;
    if (redo) {
        whole = block;
        start = machine->g;
        memcpy(memory_start, memory, MEMORY_SIZE);
        cut_block_at(redone_at);
        result = ir_interp(&block, machine, &interp_env, next);
        *there = result == IR_TRAP_SINGLE && *next == redone_at && !memcmp(machine->g.gpr, native->gpr, sizeof native->gpr);
        block = whole;
        if (*there)
            return result;
        machine->g = start;
        memcpy(memory, memory_start, MEMORY_SIZE);
    }
    return ir_interp(&block, machine, &interp_env, next);
}

static int interpret_rounds(uint64_t *next, const struct guest *native, bool *redo)
{
    bool there = false;
    int result = -1;
    for (unsigned k = 0; k <= MOST_ROUNDS && result < 0 && *next == block.guest_pc && !there; k++, n_rounds++)
        result = interpret_round(next, *redo, native, &there);
    *redo = there;
    return result;
}

static bool compare_floats(void)
{
    random_state(&machine->g);
    return compare_with(interpret_rounds);
}

/* --- what is tried --- */

static void float_state(struct guest *g)
{
    for (unsigned k = 0; k < N_XMM; k++)
        random_vector(g->vec[k][0].b);
    g->fpcr = USUAL | (rnd(4) ? 0 : rnd(64));
}

static void end_chain(void)
{
    next_insn();
    ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)chain_pc - 3);
}

static void begin_chain(void)
{
    ir_build_start(&B, &block, chain_pc = 0x400000);
    n_pool = 0;
}

/* Two products of the same roots, in another order: their difference is of their last bits, exact and denormal. */
static void in_two_orders(void)
{
    chain_packed = false;
    choose_given();
    now = given;
    set_special(SPECIAL_A, -251 + (int)rnd(2), (uint64_t)rnd(4) << 50 & ~(1ull << 50));
    set_special(SPECIAL_B, -250, (uint64_t)rnd(4) << 50);
    for (unsigned d = 0; d < 2; d++) {
        chain_load(d, N_XMM + (d ? SPECIAL_B : SPECIAL_A), true);
        chain_op(IR_VFSQRT, d, d, true);
    }
    chain_load(2, 0, false);
    chain_op(IR_VFMUL, 2, 1, true);
    for (unsigned d = 0; d < 3; d++)
        for (unsigned k = 0; k < 2; k++)
            chain_op(IR_VFMUL, d, d, true);
    chain_op(IR_VFMUL, 0, 1, true);
    chain_op(IR_VFSUB, 2, 0, true);
    chain_use(2);
}

static void make_float_chain(void)
{
    begin_chain();
    fill_state = given_state;
    least = rnd(2) ? 252 : 200;
    rnd(8) ? make_chain() : in_two_orders();
    given.fpcr |= USUAL;
    end_chain();
}

static void make_float_loop(void)
{
    static const uint8_t uses[] = { IR_VFADD, IR_VFSUB, IR_VFMIN };
    fill_state = given_loop;
    one_look = rnd(4);
    if (rnd(6)) {
        make_loop();
    } else {
        make_shrinking(rnd(3), uses[rnd(3)], 50 + 14 * (int)rnd(11), rnd(2));
        loop_gpr[COUNTER] = 1 + rnd(21);
    }
#ifdef __x86_64__
    for (unsigned k = 0; k < block.n; k++)               /* nobody here takes the fault */
        if (block.insn[k].op == IR_LOAD)
            block.insn[k].aux &= (uint8_t)~IR_MEM_ALIGNED;
#endif
}

static void make_float_steps(void)
{
    begin_chain();
    fill_state = float_state;
    for (unsigned k = 1 + rnd(8); k; k--) {
        next_insn();
        rnd(4) ? step_float() : step_vector_op();
    }
    end_chain();
}

static bool try_floats(uint64_t s, void (*make)(void))
{
    start_seed(s);
    one_look = false;
    make();
    const char *bad = ir_verify(&block);
    if (bad)
        fail_msg("seed %lu: %s", (long)s, bad);
    if (!make_region()) {
        n_refused++;
        return true;
    }
    struct ir_block whole = block;
    for (unsigned k = 0; k < (fill_state == float_state ? 8 : 1); k++) {
        block = whole;
        if (!compare_floats()) {
            fprintf(stderr, "seed %lu%s\n", (long)s, one_look ? ", one look" : "");
            block = whole;
            dump();
            return false;
        }
    }
    return true;
}

static void run_floats(void (*make)(void), unsigned seeds)
{
    if (!compile)
        skip();
    catch_crashes();
    unsigned n = getenv("REGIONS") ? (unsigned)atoi(getenv("REGIONS")) : seeds, first = getenv("FIRST") ? (unsigned)atoi(getenv("FIRST")) : 1;
    n_refused = n_steps_known = n_redone = n_rounds = 0;
    for (unsigned s = first; s < first + n; s++)
        assert_true(try_floats(s, make));
    fill_state = NULL;
    one_look = false;
    if (getenv("SHOW") || getenv("COUNT"))
        fprintf(stderr, "%u of %u empty or refused, %u instructions, %u rounds, %u left for the interpreter\n", n_refused, n, n_steps_known, n_rounds, n_redone);
    assert_true(n_refused * 2 < n && n_steps_known > n && n_redone < n_rounds);
}

/* --- loops that wait for what a host's numbers may never be: an integer made of what is out of range, the sign of a NaN --- */

static ir_ref what_it_waits_for(unsigned kind, ir_ref x, enum ir_cc *goes_on)
{
    *goes_on = kind == 0 ? IR_CC_NE : IR_CC_E;
    if (kind == 0)
        return ir_emit(&B, IR_VCVTFG, IR_I32, IR_F64, 0, 1, x, IR_NONE, IR_NONE, 0);
    ir_ref nan = ir_emit(&B, IR_VFSUB, IR_V128, IR_F64, 0, IR_LOW, x, x, IR_NONE, 0);
    if (kind == 1)
        return ir_op2(&B, IR_AND, IR_I32, ir_emit(&B, IR_VMASK, IR_I32, IR_I64, 0, 0, nan, IR_NONE, IR_NONE, 0), imm(IR_I32, 1));
    return ir_emit(&B, IR_VEXTR, IR_I32, IR_I32, 1, 0, nan, IR_NONE, IR_NONE, 0);
}

static void make_waiting(unsigned kind)
{
    enum ir_cc goes_on;
    begin_chain();
    memset(&given, 0, sizeof given);
    given.fpcr = USUAL;
    given.reg[0].q[0] = power(kind ? 1000 : 0);
    next_insn();
    ir_ref x = ir_get(&B, IR_V128, VEC(0));
    x = ir_emit(&B, IR_VFADD, IR_V128, IR_F64, 0, IR_LOW, x, x, IR_NONE, 0);
    ir_put(&B, IR_V128, VEC(0), x);
    next_insn();
    ir_ref n = what_it_waits_for(kind, x, &goes_on);
    put(IR_I64, LEVEL, ir_zext(&B, IR_I64, n));
    put(IR_I64, COUNTER, ir_lea(&B, IR_I64, ir_get(&B, IR_I64, GPR(COUNTER)), IR_NONE, 0, -1));
    next_insn();
    ir_ref c = ir_emit(&B, IR_CMP, IR_I1, IR_I32, goes_on, 0, n, imm(IR_I32, kind ? 0 : INT32_MIN), IR_NONE, 0);
    ir_emit(&B, IR_EXITIF, IR_VOID, IR_F_ALL, 0, IR_EXIT_POLL, c, IR_NONE, IR_NONE, LOOP_PC);
    end_chain();
}

static void test_float_ends(void **unused)
{
    enum { SECONDS = 60 /* of the processor's time */ };
    const struct itimerval limit = { .it_value = { .tv_sec = SECONDS } }, none = { 0 };
    if (!compile)
        skip();
    catch_crashes();
    fill_state = given_state;
    one_look = true;
    setitimer(ITIMER_VIRTUAL, &limit, NULL);
    for (unsigned kind = 0; kind < 3; kind++) {
        make_waiting(kind);
        assert_null(ir_verify(&block));
        assert_true(make_region());
        assert_true(compare_floats());
    }
    setitimer(ITIMER_VIRTUAL, &none, NULL);
    fill_state = NULL;
    one_look = false;
}

static void test_float_steps(void **unused) { run_floats(make_float_steps, SEEDS); }
static void test_float_chains(void **unused) { run_floats(make_float_chain, 2 * SEEDS); }
static void test_float_loops(void **unused) { run_floats(make_float_loop, 2 * SEEDS); }
