// Linear quantization on the CPU: the op, one pass over the samples in the order
// in which they lie in memory. The kernels are in kernels.inl.h.

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "../../checks.h"
#include "../../tensor.h"
#include "../huge_pages.h"
#include "../simd/dispatch.h"
#include "../threads.h"
#include "kernels.h"

namespace pyquant {
namespace {

using torch::stable::Tensor;

void quantize_in_order(const LinearQuantizeCall& call, std::int64_t samples) {
  LinearQuantizeKernel* const quantize = linear_quantize_kernel(instruction_set());
  if (samples <= samples_per_thread) return quantize(call, 0, 0, samples);
  torch::stable::parallel_for(
      0, samples, samples_per_thread, [&](std::int64_t first_sample, std::int64_t end_sample) {
        quantize(call, first_sample, first_sample, end_sample - first_sample);
      });
}

void quantize_rows(const LinearQuantizeCall& call, const Planes& from, const Planes& to) {
  LinearQuantizeKernel* const quantize = linear_quantize_kernel(instruction_set());
  const std::int64_t rows = from.count * from.height;
  const std::int64_t grain = std::max<std::int64_t>(1, samples_per_thread / from.width);
  torch::stable::parallel_for(0, rows, grain, [&](std::int64_t first_row, std::int64_t end_row) {
    for (std::int64_t index = first_row; index < end_row; ++index) {
      const std::int64_t plane = index / from.height;
      const std::int64_t row = index % from.height;
      quantize(call, from.offset(plane) + row * from.row_stride,
               to.offset(plane) + row * to.row_stride, from.width);
    }
  });
}

// The result is `out`, or a new tensor if it is null.
Tensor linear_quantize_into(const Tensor* out, const Tensor& image, std::int64_t bits,
                            const std::string& rounding_name) {
  check_image(image);
  if (out) check_out(image, *out);
  const int valid_bits = checked_bits(bits);
  const Rounding rounding = checked_rounding(rounding_name);
  const SampleFormat format = sample_format(image);
  const auto quantize_planes = [&](const Tensor& from, const Planes& from_planes, const Tensor& to,
                                   const Planes& to_planes) {
    LinearQuantizeCall call = {
        from.const_data_ptr(), 1, to.mutable_data_ptr(), 1, format, rounding, valid_bits};
    if (!out) advise_huge_pages(to.mutable_data_ptr(), to.numel() * to.element_size());
    if (same_order_without_gaps(from, to)) return quantize_in_order(call, from.numel());
    call.image_stride = from_planes.column_stride;
    call.result_stride = to_planes.column_stride;
    quantize_rows(call, from_planes, to_planes);
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

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
  library.impl("linear_quantize.out", TORCH_BOX(&pyquant::linear_quantize_out));
}
