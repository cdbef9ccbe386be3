/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c: the x86-64 host as the engine sees it. x86-64-v2 is assumed (SSE4.2, POPCNT, CMPXCHG16B); what goes beyond is probed.
 */
#include <Zydis/Zydis.h>
#include "host/x86_64/emit.h"

#ifdef __x86_64__
static uint32_t probe(void)
{
    __builtin_cpu_init();
    return (__builtin_cpu_supports("bmi") ? FEATURE_BMI1 : 0) | (__builtin_cpu_supports("bmi2") ? FEATURE_BMI2 : 0) |
           (__builtin_cpu_supports("lzcnt") ? FEATURE_LZCNT : 0);
}
#else
static uint32_t probe(void) { return 0; }
#endif

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

const struct host_target host_x86_64 = {
    .name = "x86_64", .probe = probe, .emit_stubs = x64_emit_stubs, .emit = x64_emit, .link = x64_link,
    .emit_inline_cache = x64_emit_inline_cache, .sync = x64_sync, .context_pc = x64_context_pc, .set_context_pc = x64_set_context_pc,
    .context_sp = x64_context_sp, .set_context_sp = x64_set_context_sp, .thread_init = x64_thread_init, .disassemble = disassemble,
};
