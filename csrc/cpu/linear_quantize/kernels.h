#pragma once

// Linear quantization on the CPU: what the kernels for each instruction set
// offer. linear_quantize.cpp calls them. No torch in here.

#include <cstdint>

#include "../../linear_quantize.h"
#include "../../sample.h"

namespace pyquant {

// `count` samples from a place in an image to a place in a result, each `stride`
// samples apart.
struct QuantizeCall {
  const void* image;
  std::int64_t from_stride;
  void* result;
  std::int64_t to_stride;
  SampleFormat format;
  Rounding rounding;
  int bits;
};

// Quantizes `count` samples that begin from_offset samples into the image and
// to_offset samples into the result.
using QuantizeSamples = void(const QuantizeCall& call, std::int64_t from_offset,
                             std::int64_t to_offset, std::int64_t count);

QuantizeSamples quantize_portable;
QuantizeSamples quantize_avx2;
QuantizeSamples quantize_avx512;

}  // namespace pyquant
