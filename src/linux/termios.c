/* SPDX-License-Identifier: GPL-2.0-or-later
 * termios.c: terminal settings: POWER has the same ones as x86-64 under other bits, in another order and through other ioctls.
 * asm-generic/termbits.h, arch/powerpc/include/uapi/asm/termbits.h; ioctl_tty(2).
 */
#include "linux/termios.h"
#include <stddef.h>
#include <string.h>
#include "linux/convert.h"
#include "linux/hostcall.h"

/* A field's bits: the lowest bit on each side, and the mask of the field's values from bit 0. */
struct field { uint32_t guest, power, mask; };
#define BIT(guest, power) { guest, power, 1 }
static const struct field iflag[] = { { 1, 1, 0x1ff }, BIT(0x800, 0x800), BIT(0x200, 0x1000), BIT(0x400, 0x200), BIT(0x1000, 0x400), BIT(0x2000, 0x2000), BIT(0x4000, 0x4000) };
static const struct field oflag[] = { BIT(1, 1), { 8, 8, 0x1f }, BIT(2, 4), BIT(4, 2), { 0x100, 0x100, 1 }, { 0x200, 0x1000, 3 }, { 0x800, 0x400, 3 },
    BIT(0x2000, 0x8000), BIT(0x4000, 0x10000), BIT(0x8000, 0x4000) };
static const struct field cflag[] = { { 0x10, 0x100, 3 }, BIT(0x40, 0x400), BIT(0x80, 0x800), BIT(0x100, 0x1000), BIT(0x200, 0x2000), BIT(0x400, 0x4000),
    BIT(0x800, 0x8000), { 0x20000000, 0x20000000, 7 } };
static const struct field lflag[] = { BIT(1, 0x80), BIT(2, 0x100), BIT(4, 0x4000), BIT(8, 8), BIT(0x10, 2), BIT(0x20, 4), BIT(0x40, 0x10), BIT(0x80, 0x80000000),
    BIT(0x100, 0x400000), BIT(0x200, 0x40), BIT(0x400, 0x20), BIT(0x800, 1), BIT(0x1000, 0x800000), BIT(0x4000, 0x20000000), BIT(0x8000, 0x400), BIT(0x10000, 0x10000000) };
#define N(a) (sizeof a / sizeof a[0])
/* index of each control character on POWER */
static const uint8_t power_cc[19] = { 0, 1, 2, 3, 4, 7, 5, 9, 13, 14, 12, 6, 11, 16, 10, 15, 8, 17, 18 };

static uint32_t to_power(const struct field *f, size_t n, uint32_t guest)
{
    uint32_t power = 0;
    for (; n--; f++)
        power |= (guest / f->guest & f->mask) * f->power;
    return power;
}

static uint32_t from_power(const struct field *f, size_t n, uint32_t power)
{
    uint32_t guest = 0;
    for (; n--; f++)
        guest |= (power / f->power & f->mask) * f->guest;
    return guest;
}

/* Speeds: 0 to 15 are alike; x86-64 goes on at 0x1000 (any speed) and 0x1001, POWER at 0x1f and 0x10. */
static uint32_t speed_to_power(uint32_t guest)
{
    return guest == 0x1000 ? 0x1f : guest & 0x1000 ? 0xf + (guest & 0xf) : guest & 0xf;
}

static uint32_t speed_from_power(uint32_t power)
{
    power &= 0xff;
    return power == 0x1f ? 0x1000 : power >= 0x10 ? 0x1000 | ((power - 0xf) & 0xf) : power;
}

void linux_termios_to_power(struct power_termios *to, const struct guest_termios *from)
{
    uint32_t c = from->cflag;
    *to = (struct power_termios){ to_power(iflag, N(iflag), from->iflag), to_power(oflag, N(oflag), from->oflag), to_power(cflag, N(cflag), c),
        to_power(lflag, N(lflag), from->lflag), .line = from->line, .ispeed = from->ispeed, .ospeed = from->ospeed };
    to->cflag |= speed_to_power(c & 0x100f) | speed_to_power(c >> 16 & 0x100f) << 16;
    for (int i = 0; i < 19; i++)
        to->cc[power_cc[i]] = from->cc[i];
}

void linux_termios_from_power(struct guest_termios *to, const struct power_termios *from)
{
    uint32_t c = from->cflag;
    *to = (struct guest_termios){ from_power(iflag, N(iflag), from->iflag), from_power(oflag, N(oflag), from->oflag), from_power(cflag, N(cflag), c),
        from_power(lflag, N(lflag), from->lflag), .line = from->line, .ispeed = from->ispeed, .ospeed = from->ospeed };
    to->cflag |= speed_from_power(c) | speed_from_power(c >> 16) << 16;
    for (int i = 0; i < 19; i++)
        to->cc[i] = from->cc[power_cc[i]];
}

/* ---- the ioctls ---- */

#ifdef __powerpc64__
enum { POWER_TCGETS = 0x402c7413, POWER_TCSETS = 0x802c7414 };

/* struct termio, the oldest form: 16 bits of each word and 8 characters */
struct guest_termio { uint16_t flag[4]; uint8_t line, cc[8]; };

enum form { TERMIO, TERMIOS, TERMIOS2, NO_FORM };
static const struct { uint32_t number; uint8_t form, set; } calls[] = {          /* set: 0 get, else 1 now, 2 drained, 3 flushed */
    { 0x5401, TERMIOS, 0 }, { 0x5402, TERMIOS, 1 }, { 0x5403, TERMIOS, 2 }, { 0x5404, TERMIOS, 3 },
    { 0x5405, TERMIO, 0 }, { 0x5406, TERMIO, 1 }, { 0x5407, TERMIO, 2 }, { 0x5408, TERMIO, 3 },
    { 0x802c542a, TERMIOS2, 0 }, { 0x402c542b, TERMIOS2, 1 }, { 0x402c542c, TERMIOS2, 2 }, { 0x402c542d, TERMIOS2, 3 },
};
static const uint8_t form_size[] = { 18, 36, 44 };

static int64_t get(int fd, struct guest_termios *g)
{
    struct power_termios p;
    int64_t r = linux_host(SYS_ioctl, fd, POWER_TCGETS, &p);
    if (r >= 0)
        linux_termios_from_power(g, &p);
    return r;
}

static int64_t put_form(uint64_t arg, const struct guest_termios *g, enum form form)
{
    struct guest_termio old = { { (uint16_t)g->iflag, (uint16_t)g->oflag, (uint16_t)g->cflag, (uint16_t)g->lflag }, g->line, { 0 } };
    memcpy(old.cc, g->cc, sizeof old.cc);
    return linux_put(arg, form == TERMIO ? (const void *)&old : g, form_size[form]);
}

static int64_t set(int fd, uint64_t arg, enum form form, unsigned how)
{
    struct guest_termios g;
    struct power_termios p;
    struct guest_termio old;
    int64_t r = get(fd, &g);                       /* what the form does not tell stays */
    if (r >= 0)
        r = linux_get(form == TERMIO ? (void *)&old : &g, arg, form_size[form]);
    if (r < 0)
        return r;
    if (form == TERMIO) {
        uint32_t *word[4] = { &g.iflag, &g.oflag, &g.cflag, &g.lflag };
        for (int i = 0; i < 4; i++)
            *word[i] = (*word[i] & 0xffff0000) | old.flag[i];
        g.line = old.line;
        memcpy(g.cc, old.cc, sizeof old.cc);
    }
    linux_termios_to_power(&p, &g);
    return linux_safe_syscall(SYS_ioctl, fd, POWER_TCSETS + how - 1, (long)&p, 0, 0, 0);
}

int linux_termios_ioctl(int fd, uint32_t number, uint64_t arg, int64_t *result)
{
    for (size_t i = 0; i < N(calls); i++) {
        struct guest_termios g;
        if (calls[i].number != number)
            continue;
        if (calls[i].set) {
            *result = set(fd, arg, calls[i].form, calls[i].set);
        } else {
            *result = get(fd, &g);
            if (*result >= 0)
                *result = put_form(arg, &g, calls[i].form);
        }
        return 1;
    }
    return 0;
}
#else
int linux_termios_ioctl(int fd, uint32_t number, uint64_t arg, int64_t *result) { return 0; }
#endif
