/* SPDX-License-Identifier: GPL-2.0-or-later
 * load.c: maps an ELF program as Linux's binfmt_elf does: System V ABI chapter 4 and 5, elf(5). Everything in the file is checked before
 * it is believed; what is refused is told in one line that says what to do about it.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "linux/memory.h"
#include "linux/memory_host.h"
#include "linux/memory_image.h"

struct load {
    int fd;
    bool is_interp;
    uint64_t file_size;
    Elf64_Ehdr h;
    Elf64_Phdr *ph;
    uint64_t low, high, align;             /* of all PT_LOAD segments, in whole pages */
    bool ascending;                        /* they lie one behind the other, as the ABI wants. The kernel maps any order, later ones over earlier */
    struct linux_image *out;
    char *why;
};

static int refuse(struct load *l, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(struct load *l, int error, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->why, 512, fmt, ap);
    va_end(ap);
    return -error;
}

static const struct { uint16_t machine; const char *name; } machines[] = {
    { EM_386, "an i386" }, { EM_AARCH64, "an AArch64" }, { EM_ARM, "an Arm" }, { EM_PPC64, "a 64-bit POWER" }, { EM_PPC, "a PowerPC" },
    { EM_RISCV, "a RISC-V" }, { EM_S390, "an s390x" }, { EM_MIPS, "a MIPS" }, { EM_SPARCV9, "a SPARC" }, { EM_SPARC, "a SPARC" }, { EM_IA_64, "an Itanium" },
    { EM_68K, "an m68k" }, { EM_ALPHA, "an Alpha" }, { EM_PARISC, "a PA-RISC" }, { EM_SH, "a SuperH" }, { EM_BPF, "a BPF" }, { 258, "a LoongArch" },
    { 0x9026, "an Alpha" }, { EM_MICROBLAZE, "a MicroBlaze" }, { EM_XTENSA, "an Xtensa" }, { EM_ARC_COMPACT, "an ARC" }, { EM_AVR, "an AVR" },
};

static int refuse_machine(struct load *l, uint16_t machine, bool wide)
{
    const char *only = "wherry-x86_64 runs x86-64 programs only";
    if (machine == EM_X86_64)
        return refuse(l, ENOEXEC, "is a 32-bit x86-64 (x32) program; %s", only);
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        if (machines[i].machine == machine)
            return refuse(l, ENOEXEC, "is %s program; %s", machines[i].name, only);
    return refuse(l, ENOEXEC, "is a %d-bit program for machine type %u; %s", wide ? 64 : 32, machine, only);
}

static int check_ident(struct load *l, const uint8_t *id, size_t n)
{
    if (n == 0)
        return refuse(l, ENOEXEC, "is an empty file; an x86-64 ELF program is needed");
    if (n < SELFMAG || memcmp(id, ELFMAG, SELFMAG))
        return refuse(l, ENOEXEC, "is not an ELF program; an x86-64 ELF program or a script with #! is needed");
    if (n < 20)
        return refuse(l, ENOEXEC, "is truncated in its ELF header; get the file again");
    bool big = id[EI_DATA] == ELFDATA2MSB;
    uint16_t machine = (uint16_t)(big ? id[18] << 8 | id[19] : id[19] << 8 | id[18]);
    if (id[EI_CLASS] != ELFCLASS64 && id[EI_CLASS] != ELFCLASS32)
        return refuse(l, ENOEXEC, "has a malformed ELF header (class %u); get the file again", id[EI_CLASS]);
    if (id[EI_DATA] != ELFDATA2LSB && !big)
        return refuse(l, ENOEXEC, "has a malformed ELF header (byte order %u); get the file again", id[EI_DATA]);
    if (big && (machine == EM_X86_64 || machine == EM_X86_64 << 8))
        return refuse(l, ENOEXEC, "has a malformed ELF header (x86-64 with big-endian byte order); get the file again");
    if (machine != EM_X86_64 || id[EI_CLASS] != ELFCLASS64)
        return refuse_machine(l, machine, id[EI_CLASS] == ELFCLASS64);
    if (big)
        return refuse(l, ENOEXEC, "has a malformed ELF header (big-endian x86-64); get the file again");
    if (n < sizeof l->h)
        return refuse(l, ENOEXEC, "is truncated in its ELF header; get the file again");
    return 0;
}

static int check_type(struct load *l)
{
    const char *what = l->h.e_type == ET_REL ? "an object file; link it first" : l->h.e_type == ET_CORE ? "a core dump; debug it with gdb" : NULL;
    if (what)
        return refuse(l, ENOEXEC, "is %s", what);
    if (l->h.e_type != ET_EXEC && l->h.e_type != ET_DYN)
        return refuse(l, ENOEXEC, "has a malformed ELF header (type %u); get the file again", l->h.e_type);
    if (l->h.e_phentsize != sizeof(Elf64_Phdr) || l->h.e_phnum == 0 || l->h.e_phnum > 65536 / sizeof(Elf64_Phdr))
        return refuse(l, ENOEXEC, "has a malformed ELF header (%u program headers of %u bytes); get the file again", l->h.e_phnum, l->h.e_phentsize);
    return 0;
}

static int read_header(struct load *l)
{
    uint8_t raw[sizeof l->h];
    struct stat st;
    if (fstat(l->fd, &st))
        return refuse(l, errno, "%s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return refuse(l, EACCES, "is a directory");
    if (!S_ISREG(st.st_mode))
        return refuse(l, EACCES, "is not a regular file");
    l->file_size = (uint64_t)st.st_size;
    ssize_t n = pread(l->fd, raw, sizeof raw, 0);
    if (n < 0)
        return refuse(l, errno, "cannot be read: %s", strerror(errno));
    int error = check_ident(l, raw, (size_t)n);
    if (error)
        return error;
    memcpy(&l->h, raw, sizeof raw);
    return check_type(l);
}

static int read_program_headers(struct load *l)
{
    size_t size = l->h.e_phnum * sizeof *l->ph;
    if (l->h.e_phoff > l->file_size || size > l->file_size - l->h.e_phoff)
        return refuse(l, ENOEXEC, "is truncated: its program headers lie behind the end of the file; get the file again");
    l->ph = malloc(size);
    if (!l->ph)
        return refuse(l, ENOMEM, "does not fit in memory");
    if (pread(l->fd, l->ph, size, (off_t)l->h.e_phoff) != (ssize_t)size)
        return refuse(l, ENOEXEC, "cannot be read to its end; get the file again");
    return 0;
}

/* ---- checks of the segments ---- */

static int check_segment(struct load *l, unsigned i)
{
    const Elf64_Phdr *p = &l->ph[i];
    if (p->p_filesz > p->p_memsz)
        return refuse(l, ENOEXEC, "is malformed: segment %u has more bytes in the file than in memory; get the file again", i);
    /* the kernel takes what misses in the last page for zeros; a page that misses is deadly when it is touched */
    uint64_t there = guest_page_up(l->file_size);
    if (p->p_filesz && (p->p_offset > there || p->p_filesz > there - p->p_offset))
        return refuse(l, ENOEXEC, "is truncated: segment %u lies behind the end of the file; get the file again", i);
    if (p->p_vaddr >= GUEST_TASK_SIZE || p->p_memsz > GUEST_TASK_SIZE - p->p_vaddr)
        return refuse(l, ENOEXEC, "is malformed: segment %u (address 0x%llx, size 0x%llx) does not fit in the address space; get the file again",
            i, (unsigned long long)p->p_vaddr, (unsigned long long)p->p_memsz);
    if ((p->p_vaddr ^ p->p_offset) & GUEST_PAGE_MASK && p->p_filesz)
        return refuse(l, ENOEXEC, "is malformed: address and file offset of segment %u differ within a page; get the file again", i);
    return 0;
}

static int check_segments(struct load *l)
{
    const Elf64_Phdr *before = NULL;
    l->low = UINT64_MAX;
    l->align = GUEST_PAGE;
    l->ascending = true;
    for (unsigned i = 0; i < l->h.e_phnum; i++) {
        const Elf64_Phdr *p = &l->ph[i];
        if (p->p_type != PT_LOAD)
            continue;
        int error = check_segment(l, i);
        if (error)
            return error;
        if (p->p_memsz == 0)
            continue;
        uint64_t start = p->p_vaddr & ~GUEST_PAGE_MASK, end = guest_page_up(p->p_vaddr + p->p_memsz);
        l->ascending = !before || p->p_vaddr >= before->p_vaddr + before->p_memsz ? l->ascending : false;
        before = p;
        l->low = start < l->low ? start : l->low;
        l->high = end > l->high ? end : l->high;
        if (p->p_align > l->align && !(p->p_align & (p->p_align - 1)) && p->p_align <= 1ull << 30)
            l->align = p->p_align;             /* odd values are ignored, as by the kernel */
    }
    if (!before)
        return refuse(l, ENOEXEC, "is malformed: it has no loadable segment; get the file again");
    return 0;
}

static int read_interp(struct load *l)
{
    for (unsigned i = 0; i < l->h.e_phnum && !l->is_interp; i++) {
        const Elf64_Phdr *p = &l->ph[i];
        if (p->p_type != PT_INTERP)
            continue;
        char *name = l->out->interp;
        bool fits = p->p_filesz >= 2 && p->p_filesz <= sizeof l->out->interp && p->p_offset <= l->file_size && p->p_filesz <= l->file_size - p->p_offset;
        if (!fits || pread(l->fd, name, p->p_filesz, (off_t)p->p_offset) != (ssize_t)p->p_filesz || name[p->p_filesz - 1])
            return refuse(l, ENOEXEC, "is malformed: the name of its dynamic linker is cut off; get the file again");
        return 0;
    }
    return 0;
}

static void read_stack_flags(struct load *l)
{
    for (unsigned i = 0; i < l->h.e_phnum; i++)
        if (l->ph[i].p_type == PT_GNU_STACK)
            l->out->exec_stack = l->ph[i].p_flags & PF_X;
}

/* ---- mapping ---- */

static int segment_prot(const Elf64_Phdr *p)
{
    return (p->p_flags & PF_R ? GUEST_PROT_READ : 0) | (p->p_flags & PF_W ? GUEST_PROT_WRITE : 0) | (p->p_flags & PF_X ? GUEST_PROT_EXEC : 0);
}

static int place(uint64_t addr, uint64_t size, int prot, int flags, int fd, uint64_t offset)
{
    if (!size)
        return 0;
    uint64_t got = linux_mmap(addr, size, prot, flags | GUEST_MAP_PRIVATE | GUEST_MAP_FIXED, fd, offset);
    return got == addr ? 0 : (int)(int64_t)got;
}

static int map_segment(struct load *l, const Elf64_Phdr *p)
{
    static const uint8_t zeros[GUEST_PAGE];
    int prot = segment_prot(p);
    uint64_t vaddr = l->out->bias + p->p_vaddr, in_page = vaddr & GUEST_PAGE_MASK, start = vaddr - in_page;
    uint64_t file_end = vaddr + p->p_filesz, file_pages = p->p_filesz ? guest_page_up(file_end) : start;
    uint64_t memory_end = guest_page_up(vaddr + p->p_memsz);
    int error = place(start, file_pages - start, prot, 0, l->fd, p->p_offset - in_page);
    if (!error && memory_end > file_pages)
        error = place(file_pages, memory_end - file_pages, prot, GUEST_MAP_ANONYMOUS, -1, 0);
    /* the rest of the last page that has file bytes is zero; the kernel leaves it alone where the program may not write */
    if (!error && p->p_memsz > p->p_filesz && file_pages > file_end && p->p_filesz && prot & GUEST_PROT_WRITE)
        error = engine_copy_to(file_end, zeros, file_pages - file_end) ? -EFAULT : 0;
    if (!error)
        return 0;
    return refuse(l, -error, "cannot be mapped at 0x%llx (size 0x%llx): %s", (unsigned long long)vaddr, (unsigned long long)p->p_memsz, strerror(-error));
}

/* A place for a position-independent image: all of it is reserved, so that nothing else comes between its segments. */
static int reserve(struct load *l)
{
    const int flags = GUEST_MAP_PRIVATE | GUEST_MAP_ANONYMOUS | GUEST_MAP_NORESERVE;
    uint64_t size = l->high - l->low, shift = memory_image_shift(l->ph, l->h.e_phnum), got;
    if (l->is_interp) {
        uint64_t more = l->align > GUEST_PAGE ? l->align : shift ? memory_host_page() : 0;
        got = linux_mmap(0, size + more, 0, flags, -1, 0);
        if (got <= GUEST_TASK_SIZE && more) {
            uint64_t at = ((got - shift + more - 1) & ~(more - 1)) + shift;
            if (at > got)
                linux_munmap(got, at - got);
            if (got + more > at)
                linux_munmap(at + size, got + more - at);
            got = at;
        }
    } else
        got = linux_mmap(((LAYOUT_PIE + l->align - 1) & ~(l->align - 1)) + shift, size, 0, flags | GUEST_MAP_FIXED_NOREPLACE, -1, 0);
    if (got > GUEST_TASK_SIZE)
        return refuse(l, ENOMEM, "is too large: no room for 0x%llx bytes", (unsigned long long)size);
    l->out->bias = got - l->low;
    return 0;
}

/* Address space between segments was reserved but belongs to nobody. */
static void give_back_gaps(struct load *l)
{
    uint64_t at = l->low;
    for (unsigned i = 0; i < l->h.e_phnum; i++) {
        const Elf64_Phdr *p = &l->ph[i];
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        uint64_t start = p->p_vaddr & ~GUEST_PAGE_MASK;
        if (start > at)
            linux_munmap(l->out->bias + at, start - at);
        at = guest_page_up(p->p_vaddr + p->p_memsz);
    }
}

static int map_image(struct load *l)
{
    l->out->pie = l->h.e_type == ET_DYN;
    int error = l->out->pie ? reserve(l) : 0;
    for (unsigned i = 0; i < l->h.e_phnum && !error; i++)
        if (l->ph[i].p_type == PT_LOAD && l->ph[i].p_memsz)
            error = map_segment(l, &l->ph[i]);
    if (error) {
        if (l->out->pie && l->out->bias + l->low)
            linux_munmap(l->out->bias + l->low, l->high - l->low);
        return error;
    }
    if (l->out->pie && l->ascending)
        give_back_gaps(l);
    linux_memory_slack(l->out->bias + l->low, l->high - l->low);
    return 0;
}

/* Where the program headers are in memory: in the segment that holds their file bytes. */
static uint64_t phdr_address(const struct load *l)
{
    for (unsigned i = 0; i < l->h.e_phnum; i++) {
        const Elf64_Phdr *p = &l->ph[i];
        if (p->p_type == PT_LOAD && p->p_offset <= l->h.e_phoff && l->h.e_phoff - p->p_offset < p->p_filesz)
            return l->out->bias + p->p_vaddr + (l->h.e_phoff - p->p_offset);
    }
    return 0;
}

static int load(struct load *l)
{
    int error = read_header(l);
    if (!error)
        error = read_program_headers(l);
    if (!error)
        error = check_segments(l);
    if (!error)
        error = read_interp(l);
    if (!error)
        error = map_image(l);
    if (error)
        return error;
    read_stack_flags(l);
    l->out->entry = l->out->bias + l->h.e_entry;
    l->out->base = l->out->bias + l->low;
    l->out->end = l->out->brk = l->out->bias + l->high;
    l->out->n_phdr = l->h.e_phnum;
    l->out->phdr = phdr_address(l);
    return 0;
}

int linux_load_elf(int fd, const char *name, bool is_interp, struct linux_image *out, char why[512])
{
    struct load l = { .fd = fd, .is_interp = is_interp, .out = out, .why = why };
    memset(out, 0, sizeof *out);
    why[0] = 0;
    int error = load(&l);
    free(l.ph);
    return error;
}
