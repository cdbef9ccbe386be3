/* SPDX-License-Identifier: GPL-2.0-or-later
 * fxsave.c: the 512-byte image of x87, MMX and SSE state, for FXSAVE, FXRSTOR and signal frames.
 * Manual: Intel SDM volume 1, 10.5.1. Like AMD's processors, it shows FIP, FDP and FOP only while an exception is pending.
 */
#include <string.h>
#include "guest/lift_internal.h"
#include "guest/probe.h"
#include "guest/x87.h"

enum { IMAGE_SIZE = 512, IMAGE_USED = 160 + 16 * 16, MXCSR_MASK = 0xffff, USER_CS = 0x33 };

/* The part of the image that FXSAVE writes; the rest is left to software. */
static void make_image(const struct x86_state *s, uint8_t image[IMAGE_USED])
{
    uint16_t head[4] = { s->fcw, s->fsw, s->ftw, 0 };
    uint64_t pointers[2] = { 0, 0 };
    uint32_t mxcsr[2] = { s->mxcsr, MXCSR_MASK };
    if (s->fsw & X87_ES) {
        head[3] = s->fop;
        pointers[0] = s->fip;
        pointers[1] = s->fdp;
    }
    memset(image, 0, IMAGE_USED);
    memcpy(image, head, sizeof head);
    memcpy(image + 8, pointers, sizeof pointers);
    memcpy(image + 24, mxcsr, sizeof mxcsr);
    for (unsigned i = 0; i < 8; i++)
        memcpy(image + 32 + 16 * i, &s->st[(x87_top(s) + i) & 7], 10);
    for (unsigned i = 0; i < 16; i++)
        memcpy(image + 160 + 16 * i, &s->zmm[i], 16);
}

static uint64_t canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static int load_image(struct x86_state *s, const uint8_t image[IMAGE_USED])
{
    uint16_t head[4];
    uint32_t mxcsr;
    memcpy(head, image, sizeof head);
    memcpy(&mxcsr, image + 24, sizeof mxcsr);
    if (mxcsr & ~(uint32_t)MXCSR_MASK)
        return -1;
    s->mxcsr = mxcsr;
    s->fsw = head[1];
    s->ftw = (uint8_t)head[2];
    s->fop = head[3] & 0x7ff;
    memcpy(&s->fip, image + 8, 8);
    memcpy(&s->fdp, image + 16, 8);
    s->fip = canonical(s->fip);
    s->fdp = canonical(s->fdp);
    x87_set_fcw(s, head[0]);
    for (unsigned i = 0; i < 8; i++)
        memcpy(&s->st[(x87_top(s) + i) & 7], image + 32 + 16 * i, 10);
    for (unsigned i = 0; i < 16; i++)
        memcpy(&s->zmm[i], image + 160 + 16 * i, 16);
    return 0;
}

void x86_fxsave(const struct x86_state *s, void *image512)
{
    make_image(s, image512);
}

int x86_fxrstor(struct x86_state *s, const void *image512)
{
    return load_image(s, image512);
}

/* FXSAVE, FXSAVE64 (wide): the narrow form has 32-bit pointers with selectors, which this processor shows as 0 but for CS while an
 * exception is pending */
uint64_t x86_helper_fxsave(void *state, uint64_t address, uint64_t wide, uint64_t c, uint64_t d)
{
    uint8_t image[IMAGE_USED];
    if (address & 15)
        x86_gp_fault(state);
    make_image(state, image);
    if (!wide) {
        memset(image + 12, 0, 4);
        memset(image + 20, 0, 4);
        if (((const struct x86_state *)state)->fsw & X87_ES)
            image[12] = USER_CS;
    }
    x86_ask_to_write(address, IMAGE_SIZE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    x86_write_memory(address, image, IMAGE_USED);
    return 0;
}

uint64_t x86_helper_fxrstor(void *state, uint64_t address, uint64_t wide, uint64_t c, uint64_t d)
{
    uint8_t image[IMAGE_USED];
    if (address & 15)
        x86_gp_fault(state);
    x86_ask_to_read(address, IMAGE_SIZE);
    x86_read_memory(image, address, IMAGE_USED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (!wide) {
        memset(image + 12, 0, 4);
        memset(image + 20, 0, 4);
    }
    if (load_image(state, image))
        x86_gp_fault(state);
    return 0;
}
