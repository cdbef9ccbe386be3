/* SPDX-License-Identifier: GPL-2.0-or-later
 * views: code that changes in other ways than by a store to its own address: through a second mapping of the same memory, by read(2), by
 * remapping, by mprotect, from another thread; and code on the stack. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
typedef int (*function)(void);
static const unsigned char template[] = { 0xb8, 0, 0, 0, 0, 0xc3 };      /* mov $n, %eax; ret */
static void make(unsigned char *p, int n) { memcpy(p, template, 6); memcpy(p + 1, &n, 4); }
static int call(void *p) { return ((function)p)(); }

static void two_views(void)
{
    int fd = memfd_create("code", 0), sum = 0;
    ftruncate(fd, 8192);
    unsigned char *w = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 4096);
    for (int i = 0; i < 200; i++) {
        make(w + 4096, i);
        sum += call(x);
    }
    printf("two views %d\n", sum);
    unsigned char *late = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    make(late, 77);
    printf("late view %d\n", call(x));
    make(late, 78);
    printf("again %d\n", call(x));
}

static void by_the_kernel(void)
{
    int p[2], sum = 0;
    unsigned char *x = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), code[6];
    pipe(p);
    for (int i = 0; i < 100; i++) {
        make(code, i);
        write(p[1], code, 6);
        if (read(p[0], x, 6) != 6)
            printf("read failed\n");
        sum += call(x);
        make(code, 1000);
        write(p[1], code, 6);
        struct iovec v[2] = { { x, 3 }, { x + 3, 3 } };
        if (readv(p[0], v, 2) != 6)
            printf("readv failed\n");
        sum += call(x);
    }
    printf("by the kernel %d\n", sum);
}

static void by_mapping(void)
{
    int sum = 0;
    unsigned char *x = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *y;
    for (int i = 0; i < 100; i++) {
        mprotect(x, 4096, PROT_READ | PROT_WRITE);
        make(x, i);
        mprotect(x, 4096, PROT_READ | PROT_EXEC);
        sum += call(x);
        mmap(x, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        make(x, 5);
        sum += call(x);
        y = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        make(y, 7);
        mremap(y, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, x);
        sum += call(x);
    }
    printf("by mapping %d\n", sum);
}

static unsigned char *shared;
static volatile int turn;
static void *writer(void *arg)
{
    for (int i = 1; i <= 200; i++) {
        while (turn != 1);
        make(shared, i);
        __sync_synchronize();
        turn = 0;
    }
    return NULL;
}

static void by_a_thread(void)
{
    pthread_t t;
    int sum = 0;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    make(shared, 0);
    call(shared);
    pthread_create(&t, NULL, writer, NULL);
    for (int i = 1; i <= 200; i++) {
        turn = 1;
        while (turn != 0);
        sum += call(shared);
    }
    pthread_join(t, NULL);
    printf("by a thread %d\n", sum);
}

static void on_the_stack(void)
{
    unsigned char code[4096];
    int sum = 0;
    unsigned long page = (unsigned long)code & -4096;
    mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 0; i < 100; i++) {
        make(code + 100, i);
        sum += call(code + 100);
    }
    printf("on the stack %d\n", sum);
}

int main(void)
{
    two_views();
    by_the_kernel();
    by_mapping();
    by_a_thread();
    on_the_stack();
    return 0;
}
