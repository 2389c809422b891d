#pragma once

// A lane's walk along its row buffer in shared memory.
//
// Samples narrower than a word are read and written a word at a time: otherwise lanes
// that are a byte apart in phase would use the same bank. A lane's columns begin
// anywhere in a word. So each word that it reads is cut out of two words of the buffer,
// and each word that it writes is put together from two words of results.

#include <cstdint>

#include "../device.cuh"
#include "steps.cuh"

namespace pyquant {

template <typename Sample, bool is_narrow = (sizeof(Sample) < 4)>
class RowWalk {
 public:
  static constexpr int samples_per_word = 4 / sizeof(Sample);

  PYQUANT_DEVICE RowWalk(unsigned char* row, int start) {
    const int byte = start * static_cast<int>(sizeof(Sample));
    word_ = reinterpret_cast<std::uint32_t*>(row) + (byte + 3) / 4;
    shift_ = 8 * (byte - (byte + 3) / 4 * 4 + 4);
  }

  using Word = std::uint32_t;
  PYQUANT_DEVICE Word load(int index, bool active) const {
    return device::load_shared(word_ + index, active);
  }

  // Applies step(index, sample) -> result to the samples of word `index`. `next` is the
  // value of that word.
  template <typename Step>
  PYQUANT_DEVICE void visit(int index, Word next, Step&& step) {
    const std::uint32_t samples = device::shift_right(samples_, next, shift_);
    samples_ = next;
    std::uint32_t results;
    if constexpr (sizeof(Sample) == 1) {
      std::uint32_t result[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        result[i] = step(4 * index + i, PackedByte{samples, i});
      }
      results = device::select_bytes(device::select_bytes(result[0], result[1], 0x0040),
                                     device::select_bytes(result[2], result[3], 0x0040), 0x5410);
    } else {
      Sample first, second;
      first.bits = static_cast<std::uint16_t>(samples);
      second.bits = static_cast<std::uint16_t>(samples >> 16);
      first = step(2 * index, first);
      second = step(2 * index + 1, second);
      results = device::select_bytes(first.bits, second.bits, 0x5410);
    }
    device::store_shared(word_ + index - 1, device::shift_left(results_, results, shift_));
    results_ = results;
  }
  PYQUANT_DEVICE void advance(int words) { word_ += words; }

 private:
  std::uint32_t* word_;  // the first that ends after the start of the columns
  int shift_;            // bits of the word before it that lie before the start
  std::uint32_t samples_ = 0;
  std::uint32_t results_ = 0;
};

template <typename Sample>
class RowWalk<Sample, false> {
 public:
  static constexpr int samples_per_word = 1;

  PYQUANT_DEVICE RowWalk(unsigned char* row, int start)
      : sample_(reinterpret_cast<Sample*>(row) + start) {}

  using Word = Sample;
  PYQUANT_DEVICE Word load(int index, bool active) const {
    return device::load_shared(sample_ + index, active);
  }

  template <typename Step>
  PYQUANT_DEVICE void visit(int index, Word sample, Step&& step) {
    device::store_shared(sample_ + index, step(index, sample));
  }
  PYQUANT_DEVICE void advance(int words) { sample_ += words; }

 private:
  Sample* sample_;
};

}  // namespace pyquant
