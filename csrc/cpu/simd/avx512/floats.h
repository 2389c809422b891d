#pragma once

// 16 floats in a register of AVX-512: read from samples of any format, written to
// them, and the arithmetic in between. Like all headers of this folder it is
// included only where these instructions (F, BW, DQ, VL, VBMI, GFNI; BMI2) are
// switched on.

#include <immintrin.h>

#include <cstdint>

#include "../../../sample.h"
#include "../exact_quotient.h"

#define PYQUANT_INLINE inline __attribute__((always_inline))

namespace pyquant {
namespace {

using Floats = __m512;
constexpr int floats_at_once = 16;

PYQUANT_INLINE __m512 divide(__m512 whole, const ExactQuotient& quotient) {
  return _mm512_fmadd_ps(
      whole, _mm512_set1_ps(quotient.high),
      _mm512_fmadd_ps(whole, _mm512_set1_ps(quotient.low), _mm512_setzero_ps()));
}

// ---- loads and stores

PYQUANT_INLINE __m512 load_floats(const float* from) { return _mm512_loadu_ps(from); }

PYQUANT_INLINE __m512 load_floats(const Float16* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

// The upper halves of floats: their places in one shuffle, the lower halves zero.
PYQUANT_INLINE __m512 load_floats(const BFloat16* from) {
  const __m512i half = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7, 0,
                                        6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
  const __m512i halves =
      _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, half, halves));
}

PYQUANT_INLINE __m512 load_floats(const double* from) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(_mm512_loadu_pd(from))),
                            _mm512_cvtpd_ps(_mm512_loadu_pd(from + 8)), 1);
}

// Bytes are converted, not scaled.
PYQUANT_INLINE __m512 load_floats(const std::uint8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

PYQUANT_INLINE void store_floats(float* to, __m512 value) { _mm512_storeu_ps(to, value); }

PYQUANT_INLINE void store_floats(Float16* to, __m512 value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// What is stored is a level k/(n-1) as a float. Half a unit of the new last place
// is added and the rest cut off: that rounds to nearest, and no level is a tie,
// because its bits have a period of 8 at most, and 8 are kept. Fifteen equal bits
// after the first one that goes would make all of them equal.
PYQUANT_INLINE __m512i add_half_of_last_place(__m512 level) {
  return _mm512_add_epi32(_mm512_castps_si512(level), _mm512_set1_epi32(0x8000));
}

PYQUANT_INLINE void store_floats(BFloat16* to, __m512 level) {
  _mm256_storeu_si256(
      reinterpret_cast<__m256i*>(to),
      _mm512_cvtepi32_epi16(_mm512_srli_epi32(add_half_of_last_place(level), 16)));
}

PYQUANT_INLINE void stream_floats(float* to, __m512 value) { _mm512_stream_ps(to, value); }
PYQUANT_INLINE void streams_end() { _mm_sfence(); }

PYQUANT_INLINE void store_floats(double* to, __m512 value) {
  _mm512_storeu_pd(to, _mm512_cvtps_pd(_mm512_castps512_ps256(value)));
  _mm512_storeu_pd(to + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(value, 1)));
}

// Rounded to the nearest byte.
PYQUANT_INLINE void store_floats(std::uint8_t* to, __m512 value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value)));
}

// ---- arithmetic

PYQUANT_INLINE __m512 multiply(__m512 value, float factor) {
  return _mm512_mul_ps(value, _mm512_set1_ps(factor));
}

PYQUANT_INLINE __m512 add(__m512 value, float offset) {
  return _mm512_add_ps(value, _mm512_set1_ps(offset));
}

PYQUANT_INLINE __m512 truncate(__m512 value) {
  return _mm512_roundscale_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

// max(NaN, 0) is 0 in this order of operands.
PYQUANT_INLINE __m512 clamp(__m512 value, float top) {
  return _mm512_min_ps(_mm512_max_ps(value, _mm512_setzero_ps()), _mm512_set1_ps(top));
}

// ---- 32 floats of 16 bits, in two registers

// Clamped to [0, 1] as integers: floats that are not negative are ordered like
// their bits, with NaN above infinity, and the others are negative integers.
PYQUANT_INLINE __m512i load_clamped(const void* from, short one, short infinity) {
  const __m512i value = _mm512_max_epi16(_mm512_loadu_si512(from), _mm512_setzero_si512());
  const __mmask32 number = _mm512_cmple_epi16_mask(value, _mm512_set1_epi16(infinity));
  return _mm512_maskz_min_epi16(number, value, _mm512_set1_epi16(one));
}

PYQUANT_INLINE void load_units(const Float16* from, __m512& low, __m512& high) {
  const __m512i value = load_clamped(from, 0x3c00, 0x7c00);
  low = _mm512_cvtph_ps(_mm512_castsi512_si256(value));
  high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(value, 1));
}

PYQUANT_INLINE void load_units(const BFloat16* from, __m512& even, __m512& odd) {
  const __m512i value = load_clamped(from, 0x3f80, 0x7f80);
  even = _mm512_castsi512_ps(_mm512_slli_epi32(value, 16));
  odd = _mm512_castsi512_ps(_mm512_maskz_mov_epi16(0xaaaaaaaa, value));
}

PYQUANT_INLINE void store_levels(BFloat16* to, __m512 even, __m512 odd) {
  const __m512i low_half = _mm512_srli_epi32(add_half_of_last_place(even), 16);
  _mm512_storeu_si512(
      to, _mm512_mask_blend_epi16(0xaaaaaaaa, low_half, add_half_of_last_place(odd)));
}

}  // namespace
}  // namespace pyquant
