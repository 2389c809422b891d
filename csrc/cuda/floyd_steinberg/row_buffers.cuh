#pragma once

// The buffers of 32 rows in shared memory. Row r has one for a round of columns and one
// 32-byte chunk more, and in every round lane r walks over the same place in it, whatever
// the phase of its columns:
//
//     | chunk 0 | chunk 1 | ... | last chunk |     chunks as they lie in the stream
//          ^ start                   ^ end         the lane's columns in this round
//
// After a round all but the last chunk are finished and stored, the last chunk becomes
// chunk 0, and the next columns are loaded after it. Results take the place of the samples
// they come from.

#include <cstdint>

#include "../device.cuh"
#include "stripe_layout.h"

namespace pyquant {

template <int sample_size, int planes_at_once = 1>
class RowBuffers {
 public:
  static constexpr int size = sample_size;
  static constexpr int chunk = chunk_columns(size);
  static constexpr int steps = round_steps(size);

  PYQUANT_DEVICE explicit RowBuffers(unsigned char* memory) : memory_(memory) {}

  // Whole chunks before the delay of a row, and where its columns begin in its buffer:
  // after at least one column of chunk 0.
  static PYQUANT_DEVICE constexpr int delayed_chunks(int row) {
    return row_delay(row, planes_at_once) / chunk;
  }
  static PYQUANT_DEVICE int start_of(int row) {
    return chunk - row_delay(row, planes_at_once) % chunk;
  }

  PYQUANT_DEVICE unsigned char* row(int row) const { return memory_ + row_offset(row, size); }

  // Zeros everywhere: columns before the stream count as black.
  PYQUANT_DEVICE void clear() const {
    constexpr int pieces = stripe_bytes(size) / device::piece_bytes;
    for (int i = device::lane(); i - device::lane() < pieces; i += device::warp_size) {
      device::store_shared(reinterpret_cast<Piece*>(memory_) + i, Piece{}, i < pieces);
    }
  }

  // The last chunk becomes chunk 0: two pieces of each row.
  PYQUANT_DEVICE void carry() const {
    Piece carried[2];
    for (int i = 0; i < 2; ++i) carried[i] = device::load_shared(carried_piece(i, steps));
    // Every finished chunk, and the last one, has been read.
    device::synchronize_warp();
    for (int i = 0; i < 2; ++i) device::store_shared(carried_piece(i, 0), carried[i]);
  }

 private:
  struct alignas(device::piece_bytes) Piece {
    std::uint32_t words[4];
  };
  PYQUANT_DEVICE Piece* carried_piece(int i, int column) const {
    return reinterpret_cast<Piece*>(row(device::lane() / 2 + 16 * i) + column * size) +
           device::lane() % 2;
  }

  unsigned char* memory_;
};

}  // namespace pyquant
