#pragma once

// Linear quantization, one pass. Samples without gaps in memory are taken as 16-byte
// pieces, whatever the order of their dimensions. Otherwise a warp takes a row at a
// time: lanes side by side take columns side by side.

#include <cstdint>
#include <type_traits>

#include "../../linear_quantize.h"
#include "../../sample.h"
#include "../device.cuh"
#include "../plane_offset.cuh"
#include "plan.h"

namespace pyquant {

template <typename Sample, Rounding rounding>
__global__ void __launch_bounds__(linear_quantize_threads)
    linear_quantize_dense(const __grid_constant__ LinearQuantizePlan plan) {
  constexpr int samples_per_piece = device::piece_bytes / sizeof(Sample);
  struct alignas(device::piece_bytes) Piece {
    Sample samples[samples_per_piece];
  };
  const Sample* image = static_cast<const Sample*>(plan.image);
  Sample* result = static_cast<Sample*>(plan.result);
  const std::int64_t thread = device::block() * linear_quantize_threads + device::thread();
  const std::int64_t threads = device::blocks() * linear_quantize_threads;

  // Conditions of loops are the same for all lanes of a warp.
  const std::int64_t pieces = plan.samples / samples_per_piece;
  for (std::int64_t i = thread; i - device::lane() < pieces; i += threads) {
    Piece piece = device::load_global(reinterpret_cast<const Piece*>(image) + i, i < pieces);
#pragma unroll
    for (Sample& sample : piece.samples) {
      sample = linear_quantize_sample<rounding>(sample, plan.bits);
    }
    device::store_global(reinterpret_cast<Piece*>(result) + i, piece, i < pieces);
  }
  // Fewer samples than a piece has are left over.
  const std::int64_t left_over = pieces * samples_per_piece + thread;
  const Sample sample = device::load_global(image + left_over, left_over < plan.samples);
  device::store_global(result + left_over, linear_quantize_sample<rounding>(sample, plan.bits),
                       left_over < plan.samples);
}

template <typename Sample, Rounding rounding>
__global__ void __launch_bounds__(linear_quantize_threads)
    linear_quantize_strided(const __grid_constant__ LinearQuantizePlan plan) {
  const std::uint32_t height = static_cast<std::uint32_t>(plan.from.height);
  const std::int64_t rows = plan.from.count * plan.from.height;
  const std::int64_t warps = linear_quantize_threads / device::warp_size;
  for (std::int64_t index = device::block() * warps + device::warp(); index < rows;
       index += device::blocks() * warps) {
    const std::uint32_t plane = static_cast<std::uint32_t>(index) / height;
    const std::uint32_t row = static_cast<std::uint32_t>(index) % height;
    const Sample* source = static_cast<const Sample*>(plan.image) + plane_offset(plan.from, plane) +
                           row * plan.from.row_stride;
    Sample* target =
        static_cast<Sample*>(plan.result) + plane_offset(plan.to, plane) + row * plan.to.row_stride;
    for (std::int64_t begin = 0; begin < plan.from.width; begin += device::warp_size) {
      const std::int64_t column = begin + device::lane();
      const bool is_inside = column < plan.from.width;
      const Sample sample =
          device::load_global(source + column * plan.from.column_stride, is_inside);
      device::store_global(target + column * plan.to.column_stride,
                           linear_quantize_sample<rounding>(sample, plan.bits), is_inside);
    }
  }
}

using LinearQuantizeKernel = void (*)(LinearQuantizePlan);

template <typename Sample>
LinearQuantizeKernel linear_quantize_kernel(Rounding rounding, bool dense) {
  if (rounding == Rounding::nearest) {
    return dense ? linear_quantize_dense<Sample, Rounding::nearest>
                 : linear_quantize_strided<Sample, Rounding::nearest>;
  }
  return dense ? linear_quantize_dense<Sample, Rounding::floor>
               : linear_quantize_strided<Sample, Rounding::floor>;
}

inline LinearQuantizeKernel linear_quantize_kernel(SampleFormat format, Rounding rounding,
                                                   bool dense) {
  return with_sample_type(format, [&]<typename Sample>(std::type_identity<Sample>) {
    return linear_quantize_kernel<Sample>(rounding, dense);
  });
}

}  // namespace pyquant
