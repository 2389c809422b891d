#pragma once

// From a tensor's dtype to the format of its samples.

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <type_traits>

#include "sample_types.h"
#include "sample.h"

namespace pyquant {

inline SampleFormat sample_format(const torch::stable::Tensor& image) {
  return dispatch_sample_type(image.scalar_type(), "image", [](auto sample_type) {
    using Sample = typename decltype(sample_type)::type;
    if (std::is_same_v<Sample, std::uint8_t>) return SampleFormat::uint8;
    if (std::is_same_v<Sample, torch::headeronly::Half>) return SampleFormat::float16;
    if (std::is_same_v<Sample, torch::headeronly::BFloat16>) return SampleFormat::bfloat16;
    if (std::is_same_v<Sample, float>) return SampleFormat::float32;
    return SampleFormat::float64;
  });
}

}  // namespace pyquant
