/* SPDX-License-Identifier: GPL-2.0-or-later
 * cpuid.c: what CPUID tells: the processor models, their features (never more than is lifted), caches and names. Manual:
 * Intel SDM volume 2, CPUID. No AVX and XSAVE, so programs choose their SSE code; AES, PCLMULQDQ and SHA where the host is fast at
 * them (elsewhere a library's own tables are faster); no ERMS and FSRM, because repeated string instructions are helper calls on other hosts than x86-64.
 */
#include <string.h>
#include "guest/lift.h"

enum { LEAF1C_SSE3 = 1 << 0, LEAF1C_PCLMUL = 1 << 1, LEAF1C_SSSE3 = 1 << 9, LEAF1C_CX16 = 1 << 13, LEAF1C_SSE41 = 1 << 19, LEAF1C_SSE42 = 1 << 20,
       LEAF1C_MOVBE = 1 << 22, LEAF1C_POPCNT = 1 << 23, LEAF1C_AES = 1 << 25, LEAF1C_RDRAND = 1 << 30,
       LEAF1C_V2 = LEAF1C_SSE3 | LEAF1C_SSSE3 | LEAF1C_CX16 | LEAF1C_SSE41 | LEAF1C_SSE42 | LEAF1C_POPCNT };
/* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 */
enum { LEAF1D_BASE = 0x078bfbff };
enum { LEAF7B_FSGSBASE = 1 << 0, LEAF7B_BMI1 = 1 << 3, LEAF7B_BMI2 = 1 << 8, LEAF7B_RDSEED = 1 << 18, LEAF7B_ADX = 1 << 19,
       LEAF7B_CLFLUSHOPT = 1 << 23, LEAF7B_SHA = 1 << 29, LEAF7C_RDPID = 1 << 22 };
enum { EXT1C_LAHF = 1 << 0, EXT1C_LZCNT = 1 << 5, EXT1C_PREFETCHW = 1 << 8,
       EXT1D_SYSCALL = 1 << 11, EXT1D_NX = 1 << 20, EXT1D_PAGE1GB = 1 << 26, EXT1D_RDTSCP = 1 << 27, EXT1D_LM = 1 << 29,
       EXT1D_BASE = EXT1D_SYSCALL | EXT1D_NX | EXT1D_LM };

struct model {
    const char *name, *vendor;
    uint32_t signature;              /* family, model, stepping as in leaf 1 */
    uint32_t leaf1c, leaf7b, leaf7c, ext1c, ext1d;
};

/* The signature of a Nehalem, so that C libraries prefer their plain SSE2 copying; the first is the default. */
static const struct model models[] = {
    { "max", "GenuineIntel", 0x106a5, LEAF1C_V2 | LEAF1C_MOVBE | LEAF1C_RDRAND,
      LEAF7B_FSGSBASE | LEAF7B_BMI1 | LEAF7B_BMI2 | LEAF7B_RDSEED | LEAF7B_ADX | LEAF7B_CLFLUSHOPT, LEAF7C_RDPID,
      EXT1C_LAHF | EXT1C_LZCNT | EXT1C_PREFETCHW, EXT1D_BASE | EXT1D_RDTSCP | EXT1D_PAGE1GB },
    { "qemu64", "AuthenticAMD", 0x60fb1, LEAF1C_SSE3 | LEAF1C_CX16, 0, 0, EXT1C_LAHF, EXT1D_BASE },
    { "Nehalem", "GenuineIntel", 0x106a3, LEAF1C_V2, 0, 0, EXT1C_LAHF, EXT1D_BASE | EXT1D_RDTSCP },
    { "x86-64-v1", "GenuineIntel", 0x106a3, 0, 0, 0, 0, EXT1D_BASE },
    { "x86-64-v2", "GenuineIntel", 0x106a3, LEAF1C_V2, 0, 0, EXT1C_LAHF, EXT1D_BASE | EXT1D_RDTSCP },
};
enum { N_MODELS = sizeof models / sizeof models[0] };

const char *const x86_cpu_models[] = { "max", "qemu64", "Nehalem", "x86-64-v1", "x86-64-v2", NULL };

static const struct model *selected = &models[0];
static uint32_t fast1c, fast7b;              /* features that only the first model has, and only on some hosts */

void x86_cpuid_fast(unsigned what)
{
    fast1c = (what & X86_FAST_AES ? LEAF1C_AES : 0) | (what & X86_FAST_PCLMUL ? LEAF1C_PCLMUL : 0);
    fast7b = what & X86_FAST_SHA ? LEAF7B_SHA : 0;
}

static bool is_max(void) { return selected == &models[0]; }

int x86_cpuid_select(const char *name)
{
    for (unsigned i = 0; i < N_MODELS; i++)
        if (!strcmp(models[i].name, name)) {
            selected = &models[i];
            return 0;
        }
    return -1;
}

/* --- leaves --- */

static void set(uint32_t out[4], uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

static void vendor(uint32_t out[4], uint32_t max_leaf)
{
    out[0] = max_leaf;
    memcpy(&out[1], selected->vendor, 4);
    memcpy(&out[3], selected->vendor + 4, 4);
    memcpy(&out[2], selected->vendor + 8, 4);
}

/* leaf 4: type 1 data, 2 instructions, 3 both; bytes in units of 1 KiB; lines of 64 bytes */
struct cache { uint8_t type, level; uint16_t ways; uint32_t kib; };
static const struct cache caches[] = { { 1, 1, 8, 32 }, { 2, 1, 8, 32 }, { 3, 2, 8, 512 }, { 3, 3, 16, 16384 } };
enum { N_CACHES = sizeof caches / sizeof caches[0], LINE = 64 };

static void cache_leaf(uint32_t out[4], uint32_t index)
{
    if (index >= N_CACHES)
        return;
    const struct cache *c = &caches[index];
    uint32_t sets = c->kib * 1024 / LINE / c->ways;
    set(out, c->type | (uint32_t)c->level << 5 | 1u << 8, (LINE - 1) | (uint32_t)(c->ways - 1) << 22, sets - 1, 0);
}

/* leaf 11: one thread in one core */
static void topology_leaf(uint32_t out[4], uint32_t level)
{
    set(out, 0, level < 2 ? 1 : 0, level | (level < 2 ? (level + 1) << 8 : 0), 0);
}

static void brand(uint32_t out[4], unsigned part)
{
    static const char name[48] = "wherry virtual CPU";
    memcpy(out, name + 16 * part, 16);
}

static void extended_leaf(uint32_t leaf, uint32_t out[4])
{
    switch (leaf) {
    case 0x80000000: vendor(out, 0x80000008); break;
    case 0x80000001: set(out, selected->vendor[0] == 'A' ? selected->signature : 0, 0, selected->ext1c, selected->ext1d); break;
    case 0x80000002: case 0x80000003: case 0x80000004: brand(out, leaf - 0x80000002); break;
    case 0x80000005: set(out, 0, 0, 32u << 24 | 8 << 16 | 1 << 8 | LINE, 32u << 24 | 8 << 16 | 1 << 8 | LINE); break;
    case 0x80000006: set(out, 0, 0, 512u << 16 | 6 << 12 | 1 << 8 | LINE, 32u << 18 | 8 << 12 | 1 << 8 | LINE); break;
    case 0x80000007: set(out, 0, 0, 0, 1 << 8); break;        /* the time-stamp counter runs evenly */
    case 0x80000008: set(out, 48 | 48 << 8, 0, 0, 0); break;
    }
}

void x86_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    set(out, 0, 0, 0, 0);
    switch (leaf) {
    case 0: vendor(out, 11); break;
    case 1: set(out, selected->signature, 1u << 16 | LINE / 8 << 8, selected->leaf1c | (is_max() ? fast1c : 0), LEAF1D_BASE); break;
    case 2: set(out, 0x00feff01, 0xf0, 0, 0); break;          /* "see leaf 4", 64-byte prefetch */
    case 4: cache_leaf(out, subleaf); break;
    case 6: set(out, 1 << 2, 0, 0, 0); break;
    case 7:
        if (subleaf == 0)
            set(out, 0, selected->leaf7b | (is_max() ? fast7b : 0), selected->leaf7c, 0);
        break;
    case 11: topology_leaf(out, subleaf); break;
    default: extended_leaf(leaf, out); break;
    }
}
