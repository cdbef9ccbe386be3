/* SPDX-License-Identifier: GPL-2.0-or-later
 * log.c: -d items, and the printing of code for them. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/internal.h"
#include "guest/lift.h"

uint32_t log_mask;
FILE *log_file;

static const struct { const char *name, *help; } items[] = {
#define LOG(ENUM, name, help) { name, help },
#include "engine/log.def"
#undef LOG
};

/* QEMU's names for what is called otherwise here */
static const struct { const char *name; uint32_t bit; } qemu_items[] = { { "op", LOG_IR }, { "op_opt", LOG_IR_OPT } };

static uint32_t item_bit(const char *name, size_t n)
{
    for (unsigned i = 0; i < 2; i++)
        if (strlen(qemu_items[i].name) == n && !memcmp(qemu_items[i].name, name, n))
            return qemu_items[i].bit;
    if (n == 3 && !memcmp(name, "all", 3))
        return (1u << LOG_N_ITEMS) - 1;
    for (unsigned i = 0; i < LOG_N_ITEMS; i++)
        if (strlen(items[i].name) == n && !memcmp(items[i].name, name, n))
            return 1u << i;
    return 0;
}

int log_valid(const char *list)
{
    for (size_t n; *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        if (n && !item_bit(list, n))
            return 0;
    }
    return 1;
}

int log_parse(const char *list)
{
    uint32_t mask = 0;
    if (!log_file)
        log_file = stderr;
    while (*list) {
        size_t n = strcspn(list, ",");
        uint32_t bit = item_bit(list, n);
        if (n && !bit) {
            fprintf(stderr, "unknown log item '%.*s' (-d help lists them)\n", (int)n, list);
            return -1;
        }
        mask |= bit;
        list += n + (list[n] == ',');
    }
    log_mask |= mask & LOG_EXEC ? mask | LOG_NOCHAIN : mask;
    return 0;
}

void log_help(FILE *f)
{
    fprintf(f, "items for -d, separated by commas:\n");
    for (unsigned i = 0; i < LOG_N_ITEMS; i++)
        fprintf(f, "  %-10s %s\n", items[i].name, items[i].help);
    fprintf(f, "  %-10s %s\n", "all", "all of them");
}

void log_printf(const char *fmt, ...)
{
    char buf[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof buf)
        n = sizeof buf - 1;
    FILE *f = log_file ? log_file : stderr;
    fflush(f);
    for (int done = 0; done < n;) {
        ssize_t w = write(fileno(f), buf + done, n - done);
        if (w <= 0)
            break;
        done += (int)w;
    }
}

void log_guest_code(const struct ir_block *b)
{
    FILE *f = log_file ? log_file : stderr;
    char text[128];
    fprintf(f, "----------------\nIN:\n");
    for (uint64_t pc = b->guest_pc; pc < b->guest_end;) {
        uint8_t bytes[15];
        size_t size = b->guest_end - pc < sizeof bytes ? b->guest_end - pc : sizeof bytes;
        unsigned n = engine_copy_from(bytes, pc, size) ? 0 : x86_disassemble(bytes, size, pc, text, sizeof text);
        if (!n)
            break;
        fprintf(f, "0x%08llx:  ", (unsigned long long)pc);
        for (unsigned i = 0; i < 12; i++)
            if (i < n)
                fprintf(f, "%02x ", bytes[i]);
            else
                fprintf(f, "   ");
        fprintf(f, " %s\n", text);
        pc += n;
    }
    fprintf(f, "\n");
    fflush(f);
}

void log_host_code(const struct block *b)
{
    FILE *f = log_file ? log_file : stderr;
    const uint8_t *code = engine.cache.rw + b->code;
    uint64_t addr = block_entry(b);
    struct host_map m;
    uint64_t last = 0;
    char text[160];
    fprintf(f, "OUT: [size=%u] 0x%llx%s\n", b->code_size, (unsigned long long)b->pc, b->flags & BLOCK_REGION ? " (region)" : "");
    for (size_t at = 0, n; at < b->code_size; at += n) {
        if (map_find(b, (uint32_t)at, &m) && m.pc != last && m.pc != HOST_MAP_PC_IN_STATE)
            fprintf(f, "  -- guest 0x%llx%s\n", (unsigned long long)(last = m.pc), m.flags & HOST_MAP_POLL ? " (poll)" : "");
        n = engine.host->disassemble(code + at, addr + at, text, sizeof text);
        if (!n)
            break;
        fprintf(f, "0x%llx:  %s\n", (unsigned long long)(addr + at), text);
    }
    fprintf(f, "\n");
    fflush(f);
}

void log_state(const struct x86_state *s)
{
    static const char *const name[16] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                          "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15" };
    static const uint8_t order[16] = { 0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15 };
    char buf[1024];
    int n = 0;
    for (unsigned i = 0; i < 16; i++)
        n += snprintf(buf + n, sizeof buf - n, "%s=%016llx%c", name[order[i]], (unsigned long long)s->gpr[order[i]], i % 4 == 3 ? '\n' : ' ');
    log_printf("%sRIP=%016llx FLAGS=%04x MXCSR=%08x FS=%llx GS=%llx\n", buf, (unsigned long long)s->pc, s->flags & IR_FLAGS_WORD, s->mxcsr,
               (unsigned long long)s->fs_base, (unsigned long long)s->gs_base);
}

/* Programs expect the lowest descriptors to be free, and close those they know nothing of. */
static FILE *open_out_of_the_way(const char *name)
{
    int low = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 900);
    if (fd < 0)
        return low < 0 ? NULL : fdopen(low, "w");
    close(low);
    return fdopen(fd, "w");
}

/* perf(1) reads /tmp/perf-PID.map: address, size and name of code made at run time. */
void perf_map_add(const struct block *b)
{
    static FILE *f;
    static pid_t owner;
    char text[512];
    if (!f || owner != getpid()) {
        char name[64];
        snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
        f = open_out_of_the_way(name);
        owner = getpid();
    }
    if (!f)
        return;
    const char *symbol = b->pc && engine.cfg.symbol ? engine.cfg.symbol(b->pc, text, sizeof text) : NULL;
    if (symbol)
        fprintf(f, "%llx %x %s\n", (unsigned long long)block_entry(b), b->code_size, symbol);
    else if (b->pc)
        fprintf(f, "%llx %x guest_%llx\n", (unsigned long long)block_entry(b), b->code_size, (unsigned long long)b->pc);
    else
        fprintf(f, "%llx %x wherry_stubs\n", (unsigned long long)block_entry(b), b->code_size);
    fflush(f);
}
