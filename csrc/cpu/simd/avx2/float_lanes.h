#pragma once

// 8 lanes of floats: how tiles of samples become registers of lanes, and back.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../../../sample.h"
#include "../concepts.h"
#include "../inline.h"
#include "lane_mask.h"

#include "target_begin.inl.h"

namespace pyquant::avx2 {

// 8 lanes of floats, and tiles of 16 columns, a cache line again.
struct FloatLanes {
  using Sample = float;
  using Vector = __m256;
  using Mask = __m256;
  static constexpr SampleFormat native_format = SampleFormat::float32;
  static constexpr int lanes = 8;
  static constexpr int columns = 16;

  static void read_tile(const Sample* samples, std::ptrdiff_t lane_stride, Vector* column) {
    for (int begin = 0; begin < columns; begin += 8) {
      __m256 block[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) block[i] = _mm256_loadu_ps(samples + begin + i * lane_stride);
      transpose(block);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) column[begin + i] = block[i];
    }
  }

  static void write_tile(const Vector* column, Sample* samples, std::ptrdiff_t lane_stride) {
    for (int begin = 0; begin < columns; begin += 8) {
      __m256 block[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) block[i] = column[begin + i];
      transpose(block);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) _mm256_storeu_ps(samples + begin + i * lane_stride, block[i]);
    }
  }

  static PYQUANT_INLINE Vector broadcast(Sample value) { return _mm256_set1_ps(value); }
  static PYQUANT_INLINE Sample lane_0(Vector vector) { return _mm256_cvtss_f32(vector); }

  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    const __m256i next_lane = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
    return _mm256_permutevar8x32_ps(_mm256_blend_ps(vector, above, 1), next_lane);
  }

  static PYQUANT_INLINE Mask lanes_between(std::int64_t first_lane, std::int64_t last_lane) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i from = _mm256_set1_epi32(clamp_lane(first_lane) - 1);
    const __m256i to = _mm256_set1_epi32(clamp_lane(last_lane) + 1);
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_cmpgt_epi32(lane, from), _mm256_cmpgt_epi32(to, lane)));
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm256_blendv_ps(outside, inside, mask);
  }

 private:
  // Transposes 8x8 floats: 2x2, then 4x4 within the halves, then the halves.
  static PYQUANT_INLINE void transpose(__m256* block) {
    __m256 next[8];
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      const __m256 ac_low = _mm256_unpacklo_ps(block[i], block[i + 2]);
      const __m256 ac_high = _mm256_unpackhi_ps(block[i], block[i + 2]);
      const __m256 bd_low = _mm256_unpacklo_ps(block[i + 1], block[i + 3]);
      const __m256 bd_high = _mm256_unpackhi_ps(block[i + 1], block[i + 3]);
      next[i] = _mm256_unpacklo_ps(ac_low, bd_low);
      next[i + 1] = _mm256_unpackhi_ps(ac_low, bd_low);
      next[i + 2] = _mm256_unpacklo_ps(ac_high, bd_high);
      next[i + 3] = _mm256_unpackhi_ps(ac_high, bd_high);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      block[i] = _mm256_permute2f128_ps(next[i], next[i + 4], 0x20);
      block[i + 4] = _mm256_permute2f128_ps(next[i], next[i + 4], 0x31);
    }
  }
};

static_assert(FloatLaneRegister<FloatLanes>);

}  // namespace pyquant::avx2

#include "../target_end.inl.h"
