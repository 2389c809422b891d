#pragma once

// Planes of more than 32 rows, a warp per stripe: a block runs through a stream, and each of its
// warps has one stripe of the band.
//
// Warp w is `lag` rounds later than warp w-1. What a warp reads of the line above it in
// one round was written by the warp above in the round before, with a barrier of the
// block in between. In rounds of 32 steps (the numbers are rounds of a stripe):
//
//     warp 0    0   1   2   3   4   5   ...
//     warp 1                    0   1          line 1, in four slots: warp 0 writes
//                                              slot 4, warp 1 reads slot 3
//
// A counter hands out the bands, the first bands of all streams before the second
// ones. So the band above always belongs to a block that began earlier. Each block
// waits only for blocks that began before it: however few blocks the device runs at a
// time, the one that began first can go on.

#include <cstdint>

#include "../../floyd_steinberg.h"
#include "../device.cuh"
#include "handover.cuh"
#include "plan.h"
#include "steps.cuh"
#include "stripe.cuh"
#include "stripe_layout.h"

namespace pyquant {

template <typename Sample, Variant variant, Transfers transfers>
PYQUANT_DEVICE void dither_band(const FloydSteinbergPlan& plan) {
  constexpr int size = sizeof(Sample);
  constexpr int steps = round_steps(size);
  constexpr int ahead = stripe_delay / steps;  // rounds between a column's two stripes
  constexpr int lag = ahead + 1;
  static_assert(stripe_delay % steps == 0 && line_slots >= 2);
  const int warp = device::warp();
  const int lane = device::lane();

  unsigned char* shared = device::shared_memory();
  float* lines = reinterpret_cast<float*>(shared + device::warps() * stripe_bytes(size));
  // Line w is the input of warp w and the output of warp w-1.
  const auto slot = [&](int line, int round) {
    return lines + (line * line_slots + (round & (line_slots - 1))) * steps;
  };

  std::uint32_t ticket = static_cast<std::uint32_t>(device::block());
  if (plan.bands > 1) {
    std::uint32_t* shared_ticket = reinterpret_cast<std::uint32_t*>(lines);
    const bool is_first_thread = device::thread() == 0;
    const std::uint32_t drawn = is_first_thread ? device::fetch_add(plan.scratch, 1) + 1 : 0;
    device::store_shared(shared_ticket, drawn, is_first_thread);
    // All threads have the ticket of thread 0.
    device::synchronize_block();
    ticket = device::load_shared(shared_ticket);
    // All threads have read it before the line is filled.
    device::synchronize_block();
  }
  const std::int64_t band = ticket / static_cast<std::uint32_t>(plan.streams);
  const std::int64_t stream = ticket % static_cast<std::uint32_t>(plan.streams);
  const std::int64_t first_stripe = band * device::warps();
  const std::int64_t stripes_below = plan.stripes - first_stripe;
  const int stripes =
      static_cast<int>(stripes_below < device::warps() ? stripes_below : device::warps());
  // Kept: found out anew in every round they would take as long as a step.
  std::uint32_t is_fed = warp == 0 && band > 0;
  std::uint32_t feeds = warp == device::warps() - 1 && band + 1 < plan.bands;
  device::keep(is_fed);
  device::keep(feeds);

  for (int i = lane; i < line_slots * steps; i += device::warp_size) {
    device::store_shared(slot(warp, 0) + i, 0.0f);
    device::store_shared(slot(device::warps(), 0) + i, 0.0f, warp == 0);
  }

  Stripe<Sample, Step<Sample, variant>, Walk::bands, transfers> stripe(
      plan, shared + warp * stripe_bytes(size), stream, first_stripe + warp);
  // Its barrier also separates these zeros from the errors received in their place.
  if (warp < stripes) stripe.load();
  Handover<steps> above(plan, band - 1, stream);
  Handover<steps> below(plan, band, stream);
  if (is_fed) {
    // What lane 0 needs before its first column and in its first round; the rest is received
    // a round ahead.
    for (int round = ahead - 1; round <= ahead; ++round) {
      above.expect(round);
      above.receive(round, slot(0, round));
    }
  }
  // All lines are ready.
  device::synchronize_block();

  // All warps of a block come to its barrier equally often.
  const auto wait = [](int rounds) {
    for (int i = 0; i < rounds; ++i) device::synchronize_block();
  };
  const int rounds = static_cast<int>(plan.rounds);
  const int block_rounds = rounds + (stripes - 1) * lag;
  if (warp >= stripes) return wait(block_rounds);
  wait(warp * lag);
  stripe.receive(slot(warp, ahead - 1) + steps - 1);
  for (int round = 0; round < rounds; ++round) {
    const int next = round + ahead + 1;
    if (is_fed) above.expect(next);
    stripe.round(slot(warp, round + ahead), slot(warp + 1, round));
    if (is_fed) above.receive(next, slot(0, next));
    if (feeds) below.send(round, slot(warp + 1, round));
    // After this, what the warp above has written to a line is complete, and the warp
    // below has read each slot that is written next.
    device::synchronize_block();
  }
  wait(block_rounds - warp * lag - rounds);
}

}  // namespace pyquant
