/* SPDX-License-Identifier: GPL-2.0-or-later
 * start.h: what start.c, stack.c, vdso.c and missing.c share.
 */
#ifndef LINUX_START_H
#define LINUX_START_H
#include "linux/linux.h"

/* Build the first thread's stack, System V ABI 3.4.1 and figure 3.9: argc, argv, envp, auxv and their strings. Returns the stack
 * pointer, or 0 with a message in why. */
uint64_t linux_make_stack(const struct linux_image *program, const char *execfn, char **argv, char **envp, char why[512]);
/* Call main on a stack that the guest's limit does not bound. */
int linux_on_own_stack(int (*main)(void));
/* Map the vDSO; its address, or 0 (the program does without). */
uint64_t linux_make_vdso(void);
/* Is this one of the vDSO's own system calls? pc: behind it */
bool linux_vdso_calls(int nr, uint64_t pc);
/* A dynamic program has ended with status 127: if libraries that it needs are in no place where its dynamic linker looks, say which
 * and how to get them. */
void linux_explain_missing(void);
/* The package that has a library or dynamic linker, by Debian's naming rules; NULL if they don't tell. */
const char *linux_package_of(const char *soname, char buf[256]);
/* What a user could do to get it: "apt install PACKAGE". */
const char *linux_how_to_get(const char *path, char buf[256]);
#endif
