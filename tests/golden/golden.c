/* SPDX-License-Identifier: GPL-2.0-or-later
 * golden.c: the host code of each guest instruction, for every host on any machine, as text to compare with what it was before.
 *
 *     golden-HOST --forms > forms.txt        one form of each lifted mnemonic for each operand width, register and memory, with rep and lock
 *     golden-HOST forms.txt                  a line for each: bytes of host code, a hash of them, the form
 *     golden-HOST --order order.txt          a line for each: its accesses and fences, where guest memory is shared (order.c)
 *     golden-HOST --order-all order.txt      the same for a processor that has every feature
 *
 * Nothing depends on this machine: features are none on Arm and POWER and all on x86-64, offsets and addresses of helpers and stubs are made up. A form that the emitter
 * refuses has `-` for its length; one whose code calls the interpreter for an operation has a `*` behind the hash. GOLDEN_HOST is the host's struct: one program each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <Zydis/Zydis.h>
#include "golden.h"
#include "guest/lift.h"
#include "guest/state.h"
#include "host/host.h"
#include "ir/helpers.h"

enum { GUEST_AT = 0x401000, CODE_SIZE = 1 << 20, STUBS_SIZE = 1 << 18 };
static const uint64_t CODE_RX = 0x700000100000, STUBS_RX = 0x700000000000;
static const struct host_target *const host = &GOLDEN_HOST;
static struct ir_block block;
static struct host_code code;
static struct host_env env;

/* the engine's fields, at places of the usual kind (struct cpu, engine/cpu.h) */
enum { ENGINE = (sizeof(struct x86_state) + 63) & ~63, SPILL = ENGINE + 64, HEAT = SPILL + 1024 + 512, JUMPS = HEAT + 4 * HOST_HEAT_SLOTS, JUMP_BITS = 12 };
static const struct host_offsets offsets = { .self = ENGINE, .host_sp = ENGINE + 8, .ret_sp = ENGINE + 16, .ret_base = ENGINE + 24, .exit_info = ENGINE + 32,
    .exit_target = ENGINE + 40, .host_fpcr = ENGINE + 48, .spill = SPILL, .spill_size = 1024, .heat = HEAT, .jump_cache = JUMPS, .jump_cache_bits = JUMP_BITS,
    .poll_page = (JUMPS + (16 << JUMP_BITS) + 0xffff) & ~0xffff,
    .pc = offsetof(struct x86_state, pc), .flags = offsetof(struct x86_state, flags), .fpcr = offsetof(struct x86_state, mxcsr),
    .down = offsetof(struct x86_state, df) };

static void __attribute__((noreturn)) die(const char *what, const char *name)
{
    fprintf(stderr, "golden: %s %s\n", what, name);
    exit(2);
}

/* what guest code's faults would call: nothing runs here */
void ir_divide_error(void *state) { abort(); }
void ir_alignment_fault(void *state) { abort(); }
void ir_fp_fault(void *state, unsigned exceptions) { abort(); }
void x86_gp_fault(void *state) { abort(); }
void ir_after_not_quick(void *state) { }
void x86_fp_fault(void *state, unsigned exceptions) { abort(); }

/* ---- forms ---- */

static const uint16_t lifted[] = {
#define INSN(mnemonic, fn, arg) ZYDIS_MNEMONIC_##mnemonic,
#include "guest/lift_table.def"
#undef INSN
};
struct form { unsigned vex, map, pp, opcode, reg, memory, w, lock; };
#define PREFIXES (ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)

static size_t encode(const struct form *f, uint8_t b[24])
{
    static const uint8_t pp_byte[4] = { 0, 0x66, 0xf3, 0xf2 }, immediate[9] = { 5, 4, 3, 2, 1, 0, 0, 0, 0 };
    size_t n = 0;
    if (f->lock) b[n++] = 0xf0;
    if (f->vex) {
        b[n++] = 0xc4; b[n++] = (uint8_t)(0xe0 | f->map); b[n++] = (uint8_t)(f->w << 7 | 10 << 3 | f->pp);
    } else {
        if (f->pp) b[n++] = pp_byte[f->pp];
        if (f->w) b[n++] = 0x48;
        if (f->map) b[n++] = 0x0f;
        if (f->map > 1) b[n++] = f->map == 2 ? 0x38 : 0x3a;
    }
    b[n++] = (uint8_t)f->opcode;
    b[n++] = (uint8_t)(f->memory ? 0x46 | f->reg << 3 : 0xc1 | f->reg << 3);      /* [rsi + 0x10]; rcx */
    if (f->memory) b[n++] = 0x10;
    memcpy(b + n, immediate, sizeof immediate);
    return n + sizeof immediate;
}

static bool is_lifted(unsigned mnemonic)
{
    for (size_t i = 0; i < sizeof lifted / sizeof *lifted; i++)
        if (lifted[i] == mnemonic) return true;
    return false;
}

/* The first form of each (mnemonic, width, register or memory, prefixes) stands for all. */
static bool is_new(const ZydisDecodedInstruction *insn, unsigned memory)
{
    static uint64_t seen[1 << 14];
    static unsigned n;
    uint64_t prefix = (insn->attributes & ZYDIS_ATTRIB_HAS_LOCK ? 1 : 0) | (insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE) ? 2 : 0) |
        (insn->attributes & ZYDIS_ATTRIB_HAS_REPNE ? 4 : 0);
    uint64_t key = (uint64_t)insn->mnemonic << 32 | (uint64_t)insn->operand_width << 8 | memory << 4 | prefix;
    for (unsigned i = 0; i < n; i++)
        if (seen[i] == key) return false;
    if (n == sizeof seen / sizeof *seen) die("too many", "forms");
    seen[n++] = key;
    return true;
}

static void print_form(const ZydisDecoder *decoder, const struct form *f)
{
    uint8_t b[24];
    char text[160];
    ZydisDecodedInstruction insn;
    encode(f, b);
    if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder, NULL, b, 15, &insn)) || !is_lifted(insn.mnemonic)) return;
    if (f->lock && !(insn.attributes & ZYDIS_ATTRIB_HAS_LOCK)) return;
    if (!x86_disassemble(b, insn.length, GUEST_AT, text, sizeof text) || !is_new(&insn, f->memory)) return;
    for (unsigned i = 0; i < insn.length; i++) printf("%02x", b[i]);
    printf(" %s\n", text);
}

static int print_forms(void)
{
    static const unsigned reg_order[8] = { 3, 2, 1, 0, 4, 5, 6, 7 };
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (unsigned k = 0; k < 2 * 4 * 4 * 256 * 8 * 2 * 2 * 2; k++) {
        struct form f = { .lock = k & 1, .w = k >> 1 & 1, .memory = k >> 2 & 1, .reg = reg_order[k >> 3 & 7], .opcode = k >> 6 & 255, .pp = k >> 14 & 3,
            .map = k >> 16 & 3, .vex = k >> 18 };
        bool prefix = !f.map && !f.vex && (f.opcode == 0x0f || f.opcode == 0x26 || f.opcode == 0x2e || f.opcode == 0x36 || f.opcode == 0x3e ||
            (f.opcode & 0xf0) == 0x40 || (f.opcode >= 0x64 && f.opcode < 0x68) || f.opcode >= 0xf0);
        prefix = prefix && f.opcode != 0xf5 && f.opcode != 0xf6 && f.opcode != 0xf7 && f.opcode < 0xf8;
        if (prefix || (f.vex && (!f.map || f.lock))) continue;
        print_form(&decoder, &f);
    }
    return 0;
}

/* ---- emitting ---- */

/* Helpers get addresses that are the same in every build, of a usual size; nothing calls them. */
static void move_helpers(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)ir_helpers & -page;
    size_t size = (uintptr_t)(ir_helpers + ir_n_helpers) - from;
    if (mprotect((void *)from, size, PROT_READ | PROT_WRITE)) die("can't change", "the helpers");
    for (unsigned i = 0; i < ir_n_helpers; i++) {
        ir_helper_fn *fn = (ir_helper_fn *)(uintptr_t)(0x555555550000 + 0x110 * (uint64_t)(i + 1));
        memcpy((char *)&ir_helpers[i] + offsetof(struct ir_helper, fn), &fn, sizeof fn);
    }
}

static void start(bool ordered, bool all)
{
    env = (struct host_env){ .offsets = &offsets, .slots = x86_slots, .n_slots = x86_n_slots, .helpers = (const struct ir_helper *)0x555555560000, .return_stack = true, .ordered = ordered,
        .features = all ? ~0u : 0 };
    code = (struct host_code){ .rw = aligned_alloc(64, CODE_SIZE), .rx = STUBS_RX, .capacity = STUBS_SIZE };
    if (!code.rw) die("out of", "memory");
    host->emit_stubs(&env, &code);
    uint64_t *stub = &env.stubs.enter;
    for (size_t i = 0; i < sizeof env.stubs / sizeof *stub; i++)
        if (stub[i] >= STUBS_RX && stub[i] < STUBS_RX + STUBS_SIZE) stub[i] = STUBS_RX + 256 * i;
    code.rx = CODE_RX;
    code.capacity = CODE_SIZE;
}

static size_t guest_size;
static size_t fetchable(void *ctx, uint64_t pc, size_t want)
{
    uint64_t end = GUEST_AT + guest_size;
    return pc < GUEST_AT || pc >= end ? 0 : end - pc < want ? end - pc : want;
}

static void put_guest(const char *hex)
{
    uint8_t *p = (uint8_t *)(uintptr_t)GUEST_AT;
    unsigned byte;
    for (guest_size = 0; sscanf(hex + 2 * guest_size, "%2x", &byte) == 1 && hex[2 * guest_size] != ' '; guest_size++)
        p[guest_size] = (uint8_t)byte;
}

/* Bytes of the form's own code: up to the jump that ends the block; 0: the emitter leaves it to the interpreter. */
static size_t emit(const char *hex, unsigned n_insns)
{
    const char *why;
    const struct x86_lift_config lift = { .max_insns = n_insns, .fetchable = fetchable };
    put_guest(hex);
    x86_lift(&lift, GUEST_AT, &block);
    ir_opt(&block, false);
    code.size = 0;
    if (host->emit(&env, &block, &code, &why)) return 0;
    return code.n_exits == 1 && code.exits[0].kind == HOST_EXIT_DIRECT ? code.exits[0].patch : code.size;
}

static uint32_t hash(const uint8_t *p, size_t n)
{
    uint32_t h = 0x811c9dc5;
    while (n--) h = (h ^ *p++) * 0x01000193;
    return h;
}

static int run(const char *file, bool order)
{
    char line[512];
    FILE *f = fopen(file, "r");
    if (!f) die("can't read", file);
    void *guest = mmap((void *)(uintptr_t)(GUEST_AT & ~0xffffu), 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (guest != (void *)(uintptr_t)(GUEST_AT & ~0xffffu)) die("can't map", "the guest's code");
    while (fgets(line, sizeof line, f)) {
        char *name = strchr(line, ' ');
        if (line[0] == '#' || !name) continue;
        name[strcspn(name, "\n")] = 0;
        size_t n = emit(line, order ? 16 : 1);
        if (order) {
            printf("%-44s", name + 1);
            golden_print_order(host->name, code.rw, n);
        } else if (n) {
            printf("%5zu %08x%c %s\n", n, hash(code.rw, n), code.n_interpreted ? '*' : ' ', name + 1);
        } else {
            printf("    - --------  %s\n", name + 1);
        }
    }
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--forms")) return print_forms();
    bool all = argc == 3 && !strcmp(argv[1], "--order-all"), order = all || (argc == 3 && !strcmp(argv[1], "--order"));
    if (argc != (order ? 3 : 2)) die("usage: golden-HOST --forms | [--order | --order-all]", "FILE");
    move_helpers();
    start(order, all || !strcmp(host->name, "x86_64"));
    return run(argv[argc - 1], order);
}
