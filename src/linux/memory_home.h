/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_home.h: second addresses for guest pages, for memory_big.c. Two kinds: a home is a host page of a memory file that is mapped
 * at its guest address with fewer rights and here with all of them; a window is another mapping of a file that the guest has mapped.
 */
#ifndef LINUX_MEMORY_HOME_H
#define LINUX_MEMORY_HOME_H
#include <stdbool.h>
#include <stdint.h>

/* A host page of zeros, or NULL. free gives its memory back. */
uint8_t *memory_home_new(void);
void memory_home_free(uint8_t *home);
/* Map the home at base (over what is there). 0 or a negative errno. */
int memory_home_map(const uint8_t *home, uint64_t base, int prot);
/* Copy from memory that may be behind a file's end (zeros then). */
void memory_home_fill(uint8_t *home, uint64_t offset, const void *from, uint64_t size);

/* Around fork, because the child must not share the homes: prepare makes a copy by fn for each home in use; in the child begin
 * puts the copies in the place of the homes, then the caller maps each of them again. */
void memory_home_fork_prepare(void (*each)(void (*copy)(uint8_t *home, uint64_t offset, uint64_t size)));
void memory_home_fork_parent(void);
bool memory_home_fork_child(void);             /* are there homes to map again? */

/* fd, ino: for a mapping that goes on behind the file's end, to see whether the file has grown; -1 otherwise */
struct window { uint8_t *at; uint64_t size, offset, ino; unsigned refs; int fd; bool writable; };
/* A mapping of the file's bytes [offset, offset + size), made larger to whole host pages; *first: where offset is in it. refs is 1. */
struct window *memory_window_new(int fd, uint64_t offset, uint64_t size, bool shared, bool write, uint64_t *first);
struct window *memory_window_keep(struct window *w);
void memory_window_drop(struct window *w);     /* NULL: nothing */
#endif
