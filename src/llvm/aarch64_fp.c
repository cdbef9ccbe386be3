/* SPDX-License-Identifier: GPL-2.0-or-later
 * aarch64_fp.c: floating point of regions on an aarch64 host, by inline assembly, so that LLVM neither folds nor moves it. As in tier 1
 * (src/host/aarch64/emit_fp.c) FPSR tells afterwards whether x86 may differ, and FPCR.FZ is set, so that denormals show there; runs.c looks.
 */
#include <stdio.h>
#include <string.h>
#include "llvm/aarch64.h"

/* --- FPSR --- */

const uint32_t asm_look = 0x8f8f8f8f;            /* IOC, DZC, OFC, UFC, IDC, as a number that fits an instruction */

LLVMValueRef asm_noted(struct lower *L)
{
    LLVMValueRef v = float_asm(L, "mrs $0, fpsr", "=r", int_type(L, 64), NULL, 0, ASM_STICKY);
    return LLVMBuildTrunc(L->b, v, int_type(L, 32), "");
}

void asm_note(struct lower *L, LLVMValueRef noted)
{
    LLVMValueRef v = LLVMBuildZExt(L->b, noted, int_type(L, 64), "");
    float_asm(L, "msr fpsr, $0", "r", LLVMVoidTypeInContext(L->c), &v, 1, ASM_STICKY);
}

/* FPSR tells of denormal operands too */
LLVMValueRef asm_first_noted(struct lower *L) { return asm_noted(L); }
void asm_block(struct lower *L) {}
void asm_loop(struct lower *L) {}
void asm_operands(struct lower *L, unsigned i, const struct ir_insn *in) {}

/* --- operands --- */

/* Text for elements of `lane`: %s stands for d or s, %t for 2d or 4s. */
static const char *text_for(char *text, size_t size, const char *form, unsigned lane)
{
    size_t n = 0;
    for (; *form && n + 3 < size; form++) {
        if (form[0] == '%' && form[1] == 's') {
            text[n++] = lane == IR_F64 ? 'd' : 's';
            form++;
        } else if (form[0] == '%' && form[1] == 't') {
            text[n++] = lane == IR_F64 ? '2' : '4';
            text[n++] = lane == IR_F64 ? 'd' : 's';
            form++;
        } else {
            text[n++] = *form;
        }
    }
    text[n] = 0;
    return text;
}

static LLVMValueRef assemble(struct lower *L, const char *form, unsigned lane, const char *constraints, LLVMTypeRef result, LLVMValueRef *arg, unsigned n, unsigned effects)
{
    char text[256];
    return float_asm(L, text_for(text, sizeof text, form, lane), constraints, result, arg, n, effects);
}

/* one result of low elements */
static LLVMValueRef scalar(struct lower *L, const char *form, unsigned lane, const char *constraints, LLVMValueRef *arg, unsigned n)
{
    return assemble(L, form, lane, constraints, float_type(L, lane), arg, n, ASM_STICKY);
}

/* one operand's low element to arg0's low element, by one instruction. It clears what is above: nothing has to be put back where arg0 is zero. */
static LLVMValueRef scalar_into(struct lower *L, const struct ir_insn *in, const char *form, const char *constraints, LLVMValueRef x, unsigned effects)
{
    if (LLVMIsNull(L->v[in->arg[0]]))
        return assemble(L, form, in->lane, constraints, vector_type(L, IR_VOID), &x, 1, effects);
    return float_with_low(L, in->arg[0], in->lane, assemble(L, form, in->lane, constraints, float_type(L, in->lane), &x, 1, effects));
}

static LLVMValueRef packed(struct lower *L, const char *form, unsigned lane, const char *constraints, LLVMValueRef *arg, unsigned n)
{
    return assemble(L, form, lane, constraints, vector_type(L, IR_VOID), arg, n, ASM_STICKY);
}

/* --- two operands, one instruction or two --- */

struct form { uint8_t op; const char *scalar, *packed, *scalar_in, *packed_in; };
#define SIMPLE(op, name) { IR_##op, name " ${0:%s}, ${1:%s}, ${2:%s}", name " $0.%t, $1.%t, $2.%t", "=w,w,w", "=w,w,w" }
static const struct form two[] = {
    SIMPLE(VFADD, "fadd"), SIMPLE(VFSUB, "fsub"), SIMPLE(VFMUL, "fmul"), SIMPLE(VFDIV, "fdiv"),
    { IR_VFMIN, "fcmpe ${1:%s}, ${2:%s}\n\tfcsel ${0:%s}, ${1:%s}, ${2:%s}, mi", "fcmgt $0.%t, $2.%t, $1.%t\n\tbsl $0.16b, $1.16b, $2.16b", "=w,w,w,~{nzcv}", "=&w,w,w" },
    { IR_VFMAX, "fcmpe ${1:%s}, ${2:%s}\n\tfcsel ${0:%s}, ${1:%s}, ${2:%s}, gt", "fcmgt $0.%t, $1.%t, $2.%t\n\tbsl $0.16b, $1.16b, $2.16b", "=w,w,w,~{nzcv}", "=&w,w,w" },
    { IR_VFHADD, NULL, "faddp $0.%t, $1.%t, $2.%t", NULL, "=w,w,w" },
    { IR_VFHSUB, NULL, "uzp1 $0.%t, $2.%t, $3.%t\n\tuzp2 $1.%t, $2.%t, $3.%t\n\tfsub $0.%t, $0.%t, $1.%t", NULL, "=&w,=&w,w,w" },
};

static const struct form *find(const struct ir_insn *in)
{
    for (unsigned k = 0; k < sizeof two / sizeof *two; k++)
        if (two[k].op == in->op)
            return &two[k];
    return NULL;
}

static LLVMValueRef first(struct lower *L, LLVMValueRef results) { return LLVMBuildExtractValue(L->b, results, 0, ""); }

static LLVMTypeRef pair_of(struct lower *L, LLVMTypeRef a, LLVMTypeRef b)
{
    LLVMTypeRef t[2] = { a, b };
    return LLVMStructTypeInContext(L->c, t, 2, 0);
}

static LLVMValueRef two_operands(struct lower *L, const struct ir_insn *in)
{
    const struct form *f = find(in);
    if (in->mod & IR_LOW) {
        LLVMValueRef x[2] = { float_low(L, in->arg[0], in->lane), float_low(L, in->arg[1], in->lane) };
        return float_with_low(L, in->arg[0], in->lane, scalar(L, f->scalar, in->lane, f->scalar_in, x, 2));
    }
    LLVMValueRef x[2] = { L->v[in->arg[0]], L->v[in->arg[1]] };
    LLVMTypeRef t = vector_type(L, IR_VOID);
    if (in->op == IR_VFHSUB)
        return first(L, assemble(L, f->packed, in->lane, f->packed_in, pair_of(L, t, t), x, 2, ASM_STICKY));
    return packed(L, f->packed, in->lane, f->packed_in, x, 2);
}

/* --- one operand --- */

/* arg1's elements; the rest from arg0 */
static LLVMValueRef one_operand(struct lower *L, const struct ir_insn *in, const char *name)
{
    char form[64];
    LLVMValueRef x = in->mod & IR_LOW ? float_low(L, in->arg[1], in->lane) : L->v[in->arg[1]];
    snprintf(form, sizeof form, in->mod & IR_LOW ? "%s ${0:%%s}, ${1:%%s}" : "%s $0.%%t, $1.%%t", name);
    if (in->mod & IR_LOW)
        return scalar_into(L, in, form, "=w,w", x, ASM_STICKY);
    return packed(L, form, in->lane, "=w,w", &x, 1);
}

/* The directed forms don't report inexact, which they must unless bit 3 says otherwise. */
static const char *rounding(unsigned imm)
{
    static const char *const directed[4] = { "frintn", "frintm", "frintp", "frintz" };
    return imm & 4 ? imm & 8 ? "frinti" : "frintx" : imm & 8 ? directed[imm & 3] : NULL;
}

/* --- comparing --- */

static LLVMValueRef compare(struct lower *L, const struct ir_insn *in)
{
    static const char *const scalars[4] = { "fcmeq ${0:%s}, ${1:%s}, ${2:%s}", "fcmgt ${0:%s}, ${2:%s}, ${1:%s}", "fcmge ${0:%s}, ${2:%s}, ${1:%s}",
                                            NULL };
    static const char *const vectors[4] = { "fcmeq $0.%t, $1.%t, $2.%t", "fcmgt $0.%t, $2.%t, $1.%t", "fcmge $0.%t, $2.%t, $1.%t", NULL };
    bool is_low = in->mod & IR_LOW;
    char form[96];
    snprintf(form, sizeof form, "%s%s", is_low ? scalars[in->aux & 3] : vectors[in->aux & 3],
             !(in->aux & 4) ? "" : is_low ? "\n\tmvn $0.8b, $0.8b" : "\n\tmvn $0.16b, $0.16b");
    LLVMValueRef x[2] = { is_low ? float_low(L, in->arg[0], in->lane) : L->v[in->arg[0]], is_low ? float_low(L, in->arg[1], in->lane) : L->v[in->arg[1]] };
    return is_low ? float_with_low(L, in->arg[0], in->lane, scalar(L, form, in->lane, "=&w,w,w", x, 2)) : packed(L, form, in->lane, "=&w,w,w", x, 2);
}

/* The assembly is for FPSR's sake; LLVM's own comparison of the same numbers can become one with a branch. */
bool asm_float_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *z, LLVMValueRef *p, LLVMValueRef *c, LLVMValueRef *be)
{
    LLVMValueRef x[2] = { float_low(L, in->arg[0], in->lane), float_low(L, in->arg[1], in->lane) };
    assemble(L, in->mod & IR_SIGNAL ? "fcmpe ${0:%s}, ${1:%s}" : "fcmp ${0:%s}, ${1:%s}", in->lane, "w,w,~{nzcv}", LLVMVoidTypeInContext(L->c), x, 2, ASM_STICKY);
    return false;
}

/* --- conversions --- */

static LLVMValueRef float_to_float(struct lower *L, const struct ir_insn *in)
{
    unsigned from = in->lane == IR_F64 ? IR_F32 : IR_F64;
    LLVMValueRef x = in->mod & IR_LOW ? float_low(L, in->arg[1], from) : L->v[in->arg[1]];
    if (in->mod & IR_LOW)
        return scalar_into(L, in, from == IR_F32 ? "fcvt ${0:d}, ${1:s}" : "fcvt ${0:s}, ${1:d}", "=w,w", x, ASM_STICKY);
    return packed(L, from == IR_F32 ? "fcvtl $0.2d, $1.2s" : "fcvtn $0.2s, $1.2d", in->lane, "=w,w", &x, 1);
}

static LLVMValueRef int_to_float(struct lower *L, const struct ir_insn *in)
{
    bool x = L->ir->insn[in->arg[1]].type == IR_I64;
    return scalar_into(L, in, x ? "scvtf ${0:%s}, ${1:x}" : "scvtf ${0:%s}, ${1:w}", "=w,r", L->v[in->arg[1]], in->lane == IR_F64 && !x ? ASM_PURE : ASM_STICKY);
}

/* In the current mode: rounded silently, then converted; in range, the number itself is converted for inexact. */
static LLVMValueRef float_to_int(struct lower *L, const struct ir_insn *in)
{
    bool x = in->type == IR_I64;
    LLVMValueRef v = float_low(L, in->arg[0], in->lane);
    LLVMTypeRef t = type_of(L, in->type);
    if (in->mod & 1)
        return assemble(L, x ? "fcvtzs ${0:x}, ${1:%s}" : "fcvtzs ${0:w}, ${1:%s}", in->lane, "=r,w", t, &v, 1, ASM_STICKY);
    LLVMValueRef r = assemble(L, x ? "fcvtzs ${0:x}, ${2:%s}\n\tfrinti ${1:%s}, ${2:%s}\n\tfcvtzs ${0:x}, ${1:%s}" :
                                     "fcvtzs ${0:x}, ${2:%s}\n\tfrinti ${1:%s}, ${2:%s}\n\tfcvtzs ${0:w}, ${1:%s}",
                              in->lane, "=&r,=&w,w", pair_of(L, t, float_type(L, in->lane)), &v, 1, ASM_STICKY);
    return first(L, r);
}

static LLVMValueRef ints_to_floats(struct lower *L, const struct ir_insn *in)
{
    if (in->lane == IR_F64)
        return assemble(L, "sshll $0.2d, $1.2s, #0\n\tscvtf $0.2d, $0.2d", in->lane, "=w,w", vector_type(L, IR_VOID), &L->v[in->arg[0]], 1, ASM_PURE);
    return packed(L, "scvtf $0.4s, $1.4s", in->lane, "=w,w", &L->v[in->arg[0]], 1);
}

/* two to 32 bits one after the other, the upper half zeros */
static LLVMValueRef doubles_to_ints(struct lower *L, const struct ir_insn *in)
{
    static const char truncate[] = "mov ${0:d}, $3.d[1]\n\tfcvtzs ${1:w}, ${3:d}\n\tfcvtzs ${2:w}, ${0:d}\n\tfmov ${0:s}, ${1:w}\n\tmov $0.s[1], ${2:w}";
    static const char current[] = "fcvtzs $0.2d, $3.2d\n\tmov ${0:d}, $3.d[1]\n\tfrinti ${0:d}, ${0:d}\n\tfcvtzs ${2:w}, ${0:d}\n\tfrinti ${0:d}, ${3:d}\n\t"
                                  "fcvtzs ${1:w}, ${0:d}\n\tfmov ${0:s}, ${1:w}\n\tmov $0.s[1], ${2:w}";
    LLVMTypeRef i32 = int_type(L, 32), t[3] = { vector_type(L, IR_VOID), i32, i32 };
    return first(L, assemble(L, in->mod & 1 ? truncate : current, in->lane, "=&w,=&r,=&r,w", LLVMStructTypeInContext(L->c, t, 3, 0), &L->v[in->arg[0]], 1, ASM_STICKY));
}

static LLVMValueRef floats_to_ints(struct lower *L, const struct ir_insn *in)
{
    if (in->lane != IR_F32)
        return doubles_to_ints(L, in);
    return packed(L, in->mod & 1 ? "fcvtzs $0.4s, $1.4s" : "fcvtzs $0.4s, $1.4s\n\tfrinti $0.4s, $1.4s\n\tfcvtzs $0.4s, $0.4s", in->lane, "=&w,w", &L->v[in->arg[0]], 1);
}

/* --- across elements --- */

static LLVMValueRef zero_elements(struct lower *L, LLVMValueRef v, unsigned lane, unsigned keep)
{
    LLVMValueRef index[4], z = LLVMConstNull(vector_type(L, lane));
    unsigned n = lane == IR_F64 ? 2 : 4;
    for (unsigned k = 0; k < n; k++)
        index[k] = int_const(L, 32, keep >> k & 1 ? k : n + k);
    return as_vector(L, LLVMBuildShuffleVector(L->b, LLVMBuildBitCast(L->b, v, vector_type(L, lane), ""), z, LLVMConstVector(index, n), ""));
}

/* products that the immediate leaves out are those of zeros */
static LLVMValueRef dot_product(struct lower *L, const struct ir_insn *in)
{
    bool f64 = in->lane == IR_F64;
    LLVMValueRef x[2] = { zero_elements(L, L->v[in->arg[0]], in->lane, in->aux >> 4), zero_elements(L, L->v[in->arg[1]], in->lane, in->aux >> 4) };
    LLVMValueRef v = packed(L, f64 ? "fmul $0.2d, $1.2d, $2.2d\n\tfaddp $0.2d, $0.2d, $0.2d" :
                                     "fmul $0.4s, $1.4s, $2.4s\n\tfaddp $0.4s, $0.4s, $0.4s\n\tfaddp $0.4s, $0.4s, $0.4s", in->lane, "=&w,w,w", x, 2);
    return zero_elements(L, v, in->lane, in->aux);
}

/* Differences of the even elements, sums of the odd ones, each packed alone, so that nothing else is computed. */
static LLVMValueRef sums_and_differences(struct lower *L, const struct ir_insn *in)
{
    static const char doubles[] = "mov ${0:d}, $2.d[1]\n\tmov ${1:d}, $3.d[1]\n\tfadd ${1:d}, ${0:d}, ${1:d}\n\tfsub ${0:d}, ${2:d}, ${3:d}\n\tmov $0.d[1], $1.d[0]";
    static const char floats[] = "uzp1 $0.4s, $2.4s, $2.4s\n\tuzp1 $1.4s, $3.4s, $3.4s\n\tfsub $0.2s, $0.2s, $1.2s\n\tuzp2 v14.4s, $2.4s, $2.4s\n\t"
                                 "uzp2 $1.4s, $3.4s, $3.4s\n\tfadd $1.2s, v14.2s, $1.2s\n\tzip1 $0.4s, $0.4s, $1.4s";
    LLVMValueRef x[2] = { L->v[in->arg[0]], L->v[in->arg[1]] };
    LLVMTypeRef t = vector_type(L, IR_VOID);
    return first(L, assemble(L, in->lane == IR_F64 ? doubles : floats, in->lane, "=&w,=&w,w,w,~{v14}", pair_of(L, t, t), x, 2, ASM_STICKY));
}

/* --- the table --- */

bool a64_float_known(const struct ir_block *b, const struct ir_insn *in)
{
    bool is_low = in->mod & IR_LOW;
    if (in->lane != IR_F32 && in->lane != IR_F64)
        return false;
    switch (in->op) {
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX: case IR_VFSQRT: case IR_VCVTFF: case IR_VCVTGF: case IR_VCVTIF: case IR_VCVTFI:
        return in->type == IR_V128;
    case IR_VFHADD: case IR_VFHSUB: case IR_VFADDSUB: case IR_VFDP: return in->type == IR_V128 && !is_low;
    case IR_VFROUND: return in->type == IR_V128 && rounding(in->aux);
    case IR_VFCMP: return in->type == IR_V128 && in->aux <= 7 && (in->aux & 3) != 3;
    case IR_VCVTFG: return b->insn[in->arg[0]].type == IR_V128;
    default: return false;
    }
}

LLVMValueRef a64_float(struct lower *L, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_VFSQRT: return one_operand(L, in, "fsqrt");
    case IR_VFROUND: return one_operand(L, in, rounding(in->aux));
    case IR_VFCMP: return compare(L, in);
    case IR_VCVTFF: return float_to_float(L, in);
    case IR_VCVTGF: return int_to_float(L, in);
    case IR_VCVTFG: return float_to_int(L, in);
    case IR_VCVTIF: return ints_to_floats(L, in);
    case IR_VCVTFI: return floats_to_ints(L, in);
    case IR_VFDP: return dot_product(L, in);
    case IR_VFADDSUB: return sums_and_differences(L, in);
    default: return two_operands(L, in);
    }
}
