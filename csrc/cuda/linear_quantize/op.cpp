// Linear quantization on CUDA: the op. plan.h divides the work, kernel.cuh does it, on
// the device of the image and its current stream.

#include <torch/csrc/stable/library.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../../checks.h"
#include "../../tensor.h"
#include "../image_device.h"
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
  const Tensor result = out ? *out : empty_result(image);
  if (image.numel() == 0) return result;
  std::vector<Dimension> dimensions;
  for (std::int64_t i = 0; i < image.dim(); ++i) {
    dimensions.push_back({image.size(i), image.stride(i), result.stride(i)});
  }
  const ImageDevice device(image);
  for (const LinearQuantizePlan& plan :
       plan_linear_quantize(image.const_data_ptr(), result.mutable_data_ptr(), dimensions,
                            static_cast<int>(image.element_size()), valid_bits)) {
    STD_CUDA_CHECK(launch_linear_quantize(plan, rounding, format, device.stream()));
  }
  return result;
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
