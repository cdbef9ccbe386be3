/* SPDX-License-Identifier: GPL-2.0-or-later
 * cli.h: what the commands share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include <stdio.h>
#include <unistd.h>
#include "linux/linux.h"

/* What the options and the environment ask for; the engine's part is put into engine_options. */
struct cli_run {
    struct linux_config linux_config;
    char **env;                          /* of the program; NULL at its end */
    const char *log_name;                /* -D */
    int program;                         /* index of PROGRAM in argv, 0: none given */
};
extern const char *cli_name;             /* for messages: "wherry-x86_64" or "wherry" */

/* 0: go on. Otherwise the program's end: CLI_DONE with everything printed, or CLI_USAGE with a message printed. */
enum { CLI_GO, CLI_DONE, CLI_USAGE };
int cli_parse(struct cli_run *run, int argc, char **argv, int first);
void cli_help(FILE *f, const char *usage);
void cli_version(FILE *f);
/* Parse argv from `first` and run the program: the exit status. */
int cli_run(int argc, char **argv, int first, const char *usage);
/* The program's file: name itself when it has a slash, else searched for as the shell does, in the root first. buf or NULL. */
const char *cli_find_program(const char *name, const struct cli_run *run, char buf[4096]);
#endif
