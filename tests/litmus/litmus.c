/* SPDX-License-Identifier: GPL-2.0-or-later
 * litmus.c: a guest program: small tests of x86-64's memory order with two to four threads. Each test names an outcome that TSO forbids
 * and counts how often it was seen. Prints `ok NAME` or `FAIL NAME: ...` and ends with 'N passed, N failed'.
 *
 *     litmus [ROUNDS [NAME]]
 *
 * A round has BATCH instances, each with its own cells, which the threads go through side by side; they meet before and after it.
 * Intel SDM volume 3, 9.2 (memory ordering); the names are those of the literature.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 512, MAX_THREADS = 4 };
struct cell { volatile uint64_t x, y; uint64_t r[4]; } __attribute__((aligned(64)));
static struct cell cells[BATCH];
/* x and y on lines of their own, so that they become visible independently */
static struct { volatile uint64_t v[2] __attribute__((aligned(64))); } far_y[BATCH];
#define X (&c->x)
#define Y (far_y[c - cells].v)

static inline void store(volatile uint64_t *p, uint64_t v) { __asm__ volatile("movq %1, %0" : "=m"(*p) : "r"(v) : "memory"); }
static inline uint64_t load(volatile uint64_t *p) { uint64_t v; __asm__ volatile("movq %1, %0" : "=r"(v) : "m"(*p) : "memory"); return v; }
static inline void store_vector(volatile uint64_t *p, uint64_t v) { __asm__ volatile("movq %1, %%xmm0\n movdqu %%xmm0, (%0)" : : "r"(p), "r"(v) : "xmm0", "memory"); }
static inline uint64_t load_vector(volatile uint64_t *p)
{
    uint64_t v;
    __asm__ volatile("movdqu (%1), %%xmm0\n movq %%xmm0, %0" : "=r"(v) : "r"(p) : "xmm0", "memory");
    return v;
}
static inline void mfence(void) { __asm__ volatile("mfence" : : : "memory"); }
static inline void exchange(volatile uint64_t *p, uint64_t v) { __asm__ volatile("xchgq %0, %1" : "+r"(v), "+m"(*p) : : "memory"); }
static inline uint64_t add(volatile uint64_t *p, uint64_t v) { __asm__ volatile("lock xaddq %0, %1" : "+r"(v), "+m"(*p) : : "memory", "cc"); return v; }
static inline uint64_t swap_if(volatile uint64_t *p, uint64_t old, uint64_t new)
{
    __asm__ volatile("lock cmpxchgq %2, %1" : "+a"(old), "+m"(*p) : "r"(new) : "memory", "cc");
    return old;
}
struct pair { uint64_t low, high; };
static inline bool swap_pair(volatile struct pair *p, struct pair *old, struct pair new)
{
    bool done;
    __asm__ volatile("lock cmpxchg16b %1\n sete %0" : "=q"(done), "+m"(*p), "+a"(old->low), "+d"(old->high) : "b"(new.low), "c"(new.high) : "memory", "cc");
    return done;
}

/* ---- the tests: one function a thread; `forbidden` looks at an instance afterwards ---- */

static void sb_0(struct cell *c) { store(X, 1); c->r[0] = load(Y); }
static void sb_1(struct cell *c) { store(Y, 1); c->r[1] = load(X); }
static void sb_mfence_0(struct cell *c) { store(X, 1); mfence(); c->r[0] = load(Y); }
static void sb_mfence_1(struct cell *c) { store(Y, 1); mfence(); c->r[1] = load(X); }
static void sb_xchg_0(struct cell *c) { exchange(X, 1); c->r[0] = load(Y); }
static void sb_xchg_1(struct cell *c) { exchange(Y, 1); c->r[1] = load(X); }
static __thread volatile uint64_t own;
static __thread volatile struct pair own_pair __attribute__((aligned(16)));
static void sb_xadd_0(struct cell *c) { store(X, 1); add(&own, 1); c->r[0] = load(Y); }
static void sb_xadd_1(struct cell *c) { store(Y, 1); add(&own, 1); c->r[1] = load(X); }
static void sb_cas_fails_0(struct cell *c) { store(X, 1); c->r[0] = swap_if(Y, 7, 8); }
static void sb_cas_fails_1(struct cell *c) { store(Y, 1); c->r[1] = swap_if(X, 7, 8); }
static void sb_wide_0(struct cell *c) { struct pair a = { 7, 7 }; store(X, 1); swap_pair(&own_pair, &a, a); c->r[0] = load(Y); }
static void sb_wide_1(struct cell *c) { struct pair a = { 7, 7 }; store(Y, 1); swap_pair(&own_pair, &a, a); c->r[1] = load(X); }
static bool both_zero(const struct cell *c) { return !c->r[0] && !c->r[1]; }

static void mp_0(struct cell *c) { store(X, 1); store(Y, 1); }
static void mp_1(struct cell *c) { c->r[0] = load(Y); c->r[1] = load(X); }
static void mp_vector_0(struct cell *c) { store_vector(X, 1); store_vector(Y, 1); }
static void mp_vector_1(struct cell *c) { c->r[0] = load_vector(Y); c->r[1] = load_vector(X); }
static void mp_string_0(struct cell *c)
{
    volatile uint64_t *x = X, *y = Y;
    uint64_t n = 1, v = 1;
    __asm__ volatile("rep stosq" : "+D"(x), "+c"(n) : "a"(v) : "memory");
    store(y, 1);
}
static bool new_then_old(const struct cell *c) { return c->r[0] == 1 && !c->r[1]; }

static void lb_0(struct cell *c) { c->r[0] = load(X); store(Y, 1); }
static void lb_1(struct cell *c) { c->r[1] = load(Y); store(X, 1); }
static bool both_one(const struct cell *c) { return c->r[0] == 1 && c->r[1] == 1; }

static void s_0(struct cell *c) { store(X, 2); store(Y, 1); }
static void s_1(struct cell *c) { c->r[0] = load(Y); store(X, 1); }
static bool s_forbidden(const struct cell *c) { return c->r[0] == 1 && c->x == 2; }

static void w2_0(struct cell *c) { store(X, 1); store(Y, 2); }
static void w2_1(struct cell *c) { store(Y, 1); store(X, 2); }
static bool w2_forbidden(const struct cell *c) { return c->x == 1 && far_y[c - cells].v[0] == 1; }

static void wrc_0(struct cell *c) { store(X, 1); }
static void wrc_1(struct cell *c) { c->r[0] = load(X); store(Y, 1); }
static void wrc_2(struct cell *c) { c->r[1] = load(Y); c->r[2] = load(X); }
static bool wrc_forbidden(const struct cell *c) { return c->r[0] == 1 && c->r[1] == 1 && !c->r[2]; }

static void iriw_0(struct cell *c) { store(X, 1); }
static void iriw_1(struct cell *c) { store(Y, 1); }
static void iriw_2(struct cell *c) { c->r[0] = load(X); c->r[1] = load(Y); }
static void iriw_3(struct cell *c) { c->r[2] = load(Y); c->r[3] = load(X); }
static bool iriw_forbidden(const struct cell *c) { return c->r[0] == 1 && !c->r[1] && c->r[2] == 1 && !c->r[3]; }

static const struct test { const char *name; unsigned n; void (*thread[MAX_THREADS])(struct cell *); bool (*forbidden)(const struct cell *); bool allowed; } tests[] = {
    { "SB", 2, { sb_0, sb_1 }, both_zero, .allowed = true },       /* TSO allows this one: it shows that the threads do meet */
    { "SB+mfence", 2, { sb_mfence_0, sb_mfence_1 }, both_zero }, { "SB+xchg", 2, { sb_xchg_0, sb_xchg_1 }, both_zero },
    { "SB+xadd", 2, { sb_xadd_0, sb_xadd_1 }, both_zero }, { "SB+failing-cmpxchg", 2, { sb_cas_fails_0, sb_cas_fails_1 }, both_zero },
    { "SB+cmpxchg16b", 2, { sb_wide_0, sb_wide_1 }, both_zero }, { "MP", 2, { mp_0, mp_1 }, new_then_old },
    { "MP+vectors", 2, { mp_vector_0, mp_vector_1 }, new_then_old }, { "MP+string", 2, { mp_string_0, mp_1 }, new_then_old }, { "LB", 2, { lb_0, lb_1 }, both_one },
    { "S", 2, { s_0, s_1 }, s_forbidden }, { "2+2W", 2, { w2_0, w2_1 }, w2_forbidden }, { "WRC", 3, { wrc_0, wrc_1, wrc_2 }, wrc_forbidden },
    { "IRIW", 4, { iriw_0, iriw_1, iriw_2, iriw_3 }, iriw_forbidden },
};

/* ---- running them ---- */

static unsigned rounds = 60;
static const struct test *running;
static unsigned arrived, phase;

static void meet(unsigned n)
{
    unsigned now = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == n) {
        arrived = 0;
        __atomic_store_n(&phase, now + 1, __ATOMIC_RELEASE);
    } else {
        for (unsigned spins = 0; __atomic_load_n(&phase, __ATOMIC_ACQUIRE) == now; spins++)
            if (spins > 2000) sched_yield();
    }
}

/* Who cleared the cells has them at hand: the others get a start that differs from round to round, so that they meet somewhere. */
static void delay(unsigned k, unsigned round)
{
    for (unsigned n = k ? 0 : round * 37 % 1024; n; n--)
        __asm__ volatile("pause");
}

static long count_forbidden(void)
{
    long seen = 0;
    for (unsigned i = 0; i < BATCH; i++)
        seen += running->forbidden(&cells[i]);
    return seen;
}

static void *thread(void *which)
{
    uintptr_t k = (uintptr_t)which;
    long seen = 0;
    for (unsigned round = 0; round < rounds; round++) {
        if (!k) memset(cells, 0, sizeof cells), memset(far_y, 0, sizeof far_y);
        meet(running->n);
        delay((unsigned)k, round);
        for (unsigned i = 0; i < BATCH; i++)
            running->thread[k](&cells[i]);
        meet(running->n);
        if (!k) seen += count_forbidden();
    }
    return (void *)seen;
}

static long run_threads(unsigned n, void *(*body)(void *))
{
    pthread_t id[MAX_THREADS];
    for (uintptr_t k = 1; k < n; k++)
        if (pthread_create(&id[k], NULL, body, (void *)k)) { printf("FAIL: no thread\n"); exit(1); }
    long result = (long)body(NULL);
    for (unsigned k = 1; k < n; k++) {
        void *r;
        pthread_join(id[k], &r);
        result += (long)r;
    }
    return result;
}

/* ---- locked operations: nothing is lost ---- */

static struct { volatile uint8_t b; volatile uint16_t w; volatile uint32_t d; volatile uint64_t q, by_add, by_swap, plain, lock; } sums __attribute__((aligned(64)));
static volatile struct pair pair __attribute__((aligned(16)));

static void *contend(void *which)
{
    long torn = 0;
    for (unsigned i = 0; i < rounds * 100; i++) {
        __asm__ volatile("lock incb %0\n lock incw %1\n lock addl $3, %2\n lock incq %3" : "+m"(sums.b), "+m"(sums.w), "+m"(sums.d), "+m"(sums.q) : : "memory", "cc");
        add(&sums.by_add, 5);
        for (uint64_t old = load(&sums.by_swap), seen; (seen = swap_if(&sums.by_swap, old, old * 3 + 1)) != old; old = seen) { }
        while (swap_if(&sums.lock, 0, 1))
            sched_yield();
        store(&sums.plain, load(&sums.plain) + 1);
        store(&sums.lock, 0);
        struct pair old = { 0, 0 };
        while (!swap_pair(&pair, &old, (struct pair){ old.low + 1, old.high + 2 }))
            torn += old.high != 2 * old.low;
    }
    return (void *)torn;
}

static bool locked_operations(void)
{
    uint64_t n = 2ull * rounds * 100, expect = 0;
    for (uint64_t i = 0; i < n; i++) expect = expect * 3 + 1;
    long torn = run_threads(2, contend);
    bool ok = !torn && sums.b == (uint8_t)n && sums.w == (uint16_t)n && sums.d == (uint32_t)(3 * n) && sums.q == n && sums.by_add == 5 * n &&
        sums.by_swap == expect && sums.plain == n && pair.low == n && pair.high == 2 * n;
    if (ok) printf("ok locked operations\n");
    else printf("FAIL locked operations: of %llu: %u %u %u %llu %llu, swaps %s, lock %llu, pair %llu %llu, torn %ld\n", (unsigned long long)n, sums.b, sums.w, sums.d,
        (unsigned long long)sums.q, (unsigned long long)sums.by_add, sums.by_swap == expect ? "right" : "wrong", (unsigned long long)sums.plain,
        (unsigned long long)pair.low, (unsigned long long)pair.high, torn);
    return ok;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    if (argc > 1) rounds = (unsigned)atoi(argv[1]);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (argc > 2 && strcmp(argv[2], tests[i].name)) continue;
        running = &tests[i];
        long seen = run_threads(running->n, thread);
        if (running->allowed) printf("note %s: the allowed outcome was seen %ld times in %u\n", running->name, seen, rounds * BATCH);
        else if (seen) printf("FAIL %s: the forbidden outcome was seen %ld times in %u\n", running->name, seen, rounds * BATCH), failed++;
        else printf("ok %s\n", running->name), passed++;
        fflush(stdout);
    }
    if (argc <= 2) locked_operations() ? passed++ : failed++;
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
