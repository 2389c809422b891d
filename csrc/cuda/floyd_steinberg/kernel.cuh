#pragma once

// Floyd-Steinberg error diffusion, a row per lane.
//
// A warp holds 32 rows of a plane. Each lane walks along its row, three columns
// to the left of the lane above, so that the errors that it needs from there are
// finished. One shuffle per step hands them down. Four steps, columns as digits:
//
//     step        t       t+1     t+2     t+3
//     lane 0      6       7       8       9
//     lane 1      3       4       5       6
//     lane 2      0       1       2       3      needs 0 1 2 3 4 of lane 1
//
// After the last column of a plane a lane begins the next plane of its stream at
// once, so there is one ramp of the skew per stream. In taller planes the errors
// of lane 31 go to the warp that holds the next 32 rows, through shared memory,
// and from the last warp of a block to the next block, through global memory.
//
// The parts: plan.h cuts the work into streams, bands and stripes; stripe.cuh is a
// warp and its rows, with row_walk.cuh (a lane's walk along its row), stream_place.cuh
// (a place in a stream) and steps.cuh (the arithmetic of a step); band.cuh is a block
// with its stripes, handover.cuh the way from one block to the next.

#include <cstdint>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../../sample.h"
#include "../device.cuh"
#include "band.cuh"
#include "plan.h"
#include "steps.cuh"
#include "stripe.cuh"
#include "stripe_layout.h"

namespace pyquant {

// ---- planes of at most 32 rows: every warp runs through a stream of its own

template <typename Sample, Variant variant>
__global__ void __launch_bounds__(maximum_threads, short_blocks)
    floyd_steinberg_short(const __grid_constant__ FloydSteinbergPlan plan) {
  const std::int64_t stream = device::block() * device::warps() + device::warp();
  if (stream >= plan.streams) return;
  unsigned char* buffer = device::shared_memory() + device::warp() * stripe_bytes(sizeof(Sample));
  Stripe<Sample, Step<Sample, variant>, false> stripe(plan, buffer, stream, 0);
  stripe.clear();
  for (std::int64_t round = -1; round < plan.rounds; ++round) {
    stripe.round(round >= 0, nullptr, nullptr);
  }
}

// ---- taller planes: every block runs through a stream with the stripes of a band

template <typename Sample, Variant variant>
__global__ void __launch_bounds__(maximum_threads, tall_blocks)
    floyd_steinberg_tall(const __grid_constant__ FloydSteinbergPlan plan) {
  dither_band<Sample, variant>(plan);
}

// ---- the kernel of a launch

using FloydSteinbergKernel = void (*)(FloydSteinbergPlan);

template <typename Sample>
FloydSteinbergKernel floyd_steinberg_kernel(Variant variant, bool tall) {
  if (variant == Variant::textbook) {
    return tall ? floyd_steinberg_tall<Sample, Variant::textbook>
                : floyd_steinberg_short<Sample, Variant::textbook>;
  }
  return tall ? floyd_steinberg_tall<Sample, Variant::published>
              : floyd_steinberg_short<Sample, Variant::published>;
}

inline FloydSteinbergKernel floyd_steinberg_kernel(SampleFormat format, Variant variant,
                                                   bool tall) {
  return with_sample_type(format, [&]<typename Sample>(std::type_identity<Sample>) {
    return floyd_steinberg_kernel<Sample>(variant, tall);
  });
}

}  // namespace pyquant
