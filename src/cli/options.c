/* SPDX-License-Identifier: GPL-2.0-or-later
 * options.c: options.def at work: environment variables first, then the command line, which wins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "engine/log.h"
#include "guest/lift.h"

const char *cli_name = "wherry";

enum option {
#define OPTION(ENUM, name, argument, variable, help) OPT_##ENUM,
#include "cli/options.def"
#undef OPTION
    N_OPTIONS
};

static const struct { const char *name, *argument, *variable, *help; } options[] = {
#define OPTION(ENUM, name, argument, variable, help) { name, argument, variable, help },
#include "cli/options.def"
#undef OPTION
};

/* --- values --- */

static int bad(const char *option, const char *value, const char *why)
{
    fprintf(stderr, "%s: -%s %s: %s\n", cli_name, option, value, why);
    return CLI_USAGE;
}

static bool parse_size(const char *text, uint64_t *size)
{
    static const struct { char unit; unsigned shift; } units[] = { { 'K', 10 }, { 'M', 20 }, { 'G', 30 } };
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 0);
    unsigned shift = 0;
    if (end == text || *text == '-' || errno)
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (*end && (*end & ~32) == units[i].unit) {
            shift = units[i].shift;
            end++;
            break;
        }
    *size = v << shift;
    return !*end && *size >> shift == v;
}

static bool parse_range(const char *text, uint64_t *first, uint64_t *last)
{
    char *end;
    *first = strtoull(text, &end, 0);
    if (end == text)
        return false;
    if (!*end) {
        *last = *first;
        return true;
    }
    if (strncmp(end, "..", 2))
        return false;
    text = end + 2;
    if (!*text) {
        *last = UINT64_MAX;
        return true;
    }
    *last = strtoull(text, &end, 0);
    return !*end && *last >= *first;
}

/* --- the program's environment --- */

static char **find_variable(char **env, const char *name, size_t n)
{
    for (; *env; env++)
        if (!strncmp(*env, name, n) && (*env)[n] == '=')
            return env;
    return NULL;
}

static void unset_variable(struct cli_run *run, const char *name)
{
    char **at = find_variable(run->env, name, strlen(name));
    for (; at && *at; at++)
        *at = at[1];
}

static bool set_variable(struct cli_run *run, char *text)
{
    size_t n = strcspn(text, "="), count = 0;
    if (!text[n] || !n)
        return false;
    char **at = find_variable(run->env, text, n);
    if (at) {
        *at = text;
        return true;
    }
    while (run->env[count])
        count++;
    char **more = realloc(run->env, (count + 2) * sizeof *more);
    if (!more)
        abort();
    more[count] = text;
    more[count + 1] = NULL;
    run->env = more;
    return true;
}

static void copy_environment(struct cli_run *run)
{
    size_t n = 0;
    while (environ[n])
        n++;
    run->env = malloc((n + 1) * sizeof *run->env);
    if (!run->env)
        abort();
    memcpy(run->env, environ, (n + 1) * sizeof *run->env);
}

static int set_variables(struct cli_run *run, const char *list, bool split)
{
    char *text = strdup(list), *next = text;
    while (next) {
        char *one = split ? strsep(&next, ",") : next;
        if (!split)
            next = NULL;
        if (*one && !set_variable(run, one))
            return bad("E", one, "expected VAR=VAL");
    }
    return CLI_GO;
}

static int unset_variables(struct cli_run *run, const char *list, bool split)
{
    char *text = strdup(list), *next = text;
    while (next) {
        char *one = split ? strsep(&next, ",") : next;
        if (!split)
            next = NULL;
        if (strchr(one, '='))
            return bad("U", one, "a variable's name has no '='");
        if (*one)
            unset_variable(run, one);
    }
    return CLI_GO;
}

/* --- options --- */

static int set_log(const char *items)
{
    if (!strcmp(items, "help") || !strcmp(items, "?")) {
        log_help(stdout);
        return CLI_DONE;
    }
    return log_parse(items) < 0 ? CLI_USAGE : CLI_GO;
}

/* %d in the name stands for the process, as QEMU has it. A program's children, which get -execfn, append to its log. */
static int open_log(const char *name, bool append)
{
    char path[4096];
    const char *d = strstr(name, "%d");
    if (d)
        snprintf(path, sizeof path, "%.*s%d%s", (int)(d - name), name, (int)getpid(), d + 2);
    else
        snprintf(path, sizeof path, "%s", name);
    FILE *f = fopen(path, append ? "ae" : "we");
    if (!f)
        return bad("D", name, strerror(errno));
    setvbuf(f, NULL, _IOLBF, 0);
    log_file = f;
    return CLI_GO;
}

static int set_cpu(struct cli_run *run, const char *model)
{
    if (!strcmp(model, "help") || !strcmp(model, "?")) {
        printf("models for -cpu:\n");
        for (unsigned i = 0; x86_cpu_models[i]; i++)
            printf("  %s\n", x86_cpu_models[i]);
        return CLI_DONE;
    }
    if (x86_cpuid_select(model) < 0)
        return bad("cpu", model, "unknown model (-cpu help lists them)");
    run->linux_config.cpu_model = model;
    return CLI_GO;
}

static int set_number(enum option o, struct cli_run *run, const char *value)
{
    struct engine_config *e = &engine_options;
    uint64_t n;
    if (o == OPT_TIER && !strcmp(value, "auto"))
        value = "2";
    if (!parse_size(value, &n))
        return bad(options[o].name, value, "expected a number, or one with K, M or G");
    switch (o) {
    case OPT_TIER:
        if (n > 2)
            return bad("tier", value, "expected 0, 1, 2 or auto");
        e->tier = (int)n;
        break;
    case OPT_THREADS: e->tier2_workers = n < 1 ? 1 : n < 64 ? (unsigned)n : 64; break;
    case OPT_THRESHOLD: e->tier2_threshold = n < 1 ? 1 : n < 1u << 30 ? (unsigned)n : 1u << 30; break;
    case OPT_STACK: run->linux_config.stack_size = n; break;
    case OPT_CACHE:
        if (n > (uint64_t)448 << 20)
            return bad(options[o].name, value, "at most 448M");
        e->cache_size = n;
        break;
    default:
        if (!n || n > 1000)
            return bad(options[o].name, value, "expected 1 to 1000");
        e->max_insns = (unsigned)n;
    }
    return CLI_GO;
}

static int apply(enum option o, struct cli_run *run, const char *value, bool from_variable)
{
    struct engine_config *e = &engine_options;
    struct linux_config *c = &run->linux_config;
    switch (o) {
    case OPT_HELP: case OPT_HELP_SHORT: cli_help(stdout, NULL); return CLI_DONE;
    case OPT_VERSION: cli_version(stdout); return CLI_DONE;
    case OPT_ROOT: c->root = *value ? value : NULL; break;
    case OPT_SET: return set_variables(run, value, from_variable);
    case OPT_UNSET: return unset_variables(run, value, from_variable);
    case OPT_ARGV0: c->argv0 = value; break;
    case OPT_CPU: return set_cpu(run, value);
    case OPT_LOG: return set_log(value);
    case OPT_LOG_FILE: run->log_name = value; break;
    case OPT_STRACE: c->strace = true; log_mask |= LOG_STRACE; break;
    case OPT_STATS: c->stats = e->stats = true; break;
    case OPT_PERFMAP: e->perf_map = true; break;
    case OPT_ONE_INSN: case OPT_SINGLESTEP: e->max_insns = 1; break;
    case OPT_ONLY:
        if (!parse_range(value, &e->only_first, &e->only_last))
            return bad("only", value, "expected N..M");
        break;
    case OPT_EAGER: e->eager = true; break;
    case OPT_LOCKSTEP: e->lockstep = true; break;
    case OPT_TINY: e->tiny_cache = true; break;
    case OPT_EXACT: e->exact_flags = true; break;
    case OPT_ADDRESSES: e->exact_addresses = true; break;
    case OPT_CHECK: e->self_check = true; break;
    case OPT_RUNNER: c->runner = value; break;
    case OPT_EXECFN: c->execfn = value; break;
    case OPT_SECCOMP: c->filters_fd = atoi(value); break;
    default: return set_number(o, run, value);
    }
    return CLI_GO;
}

/* A model or a log item of QEMU's that wherry lacks is no reason to refuse the program. */
static bool ignored_from_qemu(enum option o, const char *value)
{
    return o == OPT_TIER || (o == OPT_CPU && x86_cpuid_select(value) < 0) || (o == OPT_LOG && !log_valid(value));
}

static int parse_variables(struct cli_run *run)
{
    static const char *const prefix[] = { "QEMU_", "WHERRY_" };
    for (unsigned i = 0; i < 2 * N_OPTIONS; i++) {
        enum option o = (enum option)(i / 2);
        char name[64];
        snprintf(name, sizeof name, "%s%s", prefix[i % 2], options[o].variable);
        const char *value = *options[o].variable ? getenv(name) : NULL;
        bool is_switch = !*options[o].argument;
        if (!value || (is_switch && (!*value || !strcmp(value, "0"))) || (i % 2 == 0 && ignored_from_qemu(o, value)))
            continue;
        int r = apply(o, run, value, true);
        if (r != CLI_GO)
            return r;
    }
    return CLI_GO;
}

/* "-name", "--name", "-name=value"; -1 if there is no such option. */
static int find_option(const char *arg, const char **value)
{
    const char *name = arg + 1 + (arg[1] == '-');
    size_t n = strcspn(name, "=");
    for (unsigned o = 0; o < N_OPTIONS; o++)
        if (strlen(options[o].name) == n && !memcmp(options[o].name, name, n)) {
            *value = name[n] ? name + n + 1 : NULL;
            return (int)o;
        }
    return -1;
}

/* All tiers, but where numbers of blocks or blocks side by side are asked for: there regions are meant only with -tier 2. */
static void choose_tier(struct cli_run *run)
{
    struct engine_config *e = &engine_options;
    if (e->tier < 0)
        e->tier = e->only_last || e->lockstep ? 1 : 2;
    run->linux_config.tier = e->tier;
}

int cli_parse(struct cli_run *run, int argc, char **argv, int first)
{
    memset(run, 0, sizeof *run);
    engine_options.tier = -1;
    copy_environment(run);
    int r = parse_variables(run), i = first;
    for (; r == CLI_GO && i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *value;
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        int o = find_option(argv[i], &value);
        bool wants = o >= 0 && *options[o].argument;
        if (o < 0 || (value && !wants)) {
            fprintf(stderr, "%s: unknown option '%s' (-help lists them)\n", cli_name, argv[i]);
            return CLI_USAGE;
        }
        if (wants && !value && i + 1 == argc) {
            fprintf(stderr, "%s: option '%s' needs %s\n", cli_name, argv[i], options[o].argument);
            return CLI_USAGE;
        }
        if (wants && !value)
            value = argv[++i];
        r = apply((enum option)o, run, value, false);
    }
    run->program = i < argc ? i : 0;
    choose_tier(run);
    if (r == CLI_GO && run->log_name)
        r = open_log(run->log_name, run->linux_config.execfn != NULL);
    return r;
}

/* --- what is printed from the table --- */

void cli_version(FILE *f)
{
    fprintf(f, "%s version %s (%s)\n", cli_name, WHERRY_VERSION, WHERRY_LLVM);
}

static const char *default_usage;

void cli_help(FILE *f, const char *usage)
{
    if (usage)
        default_usage = usage;
    if (f == NULL)
        return;
    fprintf(f, "usage: %s\nRuns an x86-64 Linux program.\n\noptions (-name or --name):\n", default_usage);
    for (unsigned o = 0; o < N_OPTIONS; o++) {
        char left[64];
        if (!*options[o].help)
            continue;
        snprintf(left, sizeof left, "-%s %s", options[o].name, options[o].argument);
        fprintf(f, "  %-22s %s\n", left, options[o].help);
    }
    fprintf(f, "\nenvironment (also with QEMU_ for WHERRY_):\n");
    for (unsigned o = 0; o < N_OPTIONS; o++)
        if (*options[o].variable && *options[o].help)
            fprintf(f, "  WHERRY_%-15s -%s\n", options[o].variable, options[o].name);
    fprintf(f, "\nexit status: the program's own, or its death by the same signal; 127 if it is not found, 126 if it can not be run, 1 for wrong options\n");
}
