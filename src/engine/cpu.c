/* SPDX-License-Identifier: GPL-2.0-or-later
 * cpu.c: one guest thread's processor: its memory, its poll page and its return stack.
 *
 * One mapping holds all: struct cpu | poll page | guard page | return stack. Host code reads the poll page at loop heads;
 * cpu_interrupt takes the page's read permission away. The return stack grows down into the guard page, where the
 * fault handler sets it back to empty: an overflow costs one fault, not a check per call.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "engine/internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define RETURN_STACK_SIZE (64u << 10)
#define RETURN_STACK_PAD 256          /* above the empty position: what a stub may push there */
_Static_assert(sizeof ((struct cpu *)0)->heat == 4 * HOST_HEAT_SLOTS && offsetof(struct cpu, jump_cache) <= HOST_HEAT_END, "counters that translated code reaches");

static __thread struct cpu *current;
static uint64_t no_cpu_counters[CPU_COUNTERS];

uint64_t *engine_counters(void)
{
    return current ? current->stats : no_cpu_counters;
}

void cpu_fill_offsets(struct host_offsets *o)
{
    size_t page = sysconf(_SC_PAGESIZE);
    *o = (struct host_offsets){
        .self = offsetof(struct cpu, self),
        .host_sp = offsetof(struct cpu, host_sp),
        .ret_sp = offsetof(struct cpu, ret_sp),
        .ret_base = offsetof(struct cpu, ret_base),
        .exit_info = offsetof(struct cpu, exit_info),
        .exit_target = offsetof(struct cpu, exit_target),
        .jump_cache = offsetof(struct cpu, jump_cache),
        .jump_cache_bits = CPU_JUMP_CACHE_BITS,
        .poll_page = (sizeof(struct cpu) + page - 1) & ~(page - 1),
        .spill = offsetof(struct cpu, spill),
        .spill_size = sizeof ((struct cpu *)0)->spill,
        .host_fpcr = offsetof(struct cpu, host_fpcr),
        .pc = offsetof(struct cpu, state.pc),
        .flags = offsetof(struct cpu, state.flags),
        .fpcr = offsetof(struct cpu, state.mxcsr),
        .down = offsetof(struct cpu, state.df),
        .heat = offsetof(struct cpu, heat),
    };
}

static void forget_jumps(struct cpu *cpu)
{
    for (unsigned i = 0; i < 1u << CPU_JUMP_CACHE_BITS; i++)
        if (cpu->jump_cache[i].host_code) {
            __atomic_store_n(&cpu->jump_cache[i].guest_pc, cpu_no_jump(i), __ATOMIC_RELAXED);
            cpu->jump_cache[i].host_code = 0;
        }
}

void cpu_forget_jump(struct cpu *cpu, uint64_t pc)
{
    uint64_t i = host_jump_index(pc, CPU_JUMP_CACHE_BITS);
    if (__atomic_load_n(&cpu->jump_cache[i].guest_pc, __ATOMIC_RELAXED) == pc)
        __atomic_store_n(&cpu->jump_cache[i].guest_pc, cpu_no_jump(i), __ATOMIC_SEQ_CST);
}

void cpu_reset_return_stack(struct cpu *cpu)
{
    cpu->ret_sp = cpu->ret_base;
    *(uint64_t *)cpu->ret_base = engine.env.stubs.ret_empty;
}

void cpu_enter_generation(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    p->generation = __atomic_load_n(&engine.generation, __ATOMIC_ACQUIRE);
    p->link_from = 0;
    forget_jumps(cpu);
    cpu_reset_return_stack(cpu);
}

bool cpu_guard_hit(struct cpu *cpu, uint64_t addr)
{
    size_t page = sysconf(_SC_PAGESIZE);
    return addr - ((uint64_t)cpu->ret_stack - page) < page;
}

struct cpu *cpu_create(void)
{
    size_t page = sysconf(_SC_PAGESIZE), poll = (sizeof(struct cpu) + page - 1) & ~(page - 1);
    size_t stack = (RETURN_STACK_SIZE + page - 1) & ~(page - 1), size = poll + 2 * page + stack;
    struct engine_cpu *p = calloc(1, sizeof *p);
    uint8_t *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!p || m == MAP_FAILED || mprotect(m + poll, page, PROT_READ) < 0 || mprotect(m + poll + page, page, PROT_NONE) < 0) {
        if (m != MAP_FAILED)
            munmap(m, size);
        free(p);
        return NULL;
    }
    struct cpu *cpu = (struct cpu *)m;
    if (!__atomic_load_n(&engine.cpus, __ATOMIC_RELAXED))
        madvise(m, poll, MADV_POPULATE_WRITE);            /* the first one will use most of its jump cache; spare it the faults */
    x86_state_init(&cpu->state);
    cpu->self = cpu;
    cpu->ret_stack = m + poll + 2 * page;
    cpu->ret_stack_size = stack;
    cpu->ret_base = (uint64_t)cpu->ret_stack + stack - RETURN_STACK_PAD;
    cpu->engine_private = p;
    p->cpu = cpu;
    p->size = size;
    p->poll_offset = poll;
    tier2_new_cpu(cpu);
    cpu->jump_cache[0].guest_pc = cpu_no_jump(0);          /* the others hold address 0, which is not theirs */
    engine_lock();
    p->generation = engine.generation;
    p->next = engine.cpus;
    __atomic_store_n(&engine.cpus, p, __ATOMIC_RELAXED);
    engine_unlock();
    cpu_reset_return_stack(cpu);
    return cpu;
}

static void drop(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    if (current == cpu)
        current = NULL;
    free(p->single);
    munmap(cpu, p->size);
    free(p);
}

void cpu_destroy(struct cpu *cpu)
{
    struct engine_cpu *p = engine_cpu(cpu);
    engine_lock();
    for (struct engine_cpu **link = &engine.cpus; *link; link = &(*link)->next)
        if (*link == p) {
            __atomic_store_n(link, p->next, __ATOMIC_RELAXED);
            break;
        }
    for (unsigned i = 0; i < CPU_COUNTERS; i++)
        no_cpu_counters[i] += cpu->stats[i];
    engine_unlock();
    drop(cpu);
}

struct cpu *cpu_current(void)
{
    return current;
}

void cpu_set_current(struct cpu *cpu)
{
    current = cpu;
    if (cpu && engine.host && engine.host->thread_init)
        engine.host->thread_init(&cpu->state);
}

/* In a fork's child only the calling thread is left. */
void cpu_list_after_fork(void)
{
    struct engine_cpu *p = engine.cpus, *next;
    engine.cpus = NULL;
    for (; p; p = next) {
        next = p->next;
        if (p->cpu == current) {
            p->next = NULL;
            engine.cpus = p;
        } else if (current) {
            drop(p->cpu);
        }
    }
}

void cpu_poke(struct cpu *cpu)
{
    mprotect(cpu_poll_page(cpu), sysconf(_SC_PAGESIZE), PROT_NONE);
}

void cpu_repair_poll(struct cpu *cpu)
{
    mprotect(cpu_poll_page(cpu), sysconf(_SC_PAGESIZE), PROT_READ);
}

/* A cpu that is not running looks at `interrupt` when it starts, so only a running one needs the poke. */
void cpu_interrupt(struct cpu *cpu)
{
    __atomic_store_n(&cpu->interrupt, 1, __ATOMIC_SEQ_CST);
    if (cpu_is_running(cpu))
        cpu_poke(cpu);
}

/* Sum over all cpus, past and present. */
void engine_sum_counters(uint64_t sum[CPU_COUNTERS])
{
    memcpy(sum, no_cpu_counters, sizeof no_cpu_counters);
    for (struct engine_cpu *p = engine.cpus; p; p = p->next)
        for (unsigned i = 0; i < CPU_COUNTERS; i++)
            sum[i] += p->cpu->stats[i];
}
