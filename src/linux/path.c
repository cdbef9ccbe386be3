/* SPDX-License-Identifier: GPL-2.0-or-later
 * path.c: where a guest's path lies on the host. Absolute paths are looked up in the root (-L) first, component by component, so that
 * symbolic links, absolute ones too, stay inside it; what the root doesn't have is looked for on the host, as under QEMU.
 * /proc, /sys and /dev are the host's always: a root made of packages has them as empty directories at best.
 */
#include "linux/linux.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "linux/proc.h"

#define MAX_LINKS 40

struct walk {
    char *out; size_t n, root;             /* host path so far; it never gets shorter than the root's */
    char rest[2 * PATH_MAX];               /* components still to do */
    unsigned links;
    bool follow;
};

static bool component_is(const char *c, size_t n, const char *name) { return strlen(name) == n && !memcmp(c, name, n); }

static void up(struct walk *w)
{
    while (w->n > w->root && w->out[w->n - 1] != '/')
        w->n--;
    if (w->n > w->root)
        w->n--;
    w->out[w->n] = 0;
}

static bool down(struct walk *w, const char *c, size_t n)
{
    if (w->n + n + 2 > PATH_MAX)
        return false;
    w->out[w->n++] = '/';
    memcpy(w->out + w->n, c, n);
    w->n += n;
    w->out[w->n] = 0;
    return true;
}

/* Replace the component just entered by the link's target, before what is still to do (at `tail`). */
static bool take_link(struct walk *w, const char *target, size_t n, const char *tail)
{
    size_t rest = strlen(tail) + 1;
    if (++w->links > MAX_LINKS || n + 1 + rest > sizeof w->rest)
        return false;
    if (target[0] == '/')
        w->n = w->root;
    else
        up(w);
    w->out[w->n] = 0;
    memmove(w->rest + n + 1, tail, rest);
    memcpy(w->rest, target, n);
    w->rest[n] = '/';
    if (rest == 1)
        w->rest[n] = 0;                    /* a trailing slash would demand a directory */
    return true;
}

/* One component from w->rest: 1 = go on, 0 = the root doesn't have it. */
static int step(struct walk *w)
{
    char target[PATH_MAX];
    const char *c = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(c, "/");
    const char *tail = c + n;
    if (n == 0 || component_is(c, n, ".")) {
        memmove(w->rest, tail, strlen(tail) + 1);
        return 1;
    }
    if (component_is(c, n, "..")) {
        up(w);
        memmove(w->rest, tail, strlen(tail) + 1);
        return 1;
    }
    if (!down(w, c, n))
        return 0;
    ssize_t length = readlink(w->out, target, sizeof target - 1);
    if (length < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
        return 0;
    if (length > 0 && (*tail || w->follow))
        return take_link(w, target, (size_t)length, tail);
    memmove(w->rest, tail, strlen(tail) + 1);
    return 1;
}

static bool ends_in_slash(const char *path)
{
    size_t n = strlen(path);
    return n > 1 && path[n - 1] == '/';
}

/* The place of an absolute guest path below the root; NULL if the root doesn't have it. */
static const char *in_root(const char *guest, bool follow, char buf[4096])
{
    const char *root = linux_process.root_real;
    struct walk w = { .out = buf, .n = strlen(root), .root = strlen(root), .follow = follow || ends_in_slash(guest) };
    if (w.n + 2 > PATH_MAX || strlen(guest) + 1 > PATH_MAX)
        return NULL;
    memcpy(buf, root, w.n + 1);
    strcpy(w.rest, guest);
    while (w.rest[0])
        if (!step(&w))
            return NULL;
    if (ends_in_slash(guest) && w.n + 1 < PATH_MAX)
        memcpy(buf + w.n, "/", 2);
    return buf;
}

static bool below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && (path[n] == 0 || path[n] == '/');
}

const char *linux_path(const char *guest, bool follow, char buf[4096])
{
    if (guest[0] != '/')
        return guest;
    if (below(guest, "/proc")) {
        const char *own = linux_proc_rest(guest);
        if (own && follow && !strcmp(own, "exe") && linux_process.exe)
            return linux_process.exe;
        return guest;
    }
    if (!linux_process.root_real || below(guest, "/sys") || below(guest, "/dev"))
        return guest;
    const char *found = in_root(guest, follow, buf);
    return found ? found : guest;
}
