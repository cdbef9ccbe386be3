/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_host_doubles.h: chains of operations on doubles for test_host_x86_64.c, with env.runs (host.h, HOST_R_RUN). A host may leave out the test of
 * an operand because of what earlier tests and operations say of it. So each chain here is led, by the values that it computes while it is
 * made, to where such a bound ends: products that become tiny or nearly so, sums that cancel to the last bit, quotients and roots of
 * the least operands that pass, infinities that meet. Whatever a bound misses shows as a missing flag, a NaN or an operand that was denormal.
 * Other chains mix floats and doubles.
 */
union lanes { double d[2]; uint64_t q[2]; };
enum { N_CHAIN = 6, N_CELLS = 16, USUAL = 0x1f80 };
static int least = 200;                                   /* 2^-least is the least that a host takes without knowing the operation */
enum { ONE, ONE_ULP, TWO_ULPS, FOUR_ULPS, ROUGH, ROUGH2, UNIT, MINUS, THREE, BIG, ZERO, SOME, SPECIAL_A, SPECIAL_B, SOME2, SOME3 };   /* cells */
static struct { union lanes reg[N_XMM], cell[N_CELLS]; uint32_t fpcr; } given, now;
static uint64_t chain_pc;
static bool chain_packed;

static void given_state(struct guest *g)
{
    for (unsigned k = 0; k < N_XMM; k++)
        memcpy(g->vec[k][0].b, &given.reg[k], 16);
    memcpy(memory, given.cell, sizeof given.cell);
    g->fpcr = given.fpcr;
}

static uint64_t power(int e) { return (uint64_t)(1023 + e) << 52; }
static void set_cell(unsigned k, uint64_t low, uint64_t high) { given.cell[k] = (union lanes){ .q = { low, high } }; }
static void same_cell(unsigned k, uint64_t v) { set_cell(k, v, v); }

/* exponents at which a test or a bound changes its mind */
static uint64_t edge_double(void)
{
    static const int16_t edges[] = { -200, -200, -252, -969, -970, -1020, -1021, -1022, -510, 1020, 1021, 1023, 1022, 512, 511, 0, 31, 52 };
    uint64_t sign = rnd(3) ? 0 : 1ull << 63, fraction = rnd(3) ? rnd(4) : (uint64_t)rnd(1 << 26) << 26 | rnd(1 << 26);
    switch (rnd(24)) {
    case 0: return sign;
    case 1: return some_double();
    case 2: return sign | 1 | fraction;
    case 3: return sign | power(1023) | ((1ull << 52) - 1);
    default: return sign | power(edges[rnd(sizeof edges / sizeof *edges)] + (rnd(8) ? 0 : -1)) | fraction;
    }
}

static uint64_t mild_double(void)
{
    static const int16_t edges[] = { -200, -199, 1023, 1022, 512, 511, 0, 31 };
    uint64_t fraction = rnd(3) ? rnd(3) ? rnd(4) : (1ull << 52) - 1 : (uint64_t)rnd(1 << 26) << 26 | rnd(1 << 26);
    return rnd(12) == 0 ? 0 : (uint64_t)(rnd(3) == 0) << 63 | power(edges[rnd(sizeof edges / sizeof *edges)]) | fraction;
}

static void choose_given(void)
{
    uint64_t rough = (uint64_t)rnd(1 << 20) << rnd(20) | 1;
    for (unsigned k = 0; k < 4; k++)
        same_cell(ONE + k, power(-least) | (k ? 1ull << (k - 1) : 0));
    same_cell(ROUGH, power(-least) | rough);
    set_cell(ROUGH2, power(-least) | (rough + 1), power(-least) | 3);
    same_cell(UNIT, power(0));
    same_cell(MINUS, power(0) | 1ull << 63);
    same_cell(THREE, power(1) | 1ull << 51 | rnd(2));
    same_cell(BIG, power(1023) | ((1ull << 52) - 1));
    same_cell(ZERO, 0);
    for (unsigned k = SOME; k < N_CELLS; k++)
        set_cell(k, edge_double(), edge_double());
    bool wild = rnd(3) == 0;                             /* else with what passes every test */
    for (unsigned k = 0; k < N_XMM; k++)
        given.reg[k] = (union lanes){ .q = { wild ? edge_double() : mild_double(), wild ? edge_double() : mild_double() } };
    for (unsigned k = SOME; k < N_CELLS && !wild; k++)
        set_cell(k, mild_double(), mild_double());
    given.fpcr = USUAL | (rnd(2) ? rnd(64) : 0);
    if (rnd(16) == 0)
        given.fpcr ^= 1u << (6 + rnd(10));
}

/* --- making a chain: each function is one guest instruction, and keeps `now` --- */

static ir_ref next_insn(void)
{
    ir_insn_start(&B, chain_pc, 3);
    chain_pc += 3;
    return IR_NONE;
}

static double compute(unsigned op, double a, double b)
{
    switch (op) {
    case IR_VFADD: return a + b;
    case IR_VFSUB: return a - b;
    case IR_VFMUL: return a * b;
    case IR_VFDIV: return a / b;
    case IR_VFMIN: return a < b ? a : b;
    case IR_VFMAX: return a > b ? a : b;
    default: return __builtin_sqrt(b);
    }
}

/* d = d op source; source: a register, or N_XMM + a cell */
static const union lanes *source_of(unsigned source) { return source < N_XMM ? &now.reg[source] : &now.cell[source - N_XMM]; }
static ir_ref operand_of(unsigned source, bool low)
{
    if (source < N_XMM)
        return ir_get(&B, IR_V128, VEC(source));
    ir_ref at = imm(IR_I64, (int64_t)(uintptr_t)memory + 16 * (source - N_XMM));
    return low && rnd(2) ? ir_emit(&B, IR_VLOADL, IR_V128, IR_F64, 0, 0, at, IR_NONE, IR_NONE, 0) : ir_load(&B, IR_V128, at, IR_MEM_ALIGNED);
}
static void chain_op(unsigned op, unsigned d, unsigned source, bool low)
{
    union lanes b = *source_of(source);
    next_insn();
    ir_ref x = ir_get(&B, IR_V128, VEC(d)), y = operand_of(source, low);
    ir_put(&B, IR_V128, VEC(d), ir_emit(&B, op, IR_V128, IR_F64, 0, low ? IR_LOW : 0, x, y, IR_NONE, 0));
    for (unsigned k = 0; k < (low ? 1u : 2u); k++)
        now.reg[d].d[k] = compute(op, now.reg[d].d[k], b.d[k]);
}
static void chain_load(unsigned d, unsigned source, bool low)
{
    next_insn();
    ir_ref v = operand_of(source, low);
    ir_put(&B, IR_V128, VEC(d), v);
    now.reg[d] = *source_of(source);
    if (block.insn[v].op == IR_VLOADL)
        now.reg[d].q[1] = 0;
}
static void chain_pair(unsigned d, unsigned a, unsigned b)
{
    next_insn();
    ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VZIPL, IR_V128, IR_I64, 0, 0, ir_get(&B, IR_V128, VEC(a)), ir_get(&B, IR_V128, VEC(b)), IR_NONE, 0));
    now.reg[d] = (union lanes){ .q = { now.reg[a].q[0], now.reg[b].q[0] } };
}
static void chain_merge(unsigned d, unsigned a)
{
    next_insn();
    ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VMERGE, IR_V128, IR_F64, 0, 0, ir_get(&B, IR_V128, VEC(d)), ir_get(&B, IR_V128, VEC(a)), IR_NONE, 0));
    now.reg[d].q[0] = now.reg[a].q[0];
}
static void chain_store(unsigned a, unsigned cell)
{
    next_insn();
    ir_emit(&B, IR_VSTOREL, IR_V128, IR_F64, 0, 0, imm(IR_I64, (int64_t)(uintptr_t)memory + 16 * cell), ir_get(&B, IR_V128, VEC(a)), IR_NONE, 0);
    now.cell[cell].q[0] = now.reg[a].q[0];
}
static void chain_int(unsigned d)
{
    next_insn();
    ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VCVTGF, IR_V128, IR_F64, 0, 0, ir_get(&B, IR_V128, VEC(d)), imm(IR_I32, rnd(2) ? INT32_MIN : 1 + (int)rnd(3)), IR_NONE, 0));
    now.reg[d].d[0] = (double)(int32_t)block.insn[block.insn[block.n - 2].arg[1]].imm;
}
static void chain_zero(unsigned d)
{
    next_insn();
    ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VZERO, IR_V128, 0, 0, 0, IR_NONE, IR_NONE, IR_NONE, 0));
    now.reg[d] = (union lanes){ .q = { 0 } };
}
static void chain_mode(void)
{
    next_insn();
    ir_put(&B, IR_I32, OFF(g.fpcr), imm(IR_I32, USUAL ^ (rnd(2) ? 0 : rnd(2) ? 0x40 : rnd(2) ? 0x8000 : 0x2000)));
}

/* what shows that a value was not what a host thought */
static void chain_use(unsigned d)
{
    ir_ref x;
    bool low = !chain_packed;
    switch (rnd(9)) {
    case 0: chain_op(IR_VFADD, d, N_XMM + UNIT, low); return;
    case 1: chain_op(IR_VFMUL, d, N_XMM + UNIT, low); return;
    case 2: chain_op(IR_VFMAX, d, N_XMM + ZERO, low); return;
    case 3: chain_op(IR_VFDIV, d, N_XMM + THREE, low); return;
    case 4: chain_op(IR_VFSQRT, d, d, true); return;
    case 5: chain_op(IR_VFSUB, d, d, low); return;
    case 6:
        next_insn();
        x = ir_emit(&B, IR_FCMPF, IR_V128, IR_F64, 0, IR_LOW, ir_get(&B, IR_V128, VEC(d)), operand_of(N_XMM + ZERO, true), IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, x);
        return;
    case 7:                                              /* a double's upper half stays above the float */
        next_insn();
        x = operand_of(rnd(2) ? d : N_XMM + rnd(N_CELLS), true);
        ir_put(&B, IR_V128, VEC(N_CHAIN), ir_emit(&B, IR_VCVTFF, IR_V128, IR_F32, 0, IR_LOW, x, ir_get(&B, IR_V128, VEC(d)), IR_NONE, 0));
        return;
    default: chain_store(d, SOME); chain_load(d, N_XMM + SOME, true); chain_op(IR_VFADD, d, N_XMM + UNIT, true);
    }
}

/* --- products that are nearly tiny, or are --- */

enum { SCALE = 64 };                 /* exponents are in parts of this */
enum { LEAF, LAST_BIT, PRODUCT, SQUARE, MIXED, N_BASES };
static unsigned mixed_roots;
static unsigned base_size(unsigned base)
{
    const unsigned sizes[] = { (unsigned)least * SCALE, (least + 52) * SCALE, 2 * least * SCALE, 2 * least * SCALE };
    return base == MIXED ? sizes[LEAF] + (sizes[LEAF] >> mixed_roots) : sizes[base];
}

static void load_leaf(unsigned d) { chain_load(d, N_XMM + (rnd(2) ? ROUGH + rnd(2) : ONE), !chain_packed); }

static void root_of(unsigned d)
{
    chain_op(IR_VFSQRT, d, d, true);
    if (chain_packed)
        chain_pair(d, d, d);
}

/* reg[d] = 2^-base_size, its root and so on */
static void make_base(unsigned d, unsigned base, unsigned roots)
{
    bool low = !chain_packed;
    switch (base) {
    case LAST_BIT:
        chain_load(d, N_XMM + ONE_ULP, low);
        chain_op(IR_VFSUB, d, N_XMM + ONE, low);
        break;
    case PRODUCT:
        load_leaf(d);
        chain_op(IR_VFMUL, d, N_XMM + ROUGH, low);
        break;
    case SQUARE:
        load_leaf(d);
        chain_op(IR_VFMUL, d, d, low);
        break;
    case MIXED:
        load_leaf(d);
        load_leaf(d + 1);
        for (unsigned k = 0; k < mixed_roots; k++)
            root_of(d + 1);
        chain_op(IR_VFMUL, d, d + 1, low);
        break;
    default: load_leaf(d);
    }
    for (unsigned k = 0; k < roots; k++)
        root_of(d);
}

static void set_special(unsigned k, int e, uint64_t fraction)
{
    same_cell(k, power(e) | fraction);
    now.cell[k] = given.cell[k];
}

/* reg[d] = 2^-size from where the tests of a division and of a root end */
enum { DIVIDEND, QUOTIENT, DIVISOR, RADICAND, ROOT, N_ENDS };
static const unsigned end_size[N_ENDS] = { 969, 1020, 1021, 969, 485 };
static void make_end(unsigned d, unsigned end, uint64_t fraction)
{
    bool low = !chain_packed;
    int a = end == QUOTIENT && rnd(2) ? -500 + (int)rnd(500) : -969 - (rnd(8) == 0);
    set_special(SPECIAL_A, a, fraction);
    switch (end) {
    case DIVIDEND:
        chain_load(d, N_XMM + SPECIAL_A, low);
        chain_load(d + 1, d, false);
        chain_op(IR_VFDIV, d + 1, N_XMM + UNIT, low);
        break;
    case QUOTIENT:
        set_special(SPECIAL_B, a + 1020 + (rnd(8) == 0), rnd(2) ? (1ull << 52) - 1 : rnd(3));
        chain_load(d, N_XMM + SPECIAL_A, low);
        chain_op(IR_VFDIV, d, N_XMM + SPECIAL_B, low);
        break;
    case DIVISOR:
        set_special(SPECIAL_B, -1021 - (rnd(8) == 0), fraction);
        chain_load(d, N_XMM + SPECIAL_B, low);
        chain_load(d + 1, N_XMM + ROUGH, low);
        chain_op(IR_VFDIV, d + 1, d, low);
        break;
    default:
        chain_load(d, N_XMM + SPECIAL_A, false);
        chain_load(d + 1, d, false);
        chain_op(IR_VFSQRT, d + 1, d + 1, true);
        if (end == ROOT)
            chain_op(IR_VFMUL, d, N_XMM + ZERO, true), chain_load(d, d + 1, false);
    }
}

static void tiny_product(void)
{
    unsigned base = 0, roots = 0, end = N_ENDS, squares = 0, size;
    bool tight = rnd(4);
    chain_packed = rnd(4) == 0;
    do {                                                 /* until the product is not far from tiny */
        base = rnd(N_BASES), roots = rnd(6), mixed_roots = 1 + rnd(6);
        size = base_size(base) >> roots;
        if (rnd(3))
            end = rnd(N_ENDS), size += end_size[end] * SCALE, squares = 0;
        else
            end = N_ENDS, size <<= squares = 1 + rnd(4);
    } while (size < (tight ? 1016 : 1000) * SCALE || size > (tight ? 1032 : rnd(8) ? 1060 : 1700) * SCALE);
    if (rnd(8) == 0) {                                   /* two ends */
        make_end(0, DIVIDEND, rnd(3));
        if (rnd(2))
            set_special(SPECIAL_A, -60 - (int)rnd(100), 3);
        set_special(SOME2, -969, rnd(3));
        chain_load(2, N_XMM + SOME2, !chain_packed);
        chain_load(3, 2, false);
        chain_op(IR_VFDIV, 3, N_XMM + UNIT, !chain_packed);
        chain_op(IR_VFMUL, 0, 2, !chain_packed);
        chain_use(0);
        return;
    }
    if (rnd(8) == 0) {                                   /* the smaller of a small number and one that is at least 1 */
        make_base(2, base, roots);
        chain_int(0);
        switch (rnd(4)) {
        case 0: chain_pair(2, 0, 2); chain_packed = true; break;
        case 1: chain_pair(2, 2, 0); chain_packed = true; break;
        default: chain_op(IR_VFMIN + rnd(2), 2, 0, true); chain_packed = false;
        }
        for (unsigned k = 1 + rnd(6); k; k--)
            chain_op(IR_VFMUL, 2, 2, !chain_packed);
        chain_use(2);
        return;
    }
    {
        make_base(2, base, roots);
    }
    if (end < N_ENDS) {
        make_end(0, end, rnd(3));
        rnd(2) ? chain_op(IR_VFMUL, 0, 2, !chain_packed) : (chain_op(IR_VFMUL, 2, 0, !chain_packed), chain_load(0, 2, false));
    } else
        chain_load(0, 2, false);
    for (; squares; squares--)
        chain_op(IR_VFMUL, 0, 0, !chain_packed);
    chain_use(0);
}

/* differences of what differs by its last bits, and products of such */
static void last_bit(void)
{
    unsigned kind = rnd(7), size, roots = 1 + rnd(2);
    bool low;
    chain_packed = kind != 4 && rnd(4) == 0;
    low = !chain_packed;
    switch (kind) {
    case 0: case 1: case 2:                              /* of dividends, of divisors, of quotients */
        size = 1 + rnd(4);
        make_end(0, kind, 0);
        make_end(2, kind, 0);
        set_special(SOME2, kind == 0 ? -969 : kind == 2 ? -1021 : -500, size);
        if (kind == 1) {
            set_special(SPECIAL_A, -500, 0);
            set_special(SPECIAL_B, 520, 0);
        }
        chain_load(2, N_XMM + SOME2, low);
        chain_load(0, N_XMM + (kind == 2 ? SPECIAL_B : SPECIAL_A), low);
        for (unsigned d = 0; d < 4; d += 2)
            if (kind == 1)
                chain_op(IR_VFDIV, d, N_XMM + SPECIAL_B, low);
            else {
                chain_load(4, kind == 0 ? d : N_XMM + ROUGH, low);
                chain_op(IR_VFDIV, 4, kind == 0 ? N_XMM + UNIT : d, low);
            }
        break;
    case 3:                                              /* products */
        chain_load(0, N_XMM + ONE, low);
        chain_load(2, N_XMM + ONE_ULP, low);
        mixed_roots = 1 + rnd(3);
        make_base(4, rnd(N_BASES), rnd(3));
        for (unsigned d = 0; d < 4; d += 2)
            chain_op(IR_VFMUL, d, 4, low);
        break;
    case 4: case 5:                                      /* roots, and products of them with their difference */
        set_special(SPECIAL_A, kind == 4 ? -969 + (int)rnd(20) : -least, 0);
        set_special(SPECIAL_B, kind == 4 ? (int)(now.cell[SPECIAL_A].q[0] >> 52) - 1023 : -least, roots == 1 ? 4 : 8);
        for (unsigned d = 0; d < 4; d += 2) {
            chain_load(d, N_XMM + (d ? SPECIAL_B : SPECIAL_A), low);
            for (unsigned k = 0; k < roots; k++)
                root_of(d);
        }
        if (rnd(4) == 0)
            break;
        chain_load(4, 2, false);
        if (rnd(2))
            chain_op(IR_VFSUB, 4, 0, low);
        for (unsigned d = 0; d < 4; d += 2)
            chain_op(IR_VFMUL, d, 4, low);
        break;
    default:                                             /* squares of squares */
        make_base(0, rnd(2) * SQUARE, 0);
        chain_load(2, N_XMM + ONE_ULP, low);
        if (rnd(2))
            chain_op(IR_VFMUL, 2, 2, low), chain_op(IR_VFMUL, 0, 0, low);
        chain_op(IR_VFMUL, 2, 2, low);
    }
    chain_op(IR_VFSUB, 2, 0, low);
    while (now.reg[2].d[0] != 0 && __builtin_fabs(now.reg[2].d[0]) > 0x1p-1022 && rnd(4))
        chain_op(IR_VFMUL, 2, 2, low);
    chain_use(2);
}

/* --- an adversary: of some instructions, the one whose result goes farthest towards what it wants, or is no number --- */

static double eagerness(unsigned aim, double r)
{
    double m = __builtin_fabs(r);
    if (r != r)
        return 4000;
    if (aim == 0)
        return m > 0 ? m < 0x1p-1022 ? 3000 : -(double)__builtin_ilogb(m) : -2000;
    return m > 0x1.fffffffffffffp1023 ? 1500 + rnd(200) : m > 0 ? (double)__builtin_ilogb(m) : -2000;
}

static void eager_op(unsigned aim)
{
    static const uint8_t ops[] = { IR_VFADD, IR_VFSUB, IR_VFMUL, IR_VFMUL, IR_VFADD, IR_VFMIN, IR_VFMAX, IR_VFDIV, IR_VFSQRT, IR_VFSUB };
    struct { unsigned op, d, source; bool low; double value; } best = { .value = -1e300 };
    for (unsigned k = 0, n = 1 + rnd(12); k < n; k++) {
        unsigned op = ops[rnd(sizeof ops)], d = rnd(N_CHAIN), source = rnd(2) ? rnd(N_CHAIN) : rnd(3) ? d : N_XMM + rnd(N_CELLS);
        bool low = op == IR_VFSQRT || rnd(2);
        unsigned lane = low ? 0 : rnd(2);
        double value = eagerness(aim, compute(op, now.reg[d].d[lane], source_of(source)->d[lane]));
        if (value > best.value)
            best.op = op, best.d = d, best.source = source, best.low = low, best.value = value;
    }
    chain_op(best.op, best.d, best.source, best.low);
}

static void adversary(void)
{
    unsigned aim = rnd(2), n = 3 + rnd(20);
    bool ints = rnd(3) == 0;
    for (unsigned k = 0; k < n; k++)
        switch (rnd(20)) {
        case 0: chain_pair(rnd(N_CHAIN), rnd(N_CHAIN), rnd(N_CHAIN)); break;
        case 1: chain_merge(rnd(N_CHAIN), rnd(N_CHAIN)); break;
        case 2: chain_store(rnd(N_CHAIN), SOME + rnd(5)); break;
        case 3: chain_load(rnd(N_CHAIN), N_XMM + rnd(N_CELLS), rnd(2)); break;
        case 4: rnd(4) ? chain_int(rnd(N_CHAIN)) : chain_zero(rnd(N_CHAIN)); break;
        case 5: rnd(6) ? chain_use(rnd(N_CHAIN)) : chain_mode(); break;
        default:
            if (ints && rnd(4)) {
                unsigned d = rnd(2);
                k < 2 ? chain_int(k) : chain_op(rnd(5) ? IR_VFMUL : k & 1 ? IR_VFSQRT : IR_VFADD, d, rnd(3) ? d : 1 - d, true);
            } else
                eager_op(aim);
        }
}

/* infinities, in one element or in both, that meet or do not */
static void meeting(void)
{
    unsigned n = 2 + rnd(12);
    for (unsigned k = 0; k < n; k++)
        eager_op(1);
    for (unsigned k = 0; k < 3; k++)
        chain_op(IR_VFADD + rnd(3), rnd(3), rnd(3), rnd(2));
}

/* What is known of a low element is not known of the other: great numbers of both signs and what fails a test, moved from one to the other. */
static void mixture(void)
{
    static const uint8_t ops[] = { IR_VFADD, IR_VFADD, IR_VFADD, IR_VFSUB, IR_VFMUL, IR_VFMIN, IR_VFMAX };
    uint64_t sign = 1ull << 63, great = given.cell[BIG].q[0], odd[] = { 1, power(1024), power(1024) | 1, great | sign, great, 0 };
    const uint64_t kinds[][2] = { { great, great | sign }, { great | sign, great }, { great, great }, { power(0), odd[rnd(6)] }, { 0, great }, { great, 0 }, { great | sign, great | sign },
                                  { power(0), great } };
    unsigned n = 2 + rnd(10), regs = 2 + rnd(2);
    for (unsigned k = SOME; k < N_CELLS; k++) {
        const uint64_t *v = kinds[rnd(8)];
        set_cell(k, v[0], v[1]);
        now.cell[k] = given.cell[k];
    }
    for (unsigned d = 0; d < regs; d++) {
        chain_load(d, N_XMM + SOME + d, false);
        unsigned what = rnd(6);
        if (what == 0)
            chain_int(d);
        if (what == 1)
            chain_op(IR_VFSQRT, d, d, true);
        if (what == 2 || rnd(4) == 0)
            chain_op(IR_VFADD, d, d, rnd(2));
    }
    for (unsigned k = 0; k < n; k++) {
        unsigned d = rnd(regs), a = rnd(regs);
        switch (rnd(10)) {
        case 0: chain_pair(d, a, rnd(regs)); break;
        case 1: chain_merge(d, a); break;
        case 2: chain_op(IR_VFMUL, d, d, true); break;
        case 3: chain_op(IR_VFSQRT, d, a, true); break;
        default: chain_op(ops[rnd(sizeof ops)], d, a, rnd(2));
        }
    }
}

/* Small numbers whose bounds grow: squared so often that no number could hold the exponent, then as any other. */
static void growth(void)
{
    chain_int(0);
    chain_int(2);
    if (rnd(2))
        chain_op(IR_VFMUL, 0, 2, true);
    if (rnd(2))
        chain_op(IR_VFADD, 0, 2, true);
    if (rnd(3) == 0)
        chain_op(IR_VFSQRT, 0, 0, true);
    chain_load(1, 0, false);
    for (unsigned k = 0, n = 1 + rnd(18); k < n; k++)
        for (unsigned d = 0; d < 2; d++)
            chain_op(IR_VFMUL, d, d, true);
    chain_op(IR_VFSUB + rnd(2), 0, rnd(3) ? 1 : N_XMM + ZERO, true);
    chain_use(0);
}

/* --- floats, with doubles between them: forms of a register beside the register itself, and what stands above a low float --- */

static uint32_t edge_float(void)
{
    static const int16_t edges[] = { 0, 0, 0, 1, 2, -1, -2, -30, 30, -60, -61, -62, 60, 61, 62, -102, -103, -125, -126, 126, 127 };
    uint32_t sign = rnd(3) ? 0 : 1u << 31, fraction = rnd(3) ? rnd(4) : rnd(1 << 23);
    switch (rnd(40)) {
    case 0: return sign;
    case 1: return sign | 1 | fraction;
    case 2: return sign | 0x7f800000 | (rnd(2) ? fraction : 0);
    default: return sign | (uint32_t)(127 + edges[rnd(rnd(3) ? 9 : sizeof edges / sizeof *edges)]) << 23 | fraction;
    }
}
static uint64_t two_floats(void) { return (uint64_t)edge_float() << 32 | edge_float(); }

/* op: VFADD and its like, VFSQRT, VCVTFF */
static void single(unsigned op, unsigned lane, unsigned d, unsigned a, ir_ref b, bool low)
{
    ir_put(&B, IR_V128, VEC(d), ir_emit(&B, op, IR_V128, lane, op == IR_VFCMP ? rnd(3) : 0, low ? IR_LOW : 0, ir_get(&B, IR_V128, VEC(a)), b, IR_NONE, 0));
}

static void single_insn(void)
{
    static const uint8_t ops[] = { IR_VFADD, IR_VFADD, IR_VFSUB, IR_VFMUL, IR_VFMUL, IR_VFDIV, IR_VFMIN, IR_VFMAX, IR_VFCMP };
    unsigned d = rnd(N_CHAIN), a = rnd(3) ? d : rnd(N_CHAIN), what = rnd(16), lane = rnd(4) ? IR_F32 : IR_F64;
    next_insn();
    ir_ref at = imm(IR_I64, (int64_t)(uintptr_t)memory + 16 * (SOME + rnd(5))), x = ir_get(&B, IR_V128, VEC(rnd(N_CHAIN)));
    ir_ref y = rnd(3) ? x : rnd(2) ? ir_emit(&B, IR_VLOADL, IR_V128, lane, 0, 0, at, IR_NONE, IR_NONE, 0) : ir_load(&B, IR_V128, at, IR_MEM_ALIGNED);
    switch (what) {
    case 0: single(IR_VCVTFF, rnd(2) ? IR_F32 : IR_F64, d, a, y, true); break;
    case 1: single(IR_VFSQRT, lane, d, a, y, true); break;
    case 2: ir_put(&B, IR_V128, VEC(d), y); break;
    case 3: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VMERGE, IR_V128, lane, 0, 0, ir_get(&B, IR_V128, VEC(a)), y, IR_NONE, 0)); break;
    case 4: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, rnd(2) ? IR_VZIPL : IR_VZIPH, IR_V128, rnd(2) ? IR_I32 : IR_I64, 0, 0, ir_get(&B, IR_V128, VEC(a)), y, IR_NONE, 0)); break;
    case 5: ir_emit(&B, IR_VSTOREL, IR_V128, lane, 0, 0, at, x, IR_NONE, 0); break;
    case 6: ir_put(&B, IR_V128, VEC(d), ir_emit(&B, IR_VCVTGF, IR_V128, lane, 0, 0, ir_get(&B, IR_V128, VEC(a)), imm(IR_I32, (int)rnd(100) - 50), IR_NONE, 0)); break;
    case 7:
        x = ir_emit(&B, IR_FCMPF, IR_V128, lane, 0, IR_LOW, ir_get(&B, IR_V128, VEC(d)), y, IR_NONE, 0);
        ir_putf(&B, IR_F_ALL, x);
        break;
    case 8: put(IR_I64, 9, ir_zext(&B, IR_I64, ir_emit(&B, IR_VCVTFG, IR_I32, lane, 0, 1, y, IR_NONE, IR_NONE, 0))); break;
    default: single(ops[rnd(sizeof ops)], lane, d, a, y, rnd(4));
    }
}

static void singles(void)
{
    for (unsigned k = 0; k < N_CHAIN; k++)
        given.reg[k] = (union lanes){ .q = { rnd(6) ? two_floats() : mild_double(), rnd(3) ? two_floats() : edge_double() } };
    for (unsigned k = SOME; k < N_CELLS; k++)
        set_cell(k, rnd(6) ? two_floats() : mild_double(), two_floats());
    given.fpcr |= USUAL;                                 /* what is unmasked here would be left to nobody */
    for (unsigned k = 3 + rnd(16); k; k--)
        single_insn();
}

static void make_chain(void)
{
    static void (*const kinds[])(void) = { tiny_product, tiny_product, last_bit, last_bit, adversary, adversary, meeting, mixture, mixture, growth, singles, singles };
    chain_packed = false;
    choose_given();
    now = given;
    kinds[rnd(sizeof kinds / sizeof *kinds)]();
}

static void test_chains(void **unused)
{
    unsigned n_blocks = getenv("N") ? (unsigned)atoi(getenv("N")) : 10000, first = getenv("FIRST") ? (unsigned)atoi(getenv("FIRST")) : 1;
    catch_crashes();
    env.runs = true;
    n_splits = 0;
    fill_state = given_state;
    for (unsigned s = first; s < first + n_blocks; s++) {
        const char *why = "";
        start_seed(s);
        ir_build_start(&B, &block, chain_pc = 0x400000);
        n_pool = 0;
        make_chain();
        next_insn();
        ir_emit(&B, IR_EXIT, IR_VOID, IR_F_ALL, 0, 0, IR_NONE, IR_NONE, IR_NONE, (int64_t)chain_pc - 3);
        if (ir_verify(&block))
            fprintf(stderr, "seed %u: %s\n", s, ir_verify(&block));
        assert_null(ir_verify(&block));
        ir_opt(&block, false);
        int refused = emit(&why);
        if (refused) {
            fprintf(stderr, "seed %u: %s\n", s, why);
            dump();
        }
        assert_int_equal(refused, 0);
        bool same = compare_once();
        if (!same) {
            fprintf(stderr, "seed %u\n", s);
            dump();
        }
        assert_true(same);
    }
    if (getenv("SHOW"))
        fprintf(stderr, "%u of %u left\n", n_splits, n_blocks);
    assert_true(n_splits * 5 > n_blocks && n_splits * 20 < n_blocks * 19);
    fill_state = NULL;
    env.runs = false;
}
