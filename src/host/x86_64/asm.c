/* SPDX-License-Identifier: GPL-2.0-or-later
 * asm.c: prefixes, opcode, ModRM, SIB, displacement; then the handful of integer instructions with more than one form.
 * Manual: Intel SDM volume 2, chapter 2.
 */
#include "host/x86_64/asm.h"

enum { REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };
enum { SEG_GS = 0x65, OPERAND_16 = 0x66 };

static void put_prefixes(struct asm_buf *a, unsigned op, unsigned size)
{
    static const uint8_t mandatory[4] = { 0, 0x66, 0xf3, 0xf2 };
    if (size == 2)
        asm_u8(a, OPERAND_16);
    if (op & LOCK)
        asm_u8(a, 0xf0);
    if (op & P_MASK)
        asm_u8(a, mandatory[(op & P_MASK) >> 12]);
}

static void put_opcode(struct asm_buf *a, unsigned op)
{
    switch ((op >> 8) & 3) {
    case 1: asm_u8(a, 0x0f); break;
    case 2: asm_u16(a, 0x380f); break;
    case 3: asm_u16(a, 0x3a0f); break;
    default: break;
    }
    asm_u8(a, op);
}

/* spl, bpl, sil, dil need a REX prefix, without one they would be ah..bh */
static bool needs_rex(unsigned op, unsigned quirk, unsigned reg) { return (op & quirk) && reg >= 4 && reg < 8; }

void asm_rr(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, unsigned rm)
{
    put_prefixes(a, op, size);
    unsigned rex = (size == 8 ? REX_W : 0) | (reg & 8 ? REX_R : 0) | (rm & 8 ? REX_B : 0);
    if (rex || needs_rex(op, REG8, reg) || needs_rex(op, RM8, rm))
        asm_u8(a, REX | rex);
    put_opcode(a, op);
    asm_u8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static void put_regs_operand(struct asm_buf *a, unsigned reg, const struct asm_mem *m)
{
    bool has_index = m->index != NO_REG, has_base = m->base != NO_REG;
    unsigned mod = !has_base ? 0 : m->disp == 0 && (m->base & 7) != RBP ? 0 : m->disp == (int8_t)m->disp ? 1 : 2;
    if (has_index || !has_base || (m->base & 7) == RSP) {
        asm_u8(a, mod << 6 | reg << 3 | 4);
        asm_u8(a, m->scale << 6 | (has_index ? m->index & 7 : 4) << 3 | (has_base ? m->base & 7 : 5));
    } else
        asm_u8(a, mod << 6 | reg << 3 | (m->base & 7));
    if (mod == 1)
        asm_u8(a, (uint8_t)m->disp);
    else if (mod == 2 || !has_base)
        asm_u32(a, (uint32_t)m->disp);
}

static void put_mem_operand(struct asm_buf *a, unsigned reg, const struct asm_mem *m, unsigned imm)
{
    reg &= 7;
    switch (m->kind) {
    case AT_REGS:
        put_regs_operand(a, reg, m);
        break;
    case AT_STATE:
        asm_u8(a, reg << 3 | 4);
        asm_u8(a, 0x25);
        asm_u32(a, (uint32_t)m->disp);
        break;
    default:
        asm_u8(a, reg << 3 | 5);
        asm_u32(a, (uint32_t)(m->target - (asm_here(a) + 4 + imm)));
    }
}

void asm_rm(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, struct asm_mem m, unsigned imm)
{
    if (m.kind == AT_STATE)
        asm_u8(a, SEG_GS);
    put_prefixes(a, op, size);
    unsigned rex = (size == 8 ? REX_W : 0) | (reg & 8 ? REX_R : 0);
    if (m.kind == AT_REGS)
        rex |= (m.index != NO_REG && m.index & 8 ? REX_X : 0) | (m.base != NO_REG && m.base & 8 ? REX_B : 0);
    if (rex || needs_rex(op, REG8, reg))
        asm_u8(a, REX | rex);
    put_opcode(a, op);
    put_mem_operand(a, reg, &m, imm);
}

void asm_vex_rr(struct asm_buf *a, unsigned op, unsigned size, unsigned reg, unsigned vvvv, unsigned rm)
{
    asm_u8(a, 0xc4);
    asm_u8(a, (reg & 8 ? 0 : 0x80) | 0x40 | (rm & 8 ? 0 : 0x20) | ((op >> 8) & 3));
    asm_u8(a, (size == 8 ? 0x80 : 0) | (~vvvv & 15) << 3 | (op & P_MASK) >> 12);
    asm_u8(a, op);
    asm_u8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* --- integer instructions --- */

/* opcode of the byte form, which is one less, with its quirks */
static unsigned sized(unsigned op, unsigned size) { return size == 1 ? (op - 1) | RM8 | REG8 : op; }
static unsigned sized_group(unsigned op, unsigned size) { return size == 1 ? (op - 1) | RM8 : op; }

void asm_mov_rr(struct asm_buf *a, unsigned size, unsigned dst, unsigned src) { asm_rr(a, sized(0x89, size), size, src, dst); }
void asm_load(struct asm_buf *a, unsigned size, unsigned dst, struct asm_mem m) { asm_rm(a, sized(0x8b, size), size, dst, m, 0); }
void asm_store(struct asm_buf *a, unsigned size, struct asm_mem m, unsigned src) { asm_rm(a, sized(0x89, size), size, src, m, 0); }
void asm_zero(struct asm_buf *a, unsigned dst) { asm_rr(a, 0x31, 4, dst, dst); }
void asm_lea(struct asm_buf *a, unsigned size, unsigned dst, struct asm_mem m) { asm_rm(a, 0x8d, size, dst, m, 0); }

static unsigned imm_size(unsigned size) { return size > 4 ? 4 : size; }
static void put_imm(struct asm_buf *a, unsigned size, int32_t v)
{
    if (size == 1)
        asm_u8(a, (uint8_t)v);
    else if (size == 2)
        asm_u16(a, (uint16_t)v);
    else
        asm_u32(a, (uint32_t)v);
}

void asm_store_imm(struct asm_buf *a, unsigned size, struct asm_mem m, int32_t v)
{
    asm_rm(a, size == 1 ? 0xc6 : 0xc7, size, 0, m, imm_size(size));
    put_imm(a, size, v);
}

static void mov_imm32(struct asm_buf *a, unsigned dst, uint32_t v)
{
    if (dst & 8)
        asm_u8(a, REX | REX_B);
    asm_u8(a, 0xb8 | (dst & 7));
    asm_u32(a, v);
}

void asm_mov_imm(struct asm_buf *a, unsigned dst, uint64_t v)
{
    if (v <= UINT32_MAX) {
        mov_imm32(a, dst, (uint32_t)v);
    } else if (fits_i32((int64_t)v)) {
        asm_rr(a, 0xc7, 8, 0, dst);
        asm_u32(a, (uint32_t)v);
    } else if (asm_reaches(a, v)) {
        asm_lea(a, 8, dst, at_rip(v));
    } else {
        asm_u8(a, REX | REX_W | (dst & 8 ? REX_B : 0));
        asm_u8(a, 0xb8 | (dst & 7));
        asm_u64(a, v);
    }
}

void asm_alu_rr(struct asm_buf *a, enum alu op, unsigned size, unsigned dst, unsigned src)
{
    asm_rr(a, sized(op * 8 + 1, size), size, src, dst);
}
void asm_alu_rm(struct asm_buf *a, enum alu op, unsigned size, unsigned dst, struct asm_mem src)
{
    asm_rm(a, sized(op * 8 + 3, size), size, dst, src, 0);
}
void asm_alu_mr(struct asm_buf *a, enum alu op, unsigned size, struct asm_mem dst, unsigned src, bool lock)
{
    asm_rm(a, sized(op * 8 + 1, size) | (lock ? LOCK : 0), size, src, dst, 0);
}

void asm_alu_ri(struct asm_buf *a, enum alu op, unsigned size, unsigned dst, int32_t v)
{
    if (size == 1) {
        asm_rr(a, 0x80 | RM8, 1, op, dst);
        asm_u8(a, (uint8_t)v);
    } else if (v == (int8_t)v) {
        asm_rr(a, 0x83, size, op, dst);
        asm_u8(a, (uint8_t)v);
    } else {
        asm_rr(a, 0x81, size, op, dst);
        put_imm(a, size, v);
    }
}

void asm_alu_mi(struct asm_buf *a, enum alu op, unsigned size, struct asm_mem dst, int32_t v, bool lock)
{
    unsigned extra = lock ? LOCK : 0;
    if (size == 1 || v == (int8_t)v) {
        asm_rm(a, (size == 1 ? 0x80 : 0x83) | extra, size, op, dst, 1);
        asm_u8(a, (uint8_t)v);
    } else {
        asm_rm(a, 0x81 | extra, size, op, dst, imm_size(size));
        put_imm(a, size, v);
    }
}

void asm_test_ri(struct asm_buf *a, unsigned size, unsigned reg, int32_t v)
{
    asm_rr(a, size == 1 ? 0xf6 | RM8 : 0xf7, size, 0, reg);
    put_imm(a, size, v);
}
void asm_test_mi(struct asm_buf *a, unsigned size, struct asm_mem m, int32_t v)
{
    asm_rm(a, size == 1 ? 0xf6 : 0xf7, size, 0, m, imm_size(size));
    put_imm(a, size, v);
}

void asm_shift_ri(struct asm_buf *a, enum shift op, unsigned size, unsigned dst, unsigned count)
{
    asm_rr(a, sized_group(count == 1 ? 0xd1 : 0xc1, size), size, op, dst);
    if (count != 1)
        asm_u8(a, count);
}

void asm_group_r(struct asm_buf *a, unsigned byte, unsigned digit, unsigned size, unsigned rm)
{
    asm_rr(a, sized_group(byte, size), size, digit, rm);
}
void asm_group_m(struct asm_buf *a, unsigned byte, unsigned digit, unsigned size, struct asm_mem m, unsigned imm, bool lock)
{
    asm_rm(a, (size == 1 ? byte - 1 : byte) | (lock ? LOCK : 0), size, digit, m, imm);
}

void asm_bswap(struct asm_buf *a, unsigned size, unsigned reg)
{
    unsigned rex = (size == 8 ? REX_W : 0) | (reg & 8 ? REX_B : 0);
    if (rex)
        asm_u8(a, REX | rex);
    asm_u16(a, 0xc80f | (reg & 7) << 8);
}

void asm_movzx_rr(struct asm_buf *a, unsigned from, unsigned dst, unsigned src)
{
    if (from == 4)
        asm_mov_rr(a, 4, dst, src);
    else
        asm_rr(a, from == 1 ? OP_0F(0xb6) | RM8 : OP_0F(0xb7), 4, dst, src);
}
void asm_movzx_rm(struct asm_buf *a, unsigned from, unsigned dst, struct asm_mem m)
{
    if (from >= 4)
        asm_load(a, from, dst, m);
    else
        asm_rm(a, from == 1 ? OP_0F(0xb6) : OP_0F(0xb7), 4, dst, m, 0);
}

static unsigned movsx_op(unsigned from) { return from == 1 ? OP_0F(0xbe) | RM8 : from == 2 ? OP_0F(0xbf) : 0x63; }
void asm_movsx_rr(struct asm_buf *a, unsigned from, unsigned to, unsigned dst, unsigned src) { asm_rr(a, movsx_op(from), to, dst, src); }
void asm_movsx_rm(struct asm_buf *a, unsigned from, unsigned to, unsigned dst, struct asm_mem m)
{
    asm_rm(a, movsx_op(from), to, dst, m, 0);
}

void asm_setcc_r(struct asm_buf *a, enum cc cc, unsigned dst) { asm_rr(a, OP_0F(0x90 + cc) | RM8, 1, 0, dst); }
void asm_setcc_m(struct asm_buf *a, enum cc cc, struct asm_mem m) { asm_rm(a, OP_0F(0x90 + cc), 1, 0, m, 0); }

/* --- jumps, padding --- */

void asm_jmp(struct asm_buf *a, uint64_t target)
{
    asm_u8(a, 0xe9);
    asm_u32(a, (uint32_t)(target - (asm_here(a) + 4)));
}
void asm_jcc(struct asm_buf *a, enum cc cc, uint64_t target)
{
    asm_u16(a, 0x800f | cc << 8);
    asm_u32(a, (uint32_t)(target - (asm_here(a) + 4)));
}
uint8_t *asm_jcc_short(struct asm_buf *a, enum cc cc)
{
    asm_u16(a, 0x70 | cc);
    return a->p - 1;
}
uint8_t *asm_jmp_short(struct asm_buf *a)
{
    asm_u16(a, 0xeb);
    return a->p - 1;
}
void asm_here_short(struct asm_buf *a, uint8_t *patch) { *patch = (uint8_t)(a->p - (patch + 1)); }

void asm_nops(struct asm_buf *a, unsigned n)
{
    static const uint8_t nop[10][9] = { {0}, {0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0}, {0x0f, 0x1f, 0x40, 0}, {0x0f, 0x1f, 0x44, 0, 0},
        {0x66, 0x0f, 0x1f, 0x44, 0, 0}, {0x0f, 0x1f, 0x80, 0, 0, 0, 0}, {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}, {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0} };
    for (; n; n -= n > 9 ? 9 : n) {
        unsigned k = n > 9 ? 9 : n;
        memcpy(a->p, nop[k], k);
        a->p += k;
    }
}
