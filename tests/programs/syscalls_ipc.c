/* SPDX-License-Identifier: GPL-2.0-or-later
 * System V semaphores, shared memory and message queues, and POSIX queues: their structures as the guest sees them, printed. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct guest_perm { int32_t key; uint32_t uid, gid, cuid, cgid; uint32_t mode; uint16_t seq, pad; uint64_t unused[2]; };
struct guest_semid { struct guest_perm perm; int64_t otime, r1, ctime, r2; uint64_t nsems, unused[2]; };
struct guest_shmid { struct guest_perm perm; uint64_t size; int64_t atime, dtime, ctime; int32_t cpid, lpid; uint64_t nattch, unused[2]; };
struct guest_msgid { struct guest_perm perm; int64_t stime, rtime, ctime; uint64_t cbytes, qnum, qbytes; int32_t lspid, lrpid; uint64_t unused[2]; };

static void show(const char *what, long r) { printf("%s: %ld%s%s\n", what, r < 0 ? -1L : r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : ""); }
static void perm(const struct guest_perm *p) { printf("perm key %x own %d mode %o\n", p->key, p->uid == getuid() && p->cgid == getgid(), p->mode & 0777); }

static void semaphores(void)
{
    struct guest_semid d;
    uint16_t values[3] = { 4, 5, 6 };
    struct { uint16_t num; int16_t op, flags; } op[2] = { { 0, -2, 0 }, { 1, 3, 0 } };
    struct { int64_t sec, nsec; } soon = { 0, 1000000 };
    int id = (int)syscall(64, 0, 3, 01640);
    if (id < 0) { show("semget", id); return; }
    show("SETALL", syscall(66, id, 0, 17, values)); show("SETVAL", syscall(66, id, 2, 16, 9)); show("semop", syscall(65, id, op, 2));
    memset(values, 0, sizeof values); show("GETALL", syscall(66, id, 0, 13, values)); printf("%d %d %d\n", values[0], values[1], values[2]);
    show("GETVAL", syscall(66, id, 1, 12, 0)); show("GETPID", syscall(66, id, 1, 11, 0) == getpid() ? 0 : 1); show("GETNCNT", syscall(66, id, 1, 14, 0)); show("GETZCNT", syscall(66, id, 1, 15, 0));
    op[0].op = -50; show("semtimedop", syscall(220, id, op, 1, &soon)); op[0].flags = 04000; show("IPC_NOWAIT", syscall(65, id, op, 1));
    memset(&d, 0, sizeof d);
    show("IPC_STAT", syscall(66, id, 0, 2, &d)); perm(&d.perm); printf("nsems %llu otime %d ctime %d\n", (unsigned long long)d.nsems, d.otime > 1600000000, d.ctime > 1600000000);
    d.perm.mode = 0600; show("IPC_SET", syscall(66, id, 0, 1, &d)); syscall(66, id, 0, 2, &d); perm(&d.perm);
    int info[10];
    show("IPC_INFO", syscall(66, 0, 0, 3, info) >= 0 ? 0 : -1); printf("%d\n", info[3] > 0);
    show("IPC_STAT nowhere", syscall(66, id, 0, 2, 8)); show("IPC_RMID", syscall(66, id, 0, 0, 0)); show("GETVAL gone", syscall(66, id, 0, 12, 0));
}

static void shared_memory(void)
{
    struct guest_shmid d;
    int id = (int)syscall(29, 0, 10000L, 01600);
    if (id < 0) { show("shmget", id); return; }
    char *p = (char *)syscall(30, id, NULL, 0), *q = (char *)syscall(30, id, NULL, 010000);
    if ((long)p == -1 || (long)q == -1) { show("shmat", -1); return; }
    p[0] = 55; p[9999] = 66;
    printf("other view %d %d\n", q[0], q[9999]);
    memset(&d, 0, sizeof d);
    show("IPC_STAT", syscall(31, id, 2, &d)); perm(&d.perm);
    printf("size %llu nattch %llu cpid %d lpid %d times %d %d\n", (unsigned long long)d.size, (unsigned long long)d.nattch, d.cpid == getpid(), d.lpid == getpid(), d.atime > 1600000000, d.ctime > 1600000000);
    d.perm.mode = 0400; show("IPC_SET", syscall(31, id, 1, &d)); syscall(31, id, 2, &d); perm(&d.perm);
    uint64_t info[9] = { 0 };
    show("IPC_INFO", syscall(31, 0, 3, info) >= 0 ? 0 : -1); printf("%d %llu\n", info[0] > 0, (unsigned long long)info[1]);
    uint64_t used[6] = { 0 };
    show("SHM_INFO", syscall(31, 0, 14, used) >= 0 ? 0 : -1); printf("%d\n", (int32_t)used[0] > 0);
    show("shmdt", syscall(67, p)); show("shmdt again", syscall(67, p)); show("IPC_RMID", syscall(31, id, 0, NULL)); printf("still %d\n", q[0]); show("shmdt", syscall(67, q));
}

static void messages(void)
{
    struct guest_msgid d;
    struct { int64_t type; char text[16]; } m = { 7, "some text" };
    int id = (int)syscall(68, 0, 01600);
    if (id < 0) { show("msgget", id); return; }
    show("msgsnd", syscall(69, id, &m, 9L, 0));
    memset(&d, 0, sizeof d);
    show("IPC_STAT", syscall(71, id, 2, &d)); perm(&d.perm);
    printf("bytes %llu n %llu room %d pid %d %d times %d %lld\n", (unsigned long long)d.cbytes, (unsigned long long)d.qnum, d.qbytes > 0, d.lspid == getpid(), d.lrpid, d.stime > 1600000000, (long long)d.rtime);
    m.type = 0; memset(m.text, 0, 16);
    show("msgrcv too short", syscall(70, id, &m, 2L, 0L, 0)); show("MSG_NOERROR", syscall(70, id, &m, 4L, 7L, 010000)); printf("%lld %s\n", (long long)m.type, m.text);
    show("IPC_NOWAIT", syscall(70, id, &m, 16L, 0L, 04000)); show("IPC_RMID", syscall(71, id, 0, NULL)); show("gone", syscall(69, id, &m, 1L, 0));
}

static void queues(void)
{
    char name[32], b[64];
    struct mq_attr a = { .mq_maxmsg = 3, .mq_msgsize = 64 }, got;
    unsigned priority = 0;
    snprintf(name, sizeof name, "/wherry-%d", getpid());            /* the kernel takes it without the slash; qemu looks for one in front */
    int fd = (int)syscall(240, name + 1, 0102 | 04000, 0600, &a);
    if (fd < 0) { printf("mq_open: %s\n", errno == ENOSYS || errno == EACCES ? "none here" : strerrorname_np(errno)); return; }
    show("mq_timedsend", syscall(242, fd, "hello", 5L, 3, NULL)); memset(&got, 0, sizeof got); show("mq_getsetattr", syscall(245, fd, NULL, &got));
    printf("flags %lo max %ld size %ld now %ld\n", got.mq_flags, got.mq_maxmsg, got.mq_msgsize, got.mq_curmsgs);
    show("mq_timedreceive", syscall(243, fd, b, 64L, &priority, NULL)); printf("%.5s %u\n", b, priority); show("empty", syscall(243, fd, b, 64L, &priority, NULL)); show("mq_unlink", syscall(241, name + 1));
}

int main(void)
{
    semaphores(); shared_memory(); messages(); queues();
    return 0;
}
