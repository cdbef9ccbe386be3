/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_interp_x86.h: the part of test_interp.c that asks the processor. Tables: one line an operation, with the instruction's intrinsic or text.
 */
#pragma GCC push_options
#pragma GCC target("sse4.2,popcnt,lzcnt,bmi,bmi2,aes,pclmul,sha")
#include <cpuid.h>
#include <immintrin.h>

static bool is_amd(void) { __builtin_cpu_init(); return __builtin_cpu_is("amd"); }
static bool covered[IR_N_OPS];
static unsigned n_bad;

/* --- vectors: X(name, operation, lane, aux, mod, expression of a, b, c) --- */

#define PS(v) _mm_castsi128_ps(v)
#define PD(v) _mm_castsi128_pd(v)
#define SI(v) _Generic((v), __m128: _mm_castps_si128, __m128d: _mm_castpd_si128, __m128i: same)(v)
static __m128i same(__m128i v) { return v; }
#define LANES(X, op, n8, n16, n32, n64) X(op##8, op, I8, 0, 0, n8) X(op##16, op, I16, 0, 0, n16) X(op##32, op, I32, 0, 0, n32) X(op##64, op, I64, 0, 0, n64)
#define IMM(X, op, lane, mod, f, i, j, k, l) X(op##lane##mod##i, op, lane, i, mod, f(i)) X(op##lane##mod##j, op, lane, j, mod, f(j)) \
    X(op##lane##mod##k, op, lane, k, mod, f(k)) X(op##lane##mod##l, op, lane, l, mod, f(l))
#define F_mpsad(i) _mm_mpsadbw_epu8(a, b, i)
#define F_shli16(i) _mm_slli_epi16(a, i)
#define F_shli32(i) _mm_slli_epi32(a, i)
#define F_shli64(i) _mm_slli_epi64(a, i)
#define F_shri16(i) _mm_srli_epi16(a, i)
#define F_shri32(i) _mm_srli_epi32(a, i)
#define F_shri64(i) _mm_srli_epi64(a, i)
#define F_sari16(i) _mm_srai_epi16(a, i)
#define F_sari32(i) _mm_srai_epi32(a, i)
#define F_bshl(i) _mm_slli_si128(a, i)
#define F_bshr(i) _mm_srli_si128(a, i)
#define F_pshufd(i) _mm_shuffle_epi32(a, i)
#define F_pshuflw(i) _mm_shufflelo_epi16(a, i)
#define F_pshufhw(i) _mm_shufflehi_epi16(a, i)
#define F_shufps(i) SI(_mm_shuffle_ps(PS(a), PS(b), i))
#define F_shufpd(i) SI(_mm_shuffle_pd(PD(a), PD(b), i))
#define F_align(i) _mm_alignr_epi8(a, b, i)
#define F_blend16(i) _mm_blend_epi16(a, b, i)
#define F_blend32(i) SI(_mm_blend_ps(PS(a), PS(b), i))
#define F_blend64(i) SI(_mm_blend_pd(PD(a), PD(b), i))
#define F_insps(i) SI(_mm_insert_ps(PS(a), PS(b), i))
#define WIDEN(X, op, e, from, to, lane) X(op##from##to, op, lane, 0, IR_I##from, _mm_cvtep##e##from##_epi##to(a))

#define VECTOR_OPS(X) \
    X(zero, VZERO, I8, 0, 0, _mm_setzero_si128()) X(ones, VONES, I8, 0, 0, _mm_cmpeq_epi8(a, a)) \
    X(and, VAND, I8, 0, 0, _mm_and_si128(a, b)) X(or, VOR, I8, 0, 0, _mm_or_si128(a, b)) X(xor, VXOR, I8, 0, 0, _mm_xor_si128(a, b)) \
    X(andn, VANDN, I8, 0, 0, _mm_andnot_si128(a, b)) X(movss, VMERGE, F32, 0, 0, SI(_mm_move_ss(PS(a), PS(b)))) \
    X(movsd, VMERGE, F64, 0, 0, SI(_mm_move_sd(PD(a), PD(b)))) \
    LANES(X, VADD, _mm_add_epi8(a, b), _mm_add_epi16(a, b), _mm_add_epi32(a, b), _mm_add_epi64(a, b)) \
    LANES(X, VSUB, _mm_sub_epi8(a, b), _mm_sub_epi16(a, b), _mm_sub_epi32(a, b), _mm_sub_epi64(a, b)) \
    LANES(X, VCMPEQ, _mm_cmpeq_epi8(a, b), _mm_cmpeq_epi16(a, b), _mm_cmpeq_epi32(a, b), _mm_cmpeq_epi64(a, b)) \
    LANES(X, VCMPGT, _mm_cmpgt_epi8(a, b), _mm_cmpgt_epi16(a, b), _mm_cmpgt_epi32(a, b), _mm_cmpgt_epi64(a, b)) \
    LANES(X, VZIPL, _mm_unpacklo_epi8(a, b), _mm_unpacklo_epi16(a, b), _mm_unpacklo_epi32(a, b), _mm_unpacklo_epi64(a, b)) \
    LANES(X, VZIPH, _mm_unpackhi_epi8(a, b), _mm_unpackhi_epi16(a, b), _mm_unpackhi_epi32(a, b), _mm_unpackhi_epi64(a, b)) \
    X(adds8, VADDSS, I8, 0, 0, _mm_adds_epi8(a, b)) X(adds16, VADDSS, I16, 0, 0, _mm_adds_epi16(a, b)) \
    X(addus8, VADDUS, I8, 0, 0, _mm_adds_epu8(a, b)) X(addus16, VADDUS, I16, 0, 0, _mm_adds_epu16(a, b)) \
    X(subs8, VSUBSS, I8, 0, 0, _mm_subs_epi8(a, b)) X(subs16, VSUBSS, I16, 0, 0, _mm_subs_epi16(a, b)) \
    X(subus8, VSUBUS, I8, 0, 0, _mm_subs_epu8(a, b)) X(subus16, VSUBUS, I16, 0, 0, _mm_subs_epu16(a, b)) \
    X(mul16, VMUL, I16, 0, 0, _mm_mullo_epi16(a, b)) X(mul32, VMUL, I32, 0, 0, _mm_mullo_epi32(a, b)) \
    X(mulhs, VMULHS, I16, 0, 0, _mm_mulhi_epi16(a, b)) X(mulhu, VMULHU, I16, 0, 0, _mm_mulhi_epu16(a, b)) \
    X(mulhrs, VMULHRS, I16, 0, 0, _mm_mulhrs_epi16(a, b)) X(muludq, VMULUDQ, I64, 0, 0, _mm_mul_epu32(a, b)) \
    X(mulsdq, VMULSDQ, I64, 0, 0, _mm_mul_epi32(a, b)) X(madd, VMADD, I32, 0, 0, _mm_madd_epi16(a, b)) \
    X(maddus, VMADDUS, I16, 0, 0, _mm_maddubs_epi16(a, b)) X(sad, VSAD, I64, 0, 0, _mm_sad_epu8(a, b)) \
    X(avg8, VAVG, I8, 0, 0, _mm_avg_epu8(a, b)) X(avg16, VAVG, I16, 0, 0, _mm_avg_epu16(a, b)) \
    X(mins8, VMINS, I8, 0, 0, _mm_min_epi8(a, b)) X(mins16, VMINS, I16, 0, 0, _mm_min_epi16(a, b)) X(mins32, VMINS, I32, 0, 0, _mm_min_epi32(a, b)) \
    X(minu8, VMINU, I8, 0, 0, _mm_min_epu8(a, b)) X(minu16, VMINU, I16, 0, 0, _mm_min_epu16(a, b)) X(minu32, VMINU, I32, 0, 0, _mm_min_epu32(a, b)) \
    X(maxs8, VMAXS, I8, 0, 0, _mm_max_epi8(a, b)) X(maxs16, VMAXS, I16, 0, 0, _mm_max_epi16(a, b)) X(maxs32, VMAXS, I32, 0, 0, _mm_max_epi32(a, b)) \
    X(maxu8, VMAXU, I8, 0, 0, _mm_max_epu8(a, b)) X(maxu16, VMAXU, I16, 0, 0, _mm_max_epu16(a, b)) X(maxu32, VMAXU, I32, 0, 0, _mm_max_epu32(a, b)) \
    X(abs8, VABS, I8, 0, 0, _mm_abs_epi8(a)) X(abs16, VABS, I16, 0, 0, _mm_abs_epi16(a)) X(abs32, VABS, I32, 0, 0, _mm_abs_epi32(a)) \
    X(sign8, VSIGN, I8, 0, 0, _mm_sign_epi8(a, b)) X(sign16, VSIGN, I16, 0, 0, _mm_sign_epi16(a, b)) X(sign32, VSIGN, I32, 0, 0, _mm_sign_epi32(a, b)) \
    X(hadd16, VHADD, I16, 0, 0, _mm_hadd_epi16(a, b)) X(hadd32, VHADD, I32, 0, 0, _mm_hadd_epi32(a, b)) X(hadds, VHADDSS, I16, 0, 0, _mm_hadds_epi16(a, b)) \
    X(hsub16, VHSUB, I16, 0, 0, _mm_hsub_epi16(a, b)) X(hsub32, VHSUB, I32, 0, 0, _mm_hsub_epi32(a, b)) X(hsubs, VHSUBSS, I16, 0, 0, _mm_hsubs_epi16(a, b)) \
    X(shl16, VSHL, I16, 0, 0, _mm_sll_epi16(a, c)) X(shl32, VSHL, I32, 0, 0, _mm_sll_epi32(a, c)) X(shl64, VSHL, I64, 0, 0, _mm_sll_epi64(a, c)) \
    X(shr16, VSHR, I16, 0, 0, _mm_srl_epi16(a, c)) X(shr32, VSHR, I32, 0, 0, _mm_srl_epi32(a, c)) X(shr64, VSHR, I64, 0, 0, _mm_srl_epi64(a, c)) \
    X(sar16, VSAR, I16, 0, 0, _mm_sra_epi16(a, c)) X(sar32, VSAR, I32, 0, 0, _mm_sra_epi32(a, c)) \
    IMM(X, VMPSAD, I16, 0, F_mpsad, 0, 3, 5, 6) \
    IMM(X, VSHLI, I16, 0, F_shli16, 0, 1, 15, 16) IMM(X, VSHLI, I32, 0, F_shli32, 0, 1, 31, 32) IMM(X, VSHLI, I64, 0, F_shli64, 0, 1, 63, 200) \
    IMM(X, VSHRI, I16, 0, F_shri16, 0, 1, 15, 16) IMM(X, VSHRI, I32, 0, F_shri32, 0, 1, 31, 32) IMM(X, VSHRI, I64, 0, F_shri64, 0, 1, 63, 200) \
    IMM(X, VSARI, I16, 0, F_sari16, 0, 1, 15, 16) IMM(X, VSARI, I32, 0, F_sari32, 0, 1, 31, 255) \
    IMM(X, VBSHL, I8, 0, F_bshl, 0, 5, 15, 16) IMM(X, VBSHR, I8, 0, F_bshr, 0, 5, 15, 16) \
    IMM(X, VSHUF, I32, 0, F_pshufd, 0, 27, 147, 78) IMM(X, VSHUF, I16, 0, F_pshuflw, 0, 27, 147, 78) IMM(X, VSHUF, I16, 1, F_pshufhw, 0, 27, 147, 78) \
    IMM(X, VSHUF2, F32, 0, F_shufps, 0, 27, 147, 78) IMM(X, VSHUF2, F64, 0, F_shufpd, 0, 1, 2, 3) \
    X(permb, VPERMB, I8, 0, 0, _mm_shuffle_epi8(a, b)) IMM(X, VALIGN, I8, 0, F_align, 0, 7, 17, 33) \
    X(packs16, VPACKS, I16, 0, 0, _mm_packs_epi16(a, b)) X(packs32, VPACKS, I32, 0, 0, _mm_packs_epi32(a, b)) \
    X(packu16, VPACKU, I16, 0, 0, _mm_packus_epi16(a, b)) X(packu32, VPACKU, I32, 0, 0, _mm_packus_epi32(a, b)) \
    IMM(X, VBLENDI, I16, 0, F_blend16, 0, 85, 147, 255) IMM(X, VBLENDI, I32, 0, F_blend32, 0, 5, 9, 15) IMM(X, VBLENDI, I64, 0, F_blend64, 0, 1, 2, 3) \
    X(blendv8, VBLENDV, I8, 0, 0, _mm_blendv_epi8(a, b, c)) X(blendv32, VBLENDV, I32, 0, 0, SI(_mm_blendv_ps(PS(a), PS(b), PS(c)))) \
    X(blendv64, VBLENDV, I64, 0, 0, SI(_mm_blendv_pd(PD(a), PD(b), PD(c)))) IMM(X, VINSPS, F32, 0, F_insps, 0, 0x9c, 0x61, 0xf7) \
    WIDEN(X, VWIDENS, i, 8, 16, I16) WIDEN(X, VWIDENS, i, 8, 32, I32) WIDEN(X, VWIDENS, i, 8, 64, I64) \
    WIDEN(X, VWIDENS, i, 16, 32, I32) WIDEN(X, VWIDENS, i, 16, 64, I64) WIDEN(X, VWIDENS, i, 32, 64, I64) \
    WIDEN(X, VWIDENU, u, 8, 16, I16) WIDEN(X, VWIDENU, u, 8, 32, I32) WIDEN(X, VWIDENU, u, 8, 64, I64) \
    WIDEN(X, VWIDENU, u, 16, 32, I32) WIDEN(X, VWIDENU, u, 16, 64, I64) WIDEN(X, VWIDENU, u, 32, 64, I64) \
    X(minpos, VMINPOS, I16, 0, 0, _mm_minpos_epu16(a)) \
    X(mask8, VMASK, I8, 0, 0, _mm_cvtsi32_si128(_mm_movemask_epi8(a))) X(mask32, VMASK, I32, 0, 0, _mm_cvtsi32_si128(_mm_movemask_ps(PS(a)))) \
    X(mask64, VMASK, I64, 0, 0, _mm_cvtsi32_si128(_mm_movemask_pd(PD(a)))) X(movi, VMOVI, I64, 0, 0, _mm_move_epi64(a)) \
    X(ext8, VEXTR, I8, 11, 0, _mm_cvtsi32_si128(_mm_extract_epi8(a, 11))) X(ext16, VEXTR, I16, 5, 0, _mm_cvtsi32_si128(_mm_extract_epi16(a, 5))) \
    X(ext32, VEXTR, I32, 2, 0, _mm_cvtsi32_si128(_mm_extract_epi32(a, 2))) X(ext64, VEXTR, I64, 1, 0, _mm_unpackhi_epi64(a, _mm_setzero_si128())) \
    X(ins8, VINS, I8, 11, 0, _mm_insert_epi8(a, _mm_cvtsi128_si32(b), 11)) X(ins16, VINS, I16, 5, 0, _mm_insert_epi16(a, _mm_cvtsi128_si32(b), 5)) \
    X(ins32, VINS, I32, 2, 0, _mm_insert_epi32(a, _mm_cvtsi128_si32(b), 2)) X(ins64, VINS, I64, 1, 0, _mm_insert_epi64(a, _mm_cvtsi128_si64(b), 1))

#define F_aeskey(i) _mm_aeskeygenassist_si128(a, i)
#define F_clmul(i) _mm_clmulepi64_si128(a, b, i)
#define F_sha1r(i) _mm_sha1rnds4_epu32(a, b, i)
#define CRYPTO_OPS(X) \
    X(aesenc, AESE, I8, 0, 0, _mm_aesenc_si128(a, b)) X(aesenclast, AESEL, I8, 0, 0, _mm_aesenclast_si128(a, b)) \
    X(aesdec, AESD, I8, 0, 0, _mm_aesdec_si128(a, b)) X(aesdeclast, AESDL, I8, 0, 0, _mm_aesdeclast_si128(a, b)) \
    X(aesimc, AESIMC, I8, 0, 0, _mm_aesimc_si128(a)) IMM(X, AESKEY, I8, 0, F_aeskey, 0, 1, 54, 255) IMM(X, CLMUL, I64, 0, F_clmul, 0, 1, 16, 255) \
    IMM(X, SHA1R, I32, 0, F_sha1r, 0, 1, 2, 3) X(sha1e, SHA1E, I32, 0, 0, _mm_sha1nexte_epu32(a, b)) X(sha1m1, SHA1M1, I32, 0, 0, _mm_sha1msg1_epu32(a, b)) \
    X(sha1m2, SHA1M2, I32, 0, 0, _mm_sha1msg2_epu32(a, b)) X(sha2r, SHA2R, I32, 0, 0, _mm_sha256rnds2_epu32(a, b, c)) \
    X(sha2m1, SHA2M1, I32, 0, 0, _mm_sha256msg1_epu32(a, b)) X(sha2m2, SHA2M2, I32, 0, 0, _mm_sha256msg2_epu32(a, b))

/* --- floating point --- */

#define BOTH(X, op, f, n) X(n##ps, op, F32, 0, 0, SI(_mm_##f##_ps(PS(a), PS(b)))) X(n##pd, op, F64, 0, 0, SI(_mm_##f##_pd(PD(a), PD(b)))) \
    X(n##ss, op, F32, 0, IR_LOW, SI(_mm_##f##_ss(PS(a), PS(b)))) X(n##sd, op, F64, 0, IR_LOW, SI(_mm_##f##_sd(PD(a), PD(b))))
#define PACKED(X, op, f, n) X(n##ps, op, F32, 0, 0, SI(_mm_##f##_ps(PS(a), PS(b)))) X(n##pd, op, F64, 0, 0, SI(_mm_##f##_pd(PD(a), PD(b))))
#define COMPARE(X, i, f) X(f##ps, VFCMP, F32, i, 0, SI(_mm_cmp##f##_ps(PS(a), PS(b)))) X(f##pd, VFCMP, F64, i, 0, SI(_mm_cmp##f##_pd(PD(a), PD(b)))) \
    X(f##ss, VFCMP, F32, i, IR_LOW, SI(_mm_cmp##f##_ss(PS(a), PS(b)))) X(f##sd, VFCMP, F64, i, IR_LOW, SI(_mm_cmp##f##_sd(PD(a), PD(b))))
#define F_roundps(i) SI(_mm_round_ps(PS(b), i))
#define F_roundpd(i) SI(_mm_round_pd(PD(b), i))
#define F_roundss(i) SI(_mm_round_ss(PS(a), PS(b), i))
#define F_roundsd(i) SI(_mm_round_sd(PD(a), PD(b), i))
#define F_dpps(i) SI(_mm_dp_ps(PS(a), PS(b), i))
#define F_dppd(i) SI(_mm_dp_pd(PD(a), PD(b), i))
#define FLOAT_OPS(X) \
    BOTH(X, VFADD, add, add) BOTH(X, VFSUB, sub, sub) BOTH(X, VFMUL, mul, mul) BOTH(X, VFDIV, div, div) BOTH(X, VFMIN, min, min) BOTH(X, VFMAX, max, max) \
    X(sqrtps, VFSQRT, F32, 0, 0, SI(_mm_sqrt_ps(PS(b)))) X(sqrtpd, VFSQRT, F64, 0, 0, SI(_mm_sqrt_pd(PD(b)))) \
    X(sqrtss, VFSQRT, F32, 0, IR_LOW, SI(_mm_move_ss(PS(a), _mm_sqrt_ss(PS(b))))) X(sqrtsd, VFSQRT, F64, 0, IR_LOW, SI(_mm_sqrt_sd(PD(a), PD(b)))) \
    X(rcpps, VFRCP, F32, 0, 0, SI(_mm_rcp_ps(PS(b)))) X(rcpss, VFRCP, F32, 0, IR_LOW, SI(_mm_move_ss(PS(a), _mm_rcp_ss(PS(b))))) \
    X(rsqrtps, VFRSQRT, F32, 0, 0, SI(_mm_rsqrt_ps(PS(b)))) X(rsqrtss, VFRSQRT, F32, 0, IR_LOW, SI(_mm_move_ss(PS(a), _mm_rsqrt_ss(PS(b))))) \
    IMM(X, VFROUND, F32, 0, F_roundps, 0, 4, 11, 13) IMM(X, VFROUND, F64, 0, F_roundpd, 1, 4, 10, 12) \
    IMM(X, VFROUND, F32, 1, F_roundss, 2, 4, 8, 12) IMM(X, VFROUND, F64, 1, F_roundsd, 3, 4, 9, 12) \
    COMPARE(X, 0, eq) COMPARE(X, 1, lt) COMPARE(X, 2, le) COMPARE(X, 3, unord) COMPARE(X, 4, neq) COMPARE(X, 5, nlt) COMPARE(X, 6, nle) COMPARE(X, 7, ord) \
    PACKED(X, VFADDSUB, addsub, addsub) PACKED(X, VFHADD, hadd, hadd) PACKED(X, VFHSUB, hsub, hsub) \
    IMM(X, VFDP, F32, 0, F_dpps, 0xff, 0x71, 0xae, 0x5f) IMM(X, VFDP, F64, 0, F_dppd, 0x33, 0x31, 0x12, 0x21) \
    X(ps2pd, VCVTFF, F64, 0, 0, SI(_mm_cvtps_pd(PS(b)))) X(pd2ps, VCVTFF, F32, 0, 0, SI(_mm_cvtpd_ps(PD(b)))) \
    X(ss2sd, VCVTFF, F64, 0, IR_LOW, SI(_mm_cvtss_sd(PD(a), PS(b)))) X(sd2ss, VCVTFF, F32, 0, IR_LOW, SI(_mm_cvtsd_ss(PS(a), PD(b)))) \
    X(dq2ps, VCVTIF, F32, 0, 0, SI(_mm_cvtepi32_ps(a))) X(dq2pd, VCVTIF, F64, 0, 0, SI(_mm_cvtepi32_pd(a))) \
    X(ps2dq, VCVTFI, F32, 0, 0, _mm_cvtps_epi32(PS(a))) X(pd2dq, VCVTFI, F64, 0, 0, _mm_cvtpd_epi32(PD(a))) \
    X(tps2dq, VCVTFI, F32, 0, 1, _mm_cvttps_epi32(PS(a))) X(tpd2dq, VCVTFI, F64, 0, 1, _mm_cvttpd_epi32(PD(a)))
/* results or operands are integers: aux of the table = the integer's type */
#define FLOAT_INTEGERS(X) \
    X(si2ss, VCVTGF, F32, IR_I32, 0, SI(_mm_cvtsi32_ss(PS(a), _mm_cvtsi128_si32(b)))) X(sq2ss, VCVTGF, F32, IR_I64, 0, SI(_mm_cvtsi64_ss(PS(a), _mm_cvtsi128_si64(b)))) \
    X(si2sd, VCVTGF, F64, IR_I32, 0, SI(_mm_cvtsi32_sd(PD(a), _mm_cvtsi128_si32(b)))) X(sq2sd, VCVTGF, F64, IR_I64, 0, SI(_mm_cvtsi64_sd(PD(a), _mm_cvtsi128_si64(b)))) \
    X(ss2si, VCVTFG, F32, IR_I32, 0, _mm_cvtsi32_si128(_mm_cvtss_si32(PS(a)))) X(ss2sq, VCVTFG, F32, IR_I64, 0, _mm_cvtsi64_si128(_mm_cvtss_si64(PS(a)))) \
    X(sd2si, VCVTFG, F64, IR_I32, 0, _mm_cvtsi32_si128(_mm_cvtsd_si32(PD(a)))) X(sd2sq, VCVTFG, F64, IR_I64, 0, _mm_cvtsi64_si128(_mm_cvtsd_si64(PD(a)))) \
    X(tss2si, VCVTFG, F32, IR_I32, 1, _mm_cvtsi32_si128(_mm_cvttss_si32(PS(a)))) X(tss2sq, VCVTFG, F32, IR_I64, 1, _mm_cvtsi64_si128(_mm_cvttss_si64(PS(a)))) \
    X(tsd2si, VCVTFG, F64, IR_I32, 1, _mm_cvtsi32_si128(_mm_cvttsd_si32(PD(a)))) X(tsd2sq, VCVTFG, F64, IR_I64, 1, _mm_cvtsi64_si128(_mm_cvttsd_si64(PD(a))))

typedef __m128i vector_fn(__m128i a, __m128i b, __m128i c);
#define DEFINE(name, op, lane, aux, mod, E) static __attribute__((noinline)) __m128i v_##name(__m128i a, __m128i b, __m128i c) { return E; }
VECTOR_OPS(DEFINE) CRYPTO_OPS(DEFINE) FLOAT_OPS(DEFINE) FLOAT_INTEGERS(DEFINE)
struct vector_case { const char *name; uint8_t op, lane, aux, mod; vector_fn *fn; };
#define LIST(name, op, lane, aux, mod, E) { #name, IR_##op, IR_##lane, aux, mod, v_##name },
static const struct vector_case vector_cases[] = { VECTOR_OPS(LIST) };
static const struct vector_case crypto_cases[] = { CRYPTO_OPS(LIST) };
static const struct vector_case float_cases[] = { FLOAT_OPS(LIST) };
static const struct vector_case float_integer_cases[] = { FLOAT_INTEGERS(LIST) };
#define N(table) (sizeof table / sizeof *table)

static __m128i m128(const union ir_cell *v) { return _mm_loadu_si128((const __m128i *)v); }

static void fail_case(const char *name, const struct guest *g, const union ir_cell *want, unsigned got_flags, unsigned want_flags) {
    if (n_bad++ >= 20) return;
#define HEX(v) (unsigned long long)(v).u64[1], (unsigned long long)(v).u64[0]
    print_message("%s a %016llx_%016llx b %016llx_%016llx c %016llx_%016llx: got %016llx_%016llx %#x, processor %016llx_%016llx %#x\n", name,
                  HEX(g->v[0]), HEX(g->v[1]), HEX(g->v[2]), HEX(g->v[3]), got_flags, HEX(*want), want_flags);
}

/* v3 = op(v0, v1, v2), with as many operands as the signature asks for, of the types that it asks for */
static void vector_block(const struct vector_case *t) {
    const char *sig = ir_op_info[t->op].sig;
    struct ir_insn in = { .op = t->op, .type = IR_V128, .lane = t->lane, .aux = t->aux, .mod = t->mod, .arg = { IR_NONE, NO } };
    enum ir_type integer = t->op == IR_VMOVI ? IR_I64 : t->lane;
    start();
    if (t->op == IR_VCVTGF || t->op == IR_VCVTFG) { integer = t->aux; in.aux = 0; }
    for (unsigned k = 0; sig[2 + k]; k++) in.arg[k] = get(strchr("iL", sig[2 + k]) ? integer : IR_V128, k);
    if (t->op == IR_VSHL || t->op == IR_VSHR || t->op == IR_VSAR) in.arg[1] = get(IR_V128, 2);
    if (strchr("T4L", sig[0])) in.type = t->op == IR_VMASK ? IR_I32 : t->op == IR_VCVTFG ? t->aux : t->lane;
    ir_ref r = add(in);
    if (in.type == IR_V128) put(IR_V128, 3, r);
    else put(IR_I128, 3, INSN(.op = IR_ZEXT, .type = IR_I128, .arg = { r, NO }));
    finish();
    covered[t->op] = true;
}

static void compare_vectors(const struct vector_case *t, const struct vector_case *end) {
    n_bad = 0;
    for (; t < end; t++) {
        vector_block(t);
        for (int i = 0; i < 800; i++) {
            struct guest g = { .mxcsr = 0x1f80 };
            union ir_cell want;
            for (unsigned j = 0; j < 3; j++) g.v[j] = (union ir_cell){ .u64 = { corner(), corner() } };
            if (i & 1) g.v[2].u64[0] = rnd() % 70;
            if (i % 5 == 0) memcpy(&g.v[1], &g.v[0], 1 + rnd() % 16);
            _mm_storeu_si128((__m128i *)&want, t->fn(m128(&g.v[0]), m128(&g.v[1]), m128(&g.v[2])));
            if (t->op == IR_VMASK || t->op == IR_VEXTR) want.u64[1] = 0;
            if (t->op == IR_VEXTR && t->lane < IR_I64) want.u64[0] &= t->lane == IR_I32 ? 0xffffffff : t->lane == IR_I16 ? 0xffff : 0xff;
            assert_int_equal(run(&g), 0);
            if (memcmp(&want, &g.v[3], 16)) fail_case(t->name, &g, &want, 0, 0);
        }
    }
    assert_int_equal(n_bad, 0);
}

static void test_vectors(void **state) { compare_vectors(vector_cases, vector_cases + N(vector_cases)); }

/* Needs a processor with AES, PCLMULQDQ and SHA: leaf 1 ECX, leaf 7 EBX of CPUID */
static void test_crypto(void **state) {
    unsigned a, b, c = 0, d, features = 0;
    for (unsigned k = 0; k < N(crypto_cases); k++) covered[crypto_cases[k].op] = true;
    __get_cpuid(1, &a, &b, &c, &d);
    __get_cpuid_count(7, 0, &a, &features, &b, &d);
    if (!(c & bit_AES) || !(c & bit_PCLMUL) || !(features & bit_SHA)) skip();
    compare_vectors(crypto_cases, crypto_cases + N(crypto_cases));
}

/* --- floating point operands --- */

static uint64_t float_bits(int frac_bits, int exp_bits) {
    static const int16_t near_one[] = { -26, -25, -24, -23, -1, 0, 0, 1, 2, 22, 23, 24, 30, 31, 32, 52, 53, 62, 63, 64 };
    uint64_t max = (1u << exp_bits) - 1, bias = max >> 1, frac = corner() & ((1ull << frac_bits) - 1), exp;
    switch (rnd() & 7) {
    case 0: exp = rnd() & 1; break;
    case 1: exp = max - (rnd() & 1); break;
    case 2: exp = rnd() & max; break;
    case 3: exp = 1 + rnd() % 30; break;
    default: exp = bias + (uint64_t)near_one[rnd() % N(near_one)];
    }
    return (rnd() & 1) << (frac_bits + exp_bits) | exp << frac_bits | frac;
}

static union ir_cell floats(enum ir_type lane) {
    union ir_cell v;
    for (unsigned i = 0; i < 4; i++)
        if (lane == IR_F32) v.u32[i] = (uint32_t)float_bits(23, 8);
        else v.u64[i / 2] = float_bits(52, 11);
    return v;
}

static uint32_t random_mxcsr(void) { return (uint32_t)(0x1f80 | (rnd() & 3) << 13 | (rnd() & 1) << 6 | (rnd() & 1) << 15); }

static void float_operands(const struct vector_case *t, struct guest *g) {
    enum ir_type from = t->op == IR_VCVTFF ? (t->lane == IR_F32 ? IR_F64 : IR_F32) : (enum ir_type)t->lane;
    g->v[0] = floats(t->op == IR_VCVTFF ? (enum ir_type)t->lane : from);
    g->v[1] = floats(from);
    if (t->op == IR_VCVTIF || t->op == IR_VCVTGF) g->v[t->op == IR_VCVTGF] = (union ir_cell){ .u64 = { corner(), corner() } };
    if (rnd() % 5 == 0) memcpy(&g->v[1], &g->v[0], 1 + rnd() % 16);
}

/* DPPS: which NaN of several comes out is the processor's choice; the interpreter's is AMD's */
static bool both_nan(uint64_t x, uint64_t y, enum ir_type lane) {
    enum sf_format f = lane == IR_F32 ? SF_F32 : SF_F64;
    return sf_is_nan(sf_classify(f, sf_f64(x))) && sf_is_nan(sf_classify(f, sf_f64(y)));
}

static bool same_floats(const struct vector_case *t, const union ir_cell *x, const union ir_cell *y) {
    if (!memcmp(x, y, 16)) return true;
    if (t->op != IR_VFDP || is_amd()) return false;
    for (unsigned i = 0; i < (t->lane == IR_F32 ? 4u : 2u); i++) {
        uint64_t v = t->lane == IR_F32 ? x->u32[i] : x->u64[i], w = t->lane == IR_F32 ? y->u32[i] : y->u64[i];
        if (v != w && !both_nan(v, w, t->lane)) return false;
    }
    return true;
}

static void one_float(const struct vector_case *t) {
    struct guest g = { .mxcsr = random_mxcsr() };
    union ir_cell want;
    float_operands(t, &g);
    _mm_setcsr(g.mxcsr);
    __m128i r = t->fn(m128(&g.v[0]), m128(&g.v[1]), m128(&g.v[2]));
    unsigned flags = _mm_getcsr();
    _mm_setcsr(0x1f80);
    _mm_storeu_si128((__m128i *)&want, r);
    if (t->op == IR_VCVTFG) want.u64[1] = 0;
    assert_int_equal(run(&g), 0);
    if (!same_floats(t, &want, &g.v[3]) || g.mxcsr != flags) fail_case(t->name, &g, &want, g.mxcsr, flags);
}

static void test_floats(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < N(float_cases); k++) {
        vector_block(&float_cases[k]);
        for (int i = 0; i < 4000; i++) one_float(&float_cases[k]);
    }
    assert_int_equal(n_bad, 0);
}

static void test_float_integers(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < N(float_integer_cases); k++) {
        vector_block(&float_integer_cases[k]);
        for (int i = 0; i < 4000; i++) one_float(&float_integer_cases[k]);
    }
    assert_int_equal(n_bad, 0);
}

/* random exceptions unmasked: whether the instruction faults, with which flags, and that nothing is written then */
static void one_unmasked(const struct vector_case *t) {
    struct guest g = { .mxcsr = random_mxcsr() & ~((uint32_t)(rnd() & SF_FLAGS) << 7) };
    union ir_cell want = { .u64 = { 0 } };
    float_operands(t, &g);
    int faults = sigsetjmp(leave_to, 1);
    if (!faults) {
        _mm_setcsr(g.mxcsr);
        __m128i r = t->fn(m128(&g.v[0]), m128(&g.v[1]), m128(&g.v[2]));
        left_flags = _mm_getcsr() & SF_FLAGS;
        _mm_setcsr(0x1f80);
        _mm_storeu_si128((__m128i *)&want, r);
        if (t->op == IR_VCVTFG) want.u64[1] = 0;
    }
    _mm_setcsr(0x1f80);
    unsigned flags = left_flags;
    int left = run(&g);
    if ((left == LEFT_FP) != (faults == LEFT_SIGNAL) || !same_floats(t, &want, &g.v[3]) || (g.mxcsr & SF_FLAGS) != flags)
        fail_case(t->name, &g, &want, g.mxcsr | (unsigned)left << 16, flags | (unsigned)faults << 16);
}

static void test_unmasked(void **state) {
    n_bad = 0;
    catch(SIGFPE);
    for (unsigned k = 0; k < N(float_cases); k++) {
        vector_block(&float_cases[k]);
        for (int i = 0; i < 400; i++) one_unmasked(&float_cases[k]);
    }
    signal(SIGFPE, SIG_DFL);
    assert_int_equal(n_bad, 0);
}

/* --- flags --- */

static unsigned packed(uint64_t rflags) {
    static const struct { unsigned bit, flag; } map[] = { { 0, IR_FLAG_C }, { 2, IR_FLAG_P }, { 4, IR_FLAG_A }, { 6, IR_FLAG_Z }, { 7, IR_FLAG_S }, { 11, IR_FLAG_O } };
    unsigned f = 0;
    for (unsigned i = 0; i < N(map); i++) f |= rflags >> map[i].bit & 1 ? map[i].flag : 0;
    return f;
}

/* PTEST and the float compares: X(name, operation, lane, mod, instruction) */
#define TESTS(X) X(ptest, VTESTF, I8, 0) X(ucomiss, FCMPF, F32, IR_LOW) X(comiss, FCMPF, F32, IR_LOW | IR_SIGNAL) \
    X(ucomisd, FCMPF, F64, IR_LOW) X(comisd, FCMPF, F64, IR_LOW | IR_SIGNAL)
#define DEFINE_TEST(name, op, lane, mod) \
    static __attribute__((noinline)) uint64_t t_##name(__m128i a, __m128i b) { \
        uint64_t f; \
        __asm__ volatile(#name " %2, %1; pushfq; popq %0" : "=r"(f) : "x"(a), "x"(b) : "cc"); \
        return f; \
    }
TESTS(DEFINE_TEST)
#define LIST_TEST(name, op, lane, mod) { #name, IR_##op, IR_##lane, mod, t_##name },
static const struct { const char *name; uint8_t op, lane, mod; uint64_t (*fn)(__m128i, __m128i); } test_cases[] = { TESTS(LIST_TEST) };

static void test_vector_tests(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < N(test_cases); k++) {
        start();
        ir_ref r = INSN(.op = test_cases[k].op, .type = IR_V128, .lane = test_cases[k].lane, .mod = test_cases[k].mod,
                        .arg = { get(IR_V128, 0), get(IR_V128, 1), IR_NONE, IR_NONE });
        INSN(.op = IR_PUTF, .type = IR_VOID, .aux = IR_F_ALL, .arg = { r, NO });
        put(IR_V128, 3, r);
        finish();
        covered[test_cases[k].op] = true;
        for (int i = 0; i < 20000; i++) {
            struct guest g = { .mxcsr = random_mxcsr(), .flags = (uint16_t)rnd() };
            bool is_float = test_cases[k].op == IR_FCMPF;
            for (unsigned j = 0; j < 2; j++) g.v[j] = is_float ? floats(test_cases[k].lane) : (union ir_cell){ .u64 = { corner(), rnd() & 1 ? 0 : corner() } };
            if (rnd() % 4 == 0) g.v[1] = g.v[0];
            if (!is_float && rnd() & 1) g.v[1].u128 = rnd() & 1 ? g.v[0].u128 & g.v[1].u128 : ~g.v[0].u128 & g.v[1].u128;
            _mm_setcsr(g.mxcsr);
            unsigned flags = packed(test_cases[k].fn(m128(&g.v[0]), m128(&g.v[1]))), mxcsr = _mm_getcsr();
            _mm_setcsr(0x1f80);
            assert_int_equal(run(&g), 0);
            if ((g.flags & IR_FLAGS_WORD) != flags || g.mxcsr != mxcsr || memcmp(&g.v[0], &g.v[3], 16)) fail_case(test_cases[k].name, &g, &g.v[0], g.flags & IR_FLAGS_WORD, flags);
        }
    }
    assert_int_equal(n_bad, 0);
}

/* --- integers: the instruction's text with %0 = a (in and out), %1 = b, cl = c; N = the b, w, l or q of the register names --- */

struct hw { uint64_t a, b, c, flags, d; };
#define HW(name, text) \
    static void hw_##name(struct hw *h) { \
        uint64_t a = h->a, d = h->b, c = h->c, f = h->flags; \
        __asm__ volatile("subq $136, %%rsp; pushq %3; popfq; " text "; pushfq; popq %3; addq $136, %%rsp" : "+a"(a), "+d"(d), "+c"(c), "+r"(f) : : "cc"); \
        h->a = a; h->d = d; h->flags = f; \
    }
#define SIZES(M, op, insn, two) M(op, 8, insn, two, "%%dl, %%al", "%%al") M(op, 16, insn, two, "%%dx, %%ax", "%%ax") \
    M(op, 32, insn, two, "%%edx, %%eax", "%%eax") M(op, 64, insn, two, "%%rdx, %%rax", "%%rax")
#define BINARY(op, n, insn, two, both, one) HW(op##n, insn " " both)
#define UNARY(op, n, insn, two, both, one) HW(op##n, insn " " one)
#define SHIFT(op, n, insn, two, both, one) HW(op##n, insn " %%cl, " one)
#define DOUBLE(op, n, insn, two, both, one) HW(op##n, insn " %%cl, " both)
SIZES(BINARY, ADDF, "add", 0) SIZES(BINARY, SUBF, "sub", 0) SIZES(BINARY, ADCF, "adc", 0) SIZES(BINARY, SBBF, "sbb", 0)
SIZES(BINARY, ANDF, "and", 0) SIZES(BINARY, ORF, "or", 0) SIZES(BINARY, XORF, "xor", 0)
SIZES(UNARY, NEGF, "neg", 0) SIZES(UNARY, INCF, "inc", 0) SIZES(UNARY, DECF, "dec", 0)
SIZES(SHIFT, SHLF, "shl", 0) SIZES(SHIFT, SHRF, "shr", 0) SIZES(SHIFT, SARF, "sar", 0) SIZES(SHIFT, ROLF, "rol", 0) SIZES(SHIFT, RORF, "ror", 0)
SIZES(SHIFT, RCLF, "rcl", 0) SIZES(SHIFT, RCRF, "rcr", 0)
DOUBLE(SHLDF, 16, "shld", 0, "%%dx, %%ax", "") DOUBLE(SHLDF, 32, "shld", 0, "%%edx, %%eax", "") DOUBLE(SHLDF, 64, "shld", 0, "%%rdx, %%rax", "")
DOUBLE(SHRDF, 16, "shrd", 0, "%%dx, %%ax", "") DOUBLE(SHRDF, 32, "shrd", 0, "%%edx, %%eax", "") DOUBLE(SHRDF, 64, "shrd", 0, "%%rdx, %%rax", "")
HW(UMULF8, "mulb %%dl; movzbl %%ah, %%edx") HW(UMULF16, "mulw %%dx") HW(UMULF32, "mull %%edx") HW(UMULF64, "mulq %%rdx")
HW(SMULF8, "imulb %%dl; movzbl %%ah, %%edx") HW(SMULF16, "imulw %%dx") HW(SMULF32, "imull %%edx") HW(SMULF64, "imulq %%rdx")
HW(BTF16, "btw %%dx, %%ax") HW(BTF32, "btl %%edx, %%eax") HW(BTF64, "btq %%rdx, %%rax")

struct integer_case { uint8_t op, type; void (*fn)(struct hw *); };
#define ROWS(op) { IR_##op, IR_I8, hw_##op##8 }, { IR_##op, IR_I16, hw_##op##16 }, { IR_##op, IR_I32, hw_##op##32 }, { IR_##op, IR_I64, hw_##op##64 }
#define ROWS3(op) { IR_##op, IR_I16, hw_##op##16 }, { IR_##op, IR_I32, hw_##op##32 }, { IR_##op, IR_I64, hw_##op##64 }
static const struct integer_case integer_cases[] = {
    ROWS(ADDF), ROWS(SUBF), ROWS(ADCF), ROWS(SBBF), ROWS(ANDF), ROWS(ORF), ROWS(XORF), ROWS(NEGF), ROWS(INCF), ROWS(DECF), ROWS(SHLF), ROWS(SHRF),
    ROWS(SARF), ROWS(ROLF), ROWS(RORF), ROWS(RCLF), ROWS(RCRF), ROWS3(SHLDF), ROWS3(SHRDF), ROWS(UMULF), ROWS(SMULF), ROWS3(BTF),
};

/* flags that may be compared on any processor */
static unsigned defined_flags(enum ir_op op, unsigned count, unsigned bits) {
    if (is_amd()) return IR_FLAGS_WORD;
    switch (op) {
    case IR_ANDF: case IR_ORF: case IR_XORF: return IR_FLAGS_WORD & ~IR_FLAG_A;
    case IR_UMULF: case IR_SMULF: return IR_FLAG_C | IR_FLAG_O;
    case IR_BTF: return IR_FLAG_C;
    case IR_SHLF: case IR_SHRF: case IR_SARF: case IR_SHLDF: case IR_SHRDF:
        if (count > bits) return 0;
        return IR_FLAGS_WORD & ~(count ? IR_FLAG_A : 0) & ~(count > 1 ? IR_FLAG_O : 0) & ~(count == bits ? IR_FLAG_C : 0);
    case IR_ROLF: case IR_RORF: case IR_RCLF: case IR_RCRF: return IR_FLAGS_WORD & ~(count > 1 ? IR_FLAG_O : 0);
    default: return IR_FLAGS_WORD;
    }
}

/* v3 = result, v2 = second result; v0 = a, v1 = b, count or carry from the state */
static void integer_block(const struct integer_case *t) {
    struct ir_insn in = { .op = t->op, .type = t->type, .arg = { IR_NONE, NO } };
    const char *sig = ir_op_info[t->op].sig + 2;
    start();
    for (unsigned k = 0, t_args = 0; k < strlen(sig); k++)
        in.arg[k] = sig[k] == 'T' ? get(t->type, t_args++) : sig[k] == '8' ? get(IR_I8, 2)
                  : INSN(.op = IR_COND, .type = IR_I1, .aux = IR_CC_B, .arg = { IR_NONE, NO });
    ir_ref r = add(in);
    put(IR_I64, 3, t->type == IR_I64 ? r : INSN(.op = IR_ZEXT, .type = IR_I64, .arg = { r, NO }));
    if (t->op == IR_UMULF || t->op == IR_SMULF) put(t->type, 2, INSN(.op = IR_SECOND, .type = t->type, .arg = { r, NO }));
    INSN(.op = IR_PUTF, .type = IR_VOID, .aux = IR_F_ALL, .arg = { r, NO });
    finish();
    covered[t->op] = covered[IR_SECOND] = true;
}

static void one_integer(const struct integer_case *t) {
    unsigned bits = 8 * ir_type_size[t->type];
    uint64_t mask = ~0ull >> (64 - bits), rflags = 0x202 | (rnd() & 0x8d5), c = rnd() & 3 ? rnd() & 0xff : rnd() & 3;
    struct guest g = { .v = { { .u64 = { corner() } }, { .u64 = { corner() } }, { .u64 = { c } } }, .flags = (uint16_t)packed(rflags) };
    if (rnd() % 8 == 0) g.v[1] = g.v[0];
    struct hw h = { .a = g.v[0].u64[0] & mask, .b = g.v[1].u64[0] & mask, .c = c, .flags = rflags };
    unsigned counted = (unsigned)c & (bits == 64 ? 63 : 31);
    t->fn(&h);
    union ir_cell want = { .u64 = { h.a & mask, h.d & mask } };
    assert_int_equal(run(&g), 0);
    bool two = t->op == IR_UMULF || t->op == IR_SMULF, over = counted > bits && (t->op == IR_SHLDF || t->op == IR_SHRDF) && !is_amd();
    unsigned compared = defined_flags(t->op, counted, bits);
    if ((!over && g.v[3].u64[0] != want.u64[0]) || (two && (g.v[2].u64[0] & mask) != want.u64[1]) || (g.flags & compared) != (packed(h.flags) & compared))
        fail_case(ir_op_info[t->op].name, &g, &want, g.flags & IR_FLAGS_WORD, packed(h.flags));
}

static void test_integer_flags(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < N(integer_cases); k++) {
        integer_block(&integer_cases[k]);
        for (int i = 0; i < 4000; i++) one_integer(&integer_cases[k]);
    }
    assert_int_equal(n_bad, 0);
}

/* operations without flags: X(name, operation, result type, lane, aux, expression in C of the masked a, b) */
#define ROT(T, a, n, w) ((n) % (w) ? (T)((T)(a) << (n) % (w) | (T)(a) >> ((w) - (n) % (w))) : (T)(a))
#define CMPS(X, n, T, S) X(cmpb##n, CMP, I##n, I##n, IR_CC_B, (T)a < (T)b) X(cmpa##n, CMP, I##n, I##n, IR_CC_A, (T)a > (T)b) \
    X(cmpe##n, CMP, I##n, I##n, IR_CC_E, (T)a == (T)b) X(cmpl##n, CMP, I##n, I##n, IR_CC_L, (S)a < (S)b) X(cmpg##n, CMP, I##n, I##n, IR_CC_G, (S)a > (S)b) \
    X(cmpbe##n, CMP, I##n, I##n, IR_CC_BE, (T)a <= (T)b) X(cmpge##n, CMP, I##n, I##n, IR_CC_GE, (S)a >= (S)b) X(cmps##n, CMP, I##n, I##n, IR_CC_S, (S)(T)(a - b) < 0)
#define PLAIN_SIZE(X, n, T, S, w) X(add##n, ADD, I##n, 0, 0, a + b) X(sub##n, SUB, I##n, 0, 0, a - b) X(mul##n, MUL, I##n, 0, 0, a * b) \
    X(and##n, AND, I##n, 0, 0, a & b) X(or##n, OR, I##n, 0, 0, a | b) X(xor##n, XOR, I##n, 0, 0, a ^ b) X(not##n, NOT, I##n, 0, 0, ~a) X(neg##n, NEG, I##n, 0, 0, -a) \
    X(shl##n, SHL, I##n, 0, 0, a << (b & w)) X(shr##n, SHR, I##n, 0, 0, a >> (b & w)) X(sar##n, SAR, I##n, 0, 0, (int64_t)(S)a >> (b & w)) \
    X(rol##n, ROL, I##n, 0, 0, ROT(T, a, b & w, n)) X(ror##n, ROR, I##n, 0, 0, ROT(T, a, n - (b & w) % n, n)) \
    X(clz##n, CLZ, I##n, 0, 0, a ? _lzcnt_u64(a) + n - 64 : n) X(ctz##n, CTZ, I##n, 0, 0, a ? _tzcnt_u64(a) : n) X(popcnt##n, POPCNT, I##n, 0, 0, (uint64_t)_mm_popcnt_u64(a)) \
    CMPS(X, n, T, S)
#define PLAIN_OPS(X) PLAIN_SIZE(X, 8, uint8_t, int8_t, 31) PLAIN_SIZE(X, 16, uint16_t, int16_t, 31) PLAIN_SIZE(X, 32, uint32_t, int32_t, 31) \
    PLAIN_SIZE(X, 64, uint64_t, int64_t, 63) \
    X(bswap16, BSWAP, I16, 0, 0, __builtin_bswap16((uint16_t)a)) X(bswap32, BSWAP, I32, 0, 0, __builtin_bswap32((uint32_t)a)) X(bswap64, BSWAP, I64, 0, 0, __builtin_bswap64(a)) \
    X(pext32, PEXT, I32, 0, 0, _pext_u32((uint32_t)a, (uint32_t)b)) X(pext64, PEXT, I64, 0, 0, _pext_u64(a, b)) \
    X(pdep32, PDEP, I32, 0, 0, _pdep_u32((uint32_t)a, (uint32_t)b)) X(pdep64, PDEP, I64, 0, 0, _pdep_u64(a, b)) \
    X(crc8, CRC32C, I32, I8, 0, _mm_crc32_u8((uint32_t)a, (uint8_t)b)) X(crc16, CRC32C, I32, I16, 0, _mm_crc32_u16((uint32_t)a, (uint16_t)b)) \
    X(crc32, CRC32C, I32, I32, 0, _mm_crc32_u32((uint32_t)a, (uint32_t)b)) X(crc64, CRC32C, I32, I64, 0, _mm_crc32_u64((uint32_t)a, b)) \
    X(lea32, LEA, I32, 0, 3, a + 8 * b - 77) X(lea64, LEA, I64, 0, 2, a + 4 * b - 77)
#define DEFINE_PLAIN(name, op, type, lane, aux, E) static uint64_t p_##name(uint64_t a, uint64_t b) { return (uint64_t)(E); }
PLAIN_OPS(DEFINE_PLAIN)
enum { IR_0 = 0 };
#define LIST_PLAIN(name, op, type, lane, aux, E) { #name, IR_##op, IR_##type, IR_##lane, aux, p_##name },
static const struct { const char *name; uint8_t op, type, lane, aux; uint64_t (*fn)(uint64_t, uint64_t); } plain_cases[] = { PLAIN_OPS(LIST_PLAIN) };

static void plain_block(unsigned k) {
    const char *sig = ir_op_info[plain_cases[k].op].sig;
    enum ir_type type = plain_cases[k].type;
    struct ir_insn in = { .op = plain_cases[k].op, .type = type, .lane = plain_cases[k].lane, .aux = plain_cases[k].aux, .arg = { IR_NONE, NO },
                          .imm = plain_cases[k].op == IR_LEA ? -77 : 0 };
    start();
    in.arg[0] = get(type, 0);
    if (sig[3]) in.arg[1] = sig[3] == '8' ? get(IR_I8, 1) : get(in.op == IR_CRC32C ? plain_cases[k].lane : type, 1);
    if (in.op == IR_CMP) in.type = IR_I1;
    ir_ref r = add(in);
    put(IR_I64, 3, in.type == IR_I64 ? r : INSN(.op = IR_ZEXT, .type = IR_I64, .arg = { r, NO }));
    finish();
    covered[in.op] = true;
}

static void test_integers(void **state) {
    n_bad = 0;
    for (unsigned k = 0; k < N(plain_cases); k++) {
        plain_block(k);
        bool flag = plain_cases[k].op == IR_CMP;
        uint64_t mask = ~0ull >> (64 - 8 * ir_type_size[plain_cases[k].type]);
        bool shift = plain_cases[k].op >= IR_SHL && plain_cases[k].op <= IR_ROR;
        for (int i = 0; i < 2000; i++) {
            struct guest g = { .v = { { .u64 = { corner() } }, { .u64 = { corner() } } } };
            if (i % 6 == 0) g.v[1] = g.v[0];
            uint64_t a = g.v[0].u64[0] & mask, b = g.v[1].u64[0] & (shift ? 0xff : plain_cases[k].lane == IR_I64 ? ~0ull : mask);
            union ir_cell want = { .u64 = { plain_cases[k].fn(a, b) & (flag ? 1 : mask) } };
            assert_int_equal(run(&g), 0);
            if (g.v[3].u64[0] != want.u64[0]) fail_case(plain_cases[k].name, &g, &want, 0, 0);
        }
    }
    assert_int_equal(n_bad, 0);
}

/* --- division --- */

#define DIVIDE(n, insn, setup) \
    static int divide_##n(uint64_t *high, uint64_t *low, uint64_t d) { \
        int how = sigsetjmp(leave_to, 1); \
        if (how) return how; \
        uint64_t a = *low, h = *high; \
        __asm__ volatile(setup insn : "+a"(a), "+d"(h) : "c"(d) : "cc"); \
        *low = a; *high = h; \
        return 0; \
    }
DIVIDE(u8, "divb %%cl; movzbl %%ah, %%edx", "movb %%dl, %%ah; ") DIVIDE(u16, "divw %%cx", "") DIVIDE(u32, "divl %%ecx", "") DIVIDE(u64, "divq %%rcx", "")
DIVIDE(s8, "idivb %%cl; movzbl %%ah, %%edx", "movb %%dl, %%ah; ") DIVIDE(s16, "idivw %%cx", "") DIVIDE(s32, "idivl %%ecx", "") DIVIDE(s64, "idivq %%rcx", "")
static const struct { uint8_t op, type; int (*fn)(uint64_t *, uint64_t *, uint64_t); } divide_cases[] = {
    { IR_DIVU, IR_I8, divide_u8 }, { IR_DIVU, IR_I16, divide_u16 }, { IR_DIVU, IR_I32, divide_u32 }, { IR_DIVU, IR_I64, divide_u64 },
    { IR_DIVS, IR_I8, divide_s8 }, { IR_DIVS, IR_I16, divide_s16 }, { IR_DIVS, IR_I32, divide_s32 }, { IR_DIVS, IR_I64, divide_s64 },
};

static void one_divide(unsigned k) {
    enum ir_type t = divide_cases[k].type;
    uint64_t mask = ~0ull >> (64 - 8 * ir_type_size[t]), d = rnd() % 3 ? corner() & mask : rnd() & 7, low = corner() & mask;
    uint64_t high = rnd() % 4 == 0 ? corner() & mask : divide_cases[k].op == IR_DIVS ? -(low >> (8 * ir_type_size[t] - 1)) & mask : d ? rnd() % d : 0;
    if (rnd() % 3 == 0) high = (divide_cases[k].op == IR_DIVS ? d / 2 - (rnd() & 1) : d - (rnd() & 1)) & mask;
    struct guest g = { .v = { { .u64 = { high } }, { .u64 = { low } }, { .u64 = { d } } } };
    union ir_cell want = { .u64 = { low, high } };
    int faults = divide_cases[k].fn(&want.u64[1], &want.u64[0], d);
    int left = run(&g);
    bool same = (left == LEFT_DIVIDE) == (faults == LEFT_SIGNAL) && (left || (g.v[3].u64[0] == (want.u64[0] & mask) && g.v[3].u64[1] == (want.u64[1] & mask)));
    if (!same) fail_case(ir_op_info[divide_cases[k].op].name, &g, &want, (unsigned)left, (unsigned)faults);
}

static void test_divide(void **state) {
    n_bad = 0;
    catch(SIGFPE);
    for (unsigned k = 0; k < N(divide_cases); k++) {
        enum ir_type t = divide_cases[k].type;
        start();
        ir_ref q = INSN(.op = divide_cases[k].op, .type = t, .arg = { get(t, 0), get(t, 1), get(t, 2), IR_NONE });
        ir_ref r = INSN(.op = IR_SECOND, .type = t, .arg = { q, NO });
        put(t, 3, q);
        INSN(.op = IR_PUT, .type = t, .arg = { r, NO }, .imm = SLOT(3) + 8);
        finish();
        covered[divide_cases[k].op] = true;
        for (int i = 0; i < 4000; i++) one_divide(k);
    }
    signal(SIGFPE, SIG_DFL);
    assert_int_equal(n_bad, 0);
}

/* an operation that is new in ops.def gets a line in a table above, or here */
static void test_all_covered(void **state) {
    static const uint8_t elsewhere[] = {
        IR_CONST, IR_GET, IR_PUT, IR_ZEXT, IR_SEXT, IR_TRUNC, IR_PAIR, IR_SELECT, IR_MKF, IR_COND, IR_PUTF, IR_GETF, IR_LOAD, IR_STORE, IR_VLOADL, IR_VSTOREL,
        IR_AADD, IR_AAND, IR_AOR, IR_AXOR, IR_AXCHG, IR_CAS, IR_FENCE, IR_PREFETCH, IR_FADD, IR_FSUB, IR_FMUL, IR_FDIV, IR_FSQRT, IR_FCVT, IR_CALL, IR_INSN, IR_EXIT,
        IR_EXITIF, IR_EXITIND, IR_EXITCALL, IR_EXITCALLI, IR_EXITRET, IR_TRAP,
    };
    for (unsigned i = 0; i < sizeof elsewhere; i++) covered[elsewhere[i]] = true;
    for (unsigned op = 0; op < IR_N_OPS; op++)
        if (!covered[op]) fail_msg("no test for %s", ir_op_info[op].name);
}
#pragma GCC pop_options
