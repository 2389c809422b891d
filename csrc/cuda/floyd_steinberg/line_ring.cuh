#pragma once

// From a stripe to the one below, for a warp that walks along all stripes of a plane: the
// errors of the last row wait in shared memory until the warp's first lane comes back
// below them.
//
// The errors are counted by the steps of lane 31. What lane 0 takes in step t is what lane
// 31 left in step t + 96 - width, since 96 steps lie between the columns of both. So the
// ring holds width - 96 errors, in rounds, and the round that is being written.

#include <cstdint>

#include "../device.cuh"
#include "plan.h"
#include "stripe_layout.h"

namespace pyquant {

template <int steps>
class LineRing {
 public:
  PYQUANT_DEVICE LineRing(const FloydSteinbergPlan& plan, unsigned char* memory)
      : staged_(reinterpret_cast<float*>(memory)),
        ring_(staged_ + steps),
        size_(plan.line_slots * steps),
        distance_(static_cast<std::int32_t>(plan.width.divisor) - stripe_delay),
        lane_(device::lane()) {}

  PYQUANT_DEVICE void clear() {
    for (int i = lane_; i - lane_ < size_; i += device::warp_size) {
      device::store_shared(ring_ + i, 0.0f, i < size_);
    }
  }

  // Makes the errors of a round ready for lane 0: zeros in the first stripe of a plane.
  // `begin` is the place in the stream where the steps of the round begin.
  template <typename Stream>
  PYQUANT_DEVICE void stage(const Stream& stream, std::uint32_t begin) {
    // Where lane 31 was when it left the error.
    const std::uint32_t place = begin + lane_ + 1 - stream.width();
    int index = write_ - distance_ + lane_;
    index += index < 0 ? size_ : 0;
    index -= index >= size_ ? size_ : 0;
    const bool takes = (lane_ < steps) & stream.has_pass_below(place);
    const float error = device::load_shared(ring_ + index, takes);
    device::store_shared(staged_ + lane_, error, lane_ < steps);
    // Lanes stage errors together but lane 0 takes them alone.
    device::synchronize_warp();
  }

  PYQUANT_DEVICE const float* staged() const { return staged_; }
  PYQUANT_DEVICE float* written() const { return ring_ + write_; }
  PYQUANT_DEVICE void advance() {
    write_ += steps;
    write_ = write_ == size_ ? 0 : write_;
  }

 private:
  float* staged_;  // the errors of a round
  float* ring_;
  int size_;
  int distance_;
  int lane_;
  int write_ = 0;
};

}  // namespace pyquant
