#pragma once

// Rows of any alignment and column stride on their way between global memory and their
// buffers, sample by sample.
//
// Lanes side by side move samples side by side: of one row, or of several where a round
// is shorter than a warp. These are `chunk` rows apart, so their delays differ by whole
// chunks (`skew` of them), and the delay of all follows from that of the first.

#include <cstdint>
#include <type_traits>

#include "../device.cuh"
#include "plan.h"
#include "row_buffers.cuh"
#include "stream.cuh"
#include "stripe_layout.h"

namespace pyquant {

template <int size, bool walks_down>
class SampleTransfers {
 public:
  using Buffers = RowBuffers<size>;

  PYQUANT_DEVICE SampleTransfers(const FloydSteinbergPlan& plan, const Stream<walks_down>& stream,
                                 const Buffers& buffers)
      : plan_(plan),
        // row_offset of a sum of these rows is the sum of their offsets.
        buffer_(reinterpret_cast<Bits*>(buffers.row(device::lane() / steps * chunk)) +
                device::lane() % steps),
        image_(static_cast<const Bits*>(plan.image) + stream.first(plan.from, plan.width.divisor)),
        result_(static_cast<Bits*>(plan.result) + stream.first(plan.to, plan.width.divisor)) {
    device::keep(image_);
    device::keep(result_);
    for (int i = 0; i < columns; ++i) {
      fetched_to_[i] = {image_, 0};
      collected_to_[i] = {result_, 0};
    }
  }

  // See PieceTransfers.
  PYQUANT_DEVICE void fetch(const Stream<walks_down>& stream, std::uint32_t place) {
    each_sample(stream, plan_.from, image_, place, fetched_to_,
                [&](int i, const Bits* sample, bool is_inside) {
                  device::load_global_into(fetched_[i], sample, is_inside);
                });
  }
  PYQUANT_DEVICE void deposit() const {
#pragma unroll
    for (int i = 0; i < samples; ++i) device::store_shared(in_buffer(i) + chunk, fetched_[i]);
  }
  PYQUANT_DEVICE void collect(const Stream<walks_down>& stream, std::uint32_t place) {
    each_sample(stream, plan_.to, result_, place, collected_to_,
                [&](int i, Bits* sample, bool is_inside) {
                  device::store_global(sample, device::load_shared(in_buffer(i)), is_inside);
                });
  }

 private:
  static constexpr int chunk = Buffers::chunk;
  static constexpr int steps = Buffers::steps;
  static constexpr int samples = stripe_rows * steps / device::warp_size;  // of a lane
  static constexpr int rows_at_once = device::warp_size / steps;
  static PYQUANT_DEVICE constexpr int first_row_of(int i) {
    return i % chunk + i / chunk * chunk * rows_at_once;
  }
  // Samples are moved, not looked at.
  using Bits = std::conditional_t<
      size == 1, std::uint8_t,
      std::conditional_t<size == 2, std::uint16_t,
                         std::conditional_t<size == 4, std::uint32_t, std::uint64_t>>>;

  PYQUANT_DEVICE Bits* in_buffer(int i) const {
    return buffer_ + row_offset(first_row_of(i), size) / size;
  }

  // A column of a pass: its next sample, and the rows of the plane. Outside the stream there are
  // none.
  template <typename Pointer>
  struct Column {
    Pointer next;
    std::int32_t rows;
  };
  // Rows whose delays differ by less than a chunk are at the same column. If a round is a chunk,
  // the rows after them come to that column a round later.
  static constexpr int columns = Buffers::delayed_chunks(stripe_rows - 1) + 1;
  static constexpr bool go_on_below = steps == chunk;

  // Calls move(i, sample in global memory, whether it is inside) for all samples of the lane.
  // `reached` are the columns at which the last call arrived.
  template <typename Pointer, typename Move>
  PYQUANT_DEVICE void each_sample(const Stream<walks_down>& stream,
                                  const StreamStrides<std::int64_t>& strides, Pointer first,
                                  std::uint32_t place, Column<Pointer> (&reached)[columns],
                                  Move&& move) const {
    const int part = device::lane() / steps;  // which of the rows at once
    place += device::lane() % steps - part * skew * chunk;
    Column<Pointer> column, from_above;
#pragma unroll
    for (int i = 0; i < samples; ++i) {
      const int row = first_row_of(i);
      const int chunks = Buffers::delayed_chunks(row);
      if (i == 0 || chunks != Buffers::delayed_chunks(first_row_of(i - 1))) {
        if (go_on_below && i > 0) {
          column = from_above;
        } else {
          const StreamPlace<std::int64_t> found =
              stream.find(strides, plan_.width, place - chunks * chunk);
          column.next = first + found.offset + (row + part * chunk) * strides.row;
          column.rows = found.is_inside ? found.rows - part * chunk : 0;
        }
        device::keep(column.next);
        from_above = reached[chunks];
      }
      move(i, column.next, row < column.rows);
      column.next += strides.row;
      device::keep(column.next);  // or it is computed twice
      reached[chunks] = column;
    }
  }

  const FloydSteinbergPlan& plan_;
  Bits* const buffer_;
  const Bits* image_;
  Bits* result_;
  Bits fetched_[samples] = {};
  Column<const Bits*> fetched_to_[columns];
  Column<Bits*> collected_to_[columns];
};

}  // namespace pyquant
