/* SPDX-License-Identifier: GPL-2.0-or-later
 * stress.c: two threads run hot loops in text that a third one takes away, moves, replaces, protects and rewrites all the time, at random, and forks. Between two changes a
 * loop must give what its text says now; without text it faults, and the handler waits until there is some. Prints the number of wrong results.
 * Arguments: number of changes, seed.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, VERSIONS = 8, ROUNDS = 2000 };
static uint8_t *const text = (uint8_t *)0x20000000;
static int file;
static atomic_uint epoch;                                /* odd: a change is under way */
static atomic_uint version;
static atomic_bool over;
static atomic_uint wrong, judged;

/* xor eax, eax; mov ecx, ROUNDS; 1: add eax, step; sub ecx, 1; jnz 1b; ret */
static void make(uint8_t *code, uint32_t step)
{
    uint32_t rounds = ROUNDS;
    static const uint8_t form[] = { 0x31, 0xc0, 0xb9, 0, 0, 0, 0, 0x05, 0, 0, 0, 0, 0x83, 0xe9, 0x01, 0x75, 0xf6, 0xc3 };
    memcpy(code, form, sizeof form);
    memcpy(code + 3, &rounds, 4);
    memcpy(code + 8, &step, 4);
}

static void *run(void *unused)
{
    while (!over) {
        unsigned before = epoch, v = version;
        uint32_t sum = ((uint32_t (*)(void))(uintptr_t)text)();
        if (before % 2 || before != epoch)
            continue;
        wrong += sum != ROUNDS * (v + 1);
        judged++;
    }
    return NULL;
}

static void wait_for_text(int sig) { sched_yield(); }

static void map(unsigned v) { mmap(text, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, (off_t)v * PAGE); }

/* A fork at any moment of the compiling: the child has the text as it is. */
static void in_a_child(void)
{
    int status;
    pid_t pid = fork();
    if (!pid)
        _exit(((uint32_t (*)(void))(uintptr_t)text)() != ROUNDS * (version + 1));
    wrong += pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

static void change(unsigned how, unsigned v)
{
    epoch++;
    switch (how) {
    case 0: munmap(text, PAGE); usleep(100); map(v); break;
    case 1: map(v); break;
    case 2:                                              /* over the old text, which is still being run: one aligned store */
        mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
        *(volatile uint32_t *)(text + 8) = v + 1;
        mprotect(text, PAGE, PROT_READ | PROT_EXEC);
        break;
    case 3: mremap(text, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, text + (1 << 20)); usleep(50); munmap(text + (1 << 20), PAGE); map(v); break;
    case 4: in_a_child(); v = version; break;
    default: mprotect(text, PAGE, PROT_READ); usleep(50); map(v); mprotect(text, PAGE, PROT_READ | PROT_EXEC); break;
    }
    version = v;
    epoch++;
}

int main(int argc, char **argv)
{
    unsigned changes = argc > 1 ? (unsigned)atoi(argv[1]) : 200, seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    uint8_t pages[VERSIONS][PAGE] = { { 0 } };
    pthread_t t[2];
    file = memfd_create("text", 0);
    for (unsigned v = 0; v < VERSIONS; v++)
        make(pages[v], v + 1);
    if (write(file, pages, sizeof pages) != sizeof pages)
        return 1;
    signal(SIGSEGV, wait_for_text);
    map(0);
    for (unsigned k = 0; k < 2; k++)
        pthread_create(&t[k], NULL, run, NULL);
    for (unsigned k = 0; k < changes; k++) {
        change((unsigned)rand_r(&seed) % 6, (unsigned)rand_r(&seed) % VERSIONS);
        for (unsigned n = judged + (unsigned)rand_r(&seed) % 6000; judged < n && !wrong;)
            usleep(200);
    }
    over = 1;
    for (unsigned k = 0; k < 2; k++)
        pthread_join(t[k], NULL);
    printf("%u wrong%s\n", wrong, judged < changes ? ", few judged" : "");
    return 0;
}
