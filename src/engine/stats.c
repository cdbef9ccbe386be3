/* SPDX-License-Identifier: GPL-2.0-or-later
 * stats.c: --stats. Counters are kept per cpu, without locks, and added up when printed. */
#include <fcntl.h>
#include <unistd.h>
#include "engine/internal.h"

/* Many programs close standard error before they end: a copy is kept from the start, out of their way. */
static FILE *kept_stderr;

void stats_init(void)
{
    int fd = engine.cfg.stats ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 900) : -1;
    kept_stderr = fd >= 0 ? fdopen(fd, "w") : NULL;
}

static const struct { const char *name, *help; } stat_info[] = {
#define STAT(ENUM, name, help) { name, help },
#include "engine/stats.def"
#undef STAT
};
_Static_assert((int)N_STATS <= (int)CPU_COUNTERS, "struct cpu keeps no more");

void engine_count(unsigned counter, uint64_t n)
{
    count(counter, n);
}

static size_t table_bytes(void)
{
    return engine.blocks.used + engine.exits.used + engine.links.used + engine.maps.used + engine.page_nodes.used +
           (sizeof(uint32_t) << engine.table->bits) + (sizeof(struct page_entry) << engine.pages.bits);
}

/* Only where the host's pages are larger than the guest's */
static void print_entries(FILE *f)
{
    unsigned long long code = checked_entries(CHECKED_CODE), looks = code + checked_entries(CHECKED_DATA), all = looks + checked_entries(CHECKED_NOT);
    if (!all)
        return;
    fprintf(f, "  %-20s %14llu  %s\n", "entries", all, "times a block was entered");
    fprintf(f, "  %-20s %14llu  %s\n", "checked-entries", looks, "of these, of blocks that look addresses up");
    fprintf(f, "  %-20s %14llu  %s\n", "code-entries", code, "of these, because of code in the same host page");
}

void engine_stats(FILE *f)
{
    uint64_t sum[CPU_COUNTERS];
    if (!engine.ready)
        return;
    if (f == stderr && (log_file && log_file != stderr ? log_file : kept_stderr))
        f = log_file && log_file != stderr ? log_file : kept_stderr;
    engine_sum_counters(sum);
    fprintf(f, "wherry: statistics\n");
    for (unsigned i = 0; i < N_STATS; i++)
        fprintf(f, "  %-20s %14llu  %s\n", stat_info[i].name, (unsigned long long)sum[i], stat_info[i].help);
    if (sum[STAT_INSNS])
        fprintf(f, "  %-20s %14.1f  %s\n", "ns/instruction", (double)sum[STAT_NS] / sum[STAT_INSNS], "translating time per guest instruction");
    if (sum[STAT_GUEST_BYTES])
        fprintf(f, "  %-20s %14.2f  %s\n", "expansion", (double)sum[STAT_CODE_BYTES] / sum[STAT_GUEST_BYTES], "bytes of host code per byte of guest code");
    print_entries(f);
    fprintf(f, "  %-20s %14zu  %s\n", "cache-used", engine.cache.used, "bytes of the code cache in use");
    fprintf(f, "  %-20s %14zu  %s\n", "tables-used", table_bytes(), "bytes of tables beside it");
    if (engine.cfg.tier >= 2)
        tier2_stats(f);
    fprintf(f, "  %-20s %14zu  %s\n", "ir-used", engine.ir.used, "bytes of IR kept for the interpreter");
    fflush(f);
}
