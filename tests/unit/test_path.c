/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_path.c: lookup in the root: links of all kinds stay inside, what is missing is the host's, /proc knows the guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "linux/own_threads.h"
#include "linux/proc.h"
#include "linux/start.h"
#include "linux_alone.h"

unsigned long linux_guest_threads(unsigned long all) { return all; }

static char root[64], where[4096];

static void touch(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, name);
    close(open(path, O_CREAT | O_WRONLY, 0644));
}
static void directory(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, name);
    mkdir(path, 0755);
}
static void link_to(const char *target, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    strcpy(root, "/tmp/wherry-path-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    linux_process.root_real = root;
    const char *dirs[] = { "usr", "usr/lib", "usr/lib/x86_64-linux-gnu", "usr/bin", "etc", "etc/alternatives", "deep", "deep/a", "deep/a/b" };
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        directory(dirs[i]);
    touch("usr/lib/x86_64-linux-gnu/libc.so.6");
    touch("usr/bin/mawk");
    touch("deep/a/b/file");
    link_to("usr/lib", "lib");                       /* relative, merged /usr */
    link_to("/usr/bin", "bin");                      /* absolute */
    link_to("/etc/alternatives/awk", "usr/bin/awk");
    link_to("/usr/bin/mawk", "etc/alternatives/awk");
    link_to("../../deep/../../../../etc/passwd", "deep/a/escape");
    link_to("loop2", "loop1");
    link_to("loop1", "loop2");
    link_to("/nowhere/at/all", "dangling");
    link_to("a/b", "deep/short");
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

/* expect: below the root, or NULL for the guest's path itself */
static void expect(const char *guest, bool follow, const char *wanted)
{
    char full[4096];
    const char *got = linux_path(guest, follow, where);
    snprintf(full, sizeof full, "%s%s", wanted ? root : "", wanted ? wanted : guest);
    assert_string_equal(got, full);
}

static void plain(void **state)
{
    expect("/usr/bin/mawk", true, "/usr/bin/mawk");
    expect("/usr//bin/./mawk", true, "/usr/bin/mawk");
    expect("/usr/bin/../lib", true, "/usr/lib");
    expect("/", true, "");
    expect("/../../usr", true, "/usr");
    expect("usr/bin/mawk", true, NULL);
    expect("", true, NULL);
    expect("/usr/bin/", true, "/usr/bin/");
}

static void links(void **state)
{
    expect("/lib/x86_64-linux-gnu/libc.so.6", true, "/usr/lib/x86_64-linux-gnu/libc.so.6");
    expect("/bin/awk", true, "/usr/bin/mawk");
    expect("/bin/awk", false, "/usr/bin/awk");
    expect("/lib", false, "/lib");
    expect("/lib", true, "/usr/lib");
    expect("/lib/", false, "/usr/lib/");
    expect("/deep/short/file", true, "/deep/a/b/file");
    expect("/dangling", false, "/dangling");
    expect("/dangling", true, NULL);
    expect("/loop1", false, "/loop1");
    expect("/loop1", true, NULL);
}

static void stays_inside(void **state)
{
    expect("/deep/a/escape", true, NULL);            /* the root has no /etc/passwd; it must not become the host's by "..": */
    touch("etc/passwd");
    expect("/deep/a/escape", true, "/etc/passwd");
    expect("/../../../../etc/passwd", true, "/etc/passwd");
}

static void falls_back(void **state)
{
    expect("/no/such/file", true, NULL);
    expect("/usr/bin/mawk/below", true, NULL);
    expect("/dev/null", true, NULL);
    expect("/sys/kernel", true, NULL);
    char longest[5000];
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[4999] = 0;
    assert_ptr_equal(linux_path(longest, true, where), longest);
}

static void proc_paths(void **state)
{
    char path[64];
    assert_string_equal(linux_proc_rest("/proc/self/exe"), "exe");
    assert_string_equal(linux_proc_rest("/proc//self/./maps"), "maps");
    assert_string_equal(linux_proc_rest("/proc/thread-self/maps"), "maps");
    assert_string_equal(linux_proc_rest("/proc/self/"), "");
    snprintf(path, sizeof path, "/proc/%d/cmdline", getpid());
    assert_string_equal(linux_proc_rest(path), "cmdline");
    snprintf(path, sizeof path, "/proc/self/task/%d/maps", getpid());
    assert_string_equal(linux_proc_rest(path), "maps");
    assert_null(linux_proc_rest("/proc/1/cmdline"));
    assert_null(linux_proc_rest("/proc/selfish"));
    assert_null(linux_proc_rest("/proc/cpuinfo"));
    assert_null(linux_proc_rest("/processes/self/exe"));
    linux_process.exe = "/somewhere/prog";
    expect("/proc/self/exe", false, NULL);
    assert_string_equal(linux_path("/proc/self/exe", true, where), "/somewhere/prog");
}

static void proc_files(void **state)
{
    char text[4096] = "", line[256];
    uint64_t at = linux_mmap(0x50000000, 4096, 5, GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS, -1, 0);
    assert_int_equal(at, 0x50000000);
    int64_t fd = linux_proc_open("/proc/self/maps", O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read((int)fd, text, sizeof text - 1) > 0);
    snprintf(line, sizeof line, "50000000-50001000 r-xp 00000000 00:00 0\n");
    assert_string_equal(text, line);
    close((int)fd);
    assert_int_equal(linux_proc_open("/proc/self/maps", O_RDWR), LINUX_PROC_NOT_OURS);
    assert_int_equal(linux_proc_open("/proc/self/fd", O_RDONLY), LINUX_PROC_NOT_OURS);
    assert_int_equal(linux_proc_open("/etc/passwd", O_RDONLY), LINUX_PROC_NOT_OURS);
}

static void package_names(void **state)
{
    static const char *const cases[][2] = { { "libgmp.so.10", "libgmp10:amd64" }, { "libc.so.6", "libc6:amd64" }, { "libpcre2-16.so.0", "libpcre2-16-0:amd64" },
        { "libstdc++.so.6", "libstdc++6:amd64" }, { "libX11.so.6", "libx11-6:amd64" }, { "ld-linux-x86-64.so.2", "libc6:amd64" }, { "libz.so.1", "zlib1g:amd64" },
        { "libicui18n.so.72", "libicui18n72:amd64" }, { "libfoo_bar.so.2", "libfoo-bar2:amd64" } };
    char buf[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(linux_package_of(cases[i][0], buf), cases[i][1]);
    assert_null(linux_package_of("nope-ld.so.3", buf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain), cmocka_unit_test(links), cmocka_unit_test(stays_inside), cmocka_unit_test(falls_back), cmocka_unit_test(proc_paths),
        cmocka_unit_test(proc_files), cmocka_unit_test(package_names),
    };
    linux_memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
