#pragma once

// From one block to the next: the errors of a band's last row.
//
// They go through global memory, 16 or 32 columns at a time, a word per step. A word is
// its own flag: all its bits are ones until the error is there, and no error has these
// bits. By the memory model of PTX this is enough:
//
//   - The only store to a word is relaxed, of gpu scope, aligned and of 32 bits, and
//     so are all loads. They are morally strong, so there is no race, and a load
//     returns either the ones or the error, never a part of it. The ones are written
//     by an earlier operation of the stream, and a word is not used again.
//   - A block that has seen the error reads nothing else that the other block wrote.
//     A release orders what was written before a flag, an acquire what is read after
//     it: here they would have nothing to order.
//   - A strong store becomes visible to the loads of a waiting block in finite time.
//
// It is also less work. Compiled for 9.0:
//
//   - A release is a MEMBAR.ALL.GPU and two error barriers (ERRBAR, CGAERRBAR) before
//     the store. The warp would wait until all that it has stored, results included,
//     has reached the second-level cache.
//   - An acquire is a CCTL.IVALL after the load, which empties the first-level cache of
//     the multiprocessor. Only then could the errors be loaded, in a second trip
//     through the cache.
//
// The words need none of this, and travel during the steps of a round.
//
// The tests plant a word that is stored in halves, a block that does not wait, and
// plain stores, and find each.

#include <cstdint>

#include "../device.cuh"
#include "plan.h"

namespace pyquant {

constexpr std::uint32_t not_yet = 0xffffffff;

// One side of a hand-over between blocks: the words of one band of a stream.
template <int steps>
class Handover {
 public:
  PYQUANT_DEVICE Handover(const FloydSteinbergPlan& plan, std::int64_t band, std::int64_t stream)
      : words_(plan.scratch + 1 + (band * plan.streams + stream) * plan.rounds * steps +
               device::lane()),
        rounds_(static_cast<int>(plan.rounds)),
        lane_(device::lane()) {}

  PYQUANT_DEVICE void send(int round, const float* slot) const {
    const float error = device::load_shared(slot + lane_, lane_ < steps);
    device::store_relaxed(words_ + round * steps, static_cast<std::uint32_t>(float_bits(error)),
                          has_word(round));
  }

  // Loads the words early, so that they arrive during the steps.
  PYQUANT_DEVICE void expect(int round) { word_ = look(round); }
  PYQUANT_DEVICE void receive(int round, float* slot) {
    while (!device::all_lanes(word_ != not_yet)) {
      device::pause();
      word_ = look(round);
    }
    device::store_shared(slot + lane_, bits_to_float(word_), lane_ < steps);
  }

 private:
  PYQUANT_DEVICE bool has_word(int round) const { return lane_ < steps && round < rounds_; }
  PYQUANT_DEVICE std::uint32_t look(int round) const {
    return device::load_relaxed(words_ + round * steps, has_word(round));
  }

  std::uint32_t* words_;  // of the lane
  int rounds_;
  int lane_;
  std::uint32_t word_ = 0;
};

}  // namespace pyquant
