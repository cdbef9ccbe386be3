/* SPDX-License-Identifier: GPL-2.0-or-later
 * smc: self-modifying code: code written, run, changed and run again; in the page that runs; by another thread; by a system call; mprotect tricks. */
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static int (*volatile f)(void);
static void put_return(unsigned char *p, int v) { p[0] = 0xb8; memcpy(p + 1, &v, 4); p[5] = 0xc3; }
static unsigned char *page;
static void *writer(void *arg) { put_return(page, 4242); return NULL; }
int main(void) {
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    f = (void *)page;
    long sum = 0;
    for (int i = 0; i < 2000; i++) { put_return(page, i); sum += f(); }
    printf("sum %ld\n", sum);
    /* a loop that changes its own immediate: mov eax, N; inc dword [immediate]; dec ecx; jnz */
    static const unsigned char self[] = { 0xb9, 100, 0, 0, 0, /* loop: */ 0xb8, 0, 0, 0, 0, 0xff, 0x05, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x75, 0xf1, 0xc3 };
    memcpy(page + 256, self, sizeof self);
    f = (void *)(page + 256);
    printf("self %d\n", f());
    pthread_t t;
    pthread_create(&t, NULL, writer, NULL);
    pthread_join(t, NULL);
    f = (void *)page;
    printf("thread %d\n", f());
    int p[2];
    unsigned char code[6];
    pipe(p);
    put_return(code, 777);
    write(p[1], code, 6);
    read(p[0], page, 6);
    printf("read(2) %d\n", f());
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    put_return(page, 888);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    printf("mprotect %d\n", f());
    mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    put_return(page, 999);
    printf("mapped anew %d\n", f());
    unsigned char *alias, *run;
    int fd = memfd_create("code", 0);
    ftruncate(fd, 4096);
    alias = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    run = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    f = (void *)run;
    put_return(alias, 11);
    printf("shared %d\n", f());
    if (!fork()) { put_return(page, 5); f = (void *)page; _exit(f()); }
    int status;
    wait(&status);
    f = (void *)page;
    printf("child %d, parent still %d\n", WEXITSTATUS(status), f());
    /* across a page boundary */
    mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 0; i < 100; i++) { put_return(page + 4093, i * 1000); f = (void *)(page + 4093); if (f() != i * 1000) { printf("boundary %d\n", i); break; } }
    /* data stored beside running code */
    volatile int *data = (int *)(page + 1024);
    static const unsigned char store[] = { 0x31, 0xc0, 0xff, 0x05, 0xf8, 0x02, 0, 0, 0xff, 0xc0, 0x3d, 0xe8, 3, 0, 0, 0x75, 0xf1, 0xc3 };
    memcpy(page + 256, store, sizeof store);
    f = (void *)(page + 256);
    int r = f();
    printf("beside %d %d\n", r, data[0]);
    /* the x87 stores into the next instruction: fild ecx, fistp [immediate], mov eax, N, add edx, eax, dec ecx, jnz */
    static const unsigned char x87[] = { 0x31, 0xd2, 0xb9, 100, 0, 0, 0, 0x89, 0x4c, 0x24, 0xf8, 0xdb, 0x44, 0x24, 0xf8, 0xdb, 0x1d, 1, 0, 0, 0, 0xb8, 0, 0, 0, 0,
                                         0x01, 0xc2, 0xff, 0xc9, 0x75, 0xe7, 0x89, 0xd0, 0xc3 };
    memcpy(page + 256, x87, sizeof x87);
    printf("x87 %d\n", f());
    return 0;
}
