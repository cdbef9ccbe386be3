/* SPDX-License-Identifier: GPL-2.0-or-later
 * main_wherry.c: wherry, one table of subcommands. Options in place of a subcommand mean `run`: programs that wherry runs start
 * their children that way.
 */
#include <string.h>
#include "cli/cli.h"

static int run(int argc, char **argv, int first)
{
    return cli_run(argc, argv, first, "wherry run [OPTIONS] PROGRAM [ARGUMENTS]");
}

static int version(int argc, char **argv, int first)
{
    cli_version(stdout);
    return 0;
}

static int help(int argc, char **argv, int first);

static const struct { const char *name, *arguments, *help; int (*fn)(int argc, char **argv, int first); } commands[] = {
    { "run",     "[OPTIONS] PROGRAM [ARGUMENTS]", "run an x86-64 program (`wherry run -help` lists the options)", run },
    { "help",    "[run]",                     "show this, or the options of run", help },
    { "version", "",                              "show the version", version },
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *f)
{
    fprintf(f, "usage: wherry COMMAND [ARGUMENTS]\n\ncommands:\n");
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        fprintf(f, "  wherry %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    }
}

static int help(int argc, char **argv, int first)
{
    if (first < argc && !strcmp(argv[first], "run"))
        cli_help(stdout, "wherry run [OPTIONS] PROGRAM [ARGUMENTS]");
    else
        usage(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    cli_name = "wherry";
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        usage(stderr);
        return 1;
    }
    if (!strcmp(name, "-h") || !strcmp(name, "-help") || !strcmp(name, "--help"))
        return help(argc, argv, argc);
    if (!strcmp(name, "-version") || !strcmp(name, "--version") || !strcmp(name, "-V"))
        return version(argc, argv, argc);
    for (unsigned i = 0; i < N_COMMANDS; i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].fn(argc, argv, 2);
    if (name[0] == '-')
        return run(argc, argv, 1);
    fprintf(stderr, "wherry: unknown command '%s' (`wherry help` lists them; `wherry run %s` runs a program)\n", name, name);
    return 1;
}
