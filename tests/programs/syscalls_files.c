/* SPDX-License-Identifier: GPL-2.0-or-later
 * Calls about files whose structures, flags or numbers differ between processors: what the guest sees, printed. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/fs.h>

struct guest_stat { uint64_t dev, ino, nlink; uint32_t mode, uid, gid, pad; uint64_t rdev; int64_t size, blksize, blocks; uint64_t atime, ansec, mtime, mnsec, ctime, cnsec; int64_t unused[3]; };
struct guest_dirent { uint64_t ino, off; uint16_t reclen; char name[]; };

static long show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); return r; }
static void yes(const char *what, long r) { show(what, r < 0 ? r : 0); }

/* without O_LARGEFILE, which the kernel sets by itself and emulators forget */
static unsigned flags_of(int fd) { return (unsigned)syscall(72, fd, F_GETFL) & ~0100000u; }

static void open_flags(void)
{
    static const struct { const char *name; int flags; } opens[] = { { "O_DIRECTORY on a file", 0200000 }, { "O_NOFOLLOW on a link", 0400000 }, { "plain", 0 },
        { "O_CREAT|O_EXCL", 0300 }, { "O_LARGEFILE", 0100000 }, { "O_PATH", 010000000 }, { "O_APPEND", 02002 }, { "O_NONBLOCK", 04000 }, { "O_DSYNC", 010002 },
        { "O_SYNC", 04010002 }, { "O_NOATIME", 01000000 }, { "O_CLOEXEC", 02000000 }, { "O_ASYNC", 020000 }, { "O_TRUNC", 01002 } };
    for (unsigned i = 0; i < sizeof opens / sizeof *opens; i++) {
        int fd = (int)syscall(2, i == 1 ? "link" : "file", opens[i].flags, 0644);
        printf("open %s: %s, flags %o, fd flags %d\n", opens[i].name, fd < 0 ? strerrorname_np(errno) : "ok", fd < 0 ? 0 : flags_of(fd), fd < 0 ? 0 : (int)syscall(72, fd, F_GETFD));
        if (fd >= 0) close(fd);
    }
    int fd = (int)syscall(257, -100, ".", 020200002, 0600);        /* O_TMPFILE */
    printf("O_TMPFILE: %s\n", fd >= 0 || errno == EOPNOTSUPP ? "ok" : strerrorname_np(errno));
    if (fd >= 0) close(fd);
    fd = (int)syscall(2, "file", 02, 0);
    yes("F_SETFL", syscall(72, fd, F_SETFL, 02000 | 04000 | 0100000));
    printf("flags %o\n", flags_of(fd));
    yes("F_SETFL O_DIRECT is known", syscall(72, fd, F_SETFL, 040000) < 0 && errno != EINVAL ? -1 : 0);
    printf("O_DIRECT shows as %o\n", flags_of(fd) & ~040000u);
    close(fd);
    int how = 0;
    struct { uint64_t flags, mode, resolve; } h = { 0200000, 0, 0 };
    how = (int)syscall(437, -100, "dir", &h, sizeof h);
    printf("openat2 O_DIRECTORY: %s\n", how >= 0 || errno == ENOSYS ? "ok" : strerrorname_np(errno));
    if (how >= 0) close(how);
}

static void print_stat(const char *what, long r, const struct guest_stat *s)
{
    struct guest_stat t;
    if (r < 0) { show(what, r); return; }
    syscall(4, "file", &t);
    printf("%s: mode %o nlink %llu size %lld blksize %lld, owner %d, inode %s, times %s, tail %llx\n", what, s->mode, (unsigned long long)s->nlink, (long long)s->size,
        (long long)(s->blksize & 511), s->uid == getuid() && s->gid == getgid(), s->ino ? "set" : "0", s->mtime > 1600000000 && s->mnsec < 1000000000 ? "set" : "wrong",
        (unsigned long long)(s->unused[0] | s->unused[1] | s->unused[2]));
}

static void stats(void)
{
    struct guest_stat s;
    memset(&s, 0, sizeof s); print_stat("stat", syscall(4, "file", &s), &s);
    memset(&s, 0, sizeof s); print_stat("stat of a link", syscall(4, "link", &s), &s);
    memset(&s, 0, sizeof s); print_stat("lstat", syscall(6, "link", &s), &s);
    int fd = open("file", O_RDONLY);
    memset(&s, 0, sizeof s); print_stat("fstat", syscall(5, fd, &s), &s);
    memset(&s, 0, sizeof s); print_stat("newfstatat", syscall(262, -100, "link", &s, 0x100), &s);
    memset(&s, 0, sizeof s); print_stat("newfstatat empty", syscall(262, fd, "", &s, 0x1000), &s);
    print_stat("stat missing", syscall(4, "none", &s), &s);
    show("stat to nowhere", syscall(4, "file", 8));
    memset(&s, 0, sizeof s); syscall(4, "/dev/null", &s);
    printf("/dev/null: mode %o rdev %llx\n", s.mode & 0170000, (unsigned long long)s.rdev);
    unsigned char x[256] = { 0 };
    long r = syscall(332, -100, "file", 0, 0x7ff, x);
    uint32_t mask, nlink; uint16_t mode; uint64_t size;
    memcpy(&mask, x, 4); memcpy(&nlink, x + 16, 4); memcpy(&mode, x + 28, 2); memcpy(&size, x + 40, 8);
    printf("statx: %ld mask %x nlink %u mode %o size %llu\n", r, mask & 0x7ff, nlink, mode, (unsigned long long)size);
    uint64_t fs[15] = { 0 };
    r = syscall(137, ".", fs);
    printf("statfs: %ld type %d bsize %d blocks %d namelen %llu frsize %d\n", r, fs[0] != 0, fs[1] >= 512 && fs[1] <= 1 << 20, fs[2] >= fs[3] && fs[3] >= fs[4], (unsigned long long)fs[8], fs[9] == fs[1]);
    r = syscall(138, fd, fs);
    printf("fstatfs: %ld namelen %llu\n", r, (unsigned long long)fs[8]);
    close(fd);
}

static void directories(void)
{
    unsigned char b[4096];
    for (int old = 0; old < 2; old++) {
        int fd = open("dir", O_RDONLY | O_DIRECTORY), n_names = 0, types = 0;
        unsigned sum = 0;
        for (long n; (n = syscall(old ? 78 : 217, fd, b, sizeof b)) > 0;)
            for (long at = 0; at < n;) {
                struct guest_dirent *d = (void *)(b + at);
                const char *name = old ? d->name : d->name + 1;
                unsigned char type = old ? b[at + d->reclen - 1] : (unsigned char)d->name[0];
                if (name[0] != '.') { n_names++; for (const char *p = name; *p; p++) sum += (unsigned char)*p; types += type; }
                at += d->reclen;
            }
        printf("%s: %d names, sum %u, types %d\n", old ? "getdents" : "getdents64", n_names, sum, types);
        close(fd);
    }
    int fd = open("dir", O_RDONLY);
    errno = 0; show("getdents into 8 bytes", syscall(78, fd, b, 8));
    close(fd);
}

static void locks(void)
{
    struct { int16_t type, whence; int32_t pad; int64_t start, len; int32_t pid, pad2; } l = { 1, 0, 0, 3, 4, 0, 0 };
    int fd = open("file", O_RDWR), fd2 = open("file", O_RDWR);
    yes("F_SETLK", syscall(72, fd, 6, &l));
    l.type = 1; l.start = 0; l.len = 0;
    yes("F_GETLK own", syscall(72, fd2, 5, &l)); printf("type %d\n", l.type);
    l.type = 1; l.start = 2; l.len = 9; l.pid = 0;
    yes("F_OFD_GETLK", syscall(72, fd2, 36, &l)); printf("type %d start %lld len %lld pid %s\n", l.type, (long long)l.start, (long long)l.len, l.pid == getpid() ? "own" : "other");
    l.type = 0; l.start = 100; l.len = 1; l.pid = 0;
    yes("F_OFD_SETLK", syscall(72, fd2, 37, &l));
    yes("F_SETOWN", syscall(72, fd, 8, getpid())); printf("F_GETOWN %s\n", syscall(72, fd, 9) == getpid() ? "own" : "other");
    struct { int type, pid; } o = { 1, getpid() };
    yes("F_SETOWN_EX", syscall(72, fd, 15, &o)); o.pid = 0; yes("F_GETOWN_EX", syscall(72, fd, 16, &o)); printf("type %d pid %d\n", o.type, o.pid == getpid());
    yes("F_SETSIG", syscall(72, fd, 10, 30)); show("F_GETSIG", syscall(72, fd, 11));
    show("F_DUPFD_CLOEXEC", syscall(72, fd, 1030, 50)); show("its flags", syscall(72, 50, 1));
    show("F_GETPIPE_SZ of a file", syscall(72, fd, 1032));
    close(50); close(fd); close(fd2);
}

static void space(void)
{
    char b[64];
    int fd = open("big", O_RDWR | O_CREAT, 0600);
    yes("fallocate", syscall(285, fd, 0L, 0L, 8192L)); printf("size %ld\n", lseek(fd, 0, SEEK_END));
    yes("fallocate keep size", syscall(285, fd, 1L, 8192L, 4096L)); printf("size %ld\n", lseek(fd, 0, SEEK_END));
    yes("fadvise64", syscall(221, fd, 0L, 0L, 4)); show("fadvise64 wrong", syscall(221, fd, 0L, 0L, 99));
    yes("readahead", syscall(187, fd, 0L, 4096L));
    yes("sync_file_range", syscall(277, fd, 0L, 4096L, 7)); show("sync_file_range wrong", syscall(277, fd, 0L, 4096L, 64));
    yes("truncate", syscall(76, "big", 0x1234L)); yes("ftruncate", syscall(77, fd, 0x12345L)); printf("size %ld\n", lseek(fd, 0, SEEK_END));
    show("pwrite64", syscall(18, fd, "hello", 5L, 0x10000L)); show("pread64", syscall(17, fd, b, 64L, 0x10000L)); printf("%.5s\n", b);
    struct iovec v[2] = { { b, 2 }, { b + 10, 3 } };
    show("preadv", syscall(295, fd, v, 2, 0x10000L, 0L)); printf("%.2s %.3s\n", b, b + 10);
    show("pwritev", syscall(296, fd, v, 2, 0x100L, 0L)); long r2 = syscall(327, fd, v, 2, -1L, -1L, 0); printf("preadv2: %s\n", !r2 || errno == ENOSYS ? "ok" : strerrorname_np(errno));
    int64_t at = 0x10000;
    int out = open("copy", O_RDWR | O_CREAT, 0600);
    show("sendfile", syscall(40, out, fd, &at, 5L)); printf("at %llx\n", (long long)at);
    int64_t in = 0x10000, to = 5;
    long r = syscall(326, fd, &in, out, &to, 5L, 0); printf("copy_file_range: %s\n", r == 5 || (r < 0 && (errno == EXDEV || errno == ENOSYS)) ? "ok" : "wrong");
    uint32_t flags = 0;
    r = syscall(16, fd, FS_IOC_GETFLAGS, &flags); printf("FS_IOC_GETFLAGS: %s\n", r == 0 || errno == ENOTTY || errno == EOPNOTSUPP ? "ok" : strerrorname_np(errno));
    int n = -1;
    r = syscall(16, fd, 0x541b, &n); printf("FIONREAD: %ld %d\n", r, n);
    show("BLKGETSIZE64 of a file", syscall(16, fd, 0x80081272, &at)); show("FIGETBSZ", syscall(16, fd, 2, &n) ? -1 : 0);
    show("FIOCLEX", syscall(16, fd, 0x5451)); show("fd flags", syscall(72, fd, 1)); show("FIONCLEX", syscall(16, fd, 0x5450)); show("fd flags", syscall(72, fd, 1));
    int64_t q = -1;
    r = syscall(16, fd, 0x5460, &q); printf("FIOQSIZE: %s\n", r == 0 || errno == ENOTTY || errno == ENOSYS ? "ok" : strerrorname_np(errno));
    close(fd); close(out);
}

int main(void)
{
    char dir[] = "/tmp/wherry-files-XXXXXX";
    if (!mkdtemp(dir) || chdir(dir)) return 1;
    umask(022);
    int fd = open("file", O_CREAT | O_RDWR, 0644);
    if (write(fd, "0123456789", 10) != 10) return 1;
    close(fd);
    if (symlink("file", "link") || mkdir("dir", 0755) || mkdir("dir/one", 0700) || symlink("x", "dir/two")) return 1;
    close(open("dir/three", O_CREAT, 0600));
    open_flags(); 
    fd = open("file", O_RDWR | O_TRUNC);
    if (write(fd, "0123456789", 10) != 10) return 1;
    close(fd);
    stats(); directories(); locks(); space();
    if (chdir("/")) return 1;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0;
}
