/* SPDX-License-Identifier: GPL-2.0-or-later
 * pins.c: a host's mapping of guest state to registers, as a list for tier 2.
 */
#include "host/host.h"

const struct host_pin *host_pins(const int32_t *offset, const char *const *names, unsigned n_regs, unsigned *n)
{
    static __thread struct host_pin pin[32];
    *n = 0;
    for (unsigned r = 0; r < n_regs && *n < sizeof pin / sizeof *pin; r++)
        if (offset[r] >= 0)
            pin[(*n)++] = (struct host_pin){ (uint16_t)offset[r], names[r] };
    return pin;
}
