/* SPDX-License-Identifier: GPL-2.0-or-later
 * main_x86_64.c: wherry-x86_64, the front door that users of qemu-x86_64 know. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    cli_name = "wherry-x86_64";
    return cli_run(argc, argv, 1, "wherry-x86_64 [OPTIONS] PROGRAM [ARGUMENTS]");
}
