/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc_mem.c: code changed behind the processor's back, by /proc/self/mem and process_vm_writev, in text, in memory that may be written and in memory that
 * may not: what runs next is the new code.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* mov eax, 1; ret */
__attribute__((noinline, noclone)) static int text(void) { int v; __asm__ volatile("movl $1, %0" : "=r"(v)); return v; }

static int (*volatile call)(void);
static int run(void) { int sum = 0; for (int i = 0; i < 100; i++) sum += call(); return sum / 100; }

static uint8_t code[] = { 0xb8, 0, 0, 0, 0, 0xc3 };
static const uint8_t *returning(int v) { memcpy(code + 1, &v, 4); return code; }

static void show(const char *what, long r) { printf("%s: %s, runs %d\n", what, r == sizeof code ? "written" : r < 0 ? strerrorname_np(errno) : "?", run()); }

static void by_file(const char *name, int fd, void *at)
{
    off_t where = (off_t)(uintptr_t)at;
    struct iovec v[2] = { { code, 2 }, { code + 2, sizeof code - 2 } };
    call = (int (*)(void))at;
    printf("%s: runs %d\n", name, run());
    returning(2); show("pwrite", pwrite(fd, code, sizeof code, where));
    returning(3); lseek(fd, where, SEEK_SET); show("write", write(fd, code, sizeof code));
    returning(4); lseek(fd, where, SEEK_SET); show("writev", writev(fd, v, 2));
    returning(5); show("pwritev", pwritev(fd, v, 2, where));
    returning(6); show("pwritev2", pwritev2(fd, v, 2, where, 0));
    returning(7); lseek(fd, where, SEEK_SET); show("pwritev2 here", pwritev2(fd, v, 2, -1, 0));
    int copy = dup(fd);
    returning(8); show("copy", pwrite(copy, code, sizeof code, where));
    close(copy);
}

static void by_vm(const char *name, void *at)
{
    struct iovec from[1] = { { code, sizeof code } }, to[2] = { { at, 3 }, { (uint8_t *)at + 3, 3 } };
    call = (int (*)(void))at;
    printf("%s: runs %d\n", name, run());
    for (int v = 20; v < 24; v++) {
        returning(v);
        show("process_vm_writev", process_vm_writev(getpid(), from, 1, to, 2, 0));
    }
}

static uint8_t *piece(int prot)
{
    uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(p, returning(1), sizeof code);
    mprotect(p, 4096, prot);
    return p;
}

int main(void)
{
    int fd = open("/proc/self/mem", O_RDWR), dir = open("/proc/self", O_PATH | O_DIRECTORY), again = openat(dir, "mem", O_WRONLY);
    by_file("text", fd, (void *)text);
    by_file("writable", fd, piece(PROT_READ | PROT_WRITE | PROT_EXEC));
    by_file("read-only", again, piece(PROT_READ | PROT_EXEC));
    by_vm("writable", piece(PROT_READ | PROT_WRITE | PROT_EXEC));
    by_vm("read-only", piece(PROT_READ | PROT_EXEC));
    printf("unmapped: %d %s\n", (int)pwrite(fd, code, 1, 0x1000), strerrorname_np(errno));
    return 0;
}
