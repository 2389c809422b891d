#pragma once

// Primitives of AVX-512 (F, BW, DQ, VL, VBMI, GFNI; BMI2): lanes of bytes and of
// floats, and the arithmetic of one step of each diffusion in them. Included
// only where these instructions are switched on.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "../error_diffusion.h"
#include "exact_quotient.h"
#include "../sample_format.h"

#define PYQUANT_INLINE inline __attribute__((always_inline))

namespace pyquant {
namespace {

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

PYQUANT_INLINE __m512 divide(__m512 whole, const ExactQuotient& quotient) {
  return _mm512_fmadd_ps(
      whole, _mm512_set1_ps(quotient.high),
      _mm512_fmadd_ps(whole, _mm512_set1_ps(quotient.low), _mm512_setzero_ps()));
}

// ---- 16 floats of any format

using Floats = __m512;
constexpr int floats_at_once = 16;

PYQUANT_INLINE __m512 load_floats(const float* from) { return _mm512_loadu_ps(from); }

PYQUANT_INLINE __m512 load_floats(const Float16* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

// The upper halves of floats: their places in one shuffle, the lower halves zero.
PYQUANT_INLINE __m512 load_floats(const BFloat16* from) {
  const __m512i half = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7, 0,
                                        6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
  const __m512i halves =
      _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, half, halves));
}

PYQUANT_INLINE __m512 load_floats(const double* from) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(_mm512_loadu_pd(from))),
                            _mm512_cvtpd_ps(_mm512_loadu_pd(from + 8)), 1);
}

// Bytes are converted, not scaled.
PYQUANT_INLINE __m512 load_floats(const std::uint8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

PYQUANT_INLINE void store_floats(float* to, __m512 value) { _mm512_storeu_ps(to, value); }

PYQUANT_INLINE void store_floats(Float16* to, __m512 value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// What is stored is a level k/(n-1) as a float. Half a unit of the new last place
// is added and the rest cut off: that rounds to nearest, and no level is a tie,
// because its bits have a period of 8 at most, and 8 are kept. Fifteen equal bits
// after the first one that goes would make all of them equal.
PYQUANT_INLINE __m512i add_half_of_last_place(__m512 level) {
  return _mm512_add_epi32(_mm512_castps_si512(level), _mm512_set1_epi32(0x8000));
}

PYQUANT_INLINE void store_floats(BFloat16* to, __m512 level) {
  _mm256_storeu_si256(
      reinterpret_cast<__m256i*>(to),
      _mm512_cvtepi32_epi16(_mm512_srli_epi32(add_half_of_last_place(level), 16)));
}

PYQUANT_INLINE void stream_floats(float* to, __m512 value) { _mm512_stream_ps(to, value); }
PYQUANT_INLINE void streams_end() { _mm_sfence(); }

PYQUANT_INLINE void store_floats(double* to, __m512 value) {
  _mm512_storeu_pd(to, _mm512_cvtps_pd(_mm512_castps512_ps256(value)));
  _mm512_storeu_pd(to + 8, _mm512_cvtps_pd(_mm512_extractf32x8_ps(value, 1)));
}

// Rounded to the nearest byte.
PYQUANT_INLINE void store_floats(std::uint8_t* to, __m512 value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(value)));
}

PYQUANT_INLINE __m512 multiply(__m512 value, float factor) {
  return _mm512_mul_ps(value, _mm512_set1_ps(factor));
}

PYQUANT_INLINE __m512 add(__m512 value, float offset) {
  return _mm512_add_ps(value, _mm512_set1_ps(offset));
}

PYQUANT_INLINE __m512 truncate(__m512 value) {
  return _mm512_roundscale_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

// max(NaN, 0) is 0 in this order of operands.
PYQUANT_INLINE __m512 clamp(__m512 value, float top) {
  return _mm512_min_ps(_mm512_max_ps(value, _mm512_setzero_ps()), _mm512_set1_ps(top));
}

// ---- 32 floats of 16 bits, in two registers

// Clamped to [0, 1] as integers: floats that are not negative are ordered like
// their bits, with NaN above infinity, and the others are negative integers.
PYQUANT_INLINE __m512i load_clamped(const void* from, short one, short infinity) {
  const __m512i value = _mm512_max_epi16(_mm512_loadu_si512(from), _mm512_setzero_si512());
  const __mmask32 number = _mm512_cmple_epi16_mask(value, _mm512_set1_epi16(infinity));
  return _mm512_maskz_min_epi16(number, value, _mm512_set1_epi16(one));
}

PYQUANT_INLINE void load_units(const Float16* from, __m512& low, __m512& high) {
  const __m512i value = load_clamped(from, 0x3c00, 0x7c00);
  low = _mm512_cvtph_ps(_mm512_castsi512_si256(value));
  high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(value, 1));
}

PYQUANT_INLINE void load_units(const BFloat16* from, __m512& even, __m512& odd) {
  const __m512i value = load_clamped(from, 0x3f80, 0x7f80);
  even = _mm512_castsi512_ps(_mm512_slli_epi32(value, 16));
  odd = _mm512_castsi512_ps(_mm512_maskz_mov_epi16(0xaaaaaaaa, value));
}

PYQUANT_INLINE void store_levels(BFloat16* to, __m512 even, __m512 odd) {
  const __m512i low_half = _mm512_srli_epi32(add_half_of_last_place(even), 16);
  _mm512_storeu_si512(
      to, _mm512_mask_blend_epi16(0xaaaaaaaa, low_half, add_half_of_last_place(odd)));
}

// Bits first..last of 64; the ends may lie outside.
PYQUANT_INLINE std::uint64_t lane_mask(std::int64_t first, std::int64_t last) {
  const std::int64_t begin = first < 0 ? 0 : first > 64 ? 64 : first;
  const std::int64_t end = last < 0 ? 0 : last > 63 ? 64 : last + 1;
  return _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(end)) &
         ~_bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(begin));
}

// ---- samples that lie `stride` apart, 2 to 4

// A register of them is spread over `stride` registers of memory: its byte b is
// byte in_memory[b] there, and byte m there is byte in_register[m] of it.
template <int sample_bytes, int stride>
struct StridedBytes {
  alignas(64) std::uint8_t in_memory[64];
  alignas(64) std::uint8_t in_register[64 * stride] = {};
  std::uint64_t used[stride] = {};  // which bytes of each of these registers
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
    const __m512i memory = _mm512_maskz_loadu_epi8(
        valid, reinterpret_cast<const unsigned char*>(from) + 64 * j);
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

// Any number of them; `dense` has room for whole registers.
template <int stride, typename Sample>
PYQUANT_INLINE void gather_samples(const Sample* from, int count, Sample* dense) {
  constexpr int at_once = 64 / sizeof(Sample);
  for (int i = 0; i < count; i += at_once) {
    const int some = count - i < at_once ? count - i : at_once;
    gather_register<stride>(from + i * stride, some, dense + i);
  }
}

template <int stride, typename Sample>
PYQUANT_INLINE void scatter_samples(const Sample* dense, int count, Sample* to) {
  constexpr int at_once = 64 / sizeof(Sample);
  for (int i = 0; i < count; i += at_once) {
    const int some = count - i < at_once ? count - i : at_once;
    scatter_register<stride>(dense + i, some, to + i * stride);
  }
}

alignas(64) constexpr std::uint8_t next_lane[64] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
};

// 64 levels of at most two bits, in a quarter of the bytes: bits 2j and 2j + 1 of
// byte i are the code of level 16j + i.
struct PackedLevels {
  static constexpr int count = 64;
  std::uint8_t codes[16];

  // 255/(n-1) is 255 or 85: a level repeats its code in all its bits. Bit i of a
  // level is bit 2j + i % 2 of the byte.
  PYQUANT_INLINE void unpack(std::uint8_t* levels) const {
    const __m512i matrices =
        _mm512_set_epi64(0x4080408040804080, 0x4080408040804080, 0x1020102010201020,
                         0x1020102010201020, 0x0408040804080408, 0x0408040804080408,
                         0x0102010201020102, 0x0102010201020102);
    const __m512i repeated = _mm512_broadcast_i32x4(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
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

// 64 lanes of bytes, and tiles of 64 columns: a lane's part of a tile is a whole
// cache line.
struct ByteLanes {
  using Sample = std::uint8_t;
  static constexpr SampleFormat native_format = SampleFormat::uint8;
  using Vector = __m512i;
  using Mask = __mmask64;
  static constexpr int lanes = 64;
  static constexpr int columns = 64;

  // column[c] lane l = first[l * lane_stride + c].
  static void read_tile(const Sample* first, std::ptrdiff_t lane_stride, Vector* column) {
    for (int lane = 0; lane < 16; ++lane) {
      const Sample* row = first + lane * lane_stride;
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

  // The other way; `column` is used up.
  static void write_tile(Vector* column, Sample* first, std::ptrdiff_t lane_stride) {
    transpose_blocks(column);
    for (int lane = 0; lane < 16; ++lane) {
      __m512i a = column[lane];
      __m512i b = column[lane + 16];
      __m512i c = column[lane + 32];
      __m512i d = column[lane + 48];
      exchange_quarters(a, b, c, d);
      Sample* row = first + lane * lane_stride;
      _mm512_storeu_si512(row, a);
      _mm512_storeu_si512(row + 16 * lane_stride, b);
      _mm512_storeu_si512(row + 32 * lane_stride, c);
      _mm512_storeu_si512(row + 48 * lane_stride, d);
    }
  }

  // The same for levels that can be packed: a quarter of the bytes to transpose.
  static void write_tile(const Vector* column, PackedLevels* first, std::ptrdiff_t lane_stride) {
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
      store_quarter<0>(first + i * lane_stride, block[i]);
      store_quarter<1>(first + (i + 16) * lane_stride, block[i]);
      store_quarter<2>(first + (i + 32) * lane_stride, block[i]);
      store_quarter<3>(first + (i + 48) * lane_stride, block[i]);
    }
  }

  static PYQUANT_INLINE Vector all(Sample value) {
    return _mm512_set1_epi8(static_cast<char>(value));
  }

  static PYQUANT_INLINE Sample first(Vector vector) {
    return static_cast<Sample>(_mm_cvtsi128_si32(_mm512_castsi512_si128(vector)));
  }

  // Every lane takes the value of the lane above it, the top one the first of `above`.
  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    return _mm512_permutex2var_epi8(vector, _mm512_load_si512(next_lane), above);
  }

  // Lanes first..last; none of them if last < first.
  static PYQUANT_INLINE Mask mask(std::int64_t first, std::int64_t last) {
    return lane_mask(first, last);
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm512_mask_mov_epi8(outside, mask, inside);
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
    for (int first = 0; first < 64; first += 16) {
      __m512i block[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) block[i] = column[first + i];
      transpose_quarters(block);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) column[first + i] = block[i];
    }
  }
};

// Transposes 16x16 floats.
PYQUANT_INLINE void transpose_floats(__m512* block) {
  __m512 next[16];
#pragma GCC unroll 2
  for (int round = 0; round < 2; ++round) {
    // Within the quarters, as transpose_quarters does, but 4x4 floats.
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m512 a = block[4 * i + half];
        const __m512 b = block[4 * i + half + 2];
        next[4 * i + 2 * half] = _mm512_unpacklo_ps(a, b);
        next[4 * i + 2 * half + 1] = _mm512_unpackhi_ps(a, b);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = next[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 ab_low = _mm512_shuffle_f32x4(block[i], block[i + 4], 0x44);
    const __m512 ab_high = _mm512_shuffle_f32x4(block[i], block[i + 4], 0xee);
    const __m512 cd_low = _mm512_shuffle_f32x4(block[i + 8], block[i + 12], 0x44);
    const __m512 cd_high = _mm512_shuffle_f32x4(block[i + 8], block[i + 12], 0xee);
    next[i] = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
    next[i + 4] = _mm512_shuffle_f32x4(ab_low, cd_low, 0xdd);
    next[i + 8] = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
    next[i + 12] = _mm512_shuffle_f32x4(ab_high, cd_high, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) block[i] = next[i];
}

// 16 lanes of floats, and tiles of 16 columns.
struct FloatLanes {
  using Sample = float;
  static constexpr SampleFormat native_format = SampleFormat::float32;
  using Vector = __m512;
  using Mask = __mmask16;
  static constexpr int lanes = 16;
  static constexpr int columns = 16;

  static void read_tile(const Sample* first, std::ptrdiff_t lane_stride, Vector* column) {
    __m512 block[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = _mm512_loadu_ps(first + i * lane_stride);
    transpose_floats(block);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) column[i] = block[i];
  }

  static void write_tile(const Vector* column, Sample* first, std::ptrdiff_t lane_stride) {
    __m512 block[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) block[i] = column[i];
    transpose_floats(block);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) _mm512_storeu_ps(first + i * lane_stride, block[i]);
  }

  // The same for codes: 8 bits of a float and its exponent, which are its upper
  // half. Halves of two columns share a register.
  static void write_tile(const Vector* column, BFloat16* first, std::ptrdiff_t lane_stride) {
    __m512i block[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      block[i] = _mm512_mask_blend_epi16(
          0xaaaaaaaa, _mm512_srli_epi32(_mm512_castps_si512(column[2 * i]), 16),
          _mm512_castps_si512(column[2 * i + 1]));
    }
    transpose_8(block);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      store_half<0>(first + i * lane_stride, block[i]);
      store_half<1>(first + (i + 8) * lane_stride, block[i]);
    }
  }

  static PYQUANT_INLINE Vector all(Sample value) { return _mm512_set1_ps(value); }
  static PYQUANT_INLINE Sample first(Vector vector) { return _mm512_cvtss_f32(vector); }

  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(above), _mm512_castps_si512(vector), 1));
  }

  static PYQUANT_INLINE Mask mask(std::int64_t first, std::int64_t last) {
    return static_cast<Mask>(lane_mask(first, last));
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm512_mask_mov_ps(outside, mask, inside);
  }

 private:
  // Lane l of register c becomes dword c of lane l's half: register l % 8, half
  // l / 8.
  static PYQUANT_INLINE void transpose_8(__m512i* block) {
    __m512i next[8];
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      const __m512i ab_low = _mm512_unpacklo_epi32(block[i], block[i + 1]);
      const __m512i ab_high = _mm512_unpackhi_epi32(block[i], block[i + 1]);
      const __m512i cd_low = _mm512_unpacklo_epi32(block[i + 2], block[i + 3]);
      const __m512i cd_high = _mm512_unpackhi_epi32(block[i + 2], block[i + 3]);
      next[i] = _mm512_unpacklo_epi64(ab_low, cd_low);
      next[i + 1] = _mm512_unpackhi_epi64(ab_low, cd_low);
      next[i + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
      next[i + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
    }
    // Quarter q of next[i] is columns 0..3, of next[i + 4] columns 4..7, of lane
    // 4q + i.
    const __m512i even = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const __m512i odd = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      block[i] = _mm512_permutex2var_epi64(next[i], even, next[i + 4]);
      block[i + 4] = _mm512_permutex2var_epi64(next[i], odd, next[i + 4]);
    }
  }

  template <int half>
  static PYQUANT_INLINE void store_half(void* to, __m512i vector) {
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_extracti64x4_epi64(vector, half));
  }
};

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
