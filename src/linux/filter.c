/* SPDX-License-Identifier: GPL-2.0-or-later
 * filter.c: classic BPF as seccomp(2) has it: the check of a program and its interpreter. The instructions are those that Linux allows
 * there: words of struct seccomp_data, 16 words of memory, two registers, jumps forward only.
 */
#include <stdlib.h>
#include <string.h>
#include "linux/filters.h"

#define WIDE (BPF_LD | BPF_W | BPF_ABS)

/* ---- the check ---- */

static bool allowed(uint16_t code)
{
    switch (code) {
    case WIDE: case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN: case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX: case BPF_MISC | BPF_TAX: case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K: case BPF_RET | BPF_A: case BPF_ALU | BPF_NEG: case BPF_JMP | BPF_JA: return true;
    }
    switch (code & ~BPF_X) {
    case BPF_ALU | BPF_ADD: case BPF_ALU | BPF_SUB: case BPF_ALU | BPF_MUL: case BPF_ALU | BPF_DIV: case BPF_ALU | BPF_AND: case BPF_ALU | BPF_OR:
    case BPF_ALU | BPF_XOR: case BPF_ALU | BPF_LSH: case BPF_ALU | BPF_RSH:
    case BPF_JMP | BPF_JEQ: case BPF_JMP | BPF_JGE: case BPF_JMP | BPF_JGT: case BPF_JMP | BPF_JSET: return true;
    default: return false;
    }
}

static bool operands_fine(const struct sock_filter *i, unsigned left)
{
    switch (i->code) {
    case WIDE: return i->k < sizeof(struct seccomp_data) && !(i->k & 3);
    case BPF_ALU | BPF_DIV | BPF_K: return i->k != 0;
    case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_K: return i->k < 32;
    case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: case BPF_ST: case BPF_STX: return i->k < BPF_MEMWORDS;
    case BPF_JMP | BPF_JA: return i->k < left;
    default: return BPF_CLASS(i->code) != BPF_JMP || (i->jt < left && i->jf < left);
    }
}

/* No word of the memory is read that was not written on every way there. Jumps lead forward, so one pass meets each place after all that lead to it. */
static bool memory_written(const struct sock_filter *insn, unsigned n)
{
    uint16_t *at = malloc(n * sizeof *at), now = 0;
    bool fine = at != NULL;
    if (fine)
        memset(at, 0xff, n * sizeof *at);
    for (unsigned k = 0; k < n && fine; k++) {
        const struct sock_filter *i = &insn[k];
        now &= at[k];
        switch (i->code) {
        case BPF_ST: case BPF_STX: now |= (uint16_t)(1u << i->k); break;
        case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM: fine = now >> i->k & 1; break;
        case BPF_JMP | BPF_JA:
            at[k + 1 + i->k] &= now;
            now = 0xffff;
            break;
        default:
            if (BPF_CLASS(i->code) != BPF_JMP)
                break;
            at[k + 1 + i->jt] &= now;
            at[k + 1 + i->jf] &= now;
            now = 0xffff;
        }
    }
    free(at);
    return fine;
}

bool filter_valid(const struct sock_filter *insn, unsigned n)
{
    if (!n || n > BPF_MAXINSNS)
        return false;
    for (unsigned k = 0; k < n; k++)
        if (!allowed(insn[k].code) || !operands_fine(&insn[k], n - 1 - k))
            return false;
    return BPF_CLASS(insn[n - 1].code) == BPF_RET && memory_written(insn, n);
}

/* ---- the interpreter ---- */

/* Division by a zero in X ends the program with 0, which kills. */
static bool compute(uint16_t code, uint32_t *a, uint32_t v)
{
    switch (BPF_OP(code)) {
    case BPF_ADD: *a += v; break;
    case BPF_SUB: *a -= v; break;
    case BPF_MUL: *a *= v; break;
    case BPF_DIV:
        if (!v)
            return false;
        *a /= v;
        break;
    case BPF_AND: *a &= v; break;
    case BPF_OR: *a |= v; break;
    case BPF_XOR: *a ^= v; break;
    case BPF_LSH: *a <<= v & 31; break;
    case BPF_RSH: *a >>= v & 31; break;
    default: *a = -*a;
    }
    return true;
}

static bool jumps(uint16_t code, uint32_t a, uint32_t v)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ: return a == v;
    case BPF_JGE: return a >= v;
    case BPF_JGT: return a > v;
    default: return a & v;
    }
}

static uint32_t word(const struct seccomp_data *data, uint32_t at)
{
    uint32_t v;
    memcpy(&v, (const char *)data + at, sizeof v);
    return v;
}

uint32_t filter_run(const struct linux_filter *f, const struct seccomp_data *data)
{
    uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };
    for (const struct sock_filter *i = f->insn;; i++) {
        uint32_t v = BPF_SRC(i->code) == BPF_X ? x : i->k;
        switch (BPF_CLASS(i->code)) {
        case BPF_LD: case BPF_LDX: {
            uint32_t got = i->code == WIDE ? word(data, i->k) : BPF_MODE(i->code) == BPF_LEN ? sizeof *data : BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k;
            *(BPF_CLASS(i->code) == BPF_LD ? &a : &x) = got;
            break;
        }
        case BPF_ST: memory[i->k] = a; break;
        case BPF_STX: memory[i->k] = x; break;
        case BPF_ALU:
            if (!compute(i->code, &a, v))
                return 0;
            break;
        case BPF_JMP: i += BPF_OP(i->code) == BPF_JA ? i->k : jumps(i->code, a, v) ? i->jt : i->jf; break;
        case BPF_RET: return BPF_RVAL(i->code) == BPF_A ? a : i->k;
        default:                                         /* BPF_MISC */
            if (BPF_MISCOP(i->code) == BPF_TAX)
                x = a;
            else
                a = x;
        }
    }
}
