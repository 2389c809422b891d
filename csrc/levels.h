#pragma once

// Samples and the levels they are quantized to. A code k in 0..n-1, n = 2^bits,
// stands for the level k/(n-1) of the unit interval.

#include <cstdint>
#include <type_traits>

#include "host_device.h"
#include "sample.h"

namespace pyquant {

constexpr int minimum_bits = 1;
constexpr int maximum_bits = 8;

PYQUANT_HOST_DEVICE int level_count(int bits) { return 1 << bits; }

// The level of a code as a float: k/(n-1), correctly rounded, without a
// division. k/(n-1) = (k + k/(n-1)) / n, and there the error of the rounded
// reciprocal counts only 1/n: too little to cross a rounding boundary, since
// the bits of k/(n-1) have a period of b, which keeps it 2^-b of an ulp away from
// every midpoint. (All 510 codes are compared with the division by a test.)
PYQUANT_HOST_DEVICE float unit_level(float code, int bits) {
  const float reciprocal = 1.0f / static_cast<float>(level_count(bits) - 1);
  return multiply_add(code, reciprocal, code) * (1.0f / static_cast<float>(level_count(bits)));
}

PYQUANT_HOST_DEVICE float unit_level(int code, int bits) {
  return unit_level(static_cast<float>(code), bits);
}

// 255k/(n-1) rounded half up: floor((2*255k + (n-1)) / (2(n-1))). The fraction
// has an odd numerator, so it is at least 1/510 away from every integer. The
// multiplier is wrong by at most 2^-17, so k times it is wrong by less than 1/510.
PYQUANT_HOST_DEVICE int rounded_byte_level(int code, int bits) {
  const int steps = level_count(bits) - 1;
  const int multiplier = (2 * 255 * 65536 + steps) / (2 * steps);
  return (code * multiplier + 32768) >> 16;
}

// The same of a code held as a float, in the low byte of the result: rounding to
// nearest is what an addition does next to 2^23, where floats are the integers.
// No tie arises (see above), and the 1/510 is far more than the error of the
// product, fused or not.
PYQUANT_HOST_DEVICE unsigned rounded_byte_level_bits(float code, int bits) {
  const float ratio = 255.0f / static_cast<float>(level_count(bits) - 1);
  return static_cast<unsigned>(float_bits(multiply_add(code, ratio, 0x1p23f)));
}

PYQUANT_HOST_DEVICE int rounded_byte_level(float code, int bits) {
  return static_cast<int>(rounded_byte_level_bits(code, bits) & 255);
}

// floor(255k/(n-1)): the level table of the paper's published code. The
// multiplier is rounded up by less than 2^-16, so k times it by less than 1/255.
PYQUANT_HOST_DEVICE int truncated_level_multiplier(int bits) {
  const int steps = level_count(bits) - 1;
  return (255 * 65536 + steps - 1) / steps;
}

PYQUANT_HOST_DEVICE int truncated_byte_level(int code, int bits) {
  return (code * truncated_level_multiplier(bits)) >> 16;
}

// Clamps to [0, 1]; a NaN fails the first comparison and becomes 0.
PYQUANT_HOST_DEVICE float clamp_to_unit(float value) {
#ifdef PYQUANT_ON_DEVICE
  return __saturatef(value);
#else
  return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
#endif
}

// A stored sample in [0, 1]: bytes are divided by 255, floats clamped.
template <typename Sample>
PYQUANT_HOST_DEVICE float to_unit(Sample sample) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return unit_level(static_cast<float>(sample), 8);  // 255 = 2^8 - 1
  } else {
    return clamp_to_unit(static_cast<float>(sample));
  }
}

// A stored sample in 0..255: bytes as they are, floats as trunc(255x).
template <typename Sample>
PYQUANT_HOST_DEVICE int to_byte(Sample sample) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return sample;
  } else {
    return static_cast<int>(to_unit(sample) * 255.0f);
  }
}

// The level of a code in the table k/(n-1), stored: bytes are rounded half up.
// The code is an int, or a float that holds a whole number.
template <typename Sample, typename Code>
PYQUANT_HOST_DEVICE Sample textbook_level(Code code, int bits) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return static_cast<Sample>(rounded_byte_level(code, bits));
  } else {
    return store_level<Sample>(unit_level(code, bits));
  }
}

// The level of a code in the published table floor(255k/(n-1)), stored: floats
// are that byte divided by 255.
template <typename Sample>
PYQUANT_HOST_DEVICE Sample published_level(int code, int bits) {
  const int level = truncated_byte_level(code, bits);
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return static_cast<Sample>(level);
  } else {
    return store_level<Sample>(unit_level(level, 8));
  }
}

}  // namespace pyquant
