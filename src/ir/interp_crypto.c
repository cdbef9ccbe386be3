/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp_crypto.c: the interpreter's AES, carry-less multiplication and SHA. Manual: Intel SDM volume 2, by the instruction that ops.def
 * names; FIPS 197 (AES) and FIPS 180-4 (SHA).
 */
#include "ir/interp.h"

typedef union ir_cell cell;

/* --- AES --- */

static const uint8_t substitute[256] = {
     99, 124, 119, 123, 242, 107, 111, 197,  48,   1, 103,  43, 254, 215, 171, 118, 202, 130, 201, 125, 250,  89,  71, 240,
    173, 212, 162, 175, 156, 164, 114, 192, 183, 253, 147,  38,  54,  63, 247, 204,  52, 165, 229, 241, 113, 216,  49,  21,
      4, 199,  35, 195,  24, 150,   5, 154,   7,  18, 128, 226, 235,  39, 178, 117,   9, 131,  44,  26,  27, 110,  90, 160,
     82,  59, 214, 179,  41, 227,  47, 132,  83, 209,   0, 237,  32, 252, 177,  91, 106, 203, 190,  57,  74,  76,  88, 207,
    208, 239, 170, 251,  67,  77,  51, 133,  69, 249,   2, 127,  80,  60, 159, 168,  81, 163,  64, 143, 146, 157,  56, 245,
    188, 182, 218,  33,  16, 255, 243, 210, 205,  12,  19, 236,  95, 151,  68,  23, 196, 167, 126,  61, 100,  93,  25, 115,
     96, 129,  79, 220,  34,  42, 144, 136,  70, 238, 184,  20, 222,  94,  11, 219, 224,  50,  58,  10,  73,   6,  36,  92,
    194, 211, 172,  98, 145, 149, 228, 121, 231, 200,  55, 109, 141, 213,  78, 169, 108,  86, 244, 234, 101, 122, 174,   8,
    186, 120,  37,  46,  28, 166, 180, 198, 232, 221, 116,  31,  75, 189, 139, 138, 112,  62, 181, 102,  72,   3, 246,  14,
     97,  53,  87, 185, 134, 193,  29, 158, 225, 248, 152,  17, 105, 217, 142, 148, 155,  30, 135, 233, 206,  85,  40, 223,
    140, 161, 137,  13, 191, 230,  66, 104,  65, 153,  45,  15, 176,  84, 187,  22,
};
static const uint8_t substitute_back[256] = {
     82,   9, 106, 213,  48,  54, 165,  56, 191,  64, 163, 158, 129, 243, 215, 251, 124, 227,  57, 130, 155,  47, 255, 135,
     52, 142,  67,  68, 196, 222, 233, 203,  84, 123, 148,  50, 166, 194,  35,  61, 238,  76, 149,  11,  66, 250, 195,  78,
      8,  46, 161, 102,  40, 217,  36, 178, 118,  91, 162,  73, 109, 139, 209,  37, 114, 248, 246, 100, 134, 104, 152,  22,
    212, 164,  92, 204,  93, 101, 182, 146, 108, 112,  72,  80, 253, 237, 185, 218,  94,  21,  70,  87, 167, 141, 157, 132,
    144, 216, 171,   0, 140, 188, 211,  10, 247, 228,  88,   5, 184, 179,  69,   6, 208,  44,  30, 143, 202,  63,  15,   2,
    193, 175, 189,   3,   1,  19, 138, 107,  58, 145,  17,  65,  79, 103, 220, 234, 151, 242, 207, 206, 240, 180, 230, 115,
    150, 172, 116,  34, 231, 173,  53, 133, 226, 249,  55, 232,  28, 117, 223, 110,  71, 241,  26, 113,  29,  41, 197, 137,
    111, 183,  98,  14, 170,  24, 190,  27, 252,  86,  62,  75, 198, 210, 121,  32, 154, 219, 192, 254, 120, 205,  90, 244,
     31, 221, 168,  51, 136,   7, 199,  49, 177,  18,  16,  89,  39, 128, 236,  95,  96,  81, 127, 169,  25, 181,  74,  13,
     45, 229, 122, 159, 147, 201, 156, 239, 160, 224,  59,  77, 174,  42, 245, 176, 200, 235, 187,  60, 131,  83, 153,  97,
     23,  43,   4, 126, 186, 119, 214,  38, 225, 105,  20,  99,  85,  33,  12, 125,
};

static uint8_t twice(uint8_t x) { return (uint8_t)(x << 1 ^ (x & 0x80 ? 0x1b : 0)); }

static uint8_t times(uint8_t x, unsigned n)
{
    uint8_t r = 0;
    for (; n; n >>= 1, x = twice(x))
        if (n & 1)
            r ^= x;
    return r;
}

/* Columns are four bytes; row r of the state moves by r columns. */
static cell shift_rows(const cell *a, const uint8_t *box, bool back)
{
    cell r;
    for (unsigned k = 0; k < 16; k++)
        r.u8[k] = box[a->u8[(back ? k - 4 * (k & 3) : k + 4 * (k & 3)) & 15]];
    return r;
}

static cell mix_columns(const cell *a, const uint8_t by[4])
{
    cell r;
    for (unsigned k = 0; k < 16; k++) {
        r.u8[k] = 0;
        for (unsigned i = 0; i < 4; i++)
            r.u8[k] ^= times(a->u8[(k & 12) + i], by[(i - k) & 3]);
    }
    return r;
}

static const uint8_t forward[4] = { 2, 3, 1, 1 }, backward[4] = { 14, 11, 13, 9 };

static cell aes_round(enum ir_op op, const cell *a, const cell *key)
{
    bool back = op == IR_AESD || op == IR_AESDL;
    cell r = shift_rows(a, back ? substitute_back : substitute, back);
    if (op == IR_AESE || op == IR_AESD)
        r = mix_columns(&r, back ? backward : forward);
    r.u128 ^= key->u128;
    return r;
}

static cell aes_key(const cell *a, uint32_t round)
{
    cell r;
    for (unsigned k = 0; k < 4; k += 2) {
        uint32_t w = a->u32[k + 1], s = 0;
        for (unsigned i = 0; i < 4; i++)
            s |= (uint32_t)substitute[w >> 8 * i & 0xff] << 8 * i;
        r.u32[k] = s;
        r.u32[k + 1] = (s >> 8 | s << 24) ^ round;
    }
    return r;
}

/* --- carry-less multiplication --- */

static cell multiply(const cell *a, const cell *b, unsigned imm)
{
    unsigned __int128 x = a->u64[imm & 1];
    uint64_t y = b->u64[imm >> 4 & 1];
    cell r = { .u64 = { 0 } };
    for (unsigned k = 0; k < 64; k++)
        if (y >> k & 1)
            r.u128 ^= x << k;
    return r;
}

/* --- SHA. Words of a vector are numbered from the low end here; the manual counts SHA-1's from the high end. --- */

static uint32_t left(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }
static uint32_t right(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }
static uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }

static cell sha1_rounds(const cell *s, const cell *w, unsigned imm)
{
    static const uint32_t constant[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    uint32_t a = s->u32[3], b = s->u32[2], c = s->u32[1], d = s->u32[0], e = 0;
    for (unsigned k = 0; k < 4; k++) {
        uint32_t f = (imm & 3) == 0 ? choose(b, c, d) : (imm & 3) == 2 ? majority(b, c, d) : b ^ c ^ d;
        uint32_t next = f + left(a, 5) + w->u32[3 - k] + e + constant[imm & 3];
        e = d;
        d = c;
        c = left(b, 30);
        b = a;
        a = next;
    }
    return (cell){ .u32 = { d, c, b, a } };
}

static cell sha1_message1(const cell *a, const cell *b)
{
    return (cell){ .u32 = { b->u32[2] ^ a->u32[0], b->u32[3] ^ a->u32[1], a->u32[0] ^ a->u32[2], a->u32[1] ^ a->u32[3] } };
}

static cell sha1_message2(const cell *a, const cell *b)
{
    uint32_t w = left(a->u32[3] ^ b->u32[2], 1);
    return (cell){ .u32 = { left(a->u32[0] ^ w, 1), left(a->u32[1] ^ b->u32[0], 1), left(a->u32[2] ^ b->u32[1], 1), w } };
}

static cell sha1_next(const cell *a, const cell *b)
{
    cell r = *b;
    r.u32[3] += left(a->u32[3], 30);
    return r;
}

static cell sha256_rounds(const cell *cdgh, const cell *abef, const cell *w)
{
    uint32_t a = abef->u32[3], b = abef->u32[2], c = cdgh->u32[3], d = cdgh->u32[2];
    uint32_t e = abef->u32[1], f = abef->u32[0], g = cdgh->u32[1], h = cdgh->u32[0];
    for (unsigned k = 0; k < 2; k++) {
        uint32_t one = h + choose(e, f, g) + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + w->u32[k];
        uint32_t two = majority(a, b, c) + (right(a, 2) ^ right(a, 13) ^ right(a, 22));
        h = g;
        g = f;
        f = e;
        e = d + one;
        d = c;
        c = b;
        b = a;
        a = one + two;
    }
    return (cell){ .u32 = { f, e, b, a } };
}

static uint32_t small0(uint32_t x) { return right(x, 7) ^ right(x, 18) ^ x >> 3; }
static uint32_t small1(uint32_t x) { return right(x, 17) ^ right(x, 19) ^ x >> 10; }

static cell sha256_message1(const cell *a, const cell *b)
{
    return (cell){ .u32 = { a->u32[0] + small0(a->u32[1]), a->u32[1] + small0(a->u32[2]), a->u32[2] + small0(a->u32[3]), a->u32[3] + small0(b->u32[0]) } };
}

static cell sha256_message2(const cell *a, const cell *b)
{
    uint32_t w0 = a->u32[0] + small1(b->u32[2]), w1 = a->u32[1] + small1(b->u32[3]);
    return (cell){ .u32 = { w0, w1, a->u32[2] + small1(w0), a->u32[3] + small1(w1) } };
}

/* r may be the cell of an operand's value */
bool ir_interp_crypto(const struct ir_insn *in, cell *r, const cell *a, const cell *b, const cell *c)
{
    switch (in->op) {
    case IR_AESE: case IR_AESEL: case IR_AESD: case IR_AESDL: *r = aes_round(in->op, a, b); break;
    case IR_AESIMC: *r = mix_columns(a, backward); break;
    case IR_AESKEY: *r = aes_key(a, in->aux); break;
    case IR_CLMUL: *r = multiply(a, b, in->aux); break;
    case IR_SHA1R: *r = sha1_rounds(a, b, in->aux); break;
    case IR_SHA1E: *r = sha1_next(a, b); break;
    case IR_SHA1M1: *r = sha1_message1(a, b); break;
    case IR_SHA1M2: *r = sha1_message2(a, b); break;
    case IR_SHA2R: *r = sha256_rounds(a, b, c); break;
    case IR_SHA2M1: *r = sha256_message1(a, b); break;
    case IR_SHA2M2: *r = sha256_message2(a, b); break;
    default: return false;
    }
    return true;
}
