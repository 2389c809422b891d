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
  constexpr std::int64_t most = (std::int64_t{1} << 32) - 1;
  if (planes.count > most / planes.height) {
    throw std::invalid_argument("image must have at most " + std::to_string(most) +
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

// The result of launch(work, image, result, device, stream), which is told the
// pointers, layouts and bits, on the device of the image and its current stream.
template <typename Work, typename Launch>
Tensor launch_on_planes(const Tensor& image, int bits, Launch&& launch) {
  const int device = image.get_device_index();
  const torch::stable::accelerator::DeviceGuard guard(device);
  return map_planes(image, [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                               const Planes& to_planes) {
    Work work;
    work.image = from.const_data_ptr();
    work.result = to.mutable_data_ptr();
    work.from = from_planes;
    work.to = to_planes;
    work.bits = bits;
    STD_CUDA_CHECK(launch(work, from, to, device, current_stream(device)));
  });
}

Tensor floyd_steinberg(const Tensor& image, std::int64_t bits, std::string variant) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Variant chosen = checked_variant(variant);
  const SampleFormat format = sample_format(image);
  return launch_on_planes<FloydSteinbergWork>(
      image, checked,
      [&](FloydSteinbergWork& work, const Tensor& from, const Tensor&, int device,
          cudaStream_t stream) {
        check_rows(work.from);
        check_columns(work.from);
        plan_floyd_steinberg(work, static_cast<int>(from.element_size()), multiprocessors(device));
        Tensor scratch;
        if (work.scratch_words > 0) {
          scratch = torch::stable::new_empty(from, {work.scratch_words},
                                             torch::headeronly::ScalarType::Int);
          work.scratch = static_cast<std::uint32_t*>(scratch.mutable_data_ptr());
          STD_CUDA_CHECK(cudaMemsetAsync(work.scratch, 0xff, 4 * work.scratch_words, stream));
        }
        return launch_floyd_steinberg(work, chosen, format, stream);
      });
}

Tensor linear_quantize(const Tensor& image, std::int64_t bits, std::string rounding) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Rounding chosen = checked_rounding(rounding);
  const SampleFormat format = sample_format(image);
  return launch_on_planes<LinearQuantizeWork>(
      image, checked,
      [&](LinearQuantizeWork& work, const Tensor& from, const Tensor& to, int device,
          cudaStream_t stream) {
        work.samples = from.numel();
        plan_linear_quantize(work, same_order_without_gaps(from, to),
                             static_cast<int>(from.element_size()), multiprocessors(device));
        if (!work.dense) check_rows(work.from);
        return launch_linear_quantize(work, chosen, format, stream);
      });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CUDA, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
}
