/* SPDX-License-Identifier: GPL-2.0-or-later
 * lockstep_region.c: tier 2's regions beside the interpreter. A region may go round for long, so it is made to leave soon: its polls fault, and the
 * second one is its way out. The interpreter goes ahead alone, one instruction at a time, further than the region can come, and is undone; then the
 * region's code runs; then the interpreter again, until it is where the code has left: same pc, same registers, same memory. If it never is, that is
 * the difference.
 *
 * Where the interpreter can't go ahead (a helper that reads clocks or writes unseen, a full log) and has not met the code before, the code's run
 * stands, not compared. What other threads write meanwhile shows as differences.
 */
#include <stdlib.h>
#include <string.h>
#include "engine/lockstep.h"
#include "guest/lift.h"
#include "host/context.h"

enum { PASSED = 1 /* polls */, MOST_AHEAD = 4096, KEPT = 1024 /* instructions */ };

static __thread struct walk {
    unsigned left;                             /* polls to pass */
    unsigned undefined;                        /* IR_F_*: flags that the instructions so far leave undefined */
    uint32_t epoch;                            /* of what is kept */
    struct ir_block *kept[KEPT], lifted;
} *walk;

/* Polls are loads whose value nobody uses: it goes on behind. */
bool lockstep_passes_poll(struct cpu *cpu, uint64_t host_pc, void *ucontext)
{
    if (!engine.cfg.lockstep || !walk || !walk->left || !(block_flags(block_of_code(host_pc)) & BLOCK_REGION))
        return false;
    walk->left--;
    char text[160];
    size_t length = engine.host->disassemble((const uint8_t *)host_pc, host_pc, text, sizeof text);
    host_context_set_pc(ucontext, host_pc + length);
    return length > 0;
}

static void note_undefined(const struct ir_block *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        const struct ir_insn *x = &b->insn[i];
        if (x->op == IR_PUTF)
            walk->undefined = (walk->undefined & ~x->aux) | (x->aux & lockstep_undefined_flags(b, &b->insn[x->arg[0]]));
    }
}

/* Lifting takes longer than interpreting, and loops come again: what was lifted is kept until something is invalidated. */
static void forget_kept(void)
{
    uint32_t epoch = __atomic_load_n(&engine.epoch, __ATOMIC_SEQ_CST);
    for (unsigned k = 0; k < KEPT && epoch != walk->epoch; k++) {
        free(walk->kept[k]);
        walk->kept[k] = NULL;
    }
    walk->epoch = epoch;
}

/* The instruction at pc, or NULL: not one that can be repeated */
static const struct ir_block *lifted(struct cpu *cpu, uint64_t pc)
{
    struct ir_block **kept = &walk->kept[(pc * 0x9e3779b97f4a7c15ull >> 32) % KEPT];
    forget_kept();
    if (*kept && (*kept)->guest_pc == pc)
        return *kept;
    if (translate_single(cpu, pc, &walk->lifted) != TRANSLATE_OK || !lockstep_comparable(&walk->lifted) || walk->lifted.insn[walk->lifted.n - 1].op == IR_TRAP)
        return NULL;
    size_t size = offsetof(struct ir_block, insn) + walk->lifted.n * sizeof(struct ir_insn);
    struct ir_block *copy = malloc(size);
    if (!copy)
        return &walk->lifted;
    memcpy(copy, &walk->lifted, size);
    free(*kept);
    return *kept = copy;
}

/* One instruction of the interpreter's. False: not this one */
static bool advance(struct cpu *cpu, bool logged)
{
    const struct ir_block *b = lifted(cpu, cpu->state.pc);
    if (!b || (logged && !lockstep_has_room()))
        return false;
    note_undefined(b);
    return (logged ? interp_run_logged(cpu, b, lockstep_before_write) : interp_run(cpu, b)) < 0;
}

static bool same(const struct x86_state *want, const struct x86_state *got, bool quiet)
{
    if (want->pc != got->pc)
        return false;
    uint64_t flags = lockstep_flag_bits(translate_live_flags(got->pc) & ~walk->undefined);
    return lockstep_compare_state(want, got, flags, quiet) + lockstep_compare_memory("code", "interpreter", quiet) == 0;
}

/* The interpreter from `before` on, `most` instructions at most. Did it meet the code? Else the places where the pc was the same are shown, if asked. */
static bool follow(struct cpu *cpu, const struct x86_state *before, const struct x86_state *got, unsigned most, bool quiet)
{
    cpu->state = *before;
    walk->undefined = 0;
    for (unsigned n = 0;; n++) {
        if (!quiet && cpu->state.pc == got->pc)
            fprintf(stderr, " after %u instructions:\n", n);
        if (same(&cpu->state, got, quiet))
            return true;
        if (n == most || !advance(cpu, false))
            return false;
    }
}

static void report(struct cpu *cpu, struct block *b, const struct x86_state *before, const struct x86_state *got, unsigned most)
{
    fprintf(stderr, "wherry: lock step: the region at 0x%llx (block %u) differs; it was left at 0x%llx\n", (unsigned long long)b->pc, block_number(b),
            (unsigned long long)got->pc);
    lockstep_reset();
    follow(cpu, before, got, most, false);
    log_file = stderr;
    log_state(before);
    log_host_code(b);
    abort();
}

/* How far the interpreter gets; all of it is undone, but for a fault, which is the guest's. A way back to the entry has a poll (twice its
 * address may be passed on one, where blocks overlap): with more of them than are passed the code has left. *enough: the code can't get further. */
static unsigned go_ahead(struct cpu *cpu, uint64_t entry, unsigned most, bool *enough)
{
    unsigned n = 0, back = 0;
    walk->undefined = 0;
    while (n < most && back <= 2 * PASSED + 1 && advance(cpu, true)) {
        n++;
        back += cpu->state.pc == entry;
    }
    *enough = n == most || back > 2 * PASSED + 1;
    lockstep_undo();
    return n;
}

static uint64_t run_code(struct cpu *cpu, struct block *b)
{
    walk->left = PASSED;
    cpu_poke(cpu);
    uint64_t reason = engine_enter(cpu, block_entry(b));
    walk->left = 0;
    cpu_repair_poll(cpu);
    return reason;
}

bool lockstep_run_region(struct cpu *cpu, struct block *b, uint64_t *reason)
{
    struct x86_state before = cpu->state, got;
    unsigned most = (PASSED + 2) * b->n_insns + 16;
    if (!walk)
        walk = calloc(1, sizeof *walk);
    if (!walk || !lockstep_begin()) {
        cpu->stats[STAT_UNCOMPARED]++;
        *reason = engine_enter(cpu, block_entry(b));
        return true;
    }
    most = most < MOST_AHEAD ? most : MOST_AHEAD;          /* larger regions have no way that long between two polls */
    bool enough;
    unsigned n = go_ahead(cpu, b->pc, most, &enough);
    cpu->state = before;
    *reason = run_code(cpu, b);
    if (engine_cpu(cpu)->leave_kind != LEAVE_NONE)
        return true;
    got = cpu->state;
    if (*reason == HOST_R_TRAP + IR_TRAP_REDO)
        got.pc = cpu->exit_target;
    lockstep_undo();
    bool met = follow(cpu, &before, &got, n, true);
    if (!met && enough)
        report(cpu, b, &before, &got, n);
    if (!met)
        lockstep_put_back();
    cpu->stats[met ? STAT_COMPARED : STAT_UNCOMPARED]++;
    cpu->state = got;
    return true;
}
