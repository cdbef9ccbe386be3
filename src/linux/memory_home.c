/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_home.c: homes and windows. The memory file has one descriptor, of a high number; sys_file.c keeps the guest's hands off it.
 * Homes are handed out from chunks, so that the file grows with use.
 */
#include "linux/own_fds.h"
#include "linux/memory_home.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "linux/memory_host.h"

enum { PER_CHUNK = 64, MAX_CHUNKS = 1024 };
static struct { uint8_t *at; uint64_t used; } chunk[MAX_CHUNKS];       /* used: a bit for each home */
static unsigned n_chunks, n_homes;
static int file = -1, copy_file = -1;

static uint64_t chunk_size(void) { return PER_CHUNK * memory_host_page(); }

/* A new memory file at the highest descriptor that there is room for. */
static int new_file(uint64_t size)
{
    struct rlimit limit;
    int low = memfd_create("guest-pages", MFD_CLOEXEC), fd = -1;
    if (low < 0)
        return -1;
    uint64_t from = getrlimit(RLIMIT_NOFILE, &limit) ? 256 : limit.rlim_cur < 65536 ? limit.rlim_cur : 65536;
    for (uint64_t back = 8; fd < 0 && back < from; back *= 2)
        fd = fcntl(low, F_DUPFD_CLOEXEC, (int)(from - back));
    if (fd < 0)
        fd = low;
    else
        close(low);
    if (ftruncate(fd, (off_t)size) == 0) {
        linux_own_fd_add(fd);
        return fd;
    }
    close(fd);
    return -1;
}

static void drop_copy(void)
{
    if (copy_file < 0)
        return;
    linux_own_fd_remove(copy_file);
    close(copy_file);
    copy_file = -1;
}

static bool grow(void)
{
    unsigned n = n_chunks;
    if (n == MAX_CHUNKS || (file < 0 && (file = new_file(0)) < 0))
        return false;
    if (ftruncate(file, (off_t)((n + 1) * chunk_size())))
        return false;
    uint64_t page = memory_host_page(), size = chunk_size();
    uint8_t *p = mmap(NULL, size + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    uint8_t *at = (uint8_t *)(((uintptr_t)p + page - 1) & ~(page - 1));
    if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, (off_t)(n * size)) == MAP_FAILED)
        return false;
    chunk[n].at = at;
    chunk[n].used = 0;
    n_chunks++;
    return true;
}

uint8_t *memory_home_new(void)
{
    for (unsigned i = 0; i < n_chunks || grow(); i++)
        if (~chunk[i].used) {
            unsigned k = (unsigned)__builtin_ctzll(~chunk[i].used);
            chunk[i].used |= 1ull << k;
            n_homes++;
            return chunk[i].at + k * memory_host_page();
        }
    return NULL;
}

static uint64_t offset_of(const uint8_t *home)
{
    for (unsigned i = 0; i < n_chunks; i++)
        if (home >= chunk[i].at && home < chunk[i].at + chunk_size())
            return i * chunk_size() + (uint64_t)(home - chunk[i].at);
    return 0;
}

void memory_home_free(uint8_t *home)
{
    uint64_t offset = offset_of(home);
    if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)memory_host_page()))
        memset(home, 0, memory_host_page());
    chunk[offset / chunk_size()].used &= ~(1ull << offset % chunk_size() / memory_host_page());
    n_homes--;
}

int memory_home_map(const uint8_t *home, uint64_t base, int prot)
{
    void *p = mmap((void *)(uintptr_t)base, memory_host_page(), prot, MAP_SHARED | MAP_FIXED, file, (off_t)offset_of(home));
    return p == MAP_FAILED ? -errno : 0;
}

void memory_home_fill(uint8_t *home, uint64_t offset, const void *from, uint64_t size)
{
    uint64_t at = offset_of(home) + offset;
    for (uint64_t done = 0, n; done < size; done += n) {
        n = size - done < 4096 ? size - done : 4096;
        if (pwrite(file, (const uint8_t *)from + done, n, (off_t)(at + done)) != (ssize_t)n)
            memset(home + offset + done, 0, n);
    }
}

/* ---- fork ---- */

static void copy_part(uint8_t *home, uint64_t offset, uint64_t size)
{
    if (copy_file >= 0 && pwrite(copy_file, home + offset, size, (off_t)(offset_of(home) + offset)) != (ssize_t)size)
        drop_copy();
}

void memory_home_fork_prepare(void (*each)(void (*copy)(uint8_t *home, uint64_t offset, uint64_t size)))
{
    copy_file = n_homes ? new_file(n_chunks * chunk_size()) : -1;
    if (copy_file >= 0)
        each(copy_part);
}

void memory_home_fork_parent(void) { drop_copy(); }

bool memory_home_fork_child(void)
{
    if (!n_homes)
        return false;
    if (copy_file < 0)                         /* no memory for it: what the child has is the parent's, and can't be used */
        _exit(1);
    dup3(copy_file, file, O_CLOEXEC);
    drop_copy();
    for (unsigned i = 0; i < n_chunks; i++)
        if (mmap(chunk[i].at, chunk_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, (off_t)(i * chunk_size())) == MAP_FAILED)
            _exit(1);
    return true;
}

/* ---- windows ---- */

struct window *memory_window_new(int fd, uint64_t offset, uint64_t size, bool shared, bool write, uint64_t *first)
{
    uint64_t page = memory_host_page(), start = offset & ~(page - 1);
    struct window *w = malloc(sizeof *w);
    if (!w)
        return NULL;
    *w = (struct window){ .size = (offset + size - start + page - 1) & ~(page - 1), .offset = start, .refs = 1, .fd = -1, .writable = shared };
    int how = shared ? MAP_SHARED : MAP_PRIVATE;
    void *p = mmap(NULL, w->size, PROT_READ | (shared ? PROT_WRITE : 0), how, fd, (off_t)start);
    if (p == MAP_FAILED && shared && !write) { /* opened for reading only */
        p = mmap(NULL, w->size, PROT_READ, how, fd, (off_t)start);
        w->writable = false;
    }
    if (p == MAP_FAILED) {
        int error = errno;
        free(w);
        errno = error;
        return NULL;
    }
    w->at = p;
    *first = (uint64_t)(uintptr_t)p + (offset - start);
    return w;
}

struct window *memory_window_keep(struct window *w)
{
    if (w)
        w->refs++;
    return w;
}

void memory_window_drop(struct window *w)
{
    if (!w || --w->refs)
        return;
    munmap(w->at, w->size);
    if (w->fd >= 0) {
        linux_own_fd_remove(w->fd);
        close(w->fd);
    }
    free(w);
}
