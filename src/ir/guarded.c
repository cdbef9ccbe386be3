/* SPDX-License-Identifier: GPL-2.0-or-later
 * guarded.c: the table of guarded stores.
 */
#include "ir/guarded.h"

struct landing { int32_t store, landing; };                   /* each from its own place */
extern const struct landing __start_ir_landings[] __attribute__((weak)), __stop_ir_landings[] __attribute__((weak));

uint64_t ir_landing(uint64_t host_pc)
{
    for (const struct landing *l = __start_ir_landings; l < __stop_ir_landings; l++)
        if ((uint64_t)(uintptr_t)&l->store + (uint64_t)(int64_t)l->store == host_pc)
            return (uint64_t)(uintptr_t)&l->landing + (uint64_t)(int64_t)l->landing;
    return 0;
}
