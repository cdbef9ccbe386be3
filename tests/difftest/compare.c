/* SPDX-License-Identifier: GPL-2.0-or-later
 * compare.c: are two results of a case the same, as far as they are defined? */
#include <signal.h>
#include <string.h>
#include <sys/ucontext.h>
#include "difftest.h"
#include "guest/lift.h"

#define CHECK(cond, ...) do { if (!(cond)) { snprintf(why, size, __VA_ARGS__); return true; } } while (0)
#define LL(v) ((unsigned long long)(v))

/* some faults get their names above the engine */
static void name_fault(const struct test_case *c, struct test_result *r)
{
    uint64_t at = r->out.pc - c->pc;
    if (r->signal != SIGSEGV || !r->code || at >= c->length) return;
    bool refused = r->code == SI_KERNEL;
#ifndef TEST_NATIVE                                /* an emulated host says 0 for an address that is not canonical (linux/run.c) */
    refused |= !r->fault_address && x86_address_refused(&r->out, c->bytes + at, sizeof c->bytes - at);
#endif
    switch (x86_fault_kind(&r->out, c->bytes + at, sizeof c->bytes - at, refused)) {
    case X86_FAULT_STACK: r->signal = SIGBUS; break;
    case X86_FAULT_X87: r->signal = SIGFPE; break;
    default: break;
    }
}

/* instructions completed when it ended */
static unsigned completed(const struct test_case *c, const struct test_result *r)
{
    unsigned k = 0;
    while (k < c->n && c->start[k] < r->out.pc - c->pc) k++;
    return r->signal == SIGTRAP ? c->n : k;
}

static bool near(uint32_t a, uint32_t b)
{
    int64_t d = (int64_t)(a & 0x7fffffff) - (int64_t)(b & 0x7fffffff);
    return a == b || ((a ^ b) >> 31 == 0 && d > -8192 && d < 8192);
}

static bool same_vector(const struct test_case *c, const union x86_vec *a, const union x86_vec *b, bool approximate)
{
    if (!approximate || !(c->how & TEST_INEXACT_SSE)) return !memcmp(a, b, 16);
    for (int i = 0; i < 4; i++) if (!near(a->u32[i], b->u32[i])) return false;
    return true;
}

static bool same_f80(const struct test_case *c, const struct x86_f80 *a, const struct x86_f80 *b, bool approximate)
{
    int64_t d = (int64_t)(a->mantissa - b->mantissa);
    if (!approximate || !(c->how & TEST_INEXACT_X87)) return d == 0 && a->sign_exp == b->sign_exp;
    return (d > -64 && d < 64 && a->sign_exp == b->sign_exp) || ((a->sign_exp ^ b->sign_exp) == 1 && (a->mantissa << 1 < 64 || b->mantissa << 1 < 64));
}

static bool differ_x87(const struct test_case *c, const struct test_result *a, const struct test_result *b, bool approximate, char *why, size_t size)
{
    unsigned ignore = approximate && (c->how & TEST_INEXACT_X87) ? 0x220u : 0;                     /* PE, C1 */
    bool entered = (c->how & TEST_MMX) && a->signal != SIGTRAP;
    if (entered) ignore |= 0x3800;
    CHECK(a->out.fcw == b->out.fcw, "fcw %x, natively %x", b->out.fcw, a->out.fcw);
    CHECK(((a->out.fsw ^ b->out.fsw) & ~ignore) == 0, "fsw %x, natively %x (was %x)", b->out.fsw, a->out.fsw, c->in.fsw);
    CHECK(a->out.ftw == b->out.ftw || entered, "ftw %x, natively %x (was %x)", b->out.ftw, a->out.ftw, c->in.ftw);
    for (int i = 0; i < 8; i++) CHECK(same_f80(c, &a->out.st[i], &b->out.st[i], approximate), "x87 register %d %04x:%016llx, natively %04x:%016llx", i,
        b->out.st[i].sign_exp, LL(b->out.st[i].mantissa), a->out.st[i].sign_exp, LL(a->out.st[i].mantissa));
    return false;
}

static bool not_compared(const struct test_case *c, uint64_t at) { return at - c->ignore < 32 && c->ignored >> (at - c->ignore) & 1; }

/* The first part of a 16-byte store whose second part faulted: hosts that split such stores may have written it (docs/DESIGN-NOTES.md). */
static bool may_be_torn(const struct test_result *r, uint64_t at)
{
#ifdef TEST_NATIVE
    return false;
#else
    return r->signal == SIGSEGV && (r->fault_address & 4095) == 0 && at < r->fault_address && r->fault_address - at < 16;
#endif
}

/* AddressSanitizer's shadow is mapped where there is nothing natively: a register that points there explains a fault that does not
 * come, and what the first run wrote there the second one finds */
static bool points_into_shadow(const struct test_case *c)
{
#ifdef __SANITIZE_ADDRESS__
    for (int i = 0; i < 16; i++) if (c->in.gpr[i] - 0x7fff0000 < 0x100000000000) return true;
#endif
    return false;
}

bool test_differ(const struct test_case *c, const struct test_result *native, const struct test_result *own, bool approximate, char *why, size_t size)
{
    const struct test_result *a = native; struct test_result *b = (struct test_result *)own;
    static const char *const name[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };
    if ((c->how & TEST_MASKED_STORE) && a->signal == SIGSEGV && b->signal == SIGTRAP) return false;
    if (points_into_shadow(c)) return false;
    name_fault(c, b);
    CHECK(a->signal == b->signal, "ends with signal %d code %d at %llx, natively %d code %d at %llx", b->signal, b->code, LL(b->out.pc), a->signal, a->code, LL(a->out.pc));
    CHECK(a->out.pc == b->out.pc, "pc %llx, natively %llx", LL(b->out.pc), LL(a->out.pc));
    if (!(c->how & TEST_ANY_ADDRESS) && (a->signal == SIGSEGV || a->signal == SIGBUS))
        CHECK(a->fault_address == b->fault_address, "fault address %llx, natively %llx", LL(b->fault_address), LL(a->fault_address));
    for (int i = 0; i < 16; i++) CHECK(a->out.gpr[i] == b->out.gpr[i], "%s %llx, natively %llx", name[i], LL(b->out.gpr[i]), LL(a->out.gpr[i]));
    unsigned k = completed(c, a);
    uint32_t mask = a->signal == SIGTRAP || k == 0 || test_exact_flags ? c->flags_mask[k] : 0x400;    /* flags that a later instruction sets may be gone at a fault */
    if (c->how & TEST_ANY_FLAGS_AT_FAULT && a->signal != SIGTRAP) mask = 0x400;
    CHECK(((a->rflags ^ b->rflags) & mask) == 0, "flags %llx, natively %llx, mask %x", LL(b->rflags), LL(a->rflags), mask);
    for (int i = 0; i < 16; i++) CHECK(same_vector(c, &a->out.zmm[i], &b->out.zmm[i], approximate), "xmm%d %016llx%016llx, natively %016llx%016llx (was %016llx%016llx)", i,
        LL(b->out.zmm[i].u64[1]), LL(b->out.zmm[i].u64[0]), LL(a->out.zmm[i].u64[1]), LL(a->out.zmm[i].u64[0]), LL(c->in.zmm[i].u64[1]), LL(c->in.zmm[i].u64[0]));
    unsigned sticky = approximate && (c->how & TEST_INEXACT_SSE) ? 0x20 : 0;
    CHECK(((a->out.mxcsr ^ b->out.mxcsr) & ~sticky) == 0, "mxcsr %x, natively %x (was %x)", b->out.mxcsr, a->out.mxcsr, c->in.mxcsr);
    if (differ_x87(c, a, b, approximate, why, size)) return true;
    for (int i = 0; i < WINDOW; i++) CHECK(a->memory[i] == b->memory[i] || not_compared(c, WINDOW_AT + (unsigned)i) || may_be_torn(a, WINDOW_AT + (unsigned)i),
        "memory at %llx: %02x, natively %02x (was %02x)", LL(WINDOW_AT + (unsigned)i), b->memory[i], a->memory[i], c->memory[i]);
    return false;
}
