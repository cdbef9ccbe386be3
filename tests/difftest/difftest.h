/* SPDX-License-Identifier: GPL-2.0-or-later
 * difftest.h: the differential tester's parts. A case is one instruction or a few (and what stands behind them: INT3s), a state of the
 * registers and the contents of a window of memory; a result is the same after it, with the signal that ended it.
 */
#ifndef DIFFTEST_H
#define DIFFTEST_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "guest/state.h"

/* Low addresses, so that 32-bit addressing and absolute displacements reach them too; multiples of 64 KiB, the largest host page. */
#define CODE_BASE   0x10000000ull       /* filled with INT3 but for the case's bytes */
#define CODE_SIZE   0x10000ull
#define DATA_BASE   0x10020000ull       /* may be written, then as much that may be read, then nothing */
#define DATA_RW     0x10000ull
#define DATA_SIZE   0x20000ull
#define EDGE_BASE   0x10050000ull       /* may be written, then nothing */
#define EDGE_SIZE   0x10000ull
#define WINDOW      768                 /* bytes of memory that a case looks at: the last that may be written */
#define WINDOW_AT   (DATA_BASE + DATA_RW - WINDOW)
#define MAX_SEQUENCE 6

/* how far a result is comparable */
enum {
    TEST_ANY_ADDRESS = 1,        /* several accesses in an order of the processor's own: any fault address is right */
    TEST_MASKED_STORE = 2,       /* whether bytes that the mask excludes may fault is the processor's choice */
    TEST_MMX = 4,                /* a faulting instruction may have entered the MMX state (AMD's processors do so first) */
    TEST_INEXACT_SSE = 8,        /* approximations: each vendor's own */
    TEST_INEXACT_X87 = 16,       /* transcendental functions: last bits */
    TEST_ANY_FLAGS_AT_FAULT = 32,        /* where a fault interrupts it, the processor chooses */
};

struct test_case {
    uint8_t bytes[16 * MAX_SEQUENCE]; unsigned length;
    uint64_t pc;
    uint32_t seed;                       /* of test_random_state, before the operands were bent */
    struct x86_state in;
    uint8_t memory[WINDOW];
    unsigned n; uint8_t start[MAX_SEQUENCE + 1];       /* instructions, and where each starts */
    uint32_t flags_mask[MAX_SEQUENCE + 1];            /* EFLAGS bits that are defined before each, and at last after all */
    unsigned how;                        /* TEST_* */
    uint64_t ignore;                     /* address of an image of the x87 unit that it stores, or 0 */
    uint32_t ignored;                    /* its bytes that are not compared, bit 0 for the first */
    char text[200];
    uint16_t mnemonic;                   /* of the one that was asked for */
};
struct test_result {
    int signal, code; uint64_t fault_address;
    uint64_t rflags;
    struct x86_state out;
    uint8_t memory[WINDOW];
};

/* random.c: values, and whole states */
uint64_t test_random(void);
uint64_t test_seed(uint64_t seed);                   /* returns what test_resume takes */
void test_resume(uint64_t position);
uint64_t test_below(uint64_t n);
uint64_t test_integer(void);                         /* corner values often */
void test_random_state(uint32_t seed, struct x86_state *s, uint8_t memory[WINDOW]);

/* generate.c: forms = every opcode, prefix and /reg whose mnemonic the lifter has */
unsigned test_make_forms(const char *only);          /* number of mnemonics; only: NULL or patterns of them between commas */
bool test_wanted(const struct test_case *c, const char *only);           /* whether its mnemonic is one of these */
unsigned test_n_forms(void);
uint64_t test_form_key(unsigned form);               /* the same for forms that differ in the register field and not in the mnemonic; not 0 */
bool test_generate(struct test_case *c, unsigned mnemonic);              /* one instruction; false: try again */
bool test_generate_form(struct test_case *c, unsigned form);             /* the same for one form, 0 .. test_n_forms() - 1 */
/* n instructions, one of them of the mnemonic; `run` gives the state before the next. false: try again */
bool test_generate_sequence(struct test_case *c, unsigned mnemonic, unsigned n, void (*run)(const struct test_case *, struct test_result *));
bool test_portable(const struct test_case *c);        /* other processors give the same result */
void test_describe(struct test_case *c);             /* fills in text */

/* compare.c: true and `why` when they differ. approximate: as the TEST_INEXACT_ bits allow */
bool test_differ(const struct test_case *c, const struct test_result *native, const struct test_result *own, bool approximate, char *why, size_t size);

/* wherry.c: run the case through a tier */
enum { TEST_EXACT_FLAGS = 1, TEST_SELF_CHECK = 2, TEST_INEXACT = 4 /* tier 2 as while the guest handles no faults */ };
void test_wherry_init(int tier, unsigned options);      /* tier 2: each block becomes a region when it is first entered */
uint64_t test_wherry_regions(void);                      /* how many there were */
void test_wherry(const struct test_case *c, struct test_result *r);
void test_wipe_edge(void);                           /* what the last case left beyond the window */
void test_wherry_limit(unsigned milliseconds);       /* a case may take about this long */
void test_wherry_reset(void);                        /* nothing but INT3 is in the code */
extern const struct test_case *volatile test_running;  /* for messages about crashes */
extern uint64_t test_fs_base, test_gs_base;
extern bool test_exact_flags;

/* native.c (x86-64 only): run the case on the processor */
void test_native(const struct test_case *c, struct test_result *r);
bool test_native_signal(int sig, void *info, void *uc);   /* from the signal handler */

/* record.c */
void test_record(FILE *f, const struct test_case *c, const struct test_result *r);
bool test_read_record(FILE *f, struct test_case *c, struct test_result *r);
bool test_start_recording(FILE *f); bool test_start_reading(FILE *f);     /* header; false: no such file */

/* fuzz.c: random bytes as code; number of blocks run */
long test_fuzz(long cases);
#endif
