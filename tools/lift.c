/* SPDX-License-Identifier: GPL-2.0-or-later
 * lift.c: a developer's tool that shows what becomes of guest code: bytes in, every stage out. Nothing is executed.
 *
 *     lift 4801d8c3                         add rax, rbx; ret
 *     lift -d ir_opt,out_asm --flags code.bin
 *     lift block.ir                         IR in its text form (ir/text.h) instead of guest code
 */
#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine/internal.h"
#include "guest/lift.h"
#include "host/host.h"
#include "ir/ir.h"

#define CODE_SIZE (1u << 20)

static const struct host_target *const hosts[] = { &host_x86_64 };

struct job {
    const struct host_target *host;      /* NULL: stop at the IR */
    struct x86_lift_config lift;
    struct host_env env;
    struct host_offsets offsets;
    struct host_code code;
    bool exact_flags;
    uint64_t start, end;                 /* the guest code, mapped at its address */
};
static struct job job;
static struct ir_block block;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("lift: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* --- input --- */

struct bytes { char *p; size_t n; };

static struct bytes read_file(const char *name)
{
    struct bytes b = { NULL, 0 };
    FILE *f = fopen(name, "rb");
    if (!f)
        return b;
    b.p = malloc(CODE_SIZE + 1);
    if (b.p)
        b.n = fread(b.p, 1, CODE_SIZE, f);
    fclose(f);
    if (!b.n)
        die("%s: nothing to read", name);
    b.p[b.n] = 0;
    return b;
}

/* pairs of hexadecimal digits; blanks, commas and 0x between them are ignored */
static struct bytes read_hex(const char *s)
{
    struct bytes b = { malloc(strlen(s) + 1), 0 };
    while (b.p && *s) {
        unsigned byte;
        int used;
        if (isspace((unsigned char)*s) || *s == ',')
            s++;
        else if (s[0] == '0' && (s[1] | 32) == 'x')
            s += 2;
        else if (isxdigit((unsigned char)s[0]) && isxdigit((unsigned char)s[1]) && sscanf(s, "%2x%n", &byte, &used) == 1) {
            b.p[b.n++] = (char)byte;
            s += used;
        } else
            die("neither a file nor hexadecimal bytes: %s", s);
    }
    return b;
}

static void map_code(struct bytes b, uint64_t at)
{
    uint64_t page = at & ~0xffffull;
    size_t size = (size_t)(at - page) + b.n;
    void *p = mmap((void *)(uintptr_t)page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != (void *)(uintptr_t)page)
        die("can't map the code at 0x%" PRIx64, at);
    memcpy((void *)(uintptr_t)at, b.p, b.n);
    job.start = at;
    job.end = at + b.n;
}

static size_t fetchable(void *ctx, uint64_t pc, size_t want)
{
    const struct job *j = ctx;
    if (pc < j->start || pc >= j->end)
        return 0;
    return j->end - pc < want ? j->end - pc : want;
}

/* --- stages --- */

static void show_guest(void)
{
    char text[160];
    printf("-- guest\n");
    for (uint64_t pc = block.guest_pc, n; pc < block.guest_end; pc += n) {
        const uint8_t *p = (const uint8_t *)(uintptr_t)pc;
        n = x86_disassemble(p, block.guest_end - pc, pc, text, sizeof text);
        if (!n)
            break;
        printf("0x%08" PRIx64 "  ", pc);
        for (unsigned i = 0; i < 12 || i < n; i++)
            i < n ? printf("%02x", p[i]) : printf("  ");
        printf("  %s\n", text);
    }
}

static void show_ir(const char *title)
{
    const char *error = ir_verify(&block);
    printf("-- %s\n", title);
    ir_print(stdout, &block);
    if (error)
        printf("not well formed: %s\n", error);
}

static void show_bytes(size_t at, size_t size)
{
    printf("  0x%012" PRIx64 " ", job.code.rx + at);
    for (size_t i = 0; i < size; i++)
        printf(" %02x", job.code.rw[at + i]);
    putchar('\n');
}

static void show_host(void)
{
    const char *why = NULL;
    char text[160];
    int r = job.host->emit(&job.env, &block, &job.code, &why);
    printf("-- host %s", job.host->name);
    if (r) {
        printf(": not emitted (%s)\n", r == -1 ? "no room" : why ? why : "no reason given");
        return;
    }
    printf(", %zu bytes, %u exits\n", job.code.size, job.code.n_exits);
    const struct host_map *m = job.code.map, *m_end = m + job.code.n_map;
    for (size_t at = 0, n; at < job.code.size; at += n) {
        for (; m < m_end && m->offset <= at; m++)
            printf("  ; 0x%" PRIx64 "%s\n", m->pc, m->flags & HOST_MAP_POLL ? " poll" : "");
        n = job.host->disassemble ? job.host->disassemble(job.code.rw + at, job.code.rx + at, text, sizeof text) : 0;
        if (n)
            printf("  0x%012" PRIx64 "  %s\n", job.code.rx + at, text);
        else {
            n = job.code.size - at < 16 ? job.code.size - at : 16;
            show_bytes(at, n);
        }
    }
}

static void show_block(bool from_guest)
{
    if (from_guest && (log_mask & LOG_IN_ASM))
        show_guest();
    if (log_mask & LOG_IR)
        show_ir("IR");
    else if (ir_verify(&block))
        show_ir("malformed IR");
    if (ir_verify(&block))
        return;
    ir_opt(&block, job.exact_flags);
    if (log_mask & LOG_IR_OPT)
        show_ir("optimized IR");
    if (job.host && (log_mask & LOG_OUT_ASM))
        show_host();
    putchar('\n');
}

static void prepare_host(void)
{
    cpu_fill_offsets(&job.offsets);
    job.env = (struct host_env){ .offsets = &job.offsets, .slots = x86_slots, .n_slots = x86_n_slots, .return_stack = true };
    if (job.host == host_native() && job.host->probe)
        job.env.features = job.host->probe();
    job.code = (struct host_code){ .rw = aligned_alloc(64, 2 * CODE_SIZE), .rx = LAYOUT_CODE_CACHE, .capacity = CODE_SIZE };
    if (!job.code.rw)
        die("out of memory");
    job.host->emit_stubs(&job.env, &job.code);
    size_t used = (job.code.size + 63) & ~(size_t)63;
    job.code.rw += used;
    job.code.rx += used;
    job.code.size = 0;
}

/* Block after block until the bytes end. A block that makes no progress (bytes that are no instruction) is skipped by one. */
static void run_guest(void)
{
    for (uint64_t pc = job.start; pc < job.end;) {
        x86_lift(&job.lift, pc, &block);
        uint64_t next = block.guest_end;
        show_block(true);
        pc = next > pc ? next : pc + 1;
    }
}

static void run_ir(const char *text)
{
    const char *error = ir_parse(text, &block);
    if (error)
        die("%s", error);
    show_block(false);
}

/* --- command line --- */

static const char usage[] =
    "usage: lift [-d ITEMS] [--host NAME|none] [--flags] [--at ADDRESS] [--insns N] [--branches N] HEXBYTES|FILE\n"
    "  -d ITEMS       stages to show: in_asm,ir,ir_opt,out_asm (default: all of them)\n"
    "  --host NAME    host to emit for; none: stop at the optimized IR\n"
    "  --flags        keep flags exact where an instruction may fault\n"
    "  --at ADDRESS   guest address of the code (default 0x401000)\n"
    "  --insns N      guest instructions per block\n"
    "  --branches N   conditional branches that a block goes on after\n"
    "FILE holds machine code, or IR in its text form (first line: block ...)\n";

static const struct host_target *find_host(const char *name)
{
    if (!strcmp(name, "none"))
        return NULL;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (!strcmp(hosts[i]->name, name))
            return hosts[i];
    die("no host %s", name);
}

static uint64_t number(const char *s)
{
    char *stop;
    uint64_t v = strtoull(s, &stop, 0);
    if (!*s || *stop)
        die("not a number: %s", s);
    return v;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "host", 1, 0, 'h' }, { "flags", 0, 0, 'f' }, { "at", 1, 0, 'a' }, { "insns", 1, 0, 'n' }, { "branches", 1, 0, 'b' }, { 0 },
    };
    uint64_t at = 0x401000;
    job.host = hosts[0];
    job.lift = (struct x86_lift_config){ .max_insns = 64, .max_conditional = 0, .fetchable = fetchable, .ctx = &job };
    for (int o; (o = getopt_long(argc, argv, "d:", options, NULL)) != -1;) {
        switch (o) {
        case 'd': if (log_parse(optarg)) return 1; break;
        case 'h': job.host = find_host(optarg); break;
        case 'f': job.exact_flags = true; break;
        case 'a': at = number(optarg); break;
        case 'n': job.lift.max_insns = (unsigned)number(optarg); break;
        case 'b': job.lift.max_conditional = (unsigned)number(optarg); break;
        default: fputs(usage, stderr); return 1;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 1;
    }
    if (!log_mask)
        log_mask = LOG_IN_ASM | LOG_IR | LOG_IR_OPT | LOG_OUT_ASM;
    if (job.host)
        prepare_host();
    struct bytes input = read_file(argv[optind]);
    if (input.p && !strncmp(input.p, "block ", 6))
        run_ir(input.p);
    else {
        map_code(input.p ? input : read_hex(argv[optind]), at);
        run_guest();
    }
    return 0;
}
