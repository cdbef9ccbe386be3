/* SPDX-License-Identifier: GPL-2.0-or-later
 * sync.c: from a signal's context taken in translated code to exact guest state. Only a processor of this kind can have such a context.
 */
#include "host/x86_64/emit.h"

#ifdef __x86_64__
#include <asm/prctl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static const uint8_t context_reg[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                         REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

static bool saved_in_state(const struct host_map *m, unsigned reg)
{
    static const struct { uint8_t reg, flag; } borrowed[] = { { RDX, MAP_RDX_SAVED }, { RBX, MAP_RBX_SAVED }, { RSI, MAP_RSI_SAVED }, { RDI, MAP_RDI_SAVED } };
    for (unsigned k = 0; m && k < 4; k++)
        if (borrowed[k].reg == reg && (m->flags & borrowed[k].flag))
            return true;
    return false;
}

/* what the stack pointer's register lacks (X4): six bits, signed, in `live` */
static int64_t stack_add(const struct host_map *m) { return (int64_t)((m->live ^ 32) - 32) * STACK_UNIT; }

void x64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state)
{
    const ucontext_t *uc = ucontext;
    const struct x64_map *map = x64_map(env);
    uint8_t *s = state;
    for (unsigned r = 0; r < 16; r++)
        if (map->offset[r] >= 0 && !saved_in_state(m, r))
            memcpy(s + map->offset[r], &uc->uc_mcontext.gregs[context_reg[r]], 8);
    if (m && map->stack_reg != NO_REG)
        *(uint64_t *)(s + map->offset[map->stack_reg]) += (uint64_t)stack_add(m);
    if (m && m->flags == MAP_COUNT_IN_RCX)
        memcpy(s + map->offset[map->count_reg], &uc->uc_mcontext.gregs[REG_RCX], 8);
    for (unsigned r = 0; r < 16; r++)
        if (map->offset[XMM + r] >= 0)
            memcpy(s + map->offset[XMM + r], &uc->uc_mcontext.fpregs->_xmm[r], 16);
    memcpy(s + env->offsets->fpcr, &uc->uc_mcontext.fpregs->mxcsr, 4);
    memcpy(s + env->offsets->ret_sp, &uc->uc_mcontext.gregs[REG_RSP], 8);
}

void x64_thread_init(void *state) { syscall(SYS_arch_prctl, ARCH_SET_GS, state); }

#else
void x64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) {}
void x64_thread_init(void *state) {}
#endif
