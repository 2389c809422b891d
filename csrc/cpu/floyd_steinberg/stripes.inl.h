#pragma once

// Floyd-Steinberg dithering of few large planes: a plane is cut into stripes of rows, and
// the lanes are the rows of a stripe, which advance as a wavefront: each row is two
// columns to the left of the row above it (`skew`), so that the three pixels above are finished
// when it needs them.
//
//                 column 0 1 2 3 4 5 6 7 8
//     row 0, lane 3      . . . . . . x            At step t, row i is at column
//     row 1, lane 2      . . . . x                t - 2i. Its up-right neighbour
//     row 2, lane 1      . . x                    is what the lane above did one
//     row 3, lane 0      x                        step ago, `up` two steps ago,
//                                                 `up_left` three steps ago.
//
// So what comes from above is the previous step's errors shifted by one lane, and two
// registers that remember it. A stripe may span several registers: the bottom lane of
// one is above the top lane of the next. A row in memory holds the errors of the row
// above the stripe. The top lane takes one per step; the bottom lane puts its own in
// the places of those already used, for the next stripe. Lanes run from bottom to top,
// since the lowest lane is cheap to store.
//
// The samples of a stripe are first copied into a buffer, row by row as they lie in
// memory, and dithered in place there. Each row is copied to two columns right of the
// one above, so that a column of the buffer is a step: tiles are whole cache lines, and
// what is outside the image has its place, too. Rows in the buffer are an odd number
// of cache lines apart, while those of an image are often a power of two apart, where
// many of them compete for the same few lines of the cache. For a very wide image the
// buffer holds one block of steps after another, so that it stays small.
//
// At either end of a stripe some lanes are outside the image: tiles that contain
// such steps mask them, all other tiles do without.
//
// A step is a chain of dependent operations here, too: the same stripe of several
// planes is dithered at once, one step of each in turn.
//
// The next stripe may run in another thread, at a distance: StripeProgress says
// how far it may go.
//
// Included in place, where an instruction set is switched on (kernels.inl.h says why).

#include <algorithm>
#include <cstdint>

#include "../aligned_buffer.h"
#include "kernels.h"
#include "rows.inl.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

// How much of a stripe is in the buffer at the same time.
enum class Buffered { whole_rows, blocks };

template <typename Step, int planes, int registers_of_stripe = Step::stripe_registers,
          Buffered buffered = Buffered::whole_rows>
class Stripes {
 public:
  using Lanes = typename Step::Lanes;
  using Sample = typename Lanes::Sample;
  using Vector = typename Lanes::Vector;
  using Mask = typename Lanes::Mask;
  static constexpr int lanes = Lanes::lanes;
  static constexpr int columns = Lanes::columns;
  static constexpr int registers = registers_of_stripe;
  static constexpr int rows = lanes * registers;
  static constexpr int skew = 2;                    // columns from one row to the next
  static constexpr int lag = skew * (rows - 1);     // of the last row
  static constexpr int units = planes * registers;  // those of a plane together

  // planes * (width + a few) * sizeof(Sample).
  static std::int64_t row_above_bytes(std::int64_t width) {
    return planes * row_above_size(width) * sizeof(Sample);
  }

  // planes * rows * (width + a few) * sizeof(Sample); in blocks about block_bytes.
  static std::int64_t buffer_bytes(std::int64_t width) {
    return planes * rows * row_distance(width) * sizeof(Sample);
  }

  // Of planes first_plane..end_plane-1, `planes` or fewer; the lanes of those that
  // are missing hold nonsense.
  Stripes(const FloydSteinbergCall& call, const Step& step, std::int64_t first_plane,
          std::int64_t end_plane, std::int64_t stripe, void* row_above, void* buffer)
      : call_(call),
        step_(step),
        access_(row_access<Sample, Sample>(call.format)),
        first_plane_(first_plane),
        used_planes_(end_plane - first_plane),
        first_row_(stripe * rows),
        used_rows_(std::min<std::int64_t>(rows, call.image_planes.height - first_row_)),
        width_(call.image_planes.width),
        row_above_(static_cast<Sample*>(row_above)),
        buffer_(static_cast<Sample*>(buffer)) {}

  void dither(const StripeProgress* before, StripeProgress* own) {
    if (first_row_ == 0) {
      std::fill_n(row_above_, planes * row_above_size(width_), Lanes::lane_0(Step::no_error()));
    }
    if (before) before->wait_for(1);
    begin();
    const std::int64_t steps = width_ + skew * (used_rows_ - 1);
    if constexpr (buffered == Buffered::whole_rows) {
      dither_steps(0, steps, steps, before, own);
    } else {
      for (std::int64_t first = 0; first < steps; first += block_steps) {
        dither_steps(first, std::min(steps, first + block_steps), steps, before, own);
      }
    }
  }

 private:
  static constexpr std::int64_t line = cache_line / sizeof(Sample);
  static constexpr std::int64_t block_bytes = 1 << 19;  // should stay in the second level
  static constexpr std::int64_t block_steps =
      block_bytes / (planes * rows * sizeof(Sample)) / columns * columns;

  // Those that are in the buffer at the same time.
  PYQUANT_INLINE void dither_steps(std::int64_t first, std::int64_t end, std::int64_t steps,
                                   const StripeProgress* before, StripeProgress* own) {
    read_rows(first, end);
    const std::int64_t lane_distance = -row_distance(width_);  // one row up
    Vector tile[units][columns];
    for (std::int64_t now = first; now < end; now += columns) {
      if (before) before->wait_for(std::min(width_, now + columns + 1));
      for (int i = 0; i < units; ++i) {
        Lanes::read_tile(lane_0(i, now - first), lane_distance, tile[i]);
      }
      if (now > lag && now + columns <= width_) {
        diffuse<false>(tile, now, columns);
      } else {
        diffuse<true>(tile, now, static_cast<int>(std::min<std::int64_t>(columns, steps - now)));
      }
      if (own) own->reach(std::min(width_, now + columns - lag));
      for (int i = 0; i < units; ++i) {
        Lanes::write_tile(tile[i], lane_0(i, now - first), lane_distance);
      }
    }
    write_rows(first, end);
  }

  // From one row of the buffer to the next: a column for each step, whole tiles of
  // them, and an odd number of cache lines.
  static std::int64_t row_distance(std::int64_t width) {
    const std::int64_t steps = buffered == Buffered::blocks ? block_steps : width + lag;
    return ((steps + columns - 1) / line | 1) * line;
  }

  // The row above is read up to here, at the last step of the last lane.
  static std::int64_t row_above_size(std::int64_t width) { return width + lag + columns + 1; }

  // Lane 0 of a unit, that many steps after the first in the buffer.
  Sample* lane_0(int unit, std::int64_t step) const {
    return begin_of_row(unit / registers, last_row_of(unit)) + step;
  }

  // At the first step in the buffer: column `first` - skew * row.
  Sample* begin_of_row(std::int64_t plane, std::int64_t row) const {
    return buffer_ + (plane * rows + row) * row_distance(width_);
  }

  // The columns of a row at steps first..end-1.
  struct Columns {
    std::int64_t begin;
    std::int64_t count;
  };
  Columns columns_at(std::int64_t row, std::int64_t first, std::int64_t end) const {
    if (buffered == Buffered::whole_rows) return {0, width_};
    const std::int64_t begin = std::clamp<std::int64_t>(first - skew * row, 0, width_);
    return {begin, std::clamp<std::int64_t>(end - skew * row, 0, width_) - begin};
  }

  void read_rows(std::int64_t first, std::int64_t end) const {
    const Planes& image = call_.image_planes;
    for (std::int64_t plane = 0; plane < used_planes_; ++plane) {
      const std::int64_t offset = image.offset(first_plane_ + plane);
      for (std::int64_t row = 0; row < used_rows_; ++row) {
        const auto [begin, count] = columns_at(row, first, end);
        access_.read(call_.image,
                     offset + (first_row_ + row) * image.row_stride + begin * image.column_stride,
                     image.column_stride, count,
                     begin_of_row(plane, row) + begin + skew * row - first);
      }
    }
  }

  void write_rows(std::int64_t first, std::int64_t end) const {
    const LevelScale scale(call_);
    const Planes& result = call_.result_planes;
    for (std::int64_t plane = 0; plane < used_planes_; ++plane) {
      const std::int64_t offset = result.offset(first_plane_ + plane);
      for (std::int64_t row = 0; row < used_rows_; ++row) {
        const auto [begin, count] = columns_at(row, first, end);
        access_.write(
            begin_of_row(plane, row) + begin + skew * row - first, scale, call_.result,
            offset + (first_row_ + row) * result.row_stride + begin * result.column_stride,
            result.column_stride, count);
      }
    }
  }

  void begin() {
    for (int i = 0; i < units; ++i) {
      up_left_[i] = up_[i] = left_[i] = Step::no_error();
    }
    for (int plane = 0; plane < planes; ++plane) {
      Vector& up = up_[plane * registers];
      up = Lanes::shift(up, Lanes::broadcast(row_above_[plane * row_above_size(width_)]));
    }
  }

  // Steps begin..begin+count-1, which are the columns of the tile.
  template <bool ramp>
  void diffuse(Vector (*tile)[columns], std::int64_t begin, int count) {
    const std::int64_t width = width_;
    const std::int64_t row_above_distance = row_above_size(width);
    Sample* const rows_above = row_above_;
    const Step step = step_;
    Vector up_left[units];
    Vector up[units];
    Vector left[units];
    for (int i = 0; i < units; ++i) {
      up_left[i] = up_left_[i];
      up[i] = up_[i];
      left[i] = left_[i];
    }
#pragma GCC unroll 4
    for (int column = 0; column < count; ++column) {
      const std::int64_t now = begin + column;
      Mask in_image[registers];  // the rows at columns 0..width-1
      Mask at_column_0[registers];
      if (ramp) {
        const std::int64_t first = now < width ? 0 : (now - width) / skew + 1;
        const std::int64_t last = now / skew;
        for (int i = 0; i < registers; ++i) {
          in_image[i] = Lanes::lanes_between(lane_of(last, i), lane_of(first, i));
          // No lane at the steps between.
          at_column_0[i] = Lanes::lanes_between(lane_of(last, i), lane_of(last + now % skew, i));
        }
      }
      Vector above = Step::no_error();
#pragma GCC unroll 8
      for (int i = 0; i < units; ++i) {
        Sample* const row_above = rows_above + i / registers * row_above_distance;
        if (i % registers == 0) above = Lanes::broadcast(row_above[now + 1]);
        const Vector up_right = Lanes::shift(left[i], above);
        above = left[i];
        Vector taken = up_right;
        Vector level;
        Vector error;
        if (ramp && !Step::first_column_takes_up_right) {
          taken = Lanes::select(at_column_0[i % registers], Step::no_error(), up_right);
        }
        step(tile[i][column], up_left[i], up[i], taken, left[i], level, error);
        if (ramp) error = Lanes::select(in_image[i % registers], error, Step::no_error());
        tile[i][column] = level;
        up_left[i] = up[i];
        up[i] = up_right;
        left[i] = error;
        if ((i + 1) % registers == 0 && (!ramp || (now >= lag && now - lag < width))) {
          row_above[now - lag] = Lanes::lane_0(error);
        }
      }
    }
    for (int i = 0; i < units; ++i) {
      up_left_[i] = up_left[i];
      up_[i] = up[i];
      left_[i] = left[i];
    }
  }

  // The row of a stripe in lane 0 of a unit.
  static constexpr int last_row_of(int unit) { return lanes * (unit % registers + 1) - 1; }

  // The lane of a row in a unit; beyond 0..lanes-1 for rows that are not in it.
  static std::int64_t lane_of(std::int64_t row, int unit) { return last_row_of(unit) - row; }

  const FloydSteinbergCall& call_;
  const Step step_;
  const RowAccess<Sample, Sample> access_;
  const std::int64_t first_plane_;
  const std::int64_t used_planes_;
  const std::int64_t first_row_;
  const std::int64_t used_rows_;
  const std::int64_t width_;
  Sample* const row_above_;  // of the first plane
  Sample* const buffer_;
  Vector up_left_[units];
  Vector up_[units];
  Vector left_[units];
};

}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
