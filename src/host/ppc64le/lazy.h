/* SPDX-License-Identifier: GPL-2.0-or-later
 * lazy.h: flags that are put off, as the state has them (lazy.c): a code in the flags word's place, the operands in the spill area.
 */
#ifndef HOST_PPC64LE_LAZY_H
#define HOST_PPC64LE_LAZY_H

enum { CODE_CONST = 1, CODE_LAZY = 2, CODE_SUB = 4, CODE_WIDTH = 3 /* shift: log2 of the operands' bytes */, CODE_B = 5 /* shift */ };
enum { SPILL_LAZY_A = 1008, SPILL_LAZY_B = 1016 };
#endif
