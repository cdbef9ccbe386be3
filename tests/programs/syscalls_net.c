/* SPDX-License-Identifier: GPL-2.0-or-later
 * Socket options by number, socket flags, addresses, messages with control data, epoll and poll masks: what the guest sees, printed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); }

static void int_option(const char *name, int fd, int option, int value)
{
    int got = -1;
    socklen_t size = sizeof got;
    long r = value < 0 ? 0 : syscall(54, fd, 1, option, &value, sizeof value);
    long g = syscall(55, fd, 1, option, &got, &size);
    printf("%s: set %s get %s %d size %u\n", name, r ? strerrorname_np(errno) : "ok", g ? strerrorname_np(errno) : "ok", got, size);
}

static void time_option(const char *name, int fd, int option)
{
    struct { int64_t sec, usec; } t = { 3, 250000 };
    socklen_t size = sizeof t;
    show(name, syscall(54, fd, 1, option, &t, sizeof t));
    memset(&t, 0, sizeof t);
    show("get", syscall(55, fd, 1, option, &t, &size));
    printf("%lld.%lld size %u\n", (long long)t.sec, (long long)t.usec, size);
}

static void options(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), u[2];
    struct { int on, seconds; } linger = { 1, 7 };
    socklen_t size = sizeof linger;
    socketpair(AF_UNIX, SOCK_STREAM, 0, u);
    int_option("SO_DEBUG", fd, 1, -1); int_option("SO_REUSEADDR", fd, 2, 1); int_option("SO_TYPE", fd, 3, -1); int_option("SO_ERROR", fd, 4, -1);
    int_option("SO_DONTROUTE", fd, 5, 1); int_option("SO_BROADCAST", fd, 6, -1); int_option("SO_SNDBUF", fd, 7, 20000); int_option("SO_RCVBUF", fd, 8, 20000);
    int_option("SO_KEEPALIVE", fd, 9, 1); int_option("SO_OOBINLINE", fd, 10, 1); int_option("SO_REUSEPORT", fd, 15, 1); int_option("SO_RCVLOWAT", fd, 18, 5);
    int_option("SO_ACCEPTCONN", fd, 30, -1); int_option("SO_PROTOCOL", fd, 38, -1); int_option("SO_DOMAIN", fd, 39, -1);
    show("SO_LINGER", syscall(54, fd, 1, 13, &linger, sizeof linger)); memset(&linger, 0, sizeof linger);
    show("get", syscall(55, fd, 1, 13, &linger, &size)); printf("%d %d\n", linger.on, linger.seconds);
    time_option("SO_RCVTIMEO", fd, 20); time_option("SO_SNDTIMEO", fd, 21);
    int_option("SO_PASSCRED", u[0], 16, 1);
    struct { int pid; unsigned uid, gid; } cred = { 0, 99, 99 };
    size = sizeof cred;
    show("SO_PEERCRED", syscall(55, u[0], 1, 17, &cred, &size)); printf("%d %d %d\n", cred.pid == getpid(), cred.uid == getuid(), cred.gid == getgid());
    int nodelay = 1; size = sizeof nodelay;
    show("TCP_NODELAY", syscall(54, fd, 6, 1, &nodelay, sizeof nodelay)); nodelay = 0; syscall(55, fd, 6, 1, &nodelay, &size); printf("%d\n", nodelay != 0);
    show("wrong option", syscall(54, fd, 1, 999, &nodelay, sizeof nodelay));
    close(u[0]); close(u[1]); close(fd);
}

static void flags(void)
{
    int u[2], fd = (int)syscall(41, AF_INET, SOCK_DGRAM | 04000 | 02000000, 0);
    printf("socket flags: fd %ld, file %lo\n", syscall(72, fd, F_GETFD), syscall(72, fd, F_GETFL) & 04000);
    close(fd);
    show("socketpair", syscall(53, AF_UNIX, SOCK_SEQPACKET | 04000, 0, u)); printf("%lo\n", syscall(72, u[0], F_GETFL) & 04000);
    char b[4];
    show("recv of nothing", recv(u[0], b, 4, 0)); show("recv MSG_DONTWAIT", recv(u[0], b, 4, 0x40));
    close(u[0]); show("write to the closed", send(u[1], b, 1, 0x4000)); close(u[1]);
    show("no such family", syscall(41, 99, 1, 0)); show("no such type", syscall(41, AF_INET, 77, 0));
}

static void connection(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, b;
    socklen_t size = sizeof a;
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(l, (void *)&a, sizeof a) || listen(l, 3) || getsockname(l, (void *)&a, &size)) { puts("no loopback"); return; }
    show("connect", connect(c, (void *)&a, sizeof a));
    size = sizeof b;
    int s = (int)syscall(288, l, &b, &size, 04000);
    printf("accept4: family %d size %u flags %lo\n", b.sin_family, size, syscall(72, s, F_GETFL) & 04000);
    show("send", send(c, "xyz", 3, 0x4000));
    struct pollfd p = { s, 0x3fff & ~0x1000, 0 };
    if (poll(&p, 1, 5000) == 1) printf("poll %x\n", p.revents & ~0x1c00);
    char buf[8];
    show("recv MSG_PEEK", recv(s, buf, 8, 2)); show("recv MSG_TRUNC", recv(s, buf, 8, 0x20));
    shutdown(c, SHUT_WR);
    p.events = 0x2001; p.revents = 0;
    if (poll(&p, 1, 5000) == 1) printf("after the end: %x\n", p.revents);
    size = sizeof b; show("getpeername", getpeername(s, (void *)&b, &size)); printf("%u\n", size);
    show("SIOCATMARK", syscall(16, s, 0x8905, &size)); show("SIOCOUTQ", syscall(16, s, 0x5411, &size));
    show("SIOCGIFINDEX of none", syscall(16, s, 0x8933, "none\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    close(l); close(c); close(s);
    a.sin_port = htons(1); c = socket(AF_INET, SOCK_STREAM, 0);
    show("connect to nobody", connect(c, (void *)&a, sizeof a));
    close(c);
}

static void messages(void)
{
    int u[2];
    char data[8] = "hi", control[128];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, u);
    struct iovec v = { data, 2 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(8) };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(8), .cmsg_level = 1, .cmsg_type = 1 };
    memcpy(CMSG_DATA(h), u, 8);
    show("sendmsg", sendmsg(u[0], &m, 0));
    int on = 1;
    setsockopt(u[1], 1, 16, &on, sizeof on);
    memset(control, 0, sizeof control); m.msg_controllen = sizeof control; m.msg_flags = -1; v.iov_len = 8;
    show("recvmsg", recvmsg(u[1], &m, 0x40000000));
    printf("control %zu flags %x\n", m.msg_controllen, m.msg_flags);
    for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) printf("level %d type %d len %zu\n", h->cmsg_level, h->cmsg_type, h->cmsg_len);
    v.iov_len = 1; m.msg_controllen = 0;
    send(u[0], "long", 4, 0);
    show("recvmsg cut off", recvmsg(u[1], &m, 0)); printf("flags %x\n", m.msg_flags);
}

struct guest_epoll { uint32_t events; uint64_t data; } __attribute__((packed));
static void events(void)
{
    struct guest_epoll e[3] = { { 0, 0 } };
    int p[2], q[2], fd = (int)syscall(213, 5);
    if (pipe(p) || pipe(q)) return;
    e[0] = (struct guest_epoll){ 1u | 0x80000000u, 0x1122334455667788 };
    show("epoll_ctl", syscall(233, fd, 1, p[0], &e[0]));
    e[0] = (struct guest_epoll){ 4, 0x99aabbccddeeff00 };
    show("epoll_ctl", syscall(233, fd, 1, q[1], &e[0])); show("again", syscall(233, fd, 1, q[1], &e[0])); show("remove another", syscall(233, fd, 2, q[0], &e[0]));
    if (write(p[1], "x", 1) != 1) puts("short");
    memset(e, 0, sizeof e);
    long n = syscall(232, fd, e, 3, 1000);
    printf("epoll_wait %ld:", n);
    uint64_t sum = 0; uint32_t all = 0;
    for (long i = 0; i < n; i++) sum += e[i].data, all |= e[i].events;
    printf(" %llx %x\n", (unsigned long long)sum, all);
    close(p[1]); char b; read(p[0], &b, 1);
    n = syscall(281, fd, e, 1, 1000, NULL, 8); printf("epoll_pwait %ld\n", n);
    struct pollfd f[2] = { { p[0], 1, 0 }, { 99, 1, 0 } };
    show("poll", syscall(7, f, 2, 10)); printf("%x %x\n", f[0].revents, f[1].revents);
    close(q[0]); f[0] = (struct pollfd){ q[1], 4, 0 }; show("poll", syscall(7, f, 1, 10)); printf("%x\n", f[0].revents);
}

int main(void)
{
    options(); flags(); connection(); messages(); events();
    return 0;
}
