#pragma once

// The threads that an op may use, so that the kernels need not know torch.

#include <cstdint>
#include <functional>

namespace pyquant {

struct Threads {
  std::int64_t (*available)();
  // Calls task(0) to task(count - 1), in any order, at the same time or one after
  // another.
  void (*run)(std::int64_t count, const std::function<void(std::int64_t)>& task);
};

// A thread is worth its wake-up if it has at least this many samples.
constexpr std::int64_t samples_per_thread = 65536;

}  // namespace pyquant
