/* SPDX-License-Identifier: GPL-2.0-or-later
 * helpers_x87.c: x87 control: stack pointer, tags, control word, environment images, and the MMX state.
 * Manual: Intel SDM volume 1, 8.1.10 (images), 9.5 (MMX state).
 */
#include <string.h>
#include "guest/lift_internal.h"
#include "guest/probe.h"
#include "guest/x87.h"

/* Selectors of 64-bit Linux, as environment images show them beside FIP and FDP. */
enum { USER_CS = 0x33, USER_DS = 0 };

static void set_top(struct x86_state *s, unsigned top)
{
    s->fsw = (uint16_t)((s->fsw & ~X87_TOP) | (top & 7) << 11);
}

static void note(struct x86_state *s, uint64_t ctl)
{
    s->fip = s->pc;
    s->fop = (uint16_t)X87_CTL_FOP(ctl);
}

uint64_t x86_helper_x87_free(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    note(s, ctl);
    s->fsw &= (uint16_t)~X87_C1;
    s->ftw &= (uint8_t)~(1u << ((x87_top(s) + X87_CTL_I(ctl)) & 7));
    if (X87_CTL_POPS(ctl)) {
        s->ftw &= (uint8_t)~(1u << x87_top(s));
        set_top(s, x87_top(s) + 1);
    }
    return 0;
}

uint64_t x86_helper_x87_rotate(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    note(s, ctl);
    s->fsw &= (uint16_t)~X87_C1;
    set_top(s, x87_top(s) + X87_CTL_I(ctl));
    return 0;
}

uint64_t x86_helper_x87_wait(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    x87_wait(state);
    return 0;
}

/* FNOP, as opposed to FWAIT, counts as the last instruction */
uint64_t x86_helper_x87_nop(void *state, uint64_t ctl, uint64_t b, uint64_t c, uint64_t d)
{
    x87_wait(state);
    note(state, ctl);
    return 0;
}

uint64_t x86_helper_x87_init(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    x87_init(state);
    return 0;
}

uint64_t x86_helper_x87_clex(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    s->fsw &= (uint16_t)~(X87_EXCEPTIONS | X87_SF | X87_ES | X87_B);
    return 0;
}

uint64_t x86_helper_x87_ldcw(void *state, uint64_t cw, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    x87_set_fcw(s, (unsigned)cw);
    return 0;
}

/* --- images --- */
static unsigned tag_of(const struct x86_f80 *r)
{
    unsigned exp = r->sign_exp & 0x7fff;
    if (exp == 0 && r->mantissa == 0)
        return 1;
    return exp == 0 || exp == 0x7fff || !(r->mantissa >> 63) ? 2 : 0;
}

unsigned x87_full_tags(const struct x86_state *s)
{
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++)
        tags |= (s->ftw >> i & 1 ? tag_of(&s->st[i]) : 3) << 2 * i;
    return tags;
}

void x87_set_full_tags(struct x86_state *s, unsigned tags)
{
    s->ftw = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((tags >> 2 * i & 3) != 3)
            s->ftw |= (uint8_t)(1u << i);
}

static size_t make_env(const struct x86_state *s, bool narrow, uint8_t *p)
{
    unsigned cs = s->fip ? USER_CS : 0, ds = s->fdp ? USER_DS : 0;
    if (narrow) {
        uint16_t e[7] = { s->fcw, s->fsw, (uint16_t)x87_full_tags(s), (uint16_t)s->fip, (uint16_t)cs, (uint16_t)s->fdp, (uint16_t)ds };
        memcpy(p, e, sizeof e);
        return sizeof e;
    }
    uint32_t e[7] = { s->fcw | 0xffff0000, s->fsw | 0xffff0000, x87_full_tags(s) | 0xffff0000, (uint32_t)s->fip,
                      cs | (uint32_t)s->fop << 16, (uint32_t)s->fdp, ds | 0xffff0000 };
    memcpy(p, e, sizeof e);
    return sizeof e;
}

static size_t load_env(struct x86_state *s, bool narrow, const uint8_t *p)
{
    uint32_t e[7];
    uint16_t n[7];
    memcpy(n, p, sizeof n);
    memcpy(e, p, narrow ? 0 : sizeof e);
    for (unsigned i = 0; narrow && i < 7; i++)
        e[i] = n[i];
    s->fsw = (uint16_t)e[1];
    x87_set_full_tags(s, e[2]);
    s->fip = e[3];
    s->fop = e[4] >> 16 & 0x7ff;
    s->fdp = e[5];
    x87_set_fcw(s, e[0]);
    return narrow ? sizeof n : sizeof e;
}

/* FNSTENV, FNSAVE (pops = 1) */
uint64_t x86_helper_x87_stenv(void *state, uint64_t ctl, uint64_t address, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    uint8_t image[108];
    size_t n = make_env(s, X87_CTL_VARIANT(ctl), image);
    if (X87_CTL_POPS(ctl)) {
        for (unsigned i = 0; i < 8; i++, n += 10)
            memcpy(image + n, &s->st[(x87_top(s) + i) & 7], 10);
    }
    x86_ask_to_write(address, (unsigned)n);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    x86_write_memory(address, image, n);
    if (X87_CTL_POPS(ctl))
        x87_init(s);
    else
        x87_set_fcw(s, s->fcw | X87_EXCEPTIONS);
    return 0;
}

/* FLDENV, FRSTOR */
uint64_t x86_helper_x87_ldenv(void *state, uint64_t ctl, uint64_t address, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    uint8_t image[108];
    bool narrow = X87_CTL_VARIANT(ctl), all = X87_CTL_POPS(ctl) != 0;
    x87_wait(s);
    x86_read_memory(image, address, (narrow ? 14u : 28u) + (all ? 80u : 0u));
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    size_t n = load_env(s, narrow, image);
    for (unsigned i = 0; all && i < 8; i++, n += 10)
        memcpy(&s->st[(x87_top(s) + i) & 7], image + n, 10);
    return 0;
}

/* --- MMX --- */
uint64_t x86_helper_mmx_enter(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    set_top(s, 0);
    s->ftw = 0xff;
    return 0;
}

uint64_t x86_helper_emms(void *state, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct x86_state *s = state;
    x87_wait(s);
    set_top(s, 0);
    s->ftw = 0;
    return 0;
}
