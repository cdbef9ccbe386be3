/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers_integer.c: locked operations that the IR has no word for, and the flags register as a whole. Manual: Intel SDM
 * volume 2, NEG, CMPXCHG8B/CMPXCHG16B, PUSHF, POPF.
 */
#include <string.h>
#include "guest/lift_internal.h"
#include "ir/interp.h"

/* --- LOCK NEG --- */

#define LOCK_NEG(type) do { \
        type *p = (type *)addr, old = __atomic_load_n(p, __ATOMIC_SEQ_CST); \
        while (!__atomic_compare_exchange_n(p, &old, (type)(0 - old), true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) \
            continue; \
        return old; \
    } while (0)

uint64_t x86_helper_lock_neg(void *state, uint64_t addr, uint64_t bits, uint64_t unused2, uint64_t unused3)
{
    switch (bits) {
    case 8:  LOCK_NEG(uint8_t);
    case 16: LOCK_NEG(uint16_t);
    case 32: LOCK_NEG(uint32_t);
    default: LOCK_NEG(uint64_t);
    }
}

/* --- CMPXCHG8B, CMPXCHG16B --- */

static void set_zero_flag(struct x86_state *s, bool z)
{
    s->flags = (uint16_t)((s->flags & ~IR_FLAG_Z) | (z ? IR_FLAG_Z : 0));
}

uint64_t x86_helper_cmpxchg8b(void *state, uint64_t addr, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    struct x86_state *s = state;
    uint64_t expected = (s->gpr[X86_RDX] << 32) | (uint32_t)s->gpr[X86_RAX];
    uint64_t desired = (s->gpr[X86_RCX] << 32) | (uint32_t)s->gpr[X86_RBX];
    union ir_cell old, from = { .u64 = { expected } }, to = { .u64 = { desired } };
    ir_mem_cas(&old, addr, &from, &to, 8);       /* at any alignment, on every host */
    bool same = old.u64[0] == expected;
    if (!same) {
        s->gpr[X86_RAX] = (uint32_t)old.u64[0];
        s->gpr[X86_RDX] = old.u64[0] >> 32;
    }
    set_zero_flag(s, same);
    return 0;
}

/* *low, *high: expected in, old value out */
static bool compare_exchange_16(uint64_t addr, uint64_t *low, uint64_t *high, uint64_t new_low, uint64_t new_high)
{
    bool same;
#ifdef __x86_64__
    __asm__ volatile("lock cmpxchg16b %[m]" : "=@ccz"(same), [m] "+m"(*(unsigned __int128 *)ir_mem_at(addr, 16, true)), "+a"(*low), "+d"(*high)
                     : "b"(new_low), "c"(new_high) : "memory");
#else
    union ir_cell old, expected = { .u64 = { *low, *high } }, desired = { .u64 = { new_low, new_high } };
    ir_mem_cas(&old, addr, &expected, &desired, 16);
    same = old.u64[0] == *low && old.u64[1] == *high;
    *low = old.u64[0];
    *high = old.u64[1];
#endif
    return same;
}

uint64_t x86_helper_cmpxchg16b(void *state, uint64_t addr, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    struct x86_state *s = state;
    uint64_t low = s->gpr[X86_RAX], high = s->gpr[X86_RDX];
    if (addr & 15)
        x86_gp_fault(state);
    bool same = compare_exchange_16(addr, &low, &high, s->gpr[X86_RBX], s->gpr[X86_RCX]);
    if (!same) {
        s->gpr[X86_RAX] = low;
        s->gpr[X86_RDX] = high;
    }
    set_zero_flag(s, same);
    return 0;
}

/* --- the flags register --- */

uint64_t x86_helper_read_rflags(void *state, uint64_t unused0, uint64_t unused1, uint64_t unused2, uint64_t unused3)
{
    return x86_rflags(state);
}

uint64_t x86_helper_write_rflags(void *state, uint64_t value, uint64_t bits, uint64_t unused2, uint64_t unused3)
{
    if (bits == 16)
        value |= x86_rflags(state) & ~0xffffull;
    x86_set_rflags(state, value);
    return 0;
}
