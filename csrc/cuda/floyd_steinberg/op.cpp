// The ops on CUDA: checks, planning, scratch memory and launches, on the device of
// the image and its current stream. Nothing here waits for the device, and memory
// comes from torch's allocator, so the ops can be captured in a CUDA graph.

#include <cuda_runtime_api.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "../../checks.h"
#include "../../tensor.h"
#include "../launch.h"

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

// The kernels count rows, and the columns of a stream, in 32 bits.
void check_rows(const Planes& planes) {
  constexpr std::int64_t most_rows = (std::int64_t{1} << 32) - 1;
  if (planes.count > most_rows / planes.height) {
    throw std::invalid_argument("image must have at most " + std::to_string(most_rows) +
                                " rows on CUDA, got " + std::to_string(planes.count) + " * " +
                                std::to_string(planes.height));
  }
}
void check_columns(const Planes& planes) {
  if (planes.width > most_stream_columns) {
    throw std::invalid_argument("image must have a width of at most " +
                                std::to_string(most_stream_columns) + " on CUDA, got " +
                                std::to_string(planes.width));
  }
}

// The result of launch(plan, image, result, device, stream), which is told the
// pointers, layouts and bits, on the device of the image and its current stream.
template <typename Plan, typename Launch>
Tensor launch_on_planes(const Tensor& image, int bits, Launch&& launch) {
  const int device = image.get_device_index();
  const torch::stable::accelerator::DeviceGuard guard(device);
  return map_planes(image, [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                               const Planes& to_planes) {
    Plan plan;
    plan.image = from.const_data_ptr();
    plan.result = to.mutable_data_ptr();
    plan.from = from_planes;
    plan.to = to_planes;
    plan.bits = bits;
    STD_CUDA_CHECK(launch(plan, from, to, device, current_stream(device)));
  });
}

Tensor floyd_steinberg(const Tensor& image, std::int64_t bits, std::string variant_name) {
  check_image(image);
  const int valid_bits = checked_bits(bits);
  const Variant variant = checked_variant(variant_name);
  const SampleFormat format = sample_format(image);
  return launch_on_planes<FloydSteinbergPlan>(
      image, valid_bits,
      [&](FloydSteinbergPlan& plan, const Tensor& from, const Tensor&, int device,
          cudaStream_t stream) {
        check_rows(plan.from);
        check_columns(plan.from);
        plan_floyd_steinberg(plan, static_cast<int>(from.element_size()), multiprocessors(device));
        Tensor scratch;
        if (plan.scratch_words > 0) {
          scratch = torch::stable::new_empty(from, {plan.scratch_words},
                                             torch::headeronly::ScalarType::Int);
          plan.scratch = static_cast<std::uint32_t*>(scratch.mutable_data_ptr());
          STD_CUDA_CHECK(cudaMemsetAsync(plan.scratch, 0xff, 4 * plan.scratch_words, stream));
        }
        return launch_floyd_steinberg(plan, variant, format, stream);
      });
}

Tensor linear_quantize(const Tensor& image, std::int64_t bits, std::string rounding_name) {
  check_image(image);
  const int valid_bits = checked_bits(bits);
  const Rounding rounding = checked_rounding(rounding_name);
  const SampleFormat format = sample_format(image);
  return launch_on_planes<LinearQuantizePlan>(
      image, valid_bits,
      [&](LinearQuantizePlan& plan, const Tensor& from, const Tensor& to, int device,
          cudaStream_t stream) {
        plan.samples = from.numel();
        plan_linear_quantize(plan, same_order_without_gaps(from, to),
                             static_cast<int>(from.element_size()), multiprocessors(device));
        if (!plan.dense) check_rows(plan.from);
        return launch_linear_quantize(plan, rounding, format, stream);
      });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CUDA, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
}
