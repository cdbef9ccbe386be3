/* SPDX-License-Identifier: GPL-2.0-or-later
 * main.c: difftest [--tier 0|1] [--cases N] [--seed N] [--only MNEMONIC] [--verbose]: random instructions with random states on the real
 * processor and through wherry; registers, flags (undefined ones masked), vectors, x87, MXCSR, memory and faults must be equal.
 * Prints each mnemonic that differs with its first case, and ends with 'N passed, N failed', where N counts mnemonics.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "difftest.h"
#include "engine/engine.h"

uint64_t test_fs_base, test_gs_base;
static struct cpu *cpu;

static void on_signal(int sig, siginfo_t *info, void *uc)
{
    if (test_native_signal(sig, info, uc)) return;
    if (engine_host_fault(sig, info, uc) != ENGINE_FAULT_OTHER) return;
    static const char m[] = "difftest: unexpected signal in wherry itself\n";
    if (write(2, m, sizeof m - 1) < 0) _exit(98);
    signal(sig, SIG_DFL);
}

static size_t fetchable(uint64_t pc, size_t want)
{
    uint64_t end = CODE_BASE + CODE_SIZE;
    if (pc < CODE_BASE || pc >= end) return 0;
    return want < end - pc ? want : end - pc;
}
static bool watch(uint64_t page) { return true; }

static void wherry(const struct test_case *c, struct test_result *r)
{
    memcpy((void *)c->window, c->memory, WINDOW);
    memcpy(&cpu->state, &c->in, sizeof c->in);
    enum engine_event e = engine_run(cpu);
    memset(r, 0, offsetof(struct test_result, out));
    r->out = cpu->state;
    r->rflags = x86_rflags(&cpu->state);
    memcpy(r->memory, (void *)c->window, WINDOW);
    switch (e) {
    case ENGINE_BREAKPOINT: r->signal = SIGTRAP; r->code = SI_KERNEL; r->out.pc--; break;
    case ENGINE_ILLEGAL: r->signal = SIGILL; r->code = ILL_ILLOPN; r->fault_address = r->out.pc; break;
    case ENGINE_PRIVILEGED: r->signal = SIGSEGV; r->code = SI_KERNEL; break;
    case ENGINE_FAULT: r->signal = cpu->fault_signal; r->code = cpu->fault_info.si_code; r->fault_address = (uint64_t)cpu->fault_info.si_addr; break;
    default: r->signal = 1000 + (int)e; break;
    }
}

static bool differ(const struct test_case *c, const struct test_result *a, const struct test_result *b, char *why, size_t size)
{
#define CHECK(cond, ...) do { if (!(cond)) { snprintf(why, size, __VA_ARGS__); return true; } } while (0)
    bool stack_fault = a->signal == SIGBUS && a->code == SI_KERNEL && b->signal == SIGSEGV && b->code == SI_KERNEL;  /* #SS: told from #GP above the engine */
    CHECK(a->signal == b->signal || stack_fault, "ends with signal %d code %d, natively %d code %d", b->signal, b->code, a->signal, a->code);
    CHECK(a->out.pc == b->out.pc, "pc %llx, natively %llx", (long long)b->out.pc, (long long)a->out.pc);
    if (!c->any_address && (a->signal == SIGSEGV || a->signal == SIGBUS))
        CHECK(a->fault_address == b->fault_address, "fault address %llx, natively %llx", (long long)b->fault_address, (long long)a->fault_address);
    static const char *const name[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
    for (int i = 0; i < 16; i++) CHECK(a->out.gpr[i] == b->out.gpr[i], "%s %llx, natively %llx", name[i], (long long)b->out.gpr[i], (long long)a->out.gpr[i]);
    uint32_t fm = a->signal == SIGTRAP ? c->flags_mask : c->flags_mask & ~0u;
    CHECK(((a->rflags ^ b->rflags) & fm) == 0, "flags %llx, natively %llx, mask %x", (long long)b->rflags, (long long)a->rflags, fm);
    for (int i = 0; i < 16; i++) CHECK(!memcmp(&a->out.zmm[i], &b->out.zmm[i], 16), "xmm%d %016llx%016llx, natively %016llx%016llx (was %016llx%016llx)", i,
        (long long)b->out.zmm[i].u64[1], (long long)b->out.zmm[i].u64[0], (long long)a->out.zmm[i].u64[1], (long long)a->out.zmm[i].u64[0], (long long)c->in.zmm[i].u64[1], (long long)c->in.zmm[i].u64[0]);
    CHECK(a->out.mxcsr == b->out.mxcsr, "mxcsr %x, natively %x (was %x)", b->out.mxcsr, a->out.mxcsr, c->in.mxcsr);
    CHECK(a->out.fcw == b->out.fcw, "fcw %x, natively %x", b->out.fcw, a->out.fcw);
    CHECK(a->out.fsw == b->out.fsw, "fsw %x, natively %x (was %x)", b->out.fsw, a->out.fsw, c->in.fsw);
    CHECK(a->out.ftw == b->out.ftw, "ftw %x, natively %x (was %x)", b->out.ftw, a->out.ftw, c->in.ftw);
    for (int i = 0; i < 8; i++) CHECK(a->out.st[i].mantissa == b->out.st[i].mantissa && a->out.st[i].sign_exp == b->out.st[i].sign_exp,
        "x87 register %d %04x:%016llx, natively %04x:%016llx", i, b->out.st[i].sign_exp, (long long)b->out.st[i].mantissa, a->out.st[i].sign_exp, (long long)a->out.st[i].mantissa);
    for (int i = 0; i < WINDOW; i++) if (c->window + (unsigned)i - c->ignore >= c->ignore_size) CHECK(a->memory[i] == b->memory[i], "memory at %llx: %02x, natively %02x (was %02x)", (long long)c->window + i, b->memory[i], a->memory[i], c->memory[i]);
    return false;
}

static void describe(const struct test_case *c, const char *why)
{
    printf("FAIL %s:", c->text);
    for (unsigned i = 0; i < c->length; i++) printf(" %02x", c->bytes[i]);
    printf(": %s\n", why);
}

static void registers(const struct test_case *c)
{
    for (int i = 0; i < 16; i++) printf("  r%-2d %016llx%s", i, (long long)c->in.gpr[i], i % 4 == 3 ? "\n" : "");
    printf("  flags %llx mxcsr %x fcw %x fsw %x ftw %x pc %llx\n", (long long)x86_rflags(&c->in), c->in.mxcsr, c->in.fcw, c->in.fsw, c->in.ftw, (long long)c->pc);
    for (int i = 0; i < 16; i++) printf("  xmm%-2d %016llx%016llx%s", i, (long long)c->in.zmm[i].u64[1], (long long)c->in.zmm[i].u64[0], i % 2 ? "\n" : "");
}

static void init(int tier)
{
    static uint8_t altstack[1 << 17];
    stack_t ss = { .ss_sp = altstack, .ss_size = sizeof altstack };
    sigaltstack(&ss, NULL);
    struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGUSR2 };
    for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++) sigaction(sigs[i], &sa, NULL);
    if (mmap((void *)CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)CODE_BASE
        || mmap((void *)DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)DATA_BASE
        || mmap((void *)EDGE_BASE, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)EDGE_BASE) { perror("difftest: mmap"); exit(1); }
    memset((void *)CODE_BASE, 0xcc, CODE_SIZE);
    mprotect((void *)(DATA_BASE + DATA_RW), DATA_SIZE - DATA_RW, PROT_READ);
    struct engine_config cfg = { .tier = tier, .fetchable = fetchable, .watch = watch };
    if (engine_init(&cfg)) { perror("difftest: engine"); exit(1); }
    cpu = cpu_create();
    cpu_set_current(cpu);
    syscall(SYS_arch_prctl, 0x1003, &test_fs_base);
    syscall(SYS_arch_prctl, 0x1004, &test_gs_base);
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "tier", 1, 0, 't' }, { "cases", 1, 0, 'c' }, { "seed", 1, 0, 's' }, { "only", 1, 0, 'o' }, { "verbose", 0, 0, 'v' }, { "all", 0, 0, 'a' }, { 0 } };
    int tier = 1, o; long cases = 200000; uint64_t seed = 1; const char *only = NULL; bool verbose = false, all = false;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) switch (o) {
        case 't': tier = atoi(optarg); break; case 'c': cases = atol(optarg); break; case 's': seed = strtoull(optarg, NULL, 0); break;
        case 'o': only = optarg; break; case 'v': verbose = true; break; case 'a': all = true; break; default: return 2; }
    setvbuf(stdout, NULL, _IOLBF, 0);
    init(tier);
    test_seed(seed);
    unsigned n = test_make_forms(only);
    if (!n) { fprintf(stderr, "difftest: nothing to test\n"); return 2; }
    unsigned *bad = calloc(n, sizeof *bad), *done = calloc(n, sizeof *done);
    static struct test_case c; static struct test_result a, b; char why[400];
    uint64_t slot = 0, n_slots = (CODE_SIZE - 0x4000) / 64;
    long run = 0;
    for (long i = 0; run < cases && i < cases * 30; i++) {
        unsigned k = (unsigned)(i % n);
        c.pc = CODE_BASE + 0x2000 + slot * 64 + test_below(16);
        if (!test_generate(&c, k)) continue;
        engine_invalidate(c.pc, 16);                     /* an earlier branch may have landed here */
        memcpy((void *)c.pc, c.bytes, 16);
        memset((void *)(EDGE_BASE + 3000), 0, 1096);
        test_native(&c, &a);
        memset((void *)(EDGE_BASE + 3000), 0, 1096);
        if (c.mnemonic != ZYDIS_MNEMONIC_POPF && c.mnemonic != ZYDIS_MNEMONIC_POPFQ) { c.in.id = a.out.id; c.in.nt = a.out.nt; }   /* as the processor had them */
        wherry(&c, &b);
        memset((void *)c.pc, 0xcc, 16);
        if (++slot == n_slots) slot = 0;
        engine_invalidate(c.pc, 16);
        run++; done[k]++;
        if (differ(&c, &a, &b, why, sizeof why)) { if (!bad[k]++ || all) { describe(&c, why); if (verbose) registers(&c); } }
    }
    unsigned passed = 0, failed = 0;
    for (unsigned k = 0; k < n; k++) if (bad[k]) failed++; else if (done[k]) passed++;
    fprintf(stderr, "difftest: tier %d, %ld cases, %u mnemonics\n", tier, run, n);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
