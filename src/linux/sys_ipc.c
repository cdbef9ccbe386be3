/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_ipc.c: System V semaphores and shared memory: the calls whose structures differ between processors, written out in x86-64's form.
 * semctl(2), shmctl(2), svipc(7); arch/x86/include/uapi/asm/sembuf.h, asm-generic/ipcbuf.h and shmbuf.h.
 */
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include "linux/hostcall.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

struct guest_perm { int32_t key; uint32_t uid, gid, cuid, cgid, mode; uint16_t seq, pad[3]; uint64_t unused[2]; };
struct guest_semid { struct guest_perm perm; int64_t otime; uint64_t unused1; int64_t ctime; uint64_t unused2, nsems, unused3[2]; };
struct guest_shmid { struct guest_perm perm; uint64_t size; int64_t atime, dtime, ctime; int32_t cpid, lpid; uint64_t nattch, unused[2]; };
_Static_assert(sizeof(struct guest_semid) == 104 && sizeof(struct guest_shmid) == 112, "x86-64's structures");

static struct guest_perm guest_perm(const struct ipc_perm *p)
{
    return (struct guest_perm){ p->__key, p->uid, p->gid, p->cuid, p->cgid, p->mode, .seq = (uint16_t)p->__seq };
}

static void set_perm(struct ipc_perm *p, const struct guest_perm *g)
{
    p->uid = g->uid;
    p->gid = g->gid;
    p->mode = (unsigned short)g->mode;
}

static int64_t result(int r) { return r < 0 ? -errno : r; }

SYS(shmctl)
{
    struct shmid_ds h = { 0 };
    struct guest_shmid g;
    int command = (int)b;
    switch (command) {
    case IPC_STAT: case SHM_STAT: case SHM_STAT_ANY: {
        int r = shmctl((int)a, command, &h);
        if (r < 0) return -errno;
        g = (struct guest_shmid){ guest_perm(&h.shm_perm), h.shm_segsz, h.shm_atime, h.shm_dtime, h.shm_ctime, h.shm_cpid, h.shm_lpid, h.shm_nattch, { 0 } };
        return linux_put(c, &g, sizeof g) ? -EFAULT : r;
    }
    case IPC_SET:
        if (linux_get(&g, c, sizeof g)) return -EFAULT;
        set_perm(&h.shm_perm, &g.perm);
        return result(shmctl((int)a, command, &h));
    default: return result(shmctl((int)a, command, (struct shmid_ds *)(uintptr_t)c));      /* IPC_INFO and SHM_INFO are alike */
    }
}

union host_semun { int val; struct semid_ds *buf; unsigned short *array; void *any; };

SYS(semctl)
{
    struct semid_ds h = { 0 };
    struct guest_semid g;
    union host_semun arg = { .buf = &h };
    int command = (int)c;
    switch (command) {
    case IPC_STAT: case SEM_STAT: case SEM_STAT_ANY: {
        int r = semctl((int)a, (int)b, command, arg);
        if (r < 0) return -errno;
        g = (struct guest_semid){ .perm = guest_perm(&h.sem_perm), .otime = h.sem_otime, .ctime = h.sem_ctime, .nsems = h.sem_nsems };
        return linux_put(d, &g, sizeof g) ? -EFAULT : r;
    }
    case IPC_SET:
        if (linux_get(&g, d, sizeof g)) return -EFAULT;
        set_perm(&h.sem_perm, &g.perm);
        return result(semctl((int)a, (int)b, command, arg));
    case SETVAL: arg.val = (int)d; break;
    default: arg.any = (void *)(uintptr_t)d;
    }
    return result(semctl((int)a, (int)b, command, arg));
}
