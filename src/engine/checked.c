/* SPDX-License-Identifier: GPL-2.0-or-later
 * checked.c: instructions that meet pages with views (view.c). The first time such an access faults, the interpreter does the instruction.
 * When the instruction comes again, its block is made anew and this one instruction looks its addresses up in the table: about ten
 * host instructions for each access. All other instructions stay as they are, and so do programs that meet no such page.
 */
#include <string.h>
#include "engine/internal.h"

enum { SEEN = 1 << 14, PROBES = 8, OFTEN = 2, ROOM = 24 };

static struct { uint64_t pc; uint32_t n; bool by_code; } seen[SEEN];     /* under the engine's lock */
static uint32_t n_checked;

static unsigned place_of(uint64_t pc, unsigned i) { return (unsigned)((pc * 0x9e3779b97f4a7c15ull >> 40) + i) & (SEEN - 1); }

bool checked_note(uint64_t pc, bool by_code)
{
    bool often = false;
    engine_lock();
    for (unsigned i = 0; i < PROBES; i++) {
        unsigned k = place_of(pc, i);
        if (seen[k].pc && seen[k].pc != pc)
            continue;
        seen[k].pc = pc;
        seen[k].by_code |= by_code;
        often = ++seen[k].n == OFTEN;
        n_checked += often;
        break;
    }
    engine_unlock();
    return often;
}

static enum checked_kind kind_of(uint64_t pc)
{
    for (unsigned i = 0; i < PROBES; i++) {
        unsigned k = place_of(pc, i);
        if (seen[k].pc == pc)
            return seen[k].n < OFTEN ? CHECKED_NOT : seen[k].by_code ? CHECKED_CODE : CHECKED_DATA;
        if (!seen[k].pc)
            break;
    }
    return CHECKED_NOT;
}

void engine_forget_views(void)
{
    uint64_t pc[256];
    for (unsigned k = 0, n = 0; k < SEEN; n = 0) {
        engine_lock();
        for (; k < SEEN && n < 256; k++) {
            if (seen[k].n >= OFTEN)
                pc[n++] = seen[k].pc;
            seen[k].pc = seen[k].n = 0;
            seen[k].by_code = false;
        }
        n_checked -= n;
        engine_unlock();
        while (n--)
            engine_invalidate(pc[n], 1);
    }
}

/* --- the pass --- */

static struct ir_block out;
static ir_ref renamed[IR_MAX_INSNS];

static ir_ref put(enum ir_op op, enum ir_type type, unsigned lane, unsigned aux, ir_ref a, ir_ref b, ir_ref c, int64_t imm)
{
    out.insn[out.n] = (struct ir_insn){ .op = (uint8_t)op, .type = (uint8_t)type, .lane = (uint8_t)lane, .aux = (uint8_t)aux, .imm = imm,
                                        .arg = { a, b, c, IR_NONE } };
    return (ir_ref)out.n++;
}

static ir_ref constant(enum ir_type type, int64_t v) { return put(IR_CONST, type, 0, 0, IR_NONE, IR_NONE, IR_NONE, v); }

/* bits shift.. of the address as an index of 8-byte entries behind base */
static ir_ref entry(ir_ref addr, ir_ref base, unsigned shift, uint64_t mask, int64_t offset)
{
    ir_ref index = put(IR_SHR, IR_I64, 0, 0, addr, constant(IR_I8, (int64_t)shift), IR_NONE, 0);
    index = put(IR_AND, IR_I64, 0, 0, index, constant(IR_I64, (int64_t)mask), IR_NONE, 0);
    ir_ref at = put(IR_LEA, IR_I64, 0, 3, base, index, IR_NONE, offset);
    return put(IR_LOAD, IR_I64, 0, IR_MEM_RELAXED, at, IR_NONE, IR_NONE, 0);
}

/* An access that crosses into another page keeps its address: it faults, and the interpreter does it. */
static ir_ref viewed(ir_ref addr, unsigned size, bool may_cross, bool write)
{
    ir_ref leaf = entry(addr, constant(IR_I64, (int64_t)(uintptr_t)view_directory()), VIEW_LEAF_SHIFT, VIEW_LEAVES - 1, 0);
    ir_ref distance = entry(addr, leaf, PAGE_BITS, VIEW_LEAF_PAGES - 1, write ? (int64_t)VIEW_LEAF_SIZE : 0);
    if (may_cross) {
        ir_ref offset = put(IR_AND, IR_I64, 0, 0, addr, constant(IR_I64, PAGE_SIZE - 1), IR_NONE, 0);
        ir_ref inside = put(IR_CMP, IR_I1, IR_I64, IR_CC_BE, offset, constant(IR_I64, PAGE_SIZE - size), IR_NONE, 0);
        distance = put(IR_SELECT, IR_I64, 0, 0, inside, distance, constant(IR_I64, 0), 0);
    }
    return put(IR_ADD, IR_I64, 0, 0, addr, distance, IR_NONE, 0);
}

static bool is_access(const struct ir_insn *in, unsigned *size, bool *write)
{
    switch (in->op) {
    case IR_LOAD: *size = ir_type_size[in->type]; *write = false; return true;
    case IR_VLOADL: *size = ir_type_size[in->lane]; *write = false; return true;
    case IR_VSTOREL: *size = ir_type_size[in->lane]; *write = true; return true;
    case IR_STORE: case IR_AADD: case IR_AAND: case IR_AOR: case IR_AXOR: case IR_AXCHG: case IR_CAS:
        *size = ir_type_size[in->type];
        *write = true;
        return true;
    default: return false;
    }
}

static void copy(const struct ir_insn *in, bool check)
{
    struct ir_insn x = *in;
    unsigned size;
    bool write;
    for (unsigned k = 0; k < 4; k++)
        if (x.arg[k] != IR_NONE)
            x.arg[k] = renamed[x.arg[k]];
    if (check && is_access(&x, &size, &write)) {
        bool aligned = x.aux & IR_MEM_ALIGNED || (x.op == IR_CAS && size == 16);
        x.arg[0] = viewed(x.arg[0], size, size > 1 && !aligned, write);
        if ((x.aux & IR_MEM_KIND) == IR_MEM_STACK)
            x.aux &= (uint8_t)~IR_MEM_KIND;
    }
    out.insn[out.n++] = x;
}

/* --stats counts how often blocks are entered. In the block's first instruction, before anything that may fault. */
static uint64_t entries[CHECKED_KINDS];

uint64_t checked_entries(enum checked_kind kind) { return __atomic_load_n(&entries[kind], __ATOMIC_RELAXED); }

static void count_entry(enum checked_kind kind)
{
    put(IR_AADD, IR_I64, 0, 0, constant(IR_I64, (int64_t)(uintptr_t)&entries[kind]), constant(IR_I64, 1), IR_NONE, 0);
}

static enum checked_kind kind_of_block(const struct ir_block *b)
{
    enum checked_kind most = CHECKED_NOT, kind;
    for (unsigned i = 0; i < b->n; i++)
        if (b->insn[i].op == IR_INSN && (kind = kind_of((uint64_t)b->insn[i].imm)) > most)
            most = kind;
    return most;
}

/* Under the engine's lock. */
void checked_rewrite(struct ir_block *b, bool counted)
{
    bool check = false;
    enum checked_kind kind = n_checked && view_directory() ? kind_of_block(b) : CHECKED_NOT;
    counted &= engine.cfg.stats && view_directory();
    if (!kind && !counted)
        return;
    memcpy(&out, b, offsetof(struct ir_block, insn));
    out.n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        bool start = b->insn[i].op == IR_INSN;
        if (start)
            check = kind && kind_of((uint64_t)b->insn[i].imm);
        bool room = out.n + (b->n - i) + ROOM < IR_MAX_INSNS;
        copy(&b->insn[i], check && room);
        renamed[i] = (ir_ref)(out.n - 1);
        if (start && counted && room)
            count_entry(kind);
        counted &= !start;
    }
    memcpy(b, &out, offsetof(struct ir_block, insn) + out.n * sizeof out.insn[0]);
    count(STAT_CHECKED, kind != CHECKED_NOT);
}
