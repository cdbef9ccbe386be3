/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c: the POWER host, little-endian, as the engine sees it. POWER8 (Power ISA 2.07) is assumed; what goes beyond is probed.
 */
#include <stdio.h>
#include "host/ppc64le/emit.h"

#if defined __powerpc64__ && defined __LITTLE_ENDIAN__
#include <sys/auxv.h>
enum { HWCAP2_3_0 = 0x00800000, HWCAP2_3_1 = 0x00040000 };
static uint32_t probe(void)
{
    unsigned long caps = getauxval(AT_HWCAP2);
    return (caps & (HWCAP2_3_0 | HWCAP2_3_1) ? FEATURE_3_0 : 0) | (caps & HWCAP2_3_1 ? FEATURE_3_1 : 0);
}
#else
static uint32_t probe(void) { return FEATURE_3_0; }
#endif

/* Called by STUB_ONE. `one` stands in translated code, aligned to 4 only; the caller's arg indices serve as "there is one". */
void p64_interp_one(const struct p64_one *at, void *cells, void *state)
{
    struct p64_one one;
    memcpy(&one, at, sizeof one);
    uint8_t *cell = cells;
    const void *arg[4] = { cell, cell + 16, cell + 32, cell + 48 };
    struct ir_interp_env env = { .pc_offset = one.pc_offset, .flags_offset = one.flags_offset, .fpcr_offset = one.fpcr_offset };
    p64_settle_flags(state, one.flags_offset, (uint32_t)(cell - (uint8_t *)state) - SPILL_CELLS);
    memcpy((uint8_t *)state + one.pc_offset, &one.pc, 8);
    uint16_t port = (uint16_t)ir_interp_one(&one.insn, one.arg_type, arg, cell + 64, state, &env) & IR_FLAGS_WORD;
    memcpy(cell + 80, &port, 2);
}

/* every POWER8 has instructions for AES, carry-less products and a part of SHA */
static unsigned fast(uint32_t features)
{
    (void)features;
    return X86_FAST_AES | X86_FAST_PCLMUL | X86_FAST_SHA;
}

static void thread_init(void *state) {}                /* `enter` gets the state as argument */

static size_t disassemble(const uint8_t *code, uint64_t addr, char *text, size_t size)
{
    uint32_t word;
    memcpy(&word, code, 4);
    snprintf(text, size, ".long 0x%08x", word);
    return 4;
}

const struct host_target host_ppc64le = {
    .name = "ppc64le", .weak_order = true, .probe = probe, .fast = fast, .emit_stubs = p64_emit_stubs, .emit = p64_emit, .link = p64_link, .emit_inline_cache = p64_emit_inline_cache,
    .sync = p64_sync, .sync_loop = p64_sync_loop,
    .set_return_sp = p64_set_return_sp,
    .thread_init = thread_init, .disassemble = disassemble,
};
