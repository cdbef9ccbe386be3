/* SPDX-License-Identifier: GPL-2.0-or-later
 * context.h: the ucontext_t of a signal on the processor that wherry itself runs on. Needed by every tier, so not part of a host_target.
 */
#ifndef HOST_CONTEXT_H
#define HOST_CONTEXT_H
#include <stdint.h>

uint64_t host_context_pc(const void *ucontext);
void host_context_set_pc(void *ucontext, uint64_t pc);       /* of code that follows no calling convention */
uint64_t host_context_sp(const void *ucontext);
void host_context_set_sp(void *ucontext, uint64_t sp);
/* Go on in a C function that does not return, on the interrupted stack below what is in use there. */
void host_context_go_to(void *ucontext, void (*fn)(void));
/* For a SIGSEGV or SIGBUS on data: bit 0: the page was there, bit 1: the access was a write (as in x86's page-fault error code);
 * -1: this processor does not tell. */
int host_context_fault(const void *ucontext);
#endif
