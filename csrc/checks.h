#pragma once

// The checks of the arguments, for every op and device. Their exceptions reach
// Python as ValueError. If one is thrown, the public functions check again in Python
// (pyquant/arguments.py, ops.py), with the same messages; so these are what callers of
// torch.ops see. Types and devices are checked in pyquant/ops.py, where a TypeError can
// be raised; sizes that only CUDA limits are checked in cuda/.

#include <torch/csrc/stable/tensor.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "floyd_steinberg.h"
#include "levels.h"
#include "linear_quantize.h"
#include "memory_overlap.h"

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

inline std::string to_string(const torch::headeronly::IntHeaderOnlyArrayRef& numbers) {
  std::string list;
  for (const std::int64_t number : numbers) {
    list += (list.empty() ? "" : ", ") + std::to_string(number);
  }
  return "[" + list + "]";
}

inline std::string device_name(const torch::stable::Tensor& tensor) {
  return tensor.is_cpu() ? "cpu" : "cuda:" + std::to_string(tensor.get_device_index());
}

// Whether each sample of `out` is in the place of the same sample of the image, or
// none is in the place of any sample of the image. Both have the same sizes.
inline bool is_image_itself_or_apart(const torch::stable::Tensor& image, const StridedExtent& from,
                                     const torch::stable::Tensor& out, const StridedExtent& to) {
  const auto size = static_cast<std::int64_t>(image.element_size());
  const auto out_begin = reinterpret_cast<std::intptr_t>(out.mutable_data_ptr());
  const auto begin = reinterpret_cast<std::intptr_t>(image.const_data_ptr());
  const std::int64_t bytes_apart = out_begin - begin;
  if (bytes_apart >= (from.last() + 1) * size || -bytes_apart >= (to.last() + 1) * size) {
    return true;
  }
  const auto strides = image.strides();
  for (std::int64_t i = 0; i < image.dim(); ++i) {
    if (image.size(i) > 1 && strides[i] != out.stride(i)) return false;
  }
  if (bytes_apart == 0) return true;
  return bytes_apart % size == 0 && !to.has_distance(bytes_apart / size);
}

// Checks of `out` that pyquant/arguments.py makes, too, and those that need its memory.
inline void check_out(const torch::stable::Tensor& image, const torch::stable::Tensor& out) {
  if (out.scalar_type() != image.scalar_type()) {
    throw std::invalid_argument("out must have the dtype of image, " +
                                std::string(torch::headeronly::toString(image.scalar_type())) +
                                ", got " + torch::headeronly::toString(out.scalar_type()));
  }
  if (device_name(out) != device_name(image)) {
    throw std::invalid_argument("out must be on the device of image, " + device_name(image) +
                                ", got " + device_name(out));
  }
  const auto sizes = image.sizes();
  if (out.dim() != image.dim() || !std::equal(sizes.begin(), sizes.end(), out.sizes().begin())) {
    throw std::invalid_argument("out must have the shape of image, " + to_string(sizes) + ", got " +
                                to_string(out.sizes()));
  }
  if (image.numel() == 0) return;
  const StridedExtent to(sizes.data(), out.strides().data(), out.dim());
  if (!to.is_non_overlapping()) {
    throw std::invalid_argument("out must have a place in memory for each sample, got the shape " +
                                to_string(sizes) + " with the strides " + to_string(out.strides()));
  }
  const StridedExtent from(sizes.data(), image.strides().data(), image.dim());
  if (!is_image_itself_or_apart(image, from, out, to)) {
    throw std::invalid_argument(
        "out must be image itself or share no memory with it, got memory that overlaps in part");
  }
}

}  // namespace pyquant
