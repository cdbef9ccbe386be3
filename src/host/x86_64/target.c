/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c: the x86-64 host as the engine sees it. x86-64-v2 is assumed (SSE4.2, POPCNT, CMPXCHG16B); what goes beyond is probed.
 */
#include <Zydis/Zydis.h>
#include "host/x86_64/emit.h"

#ifdef __x86_64__
#include <sys/platform/x86.h>

/* What the C library has found out at its start: the cpuid instruction is slow, in a virtual machine as slow as translating ten blocks. */
static uint32_t probe(void)
{
    return (CPU_FEATURE_PRESENT(BMI1) ? FEATURE_BMI1 : 0) |
           (CPU_FEATURE_PRESENT(BMI2) ? FEATURE_BMI2 : 0) |
           (CPU_FEATURE_PRESENT(LZCNT) ? FEATURE_LZCNT : 0) |
           (CPU_FEATURE_PRESENT(AES) ? FEATURE_AES : 0) |
           (CPU_FEATURE_PRESENT(PCLMULQDQ) ? FEATURE_PCLMUL : 0) |
           (CPU_FEATURE_PRESENT(SHA) ? FEATURE_SHA : 0);
}
#else
static uint32_t probe(void) { return 0; }
#endif

static unsigned fast(uint32_t features)
{
    return (features & FEATURE_AES ? X86_FAST_AES : 0) | (features & FEATURE_PCLMUL ? X86_FAST_PCLMUL : 0) | (features & FEATURE_SHA ? X86_FAST_SHA : 0);
}

static size_t disassemble(const uint8_t *code, uint64_t addr, char *text, size_t size)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, 15, &in, op)) &&
        ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &in, op, in.operand_count_visible, text, size, addr, NULL)))
        return in.length;
    if (size)
        text[0] = 0;
    return 1;
}

static const struct host_pin *pins(const struct host_env *env, unsigned *n)
{
    static const char *const names[32] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
    };
    return host_pins(x64_map(env)->offset, names, 32, n);
}

static void region_exit(uint8_t *rw, int64_t distance)
{
    int32_t v = (int32_t)distance - 4;
    memcpy(rw, &v, 4);
}

/* LLVM tunes x86-64-v2 for its first processor. Rotating by SHLD costs AMD's three times as much, and adding up in one LEA costs none today. */
static const char *region_features(uint32_t features)
{
    const uint32_t bits = FEATURE_BMI1 | FEATURE_BMI2 | FEATURE_LZCNT;
    return (features & bits) == bits ? "-fast-shld-rotate,-slow-3ops-lea,+bmi,+bmi2,+lzcnt" : "-fast-shld-rotate,-slow-3ops-lea";
}

const struct host_target host_x86_64 = {
    .name = "x86_64", .probe = probe, .fast = fast, .emit_stubs = x64_emit_stubs, .emit = x64_emit, .link = x64_link,
    .emit_inline_cache = x64_emit_inline_cache, .sync = x64_sync,
    .thread_init = x64_thread_init, .pins = pins, .region_exit = region_exit, .region_features = region_features, .disassemble = disassemble,
};
