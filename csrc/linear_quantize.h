#pragma once

// Linear quantization of one sample: the code, and the level it is stored as.

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "host_device.h"
#include "levels.h"

namespace pyquant {

enum class Rounding { nearest, floor };

// nearest, bytes: floor((2v(n-1) + 255) / 510) is v(n-1)/255 rounded half up.
PYQUANT_HOST_DEVICE int nearest_code(std::uint8_t sample, int bits) {
  const unsigned twice = static_cast<unsigned>(2 * (level_count(bits) - 1));
  return static_cast<int>((sample * twice + 255) / 510);  // a signed division takes longer
}

// nearest, floats: the argument is positive, so truncation is floor. It is at most
// n - 1/2, because x <= 1, so the code needs no clamp.
PYQUANT_HOST_DEVICE int nearest_code(float unit, int bits) {
  return static_cast<int>(unit * static_cast<float>(level_count(bits) - 1) + 0.5f);
}

// floor: the leading `bits` bits of the byte. Dividing by a power of two is exact.
PYQUANT_HOST_DEVICE int floor_code(std::uint8_t sample, int bits) { return sample >> (8 - bits); }

PYQUANT_HOST_DEVICE int floor_code(float unit, int bits) {
  return static_cast<int>((unit * 255.0f) / static_cast<float>(1 << (8 - bits)));
}

template <Rounding rounding, typename Sample>
PYQUANT_HOST_DEVICE Sample linear_quantize_sample(Sample sample, int bits) {
  if constexpr (std::is_same_v<Sample, std::uint8_t>) {
    return rounding == Rounding::nearest ? textbook_level<Sample>(nearest_code(sample, bits), bits)
                                         : published_level<Sample>(floor_code(sample, bits), bits);
  } else {
    const float unit = to_unit(sample);
    const int code =
        rounding == Rounding::nearest ? nearest_code(unit, bits) : floor_code(unit, bits);
    return textbook_level<Sample>(code, bits);
  }
}

}  // namespace pyquant
