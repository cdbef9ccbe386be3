/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz.c: random bytes as code. Nothing is compared; wherry must not crash, hang or leave its own memory damaged. Half of the cases
 * are bytes from all over the opcode maps, the others begin with what decodes: so blocks get long.
 */
#include <string.h>
#include "difftest.h"
#include "guest/lift.h"

/* addresses that the registers hold: mostly the window, so that code goes on */
static void point_somewhere(struct test_case *c)
{
    for (int i = 0; i < 16; i++) if (test_below(3) || i == 4) c->in.gpr[i] = WINDOW_AT + 128 + test_below(512);
}

static void random_bytes(struct test_case *c)
{
    static const uint8_t often[] = { 0x0f, 0x66, 0xf2, 0xf3, 0x48, 0x41, 0x4c, 0xc4, 0xc5, 0x62, 0x67, 0xf0, 0xd8, 0xdd, 0x38, 0x3a };
    for (unsigned i = 0; i < sizeof c->bytes; i++) c->bytes[i] = test_below(4) ? (uint8_t)test_random() : often[test_below(sizeof often)];
}

/* string instructions would take their time, branches leave */
static bool wanted(const uint8_t *p)
{
    for (; *p == 0x66 || *p == 0xf2 || *p == 0xf3 || *p == 0x67 || (*p & 0xf0) == 0x40; p++) ;
    return (*p & 0xf0) != 0x70 && *p != 0xe8 && *p != 0xe9 && *p != 0xeb && *p != 0xcc && *p != 0xc3;
}

static void decodable_bytes(struct test_case *c)
{
    for (unsigned at = 0; at + 15 < sizeof c->bytes;) {
        uint8_t *p = c->bytes + at;
        unsigned n = x86_disassemble(p, 15, 0, NULL, 0);
        if (n && wanted(p)) { at += n; continue; }
        for (unsigned i = 0; i < 15; i++) p[i] = (uint8_t)test_random();
        if (test_below(3) == 0) p[0] = 0x0f;
    }
}

long test_fuzz(long cases)
{
    static struct test_case c; static struct test_result r;
    test_wherry_limit(20);
    for (long i = 0; i < cases; i++) {
        test_random_state((uint32_t)test_random(), &c.in, c.memory);
        c.in.mxcsr |= 0x1f80;
        for (int k = 0; k < 16; k++) c.in.gpr[k] = test_integer();
        if (test_below(8)) point_somewhere(&c);
        for (int k = 0; k < 2; k++) if (test_below(2)) c.in.gpr[1] = test_below(64);      /* repeat counts */
        c.pc = c.in.pc = CODE_BASE + 0x4000 + test_below(0x4000);
        c.length = sizeof c.bytes;
        random_bytes(&c);
        if (test_below(2)) decodable_bytes(&c);
        c.in.fs_base = c.in.gs_base = WINDOW_AT;
        if (i % 64 == 0) test_wherry_reset();
        test_wherry(&c, &r);
    }
    return cases;
}
