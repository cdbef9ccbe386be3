/* SPDX-License-Identifier: GPL-2.0-or-later
 * ipc.c: messages between processes: System V segments, semaphores and queues, POSIX queues, descriptors and credentials over
 * local sockets, several messages at once, and the routing socket that getifaddrs asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <mqueue.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long r) { printf("%s %ld %d\n", what, r < 0 ? -1 : r, r < 0 ? errno : 0); fflush(stdout); }

static void segments(void)
{
    int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600);
    volatile int *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
    show("shmat", p == (void *)-1 || q == (void *)-1 ? -1 : 0);
    p[100] = 7;
    printf("%d\n", q[100]);
    pid_t pid = fork();
    if (!pid) { p[100]++; _exit(0); }
    waitpid(pid, NULL, 0);
    printf("%d\n", q[100]);
    struct shmid_ds ds;
    show("shm stat", shmctl(id, IPC_STAT, &ds));
    printf("%zu %lu\n", ds.shm_segsz, (unsigned long)ds.shm_nattch);
    show("shm rm", shmctl(id, IPC_RMID, NULL));
    show("shmdt", shmdt((void *)p)); show("shmdt", shmdt((void *)q)); show("shmdt again", shmdt((void *)q));
    show("shmat bad", (long)shmat(99999999, NULL, 0));
}

static void semaphores(void)
{
    union { int val; struct semid_ds *ds; unsigned short *array; } arg;
    int id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
    unsigned short values[3] = { 1, 2, 3 };
    arg.array = values;
    show("setall", semctl(id, 0, SETALL, arg));
    struct sembuf op[2] = { { 0, -1, 0 }, { 2, 4, SEM_UNDO } };
    show("semop", semop(id, op, 2));
    memset(values, 0, sizeof values);
    show("getall", semctl(id, 0, GETALL, arg));
    printf("%d %d %d\n", values[0], values[1], values[2]);
    op[0].sem_flg = IPC_NOWAIT;
    show("semop nowait", semop(id, op, 1));
    struct timespec t = { 0, 1000000 };
    op[0].sem_flg = 0;
    show("semtimedop", semtimedop(id, op, 1, &t));
    pid_t pid = fork();
    if (!pid) { struct sembuf up = { 0, 1, 0 }; semop(id, &up, 1); _exit(0); }
    show("semop wait", semop(id, op, 1));
    waitpid(pid, NULL, 0);
    struct semid_ds ds; arg.ds = &ds;
    show("sem stat", semctl(id, 0, IPC_STAT, arg));
    printf("%lu\n", (unsigned long)ds.sem_nsems);
    show("sem rm", semctl(id, 0, IPC_RMID));
}

static void queues(void)
{
    struct { long type; char text[100]; } m = { 5, "message" };
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    show("msgsnd", msgsnd(id, &m, 8, 0));
    m.type = 3; strcpy(m.text, "other");
    show("msgsnd", msgsnd(id, &m, 6, 0));
    show("msgrcv short", msgrcv(id, &m, 2, 5, 0));
    show("msgrcv", msgrcv(id, &m, 100, -4, 0)); printf("%ld %s\n", m.type, m.text);
    show("msgrcv", msgrcv(id, &m, 100, 0, MSG_NOERROR)); printf("%ld %s\n", m.type, m.text);
    show("msgrcv none", msgrcv(id, &m, 100, 0, IPC_NOWAIT));
    struct msqid_ds ds;
    show("msg stat", msgctl(id, IPC_STAT, &ds)); printf("%lu\n", (unsigned long)ds.msg_qnum);
    m.type = 0;
    show("msgsnd bad", msgsnd(id, &m, 6, 0));
    show("msg rm", msgctl(id, IPC_RMID, NULL));
}

static void posix_queues(void)
{
    char name[32], buf[64];
    unsigned priority;
    struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 64 };
    snprintf(name, sizeof name, "/ipc%d", getpid());
    mqd_t q = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &a);
    show("mq_open", q < 0 ? -1 : 0);
    show("mq_send", mq_send(q, "low", 4, 1)); show("mq_send", mq_send(q, "high", 5, 9));
    memset(&a, 0, sizeof a);
    show("mq_getattr", mq_getattr(q, &a)); printf("%ld %ld %ld\n", a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    show("mq_receive", mq_receive(q, buf, 64, &priority)); printf("%s %u\n", buf, priority);
    show("mq_receive", mq_receive(q, buf, 64, &priority)); printf("%s %u\n", buf, priority);
    show("mq_receive", mq_receive(q, buf, 64, &priority));
    show("mq_receive small", mq_receive(q, buf, 6, &priority));
    show("mq_unlink", mq_unlink(name)); mq_close(q);
}

static void descriptors(void)
{
    int s[2], p[2], one = 1;
    show("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, s)); show("pipe", pipe(p));
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
    char byte = 'x', control[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    memset(control, 0, sizeof control);
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(2 * sizeof(int)) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(c), p, sizeof p);
    show("sendmsg", sendmsg(s[0], &m, 0));
    close(p[1]);
    m.msg_controllen = sizeof control;
    byte = 0;
    show("recvmsg", recvmsg(s[1], &m, MSG_CMSG_CLOEXEC));
    printf("%c flags %x\n", byte, m.msg_flags);
    for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("level %d type %d length %zu\n", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS) {
            int got[2]; char b = 0;
            memcpy(got, CMSG_DATA(c), sizeof got);
            show("write", write(got[1], "y", 1)); show("read", read(p[0], &b, 1)); printf("%c %d\n", b, fcntl(got[0], F_GETFD));
        } else {
            struct ucred *u = (void *)CMSG_DATA(c);
            printf("own %d %u\n", u->pid == getpid(), u->uid);
        }
    }
    struct ucred u; socklen_t n = sizeof u;
    show("peercred", getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &n)); printf("%d\n", u.pid == getpid());
}

static void several(void)
{
    int s[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s)) return;
    char text[3][8] = { "one", "two", "three" }, in[4][8] = { "" };
    struct iovec v[4]; struct mmsghdr m[4] = { 0 };
    for (int i = 0; i < 3; i++) { v[i] = (struct iovec){ text[i], strlen(text[i]) }; m[i].msg_hdr.msg_iov = &v[i]; m[i].msg_hdr.msg_iovlen = 1; }
    show("sendmmsg", sendmmsg(s[0], m, 3, 0)); printf("%u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
    for (int i = 0; i < 4; i++) { v[i] = (struct iovec){ in[i], 8 }; m[i] = (struct mmsghdr){ { .msg_iov = &v[i], .msg_iovlen = 1 } }; }
    struct timespec t = { 0, 1000000 };
    show("recvmmsg", recvmmsg(s[1], m, 4, MSG_DONTWAIT, &t)); printf("%s %s %s %u\n", in[0], in[1], in[2], m[2].msg_len);
    show("recvmmsg none", recvmmsg(s[1], m, 4, MSG_DONTWAIT, NULL));
    struct sockaddr_un a = { AF_UNIX, "\0abstract-ipc" }, b; socklen_t n = sizeof b;
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path + 1, 40, "ipc-%d", getpid());
    show("bind", bind(l, (void *)&a, sizeof a)); show("listen", listen(l, 5));
    int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    show("connect", connect(c, (void *)&a, sizeof a));
    int f = accept4(l, (void *)&b, &n, SOCK_NONBLOCK);
    show("accept4", f < 0 ? -1 : 0); printf("%u\n", n);
    show("recv none", recv(f, in, 8, 0)); show("send", send(c, "abc", 3, MSG_NOSIGNAL)); show("peek", recv(f, in, 8, MSG_PEEK)); show("shutdown", shutdown(c, SHUT_RDWR));
    show("send closed", send(c, "abc", 3, MSG_NOSIGNAL));
    n = 12345678; show("getsockname", getsockname(l, (void *)&b, &n)); printf("%u\n", n);
    show("getsockname fault", getsockname(l, (void *)8, &n)); n = -1; show("getsockname negative", getsockname(l, (void *)&b, &n));
}

static void interfaces(void)
{
    struct ifaddrs *list, *i;
    show("getifaddrs", getifaddrs(&list));
    for (i = list; i; i = i->ifa_next) if (!strcmp(i->ifa_name, "lo")) printf("%s %u %x\n", i->ifa_name, i->ifa_addr ? i->ifa_addr->sa_family : 0, i->ifa_flags & IFF_LOOPBACK);
    printf("lo is %u\n", if_nametoindex("lo"));
}

int main(void)
{
    segments(); semaphores(); queues(); posix_queues(); descriptors(); several(); interfaces();
    return 0;
}
