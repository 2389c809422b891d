#pragma once

// How a Floyd-Steinberg launch is cut into streams, bands and stripes. Plain C++,
// shared by the kernels, the code that launches them and the tests.
//
//   stripe   32 rows of a plane, a row per lane: the work of one warp
//   band     up to 4 stripes below one another: the work of one block
//   stream   planes behind one another: a warp or block runs through them without
//            a pause, so that the skew of the wavefront is paid once per stream

#include <algorithm>
#include <cstdint>

#include "../../planes.h"

namespace pyquant {

// Lane r is `skew` columns behind the lane above: at column t - (3r + 2) in step t.
// Two would be enough for the arithmetic, but then every step waits for a shuffle;
// with three the shuffle has a whole step to arrive (benchmarks/CUDA.md compares
// two, three and four).
#ifndef PYQUANT_SKEW
#define PYQUANT_SKEW 3
#endif
constexpr int stripe_rows = 32;
constexpr int skew = PYQUANT_SKEW;
// With this one the skew of a stripe ends within whole chunks of columns.
constexpr int first_delay = skew - 1;
// Between a column's step in lane 31 and in lane 0 of the stripe below, plus one.
constexpr int stripe_delay = skew * stripe_rows;

constexpr int maximum_warps = 4;

// A sample type's columns go through shared memory in chunks of 32 bytes, a
// sector of global memory, and its steps are done in rounds of 32 or 64 bytes.
PYQUANT_HOST_DEVICE constexpr int chunk_columns(int sample_size) { return 32 / sample_size; }
PYQUANT_HOST_DEVICE constexpr int round_steps(int sample_size) { return sample_size == 1 ? 32 : 64 / sample_size; }

// The kernels count the columns of a stream in 31 bits, and a few rounds more.
constexpr std::int64_t most_stream_columns = (std::int64_t{1} << 31) - 256;

struct FloydSteinbergPlan {
  const void* image = nullptr;
  void* result = nullptr;
  Planes from;
  Planes to;
  int bits = 0;
  bool wide_loads = false;   // 16-byte accesses are aligned and end where rows do
  bool wide_stores = false;

  std::int32_t planes_per_stream = 0;
  std::int64_t streams = 0;
  std::int64_t stripes = 0;  // of a plane
  std::int64_t bands = 0;    // of a plane
  std::int64_t rounds = 0;   // of a full stream

  // For planes of several bands: a counter, then one word per step of each stream
  // for the last row of each band. Every byte must be 0xff at the launch.
  std::uint32_t* scratch = nullptr;

  // The launch.
  bool tall = false;
  std::int64_t blocks = 0;
  int warps = 0;
  int shared_bytes = 0;
  std::int64_t scratch_words = 0;
};

// Rounds that a stream takes: its columns, and the delay of its last row rounded
// up to chunks, since only whole chunks leave shared memory.
PYQUANT_HOST_DEVICE std::int64_t rounds_of(std::int64_t planes, std::int64_t width,
                                           std::int64_t rows, int sample_size) {
  const int chunk = chunk_columns(sample_size);
  const int last_row = rows < stripe_rows ? static_cast<int>(rows) - 1 : stripe_rows - 1;
  const int drain = ((skew * last_row + first_delay) / chunk + 1) * chunk;
  const int steps = round_steps(sample_size);
  return (planes * width + drain + steps - 1) / steps;
}

// Shared memory of a stripe: a row buffer holds a round and a chunk. The padding
// spreads the diagonal that the 32 lanes read at a time, and the rows that are
// loaded at a time, over all banks; it was found by enumeration, and the tests
// count the conflicts.
constexpr int row_pitch = 96;
PYQUANT_HOST_DEVICE int row_offset(int row, int sample_size) {
  const int padding = sample_size == 1   ? 0
                      : sample_size == 2 ? row / 16 * 64
                      : sample_size == 4 ? row / 8 * 32
                                         : row / 4 * 32;
  return row * row_pitch + padding;
}
PYQUANT_HOST_DEVICE constexpr int stripe_bytes(int sample_size) {
  return stripe_rows * row_pitch + (sample_size == 1 ? 0 : sample_size == 8 ? 256 : 128);
}
// Shared memory of the errors that one stripe hands to the next: four rounds.
constexpr int line_slots = 4;
PYQUANT_HOST_DEVICE constexpr int line_bytes(int sample_size) {
  return line_slots * round_steps(sample_size) * static_cast<int>(sizeof(float));
}

// Planes at equal distances, of rows that are made of aligned 16-byte pieces and
// are at least a round long.
inline bool rows_are_wide(const void* data, const Planes& planes, int sample_size) {
  const auto is_wide = [&](std::int64_t samples) { return samples * sample_size % 16 == 0; };
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && planes.column_stride == 1 &&
         is_wide(planes.width) && planes.width >= round_steps(sample_size) &&
         is_wide(planes.row_stride) && planes.leading <= 1 && is_wide(planes.leading_stride[0]);
}

// Fills in all but image, result, from, to and bits, and scratch.
//
// Planes per stream: a small batch wants latency, a warp (or block) per plane. A
// large one wants few ramps: as many streams as keep every scheduler of every
// multiprocessor busy with four warps (three of tall planes), and the planes
// shared out among them.
inline void plan_floyd_steinberg(FloydSteinbergPlan& plan, int sample_size, int multiprocessors) {
  const std::int64_t height = plan.from.height;

  plan.wide_loads = rows_are_wide(plan.image, plan.from, sample_size);
  plan.wide_stores = rows_are_wide(plan.result, plan.to, sample_size);
  plan.stripes = (height + stripe_rows - 1) / stripe_rows;
  plan.tall = plan.stripes > 1;
  plan.warps = plan.tall ? static_cast<int>(std::min<std::int64_t>(plan.stripes, maximum_warps))
                         : maximum_warps;
  plan.bands = plan.tall ? (plan.stripes + plan.warps - 1) / plan.warps : 1;

  const int warps_per_multiprocessor = plan.tall ? 12 : 16;
  const std::int64_t warps_per_plane = plan.tall ? plan.bands * plan.warps : 1;
  const std::int64_t wanted = std::max<std::int64_t>(
      1, multiprocessors * warps_per_multiprocessor / warps_per_plane);
  const std::int64_t most_planes = std::max<std::int64_t>(1, most_stream_columns / plan.from.width);
  plan.planes_per_stream = static_cast<std::int32_t>(
      std::min(most_planes, (plan.from.count + wanted - 1) / wanted));
  plan.streams = (plan.from.count + plan.planes_per_stream - 1) / plan.planes_per_stream;
  plan.rounds = rounds_of(plan.planes_per_stream, plan.from.width, height, sample_size);

  if (plan.tall) {
    plan.blocks = plan.streams * plan.bands;
    plan.shared_bytes = plan.warps * stripe_bytes(sample_size) +
                        (plan.warps + 1) * line_bytes(sample_size);
    plan.scratch_words =
        plan.bands > 1 ? 1 + (plan.bands - 1) * plan.streams * plan.rounds * round_steps(sample_size)
                       : 0;
  } else {
    plan.warps = static_cast<int>(std::min<std::int64_t>(plan.streams, maximum_warps));
    plan.blocks = (plan.streams + plan.warps - 1) / plan.warps;
    plan.shared_bytes = plan.warps * stripe_bytes(sample_size);
  }
}

}  // namespace pyquant
