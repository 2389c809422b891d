#pragma once

// Error diffusion on the CPU: what the kernels for each instruction set offer.
// How they work is written in diffusion_lanes.h; who calls them, with which
// planes and on which thread, in floyd_steinberg.cpp. No torch in here.

#include <cstdint>

#include "../error_diffusion.h"
#include "../planes.h"
#include "sample_format.h"

namespace pyquant {

// One call of the op.
struct DiffusionCall {
  const void* image;
  Planes from;
  void* result;
  Planes to;
  SampleFormat format;
  Variant variant;
  int bits;
};

struct DiffusionKernels {
  // Planes that are dithered side by side at the cost of one.
  int planes_at_once;
  // Dithers planes first..last-1, one after another in groups of planes_at_once.
  void (*dither_planes)(const DiffusionCall& call, std::int64_t first, std::int64_t last);
};

DiffusionKernels portable_kernels(Variant variant);
DiffusionKernels avx2_kernels(Variant variant);
DiffusionKernels avx512_kernels(Variant variant);

}  // namespace pyquant
