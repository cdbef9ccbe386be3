/* SPDX-License-Identifier: GPL-2.0-or-later
 * decode.c: a table decoder for the encodings that make up nearly all of compiled integer code. Manual: Intel SDM volume 2, chapter 2
 * and appendix A; operand codes are the appendix's. What is not in the tables (LOCK, REP, 32-bit addresses, x87, VEX, most of
 * SSE) goes to Zydis; tests/unit/test_decode.c compares the two over all encodings that this file accepts.
 */
#include <string.h>
#include "guest/decode.h"

/* Operands. v: 16, 32 or 64 bits by prefix; E: ModRM register or memory; G: ModRM reg field; Z: register in the opcode. */
enum operand_code { NONE, Eb, Ew, Ed, Ev, Eq, Gb, Gv, AL, Av, CL, Zb, Zv, Zq, Ib, Ub, One, Iz, Iv, Jb, Jz, M,
                    Vx, Wx, Vq, Wq, Wl /* the low half of a register, or 128 bits of memory */, Ey, Gd };
/* how: where the mnemonic and operands are, and the operand width */
enum { MODRM = 1, BYTE = 2 /* 8-bit operation */, STACK = 4 /* 64 bits always; WIDE */, GROUP = 8 /* mnemonic = number of a group */,
       MEM_ONLY = 16, SSE = 32 /* the prefix selects the operation */, WIDE = 64 /* not with an operand size prefix */,
       REG_ONLY = 128 };

struct code { uint16_t mnemonic; uint8_t how, op[3]; };
#define OP(m, how, ...) { ZYDIS_MNEMONIC_##m, how, { __VA_ARGS__ } }

enum { G_ALU_BYTE = 1, G_ALU, G_ALU_SHORT, G_SHIFT_BYTE, G_SHIFT, G_SHIFT1_BYTE, G_SHIFT1, G_SHIFTCL_BYTE, G_SHIFTCL,
       G_UNARY_BYTE, G_UNARY, G_INC_BYTE, G_INC, G_MOV_BYTE, G_MOV, G_BT, G_SHIFT_Q, N_GROUPS };
#define IN_GROUP(g) { g, MODRM | GROUP, { 0 } }

#define ALU_GROUP(how, a, b) { OP(ADD, how, a, b), OP(OR, how, a, b), OP(ADC, how, a, b), OP(SBB, how, a, b), \
                               OP(AND, how, a, b), OP(SUB, how, a, b), OP(XOR, how, a, b), OP(CMP, how, a, b) }
#define SHIFT_GROUP(how, a, b) { OP(ROL, how, a, b), OP(ROR, how, a, b), OP(RCL, how, a, b), OP(RCR, how, a, b), \
                                 OP(SHL, how, a, b), OP(SHR, how, a, b), { 0 }, OP(SAR, how, a, b) }
#define UNARY_GROUP(how, a, imm) { OP(TEST, how, a, imm), { 0 }, OP(NOT, how, a), OP(NEG, how, a), \
                                   OP(MUL, how, a), OP(IMUL, how, a), OP(DIV, how, a), OP(IDIV, how, a) }

static const struct code groups[N_GROUPS][8] = {
    [G_ALU_BYTE] = ALU_GROUP(BYTE, Eb, Ib), [G_ALU] = ALU_GROUP(0, Ev, Iz), [G_ALU_SHORT] = ALU_GROUP(0, Ev, Ib),
    [G_SHIFT_BYTE] = SHIFT_GROUP(BYTE, Eb, Ub), [G_SHIFT] = SHIFT_GROUP(0, Ev, Ub),
    [G_SHIFT1_BYTE] = SHIFT_GROUP(BYTE, Eb, One), [G_SHIFT1] = SHIFT_GROUP(0, Ev, One),
    [G_SHIFTCL_BYTE] = SHIFT_GROUP(BYTE, Eb, CL), [G_SHIFTCL] = SHIFT_GROUP(0, Ev, CL),
    [G_UNARY_BYTE] = UNARY_GROUP(BYTE, Eb, Ib), [G_UNARY] = UNARY_GROUP(0, Ev, Iz),
    [G_INC_BYTE] = { OP(INC, BYTE, Eb), OP(DEC, BYTE, Eb) },
    [G_INC] = { OP(INC, 0, Ev), OP(DEC, 0, Ev), OP(CALL, STACK, Eq), { 0 }, OP(JMP, STACK, Eq), { 0 }, OP(PUSH, STACK, Eq) },
    [G_MOV_BYTE] = { OP(MOV, BYTE, Eb, Ib) }, [G_MOV] = { OP(MOV, 0, Ev, Iz) },
    [G_BT] = { { 0 }, { 0 }, { 0 }, { 0 }, OP(BT, 0, Ev, Ub), OP(BTS, 0, Ev, Ub), OP(BTR, 0, Ev, Ub), OP(BTC, 0, Ev, Ub) },
    [G_SHIFT_Q] = { { 0 }, { 0 }, OP(PSRLQ, SSE | REG_ONLY, Wx, Ub), OP(PSRLDQ, SSE | REG_ONLY, Wx, Ub),
                    { 0 }, { 0 }, OP(PSLLQ, SSE | REG_ONLY, Wx, Ub), OP(PSLLDQ, SSE | REG_ONLY, Wx, Ub) },
};

#define ALU(opcode, m) [opcode] = OP(m, MODRM | BYTE, Eb, Gb), [opcode + 1] = OP(m, MODRM, Ev, Gv), [opcode + 2] = OP(m, MODRM | BYTE, Gb, Eb), \
                       [opcode + 3] = OP(m, MODRM, Gv, Ev), [opcode + 4] = OP(m, BYTE, AL, Ib), [opcode + 5] = OP(m, 0, Av, Iz)
#define BY_CONDITION(opcode, m, how, ...) \
    [opcode] = OP(m##O, how, __VA_ARGS__), [opcode + 1] = OP(m##NO, how, __VA_ARGS__), [opcode + 2] = OP(m##B, how, __VA_ARGS__), \
    [opcode + 3] = OP(m##NB, how, __VA_ARGS__), [opcode + 4] = OP(m##Z, how, __VA_ARGS__), [opcode + 5] = OP(m##NZ, how, __VA_ARGS__), \
    [opcode + 6] = OP(m##BE, how, __VA_ARGS__), [opcode + 7] = OP(m##NBE, how, __VA_ARGS__), [opcode + 8] = OP(m##S, how, __VA_ARGS__), \
    [opcode + 9] = OP(m##NS, how, __VA_ARGS__), [opcode + 10] = OP(m##P, how, __VA_ARGS__), [opcode + 11] = OP(m##NP, how, __VA_ARGS__), \
    [opcode + 12] = OP(m##L, how, __VA_ARGS__), [opcode + 13] = OP(m##NL, how, __VA_ARGS__), [opcode + 14] = OP(m##LE, how, __VA_ARGS__), \
    [opcode + 15] = OP(m##NLE, how, __VA_ARGS__)

static const struct code one_byte[256] = {
    ALU(0x00, ADD), ALU(0x08, OR), ALU(0x10, ADC), ALU(0x18, SBB), ALU(0x20, AND), ALU(0x28, SUB), ALU(0x30, XOR), ALU(0x38, CMP),
    [0x50 ... 0x57] = OP(PUSH, STACK, Zq), [0x58 ... 0x5f] = OP(POP, STACK, Zq),
    [0x63] = OP(MOVSXD, MODRM | WIDE, Gv, Ed), [0x68] = OP(PUSH, STACK, Iz), [0x69] = OP(IMUL, MODRM, Gv, Ev, Iz),
    [0x6a] = OP(PUSH, STACK, Ib), [0x6b] = OP(IMUL, MODRM, Gv, Ev, Ib), BY_CONDITION(0x70, J, STACK, Jb),
    [0x80] = IN_GROUP(G_ALU_BYTE), [0x81] = IN_GROUP(G_ALU), [0x83] = IN_GROUP(G_ALU_SHORT),
    [0x84] = OP(TEST, MODRM | BYTE, Eb, Gb), [0x85] = OP(TEST, MODRM, Ev, Gv),
    [0x88] = OP(MOV, MODRM | BYTE, Eb, Gb), [0x89] = OP(MOV, MODRM, Ev, Gv),
    [0x8a] = OP(MOV, MODRM | BYTE, Gb, Eb), [0x8b] = OP(MOV, MODRM, Gv, Ev), [0x8d] = OP(LEA, MODRM | MEM_ONLY, Gv, M),
    [0xa8] = OP(TEST, BYTE, AL, Ib), [0xa9] = OP(TEST, 0, Av, Iz),
    [0xb0 ... 0xb7] = OP(MOV, BYTE, Zb, Ib), [0xb8 ... 0xbf] = OP(MOV, 0, Zv, Iv),
    [0xc0] = IN_GROUP(G_SHIFT_BYTE), [0xc1] = IN_GROUP(G_SHIFT), [0xc3] = OP(RET, STACK),
    [0xc6] = IN_GROUP(G_MOV_BYTE), [0xc7] = IN_GROUP(G_MOV), [0xc9] = OP(LEAVE, STACK),
    [0xd0] = IN_GROUP(G_SHIFT1_BYTE), [0xd1] = IN_GROUP(G_SHIFT1), [0xd2] = IN_GROUP(G_SHIFTCL_BYTE), [0xd3] = IN_GROUP(G_SHIFTCL),
    [0xe8] = OP(CALL, STACK, Jz), [0xe9] = OP(JMP, STACK, Jz), [0xeb] = OP(JMP, STACK, Jb),
    [0xf6] = IN_GROUP(G_UNARY_BYTE), [0xf7] = IN_GROUP(G_UNARY), [0xfe] = IN_GROUP(G_INC_BYTE), [0xff] = IN_GROUP(G_INC),
};

/* after 0f; without prefix or with an operand size prefix */
static const struct code two_byte[256] = {
    [0x1f] = OP(NOP, MODRM, Ev, Gv), BY_CONDITION(0x40, CMOV, MODRM, Gv, Ev), BY_CONDITION(0x80, J, STACK, Jz),
    BY_CONDITION(0x90, SET, MODRM | BYTE, Eb), [0xa3] = OP(BT, MODRM, Ev, Gv), [0xaf] = OP(IMUL, MODRM, Gv, Ev),
    [0xb6] = OP(MOVZX, MODRM, Gv, Eb), [0xb7] = OP(MOVZX, MODRM, Gv, Ew), [0xba] = IN_GROUP(G_BT),
    [0xbc] = OP(BSF, MODRM, Gv, Ev), [0xbd] = OP(BSR, MODRM, Gv, Ev),
    [0xbe] = OP(MOVSX, MODRM, Gv, Eb), [0xbf] = OP(MOVSX, MODRM, Gv, Ew),
};

/* The vector instructions that compilers use to move memory and C libraries to search it, by prefix: none, 66, f3, f2. */
#define SSE_OP(m) OP(m, MODRM | SSE, Vx, Wx)
static const struct code vector[4][256] = {
    { [0x10] = OP(MOVUPS, MODRM | SSE, Vx, Wx), [0x11] = OP(MOVUPS, MODRM | SSE, Wx, Vx),
      [0x28] = OP(MOVAPS, MODRM | SSE, Vx, Wx), [0x29] = OP(MOVAPS, MODRM | SSE, Wx, Vx),
      [0x57] = OP(XORPS, MODRM | SSE, Vx, Wx) },
    { [0x6c] = OP(PUNPCKLQDQ, MODRM | SSE, Vx, Wl), [0x6e] = OP(MOVD, MODRM | SSE, Vx, Ey),
      [0x6f] = OP(MOVDQA, MODRM | SSE, Vx, Wx), [0x7f] = OP(MOVDQA, MODRM | SSE, Wx, Vx),
      [0x64] = SSE_OP(PCMPGTB), [0x65] = SSE_OP(PCMPGTW), [0x66] = SSE_OP(PCMPGTD), [0x70] = OP(PSHUFD, MODRM | SSE, Vx, Wx, Ub),
      [0x74] = SSE_OP(PCMPEQB), [0x75] = SSE_OP(PCMPEQW), [0x76] = SSE_OP(PCMPEQD),
      [0xd4] = SSE_OP(PADDQ), [0xd6] = OP(MOVQ, MODRM | SSE | MEM_ONLY, Wq, Vq), [0xd7] = OP(PMOVMSKB, MODRM | SSE | REG_ONLY, Gd, Wx),
      [0xda] = SSE_OP(PMINUB), [0xdb] = SSE_OP(PAND), [0xde] = SSE_OP(PMAXUB), [0xdf] = SSE_OP(PANDN), [0xeb] = SSE_OP(POR),
      [0xef] = SSE_OP(PXOR), [0xf8] = SSE_OP(PSUBB), [0xf9] = SSE_OP(PSUBW), [0xfa] = SSE_OP(PSUBD), [0xfb] = SSE_OP(PSUBQ),
      [0xfc] = SSE_OP(PADDB), [0xfd] = SSE_OP(PADDW), [0xfe] = SSE_OP(PADDD), [0x73] = { G_SHIFT_Q, MODRM | GROUP, { 0 } } },
    { [0x6f] = OP(MOVDQU, MODRM | SSE, Vx, Wx), [0x7e] = OP(MOVQ, MODRM | SSE | MEM_ONLY, Vx, Wq), [0x7f] = OP(MOVDQU, MODRM | SSE, Wx, Vx) },
    { { 0 } },
};

/* --- one instruction --- */

struct reader {
    const uint8_t *p;
    ZydisRegister segment;       /* override */
    uint8_t rex, modrm, opcode;
    uint8_t width;               /* of a v operand */
    ZydisRegister first;         /* its register number 0 */
};

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

static int64_t read_signed(struct reader *r, unsigned size)
{
    int8_t b; int16_t w; int32_t d; int64_t q;
    const uint8_t *p = r->p;
    r->p += size;
    switch (size) {
    case 1:  memcpy(&b, p, 1); return b;
    case 2:  memcpy(&w, p, 2); return w;
    case 4:  memcpy(&d, p, 4); return d;
    default: memcpy(&q, p, 8); return q;
    }
}

/* the numbers of registers that ModRM's fields and the opcode name */
static inline unsigned number_g(const struct reader *r) { return (r->modrm >> 3 & 7u) | (r->rex & REX_R) << 1; }
static inline unsigned number_e(const struct reader *r) { return (r->modrm & 7u) | (r->rex & REX_B) << 3; }
static inline unsigned number_z(const struct reader *r) { return (r->opcode & 7u) | (r->rex & REX_B) << 3; }

static inline void set_register(ZydisDecodedOperand *op, unsigned size, unsigned reg)
{
    op->type = ZYDIS_OPERAND_TYPE_REGISTER;
    op->size = (uint16_t)size;
    op->reg.value = (ZydisRegister)reg;
}

static inline unsigned byte_register(const struct reader *r, unsigned n)
{
    return n + (!r->rex || n < 4 ? ZYDIS_REGISTER_AL : ZYDIS_REGISTER_SPL - 4);
}

static inline void set_immediate(ZydisDecodedOperand *op, unsigned size, int64_t v)
{
    op->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
    op->size = (uint16_t)size;
    op->imm.value.s = v;
}

/* SIB: index and base. True: there is no base but a displacement. */
static bool set_sib(ZydisDecodedOperandMem *m, struct reader *r, unsigned mod, unsigned *base)
{
    unsigned sib = *r->p++, index = (sib >> 3 & 7) | (r->rex & REX_X) << 2;
    *base = sib & 7;
    if (index != 4) {
        m->index = (ZydisRegister)(ZYDIS_REGISTER_RAX + index);
        m->scale = (uint8_t)(1u << (sib >> 6));
    }
    return mod == 0 && *base == 5;
}

/* ModRM's memory form; r->p is behind ModRM, and afterwards behind the displacement (SDM volume 2, tables 2-2 and 2-3) */
static void set_memory(ZydisDecodedOperand *op, struct reader *r, unsigned size)
{
    unsigned mod = r->modrm >> 6, base = r->modrm & 7;
    ZydisDecodedOperandMem *m = &op->mem;
    op->type = ZYDIS_OPERAND_TYPE_MEMORY;
    op->size = (uint16_t)size;
    m->type = ZYDIS_MEMOP_TYPE_MEM;
    m->index = ZYDIS_REGISTER_NONE;
    m->scale = 0;
    m->segment = r->segment ? r->segment : ZYDIS_REGISTER_DS;
    bool absolute = false;
    if (base == 4)
        absolute = set_sib(m, r, mod, &base);
    else if (mod == 0 && base == 5) {
        m->base = ZYDIS_REGISTER_RIP;
        m->disp.value = read_signed(r, 4);
        return;
    }
    if (absolute)
        m->base = ZYDIS_REGISTER_NONE;
    else {
        base |= (r->rex & REX_B) << 3;
        m->base = (ZydisRegister)(ZYDIS_REGISTER_RAX + base);
        if ((base == 4 || base == 5) && !r->segment)
            m->segment = ZYDIS_REGISTER_SS;
    }
    m->disp.value = mod == 1 ? read_signed(r, 1) : mod == 2 || absolute ? read_signed(r, 4) : 0;
}

/* E and W operands: a register counted from number 0, or memory */
static inline void set_modrm(ZydisDecodedOperand *op, struct reader *r, unsigned size, unsigned first)
{
    if (r->modrm >> 6 == 3)
        set_register(op, size, first + number_e(r));
    else
        set_memory(op, r, size);
}

static void set_operand(ZydisDecodedOperand *op, struct reader *r, unsigned code)
{
    switch ((enum operand_code)code) {
    case Eb:
        if (r->modrm >> 6 == 3)
            set_register(op, 8, byte_register(r, number_e(r)));
        else
            set_memory(op, r, 8);
        break;
    case Ew: set_modrm(op, r, 16, ZYDIS_REGISTER_AX); break;
    case Ed: set_modrm(op, r, 32, ZYDIS_REGISTER_EAX); break;
    case Ev: set_modrm(op, r, r->width, r->first); break;
    case Eq: set_modrm(op, r, 64, ZYDIS_REGISTER_RAX); break;
    case Ey: r->rex & REX_W ? set_modrm(op, r, 64, ZYDIS_REGISTER_RAX) : set_modrm(op, r, 32, ZYDIS_REGISTER_EAX); break;
    case M:  set_memory(op, r, 64); op->mem.type = ZYDIS_MEMOP_TYPE_AGEN; break;
    case Gb: set_register(op, 8, byte_register(r, number_g(r))); break;
    case Gd: set_register(op, 32, ZYDIS_REGISTER_EAX + number_g(r)); break;
    case Gv: set_register(op, r->width, r->first + number_g(r)); break;
    case AL: set_register(op, 8, ZYDIS_REGISTER_AL); break;
    case Av: set_register(op, r->width, r->first); break;
    case CL: set_register(op, 8, ZYDIS_REGISTER_CL); break;
    case Zb: set_register(op, 8, byte_register(r, number_z(r))); break;
    case Zv: set_register(op, r->width, r->first + number_z(r)); break;
    case Zq: set_register(op, 64, ZYDIS_REGISTER_RAX + number_z(r)); break;
    case Ib: case Jb: set_immediate(op, 8, read_signed(r, 1)); break;
    case Ub: set_immediate(op, 8, read_signed(r, 1) & 0xff); break;
    case One: set_immediate(op, 8, 1); break;
    case Iz: r->width == 16 ? set_immediate(op, 16, read_signed(r, 2)) : set_immediate(op, 32, read_signed(r, 4)); break;
    case Iv: set_immediate(op, r->width, read_signed(r, r->width / 8)); break;
    case Jz: set_immediate(op, 32, read_signed(r, 4)); break;
    case Vx: set_register(op, 128, ZYDIS_REGISTER_XMM0 + number_g(r)); break;
    case Vq: set_register(op, 64, ZYDIS_REGISTER_XMM0 + number_g(r)); break;
    case Wx: set_modrm(op, r, 128, ZYDIS_REGISTER_XMM0); break;
    case Wq: set_modrm(op, r, 64, ZYDIS_REGISTER_XMM0); break;
    case Wl: set_modrm(op, r, r->modrm >> 6 == 3 ? 64 : 128, ZYDIS_REGISTER_XMM0); break;
    default: break;
    }
}

static inline bool is_operand_prefix(uint8_t byte) { return byte == 0x66 || byte == 0xf3 || byte == 0xf2; }

/* Segment override, then one of 66, f3, f2 (1, 2, 3), then REX. */
static inline unsigned read_prefixes(struct reader *r)
{
    unsigned prefix = 0;
    uint8_t byte = *r->p;
    if (__builtin_expect(byte == 0x64 || byte == 0x65, 0)) {
        r->segment = byte == 0x64 ? ZYDIS_REGISTER_FS : ZYDIS_REGISTER_GS;
        byte = *++r->p;
    }
    if (__builtin_expect(is_operand_prefix(byte), 0)) {
        prefix = byte == 0x66 ? 1 : byte == 0xf3 ? 2 : 3;
        byte = *++r->p;
    }
    r->rex = 0;
    if ((byte & 0xf0) == 0x40) {
        r->rex = byte;
        r->p++;
    }
    r->width = 32;
    r->first = ZYDIS_REGISTER_EAX;
    if (r->rex & REX_W) {
        r->width = 64;
        r->first = ZYDIS_REGISTER_RAX;
    } else if (prefix == 1) {
        r->width = 16;
        r->first = ZYDIS_REGISTER_AX;
    }
    return prefix;
}

static inline const struct code *read_opcode(struct reader *r, unsigned prefix, bool *escaped)
{
    *escaped = *r->p == 0x0f;
    if (*escaped) {
        r->opcode = r->p[1];
        r->p += 2;
        const struct code *c = &vector[prefix][r->opcode];
        return !c->how && prefix < 2 ? &two_byte[r->opcode] : c;
    }
    r->opcode = *r->p++;
    return prefix < 2 ? &one_byte[r->opcode] : &one_byte[0x0f];
}

/* Does the form of ModRM's operand fit, and the prefix? */
static bool form_fits(const struct code *c, const struct reader *r, unsigned prefix)
{
    bool is_register = r->modrm >> 6 == 3;
    return !((c->how & MEM_ONLY) && is_register) && !((c->how & REG_ONLY) && !is_register) && !(prefix == 1 && (c->how & (STACK | WIDE)));
}

/* Reads prefixes, opcode and ModRM. NULL: not in the tables. */
static inline const struct code *read_code(struct reader *r, bool *escaped)
{
    unsigned prefix = read_prefixes(r);
    const struct code *c = read_opcode(r, prefix, escaped);
    if (prefix == 1 && (c->how & (STACK | WIDE)))        /* 16-bit pushes; branches, where processors differ */
        return NULL;
    if (!(c->how & MODRM))
        return c->mnemonic && !r->segment ? c : NULL;
    r->modrm = *r->p++;
    if (r->segment && (r->modrm >> 6 == 3 || c->op[1] == M))       /* an override of nothing */
        return NULL;
    if (c->how & GROUP)
        c = &groups[c->mnemonic][r->modrm >> 3 & 7];
    if (c->mnemonic == 0 || ((c->how & (MEM_ONLY | REG_ONLY | STACK | WIDE)) && !form_fits(c, r, prefix)))
        return NULL;
    return c;
}

static ZydisBranchType branch_type(const struct code *c)
{
    unsigned m = c->mnemonic;
    if (m == ZYDIS_MNEMONIC_RET || m == ZYDIS_MNEMONIC_CALL || (m == ZYDIS_MNEMONIC_JMP && c->op[0] == Eq) || c->op[0] == Jz)
        return ZYDIS_BRANCH_TYPE_NEAR;
    return c->op[0] == Jb ? ZYDIS_BRANCH_TYPE_SHORT : ZYDIS_BRANCH_TYPE_NONE;
}

bool x86_decode_common(const uint8_t *bytes, ZydisDecodedInstruction *insn, ZydisDecodedOperand *op)
{
    struct reader r;
    bool escaped;
    r.p = bytes;
    r.segment = ZYDIS_REGISTER_NONE;
    const struct code *c = read_code(&r, &escaped);
    if (!c)
        return false;
    unsigned n = 0;
    for (; n < 3 && c->op[n]; n++)
        set_operand(&op[n], &r, c->op[n]);
    insn->mnemonic = (ZydisMnemonic)c->mnemonic;
    if (__builtin_expect(c->op[1] == Ey, 0) && r.rex & REX_W)
        insn->mnemonic = ZYDIS_MNEMONIC_MOVQ;
    insn->length = (uint8_t)(r.p - bytes);
    insn->opcode = r.opcode;
    insn->opcode_map = escaped ? ZYDIS_OPCODE_MAP_0F : ZYDIS_OPCODE_MAP_DEFAULT;
    insn->address_width = 64;
    insn->operand_width = r.width;
    if (c->how & (BYTE | STACK | SSE))
        insn->operand_width = (uint8_t)(c->how & BYTE ? 8 : c->how & STACK ? 64 : r.width == 16 ? 32 : r.width);
    insn->operand_count = insn->operand_count_visible = (uint8_t)n;
    insn->meta.branch_type = c->how & STACK ? branch_type(c) : ZYDIS_BRANCH_TYPE_NONE;
    insn->meta.category = ZYDIS_CATEGORY_INVALID;
    insn->meta.isa_ext = ZYDIS_ISA_EXT_INVALID;
    insn->attributes = r.rex ? ZYDIS_ATTRIB_HAS_REX : 0;
    if (__builtin_expect(r.segment, 0))
        insn->attributes |= r.segment == ZYDIS_REGISTER_FS ? ZYDIS_ATTRIB_HAS_SEGMENT_FS : ZYDIS_ATTRIB_HAS_SEGMENT_GS;
    insn->raw.rex.W = r.rex >> 3 & 1;
    insn->raw.rex.B = r.rex & 1;
    return true;
}
