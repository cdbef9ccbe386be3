/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_decode.c: the table decoder against Zydis: every prefix and REX that it knows, every opcode, every ModRM, some SIBs, with displacements
 * and immediates of all signs. Compared is what decode.h promises to set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "guest/decode.h"

static ZydisDecoder decoder;
static uint64_t random_state = 1;
static unsigned accepted;

static uint8_t random_byte(void)
{
    static const uint8_t edges[] = { 0, 1, 0x7f, 0x80, 0xff };
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    unsigned r = (unsigned)(random_state >> 33);
    return r & 1 ? edges[(r >> 1) % sizeof edges] : (uint8_t)(r >> 1);
}

static bool same_memory(const ZydisDecodedOperandMem *a, const ZydisDecodedOperandMem *b)
{
    return a->type == b->type && a->segment == b->segment && a->base == b->base && a->index == b->index && a->scale == b->scale &&
           a->disp.value == b->disp.value;
}

static bool same_operand(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
    if (a->type != b->type || a->size != b->size)
        return false;
    switch (a->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:  return a->reg.value == b->reg.value;
    case ZYDIS_OPERAND_TYPE_MEMORY:    return same_memory(&a->mem, &b->mem);
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: return a->imm.value.u == b->imm.value.u;
    default:                           return false;
    }
}

static bool same_insn(const ZydisDecodedInstruction *a, const ZydisDecodedInstruction *b)
{
    uint64_t told = ZYDIS_ATTRIB_HAS_REX | ZYDIS_ATTRIB_HAS_SEGMENT_FS | ZYDIS_ATTRIB_HAS_SEGMENT_GS;
    uint64_t never = ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
    return a->mnemonic == b->mnemonic && a->length == b->length && a->opcode == b->opcode && a->opcode_map == b->opcode_map &&
           a->address_width == b->address_width && a->operand_width == b->operand_width &&
           a->operand_count_visible == b->operand_count_visible && a->meta.branch_type == b->meta.branch_type &&
           a->attributes == (b->attributes & told) && !(b->attributes & never) && b->meta.category != ZYDIS_CATEGORY_STRINGOP &&
           (!(a->attributes & ZYDIS_ATTRIB_HAS_REX) || (a->raw.rex.W == b->raw.rex.W && a->raw.rex.B == b->raw.rex.B));
}

static void compare(const uint8_t *bytes)
{
    static ZydisDecodedInstruction a, b;
    static ZydisDecodedOperand p[ZYDIS_MAX_OPERAND_COUNT], q[ZYDIS_MAX_OPERAND_COUNT];
    if (!x86_decode_common(bytes, &a, p))
        return;
    accepted++;
    bool same = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, X86_MAX_LENGTH, &b, q)) && same_insn(&a, &b);
    for (unsigned i = 0; same && i < a.operand_count; i++)
        same = same_operand(&p[i], &q[i]);
    if (!same) {
        for (unsigned i = 0; i < X86_MAX_LENGTH; i++)
            print_error("%02x ", bytes[i]);
        print_error("\n");
    }
    assert_true(same);
}

/* all opcodes of a map, ModRMs and some SIBs behind the prefixes */
static void sweep(const uint8_t *prefixes, unsigned n, bool escaped)
{
    static const uint8_t sibs[] = { 0x00, 0x24, 0x25, 0x65, 0x8d, 0xe4, 0xff };
    uint8_t bytes[16];
    for (unsigned opcode = 0; opcode < 256; opcode++)
        for (unsigned modrm = 0; modrm < 256; modrm++)
            for (unsigned k = 0; k < sizeof sibs; k++) {
                unsigned at = n;
                for (unsigned i = 0; i < sizeof bytes; i++)
                    bytes[i] = random_byte();
                memcpy(bytes, prefixes, n);
                if (escaped)
                    bytes[at++] = 0x0f;
                bytes[at++] = (uint8_t)opcode;
                bytes[at++] = (uint8_t)modrm;
                bytes[at] = sibs[k];
                compare(bytes);
                if (modrm >> 6 == 3 || (modrm & 7) != 4)
                    break;
            }
}

static void test_all(void **state)
{
    static const uint8_t legacy[][3] = { { 0 }, { 1, 0x66 }, { 1, 0xf3 }, { 1, 0xf2 }, { 1, 0x64 }, { 1, 0x65 }, { 2, 0x64, 0x66 }, { 2, 0x65, 0xf3 } };
    for (unsigned i = 0; i < sizeof legacy / sizeof *legacy; i++)
        for (unsigned rex = 0x3f; rex < 0x50; rex++) {
            uint8_t prefixes[4];
            unsigned n = legacy[i][0];
            memcpy(prefixes, &legacy[i][1], 2);
            if (rex > 0x3f)
                prefixes[n++] = (uint8_t)rex;
            sweep(prefixes, n, false);
            sweep(prefixes, n, true);
        }
    assert_true(accepted > 1000000);
}

/* prefixes that are not for the tables: LOCK, address size, two of a kind, REX that is not the last */
static void test_refused(void **state)
{
    static const char *const cases[] = { "\xf0\x01\x00", "\x67\x8b\x00", "\xf3\xa4", "\x66\x66\x90", "\x48\x66\x01\xc0", "\x2e\x01\xc0", "\xf3\x01\xc0", "\x0f\x0b" };
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[16] = { 0 };
        memcpy(bytes, cases[i], strlen(cases[i]));
        assert_false(x86_decode_common(bytes, &insn, op));
    }
}

int main(void)
{
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_all), cmocka_unit_test(test_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
