#pragma once

#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <functional>

#include "threads.h"

namespace pyquant {

// torch's own threads, so that torch.set_num_threads is obeyed.
constexpr Threads torch_threads = {
    [] { return static_cast<std::int64_t>(torch::stable::get_num_threads()); },
    [](std::int64_t count, const std::function<void(std::int64_t)>& task) {
      torch::stable::parallel_for(0, count, 1, [&](std::int64_t first, std::int64_t end) {
        for (std::int64_t i = first; i < end; ++i) task(i);
      });
    }};

}  // namespace pyquant
