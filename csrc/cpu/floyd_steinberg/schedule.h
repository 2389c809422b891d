#pragma once

// How the work of one call is divided: planes or stripes, and on which threads.
// No torch in here.

#include <cstdint>

#include "../../planes.h"
#include "../threads.h"
#include "kernels.h"

namespace pyquant {

struct Schedule {
  FloydSteinbergKernels kernels;
  bool by_stripes;
  std::int64_t planes_at_once;  // of a thread, or side by side in stripes
  std::int64_t threads;         // that have work

  // The memory that a call takes besides image and result. It is at most 4 times as large
  // as the image, plus 2 MB for each thread:
  //
  //     planes     nothing shared; a thread has the rows of its lanes, and the errors of a
  //                row or of a block of it (PlaneGroups::scratch_bytes, portable.cpp)
  //     stripes    shared are, for each group of planes, the errors above a stripe
  //                (Stripes::row_above_bytes) and, if there are threads, how far each stripe
  //                has come; a thread has the samples of a stripe or of a block of it
  //                (Stripes::buffer_bytes)
  std::int64_t shared_bytes;
  std::int64_t thread_bytes;
  std::int64_t scratch_bytes() const { return shared_bytes + threads * thread_bytes; }
};

Schedule schedule_of(const Planes& image, Variant variant, const FloydSteinbergKernels& kernels,
                     const Threads& threads);

void dither(const FloydSteinbergCall& call, const FloydSteinbergKernels& kernels,
            const Threads& threads);

}  // namespace pyquant
