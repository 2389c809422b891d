#pragma once

// An op on strided host memory, executed by either engine: what the launchers in
// csrc/cuda do, with the same planning.

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cuda/floyd_steinberg/kernel.cuh"
#include "cuda/linear_quantize/kernel.cuh"
#include "planes.h"
#include "planted_bugs.h"
#include "sample.h"

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

inline pyquant::SampleFormat format_of(const std::string& dtype) {
  using pyquant::SampleFormat;
  if (dtype == "uint8") return SampleFormat::uint8;
  if (dtype == "float16") return SampleFormat::float16;
  if (dtype == "bfloat16") return SampleFormat::bfloat16;
  if (dtype == "float32") return SampleFormat::float32;
  if (dtype == "float64") return SampleFormat::float64;
  throw std::invalid_argument("unknown dtype " + dtype);
}

inline int sample_size(pyquant::SampleFormat format) {
  return pyquant::with_sample_type(
      format, []<typename Sample>(std::type_identity<Sample>) -> int { return sizeof(Sample); });
}

// One launch: its size, its kernel, and the scratch it wants.
struct Launch {
  pyquant::Transfers transfers = pyquant::Transfers::samples;
  pyquant::Walk walk = pyquant::Walk::planes;  // of floyd_steinberg
  std::int64_t samples = 0;                    // that linear_quantize takes
  std::int64_t blocks = 0;
  int warps = 0;
  int shared_bytes = 0;
  std::vector<std::uint32_t> scratch;
  std::function<void()> kernel;
};

using Launches = std::vector<Launch>;

inline Launches floyd_steinberg(const Image& image, const void* data, const Image& result,
                                void* result_data, int bits, const std::string& variant_name,
                                int multiprocessors) {
  using pyquant::Variant;
  const pyquant::SampleFormat format = format_of(image.dtype);
  const Variant variant = variant_name == "textbook" ? Variant::textbook : Variant::published;
  pyquant::FloydSteinbergPlan plan;
  plan.image = data;
  plan.result = result_data;
  plan.bits = bits;
  pyquant::Planes from = planes_of(image);
  if (bugs.a_row_too_many) ++from.height;
  pyquant::plan_floyd_steinberg(plan, from, planes_of(result), sample_size(format),
                                multiprocessors);
  Launch launch;
  launch.transfers = plan.transfers;
  launch.walk = plan.walk;
  launch.blocks = plan.blocks;
  launch.warps = plan.warps;
  launch.shared_bytes = plan.shared_bytes;
  launch.scratch.assign(plan.scratch_words, 0xffffffff);
  plan.scratch = launch.scratch.data();
  const auto kernel = pyquant::floyd_steinberg_kernel(plan, format, variant);
  launch.kernel = [plan, kernel] { kernel(plan); };
  Launches launches;
  launches.push_back(std::move(launch));  // not copied: the plan has the address of the scratch
  return launches;
}

inline Launches linear_quantize(Image image, const void* data, const Image& result,
                                void* result_data, int bits, const std::string& rounding_name) {
  using pyquant::Rounding;
  const pyquant::SampleFormat format = format_of(image.dtype);
  const Rounding rounding = rounding_name == "nearest" ? Rounding::nearest : Rounding::floor;
  if (bugs.a_row_too_many) ++image.sizes[image.sizes.size() - 2];
  std::vector<pyquant::Dimension> dimensions;
  for (std::size_t i = 0; i < image.sizes.size(); ++i) {
    dimensions.push_back({image.sizes[i], image.strides[i], result.strides[i]});
  }
  Launches launches;
  for (const pyquant::LinearQuantizePlan& plan :
       pyquant::plan_linear_quantize(data, result_data, dimensions, sample_size(format), bits)) {
    const auto kernel = pyquant::linear_quantize_kernel(format, rounding, plan.transfers);
    const int size = sample_size(format);
    Launch launch;
    launch.transfers = plan.transfers;
    launch.samples =
        std::int64_t{plan.units} * (bytes_of(plan.transfers, size) / size) + plan.left_over;
    launch.blocks = plan.blocks;
    launch.warps = pyquant::linear_quantize_threads / warp_size;
    launch.kernel = [plan, kernel] { kernel(plan); };
    launches.push_back(std::move(launch));
  }
  return launches;
}

}  // namespace simt
