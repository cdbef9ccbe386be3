/* SPDX-License-Identifier: GPL-2.0-or-later
 * safe_syscall.S (ppc64le): long linux_safe_syscall_host(const volatile int *pending, long nr, long a..f). See the x86-64 file for S1, S2.
 * The kernel marks an error by CR0.SO and gives the positive errno.
 */
    .abiversion 2
    .text
    .globl linux_safe_syscall_host, linux_safe_syscall_start, linux_safe_syscall_end, linux_safe_syscall_pending
    .hidden linux_safe_syscall_start, linux_safe_syscall_end, linux_safe_syscall_pending
    .type linux_safe_syscall_host, @function
linux_safe_syscall_host:
    .cfi_startproc
    std 14, -8(1)
    stdu 1, -48(1)
    .cfi_def_cfa_offset 48
    .cfi_offset 14, -8
    mr 14, 3
    mr 0, 4
    mr 3, 5
    mr 4, 6
    mr 5, 7
    mr 6, 8
    mr 7, 9
    mr 8, 10
linux_safe_syscall_start:
    lwz 12, 0(14)
    cmpwi 0, 12, 0
    bne- 0, linux_safe_syscall_pending
    sc
linux_safe_syscall_end:
    bns+ 0, 1f
    neg 3, 3
1:  addi 1, 1, 48
    ld 14, -8(1)
    blr
linux_safe_syscall_pending:
    li 3, -513                          /* -LINUX_ERESTARTNOINTR */
    addi 1, 1, 48
    ld 14, -8(1)
    blr
    .cfi_endproc
    .size linux_safe_syscall_host, . - linux_safe_syscall_host
    .section .note.GNU-stack, "", @progbits
