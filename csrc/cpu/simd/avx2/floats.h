#pragma once

// 8 floats in a register of AVX2: read from samples of any format, written to them,
// and the arithmetic in between. The reasons are in ../avx512/floats.h.

#include <immintrin.h>

#include <cstdint>

#include "../../../sample.h"
#include "../concepts.h"
#include "../exact_quotient.h"
#include "../inline.h"

#include "target_begin.inl.h"

namespace pyquant::avx2 {

struct Floats {
  using Vector = __m256;
  static constexpr int size = 8;

  // ---- loads

  static PYQUANT_INLINE Vector load(const float* from) { return _mm256_loadu_ps(from); }

  static PYQUANT_INLINE Vector load(const Float16* from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }

  static PYQUANT_INLINE Vector load(const BFloat16* from) {
    const __m128i high_halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(high_halves), 16));
  }

  static PYQUANT_INLINE Vector load(const double* from) {
    return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)),
                           _mm256_cvtpd_ps(_mm256_loadu_pd(from)));
  }

  // Bytes are converted, not scaled.
  static PYQUANT_INLINE Vector load(const std::uint8_t* from) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  }

  template <typename Sample>
  static PYQUANT_INLINE void load_unit_pair(const Sample* from, Vector& one, Vector& other) {
    one = clamp(load(from), 1.0f);
    other = clamp(load(from + size), 1.0f);
  }

  static PYQUANT_INLINE void load_unit_pair(const Float16* from, Vector& low, Vector& high) {
    const __m256i value = load_clamped(from, 0x3c00, 0x7c00);
    low = _mm256_cvtph_ps(_mm256_castsi256_si128(value));
    high = _mm256_cvtph_ps(_mm256_extracti128_si256(value, 1));
  }

  static PYQUANT_INLINE void load_unit_pair(const BFloat16* from, Vector& even, Vector& odd) {
    const __m256i value = load_clamped(from, 0x3f80, 0x7f80);
    even = _mm256_castsi256_ps(_mm256_slli_epi32(value, 16));
    odd = _mm256_castsi256_ps(_mm256_blend_epi16(_mm256_setzero_si256(), value, 0xaa));
  }

  // ---- stores

  static PYQUANT_INLINE void store(float* to, Vector value) { _mm256_storeu_ps(to, value); }

  static PYQUANT_INLINE void store_rounded(std::uint8_t* to, Vector value) {
    const __m128i halves = low_halves(_mm256_cvtps_epi32(value));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(halves, halves));
  }

  static PYQUANT_INLINE void store_levels(float* to, Vector level) { store(to, level); }

  static PYQUANT_INLINE void store_levels(Float16* to, Vector level) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm256_cvtps_ph(level, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }

  static PYQUANT_INLINE void store_levels(BFloat16* to, Vector level) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     low_halves(_mm256_srli_epi32(add_half_of_last_place(level), 16)));
  }

  static PYQUANT_INLINE void store_levels(double* to, Vector level) {
    _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(level)));
    _mm256_storeu_pd(to + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(level, 1)));
  }

  template <typename Sample>
  static PYQUANT_INLINE void store_level_pair(Sample* to, Vector one, Vector other) {
    store_levels(to, one);
    store_levels(to + size, other);
  }

  static PYQUANT_INLINE void store_level_pair(BFloat16* to, Vector even, Vector odd) {
    const __m256i low_half = _mm256_srli_epi32(add_half_of_last_place(even), 16);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_blend_epi16(low_half, add_half_of_last_place(odd), 0xaa));
  }

  static PYQUANT_INLINE void stream(float* to, Vector value) { _mm256_stream_ps(to, value); }
  static PYQUANT_INLINE void end_streams() { _mm_sfence(); }

  // ---- arithmetic, each operation rounded on its own

  static PYQUANT_INLINE Vector broadcast(float value) { return _mm256_set1_ps(value); }
  static PYQUANT_INLINE Vector zero() { return _mm256_setzero_ps(); }
  static PYQUANT_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static PYQUANT_INLINE Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
  static PYQUANT_INLINE Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }

  static PYQUANT_INLINE Vector truncate(Vector value) {
    return _mm256_round_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }

  // max(NaN, 0) is 0 in this order of operands.
  static PYQUANT_INLINE Vector positive_part(Vector value) { return _mm256_max_ps(value, zero()); }

  static PYQUANT_INLINE Vector minimum_with_positive(Vector value, Vector positive) {
    return _mm256_min_ps(value, positive);
  }

  static PYQUANT_INLINE Vector clamp(Vector value, float top) {
    return _mm256_min_ps(positive_part(value), broadcast(top));
  }

  static PYQUANT_INLINE Vector divide(Vector whole, const ExactQuotient& quotient) {
    return _mm256_fmadd_ps(whole, broadcast(quotient.high),
                           _mm256_fmadd_ps(whole, broadcast(quotient.low), zero()));
  }

 private:
  // 16-bit halves of 8 integers below 2^16.
  static PYQUANT_INLINE __m128i low_halves(__m256i integers) {
    return _mm_packus_epi32(_mm256_castsi256_si128(integers),
                            _mm256_extracti128_si256(integers, 1));
  }

  static PYQUANT_INLINE __m256i add_half_of_last_place(Vector level) {
    return _mm256_add_epi32(_mm256_castps_si256(level), _mm256_set1_epi32(0x8000));
  }

  static PYQUANT_INLINE __m256i load_clamped(const void* from, short one, short infinity) {
    const __m256i value = _mm256_max_epi16(_mm256_loadu_si256(static_cast<const __m256i*>(from)),
                                           _mm256_setzero_si256());
    const __m256i is_nan = _mm256_cmpgt_epi16(value, _mm256_set1_epi16(infinity));
    return _mm256_andnot_si256(is_nan, _mm256_min_epi16(value, _mm256_set1_epi16(one)));
  }
};

static_assert(FloatRegister<Floats>);

}  // namespace pyquant::avx2

#include "../target_end.inl.h"
