/* SPDX-License-Identifier: GPL-2.0-or-later
 * memory_image.h: where position-independent images lie best on a host whose pages are larger than the guest's.
 */
#ifndef LINUX_MEMORY_IMAGE_H
#define LINUX_MEMORY_IMAGE_H
#include <elf.h>
#include <stdint.h>

/* The place within a host page that the image's lowest page should have, so that what may be written begins with a host page; 0 where
 * it does not matter, or the image is too large to be copied for that (its file can't be mapped by the host then), or has wishes of its own. */
uint64_t memory_image_shift(const Elf64_Phdr *ph, unsigned n);
/* The same for a file that a program maps from its beginning; 0 for other files */
uint64_t memory_image_file_shift(int fd);
#endif
