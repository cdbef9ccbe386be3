/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_ppc64le.c: on ppc64le (or under its emulator) the blocks of test_host_x86_64.c through this host's emitter. Elsewhere the encoder
 * against the assembler, where one is installed: every operation of asm.h that the emitter uses by a form, and the immediate fields over their ranges.
 */
#if defined __powerpc64__
#include "host/host.h"
#define TEST_HOST host_ppc64le
#define TEST_RUNS
#include "test_host_x86_64.c"
#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/ppc64le/asm.h"
#include "assembler.h"

struct op { uint32_t op; const char *name; };
static const struct op x_ops[] = {                       /* rt, ra, rb */
    { P_ADD, "add" }, { P_ADDC, "addc" }, { P_ADDE, "adde" }, { P_SUBF, "subf" }, { P_SUBFC, "subfc" }, { P_SUBFE, "subfe" }, { P_MULLD, "mulld" }, { P_MULLW, "mullw" },
    { P_MULHD, "mulhd" }, { P_MULHDU, "mulhdu" }, { P_DIVD, "divd" }, { P_DIVDU, "divdu" }, { P_DIVDE, "divde" }, { P_DIVDEU, "divdeu" }, { P_MODSD, "modsd" }, { P_MODUD, "modud" },
    { P_LBZX, "lbzx" }, { P_LHZX, "lhzx" }, { P_LWZX, "lwzx" }, { P_LDX, "ldx" }, { P_LWAX, "lwax" }, { P_LHAX, "lhax" }, { P_STBX, "stbx" }, { P_STHX, "sthx" }, { P_STWX, "stwx" },
    { P_STDX, "stdx" }, { P_LHBRX, "lhbrx" }, { P_LWBRX, "lwbrx" }, { P_LDBRX, "ldbrx" }, { P_LBARX, "lbarx" }, { P_LHARX, "lharx" }, { P_LWARX, "lwarx" }, { P_LDARX, "ldarx" },
    { P_STBCX_, "stbcx." }, { P_STHCX_, "sthcx." }, { P_STWCX_, "stwcx." }, { P_STDCX_, "stdcx." },
}, l_ops[] = {                                           /* ra, rs, rb */
    { P_AND, "and" }, { P_ANDC, "andc" }, { P_OR, "or" }, { P_ORC, "orc" }, { P_XOR, "xor" }, { P_NOR, "nor" }, { P_EQV, "eqv" }, { P_NAND, "nand" }, { P_SLD, "sld" }, { P_SRD, "srd" },
    { P_SRAD, "srad" }, { P_SLW, "slw" }, { P_SRW, "srw" }, { P_SRAW, "sraw" }, { P_BPERMD, "bpermd" }, { P_PDEPD, "pdepd" }, { P_PEXTD, "pextd" },
}, u_ops[] = {                                           /* ra, rs */
    { P_EXTSB, "extsb" }, { P_EXTSH, "extsh" }, { P_EXTSW, "extsw" }, { P_CNTLZW, "cntlzw" }, { P_CNTLZD, "cntlzd" }, { P_POPCNTB, "popcntb" }, { P_POPCNTW, "popcntw" },
    { P_POPCNTD, "popcntd" }, { P_CNTTZW, "cnttzw" }, { P_CNTTZD, "cnttzd" }, { P_BRH, "brh" }, { P_BRW, "brw" }, { P_BRD, "brd" },
}, v_ops[] = {                                           /* three VMX registers */
    { V_ADDUBM, "vaddubm" }, { V_ADDUHM, "vadduhm" }, { V_ADDUWM, "vadduwm" }, { V_ADDUDM, "vaddudm" }, { V_SUBUBM, "vsububm" }, { V_SUBUHM, "vsubuhm" }, { V_SUBUWM, "vsubuwm" },
    { V_SUBUDM, "vsubudm" }, { V_ADDSBS, "vaddsbs" }, { V_ADDSHS, "vaddshs" }, { V_ADDUBS, "vaddubs" }, { V_ADDUHS, "vadduhs" }, { V_SUBSBS, "vsubsbs" }, { V_SUBSHS, "vsubshs" },
    { V_SUBUBS, "vsububs" }, { V_SUBUHS, "vsubuhs" }, { V_AVGUB, "vavgub" }, { V_AVGUH, "vavguh" }, { V_MINUB, "vminub" }, { V_MINUH, "vminuh" }, { V_MINUW, "vminuw" }, { V_MINSB, "vminsb" },
    { V_MINSH, "vminsh" }, { V_MINSW, "vminsw" }, { V_MAXUB, "vmaxub" }, { V_MAXUH, "vmaxuh" }, { V_MAXUW, "vmaxuw" }, { V_MAXSB, "vmaxsb" }, { V_MAXSH, "vmaxsh" }, { V_MAXSW, "vmaxsw" },
    { V_CMPEQUB, "vcmpequb" }, { V_CMPEQUH, "vcmpequh" }, { V_CMPEQUW, "vcmpequw" }, { V_CMPEQUD, "vcmpequd" }, { V_CMPGTSB, "vcmpgtsb" }, { V_CMPGTSH, "vcmpgtsh" }, { V_CMPGTSW, "vcmpgtsw" },
    { V_CMPGTSD, "vcmpgtsd" }, { V_MRGHB, "vmrghb" }, { V_MRGHH, "vmrghh" }, { V_MRGHW, "vmrghw" }, { V_MRGLB, "vmrglb" }, { V_MRGLH, "vmrglh" }, { V_MRGLW, "vmrglw" }, { V_PKSHSS, "vpkshss" },
    { V_PKSHUS, "vpkshus" }, { V_PKSWSS, "vpkswss" }, { V_PKSWUS, "vpkswus" }, { V_SLB, "vslb" }, { V_SLH, "vslh" }, { V_SLW, "vslw" }, { V_SLD, "vsld" }, { V_SRB, "vsrb" }, { V_SRH, "vsrh" },
    { V_SRW, "vsrw" }, { V_SRD, "vsrd" }, { V_SRAB, "vsrab" }, { V_SRAH, "vsrah" }, { V_SRAW, "vsraw" }, { V_SRAD, "vsrad" }, { V_MULOUW, "vmulouw" }, { V_MULOSW, "vmulosw" }, { V_MULUWM, "vmuluwm" },
    { V_BPERMQ, "vbpermq" }, { V_SUM4UBS, "vsum4ubs" }, { V_SUM2SWS, "vsum2sws" }, { V_MULEUH, "vmuleuh" }, { V_MULOUH, "vmulouh" }, { V_MULESH, "vmulesh" }, { V_MULOSH, "vmulosh" },
    { V_PKUWUM, "vpkuwum" }, { V_PKUDUM, "vpkudum" }, { V_RLW, "vrlw" }, { V_MRGEW, "vmrgew" }, { V_ABSDUB, "vabsdub" }, { V_CIPHER, "vcipher" }, { V_CIPHERLAST, "vcipherlast" },
    { V_NCIPHER, "vncipher" }, { V_NCIPHERLAST, "vncipherlast" }, { V_PMSUMD, "vpmsumd" },
}, vs_ops[] = {                                          /* three VSX registers, upper half */
    { (uint32_t)X_LAND, "xxland" }, { (uint32_t)X_LANDC, "xxlandc" }, { (uint32_t)X_LOR, "xxlor" }, { (uint32_t)X_LXOR, "xxlxor" }, { (uint32_t)X_LNOR, "xxlnor" }, { (uint32_t)X_LORC, "xxlorc" }, { (uint32_t)X_MRGHW, "xxmrghw" },
    { (uint32_t)X_SADDDP, "xsadddp" }, { (uint32_t)X_SSUBDP, "xssubdp" }, { (uint32_t)X_SMULDP, "xsmuldp" }, { (uint32_t)X_SDIVDP, "xsdivdp" },
}, d_ops[] = {
    { P_LBZ, "lbz" }, { P_LHZ, "lhz" }, { P_LHA, "lha" }, { P_LWZ, "lwz" }, { P_STB, "stb" }, { P_STH, "sth" }, { P_STW, "stw" },
}, ds_ops[] = { { (uint32_t)P_LD, "ld" }, { (uint32_t)P_LDU, "ldu" }, { (uint32_t)P_LWA, "lwa" }, { (uint32_t)P_STD, "std" }, { (uint32_t)P_STDU, "stdu" } };
#define EACH(o, table) for (const struct op *o = table; o < table + sizeof table / sizeof *table; o++)

static void registers(void)
{
    for (unsigned k = 0; k < 32; k++) {
        unsigned t = k, x = 1 + (k * 7 + 3) % 31, y = (k * 11 + 5) & 31;
        EACH(o, x_ops) asm_x(&a, o->op, t, x, y), TEXT("%s %u,%u,%u\n", o->name, t, x, y);
        EACH(o, l_ops) asm_l(&a, o->op, t, x, y), TEXT("%s %u,%u,%u\n", o->name, t, x, y);
        EACH(o, u_ops) asm_l(&a, o->op, t, x, 0), TEXT("%s %u,%u\n", o->name, t, x);
        EACH(o, v_ops) asm_v(&a, o->op, t, x, y), TEXT("%s %u,%u,%u\n", o->name, t, x, y);
        EACH(o, vs_ops) asm_vs(&a, o->op, t, x, y), TEXT("%s %u,%u,%u\n", o->name, 32 + t, 32 + x, 32 + y);
        asm_x(&a, P_NEG, t, x, 0), TEXT("neg %u,%u\n", t, x);
        asm_v4(&a, V_PERM, t, x, y, k ^ 9), TEXT("vperm %u,%u,%u,%u\n", t, x, y, k ^ 9);
        asm_v4(&a, V_MSUMSHM, t, x, y, k ^ 9), TEXT("vmsumshm %u,%u,%u,%u\n", t, x, y, k ^ 9);
        asm_v4(&a, V_MHRADDSHS, t, x, y, k ^ 9), TEXT("vmhraddshs %u,%u,%u,%u\n", t, x, y, k ^ 9);
        asm_v4(&a, V_MLADDUHM, t, x, y, k ^ 9), TEXT("vmladduhm %u,%u,%u,%u\n", t, x, y, k ^ 9);
        asm_v4(&a, V_SLDOI, t, x, y, k & 15), TEXT("vsldoi %u,%u,%u,%u\n", t, x, y, k & 15);
        asm_xxpermdi(&a, t, x, y, k & 3), TEXT("xxpermdi %u,%u,%u,%u\n", 32 + t, 32 + x, 32 + y, k & 3);
        asm_xxsldwi(&a, t, x, y, k & 3), TEXT("xxsldwi %u,%u,%u,%u\n", 32 + t, 32 + x, 32 + y, k & 3);
        asm_xxsel(&a, t, x, y, k ^ 3), TEXT("xxsel %u,%u,%u,%u\n", 32 + t, 32 + x, 32 + y, 32 + (k ^ 3));
        asm_xxbrd(&a, t, x), TEXT("xxbrd %u,%u\n", 32 + t, 32 + x);
        asm_v4(&a, V_PERMR, t, x, y, k ^ 9), TEXT("vpermr %u,%u,%u,%u\n", t, x, y, k ^ 9);
        asm_v(&a, V_INSERTB, t, x & 15, y), TEXT("vinsertb %u,%u,%u\n", t, y, x & 15);
        asm_v(&a, V_INSERTH, t, x % 15, y), TEXT("vinserth %u,%u,%u\n", t, y, x % 15);
        asm_v(&a, V_INSERTW, t, x % 13, y), TEXT("vinsertw %u,%u,%u\n", t, y, x % 13);
        asm_v(&a, V_INSW, t, x % 13, y), TEXT("vinsw %u,%u,%u\n", t, y, x % 13);
        asm_v(&a, V_EXTRACTM, t, 8 + (k & 3), y), TEXT("vextract%cm %u,%u\n", "bhwd"[k & 3], t, y);
        asm_xxbrq(&a, t, x), TEXT("xxbrq %u,%u\n", 32 + t, 32 + x);
        asm_v(&a, V_SBOX, t, x, 0), TEXT("vsbox %u,%u\n", t, x);
        asm_v(&a, V_SHASIGMAW, t, x, y), TEXT("vshasigmaw %u,%u,%u,%u\n", t, x, y >> 4, y & 15);
        asm_x(&a, P_LVSL, t, 0, y), TEXT("lvsl %u,0,%u\n", t, y);
        asm_l(&a, P_OR, t, x, y), asm_record(&a), TEXT("or. %u,%u,%u\n", t, x, y);
        asm_sldi(&a, t, x, y), asm_record(&a), TEXT("sldi. %u,%u,%u\n", t, x, y);
        asm_mvsr(&a, P_MTVSRDD | x << 11, t, 0), TEXT("mtvsrdd %u,0,%u\n", 32 + t, x);
        asm_vs2(&a, (uint32_t)X_CVSXDDP, t, x), TEXT("xscvsxddp %u,%u\n", 32 + t, 32 + x);
        asm_vs2(&a, (uint32_t)X_CVDPSXDS, t, x), TEXT("xscvdpsxds %u,%u\n", 32 + t, 32 + x);
        asm_mvsr(&a, P_MFVSRD, t, x), TEXT("mfvsrd %u,%u\n", x, 32 + t);
        asm_mvsr(&a, P_MFVSRLD, t, x), TEXT("mfvsrld %u,%u\n", x, 32 + t);
        asm_mvsr(&a, P_MTVSRD, t, x), TEXT("mtvsrd %u,%u\n", 32 + t, x);
        asm_mvsr(&a, P_MTVSRWA, t, x), TEXT("mtvsrwa %u,%u\n", 32 + t, x);
        asm_vx(&a, P_LXVX, t, x, y), TEXT("lxvx %u,%u,%u\n", 32 + t, x, y);
        asm_vx(&a, P_STXVX, t, x, y), TEXT("stxvx %u,%u,%u\n", 32 + t, x, y);
        asm_cror(&a, t, x, y), TEXT("cror %u,%u,%u\n", t, x, y);
        asm_crnor(&a, t, x, y), TEXT("crnor %u,%u,%u\n", t, x, y);
        asm_vx(&a, P_LXVDSX, t, x, y), TEXT("lxvdsx %u,%u,%u\n", 32 + t, x, y);
        asm_vx(&a, P_LXVD2X, t, x, y), TEXT("lxvd2x %u,%u,%u\n", 32 + t, x, y);
        asm_vx(&a, P_STXVD2X, t, x, y), TEXT("stxvd2x %u,%u,%u\n", 32 + t, x, y);
        asm_x(&a, P_LVX, t, x, y), TEXT("lvx %u,%u,%u\n", t, x, y);
        asm_x(&a, P_STVX, t, x, y), TEXT("stvx %u,%u,%u\n", t, x, y);
        asm_isel(&a, t, x, y, k), TEXT("isel %u,%u,%u,%u\n", t, x, y, k);
        asm_mfocrf(&a, t, k & 7), TEXT("mfocrf %u,%u\n", t, 0x80u >> (k & 7));
        asm_setbc(&a, t, y, false), TEXT("setbc %u,%u\n", t, y);
        asm_setbc(&a, t, y, true), TEXT("setbcr %u,%u\n", t, y);
        asm_cmp(&a, k & 7, k & 1, k & 2, x, y), TEXT("cmp%s%s %u,%u,%u\n", k & 2 ? "" : "l", k & 1 ? "d" : "w", k & 7, x, y);
        asm_r(&a, P_MTCTR, t), TEXT("mtctr %u\n", t);
        asm_r(&a, P_MTLR, t), TEXT("mtlr %u\n", t);
        asm_r(&a, P_MFLR, t), TEXT("mflr %u\n", t);
        asm_r(&a, P_MFCR, t), TEXT("mfcr %u\n", t);
        asm_r(&a, P_MTCRF, t), TEXT("mtcr %u\n", t);
    }
}

static void immediates(void)
{
    for (int32_t d = -32768; d < 32768; d += 52) {
        unsigned t = (unsigned)d >> 2 & 31, r = 1 + ((unsigned)d >> 4) % 31;
        EACH(o, d_ops) asm_d(&a, o->op, t, r, d), TEXT("%s %u,%d(%u)\n", o->name, t, d, r);
        EACH(o, ds_ops) if (t != r) asm_d(&a, o->op, t, r, d), TEXT("%s %u,%d(%u)\n", o->name, t, d, r);
        asm_d(&a, P_ADDI, t, r, d), TEXT("addi %u,%u,%d\n", t, r, d);
        asm_d(&a, P_ADDIS, t, r, d), TEXT("addis %u,%u,%d\n", t, r, d);
        asm_d(&a, P_MULLI, t, r, d), TEXT("mulli %u,%u,%d\n", t, r, d);
        asm_d(&a, P_SUBFIC, t, r, d), TEXT("subfic %u,%u,%d\n", t, r, d);
        asm_li(&a, P_ORI, t, r, (uint32_t)d), TEXT("ori %u,%u,%u\n", t, r, d & 0xffff);
        asm_li(&a, P_ORIS, t, r, (uint32_t)d), TEXT("oris %u,%u,%u\n", t, r, d & 0xffff);
        asm_li(&a, P_XORI, t, r, (uint32_t)d), TEXT("xori %u,%u,%u\n", t, r, d & 0xffff);
        asm_li(&a, P_ANDI_, t, r, (uint32_t)d), TEXT("andi. %u,%u,%u\n", t, r, d & 0xffff);
        asm_cmpi(&a, t & 7, t & 1, true, r, d), TEXT("cmp%si %u,%u,%d\n", t & 1 ? "d" : "w", t & 7, r, d);
        asm_cmpi(&a, t & 7, t & 1, false, r, d), TEXT("cmpl%si %u,%u,%u\n", t & 1 ? "d" : "w", t & 7, r, d & 0xffff);
        asm_lxv(&a, d & 4, t, r, d & ~15), TEXT("%s %u,%d(%u)\n", d & 4 ? "stxv" : "lxv", 32 + t, d & ~15, r);
        asm_lxsd(&a, d & 4, t, r, d), TEXT("%s %u,%d(%u)\n", d & 4 ? "stxsd" : "lxsd", t, d, r);
        asm_lxssp(&a, d & 4, t, r, d), TEXT("%s %u,%d(%u)\n", d & 4 ? "stxssp" : "lxssp", t, d & ~3, r);
        asm_bc(&a, d & 8 ? BO_TRUE : BO_FALSE, t, asm_here(&a) + (uint64_t)(int64_t)d), TEXT("bc %u,%u,.%+d\n", d & 8 ? BO_TRUE : BO_FALSE, t, d);
        asm_b(&a, asm_here(&a) + (uint64_t)(int64_t)(d * 1024), d & 4), TEXT("%s .%+d\n", d & 4 ? "bl" : "b", d * 1024);
    }
}

/* VSX with any registers, and what emit_float.c and emit_atomic.c use besides */
static void others(void)
{
    static const struct op any[] = { { X_PERMDI, "xxpermdi %u,%u,%u,0" }, { X_PERMDI | 2 << 8, "xxpermdi %u,%u,%u,2" }, { X_LANDC, "xxlandc %u,%u,%u" }, { X_SLDWI | 1 << 8, "xxsldwi %u,%u,%u,1" }, { X_LXOR, "xxlxor %u,%u,%u" } };
    static const struct op tests[] = { { XX3(61), "xstdivdp" }, { XX3(125), "xvtdivdp" }, { XX3(93), "xvtdivsp" } };
    static const struct op unary[] = { { (uint32_t)X_SQRTDP, "xssqrtdp" }, { (uint32_t)XX2(11), "xssqrtsp" }, { (uint32_t)XX2(281), "xsrsp" }, { (uint32_t)XX2(88), "xscvdpsxws" },
        { (uint32_t)X_CVDPSXDS, "xscvdpsxds" }, { (uint32_t)X_CVSXDDP, "xscvsxddp" }, { (uint32_t)X_CVSXDSP, "xscvsxdsp" }, { (uint32_t)X_CVSPDPN, "xscvspdpn" }, { (uint32_t)X_CVDPSPN, "xscvdpspn" },
        { (uint32_t)XX2(107), "xsrdpic" }, { (uint32_t)XX2(121), "xsrdpim" }, { (uint32_t)XX2(105), "xsrdpip" }, { (uint32_t)XX2(89), "xsrdpiz" }, { (uint32_t)X_VCVSXWDP, "xvcvsxwdp" }, { (uint32_t)X_VCVSXWSP, "xvcvsxwsp" } };
    static const struct op locked[] = { { P_LBARX, "lbarx" }, { P_LHARX, "lharx" }, { P_LWARX, "lwarx" }, { P_LDARX, "ldarx" },
        { P_STBCX_, "stbcx." }, { P_STHCX_, "sthcx." }, { P_STWCX_, "stwcx." }, { P_STDCX_, "stdcx." } };
    for (unsigned k = 0; k < 64; k++) {
        unsigned t = k, x = k * 7 & 63, y = (k * 11 + 3) & 63;
        EACH(o, any) asm_x3(&a, o->op, t, x, y), TEXT(o->name, t, x, y), TEXT("\n");
        EACH(o, tests) asm_x3(&a, o->op | (k & 7) << 23, 0, x, y), TEXT("%s %u,%u,%u\n", o->name, k & 7, x, y);
    }
    for (unsigned k = 0; k < 32; k++) {
        EACH(o, unary) asm_vs2(&a, o->op, k, 31 - k), TEXT("%s %u,%u\n", o->name, 32 + k, 63 - k);
        EACH(o, locked) asm_x(&a, o->op, k, 0, 31 - k), TEXT("%s %u,0,%u\n", o->name, k, 31 - k);
        asm_mtocrf(&a, k & 7, k), TEXT("mtocrf %u,%u\n", 128 >> (k & 7), k);
        asm_vx(&a, P_LXSSPX, k, 3, 4), TEXT("lxsspx %u,3,4\n", 32 + k);
        asm_vx(&a, P_STXSSPX, k, 3, 4), TEXT("stxsspx %u,3,4\n", 32 + k);
        asm_vx(&a, P_LXSDX, k, 3, 4), TEXT("lxsdx %u,3,4\n", 32 + k);
        asm_vx(&a, P_STXSDX, k, 3, 4), TEXT("stxsdx %u,3,4\n", 32 + k);
    }
}

static void rotates(void)
{
    for (unsigned sh = 0; sh < 64; sh++)
        for (unsigned m = 0; m < 64; m += 3) {
            asm_rldicl(&a, 3, 4, sh, m), TEXT("rldicl 3,4,%u,%u\n", sh, m);
            asm_rldicr(&a, 5, 6, sh, m), TEXT("rldicr 5,6,%u,%u\n", sh, m);
            asm_rldimi(&a, 7, 8, sh, m), TEXT("rldimi 7,8,%u,%u\n", sh, m);
            asm_md(&a, 2, 9, 10, sh, m), TEXT("rldic 9,10,%u,%u\n", sh, m);
            asm_rlwinm(&a, 11, 12, sh & 31, m & 31, (m * 5 + sh) & 31), TEXT("rlwinm 11,12,%u,%u,%u\n", sh & 31, m & 31, (m * 5 + sh) & 31);
            asm_rlwimi(&a, 13, 14, sh & 31, m & 31, (m * 5 + sh) & 31), TEXT("rlwimi 13,14,%u,%u,%u\n", sh & 31, m & 31, (m * 5 + sh) & 31);
        }
    for (unsigned n = 0; n < 64; n++) {
        asm_sradi(&a, 1, 2, n), TEXT("sradi 1,2,%u\n", n);
        asm_srawi(&a, 1, 2, n & 31), TEXT("srawi 1,2,%u\n", n & 31);
        asm_sldi(&a, 1, 2, n), TEXT("sldi 1,2,%u\n", n);
        if (n)
            asm_srdi(&a, 1, 2, n), TEXT("srdi 1,2,%u\n", n);
    }
    asm_rlwnm(&a, 1, 2, 3), TEXT("rlwnm 1,2,3,0,31\n");
    asm_rldcl(&a, 1, 2, 3), TEXT("rldcl 1,2,3,0\n");
    asm_u32(&a, P_LWSYNC), TEXT("lwsync\n");
    asm_u32(&a, P_HWSYNC), TEXT("hwsync\n");
    asm_u32(&a, P_BCTR), TEXT("bctr\n");
    asm_u32(&a, P_BCTRL), TEXT("bctrl\n");
    asm_u32(&a, P_BLR), TEXT("blr\n");
}

static void encode(void)
{
    registers();
    immediates();
    rotates();
    others();
}

static void check_assembler(void **unused) { compare_with_assembler("powerpc64le-linux-gnu", "-mpower10", encode); }

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(check_assembler) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
