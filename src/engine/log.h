/* SPDX-License-Identifier: GPL-2.0-or-later
 * log.h: -d items, as QEMU names them. */
#ifndef ENGINE_LOG_H
#define ENGINE_LOG_H
#include <stdint.h>
#include <stdio.h>
enum log_bit {
#define LOG(ENUM, name, help) LOG_BIT_##ENUM,
#include "engine/log.def"
#undef LOG
    LOG_N_ITEMS
};
enum {
#define LOG(ENUM, name, help) LOG_##ENUM = 1u << LOG_BIT_##ENUM,
#include "engine/log.def"
#undef LOG
};
extern uint32_t log_mask;
extern FILE *log_file;                     /* stderr, or -D FILE */
int log_parse(const char *items);          /* comma separated; 0 or -1 (message printed) */
int log_valid(const char *items);          /* would log_parse take it? */
void log_help(FILE *f);
static inline int log_on(uint32_t item) { return __builtin_expect((log_mask & item) != 0, 0); }
void log_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));   /* one write per call: safe with threads */
#endif
