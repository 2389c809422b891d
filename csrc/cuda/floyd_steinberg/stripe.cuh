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
// Behind a round all but the last chunk are finished and stored, the last chunk
// becomes chunk 0, and the next columns are loaded behind it. Results take the
// place of the samples they come from.

#include <cstdint>

#include "../device.cuh"
#include "steps.cuh"
#include "plan.h"
#include "../plane_offset.cuh"
#include "row_walk.cuh"
#include "stream_place.cuh"

namespace pyquant {

struct alignas(16) Piece {  // the unit of global and shared memory accesses
  std::uint32_t words[4];
};

template <typename Sample, template <typename> typename Step, bool tall>
class Stripe {
 public:
  static constexpr int size = sizeof(Sample);
  static constexpr int chunk = chunk_columns(size);
  static constexpr int steps = round_steps(size);
  static constexpr int piece_columns = 16 / size;
  // Pieces that a lane moves per round, which is also pieces per row and round.
  static constexpr int pieces = steps * size / 16;
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
    here_.move(-(skew * lane_ + first_delay), width_);
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
    for (int i = lane_; i - lane_ < stripe_bytes(size) / 16; i += device::warp_size) {
      device::store_shared(reinterpret_cast<Piece*>(buffer_) + i, Piece{},
                           i < stripe_bytes(size) / 16);
    }
    // The zeros of a row come from other lanes than its samples.
    device::synchronize_warp();
  }

  // Walks a round, stores what is finished and loads the next round; round -1 only
  // loads. `line_in` and `line_out` are the errors of the row above the stripe and
  // of its last row, an element per step; they are used by tall planes only.
  PYQUANT_DEVICE void round(bool walks, const float* line_in, float* line_out) {
    Piece fetched[pieces];
    if (plan_.wide_loads) fetch(fetched);  // on their way during the steps
    if (walks) {
      walk(line_in, line_out);
      // The results of a row are stored by other lanes than the one that wrote them.
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
    // Lanes load rows rounds_together but walk along them alone.
    device::synchronize_warp();
  }

  // The error of the row above at the column that lane 0 is about to reach.
  PYQUANT_DEVICE void receive(const float* error) {
    const float received = device::load_shared(error, lane_ == 0);
    above_[skew] = lane_ == 0 ? received : above_[skew];
  }

 private:
  // Whole chunks before the delay of a row, and where its columns begin in the
  // row buffer: behind at least one column of chunk 0.
  static PYQUANT_DEVICE int delayed_chunks(int row) { return (skew * row + first_delay) / chunk; }
  static PYQUANT_DEVICE int start_of(int row) {
    return chunk - (skew * row + first_delay) % chunk;
  }

  PYQUANT_DEVICE bool is_inside(StreamColumn place, int row) const {
    return place.plane >= 0 && place.plane < planes_ && row < rows_;
  }
  PYQUANT_DEVICE Sample* row_buffer(int row) const {
    return reinterpret_cast<Sample*>(buffer_ + row_offset(row, size));
  }

  // ---- rows made of aligned 16-byte pieces, planes at equal distances

  // Lanes side by side move the pieces of a row; the order of the rows keeps the
  // eight lanes that shared memory serves at a time in different banks.
  PYQUANT_DEVICE int piece_index() const { return lane_ % pieces; }
  PYQUANT_DEVICE int piece_row(int i) const {
    const int row = lane_ / pieces;
    return (row & ~3) + (row << 1 & 2) + (row >> 1 & 1) + i * rows_per_request;
  }
  PYQUANT_DEVICE Piece* piece(int row, int column) const {
    return reinterpret_cast<Piece*>(row_buffer(row) + column);
  }
  // A chunk is two pieces: 64 of them in the 32 rows.
  PYQUANT_DEVICE Piece* carried_piece(int i, int column) const {
    return piece(lane_ / 2 + 16 * i, column + lane_ % 2 * piece_columns);
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
  PYQUANT_DEVICE void fetch(Piece (&fetched)[pieces]) {
    const std::int64_t jump = plan_.from.leading_stride[0] - width_;
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      const Sample* source = static_cast<const Sample*>(plan_.image) + loads_[i].offset;
      fetched[i] = device::load_global(reinterpret_cast<const Piece*>(source),
                                       is_inside(loads_[i], piece_row(i)));
      loads_[i].forward(steps, width_, jump);
    }
  }
  // Registers to shared memory, behind chunk 0.
  PYQUANT_DEVICE void deposit(const Piece (&fetched)[pieces]) const {
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      device::store_shared(piece(piece_row(i), chunk + piece_index() * piece_columns), fetched[i]);
    }
  }
  // Shared memory to global memory: all chunks but the last.
  PYQUANT_DEVICE void collect() {
    const std::int64_t jump = plan_.to.leading_stride[0] - width_;
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      const int row = piece_row(i);
      Sample* target = static_cast<Sample*>(plan_.result) + stores_[i].offset;
      device::store_global(reinterpret_cast<Piece*>(target),
                           device::load_shared(piece(row, piece_index() * piece_columns)),
                           is_inside(stores_[i], row));
      stores_[i].forward(steps, width_, jump);
    }
  }

  // ---- any other rows, sample by sample: lanes side by side take columns side by
  // side, four requests at a time

  static constexpr int element_rows = device::warp_size / steps;  // of a request

  struct Element {
    Sample* buffer;
    std::int64_t offset;
    bool is_inside;
  };

  // Calls function(four elements) for all samples of a round, which begins
  // `columns` before the next one to be loaded. Rows whose delays differ by less than
  // a chunk are at the same column.
  template <typename Function>
  PYQUANT_DEVICE void each_element(const Planes& planes, int columns, Function&& function) const {
    StreamColumn place = next_element_;
    place.move(-columns, width_);
    int row = lane_ / steps;
    int chunks = delayed_chunks(row);
    std::int64_t offset = offset_of(planes, place);
#pragma unroll 1
    for (int i = 0; i < steps; i += 4) {
      Element elements[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (delayed_chunks(row) != chunks) {
          place.move((chunks - delayed_chunks(row)) * chunk, width_);
          chunks = delayed_chunks(row);
          offset = offset_of(planes, place);
        }
        elements[j] = {row_buffer(row) + lane_ % steps, offset + row * planes.row_stride,
                       is_inside(place, row)};
        row += element_rows;
      }
      function(elements);
    }
  }
  // In samples, of a place in the first row of the stripe.
  PYQUANT_DEVICE std::int64_t offset_of(const Planes& planes, StreamColumn place) const {
    return plane_offset(planes, static_cast<std::uint32_t>(first_plane_ + place.plane)) +
           first_row_ * planes.row_stride + place.column * planes.column_stride;
  }
  PYQUANT_DEVICE void load_elements() const {
    const Sample* image = static_cast<const Sample*>(plan_.image);
    each_element(plan_.from, 0, [image](const Element(&elements)[4]) {
      Sample samples[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        samples[j] = device::load_global(image + elements[j].offset, elements[j].is_inside);
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) device::store_shared(elements[j].buffer + chunk, samples[j]);
    });
  }
  PYQUANT_DEVICE void collect_elements() const {
    Sample* result = static_cast<Sample*>(plan_.result);
    each_element(plan_.to, steps + chunk, [result](const Element(&elements)[4]) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        device::store_global(result + elements[j].offset, device::load_shared(elements[j].buffer),
                             elements[j].is_inside);
      }
    });
  }

  // ---- the steps

  // Where planes end in eight steps of a warp: a lane may be there in none of them,
  // in one, or in several.
  enum class Ends { none, one, several };
  static constexpr int unrolled = 8;

  PYQUANT_DEVICE void walk(const float* line_in, float* line_out) {
    const std::int32_t to_last_column = width_ - 1 - here_.column;
    if (!device::any_lane(to_last_column < steps || here_.column == 0)) {
      walk<Ends::none>(to_last_column, line_in, line_out);
    } else if (width_ >= unrolled) {
      walk<Ends::one>(to_last_column, line_in, line_out);
    } else {
      walk<Ends::several>(to_last_column, line_in, line_out);
    }
    width_ < steps ? here_.move(steps, width_) : here_.forward(steps, width_);
  }

  template <Ends ends>
  PYQUANT_DEVICE void walk(std::int32_t steps_to_last_column, const float* line_in, float* line_out) {
    constexpr int words = unrolled / RowWalk<Sample>::samples_per_word;
    struct alignas(16) Errors {
      float errors[4];
    };
    // Steps from here to the last column of a plane. As floats, since those can be
    // compared to a number that is 0 or 1; what is far away is too far for a round.
    constexpr std::int32_t far = 1 << 20;
    const float width = static_cast<float>(width_ < far ? width_ : far);
    float to_last_column = static_cast<float>(steps_to_last_column < far ? steps_to_last_column : far);
    float keep_left = here_.column == 0 ? 0.0f : 1.0f;

    typename RowWalk<Sample>::Word next[words];
#pragma unroll
    for (int word = 0; word < words; ++word) next[word] = walk_.load(word, true);
#pragma unroll 1
    for (int begin = 0; begin < steps; begin += unrolled) {
      // What the next eight steps need is on its way during these.
      typename RowWalk<Sample>::Word here[words];
#pragma unroll
      for (int word = 0; word < words; ++word) {
        here[word] = next[word];
        next[word] = walk_.load(words + word, begin + unrolled < steps);
      }
      Errors handed_on[2], to_hand_on[2];
      if constexpr (tall) {
        for (int i = 0; i < 2; ++i) {
          handed_on[i] = device::load_shared(reinterpret_cast<const Errors*>(line_in) + i);
        }
      }
#pragma unroll
      for (int word = 0; word < words; ++word) {
        walk_.visit(word, here[word], [&](int i, auto sample) {
          Edge edge;
          if constexpr (ends != Ends::none) {
            edge = {keep_left, device::differ(to_last_column, static_cast<float>(i))};
            // Behind the last column comes the first of the next plane.
            keep_left = edge.keep_right;
            if constexpr (ends == Ends::several) to_last_column += edge.keep_right == 0.0f ? width : 0.0f;
          }
          float error;
          const auto result =
              step_(sample, {above_[0], above_[1], above_[2], left_}, edge, error);
          left_ = error;
          for (int column = 0; column < skew; ++column) above_[column] = above_[column + 1];
          const float above = device::shuffle_up(error);
          if constexpr (tall) {
            above_[skew] = lane_ == 0 ? handed_on[i / 4].errors[i % 4] : above;
            to_hand_on[i / 4].errors[i % 4] = error;
          } else {
            above_[skew] = above;  // lane 0 has no row above
          }
          return result;
        });
      }
      walk_.advance(words);
      if constexpr (tall) {
        for (int i = 0; i < 2; ++i) {
          device::store_shared(reinterpret_cast<Errors*>(line_out) + i, to_hand_on[i],
                               lane_ == stripe_rows - 1);
        }
        line_in += unrolled;
        line_out += unrolled;
      }
      if constexpr (ends != Ends::none) {
        to_last_column -= unrolled;
        to_last_column += to_last_column < 0.0f ? width : 0.0f;
      }
    }
    walk_.advance(-steps / RowWalk<Sample>::samples_per_word);
  }

  const FloydSteinbergPlan& plan_;
  const Step<Sample> step_;
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
