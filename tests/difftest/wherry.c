/* SPDX-License-Identifier: GPL-2.0-or-later
 * wherry.c: the memory that cases run in, and a case through the engine. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <unistd.h>
#include "difftest.h"
#include "engine/internal.h"

uint64_t test_fs_base, test_gs_base;
bool test_exact_flags;
const struct test_case *volatile test_running;
static struct cpu *cpu;

static void *host_pc(void *uc)
{
#ifdef TEST_NATIVE
    return (void *)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
#else
    return NULL;
#endif
}

/* Only async-signal-safe calls: wherry is about to die. */
static void report_crash(int sig, const siginfo_t *info, void *uc)
{
    char m[300];
    const struct test_case *c = test_running;
    int n = snprintf(m, sizeof m, "FAIL wherry itself got signal %d at address %p, code %p, running", sig, info->si_addr, host_pc(uc));
    for (unsigned i = 0; c && i < c->length && n < 290; i++) n += snprintf(m + n, sizeof m - (size_t)n, " %02x", c->bytes[i]);
    m[n++] = '\n';
    if (write(1, m, (size_t)n) < 0) _exit(98);
}

static void on_signal(int sig, siginfo_t *info, void *uc)
{
#ifdef TEST_NATIVE
    if (test_native_signal(sig, info, uc)) return;
#endif
    if (engine_host_fault(sig, info, uc) != ENGINE_FAULT_OTHER) return;
    report_crash(sig, info, uc);
    signal(sig, SIG_DFL);
}

static size_t fetchable(uint64_t pc, size_t want)
{
    uint64_t end = CODE_BASE + CODE_SIZE;
    if (pc < CODE_BASE || pc >= end) return 0;
    return want < end - pc ? want : end - pc;
}
static bool watch(uint64_t page) { return true; }

static void map(uint64_t at, uint64_t size, int prot)
{
    if (mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)at) { perror("difftest: mmap"); exit(1); }
}

void test_wherry_init(int tier, unsigned options)
{
    static uint8_t altstack[1 << 17];
    stack_t ss = { .ss_sp = altstack, .ss_size = sizeof altstack };
    sigaltstack(&ss, NULL);
    struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGUSR2 };
    for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++) sigaction(sigs[i], &sa, NULL);
    map(CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    map(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE);
    map(EDGE_BASE, EDGE_SIZE, PROT_READ | PROT_WRITE);
    memset((void *)CODE_BASE, 0xcc, CODE_SIZE);
    mprotect((void *)(DATA_BASE + DATA_RW), DATA_SIZE - DATA_RW, PROT_READ);
    test_exact_flags = options & TEST_EXACT_FLAGS;
    struct engine_config cfg = { .tier = tier, .fetchable = fetchable, .watch = watch, .exact_flags = test_exact_flags, .self_check = options & TEST_SELF_CHECK,
        .cache_size = 16 << 20, .eager = true, .tier2_threshold = tier == 2 };
    if (engine_init(&cfg)) { perror("difftest: engine"); exit(1); }
    cpu = cpu_create();
    cpu_set_current(cpu);
    for (unsigned i = 0; tier == 2 && !(options & TEST_INEXACT) && i < sizeof sigs / sizeof *sigs; i++) engine_guest_handles(sigs[i]);
#ifdef TEST_NATIVE
    syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &test_fs_base);
    syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &test_gs_base);
#endif
}

uint64_t test_wherry_regions(void)
{
    uint64_t sum[CPU_COUNTERS];
    engine_sum_counters(sum);
    return sum[STAT_REGIONS];
}

void test_wipe_edge(void) { memset((void *)(EDGE_BASE + EDGE_SIZE - 2048), 0, 2048); }

void test_wherry_reset(void)
{
    memset((void *)CODE_BASE, 0xcc, CODE_SIZE);
    engine_invalidate(CODE_BASE, CODE_SIZE);
}

static void on_alarm(int sig) { if (test_running) cpu_interrupt(cpu); }

void test_wherry_limit(unsigned milliseconds)
{
    struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_ONSTACK | SA_RESTART };
    struct itimerval every = { { 0, (suseconds_t)milliseconds * 1000 }, { 0, (suseconds_t)milliseconds * 1000 } };
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

void test_wherry(const struct test_case *c, struct test_result *r)
{
    test_running = c;
    test_wipe_edge();
    memcpy((void *)WINDOW_AT, c->memory, WINDOW);
    memcpy(&cpu->state, &c->in, sizeof c->in);
    engine_invalidate(c->pc, sizeof c->bytes);           /* an earlier branch may have landed here */
    memcpy((void *)c->pc, c->bytes, sizeof c->bytes);
    memset(cpu->heat, 0, sizeof cpu->heat);
    enum engine_event e = engine_run(cpu);
    memset((void *)c->pc, 0xcc, sizeof c->bytes);
    engine_invalidate(c->pc, sizeof c->bytes);
    memset(r, 0, offsetof(struct test_result, out));
    r->out = cpu->state;
    r->rflags = x86_rflags(&cpu->state);
    memcpy(r->memory, (void *)WINDOW_AT, WINDOW);
    switch (e) {
    case ENGINE_BREAKPOINT: r->signal = SIGTRAP; r->code = SI_KERNEL; r->out.pc--; break;
    case ENGINE_ILLEGAL: r->signal = SIGILL; r->code = ILL_ILLOPN; r->fault_address = r->out.pc; break;
    case ENGINE_PRIVILEGED: r->signal = SIGSEGV; break;          /* code 0: no access has failed */
    case ENGINE_FAULT: r->signal = cpu->fault_signal; r->code = cpu->fault_info.si_code; r->fault_address = (uint64_t)cpu->fault_info.si_addr; break;
    default: r->signal = 1000 + (int)e; break;
    }
    test_running = NULL;
}
