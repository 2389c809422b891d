#pragma once

// Levels of at most two bits in a quarter of the bytes.

#include <immintrin.h>

#include <cstdint>

#include "../inline.h"

#include "target_begin.inl.h"

namespace pyquant::avx512 {

// 64 levels. Bits 2j and 2j + 1 of
// byte i are the code of level 16j + i.
struct PackedLevels {
  static constexpr int count = 64;
  std::uint8_t codes[16];

  // 255/(n-1) is 255 or 85: a level repeats its code in all its bits. Bit i of a
  // level is bit 2j + i % 2 of the byte.
  PYQUANT_INLINE void unpack(std::uint8_t* levels) const {
    const __m512i matrices = _mm512_set_epi64(
        0x4080408040804080, 0x4080408040804080, 0x1020102010201020, 0x1020102010201020,
        0x0408040804080408, 0x0408040804080408, 0x0102010201020102, 0x0102010201020102);
    const __m512i repeated =
        _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    _mm512_storeu_si512(levels, _mm512_gf2p8affine_epi64_epi8(repeated, matrices, 0));
  }

  // Levels 16j to 16j + 15 in the unit interval: 85k/255 is k/3. The table has the
  // same four entries four times, for whatever the next pair of bits is.
  PYQUANT_INLINE __m512 unit_levels(int j) const {
    const __m512 thirds = _mm512_broadcast_f32x4(_mm_setr_ps(0.0f, 1.0f / 3, 2.0f / 3, 1.0f));
    const __m512i bytes =
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    return _mm512_permutexvar_ps(_mm512_srli_epi32(bytes, 2 * j), thirds);
  }
};

}  // namespace pyquant::avx512

#include "../target_end.inl.h"
