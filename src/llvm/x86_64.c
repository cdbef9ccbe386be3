/* SPDX-License-Identifier: GPL-2.0-or-later
 * x86_64.c: tier 2 on an x86-64 host. Floating point is inline assembly, one instruction each: then LLVM neither folds nor commutes it, and NaNs,
 * rounding and sticky flags are the guest's own, because MXCSR is. So are vector operations for which LLVM has no word.
 */
#include <string.h>
#include "llvm/lower.h"

const char llvm_triple[] = "x86_64-unknown-linux-gnu", llvm_cpu[] = "x86-64-v2";

static size_t through_gs(uint8_t *code, unsigned opcode, uint32_t offset)     /* mov between rsp and the state */
{
    const uint8_t head[5] = { 0x65, 0x48, (uint8_t)opcode, 0x24, 0x25 };
    memcpy(code, head, 5);
    memcpy(code + 5, &offset, 4);
    return 9;
}

const char asm_selector[] = "rax";

static size_t fill(uint8_t *code, size_t n)      /* instructions that do nothing */
{
    if (n > 2)
        memcpy(code, (uint8_t[]){ 0xeb, (uint8_t)(n - 2) }, 2);      /* jump over the rest */
    memset(code + (n > 2 ? 2 : 0), 0x90, n > 2 ? n - 2 : n);
    return n;
}

void asm_entry(const struct host_offsets *o, uint8_t *code, int which, uint32_t to_function)
{
    size_t n = through_gs(code, 0x89, o->ret_sp);
    n += through_gs(code + n, 0x8b, o->host_sp);
    if (which >= 0) {
        uint32_t number = (uint32_t)which;
        code[n] = 0xb8;                              /* mov eax, number */
        memcpy(code + n + 1, &number, 4);
        n += 5;
    }
    if (to_function > ASM_ENTRY_SIZE) {
        uint32_t distance = to_function - (uint32_t)(n + 5);
        code[n] = 0xe9;
        memcpy(code + n + 1, &distance, 4);
        n += 5;
    }
    fill(code + n, ASM_ENTRY_SIZE - n);
}

void asm_exit(const struct host_offsets *o, unsigned number, char *text, size_t size)
{
    snprintf(text, size, "movq %%gs:%u, %%rsp\n\tjmp wherry_exit_%u@PLT", o->ret_sp, number);
}

/* --- vector operations: one mnemonic by element type; the packed form's, and that for the low element alone --- */

enum shape { TWO /* dst = arg0, src = arg1 */, UNARY0, UNARY1 /* LOW: as TWO */, TO_GPR, FROM_GPR };
struct name { uint8_t op, lane; uint8_t shape, imm; const char *packed, *low; };
#define V2(op, lane, name) { IR_##op, IR_##lane, TWO, 0, name, NULL }
#define V1(op, lane, name) { IR_##op, IR_##lane, UNARY0, 0, name, NULL }
#define VF(op, shape, name) { IR_##op, IR_F32, shape, 0, name "ps", name "ss" }, { IR_##op, IR_F64, shape, 0, name "pd", name "sd" }
#define VI(op, shape, name) { IR_##op, IR_F32, shape, 1, name "ps", name "ss" }, { IR_##op, IR_F64, shape, 1, name "pd", name "sd" }
#define VP(op, name) { IR_##op, IR_F32, TWO, 0, name "ps", NULL }, { IR_##op, IR_F64, TWO, 0, name "pd", NULL }
static const struct name names[] = {
    V2(VADDSS, I8, "paddsb"), V2(VADDSS, I16, "paddsw"), V2(VADDUS, I8, "paddusb"), V2(VADDUS, I16, "paddusw"),
    V2(VSUBSS, I8, "psubsb"), V2(VSUBSS, I16, "psubsw"), V2(VSUBUS, I8, "psubusb"), V2(VSUBUS, I16, "psubusw"),
    V2(VMUL, I16, "pmullw"), V2(VMUL, I32, "pmulld"), V2(VMULHS, I16, "pmulhw"), V2(VMULHU, I16, "pmulhuw"),
    V2(VAVG, I8, "pavgb"), V2(VAVG, I16, "pavgw"),
    V2(VMINS, I8, "pminsb"), V2(VMINS, I16, "pminsw"), V2(VMINS, I32, "pminsd"), V2(VMINU, I8, "pminub"), V2(VMINU, I16, "pminuw"), V2(VMINU, I32, "pminud"),
    V2(VMAXS, I8, "pmaxsb"), V2(VMAXS, I16, "pmaxsw"), V2(VMAXS, I32, "pmaxsd"), V2(VMAXU, I8, "pmaxub"), V2(VMAXU, I16, "pmaxuw"), V2(VMAXU, I32, "pmaxud"),
    V1(VABS, I8, "pabsb"), V1(VABS, I16, "pabsw"), V1(VABS, I32, "pabsd"),
    V2(VSIGN, I8, "psignb"), V2(VSIGN, I16, "psignw"), V2(VSIGN, I32, "psignd"),
    V2(VHADD, I16, "phaddw"), V2(VHADD, I32, "phaddd"), V2(VHSUB, I16, "phsubw"), V2(VHSUB, I32, "phsubd"),
    V2(VSHL, I16, "psllw"), V2(VSHL, I32, "pslld"), V2(VSHL, I64, "psllq"), V2(VSHR, I16, "psrlw"), V2(VSHR, I32, "psrld"), V2(VSHR, I64, "psrlq"),
    V2(VSAR, I16, "psraw"), V2(VSAR, I32, "psrad"),
    V2(VPACKS, I16, "packsswb"), V2(VPACKS, I32, "packssdw"), V2(VPACKU, I16, "packuswb"), V2(VPACKU, I32, "packusdw"),
    VF(VFADD, TWO, "add"), VF(VFSUB, TWO, "sub"), VF(VFMUL, TWO, "mul"), VF(VFDIV, TWO, "div"), VF(VFMIN, TWO, "min"), VF(VFMAX, TWO, "max"),
    VF(VFSQRT, UNARY1, "sqrt"), VI(VFCMP, TWO, "cmp"), VI(VFROUND, UNARY1, "round"), VP(VFADDSUB, "addsub"), VP(VFHADD, "hadd"), VP(VFHSUB, "hsub"),
    { IR_VFRCP, IR_F32, UNARY1, 0, "rcpps", "rcpss" }, { IR_VFRSQRT, IR_F32, UNARY1, 0, "rsqrtps", "rsqrtss" },
    { IR_VCVTFF, IR_F64, UNARY1, 0, "cvtps2pd", "cvtss2sd" }, { IR_VCVTFF, IR_F32, UNARY1, 0, "cvtpd2ps", "cvtsd2ss" },
    { IR_VCVTIF, IR_F32, UNARY0, 0, "cvtdq2ps", NULL }, { IR_VCVTIF, IR_F64, UNARY0, 0, "cvtdq2pd", NULL },
    { IR_VCVTFI, IR_F32, UNARY0, 0, "cvtps2dq", "cvttps2dq" }, { IR_VCVTFI, IR_F64, UNARY0, 0, "cvtpd2dq", "cvttpd2dq" },
    { IR_VCVTGF, IR_F32, FROM_GPR, 0, "cvtsi2ss", "cvtsi2ss" }, { IR_VCVTGF, IR_F64, FROM_GPR, 0, "cvtsi2sd", "cvtsi2sd" },
    { IR_VCVTFG, IR_F32, TO_GPR, 0, "cvtss2si", "cvttss2si" }, { IR_VCVTFG, IR_F64, TO_GPR, 0, "cvtsd2si", "cvttsd2si" },
};
/* operations whose element type says nothing */
static const struct name plain[] = {
    V2(VMULHRS, VOID, "pmulhrsw"), V2(VMULUDQ, VOID, "pmuludq"), V2(VMULSDQ, VOID, "pmuldq"), V2(VMADD, VOID, "pmaddwd"), V2(VMADDUS, VOID, "pmaddubsw"),
    V2(VSAD, VOID, "psadbw"), V2(VHADDSS, VOID, "phaddsw"), V2(VHSUBSS, VOID, "phsubsw"), V2(VPERMB, VOID, "pshufb"), V1(VMINPOS, VOID, "phminposuw"),
    V2(AESE, VOID, "aesenc"), V2(AESEL, VOID, "aesenclast"), V2(AESD, VOID, "aesdec"), V2(AESDL, VOID, "aesdeclast"), V1(AESIMC, VOID, "aesimc"),
    { IR_AESKEY, IR_VOID, UNARY0, 1, "aeskeygenassist", NULL }, { IR_CLMUL, IR_VOID, TWO, 1, "pclmulqdq", NULL }, { IR_SHA1R, IR_VOID, TWO, 1, "sha1rnds4", NULL },
    V2(SHA1E, VOID, "sha1nexte"), V2(SHA1M1, VOID, "sha1msg1"), V2(SHA1M2, VOID, "sha1msg2"), V2(SHA2M1, VOID, "sha256msg1"), V2(SHA2M2, VOID, "sha256msg2"),
    { IR_VMPSAD, IR_VOID, TWO, 1, "mpsadbw", NULL }, { IR_VINSPS, IR_VOID, TWO, 1, "insertps", NULL },
};

static const struct name *find(const struct ir_insn *in)
{
    for (unsigned k = 0; k < sizeof names / sizeof *names; k++)
        if (names[k].op == in->op && names[k].lane == in->lane)
            return &names[k];
    for (unsigned k = 0; k < sizeof plain / sizeof *plain; k++)
        if (plain[k].op == in->op)
            return &plain[k];
    return NULL;
}

bool asm_known(const struct ir_block *b, const struct ir_insn *in)
{
    const struct name *n = find(in);
    if (!n || (in->mod & 1 && !n->low))
        return false;
    if (n->shape == TO_GPR)
        return b->insn[in->arg[0]].type == IR_V128;
    return in->type == IR_V128;
}

static LLVMValueRef call_asm(struct lower *L, const char *text, const char *constraints, LLVMTypeRef result, LLVMValueRef *arg, unsigned n, bool effects)
{
    static const char *const pure[] = { "nounwind", "willreturn", "memory" /* none */ };
    LLVMTypeRef types[4];
    for (unsigned k = 0; k < n; k++)
        types[k] = LLVMTypeOf(arg[k]);
    LLVMTypeRef t = LLVMFunctionType(result, types, n, 0);
    LLVMValueRef a = LLVMGetInlineAsm(t, text, strlen(text), constraints, strlen(constraints), effects, 0, LLVMInlineAsmDialectATT, 0);
    LLVMValueRef call = LLVMBuildCall2(L->b, t, a, arg, n, "");
    for (unsigned k = 0; k < sizeof pure / sizeof *pure && !effects; k++)      /* so that it may be moved to where it is used */
        LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                 LLVMCreateEnumAttribute(L->c, LLVMGetEnumAttributeKindForName(pure[k], strlen(pure[k])), 0));
    return call;
}

LLVMValueRef asm_vector(struct lower *L, const struct ir_insn *in)
{
    const struct name *n = find(in);
    bool low = in->mod & 1;
    const char *name = low ? n->low : n->packed;
    LLVMTypeRef v128 = vector_type(L, IR_VOID);
    char text[64], imm[16] = "";
    if (n->imm)
        snprintf(imm, sizeof imm, "$$%u, ", in->aux);
    LLVMValueRef arg[2] = { L->v[in->arg[0]], in->arg[1] == IR_NONE ? NULL : L->v[in->arg[1]] };
    switch (n->shape) {
    case TO_GPR:
        snprintf(text, sizeof text, "%s $1, $0", name);
        return call_asm(L, text, "=r,x", type_of(L, in->type), arg, 1, false);
    case FROM_GPR:
        snprintf(text, sizeof text, "%s%c $2, $0", name, L->ir->insn[in->arg[1]].type == IR_I64 ? 'q' : 'l');
        return call_asm(L, text, "=x,0,r", v128, arg, 2, false);
    case UNARY1:
        if (!low) {
            snprintf(text, sizeof text, "%s %s$1, $0", name, imm);
            return call_asm(L, text, "=x,x", v128, arg + 1, 1, false);
        }
        break;
    case UNARY0:
        snprintf(text, sizeof text, "%s %s$1, $0", name, imm);
        return call_asm(L, text, "=x,x", v128, arg, 1, false);
    default:
        break;
    }
    snprintf(text, sizeof text, "%s %s$2, $0", name, imm);
    return call_asm(L, text, "=x,0,x", v128, arg, 2, false);
}

LLVMValueRef asm_low_part(struct lower *L, LLVMValueRef old, LLVMValueRef v)
{
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(v));
    LLVMValueRef arg[2] = { old, v };
    if (width > 16) {
        LLVMTypeRef t = int_type(L, 64);
        LLVMValueRef high = LLVMBuildAnd(L->b, old, LLVMConstInt(t, ~((1ull << width) - 1), 0), "");
        return LLVMBuildOr(L->b, high, LLVMBuildZExt(L->b, v, t, ""), "");
    }
    return call_asm(L, width == 8 ? "movb $2, ${0:b}" : "movw $2, ${0:w}", "=r,0,r", int_type(L, 64), arg, 2, false);
}

LLVMValueRef asm_low_operation(struct lower *L, const char *name, LLVMValueRef old, LLVMValueRef v)
{
    char text[32];
    bool byte = LLVMGetIntTypeWidth(LLVMTypeOf(v)) == 8;
    LLVMValueRef arg[2] = { old, v };
    snprintf(text, sizeof text, "%s%c $2, ${0:%c}", name, byte ? 'b' : 'w', byte ? 'b' : 'w');
    return call_asm(L, text, "=r,0,ri,~{flags}", int_type(L, 64), arg, 2, false);
}

/* the state's flags word is what LAHF and SETO give */
LLVMValueRef asm_flags(struct lower *L, LLVMValueRef a, LLVMValueRef b)
{
    static const char suffix[] = { [0] = 'b', [1] = 'w', [3] = 'l', [7] = 'q' };
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(a));
    char text[64];
    LLVMValueRef arg[2] = { a, b };
    snprintf(text, sizeof text, b ? "cmp%c $2, $1\n\tlahf\n\tseto %%al" : "test%c $1, $1\n\tlahf\n\tseto %%al", suffix[width / 8 - 1]);
    return call_asm(L, text, b ? "={ax},r,r,~{flags}" : "={ax},r,~{flags}", int_type(L, 16), arg, b ? 2 : 1, false);
}

void asm_poll(struct lower *L, LLVMBasicBlockRef poked, LLVMBasicBlockRef next)
{
    static const char constraints[] = "=r,!i,~{memory}";             /* memory: what a loop waits for is read again each time */
    char text[160];
    snprintf(text, sizeof text, "1:\tmovl %%gs:%u, $0\n\t.pushsection " POLL_SECTION ",\"\",@progbits\n\t.quad 1b, ${1:l}\n\t.popsection", L->r->offsets->poll_page);
    LLVMTypeRef t = LLVMFunctionType(int_type(L, 32), NULL, 0, 0);        /* a load into any register is cheaper than a compare */
    LLVMValueRef a = LLVMGetInlineAsm(t, text, strlen(text), constraints, sizeof constraints - 1, 1, 0, LLVMInlineAsmDialectATT, 0);
    LLVMBuildCallBr(L->b, t, a, next, &poked, 1, NULL, 0, NULL, 0, "");
}

LLVMValueRef asm_divide(struct lower *L, const struct ir_insn *in, LLVMValueRef *rest)
{
    char text[16];
    LLVMTypeRef t = type_of(L, in->type), both[2] = { t, t };
    LLVMValueRef arg[3] = { L->v[in->arg[2]], L->v[in->arg[1]], L->v[in->arg[0]] };
    snprintf(text, sizeof text, "%s%c $2", in->op == IR_DIVU ? "div" : "idiv", in->type == IR_I64 ? 'q' : in->type == IR_I32 ? 'l' : 'w');
    LLVMValueRef r = call_asm(L, text, "={ax},={dx},r,{ax},{dx},~{flags}", LLVMStructTypeInContext(L->c, both, 2, 0), arg, 3, true);
    *rest = LLVMBuildExtractValue(L->b, r, 1, "");
    return LLVMBuildExtractValue(L->b, r, 0, "");
}

LLVMValueRef asm_crc32(struct lower *L, const struct ir_insn *in)
{
    static const char suffix[] = { [IR_I8] = 'b', [IR_I16] = 'w', [IR_I32] = 'l', [IR_I64] = 'q' };
    char text[32];
    LLVMValueRef arg[2] = { LLVMBuildZExt(L->b, L->v[in->arg[0]], int_type(L, 64), ""), L->v[in->arg[1]] };
    snprintf(text, sizeof text, "crc32%c $2, ${0:%c}", suffix[in->lane], in->lane == IR_I64 ? 'q' : 'k');
    return LLVMBuildTrunc(L->b, call_asm(L, text, in->lane == IR_I8 ? "=r,0,q" : "=r,0,r", int_type(L, 64), arg, 2, false), int_type(L, 32), "");
}

void asm_fence(struct lower *L, unsigned kind)
{
    call_asm(L, kind == 0 ? "mfence" : kind == 1 ? "lfence" : "sfence", "~{memory}", LLVMVoidTypeInContext(L->c), NULL, 0, true);
}
