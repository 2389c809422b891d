// Linear quantization in AVX2.

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
#include "../simd/avx2/floats.h"
#include "../simd/exact_quotient.h"
#include "byte_levels.h"
#include "level_list.h"

#include "../simd/avx2/target_begin.inl.h"

namespace pyquant::avx2 {
namespace {

// The arithmetic of byte_levels.h on both halves of the bytes.
struct QuantizeBytes {
  static constexpr int at_once = 32;
  __m256i to_code;
  __m256i code_offset;
  __m256i to_level;
  __m256i level_offset;

  explicit QuantizeBytes(const LinearQuantizeCall& call) {
    const auto& bytes = kept_for<ByteArithmetic>(call.rounding, call.bits);
    to_code = _mm256_set1_epi16(static_cast<short>(bytes.to_code));
    code_offset = _mm256_set1_epi16(static_cast<short>(bytes.code_offset));
    to_level = _mm256_set1_epi16(static_cast<short>(bytes.to_level));
    level_offset = _mm256_set1_epi16(static_cast<short>(bytes.level_offset));
  }

  PYQUANT_INLINE __m256i level(__m256i value) const {
    const __m256i m = _mm256_add_epi16(_mm256_mullo_epi16(value, to_code), code_offset);
    const __m256i sum = _mm256_add_epi16(m, _mm256_srli_epi16(m, 8));
    const __m256i code = _mm256_andnot_si256(_mm256_set1_epi16(255), sum);
    return _mm256_mulhi_epu16(_mm256_add_epi16(code, level_offset), to_level);
  }

  PYQUANT_INLINE void operator()(const std::uint8_t* from, std::uint8_t* to) const {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i zero = _mm256_setzero_si256();
    const __m256i low = level(_mm256_unpacklo_epi8(bytes, zero));
    const __m256i high = level(_mm256_unpackhi_epi8(bytes, zero));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_packus_epi16(low, high));
  }
};

// The levels of up to 3 bits in one register.
struct LevelTable {
  static constexpr int most_bits = 3;
  __m256 levels;

  explicit LevelTable(int bits) : levels(_mm256_load_ps(LevelList<most_bits>(bits).level)) {}

  PYQUANT_INLINE __m256 operator()(__m256 position) const {
    return _mm256_permutevar8x32_ps(levels, _mm256_cvttps_epi32(position));
  }
};

}  // namespace
}  // namespace pyquant::avx2

#include "kernels.inl.h"

#include "../simd/target_end.inl.h"

#endif  // PYQUANT_X86
