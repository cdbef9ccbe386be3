/* SPDX-License-Identifier: GPL-2.0-or-later
 * kinds.h: what kinds.def says of an argument, for the files that look after memory that the kernel reads or writes.
 */
#ifndef LINUX_KINDS_H
#define LINUX_KINDS_H
#include <stdint.h>

enum { VALUE, PATHNAME, IN, OUT, INOUT };      /* direction */
enum { SIZE_NEXT = -1, SIZE_PREV = -2, SIZE_PREV4 = -3, SIZE_IOV = -4, SIZE_NEXTP = -5, SIZE_MSG = -6, SIZE_MMSG = -7, SIZE_MSGBUF = -8, SIZE_POLL = -9, SIZE_EPOLL = -10, SIZE_NEXT8 = -11 };
struct linux_kind_info { uint8_t direction; int16_t size; };
extern const struct linux_kind_info linux_kinds[];             /* by enum linux_kind */
#endif
