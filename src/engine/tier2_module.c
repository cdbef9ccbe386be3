/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_module.c: wherry_llvm.so, which brings libLLVM with it, is opened when the first loop is hot, on the worker's thread. Without it the program
 * runs on in tier 1, and --stats and -d llvm tell why.
 *
 * What must stay true:
 *  D1 what becomes of LLVM never becomes the guest's: a fault in it, or its end for want of memory, ends the use of LLVM, and nothing else
 *  D2 under a limit on memory the guest's share comes first
 */
#include <dlfcn.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "engine/tier2.h"

#define LLVM_SPACE (1ull << 30)            /* bytes of address space that must be left: what LLVM takes, three times */

static struct { llvm_guarded_fn *compile; llvm_known_fn *known; bool ready; char why[200]; } module;

const char *tier2_why_not(void) { return module.why; }
bool tier2_module_ready(void) { return __atomic_load_n(&module.ready, __ATOMIC_ACQUIRE); }
unsigned tier2_module_known(const struct llvm_region *l, const struct ir_block *b) { return module.known(l, b); }

static bool fail(const char *what, const char *why)
{
    snprintf(module.why, sizeof module.why, "%s%s", what, why);
    if (log_on(LOG_LLVM))
        log_printf("llvm: tier 1 alone: %s\n", module.why);
    return false;
}

static bool limited(int resource, unsigned long long used)
{
    struct rlimit r;
    return getrlimit(resource, &r) == 0 && r.rlim_cur != RLIM_INFINITY && r.rlim_cur < used + LLVM_SPACE;
}

static bool has_room(void)
{
    unsigned long long pages = 0, data = 0, page = (unsigned long long)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%llu %*u %*u %*u %*u %llu", &pages, &data) != 2)
        pages = data = 0;
    if (f)
        fclose(f);
    return !limited(RLIMIT_AS, pages * page) && !limited(RLIMIT_DATA, data * page);
}

static bool open_at(const char *path)
{
    void *m = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m)
        return fail("", dlerror());
    module.known = (llvm_known_fn *)dlsym(m, "wherry_llvm_known");
    module.compile = (llvm_guarded_fn *)dlsym(m, "wherry_llvm_guarded");
    return (module.known && module.compile) || fail("wherry_llvm.so is of another version", "");
}

static bool load(void)
{
    static const char *const where[] = { "", "../lib/wherry/", "../lib/x86_64-linux-gnu/wherry/", "../lib/aarch64-linux-gnu/wherry/", "../lib/powerpc64le-linux-gnu/wherry/" };
    char path[4096 + 64];
    ssize_t n = readlink("/proc/self/exe", path, 4096);
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n <= 0)
        return fail("no /proc", "");
    if (!has_room())
        return fail("the program's memory is limited", "");
    for (unsigned k = 0; k < sizeof where / sizeof *where; k++) {
        snprintf(path + n, sizeof path - (size_t)n, "%swherry_llvm.so", where[k]);
        if (access(path, F_OK) == 0)
            return open_at(path);
    }
    return fail("no wherry_llvm.so", "");
}

bool tier2_have_module(void)
{
    static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&loading);
    if (!module.ready && !module.why[0])
        __atomic_store_n(&module.ready, load(), __ATOMIC_RELEASE);
    bool yes = module.ready;
    pthread_mutex_unlock(&loading);
    return yes;
}

enum tier2_compiled tier2_compile(struct llvm_region *l)
{
    struct engine_recover r;
    bool lost = false;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        fail("LLVM had a fault", "");
        return TIER2_LOST;
    }
    int e = module.compile(l, &lost);
    RECOVER_END(&r);
    if (lost)
        fail("LLVM gave up: ", l->why);
    return lost ? TIER2_LOST : e ? TIER2_REFUSED : TIER2_COMPILED;
}
