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
    using pyquant::FloydSteinbergWork;
    FloydSteinbergWork work;
    work.image = data;
    work.result = result_data;
    work.from = planes_of(image);
    work.to = planes_of(result);
    work.bits = bits;
    if (bugs.a_row_too_many) ++work.from.height;
    pyquant::plan_floyd_steinberg(work, sizeof(Sample), multiprocessors);
    launch.blocks = work.blocks;
    launch.warps = work.warps;
    launch.shared_bytes = work.shared_bytes;
    launch.scratch.assign(work.scratch_words, 0xffffffff);
    work.scratch = launch.scratch.data();
    const auto kernel = [&]() -> void (*)(const FloydSteinbergWork&) {
      using namespace pyquant;
      if (variant == "textbook") {
        return work.tall ? floyd_steinberg_tall<Sample, TextbookSteps>
                         : floyd_steinberg_short<Sample, TextbookSteps>;
      }
      return work.tall ? floyd_steinberg_tall<Sample, PublishedSteps>
                       : floyd_steinberg_short<Sample, PublishedSteps>;
    }();
    launch.kernel = [work, kernel] { kernel(work); };
  });
  return launch;
}

// `without_gaps` is what the op finds out about the two tensors.
inline Launch linear_quantize(const Image& image, const void* data, const Image& result,
                              void* result_data, int bits, const std::string& rounding,
                              bool without_gaps, int multiprocessors) {
  using pyquant::LinearQuantizeWork;
  Launch launch;
  dispatch(image.dtype, [&](auto sample) {
    using Sample = decltype(sample);
    LinearQuantizeWork work;
    work.image = data;
    work.result = result_data;
    work.from = planes_of(image);
    work.to = planes_of(result);
    work.samples = work.from.count * work.from.height * work.from.width;
    work.bits = bits;
    pyquant::plan_linear_quantize(work, without_gaps, sizeof(Sample), multiprocessors);
    launch.blocks = work.blocks;
    launch.warps = pyquant::linear_quantize_threads / warp_size;
    const auto kernel = [&]() -> void (*)(const LinearQuantizeWork&) {
      using namespace pyquant;
      if (rounding == "nearest") {
        return work.dense ? linear_quantize_dense<Rounding::nearest, Sample>
                          : linear_quantize_strided<Rounding::nearest, Sample>;
      }
      return work.dense ? linear_quantize_dense<Rounding::floor, Sample>
                        : linear_quantize_strided<Rounding::floor, Sample>;
    }();
    launch.kernel = [work, kernel] { kernel(work); };
  });
  return launch;
}

}  // namespace simt
