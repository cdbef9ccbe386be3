/* SPDX-License-Identifier: GPL-2.0-or-later
 * run.c: a guest thread's loop: run the engine, act on what it stopped for, deliver signals; and the end of the process.
 * Traps become signals as Linux makes them: arch/x86's exception table, SDM vol. 3 chapter 6, sigaction(2) for si_code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine/log.h"
#include "guest/lift.h"
#include "guest/lift.h"
#include "linux/hostcall.h"
#include "linux/memory.h"
#include "linux/sighand.h"

enum { TRAP_DE = 0, TRAP_DB = 1, TRAP_BP = 3, TRAP_OF = 4, TRAP_UD = 6, TRAP_SS = 12, TRAP_GP = 13, TRAP_PF = 14, TRAP_MF = 16, TRAP_XM = 19, TRAP_AC = 17 };
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_FETCH = 16 };

static void force(struct cpu *cpu, int sig, int code, uint64_t addr, unsigned trapno, uint64_t err)
{
    struct linux_thread *t = cpu->os;
    siginfo_t info = { .si_signo = sig, .si_code = code };
    info.si_addr = (void *)(uintptr_t)addr;
    t->signals->trapno = trapno;
    t->signals->err = err;
    linux_force_signal(cpu, &info);
}

static size_t code_at_pc(struct cpu *cpu, uint8_t bytes[15])
{
    size_t n = 15;
    while (n && engine_copy_from(bytes, cpu->state.pc, n)) n--;
    return n;
}

/* Did the guest's instruction want to write there? The host's fault is that of a load where an operation on memory is several host
 * instructions, and emulated hosts don't tell stores from loads. */
static bool is_store(struct cpu *cpu, uint64_t addr)
{
    const struct linux_thread *t = cpu->os;
    uint8_t bytes[15];
    if (t->signals->fault >= 0 && t->signals->fault & PF_WRITE) return true;
    size_t n = code_at_pc(cpu, bytes);
    return n && x86_stores_at(&cpu->state, bytes, n, addr);
}

/* SIGBUS of a page behind its file's end, but its protection is looked at first. */
static bool is_protected(struct cpu *cpu, uint64_t addr)
{
    int prot = linux_page_prot(addr);
    return prot >= 0 && !(prot & PROT_WRITE) && is_store(cpu, addr);
}

/* The page-fault error code */
static uint64_t fault_error(struct cpu *cpu, uint64_t addr)
{
    const struct linux_thread *t = cpu->os;
    int prot = linux_page_prot(addr);
    uint64_t present = prot > 0 ? PF_PRESENT : 0;
    if (addr == cpu->state.pc && !(prot > 0 && (prot & PROT_EXEC))) return PF_USER | PF_FETCH | present;
    int there = prot > 0 ? linux_page_present(addr) : 0;        /* not every host tells what isn't there from what is forbidden */
    if (t->signals->fault >= 0) present = there >= 0 ? (unsigned)there : t->signals->fault & PF_PRESENT;
    return PF_USER | present | (is_store(cpu, addr) ? PF_WRITE : 0);
}

static enum x86_fault_kind fault_kind(struct cpu *cpu, bool refused_address)
{
    uint8_t bytes[15];
    size_t n = code_at_pc(cpu, bytes);
    return n ? x86_fault_kind(&cpu->state, bytes, n, refused_address) : X86_FAULT_PLAIN;
}

/* Other hosts have wider addresses, and tell a plain page fault. */
static bool is_canonical(uint64_t addr) { return (int64_t)(addr << 16) >> 16 == (int64_t)addr; }

/* An emulated host says 0 where its own host's address is not canonical: look what the instruction asked for. */
static bool lost_address(struct cpu *cpu, uint64_t addr)
{
#ifdef __x86_64__
    return false;
#else
    uint8_t bytes[15];
    size_t n = addr ? 0 : code_at_pc(cpu, bytes);
    return n && x86_address_refused(&cpu->state, bytes, n);
#endif
}

/* bits IE DE ZE OE UE PE */
static int x87_code(unsigned flags)
{
    return flags & 1 ? FPE_FLTINV : flags & 4 ? FPE_FLTDIV : flags & 8 ? FPE_FLTOVF : flags & (2 | 16) ? FPE_FLTUND : FPE_FLTRES;
}

static void fault(struct cpu *cpu)
{
    struct linux_thread *t = cpu->os;
    int sig = cpu->fault_signal, code = cpu->fault_info.si_code;
    uint64_t addr = (uintptr_t)cpu->fault_info.si_addr;
    switch (sig) {
    case SIGFPE:
        force(cpu, sig, code, addr, code == FPE_INTDIV ? TRAP_DE : TRAP_XM, 0);
        return;
    case SIGILL: force(cpu, sig, code, addr, TRAP_UD, 0); return;
    case SIGTRAP: force(cpu, sig, code, addr, TRAP_DB, 0); return;
    case SIGBUS:
        if (code == BUS_ADRALN) force(cpu, sig, code, 0, TRAP_AC, 0);
        else {
            bool protected = is_protected(cpu, addr);
            t->signals->cr2 = addr;
            force(cpu, protected ? SIGSEGV : sig, protected ? SEGV_ACCERR : code, addr, TRAP_PF, fault_error(cpu, addr));
        }
        return;
    }
    bool refused = code == SI_KERNEL || !is_canonical(addr) || lost_address(cpu, addr);
    enum x86_fault_kind kind = fault_kind(cpu, refused);
    if (kind == X86_FAULT_X87) {
        force(cpu, SIGFPE, x87_code(cpu->state.fsw & ~cpu->state.fcw & 63u), cpu->state.pc, TRAP_MF, 0);
        return;
    }
    if (refused) {                             /* not canonical, or misaligned vectors: #SS or #GP */
        if (kind == X86_FAULT_STACK) force(cpu, SIGBUS, SI_KERNEL, 0, TRAP_SS, 0);
        else force(cpu, SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0);
        return;
    }
    t->signals->cr2 = addr;
    force(cpu, SIGSEGV, linux_segv_code(addr), addr, TRAP_PF, fault_error(cpu, addr));
}

static void illegal(struct cpu *cpu) {
    uint64_t pc = cpu->state.pc;
    if (log_on(LOG_UNIMP)) {
        uint8_t bytes[15];
        char hex[3 * sizeof bytes + 1] = "", text[96] = "";
        size_t n = linux_fetchable(pc, sizeof bytes);
        if (n > sizeof bytes || engine_copy_from(bytes, pc, n)) n = 0;
        unsigned length = x86_disassemble(bytes, n, pc, text, sizeof text);
        for (size_t i = 0; i < (length ? length : n); i++) sprintf(hex + 3 * i, "%02x ", bytes[i]);
        log_printf("unimp: illegal instruction at %012llx: %s %s\n", (unsigned long long)pc, hex, text);
    }
    force(cpu, SIGILL, ILL_ILLOPN, pc, TRAP_UD, 0);
}

static void act(struct cpu *cpu, enum engine_event event)
{
    uint64_t pc = cpu->state.pc;
    switch (event) {
    case ENGINE_SYSCALL: linux_syscall(cpu); break;
    case ENGINE_SYSCALL32:                     /* as a kernel without IA32 emulation: INT 0x80 is a refused instruction of 2 bytes */
        cpu->state.pc -= 2;
        force(cpu, SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0x402);
        break;
    case ENGINE_BREAKPOINT: force(cpu, SIGTRAP, SI_KERNEL, 0, TRAP_BP, 0); break;
    case ENGINE_SINGLE_STEP: force(cpu, SIGTRAP, TRAP_TRACE, pc, TRAP_DB, 0); break;
    case ENGINE_ILLEGAL: illegal(cpu); break;
    case ENGINE_PRIVILEGED: force(cpu, SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0); break;
    case ENGINE_OVERFLOW: force(cpu, SIGSEGV, SI_KERNEL, 0, TRAP_OF, 0); break;
    case ENGINE_FAULT: fault(cpu); break;
    case ENGINE_INTERRUPT: break;
    }
}

void linux_run(struct cpu *cpu)
{
    struct linux_thread *t = cpu->os;
    for (;;) {
        act(cpu, engine_run(cpu));
        if (t->exiting) break;
        if (t->pending) linux_deliver_pending(cpu);
        t->restart = 0;
    }
}

void linux_exit_group(int status)
{
    struct linux_thread *t = linux_current();
    if (!t || !t->vfork_child) {
        if (linux_process.config.stats) engine_stats(stderr);
        if (log_file && log_file != stderr) fflush(log_file);
    }
    for (;;) syscall(SYS_exit_group, status);
}
