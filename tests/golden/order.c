/* SPDX-License-Identifier: GPL-2.0-or-later
 * order.c: the accesses of guest memory and the fences in host code, by name and in order: "ld lwsync", "dmb.ishst str". What reads or
 * writes wherry's own state or stack is left out. A call stands for C code, whose order is that of the __atomic operations it uses.
 * Arm ARM C4.1 (loads and stores); Power ISA 3.1 book I 3.3, 4.6, 7.6 and book II 4.6 (storage access, synchronization).
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "golden.h"

struct pattern { uint32_t mask, value; const char *name; };
#define N(a) (sizeof a / sizeof *a)

static const char *match(const struct pattern *p, size_t n, uint32_t word)
{
    for (; n--; p++)
        if ((word & p->mask) == p->value) return p->name;
    return NULL;
}

/* ---- aarch64: the state is addressed by x8, the poll page by x29 and the stack by sp ---- */

static const struct pattern arm_order[] = {
    { 0xffffffff, 0xd5033bbf, "dmb.ish" }, { 0xffffffff, 0xd50339bf, "dmb.ishld" }, { 0xffffffff, 0xd5033abf, "dmb.ishst" }, { 0xfffff01f, 0xd503301f, "barrier" },
    { 0xfc000000, 0x94000000, "call" }, { 0xfffffc1f, 0xd63f0000, "call" },
};
static const struct pattern arm_access[] = {
    { 0x3ffffc00, 0x08dffc00, "ldar" }, { 0x3ffffc00, 0x089ffc00, "stlr" }, { 0x3ffffc00, 0x38bfc000, "ldapr" },
    { 0x3ffffc00, 0x085ffc00, "ldaxr" }, { 0x3fe0fc00, 0x0800fc00, "stlxr" }, { 0x3ffffc00, 0x085f7c00, "ldxr" }, { 0x3fe0fc00, 0x08007c00, "stxr" },
    { 0xbfff8000, 0x887f8000, "ldaxp" }, { 0xbfe08000, 0x88208000, "stlxp" }, { 0xbfff8000, 0x887f0000, "ldxp" }, { 0xbfe08000, 0x88200000, "stxp" },
    { 0x3fe0fc00, 0x08e0fc00, "casal" }, { 0x3fa07c00, 0x08a07c00, "cas(weaker)" }, { 0xbfe0fc00, 0x0860fc00, "caspal" }, { 0xbfa07c00, 0x08207c00, "casp(weaker)" },
    { 0x3fe0fc00, 0x38e08000, "swpal" }, { 0x3fe08c00, 0x38e00000, "ld-op-al" }, { 0x3f200c00, 0x38200000, "atomic(weaker)" },
    { 0xbfbf0000, 0x0d000000, "st1" }, { 0xbf000000, 0x0d000000, "simd-ld-st" },
    { 0x3b400000, 0x28400000, "ldp" }, { 0x3a400000, 0x28000000, "stp" }, { 0x3b000000, 0x18000000, NULL },
};

static const char *arm_name(uint32_t word)
{
    static const struct pattern plain[] = { { 0x3ac00000, 0x38000000, "str" }, { 0x3ec00000, 0x3c800000, "str" }, { 0x3a000000, 0x38000000, "ldr" } };
    unsigned base = word >> 5 & 31;
    const char *order = match(arm_order, N(arm_order), word);
    if (order) return order;
    if ((word & 0x0a000000) != 0x08000000 || base == 8 || base == 29 || base == 31 || (word & 0x3b000000) == 0x18000000) return NULL;
    const char *access = match(arm_access, N(arm_access), word);
    return access ? access : match(plain, N(plain), word);
}

/* ---- POWER: the state is addressed by r30, the poll page by r10 and the stack by r1 ---- */

static const struct { uint16_t xo; const char *name; } power_x[] = {
    { 20, "lwarx" }, { 84, "ldarx" }, { 52, "lbarx" }, { 116, "lharx" }, { 276, "lqarx" },
    { 150, "stwcx." }, { 214, "stdcx." }, { 694, "stbcx." }, { 726, "sthcx." }, { 182, "stqcx." },
    { 21, "ld" }, { 23, "ld" }, { 87, "ld" }, { 279, "ld" }, { 343, "ld" }, { 341, "ld" }, { 532, "ld" }, { 534, "ld" }, { 790, "ld" },
    { 149, "st" }, { 151, "st" }, { 215, "st" }, { 407, "st" }, { 660, "st" }, { 662, "st" }, { 918, "st" },
    { 844, "ldv" }, { 780, "ldv" }, { 876, "ldv" }, { 812, "ldv" }, { 268, "ldv" }, { 588, "ldv" }, { 12, "ldv" }, { 76, "ldv" }, { 524, "ldv" }, { 103, "ldv" }, { 599, "ldv" },
    { 535, "ldv" }, { 855, "ldv" }, { 887, "ldv" }, { 332, "ldv" }, { 781, "ldv" }, { 813, "ldv" },
    { 972, "stv" }, { 908, "stv" }, { 1004, "stv" }, { 940, "stv" }, { 396, "stv" }, { 716, "stv" }, { 140, "stv" }, { 652, "stv" }, { 231, "stv" }, { 727, "stv" },
    { 663, "stv" }, { 983, "stv" }, { 909, "stv" }, { 941, "stv" }, { 135, "stv" }, { 167, "stv" }, { 199, "stv" },
};
/* by primary opcode, for those with a displacement */
static const char *const power_d[64] = { [32] = "ld", "ld", "ld", "ld", "st", "st", "st", "st", "ld", "ld", "ld", "ld", "st", "st",
    [48] = "ldv", "ldv", "ldv", "ldv", "stv", "stv", "stv", "stv", "lq", "ldv", "ld", [62] = "st" };

static const char *power_name(uint32_t word)
{
    unsigned opcode = word >> 26, xo = word >> 1 & 0x3ff, base = word >> 16 & 31;
    if (opcode == 31 && xo == 598)
        return (word >> 21 & 3) == 0 ? "hwsync" : (word >> 21 & 3) == 1 ? "lwsync" : "sync?";
    if (word == 0x4c00012c) return "isync";
    if (word == 0x4e800421 || (opcode == 18 && (word & 1))) return "call";
    if (base == 30 || base == 10 || base == 1) return NULL;
    if (opcode == 61) return (word & 7) == 1 ? "ldv" : "stv";
    if (opcode != 31) return power_d[opcode];
    unsigned index = word >> 11 & 31;
    for (size_t i = 0; i < N(power_x) && index != 31; i++)
        if (power_x[i].xo == xo) return power_x[i].name;
    return NULL;
}

/* ---- x86-64 has the guest's own order: nothing but the guest's instructions stands there, so no listing ---- */

void golden_print_order(const char *host, const uint8_t *code, size_t size)
{
    const char *(*name)(uint32_t) = !strcmp(host, "aarch64") ? arm_name : !strcmp(host, "ppc64le") ? power_name : NULL;
    bool any = false;
    for (size_t i = 0; name && i + 4 <= size; i += 4) {
        uint32_t word;
        memcpy(&word, code + i, sizeof word);
        const char *n = name(word);
        if (n) printf(" %s", n), any = true;
    }
    printf(any ? "\n" : " -\n");
}
