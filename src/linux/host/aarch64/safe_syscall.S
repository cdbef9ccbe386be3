/* SPDX-License-Identifier: GPL-2.0-or-later
 * safe_syscall.S (aarch64): long linux_safe_syscall_host(const volatile int *pending, long nr, long a..f). See the x86-64 file for S1, S2.
 */
    .text
    .globl linux_safe_syscall_host, linux_safe_syscall_start, linux_safe_syscall_end, linux_safe_syscall_pending
    .hidden linux_safe_syscall_start, linux_safe_syscall_end, linux_safe_syscall_pending
    .type linux_safe_syscall_host, %function
linux_safe_syscall_host:
    .cfi_startproc
    mov x9, x0
    mov x8, x1
    mov x0, x2
    mov x1, x3
    mov x2, x4
    mov x3, x5
    mov x4, x6
    mov x5, x7
linux_safe_syscall_start:
    ldr w10, [x9]
    cbnz w10, linux_safe_syscall_pending
    svc #0
linux_safe_syscall_end:
    ret
linux_safe_syscall_pending:
    mov x0, #-513                       /* -LINUX_ERESTARTNOINTR */
    ret
    .cfi_endproc
    .size linux_safe_syscall_host, . - linux_safe_syscall_host
    .section .note.GNU-stack, "", %progbits
