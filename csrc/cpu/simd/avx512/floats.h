#pragma once

// 16 floats in a register of AVX-512: read from samples of any format, written to
// them, and the arithmetic in between.

#include <immintrin.h>

#include <cstdint>

#include "../../../sample.h"
#include "../concepts.h"
#include "../exact_quotient.h"
#include "../inline.h"

#include "target_begin.inl.h"

namespace pyquant::avx512 {

struct Floats {
  using Vector = __m512;
  static constexpr int size = 16;

  // ---- loads

  static PYQUANT_INLINE Vector load(const float* from) { return _mm512_loadu_ps(from); }

  static PYQUANT_INLINE Vector load(const Float16* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }

  // The upper halves of floats: their places in one shuffle, the lower halves zero.
  static PYQUANT_INLINE Vector load(const BFloat16* from) {
    const __m512i half = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7,
                                          0, 6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
    const __m512i halves =
        _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, half, halves));
  }

  static PYQUANT_INLINE Vector load(const double* from) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(_mm512_loadu_pd(from))),
                              _mm512_cvtpd_ps(_mm512_loadu_pd(from + 8)), 1);
  }

  // Bytes are converted, not scaled.
  static PYQUANT_INLINE Vector load(const std::uint8_t* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
  }

  // 32 samples, clamped to [0, 1]. Only load_unit_pair and store_level_pair know which
  // of them are in which register.
  template <typename Sample>
  static PYQUANT_INLINE void load_unit_pair(const Sample* from, Vector& one, Vector& other) {
    one = clamp(load(from), 1.0f);
    other = clamp(load(from + size), 1.0f);
  }

  static PYQUANT_INLINE void load_unit_pair(const Float16* from, Vector& low, Vector& high) {
    const __m512i value = load_clamped(from, 0x3c00, 0x7c00);
    low = _mm512_cvtph_ps(_mm512_castsi512_si256(value));
    high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(value, 1));
  }

  static PYQUANT_INLINE void load_unit_pair(const BFloat16* from, Vector& even, Vector& odd) {
    const __m512i value = load_clamped(from, 0x3f80, 0x7f80);
    even = _mm512_castsi512_ps(_mm512_slli_epi32(value, 16));
    odd = _mm512_castsi512_ps(_mm512_maskz_mov_epi16(0xaaaaaaaa, value));
  }

  // ---- stores

  static PYQUANT_INLINE void store(float* to, Vector value) { _mm512_storeu_ps(to, value); }

  // Each rounded to the nearest byte.
  static PYQUANT_INLINE void store_rounded(std::uint8_t* to, Vector value) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value)));
  }

  static PYQUANT_INLINE void store_levels(float* to, Vector level) { store(to, level); }

  static PYQUANT_INLINE void store_levels(Float16* to, Vector level) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtps_ph(level, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }

  static PYQUANT_INLINE void store_levels(BFloat16* to, Vector level) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(_mm512_srli_epi32(
                                                            add_half_of_last_place(level), 16)));
  }

  static PYQUANT_INLINE void store_levels(double* to, Vector level) {
    _mm512_storeu_pd(to, _mm512_cvtps_pd(_mm512_castps512_ps256(level)));
    _mm512_storeu_pd(to + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(level, 1)));
  }

  template <typename Sample>
  static PYQUANT_INLINE void store_level_pair(Sample* to, Vector one, Vector other) {
    store_levels(to, one);
    store_levels(to + size, other);
  }

  static PYQUANT_INLINE void store_level_pair(BFloat16* to, Vector even, Vector odd) {
    const __m512i low_half = _mm512_srli_epi32(add_half_of_last_place(even), 16);
    _mm512_storeu_si512(to,
                        _mm512_mask_blend_epi16(0xaaaaaaaa, low_half, add_half_of_last_place(odd)));
  }

  static PYQUANT_INLINE void stream(float* to, Vector value) { _mm512_stream_ps(to, value); }
  static PYQUANT_INLINE void end_streams() { _mm_sfence(); }

  // ---- arithmetic, each operation rounded on its own

  static PYQUANT_INLINE Vector broadcast(float value) { return _mm512_set1_ps(value); }
  static PYQUANT_INLINE Vector zero() { return _mm512_setzero_ps(); }
  static PYQUANT_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  static PYQUANT_INLINE Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  static PYQUANT_INLINE Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }

  static PYQUANT_INLINE Vector truncate(Vector value) {
    return _mm512_roundscale_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  }

  // max(NaN, 0) is 0 in this order of operands.
  static PYQUANT_INLINE Vector positive_part(Vector value) { return _mm512_max_ps(value, zero()); }

  // Compared as integers, which more units of the processor can do. If one of two
  // floats is positive, the order is the same.
  static PYQUANT_INLINE Vector minimum_with_positive(Vector value, Vector positive) {
    return _mm512_castsi512_ps(
        _mm512_min_epi32(_mm512_castps_si512(value), _mm512_castps_si512(positive)));
  }

  static PYQUANT_INLINE Vector clamp(Vector value, float top) {
    return _mm512_min_ps(positive_part(value), broadcast(top));
  }

  static PYQUANT_INLINE Vector divide(Vector whole, const ExactQuotient& quotient) {
    return _mm512_fmadd_ps(whole, broadcast(quotient.high),
                           _mm512_fmadd_ps(whole, broadcast(quotient.low), zero()));
  }

 private:
  // Adds half a unit in the last place of a bfloat16; the caller cuts off the lower
  // bits, which rounds to nearest. No level k/(n-1) is a tie: its bits have a period of
  // 8 at most and 8 are kept, so a tie, fifteen equal bits after the first one cut off,
  // would make all of its bits equal.
  static PYQUANT_INLINE __m512i add_half_of_last_place(Vector level) {
    return _mm512_add_epi32(_mm512_castps_si512(level), _mm512_set1_epi32(0x8000));
  }

  // 32 floats of 16 bits, clamped to [0, 1] as integers: floats that are not negative
  // are ordered like their bits, with NaN above infinity, and the others are negative
  // integers.
  static PYQUANT_INLINE __m512i load_clamped(const void* from, short one, short infinity) {
    const __m512i value = _mm512_max_epi16(_mm512_loadu_si512(from), _mm512_setzero_si512());
    const __mmask32 number = _mm512_cmple_epi16_mask(value, _mm512_set1_epi16(infinity));
    return _mm512_maskz_min_epi16(number, value, _mm512_set1_epi16(one));
  }
};

static_assert(FloatRegister<Floats>);

}  // namespace pyquant::avx512

#include "../target_end.inl.h"
