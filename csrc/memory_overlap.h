#pragma once

// Which samples of tensors share memory, from sizes and strides. No torch in here.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace pyquant {

// The dimensions of a tensor that have more than one index, the largest stride first.
class StridedExtent {
 public:
  StridedExtent(const std::int64_t* sizes, const std::int64_t* strides, std::int64_t rank) {
    for (std::int64_t i = 0; i < rank; ++i) {
      if (sizes[i] > 1) dimensions_.push_back({sizes[i], strides[i]});
    }
    std::stable_sort(
        dimensions_.begin(), dimensions_.end(),
        [](const Dimension& one, const Dimension& other) { return one.stride > other.stride; });
  }

  // How far the last sample is from the first.
  std::int64_t last() const { return last_of(0); }

  // Whether no two samples share their place: whether each index moves farther than all
  // smaller ones together. A few layouts that only as_strided can make count as overlapping
  // although they are not.
  bool is_non_overlapping() const {
    for (std::size_t i = 0; i < dimensions_.size(); ++i) {
      if (dimensions_[i].stride <= last_of(i + 1)) return false;
    }
    return true;
  }

  // Whether two samples are `distance` apart, for an extent that is non-overlapping.
  bool has_distance(std::int64_t distance) const { return has_distance(distance, 0); }

 private:
  struct Dimension {
    std::int64_t size;
    std::int64_t stride;
  };

  // The same, of the dimensions from `first` on.
  std::int64_t last_of(std::size_t first) const {
    std::int64_t distance = 0;
    for (std::size_t i = first; i < dimensions_.size(); ++i) {
      distance += (dimensions_[i].size - 1) * dimensions_[i].stride;
    }
    return distance;
  }

  // The smaller dimensions reach less far than one step of this one: so the number of its
  // steps is the quotient, or one more.
  bool has_distance(std::int64_t distance, std::size_t first) const {
    distance = std::abs(distance);
    if (first == dimensions_.size() || distance > last_of(first)) return distance == 0;
    const auto [size, stride] = dimensions_[first];
    const std::int64_t steps = distance / stride;
    return (steps < size && has_distance(distance - steps * stride, first + 1)) ||
           (steps + 1 < size && has_distance(distance - (steps + 1) * stride, first + 1));
  }

  std::vector<Dimension> dimensions_;
};

}  // namespace pyquant
