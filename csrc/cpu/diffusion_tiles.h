#pragma once

// From images to lanes and back. Images lie in memory row after row; lanes want
// one sample of many rows in one register. So samples are transposed on the way
// in, and levels on the way out, in tiles: `columns` samples of every lane become
// `columns` vectors. Included only where an instruction set is switched on,
// after its primitives.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "diffusion.h"
#include "sample_rows.h"

namespace pyquant {
namespace {

// The lanes of one register in an image: lane l runs through samples offset[l] +
// column * column_stride, and is `lead` columns ahead of lane l - 1.
template <typename Lanes>
struct LanePositions {
  std::int64_t offset[Lanes::lanes];
  int first_used = 0;  // lanes first_used..end_used-1 exist
  int end_used = 0;
  int lead = 0;
  std::int64_t column_stride = 1;

  // Found by find_direct: whether a tile can be transposed straight from and to
  // the image, and how far apart the lanes then are.
  bool direct = false;
  std::int64_t lane_stride = 0;

  void find_direct(bool native_format) {
    direct = native_format && column_stride == 1 && first_used == 0 && end_used == Lanes::lanes;
    if (!direct) return;
    const std::int64_t apart = offset[1] - offset[0];
    for (int lane = 2; lane < Lanes::lanes; ++lane) {
      direct = direct && offset[lane] - offset[lane - 1] == apart;
    }
    lane_stride = apart + lead;
  }
};

template <typename Lanes>
class Tiles {
 public:
  using Sample = typename Lanes::Sample;
  using Vector = typename Lanes::Vector;
  static constexpr int lanes = Lanes::lanes;
  static constexpr int columns = Lanes::columns;

  explicit Tiles(const DiffusionCall& call)
      : call_(call), rows_(row_access<Sample, columns>(call.format)) {}

  // The tile begins at `column` in lane 0; there are samples in columns
  // 0..length-1. What lies outside is not touched, and arbitrary in the lanes.
  void read(const LanePositions<Lanes>& from, std::int64_t offset,
                           std::int64_t column, std::int64_t length, Vector* tile) const {
    if (from.direct && whole(from, column, length)) {
      const Sample* image = static_cast<const Sample*>(call_.image);
      Lanes::read_tile(image + from.offset[0] + offset + column, from.lane_stride, tile);
    } else {
      read_by_row(from, offset, column, length, tile);
    }
  }

  void write(Vector* tile, const LanePositions<Lanes>& to, std::int64_t offset,
                            std::int64_t column, std::int64_t length) const {
    if (to.direct && whole(to, column, length)) {
      Sample* result = static_cast<Sample*>(call_.result);
      Lanes::write_tile(tile, result + to.offset[0] + offset + column, to.lane_stride);
    } else {
      write_by_row(tile, to, offset, column, length);
    }
  }

 private:
  static bool whole(const LanePositions<Lanes>& lanes_of, std::int64_t column,
                    std::int64_t length) {
    return column >= 0 && column + lanes_of.lead * (lanes - 1) + columns <= length;
  }

  void read_by_row(const LanePositions<Lanes>& from, std::int64_t offset, std::int64_t column,
                   std::int64_t length, Vector* tile) const {
    alignas(64) Sample rows[lanes][columns] = {};
    for (int lane = from.first_used; lane < from.end_used; ++lane) {
      const std::int64_t start = column + lane * from.lead;
      const std::int64_t begin = std::max<std::int64_t>(0, -start);
      const std::int64_t end = std::min<std::int64_t>(columns, length - start);
      if (begin >= end) continue;
      rows_.read(call_.image, from.offset[lane] + offset + (start + begin) * from.column_stride,
                 from.column_stride, static_cast<int>(end - begin), rows[lane] + begin);
    }
    Lanes::read_tile(rows[0], columns, tile);
  }

  void write_by_row(Vector* tile, const LanePositions<Lanes>& to, std::int64_t offset,
                    std::int64_t column, std::int64_t length) const {
    alignas(64) Sample rows[lanes][columns];
    Lanes::write_tile(tile, rows[0], columns);
    for (int lane = to.first_used; lane < to.end_used; ++lane) {
      const std::int64_t start = column + lane * to.lead;
      const std::int64_t begin = std::max<std::int64_t>(0, -start);
      const std::int64_t end = std::min<std::int64_t>(columns, length - start);
      if (begin >= end) continue;
      rows_.write(rows[lane] + begin, call_.result,
                  to.offset[lane] + offset + (start + begin) * to.column_stride, to.column_stride,
                  static_cast<int>(end - begin));
    }
  }

  const DiffusionCall& call_;
  const RowAccess<Sample, columns> rows_;
};

}  // namespace
}  // namespace pyquant
