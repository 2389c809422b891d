#pragma once

// The checks of the arguments, for every op and device. Their exceptions reach
// Python as ValueError. The public functions have raised the same errors before
// (pyquant/arguments.py, ops.py); these are for callers of torch.ops. Types and
// devices are checked in pyquant/ops.py, where a TypeError can be raised; sizes that
// only CUDA limits are checked in cuda/.

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "floyd_steinberg.h"
#include "levels.h"
#include "linear_quantize.h"

namespace pyquant {

inline int checked_bits(std::int64_t bits) {
  if (bits < minimum_bits || bits > maximum_bits) {
    throw std::invalid_argument("bits must be an integer from 1 to 8, got " + std::to_string(bits));
  }
  return static_cast<int>(bits);
}

inline Variant checked_variant(const std::string& variant) {
  if (variant == "textbook") return Variant::textbook;
  if (variant == "published") return Variant::published;
  throw std::invalid_argument("variant must be 'textbook' or 'published', got '" + variant + "'");
}

inline Rounding checked_rounding(const std::string& rounding) {
  if (rounding == "nearest") return Rounding::nearest;
  if (rounding == "floor") return Rounding::floor;
  throw std::invalid_argument("rounding must be 'nearest' or 'floor', got '" + rounding + "'");
}

inline void check_image(const torch::stable::Tensor& image) {
  if (image.dim() < 2) {
    throw std::invalid_argument("image must have at least 2 dimensions (..., height, width), got " +
                                std::to_string(image.dim()));
  }
}

}  // namespace pyquant
