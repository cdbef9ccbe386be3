/* SPDX-License-Identifier: GPL-2.0-or-later
 * guard.c: LLVM ends the process when it gets no memory, or meets what it can't do. Here such an end is the compiling's alone: the thread goes back to
 * where it came in. What LLVM held is lost, and its locks may be held: it must not be used again.
 *
 * The handlers for want of memory are functions of C++; they are found by name, so that nothing of this has to be C++.
 */
#include <dlfcn.h>
#include <llvm-c/ErrorHandling.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include "llvm/lower.h"

struct guard { jmp_buf env; const char *reason; };
static __thread struct guard *guard;

static void give_up(const char *reason)
{
    if (!guard)
        abort();
    guard->reason = reason;
    longjmp(guard->env, 1);
}

static void fatal(const char *reason)
{
    static char text[100];
    snprintf(text, sizeof text, "%s", reason);
    give_up(text);
}

static void no_memory(void) { give_up("no memory"); }
static void no_memory_in_llvm(void *unused, const char *reason, bool diagnostics) { give_up("no memory"); }

static void install_handlers(void)
{
    typedef void (*handler)(void *, const char *, bool);
    void (*(*set_new)(void (*)(void)))(void) = (void (*(*)(void (*)(void)))(void))dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE");
    void (*set_bad_alloc)(handler, void *) = (void (*)(handler, void *))dlsym(RTLD_DEFAULT, "_ZN4llvm31install_bad_alloc_error_handlerEPFvPvPKcbES0_");
    LLVMInstallFatalErrorHandler(fatal);
    if (set_new)
        set_new(no_memory);
    if (set_bad_alloc)
        set_bad_alloc(no_memory_in_llvm, NULL);
}

__attribute__((visibility("default"))) int wherry_llvm_guarded(struct llvm_region *r, bool *lost)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct guard g;
    pthread_once(&once, install_handlers);
    if (setjmp(g.env)) {
        guard = NULL;
        compile_lost();
        snprintf(r->why, sizeof r->why, "%s", g.reason);
        *lost = true;
        return -1;
    }
    guard = &g;
    int e = wherry_llvm_compile(r);
    guard = NULL;
    return e;
}
