/* SPDX-License-Identifier: GPL-2.0-or-later
 * safe_syscall.S (x86-64): long linux_safe_syscall_host(const volatile int *pending, long nr, long a..f).
 * S1 between the symbols _start and _end the kernel has not begun the call, or has put it back to be begun again: a handler that
 *    interrupts there continues at _pending instead (signal.c), so no signal is missed between the check and the call
 * S2 the stack is the same throughout [_start, _end] and at _pending
 */
    .text
    .globl linux_safe_syscall_host, linux_safe_syscall_start, linux_safe_syscall_end, linux_safe_syscall_pending
    .hidden linux_safe_syscall_start, linux_safe_syscall_end, linux_safe_syscall_pending
    .type linux_safe_syscall_host, @function
linux_safe_syscall_host:
    .cfi_startproc
    push %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    mov %rdi, %rbx
    mov %rsi, %rax
    mov %rdx, %rdi
    mov %rcx, %rsi
    mov %r8, %rdx
    mov %r9, %r10
    mov 16(%rsp), %r8
    mov 24(%rsp), %r9
linux_safe_syscall_start:
    cmpl $0, (%rbx)
    jne linux_safe_syscall_pending
    syscall
linux_safe_syscall_end:
    pop %rbx
    .cfi_remember_state
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    ret
    .cfi_restore_state
linux_safe_syscall_pending:
    mov $-513, %rax                     /* -LINUX_ERESTARTNOINTR */
    pop %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    ret
    .cfi_endproc
    .size linux_safe_syscall_host, . - linux_safe_syscall_host

/* the return address of a host signal frame: the kernel insists on SA_RESTORER here */
    .globl linux_host_restorer
    .hidden linux_host_restorer
    .type linux_host_restorer, @function
linux_host_restorer:
    mov $15, %eax                       /* rt_sigreturn */
    syscall
    .size linux_host_restorer, . - linux_host_restorer
    .section .note.GNU-stack, "", @progbits
