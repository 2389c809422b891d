#pragma once

// Rows that are made of aligned pieces of 16 or 4 bytes, on their way between global memory
// and their buffers.

#include <cstdint>

#include "../device.cuh"
#include "plan.h"
#include "row_buffers.cuh"
#include "stream.cuh"
#include "stripe_layout.h"

namespace pyquant {

template <typename Buffers, bool walks_down, int piece_bytes>
class PieceTransfers {
 public:
  static constexpr int size = Buffers::size;
  struct alignas(piece_bytes) Piece {
    std::uint32_t words[piece_bytes / 4];
  };

  PYQUANT_DEVICE PieceTransfers(const FloydSteinbergPlan& plan, const Stream<walks_down>& stream,
                                const Buffers& buffers)
      : plan_(plan), buffers_(buffers), lane_(device::lane()), row_(row_of(0)) {
    image_ = static_cast<const Piece*>(plan.image) +
             stream.first(plan.from_pieces, plan.pieces.divisor) +
             std::int64_t{row_} * plan.from_pieces.row;
    result_ = static_cast<Piece*>(plan.result) + stream.first(plan.to_pieces, plan.pieces.divisor) +
              std::int64_t{row_} * plan.to_pieces.row;
    device::keep(image_);
    device::keep(result_);
    for (int i = 0; i < pieces; ++i) {
      first_piece_[i] = lane_ % pieces - Buffers::delayed_chunks(row_of(i)) * pieces_of_chunk;
    }
  }

  // Global memory to registers: a round of columns of each row, from `place` on, less the
  // chunks by which the row is delayed.
  PYQUANT_DEVICE void fetch(const Stream<walks_down>& stream, std::uint32_t place) {
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      const StreamPlace<std::int32_t> found = find(stream, plan_.from_pieces, place, i);
      fetched_[i] = device::load_global(image_ + found.offset, found.has_row(row_));
    }
  }
  // Registers to the buffers, after chunk 0.
  PYQUANT_DEVICE void deposit() const {
#pragma unroll
    for (int i = 0; i < pieces; ++i) {
      device::store_shared(in_buffer(i, Buffers::chunk), fetched_[i]);
    }
  }
  // The buffers to global memory: all chunks but the last.
  PYQUANT_DEVICE void collect(const Stream<walks_down>& stream, std::uint32_t place) const {
    constexpr int together = pieces < 4 ? pieces : 4;
#pragma unroll
    for (int begin = 0; begin < pieces; begin += together) {
      Piece finished[together];
#pragma unroll
      for (int i = 0; i < together; ++i) {
        finished[i] = device::load_shared(in_buffer(begin + i, 0));
        device::keep(finished[i].words[0]);
      }
#pragma unroll
      for (int i = 0; i < together; ++i) {
        const StreamPlace<std::int32_t> found = find(stream, plan_.to_pieces, place, begin + i);
        device::store_global(result_ + found.offset, finished[i], found.has_row(row_));
      }
    }
  }

 private:
  // Pieces of a row and round, which is also how many a lane has.
  static constexpr int piece_columns = piece_bytes / size;
  static constexpr int pieces = Buffers::steps / piece_columns;
  static constexpr int rows_per_request = stripe_rows / pieces;
  static constexpr int pieces_of_chunk = device::sector_bytes / piece_bytes;

  // Lanes side by side move the pieces of a row. The order of the rows keeps the eight lanes
  // that shared memory serves at a time in different banks.
  PYQUANT_DEVICE int row_of(int i) const {
    const int row = lane_ / pieces;
    const int first =
        rows_per_request % 4 == 0 ? (row & ~3) + (row << 1 & 2) + (row >> 1 & 1) : row;
    return first + i * rows_per_request;
  }
  PYQUANT_DEVICE Piece* in_buffer(int i, int column) const {
    return reinterpret_cast<Piece*>(buffers_.row(row_of(i)) +
                                    (column + lane_ % pieces * piece_columns) * size);
  }
  // The place of piece i, from the row of piece 0 on.
  PYQUANT_DEVICE StreamPlace<std::int32_t> find(const Stream<walks_down>& stream,
                                                const StreamStrides<std::int32_t>& strides,
                                                std::uint32_t place, int i) const {
    StreamPlace<std::int32_t> found =
        stream.find(strides, plan_.pieces, place / piece_columns + first_piece_[i]);
    found.offset += i * rows_per_request * strides.row;
    found.rows -= i * rows_per_request;
    device::keep(found.offset);  // computed without a branch
    return found;
  }

  const FloydSteinbergPlan& plan_;
  const Buffers buffers_;
  const int lane_;
  const int row_;  // of piece 0
  const Piece* image_;
  Piece* result_;
  std::uint32_t first_piece_[pieces];  // to be moved, from the place of the stream on
  Piece fetched_[pieces];
};

}  // namespace pyquant
