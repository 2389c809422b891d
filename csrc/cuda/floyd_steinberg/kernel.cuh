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
// once, so there is one ramp of the skew per stream. If the samples of three planes are
// interleaved, a lane takes a step in each of them in turn. Taller planes are walked along in one
// of two ways (plan.h chooses). One warp walks along a stripe of 32 rows after the other, and
// the errors of lane 31 wait in shared memory until lane 0 comes back below them. Or each
// stripe has a warp: the errors go to the warp of the next 32 rows through shared memory, and
// from the last warp of a block to the next block through global memory.
//
// The parts:
//
//   plan.h, stream_strides.h, stripe_layout.h   the division of the work, and plain numbers
//   lone_warp.cuh, line_ring.cuh                a warp by itself; the errors that it keeps
//   band.cuh, handover.cuh                      a block with its stripes; the way to the next
//   stripe.cuh                                  a warp and its 32 rows
//   row_walk.cuh, steps.cuh                     a lane's walk along its row, and what it computes
//   stream.cuh                                  places in a stream
//   row_buffers.cuh, piece_transfers.cuh,       rows in shared memory, and on their way between
//   sample_transfers.cuh                        it and global memory

#include <cstdint>
#include <type_traits>

#include "../../floyd_steinberg.h"
#include "../../sample.h"
#include "../device.cuh"
#include "band.cuh"
#include "lone_warp.cuh"
#include "plan.h"

namespace pyquant {

template <typename Sample, Variant variant, Walk walk, Transfers transfers>
__global__ void __launch_bounds__(maximum_threads, resident_blocks(walk))
    floyd_steinberg(const __grid_constant__ FloydSteinbergPlan plan) {
  if constexpr (walk == Walk::bands) {
    dither_band<Sample, variant, transfers>(plan);
  } else {
    dither_stream<Sample, variant, walk, transfers>(plan);
  }
}

// ---- the kernel of a launch

using FloydSteinbergKernel = void (*)(FloydSteinbergPlan);

template <typename Sample, Variant variant, Transfers transfers>
FloydSteinbergKernel floyd_steinberg_kernel(Walk walk) {
  switch (walk) {
    case Walk::planes: return floyd_steinberg<Sample, variant, Walk::planes, transfers>;
    case Walk::interleaved:  // the plan has it for pieces only
      return floyd_steinberg<Sample, variant, Walk::interleaved, Transfers::pieces>;
    case Walk::stripes: return floyd_steinberg<Sample, variant, Walk::stripes, transfers>;
    default: return floyd_steinberg<Sample, variant, Walk::bands, transfers>;
  }
}

template <typename Sample, Variant variant>
FloydSteinbergKernel floyd_steinberg_kernel(Walk walk, Transfers transfers) {
  if (transfers == Transfers::pieces) {
    return floyd_steinberg_kernel<Sample, variant, Transfers::pieces>(walk);
  }
  if constexpr (sizeof(Sample) < 4) {  // the plan has words for these only
    if (transfers == Transfers::words) {
      return floyd_steinberg_kernel<Sample, variant, Transfers::words>(walk);
    }
  }
  return floyd_steinberg_kernel<Sample, variant, Transfers::samples>(walk);
}

inline FloydSteinbergKernel floyd_steinberg_kernel(const FloydSteinbergPlan& plan,
                                                   SampleFormat format, Variant variant) {
  return with_sample_type(format, [&]<typename Sample>(std::type_identity<Sample>) {
    return variant == Variant::textbook
               ? floyd_steinberg_kernel<Sample, Variant::textbook>(plan.walk, plan.transfers)
               : floyd_steinberg_kernel<Sample, Variant::published>(plan.walk, plan.transfers);
  });
}

}  // namespace pyquant
