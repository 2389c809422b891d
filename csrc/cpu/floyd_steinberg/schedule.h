#pragma once

// How the work of one call is divided: planes or stripes, and on which threads.
// No torch in here.

#include <cstdint>
#include <functional>

#include "kernels.h"

namespace pyquant {

struct Threads {
  std::int64_t (*available)();
  // Calls task(0) to task(count - 1), in any order, at the same time or one after
  // another.
  void (*run)(std::int64_t count, const std::function<void(std::int64_t)>& task);
};

void dither(const DiffusionCall& call, const DiffusionKernels& kernels, const Threads& threads);

}  // namespace pyquant
