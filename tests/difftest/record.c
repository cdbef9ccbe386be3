/* SPDX-License-Identifier: GPL-2.0-or-later
 * record.c: cases and the processor's results in a file, so that hosts of other kinds can be compared with it. A state is stored as what
 * differs from another: the input from the random state of the case's seed, the result from the input. Little-endian throughout.
 *
 * file:   "wherryd1" fs_base:8 gs_base:8, then cases to its end
 * case:   length:1 (not 0) bytes seed:4 pc:2 (from CODE_BASE) mnemonic:2 how:1 flags mask:2 ignored:2 (offset in the window) in result
 * in:     state changes, memory changes
 * result: signal:1 code:1 pc:8 address:8 (SIGSEGV and SIGBUS only) state changes, memory changes
 */
#include <signal.h>
#include <string.h>
#include "difftest.h"

static const char magic[8] = "wherryd1";

static void put(FILE *f, uint64_t v, unsigned size) { for (unsigned i = 0; i < size; i++) putc((int)(v >> 8 * i & 0xff), f); }

static uint64_t get(FILE *f, unsigned size)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++) { int c = getc(f); v |= (uint64_t)(c < 0 ? 0 : c) << 8 * i; }
    return v;
}

/* --- states: a mask of the fields that differ, then those --- */

enum { CONTROL = 7 };
static uint32_t control(const struct x86_state *s, unsigned k)
{
    switch (k) {
    case 0: return (uint32_t)x86_rflags(s);
    case 1: return s->mxcsr;
    case 2: return s->fcw;
    case 3: return s->fsw;
    case 4: return s->ftw;
    case 5: return s->fop;
    default: return (uint32_t)s->fip;
    }
}

static void set_control(struct x86_state *s, unsigned k, uint32_t v)
{
    switch (k) {
    case 0: x86_set_rflags(s, v); break;
    case 1: s->mxcsr = v; break;
    case 2: s->fcw = (uint16_t)v; break;
    case 3: s->fsw = (uint16_t)v; break;
    case 4: s->ftw = (uint8_t)v; break;
    case 5: s->fop = (uint16_t)v; break;
    default: s->fip = v; break;
    }
}

static bool f80_differs(const struct x86_f80 *a, const struct x86_f80 *b) { return a->mantissa != b->mantissa || a->sign_exp != b->sign_exp; }

static void put_state(FILE *f, const struct x86_state *from, const struct x86_state *to)
{
    unsigned gprs = 0, vecs = 0, sts = 0, controls = 0;
    for (unsigned i = 0; i < 16; i++) gprs |= (unsigned)(from->gpr[i] != to->gpr[i]) << i;
    for (unsigned i = 0; i < 16; i++) vecs |= (unsigned)(memcmp(&from->zmm[i], &to->zmm[i], 16) != 0) << i;
    for (unsigned i = 0; i < 8; i++) sts |= (unsigned)f80_differs(&from->st[i], &to->st[i]) << i;
    for (unsigned i = 0; i < CONTROL; i++) controls |= (unsigned)(control(from, i) != control(to, i)) << i;
    put(f, (gprs != 0) | (vecs != 0) << 1 | (sts != 0) << 2 | (controls != 0) << 3, 1);
    if (gprs) put(f, gprs, 2);
    if (vecs) put(f, vecs, 2);
    if (sts) put(f, sts, 1);
    if (controls) put(f, controls, 1);
    for (unsigned i = 0; i < 16; i++) if (gprs >> i & 1) put(f, to->gpr[i], 8);
    for (unsigned i = 0; i < 16; i++) if (vecs >> i & 1) { put(f, to->zmm[i].u64[0], 8); put(f, to->zmm[i].u64[1], 8); }
    for (unsigned i = 0; i < 8; i++) if (sts >> i & 1) { put(f, to->st[i].mantissa, 8); put(f, to->st[i].sign_exp, 2); }
    for (unsigned i = 0; i < CONTROL; i++) if (controls >> i & 1) put(f, control(to, i), 4);
}

static void get_state(FILE *f, struct x86_state *s)
{
    unsigned parts = (unsigned)get(f, 1), gprs = 0, vecs = 0, sts = 0, controls = 0;
    if (parts & 1) gprs = (unsigned)get(f, 2);
    if (parts & 2) vecs = (unsigned)get(f, 2);
    if (parts & 4) sts = (unsigned)get(f, 1);
    if (parts & 8) controls = (unsigned)get(f, 1);
    for (unsigned i = 0; i < 16; i++) if (gprs >> i & 1) s->gpr[i] = get(f, 8);
    for (unsigned i = 0; i < 16; i++) if (vecs >> i & 1) { s->zmm[i].u64[0] = get(f, 8); s->zmm[i].u64[1] = get(f, 8); }
    for (unsigned i = 0; i < 8; i++) if (sts >> i & 1) { s->st[i].mantissa = get(f, 8); s->st[i].sign_exp = (uint16_t)get(f, 2); }
    for (unsigned i = 0; i < CONTROL; i++) if (controls >> i & 1) set_control(s, i, (uint32_t)get(f, 4));
}

/* --- memory: runs of bytes that differ (offset, length, bytes), ended by a length of 0 --- */

static void put_memory(FILE *f, const uint8_t *from, const uint8_t *to)
{
    for (unsigned i = 0; i < WINDOW;) {
        if (from[i] == to[i]) { i++; continue; }
        unsigned n = 1;
        for (unsigned k = 1; i + k < WINDOW && k < 255 && k < n + 3; k++) if (from[i + k] != to[i + k]) n = k + 1;
        put(f, n, 1); put(f, i, 2); fwrite(to + i, 1, n, f);
        i += n;
    }
    put(f, 0, 1);
}

static bool get_memory(FILE *f, uint8_t *to)
{
    for (unsigned n; (n = (unsigned)get(f, 1)) != 0;) {
        unsigned i = (unsigned)get(f, 2);
        if (i + n > WINDOW || fread(to + i, 1, n, f) != n) return false;
    }
    return true;
}

/* --- cases --- */

bool test_start_recording(FILE *f)
{
    fwrite(magic, 1, sizeof magic, f); put(f, test_fs_base, 8); put(f, test_gs_base, 8);
    return !ferror(f);
}

bool test_start_reading(FILE *f)
{
    char m[sizeof magic];
    if (fread(m, 1, sizeof m, f) != sizeof m || memcmp(m, magic, sizeof m)) return false;
    test_fs_base = get(f, 8); test_gs_base = get(f, 8);
    return true;
}

static void random_start(struct test_case *c)
{
    test_random_state(c->seed, &c->in, c->memory);
    c->in.fs_base = test_fs_base; c->in.gs_base = test_gs_base;
    c->in.pc = c->pc;
}

static bool has_address(int sig) { return sig == SIGSEGV || sig == SIGBUS; }

void test_record(FILE *f, const struct test_case *c, const struct test_result *r)
{
    static struct test_case base;
    base.seed = c->seed; base.pc = c->pc;
    random_start(&base);
    put(f, c->length, 1); fwrite(c->bytes, 1, c->length, f);
    put(f, c->seed, 4); put(f, c->pc - CODE_BASE, 2); put(f, c->mnemonic, 2); put(f, c->how, 1); put(f, c->flags_mask[c->n], 2);
    put(f, c->ignore ? c->ignore + 28 - WINDOW_AT : 0xffff, 2);
    put_state(f, &base.in, &c->in); put_memory(f, base.memory, c->memory);
    put(f, (uint64_t)r->signal, 1); put(f, (uint64_t)r->code, 1); put(f, r->out.pc - CODE_BASE, 8);
    if (has_address(r->signal)) put(f, r->fault_address, 8);
    put_state(f, &c->in, &r->out); put_memory(f, c->memory, r->memory);
}

bool test_read_record(FILE *f, struct test_case *c, struct test_result *r)
{
    int length = getc(f);
    if (length <= 0 || length > 15) return false;
    memset(c->bytes, 0xcc, sizeof c->bytes);
    if (fread(c->bytes, 1, (size_t)length, f) != (size_t)length) return false;
    c->length = (unsigned)length; c->n = 1; c->start[0] = 0; c->start[1] = (uint8_t)length;
    c->seed = (uint32_t)get(f, 4); c->pc = CODE_BASE + get(f, 2); c->mnemonic = (uint16_t)get(f, 2); c->how = (unsigned)get(f, 1);
    c->flags_mask[0] = 0xcd5; c->flags_mask[1] = (uint32_t)get(f, 2);
    c->ignore = get(f, 2) + WINDOW_AT;                /* an MXCSR_MASK */
    c->ignored = 15;
    random_start(c);
    get_state(f, &c->in);
    if (!get_memory(f, c->memory)) return false;
    r->signal = (int)get(f, 1); r->code = (int)get(f, 1);
    r->out = c->in; memcpy(r->memory, c->memory, WINDOW);
    r->out.pc = CODE_BASE + get(f, 8);
    r->fault_address = has_address(r->signal) ? get(f, 8) : 0;
    get_state(f, &r->out);
    r->rflags = x86_rflags(&r->out);
    return get_memory(f, r->memory);
}
