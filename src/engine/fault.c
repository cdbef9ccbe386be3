/* SPDX-License-Identifier: GPL-2.0-or-later
 * fault.c: host signals that guest code causes. The handlers themselves belong to the owner (linux/); it asks here first.
 *
 * Three places can fault: translated code (the side map gives the guest instruction, the host's sync the registers), C code that
 * runs for the guest (helpers and the interpreter; the state in memory is exact), and guarded accesses by other C code.
 * None is left by longjmp out of the handler: the context is redirected, so that the kernel restores the signal mask.
 */
#include <fenv.h>
#include <string.h>
#include <unistd.h>
#include "engine/lockstep.h"
#include "host/context.h"
#include "ir/guarded.h"
#include "ir/helpers.h"

__thread struct engine_recover *engine_recover;

/* --- where C code goes on after a fault; entered with any stack alignment --- */

#ifdef __x86_64__
#define ANY_STACK __attribute__((noreturn, force_align_arg_pointer))
#else
#define ANY_STACK __attribute__((noreturn))
#endif

static ANY_STACK void land_recover(void)
{
    _longjmp(engine_recover->env, 1);
}

static ANY_STACK void land_leave(void)
{
    _longjmp(engine_cpu(cpu_current())->leave, 1);
}

/* After a helper was left: the guest's rounding and exception masks may still be live. */
void fault_leave_cleanup(void)
{
#ifdef __x86_64__
    __asm__ volatile("fninit");                  /* not fesetenv: nothing else needs libm, and loading it is a hundredth of a short program's time */
    __builtin_ia32_ldmxcsr(0x1f80);
#else
    fesetenv(FE_DFL_ENV);
#endif
}

/* --- what happened --- */

static bool canonical(uint64_t addr)
{
    return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

static void record(struct cpu *cpu, int sig, const siginfo_t *info)
{
    cpu->fault_signal = sig;
    cpu->fault_info = *info;
    cpu->fault_address = (uint64_t)info->si_addr;
    if (sig == SIGSEGV && !canonical(cpu->fault_address)) {       /* where the host's address space is larger than the guest's */
        cpu->fault_info.si_code = SI_KERNEL;
        cpu->fault_info.si_addr = NULL;
        cpu->fault_address = 0;
    }
    if (sig == SIGBUS && info->si_code == SI_KERNEL)      /* #SS: the host's choice of base register says nothing about the guest's */
        cpu->fault_signal = cpu->fault_info.si_signo = SIGSEGV;
    if (sig == SIGFPE || sig == SIGILL || sig == SIGTRAP)
        cpu->fault_info.si_addr = (void *)cpu->state.pc;
}

static bool on_poll_page(struct cpu *cpu, uint64_t addr)
{
    return addr - (uint64_t)cpu_poll_page(cpu) < (uint64_t)sysconf(_SC_PAGESIZE);
}

static void leave_code(struct cpu *cpu, void *ucontext, enum leave kind)
{
    engine_cpu(cpu)->leave_kind = engine_cpu(cpu)->in_run ? LEAVE_RUN : kind;
    host_context_set_pc(ucontext, engine.env.stubs.leave_fault);
}

/* Bring the state up to date for a fault at host_pc in translated code. False: no side map entry, the state can't be had. */
static bool sync_state(struct cpu *cpu, uint64_t host_pc, const void *ucontext)
{
    struct host_map m;
    struct block *b = block_of_code(host_pc);
    engine_cpu(cpu)->in_run = false;
    if (b && block_flags(b) & BLOCK_REGION) {                   /* nobody looks (engine_guest_handles): the program ends */
        cpu->state.pc = b->pc;
        cpu_reset_return_stack(cpu);
        return true;
    }
    if (!b || !map_find(b, (uint32_t)(host_pc - block_entry(b)), &m))
        return false;
    if (!(m.flags & HOST_MAP_LOOP))
        engine.host->sync(&engine.env, ucontext, &m, &cpu->state);
    else if (!engine.host->sync_loop(&engine.env, ucontext, &m, &cpu->state)) {
        m.flags |= HOST_MAP_RUN;
        m.pc = b->pc;
    }
    if (m.pc != HOST_MAP_PC_IN_STATE)
        cpu->state.pc = m.pc;
    engine_cpu(cpu)->in_run = m.flags & HOST_MAP_RUN;
    if (m.flags & HOST_MAP_RUN)
        cpu->exit_target = b->pc;
    return true;
}

/* A poll of a region, or of a loop that goes round by itself, goes on at its own exit, which stores the state and leaves; so does an access in a region that is exact. */
static bool leaves_at_exit(uint64_t host_pc, void *ucontext)
{
    struct host_map m;
    struct block *b = block_of_code(host_pc);
    if (!b || !map_find(b, (uint32_t)(host_pc - block_entry(b)), &m) || m.offset != host_pc - block_entry(b))
        return false;
    if (!(block_flags(b) & BLOCK_REGION)) {
        if (!(m.flags & HOST_MAP_LEAVE) || !(m.flags & HOST_MAP_POLL))
            return false;
        m.pc -= b->pc;
    }
    host_context_set_pc(ucontext, block_entry(b) + m.pc);
    return true;
}

static enum engine_fault fault_in_code(struct cpu *cpu, uint64_t pc, int sig, const siginfo_t *info, void *ucontext)
{
    uint64_t addr = (uint64_t)info->si_addr;
    if (sig == SIGSEGV && cpu_guard_hit(cpu, addr)) {
        cpu_reset_return_stack(cpu);
        (engine.host->set_return_sp ? engine.host->set_return_sp : host_context_set_sp)(ucontext, cpu->ret_base);
        cpu->stats[STAT_RET_RESETS]++;
        return ENGINE_FAULT_GUEST;
    }
    if (sig == SIGSEGV && on_poll_page(cpu, addr) && (lockstep_passes_poll(cpu, pc, ucontext) || tier2_sampled(cpu, pc)))
        return ENGINE_FAULT_GUEST;
    if (leaves_at_exit(pc, ucontext)) {
        if (sig == SIGSEGV && on_poll_page(cpu, addr)) {        /* at once: where it goes on it may meet nothing but polls of this kind */
            cpu_repair_poll(cpu);
            cpu->stats[STAT_POLLS]++;
        }
        return ENGINE_FAULT_GUEST;
    }
    if (!sync_state(cpu, pc, ucontext))
        return ENGINE_FAULT_OTHER;
    if (sig == SIGSEGV && on_poll_page(cpu, addr)) {
        cpu->stats[STAT_POLLS]++;
        leave_code(cpu, ucontext, LEAVE_POLL);
        return ENGINE_FAULT_GUEST;
    }
    cpu->stats[STAT_FAULTS]++;
    record(cpu, sig, info);
    leave_code(cpu, ucontext, LEAVE_FAULT);
    return ENGINE_FAULT_GUEST;
}

static bool sent_by_a_process(const siginfo_t *info)
{
    return info->si_code <= 0;
}

enum engine_fault engine_host_fault(int sig, siginfo_t *info, void *ucontext)
{
    struct cpu *cpu = cpu_current();
    if (!engine.ready || sent_by_a_process(info))
        return ENGINE_FAULT_OTHER;
    uint64_t pc = host_context_pc(ucontext);
    if (engine_recover) {
        engine_recover->sig = sig;
        engine_recover->info = *info;
        host_context_go_to(ucontext, land_recover);
        return ENGINE_FAULT_RECOVERED;
    }
    if (!cpu || !cpu_is_running(cpu))
        return ENGINE_FAULT_OTHER;
    if (in_code_cache(pc))
        return fault_in_code(cpu, pc, sig, info, ucontext);
    if (!engine_cpu(cpu)->in_guest)
        return ENGINE_FAULT_OTHER;
    if (ir_landing(pc)) {
        host_context_set_pc(ucontext, ir_landing(pc));
        return ENGINE_FAULT_GUEST;
    }
    cpu->stats[STAT_FAULTS]++;
    record(cpu, sig, info);
    engine_cpu(cpu)->leave_kind = LEAVE_FAULT;
    host_context_go_to(ucontext, land_leave);
    return ENGINE_FAULT_GUEST;
}

/* The page is writable now. Code whose block is still alive repeats its store; otherwise the block may be what the store
 * changes, so its instruction is run alone and the engine looks the next one up afresh. */
void engine_written_code(siginfo_t *info, void *ucontext)
{
    struct cpu *cpu = cpu_current();
    if (!engine.ready || !cpu || !cpu_is_running(cpu) || engine_recover)
        return;
    uint64_t pc = host_context_pc(ucontext);
    if (in_code_cache(pc)) {
        struct block *b = block_of_code(pc);
        if (b && (block_flags(b) & (BLOCK_DEAD | BLOCK_REGION)) == BLOCK_DEAD && sync_state(cpu, pc, ucontext))
            leave_code(cpu, ucontext, LEAVE_SINGLE);
        return;
    }
    if (engine_cpu(cpu)->in_guest && ir_landing(pc)) {
        engine_cpu(cpu)->hit_code = true;
        host_context_set_pc(ucontext, ir_landing(pc));
    } else if (engine_cpu(cpu)->in_guest) {
        engine_cpu(cpu)->leave_kind = LEAVE_SINGLE;
        host_context_go_to(ucontext, land_leave);
    }
}

bool engine_view_fault(void *ucontext, bool by_code)
{
    struct cpu *cpu = cpu_current();
    if (!engine.ready || !cpu || !cpu_is_running(cpu) || engine_recover || !in_code_cache(host_context_pc(ucontext)))
        return false;
    struct block *b = block_of_code(host_context_pc(ucontext));
    if (!b || block_flags(b) & BLOCK_REGION || !sync_state(cpu, host_context_pc(ucontext), ucontext))
        return false;
    engine_cpu(cpu)->by_code = by_code;
    leave_code(cpu, ucontext, LEAVE_VIEW);
    return true;
}

uint64_t engine_guest_pc(const void *ucontext)
{
    struct cpu *cpu = cpu_current();
    struct host_map m;
    if (!cpu)
        return 0;
    uint64_t pc = host_context_pc(ucontext);
    struct block *b = block_of_code(pc);
    if (!b || !map_find(b, (uint32_t)(pc - block_entry(b)), &m) || m.pc == HOST_MAP_PC_IN_STATE)
        return b && b->pc ? b->pc : cpu->state.pc;
    return m.flags & HOST_MAP_LEAVE ? b->pc : m.pc;
}

void ir_after_not_quick(void *state)
{
    struct engine_cpu *p = engine_cpu(state);
    if (!p->hit_code)
        return;
    p->hit_code = false;
    p->leave_kind = LEAVE_SINGLE;
    _longjmp(p->leave, 1);
}

/* --- faults that helpers and the interpreter find by themselves --- */

void engine_raise(struct cpu *cpu, int sig, int code, uint64_t addr)
{
    struct engine_cpu *p = engine_cpu(cpu);
    memset(&cpu->fault_info, 0, sizeof cpu->fault_info);
    cpu->fault_signal = sig;
    cpu->fault_info.si_signo = sig;
    cpu->fault_info.si_code = code;
    cpu->fault_info.si_addr = (void *)addr;
    cpu->fault_address = addr;
    cpu->stats[STAT_FAULTS]++;
    p->leave_kind = LEAVE_FAULT;
    _longjmp(p->leave, 1);
}

void ir_divide_error(void *state)
{
    struct cpu *cpu = state;
    engine_raise(cpu, SIGFPE, FPE_INTDIV, cpu->state.pc);
}

/* #GP: Linux reports the kernel as the sender and no address. */
void ir_alignment_fault(void *state)
{
    engine_raise(state, SIGSEGV, 0x80 /* SI_KERNEL */, 0);
}

/* Exceptions in the order that Linux's math_state handler looks at them. Bits as in MXCSR: I D Z O U P. */
static int fp_code(unsigned flags)
{
    return flags & 1 ? FPE_FLTINV : flags & 4 ? FPE_FLTDIV : flags & 8 ? FPE_FLTOVF : flags & (2 | 16) ? FPE_FLTUND : FPE_FLTRES;
}

void ir_fp_fault(void *state, unsigned mxcsr_flags)
{
    struct cpu *cpu = state;
    engine_raise(cpu, SIGFPE, fp_code(mxcsr_flags), cpu->state.pc);
}

void x86_gp_fault(void *state)
{
    engine_raise(state, SIGSEGV, 0x80 /* SI_KERNEL */, 0);
}

void x86_fp_fault(void *state, unsigned exceptions)
{
    ir_fp_fault(state, exceptions);
}

/* --- guarded access to guest memory; address 0 is an address like others --- */

#define ANY_ADDRESS __attribute__((no_sanitize("nonnull-attribute"), optimize("no-delete-null-pointer-checks")))

/* How many bytes at guest, of size, lie together; all of them while no page has a view. */
static size_t piece(uint64_t guest, size_t size)
{
    size_t fit = PAGE_SIZE - (guest & (PAGE_SIZE - 1));
    return !ir_mem_view || size < fit ? size : fit;
}

/* A fault may have given the page a view, or another thread: then the access is tried again. */
static ANY_ADDRESS int try_copy(uint8_t *own, uint64_t guest, size_t size, bool write)
{
    struct engine_recover r;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        return -1;
    }
    for (size_t done = 0, n; done < size; done += n) {
        n = piece(guest + done, size - done);
        void *at = (void *)ir_mem_at(guest + done, 1, write);
        write ? memcpy(at, own + done, n) : memcpy(own + done, at, n);
    }
    __asm__ volatile("" ::: "memory");
    RECOVER_END(&r);
    return 0;
}

static ANY_ADDRESS long try_strnlen(uint64_t guest, size_t max)
{
    struct engine_recover r;
    volatile long n = -1;
    if (RECOVER_BEGIN(&r)) {
        RECOVER_END(&r);
        return -1;
    }
    n = 0;
    for (size_t step, length; (size_t)n < max; n += (long)length) {
        step = piece(guest + (size_t)n, max - (size_t)n);
        length = strnlen((const char *)ir_mem_at(guest + (size_t)n, 1, false), step);
        if (length < step) {
            n += (long)length;
            break;
        }
    }
    __asm__ volatile("" ::: "memory");
    RECOVER_END(&r);
    return n;
}

static int copy(uint8_t *own, uint64_t guest, size_t size, bool write)
{
    uint64_t before;
    do {
        before = view_changes();
        int r = try_copy(own, guest, size, write);
        if (r >= 0)
            return r;
    } while (view_changes() != before);
    return -1;
}

int engine_copy_from(void *to, uint64_t guest, size_t size) { return copy(to, guest, size, false); }
int engine_copy_to(uint64_t guest, const void *from, size_t size) { return copy((uint8_t *)from, guest, size, true); }

long engine_strnlen(uint64_t guest, size_t max)
{
    uint64_t before;
    do {
        before = view_changes();
        long r = try_strnlen(guest, max);
        if (r >= 0)
            return r;
    } while (view_changes() != before);
    return -1;
}
