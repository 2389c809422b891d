// Linear quantization in AVX-512.

#include "../simd/dispatch.h"
#include "kernels.h"

#if PYQUANT_X86

#include <immintrin.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../../sample.h"
#include "../simd/avx512/floats.h"
#include "../simd/exact_quotient.h"
#include "byte_levels.h"
#include "level_list.h"

#include "../simd/avx512/target_begin.inl.h"

namespace pyquant::avx512 {
namespace {

// A table of 256 bytes: each half of it is two registers, the top bit of the
// index chooses the half.
struct QuantizeBytes {
  static constexpr int at_once = 64;
  __m512i part[4];

  explicit QuantizeBytes(const LinearQuantizeCall& call) {
    const auto& levels = kept_for<ByteLevels>(call.rounding, call.bits);
    for (int i = 0; i < 4; ++i) part[i] = _mm512_load_si512(levels.level + 64 * i);
  }

  PYQUANT_INLINE void operator()(const std::uint8_t* from, std::uint8_t* to) const {
    const __m512i index = _mm512_loadu_si512(from);
    _mm512_storeu_si512(to,
                        _mm512_mask_blend_epi8(_mm512_movepi8_mask(index),
                                               _mm512_permutex2var_epi8(part[0], index, part[1]),
                                               _mm512_permutex2var_epi8(part[2], index, part[3])));
  }
};

// The levels of up to 4 bits in one register.
struct LevelTable {
  static constexpr int most_bits = 4;
  __m512 levels;

  explicit LevelTable(int bits) : levels(_mm512_load_ps(LevelList<most_bits>(bits).level)) {}

  PYQUANT_INLINE __m512 operator()(__m512 position) const {
    return _mm512_permutexvar_ps(_mm512_cvttps_epi32(position), levels);
  }
};

}  // namespace
}  // namespace pyquant::avx512

#include "kernels.inl.h"

#include "../simd/target_end.inl.h"

#endif  // PYQUANT_X86
