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

const struct host_target host_aarch64 = {
    .name = "aarch64", .weak_order = true, .probe = probe, .fast = fast, .emit_stubs = a64_emit_stubs, .emit = a64_emit, .link = a64_link, .emit_inline_cache = a64_emit_inline_cache,
    .sync = a64_sync, .sync_loop = a64_sync_loop, .thread_init = a64_thread_init,
};
