// Floyd-Steinberg dithering in AVX-512.

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
#include "../simd/avx512/byte_lanes.h"
#include "../simd/avx512/float_lanes.h"
#include "../simd/avx512/floats.h"
#include "../simd/avx512/packed_levels.h"
#include "../simd/avx512/strided.h"

#include "../simd/avx512/target_begin.inl.h"

namespace pyquant::avx512 {
namespace {

struct PublishedTuning {
  static constexpr int chains = 2;
  static constexpr int stripe_registers = 1;
  static constexpr int stripe_planes = 3;
};

struct TextbookTuning {
  using Level = BFloat16;  // codes
  static constexpr int chains = 3;
  static constexpr int stripe_registers = 2;
  static constexpr int stripe_planes = 3;
};

// Tables of all errors in one, two or four registers.
template <int bits>
class PublishedTables {
 public:
  using Level = std::conditional_t<bits <= 2, PackedLevels, std::uint8_t>;

  PublishedTables() {
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

  PYQUANT_INLINE __m512i level(__m512i value) const {
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
      return ByteLanes::flip_top_bit(value);  // the value itself
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

 private:
  // |error| stays below 128, 64 or 32 if a level stands for 128, 64, or 32 or
  // fewer values: a table needs 256, 128 or 64 entries.
  static constexpr int share_registers = bits == 1 ? 4 : bits == 2 ? 2 : 1;
  static constexpr int level_registers = bits == 7 ? 2 : 1;
  static constexpr int level_shift = bits == 7 ? 1 : 2;

  __m512i share_[4][share_registers];
  __m512i level_[level_registers];
};

}  // namespace
}  // namespace pyquant::avx512

#include "kernels.inl.h"

#include "../simd/target_end.inl.h"

#endif  // PYQUANT_X86
