// Linear quantization on the CPU: the op, one pass over the samples in the order
// in which they lie in memory. The kernels are in quantization_*.h and in a folder
// for each instruction set.

#include "../../linear_quantize.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "../../checks.h"
#include "../../tensor_format.h"
#include "../../tensor.h"
#include "../huge_pages.h"
#include "../simd/dispatch.h"
#include "kernels.h"

namespace pyquant {
namespace {

QuantizeSamples* chosen_kernel() {
#if PYQUANT_X86
  if (instruction_set() == InstructionSet::avx512) return quantize_avx512;
  if (instruction_set() == InstructionSet::avx2) return quantize_avx2;
#endif
  return quantize_portable;
}

// A thread should have at least this many samples to pay for its wake-up.
constexpr std::int64_t samples_per_thread = 65536;

// Image and result hold the same samples in the same order without a gap.
bool same_dense_order(const torch::stable::Tensor& image, const torch::stable::Tensor& result) {
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < image.dim(); ++i) {
    if (image.size(i) != 1 && image.stride(i) != result.stride(i)) return false;
    last += (image.size(i) - 1) * image.stride(i);
  }
  return last == image.numel() - 1;  // the result is dense, and has the same strides
}

void quantize_dense(const QuantizeCall& call, std::int64_t samples) {
  QuantizeSamples* const quantize = chosen_kernel();
  if (samples <= samples_per_thread) return quantize(call, 0, 0, samples);
  torch::stable::parallel_for(0, samples, samples_per_thread,
                              [&](std::int64_t first, std::int64_t last) {
                                quantize(call, first, first, last - first);
                              });
}

void quantize_rows(const QuantizeCall& call, const Planes& from, const Planes& to) {
  QuantizeSamples* const quantize = chosen_kernel();
  const std::int64_t rows = from.count * from.height;
  const std::int64_t grain = std::max<std::int64_t>(1, samples_per_thread / from.width);
  torch::stable::parallel_for(0, rows, grain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t index = first; index < last; ++index) {
      const std::int64_t plane = index / from.height;
      const std::int64_t row = index % from.height;
      quantize(call, from.offset(plane) + row * from.row_stride,
               to.offset(plane) + row * to.row_stride, from.width);
    }
  });
}

torch::stable::Tensor linear_quantize(const torch::stable::Tensor& image, std::int64_t bits,
                                      std::string rounding) {
  check_image(image);
  const int checked = checked_bits(bits);
  const Rounding chosen = checked_rounding(rounding);
  const SampleFormat format = sample_format(image);
  return map_planes(image, [&](const auto& from, const Planes& from_planes, const auto& to,
                               const Planes& to_planes) {
    QuantizeCall call = {from.const_data_ptr(), 1, to.mutable_data_ptr(), 1, format, chosen,
                         checked};
    advise_huge_pages(to.mutable_data_ptr(), to.numel() * to.element_size());
    if (same_dense_order(from, to)) return quantize_dense(call, from.numel());
    call.from_stride = from_planes.column_stride;
    call.to_stride = to_planes.column_stride;
    quantize_rows(call, from_planes, to_planes);
  });
}

}  // namespace
}  // namespace pyquant

STABLE_TORCH_LIBRARY_IMPL(pyquant, CPU, library) {
  library.impl("linear_quantize", TORCH_BOX(&pyquant::linear_quantize));
}
