/* SPDX-License-Identifier: GPL-2.0-or-later
 * host.c: which host this is.
 */
#include "host/host.h"

const struct host_target *host_native(void)
{
#ifdef __x86_64__
    return &host_x86_64;
#else
    return NULL;
#endif
}
