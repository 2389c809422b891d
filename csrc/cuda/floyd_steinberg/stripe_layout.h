#pragma once

// The 32 rows of a stripe: which lane is at which column in which step, and where
// their samples lie in shared memory. Plain C++, shared by the kernels, the code
// that plans them and the tests.

#include <cstdint>

#include "../../divide_up.h"
#include "../../host_device.h"
#include "../hardware.h"

namespace pyquant {

constexpr int stripe_rows = device::warp_size;

// In step t the lane of row r is at column t - row_delay(r): `skew` columns
// to the left of the lane above. Two columns would be enough for the arithmetic, but
// then every step waits for a shuffle; with three the shuffle has a whole step to
// arrive (benchmarks/CUDA.md compares two, three and four). Row 0 is late too, so that
// the skew of a stripe ends within whole chunks of columns.
//
// If several planes are walked along at once, a column takes a step in each of them.
constexpr int skew = 3;
PYQUANT_HOST_DEVICE constexpr int row_delay(int row, int planes_at_once = 1) {
  return planes_at_once * skew * (row + 1) - 1;
}

// Steps from a column in row 0 of a stripe to the same column in row 0 of the next.
constexpr int stripe_delay = skew * stripe_rows;

// Planes that are walked along at once: the colours of an image in channels_last.
constexpr int interleaved_planes = 3;

// Columns go through shared memory in chunks of a sector of global memory, and a warp
// does its steps in rounds.
PYQUANT_HOST_DEVICE constexpr int chunk_columns(int sample_size) {
  return device::sector_bytes / sample_size;
}
PYQUANT_HOST_DEVICE constexpr int round_steps(int sample_size) {
  return sample_size == 8 ? 16 : 32;
}

// Rounds that a stream takes: its columns, and the delay of its last row rounded
// up to chunks, since only whole chunks leave shared memory.
PYQUANT_HOST_DEVICE std::int64_t rounds_of(std::int64_t columns, std::int64_t height,
                                           int sample_size, int planes_at_once) {
  const int chunk = chunk_columns(sample_size);
  const int steps = round_steps(sample_size);
  const int last_row = height < stripe_rows ? static_cast<int>(height) - 1 : stripe_rows - 1;
  const int drain = (row_delay(last_row, planes_at_once) / chunk + 1) * chunk;
  return divide_up(columns + drain, steps);
}

// Shared memory of a stripe: the buffer of a row holds a round and a chunk. The
// padding spreads over all banks the diagonal that the 32 lanes read at a time, and
// the rows that are loaded at a time. It was found by enumeration, and the tests
// count the conflicts.
PYQUANT_HOST_DEVICE constexpr int row_pitch(int sample_size) { return sample_size <= 2 ? 96 : 160; }
PYQUANT_HOST_DEVICE constexpr int row_offset(int row, int sample_size) {
  const int padding = sample_size == 1   ? 0
                      : sample_size == 2 ? row / 16 * 64
                      : sample_size == 4 ? row / 8 * 32
                                         : row / 4 * 32;
  return row * row_pitch(sample_size) + padding;
}
PYQUANT_HOST_DEVICE constexpr int stripe_bytes(int sample_size) {
  return stripe_rows * row_pitch(sample_size) + (sample_size == 1   ? 0
                                                 : sample_size == 8 ? 256
                                                                    : 128);
}

// Shared memory of the errors that one stripe hands to the next: four rounds.
constexpr int line_slots = 4;
PYQUANT_HOST_DEVICE constexpr int line_bytes(int sample_size) {
  return line_slots * round_steps(sample_size) * static_cast<int>(sizeof(float));
}

}  // namespace pyquant
