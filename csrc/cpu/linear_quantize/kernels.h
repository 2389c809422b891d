#pragma once

// Linear quantization on the CPU: what the kernels of each instruction set offer.
// kernels.inl.h says how they work, op.cpp calls them. No torch in here.

#include <cstdint>

#include "../../linear_quantize.h"
#include "../../sample.h"
#include "../simd/dispatch.h"

namespace pyquant {

// Samples of an image and their places in a result, each `stride` samples apart.
struct LinearQuantizeCall {
  const void* image;
  std::int64_t image_stride;
  void* result;
  std::int64_t result_stride;
  SampleFormat format;
  Rounding rounding;
  int bits;
};

// Quantizes `count` samples that begin image_offset samples into the image and
// result_offset samples into the result.
using LinearQuantizeKernel = void(const LinearQuantizeCall& call, std::int64_t image_offset,
                                  std::int64_t result_offset, std::int64_t count);

#define PYQUANT_DECLARE(set)                    \
  namespace set {                               \
  LinearQuantizeKernel linear_quantize_samples; \
  }
PYQUANT_INSTRUCTION_SETS(PYQUANT_DECLARE)
#undef PYQUANT_DECLARE

inline LinearQuantizeKernel* linear_quantize_kernel(InstructionSet set) {
  switch (set) {
#define PYQUANT_CASE(set) \
  case InstructionSet::set: return set::linear_quantize_samples;
    PYQUANT_INSTRUCTION_SETS(PYQUANT_CASE)
#undef PYQUANT_CASE
  }
  return portable::linear_quantize_samples;  // not reached
}

}  // namespace pyquant
