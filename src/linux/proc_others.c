/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc_others.c: what other processes see of a guest in /proc, and a guest of other guests: ps, pgrep and pidof look for the program that
 * runs, not for its translator. cmdline and environ are the kernel's reading of memory that prctl(2) PR_SET_MM_MAP points at; the link
 * exe can't be moved, so the name is taken from the other's mappings.
 */
#include <limits.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "linux/proc.h"

extern char __executable_start[], etext[], edata[], end[];

/* Needs no right, but a kernel with CONFIG_CHECKPOINT_RESTORE; done without elsewhere. The rest stays about as it was. */
void linux_show_arguments(void)
{
    char *now = sbrk(0);
    struct prctl_mm_map map = {
        .start_code = (uintptr_t)__executable_start, .end_code = (uintptr_t)etext, .start_data = (uintptr_t)etext, .end_data = (uintptr_t)edata,
        .start_brk = (uintptr_t)now, .brk = (uintptr_t)now, .start_stack = (uintptr_t)__builtin_frame_address(0),
        .arg_start = linux_process.arg_start, .arg_end = linux_process.arg_end, .env_start = linux_process.env_start, .env_end = linux_process.env_end,
        .exe_fd = (uint32_t)-1,
    };
    if (now == (char *)-1 || now < end)
        return;
    prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}

/* The file of a line of /proc/PID/maps, or NULL */
static char *file_of(char *line)
{
    char *name = strchr(line, '/');
    if (name)
        name[strcspn(name, "\n")] = 0;
    return name;
}

/* The first mapping of all is the guest's program, if it has a fixed address; otherwise it is where wherry puts those that have none. */
static bool find_program(FILE *maps, const char *wherry, char found[PATH_MAX])
{
    char line[PATH_MAX + 128];
    for (bool first = true; fgets(line, sizeof line, maps); first = false) {
        unsigned long long start = strtoull(line, NULL, 16);
        char *name = first || start == LAYOUT_PIE ? file_of(line) : NULL;
        if (!name || !strcmp(name, wherry))
            continue;
        snprintf(found, PATH_MAX, "%s", name);
        return true;
    }
    return false;
}

const char *linux_proc_other_exe(const char *path, char found[PATH_MAX])
{
    char own[PATH_MAX], its[PATH_MAX], name[32];
    int pid, length = 0;
    if (sscanf(path, "/proc/%d/exe%n", &pid, &length) != 1 || !length || path[length])
        return NULL;
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1), m = readlink(path, its, sizeof its - 1);
    if (n <= 0 || n != m || memcmp(own, its, (size_t)n))
        return NULL;
    own[n] = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", pid);
    FILE *maps = fopen(name, "re");
    bool is_found = maps && find_program(maps, own, found);
    if (maps)
        fclose(maps);
    const char *root = linux_process.root_real;
    size_t length_root = root ? strlen(root) : 0;
    if (is_found && length_root && !strncmp(found, root, length_root) && found[length_root] == '/')
        return found + length_root;
    return is_found ? found : NULL;
}
