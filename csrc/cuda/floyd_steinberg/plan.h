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
#include "../divisor.h"
#include "../hardware.h"
#include "stream_strides.h"
#include "stripe_layout.h"

namespace pyquant {

// What a stream is. There is a kernel for each.
enum class Walk {
  planes,       // of at most 32 rows: a warp walks along planes, one after the other
  interleaved,  // the same, along three planes at once whose samples are interleaved
  stripes,      // a warp walks along all stripes of a plane, then along those of the next
  bands,        // a block walks along a band of planes, each of its warps along a stripe
};

constexpr int planes_at_once_of(Walk walk) {
  return walk == Walk::interleaved ? interleaved_planes : 1;
}

constexpr int maximum_warps = 4;  // of a block
constexpr int maximum_threads = device::warp_size * maximum_warps;
// How many blocks of this size a multiprocessor holds at a time: the kernels use no
// more registers than this allows. Of interleaved planes two warps keep a scheduler busy, since the
// steps of one plane do not wait for those of the others; and fewer streams have fewer ramps.
constexpr int resident_blocks(Walk walk) {
  return walk == Walk::bands ? 3 : walk == Walk::interleaved ? 2 : 4;
}

// The kernels count the columns of a stream, and a few before and after it, in 31 bits.
constexpr std::int64_t most_stream_columns = (std::int64_t{1} << 30) - 256;
// Shared memory that every block may have.
constexpr int most_shared_bytes = 48 * 1024;

// What the kernels are told, and the size of their launch.
struct FloydSteinbergPlan {
  const void* image = nullptr;
  void* result = nullptr;
  int bits = 0;

  std::int64_t planes = 0;
  std::int64_t height = 0;
  Divisor width;
  StreamStrides<std::int64_t> from;
  StreamStrides<std::int64_t> to;
  Transfers transfers = Transfers::samples;  // of image and result
  Divisor pieces;                            // of a row, or words
  StreamStrides<std::int32_t> from_pieces;
  StreamStrides<std::int32_t> to_pieces;

  Walk walk = Walk::planes;
  std::int32_t planes_per_stream = 0;
  std::uint32_t lead_passes = 0;
  std::int64_t streams = 0;
  std::int64_t stripes = 0;  // of a plane
  Divisor pass_stripes;      // of a plane, in a stream: all for Walk::stripes, else one
  std::int64_t bands = 0;    // of a plane
  std::int64_t rounds = 0;   // of a full stream

  // For planes of several bands: a counter, then one word per step of each stream
  // for the last row of each band. Every byte must be 0xff at the launch.
  std::uint32_t* scratch = nullptr;

  // The launch.
  std::int64_t blocks = 0;
  int warps = 0;         // of a block
  int line_slots = 0;    // of a warp that walks along stripes: rounds of its line ring
  int warp_bytes = 0;    // shared memory of a warp
  int shared_bytes = 0;  // of a block
  std::int64_t scratch_words = 0;
};

// A division of the planes into streams, and how long it takes, in cycles.
struct StreamDivision {
  std::int64_t planes_per_stream;
  std::int64_t streams;
  std::int64_t cycles;
};

// A small batch should have little latency, so each plane has a warp (or block). A large
// one should have few ramps: there are as many streams as the device holds at a time, and
// the planes are divided among them.
//
// A step takes `lone_step` cycles if a warp has a scheduler to itself, and `shared_step`
// for each of several (benchmarks/CUDA.md).
inline StreamDivision divide_planes(const Planes& planes, std::int64_t warps_per_plane,
                                    std::int64_t steps_per_plane, std::int64_t ramp_steps,
                                    Walk walk, int multiprocessors) {
  const std::int64_t lone_step = walk == Walk::interleaved ? 40 : 60;
  constexpr std::int64_t shared_step = 32;
  const std::int64_t resident_warps =
      std::int64_t{multiprocessors} * maximum_warps * resident_blocks(walk);
  const std::int64_t wanted = std::max<std::int64_t>(1, resident_warps / warps_per_plane);
  const std::int64_t most_planes =
      std::max<std::int64_t>(1, most_stream_columns / std::max(steps_per_plane, planes.width));
  StreamDivision division = {std::min(most_planes, divide_up(planes.count, wanted)), 0, 0};
  division.streams = divide_up(planes.count, division.planes_per_stream);
  const std::int64_t warps = division.streams * warps_per_plane;
  const std::int64_t waves = divide_up(warps, resident_warps);
  const std::int64_t schedulers = std::int64_t{multiprocessors} * maximum_warps;
  const std::int64_t sharing =
      std::min<std::int64_t>(divide_up(warps, schedulers), resident_blocks(walk));
  division.cycles = waves * (division.planes_per_stream * steps_per_plane + ramp_steps) *
                    std::max(lone_step, shared_step * sharing);
  return division;
}

// Of planes of one stripe, which are side by side in `planes` if they are walked along interleaved.
inline StreamDivision divide_small_planes(const Planes& planes, Walk walk, int multiprocessors) {
  return divide_planes(planes, 1, planes.width, planes_at_once_of(walk) * stripe_delay, walk,
                       multiprocessors);
}

// Whether interleaved planes are walked along at once. Otherwise their samples are moved one by
// one, and a step takes a third more time; but there are more streams.
inline bool are_walked_at_once(const FloydSteinbergPlan& plan, const Planes& from, const Planes& to,
                               int sample_size, int multiprocessors) {
  if (!are_interleaved(from) || !are_interleaved(to) || from.height > stripe_rows ||
      interleaved_planes * from.width > most_stream_columns) {
    return false;
  }
  const auto cycles = [&](const Planes& planes, Walk walk) {
    return divide_small_planes(planes, walk, multiprocessors).cycles;
  };
  const auto are_pieces = [&](const void* data, const Planes& planes) {
    return are_moved_by(Transfers::pieces, data, planes, sample_size, interleaved_planes);
  };
  const Planes joint = side_by_side(from);
  return joint.width >= round_steps(sample_size) && are_pieces(plan.image, joint) &&
         are_pieces(plan.result, side_by_side(to)) &&
         3 * cycles(joint, Walk::interleaved) < 4 * cycles(from, Walk::planes);
}

// Fills in all that follows `bits`, except the pointer to the scratch.
inline void plan_floyd_steinberg(FloydSteinbergPlan& plan, Planes from, Planes to, int sample_size,
                                 int multiprocessors) {
  if (are_walked_at_once(plan, from, to, sample_size, multiprocessors)) {
    plan.walk = Walk::interleaved;
    from = side_by_side(from);
    to = side_by_side(to);
  }
  const int planes_at_once = planes_at_once_of(plan.walk);
  const int steps = round_steps(sample_size);
  plan.planes = from.count;
  plan.height = from.height;
  plan.width = Divisor(static_cast<std::uint32_t>(from.width));
  plan.lead_passes = static_cast<std::uint32_t>(lead_passes_of(from, planes_at_once));
  plan.stripes = divide_up(from.height, stripe_rows);
  plan.warps = maximum_warps;
  plan.warp_bytes = stripe_bytes(sample_size);

  StreamDivision division;
  if (plan.stripes == 1) {
    division = divide_small_planes(from, plan.walk, multiprocessors);
  } else {
    plan.walk = Walk::bands;
    plan.warps = static_cast<int>(std::min<std::int64_t>(plan.stripes, maximum_warps));
    plan.bands = divide_up(plan.stripes, plan.warps);
    division = divide_planes(from, plan.bands * plan.warps, from.width,
                             plan.stripes * (stripe_delay + steps), Walk::bands, multiprocessors);
    // A warp may walk along the stripes by itself if the errors of a row fit into its shared
    // memory, and have left the skew of the 32 rows before they are needed.
    const std::int64_t slots = divide_up(from.width - stripe_delay, steps) + 1;
    const std::int64_t bytes = stripe_bytes(sample_size) + (slots + 1) * steps * 4;
    if (from.width >= stripe_delay + steps && bytes * maximum_warps <= most_shared_bytes) {
      const StreamDivision alone = divide_planes(from, 1, plan.stripes * from.width, stripe_delay,
                                                 Walk::stripes, multiprocessors);
      if (alone.cycles < division.cycles) {
        division = alone;
        plan.walk = Walk::stripes;
        plan.warps = maximum_warps;
        plan.line_slots = static_cast<int>(slots);
        plan.warp_bytes = static_cast<int>(bytes);
        plan.pass_stripes = Divisor(static_cast<std::uint32_t>(plan.stripes));
      }
    }
  }
  plan.planes_per_stream = static_cast<std::int32_t>(division.planes_per_stream);
  plan.streams = division.streams;
  plan.rounds = rounds_of(division.planes_per_stream * plan.pass_stripes.divisor * from.width,
                          from.height, sample_size, planes_at_once);

  const bool walks_down = plan.walk == Walk::stripes;
  plan.from = {from, plan.stripes, walks_down, 1};
  plan.to = {to, plan.stripes, walks_down, 1};
  for (const Transfers transfers : {Transfers::words, Transfers::pieces}) {
    const int unit = bytes_of(transfers, sample_size) / sample_size;
    // A word is at least two samples: otherwise it is a sample.
    if ((unit >= 2 || transfers == Transfers::pieces) &&
        are_moved_by(transfers, plan.image, from, sample_size, planes_at_once) &&
        are_moved_by(transfers, plan.result, to, sample_size, planes_at_once)) {
      plan.transfers = transfers;
      plan.pieces = Divisor(static_cast<std::uint32_t>(from.width / unit));
      plan.from_pieces = {from, plan.stripes, walks_down, unit};
      plan.to_pieces = {to, plan.stripes, walks_down, unit};
    }
  }

  if (plan.walk == Walk::bands) {
    plan.blocks = plan.streams * plan.bands;
    plan.shared_bytes = plan.warps * plan.warp_bytes + (plan.warps + 1) * line_bytes(sample_size);
    plan.scratch_words =
        plan.bands > 1 ? 1 + (plan.bands - 1) * plan.streams * plan.rounds * steps : 0;
  } else {
    plan.warps = static_cast<int>(std::min<std::int64_t>(plan.streams, plan.warps));
    plan.blocks = divide_up(plan.streams, plan.warps);
    plan.shared_bytes = plan.warps * plan.warp_bytes;
  }
}

}  // namespace pyquant
