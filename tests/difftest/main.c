/* SPDX-License-Identifier: GPL-2.0-or-later
 * main.c: difftest [--tier 0|1|2] [--cases N] [--seed N] [--only PATTERN,...] [--length N] [--exact] [--all] [--verbose]: random instructions with
 * random states on the real processor and through wherry; registers, flags (undefined ones masked), vectors, x87, MXCSR, memory and
 * faults must be equal. Prints each mnemonic that differs with its first case, and ends with 'N passed, N failed', where N counts mnemonics.
 *   --length N: sequences of 2 to N instructions     --exact: all flags at faults too     --all: every failing case
 *   --record FILE: --cases N of each opcode, with what the processor does     --replay FILE: the same through a tier, on any host,
 *   the mnemonics of --only and the first --cases of each
 *   --soft: x87 by softfloat on every host; --replay then allows for inexact functions
 *   --inexact: tier 2 without a thought for faults; cases that fault are left out
 *   --fuzz N: N times random bytes as code; only a crash of wherry fails
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "difftest.h"
#include "guest/x87.h"
#include "vendor.h"

static struct { int tier; long cases, fuzz; uint64_t seed; unsigned length; const char *only, *record, *replay; bool verbose, all, exact, soft, inexact; }
    opt = { .tier = 1, .cases = 200000, .seed = 1, .length = 1 };

static void print_registers(const struct test_case *c)
{
    for (int i = 0; i < 16; i++) printf("  r%-2d %016llx%s", i, (long long)c->in.gpr[i], i % 4 == 3 ? "\n" : "");
    printf("  flags %llx mxcsr %x fcw %x fsw %x ftw %x pc %llx\n", (long long)x86_rflags(&c->in), c->in.mxcsr, c->in.fcw, c->in.fsw, c->in.ftw, (long long)c->pc);
    for (int i = 0; i < 16; i++) printf("  xmm%-2d %016llx%016llx%s", i, (long long)c->in.zmm[i].u64[1], (long long)c->in.zmm[i].u64[0], i % 2 ? "\n" : "");
}

static void report(struct test_case *c, int sig, const char *why)
{
    test_describe(c);
    printf("FAIL %s:", c->text);
    for (unsigned i = 0; i < c->length; i++) printf(" %02x", c->bytes[i]);
    printf(": %s [natively signal %d]\n", why, sig);
    if (opt.verbose) print_registers(c);
}

/* one counter a mnemonic; a failing one is shown once */
static unsigned *bad, *done;

static void judge(struct test_case *c, const struct test_result *native, const struct test_result *own, bool approximate, unsigned k)
{
    char why[400];
    if (opt.inexact && native->signal != SIGTRAP && native->signal != SIGILL) return;
    done[k]++;
    if (test_differ(c, native, own, approximate, why, sizeof why) && (!bad[k]++ || opt.all)) report(c, native->signal, why);
}

static int verdict(unsigned n, long cases)
{
    unsigned passed = 0, failed = 0;
    for (unsigned k = 0; k < n; k++) if (bad[k]) failed++; else if (done[k]) passed++;
    if (opt.tier == 2 && !test_wherry_regions()) { printf("FAIL no region was made\n"); failed++; }
    fprintf(stderr, "difftest: tier %d, %ld cases, %llu regions\n", opt.tier, cases, (unsigned long long)test_wherry_regions());
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}

static int replay(void)
{
    static struct test_case c; static struct test_result native, own;
    FILE *f = fopen(opt.replay, "rb");
    if (!f || !test_start_reading(f)) { fprintf(stderr, "difftest: %s is no record\n", opt.replay); return 2; }
    unsigned n = 1 << 16;
    bad = calloc(n, sizeof *bad); done = calloc(n, sizeof *done);
    long cases = 0;
    while (test_read_record(f, &c, &native)) {
        if (done[c.mnemonic] == opt.cases || (opt.only && !test_wanted(&c, opt.only)) || vendor_undefined(&c)) continue;
        cases++;
        test_wherry(&c, &own);
        judge(&c, &native, &own, true, c.mnemonic);
    }
    fclose(f);
    return verdict(n, cases);
}

#ifdef TEST_NATIVE
/* a place for the code, changing from case to case */
static uint64_t next_pc(void)
{
    static uint64_t slot;
    enum { SLOT = 128, FIRST = 0x2000, SLOTS = ((int)CODE_SIZE - 2 * FIRST) / SLOT };
    return CODE_BASE + FIRST + slot++ % SLOTS * SLOT + test_below(16);
}

static void native(const struct test_case *c, struct test_result *r)
{
    memcpy((void *)c->pc, c->bytes, sizeof c->bytes);
    test_wipe_edge();
    test_native(c, r);
    memset((void *)c->pc, 0xcc, sizeof c->bytes);
}

static bool generate(struct test_case *c, unsigned k)
{
    c->pc = next_pc();
    return opt.length > 1 ? test_generate_sequence(c, k, 2 + (unsigned)test_below(opt.length - 1), native) : test_generate(c, k);
}

static int compare(void)
{
    static struct test_case c; static struct test_result a, b;
    unsigned n = test_make_forms(opt.only);
    if (!n) { fprintf(stderr, "difftest: nothing to test\n"); return 2; }
    bad = calloc(n, sizeof *bad); done = calloc(n, sizeof *done);
    long run = 0;
    for (long i = 0; run < opt.cases && i < opt.cases * 30; i++) {
        unsigned k = (unsigned)(i % n);
        if (!generate(&c, k)) continue;
        native(&c, &a);
        c.in.id = a.out.id; c.in.nt = a.out.nt;          /* as the processor had them; POPF's changes are not compared */
        test_wherry(&c, &b);
        run++;
        judge(&c, &a, &b, false, k);
    }
    return verdict(n, run);
}

/* cases recorded so far of forms with this key */
static long *recorded(uint64_t key)
{
    enum { ROOM = 1 << 17 };
    static struct { uint64_t key; long n; } table[ROOM];
    unsigned i = (unsigned)(key * 0x9e3779b97f4a7c15ull >> 47);
    while (table[i].key && table[i].key != key) i = (i + 1) % ROOM;
    table[i].key = key;
    return &table[i].n;
}

/* forms in an order that mixes register fields */
static int record(void)
{
    enum { STRIDE = 1000003, TRIES = 40 };
    static struct test_case c; static struct test_result r;
    FILE *f = fopen(opt.record, "wb");
    if (!vendor_same()) { fprintf(stderr, "difftest: what is recorded has to come from a processor of AMD, as which wherry does what the manuals leave open\n"); return 2; }
    if (!f || !test_start_recording(f)) { perror(opt.record); return 2; }
    test_make_forms(opt.only);
    long total = 0; unsigned n = test_n_forms();
    for (uint64_t i = 0; i < (uint64_t)n * TRIES; i++) {
        unsigned k = (unsigned)(i * STRIDE % n);
        long *have = recorded(test_form_key(k));
        c.pc = next_pc();
        if (*have == opt.cases || !test_generate_form(&c, k) || !test_portable(&c)) continue;
        native(&c, &r);
        c.in.id = r.out.id; c.in.nt = r.out.nt;
        test_record(f, &c, &r);
        ++*have; total++;
    }
    fprintf(stderr, "difftest: %ld cases of %u forms\n", total, n);
    return fclose(f) != 0;
}
#else
static int compare(void) { fprintf(stderr, "difftest: this host can only --replay and --fuzz\n"); return 2; }
static int record(void) { return compare(); }
#endif

int main(int argc, char **argv)
{
    static const struct option options[] = { { "tier", 1, 0, 't' }, { "cases", 1, 0, 'c' }, { "seed", 1, 0, 's' }, { "only", 1, 0, 'o' }, { "length", 1, 0, 'l' },
        { "record", 1, 0, 'r' }, { "replay", 1, 0, 'p' }, { "fuzz", 1, 0, 'f' }, { "exact", 0, 0, 'e' }, { "soft", 0, 0, 'x' }, { "inexact", 0, 0, 'i' }, { "verbose", 0, 0, 'v' }, { "all", 0, 0, 'a' }, { 0 } };
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) switch (o) {
        case 't': opt.tier = atoi(optarg); break; case 'c': opt.cases = atol(optarg); break; case 's': opt.seed = strtoull(optarg, NULL, 0); break;
        case 'o': opt.only = optarg; break; case 'l': opt.length = (unsigned)atoi(optarg); break; case 'r': opt.record = optarg; break;
        case 'p': opt.replay = optarg; break; case 'f': opt.fuzz = atol(optarg); break; case 'e': opt.exact = true; break; case 'x': opt.soft = true; break; case 'i': opt.inexact = true; break;
        case 'v': opt.verbose = true; break; case 'a': opt.all = true; break; default: return 2; }
    if (opt.length > MAX_SEQUENCE) opt.length = MAX_SEQUENCE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_seed(opt.seed);
    x87_force_soft = opt.soft;
    test_wherry_init(opt.tier, (opt.exact ? TEST_EXACT_FLAGS : 0) | (opt.inexact ? TEST_INEXACT : 0));
    if (opt.fuzz) {
        printf("%ld passed, 0 failed\n", test_fuzz(opt.fuzz));
        return 0;
    }
    return opt.replay ? replay() : opt.record ? record() : compare();
}
