/* SPDX-License-Identifier: GPL-2.0-or-later
 * sys_misc.c: what the guest asks about the system and its limits: uname, time, rlimits, personality.
 */
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include "linux/hostcall.h"

/* ---- uname ---- */

struct guest_utsname { char field[6][65]; };
enum { HOST_PERSONALITY = PER_LINUX32 | UNAME26 | ADDR_NO_RANDOMIZE };

SYS(uname)
{
    struct utsname u;
    struct guest_utsname g;
    if (uname(&u))
        return -errno;
    bool narrow = (personality(0xffffffff) & PER_MASK) == PER_LINUX32;
    const char *from[6] = { u.sysname, u.nodename, u.release, u.version, narrow ? "i686" : "x86_64", u.domainname };
    memset(&g, 0, sizeof g);
    for (int i = 0; i < 6; i++)
        memcpy(g.field[i], from[i], strnlen(from[i], 64));
    return linux_put(a, &g, sizeof g);
}

/* ---- time: through the host's libc, whose vDSO needs no system call ---- */

SYS(clock_gettime)
{
    struct timespec ts;
    if (clock_gettime((clockid_t)a, &ts))
        return -errno;
    int64_t g[2] = { ts.tv_sec, ts.tv_nsec };
    return linux_put(b, g, sizeof g);
}

SYS(gettimeofday)
{
    struct timeval tv;
    struct timezone tz;
    if (gettimeofday(&tv, b ? &tz : NULL))
        return -errno;
    int64_t g[2] = { tv.tv_sec, tv.tv_usec };
    int32_t zone[2] = { b ? tz.tz_minuteswest : 0, b ? tz.tz_dsttime : 0 };
    if (a && linux_put(a, g, sizeof g))
        return -EFAULT;
    return b ? linux_put(b, zone, sizeof zone) : 0;
}

SYS(time)
{
    int64_t now = time(NULL);
    return a && linux_put(a, &now, sizeof now) ? -EFAULT : now;
}

/* ---- limits ----
 * Limits on memory are kept for the guest to see, and not given to the host: they would hit wherry's own memory, which the guest's
 * program never had. x86-64's numbers are the generic ones. */

enum { LIMIT_DATA = 2, LIMIT_STACK = 3, LIMIT_AS = 9, N_LIMITS = 16 };
static struct { bool set; struct rlimit64 value; } kept[N_LIMITS];
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_kept(int resource) { return resource == LIMIT_DATA || resource == LIMIT_AS; }

static int64_t get_limit(int resource, struct rlimit64 *value)
{
    if (is_kept(resource) && kept[resource].set) {
        *value = kept[resource].value;
        return 0;
    }
    return linux_host(SYS_prlimit64, 0, resource, NULL, value);
}

static int64_t set_limit(int resource, const struct rlimit64 *value)
{
    struct rlimit64 old;
    int64_t error = get_limit(resource, &old);
    if (error)
        return error;
    if (!is_kept(resource))
        return linux_host(SYS_prlimit64, 0, resource, value, NULL);
    if (value->rlim_cur > value->rlim_max)
        return -EINVAL;
    if (value->rlim_max > old.rlim_max && geteuid() != 0)
        return -EPERM;
    kept[resource].value = *value;
    kept[resource].set = true;
    return 0;
}

static int64_t exchange_limit(int resource, uint64_t new_value, uint64_t old_value)
{
    struct rlimit64 new, old;
    if (resource < 0 || resource >= N_LIMITS)
        return -EINVAL;
    if (new_value && engine_copy_from(&new, new_value, sizeof new))
        return -EFAULT;
    pthread_mutex_lock(&kept_lock);
    int64_t error = old_value ? get_limit(resource, &old) : 0;
    if (!error && new_value)
        error = set_limit(resource, &new);
    pthread_mutex_unlock(&kept_lock);
    if (!error && old_value)
        error = linux_put(old_value, &old, sizeof old);
    return error;
}

SYS(getrlimit) { return b || (int)a < 0 || (int)a >= N_LIMITS ? exchange_limit((int)a, 0, b) : -EFAULT; }
SYS(setrlimit) { return b ? exchange_limit((int)a, b, 0) : -EFAULT; }

SYS(prlimit64)
{
    if ((pid_t)a == 0 || (pid_t)a == getpid())
        return exchange_limit((int)b, c, d);
    return linux_host(SYS_prlimit64, (pid_t)a, (int)b, c, d);
}

/* ---- personality: remembered. The host gets the bits that survive execve and change nothing for wherry itself ---- */

bool linux_read_implies_exec;

SYS(personality)
{
    static uint32_t others;                    /* bits that the host does not get */
    uint32_t old = (uint32_t)personality(0xffffffff) | others, wanted = (uint32_t)a;
    if (wanted == 0xffffffff)
        return old;
    linux_read_implies_exec = wanted & READ_IMPLIES_EXEC;
    others = wanted & ~(uint32_t)HOST_PERSONALITY;
    personality(wanted & HOST_PERSONALITY);
    return old;
}
