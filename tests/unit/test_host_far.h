/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_far.h: blocks so far apart in the code cache that the host's branches don't reach, part of test_host_x86_64.c. Each exit of a block is
 * linked to another block at many distances, before it and behind it, is followed, and unlinked again. Where `link` can't reach it must leave the
 * exit as it was. */
enum { FAR_FIRST = 0x4000, FAR_ENTRY = 0x2000, FAR_ELSE = 0x3000, FAR_MARK = 77 };

struct far_block { uint64_t at; struct host_exit exits[4]; unsigned n_exits; };

static struct far_block far_emit(uint64_t at)
{
    struct far_block b = { .at = at };
    const char *why = "";
    ir_opt(&block, false);
    assert_null(ir_verify(&block));
    memset(&code, 0, offsetof(struct host_code, exits));
    code.rw = code_rw + at;
    code.rx = code_rx + at;
    code.capacity = 0x4000;
    assert_int_equal(TEST_HOST.emit(&env, &block, &code, &why), 0);
    host_icache_flush(code.rw, code.rx, code.size);
    assert_true(code.n_exits <= 4);
    b.n_exits = code.n_exits;
    memcpy(b.exits, code.exits, code.n_exits * sizeof *code.exits);
    return b;
}

/* rcx == 0 leaves by the first exit */
static struct far_block far_from(uint64_t at, unsigned last)
{
    ir_build_start(&B, &block, FAR_ENTRY);
    ir_insn_start(&B, FAR_ENTRY, 4);
    ir_ref c = ir_emit(&B, IR_CMP, IR_I1, IR_I64, IR_CC_E, 0, ir_get(&B, IR_I64, GPR(1)), imm(IR_I64, 0), IR_NONE, 0);
    ir_emit(&B, IR_EXITIF, IR_VOID, IR_F_ALL, 0, 0, c, IR_NONE, IR_NONE, FAR_FIRST);
    ir_insn_start(&B, FAR_ENTRY + 4, 4);
    if (last == IR_EXIT)
        ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, FAR_ELSE);
    else if (last == IR_EXITCALL)
        ir_emit(&B, IR_EXITCALL, IR_VOID, IR_F_ALL, 0, 0, imm(IR_I64, FAR_ENTRY + 8), IR_NONE, IR_NONE, FAR_ELSE);
    else
        ir_emit(&B, IR_EXITIND, IR_VOID, IR_F_ALL, 0, 0, imm(IR_I64, FAR_ELSE), IR_NONE, IR_NONE, 0);
    return far_emit(at);
}

/* with all that needs the stubs: a helper, an operation that the interpreter does where the host has no code, an exit */
static struct far_block far_to(uint64_t at)
{
    ir_build_start(&B, &block, FAR_ELSE);
    ir_insn_start(&B, FAR_ELSE, 4);
    ir_ref r = ir_call(&B, 3 /* pure */, IR_I64, imm(IR_I64, 5), imm(IR_I64, 1), imm(IR_I64, 122), imm(IR_I64, 0));
    ir_ref v = ir_emit(&B, IR_VFDP, IR_V128, IR_F64, 0x31, 0, ir_get(&B, IR_V128, VEC(1)), ir_get(&B, IR_V128, VEC(2)), IR_NONE, 0);
    ir_put(&B, IR_V128, VEC(3), v);
    ir_put(&B, IR_I64, GPR(3), r);
    ir_emit(&B, IR_TRAP, IR_VOID, IR_F_ALL, IR_TRAP_SYSCALL, 0, IR_NONE, IR_NONE, IR_NONE, FAR_ELSE + 4);
    return far_emit(at);
}

static int far_run(uint64_t at, uint64_t rcx)
{
    static const double one[2] = { 3, 4 }, two[2] = { 5, 6 };
    memset(&machine->g, 0, sizeof machine->g);
    memcpy(machine->g.vec[1][0].b, one, 16);
    memcpy(machine->g.vec[2][0].b, two, 16);
    machine->g.fpcr = 0x1f80;
    machine->g.gpr[1] = rcx;
    machine->exit_info = 0;
    return run_native_at(code_rx + at);
}

static void far_expect_arrival(int why)
{
    const double sum = 3 * 5 + 4 * 6;
    assert_int_equal(why, IR_TRAP_SYSCALL);
    assert_int_equal(machine->g.pc, FAR_ELSE + 4);
    assert_int_equal(machine->g.gpr[3], FAR_MARK);
    assert_memory_equal(machine->g.vec[3][0].b, &sum, 8);
}

static void far_expect_exit(int why, uint64_t pc, uint64_t patch)
{
    assert_int_equal(why, -1);
    assert_int_equal(machine->g.pc, pc);
    assert_int_equal(machine->g.gpr[3], 0);
    assert_int_equal(machine->exit_info, patch);
}

static void far_link(uint64_t patch, uint64_t to)
{
    TEST_HOST.link(code_rw + patch, code_rx + patch, to);
    host_icache_flush(code_rw + patch, code_rx + patch, 4);
}

/* whether `link` has to manage: Arm has no way beyond what a branch reaches */
static bool far_in_reach(uint64_t from, uint64_t to)
{
    int64_t d = (int64_t)(to - from);
    return strcmp(TEST_HOST.name, "aarch64") || (d >= -(1 << 27) && d < 1 << 27);
}

static unsigned far_find(const struct far_block *a, uint64_t target, unsigned kind)
{
    for (unsigned k = 0; k < a->n_exits; k++)
        if (a->exits[k].kind == kind && (kind == HOST_EXIT_INDIRECT || a->exits[k].target == target))
            return k;
    fail_msg("no exit to %#lx", (long)target);
    return 0;
}

/* The exit to pc is linked to a block about `distance` away. With this rcx it is taken, with another one it is not. */
static void far_exit(const struct far_block *a, unsigned kind, uint64_t pc, uint64_t rcx, int64_t distance)
{
    unsigned k = far_find(a, pc, kind);
    uint64_t patch = a->at + a->exits[k].patch;
    struct far_block b = far_to((patch + (uint64_t)distance) & ~15ull);
    far_expect_exit(far_run(a->at, rcx), pc, code_rx + patch);
    far_link(patch, code_rx + b.at);
    int why = far_run(a->at, rcx);
    if (far_in_reach(patch, b.at))
        far_expect_arrival(why);
    else
        far_expect_exit(why, pc, code_rx + patch);
    assert_int_equal(far_run(a->at, !rcx), -1);
    assert_true(machine->g.pc != pc && !machine->g.gpr[3]);
    far_link(patch, code_rx + a->at + a->exits[k].stub);
    far_expect_exit(far_run(a->at, rcx), pc, code_rx + patch);
}

/* an inline cache beside the block, its target far away; then one for another address */
static void far_cache(const struct far_block *a, int64_t distance)
{
    static struct host_code cache;
    unsigned k = far_find(a, 0, HOST_EXIT_INDIRECT);
    uint64_t patch = a->at + a->exits[k].patch, room = a->at + 0x4000;
    for (uint64_t pc = FAR_ELSE; pc < FAR_ELSE + 2; pc++, room += 256) {
        struct far_block b = far_to((room + (uint64_t)distance) & ~15ull);
        cache = (struct host_code){ .rw = code_rw + room, .rx = code_rx + room, .capacity = 256 };
        TEST_HOST.emit_inline_cache(&env, pc, code_rx + b.at, code_rx + a->at + a->exits[k].stub, &cache);
        host_icache_flush(cache.rw, cache.rx, cache.size);
        far_link(patch, cache.rx);
        int why = far_run(a->at, 1);
        if (pc == FAR_ELSE)
            far_expect_arrival(why);
        else
            far_expect_exit(why, FAR_ELSE, code_rx + patch);
    }
}

/* around what conditional branches and branches reach */
static void test_far(void **unused)
{
    static const int64_t reach[] = { 1 << 15, 1 << 20, 1 << 25, 1 << 27 };
    uint64_t middle = CODE_REGION / 2;
    catch_crashes();
    struct far_block direct = far_from(middle, IR_EXIT), call = far_from(middle + 0x1000, IR_EXITCALL), indirect = far_from(middle + 0x2000, IR_EXITIND);
    for (unsigned k = 0; k < 2 * sizeof reach / sizeof *reach; k++)
        for (int64_t off = -64; off <= 64; off += 16) {
            int64_t distance = (k & 1 ? -reach[k / 2] : reach[k / 2]) + off;
            far_exit(&direct, HOST_EXIT_DIRECT, FAR_FIRST, 0, distance);
            far_exit(&direct, HOST_EXIT_DIRECT, FAR_ELSE, 1, distance);
            far_exit(&call, HOST_EXIT_CALL, FAR_ELSE, 1, distance);
            far_cache(&indirect, distance);
        }
}
