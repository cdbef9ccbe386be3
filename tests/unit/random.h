/* SPDX-License-Identifier: GPL-2.0-or-later
 * random.h: random numbers for tests, the same in each run.
 */
static uint64_t seed = 1;
static inline unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % n);
}

/* seeds that differ little begin alike: not what comes of them here */
static inline void set_seed(uint64_t s)
{
    seed = s * 0x9e3779b97f4a7c15ull | 1;
    for (unsigned k = 0; k < 4; k++)
        rnd(2);
}

/* an integer that is often one where something special happens */
static inline int64_t corner(void)
{
    static const int64_t v[] = { 0, 1, -1, 2, 8, 31, 32, 63, 127, 128, 255, 0x7fff, 0x8000, INT32_MAX, INT32_MIN, 1ll << 32, INT64_MAX, INT64_MIN };
    return rnd(3) ? v[rnd(18)] : (int64_t)(seed * 0x2545f4914f6cdd1dull);
}
