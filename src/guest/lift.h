/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift.h: guest code to IR, one block at a time. The semantics of x86 live behind this header and nowhere else.
 */
#ifndef GUEST_LIFT_H
#define GUEST_LIFT_H
#include "ir/ir.h"

struct x86_lift_config {
    unsigned max_insns;          /* guest instructions per block, 1.. */
    unsigned max_conditional;    /* conditional branches a block goes on after (superblock), 0.. */
    /* how many bytes at pc may be read as code (executable for the guest): 0 if none. Bytes are read from guest memory directly. */
    size_t (*fetchable)(void *ctx, uint64_t pc, size_t want);
    void *ctx;
    bool exact_exits;            /* exits say which flags their targets read, even where the block has stored none */
    bool later_exits;            /* x86_lift_exits will be called, if the block is translated: until then they say all */
};
/* Lift the block that starts at pc. Always gives a block that ends in an exit or trap: an unsupported or invalid
 * instruction ends it with TRAP ILLEGAL at its own address (TRAP DECODE when bytes are missing). The block is verified in debug builds, not optimized. */
void x86_lift(const struct x86_lift_config *cfg, uint64_t pc, struct ir_block *b);
/* Exits of a block that was lifted with later_exits: which flags their targets read. */
void x86_lift_exits(const struct x86_lift_config *cfg, struct ir_block *b);
/* IR_F_* mask of the flags that code at pc may read before it writes them, by a short look ahead (conservative: all). */
unsigned x86_flags_live_in(const struct x86_lift_config *cfg, uint64_t pc);
/* length of the instruction at the bytes, or 0; text is optional Intel-syntax disassembly */
unsigned x86_disassemble(const uint8_t *bytes, size_t n, uint64_t pc, char *text, size_t text_size);

struct x86_state;
/* The memory access of the instruction at the bytes has failed; refused_address: not for its page (not canonical, or misaligned). */
enum x86_fault_kind { X86_FAULT_PLAIN, X86_FAULT_STACK /* #SS, not #GP */, X86_FAULT_X87 /* #MF was pending and comes first */ };
enum x86_fault_kind x86_fault_kind(const struct x86_state *s, const uint8_t *bytes, size_t n, bool refused_address);
/* Does the instruction at the bytes have a memory operand at an address that is not canonical? For hosts that tell 0 then (emulated ones). */
bool x86_address_refused(const struct x86_state *s, const uint8_t *bytes, size_t n);
/* Does the instruction at the bytes write a memory operand that the byte at addr belongs to? For hosts that don't tell stores from loads. */
bool x86_stores_at(const struct x86_state *s, const uint8_t *bytes, size_t n, uint64_t addr);

/* cpuid: MODEL names of -cpu ("max", "qemu64", "x86-64-v2", ...); 0, or -1 for an unknown model (x86_cpu_models lists them) */
int x86_cpuid_select(const char *model);
extern const char *const x86_cpu_models[];
/* What the host is fast at, so that the largest model has it: X86_FAST_*. Called before the guest starts. */
enum { X86_FAST_AES = 1, X86_FAST_PCLMUL = 2, X86_FAST_SHA = 4 };
void x86_cpuid_fast(unsigned what);
void x86_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* Which guest state is best kept in host registers, most wanted first. */
struct guest_slot { uint16_t offset; uint8_t type; const char *name; };   /* IR_I64 or IR_V128 */
extern const struct guest_slot x86_slots[]; extern const unsigned x86_n_slots;
#endif
