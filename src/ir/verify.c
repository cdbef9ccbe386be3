/* SPDX-License-Identifier: GPL-2.0-or-later
 * verify.c: is a block what ir.h and ops.def promise? It checks the invariants I1 to I3, every operand against the
 * signature, and the fields that select a form (lane, aux) against the forms that exist. Interpreter and hosts rely on
 * it and look no further.
 */
#include <stdarg.h>
#include <string.h>
#include "ir/helpers.h"
#include "ir/ir.h"

struct verifier {
    const struct ir_block *b;
    unsigned i;              /* the instruction that is looked at */
    bool put_seen;           /* since the last INSN */
    char message[192];
};

/* sets of types */
enum { M_I1 = 1 << IR_I1, M_I8 = 1 << IR_I8, M_I16 = 1 << IR_I16, M_I32 = 1 << IR_I32, M_I64 = 1 << IR_I64, M_I128 = 1 << IR_I128,
       M_F32 = 1 << IR_F32, M_F64 = 1 << IR_F64, M_F80 = 1 << IR_F80,
       M_INT = M_I8 | M_I16 | M_I32 | M_I64, M_INT_ALL = M_INT | M_I1 | M_I128, M_FLOAT = M_F32 | M_F64 | M_F80,
       M_VEC = 1 << IR_V128 | 1 << IR_V256 | 1 << IR_V512, M_MASK = 1 << IR_MASK,
       M_ANY = M_INT_ALL | M_FLOAT | M_VEC | M_MASK };

static bool in_set(unsigned set, unsigned type) { return type < IR_N_TYPES && (set >> type & 1); }

static bool wrong(struct verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct verifier *v, const char *fmt, ...)
{
    const struct ir_insn *in = &v->b->insn[v->i];
    int n = snprintf(v->message, sizeof v->message, "instruction %u (%s): ", v->i, in->op < IR_N_OPS ? ir_op_info[in->op].name : "?");
    va_list args;
    va_start(args, fmt);
    vsnprintf(v->message + n, sizeof v->message - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

/* --- types of results --- */

/* what T may be, where it is not any of i8 to i64 */
static unsigned types_of_T(enum ir_op op)
{
    switch (op) {
    case IR_CONST: case IR_ZEXT: case IR_SEXT: case IR_TRUNC:           return M_INT_ALL;
    case IR_GET: case IR_PUT: case IR_LOAD: case IR_STORE:              return M_ANY & ~M_I1;
    case IR_AND: case IR_OR: case IR_XOR:                               return M_INT | M_I1;
    case IR_SELECT:                                                     return M_INT | M_I1 | M_VEC;
    case IR_BSWAP: case IR_SHLDF: case IR_SHRDF: case IR_BTF:           return M_I16 | M_I32 | M_I64;
    case IR_PEXT: case IR_PDEP: case IR_LEA:                            return M_I32 | M_I64;
    case IR_PAIR:                                                       return M_I128;
    case IR_CAS:                                                        return M_INT | M_I128;
    case IR_FADD: case IR_FSUB: case IR_FMUL: case IR_FDIV: case IR_FSQRT: case IR_FCVT: return M_FLOAT;
    case IR_SECOND:                                                     return M_INT;
    case IR_CALL:                                                       return M_INT | M_I1 | 1 << IR_VOID;
    default:                                                            return M_INT;
    }
}

static unsigned types_of_result(enum ir_op op, char letter)
{
    switch (letter) {
    case 'T': return types_of_T(op);
    case 'V': return M_VEC;
    case '1': return M_I1;
    case '4': return M_I32;
    case '6': return M_I64;
    case 'L': return M_I32 | M_I64;
    default:  return ~0u;    /* no result: see check_type */
    }
}

/* PUT, STORE and VSTOREL have no result; their type is that of the operand */
static bool check_type(struct verifier *v, const struct ir_insn *in, const char *sig)
{
    unsigned set = types_of_result(in->op, sig[0]);
    if (sig[0] == '-')
        set = strchr(sig, 'T') ? types_of_T(in->op) : strchr(sig, 'V') ? M_VEC : 1u << IR_VOID;
    return in_set(set, in->type) || wrong(v, "result type %s", in->type < IR_N_TYPES ? ir_type_name[in->type] : "out of range");
}

/* --- operands (I1) --- */

static bool check_operand_type(struct verifier *v, const struct ir_insn *in, char letter, unsigned k)
{
    const struct ir_insn *arg = &v->b->insn[in->arg[k]];
    unsigned props = ir_op_info[arg->op].props, set;
    switch (letter) {
    case 'F': return (props & IR_P_FL) || wrong(v, "operand %u is no flags port", k);
    case 'R': return (props & IR_P_TWO) || wrong(v, "operand %u has no second result", k);
    case 'T': case 'V': set = 1u << in->type; break;
    case 'v': set = M_VEC; break;
    case 'i': set = in->op == IR_FCVT ? M_FLOAT : M_INT_ALL; break;
    case '1': set = M_I1; break;
    case '8': set = M_I8; break;
    case '4': set = M_I32; break;
    case '6': set = M_I64; break;
    case 'L': set = M_I32 | M_I64; break;
    default:  return wrong(v, "signature letter %c", letter);
    }
    if (ir_op_info[arg->op].sig[0] == '-')
        return wrong(v, "operand %u has no value", k);
    return in_set(set, arg->type) || wrong(v, "operand %u is %s, %c is expected", k, ir_type_name[arg->type], letter);
}

static bool check_operands(struct verifier *v, const struct ir_insn *in, const char *sig)
{
    unsigned k = 0;
    for (const char *s = sig + 2; *s; s++) {
        if (*s == '?')
            continue;
        bool optional = s[1] == '?' || *s == 'F';
        if (in->arg[k] == IR_NONE) {
            if (!optional)
                return wrong(v, "operand %u is missing", k);
        } else if (in->arg[k] >= v->i)
            return wrong(v, "operand %u (%%%u) does not come before its user", k, in->arg[k]);
        else if (!check_operand_type(v, in, *s, k))
            return false;
        k++;
    }
    for (; k < 4; k++)
        if (in->arg[k] != IR_NONE)
            return wrong(v, "operand %u is one too many", k);
    return true;
}

/* --- fields --- */

/* the lanes that an operation exists for; 0: the lane is free, or checked elsewhere */
static unsigned lanes_of(enum ir_op op)
{
    enum { I8 = M_I8, I16 = M_I16, I32 = M_I32, I64 = M_I64, F = M_F32 | M_F64 };
    switch (op) {
    case IR_VLOADL: case IR_VSTOREL: case IR_VEXTR: case IR_VINS: case IR_VMERGE: case IR_VZIPL: case IR_VZIPH:
        return I8 | I16 | I32 | I64 | F;
    case IR_VADD: case IR_VSUB: case IR_VCMPEQ: case IR_VCMPGT: case IR_CRC32C:
        return I8 | I16 | I32 | I64;
    case IR_VADDSS: case IR_VADDUS: case IR_VSUBSS: case IR_VSUBUS: case IR_VAVG:
        return I8 | I16;
    case IR_VMUL: case IR_VHADD: case IR_VHSUB: case IR_VSAR: case IR_VSARI: case IR_VPACKS: case IR_VPACKU:
        return I16 | I32;
    case IR_VMULHS: case IR_VMULHU:
        return I16;
    case IR_VMINS: case IR_VMINU: case IR_VMAXS: case IR_VMAXU: case IR_VABS: case IR_VSIGN:
        return I8 | I16 | I32;
    case IR_VSHL: case IR_VSHR: case IR_VSHLI: case IR_VSHRI: case IR_VBLENDI: case IR_VWIDENS: case IR_VWIDENU:
        return I16 | I32 | I64;
    case IR_VSHUF:
        return I16 | I32;
    case IR_VSHUF2: case IR_FCMPF: case IR_VCVTFF: case IR_VCVTIF: case IR_VCVTFI: case IR_VCVTGF: case IR_VCVTFG:
    case IR_VFADD: case IR_VFSUB: case IR_VFMUL: case IR_VFDIV: case IR_VFMIN: case IR_VFMAX: case IR_VFSQRT:
    case IR_VFROUND: case IR_VFCMP: case IR_VFADDSUB: case IR_VFHADD: case IR_VFHSUB: case IR_VFDP:
        return F;
    case IR_VFRCP: case IR_VFRSQRT:
        return M_F32;
    case IR_VBLENDV: case IR_VMASK:
        return I8 | I32 | I64;
    default:
        return 0;
    }
}

static bool check_memory(struct verifier *v, const struct ir_insn *in)
{
    bool kind = (in->aux & IR_MEM_KIND) <= IR_MEM_DEVICE, order = (in->aux & IR_MEM_ORDER) <= IR_MEM_SEQ;
    return (kind && order && !(in->aux & 0x80)) || wrong(v, "memory attributes 0x%x", in->aux);
}

static bool check_resize(struct verifier *v, const struct ir_insn *in)
{
    unsigned from = v->b->insn[in->arg[0]].type;       /* integer types are in the order of their size */
    bool fits = in->op == IR_TRUNC ? from > in->type : from < in->type;
    return fits || wrong(v, "from %s to %s", ir_type_name[from], ir_type_name[in->type]);
}

static bool check_cmp(struct verifier *v, const struct ir_insn *in)
{
    unsigned a = v->b->insn[in->arg[0]].type, b = v->b->insn[in->arg[1]].type;
    if (in->aux >= IR_N_CC)
        return wrong(v, "condition %u", in->aux);
    return (a == b && a == in->lane && in_set(M_INT, a)) || wrong(v, "compares %s with %s, lane %u", ir_type_name[a], ir_type_name[b], in->lane);
}

static bool check_lea(struct verifier *v, const struct ir_insn *in)
{
    if (in->aux > 3 || (in->arg[1] == IR_NONE && in->aux))
        return wrong(v, "shift %u", in->aux);
    bool none = in->arg[0] == IR_NONE && in->arg[1] == IR_NONE;
    return none || in->imm == (int32_t)in->imm || wrong(v, "displacement does not fit 32 bits");
}

static bool check_call(struct verifier *v, const struct ir_insn *in)
{
    if ((uint64_t)in->imm >= ir_n_helpers)
        return wrong(v, "no helper %lld", (long long)in->imm);
    const struct ir_helper *h = &ir_helpers[in->imm];
    for (unsigned k = 0; k < 4; k++)
        if ((in->arg[k] != IR_NONE) != (k < h->n_args))
            return wrong(v, "helper %s has %u arguments", h->name, h->n_args);
    return true;
}

static bool check_const(struct verifier *v, const struct ir_insn *in)
{
    unsigned bits = in->type == IR_I1 ? 2 : ir_type_size[in->type] * 8u;     /* two bits hold 0 and 1 with a sign */
    if (bits >= 64 || in->imm == (int64_t)((uint64_t)in->imm << (64 - bits)) >> (64 - bits))
        if (in->type != IR_I1 || in->imm >= 0)
            return true;
    return wrong(v, "%lld is not the sign-extended form", (long long)in->imm);
}

static bool check_element(struct verifier *v, const struct ir_insn *in)
{
    unsigned vec = in->op == IR_VINS ? in->type : v->b->insn[in->arg[0]].type;
    unsigned n = ir_type_size[vec] / ir_type_size[in->lane];
    if (in->op == IR_VEXTR && ir_type_size[in->lane] > ir_type_size[in->type])
        return wrong(v, "lane is wider than the result");
    if (in->op == IR_VINS && ir_type_size[in->lane] > ir_type_size[v->b->insn[in->arg[1]].type])
        return wrong(v, "lane is wider than the operand");
    return in->aux < n || wrong(v, "element %u of %u", in->aux, n);
}

static bool check_return_address(struct verifier *v, const struct ir_insn *in, unsigned k)
{
    return v->b->insn[in->arg[k]].op == IR_CONST || wrong(v, "the return address is no constant");
}

static bool check_second(struct verifier *v, const struct ir_insn *in)
{
    return v->b->insn[in->arg[0]].type == in->type || wrong(v, "type differs from the first result's");
}

static bool check_fields(struct verifier *v, const struct ir_insn *in)
{
    unsigned lanes = lanes_of(in->op);
    if (lanes && !in_set(lanes, in->lane))
        return wrong(v, "lane %s", in->lane < IR_N_TYPES ? ir_type_name[in->lane] : "out of range");
    switch (in->op) {
    case IR_CONST:  return check_const(v, in);
    case IR_GET: case IR_PUT:
        return (uint64_t)in->imm <= UINT32_MAX || wrong(v, "offset out of range");
    case IR_ZEXT: case IR_SEXT: case IR_TRUNC: return check_resize(v, in);
    case IR_CMP:    return check_cmp(v, in);
    case IR_LEA:    return check_lea(v, in);
    case IR_CALL:   return check_call(v, in);
    case IR_SECOND: return check_second(v, in);
    case IR_COND:   return in->aux < IR_N_CC || wrong(v, "condition %u", in->aux);
    case IR_PUTF:   return (in->aux && in->aux <= IR_F_ALL) || wrong(v, "mask %u", in->aux);
    case IR_FCVT:
        return in->lane == v->b->insn[in->arg[0]].type || wrong(v, "lane is not the operand's type");
    case IR_VEXTR: case IR_VINS: return check_element(v, in);
    case IR_VWIDENS: case IR_VWIDENU:
        return (in_set(M_I8 | M_I16 | M_I32, in->mod) && in->mod < in->lane) || wrong(v, "source type %u", in->mod);
    case IR_LOAD: case IR_STORE: case IR_VLOADL: case IR_VSTOREL: case IR_CAS:
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: return check_memory(v, in);
    case IR_PREFETCH: return in->aux <= IR_PREFETCH_WRITE || wrong(v, "hint %u", in->aux);
    case IR_FENCE:  return in->aux <= 2 || wrong(v, "kind %u", in->aux);
    case IR_EXIT: case IR_EXITIF:
        return in->lane <= IR_F_ALL || wrong(v, "flags mask %u", in->lane);
    case IR_EXITCALL:  return (in->lane <= IR_F_ALL || wrong(v, "flags mask %u", in->lane)) && check_return_address(v, in, 0);
    case IR_EXITCALLI: return check_return_address(v, in, 1);
    case IR_TRAP:   return in->aux < IR_N_TRAPS || wrong(v, "trap %u", in->aux);
    default:        return true;
    }
}

/* --- order (I2, I3) --- */

static bool check_order(struct verifier *v, const struct ir_insn *in, unsigned props)
{
    if (in->op == IR_INSN)
        v->put_seen = false;
    else if (in->op == IR_PUT || in->op == IR_PUTF)
        v->put_seen = true;
    else if ((props & IR_P_X) && in->op != IR_CALL && v->put_seen)
        return wrong(v, "may fault, but comes after a put of the same guest instruction (I2)");
    bool last = v->i + 1 == v->b->n, leaves = (props & IR_P_T) && in->op != IR_EXITIF;
    if (leaves != last)
        return wrong(v, last ? "the block does not end in an exit (I3)" : "leaves in the middle of the block (I3)");
    return true;
}

static bool is_removed(const struct ir_insn *in) { return in->op == IR_CONST && in->type == IR_VOID && in->arg[0] == IR_NONE; }

static bool check_insn(struct verifier *v)
{
    const struct ir_insn *in = &v->b->insn[v->i];
    if (in->op >= IR_N_OPS)
        return wrong(v, "no such operation (%u)", in->op);
    const struct ir_op_info *info = &ir_op_info[in->op];
    if (is_removed(in))
        return check_order(v, in, 0);
    return check_type(v, in, info->sig) && check_operands(v, in, info->sig) && check_fields(v, in) && check_order(v, in, info->props);
}

const char *ir_verify(const struct ir_block *b)
{
    static _Thread_local struct verifier v;
    v.b = b;
    v.put_seen = false;
    if (b->n == 0)
        return "the block is empty";
    if (b->n > IR_MAX_INSNS)
        return "the block is too long";
    for (v.i = 0; v.i < b->n; v.i++)
        if (!check_insn(&v))
            return v.message;
    return NULL;
}
