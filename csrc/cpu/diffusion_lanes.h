#pragma once

// How error diffusion is vectorised, once for all instruction sets. A pixel
// waits for its left neighbour, so the lanes of a register hold pixels of
// different rows.
//
// Many planes: lane l is plane l, and all lanes work on the same pixel.
//
//     plane 0  . . . . x       One step reads the errors of the row above from a
//     plane 1  . . . . x       buffer of `width` vectors, keeps that of the left
//     plane 2  . . . . x       neighbour in a register, and leaves its own error
//     plane 3  . . . . x       in the buffer for the row below.
//
// Images lie in memory row after row, so the samples are transposed on the way
// in, and the levels on the way out, in tiles: `columns` samples of every lane
// become `columns` vectors. Where the rows of a plane follow one another without
// a gap, a tile runs on from row to row; a narrow image then still fills tiles
// and cache lines.
//
// A step is a chain of dependent operations, longer than it is wide: `chains`
// groups of lanes are interleaved so that one computes while another waits.
//
// Included only where an instruction set is switched on, after its primitives.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "diffusion.h"
#include "sample_rows.h"

namespace pyquant {
namespace {

// Memory for vectors, which want to be aligned.
template <typename Vector>
class VectorBuffer {
 public:
  explicit VectorBuffer(std::int64_t size)
      : begin_(static_cast<Vector*>(
            ::operator new(size * sizeof(Vector), std::align_val_t(alignof(Vector))))) {}
  ~VectorBuffer() { ::operator delete(begin_, std::align_val_t(alignof(Vector))); }
  VectorBuffer(const VectorBuffer&) = delete;
  VectorBuffer& operator=(const VectorBuffer&) = delete;
  Vector* begin() const { return begin_; }

 private:
  Vector* begin_;
};

// Where the lanes of one chain lie in an image.
template <typename Lanes>
struct LanePositions {
  std::int64_t offset[Lanes::lanes];  // of the first sample of a lane
  int used;                           // lanes 0..used-1 exist
  std::int64_t column_stride;
  std::int64_t lane_stride;
  bool direct;  // whole tiles can be transposed straight from and to the image

  void find_direct(bool native_format) {
    lane_stride = used > 1 ? offset[1] - offset[0] : 0;
    direct = native_format && column_stride == 1 && used == Lanes::lanes;
    for (int lane = 1; direct && lane < used; ++lane) {
      direct = offset[lane] - offset[lane - 1] == lane_stride;
    }
  }
};

template <typename Step>
class PlaneGroups {
 public:
  using Lanes = typename Step::Lanes;
  using Sample = typename Lanes::Sample;
  using Vector = typename Lanes::Vector;
  static constexpr int lanes = Lanes::lanes;
  static constexpr int columns = Lanes::columns;

  PlaneGroups(const DiffusionCall& call, const Step& step)
      : call_(call),
        step_(step),
        rows_(row_access<Sample, columns>(call.format)),
        errors_((call.from.width + 1) * Step::chains) {}

  void dither(std::int64_t first, std::int64_t last) {
    std::int64_t plane = first;
    for (; last - plane > lanes; plane += Step::chains * lanes) {
      dither_group<Step::chains>(plane, last);
    }
    if (plane < last) dither_group<1>(plane, last);
  }

 private:
  template <int chains>
  struct State {
    Vector up_left[chains];
    Vector up[chains];
    Vector left[chains];
  };

  // Planes first.. in `chains` times `lanes` lanes, fewer if `last` comes before.
  template <int chains>
  void dither_group(std::int64_t first, std::int64_t last) {
    LanePositions<Lanes> from[chains];
    LanePositions<Lanes> to[chains];
    for (int chain = 0; chain < chains; ++chain) {
      const std::int64_t begin = std::min(first + chain * lanes, last);
      const std::int64_t end = std::min(begin + lanes, last);
      place(call_.from, begin, end, from[chain]);
      place(call_.to, begin, end, to[chain]);
    }
    const std::int64_t width = call_.from.width;
    const std::int64_t height = call_.from.height;
    std::fill_n(errors_.begin(), (width + 1) * chains, Step::no_error());
    if (rows_touch(call_.from) && rows_touch(call_.to)) {
      dither_segment<chains>(from, 0, to, 0, width * height);
      return;
    }
    for (std::int64_t row = 0; row < height; ++row) {
      dither_segment<chains>(from, row * call_.from.row_stride, to, row * call_.to.row_stride,
                             width);
    }
  }

  void place(const Planes& planes, std::int64_t begin, std::int64_t end,
             LanePositions<Lanes>& positions) const {
    positions.used = static_cast<int>(end - begin);
    positions.column_stride = planes.column_stride;
    for (int lane = 0; lane < positions.used; ++lane) {
      positions.offset[lane] = planes.offset(begin + lane);
    }
    positions.find_direct(call_.format == Step::native_format);
  }

  static bool rows_touch(const Planes& planes) {
    return planes.row_stride == planes.width * planes.column_stride;
  }

  // `length` samples, whole rows, that follow one another in every lane.
  template <int chains>
  void dither_segment(const LanePositions<Lanes>* from, std::int64_t from_offset,
                      const LanePositions<Lanes>* to, std::int64_t to_offset,
                      std::int64_t length) {
    const std::int64_t width = call_.from.width;
    Vector tile[chains][columns];
    State<chains> state;
    std::int64_t column = 0;
    for (std::int64_t position = 0; position < length; position += columns) {
      const int count = static_cast<int>(std::min<std::int64_t>(columns, length - position));
      for (int chain = 0; chain < chains; ++chain) {
        read_tile(from[chain], from_offset + position * from[chain].column_stride, count,
                  tile[chain]);
      }
      for (int begin = 0; begin < count;) {
        const int end = static_cast<int>(std::min<std::int64_t>(count, begin + width - column));
        Vector* errors = errors_.begin() + column * chains;
        if (column == 0) {
          begin_row(state);
          diffuse<chains, true>(tile, begin, begin + 1, errors, state);
          ++begin;
          ++column;
          errors += chains;
        }
        diffuse<chains, false>(tile, begin, end, errors, state);
        column += end - begin;
        begin = end;
        if (column == width) column = 0;
      }
      for (int chain = 0; chain < chains; ++chain) {
        write_tile(tile[chain], to[chain], to_offset + position * to[chain].column_stride, count);
      }
    }
  }

  template <int chains>
  void begin_row(State<chains>& state) {
    for (int chain = 0; chain < chains; ++chain) {
      state.up_left[chain] = Step::no_error();
      state.up[chain] = errors_.begin()[chain];
      state.left[chain] = Step::no_error();
    }
  }

  // Steps over columns begin..end-1 of the tile. `errors` belongs to the first of
  // them.
  template <int chains, bool first_column>
  void diffuse(Vector (*tile)[columns], int begin, int end, Vector* errors,
               State<chains>& carried) {
    const Step step = step_;
    State<chains> state = carried;
#pragma GCC unroll 4
    for (int i = begin; i < end; ++i) {
      Vector* const next_error = errors + chains;
#pragma GCC unroll 8
      for (int chain = 0; chain < chains; ++chain) {
        const Vector up_right = next_error[chain];
        Vector level;
        Vector error;
        const bool takes_up_right = !first_column || Step::first_column_takes_up_right;
        step(tile[chain][i], state.up_left[chain], state.up[chain],
             takes_up_right ? up_right : Step::no_error(), state.left[chain], level, error);
        tile[chain][i] = level;
        errors[chain] = error;
        state.up_left[chain] = state.up[chain];
        state.up[chain] = up_right;
        state.left[chain] = error;
      }
      errors = next_error;
    }
    carried = state;
  }

  void read_tile(const LanePositions<Lanes>& from, std::int64_t offset, int count, Vector* tile) {
    if (from.direct && count == columns) {
      const Sample* image = static_cast<const Sample*>(call_.image);
      Lanes::read_tile(image + from.offset[0] + offset, from.lane_stride, tile);
      return;
    }
    Sample rows[lanes][columns];
    if (from.used < lanes || count < columns) std::memset(rows, 0, sizeof rows);
    for (int lane = 0; lane < from.used; ++lane) {
      rows_.read(call_.image, from.offset[lane] + offset, from.column_stride, count, rows[lane]);
    }
    Lanes::read_tile(rows[0], columns, tile);
  }

  void write_tile(Vector* tile, const LanePositions<Lanes>& to, std::int64_t offset, int count) {
    if (to.direct && count == columns) {
      Sample* result = static_cast<Sample*>(call_.result);
      Lanes::write_tile(tile, result + to.offset[0] + offset, to.lane_stride);
      return;
    }
    Sample rows[lanes][columns];
    Lanes::write_tile(tile, rows[0], columns);
    for (int lane = 0; lane < to.used; ++lane) {
      rows_.write(rows[lane], call_.result, to.offset[lane] + offset, to.column_stride, count);
    }
  }

  const DiffusionCall& call_;
  const Step step_;
  const RowAccess<Sample, columns> rows_;
  VectorBuffer<Vector> errors_;  // of the row above, by column; one beyond the last stays zero
};

// ---- the steps of the instruction set

template <typename Step>
void dither_planes_with(const Step& step, const DiffusionCall& call, std::int64_t first,
                        std::int64_t last) {
  PlaneGroups<Step>(call, step).dither(first, last);
}

// Its tables are made once.
template <int bits>
const PublishedStep<bits>& published_step() {
  static const PublishedStep<bits> step;
  return step;
}

void dither_planes(const DiffusionCall& call, std::int64_t first, std::int64_t last) {
  if (call.variant == Variant::textbook) {
    return dither_planes_with(TextbookStep(call.bits), call, first, last);
  }
  switch (call.bits) {
    case 1: return dither_planes_with(published_step<1>(), call, first, last);
    case 2: return dither_planes_with(published_step<2>(), call, first, last);
    case 3: return dither_planes_with(published_step<3>(), call, first, last);
    case 4: return dither_planes_with(published_step<4>(), call, first, last);
    case 5: return dither_planes_with(published_step<5>(), call, first, last);
    case 6: return dither_planes_with(published_step<6>(), call, first, last);
    case 7: return dither_planes_with(published_step<7>(), call, first, last);
    default: return dither_planes_with(published_step<8>(), call, first, last);
  }
}

DiffusionKernels kernels_for(Variant variant) {
  return {variant == Variant::textbook ? FloatLanes::lanes : ByteLanes::lanes, dither_planes};
}

}  // namespace
}  // namespace pyquant
