/* SPDX-License-Identifier: GPL-2.0-or-later
 * difftest.h: the differential tester's parts. A case is one instruction (and what stands behind it: INT3s), a state of the
 * registers and the contents of a window of memory; a result is the same after it, with the signal that ended it.
 */
#ifndef DIFFTEST_H
#define DIFFTEST_H
#include <stdbool.h>
#include <stdint.h>
#include <Zydis/Zydis.h>
#include "guest/state.h"

/* Low addresses, so that 32-bit addressing and absolute displacements reach them too. */
#define CODE_BASE   0x10000000ull       /* filled with INT3 but for the case's bytes */
#define CODE_SIZE   0x10000ull
#define DATA_BASE   0x10020000ull       /* two pages that may be written, then one that may be read, then nothing */
#define DATA_RW     0x2000ull
#define DATA_SIZE   0x3000ull
#define EDGE_BASE   0x10030000ull       /* one page that may be written, then nothing */
#define WINDOW      768                 /* bytes of memory that a case looks at: at `window` */

struct test_case {
    uint8_t bytes[16]; unsigned length;
    uint64_t pc, window;
    struct x86_state in;
    uint8_t memory[WINDOW];
    uint32_t flags_mask;                /* EFLAGS bits that are defined after the instruction */
    bool any_address;                   /* several accesses in an order of the processor's own: any fault address is right */
    uint64_t ignore; unsigned ignore_size;   /* bytes of memory that the instruction stores and that aren't compared */
    char text[96];
    uint16_t mnemonic;
};
struct test_result {
    int signal, code; uint64_t fault_address;
    uint64_t rflags;
    struct x86_state out;
    uint8_t memory[WINDOW];
};

/* random.c */
uint64_t test_random(void);
void test_seed(uint64_t seed);
uint64_t test_below(uint64_t n);
uint64_t test_integer(void);                         /* corner values often */
uint64_t test_double(void); uint32_t test_float(void); struct x86_f80 test_f80(void);

/* generate.c: forms = every opcode, prefix and /reg whose mnemonic the lifter has */
unsigned test_make_forms(const char *only);          /* count; only: NULL or a mnemonic */
bool test_generate(struct test_case *c, unsigned form);   /* false: try again */

/* native.c (x86-64 only): run the case on the processor */
void test_native_init(void);
void test_native(const struct test_case *c, struct test_result *r);
extern volatile bool test_native_running;
bool test_native_signal(int sig, void *info, void *uc);   /* from the signal handler */
#endif
