#pragma once

#include <cstdint>

#include "../planes.h"
#include "device.cuh"

namespace pyquant {

// Planes::offset in 32-bit arithmetic, since a 64-bit division is a call on the
// device. A launch has fewer than 2^32 planes (see limits.h).
PYQUANT_DEVICE std::int64_t plane_offset(const Planes& planes, std::uint32_t plane) {
  std::int64_t result = 0;
#pragma unroll 1
  for (int i = planes.leading - 1; i > 0; --i) {
    const std::uint32_t size = static_cast<std::uint32_t>(planes.leading_size[i]);
    result += plane % size * planes.leading_stride[i];
    plane /= size;
  }
  return result + plane * planes.leading_stride[0];
}

}  // namespace pyquant
