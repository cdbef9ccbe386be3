/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc.h: the files of /proc that must show the guest, not wherry.
 */
#ifndef LINUX_PROC_H
#define LINUX_PROC_H
#include "linux/linux.h"

/* If the path names a file of this process ("/proc/self/X", "/proc/PID/X", "/proc/self/task/TID/X", ...): X, else NULL. */
const char *linux_proc_rest(const char *path);
/* Open a file whose content wherry makes: a new descriptor, a negative errno, or LINUX_PROC_NOT_OURS. path: as the guest gave it. */
#define LINUX_PROC_NOT_OURS INT64_MIN
int64_t linux_proc_open(const char *path, int flags);

/* proc_mem.c: a file is opened: is it a way to write a process's memory? After a write while there may be one, with what it gave */
extern bool linux_memory_file_open;
void linux_note_memory_file(const char *path, int flags);
void linux_wrote_file(uint64_t nr, const uint64_t a[6], int64_t written);

/* proc_others.c: let the others see the guest's arguments and environment (linux_process.arg_start ...) */
void linux_show_arguments(void);
/* If the path is /proc/PID/exe of another process that this wherry runs: its guest's program, else NULL. */
const char *linux_proc_other_exe(const char *path, char found[4096]);
/* proc_sizes.c; bytes and addresses. peak: as far as anybody has asked */
struct linux_sizes { uint64_t total, peak, data, stack, exec, text, start_code, end_code, start_data, end_data; };
void linux_sizes(struct linux_sizes *s);
#endif
