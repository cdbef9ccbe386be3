/* SPDX-License-Identifier: GPL-2.0-or-later
 * x86_64.c: tier 2 on an x86-64 host. Floating point is inline assembly, one instruction each: then LLVM neither folds nor commutes it, and NaNs,
 * rounding and sticky flags are the guest's own, because MXCSR is. So are vector operations for which LLVM has no word.
 */
#include <elf.h>
#include <llvm-c/Target.h>
#include <string.h>
#include "llvm/lower.h"

const char llvm_triple[] = "x86_64-unknown-linux-gnu", llvm_cpu[] = "x86-64-v2", asm_no_vectors[] = "";
/* loops were strength-reduced once: again only moves registers; short ones within one line of the instruction cache are up to half again as fast */
const char *const asm_options[] = { "-disable-lsr", "-align-loops=64", NULL };
const LLVMCodeModel asm_code_model = LLVMCodeModelSmall;
const char *const asm_kept[] = { NULL }, *const asm_kept_vectors[] = { NULL }, *const asm_flag_regs[] = { NULL };
const bool asm_adds_products = false, asm_narrow_phis = false, asm_steps = false, asm_new_counters = false, asm_polls_last = false, asm_partial_registers = true, asm_halves = false, asm_aligns = true, asm_own_atomics = false, asm_word_masks = true;

#define STATE_SPACE 256                  /* LLVM's address space for %gs */
#define NO_SAVED_REGISTERS 10            /* LLVM's calling convention for GHC: no register has to be kept for a caller */

void asm_start(void) { ASM_START(X86); }

void asm_function(struct lower *L)
{
    LLVMSetFunctionCallConv(L->fn, NO_SAVED_REGISTERS);
    LLVMAddAttributeAtIndex(L->fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(L->c, LLVMGetEnumAttributeKindForName("noredzone", 9), 0));
}
bool asm_allows(const struct ir_insn *in) { return true; }
void asm_order_load(struct lower *L) {}                                      /* volatile is enough */
void asm_order_store(struct lower *L) {}

LLVMValueRef asm_state(struct lower *L, uint32_t offset)
{
    return LLVMConstIntToPtr(int_const(L, 64, offset), LLVMPointerTypeInContext(L->c, STATE_SPACE));
}

/* --- the flags word is the state's --- */

static const uint8_t word_bit[N_FLAGS] = { 8, 10, 12, 14, 15, 0 };
const unsigned asm_word_bits = 16;

uint64_t asm_word_mask(unsigned mask)
{
    unsigned bits = 0;
    for (unsigned k = 0; k < N_FLAGS; k++)
        bits |= (mask >> k & 1u) << word_bit[k];
    return bits;
}

LLVMValueRef asm_word_in(struct lower *L, LLVMValueRef *reg) { return NULL; }
void asm_word_out(struct lower *L, LLVMValueRef word, LLVMValueRef *reg) {}

LLVMValueRef asm_word_of(struct lower *L, LLVMValueRef *flag, unsigned mask)
{
    LLVMTypeRef t = int_type(L, 16);
    LLVMValueRef word = LLVMConstNull(t);
    for (unsigned k = 0; k < N_FLAGS; k++)
        if (mask >> k & 1)
            word = LLVMBuildOr(L->b, word, LLVMBuildShl(L->b, LLVMBuildZExt(L->b, flag[k], t, ""), LLVMConstInt(t, word_bit[k], 0), ""), "");
    return word;
}

void asm_flags_of_word(struct lower *L, LLVMValueRef word, LLVMValueRef *flag)
{
    for (unsigned k = 0; k < N_FLAGS; k++)
        flag[k] = LLVMBuildTrunc(L->b, LLVMBuildLShr(L->b, word, int_const(L, 16, word_bit[k]), ""), int_type(L, 1), "");
}

/* --- the object file --- */

const unsigned asm_reloc_64 = R_X86_64_64;

/* sub rsp, or push rax */
bool asm_begins(const uint8_t *code, uint64_t size)
{
    return size == 0 || (size == 1 && code[0] == 0x50) || ((size == 4 || size == 7) && code[0] == 0x48 && (code[1] | 2) == 0x83 && code[2] == 0xec);
}

enum asm_reloc asm_relocate(unsigned type, int64_t addend, uint8_t *code, uint64_t place, uint64_t symbol, bool undefined)
{
    if (type != R_X86_64_PC32 && type != R_X86_64_PLT32)
        return RELOC_UNKNOWN;
    if (undefined)
        return addend == -4 ? RELOC_EXIT : RELOC_UNKNOWN;
    uint32_t v = (uint32_t)(symbol + (uint64_t)addend - place);
    memcpy(code + place, &v, 4);
    return RELOC_DONE;
}

static size_t through_gs(uint8_t *code, unsigned opcode, uint32_t offset)     /* mov between rsp and the state */
{
    const uint8_t head[5] = { 0x65, 0x48, (uint8_t)opcode, 0x24, 0x25 };
    memcpy(code, head, 5);
    memcpy(code + 5, &offset, 4);
    return 9;
}

const char asm_selector[] = "rax";

uint32_t asm_entry(const struct host_offsets *o, uint8_t *code, int which, uint32_t to_function)
{
    uint8_t text[ASM_ENTRY_SIZE];
    bool jumps = to_function > ASM_ENTRY_SIZE;
    size_t n = through_gs(text, 0x89, o->ret_sp);
    n += through_gs(text + n, 0x8b, o->host_sp);
    if (which >= 0) {
        uint32_t number = (uint32_t)which;
        text[n] = 0xb8;                              /* mov eax, number */
        memcpy(text + n + 1, &number, 4);
        n += 5;
    }
    if (jumps) {
        uint32_t distance = to_function - ASM_ENTRY_SIZE;
        text[n] = 0xe9;
        memcpy(text + n + 1, &distance, 4);
        n += 5;
    }
    memset(code, 0x90, ASM_ENTRY_SIZE - n);
    memcpy(code + ASM_ENTRY_SIZE - n, text, n);
    return (uint32_t)(ASM_ENTRY_SIZE - n);
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

LLVMValueRef asm_vector(struct lower *L, const struct ir_insn *in)
{
    const struct name *n = find(in);
    bool low = in->mod & 1;
    unsigned effects = ir_op_info[in->op].props & IR_P_FP ? ASM_STICKY : ASM_PURE;
    const char *name = low ? n->low : n->packed;
    LLVMTypeRef v128 = vector_type(L, IR_VOID);
    char text[64], imm[16] = "";
    if (n->imm)
        snprintf(imm, sizeof imm, "$$%u, ", in->aux);
    LLVMValueRef arg[2] = { L->v[in->arg[0]], in->arg[1] == IR_NONE ? NULL : L->v[in->arg[1]] };
    switch (n->shape) {
    case TO_GPR:
        snprintf(text, sizeof text, "%s $1, $0", name);
        return call_asm(L, text, "=r,x", type_of(L, in->type), arg, 1, effects);
    case FROM_GPR:
        snprintf(text, sizeof text, "%s%c $2, $0", name, L->ir->insn[in->arg[1]].type == IR_I64 ? 'q' : 'l');
        return call_asm(L, text, "=x,0,r", v128, arg, 2, effects);
    case UNARY1:
        if (!low) {
            snprintf(text, sizeof text, "%s %s$1, $0", name, imm);
            return call_asm(L, text, "=x,x", v128, arg + 1, 1, effects);
        }
        break;
    case UNARY0:
        snprintf(text, sizeof text, "%s %s$1, $0", name, imm);
        return call_asm(L, text, "=x,x", v128, arg, 1, effects);
    default:
        break;
    }
    snprintf(text, sizeof text, "%s %s$2, $0", name, imm);
    return call_asm(L, text, "=x,0,x", v128, arg, 2, effects);
}

bool asm_float_flags(struct lower *L, const struct ir_insn *in, LLVMValueRef *z, LLVMValueRef *p, LLVMValueRef *c, LLVMValueRef *be)
{
    LLVMTypeRef t = int_type(L, 8), types[4] = { t, t, t, t }, flags = LLVMStructTypeInContext(L->c, types, 4, 0);
    LLVMValueRef arg[2] = { L->v[in->arg[0]], L->v[in->arg[1]] }, *out[4] = { z, p, c, be }, r;
    char text[96];
    int n = snprintf(text, sizeof text, "%scomis%c $5, $4", in->mod & IR_SIGNAL ? "" : "u", in->lane == IR_F64 ? 'd' : 's');
    if (L->fault) {                                                  /* flags don't live from block to block */
        snprintf(text + n, sizeof text - (size_t)n, "\n\tsetz $0\n\tsetp $1\n\tsetc $2\n\tsetbe $3");
        r = call_asm(L, text, "=r,=r,=r,=r,x,x,~{flags}", flags, arg, 2, ASM_STICKY);
    } else {
        r = call_asm(L, text, "={@ccz},={@ccp},={@ccc},={@ccbe},x,x,~{flags}", flags, arg, 2, ASM_STICKY);
    }
    for (unsigned k = 0; k < 4; k++) {
        LLVMValueRef v = LLVMBuildExtractValue(L->b, r, k, "");
        /* LLVM would take a condition, and its opposite, from the processor's flags where they have gone since */
        if (!L->fault)
            v = call_asm(L, "", "=r,0", t, &v, 1, ASM_PURE);
        *out[k] = LLVMBuildTrunc(L->b, v, int_type(L, 1), "");
    }
    return true;
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
LLVMValueRef asm_flags(struct lower *L, enum flags_of how, LLVMValueRef a, LLVMValueRef b)
{
    static const char suffix[] = { [0] = 'b', [1] = 'w', [3] = 'l', [7] = 'q' };
    static const char *const form[] = { [FLAGS_TEST] = "test%c $1, $1", [FLAGS_SUB] = "cmp%c $2, $1", [FLAGS_ADD] = "add%c $3, $1" };
    static const char *const constraints[] = { [FLAGS_TEST] = "={ax},r,~{flags}", [FLAGS_SUB] = "={ax},r,re,~{flags}", [FLAGS_ADD] = "={ax},=r,1,re,~{flags}" };
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(a));
    char text[64];
    LLVMValueRef arg[2] = { a, b };
    LLVMTypeRef word = int_type(L, 16), both[2] = { word, LLVMTypeOf(a) };
    int n = snprintf(text, sizeof text, form[how], suffix[width / 8 - 1]);
    snprintf(text + n, sizeof text - (size_t)n, "\n\tlahf\n\tseto %%al");
    LLVMValueRef v = call_asm(L, text, constraints[how], how == FLAGS_ADD ? LLVMStructTypeInContext(L->c, both, 2, 0) : word, arg, b ? 2 : 1, false);
    return how == FLAGS_ADD ? LLVMBuildExtractValue(L->b, v, 0, "") : v;
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

/* on the region's frame, which asm_function keeps free of what lies below the stack pointer */
LLVMValueRef asm_call(struct lower *L, uint64_t function, LLVMValueRef arg[5])
{
    char text[64];
    snprintf(text, sizeof text, "movabsq $$0x%llx, %%rax\n\tcallq *%%rax", (unsigned long long)function);
    return inline_call(L, text, "={rax},={rdi},={rsi},={rdx},={rcx},={r8},1,2,3,4,5,~{r9},~{r10},~{r11},~{memory},~{dirflag},~{fpsr},~{flags}", arg, 6);
}

void asm_fence(struct lower *L, unsigned kind)
{
    call_asm(L, kind == 0 ? "mfence" : kind == 1 ? "lfence" : "sfence", "~{memory}", LLVMVoidTypeInContext(L->c), NULL, 0, true);
}

/* --- accesses that may fault --- */

static const char *suffix_of(unsigned width) { return width == 8 ? "b" : width == 16 ? "w" : width == 32 ? "l" : "q"; }

/* operand `at` of the call is in memory, of type t */
static void in_memory(struct lower *L, LLVMValueRef call, unsigned at, LLVMTypeRef t)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", 11);
    LLVMAddCallSiteAttribute(call, at + 1, LLVMCreateTypeAttribute(L->c, kind, t));
}

LLVMValueRef asm_load(struct lower *L, LLVMTypeRef type, LLVMValueRef pointer, bool aligned)
{
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    unsigned width = vector ? 128 : LLVMGetIntTypeWidth(type);
    const char *text = vector ? aligned ? "movaps $1, $0" : "movups $1, $0" : width == 8 ? "movzbl $1, ${0:k}" : width == 16 ? "movzwl $1, ${0:k}" :
                       width == 32 ? "movl $1, ${0:k}" : "movq $1, $0";
    LLVMValueRef v = call_asm(L, text, vector ? "=x,*m" : "=r,*m", vector ? type : int_type(L, 64), &pointer, 1, true);
    in_memory(L, v, 0, type);
    return v;
}

void asm_store(struct lower *L, LLVMValueRef v, LLVMValueRef pointer, bool aligned)
{
    LLVMTypeRef type = LLVMTypeOf(v);
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    char text[32];
    LLVMValueRef arg[2] = { pointer, v };
    if (vector)
        snprintf(text, sizeof text, aligned ? "movaps $1, $0" : "movups $1, $0");
    else
        snprintf(text, sizeof text, "mov%s $1, $0", suffix_of(LLVMGetIntTypeWidth(type)));
    in_memory(L, call_asm(L, text, vector ? "=*m,x" : "=*m,re", LLVMVoidTypeInContext(L->c), arg, 2, true), 0, type);
}

/* before the block is optimised, which counts the uses */
static bool is_used(const struct ir_block *b, const struct ir_insn *in)
{
    for (const struct ir_insn *user = in + 1; user < b->insn + b->n; user++)
        for (unsigned k = 0; k < ir_op_info[user->op].n_args; k++)
            if (user->arg[k] != IR_NONE && b->insn + user->arg[k] == in)
                return true;
    return false;
}

/* AND, OR, XOR give no old value */
bool asm_atomic_known(const struct ir_block *b, const struct ir_insn *in)
{
    return in->op == IR_AADD || in->op == IR_AXCHG || in->op == IR_CAS || !is_used(b, in);
}

LLVMValueRef asm_atomic(struct lower *L, const struct ir_insn *in, LLVMValueRef pointer)
{
    static const char *const locked[IR_N_OPS] = { [IR_AADD] = "lock xadd", [IR_AXCHG] = "xchg", [IR_CAS] = "lock cmpxchg",
                                                 [IR_AAND] = "lock and", [IR_AOR] = "lock or", [IR_AXOR] = "lock xor" };
    LLVMTypeRef t = type_of(L, in->type);
    LLVMValueRef arg[3] = { pointer, L->v[in->arg[1]] }, call;
    bool no_result = in->op == IR_AAND || in->op == IR_AOR || in->op == IR_AXOR;
    char text[48];
    snprintf(text, sizeof text, "%s%s $%u, $%u", locked[in->op], suffix_of(LLVMGetIntTypeWidth(t)), in->op == IR_CAS ? 2 : no_result ? 1 : 0, no_result ? 0 : 1);
    if (in->op == IR_CAS) {
        arg[1] = L->v[in->arg[2]];
        arg[2] = L->v[in->arg[1]];
        call = call_asm(L, text, "={ax},*m,r,0,~{flags},~{memory}", t, arg, 3, true);
    } else if (no_result) {
        call = call_asm(L, text, "=*m,re,~{flags},~{memory}", LLVMVoidTypeInContext(L->c), arg, 2, true);
    } else {
        call = call_asm(L, text, "=r,*m,0,~{flags},~{memory}", t, arg, 2, true);
    }
    in_memory(L, call, 0, t);
    return no_result ? arg[1] : call;
}

LLVMValueRef asm_mask(struct lower *L, LLVMValueRef v, unsigned lane) { return NULL; }

/* floating point sets sticky flags and faults as x86 does */
LLVMValueRef asm_noted(struct lower *L) { return NULL; }
const uint32_t asm_look = 0;
void asm_note(struct lower *L, LLVMValueRef noted) {}
LLVMValueRef asm_first_noted(struct lower *L) { return NULL; }
void asm_block(struct lower *L) {}
void asm_loop(struct lower *L) {}
void asm_operands(struct lower *L, unsigned i, const struct ir_insn *in) {}
