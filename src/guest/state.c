/* SPDX-License-Identifier: GPL-2.0-or-later
 * state.c: the guest state as a whole: its start, the EFLAGS image, and the order in which hosts should map it.
 * Manual: Intel SDM volume 1, 3.4.3 and 8.1; System V ABI for x86-64, 3.4.1.
 */
#include <string.h>
#include "guest/lift.h"
#include "guest/state.h"

enum { EFLAGS_C = 1 << 0, EFLAGS_FIXED = 1 << 1, EFLAGS_P = 1 << 2, EFLAGS_A = 1 << 4, EFLAGS_Z = 1 << 6, EFLAGS_S = 1 << 7,
       EFLAGS_TF = 1 << 8, EFLAGS_IF = 1 << 9, EFLAGS_DF = 1 << 10, EFLAGS_O = 1 << 11, EFLAGS_NT = 1 << 14,
       EFLAGS_AC = 1 << 18, EFLAGS_ID = 1 << 21 };

enum { USER_CS = 0x33, USER_SS = 0x2b };

void x86_state_init(struct x86_state *s)
{
    memset(s, 0, sizeof *s);
    s->fcw = 0x37f;
    s->mxcsr = 0x1f80;
    s->seg[1] = USER_CS;
    s->seg[2] = USER_SS;
}

/* The upper byte of the packed word has S Z A P C where the low byte of EFLAGS has them. */
uint64_t x86_rflags(const struct x86_state *s)
{
    uint64_t f = EFLAGS_FIXED | EFLAGS_IF;
    f |= (s->flags & IR_FLAGS_WORD) >> 8;
    f |= s->flags & IR_FLAG_O ? EFLAGS_O : 0;
    f |= s->tf ? EFLAGS_TF : 0;
    f |= s->df ? EFLAGS_DF : 0;
    f |= s->nt ? EFLAGS_NT : 0;
    f |= s->ac ? EFLAGS_AC : 0;
    f |= s->id ? EFLAGS_ID : 0;
    return f;
}

void x86_set_rflags(struct x86_state *s, uint64_t rflags)
{
    s->flags = (uint16_t)((rflags << 8 & IR_FLAGS_WORD) | (rflags & EFLAGS_O ? IR_FLAG_O : 0));
    s->tf = (rflags & EFLAGS_TF) != 0;
    s->df = (rflags & EFLAGS_DF) != 0;
    s->nt = (rflags & EFLAGS_NT) != 0;
    s->ac = (rflags & EFLAGS_AC) != 0;
    s->id = (rflags & EFLAGS_ID) != 0;
}

/* The first thirteen fit an x86-64 host. */
#define GPR(N, name) { X86_GPR(N), IR_I64, name }
#define XMM(n) { X86_XMM(n), IR_V128, "xmm" #n }
const struct guest_slot x86_slots[] = {
    GPR(X86_RAX, "rax"), GPR(X86_RCX, "rcx"), GPR(X86_RDX, "rdx"), GPR(X86_RBX, "rbx"), GPR(X86_RSP, "rsp"), GPR(X86_RBP, "rbp"),
    GPR(X86_RSI, "rsi"), GPR(X86_RDI, "rdi"), GPR(X86_R8, "r8"), GPR(X86_R12, "r12"), GPR(X86_R13, "r13"), GPR(X86_R14, "r14"),
    GPR(X86_R9, "r9"), GPR(X86_R15, "r15"), GPR(X86_R10, "r10"), GPR(X86_R11, "r11"),
    XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
    XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
};
const unsigned x86_n_slots = sizeof x86_slots / sizeof x86_slots[0];
