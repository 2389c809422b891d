#pragma once

// float16 and bfloat16 without torch. Only what the ops need: float32 from every
// value, and a level (finite, 0 or from 1/255 to 1) back from float32.

#include <cstdint>

#include "../host_device.h"

#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

namespace pyquant::device {

struct BFloat16 {
  std::uint16_t bits;

  BFloat16() = default;
  // Round half to even: the carry into the upper half is the rounding.
  PYQUANT_HOST_DEVICE explicit BFloat16(float value) {
    const std::uint32_t word = static_cast<std::uint32_t>(float_bits(value));
    bits = static_cast<std::uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16);
  }
  PYQUANT_HOST_DEVICE explicit operator float() const {
    return bits_to_float(static_cast<std::uint32_t>(bits) << 16);
  }
};

struct Float16 {
  std::uint16_t bits;

  Float16() = default;
#ifdef __CUDACC__
  PYQUANT_HOST_DEVICE explicit Float16(float value)
      : bits(__half_as_ushort(__float2half_rn(value))) {}
  PYQUANT_HOST_DEVICE explicit operator float() const { return __half2float(__ushort_as_half(bits)); }
#else
  // Levels are zero or normal numbers: the exponent is rebased from 127 to 15,
  // the fraction loses 13 bits, and the carry is the rounding.
  explicit Float16(float value) {
    const std::uint32_t word = static_cast<std::uint32_t>(float_bits(value));
    const std::uint32_t rounded = word + 0xfff + (word >> 13 & 1);
    bits = static_cast<std::uint16_t>(value == 0.0f ? 0 : (rounded >> 13) - ((127 - 15) << 10));
  }
  explicit operator float() const {
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    const std::uint32_t exponent = bits >> 10 & 31;
    const std::uint32_t fraction = bits & 0x3ffu;
    if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
      const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
      return sign ? -magnitude : magnitude;
    }
    const std::uint32_t rebased = exponent == 31 ? 255 : exponent + 127 - 15;
    return bits_to_float(sign | rebased << 23 | fraction << 13);
  }
#endif
};

}  // namespace pyquant::device
