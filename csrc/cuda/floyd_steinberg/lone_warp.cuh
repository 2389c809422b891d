#pragma once

// A warp that runs through a stream by itself: along planes of at most 32 rows, or along
// all stripes of taller planes.

#include <cstdint>

#include "../../floyd_steinberg.h"
#include "../device.cuh"
#include "line_ring.cuh"
#include "plan.h"
#include "steps.cuh"
#include "stripe.cuh"
#include "stripe_layout.h"

namespace pyquant {

template <typename Sample, Variant variant, Walk walk, Transfers transfers>
PYQUANT_DEVICE void dither_stream(const FloydSteinbergPlan& plan) {
  constexpr int size = sizeof(Sample);
  const std::int64_t stream = device::block() * device::warps() + device::warp();
  if (stream >= plan.streams) return;
  unsigned char* buffer = device::shared_memory() + device::warp() * plan.warp_bytes;
  Stripe<Sample, Step<Sample, variant>, walk, transfers> stripe(plan, buffer, stream, 0);
  const int rounds = static_cast<int>(plan.rounds);
  if constexpr (walk == Walk::planes || walk == Walk::interleaved) {
    stripe.load();
    for (int round = 0; round < rounds; ++round) stripe.round(nullptr, nullptr);
  } else {
    LineRing<round_steps(size)> line(plan, buffer + stripe_bytes(size));
    line.clear();
    stripe.load();  // its barriers count for the line, too
    for (int round = 0; round < rounds; ++round) {
      line.stage(stripe.stream(), stripe.begin());
      stripe.round(line.staged(), line.written());
      line.advance();
    }
  }
}

}  // namespace pyquant
