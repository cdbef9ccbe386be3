/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c: the POWER host, little-endian, as the engine sees it. POWER8 (Power ISA 2.07) is assumed; what goes beyond is probed.
 */
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

static const struct host_pin *pins(const struct host_env *env, unsigned *n)
{
    static const char *const names[N_LISTS] = {
        "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31",
        "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
    };
    return host_pins(p64_map(env)->offset, names, N_LISTS, n);
}

/* a `b` */
static void region_exit(uint8_t *rw, int64_t distance)
{
    uint32_t w = OPC(18) | ((uint32_t)distance & 0x3fffffc);
    memcpy(rw, &w, 4);
}

static const char *region_features(uint32_t features) { return features & FEATURE_3_0 ? "+isa-v30-instructions,+power9-vector,+power9-altivec" : ""; }

enum { TOC16_LO = 48, TOC16_HA = 50, TOC16_LO_DS = 64 };         /* R_PPC64_*: relative to r2 */

static void region_address(const struct host_env *env, uint8_t *rw, unsigned kind, uint64_t to)
{
    uint64_t distance = to - env->stubs.others[STUB_BASE];
    uint32_t w;
    memcpy(&w, rw, 4);
    w |= (uint32_t)(kind == TOC16_HA ? (distance + 0x8000) >> 16 : distance) & (kind == TOC16_LO_DS ? 0xfffc : 0xffff);
    memcpy(rw, &w, 4);
}

const struct host_target host_ppc64le = {
    .name = "ppc64le", .weak_order = true, .probe = probe, .fast = fast, .emit_stubs = p64_emit_stubs, .emit = p64_emit, .link = p64_link, .emit_inline_cache = p64_emit_inline_cache,
    .sync = p64_sync, .sync_loop = p64_sync_loop,
    .set_return_sp = p64_set_return_sp,
    .thread_init = thread_init, .pins = pins, .region_exit = region_exit, .region_address = region_address, .region_features = region_features, .regions_leave = true, .disassemble = host_disassemble_word,
};
