/* SPDX-License-Identifier: GPL-2.0-or-later
 * asm.h: Power ISA instructions as 32-bit words. An operation is a constant with its opcode fields filled in; one function per instruction
 * form adds the operands. Manual: Power ISA 3.1, book I; forms in 1.6.
 */
#ifndef HOST_PPC64LE_ASM_H
#define HOST_PPC64LE_ASM_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct asm_buf { uint8_t *start, *p, *end; uint64_t rx; };   /* rx: where `start` will run */
enum { ASM_MARGIN = 2048 };                                   /* room that must be left before an IR instruction is emitted */

#define OPC(primary) ((uint32_t)(primary) << 26)
#define OPX(primary, xo) (OPC(primary) | (uint32_t)(xo) << 1)
enum ppc_op {
    /* D and DS forms: rt, ra, immediate */
    P_ADDI = OPC(14), P_ADDIS = OPC(15), P_MULLI = OPC(7), P_SUBFIC = OPC(8),
    P_LBZ = OPC(34), P_LHZ = OPC(40), P_LHA = OPC(42), P_LWZ = OPC(32), P_STB = OPC(38), P_STH = OPC(44), P_STW = OPC(36),
    P_LD = (int)OPC(58), P_LDU = (int)(OPC(58) | 1), P_LWA = (int)(OPC(58) | 2), P_STD = (int)OPC(62), P_STDU = (int)(OPC(62) | 1),
    /* logical D: ra, rs, unsigned immediate */
    P_ORI = OPC(24), P_ORIS = OPC(25), P_XORI = OPC(26), P_XORIS = OPC(27), P_ANDI_ = OPC(28), P_ANDIS_ = OPC(29),
    /* X and XO: rt, ra, rb */
    P_ADD = OPX(31, 266), P_ADDC = OPX(31, 10), P_ADDE = OPX(31, 138), P_ADDZE = OPX(31, 202), P_SUBF = OPX(31, 40), P_SUBFC = OPX(31, 8),
    P_SUBFE = OPX(31, 136), P_NEG = OPX(31, 104), P_MULLD = OPX(31, 233), P_MULLW = OPX(31, 235), P_MULHD = OPX(31, 73), P_MULHDU = OPX(31, 9),
    P_DIVD = OPX(31, 489), P_DIVDU = OPX(31, 457), P_DIVDE = OPX(31, 425), P_DIVDEU = OPX(31, 393), P_MODSD = OPX(31, 777), P_MODUD = OPX(31, 265),
    P_LBZX = OPX(31, 87), P_LHZX = OPX(31, 279), P_LWZX = OPX(31, 23), P_LDX = OPX(31, 21), P_LWAX = OPX(31, 341), P_LHAX = OPX(31, 343),
    P_STBX = OPX(31, 215), P_STHX = OPX(31, 407), P_STWX = OPX(31, 151), P_STDX = OPX(31, 149), P_LHBRX = OPX(31, 790), P_LWBRX = OPX(31, 534), P_LDBRX = OPX(31, 532),
    P_LBARX = OPX(31, 52), P_LHARX = OPX(31, 116), P_LWARX = OPX(31, 20), P_LDARX = OPX(31, 84), P_LQARX = OPX(31, 276),
    P_STBCX_ = OPX(31, 694) | 1, P_STHCX_ = OPX(31, 726) | 1, P_STWCX_ = OPX(31, 150) | 1, P_STDCX_ = OPX(31, 214) | 1, P_STQCX_ = OPX(31, 182) | 1,
    P_LVX = OPX(31, 103), P_STVX = OPX(31, 231), P_LXVX = OPX(31, 268), P_STXVX = OPX(31, 396), P_LXVD2X = OPX(31, 844), P_LXVDSX = OPX(31, 332), P_STXVD2X = OPX(31, 972),
    P_LXSDX = OPX(31, 588), P_LXSSPX = OPX(31, 524), P_STXSSPX = OPX(31, 652), P_LXSIWZX = OPX(31, 12), P_STXSDX = OPX(31, 716), P_STXSIWX = OPX(31, 140),
    P_LVSL = OPX(31, 6), P_LXSIBZX = OPX(31, 781), P_LXSIHZX = OPX(31, 813), P_STXSIBX = OPX(31, 909), P_STXSIHX = OPX(31, 941),
    /* logical X: ra, rs, rb */
    P_AND = OPX(31, 28), P_ANDC = OPX(31, 60), P_OR = OPX(31, 444), P_ORC = OPX(31, 412), P_XOR = OPX(31, 316), P_NOR = OPX(31, 124), P_EQV = OPX(31, 284), P_NAND = OPX(31, 476),
    P_SLD = OPX(31, 27), P_SRD = OPX(31, 539), P_SRAD = OPX(31, 794), P_SLW = OPX(31, 24), P_SRW = OPX(31, 536), P_SRAW = OPX(31, 792),
    P_EXTSB = OPX(31, 954), P_EXTSH = OPX(31, 922), P_EXTSW = OPX(31, 986), P_CNTLZW = OPX(31, 26), P_CNTLZD = OPX(31, 58), P_POPCNTB = OPX(31, 122),
    P_POPCNTW = OPX(31, 378), P_POPCNTD = OPX(31, 506), P_CNTTZW = OPX(31, 538), P_CNTTZD = OPX(31, 570), P_BPERMD = OPX(31, 252), P_SRAWI = OPX(31, 824),
    P_BRH = OPX(31, 219), P_BRW = OPX(31, 155), P_BRD = OPX(31, 187), P_PDEPD = OPX(31, 156), P_PEXTD = OPX(31, 188),
    /* moves between register files: T, ra */
    P_MFVSRD = OPX(31, 51), P_MFVSRWZ = OPX(31, 115), P_MFVSRLD = OPX(31, 307), P_MTVSRD = OPX(31, 179), P_MTVSRWA = OPX(31, 211), P_MTVSRWZ = OPX(31, 243), P_MTVSRDD = OPX(31, 435),
    /* others, complete but for registers */
    P_MTCTR = 0x7c0903a6, P_MTLR = 0x7c0803a6, P_MFLR = 0x7c0802a6, P_MFCR = 0x7c000026, P_MTCRF = 0x7c0ff120, P_BCTR = 0x4e800420, P_BCTRL = 0x4e800421,
    P_BLR = 0x4e800020, P_LWSYNC = 0x7c2004ac, P_HWSYNC = 0x7c0004ac, P_DCBT = 0x7c00022c, P_DCBTST = 0x7c0001ec, P_ISYNC = 0x4c00012c, P_NOP = 0x60000000, P_TRAP = 0x7fe00008,
};

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R30 = 30, R31 = 31 };
enum { CR_LT, CR_GT, CR_EQ, CR_SO };
enum { BO_FALSE = 4, BO_TRUE = 12, BO_ALWAYS = 20 };

static inline uint64_t asm_here(const struct asm_buf *a) { return a->rx + (uint64_t)(a->p - a->start); }
static inline uint32_t asm_offset(const struct asm_buf *a) { return (uint32_t)(a->p - a->start); }
static inline void asm_u32(struct asm_buf *a, uint32_t w)
{
    memcpy(a->p, &w, 4);
    a->p += 4;
}
static inline void asm_u64(struct asm_buf *a, uint64_t v)
{
    memcpy(a->p, &v, 8);
    a->p += 8;
}

/* --- forms --- */
static inline void asm_d(struct asm_buf *a, uint32_t op, unsigned rt, unsigned ra, int32_t d) { asm_u32(a, op | rt << 21 | ra << 16 | ((uint32_t)d & 0xffff)); }
static inline void asm_x(struct asm_buf *a, uint32_t op, unsigned rt, unsigned ra, unsigned rb) { asm_u32(a, op | rt << 21 | ra << 16 | rb << 11); }
/* logical operations name their destination second: dst = rs op rb */
static inline void asm_l(struct asm_buf *a, uint32_t op, unsigned dst, unsigned rs, unsigned rb) { asm_u32(a, op | rs << 21 | dst << 16 | rb << 11); }
static inline void asm_li(struct asm_buf *a, uint32_t op, unsigned dst, unsigned rs, uint32_t imm) { asm_u32(a, op | rs << 21 | dst << 16 | (imm & 0xffff)); }
static inline void asm_mr(struct asm_buf *a, unsigned dst, unsigned src)
{
    if (dst != src)
        asm_l(a, P_OR, dst, src, src);
}
static inline void asm_m(struct asm_buf *a, unsigned primary, unsigned dst, unsigned rs, unsigned sh, unsigned mb, unsigned me)
{
    asm_u32(a, OPC(primary) | rs << 21 | dst << 16 | sh << 11 | mb << 6 | me << 1);
}
static inline void asm_rlwinm(struct asm_buf *a, unsigned dst, unsigned rs, unsigned sh, unsigned mb, unsigned me) { asm_m(a, 21, dst, rs, sh, mb, me); }
static inline void asm_rlwimi(struct asm_buf *a, unsigned dst, unsigned rs, unsigned sh, unsigned mb, unsigned me) { asm_m(a, 20, dst, rs, sh, mb, me); }
static inline void asm_rlwnm(struct asm_buf *a, unsigned dst, unsigned rs, unsigned rb) { asm_m(a, 23, dst, rs, rb, 0, 31); }
/* MD: xo 0 rldicl, 1 rldicr, 2 rldic, 3 rldimi */
static inline void asm_md(struct asm_buf *a, unsigned xo, unsigned dst, unsigned rs, unsigned sh, unsigned mb)
{
    asm_u32(a, OPC(30) | rs << 21 | dst << 16 | (sh & 31) << 11 | (mb & 31) << 6 | (mb >> 5) << 5 | xo << 2 | (sh >> 5) << 1);
}
static inline void asm_rldicl(struct asm_buf *a, unsigned dst, unsigned rs, unsigned sh, unsigned mb) { asm_md(a, 0, dst, rs, sh & 63, mb); }
static inline void asm_rldicr(struct asm_buf *a, unsigned dst, unsigned rs, unsigned sh, unsigned me) { asm_md(a, 1, dst, rs, sh & 63, me); }
static inline void asm_rldimi(struct asm_buf *a, unsigned dst, unsigned rs, unsigned sh, unsigned mb) { asm_md(a, 3, dst, rs, sh & 63, mb); }
static inline void asm_rldcl(struct asm_buf *a, unsigned dst, unsigned rs, unsigned rb) { asm_u32(a, OPC(30) | rs << 21 | dst << 16 | rb << 11 | 8 << 1); }
static inline void asm_sldi(struct asm_buf *a, unsigned dst, unsigned rs, unsigned n) { asm_rldicr(a, dst, rs, n, 63 - n); }
static inline void asm_srdi(struct asm_buf *a, unsigned dst, unsigned rs, unsigned n) { asm_rldicl(a, dst, rs, 64 - n, n); }
static inline void asm_sradi(struct asm_buf *a, unsigned dst, unsigned rs, unsigned n) { asm_u32(a, OPC(31) | rs << 21 | dst << 16 | (n & 31) << 11 | 413 << 2 | (n >> 5) << 1); }
static inline void asm_srawi(struct asm_buf *a, unsigned dst, unsigned rs, unsigned n) { asm_l(a, P_SRAWI, dst, rs, n); }
static inline void asm_clear(struct asm_buf *a, unsigned dst, unsigned rs, unsigned bits) { asm_rldicl(a, dst, rs, 0, 64 - bits); }   /* keep the low bits */
/* the last instruction (X and MD forms) also compares its result with 0: CR0 */
static inline void asm_record(struct asm_buf *a)
{
    uint32_t w;
    memcpy(&w, a->p - 4, 4);
    w |= 1;
    memcpy(a->p - 4, &w, 4);
}

/* compares: field, 64-bit?, signed? */
static inline void asm_cmp(struct asm_buf *a, unsigned cr, bool wide, bool is_signed, unsigned ra, unsigned rb)
{
    asm_u32(a, OPX(31, is_signed ? 0 : 32) | cr << 23 | (uint32_t)wide << 21 | ra << 16 | rb << 11);
}
static inline void asm_cmpi(struct asm_buf *a, unsigned cr, bool wide, bool is_signed, unsigned ra, int32_t imm)
{
    asm_u32(a, OPC(is_signed ? 11 : 10) | cr << 23 | (uint32_t)wide << 21 | ra << 16 | ((uint32_t)imm & 0xffff));
}
static inline void asm_isel(struct asm_buf *a, unsigned dst, unsigned if_set, unsigned if_clear, unsigned bit)
{
    asm_u32(a, OPX(31, 15) | dst << 21 | if_set << 16 | if_clear << 11 | bit << 6);
}
static inline void asm_mfocrf(struct asm_buf *a, unsigned dst, unsigned cr) { asm_u32(a, 0x7c100026u | dst << 21 | (0x80u >> cr) << 12); }
static inline void asm_cror(struct asm_buf *a, unsigned t, unsigned x, unsigned y) { asm_u32(a, OPX(19, 449) | t << 21 | x << 16 | y << 11); }
static inline void asm_crnor(struct asm_buf *a, unsigned t, unsigned x, unsigned y) { asm_u32(a, OPX(19, 33) | t << 21 | x << 16 | y << 11); }
static inline void asm_mcrf(struct asm_buf *a, unsigned to, unsigned from) { asm_u32(a, OPC(19) | to << 23 | from << 18); }
static inline void asm_setb(struct asm_buf *a, unsigned dst, unsigned cr) { asm_u32(a, OPX(31, 128) | dst << 21 | cr << 18); }           /* Power ISA 3.0 */
static inline void asm_setbc(struct asm_buf *a, unsigned dst, unsigned bit, bool inverted) { asm_u32(a, OPX(31, inverted ? 416 : 384) | dst << 21 | bit << 16); }   /* 3.1 */
static inline void asm_mtocrf(struct asm_buf *a, unsigned cr, unsigned r) { asm_u32(a, 0x7c100120u | r << 21 | (0x80u >> cr) << 12); }
static inline void asm_r(struct asm_buf *a, uint32_t op, unsigned r) { asm_u32(a, op | r << 21); }                                      /* mtctr and the like */

/* branches. to: an address */
static inline void asm_b(struct asm_buf *a, uint64_t to, bool link) { asm_u32(a, OPC(18) | ((uint32_t)(to - asm_here(a)) & 0x3fffffc) | link); }
static inline void asm_bc(struct asm_buf *a, unsigned bo, unsigned bit, uint64_t to) { asm_u32(a, OPC(16) | bo << 21 | bit << 16 | ((uint32_t)(to - asm_here(a)) & 0xfffc)); }
static inline uint8_t *asm_bc_later(struct asm_buf *a, unsigned bo, unsigned bit)      /* asm_patch gives it its target */
{
    uint8_t *at = a->p;
    asm_u32(a, OPC(16) | bo << 21 | bit << 16);
    return at;
}
static inline uint8_t *asm_b_later(struct asm_buf *a)
{
    uint8_t *at = a->p;
    asm_u32(a, OPC(18));
    return at;
}
static inline void asm_patch(struct asm_buf *a, uint8_t *at)                            /* the branch at `at` goes to here */
{
    uint32_t w;
    memcpy(&w, at, 4);
    w |= (uint32_t)(a->p - at) & (w >> 26 == 16 ? 0xfffcu : 0x3fffffcu);
    memcpy(at, &w, 4);
}
static inline bool asm_reaches(const struct asm_buf *a, uint64_t to) { int64_t d = (int64_t)(to - asm_here(a)); return d >= -0x2000000 && d < 0x2000000; }

/* --- vectors: VMX registers v0..v31 are VSX registers 32..63 --- */
#define VX(xo) (OPC(4) | (uint32_t)(xo))
enum vmx_op {
    V_ADDUBM = VX(0), V_ADDUHM = VX(64), V_ADDUWM = VX(128), V_ADDUDM = VX(192), V_SUBUBM = VX(1024), V_SUBUHM = VX(1088), V_SUBUWM = VX(1152), V_SUBUDM = VX(1216),
    V_ADDSBS = VX(768), V_ADDSHS = VX(832), V_ADDSWS = VX(896), V_ADDUBS = VX(512), V_ADDUHS = VX(576), V_SUBSBS = VX(1792), V_SUBSHS = VX(1856), V_SUBUBS = VX(1536), V_SUBUHS = VX(1600),
    V_AVGUB = VX(1026), V_AVGUH = VX(1090), V_MINUB = VX(514), V_MINUH = VX(578), V_MINUW = VX(642), V_MINSB = VX(770), V_MINSH = VX(834), V_MINSW = VX(898),
    V_MAXUB = VX(2), V_MAXUH = VX(66), V_MAXUW = VX(130), V_MAXSB = VX(258), V_MAXSH = VX(322), V_MAXSW = VX(386),
    V_CMPEQUB = VX(6), V_CMPEQUH = VX(70), V_CMPEQUW = VX(134), V_CMPEQUD = VX(199), V_CMPGTSB = VX(774), V_CMPGTSH = VX(838), V_CMPGTSW = VX(902), V_CMPGTSD = VX(967),
    V_CMPGTUB = VX(518), V_CMPGTUH = VX(582), V_CMPGTUW = VX(646), V_CMPGTUD = VX(711),
    V_MRGHB = VX(12), V_MRGHH = VX(76), V_MRGHW = VX(140), V_MRGLB = VX(268), V_MRGLH = VX(332), V_MRGLW = VX(396),
    V_PKSHSS = VX(398), V_PKSHUS = VX(270), V_PKSWSS = VX(462), V_PKSWUS = VX(334), V_PKUDUM = VX(1102),
    V_SPLTB = VX(524), V_SPLTH = VX(588), V_SPLTW = VX(652), V_SPLTISB = VX(780), V_SPLTISH = VX(844), V_SPLTISW = VX(908),
    V_SLB = VX(260), V_SLH = VX(324), V_SLW = VX(388), V_SLD = VX(1476), V_SRB = VX(516), V_SRH = VX(580), V_SRW = VX(644), V_SRD = VX(1732), V_SRAB = VX(772), V_SRAH = VX(836), V_SRAW = VX(900), V_SRAD = VX(964),
    V_SLO = VX(1036), V_SRO = VX(1100), V_MULEUH = VX(584), V_MULOUH = VX(72), V_MULESH = VX(840), V_MULOSH = VX(328), V_MULEUW = VX(648), V_MULOUW = VX(136), V_MULESW = VX(904), V_MULOSW = VX(392), V_MULUWM = VX(137),
    V_UPKHSB = VX(526), V_UPKLSB = VX(654), V_UPKHSH = VX(590), V_UPKLSH = VX(718), V_UPKLSW = VX(1742), V_BPERMQ = VX(1356), V_SUM4UBS = VX(1544), V_SUM2SWS = VX(1672), V_ABSDUB = VX(1027),
    V_PKUWUM = VX(78), V_RLW = VX(132), V_MRGEW = VX(1932), V_CIPHER = VX(1288), V_CIPHERLAST = VX(1289), V_NCIPHER = VX(1352), V_NCIPHERLAST = VX(1353), V_SBOX = VX(1480),
    V_PMSUMD = VX(1224), V_SHASIGMAW = VX(1666),
    V_INSERTB = VX(781), V_INSERTH = VX(845), V_INSERTW = VX(909), V_INSW = VX(207), V_EXTRACTM = VX(1602),      /* 3.0, from V_INSW on 3.1 */
    /* four operands */
    V_PERM = VX(43), V_PERMR = VX(59), V_SLDOI = VX(44), V_MSUMSHM = VX(40), V_MLADDUHM = VX(34), V_MSUMUHM = VX(38), V_MHRADDSHS = VX(33),
};
static inline void asm_v(struct asm_buf *a, uint32_t op, unsigned t, unsigned va, unsigned vb) { asm_u32(a, op | t << 21 | va << 16 | vb << 11); }
static inline void asm_v4(struct asm_buf *a, uint32_t op, unsigned t, unsigned va, unsigned vb, unsigned vc) { asm_u32(a, op | t << 21 | va << 16 | vb << 11 | vc << 6); }

#define XX3(xo) (OPC(60) | (uint32_t)(xo) << 3)
#define XX2(xo) (OPC(60) | (uint32_t)(xo) << 2)
enum vsx_op {
    X_LAND = (int)XX3(130), X_LANDC = (int)XX3(138), X_LOR = (int)XX3(146), X_LXOR = (int)XX3(154), X_LNOR = (int)XX3(162), X_LORC = (int)XX3(170), X_PERMDI = (int)XX3(10), X_SLDWI = (int)XX3(2), X_MRGHW = (int)XX3(18), X_MRGLW = (int)XX3(50),
    X_SADDDP = (int)XX3(32), X_SSUBDP = (int)XX3(40), X_SMULDP = (int)XX3(48), X_SDIVDP = (int)XX3(56), X_SADDSP = (int)XX3(0), X_SSUBSP = (int)XX3(8), X_SMULSP = (int)XX3(16), X_SDIVSP = (int)XX3(24),
    X_VADDDP = (int)XX3(96), X_VSUBDP = (int)XX3(104), X_VMULDP = (int)XX3(112), X_VDIVDP = (int)XX3(120), X_VADDSP = (int)XX3(64), X_VSUBSP = (int)XX3(72), X_VMULSP = (int)XX3(80), X_VDIVSP = (int)XX3(88),
    X_SCMPUDP = (int)XX3(35), X_SCMPODP = (int)XX3(43), X_SQRTDP = (int)XX2(75), X_CVSPDPN = (int)XX2(331), X_CVDPSPN = (int)XX2(267), X_CVSXDDP = (int)XX2(376), X_CVSXDSP = (int)XX2(312), X_CVDPSXDS = (int)XX2(344), X_VCVSXWDP = (int)XX2(248), X_VCVSXWSP = (int)XX2(184),
};
/* t, va, vb: VMX numbers, so all three of the upper-half bits are set */
static inline void asm_vs(struct asm_buf *a, uint32_t op, unsigned t, unsigned va, unsigned vb) { asm_u32(a, op | t << 21 | va << 16 | vb << 11 | 7); }
static inline void asm_vs2(struct asm_buf *a, uint32_t op, unsigned t, unsigned vb) { asm_u32(a, op | t << 21 | vb << 11 | 3); }
/* the same with any VSX registers */
static inline void asm_x3(struct asm_buf *a, uint32_t op, unsigned t, unsigned va, unsigned vb)
{
    asm_u32(a, op | (t & 31) << 21 | (va & 31) << 16 | (vb & 31) << 11 | (va >> 5) << 2 | (vb >> 5) << 1 | t >> 5);
}
static inline void asm_xxpermdi(struct asm_buf *a, unsigned t, unsigned va, unsigned vb, unsigned dm) { asm_vs(a, X_PERMDI | dm << 8, t, va, vb); }
static inline void asm_xxsldwi(struct asm_buf *a, unsigned t, unsigned va, unsigned vb, unsigned n) { asm_vs(a, X_SLDWI | n << 8, t, va, vb); }
static inline void asm_xxsel(struct asm_buf *a, unsigned t, unsigned if0, unsigned if1, unsigned mask) { asm_u32(a, OPC(60) | 3 << 4 | 15 | t << 21 | if0 << 16 | if1 << 11 | mask << 6); }
static inline void asm_vmr(struct asm_buf *a, unsigned t, unsigned v)
{
    if (t != v)
        asm_vs(a, X_LOR, t, v, v);
}
static inline void asm_mvsr(struct asm_buf *a, uint32_t op, unsigned v, unsigned r) { asm_u32(a, op | v << 21 | r << 16 | 1); }    /* mfvsr*, mtvsr* */
static inline void asm_vx(struct asm_buf *a, uint32_t op, unsigned v, unsigned ra, unsigned rb) { asm_u32(a, op | v << 21 | ra << 16 | rb << 11 | 1); }  /* VSX loads, stores */
static inline void asm_lxv(struct asm_buf *a, bool store, unsigned v, unsigned ra, int32_t d) { asm_u32(a, OPC(61) | v << 21 | ra << 16 | ((uint32_t)d & 0xfff0) | 8 | (store ? 5 : 1)); }   /* 3.0 */

/* 3.0: the left doubleword of a VMX register, the other one zeroed by the load; d a multiple of 4 */
static inline void asm_lxsd(struct asm_buf *a, bool store, unsigned v, unsigned ra, int32_t d) { asm_u32(a, OPC(store ? 61 : 57) | v << 21 | ra << 16 | ((uint32_t)d & 0xfffc) | 2); }
static inline void asm_lxssp(struct asm_buf *a, bool store, unsigned v, unsigned ra, int32_t d) { asm_u32(a, OPC(store ? 61 : 57) | v << 21 | ra << 16 | ((uint32_t)d & 0xfffc) | 3); }
static inline void asm_xxbrd(struct asm_buf *a, unsigned t, unsigned v) { asm_u32(a, (uint32_t)XX2(475) | t << 21 | 23 << 16 | v << 11 | 3); }   /* 3.0 */

static inline void asm_xxbrq(struct asm_buf *a, unsigned t, unsigned v) { asm_u32(a, (uint32_t)XX2(475) | t << 21 | 31 << 16 | v << 11 | 3); }   /* 3.0 */

static inline bool fits16(int64_t v) { return v == (int16_t)v; }
static inline bool fits32(int64_t v) { return v == (int32_t)v; }
#endif
