/* SPDX-License-Identifier: GPL-2.0-or-later
 * hello: the first program; arguments, environment, exit status. */
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    printf("hello %d %s\n", argc, getenv("NO_SUCH_VARIABLE") ? "?" : "none");
    return 42;
}
