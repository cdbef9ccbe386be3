/* SPDX-License-Identifier: GPL-2.0-or-later
 * state.h: the registers of one x86-64 processor, as IR's GET and PUT address them: by byte offset from the start of
 * this structure. It stands first in struct cpu (engine/cpu.h). Manual: Intel SDM volume 1, chapter 3, 8, 10.
 */
#ifndef GUEST_STATE_H
#define GUEST_STATE_H
#include <stddef.h>
#include <stdint.h>

enum x86_reg { X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
               X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15 };

union x86_vec { uint64_t u64[8]; uint32_t u32[16]; uint16_t u16[32]; uint8_t u8[64]; float f32[16]; double f64[8]; } __attribute__((aligned(64)));
struct x86_f80 { uint64_t mantissa; uint16_t sign_exp; uint16_t pad[3]; };   /* 16 bytes */

struct x86_state {
    uint64_t gpr[16];            /* by number: rax rcx rdx rbx rsp rbp rsi rdi r8.. */
    uint64_t pc;                 /* exact whenever the engine or a helper looks */
    uint16_t flags;              /* O S Z A P C in the IR's packed layout (ir/ir.h) */
    uint8_t df;                  /* direction flag: 0 or 1 */
    uint8_t ac, id, nt, tf, pad0;/* the other flags that user mode can write: 0 or 1 */
    uint64_t fs_base, gs_base;
    uint32_t mxcsr;              /* fp control; a host may keep the live value in its own register while translated code runs */
    uint32_t pad1;
    uint64_t kmask[8];           /* AVX-512 masks (later) */
    /* x87: physical registers; ST(i) = st[(top + i) & 7] */
    struct x86_f80 st[8] __attribute__((aligned(16)));
    uint16_t fcw, fsw;           /* fsw holds the top in bits 11..13 */
    uint8_t ftw;                 /* abridged tags as FXSAVE: bit i = physical register i is in use */
    uint8_t pad2[1];
    uint16_t fop;
    uint64_t fip, fdp;
    union x86_vec zmm[32];       /* xmm i = the low 16 bytes of zmm[i] */
    uint16_t seg[6];             /* selectors es cs ss ds fs gs as the guest sees them */
};

#define X86_OFF(field) ((unsigned)offsetof(struct x86_state, field))
#define X86_GPR(n) ((unsigned)(offsetof(struct x86_state, gpr) + 8 * (n)))
#define X86_XMM(n) ((unsigned)(offsetof(struct x86_state, zmm) + 64 * (n)))

/* reset state of a new Linux process: everything zero but fcw 0x37f, mxcsr 0x1f80, segment selectors */
void x86_state_init(struct x86_state *s);
/* EFLAGS image (SDM vol. 1, 3.4.3; bit 1 and IF set) from the state, and back (only what user mode may change) */
uint64_t x86_rflags(const struct x86_state *s);
void x86_set_rflags(struct x86_state *s, uint64_t rflags);
/* Leave the current guest instruction from inside a helper; provided by the engine. pc is exact, and nothing of the instruction is committed. */
void x86_gp_fault(void *state) __attribute__((noreturn));                /* #GP: SIGSEGV, SI_KERNEL, address 0 */
/* #MF: SIGFPE; exceptions = the unmasked ones that are pending (bits IE DE ZE OE UE PE as in fsw), si_code follows from them */
void x86_fp_fault(void *state, unsigned exceptions) __attribute__((noreturn));
/* 512-byte FXSAVE image (SDM vol. 1, 10.5.1), 64-bit form */
void x86_fxsave(const struct x86_state *s, void *image512);
/* 0, or -1 when the image's MXCSR has reserved bits set (nothing is changed then) */
int x86_fxrstor(struct x86_state *s, const void *image512);
#endif
