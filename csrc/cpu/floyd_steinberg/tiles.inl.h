#pragma once

// From images to lanes and back, for planes side by side. Images lie in memory
// row after row; lanes want one sample of many planes in one register. So samples
// are transposed on the way in, and levels on the way out, in tiles: `columns`
// samples of every lane become `columns` vectors.
//
//     image ----------------+--> tile --> dithering --> tile --> rows --> image
//        \--> rows of lanes -/
//
// The rows of lanes are a small buffer of a few tiles. Samples are converted on the
// way into it, and levels on the way out, one lane after another: memory is fastest at
// long runs, while planes that are a power of two apart compete for the same few lines
// of the cache. Samples that need no conversion are transposed straight
// from the image. Levels may be narrower than samples until they leave (Step::Level):
// then there is less to transpose.
//
// Included in place, where an instruction set is switched on (kernels.inl.h says why).

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "../aligned_buffer.h"
#include "kernels.h"
#include "rows.inl.h"

namespace pyquant::PYQUANT_INSTRUCTION_SET {
namespace {

// The lanes of one register in an image: lane l < used consists of the samples at
// offset[l] + i * stride.
template <typename Lanes>
struct LanePositions {
  std::int64_t offset[Lanes::lanes];
  int used = 0;
  std::int64_t stride = 1;

  // Found by find_direct: whether a tile can be transposed straight from the image,
  // and how far apart the lanes then are.
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

// The rows of the lanes of one register. Samples are replaced by levels, one tile
// after another.
template <typename Step>
class LaneRows {
 public:
  using Lanes = typename Step::Lanes;
  using Level = typename Step::Level;
  using Sample = typename Lanes::Sample;
  using Vector = typename Lanes::Vector;
  static constexpr int lanes = Lanes::lanes;
  static constexpr int columns = Lanes::columns;
  static constexpr int samples = (sizeof(Sample) == 1 ? 8 : 16) * columns;

 private:
  // In bytes, from one row to the next: an odd number of cache lines.
  static constexpr int distance = samples * sizeof(Sample) + cache_line;

 public:
  static constexpr int bytes = lanes * distance;

  // In `bytes` bytes of memory that begin with a cache line.
  void place(unsigned char* begin) { bytes_ = begin; }

  // Black in the lanes from `used` on, which have no plane; they then stay black.
  // Uninitialised memory could hold denormal floats, which cost some processors a
  // hundred times as much as others.
  void clear_unused(int used) {
    std::memset(bytes_ + used * distance, 0, (lanes - used) * distance);
  }

  // `count` samples of each lane that has a plane, from `offset` on.
  void read(const FloydSteinbergCall& call, const RowAccess<Sample, Level>& access,
            const LanePositions<Lanes>& from, std::int64_t offset, int count) {
    if (from.direct && count % columns == 0) {
      first_ = static_cast<const Sample*>(call.image) + from.offset[0] + offset;
      lane_stride_ = from.lane_stride;
      return;
    }
    first_ = row(0);
    lane_stride_ = distance / sizeof(Sample);
    access.read_rows(call.image, from.offset, offset, from.stride, count, from.used, row(0),
                     distance / sizeof(Sample));
  }

  void read_tile(int tile, Vector* column) const {
    Lanes::read_tile(first_ + tile * columns, lane_stride_, column);
  }

  // `column` is used up.
  void write_tile(Vector* column, int tile) {
    constexpr int levels = columns / levels_in<Level>;
    Lanes::write_tile(column, levels_of(0) + tile * levels, distance / sizeof(Level));
  }

  void write(const FloydSteinbergCall& call, const RowAccess<Sample, Level>& access,
             const LanePositions<Lanes>& to, std::int64_t offset, int count) {
    access.write_rows(levels_of(0), distance / sizeof(Level), to.used, LevelScale(call),
                      call.result, to.offset, offset, to.stride, count);
  }

 private:
  Sample* row(int lane) { return reinterpret_cast<Sample*>(bytes_ + lane * distance); }
  Level* levels_of(int lane) { return reinterpret_cast<Level*>(bytes_ + lane * distance); }

  const Sample* first_;
  std::ptrdiff_t lane_stride_;
  unsigned char* bytes_;
};

}  // namespace
}  // namespace pyquant::PYQUANT_INSTRUCTION_SET
