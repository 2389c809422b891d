#pragma once

// Division by a number that is known only at run time, without a division: a device has
// none for integers, and takes some twenty instructions.

#include <bit>
#include <cstdint>

#include "../host_device.h"

namespace pyquant {

// n / d = n * m / 2^(31+l) for n < 2^31, where l is the smallest with d <= 2^l, and m is
// 2^(31+l) / d rounded up (m <= 2^31 * 2^l / d < 2^32). The multiplier is too large by
// e/d with e < d <= 2^l. So the product is too large by n*e/d < 2^(31+l) / d, which is
// less than 1/d after the division: too little to reach the next whole number.
//
// The device computes the upper half of 2n * m, and shifts it by l.
struct Divisor {
  std::uint32_t divisor = 1;
  std::uint32_t multiplier = std::uint32_t{1} << 31;
  std::uint32_t shift = 0;

  Divisor() = default;
  explicit Divisor(std::uint32_t d)
      : divisor(d), shift(static_cast<std::uint32_t>(std::bit_width(d - 1))) {
    const std::uint64_t power = std::uint64_t{1} << (31 + shift);
    multiplier = static_cast<std::uint32_t>((power + d - 1) / d);
  }

  PYQUANT_HOST_DEVICE std::uint32_t quotient(std::uint32_t n) const {
    const std::uint64_t product = std::uint64_t{n + n} * multiplier;
    return static_cast<std::uint32_t>(product >> 32) >> shift;
  }
};

}  // namespace pyquant
