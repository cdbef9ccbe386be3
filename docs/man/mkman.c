/* SPDX-License-Identifier: GPL-2.0-or-later
 * mkman.c: wherry-x86_64(1). The prose stands here; the options, their variables and the log items come from the same tables as
 * --help. Runs on the machine that builds, so a cross build has the page too.
 */
#include <stdio.h>

static const char *const head =
    ".TH WHERRY-X86_64 1 \"\" \"wherry\" \"User Commands\"\n"
    ".SH NAME\nwherry\\-x86_64 \\- run an x86\\-64 Linux program on this machine\n"
    ".SH SYNOPSIS\n.B wherry\\-x86_64\n[\\fIOPTIONS\\fR] \\fIPROGRAM\\fR [\\fIARGUMENTS\\fR]\n.br\n.B wherry run\n[\\fIOPTIONS\\fR] \\fIPROGRAM\\fR [\\fIARGUMENTS\\fR]\n"
    ".SH DESCRIPTION\n"
    "Runs \\fIPROGRAM\\fR, an x86\\-64 Linux executable or a script whose interpreter is one, by translating its code. Programs that it starts run in the same way.\n"
    "\\fIPROGRAM\\fR is searched in PATH when it has no slash.\n.PP\n"
    "With \\fB\\-L\\fR, the dynamic linker, the libraries and every absolute path that the program uses are looked up in the root first, symbolic links\n"
    "(absolute ones too) resolved inside it; what is not there is taken from the host. Names that the kernel tells (getcwd, /proc/self/cwd, /proc/self/fd) are the\n"
    "host's, as under \\fBqemu\\-x86_64\\fR: they lead to the same file for every use, also for making one.\n"
    ".PP\nseccomp(2) works: filters are interpreted by wherry for the program's own calls, inherited by its children and over execve. A program with filters can't start\n"
    "one that wherry does not run (EACCES); there are no notifications to other processes.\n";
static const char *const tail =
    ".SH EXIT STATUS\nThe program's own, or death by the same signal. 127: not found (the program, its interpreter or a library). 126: found, but it can not be run.\n"
    "1: wrong options.\n"
    ".SH EXAMPLES\n.nf\nwherry\\-x86_64 /usr/bin/dc \\-e '2 100 ^ p'\nwherry\\-x86_64 \\-L /srv/amd64 /srv/amd64/usr/bin/python3\nwherry\\-x86_64 \\-strace \\-D log \\-d unimp PROGRAM\n.fi\n"
    ".SH SEE ALSO\n.BR qemu\\-x86_64 (1),\n.BR binfmt_misc (5)\n";

static void option(const char *name, const char *argument, const char *help)
{
    if (*help)
        printf(".TP\n\\fB\\-%s\\fR%s%s%s\n%s\n", name, *argument ? " \\fI" : "", argument, *argument ? "\\fR" : "", help);
}
static void variable(const char *name, const char *var, const char *help)
{
    if (*help && *var)
        printf(".TP\n\\fBWHERRY_%s\\fR, \\fBQEMU_%s\\fR\nas \\fB\\-%s\\fR\n", var, var, name);
}

int main(void)
{
    fputs(head, stdout);
    puts(".SH OPTIONS\nEach is accepted with one dash or two.");
#define OPTION(ENUM, name, argument, var, help) option(name, argument, help);
#include "../../src/cli/options.def"
#undef OPTION
    puts(".SS Items of \\-d");
#define LOG(ENUM, name, help) printf(".TP\n\\fB%s\\fR\n%s\n", name, help);
#include "../../src/engine/log.def"
#undef LOG
    puts(".SH ENVIRONMENT");
#define OPTION(ENUM, name, argument, var, help) variable(name, var, help);
#include "../../src/cli/options.def"
#undef OPTION
    fputs(tail, stdout);
    return 0;
}
