/* SPDX-License-Identifier: GPL-2.0-or-later
 * races.c: threads that change the address space beside each other: map, unmap, move, protect, discard, and code that is written and
 * run meanwhile. Each knows what its own pages hold.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int wrong;
static void *mapper(void *arg)
{
    unsigned seed = (uintptr_t)arg;
    for (int i = 0; i < 400; i++) {
        size_t n = 4096 * (1 + rand_r(&seed) % 16);
        char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) { wrong++; continue; }
        memset(p, i, n);
        char *q = mremap(p, n, 2 * n, MREMAP_MAYMOVE);
        if (q == MAP_FAILED) { wrong++; munmap(p, n); continue; }
        if (q[n - 1] != (char)i || q[n] != 0) wrong++;
        q[2 * n - 1] = 3;
        mprotect(q, n, PROT_READ);
        if (q[0] != (char)i) wrong++;
        madvise(q + n, n, MADV_DONTNEED);
        if (q[2 * n - 1] != 0) wrong++;
        munmap(q, 2 * n);
    }
    return NULL;
}

typedef int function(void);
static void *writer(void *arg)
{
    uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 300; i++) {
        memcpy(code, "\xb8\0\0\0\0\xc3", 6);
        memcpy(code + 1, &i, 4);
        if (((function *)code)() != i) wrong++;
        if (i % 50 == 0) { munmap(code, 4096); code = mmap(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
    }
    munmap(code, 4096);
    return NULL;
}

static void *allocator(void *arg)
{
    unsigned seed = (uintptr_t)arg; void *p[64] = { 0 };
    for (int i = 0; i < 20000; i++) { unsigned k = rand_r(&seed) % 64; free(p[k]); size_t n = rand_r(&seed) % (i % 100 ? 2000 : 300000); p[k] = malloc(n); if (p[k]) memset(p[k], k, n); }
    for (int k = 0; k < 64; k++) free(p[k]);
    return NULL;
}

int main(void)
{
    pthread_t t[10];
    void *(*what[])(void *) = { mapper, writer, allocator };
    for (int i = 0; i < 10; i++) pthread_create(&t[i], NULL, what[i % 3], (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 10; i++) pthread_join(t[i], NULL);
    printf("wrong %d\n", wrong);
    return 0;
}
