/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp.c: running a block's IR for a cpu. Tier 0 keeps its blocks' IR in the same tables as tier 1 keeps its code. */
#include "engine/internal.h"

static int run_with(struct cpu *cpu, const struct ir_block *b, const struct ir_interp_env *env)
{
    struct engine_cpu *p = engine_cpu(cpu);
    uint64_t next = 0;
    p->in_guest = true;
    int r = ir_interp(b, &cpu->state, env, &next);
    p->in_guest = false;
    cpu->state.pc = r < 0 ? next : (uint64_t)b->insn[b->n - 1].imm;
    return r;
}

int interp_run(struct cpu *cpu, const struct ir_block *b)
{
    cpu->stats[STAT_INTERP_RUNS]++;
    return run_with(cpu, b, &engine.interp_env);
}

int interp_run_logged(struct cpu *cpu, const struct ir_block *b, void (*before_write)(void *, uint64_t, unsigned))
{
    struct ir_interp_env env = engine.interp_env;
    env.before_write = before_write;
    return run_with(cpu, b, &env);
}
