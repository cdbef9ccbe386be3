/* SPDX-License-Identifier: GPL-2.0-or-later
 * convert.h: what other processors' Linux numbers otherwise than x86-64's: system calls, open flags, ioctls, socket options, errors.
 */
#ifndef LINUX_CONVERT_H
#define LINUX_CONVERT_H
#include <stdint.h>

/* ---- numbers.c ---- */
long linux_host_number(long nr);               /* of x86-64's call nr; -1: this host has no such call */
/* Make the call that a host without call nr has instead; paths are the host's already. Result or negative errno. */
long linux_replaced_syscall(long nr, const uint64_t args[6]);

/* ---- convert.c ---- */
uint64_t linux_host_open_flags(uint64_t guest);
uint64_t linux_guest_open_flags(uint64_t host);
uint32_t linux_host_ioctl(uint32_t guest);
int linux_host_socket_option(int level, int guest);      /* of SOL_SOCKET; other levels have the same numbers everywhere */
int64_t linux_guest_result(int64_t r);         /* a system call's result: errors by x86-64's numbers */

/* Terminal settings: is this ioctl (guest's number) about a struct termios that the host lays out or numbers otherwise?
 * 0: no; else it was made, and *result is the call's. */
int linux_termios_ioctl(int fd, uint32_t number, uint64_t arg, int64_t *result);
#endif
