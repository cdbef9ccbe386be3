// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * count.c: a plugin for qemu-user (API version 1, qemu 4.2 and later) that counts the instructions that the emulated processor executes,
 * exactly and repeatably, and appends one line "all inside blocks translated" to a file when the program ends.
 *
 *     qemu-HOST -plugin count.so,out=FILE[,from=ADDRESS,to=ADDRESS] PROGRAM
 *
 * inside: those at from <= address < to; wherry's code cache lies at a fixed address, which tells translated code from the translator.
 * The work is one inline add for each block that qemu translates. Threads share the counters without locks: exact for one thread.
 * Debian has no package with qemu-plugin.h in release 12, so the few functions are declared here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_info_t;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*callback)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *counter, uint64_t amount);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*callback)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

#define PUBLIC __attribute__((visibility("default")))
PUBLIC int qemu_plugin_version = 1;

static uint64_t n_all, n_inside, n_blocks, n_translated, from = 1, to;
static const char *out;

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    size_t n = qemu_plugin_tb_n_insns(tb);
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    n_blocks++;
    n_translated += n;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &n_all, n);
    if (address >= from && address < to)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &n_inside, n);
}

static void finished(uint64_t id, void *data)
{
    (void)id;
    (void)data;
    FILE *f = fopen(out, "a");
    if (!f)
        return;
    fprintf(f, "%llu %llu %llu %llu\n", (unsigned long long)n_all, (unsigned long long)n_inside, (unsigned long long)n_blocks, (unsigned long long)n_translated);
    fclose(f);
}

PUBLIC int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            out = strdup(argv[i] + 4);
        else if (!strncmp(argv[i], "from=", 5))
            from = strtoull(argv[i] + 5, NULL, 0);
        else if (!strncmp(argv[i], "to=", 3))
            to = strtoull(argv[i] + 3, NULL, 0);
        else
            out = NULL, argc = 0;
    }
    if (!out) {
        fprintf(stderr, "count: arguments are out=FILE[,from=ADDRESS,to=ADDRESS]\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finished, NULL);
    return 0;
}
