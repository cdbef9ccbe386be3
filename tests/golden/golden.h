/* SPDX-License-Identifier: GPL-2.0-or-later
 * golden.h: between the parts of the golden tool. */
#ifndef GOLDEN_H
#define GOLDEN_H
#include <stddef.h>
#include <stdint.h>
/* Print the accesses and fences among host code, in order, by the assembler's names, and a newline. */
void golden_print_order(const char *host, const uint8_t *code, size_t size);
#endif
