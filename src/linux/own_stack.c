/* SPDX-License-Identifier: GPL-2.0-or-later
 * own_stack.c: wherry's own stack in the first thread. The host's grows under RLIMIT_STACK, which is the guest's to lower at any time: it gets its
 * size before the program starts, and where the limit is too low from the beginning, wherry runs on memory of its own.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include "linux/start.h"

enum { OWN_STACK = 1 << 20, GUARD = 1 << 16 };

static struct { int (*main)(void); int status; ucontext_t here, there; } call;

static void entered(void) { call.status = call.main(); }

static __attribute__((noinline)) void grow(void)
{
    volatile char *deep = __builtin_alloca(OWN_STACK);
    *deep = 0;
}

int linux_on_own_stack(int (*main)(void))
{
    struct rlimit limit;
    if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur >= 2 * OWN_STACK) {
        grow();
        return main();
    }
    char *memory = mmap(NULL, OWN_STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE) || getcontext(&call.there))
        return main();
    call.main = main;
    call.there.uc_stack.ss_sp = memory + GUARD;
    call.there.uc_stack.ss_size = OWN_STACK;
    call.there.uc_link = &call.here;
    makecontext(&call.there, entered, 0);
    swapcontext(&call.here, &call.there);
    return call.status;
}
