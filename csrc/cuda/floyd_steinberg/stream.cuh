#pragma once

// A stream: the passes of a warp, one after the other. In a pass the warp walks along 32
// rows of a plane, from their first to their last column.
//
// Places in a stream are counted in columns, or in pieces of 16 bytes. Before the first
// pass there are some that belong to nothing (plan.lead_passes), so that no count is
// negative.

#include <cstdint>
#include <type_traits>

#include "../device.cuh"
#include "plan.h"
#include "stream_strides.h"
#include "stripe_layout.h"

namespace pyquant {

// In the first row of a pass.
template <typename Offset>
struct StreamPlace {
  Offset offset;      // from Stream::first
  std::int32_t rows;  // of the plane, from that row on
  bool is_inside;     // the stream

  PYQUANT_DEVICE bool has_row(int row) const { return is_inside && row < rows; }
};

// `walks_down`: after a stripe of a plane comes the stripe below it. Otherwise all
// passes are at the same rows of their planes.
template <bool walks_down>
class Stream {
 public:
  PYQUANT_DEVICE Stream(const FloydSteinbergPlan& plan, std::int64_t index, std::int64_t stripe)
      : plan_(plan),
        first_plane_(static_cast<std::uint32_t>(index * plan.planes_per_stream)),
        first_row_(static_cast<std::int32_t>(stripe * stripe_rows)) {
    const std::uint32_t left = static_cast<std::uint32_t>(plan.planes) - first_plane_;
    const std::uint32_t most = static_cast<std::uint32_t>(plan.planes_per_stream);
    passes_ = left < most ? left : most;
    if constexpr (walks_down) passes_ *= plan.pass_stripes.divisor;
    // Otherwise they are computed anew in every round.
    device::keep(first_plane_);
    device::keep(passes_);
  }

  PYQUANT_DEVICE std::int32_t width() const {
    return static_cast<std::int32_t>(plan_.width.divisor);
  }
  // Where the first pass begins.
  PYQUANT_DEVICE std::uint32_t begin() const { return plan_.lead_passes * plan_.width.divisor; }

  PYQUANT_DEVICE std::int32_t column(std::uint32_t place) const {
    return static_cast<std::int32_t>(place - plan_.width.quotient(place) * plan_.width.divisor);
  }
  PYQUANT_DEVICE bool are_in_one_pass(std::uint32_t first, std::uint32_t last) const {
    return plan_.width.quotient(first) == plan_.width.quotient(last);
  }
  // Whether the pass of a place has one below it in the same plane.
  PYQUANT_DEVICE bool has_pass_below(std::uint32_t place) const {
    const std::uint32_t pass = plan_.width.quotient(place) - plan_.lead_passes;
    const bool is_last = stripe_of(pass) + 1 == plan_.pass_stripes.divisor;
    return (pass < passes_) & !is_last;  // both computed: a branch takes longer
  }

  // What the offsets of places are counted from, in the units of `strides`.
  template <typename Offset>
  PYQUANT_DEVICE std::int64_t first(const StreamStrides<Offset>& strides,
                                    std::uint32_t width) const {
    const std::int64_t pass = std::int64_t{width} * strides.column + strides.pass_jump;
    return std::int64_t{first_plane_} * strides.plane + std::int64_t{first_row_} * strides.row -
           plan_.lead_passes * pass;
  }

  // `width` of a row, in the units in which places are counted.
  template <typename Offset>
  PYQUANT_DEVICE StreamPlace<Offset> find(const StreamStrides<Offset>& strides,
                                          const Divisor& width, std::uint32_t place) const {
    constexpr bool in_pieces = std::is_same_v<Offset, std::int32_t>;
    // Unsigned: a part of the sum may be beyond the range of Offset, even if the sum is not.
    using Sum = std::make_unsigned_t<Offset>;
    const std::uint32_t quotient = width.quotient(place);
    const std::uint32_t pass = quotient - plan_.lead_passes;
    const std::uint32_t plane = walks_down ? plan_.pass_stripes.quotient(pass) : pass;
    Sum offset = Sum{place} * (in_pieces ? 1 : Sum{strides.column}) +
                 Sum{quotient} * static_cast<Sum>(strides.pass_jump);
    std::uint32_t rows = static_cast<std::uint32_t>(plan_.height - first_row_);
    if constexpr (walks_down) {
      offset += Sum{plane} * static_cast<Sum>(strides.plane_jump);
      rows -= (pass - plane * plan_.pass_stripes.divisor) * stripe_rows;
    }
    if constexpr (!in_pieces) {
      offset += strides.group.quotient(first_plane_ + plane) * static_cast<Sum>(strides.group_jump);
    }
    return {static_cast<Offset>(offset), static_cast<std::int32_t>(rows), pass < passes_};
  }

 private:
  PYQUANT_DEVICE std::uint32_t stripe_of(std::uint32_t pass) const {
    return pass - plan_.pass_stripes.quotient(pass) * plan_.pass_stripes.divisor;
  }

  const FloydSteinbergPlan& plan_;
  std::uint32_t first_plane_;
  std::int32_t first_row_;
  std::uint32_t passes_;
};

}  // namespace pyquant
