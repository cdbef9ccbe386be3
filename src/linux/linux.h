/* SPDX-License-Identifier: GPL-2.0-or-later
 * linux.h: user mode: one x86-64 Linux process on the host's kernel. Room-wide structures and the seams between its files.
 * Errors are negative guest errno values (the same numbers as x86-64's), as the kernel returns them.
 */
#ifndef LINUX_LINUX_H
#define LINUX_LINUX_H
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "engine/engine.h"

struct linux_config {                  /* from the command line and environment (cli/) */
    const char *root;                  /* -L; NULL: none */
    const char *argv0;                 /* -0 */
    const char *cpu_model;
    const char *self;                  /* absolute path of wherry-x86_64, to run children with */
    uint64_t stack_size;               /* -s, bytes; 0 = RLIMIT_STACK */
    bool strace, stats;
    int tier;
    const char *runner;                /* -runner: command line in front of self for children, words by spaces; NULL: none */
    const char *execfn;                /* -execfn, given by execve to a child: the name that the guest used (AT_EXECFN); NULL: the program's */
    int filters_fd;                    /* -seccomp, given by execve to a child that has filters (seccomp.c); 0: none */
};

struct linux_thread {                  /* cpu->os */
    struct cpu *cpu;
    pid_t tid;
    pthread_t pthread;
    uint64_t clear_child_tid, robust_list, robust_list_len, rseq;
    uint64_t sigmask;                  /* guest's blocked signals, bit n-1 */
    uint64_t saved_sigmask; bool restore_sigmask;      /* sigsuspend, ppoll, pselect */
    uint64_t altstack_sp, altstack_size; uint32_t altstack_flags;
    bool vfork_child;                  /* shares the parent's memory until exec or exit */
    bool exiting;
    volatile sig_atomic_t pending;     /* a host signal was caught; siginfo below; all async signals are blocked on the host until it is delivered */
    siginfo_t pending_info;
    int restart;                       /* the system call just made was interrupted (LINUX_ERESTART*, or 0): linux_syscall has already set rax and pc to
                                        * make it again; linux_deliver_pending, before it builds a handler's frame, calls linux_syscall_interrupted. */
    struct linux_sighand *sighand;     /* sighand.h: the handlers; shared by the threads of a process, a copy in a vfork child */
    struct linux_signal_thread *signals;               /* sighand.h: signal.c's own */
    const struct linux_filter *filters;                /* filters.h; NULL: none */
    bool seccomp_strict;
    void *exec_memory;                 /* of an execve in a vfork child: freed by the parent */
    struct linux_thread *next, *prev;  /* of all threads, under process.lock */
};

struct linux_process {                 /* one per process; `linux_process` */
    struct linux_config config;
    char *exe;                         /* guest's /proc/self/exe: host path after lookup in the root */
    char *exe_guest;                   /* the path as the guest knows it */
    char *root_real;                   /* realpath of the root, or NULL */
    uint64_t entry, load_bias, phdr, interp_base, stack_top, vdso;
    uint64_t arg_start, arg_end, env_start, env_end, auxv_start, auxv_size;
    uint64_t brk_start, brk;
    pthread_mutex_t lock; struct linux_thread *threads; unsigned n_threads;
};
extern struct linux_process linux_process;
static inline struct linux_thread *linux_current(void) { struct cpu *c = cpu_current(); return c ? c->os : 0; }

/* ---- start.c ---- load PROGRAM (already a host path to try; looked up in PATH like execvp by cli) and run it. Does not return
 * but for errors before the program starts: then the exit status that a shell would give (126, 127, 1), message printed. */
int linux_main(const struct linux_config *cfg, const char *program, char **argv, char **envp);

/* ---- load.c ---- */
struct linux_image { uint64_t entry, bias, phdr, base, end, brk; unsigned n_phdr; bool pie, exec_stack; char interp[4096]; };
/* Map an ELF file. 0 or a negative errno with a clear message in why. is_interp: loaded as the dynamic linker. */
int linux_load_elf(int fd, const char *name, bool is_interp, struct linux_image *out, char why[512]);

/* ---- path.c ---- */
/* Guest path to host path: absolute ones are looked up in the root first (symbolic links resolved inside it), /proc/self files are
 * recognized elsewhere. follow: resolve the last component's link too. Returns buf or the path itself. dirfd and relative paths pass through. */
const char *linux_path(const char *guest, bool follow, char buf[4096]);

/* ---- sys_misc.c ---- */
extern bool linux_read_implies_exec;           /* personality(2) */

/* ---- symbols.c ---- engine_config.symbol: FUNCTION+OFFSET */
const char *linux_symbol(uint64_t pc, char *text, size_t size);

/* ---- memory.c ---- guest's view in 4 KiB pages */
uint64_t linux_mmap(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset);   /* guest flag values; address or negative errno */
int64_t linux_munmap(uint64_t addr, uint64_t len);
int64_t linux_mprotect(uint64_t addr, uint64_t len, int prot);
uint64_t linux_mremap(uint64_t old, uint64_t old_len, uint64_t new_len, int flags, uint64_t new_addr);
int64_t linux_madvise(uint64_t addr, uint64_t len, int advice);
uint64_t linux_brk(uint64_t addr);
int  linux_memory_init(void);
int  linux_page_prot(uint64_t addr);                         /* PROT_* of the guest page, or -1 when not mapped */
size_t linux_fetchable(uint64_t pc, size_t want);            /* engine_config.fetchable */
bool linux_watch(uint64_t page);                             /* engine_config.watch */
/* A host write fault at addr: true if only our write protection caused it; the protection is lifted and translations dropped. Async-signal-safe enough to run in the fault handler. */
bool linux_write_fault(uint64_t addr);
/* A SIGSEGV that linux_write_fault has not explained: true if a stack has grown to contain addr. access: host_context_fault. */
bool linux_stack_fault(uint64_t addr, int access);
/* A SIGSEGV or SIGBUS that neither has explained, on a host with larger pages: true if the guest may make this access, and it will be
 * made; otherwise *info tells what the guest's fault is. access: host_context_fault. */
bool linux_mixed_fault(siginfo_t *info, int access, void *ucontext);
/* Before the kernel or C code writes [addr, addr+size): lift write protection of watched pages in it. Cheap when there are none. */
void linux_will_write(uint64_t addr, uint64_t size);
/* The address by which the kernel shall know a futex: the same for all threads, whatever the page's rights. */
uint64_t linux_futex_address(uint64_t addr);
/* guest si_code for a SIGSEGV at addr: SEGV_MAPERR or SEGV_ACCERR */
int  linux_segv_code(uint64_t addr);
/* Around fork, so that the child's table is whole: prepare takes the lock, parent and child give it back. */
void linux_memory_fork_prepare(void);
void linux_memory_fork_parent(void);
void linux_memory_fork_child(void);
/* call fn for each region, ascending; for /proc/self/maps */
struct linux_region { uint64_t start, end, offset; int prot, flags; const char *name; uint64_t dev, ino; };
void linux_regions(void (*fn)(void *ctx, const struct linux_region *r), void *ctx);

/* ---- syscall.c ---- one system call by the registers in cpu; sets rax; restart logic inside. */
void linux_syscall(struct cpu *cpu);
/* A handler is about to run after an interrupted call (thread->restart set): sa_restart is its SA_RESTART. Makes the call return EINTR
 * where Linux does; clears thread->restart. The run loop clears thread->restart when no handler ran. */
void linux_syscall_interrupted(struct cpu *cpu, bool sa_restart);
/* A host system call by its x86-64 number, not restartable: the result or a negative errno. */
long linux_host_syscall(long nr, long a, long b, long c, long d, long e, long f);
/* a handler: args as the guest gave them; returns the value for rax or a negative errno */
typedef int64_t linux_sys_fn(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#define LINUX_ERESTARTSYS 512          /* interrupted: restart if SA_RESTART, else EINTR */
#define LINUX_ERESTARTNOINTR 513       /* interrupted before it began: always run again after the handler */
#define LINUX_ERESTARTNOHAND 514       /* interrupted: EINTR if a handler runs, else restart */
#define LINUX_ERESTART_RESTARTBLOCK 516
#define LINUX_ESIGRETURN 520           /* registers were replaced: leave them alone */

/* ---- safe_syscall.S + signal.c ---- host system call that a signal can't slip past: -LINUX_ERESTARTNOINTR if a signal is pending before it
 * starts; otherwise the kernel's own result (negative errno). Use for every call that can block. Host handlers carry the guest's SA_RESTART,
 * so the kernel itself decides which calls restart (they too come back as -LINUX_ERESTARTNOINTR): an EINTR is final, handlers need no conversion. */
long linux_safe_syscall(long nr, long a, long b, long c, long d, long e, long f);

/* ---- signal.c ---- */
void linux_signal_init(void);                                 /* installs host handlers, reads inherited dispositions and mask */
void linux_signal_thread_init(struct linux_thread *t);        /* host alternate stack */
void linux_signal_fork_child(void);
/* after engine_run or a system call: deliver what is pending; true if the registers changed (a frame was made) */
bool linux_deliver_pending(struct cpu *cpu);
/* a fault or trap by the guest: force the signal (kills with it when blocked or ignored, as Linux does) */
void linux_force_signal(struct cpu *cpu, const siginfo_t *info);
void linux_die_by_signal(int sig) __attribute__((noreturn));  /* host process dies by that signal, core size as set */
linux_sys_fn linux_sys_rt_sigreturn;

/* ---- thread.c, exec.c, run.c ---- */
void linux_run(struct cpu *cpu);                              /* the loop: engine_run, act on the event; returns when the thread exits */
/* The environment as the guest shall see it: execve hides from the host's own dynamic linker what is meant for the guest's. Changes envp in place. */
char **linux_exec_environment(char **envp);
/* The program was loaded: let go of a file descriptor that execve passed it in (program = /proc/self/fd/N with config.execfn set). */
void linux_exec_loaded(const char *program);
void linux_exit_group(int status) __attribute__((noreturn));  /* flush --stats, exit */
struct linux_thread *linux_thread_create(void);               /* with its cpu, made current, in the list */
#endif
