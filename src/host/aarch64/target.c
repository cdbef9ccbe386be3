/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c: the aarch64 host as the engine sees it. Armv8.0 is assumed; what goes beyond is probed.
 */
#include "host/aarch64/emit.h"

#ifdef __aarch64__
#include <sys/auxv.h>

enum { CAP_AES = 1 << 3, CAP_PMULL = 1 << 4, CAP_SHA1 = 1 << 5, CAP_SHA2 = 1 << 6, CAP_CRC32 = 1 << 7, CAP_ATOMICS = 1 << 8, CAP_LRCPC = 1 << 15, CAP_FLAGM = 1 << 27,     /* AT_HWCAP, asm/hwcap.h */
       CAP2_FLAGM2 = 1 << 7 };                                                                /* AT_HWCAP2 */

static uint32_t probe(void)
{
    unsigned long cap = getauxval(AT_HWCAP);
    return (cap & CAP_ATOMICS ? FEATURE_LSE : 0) | (cap & CAP_CRC32 ? FEATURE_CRC32 : 0) | (cap & CAP_LRCPC ? FEATURE_LRCPC : 0) |
           (cap & CAP_FLAGM ? FEATURE_FLAGM : 0) | (cap & CAP_AES ? FEATURE_AES : 0) | (cap & CAP_PMULL ? FEATURE_PMULL : 0) |
           (cap & CAP_SHA1 ? FEATURE_SHA1 : 0) | (cap & CAP_SHA2 ? FEATURE_SHA2 : 0) |
           (getauxval(AT_HWCAP2) & CAP2_FLAGM2 ? FEATURE_FLAGM2 : 0);
}
#else
static uint32_t probe(void) { return 0; }
#endif

static unsigned fast(uint32_t features)
{
    return (features & FEATURE_AES ? X86_FAST_AES : 0) | (features & FEATURE_PMULL ? X86_FAST_PCLMUL : 0) |
           ((features & FEATURE_SHA1) && (features & FEATURE_SHA2) ? X86_FAST_SHA : 0);
}

static const struct host_pin *pins(const struct host_env *env, unsigned *n)
{
    static const char *const names[N_REGS] = {
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr", "sp",
        "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
        "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
    };
    return host_pins(a64_map(env)->offset, names, N_REGS, n);
}

/* a `b` */
static void region_exit(uint8_t *rw, int64_t distance)
{
    uint32_t w = J_B | ((uint32_t)(distance >> 2) & 0x3ffffff);
    memcpy(rw, &w, 4);
}

const struct host_target host_aarch64 = {
    .name = "aarch64", .weak_order = true, .probe = probe, .fast = fast, .emit_stubs = a64_emit_stubs, .emit = a64_emit, .link = a64_link, .emit_inline_cache = a64_emit_inline_cache,
    .sync = a64_sync, .sync_loop = a64_sync_loop, .thread_init = a64_thread_init, .pins = pins, .region_exit = region_exit, .regions_look = true, .regions_leave = true, .disassemble = host_disassemble_word,
};
