#pragma once

// Error diffusion of few large planes: a plane is cut into stripes of rows, and
// the lanes are the rows of a stripe. Each row runs two columns behind the row
// above it, so that the three pixels above are finished when it needs them.
//
//                 column 0 1 2 3 4 5 6 7 8
//     row 0, lane 3      . . . . . . x            At step t, row i is at column
//     row 1, lane 2      . . . . x                t - 2i. Its up-right neighbour
//     row 2, lane 1      . . x                    is what the lane above did one
//     row 3, lane 0      x                        step ago, `up` two steps ago,
//                                                 `up_left` three steps ago.
//
// So what comes from above is the previous step's errors shifted by one lane, and
// two registers that remember it. A stripe may span several registers: the bottom
// lane of one is above the top lane of the next. The rows are read at their own
// columns when a tile is transposed, which makes the skew free. The top lane takes
// the errors of the row above the stripe, one per step, from a row in memory, and
// the bottom lane leaves its own there, for the next stripe, where they have been
// used. Lanes run from bottom to top, since the lowest lane is the one that is
// cheap to store.
//
// At either end of a stripe some lanes are outside the image: tiles that contain
// such steps mask them, all other tiles do without.
//
// The next stripe may run in another thread, at a distance: StripeProgress says
// how far it may go.
//
// Included only where an instruction set is switched on, after its primitives.

#include <algorithm>
#include <cstdint>

#include "diffusion_tiles.h"

namespace pyquant {
namespace {

template <typename Step>
class Stripe {
 public:
  using Lanes = typename Step::Lanes;
  using Sample = typename Lanes::Sample;
  using Vector = typename Lanes::Vector;
  static constexpr int lanes = Lanes::lanes;
  static constexpr int columns = Lanes::columns;
  static constexpr int registers = Step::stripe_registers;
  static constexpr int rows = lanes * registers;
  static constexpr int lag = 2 * (rows - 1);  // of the last row

  // The row above is read up to here, at the last step of the last lane.
  static std::int64_t row_above_size(std::int64_t width) { return width + lag + columns + 1; }

  Stripe(const DiffusionCall& call, const Step& step, std::int64_t plane, std::int64_t stripe)
      : call_(call), step_(step), tiles_(call), first_row_(stripe * rows) {
    used_rows_ = static_cast<int>(std::min<std::int64_t>(rows, call.from.height - first_row_));
    for (int i = 0; i < registers; ++i) {
      place(call.from, plane, i, from_[i]);
      place(call.to, plane, i, to_[i]);
    }
  }

  void dither(Sample* row_above, StripeProgress* before, StripeProgress* own) {
    const std::int64_t width = call_.from.width;
    const std::int64_t steps = width + 2 * (used_rows_ - 1);
    if (first_row_ == 0) {
      std::fill_n(row_above, row_above_size(width), Lanes::first(Step::no_error()));
    }
    if (before) before->wait_for(1);
    for (int i = 0; i < registers; ++i) {
      up_left_[i] = up_[i] = left_[i] = Step::no_error();
    }
    up_[0] = Lanes::shift(up_[0], Lanes::all(row_above[0]));
    Vector tile[registers][columns];
    for (std::int64_t begin = 0; begin < steps; begin += columns) {
      for (int i = 0; i < registers; ++i) {
        tiles_.read(from_[i], 0, begin - lag_of(i), width, tile[i]);
      }
      if (before) before->wait_for(std::min(width, begin + columns + 1));
      if (begin > lag && begin + columns <= width) {
        diffuse<false>(tile, begin, columns, row_above);
      } else {
        const std::int64_t count = std::min<std::int64_t>(columns, steps - begin);
        diffuse<true>(tile, begin, static_cast<int>(count), row_above);
      }
      if (own) own->reach(std::min(width, begin + columns - lag));
      for (int i = 0; i < registers; ++i) {
        tiles_.write(tile[i], to_[i], 0, begin - lag_of(i), width);
      }
    }
  }

 private:
  // Columns that lane 0 of a register is behind the first row.
  static constexpr int lag_of(int index) { return 2 * (lanes * (index + 1) - 1); }

  void place(const Planes& planes, std::int64_t plane, int index,
             LanePositions<Lanes>& positions) const {
    positions.lead = 2;
    positions.column_stride = planes.column_stride;
    positions.end_used = lanes;
    positions.first_used = std::clamp(lanes * (index + 1) - used_rows_, 0, lanes);
    const std::int64_t last_row = first_row_ + lanes * (index + 1) - 1;
    for (int lane = positions.first_used; lane < lanes; ++lane) {
      positions.offset[lane] = planes.offset(plane) + (last_row - lane) * planes.row_stride;
    }
    positions.find_direct(call_.format == Lanes::native_format);
  }

  // Steps begin..begin+count-1, which are the columns of the tile.
  template <bool ramp>
  void diffuse(Vector (*tile)[columns], std::int64_t begin, int count, Sample* row_above) {
    const std::int64_t width = call_.from.width;
    const Step step = step_;
    Vector up_left[registers];
    Vector up[registers];
    Vector left[registers];
    for (int i = 0; i < registers; ++i) {
      up_left[i] = up_left_[i];
      up[i] = up_[i];
      left[i] = left_[i];
    }
#pragma GCC unroll 4
    for (int column = 0; column < count; ++column) {
      const std::int64_t now = begin + column;
      Vector above = Lanes::all(row_above[now + 1]);
#pragma GCC unroll 4
      for (int i = 0; i < registers; ++i) {
        const Vector up_right = Lanes::shift(left[i], above);
        above = left[i];
        Vector taken = up_right;
        Vector level;
        Vector error;
        if (ramp && !Step::first_column_takes_up_right && now % 2 == 0) {
          const std::int64_t lane = lane_of(now / 2, i);
          taken = Lanes::select(lane, lane, Step::no_error(), up_right);
        }
        step(tile[i][column], up_left[i], up[i], taken, left[i], level, error);
        if (ramp) {
          // The rows at columns 0..width-1.
          const std::int64_t first = now < width ? 0 : (now - width) / 2 + 1;
          error = Lanes::select(lane_of(now / 2, i), lane_of(first, i), error, Step::no_error());
        }
        tile[i][column] = level;
        up_left[i] = up[i];
        up[i] = up_right;
        left[i] = error;
      }
      if (!ramp || (now >= lag && now - lag < width)) {
        row_above[now - lag] = Lanes::first(left[registers - 1]);
      }
    }
    for (int i = 0; i < registers; ++i) {
      up_left_[i] = up_left[i];
      up_[i] = up[i];
      left_[i] = left[i];
    }
  }

  // The lane of a row in a register; beyond 0..lanes-1 for rows that are not in it.
  static std::int64_t lane_of(std::int64_t row, int index) {
    return lanes * (index + 1) - 1 - row;
  }

  const DiffusionCall& call_;
  const Step step_;
  const Tiles<Lanes> tiles_;
  const std::int64_t first_row_;
  int used_rows_;
  LanePositions<Lanes> from_[registers];
  LanePositions<Lanes> to_[registers];
  Vector up_left_[registers];
  Vector up_[registers];
  Vector left_[registers];
};

}  // namespace
}  // namespace pyquant
