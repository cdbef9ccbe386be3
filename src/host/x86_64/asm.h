/* SPDX-License-Identifier: GPL-2.0-or-later
 * asm.h: the instruction encoder. An opcode is one number: byte, opcode map, mandatory prefix and operand quirks; the operand size is passed
 * beside it. The encoder knows nothing of values and registers' contents. Manual: Intel SDM volume 2, chapter 2.
 *
 *  A1 nobody checks for room per instruction: callers leave ASM_MARGIN bytes before `end` once per IR instruction
 */
#ifndef HOST_X86_64_ASM_H
#define HOST_X86_64_ASM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, NO_REG = 0xff };
enum { ASM_MARGIN = 1024 };

struct asm_buf { uint8_t *p, *start, *end; uint64_t rx; };   /* rx: run-time address of start */

/* opcode = byte | map | mandatory prefix | quirks */
#define OP_0F(b)   (0x100u | (b))
#define OP_0F38(b) (0x200u | (b))
#define OP_0F3A(b) (0x300u | (b))
enum { P_66 = 0x1000, P_F3 = 0x2000, P_F2 = 0x3000, P_MASK = 0x3000,
       RM8 = 0x10000,      /* the r/m operand is a byte register */
       REG8 = 0x20000,     /* so is the other one */
       LOCK = 0x40000 };

enum asm_mem_kind { AT_REGS, AT_STATE, AT_RIP };
struct asm_mem {
    uint8_t kind, base, index, scale;    /* AT_REGS: base + (index << scale) + disp, registers may be NO_REG */
    int32_t disp;                        /* AT_STATE: offset in the guest state (through gs) */
    uint64_t target;                     /* AT_RIP: the address itself */
};
static inline struct asm_mem at_state(int32_t offset) { return (struct asm_mem){ AT_STATE, NO_REG, NO_REG, 0, offset, 0 }; }
static inline struct asm_mem at_reg(unsigned base, int32_t disp) { return (struct asm_mem){ AT_REGS, (uint8_t)base, NO_REG, 0, disp, 0 }; }
static inline struct asm_mem at_rip(uint64_t target) { return (struct asm_mem){ AT_RIP, NO_REG, NO_REG, 0, 0, target }; }

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAL, SH_SAR };
enum cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

static inline uint64_t asm_here(const struct asm_buf *a) { return a->rx + (uint64_t)(a->p - a->start); }
static inline uint32_t asm_offset(const struct asm_buf *a) { return (uint32_t)(a->p - a->start); }
static inline void asm_u8(struct asm_buf *a, unsigned v) { *a->p++ = (uint8_t)v; }
static inline void asm_u16(struct asm_buf *a, unsigned v) { uint16_t x = (uint16_t)v; memcpy(a->p, &x, 2); a->p += 2; }
static inline void asm_u32(struct asm_buf *a, uint32_t v) { memcpy(a->p, &v, 4); a->p += 4; }
static inline void asm_u64(struct asm_buf *a, uint64_t v) { memcpy(a->p, &v, 8); a->p += 8; }

/* the general forms: size 1, 2, 4, 8 of integer instructions; 4, or 8 for REX.W, for the others.
 * imm: bytes of immediate that follow (rip-relative operands count from the instruction's end) */
void asm_rr(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, unsigned rm);
void asm_rm(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, struct asm_mem m, unsigned imm);
void asm_vex_rr(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, unsigned vvvv, unsigned rm);   /* VEX.LZ, BMI forms */

/* integer instructions; those with two forms of opcode (byte and wider) take the wider one's number */
void asm_mov_rr(struct asm_buf *a, unsigned size, unsigned dst, unsigned src);
void asm_load(struct asm_buf *a, unsigned size, unsigned dst, struct asm_mem m);        /* narrow: only the low part of dst */
void asm_store(struct asm_buf *a, unsigned size, struct asm_mem m, unsigned src);
void asm_store_imm(struct asm_buf *a, unsigned size, struct asm_mem m, int32_t v);
void asm_mov_imm(struct asm_buf *a, unsigned dst, uint64_t v);                          /* leaves the flags alone */
void asm_zero(struct asm_buf *a, unsigned dst);                                         /* xor */
void asm_lea(struct asm_buf *a, unsigned size, unsigned dst, struct asm_mem m);
void asm_alu_rr(struct asm_buf *a, enum alu op, unsigned size, unsigned dst, unsigned src);
void asm_alu_rm(struct asm_buf *a, enum alu op, unsigned size, unsigned dst, struct asm_mem src);
void asm_alu_mr(struct asm_buf *a, enum alu op, unsigned size, struct asm_mem dst, unsigned src, bool lock);
void asm_alu_ri(struct asm_buf *a, enum alu op, unsigned size, unsigned dst, int32_t v);
void asm_alu_mi(struct asm_buf *a, enum alu op, unsigned size, struct asm_mem dst, int32_t v, bool lock);
void asm_test_ri(struct asm_buf *a, unsigned size, unsigned reg, int32_t v);
void asm_test_mi(struct asm_buf *a, unsigned size, struct asm_mem m, int32_t v);
void asm_shift_ri(struct asm_buf *a, enum shift op, unsigned size, unsigned dst, unsigned count);
/* one-operand groups: opcode byte f7, ff, d3 and /digit */
void asm_group_r(struct asm_buf *a, unsigned byte, unsigned digit, unsigned size, unsigned rm);
void asm_group_m(struct asm_buf *a, unsigned byte, unsigned digit, unsigned size, struct asm_mem m, unsigned imm, bool lock);
void asm_movzx_rr(struct asm_buf *a, unsigned from, unsigned dst, unsigned src);        /* from 1, 2 or 4 bytes, to 64 bits */
void asm_movzx_rm(struct asm_buf *a, unsigned from, unsigned dst, struct asm_mem m);
void asm_movsx_rr(struct asm_buf *a, unsigned from, unsigned to, unsigned dst, unsigned src);
void asm_movsx_rm(struct asm_buf *a, unsigned from, unsigned to, unsigned dst, struct asm_mem m);
void asm_bswap(struct asm_buf *a, unsigned size, unsigned reg);
void asm_setcc_r(struct asm_buf *a, enum cc cc, unsigned dst);
void asm_setcc_m(struct asm_buf *a, enum cc cc, struct asm_mem m);
void asm_jmp(struct asm_buf *a, uint64_t target);                                       /* rel32 */
void asm_jcc(struct asm_buf *a, enum cc cc, uint64_t target);
uint8_t *asm_jcc_short(struct asm_buf *a, enum cc cc);                                  /* to be patched by asm_here_short */
uint8_t *asm_jmp_short(struct asm_buf *a);
void asm_here_short(struct asm_buf *a, uint8_t *patch);
void asm_nops(struct asm_buf *a, unsigned n);
static inline bool fits_i32(int64_t v) { return v == (int32_t)v; }
/* can code around `here` reach the address by a rip-relative displacement, with room to spare? */
static inline bool asm_reaches(const struct asm_buf *a, uint64_t target)
{
    int64_t d = (int64_t)(target - asm_here(a));
    return d > -0x7f000000ll && d < 0x7f000000ll;
}
#endif
