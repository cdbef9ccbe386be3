/* SPDX-License-Identifier: GPL-2.0-or-later
 * emit_exit.c: how a block is left, and calls of helpers. Every patchable jump has a displacement that lies within eight aligned bytes, so
 * that one store redirects it while others run the code. Its stub stands behind the block and names itself by rax.
 *
 * Registers at exits: rcx = guest target of indirect jumps and returns; rax and EFLAGS are free.
 */
#include "host/x86_64/emit.h"
#include "ir/helpers.h"

/* --- the side map --- */

static void add_map(struct emitter *e, uint32_t offset, unsigned flags)
{
    struct host_code *c = e->code;
    const struct host_map *last = c->n_map ? &c->map[c->n_map - 1] : NULL;
    uint8_t sum = (uint8_t)(e->stack_add / STACK_UNIT) & IR_F_ALL;       /* `live` is ours: EFLAGS never hold flags of the state at a map's place */
    if (last && last->offset == offset && last->pc == e->pc && last->flags == flags && last->live == sum)
        return;
    if (c->n_map == HOST_MAX_MAP) {
        e->error = -1;
        return;
    }
    c->map[c->n_map++] = (struct host_map){ .offset = offset, .flags = (uint8_t)flags, .live = sum, .pc = e->pc };
}

void need_map(struct emitter *e)
{
    if (!e->mapped)
        add_map(e, e->insn_offset, 0);
    e->mapped = true;
}

void map_here(struct emitter *e)
{
    need_map(e);
    add_map(e, asm_offset(&e->a), e->map_flags);
}

/* At a guest instruction's start the state is exact, and nobody waits for EFLAGS (emit.c has looked for such a place). */
void emit_poll(struct emitter *e)
{
    unsigned r = scratch_free(e, RAX) ? RAX : RCX;
    evict_scratch(e, r);
    add_map(e, asm_offset(&e->a), HOST_MAP_POLL);
    asm_load(&e->a, 4, r, at_state((int32_t)e->o->poll_page));
    e->insn_offset = asm_offset(&e->a);
}

/* --- patchable jumps --- */

static struct host_exit *add_exit(struct emitter *e, enum host_exit_kind kind, uint64_t target)
{
    static struct host_exit none;
    struct host_code *c = e->code;
    if (c->n_exits == HOST_MAX_EXITS) {
        e->error = -1;
        return &none;
    }
    struct host_exit *x = &c->exits[c->n_exits++];
    *x = (struct host_exit){ .patch = asm_offset(&e->a), .target = target, .kind = (uint8_t)kind };
    return x;
}

/* how many bytes to skip so that a displacement behind `lead` bytes does not cross eight aligned bytes */
static unsigned patch_padding(const struct emitter *e, unsigned lead)
{
    unsigned at = (unsigned)(asm_here(&e->a) + lead) & 7;
    return at > 4 ? 8 - at : 0;
}

static void jump(struct emitter *e, unsigned byte, enum host_exit_kind kind, uint64_t target)
{
    give_back(e);
    flush_stack(e);
    asm_nops(&e->a, patch_padding(e, 1));
    add_exit(e, kind, target);
    asm_u8(&e->a, byte);
    asm_u32(&e->a, 0);
}
enum { JMP = 0xe9, CALL = 0xe8, RET = 0xc3 };

/* The padding goes before the compare: processors fuse it with the jump only when they touch. */
static void jump_if(struct emitter *e, enum cc cc, enum host_exit_kind kind, uint64_t target)
{
    give_back(e);
    flush_stack(e);
    unsigned n = patch_padding(e, 2);
    if (n && e->fuse && e->fuse_end == e->a.p) {
        uint8_t *from = e->fuse;
        size_t size = (size_t)(e->a.p - from);
        memmove(from + n, from, size);
        e->a.p = from;
        asm_nops(&e->a, n);
        e->a.p += size;
    } else
        asm_nops(&e->a, n);
    add_exit(e, kind, target);
    asm_u16(&e->a, 0x800fu | (unsigned)cc << 8);
    asm_u32(&e->a, 0);
}

/* the place that a guest call returns to: is it what the caller pushed? */
static void landing(struct emitter *e, ir_ref to)
{
    int64_t pc = 0;
    if (!is_const(e, to, &pc))
        fail(e, "call without constant return address");
    if (!fits_i32(pc))
        asm_mov_imm(&e->a, RAX, (uint64_t)pc);
    e->fuse = e->a.p;
    if (fits_i32(pc))
        asm_alu_ri(&e->a, ALU_CMP, 8, RCX, (int32_t)pc);
    else
        asm_alu_rr(&e->a, ALU_CMP, 8, RCX, RAX);
    e->fuse_end = e->a.p;
    jump_if(e, CC_E, HOST_EXIT_LANDING, (uint64_t)pc);
    asm_jmp(&e->a, e->env->stubs.others[STUB_RET_MISMATCH]);
}

static void trap(struct emitter *e, const struct ir_insn *in)
{
    flush_stack(e);
    asm_mov_imm(&e->a, RAX, (uint64_t)in->imm);
    asm_mov_imm(&e->a, RCX, HOST_R_TRAP + (uint64_t)in->aux);
    asm_jmp(&e->a, e->env->stubs.others[STUB_EXIT_TRAP]);
}

/* The target wants flags that nobody else does: jump to where they are stored, behind the block. */
static void jump_sunk(struct emitter *e, enum cc cc, unsigned mask, ir_ref putf, uint64_t target)
{
    give_back(e);
    flush_stack(e);
    asm_jcc(&e->a, cc, 0);
    e->sunk[e->n_sunk].at = asm_offset(&e->a) - 4;
    e->sunk[e->n_sunk].target = target;
    e->sunk[e->n_sunk].putf = putf;
    e->sunk[e->n_sunk++].mask = (uint8_t)mask;
}

void emit_sunk_flags(struct emitter *e)
{
    struct asm_buf *a = &e->a;
    for (unsigned k = 0; k < e->n_sunk; k++) {
        if ((size_t)(a->end - a->p) < ASM_MARGIN) {
            e->error = -1;
            return;
        }
        uint8_t *at = a->start + e->sunk[k].at;
        uint32_t displacement = (uint32_t)(a->p - (at + 4));
        memcpy(at, &displacement, 4);
        emit_putf_sunk(e, insn(e, e->sunk[k].putf), e->sunk[k].mask);
        jump(e, JMP, HOST_EXIT_DIRECT, e->sunk[k].target);
    }
}

static void exit_if(struct emitter *e, const struct ir_insn *in)
{
    const struct value *v = &e->v[e->i];
    int64_t c;
    bool sunk = v->sunk && e->n_sunk < MAX_SUNK && insn(e, v->put)->arg[0] == e->owner;
    if (v->sunk && !sunk)
        emit_putf(e, insn(e, v->put));
    flush_stack(e);
    if (sunk) {
        enum cc cc = flags_for(e, in->arg[0]);
        jump_sunk(e, cc, v->sunk, v->put, (uint64_t)in->imm);
    } else if (!is_const(e, in->arg[0], &c))
        jump_if(e, flags_for(e, in->arg[0]), HOST_EXIT_DIRECT, (uint64_t)in->imm);
    else if (c & 1)
        jump(e, JMP, HOST_EXIT_DIRECT, (uint64_t)in->imm);
}

bool emit_exit(struct emitter *e, const struct ir_insn *in)
{
    bool stack = e->env->return_stack;
    switch (in->op) {
    case IR_EXIT:
        jump(e, JMP, HOST_EXIT_DIRECT, (uint64_t)in->imm);
        break;
    case IR_EXITIF:
        exit_if(e, in);
        break;
    case IR_EXITIND:
        gpr_in(e, in->arg[0], RCX);
        jump(e, JMP, HOST_EXIT_INDIRECT, 0);
        break;
    case IR_EXITCALL:
        jump(e, stack ? CALL : JMP, HOST_EXIT_CALL, (uint64_t)in->imm);
        if (stack)
            landing(e, in->arg[0]);
        break;
    case IR_EXITCALLI:
        gpr_in(e, in->arg[0], RCX);
        jump(e, stack ? CALL : JMP, HOST_EXIT_INDIRECT, 0);
        if (stack)
            landing(e, in->arg[1]);
        break;
    case IR_EXITRET:
        gpr_in(e, in->arg[0], RCX);
        give_back(e);
        flush_stack(e);
        stack ? asm_u8(&e->a, RET) : asm_jmp(&e->a, e->env->stubs.lookup);
        break;
    case IR_TRAP:
        trap(e, in);
        break;
    default:
        return false;
    }
    return true;
}

/* What unlinked exits run into. A direct one's is seldom run: lea rax, [data]; jmp. Behind all of them the data: distance to the patch place,
 * target. An indirect one's looks the target up, each for itself, for the branch predictor. */
void emit_exit_stubs(struct emitter *e)
{
    enum { STUB_SIZE = 96 };                            /* at most, with its data */
    struct host_code *c = e->code;
    struct asm_buf cold = { c->cold.rw, c->cold.rw, c->cold.rw + c->cold.capacity, c->cold.rx };
    bool apart = c->cold.capacity >= c->n_exits * (size_t)STUB_SIZE;
    struct asm_buf *direct = apart ? &cold : &e->a;
    if ((size_t)(e->a.end - e->a.p) < ASM_MARGIN + (size_t)c->n_exits * STUB_SIZE) {
        e->error = -1;
        return;
    }
    uint8_t *lea_end[HOST_MAX_EXITS];
    for (unsigned k = 0; k < c->n_exits; k++) {
        struct host_exit *x = &c->exits[k];
        bool indirect = x->kind == HOST_EXIT_INDIRECT;
        struct asm_buf *a = indirect ? &e->a : direct;
        uint64_t stub = asm_here(a), patch = c->rx + x->patch;
        x->stub = (int32_t)(stub - c->rx);
        if (indirect) {
            uint8_t *miss = x64_emit_lookup(a, e->o);
            asm_here_short(a, miss);
        }
        asm_lea(a, 8, RAX, at_rip(patch));
        lea_end[k] = a->p;
        asm_jmp(a, e->env->stubs.others[indirect ? STUB_EXIT_INDIRECT : STUB_EXIT_LINK]);
        x64_link(e->a.start + x->patch, patch, stub);
    }
    for (unsigned k = 0; k < c->n_exits; k++) {
        const struct host_exit *x = &c->exits[k];
        if (x->kind == HOST_EXIT_INDIRECT)
            continue;
        uint32_t displacement = (uint32_t)(direct->p - lea_end[k]);
        memcpy(lea_end[k] - 4, &displacement, 4);
        asm_u32(direct, (uint32_t)(asm_here(direct) - (c->rx + x->patch)));
        asm_u64(direct, x->target);
    }
    c->cold.size = asm_offset(&cold);
}

void x64_link(uint8_t *patch_rw, uint64_t patch_rx, uint64_t to)
{
    typedef volatile uint32_t __attribute__((aligned(1))) displacement_field;
    unsigned lead = patch_rw[0] == 0x0f ? 2 : 1;
    uint32_t displacement = (uint32_t)(to - (patch_rx + lead + 4));
    *(displacement_field *)(patch_rw + lead) = displacement;      /* within eight aligned bytes: one store, never torn */
}

/* --- helpers --- */

static void store_argument(struct emitter *e, ir_ref r, int32_t at)
{
    const struct ir_insn *in = insn(e, r);
    unsigned size = type_size(in->type);
    uint32_t pins = e->pins;
    int64_t c;
    if (is_const(e, r, &c)) {
        uint64_t bits = size >= 8 ? (uint64_t)c : (uint64_t)c & ((1ull << size * 8) - 1);
        if (fits_i32((int64_t)bits)) {
            asm_store_imm(&e->a, 8, at_state(at), (int32_t)bits);
            return;
        }
    }
    unsigned reg = gpr_of(e, r);
    if (size < 8 && !(e->v[r].where == IN_GPR && e->v[r].clean)) {
        unsigned t = alloc_gpr(e);
        asm_movzx_rr(&e->a, size, t, reg);
        reg = t;
    }
    asm_store(&e->a, 8, at_state(at), reg);
    e->pins = pins;
}

static void store_pc(struct emitter *e)
{
    struct asm_mem pc = at_state((int32_t)e->o->pc);
    if (fits_i32((int64_t)e->pc)) {
        asm_store_imm(&e->a, 8, pc, (int32_t)e->pc);
        return;
    }
    asm_mov_imm(&e->a, RAX, e->pc);
    asm_store(&e->a, 8, pc, RAX);
}

/* --- REP MOVS and REP STOS: the processor's own, upwards and not so long that a signal would wait --- */

enum { MOST_ELEMENTS = 1 << 16 };

/* bytes of an element, 0: the helper does it */
static unsigned repeated_size(const struct emitter *e, const struct ir_insn *in, const struct ir_helper *h)
{
    const struct x64_map *map = e->map;
    int64_t size, base;
    if (!(h->effects & (IR_H_MOVS | IR_H_STOS)) || !is_const(e, in->arg[0], &size) || !is_const(e, in->arg[1], &base) || base || size > 8)
        return 0;
    bool in_place = map->count_reg != NO_REG && map->value_reg != NO_REG;
    for (unsigned k = 0; k < map->n_slots; k++)
        for (unsigned r = RSI; r <= RDI; r++)
            if (map->slots[k].name && !strcmp(map->slots[k].name, r == RSI ? "rsi" : "rdi"))
                in_place &= map->offset[r] == map->slots[k].offset;
    return in_place ? (unsigned)size : 0;
}

/* All is in its place as for the helper. Where to go on is patched into what it returns; what follows is for the rest. */
static uint8_t *repeat_here(struct emitter *e, unsigned size, bool stos)
{
    struct asm_buf *a = &e->a;
    asm_alu_mi(a, ALU_CMP, 1, at_state((int32_t)e->o->down), 0, false);
    uint8_t *down = asm_jcc_short(a, CC_NE);
    asm_alu_ri(a, ALU_CMP, 8, e->map->count_reg, MOST_ELEMENTS);
    uint8_t *far = asm_jcc_short(a, CC_A);
    if (stos)
        asm_mov_rr(a, 8, RAX, e->map->value_reg);
    asm_mov_rr(a, 8, RCX, e->map->count_reg);
    add_map(e, asm_offset(a), MAP_COUNT_IN_RCX);
    if (size == 2)
        asm_u8(a, 0x66);
    asm_u8(a, 0xf3);
    if (size == 8)
        asm_u8(a, 0x48);
    asm_u8(a, (stos ? 0xaa : 0xa4) | (size > 1));
    add_map(e, asm_offset(a), 0);
    asm_mov_rr(a, 8, e->map->count_reg, RCX);
    asm_alu_rr(a, ALU_XOR, 4, RAX, RAX);                 /* finished */
    uint8_t *done = asm_jmp_short(a);
    asm_here_short(a, down);
    asm_here_short(a, far);
    return done;
}

void call_c(struct emitter *e, const struct ir_insn *in, const struct ir_helper *h)
{
    unsigned repeated = repeated_size(e, in, h);
    uint8_t *done = NULL;
    need_map(e);
    for (unsigned k = 0; k < 4 && !repeated; k++)
        if (in->arg[k] != IR_NONE)
            store_argument(e, in->arg[k], spill_at(e, SPILL_ARGS + k * 8));
    give_back(e);
    clobber(e);
    flush_stack(e);
    spill_all(e);
    give_back(e);
    if (repeated)
        done = repeat_here(e, repeated, h->effects & IR_H_STOS);
    for (unsigned k = 0; k < 2 && repeated; k++)          /* constants */
        store_argument(e, in->arg[k], spill_at(e, SPILL_ARGS + k * 8));
    if (!(h->effects & IR_H_PURE))
        store_pc(e);
    asm_mov_imm(&e->a, RAX, (uint64_t)(h->quick ? (uintptr_t)(e->env->helpers + in->imm) : (uintptr_t)h->fn));
    unsigned stub = h->quick ? STUB_CALL_QUICK : h->effects & IR_H_PURE ? STUB_CALL_PURE : h->effects & IR_H_FPCR ? STUB_CALL_FPCR : STUB_CALL;
    asm_u8(&e->a, CALL);
    asm_u32(&e->a, (uint32_t)(e->env->stubs.others[stub] - (asm_here(&e->a) + 4)));
    if (done)
        asm_here_short(&e->a, done);
    if (is_gpr_type(in->type) && e->v[e->i].uses)
        settle(e, (ir_ref)e->i, RAX, in->type == IR_I64);
}

void emit_call(struct emitter *e, const struct ir_insn *in)
{
    if ((uint64_t)in->imm >= ir_n_helpers)
        fail(e, "helper");
    else
        call_c(e, in, &ir_helpers[in->imm]);
}
