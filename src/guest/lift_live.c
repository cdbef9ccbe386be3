/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift_live.c: which flags does the code at an exit's target read before it writes them? A walk over a few instructions
 * along one path. It runs for every exit of every block, so the usual encodings are measured by two tables of opcodes,
 * and only the others go through Zydis.
 * What must stay true:
 *  L1 a flag counts as written only by an instruction that always writes it (not a shift by CL, not REP CMPS)
 *  L2 where the path can't be followed (a conditional branch, a return, missing bytes), every flag not yet written is live
 */
#include <string.h>
#include "guest/lift_live.h"

enum { MAX_STEPS = 24, MAX_JUMPS = 4, MAX_LENGTH = 15, WINDOW = 32 };

/* what one instruction does */
struct step {
    unsigned length;
    uint8_t reads, writes;
    enum { NEXT, JUMP, STOP } kind;
    uint64_t target;             /* JUMP */
};

/* --- opcode tables: 0 = ask Zydis --- */

enum { M = 1 /* ModRM */, I1 = 2 /* 1-byte immediate */, IZ = 4 /* 2 or 4 bytes */, W = 8 /* writes all flags */, C = 16 /* reads C */,
       CC = 32 /* reads the condition in the opcode */, G = 64 /* group: see `group` */, N = 128 /* known; nothing else to say */ };

#define ALU(op, extra) [op] = M | W | extra, [op + 1] = M | W | extra, [op + 2] = M | W | extra, [op + 3] = M | W | extra, \
                       [op + 4] = I1 | W | extra, [op + 5] = IZ | W | extra

static const uint8_t one_byte[256] = {
    ALU(0x00, 0), ALU(0x08, 0), ALU(0x10, C), ALU(0x18, C), ALU(0x20, 0), ALU(0x28, 0), ALU(0x30, 0), ALU(0x38, 0),
    [0x50 ... 0x5f] = N, [0x63] = M, [0x68] = IZ, [0x69] = M | IZ | W, [0x6a] = I1, [0x6b] = M | I1 | W,
    [0x70 ... 0x7f] = G, [0x80] = M | I1 | W | G, [0x81] = M | IZ | W | G, [0x83] = M | I1 | W | G,
    [0x84 ... 0x85] = M | W, [0x86 ... 0x8b] = M, [0x8d] = M, [0x90 ... 0x99] = N,
    [0xa4 ... 0xa5] = N, [0xa8] = I1 | W, [0xa9] = IZ | W, [0xaa ... 0xad] = N, [0xb0 ... 0xb7] = I1, [0xb8 ... 0xbf] = IZ | G,
    [0xc0 ... 0xc1] = M | I1 | G, [0xc2 ... 0xc3] = G, [0xc6] = M | I1, [0xc7] = M | IZ, [0xc9] = N, [0xcc ... 0xcd] = G,
    [0xd0 ... 0xd3] = M | G, [0xd8 ... 0xd9] = M, [0xdc ... 0xdd] = M,
    [0xe8 ... 0xe9] = IZ | G, [0xeb] = I1 | G, [0xf6 ... 0xf7] = M | G, [0xfc ... 0xfd] = N, [0xfe ... 0xff] = M | G,
};

static const uint8_t two_byte[256] = {           /* after 0f */
    [0x05] = G, [0x0b] = G, [0x0d] = M, [0x10 ... 0x1f] = M, [0x28 ... 0x2d] = M, [0x2e ... 0x2f] = M | W,
    [0x40 ... 0x4f] = M | CC, [0x50 ... 0x6f] = M, [0x70 ... 0x73] = M | I1, [0x74 ... 0x76] = M, [0x7c ... 0x7f] = M,
    [0x80 ... 0x8f] = G, [0x90 ... 0x9f] = M | CC, [0xa2] = N, [0xaf] = M | W, [0xb0 ... 0xb1] = M | W, [0xb6 ... 0xb7] = M,
    [0xbe ... 0xbf] = M, [0xc0 ... 0xc1] = M | W, [0xc2] = M | I1, [0xc4 ... 0xc6] = M | I1, [0xc8 ... 0xcf] = N,
    [0xd0 ... 0xfe] = M,
};

struct encoding { const uint8_t *p; uint8_t opcode, modrm, rex; bool escaped, narrow; };

/* prefixes and opcode; false: not for the tables */
static bool read_opcode(const uint8_t *p, struct encoding *e)
{
    for (unsigned n = 0;; n++, p++) {
        if (n == 5)
            return false;
        if (*p == 0x66)
            e->narrow = true;
        else if (*p != 0xf2 && *p != 0xf3 && *p != 0x64 && *p != 0x65 && *p != 0x2e && *p != 0x3e && *p != 0xf0)
            break;
    }
    if ((*p & 0xf0) == 0x40)
        e->rex = *p++;
    e->escaped = *p == 0x0f;
    p += e->escaped;
    e->opcode = *p++;
    e->p = p;
    return true;
}

/* bytes of ModRM, SIB and displacement (SDM volume 2, table 2-2) */
static unsigned modrm_length(const uint8_t *p)
{
    unsigned mod = p[0] >> 6, rm = p[0] & 7, n = 1;
    if (mod == 3)
        return 1;
    if (rm == 4) {
        n++;
        if (mod == 0 && (p[1] & 7) == 5)
            n += 4;
    } else if (mod == 0 && rm == 5)
        n += 4;
    return n + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static void stop(struct step *s) { s->kind = STOP; }

static void jump(struct step *s, int64_t displacement)
{
    s->kind = JUMP;
    s->target = (uint64_t)displacement;          /* from the end of the instruction */
}

/* c0 c1 d0..d3: shifts and rotates; by_cl: the count is not known */
static void shift_group(struct step *s, unsigned reg, bool by_cl, unsigned count)
{
    bool rotate = reg < 4, certain = !by_cl && (count & 31) != 0;
    if (reg == 2 || reg == 3)
        s->reads = IR_F_C;
    if (certain)
        s->writes = rotate ? IR_F_C | IR_F_O : IR_F_ALL;
}

/* f6 f7 */
static void unary_group(struct step *s, const struct encoding *e, unsigned reg)
{
    if (reg < 2)
        s->length += e->opcode == 0xf6 ? 1 : e->narrow && !(e->rex & 8) ? 2 : 4;       /* TEST has an immediate */
    s->writes = reg == 2 || reg >= 6 ? 0 : IR_F_ALL;                  /* NOT; DIV and IDIV */
}

/* fe ff */
static void increment_group(struct step *s, unsigned opcode, unsigned reg)
{
    if (reg < 2)
        s->writes = IR_F_ALL & ~IR_F_C;
    else if (opcode != 0xff || reg != 6)
        stop(s);
}

static int32_t read32(const uint8_t *p) { int32_t v; memcpy(&v, p, 4); return v; }

/* imm: where the immediate starts */
static void group(struct step *s, const struct encoding *e, const uint8_t *imm)
{
    unsigned reg = e->modrm >> 3 & 7;
    if (e->escaped) {
        stop(s);
        return;
    }
    switch (e->opcode) {
    case 0x80: case 0x81: case 0x83: s->reads = reg == 2 || reg == 3 ? IR_F_C : 0; break;
    case 0xb8 ... 0xbf: s->length += e->rex & 8 ? 4 : 0; break;
    case 0xc0: case 0xc1: shift_group(s, reg, false, *imm); break;
    case 0xd0: case 0xd1: shift_group(s, reg, false, 1); break;
    case 0xd2: case 0xd3: shift_group(s, reg, true, 0); break;
    case 0xe8: case 0xe9: jump(s, read32(imm)); break;
    case 0xeb: jump(s, (int8_t)*imm); break;
    case 0xf6: case 0xf7: unary_group(s, e, reg); break;
    case 0xfe: case 0xff: increment_group(s, e->opcode, reg); break;
    default: stop(s); break;
    }
}

/* false: not for the tables. At least MAX_LENGTH bytes are readable. */
static bool fast_step(const uint8_t *bytes, struct step *s)
{
    struct encoding e = { 0 };
    if (!read_opcode(bytes, &e))
        return false;
    unsigned info = e.escaped ? two_byte[e.opcode] : one_byte[e.opcode];
    if (info == 0)
        return false;
    const uint8_t *p = e.p;
    if (info & M) {
        e.modrm = *p;
        p += modrm_length(p);
    }
    const uint8_t *imm = p;
    bool wide = e.rex & 8 || !e.narrow;
    if (e.opcode == 0xe8 || e.opcode == 0xe9)    /* 66 is ignored by branches */
        wide = true;
    p += info & I1 ? 1 : info & IZ ? (wide ? 4 : 2) : 0;
    *s = (struct step){ .length = (unsigned)(p - bytes), .writes = info & W ? IR_F_ALL : 0, .reads = info & C ? IR_F_C : 0 };
    if (info & CC)
        s->reads = (uint8_t)ir_cc_reads(e.opcode & 15);
    if (info & G)
        group(s, &e, imm);
    return s->length <= MAX_LENGTH;
}

/* --- everything else --- */

static unsigned flags_mask(ZydisAccessedFlagsMask f)
{
    return (f & ZYDIS_CPUFLAG_CF ? IR_F_C : 0) | (f & ZYDIS_CPUFLAG_PF ? IR_F_P : 0) | (f & ZYDIS_CPUFLAG_AF ? IR_F_A : 0) |
           (f & ZYDIS_CPUFLAG_ZF ? IR_F_Z : 0) | (f & ZYDIS_CPUFLAG_SF ? IR_F_S : 0) | (f & ZYDIS_CPUFLAG_OF ? IR_F_O : 0);
}

static bool may_not_write(const ZydisDecodedInstruction *insn)
{
    return insn->meta.category == ZYDIS_CATEGORY_SHIFT || insn->meta.category == ZYDIS_CATEGORY_ROTATE;
}

/* lifted to a helper that sees all flags, or not followed */
static bool sees_all(const ZydisDecodedInstruction *insn)
{
    switch (insn->meta.category) {
    case ZYDIS_CATEGORY_COND_BR: case ZYDIS_CATEGORY_UNCOND_BR: case ZYDIS_CATEGORY_CALL: case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_SYSCALL: case ZYDIS_CATEGORY_SYSRET: case ZYDIS_CATEGORY_SYSTEM: case ZYDIS_CATEGORY_INTERRUPT:
        return true;
    case ZYDIS_CATEGORY_STRINGOP:
        return insn->attributes & (ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
    default:
        return insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B || insn->mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B ||
               insn->mnemonic == ZYDIS_MNEMONIC_POPF || insn->mnemonic == ZYDIS_MNEMONIC_POPFQ;
    }
}

static void slow_step(const uint8_t *bytes, struct step *s)
{
    ZydisDecodedInstruction insn;
    *s = (struct step){ .kind = STOP };
    if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(x86_decoder(), NULL, bytes, MAX_LENGTH, &insn)))
        return;
    if (sees_all(&insn) || x86_only_knights_corner(&insn))
        return;
    s->kind = NEXT;
    s->length = insn.length;
    if (insn.cpu_flags) {
        s->reads = (uint8_t)flags_mask(insn.cpu_flags->tested);
        if (!may_not_write(&insn))
            s->writes = (uint8_t)flags_mask(insn.cpu_flags->modified | insn.cpu_flags->set_0 | insn.cpu_flags->set_1);
    }
}

/* --- the walk --- */

struct window { uint64_t start, end; };      /* bytes that may be read */

static bool readable(const struct x86_lift_config *cfg, uint64_t pc, struct window *known, struct window *ahead)
{
    if (pc >= known->start && pc < known->end && known->end - pc >= MAX_LENGTH)
        return true;
    if (pc >= ahead->start && pc < ahead->end && ahead->end - pc >= MAX_LENGTH)
        return true;
    ahead->start = pc;
    ahead->end = pc + cfg->fetchable(cfg->ctx, pc, WINDOW);
    return ahead->end >= pc && ahead->end - pc >= MAX_LENGTH;
}

unsigned x86_live_flags(const struct x86_lift_config *cfg, uint64_t pc, uint64_t known_start, uint64_t known_end)
{
    struct window known = { known_start, known_end }, ahead = { 0, 0 };
    unsigned live = 0, open = IR_F_ALL, jumps = 0;     /* open: neither read nor written so far */
    for (unsigned n = 0; n < MAX_STEPS && open; n++) {
        struct step s;
        if (!readable(cfg, pc, &known, &ahead))
            break;
        const uint8_t *bytes = (const uint8_t *)ir_mem_at(pc, MAX_LENGTH, false);
        if ((uint64_t)bytes == IR_MEM_SPLIT)
            break;
        if (!fast_step(bytes, &s))
            slow_step(bytes, &s);
        live |= s.reads & open;
        open &= ~(s.reads | s.writes);
        if (s.kind == STOP || (s.kind == JUMP && ++jumps > MAX_JUMPS))
            break;
        pc += s.length + (s.kind == JUMP ? s.target : 0);
    }
    return live | open;
}

unsigned x86_flags_live_in(const struct x86_lift_config *cfg, uint64_t pc)
{
    return x86_live_flags(cfg, pc, 0, 0);
}
