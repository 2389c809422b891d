#pragma once

// Error diffusion on the CPU: what the kernels for each instruction set offer.
// How they work is written in diffusion_lanes.h and the headers it names; who
// calls them, with which planes and on which thread, in diffusion_schedule.cpp.
// No torch in here.

#include <atomic>
#include <cstdint>

#include "../../floyd_steinberg.h"
#include "../../planes.h"
#include "../../sample.h"

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

// How many columns of a stripe's last row are finished. Whoever dithers the next
// stripe waits for them; what was stored before reach() is visible after
// wait_for().
class StripeProgress {
 public:
  void reach(std::int64_t columns) { columns_.store(columns, std::memory_order_release); }
  void wait_for(std::int64_t columns) const {
    if (columns_.load(std::memory_order_acquire) < columns) wait_longer_for(columns);
  }

 private:
  void wait_longer_for(std::int64_t columns) const;

  std::atomic<std::int64_t> columns_{0};
};

struct DiffusionKernels {
  // Planes that are dithered side by side at the cost of one.
  int planes_at_once;
  // Dithers planes first..last-1, one after another in groups of planes_at_once.
  void (*dither_planes)(const DiffusionCall& call, std::int64_t first, std::int64_t last);

  // Rows of a stripe, 0 if there is no such kernel, and how many planes have the
  // same stripe dithered side by side.
  int rows_at_once;
  int stripes_at_once;
  // What stripes of that width need: rows that all stripes of the same planes
  // share, and a buffer that begins with a cache line. Lanes outside the image work
  // on what lies in the buffer: it should be ordinary numbers, not denormal floats,
  // which cost some processors a hundred times as much.
  std::int64_t (*row_above_bytes)(std::int64_t width);
  std::int64_t (*buffer_bytes)(std::int64_t width);
  // Dithers one stripe of planes first_plane..end_plane-1. `before` is null if the
  // stripe before it is finished, `own` if nobody waits for this one.
  void (*dither_stripes)(const DiffusionCall& call, std::int64_t first_plane,
                         std::int64_t end_plane, std::int64_t stripe, void* row_above,
                         void* buffer, const StripeProgress* before, StripeProgress* own);
};

DiffusionKernels portable_kernels(Variant variant);
DiffusionKernels avx2_kernels(Variant variant);
DiffusionKernels avx512_kernels(Variant variant);

}  // namespace pyquant
