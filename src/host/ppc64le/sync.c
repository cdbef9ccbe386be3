/* SPDX-License-Identifier: GPL-2.0-or-later
 * sync.c: from a signal's context taken in translated code to exact guest state, and what else only a POWER processor can do. Kernel:
 * arch/powerpc/include/uapi/asm/{ptrace,sigcontext}.h.
 */
#include "host/ppc64le/emit.h"

#if defined __powerpc64__ && defined __LITTLE_ENDIAN__
#include <signal.h>
#include <ucontext.h>

#define GP(uc, n) (((ucontext_t *)(uintptr_t)(uc))->uc_mcontext.gp_regs[n])

/* but those in `saved`, which the state has already, with all that FPSCR told then */
static void store_registers(const struct host_env *env, const ucontext_t *uc, const uint64_t *saved, void *state)
{
    uint64_t kept = saved ? *saved : 0;
    const struct p64_map *map = p64_map(env);
    uint8_t *s = state;
    for (unsigned r = 0; r < 32; r++)
        if (map->offset[r] >= 0 && !(kept >> r & 1))
            memcpy(s + map->offset[r], &GP(uc, r), 8);
    for (unsigned r = 0; r < 32; r++)
        if (map->offset[VEC + r] >= 0 && !(kept >> (VEC + r) & 1) && uc->uc_mcontext.v_regs)
            memcpy(s + map->offset[VEC + r], &uc->uc_mcontext.v_regs->vrregs[r], 16);
    memcpy(s + env->offsets->ret_sp, &GP(uc, REG_RETURN), 8);
    uint64_t fpscr = 0;
    uint32_t fpcr;
    if (!saved)
        memcpy(&fpscr, &uc->uc_mcontext.fp_regs[32], 8);
    memcpy(&fpcr, s + env->offsets->fpcr, 4);
    fpcr |= (fpscr >> 25 & 1) << 5 | (fpscr >> 28 & 1) << 3;       /* as STUB_GATHER */
    memcpy(s + env->offsets->fpcr, &fpcr, 4);
    p64_settle_flags(s, env->offsets->flags, env->offsets->spill);
}

void p64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) { store_registers(env, ucontext, NULL, state); }

/* loops.c: a load has faulted */
bool p64_sync_loop(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state)
{
    uint64_t saved;
    memcpy(&saved, (uint8_t *)state + env->offsets->spill + SPILL_LOOP, 8);
    store_registers(env, ucontext, &saved, state);
    return false;
}

void p64_set_return_sp(void *uc, uint64_t sp) { GP(uc, REG_RETURN) = sp; }

#else
void p64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) {}
bool p64_sync_loop(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) { return false; }
void p64_set_return_sp(void *uc, uint64_t sp) {}
#endif
