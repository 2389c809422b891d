#pragma once

// From images to lanes and back, for planes side by side. Images lie in memory
// row after row; lanes want one sample of many planes in one register. So samples
// are transposed on the way in, and levels on the way out, in tiles: `columns`
// samples of every lane become `columns` vectors. Included only where an
// instruction set is switched on, after its primitives.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "diffusion.h"
#include "sample_rows.h"

namespace pyquant {
namespace {

// The lanes of one register in an image: lane l < used consists of the samples at
// offset[l] + i * stride.
template <typename Lanes>
struct LanePositions {
  std::int64_t offset[Lanes::lanes];
  int used = 0;
  std::int64_t stride = 1;

  // Found by find_direct: whether a tile can be transposed straight from and to
  // the image, and how far apart the lanes then are.
  bool direct = false;
  std::int64_t lane_stride = 0;

  void find_direct(SampleFormat format) {
    direct = format == Lanes::native_format && stride == 1 && used == Lanes::lanes;
    if (!direct) return;
    lane_stride = offset[1] - offset[0];
    for (int lane = 2; lane < Lanes::lanes; ++lane) {
      direct = direct && offset[lane] - offset[lane - 1] == lane_stride;
    }
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
      : call_(call), rows_(row_access<Sample>(call.format)) {}

  // `count` samples of each lane, from `offset` on. What is beyond them is not
  // touched, and arbitrary in the lanes.
  void read(const LanePositions<Lanes>& from, std::int64_t offset, int count,
            Vector* tile) const {
    if (from.direct && count == columns) {
      const Sample* image = static_cast<const Sample*>(call_.image);
      Lanes::read_tile(image + from.offset[0] + offset, from.lane_stride, tile);
      return;
    }
    alignas(64) Sample rows[lanes][columns];
    if (from.used < lanes || count < columns) std::memset(rows, 0, sizeof rows);
    for (int lane = 0; lane < from.used; ++lane) {
      rows_.read(call_.image, from.offset[lane] + offset, from.stride, count, rows[lane]);
    }
    Lanes::read_tile(rows[0], columns, tile);
  }

  void write(Vector* tile, const LanePositions<Lanes>& to, std::int64_t offset,
             int count) const {
    if (to.direct && count == columns) {
      Sample* result = static_cast<Sample*>(call_.result);
      Lanes::write_tile(tile, result + to.offset[0] + offset, to.lane_stride);
      return;
    }
    alignas(64) Sample rows[lanes][columns];
    Lanes::write_tile(tile, rows[0], columns);
    for (int lane = 0; lane < to.used; ++lane) {
      rows_.write(rows[lane], call_.result, to.offset[lane] + offset, to.stride, count);
    }
  }

 private:
  const DiffusionCall& call_;
  const RowAccess<Sample> rows_;
};

}  // namespace
}  // namespace pyquant
