/* SPDX-License-Identifier: GPL-2.0-or-later
 * ppc64le_fp.c: floating point of regions on a POWER host. FPSCR tells afterwards whether x86 may differ: an invalid operation (the host's NaN has
 * another sign), a division by zero, a tiny inexact result (x86 looks for it behind the rounding); runs.c looks. A denormal operand is not told: operands
 * that ppc64le_facts.c does not know better are multiplied by a small number, which shows as a tiny inexact result (src/host/ppc64le/loops.c).
 *
 * Under an unusual MXCSR (rounding, DAZ, FTZ, an unmasked exception) the entry sets an invalid operation by hand, so no look passes.
 * Manual: Power ISA 2.07 book I, 4.2.2 (FPSCR), 7.6.
 */
#include <stdio.h>
#include <string.h>
#include "llvm/ppc64le.h"

/* --- FPSCR --- */

const uint32_t asm_look = 0x2c000000;            /* VX, UX, ZX */

static LLVMValueRef read_fpscr(struct lower *L, const char *text, const char *constraints, LLVMValueRef *arg, unsigned n)
{
    LLVMTypeRef t[2] = { int_type(L, 64), LLVMDoubleTypeInContext(L->c) };
    LLVMValueRef v = float_asm(L, text, constraints, LLVMStructTypeInContext(L->c, t, 2, 0), arg, n, ASM_STICKY);
    return LLVMBuildTrunc(L->b, LLVMBuildExtractValue(L->b, v, 0, ""), int_type(L, 32), "");
}

LLVMValueRef asm_noted(struct lower *L) { return read_fpscr(L, "mffs $1\n\tmfvsrd $0, ${1:x}", "=r,=f", NULL, 0); }

/* Of what tier 1 left only the flags that MXCSR will have, inexact and overflow, stay. */
LLVMValueRef asm_first_noted(struct lower *L)
{
    static const char text[] = "mffs $1\n\tmfvsrd $0, ${1:x}\n\tandis. 0, $0, 0x2c00\n\tbeq 0, 1f\n\t"
                               "rlwinm 0, $0, 0, 6, 6\n\trlwinm $0, $0, 0, 3, 3\n\tor $0, $0, 0\n\tmtvsrd ${1:x}, $0\n\tmtfsf 255, $1\n"
                               "1:\trlwinm 0, $2, 0, 16, 25\n\tcmplwi 0, 0, 0x1f80\n\tbeq 0, 2f\n\tmtfsb1 21\n\tmffs $1\n\tmfvsrd $0, ${1:x}\n2:";
    LLVMValueRef mxcsr = LLVMBuildLoad2(L->b, int_type(L, 32), asm_state(L, L->r->offsets->fpcr), "");
    mxcsr = LLVMBuildZExt(L->b, mxcsr, int_type(L, 64), "");
    return read_fpscr(L, text, "=&r,=&f,r,~{cr0},~{r0}", &mxcsr, 1);
}

void asm_note(struct lower *L, LLVMValueRef noted)
{
    LLVMValueRef v = LLVMBuildZExt(L->b, noted, int_type(L, 64), "");
    float_asm(L, "mtvsrd ${0:x}, $1\n\tmtfsf 255, $0", "=&f,r", LLVMDoubleTypeInContext(L->c), &v, 1, ASM_STICKY);
}

/* --- denormal operands --- */

enum { KEPT_SHRINK = 3 /* of lower.kept: vs5, 2^-822 */ };

static LLVMValueRef small_float(struct lower *L) { return LLVMConstReal(float_type(L, IR_F32), 0x1p-23); }

static LLVMValueRef small_floats(struct lower *L)
{
    LLVMValueRef c[4];
    for (unsigned k = 0; k < 4; k++)
        c[k] = small_float(L);
    return as_vector(L, LLVMConstVector(c, 4));
}

void p64_test_low(struct lower *L, LLVMValueRef v, unsigned lane)
{
    LLVMValueRef x[2] = { v, lane == IR_F64 ? L->kept[KEPT_SHRINK] : small_float(L) };
    float_asm(L, lane == IR_F64 ? "xsmuldp ${0:x}, ${1:x}, ${2:x}" : "xsmulsp ${0:x}, ${1:x}, ${2:x}", lane == IR_F64 ? "=^ws,^ws,^wa" : "=^ws,^ws,^ws", float_type(L, lane), x, 2,
              ASM_STICKY);
}

void p64_test_all(struct lower *L, LLVMValueRef v, unsigned lane)
{
    LLVMValueRef x[2] = { v, lane == IR_F64 ? L->kept[KEPT_SHRINK] : small_floats(L) };
    float_asm(L, lane == IR_F64 ? "xvmuldp ${0:x}, ${1:x}, ${2:x}" : "xvmulsp ${0:x}, ${1:x}, ${2:x}", "=^wa,^wa,^wa", vector_type(L, IR_VOID), x, 2, ASM_STICKY);
}

/* --- operations --- */

/* Text for elements of `lane`: in "x%add%" the first % stands for s or v, the second for dp or sp. */
static const char *text_for(char *text, size_t size, const char *form, unsigned lane, bool is_low)
{
    size_t n = 0;
    for (unsigned k = 0; *form && n + 3 < size; form++) {
        if (*form != '%') {
            text[n++] = *form;
        } else if (k++ % 2 == 0) {
            text[n++] = is_low ? 's' : 'v';
        } else {
            text[n++] = lane == IR_F64 ? 'd' : 's';
            text[n++] = 'p';
        }
    }
    text[n] = 0;
    return text;
}

static LLVMValueRef low_op(struct lower *L, const char *form, unsigned lane, const char *constraints, LLVMTypeRef result, LLVMValueRef *x, unsigned n)
{
    char text[160];
    return float_asm(L, text_for(text, sizeof text, form, lane, true), constraints, result, x, n, ASM_STICKY);
}

static LLVMValueRef packed_op(struct lower *L, const char *form, unsigned lane, const char *constraints, LLVMValueRef *x, unsigned n)
{
    char text[160];
    return float_asm(L, text_for(text, sizeof text, form, lane, false), constraints, vector_type(L, IR_VOID), x, n, ASM_STICKY);
}

static const char *arithmetic(unsigned op)
{
    switch (op) {
    case IR_VFADD: case IR_VFHADD: return "x%add% ${0:x}, ${1:x}, ${2:x}";
    case IR_VFSUB: case IR_VFHSUB: return "x%sub% ${0:x}, ${1:x}, ${2:x}";
    case IR_VFMUL: return "x%mul% ${0:x}, ${1:x}, ${2:x}";
    default: return "x%div% ${0:x}, ${1:x}, ${2:x}";
    }
}

static LLVMValueRef two_operands(struct lower *L, const struct ir_insn *in)
{
    if (!(in->mod & IR_LOW)) {
        LLVMValueRef x[2] = { L->v[in->arg[0]], L->v[in->arg[1]] };
        return packed_op(L, arithmetic(in->op), in->lane, "=^wa,^wa,^wa", x, 2);
    }
    LLVMValueRef x[2] = { float_low(L, in->arg[0], in->lane), float_low(L, in->arg[1], in->lane) };
    return float_with_low(L, in->arg[0], in->lane, low_op(L, arithmetic(in->op), in->lane, "=^ws,^ws,^ws", float_type(L, in->lane), x, 2));
}

/* MIN is a < b ? a : b, MAX is a > b ? a : b; the comparison tells of NaNs */
static LLVMValueRef extreme(struct lower *L, const struct ir_insn *in)
{
    bool min = in->op == IR_VFMIN;
    if (!(in->mod & IR_LOW)) {
        LLVMValueRef x[2] = { L->v[in->arg[0]], L->v[in->arg[1]] };
        return packed_op(L, min ? "x%cmpgt% ${0:x}, ${2:x}, ${1:x}\n\txxsel ${0:x}, ${2:x}, ${1:x}, ${0:x}" : "x%cmpgt% ${0:x}, ${1:x}, ${2:x}\n\txxsel ${0:x}, ${2:x}, ${1:x}, ${0:x}", in->lane,
                         "=&^wa,^wa,^wa", x, 2);
    }
    LLVMValueRef x[2] = { float_low(L, in->arg[0], in->lane), float_low(L, in->arg[1], in->lane) };
    static const char first[] = "xscmpodp 0, ${1:x}, ${2:x}\n\txxlor ${0:x}, ${1:x}, ${1:x}\n\tblt 0, 1f\n\txxlor ${0:x}, ${2:x}, ${2:x}\n1:";
    static const char second[] = "xscmpodp 0, ${1:x}, ${2:x}\n\txxlor ${0:x}, ${1:x}, ${1:x}\n\tbgt 0, 1f\n\txxlor ${0:x}, ${2:x}, ${2:x}\n1:";
    return float_with_low(L, in->arg[0], in->lane, low_op(L, min ? first : second, in->lane, "=&^ws,^ws,^ws,~{cr0}", float_type(L, in->lane), x, 2));
}

/* of arg1; the rest from arg0 */
static LLVMValueRef one_operand(struct lower *L, const struct ir_insn *in, const char *form)
{
    if (!(in->mod & IR_LOW))
        return packed_op(L, form, in->lane, "=^wa,^wa", &L->v[in->arg[1]], 1);
    LLVMValueRef x = float_low(L, in->arg[1], in->lane);
    return float_with_low(L, in->arg[0], in->lane, low_op(L, form, in->lane, "=^ws,^ws", float_type(L, in->lane), &x, 1));
}

/* To nearest in the only mode that comes here. Of the host's, only the one in the current mode tells that it was inexact. A low float has the format of a double. */
static const char *rounding(const struct ir_insn *in)
{
    static const char *const doubles[4] = { "x%rdpic ${0:x}, ${1:x}", "x%rdpim ${0:x}, ${1:x}", "x%rdpip ${0:x}, ${1:x}", "x%rdpiz ${0:x}, ${1:x}" };
    static const char *const floats[4] = { "x%rspic ${0:x}, ${1:x}", "x%rspim ${0:x}, ${1:x}", "x%rspip ${0:x}, ${1:x}", "x%rspiz ${0:x}, ${1:x}" };
    unsigned imm = in->aux & 7;
    bool current = imm & 4 || imm == 0;
    if (current ? in->aux & 8 : !(in->aux & 8))
        return NULL;
    return (in->lane == IR_F64 || in->mod & IR_LOW ? doubles : floats)[current ? 0 : imm];
}

/* --- comparing --- */

static LLVMValueRef shuffled(struct lower *L, LLVMValueRef v, unsigned lane, unsigned a, unsigned b, unsigned c, unsigned d)
{
    unsigned index[4] = { a, b, c, d };
    LLVMValueRef order[4], from = LLVMBuildBitCast(L->b, v, vector_type(L, lane), "");
    for (unsigned k = 0; k < 4; k++)
        order[k] = int_const(L, 32, index[k]);
    return as_vector(L, LLVMBuildShuffleVector(L->b, from, LLVMConstNull(LLVMTypeOf(from)), LLVMConstVector(order, lane == IR_F64 ? 2 : 4), ""));
}

static LLVMValueRef compare(struct lower *L, const struct ir_insn *in)
{
    static const char *const text[3] = { "x%cmpeq% ${0:x}, ${1:x}, ${2:x}", "x%cmpgt% ${0:x}, ${2:x}, ${1:x}", "x%cmpge% ${0:x}, ${2:x}, ${1:x}" };
    char form[96];
    snprintf(form, sizeof form, "%s%s", text[in->aux & 3], in->aux & 4 ? "\n\txxlnor ${0:x}, ${0:x}, ${0:x}" : "");
    LLVMValueRef x[2] = { L->v[in->arg[0]], L->v[in->arg[1]] };
    for (unsigned k = 0; k < 2 && in->mod & IR_LOW; k++)                /* what stands above must not show */
        x[k] = shuffled(L, x[k], in->lane, 0, 0, 0, 0);
    LLVMValueRef v = packed_op(L, form, in->lane, "=^wa,^wa,^wa", x, 2);
    if (!(in->mod & IR_LOW))
        return v;
    LLVMTypeRef t = vector_type(L, in->lane);
    LLVMValueRef zero = int_const(L, 32, 0), low = LLVMBuildExtractElement(L->b, LLVMBuildBitCast(L->b, v, t, ""), zero, "");
    return as_vector(L, LLVMBuildInsertElement(L->b, LLVMBuildBitCast(L->b, L->v[in->arg[0]], t, ""), low, zero, ""));
}

/* The assembly is for FPSCR's sake, where quiet NaNs are to show; LLVM's own comparison of the same numbers can become one with a branch. */
bool asm_float_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *z, LLVMValueRef *p, LLVMValueRef *c, LLVMValueRef *be)
{
    LLVMValueRef x[2] = { float_low(L, in->arg[0], in->lane), float_low(L, in->arg[1], in->lane) };
    if (in->mod & IR_SIGNAL)
        float_asm(L, "xscmpodp 0, ${0:x}, ${1:x}", "^ws,^ws,~{cr0}", LLVMVoidTypeInContext(L->c), x, 2, ASM_STICKY);
    return false;
}

/* --- conversions --- */

static LLVMValueRef float_to_float(struct lower *L, const struct ir_insn *in)
{
    unsigned from = in->lane == IR_F64 ? IR_F32 : IR_F64;
    if (in->mod & IR_LOW) {
        LLVMValueRef v = float_low(L, in->arg[1], from);
        return float_with_low(L, in->arg[0], in->lane, from == IR_F32 ? LLVMBuildFPExt(L->b, v, float_type(L, IR_F64), "") :
                              low_op(L, "xsrsp ${0:x}, ${1:x}", in->lane, "=^ws,^ws", float_type(L, IR_F32), &v, 1));
    }
    LLVMValueRef x = L->v[in->arg[1]];
    if (from == IR_F64)                                                 /* the left word of each doubleword */
        return shuffled(L, packed_op(L, "xvcvdpsp ${0:x}, ${1:x}", in->lane, "=^wa,^wa", &x, 1), IR_F32, 1, 3, 4, 4);
    x = shuffled(L, x, IR_F32, 0, 0, 1, 1);
    return packed_op(L, "xvcvspdp ${0:x}, ${1:x}", in->lane, "=^wa,^wa", &x, 1);
}

static LLVMValueRef int_to_float(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef v = L->v[in->arg[1]];
    LLVMTypeRef t = float_type(L, in->lane);
    bool word = L->ir->insn[in->arg[1]].type == IR_I32;
    if (word && in->lane == IR_F64)
        return float_with_low(L, in->arg[0], in->lane, LLVMBuildSIToFP(L->b, v, t, ""));
    v = LLVMBuildSExt(L->b, v, int_type(L, 64), "");
    const char *text = in->lane == IR_F64 ? "mtvsrd ${0:x}, $1\n\txscvsxddp ${0:x}, ${0:x}" : "mtvsrd ${0:x}, $1\n\txscvsxdsp ${0:x}, ${0:x}";
    return float_with_low(L, in->arg[0], in->lane, low_op(L, text, in->lane, "=^ws,r", t, &v, 1));
}

static LLVMValueRef float_to_int(struct lower *L, const struct ir_insn *in)
{
    bool wide = in->type == IR_I64;
    LLVMValueRef v = float_low(L, in->arg[0], in->lane);
    LLVMTypeRef t[2] = { int_type(L, 64), LLVMDoubleTypeInContext(L->c) };
    char text[120];
    snprintf(text, sizeof text, "%s ${1:x}, ${%u:x}\n\t%s $0, ${1:x}", wide ? "xscvdpsxds" : "xscvdpsxws", in->mod & 1 ? 2 : 1, wide ? "mfvsrd" : "mfvsrwz");
    char whole[160];
    snprintf(whole, sizeof whole, "%s%s", in->mod & 1 ? "" : "xsrdpic ${1:x}, ${2:x}\n\t", text);
    LLVMValueRef both = float_asm(L, whole, "=&r,=&^ws,^ws", LLVMStructTypeInContext(L->c, t, 2, 0), &v, 1, ASM_STICKY);
    return LLVMBuildTrunc(L->b, LLVMBuildExtractValue(L->b, both, 0, ""), type_of(L, in->type), "");
}

/* the conversion to doubles takes words 0 and 2 */
static LLVMValueRef ints_to_floats(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef x = L->v[in->arg[0]];
    if (in->lane == IR_F32)
        return packed_op(L, "xvcvsxwsp ${0:x}, ${1:x}", in->lane, "=^wa,^wa", &x, 1);
    x = shuffled(L, x, IR_I32, 0, 0, 1, 1);
    return float_asm(L, "xvcvsxwdp ${0:x}, ${1:x}", "=^wa,^wa", vector_type(L, IR_VOID), &x, 1, ASM_PURE);
}

static LLVMValueRef floats_to_ints(struct lower *L, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    static const char *const text[2][2] = { { "xvrspic ${0:x}, ${1:x}\n\txvcvspsxws ${0:x}, ${0:x}", "xvcvspsxws ${0:x}, ${1:x}" },
                                            { "xvrdpic ${0:x}, ${1:x}\n\txvcvdpsxws ${0:x}, ${0:x}", "xvcvdpsxws ${0:x}, ${1:x}" } };
    LLVMValueRef v = packed_op(L, text[f64][in->mod & 1], in->lane, "=^wa,^wa", &L->v[in->arg[0]], 1);
    return f64 ? shuffled(L, v, IR_I32, 1, 3, 4, 4) : v;
}

/* --- across elements --- */

static LLVMValueRef neighbours(struct lower *L, const struct ir_insn *in)
{
    unsigned n = in->lane == IR_F64 ? 2 : 4;
    LLVMTypeRef t = vector_type(L, in->lane);
    LLVMValueRef a = LLVMBuildBitCast(L->b, L->v[in->arg[0]], t, ""), b = LLVMBuildBitCast(L->b, L->v[in->arg[1]], t, ""), x[2], order[4];
    for (unsigned odd = 0; odd < 2; odd++) {
        for (unsigned k = 0; k < n; k++)
            order[k] = int_const(L, 32, 2 * k + odd);
        x[odd] = as_vector(L, LLVMBuildShuffleVector(L->b, a, b, LLVMConstVector(order, n), ""));
    }
    return packed_op(L, arithmetic(in->op), in->lane, "=^wa,^wa,^wa", x, 2);
}

/* --- the table --- */

bool p64_float_known(const struct ir_block *b, const struct ir_insn *in)
{
    bool is_low = in->mod & IR_LOW;
    if (in->lane != IR_F32 && in->lane != IR_F64)
        return false;
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX: case IR_VFSQRT: case IR_VCVTFF: case IR_VCVTGF: case IR_VCVTIF: case IR_VCVTFI:
        return in->type == IR_V128;
    case IR_VFHADD: case IR_VFHSUB: return in->type == IR_V128 && !is_low;
    case IR_VFROUND: return in->type == IR_V128 && rounding(in);
    case IR_VFCMP: return in->type == IR_V128 && in->aux <= 7 && (in->aux & 3) != 3;
    case IR_VCVTFG: return b->insn[in->arg[0]].type == IR_V128;
    default: return false;
    }
}

LLVMValueRef p64_float(struct lower *L, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VFMIN: case IR_VFMAX: return extreme(L, in);
    case IR_VFSQRT: return one_operand(L, in, "x%sqrt% ${0:x}, ${1:x}");
    case IR_VFROUND: return one_operand(L, in, rounding(in));
    case IR_VFCMP: return compare(L, in);
    case IR_VCVTFF: return float_to_float(L, in);
    case IR_VCVTGF: return int_to_float(L, in);
    case IR_VCVTFG: return float_to_int(L, in);
    case IR_VCVTIF: return ints_to_floats(L, in);
    case IR_VCVTFI: return floats_to_ints(L, in);
    case IR_VFHADD: case IR_VFHSUB: return neighbours(L, in);
    default: return two_operands(L, in);
    }
}
