/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_regions.c: tier 2 against the interpreter: the random steps of test_host_x86_64.c go through LLVM, straight on and round in loops, and run on the
 * host that this is built for. What the compiler has no words for ends a block, as in the engine. Without the module there is nothing to test.
 */
#define TEST_REGIONS
#define TEST_RUNS
#if defined __powerpc64__
#define TEST_HOST host_ppc64le
#elif defined __aarch64__
#define TEST_HOST host_aarch64
#endif
#include <stdint.h>
#include "test_host_x86_64.c"
#ifdef TEST_HOST
#include <dlfcn.h>
#include "llvm/llvm.h"

#ifdef __x86_64__
enum { SEEDS = 400 };
#else
enum { SEEDS = 60 /* LLVM is slow under an emulator */ };
#endif
enum { START = 0x5a3c71 /* nothing that a block computes by chance */ };
static llvm_compile_fn *compile;
static llvm_known_fn *known;
static bool looping, shared, vectors, one_look;
static unsigned exact;
static unsigned n_steps_known, n_redone;
static uint64_t redone_at, entry;

/* the value of a narrow operation within a register, there and in a second one: a copy has nothing of the first one's upper part */
static void step_narrow_twice(void)
{
    static const uint8_t op[] = { IR_ADDF, IR_SUBF, IR_ANDF, IR_ORF, IR_XORF };
    enum ir_type t = rnd(2) ? IR_I8 : IR_I16;
    unsigned first = reg(), second = reg();
    ir_ref r = ir_op3(&B, op[rnd(5)], t, get(t, first), get(t, reg()), IR_NONE);
    bool swap = rnd(2);
    ir_put(&B, t, GPR(swap ? second : first), r);
    ir_put(&B, t, GPR(swap ? first : second), r);
    ir_putf(&B, IR_F_ALL, r);
}

static void (*const region_steps[])(void) = {
    step_alu, step_alu, step_alu, step_unary, step_shift, step_shift_plain, step_mul, step_div, step_move, step_move, step_exchange, step_lea, step_prefetch, step_cond, step_bits,
    step_plain, step_stack, step_flags, step_exit_if, step_vector, step_vector_op, step_vector_op, step_atomic, step_narrow_twice,
};

/* --- as tier2_region.c: a block ends in front of what is not known --- */

static struct ir_insn exit_insn(uint64_t pc)
{
    return (struct ir_insn){ .op = IR_EXIT, .lane = IR_F_ALL, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = (int64_t)pc };
}

static void cut(const struct llvm_region *r)
{
    unsigned i = known(r, &block);
    if (i >= block.n)
        return;
    block.insn[i] = exit_insn((uint64_t)block.insn[i].imm);
    block.n = i + 1;
}

/* --- as tier2_publish.c --- */

static ir_ref put_insn(struct ir_block *b, struct ir_insn in)
{
    b->insn[b->n] = in;
    return (ir_ref)b->n++;
}

static void exit_block(struct ir_block *b, const struct llvm_exit *x)
{
    struct ir_insn get = { .op = IR_GET, .type = IR_I64, .arg = { IR_NONE, IR_NONE, IR_NONE, IR_NONE }, .imm = OFF(exit_target), .uses = 1 }, in = exit_insn(x->target);
    b->n = 0;
    b->guest_pc = b->guest_end = x->target;
    switch (x->kind) {
    case LLVM_EXIT_FAULT: case LLVM_EXIT_LEAVE:
        in.op = IR_TRAP;
        in.aux = x->kind == LLVM_EXIT_FAULT ? IR_TRAP_REDO : IR_TRAP_SINGLE;
        break;
    case LLVM_EXIT_INDIRECT: case LLVM_EXIT_RETURN:
        in.op = x->kind == LLVM_EXIT_RETURN ? IR_EXITRET : IR_EXITIND;
        in.arg[0] = put_insn(b, get);
        break;
    default: break;
    }
    put_insn(b, in);
}

static bool place(const struct llvm_region *r)
{
    static struct ir_block b;
    static struct host_code c;
    uint8_t *rw = code_rw + stubs_size;
    uint64_t rx = code_rx + stubs_size, at = r->size;
    const char *why;
    memcpy(rw, r->code, r->size);
    for (unsigned k = 0; k < r->n_addresses; k++)
        TEST_HOST.region_address(&env, rw + r->addresses[k].at, r->addresses[k].kind, rx + r->addresses[k].to);
    for (unsigned k = 0; k < r->n_exits; k++) {
        at = (at + 15) & ~15ull;
        c.rw = rw + at;
        c.rx = rx + at;
        c.capacity = 0x10000;
        exit_block(&b, &r->exits[k]);
        if (TEST_HOST.emit(&env, &b, &c, &why))
            return false;
        for (unsigned i = 0; i < r->exits[k].n_places; i++)
            TEST_HOST.region_exit(rw + r->exits[k].places[i], (int64_t)at - r->exits[k].places[i]);
        at += c.size;
    }
    code.rw = rw;
    code.rx = rx;
    code.size = at;
    host_icache_flush(rw, rx, at);
    return true;
}

static bool make_region(void)
{
    struct llvm_block b = { .ir = &block, .one_look = one_look };
    struct llvm_region r = { .blocks = &b, .n_blocks = 1, .n_entries = 1, .slots = slots, .n_slots = sizeof slots / sizeof *slots, .offsets = &offsets,
                             .features = TEST_HOST.region_features ? TEST_HOST.region_features(env.features) : "", .log = getenv("SHOW") ? stderr : NULL, .exact = exact, .shared = shared };
    r.pins = TEST_HOST.pins(&env, &r.n_pins);
    cut(&r);
    ir_opt(&block, exact || TEST_HOST.regions_leave ? IR_RESTARTABLE : IR_EXACT_NONE);
    if (block.n < 3)
        return false;
    bool ok = !compile(&r) && place(&r);
    entry = code_rx + stubs_size + r.entry_at[0];
    if (!ok)
        fprintf(stderr, "seed %lu: refused: %s\n", (long)current_seed, r.why);
    n_steps_known += ok ? r.n_guest_insns : 0;
    free(r.code);
    return ok;
}

/* --- running --- */

/* Interprets the block, again and again while it goes to itself; with *redo, one more time at most, up to the instruction there. */
static int interpret_region(uint64_t *next, const struct guest *native, bool *redo)
{
    int result;
    unsigned rounds = 0;
    do {
        if (*redo && machine->g.gbase == native->gbase) {             /* the round that was not finished: gbase counts them down at its end */
            cut_block_at(redone_at);
            return ir_interp(&block, machine, &interp_env, next);
        }
        result = ir_interp(&block, machine, &interp_env, next);
    } while (result < 0 && *next == block.guest_pc && ++rounds < 100);
    return result;
}

/* The region's code and then the block, from machine->g. do_rounds: interprets as many rounds as the code did; *redo: it left one instruction to do alone, and
 * the interpreter is to stop there; false afterwards: it came by another way. */
static bool compare_with(int do_rounds(uint64_t *next, const struct guest *native, bool *redo))
{
    static struct guest start, after;
    static uint8_t memory_start[MEMORY_SIZE], memory_after[MEMORY_SIZE];
    uint64_t next = block.guest_pc;
    start = machine->g;
    memcpy(memory_start, memory, MEMORY_SIZE);
    int native = run_native_at(entry);
    after = machine->g;
    memcpy(memory_after, memory, MEMORY_SIZE);
    machine->g = start;
    memcpy(memory, memory_start, MEMORY_SIZE);
    bool redo = native == IR_TRAP_REDO;
    redone_at = machine->exit_target;
    n_redone += redo;
    int interpreted = do_rounds(&next, &after, &redo);
    if (redo) {                                          /* what is not read there may be old */
        interpreted = native;
        next = after.pc;
        machine->g.flags = after.flags;
    }
    machine->g.pc = next;
    return same_outcome(&after, memory_after, native, interpreted);
}

static bool compare_region(void)
{
    random_state(&machine->g);
    machine->g.gbase = 1 + rnd(5);
    return compare_with(interpret_region);
}

static void make_steps(unsigned n)
{
    uint64_t pc = START;
    ir_build_start(&B, &block, pc);
    n_pool = 0;
    for (unsigned k = 0; k < n; k++, pc += 3) {
        ir_insn_start(&B, pc, 3);
        (vectors ? step_vector_op : region_steps[rnd(sizeof region_steps / sizeof *region_steps)])();
    }
    ir_insn_start(&B, pc, 3);
    if (looping) {
        ir_ref left = ir_lea(&B, IR_I64, ir_get(&B, IR_I64, OFF(g.gbase)), IR_NONE, 0, -1), zero = imm(IR_I64, 0);
        ir_put(&B, IR_I64, OFF(g.gbase), left);
        ir_emit(&B, IR_EXITIF, IR_VOID, IR_F_ALL, 0, IR_EXIT_POLL, ir_emit(&B, IR_CMP, IR_I1, IR_I64, IR_CC_NE, 0, left, zero, IR_NONE, 0), IR_NONE, IR_NONE, START);
    }
    unsigned how = rnd(3);
    if (how < 2)
        ir_emit(&B, how ? IR_EXITRET : IR_EXITIND, IR_VOID, IR_F_ALL, 0, 0, value(IR_I64), IR_NONE, IR_NONE, 0);
    else
        ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)pc);
}

static bool try_region(uint64_t s)
{
    start_seed(s);
    make_steps(getenv("STEPS") ? (unsigned)atoi(getenv("STEPS")) : 1 + (unsigned)s % 12);
    const char *bad = ir_verify(&block);
    if (bad) {
        fprintf(stderr, "seed %lu: %s\n", (long)s, bad);
        return false;
    }
    if (!make_region()) {
        n_refused++;
        return true;
    }
    struct ir_block whole = block;
    for (unsigned k = 0; k < 8; k++) {
        block = whole;
        if (!compare_region()) {
            fprintf(stderr, "seed %lu%s\n", (long)s, looping ? ", in a loop" : "");
            block = whole;
            dump();
            return false;
        }
    }
    return true;
}

/* REGIONS: how many; FIRST: the first seed */
static void run_regions(unsigned seeds)
{
    if (!compile)
        skip();
    catch_crashes();
    unsigned n = getenv("REGIONS") ? (unsigned)atoi(getenv("REGIONS")) : seeds, first = getenv("FIRST") ? (unsigned)atoi(getenv("FIRST")) : 1;
    n_refused = n_steps_known = n_redone = 0;
    for (unsigned s = first; s < first + n; s++)
        assert_true(try_region(s));
    if (getenv("SHOW") || getenv("COUNT"))
        fprintf(stderr, "%u of %u empty or refused, %u instructions, %u left for the interpreter\n", n_refused, n, n_steps_known, n_redone);
    assert_true(n_refused * 2 < n + vectors * n && n_steps_known > n / (1 + vectors) && n_redone < 2 * n /* of 8 */);
}

static void test_straight(void **unused)
{
    looping = false;
    run_regions(SEEDS);
}

static void test_round(void **unused)
{
    looping = true;
    run_regions(SEEDS);
}

static void test_vectors(void **unused)
{
    vectors = true;
    run_regions(SEEDS);
    vectors = false;
}

/* every access and every operation as one that may fault, and others looking on */
static void test_exact(void **unused)
{
    exact = LLVM_EXACT_MEMORY | LLVM_EXACT_ARITHMETIC;
    run_regions(SEEDS / 2);
    exact = 0;
}

static void test_shared(void **unused)
{
    shared = true;
    run_regions(SEEDS / 2);
    exact = LLVM_EXACT_MEMORY;
    run_regions(SEEDS / 4);
    exact = 0;
    shared = false;
}

#include "test_regions_floats.h"

/* the module lies where the program is that this is a test of */
static int setup_regions(void **unused)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 40);
    path[n > 0 ? n : 0] = 0;
    char *end = strrchr(path, '/');
    snprintf(end ? end : path, 40, "%s", "/../../wherry_llvm.so");
    void *module = setup(unused) ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    compile = module ? (llvm_compile_fn *)(uintptr_t)dlsym(module, "wherry_llvm_compile") : NULL;
    known = module ? (llvm_known_fn *)(uintptr_t)dlsym(module, "wherry_llvm_known") : NULL;
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_straight), cmocka_unit_test(test_round), cmocka_unit_test(test_vectors), cmocka_unit_test(test_exact), cmocka_unit_test(test_shared),
        cmocka_unit_test(test_float_steps), cmocka_unit_test(test_float_chains), cmocka_unit_test(test_float_loops), cmocka_unit_test(test_float_ends) };
    static void (*const others[])(void **) = { test_random_blocks, test_old_processor, test_wide_exchange, test_faults, test_far,   /* blocks of tier 1 */
        test_doubles, test_dot_product, test_chains, test_loops, test_shrinking_loops };
    (void)others;
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, setup_regions, NULL);
}
#else
int main(void) { return 0; }
#endif
