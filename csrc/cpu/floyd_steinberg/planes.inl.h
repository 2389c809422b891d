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
// Wide, low planes are dithered in blocks of columns, so that the buffer of errors is
// small and stays in the cache. In a block, each row is one column to the left of the row
// above it, which is then finished up to the up-right neighbour of the row's last pixel.
// What a row needs of the block before is its State.
//
// Included in place, where an instruction set is switched on (kernels.inl.h says why).

#include <algorithm>
#include <cstdint>

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

  // Scratch memory of that many planes of an image: for each chain its rows, a vector of
  // errors for each column of a row or of a block, and in blocks three vectors for each row.
  static std::int64_t scratch_bytes(const Planes& image, std::int64_t planes) {
    const std::int64_t states = in_blocks(image) ? image.height * sizeof(State<1>) : 0;
    return chains_of(planes) * (Rows::bytes + error_columns(image) * sizeof(Vector) + states);
  }

  // `scratch` begins with a cache line.
  PlaneGroups(const FloydSteinbergCall& call, const Step& step, std::int64_t planes, void* scratch)
      : call_(call),
        step_(step),
        access_(row_access<typename Lanes::Sample, typename Step::Level>(call.format)) {
    const int chains = chains_of(planes);
    auto* const begin = static_cast<unsigned char*>(scratch);
    for (int chain = 0; chain < chains; ++chain) rows_[chain].place(begin + chain * Rows::bytes);
    errors_ = reinterpret_cast<Vector*>(begin + chains * Rows::bytes);
    states_ = errors_ + chains * error_columns(call.image_planes);
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

  static constexpr std::int64_t most_error_bytes = 1 << 20;
  static constexpr std::int64_t block_columns = 2048;

  static int chains_of(std::int64_t planes) { return planes > lanes ? Step::chains : 1; }

  // Otherwise the errors of a row are little memory, or little beside the planes.
  static bool in_blocks(const Planes& image) {
    constexpr std::int64_t most_columns = most_error_bytes / (Step::chains * sizeof(Vector));
    return image.width > most_columns && image.height <= block_columns;
  }

  // In a block, those of one row more are used for each row.
  static std::int64_t error_columns(const Planes& image) {
    return in_blocks(image) ? block_columns + image.height : image.width + 1;
  }

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
    const Planes& image = call_.image_planes;
    if (in_blocks(image)) return dither_blocks<chains>(from, to);
    clear_errors<chains>();
    State<chains> state;
    if (rows_touch(image) && rows_touch(call_.result_planes)) {
      dither_segment<chains>(from, 0, to, 0, 0, image.width * image.height, state);
      return;
    }
    for (std::int64_t row = 0; row < image.height; ++row) {
      dither_segment<chains>(from, row * image.row_stride, to, row * call_.result_planes.row_stride,
                             0, image.width, state);
    }
  }

  template <int chains>
  void dither_blocks(const LanePositions<Lanes>* from, const LanePositions<Lanes>* to) {
    const std::int64_t width = call_.image_planes.width;
    const std::int64_t height = call_.image_planes.height;
    auto* const states = static_cast<State<chains>*>(static_cast<void*>(states_));
    for (std::int64_t block = 0; block < width + height - 1; block += block_columns) {
      first_column_ = std::max<std::int64_t>(0, block - (height - 1));
      clear_errors<chains>();
      for (std::int64_t row = std::max<std::int64_t>(0, block - (width - 1)); row < height; ++row) {
        const std::int64_t begin = std::max<std::int64_t>(0, block - row);
        const std::int64_t end = std::min(width, block + block_columns - row);
        dither_segment<chains>(from, row * call_.image_planes.row_stride, to,
                               row * call_.result_planes.row_stride, begin, end - begin,
                               states[row]);
      }
    }
  }

  template <int chains>
  void clear_errors() const {
    std::fill_n(errors_, error_columns(call_.image_planes) * chains, Step::no_error());
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

  // `length` samples that follow one another in every lane, from `column` of a row on:
  // whole rows, or a part of one.
  template <int chains>
  void dither_segment(const LanePositions<Lanes>* from, std::int64_t from_row,
                      const LanePositions<Lanes>* to, std::int64_t to_row, std::int64_t column,
                      std::int64_t length, State<chains>& state) {
    Vector tile[chains][columns];
    const std::int64_t end = column + length;
    for (std::int64_t position = column; position < end; position += Rows::samples) {
      const int count = static_cast<int>(std::min<std::int64_t>(Rows::samples, end - position));
      for (int chain = 0; chain < chains; ++chain) {
        rows_[chain].read(call_, access_, from[chain], from_row + position * from[chain].stride,
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
        rows_[chain].write(call_, access_, to[chain], to_row + position * to[chain].stride, count);
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
      Vector* above = errors_ + (column - first_column_) * chains;
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
      state.up[chain] = errors_[chain];
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

  const FloydSteinbergCall& call_;
  const Step step_;
  const RowAccess<typename Lanes::Sample, typename Step::Level> access_;
  Rows rows_[Step::chains];
  // Of the row above, from first_column_ on; one beyond the last stays zero.
  Vector* errors_;
  std::int64_t first_column_ = 0;
  Vector* states_;  // one for each row, if there are blocks
};

}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
