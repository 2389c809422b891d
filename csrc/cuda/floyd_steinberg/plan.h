#pragma once

// How a Floyd-Steinberg launch is cut into streams, bands and stripes. Plain C++,
// shared by the kernels, the code that launches them and the tests.
//
//   stripe   32 rows of a plane, a row per lane: the work of one warp
//   band     up to 4 stripes, one below the other: the work of one block
//   stream   planes, one after the other: a warp or block runs through them without
//            a pause, so that the skew of the wavefront is paid once per stream

#include <algorithm>
#include <cstdint>

#include "../../divide_up.h"
#include "../../planes.h"
#include "../hardware.h"
#include "stripe_layout.h"

namespace pyquant {

constexpr int maximum_warps = 4;  // of a block
constexpr int maximum_threads = device::warp_size * maximum_warps;
// How many blocks of this size a multiprocessor holds at a time: the kernels use no
// more registers than this allows.
constexpr int short_blocks = 4;
constexpr int tall_blocks = 3;

// The kernels count the columns of a stream in 31 bits, and a few rounds more.
constexpr std::int64_t most_stream_columns = (std::int64_t{1} << 31) - 256;

// What the kernels are told, and the size of their launch.
struct FloydSteinbergPlan {
  const void* image = nullptr;
  void* result = nullptr;
  Planes from;
  Planes to;
  int bits = 0;
  bool wide_loads = false;  // 16-byte accesses are aligned and end where rows do
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
  int warps = 0;  // of a block
  int shared_bytes = 0;
  std::int64_t scratch_words = 0;
};

// Planes at equal distances, of rows that are made of aligned 16-byte pieces and
// are at least a round long.
inline bool rows_are_wide(const void* data, const Planes& planes, int sample_size) {
  const auto is_wide = [&](std::int64_t samples) {
    return samples * sample_size % device::piece_bytes == 0;
  };
  return device::is_aligned_to_pieces(data) && planes.column_stride == 1 && is_wide(planes.width) &&
         planes.width >= round_steps(sample_size) && is_wide(planes.row_stride) &&
         planes.leading <= 1 && is_wide(planes.leading_stride[0]);
}

// Fills in all that follows `bits`, except the pointer to the scratch.
//
// Planes per stream: a small batch should have little latency, so each plane has a warp
// (or block). A large one should have few ramps: there are as many streams as keep every
// scheduler of every multiprocessor busy with four warps (three for tall planes), and
// the planes are divided among them.
inline void plan_floyd_steinberg(FloydSteinbergPlan& plan, int sample_size, int multiprocessors) {
  const std::int64_t height = plan.from.height;

  plan.wide_loads = rows_are_wide(plan.image, plan.from, sample_size);
  plan.wide_stores = rows_are_wide(plan.result, plan.to, sample_size);
  plan.stripes = divide_up(height, stripe_rows);
  plan.tall = plan.stripes > 1;
  plan.warps = plan.tall ? static_cast<int>(std::min<std::int64_t>(plan.stripes, maximum_warps))
                         : maximum_warps;
  plan.bands = plan.tall ? divide_up(plan.stripes, plan.warps) : 1;

  const int warps_per_multiprocessor = maximum_warps * (plan.tall ? tall_blocks : short_blocks);
  const std::int64_t warps_per_plane = plan.tall ? plan.bands * plan.warps : 1;
  const std::int64_t wanted_streams =
      std::max<std::int64_t>(1, multiprocessors * warps_per_multiprocessor / warps_per_plane);
  const std::int64_t most_planes = std::max<std::int64_t>(1, most_stream_columns / plan.from.width);
  plan.planes_per_stream =
      static_cast<std::int32_t>(std::min(most_planes, divide_up(plan.from.count, wanted_streams)));
  plan.streams = divide_up(plan.from.count, plan.planes_per_stream);
  plan.rounds = rounds_of(plan.planes_per_stream, plan.from.width, height, sample_size);

  if (plan.tall) {
    plan.blocks = plan.streams * plan.bands;
    plan.shared_bytes =
        plan.warps * stripe_bytes(sample_size) + (plan.warps + 1) * line_bytes(sample_size);
    plan.scratch_words = plan.bands > 1 ? 1 + (plan.bands - 1) * plan.streams * plan.rounds *
                                                  round_steps(sample_size)
                                        : 0;
  } else {
    plan.warps = static_cast<int>(std::min<std::int64_t>(plan.streams, maximum_warps));
    plan.blocks = divide_up(plan.streams, plan.warps);
    plan.shared_bytes = plan.warps * stripe_bytes(sample_size);
  }
}

}  // namespace pyquant
