/* SPDX-License-Identifier: GPL-2.0-or-later
 * sync.c: from a signal's context taken in translated code to exact guest state. Only a processor of this kind can have such a context.
 */
#include "host/aarch64/emit.h"

#ifdef __aarch64__
#include <signal.h>
#include <asm/sigcontext.h>
#include <ucontext.h>

static const struct fpsimd_context *fp_context(const ucontext_t *uc)
{
    const uint8_t *p = (const uint8_t *)uc->uc_mcontext.__reserved, *end = p + sizeof uc->uc_mcontext.__reserved;
    while (p + sizeof(struct _aarch64_ctx) <= end) {
        const struct _aarch64_ctx *c = (const struct _aarch64_ctx *)p;
        if (c->magic == FPSIMD_MAGIC)
            return (const struct fpsimd_context *)p;
        if (!c->magic || !c->size)
            break;
        p += c->size;
    }
    return NULL;
}

static uint16_t packed_flags(uint64_t nz, uint64_t p, uint64_t a)
{
    nz ^= NZ_C;
    return (uint16_t)((nz >> 28 & 1) | (nz >> 29 & 1) << 8 | (nz >> 30 & 3) << 14 | ((p ^ a) >> 4 & 1) << 12 |
                      (uint64_t)!__builtin_parity((unsigned)p & 0xff) << 10);
}

/* `saved`: what the state has already, with flags to go with it; changed = 0: nothing */
static void store_registers(const struct host_env *env, const ucontext_t *uc, const struct a64_saved *saved, uint32_t fpsr, uint8_t *s)
{
    const struct fpsimd_context *fp = fp_context(uc);
    const struct a64_map *map = a64_map(env);
    const __typeof__(uc->uc_mcontext.regs[0]) *x = uc->uc_mcontext.regs;
    for (unsigned r = 0; r < VEC; r++)
        if (map->offset[r] >= 0 && !(saved->changed >> r & 1))
            memcpy(s + map->offset[r], &x[r], 8);
    for (unsigned r = 0; fp && r < 32; r++)
        if (map->offset[VEC + r] >= 0 && !(saved->changed >> (VEC + r) & 1))
            memcpy(s + map->offset[VEC + r], &fp->vregs[r], 16);
    bool own = !(saved->changed >> FL_NZ & 1);
    uint16_t flags = own ? packed_flags(x[FL_NZ], x[FL_P], x[FL_A]) : packed_flags(saved->flags[0], saved->flags[1], saved->flags[2]);
    memcpy(s + env->offsets->flags, &flags, 2);
    if (fpsr & FPSR_IXC)
        *(uint32_t *)(void *)(s + env->offsets->fpcr) |= 1 << 5;
    uint64_t sp = uc->uc_mcontext.sp;
    memcpy(s + env->offsets->ret_sp, &sp, 8);
}

static uint32_t fpsr_of(const ucontext_t *uc)
{
    const struct fpsimd_context *fp = fp_context(uc);
    return fp ? fp->fpsr : 0;
}

void a64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state)
{
    const struct a64_saved none = { .changed = 0 };
    store_registers(env, ucontext, &none, m->flags & HOST_MAP_RUN ? (uint32_t)((const ucontext_t *)ucontext)->uc_mcontext.regs[RUN_FPSR] : fpsr_of(ucontext), state);
}

bool a64_sync_loop(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state)
{
    const struct fpsimd_context *fp = fp_context(ucontext);
    if (m->flags & HOST_MAP_POLL && fp && !(fp->fpsr & FPSR_LOOK & 0xff)) {
        a64_sync(env, ucontext, m, state);
        return true;
    }
    const struct a64_saved saved = a64_saved(env, state);
    store_registers(env, ucontext, &saved, saved.fpsr, state);
    return false;
}

#else
void a64_sync(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) {}
bool a64_sync_loop(const struct host_env *env, const void *ucontext, const struct host_map *m, void *state) { return false; }
#endif
void a64_thread_init(void *state) {}
