#pragma once

// How a linear quantization is divided among blocks. Plain C++, shared by the kernels,
// the code that launches them and the tests.

#include <algorithm>
#include <cstdint>

#include "../../divide_up.h"
#include "../../planes.h"
#include "../hardware.h"

namespace pyquant {

constexpr int linear_quantize_threads = 256;  // of a block

// What the kernels are told, and the size of their launch.
struct LinearQuantizePlan {
  const void* image = nullptr;
  void* result = nullptr;
  Planes from;
  Planes to;
  std::int64_t samples = 0;
  int bits = 0;

  bool dense = false;  // memory without gaps, in the same order on both sides, aligned
  std::int64_t blocks = 0;
};

// Fills in `dense` and `blocks`: enough blocks to fill every multiprocessor with 2048
// threads. Each thread then takes its share of the samples.
inline void plan_linear_quantize(LinearQuantizePlan& plan, bool same_order_without_gaps,
                                 int sample_size, int multiprocessors) {
  plan.dense = same_order_without_gaps && device::is_aligned_to_pieces(plan.image) &&
               device::is_aligned_to_pieces(plan.result);
  const std::int64_t wanted_threads =
      plan.dense ? divide_up(plan.samples * sample_size, device::piece_bytes)
                 : plan.from.count * plan.from.height * device::warp_size;
  const std::int64_t most_blocks = std::int64_t{multiprocessors} * (2048 / linear_quantize_threads);
  plan.blocks = std::min(divide_up(wanted_threads, linear_quantize_threads), most_blocks);
}

}  // namespace pyquant
