/* SPDX-License-Identifier: GPL-2.0-or-later
 * native.c: one instruction on the real processor. Registers are loaded by returning from a signal handler with a changed
 * context, and read in the handler of the INT3 or fault that follows. fs and gs keep the host's bases: the case's state uses the same values. */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "difftest.h"

static volatile bool running;
static const struct test_case *current;
static struct test_result *result;
static gregset_t saved_regs;
static uint8_t saved_fp[512];
static volatile bool starting;

static const int greg_of[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                 REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

static void load_state(ucontext_t *uc, const struct test_case *c)
{
    greg_t *g = uc->uc_mcontext.gregs;
    for (int i = 0; i < 16; i++) g[greg_of[i]] = (greg_t)c->in.gpr[i];
    g[REG_RIP] = (greg_t)c->pc;
    g[REG_EFL] = (greg_t)x86_rflags(&c->in);
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    uint8_t image[512] = { 0 };
    x86_fxsave(&c->in, image);
    memcpy(fp, image, 28);                   /* up to MXCSR */
    memcpy(fp + 32, image + 32, 384);        /* st and xmm */
    uint32_t magic; memcpy(&magic, fp + 464, 4);
    if (magic == 0x46505853) { uint64_t bv; memcpy(&bv, fp + 512, 8); bv |= 3; memcpy(fp + 512, &bv, 8); }
}

static void read_state(const ucontext_t *uc, struct test_result *r)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    r->out = current->in;
    uint8_t image[512];
    memcpy(image, uc->uc_mcontext.fpregs, 512);
    uint32_t mxcsr; memcpy(&mxcsr, image + 24, 4);
    mxcsr &= 0xffff; memcpy(image + 24, &mxcsr, 4);
    x86_fxrstor(&r->out, image);
    for (int i = 0; i < 16; i++) r->out.gpr[i] = (uint64_t)g[greg_of[i]];
    r->out.pc = (uint64_t)g[REG_RIP];
    r->rflags = (uint64_t)g[REG_EFL];
    x86_set_rflags(&r->out, r->rflags);
}

bool test_native_signal(int sig, void *info_, void *uc_)
{
    siginfo_t *info = info_; ucontext_t *uc = uc_;
    if (!running) return false;
    if (starting && sig == SIGUSR2) {
        starting = false;
        memcpy(saved_regs, uc->uc_mcontext.gregs, sizeof saved_regs);
        memcpy(saved_fp, uc->uc_mcontext.fpregs, 512);
        load_state(uc, current);
        return true;
    }
    read_state(uc, result);
    result->signal = sig; result->code = info->si_code; result->fault_address = (uint64_t)info->si_addr;
    if (sig == SIGTRAP && info->si_code == SI_KERNEL) result->out.pc--;       /* INT3 */
    memcpy(uc->uc_mcontext.gregs, saved_regs, sizeof saved_regs);
    memcpy(uc->uc_mcontext.fpregs, saved_fp, 464);
    running = false;
    return true;
}

void test_native(const struct test_case *c, struct test_result *r)
{
    current = c; result = r;
    memcpy((void *)WINDOW_AT, c->memory, WINDOW);
    starting = true; running = true;
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
    memcpy(r->memory, (void *)WINDOW_AT, WINDOW);
}
