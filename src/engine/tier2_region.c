/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_region.c: which blocks make a region. From the hot block everything that has run is collected, breadth first, through direct calls and
 * through the indirect jumps whose targets tier 1's inline caches know. What is kept is what the hot block is reached from again.
 *
 * The graph has calls and returns in it: a call whose callee is kept leads there, and the callee's returns lead to the places behind its
 * calls (whichever of them, so a return compares). A call whose callee is not kept leaves the region; the place behind it is an entry.
 */
#include <stdlib.h>
#include <string.h>
#include "engine/tier2.h"

/* --- collecting --- */

static int find(const struct region *r, uint64_t pc)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        if (r->block[k]->guest_pc == pc)
            return (int)k;
    return -1;
}

/* The live blocks of tier 1 whose guest bytes hold pc: `visit` until it returns true. */
static bool each_block_over(uint64_t pc, bool (*visit)(const struct block *b, void *ctx), void *ctx)
{
    const struct page_entry *e = page_find(pc >> PAGE_BITS, false);
    for (uint32_t n = e ? e->head : 0; n;) {
        const struct page_node *p = (const struct page_node *)engine.page_nodes.base + n;
        const struct block *b = block_at(p->block);
        if (!(b->flags & (BLOCK_DEAD | BLOCK_REGION)) && pc >= b->pc && pc - b->pc < b->guest_size && visit(b, ctx))
            return true;
        n = p->next;
    }
    return false;
}

static bool any(const struct block *b, void *ctx) { return true; }
static bool was_run(uint64_t pc) { return tier2_stress() || block_find(pc) || each_block_over(pc, any, NULL); }

static void want(struct region *r, uint64_t pc)
{
    if (r->n_wanted < REGION_WANTED && was_run(pc))
        r->wanted[r->n_wanted++] = pc;
}

struct targets { uint64_t pc[LLVM_MAX_GUESSES]; unsigned n; };

static void add_target(struct targets *t, uint64_t pc)
{
    for (unsigned k = 0; k < t->n; k++)
        if (t->pc[k] == pc)
            return;
    if (t->n < LLVM_MAX_GUESSES)
        t->pc[t->n++] = pc;
}

static bool add_cached(const struct block *b, void *ctx)
{
    for (unsigned i = 0; i < b->n_exits; i++)
        link_cached_targets(b->exits + i, ctx, (void (*)(void *, uint64_t))add_target);
    return false;
}

/* the guest instruction that the block ends with */
static uint64_t last_insn(const struct ir_block *b)
{
    for (unsigned k = b->n; k-- > 0;)
        if (b->insn[k].op == IR_INSN)
            return (uint64_t)b->insn[k].imm;
    return b->guest_pc;
}

static void describe_end(struct region_node *n, const struct ir_block *b, const struct ir_insn *in)
{
    struct targets t = { .n = 0 };
    switch (in->op) {
    case IR_EXIT: case IR_EXITIF:
        if (n->n_next < 2)
            n->next[n->n_next++] = (uint64_t)in->imm;
        break;
    case IR_EXITCALL: case IR_EXITCALLI:
        n->end = NODE_CALL;
        n->landing = (uint64_t)b->insn[in->arg[in->op == IR_EXITCALLI]].imm;
        if (in->op == IR_EXITCALL)
            add_target(&t, (uint64_t)in->imm);
        else
            each_block_over(last_insn(b), add_cached, &t);
        memcpy(n->callee, t.pc, sizeof n->callee);
        n->n_callees = (uint8_t)t.n;
        break;
    case IR_EXITIND:
        each_block_over(last_insn(b), add_cached, &t);
        for (unsigned k = 0; k < t.n; k++)
            n->next[n->n_next++] = t.pc[k];
        break;
    case IR_EXITRET: n->end = NODE_RETURN; break;
    default: break;
    }
}

static struct ir_block scratch;            /* under the lock */

static unsigned most_blocks(void) { return engine.cfg.tier2_threshold == 1 ? 3 : REGION_BLOCKS; }

/* False: nothing more of this region. */
static bool add_block(struct region *r, uint64_t pc)
{
    if (find(r, pc) >= 0)
        return true;
    if (r->n_blocks == most_blocks() || r->n_ir > REGION_IR || !translate_for_region(pc, r->exact, &scratch, &r->deps))
        return false;
    size_t size = offsetof(struct ir_block, insn) + scratch.n * sizeof(struct ir_insn);
    struct ir_block *b = malloc(size);
    if (!b)
        return false;
    memcpy(b, &scratch, size);
    struct region_node *n = &r->node[r->n_blocks];
    *n = (struct region_node){ .end = NODE_JUMP };
    r->block[r->n_blocks++] = b;
    r->n_ir += b->n;
    for (unsigned k = 0; k < b->n; k++)
        if (ir_op_info[b->insn[k].op].props & IR_P_T)
            describe_end(n, b, &b->insn[k]);
    for (unsigned k = 0; k < n->n_next; k++)
        want(r, n->next[k]);
    for (unsigned k = 0; k < n->n_callees; k++)
        want(r, n->callee[k]);
    if (n->end == NODE_CALL)
        want(r, n->landing);
    return true;
}

static bool grow(struct region *r, uint64_t pc)
{
    engine_lock();
    r->generation = engine.generation;
    r->shared = engine.memory_shared;
    r->exact = engine.exact;
    bool ok = !engine.stop && add_block(r, pc);
    for (unsigned k = 0; ok && k < r->n_wanted; k++) {
        engine_unlock();                   /* a guest thread may wait to translate */
        engine_lock();
        if (engine.stop || engine.generation != r->generation)
            ok = false;
        else if (!add_block(r, r->wanted[k]) && r->n_blocks == most_blocks())
            break;
    }
    engine_unlock();
    return ok;
}

/* --- the graph --- */

static __thread struct graph {
    bool edge[REGION_BLOCKS][REGION_BLOCKS], back[REGION_BLOCKS], level[REGION_BLOCKS];
} g;                                       /* a worker's */

static void edge(struct region *r, unsigned from, uint64_t pc)
{
    int to = find(r, pc);
    if (to >= 0)
        g.edge[from][to] = true;
}

/* the blocks of the function (or piece of one) that starts at `from`: calls are stepped over */
static void same_level(const struct region *r, unsigned from, bool *seen)
{
    unsigned stack[REGION_BLOCKS], n = 0;
    memset(seen, 0, REGION_BLOCKS);
    seen[from] = true;
    for (stack[n++] = from; n;) {
        const struct region_node *x = &r->node[stack[--n]];
        for (unsigned k = 0; k <= x->n_next; k++) {
            int to = k < x->n_next ? find(r, x->next[k]) : x->end == NODE_CALL ? find(r, x->landing) : -1;
            if (to >= 0 && !seen[to]) {
                seen[to] = true;
                stack[n++] = (unsigned)to;
            }
        }
    }
}

static void add_guess(struct llvm_block *b, uint64_t pc)
{
    for (unsigned k = 0; k < b->n_guesses; k++)
        if (b->guess[k] == pc)
            return;
    if (b->n_guesses < LLVM_MAX_GUESSES)
        b->guess[b->n_guesses++] = pc;
}

static void connect_returns(struct region *r, unsigned call)
{
    bool body[REGION_BLOCKS];
    const struct region_node *x = &r->node[call];
    for (unsigned k = 0; k < x->n_callees; k++) {
        int callee = find(r, x->callee[k]);
        if (callee < 0)
            continue;
        g.edge[call][callee] = true;
        add_guess(&r->info[call], x->callee[k]);
        same_level(r, (unsigned)callee, body);
        for (unsigned b = 0; b < r->n_blocks; b++)
            if (body[b] && r->node[b].end == NODE_RETURN && find(r, x->landing) >= 0) {
                edge(r, b, x->landing);
                add_guess(&r->info[b], x->landing);
            }
    }
}

static void connect(struct region *r)
{
    memset(&g, 0, sizeof g);
    for (unsigned k = 0; k < r->n_blocks; k++) {
        struct region_node *x = &r->node[k];
        r->info[k] = (struct llvm_block){ .ir = r->block[k], .outside = x->outside, .one_look = redo_never(r->block[k]->guest_pc) };
        for (unsigned i = 0; i < x->n_next; i++) {
            edge(r, k, x->next[i]);
            if (r->block[k]->insn[r->block[k]->n - 1].op == IR_EXITIND)
                add_guess(&r->info[k], x->next[i]);
        }
        if (x->end == NODE_CALL && x->outside)
            edge(r, k, x->landing);
    }
    for (unsigned k = 0; k < r->n_blocks; k++)
        if (r->node[k].end == NODE_CALL && !r->node[k].outside)
            connect_returns(r, k);
}

/* the blocks from which the first is reached */
static void find_back(const struct region *r)
{
    unsigned stack[REGION_BLOCKS], n = 0;
    memset(g.back, 0, sizeof g.back);
    for (stack[n++] = 0; n;) {
        unsigned to = stack[--n];
        for (unsigned k = 0; k < r->n_blocks; k++)
            if (g.edge[k][to] && !g.back[k]) {
                g.back[k] = true;
                stack[n++] = k;
            }
    }
}

static bool callee_kept(const struct region *r, const struct region_node *x)
{
    for (unsigned k = 0; k < x->n_callees; k++) {
        int callee = find(r, x->callee[k]);
        if (callee >= 0 && g.back[callee])
            return true;
    }
    return false;
}

/* Calls whose callee does not come back within the region leave it; that may give other blocks a way back, or take it. */
static void settle_calls(struct region *r)
{
    for (bool changed = true; changed;) {
        changed = false;
        connect(r);
        find_back(r);
        for (unsigned k = 0; k < r->n_blocks; k++) {
            struct region_node *x = &r->node[k];
            if (x->end == NODE_CALL && !x->outside && !callee_kept(r, x))
                x->outside = changed = true;
        }
    }
}

static void keep_blocks(struct region *r, bool (*kept)(const struct region *r, unsigned k))
{
    unsigned n = 0;
    for (unsigned k = 0; k < r->n_blocks; k++) {
        if (!kept(r, k)) {
            free(r->block[k]);
            continue;
        }
        r->block[n] = r->block[k];
        r->node[n] = r->node[k];
        r->count[n] = r->count[k];
        r->entered[n] = r->entered[k];
        r->info[n++] = r->info[k];
    }
    r->n_blocks = n;
}

static bool comes_back(const struct region *r, unsigned k) { return g.back[k]; }

static bool keep_loop(struct region *r)
{
    if (!g.back[0])
        return false;
    keep_blocks(r, comes_back);
    return true;
}

/* --- entries: the first block and what stands behind calls that leave; not inside callees, whose callers are in the region. Heads of loops are
 * not entries by themselves: a loop that can be entered at two places is none to LLVM, and its code is laid out as if it ran once. --- */

static void add_entry(struct region *r, uint64_t pc)
{
    int k = find(r, pc);
    if (k < 0 || !g.level[k] || r->n_entries == LLVM_MAX_ENTRIES)
        return;
    for (unsigned i = 0; i < r->n_entries; i++)
        if (r->entry[i] == k)
            return;
    r->entry[r->n_entries++] = (uint16_t)k;
}

static void choose_entries(struct region *r)
{
    same_level(r, 0, g.level);
    memcpy(r->in_loop, g.level, sizeof r->in_loop);
    r->n_entries = 0;
    add_entry(r, r->block[0]->guest_pc);
    if (tier2_stress())
        return;
    for (unsigned k = 0; k < r->n_blocks; k++)
        if (g.level[k] && r->node[k].end == NODE_CALL && r->node[k].outside)
            add_entry(r, r->node[k].landing);
}

bool tier2_collect(struct region *r, uint64_t pc)
{
    if (!grow(r, pc))
        return false;
    settle_calls(r);
    if (!tier2_stress() && !keep_loop(r))
        return false;
    choose_entries(r);
    return true;
}

static bool has_run(const struct region *r, unsigned k) { return !k || r->count[k]; }

/* Is it the target of a backward jump in the region? */
static bool is_head(const struct region *r, unsigned to)
{
    for (unsigned from = 0; from < r->n_blocks; from++)
        if (g.edge[from][to] && r->block[from]->guest_pc >= r->block[to]->guest_pc)
            return true;
    return false;
}

#define SWAP(x, y) do { __typeof__(x) swapped = x; x = y; y = swapped; } while (0)
static void swap_blocks(struct region *r, unsigned a, unsigned b)
{
    SWAP(r->block[a], r->block[b]);
    SWAP(r->node[a], r->node[b]);
    SWAP(r->count[a], r->count[b]);
    SWAP(r->entered[a], r->entered[b]);
}

/* The region is entered where control comes from outside, at the outermost such place, which runs least; if it was never seen to come, at the
 * outermost loop's head. Entered in the middle of an inner loop, that loop and those around it would be one to LLVM. */
static void choose_first(struct region *r)
{
    uint32_t most = 0;
    bool any_entered = false;
    int best = -1;
    for (unsigned k = 0; k < r->n_blocks; k++)
        most = r->count[k] > most ? r->count[k] : most;
    for (unsigned k = 0; k < r->n_blocks; k++)
        any_entered |= r->entered[k] && r->count[k] > most / 1000;
    for (unsigned k = 0; k < r->n_blocks; k++)
        if ((any_entered ? r->entered[k] : is_head(r, k)) && r->count[k] > most / 1000 && (best < 0 || r->count[k] < r->count[best]))
            best = (int)k;
    if (best > 0)
        swap_blocks(r, 0, (unsigned)best);
}

static bool is_edge(unsigned from, unsigned to) { return g.edge[from][to]; }

/* Can the block's end lead out of the region? */
static bool leads_out(const struct region *r, unsigned k)
{
    const struct region_node *x = &r->node[k];
    const struct ir_insn *last = &r->block[k]->insn[r->block[k]->n - 1];
    bool out = x->end == NODE_RETURN || last->op == IR_EXITIND || last->op == IR_EXITCALLI;
    for (unsigned i = 0; i < x->n_next; i++)
        out |= find(r, x->next[i]) < 0;
    return out;
}

bool tier2_weigh(struct region *r)
{
    keep_blocks(r, has_run);
    for (unsigned k = 0; k < r->n_blocks; k++)
        r->node[k].outside = false;
    settle_calls(r);
    if (!keep_loop(r))
        return false;
    connect(r);
    choose_first(r);
    connect(r);
    choose_entries(r);
    tier2_weigh_edges(r, is_edge, leads_out);
    return true;
}

void tier2_free_blocks(struct region *r)
{
    for (unsigned k = 0; k < r->n_blocks; k++)
        free(r->block[k]);
    free(r->weight);
}
