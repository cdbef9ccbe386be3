/* SPDX-License-Identifier: GPL-2.0-or-later
 * string_control.h: the control word that lift_string.c gives to the helpers of repeated string instructions: bytes of an
 * element in the low byte, and these bits.
 */
#ifndef GUEST_STRING_CONTROL_H
#define GUEST_STRING_CONTROL_H
enum { X86_STRING_SIZE = 0xff, X86_STRING_ADDR32 = 0x100, X86_STRING_WHILE_NE = 0x200 };
#endif
