/* SPDX-License-Identifier: GPL-2.0-or-later
 * mapping: mmap, mprotect, mremap, munmap in parts, MAP_FIXED over others, shared memory across fork, madvise, brk, files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static sigjmp_buf env;
static void fault(int sig) { siglongjmp(env, sig); }
static int readable(volatile char *p) { if (sigsetjmp(env, 1)) return 0; (void)*p; return 1; }
static int writable(volatile char *p) { if (sigsetjmp(env, 1)) return 0; *p = *p; return 1; }
static void map(const char *what, char *p, int n) {
    printf("%s:", what);
    for (int i = 0; i < n; i++) printf(" %c", !readable(p + i * 4096) ? '-' : writable(p + i * 4096) ? 'w' : 'r');
    puts("");
}
int main(void) {
    signal(SIGSEGV, fault);
    signal(SIGBUS, fault);
    char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 16; i++) p[i * 4096] = i;
    mprotect(p + 4096, 4096, PROT_READ);
    mprotect(p + 3 * 4096, 2 * 4096, PROT_NONE);
    munmap(p + 6 * 4096, 4096);
    mmap(p + 8 * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    map("pieces", p, 16);
    printf("values %d %d %d %d\n", p[0], p[4096], p[8 * 4096], p[15 * 4096]);
    char *q = mremap(p + 9 * 4096, 7 * 4096, 20 * 4096, MREMAP_MAYMOVE);
    printf("mremap %d %d\n", q[0], q[6 * 4096]);
    map("moved", q, 20);
    q = mremap(q, 20 * 4096, 2 * 4096, 0);
    printf("shrunk %d %d\n", q[0], q[4096]);
    printf("noreplace %s\n", mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    char name[] = "/tmp/mapping-XXXXXX";
    int fd = mkstemp(name);
    char buf[4096];
    for (int i = 0; i < 5; i++) { memset(buf, 'a' + i, 4096); write(fd, buf, 4096); }
    write(fd, "tail", 4);
    char *m = mmap(NULL, 6 * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    printf("file %c %c %s|%d\n", m[0], m[4 * 4096], m + 5 * 4096, m[5 * 4096 + 100]);
    m = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    printf("offset %c %c\n", m[0], m[4096]);
    m[0] = 'X';
    char *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    printf("private %c shared %c\n", m[0], s[0]);
    s[1] = 'Y';
    pread(fd, buf, 2, 4096);
    printf("in the file %.2s\n", buf);
    char *sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!fork()) { strcpy(sh, "from the child"); _exit(0); }
    wait(NULL);
    puts(sh);
    p[0] = 1;
    madvise(p, 4096, MADV_DONTNEED);
    printf("dontneed %d\n", p[0]);
    char *b = sbrk(0);
    sbrk(100000);
    b[99999] = 5;
    printf("brk %d %d\n", b[0], b[99999]);
    sbrk(-100000);
    printf("EINVAL %d %d %d\n", mprotect(p + 1, 10, PROT_READ) ? errno : 0, munmap(p + 1, 10) ? errno : 0, mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
    char *u = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(u + 4096, 4096);
    printf("ENOMEM %d\n", mprotect(u + 4096, 4096, PROT_READ) ? errno : 0);
    char *r = mmap((void *)0x12340000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("fixed %p\n", (void *)r);
    unlink(name);
    return 0;
}
