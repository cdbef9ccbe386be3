/* SPDX-License-Identifier: GPL-2.0-or-later
 * context.c: a signal's ucontext_t, one section for each processor. Kernel: arch/.../include/uapi/asm/{ucontext,sigcontext,ptrace}.h;
 * ELF V2 ABI for POWER 2.3.2.1 (a function's address is in r12 at its global entry).
 */
#include "host/context.h"
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

enum { BELOW = 512 };                  /* red zones: 128 bytes on x86-64, 288 on POWER, which also wants a caller's frame of 32 */

#if defined __x86_64__

#define PC(uc) (uc)->uc_mcontext.gregs[REG_RIP]
#define SP(uc) (uc)->uc_mcontext.gregs[REG_RSP]
static void set_entry(ucontext_t *uc, uint64_t fn) {}
int host_context_fault(const void *uc) { return ((const ucontext_t *)uc)->uc_mcontext.gregs[REG_ERR] & 3; }

#elif defined __aarch64__

#define PC(uc) (uc)->uc_mcontext.pc
#define SP(uc) (uc)->uc_mcontext.sp
static void set_entry(ucontext_t *uc, uint64_t fn) {}

/* The syndrome is one of the records behind the registers; Arm ARM, ESR_ELx for data aborts: WnR, DFSC (permission faults: 0b0011xx). */
static int from_syndrome(uint64_t esr)
{
    return (esr >> 26 & 0x3e) != 0x24 ? -1 : (int)(esr >> 6 & 1) << 1 | ((esr & 0x3c) == 0xc);
}

int host_context_fault(const void *ucontext)
{
    const ucontext_t *uc = ucontext;
    const uint8_t *at = (const uint8_t *)uc->uc_mcontext.__reserved, *end = at + sizeof uc->uc_mcontext.__reserved;
    struct { uint32_t magic, size; uint64_t esr; } record;
    while (at + sizeof record <= end) {
        memcpy(&record, at, sizeof record);
        if (record.magic == 0x45535201)
            return from_syndrome(record.esr);
        if (!record.magic || record.size < 8)
            break;
        at += record.size;
    }
    return -1;
}

#elif defined __powerpc64__

enum { GPR1 = 1, GPR12 = 12, NIP = 32, TRAP = 40, DSISR = 42 };
#define PC(uc) (uc)->uc_mcontext.gp_regs[NIP]
#define SP(uc) (uc)->uc_mcontext.gp_regs[GPR1]
static void set_entry(ucontext_t *uc, uint64_t fn) { uc->uc_mcontext.gp_regs[GPR12] = fn; }

/* Power ISA book III, DSISR of a data storage interrupt (0x300): 0x02000000 marks a store, 0x08000000 a protection */
int host_context_fault(const void *ucontext)
{
    const ucontext_t *uc = ucontext;
    if ((uc->uc_mcontext.gp_regs[TRAP] & ~0xful) != 0x300 || !uc->uc_mcontext.gp_regs[DSISR])
        return -1;
    uint64_t dsisr = uc->uc_mcontext.gp_regs[DSISR];
    return (dsisr & 0x02000000 ? 2 : 0) | (dsisr & 0x08000000 ? 1 : 0);
}

#else
#error "host/context.c needs a section for this processor"
#endif

uint64_t host_context_pc(const void *uc) { return (uint64_t)PC((const ucontext_t *)uc); }
void host_context_set_pc(void *uc, uint64_t pc) { PC((ucontext_t *)uc) = pc; }
uint64_t host_context_sp(const void *uc) { return (uint64_t)SP((const ucontext_t *)uc); }
void host_context_set_sp(void *uc, uint64_t sp) { SP((ucontext_t *)uc) = sp; }

void host_context_go_to(void *ucontext, void (*fn)(void))
{
    host_context_set_sp(ucontext, (host_context_sp(ucontext) - BELOW) & ~63ull);
    host_context_set_pc(ucontext, (uint64_t)(uintptr_t)fn);
    set_entry(ucontext, (uint64_t)(uintptr_t)fn);
}
