#pragma once

// Samples that lie `stride` apart, 2 to 4, gathered and scattered by permutations
// of whole registers.

#include <immintrin.h>

#include <cstdint>

#include "../concepts.h"
#include "../inline.h"
#include "lane_mask.h"

#include "target_begin.inl.h"

namespace pyquant::avx512 {

// A register of them is spread over `stride` registers of memory: its byte b is
// byte in_memory[b] there, and byte m there is byte in_register[m] of it.
template <int sample_bytes, int stride>
struct StridedBytes {
  alignas(64) std::uint8_t in_memory[64];
  alignas(64) std::uint8_t in_register[64 * stride] = {};
  std::uint64_t used[stride] = {};    // which bytes of each of these registers
  std::uint64_t source[stride] = {};  // which bytes of the register come from each

  constexpr StridedBytes() {
    for (int b = 0; b < 64; ++b) {
      const int m = b / sample_bytes * sample_bytes * stride + b % sample_bytes;
      in_memory[b] = static_cast<std::uint8_t>(m);
      in_register[m] = static_cast<std::uint8_t>(b);
      used[m / 64] |= std::uint64_t{1} << m % 64;
      source[m / 64] |= std::uint64_t{1} << b;
    }
  }

  static constexpr int span(int count) { return ((count - 1) * stride + 1) * sample_bytes; }
};

template <int sample_bytes, int stride>
constexpr StridedBytes<sample_bytes, stride> strided_bytes;

// `count` samples, no more than a register holds. All of `dense` is written.
template <int stride, typename Sample>
PYQUANT_INLINE void gather_register(const Sample* from, int count, Sample* dense) {
  constexpr auto& bytes = strided_bytes<sizeof(Sample), stride>;
  const __m512i index = _mm512_load_si512(bytes.in_memory);
  const int span = bytes.span(count);
  __m512i result = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int j = 0; j < stride; ++j) {
    if (64 * j >= span) break;
    const __mmask64 valid = lane_mask(0, span - 64 * j - 1);
    const __m512i memory =
        _mm512_maskz_loadu_epi8(valid, reinterpret_cast<const unsigned char*>(from) + 64 * j);
    result = _mm512_mask_permutexvar_epi8(result, bytes.source[j], index, memory);
  }
  _mm512_storeu_si512(dense, result);
}

template <int stride, typename Sample>
PYQUANT_INLINE void scatter_register(const Sample* dense, int count, Sample* to) {
  constexpr auto& bytes = strided_bytes<sizeof(Sample), stride>;
  const __m512i samples = _mm512_loadu_si512(dense);
  const int span = bytes.span(count);
#pragma GCC unroll 4
  for (int j = 0; j < stride; ++j) {
    if (64 * j >= span) break;
    const __mmask64 valid = lane_mask(0, span - 64 * j - 1) & bytes.used[j];
    _mm512_mask_storeu_epi8(
        reinterpret_cast<unsigned char*>(to) + 64 * j, valid,
        _mm512_permutexvar_epi8(_mm512_load_si512(bytes.in_register + 64 * j), samples));
  }
}

struct Strided {
  template <int stride, typename Sample>
  static PYQUANT_INLINE void gather(const Sample* from, int count, Sample* dense) {
    constexpr int at_once = 64 / sizeof(Sample);
    for (int i = 0; i < count; i += at_once) {
      const int some = count - i < at_once ? count - i : at_once;
      gather_register<stride>(from + i * stride, some, dense + i);
    }
  }

  template <int stride, typename Sample>
  static PYQUANT_INLINE void scatter(const Sample* dense, int count, Sample* to) {
    constexpr int at_once = 64 / sizeof(Sample);
    for (int i = 0; i < count; i += at_once) {
      const int some = count - i < at_once ? count - i : at_once;
      scatter_register<stride>(dense + i, some, to + i * stride);
    }
  }
};

static_assert(StridedSamples<Strided>);

}  // namespace pyquant::avx512

#include "../target_end.inl.h"
