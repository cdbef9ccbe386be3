/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_lift.c: the lifter's driver and integer families. One line per case: guest code and the IR operations that it becomes, or
 * code with the state before and after (through the interpreter), or code and the flags that it reads. The wide
 * coverage is the differential tester's; here is what it does not reach: block shapes, faults in the middle, exits.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "guest/lift.h"
#include "guest/state.h"

enum { PAGE = 4096, DATA_SIZE = 4 * PAGE };
static uint8_t *code, *data;                 /* one page of code; data with an unmapped page behind it */
static size_t code_size = PAGE;              /* fetchable bytes */
static struct ir_block block;
static struct x86_state state;

/* --- what the engine provides --- */

static sigjmp_buf left;
enum { LEFT_GP = 1, LEFT_DIVIDE, LEFT_MEMORY, LEFT_OTHER };
void x86_gp_fault(void *s) { siglongjmp(left, LEFT_GP); }
void ir_after_not_quick(void *s) { }
void x86_fp_fault(void *s, unsigned exceptions) { siglongjmp(left, LEFT_OTHER); }
void ir_fp_fault(void *s, unsigned flags) { siglongjmp(left, LEFT_OTHER); }
void ir_alignment_fault(void *s) { siglongjmp(left, LEFT_GP); }
void ir_divide_error(void *s) { siglongjmp(left, LEFT_DIVIDE); }
static void on_signal(int sig) { siglongjmp(left, LEFT_MEMORY); }

static size_t fetchable(void *ctx, uint64_t pc, size_t want)
{
    uint64_t start = (uint64_t)code;
    if (pc < start || pc >= start + code_size)
        return 0;
    size_t n = start + code_size - pc;
    return n < want ? n : want;
}

static int setup(void **unused)
{
    code = mmap((void *)0x30000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    data = mmap((void *)0x40000000, DATA_SIZE + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (code == MAP_FAILED || data == MAP_FAILED || mprotect(data, DATA_SIZE, PROT_READ | PROT_WRITE))
        return -1;
    return 0;
}

/* --- the small languages of the tables --- */

static void place(const char *hex)
{
    unsigned byte;
    int used;
    memset(code, 0xf4, PAGE);                /* HLT: ends a block */
    for (uint8_t *p = code; sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used)
        *p++ = (uint8_t)byte;
}

static void lift(const char *hex, unsigned max_insns, unsigned max_conditional)
{
    struct x86_lift_config cfg = { max_insns, max_conditional, fetchable, NULL };
    place(hex);
    x86_lift(&cfg, (uint64_t)code, &block);
    const char *wrong = ir_verify(&block);
    if (wrong)
        fail_msg("%s: %s", hex, wrong);
}

static const char *const register_names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };

/* number, or @number: that offset in the data */
static uint64_t value_of(const char *s)
{
    return *s == '@' ? (uint64_t)data + strtoull(s + 1, NULL, 16) : strtoull(s, NULL, 16);
}

static uint16_t flags_of(const char *letters)
{
    uint16_t f = 0;
    for (; *letters; letters++)
        f |= *letters == 'O' ? IR_FLAG_O : *letters == 'S' ? IR_FLAG_S : *letters == 'Z' ? IR_FLAG_Z :
             *letters == 'A' ? IR_FLAG_A : *letters == 'P' ? IR_FLAG_P : *letters == 'C' ? IR_FLAG_C : 0;
    return f;
}

/* "rax=1 fl=SZ df=1 m10=77": set the state, or check it; returns the number of things that differ */
static int assignments(const char *text, bool check)
{
    char copy[256], *rest, *token;
    int wrong = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (token = strtok_r(copy, " ", &rest); token; token = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(token, '=');
        uint64_t v, *where = NULL;
        *value++ = 0;
        v = value_of(value);
        for (unsigned k = 0; k < 16; k++)
            if (!strcmp(token, register_names[k]))
                where = &state.gpr[k];
        if (*token == 'm')
            where = (uint64_t *)(data + strtoul(token + 1, NULL, 16));
        if (!strcmp(token, "fl")) {
            wrong += check && (state.flags & IR_FLAGS_WORD) != flags_of(value);
            state.flags = check ? state.flags : flags_of(value);
        } else if (!strcmp(token, "df")) {
            wrong += check && state.df != v;
            state.df = check ? state.df : (uint8_t)v;
        } else if (!strcmp(token, "fs"))
            state.fs_base = v;
        else {
            assert_non_null(where);
            wrong += check && *where != v;
            *where = check ? *where : v;
        }
    }
    return wrong;
}

/* Run the block at the code's start until it leaves for another address. 0, or LEFT_*; *trap: -1 or the trap */
static int run(int *trap, uint64_t *next)
{
    signal(SIGSEGV, on_signal);               /* in place of cmocka's own */
    signal(SIGBUS, on_signal);
    struct ir_interp_env env = { .pc_offset = X86_OFF(pc), .flags_offset = X86_OFF(flags), .fpcr_offset = X86_OFF(mxcsr) };
    int why = sigsetjmp(left, 1);
    if (why)
        return why;
    do
        *trap = ir_interp(&block, &state, &env, next);
    while (*trap < 0 && *next == (uint64_t)code);
    return 0;
}

/* --- code to operations --- */

static void test_operations(void **unused)
{
    static const struct { const char *hex, *ops; } cases[] = {
        { "4801d8", "insn get get addf put putf exit" },
        { "01d8", "insn get get addf zext put putf exit" },
        { "c1e000", "insn get const zext put exit" },                       /* count 0: no flags */
        { "8b4608", "insn get lea load zext put exit" },
        { "f0480fc106", "insn get get aadd addf put putf exit" },
        { "c3", "insn get load lea put exitret" },
        { "ff10", "insn get load const get lea store put exitcalli" },      /* CALL [rax]: load before the push */
        { "0f0b", "insn trap" },
        { "f001c8", "insn trap" },                                          /* LOCK with a register */
        { "90", "insn exit" },
        { "f30f1efa", "insn exit" },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char ops[512] = "";
        lift(cases[i].hex, 1, 0);
        for (unsigned k = 0; k < block.n; k++)
            snprintf(ops + strlen(ops), sizeof ops - strlen(ops), "%s%s", k ? " " : "", ir_op_info[block.insn[k].op].name);
        if (strcmp(ops, cases[i].ops))
            fail_msg("%s becomes %s", cases[i].hex, ops);
    }
}

/* --- states --- */

static const struct { const char *hex, *before, *after; } state_cases[] = {
    { "4801d8", "rax=ffffffffffffffff rbx=1", "rax=0 fl=ZAPC" },
    { "00e0", "rax=1122334455667f01", "rax=1122334455667f80 fl=OSA" },         /* ADD al, ah */
    { "6683c0ff", "rax=1111000000000000", "rax=111100000000ffff fl=SP" },
    { "11d8", "rax=ffffffffffffffff rbx=0 fl=C", "rax=0 fl=ZAPC" },
    { "19c0", "rax=1234 fl=C", "rax=ffffffff fl=SAPC" },
    { "f7d8", "rax=80000000", "rax=80000000 fl=OSPC" },
    { "ffc0", "rax=ffffffff7fffffff fl=C", "rax=80000000 fl=OSAPC" },
    { "0fb6c4", "rax=1234", "rax=12" },
    { "480fbfc0", "rax=8000", "rax=ffffffffffff8000" },
    { "f7e3", "rax=80000000 rbx=4 rdx=77", "rax=0 rdx=2" },
    { "f6e3", "rax=ff80 rbx=4", "rax=200" },
    { "486bc0fe", "rax=3", "rax=fffffffffffffffa" },
    { "c4e2fbf6c1", "rdx=8000000000000000 rcx=6", "rax=3" },                   /* MULX rax, rax, rcx: high half wins */
    { "48f7f3", "rdx=1 rax=0 rbx=2", "rax=8000000000000000 rdx=0" },
    { "f6fb", "rax=fff9 rbx=2", "rax=fffd" },                                  /* -7 / 2 = -3 rest -1 */
    { "99", "rax=80000000 rdx=0", "rdx=ffffffff" },
    { "4898", "rax=80000000", "rax=ffffffff80000000" },
    { "c1e820", "rax=ffffffff12345678 fl=C", "rax=12345678 fl=C" },            /* count 32 is 0 */
    { "d3e0", "rax=ffffffff00000001 rcx=20 fl=ZC", "rax=1 fl=ZC" },
    { "d0d0", "rax=80 fl=C", "rax=1 fl=OC" },
    { "480fa4d808", "rax=1122334455667788 rbx=ee00000000000000", "rax=22334455667788ee" },
    { "480fab07", "rdi=@100 rax=47 m108=0", "m108=80" },                       /* BTS beyond the operand */
    { "480fa307", "rdi=@100 rax=ffffffffffffffff m0f8=8000000000000000", "fl=C" },
    { "0fbcc1", "rax=1111111100000005 rcx=0", "rax=1111111100000005" },
    { "0fbdc1", "rax=0 rcx=800", "rax=b" },
    { "f30fbcc1", "rax=1 rcx=0", "rax=20" },
    { "f30fb8c1", "rcx=f0f0 fl=SC", "rax=8 fl=" },
    { "c4e278f7c1", "rax=810 rcx=aabbccdd", "rax=bb" },                        /* BEXTR: 8 bits from bit 16 */
    { "f20f38f1c1", "rax=0 rcx=1", "rax=dd45aab8" },
    { "9f", "rax=0 fl=SZAPC", "rax=d700" },
    { "9e", "rax=d500 fl=O", "fl=OSZAPC" },
    { "480fb10f", "rdi=@40 rax=5 rcx=9 m40=5", "rax=5 m40=9 fl=ZP" },
    { "480fb10f", "rdi=@40 rax=5 rcx=9 m40=6", "rax=6 m40=6 fl=SAPC" },
    { "480fc70f", "rdi=@40 rax=1 rdx=2 rbx=3 rcx=4 m40=1 m48=2", "m40=3 m48=4 fl=Z" },
    { "54", "rsp=@100", "rsp=@f8 mf8=@100" },
    { "5c", "rsp=@100 m100=77", "rsp=77" },
    { "8f442408", "rsp=@100 m100=77 m110=0", "rsp=@108 m110=77" },             /* POP [rsp+8]: address after the pop */
    { "ff742408", "rsp=@100 m108=77", "rsp=@f8 mf8=77" },
    { "c8100002", "rsp=@100 rbp=@200 m1f8=55", "rsp=@d8 rbp=@f8 mf8=@200 mf0=55 me8=@f8" },
    { "c9", "rbp=@100 m100=5", "rsp=@108 rbp=5" },
    { "64488b042510000000", "fs=@80 m90=1234", "rax=1234" },
    { "678b4508", "rbp=ffffffff40000000 m8=99", "rax=99" },
    { "d7", "rbx=@100 rax=ff08 m108=41", "rax=ff41" },
    { "a4", "rsi=@10 rdi=@20 m10=aa m20=0 df=1", "rsi=@f rdi=@1f m20=aa" },
    { "f348a5", "rsi=@0 rdi=@2000 rcx=3 m0=1 m8=2 m10=3", "rsi=@18 rdi=@2018 rcx=0 m2000=1 m2008=2 m2010=3" },
    { "f3a4", "rsi=@0 rdi=@1 rcx=8 m0=61 m8=0", "m0=6161616161616161 m8=61" }, /* overlap: the byte spreads */
    { "f3a4", "rsi=@100f rdi=@2007 rcx=8 df=1 m1008=1122334455667788 m2000=0", "m2000=1122334455667788 rsi=@1007 rdi=@1fff" },
    { "f3ab", "rdi=@1ffc rcx=4 rax=7", "m1ffc=700000007 m2004=700000007 rcx=0" },
    { "f2ae", "rdi=@0 rcx=10 rax=0 m0=0000636261626364", "rdi=@7 rcx=9 fl=ZP" },
    { "f3a6", "rsi=@0 rdi=@100 rcx=8 m0=4142434445464748 m100=41ff434445464748", "rcx=1 rsi=@7 rdi=@107 fl=AC" },
    { "f3a6", "rcx=0 fl=SC", "rcx=0 fl=SC" },
    { "67f3aa", "rdi=ffffffff40000000 rcx=ffffffff00000002 rax=33 m0=0", "m0=3333 rdi=40000002 rcx=0" },
};

static void test_states(void **unused)
{
    for (unsigned i = 0; i < sizeof state_cases / sizeof state_cases[0]; i++) {
        int trap;
        uint64_t next;
        for (int optimized = 0; optimized < 2; optimized++) {
            lift(state_cases[i].hex, 1, 0);
            if (optimized)
                ir_opt(&block, false);
            x86_state_init(&state);
            assignments(state_cases[i].before, false);
            if (run(&trap, &next) || trap >= 0)
                fail_msg("%s leaves with %d", state_cases[i].hex, trap);
            if (assignments(state_cases[i].after, true))
                fail_msg("%s %s: rax %lx rcx %lx rdx %lx rsp %lx rsi %lx rdi %lx flags %x", state_cases[i].hex, state_cases[i].before,
                         (long)state.gpr[0], (long)state.gpr[1], (long)state.gpr[2], (long)state.gpr[4], (long)state.gpr[6],
                         (long)state.gpr[7], state.flags & IR_FLAGS_WORD);
        }
    }
}

/* --- faults leave the state of the instruction's start, or of the element in the middle --- */

static void test_faults(void **unused)
{
    static const struct { const char *hex, *before, *after; int why; } cases[] = {
        { "50", "rsp=8 rax=1", "rsp=8", LEFT_MEMORY },
        { "8f00", "rsp=@8 rax=10", "rsp=@8", LEFT_MEMORY },
        { "48f7f3", "rax=1 rdx=0 rbx=0", "rax=1 rdx=0", LEFT_DIVIDE },
        { "48f7f3", "rax=1 rdx=2 rbx=2", "rax=1 rdx=2", LEFT_DIVIDE },
        { "480fc70f", "rdi=@48 rax=1", "rax=1", LEFT_GP },
        { "8ed0", "rax=33", "", LEFT_GP },
        { "f3a4", "rsi=@3ff0 rdi=@0 rcx=20", "rsi=@4000 rdi=@10 rcx=10", LEFT_MEMORY },
        { "f3ab", "rdi=@3ff2 rcx=20", "rdi=@3ffe rcx=1d", LEFT_MEMORY },
        { "fd", "", "", 0 },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int trap;
        uint64_t next;
        lift(cases[i].hex, 1, 0);
        x86_state_init(&state);
        assignments(cases[i].before, false);
        if (run(&trap, &next) != cases[i].why || assignments(cases[i].after, true))
            fail_msg("%s %s", cases[i].hex, cases[i].before);
    }
}

/* --- where blocks end --- */

static void check_shape(const char *hex, unsigned max_conditional, unsigned n_insns, unsigned last_op, int64_t imm)
{
    lift(hex, 64, max_conditional);
    const struct ir_insn *last = &block.insn[block.n - 1];
    if (block.n_guest_insns != n_insns || last->op != last_op || (imm >= 0 && last->imm != (int64_t)(uintptr_t)code + imm))
        fail_msg("%s: %u instructions, ends in %s to +%lld", hex, block.n_guest_insns, ir_op_info[last->op].name,
                 (long long)(last->imm - (int64_t)(uintptr_t)code));
}

static void test_shapes(void **unused)
{
    check_shape("740090c3", 4, 3, IR_EXITRET, -1);                /* goes on behind the branch */
    check_shape("740090c3", 0, 1, IR_EXIT, 2);
    check_shape("90 75fd", 4, 2, IR_EXIT, 3);                     /* backward: ends */
    check_shape("ebfe", 4, 1, IR_EXIT, 0);
    assert_int_equal(block.insn[block.n - 1].mod, IR_EXIT_POLL);
    check_shape("e810000000", 4, 1, IR_EXITCALL, 0x15);
    check_shape("90 0f0b", 4, 2, IR_TRAP, 1);
    check_shape("90 06", 4, 1, IR_EXIT, 1);                       /* what comes before an undecodable one runs first */
    check_shape("06", 4, 1, IR_TRAP, 0);
    check_shape("90 0f05", 4, 2, IR_TRAP, 3);
    check_shape("cd80", 4, 1, IR_TRAP, 2);
    assert_int_equal(block.insn[block.n - 1].aux, IR_TRAP_SYSCALL32);
}

static void test_fetch_limit(void **unused)
{
    code_size = 4;
    check_shape("90 90 4801d8", 4, 2, IR_EXIT, 2);                /* three bytes from 2, two can be fetched */
    code_size = 2;
    check_shape("4801d8", 4, 1, IR_TRAP, 0);
    assert_int_equal(block.insn[block.n - 1].aux, IR_TRAP_DECODE);
    code_size = PAGE;
}

/* --- the look ahead --- */

static void test_live_flags(void **unused)
{
    enum { NONE = 0, ALL = IR_F_ALL };
    static const struct { const char *hex; unsigned live; } cases[] = {
        { "4801d8", NONE }, { "c3", ALL }, { "ffc0 c3", IR_F_C }, { "ffc0 01d8", NONE },
        { "11d8", IR_F_C }, { "488b4708 83f805", NONE }, { "740a", ALL }, { "0f94c0 01d8", IR_F_Z }, { "0f4fc1 31c0", IR_F_Z | IR_F_S | IR_F_O },
        { "d3e0 31c0", NONE }, { "d3e0 c3", ALL }, { "c1e000 c3", ALL }, { "c1e003 c3", NONE }, { "d1c0 c3", ALL & ~(IR_F_C | IR_F_O) },
        { "d1d0 31c0", IR_F_C }, { "e900000000 31c0", NONE }, { "e800000000 31c0", NONE }, { "ebfe", ALL },
        { "f6c101 c3", NONE }, { "66f7c10100 c3", NONE }, { "48b81122334455667788 31c0", NONE }, { "f7d0 31c0", NONE },
        { "f30fb8c1 c3", NONE }, { "0f05", ALL }, { "9c", ALL }, { "f3a6 31c0", ALL }, { "06", ALL }, { "f30f1efa 55 4889e5 31c0", NONE },
        { "660f2ec1 c3", NONE }, { "0f28c1 31c0", NONE }, { "f5 31c0", IR_F_C }, { "81f810000000 c3", NONE }, { "6681f81000 c3", NONE },
        { "4883d000 c3", IR_F_C }, { "0f1f8400000000000f1f440000 31c0", NONE }, { "6690 31c0", NONE }, { "c7442408 01000000 31c0", NONE },
    };
    struct x86_lift_config cfg = { 1, 0, fetchable, NULL };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        place(cases[i].hex);
        unsigned live = x86_flags_live_in(&cfg, (uint64_t)code);
        if (live != cases[i].live)
            fail_msg("%s reads %x, not %x", cases[i].hex, live, cases[i].live);
    }
}

/* Random bytes: well-formed blocks, and no look beyond the page. */
static void test_random_bytes(void **unused)
{
    struct x86_lift_config cfg = { 32, 4, fetchable, NULL };
    srandom(1);
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 64 == 0)
            for (unsigned k = 0; k < PAGE; k++)
                code[k] = (uint8_t)random();
        uint64_t pc = (uint64_t)code + (unsigned)random() % PAGE;
        x86_lift(&cfg, pc, &block);
        assert_null(ir_verify(&block));
        assert_true(block.n_guest_insns >= 1 && block.guest_end > pc);
        x86_flags_live_in(&cfg, pc);
    }
}

/* --- the rest of the room --- */

static void test_flags_image(void **unused)
{
    x86_state_init(&state);
    x86_set_rflags(&state, 0x244ad5);
    assert_int_equal(x86_rflags(&state), 0x244ad7 | 0x200);
    assert_int_equal(state.flags, IR_FLAGS_WORD);
    x86_set_rflags(&state, 0);
    assert_int_equal(x86_rflags(&state), 0x202);
}

static void test_cpuid(void **unused)
{
    uint32_t r[4], brand[12];
    x86_cpuid(0, 0, r);
    assert_memory_equal(&r[1], "Genu", 4);
    x86_cpuid(1, 0, r);
    assert_true(r[2] & 1 << 20);                          /* SSE4.2 */
    assert_false(r[2] & (1 << 28 | 1 << 26 | 1 << 25));   /* AVX, XSAVE; AES only where the host has it */
    x86_cpuid_fast(X86_FAST_AES);
    x86_cpuid(1, 0, r);
    assert_int_equal(r[2] & (1 << 25 | 1 << 1), 1 << 25);
    x86_cpuid_fast(0);
    for (unsigned i = 0; i < 3; i++)
        x86_cpuid(0x80000002 + i, 0, brand + 4 * i);
    assert_string_equal((char *)brand, "wherry virtual CPU");
    for (unsigned i = 0; x86_cpu_models[i]; i++)
        assert_int_equal(x86_cpuid_select(x86_cpu_models[i]), 0);
    assert_int_equal(x86_cpuid_select("z80"), -1);
    x86_cpuid_select("max");
}

static void test_disassembly(void **unused)
{
    char text[64];
    assert_int_equal(x86_disassemble((const uint8_t *)"\x48\x01\xd8", 3, 0, text, sizeof text), 3);
    assert_string_equal(text, "add rax, rbx");
    assert_int_equal(x86_disassemble((const uint8_t *)"\x48\x01", 2, 0, text, sizeof text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations), cmocka_unit_test(test_states), cmocka_unit_test(test_faults), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_fetch_limit), cmocka_unit_test(test_live_flags), cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_flags_image), cmocka_unit_test(test_cpuid), cmocka_unit_test(test_disassembly),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
