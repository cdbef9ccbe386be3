/* SPDX-License-Identifier: GPL-2.0-or-later
 * files: calls on files, directories, descriptors and events whose structures or flags a translator converts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %s\n", what, r == -1 ? strerrorname_np(errno) : r ? "yes" : "0"); }
#define SHOW(call) show(#call, (long)(call))

static void stats(void)
{
    struct stat st;
    struct statx stx;
    struct statvfs vfs;
    int fd = open("f", O_CREAT | O_RDWR | O_EXCL, 0640);
    SHOW(write(fd, "some text\n", 10));
    SHOW(fstat(fd, &st));
    printf("%o %ld %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink, st.st_blksize < 65536 ? (long)st.st_blksize : 4096L);        /* a page of the kernel's on tmpfs */
    struct timespec times[2] = { { 1000000000, 123456789 }, { 1111111111, 987654321 } };
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    SHOW(stat("f", &st));
    printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(statx(AT_FDCWD, "f", AT_SYMLINK_NOFOLLOW, STATX_ALL, &stx));
    printf("%o %ld %ld\n", stx.stx_mode, (long)stx.stx_size, (long)stx.stx_mtime.tv_sec);
    SHOW(symlink("f", "s"));
    SHOW(lstat("s", &st));
    printf("link %d\n", S_ISLNK(st.st_mode));
    SHOW(fstatat(AT_FDCWD, "s", &st, AT_SYMLINK_NOFOLLOW));
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
    SHOW(stat("absent", &st));
    SHOW(stat((char *)8, &st));
    SHOW(syscall(SYS_stat, "f", 8));
    SHOW(syscall(SYS_newfstatat, -77, "f", &st, 0));
    SHOW(statvfs(".", &vfs));
    SHOW(fstat(99, &st));
    SHOW(open("f", O_CREAT | O_EXCL, 0600));
    SHOW(open("s", O_NOFOLLOW));
    SHOW(open("f", O_DIRECTORY));
    SHOW(open((char *)-1, O_RDONLY));
    SHOW(open("", O_RDONLY));
    SHOW(syscall(SYS_creat, "c", 0600));
    close(fd);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void directories(void)
{
    char *names[16], buf[4096];
    int n = 0;
    SHOW(mkdir("d", 0755));
    SHOW(mkdirat(AT_FDCWD, "d/e", 0700));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "d/c", RENAME_NOREPLACE));
    SHOW(link("f", "d/l"));
    DIR *d = opendir("d");
    for (struct dirent *e; (e = readdir(d)) && n < 16;)
        asprintf(&names[n++], "%s %d", e->d_name, e->d_type);
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    for (int i = 0; i < n; i++)
        puts(names[i]);
    int fd = open("d", O_RDONLY | O_DIRECTORY), entries = 0;
    for (long size; (size = syscall(SYS_getdents, fd, buf, 100)) > 0;)
        for (long i = 0; i < size; i += *(uint16_t *)(buf + i + 16))
            entries += strlen(buf + i + 18) > 0;
    printf("getdents %d\n", entries);
    SHOW(unlinkat(fd, "e", AT_REMOVEDIR));
    SHOW(faccessat(fd, "c", R_OK, AT_EACCESS));
    SHOW(fchmodat(fd, "c", 0600, 0));
    SHOW(readlinkat(AT_FDCWD, "s", buf, sizeof buf));
    SHOW(readlink("f", buf, sizeof buf));
    SHOW(readlink("s", buf, 0));
    close(fd);
}

static void descriptors(void)
{
    int p[2];
    char buf[64] = "";
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3 };
    int fd = open("f", O_RDWR | O_APPEND);
    SHOW(fcntl(fd, F_SETLK, &lock));
    SHOW(fcntl(fd, F_GETLK, &lock));
    printf("lock %d %ld %ld\n", lock.l_type, (long)lock.l_start, (long)lock.l_len);
    SHOW(fcntl(fd, F_SETLKW, &lock));
    SHOW(flock(fd, LOCK_EX | LOCK_NB));
    printf("flags %o %d\n", fcntl(fd, F_GETFL) & ~0100000, fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
    printf("flags %o\n", fcntl(fd, F_GETFL) & ~0100000);
    SHOW(dup2(fd, 40));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup2(39, 39));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 50));
    printf("cloexec %d\n", fcntl(50, F_GETFD));
    SHOW(syscall(SYS_close_range, 40, 60, 0));
    SHOW(fcntl(40, F_GETFD));
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(read(p[0], buf, 10));
    struct iovec v[2] = { { "ab", 2 }, { "cde", 3 } }, w[2] = { { buf, 1 }, { buf + 10, 30 } };
    printf("writev %zd ", writev(p[1], v, 2));
    int ready = 0;
    ioctl(p[0], FIONREAD, &ready);
    ssize_t got = readv(p[0], w, 2);
    printf("ready %d readv %zd %s %s\n", ready, got, buf, buf + 10);
    printf("splice %zd\n", splice(fd, NULL, p[1], NULL, 4, 0));
    printf("pread %zd pwrite %zd\n", pread(fd, buf, 5, 2), pwrite(fd, "xy", 2, 0));
    off_t at = 1;
    ssize_t sent = sendfile(p[1], fd, &at, 3);
    printf("sendfile %zd %ld\n", sent, (long)at);
    printf("copy %zd\n", copy_file_range(fd, NULL, fd, NULL, 0, 0));
    SHOW(ftruncate(fd, 5000));
    printf("end %ld hole %ld\n", (long)lseek(fd, 0, SEEK_END), (long)lseek(fd, -1, SEEK_SET));
    SHOW(posix_fallocate(fd, 0, 8192));
    SHOW(ioctl(fd, TCGETS, buf));
    SHOW(ioctl(99, TCGETS, buf));
    SHOW(read(fd, (void *)16, 4));
    SHOW(write(p[1], (void *)16, 4));
    SHOW(close(fd));
    SHOW(close(fd));
}

static void events(void)
{
    int e = epoll_create1(EPOLL_CLOEXEC), v = eventfd(3, EFD_NONBLOCK), t = timerfd_create(CLOCK_MONOTONIC, 0), n = inotify_init1(IN_NONBLOCK);
    struct epoll_event event = { EPOLLIN, { .u64 = 0x123456789abcdef0 } }, got[4];
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, v, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, v, &event));
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, 99, &event));
    int woken = epoll_wait(e, got, 4, 1000);
    printf("wait %d %lx %x\n", woken, (long)got[0].data.u64, got[0].events);
    uint64_t count;
    ssize_t n_read = read(v, &count, 8);
    printf("eventfd %zd %lu\n", n_read, (long)count);
    struct itimerspec spec = { .it_value = { 0, 1000000 } }, left;
    SHOW(timerfd_settime(t, 0, &spec, NULL));
    n_read = read(t, &count, 8);
    printf("timer %zd %lu\n", n_read, (long)count);
    SHOW(timerfd_gettime(t, &left));
    SHOW(inotify_add_watch(n, ".", IN_CREATE));
    close(open("new", O_CREAT, 0600));
    char buf[256];
    n_read = read(n, buf, sizeof buf);
    printf("inotify %zd %s\n", n_read, ((struct inotify_event *)buf)->name);
}

static void sockets(void)
{
    int s[2], p[2];
    char buf[32] = "", control[64];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pipe(p);
    struct iovec v = { "fd", 2 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(4) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(c), &p[1], 4);
    printf("sendmsg %zd\n", sendmsg(s[0], &m, 0));
    v = (struct iovec){ buf, sizeof buf };
    m.msg_controllen = sizeof control;
    ssize_t n = recvmsg(s[1], &m, MSG_CMSG_CLOEXEC);
    printf("recvmsg %zd %s control %zu\n", n, buf, m.msg_controllen);
    int fd, size = 0;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), 4);
    printf("through %zd\n", write(fd, "z", 1));
    socklen_t len = sizeof size;
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &size, &len));
    printf("type %d len %u\n", size, len);
    struct sockaddr_un a = { AF_UNIX, "sock" }, b;
    int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), k = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(l, (void *)&a, sizeof a));
    SHOW(listen(l, 2));
    SHOW(connect(k, (void *)&a, sizeof a));
    len = sizeof b;
    SHOW(accept4(l, (void *)&b, &len, SOCK_NONBLOCK));
    len = sizeof b;
    SHOW(getpeername(k, (void *)&b, &len));
    printf("peer %s\n", b.sun_path);
    SHOW(recv(k, buf, 1, MSG_DONTWAIT));
    SHOW(shutdown(k, SHUT_WR));
    struct pollfd pf = { k, POLLOUT | POLLIN, 0 };
    int polled = poll(&pf, 1, 0);
    printf("poll %d %x\n", polled, pf.revents);
}

static void limits(void)
{
    struct rlimit r = { 1 << 30, RLIM_INFINITY }, q;
    struct rusage u;
    struct sysinfo i;
    struct tms t;
    struct utsname name;
    uname(&name);
    printf("%s %s\n", name.sysname, name.machine);
    SHOW(setrlimit(RLIMIT_AS, &r));
    SHOW(getrlimit(RLIMIT_AS, &q));
    printf("as %lx\n", (long)q.rlim_cur);
    r.rlim_cur = r.rlim_max = 100;
    SHOW(prlimit(0, RLIMIT_NOFILE, &r, &q));
    SHOW(prlimit(0, RLIMIT_NOFILE, NULL, &q));
    printf("files %ld %ld\n", (long)q.rlim_cur, (long)q.rlim_max);
    SHOW(getrlimit(99, &q));
    SHOW(getrusage(RUSAGE_SELF, &u));
    SHOW(sysinfo(&i));
    printf("%d\n", i.totalram > 0 && times(&t) != -1 && u.ru_maxrss > 0);
    printf("auxv %lu %lu %s %d\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), (char *)getauxval(AT_PLATFORM), getauxval(AT_SECURE) != 0);
    printf("same %d %d\n", getauxval(AT_UID) == getuid(), !!getauxval(AT_RANDOM) + !!getauxval(AT_SYSINFO_EHDR) + !!getauxval(AT_PHDR));
}

static void proc(void)
{
    char buf[4096] = "", *exe = realpath("/proc/self/exe", NULL), own[64];
    ssize_t n = readlink("/proc/self/exe", buf, sizeof buf - 1);
    buf[n] = 0;
    printf("exe %d %s\n", exe && !strcmp(exe, buf), strrchr(buf, '/') + 1);
    snprintf(own, sizeof own, "/proc/%d/cmdline", getpid());
    int fd = open(own, O_RDONLY);
    n = read(fd, buf, sizeof buf);
    printf("cmdline %zd\n", n - (ssize_t)strlen(buf));
    FILE *f = fopen("/proc/self/maps", "r");
    int stack = 0, vdso = 0, code = 0;
    while (fgets(buf, sizeof buf, f)) {
        unsigned long a, b;
        char prot[8];
        sscanf(buf, "%lx-%lx %7s", &a, &b, prot);
        stack += a <= (unsigned long)&n && (unsigned long)&n < b && strstr(buf, "[stack]");
        vdso += !!strstr(buf, "[vdso]");
        code += a <= (unsigned long)proc && (unsigned long)proc < b && !strcmp(prot, "r-xp");
    }
    printf("maps %d %d %d\n", stack, vdso, code);
    fd = open("/proc/self/auxv", O_RDONLY);
    uint64_t pair[2] = { 1 };
    while (read(fd, pair, 16) == 16 && pair[0] != AT_PAGESZ);
    printf("auxv %ld\n", (long)pair[1]);
    fd = open("/proc/thread-self/comm", O_RDONLY);
    n = read(fd, buf, sizeof buf);
    printf("comm %.*s", (int)n, buf);
}

static void segments(void)
{
    int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600);
    char *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
    strcpy(p, "shared");
    struct shmid_ds ds;
    SHOW(shmctl(id, IPC_STAT, &ds));
    printf("%s %ld %ld\n", q, (long)ds.shm_segsz, (long)ds.shm_nattch);
    SHOW(shmdt(q));
    SHOW(shmdt(p));
    SHOW(shmdt(p));
    SHOW(shmctl(id, IPC_RMID, NULL));
}

int main(void)
{
    char dir[] = "/tmp/files-XXXXXX", command[64];
    if (!mkdtemp(dir) || chdir(dir))
        return 1;
    umask(022);
    stats();
    directories();
    descriptors();
    events();
    sockets();
    limits();
    proc();
    segments();
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}
