/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_aarch64.c: on aarch64 (or under its emulator) the blocks of test_host_x86_64.c through this host's emitter. Elsewhere the encoder
 * against the assembler, where one is installed: the instructions with immediate fields, over their ranges.
 */
#ifdef __aarch64__
#include "host/host.h"
#define TEST_HOST host_aarch64
#define TEST_RUNS
#include "test_host_x86_64.c"
#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/aarch64/asm.h"
#include "assembler.h"
#include "ir/helpers.h"

const struct ir_helper ir_helpers[1];
const unsigned ir_n_helpers = 0;
void ir_divide_error(void *state) { abort(); }
void ir_alignment_fault(void *state) { abort(); }
void ir_fp_fault(void *state, unsigned mxcsr_flags) { abort(); }

/* every bitmask immediate: a run of ones, rotated, repeated */
static void logic_immediates(void)
{
    static const struct { uint32_t op; const char *name; } op[] = { { A_AND, "and" }, { A_ORR, "orr" }, { A_EOR, "eor" }, { A_ANDS, "ands" } };
    unsigned k = 0;
    for (unsigned size = 2; size <= 64; size *= 2)
        for (unsigned ones = 1; ones < size; ones++)
            for (unsigned rot = 0; rot < size; rot++, k++) {
                uint64_t e = (1ull << ones) - 1, v = 0, mask = size == 64 ? ~0ull : (1ull << size) - 1;
                e = rot ? (e >> rot | e << (size - rot)) & mask : e;
                for (unsigned at = 0; at < 64; at += size)
                    v |= e << at;
                assert_true(asm_logic_imm(&a, true, op[k & 3].op, 3, 7, v));
                TEXT("%s x3, x7, #0x%llx\n", op[k & 3].name, (unsigned long long)v);
                if (size == 64)
                    continue;
                assert_true(asm_logic_imm(&a, false, op[k & 3].op, 3, 7, v & 0xffffffff));
                TEXT("%s w3, w7, #0x%llx\n", op[k & 3].name, (unsigned long long)(v & 0xffffffff));
            }
}

static void add_immediates(void)
{
    for (int64_t v = 0; v < 1 << 24; v = v < 4095 ? v + 1 : v == 4095 ? 4096 : v + 4096 * 7) {
        assert_true(asm_add_fits(v));
        asm_add_imm(&a, v & 1, false, v & 2, 1, 2, v);
        TEXT("add%s %c1, %c2, #%lld\n", v & 2 ? "s" : "", v & 1 ? 'x' : 'w', v & 1 ? 'x' : 'w', (long long)v);
        asm_add_imm(&a, true, true, true, 4, 5, v);
        TEXT("subs x4, x5, #%lld\n", (long long)v);
    }
}

static void bit_fields(void)
{
    for (unsigned x = 0; x < 2; x++)
        for (unsigned lsb = 0; lsb < (x ? 64u : 32u); lsb++)
            for (unsigned w = 1; lsb + w <= (x ? 64u : 32u); w += 3) {
                char r = x ? 'x' : 'w';
                asm_ubfx(&a, x, 1, 2, lsb, w), TEXT("ubfx %c1, %c2, #%u, #%u\n", r, r, lsb, w);
                asm_sbfx(&a, x, 3, 4, lsb, w), TEXT("sbfx %c3, %c4, #%u, #%u\n", r, r, lsb, w);
                asm_bfi(&a, x, 5, 6, lsb, w), TEXT("bfi %c5, %c6, #%u, #%u\n", r, r, lsb, w);
            }
    for (unsigned n = 0; n < 64; n++) {
        asm_lsl(&a, true, 1, 2, n), TEXT("lsl x1, x2, #%u\n", n);
        asm_lsr(&a, true, 1, 2, n), TEXT("lsr x1, x2, #%u\n", n);
        asm_asr(&a, true, 1, 2, n), TEXT("asr x1, x2, #%u\n", n);
        asm_bfm(&a, true, A_UBFM, 1, 2, (64 - n) % 64, 63 - n), TEXT("ubfiz x1, x2, #%u, #%u\n", n, 64 - n);
        asm_put(&a, A_EXTR | A_XDUAL(true) | 3 << 16 | n << 10 | 2 << 5 | 1), TEXT("extr x1, x2, x3, #%u\n", n);
        asm_rr(&a, n & 1, A_RBIT, n / 3, n / 4), TEXT("rbit %c%u, %c%u\n", n & 1 ? 'x' : 'w', n / 3, n & 1 ? 'x' : 'w', n / 4);
        asm_rr(&a, n & 1, A_CLZ, n / 4, n / 3), TEXT("clz %c%u, %c%u\n", n & 1 ? 'x' : 'w', n / 4, n & 1 ? 'x' : 'w', n / 3);
        asm_rrs(&a, true, A_EOR, 1, 2, 3, LSR, n), TEXT("eor x1, x2, x3, lsr #%u\n", n);
        asm_rrs(&a, n & 1, A_SUBS, 1, 2, 3, LSL, n / 2), TEXT("subs %c1, %c2, %c3, lsl #%u\n", n & 1 ? 'x' : 'w', n & 1 ? 'x' : 'w', n & 1 ? 'x' : 'w', n / 2);
    }
}

static void accesses(void)
{
    static const char *const load[] = { "ldrb w", "ldrh w", "ldr w", "ldr x" }, *const store[] = { "strb w", "strh w", "str w", "str x" };
    static const char *const load_u[] = { "ldurb w", "ldurh w", "ldur w", "ldur x" }, *const store_u[] = { "sturb w", "sturh w", "stur w", "stur x" };
    static const char vector[] = "bhsdq";
    for (unsigned log2 = 0; log2 < 5; log2++)
        for (int offset = -256; offset < 4096 << log2; offset = offset < 300 ? offset + 1 : ((offset >> log2) + 37) << log2) {
            if (!asm_offset_fits(log2, offset))
                continue;
            bool scaled = offset >= 0 && !(offset & ((1 << log2) - 1));
            if (log2 < 4) {
                asm_mem(&a, true, false, log2, 1, 2, offset), TEXT("%s1, [x2, #%d]\n", (scaled ? load : load_u)[log2], offset);
                asm_mem(&a, false, false, log2, 3, 31, offset), TEXT("%s3, [sp, #%d]\n", (scaled ? store : store_u)[log2], offset);
            }
            asm_mem(&a, true, true, log2, 17, 2, offset), TEXT("%s %c17, [x2, #%d]\n", scaled ? "ldr" : "ldur", vector[log2], offset);
            asm_mem(&a, false, true, log2, 30, 2, offset), TEXT("%s %c30, [x2, #%d]\n", scaled ? "str" : "stur", vector[log2], offset);
        }
    for (int by = -256; by < 256; by++)
        for (unsigned log2 = 0; log2 < 5; log2++) {
            if (log2 < 4) {
                asm_mem_step(&a, true, false, log2, 1, 2, by, false), TEXT("%s1, [x2], #%d\n", load[log2], by);
                asm_mem_step(&a, false, false, log2, 3, 4, by, true), TEXT("%s3, [x4, #%d]!\n", store[log2], by);
            }
            if (log2 < 3)
                asm_load_signed_step(&a, true, log2, 5, 6, by), TEXT("ldrs%c x5, [x6], #%d\n", "bhw"[log2], by);
            asm_mem_step(&a, false, true, log2, 30, 2, by, false), TEXT("str %c30, [x2], #%d\n", vector[log2], by);
        }
    for (unsigned log2 = 0; log2 < 4; log2++) {
        asm_mem_index(&a, true, false, log2, 1, 2, 3, false), TEXT("%s1, [x2, x3]\n", load[log2]);
        if (log2 < 3) {
            asm_load_signed_index(&a, true, log2, 1, 2, 3, false), TEXT("ldrs%c x1, [x2, x3]\n", "bhw"[log2]);
            if (log2)
                asm_load_signed_index(&a, true, log2, 4, 5, 6, true), TEXT("ldrs%c x4, [x5, x6, lsl #%u]\n", "bhw"[log2], log2);
            if (log2 < 2)
                asm_load_signed_index(&a, false, log2, 7, 8, 9, false), TEXT("ldrs%c w7, [x8, x9]\n", "bh"[log2]);
        }
        if (log2)
            asm_mem_index(&a, false, false, log2, 1, 2, 3, true), TEXT("%s1, [x2, x3, lsl #%u]\n", store[log2], log2);
    }
}

static void jumps(void)
{
    for (unsigned k = 0; k < 200; k++) {
        int words = (int)(k * 1237 % 8000) - 4000;
        uint8_t *j = asm_jump(&a, J_COND | C_LE);
        asm_land_at(&a, j, j + 4 * words), TEXT("b.le .%+d\n", 4 * words);
        j = asm_jump(&a, J_CBNZ | A_X | 9);
        asm_land_at(&a, j, j + 4 * words), TEXT("cbnz x9, .%+d\n", 4 * words);
        j = asm_jump(&a, J_TBZ | 5);
        asm_land_at(&a, j, j + 4 * words), TEXT("tbz w5, #0, .%+d\n", 4 * words);
        j = asm_jump(&a, J_B);
        asm_land_at(&a, j, j + 4000 * words), TEXT("b .%+d\n", 4000 * words);
        asm_bl(&a, asm_here(&a) + (uint64_t)(int64_t)(4 * words)), TEXT("bl .%+d\n", 4 * words);
        asm_adr(&a, 16, words), TEXT("adr x16, .%+d\n", words);
    }
}

static void flags(void)
{
    TEXT(".arch armv8.4-a\n");
    for (unsigned by = 0; by < 64; by++)
        asm_rmif(&a, by % 31, by, by % 16), TEXT("rmif x%u, #%u, #%u\n", by % 31, by, by % 16);
}

static void encode(void)
{
    logic_immediates();
    add_immediates();
    bit_fields();
    accesses();
    jumps();
    flags();
}

static void check_assembler(void **unused) { compare_with_assembler("aarch64-linux-gnu", "", encode); }

/* asm_imm: what its instructions compute */
static uint64_t value_of(const uint8_t *p, const uint8_t *end)
{
    uint64_t v = 0;
    for (; p < end; p += 4) {
        uint32_t w;
        memcpy(&w, p, 4);
        unsigned at = (w >> 21 & 3) * 16;
        uint64_t h = (uint64_t)(w >> 5 & 0xffff) << at, wide = w >> 31 ? ~0ull : 0xffffffff;
        switch (w >> 23 & 0xff) {
        case 0xa5: v = h; break;
        case 0x25: v = ~h & wide; break;
        case 0xe5: v = (v & ~(0xffffull << at)) | h; break;
        default: return 0x5a5a5a5a5a5a5a5a;
        }
    }
    return v;
}

static void check_constants(void **unused)
{
    static uint8_t buf[64];
    uint64_t seed = 1;
    for (unsigned k = 0; k < 200000; k++) {
        struct asm_buf b = { buf, buf, buf + sizeof buf, 0 };
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t v = seed ^ seed >> 29;
        for (unsigned h = 0; h < 4; h++)                  /* many halves of zeros and ones */
            if (seed >> (40 + 2 * h) & 1)
                v = seed >> (41 + 2 * h) & 1 ? v | 0xffffull << 16 * h : v & ~(0xffffull << 16 * h);
        asm_imm(&b, 5, v);
        uint32_t w, bits;
        memcpy(&w, buf, 4);
        if (b.p == buf + 4 && (w & 0x7f800000) == 0x32000000) {
            assert_true(asm_logic_bits(true, v, &bits) && (w & 0x7ffc00) == bits);
            continue;
        }
        assert_true(b.p - buf <= 16);
        assert_int_equal(value_of(buf, b.p), v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(check_assembler), cmocka_unit_test(check_constants) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
