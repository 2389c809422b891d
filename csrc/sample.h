#pragma once

// The types that samples are stored as, without torch. float16 and bfloat16 have
// what the ops need: a float from every value, and a value from a level.

#include <cstdint>
#include <type_traits>

#include "host_device.h"

#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

namespace pyquant {

struct BFloat16 {
  std::uint16_t bits;

  // `level` is finite. Rounds half to even: the carry into the upper half is the
  // rounding.
  PYQUANT_HOST_DEVICE static BFloat16 from_level(float level) {
    const std::uint32_t word = static_cast<std::uint32_t>(float_bits(level));
    return {static_cast<std::uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16)};
  }
  PYQUANT_HOST_DEVICE explicit operator float() const {
    return bits_to_float(static_cast<std::uint32_t>(bits) << 16);
  }
};

struct Float16 {
  std::uint16_t bits;

  // `level` is 0 or from 1/255 to 1, so the result is 0 or a normal number: the
  // exponent is rebased from 127 to 15, the fraction loses 13 bits, and the carry is
  // the rounding.
  PYQUANT_HOST_DEVICE static Float16 from_level(float level) {
#ifdef __CUDA_ARCH__
    return {__half_as_ushort(__float2half_rn(level))};
#else
    const std::uint32_t word = static_cast<std::uint32_t>(float_bits(level));
    const std::uint32_t rounded = word + 0xfff + (word >> 13 & 1);
    return {static_cast<std::uint16_t>(level == 0.0f ? 0 : (rounded >> 13) - ((127 - 15) << 10))};
#endif
  }
  PYQUANT_HOST_DEVICE explicit operator float() const {
#ifdef __CUDA_ARCH__
    return __half2float(__ushort_as_half(bits));
#else
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    const std::uint32_t exponent = bits >> 10 & 31;
    const std::uint32_t fraction = bits & 0x3ffu;
    if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
      const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
      return sign ? -magnitude : magnitude;
    }
    const std::uint32_t rebased = exponent == 31 ? 255 : exponent + 127 - 15;
    return bits_to_float(sign | rebased << 23 | fraction << 13);
#endif
  }
};

// A level as a stored float of any width, rounded to nearest.
template <typename Sample>
PYQUANT_HOST_DEVICE Sample store_level(float level) {
  if constexpr (std::is_same_v<Sample, Float16> || std::is_same_v<Sample, BFloat16>) {
    return Sample::from_level(level);
  } else {
    return static_cast<Sample>(level);
  }
}

enum class SampleFormat { uint8, float16, bfloat16, float32, float64 };

// Calls function(std::type_identity<Sample>()) with the type of the format.
template <typename Function>
decltype(auto) with_sample_type(SampleFormat format, Function&& function) {
  switch (format) {
    case SampleFormat::uint8: return function(std::type_identity<std::uint8_t>());
    case SampleFormat::float16: return function(std::type_identity<Float16>());
    case SampleFormat::bfloat16: return function(std::type_identity<BFloat16>());
    case SampleFormat::float32: return function(std::type_identity<float>());
    default: return function(std::type_identity<double>());
  }
}

}  // namespace pyquant
