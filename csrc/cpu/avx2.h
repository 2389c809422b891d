#pragma once

// Primitives of AVX2 (with FMA and F16C): what avx512.h is for AVX-512, in
// registers half as long and without its byte permutations and masks. Included
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

PYQUANT_INLINE __m256 divide(__m256 whole, const ExactQuotient& quotient) {
  return _mm256_fmadd_ps(
      whole, _mm256_set1_ps(quotient.high),
      _mm256_fmadd_ps(whole, _mm256_set1_ps(quotient.low), _mm256_setzero_ps()));
}

// ---- 8 floats of any format

using Floats = __m256;
constexpr int floats_at_once = 8;

PYQUANT_INLINE __m256 load_floats(const float* from) { return _mm256_loadu_ps(from); }

PYQUANT_INLINE __m256 load_floats(const Float16* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

PYQUANT_INLINE __m256 load_floats(const BFloat16* from) {
  const __m128i high_halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(high_halves), 16));
}

PYQUANT_INLINE __m256 load_floats(const double* from) {
  return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(from + 4)),
                         _mm256_cvtpd_ps(_mm256_loadu_pd(from)));
}

// Bytes are converted, not scaled.
PYQUANT_INLINE __m256 load_floats(const std::uint8_t* from) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

PYQUANT_INLINE void store_floats(float* to, __m256 value) { _mm256_storeu_ps(to, value); }

PYQUANT_INLINE void store_floats(Float16* to, __m256 value) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

// 16-bit halves of 8 integers below 2^16.
PYQUANT_INLINE __m128i low_halves(__m256i integers) {
  return _mm_packus_epi32(_mm256_castsi256_si128(integers),
                          _mm256_extracti128_si256(integers, 1));
}

// A level: see avx512.h.
PYQUANT_INLINE __m256i add_half_of_last_place(__m256 level) {
  return _mm256_add_epi32(_mm256_castps_si256(level), _mm256_set1_epi32(0x8000));
}

PYQUANT_INLINE void store_floats(BFloat16* to, __m256 level) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   low_halves(_mm256_srli_epi32(add_half_of_last_place(level), 16)));
}

PYQUANT_INLINE void stream_floats(float* to, __m256 value) { _mm256_stream_ps(to, value); }
PYQUANT_INLINE void streams_end() { _mm_sfence(); }

PYQUANT_INLINE void store_floats(double* to, __m256 value) {
  _mm256_storeu_pd(to, _mm256_cvtps_pd(_mm256_castps256_ps128(value)));
  _mm256_storeu_pd(to + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(value, 1)));
}

// Rounded to the nearest byte.
PYQUANT_INLINE void store_floats(std::uint8_t* to, __m256 value) {
  const __m128i halves = low_halves(_mm256_cvtps_epi32(value));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(halves, halves));
}

PYQUANT_INLINE __m256 multiply(__m256 value, float factor) {
  return _mm256_mul_ps(value, _mm256_set1_ps(factor));
}

PYQUANT_INLINE __m256 add(__m256 value, float offset) {
  return _mm256_add_ps(value, _mm256_set1_ps(offset));
}

PYQUANT_INLINE __m256 truncate(__m256 value) {
  return _mm256_round_ps(value, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

// max(NaN, 0) is 0 in this order of operands.
PYQUANT_INLINE __m256 clamp(__m256 value, float top) {
  return _mm256_min_ps(_mm256_max_ps(value, _mm256_setzero_ps()), _mm256_set1_ps(top));
}

// ---- 16 floats of 16 bits, in two registers; see avx512.h

PYQUANT_INLINE __m256i load_clamped(const void* from, short one, short infinity) {
  const __m256i value = _mm256_max_epi16(
      _mm256_loadu_si256(static_cast<const __m256i*>(from)), _mm256_setzero_si256());
  const __m256i no_number = _mm256_cmpgt_epi16(value, _mm256_set1_epi16(infinity));
  return _mm256_andnot_si256(no_number, _mm256_min_epi16(value, _mm256_set1_epi16(one)));
}

PYQUANT_INLINE void load_units(const Float16* from, __m256& low, __m256& high) {
  const __m256i value = load_clamped(from, 0x3c00, 0x7c00);
  low = _mm256_cvtph_ps(_mm256_castsi256_si128(value));
  high = _mm256_cvtph_ps(_mm256_extracti128_si256(value, 1));
}

PYQUANT_INLINE void load_units(const BFloat16* from, __m256& even, __m256& odd) {
  const __m256i value = load_clamped(from, 0x3f80, 0x7f80);
  even = _mm256_castsi256_ps(_mm256_slli_epi32(value, 16));
  odd = _mm256_castsi256_ps(_mm256_blend_epi16(_mm256_setzero_si256(), value, 0xaa));
}

PYQUANT_INLINE void store_levels(BFloat16* to, __m256 even, __m256 odd) {
  const __m256i low_half = _mm256_srli_epi32(add_half_of_last_place(even), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm256_blend_epi16(low_half, add_half_of_last_place(odd), 0xaa));
}

// ---- samples that lie `stride` apart

template <int stride, typename Sample>
PYQUANT_INLINE void gather_samples(const Sample* from, int count, Sample* dense) {
  for (int i = 0; i < count; ++i) dense[i] = from[i * stride];
}

template <int stride, typename Sample>
PYQUANT_INLINE void scatter_samples(const Sample* dense, int count, Sample* to) {
  for (int i = 0; i < count; ++i) to[i * stride] = dense[i];
}

// ---- tables of bytes

PYQUANT_INLINE __m256i twice(const void* sixteen_bytes) {
  return _mm256_broadcastsi128_si256(
      _mm_loadu_si128(static_cast<const __m128i*>(sixteen_bytes)));
}

// ---- lanes

// The numbers of the lanes, to be compared with.
PYQUANT_INLINE __m256i lane_numbers_of_bytes() {
  return _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                          21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
}

PYQUANT_INLINE int clamp_lane(std::int64_t lane) {
  return static_cast<int>(lane < -1 ? -1 : lane > 32 ? 32 : lane);
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

  // column[c] lane l = first[l * lane_stride + c].
  static void read_tile(const Sample* first, std::ptrdiff_t lane_stride, Vector* column) {
    for (int lane = 0; lane < 16; ++lane) {
      const Sample* row = first + lane * lane_stride;
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

  // The other way; `column` is used up.
  static void write_tile(Vector* column, Sample* first, std::ptrdiff_t lane_stride) {
    for (int block = 0; block < 64; block += 16) transpose_halves(column + block);
    for (int lane = 0; lane < 16; ++lane) {
      Sample* row = first + lane * lane_stride;
      for (int half = 0; half < 2; ++half) {
        __m256i a = column[lane + 32 * half];
        __m256i b = column[lane + 32 * half + 16];
        exchange_halves(a, b);
        store(row + 32 * half, a);
        store(row + 16 * lane_stride + 32 * half, b);
      }
    }
  }

  static PYQUANT_INLINE Vector all(Sample value) {
    return _mm256_set1_epi8(static_cast<char>(value));
  }

  static PYQUANT_INLINE Sample first(Vector vector) {
    return static_cast<Sample>(_mm_cvtsi128_si32(_mm256_castsi256_si128(vector)));
  }

  // Every lane takes the value of the lane above it, the top one the first of `above`.
  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    const __m256i middle = _mm256_permute2x128_si256(vector, above, 0x21);
    return _mm256_alignr_epi8(middle, vector, 1);
  }

  // Lanes first..last; none of them if last < first.
  static PYQUANT_INLINE Mask mask(std::int64_t first, std::int64_t last) {
    const __m256i lane = lane_numbers_of_bytes();
    const __m256i from = _mm256_set1_epi8(static_cast<char>(clamp_lane(first) - 1));
    const __m256i to = _mm256_set1_epi8(static_cast<char>(clamp_lane(last) + 1));
    return _mm256_and_si256(_mm256_cmpgt_epi8(lane, from), _mm256_cmpgt_epi8(to, lane));
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm256_blendv_epi8(outside, inside, mask);
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

// 8 lanes of floats, and tiles of 16 columns, a cache line again.
struct FloatLanes {
  using Sample = float;
  using Vector = __m256;
  using Mask = __m256;
  static constexpr SampleFormat native_format = SampleFormat::float32;
  static constexpr int lanes = 8;
  static constexpr int columns = 16;

  static void read_tile(const Sample* first, std::ptrdiff_t lane_stride, Vector* column) {
    for (int begin = 0; begin < columns; begin += 8) {
      __m256 block[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) block[i] = _mm256_loadu_ps(first + begin + i * lane_stride);
      transpose(block);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) column[begin + i] = block[i];
    }
  }

  static void write_tile(const Vector* column, Sample* first, std::ptrdiff_t lane_stride) {
    for (int begin = 0; begin < columns; begin += 8) {
      __m256 block[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) block[i] = column[begin + i];
      transpose(block);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) _mm256_storeu_ps(first + begin + i * lane_stride, block[i]);
    }
  }

  static PYQUANT_INLINE Vector all(Sample value) { return _mm256_set1_ps(value); }
  static PYQUANT_INLINE Sample first(Vector vector) { return _mm256_cvtss_f32(vector); }

  static PYQUANT_INLINE Vector shift(Vector vector, Vector above) {
    const __m256i next_lane = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
    return _mm256_permutevar8x32_ps(_mm256_blend_ps(vector, above, 1), next_lane);
  }

  static PYQUANT_INLINE Mask mask(std::int64_t first, std::int64_t last) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i from = _mm256_set1_epi32(clamp_lane(first) - 1);
    const __m256i to = _mm256_set1_epi32(clamp_lane(last) + 1);
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_cmpgt_epi32(lane, from), _mm256_cmpgt_epi32(to, lane)));
  }

  static PYQUANT_INLINE Vector select(Mask mask, Vector inside, Vector outside) {
    return _mm256_blendv_ps(outside, inside, mask);
  }

 private:
  // Transposes 8x8 floats: 2x2, then 4x4 within the halves, then the halves.
  static PYQUANT_INLINE void transpose(__m256* block) {
    __m256 next[8];
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      const __m256 ac_low = _mm256_unpacklo_ps(block[i], block[i + 2]);
      const __m256 ac_high = _mm256_unpackhi_ps(block[i], block[i + 2]);
      const __m256 bd_low = _mm256_unpacklo_ps(block[i + 1], block[i + 3]);
      const __m256 bd_high = _mm256_unpackhi_ps(block[i + 1], block[i + 3]);
      next[i] = _mm256_unpacklo_ps(ac_low, bd_low);
      next[i + 1] = _mm256_unpackhi_ps(ac_low, bd_low);
      next[i + 2] = _mm256_unpacklo_ps(ac_high, bd_high);
      next[i + 3] = _mm256_unpackhi_ps(ac_high, bd_high);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      block[i] = _mm256_permute2f128_ps(next[i], next[i + 4], 0x20);
      block[i + 4] = _mm256_permute2f128_ps(next[i], next[i + 4], 0x31);
    }
  }
};

// ---- one step of the published diffusion

// Values and errors are kept as in avx512.h: a value minus 128, so that signed
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

  // As in avx512.h.
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
