#pragma once

// Samples and the levels they are quantized to. A code k in 0..n-1, n = 2^bits,
// stands for the level k/(n-1) of the unit interval.

#include <cstdint>
#include <type_traits>

#include "host_device.h"

namespace pyquant {

constexpr int minimum_bits = 1;
constexpr int maximum_bits = 8;

PYQUANT_HOST_DEVICE int level_count(int bits) { return 1 << bits; }

// The level of a code as a float: k/(n-1), correctly rounded.
PYQUANT_HOST_DEVICE float unit_level(int code, int bits) {
  return static_cast<float>(code) / static_cast<float>(level_count(bits) - 1);
}

// 255k/(n-1) rounded half up: floor((2*255k + (n-1)) / (2(n-1))).
PYQUANT_HOST_DEVICE int rounded_byte_level(int code, int bits) {
  const int steps = level_count(bits) - 1;
  return (2 * 255 * code + steps) / (2 * steps);
}

// floor(255k/(n-1)): the level table of the paper's published code.
PYQUANT_HOST_DEVICE int truncated_byte_level(int code, int bits) {
  return 255 * code / (level_count(bits) - 1);
}

// Clamps to [0, 1]; a NaN fails the first comparison and becomes 0.
PYQUANT_HOST_DEVICE float clamp_to_unit(float value) {
  return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
}

// A stored sample in [0, 1]: bytes are divided by 255, floats clamped.
template <typename Sample>
PYQUANT_HOST_DEVICE float to_unit(Sample sample) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return static_cast<float>(sample) / 255.0f;
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
template <typename Sample>
PYQUANT_HOST_DEVICE Sample textbook_level(int code, int bits) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return static_cast<Sample>(rounded_byte_level(code, bits));
  } else {
    return static_cast<Sample>(unit_level(code, bits));
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
    return static_cast<Sample>(static_cast<float>(level) / 255.0f);
  }
}

}  // namespace pyquant
