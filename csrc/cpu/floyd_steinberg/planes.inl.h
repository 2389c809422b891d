#pragma once

// Floyd-Steinberg dithering of many planes: lane l is plane l, and all lanes work on the
// same pixel.
//
//     plane 0  . . . . x       One step reads the errors of the row above from a
//     plane 1  . . . . x       buffer of `width` vectors, keeps that of the left
//     plane 2  . . . . x       neighbour in a register, and leaves its own error
//     plane 3  . . . . x       in the buffer for the row below.
//
// Where the rows of a plane follow one another without a gap, a tile runs on from
// row to row; narrow images then fill tiles and cache lines, too.
//
// A step is a chain of dependent operations, which leaves most of the processor idle.
// So `chains` groups of lanes are interleaved: one computes while another waits.
//
// Included in place, where an instruction set is switched on (kernels.inl.h says why).

#include <algorithm>
#include <cstdint>

#include "../aligned_buffer.h"
#include "tiles.inl.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

template <typename Step>
class PlaneGroups {
 public:
  using Lanes = typename Step::Lanes;
  using Vector = typename Lanes::Vector;
  static constexpr int lanes = Lanes::lanes;
  static constexpr int columns = Lanes::columns;
  using Rows = LaneRows<Step>;

  PlaneGroups(const FloydSteinbergCall& call, const Step& step)
      : call_(call),
        step_(step),
        access_(row_access<typename Lanes::Sample, typename Step::Level>(call.format)),
        scratch_(Step::chains * (Rows::bytes + (call.image_planes.width + 1) * sizeof(Vector))) {
    auto* const begin = static_cast<unsigned char*>(scratch_.begin());
    for (int chain = 0; chain < Step::chains; ++chain) {
      rows_[chain].place(begin + chain * Rows::bytes);
    }
    errors_ = reinterpret_cast<Vector*>(begin + Step::chains * Rows::bytes);
  }

  void dither(std::int64_t first_plane, std::int64_t end_plane) {
    std::int64_t plane = first_plane;
    for (; end_plane - plane > lanes; plane += Step::chains * lanes) {
      dither_group<Step::chains>(plane, end_plane);
    }
    if (plane < end_plane) dither_group<1>(plane, end_plane);
  }

 private:
  template <int chains>
  struct State {
    Vector up_left[chains];
    Vector up[chains];
    Vector left[chains];
  };

  // Planes from first_plane on in `chains` times `lanes` lanes, fewer if end_plane comes
  // before.
  template <int chains>
  void dither_group(std::int64_t first_plane, std::int64_t end_plane) {
    LanePositions<Lanes> from[chains];
    LanePositions<Lanes> to[chains];
    for (int chain = 0; chain < chains; ++chain) {
      const std::int64_t begin = std::min(first_plane + chain * lanes, end_plane);
      const std::int64_t end = std::min(begin + lanes, end_plane);
      place(call_.image_planes, begin, end, from[chain]);
      place(call_.result_planes, begin, end, to[chain]);
      rows_[chain].clear_unused(from[chain].used);
    }
    const std::int64_t width = call_.image_planes.width;
    const std::int64_t height = call_.image_planes.height;
    std::fill_n(errors(), (width + 1) * chains, Step::no_error());
    if (rows_touch(call_.image_planes) && rows_touch(call_.result_planes)) {
      dither_segment<chains>(from, 0, to, 0, width * height);
      return;
    }
    for (std::int64_t row = 0; row < height; ++row) {
      dither_segment<chains>(from, row * call_.image_planes.row_stride, to,
                             row * call_.result_planes.row_stride, width);
    }
  }

  void place(const Planes& planes, std::int64_t begin, std::int64_t end,
             LanePositions<Lanes>& positions) const {
    positions.used = static_cast<int>(end - begin);
    positions.stride = planes.column_stride;
    for (int lane = 0; lane < positions.used; ++lane) {
      positions.offset[lane] = planes.offset(begin + lane);
    }
    positions.find_direct(call_.format);
  }

  static bool rows_touch(const Planes& planes) {
    return planes.row_stride == planes.width * planes.column_stride;
  }

  // `length` samples, whole rows, that follow one another in every lane.
  template <int chains>
  void dither_segment(const LanePositions<Lanes>* from, std::int64_t from_offset,
                      const LanePositions<Lanes>* to, std::int64_t to_offset, std::int64_t length) {
    Vector tile[chains][columns];
    State<chains> state;
    std::int64_t column = 0;
    for (std::int64_t position = 0; position < length; position += Rows::samples) {
      const int count = static_cast<int>(std::min<std::int64_t>(Rows::samples, length - position));
      for (int chain = 0; chain < chains; ++chain) {
        rows_[chain].read(call_, access_, from[chain], from_offset + position * from[chain].stride,
                          count);
      }
      for (int begin = 0; begin < count; begin += columns) {
        for (int chain = 0; chain < chains; ++chain) {
          rows_[chain].read_tile(begin / columns, tile[chain]);
        }
        diffuse_tile<chains>(tile, std::min(columns, count - begin), column, state);
        for (int chain = 0; chain < chains; ++chain) {
          rows_[chain].write_tile(tile[chain], begin / columns);
        }
      }
      for (int chain = 0; chain < chains; ++chain) {
        rows_[chain].write(call_, access_, to[chain], to_offset + position * to[chain].stride,
                           count);
      }
    }
  }

  // Steps over the first `count` columns of a tile, which begins at `column` of the
  // image.
  template <int chains>
  void diffuse_tile(Vector (*tile)[columns], int count, std::int64_t& column,
                    State<chains>& state) const {
    const std::int64_t width = call_.image_planes.width;
    for (int begin = 0; begin < count;) {
      const int end = static_cast<int>(std::min<std::int64_t>(count, begin + width - column));
      Vector* above = errors() + column * chains;
      if (column == 0) begin_row(state);
      if (column == 0 && !Step::first_column_takes_up_right) {
        diffuse<chains, false>(tile, begin, begin + 1, above, state);
        diffuse<chains, true>(tile, begin + 1, end, above + chains, state);
      } else {
        diffuse<chains, true>(tile, begin, end, above, state);
      }
      column += end - begin;
      begin = end;
      if (column == width) column = 0;
    }
  }

  template <int chains>
  void begin_row(State<chains>& state) const {
    for (int chain = 0; chain < chains; ++chain) {
      state.up_left[chain] = Step::no_error();
      state.up[chain] = errors()[chain];
      state.left[chain] = Step::no_error();
    }
  }

  // Steps over columns begin..end-1 of the tile. `errors` belongs to the first of
  // them.
  template <int chains, bool takes_up_right>
  void diffuse(Vector (*tile)[columns], int begin, int end, Vector* errors,
               State<chains>& carried) const {
    const Step step = step_;
    State<chains> state = carried;
#pragma GCC unroll 4
    for (int i = begin; i < end; ++i) {
      Vector* const next_errors = errors + chains;
#pragma GCC unroll 8
      for (int chain = 0; chain < chains; ++chain) {
        const Vector up_right = next_errors[chain];
        Vector level;
        Vector error;
        step(tile[chain][i], state.up_left[chain], state.up[chain],
             takes_up_right ? up_right : Step::no_error(), state.left[chain], level, error);
        tile[chain][i] = level;
        errors[chain] = error;
        state.up_left[chain] = state.up[chain];
        state.up[chain] = up_right;
        state.left[chain] = error;
      }
      errors = next_errors;
    }
    carried = state;
  }

  // Of the row above, by column; one beyond the last stays zero.
  Vector* errors() const { return errors_; }

  const FloydSteinbergCall& call_;
  const Step step_;
  const RowAccess<typename Lanes::Sample, typename Step::Level> access_;
  // The rows and the errors: too much for the stack of some threads.
  const AlignedBuffer scratch_;
  Vector* errors_;
  Rows rows_[Step::chains];
};

}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
