// Floyd-Steinberg dithering in AVX2.

#include "../simd/dispatch.h"
#include "kernels.h"

#if PYQUANT_X86

#include <immintrin.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../../sample.h"
#include "../aligned_buffer.h"
#include "../simd/avx2/byte_lanes.h"
#include "../simd/avx2/float_lanes.h"
#include "../simd/avx2/floats.h"
#include "../simd/avx2/strided.h"

#include "../simd/avx2/target_begin.inl.h"

namespace pyquant::avx2 {
namespace {

struct PublishedTuning {
  static constexpr int chains = 1;
  static constexpr int stripe_registers = 1;
  static constexpr int stripe_planes = 3;
};

struct TextbookTuning {
  using Level = float;  // codes
  static constexpr int chains = 2;
  static constexpr int stripe_registers = 2;
  static constexpr int stripe_planes = 3;
};

PYQUANT_INLINE __m256i twice(const void* sixteen_bytes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(sixteen_bytes)));
}

// Tables have 16 entries here. A share is round(w e / 16), and e / 16 has period 32 up
// to whole numbers:
//
//     share(e) = share(e mod 32) + 2w floor(e / 32),   0 <= e mod 32 < 32,
//
// 32 entries (two shuffles, one for each value of bit 4) and a term for the upper
// three bits. Fewer values to a level have smaller errors and need less.
template <int bits>
class PublishedTables {
 public:
  using Level = std::uint8_t;

  PublishedTables() {
    constexpr int weights[] = {1, 5, 3, 7};
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 16; ++j) {
        // Of 16 entries the sign is bit 3, of 32 it is bit 4, unless there are more.
        const int low = bits >= 5 ? (j < 8 ? j : j - 16) : j;
        const int high = bits >= 4 ? j - 16 : j + 16;
        shares_[i].low[j] = static_cast<std::int8_t>(published_share(weights[i], low));
        shares_[i].high[j] = static_cast<std::int8_t>(published_share(weights[i], high));
        // j is the upper three bits of an error plus 128.
        shares_[i].whole[j] = static_cast<std::int8_t>(2 * weights[i] * (j % 8 - 4));
      }
    }
    for (int j = 0; j < 16; ++j) {
      const int value = (16 * j) ^ 128;
      level_[j] = static_cast<std::uint8_t>(truncated_byte_level(value >> (8 - bits), bits));
    }
  }

  template <int i>
  PYQUANT_INLINE __m256i share(__m256i error) const {
    const Shares& shares = shares_[i];
    if constexpr (bits >= 5) {
      const __m256i index = _mm256_and_si256(error, _mm256_set1_epi8(15));
      return _mm256_shuffle_epi8(twice(shares.low), index);
    }
    // Where bit 4 is set, the sum has its top bit set, so the shuffle gives 0.
    const __m256i low_index =
        _mm256_add_epi8(_mm256_and_si256(error, _mm256_set1_epi8(31)), _mm256_set1_epi8(0x70));
    const __m256i high_index = ByteLanes::flip_top_bit(low_index);
    const __m256i part = _mm256_or_si256(_mm256_shuffle_epi8(twice(shares.low), low_index),
                                         _mm256_shuffle_epi8(twice(shares.high), high_index));
    if constexpr (bits == 4) return part;
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(error, 5), _mm256_set1_epi8(7));
    return _mm256_add_epi8(part, _mm256_shuffle_epi8(twice(shares.whole), upper));
  }

  PYQUANT_INLINE __m256i level(__m256i value) const {
    if constexpr (bits <= 4) {
      const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(value, 4), _mm256_set1_epi8(15));
      return _mm256_shuffle_epi8(twice(level_), upper);
    } else if constexpr (bits == 8) {
      return ByteLanes::flip_top_bit(value);  // the value itself
    } else {
      // floor(255k/(n-1)) is k 2^(8-bits), the value without its lower bits, or more
      // by one for each of a few thresholds that k has reached.
      constexpr int values = 1 << (8 - bits);  // to a level
      constexpr int steps = (1 << bits) - 1;
      __m256i level = _mm256_and_si256(ByteLanes::flip_top_bit(value),
                                       _mm256_set1_epi8(static_cast<char>(256 - values)));
      for (int more = 1; more < values; ++more) {
        // 255k >= (values k + more) steps; 255 = values steps + values - 1.
        const int code = (more * steps + values - 2) / (values - 1);
        const __m256i below = _mm256_set1_epi8(static_cast<char>(code * values - 1 - 128));
        level = _mm256_sub_epi8(level, _mm256_cmpgt_epi8(value, below));
      }
      return level;
    }
  }

 private:
  struct Shares {
    alignas(16) std::int8_t low[16];
    alignas(16) std::int8_t high[16];
    alignas(16) std::int8_t whole[16];
  };

  Shares shares_[4];
  alignas(16) std::uint8_t level_[16];
};

}  // namespace
}  // namespace pyquant::avx2

#include "kernels.inl.h"

#include "../simd/target_end.inl.h"

#endif  // PYQUANT_X86
