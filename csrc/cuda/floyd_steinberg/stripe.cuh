#pragma once

// A warp and its 32 rows.
//
// Samples pass through shared memory, where the diagonal is read (row_buffers.cuh). A round
// is a number of steps, and the transfers before and after them.
//
// It is a single class, so that its code is compiled as a whole with all of its state
// in registers. Its steps are defined in stripe_steps.inl.cuh. Between the steps of two
// rounds a warp that is alone waits for every instruction, and longest for branches
// (benchmarks/CUDA.md): so there are few, and places are computed anew in every round.

#include <cstdint>
#include <type_traits>

#include "../device.cuh"
#include "piece_transfers.cuh"
#include "plan.h"
#include "row_buffers.cuh"
#include "row_walk.cuh"
#include "sample_transfers.cuh"
#include "steps.cuh"
#include "stream.cuh"
#include "stripe_layout.h"

namespace pyquant {

// Where passes end in half a round: a lane may be there in none of its steps, in one, or in
// several.
enum class PassEnds { none, one, several };

template <typename Sample, typename Step, Walk walk_mode, Transfers transfers>
class Stripe {
 public:
  static constexpr int size = sizeof(Sample);
  static constexpr int steps = round_steps(size);
  static constexpr bool walks_down = walk_mode == Walk::stripes;
  // Errors come from above, and go down, by lines.
  static constexpr bool has_lines = walk_mode == Walk::stripes || walk_mode == Walk::bands;
  static constexpr int planes_at_once = planes_at_once_of(walk_mode);

  PYQUANT_DEVICE Stripe(const FloydSteinbergPlan& plan, unsigned char* buffer, std::int64_t stream,
                        std::int64_t stripe)
      : stream_(plan, stream, stripe),
        step_(plan.bits, has_lines || device::lane() > 0),
        lane_(device::lane()),
        buffers_(buffer),
        mover_(plan, stream_, buffers_),
        walk_(buffers_.row(lane_), Buffers::start_of(lane_)),
        begin_(stream_.begin()) {}

  // Loads the first round.
  PYQUANT_DEVICE void load() {
    mover_.fetch(stream_, begin_);
    buffers_.clear();
    // A row's zeros and its samples are written by different lanes.
    device::synchronize_warp();
    mover_.deposit();
    // Lanes load rows together but walk along them alone.
    device::synchronize_warp();
  }

  // Walks a round, stores what is finished and loads the next round. `line_in` and
  // `line_out` are the errors of the row above the stripe and of its last row, an element
  // per step; planes of one stripe have none.
  PYQUANT_DEVICE void round(const float* line_in, float* line_out) {
    mover_.fetch(stream_, begin_ + steps);  // arrives during the steps
    walk(line_in, line_out);
    // One lane computes the results of a row, other lanes store them.
    device::synchronize_warp();
    mover_.collect(stream_, begin_ - Buffers::chunk);
    buffers_.carry();
    mover_.deposit();
    begin_ += steps;
    // Lanes load rows together but walk along them alone.
    device::synchronize_warp();
  }

  // The error of the row above at the column that lane 0 is about to reach.
  PYQUANT_DEVICE void receive(const float* error) {
    const float received = device::load_shared(error, lane_ == 0);
    float& above = errors_[0].above[skew];
    above = lane_ == 0 ? received : above;
  }

  PYQUANT_DEVICE const Stream<walks_down>& stream() const { return stream_; }
  // The place in the stream where the steps of the next round begin, for a row without
  // delay.
  PYQUANT_DEVICE std::uint32_t begin() const { return begin_; }

 private:
  using Buffers = RowBuffers<size, planes_at_once>;
  using Mover =
      std::conditional_t<transfers == Transfers::samples, SampleTransfers<size, walks_down>,
                         PieceTransfers<Buffers, walks_down, bytes_of(transfers, size)>>;
  // Steps of a loop. A warp waits at the end of each, and a whole round would be much code.
  static constexpr int unrolled = steps / 2;

  // Turns a ring so that element `first` is the first.
  template <int first, typename Element>
  static PYQUANT_DEVICE void go_on_from(Element (&ring)[planes_at_once]) {
    Element turned[planes_at_once];
    for (int i = 0; i < planes_at_once; ++i) turned[i] = ring[(first + i) % planes_at_once];
    for (int i = 0; i < planes_at_once; ++i) ring[i] = turned[i];
  }

  PYQUANT_DEVICE void walk(const float* line_in, float* line_out);
  template <PassEnds ends>
  PYQUANT_DEVICE void walk(std::int32_t steps_to_last_column, const float* line_in,
                           float* line_out);

  const Stream<walks_down> stream_;
  const Step step_;
  const int lane_;
  const Buffers buffers_;
  Mover mover_;
  RowWalk<Sample> walk_;
  std::uint32_t begin_;

  // Of a plane: those of the row above from the column to the left on, as many as have arrived,
  // and that of the pixel to the left.
  struct Errors {
    float above[skew + 1];
    float left;
  };
  // The plane of the next step is the first.
  Errors errors_[planes_at_once] = {};
};

}  // namespace pyquant

#include "stripe_steps.inl.cuh"
