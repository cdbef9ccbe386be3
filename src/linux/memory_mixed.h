/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_mixed.h: host pages that are not one guest mapping: a record for each, and the rights and views that follow from it.
 * memory_big.c decides what goes where; here is how one host page does it.
 *
 *  B1 a host page without a record is free, or plain: one mapping, mapped one to one, as the guest's table says
 *  B2 a record's host page has the rights that all its guest pages have. A guest page that may do more has a view (engine.h):
 *     in the record's home, or, for a page of a shared file that the host can't map there (FAR), in a window of the file
 *  B3 nothing is allocated for a page that is watched: the fault handler, too, changes the record then
 *  B4 where wherry has chosen the place of a mapping, what follows it in its last host page is slack: free, but it does not count for B2, so an
 *     access there may succeed. Linux, too, puts such mappings side by side. What the guest has unmapped, or left free itself, does count
 */
#ifndef LINUX_MEMORY_MIXED_H
#define LINUX_MEMORY_MIXED_H
#include "linux/memory_big.h"
#include "linux/memory_home.h"

/* state: the guest's protection and these */
enum {
    SUB_WATCHED = 8, SUB_FAR = 0x10, SUB_BEYOND = 0x20 /* behind the file's end: SIGBUS */, SUB_SLACK = 0x40 /* free, and no matter (B4) */, SUB_MAPPED = 0x80
};
/* window, at: where the file's page is, for pages of files. FAR: the page itself; else what MADV_DONTNEED brings back */
struct mixed_sub { uint8_t state; struct window *window; uint64_t at; };
struct mixed {
    uint64_t base;
    uint8_t *home;           /* all rights, same contents as at base; NULL: there is nothing but private memory at base */
    bool shared;             /* home is in a window: base is mapped from the same file */
    bool foreign;            /* shared memory without a window (System V): it has the rights that any guest page has */
    uint8_t rights;          /* of the host page now */
    uint64_t unused;         /* a bit for each page of the home that nothing was put into: it is zeros */
    struct mixed_sub sub[];
};

static inline uint64_t mixed_down(uint64_t addr) { return addr & ~(memory_host_page() - 1); }
static inline unsigned mixed_sub(uint64_t addr) { return (unsigned)((addr & (memory_host_page() - 1)) / GUEST_PAGE); }
static inline unsigned mixed_subs(void) { return (unsigned)(memory_host_page() / GUEST_PAGE); }

struct mixed *mixed_find(uint64_t base);                      /* NULL: none */
struct mixed *mixed_next(uint64_t from);                      /* the first record at or above `from`, or NULL */
struct mixed *mixed_record(uint64_t base);                    /* makes one for a plain page. NULL: out of memory */
struct object;
struct mixed *mixed_plain(uint64_t base, int prot, const struct object *o);    /* for a page of o that has just been mapped plain */
struct mixed *mixed_reserve(uint64_t base, bool replace, int *error);      /* for a free host page; replace: it is the guest's already */
bool mixed_is_free(uint64_t base);
int mixed_own_home(struct mixed *p);                          /* make it hold private pages that can be filled through p->home */
void mixed_set(struct mixed *p, unsigned i, uint8_t state, struct window *w, uint64_t at);
int mixed_settle(struct mixed *p);                            /* rights and views as the guest pages are now */
bool mixed_is_empty(const struct mixed *p);
bool mixed_has_code(uint64_t base);                           /* is a page of it watched? */
void mixed_forget(uint64_t start, uint64_t end);              /* the records in the range; the mappings are the caller's business */
uint64_t mixed_raw(const struct mixed *p, unsigned i);        /* where the guest page can be read and written whatever its rights; 0: at base */
bool mixed_lost_views(void);                                  /* did a page lose a view since the last question? */
uint64_t mixed_guest_of(uint64_t alias);                      /* the guest address that has its view at alias, or 0 */
void mixed_fork_prepare(void);
void mixed_fork_child(void);

/* ---- what files are mapped where ---- */
/* at: where the file's byte for `start` is in the window. copied: private, and mapped as an anonymous copy */
struct object { uint64_t start, end, at; struct window *window; bool shared, copied; };
const struct object *object_at(uint64_t addr);
const struct object *object_in(uint64_t start, uint64_t end, unsigned from, unsigned *i);   /* the next one that overlaps; *i: its number */
int  object_add(const struct object *o);                      /* the window is kept once more. 0 or -ENOMEM */
int  object_remove(uint64_t start, uint64_t end);
#endif
