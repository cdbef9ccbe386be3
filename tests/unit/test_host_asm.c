/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_asm.c: the x86-64 encoder against the assembler. Each form over all registers and kinds of address is encoded, written down in
 * assembly beside it, and `as` must give the same bytes. (Where several encodings are right, the list asks for the one that we choose.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "host/x86_64/asm.h"

static const char *const name[4][16] = {
    { "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b" },
    { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w" },
    { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d" },
    { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" },
};
static const char *const alu_name[] = { "add", "or", "adc", "sbb", "and", "sub", "xor", "cmp" };
static const char *const width_name[] = { "byte", "word", "dword", "qword" };
enum { MAX = 40000, SIZE = MAX * 16 };
static uint8_t bytes[SIZE];
static uint32_t start[MAX + 1];
static char (*text)[64];
static unsigned n;
static struct asm_buf a = { bytes, bytes, bytes + SIZE, 0 };

/* what was just encoded is this */
static void is(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text[n], sizeof text[n], fmt, ap);
    va_end(ap);
    start[++n] = asm_offset(&a);
}

static const struct asm_mem addresses[] = {
    { AT_REGS, RAX, NO_REG, 0, 0, 0 }, { AT_REGS, RSP, NO_REG, 0, 0, 0 }, { AT_REGS, RBP, NO_REG, 0, 0, 0 }, { AT_REGS, R12, NO_REG, 0, 8, 0 },
    { AT_REGS, R13, NO_REG, 0, 0, 0 }, { AT_REGS, R15, NO_REG, 0, -128, 0 }, { AT_REGS, RDI, NO_REG, 0, 127, 0 }, { AT_REGS, RSI, NO_REG, 0, 128, 0 },
    { AT_REGS, R8, NO_REG, 0, -129, 0 }, { AT_REGS, RBX, RCX, 0, 0, 0 }, { AT_REGS, R13, R14, 3, 0, 0 }, { AT_REGS, RBP, R12, 1, 5, 0 },
    { AT_REGS, RSP, RAX, 2, 0x12345678, 0 }, { AT_REGS, R12, RBP, 3, -1, 0 }, { AT_REGS, NO_REG, RDX, 3, 0x1000, 0 }, { AT_REGS, NO_REG, R13, 1, 0, 0 },
    { AT_REGS, NO_REG, NO_REG, 0, 0x1234, 0 }, { AT_STATE, NO_REG, NO_REG, 0, 0x88, 0 }, { AT_STATE, NO_REG, NO_REG, 0, 0x12340, 0 },
};
enum { N_ADDRESSES = sizeof addresses / sizeof *addresses };

static const char *memory(const struct asm_mem *m)
{
    static char s[64];
    char *p = s;
    p += sprintf(p, "%s[", m->kind == AT_STATE ? "gs:" : m->base == NO_REG && m->index == NO_REG ? "ds:" : "");
    if (m->base != NO_REG)
        p += sprintf(p, "%s+", name[3][m->base]);
    if (m->index != NO_REG)
        p += sprintf(p, "%s*%u+", name[3][m->index], 1u << m->scale);
    sprintf(p, "%d]", m->disp);
    return s;
}

static void registers(unsigned k, unsigned d, unsigned s)
{
    unsigned size = 1u << k;
    const char *dst = name[k][d], *src = name[k][s];
    asm_mov_rr(&a, size, d, s); is("mov %s, %s", dst, src);
    asm_alu_rr(&a, (enum alu)(d & 7), size, d, s); is("%s %s, %s", alu_name[d & 7], dst, src);
    if (size > 1) {
        asm_rr(&a, OP_0F(0xaf), size, d, s); is("imul %s, %s", dst, src);
        asm_rr(&a, OP_0F(0x44), size, d, s); is("cmovz %s, %s", dst, src);
    }
    if (size >= 4) {
        asm_movsx_rr(&a, 1, size, d, s); is("movsx %s, %s", dst, name[0][s]);
        asm_movsx_rr(&a, 2, size, d, s); is("movsx %s, %s", dst, name[1][s]);
        asm_vex_rr(&a, OP_0F38(0xf7) | P_66, size, d, s, d ^ 5); is("shlx %s, %s, %s", dst, name[k][d ^ 5], src);
        asm_vex_rr(&a, OP_0F38(0xf5) | P_F2, size, d, s, d ^ 9); is("pdep %s, %s, %s", dst, src, name[k][d ^ 9]);
    }
    if (size == 4) {
        asm_movzx_rr(&a, 1, d, s); is("movzx %s, %s", dst, name[0][s]);
        asm_movzx_rr(&a, 2, d, s); is("movzx %s, %s", dst, name[1][s]);
        asm_rr(&a, OP_0F(0xfe) | P_66, 4, d, s); is("paddd xmm%u, xmm%u", d, s);
        asm_rr(&a, OP_0F38(0x00) | P_66, 4, d, s); is("pshufb xmm%u, xmm%u", d, s);
        asm_rr(&a, OP_0F(0x2a) | P_F2, 8, d, s); is("cvtsi2sd xmm%u, %s", d, name[3][s]);
    }
}

static void one_register(unsigned k, unsigned r)
{
    unsigned size = 1u << k;
    const char *reg = name[k][r];
    asm_group_r(&a, 0xf7, 3, size, r); is("neg %s", reg);
    asm_group_r(&a, 0xff, 1, size, r); is("dec %s", reg);
    asm_group_r(&a, 0xd3, SH_SAR, size, r); is("sar %s, cl", reg);
    asm_shift_ri(&a, SH_ROL, size, r, 1); is("rol %s, 1", reg);
    asm_shift_ri(&a, SH_SHR, size, r, 7); is("shr %s, 7", reg);
    if (r != RAX) {                              /* the assembler has shorter forms for the accumulator */
        asm_alu_ri(&a, ALU_XOR, size, r, 0x12); is("xor %s, 0x12", reg);
        if (size >= 4) {
            asm_alu_ri(&a, ALU_CMP, size, r, -0x12345); is("cmp %s, -0x12345", reg);
        }
        asm_test_ri(&a, size, r, 0x55); is("test %s, 0x55", reg);
    }
    if (size >= 4) {
        asm_bswap(&a, size, r); is("bswap %s", reg);
    }
    if (size == 8) {
        asm_mov_imm(&a, r, 0x89abcdef); is("mov %s, 0x89abcdef", name[2][r]);
        asm_mov_imm(&a, r, (uint64_t)-5); is("mov %s, -5", reg);
        asm_mov_imm(&a, r, 0x123456789abcdef0); is("movabs %s, 0x123456789abcdef0", reg);
        asm_setcc_r(&a, CC_LE, r); is("setle %s", name[0][r]);
        asm_zero(&a, r); is("xor %s, %s", name[2][r], name[2][r]);
    }
}

static void with_memory(unsigned k, unsigned r, const struct asm_mem *m)
{
    unsigned size = 1u << k;
    const char *reg = name[k][r], *w = width_name[k], *at = memory(m);
    asm_load(&a, size, r, *m); is("mov %s, %s", reg, at);
    asm_store(&a, size, *m, r); is("mov %s, %s", at, reg);
    asm_alu_rm(&a, ALU_SBB, size, r, *m); is("sbb %s, %s", reg, at);
    asm_alu_mr(&a, ALU_ADD, size, *m, r, true); is("lock add %s, %s", at, reg);
    if (r == 3) {
        asm_alu_mi(&a, ALU_AND, size, *m, 0x34, false); is("and %s ptr %s, 0x34", w, at);
        asm_store_imm(&a, size, *m, 0x56); is("mov %s ptr %s, 0x56", w, at);
        asm_test_mi(&a, size, *m, 0x11); is("test %s ptr %s, 0x11", w, at);
        asm_group_m(&a, 0xff, 0, size, *m, 0, true); is("lock inc %s ptr %s", w, at);
    }
    if (size == 8) {
        asm_lea(&a, 8, r, *m);
        if (m->kind == AT_STATE)
            a.p = bytes + start[n];
        else
            is("lea %s, %s", reg, at);
        asm_rm(&a, OP_0F(0x28), 4, r, *m, 0); is("movaps xmm%u, %s", r, at);
        asm_rm(&a, OP_0F(0x10) | P_F2, 4, r, *m, 0); is("movsd xmm%u, %s", r, at);
        asm_movzx_rm(&a, 1, r, *m); is("movzx %s, byte ptr %s", name[2][r], at);
        asm_movsx_rm(&a, 4, 8, r, *m); is("movsxd %s, dword ptr %s", reg, at);
    }
}

static void test_encodings(void **unused)
{
    if (system("as --version > /dev/null 2>&1"))
        skip();
    text = calloc(MAX, sizeof *text);
    for (unsigned k = 0; k < 4; k++)
        for (unsigned d = 0; d < 16; d++) {
            one_register(k, d);
            for (unsigned s = 0; s < 16; s++)
                registers(k, d, s);
            for (unsigned m = 0; m < N_ADDRESSES; m++)
                with_memory(k, d, &addresses[m]);
        }
    char source[] = "/tmp/test-asm-XXXXXX", command[256];
    int fd = mkstemp(source);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f, ".intel_syntax noprefix\n");
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "%s\n", text[i]);
    fclose(f);
    snprintf(command, sizeof command, "as -W --64 -o %s.o %s && objcopy -O binary -j .text %s.o %s.bin", source, source, source, source);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s.bin", source);
    f = fopen(command, "r");
    assert_non_null(f);
    static uint8_t expected[SIZE];
    size_t size = fread(expected, 1, SIZE, f);
    fclose(f);
    unsigned bad = 0;
    for (unsigned i = 0; i < n && !bad; i++)
        if (memcmp(expected + start[i], bytes + start[i], start[i + 1] - start[i])) {
            fprintf(stderr, "%s: encoded as", text[i]);
            for (uint32_t k = start[i]; k < start[i + 1]; k++)
                fprintf(stderr, " %02x", bytes[k]);
            fprintf(stderr, ", assembled");
            for (uint32_t k = start[i]; k < start[i + 1] + 2; k++)
                fprintf(stderr, " %02x", expected[k]);
            fprintf(stderr, "\n");
            bad++;
        }
    assert_int_equal(bad, 0);
    assert_int_equal(size, start[n]);
    snprintf(command, sizeof command, "rm -f %s %s.o %s.bin", source, source, source);
    assert_int_equal(system(command), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_encodings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
