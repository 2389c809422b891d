#pragma once

// 8 floats in a register of AVX2: read from samples of any format, written to them,
// and the arithmetic in between. This folder has what ../avx512 has, in registers
// half as long and without its byte permutations and masks. Its headers are
// included only where AVX2, FMA and F16C are switched on.

#include <immintrin.h>

#include <cstdint>

#include "../../../sample.h"
#include "../exact_quotient.h"

#define PYQUANT_INLINE inline __attribute__((always_inline))

namespace pyquant {
namespace {

using Floats = __m256;
constexpr int floats_at_once = 8;

PYQUANT_INLINE __m256 divide(__m256 whole, const ExactQuotient& quotient) {
  return _mm256_fmadd_ps(
      whole, _mm256_set1_ps(quotient.high),
      _mm256_fmadd_ps(whole, _mm256_set1_ps(quotient.low), _mm256_setzero_ps()));
}

// ---- loads and stores

PYQUANT_INLINE __m256 load_floats(const float* from) { return _mm256_loadu_ps(from); }

PYQUANT_INLINE __m256 load_floats(const Float16* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

PYQUANT_INLINE __m256 load_floats(const BFloat16* from) {
  const __m128i high_halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(high_halves), 16));
}

PYQUANT_INLINE __m256 load_floats(const double* from) {
  return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)),
                         _mm256_cvtpd_ps(_mm256_loadu_pd(from)));
}

// Bytes are converted, not scaled.
PYQUANT_INLINE __m256 load_floats(const std::uint8_t* from) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

PYQUANT_INLINE void store_floats(float* to, __m256 value) { _mm256_storeu_ps(to, value); }

PYQUANT_INLINE void store_floats(Float16* to, __m256 value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// 16-bit halves of 8 integers below 2^16.
PYQUANT_INLINE __m128i low_halves(__m256i integers) {
  return _mm_packus_epi32(_mm256_castsi256_si128(integers),
                          _mm256_extracti128_si256(integers, 1));
}

// A level: see ../avx512/floats.h.
PYQUANT_INLINE __m256i add_half_of_last_place(__m256 level) {
  return _mm256_add_epi32(_mm256_castps_si256(level), _mm256_set1_epi32(0x8000));
}

PYQUANT_INLINE void store_floats(BFloat16* to, __m256 level) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   low_halves(_mm256_srli_epi32(add_half_of_last_place(level), 16)));
}

PYQUANT_INLINE void stream_floats(float* to, __m256 value) { _mm256_stream_ps(to, value); }
PYQUANT_INLINE void streams_end() { _mm_sfence(); }

PYQUANT_INLINE void store_floats(double* to, __m256 value) {
  _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(value)));
  _mm256_storeu_pd(to + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(value, 1)));
}

// Rounded to the nearest byte.
PYQUANT_INLINE void store_floats(std::uint8_t* to, __m256 value) {
  const __m128i halves = low_halves(_mm256_cvtps_epi32(value));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(halves, halves));
}

// ---- arithmetic

PYQUANT_INLINE __m256 multiply(__m256 value, float factor) {
  return _mm256_mul_ps(value, _mm256_set1_ps(factor));
}

PYQUANT_INLINE __m256 add(__m256 value, float offset) {
  return _mm256_add_ps(value, _mm256_set1_ps(offset));
}

PYQUANT_INLINE __m256 truncate(__m256 value) {
  return _mm256_round_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

// max(NaN, 0) is 0 in this order of operands.
PYQUANT_INLINE __m256 clamp(__m256 value, float top) {
  return _mm256_min_ps(_mm256_max_ps(value, _mm256_setzero_ps()), _mm256_set1_ps(top));
}

// ---- 16 floats of 16 bits, in two registers; see ../avx512/floats.h

PYQUANT_INLINE __m256i load_clamped(const void* from, short one, short infinity) {
  const __m256i value = _mm256_max_epi16(
      _mm256_loadu_si256(static_cast<const __m256i*>(from)), _mm256_setzero_si256());
  const __m256i no_number = _mm256_cmpgt_epi16(value, _mm256_set1_epi16(infinity));
  return _mm256_andnot_si256(no_number, _mm256_min_epi16(value, _mm256_set1_epi16(one)));
}

PYQUANT_INLINE void load_units(const Float16* from, __m256& low, __m256& high) {
  const __m256i value = load_clamped(from, 0x3c00, 0x7c00);
  low = _mm256_cvtph_ps(_mm256_castsi256_si128(value));
  high = _mm256_cvtph_ps(_mm256_extracti128_si256(value, 1));
}

PYQUANT_INLINE void load_units(const BFloat16* from, __m256& even, __m256& odd) {
  const __m256i value = load_clamped(from, 0x3f80, 0x7f80);
  even = _mm256_castsi256_ps(_mm256_slli_epi32(value, 16));
  odd = _mm256_castsi256_ps(_mm256_blend_epi16(_mm256_setzero_si256(), value, 0xaa));
}

PYQUANT_INLINE void store_levels(BFloat16* to, __m256 even, __m256 odd) {
  const __m256i low_half = _mm256_srli_epi32(add_half_of_last_place(even), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm256_blend_epi16(low_half, add_half_of_last_place(odd), 0xaa));
}

}  // namespace
}  // namespace pyquant
