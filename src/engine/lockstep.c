/* SPDX-License-Identifier: GPL-2.0-or-later
 * lockstep.c: run each block in the interpreter first, undo what it wrote, run the block's code, and stop at the first difference in
 * registers, in the flags that the exit's target reads, or in the memory that the interpreter wrote.
 *
 * Blocks that call helpers are run by their code alone: helpers read clocks and write memory unseen. A block that faults
 * in the interpreter is left there, exact. So is one that writes more than the log holds. Tier 2's regions are lockstep_region.c's.
 */
#include <stdlib.h>
#include <string.h>
#include "engine/lockstep.h"
#include "ir/helpers.h"

enum { MAX_WRITES = 1024, MAX_WRITE = 16, INSN_WRITES = 32 /* of an instruction at most */ };

struct write { uint64_t addr; uint32_t size; uint8_t old[MAX_WRITE], new[MAX_WRITE]; };
static __thread struct { unsigned n; bool full; struct write w[MAX_WRITES]; } *writes;    /* a thread that starts would clear the whole */

static void peek(void *to, uint64_t addr, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        ((uint8_t *)to)[i] = *(volatile uint8_t *)ir_mem_at(addr + i, 1, false);
}

static void poke(uint64_t addr, const void *from, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        *(volatile uint8_t *)ir_mem_at(addr + i, 1, true) = ((const uint8_t *)from)[i];
}

void lockstep_before_write(void *state, uint64_t addr, unsigned size)
{
    uint8_t old[MAX_WRITE];
    if (writes->n == MAX_WRITES || size > MAX_WRITE) {
        writes->full = true;
        return;
    }
    peek(old, addr, size);                         /* a bad address faults here, as the write would */
    struct write *w = &writes->w[writes->n];
    w->addr = addr;
    w->size = size;
    memcpy(w->old, old, size);
    writes->n++;
}

bool lockstep_comparable(const struct ir_block *b)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->insn[i].op == IR_CALL && !(ir_helpers[b->insn[i].imm].effects & IR_H_PURE))
            return false;
    return true;
}

void lockstep_reset(void)
{
    for (unsigned i = writes->n; i-- > 0;)
        poke(writes->w[i].addr, writes->w[i].old, writes->w[i].size);
}

void lockstep_undo(void)
{
    for (unsigned i = 0; i < writes->n; i++)
        peek(writes->w[i].new, writes->w[i].addr, writes->w[i].size);
    lockstep_reset();
}

void lockstep_put_back(void)
{
    for (unsigned i = 0; i < writes->n; i++)
        poke(writes->w[i].addr, writes->w[i].new, writes->w[i].size);
}

/* Flags of the operation's port that the SDM leaves undefined, or that ops.def calls not meaningful. */
unsigned lockstep_undefined_flags(const struct ir_block *b, const struct ir_insn *x)
{
    const struct ir_insn *count = x->arg[1] == IR_NONE ? NULL : &b->insn[x->arg[1]];
    bool by_one = count && count->op == IR_CONST && (count->imm & 31) == 1;
    switch (x->op) {
    case IR_UMULF: case IR_SMULF: return IR_F_S | IR_F_Z | IR_F_A | IR_F_P;
    case IR_SHLF: case IR_SHRF: case IR_SARF:
        return IR_F_A | (by_one ? 0 : IR_F_O) | (x->type <= IR_I16 && !(count && count->op == IR_CONST) ? IR_F_C : 0);
    case IR_ROLF: case IR_RORF: case IR_RCLF: case IR_RCRF: return by_one ? 0 : IR_F_O;
    case IR_SHLDF: case IR_SHRDF: return x->type == IR_I16 ? IR_F_ALL : IR_F_A | IR_F_O;
    case IR_BTF: return IR_F_ALL & ~IR_F_C;
    case IR_INCF: case IR_DECF: return IR_F_C;
    default: return 0;
    }
}

uint64_t lockstep_flag_bits(unsigned mask)
{
    static const uint16_t bit[6] = { IR_FLAG_C, IR_FLAG_P, IR_FLAG_A, IR_FLAG_Z, IR_FLAG_S, IR_FLAG_O };
    uint64_t word = 0;
    for (unsigned i = 0; i < 6; i++)
        if (mask & 1u << i)
            word |= bit[i];
    return word;
}

/* Flags that the state must hold at pc after the block: what every exit to pc promises, but for undefined ones. */
static uint64_t promised_flags(const struct ir_block *b, uint64_t pc)
{
    unsigned mask = IR_F_ALL, undefined = 0;
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *x = &b->insn[i];
        bool direct = x->op == IR_EXIT || x->op == IR_EXITIF || x->op == IR_EXITCALL;
        if (x->op == IR_PUTF)
            undefined = (undefined & ~x->aux) | (x->aux & lockstep_undefined_flags(b, &b->insn[x->arg[0]]));
        else if (direct && (uint64_t)x->imm == pc)
            mask &= x->lane & ~undefined;
        else if (i + 1 == b->n && !direct)
            mask &= ~undefined;
    }
    return lockstep_flag_bits(mask);
}

static __thread bool silent;

static unsigned differ64(const char *name, unsigned i, uint64_t want, uint64_t got)
{
    if (want == got)
        return 0;
    if (silent)
        return 1;
    fprintf(stderr, "  %s%-2u interpreter %016llx, code %016llx\n", name, i, (unsigned long long)want, (unsigned long long)got);
    return 1;
}

unsigned lockstep_compare_state(const struct x86_state *want, const struct x86_state *got, uint64_t flags, bool quiet)
{
    silent = quiet;
    unsigned n = differ64("pc", 0, want->pc, got->pc) + differ64("flags", 0, want->flags & flags, got->flags & flags);
    for (unsigned i = 0; i < 16; i++)
        n += differ64("gpr", i, want->gpr[i], got->gpr[i]);
    for (unsigned i = 0; i < 16; i++)
        n += differ64("xmm.low", i, want->zmm[i].u64[0], got->zmm[i].u64[0]) + differ64("xmm.high", i, want->zmm[i].u64[1], got->zmm[i].u64[1]);
    n += differ64("mxcsr", 0, want->mxcsr, got->mxcsr) + differ64("df", 0, want->df, got->df);
    if (memcmp(want->st, got->st, sizeof want->st)) {
        if (!quiet)
            fprintf(stderr, "  x87 registers differ\n");
        n++;
    }
    return n;
}

unsigned lockstep_compare_memory(const char *new_is, const char *now_is, bool quiet)
{
    unsigned n = 0;
    for (unsigned i = 0; i < writes->n; i++) {
        const struct write *w = &writes->w[i];
        uint8_t now[MAX_WRITE];
        peek(now, w->addr, w->size);
        if (!memcmp(w->new, now, w->size))
            continue;
        n++;
        if (quiet)
            continue;
        fprintf(stderr, "  memory at 0x%llx (%u bytes): %s", (unsigned long long)w->addr, w->size, new_is);
        for (unsigned k = 0; k < w->size; k++)
            fprintf(stderr, " %02x", w->new[k]);
        fprintf(stderr, ", %s", now_is);
        for (unsigned k = 0; k < w->size; k++)
            fprintf(stderr, " %02x", now[k]);
        fprintf(stderr, "\n");
    }
    return n;
}

static void report(struct block *b, const struct ir_block *ir, const struct x86_state *before)
{
    fprintf(stderr, "wherry: lock step: the block at 0x%llx (block %u) differs\n", (unsigned long long)b->pc, block_number(b));
    log_file = stderr;
    log_state(before);
    log_guest_code(ir);
    ir_print(stderr, ir);
    log_host_code(b);
    abort();
}

bool lockstep_begin(void)
{
    if (!writes)
        writes = calloc(1, sizeof *writes);
    if (!writes)
        return false;
    writes->n = 0;
    writes->full = false;
    return true;
}

bool lockstep_has_room(void) { return writes->n + INSN_WRITES <= MAX_WRITES; }

/* True: *reason is what the code came back with. False: the interpreter's run stands, *reason is a host_reason for it. */
bool lockstep_run(struct cpu *cpu, struct block *b, uint64_t *reason)
{
    const struct ir_block *ir = block_flags(b) & BLOCK_REGION ? NULL : block_ir(b);
    struct x86_state before = cpu->state, want;
    if (block_flags(b) & BLOCK_REGION)
        return lockstep_run_region(cpu, b, reason);
    if (!lockstep_begin() || !lockstep_comparable(ir)) {
        cpu->stats[STAT_UNCOMPARED]++;
        *reason = engine_enter(cpu, block_entry(b));
        return true;
    }
    int r = interp_run_logged(cpu, ir, lockstep_before_write);
    if (writes->full) {
        cpu->stats[STAT_UNCOMPARED]++;
        *reason = r < 0 ? (uint64_t)HOST_R_LINK : HOST_R_TRAP + (unsigned)r;
        return false;
    }
    want = cpu->state;
    lockstep_undo();
    cpu->state = before;
    *reason = engine_enter(cpu, block_entry(b));
    if (engine_cpu(cpu)->leave_kind == LEAVE_POLL || engine_cpu(cpu)->leave_kind == LEAVE_VIEW)     /* it stopped on its way, exact */
        return true;
    if (*reason == HOST_R_HOT)                                                       /* it has not begun */
        return true;
    cpu->stats[STAT_COMPARED]++;
    unsigned differences = lockstep_compare_state(&want, &cpu->state, promised_flags(ir, want.pc), false) + lockstep_compare_memory("interpreter", "code", false);
    if (r >= 0 && *reason != HOST_R_TRAP + (unsigned)r) {
        fprintf(stderr, "  interpreter: trap %d, code: reason %llu\n", r, (unsigned long long)*reason);
        differences++;
    }
    if (differences)
        report(b, ir, &before);
    return true;
}
