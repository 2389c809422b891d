#pragma once

// The dimensions of an image and its result, which have the same shape. Plain C++.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pyquant {

// Strides are in samples.
struct Dimension {
  std::int64_t size = 1;
  std::int64_t image_stride = 1;
  std::int64_t result_stride = 1;
};

// The same samples in the order of the result's memory, the innermost dimension first, and in as
// few dimensions as possible: two become one where the outer goes on, in image and result, where
// the inner ends. There is always one.
inline std::vector<Dimension> merged(std::vector<Dimension> dimensions) {
  std::erase_if(dimensions, [](const Dimension& each) { return each.size == 1; });
  std::sort(dimensions.begin(), dimensions.end(), [](const Dimension& a, const Dimension& b) {
    return a.result_stride < b.result_stride;
  });
  std::vector<Dimension> result;
  for (const Dimension& outer : dimensions) {
    if (!result.empty()) {
      Dimension& inner = result.back();
      if (outer.image_stride == inner.size * inner.image_stride &&
          outer.result_stride == inner.size * inner.result_stride) {
        inner.size *= outer.size;
        continue;
      }
    }
    result.push_back(outer);
  }
  if (result.empty()) result.emplace_back();
  return result;
}

}  // namespace pyquant
