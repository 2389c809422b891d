#pragma once

// 16 lanes of floats: how tiles of samples become registers of lanes, and back.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../../../sample.h"
#include "../concepts.h"
#include "../inline.h"
#include "lane_mask.h"

#include "target_begin.inl.h"

namespace pyquant::avx512 {

// Transposes 16x16 floats.
PYQUANT_INLINE void transpose_floats(__m512* block) {
  __m512 next[16];
#pragma GCC unroll 2
  for (int round = 0; round < 2; ++round) {
    // Within the quarters, as transpose_quarters in byte_lanes.h does, but 4x4 floats.
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m512 a = block[4 * i + half];
        const __m512 b = block[4 * i + half + 2];
        next[4 * i + 2 * half] = _mm512_unpacklo_ps(a, b);
        next[4 * i + 2 * half + 1] = _mm512_unpackhi_ps(a, b);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = next[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 ab_low = _mm512_shuffle_f32x4(block[i], block[i + 4], 0x44);
    const __m512 ab_high = _mm512_shuffle_f32x4(block[i], block[i + 4], 0xee);
    const __m512 cd_low = _mm512_shuffle_f32x4(block[i + 8], block[i + 12], 0x44);
    const __m512 cd_high = _mm512_shuffle_f32x4(block[i + 8], block[i + 12], 0xee);
    next[i] = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
    next[i + 4] = _mm512_shuffle_f32x4(ab_low, cd_low, 0xdd);
    next[i + 8] = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
    next[i + 12] = _mm512_shuffle_f32x4(ab_high, cd_high, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) block[i] = next[i];
}

// 16 lanes of floats, and tiles of 16 columns.
struct FloatLanes {
  using Sample = float;
  static constexpr SampleFormat native_format = SampleFormat::float32;
  using Vector = __m512;
  using Mask = __mmask16;
  static constexpr int lanes = 16;
  static constexpr int columns = 16;

  static void read_tile(const Sample* samples, std::ptrdiff_t lane_stride, Vector* column) {
    __m512 block[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = _mm512_loadu_ps(samples + i * lane_stride);
    transpose_floats(block);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) column[i] = block[i];
  }

  static void write_tile(const Vector* column, Sample* samples, std::ptrdiff_t lane_stride) {
    __m512 block[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = column[i];
    transpose_floats(block);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) _mm512_storeu_ps(samples + i * lane_stride, block[i]);
  }

  // The same for codes, whole numbers from 0 to 255: all their bits are in the upper half
  // of a float. Halves of two columns share a register.
  static void write_tile(const Vector* column, BFloat16* codes, std::ptrdiff_t lane_stride) {
    __m512i block[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      block[i] = _mm512_mask_blend_epi16(0xaaaaaaaa,
                                         _mm512_srli_epi32(_mm512_castps_si512(column[2 * i]), 16),
                                         _mm512_castps_si512(column[2 * i + 1]));
    }
    transpose_8(block);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      store_half<0>(codes + i * lane_stride, block[i]);
      store_half<1>(codes + (i + 8) * lane_stride, block[i]);
    }
  }

  static PYQUANT_INLINE Vector broadcast(Sample value) { return _mm512_set1_ps(value); }
  static PYQUANT_INLINE Sample lane_0(Vector vector) { return _mm512_cvtss_f32(vector); }

  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(above), _mm512_castps_si512(vector), 1));
  }

  static PYQUANT_INLINE Mask lanes_between(std::int64_t first_lane, std::int64_t last_lane) {
    return static_cast<Mask>(lane_mask(first_lane, last_lane));
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm512_mask_mov_ps(outside, mask, inside);
  }

 private:
  // Lane l of register c becomes dword c of lane l's half: register l % 8, half
  // l / 8.
  static PYQUANT_INLINE void transpose_8(__m512i* block) {
    __m512i next[8];
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      const __m512i ab_low = _mm512_unpacklo_epi32(block[i], block[i + 1]);
      const __m512i ab_high = _mm512_unpackhi_epi32(block[i], block[i + 1]);
      const __m512i cd_low = _mm512_unpacklo_epi32(block[i + 2], block[i + 3]);
      const __m512i cd_high = _mm512_unpackhi_epi32(block[i + 2], block[i + 3]);
      next[i] = _mm512_unpacklo_epi64(ab_low, cd_low);
      next[i + 1] = _mm512_unpackhi_epi64(ab_low, cd_low);
      next[i + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
      next[i + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
    }
    // Quarter q of next[i] is columns 0..3, of next[i + 4] columns 4..7, of lane
    // 4q + i.
    const __m512i even = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const __m512i odd = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      block[i] = _mm512_permutex2var_epi64(next[i], even, next[i + 4]);
      block[i + 4] = _mm512_permutex2var_epi64(next[i], odd, next[i + 4]);
    }
  }

  template <int half>
  static PYQUANT_INLINE void store_half(void* to, __m512i vector) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_extracti64x4_epi64(vector, half));
  }
};

static_assert(FloatLaneRegister<FloatLanes>);

}  // namespace pyquant::avx512

#include "../target_end.inl.h"
