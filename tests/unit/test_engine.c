/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_engine.c: the engine with hand-made guest code: exact faults, polls, self-modifying code, a full cache, return-stack
 * overflow and mismatch, indirect jumps, threads, forks. Each body runs in a child process for each variant of the engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine/engine.h"
#include "engine/log.h"

#ifdef __SANITIZE_THREAD__
#define AREA ((uint8_t *)0x2000000000)               /* it allows a few ranges only */
#else
#define AREA ((uint8_t *)0x6a0000000000)
#endif
enum { TIME_LIMIT = 600 };                           /* seconds, for what would hang; emulators and sanitizers may be slow */
#define AREA_SIZE (4u << 20)
#define STACK_SIZE (16u << 20)

/* --- the owner's part: memory and signals --- */

static void handler(int sig, siginfo_t *info, void *uc)
{
    uint64_t addr = (uint64_t)info->si_addr;
    uint64_t page = addr & ~4095ull;                     /* qemu-user calls every fault SEGV_MAPERR: is there such a page? */
    if (sig == SIGSEGV && addr - (uint64_t)AREA < AREA_SIZE && !mprotect((void *)page, 4096, PROT_READ | PROT_WRITE)) {
        engine_invalidate(page, 4096);
        engine_written_code(info, uc);
        return;
    }
    if (engine_host_fault(sig, info, uc) == ENGINE_FAULT_OTHER) {
        static const char text[] = "unexpected host fault\n";
        if (write(2, text, sizeof text - 1) < 0)
            _exit(99);
        signal(sig, SIG_DFL);
    }
}

static void thread_start(void)
{
    stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };
    sigaltstack(&ss, NULL);
}

static bool watch(uint64_t page)
{
    if (page - (uint64_t)AREA >= AREA_SIZE)
        return true;
    mprotect((void *)page, 4096, PROT_READ);
    return false;
}

static size_t fetchable(uint64_t pc, size_t want)
{
    uint64_t at = pc - (uint64_t)AREA;
    return at >= AREA_SIZE ? 0 : want < AREA_SIZE - at ? want : AREA_SIZE - at;
}

static struct cpu *new_cpu(void)
{
    struct cpu *cpu = cpu_create();
    cpu_set_current(cpu);
    thread_start();
    uint8_t *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cpu->state.gpr[X86_RSP] = (uint64_t)stack + STACK_SIZE - 64;
    return cpu;
}

static uint64_t put_code(size_t at, const char *hex)
{
    uint8_t *p = AREA + at;
    unsigned byte;
    int n;
    while (sscanf(hex, " %2x%n", &byte, &n) == 1) {
        *p++ = (uint8_t)byte;
        hex += n;
    }
    return (uint64_t)AREA + at;
}

static struct cpu *start(const struct engine_config *variant)
{
    struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    struct engine_config cfg = *variant;
    cfg.fetchable = fetchable;
    cfg.watch = watch;
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGFPE, &sa, NULL);
    if (mmap(AREA, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != AREA || engine_init(&cfg) < 0)
        return NULL;
    return new_cpu();
}

static enum engine_event run_at(struct cpu *cpu, uint64_t pc)
{
    cpu->state.pc = pc;
    return engine_run(cpu);
}

#define REG(cpu, r) ((cpu)->state.gpr[X86_##r])
#define CHECK(x) do { if (!(x)) { fprintf(stderr, "line %d: %s\n", __LINE__, #x); return __LINE__; } } while (0)

/* --- bodies: 0, or the failing line --- */

static int plain(struct cpu *cpu)
{
    uint64_t pc = put_code(0x100, "b805000000 83c007 0f05");     /* mov eax,5; add eax,7; syscall */
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL);
    CHECK(REG(cpu, RAX) == 12 && cpu->state.pc == pc + 10 && REG(cpu, RCX) == pc + 10);
    pc = put_code(0x200, "0f0b");
    CHECK(run_at(cpu, pc) == ENGINE_ILLEGAL && cpu->state.pc == pc);
    pc = put_code(0x210, "cc");
    CHECK(run_at(cpu, pc) == ENGINE_BREAKPOINT && cpu->state.pc == pc + 1);
    return 0;
}

static int faults(struct cpu *cpu)
{
    uint64_t pc = put_code(0x100, "b801000000 bb10000000 ffc0 488b0b 0f05");    /* mov eax,1; mov ebx,0x10; inc eax; mov rcx,[rbx] */
    REG(cpu, RCX) = 77;
    CHECK(run_at(cpu, pc) == ENGINE_FAULT);
    CHECK(cpu->state.pc == pc + 12 && REG(cpu, RAX) == 2 && REG(cpu, RCX) == 77);
    CHECK(cpu->fault_signal == SIGSEGV && cpu->fault_info.si_addr == (void *)0x10 && cpu->fault_info.si_code == SEGV_MAPERR);
    pc = put_code(0x200, "31d2 b809000000 31db ffc1 f7f3 0f05");   /* edx=0; eax=9; ebx=0; inc ecx; div ebx */
    REG(cpu, RCX) = 5;
    CHECK(run_at(cpu, pc) == ENGINE_FAULT);
    CHECK(cpu->state.pc == pc + 11 && REG(cpu, RAX) == 9 && REG(cpu, RCX) == 6 && cpu->fault_signal == SIGFPE && cpu->fault_info.si_code == FPE_INTDIV);
    CHECK(cpu->fault_info.si_addr == (void *)(pc + 11));
    CHECK(run_at(cpu, 0x1234) == ENGINE_FAULT);                    /* a jump to nowhere */
    CHECK(cpu->fault_signal == SIGSEGV && cpu->state.pc == 0x1234 && cpu->fault_info.si_addr == (void *)0x1234);
    CHECK(run_at(cpu, UINT64_MAX) == ENGINE_FAULT && cpu->fault_signal == SIGSEGV);
    CHECK(run_at(cpu, 0) == ENGINE_FAULT && cpu->fault_info.si_addr == NULL);
    pc = put_code(AREA_SIZE - 1, "b8");                            /* an instruction that runs out of the mapping */
    CHECK(run_at(cpu, pc) == ENGINE_FAULT && cpu->state.pc == pc && cpu->fault_info.si_addr == (void *)(pc + 1));
    return 0;
}

static int fault_in_string(struct cpu *cpu)
{
    uint64_t pc = put_code(0x100, "f3a4 0f05");                    /* rep movsb */
    uint8_t *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(m + 4096, 4096);
    memset(m, 7, 100);
    REG(cpu, RSI) = (uint64_t)m;
    REG(cpu, RDI) = (uint64_t)m + 4096 - 10;
    REG(cpu, RCX) = 50;
    CHECK(run_at(cpu, pc) == ENGINE_FAULT);
    CHECK(cpu->state.pc == pc && REG(cpu, RCX) == 40 && REG(cpu, RDI) == (uint64_t)m + 4096 && REG(cpu, RSI) == (uint64_t)m + 10);
    CHECK(cpu->fault_info.si_addr == m + 4096);
    pc = put_code(0x180, "0fae00 0f05");                           /* fxsave [rax] */
    REG(cpu, RAX) = (uint64_t)m + 4096;
    CHECK(run_at(cpu, pc) == ENGINE_FAULT && cpu->state.pc == pc && cpu->fault_signal == SIGSEGV);
    return 0;
}

static void *interrupter(void *arg)
{
    usleep(20000);
    cpu_interrupt(arg);
    return NULL;
}

static int poll_interrupt(struct cpu *cpu)
{
    uint64_t pc = put_code(0x100, "48ffc0 ebfb");                  /* inc rax; jmp */
    for (int i = 0; i < 3; i++) {
        pthread_t t;
        uint64_t before = REG(cpu, RAX);
        pthread_create(&t, NULL, interrupter, cpu);
        CHECK(run_at(cpu, pc) == ENGINE_INTERRUPT);
        pthread_join(t, NULL);
        CHECK(REG(cpu, RAX) > before && (cpu->state.pc == pc || cpu->state.pc == pc + 3));
    }
    cpu_interrupt(cpu);
    CHECK(run_at(cpu, pc) == ENGINE_INTERRUPT && cpu->state.pc == pc);
    return 0;
}

static int self_modifying(struct cpu *cpu)
{
    /* ecx=100; edx=0; 1: mov [imm of the next],ecx; mov eax,0; add edx,eax; dec ecx; jnz 1b */
    uint64_t pc = put_code(0x100, "b964000000 31d2 890d01000000 b800000000 01c2 ffc9 75ef 0f05");
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL);
    CHECK(REG(cpu, RDX) == 5050);
    return 0;
}

static int invalidate(struct cpu *cpu)
{
    uint64_t pc = put_code(0x1100, "b805000000 eb00 83c007 0f05");
    for (int i = 0; i < 5; i++) {
        CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RAX) == 12u + i);
        CHECK(engine_has_code(pc, 1));
        mprotect((void *)(pc & ~4095ull), 4096, PROT_READ | PROT_WRITE);
        ((uint8_t *)pc)[9]++;
        engine_invalidate(pc + 9, 1);
        CHECK(!engine_has_code(pc + 4096, 4096));
    }
    engine_invalidate(0, UINT64_MAX);
    CHECK(!engine_has_code((uint64_t)AREA, AREA_SIZE));
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RAX) == 17);
    return 0;
}

/* The target of a jump is replaced by code that reads a flag which the old target did not. */
static int flags_of_new_target(struct cpu *cpu)
{
    uint64_t pc = put_code(0x1100, "83f805 e9f80e0000"), target = pc + 8 + 0xef8;    /* cmp eax,5; jmp target */
    put_code(target - (uint64_t)AREA, "39c0 90 90 90 0f05");       /* cmp eax,eax; nops; syscall */
    REG(cpu, RAX) = 5;
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL);
    mprotect((void *)(target & ~4095ull), 4096, PROT_READ | PROT_WRITE);
    put_code(target - (uint64_t)AREA, "0f94c2 90 90 0f05");        /* sete dl */
    engine_invalidate(target, 8);
    REG(cpu, RDX) = 0;
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && (uint8_t)REG(cpu, RDX) == 1);
    return 0;
}

static int deep_recursion(struct cpu *cpu)
{
    uint64_t pc = put_code(0x100, "b9a0860100 31d2 e802000000 0f05 ffc9 7405 e8f7ffffff ffc2 c3");
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RDX) == 100000);
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RDX) == 100000);
    return 0;
}

static int return_elsewhere(struct cpu *cpu)
{
    /* the callee drops its return address, pushes another and returns there */
    uint64_t pc = put_code(0x100, "b9e8030000 31d2 e802000000 0f0b 4883c408 488d0504000000 50 ffc2 c3 ffc9 75e6 0f05");
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RDX) == 1000);
    return 0;
}

static int indirect_jumps(struct cpu *cpu)
{
    uint64_t pc = put_code(0x106, "b9b80b0000 31d2 89c8 83e003 488d1d07000000 488d1cc3 ffe3 90"
                                  "83c201 eb18 0f1f00 83c202 eb10 0f1f00 83c203 eb08 0f1f00 83c204 eb00 ffc9 75cc 0f05");
    for (int i = 0; i < 3; i++) {
        CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RDX) == 7500);
        mprotect((void *)(pc & ~4095ull), 4096, PROT_READ | PROT_WRITE);
        engine_invalidate(pc + 0x22 + 8 * i, 1);
    }
    return 0;
}

/* N blocks, each `add eax, i; jmp next`, in a loop of rdx rounds. Returns the entry. */
static uint64_t many_blocks(size_t at, unsigned n)
{
    uint8_t *p = AREA + at;
    *p++ = 0x31, *p++ = 0xc0;                                      /* xor eax,eax */
    uint8_t *loop = p;
    for (unsigned i = 0; i < n; i++) {
        *p++ = 0x05;
        memcpy(p, &i, 4);
        p += 4;
        *p++ = 0xeb, *p++ = 0x00;
    }
    *p++ = 0xff, *p++ = 0xca, *p++ = 0x0f, *p++ = 0x85;            /* dec edx; jnz loop */
    int32_t back = (int32_t)(loop - (p + 4));
    memcpy(p, &back, 4);
    p += 4;
    *p++ = 0x0f, *p++ = 0x05;
    return (uint64_t)AREA + at;
}

static int full_cache(struct cpu *cpu)
{
    uint64_t pc = many_blocks(0x100, 3000);
    for (int i = 0; i < 2; i++) {
        REG(cpu, RDX) = 3;
        CHECK(run_at(cpu, pc) == ENGINE_SYSCALL && REG(cpu, RAX) == 3u * (2999 * 3000 / 2));
    }
    return 0;
}

static int done;
static void *runner(void *arg)
{
    struct cpu *cpu = new_cpu();
    uint64_t n = 0;
    for (int i = 0; i < 20; i++) {
        enum engine_event e;
        REG(cpu, RDX) = 40;
        cpu->state.pc = (uint64_t)arg;
        while ((e = engine_run(cpu)) == ENGINE_INTERRUPT)
            ;
        n += e == ENGINE_SYSCALL && REG(cpu, RAX) == 40u * (799 * 800 / 2);
    }
    cpu_set_current(NULL);
    cpu_destroy(cpu);
    return (void *)n;
}

static void *invalidator(void *arg)
{
    for (unsigned i = 0; !__atomic_load_n(&done, __ATOMIC_RELAXED); i++) {
        engine_invalidate((uint64_t)arg + i * 64 % 8192, 64);
        usleep(200);
    }
    return NULL;
}

static int threads(struct cpu *cpu)
{
    uint64_t pc = many_blocks(0x100, 800);
    pthread_t t[4], inv;
    pthread_create(&inv, NULL, invalidator, (void *)pc);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, runner, (void *)pc);
    uint64_t good = 0;
    for (int i = 0; i < 4; i++) {
        void *n;
        pthread_join(t[i], &n);
        good += (uint64_t)n;
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELAXED);
    pthread_join(inv, NULL);
    CHECK(good == 80);
    return 0;
}

static int forked(struct cpu *cpu)
{
    uint64_t pc = many_blocks(0x100, 100), other = put_code(0x3000, "b805000000 83c007 0f05");
    REG(cpu, RDX) = 3;
    CHECK(run_at(cpu, pc) == ENGINE_SYSCALL);
    pid_t pid = fork();
    if (pid == 0)
        engine_fork_child();
    for (int i = 0; i < 200; i++) {
        REG(cpu, RDX) = 3;
        if (run_at(cpu, pc) != ENGINE_SYSCALL || REG(cpu, RAX) != 3u * 4950 || run_at(cpu, other) != ENGINE_SYSCALL || REG(cpu, RAX) != 12)
            _exit(1);
    }
    if (pid == 0)
        _exit(0);
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return 0;
}

static int guarded_copies(struct cpu *cpu)
{
    char buf[16] = "hello", other[16];
    CHECK(engine_copy_from(other, (uint64_t)buf, 6) == 0 && !strcmp(other, "hello"));
    CHECK(engine_copy_from(other, 0x10, 6) == -1 && engine_copy_to(0x10, buf, 6) == -1);
    CHECK(engine_copy_from(other, 0x8000000000000000, 6) == -1);
    CHECK(engine_strnlen((uint64_t)buf, 16) == 5 && engine_strnlen(0x10, 16) == -1);
    return 0;
}

static int trap_flag(struct cpu *cpu)
{
    uint64_t pc = put_code(0x100, "ffc0 ffc0 ffc0 0f05");
    cpu->state.tf = 1;
    CHECK(run_at(cpu, pc) == ENGINE_SINGLE_STEP && cpu->state.pc == pc + 2 && REG(cpu, RAX) == 1);
    CHECK(engine_run(cpu) == ENGINE_SINGLE_STEP && cpu->state.pc == pc + 4);
    cpu->state.tf = 0;
    CHECK(engine_run(cpu) == ENGINE_SYSCALL && REG(cpu, RAX) == 3);
    return 0;
}

/* --- the variants --- */

static const struct { const char *name; struct engine_config cfg; } variants[] = {
    { "tier 0", { .tier = 0 } },
    { "tier 1", { .tier = 1, .self_check = true } },
    { "tier 1, eager", { .tier = 1, .self_check = true, .eager = true } },
    { "tier 1, unlinked", { .tier = 1, .eager = true, .log = LOG_NOCHAIN } },
    { "tier 1, tiny cache", { .tier = 1, .tiny_cache = true } },
    { "tier 1, one instruction per block", { .tier = 1, .eager = true, .max_insns = 1 } },
    { "tier 1, exact flags", { .tier = 1, .exact_flags = true } },
    { "lock step", { .tier = 1, .lockstep = true } },
    { "tier 1, every second block", { .tier = 1, .only_first = 1, .only_last = 20 } },
};

static void in_each_variant(int (*body)(struct cpu *))
{
    int failed = 0;
    const char *only = getenv("VARIANT");
    for (unsigned i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (only && strcmp(only, variants[i].name))
            continue;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            alarm(TIME_LIMIT);
            if (getenv("LOG"))
                log_parse(getenv("LOG"));
            struct cpu *cpu = start(&variants[i].cfg);
            int line = cpu ? body(cpu) : -1;
            if (getenv("STATS"))
                engine_stats(stderr);
            _exit(line ? 1 : 0);
        }
        int status = 0;
        waitpid(pid, &status, 0);
        if (status) {
            print_error("variant '%s': %s %d\n", variants[i].name, WIFSIGNALED(status) ? "signal" : "failed, exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

#define BODY(name) static void test_##name(void **state) { in_each_variant(name); }
BODY(plain) BODY(faults) BODY(fault_in_string) BODY(poll_interrupt) BODY(self_modifying) BODY(invalidate) BODY(flags_of_new_target)
BODY(deep_recursion) BODY(return_elsewhere) BODY(indirect_jumps) BODY(full_cache) BODY(threads) BODY(forked) BODY(guarded_copies) BODY(trap_flag)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_faults), cmocka_unit_test(test_fault_in_string), cmocka_unit_test(test_poll_interrupt),
        cmocka_unit_test(test_self_modifying), cmocka_unit_test(test_invalidate), cmocka_unit_test(test_flags_of_new_target),
        cmocka_unit_test(test_deep_recursion), cmocka_unit_test(test_return_elsewhere), cmocka_unit_test(test_indirect_jumps),
        cmocka_unit_test(test_full_cache), cmocka_unit_test(test_threads), cmocka_unit_test(test_forked), cmocka_unit_test(test_guarded_copies),
        cmocka_unit_test(test_trap_flag),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
