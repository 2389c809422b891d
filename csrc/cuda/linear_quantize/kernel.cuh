#pragma once

// Linear quantization, one pass. Samples that lie in memory without gaps are taken
// as 16-byte pieces, whatever the order of their dimensions. Otherwise a warp takes
// a row at a time, lanes side by side taking columns side by side.

#include <cstdint>

#include "../../linear_quantize.h"
#include "../device.cuh"
#include "plan.h"
#include "../plane_offset.cuh"
#include "../samples.cuh"

namespace pyquant {

template <Rounding rounding, typename Sample>
PYQUANT_DEVICE void linear_quantize_dense(const LinearQuantizeWork& work) {
  constexpr int per_piece = 16 / sizeof(Sample);
  struct alignas(16) Piece {
    Sample samples[per_piece];
  };
  const Sample* image = static_cast<const Sample*>(work.image);
  Sample* result = static_cast<Sample*>(work.result);
  const std::int64_t thread = device::block() * linear_quantize_threads + device::thread();
  const std::int64_t threads = device::blocks() * linear_quantize_threads;

  // Conditions of loops are the same for all lanes of a warp.
  const std::int64_t pieces = work.samples / per_piece;
  for (std::int64_t i = thread; i - device::lane() < pieces; i += threads) {
    Piece piece = device::load_global(reinterpret_cast<const Piece*>(image) + i, i < pieces);
#pragma unroll
    for (Sample& sample : piece.samples) {
      sample = linear_quantize_sample<rounding>(sample, work.bits);
    }
    device::store_global(reinterpret_cast<Piece*>(result) + i, piece, i < pieces);
  }
  // What is left is less than a piece.
  const std::int64_t last = pieces * per_piece + thread;
  const Sample sample = device::load_global(image + last, last < work.samples);
  device::store_global(result + last, linear_quantize_sample<rounding>(sample, work.bits),
                       last < work.samples);
}

template <Rounding rounding, typename Sample>
PYQUANT_DEVICE void linear_quantize_strided(const LinearQuantizeWork& work) {
  const std::uint32_t height = static_cast<std::uint32_t>(work.from.height);
  const std::int64_t rows = work.from.count * work.from.height;
  const std::int64_t warps = linear_quantize_threads / device::warp_size;
  for (std::int64_t index = device::block() * warps + device::warp(); index < rows;
       index += device::blocks() * warps) {
    const std::uint32_t plane = static_cast<std::uint32_t>(index) / height;
    const std::uint32_t row = static_cast<std::uint32_t>(index) % height;
    const Sample* source = static_cast<const Sample*>(work.image) +
                           plane_offset(work.from, plane) + row * work.from.row_stride;
    Sample* target = static_cast<Sample*>(work.result) + plane_offset(work.to, plane) +
                     row * work.to.row_stride;
    for (std::int64_t begin = 0; begin < work.from.width; begin += device::warp_size) {
      const std::int64_t column = begin + device::lane();
      const bool is_inside = column < work.from.width;
      const Sample sample =
          device::load_global(source + column * work.from.column_stride, is_inside);
      device::store_global(target + column * work.to.column_stride,
                           linear_quantize_sample<rounding>(sample, work.bits), is_inside);
    }
  }
}

}  // namespace pyquant
