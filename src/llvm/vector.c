/* SPDX-License-Identifier: GPL-2.0-or-later
 * vector.c: vector operations that LLVM says as such. What is left goes to the host's file as inline assembly.
 */
#include "llvm/lower.h"

static unsigned lane_of(unsigned lane) { return lane == IR_F32 ? IR_I32 : lane == IR_F64 ? IR_I64 : lane; }
static unsigned elements(unsigned lane) { return 16u / ir_type_size[lane]; }

static LLVMValueRef cast(struct lower *L, LLVMValueRef v, unsigned lane) { return LLVMBuildBitCast(L->b, v, vector_type(L, lane), ""); }
LLVMValueRef as_vector(struct lower *L, LLVMValueRef v) { return LLVMBuildBitCast(L->b, v, vector_type(L, IR_VOID), ""); }
static LLVMValueRef arg(struct lower *L, const struct ir_insn *in, unsigned k, unsigned lane) { return cast(L, L->v[in->arg[k]], lane); }
static LLVMValueRef i32(struct lower *L, unsigned v) { return int_const(L, 32, v); }

static LLVMValueRef shuffle(struct lower *L, LLVMValueRef a, LLVMValueRef b, const uint8_t *index, unsigned n)
{
    LLVMValueRef mask[32];
    for (unsigned k = 0; k < n; k++)
        mask[k] = i32(L, index[k]);
    return LLVMBuildShuffleVector(L->b, a, b, LLVMConstVector(mask, n), "");
}

static bool lane_is_int(unsigned lane) { return lane >= IR_I8 && lane <= IR_I64; }

bool vector_known(const struct ir_block *b, const struct ir_insn *in)
{
    unsigned lane = lane_of(in->lane);
    switch (in->op) {
    case IR_VZERO: case IR_VONES: case IR_VAND: case IR_VOR: case IR_VXOR: case IR_VANDN: case IR_VBSHL: case IR_VBSHR: case IR_VALIGN:
        return in->type == IR_V128;
    case IR_VMOVI:
        return in->type == IR_V128 && is_int(b->insn[in->arg[0]].type);
    case IR_VEXTR:
        return is_int(in->type) && lane_is_int(lane) && b->insn[in->arg[0]].type == IR_V128 && in->aux < elements(lane);
    case IR_VINS:
        return in->type == IR_V128 && lane_is_int(lane) && is_int(b->insn[in->arg[1]].type) && in->aux < elements(lane);
    case IR_VMASK:
        return lane_is_int(lane) && b->insn[in->arg[0]].type == IR_V128;
    case IR_VMERGE: case IR_VADD: case IR_VSUB: case IR_VCMPEQ: case IR_VCMPGT: case IR_VSHLI: case IR_VSHRI: case IR_VSARI:
    case IR_VSHUF: case IR_VSHUF2: case IR_VZIPL: case IR_VZIPH: case IR_VBLENDI: case IR_VBLENDV:
        return in->type == IR_V128 && lane_is_int(lane);
    case IR_VWIDENS: case IR_VWIDENU:
        return in->type == IR_V128 && lane_is_int(lane) && lane_is_int(in->mod) && in->mod < lane;
    default:
        return false;
    }
}

static LLVMValueRef shift_by(struct lower *L, const struct ir_insn *in, unsigned lane)
{
    unsigned bits = ir_type_size[lane] * 8, n = in->aux;
    LLVMValueRef v = arg(L, in, 0, lane), count[16];
    if (n >= bits) {
        if (in->op != IR_VSARI)
            return LLVMConstNull(LLVMTypeOf(v));
        n = bits - 1;
    }
    for (unsigned k = 0; k < elements(lane); k++)
        count[k] = int_const(L, bits, n);
    LLVMValueRef c = LLVMConstVector(count, elements(lane));
    return in->op == IR_VSHLI ? LLVMBuildShl(L->b, v, c, "") : in->op == IR_VSHRI ? LLVMBuildLShr(L->b, v, c, "") : LLVMBuildAShr(L->b, v, c, "");
}

/* 16 bytes from byte n of low:high */
static LLVMValueRef bytes_from(struct lower *L, LLVMValueRef low, LLVMValueRef high, unsigned n)
{
    uint8_t index[16];
    for (unsigned k = 0; k < 16; k++)
        index[k] = (uint8_t)(n + k);
    return shuffle(L, low, high, index, 16);
}

static LLVMValueRef move_bytes(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef zero = LLVMConstNull(vector_type(L, IR_I8)), a = arg(L, in, 0, IR_I8);
    unsigned n = in->aux;
    if (in->op == IR_VBSHL)
        return n > 15 ? zero : bytes_from(L, zero, a, 16 - n);
    if (in->op == IR_VBSHR)
        return n > 15 ? zero : bytes_from(L, a, zero, n);
    LLVMValueRef low = arg(L, in, 1, IR_I8);
    return n >= 32 ? zero : n >= 16 ? bytes_from(L, a, zero, n - 16) : bytes_from(L, low, a, n);
}

static LLVMValueRef rearrange(struct lower *L, const struct ir_insn *in, unsigned lane)
{
    unsigned n = elements(lane), first = in->op == IR_VZIPH ? n / 2 : 0;
    LLVMValueRef a = arg(L, in, 0, lane), b = in->arg[1] == IR_NONE ? a : arg(L, in, 1, lane);
    uint8_t index[16];
    for (unsigned k = 0; k < n; k++)
        index[k] = (uint8_t)k;
    switch (in->op) {
    case IR_VSHUF:
        for (unsigned k = 0; k < 4; k++) {
            unsigned at = lane == IR_I16 && in->mod ? 4 : 0;
            index[at + k] = (uint8_t)(at + (in->aux >> 2 * k & 3));
        }
        break;
    case IR_VSHUF2:
        for (unsigned k = 0; k < n; k++)
            index[k] = (uint8_t)((n == 4 ? in->aux >> 2 * k & 3 : in->aux >> k & 1) + (k >= n / 2 ? n : 0));
        break;
    case IR_VBLENDI:
        for (unsigned k = 0; k < n; k++)
            index[k] = (uint8_t)(k + (in->aux >> k & 1 ? n : 0));
        break;
    case IR_VMERGE:
        index[0] = (uint8_t)n;
        break;
    default:
        for (unsigned k = 0; k < n; k++)
            index[k] = (uint8_t)(first + k / 2 + (k & 1 ? n : 0));
    }
    return shuffle(L, a, b, index, n);
}

static LLVMValueRef top_bits(struct lower *L, LLVMValueRef v)
{
    return LLVMBuildICmp(L->b, LLVMIntSLT, v, LLVMConstNull(LLVMTypeOf(v)), "");
}

static LLVMValueRef widen(struct lower *L, const struct ir_insn *in, unsigned lane)
{
    uint8_t index[16];
    unsigned n = elements(lane);
    for (unsigned k = 0; k < n; k++)
        index[k] = (uint8_t)k;
    LLVMValueRef v = arg(L, in, 0, in->mod), low = shuffle(L, v, v, index, n);
    return in->op == IR_VWIDENS ? LLVMBuildSExt(L->b, low, vector_type(L, lane), "") : LLVMBuildZExt(L->b, low, vector_type(L, lane), "");
}

static LLVMValueRef compare(struct lower *L, const struct ir_insn *in, unsigned lane)
{
    LLVMIntPredicate p = in->op == IR_VCMPEQ ? LLVMIntEQ : LLVMIntSGT;
    return LLVMBuildSExt(L->b, LLVMBuildICmp(L->b, p, arg(L, in, 0, lane), arg(L, in, 1, lane), ""), vector_type(L, lane), "");
}

static LLVMValueRef fit(struct lower *L, LLVMValueRef v, unsigned bits)
{
    unsigned w = LLVMGetIntTypeWidth(LLVMTypeOf(v));
    return w == bits ? v : w < bits ? LLVMBuildZExt(L->b, v, int_type(L, bits), "") : LLVMBuildTrunc(L->b, v, int_type(L, bits), "");
}

static LLVMValueRef make(struct lower *L, const struct ir_insn *in, unsigned lane)
{
    switch (in->op) {
    case IR_VZERO: return LLVMConstNull(vector_type(L, IR_VOID));
    case IR_VONES: return LLVMConstAllOnes(vector_type(L, IR_VOID));
    case IR_VAND: return LLVMBuildAnd(L->b, L->v[in->arg[0]], L->v[in->arg[1]], "");
    case IR_VOR: return LLVMBuildOr(L->b, L->v[in->arg[0]], L->v[in->arg[1]], "");
    case IR_VXOR: return LLVMBuildXor(L->b, L->v[in->arg[0]], L->v[in->arg[1]], "");
    case IR_VANDN: return LLVMBuildAnd(L->b, LLVMBuildNot(L->b, L->v[in->arg[0]], ""), L->v[in->arg[1]], "");
    case IR_VMOVI:
        return LLVMBuildInsertElement(L->b, LLVMConstNull(vector_type(L, IR_I64)), fit(L, L->v[in->arg[0]], 64), i32(L, 0), "");
    case IR_VINS:
        return LLVMBuildInsertElement(L->b, arg(L, in, 0, lane), fit(L, L->v[in->arg[1]], bits_of(lane)), i32(L, in->aux), "");
    case IR_VADD: return LLVMBuildAdd(L->b, arg(L, in, 0, lane), arg(L, in, 1, lane), "");
    case IR_VSUB: return LLVMBuildSub(L->b, arg(L, in, 0, lane), arg(L, in, 1, lane), "");
    case IR_VCMPEQ: case IR_VCMPGT: return compare(L, in, lane);
    case IR_VSHLI: case IR_VSHRI: case IR_VSARI: return shift_by(L, in, lane);
    case IR_VBSHL: case IR_VBSHR: case IR_VALIGN: return move_bytes(L, in);
    case IR_VBLENDV: return LLVMBuildSelect(L->b, top_bits(L, arg(L, in, 2, lane)), arg(L, in, 1, lane), arg(L, in, 0, lane), "");
    case IR_VWIDENS: case IR_VWIDENU: return widen(L, in, lane);
    default: return rearrange(L, in, lane);
    }
}

LLVMValueRef lower_vector(struct lower *L, const struct ir_insn *in)
{
    unsigned lane = lane_of(in->lane);
    if (in->op == IR_VEXTR)
        return fit(L, LLVMBuildExtractElement(L->b, arg(L, in, 0, lane), i32(L, in->aux), ""), bits_of(in->type));
    LLVMValueRef mask = in->op == IR_VMASK ? asm_mask(L, L->v[in->arg[0]], lane) : NULL;
    if (mask)
        return mask;
    if (in->op == IR_VMASK)
        return fit(L, LLVMBuildBitCast(L->b, top_bits(L, arg(L, in, 0, lane)), int_type(L, elements(lane)), ""), 32);
    return as_vector(L, make(L, in, lane));
}
