/* SPDX-License-Identifier: GPL-2.0-or-later
 * asm.h: AArch64 machine code. An instruction is a constant for its operation with register numbers ored in; the functions below fill the
 * fields that need thought. Manual: Arm ARM (DDI 0487), C4 and C6.
 */
#ifndef HOST_AARCH64_ASM_H
#define HOST_AARCH64_ASM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct asm_buf { uint8_t *start, *p, *end; uint64_t rx; };
enum { ASM_MARGIN = 2048 };                       /* bytes that one IR instruction may need */
enum { ZR = 31, SP = 31, LR = 30 };
enum { NOP = 0xd503201f, LDR_LITERAL = 0x58000000 };

enum cond { C_EQ, C_NE, C_CS, C_CC, C_MI, C_PL, C_VS, C_VC, C_HI, C_LS, C_GE, C_LT, C_GT, C_LE, C_AL };

/* register forms; X adds 1 << 31 */
enum {
    A_ADD = 0x0b000000, A_ADDS = 0x2b000000, A_SUB = 0x4b000000, A_SUBS = 0x6b000000,
    A_AND = 0x0a000000, A_BIC = 0x0a200000, A_ORR = 0x2a000000, A_ORN = 0x2a200000, A_EOR = 0x4a000000, A_ANDS = 0x6a000000,
    A_ADC = 0x1a000000, A_ADCS = 0x3a000000, A_SBC = 0x5a000000, A_SBCS = 0x7a000000,
    A_LSLV = 0x1ac02000, A_LSRV = 0x1ac02400, A_ASRV = 0x1ac02800, A_RORV = 0x1ac02c00, A_UDIV = 0x1ac00800, A_SDIV = 0x1ac00c00,
    A_MUL = 0x1b007c00, A_CLZ = 0x5ac01000, A_RBIT = 0x5ac00000, A_REV32 = 0x5ac00800, A_REV16 = 0x5ac00400, A_CRC32C = 0x1ac05000,
    A_CSEL = 0x1a800000, A_CSINC = 0x1a800400,
    A_UBFM = 0x53000000, A_SBFM = 0x13000000, A_BFM = 0x33000000, A_EXTR = 0x13800000,
};
enum shift { LSL, LSR, ASR, ROR };
#define A_X 0x80000000u
#define A_XDUAL(sf) ((sf) ? A_X | 1u << 22 : 0)    /* bit field forms have N = sf */

static inline uint32_t asm_offset(const struct asm_buf *a) { return (uint32_t)(a->p - a->start); }
static inline uint64_t asm_here(const struct asm_buf *a) { return a->rx + asm_offset(a); }
static inline void asm_put(struct asm_buf *a, uint32_t w) { memcpy(a->p, &w, 4); a->p += 4; }

static inline void asm_rrr(struct asm_buf *a, bool x, uint32_t op, unsigned d, unsigned n, unsigned m)
{
    asm_put(a, op | (x ? A_X : 0) | m << 16 | n << 5 | d);
}
static inline void asm_rrs(struct asm_buf *a, bool x, uint32_t op, unsigned d, unsigned n, unsigned m, enum shift how, unsigned by)
{
    asm_put(a, op | (x ? A_X : 0) | (unsigned)how << 22 | m << 16 | by << 10 | n << 5 | d);
}
static inline void asm_rr(struct asm_buf *a, bool x, uint32_t op, unsigned d, unsigned n) { asm_put(a, op | (x ? A_X : 0) | n << 5 | d); }
static inline void asm_mov(struct asm_buf *a, bool x, unsigned d, unsigned m) { asm_rrr(a, x, A_ORR, d, ZR, m); }
static inline void asm_bfm(struct asm_buf *a, bool x, uint32_t op, unsigned d, unsigned n, unsigned immr, unsigned imms)
{
    asm_put(a, op | A_XDUAL(x) | immr << 16 | imms << 10 | n << 5 | d);
}
static inline void asm_ubfx(struct asm_buf *a, bool x, unsigned d, unsigned n, unsigned lsb, unsigned w) { asm_bfm(a, x, A_UBFM, d, n, lsb, lsb + w - 1); }
static inline void asm_sbfx(struct asm_buf *a, bool x, unsigned d, unsigned n, unsigned lsb, unsigned w) { asm_bfm(a, x, A_SBFM, d, n, lsb, lsb + w - 1); }
static inline void asm_bfi(struct asm_buf *a, bool x, unsigned d, unsigned n, unsigned lsb, unsigned w)
{
    unsigned bits = x ? 64 : 32;
    asm_bfm(a, x, A_BFM, d, n, (bits - lsb) % bits, w - 1);
}
static inline void asm_lsl(struct asm_buf *a, bool x, unsigned d, unsigned n, unsigned by)
{
    unsigned bits = x ? 64 : 32;
    asm_bfm(a, x, A_UBFM, d, n, (bits - by) % bits, bits - 1 - by);
}
static inline void asm_lsr(struct asm_buf *a, bool x, unsigned d, unsigned n, unsigned by) { asm_bfm(a, x, A_UBFM, d, n, by, x ? 63 : 31); }
static inline void asm_asr(struct asm_buf *a, bool x, unsigned d, unsigned n, unsigned by) { asm_bfm(a, x, A_SBFM, d, n, by, x ? 63 : 31); }
/* FEAT_FlagM: NZCV's bits of `mask` from n rotated right */
static inline void asm_rmif(struct asm_buf *a, unsigned n, unsigned by, unsigned mask) { asm_put(a, 0xba000400 | by << 15 | n << 5 | mask); }
static inline void asm_cset(struct asm_buf *a, unsigned d, enum cond c) { asm_put(a, A_CSINC | ZR << 16 | (c ^ 1u) << 12 | ZR << 5 | d); }

/* --- asm.c --- */
void asm_imm(struct asm_buf *a, unsigned d, uint64_t v);                                 /* up to four instructions */
bool asm_add_fits(int64_t v);                                                            /* +-imm12, perhaps shifted */
/* d = n + v (adds: set flags; sub: n - v); d or n = 31: sp, or zr for the result with flags. v must fit */
void asm_add_imm(struct asm_buf *a, bool x, bool sub, bool flags, unsigned d, unsigned n, int64_t v);
bool asm_logic_bits(bool x, uint64_t v, uint32_t *bits);                                 /* N, immr, imms in place */
/* op: A_AND, A_ORR, A_EOR, A_ANDS. false: not encodable, nothing emitted */
bool asm_logic_imm(struct asm_buf *a, bool x, uint32_t op, unsigned d, unsigned n, uint64_t v);
/* size log2 0..4 (4: vector of 16 bytes); vector for sizes 2..4 by `vec`; load or store at base + offset, any offset that fits (asm_offset_fits) */
bool asm_offset_fits(unsigned log2, int64_t offset);
void asm_mem(struct asm_buf *a, bool load, bool vec, unsigned log2, unsigned t, unsigned base, int64_t offset);
void asm_prefetch(struct asm_buf *a, unsigned hint, unsigned base, int64_t offset);     /* as asm_mem of 8 bytes; hint: prfop */
void asm_prefetch_index(struct asm_buf *a, unsigned hint, unsigned base, unsigned index, bool scaled);
void asm_mem_index(struct asm_buf *a, bool load, bool vec, unsigned log2, unsigned t, unsigned base, unsigned index, bool scaled);
/* the same at base with base += by afterwards, or before; by: -256..255 */
void asm_mem_step(struct asm_buf *a, bool load, bool vec, unsigned log2, unsigned t, unsigned base, int64_t by, bool before);
void asm_load_signed_step(struct asm_buf *a, bool x, unsigned log2, unsigned t, unsigned base, int64_t by);
void asm_load_signed(struct asm_buf *a, bool x, unsigned log2, unsigned t, unsigned base, int64_t offset);
void asm_load_signed_index(struct asm_buf *a, bool x, unsigned log2, unsigned t, unsigned base, unsigned index, bool scaled);
void asm_b(struct asm_buf *a, uint64_t to);
void asm_bl(struct asm_buf *a, uint64_t to);
/* forward jumps: the place to give to asm_land later */
enum { J_B = 0x14000000, J_COND = 0x54000000, J_CBZ = 0x34000000, J_CBNZ = 0x35000000, J_TBZ = 0x36000000, J_TBNZ = 0x37000000 };
uint8_t *asm_jump(struct asm_buf *a, uint32_t word);
void asm_land_at(const struct asm_buf *a, uint8_t *jump, const uint8_t *to);
static inline void asm_land(struct asm_buf *a, uint8_t *jump) { asm_land_at(a, jump, a->p); }
void asm_adr(struct asm_buf *a, unsigned d, int64_t distance);
#endif
