/* SPDX-License-Identifier: GPL-2.0-or-later
 * linux_alone.h: what files of src/linux/ need from the engine and the guest, for tests that run them without either: guest memory is
 * plain memory, and translated code is a list of pages that the test keeps.
 */
#ifndef TESTS_LINUX_ALONE_H
#define TESTS_LINUX_ALONE_H
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "engine/internal.h"
#include "guest/lift.h"
#include "linux/memory.h"

uint32_t log_mask;
struct engine engine;
FILE *log_file;
void log_printf(const char *fmt, ...) { (void)fmt; }
struct linux_process linux_process;

static uint64_t code_start, code_end;          /* "translated" range */
static unsigned n_invalidated;
static uint64_t invalidated_start, invalidated_end;

uint64_t (*ir_mem_view)(uint64_t addr, unsigned size, bool write);      /* engine/view.c sets it */
void engine_settle_views(void) {}
void engine_forget_views(void) {}
void tier2_off(void) {}
bool engine_view_fault(void *ucontext, bool by_code) { (void)ucontext; (void)by_code; return false; }
void engine_written_code(siginfo_t *info, void *ucontext) { (void)info; (void)ucontext; }

struct cpu *cpu_current(void) { return NULL; }
void engine_order_memory(void) {}
bool engine_has_code(uint64_t addr, uint64_t size) { return addr < code_end && code_start < addr + size; }
void engine_invalidate(uint64_t addr, uint64_t size)
{
    n_invalidated++;
    invalidated_start = addr;
    invalidated_end = addr + size;
}
/* The kernel tells whether an address can be read. */
static int readable(uint64_t addr, size_t size)
{
    int fd[2], bad;
    if (pipe(fd))
        return 0;
    bad = size > 4096 || write(fd[1], (void *)(uintptr_t)addr, size) != (ssize_t)size;
    close(fd[0]);
    close(fd[1]);
    return !bad;
}
int engine_copy_from(void *to, uint64_t guest, size_t size)
{
    if (!readable(ir_mem_at(guest, 1, false), size))
        return -1;
    memcpy(to, (void *)(uintptr_t)ir_mem_at(guest, 1, false), size);
    return 0;
}
int engine_copy_to(uint64_t guest, const void *from, size_t size)
{
    memcpy((void *)(uintptr_t)ir_mem_at(guest, 1, true), from, size);
    return 0;
}
long engine_strnlen(uint64_t guest, size_t max) { return (long)strnlen((const char *)(uintptr_t)guest, max); }
void x86_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) { memset(out, 0, 16); }
#endif
