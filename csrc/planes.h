#pragma once

// A strided image (..., height, width) seen as `count` independent planes.
// Strides are in samples. Leading dimensions that follow each other in memory
// without a gap are merged, so a contiguous batch has one and channels_last has two.

#include <cstdint>

#include "host_device.h"

namespace pyquant {

struct Planes {
  static constexpr int maximum_leading = 8;

  std::int64_t count = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
  int leading = 0;
  std::int64_t leading_size[maximum_leading] = {};
  std::int64_t leading_stride[maximum_leading] = {};

  // Where a plane begins, in samples from the beginning of the image.
  PYQUANT_HOST_DEVICE std::int64_t offset(std::int64_t plane) const {
    std::int64_t result = 0;
    for (int i = leading - 1; i > 0; --i) {
      result += plane % leading_size[i] * leading_stride[i];
      plane /= leading_size[i];
    }
    return leading > 0 ? result + plane * leading_stride[0] : result;
  }
};

}  // namespace pyquant
