/* SPDX-License-Identifier: GPL-2.0-or-later
 * polls.c: which blocks of a region poll (R3), and where in the block. Tier 1 polls in front of its ways back, indirect jumps and indirect calls.
 *
 * What must stay true:
 *  P1 no cycle of ways without a poll, within the region or through tier 1: what leaves the region forward may come to an entry without one if
 *     that lies behind; what leaves it backward polls on its way out (way_out)
 *  P2 the poll's own exit is in front of a guest instruction where the state is whole
 *
 * A poll late in the block, in front of the comparison, is the cheapest: the next round need not keep for it what this one has computed.
 */
#include <stdlib.h>
#include <string.h>
#include "llvm/lower.h"

enum { FEW = 2 /* ways back to one place: each polls by itself */ };

/* the address of the block's last guest instruction: what is not behind it is back */
static uint64_t last_pc(const struct ir_block *b)
{
    for (unsigned i = b->n; i-- > 0;)
        if (b->insn[i].op == IR_INSN)
            return (uint64_t)b->insn[i].imm;
    return b->guest_pc;
}

bool poll_goes_back(const struct ir_block *b, uint64_t target) { return target <= last_pc(b); }

/* --- all ways --- */

struct ways {
    struct lower *L;
    bool *way;                                   /* [from * n_blocks + to] */
    bool *back;                                  /* of these, those to an earlier address */
};

static void note_way(struct ways *w, unsigned from, uint64_t pc)
{
    const struct llvm_region *r = w->L->r;
    int to = lower_number_of(w->L, pc);
    if (to < 0)
        return;
    w->way[from * r->n_blocks + (unsigned)to] = true;
    w->back[from * r->n_blocks + (unsigned)to] |= poll_goes_back(r->blocks[from].ir, pc);
}

/* It leaves the region: at `pc`, then forward. */
static void note_out(struct ways *w, unsigned from, uint64_t pc)
{
    const struct llvm_region *r = w->L->r;
    for (unsigned e = 0; e < r->n_entries; e++)
        if (pc <= r->blocks[r->entry[e]].ir->guest_pc)
            w->way[from * r->n_blocks + r->entry[e]] = true;
}

static void note_exit(struct ways *w, unsigned from, const struct ir_insn *in)
{
    const struct llvm_block *b = &w->L->r->blocks[from];
    const struct ir_insn *insn = b->ir->insn;
    bool inside = lower_number_of(w->L, (uint64_t)in->imm) >= 0;
    switch (in->op) {
    case IR_EXIT: case IR_EXITIF:
        if (!inside && !poll_goes_back(b->ir, (uint64_t)in->imm))
            note_out(w, from, (uint64_t)in->imm);
        break;
    case IR_EXITCALL:
        if (!inside || b->outside)
            note_out(w, from, (uint64_t)insn[in->arg[0]].imm);
        break;
    case IR_EXITIND: case IR_EXITCALLI:
        w->L->polls[from] = true;
        note_out(w, from, 0);
        return;
    default: return;
    }
    note_way(w, from, (uint64_t)in->imm);
}

static void find_ways(struct ways *w)
{
    const struct llvm_region *r = w->L->r;
    for (unsigned from = 0; from < r->n_blocks; from++) {
        const struct llvm_block *b = &r->blocks[from];
        for (unsigned i = 0; i < b->ir->n; i++)
            note_exit(w, from, &b->ir->insn[i]);
        for (unsigned g = 0; g < b->n_guesses; g++)
            note_way(w, from, b->guess[g]);
    }
}

/* Each way back polls where it starts; where many lead to one place, it does. */
static void poll_on_ways_back(const struct ways *w)
{
    unsigned n = w->L->r->n_blocks;
    for (unsigned to = 0; to < n; to++) {
        unsigned many = 0;
        for (unsigned from = 0; from < n; from++)
            many += w->back[from * n + to];
        w->L->polls[to] |= many > FEW;
        for (unsigned from = 0; from < n && many <= FEW; from++)
            w->L->polls[from] |= w->back[from * n + to];
    }
}

/* --- those that are needed --- */

/* Does every cycle hold a poll? Blocks without one and without a way from another such block are taken away until none is left, or a cycle is. */
static bool all_poll(const struct lower *L, const bool *way)
{
    unsigned n = L->r->n_blocks, left = 0;
    bool gone[LLVM_MAX_BLOCKS], changed = true;
    for (unsigned k = 0; k < n; k++)
        left += !(gone[k] = L->polls[k]);
    while (changed) {
        changed = false;
        for (unsigned to = 0; to < n; to++) {
            bool reached = gone[to];
            for (unsigned from = 0; from < n && !reached; from++)
                reached = way[from * n + to] && !gone[from];
            if (!reached) {
                gone[to] = changed = true;
                left--;
            }
        }
    }
    return left == 0;
}

/* Of the polls on one cycle one is enough: the hottest go first. */
static void thin_out_polls(struct lower *L, const bool *way)
{
    bool tried[LLVM_MAX_BLOCKS] = { false };
    for (;;) {
        int best = -1;
        for (unsigned k = 0; k < L->r->n_blocks; k++)
            if (L->polls[k] && !tried[k] && (best < 0 || (L->r->weight && L->r->count[k] > L->r->count[best])))
                best = (int)k;
        if (best < 0)
            return;
        tried[best] = true;
        L->polls[best] = false;
        L->polls[best] = !all_poll(L, way);
    }
}

void poll_find(struct lower *L)
{
    unsigned n = L->r->n_blocks;
    struct ways w = { L, calloc(n, n), calloc(n, n) };
    if (w.way && w.back) {
        find_ways(&w);
        poll_on_ways_back(&w);
        if (all_poll(L, w.way))
            thin_out_polls(L, w.way);
    } else {
        memset(L->polls, true, sizeof L->polls);
    }
    free(w.way);
    free(w.back);
}

/* --- where in the block --- */

/* The last INSN in front of the exits with a whole state and no flags on their way to who reads them. Runs (runs.c) must not be torn apart. */
unsigned poll_place(const struct ir_block *b)
{
    unsigned i = 0, port = b->n;
    if (asm_look && run_has_floats(b))
        return 0;
    while (i < b->n && !(ir_op_info[b->insn[i].op].props & IR_P_T))
        i++;
    for (; i > 0; i--) {
        const struct ir_insn *in = &b->insn[i];
        if ((in->op == IR_COND || in->op == IR_PUTF) && in->arg[0] != IR_NONE && in->arg[0] < port)
            port = in->arg[0];
        if (in->op == IR_INSN && port > i && !(in->mod & IR_INSN_INEXACT))
            return i;
    }
    return 0;
}

/* IR_F_*: flags that are read from the state from there on */
unsigned poll_flags(const struct ir_block *b, unsigned i)
{
    unsigned read = 0, written = 0;
    if (i == 0)
        return b->flags_in;
    for (; i < b->n; i++) {
        const struct ir_insn *in = &b->insn[i];
        unsigned props = ir_op_info[in->op].props, now = 0;
        if (in->op == IR_PUTF)
            written |= in->aux;
        else if (in->op == IR_COND)
            now = in->arg[0] == IR_NONE ? ir_cc_reads((enum ir_cc)in->aux) : 0;
        else if (in->op == IR_EXIT || in->op == IR_EXITIF || in->op == IR_EXITCALL)
            now = in->lane;
        else if (in->op == IR_GETF || props & (IR_P_T | IR_P_RDF))
            now = IR_F_ALL;
        read |= now & ~written;
    }
    return read;
}
