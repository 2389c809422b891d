#pragma once

// A warp and its 32 rows.
//
// Samples pass through shared memory, where the diagonal is read. Row r has a
// buffer of a round of columns and one 32-byte chunk more, and in every round lane
// r walks over the same place in it, whatever the phase of its columns:
//
//     | chunk 0 | chunk 1 | ... | last chunk |     chunks as they lie in the image
//          ^ start                   ^ end         the lane's columns in this round
//
// After a round all but the last chunk are finished and stored, the last chunk
// becomes chunk 0, and the next columns are loaded after it. Results take the
// place of the samples they come from.
//
// It is a single class, so that its code is compiled as a whole with all of its state
// in registers. Its steps are defined in stripe_steps.inl.cuh, the loads and stores of
// global memory in stripe_transfers.inl.cuh.

#include <cstdint>

#include "../../planes.h"
#include "../device.cuh"
#include "../plane_offset.cuh"
#include "plan.h"
#include "row_walk.cuh"
#include "steps.cuh"
#include "stream_place.cuh"
#include "stripe_layout.h"

namespace pyquant {

struct alignas(device::piece_bytes) Piece {  // the unit of global and shared memory accesses
  std::uint32_t words[4];
};

// Where planes end in eight steps of a warp: a lane may be there in none of them, in
// one, or in several.
enum class PlaneEnds { none, one, several };

template <typename Sample, typename Step, bool tall>
class Stripe {
 public:
  static constexpr int size = sizeof(Sample);
  static constexpr int chunk = chunk_columns(size);
  static constexpr int steps = round_steps(size);
  static constexpr int piece_columns = device::piece_bytes / size;
  // Pieces that a lane moves per round, which is also pieces per row and round.
  static constexpr int pieces = steps / piece_columns;
  static constexpr int rows_per_request = stripe_rows / pieces;

  PYQUANT_DEVICE Stripe(const FloydSteinbergPlan& plan, unsigned char* buffer, std::int64_t stream,
                        std::int64_t stripe)
      : plan_(plan),
        step_(plan.bits, tall || device::lane() > 0),
        buffer_(buffer),
        lane_(device::lane()),
        width_(static_cast<std::int32_t>(plan.from.width)),
        first_plane_(stream * plan.planes_per_stream),
        first_row_(stripe * stripe_rows),
        walk_(buffer + row_offset(lane_, size), start_of(lane_)) {
    const std::int64_t planes = plan.from.count - first_plane_;
    planes_ = static_cast<std::int32_t>(planes < plan.planes_per_stream ? planes
                                                                        : plan.planes_per_stream);
    const std::int64_t rows = plan.from.height - first_row_;
    rows_ = static_cast<int>(rows < stripe_rows ? rows : stripe_rows);
    here_.move(-(skew * lane_ + row_0_delay), width_);
    for (int i = 0; i < pieces; ++i) {
      const int row = piece_row(i);
      const std::int32_t column = piece_index() * piece_columns - delayed_chunks(row) * chunk;
      loads_[i] = piece_at(plan.from, column, row);
      stores_[i] = piece_at(plan.to, column - chunk, row);
    }
    next_element_.move(lane_ % steps - delayed_chunks(lane_ / steps) * chunk, width_);
  }

  // Zeros everywhere: columns before the stream count as black.
  PYQUANT_DEVICE void clear() {
    for (int i = lane_; i - lane_ < stripe_bytes(size) / device::piece_bytes;
         i += device::warp_size) {
      device::store_shared(reinterpret_cast<Piece*>(buffer_) + i, Piece{},
                           i < stripe_bytes(size) / device::piece_bytes);
    }
    // A row's zeros and its samples are written by different lanes.
    device::synchronize_warp();
  }

  // Walks a round, stores what is finished and loads the next round; round -1 only
  // loads. `line_in` and `line_out` are the errors of the row above the stripe and
  // of its last row, an element per step; they are used by tall planes only.
  PYQUANT_DEVICE void round(bool walks, const float* line_in, float* line_out) {
    Piece fetched[pieces];
    if (plan_.wide_loads) fetch(fetched);  // they arrive during the steps
    if (walks) {
      walk(line_in, line_out);
      // One lane computes the results of a row, other lanes store them.
      device::synchronize_warp();
      plan_.wide_stores ? collect() : collect_elements();
      Piece carried[2];
      for (int i = 0; i < 2; ++i) carried[i] = device::load_shared(carried_piece(i, steps));
      // Every finished chunk, and the last one, has been read.
      device::synchronize_warp();
      for (int i = 0; i < 2; ++i) device::store_shared(carried_piece(i, 0), carried[i]);
    }
    plan_.wide_loads ? deposit(fetched) : load_elements();
    if (!plan_.wide_loads || !plan_.wide_stores) next_element_.move(steps, width_);
    // Lanes load rows together but walk along them alone.
    device::synchronize_warp();
  }

  // The error of the row above at the column that lane 0 is about to reach.
  PYQUANT_DEVICE void receive(const float* error) {
    const float received = device::load_shared(error, lane_ == 0);
    above_[skew] = lane_ == 0 ? received : above_[skew];
  }

 private:
  // Whole chunks before the delay of a row, and where its columns begin in the
  // row buffer: after at least one column of chunk 0.
  static PYQUANT_DEVICE int delayed_chunks(int row) { return (skew * row + row_0_delay) / chunk; }
  static PYQUANT_DEVICE int start_of(int row) { return chunk - (skew * row + row_0_delay) % chunk; }

  PYQUANT_DEVICE bool is_inside(StreamColumn place, int row) const {
    return place.plane >= 0 && place.plane < planes_ && row < rows_;
  }
  PYQUANT_DEVICE Sample* row_buffer(int row) const {
    return reinterpret_cast<Sample*>(buffer_ + row_offset(row, size));
  }
  PYQUANT_DEVICE Piece* piece(int row, int column) const {
    return reinterpret_cast<Piece*>(row_buffer(row) + column);
  }
  // A chunk is two pieces: 64 of them in the 32 rows.
  PYQUANT_DEVICE Piece* carried_piece(int i, int column) const {
    return piece(lane_ / 2 + 16 * i, column + lane_ % 2 * piece_columns);
  }

  // ---- the steps of a round

  static constexpr int unrolled = 8;

  PYQUANT_DEVICE void walk(const float* line_in, float* line_out);
  template <PlaneEnds ends>
  PYQUANT_DEVICE void walk(std::int32_t steps_to_last_column, const float* line_in,
                           float* line_out);

  // ---- transfers of wide rows, which are made of aligned 16-byte pieces

  // Lanes side by side move the pieces of a row; the order of the rows keeps the
  // eight lanes that shared memory serves at a time in different banks.
  PYQUANT_DEVICE int piece_index() const { return lane_ % pieces; }
  PYQUANT_DEVICE int piece_row(int i) const {
    const int row = lane_ / pieces;
    return (row & ~3) + (row << 1 & 2) + (row >> 1 & 1) + i * rows_per_request;
  }
  PYQUANT_DEVICE StreamPiece piece_at(const Planes& planes, std::int32_t column, int row) const {
    StreamColumn place = {0, 0};
    place.move(column, width_);
    return {(first_plane_ + place.plane) * planes.leading_stride[0] +
                (first_row_ + row) * planes.row_stride + place.column,
            place.column, static_cast<std::uint32_t>(column)};
  }
  PYQUANT_DEVICE bool is_inside(const StreamPiece& place, int row) const {
    return place.position < static_cast<std::uint32_t>(planes_ * width_) && row < rows_;
  }

  // Global memory to registers: the pieces of the next round.
  PYQUANT_DEVICE void fetch(Piece (&fetched)[pieces]);
  // Registers to shared memory, after chunk 0.
  PYQUANT_DEVICE void deposit(const Piece (&fetched)[pieces]) const;
  // Shared memory to global memory: all chunks but the last.
  PYQUANT_DEVICE void collect();

  // ---- transfers of other rows, sample by sample

  struct Element {
    Sample* buffer;
    std::int64_t offset;  // in the image or the result, in samples
    bool is_inside;
  };

  // The next round, from global memory to shared memory, after chunk 0.
  PYQUANT_DEVICE void load_elements() const;
  // Shared memory to global memory: all chunks but the last.
  PYQUANT_DEVICE void collect_elements() const;
  // Calls function(four elements) for all samples of a round, which begins `columns`
  // before the next one to be loaded.
  template <typename Function>
  PYQUANT_DEVICE void each_four_elements(const Planes& planes, int columns,
                                         Function&& function) const;
  // In samples, of a place in the first row of the stripe.
  PYQUANT_DEVICE std::int64_t offset_of(const Planes& planes, StreamColumn place) const;

  const FloydSteinbergPlan& plan_;
  const Step step_;
  unsigned char* const buffer_;
  const int lane_;
  const std::int32_t width_;
  const std::int64_t first_plane_;
  const std::int64_t first_row_;
  std::int32_t planes_;
  int rows_;

  RowWalk<Sample> walk_;
  StreamColumn here_ = {};          // of the lane, at the beginning of the round
  StreamPiece loads_[pieces];       // the pieces to be loaded next,
  StreamPiece stores_[pieces];      // and to be stored
  StreamColumn next_element_ = {};  // the sample to be loaded next in the lane's first row

  // Errors of the row above from the column to the left on, as many as have arrived,
  // and the error of the pixel to the left.
  float above_[skew + 1] = {};
  float left_ = 0.0f;
};

}  // namespace pyquant

#include "stripe_steps.inl.cuh"
#include "stripe_transfers.inl.cuh"
