/* SPDX-License-Identifier: GPL-2.0-or-later
 * assembler.h: a host's encoder against the assembler, where that is installed. Include the host's asm.h before it. A test encodes into `a` and
 * writes down behind each instruction what it is.
 */
enum { ROOM = 1 << 20 };
static uint8_t ours[ROOM], theirs[ROOM];
static struct asm_buf a = { ours, ours, ours + ROOM, 0 };
static FILE *source;
#define TEXT(...) fprintf(source, __VA_ARGS__)

/* The file's code as the binary utilities of this prefix make it, into `theirs`: its size. The file and what is made of it are gone afterwards. */
static size_t assemble(const char *prefix, const char *options, const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "%s-as %s -o %s.o %s && %s-objcopy -O binary -j .text %s.o %s.bin", prefix, options, name, name, prefix, name, name);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s.bin", name);
    FILE *f = fopen(command, "rb");
    size_t n = fread(theirs, 1, sizeof theirs, f);
    fclose(f);
    unlink(command);
    snprintf(command, sizeof command, "%s.o", name);
    unlink(command);
    unlink(name);
    return n;
}

/* what encode() encodes and what it writes down are the same */
static void compare_with_assembler(const char *prefix, const char *options, void (*encode)(void))
{
    char name[] = "/tmp/wherry-asm-XXXXXX", command[128];
    snprintf(command, sizeof command, "%s-as --version >/dev/null 2>&1", prefix);
    if (system(command))
        skip();
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    source = fdopen(fd, "w+");
    encode();
    fclose(source);
    size_t n = assemble(prefix, options, name);
    assert_int_equal(n, asm_offset(&a));
    for (size_t k = 0; k < n; k += 4)
        if (memcmp(ours + k, theirs + k, 4))
            fail_msg("instruction %zu: %02x%02x%02x%02x, the assembler has %02x%02x%02x%02x", k / 4, ours[k + 3], ours[k + 2], ours[k + 1], ours[k],
                     theirs[k + 3], theirs[k + 2], theirs[k + 1], theirs[k]);
}
