/* SPDX-License-Identifier: GPL-2.0-or-later
 * tier2_threads.c: tier 2's workers as the system sees them. The guest knows nothing of them; linux/proc.c hides them.
 *
 * What must stay true:
 *  T1 signals that are sent to the process are the guest's: a worker blocks all but those that its own faults raise
 *  T2 a worker has descriptors of its own, and none of the guest's: what LLVM's loading opens must take no number from the guest's next open(),
 *     and what the guest closes must be closed
 *  T3 a worker is never more urgent than the program, and less so unless the program waits for it
 *  T4 what the kernel keeps for each thread and the guest believes to be its process's (rights, namespaces) is set while there is no worker
 *     (engine_hold_threads); those started later inherit it
 */
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "engine/tier2.h"

enum { WORKER_STACK = 16 << 20, WORKER_NICE = 4, MOST_LEAVING = 128, MOST_FILES = 65536 };

static pid_t leaving[MOST_LEAVING];        /* ended, as far as we know, but perhaps not for the kernel yet. The caller's lock */
static unsigned n_leaving;

bool tier2_start_thread(void *(*run)(void *)) { return engine_start_thread(WORKER_STACK, run, NULL) == 0; }

/* Before Linux 5.9 the descriptors are copied for a moment. */
static void close_all(void)
{
    struct rlimit r = { MOST_FILES, MOST_FILES };
    if (close_range(0, ~0u, CLOSE_RANGE_UNSHARE) == 0 || unshare(CLONE_FILES))
        return;
    getrlimit(RLIMIT_NOFILE, &r);
    for (int fd = 0; fd < (int)(r.rlim_cur < MOST_FILES ? r.rlim_cur : MOST_FILES); fd++)
        close(fd);
}

/* Copies are kept only where a worker may have to log. */
static void own_descriptors(void)
{
    int log = log_file ? fileno(log_file) : STDERR_FILENO;
    if (engine.cfg.perf_map) {
        unshare(CLONE_FILES);
    } else if (log_mask && log >= 0) {
        close_range((unsigned)log + 1, ~0u, CLOSE_RANGE_UNSHARE);
        if (log > 0)
            close_range(0, (unsigned)log - 1, 0);
    } else {
        close_all();
    }
}

static void be_modest(pid_t self)
{
    int policy = sched_getscheduler(0);
    if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
        sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
    if (!tier2_stress())                   /* the program waits then: less urgent workers would take minutes on a busy machine */
        setpriority(PRIO_PROCESS, (id_t)self, getpriority(PRIO_PROCESS, (id_t)self) + WORKER_NICE);      /* than the program, which may be nice itself */
}

void tier2_thread_begins(void)
{
    prctl(PR_SET_NAME, "wherry-llvm");
    be_modest((pid_t)syscall(SYS_gettid));
    own_descriptors();
}

void tier2_thread_ends(void)
{
    if (n_leaving < MOST_LEAVING)
        leaving[n_leaving++] = (pid_t)syscall(SYS_gettid);
}

void tier2_await_threads(void)
{
    for (unsigned k = 0; k < n_leaving; k++)
        while (syscall(SYS_tgkill, getpid(), leaving[k], 0) == 0)
            nanosleep(&(struct timespec){ 0, 20000 }, NULL);
    n_leaving = 0;
}

void tier2_threads_after_fork(void) { n_leaving = 0; }
