#pragma once

// 64 lanes of bytes: how tiles of samples become registers of lanes, and back.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../../../sample.h"
#include "../concepts.h"
#include "../inline.h"
#include "lane_mask.h"
#include "packed_levels.h"

#include "target_begin.inl.h"

namespace pyquant::avx512 {

// Transposes every 16x16 bytes that 16 registers hold in the same 128-bit
// quarter. Each of the four rounds interleaves register i with register i + 8,
// which moves one bit of the register number into the position, and back.
PYQUANT_INLINE void transpose_quarters(__m512i* block) {
  __m512i next[16];
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      next[2 * i] = _mm512_unpacklo_epi8(block[i], block[i + 8]);
      next[2 * i + 1] = _mm512_unpackhi_epi8(block[i], block[i + 8]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = next[i];
  }
}

// Four registers of four quarters, transposed.
PYQUANT_INLINE void exchange_quarters(__m512i& a, __m512i& b, __m512i& c, __m512i& d) {
  const __m512i ab_low = _mm512_shuffle_i32x4(a, b, 0x44);
  const __m512i ab_high = _mm512_shuffle_i32x4(a, b, 0xee);
  const __m512i cd_low = _mm512_shuffle_i32x4(c, d, 0x44);
  const __m512i cd_high = _mm512_shuffle_i32x4(c, d, 0xee);
  a = _mm512_shuffle_i32x4(ab_low, cd_low, 0x88);
  b = _mm512_shuffle_i32x4(ab_low, cd_low, 0xdd);
  c = _mm512_shuffle_i32x4(ab_high, cd_high, 0x88);
  d = _mm512_shuffle_i32x4(ab_high, cd_high, 0xdd);
}

alignas(64) constexpr std::uint8_t next_lane[64] = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
    45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
};

// 64 lanes of bytes, and tiles of 64 columns: a lane's part of a tile is a whole
// cache line.
struct ByteLanes {
  using Sample = std::uint8_t;
  static constexpr SampleFormat native_format = SampleFormat::uint8;
  using Vector = __m512i;
  using Mask = __mmask64;
  static constexpr int lanes = 64;
  static constexpr int columns = 64;

  static void read_tile(const Sample* samples, std::ptrdiff_t lane_stride, Vector* column) {
    for (int lane = 0; lane < 16; ++lane) {
      const Sample* row = samples + lane * lane_stride;
      __m512i a = _mm512_loadu_si512(row);
      __m512i b = _mm512_loadu_si512(row + 16 * lane_stride);
      __m512i c = _mm512_loadu_si512(row + 32 * lane_stride);
      __m512i d = _mm512_loadu_si512(row + 48 * lane_stride);
      exchange_quarters(a, b, c, d);
      column[lane] = a;
      column[lane + 16] = b;
      column[lane + 32] = c;
      column[lane + 48] = d;
    }
    transpose_blocks(column);
  }

  static void write_tile(Vector* column, Sample* samples, std::ptrdiff_t lane_stride) {
    transpose_blocks(column);
    for (int lane = 0; lane < 16; ++lane) {
      __m512i a = column[lane];
      __m512i b = column[lane + 16];
      __m512i c = column[lane + 32];
      __m512i d = column[lane + 48];
      exchange_quarters(a, b, c, d);
      Sample* row = samples + lane * lane_stride;
      _mm512_storeu_si512(row, a);
      _mm512_storeu_si512(row + 16 * lane_stride, b);
      _mm512_storeu_si512(row + 32 * lane_stride, c);
      _mm512_storeu_si512(row + 48 * lane_stride, d);
    }
  }

  // The same for levels that can be packed: a quarter of the bytes to transpose.
  static void write_tile(const Vector* column, PackedLevels* levels, std::ptrdiff_t lane_stride) {
    const Vector low_pairs = _mm512_set1_epi8(0x33);
    const Vector low_half = _mm512_set1_epi8(0x0f);
    __m512i block[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      block[i] = choose(low_half, choose(low_pairs, column[i], column[i + 16]),
                        choose(low_pairs, column[i + 32], column[i + 48]));
    }
    transpose_quarters(block);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      store_quarter<0>(levels + i * lane_stride, block[i]);
      store_quarter<1>(levels + (i + 16) * lane_stride, block[i]);
      store_quarter<2>(levels + (i + 32) * lane_stride, block[i]);
      store_quarter<3>(levels + (i + 48) * lane_stride, block[i]);
    }
  }

  static PYQUANT_INLINE Vector broadcast(Sample value) {
    return _mm512_set1_epi8(static_cast<char>(value));
  }

  static PYQUANT_INLINE Sample lane_0(Vector vector) {
    return static_cast<Sample>(_mm_cvtsi128_si32(_mm512_castsi512_si128(vector)));
  }

  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    return _mm512_permutex2var_epi8(vector, _mm512_load_si512(next_lane), above);
  }

  static PYQUANT_INLINE Mask lanes_between(std::int64_t first_lane, std::int64_t last_lane) {
    return lane_mask(first_lane, last_lane);
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm512_mask_mov_epi8(outside, mask, inside);
  }

  static PYQUANT_INLINE Vector subtract(Vector a, Vector b) { return _mm512_sub_epi8(a, b); }
  static PYQUANT_INLINE Vector add_saturated(Vector a, Vector b) { return _mm512_adds_epi8(a, b); }
  static PYQUANT_INLINE Vector flip_top_bit(Vector vector) {
    return _mm512_xor_si512(vector, _mm512_set1_epi8(-128));
  }

 private:
  // Bit by bit: `inside` where the mask is set.
  static PYQUANT_INLINE Vector choose(Vector mask, Vector inside, Vector outside) {
    return _mm512_ternarylogic_epi64(mask, inside, outside, 0xca);
  }

  template <int quarter>
  static PYQUANT_INLINE void store_quarter(void* to, Vector vector) {
    _mm_storeu_si128(static_cast<__m128i*>(to), _mm512_extracti32x4_epi32(vector, quarter));
  }

  static PYQUANT_INLINE void transpose_blocks(Vector* column) {
    for (int begin = 0; begin < 64; begin += 16) {
      __m512i block[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) block[i] = column[begin + i];
      transpose_quarters(block);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) column[begin + i] = block[i];
    }
  }
};

static_assert(ByteLaneRegister<ByteLanes>);

}  // namespace pyquant::avx512

#include "../target_end.inl.h"
