/* SPDX-License-Identifier: GPL-2.0-or-later
 * compile.c: a region through LLVM's passes to an object file in memory, and from that to bytes that run anywhere: text, then constants, with the
 * few relocations between them applied. What is left are the exits' displacements.
 */
#include <elf.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "llvm/lower.h"

static const char passes[] = "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,gvn,loop-mssa(licm),"
                             "instcombine<no-verify-fixpoint>,simplifycfg,adce)";

static __thread LLVMTargetMachineRef machine;
static pthread_key_t machine_key;          /* for its end with its thread */

static void end_machine(void *m) { LLVMDisposeTargetMachine(m); }

static void keep_machine(LLVMTargetMachineRef m)
{
    machine = m;
    pthread_setspecific(machine_key, m);
}

void compile_lost(void) { keep_machine(NULL); }

static void start_once(void)
{
    pthread_key_create(&machine_key, end_machine);
    const char *options[8] = { "wherry" };
    int n = 1;
    for (const char *const *o = asm_options; *o && n < 8; o++)
        options[n++] = *o;
    LLVMParseCommandLineOptions(n, options, "");
    asm_start();
}

static int start_llvm(struct llvm_region *r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    LLVMTargetRef target;
    char *message = NULL;
    if (machine)
        return 0;
    pthread_once(&once, start_once);
    if (LLVMGetTargetFromTriple(llvm_triple, &target, &message)) {
        snprintf(r->why, sizeof r->why, "%s", message);
        LLVMDisposeMessage(message);
        return -1;
    }
    keep_machine(LLVMCreateTargetMachine(target, llvm_triple, llvm_cpu, r->features, LLVMCodeGenLevelDefault, LLVMRelocPIC, asm_code_model));
    return machine ? 0 : -1;
}

static void attribute(struct lower *L, const char *name, const char *value)
{
    LLVMAttributeRef a = LLVMCreateStringAttribute(L->c, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(L->fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
}

static void enum_attribute(struct lower *L, const char *name)
{
    unsigned id = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(L->fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(L->c, id, 0));
}

static void set_attributes(struct lower *L)
{
    char features[256];
    attribute(L, "frame-pointer", "none");
    attribute(L, "no-jump-tables", "true");
    attribute(L, "target-cpu", llvm_cpu);
    snprintf(features, sizeof features, "%s%s%s", L->r->features, L->r->features[0] && !L->vectors && asm_no_vectors[0] ? "," : "", L->vectors ? "" : asm_no_vectors);
    attribute(L, "target-features", features);
    enum_attribute(L, "noreturn");
    enum_attribute(L, "nounwind");
    enum_attribute(L, "noredzone");
    if (!L->vectors)
        enum_attribute(L, "noimplicitfloat");
    enum_attribute(L, "null_pointer_is_valid");
}

static void print(struct lower *L, const char *title)
{
    if (!L->r->log)
        return;
    char *text = LLVMPrintModuleToString(L->m);
    fprintf(L->r->log, "%s:\n%s\n", title, text);
    fflush(L->r->log);
    LLVMDisposeMessage(text);
}

/* What LLVM complains of (without this it would end the process): the region is refused. */
static void complaint(LLVMDiagnosticInfoRef d, void *ctx)
{
    struct lower *L = ctx;
    if (LLVMGetDiagInfoSeverity(d) > LLVMDSWarning)
        return;
    char *text = LLVMGetDiagInfoDescription(d);
    snprintf(L->r->why, sizeof L->r->why, "%s", text);
    L->refused = true;
    LLVMDisposeMessage(text);
}

static int optimize(struct lower *L)
{
    char *message = NULL;
    print(L, "LLVM");
    if (LLVMVerifyModule(L->m, LLVMReturnStatusAction, &message)) {
        snprintf(L->r->why, sizeof L->r->why, "%s", message);
        LLVMDisposeMessage(message);
        return -1;
    }
    LLVMDisposeMessage(message);
    LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
    LLVMErrorRef e = LLVMRunPasses(L->m, passes, machine, o);
    LLVMDisposePassBuilderOptions(o);
    if (e) {
        char *text = LLVMGetErrorMessage(e);
        snprintf(L->r->why, sizeof L->r->why, "%s", text);
        LLVMDisposeErrorMessage(text);
        return -1;
    }
    if (asm_adds_products || asm_new_counters || asm_narrow_phis)
        again_compute(L);
    if (asm_steps)
        steps_last(L);
    print(L, "LLVM, optimized");
    return 0;
}

/* --- the object file --- */

struct object { const uint8_t *base; const Elf64_Ehdr *h; const Elf64_Shdr *s; uint64_t at[64]; };   /* at: place + 1 of a section in the code, 0: not taken */

static bool wanted(const Elf64_Shdr *s)
{
    return s->sh_type == SHT_PROGBITS && (s->sh_flags & SHF_ALLOC) && !(s->sh_flags & SHF_WRITE) && s->sh_size;
}

/* text first */
static int place_sections(struct object *o, struct llvm_region *r)
{
    size_t size = r->size;
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned k = 0; k < o->h->e_shnum; k++) {
            const Elf64_Shdr *s = &o->s[k];
            if (!wanted(s) || (pass == 0) != !!(s->sh_flags & SHF_EXECINSTR))
                continue;
            uint64_t align = s->sh_addralign ? s->sh_addralign : 1;
            if (align > 64)
                return -1;
            size = (size + align - 1) & ~(size_t)(align - 1);
            o->at[k] = size + 1;
            size += s->sh_size;
        }
    uint8_t *code = calloc(1, size + 64);
    if (!code)
        return -1;
    memcpy(code, r->code, r->size);
    free(r->code);
    r->code = code;
    r->size = size;
    for (unsigned k = 0; k < o->h->e_shnum; k++)
        if (o->at[k])
            memcpy(code + o->at[k] - 1, o->base + o->s[k].sh_offset, o->s[k].sh_size);
    return 0;
}

static int note_exit(struct llvm_region *r, const char *name, uint64_t place)
{
    static const char prefix[] = "wherry_exit_";
    if (strncmp(name, prefix, sizeof prefix - 1))
        return -1;
    unsigned k = (unsigned)atoi(name + sizeof prefix - 1);
    if (k >= r->n_exits || r->exits[k].n_places == 16)
        return -1;
    r->exits[k].places[r->exits[k].n_places++] = (uint32_t)place;
    return 0;
}

static int note_address(struct llvm_region *r, uint64_t at, uint64_t to, uint64_t kind)
{
    if (r->n_addresses == LLVM_MAX_ADDRESSES)
        return -1;
    r->addresses[r->n_addresses++] = (struct llvm_address){ (uint32_t)at, (uint32_t)to, (uint32_t)kind };
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct llvm_poll *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* the value of a relocation of the polls' section, as a place in the code; 0: not one */
static uint32_t place_of(const struct object *o, const Elf64_Rela *e, const Elf64_Sym *symbols)
{
    const Elf64_Sym *s = &symbols[ELF64_R_SYM(e->r_info)];
    if (ELF64_R_TYPE(e->r_info) != asm_reloc_64 || s->st_shndx >= o->h->e_shnum || !o->at[s->st_shndx])
        return 0;
    return (uint32_t)(o->at[s->st_shndx] - 1 + s->st_value + (uint64_t)e->r_addend);
}

static int read_polls(const struct object *o, struct llvm_region *r, const Elf64_Shdr *rel)
{
    const Elf64_Rela *e = (const void *)(o->base + rel->sh_offset);
    const Elf64_Sym *symbols = (const void *)(o->base + o->s[rel->sh_link].sh_offset);
    uint64_t n = rel->sh_size / sizeof *e;
    for (uint64_t k = 0; k + 1 < n; k += 2) {
        struct llvm_poll p = { place_of(o, &e[k], symbols), place_of(o, &e[k + 1], symbols) };
        if (!p.at || !p.to || r->n_polls == LLVM_MAX_POLLS || e[k].r_offset % 16 || e[k + 1].r_offset != e[k].r_offset + 8)
            return -1;
        r->polls[r->n_polls++] = p;
    }
    qsort(r->polls, r->n_polls, sizeof *r->polls, by_place);
    return n % 2 ? -1 : 0;
}

static bool is_polls(const struct object *o, const Elf64_Shdr *s)
{
    const char *names = (const char *)o->base + o->s[o->h->e_shstrndx].sh_offset;
    return !strcmp(names + s->sh_name, POLL_SECTION);
}

static int relocate_section(struct object *o, struct llvm_region *r, const Elf64_Shdr *rel)
{
    const Elf64_Rela *e = (const void *)(o->base + rel->sh_offset);
    const Elf64_Shdr *table = &o->s[rel->sh_link];
    const Elf64_Sym *symbols = (const void *)(o->base + table->sh_offset);
    const char *names = (const char *)o->base + o->s[table->sh_link].sh_offset;
    for (uint64_t k = 0; k < rel->sh_size / sizeof *e; k++) {
        const Elf64_Sym *s = &symbols[ELF64_R_SYM(e[k].r_info)];
        uint64_t place = o->at[rel->sh_info] - 1 + e[k].r_offset;
        bool undefined = s->st_shndx == SHN_UNDEF;
        if (!undefined && (s->st_shndx >= o->h->e_shnum || !o->at[s->st_shndx]))
            return -1;
        uint64_t symbol = undefined ? 0 : o->at[s->st_shndx] - 1 + s->st_value;
        switch (asm_relocate(ELF64_R_TYPE(e[k].r_info), e[k].r_addend, r->code, place, symbol, undefined)) {
        case RELOC_DONE: break;
        case RELOC_EXIT:
            if (!note_exit(r, names + s->st_name, place))
                break;
            return -1;
        case RELOC_ADDRESS:
            if (!note_address(r, place, symbol + (uint64_t)e[k].r_addend, ELF64_R_TYPE(e[k].r_info)))
                break;
            return -1;
        default: return -1;
        }
    }
    return 0;
}

/* Does the function begin with what says where the guest's registers are? */
static bool begins_well(const struct object *o)
{
    for (unsigned k = 0; k < o->h->e_shnum; k++) {
        const Elf64_Shdr *table = &o->s[k];
        const Elf64_Sym *s = (const void *)(o->base + table->sh_offset);
        for (uint64_t n = 0; table->sh_type == SHT_SYMTAB && n < table->sh_size / sizeof *s; n++)
            if (!strcmp((const char *)o->base + o->s[table->sh_link].sh_offset + s[n].st_name, ENTRY_SYMBOL) && s[n].st_shndx < o->h->e_shnum)
                return asm_begins(o->base + o->s[s[n].st_shndx].sh_offset, s[n].st_value);
    }
    return false;
}

static int load_object(struct llvm_region *r, const uint8_t *base)
{
    struct object o = { .base = base, .h = (const void *)base };
    o.s = (const void *)(base + o.h->e_shoff);
    if (o.h->e_shnum > 64 || !begins_well(&o) || place_sections(&o, r))
        return -1;
    for (unsigned k = 0; k < o.h->e_shnum; k++) {
        const Elf64_Shdr *s = &o.s[k];
        if (s->sh_type != SHT_RELA)
            continue;
        if (o.at[s->sh_info] ? relocate_section(&o, r, s) : is_polls(&o, &o.s[s->sh_info]) && read_polls(&o, r, s))
            return -1;
    }
    return 0;
}

static int to_code(struct lower *L)
{
    struct llvm_region *r = L->r;
    LLVMSetAlignment(L->fn, 64);
    LLVMMemoryBufferRef object = NULL;
    char *message = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, L->m, LLVMObjectFile, &message, &object)) {
        snprintf(r->why, sizeof r->why, "%s", message ? message : "no object");
        LLVMDisposeMessage(message);
        return -1;
    }
    if (L->refused) {
        LLVMDisposeMemoryBuffer(object);
        return -1;
    }
    r->size = (size_t)(r->n_entries + (r->n_entries & 1)) * ASM_ENTRY_SIZE;      /* the function follows, aligned to 64 bytes */
    r->code = calloc(1, r->size);
    for (unsigned k = 0; k < r->n_entries && r->code; k++) {
        r->entry_at[k] = (uint32_t)r->size - (r->n_entries - k) * ASM_ENTRY_SIZE;
        r->entry_at[k] += asm_entry(r->offsets, r->code + r->entry_at[k], r->n_entries > 1 ? (int)k : -1, (uint32_t)r->size - r->entry_at[k]);
    }
    r->n_exits = L->n_exits;
    for (unsigned k = 0; k < L->n_exits; k++)
        r->exits[k] = (struct llvm_exit){ .target = L->exit[k].target, .back = L->exit[k].back, .kind = L->exit[k].kind };
    int e = r->code ? load_object(r, (const uint8_t *)LLVMGetBufferStart(object)) : -1;
    if (e)
        snprintf(r->why, sizeof r->why, "unexpected object file");
    LLVMDisposeMemoryBuffer(object);
    return e;
}

__attribute__((visibility("default"))) int wherry_llvm_compile(struct llvm_region *r)
{
    r->code = NULL;
    r->n_exits = r->n_guest_insns = r->n_polls = r->n_addresses = 0;
    r->why[0] = 0;
    if (start_llvm(r))
        return -1;
    struct lower *L = calloc(1, sizeof *L);
    if (!L)
        return -1;
    L->r = r;
    L->c = LLVMContextCreate();
    L->m = LLVMModuleCreateWithNameInContext("region", L->c);
    L->b = LLVMCreateBuilderInContext(L->c);
    LLVMContextSetDiagnosticHandler(L->c, complaint, L);
    LLVMSetTarget(L->m, llvm_triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    LLVMSetModuleDataLayout(L->m, layout);
    LLVMDisposeTargetData(layout);
    int e = lower_region(L);
    if (e)
        snprintf(r->why, sizeof r->why, "%s", L->why ? L->why : "no memory");
    if (!e) {
        set_attributes(L);
        e = optimize(L);
    }
    if (!e)
        e = to_code(L);
    LLVMDisposeBuilder(L->b);
    LLVMDisposeModule(L->m);
    LLVMContextDispose(L->c);
    free(L);
    if (e) {
        free(r->code);
        r->code = NULL;
    }
    return e;
}
