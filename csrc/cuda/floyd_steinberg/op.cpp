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
#include "launch.h"

namespace pyquant {
namespace {

using torch::stable::Tensor;

// The kernels count rows and columns in 31 bits.
void check_sizes(const Planes& image) {
  if (image.width > most_stream_columns) {
    throw std::invalid_argument("image must have a width of at most " +
                                std::to_string(most_stream_columns) + " on CUDA, got " +
                                std::to_string(image.width));
  }
  constexpr std::int64_t most_rows = (std::int64_t{1} << 31) - 64;
  if (image.count > most_rows / image.height) {
    throw std::invalid_argument("image must have at most " + std::to_string(most_rows) +
                                " rows on CUDA, got " + std::to_string(image.count) + " * " +
                                std::to_string(image.height));
  }
}

// Sets the scratch of the plan to ones, on the stream. A CUDA graph captures this, too, so
// that every replay does it. It is memory of torch, and may be given back as soon as the
// launch is on the same stream.
Tensor new_scratch(FloydSteinbergPlan& plan, const Tensor& image, cudaStream_t stream) {
  Tensor scratch =
      torch::stable::new_empty(image, {plan.scratch_words}, torch::headeronly::ScalarType::Int);
  plan.scratch = static_cast<std::uint32_t*>(scratch.mutable_data_ptr());
  STD_CUDA_CHECK(cudaMemsetAsync(plan.scratch, 0xff, 4 * plan.scratch_words, stream));
  return scratch;
}

// Dithers an image that the kernels walk along in place, into such a result.
void dither(const ImageDevice& device, const Tensor& image, const Tensor& result, int bits,
            Variant variant) {
  const Planes from = *planes_of(image);
  check_sizes(from);
  FloydSteinbergPlan plan;
  plan.image = image.const_data_ptr();
  plan.result = result.mutable_data_ptr();
  plan.bits = bits;
  plan_floyd_steinberg(plan, from, *planes_of(result), static_cast<int>(image.element_size()),
                       device.multiprocessors());
  const cudaStream_t stream = device.stream();
  Tensor scratch;
  if (plan.scratch_words > 0) scratch = new_scratch(plan, image, stream);
  STD_CUDA_CHECK(launch_floyd_steinberg(plan, variant, sample_format(image), stream));
}

// The result is `out`, or a new tensor if it is null.
Tensor floyd_steinberg_into(const Tensor* out, const Tensor& image, std::int64_t bits,
                            const std::string& variant_name) {
  check_image(image);
  if (out) check_out(image, *out);
  const int valid_bits = checked_bits(bits);
  const Variant variant = checked_variant(variant_name);
  const int sample_size = static_cast<int>(image.element_size());
  const ImageDevice device(image);
  const auto dither_planes = [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                                 const Planes& to_planes) {
    const bool is_direct = are_walked_in_place(from_planes, sample_size);
    const Tensor source = is_direct ? from : torch::stable::contiguous(from);
    if (are_walked_in_place(to_planes, sample_size)) {
      dither(device, source, to, valid_bits, variant);
    } else {
      const Tensor dense = torch::stable::new_empty(source, source.sizes());
      dither(device, source, dense, valid_bits, variant);
      Tensor written = to;
      torch::stable::copy_(written, dense);
    }
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
