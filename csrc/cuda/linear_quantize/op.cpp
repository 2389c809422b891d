// Linear quantization on CUDA: the op. plan.h divides the work, kernel.cuh does it, on
// the device of the image and its current stream.

#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <string>

#include "../../checks.h"
#include "../../tensor.h"
#include "../image_device.h"
#include "../limits.h"
#include "launch.h"

namespace pyquant {
namespace {

using torch::stable::Tensor;

// The result is `out`, or a new tensor if it is null.
Tensor linear_quantize_into(const Tensor* out, const Tensor& image, std::int64_t bits,
                            const std::string& rounding_name) {
  check_image(image);
  if (out) check_out(image, *out);
  const int valid_bits = checked_bits(bits);
  const Rounding rounding = checked_rounding(rounding_name);
  const SampleFormat format = sample_format(image);
  const ImageDevice device(image);
  const auto quantize_planes = [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                                   const Planes& to_planes) {
    LinearQuantizePlan plan = {.image = from.const_data_ptr(),
                               .result = to.mutable_data_ptr(),
                               .from = from_planes,
                               .to = to_planes,
                               .samples = from.numel(),
                               .bits = valid_bits};
    plan_linear_quantize(plan, same_order_without_gaps(from, to),
                         static_cast<int>(from.element_size()), device.multiprocessors());
    if (!plan.dense) check_rows(from_planes);
    STD_CUDA_CHECK(launch_linear_quantize(plan, rounding, format, device.stream()));
  };
  return map_planes(image, out, quantize_planes);
}

Tensor linear_quantize(const Tensor& image, std::int64_t bits, std::string rounding) {
  return linear_quantize_into(nullptr, image, bits, rounding);
}

void linear_quantize_out(const Tensor& image, std::int64_t bits, std::string rounding,
                         const Tensor& out) {
  linear_quantize_into(&out, image, bits, rounding);
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CUDA, library) {
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
  library.impl("linear_quantize.out", TORCH_BOX(&pyquant::linear_quantize_out));
}
