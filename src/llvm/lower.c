/* SPDX-License-Identifier: GPL-2.0-or-later
 * lower.c: a region's IR to one LLVM function.
 *
 * What must stay true:
 *  R1 a guest instruction is lowered as a whole or not at all: the engine ends blocks in front of the first one that can't be (`known`), before it
 *     optimizes them, because the optimizer drops what nobody behind looks at
 *  R2 where others may see guest memory its accesses are volatile: they happen, once each and in program order, as x86 promises. Elsewhere
 *     nobody can tell their order between two polls; but loads whose value is not used happen, because they may fault
 *  R3 every way back to an earlier guest address passes a poll: an access of the poll page, whose fault the engine turns into a jump to the poll's
 *     own exit. It costs one load
 *  R4 exits hand over what a block of tier 1 expects: mapped slots in their registers, the rest and the flags in the state
 *  R5 in an exact region each operation that may fault is inline assembly with a second way out, for the fault handler: it stores the state
 *     before the guest instruction, which the interpreter then repeats. So it can't be moved, and what that state needs stays alive
 */
#include <stdlib.h>
#include <string.h>
#include "llvm/lower.h"

LLVMTypeRef vector_type(struct lower *L, unsigned lane)
{
    unsigned bits = lane == IR_VOID || lane == IR_F64 ? 64 : lane == IR_F32 ? 32 : bits_of(lane);
    return LLVMVectorType(int_type(L, bits), 128 / bits);
}

LLVMTypeRef type_of(struct lower *L, unsigned type)
{
    return type == IR_V128 ? vector_type(L, IR_VOID) : int_type(L, bits_of(type));
}

LLVMValueRef intrinsic(struct lower *L, const char *name, LLVMTypeRef type, LLVMValueRef *arg, unsigned n)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef f = LLVMGetIntrinsicDeclaration(L->m, id, &type, 1);
    return LLVMBuildCall2(L->b, LLVMIntrinsicGetType(L->c, id, &type, 1), f, arg, n, "");
}

/* --- guest state --- */

static LLVMValueRef load_state(struct lower *L, LLVMTypeRef t, uint32_t offset, unsigned align)
{
    LLVMValueRef v = LLVMBuildLoad2(L->b, t, asm_state(L, offset), "");
    LLVMSetAlignment(v, align);
    return v;
}

static void store_state(struct lower *L, LLVMValueRef v, uint32_t offset, unsigned align)
{
    LLVMSetAlignment(LLVMBuildStore(L->b, v, asm_state(L, offset)), align);
}

struct lower_slot *lower_slot_of(struct lower *L, int64_t offset, unsigned size)
{
    for (unsigned k = 0; k < L->n_slots; k++) {
        struct lower_slot *s = &L->slot[k];
        if (offset >= s->offset && offset + size <= s->offset + (unsigned)ir_type_size[s->type])
            return s;
    }
    return NULL;
}

static bool overlaps(int64_t offset, unsigned size, uint32_t field, unsigned field_size)
{
    return offset < (int64_t)field + field_size && (int64_t)field < offset + size;
}

/* may GET and PUT of these bytes be lowered? Not those of the flags and the fp control, nor parts of two slots. */
static bool state_known(const struct llvm_region *r, const struct ir_insn *in)
{
    const struct host_offsets *o = r->offsets;
    unsigned size = ir_type_size[in->type];
    if (!is_int(in->type) && in->type != IR_V128)
        return false;
    for (unsigned k = 0; k < r->n_slots; k++) {
        const struct guest_slot *s = &r->slots[k];
        if (in->imm >= s->offset && in->imm + size <= s->offset + (unsigned)ir_type_size[s->type])
            return s->type == IR_I64 || in->type == IR_V128 || (in->imm - s->offset) % size == 0;
        if (overlaps(in->imm, size, s->offset, ir_type_size[s->type]))
            return false;
    }
    return in->imm >= 0 && in->imm < 4096 && !overlaps(in->imm, size, o->flags, 2) && !overlaps(in->imm, size, o->fpcr, 4);
}

static LLVMValueRef get(struct lower *L, const struct ir_insn *in)
{
    struct lower_slot *s = lower_slot_of(L, in->imm, ir_type_size[in->type]);
    LLVMTypeRef t = type_of(L, in->type);
    if (!s)
        return load_state(L, t, (uint32_t)in->imm, 1);
    LLVMValueRef v = lower_slot_value(L, s);
    if (s->type == in->type)
        return v;
    unsigned at = (unsigned)(in->imm - s->offset);
    if (s->type == IR_V128)
        return LLVMBuildExtractElement(L->b, LLVMBuildBitCast(L->b, v, vector_type(L, in->type), ""),
                                       int_const(L, 32, at / ir_type_size[in->type]), "");
    if (at)
        v = LLVMBuildLShr(L->b, v, int_const(L, 64, at * 8), "");
    return LLVMBuildTrunc(L->b, v, t, "");
}

static void put(struct lower *L, const struct ir_insn *in)
{
    struct lower_slot *s = lower_slot_of(L, in->imm, ir_type_size[in->type]);
    LLVMValueRef v = L->v[in->arg[0]];
    if (!s) {
        store_state(L, v, (uint32_t)in->imm, 1);
        return;
    }
    unsigned at = (unsigned)(in->imm - s->offset), bits = bits_of(in->type);
    s->dirty = true;
    if (s->type != in->type) {
        LLVMValueRef old = lower_slot_value(L, s);
        if (s->type == IR_V128) {
            old = LLVMBuildBitCast(L->b, old, vector_type(L, in->type), "");
            v = LLVMBuildInsertElement(L->b, old, v, int_const(L, 32, at * 8 / bits), "");
            v = as_vector(L, v);
        } else if (at == 0 && L->whole[in->arg[0]] && L->whole_put[in->arg[0]] == in) {
            v = L->whole[in->arg[0]];
        } else if (at == 0) {
            v = asm_low_part(L, old, v);
        } else {
            uint64_t mask = ((1ull << bits) - 1) << at * 8;
            old = LLVMBuildAnd(L->b, old, LLVMConstInt(int_type(L, 64), ~mask, 0), "");
            v = LLVMBuildShl(L->b, LLVMBuildZExt(L->b, v, int_type(L, 64), ""), int_const(L, 64, at * 8), "");
            v = LLVMBuildOr(L->b, old, v, "");
        }
    }
    lower_set_slot(L, s, v);
}

/* --- entry and exits --- */

static LLVMTypeRef pinned_types(struct lower *L, LLVMTypeRef *t, unsigned *n)
{
    *n = 0;
    for (unsigned k = 0; k < L->n_slots; k++)
        if (L->slot[k].reg)
            t[(*n)++] = type_of(L, L->slot[k].type);
    for (unsigned k = 0; asm_kept[k]; k++)
        t[(*n)++] = int_type(L, 64);
    for (unsigned k = 0; L->vectors && asm_kept_vectors[k]; k++)
        t[(*n)++] = vector_type(L, IR_VOID);
    for (unsigned k = 0; asm_flag_regs[k]; k++)
        t[(*n)++] = int_type(L, 64);
    t[*n] = int_type(L, 64);                                 /* the selector */
    return LLVMStructTypeInContext(L->c, t, *n + (L->r->n_entries > 1), 0);
}

static unsigned n_kept(const struct lower *L)
{
    unsigned n = 0, k = 0;
    while (asm_kept[n])
        n++;
    while (L->vectors && asm_kept_vectors[k])
        k++;
    return n + k;
}

static unsigned names(const char *const *reg, const char *form, char *text, size_t size)
{
    unsigned at = 0;
    for (unsigned k = 0; reg[k]; k++)
        at += (unsigned)snprintf(text + at, size - at, form, reg[k]);
    return at;
}

static bool word_is_host_s(void) { return asm_flag_regs[0] || asm_word_bits > 16; }

/* the flags at the entry: from the state, or from their registers */
static void enter_flags(struct lower *L, LLVMValueRef *reg)
{
    LLVMTypeRef t = int_type(L, asm_word_bits);
    LLVMValueRef word = word_is_host_s() ? asm_word_in(L, reg) : load_state(L, t, L->r->offsets->flags, 2), flag[N_FLAGS];
    LLVMBuildStore(L->b, word, L->word);
    asm_flags_of_word(L, word, flag);
    for (unsigned k = 0; k < N_FLAGS; k++)
        LLVMBuildStore(L->b, flag[k], L->flag[k]);
}

/* LLVM takes the registers for free in front of the assembly that says what is in them, and likes to have constants in the first block, in any
 * order. So that one ends here: an inline assembly's own branch is never merged away. Compile.c looks whether it worked. */
static void end_entry(struct lower *L)
{
    LLVMBasicBlockRef next = LLVMAppendBasicBlockInContext(L->c, L->fn, "");
    LLVMTypeRef t = LLVMFunctionType(LLVMVoidTypeInContext(L->c), NULL, 0, 0);
    LLVMBuildCallBr(L->b, t, LLVMGetInlineAsm(t, "", 0, "", 0, 1, 0, LLVMInlineAsmDialectATT, 0), next, NULL, 0, NULL, 0, NULL, 0, "");
    LLVMPositionBuilderAtEnd(L->b, next);
}

/* A store of what is in the state already costs nothing here: mem2reg makes it the slot's first value. */
static void enter(struct lower *L)
{
    char constraints[MAX_SLOTS * 12] = "";
    LLVMTypeRef types[MAX_SLOTS + MAX_KEPT + MAX_FLAG_REGS + 1];
    LLVMValueRef flag_reg[MAX_FLAG_REGS];
    unsigned n, at = 0;
    LLVMTypeRef all = pinned_types(L, types, &n);
    bool several = L->r->n_entries > 1;
    for (unsigned k = 0; k < L->n_slots; k++)
        if (L->slot[k].reg)
            at += (unsigned)snprintf(constraints + at, sizeof constraints - at, "%s={%s}", at ? "," : "", L->slot[k].reg);
    at += names(asm_kept, ",={%s}", constraints + at, sizeof constraints - at);
    if (L->vectors)
        at += names(asm_kept_vectors, ",={%s}", constraints + at, sizeof constraints - at);
    at += names(asm_flag_regs, ",={%s}", constraints + at, sizeof constraints - at);
    if (several)
        at += (unsigned)snprintf(constraints + at, sizeof constraints - at, ",={%s}", asm_selector);
    for (unsigned k = 0; k < N_FLAGS; k++)
        L->flag[k] = LLVMBuildAlloca(L->b, int_type(L, 1), "");
    for (unsigned k = 0; k < L->n_slots; k++)
        halves_make(L, &L->slot[k]);
    L->word = LLVMBuildAlloca(L->b, int_type(L, asm_word_bits), "");
    run_prepare(L);
    LLVMTypeRef t = LLVMFunctionType(all, NULL, 0, 0);
    static const char text[] = ENTRY_SYMBOL ":";
    LLVMValueRef in = LLVMBuildCall2(L->b, t, LLVMGetInlineAsm(t, text, sizeof text - 1, constraints, at, 1, 0, LLVMInlineAsmDialectATT, 0), NULL, 0, "");
    end_entry(L);
    if (several)
        L->selector = LLVMBuildTrunc(L->b, LLVMBuildExtractValue(L->b, in, n, ""), int_type(L, 32), "");
    n = 0;
    for (unsigned k = 0; k < L->n_slots; k++)
        n += L->slot[k].reg != NULL;
    for (unsigned k = 0, all_kept = n_kept(L); k < all_kept; k++)
        L->kept[k] = LLVMBuildExtractValue(L->b, in, n++, "");
    for (unsigned k = 0; asm_flag_regs[k]; k++)
        flag_reg[k] = LLVMBuildExtractValue(L->b, in, n++, "");
    n = 0;
    for (unsigned k = 0; k < L->n_slots; k++) {
        struct lower_slot *s = &L->slot[k];
        halves_enter(L, s, s->reg ? LLVMBuildExtractValue(L->b, in, n++, "") : load_state(L, type_of(L, s->type), s->offset, 1));
    }
    enter_flags(L, flag_reg);
    run_enter(L);
}

static void leave(struct lower *L, unsigned number, const struct lower_exit *x)
{
    char text[128], constraints[MAX_SLOTS * 12] = "";
    LLVMTypeRef types[MAX_SLOTS + MAX_KEPT + MAX_FLAG_REGS];
    LLVMValueRef arg[MAX_SLOTS + MAX_KEPT + MAX_FLAG_REGS];
    unsigned n = 0, at = 0;
    LLVMPositionBuilderAtEnd(L->b, x->block);
    for (unsigned k = 0; k < L->n_slots; k++) {
        struct lower_slot *s = &L->slot[k];
        LLVMValueRef v = lower_slot_value(L, s);
        if (s->reg) {
            at += (unsigned)snprintf(constraints + at, sizeof constraints - at, "%s{%s}", n ? "," : "", s->reg);
            arg[n++] = v;
        } else if (s->dirty) {
            store_state(L, v, s->offset, 1);
        }
    }
    at += names(asm_kept, ",{%s}", constraints + at, sizeof constraints - at);
    if (L->vectors)
        at += names(asm_kept_vectors, ",{%s}", constraints + at, sizeof constraints - at);
    for (unsigned k = 0, all_kept = n_kept(L); k < all_kept; k++)
        arg[n++] = L->kept[k];
    at += names(asm_flag_regs, ",{%s}", constraints + at, sizeof constraints - at);
    asm_word_out(L, asm_flag_regs[0] ? LLVMBuildLoad2(L->b, int_type(L, asm_word_bits), L->word, "") : NULL, arg + n);
    for (unsigned k = 0; asm_flag_regs[k]; k++)
        n++;
    for (unsigned k = 0; k < n; k++)
        types[k] = LLVMTypeOf(arg[k]);
    asm_exit(L->r->offsets, number, text, sizeof text);
    LLVMTypeRef t = LLVMFunctionType(LLVMVoidTypeInContext(L->c), types, n, 0);
    LLVMBuildCall2(L->b, t, LLVMGetInlineAsm(t, text, strlen(text), constraints, at, 1, 0, LLVMInlineAsmDialectATT, 0), arg, n, "");
    LLVMBuildUnreachable(L->b);
}

static LLVMBasicBlockRef new_block(struct lower *L) { return LLVMAppendBasicBlockInContext(L->c, L->fn, ""); }

static LLVMBasicBlockRef exit_to(struct lower *L, uint64_t target, uint64_t back, unsigned kind)
{
    for (unsigned k = 0; k < L->n_exits; k++)
        if (L->exit[k].target == target && L->exit[k].back == back && L->exit[k].kind == kind)
            return L->exit[k].block;
    if (L->n_exits == LLVM_MAX_EXITS) {
        L->why = "too many exits";
        return L->exit[0].block;
    }
    L->exit[L->n_exits] = (struct lower_exit){ new_block(L), target, back, (uint8_t)kind };
    return L->exit[L->n_exits++].block;
}

static void store_flags(struct lower *L)
{
    LLVMValueRef word = LLVMBuildLoad2(L->b, int_type(L, asm_word_bits), L->word, "");
    if (word_is_host_s())
        asm_word_out(L, word, NULL);
    else
        store_state(L, word, L->r->offsets->flags, 2);
}

/* The way to an exit from the current block: stores the flags that are read there, and an indirect target. */
static LLVMBasicBlockRef way_out(struct lower *L, LLVMBasicBlockRef exit, unsigned mask, LLVMValueRef target)
{
    LLVMBasicBlockRef way = new_block(L), here = LLVMGetInsertBlock(L->b);
    LLVMPositionBuilderAtEnd(L->b, way);
    if (L->run.on)
        run_undo(L);
    halves_leave(L);
    if (asm_flag_regs[0] && !mask)                           /* whatever costs nothing */
        LLVMBuildStore(L->b, LLVMGetUndef(int_type(L, asm_word_bits)), L->word);
    else if (!asm_flag_regs[0] && L->flags_dirty && mask)
        store_flags(L);
    if (target)
        store_state(L, target, L->r->offsets->exit_target, 8);
    LLVMBuildBr(L->b, exit);
    LLVMPositionBuilderAtEnd(L->b, here);
    return way;
}

static void branch(struct lower *L, LLVMValueRef cond, LLVMBasicBlockRef yes, LLVMBasicBlockRef no, uint32_t yes_weight, uint32_t no_weight)
{
    LLVMMetadataRef m[3] = { LLVMMDStringInContext2(L->c, "branch_weights", 14), LLVMValueAsMetadata(int_const(L, 32, yes_weight)),
                             LLVMValueAsMetadata(int_const(L, 32, no_weight)) };
    LLVMValueRef br = LLVMBuildCondBr(L->b, cond, yes, no);
    LLVMSetMetadata(br, LLVMGetMDKindIDInContext(L->c, "prof", 4), LLVMMetadataAsValue(L->c, LLVMMDNodeInContext2(L->c, m, 3)));
}

int lower_number_of(const struct lower *L, uint64_t pc)
{
    for (unsigned k = 0; k < L->r->n_blocks; k++)
        if (L->r->blocks[k].ir->guest_pc == pc)
            return (int)k;
    return -1;
}

/* nothing but a comparison or two, and a way out? */
static bool only_tests(const struct ir_block *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        bool exit = in->op == IR_EXIT || in->op == IR_EXITIF;
        n += in->op == IR_INSN;
        if (!exit && in->op != IR_INSN && in->op != IR_PUTF && ir_op_info[in->op].props & (IR_P_X | IR_P_S | IR_P_T | IR_P_FP | IR_P_RDF))
            return false;
    }
    return n <= 3 && b->n >= 2 && b->insn[b->n - 1].op == IR_EXIT && b->insn[b->n - 2].op == IR_EXITIF;
}

/* A loop whose head only tests is turned round: its way back ends in a test of its own. */
static LLVMBasicBlockRef turned(struct lower *L, unsigned number)
{
    const struct ir_block *to = L->r->blocks[number].ir;
    if (L->in_copy || L->polls[number] || number == L->current || L->n_copies == LLVM_MAX_BLOCKS || !poll_goes_back(L->ir, to->guest_pc) || !only_tests(to))
        return NULL;
    L->copy[L->n_copies++] = (struct lower_copy){ new_block(L), (uint16_t)number };
    return L->copy[L->n_copies - 1].block;
}

static LLVMBasicBlockRef inside(struct lower *L, unsigned number)
{
    L->edge[L->current * L->r->n_blocks + number] = true;
    LLVMBasicBlockRef copy = turned(L, number);
    return L->run.loop && number == L->current ? L->run.body : halves_edge(L, number, copy ? copy : L->block[number]);
}

/* the way, by a poll of its own */
static LLVMBasicBlockRef polled(struct lower *L, LLVMBasicBlockRef way, uint64_t target, unsigned mask)
{
    LLVMBasicBlockRef edge = new_block(L), here = LLVMGetInsertBlock(L->b), poked = way_out(L, exit_to(L, target, 0, LLVM_EXIT_LEAVE), mask, NULL);
    LLVMPositionBuilderAtEnd(L->b, edge);
    asm_poll(L, poked, way);
    LLVMPositionBuilderAtEnd(L->b, here);
    return edge;
}

/* where an EXIT or EXITIF goes; *out: it leaves the region */
static LLVMBasicBlockRef target_block(struct lower *L, const struct ir_insn *in, bool *out)
{
    int k = lower_number_of(L, (uint64_t)in->imm);
    *out = k < 0;
    if (k >= 0)
        return inside(L, (unsigned)k);
    LLVMBasicBlockRef way = way_out(L, exit_to(L, (uint64_t)in->imm, 0, LLVM_EXIT_GO), in->lane, NULL);
    return poll_goes_back(L->ir, (uint64_t)in->imm) ? polled(L, way, (uint64_t)in->imm, in->lane) : way;
}

/* nothing is impossible because a profile has not seen it */
static uint32_t scaled(uint32_t weight) { return 16 * (weight < 1 << 26 ? weight : 1 << 26) + 1; }

/* how often the current block goes to the guest address, as far as that is known */
static uint32_t weight_to(struct lower *L, uint64_t pc)
{
    int k = lower_number_of(L, pc);
    return k < 0 || !L->r->weight ? 0 : L->r->weight[L->current * L->r->n_blocks + (unsigned)k];
}

static void conditional(struct lower *L, const struct ir_insn *in)
{
    bool out;
    bool looks = L->run.loop && !loop_stays(L, in);
    L->run.on = L->run.on && !looks;
    LLVMBasicBlockRef next = new_block(L), to = target_block(L, in, &out);
    L->run.on = L->run.on || looks;
    to = looks ? loop_looked(L, to) : to;
    uint32_t all = L->r->weight ? L->r->count[L->current] : 0, yes = weight_to(L, (uint64_t)in->imm);
    const struct ir_insn *last = &L->ir->insn[L->ir->n - 1];
    if (out && last->op == IR_EXIT && all > weight_to(L, (uint64_t)last->imm))
        yes = all - weight_to(L, (uint64_t)last->imm);
    if (all)
        branch(L, L->v[in->arg[0]], to, next, scaled(yes), scaled(all > yes ? all - yes : 0));
    else if (out)
        branch(L, L->v[in->arg[0]], to, next, 1, 2000);
    else
        LLVMBuildCondBr(L->b, L->v[in->arg[0]], to, next);
    LLVMPositionBuilderAtEnd(L->b, next);
}

static void call(struct lower *L, const struct llvm_block *b, const struct ir_insn *in)
{
    uint64_t back = (uint64_t)L->ir->insn[in->arg[0]].imm;
    int k = b->outside ? -1 : lower_number_of(L, (uint64_t)in->imm);
    LLVMBuildBr(L->b, k >= 0 ? inside(L, (unsigned)k) : way_out(L, exit_to(L, (uint64_t)in->imm, back, LLVM_EXIT_CALL), in->lane, NULL));
}

/* Indirect jumps and returns: to the blocks that they are known to go to, or out. */
static void indirect(struct lower *L, const struct llvm_block *b, const struct ir_insn *in)
{
    LLVMValueRef target = L->v[in->arg[0]];
    uint64_t back = in->op == IR_EXITCALLI ? (uint64_t)L->ir->insn[in->arg[1]].imm : 0;
    uint32_t rest = L->r->weight ? L->r->count[L->current] : 0;
    unsigned kind = in->op == IR_EXITCALLI ? LLVM_EXIT_CALL_INDIRECT : in->op == IR_EXITRET ? LLVM_EXIT_RETURN : LLVM_EXIT_INDIRECT;
    for (unsigned g = 0; g < b->n_guesses; g++) {
        int k = lower_number_of(L, b->guess[g]);
        if (k < 0)
            continue;
        LLVMBasicBlockRef next = new_block(L), to = inside(L, (unsigned)k);
        LLVMValueRef hit = LLVMBuildICmp(L->b, LLVMIntEQ, target, int_const(L, 64, (int64_t)b->guess[g]), "");
        uint32_t weight = weight_to(L, b->guess[g]);
        if (rest)
            branch(L, hit, to, next, scaled(weight), scaled(rest > weight ? rest - weight : 0));
        else
            LLVMBuildCondBr(L->b, hit, to, next);
        rest = rest > weight ? rest - weight : 0;
        LLVMPositionBuilderAtEnd(L->b, next);
    }
    LLVMBuildBr(L->b, way_out(L, exit_to(L, 0, back, kind), IR_F_ALL, target));
}

/* --- faults (R5) --- */

static bool may_fault(const struct llvm_region *r, const struct ir_insn *in)
{
    unsigned props = ir_op_info[in->op].props;
    if (props & IR_P_FP && asm_look)
        return false;
    bool arithmetic = props & IR_P_FP || in->op == IR_DIVU || in->op == IR_DIVS;
    return arithmetic ? r->exact & LLVM_EXACT_ARITHMETIC : props & IR_P_X && r->exact & LLVM_EXACT_MEMORY;
}

static LLVMBasicBlockRef way_to_fault(struct lower *L)
{
    if (L->run.on)
        return way_out(L, exit_to(L, 0, 0, LLVM_EXIT_FAULT), L->run.flags, int_const(L, 64, (int64_t)L->run.pc));
    if (!L->way_to_fault)
        L->way_to_fault = way_out(L, exit_to(L, 0, 0, LLVM_EXIT_FAULT), IR_F_ALL, int_const(L, 64, (int64_t)L->insn_pc));
    return L->way_to_fault;
}

/* --- memory --- */

static LLVMValueRef guest_pointer(struct lower *L, LLVMValueRef address)
{
    return LLVMBuildIntToPtr(L->b, address, LLVMPointerTypeInContext(L->c, 0), "");
}

static void prefetch(struct lower *L, const struct ir_insn *in)
{
    static const uint8_t locality[] = { 3, 2, 1, 0, 3 };
    LLVMTypeRef i32 = LLVMInt32TypeInContext(L->c);
    LLVMValueRef arg[] = { guest_pointer(L, L->v[in->arg[0]]), LLVMConstInt(i32, in->aux == IR_PREFETCH_WRITE, 0), LLVMConstInt(i32, locality[in->aux], 0), LLVMConstInt(i32, 1 /* data */, 0) };
    intrinsic(L, "llvm.prefetch", LLVMTypeOf(arg[0]), arg, 4);
}

void lower_alone_if(struct lower *L, LLVMValueRef special)
{
    LLVMBasicBlockRef next = new_block(L);
    branch(L, special, way_to_fault(L), next, 1, 1 << 20);
    LLVMPositionBuilderAtEnd(L->b, next);
}

/* what must be aligned faults on x86 */
static void check_alignment(struct lower *L, const struct ir_insn *in)
{
    unsigned size = ir_type_size[in->type == IR_VOID ? L->ir->insn[in->arg[1]].type : in->type];
    if (asm_aligns || !(in->aux & IR_MEM_ALIGNED) || (L->run.loop && L->aligned[in - L->ir->insn]))
        return;
    LLVMValueRef low = LLVMBuildAnd(L->b, L->v[in->arg[0]], int_const(L, 64, size - 1), "");
    lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntNE, low, int_const(L, 64, 0), ""));
}

static unsigned guest_align(const struct ir_insn *in) { return in->aux & IR_MEM_ALIGNED ? ir_type_size[in->type] : 1; }

static LLVMValueRef load(struct lower *L, unsigned i, LLVMTypeRef t, const struct ir_insn *in, unsigned align)
{
    LLVMValueRef p = guest_pointer(L, L->v[in->arg[0]]), v;
    if (L->fault) {
        v = asm_load(L, t, p, align > 1);
        if (L->r->shared)
            asm_order_load(L);
        if (LLVMTypeOf(v) == t)
            return v;
        L->wide[i] = v;
        return LLVMBuildTrunc(L->b, v, t, "");
    }
    v = LLVMBuildLoad2(L->b, t, p, "");
    LLVMSetAlignment(v, align);
    LLVMSetVolatile(v, L->r->shared || !in->uses);
    if (L->r->shared)
        asm_order_load(L);
    return v;
}

static void store(struct lower *L, LLVMValueRef v, LLVMValueRef address, unsigned align)
{
    if (L->r->shared)
        asm_order_store(L);
    if (L->fault) {
        asm_store(L, v, guest_pointer(L, address), align > 1);
        return;
    }
    LLVMValueRef s = LLVMBuildStore(L->b, v, guest_pointer(L, address));
    LLVMSetAlignment(s, align);
    LLVMSetVolatile(s, L->r->shared);
}

/* The processor allows locked operations on any address; LLVM is told the natural alignment so that it emits them. */
static LLVMValueRef atomic(struct lower *L, const struct ir_insn *in)
{
    static const uint8_t how[] = { LLVMAtomicRMWBinOpAdd, LLVMAtomicRMWBinOpAnd, LLVMAtomicRMWBinOpOr, LLVMAtomicRMWBinOpXor, LLVMAtomicRMWBinOpXchg };
    LLVMValueRef p = guest_pointer(L, L->v[in->arg[0]]), x;
    LLVMAtomicOrdering order = LLVMAtomicOrderingSequentiallyConsistent;
    if (L->fault || asm_own_atomics)
        return asm_atomic(L, in, p);
    if (in->op == IR_CAS)
        x = LLVMBuildAtomicCmpXchg(L->b, p, L->v[in->arg[1]], L->v[in->arg[2]], order, order, 0);
    else
        x = LLVMBuildAtomicRMW(L->b, how[in->op - IR_AADD], p, L->v[in->arg[1]], order, 0);
    LLVMSetVolatile(x, 1);
    return in->op == IR_CAS ? LLVMBuildExtractValue(L->b, x, 0, "") : x;
}

static unsigned element(unsigned lane) { return lane == IR_F32 ? IR_I32 : lane == IR_F64 ? IR_I64 : lane; }

static LLVMValueRef load_low(struct lower *L, unsigned i, const struct ir_insn *in)
{
    LLVMTypeRef t = vector_type(L, in->lane);
    LLVMValueRef v = load(L, i, int_type(L, bits_of(element(in->lane))), in, 1);
    return as_vector(L, LLVMBuildInsertElement(L->b, LLVMConstNull(t), v, int_const(L, 32, 0), ""));
}

static void store_low(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef v = LLVMBuildBitCast(L->b, L->v[in->arg[1]], vector_type(L, in->lane), "");
    store(L, LLVMBuildExtractElement(L->b, v, int_const(L, 32, 0), ""), L->v[in->arg[0]], 1);
}

/* --- integers --- */

static LLVMValueRef shift(struct lower *L, const struct ir_insn *in)
{
    unsigned w = bits_of(in->type), wide = w == 64 ? 64 : 32;
    LLVMTypeRef t = int_type(L, wide), narrow = int_type(L, w);
    LLVMValueRef a = L->v[in->arg[0]], n = L->v[in->arg[1]], c, r;
    n = LLVMBuildAnd(L->b, n, int_const(L, 8, wide - 1), "");
    switch (in->op) {
    case IR_ROL: case IR_ROLF: case IR_ROR: case IR_RORF: {
        c = w == 8 ? n : LLVMBuildZExt(L->b, n, narrow, "");
        LLVMValueRef arg[3] = { a, a, c };
        return intrinsic(L, in->op == IR_ROL || in->op == IR_ROLF ? "llvm.fshl" : "llvm.fshr", narrow, arg, 3);
    }
    case IR_SAR: case IR_SARF:
        a = w == wide ? a : LLVMBuildSExt(L->b, a, t, "");
        r = LLVMBuildAShr(L->b, a, LLVMBuildZExt(L->b, n, t, ""), "");
        break;
    default:
        a = w == wide ? a : LLVMBuildZExt(L->b, a, t, "");
        c = LLVMBuildZExt(L->b, n, t, "");
        r = in->op == IR_SHL || in->op == IR_SHLF ? LLVMBuildShl(L->b, a, c, "") : LLVMBuildLShr(L->b, a, c, "");
    }
    return w == wide ? r : LLVMBuildTrunc(L->b, r, narrow, "");
}

static LLVMValueRef shift_double(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef a = L->v[in->arg[0]], b = L->v[in->arg[1]], n = LLVMBuildZExt(L->b, L->v[in->arg[2]], type_of(L, in->type), "");
    LLVMValueRef left[3] = { a, b, n }, right[3] = { b, a, n };
    return in->op == IR_SHLDF ? intrinsic(L, "llvm.fshl", type_of(L, in->type), left, 3) : intrinsic(L, "llvm.fshr", type_of(L, in->type), right, 3);
}

static LLVMValueRef multiply(struct lower *L, unsigned i, const struct ir_insn *in)
{
    unsigned w = bits_of(in->type);
    LLVMTypeRef wide = int_type(L, 2 * w), t = int_type(L, w);
    LLVMValueRef x[2];
    for (unsigned k = 0; k < 2; k++)
        x[k] = in->op == IR_UMULF ? LLVMBuildZExt(L->b, L->v[in->arg[k]], wide, "") : LLVMBuildSExt(L->b, L->v[in->arg[k]], wide, "");
    LLVMValueRef p = LLVMBuildMul(L->b, x[0], x[1], "");
    L->second[i] = LLVMBuildTrunc(L->b, LLVMBuildLShr(L->b, p, LLVMConstInt(wide, w, 0), ""), t, "");
    return LLVMBuildTrunc(L->b, p, t, "");
}

static LLVMValueRef lea(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef v = int_const(L, bits_of(in->type), in->imm);
    if (in->arg[1] != IR_NONE)
        v = LLVMBuildAdd(L->b, LLVMBuildShl(L->b, L->v[in->arg[1]], int_const(L, bits_of(in->type), in->aux), ""), v, "");
    return in->arg[0] == IR_NONE ? v : LLVMBuildAdd(L->b, L->v[in->arg[0]], v, "");
}

static LLVMValueRef count_bits(struct lower *L, const struct ir_insn *in)
{
    LLVMValueRef arg[2] = { L->v[in->arg[0]], int_const(L, 1, 0) };
    const char *name = in->op == IR_CLZ ? "llvm.ctlz" : in->op == IR_CTZ ? "llvm.cttz" : in->op == IR_POPCNT ? "llvm.ctpop" : "llvm.bswap";
    return intrinsic(L, name, type_of(L, in->type), arg, in->op == IR_CLZ || in->op == IR_CTZ ? 2 : 1);
}

/* in the form from which LLVM makes chains of ADC and SBB; *carry: the carry or borrow */
static LLVMValueRef carrying(struct lower *L, const struct ir_insn *in, LLVMValueRef *carry)
{
    bool add = in->op == IR_ADCF || in->op == IR_ADDF;
    const char *name = add ? "llvm.uadd.with.overflow" : "llvm.usub.with.overflow";
    LLVMTypeRef t = type_of(L, in->type);
    LLVMValueRef arg[2] = { L->v[in->arg[0]], L->v[in->arg[1]] }, s = intrinsic(L, name, t, arg, 2);
    *carry = LLVMBuildExtractValue(L->b, s, 1, "");
    arg[0] = LLVMBuildExtractValue(L->b, s, 0, "");
    if (in->op == IR_ADDF || in->op == IR_SUBF)
        return arg[0];
    arg[1] = LLVMBuildZExt(L->b, L->v[in->arg[2]], t, "");
    s = intrinsic(L, name, t, arg, 2);
    *carry = LLVMBuildOr(L->b, *carry, LLVMBuildExtractValue(L->b, s, 1, ""), "");
    return LLVMBuildExtractValue(L->b, s, 0, "");
}

static LLVMValueRef integer(struct lower *L, unsigned i, const struct ir_insn *in)
{
    LLVMValueRef a = in->arg[0] == IR_NONE ? NULL : L->v[in->arg[0]], b = in->arg[1] == IR_NONE ? NULL : L->v[in->arg[1]];
    LLVMTypeRef t = is_int(in->type) || in->type == IR_V128 ? type_of(L, in->type) : NULL;
    switch (in->op) {
    case IR_ADDF: case IR_SUBF:
        if (in->live & IR_F_C)
            return carrying(L, in, &L->second[i]);
        return in->op == IR_ADDF ? LLVMBuildAdd(L->b, a, b, "") : LLVMBuildSub(L->b, a, b, "");
    case IR_ADD: return LLVMBuildAdd(L->b, a, b, "");
    case IR_SUB: return LLVMBuildSub(L->b, a, b, "");
    case IR_MUL: return LLVMBuildMul(L->b, a, b, "");
    case IR_AND: case IR_ANDF: return LLVMBuildAnd(L->b, a, b, "");
    case IR_OR: case IR_ORF: return LLVMBuildOr(L->b, a, b, "");
    case IR_XOR: case IR_XORF: return LLVMBuildXor(L->b, a, b, "");
    case IR_NOT: return LLVMBuildNot(L->b, a, "");
    case IR_NEG: case IR_NEGF: return LLVMBuildNeg(L->b, a, "");
    case IR_INCF: return LLVMBuildAdd(L->b, a, LLVMConstInt(t, 1, 0), "");
    case IR_DECF: return LLVMBuildSub(L->b, a, LLVMConstInt(t, 1, 0), "");
    case IR_ADCF: case IR_SBBF: return carrying(L, in, &L->second[i]);
    case IR_BTF: case IR_MKF: case IR_FCMPF: case IR_VTESTF: return a;
    case IR_UMULF: case IR_SMULF: return multiply(L, i, in);
    case IR_DIVU: case IR_DIVS: return asm_divide(L, in, &L->second[i]);
    case IR_SECOND: return L->second[in->arg[0]];
    case IR_BSWAP: case IR_CLZ: case IR_CTZ: case IR_POPCNT: return count_bits(L, in);
    case IR_CRC32C: return asm_crc32(L, in);
    case IR_SHLDF: case IR_SHRDF: return shift_double(L, in);
    case IR_LEA: return lea(L, in);
    case IR_ZEXT: return L->wide[in->arg[0]] ? LLVMBuildTrunc(L->b, L->wide[in->arg[0]], t, "") : LLVMBuildZExt(L->b, a, t, "");
    case IR_SEXT: return LLVMBuildSExt(L->b, a, t, "");
    case IR_TRUNC: return LLVMBuildTrunc(L->b, a, t, "");
    case IR_SELECT: return LLVMBuildSelect(L->b, a, b, L->v[in->arg[2]], "");
    case IR_CMP: return lower_compare(L, a, b, (enum ir_cc)in->aux);
    case IR_COND: return lower_cond(L, in->arg[0], (enum ir_cc)in->aux);
    case IR_GETF: return LLVMBuildZExt(L->b, lower_flags_word(L, IR_F_ALL), int_type(L, 32), "");
    default: return shift(L, in);
    }
}

/* --- one instruction --- */

static bool all_known_types(const struct ir_block *b, const struct ir_insn *in)
{
    for (unsigned k = 0; k < ir_op_info[in->op].n_args; k++) {
        if (in->arg[k] == IR_NONE)
            continue;
        unsigned t = b->insn[in->arg[k]].type;
        if (!is_int(t) && t != IR_V128)
            return false;
    }
    return is_int(in->type) || in->type == IR_V128 || in->type == IR_VOID;
}

static bool known(const struct llvm_region *r, const struct ir_block *b, const struct ir_insn *in)
{
    if (in->op == IR_CONST || in->op == IR_INSN || in->op == IR_PUTF || in->op == IR_COND)
        return in->op != IR_CONST || in->type == IR_VOID || is_int(in->type);
    if (!all_known_types(b, in) || !asm_allows(in))
        return false;
    switch (in->op) {
    case IR_GET: case IR_PUT:
        return state_known(r, in);
    case IR_LOAD: case IR_STORE: case IR_EXIT: case IR_EXITIF: case IR_EXITCALL: case IR_EXITCALLI: case IR_EXITIND: case IR_EXITRET: case IR_FENCE: case IR_PREFETCH:
        return true;
    case IR_VLOADL: case IR_VSTOREL:
        return is_int(element(in->lane)) && (in->op == IR_VSTOREL || in->type == IR_V128);
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: case IR_CAS:
        return is_int(in->type) && (!may_fault(r, in) || asm_atomic_known(b, in));
    case IR_CALL:
        return r->helpers && r->helpers[in->imm].quick;
    case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR: case IR_NOT: case IR_NEG:
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROL: case IR_ROR: case IR_CLZ: case IR_CTZ: case IR_POPCNT:
    case IR_LEA: case IR_ZEXT: case IR_SEXT: case IR_TRUNC:
    case IR_ADDF: case IR_SUBF: case IR_ADCF: case IR_SBBF: case IR_ANDF: case IR_ORF: case IR_XORF: case IR_NEGF: case IR_INCF: case IR_DECF:
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_ROLF: case IR_RORF: case IR_UMULF: case IR_SMULF: case IR_BTF: case IR_MKF: case IR_GETF:
    case IR_SECOND:
        return is_int(in->type);
    case IR_CMP: case IR_SELECT: case IR_CRC32C:
        return true;
    case IR_FCMPF: case IR_VTESTF:
        return in->type == IR_V128;
    case IR_BSWAP: return in->type >= IR_I16 && is_int(in->type);
    case IR_SHLDF: case IR_SHRDF: return in->type == IR_I32 || in->type == IR_I64;
    case IR_DIVU: case IR_DIVS: return in->type >= IR_I16 && is_int(in->type);
    default:
        return vector_known(b, in) || asm_known(b, in);
    }
}

/* R1: all of the guest instruction whose INSN is at i */
static bool insn_known(const struct llvm_region *r, const struct ir_block *b, unsigned i)
{
    for (unsigned k = i + 1; k < b->n && b->insn[k].op != IR_INSN; k++)
        if (!known(r, b, &b->insn[k]))
            return false;
    return true;
}

__attribute__((visibility("default"))) unsigned wherry_llvm_known(const struct llvm_region *r, const struct ir_block *b)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->insn[i].op == IR_INSN && !insn_known(r, b, i))
            return i;
    return b->n;
}

/* The quick form of a helper. What it does not do the interpreter does: nothing of its instruction that the guest could see comes before it. */
static void call_quick(struct lower *L, unsigned i, const struct ir_insn *in)
{
    LLVMValueRef arg[5] = { load_state(L, int_type(L, 64), L->r->offsets->self, 8) };
    for (unsigned k = 0; k < 4; k++)
        arg[1 + k] = in->arg[k] == IR_NONE ? LLVMGetUndef(int_type(L, 64)) : LLVMBuildZExt(L->b, L->v[in->arg[k]], int_type(L, 64), "");
    store_state(L, int_const(L, 64, (int64_t)L->insn_pc), L->r->offsets->pc, 8);
    LLVMValueRef v = asm_call(L, (uint64_t)(uintptr_t)L->r->helpers[in->imm].quick, arg);
    lower_alone_if(L, LLVMBuildICmp(L->b, LLVMIntEQ, v, int_const(L, 64, (int64_t)IR_NOT_QUICK), ""));
    if (is_int(in->type))
        L->v[i] = LLVMBuildTrunc(L->b, v, type_of(L, in->type), "");
}

/* the nearest PUT over the slot behind or in front of i */
static const struct ir_insn *put_over(const struct ir_block *b, const struct lower_slot *s, unsigned i, int step)
{
    for (unsigned k = i + (unsigned)step; k < b->n; k += (unsigned)step)
        if (b->insn[k].op == IR_PUT && overlaps(b->insn[k].imm, ir_type_size[b->insn[k].type], s->offset, 8))
            return &b->insn[k];
    return NULL;
}

/* Is the first operand of the instruction at i what the slot's low bytes hold there? */
static bool is_low_part(const struct ir_block *b, const struct lower_slot *s, unsigned i, const struct ir_insn *in)
{
    const struct ir_insn *p = put_over(b, s, i, -1), *v = &b->insn[in->arg[0]];
    if (v->op == IR_GET && v->imm == s->offset && v->type == in->type)
        return !p || p < v;
    if (!p || p->imm != s->offset)
        return false;
    if (p->type == in->type)
        return p->arg[0] == in->arg[0];
    const struct ir_insn *y = &b->insn[p->arg[0]];
    bool extended = y->op == IR_ZEXT || y->op == IR_SEXT;
    return v->op == IR_TRUNC && p->type == IR_I64 && (v->arg[0] == p->arg[0] || (extended && v->arg[0] == y->arg[0]));
}

/* A narrow operation on a slot's low bytes that is put back there is one instruction on x86, as long as LLVM does not see it as three. */
static bool low_operation(struct lower *L, unsigned i, const struct ir_insn *in)
{
    static const char *const names[IR_N_OPS] = { [IR_ADD] = "add", [IR_ADDF] = "add", [IR_SUB] = "sub", [IR_SUBF] = "sub", [IR_AND] = "and", [IR_ANDF] = "and",
                                                 [IR_OR] = "or", [IR_ORF] = "or", [IR_XOR] = "xor", [IR_XORF] = "xor" };
    const struct ir_insn *p = NULL;
    if (!asm_partial_registers || !names[in->op] || (in->type != IR_I8 && in->type != IR_I16))
        return false;
    for (unsigned k = i + 1; k < L->ir->n && !p; k++)
        if (L->ir->insn[k].op == IR_PUT && L->ir->insn[k].arg[0] == i)
            p = &L->ir->insn[k];
    struct lower_slot *s = p && p->type == in->type ? lower_slot_of(L, p->imm, 8) : NULL;
    if (!s || s->type != IR_I64 || p->imm != s->offset || put_over(L->ir, s, i, 1) != p || !is_low_part(L->ir, s, i, in))
        return false;
    LLVMValueRef a = L->v[in->arg[0]], c = L->v[in->arg[1]], old = LLVMBuildLoad2(L->b, int_type(L, 64), s->var, "");
    L->whole[i] = asm_low_operation(L, names[in->op], old, c);
    L->whole_put[i] = p;
    L->v[i] = LLVMBuildTrunc(L->b, L->whole[i], type_of(L, in->type), "");
    if (in->op == IR_ADDF || in->op == IR_SUBF)
        L->second[i] = in->op == IR_SUBF ? LLVMBuildICmp(L->b, LLVMIntULT, a, c, "") : LLVMBuildICmp(L->b, LLVMIntULT, L->v[i], a, "");
    if (ir_op_info[in->op].props & IR_P_FL)
        lower_flags(L, i, in);
    return true;
}

static void lower_insn(struct lower *L, unsigned i, const struct ir_insn *in)
{
    LLVMValueRef *v = &L->v[i];
    L->whole[i] = L->wide[i] = NULL;
    L->fault = may_fault(L->r, in) ? way_to_fault(L) : NULL;
    if (low_operation(L, i, in))
        return;
    switch (in->op) {
    case IR_INSN: return;
    case IR_CONST: *v = in->type == IR_VOID ? NULL : int_const(L, bits_of(in->type), in->imm); return;
    case IR_GET: *v = get(L, in); return;
    case IR_PUT: put(L, in); return;
    case IR_PUTF: lower_putf(L, in); return;
    case IR_LOAD: check_alignment(L, in); *v = load(L, i, type_of(L, in->type), in, guest_align(in)); return;
    case IR_STORE: check_alignment(L, in); store(L, L->v[in->arg[1]], L->v[in->arg[0]], guest_align(in)); return;
    case IR_VLOADL: *v = load_low(L, i, in); return;
    case IR_VSTOREL: store_low(L, in); return;
    case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: case IR_CAS: *v = atomic(L, in); return;
    case IR_FENCE: asm_fence(L, in->aux); return;
    case IR_PREFETCH: prefetch(L, in); return;
    case IR_CALL: call_quick(L, i, in); return;
    default: break;
    }
    *v = vector_known(L->ir, in) ? lower_vector(L, in) : asm_known(L->ir, in) ? asm_vector(L, in) : integer(L, i, in);
    if (ir_op_info[in->op].props & IR_P_FL)
        lower_flags(L, i, in);
}

/* --- blocks --- */

/* true: the block ends with it */
static bool lower_exit(struct lower *L, const struct llvm_block *b, const struct ir_insn *in)
{
    bool out;
    loop_poll(L, in);
    switch (in->op) {
    case IR_EXITIF: conditional(L, in); return false;
    case IR_EXIT: LLVMBuildBr(L->b, target_block(L, in, &out)); return true;
    case IR_EXITCALL: call(L, b, in); return true;
    default: indirect(L, b, in); return true;
    }
}

/* in front of the guest instruction at i */
static void poll(struct lower *L, unsigned i)
{
    uint64_t pc = i ? L->insn_pc : L->ir->guest_pc;
    LLVMBasicBlockRef next = new_block(L), poked = way_out(L, exit_to(L, pc, 0, LLVM_EXIT_LEAVE), poll_flags(L->ir, i), NULL);
    if (i == 0 && !asm_polls_last && loop_begin(L, poked))
        poked = L->run.poked;
    asm_poll(L, poked, next);
    LLVMPositionBuilderAtEnd(L->b, next);
    if (i == 0 && asm_polls_last)
        loop_begin(L, poked);
}

static void lower_block(struct lower *L, unsigned k, LLVMBasicBlockRef block)
{
    const struct ir_block *b = L->ir = L->r->blocks[k].ir;
    unsigned polls_at = L->polls[k] ? poll_place(b) : b->n;
    L->current = k;
    LLVMPositionBuilderAtEnd(L->b, block);
    halves_block(L);
    run_block(L);
    if (polls_at == 0)
        poll(L, 0);
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        if (in->op == IR_INSN) {
            if (!insn_known(L->r, b, i))
                L->why = "unknown operation";
            L->r->n_guest_insns++;
            L->way_to_fault = NULL;
        }
        L->insn_pc = in->op == IR_INSN ? (uint64_t)in->imm : L->insn_pc;
        if (i && i == polls_at)
            poll(L, i);
        run_see(L, i, in);
        if (!(ir_op_info[in->op].props & IR_P_T))
            lower_insn(L, i, in);
        else if (lower_exit(L, &L->r->blocks[k], in))
            return;
    }
    L->why = "block without end";
    LLVMBuildUnreachable(L->b);
}

/* Without vectors in it, a region leaves the host's vector registers alone: they need not pass through it (noimplicitfloat). */
static bool has_vectors(const struct llvm_region *r)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        for (unsigned i = 0; i < r->blocks[k].ir->n; i++) {
            const struct ir_insn *in = &r->blocks[k].ir->insn[i];
            if (in->type > IR_I64)
                return true;
        }
    return false;
}

static bool writes_flags(const struct llvm_region *r)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        for (unsigned i = 0; i < r->blocks[k].ir->n; i++)
            if (r->blocks[k].ir->insn[i].op == IR_PUTF)
                return true;
    return false;
}

static bool in_vector_slot(const struct llvm_region *r)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        for (unsigned i = 0; i < r->blocks[k].ir->n; i++) {
            const struct ir_insn *in = &r->blocks[k].ir->insn[i];
            for (unsigned s = 0; (in->op == IR_GET || in->op == IR_PUT) && s < r->n_slots; s++)
                if (r->slots[s].type == IR_V128 && overlaps(in->imm, ir_type_size[in->type], r->slots[s].offset, 16))
                    return true;
        }
    return false;
}

static void make_slots(struct lower *L)
{
    const struct llvm_region *r = L->r;
    L->vectors = has_vectors(r) || in_vector_slot(r);
    for (unsigned k = 0; k < r->n_slots && k < MAX_SLOTS; k++) {
        if (!L->vectors && r->slots[k].type != IR_I64)
            continue;
        struct lower_slot *s = &L->slot[L->n_slots++];
        *s = (struct lower_slot){ .offset = r->slots[k].offset, .type = r->slots[k].type };
        for (unsigned p = 0; p < r->n_pins; p++)
            if (r->pins[p].offset == s->offset)
                s->reg = r->pins[p].reg;
    }
    halves_find(L);
}

/* Is the first block reached again, after the cuts before what can't be lowered? */
static bool comes_back(const struct lower *L)
{
    unsigned n = L->r->n_blocks;
    bool reached[LLVM_MAX_BLOCKS] = { false }, changed = true;
    for (unsigned k = 0; k < n; k++)
        reached[k] = L->edge[k];
    while (changed) {
        changed = false;
        for (unsigned k = 0; k < n; k++)
            for (unsigned to = 0; to < n && reached[k]; to++)
                if (L->edge[k * n + to] && !reached[to])
                    reached[to] = changed = true;
    }
    return reached[0];
}

static void go_to_entry(struct lower *L)
{
    const struct llvm_region *r = L->r;
    if (r->n_entries == 1) {
        LLVMBuildBr(L->b, L->block[r->entry[0]]);
        return;
    }
    LLVMValueRef sw = LLVMBuildSwitch(L->b, L->selector, L->block[r->entry[0]], r->n_entries - 1);
    for (unsigned k = 1; k < r->n_entries; k++)
        LLVMAddCase(sw, int_const(L, 32, k), L->block[r->entry[k]]);
}

void naked_function(struct lower *L)
{
    static const char limit[] = "warn-stack-size", size[] = "4096";
    unsigned naked = LLVMGetEnumAttributeKindForName("naked", 5);
    _Static_assert(ASM_FRAME == 4096, "");
    LLVMAddAttributeAtIndex(L->fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(L->c, naked, 0));
    LLVMAddAttributeAtIndex(L->fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateStringAttribute(L->c, limit, sizeof limit - 1, size, sizeof size - 1));
}

int lower_region(struct lower *L)
{
    struct llvm_region *r = L->r;
    make_slots(L);
    L->flags_dirty = writes_flags(r);
    L->fn = LLVMAddFunction(L->m, "region", LLVMFunctionType(LLVMVoidTypeInContext(L->c), NULL, 0, 0));
    asm_function(L);
    LLVMPositionBuilderAtEnd(L->b, new_block(L));
    enter(L);
    L->block = calloc(r->n_blocks, sizeof *L->block);
    L->edge = calloc(r->n_blocks, r->n_blocks);
    if (!L->block || !L->edge || r->n_blocks > LLVM_MAX_BLOCKS)
        L->why = "no memory";
    for (unsigned k = 0; k < r->n_blocks && !L->why; k++)
        L->block[k] = new_block(L);
    if (!L->why)
        go_to_entry(L);
    if (!L->why)
        poll_find(L);
    for (unsigned k = 0; k < r->n_blocks && !L->why; k++)
        lower_block(L, k, L->block[k]);
    L->in_copy = true;
    for (unsigned k = 0; k < L->n_copies && !L->why; k++)
        lower_block(L, L->copy[k].number, L->copy[k].block);
    if (!L->why && r->loops_only && !comes_back(L))
        L->why = "no loop";
    halves_exits(L);
    for (unsigned k = 0; k < L->n_exits && !L->why; k++)
        leave(L, k, &L->exit[k]);
    free(L->block);
    free(L->edge);
    return L->why ? -1 : 0;
}
