/* SPDX-License-Identifier: GPL-2.0-or-later
 * vdso.c: the small shared object that the kernel maps into every process, made in memory at start: vdso(7). Its functions do the
 * plain system calls; it exists because C libraries look for it, and because code for it is translated only once.
 * One segment: headers, .dynsym, .dynstr, .hash, versions, .dynamic, text.
 */
#include <elf.h>
#include <string.h>
#include "linux/memory.h"
#include "linux/start.h"

static const struct { const char *name; uint32_t nr; } functions[] = {
    { "__vdso_clock_gettime", 228 }, { "clock_gettime", 228 }, { "__vdso_gettimeofday", 96 }, { "gettimeofday", 96 },
    { "__vdso_time", 201 }, { "time", 201 }, { "__vdso_getcpu", 309 }, { "getcpu", 309 }, { "__vdso_clock_getres", 229 }, { "clock_getres", 229 },
};
enum { N_FUNCTIONS = sizeof functions / sizeof functions[0], N_SYMBOLS = N_FUNCTIONS + 1, STUB = 16, N_VERSIONS = 2 };
static const char soname[] = "linux-vdso.so.1", version[] = "LINUX_2.6";

struct image {
    Elf64_Ehdr h;
    Elf64_Phdr ph[2];
    Elf64_Sym sym[N_SYMBOLS];
    struct { uint32_t n_buckets, n_chains, bucket[1], chain[N_SYMBOLS]; } hash;
    uint16_t versym[N_SYMBOLS + (N_SYMBOLS & 1)];
    struct { Elf64_Verdef def; Elf64_Verdaux aux; } verdef[N_VERSIONS];
    Elf64_Dyn dyn[12] __attribute__((aligned(8)));
    char str[512];
    uint8_t text[N_FUNCTIONS][STUB] __attribute__((aligned(16)));
};
#define AT(field) offsetof(struct image, field)

static uint32_t elf_hash(const char *s)
{
    uint32_t h = 0;
    for (; *s; s++) {
        h = (h << 4) + (uint8_t)*s;
        h ^= h >> 24 & 0xf0;
    }
    return h & 0x0fffffff;
}

static uint32_t add_string(struct image *m, uint32_t *used, const char *s)
{
    uint32_t at = *used;
    memcpy(m->str + at, s, strlen(s) + 1);
    *used += (uint32_t)strlen(s) + 1;
    return at;
}

static void fill_headers(struct image *m)
{
    m->h = (Elf64_Ehdr){ .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN, .e_machine = EM_X86_64,
        .e_version = EV_CURRENT, .e_entry = AT(text), .e_phoff = AT(ph), .e_ehsize = sizeof m->h, .e_phentsize = sizeof m->ph[0], .e_phnum = 2,
        .e_shentsize = sizeof(Elf64_Shdr) };
    m->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = sizeof *m, .p_memsz = sizeof *m, .p_align = GUEST_PAGE };
    m->ph[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC, .p_flags = PF_R, .p_offset = AT(dyn), .p_vaddr = AT(dyn), .p_paddr = AT(dyn),
        .p_filesz = sizeof m->dyn, .p_memsz = sizeof m->dyn, .p_align = 8 };
}

/* "mov $nr, %eax; syscall; ret" each; symbols in one hash chain */
static void fill_functions(struct image *m, uint32_t *used)
{
    m->hash.n_buckets = 1;
    m->hash.n_chains = N_SYMBOLS;
    for (uint32_t i = 0; i < N_FUNCTIONS; i++) {
        uint8_t *code = m->text[i];
        memset(code, 0xcc, STUB);
        memcpy(code, (uint8_t[]){ 0xb8, (uint8_t)functions[i].nr, (uint8_t)(functions[i].nr >> 8), 0, 0, 0x0f, 0x05, 0xc3 }, 8);
        bool weak = strncmp(functions[i].name, "__vdso", 6);
        m->sym[i + 1] = (Elf64_Sym){ .st_name = add_string(m, used, functions[i].name), .st_info = ELF64_ST_INFO(weak ? STB_WEAK : STB_GLOBAL, STT_FUNC),
            .st_shndx = 1, .st_value = AT(text) + STUB * i, .st_size = 8 };
        m->versym[i + 1] = 2;
        m->hash.chain[i + 1] = i;
    }
    m->hash.bucket[0] = N_FUNCTIONS;
}

static void fill_version(struct image *m, unsigned i, const char *name, uint32_t string, uint16_t flags)
{
    m->verdef[i].def = (Elf64_Verdef){ .vd_version = VER_DEF_CURRENT, .vd_flags = flags, .vd_ndx = (uint16_t)(i + 1), .vd_cnt = 1, .vd_hash = elf_hash(name),
        .vd_aux = sizeof(Elf64_Verdef), .vd_next = i + 1 < N_VERSIONS ? sizeof m->verdef[0] : 0 };
    m->verdef[i].aux = (Elf64_Verdaux){ .vda_name = string };
}

static void fill_dynamic(struct image *m, uint32_t name, uint32_t used)
{
    const Elf64_Dyn dyn[] = {
        { DT_SONAME, { name } }, { DT_HASH, { AT(hash) } }, { DT_STRTAB, { AT(str) } }, { DT_SYMTAB, { AT(sym) } }, { DT_STRSZ, { used } },
        { DT_SYMENT, { sizeof(Elf64_Sym) } }, { DT_VERDEF, { AT(verdef) } }, { DT_VERDEFNUM, { N_VERSIONS } }, { DT_VERSYM, { AT(versym) } }, { DT_NULL, { 0 } },
    };
    memcpy(m->dyn, dyn, sizeof dyn);
}

bool linux_vdso_calls(int nr, uint64_t pc)
{
    uint64_t at = pc - 7 - (linux_process.vdso + AT(text));
    return linux_process.vdso && at < N_FUNCTIONS * STUB && at % STUB == 0 && functions[at / STUB].nr == (uint32_t)nr;
}

uint64_t linux_make_vdso(void)
{
    const int prot = GUEST_PROT_READ | GUEST_PROT_WRITE;
    uint64_t size = guest_page_up(sizeof(struct image));
    uint64_t base = linux_mmap_named(0, size, prot, 0, "[vdso]", 0);
    if (base > GUEST_TASK_SIZE)
        return 0;
    struct image *m = (struct image *)(uintptr_t)ir_mem_at(base, (unsigned)size, true);
    uint32_t used = 1;
    fill_headers(m);
    fill_functions(m, &used);
    uint32_t name = add_string(m, &used, soname), version_name = add_string(m, &used, version);
    fill_version(m, 0, soname, name, VER_FLG_BASE);
    fill_version(m, 1, version, version_name, 0);
    fill_dynamic(m, name, used);
    linux_mprotect(base, size, GUEST_PROT_READ | GUEST_PROT_EXEC);
    return base;
}
