// Floyd-Steinberg dithering on CUDA: the op. plan.h divides the work, kernel.cuh does
// it, on the device of the image and its current stream.

#include <cuda_runtime_api.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "../../checks.h"
#include "../../tensor.h"
#include "../image_device.h"
#include "../limits.h"
#include "launch.h"

namespace pyquant {
namespace {

using torch::stable::Tensor;

void check_columns(const Planes& image) {
  if (image.width > most_stream_columns) {
    throw std::invalid_argument("image must have a width of at most " +
                                std::to_string(most_stream_columns) + " on CUDA, got " +
                                std::to_string(image.width));
  }
}

// Sets the scratch of the plan to ones, on the stream. It is memory of torch, and may
// be given back as soon as the launch is on the same stream.
Tensor new_scratch(FloydSteinbergPlan& plan, const Tensor& image, cudaStream_t stream) {
  Tensor scratch =
      torch::stable::new_empty(image, {plan.scratch_words}, torch::headeronly::ScalarType::Int);
  plan.scratch = static_cast<std::uint32_t*>(scratch.mutable_data_ptr());
  STD_CUDA_CHECK(cudaMemsetAsync(plan.scratch, 0xff, 4 * plan.scratch_words, stream));
  return scratch;
}

// The result is `out`, or a new tensor if it is null.
Tensor floyd_steinberg_into(const Tensor* out, const Tensor& image, std::int64_t bits,
                            const std::string& variant_name) {
  check_image(image);
  if (out) check_out(image, *out);
  const int valid_bits = checked_bits(bits);
  const Variant variant = checked_variant(variant_name);
  const SampleFormat format = sample_format(image);
  const ImageDevice device(image);
  const auto dither_planes = [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                                 const Planes& to_planes) {
    check_rows(from_planes);
    check_columns(from_planes);
    FloydSteinbergPlan plan = {.image = from.const_data_ptr(),
                               .result = to.mutable_data_ptr(),
                               .from = from_planes,
                               .to = to_planes,
                               .bits = valid_bits};
    plan_floyd_steinberg(plan, static_cast<int>(from.element_size()), device.multiprocessors());
    const cudaStream_t stream = device.stream();
    Tensor scratch;
    if (plan.scratch_words > 0) scratch = new_scratch(plan, from, stream);
    STD_CUDA_CHECK(launch_floyd_steinberg(plan, variant, format, stream));
  };
  return map_planes(image, out, dither_planes);
}

Tensor floyd_steinberg(const Tensor& image, std::int64_t bits, std::string variant) {
  return floyd_steinberg_into(nullptr, image, bits, variant);
}

void floyd_steinberg_out(const Tensor& image, std::int64_t bits, std::string variant,
                         const Tensor& out) {
  floyd_steinberg_into(&out, image, bits, variant);
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CUDA, library) {
  library.impl("floyd_steinberg", TORCH_BOX(&pyquant::floyd_steinberg));
  library.impl("floyd_steinberg.out", TORCH_BOX(&pyquant::floyd_steinberg_out));
}
