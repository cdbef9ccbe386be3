/* SPDX-License-Identifier: GPL-2.0-or-later
 * ids: small questions about the process: prctl, arch_prctl, affinity, limits, uname, priorities; refused things. */
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
int main(void) {
    char name[17] = "";
    prctl(PR_SET_NAME, "a-new-name");
    prctl(PR_GET_NAME, name);
    puts(name);
    unsigned long fs = 0, gs = 1;
    syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
    syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
    printf("fs %d gs %lx\n", fs != 0, gs);
    static long data[4] = { 1, 2, 3, 4 };
    syscall(SYS_arch_prctl, ARCH_SET_GS, data);
    long v;
    asm("mov %%gs:8, %0" : "=r"(v));
    printf("gs:8 %ld\n", v);
    printf("bad fs %ld %d\n", syscall(SYS_arch_prctl, ARCH_SET_FS, 1ul << 63), errno);
    printf("pid %d tid %d\n", getpid() == syscall(SYS_getpid), getpid() == gettid());
    struct utsname u;
    uname(&u);
    printf("%s %s\n", u.sysname, u.machine);
    cpu_set_t set;
    int r = sched_getaffinity(0, sizeof set, &set);
    printf("affinity %d %d\n", r, CPU_COUNT(&set) > 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++) if (CPU_ISSET(i, &set)) CPU_SET(i, &one);
    printf("set affinity %d\n", sched_setaffinity(0, sizeof one, &one));
    printf("nice %d\n", nice(1) >= 0);
    printf("prctl nonsense %d %s\n", prctl(12345, 0, 0, 0, 0), strerrorname_np(errno));
    printf("unknown syscall %ld %s\n", syscall(5000), strerrorname_np(errno));
    printf("sched %d\n", sched_getscheduler(0));
    struct rusage ru;
    printf("rusage %d\n", getrusage(RUSAGE_SELF, &ru));
    printf("no new privs %d %d\n", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("exit status of main's thread\n");
    fflush(stdout);
    syscall(SYS_exit, 77);
}
