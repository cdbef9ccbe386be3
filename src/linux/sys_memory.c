/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_memory.c: system calls on the address space. memory.c does the work; here are the calls' own rules. mmap(2), mremap(2), mincore(2), shmat(2).
 */
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include "linux/hostcall.h"
#include "linux/memory.h"

/* Under READ_IMPLIES_EXEC what may be read may be run. */
static int with_exec(uint64_t prot) { return (int)prot | (linux_read_implies_exec && prot & GUEST_PROT_READ ? GUEST_PROT_EXEC : 0); }

SYS(mmap) { return (int64_t)linux_mmap(a, b, with_exec(c), (int)d, (int)e, f); }
SYS(munmap) { return linux_munmap(a, b); }
SYS(mprotect) { return linux_mprotect(a, b, with_exec(c)); }
SYS(mremap) { return (int64_t)linux_mremap(a, b, c, (int)d, e); }
SYS(madvise) { return linux_madvise(a, b, (int)c); }
SYS(brk) { return (int64_t)linux_brk(a); }

/* A key of -1 is no key: plain mprotect. There are no others, pkey_alloc is refused. */
SYS(pkey_mprotect) { return (int)d == -1 ? linux_mprotect(a, b, with_exec(c)) : -EINVAL; }

/* A processor without such keys: the call is there, and has none to give. */
SYS(pkey) { return -EINVAL; }

/* Faults of the guest's pages that another thread resolves: the kernel does it all where a guest page is a host page. */
SYS(userfaultfd) { return memory_host_page() > GUEST_PAGE ? -ENOSYS : linux_host(SYS_userfaultfd, a); }

/* The calls below must not touch wherry's own memory. */
static bool guest_range(uint64_t addr, uint64_t size)
{
    return !(addr & GUEST_PAGE_MASK) && (size == 0 || linux_range_mapped(addr, size));
}

/* The beginning of the host page, for calls that want it so. */
static uint64_t host_start(uint64_t addr) { return addr & ~(memory_host_page() - 1); }

SYS(msync)
{
    if (a & GUEST_PAGE_MASK || (uint32_t)c & ~7u || (c & 5) == 5)      /* MS_ASYNC and MS_SYNC at once */
        return -EINVAL;
    if (b + GUEST_PAGE_MASK < b || !b)         /* the kernel's rounding makes 0 of both */
        return 0;
    return guest_range(a, b) ? linux_safe_syscall(SYS_msync, (long)host_start(a), (long)(a + b - host_start(a)), (long)c, 0, 0, 0) : -ENOMEM;
}

/* How many of these pages are the guest's, from the first on */
static uint64_t mapped_run(uint64_t at, uint64_t most)
{
    uint64_t n = 0;
    while (n < most && linux_page_prot(at + n * GUEST_PAGE) >= 0)
        n++;
    return n;
}

/* In pieces, as the kernel: what is there is told before what is not is met. */
SYS(mincore)
{
    uint8_t there[4096];
    if (a & GUEST_PAGE_MASK)
        return -EINVAL;
    uint64_t pages = (b >> 12) + !!(b & GUEST_PAGE_MASK);
    if (a > GUEST_TASK_SIZE || b > GUEST_TASK_SIZE - a)
        return -ENOMEM;
    if (c > GUEST_TASK_SIZE || pages > GUEST_TASK_SIZE - c)
        return -EFAULT;
    for (uint64_t done = 0, n; done < pages; done += n) {
        n = mapped_run(a + done * GUEST_PAGE, pages - done < sizeof there ? pages - done : sizeof there);
        if (!n)
            return -ENOMEM;
        memset(there, 1, n);                   /* a host with larger pages would count its own: all are there, as far as anybody can tell */
        int64_t error = memory_host_page() > GUEST_PAGE ? 0 : linux_host(SYS_mincore, a + done * GUEST_PAGE, n * GUEST_PAGE, there);
        if (error || (error = linux_put(c + done, there, n)))
            return error;
    }
    return 0;
}

/* mlock, mlock2, munlock */
SYS(mlock)
{
    uint64_t first = a & ~GUEST_PAGE_MASK;
    if (a + b < a)
        return -EINVAL;
    if (b && !linux_range_mapped(first, a + b - first))
        return -ENOMEM;
    return linux_host_syscall((long)cpu->state.gpr[X86_RAX], (long)a, (long)b, (long)c, 0, 0, 0);
}

/* It would lock all of wherry too. The guest can't see the difference, except that its memory may be swapped. */
SYS(mlockall) { return a == 0 || a & ~7ull ? -EINVAL : 0; }

/* ---- System V shared memory ---- */

enum { GUEST_SHM_RDONLY = 010000, GUEST_SHM_RND = 020000, GUEST_SHM_REMAP = 040000, GUEST_SHM_EXEC = 0100000 };

static int64_t attach_address(uint64_t wanted, uint64_t size, uint64_t flags)
{
    if (!wanted)
        return (int64_t)linux_shm_place(size);
    if (wanted & GUEST_PAGE_MASK && !(flags & GUEST_SHM_RND))
        return -EINVAL;
    wanted &= ~GUEST_PAGE_MASK;
    if (wanted > GUEST_TASK_SIZE - size)
        return -EINVAL;
    if (flags & GUEST_SHM_REMAP && linux_range_mapped(wanted, size))
        return linux_munmap(wanted, size) ? -EINVAL : (int64_t)wanted;
    return (int64_t)wanted;
}

SYS(shmat)
{
    struct shmid_ds info;
    if (shmctl((int)a, IPC_STAT, &info))
        return -errno;
    int64_t addr = attach_address(b, info.shm_segsz, c);
    if (addr < 0)
        return addr;
    int prot = GUEST_PROT_READ | (c & GUEST_SHM_RDONLY ? 0 : GUEST_PROT_WRITE) | (c & GUEST_SHM_EXEC ? GUEST_PROT_EXEC : 0);
    void *p = shmat((int)a, (void *)(uintptr_t)addr, c & GUEST_SHM_RDONLY ? SHM_RDONLY : 0);
    if (p == (void *)-1)
        return -errno;
    linux_shm_attached((uintptr_t)p, info.shm_segsz, prot, (int)a);
    return (int64_t)(uintptr_t)p;
}

SYS(shmdt)
{
    uint64_t size = linux_shm_size(a);
    if (!size)
        return -EINVAL;
    if (shmdt((void *)(uintptr_t)a))
        return -errno;
    linux_shm_detached(a, size);
    return 0;
}
