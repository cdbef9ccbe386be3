/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_lift.c: whatever bytes the lifter is given, its IR is well formed, stays so when optimized, and its text form
 * is complete. The bytes: noise, noise behind each prefix and opcode map, and this program's own code where that is x86.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "guest/lift.h"

/* what helpers ask of the engine; nothing is executed here */
void ir_divide_error(void *state) { abort(); }
void ir_alignment_fault(void *state) { abort(); }
void ir_fp_fault(void *state, unsigned mxcsr_flags) { abort(); }
void x86_gp_fault(void *state) { abort(); }
void x86_fp_fault(void *state, unsigned exceptions) { abort(); }

struct code { const uint8_t *p; size_t n; };
static struct ir_block block, parsed;

static size_t fetchable(void *ctx, uint64_t pc, size_t want)
{
    const struct code *c = ctx;
    uint64_t at = pc - (uint64_t)(uintptr_t)c->p;
    return at >= c->n ? 0 : c->n - at < want ? c->n - at : want;
}

static char *text_of(const struct ir_block *b)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print(f, b);
    fclose(f);
    return text;
}

static void check(const char *stage)
{
    const char *error = ir_verify(&block);
    if (!error)
        return;
    char *text = text_of(&block);
    fail_msg("%s: %s\n%s", stage, error, text);
}

static void check_text(void)
{
    char *text = text_of(&block);
    const char *error = ir_parse(text, &parsed);
    if (error || parsed.n != block.n || memcmp(parsed.insn, block.insn, block.n * sizeof block.insn[0]))
        fail_msg("%s\n%s", error ? error : "differs after parsing", text);
    free(text);
}

/* block after block; returns the number of guest instructions */
static unsigned lift_all(struct code c, unsigned max_insns, unsigned max_conditional)
{
    struct x86_lift_config cfg = { max_insns, max_conditional, fetchable, &c };
    uint64_t pc = (uint64_t)(uintptr_t)c.p, end = pc + c.n;
    unsigned n = 0, blocks = 0;
    while (pc < end) {
        x86_lift(&cfg, pc, &block);
        assert_true(block.guest_pc == pc && block.n_guest_insns <= max_insns);
        check("lifted");
        n += block.n_guest_insns;
        pc = block.guest_end > pc ? block.guest_end : pc + 1;
        ir_opt(&block, blocks & 1);
        check("optimized");
        if (blocks++ % 16 == 0)
            check_text();
    }
    return n;
}

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static void noise(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        p[i] = (uint8_t)(seed >> 33);
    }
}

static void test_noise(void **state)
{
    static uint8_t bytes[1 << 17];
    noise(bytes, sizeof bytes);
    lift_all((struct code){ bytes, sizeof bytes }, 16, 3);
}

/* each opcode of each map behind each interesting prefix, with a few operand bytes */
static void test_maps(void **state)
{
    static const char *const prefix[] = { "", "\x66", "\xf2", "\xf3", "\x48", "\x66\x48", "\xf3\x48", "\xf0", "\xf0\x48", "\x67", "\x64", "\x41" };
    static const char *const map[] = { "", "\x0f", "\x0f\x38", "\x0f\x3a" };
    uint8_t bytes[32];
    for (unsigned p = 0; p < sizeof prefix / sizeof prefix[0]; p++)
        for (unsigned m = 0; m < 4; m++)
            for (unsigned op = 0; op < 256; op++)
                for (unsigned k = 0; k < 12; k++) {
                    size_t n = strlen(prefix[p]), n_map = strlen(map[m]);
                    noise(bytes, sizeof bytes);
                    memcpy(bytes, prefix[p], n);
                    memcpy(bytes + n, map[m], n_map);
                    bytes[n + n_map] = (uint8_t)op;
                    lift_all((struct code){ bytes, k & 1 ? 16 : sizeof bytes }, 1 + k % 3, 0);
                }
}

static void test_own_code(void **state)
{
#ifdef __x86_64__
    extern const uint8_t etext;
    const uint8_t *main_code = (const uint8_t *)(uintptr_t)lift_all;
    assert_true(lift_all((struct code){ main_code, (size_t)(&etext - main_code) }, 64, 4) > 1000);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_noise), cmocka_unit_test(test_maps), cmocka_unit_test(test_own_code) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
