#pragma once

// Floyd-Steinberg dithering on the CPU: what the kernels of each instruction set
// offer. kernels.inl.h says how they work, schedule.cpp calls them. No torch in here.

#include <cstdint>

#include "../../floyd_steinberg.h"
#include "../../planes.h"
#include "../../sample.h"
#include "../simd/dispatch.h"
#include "stripe_progress.h"

namespace pyquant {

// One call of the op.
struct FloydSteinbergCall {
  const void* image;
  Planes image_planes;
  void* result;
  Planes result_planes;
  SampleFormat format;
  Variant variant;
  int bits;
};

struct FloydSteinbergKernels {
  // Planes that are dithered side by side at the cost of one.
  int planes_at_once;
  // Dithers planes first_plane..end_plane-1, in groups of planes_at_once. `scratch` begins
  // with a cache line, and planes_bytes says how large it is for so many planes.
  void (*dither_planes)(const FloydSteinbergCall& call, std::int64_t first_plane,
                        std::int64_t end_plane, void* scratch);
  std::int64_t (*planes_bytes)(const Planes& image, std::int64_t planes);

  // Rows of a stripe, 0 if there is no such kernel, and how many planes have the
  // same stripe dithered side by side.
  int rows_at_once = 0;
  int stripes_at_once = 0;
  // What stripes of an image of that width need, of one plane or of up to stripes_at_once:
  // rows that all stripes of the same planes share, and a buffer that begins with a cache
  // line; a smaller one may do for stripes in order, all of them in one thread. Lanes outside
  // the image work on what lies in the buffer: floats there should be ordinary numbers, not
  // denormal ones, which cost some processors a hundred times as much.
  std::int64_t (*row_above_bytes)(std::int64_t width, std::int64_t planes) = nullptr;
  std::int64_t (*buffer_bytes)(std::int64_t width, std::int64_t planes, bool in_order) = nullptr;
  // Dithers one stripe of planes first_plane..end_plane-1. `before` is null if the
  // stripe before it is finished, `own` if nobody waits for this one.
  void (*dither_stripes)(const FloydSteinbergCall& call, std::int64_t first_plane,
                         std::int64_t end_plane, std::int64_t stripe, void* row_above, void* buffer,
                         const StripeProgress* before, StripeProgress* own) = nullptr;
};

#define PYQUANT_DECLARE(set)                                      \
  namespace set {                                                 \
  FloydSteinbergKernels floyd_steinberg_kernels(Variant variant); \
  }
PYQUANT_INSTRUCTION_SETS(PYQUANT_DECLARE)
#undef PYQUANT_DECLARE

inline FloydSteinbergKernels floyd_steinberg_kernels(InstructionSet set, Variant variant) {
  switch (set) {
#define PYQUANT_CASE(set) \
  case InstructionSet::set: return set::floyd_steinberg_kernels(variant);
    PYQUANT_INSTRUCTION_SETS(PYQUANT_CASE)
#undef PYQUANT_CASE
  }
  return portable::floyd_steinberg_kernels(variant);  // not reached
}

}  // namespace pyquant
