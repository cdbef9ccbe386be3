/* SPDX-License-Identifier: GPL-2.0-or-later
 * disassemble.c: listing code of hosts whose instructions are words.
 */
#include <stdio.h>
#include <string.h>
#include "host/host.h"

size_t host_disassemble_word(const uint8_t *code, uint64_t addr, char *text, size_t size)
{
    uint32_t word;
    memcpy(&word, code, 4);
    snprintf(text, size, ".long 0x%08x", word);
    return 4;
}
