#pragma once

// Linear quantization, one pass. A thread takes a few units (plan.h): pieces of 16 bytes, words
// of 4 bytes or samples, as large as image and result allow. Lanes side by side take units side
// by side in the result.

#include <cstdint>
#include <type_traits>

#include "../../linear_quantize.h"
#include "../../sample.h"
#include "../device.cuh"
#include "../transfers.h"
#include "plan.h"

namespace pyquant {

// `is_full`: all units of the block exist. Otherwise each access has a condition.
template <typename Sample, Rounding rounding, Transfers transfers, bool is_full>
PYQUANT_DEVICE void quantize_units(const LinearQuantizePlan& plan, std::uint32_t first) {
  constexpr int bytes = bytes_of(transfers, sizeof(Sample));
  constexpr int unit_samples = bytes / sizeof(Sample);
  constexpr int count = units_of_thread(bytes);
  struct alignas(bytes) Unit {
    Sample samples[unit_samples];
  };
  const Sample* image = static_cast<const Sample*>(plan.image);
  Sample* result = static_cast<Sample*>(plan.result);
  const auto is_inside = [&](int i) {
    return is_full || first + i * linear_quantize_threads < plan.units;
  };

  // From the numbers of the units to their offsets, a dimension after the other.
  std::uint32_t index[count], from[count], to[count];
#pragma unroll
  for (int i = 0; i < count; ++i) {
    index[i] = first + i * linear_quantize_threads;
    from[i] = to[i] = 0;
  }
  const int outermost = plan.dimensions - 1;
#pragma unroll 1
  for (int d = 0; d < outermost; ++d) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      const std::uint32_t outer = plan.size[d].quotient(index[i]);
      const std::uint32_t inner = index[i] - outer * plan.size[d].divisor;
      from[i] += inner * plan.image_stride[d];
      to[i] += inner * plan.result_stride[d];
      index[i] = outer;
    }
  }
#pragma unroll
  for (int i = 0; i < count; ++i) {
    from[i] += index[i] * plan.image_stride[outermost];
    to[i] += index[i] * plan.result_stride[outermost];
  }

  Unit units[count];
  if (transfers != Transfers::words || plan.loads_units) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      units[i] = device::load_global(reinterpret_cast<const Unit*>(image + from[i]), is_inside(i));
    }
  } else {
#pragma unroll
    for (int i = 0; i < count; ++i) {
#pragma unroll
      for (int s = 0; s < unit_samples; ++s) {
        units[i].samples[s] =
            device::load_global(image + (from[i] + s * plan.sample_stride), is_inside(i));
      }
    }
  }
#pragma unroll
  for (int i = 0; i < count; ++i) {
#pragma unroll
    for (Sample& sample : units[i].samples) {
      sample = linear_quantize_sample<rounding>(sample, plan.bits);
    }
    device::store_global(reinterpret_cast<Unit*>(result + to[i]), units[i], is_inside(i));
  }
}

template <typename Sample, Rounding rounding, Transfers transfers>
__global__ void __launch_bounds__(linear_quantize_threads)
    linear_quantize(const __grid_constant__ LinearQuantizePlan plan) {
  constexpr int bytes = bytes_of(transfers, sizeof(Sample));
  constexpr std::uint32_t of_block = linear_quantize_threads * units_of_thread(bytes);
  const std::uint32_t first_of_block = static_cast<std::uint32_t>(device::block()) * of_block;
  const std::uint32_t first = first_of_block + device::thread();
  if (plan.units - first_of_block >= of_block) {
    quantize_units<Sample, rounding, transfers, true>(plan, first);
    return;
  }
  quantize_units<Sample, rounding, transfers, false>(plan, first);
  if (plan.left_over > 0) {  // then the units lie side by side in the result
    const std::uint32_t i = plan.units * (bytes / sizeof(Sample)) + device::thread();
    const bool is_left_over = device::thread() < static_cast<int>(plan.left_over);
    const Sample sample = device::load_global(
        static_cast<const Sample*>(plan.image) + i * plan.sample_stride, is_left_over);
    device::store_global(static_cast<Sample*>(plan.result) + i,
                         linear_quantize_sample<rounding>(sample, plan.bits), is_left_over);
  }
}

using LinearQuantizeKernel = void (*)(LinearQuantizePlan);

template <typename Sample, Rounding rounding>
LinearQuantizeKernel linear_quantize_kernel(Transfers transfers) {
  if (transfers == Transfers::pieces) return linear_quantize<Sample, rounding, Transfers::pieces>;
  if constexpr (sizeof(Sample) < 4) {  // the plan has words for these only
    if (transfers == Transfers::words) return linear_quantize<Sample, rounding, Transfers::words>;
  }
  return linear_quantize<Sample, rounding, Transfers::samples>;
}

inline LinearQuantizeKernel linear_quantize_kernel(SampleFormat format, Rounding rounding,
                                                   Transfers transfers) {
  return with_sample_type(format, [&]<typename Sample>(std::type_identity<Sample>) {
    return rounding == Rounding::nearest
               ? linear_quantize_kernel<Sample, Rounding::nearest>(transfers)
               : linear_quantize_kernel<Sample, Rounding::floor>(transfers);
  });
}

}  // namespace pyquant
