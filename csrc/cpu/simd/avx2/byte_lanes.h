#pragma once

// 32 lanes of bytes: how tiles of samples become registers of lanes, and back.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../../../sample.h"
#include "../concepts.h"
#include "../inline.h"
#include "lane_mask.h"

#include "target_begin.inl.h"

namespace pyquant::avx2 {

// The numbers of the lanes, to be compared with.
PYQUANT_INLINE __m256i lane_numbers_of_bytes() {
  return _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                          21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
}

// 32 lanes of bytes, and tiles of 64 columns: a lane's part of a tile is a whole
// cache line.
struct ByteLanes {
  using Sample = std::uint8_t;
  using Vector = __m256i;
  using Mask = __m256i;
  static constexpr SampleFormat native_format = SampleFormat::uint8;
  static constexpr int lanes = 32;
  static constexpr int columns = 64;

  static void read_tile(const Sample* samples, std::ptrdiff_t lane_stride, Vector* column) {
    for (int lane = 0; lane < 16; ++lane) {
      const Sample* row = samples + lane * lane_stride;
      for (int half = 0; half < 2; ++half) {
        __m256i a = load(row + 32 * half);
        __m256i b = load(row + 16 * lane_stride + 32 * half);
        exchange_halves(a, b);
        column[lane + 32 * half] = a;
        column[lane + 32 * half + 16] = b;
      }
    }
    for (int block = 0; block < 64; block += 16) transpose_halves(column + block);
  }

  static void write_tile(Vector* column, Sample* samples, std::ptrdiff_t lane_stride) {
    for (int block = 0; block < 64; block += 16) transpose_halves(column + block);
    for (int lane = 0; lane < 16; ++lane) {
      Sample* row = samples + lane * lane_stride;
      for (int half = 0; half < 2; ++half) {
        __m256i a = column[lane + 32 * half];
        __m256i b = column[lane + 32 * half + 16];
        exchange_halves(a, b);
        store(row + 32 * half, a);
        store(row + 16 * lane_stride + 32 * half, b);
      }
    }
  }

  static PYQUANT_INLINE Vector broadcast(Sample value) {
    return _mm256_set1_epi8(static_cast<char>(value));
  }

  static PYQUANT_INLINE Sample lane_0(Vector vector) {
    return static_cast<Sample>(_mm_cvtsi128_si32(_mm256_castsi256_si128(vector)));
  }

  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    const __m256i middle = _mm256_permute2x128_si256(vector, above, 0x21);
    return _mm256_alignr_epi8(middle, vector, 1);
  }

  static PYQUANT_INLINE Mask lanes_between(std::int64_t first_lane, std::int64_t last_lane) {
    const __m256i lane = lane_numbers_of_bytes();
    const __m256i from = _mm256_set1_epi8(static_cast<char>(clamp_lane(first_lane) - 1));
    const __m256i to = _mm256_set1_epi8(static_cast<char>(clamp_lane(last_lane) + 1));
    return _mm256_and_si256(_mm256_cmpgt_epi8(lane, from), _mm256_cmpgt_epi8(to, lane));
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm256_blendv_epi8(outside, inside, mask);
  }

  static PYQUANT_INLINE Vector subtract(Vector a, Vector b) { return _mm256_sub_epi8(a, b); }
  static PYQUANT_INLINE Vector add_saturated(Vector a, Vector b) { return _mm256_adds_epi8(a, b); }
  static PYQUANT_INLINE Vector flip_top_bit(Vector vector) {
    return _mm256_xor_si256(vector, _mm256_set1_epi8(-128));
  }

 private:
  static PYQUANT_INLINE __m256i load(const Sample* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }

  static PYQUANT_INLINE void store(Sample* to, __m256i value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
  }

  static PYQUANT_INLINE void exchange_halves(__m256i& a, __m256i& b) {
    const __m256i low = _mm256_permute2x128_si256(a, b, 0x20);
    b = _mm256_permute2x128_si256(a, b, 0x31);
    a = low;
  }

  // Transposes every 16x16 bytes that 16 registers hold in the same half. Each of
  // the four rounds interleaves register i with register i + 8. Two rounds touch
  // only four registers at a time, which is what 16 registers leave room for.
  static PYQUANT_INLINE void transpose_halves(__m256i* block) {
    __m256i half_way[16];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      interleave_twice(block[i], block[i + 4], block[i + 8], block[i + 12], half_way + 4 * i);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      interleave_twice(half_way[i], half_way[i + 4], half_way[i + 8], half_way[i + 12],
                       block + 4 * i);
    }
  }

  static PYQUANT_INLINE void interleave_twice(__m256i a, __m256i b, __m256i c, __m256i d,
                                              __m256i* result) {
    const __m256i ac_low = _mm256_unpacklo_epi8(a, c);
    const __m256i ac_high = _mm256_unpackhi_epi8(a, c);
    const __m256i bd_low = _mm256_unpacklo_epi8(b, d);
    const __m256i bd_high = _mm256_unpackhi_epi8(b, d);
    result[0] = _mm256_unpacklo_epi8(ac_low, bd_low);
    result[1] = _mm256_unpackhi_epi8(ac_low, bd_low);
    result[2] = _mm256_unpacklo_epi8(ac_high, bd_high);
    result[3] = _mm256_unpackhi_epi8(ac_high, bd_high);
  }
};

static_assert(ByteLaneRegister<ByteLanes>);

}  // namespace pyquant::avx2

#include "../target_end.inl.h"
