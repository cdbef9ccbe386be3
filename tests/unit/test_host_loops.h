/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_loops.h: blocks that jump back to their own beginning and compute on doubles, for test_host_x86_64.c with env.runs. A host may go
 * round in them without leaving, with tests done before the first round or put off to the last; whatever round it leaves them in, or undoes
 * them, the state must be the interpreter's there. What is special comes in some round, by a pointer that walks over memory or by
 * values that shrink and grow. Where one round is the first with a denormal operand, and the host's processor has nothing to tell of it, the loop
 * ends with that round.
 */
enum { LOOP_PC = 0x400000, COUNTER = 1, WALKER = 6, INDEX = 7, LEVEL = 3, MOST_ROUNDS = 40, EXACT = 3 /* powers of two */ };
static unsigned loop_regs, loop_kind;
static uint64_t loop_data[MEMORY_SIZE / 8];
static uint64_t loop_gpr[16];

static void given_loop(struct guest *g)
{
    given_state(g);
    memcpy(memory, loop_data, sizeof loop_data);
    memcpy(g->gpr, loop_gpr, sizeof loop_gpr);
}

/* mostly what multiplies and adds up without anything special; exact powers of two, whose products are denormal without being inexact */
static uint64_t loop_double(unsigned kind)
{
    uint64_t sign = rnd(3) ? 0 : 1ull << 63;
    if (kind == EXACT && rnd(12) == 0)
        return sign | power((int)rnd(1023));
    if (kind == EXACT)
        return (rnd(8) ? 0 : sign) | power(-(int)rnd(rnd(2) ? 40 : rnd(2) ? 150 : 270));
    switch (rnd(kind == 0 ? 40 : 8)) {
    case 0: return 0;
    case 1: return sign | power(-(int)rnd(260));
    case 2: return sign | power(rnd(2) ? -(int)rnd(1000) : (int)rnd(1000)) | (rnd(2) ? rnd(1 << 20) : 0);
    case 3: return kind == 2 ? edge_double() : sign | power(-30);
    case 4: return kind == 2 ? some_double() : sign | power(0);
    default: return sign | power((int)rnd(6) - 3) | (rnd(3) ? (uint64_t)rnd(1 << 26) << 26 | rnd(1 << 26) : 0);
    }
}

static void choose_loop(bool chain)
{
    unsigned kind = loop_kind;
    given.fpcr |= USUAL;                                                 /* nothing is unmasked: here nobody would take the signal */
    for (unsigned k = 0; k < N_XMM && !chain; k++)
        for (unsigned j = 0; j < 2; j++)
            given.reg[k].q[j] = loop_double(kind == 2 && rnd(4) ? 1 : kind);
    for (unsigned k = 0; k < MEMORY_SIZE / 8; k++)
        loop_data[k] = loop_double(kind == EXACT ? kind : 0);
    for (unsigned k = rnd(3) || chain || kind == EXACT ? 0 : 1 + rnd(4); k; k--)                   /* in some round */
        loop_data[128 + rnd(48)] = rnd(4) ? edge_double() : some_double();
    for (unsigned k = 0; k < 16; k++)
        loop_gpr[k] = (uint64_t)corner();
    loop_gpr[COUNTER] = 1 + rnd(rnd(4) ? 12 : MOST_ROUNDS - 4);
    loop_gpr[WALKER] = (uint64_t)(uintptr_t)memory + 1024 + (rnd(8) ? 0 : 8);
    loop_gpr[INDEX] = 2 * rnd(8) + (rnd(8) == 0);
    if (rnd(4) == 0) {                                                   /* aligned together, not each */
        loop_gpr[WALKER] |= 8;
        loop_gpr[INDEX] |= 1;
    }
    if (chain)
        memcpy(loop_data, given.cell, sizeof given.cell);
    for (unsigned k = chain || kind == EXACT ? 0 : rnd(3); k; k--)                        /* from the beginning */
        given.reg[rnd(6)].q[rnd(2)] = edge_double();
    if (faulty && rnd(2))
        loop_gpr[WALKER] = (uint64_t)(uintptr_t)memory + MEMORY_SIZE - 16 * rnd(12) - 32;
}

static unsigned loop_reg(void) { return rnd(loop_regs); }

static ir_ref loop_address(void)
{
    ir_ref at = ir_get(&B, IR_I64, GPR(WALKER));
    switch (rnd(4)) {
    case 0: return imm(IR_I64, (int64_t)(uintptr_t)memory + 8 * rnd(32));
    case 1: return ir_lea(&B, IR_I64, at, ir_get(&B, IR_I64, GPR(INDEX)), 3, 8 * (int)rnd(4));
    default: return ir_lea(&B, IR_I64, at, IR_NONE, 0, 16 * (int)rnd(4) - (rnd(8) ? 0 : 8));
    }
}
static ir_ref loop_operand(bool low)
{
    if (rnd(3))
        return ir_get(&B, IR_V128, VEC(loop_reg()));
    if (low || rnd(3) == 0)
        return ir_emit(&B, IR_VLOADL, IR_V128, IR_F64, 0, 0, loop_address(), IR_NONE, IR_NONE, 0);
    return ir_load(&B, IR_V128, loop_address(), rnd(2) ? IR_MEM_ALIGNED : 0);
}

static void loop_op(void)
{
    static const uint8_t ops[] = { IR_VFADD, IR_VFADD, IR_VFSUB, IR_VFMUL, IR_VFMUL, IR_VFDIV, IR_VFMIN, IR_VFMAX, IR_VFSQRT };
    unsigned op = loop_kind == EXACT && rnd(2) ? IR_VFMUL : ops[rnd(sizeof ops)], d = loop_reg();
    bool low = op == IR_VFSQRT || rnd(3);
    ir_ref x = ir_get(&B, IR_V128, VEC(d)), y = rnd(4) == 0 ? x : loop_operand(low);
    ir_put(&B, IR_V128, VEC(rnd(4) ? d : loop_reg()), ir_emit(&B, op, IR_V128, IR_F64, 0, low ? IR_LOW : 0, x, y, IR_NONE, 0));
}

static void loop_other(void)
{
    unsigned d = loop_reg();
    ir_ref x = ir_get(&B, IR_V128, VEC(d)), y;
    switch (rnd(13)) {
    case 0: ir_put(&B, IR_V128, VEC(d), ir_get(&B, IR_V128, VEC(loop_reg()))); break;
    case 1: ir_put(&B, IR_V128, VEC(d), loop_operand(rnd(2))); break;
    case 2: y = loop_operand(true); ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VZIPL, IR_V128, IR_I64, 0, 0, y, rnd(2) ? y : x, IR_NONE, 0)); break;
    case 3: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VMERGE, IR_V128, IR_F64, 0, 0, x, loop_operand(true), IR_NONE, 0)); break;
    case 4: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0)); break;
    case 5: case 6:
        y = ir_get(&B, IR_I64, GPR(COUNTER));
        x = rnd(2) ? x : ir_emit(&B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0);
        ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VCVTGF, IR_V128, IR_F64, 0, 0, x, rnd(4) ? ir_trunc(&B, IR_I32, y) : y, IR_NONE, 0));
        break;
    case 11:
        y = ir_emit(&B, IR_FCMPF, IR_V128, IR_F64, 0, IR_LOW | (rnd(2) ? IR_SIGNAL : 0), x, loop_operand(true), IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, y);
        put(IR_I64, LEVEL, ir_zext(&B, IR_I64, ir_cond(&B, rnd(IR_N_CC))));
        break;
    case 7: put(IR_I64, LEVEL, ir_zext(&B, IR_I64, ir_emit(&B, IR_VCVTFG, IR_I32, IR_F64, 0, 1, loop_operand(true), IR_NONE, IR_NONE, 0))); break;
    case 8: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VFCMP, IR_V128, IR_F64, rnd(8), rnd(2) ? IR_LOW : 0, x, loop_operand(rnd(2)), IR_NONE, 0)); break;
    case 9: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, rnd(2) ? IR_VXOR : IR_VAND, IR_V128, 0, 0, 0, x, ir_get(&B, IR_V128, VEC(loop_reg())), IR_NONE, 0)); break;
    case 10: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VCVTFF, IR_V128, rnd(2) ? IR_F32 : IR_F64, 0, IR_LOW, x, loop_operand(true), IR_NONE, 0)); break;
    default: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VFMUL + rnd(2), IR_V128, IR_F32, 0, rnd(2) ? IR_LOW : 0, x, loop_operand(false), IR_NONE, 0));
    }
}

static void walk(void)
{
    switch (rnd(7)) {
    case 1:                                                              /* not for long */
        loop_gpr[COUNTER] = 1 + rnd(4);
        loop_gpr[INDEX] = 1 + rnd(3);
        put(IR_I64, INDEX, ir_lea(&B, IR_I64, IR_NONE, ir_get(&B, IR_I64, GPR(INDEX)), 1, 0));
        break;
    case 2: put(IR_I64, INDEX, ir_op2(&B, IR_ADDF, IR_I64, ir_get(&B, IR_I64, GPR(INDEX)), imm(IR_I64, rnd(3) ? 2 : 1))); break;
    case 0: put(IR_I64, WALKER, ir_lea(&B, IR_I64, ir_get(&B, IR_I64, GPR(WALKER)), IR_NONE, 0, rnd(2) ? 8 : -16)); break;
    default: put(IR_I64, WALKER, ir_op2(&B, IR_ADDF, IR_I64, imm(IR_I64, 16), ir_get(&B, IR_I64, GPR(WALKER))));
    }
}

/* the last guest instructions: a counter, or a compare of doubles that a counter makes come out */
static void go_back(void)
{
    ir_ref count = ir_op2(&B, IR_SUBF, IR_I64, ir_get(&B, IR_I64, GPR(COUNTER)), imm(IR_I64, 1)), c;
    put(IR_I64, COUNTER, count);
    next_insn();
    switch (rnd(5)) {
    case 0:
        c = ir_emit(&B, IR_VCVTGF, IR_V128, IR_F64, 0, 0, ir_emit(&B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0), ir_trunc(&B, IR_I32, count), IR_NONE, 0);
        c = ir_emit(&B, IR_FCMPF, IR_V128, IR_F64, 0, IR_LOW | (rnd(2) ? IR_SIGNAL : 0), c, ir_emit(&B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0), IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, c);
        c = ir_cond(&B, IR_CC_A);
        break;
    case 1: c = ir_emit(&B, IR_CMP, IR_I1, IR_I64, IR_CC_NE, 0, count, imm(IR_I64, 0), IR_NONE, 0); break;
    case 2:
        ir_putf(&B, IR_F_ALL, count);
        c = ir_cond(&B, rnd(2) ? IR_CC_NE : IR_CC_G);
        put(IR_I64, LEVEL, ir_zext(&B, IR_I64, c));
        break;
    default:
        ir_putf(&B, IR_F_ALL, count);
        c = ir_cond(&B, rnd(2) ? IR_CC_NE : IR_CC_G);
    }
    ir_emit(&B, IR_EXITIF, IR_VOID, rnd(8) ? 0 : IR_F_ALL, 0, IR_EXIT_POLL, c, IR_NONE, IR_NONE, LOOP_PC);
}

static void make_loop(void)
{
    ir_build_start(&B, &block, chain_pc = LOOP_PC);
    n_pool = 0;
    loop_regs = 1 + rnd(6);
    bool walked = false, chain = rnd(3) == 0;                             /* a chain's first round is where bounds end; others are what becomes of it */
    loop_kind = rnd(4);
    if (chain) {
        least = rnd(2) ? 252 : 200;
        make_chain();
    } else
        choose_given();
    choose_loop(chain);
    for (unsigned k = 0, n = chain ? rnd(3) : 1 + rnd(rnd(3) ? 6 : 16); k < n; k++) {
        next_insn();
        unsigned what = rnd(16);
        what < 10 || (what >= 14 && walked) ? loop_op() : what < 14 ? loop_other() : walk();
        walked |= what >= 14;                                            /* once a round: not out of memory */
    }
    next_insn();
    go_back();
    for (unsigned k = rnd(3) ? 0 : rnd(4); k; k--)
        if (rnd(3))
            rnd(2) ? chain_store(loop_reg(), SOME) : chain_load(loop_reg(), rnd(2) ? loop_reg() : N_XMM + rnd(N_CELLS), rnd(2));
        else
            next_insn(), loop_op();
    next_insn();
    ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)chain_pc - 3);
}

/* A block in front of the loop, linked with it, whose last register is inexact or out of range: what it leaves in the host's flags is not the loop's. */
enum { FIRST_PC = 0x300000, FIRST_CODE = 0x40000 };
static struct ir_block first_block;
static bool has_first;
static void make_first(void)
{
    static struct ir_block loop;
    static struct host_code loop_code;
    const char *why = "";
    loop = block;
    loop_code = code;
    ir_build_start(&B, &block, FIRST_PC);
    ir_insn_start(&B, FIRST_PC, 3);
    ir_ref last = ir_get(&B, IR_V128, VEC(N_XMM - 1)), third = imm(IR_I64, (int64_t)(uintptr_t)memory + 16 * THREE);
    third = ir_emit(&B, IR_VLOADL, IR_V128, IR_F64, 0, 0, third, IR_NONE, IR_NONE, 0);
    if (rnd(2)) {
        ir_ref one = ir_emit(&B, IR_VCVTGF, IR_V128, IR_F64, 0, 0, last, imm(IR_I32, 1), IR_NONE, 0);
        ir_put(&B, IR_V128, VEC(N_XMM - 1), ir_emit(&B, IR_VFDIV, IR_V128, IR_F64, 0, IR_LOW, one, third, IR_NONE, 0));
    } else
        put(IR_I64, LEVEL, ir_zext(&B, IR_I64, ir_emit(&B, IR_VCVTFG, IR_I32, IR_F64, 0, 1, last, IR_NONE, IR_NONE, 0)));
    ir_insn_start(&B, FIRST_PC + 3, 3);
    ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, LOOP_PC);
    assert_null(ir_verify(&block));
    ir_opt(&block, faulty);
    memset(&code, 0, offsetof(struct host_code, exits));
    code.rw = code_rw + FIRST_CODE;
    code.rx = code_rx + FIRST_CODE;
    code.capacity = FIRST_CODE;
    assert_int_equal(TEST_HOST.emit(&env, &block, &code, &why), 0);
    TEST_HOST.link(code.rw + code.exits[0].patch, code.rx + code.exits[0].patch, code_rx + stubs_size);
    host_icache_flush(code.rw, code.rx, code.size);
    first_block = block;
    block = loop;
    code = loop_code;
}

static unsigned n_rounds, n_undone, n_left_by_poll;

/* The interpreter goes as far as the native run says it went. */
static bool compare_loop(void)
{
    static struct guest start, after;
    static uint8_t memory_start[MEMORY_SIZE], memory_after[MEMORY_SIZE];
    uint64_t next = LOOP_PC, first_next;
    random_state(&start);
    memcpy(memory_start, memory, MEMORY_SIZE);
    machine->g = start;
    fault_map = NULL;
    int native = run_native_at(has_first ? code_rx + FIRST_CODE : code_rx + stubs_size), interpreted = -1;
    after = machine->g;
    memcpy(memory_after, memory, MEMORY_SIZE);
    machine->g = start;
    memcpy(memory, memory_start, MEMORY_SIZE);
    if (has_first && after.pc >= FIRST_PC && after.pc < FIRST_PC + 6)         /* left before its end */
        return true;
    if (has_first)
        ir_interp(&first_block, machine, &interp_env, &first_next);
    bool fault = native == IR_N_TRAPS, poll = fault && fault_map->flags & HOST_MAP_POLL, split = native == HOST_R_RUN - HOST_R_TRAP;
    bool undone = split || (fault && fault_map->flags & (HOST_MAP_LOOP | HOST_MAP_RUN));
    n_undone += undone;
    n_left_by_poll += poll;
    if (undone || (poll && after.pc != LOOP_PC))         /* a poll inside: in the first round */
        cut_block_at(after.pc);
    if (!undone || after.pc != LOOP_PC)
        for (unsigned k = 0; next == LOOP_PC && k <= MOST_ROUNDS && (k == 0 || after.pc != LOOP_PC); k++, n_rounds++)
            interpreted = interpret(&next);
    if (undone) {
        next = after.pc;
        interpreted = native;
    }
    if (poll)
        interpreted = native;
    if (undone || poll || after.pc == LOOP_PC)          /* flags that nobody reads may be old */
        machine->g.flags = after.flags;
    machine->g.pc = next;
    return same_outcome(&after, memory_after, native, interpreted);
}

/* how many rounds to go */
static void choose_rounds(void)
{
    enum { INVALID_ZERO_TINY = 1 | 4 | 16, DENORMAL = 2 };
    uint64_t next = LOOP_PC, rounds = loop_gpr[COUNTER], most = rounds < 12 ? rounds : 12;
    if (faulty || most < 5)
        return;
    random_state(&machine->g);
    machine->g.fpcr = USUAL;
    for (uint64_t k = 0; k < most && next == LOOP_PC && (machine->g.fpcr & 63 & ~0x28) == 0; k++) {
        interpret(&next);
        if (machine->g.fpcr & INVALID_ZERO_TINY)
            loop_gpr[COUNTER] = k ? k : 1;
        else if (machine->g.fpcr & DENORMAL)
            loop_gpr[COUNTER] = k + 1;
    }
}

static void run_loops(unsigned first, unsigned n)
{
    for (unsigned s = first; s < first + n; s++) {
        const char *why = "";
        start_seed(s);
        make_loop();
        if (ir_verify(&block))
            fprintf(stderr, "seed %u: %s\n", s, ir_verify(&block));
        assert_null(ir_verify(&block));
        ir_opt(&block, faulty);
        env.exact_flags = faulty;
        env.features = rnd(8) ? TEST_HOST.probe() : 0;
        if (emit(&why))
            fail_msg("seed %u refused: %s", s, why);
        choose_rounds();
        has_first = rnd(2) && (given.fpcr & 0xffc0) == USUAL;
        if (has_first)
            make_first();
        bool same = compare_loop();
        if (!same) {
            fprintf(stderr, "seed %u%s\n", s, faulty ? " (with faults)" : "");
            dump();
        }
        assert_true(same);
    }
}

static void test_loops(void **unused)
{
    unsigned n = getenv("N") ? (unsigned)atoi(getenv("N")) : 6000, first = getenv("FIRST") ? (unsigned)atoi(getenv("FIRST")) : 1;
    catch_crashes();
    env.runs = true;
    fill_state = given_loop;
    n_rounds = n_undone = 0;
    run_loops(first, n);
    if (getenv("SHOW"))
        fprintf(stderr, "%u blocks, %u undone, %u rounds\n", n, n_undone, n_rounds);
    assert_true(n_undone * 20 > n && n_undone * 4 < 3 * n && n_rounds > n);
    faulty = true;
    run_loops(first, n / 4);
    mprotect((uint8_t *)machine + POLL, 4096, PROT_NONE);
    n_left_by_poll = 0;
    run_loops(first, n / 4);
    mprotect((uint8_t *)machine + POLL, 4096, PROT_READ | PROT_WRITE);
    assert_true(n_left_by_poll > n / 16);
    faulty = false;
    env.exact_flags = env.runs = false;
    env.features = TEST_HOST.probe();
    least = 200;
    fill_state = NULL;
}

/* Powers of two that shrink from round to round, or at once, until they are denormal without having been inexact, and their use. */
static void make_shrinking(unsigned kind, unsigned use, int e, bool low)
{
    enum { VALUE, BY, SUM, QUOTIENT_AT };
    unsigned mod = low ? IR_LOW : 0, to = kind == 2 ? QUOTIENT_AT : VALUE;
    ir_build_start(&B, &block, chain_pc = LOOP_PC);
    n_pool = 0;
    memset(&given, 0, sizeof given);
    memset(loop_data, 0, sizeof loop_data);
    given.fpcr = USUAL;
    for (unsigned k = 0; k < 2; k++) {
        given.reg[VALUE].q[k] = power(-30);
        given.reg[BY].q[k] = power(kind == 0 ? -e : kind == 1 ? e : 1023 - e / 4);
        given.reg[SUM].q[k] = power(0);
    }
    next_insn();
    ir_ref x = ir_get(&B, IR_V128, VEC(VALUE));
    ir_put(&B, IR_V128, VEC(to), ir_emit(&B, kind ? IR_VFDIV : IR_VFMUL, IR_V128, IR_F64, 0, mod, x, ir_get(&B, IR_V128, VEC(BY)), IR_NONE, 0));
    next_insn();
    ir_put(&B, IR_V128, VEC(SUM), ir_emit(&B, use, IR_V128, IR_F64, 0, mod, ir_get(&B, IR_V128, VEC(SUM)), ir_get(&B, IR_V128, VEC(to)), IR_NONE, 0));
    next_insn();
    ir_ref count = ir_op2(&B, IR_SUBF, IR_I64, ir_get(&B, IR_I64, GPR(COUNTER)), imm(IR_I64, 1));
    put(IR_I64, COUNTER, count);
    ir_putf(&B, IR_F_ALL, count);
    ir_emit(&B, IR_EXITIF, IR_VOID, 0, 0, IR_EXIT_POLL, ir_cond(&B, IR_CC_NE), IR_NONE, IR_NONE, LOOP_PC);
    next_insn();
    ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)chain_pc - 3);
    ir_opt(&block, false);
}

static void test_shrinking_loops(void **unused)
{
    static const uint8_t uses[] = { IR_VFADD, IR_VFSUB, IR_VFMIN };
    const char *why = "";
    catch_crashes();
    env.runs = true;
    has_first = false;
    fill_state = given_loop;
    for (unsigned kind = 0; kind < 3; kind++)
        for (unsigned k = 0; k < 6; k++)
            for (int e = 50; e < 200; e += 14) {
                make_shrinking(kind, uses[k / 2], e, k & 1);
                assert_int_equal(emit(&why), 0);
                for (unsigned rounds = 1; rounds < 22; rounds++) {
                    loop_gpr[COUNTER] = rounds;
                    struct ir_block whole = block;               /* compare_loop may cut it */
                    bool same = compare_loop();
                    block = whole;
                    if (!same)
                        fprintf(stderr, "seed 0: kind %u, use %u, exponent %d, %u rounds\n", kind, k, e, rounds);
                    assert_true(same);
                }
            }
    env.runs = false;
    fill_state = NULL;
}
