#pragma once

// What one step of each diffusion computes in all lanes of AVX2.

#include <immintrin.h>

#include <cstdint>

#include "../../floyd_steinberg.h"
#include "../simd/avx2/byte_lanes.h"
#include "../simd/avx2/float_lanes.h"

namespace pyquant {
namespace {

PYQUANT_INLINE __m256i twice(const void* sixteen_bytes) {
  return _mm256_broadcastsi128_si256(
      _mm_loadu_si128(static_cast<const __m128i*>(sixteen_bytes)));
}

// ---- one step of the published diffusion

// Values and errors are kept as in ../avx512/steps.h: a value minus 128, so that signed
// saturation clips it, an error plus 128 (modulo 256). Tables have 16 entries
// here. A share is round(w e / 16), and e / 16 has period 32 up to whole numbers:
//
//     share(e) = share(e mod 32) + 2w floor(e / 32),   0 <= e mod 32 < 32,
//
// 32 entries (two shuffles, one for each value of bit 4) and a term for the upper
// three bits. Fewer values to a level have smaller errors and need less.
template <int bits>
class PublishedStep {
 public:
  using Lanes = ByteLanes;
  using Level = std::uint8_t;
  static constexpr int chains = 1;
  static constexpr int stripe_registers = 2;
  static constexpr int stripe_planes = 3;
  static constexpr bool first_column_takes_up_right = false;

  PublishedStep() {
    constexpr int weights[] = {1, 5, 3, 7};
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 16; ++j) {
        // Of 16 entries the sign is bit 3, of 32 it is bit 4, unless there are more.
        const int low = bits >= 5 ? (j < 8 ? j : j - 16) : j;
        const int high = bits >= 4 ? j - 16 : j + 16;
        share_[i].low[j] = static_cast<std::int8_t>(published_share(weights[i], low));
        share_[i].high[j] = static_cast<std::int8_t>(published_share(weights[i], high));
        // j is the upper three bits of an error plus 128.
        share_[i].whole[j] = static_cast<std::int8_t>(2 * weights[i] * (j % 8 - 4));
      }
    }
    for (int j = 0; j < 16; ++j) {
      const int value = (16 * j) ^ 128;
      level_[j] = static_cast<std::uint8_t>(truncated_byte_level(value >> (8 - bits), bits));
    }
  }

  static PYQUANT_INLINE __m256i no_error() { return _mm256_set1_epi8(-128); }

  PYQUANT_INLINE void operator()(__m256i sample, __m256i up_left, __m256i up, __m256i up_right,
                                 __m256i left, __m256i& level, __m256i& error) const {
    __m256i value = _mm256_xor_si256(sample, _mm256_set1_epi8(-128));
    value = _mm256_adds_epi8(value, share(share_[0], up_left));
    value = _mm256_adds_epi8(value, share(share_[1], up));
    value = _mm256_adds_epi8(value, share(share_[2], up_right));
    value = _mm256_adds_epi8(value, share(share_[3], left));
    level = level_of(value);
    error = _mm256_sub_epi8(value, level);
  }

 private:
  struct Shares {
    alignas(16) std::int8_t low[16];
    alignas(16) std::int8_t high[16];
    alignas(16) std::int8_t whole[16];
  };

  static PYQUANT_INLINE __m256i share(const Shares& shares, __m256i error) {
    if constexpr (bits >= 5) {
      const __m256i index = _mm256_and_si256(error, _mm256_set1_epi8(15));
      return _mm256_shuffle_epi8(twice(shares.low), index);
    }
    // The sum has its top bit set, and the shuffle gives 0, where bit 4 is set.
    const __m256i low_index = _mm256_add_epi8(_mm256_and_si256(error, _mm256_set1_epi8(31)),
                                              _mm256_set1_epi8(0x70));
    const __m256i high_index = _mm256_xor_si256(low_index, _mm256_set1_epi8(-128));
    const __m256i part = _mm256_or_si256(_mm256_shuffle_epi8(twice(shares.low), low_index),
                                         _mm256_shuffle_epi8(twice(shares.high), high_index));
    if constexpr (bits == 4) return part;
    const __m256i upper =
        _mm256_and_si256(_mm256_srli_epi16(error, 5), _mm256_set1_epi8(7));
    return _mm256_add_epi8(part, _mm256_shuffle_epi8(twice(shares.whole), upper));
  }

  PYQUANT_INLINE __m256i level_of(__m256i value) const {
    if constexpr (bits <= 4) {
      const __m256i upper =
          _mm256_and_si256(_mm256_srli_epi16(value, 4), _mm256_set1_epi8(15));
      return _mm256_shuffle_epi8(twice(level_), upper);
    }
    // floor(255k/(n-1)) is k 2^(8-bits), the value without its lower bits, or more
    // by one for each of a few thresholds that k has reached.
    constexpr int values = 1 << (8 - bits);  // to a level
    constexpr int steps = (1 << bits) - 1;
    __m256i level = _mm256_and_si256(_mm256_xor_si256(value, _mm256_set1_epi8(-128)),
                                          _mm256_set1_epi8(static_cast<char>(256 - values)));
    for (int more = 1; more < values; ++more) {
      // 255k >= (values k + more) steps; 255 = values steps + values - 1.
      const int code = (more * steps + values - 2) / (values - 1);
      const __m256i below = _mm256_set1_epi8(static_cast<char>(code * values - 1 - 128));
      level = _mm256_sub_epi8(level, _mm256_cmpgt_epi8(value, below));
    }
    return level;
  }

  Shares share_[4];
  alignas(16) std::uint8_t level_[16];
};

// ---- one step of the textbook diffusion

class TextbookStep {
 public:
  using Lanes = FloatLanes;
  using Level = float;
  static constexpr int chains = 2;
  static constexpr int stripe_registers = 2;
  static constexpr int stripe_planes = 3;
  static constexpr bool first_column_takes_up_right = true;

  explicit TextbookStep(int bits)
      : top_(_mm256_set1_ps(static_cast<float>(level_count(bits) - 1))) {}

  static PYQUANT_INLINE __m256 no_error() { return _mm256_setzero_ps(); }

  // As in ../avx512/steps.h.
  PYQUANT_INLINE void operator()(__m256 sample, __m256 up_left, __m256 up, __m256 up_right,
                                 __m256 left, __m256& code, __m256& error) const {
    const __m256 value = _mm256_min_ps(
        _mm256_max_ps(_mm256_mul_ps(sample, top_), _mm256_setzero_ps()), top_);
    const __m256 above = _mm256_mul_ps(
        _mm256_set1_ps(0.0625f),
        _mm256_add_ps(_mm256_add_ps(up_left, _mm256_mul_ps(_mm256_set1_ps(5.0f), up)),
                      _mm256_mul_ps(_mm256_set1_ps(3.0f), up_right)));
    const __m256 adjusted = _mm256_add_ps(_mm256_add_ps(value, above),
                                          _mm256_mul_ps(_mm256_set1_ps(0.4375f), left));
    code = _mm256_min_ps(truncate(_mm256_add_ps(adjusted, _mm256_set1_ps(0.5f))), top_);
    error = _mm256_sub_ps(adjusted, code);
  }

 private:
  __m256 top_;
};

}  // namespace
}  // namespace pyquant
