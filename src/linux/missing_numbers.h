/* SPDX-License-Identifier: GPL-2.0-or-later
 * missing_numbers.h: -1 for each of x86-64's system calls that some host's kernel or C library has no number for. */
#ifndef LINUX_MISSING_NUMBERS_H
#define LINUX_MISSING_NUMBERS_H
#include <sys/syscall.h>
#ifndef SYS_open
#define SYS_open (-1)
#endif
#ifndef SYS_stat
#define SYS_stat (-1)
#endif
#ifndef SYS_lstat
#define SYS_lstat (-1)
#endif
#ifndef SYS_poll
#define SYS_poll (-1)
#endif
#ifndef SYS_access
#define SYS_access (-1)
#endif
#ifndef SYS_pipe
#define SYS_pipe (-1)
#endif
#ifndef SYS_select
#define SYS_select (-1)
#endif
#ifndef SYS_dup2
#define SYS_dup2 (-1)
#endif
#ifndef SYS_pause
#define SYS_pause (-1)
#endif
#ifndef SYS_alarm
#define SYS_alarm (-1)
#endif
#ifndef SYS_fork
#define SYS_fork (-1)
#endif
#ifndef SYS_vfork
#define SYS_vfork (-1)
#endif
#ifndef SYS_semop
#define SYS_semop (-1)
#endif
#ifndef SYS_getdents
#define SYS_getdents (-1)
#endif
#ifndef SYS_rename
#define SYS_rename (-1)
#endif
#ifndef SYS_mkdir
#define SYS_mkdir (-1)
#endif
#ifndef SYS_rmdir
#define SYS_rmdir (-1)
#endif
#ifndef SYS_creat
#define SYS_creat (-1)
#endif
#ifndef SYS_link
#define SYS_link (-1)
#endif
#ifndef SYS_unlink
#define SYS_unlink (-1)
#endif
#ifndef SYS_symlink
#define SYS_symlink (-1)
#endif
#ifndef SYS_readlink
#define SYS_readlink (-1)
#endif
#ifndef SYS_chmod
#define SYS_chmod (-1)
#endif
#ifndef SYS_chown
#define SYS_chown (-1)
#endif
#ifndef SYS_lchown
#define SYS_lchown (-1)
#endif
#ifndef SYS_getpgrp
#define SYS_getpgrp (-1)
#endif
#ifndef SYS_utime
#define SYS_utime (-1)
#endif
#ifndef SYS_mknod
#define SYS_mknod (-1)
#endif
#ifndef SYS_uselib
#define SYS_uselib (-1)
#endif
#ifndef SYS_ustat
#define SYS_ustat (-1)
#endif
#ifndef SYS_sysfs
#define SYS_sysfs (-1)
#endif
#ifndef SYS_modify_ldt
#define SYS_modify_ldt (-1)
#endif
#ifndef SYS__sysctl
#define SYS__sysctl (-1)
#endif
#ifndef SYS_arch_prctl
#define SYS_arch_prctl (-1)
#endif
#ifndef SYS_iopl
#define SYS_iopl (-1)
#endif
#ifndef SYS_ioperm
#define SYS_ioperm (-1)
#endif
#ifndef SYS_create_module
#define SYS_create_module (-1)
#endif
#ifndef SYS_get_kernel_syms
#define SYS_get_kernel_syms (-1)
#endif
#ifndef SYS_query_module
#define SYS_query_module (-1)
#endif
#ifndef SYS_getpmsg
#define SYS_getpmsg (-1)
#endif
#ifndef SYS_putpmsg
#define SYS_putpmsg (-1)
#endif
#ifndef SYS_afs_syscall
#define SYS_afs_syscall (-1)
#endif
#ifndef SYS_tuxcall
#define SYS_tuxcall (-1)
#endif
#ifndef SYS_security
#define SYS_security (-1)
#endif
#ifndef SYS_time
#define SYS_time (-1)
#endif
#ifndef SYS_set_thread_area
#define SYS_set_thread_area (-1)
#endif
#ifndef SYS_get_thread_area
#define SYS_get_thread_area (-1)
#endif
#ifndef SYS_epoll_create
#define SYS_epoll_create (-1)
#endif
#ifndef SYS_epoll_ctl_old
#define SYS_epoll_ctl_old (-1)
#endif
#ifndef SYS_epoll_wait_old
#define SYS_epoll_wait_old (-1)
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait (-1)
#endif
#ifndef SYS_utimes
#define SYS_utimes (-1)
#endif
#ifndef SYS_vserver
#define SYS_vserver (-1)
#endif
#ifndef SYS_inotify_init
#define SYS_inotify_init (-1)
#endif
#ifndef SYS_futimesat
#define SYS_futimesat (-1)
#endif
#ifndef SYS_sync_file_range
#define SYS_sync_file_range (-1)
#endif
#ifndef SYS_signalfd
#define SYS_signalfd (-1)
#endif
#ifndef SYS_eventfd
#define SYS_eventfd (-1)
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal (-1)
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup (-1)
#endif
#ifndef SYS_io_uring_enter
#define SYS_io_uring_enter (-1)
#endif
#ifndef SYS_io_uring_register
#define SYS_io_uring_register (-1)
#endif
#ifndef SYS_open_tree
#define SYS_open_tree (-1)
#endif
#ifndef SYS_move_mount
#define SYS_move_mount (-1)
#endif
#ifndef SYS_fsopen
#define SYS_fsopen (-1)
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig (-1)
#endif
#ifndef SYS_fsmount
#define SYS_fsmount (-1)
#endif
#ifndef SYS_fspick
#define SYS_fspick (-1)
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open (-1)
#endif
#ifndef SYS_clone3
#define SYS_clone3 (-1)
#endif
#ifndef SYS_close_range
#define SYS_close_range (-1)
#endif
#ifndef SYS_openat2
#define SYS_openat2 (-1)
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd (-1)
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 (-1)
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise (-1)
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 (-1)
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr (-1)
#endif
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd (-1)
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset (-1)
#endif
#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule (-1)
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self (-1)
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret (-1)
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease (-1)
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv (-1)
#endif
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node (-1)
#endif
#ifndef SYS_cachestat
#define SYS_cachestat (-1)
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 (-1)
#endif
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack (-1)
#endif
#ifndef SYS_futex_wake
#define SYS_futex_wake (-1)
#endif
#ifndef SYS_futex_wait
#define SYS_futex_wait (-1)
#endif
#ifndef SYS_futex_requeue
#define SYS_futex_requeue (-1)
#endif
#ifndef SYS_statmount
#define SYS_statmount (-1)
#endif
#ifndef SYS_listmount
#define SYS_listmount (-1)
#endif
#ifndef SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr (-1)
#endif
#ifndef SYS_lsm_set_self_attr
#define SYS_lsm_set_self_attr (-1)
#endif
#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules (-1)
#endif
#ifndef SYS_mseal
#define SYS_mseal (-1)
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat (-1)
#endif
#ifndef SYS_getxattrat
#define SYS_getxattrat (-1)
#endif
#ifndef SYS_listxattrat
#define SYS_listxattrat (-1)
#endif
#ifndef SYS_removexattrat
#define SYS_removexattrat (-1)
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr (-1)
#endif
#ifndef SYS_file_getattr
#define SYS_file_getattr (-1)
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr (-1)
#endif
#endif
