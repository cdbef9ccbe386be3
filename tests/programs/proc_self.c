/* SPDX-License-Identifier: GPL-2.0-or-later
 * proc_self.c: what /proc/self tells of sizes, places and signals agrees with itself and with the program.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct totals { unsigned long all, stack, data, exec; };
static int initialized = 5;

static struct totals totals(void)
{
    struct totals t = { 0 };
    char line[512], rights[5];
    unsigned long from, to;
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || strstr(line, "[vsyscall]")) continue;
        t.all += to - from;
        if (strstr(line, "[stack]")) t.stack += to - from;
        else if (rights[1] == 'w' && rights[3] == 'p') t.data += to - from;
        else if (rights[2] == 'x' && rights[1] != 'w') t.exec += to - from;
    }
    fclose(f);
    return t;
}
static unsigned long status(const char *name)
{
    char line[512];
    unsigned long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, f)) if (!strncmp(line, name, strlen(name))) kb = strtoul(line + strlen(name) + 1, NULL, 10);
    fclose(f);
    return kb * 1024;
}
static unsigned long field(unsigned n)
{
    char text[2048] = "";
    FILE *f = fopen("/proc/self/stat", "r");
    fgets(text, sizeof text, f);
    fclose(f);
    char *p = strrchr(text, ')') + 2;
    for (unsigned i = 3; i < n && p; i++) p = strchr(p, ' ') + 1;
    return strtoul(p, NULL, 10);
}
static int within(uintptr_t p, unsigned low, unsigned high) { return field(low) <= p && p < field(high); }

static void sizes(const char *when)
{
    unsigned long size, resident, shared, text, lib, data, dirty;
    struct totals t = totals();
    FILE *f = fopen("/proc/self/statm", "r");
    printf("%s: %d ", when, fscanf(f, "%lu %lu %lu %lu %lu %lu %lu", &size, &resident, &shared, &text, &lib, &data, &dirty));
    fclose(f);
    printf("size %d stack %d data %d code %d; ", status("VmSize") == t.all, status("VmStk") == t.stack, status("VmData") == t.data, status("VmExe") + status("VmLib") == t.exec);
    printf("statm %d %d %d %d; vsize %d; peak %d\n", size * 4096 == t.all, data * 4096 == t.data + t.stack, text * 4096 == status("VmExe"), resident > 0 && resident * 4096 >= shared * 4096,
        field(23) == t.all, status("VmPeak") >= t.all);
}

int main(void)
{
    static char buffer[1 << 16];
    sigset_t s;
    char line[512], *last = NULL;
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    free(malloc(1 << 16));
    fclose(fopen("/dev/null", "r"));
    sizes("first");
    char *m = mmap(NULL, 5 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *x = mmap(NULL, 1 << 20, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sizes("more");
    munmap(m, 5 << 20);
    munmap(x, 1 << 20);
    sizes("less");
    printf("code %d data %d arguments %d\n", within((uintptr_t)main, 26, 27), within((uintptr_t)&initialized, 45, 46), field(48) < field(49) && field(50) <= field(51));
    sigemptyset(&s); sigaddset(&s, SIGUSR1); sigaddset(&s, SIGSEGV); sigprocmask(SIG_BLOCK, &s, NULL);
    signal(SIGHUP, SIG_IGN); signal(SIGUSR2, exit);
    printf("signals %lx %lx %lx\n", field(32), field(33), field(34));
    FILE *f = fopen("/proc/self/smaps", "r");
    for (int stack = 0; fgets(line, sizeof line, f);) {
        if (strstr(line, "[stack]")) stack = 1;
        if (stack && !strncmp(line, "VmFlags:", 8)) { printf("grows %d\n", strstr(line, " gd") != NULL); break; }
    }
    fclose(f);
    return 0;
}
