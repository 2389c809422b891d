#pragma once

// Sizes of an image that only CUDA limits.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "../planes.h"

namespace pyquant {

// The kernels count the rows of an image in 32 bits, some in fewer.
inline void check_rows(const Planes& image, std::int64_t most_rows = (std::int64_t{1} << 32) - 1) {
  if (image.count > most_rows / image.height) {
    throw std::invalid_argument("image must have at most " + std::to_string(most_rows) +
                                " rows on CUDA, got " + std::to_string(image.count) + " * " +
                                std::to_string(image.height));
  }
}

}  // namespace pyquant
