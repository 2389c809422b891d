#pragma once

// An op on strided host memory, executed by either engine: what the launchers in
// csrc/cuda do, with the same planning.

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "cuda/floyd_steinberg/kernel.cuh"
#include "cuda/linear_quantize/kernel.cuh"
#include "planes.h"
#include "cuda/samples.cuh"

namespace simt {

struct Image {
  std::string dtype;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;  // in samples
};

inline pyquant::Planes planes_of(const Image& image) {
  pyquant::Planes planes;
  const std::size_t rank = image.sizes.size();
  planes.height = image.sizes[rank - 2];
  planes.width = image.sizes[rank - 1];
  planes.row_stride = image.strides[rank - 2];
  planes.column_stride = image.strides[rank - 1];
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    planes.count *= image.sizes[i];
    planes.leading_size[planes.leading] = image.sizes[i];
    planes.leading_stride[planes.leading++] = image.strides[i];
  }
  return planes;
}

// Calls function(Sample{}) with the sample type of a dtype.
template <typename Function>
void dispatch(const std::string& dtype, Function&& function) {
  if (dtype == "uint8") return function(std::uint8_t{});
  if (dtype == "float16") return function(pyquant::device::Float16{});
  if (dtype == "bfloat16") return function(pyquant::device::BFloat16{});
  if (dtype == "float32") return function(float{});
  if (dtype == "float64") return function(double{});
  throw std::invalid_argument("unknown dtype " + dtype);
}

// One launch: its size, its kernel, and the scratch it wants.
struct Launch {
  std::int64_t blocks = 0;
  int warps = 0;
  int shared_bytes = 0;
  std::vector<std::uint32_t> scratch;
  std::function<void()> kernel;
};

inline Launch floyd_steinberg(const Image& image, const void* data, const Image& result,
                              void* result_data, int bits, const std::string& variant,
                              int multiprocessors) {
  Launch launch;
  dispatch(image.dtype, [&](auto sample) {
    using Sample = decltype(sample);
    using pyquant::FloydSteinbergPlan;
    FloydSteinbergPlan plan;
    plan.image = data;
    plan.result = result_data;
    plan.from = planes_of(image);
    plan.to = planes_of(result);
    plan.bits = bits;
    if (bugs.a_row_too_many) ++plan.from.height;
    pyquant::plan_floyd_steinberg(plan, sizeof(Sample), multiprocessors);
    launch.blocks = plan.blocks;
    launch.warps = plan.warps;
    launch.shared_bytes = plan.shared_bytes;
    launch.scratch.assign(plan.scratch_words, 0xffffffff);
    plan.scratch = launch.scratch.data();
    const auto kernel = [&]() -> void (*)(const FloydSteinbergPlan&) {
      using namespace pyquant;
      if (variant == "textbook") {
        return plan.tall ? floyd_steinberg_tall<Sample, TextbookStep>
                         : floyd_steinberg_short<Sample, TextbookStep>;
      }
      return plan.tall ? floyd_steinberg_tall<Sample, PublishedStep>
                       : floyd_steinberg_short<Sample, PublishedStep>;
    }();
    launch.kernel = [plan, kernel] { kernel(plan); };
  });
  return launch;
}

// `without_gaps` is what the op finds out about the two tensors.
inline Launch linear_quantize(const Image& image, const void* data, const Image& result,
                              void* result_data, int bits, const std::string& rounding,
                              bool without_gaps, int multiprocessors) {
  using pyquant::LinearQuantizePlan;
  Launch launch;
  dispatch(image.dtype, [&](auto sample) {
    using Sample = decltype(sample);
    LinearQuantizePlan plan;
    plan.image = data;
    plan.result = result_data;
    plan.from = planes_of(image);
    plan.to = planes_of(result);
    plan.samples = plan.from.count * plan.from.height * plan.from.width;
    plan.bits = bits;
    pyquant::plan_linear_quantize(plan, without_gaps, sizeof(Sample), multiprocessors);
    launch.blocks = plan.blocks;
    launch.warps = pyquant::linear_quantize_threads / warp_size;
    const auto kernel = [&]() -> void (*)(const LinearQuantizePlan&) {
      using namespace pyquant;
      if (rounding == "nearest") {
        return plan.dense ? linear_quantize_dense<Rounding::nearest, Sample>
                          : linear_quantize_strided<Rounding::nearest, Sample>;
      }
      return plan.dense ? linear_quantize_dense<Rounding::floor, Sample>
                        : linear_quantize_strided<Rounding::floor, Sample>;
    }();
    launch.kernel = [plan, kernel] { kernel(plan); };
  });
  return launch;
}

}  // namespace simt
