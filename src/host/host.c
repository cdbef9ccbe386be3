/* SPDX-License-Identifier: GPL-2.0-or-later
 * host.c: which host this is.
 */
#include "host/host.h"

const struct host_target *host_native(void)
{
#ifdef __x86_64__
    return &host_x86_64;
#elif defined __aarch64__
    return &host_aarch64;
#elif defined __powerpc64__ && defined __LITTLE_ENDIAN__
    return &host_ppc64le;
#else
    return NULL;
#endif
}
