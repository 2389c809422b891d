// The ops on CUDA: checks, planning, scratch memory and launches, on the device of
// the image and its current stream. Nothing here waits for the device, and memory
// comes from torch's allocator, so the ops can be captured in a CUDA graph.

#include <cuda_runtime_api.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "../checks.h"
#include "../tensor_format.h"
#include "../tensor_planes.h"
#include "launch.h"

namespace pyquant {
namespace {

using torch::stable::Tensor;

int multiprocessors(int device) {
  int count = 0;
  STD_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

cudaStream_t current_stream(int device) {
  return static_cast<cudaStream_t>(
      torch::stable::accelerator::getCurrentStream(device).nativeHandle());
}

// The kernels count planes, rows and the columns of a row in 32 bits.
void check_sizes(const Planes& planes) {
  constexpr std::int64_t most_rows = (std::int64_t{1} << 32) - 1;
  constexpr std::int64_t most_columns = (std::int64_t{1} << 31) - 256;
  if (planes.width > most_columns) {
    throw std::invalid_argument("image must have a width of at most " +
                                std::to_string(most_columns) + " on CUDA, got " +
                                std::to_string(planes.width));
  }
  if (planes.count > most_rows / planes.height) {
    throw std::invalid_argument("image must have at most " + std::to_string(most_rows) +
                                " rows on CUDA, got " + std::to_string(planes.count) + " * " +
                                std::to_string(planes.height));
  }
}

Tensor floyd_steinberg(const Tensor& image, std::int64_t bits, std::string variant) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Variant chosen = checked_variant(variant);
  const SampleFormat format = sample_format(image);
  const int device = image.get_device_index();
  const torch::stable::accelerator::DeviceGuard guard(device);
  return map_planes(image, [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                               const Planes& to_planes) {
    check_sizes(from_planes);
    FloydSteinbergWork work;
    work.image = from.const_data_ptr();
    work.result = to.mutable_data_ptr();
    work.from = from_planes;
    work.to = to_planes;
    work.bits = checked;
    plan_floyd_steinberg(work, static_cast<int>(from.element_size()), multiprocessors(device));

    const cudaStream_t stream = current_stream(device);
    Tensor scratch;
    if (work.scratch_words > 0) {
      scratch = torch::stable::new_empty(from, {work.scratch_words},
                                         torch::headeronly::ScalarType::Int);
      work.scratch = static_cast<std::uint32_t*>(scratch.mutable_data_ptr());
      STD_CUDA_CHECK(cudaMemsetAsync(work.scratch, 0xff, 4 * work.scratch_words, stream));
    }
    STD_CUDA_CHECK(launch_floyd_steinberg(work, chosen, format, stream));
  });
}

// Whether both lie in memory in the same order of dimensions and without gaps.
bool same_order_without_gaps(const Tensor& image, const Tensor& result) {
  const auto sizes = image.sizes();
  const auto strides = image.strides();
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < image.dim(); ++i) {
    if (sizes[i] == 1) continue;
    if (strides[i] != result.strides()[i]) return false;
    order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return strides[a] < strides[b]; });
  std::int64_t expected = 1;
  for (std::int64_t i : order) {
    if (strides[i] != expected) return false;
    expected *= sizes[i];
  }
  return true;
}

Tensor linear_quantize(const Tensor& image, std::int64_t bits, std::string rounding) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Rounding chosen = checked_rounding(rounding);
  const SampleFormat format = sample_format(image);
  const int device = image.get_device_index();
  const torch::stable::accelerator::DeviceGuard guard(device);
  return map_planes(image, [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                               const Planes& to_planes) {
    check_sizes(from_planes);
    LinearQuantizeWork work;
    work.image = from.const_data_ptr();
    work.result = to.mutable_data_ptr();
    work.from = from_planes;
    work.to = to_planes;
    work.samples = from.numel();
    work.bits = checked;
    plan_linear_quantize(work, same_order_without_gaps(from, to),
                         static_cast<int>(from.element_size()), multiprocessors(device));
    STD_CUDA_CHECK(launch_linear_quantize(work, chosen, format, current_stream(device)));
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CUDA, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
}
