/* SPDX-License-Identifier: GPL-2.0-or-later
 * aarch64_vec.c: vector operations of regions on an aarch64 host for which LLVM has no word: a row of instructions each, as in tier 1
 * (src/host/aarch64/emit_vec.c, emit_lanes.c, emit_crypto.c). $0 is the result, apart from the operands; v14 and v15 are free.
 */
#include <stdio.h>
#include <string.h>
#include "llvm/aarch64.h"

/* Text: %t is the arrangement of `lane`, %w that of half its elements' size, %W the same in a whole register. Operands: $1 $2, and $3 for the third. */
enum { B = 1, H = 2, S = 4, D = 8, ANY = 0xff };
struct form { uint8_t op, lanes; uint16_t needs; const char *text; };
#define ONE(op, lanes, name) { IR_##op, lanes, 0, name " $0.%t, $1.%t, $2.%t" }
#define SHIFT(op, lanes, turn, name) { IR_##op, lanes, 0, "uqxtn $0.2s, $2.2d\n\tuqxtn $0.4h, $0.4s\n\tuqxtn $0.8b, $0.8h\n\tdup $0.16b, $0.b[0]\n\tmovi v14.16b, #64\n\t" \
    "umin $0.16b, $0.16b, v14.16b\n\t" turn name " $0.%t, $1.%t, $0.%t" }
#define PAIRS(op, lanes, name) { IR_##op, lanes, 0, "uzp1 $0.%t, $1.%t, $2.%t\n\tuzp2 v14.%t, $1.%t, $2.%t\n\t" name " $0.%t, $0.%t, v14.%t" }
#define LONG(name) name " $0.4s, $1.4h, $2.4h\n\t" name "2 v14.4s, $1.8h, $2.8h\n\t"
#define TURN(to, from) "rev64 " to ".4s, " from ".4s\n\text " to ".16b, " to ".16b, " to ".16b, #8\n\t"
#define AES(op, name, columns) { IR_##op, ANY, A64_AES, "movi v14.2d, #0\n\tmov $0.16b, $1.16b\n\t" name " $0.16b, v14.16b\n\t" columns "eor $0.16b, $0.16b, $2.16b" }
static const struct form forms[] = {
    ONE(VADDSS, B | H, "sqadd"), ONE(VADDUS, B | H, "uqadd"), ONE(VSUBSS, B | H, "sqsub"), ONE(VSUBUS, B | H, "uqsub"), ONE(VMUL, H | S, "mul"), ONE(VAVG, B | H, "urhadd"),
    ONE(VMINS, B | H | S, "smin"), ONE(VMINU, B | H | S, "umin"), ONE(VMAXS, B | H | S, "smax"), ONE(VMAXU, B | H | S, "umax"), ONE(VHADD, H | S, "addp"),
    { IR_VABS, B | H | S, 0, "abs $0.%t, $1.%t" },
    SHIFT(VSHL, H | S | D, "", "ushl"), SHIFT(VSHR, H | S | D, "neg $0.16b, $0.16b\n\t", "ushl"), SHIFT(VSAR, H | S, "neg $0.16b, $0.16b\n\t", "sshl"),
    PAIRS(VHADDSS, H, "sqadd"), PAIRS(VHSUB, H | S, "sub"), PAIRS(VHSUBSS, H, "sqsub"),
    { IR_VMULHS, ANY, 0, LONG("smull") "uzp2 $0.8h, $0.8h, v14.8h" }, { IR_VMULHU, ANY, 0, LONG("umull") "uzp2 $0.8h, $0.8h, v14.8h" },
    { IR_VMADD, ANY, 0, LONG("smull") "addp $0.4s, $0.4s, v14.4s" },
    { IR_VMULHRS, ANY, 0, LONG("smull") "rshrn $0.4h, $0.4s, #15\n\trshrn2 $0.8h, v14.4s, #15" },
    { IR_VMULUDQ, ANY, 0, "xtn $0.2s, $1.2d\n\txtn v14.2s, $2.2d\n\tumull $0.2d, $0.2s, v14.2s" },
    { IR_VMULSDQ, ANY, 0, "xtn $0.2s, $1.2d\n\txtn v14.2s, $2.2d\n\tsmull $0.2d, $0.2s, v14.2s" },
    { IR_VSAD, ANY, 0, "uabd $0.16b, $1.16b, $2.16b\n\tuaddlp $0.8h, $0.16b\n\tuaddlp $0.4s, $0.8h\n\tuaddlp $0.2d, $0.4s" },
    { IR_VMADDUS, ANY, 0, "uxtl v14.8h, $1.8b\n\tsxtl v15.8h, $2.8b\n\tmul v14.8h, v14.8h, v15.8h\n\tuxtl2 $0.8h, $1.16b\n\tsxtl2 v15.8h, $2.16b\n\tmul $0.8h, $0.8h, v15.8h\n\t"
                          "uzp1 v15.8h, v14.8h, $0.8h\n\tuzp2 $0.8h, v14.8h, $0.8h\n\tsqadd $0.8h, v15.8h, $0.8h" },
    { IR_VSIGN, B | H | S, 0, "cmlt $0.%t, $2.%t, #0\n\tcmtst v14.%t, $2.%t, $2.%t\n\tand v14.16b, v14.16b, $1.16b\n\teor v14.16b, v14.16b, $0.16b\n\tsub $0.%t, v14.%t, $0.%t" },
    { IR_VPERMB, ANY, 0, "movi $0.16b, #0x8f\n\tand $0.16b, $0.16b, $2.16b\n\ttbl $0.16b, {$1.16b}, $0.16b" },
    { IR_VPACKS, H | S, 0, "sqxtn $0.%w, $1.%t\n\tsqxtn2 $0.%W, $2.%t" }, { IR_VPACKU, H | S, 0, "sqxtun $0.%w, $1.%t\n\tsqxtun2 $0.%W, $2.%t" },
    AES(AESE, "aese", "aesmc $0.16b, $0.16b\n\t"), AES(AESEL, "aese", ""), AES(AESD, "aesd", "aesimc $0.16b, $0.16b\n\t"), AES(AESDL, "aesd", ""),
    { IR_AESIMC, ANY, A64_AES, "aesimc $0.16b, $1.16b" },
    { IR_SHA1E, ANY, 0, "shl v14.4s, $1.4s, #30\n\tsri v14.4s, $1.4s, #2\n\tmovi $0.2d, #0\n\tmov $0.s[3], v14.s[3]\n\tadd $0.4s, $0.4s, $2.4s" },
    { IR_SHA1M1, ANY, 0, "ext $0.16b, $2.16b, $1.16b, #8\n\teor $0.16b, $1.16b, $0.16b" },
    { IR_SHA1M2, ANY, 0, "movi v15.2d, #0\n\text v14.16b, v15.16b, $2.16b, #12\n\teor v14.16b, v14.16b, $1.16b\n\tshl $0.4s, v14.4s, #1\n\tsri $0.4s, v14.4s, #31\n\t"
                         "shl v14.4s, $0.4s, #1\n\tsri v14.4s, $0.4s, #31\n\text v14.16b, v14.16b, v15.16b, #12\n\teor $0.16b, v14.16b, $0.16b" },
    { IR_SHA2M1, ANY, A64_SHA2, "mov $0.16b, $1.16b\n\tsha256su0 $0.4s, $2.4s" },
    { IR_SHA2M2, ANY, A64_SHA2, "mov $0.16b, $1.16b\n\tmovi v14.2d, #0\n\tmovi v15.2d, #0\n\tmov v15.d[1], $2.d[1]\n\tsha256su1 $0.4s, v14.4s, v15.4s" },
    { IR_SHA2R, ANY, A64_SHA2, "rev64 v14.4s, $2.4s\n\trev64 v15.4s, $1.4s\n\tzip2 $0.2d, v14.2d, v15.2d\n\tzip1 v15.2d, v14.2d, v15.2d\n\tmov v14.16b, $0.16b\n\t"
                               "sha256h ${0:q}, q15, $3.4s\n\tsha256h2 q15, q14, $3.4s\n\tzip2 v14.2d, v15.2d, $0.2d\n\trev64 $0.4s, v14.4s" },
    /* with an immediate, which `with_immediate` writes */
    { IR_SHA1R, ANY, A64_SHA1, NULL }, { IR_AESKEY, ANY, A64_AES, NULL }, { IR_CLMUL, ANY, A64_PMULL, NULL }, { IR_VMPSAD, ANY, 0, NULL }, { IR_VINSPS, ANY, 0, NULL },
    { IR_VMINPOS, ANY, 0, "fmov d15, ${2:x}\n\tuxtl v15.4s, v15.4h\n\tshll v14.4s, $1.4h, #16\n\torr v14.16b, v14.16b, v15.16b\n\tmovi $0.4s, #4\n\tadd v15.4s, v15.4s, $0.4s\n\t"
                          "shll2 $0.4s, $1.8h, #16\n\torr $0.16b, $0.16b, v15.16b\n\tumin v14.4s, v14.4s, $0.4s\n\tuminv s14, v14.4s\n\trev32 $0.4h, v14.4h" },
};

static const struct form *find(const struct ir_insn *in)
{
    for (unsigned k = 0; k < sizeof forms / sizeof *forms; k++)
        if (forms[k].op == in->op)
            return &forms[k];
    return NULL;
}

bool a64_vector_known(const struct ir_block *b, const struct ir_insn *in)
{
    const struct form *f = find(in);
    if (!f || in->type != IR_V128 || f->needs & ~a64_features())
        return false;
    return f->lanes == ANY || (in->lane >= IR_I8 && in->lane <= IR_I64 && f->lanes >> (in->lane - IR_I8) & 1);
}

static void arrange(char *text, size_t size, const char *form, unsigned lane)
{
    static const char *const whole[] = { "16b", "8h", "4s", "2d" }, *const half[] = { "8b", "8b", "4h", "2s" };
    unsigned k = lane >= IR_I8 && lane <= IR_I64 ? lane - IR_I8 : 0;
    size_t n = 0;
    for (; *form && n + 4 < size; form++) {
        if (*form != '%') {
            text[n++] = *form;
            continue;
        }
        form++;
        n += (size_t)snprintf(text + n, size - n, "%s", *form == 't' ? whole[k] : *form == 'w' ? half[k] : whole[k ? k - 1 : 0]);
    }
    text[n] = 0;
}

/* words 1 and 3 through the S-box, each also rotated, and with the round's constant */
static void aes_key(char *text, size_t size, unsigned aux)
{
    snprintf(text, size, "movi v14.2d, #0\n\tdup $0.4s, $1.s[1]\n\tdup v15.4s, $1.s[3]\n\taese $0.16b, v14.16b\n\taese v15.16b, v14.16b\n\tzip1 $0.2d, $0.2d, v15.2d\n\t"
                         "shl v14.4s, $0.4s, #24\n\tsri v14.4s, $0.4s, #8\n\tmovi v15.4s, #%u\n\teor v14.16b, v14.16b, v15.16b\n\ttrn1 $0.4s, $0.4s, v14.4s", aux);
}

/* four bytes of $2 against the eight groups of four bytes that begin at each byte of $1 from 0 or 4 on */
static void sums(char *text, size_t size, unsigned aux)
{
    unsigned at = (aux >> 2 & 1) * 4;
    snprintf(text, size, "ext v14.16b, $1.16b, $1.16b, #%u\n\text v15.16b, $1.16b, $1.16b, #%u\n\tzip1 v14.4s, v14.4s, v15.4s\n\text v15.16b, $1.16b, $1.16b, #%u\n\t"
                         "ext $0.16b, $1.16b, $1.16b, #%u\n\tzip1 v15.4s, v15.4s, $0.4s\n\tzip1 $0.4s, v14.4s, v15.4s\n\tzip2 v14.4s, v14.4s, v15.4s\n\tdup v15.4s, $2.s[%u]\n\t"
                         "uabd $0.16b, $0.16b, v15.16b\n\tuabd v14.16b, v14.16b, v15.16b\n\tuaddlp $0.8h, $0.16b\n\tuaddlp v14.8h, v14.16b\n\taddp $0.8h, $0.8h, v14.8h",
             at, at + 2, at + 1, at + 3, aux & 3);
}

static void insert_single(char *text, size_t size, unsigned aux)
{
    int n = snprintf(text, size, "mov $0.16b, $1.16b\n\tmov $0.s[%u], $2.s[%u]", aux >> 4 & 3, aux >> 6);
    for (unsigned k = 0; k < 4; k++)
        if (aux >> k & 1)
            n += snprintf(text + n, size - (size_t)n, "\n\tmov $0.s[%u], wzr", k);
}

static void with_immediate(char *text, size_t size, const struct ir_insn *in)
{
    static const char *const rounds[4] = { "sha1c", "sha1p", "sha1m", "sha1p" };
    switch (in->op) {
    case IR_AESKEY: aes_key(text, size, in->aux); break;
    case IR_VMPSAD: sums(text, size, in->aux); break;
    case IR_VINSPS: insert_single(text, size, in->aux); break;
    case IR_CLMUL:
        snprintf(text, size, "dup $0.2d, $1.d[%u]\n\tdup v14.2d, $2.d[%u]\n\tpmull $0.1q, $0.1d, v14.1d", in->aux & 1u, in->aux >> 4 & 1u);
        break;
    default:                                             /* SHA1R; $3 is the round's constant */
        snprintf(text, size, TURN("v14", "$2") "dup $0.4s, ${3:w}\n\tadd v14.4s, v14.4s, $0.4s\n\t" TURN("v15", "$1") "movi $0.2d, #0\n\t%s q15, ${0:s}, v14.4s\n\t"
                             "rev64 $0.4s, v15.4s\n\text $0.16b, $0.16b, $0.16b, #8", rounds[in->aux & 3]);
    }
}

LLVMValueRef a64_vector(struct lower *L, const struct ir_insn *in)
{
    static const uint32_t sha1[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    const struct form *f = find(in);
    LLVMValueRef arg[3];
    unsigned n = 0;
    char text[1024], constraints[64] = "=&w";
    size_t head = (size_t)snprintf(text, sizeof text, "%s", f->needs ? ".arch_extension crypto\n\t" : "");
    if (f->text)
        arrange(text + head, sizeof text - head, f->text, in->lane);
    else
        with_immediate(text + head, sizeof text - head, in);
    for (; n < 3 && n < ir_op_info[in->op].n_args && in->arg[n] != IR_NONE; n++) {
        arg[n] = L->v[in->arg[n]];
        strcat(constraints, ",w");
    }
    if (in->op == IR_SHA1R || in->op == IR_VMINPOS) {
        arg[n++] = in->op == IR_SHA1R ? int_const(L, 32, (int64_t)sha1[in->aux & 3]) : int_const(L, 64, 0x0003000200010000);
        strcat(constraints, ",r");
    }
    strcat(constraints, ",~{v14},~{v15}");
    return call_asm(L, text, constraints, vector_type(L, IR_VOID), arg, n, ASM_PURE);
}

LLVMValueRef asm_mask(struct lower *L, LLVMValueRef v, unsigned lane) { return NULL; }
