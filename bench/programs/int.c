/* int [LENGTH]: integer C: a sieve, a table of remainders, a small sort. LENGTH (20) scales all but the sort. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static uint32_t table[1 << 16];
static uint8_t sieve[4000000];
static int order(const void *a, const void *b) { uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b; return x < y ? -1 : x > y; }
int main(int argc, char **argv)
{
    unsigned length = argc > 1 ? atoi(argv[1]) : 20;
    uint64_t sum = 0;
    for (unsigned r = 0; r < length / 5; r++) {
        memset(sieve, 1, sizeof sieve);
        for (unsigned i = 2; i * i < sizeof sieve; i++) if (sieve[i]) for (unsigned j = i * i; j < sizeof sieve; j += i) sieve[j] = 0;
        for (unsigned i = 2; i < sizeof sieve; i++) sum += sieve[i];
    }
    uint32_t x = 1;
    for (unsigned i = 0; i < 3000000 * length; i++) { x ^= x << 13; x ^= x >> 17; x ^= x << 5; table[x & 0xffff] += x % 1000 + (x & 1 ? i : -i); }
    for (unsigned i = 0; i < 1 << 16; i++) sum = sum * 31 + table[i];
    qsort(table, 1 << 16, sizeof *table, order);
    for (unsigned i = 0; i < 1 << 16; i += 997) sum ^= (uint64_t)table[i] << (i & 31);
    printf("%llu\n", (unsigned long long)sum);
}
