/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp_mem.c: the interpreter's accesses of guest memory. Guest addresses are host addresses, alignment is not given, and the guest
 * expects x86's order (TSO): on x86-64 plain moves do, elsewhere loads acquire and stores release.
 *
 *  M1 each access is one host instruction where the host has one, so that other threads see it whole
 *  M2 an access that is not one instruction and crosses a page asks for both pages first: a fault leaves memory as it was
 *  M3 what ir_mem_view splits is done byte by byte, atomics among themselves under a lock
 */
#include "ir/interp.h"
#include <pthread.h>

typedef uint64_t v2 __attribute__((vector_size(16)));
#define AT(T, name) struct name { T v; } __attribute__((packed, may_alias))
AT(uint16_t, at16); AT(uint32_t, at32); AT(uint64_t, at64); AT(v2, at128);
#define PLAIN(name, addr) (((volatile struct name *)(uintptr_t)(addr))->v)
#define BYTE(addr) (*(volatile uint8_t *)(uintptr_t)(addr))

enum { GUEST_PAGE = 4096 };
static bool crosses_page(uint64_t addr, unsigned size) { return (addr & (GUEST_PAGE - 1)) + size > GUEST_PAGE; }

uint64_t (*ir_mem_view)(uint64_t addr, unsigned size, bool write);

static void touch(uint64_t addr) { __atomic_fetch_or((uint8_t *)(uintptr_t)ir_mem_at(addr, 1, true), 0, __ATOMIC_RELAXED); }

/* fault here, in address order, if either end can't be written */
static void ask_to_write(uint64_t addr, unsigned size) {
    uint64_t last = (addr + size - 1) & ~(uint64_t)(GUEST_PAGE - 1);
    touch(addr);
    if (crosses_page(addr, size)) touch(last);
}

static void split_load(union ir_cell *r, uint64_t addr, unsigned size) {
    for (unsigned i = 0; i < size; i++) r->u8[i] = BYTE(ir_mem_at(addr + i, 1, false));
}

static void split_store(uint64_t addr, const union ir_cell *v, unsigned size) {
    ask_to_write(addr, size);
    for (unsigned i = 0; i < size; i++) BYTE(ir_mem_at(addr + i, 1, true)) = v->u8[i];
}

/* --- plain accesses --- */

#ifdef __x86_64__
static void order_after_load(void) { __atomic_signal_fence(__ATOMIC_ACQ_REL); }
static void order_before_store(void) { __atomic_signal_fence(__ATOMIC_ACQ_REL); }
static void order_locked(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }
static bool single_store(uint64_t addr, unsigned size) { return size != 10; }
#else
static void order_after_load(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
static void order_before_store(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
/* A locked operation is a full fence on x86, whether it stores or not. C's atomics are ordered among themselves, not with the plain
 * accesses of translated code: POWER ends them in isync, Arm has nothing after a stlxr. */
static void order_locked(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static bool single_store(uint64_t addr, unsigned size) { return size != 10 && (addr & (size - 1)) == 0; }
#endif

void ir_mem_load(union ir_cell *r, uint64_t guest, unsigned size, unsigned aux) {
    uint64_t addr = ir_mem_at(guest, size, false);
    r->u64[0] = r->u64[1] = 0;
    switch (addr == IR_MEM_SPLIT ? 0 : size) {
    case 0: split_load(r, guest, size); break;
    case 1: r->u64[0] = BYTE(addr); break;
    case 2: r->u64[0] = PLAIN(at16, addr); break;
    case 4: r->u64[0] = PLAIN(at32, addr); break;
    case 8: r->u64[0] = PLAIN(at64, addr); break;
    case 10: r->u64[0] = PLAIN(at64, addr); r->u64[1] = PLAIN(at16, addr + 8); break;
    default: {
        v2 v = PLAIN(at128, addr);
        r->u64[0] = v[0];
        r->u64[1] = v[1];
    }
    }
    if ((aux & IR_MEM_ORDER) != IR_MEM_RELAXED) order_after_load();
}

void ir_mem_store(uint64_t guest, const union ir_cell *v, unsigned size, unsigned aux) {
    uint64_t addr = ir_mem_at(guest, size, true);
    if (crosses_page(guest, size) && !single_store(guest, size)) ask_to_write(guest, size);
    if ((aux & IR_MEM_ORDER) != IR_MEM_RELAXED) order_before_store();
    switch (addr == IR_MEM_SPLIT ? 0 : size) {
    case 0: split_store(guest, v, size); break;
    case 1: BYTE(addr) = v->u8[0]; break;
    case 2: PLAIN(at16, addr) = v->u16[0]; break;
    case 4: PLAIN(at32, addr) = v->u32[0]; break;
    case 8: PLAIN(at64, addr) = v->u64[0]; break;
    case 10: PLAIN(at64, addr) = v->u64[0]; PLAIN(at16, addr + 8) = v->u16[4]; break;
    default: PLAIN(at128, addr) = (v2){ v->u64[0], v->u64[1] };
    }
    if ((aux & IR_MEM_ORDER) == IR_MEM_SEQ) __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* --- atomics --- */

#define RMW(T) \
    static T rmw_##T(enum ir_op op, uint64_t addr, T v) { \
        T *p = (T *)(uintptr_t)addr; \
        switch (op) { \
        case IR_AADD: return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); \
        case IR_AAND: return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST); \
        case IR_AOR:  return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST); \
        case IR_AXOR: return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST); \
        default:      return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); \
        } \
    } \
    static T cas_##T(uint64_t addr, T expected, T desired) { \
        __atomic_compare_exchange_n((T *)(uintptr_t)addr, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
        return expected; \
    }
RMW(uint8_t) RMW(uint16_t) RMW(uint32_t) RMW(uint64_t)

#ifdef __x86_64__
/* a locked instruction works at any alignment */
static bool need_lock(uint64_t addr, unsigned size) { return false; }
#else
static bool need_lock(uint64_t addr, unsigned size) { return (addr & (size - 1)) != 0; }
#endif

/* Elsewhere misaligned atomics exclude each other only; plain stores to the same bytes may fall between load and store. */
static pthread_mutex_t split_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t combine(enum ir_op op, uint64_t old, uint64_t v) {
    switch (op) {
    case IR_AADD: return old + v;
    case IR_AAND: return old & v;
    case IR_AOR:  return old | v;
    case IR_AXOR: return old ^ v;
    default:      return v;
    }
}

/* op == IR_CAS: store v only where `expected` stands */
static uint64_t locked_update(enum ir_op op, uint64_t addr, uint64_t expected, uint64_t v, unsigned size) {
    union ir_cell old, new;
    ask_to_write(addr, size);              /* a fault must not come while the lock is held */
    pthread_mutex_lock(&split_lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    ir_mem_load(&old, addr, size, IR_MEM_SEQ);
    new.u64[0] = combine(op, old.u64[0], v);
    if (op != IR_CAS || old.u64[0] == expected) ir_mem_store(addr, &new, size, IR_MEM_SEQ);
    pthread_mutex_unlock(&split_lock);
    return old.u64[0];
}

static uint64_t update(enum ir_op op, uint64_t guest, uint64_t v, unsigned size) {
    uint64_t addr = ir_mem_at(guest, size, true);
    if (addr == IR_MEM_SPLIT || need_lock(guest, size)) return locked_update(op, guest, 0, v, size);
    switch (size) {
    case 1: return rmw_uint8_t(op, addr, (uint8_t)v);
    case 2: return rmw_uint16_t(op, addr, (uint16_t)v);
    case 4: return rmw_uint32_t(op, addr, (uint32_t)v);
    default: return rmw_uint64_t(op, addr, v);
    }
}

uint64_t ir_mem_rmw(enum ir_op op, uint64_t guest, uint64_t v, unsigned size) {
    order_locked();
    uint64_t old = update(op, guest, v, size);
    order_locked();
    return old;
}

static uint64_t cas64(uint64_t guest, uint64_t expected, uint64_t desired, unsigned size) {
    uint64_t addr = ir_mem_at(guest, size, true);
    if (addr == IR_MEM_SPLIT || need_lock(guest, size)) return locked_update(IR_CAS, guest, expected, desired, size);
    switch (size) {
    case 1: return cas_uint8_t(addr, (uint8_t)expected, (uint8_t)desired);
    case 2: return cas_uint16_t(addr, (uint16_t)expected, (uint16_t)desired);
    case 4: return cas_uint32_t(addr, (uint32_t)expected, (uint32_t)desired);
    default: return cas_uint64_t(addr, expected, desired);
    }
}

/* 16 bytes under the lock, where the processor can't do it */
__attribute__((unused)) static void locked_cas128(uint64_t addr, union ir_cell *expected, const union ir_cell *desired) {
    union ir_cell old;
    ask_to_write(addr, 16);
    pthread_mutex_lock(&split_lock);
    ir_mem_load(&old, addr, 16, IR_MEM_SEQ);
    if (old.u128 == expected->u128) ir_mem_store(addr, desired, 16, IR_MEM_SEQ);
    pthread_mutex_unlock(&split_lock);
    *expected = old;
}

#ifdef __powerpc64__
/* one attempt; false: the reservation was lost. Power ISA book II, 4.6.2: the odd register has the low half. */
static bool try_cas128(uint64_t addr, union ir_cell *expected, const union ir_cell *desired) {
    register uint64_t high __asm__("r8"), low __asm__("r9"), new_high __asm__("r10") = desired->u64[1], new_low __asm__("r11") = desired->u64[0];
    uint64_t failed;
    __asm__ volatile("sync\n lqarx 8,0,%[a]\n li %[f],0\n cmpd 0,9,%[e0]\n cmpd 1,8,%[e1]\n crand 2,2,6\n bne 0,1f\n stqcx. 10,0,%[a]\n beq 0,1f\n li %[f],1\n1: isync"
                     : "=&r"(high), "=&r"(low), [f] "=&r"(failed)
                     : [a] "b"(addr), [e0] "r"(expected->u64[0]), [e1] "r"(expected->u64[1]), "r"(new_high), "r"(new_low) : "cr0", "cr1", "memory");
    if (!failed) *expected = (union ir_cell){ .u64 = { low, high } };
    return !failed;
}
#endif

/* *expected becomes the old value */
static void cas128(uint64_t addr, union ir_cell *expected, const union ir_cell *desired) {
#if defined(__x86_64__)
    __asm__ volatile("lock cmpxchg16b (%2)" : "+a"(expected->u64[0]), "+d"(expected->u64[1])
                     : "r"(addr), "b"(desired->u64[0]), "c"(desired->u64[1]) : "memory", "cc");
#elif defined(__aarch64__)
    uint64_t low, high, differs;
    uint32_t failed;
    __asm__ volatile("1: ldaxp %0, %1, [%4]\n eor %2, %0, %5\n eor x16, %1, %6\n orr %2, %2, x16\n cbnz %2, 2f\n"
                     "stlxp %w3, %7, %8, [%4]\n cbnz %w3, 1b\n b 3f\n2: stlxp %w3, %0, %1, [%4]\n cbnz %w3, 1b\n3: dmb ish"
                     : "=&r"(low), "=&r"(high), "=&r"(differs), "=&r"(failed)
                     : "r"(addr), "r"(expected->u64[0]), "r"(expected->u64[1]), "r"(desired->u64[0]), "r"(desired->u64[1])
                     : "x16", "memory", "cc");
    expected->u64[0] = low;
    expected->u64[1] = high;
#elif defined(__powerpc64__)
    static volatile bool works, broken;             /* some emulators never grant it */
    for (unsigned n = 0; !broken; n++) {
        union ir_cell value = *expected;
        if (try_cas128(addr, &value, desired)) {
            works |= value.u128 == expected->u128;
            *expected = value;
            return;
        }
        broken = !works && n > 10000;
    }
    locked_cas128(addr, expected, desired);
#elif defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16)
    expected->u128 = __sync_val_compare_and_swap((unsigned __int128 *)(uintptr_t)addr, expected->u128, desired->u128);
#else
    locked_cas128(addr, expected, desired);
#endif
}

void ir_mem_cas(union ir_cell *old, uint64_t addr, const union ir_cell *expected, const union ir_cell *desired, unsigned size) {
    order_locked();
    if (size == 16) {
        union ir_cell value = *expected;
        cas128(ir_mem_at(addr, size, true), &value, desired);      /* aligned: in one page */
        *old = value;
    } else {
        *old = (union ir_cell){ .u64 = { cas64(addr, expected->u64[0], desired->u64[0], size) } };
    }
    order_locked();
}
