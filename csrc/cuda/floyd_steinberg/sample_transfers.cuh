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
  }

  // See PieceTransfers.
  PYQUANT_DEVICE void fetch(const Stream<walks_down>& stream, std::uint32_t place) {
    each_sample(stream, plan_.from, place, [&](int i, std::int64_t offset, bool is_inside) {
      fetched_[i] = device::load_global(image_ + offset, is_inside);
    });
  }
  PYQUANT_DEVICE void deposit() const {
#pragma unroll
    for (int i = 0; i < samples; ++i) device::store_shared(in_buffer(i) + chunk, fetched_[i]);
  }
  PYQUANT_DEVICE void collect(const Stream<walks_down>& stream, std::uint32_t place) const {
    each_sample(stream, plan_.to, place, [&](int i, std::int64_t offset, bool is_inside) {
      device::store_global(result_ + offset, device::load_shared(in_buffer(i)), is_inside);
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

  // Calls move(i, offset in global memory, whether it is inside) for all samples of the
  // lane.
  template <typename Move>
  PYQUANT_DEVICE void each_sample(const Stream<walks_down>& stream,
                                  const StreamStrides<std::int64_t>& strides, std::uint32_t place,
                                  Move&& move) const {
    const int part = device::lane() / steps;  // which of the rows at once
    place += device::lane() % steps - part * skew * chunk;
    StreamPlace<std::int64_t> found;
#pragma unroll
    for (int i = 0; i < samples; ++i) {
      const int row = first_row_of(i);
      // Rows whose delays differ by less than a chunk are at the same column.
      if (i == 0 || Buffers::delayed_chunks(row) != Buffers::delayed_chunks(first_row_of(i - 1))) {
        found = stream.find(strides, plan_.width, place - Buffers::delayed_chunks(row) * chunk);
        found.rows -= part * chunk;
        found.offset += (row + part * chunk) * strides.row;
      } else {
        found.offset += strides.row;
      }
      move(i, found.offset, found.has_row(row));
    }
  }

  const FloydSteinbergPlan& plan_;
  Bits* const buffer_;
  const Bits* image_;
  Bits* result_;
  Bits fetched_[samples];
};

}  // namespace pyquant
