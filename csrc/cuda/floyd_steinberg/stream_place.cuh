#pragma once

// A place in a stream: the planes that a warp (or block) takes one after the other.

#include <cstdint>

#include "../device.cuh"

namespace pyquant {

struct StreamColumn {
  std::int32_t plane;
  std::int32_t column;  // 0..width-1

  // Any number of columns further on, or back.
  PYQUANT_DEVICE void move(std::int32_t columns, std::int32_t width) {
    column += columns;
    while (column < 0) {
      column += width;
      --plane;
    }
    while (column >= width) {
      column -= width;
      ++plane;
    }
  }
  // At most `width` columns.
  PYQUANT_DEVICE void forward(std::int32_t columns, std::int32_t width) {
    column += columns;
    const bool is_next = column >= width;
    column -= is_next ? width : 0;
    plane += is_next ? 1 : 0;
  }
};

// A place in a stream that moves on by rounds, where a plane is at least a round wide.
struct StreamPiece {
  std::int64_t offset;     // in samples, of memory
  std::int32_t column;     // in its plane
  std::uint32_t position;  // in the stream; before the stream, more than any

  // `jump` leads from the end of a row to the beginning of the same row in the next plane.
  PYQUANT_DEVICE void forward(std::int32_t columns, std::int32_t width, std::int64_t jump) {
    column += columns;
    const bool is_next = column >= width;
    column -= is_next ? width : 0;
    offset += is_next ? columns + jump : columns;
    position += columns;
  }
};

}  // namespace pyquant
