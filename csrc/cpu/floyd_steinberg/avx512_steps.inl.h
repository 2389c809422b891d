#pragma once

// What one step of each diffusion computes in all lanes of AVX-512.

#include <immintrin.h>

#include <cstdint>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../simd/avx512/byte_lanes.h"
#include "../simd/avx512/float_lanes.h"

namespace pyquant {
namespace {

// ---- one step of the published diffusion

// Values and levels are bytes. A value is kept with its top bit flipped, that is
// minus 128 as a signed byte, so that a saturating signed addition clips it to
// 0..255. An error, value minus level, then comes out 128 too large (modulo 256)
// and is kept so: that shifts the tables of shares and nothing else.
template <int bits>
class PublishedStep {
 public:
  using Lanes = ByteLanes;
  using Level = std::conditional_t<bits <= 2, PackedLevels, std::uint8_t>;
  static constexpr int chains = 2;
  static constexpr int stripe_registers = 1;
  static constexpr int stripe_planes = 3;
  static constexpr bool first_column_takes_up_right = false;

  PublishedStep() {
    constexpr int largest = bits == 1 ? 127 : (1 << (8 - bits)) - 1;  // of all |error|
    constexpr int weights[] = {1, 5, 3, 7};
    for (int i = 0; i < 4; ++i) {
      alignas(64) std::int8_t shares[64 * share_registers] = {};
      for (int error = -largest; error <= largest; ++error) {
        shares[(error + 128) % (64 * share_registers)] =
            static_cast<std::int8_t>(published_share(weights[i], error));
      }
      for (int j = 0; j < share_registers; ++j) {
        share_[i][j] = _mm512_load_si512(shares + 64 * j);
      }
    }
    alignas(64) std::uint8_t levels[64 * level_registers];
    for (int i = 0; i < 64 * level_registers; ++i) {
      const int value = (i << level_shift) ^ 128;
      levels[i] = static_cast<std::uint8_t>(truncated_byte_level(value >> (8 - bits), bits));
    }
    for (int j = 0; j < level_registers; ++j) level_[j] = _mm512_load_si512(levels + 64 * j);
  }

  static PYQUANT_INLINE __m512i no_error() { return _mm512_set1_epi8(-128); }

  PYQUANT_INLINE void operator()(__m512i sample, __m512i up_left, __m512i up, __m512i up_right,
                                 __m512i left, __m512i& level, __m512i& error) const {
    __m512i value = _mm512_xor_si512(sample, _mm512_set1_epi8(-128));
    value = _mm512_adds_epi8(value, share<0>(up_left));
    value = _mm512_adds_epi8(value, share<1>(up));
    value = _mm512_adds_epi8(value, share<2>(up_right));
    value = _mm512_adds_epi8(value, share<3>(left));
    level = level_of(value);
    error = _mm512_sub_epi8(value, level);
  }

 private:
  // |error| stays below 128, 64 or 32 if a level stands for 128, 64, or 32 or
  // fewer values: a table needs 256, 128 or 64 entries.
  static constexpr int share_registers = bits == 1 ? 4 : bits == 2 ? 2 : 1;
  static constexpr int level_registers = bits == 7 ? 2 : 1;
  static constexpr int level_shift = bits == 7 ? 1 : 2;

  template <int i>
  PYQUANT_INLINE __m512i share(__m512i error) const {
    if constexpr (share_registers == 1) return _mm512_permutexvar_epi8(error, share_[i][0]);
    if constexpr (share_registers == 2) {
      return _mm512_permutex2var_epi8(share_[i][0], error, share_[i][1]);
    }
    if constexpr (share_registers == 4) {
      return _mm512_mask_blend_epi8(_mm512_movepi8_mask(error),
                                    _mm512_permutex2var_epi8(share_[i][0], error, share_[i][1]),
                                    _mm512_permutex2var_epi8(share_[i][2], error, share_[i][3]));
    }
  }

  PYQUANT_INLINE __m512i level_of(__m512i value) const {
    if constexpr (bits == 1 || bits == 2 || bits == 4) {
      // 255/(n-1) is 255, 85 or 17: the level repeats the code in all its bits,
      // a linear function of bits. Bit i copies bit 8 - bits + i % bits; the
      // constant undoes the flipped top bit.
      constexpr long long matrix = bits == 1   ? static_cast<long long>(0x8080808080808080)
                                   : bits == 2 ? 0x4080408040804080
                                               : 0x1020408010204080;
      constexpr int flipped = bits == 1 ? 0xff : bits == 2 ? 0xaa : 0x88;
      return _mm512_gf2p8affine_epi64_epi8(value, _mm512_set1_epi64(matrix), flipped);
    } else if constexpr (bits == 8) {
      return _mm512_xor_si512(value, _mm512_set1_epi8(-128));  // the value itself
    } else {
      // The shift brings in bits of the next byte from above; the lookups see
      // only 6 or 7 bits of an index.
      constexpr long long shift = 0x3830282018100800 + 0x0101010101010101 * level_shift;
      const __m512i index = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(shift), value);
      if constexpr (level_registers == 1) return _mm512_permutexvar_epi8(index, level_[0]);
      if constexpr (level_registers == 2) {
        return _mm512_permutex2var_epi8(level_[0], index, level_[1]);
      }
    }
  }

  __m512i share_[4][share_registers];
  __m512i level_[level_registers];
};

// ---- one step of the textbook diffusion

class TextbookStep {
 public:
  using Lanes = FloatLanes;
  using Level = BFloat16;
  static constexpr int chains = 3;
  static constexpr int stripe_registers = 2;
  static constexpr int stripe_planes = 3;
  static constexpr bool first_column_takes_up_right = true;

  explicit TextbookStep(int bits)
      : top_(_mm512_set1_ps(static_cast<float>(level_count(bits) - 1))) {}

  static PYQUANT_INLINE __m512 no_error() { return _mm512_setzero_ps(); }

  // textbook_pixel, with the clamp to the unit interval moved behind the
  // product. max(NaN, 0) is 0 in this order of operands. Truncation is floor
  // where the clamp at 0 does not take over. Minima are taken of integers, to which
  // more of the processor can attend: floats of which one is positive compare alike.
  PYQUANT_INLINE void operator()(__m512 sample, __m512 up_left, __m512 up, __m512 up_right,
                                 __m512 left, __m512& code, __m512& error) const {
    const __m512 value =
        smaller(_mm512_max_ps(_mm512_mul_ps(sample, top_), _mm512_setzero_ps()), top_);
    const __m512 above = _mm512_mul_ps(
        _mm512_set1_ps(0.0625f),
        _mm512_add_ps(_mm512_add_ps(up_left, _mm512_mul_ps(_mm512_set1_ps(5.0f), up)),
                      _mm512_mul_ps(_mm512_set1_ps(3.0f), up_right)));
    const __m512 adjusted = _mm512_add_ps(_mm512_add_ps(value, above),
                                          _mm512_mul_ps(_mm512_set1_ps(0.4375f), left));
    code = smaller(truncate(_mm512_add_ps(adjusted, _mm512_set1_ps(0.5f))), top_);
    error = _mm512_sub_ps(adjusted, code);
  }

 private:
  static PYQUANT_INLINE __m512 smaller(__m512 value, __m512 positive) {
    return _mm512_castsi512_ps(
        _mm512_min_epi32(_mm512_castps_si512(value), _mm512_castps_si512(positive)));
  }

  __m512 top_;
};

}  // namespace
}  // namespace pyquant
