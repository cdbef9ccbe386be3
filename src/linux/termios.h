/* SPDX-License-Identifier: GPL-2.0-or-later
 * termios.h: POWER's terminal settings as x86-64's and back. Pure functions, compiled on every host.
 */
#ifndef LINUX_TERMIOS_H
#define LINUX_TERMIOS_H
#include <stdint.h>

struct guest_termios { uint32_t iflag, oflag, cflag, lflag; uint8_t line, cc[19]; uint32_t ispeed, ospeed; };   /* x86-64's struct termios2 */
struct power_termios { uint32_t iflag, oflag, cflag, lflag; uint8_t cc[19], line; uint32_t ispeed, ospeed; };
void linux_termios_to_power(struct power_termios *to, const struct guest_termios *from);
void linux_termios_from_power(struct guest_termios *to, const struct power_termios *from);
#endif
