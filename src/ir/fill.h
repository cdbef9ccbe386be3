/* SPDX-License-Identifier: GPL-2.0-or-later
 * fill.h: memset by a call, for tables that each block needs fresh. Where the size is known compilers put `rep stos` in its place, which takes
 * longer to start than the library's memset takes altogether.
 */
#ifndef IR_FILL_H
#define IR_FILL_H
#include <string.h>

static inline void fill(void *p, int byte, size_t size)
{
    __asm__("" : "+r"(size));        /* the compiler no longer knows it */
    memset(p, byte, size);
}
#endif
